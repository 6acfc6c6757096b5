//! What running jobs do at this moment: progress for people, and the handles by which a job is stopped.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard};
use yu_wire::session::Session;

/// Running jobs of this process.
#[derive(Default)]
pub struct Live {
    running: Mutex<HashMap<String, Running>>,
    ending: Mutex<()>,
}

/// One running job.
#[derive(Default)]
struct Running {
    sessions: Vec<Session>,
    percent: u8,
    step: String,
    /// Set when the job was ended; a session that comes about later is ended as well.
    aborted: Option<String>,
    /// Whether parties whose process ended may come back with a new session.
    takes_back: bool,
    /// Those that did: name, and what the new session is called.
    back: Vec<(String, [u8; 32])>,
}

impl Live {
    fn map(&self) -> MutexGuard<'_, HashMap<String, Running>> {
        self.running.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// One thread at a time destroys what jobs left, so that each job has one certificate.
    pub fn ending(&self) -> MutexGuard<'_, ()> {
        self.ending.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Whether the job's run still has its thread here: until it ends, its keys may be in memory.
    pub fn runs(&self, job: &str) -> bool {
        self.map().contains_key(job)
    }

    /// Enters a job; false when it runs already.
    pub fn begin(&self, job: &str) -> bool {
        let mut map = self.map();
        if map.contains_key(job) {
            return false;
        }
        map.insert(job.to_owned(), Running::default());
        true
    }

    /// Remembers a session so that a fault elsewhere can end it.
    pub fn session(&self, job: &str, session: Session) {
        if let Some(running) = self.map().get_mut(job) {
            match &running.aborted {
                Some(code) => session.abort(code),
                None => running.sessions.push(session),
            }
        }
    }

    /// Says how far a job is.
    pub fn progress(&self, job: &str, percent: u8, step: &str) {
        if let Some(running) = self.map().get_mut(job) {
            running.percent = percent.min(100);
            step.clone_into(&mut running.step);
        }
    }

    /// How far a job is.
    pub fn of(&self, job: &str) -> Option<(u8, String)> {
        self.map().get(job).map(|r| (r.percent, r.step.clone()))
    }

    /// Ends the job's sessions with a reason that its peers see; blocked protocol code returns at once.
    pub fn abort(&self, job: &str, code: &str) {
        let sessions = self.map().get_mut(job).map(|r| {
            r.aborted.get_or_insert_with(|| code.to_owned());
            std::mem::take(&mut r.sessions)
        });
        for session in sessions.unwrap_or_default() {
            session.abort(code);
        }
    }

    /// From now on parties whose process ended may come back.
    pub fn take_back(&self, job: &str) {
        if let Some(running) = self.map().get_mut(job) {
            running.takes_back = true;
        }
    }

    /// A party is back after its process ended: the session with the earlier process ends, so that nothing waits for it. False if the job does not
    /// wait for anybody.
    pub fn returned(&self, job: &str, party: &str, session: [u8; 32]) -> bool {
        let dead = {
            let mut map = self.map();
            let Some(running) = map.get_mut(job).filter(|running| running.takes_back && running.aborted.is_none()) else { return false };
            running.back.retain(|(name, _)| name != party);
            running.back.push((party.to_owned(), session));
            let (dead, alive) = std::mem::take(&mut running.sessions).into_iter().partition(|s| s.peer().to_string() == party);
            running.sessions = alive;
            let dead: Vec<Session> = dead;
            dead
        };
        dead.iter().for_each(|session| session.abort("peer.restarted"));
        true
    }

    /// Parties that came back since this was asked last.
    pub fn taken_back(&self, job: &str) -> Vec<(String, [u8; 32])> {
        self.map().get_mut(job).map(|running| std::mem::take(&mut running.back)).unwrap_or_default()
    }

    /// Whether a party came back and nobody looked yet.
    pub fn has_back(&self, job: &str) -> bool {
        self.map().get(job).is_some_and(|running| !running.back.is_empty())
    }

    /// Whether the job was ended here.
    pub fn is_aborted(&self, job: &str) -> bool {
        self.map().get(job).is_none_or(|running| running.aborted.is_some())
    }

    /// Forgets a job whose thread ends; its keys are gone.
    pub fn end(&self, job: &str) {
        self.map().remove(job);
    }
}
