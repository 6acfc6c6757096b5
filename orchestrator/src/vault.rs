//! Payloads at rest: each under its own key, each key wrapped by the node key, so that deleting a key file destroys
//! its payload (we claim key destruction, not media erasure).
//!
//! The key file of a payload names its key, and the payload's file carries that name as well: `ID.KEY-ID`. A payload is replaced
//! by writing the new blob beside the old one and then the key file, atomically: that is the moment at which the new one
//! counts. A crash before it leaves the old payload, a crash after it the new one; what is left over is removed at the next
//! start.
//!
//! The bytes of a blob: `blob`.

mod blob;

use crate::fault::{Code, Fault, Result};
use crate::home::{Home, write_atomic};
use aws_lc_rs::aead::{Aad, Nonce};
use blob::{cipher, decrypt, encrypt};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use zeroize::Zeroizing;

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
    /// One change at a time: two replacements of one payload would take each other's blob for a leftover.
    change: Mutex<()>,
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

    /// Opens the vault of an existing node and finishes what a crash interrupted. The caller holds the node's directory:
    /// a payload that another process is writing would be taken for a leftover.
    ///
    /// # Errors
    /// `storage.damaged` when the node key is missing or has a wrong length; `storage.failed`.
    pub fn open(home: &Home) -> Result<Self> {
        let path = home.path("keys/node.key");
        let bytes = Zeroizing::new(fs::read(&path).map_err(|e| Fault::io(&e, &path))?);
        let mut node_key = Zeroizing::new([0_u8; 32]);
        if bytes.len() != 32 {
            return Err(Fault::new(Code::Damaged, "node key has a wrong length").at(path.display().to_string()));
        }
        node_key.copy_from_slice(&bytes);
        let vault = Self { home: home.clone(), node_key, change: Mutex::new(()) };
        vault.finish_interrupted()?;
        Ok(vault)
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        self.change.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes half-written files, keys whose destruction was interrupted, and blobs that no key names.
    fn finish_interrupted(&self) -> Result<()> {
        let _turn = self.turn();
        for path in files_in(&self.home.path("keys/data"))? {
            let wiped = || fs::read(&path).is_ok_and(|bytes| !bytes.is_empty() && bytes.iter().all(|b| *b == 0));
            if is_temporary(&path) || (path.extension().is_some_and(|e| e == "key") && wiped()) {
                remove(&path)?;
            }
        }
        for path in files_in(&self.home.path("store/blobs"))? {
            let name = path.file_name().and_then(|n| n.to_str()).and_then(|n| n.rsplit_once('.'));
            if is_temporary(&path) || name.is_some_and(|(id, key_id)| is_key_id(key_id) && self.is_leftover(id, key_id)) {
                remove(&path)?;
            }
        }
        Ok(())
    }

    /// Whether no key names this blob. A key file that is there and cannot be read may be brought back: its blob stays.
    fn is_leftover(&self, id: &str, key_id: &str) -> bool {
        match self.key_id(id) {
            Some(named) => named != key_id,
            None => !self.key_path(id).try_exists().unwrap_or(true),
        }
    }

    fn key_path(&self, id: &str) -> PathBuf {
        self.home.path("keys/data").join(format!("{id}.key"))
    }

    fn blob_path(&self, id: &str, key_id: &str) -> PathBuf {
        self.home.path("store/blobs").join(format!("{id}.{key_id}"))
    }

    /// Encrypts a payload under a fresh key of its own; an existing payload of this id is replaced with its key, and stays
    /// readable until the new one is on disk.
    ///
    /// # Errors
    /// `input.bad` for an id that is no file name, `storage.failed`, `disk.full`; then the old payload is as it was.
    pub fn put(&self, id: &str, plaintext: &[u8]) -> Result<()> {
        check_id(id)?;
        let _turn = self.turn();
        let (key, key_id) = (random_key()?, hex::encode(random::<16>()?));
        self.write_blob(id, &key_id, &key, plaintext)?;
        self.commit(id, &key_id, &key).inspect_err(|_| {
            // worthless without its key; the next start removes it if this fails too
            let _ = remove(&self.blob_path(id, &key_id));
        })
    }

    /// The first half of a replacement: nothing reads this blob yet.
    fn write_blob(&self, id: &str, key_id: &str, key: &[u8; 32], plaintext: &[u8]) -> Result<()> {
        write_atomic(&self.blob_path(id, key_id), &encrypt(key, id, plaintext)?, 0o600)
    }

    /// The second half: from the moment at which the key file is in its place the new payload counts, and the old one goes.
    fn commit(&self, id: &str, key_id: &str, key: &[u8; 32]) -> Result<()> {
        let path = self.key_path(id);
        let (old_id, old) = (self.key_id(id), fs::OpenOptions::new().write(true).open(&path).ok());
        write_atomic(&path, &self.wrap(id, key_id, key)?, 0o600)?;
        // Nothing names the old key's file any more; through this handle it is overwritten all the same. A failure from here
        // on leaves a leftover for the next start, and the new payload is in force.
        if let Some(mut old) = old {
            let _ = wipe(&mut old);
        }
        if let Some(old_id) = old_id {
            let _ = remove(&self.blob_path(id, &old_id));
        }
        Ok(())
    }

    /// Decrypts a payload.
    ///
    /// # Errors
    /// `storage.damaged` when the key is destroyed or a byte was changed.
    pub fn get(&self, id: &str) -> Result<Zeroizing<Vec<u8>>> {
        check_id(id)?;
        let (mut key_id, mut key) = self.unwrap_key(id)?;
        loop {
            let path = self.blob_path(id, &key_id);
            match fs::read(&path) {
                Ok(blob) => return decrypt(&key, id, &blob),
                Err(e) => {
                    // replaced between the two reads: the new key names the new blob
                    let (now_id, now) = self.unwrap_key(id)?;
                    if e.kind() != ErrorKind::NotFound || now_id == key_id {
                        return Err(Fault::io(&e, &path));
                    }
                    (key_id, key) = (now_id, now);
                }
            }
        }
    }

    /// Whether the payload and its key are here.
    pub fn holds(&self, id: &str) -> bool {
        self.key_id(id).is_some_and(|key_id| self.blob_path(id, &key_id).exists())
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
        is_key_id(&wrapped.key_id).then_some(wrapped.key_id)
    }

    /// Destroys the key, then removes the ciphertext. Doing it twice is no error: a crash between the two is repeated.
    ///
    /// # Errors
    /// `storage.failed` when the key file cannot be removed.
    pub fn shred(&self, id: &str) -> Result<()> {
        check_id(id)?;
        let _turn = self.turn();
        let path = self.key_path(id);
        // Overwriting before the removal costs nothing; on a journaling disk the claim stays "key destruction".
        match fs::OpenOptions::new().write(true).open(&path) {
            Ok(mut file) => wipe(&mut file).map_err(|e| Fault::io(&e, &path))?,
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(e) => return Err(Fault::io(&e, &path)),
        }
        remove(&path)?;
        for blob in files_in(&self.home.path("store/blobs"))? {
            let name = blob.file_name().and_then(|n| n.to_str()).and_then(|n| n.rsplit_once('.'));
            if name.is_some_and(|(of, key_id)| of == id && is_key_id(key_id)) {
                remove(&blob)?;
            }
        }
        Ok(())
    }

    fn wrap(&self, id: &str, key_id: &str, key: &[u8; 32]) -> Result<Vec<u8>> {
        let nonce: [u8; 12] = random()?;
        let mut sealed = key.to_vec();
        cipher(&self.node_key)?
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(wrap_aad(id)), &mut sealed)
            .map_err(|_| Fault::new(Code::Bug, "key wrap failed"))?;
        let wrapped = WrappedKey {
            alg: "aes-256-gcm".into(),
            id: id.into(),
            key_id: key_id.into(),
            nonce: hex::encode(nonce),
            key: hex::encode(sealed),
        };
        serde_json::to_vec(&wrapped).map_err(|e| Fault::new(Code::Bug, e.to_string()))
    }

    /// Name and bytes of a payload's key.
    fn unwrap_key(&self, id: &str) -> Result<(String, Zeroizing<[u8; 32]>)> {
        let path = self.key_path(id);
        let damaged = |why: &str| Fault::new(Code::Damaged, why.to_owned()).at(path.display().to_string());
        let bytes = fs::read(&path).map_err(|_| damaged("key is not here (destroyed?)"))?;
        let wrapped: WrappedKey = serde_json::from_slice(&bytes).map_err(|_| damaged("key file does not parse"))?;
        if wrapped.alg != "aes-256-gcm" || wrapped.id != id || !is_key_id(&wrapped.key_id) {
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
        Ok((wrapped.key_id, key))
    }
}

/// Regular files of a folder.
fn files_in(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|e| Fault::io(&e, folder))?;
    Ok(entries.filter_map(|e| e.ok().filter(|e| e.file_type().is_ok_and(|t| t.is_file()))).map(|e| e.path()).collect())
}

/// Of [`write_atomic`], left by a crash.
fn is_temporary(path: &Path) -> bool {
    path.file_name().and_then(|n| n.to_str()).is_some_and(|n| n.starts_with('.') && n.ends_with(".tmp"))
}

/// Removes a file; one that is gone already is no error.
fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(Fault::io(&e, path)),
        _ => Ok(()),
    }
}

/// Overwrites a file with zeros in place.
fn wipe(file: &mut fs::File) -> std::io::Result<()> {
    let len = usize::try_from(file.metadata()?.len()).unwrap_or(0);
    file.write_all(&vec![0_u8; len])?;
    file.sync_all()
}

/// Names of keys are 32 hex digits; they become part of a file name.
fn is_key_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
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

#[cfg(test)]
mod tests {
    use super::blob::{SEGMENT, TAG};
    use super::*;

    fn blob(vault: &Vault, id: &str) -> PathBuf {
        vault.blob_path(id, &vault.key_id(id).unwrap())
    }

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
        let path = blob(&vault, "x");
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
        fs::copy(&path, blob(&vault, "y")).unwrap();
        assert_eq!(vault.get("y").unwrap_err().code, Code::Damaged);
    }

    #[test]
    fn a_shredded_payload_is_gone_even_with_its_ciphertext() {
        let (_dir, vault) = vault();
        vault.put("x", b"secret").unwrap();
        let path = blob(&vault, "x");
        let bytes = fs::read(&path).unwrap();
        vault.shred("x").unwrap();
        assert!(!path.exists() && !vault.holds("x"));
        vault.shred("x").unwrap();
        fs::write(&path, bytes).unwrap();
        assert_eq!(vault.get("x").unwrap_err().code, Code::Damaged);
        // the key is gone and the blob is left, as a crash between the two leaves it
        assert!(path.exists());
        let vault = Vault::open(&vault.home).unwrap();
        assert!(!path.exists() && vault.ids().is_empty());
    }

    #[test]
    fn a_crash_during_a_replacement_leaves_the_old_payload_or_the_new_one() {
        let (_dir, vault) = vault();
        vault.put("x", b"old").unwrap();
        vault.put("x.y", b"of a similar name").unwrap();
        let (old_id, old_blob) = (vault.key_id("x").unwrap(), blob(&vault, "x"));
        let (key, key_id) = (random_key().unwrap(), "0123456789abcdef".repeat(2));
        // the process ends after the blob was written
        vault.write_blob("x", &key_id, &key, b"new").unwrap();
        assert_eq!(&vault.get("x").unwrap()[..], b"old");
        let vault = Vault::open(&vault.home).unwrap();
        assert_eq!((&vault.get("x").unwrap()[..], vault.key_id("x").unwrap()), (&b"old"[..], old_id));
        assert!(!vault.blob_path("x", &key_id).exists(), "the half replacement is removed");
        // the process ends after the key file is in its place, before the old blob is removed
        vault.write_blob("x", &key_id, &key, b"new").unwrap();
        let kept = fs::read(&old_blob).unwrap();
        vault.commit("x", &key_id, &key).unwrap();
        assert!(!old_blob.exists());
        fs::write(&old_blob, kept).unwrap();
        let vault = Vault::open(&vault.home).unwrap();
        assert_eq!(&vault.get("x").unwrap()[..], b"new");
        assert!(!old_blob.exists(), "the old payload is removed");
        assert_eq!(&vault.get("x.y").unwrap()[..], b"of a similar name");
        vault.shred("x").unwrap();
        assert_eq!(&vault.get("x.y").unwrap()[..], b"of a similar name");
    }

    #[test]
    fn what_a_crash_left_is_removed_at_the_next_start() {
        let (_dir, vault) = vault();
        vault.put("x", b"kept").unwrap();
        vault.put("y", b"half destroyed").unwrap();
        let (key, half) = (vault.key_path("y"), blob(&vault, "y"));
        wipe(&mut fs::OpenOptions::new().write(true).open(&key).unwrap()).unwrap();
        let left =
            [vault.home.path("keys/data/.z.key.7-1.tmp"), vault.home.path("store/blobs/.z.7-0.tmp"), vault.blob_path("z", &"0".repeat(32))];
        left.iter().for_each(|path| fs::write(path, b"half").unwrap());
        let vault = Vault::open(&vault.home).unwrap();
        assert_eq!(vault.ids(), ["x"]);
        assert!(!key.exists() && !half.exists() && left.iter().all(|path| !path.exists()));
        assert_eq!(&vault.get("x").unwrap()[..], b"kept");
        // a key that cannot be read is a damage that people have to look at, not a leftover
        let x = vault.key_path("x");
        let good = fs::read(&x).unwrap();
        fs::write(&x, b"{").unwrap();
        let blob_x = fs::read_dir(vault.home.path("store/blobs")).unwrap().next().unwrap().unwrap().path();
        let vault = Vault::open(&vault.home).unwrap();
        assert!(x.exists() && blob_x.exists());
        fs::write(&x, good).unwrap();
        assert_eq!(&vault.get("x").unwrap()[..], b"kept");
    }

    #[test]
    fn a_payload_that_is_replaced_while_it_is_read_is_read_whole() {
        let (_dir, vault) = vault();
        vault.put("x", &[0; 1000]).unwrap();
        std::thread::scope(|scope| {
            scope.spawn(|| (1..60_u8).for_each(|n| vault.put("x", &[n; 1000]).unwrap()));
            for _ in 0..200 {
                let read = vault.get("x").unwrap();
                assert!(read.len() == 1000 && read.iter().all(|b| *b == read[0]));
            }
        });
        assert_eq!(fs::read_dir(vault.home.path("store/blobs")).unwrap().count(), 1);
    }

    #[test]
    fn ids_cannot_leave_the_folder() {
        let (_dir, vault) = vault();
        for id in ["", "../x", "a/b", ".hidden", "a\0b"] {
            assert_eq!(vault.put(id, b"").unwrap_err().code, Code::Input);
        }
    }
}
