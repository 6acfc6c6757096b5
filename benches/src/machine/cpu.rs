//! CPU time of this process and of the calling thread, nanoseconds exact (what `getrusage` counts, finer).
#![expect(unsafe_code, reason = "the standard library has no CPU clocks; one call with a pointer to a local")]

use std::time::Duration;

/// CPU time of all threads of this process, also of those that ended; user and system.
#[must_use]
pub fn process() -> Duration {
    read(libc::CLOCK_PROCESS_CPUTIME_ID)
}

/// CPU time of the calling thread; user and system.
#[must_use]
pub fn thread() -> Duration {
    read(libc::CLOCK_THREAD_CPUTIME_ID)
}

fn read(clock: libc::clockid_t) -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a live, writable timespec; the call writes nothing else
    let code = unsafe { libc::clock_gettime(clock, &raw mut time) };
    match (code, u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec)) {
        (0, Ok(seconds), Ok(nanos)) => Duration::new(seconds, nanos),
        _ => Duration::ZERO,
    }
}
