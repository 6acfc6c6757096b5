//! The node's own process (P1, D5): no core dumps, no tracing by others of its user, keys out of swap.

#![allow(unsafe_code, reason = "what a process may not do is told to the kernel by calls without a safe form in the standard library")]

use std::sync::atomic::{AtomicBool, Ordering};

static NO_DUMPS: AtomicBool = AtomicBool::new(false);
static LOCKED: AtomicBool = AtomicBool::new(false);

/// What holds for this process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct State {
    /// It leaves no core dumps, and no other process of its user can look into it.
    pub(crate) no_dumps: bool,
    /// Its keys stay out of swap.
    pub(crate) locked: bool,
}

/// What holds for this process.
pub(crate) fn state() -> State {
    State { no_dumps: NO_DUMPS.load(Ordering::Relaxed), locked: LOCKED.load(Ordering::Relaxed) }
}

/// No core dumps from now on, and nobody traces this process. What cannot be had is said in the log.
pub(crate) fn process() {
    let none = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the call reads the structure, which lives until after it
    let limited = unsafe { libc::setrlimit(libc::RLIMIT_CORE, &raw const none) } == 0;
    let done = limited && hidden();
    if !done {
        tracing::warn!("this process can be dumped or traced: its memory is open to other processes of its user");
    }
    NO_DUMPS.store(done, Ordering::Relaxed);
}

#[cfg(target_os = "linux")]
fn hidden() -> bool {
    const NONE: libc::c_ulong = 0;
    // SAFETY: the calls take and give numbers only
    unsafe {
        libc::prctl(libc::PR_SET_DUMPABLE, NONE, NONE, NONE, NONE) == 0 && libc::prctl(libc::PR_GET_DUMPABLE, NONE, NONE, NONE, NONE) == 0
    }
}

#[cfg(not(target_os = "linux"))]
fn hidden() -> bool {
    false
}

/// Keeps a value out of swap as long as this process lives: the node, whose fields are its keys. What it points to is not covered.
pub(crate) fn keep_in_memory<T>(value: &T) {
    // SAFETY: the kernel reads no memory; the range is one value that lives
    let locked = unsafe { libc::mlock(std::ptr::from_ref(value).cast(), size_of::<T>()) } == 0;
    if !locked {
        tracing::warn!("keys may be swapped out: the limit of locked memory (`ulimit -l`) is too small");
    }
    LOCKED.store(locked, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p1_a_hardened_process_leaves_no_dumps() {
        process();
        assert_eq!(state().no_dumps, cfg!(target_os = "linux"));
        let mut limit = libc::rlimit { rlim_cur: 7, rlim_max: 7 };
        // SAFETY: the call writes the structure, which lives until after it
        assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_CORE, &raw mut limit) }, 0);
        assert_eq!((limit.rlim_cur, limit.rlim_max), (0, 0));
    }
}
