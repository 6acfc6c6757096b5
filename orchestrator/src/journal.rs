//! The audit log on disk. An entry is acknowledged when it, and a head that covers it, are on disk: before what it describes
//! may go on.
//!
//! | to see | open |
//! |---|---|
//! | many threads, one fsync | `commit` |
//! | the three files, and the head that tells at the next start whether they were put back | `files` |
//! | events that were stored together with the change they tell of | [`Journal::settle`] |
//! | short forms for events | [`Note`] |

mod commit;
mod files;
mod note;

pub use note::Note;

use crate::fault::{Code, Fault, Result};
use crate::home::Home;
use crate::store::Store;
use commit::State;
use files::{CHECKPOINTS, COUNTERSIGNATURES, ENTRIES};
use std::collections::HashSet;
use std::ops::Deref;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use yu_governance::audit::{AuditLog, Countersignature, Draft, Entry, Event, Verb};
use yu_governance::clock::Time;
use yu_governance::id::PartyName;
use yu_governance::sign::{PublicKey, SigningKey};

/// Files of the log inside `DIR/audit`.
pub const FILES: [&str; 3] = ["entries.jsonl", "checkpoints.jsonl", "countersignatures.jsonl"];

/// The open log; threads share it.
pub struct Journal {
    state: Mutex<State>,
    /// Who waits for a batch, by whether its number is even: a batch that is done wakes its own, and one of the next.
    turns: [Condvar; 2],
    /// The files are back.
    free: Condvar,
    /// Last row of the store's outbox that is in the log.
    settled: Mutex<i64>,
    /// A log that came out of a backup takes nothing until every peer has said that it saw no more of it.
    is_held: AtomicBool,
}

impl Journal {
    /// Opens the log, repairs what a crash may leave behind the last acknowledged line, and appends what the store says was
    /// still to be logged.
    ///
    /// # Errors
    /// `storage.damaged` when anything that was acknowledged is changed or missing; then the node does not start.
    pub fn open(home: &Home, store: &Store, node: &PartyName, key: &SigningKey, now: Time) -> Result<Self> {
        let (files, log) = files::open(home, store, node, key, now)?;
        let journal = Self {
            state: Mutex::new(State::new(log, files)),
            turns: [Condvar::new(), Condvar::new()],
            free: Condvar::new(),
            settled: Mutex::new(0),
            is_held: AtomicBool::new(crate::backup::resume::waits(home)),
        };
        if !journal.is_held.load(Ordering::SeqCst) {
            journal.replay(store)?;
        }
        Ok(journal)
    }

    /// Peers have seen no more of the log than is here: it goes on.
    ///
    /// # Errors
    /// `disk.full`, `storage.failed`.
    pub fn release(&self, store: &Store) -> Result<()> {
        self.is_held.store(false, Ordering::SeqCst);
        self.replay(store).inspect_err(|_| self.is_held.store(true, Ordering::SeqCst))
    }

    fn takes(&self) -> Result<()> {
        if self.is_held.load(Ordering::SeqCst) {
            return Err(Fault::new(Code::State, "the node came out of a backup: it waits until its peers say how far they know its log"));
        }
        Ok(())
    }

    /// Number of entries.
    pub fn size(&self) -> u64 {
        self.lock().log.size()
    }

    /// The log in memory. Nobody appends while it is looked at.
    pub fn log(&self) -> impl Deref<Target = AuditLog> + '_ {
        Seen(self.lock())
    }

    /// Whether the log says this of a job. Reads the file: for what happens seldom.
    ///
    /// # Errors
    /// `storage.failed`.
    pub fn tells(&self, verb: Verb, job: &str) -> Result<bool> {
        let wanted = crate::destroy::parse_job(job)?;
        let says = |entry: Entry| entry.job == Some(wanted) && Verb::parse(&entry.verb) == Some(verb);
        let bytes = self.entries()?;
        Ok(lines_with(&bytes, job).filter_map(|line| Entry::parse(line.as_bytes()).ok()).any(says))
    }

    /// Appends an entry and waits until it is on disk.
    ///
    /// # Errors
    /// `disk.full`, `storage.failed`.
    pub fn append(&self, event: Event, now: Time) -> Result<()> {
        self.append_all(vec![Draft::new(event, now)?])
    }

    /// Appends entries, all or none of them, and waits until they are on disk.
    ///
    /// # Errors
    /// `disk.full`, `storage.failed`.
    pub fn append_all(&self, drafts: Vec<Draft>) -> Result<()> {
        self.takes()?;
        let mut state = self.lock();
        let ticket = state.stage(drafts)?;
        self.wait(state, ticket)
    }

    /// Logs that a peer joined unless the log says so already.
    ///
    /// # Errors
    /// `disk.full`, `storage.failed`.
    pub fn join(&self, peer: PartyName, key: PublicKey, now: Time) -> Result<()> {
        self.takes()?;
        let mut state = self.lock();
        if state.log.has_joined(&peer, &key) {
            return Ok(());
        }
        let ticket = state.stage(vec![Draft::new(Event::peer_joined(peer, key), now)?])?;
        self.wait(state, ticket)
    }

    /// Signs a checkpoint over everything so far.
    ///
    /// # Errors
    /// `disk.full`, `storage.failed`.
    pub fn checkpoint(&self, key: &SigningKey, now: Time) -> Result<()> {
        self.takes()?;
        self.alone(|log| Ok(Some((CHECKPOINTS, log.checkpoint(key, now)?.0))))
    }

    /// The same, if there are entries that no checkpoint covers, or none at all.
    ///
    /// # Errors
    /// `disk.full`, `storage.failed`.
    pub fn checkpoint_if_due(&self, key: &SigningKey, now: Time) -> Result<()> {
        self.takes()?;
        self.alone(|log| {
            let is_due = log.uncovered().0 > 0 || log.checkpoints() == 0;
            Ok(if is_due { Some((CHECKPOINTS, log.checkpoint(key, now)?.0)) } else { None })
        })
    }

    /// Keeps a peer's countersignature.
    ///
    /// # Errors
    /// `signature.bad` when it is not the peer's; `disk.full`, `storage.failed`.
    pub fn countersigned(&self, countersignature: &Countersignature) -> Result<()> {
        self.takes()?;
        self.alone(|log| Ok(log.countersigned(countersignature)?.map(|line| (COUNTERSIGNATURES, line))))
    }

    /// All checkpoint lines, oldest first.
    ///
    /// # Errors
    /// `storage.failed`.
    pub fn checkpoints(&self) -> Result<Vec<String>> {
        let state = self.lock();
        let bytes = read(&state.path(CHECKPOINTS))?;
        drop(state);
        Ok(String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect())
    }

    /// Appends the events that the store keeps because they belong to changes of it; returns when all that were there at the
    /// call are on disk. Two callers at once share the work.
    ///
    /// # Errors
    /// `disk.full`, `storage.failed`: they stay in the store, and are appended the next time.
    pub fn settle(&self, store: &Store) -> Result<()> {
        let mut settled = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = store.unlogged(*settled)?;
        let Some((last, _)) = rows.last() else { return Ok(()) };
        let last = *last;
        self.append_all(rows.into_iter().map(|(_, draft)| draft).collect())?;
        // INVARIANT: rows get ascending numbers in the order in which their changes are committed
        *settled = last;
        store.logged(last);
        Ok(())
    }

    /// As [`Journal::settle`], at the start: what the last process appended and did not take off the store is told by its mark.
    fn replay(&self, store: &Store) -> Result<()> {
        let mut settled = self.settled.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = store.unlogged(0)?;
        let Some((last, _)) = rows.last() else { return Ok(()) };
        let last = *last;
        let entries = self.entries()?;
        let logged: HashSet<&str> = notes(&entries).collect();
        let is_logged = |draft: &Draft| draft.note().is_some_and(|note| logged.contains(note));
        let missing: Vec<Draft> = rows.into_iter().map(|(_, draft)| draft).filter(|draft| !is_logged(draft)).collect();
        self.append_all(missing)?;
        *settled = last;
        store.logged(last);
        store.forget_logged()
    }

    fn entries(&self) -> Result<String> {
        // it may be large: nobody waits for it
        let path = self.lock().path(ENTRIES);
        let bytes = read(&path)?;
        String::from_utf8(bytes).map_err(|_| Fault::new(Code::Damaged, "an entry is no text").at("audit"))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| Fault::io(&e, path))
}

/// A look at the log.
struct Seen<'a>(MutexGuard<'a, State>);

impl Deref for Seen<'_> {
    type Target = AuditLog;

    fn deref(&self) -> &AuditLog {
        &self.0.log
    }
}

/// The marks of all entries that waited in a store. The log was verified: its lines are canonical, and no value holds a quote.
fn notes(entries: &str) -> impl Iterator<Item = &str> {
    entries.split("\"note\":\"").skip(1).filter_map(|rest| rest.split('"').next())
}

fn lines_with<'a>(text: &'a str, part: &'a str) -> impl Iterator<Item = &'a str> {
    // the search runs over the whole text, not line by line: most lines hold nothing of it
    let mut rest = text;
    std::iter::from_fn(move || {
        let at = rest.find(part)?;
        let (before, from) = rest.split_at(at);
        let start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let end = from.find('\n').unwrap_or(from.len());
        let line = rest.get(start..at + end)?;
        rest = from.get(end..)?;
        Some(line)
    })
}

/// Bytes of the three files of a node directory that were acknowledged; what lies behind them may be cut off by the next start.
///
/// # Errors
/// `storage.failed`.
pub fn acknowledged(home: &Home, key: &SigningKey) -> Result<[u64; 3]> {
    files::acknowledged(home, key)
}

/// Writes the head of a log that was put into a directory without one.
///
/// # Errors
/// `storage.damaged` when the files hold no log of this key; `storage.failed`.
pub(crate) fn write_head(home: &Home, key: &SigningKey) -> Result<()> {
    files::write_head(home, key)
}

/// The three files of a node directory, for verification without the node.
///
/// # Errors
/// `file.missing` naming the first that is not there.
pub fn read_files(dir: &Path) -> Result<[Vec<u8>; 3]> {
    let read = |name: &str| {
        let path = dir.join("audit").join(name);
        std::fs::read(&path).map_err(|e| Fault::io(&e, &path))
    };
    Ok([read(FILES[0])?, read(FILES[1])?, read(FILES[2])?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::State;
    use crate::store::NewJob;
    use std::sync::atomic::AtomicUsize;
    use yu_governance::audit::verify::{LogFiles, verify};
    use yu_governance::audit::{Field, Witness};

    const NOW: Time = Time::from_unix(1_796_000_000);

    fn key() -> SigningKey {
        SigningKey::from_bytes(&[3; 32])
    }

    fn node() -> PartyName {
        PartyName::new("yu://dev/health/node1").unwrap()
    }

    fn opened(home: &Home) -> Result<(Store, Journal)> {
        let store = Store::open(home)?;
        let journal = Journal::open(home, &store, &node(), &key(), NOW)?;
        Ok((store, journal))
    }

    fn home() -> (tempfile::TempDir, Home) {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::new(dir.path().join("n"));
        home.create().unwrap();
        (dir, home)
    }

    fn counted(number: u64) -> Event {
        Event::new(Verb::StepFinished).with("rows", Field::Count(number))
    }

    /// The log on disk has no problem; the counts that it holds, in order.
    fn counts(home: &Home) -> Vec<u64> {
        let [entries, checkpoints, countersignatures] = read_files(home.dir()).unwrap();
        let files = LogFiles { directory: "n", entries: &entries, checkpoints: &checkpoints, countersignatures: &countersignatures };
        let report = verify(&[files]);
        assert!(report.passes(), "{report:?}");
        let entries = entries.split(|b| *b == b'\n').filter_map(|line| Entry::parse(line).ok());
        entries.filter_map(|entry| entry.object.get("rows")?.parse().ok()).collect()
    }

    #[test]
    fn many_threads_share_a_sync_and_each_waits_for_its_own() {
        let (_dir, home) = home();
        let (_store, journal) = opened(&home).unwrap();
        let before = journal.lock().order();
        let [path, ..] = FILES.map(|name| home.path("audit").join(name));
        std::thread::scope(|scope| {
            for thread in 0..32 {
                let (journal, path) = (&journal, &path);
                scope.spawn(move || {
                    for n in 0..8 {
                        let number = thread * 1000 + n;
                        journal.append(counted(number), NOW).unwrap();
                        if n == 3 && thread % 8 == 0 {
                            journal.checkpoint(&key(), NOW).unwrap();
                        }
                        let bytes = std::fs::read_to_string(path).unwrap();
                        assert!(bytes.contains(&format!("\"rows\":\"{number}\"")), "acknowledged before it was written");
                    }
                });
            }
        });
        let mut all = counts(&home);
        all.sort_unstable();
        let expected: Vec<u64> = (0..32).flat_map(|thread| (0..8).map(move |n| thread * 1000 + n)).collect();
        assert_eq!(all, expected);
        let heads = journal.lock().order() - before;
        assert!(heads < 200, "{heads} syncs for 256 entries and 4 checkpoints");
        drop(journal);
        assert_eq!(opened(&home).unwrap().1.size(), 257);
    }

    #[test]
    fn what_the_disk_refuses_is_acknowledged_to_nobody() {
        let (_dir, home) = home();
        let (store, journal) = opened(&home).unwrap();
        journal.append(counted(1), NOW).unwrap();
        journal.lock().lose_disk();
        let refused = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for n in 0..16 {
                let (journal, refused) = (&journal, &refused);
                scope.spawn(move || {
                    assert_eq!(journal.append(counted(100 + n), NOW).unwrap_err().code, Code::DiskFull);
                    refused.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        assert_eq!(refused.into_inner(), 16);
        assert!(journal.checkpoint(&key(), NOW).is_err());
        // the change is stored, its event waits
        let new = NewJob::new("j", State::Proposed, "{}", "p", 1).log(counted(2)).unwrap();
        assert!(store.enter(&new).unwrap());
        assert!(journal.settle(&store).is_err());
        drop((journal, store));
        let (store, journal) = opened(&home).unwrap();
        journal.append(counted(3), NOW).unwrap();
        assert_eq!(counts(&home), [1, 2, 3]);
        assert!(store.unlogged(0).unwrap().is_empty());
    }

    #[test]
    fn an_event_of_a_change_is_logged_once_wherever_the_process_stops() {
        let (_dir, home) = home();
        let new = |id, n| NewJob::new(id, State::Proposed, "{}", "p", 1).log(counted(n)).unwrap();
        // stored, not logged
        let (store, journal) = opened(&home).unwrap();
        assert!(store.enter(&new("a", 1)).unwrap());
        drop((journal, store));
        // logged, not taken off the store
        let (store, journal) = opened(&home).unwrap();
        assert_eq!(counts(&home), [1]);
        assert!(store.enter(&new("b", 2)).unwrap());
        journal.settle(&store).unwrap();
        journal.settle(&store).unwrap();
        assert_eq!(store.unlogged(0).unwrap().len(), 1);
        drop((journal, store));
        let (store, journal) = opened(&home).unwrap();
        assert!(store.unlogged(0).unwrap().is_empty());
        // taken off with the next change
        assert!(store.enter(&new("c", 3)).unwrap());
        journal.settle(&store).unwrap();
        assert!(store.enter(&new("d", 4)).unwrap());
        assert_eq!(store.unlogged(0).unwrap().len(), 1);
        journal.settle(&store).unwrap();
        assert_eq!(counts(&home), [1, 2, 3, 4]);
    }

    #[test]
    fn a_log_that_was_put_back_or_has_lost_its_head_does_not_start() {
        let (_dir, home) = home();
        let (store, journal) = opened(&home).unwrap();
        journal.append(counted(1), NOW).unwrap();
        journal.checkpoint(&key(), NOW).unwrap();
        let old = read_files(home.dir()).unwrap();
        let old_head = std::fs::read(home.path("store/log.head")).unwrap();
        journal.append(counted(2), NOW).unwrap();
        drop((journal, store));
        let new = read_files(home.dir()).unwrap();
        let write = |files: &[Vec<u8>; 3]| {
            for (name, bytes) in FILES.iter().zip(files) {
                std::fs::write(home.path("audit").join(name), bytes).unwrap();
            }
        };
        let refused = || assert_eq!(opened(&home).err().map(|fault| fault.code), Some(Code::Damaged));
        write(&old);
        refused();
        write(&[Vec::new(), Vec::new(), Vec::new()]);
        refused();
        write(&new);
        drop(opened(&home).unwrap());
        let head = std::fs::read(home.path("store/log.head")).unwrap();
        std::fs::remove_file(home.path("store/log.head")).unwrap();
        refused();
        std::fs::write(home.path("store/log.head"), vec![0; head.len()]).unwrap();
        refused();
        // an older head does not hide that the log went on
        std::fs::write(home.path("store/log.head"), old_head).unwrap();
        drop(opened(&home).unwrap());
        assert_eq!(counts(&home), [1, 2]);
    }

    #[test]
    fn a_log_of_an_earlier_version_has_a_head_from_its_next_start_on() {
        let (_dir, home) = home();
        let (log, line) = AuditLog::create(node(), key().public(), NOW).unwrap();
        // torn by a crash under that version
        std::fs::write(home.path("audit/entries.jsonl"), [&line[..], &line[..40]].concat()).unwrap();
        let (store, journal) = opened(&home).unwrap();
        assert!(store.has_log_head().unwrap());
        assert_eq!(*journal.log(), log);
        drop((journal, store));
        std::fs::write(home.path("audit/entries.jsonl"), b"").unwrap();
        assert_eq!(opened(&home).err().map(|fault| fault.code), Some(Code::Damaged));
    }

    #[test]
    fn a_countersignature_comes_back_and_jobs_are_found_in_the_file() {
        let (_dir, home) = home();
        let (store, journal) = opened(&home).unwrap();
        let (peer, peer_key) = (PartyName::new("yu://dev/bank/node1").unwrap(), SigningKey::from_bytes(&[4; 32]));
        journal.join(peer.clone(), peer_key.public(), NOW).unwrap();
        journal.join(peer.clone(), peer_key.public(), NOW).unwrap();
        let job = "ab".repeat(32);
        journal.append(Event::new(Verb::JobFailed).of(&job).unwrap(), NOW).unwrap();
        journal.checkpoint_if_due(&key(), NOW).unwrap();
        journal.checkpoint_if_due(&key(), NOW).unwrap();
        let checkpoints = journal.checkpoints().unwrap();
        assert_eq!((journal.size(), checkpoints.len()), (3, 1));
        let mut witness = Witness::new(node(), key().public());
        witness.accept(&yu_governance::audit::SignedCheckpoint::parse(checkpoints[0].as_bytes()).unwrap()).unwrap();
        journal.countersigned(&witness.countersign(&peer, &peer_key, NOW).unwrap()).unwrap();
        assert!(journal.tells(Verb::JobFailed, &job).unwrap());
        assert!(!journal.tells(Verb::JobFinished, &job).unwrap() && !journal.tells(Verb::JobFailed, &"cd".repeat(32)).unwrap());
        let log = journal.log().clone();
        drop((journal, store));
        assert_eq!(*opened(&home).unwrap().1.log(), log);
    }
}
