//! **DANGER.** Writes everything that crosses the wire to files, in the clear, before transport encryption.
//!
//! It exists for one purpose: a test looks into the files and shows that nothing which must stay with its owner is in
//! them. A process with this feature that finds [`VARIABLE`] in its environment gives away what its peers send to it.
//! The feature `danger-tap` is in no default, no other crate of the workspace turns it on outside `[dev-dependencies]`,
//! and without it not a line of this file is compiled. A tapped process says so on standard error.
//!
//! One file per stream and direction, `PID-NUMBER-sent` or `PID-NUMBER-received`: magic, frame headers, payloads and
//! request bodies in the order in which they crossed, so that a value which spans two frames' payloads of one stream
//! is interrupted by a frame header and by nothing else.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

/// Directory for the files; unset: nothing is written.
pub const VARIABLE: &str = "YU_DANGER_TAP";

fn directory() -> Option<&'static PathBuf> {
    static DIRECTORY: OnceLock<Option<PathBuf>> = OnceLock::new();
    let directory = DIRECTORY.get_or_init(|| {
        let directory = PathBuf::from(std::env::var_os(VARIABLE)?);
        eprintln!("DANGER: everything that crosses the wire is written to `{}` in the clear", directory.display());
        std::fs::create_dir_all(&directory).ok().map(|()| directory)
    });
    directory.as_ref()
}

/// Writes down one direction of one stream.
pub(crate) struct Tap(Option<(File, PathBuf)>);

impl Tap {
    pub(crate) fn sent() -> Self {
        Self::open("sent")
    }

    pub(crate) fn received() -> Self {
        Self::open("received")
    }

    fn open(direction: &str) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let Some(directory) = directory() else { return Self(None) };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = directory.join(format!("{}-{number:06}-{direction}", std::process::id()));
        let file = OpenOptions::new().create(true).append(true).open(&path);
        // a tap with holes would let the test that relies on it pass: better no process than such a one
        let file = file.unwrap_or_else(|e| fail(&path, &e));
        Self(Some((file, path)))
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) {
        if let Some((file, path)) = &mut self.0
            && let Err(e) = file.write_all(bytes)
        {
            fail(path, &e)
        }
    }
}

fn fail(path: &std::path::Path, error: &std::io::Error) -> ! {
    eprintln!("tap `{}`: {error}", path.display());
    std::process::abort()
}
