//! What this node told others about its data sets: kept, so that a contract can be compared with it, and counted, so that
//! nobody asks without end.

use super::{Store, bad_row};
use crate::control::OfferAnswer;
use crate::fault::Result;
use rusqlite::{OptionalExtension, params};

/// How long a statement is kept, seconds: contracts expire within 30 days.
const KEPT: i64 = 31 * 86_400;

/// A statement as it was made.
#[derive(Debug, Clone)]
pub struct Statement {
    /// What was said.
    pub answer: OfferAnswer,
    /// Names the state of the receipts that were counted.
    pub receipts: String,
    /// When, unix seconds.
    pub at: i64,
}

impl Store {
    /// Counts one more question of a peer about a data set; false, and nothing counted, when the day's limit is reached.
    ///
    /// # Errors
    /// `storage.failed`.
    pub fn count_question(&self, dataset: &str, asker: &str, day: &str, limit: u64) -> Result<bool> {
        let mut db = self.lock();
        let tx = db.transaction()?;
        tx.execute("DELETE FROM asked WHERE day<>?1", [day])?;
        let sql = "SELECT times FROM asked WHERE dataset=?1 AND asker=?2 AND day=?3";
        let times: Option<i64> = tx.query_row(sql, [dataset, asker, day], |r| r.get(0)).optional()?;
        let free = u64::try_from(times.unwrap_or(0)).unwrap_or(u64::MAX) < limit;
        if free {
            tx.execute(
                "INSERT INTO asked (dataset, asker, day, times) VALUES (?1,?2,?3,1) ON CONFLICT DO UPDATE SET times=times+1",
                [dataset, asker, day],
            )?;
        }
        tx.commit()?;
        Ok(free)
    }

    /// Keeps a statement instead of an earlier one to the same question of the same peer, and forgets old ones.
    ///
    /// # Errors
    /// `storage.failed`.
    pub fn put_statement(&self, dataset: &str, asker: &str, question: &str, statement: &Statement) -> Result<()> {
        let answer = serde_json::to_string(&statement.answer).map_err(|_| bad_row("statement"))?;
        let mut db = self.lock();
        let tx = db.transaction()?;
        tx.execute("DELETE FROM statement WHERE at<?1", [statement.at - KEPT])?;
        tx.execute(
            "INSERT INTO statement (dataset, asker, question, receipts, answer, at) VALUES (?1,?2,?3,?4,?5,?6)
             ON CONFLICT DO UPDATE SET receipts=?4, answer=?5, at=?6",
            params![dataset, asker, question, statement.receipts, answer, statement.at],
        )?;
        tx.commit()?;
        Ok(())
    }

    /// What a peer was told last on a question.
    ///
    /// # Errors
    /// `storage.failed`, `storage.damaged`.
    pub fn statement(&self, dataset: &str, asker: &str, question: &str) -> Result<Option<Statement>> {
        let sql = "SELECT receipts, answer, at FROM statement WHERE dataset=?1 AND asker=?2 AND question=?3";
        let row =
            self.lock().query_row(sql, [dataset, asker, question], |r| Ok((r.get(0)?, r.get::<_, String>(1)?, r.get(2)?))).optional()?;
        row.map(|(receipts, answer, at)| {
            let answer = serde_json::from_str(&answer).map_err(|_| bad_row("statement"))?;
            Ok(Statement { answer, receipts, at })
        })
        .transpose()
    }

    /// Forgets what was said about a data set.
    ///
    /// # Errors
    /// `storage.failed`.
    pub fn drop_statements(&self, dataset: &str) -> Result<()> {
        self.lock().execute("DELETE FROM statement WHERE dataset=?1", [dataset])?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::store;
    use super::*;

    fn statement(rows: u64, at: i64) -> Statement {
        Statement { answer: OfferAnswer { rows, commitment: None, exponents: vec![3] }, receipts: "r".into(), at }
    }

    #[test]
    fn statements_are_kept_one_for_each_question_and_not_for_ever() {
        let (_dir, store) = store();
        for at in 0..1000 {
            store.put_statement("visits", "bank", "q", &statement(100 + at, 5)).unwrap();
        }
        assert_eq!(store.statement("visits", "bank", "q").unwrap().unwrap().answer.rows, 1099);
        let rows = |sql: &str| store.lock().query_row(sql, [], |r| r.get::<_, i64>(0)).unwrap();
        assert_eq!(rows("SELECT COUNT(*) FROM statement"), 1);
        assert!(store.statement("visits", "platform", "q").unwrap().is_none());
        store.put_statement("visits", "bank", "later", &statement(7, 6 + KEPT)).unwrap();
        assert!(store.statement("visits", "bank", "q").unwrap().is_none());
        store.drop_statements("visits").unwrap();
        assert_eq!(rows("SELECT COUNT(*) FROM statement"), 0);
    }

    #[test]
    fn questions_are_counted_by_asker_data_set_and_day() {
        let (_dir, store) = store();
        let ask = |dataset: &str, asker: &str, day: &str| store.count_question(dataset, asker, day, 2).unwrap();
        assert!(ask("visits", "bank", "monday") && ask("visits", "bank", "monday") && !ask("visits", "bank", "monday"));
        assert!(ask("visits", "platform", "monday") && ask("births", "bank", "monday"));
        assert!(ask("visits", "bank", "tuesday"));
        let rows: i64 = store.lock().query_row("SELECT COUNT(*) FROM asked", [], |r| r.get(0)).unwrap();
        assert_eq!(rows, 1, "yesterday is forgotten");
    }
}
