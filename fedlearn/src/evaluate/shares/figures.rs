//! Final figures from counts: whole numbers first, one division at the end.

use ndarray::Ix1;
use yu_mpc::engine::{Engine, Module, Product, Vector};
use yu_mpc::fixed::Fixed;
use yu_mpc::ring::Int;
use yu_mpc::secret::Secret;
use yu_mpc::table;

use super::{FIGURE, Figure, SCORE, SharedCounts, only};
use crate::evaluate::Ranking;
use crate::evaluate::stability::Smoothing;
use crate::{Error, Result};

/// Twice the AUC, twice its bound, and KS.
pub struct Figures<E: Engine> {
    values: Secret<E, Figure, Ix1>,
}

impl<E: Engine> Figures<E> {
    /// The three as shares, in this order: to seal them, or to tell one party.
    pub const fn values(&self) -> &Secret<E, Figure, Ix1> {
        &self.values
    }

    /// Reads opened values.
    ///
    /// # Errors
    /// [`Error::Caller`] unless there are three.
    pub fn read(values: &[f64]) -> Result<Ranking> {
        match values {
            [auc, bound, ks] => Ok(Ranking { auc: auc / 2.0, auc_bound: bound / 2.0, ks: *ks }),
            _ => Err(Error::caller(format!("`{}` figures, expected three", values.len()))),
        }
    }

    /// Tells all parties the figures, and nothing else. One round.
    ///
    /// # Errors
    /// The engine's.
    pub fn open(&self, engine: &mut E) -> Result<Ranking> {
        Self::read(&self.values.open(engine)?.to_vec())
    }
}

impl<E: Engine> SharedCounts<E> {
    /// AUC, the bound of its error and KS, within `2^-18` of the formulas in [`crate::evaluate::counts`].
    ///
    /// Opened: one bit, whether both classes have at least `least` rows. Figures of fewer rows tell about single ones and are refused.
    ///
    /// # Errors
    /// [`Error::Unsafe`] if a class is too small; the engine's.
    pub fn figures(&self, engine: &mut E, least: u64) -> Result<Figures<E>> {
        let buckets = self.buckets();
        let [p, n] = self.totals();
        self.check_classes(engine, [&p, &n], least)?;
        let (up_to, below) = (self.positives.prefix_sums(buckets), self.negatives.prefix_sums(buckets));
        let repeat = |words: &E::Words| words.gather(&vec![0; buckets]);
        let (all_p, all_n) = (repeat(&p), repeat(&n));
        // twice the pairs that are ranked right
        let ranked = below.scale(2).sub(&self.negatives);
        let products = [
            Product::Dots { left: &self.positives, right: &ranked, terms: buckets },
            Product::Dots { left: &self.positives, right: &self.negatives, terms: buckets },
            Product::Each(&up_to, &all_n),
            Product::Each(&below, &all_p),
        ];
        let products = engine.multiply(&products, 0)?;
        let [pairs, ties, left, right] = &products[..] else { return Err(lost()) };
        let apart = left.sub(right);
        let apart = Secret::<E, Int, Ix1>::from_words(E::Words::concat(&[&apart, &apart.neg()]), Ix1(2 * buckets))?;
        let greatest = apart.max_axis(engine, 0)?;
        let sums = E::Words::concat(&[pairs, ties, greatest.words()]).scale(1 << FIGURE);
        let three = |words: &E::Words| words.gather(&[0; 3]);
        let by_p = only(table::means(engine, &[&sums], &three(&p), self.rows)?)?;
        let values = only(table::means(engine, &[&by_p], &three(&n), self.rows)?)?;
        Ok(Figures { values: Secret::from_words(values, Ix1(3))? })
    }

    /// Opens whether both classes are large enough.
    pub(crate) fn check_classes(&self, engine: &mut E, [p, n]: [&E::Words; 2], least: u64) -> Result<()> {
        let lacking = E::Words::concat(&[p, n]).sub(&engine.constant(&[least.max(1); 2]));
        let lacking = Secret::<E, Int, Ix1>::from_words(lacking, Ix1(2))?.is_negative(engine)?.into_bits();
        let one = |at: usize| yu_mpc::secret::SecretBits::<E, Ix1>::from_bits(lacking.slice(at..at + 1), Ix1(1));
        let lacking = one(0)?.or(engine, &one(1)?)?.open(engine)?;
        if E::OPENS && lacking.iter().any(|lacking| *lacking) {
            return Err(Error::Unsafe {
                setting: "evaluation".into(),
                reason: format!("a class has fewer than {} rows, so its figures tell about single rows", least.max(1)),
                remedy: "evaluate on more rows".into(),
            });
        }
        Ok(())
    }
}

/// Expected calibration error over the buckets: `sum_b |sum of scores - positives| / rows`, as
/// [`crate::evaluate::calibration::expected_calibration_error`], within `2^-18` and the rounding of the scores (`2^-17` at most).
///
/// Opens nothing.
///
/// # Errors
/// [`Error::Caller`] for counts without scores ([`super::exact`]'s); the engine's.
pub fn calibration_error<E: Engine>(engine: &mut E, counts: &SharedCounts<E>) -> Result<Secret<E, Figure, Ix1>> {
    let Some(scores) = &counts.scores else {
        return Err(Error::caller("calibration: these counts have no sums of scores, count on a grid"));
    };
    let apart = scores.sub(&counts.positives.scale(1 << SCORE));
    let sum = Secret::<E, Int, Ix1>::from_words(apart, Ix1(counts.buckets()))?.abs(engine)?.sum();
    let [p, n] = counts.totals();
    let sum = sum.words().scale(1 << (FIGURE - SCORE));
    Ok(Secret::from_words(only(table::means(engine, &[&sum], &p.add(&n), counts.rows)?)?, Ix1(1))?)
}

/// Fraction bits of logarithms.
const LOGARITHM: u32 = 18;
/// Fraction bits of shares of rows.
const SHARE: u32 = 24;

/// Logarithms on shares.
pub type Logarithm = Fixed<LOGARITHM>;

/// As [`crate::evaluate::stability::Divergence`], on shares.
pub struct SharedDivergence<E: Engine> {
    /// `ln(p_b / n_b)` of smoothed shares, one for each bucket; errors below `2^-15`.
    pub logarithms: Secret<E, Logarithm, Ix1>,
    /// `sum (p_b - n_b) ln(p_b / n_b)`, one element; error below `2^-14`.
    pub total: Secret<E, Logarithm, Ix1>,
}

/// Weights of evidence and information value of features, or the stability index, of pairs of histograms; each pair has a grid of its own.
///
/// Opens nothing. The rounds count once for all pairs; `2 (B + 1)` logarithms and `2 B` quotients for each.
///
/// # Errors
/// [`Error::Caller`] for different lengths or no buckets; the engine's.
pub fn divergence<E: Engine>(
    engine: &mut E,
    pairs: &[[&E::Words; 2]],
    rows: usize,
    smoothing: Smoothing,
) -> Result<Vec<SharedDivergence<E>>> {
    super::check_rows(rows)?;
    let Some(widest) = pairs.iter().map(|[left, _]| left.len()).max() else { return Ok(Vec::new()) };
    if let Some([left, right]) = pairs.iter().find(|[left, right]| left.len() != right.len() || left.is_empty()) {
        return Err(Error::caller(format!("histograms of `{}` and `{}` buckets", left.len(), right.len())));
    }
    // in units of 1/256 row: for each pair both histograms, then both totals
    let mut parts = Vec::new();
    for [left, right] in pairs {
        let smooth = |words: &E::Words| words.scale(256).add(&engine.constant(&vec![smoothing.units(); words.len()]));
        let (left, right) = (smooth(left), smooth(right));
        let totals = [left.sums(left.len()), right.sums(right.len())];
        parts.extend([left, right]);
        parts.extend(totals);
    }
    let all = E::Words::concat(&parts.iter().collect::<Vec<_>>());
    // places of each pair, of what is divided and of its divisor
    let (mut from, mut places, mut counts, mut divisors) = (0, Vec::new(), Vec::new(), Vec::new());
    for [left, _] in pairs {
        let buckets = left.len();
        places.push((from, counts.len(), buckets));
        counts.extend(from..from + 2 * buckets);
        divisors.extend((0..2 * buckets).map(|at| from + 2 * buckets + at / buckets));
        from += 2 * buckets + 2;
    }
    let logs = Secret::<E, Logarithm, Ix1>::from_words(all.clone(), Ix1(from))?.ln(engine)?.into_words();
    let most = 256 * rows + smoothing.units() as usize * widest;
    let shares = only(table::means(engine, &[&all.gather(&counts).scale(1 << SHARE)], &all.gather(&divisors), most)?)?;
    let terms: Vec<[E::Words; 2]> = places
        .iter()
        .map(|&(from, at, buckets)| {
            let two =
                |words: &E::Words, from: usize| words.slice(from..from + buckets).sub(&words.slice(from + buckets..from + 2 * buckets));
            let total = |side: usize| logs.slice(from + 2 * buckets + side..from + 2 * buckets + side + 1).gather(&vec![0; buckets]);
            [two(&shares, at), two(&logs, from).sub(&total(0)).add(&total(1))]
        })
        .collect();
    let products: Vec<_> = terms.iter().map(|[left, right]| Product::Dots { left, right, terms: left.len() }).collect();
    let totals = engine.multiply(&products, SHARE)?;
    let one = |([_, logarithms], total): ([E::Words; 2], E::Words)| {
        let len = logarithms.len();
        Ok(SharedDivergence { logarithms: Secret::from_words(logarithms, Ix1(len))?, total: Secret::from_words(total, Ix1(1))? })
    };
    terms.into_iter().zip(totals).map(one).collect()
}

/// Population stability index of two histograms on one grid, counts smoothed by half a row; see [`divergence`].
///
/// # Errors
/// As [`divergence`].
pub fn stability<E: Engine>(engine: &mut E, expected: &E::Words, actual: &E::Words, rows: usize) -> Result<Secret<E, Logarithm, Ix1>> {
    Ok(only(divergence(engine, &[[actual, expected]], rows, Smoothing::HALF)?)?.total)
}

fn lost() -> Error {
    Error::caller("a primitive returned as many results as operands")
}
