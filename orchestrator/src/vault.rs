//! Payloads at rest: each under its own key, each key wrapped by the node key, so that deleting a key file destroys
//! its payload (we claim key destruction, not media erasure).
//!
//! The key file of a payload names its key, and the payload's file carries that name as well: `ID.KEY-ID`. A payload is replaced
//! by writing the new blob beside the old one and then the key file, atomically: that is the moment at which the new one
//! counts. A crash before it leaves the old payload, a crash after it the new one; what is left over is removed at the next
//! start.
//!
//! The bytes of a blob: `blob`.

pub(crate) mod blob;
mod cipher;
mod escrow;

pub use escrow::Escrow;

use crate::fault::{Code, Fault, Result};
use crate::home::{Home, write_atomic};
use blob::{decrypt, encrypt};
use cipher::Cipher;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use yu_governance::canonical::Hash;
use yu_governance::suite::Suite;
use zeroize::Zeroizing;

/// Where the folder of the escrow is written, if there is one.
const ESCROW: &str = "keys/escrow.path";

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
    /// What new keys are wrapped with; a vault is of one suite, as its node.
    suite: Suite,
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

    /// [`Vault::open`] for another suite than this process's.
    fn open_with(home: &Home, suite: Suite) -> Result<Self> {
        Self { suite, ..Self::unchecked(home)? }.finished()
    }

    fn finished(self) -> Result<Self> {
        self.finish_interrupted()?;
        if let Err(fault) = self.bring_escrow() {
            tracing::warn!(code = fault.code.as_str(), "the escrow is brought up to date later");
        }
        Ok(self)
    }

    /// Opens the vault of an existing node and finishes what a crash interrupted. The caller holds the node's directory:
    /// a payload that another process is writing would be taken for a leftover.
    ///
    /// # Errors
    /// `storage.damaged` when the node key is missing or has a wrong length; `storage.failed`.
    pub fn open(home: &Home) -> Result<Self> {
        Self::open_with(home, crate::suite::current())
    }

    fn unchecked(home: &Home) -> Result<Self> {
        let path = home.path("keys/node.key");
        let bytes = Zeroizing::new(fs::read(&path).map_err(|e| Fault::io(&e, &path))?);
        let mut node_key = Zeroizing::new([0_u8; 32]);
        if bytes.len() != 32 {
            return Err(Fault::new(Code::Damaged, "node key has a wrong length").at(path.display().to_string()));
        }
        node_key.copy_from_slice(&bytes);
        Ok(Self { home: home.clone(), node_key, suite: crate::suite::current(), change: Mutex::new(()) })
    }

    /// Folder of the escrow, where one was named.
    ///
    /// # Errors
    /// `storage.failed`.
    pub fn escrow_dir(&self) -> Result<Option<PathBuf>> {
        let path = self.home.path(ESCROW);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(PathBuf::from(text))),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Fault::io(&e, &path)),
        }
    }

    /// The escrow, where one was named.
    ///
    /// # Errors
    /// `storage.failed` when its medium is away; `contract.altered`.
    pub fn escrow(&self) -> Result<Option<Escrow>> {
        self.escrow_dir()?.map(|dir| Escrow::open(&dir, &self.node_key, false)).transpose()
    }

    /// From now on every key has a copy in this folder, where an escrow is begun or was before; a folder that was named before has to be given up with its keys first.
    ///
    /// # Errors
    /// `file.exists` when another is in use, or the folder is not empty; `input.bad` for a folder inside the node's own; `storage.failed`.
    pub fn use_escrow(&self, dir: &Path, begins: bool) -> Result<()> {
        let real = |path: &Path| path.canonicalize().map_err(|e| Fault::io(&e, path));
        let dir = real(dir)?;
        if dir.starts_with(real(self.home.dir())?) {
            return Err(Fault::new(Code::Input, "an escrow lies on another medium than the node").at(dir.display().to_string()));
        }
        if let Some(known) = self.escrow_dir()?.filter(|known| *known != dir) {
            return Err(Fault::new(Code::Exists, format!("the escrow is `{}`", known.display())).at(ESCROW));
        }
        let text = dir.to_str().ok_or_else(|| Fault::new(Code::Input, "the path is no UTF-8").at("escrow"))?;
        // a folder that should hold one and holds nothing is a medium that is away: none is begun on its place
        let is_new = begins && self.escrow_dir()?.is_none();
        drop(Escrow::open(&dir, &self.node_key, is_new)?);
        write_atomic(&self.home.path(ESCROW), text.as_bytes(), 0o600)?;
        self.bring_escrow()
    }

    /// Makes the escrow hold the keys that are here.
    ///
    /// # Errors
    /// `storage.failed` when its medium is away.
    pub fn bring_escrow(&self) -> Result<()> {
        let _turn = self.turn();
        let Some(escrow) = self.escrow()? else { return Ok(()) };
        let own = self.ids();
        // a key that is there and not here was lost here, or is of before a restoration: what is destroyed goes there first, so nothing is to be
        // destroyed now
        let more = escrow.ids()?.into_iter().filter(|id| own.binary_search(id).is_err()).count();
        if more > 0 {
            tracing::warn!(more, "the escrow holds keys that are not here: `yu backup restore` brings them back");
        }
        for id in own {
            let path = self.key_path(&id);
            let wrapped = fs::read(&path).map_err(|e| Fault::io(&e, &path))?;
            if escrow.key(&id)?.as_deref() != Some(&wrapped[..]) {
                escrow.put(&id, &wrapped)?;
            }
        }
        Ok(())
    }

    /// Copies the encrypted payloads that are here to where `place` says for a key's name; gives id, name of the key, hash and size of each.
    ///
    /// # Errors
    /// `storage.failed`, `disk.full`.
    pub fn copy_blobs(&self, place: impl Fn(&str) -> PathBuf) -> Result<Vec<(String, String, Hash, u64)>> {
        let mut all = Vec::new();
        // the secret of an invitation is worth nothing on a node that was restored
        for id in self.ids().into_iter().filter(|id| !id.starts_with("invite-")) {
            while let Some(key_id) = self.key_id(&id) {
                let path = self.blob_path(&id, &key_id);
                match fs::read(&path) {
                    Ok(bytes) => {
                        write_atomic(&place(&key_id), &bytes, 0o600)?;
                        all.push((id, key_id, Hash::of_file(&bytes), bytes.len() as u64));
                        break;
                    }
                    // replaced or destroyed while it was looked for
                    Err(e) if e.kind() == ErrorKind::NotFound && self.key_id(&id).as_deref() != Some(&key_id) => {}
                    Err(e) => return Err(Fault::io(&e, &path)),
                }
            }
        }
        Ok(all)
    }

    /// Puts a payload back with its key as the escrow has it: the blob beside the key of the same name, or nothing.
    ///
    /// # Errors
    /// `storage.damaged` when the key does not unwrap or the blob does not open with it.
    pub fn put_back(&self, id: &str, wrapped: &[u8], blob: &[u8]) -> Result<()> {
        check_id(id)?;
        let _turn = self.turn();
        let damaged = || Fault::new(Code::Damaged, "the key file does not parse").at(id.to_owned());
        let key: WrappedKey = serde_json::from_slice(wrapped).map_err(|_| damaged())?;
        if !is_key_id(&key.key_id) {
            return Err(damaged());
        }
        write_atomic(&self.blob_path(id, &key.key_id), blob, 0o600)?;
        write_atomic(&self.key_path(id), wrapped, 0o600)
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
        write_atomic(&self.blob_path(id, key_id), &encrypt(self.suite, key, id, plaintext)?, 0o600)
    }

    /// The second half: from the moment at which the key file is in its place the new payload counts, and the old one goes.
    fn commit(&self, id: &str, key_id: &str, key: &[u8; 32]) -> Result<()> {
        let path = self.key_path(id);
        let (old_id, old) = (self.key_id(id), fs::OpenOptions::new().write(true).open(&path).ok());
        let wrapped = self.wrap(id, key_id, key)?;
        write_atomic(&path, &wrapped, 0o600)?;
        // what the escrow lacks it gets at the next start and before every backup; only destruction has to wait for it
        if let Err(fault) = self.escrow().and_then(|escrow| escrow.map_or(Ok(()), |escrow| escrow.put(id, &wrapped))) {
            tracing::warn!(code = fault.code.as_str(), "a key has no copy in the escrow yet");
        }
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
                Ok(blob) => return decrypt(self.suite, &key, id, &blob),
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

    /// Destroys the key, in the escrow first, then removes the ciphertext. Doing it twice is no error: a crash between the two is repeated.
    ///
    /// # Errors
    /// `storage.failed` when the key file cannot be removed.
    pub fn shred(&self, id: &str) -> Result<()> {
        check_id(id)?;
        let _turn = self.turn();
        if let Some(escrow) = self.escrow()? {
            escrow.shred(id)?;
        }
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
        let cipher = Cipher::new(self.suite, &self.node_key)?;
        let tag = cipher.seal(&nonce, &wrap_aad(id), &mut sealed)?;
        sealed.extend_from_slice(&tag);
        let wrapped = WrappedKey {
            alg: cipher.name().into(),
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
        let cipher = Cipher::new(self.suite, &self.node_key)?;
        if wrapped.alg != cipher.name() || wrapped.id != id || !is_key_id(&wrapped.key_id) {
            return Err(damaged("key file is of another id or algorithm"));
        }
        let nonce: [u8; 12] = hex::decode(&wrapped.nonce).ok().and_then(|n| n.try_into().ok()).ok_or_else(|| damaged("nonce"))?;
        let mut sealed = Zeroizing::new(hex::decode(&wrapped.key).map_err(|_| damaged("wrapped key"))?);
        let plain = cipher.open(&nonce, &wrap_aad(id), &mut sealed).ok_or_else(|| damaged("key does not unwrap"))?;
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

/// The name of the key in a key file.
///
/// # Errors
/// `storage.damaged`.
pub fn named_key(wrapped: &[u8]) -> Result<String> {
    let key: WrappedKey = serde_json::from_slice(wrapped).map_err(|_| Fault::new(Code::Damaged, "a key file does not parse"))?;
    if is_key_id(&key.key_id) { Ok(key.key_id) } else { Err(Fault::new(Code::Damaged, "a key file names no key")) }
}

/// Ids become file names, so they are limited to what no file system reads as a path.
pub(crate) fn check_id(id: &str) -> Result<()> {
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
    fn d6_what_one_node_keeps_no_other_can_open() {
        let ((_one_dir, one), (_other_dir, other)) = (vault(), vault());
        one.put("x", b"of one").unwrap();
        other.put("x", b"of the other").unwrap();
        // everything of the one but its node key is brought to the other, under the names that fit there
        let (key, payload) = (one.key_path("x"), blob(&one, "x"));
        fs::remove_file(blob(&other, "x")).unwrap();
        fs::copy(&key, other.key_path("x")).unwrap();
        fs::copy(&payload, other.home.path("store/blobs").join(payload.file_name().unwrap())).unwrap();
        assert_eq!(other.get("x").unwrap_err().code, Code::Damaged);
        // and its payload alone under the other's own key
        other.put("x", b"of the other").unwrap();
        fs::copy(&payload, blob(&other, "x")).unwrap();
        assert_eq!(other.get("x").unwrap_err().code, Code::Damaged);
        assert_eq!(&one.get("x").unwrap()[..], b"of one");
    }

    #[test]
    fn d12_sm4_at_rest_and_a_vault_of_one_suite() {
        let (_dir, standard) = vault();
        standard.put("x", b"standard").unwrap();
        let national = Vault::open_with(&standard.home, Suite::Gm).unwrap();
        assert_eq!(national.get("x").unwrap_err().code, Code::Damaged, "a key file of the other suite");
        let data: Vec<u8> = (0..SEGMENT + 7).map(|i| (i % 251) as u8).collect();
        for len in [0, 1, SEGMENT, SEGMENT + 7] {
            national.put("y", &data[..len]).unwrap();
            assert_eq!(&national.get("y").unwrap()[..], &data[..len], "{len}");
        }
        let (key, path) = (fs::read_to_string(national.key_path("y")).unwrap(), blob(&national, "y"));
        assert!(key.contains(r#""alg":"sm4-gcm""#), "{key}");
        let good = fs::read(&path).unwrap();
        assert!(String::from_utf8_lossy(&good[..60]).contains("sm4-gcm-stream-1m"));
        for at in [0, 10, 60, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(&path, &bad).unwrap();
            assert_eq!(national.get("y").unwrap_err().code, Code::Damaged, "byte {at}");
        }
        // a cut at the border of segments, and segments in another order
        let head = good.len() - (SEGMENT + 7 + 2 * TAG);
        fs::write(&path, &good[..head + SEGMENT + TAG]).unwrap();
        assert_eq!(national.get("y").unwrap_err().code, Code::Damaged);
        fs::write(&path, [&good[..head], &good[head + SEGMENT + TAG..], &good[head..head + SEGMENT + TAG]].concat()).unwrap();
        assert_eq!(national.get("y").unwrap_err().code, Code::Damaged);
        fs::write(&path, &good).unwrap();
        assert_eq!(standard.get("y").unwrap_err().code, Code::Damaged, "the other way round");
        national.shred("y").unwrap();
        assert!(!path.exists() && national.get("y").is_err());
        assert_eq!(&standard.get("x").unwrap()[..], b"standard");
    }

    #[test]
    fn ids_cannot_leave_the_folder() {
        let (_dir, vault) = vault();
        for id in ["", "../x", "a/b", ".hidden", "a\0b"] {
            assert_eq!(vault.put(id, b"").unwrap_err().code, Code::Input);
        }
    }
}
