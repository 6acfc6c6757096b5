//! A sum is tried again while too few parties answer, but never over other parties than the first time.

use serde::Serialize;
use yu_wire::channel::Channel;
use yu_wire::codec;

use super::assembly::Gate;
use super::roles::Coordinator;
use crate::{Error, Result};

/// How often a sum is tried before the training ends.
pub const ATTEMPTS: u32 = 5;

/// A sum whose masks were to come off, and over whom.
pub(crate) type Begun<A> = Option<(A, Vec<u32>)>;

/// What of a coordinator survives a crash.
pub(crate) trait Checkpoint: Clone + Serialize {
    /// Names a sum of the training.
    type About: Copy + PartialEq;

    /// The last sum that was begun.
    fn begun(&mut self) -> &mut Begun<Self::About>;
}

/// Who makes the sums.
pub(crate) trait Sums {
    /// A party is there again.
    ///
    /// # Errors
    /// As [`super::Star::join`].
    fn join(&mut self, line: Channel) -> Result<()>;

    /// Why parties are away.
    fn absent(&self) -> Vec<String>;
}

/// A sum that is wanted.
pub(crate) struct Wanted<'a, A> {
    /// Names it.
    pub(crate) about: A,
    /// It is made over these parties or not at all.
    pub(crate) must: Option<&'a [u32]>,
    /// Fewest parties in it.
    pub(crate) quorum: usize,
    /// What it is called where they are too few.
    pub(crate) step: &'static str,
}

impl<V, T> Coordinator<'_, V, T> {
    /// Stores a checkpoint.
    pub(crate) fn store<C: Serialize>(&mut self, state: &C) -> Result<()> {
        (self.keep)(&codec::encode(state))
    }

    /// A sum that `ask` makes, tried again while too few parties answer; `None` if it may not be made. Before masks come off it is stored whose
    /// contributions are in it: the same contributions over other parties must never be summed a second time, their difference would be a
    /// single party's.
    ///
    /// # Errors
    /// [`Error::Quorum`] if too few parties are left after [`ATTEMPTS`] tries, [`Error::Absent`] if it is known who is away; those of `ask`
    /// and of `keep`.
    pub(crate) fn sum<C: Checkpoint, S: Sums, R>(
        &mut self,
        sums: &mut S,
        state: &mut C,
        wanted: &Wanted<'_, C::About>,
        mut ask: impl FnMut(&mut S, &C, Gate<'_>) -> Result<R>,
    ) -> Result<Option<R>> {
        let mut tries = 0;
        loop {
            for line in (self.arrived)() {
                sums.join(line)?;
            }
            let (mut next, mut is_other) = (state.clone(), false);
            let mut gate = |parties: &[u32]| {
                let (present, needed) = (parties.len(), wanted.quorum);
                if present < needed {
                    let remedy = "see which parties are away, or lower `quorum`";
                    return Err(Error::Quorum { step: wanted.step, present, needed, remedy });
                }
                let before = next.begun().as_ref().filter(|(of, _)| *of == wanted.about).map(|(_, parties)| parties.as_slice());
                is_other = [wanted.must, before].iter().flatten().any(|before| *before != parties);
                if is_other {
                    return Err(Error::caller("a sum over other parties than before"));
                }
                if before.is_some() {
                    return Ok(());
                }
                *next.begun() = Some((wanted.about, parties.to_vec()));
                self.store(&next)
            };
            let summed = ask(sums, state, &mut gate);
            *state = next;
            match summed {
                Err(Error::Quorum { .. }) if tries + 1 < ATTEMPTS => {
                    tries += 1;
                    (self.pause)(tries);
                }
                Err(error @ Error::Quorum { .. }) => return Err(away(error, sums)),
                Err(_) if is_other => return Ok(None),
                other => return other.map(Some),
            }
        }
    }
}

fn away(error: Error, sums: &impl Sums) -> Error {
    let absent = sums.absent();
    if absent.is_empty() { error } else { Error::Absent { what: error.to_string(), parties: absent.join("; ") } }
}

/// Where a sum that the training cannot do without may not be made.
pub(crate) fn others(sums: &impl Sums) -> Error {
    Error::Absent {
        what: "a sum was interrupted before it was told, and the parties are no longer the same: start the training again".into(),
        parties: sums.absent().join("; "),
    }
}
