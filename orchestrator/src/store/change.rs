//! A change of a job with all that belongs to it, in one step of the store: state, contract, story, messages to others, and the
//! events that the audit log will hold. A crash leaves all of it or nothing; what is kept for the log is appended afterwards
//! ([`crate::journal::Journal::settle`]), and by the next start if need be.

use super::Store;
use super::jobs::{event, queue};
use super::log::note;
use crate::fault::Result;
use crate::job::State;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;
use yu_governance::audit::{Draft, Event};
use yu_governance::clock::Time;

/// What follows a change, whatever it is.
#[derive(Default)]
struct Rest<'a> {
    now: i64,
    story: Vec<(&'a str, Value)>,
    log: Vec<Draft>,
}

impl Rest<'_> {
    fn log(&mut self, event: Event) -> Result<()> {
        let draft = Draft::new(crate::people::acting::bound(event), Time::from_unix(self.now))?;
        draft.fits()?;
        self.log.push(draft);
        Ok(())
    }

    fn write(&self, db: &Connection, job: &str) -> Result<()> {
        for (verb, detail) in &self.story {
            event(db, job, verb, detail, self.now)?;
        }
        note(db, &self.log)
    }
}

/// A job that moves to another state.
#[must_use]
pub struct Change<'a> {
    job: &'a str,
    from: &'a [State],
    to: State,
    contract: Option<&'a str>,
    object: Option<(&'a str, String, &'a str)>,
    run: Option<(&'a str, &'a str, u64)>,
    messages: Vec<(String, String)>,
    rest: Rest<'a>,
}

impl<'a> Change<'a> {
    /// From one of the states in `from` to `to`.
    pub fn new(job: &'a str, from: &'a [State], to: State, now: i64) -> Self {
        let rest = Rest { now, ..Rest::default() };
        Self { job, from, to, contract: None, object: None, run: None, messages: Vec::new(), rest }
    }

    /// The stored contract is replaced (signatures arrived).
    pub fn contract(mut self, json: &'a str) -> Self {
        self.contract = Some(json);
        self
    }

    /// A signed document of the job is kept: kind, hash, JSON.
    pub fn object(mut self, kind: &'a str, hash: String, json: &'a str) -> Self {
        self.object = Some((kind, hash, json));
        self
    }

    /// Counts as a run of a pair of inputs on a day; nothing changes if others have reached the limit.
    pub fn run(mut self, pair: &'a str, day: &'a str, limit: u64) -> Self {
        self.run = Some((pair, day, limit));
        self
    }

    /// A peer is told something.
    pub fn tell(mut self, peer: &str, request: String) -> Self {
        self.messages.push((peer.to_owned(), request));
        self
    }

    /// A line of the job's story.
    pub fn story(mut self, verb: &'a str, detail: Value) -> Self {
        self.rest.story.push((verb, detail));
        self
    }

    /// An event for the audit log.
    ///
    /// # Errors
    /// `internal` for one that the log would not take.
    pub fn log(mut self, event: Event) -> Result<Self> {
        self.rest.log(event)?;
        Ok(self)
    }
}

/// What became of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Changed {
    /// All of it is stored.
    Yes,
    /// Nothing is: the job is in another state.
    OtherState,
    /// Nothing is: the day's runs are used up.
    NoRunLeft,
}

/// A job that is entered.
#[must_use]
pub struct NewJob<'a> {
    id: &'a str,
    state: State,
    contract: &'a str,
    proposer: &'a str,
    rest: Rest<'a>,
}

impl<'a> NewJob<'a> {
    /// A job as it is proposed.
    pub fn new(id: &'a str, state: State, contract: &'a str, proposer: &'a str, now: i64) -> Self {
        Self { id, state, contract, proposer, rest: Rest { now, ..Rest::default() } }
    }

    /// A line of its story.
    pub fn story(mut self, verb: &'a str, detail: Value) -> Self {
        self.rest.story.push((verb, detail));
        self
    }

    /// An event for the audit log.
    ///
    /// # Errors
    /// `internal` for one that the log would not take.
    pub fn log(mut self, event: Event) -> Result<Self> {
        self.rest.log(event)?;
        Ok(self)
    }
}

impl Store {
    /// Changes a job. The log must be settled before anything relies on it.
    ///
    /// # Errors
    /// `storage.failed`, `disk.full`: then nothing is changed.
    pub fn change(&self, change: &Change<'_>) -> Result<Changed> {
        let Change { job, from, to, contract, object, run, messages, rest } = change;
        let mut db = self.lock();
        let tx = db.transaction()?;
        let found: Option<String> = tx.prepare("SELECT state FROM job WHERE id=?1")?.query_row([job], |r| r.get(0)).optional()?;
        if !found.as_deref().and_then(State::parse).is_some_and(|state| from.contains(&state)) {
            return Ok(Changed::OtherState);
        }
        if let Some((pair, day, limit)) = run
            && !super::jobs::count_run(&tx, pair, day, job, *limit)?
        {
            return Ok(Changed::NoRunLeft);
        }
        tx.prepare("UPDATE job SET state=?2, contract=COALESCE(?3, contract), updated=?4 WHERE id=?1")?.execute(params![
            job,
            to.as_str(),
            contract,
            rest.now
        ])?;
        if let Some((kind, hash, json)) = object {
            super::objects::keep(&tx, kind, job, hash, json, rest.now)?;
        }
        for (peer, request) in messages {
            queue(&tx, job, &[(peer.as_str(), request.clone())])?;
        }
        rest.write(&tx, job)?;
        self.sweep(&tx)?;
        tx.commit()?;
        Ok(Changed::Yes)
    }

    /// Enters a new job with its story and events; false, and nothing stored, when it is known already.
    ///
    /// # Errors
    /// `storage.failed`, `disk.full`.
    pub fn enter(&self, new: &NewJob<'_>) -> Result<bool> {
        let NewJob { id, state, contract, proposer, rest } = new;
        let mut db = self.lock();
        let tx = db.transaction()?;
        let sql = "INSERT INTO job (id, state, contract, proposer, created, updated) VALUES (?1,?2,?3,?4,?5,?5) ON CONFLICT DO NOTHING";
        let entered = tx.execute(sql, params![id, state.as_str(), contract, proposer, rest.now])? == 1;
        if entered {
            rest.write(&tx, id)?;
            self.sweep(&tx)?;
        }
        tx.commit()?;
        Ok(entered)
    }

    /// Stores a document together with an event for the audit log.
    ///
    /// # Errors
    /// `storage.failed`, `disk.full`.
    pub fn keep(&self, place: (&str, &str), hash: &str, json: &str, event: Event, now: i64) -> Result<()> {
        self.keep_and_tell(place, (hash, json), event, &[], now)
    }

    /// The same together with what peers are told of it: peer and message.
    ///
    /// # Errors
    /// `storage.failed`, `disk.full`.
    pub fn keep_and_tell(
        &self,
        (kind, id): (&str, &str),
        (hash, json): (&str, &str),
        event: Event,
        tell: &[(&str, &str)],
        now: i64,
    ) -> Result<()> {
        let mut rest = Rest { now, ..Rest::default() };
        rest.log(event)?;
        let mut db = self.lock();
        let tx = db.transaction()?;
        super::objects::keep(&tx, kind, id, hash, json, now)?;
        for (peer, request) in tell {
            tx.execute("INSERT INTO outbox (peer, job, request) VALUES (?1,NULL,?2)", params![peer, request])?;
        }
        note(&tx, &rest.log)?;
        self.sweep(&tx)?;
        tx.commit()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::tests::store;
    use yu_governance::audit::Verb;

    #[test]
    fn a_change_is_stored_with_everything_that_belongs_to_it_or_not_at_all() {
        let (_dir, store) = store();
        let new = NewJob::new("j", State::Signed, "{}", "p", 1).log(Event::new(Verb::JobProposed)).unwrap();
        assert!(store.enter(&new).unwrap() && !store.enter(&new).unwrap());
        let change = |to| {
            Change::new("j", &[State::Signed], to, 2)
                .contract("{1}")
                .object("decision", "h".into(), "{}")
                .run("a b", "day", 1)
                .tell("bank", "start".into())
                .story("admitted", Value::Null)
                .log(Event::new(Verb::JobAdmitted))
                .unwrap()
        };
        let count = |sql: &str| store.lock().query_row(sql, [], |r| r.get::<_, i64>(0)).unwrap();
        let all = || ["object", "run", "outbox", "job_event", "unlogged"].map(|table| count(&format!("SELECT COUNT(*) FROM {table}")));
        // the last thing that the step writes is refused
        store.lock().execute_batch("CREATE TRIGGER full BEFORE INSERT ON unlogged BEGIN SELECT RAISE(ABORT, 'full'); END").unwrap();
        store.change(&change(State::Admitted)).unwrap_err();
        assert_eq!((all(), store.job("j").unwrap().unwrap().state), ([0, 0, 0, 0, 1], State::Signed));
        store.lock().execute_batch("DROP TRIGGER full").unwrap();
        // the day's runs are used up
        assert!(store.count_run("a b", "day", "other", 1).unwrap());
        assert_eq!(store.change(&change(State::Admitted)).unwrap(), Changed::NoRunLeft);
        assert_eq!(all(), [0, 1, 0, 0, 1]);
        store.lock().execute_batch("DELETE FROM run").unwrap();
        assert_eq!(store.change(&change(State::Admitted)).unwrap(), Changed::Yes);
        assert_eq!((all(), store.job("j").unwrap().unwrap().contract.as_str()), ([1, 1, 1, 1, 2], "{1}"));
        assert_eq!(store.change(&change(State::Admitted)).unwrap(), Changed::OtherState);
        assert_eq!(all(), [1, 1, 1, 1, 2]);
        // what is in the log goes with the next change
        let rows = store.unlogged(0).unwrap();
        assert!(rows[0].1.note().unwrap() != rows[1].1.note().unwrap() && rows[0].0 < rows[1].0);
        store.logged(rows[0].0);
        store.keep(("authorisation", "a"), "h", "{}", Event::new(Verb::AuthorisationReceived), 3).unwrap();
        let verbs: Vec<i64> = store.unlogged(0).unwrap().into_iter().map(|(id, _)| id).collect();
        assert_eq!(verbs, [rows[1].0, rows[1].0 + 1]);
        // one that the log would refuse is refused here
        assert!(Change::new("j", &[], State::Done, 1).log(Event::new(Verb::PeerJoined)).is_err());
    }
}
