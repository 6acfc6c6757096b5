//! Jobs, their states as persisted intents, their events, and shares that wait for review.

use super::log::note;
use super::{Store, bad_row};
use crate::fault::{Fault, Result};
use crate::job::State;
use crate::people::acting::bound;
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use yu_governance::audit::{Draft, Event};
use yu_governance::clock::Time;

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
    /// Hash of the destruction certificate, once it is signed.
    pub certificate: Option<String>,
    /// The failure is in the log, and what the job left is destroyed.
    pub cleaned: bool,
    /// What the log says of its failure was stored with it; otherwise it failed under an earlier version.
    pub told: bool,
    /// When it was made.
    pub created: i64,
    /// When it last changed.
    pub updated: i64,
}

/// A job as lists show it, without its contract.
#[derive(Debug, Clone)]
pub struct JobLine {
    /// Contract hash.
    pub id: String,
    /// State.
    pub state: State,
    /// Who proposed it.
    pub proposer: String,
    /// Why it failed.
    pub fault: Option<Fault>,
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
    Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?, r.get(4)?, r.get(5)?, r.get(6)?, r.get(7)?, r.get(8)?, r.get(9)?, r.get(10)?))
}

type Raw = (String, String, String, String, Option<String>, Option<String>, Option<String>, bool, bool, i64, i64);

fn job((id, state, contract, proposer, fault, measured, certificate, cleaned, told, created, updated): Raw) -> Result<JobRow> {
    Ok(JobRow {
        state: State::parse(&state).ok_or_else(|| bad_row("job"))?,
        fault: fault.map(|f| serde_json::from_str(&f).map_err(|_| bad_row("job"))).transpose()?,
        id,
        contract,
        proposer,
        measured,
        certificate,
        cleaned,
        told,
        created,
        updated,
    })
}

pub(super) fn event(db: &Connection, job: &str, verb: &str, detail: &serde_json::Value, now: i64) -> Result<()> {
    db.execute(
        "INSERT INTO job_event (job, seq, at, verb, detail) VALUES (?1, (SELECT COALESCE(MAX(seq)+1, 0) FROM job_event WHERE job=?1), ?2, ?3, ?4)",
        params![job, now, verb, detail.to_string()],
    )?;
    Ok(())
}

pub(super) fn queue(db: &Connection, job: &str, messages: &[(&str, String)]) -> Result<()> {
    for (peer, request) in messages {
        db.execute("INSERT INTO outbox (peer, job, request) VALUES (?1,?2,?3)", params![peer, job, request])?;
    }
    Ok(())
}

/// The event that a receiver went without the released result.
const UNDELIVERED: &str = "undelivered";

const JOB: &str = "id, state, contract, proposer, fault, measured, certificate, cleaned, told, created, updated";

/// States as a list of SQL literals; their names are words of the program.
fn listed(states: &[State]) -> String {
    states.iter().map(|state| format!("'{state}'")).collect::<Vec<_>>().join(",")
}

/// Counts a run; false, and nothing counted, when others have reached the limit of the day.
pub(super) fn count_run(db: &Connection, pair: &str, day: &str, job: &str, limit: u64) -> Result<bool> {
    let others: i64 = db.query_row("SELECT COUNT(*) FROM run WHERE pair=?1 AND day=?2 AND job<>?3", [pair, day, job], |r| r.get(0))?;
    let free = u64::try_from(others).unwrap_or(u64::MAX) < limit;
    if free {
        db.execute("INSERT INTO run (pair, day, job) VALUES (?1,?2,?3) ON CONFLICT DO NOTHING", [pair, day, job])?;
    }
    Ok(free)
}

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
        let raw = self.lock().prepare(&format!("SELECT {JOB} FROM job WHERE id=?1"))?.query_row([id], row).optional()?;
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

    /// All jobs without their contracts, newest first.
    pub fn job_lines(&self) -> Result<Vec<JobLine>> {
        let raws = {
            let db = self.lock();
            let mut query = db.prepare("SELECT id, state, proposer, fault FROM job ORDER BY created DESC, id")?;
            let row = |r: &Row<'_>| Ok((r.get(0)?, r.get::<_, String>(1)?, r.get(2)?, r.get::<_, Option<String>>(3)?));
            query.query_map([], row)?.collect::<rusqlite::Result<Vec<_>>>()?
        };
        let line = |(id, state, proposer, fault): (String, String, String, Option<String>)| {
            let state = State::parse(&state).ok_or_else(|| bad_row("job"))?;
            let fault = fault.map(|f| serde_json::from_str(&f).map_err(|_| bad_row("job"))).transpose()?;
            Ok(JobLine { id, state, proposer, fault })
        };
        raws.into_iter().map(line).collect()
    }

    /// Jobs in any of these states, newest first.
    pub fn jobs_in(&self, states: &[State]) -> Result<Vec<JobRow>> {
        let raws = {
            let db = self.lock();
            let mut query = db.prepare(&format!("SELECT {JOB} FROM job WHERE state IN ({}) ORDER BY created DESC, id", listed(states)))?;
            query.query_map([], row)?.collect::<rusqlite::Result<Vec<_>>>()?
        };
        raws.into_iter().map(job).collect()
    }

    /// Jobs whose id begins so, two at most.
    pub fn jobs_like(&self, beginning: &str) -> Result<Vec<JobRow>> {
        // ids are hexadecimal digits: nothing that begins so comes behind
        let end = format!("{beginning}g");
        let raws = {
            let db = self.lock();
            let mut query = db.prepare(&format!("SELECT {JOB} FROM job WHERE id>=?1 AND id<?2 ORDER BY id LIMIT 2"))?;
            query.query_map([beginning, &end], row)?.collect::<rusqlite::Result<Vec<_>>>()?
        };
        raws.into_iter().map(job).collect()
    }

    /// How many jobs of a proposer are not over, one of them left out.
    pub fn open_proposals(&self, proposer: &str, but: &str) -> Result<u64> {
        let sql = format!("SELECT COUNT(*) FROM job WHERE proposer=?1 AND id<>?2 AND state IN ({})", listed(&State::open()));
        let n: i64 = self.lock().query_row(&sql, [proposer, but], |r| r.get(0))?;
        Ok(u64::try_from(n).unwrap_or(u64::MAX))
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
            queue(&tx, id, messages)?;
        }
        tx.commit()?;
        Ok(allowed)
    }

    /// Ends a job with a fault unless it ended before, writes that into its story, and queues what the other parties are
    /// told (peer, question), all in one step; false, and nothing changed, when it had ended.
    pub fn fail_job(&self, id: &str, fault: &Fault, now: i64, messages: &[(&str, String)], log: Option<Event>) -> Result<bool> {
        let log = log.map(|event| Draft::new(bound(event), Time::from_unix(now))).transpose()?;
        let detail = serde_json::json!({ "code": fault.code.as_str(), "detail": fault.detail, "party": fault.party });
        let json = serde_json::to_string(fault).map_err(|_| bad_row("job"))?;
        let mut db = self.lock();
        let tx = db.transaction()?;
        let found: Option<String> = tx.query_row("SELECT state FROM job WHERE id=?1", [id], |r| r.get(0)).optional()?;
        // what the review decided is not undone: a result that leaves cannot be called back
        let open = found.as_deref().and_then(State::parse).is_some_and(|s| s.before_held() || s == State::Held);
        if open {
            let sql = "UPDATE job SET state=?2, fault=?3, updated=?4, told=?5 WHERE id=?1";
            tx.execute(sql, params![id, State::Failed.as_str(), json, now, log.is_some()])?;
            // what was on its way for the job is void now
            tx.execute("DELETE FROM outbox WHERE job=?1", [id])?;
            tx.execute("DELETE FROM share WHERE job=?1", [id])?;
            event(&tx, id, "failed", &detail, now)?;
            queue(&tx, id, messages)?;
            note(&tx, log.as_slice())?;
            self.sweep(&tx)?;
        }
        tx.commit()?;
        Ok(open)
    }

    /// Gives up a result that its receiver did not take, and writes that into the job's story, in one step; false when it is
    /// no longer on its way.
    pub fn give_up(&self, id: i64, job: &str, party: &str, fault: &Fault, now: i64) -> Result<bool> {
        let detail = serde_json::json!({ "party": party, "code": fault.code.as_str(), "detail": fault.detail });
        let mut db = self.lock();
        let tx = db.transaction()?;
        let given_up = tx.execute("DELETE FROM outbox WHERE id=?1", [id])? == 1;
        if given_up {
            event(&tx, job, UNDELIVERED, &detail, now)?;
        }
        tx.commit()?;
        Ok(given_up)
    }

    /// Who went without the released result of a job, and why: party, code.
    pub fn undelivered(&self, job: &str) -> Result<Vec<(String, String)>> {
        let told = self.events(job, 0)?.into_iter().filter(|event| event.verb == UNDELIVERED);
        let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
        Ok(told.map(|event| (text(&event.detail["party"]), text(&event.detail["code"]))).collect())
    }

    /// Ends a job by a fault whose destruction is complete; log and story say both in the same step.
    pub fn fail_destroyed(&self, id: &str, fault: &Fault, now: i64, destroyed: &serde_json::Value, log: [Event; 2]) -> Result<()> {
        let log = log.into_iter().map(|event| Draft::new(bound(event), Time::from_unix(now))).collect::<yu_governance::Result<Vec<_>>>()?;
        let detail = serde_json::json!({ "code": fault.code.as_str(), "detail": fault.detail, "party": fault.party });
        let json = serde_json::to_string(fault).map_err(|_| bad_row("job"))?;
        let mut db = self.lock();
        let tx = db.transaction()?;
        let sql = "UPDATE job SET state=?2, fault=?3, updated=?4, told=1, cleaned=1 WHERE id=?1 AND state=?5";
        if tx.execute(sql, params![id, State::Failed.as_str(), json, now, State::Destroying.as_str()])? == 1 {
            event(&tx, id, "destroyed", destroyed, now)?;
            event(&tx, id, "failed", &detail, now)?;
            note(&tx, &log)?;
            self.sweep(&tx)?;
        }
        tx.commit()?;
        Ok(())
    }

    /// Moves a job to its destruction and forgets what was still on its way for it: a decided job takes no share any more.
    pub fn begin_destroying(&self, id: &str, from: &[State], now: i64) -> Result<bool> {
        let mut db = self.lock();
        let tx = db.transaction()?;
        let found: Option<String> = tx.query_row("SELECT state FROM job WHERE id=?1", [id], |r| r.get(0)).optional()?;
        let allowed = found.as_deref().and_then(State::parse).is_some_and(|s| from.contains(&s));
        if allowed {
            tx.execute("UPDATE job SET state=?2, updated=?3 WHERE id=?1", params![id, State::Destroying.as_str(), now])?;
            tx.execute("DELETE FROM outbox WHERE job=?1", [id])?;
        }
        tx.commit()?;
        Ok(allowed)
    }

    /// Remembers the certificate of what a job left here.
    pub fn set_certificate(&self, id: &str, hash: &str) -> Result<()> {
        self.lock().execute("UPDATE job SET certificate=?2 WHERE id=?1", [id, hash])?;
        Ok(())
    }

    /// A failed job needs nothing more: what it left is destroyed, and log and story say so in the same step. False, and nothing
    /// written, if that was done before. Without an event they said so already.
    pub fn set_cleaned(&self, id: &str, destroyed: &serde_json::Value, now: i64, log: Option<Event>) -> Result<bool> {
        let log = log.map(|event| Draft::new(bound(event), Time::from_unix(now))).transpose()?;
        let mut db = self.lock();
        let tx = db.transaction()?;
        let first = tx.execute("UPDATE job SET cleaned=1 WHERE id=?1 AND cleaned=0", [id])? == 1;
        if first && let Some(log) = log {
            event(&tx, id, "destroyed", destroyed, now)?;
            note(&tx, &[log])?;
            self.sweep(&tx)?;
        }
        tx.commit()?;
        Ok(first)
    }

    /// Failed jobs whose log entry or destruction may be missing.
    pub fn uncleaned(&self) -> Result<Vec<String>> {
        let db = self.lock();
        let mut query = db.prepare("SELECT id FROM job WHERE state=?1 AND cleaned=0 ORDER BY created, id")?;
        let rows = query.query_map([State::Failed.as_str()], |r| r.get(0))?;
        Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?)
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
        event(&self.lock(), job, verb, detail, now)
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

    /// Keeps a party's sealed share; false when a different one is there already, or when the job takes none any more.
    pub fn put_share(&self, job: &str, party: &str, json: &str) -> Result<bool> {
        let db = self.lock();
        db.execute(
            "INSERT INTO share (job, party, json) SELECT ?1,?2,?3 FROM job WHERE id=?1 AND state IN (?4,?5) ON CONFLICT DO NOTHING",
            params![job, party, json, State::Running.as_str(), State::Held.as_str()],
        )?;
        let sql = "SELECT json FROM share WHERE job=?1 AND party=?2";
        let kept: Option<String> = db.query_row(sql, [job, party], |r| r.get(0)).optional()?;
        Ok(kept.as_deref() == Some(json))
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
        let free = count_run(&tx, pair, day, job, limit)?;
        tx.commit()?;
        Ok(free)
    }

    /// Runs of a pair on a day.
    pub fn runs(&self, pair: &str, day: &str) -> Result<u64> {
        let n: i64 = self.lock().query_row("SELECT COUNT(*) FROM run WHERE pair=?1 AND day=?2", [pair, day], |r| r.get(0))?;
        Ok(u64::try_from(n).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Code;
    use crate::store::tests::store;

    #[test]
    fn a_failure_is_stored_with_everything_that_follows_from_it_or_not_at_all() {
        let (_dir, store) = store();
        store.new_job("j", State::Held, "{}", "p", 1).unwrap();
        store.queue("bank", Some("j"), "void").unwrap();
        store.put_share("j", "bank", "sealed").unwrap();
        let fault = Fault::new(Code::Halted, "by a person").party("health");
        let messages = [("bank", "abort".to_owned()), ("platform", "abort".to_owned())];
        // the last thing that the step writes is refused: nothing of it is there
        store
            .lock()
            .execute_batch("CREATE TRIGGER full BEFORE INSERT ON outbox WHEN NEW.peer='platform' BEGIN SELECT RAISE(ABORT, 'full'); END")
            .unwrap();
        store.fail_job("j", &fault, 2, &messages, None).unwrap_err();
        assert_eq!(store.job("j").unwrap().unwrap().state, State::Held);
        assert_eq!(store.outbox().unwrap().len(), 1);
        assert!(store.events("j", 0).unwrap().is_empty() && store.uncleaned().unwrap().is_empty());
        assert_eq!(store.shares("j").unwrap().len(), 1);
        store.lock().execute_batch("DROP TRIGGER full").unwrap();

        assert!(store.fail_job("j", &fault, 2, &messages, None).unwrap());
        let row = store.job("j").unwrap().unwrap();
        assert_eq!((row.state, row.fault, row.cleaned), (State::Failed, Some(fault.clone()), false));
        let queued: Vec<(String, String)> = store.outbox().unwrap().into_iter().map(|(_, peer, request)| (peer, request)).collect();
        assert_eq!(queued, [("bank".to_owned(), "abort".to_owned()), ("platform".to_owned(), "abort".to_owned())]);
        let events = store.events("j", 0).unwrap();
        assert_eq!((events.len(), events[0].verb.as_str(), &events[0].detail["code"]), (1, "failed", &serde_json::json!("job.halted")));
        assert!(store.shares("j").unwrap().is_empty());
        assert!(!store.put_share("j", "bank", "late").unwrap() && store.shares("j").unwrap().is_empty());
        assert_eq!(store.uncleaned().unwrap(), ["j"]);
        // once
        assert!(!store.fail_job("j", &fault, 3, &messages, None).unwrap());
        assert_eq!(store.outbox().unwrap().len(), 2);
        let destroyed = || Some(Event::new(yu_governance::audit::Verb::WorkingDestroyed));
        assert!(store.set_cleaned("j", &serde_json::json!({}), 4, destroyed()).unwrap());
        assert!(!store.set_cleaned("j", &serde_json::json!({}), 4, destroyed()).unwrap());
        assert_eq!(store.unlogged(0).unwrap().len(), 1);
        assert!(store.uncleaned().unwrap().is_empty());
    }

    #[test]
    fn open_proposals_are_counted_for_each_proposer() {
        let (_dir, store) = store();
        for (id, state, proposer) in
            [("a", State::Proposed, "bank"), ("b", State::Held, "bank"), ("c", State::Done, "bank"), ("d", State::Proposed, "health")]
        {
            store.new_job(id, state, "{}", proposer, 1).unwrap();
        }
        assert_eq!(["a", "x"].map(|but| store.open_proposals("bank", but).unwrap()), [1, 2]);
    }

    #[test]
    fn what_was_decided_is_not_undone_and_its_shares_are_not_sent_again() {
        let (_dir, store) = store();
        store.new_job("j", State::Sealing, "{}", "p", 1).unwrap();
        store.queue("authority", Some("j"), "share").unwrap();
        store.queue("authority", None, "certificate of another job").unwrap();
        assert!(store.begin_destroying("j", &[State::Sealing], 2).unwrap());
        assert_eq!(store.outbox().unwrap().len(), 1);
        assert!(!store.begin_destroying("j", &[State::Sealing], 2).unwrap());
        assert!(!store.fail_job("j", &Fault::new(Code::Halted, ""), 3, &[], None).unwrap());
    }
}
