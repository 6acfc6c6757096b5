//! An allocator that counts: bytes that one execution holds at its peak, and how often it asks.
//!
//! Counts only while [`enable`] was called, per thread; before that it is the system's allocator and one relaxed load.
//! Memory that C code takes (AWS-LC) is not seen.
#![expect(unsafe_code, reason = "a global allocator is an unsafe trait; every call is passed on to the system's unchanged")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, Ordering};

static ON: AtomicBool = AtomicBool::new(false);

#[derive(Clone, Copy)]
struct Counts {
    live: i64,
    peak: i64,
    calls: u64,
}

thread_local! {
    static COUNTS: Cell<Counts> = const { Cell::new(Counts { live: 0, peak: 0, calls: 0 }) };
}

/// The allocator of a binary that measures.
#[derive(Debug)]
pub struct Meter;

// SAFETY: layouts and pointers go to `System` as they come; the counters beside are plain cells that allocate nothing.
unsafe impl GlobalAlloc for Meter {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(0, layout.size());
        // SAFETY: the caller's contract is the system allocator's
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(0, layout.size());
        // SAFETY: as above
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(layout.size(), 0);
        // SAFETY: as above
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(layout.size(), size);
        // SAFETY: as above
        unsafe { System.realloc(pointer, layout, size) }
    }
}

fn count(freed: usize, taken: usize) {
    if !ON.load(Ordering::Relaxed) {
        return;
    }
    // a thread that is ending has no counters any more
    let _ = COUNTS.try_with(|cell| {
        let mut counts = cell.get();
        let signed = |bytes: usize| i64::try_from(bytes).unwrap_or(i64::MAX);
        counts.live = counts.live.saturating_sub(signed(freed)).saturating_add(signed(taken));
        counts.peak = counts.peak.max(counts.live);
        counts.calls += u64::from(taken > 0);
        cell.set(counts);
    });
}

/// Counts from now on, in all threads.
pub fn enable() {
    ON.store(true, Ordering::Relaxed);
}

/// What a piece of work took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Most bytes that it held at once, beyond those from before.
    pub peak: u64,
    /// How often it asked for memory.
    pub calls: u64,
}

/// Runs a piece of work and says what it took. All zero in a binary with another allocator.
pub fn taken<T>(work: impl FnOnce() -> T) -> (T, Taken) {
    let before = COUNTS.get();
    COUNTS.set(Counts { peak: before.live, ..before });
    let result = work();
    let after = COUNTS.get();
    let peak = u64::try_from(after.peak.saturating_sub(before.live)).unwrap_or(0);
    (result, Taken { peak, calls: after.calls.saturating_sub(before.calls) })
}
