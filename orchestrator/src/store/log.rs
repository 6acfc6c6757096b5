//! What the audit log and the store know of each other: events that belong to changes, and whether the log has a head.

use super::{Store, bad_row};
use crate::fault::Result;
use crate::keys::rng;
use rand::Rng;
use rusqlite::{Connection, params};
use std::sync::atomic::Ordering;
use yu_governance::audit::Draft;

impl Store {
    /// Events that are not known to be in the log, behind row `after`, in the order of their changes.
    ///
    /// # Errors
    /// `storage.failed`, `storage.damaged`.
    pub fn unlogged(&self, after: i64) -> Result<Vec<(i64, Draft)>> {
        let db = self.lock();
        let mut query = db.prepare("SELECT id, draft FROM unlogged WHERE id>?1 ORDER BY id")?;
        let rows = query.query_map([after], |r| Ok((r.get(0)?, r.get::<_, String>(1)?)))?;
        let draft = |(id, json): (i64, String)| Ok((id, Draft::from_json(&json).map_err(|_| bad_row("unlogged"))?));
        rows.collect::<rusqlite::Result<Vec<_>>>()?.into_iter().map(draft).collect()
    }

    /// All events up to a row are in the log. They go with the next change: a sync of their own would only cost.
    pub fn logged(&self, last: i64) {
        self.logged.fetch_max(last, Ordering::SeqCst);
    }

    /// Takes events off that are in the log.
    ///
    /// # Errors
    /// `storage.failed`.
    pub fn forget_logged(&self) -> Result<()> {
        self.sweep(&self.lock())
    }

    /// The same as a part of a change.
    pub(super) fn sweep(&self, db: &Connection) -> Result<()> {
        db.prepare("DELETE FROM unlogged WHERE id<=?1")?.execute([self.logged.load(Ordering::SeqCst)])?;
        Ok(())
    }

    /// Whether the log has had a head: then it has one, or is damaged.
    ///
    /// # Errors
    /// `storage.failed`.
    pub fn has_log_head(&self) -> Result<bool> {
        Ok(self.lock().query_row("SELECT COUNT(*) FROM log_head", [], |r| r.get::<_, i64>(0))? > 0)
    }

    /// The log has a head from now on.
    ///
    /// # Errors
    /// `storage.failed`.
    pub fn set_has_log_head(&self, now: i64) -> Result<()> {
        self.lock().execute("INSERT INTO log_head (one, since) VALUES (1,?1) ON CONFLICT DO NOTHING", [now])?;
        Ok(())
    }
}

/// Keeps events as a part of a change, each with a mark that no other has.
pub(super) fn note(db: &Connection, drafts: &[Draft]) -> Result<()> {
    for draft in drafts {
        let mut mark = [0; 16];
        rng().fill_bytes(&mut mark);
        let json = draft.clone().marked(mark).to_json()?;
        db.prepare("INSERT INTO unlogged (draft) VALUES (?1)")?.execute(params![json])?;
    }
    Ok(())
}
