//! Memory of large vectors: shared without copying, wiped when nobody holds it any more, and used again.
//!
//! A fresh page costs more than most operations on what is in it: the kernel takes 3 ns per element (measured under KVM) where
//! a product takes 1. So wiped vectors are kept, at most [`keep_at_most`] bytes in the process, and handed out again as zeros.
//! Large pages would help less and can hurt: on machines that give free memory back to their host they cost 10 ns per element.

use std::collections::BTreeMap;
use std::ops::{Deref, Range};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes kept if nobody says otherwise.
const KEPT: usize = 128 << 20;
/// Shorter vectors come from the allocator's own lists soon enough, elements.
const WORTH_KEEPING: usize = 1 << 10;

static LIMIT: AtomicUsize = AtomicUsize::new(KEPT);
static POOL: Mutex<Pool> = Mutex::new(Pool { by_len: BTreeMap::new(), bytes: 0 });

/// Sets how many bytes of wiped vectors the process keeps for further operations: 128 MiB at first. What was kept beyond that
/// is given back. They hold zeros only; more of them makes operations on large vectors faster.
pub fn keep_at_most(bytes: usize) {
    LIMIT.store(bytes, Ordering::Relaxed);
    pool().shrink(bytes);
}

/// Wiped vectors by the memory that they hold, which may be more than they were last used for. INVARIANT: all elements are zero,
/// and the length is what `bytes` counts: the whole capacity.
#[derive(Default)]
struct Pool {
    by_len: BTreeMap<usize, Vec<Vec<u64>>>,
    bytes: usize,
}

fn pool() -> MutexGuard<'static, Pool> {
    POOL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A vector of zeros.
pub(crate) fn zeros(len: usize) -> Vec<u64> {
    if len >= WORTH_KEEPING
        && let Some(kept) = pool().take(len)
    {
        return kept;
    }
    vec![0; len]
}

/// An empty vector with room for so many elements. What is written from the front on need not be zeros first: what the allocator has used
/// before it would overwrite.
pub(crate) fn room(len: usize) -> Vec<u64> {
    if len >= WORTH_KEEPING
        && let Some(mut kept) = pool().take(len)
    {
        kept.clear();
        return kept;
    }
    Vec::with_capacity(len)
}

/// Appends values; what was there is wiped if it has to move.
pub(crate) fn append(values: &mut Vec<u64>, more: impl ExactSizeIterator<Item = u64>) {
    let len = values.len() + more.len();
    if len > values.capacity() {
        let mut longer = room(len);
        longer.extend_from_slice(values);
        give(std::mem::replace(values, longer));
    }
    values.extend(more);
}

/// A copy of the values.
pub(crate) fn copy(values: &[u64]) -> Vec<u64> {
    let mut copy = room(values.len());
    copy.extend_from_slice(values);
    copy
}

/// The first `len` values of an iterator that has as many.
pub(crate) fn collect(len: usize, values: impl Iterator<Item = u64>) -> Vec<u64> {
    let mut all = zeros(len);
    for (slot, value) in all.iter_mut().zip(values) {
        *slot = value;
    }
    all
}

/// Wipes a vector, all the memory that it holds, and gives it back.
pub(crate) fn give(values: Vec<u64>) {
    if values.capacity() == 0 {
        return;
    }
    let values = whole(values);
    if values.len() >= WORTH_KEEPING {
        let limit = LIMIT.load(Ordering::Relaxed);
        // what is refused goes back to the allocator, after the lock is released
        let _refused = pool().put(values, limit);
    }
}

/// The vector as long as its capacity, wiped: what it was shortened by may hold secrets, and is counted.
fn whole(mut values: Vec<u64>) -> Vec<u64> {
    values.resize(values.capacity(), 0);
    wipe(&mut values);
    values
}

/// Overwrites secrets that are given up; as fast as memory is.
pub fn wipe(values: &mut [u64]) {
    values.fill(0);
    // the zeros count as read, so the store before the release of the memory stays
    std::hint::black_box(values);
}

impl Pool {
    /// One of this length, or a little longer.
    fn take(&mut self, len: usize) -> Option<Vec<u64>> {
        let (found, list) = self.by_len.range_mut(len..=len + len / 8).next()?;
        let (found, mut kept) = (*found, list.pop()?);
        if list.is_empty() {
            self.by_len.remove(&found);
        }
        self.bytes -= found * 8;
        kept.truncate(len);
        Some(kept)
    }

    /// Keeps a vector as long as its capacity, or gives it back.
    fn put(&mut self, wiped: Vec<u64>, limit: usize) -> Option<Vec<u64>> {
        debug_assert_eq!(wiped.len(), wiped.capacity(), "all of its memory is counted");
        let bytes = wiped.len() * 8;
        if self.bytes + bytes > limit {
            return Some(wiped);
        }
        self.bytes += bytes;
        self.by_len.entry(wiped.len()).or_default().push(wiped);
        None
    }

    fn shrink(&mut self, limit: usize) {
        while self.bytes > limit
            && let Some((len, list)) = self.by_len.pop_last()
        {
            self.bytes -= len * 8 * list.len();
        }
    }
}

/// A vector that several hold, wiped after the last.
struct Store(Vec<u64>);

impl Drop for Store {
    fn drop(&mut self) {
        give(std::mem::take(&mut self.0));
    }
}

/// Consecutive elements of a vector that others may hold too. Copying and slicing cost nothing.
#[derive(Clone)]
pub(crate) struct Shared {
    store: Arc<Store>,
    // INVARIANT: within the store
    start: usize,
    len: usize,
}

impl Shared {
    /// A part.
    ///
    /// # Panics
    /// If the range is not within the vector.
    pub(crate) fn slice(&self, range: Range<usize>) -> Self {
        assert!(range.start <= range.end && range.end <= self.len, "range within the vector");
        Self { store: Arc::clone(&self.store), start: self.start + range.start, len: range.len() }
    }

    /// The elements as a vector of their own: not copied if nobody else holds them.
    pub(crate) fn into_vec(mut self) -> Vec<u64> {
        match Arc::get_mut(&mut self.store) {
            Some(store) if store.0.len() == self.len => std::mem::take(&mut store.0),
            _ => copy(&self),
        }
    }
}

impl Deref for Shared {
    type Target = [u64];

    fn deref(&self) -> &[u64] {
        &self.store.0[self.start..self.start + self.len]
    }
}

impl From<Vec<u64>> for Shared {
    fn from(values: Vec<u64>) -> Self {
        let len = values.len();
        Self { store: Arc::new(Store(values)), start: 0, len }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kept_memory_fits_and_is_limited() {
        let mut pool = Pool::default();
        assert!(pool.put(vec![0; 1000], 8000).is_none());
        assert!(pool.put(vec![0; 1], 8000).is_some());
        // too short for what is asked, or too long
        assert!(pool.take(1001).is_none() && pool.take(500).is_none());
        assert_eq!(pool.take(950), Some(vec![0; 950]));
        assert_eq!((pool.bytes, pool.by_len.len()), (0, 0));
        for len in [10, 20, 20, 30] {
            assert!(pool.put(vec![0; len], 800).is_none());
        }
        pool.shrink(500);
        assert_eq!((pool.bytes, pool.take(30), pool.take(20).map(|kept| kept.len())), (400, None, Some(20)));
    }

    #[test]
    fn memory_is_counted_and_wiped_by_capacity() {
        let mut long = vec![7; 1000];
        long.reserve_exact(500);
        let held = long.capacity();
        long.truncate(10);
        let long = whole(long);
        assert!(long.len() == held && long.iter().all(|value| *value == 0));
        let mut pool = Pool::default();
        assert!(pool.put(long, 1 << 20).is_none());
        assert_eq!(pool.bytes, held * 8);
        // used for less, and given back: still counted as what it holds
        let less = whole(pool.take(held - 1).unwrap());
        assert_eq!(pool.bytes, 0);
        assert!(pool.put(less, 1 << 20).is_none());
        assert_eq!((pool.bytes, pool.by_len.keys().copied().collect::<Vec<_>>()), (held * 8, vec![held]));
    }

    #[test]
    fn longer_vectors_keep_what_they_had() {
        let mut values = vec![1, 2, 3];
        append(&mut values, std::iter::repeat_n(7, 2000));
        append(&mut values, [9].into_iter());
        assert!(values[..3] == [1, 2, 3] && values[3..2003].iter().all(|value| *value == 7) && values[2003..] == [9]);
    }

    #[test]
    fn secrets_are_wiped_before_they_are_kept() {
        // a length that no other test uses
        let len = 1_234_567;
        let mut secret = zeros(len);
        secret.fill(7);
        give(secret);
        assert!(zeros(len).iter().all(|value| *value == 0));
    }

    #[test]
    fn parts_share_and_the_last_one_gives_back() {
        let whole = Shared::from((0..5000).collect::<Vec<u64>>());
        let part = whole.slice(1000..3000).slice(5..10);
        assert_eq!(*part, [1005, 1006, 1007, 1008, 1009]);
        assert_eq!(part.clone().into_vec(), [1005, 1006, 1007, 1008, 1009]);
        let place = whole.as_ptr();
        drop(part);
        let alone = whole.into_vec();
        assert_eq!(alone.as_ptr(), place);
    }
}
