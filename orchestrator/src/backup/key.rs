//! Key pairs for restoring. The node needs the public half only; the secret half lies in a file of its own, under a passphrase if one is given.

use super::quorum;
use crate::fault::{Code, Fault, Result};
use crate::home::write_atomic;
use crate::keys::rng;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::pbkdf2;
use rand::Rng;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;
use std::path::Path;
use yu_wire::seal::{SealKey, SealPublic};
use zeroize::{Zeroize, Zeroizing};

/// Rounds of PBKDF2-HMAC-SHA-512: five times what OWASP's cheat sheet of 2023 asks for (210 000), since a key file is opened seldom.
const ROUNDS: u32 = 1_000_000;
/// Most rounds that are computed for a file: a changed number must not keep the machine busy for hours.
const MOST_ROUNDS: u32 = 50_000_000;
/// Shortest passphrase, characters.
const SHORTEST: usize = 12;
const KDF: &str = "pbkdf2-hmac-sha-512";
const AAD: &[u8] = b"yu-backup-key-v1";

/// The secret half on disk.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    v: u32,
    public: SealPublic,
    /// How the passphrase becomes a key; absent: the secret stands as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    protection: Option<Protection>,
    /// Which part of the secret this is; absent: the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    part: Option<PartOf>,
    /// The secret, or the secret as protected, in hexadecimal.
    secret: String,
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Protection {
    kdf: String,
    rounds: u32,
    salt: String,
    nonce: String,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct PartOf {
    /// Its place, from 1.
    place: u8,
    /// How many parts give the secret back.
    quorum: u8,
}

/// Makes a pair whose secret half several hold: a file for each at `path` with `.1`, `.2` and so on behind its name, the public half with `.pub`.
///
/// # Errors
/// `file.exists`; `input.bad` for a quorum that cannot be; `storage.failed`.
pub fn make_parts(path: &Path, quorum: u8, holders: u8) -> Result<SealPublic> {
    let public_path = path.with_added_extension("pub");
    let key = SealKey::generate(&mut rng());
    let parts = quorum::split(&key.to_bytes(), quorum, holders, &mut rng())?;
    let place = |part: u8| path.with_added_extension(part.to_string());
    if public_path.exists() || parts.iter().any(|(part, _)| place(*part).exists()) {
        return Err(Fault::new(Code::Exists, "a key is never overwritten: backups need it").at(path.display().to_string()));
    }
    for (part, bytes) in &parts {
        let of = PartOf { place: *part, quorum };
        let file = KeyFile { v: 1, public: key.public(), protection: None, part: Some(of), secret: hex::encode(&bytes[..]) };
        let json = Zeroizing::new(serde_json::to_vec_pretty(&file).map_err(|e| Fault::new(Code::Bug, e.to_string()))?);
        write_atomic(&place(*part), &json, 0o600)?;
    }
    write_atomic(&public_path, format!("{}\n", key.public()).as_bytes(), 0o644)?;
    Ok(key.public())
}

/// Opens the secret half from its one file, or from as many parts as it takes.
///
/// # Errors
/// As [`open`]; `input.bad` for too few parts, or parts of different keys.
pub fn open_all(paths: &[std::path::PathBuf], passphrase: Option<&str>) -> Result<SealKey> {
    if let [one] = paths
        && parsed(one)?.part.is_none()
    {
        return open(one, passphrase);
    }
    let mut parts = Vec::new();
    let mut known: Option<(SealPublic, u8)> = None;
    for path in paths {
        let bad = |what: &str| Fault::new(Code::Input, what.to_owned()).at(path.display().to_string());
        let file = parsed(path)?;
        let of = file.part.ok_or_else(|| bad("no part of a key, but a whole one"))?;
        if *known.get_or_insert((file.public, of.quorum)) != (file.public, of.quorum) {
            return Err(bad("a part of another key"));
        }
        let bytes: Option<[u8; 32]> = hex::decode(file.secret.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok());
        parts.push((of.place, Zeroizing::new(bytes.ok_or_else(|| bad("no key file of a backup"))?)));
    }
    let (public, needed) = known.ok_or_else(|| Fault::new(Code::Input, "name the key").at("--key"))?;
    if parts.len() < usize::from(needed) {
        return Err(Fault::new(Code::Input, format!("{} parts of the key, {needed} are needed", parts.len())).at("--key"));
    }
    let key = SealKey::from_bytes(&quorum::join(&parts)?[..])?;
    if key.public() == public { Ok(key) } else { Err(Fault::new(Code::Damaged, "the parts do not give the key").at("--key")) }
}

fn parsed(path: &Path) -> Result<KeyFile> {
    let place = path.display().to_string();
    let bytes = Zeroizing::new(std::fs::read(path).map_err(|e| {
        let code = if e.kind() == std::io::ErrorKind::NotFound { Code::FileMissing } else { Code::FileRead };
        Fault::new(code, e.kind().to_string()).at(place.clone())
    })?);
    serde_json::from_slice(&bytes).map_err(|_| Fault::new(Code::Damaged, "no key file of a backup").at(place))
}

/// Makes a pair: the secret half at `path`, the public half beside it with `.pub` behind its name.
///
/// # Errors
/// `file.exists`; `input.bad` for a passphrase below 12 characters; `storage.failed`.
pub fn make(path: &Path, passphrase: Option<&str>) -> Result<SealPublic> {
    let public_path = path.with_added_extension("pub");
    if path.exists() || public_path.exists() {
        return Err(Fault::new(Code::Exists, "a key is never overwritten: backups need it").at(path.display().to_string()));
    }
    let key = SealKey::generate(&mut rng());
    let (protection, secret) = match passphrase {
        None => (None, hex::encode(&key.to_bytes()[..])),
        Some(passphrase) => {
            if passphrase.chars().count() < SHORTEST {
                return Err(Fault::new(Code::Input, format!("a passphrase has {SHORTEST} characters at least")).at("passphrase"));
            }
            let (mut salt, mut nonce) = ([0_u8; 16], [0_u8; 12]);
            rng().fill_bytes(&mut salt);
            rng().fill_bytes(&mut nonce);
            let mut sealed = key.to_bytes().to_vec();
            cipher(passphrase, &salt, ROUNDS)?
                .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(AAD), &mut sealed)
                .map_err(|_| Fault::new(Code::Bug, "encryption failed"))?;
            let protection = Protection { kdf: KDF.into(), rounds: ROUNDS, salt: hex::encode(salt), nonce: hex::encode(nonce) };
            (Some(protection), hex::encode(sealed))
        }
    };
    let file = KeyFile { v: 1, public: key.public(), protection, part: None, secret };
    let json = Zeroizing::new(serde_json::to_vec_pretty(&file).map_err(|e| Fault::new(Code::Bug, e.to_string()))?);
    write_atomic(path, &json, 0o600)?;
    write_atomic(&public_path, format!("{}\n", key.public()).as_bytes(), 0o644)?;
    Ok(key.public())
}

/// The public half, as `make` wrote it beside the secret one.
///
/// # Errors
/// `input.bad`.
pub fn public(text: &str) -> Result<SealPublic> {
    serde_json::from_value(serde_json::Value::String(text.trim().to_owned()))
        .map_err(|_| Fault::new(Code::Input, "no public key of a backup: give the file that ends with .pub").at("--to"))
}

/// Opens the secret half.
///
/// # Errors
/// `input.bad` for a wrong or missing passphrase; `storage.damaged`; `file.missing`.
pub fn open(path: &Path, passphrase: Option<&str>) -> Result<SealKey> {
    let place = path.display().to_string();
    let damaged = || Fault::new(Code::Damaged, "no key file of a backup").at(place.clone());
    let file = parsed(path)?;
    let mut secret = Zeroizing::new(hex::decode(file.secret.as_bytes()).map_err(|_| damaged())?);
    let key = match (&file.protection, passphrase) {
        (None, _) => SealKey::from_bytes(&secret)?,
        (Some(_), None) => {
            return Err(Fault::new(Code::Input, "the key is under a passphrase: give --passphrase-file").at(place));
        }
        (Some(protection), Some(passphrase)) => {
            let salt = hex::decode(&protection.salt).map_err(|_| damaged())?;
            let nonce: [u8; 12] = hex::decode(&protection.nonce).ok().and_then(|n| n.try_into().ok()).ok_or_else(damaged)?;
            if protection.kdf != KDF || protection.rounds < ROUNDS || protection.rounds > MOST_ROUNDS || salt.len() != 16 {
                return Err(damaged());
            }
            let plain = cipher(passphrase, &salt, protection.rounds)?
                .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(AAD), &mut secret)
                .map_err(|_| Fault::new(Code::Input, "the passphrase does not open the key").at(place.clone()))?;
            SealKey::from_bytes(plain)?
        }
    };
    if file.v != 1 || key.public() != file.public {
        return Err(damaged());
    }
    Ok(key)
}

fn cipher(passphrase: &str, salt: &[u8], rounds: u32) -> Result<LessSafeKey> {
    let rounds = NonZeroU32::new(rounds).ok_or_else(|| Fault::new(Code::Damaged, "no rounds"))?;
    let mut derived = Zeroizing::new([0_u8; 32]);
    pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA512, rounds, salt, passphrase.as_bytes(), &mut derived[..]);
    UnboundKey::new(&AES_256_GCM, &derived[..]).map(LessSafeKey::new).map_err(|_| Fault::new(Code::Bug, "cipher set-up failed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d3_a_key_opens_with_its_passphrase_only_and_is_never_overwritten() {
        let dir = tempfile::tempdir().unwrap();
        let (plain, kept) = (dir.path().join("plain"), dir.path().join("kept"));
        assert_eq!(make(&kept, Some("too short")).unwrap_err().code, Code::Input);
        let public_half = make(&kept, Some("correct horse battery")).unwrap();
        assert_eq!(make(&kept, None).unwrap_err().code, Code::Exists);
        assert_eq!(public(&std::fs::read_to_string(dir.path().join("kept.pub")).unwrap()).unwrap(), public_half);
        assert_eq!(open(&kept, None).unwrap_err().code, Code::Input);
        assert_eq!(open(&kept, Some("correct horse batterz")).unwrap_err().code, Code::Input);
        assert_eq!(open(&kept, Some("correct horse battery")).unwrap().public(), public_half);
        // fewer rounds than were meant, or a changed text
        let text = std::fs::read_to_string(&kept).unwrap();
        std::fs::write(&kept, text.replace("1000000", "1")).unwrap();
        assert_eq!(open(&kept, Some("correct horse battery")).unwrap_err().code, Code::Damaged);
        // two of three hold a key; one alone, parts of two keys, or a part given twice open nothing
        let (shared, other) = (dir.path().join("shared"), dir.path().join("other"));
        let public_half = make_parts(&shared, 2, 3).unwrap();
        make_parts(&other, 2, 3).unwrap();
        assert_eq!(make_parts(&shared, 2, 3).unwrap_err().code, Code::Exists);
        let part = |path: &Path, n: u8| path.with_added_extension(n.to_string());
        assert_eq!(open_all(&[part(&shared, 1), part(&shared, 3)], None).unwrap().public(), public_half);
        for few in [vec![part(&shared, 2)], vec![part(&shared, 1), part(&other, 2)], vec![part(&shared, 1), part(&shared, 1)], Vec::new()] {
            assert_eq!(open_all(&few, None).err().unwrap().code, Code::Input);
        }
        let first = make(&plain, None).unwrap();
        assert_eq!(open_all(std::slice::from_ref(&plain), None).unwrap().public(), first);
        assert_eq!(open(&plain, None).unwrap().public(), first);
        assert!(public("not a key").is_err());
    }
}
