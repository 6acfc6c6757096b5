//! What was found true before: certificates of platforms and reports of their quoting enclaves.
//!
//! A memo, not a state: whether a signature verifies is a pure function of the bytes that are hashed into the key, and the
//! memo belongs to one [`super::Endorsement`], whose issuer and revocation list never change. So a verdict with it and one
//! without it are the same, and only true ones go in; dates are checked at every use, outside. That is why it may sit behind
//! a lock inside a value that is otherwise immutable: callers of `verify` get a known platform's speed without knowing of it.
//!
//! Bounded: 256 places each, found by the first byte of a SHA-256; a newcomer takes the place of who was there. A peer needs a
//! genuine platform to get in at all, and reaches nothing by it but that another platform is verified in full once more.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use super::pck::Platform;

/// 256 places, each taken by what came last; none until something comes.
struct Places<T>(Vec<Option<([u8; 32], T)>>);

const PLACES: usize = 256;

impl<T: Clone> Places<T> {
    const fn new() -> Self {
        Self(Vec::new())
    }

    fn get(&self, key: &[u8; 32]) -> Option<T> {
        let place = self.0.get(usize::from(*key.first()?))?.as_ref()?;
        (place.0 == *key).then(|| place.1.clone())
    }

    fn put(&mut self, key: [u8; 32], value: T) {
        self.0.resize_with(PLACES, || None);
        if let Some(place) = key.first().and_then(|first| self.0.get_mut(usize::from(*first))) {
            *place = Some((key, value));
        }
    }
}

struct Memo {
    platforms: Places<Arc<Platform>>,
    keys: Places<()>,
}

/// The memo of one endorsement.
pub(super) struct Known(Mutex<Memo>);

impl Known {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Memo { platforms: Places::new(), keys: Places::new() }))
    }

    /// The platform whose chain has this SHA-256, if it was verified.
    pub(super) fn platform(&self, chain: &[u8; 32]) -> Option<Arc<Platform>> {
        self.with(|memo| memo.platforms.get(chain))
    }

    pub(super) fn add_platform(&self, chain: [u8; 32], platform: Arc<Platform>) {
        self.with(|memo| memo.platforms.put(chain, platform));
    }

    /// Whether an attestation key was verified: SHA-256 over the platform's chain and all that ties the key to it.
    pub(super) fn key(&self, hash: &[u8; 32]) -> bool {
        self.with(|memo| memo.keys.get(hash)).is_some()
    }

    pub(super) fn add_key(&self, hash: [u8; 32]) {
        self.with(|memo| memo.keys.put(hash, ()));
    }

    /// A thread that panicked inside left whole entries: each is written by one assignment.
    fn with<T>(&self, run: impl FnOnce(&mut Memo) -> T) -> T {
        run(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Known")
    }
}
