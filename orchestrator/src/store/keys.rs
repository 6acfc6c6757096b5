//! Which secrets a run made that live in memory only, and what became of them. The secrets themselves are never here.

use super::Store;
use crate::fault::Result;
use rusqlite::params;

/// What became of a secret that a run held in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It may still be in this process's memory.
    Live,
    /// It was overwritten when the protocol no longer used it.
    Wiped,
    /// The process that held it ended first.
    Lost,
}

impl Store {
    /// A run is about to make a secret. Written first, so that none is ever forgotten. One that an earlier process took with it stays lost.
    pub fn key_made(&self, job: &str, what: &str) -> Result<()> {
        self.lock().execute(
            "INSERT INTO run_key (job, what, process) VALUES (?1,?2,?3) ON CONFLICT (job, what) DO UPDATE SET process=?3, wiped=0
             WHERE wiped=1 OR process=?3",
            params![job, what, self.process],
        )?;
        Ok(())
    }

    /// The secrets of a run of this process were overwritten.
    pub fn keys_wiped(&self, job: &str) -> Result<()> {
        self.lock().execute("UPDATE run_key SET wiped=1 WHERE job=?1 AND process=?2", params![job, self.process])?;
        Ok(())
    }

    /// Secrets that a run made, by name.
    pub fn run_keys(&self, job: &str) -> Result<Vec<(String, Fate)>> {
        let db = self.lock();
        let mut query = db.prepare("SELECT what, wiped, process FROM run_key WHERE job=?1 ORDER BY what")?;
        let rows = query.query_map([job], |r| Ok((r.get::<_, String>(0)?, r.get::<_, bool>(1)?, r.get::<_, String>(2)?)))?;
        let fate = |wiped: bool, process: &str| match (wiped, process == self.process) {
            (true, _) => Fate::Wiped,
            (false, true) => Fate::Live,
            (false, false) => Fate::Lost,
        };
        Ok(rows.map(|row| row.map(|(what, wiped, process)| (what, fate(wiped, &process)))).collect::<rusqlite::Result<Vec<_>>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::home::Home;
    use crate::store::tests::store;

    #[test]
    fn what_a_process_did_not_wipe_is_lost_with_it() {
        let (dir, store) = store();
        store.key_made("a", "psi-exponent").unwrap();
        store.key_made("a", "prg-keys").unwrap();
        store.key_made("b", "psi-exponent").unwrap();
        store.keys_wiped("a").unwrap();
        let a = [("prg-keys".to_owned(), Fate::Wiped), ("psi-exponent".to_owned(), Fate::Wiped)];
        assert_eq!(store.run_keys("a").unwrap(), a);
        assert_eq!(store.run_keys("b").unwrap(), [("psi-exponent".to_owned(), Fate::Live)]);
        assert_eq!(store.run_keys("c").unwrap(), []);
        drop(store);
        // the next process cannot have wiped what an earlier one held
        let store = Store::open(&Home::new(dir.path().join("n"))).unwrap();
        store.keys_wiped("b").unwrap();
        assert_eq!(store.run_keys("a").unwrap(), a);
        assert_eq!(store.run_keys("b").unwrap(), [("psi-exponent".to_owned(), Fate::Lost)]);
    }
}
