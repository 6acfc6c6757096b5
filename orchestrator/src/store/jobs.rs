//! Jobs, their states as persisted intents, their events, and shares that wait for review.

use super::{Store, bad_row};
use crate::fault::{Fault, Result};
use crate::job::State;
use rusqlite::{OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

/// A job as this node knows it.
#[derive(Debug, Clone)]
pub struct JobRow {
    /// Contract hash.
    pub id: String,
    /// State.
    pub state: State,
    /// Contract with signatures and evidence, JSON.
    pub contract: String,
    /// Who proposed it.
    pub proposer: String,
    /// Why it failed.
    pub fault: Option<Fault>,
    /// Metered costs, JSON.
    pub measured: Option<String>,
    /// When it was made.
    pub created: i64,
    /// When it last changed.
    pub updated: i64,
}

/// One line of a job's story.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct JobEvent {
    /// Position.
    pub seq: u64,
    /// Unix seconds.
    pub at: i64,
    /// What happened.
    pub verb: String,
    /// Value-free details, JSON.
    pub detail: serde_json::Value,
}

fn row(r: &Row<'_>) -> rusqlite::Result<Raw> {
    Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?, r.get(5)?, r.get(6)?, r.get(7)?))
}

type Raw = (String, String, String, String, Option<String>, Option<String>, i64, i64);

fn job((id, state, contract, proposer, fault, measured, created, updated): Raw) -> Result<JobRow> {
    Ok(JobRow {
        state: State::parse(&state).ok_or_else(|| bad_row("job"))?,
        fault: fault.map(|f| serde_json::from_str(&f).map_err(|_| bad_row("job"))).transpose()?,
        id,
        contract,
        proposer,
        measured,
        created,
        updated,
    })
}

const JOB: &str = "id, state, contract, proposer, fault, measured, created, updated";

impl Store {
    /// Enters a new job; false when it is known already.
    pub fn new_job(&self, id: &str, state: State, contract: &str, proposer: &str, now: i64) -> Result<bool> {
        let n = self.lock().execute(
            "INSERT INTO job (id, state, contract, proposer, created, updated) VALUES (?1,?2,?3,?4,?5,?5) ON CONFLICT DO NOTHING",
            params![id, state.as_str(), contract, proposer, now],
        )?;
        Ok(n == 1)
    }

    /// One job.
    pub fn job(&self, id: &str) -> Result<Option<JobRow>> {
        let raw = self.lock().query_row(&format!("SELECT {JOB} FROM job WHERE id=?1"), [id], row).optional()?;
        raw.map(job).transpose()
    }

    /// All jobs, newest first.
    pub fn jobs(&self) -> Result<Vec<JobRow>> {
        let raws = {
            let db = self.lock();
            let mut query = db.prepare(&format!("SELECT {JOB} FROM job ORDER BY created DESC, id"))?;
            query.query_map([], row)?.collect::<rusqlite::Result<Vec<_>>>()?
        };
        raws.into_iter().map(job).collect()
    }

    /// Moves a job from one of the states in `from` to `to`, atomically; false when it is in none of them.
    pub fn move_job(&self, id: &str, from: &[State], to: State, now: i64) -> Result<bool> {
        self.move_job_and_queue(id, from, to, now, &[])
    }

    /// The same, and queues messages (peer, question) in the same transaction.
    pub fn move_job_and_queue(&self, id: &str, from: &[State], to: State, now: i64, messages: &[(&str, String)]) -> Result<bool> {
        let mut db = self.lock();
        let tx = db.transaction()?;
        let found: Option<String> = tx.query_row("SELECT state FROM job WHERE id=?1", [id], |r| r.get(0)).optional()?;
        let allowed = found.as_deref().and_then(State::parse).is_some_and(|s| from.contains(&s));
        if allowed {
            tx.execute("UPDATE job SET state=?2, updated=?3 WHERE id=?1", params![id, to.as_str(), now])?;
            for (peer, request) in messages {
                tx.execute("INSERT INTO outbox (peer, job, request) VALUES (?1,?2,?3)", params![peer, id, request])?;
            }
        }
        tx.commit()?;
        Ok(allowed)
    }

    /// Ends a job with a fault unless it ended before; false when it had.
    pub fn fail_job(&self, id: &str, fault: &Fault, now: i64) -> Result<bool> {
        let json = serde_json::to_string(fault).map_err(|_| bad_row("job"))?;
        let mut db = self.lock();
        let tx = db.transaction()?;
        let found: Option<String> = tx.query_row("SELECT state FROM job WHERE id=?1", [id], |r| r.get(0)).optional()?;
        // what the review decided is not undone: a result that leaves cannot be called back
        let open = found.as_deref().and_then(State::parse).is_some_and(|s| s.before_held() || s == State::Held);
        if open {
            tx.execute("UPDATE job SET state=?2, fault=?3, updated=?4 WHERE id=?1", params![id, State::Failed.as_str(), json, now])?;
            // what was on its way for the job is void now
            tx.execute("DELETE FROM outbox WHERE job=?1", [id])?;
        }
        tx.commit()?;
        Ok(open)
    }

    /// Replaces the stored contract (signatures arrived).
    pub fn set_contract(&self, id: &str, contract: &str, now: i64) -> Result<()> {
        self.lock().execute("UPDATE job SET contract=?2, updated=?3 WHERE id=?1", params![id, contract, now])?;
        Ok(())
    }

    /// Stores metered costs.
    pub fn set_measured(&self, id: &str, measured: &str) -> Result<()> {
        self.lock().execute("UPDATE job SET measured=?2 WHERE id=?1", params![id, measured])?;
        Ok(())
    }

    /// Adds a line to a job's story.
    pub fn add_event(&self, job: &str, verb: &str, detail: &serde_json::Value, now: i64) -> Result<()> {
        self.lock().execute(
            "INSERT INTO job_event (job, seq, at, verb, detail) VALUES (?1, (SELECT COALESCE(MAX(seq)+1, 0) FROM job_event WHERE job=?1), ?2, ?3, ?4)",
            params![job, now, verb, detail.to_string()],
        )?;
        Ok(())
    }

    /// The story from a position on.
    pub fn events(&self, job: &str, from: u64) -> Result<Vec<JobEvent>> {
        let from = i64::try_from(from).unwrap_or(i64::MAX);
        let db = self.lock();
        let mut query = db.prepare("SELECT seq, at, verb, detail FROM job_event WHERE job=?1 AND seq>=?2 ORDER BY seq")?;
        let rows = query.query_map(params![job, from], |r| {
            let detail: String = r.get(3)?;
            Ok(JobEvent {
                seq: u64::try_from(r.get::<_, i64>(0)?).unwrap_or(0),
                at: r.get(1)?,
                verb: r.get(2)?,
                detail: serde_json::from_str(&detail).unwrap_or(serde_json::Value::Null),
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?)
    }

    /// Keeps a party's sealed share; false when a different one is there already.
    pub fn put_share(&self, job: &str, party: &str, json: &str) -> Result<bool> {
        let db = self.lock();
        db.execute("INSERT INTO share (job, party, json) VALUES (?1,?2,?3) ON CONFLICT DO NOTHING", params![job, party, json])?;
        let kept: String = db.query_row("SELECT json FROM share WHERE job=?1 AND party=?2", [job, party], |r| r.get(0))?;
        Ok(kept == json)
    }

    /// Sealed shares of a job by party.
    pub fn shares(&self, job: &str) -> Result<Vec<(String, String)>> {
        let db = self.lock();
        let mut query = db.prepare("SELECT party, json FROM share WHERE job=?1 ORDER BY party")?;
        let rows = query.query_map([job], |r| Ok((r.get(0)?, r.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?)
    }

    /// Forgets the shares of a decided job.
    pub fn drop_shares(&self, job: &str) -> Result<()> {
        self.lock().execute("DELETE FROM share WHERE job=?1", [job])?;
        Ok(())
    }

    /// Counts a run of a pair of inputs; false, and nothing counted, when the limit of the day is reached.
    /// Counting the same job twice is one run.
    pub fn count_run(&self, pair: &str, day: &str, job: &str, limit: u64) -> Result<bool> {
        let mut db = self.lock();
        let tx = db.transaction()?;
        let others: i64 = tx.query_row("SELECT COUNT(*) FROM run WHERE pair=?1 AND day=?2 AND job<>?3", [pair, day, job], |r| r.get(0))?;
        let free = u64::try_from(others).unwrap_or(u64::MAX) < limit;
        if free {
            tx.execute("INSERT INTO run (pair, day, job) VALUES (?1,?2,?3) ON CONFLICT DO NOTHING", [pair, day, job])?;
        }
        tx.commit()?;
        Ok(free)
    }

    /// Runs of a pair on a day.
    pub fn runs(&self, pair: &str, day: &str) -> Result<u64> {
        let n: i64 = self.lock().query_row("SELECT COUNT(*) FROM run WHERE pair=?1 AND day=?2", [pair, day], |r| r.get(0))?;
        Ok(u64::try_from(n).unwrap_or(0))
    }
}
