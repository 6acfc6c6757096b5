//! Choosing one of many without showing the scores: permute-and-flip, the exponential mechanism, quantiles.
//!
//! Scores are integers, larger is better; one neighbour changes each by at most the sensitivity. Both mechanisms draw exactly, by
//! rejection with [exact coins](super::super::noise): no logarithm, no floating-point comparison.

use rand_chacha::rand_core::CryptoRng;

use super::super::adjacency::{Adjacency, AdjacencyKind, Neighbours};
use super::super::cost::{Allowance, Loss};
use super::super::noise::Bits;
use super::super::noise::exp::bernoulli_exp;
use super::super::refuse::parameter;
use super::super::units::{Epsilon, Rho};
use crate::error::Result;

/// Epsilon as a fraction with this denominator, rounded down: exact coins want rationals.
const EPSILON_UNITS: f64 = (1u64 << 32) as f64;

/// The coin exp(-epsilon gap / (2 sensitivity)) as a fraction.
#[derive(Clone, Copy)]
struct Coin {
    epsilon: u128,
    denominator: u128,
}

impl Coin {
    fn new(epsilon: f64, sensitivity: u64) -> Result<Self> {
        let units = (epsilon * EPSILON_UNITS).floor();
        if units < 1.0 || sensitivity == 0 || sensitivity >> 60 != 0 {
            return Err(parameter(
                "epsilon or sensitivity of a selection is out of range",
                "选择机制的 epsilon 或敏感度超出范围",
                "give an epsilon of at least 2^-32 and a sensitivity of 1 to 2^60",
                "请给出不小于 2^-32 的 epsilon 及 1 至 2^60 的敏感度",
            ));
        }
        Ok(Self { epsilon: units as u128, denominator: u128::from(sensitivity) << 33 })
    }

    fn flip<R: CryptoRng + ?Sized>(self, best: i64, score: i64, bits: &mut Bits<'_, R>) -> bool {
        // below 2^64 times at most 2^46
        let gap = u128::from(best.abs_diff(score));
        bernoulli_exp(gap * self.epsilon, self.denominator, bits)
    }
}

fn best_of(scores: &[i64]) -> Result<i64> {
    scores.iter().copied().max().filter(|_| u32::try_from(scores.len()).is_ok()).ok_or_else(|| {
        parameter("there is nothing to choose from", "没有可供选择的候选项", "give 1 to 2^32 candidates", "请给出 1 至 2^32 个候选项")
    })
}

/// Permute-and-flip (McKenna & Sheldon 2020): epsilon-private, never worse than the exponential mechanism. Returns a position.
///
/// # Errors
/// `dp.parameter` for no candidate, or parameters out of range; `dp.allowance`.
pub fn permute_and_flip<A: Adjacency, R: CryptoRng + ?Sized>(
    scores: &[i64],
    sensitivity: u64,
    epsilon: Epsilon,
    allowance: &mut Allowance<A>,
    rng: &mut R,
) -> Result<usize> {
    let best = best_of(scores)?;
    let coin = Coin::new(epsilon.get(), sensitivity)?;
    allowance.spend(Loss::Pure(epsilon))?;
    let mut bits = Bits::new(rng);
    let mut order: Vec<usize> = (0..scores.len()).collect();
    for at in 0..order.len() {
        let other = at + bits.below((order.len() - at) as u64) as usize;
        order.swap(at, other);
        let Some((candidate, score)) = order.get(at).and_then(|candidate| Some((*candidate, *scores.get(*candidate)?))) else { break };
        if coin.flip(best, score, &mut bits) {
            return Ok(candidate);
        }
    }
    // the best candidate's coin always shows heads, so the loop returns
    Ok(scores.iter().position(|score| *score == best).unwrap_or(0))
}

/// The exponential mechanism with epsilon = sqrt(8 rho), which is rho-zCDP (Rogers & Steinke 2021; Cesar & Rogers 2021, Lemma 3.2).
/// Returns a position.
///
/// # Errors
/// As [`permute_and_flip`].
pub fn exponential<A: Adjacency, R: CryptoRng + ?Sized>(
    scores: &[i64],
    sensitivity: u64,
    rho: Rho,
    allowance: &mut Allowance<A>,
    rng: &mut R,
) -> Result<usize> {
    exponential_with(scores, sensitivity, rho, allowance, &mut Bits::new(rng))
}

/// [`exponential`] with words that are shared with other draws.
pub(in crate::dp) fn exponential_with<A: Adjacency, R: CryptoRng + ?Sized>(
    scores: &[i64],
    sensitivity: u64,
    rho: Rho,
    allowance: &mut Allowance<A>,
    bits: &mut Bits<'_, R>,
) -> Result<usize> {
    let best = best_of(scores)?;
    let coin = Coin::new((8.0 * rho.get()).sqrt() * (1.0 - 1e-15), sensitivity)?;
    allowance.spend(Loss::Zcdp(rho))?;
    loop {
        let candidate = bits.below(scores.len() as u64) as usize;
        // accepted with probability exp(-gap ..): the accepted one has the weight the mechanism wants
        if scores.get(candidate).is_some_and(|score| coin.flip(best, *score, bits)) {
            return Ok(candidate);
        }
    }
}

/// The candidate nearest to the `numerator/denominator` quantile, by permute-and-flip. Candidates are public and sorted; values are
/// integers (doubles: on a grid). The score of c is -|(d - n) #(x < c) - n #(x > c)|, as OpenDP's.
///
/// # Errors
/// `dp.parameter` for an improper fraction, unsorted or no candidates; `dp.allowance`.
pub fn quantile<A: Adjacency, R: CryptoRng + ?Sized>(
    values: &[i64],
    candidates: &[i64],
    (numerator, denominator): (u32, u32),
    neighbours: Neighbours<A>,
    epsilon: Epsilon,
    allowance: &mut Allowance<A>,
    rng: &mut R,
) -> Result<i64> {
    let is_sorted = candidates.windows(2).all(|pair| pair[0] < pair[1]);
    let below = u64::from(denominator).checked_sub(u64::from(numerator)).filter(|_| is_sorted && denominator > 0);
    let below = below.ok_or_else(|| {
        parameter(
            "a quantile needs a fraction of at most 1 and rising candidates",
            "分位数须为不大于 1 的分数，候选值须递增",
            "sort the candidates without repetition and give n/d <= 1",
            "请将候选值去重升序排列，并给出不大于 1 的分数",
        )
    })?;
    // counts of values below, at and between candidates
    let (mut under, mut equal) = (vec![0u64; candidates.len() + 1], vec![0u64; candidates.len()]);
    for value in values {
        match candidates.binary_search(value) {
            Ok(at) => equal[at] += 1,
            Err(at) => under[at] += 1,
        }
    }
    let (mut less, total) = (0u64, values.len() as u64);
    let mut scores = Vec::with_capacity(candidates.len());
    for (under, equal) in under.iter().zip(&equal) {
        less += under;
        let more = total - less - equal;
        let score = i128::from(below) * i128::from(less) - i128::from(numerator) * i128::from(more);
        scores.push(i64::try_from(-score.abs()).unwrap_or(i64::MIN));
        less += equal;
    }
    let one = match A::KIND {
        AdjacencyKind::AddRemove | AdjacencyKind::Subject => below.max(u64::from(numerator)),
        AdjacencyKind::Substitute => u64::from(denominator),
    };
    let chosen = permute_and_flip(&scores, one * u64::from(neighbours.rows()), epsilon, allowance, rng)?;
    Ok(candidates.get(chosen).copied().unwrap_or_default())
}
