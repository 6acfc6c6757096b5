//! The escrow (密钥托管): a second copy of the wrapped keys on a medium of its own, so that a backup need not hold them.
//!
//! ```text
//! backup    blobs, control data, node key     opens no payload: it has none of their keys
//! escrow    keys/data once more, wrapped      opens nothing: the node key is in the backup
//! both      every payload whose key was not destroyed since
//! ```
//! A key is destroyed in the escrow first and here afterwards, so a certificate never claims what is not so: while the medium is away, destruction waits.
//! Every destruction raises the epoch (期次) of the escrow; a copy of the escrow that is older than a backup is refused beside it.

use super::{is_temporary, remove, wipe};
use crate::fault::{Code, Fault, Result};
use crate::home::write_atomic;
use aws_lc_rs::hmac::{HMAC_SHA256, Key, sign, verify};
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// State of an escrow, in its folder.
const STATE: &str = "escrow.json";
/// Largest key file that is read from a medium.
const LARGEST: u64 = 4096;

/// How far an escrow is, authenticated under the node key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    v: u32,
    /// Whose it is: a name derived from the node key.
    of: String,
    /// Destructions so far.
    epoch: u64,
    mac: String,
}

/// The folder of an escrow, opened for one node.
pub struct Escrow {
    dir: PathBuf,
    mac: Key,
    of: String,
}

impl Escrow {
    /// Opens the escrow in a folder, or begins one where there is none and `begin` says so.
    ///
    /// # Errors
    /// `storage.failed` when the medium is away; `contract.altered` for the escrow of another node, or a changed one; `not-found` without one.
    pub fn open(dir: &Path, node_key: &[u8; 32], begin: bool) -> Result<Self> {
        let root = Key::new(HMAC_SHA256, node_key);
        let mac = Key::new(HMAC_SHA256, sign(&root, b"yu-escrow-mac-v1").as_ref());
        let of = hex::encode(sign(&root, b"yu-escrow-of-v1").as_ref().get(..16).unwrap_or_default());
        let escrow = Self { dir: dir.to_owned(), mac, of };
        if !dir.is_dir() {
            return Err(escrow.away("the medium is not here"));
        }
        match escrow.epoch() {
            Err(fault) if fault.code == Code::NotFound && begin => {
                let is_empty = fs::read_dir(dir).map_err(|e| Fault::io(&e, dir))?.next().is_none();
                if !is_empty {
                    return Err(Fault::new(Code::Exists, "the folder of a new escrow has to be empty").at(dir.display().to_string()));
                }
                escrow.set(0)?;
            }
            other => drop(other?),
        }
        Ok(escrow)
    }

    fn away(&self, what: &str) -> Fault {
        Fault::new(Code::Storage, format!("escrow: {what}; attach it, keys are destroyed there first")).at(self.dir.display().to_string())
    }

    fn message(&self, epoch: u64) -> Vec<u8> {
        format!("yu-escrow-v1\0{}\0{epoch}", self.of).into_bytes()
    }

    /// Destructions so far.
    ///
    /// # Errors
    /// `not-found` without an escrow; `contract.altered` for one of another node, or whose state was changed.
    pub fn epoch(&self) -> Result<u64> {
        let path = self.dir.join(STATE);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == ErrorKind::NotFound => {
                return Err(
                    Fault::new(Code::NotFound, "no escrow: `yu backup escrow FOLDER` begins one").at(self.dir.display().to_string())
                );
            }
            Err(e) => return Err(Fault::io(&e, &path)),
        };
        let altered = |what: &str| Fault::new(Code::Tampered, what.to_owned()).at(path.display().to_string());
        let state: State = serde_json::from_slice(&bytes).map_err(|_| altered("the state of the escrow does not parse"))?;
        if state.of != self.of {
            return Err(altered("it is the escrow of another node"));
        }
        let tag = hex::decode(&state.mac).unwrap_or_default();
        if state.v != 1 || verify(&self.mac, &self.message(state.epoch), &tag).is_err() {
            return Err(altered("the state of the escrow was changed"));
        }
        Ok(state.epoch)
    }

    fn set(&self, epoch: u64) -> Result<()> {
        let mac = hex::encode(sign(&self.mac, &self.message(epoch)).as_ref());
        let json =
            serde_json::to_vec(&State { v: 1, of: self.of.clone(), epoch, mac }).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
        write_atomic(&self.dir.join(STATE), &json, 0o600)
    }

    fn path(&self, id: &str) -> PathBuf {
        self.dir.join(format!("{id}.key"))
    }

    /// The wrapped key of a payload, as the node has it in `keys/data`.
    ///
    /// # Errors
    /// `storage.failed`; `input.bad` for an id that is no file name.
    pub fn key(&self, id: &str) -> Result<Option<Vec<u8>>> {
        super::check_id(id)?;
        let path = self.path(id);
        match fs::metadata(&path) {
            Ok(about) if about.len() > LARGEST => Err(Fault::new(Code::Damaged, "too large for a key").at(path.display().to_string())),
            Ok(_) => fs::read(&path).map(Some).map_err(|e| Fault::io(&e, &path)),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Fault::io(&e, &path)),
        }
    }

    /// Keeps a wrapped key; the one of the same id before is overwritten.
    pub(super) fn put(&self, id: &str, wrapped: &[u8]) -> Result<()> {
        let path = self.path(id);
        let old = fs::OpenOptions::new().write(true).open(&path).ok();
        write_atomic(&path, wrapped, 0o600)?;
        if let Some(mut old) = old {
            // nothing names it any more; as in the vault itself
            let _ = wipe(&mut old);
        }
        Ok(())
    }

    /// Destroys a key.
    pub(super) fn shred(&self, id: &str) -> Result<()> {
        let path = self.path(id);
        match fs::OpenOptions::new().write(true).open(&path) {
            Ok(mut file) => {
                let epoch = self.epoch()?;
                self.set(epoch.saturating_add(1))?;
                wipe(&mut file).map_err(|e| Fault::io(&e, &path))?;
                remove(&path)?;
                fs::File::open(&self.dir).and_then(|dir| dir.sync_all()).map_err(|e| Fault::io(&e, &self.dir))
            }
            // a folder without its state is a medium that is away, not an escrow without keys
            Err(e) if e.kind() == ErrorKind::NotFound => self.epoch().map(drop).map_err(|_| self.away("its state is not here")),
            Err(e) => Err(Fault::io(&e, &path)),
        }
    }

    /// Ids of the keys that are here.
    pub(super) fn ids(&self) -> Result<Vec<String>> {
        let entries = fs::read_dir(&self.dir).map_err(|e| Fault::io(&e, &self.dir))?;
        let names = entries.filter_map(|e| {
            let e = e.ok()?;
            if is_temporary(&e.path()) {
                let _ = remove(&e.path());
            }
            e.file_name().into_string().ok()?.strip_suffix(".key").map(str::to_owned)
        });
        Ok(names.filter(|id| super::check_id(id).is_ok()).collect())
    }

    /// Its folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}
