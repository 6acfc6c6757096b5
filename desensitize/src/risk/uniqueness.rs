//! How many rows are unique in the population, from the class sizes of a sample: three estimators.

use std::collections::BTreeMap;

use serde::Serialize;

/// Expected rows of the sample's population that are unique there, by three models. `None` where a model does not fit.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Uniqueness {
    /// Share of the population in the sample.
    pub sampling: f64,
    /// Rows that are unique in the sample.
    pub sample_uniques: u64,
    /// Pitman's sampling formula (Hoshino 2001), best for small sampling shares: population uniques.
    pub pitman: Option<f64>,
    /// Zayatz (1991): population uniques, from the share of sample uniques that are.
    pub zayatz: Option<f64>,
    /// Slide negative binomial (Chen and Keller-McNulty 1998): population uniques.
    pub snb: Option<f64>,
}

pub(super) fn estimate(sizes: &[u64], sampling: f64) -> Uniqueness {
    let rows: u64 = sizes.iter().sum();
    let sample_uniques = sizes.iter().filter(|size| **size == 1).count() as u64;
    let is_usable = sampling > 0.0 && sampling <= 1.0 && rows > 1;
    let population = rows as f64 / sampling;
    // an estimate beyond the population, or below nothing, is a model that does not fit
    let fits = |value: f64| (value.is_finite() && (0.0..=population + 0.5).contains(&value)).then_some(value);
    let when = |value: Option<f64>| if is_usable { value.and_then(fits) } else { None };
    Uniqueness {
        sampling,
        sample_uniques,
        pitman: when(pitman(sizes, rows, population)),
        zayatz: when(Some(zayatz(sizes, sampling))),
        snb: when(snb(sizes, rows, sampling)),
    }
}

/// Maximum likelihood of theta and alpha, then E[uniques] of the population.
fn pitman(sizes: &[u64], rows: u64, population: f64) -> Option<f64> {
    let n = rows as f64;
    let u = sizes.len() as f64;
    let s1 = sizes.iter().filter(|size| **size == 1).count() as f64;
    let s2 = sizes.iter().filter(|size| **size == 2).count() as f64;
    if s1 == 0.0 {
        return Some(0.0);
    }
    if s2 == 0.0 || sizes.len() as u64 == rows {
        return None;
    }
    let mut counts: BTreeMap<u64, f64> = BTreeMap::new();
    sizes.iter().for_each(|size| *counts.entry(*size).or_insert(0.0) += 1.0);
    // for an alpha, the theta at which the likelihood is flat; then the alpha at which it is flat along that line
    let theta_of = |alpha: f64| root(1e-9f64.ln(), (n * n).ln(), |theta| derivatives(theta.exp(), alpha, u, n, &counts).0).exp();
    let alpha = root(1e-6, 1.0 - 1e-6, |alpha| derivatives(theta_of(alpha), alpha, u, n, &counts).1);
    let theta = theta_of(alpha);
    if !(alpha > 0.0 && alpha < 1.0) {
        return None;
    }
    // E[S1] = N * prod_{i=1}^{N-1} (theta + alpha + i - 1) / (theta + i)  =  Gamma(theta+1)/Gamma(theta+alpha) * N^alpha asymptotically
    Some((ln_gamma(theta + 1.0) - ln_gamma(theta + alpha) + alpha * population.ln()).exp())
}

/// Where a falling function crosses zero, by bisection; an end if it does not.
fn root(mut low: f64, mut high: f64, f: impl Fn(f64) -> f64) -> f64 {
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if f(middle) > 0.0 { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

/// Derivatives of the log likelihood by theta and by alpha; sums of reciprocals are differences of digammas.
fn derivatives(theta: f64, alpha: f64, classes: f64, rows: f64, counts: &BTreeMap<u64, f64>) -> (f64, f64) {
    let reciprocals = (digamma(theta / alpha + classes) - digamma(theta / alpha + 1.0)) / alpha;
    let by_theta = reciprocals - (digamma(theta + rows) - digamma(theta + 1.0));
    let within: f64 = counts.iter().map(|(size, count)| count * (digamma(*size as f64 - alpha) - digamma(1.0 - alpha))).sum();
    (by_theta, (classes - 1.0 - theta * reciprocals) / alpha - within)
}

/// By recurrence to 10 and the asymptotic series, good to 1e-12 for positive arguments.
fn digamma(mut x: f64) -> f64 {
    let mut below = 0.0;
    while x < 10.0 {
        below += 1.0 / x;
        x += 1.0;
    }
    let y = 1.0 / (x * x);
    x.ln() - 0.5 / x - y * (1.0 / 12.0 - y * (1.0 / 120.0 - y * (1.0 / 252.0 - y * (1.0 / 240.0 - y / 132.0)))) - below
}

/// The share of sample uniques that come from population classes of each size, by Bayes with the sample's class sizes.
fn zayatz(sizes: &[u64], sampling: f64) -> f64 {
    let mut counts: BTreeMap<u64, f64> = BTreeMap::new();
    sizes.iter().for_each(|size| *counts.entry(*size).or_insert(0.0) += 1.0);
    // chance that exactly one of `size` people is in the sample
    let one = |size: u64| size as f64 * sampling * (1.0 - sampling).powf(size as f64 - 1.0);
    let all: f64 = counts.iter().map(|(size, count)| count * one(*size)).sum();
    let uniques = counts.get(&1).copied().unwrap_or(0.0);
    if all == 0.0 { 0.0 } else { uniques * (uniques * one(1) / all) / sampling }
}

/// Class sizes of the population as 1 + negative binomial; fitted to the sample by its number of classes and of uniques.
fn snb(sizes: &[u64], rows: u64, sampling: f64) -> Option<f64> {
    let uniques = sizes.iter().filter(|size| **size == 1).count() as f64;
    let classes = sizes.len() as f64;
    if uniques == 0.0 {
        return Some(0.0);
    }
    let population = rows as f64 / sampling;
    // Number of population classes K, shape a, probability p: mean size 1 + a (1-p)/p = N / K. A sample class is empty with
    // probability G(1-f), has one row with probability f G'(1-f), where G(z) = z (p / (1 - (1-p) z))^a.
    let miss = 1.0 - sampling;
    let fit = |a: f64| {
        // for a shape, the K that gives the observed number of classes
        let (mut low, mut high) = (classes, population);
        for _ in 0..80 {
            let k = f64::midpoint(low, high);
            let p = a / (population / k - 1.0 + a);
            let g = miss * (p / (1.0 - (1.0 - p) * miss)).powf(a);
            if k * (1.0 - g) < classes { low = k } else { high = k }
        }
        let k = f64::midpoint(low, high);
        let p = a / (population / k - 1.0 + a);
        let base = (p / (1.0 - (1.0 - p) * miss)).powf(a);
        let ones = k * sampling * base * (1.0 + a * (1.0 - p) * miss / (1.0 - (1.0 - p) * miss));
        (ones, k * p.powf(a))
    };
    // more uniques with a smaller shape: bisect on its logarithm
    let (mut low, mut high) = (1e-4f64.ln(), 1e4f64.ln());
    let (most, least) = (fit(low.exp()).0, fit(high.exp()).0);
    if !(most.max(least) >= uniques && most.min(least) <= uniques) {
        return None;
    }
    let is_falling = most > least;
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if (fit(middle.exp()).0 > uniques) == is_falling { low = middle } else { high = middle }
    }
    Some(fit(f64::midpoint(low, high).exp()).1)
}

/// Lanczos' approximation (g = 7, 9 terms), good to 1e-13 for positive arguments.
fn ln_gamma(x: f64) -> f64 {
    const TERMS: [f64; 8] = [
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    if x < 0.5 {
        return (std::f64::consts::PI / (std::f64::consts::PI * x).sin()).ln() - ln_gamma(1.0 - x);
    }
    let x = x - 1.0;
    let sum: f64 = TERMS.iter().zip(1u32..).map(|(term, i)| term / (x + f64::from(i))).sum::<f64>() + 0.999_999_999_999_809_9;
    let t = x + 7.5;
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * t.ln() - t + sum.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gamma_is_right() {
        assert!((ln_gamma(5.0) - 24f64.ln()).abs() < 1e-12);
        assert!((ln_gamma(0.5) - std::f64::consts::PI.sqrt().ln()).abs() < 1e-12);
        assert!((digamma(1.0) + 0.577_215_664_901_532_9).abs() < 1e-12);
    }

    #[test]
    fn a_whole_population_keeps_its_uniques() {
        let sizes: Vec<u64> = [vec![1; 300], vec![2; 120], vec![3; 60], vec![7; 20], vec![40; 5]].concat();
        let all = estimate(&sizes, 1.0);
        assert_eq!(all.zayatz, Some(300.0));
        assert_eq!(all.sample_uniques, 300);
        // the models smooth the counts; they must not be far off where nothing is unknown
        let snb = all.snb.unwrap();
        assert!((snb - 300.0).abs() < 3.0, "{snb}");
        let pitman = all.pitman.unwrap();
        assert!((200.0..400.0).contains(&pitman), "{pitman}");
    }

    #[test]
    fn nothing_unique_stays_so() {
        let none = estimate(&[5, 6, 7], 0.1);
        assert_eq!((none.pitman, none.zayatz, none.snb), (Some(0.0), Some(0.0), Some(0.0)));
        let odd = estimate(&[], 0.5);
        assert_eq!((odd.pitman, odd.zayatz, odd.snb), (None, None, None));
    }
}
