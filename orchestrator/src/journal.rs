//! The audit log on disk: append, fsync, checkpoint. An entry is on disk before what it describes may go on.

use crate::fault::{Code, Fault, Result};
use crate::home::Home;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use yu_governance::audit::{AuditLog, Countersignature, Entry, Event, Field, Verb};
use yu_governance::canonical::Hash;
use yu_governance::clock::Time;
use yu_governance::id::PartyName;
use yu_governance::sign::SigningKey;

/// Files of the log inside `DIR/audit`.
pub const FILES: [&str; 3] = ["entries.jsonl", "checkpoints.jsonl", "countersignatures.jsonl"];

const ENTRIES: usize = 0;
const CHECKPOINTS: usize = 1;
const COUNTERSIGNATURES: usize = 2;

/// The open log.
pub struct Journal {
    log: AuditLog,
    files: [(PathBuf, File); 3],
}

impl Journal {
    /// Opens the log and repairs what a crash may leave: a torn last line that nothing covers.
    ///
    /// # Errors
    /// `storage.damaged` when anything else is wrong with it; then the node does not start.
    pub fn open(home: &Home, node: &PartyName, key: &SigningKey, now: Time) -> Result<Self> {
        let mut files = Vec::new();
        for name in FILES {
            let path = home.path("audit").join(name);
            let file = OpenOptions::new().read(true).append(true).create(true).mode(0o644).open(&path).map_err(|e| Fault::io(&e, &path))?;
            files.push((path, file));
        }
        let mut files: [(PathBuf, File); 3] = files.try_into().map_err(|_| Fault::new(Code::Bug, "three files"))?;
        if !read(&files[ENTRIES])?.contains(&b'\n') {
            // New, or killed while the very first line was written: nothing was said yet.
            cut(&files[ENTRIES], 0)?;
            let (log, line) = AuditLog::create(node.clone(), key.public(), now)?;
            append(&mut files[ENTRIES], &line)?;
            return Ok(Self { log, files });
        }
        let log = recover(&files)?;
        if log.node() != node || *log.key() != key.public() {
            return Err(Fault::new(Code::Damaged, "the log is of another node or key").at("audit"));
        }
        Ok(Self { log, files })
    }

    /// Number of entries.
    pub fn size(&self) -> u64 {
        self.log.size()
    }

    /// The log in memory.
    pub fn log(&self) -> &AuditLog {
        &self.log
    }

    /// Whether the log says this of a job. Reads the file: for what happens seldom.
    ///
    /// # Errors
    /// `storage.failed`.
    pub fn tells(&self, verb: Verb, job: &str) -> Result<bool> {
        let bytes = read(&self.files[ENTRIES])?;
        let wanted = crate::destroy::parse_job(job)?;
        let about = |line: &&[u8]| line.windows(job.len()).any(|part| part == job.as_bytes());
        let entries = bytes.split(|b| *b == b'\n').filter(about).filter_map(|line| Entry::parse(line).ok());
        Ok(entries.into_iter().any(|entry| entry.job == Some(wanted) && Verb::parse(&entry.verb) == Some(verb)))
    }

    /// Appends an entry and waits until it is on disk.
    ///
    /// # Errors
    /// `disk.full`, `storage.failed`.
    pub fn append(&mut self, event: Event, now: Time) -> Result<()> {
        let line = self.log.append(event, now)?;
        self.write(ENTRIES, &line)
    }

    /// Signs a checkpoint over everything so far.
    ///
    /// # Errors
    /// `disk.full`, `storage.failed`.
    pub fn checkpoint(&mut self, key: &SigningKey, now: Time) -> Result<()> {
        let (line, _) = self.log.checkpoint(key, now)?;
        self.write(CHECKPOINTS, &line)
    }

    /// Keeps a peer's countersignature.
    ///
    /// # Errors
    /// `signature.bad` when it is not the peer's; `disk.full`, `storage.failed`.
    pub fn countersigned(&mut self, countersignature: &Countersignature) -> Result<()> {
        match self.log.countersigned(countersignature)? {
            Some(line) => self.write(COUNTERSIGNATURES, &line),
            None => Ok(()),
        }
    }

    /// All checkpoint lines, oldest first.
    ///
    /// # Errors
    /// `storage.failed`.
    pub fn checkpoints(&self) -> Result<Vec<String>> {
        let bytes = read(&self.files[CHECKPOINTS])?;
        Ok(String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect())
    }

    /// Writes a line that the log in memory has counted already; when the disk refuses, memory goes back to the disk.
    fn write(&mut self, which: usize, line: &[u8]) -> Result<()> {
        append(&mut self.files[which], line).inspect_err(|_| {
            if let Ok(log) = recover(&self.files) {
                self.log = log;
            }
        })
    }
}

fn read((path, _): &(PathBuf, File)) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| Fault::io(&e, path))
}

fn cut((path, file): &(PathBuf, File), len: u64) -> Result<()> {
    file.set_len(len).and_then(|()| file.sync_all()).map_err(|e| Fault::io(&e, path))
}

fn append((path, file): &mut (PathBuf, File), line: &[u8]) -> Result<()> {
    let before = file.metadata().map_err(|e| Fault::io(&e, path))?.len();
    file.write_all(line).and_then(|()| file.sync_data()).map_err(|e| {
        // Half a line would read as damage; the start-up repair does the same if this fails too.
        let _ = file.set_len(before);
        Fault::io(&e, path)
    })
}

fn recover(files: &[(PathBuf, File); 3]) -> Result<AuditLog> {
    let bytes = [read(&files[0])?, read(&files[1])?, read(&files[2])?];
    let (log, recovery) =
        AuditLog::recover(&bytes[0], &bytes[1], &bytes[2]).map_err(|e| Fault::new(Code::Damaged, e.to_string()).at("audit"))?;
    for (file, len) in files.iter().zip([recovery.entries, recovery.checkpoints, recovery.countersignatures]) {
        if let Some(len) = len {
            cut(file, len)?;
        }
    }
    Ok(log)
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

/// Short forms for the node's events.
pub trait Note: Sized {
    /// The job it belongs to.
    ///
    /// # Errors
    /// `input.bad`.
    fn of(self, job: &str) -> Result<Self>;
    /// The other party concerned.
    ///
    /// # Errors
    /// `input.bad`.
    fn by(self, party: &str) -> Result<Self>;
    /// A hash.
    #[must_use]
    fn hash(self, name: &'static str, hash: &Hash) -> Self;
    /// A count.
    #[must_use]
    fn count(self, name: &'static str, count: u64) -> Self;
    /// A word of the program.
    #[must_use]
    fn code(self, name: &'static str, code: &'static str) -> Self;
}

impl Note for Event {
    fn of(self, job: &str) -> Result<Self> {
        Ok(self.job(crate::destroy::parse_job(job)?))
    }

    fn by(self, party: &str) -> Result<Self> {
        Ok(self.party(party.parse()?))
    }

    fn hash(self, name: &'static str, hash: &Hash) -> Self {
        self.with(name, Field::Hash(*hash))
    }

    fn count(self, name: &'static str, count: u64) -> Self {
        self.with(name, Field::Count(count))
    }

    fn code(self, name: &'static str, code: &'static str) -> Self {
        self.with(name, Field::Code(code))
    }
}
