//! Choosing the pairs: a spanning tree, one edge at a time, by the exponential mechanism (MST paper, Algorithm 1).

use rand_chacha::rand_core::CryptoRng;

use super::super::adjacency::AddRemove;
use super::super::cost::{Allowance, Cost, Loss};
use super::super::noise::Bits;
use super::super::release::select::exponential_with;
use super::super::units::Rho;
use super::counts::{Compressed, pair};
use crate::error::Result;

/// Units per count: scores are exact integers on this grid.
const UNITS: f64 = 1024.0;

/// Pairs of columns that join all of them; `l1` is what one neighbour changes in a table of counts.
pub(super) fn choose<R: CryptoRng + ?Sized>(
    columns: &[Vec<u32>],
    measured: &[Compressed],
    total: f64,
    l1: u64,
    per_edge: Rho,
    bits: &mut Bits<'_, R>,
) -> Result<Vec<(usize, usize)>> {
    let count = columns.len();
    let mut open: Vec<(usize, usize, i64)> = Vec::new();
    for a in 0..count {
        for b in a + 1..count {
            open.push((a, b, score(&columns[a], &columns[b], &measured[a], &measured[b], total)));
        }
    }
    let mut part: Vec<usize> = (0..count).collect();
    let mut chosen = Vec::new();
    while chosen.len() + 1 < count {
        open.retain(|(a, b, _)| part[*a] != part[*b]);
        let scores: Vec<i64> = open.iter().map(|(_, _, score)| *score).collect();
        // the caller has drawn the whole rho; this is its share
        let mut share = Allowance::<AddRemove>::danger_unledgered(Cost::new(Loss::Zcdp(per_edge)));
        let at = exponential_with(&scores, l1 * UNITS as u64, per_edge, &mut share, bits)?;
        let Some((a, b, _)) = open.get(at).copied() else { break };
        let (from, to) = (part[a], part[b]);
        for part in &mut part {
            if *part == from {
                *part = to;
            }
        }
        chosen.push((a, b));
    }
    Ok(chosen)
}

/// L1 distance of the exact counts to those of independent columns. The latter come from noisy counts, hence are public, and are
/// rounded to the grid before the distance is taken: the distance is an exact integer.
fn score(a: &[u32], b: &[u32], noisy_a: &Compressed, noisy_b: &Compressed, total: f64) -> i64 {
    let counts = pair(a, b, noisy_a.len(), noisy_b.len());
    let mut distance = 0i64;
    let mut counts = counts.into_iter();
    for x in &noisy_a.noisy {
        for y in &noisy_b.noisy {
            let expected = (x.max(0.0) * y.max(0.0) / total * UNITS).round() as i64;
            let count = counts.next().unwrap_or(0).saturating_mul(UNITS as i64);
            distance = distance.saturating_add(count.saturating_sub(expected).saturating_abs());
        }
    }
    distance
}
