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

    /// Forgets a job whose thread ends; its keys are gone.
    pub fn end(&self, job: &str) {
        self.map().remove(job);
    }
}
