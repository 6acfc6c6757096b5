//! Weights of evidence when one party has the features and another the labels (分方证据权重).
//!
//! **Parties and what each learns.** The owner of the features shares, for each bin, which of its rows lie in it; labels are shares. All
//! parties learn the numbers of bins, whether a bin is too small and, with [`Small::Join`], which. Weights and information values are
//! shares: for selection the information values are opened; for training the owner of the features is told its weights
//! ([`crate::reveal`]), from which it can compute how many positives each of its bins has, so the contract names it; nobody learns a
//! label.
//!
//! **Adversary.** The engine's; against a malicious one, a feature owner may still share wrong bins, which spoils its own features.
//!
//! **How.** One matrix product of indicators and labels for all features ([`held_codes`]), then [`divergence`].
//!
//! **Rounds and bytes** on [`rep3`](yu_mpc::rep3): `8 n sum(B)` bytes to share the bins and 72 for each bin of the product; then nothing that
//! grows with `n`. Two features of 6 and 5 bins and 400 rows with a secret selection, all weights opened: 146 753 bytes and 89 rounds for
//! the whole job, by dry run, without joins; each further look at small bins takes about 12 rounds.

use std::ops::Range;

use yu_mpc::engine::{Engine, Vector};

use super::Rule;
#[cfg(doc)]
use super::Small;
use crate::Result;
use crate::evaluate::shares::{Rows, SharedCounts, SharedDivergence, divergence, held_codes};
use crate::feature::Binning;

/// A feature's weights on shares.
pub struct SharedWoe<E: Engine> {
    /// The bins that are left, as ranges of those that were given.
    pub parts: Vec<Range<usize>>,
    /// Weights of the bins that are left, and the information value.
    pub weights: SharedDivergence<E>,
}

/// Weights of all features of one owner. `columns` are passed by the owner only, one for each binning; the binnings are the owner's own,
/// all others need nothing but their numbers of bins.
///
/// # Errors
/// [`crate::Error::Unsafe`] if the rule cannot be kept for some feature; as [`Binning::codes`] and [`held_codes`].
pub fn weigh<E: Engine>(
    engine: &mut E,
    bins: &[usize],
    owner: usize,
    columns: Option<(&[Binning], &[&[f64]])>,
    rows: &Rows<'_, E>,
    rule: Rule,
) -> Result<Vec<SharedWoe<E>>> {
    let codes = columns.map(|(binnings, columns)| {
        let pairs = binnings.iter().zip(columns);
        pairs.map(|(binning, column)| binning.codes(column)).collect::<Result<Vec<_>>>()
    });
    let counts = held_codes(engine, bins, owner, codes.transpose()?.as_deref(), rows)?;
    weights_of(engine, counts, rule)
}

/// Weights from counts on shares.
///
/// # Errors
/// As [`weigh`].
pub fn weights_of<E: Engine>(engine: &mut E, counts: Vec<SharedCounts<E>>, rule: Rule) -> Result<Vec<SharedWoe<E>>> {
    let mut joined: Vec<(Vec<Range<usize>>, SharedCounts<E>)> =
        counts.into_iter().map(|counts| ((0..counts.buckets()).map(|at| at..at + 1).collect(), counts)).collect();
    let mut is_done = joined.is_empty();
    while !is_done {
        // one look at the bins of all features
        let small = SharedCounts::beside(&joined.iter().map(|(_, counts)| counts).collect::<Vec<_>>())?.small(engine, rule.least)?;
        let (mut from, mut changes) = (0, 0);
        for (parts, counts) in &mut joined {
            let to = from + counts.buckets();
            let Some(more) = rule.parts(small.get(from..to).unwrap_or_default())? else {
                from = to;
                continue;
            };
            (from, changes) = (to, changes + 1);
            *counts = counts.joined(&more)?;
            let range = |new: &Range<usize>| Some(parts.get(new.start)?.start..parts.get(new.end - 1)?.end);
            *parts = more.iter().filter_map(range).collect();
        }
        is_done = changes == 0;
    }
    let pairs: Vec<[&E::Words; 2]> = joined.iter().map(|(_, counts)| [counts.positives(), counts.negatives()]).collect();
    let rows = joined.iter().map(|(_, counts)| counts.rows()).max().unwrap_or(1);
    let weights = divergence(engine, &pairs, rows, rule.smoothing)?;
    Ok(joined.into_iter().zip(weights).map(|((parts, _), weights)| SharedWoe { parts, weights }).collect())
}

impl<E: Engine> SharedWoe<E> {
    /// Number of bins that are left.
    #[must_use]
    pub fn bins(&self) -> usize {
        self.weights.logarithms.words().len()
    }
}
