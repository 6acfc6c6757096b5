//! Payloads at rest: each under its own key, each key wrapped by the node key, so that deleting a key file destroys
//! its payload (we claim key destruction, not media erasure).
//!
//! A blob is `YUB1`, a JSON line that names the algorithm, and segments of AES-256-GCM (STREAM construction, Hoang,
//! Reyhanitabar, Rogaway, Vizár 2015): nonce = 7-byte random prefix, 4-byte segment counter, 1 byte that marks the last,
//! so that truncation, reordering and splicing of segments are refused.

use crate::fault::{Code, Fault, Result};
use crate::home::{Home, write_atomic};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::PathBuf;
use zeroize::Zeroizing;

/// Bytes of plaintext in a segment: large enough to be fast, small enough to stream.
const SEGMENT: usize = 1 << 20;
const TAG: usize = 16;
const MAGIC: &[u8; 4] = b"YUB1";
const ALG: &str = "aes-256-gcm-stream-1m";

#[derive(Serialize, Deserialize)]
struct BlobHead {
    alg: String,
    prefix: String,
}

#[derive(Serialize, Deserialize)]
struct WrappedKey {
    alg: String,
    id: String,
    /// Random name of the key; destruction certificates cite it.
    key_id: String,
    nonce: String,
    key: String,
}

/// Keys and encrypted payloads of one node.
pub struct Vault {
    home: Home,
    node_key: Zeroizing<[u8; 32]>,
}

impl Vault {
    /// Makes the node key of a new node.
    ///
    /// # Errors
    /// `storage.failed`, `disk.full`.
    pub fn create(home: &Home) -> Result<Self> {
        let key = random_key()?;
        write_atomic(&home.path("keys/node.key"), &key[..], 0o600)?;
        Self::open(home)
    }

    /// Opens the vault of an existing node.
    ///
    /// # Errors
    /// `storage.damaged` when the node key is missing or has a wrong length.
    pub fn open(home: &Home) -> Result<Self> {
        let path = home.path("keys/node.key");
        let bytes = Zeroizing::new(fs::read(&path).map_err(|e| Fault::io(&e, &path))?);
        let mut node_key = Zeroizing::new([0_u8; 32]);
        if bytes.len() != 32 {
            return Err(Fault::new(Code::Damaged, "node key has a wrong length").at(path.display().to_string()));
        }
        node_key.copy_from_slice(&bytes);
        Ok(Self { home: home.clone(), node_key })
    }

    fn key_path(&self, id: &str) -> PathBuf {
        self.home.path("keys/data").join(format!("{id}.key"))
    }

    fn blob_path(&self, id: &str) -> PathBuf {
        self.home.path("store/blobs").join(id)
    }

    /// Encrypts a payload under a fresh key of its own; an existing payload of this id is replaced with its key.
    ///
    /// # Errors
    /// `input.bad` for an id that is no file name, `storage.failed`, `disk.full`.
    pub fn put(&self, id: &str, plaintext: &[u8]) -> Result<()> {
        check_id(id)?;
        let key = random_key()?;
        let blob = encrypt(&key, id, plaintext)?;
        write_atomic(&self.blob_path(id), &blob, 0o600)?;
        write_atomic(&self.key_path(id), &self.wrap(id, &key)?, 0o600)
    }

    /// Decrypts a payload.
    ///
    /// # Errors
    /// `storage.damaged` when the key is destroyed or a byte was changed.
    pub fn get(&self, id: &str) -> Result<Zeroizing<Vec<u8>>> {
        check_id(id)?;
        let key = self.unwrap_key(id)?;
        let path = self.blob_path(id);
        let blob = fs::read(&path).map_err(|e| Fault::io(&e, &path))?;
        decrypt(&key, id, &blob)
    }

    /// Whether the payload and its key are here.
    pub fn holds(&self, id: &str) -> bool {
        check_id(id).is_ok() && self.key_path(id).exists() && self.blob_path(id).exists()
    }

    /// Ids whose keys are here, sorted.
    pub fn ids(&self) -> Vec<String> {
        let Ok(dir) = fs::read_dir(self.home.path("keys/data")) else { return Vec::new() };
        let mut ids: Vec<String> =
            dir.filter_map(|e| e.ok()?.file_name().into_string().ok()?.strip_suffix(".key").map(str::to_owned)).collect();
        ids.sort();
        ids
    }

    /// Random name of the key of a payload, for certificates; absent when the key is gone.
    pub fn key_id(&self, id: &str) -> Option<String> {
        check_id(id).ok()?;
        let wrapped: WrappedKey = serde_json::from_slice(&fs::read(self.key_path(id)).ok()?).ok()?;
        Some(wrapped.key_id)
    }

    /// Destroys the key, then removes the ciphertext. Doing it twice is no error: a crash between the two is repeated.
    ///
    /// # Errors
    /// `storage.failed` when the key file cannot be removed.
    pub fn shred(&self, id: &str) -> Result<()> {
        check_id(id)?;
        for path in [self.key_path(id), self.blob_path(id)] {
            if let Ok(meta) = fs::metadata(&path) {
                // Overwriting before the removal costs nothing; on a journaling disk the claim stays "key destruction".
                if path.extension().is_some_and(|e| e == "key") {
                    let zeros = vec![0_u8; usize::try_from(meta.len()).unwrap_or(0)];
                    let file = fs::OpenOptions::new().write(true).open(&path);
                    if let Ok(mut file) = file {
                        use std::io::Write;
                        file.write_all(&zeros).and_then(|()| file.sync_all()).map_err(|e| Fault::io(&e, &path))?;
                    }
                }
                fs::remove_file(&path).map_err(|e| Fault::io(&e, &path))?;
            }
        }
        Ok(())
    }

    fn wrap(&self, id: &str, key: &[u8; 32]) -> Result<Vec<u8>> {
        let nonce: [u8; 12] = random()?;
        let mut sealed = key.to_vec();
        cipher(&self.node_key)?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(wrap_aad(id)), &mut sealed)
            .map_err(|_| Fault::new(Code::Bug, "key wrap failed"))?;
        let wrapped = WrappedKey {
            alg: "aes-256-gcm".into(),
            id: id.into(),
            key_id: hex::encode(random::<16>()?),
            nonce: hex::encode(nonce),
            key: hex::encode(sealed),
        };
        serde_json::to_vec(&wrapped).map_err(|e| Fault::new(Code::Bug, e.to_string()))
    }

    fn unwrap_key(&self, id: &str) -> Result<Zeroizing<[u8; 32]>> {
        let path = self.key_path(id);
        let damaged = |why: &str| Fault::new(Code::Damaged, why.to_owned()).at(path.display().to_string());
        let bytes = fs::read(&path).map_err(|_| damaged("key is not here (destroyed?)"))?;
        let wrapped: WrappedKey = serde_json::from_slice(&bytes).map_err(|_| damaged("key file does not parse"))?;
        if wrapped.alg != "aes-256-gcm" || wrapped.id != id {
            return Err(damaged("key file is of another id or algorithm"));
        }
        let nonce: [u8; 12] = hex::decode(&wrapped.nonce).ok().and_then(|n| n.try_into().ok()).ok_or_else(|| damaged("nonce"))?;
        let mut sealed = Zeroizing::new(hex::decode(&wrapped.key).map_err(|_| damaged("wrapped key"))?);
        let plain = cipher(&self.node_key)?
            .open_in_place(Nonce::assume_unique_for_key(nonce), Aad::from(wrap_aad(id)), &mut sealed)
            .map_err(|_| damaged("key does not unwrap"))?;
        let mut key = Zeroizing::new([0_u8; 32]);
        if plain.len() != 32 {
            return Err(damaged("key length"));
        }
        key.copy_from_slice(plain);
        Ok(key)
    }
}

fn wrap_aad(id: &str) -> Vec<u8> {
    format!("yu-wrapped-key-v1\0{id}").into_bytes()
}

/// Ids become file names, so they are limited to what no file system reads as a path.
fn check_id(id: &str) -> Result<()> {
    let good = !id.is_empty() && id.len() <= 128 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_' || b == b'.');
    if good && !id.starts_with('.') { Ok(()) } else { Err(Fault::new(Code::Input, format!("`{}` is no usable id", id.escape_default()))) }
}

fn random<const N: usize>() -> Result<[u8; N]> {
    let mut out = [0_u8; N];
    aws_lc_rs::rand::fill(&mut out).map_err(|_| Fault::new(Code::Bug, "system randomness failed"))?;
    Ok(out)
}

fn random_key() -> Result<Zeroizing<[u8; 32]>> {
    Ok(Zeroizing::new(random()?))
}

fn cipher(key: &[u8; 32]) -> Result<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, key).map(LessSafeKey::new).map_err(|_| Fault::new(Code::Bug, "cipher set-up failed"))
}

fn nonce(prefix: &[u8; 7], counter: u32, last: bool) -> Nonce {
    let mut n = [0_u8; 12];
    n[..7].copy_from_slice(prefix);
    n[7..11].copy_from_slice(&counter.to_be_bytes());
    n[11] = u8::from(last);
    Nonce::assume_unique_for_key(n)
}

fn encrypt(key: &[u8; 32], id: &str, plaintext: &[u8]) -> Result<Vec<u8>> {
    let prefix: [u8; 7] = random()?;
    let head = BlobHead { alg: ALG.into(), prefix: hex::encode(prefix) };
    let mut head = serde_json::to_vec(&head).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
    head.push(b'\n');
    let aad = [id.as_bytes(), &head].concat();
    let cipher = cipher(key)?;
    let segments = plaintext.len().div_ceil(SEGMENT).max(1);
    let mut out = Vec::with_capacity(4 + head.len() + plaintext.len() + segments * TAG);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&head);
    for i in 0..segments {
        let from = i * SEGMENT;
        let part = &plaintext[from..plaintext.len().min(from + SEGMENT)];
        let at = out.len();
        out.extend_from_slice(part);
        let counter = u32::try_from(i).map_err(|_| Fault::new(Code::Input, "payload above 4 PiB"))?;
        let tag = cipher
            .seal_in_place_separate_tag(nonce(&prefix, counter, i + 1 == segments), Aad::from(&aad), &mut out[at..])
            .map_err(|_| Fault::new(Code::Bug, "encryption failed"))?;
        out.extend_from_slice(tag.as_ref());
    }
    Ok(out)
}

fn decrypt(key: &[u8; 32], id: &str, blob: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let damaged = |why: &str| Fault::new(Code::Damaged, why.to_owned()).at(format!("blob {id}"));
    let rest = blob.strip_prefix(MAGIC).ok_or_else(|| damaged("not a blob"))?;
    let line = rest.iter().take(4096).position(|b| *b == b'\n').ok_or_else(|| damaged("no head"))?;
    let (head, mut body) = rest.split_at(line + 1);
    let aad = [id.as_bytes(), head].concat();
    let head: BlobHead = serde_json::from_slice(head).map_err(|_| damaged("head does not parse"))?;
    if head.alg != ALG {
        return Err(damaged("unknown algorithm"));
    }
    let prefix: [u8; 7] = hex::decode(&head.prefix).ok().and_then(|p| p.try_into().ok()).ok_or_else(|| damaged("prefix"))?;
    let cipher = cipher(key)?;
    let mut out = Zeroizing::new(Vec::with_capacity(body.len()));
    let mut counter = 0_u32;
    loop {
        let last = body.len() <= SEGMENT + TAG;
        let (part, next) = body.split_at(body.len().min(SEGMENT + TAG));
        let mut part = Zeroizing::new(part.to_vec());
        let plain = cipher
            .open_in_place(nonce(&prefix, counter, last), Aad::from(&aad), &mut part)
            .map_err(|_| damaged("authentication failed"))?;
        out.extend_from_slice(plain);
        if last {
            return Ok(out);
        }
        body = next;
        counter = counter.checked_add(1).ok_or_else(|| damaged("too long"))?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault() -> (tempfile::TempDir, Vault) {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::new(dir.path().join("n"));
        home.create().unwrap();
        let vault = Vault::create(&home).unwrap();
        (dir, vault)
    }

    #[test]
    fn round_trip_at_segment_borders() {
        let (_dir, vault) = vault();
        for len in [0, 1, SEGMENT - 1, SEGMENT, SEGMENT + 1, 2 * SEGMENT + 7] {
            let data: Vec<u8> = (0..len).map(|i| (i % 251) as u8).collect();
            vault.put("x", &data).unwrap();
            assert_eq!(&vault.get("x").unwrap()[..], &data[..], "{len}");
        }
    }

    #[test]
    fn damage_truncation_and_swapped_ids_are_refused() {
        let (_dir, vault) = vault();
        let data = vec![7_u8; 2 * SEGMENT + 5];
        vault.put("x", &data).unwrap();
        let path = vault.blob_path("x");
        let good = fs::read(&path).unwrap();
        for at in [0, 10, 60, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&path, &bad).unwrap();
            assert_eq!(vault.get("x").unwrap_err().code, Code::Damaged, "byte {at}");
        }
        // cutting at a segment border must not pass as a shorter payload
        let head = good.len() - (2 * SEGMENT + 5 + 3 * TAG);
        fs::write(&path, &good[..head + SEGMENT + TAG]).unwrap();
        assert_eq!(vault.get("x").unwrap_err().code, Code::Damaged);
        fs::write(&path, &good).unwrap();
        vault.put("y", b"other").unwrap();
        fs::copy(&path, vault.blob_path("y")).unwrap();
        assert_eq!(vault.get("y").unwrap_err().code, Code::Damaged);
    }

    #[test]
    fn a_shredded_payload_is_gone_even_with_its_ciphertext() {
        let (_dir, vault) = vault();
        vault.put("x", b"secret").unwrap();
        let blob = fs::read(vault.blob_path("x")).unwrap();
        vault.shred("x").unwrap();
        vault.shred("x").unwrap();
        fs::write(vault.blob_path("x"), blob).unwrap();
        assert_eq!(vault.get("x").unwrap_err().code, Code::Damaged);
    }

    #[test]
    fn ids_cannot_leave_the_folder() {
        let (_dir, vault) = vault();
        for id in ["", "../x", "a/b", ".hidden", "a\0b"] {
            assert_eq!(vault.put(id, b"").unwrap_err().code, Code::Input);
        }
    }
}
