//! Evidence through configfs-tsm: a directory is a request, its files are the question and the answer.
//!
//! ```text
//! mkdir  /sys/kernel/config/tsm/report/NAME
//! read   provider      sev_guest | tdx_guest
//! read   generation    g
//! write  inblob        64 bytes, in one write
//! read   outblob       report or quote
//! read   auxblob       SNP: the host's certificates; TDX has none
//! read   generation    must be g + 1: our write and no other
//! rmdir
//! ```

use std::fs;
use std::io::{self, ErrorKind, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use super::{fault, snp};
use crate::evidence::{Evidence, Kind, Part};
use crate::fault::{Fault, Result};

/// `TSM_REPORT_OUTBLOB_MAX` is 32 KiB in the kernel today; later ones may give more, a megabyte is a fault.
const MOST_BLOB: usize = 1 << 20;
/// Where requests are made.
const REPORTS: &str = "sys/kernel/config/tsm/report";
/// Where a TD's firmware leaves its event log (ACPI table CCEL, data area).
const CCEL: &str = "sys/firmware/acpi/tables/data/CCEL";

/// Distinguishes requests of this process.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// What is done with files, so that a test can play the kernel: in configfs files come and change when another is written.
pub(super) trait Files: Send {
    fn make(&self, directory: &Path) -> io::Result<()>;
    fn remove(&self, directory: &Path) -> io::Result<()>;
    fn read(&self, file: &Path) -> io::Result<Vec<u8>>;
    fn write(&self, file: &Path, bytes: &[u8]) -> io::Result<()>;
}

/// The files of this machine.
struct Disk;

impl Files for Disk {
    fn make(&self, directory: &Path) -> io::Result<()> {
        fs::create_dir(directory)
    }

    fn remove(&self, directory: &Path) -> io::Result<()> {
        fs::remove_dir(directory)
    }

    fn read(&self, file: &Path) -> io::Result<Vec<u8>> {
        fs::read(file)
    }

    fn write(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        // attributes are there already; a file that is not would be made by nobody but us
        let mut open = fs::OpenOptions::new().write(true).open(file)?;
        let written = open.write(bytes)?;
        if written == bytes.len() { Ok(()) } else { Err(io::Error::other("the kernel took a part of the bytes only")) }
    }
}

/// The directory in which requests are made.
pub(super) struct Tsm {
    files: Box<dyn Files>,
    reports: PathBuf,
    log: PathBuf,
}

/// A request; removed when it goes out of scope, whatever happened.
struct Entry<'a> {
    files: &'a dyn Files,
    path: PathBuf,
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        // in configfs a directory is removed with its attributes; a failure leaves an entry that does no harm
        let _ = self.files.remove(&self.path);
    }
}

impl Entry<'_> {
    fn blob(&self, file: &str) -> Result<Vec<u8>> {
        let bytes = self.files.read(&self.path.join(file)).map_err(|error| refused(file, &error))?;
        if bytes.len() > MOST_BLOB {
            return Err(fault("attester.io", format!("configfs-tsm: {file}"), "more than 1 MiB", "超过 1 MiB"));
        }
        Ok(bytes)
    }

    fn text(&self, file: &str) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.blob(file)?).trim().to_owned())
    }

    fn generation(&self) -> Result<u64> {
        self.text("generation")?.parse().map_err(|_| fault("attester.io", "configfs-tsm: generation", "not a number", "不是数字"))
    }
}

impl Tsm {
    /// The interface, if this kernel has it.
    pub(super) fn find(root: &Path) -> Option<Self> {
        let reports = root.join(REPORTS);
        reports.is_dir().then(|| Self::over(Box::new(Disk), root))
    }

    /// The interface over files of the caller.
    pub(super) fn over(files: Box<dyn Files>, root: &Path) -> Self {
        Self { files, reports: root.join(REPORTS), log: root.join(CCEL) }
    }

    /// One request.
    pub(super) fn evidence(&self, report_data: &[u8; 64]) -> Result<Evidence> {
        let entry = self.entry()?;
        let provider = entry.text("provider")?;
        let before = entry.generation()?;
        self.files.write(&entry.path.join("inblob"), report_data).map_err(|error| refused("inblob", &error))?;
        let body = entry.blob("outblob")?;
        // only SNP has something beside the report: the host's certificates; a host that gives none leaves it empty or away
        let aux = match self.files.read(&entry.path.join("auxblob")) {
            _ if provider != "sev_guest" => Vec::new(),
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            _ => entry.blob("auxblob")?,
        };
        let after = entry.generation()?;
        if Some(after) != before.checked_add(1) {
            return Err(fault(
                "attester.raced",
                "configfs-tsm",
                format!("the entry was written {} times while it was read", after.wrapping_sub(before)),
                "读取期间该条目被多次写入",
            ));
        }
        match provider.as_str() {
            "sev_guest" => snp(body, &aux),
            "tdx_guest" => Ok(self.with_log(Evidence::new(Kind::Tdx, body))),
            _ => Err(fault(
                "attester.provider",
                "configfs-tsm",
                format!("provider `{}` is not known", provider.chars().take(40).collect::<String>()),
                "未知的 configfs-tsm 提供者",
            )),
        }
    }

    /// The event log of a TD, where it can be read. Without it the registers are still in the quote.
    fn with_log(&self, evidence: Evidence) -> Evidence {
        match self.files.read(&self.log) {
            Ok(log) if !log.is_empty() && log.len() < MOST_BLOB / 2 => evidence.with(Part::EventLog, log),
            _ => evidence,
        }
    }

    /// A directory that no other process uses.
    fn entry(&self) -> Result<Entry<'_>> {
        for _ in 0..16 {
            let path = self.reports.join(format!("yu-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed)));
            match self.files.make(&path) {
                Ok(()) => return Ok(Entry { files: self.files.as_ref(), path }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(refused("mkdir", &error)),
            }
        }
        Err(fault("attester.io", "configfs-tsm", "no free name for a request", "没有可用的请求名称"))
    }
}

fn refused(file: &str, error: &std::io::Error) -> Fault {
    fault("attester.io", format!("configfs-tsm: {file}"), format!("the kernel refused: {error}"), format!("内核拒绝：{error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plays the kernel over real files below a temporary directory.
    struct Kernel {
        provider: &'static str,
        out: Vec<u8>,
        aux: Option<Vec<u8>>,
        /// Other writers between our write and our last look.
        others: u64,
        /// Fails the write of the question.
        busy: bool,
    }

    impl Files for Kernel {
        fn make(&self, directory: &Path) -> io::Result<()> {
            Disk.make(directory)?;
            for (file, bytes) in [("provider", self.provider.as_bytes()), ("generation", b"7\n"), ("inblob", b"")] {
                fs::write(directory.join(file), bytes)?;
            }
            Ok(())
        }

        fn remove(&self, directory: &Path) -> io::Result<()> {
            fs::remove_dir_all(directory)
        }

        fn read(&self, file: &Path) -> io::Result<Vec<u8>> {
            Disk.read(file)
        }

        fn write(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
            if self.busy {
                return Err(io::Error::from(ErrorKind::ResourceBusy));
            }
            Disk.write(file, bytes)?;
            let entry = file.parent().unwrap();
            // the question comes back inside the answer, as report data do
            fs::write(entry.join("outblob"), [self.out.as_slice(), bytes].concat())?;
            if let Some(aux) = &self.aux {
                fs::write(entry.join("auxblob"), aux)?;
            }
            fs::write(entry.join("generation"), format!("{}\n", 8 + self.others))
        }
    }

    fn root() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join(REPORTS)).unwrap();
        root
    }

    fn kernel(provider: &'static str) -> Kernel {
        Kernel { provider, out: vec![0; 0x50], aux: None, others: 0, busy: false }
    }

    #[test]
    fn snp_evidence_brings_the_certificate_of_its_key() {
        let chip = [0x63, 0xda, 0x75, 0x8d, 0xe6, 0x64, 0x45, 0x64, 0xad, 0xc5, 0xf4, 0xb9, 0x3b, 0xe8, 0xac, 0xcd];
        let table = [&chip[..], &48_u32.to_le_bytes(), &3_u32.to_le_bytes(), &[0; 24], b"der"].concat();
        let root = root();
        let tsm = Tsm::over(Box::new(Kernel { aux: Some(table.clone()), ..kernel("sev_guest\n") }), root.path());
        let evidence = tsm.evidence(&[5; 64]).unwrap();
        assert_eq!((evidence.kind(), evidence.part(Part::Certificates)), (Kind::Snp, Some(&b"der"[..])));
        assert_eq!(evidence.body(), [vec![0; 0x50], vec![5; 64]].concat());
        assert_eq!(fs::read_dir(root.path().join(REPORTS)).unwrap().count(), 0, "the request is gone");
        // no table, an empty one, one for the other key, one that points outside
        for (aux, part) in [(None, true), (Some(vec![]), true), (Some(vec![0; 24]), true), (Some(table[..50].to_vec()), false)] {
            let tsm = Tsm::over(Box::new(Kernel { aux, ..kernel("sev_guest") }), root.path());
            let evidence = tsm.evidence(&[5; 64]);
            assert_eq!(evidence.is_ok_and(|evidence| evidence.part(Part::Certificates).is_none()), part);
        }
    }

    #[test]
    fn tdx_evidence_brings_the_event_log() {
        let root = root();
        let tsm = || Tsm::over(Box::new(kernel("tdx_guest")), root.path());
        assert!(tsm().evidence(&[1; 64]).unwrap().part(Part::EventLog).is_none());
        fs::create_dir_all(root.path().join(CCEL).parent().unwrap()).unwrap();
        fs::write(root.path().join(CCEL), b"log").unwrap();
        let evidence = tsm().evidence(&[1; 64]).unwrap();
        assert_eq!((evidence.kind(), evidence.part(Part::EventLog)), (Kind::Tdx, Some(&b"log"[..])));
    }

    #[test]
    fn races_refusals_and_unknown_providers_are_faults() {
        let root = root();
        let code = |kernel: Kernel| Tsm::over(Box::new(kernel), root.path()).evidence(&[1; 64]).unwrap_err().code;
        assert_eq!(code(Kernel { others: 1, ..kernel("tdx_guest") }), "attester.raced");
        assert_eq!(code(kernel("arm_cca_guest")), "attester.provider");
        assert_eq!(code(Kernel { busy: true, ..kernel("tdx_guest") }), "attester.io");
        assert_eq!(fs::read_dir(root.path().join(REPORTS)).unwrap().count(), 0, "requests are gone after faults too");
        // the plain files of this machine, where no kernel answers
        assert_eq!(Tsm::find(root.path()).unwrap().evidence(&[1; 64]).unwrap_err().code, "attester.io");
        assert!(Tsm::find(&root.path().join("sys")).is_none());
    }
}
