//! The control store: SQLite in WAL mode, synchronous FULL, secure_delete. Holds documents and states, never data rows.

mod change;
mod jobs;
mod joins;
mod keys;
mod log;
mod objects;
mod schema;
mod statements;

pub use change::{Change, Changed, NewJob};
pub use jobs::{JobEvent, JobLine, JobRow};
pub use keys::Fate;
pub use objects::{DatasetRow, Object, PeerRow};
pub use statements::Statement;

use crate::fault::{Code, Fault, Result};
use crate::home::Home;
use crate::keys::rng;
use rand::Rng;
use rusqlite::Connection;
use std::sync::atomic::AtomicI64;
use std::sync::{Mutex, MutexGuard};

/// Control store of one node.
pub struct Store {
    db: Mutex<Connection>,
    /// Random name of this process: what it holds in memory is its own.
    process: String,
    /// Last row of `unlogged` that is in the log: the next change takes it off the store.
    logged: AtomicI64,
}

impl Store {
    /// Opens the store and brings its schema up to date.
    ///
    /// # Errors
    /// `storage.failed`, `disk.full`; `version.mismatch` for a store of a newer version.
    pub fn open(home: &Home) -> Result<Self> {
        let db = Connection::open(home.path("store/yu.sqlite"))?;
        db.pragma_update(None, "journal_mode", "WAL")?;
        db.pragma_update(None, "synchronous", "FULL")?;
        db.pragma_update(None, "secure_delete", "ON")?;
        db.pragma_update(None, "foreign_keys", "ON")?;
        schema::migrate(&db)?;
        let mut process = [0_u8; 16];
        rng().fill_bytes(&mut process);
        Ok(Self { db: Mutex::new(db), process: hex::encode(process), logged: AtomicI64::new(0) })
    }

    /// Writes a consistent copy of everything to a file that does not exist yet.
    ///
    /// # Errors
    /// `storage.failed`, `disk.full`.
    pub fn copy_to(&self, path: &std::path::Path) -> Result<()> {
        let text = path.to_str().ok_or_else(|| Fault::new(Code::Input, "the path is no UTF-8").at("store"))?;
        self.lock().execute("VACUUM INTO ?1", [text])?;
        Ok(())
    }

    /// The connection; a thread that panicked while holding it cannot have left a half transaction (they roll back).
    fn lock(&self) -> MutexGuard<'_, Connection> {
        self.db.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

fn bad_row(what: &str) -> Fault {
    Fault::new(Code::Damaged, format!("row of `{what}` does not parse")).at("store/yu.sqlite")
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn store() -> (tempfile::TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::new(dir.path().join("n"));
        home.create().unwrap();
        let store = Store::open(&home).unwrap();
        (dir, store)
    }

    #[test]
    fn reopening_keeps_everything() {
        let (dir, store) = store();
        store.put_object("authorisation", "a1", "h1", "{}", 5).unwrap();
        drop(store);
        let store = Store::open(&Home::new(dir.path().join("n"))).unwrap();
        assert_eq!(store.object("authorisation", "a1").unwrap().unwrap().json, "{}");
    }

    #[test]
    fn a_store_of_the_future_is_refused() {
        let (dir, store) = store();
        store.lock().pragma_update(None, "user_version", 999).unwrap();
        drop(store);
        let error = Store::open(&Home::new(dir.path().join("n"))).err().unwrap();
        assert_eq!(error.code, Code::Version);
    }
}
