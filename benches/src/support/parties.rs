//! Three parties on threads, and one of them alone.

use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use yu_mpc::rep3::{Context, PARTIES};
use yu_mpc::{Error, Result};
use yu_wire::channel::Channel;
use yu_wire::memory;
use yu_wire::meter::Meter;
use yu_wire::record::{Tape, record};

use crate::phase::NAMES;

/// Session id of bench runs: their inputs are public.
pub const SESSION: [u8; 32] = *b"yu-benches: nothing secret here\0";

/// The channels of a party in a ring: `(prev, next)`.
///
/// # Errors
/// A row that is not one of three parties.
pub fn ring(index: usize, row: &mut [Option<Channel>]) -> Result<(Channel, Channel)> {
    let mut take = |at: usize| {
        let missing = || Error::Caller(format!("party `{index}` has no channel to `{at}`"));
        row.get_mut(at).and_then(Option::take).ok_or_else(missing)
    };
    Ok((take((index + PARTIES - 1) % PARTIES)?, take((index + 1) % PARTIES)?))
}

/// Runs `work` as each of three parties over memory; the results in the order of the parties.
///
/// # Errors
/// The first party's that fails.
pub fn three<R: Send>(work: impl Fn(&mut Context) -> Result<R> + Sync) -> Result<Vec<R>> {
    let rows = memory::mesh(&NAMES);
    std::thread::scope(|scope| {
        let work = &work;
        let party = |(index, mut row): (usize, Vec<Option<Channel>>)| {
            scope.spawn(move || {
                let (prev, next) = ring(index, &mut row)?;
                work(&mut Context::new(index, &SESSION, prev, next, &mut seeded(index))?)
            })
        };
        let threads: Vec<_> = rows.into_iter().enumerate().map(party).collect();
        threads.into_iter().map(|thread| thread.join().map_err(|_| Error::Caller("a party panicked".into()))?).collect()
    })
}

/// What a party received in one run: playing it back measures the party alone.
pub struct Alone {
    index: usize,
    tapes: [Tape; 2],
}

impl Alone {
    /// Records party `index` while all three run `work`.
    ///
    /// # Errors
    /// The party's.
    pub fn record<R>(index: usize, work: impl Fn(&mut Context) -> Result<R> + Sync) -> Result<Self> {
        let rows = memory::mesh(&NAMES);
        std::thread::scope(|scope| {
            let mut recordings = None;
            let mut mine = None;
            for (at, mut row) in rows.into_iter().enumerate() {
                let (prev, next) = ring(at, &mut row)?;
                if at == index {
                    let (wrapped_prev, first) = record(prev);
                    let (wrapped_next, second) = record(next);
                    recordings = Some((first, second));
                    mine = Some((wrapped_prev, wrapped_next));
                    continue;
                }
                let work = &work;
                scope.spawn(move || {
                    let mut context = Context::new(at, &SESSION, prev, next, &mut seeded(at))?;
                    work(&mut context).map(drop)
                });
            }
            let missing = || Error::Caller(format!("no party `{index}`"));
            let ((prev, next), (first, second)) = mine.zip(recordings).ok_or_else(missing)?;
            work(&mut Context::new(index, &SESSION, prev, next, &mut seeded(index))?)?;
            Ok(Self { index, tapes: [first.take(), second.take()] })
        })
    }

    /// The party again, against the tapes.
    ///
    /// # Errors
    /// The party's: `work` must be what was recorded.
    pub fn play<R>(&self, work: impl Fn(&mut Context) -> Result<R>) -> Result<R> {
        let [prev, next] = self.tapes.clone();
        let meter = Meter::new();
        let name = |at: usize| NAMES[at % PARTIES];
        let prev = prev.play(name(self.index + PARTIES - 1), 0, meter.clone());
        let next = next.play(name(self.index + 1), 0, meter);
        work(&mut Context::new(self.index, &SESSION, prev, next, &mut seeded(self.index))?)
    }
}

/// The randomness of a recorded party has to repeat.
#[must_use]
pub fn seeded(index: usize) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(index as u64)
}
