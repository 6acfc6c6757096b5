//! Evaluation when nobody may see both scores and labels (不泄露得分与标签的评估). Written once for every [`Engine`].
//!
//! **Parties and what each learns.** The scores belong to one party or are shares; the labels are shares, of another party's as a rule;
//! which rows count may be a secret selection (a join on shares leaves one). All parties learn the sizes, the grid, and whether both
//! classes have the least number of rows ([`SharedCounts::figures`]); the figures are shares until somebody opens or seals them, or one
//! party is told ([`crate::reveal`]). Counts of buckets are opened by [`SharedCounts::open`] only, which the contract has to name.
//!
//! **Adversary.** The engine's.
//!
//! **How.** Counts of both classes along the score ([`SharedCounts`]), in one of three ways, then the formulas of [`super::counts`] on
//! whole numbers. On [`rep3`](yu_mpc::rep3), bytes of all parties and rounds of the whole job (set-up, inputs, figures, openings) for 10 000
//! rows, a secret selection and 64 buckets, by dry run:
//!
//! | scores | counts by | bytes | rounds | error |
//! |---|---|---:|---:|---|
//! | of one party | [`held`]: an indicator matrix times the labels | 5 918 928 | 168 | that of the grid |
//! | shares | [`shared`]: top bits of the score, [`table::by_category`] | 21 024 552 | 213 | that of the grid |
//! | shares | [`exact`]: [`table::group_by`] by the score | 40 428 544 | 393 | none |
//!
//! The first grows with `8 n (B + 1)`, the second with about `24 n B`, the third not with `B`. Tests hold the meters to the dry run.
//!
//! **Not protected.** A figure is a function of labels and scores, and the owner of the scores may make them up: a score that is high for one
//! row only has an AUC that tells this row's label. No protocol for the same figure can prevent that. So the contract binds scores to a
//! model, counts evaluations, and names who is told.
//!
//! **Error of the arithmetic.** Counts are exact. The quotients are within `2^-18`: [`table::means`] twice, two units in the last place
//! each.

mod counts;
mod errors;
mod figures;

pub use counts::{Rows, exact, held, held_codes, shared};
pub use errors::{brier, poisson_deviance, square_error};
pub use figures::{Figures, Logarithm, SharedDivergence, calibration_error, divergence, stability};

use ndarray::Ix1;
use yu_mpc::engine::{Engine, Module, Vector};
use yu_mpc::fixed::Fixed;
use yu_mpc::ring::Int;
use yu_mpc::secret::Secret;
#[cfg(doc)]
use yu_mpc::table;

use super::ClassCounts;
use super::counts::check_parts;
use crate::{Error, Result};

/// Fraction bits of scores.
pub const SCORE: u32 = 16;

/// Scores, predictions and targets on shares.
pub type Score = Fixed<SCORE>;

/// Fraction bits of figures.
pub(crate) const FIGURE: u32 = 20;

/// Figures on shares.
pub type Figure = Fixed<FIGURE>;

/// More rows are refused: `2 P N 2^20` stays below 2^62.
pub const MOST_ROWS: usize = 1 << 20;

/// Counts of both classes in buckets of ascending score, as shares.
pub struct SharedCounts<E: Engine> {
    positives: E::Words,
    negatives: E::Words,
    /// Sums of the scores in each bucket, [`SCORE`] fraction bits.
    scores: Option<E::Words>,
    rows: usize,
}

impl<E: Engine> Clone for SharedCounts<E> {
    fn clone(&self) -> Self {
        let Self { positives, negatives, scores, rows } = self;
        Self { positives: positives.clone(), negatives: negatives.clone(), scores: scores.clone(), rows: *rows }
    }
}

impl<E: Engine> SharedCounts<E> {
    /// Counts that were made elsewhere, of `rows` rows at most.
    ///
    /// # Errors
    /// [`Error::Caller`] for different lengths, no buckets, no rows or more than [`MOST_ROWS`].
    pub fn new(positives: E::Words, negatives: E::Words, rows: usize) -> Result<Self> {
        check_rows(rows)?;
        if positives.len() != negatives.len() || positives.is_empty() {
            return Err(Error::caller(format!("counts of `{}` and `{}` buckets", positives.len(), negatives.len())));
        }
        Ok(Self { positives, negatives, scores: None, rows })
    }

    /// Buckets of several, one after the other: to look at all of them at once.
    ///
    /// # Errors
    /// [`Error::Caller`] for no counts.
    pub fn beside(all: &[&Self]) -> Result<Self> {
        let words = |of: &dyn Fn(&Self) -> E::Words| {
            let parts: Vec<E::Words> = all.iter().map(|counts| of(counts)).collect();
            E::Words::concat(&parts.iter().collect::<Vec<_>>())
        };
        let rows = all.iter().map(|counts| counts.rows).max().unwrap_or(0);
        Self::new(words(&|counts| counts.positives.clone()), words(&|counts| counts.negatives.clone()), rows)
    }

    /// Number of buckets.
    #[must_use]
    pub fn buckets(&self) -> usize {
        self.positives.len()
    }

    /// Rows that were looked at: no count is greater.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Positives of each bucket.
    pub const fn positives(&self) -> &E::Words {
        &self.positives
    }

    /// Negatives of each bucket.
    pub const fn negatives(&self) -> &E::Words {
        &self.negatives
    }

    /// All positives, then all negatives.
    fn totals(&self) -> [E::Words; 2] {
        [self.positives.sums(self.buckets()), self.negatives.sums(self.buckets())]
    }

    /// Joins neighbouring buckets. No communication.
    ///
    /// # Errors
    /// [`Error::Caller`] for ranges that do not follow each other from the first bucket to the last.
    pub fn joined(&self, parts: &[std::ops::Range<usize>]) -> Result<Self> {
        check_parts(parts, self.buckets())?;
        let sums = |words: &E::Words| {
            let sums: Vec<E::Words> = parts.iter().map(|part| words.slice(part.clone()).sums(part.len())).collect();
            E::Words::concat(&sums.iter().collect::<Vec<_>>())
        };
        Ok(Self {
            positives: sums(&self.positives),
            negatives: sums(&self.negatives),
            scores: self.scores.as_ref().map(sums),
            rows: self.rows,
        })
    }

    /// Which buckets hold fewer than `least` positives or fewer than `least` negatives: opens one bit for each bucket. On a dry run none.
    ///
    /// # Errors
    /// The engine's.
    pub fn small(&self, engine: &mut E, least: u64) -> Result<Vec<bool>> {
        let buckets = self.buckets();
        let both = E::Words::concat(&[&self.positives, &self.negatives]).sub(&engine.constant(&vec![least; 2 * buckets]));
        let lacking = Secret::<E, Int, Ix1>::from_words(both, Ix1(2 * buckets))?.is_negative(engine)?.into_bits();
        let part = |from: usize| yu_mpc::secret::SecretBits::from_bits(lacking.slice(from..from + buckets), Ix1(buckets));
        Ok(part(0)?.or(engine, &part(buckets)?)?.open(engine)?.to_vec())
    }

    /// Tells all parties the counts, unless some count is above 0 and below `least`; whether there is one is opened first, as one bit.
    ///
    /// # Errors
    /// [`Error::Unsafe`] if a count is too small; the engine's.
    pub fn open(&self, engine: &mut E, least: u64) -> Result<ClassCounts> {
        let cells = 2 * self.buckets();
        let both = E::Words::concat(&[&self.positives, &self.negatives]);
        // below least, and above 0
        let below = both.sub(&engine.constant(&vec![least; cells]));
        let tests = E::Words::concat(&[&below, &both.neg()]);
        let tests = Secret::<E, Int, Ix1>::from_words(tests, Ix1(2 * cells))?.is_negative(engine)?.into_bits();
        let part = |from: usize| yu_mpc::secret::SecretBits::<E, Ix1>::from_bits(tests.slice(from..from + cells), Ix1(cells));
        let small = part(0)?.and(engine, &part(cells)?)?.lift(engine)?.sum();
        let none = small.is_zero(engine)?.open(engine)?;
        if E::OPENS && !none.iter().all(|none| *none) {
            return Err(Error::Unsafe {
                setting: "bucket counts".into(),
                reason: format!("a bucket has fewer than {least} rows of a class, which everybody would see"),
                remedy: "take fewer buckets, or open the figures only".into(),
            });
        }
        let mut counts = engine.open(&[&self.positives, &self.negatives])?.into_iter();
        ClassCounts::new(counts.next().unwrap_or_default(), counts.next().unwrap_or_default())
    }
}

pub(crate) fn check_rows(rows: usize) -> Result<()> {
    if (1..=MOST_ROWS).contains(&rows) {
        Ok(())
    } else {
        Err(Error::caller(format!("evaluation of `{rows}` rows on shares, expected 1 to {MOST_ROWS}")))
    }
}

/// The one result of a primitive that was given one operand.
pub(crate) fn only<V>(results: Vec<V>) -> Result<V> {
    results.into_iter().next().ok_or_else(|| Error::caller("a primitive returned no result"))
}
