//! Group commit: many threads append, one of them writes for all, and nobody goes on before the disk has it.
//!
//! A thread puts its lines behind the others' and waits. Whoever finds the files free writes everything that waits as one batch:
//! one sync of the log, one of its head. Meanwhile the next batch gathers. A batch that fails takes everything with it that was
//! chained to it, also what gathered meanwhile; all of them hear of it, and the log goes back to what is on disk.

use super::Journal;
use super::files::{self, ENTRIES, Files};
use crate::fault::{Fault, Result};
use std::mem;
use std::path::PathBuf;
use std::sync::{Condvar, MutexGuard, PoisonError};
use std::time::Duration;
use yu_governance::audit::{AuditLog, Draft};

/// How long a writer waits for others to join its batch, if the last batch was one of several threads: those that it
/// acknowledged are about to come again, and without this the first of them would write alone.
const GATHER: Duration = Duration::from_micros(200);
/// How often, as long as more come: at most the half of a sync of this disk.
const GATHERINGS: usize = 10;

/// What the lock protects.
pub(super) struct State {
    /// With all that waits.
    pub(super) log: AuditLog,
    /// Lines that no batch has taken.
    waiting: Vec<u8>,
    /// Callers behind them.
    callers: u64,
    /// Number of the batch that gathers.
    batch: u64,
    /// Callers of the batch before.
    before: u64,
    /// Entries that are acknowledged.
    durable: u64,
    /// With a writer, if not here.
    files: Option<Files>,
    paths: [PathBuf; 3],
    /// Failures so far: how many entries were acknowledged then, and why the others were lost.
    failures: Vec<(u64, Fault)>,
}

/// What a caller waits for.
pub(super) struct Ticket {
    /// Entries of the log with its own.
    size: u64,
    batch: u64,
    /// Failures before.
    failures: usize,
}

impl State {
    pub(super) fn new(log: AuditLog, files: Files) -> Self {
        let paths = [0, 1, 2].map(|which| files::path(&files, which));
        let durable = log.size();
        Self { log, waiting: Vec::new(), callers: 0, batch: 0, before: 0, durable, files: Some(files), paths, failures: Vec::new() }
    }

    /// Path of one of the files. Lines are whole while the state is locked; of entries, the last one may be half written.
    pub(super) fn path(&self, which: usize) -> PathBuf {
        self.paths[which].clone()
    }

    /// Adds entries to the batch that gathers, all or none.
    pub(super) fn stage(&mut self, drafts: Vec<Draft>) -> Result<Ticket> {
        drafts.iter().try_for_each(Draft::fits)?;
        for draft in drafts {
            // INVARIANT: it fits, so the log takes it
            let line = self.log.append_draft(draft)?;
            self.waiting.extend(line);
        }
        self.callers += 1;
        Ok(Ticket { size: self.log.size(), batch: self.batch, failures: self.failures.len() })
    }

    /// Order of the last head.
    #[cfg(test)]
    pub(super) fn order(&self) -> u64 {
        self.files.as_ref().map_or(0, |files| files.next() - 1)
    }

    /// From now on the disk is full, and what it has of the log cannot be cut.
    #[cfg(test)]
    pub(super) fn lose_disk(&mut self) {
        if let Some(files) = &mut self.files {
            files.lose();
        }
    }

    /// Takes the batch that gathers.
    fn take(&mut self) -> Vec<u8> {
        self.batch += 1;
        self.before = mem::take(&mut self.callers);
        mem::take(&mut self.waiting)
    }

    /// What became of a ticket, if that is known.
    fn fate(&self, ticket: &Ticket) -> Option<Result<()>> {
        match self.failures.get(ticket.failures) {
            Some((durable, _)) if ticket.size <= *durable => Some(Ok(())),
            Some((_, fault)) => Some(Err(fault.clone())),
            None => (ticket.size <= self.durable).then_some(Ok(())),
        }
    }

    /// Writes lines that the log has counted already, while nobody appends.
    fn put(&mut self, files: &mut Files, which: usize, lines: &[u8]) -> Result<()> {
        let head = self.log.head(files.next(), [0; 3]);
        files.append(which, lines, |lengths| head.of_lengths(lengths)).inspect_err(|fault| self.failed(files, fault.clone()))
    }

    /// The disk refused: everything that is not acknowledged is lost, here too.
    fn failed(&mut self, files: &mut Files, fault: Fault) {
        self.failures.push((self.durable, fault));
        let _ = self.take();
        // if it cannot be read either, the files refuse every later line
        if let Ok(log) = files.recover() {
            self.log = log;
        }
    }
}

impl Journal {
    /// Waits until a ticket's entries are on disk; writes, if nobody else does.
    pub(super) fn wait<'a>(&'a self, mut state: MutexGuard<'a, State>, ticket: Ticket) -> Result<()> {
        loop {
            if let Some(fate) = state.fate(&ticket) {
                return fate;
            }
            let Some(mut files) = state.files.take() else {
                state = wait(self.turn(ticket.batch), state);
                continue;
            };
            state = self.gather(state);
            let batch = state.batch;
            let lines = state.take();
            let (size, head) = (state.log.size(), state.log.head(files.next(), [0; 3]));
            drop(state);
            let outcome = files.append(ENTRIES, &lines, |lengths| head.of_lengths(lengths));
            state = self.lock();
            match outcome {
                Ok(()) => state.durable = size,
                Err(fault) => {
                    state.failed(&mut files, fault);
                    // the batch that gathered is lost as well
                    self.turn(batch + 1).notify_all();
                }
            }
            state.files = Some(files);
            self.hand_on(batch);
        }
    }

    /// Writes one line of another file, after everything that waits, while nobody appends.
    pub(super) fn alone(&self, line: impl FnOnce(&mut AuditLog) -> Result<Option<(usize, Vec<u8>)>>) -> Result<()> {
        let mut state = self.lock();
        let mut files = loop {
            match state.files.take() {
                Some(files) => break files,
                None => state = wait(&self.free, state),
            }
        };
        let outcome = write_alone(&mut state, &mut files, line);
        state.files = Some(files);
        drop(state);
        self.turns.iter().for_each(Condvar::notify_all);
        self.free.notify_all();
        outcome
    }

    /// Lets others join, as long as more come.
    fn gather<'a>(&'a self, mut state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let mut seen = 0;
        for _ in 0..GATHERINGS {
            if state.before <= 1 || state.callers >= state.before || state.callers == seen {
                break;
            }
            seen = state.callers;
            drop(state);
            std::thread::sleep(GATHER);
            state = self.lock();
        }
        state
    }

    fn turn(&self, batch: u64) -> &Condvar {
        &self.turns[usize::from(!batch.is_multiple_of(2))]
    }

    /// The files are back: those of the batch hear of it, and one of the next goes on.
    fn hand_on(&self, batch: u64) {
        self.turn(batch).notify_all();
        self.turn(batch + 1).notify_one();
        self.free.notify_all();
    }
}

fn write_alone(state: &mut State, files: &mut Files, line: impl FnOnce(&mut AuditLog) -> Result<Option<(usize, Vec<u8>)>>) -> Result<()> {
    // a checkpoint covers entries that are on disk, a countersignature names a peer that is
    let lines = state.take();
    if !lines.is_empty() {
        state.put(files, ENTRIES, &lines)?;
    }
    state.durable = state.log.size();
    match line(&mut state.log)? {
        Some((which, line)) => state.put(files, which, &line),
        None => Ok(()),
    }
}

fn wait<'a>(turn: &Condvar, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
    turn.wait(state).unwrap_or_else(PoisonError::into_inner)
}
