//! Who shares masks and secrets with whom: everybody with everybody, or a regular graph (Bell et al. 2020/704, section 3).
//!
//! The regular graph is a Harary graph: the parties that advertised keys lie on a ring in an order drawn from the transcript, and
//! each is joined to the `k / 2` next on either side. The draw is public, and nobody's choice as long as parties and server follow the protocol: the
//! last one to advertise, or a server that leaves somebody out, could draw again.
//!
//! Bounds are for one round; a ring that serves `R` rounds with other dropouts in each multiplies those of connection and correctness by `R`.
//!
//! Parameters for `n` parties of which at most `c` are corrupted together with the server and `d` drop out, neither knowing the
//! order on the ring beforehand; `X ~ Hyp(N, K, k)` counts the marked among `k` drawn from `N` with `K` marked:
//! - privacy, shares: `n P[Hyp(n - d - 1, c, k) >= t] <= 2^-41`: no party has `t` corrupted neighbours, even if all that drop
//!   out never advertised;
//! - privacy, connection: honest survivors fall apart only if two runs of `k / 2` neighbours on the ring are all corrupted or
//!   gone: `C(n, 2) C(n - k, c + d - k) / C(n, c + d) <= 2^-41`. One such run leaves the ring a path;
//! - correctness: `n P[Hyp(n - 1, d, k) > k - t] <= 2^-20`: every party keeps `t` neighbours that answer.
//!
//! [`Regular::choose`] takes the smallest even `k`, then the smallest `t > (k + 1) / 2`. The bounds are exact sums in place of
//! the paper's asymptotic ones; they hold for a server that follows the protocol. A malicious server could declare chosen
//! neighbours to be gone after it saw the ring, so [`super::Adversary::Malicious`] takes the complete graph only.

use libm::lgamma;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use sha2::{Digest, Sha256};
use zeroize::Zeroize;

use super::keys::Hash;
use super::set::PartySet;
use crate::{Error, Result};

/// Logarithm to base 2 of the probability with which privacy may fail, for each of two conditions.
const PRIVACY: f64 = -41.0;
/// Logarithm to base 2 of the probability with which a round may fail although no more dropped out than assumed.
const CORRECTNESS: f64 = -20.0;

/// Degree and threshold of a regular graph, as [`Self::choose`] found them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Regular {
    parties: u32,
    corrupted: u32,
    dropped: u32,
    degree: u32,
    threshold: u32,
}

/// The graph of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Topology {
    /// Every party with every other; secrets are shared among all.
    Complete {
        /// Shares that make a secret, `t`.
        threshold: u32,
    },
    /// Every party with `k` others.
    Regular(Regular),
}

impl Regular {
    /// The smallest graph for `parties` of which `corrupted` pool what they see with the server and `dropped` drop out.
    ///
    /// # Errors
    /// [`Error::Unsafe`] if no degree below `parties - 1` does it: take the complete graph.
    pub fn choose(parties: usize, corrupted: usize, dropped: usize) -> Result<Self> {
        let narrow = |number: usize| u32::try_from(number).map_err(|_| Error::caller("more than 2^32 parties"));
        let (n, c, d) = (parties as f64, corrupted as f64, dropped as f64);
        if corrupted + dropped + 2 <= parties {
            for degree in (2..parties.saturating_sub(1)).step_by(2) {
                let k = degree as f64;
                let apart = log2_choose(n, 2.0) + log2_choose(n - k, c + d - k) - log2_choose(n, c + d);
                if apart > PRIVACY {
                    continue;
                }
                // own share and those of `degree` neighbours
                let found = (degree.div_ceil(2) + 1..=degree).find(|threshold| {
                    let t = *threshold as f64;
                    n.log2() + log2_tail(n - d - 1.0, c, k, t) <= PRIVACY && n.log2() + log2_tail(n - 1.0, d, k, k - t + 1.0) <= CORRECTNESS
                });
                if let Some(threshold) = found {
                    return Ok(Self {
                        parties: narrow(parties)?,
                        corrupted: narrow(corrupted)?,
                        dropped: narrow(dropped)?,
                        degree: narrow(degree)?,
                        threshold: narrow(threshold)?,
                    });
                }
            }
        }
        Err(Error::Unsafe {
            setting: "regular graph".into(),
            reason: format!("no degree protects `{parties}` parties with `{corrupted}` corrupted and `{dropped}` dropping out"),
            remedy: "take the complete graph or assume fewer of both".into(),
        })
    }

    /// Neighbours of each party, `k`.
    #[must_use]
    pub const fn degree(&self) -> u32 {
        self.degree
    }

    /// Shares that make a secret, `t`.
    #[must_use]
    pub const fn threshold(&self) -> u32 {
        self.threshold
    }

    /// Parties that must be left for the bounds to hold.
    #[must_use]
    pub const fn quorum(&self) -> u32 {
        self.parties - self.dropped
    }

    pub(super) const fn parties(&self) -> u32 {
        self.parties
    }

    pub(super) const fn corrupted(&self) -> u32 {
        self.corrupted
    }
}

fn log2_choose(n: f64, k: f64) -> f64 {
    if k < 0.0 || k > n {
        return f64::NEG_INFINITY;
    }
    (lgamma(n + 1.0) - lgamma(k + 1.0) - lgamma(n - k + 1.0)) / std::f64::consts::LN_2
}

/// `log2 P[X >= least]` for `draws` from a population with that many marked.
fn log2_tail(population: f64, marked: f64, draws: f64, least: f64) -> f64 {
    let mut sum = 0.0;
    let mut count = least.max(0.0);
    while count <= draws.min(marked) {
        sum += (log2_choose(marked, count) + log2_choose(population - marked, draws - count) - log2_choose(population, draws)).exp2();
        count += 1.0;
    }
    sum.log2()
}

/// The graph among the parties that advertised keys.
pub(super) enum Graph {
    Complete(PartySet),
    Ring {
        order: Vec<u32>,
        /// Place of each party on the ring.
        place: Vec<Option<usize>>,
        half: usize,
    },
}

impl Graph {
    pub(super) fn draw(parties: usize, present: &PartySet, topology: Topology, transcript: &Hash) -> Self {
        let degree = match topology {
            Topology::Regular(regular) if (regular.degree as usize) + 1 < present.len() => regular.degree as usize,
            _ => return Self::Complete(present.clone()),
        };
        let seed = Sha256::new().chain_update(b"yu-fedlearn/secagg/ring/v1").chain_update(transcript).finalize();
        let mut rng = ChaCha20Rng::from_seed(seed.into());
        let mut order: Vec<u32> = present.iter().collect();
        // Fisher-Yates
        for at in (1..order.len()).rev() {
            order.swap(at, below(at as u64 + 1, &mut rng) as usize);
        }
        let mut place = vec![None; parties];
        for (at, party) in order.iter().enumerate() {
            if let Some(slot) = place.get_mut(*party as usize) {
                *slot = Some(at);
            }
        }
        Self::Ring { order, place, half: degree / 2 }
    }

    /// Neighbours of a party, ascending, without itself.
    pub(super) fn neighbours(&self, party: u32) -> Vec<u32> {
        match self {
            Self::Complete(present) => present.iter().filter(|other| *other != party).collect(),
            Self::Ring { order, place, half } => {
                let Some(Some(at)) = place.get(party as usize) else { return Vec::new() };
                let len = order.len();
                let mut all: Vec<u32> =
                    (1..=*half).flat_map(|step| [at + step, at + len - step]).filter_map(|at| order.get(at % len).copied()).collect();
                all.sort_unstable();
                all
            }
        }
    }

    /// The party and its neighbours, ascending: who holds a share of its secrets.
    pub(super) fn holders(&self, party: u32) -> Vec<u32> {
        let mut all = self.neighbours(party);
        all.insert(all.partition_point(|other| *other < party), party);
        all
    }
}

/// Uniform below `bound`, by rejection.
fn below(bound: u64, rng: &mut ChaCha20Rng) -> u64 {
    let limit = u64::MAX - u64::MAX % bound;
    loop {
        let mut drawn = rng.next_u64();
        if drawn < limit {
            let out = drawn % bound;
            drawn.zeroize();
            return out;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Degrees and thresholds of an independent search with exact integers.
    #[test]
    fn parameters_match_exact_arithmetic() {
        for (parties, corrupted, dropped, degree, threshold) in GOLDEN {
            let chosen = Regular::choose(parties, corrupted, dropped).unwrap();
            assert_eq!((chosen.degree(), chosen.threshold()), (degree, threshold), "{parties} {corrupted} {dropped}");
        }
        assert!(matches!(Regular::choose(10, 5, 3), Err(Error::Unsafe { .. })));
        assert!(matches!(Regular::choose(10, 8, 3), Err(Error::Unsafe { .. })));
    }

    const GOLDEN: [(usize, usize, usize, u32, u32); 9] = [
        (33, 3, 3, 8, 5),
        (50, 5, 5, 12, 7),
        (100, 10, 10, 22, 12),
        (100, 20, 10, 32, 21),
        (100, 20, 20, 40, 21),
        (200, 20, 20, 34, 19),
        (500, 50, 50, 44, 25),
        (1000, 100, 100, 48, 28),
        (1000, 333, 50, 84, 65),
    ];

    #[test]
    fn a_ring_is_regular_and_symmetric() {
        let regular = Regular::choose(100, 10, 10).unwrap();
        let present = PartySet::of(100, (0..100).filter(|party| party % 17 != 3));
        let graph = Graph::draw(100, &present, Topology::Regular(regular), &[5; 32]);
        for party in present.iter() {
            let all = graph.neighbours(party);
            assert_eq!(all.len(), regular.degree() as usize);
            assert!(all.iter().all(|other| *other != party && present.contains(*other) && graph.neighbours(*other).contains(&party)));
        }
        assert!(graph.neighbours(3).is_empty());
        let other = Graph::draw(100, &present, Topology::Regular(regular), &[6; 32]);
        assert!(present.iter().any(|party| graph.neighbours(party) != other.neighbours(party)));
    }
}
