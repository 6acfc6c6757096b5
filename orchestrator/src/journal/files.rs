//! The three files of the log, and its head beside the store.
//!
//! A line is written and synced, then a head that covers it, then it is acknowledged. `DIR/store/log.head` has two places of one
//! page each, written in turn: one that a crash tore leaves the other, which covers everything that was acknowledged.

use super::FILES;
use crate::fault::{Code, Fault, Result};
use crate::home::Home;
use crate::store::Store;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use yu_governance::audit::{AuditLog, Head};
use yu_governance::clock::Time;
use yu_governance::id::PartyName;
use yu_governance::sign::SigningKey;

pub(super) const ENTRIES: usize = 0;
pub(super) const CHECKPOINTS: usize = 1;
pub(super) const COUNTERSIGNATURES: usize = 2;

const HEAD: &str = "store/log.head";
/// One place for a head: a page, so that a write of one does not touch the other.
const PAGE: u64 = 4096;

/// Who holds them may write.
pub(super) struct Files {
    files: [(PathBuf, File); 3],
    lengths: [u64; 3],
    head: (PathBuf, File),
    /// The last head on disk.
    covered: Head,
    /// Signs heads.
    key: SigningKey,
    /// What is on disk is not known any more: only the next start finds out.
    lost: Option<Fault>,
}

/// Opens the files of a node, or makes them; reads the log back and cuts off what a crash left.
pub(super) fn open(home: &Home, store: &Store, node: &PartyName, key: &SigningKey, now: Time) -> Result<(Files, AuditLog)> {
    let mut files = Vec::new();
    for name in FILES {
        let path = home.path("audit").join(name);
        let file = OpenOptions::new().read(true).append(true).create(true).mode(0o644).open(&path).map_err(|e| Fault::io(&e, &path))?;
        files.push((path, file));
    }
    let mut files: [(PathBuf, File); 3] = files.try_into().map_err(|_| Fault::new(Code::Bug, "three files"))?;
    let path = home.path(HEAD);
    let found = read_head(&path, key)?;
    if found.is_none() && store.has_log_head()? {
        return Err(Fault::new(Code::Damaged, "the head of the log is missing: the log may have been put back").at(HEAD));
    }
    let log = match &found {
        Some(head) => recover(&mut files, Some(head))?,
        None if !read(&files[ENTRIES])?.contains(&b'\n') => {
            // New, or killed while the very first line was written: nothing was said yet.
            cut(&mut files[ENTRIES], 0)?;
            let (log, line) = AuditLog::create(node.clone(), key.public(), now)?;
            let (path, file) = &mut files[ENTRIES];
            file.write_all(&line).and_then(|()| file.sync_all()).map_err(|e| Fault::io(&e, path))?;
            sync_dir(&home.path("audit"))?;
            log
        }
        // of a version that wrote no heads
        None => recover(&mut files, None)?,
    };
    if log.node() != node || *log.key() != key.public() {
        return Err(Fault::new(Code::Damaged, "the log is of another node or key").at("audit"));
    }
    let mut lengths = [0; 3];
    for (length, (path, file)) in lengths.iter_mut().zip(&files) {
        *length = file.metadata().map_err(|e| Fault::io(&e, path))?.len();
    }
    let order = found.as_ref().map_or(0, |head| head.order);
    let file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(|e| Fault::io(&e, &path))?;
    let key = key.duplicate();
    let mut files = Files { files, lengths, head: (path, file), covered: log.head(order, lengths), key, lost: None };
    files.seal(log.head(order + 1, lengths))?;
    sync_dir(&home.path("store"))?;
    store.set_has_log_head(now.unix())?;
    Ok((files, log))
}

impl Files {
    /// Appends whole lines to one file, syncs it, and writes the head that covers them. On an error nothing of it counts.
    pub(super) fn append(&mut self, which: usize, lines: &[u8], head: impl FnOnce([u64; 3]) -> Head) -> Result<()> {
        if let Some(lost) = &self.lost {
            return Err(lost.clone());
        }
        let (path, file) = &mut self.files[which];
        let before = self.lengths[which];
        if let Err(e) = file.write_all(lines).and_then(|()| file.sync_data()) {
            let fault = Fault::io(&e, path);
            // Half a line would read as damage, and a whole one as something that happened.
            if file.set_len(before).and_then(|()| file.sync_all()).is_err() {
                self.lost = Some(fault.clone());
            }
            return Err(fault);
        }
        self.lengths[which] = before + lines.len() as u64;
        let head = head(self.lengths);
        self.seal(head)
    }

    /// Writes a head to the older of the two places. After an error either may be the last: the lines stay, and nothing more is written.
    fn seal(&mut self, head: Head) -> Result<()> {
        let mut page = head.sign(&self.key)?;
        page.push(b'\n');
        page.resize(usize::try_from(PAGE).unwrap_or(page.len()), 0);
        let (path, file) = &self.head;
        let place = if head.order.is_multiple_of(2) { 0 } else { PAGE };
        file.write_all_at(&page, place).and_then(|()| file.sync_data()).map_err(|e| {
            let fault = Fault::io(&e, path);
            self.lost = Some(fault.clone());
            fault
        })?;
        self.covered = head;
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn lose(&mut self) {
        for (_, file) in &mut self.files {
            if let Ok(full) = OpenOptions::new().append(true).open("/dev/full") {
                *file = full;
            }
        }
    }

    /// Order of the next head.
    pub(super) fn next(&self) -> u64 {
        self.covered.order + 1
    }

    /// The log as it is on disk.
    pub(super) fn recover(&mut self) -> Result<AuditLog> {
        if let Some(lost) = &self.lost {
            return Err(lost.clone());
        }
        recover(&mut self.files, Some(&self.covered)).inspect_err(|fault| self.lost = Some(fault.clone()))
    }
}

/// Path of one of the files, to read what is on disk.
pub(super) fn path(files: &Files, which: usize) -> PathBuf {
    files.files[which].0.clone()
}

/// Writes the head of files that were put here whole.
pub(super) fn write_head(home: &Home, key: &SigningKey) -> Result<()> {
    let [entries, checkpoints, countersignatures] = super::read_files(home.dir())?;
    let damaged = |what: String| Fault::new(Code::Damaged, what).at("audit");
    let (log, recovery) = AuditLog::recover(&entries, &checkpoints, &countersignatures).map_err(|e| damaged(e.to_string()))?;
    if recovery != yu_governance::audit::Recovery::default() || *log.key() != key.public() {
        return Err(damaged("the log is of another key, or ends within a line".into()));
    }
    let lengths = [entries.len(), checkpoints.len(), countersignatures.len()].map(|length| length as u64);
    let mut page = log.head(2, lengths).sign(key)?;
    page.push(b'\n');
    page.resize(usize::try_from(PAGE).unwrap_or(page.len()), 0);
    crate::home::write_atomic(&home.path(HEAD), &page, 0o600)?;
    sync_dir(&home.path("audit"))
}

/// The newest whole head; none if there is no file, damage if there is one without.
/// Bytes of the three files that were acknowledged.
pub(super) fn acknowledged(home: &Home, key: &SigningKey) -> Result<[u64; 3]> {
    let head = read_head(&home.path(HEAD), key)?;
    Ok(head.map_or([0; 3], |head| [head.entries.bytes, head.checkpoints.bytes, head.countersignatures.bytes]))
}

fn read_head(path: &Path, key: &SigningKey) -> Result<Option<Head>> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Fault::io(&e, path)),
    };
    let read = |page: &[u8]| Head::open(page.split(|b| *b == b'\n').next()?, &key.public()).ok();
    let newest = bytes.chunks(usize::try_from(PAGE).unwrap_or(usize::MAX)).filter_map(read).max_by_key(|head| head.order);
    // killed while the first one was written: the store does not know of it yet
    Ok(newest)
}

fn read((path, _): &(PathBuf, File)) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| Fault::io(&e, path))
}

fn cut((path, file): &mut (PathBuf, File), len: u64) -> Result<()> {
    file.set_len(len).and_then(|()| file.sync_all()).map_err(|e| Fault::io(&e, path))
}

fn recover(files: &mut [(PathBuf, File); 3], head: Option<&Head>) -> Result<AuditLog> {
    let bytes = [read(&files[0])?, read(&files[1])?, read(&files[2])?];
    let outcome = match head {
        Some(head) => AuditLog::recover_to(head, &bytes[0], &bytes[1], &bytes[2]),
        None => AuditLog::recover(&bytes[0], &bytes[1], &bytes[2]),
    };
    let (log, recovery) = outcome.map_err(|e| Fault::new(Code::Damaged, e.to_string()).at("audit"))?;
    for (file, len) in files.iter_mut().zip([recovery.entries, recovery.checkpoints, recovery.countersignatures]) {
        if let Some(len) = len {
            cut(file, len)?;
        }
    }
    Ok(log)
}

/// A new file's name is on disk as well.
fn sync_dir(path: &Path) -> Result<()> {
    File::open(path).and_then(|dir| dir.sync_all()).map_err(|e| Fault::io(&e, path))
}
