//! A permutation that no party knows: three passes, in each of which two parties permute by a permutation that the third
//! does not know (Laur, Willemson, Zhang: Round-efficient oblivious database manipulation, ISC 2011; here with PRG-made
//! shares, so that only two messages are left in a pass).
//!
//! Pass `t`, parties `P_t` and `P_{t+1}`: the value is `A + B` with `A = x_t + x_{t+1}` at `P_t` and `B = x_{t+2}` at `P_{t+1}`. Both permute
//! theirs. New shares: `y_t = F(k_t)` (`P_t`, `P_{t+2}`) and `y_{t+2} = F(k_{t+2})` (`P_{t+1}`, `P_{t+2}`) cost nothing;
//! `y_{t+1} = (A' - y_t) + (B' - y_{t+2})` is put together by an exchange between `P_t` and `P_{t+1}`. What `P_{t+1}` gets is masked by
//! `k_t`, which it lacks, and what `P_t` gets by `k_{t+2}`. 16 bytes per element and pass, one round each.

use std::sync::Arc;

use super::context::{Context, PARTIES};
use super::steps::Rep3Step;
use crate::engine::Way;
use crate::memory::{give, zeros};
use crate::prg::{Key, Op, Purpose};
use crate::{Error, Result};

/// The two of three permutations that we know. They do not print:
/// ```compile_fail
/// fn print(by: &yu_mpc::rep3::Shuffle) -> String {
///     format!("{by:?}")
/// }
/// ```
pub struct Shuffle {
    /// Of the pass with our successor.
    pub(super) with_next: Places,
    /// Of the pass with our predecessor.
    pub(super) with_prev: Places,
}

impl Shuffle {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.with_next.0.0.len()
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A permutation that two parties share: row `i` goes to place `[i]`. A clone holds the same memory.
#[derive(Clone)]
pub(super) struct Places(Arc<Wiped>);

/// Wiped after the last holder.
struct Wiped(Vec<u32>);

impl Drop for Wiped {
    fn drop(&mut self) {
        self.0.fill(0);
        std::hint::black_box(&self.0);
    }
}

impl Places {
    /// Another permutation.
    #[cfg(test)]
    pub(super) fn turned(&self) -> Self {
        let mut places = self.0.0.clone();
        places.rotate_left(1);
        Self(Arc::new(Wiped(places)))
    }

    /// Columns that stand one after the other, each permuted.
    pub(super) fn applied(&self, way: Way, columns: &[u64]) -> Vec<u64> {
        let (by, mut moved) = (&self.0.0, zeros(columns.len()));
        let rows = by.len().max(1);
        for (to, from) in moved.chunks_mut(rows).zip(columns.chunks(rows)) {
            match way {
                Way::Forward => by.iter().zip(from).for_each(|(place, value)| to[*place as usize] = *value),
                Way::Back => by.iter().zip(to).for_each(|(place, slot)| *slot = from[*place as usize]),
            }
        }
        moved
    }
}

/// Who we are in a pass.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Seat {
    /// `P_t`: knows the permutation and holds `x_t`, `x_{t+1}`.
    First,
    /// `P_{t+1}`: knows the permutation and holds `x_{t+1}`, `x_{t+2}`.
    Second,
    /// `P_{t+2}`: does not know it.
    Third,
}

impl Seat {
    /// Of party `index` in pass `t`.
    pub(super) const fn of(index: usize, pass: usize) -> Self {
        match (index + PARTIES - pass) % PARTIES {
            0 => Self::First,
            1 => Self::Second,
            _ => Self::Third,
        }
    }
}

/// The passes in order.
pub(super) fn passes(way: Way) -> [usize; PARTIES] {
    std::array::from_fn(|at| if way == Way::Forward { at } else { PARTIES - 1 - at })
}

impl Context {
    /// Draws the permutations: no communication.
    pub(super) fn draw(&mut self, len: usize) -> Result<Shuffle> {
        let rows = u32::try_from(len).map_err(|_| Error::caller(format!("a shuffle of `{len}` rows, at most 2^32 - 1 are possible")))?;
        let op = self.next_op()?;
        Ok(Shuffle { with_next: permutation(&self.next_key, &op, rows), with_prev: permutation(&self.own_key, &op, rows) })
    }

    /// Applies a shuffle to columns that stand one after the other.
    pub(super) fn permuted(&mut self, by: &Shuffle, mut own: Vec<u64>, mut next: Vec<u64>, way: Way) -> Result<(Vec<u64>, Vec<u64>)> {
        for pass in passes(way) {
            let op = self.next_op()?;
            if own.is_empty() {
                continue;
            }
            let seat = Seat::of(self.index, pass);
            (own, next) = match seat {
                Seat::First => {
                    let mut sum = std::mem::take(&mut own);
                    crate::ring::add_assign(&mut sum, &next);
                    let first = random(&self.own_key, Purpose::ShuffleLow, &op, sum.len());
                    let mut part = by.with_next.applied(way, &sum);
                    crate::ring::sub_assign(&mut part, &first);
                    let shared = self.exchange_permuted(seat, part)?;
                    give(sum);
                    give(next);
                    (first, shared)
                }
                Seat::Second => {
                    let second = random(&self.next_key, Purpose::ShuffleHigh, &op, next.len());
                    let mut part = by.with_prev.applied(way, &next);
                    crate::ring::sub_assign(&mut part, &second);
                    let shared = self.exchange_permuted(seat, part)?;
                    give(own);
                    give(next);
                    (shared, second)
                }
                Seat::Third => {
                    self.own_key.stream(Purpose::ShuffleHigh, &op).fill(&mut own);
                    self.next_key.stream(Purpose::ShuffleLow, &op).fill(&mut next);
                    (own, next)
                }
            };
        }
        Ok((own, next))
    }

    /// Exchanges our masked part with the other party of the pass and adds both.
    fn exchange_permuted(&mut self, seat: Seat, mut ours: Vec<u64>) -> Result<Vec<u64>> {
        let theirs = self.exchange_part(seat, &ours)?;
        crate::ring::add_assign(&mut ours, &theirs);
        give(theirs);
        Ok(ours)
    }

    /// Sends our masked part to the other party of the pass and returns what comes.
    pub(super) fn exchange_part(&mut self, seat: Seat, ours: &[u64]) -> Result<Vec<u64>> {
        let mut theirs = zeros(ours.len());
        let channel = if seat == Seat::First { &mut self.next } else { &mut self.prev };
        channel.exchange_slice_u64(Rep3Step::Shuffle, ours, &mut theirs)?;
        Ok(theirs)
    }
}

pub(super) fn random(key: &Key, purpose: Purpose, op: &Op, len: usize) -> Vec<u64> {
    let mut out = zeros(len);
    key.stream(purpose, op).fill(&mut out);
    out
}

/// A uniform permutation that two parties share.
fn permutation(key: &Key, op: &Op, rows: u32) -> Places {
    Places(Arc::new(Wiped(key.stream(Purpose::Permutation, op).permutation(rows))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permutations_are_uniform_and_shared() {
        let key = Key::derive(&[3; 32], &[4; 32], 1);
        let mut seen = std::collections::HashMap::<Vec<u32>, u32>::new();
        for op in 0..24_000 {
            let places = permutation(&key, &Op::new(op), 4).0.0.clone();
            *seen.entry(places).or_default() += 1;
        }
        assert_eq!(seen.len(), 24);
        // expected 1000 each, standard deviation 31; six of them
        assert!(seen.values().all(|count| (814..1186).contains(count)), "{seen:?}");
        let of = |key: &Key, rows| permutation(key, &Op::new(7), rows).0.0.clone();
        assert_eq!(of(&key, 1000), of(&Key::derive(&[3; 32], &[4; 32], 1), 1000));
        assert!(of(&key, 0).is_empty());
    }

    #[test]
    fn columns_move_and_come_back() {
        let by = permutation(&Key::derive(&[3; 32], &[4; 32], 1), &Op::new(7), 100);
        let columns: Vec<u64> = (0..300).collect();
        let moved = by.applied(Way::Forward, &columns);
        for (column, place) in by.0.0.iter().enumerate() {
            assert_eq!(moved[200 + *place as usize], 200 + column as u64);
        }
        assert_eq!(by.applied(Way::Back, &moved), columns);
    }
}
