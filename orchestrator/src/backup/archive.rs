//! The files of a backup: a signed head, the encrypted control data, payloads under their own keys.

use crate::fault::{Code, Fault, Result};
use crate::home::write_atomic;
use crate::keys::rng;
use crate::node::payload_hash;
use crate::vault::blob;
use rand::Rng;
use serde::{Deserialize, Serialize};
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use yu_governance::canonical::{Hash, u64_string};
use yu_governance::clock::Time;
use yu_governance::id::PartyName;
use yu_governance::sign::{KeyRing, Signed, SignedType, SigningKey};
use yu_wire::seal::{SealKey, SealPublic, Sealed, seal};
use zeroize::Zeroizing;

const HEAD: &str = "backup.json";
const CONTROL: &str = "control.yub";
const BLOBS: &str = "blobs";
const INFO: &[u8] = b"yu-backup-v1";
/// Largest head that is read.
const LARGEST_HEAD: u64 = 64 << 10;
/// Most files of the control data, and most payloads.
const MOST: usize = 1_000_000;

/// What a backup says about itself without being opened. No name of a data set, no count of rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupHead {
    /// Format version, 1.
    pub v: u32,
    /// Whose it is; signs.
    pub node: PartyName,
    /// When it was made.
    pub at: Time,
    /// Entries of the audit log in it.
    #[serde(with = "u64_string")]
    pub entries: u64,
    /// Hash of the entries' bytes: a restored log is this, or begins with it.
    pub log: Hash,
    /// Destructions that the escrow had seen: an older copy of it is refused beside this backup.
    #[serde(with = "u64_string")]
    pub epoch: u64,
    /// Payloads in it.
    #[serde(with = "u64_string")]
    pub payloads: u64,
    /// Hash of the encrypted control data.
    pub control: Hash,
    /// To whom it is sealed.
    pub to: SealPublic,
}

impl SignedType for BackupHead {
    const TYPE: &'static str = "backup-head-v1";
}

/// The head with the key of the control data, sealed.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Outer {
    head: Signed<BackupHead>,
    sealed: Sealed,
}

/// One payload in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Payload {
    /// Its id in the vault.
    pub id: String,
    /// Name of its key.
    pub key: String,
    /// Hash of the encrypted bytes.
    pub hash: Hash,
    /// How many.
    pub bytes: u64,
}

/// What the control data hold, before their bytes.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    v: u32,
    files: Vec<(String, u64)>,
    payloads: Vec<Payload>,
}

/// A file of the node's directory: name below it, and bytes.
pub type File = (String, Zeroizing<Vec<u8>>);

/// What goes into a backup beside the payloads, which are written already.
pub struct Parts {
    /// Files of the node.
    pub files: Vec<File>,
    /// The payloads.
    pub payloads: Vec<Payload>,
    /// Entries of the log.
    pub entries: u64,
    /// Hash of their bytes.
    pub log: Hash,
    /// Epoch of the escrow.
    pub epoch: u64,
}

/// An opened backup.
pub struct Opened {
    /// Its head; the signature is that of the signing key inside.
    pub head: BackupHead,
    /// Hash of the head.
    pub hash: Hash,
    /// Files of the node.
    pub files: Vec<File>,
    /// The payloads.
    pub payloads: Vec<Payload>,
    dir: PathBuf,
}

/// Where a payload lies, by the name of its key: names of data sets are in the encrypted part.
#[must_use]
pub fn payload_path(dir: &Path, key: &str) -> PathBuf {
    dir.join(BLOBS).join(key)
}

/// Makes the folders of a new backup.
///
/// # Errors
/// `file.exists` when the folder is not empty; `storage.failed`.
pub fn begin(dir: &Path) -> Result<()> {
    if dir.exists() && fs::read_dir(dir).map_err(|e| Fault::io(&e, dir))?.next().is_some() {
        return Err(Fault::new(Code::Exists, "a backup goes into an empty folder").at(dir.display().to_string()));
    }
    let path = dir.join(BLOBS);
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&path).map_err(|e| Fault::io(&e, &path))
}

/// Writes control data and head; the head comes last, so a folder without one is no backup.
///
/// # Errors
/// `storage.failed`, `disk.full`.
pub fn finish(dir: &Path, parts: &Parts, (node, key): (&PartyName, &SigningKey), to: &SealPublic, at: Time) -> Result<Hash> {
    let bug = |e: serde_json::Error| Fault::new(Code::Bug, e.to_string());
    let files = parts.files.iter().map(|(name, bytes)| (name.clone(), bytes.len() as u64)).collect();
    let contents = Contents { v: 1, files, payloads: parts.payloads.clone() };
    let mut plain = Zeroizing::new(serde_json::to_vec(&contents).map_err(bug)?);
    plain.push(b'\n');
    let size = parts.files.iter().map(|(_, bytes)| bytes.len()).sum::<usize>();
    // what a growing buffer leaves behind would not be wiped
    let mut whole = Zeroizing::new(Vec::with_capacity(plain.len() + size));
    whole.extend_from_slice(&plain);
    parts.files.iter().for_each(|(_, bytes)| whole.extend_from_slice(bytes));
    let mut archive_key = Zeroizing::new([0_u8; 32]);
    rng().fill_bytes(&mut archive_key[..]);
    let encrypted = blob::encrypt(crate::suite::current(), &archive_key, CONTROL, &whole)?;
    let head = BackupHead {
        v: 1,
        node: node.clone(),
        at,
        entries: parts.entries,
        log: parts.log,
        epoch: parts.epoch,
        payloads: parts.payloads.len() as u64,
        control: Hash::of_file(&encrypted),
        to: *to,
    };
    let hash = payload_hash(&head)?;
    let sealed = seal(to, INFO, hash.as_bytes(), &archive_key[..], &mut rng())?;
    write_atomic(&dir.join(CONTROL), &encrypted, 0o600)?;
    let outer = Outer { head: Signed::sign(head, node.as_str(), key)?, sealed };
    write_atomic(&dir.join(HEAD), &serde_json::to_vec_pretty(&outer).map_err(bug)?, 0o600)?;
    Ok(hash)
}

/// Opens a backup; everything but the payloads is checked: hashes, encryption, and that the node inside signed the head.
///
/// # Errors
/// `storage.damaged`, `contract.altered`, `input.bad` for a key to which it is not sealed; `file.missing`.
pub fn open(dir: &Path, key: &SealKey) -> Result<Opened> {
    let damaged = |what: &str| Fault::new(Code::Damaged, what.to_owned()).at(dir.display().to_string());
    let outer: Outer = serde_json::from_slice(&read(&dir.join(HEAD), LARGEST_HEAD)?).map_err(|_| damaged("the head does not parse"))?;
    let head = outer.head.payload.clone();
    if head.v != 1 {
        return Err(Fault::new(Code::Version, format!("a backup of format {}, this program knows 1", head.v)));
    }
    if head.to != key.public() {
        return Err(Fault::new(Code::Input, format!("the backup is sealed to `{}`, the key is `{}`", head.to, key.public())).at("--key"));
    }
    let hash = payload_hash(&head)?;
    let archive_key = key.open(INFO, hash.as_bytes(), &outer.sealed).map_err(|_| damaged("the head was changed"))?;
    let archive_key: [u8; 32] = archive_key[..].try_into().map_err(|_| damaged("the key of the control data"))?;
    let archive_key = Zeroizing::new(archive_key);
    let encrypted = read(&dir.join(CONTROL), u64::MAX)?;
    if Hash::of_file(&encrypted) != head.control {
        return Err(Fault::new(Code::Tampered, "the control data are not those of the head").at(dir.display().to_string()));
    }
    let plain = blob::decrypt(crate::suite::current(), &archive_key, CONTROL, &encrypted)?;
    let end = plain.iter().position(|b| *b == b'\n').ok_or_else(|| damaged("no list of contents"))?;
    let (list, mut rest) = plain.split_at(end.saturating_add(1));
    let contents: Contents = serde_json::from_slice(list).map_err(|_| damaged("the list of contents does not parse"))?;
    if contents.v != 1 || contents.files.len() > MOST || contents.payloads.len() > MOST || contents.payloads.len() as u64 != head.payloads {
        return Err(damaged("the list of contents"));
    }
    let mut files = Vec::with_capacity(contents.files.len());
    for (name, bytes) in contents.files {
        let length = usize::try_from(bytes).ok().filter(|length| *length <= rest.len()).ok_or_else(|| damaged("a file is cut off"))?;
        if !is_name(&name) {
            return Err(damaged("a file would lie outside the node's directory"));
        }
        let (file, behind) = rest.split_at(length);
        files.push((name, Zeroizing::new(file.to_vec())));
        rest = behind;
    }
    let opened = Opened { head, hash, files, payloads: contents.payloads, dir: dir.to_owned() };
    let ids = opened
        .payloads
        .iter()
        .all(|p| crate::vault::check_id(&p.id).is_ok() && p.key.len() == 32 && crate::vault::check_id(&p.key).is_ok());
    if !rest.is_empty() || !ids {
        return Err(damaged("the list of contents does not fit the bytes"));
    }
    let mut ring = KeyRing::new();
    ring.insert(opened.head.node.as_str(), opened.signing()?.public())?;
    outer.head.verify(&ring, &[opened.head.node.as_str()])?;
    Ok(opened)
}

impl Opened {
    /// A file of the node.
    ///
    /// # Errors
    /// `storage.damaged` when it is not in the backup.
    pub fn file(&self, name: &str) -> Result<&[u8]> {
        let found = self.files.iter().find(|(known, _)| known == name);
        found.map(|(_, bytes)| &bytes[..]).ok_or_else(|| Fault::new(Code::Damaged, format!("the backup has no `{name}`")))
    }

    fn key(&self, name: &str) -> Result<Zeroizing<[u8; 32]>> {
        let bytes: [u8; 32] = self.file(name)?.try_into().map_err(|_| Fault::new(Code::Damaged, format!("`{name}` has a wrong length")))?;
        Ok(Zeroizing::new(bytes))
    }

    /// The node's signing key.
    ///
    /// # Errors
    /// `storage.damaged`.
    pub fn signing(&self) -> Result<SigningKey> {
        let key = self.key("keys/signing.key")?;
        SigningKey::of_suite(crate::suite::current(), &key).map_err(|e| Fault::new(Code::Damaged, e.to_string()))
    }

    /// The node key, which wraps the keys of the payloads.
    ///
    /// # Errors
    /// `storage.damaged`.
    pub fn node_key(&self) -> Result<Zeroizing<[u8; 32]>> {
        self.key("keys/node.key")
    }

    /// The encrypted bytes of a payload.
    ///
    /// # Errors
    /// `contract.altered` for other bytes; `file.missing`.
    pub fn payload(&self, payload: &Payload) -> Result<Vec<u8>> {
        let path = payload_path(&self.dir, &payload.key);
        let bytes = read(&path, payload.bytes)?;
        if bytes.len() as u64 != payload.bytes || Hash::of_file(&bytes) != payload.hash {
            return Err(Fault::new(Code::Tampered, "a payload is not the one of the list").at(path.display().to_string()));
        }
        Ok(bytes)
    }
}

fn read(path: &Path, most: u64) -> Result<Vec<u8>> {
    let io = |e: std::io::Error| {
        let code = if e.kind() == std::io::ErrorKind::NotFound { Code::FileMissing } else { Code::FileRead };
        Fault::new(code, e.kind().to_string()).at(path.display().to_string())
    };
    if fs::metadata(path).map_err(io)?.len() > most {
        return Err(Fault::new(Code::Damaged, format!("larger than {most} bytes")).at(path.display().to_string()));
    }
    fs::read(path).map_err(io)
}

/// Files of a node lie in its directory or one folder below it; nothing leads out.
fn is_name(name: &str) -> bool {
    let parts: Vec<&str> = name.split('/').collect();
    let plain = |part: &&str| crate::vault::check_id(part).is_ok();
    match parts[..] {
        [file] => plain(&file),
        [folder, file] => matches!(folder, "keys" | "store" | "audit") && plain(&file),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d3_names_in_a_backup_stay_in_the_directory() {
        for bad in ["../x", "/etc/passwd", "keys/../x", "keys/data/x.key", "audit/.hidden", "", "keys/", "other/x"] {
            assert!(!is_name(bad), "{bad}");
        }
        assert!(["node.toml", "keys/node.pem", "store/yu.sqlite", "audit/entries.jsonl"].into_iter().all(is_name));
    }

    #[test]
    fn d3_a_backup_opens_with_its_key_only_and_no_byte_of_it_can_be_changed() {
        let dir = tempfile::tempdir().unwrap();
        let (to, other) = (SealKey::generate(&mut rng()), SealKey::generate(&mut rng()));
        let signing = SigningKey::from_bytes(&[7; 32]);
        let file = |name: &str, bytes: &[u8]| (name.to_owned(), Zeroizing::new(bytes.to_vec()));
        let made = |name: &str, signer: &SigningKey| {
            let place = dir.path().join(name);
            begin(&place).unwrap();
            std::fs::write(payload_path(&place, &"a".repeat(32)), b"ciphertext").unwrap();
            let payload = Payload { id: "ds-x".into(), key: "a".repeat(32), hash: Hash::of_file(b"ciphertext"), bytes: 10 };
            let files = vec![file("node.toml", b"x = 1"), file("keys/signing.key", &[7; 32]), file("keys/node.key", &[8; 32])];
            let parts = Parts { files, payloads: vec![payload], entries: 3, log: Hash::of_file(b"log"), epoch: 5 };
            let node = "yu://dev/health/n1".parse().unwrap();
            finish(&place, &parts, (&node, signer), &to.public(), Time::from_unix(1_796_000_000)).unwrap();
            place
        };
        let good = made("good", &signing);
        assert_eq!(begin(&good).unwrap_err().code, Code::Exists);
        let opened = open(&good, &to).unwrap();
        assert_eq!((opened.file("node.toml").unwrap(), opened.head.epoch), (&b"x = 1"[..], 5));
        assert_eq!(opened.payload(&opened.payloads[0]).unwrap(), b"ciphertext");
        assert_eq!(open(&good, &other).err().unwrap().code, Code::Input);
        // signed by somebody who is not the node inside
        assert_eq!(open(&made("foreign", &SigningKey::from_bytes(&[9; 32])), &to).err().unwrap().code, Code::Signature);
        // a head that says something else: a later epoch, an earlier time
        let head = std::fs::read_to_string(good.join(HEAD)).unwrap();
        std::fs::write(good.join(HEAD), head.replace("\"epoch\": \"5\"", "\"epoch\": \"0\"")).unwrap();
        assert_eq!(open(&good, &to).err().unwrap().code, Code::Damaged);
        std::fs::write(good.join(HEAD), &head).unwrap();
        let control = std::fs::read(good.join(CONTROL)).unwrap();
        let mut bad = control.clone();
        *bad.last_mut().unwrap() ^= 1;
        std::fs::write(good.join(CONTROL), bad).unwrap();
        assert_eq!(open(&good, &to).err().unwrap().code, Code::Tampered);
        std::fs::write(good.join(CONTROL), control).unwrap();
        std::fs::write(payload_path(&good, &"a".repeat(32)), b"ciphertexT").unwrap();
        assert_eq!(opened.payload(&opened.payloads[0]).unwrap_err().code, Code::Tampered);
    }
}
