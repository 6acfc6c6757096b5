//! Three ways to count both classes along the score.

use ndarray::{ArrayView1, Ix1};
use yu_mpc::engine::{Engine, Input, Module, Product, Vector, wipe};
use yu_mpc::ring::{Element, Int};
use yu_mpc::secret::Secret;
use yu_mpc::table::{self, Key};

use super::{SCORE, Score, SharedCounts, check_rows, only};
use crate::evaluate::{Grid, check_numbers};
use crate::{Error, Result};

/// Labels, each 0 or 1, and the secret selection of rows that count; without one all of them do.
pub struct Rows<'a, E: Engine> {
    labels: &'a Secret<E, Int, Ix1>,
    selected: Option<&'a Secret<E, Int, Ix1>>,
}

impl<'a, E: Engine> Rows<'a, E> {
    /// All rows.
    pub const fn all(labels: &'a Secret<E, Int, Ix1>) -> Self {
        Self { labels, selected: None }
    }

    /// The rows where the selection is 1; elsewhere it is 0. What the labels of other rows are does not matter.
    ///
    /// # Errors
    /// [`Error::Caller`] unless there is one for each label.
    pub fn only(labels: &'a Secret<E, Int, Ix1>, selected: &'a Secret<E, Int, Ix1>) -> Result<Self> {
        if labels.len() == selected.len() {
            Ok(Self { labels, selected: Some(selected) })
        } else {
            Err(Error::caller(format!("selection of `{}` rows for `{}` labels", selected.len(), labels.len())))
        }
    }

    fn len(&self, others: usize) -> Result<usize> {
        let rows = self.labels.len();
        check_rows(rows)?;
        if others == rows { Ok(rows) } else { Err(Error::caller(format!("`{others}` scores for `{rows}` labels"))) }
    }

    fn valid(&self) -> Option<&'a E::Words> {
        self.selected.map(Secret::words)
    }

    /// Flags of positives and of negatives that count, and a further column where they do. One round with a selection.
    fn split(&self, engine: &mut E, more: &E::Words) -> Result<[E::Words; 3]> {
        let labels = self.labels.words();
        let Some(selected) = self.valid() else {
            return Ok([labels.clone(), engine.constant(&vec![1; labels.len()]).sub(labels), more.clone()]);
        };
        let chosen = engine.multiply(&[Product::Each(labels, selected), Product::Each(more, selected)], 0)?;
        match &chosen[..] {
            [positives, more] => Ok([positives.clone(), selected.sub(positives), more.clone()]),
            _ => Err(Error::caller("a primitive returned as many results as operands")),
        }
    }
}

/// Counts when one party knows the scores: it shares, for each bucket of a public grid, which rows lie in it.
///
/// Nobody learns anything but the sizes. A party that shares other zeros and ones than its scores say spoils its own model's figures; one
/// that shares other numbers can spoil them too (semi-honest input). Two rounds for the input and the product, one more with a selection;
/// `8 n (B + 1)` bytes for the input and 72 for each bucket (48 a row more with a selection).
///
/// # Errors
/// [`Error::Caller`] for lengths that differ or too many rows, [`Error::Data`] for scores that are no numbers, both at their owner;
/// scores are below `2^46` in absolute value; the engine's.
pub fn held<E: Engine>(
    engine: &mut E,
    grid: &Grid,
    owner: usize,
    scores: Option<ArrayView1<'_, f64>>,
    rows: &Rows<'_, E>,
) -> Result<SharedCounts<E>> {
    let n = rows.len(scores.map_or(rows.labels.len(), |scores| scores.len()))?;
    let mut raw = scores.map(|scores| indicators(grid, &scores.to_vec())).transpose()?;
    let counted = count(engine, owner, raw.as_deref(), grid.buckets(), n, rows);
    wipe(raw.as_deref_mut().unwrap_or_default());
    counted
}

/// Counts of several features of one owner at once: `codes[feature][row]` is below `buckets[feature]`. One product for all of them.
///
/// As [`held`]; `8 n sum(B)` bytes for the input.
///
/// # Errors
/// [`Error::Caller`] for lengths that differ, codes beyond their buckets, too many rows or no features; the engine's.
pub fn held_codes<E: Engine>(
    engine: &mut E,
    buckets: &[usize],
    owner: usize,
    codes: Option<&[Vec<usize>]>,
    rows: &Rows<'_, E>,
) -> Result<Vec<SharedCounts<E>>> {
    let n = rows.len(rows.labels.len())?;
    let all = buckets.iter().try_fold(0usize, |sum, more| sum.checked_add(*more)).filter(|all| (1..=Grid::MOST).contains(all));
    let all = all.ok_or_else(|| Error::caller("no buckets, or more than 65536 of all features"))?;
    let mut raw = codes.map(|codes| code_indicators(buckets, codes, n)).transpose()?;
    let counted = count(engine, owner, raw.as_deref(), all, n, rows);
    wipe(raw.as_deref_mut().unwrap_or_default());
    let counted = counted?;
    let mut from = 0;
    let part = |buckets: &usize| {
        let range = from..from + buckets;
        from = range.end;
        SharedCounts::new(counted.positives.slice(range.clone()), counted.negatives.slice(range), n)
    };
    buckets.iter().map(part).collect()
}

/// Shares rows of indicators and one of scores, and counts.
fn count<E: Engine>(
    engine: &mut E,
    owner: usize,
    raw: Option<&[u64]>,
    buckets: usize,
    n: usize,
    rows: &Rows<'_, E>,
) -> Result<SharedCounts<E>> {
    let shared = only(engine.input(&[Input { owner, len: n * (buckets + 1), values: raw }])?)?;
    let [positives, negatives, sums] = rows.split(engine, &shared.slice(n * buckets..n * (buckets + 1)))?;
    let right = E::Words::concat(&[&positives, &negatives, &sums]).transpose(3);
    let left = shared.slice(0..n * buckets);
    let counts = only(engine.multiply(&[Product::Matrix { left: &left, right: &right, shape: [buckets, n, 3] }], 0)?)?;
    let column = |at: usize| counts.gather(&(0..buckets).map(|bucket| 3 * bucket + at).collect::<Vec<_>>());
    let mut result = SharedCounts::new(column(0), column(1), n)?;
    result.scores = Some(column(2));
    Ok(result)
}

/// Rows of zeros and ones for the buckets of all features, then zeros for scores.
fn code_indicators(buckets: &[usize], codes: &[Vec<usize>], n: usize) -> Result<Vec<u64>> {
    let fits = |(codes, buckets): (&Vec<usize>, &usize)| codes.len() == n && codes.iter().all(|code| code < buckets);
    if codes.len() != buckets.len() || !codes.iter().zip(buckets).all(fits) {
        return Err(Error::caller(format!("codes of `{}` features for `{}`, or of other rows or buckets", codes.len(), buckets.len())));
    }
    let mut raw = vec![0; n * (buckets.iter().sum::<usize>() + 1)];
    let mut from = 0;
    for (codes, buckets) in codes.iter().zip(buckets) {
        codes.iter().enumerate().for_each(|(row, code)| raw[(from + code) * n + row] = 1);
        from += buckets;
    }
    Ok(raw)
}

/// A row of zeros and ones for each bucket, then the scores.
fn indicators(grid: &Grid, scores: &[f64]) -> Result<Vec<u64>> {
    check_numbers("scores", scores)?;
    let n = scores.len();
    let mut raw = vec![0; n * grid.buckets()];
    for (row, score) in scores.iter().enumerate() {
        raw[grid.bucket(*score) * n + row] = 1;
    }
    for score in scores {
        raw.push(Score::encode("scores", *score)?);
    }
    Ok(raw)
}

/// Counts when nobody knows the scores: `2^bits` buckets of equal width over probabilities, which are rounded to [`SCORE`] bits behind
/// the point; what is below 0 counts as 0, what is 1 or more as just below 1. The grid is [`Grid::unit`].
///
/// Nobody learns anything but the sizes.
///
/// # Errors
/// [`Error::Caller`] unless `1 <= bits <= 15`, and for lengths that differ; the engine's.
pub fn shared<E: Engine>(engine: &mut E, bits: u32, scores: &Secret<E, Score, Ix1>, rows: &Rows<'_, E>) -> Result<SharedCounts<E>> {
    let n = rows.len(scores.len())?;
    let grid = Grid::unit(bits)?;
    let most = Secret::constant(engine, ndarray::Array1::from_elem(n, 1.0 - Score::ULP).view())?;
    let cut = scores.relu(engine)?.min(engine, &most)?;
    let planes = cut.to_bits(engine, SCORE)?;
    let top = planes.get((SCORE - bits) as usize..).unwrap_or_default();
    let codes = Secret::<E, Int, Ix1>::from_bits_of(engine, top)?;
    let by = table::by_category(engine, codes.words(), grid.buckets(), &[rows.labels.words(), cut.words()], rows.valid())?;
    let [positives, sums] = <[E::Words; 2]>::try_from(by.sums).map_err(|_| Error::caller("a sum for each column"))?;
    let negatives = by.counts.sub(&positives);
    let mut result = SharedCounts::new(positives, negatives, n)?;
    result.scores = Some(sums);
    Ok(result)
}

/// Exact counts when nobody knows the scores: a bucket for each distinct score and empty ones behind, as many as rows, by a sort on
/// shares. Equal scores are one bucket, so ties count as half.
///
/// Nobody learns anything but the sizes: not even how many scores are distinct.
///
/// # Errors
/// [`Error::Caller`] for lengths that differ or too many rows; the engine's.
pub fn exact<E: Engine>(engine: &mut E, scores: &Secret<E, Score, Ix1>, rows: &Rows<'_, E>) -> Result<SharedCounts<E>> {
    let n = rows.len(scores.len())?;
    let (keys, sums) = ([Key::of(scores)], [rows.labels.words()]);
    let grouping = table::Grouping::by(&keys).sums(&sums);
    let grouping = if let Some(valid) = rows.valid() { grouping.only(valid) } else { grouping };
    let groups = table::group_by(engine, &grouping)?;
    let positives = only(groups.sums)?;
    let negatives = groups.counts.sub(&positives);
    SharedCounts::new(positives, negatives, n)
}
