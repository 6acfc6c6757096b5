//! Invitations that are redeemed: once, and with an answer that can be given again.

use super::objects::enter_peer;
use super::{PeerRow, Store};
use crate::fault::Result;
use rusqlite::params;

impl Store {
    /// Uses an invitation up, enters the peer and keeps, as the document `joined` of its id, the card that was admitted by it, in
    /// one step: a crash leaves an open invitation or a known peer. False, and nothing kept, when it was used before.
    ///
    /// # Errors
    /// `storage.failed`.
    pub fn redeem_invite(&self, id: &str, card_hash: &str, card: &str, newcomer: &PeerRow, now: i64) -> Result<bool> {
        let mut db = self.lock();
        let tx = db.transaction()?;
        if tx.execute("UPDATE invite SET used=1 WHERE id=?1 AND used=0", [id])? != 1 {
            return Ok(false);
        }
        tx.execute(
            "INSERT INTO object (kind, id, hash, json, stored) VALUES ('joined',?1,?2,?3,?4) ON CONFLICT (kind, id) DO UPDATE SET hash=?2, json=?3, stored=?4",
            params![id, card_hash, card, now],
        )?;
        enter_peer(&tx, newcomer, now)?;
        tx.commit()?;
        Ok(true)
    }

    /// When the last open invitation expires; none is open otherwise.
    ///
    /// # Errors
    /// `storage.failed`.
    pub fn last_invite(&self, now: i64) -> Result<Option<i64>> {
        Ok(self.lock().query_row("SELECT MAX(expires) FROM invite WHERE used=0 AND expires>?1", [now], |r| r.get(0))?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::store;
    use super::*;

    fn newcomer(name: &str) -> PeerRow {
        let text = |what: &str| what.to_owned();
        PeerRow {
            name: text(name),
            address: None,
            root: text("root"),
            signing_key: text("key"),
            seal_key: text("seal"),
            role: text("provider"),
            controller: text("health"),
            zone: text("inside"),
        }
    }

    #[test]
    fn an_invitation_is_redeemed_once_and_remembers_by_whom() {
        let (_dir, store) = store();
        let (health, bank) = (newcomer("health"), newcomer("bank"));
        store.put_invite("i1", "h", 100).unwrap();
        store.put_invite("i2", "h", 50).unwrap();
        assert_eq!(store.last_invite(10).unwrap(), Some(100));
        assert!(store.redeem_invite("i1", "hash", "{}", &health, 10).unwrap());
        assert!(!store.redeem_invite("i1", "other", "{}", &bank, 11).unwrap());
        assert_eq!(store.object("joined", "i1").unwrap().unwrap().hash, "hash");
        assert_eq!(store.peers().unwrap(), [health]);
        assert_eq!(store.last_invite(10).unwrap(), Some(50));
        assert_eq!(store.last_invite(50).unwrap(), None);
        assert!(!store.redeem_invite("unknown", "hash", "{}", &bank, 10).unwrap());
        assert!(store.object("joined", "unknown").unwrap().is_none());
    }

    #[test]
    fn an_invitation_whose_newcomer_cannot_be_entered_stays_open() {
        let (_dir, store) = store();
        store.put_invite("i1", "h", 100).unwrap();
        store.lock().execute_batch("CREATE TRIGGER full BEFORE INSERT ON peer BEGIN SELECT RAISE(ABORT, 'full'); END").unwrap();
        store.redeem_invite("i1", "hash", "{}", &newcomer("bank"), 10).unwrap_err();
        assert!(store.open_invite("i1", 10).unwrap().is_some() && store.object("joined", "i1").unwrap().is_none());
        store.lock().execute_batch("DROP TRIGGER full").unwrap();
        assert!(store.redeem_invite("i1", "hash", "{}", &newcomer("bank"), 10).unwrap());
    }
}
