//! A permutation that no party knows, of three parts: one that P0 and the dealer know, one that P1 and the dealer know, one that P0
//! and P1 know. The last is applied locally. Each of the others is a pass of permute and share.
//!
//! Pass of `P_k`, who knows `pi`; `P_j` is the other: `P_j` sends `x_j - a`, the dealer sends `delta = pi(a) - b` to `P_k`, where `a` and `b` come from
//! the key of `P_j` and the dealer. `P_k` has `y_k = pi(x_k + x_j - a) + delta = pi(x) - b`, `P_j` has `y_j = b`.

use yu_mpc::engine::Way;
use yu_mpc::ring::{add_assign, sub_assign};
use yu_mpc::{Error, Result};
use zeroize::Zeroizing;

use crate::context::{Computing, Dealing, Role};
use crate::correlation::{Secrets, receive, send};
use crate::steps::DealerStep;

/// The two of three parts that we know.
pub struct Shuffle {
    rows: usize,
    /// Part of the pass of P0 and of P1, if we know it.
    of_pass: [Option<Zeroizing<Vec<u32>>>; 2],
    /// Part of P0 and P1.
    local: Option<Zeroizing<Vec<u32>>>,
}

impl Shuffle {
    /// Number of rows.
    pub(crate) const fn rows(&self) -> usize {
        self.rows
    }
}

impl Role {
    /// Draws a permutation. No communication.
    pub(crate) fn draw_shuffle(&mut self, rows: usize) -> Result<Shuffle> {
        let count = u32::try_from(rows).map_err(|_| Error::Caller(format!("a shuffle of `{rows}` rows, at most 2^32 - 1 are possible")))?;
        let mut of_pass = [None, None];
        let mut local = None;
        match self {
            Self::Computing(Computing { index, with_peer, with_dealer, .. }) => {
                of_pass[*index] = Some(Zeroizing::new(with_dealer.stream()?.permutation(count)));
                local = Some(Zeroizing::new(with_peer.stream()?.permutation(count)));
            }
            Self::Dealing(Dealing { with, .. }) => {
                for (known, source) in of_pass.iter_mut().zip(with) {
                    *known = Some(Zeroizing::new(source.stream()?.permutation(count)));
                }
            }
        }
        Ok(Shuffle { rows, of_pass, local })
    }

    /// Applies it to columns that stand one after the other. Two rounds.
    pub(crate) fn shuffled(&mut self, by: &Shuffle, mut share: Secrets, way: Way) -> Result<Secrets> {
        let local = |share: Secrets| match &by.local {
            Some(places) => moved(places, &share, way),
            None => share,
        };
        match way {
            Way::Forward => {
                for pass in [0, 1] {
                    share = self.pass(pass, by, share, way)?;
                }
                Ok(local(share))
            }
            Way::Back => {
                share = local(share);
                for pass in [1, 0] {
                    share = self.pass(pass, by, share, way)?;
                }
                Ok(share)
            }
        }
    }

    /// The pass of party `mover`.
    fn pass(&mut self, mover: usize, by: &Shuffle, mut share: Secrets, way: Way) -> Result<Secrets> {
        let len = share.len();
        let places = by.of_pass[mover].as_deref();
        match (self, places) {
            (Self::Computing(party), Some(places)) => {
                add_assign(&mut share, &receive(&mut party.peer, DealerStep::Shuffle, len)?);
                let delta = receive(&mut party.dealer, DealerStep::ShuffleDeal, len)?;
                let mut result = moved(places, &share, way);
                add_assign(&mut result, &delta);
                Ok(result)
            }
            (Self::Computing(party), None) => {
                let (a, b) = (party.with_dealer.draw(len)?, party.with_dealer.draw(len)?);
                sub_assign(&mut share, &a);
                send(&mut party.peer, DealerStep::Shuffle, &share)?;
                Ok(b)
            }
            (Self::Dealing(Dealing { parties, with }), places) => {
                let other = &mut with[1 - mover];
                let (a, b) = (other.draw(len)?, other.draw(len)?);
                let mut delta = moved(places.map_or(&[][..], |places| places), &a, way);
                sub_assign(&mut delta, &b);
                send(&mut parties[mover], DealerStep::ShuffleDeal, &delta)?;
                Ok(share)
            }
        }
    }
}

/// Moves the rows of each column.
fn moved(places: &[u32], from: &[u64], way: Way) -> Secrets {
    let mut to = Zeroizing::new(vec![0; from.len()]);
    let rows = places.len().max(1);
    for (to, from) in to.chunks_mut(rows).zip(from.chunks(rows)) {
        match way {
            Way::Forward => places.iter().zip(from).for_each(|(place, value)| to[*place as usize] = *value),
            Way::Back => places.iter().zip(to).for_each(|(place, slot)| *slot = from[*place as usize]),
        }
    }
    to
}

#[cfg(test)]
mod tests {
    use rand_chacha::ChaCha20Rng;
    use rand_chacha::rand_core::SeedableRng;
    use yu_mpc::engine::Engine;

    use super::*;
    use crate::Context;

    /// Each of the three lacks one of three parts, and the permutation is made of all of them.
    #[test]
    fn everybody_lacks_a_part() {
        let rows: Vec<u64> = (0..20).collect();
        let mesh = yu_wire::memory::mesh(&["first", "second", "dealer"]);
        let views: Vec<_> = std::thread::scope(|scope| {
            let rows = &rows;
            let party = |(index, mut peers): (usize, Vec<Option<yu_wire::channel::Channel>>)| {
                scope.spawn(move || {
                    let (prev, next) = (peers[(index + 2) % 3].take().unwrap(), peers[(index + 1) % 3].take().unwrap());
                    let mut rng = ChaCha20Rng::seed_from_u64(index as u64);
                    let mut engine = Context::new(index, &[7; 32], prev, next, &mut rng).unwrap();
                    let by = engine.draw_shuffle(rows.len()).unwrap();
                    let column = engine.constant(rows);
                    let there = engine.shuffle(&by, &[&column], Way::Forward).unwrap();
                    (by, engine.open(&[&there[0]]).unwrap().remove(0))
                })
            };
            let threads: Vec<_> = mesh.into_iter().enumerate().map(party).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let known = |index: usize| {
            let by: &Shuffle = &views[index].0;
            [&by.of_pass[0], &by.of_pass[1], &by.local].map(Option::is_some)
        };
        assert_eq!([known(0), known(1), known(2)], [[true, false, true], [false, true, true], [true, true, false]]);
        let [first, second, dealer] = [0, 1, 2].map(|index| &views[index].0);
        assert_eq!(first.of_pass[0], dealer.of_pass[0]);
        assert_eq!(second.of_pass[1], dealer.of_pass[1]);
        assert_eq!(first.local, second.local);
        let parts = [&first.of_pass[0], &second.of_pass[1], &first.local].map(|part| part.as_deref().unwrap());
        let moved_by = |parts: &[&Vec<u32>]| {
            parts.iter().fold(Zeroizing::new(rows.clone()), |rows, places| moved(places, &rows, Way::Forward)).to_vec()
        };
        for (_, opened) in &views {
            assert_eq!(*opened, moved_by(&parts));
            assert_ne!(*opened, moved_by(&parts[..2]), "what the dealer knows");
        }
    }
}
