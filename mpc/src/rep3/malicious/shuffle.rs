//! The verified shuffle: the semi-honest messages of [`rep3::shuffle`](crate::rep3::Shuffle), each with a relation.
//!
//! Pass `t` with the permutation `pi` of `P_t` and `P_{t+1}`, row `g` of the result, `k = pi^-1(g)` the row that comes there:
//! - `P_t` sends `m = pi(x_t + x_{t+1}) - F(k_t)`: `x_t[k] + [-F(k_t)_g] + [pi(x_{t+1})_g - m_g] = 0`. The left verifier `P_{t-1}` knows the first
//!   two, the right one `P_{t+1}` the third and `pi`.
//! - `P_{t+1}` sends `m' = pi(x_{t+2}) - F(k_{t+2})`: `x_{t+2}[k] + [-m'_g] + [-F(k_{t+2})_g] = 0`. The left verifier `P_t` knows the second and `pi`, the
//!   right one `P_{t+2}` the first and the third.
//!
//! The verifier that knows the factor does not know `pi` and must not learn it. But in a combination `sum_g rho_g x[pi^-1(g)] = sum_k x[k] rho_{pi(k)}`
//! the factors may stand where they stood before, if the coefficients are moved instead: an inner product of a vector of
//! the one verifier and a vector of the other, as any other term. Who knows `pi` has the other factor, which is 1, times the
//! moved coefficients. The integers and the carries `q` are those of each row `g`, as in any other relation.
//!
//! **Soundness**: as for every relation over words ([`super`]). A message by another permutation, or any other error, makes the relation of
//! some row false, unless the sum that it moves is the same there: then nothing was changed. Errors that cancel in a sum of rows do not cancel in
//! a combination with secret coefficients.
//!
//! **Privacy**: of `pi` the verifier that lacks it sees nothing: the coefficients are drawn without it, and what the proofs show is uniform
//! whatever the vectors are (`proof.rs`). Whether a check fails depends on what the cheating party knows itself. A party knows two of three permutations,
//! as in the semi-honest protocol, and rows are moved by all three.
//!
//! **Rounds and bytes**: three passes of one round and 16 bytes per row and column, as without a check; the check tells six carries, 19 1/2
//! bytes per row and column: 67 1/2 in all, 22 1/2 per party, the same there and back.

use std::borrow::Cow;
use std::ops::Range;

use super::Malicious;
use super::products::WordsRecord;
use super::record::{Half, Side, What};
use crate::Result;
use crate::engine::{Way, Words};
use crate::memory::Shared;
use crate::prg::{Key, Op, Purpose};
use crate::rep3::context::{Context, successor};
use crate::rep3::shuffle::{Places, Seat, Shuffle, passes, random};
use crate::ring::{add_assign, sub_assign};

/// Permutations of [`Malicious`], two of three known to each party. They come from its [`draw_shuffle`](crate::engine::Engine::draw_shuffle)
/// only, and do not print:
/// ```compile_fail
/// use yu_mpc::{engine::Engine, rep3};
/// fn launder(by: <rep3::Context as Engine>::Shuffle) -> <rep3::Malicious as Engine>::Shuffle {
///     by.into()
/// }
/// ```
/// ```compile_fail
/// fn print(by: &yu_mpc::rep3::malicious::CheckedShuffle) -> String {
///     format!("{by:?}")
/// }
/// ```
pub struct CheckedShuffle(pub(super) Shuffle);

/// Relations of one message of a pass.
pub(super) struct Moved {
    pub(super) prover: usize,
    /// Rows of all columns, a multiple of the rows of one.
    pub(super) rows: usize,
    /// Rows of one column.
    pub(super) column: usize,
    way: Way,
    /// The verifier that knows the permutation.
    knows: Side,
    /// What the prover and this one know: the permutation and what is added.
    secret: Option<(Places, Shared)>,
    /// What the prover and the other one know, where it stood.
    factors: Option<Shared>,
    /// Mask of the message.
    mask: Purpose,
    op: u64,
}

impl Moved {
    pub(super) fn half(&self, side: Side, component: usize, key: &Key, what: What, rows: Range<usize>, out: &mut Half) {
        if side == self.knows {
            if let Some((_, rest)) = &self.secret {
                out.factors.resize(out.factors.len() + rows.len(), 1);
                out.rest.extend_from_slice(&rest[rows]);
            }
            return;
        }
        let begin = out.rest.len();
        out.rest.resize(begin + rows.len(), 0);
        if what == What::All {
            let op = Op::new(self.op);
            let mut mask = key.stream(self.mask, &op);
            mask.skip(rows.start);
            mask.subtract(&mut out.rest[begin..]);
        }
        let Some(factors) = &self.factors else { return };
        let factors = &factors[rows];
        // the prover adds up each relation by itself: there the factor stands where it comes to
        let is_prover = (side == Side::Left) == (component == 0);
        match &self.secret {
            Some((by, _)) if is_prover && what == What::All => out.factors.extend(by.applied(self.way, factors)),
            _ => out.factors.extend_from_slice(factors),
        }
    }

    /// What the factors of that side are multiplied with, `rho` being the coefficients of some columns.
    pub(super) fn weights<'a>(&self, side: Side, rho: &[u64]) -> Option<Cow<'a, [u64]>> {
        let (by, _) = self.secret.as_ref().filter(|_| side == self.knows)?;
        Some(Cow::Owned(by.applied(self.way.reversed(), rho)))
    }
}

impl Malicious {
    /// Applies a shuffle to columns that stand one after the other and notes what to check.
    pub(super) fn moved(&mut self, by: &Shuffle, columns: &Words<2>, way: Way) -> Result<Words<2>> {
        let records = &mut self.words;
        self.base.operate(|context| {
            let [mut own, mut next] = [0, 1].map(|at| columns.shared(at));
            for pass in passes(way) {
                [own, next] = context.checked_pass(by, [own, next], way, pass, records)?;
            }
            Ok(Words::from_parts([own, next].map(Shared::into_vec)))
        })
    }
}

impl Context {
    fn checked_pass(
        &mut self,
        by: &Shuffle,
        [own, next]: [Shared; 2],
        way: Way,
        pass: usize,
        records: &mut Vec<WordsRecord>,
    ) -> Result<[Shared; 2]> {
        let op = self.upcoming();
        let stream = self.next_op()?;
        let (rows, column) = (own.len(), by.len());
        if rows == 0 {
            return Ok([own, next]);
        }
        let mut note = |knows, secret, factors| {
            let (prover, mask) = if knows == Side::Right { (pass, Purpose::ShuffleLow) } else { (successor(pass), Purpose::ShuffleHigh) };
            records.push(WordsRecord::Moved(Moved { prover, rows, column, way, knows, secret, factors, mask, op }));
        };
        match Seat::of(self.index, pass) {
            Seat::First => {
                let first = random(&self.own_key, Purpose::ShuffleLow, &stream, rows);
                let places = &by.with_next;
                let mut added = places.applied(way, &next);
                let mut sent = places.applied(way, &own);
                add_assign(&mut sent, &added);
                sub_assign(&mut sent, &first);
                let mut got = self.exchange_part(Seat::First, &sent)?;
                sub_assign(&mut added, &sent);
                note(Side::Right, Some((places.clone(), added.into())), Some(own));
                add_assign(&mut sent, &got);
                negate(&mut got);
                note(Side::Left, Some((places.clone(), got.into())), None);
                Ok([first.into(), sent.into()])
            }
            Seat::Second => {
                let second = random(&self.next_key, Purpose::ShuffleHigh, &stream, rows);
                let places = &by.with_prev;
                let mut added = places.applied(way, &own);
                let mut sent = places.applied(way, &next);
                sub_assign(&mut sent, &second);
                let mut got = self.exchange_part(Seat::Second, &sent)?;
                sub_assign(&mut added, &got);
                note(Side::Right, Some((places.clone(), added.into())), None);
                add_assign(&mut got, &sent);
                negate(&mut sent);
                note(Side::Left, Some((places.clone(), sent.into())), Some(next));
                Ok([got.into(), second.into()])
            }
            Seat::Third => {
                note(Side::Right, None, Some(next));
                note(Side::Left, None, Some(own));
                let second = random(&self.own_key, Purpose::ShuffleHigh, &stream, rows);
                let first = random(&self.next_key, Purpose::ShuffleLow, &stream, rows);
                Ok([second.into(), first.into()])
            }
        }
    }
}

fn negate(values: &mut [u64]) {
    values.iter_mut().for_each(|value| *value = value.wrapping_neg());
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;
    use crate::Error;
    use crate::engine::Engine;

    const NAMES: [&str; 3] = ["a", "b", "c"];

    /// Three parties of which one changes the permutations that it knows; what they open.
    fn run(change: impl Fn(usize, &mut Shuffle) + Sync) -> Vec<Result<Vec<u64>>> {
        let mut mesh = yu_wire::memory::mesh(&NAMES);
        let channels: Vec<_> = (0..3).map(|i| (mesh[i][(i + 2) % 3].take().unwrap(), mesh[i][(i + 1) % 3].take().unwrap())).collect();
        let party = |index: usize, (prev, next)| {
            let mut rng = rand_chacha::ChaCha20Rng::seed_from_u64(index as u64);
            let mut engine = Malicious::new(index, &[9; 32], prev, next, &mut rng)?;
            let column = engine.constant(&(0..50).collect::<Vec<_>>());
            let mut by = engine.draw_shuffle(50)?;
            change(index, &mut by.0);
            let moved = engine.shuffle(&by, &[&column], Way::Forward)?;
            Ok(engine.open(&moved.iter().collect::<Vec<_>>())?.remove(0))
        };
        std::thread::scope(|scope| {
            let party = &party;
            let threads: Vec<_> =
                channels.into_iter().enumerate().map(|(index, channels)| scope.spawn(move || party(index, channels))).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        })
    }

    #[test]
    fn a_party_with_another_permutation_is_caught() {
        let honest: Vec<Vec<u64>> = run(|_, _| ()).into_iter().map(Result::unwrap).collect();
        assert!(honest.iter().all(|opened| *opened == honest[0]));
        for (cheater, name) in NAMES.iter().enumerate() {
            for with_next in [true, false] {
                let results = run(|index, by| {
                    if index == cheater {
                        let places = if with_next { &mut by.with_next } else { &mut by.with_prev };
                        *places = places.turned();
                    }
                });
                for other in [1, 2].map(|more| (cheater + more) % 3) {
                    assert!(matches!(results[other], Err(Error::Peer { .. } | Error::Transport(_))), "{name}");
                }
                let blamed = |result: &Result<_>| matches!(result, Err(Error::Peer { culprit, .. }) if culprit == name);
                assert!(results.iter().any(blamed), "{name} is blamed");
            }
        }
    }

    /// Rows move by all three permutations, so by one that no party knows.
    #[test]
    fn permutations_of_all_three_pairs_count() {
        let honest = run(|_, _| ());
        for pair in 0..3 {
            let other = run(|index, by| {
                if index == pair {
                    by.with_next = by.with_next.turned();
                } else if index == successor(pair) {
                    by.with_prev = by.with_prev.turned();
                }
            });
            let (one, two) = (honest[0].as_ref().unwrap(), other[0].as_ref().unwrap());
            assert!(one != two && other.iter().all(Result::is_ok));
            let mut sorted = two.clone();
            sorted.sort_unstable();
            assert_eq!(sorted, (0..50).collect::<Vec<u64>>());
        }
    }
}
