//! A permutation that no party knows: three passes, in each of which two parties permute by a permutation that the third
//! does not know (Laur, Willemson, Zhang: Round-efficient oblivious database manipulation, ISC 2011; here with PRG-made
//! shares, so that only two messages are left in a pass).
//!
//! Pass `t`, parties `P_t` and `P_{t+1}`: the value is `A + B` with `A = x_t + x_{t+1}` at `P_t` and `B = x_{t+2}` at `P_{t+1}`. Both permute
//! theirs. New shares: `y_t = F(k_t)` (`P_t`, `P_{t+2}`) and `y_{t+2} = F(k_{t+2})` (`P_{t+1}`, `P_{t+2}`) cost nothing;
//! `y_{t+1} = (A' - y_t) + (B' - y_{t+2})` is put together by an exchange between `P_t` and `P_{t+1}`. What `P_{t+1}` gets is masked by
//! `k_t`, which it lacks, and what `P_t` gets by `k_{t+2}`. 16 bytes per element and pass, one round each.

use super::context::{Context, PARTIES};
use super::steps::Rep3Step;
use crate::engine::Way;
use crate::memory::{give, zeros};
use crate::prg::{Key, Op, Purpose};
use crate::{Error, Result};

/// The two of three permutations that we know.
pub struct Shuffle {
    /// Of the pass with our successor.
    with_next: Vec<u32>,
    /// Of the pass with our predecessor.
    with_prev: Vec<u32>,
}

impl Drop for Shuffle {
    fn drop(&mut self) {
        self.with_next.fill(0);
        self.with_prev.fill(0);
        std::hint::black_box((&self.with_next, &self.with_prev));
    }
}

impl Shuffle {
    /// Number of rows.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.with_next.len()
    }

    /// Whether there are no rows.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.with_next.is_empty()
    }
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
        for pass in 0..PARTIES {
            let pass = if way == Way::Forward { pass } else { PARTIES - 1 - pass };
            let op = self.next_op()?;
            if own.is_empty() {
                continue;
            }
            (own, next) = match (self.index + PARTIES - pass) % PARTIES {
                0 => {
                    let mut sum = std::mem::take(&mut own);
                    crate::ring::add_assign(&mut sum, &next);
                    let first = random(&self.own_key, Purpose::ShuffleLow, &op, sum.len());
                    let shared = self.exchange_permuted(true, &sum, &first, &by.with_next, way)?;
                    give(sum);
                    give(next);
                    (first, shared)
                }
                1 => {
                    let second = random(&self.next_key, Purpose::ShuffleHigh, &op, next.len());
                    let shared = self.exchange_permuted(false, &next, &second, &by.with_prev, way)?;
                    give(own);
                    give(next);
                    (shared, second)
                }
                _ => {
                    self.own_key.stream(Purpose::ShuffleHigh, &op).fill(&mut own);
                    self.next_key.stream(Purpose::ShuffleLow, &op).fill(&mut next);
                    (own, next)
                }
            };
        }
        Ok((own, next))
    }

    /// Permutes our part, masks it, exchanges it with the other party of the pass and adds both.
    fn exchange_permuted(&mut self, is_first: bool, part: &[u64], mask: &[u64], by: &[u32], way: Way) -> Result<Vec<u64>> {
        let mut ours = zeros(part.len());
        let rows = by.len().max(1);
        for (to, from) in ours.chunks_mut(rows).zip(part.chunks(rows)) {
            match way {
                Way::Forward => by.iter().zip(from).for_each(|(place, value)| to[*place as usize] = *value),
                Way::Back => by.iter().zip(to).for_each(|(place, slot)| *slot = from[*place as usize]),
            }
        }
        crate::ring::sub_assign(&mut ours, mask);
        let mut theirs = zeros(ours.len());
        let channel = if is_first { &mut self.next } else { &mut self.prev };
        channel.exchange_slice_u64(Rep3Step::Shuffle, &ours, &mut theirs)?;
        crate::ring::add_assign(&mut ours, &theirs);
        give(theirs);
        Ok(ours)
    }
}

fn random(key: &Key, purpose: Purpose, op: &Op, len: usize) -> Vec<u64> {
    let mut out = zeros(len);
    key.stream(purpose, op).fill(&mut out);
    out
}

/// A uniform permutation that two parties share.
fn permutation(key: &Key, op: &Op, rows: u32) -> Vec<u32> {
    key.stream(Purpose::Permutation, op).permutation(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permutations_are_uniform_and_shared() {
        let key = Key::derive(&[3; 32], &[4; 32], 1);
        let mut seen = std::collections::HashMap::<Vec<u32>, u32>::new();
        for op in 0..24_000 {
            let places = permutation(&key, &Op::new(op), 4);
            *seen.entry(places).or_default() += 1;
        }
        assert_eq!(seen.len(), 24);
        // expected 1000 each, standard deviation 31; six of them
        assert!(seen.values().all(|count| (814..1186).contains(count)), "{seen:?}");
        assert_eq!(permutation(&key, &Op::new(7), 1000), permutation(&Key::derive(&[3; 32], &[4; 32], 1), &Op::new(7), 1000));
        assert!(permutation(&key, &Op::new(7), 0).is_empty());
    }
}
