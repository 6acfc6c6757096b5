//! Products with a matrix that one party knows: indicators of bins, one column for each bin of each feature.
//!
//! A row has one 1 among the bins of a feature, so its owner needs additions only: one a row and feature instead of a
//! multiplication for every bin. Engines that can take advantage of it ([`Priced::HALVES`](super::Priced::HALVES)) share the matrix once and
//! compute modulo 2^32; as provided, the indicators are shares like any others.
//!
//! **Halves.** Results of these products, and of [`Engine::multiply_halves`], are right modulo 2^32 and arbitrary above. They may be operands
//! of further such products. [`whole`] makes signed numbers below 2^30 in absolute value of them: times 2^32 modulo 2^64 they are whole
//! again, and cutting 32 bits that are zero is exact.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroize;

use super::{Engine, Input, Module, Product, Vector};
use crate::{Error, Result};

/// Rows that lie together in a block.
pub(crate) const LANES: usize = 8;

/// Bins of one owner's features that become a known matrix.
#[derive(Clone, Copy)]
pub struct KnownInput<'a> {
    /// Party that owns the features.
    pub owner: usize,
    /// Number of rows, known to all; at least one.
    pub rows: usize,
    /// Bins of each feature, known to all; 1 to 256 each.
    pub bins: &'a [usize],
    /// At the owner: the bin of each row, feature after feature.
    pub codes: Option<&'a [u8]>,
}

/// Without the bins of the rows.
impl fmt::Debug for KnownInput<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownInput").field("owner", &self.owner).field("rows", &self.rows).field("bins", &self.bins).finish_non_exhaustive()
    }
}

impl KnownInput<'_> {
    /// Columns of the matrix: all bins of all features.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.bins.iter().sum()
    }

    /// Elements of a shared matrix in blocks, the rows filled up.
    pub(crate) fn padded(&self) -> usize {
        self.rows.div_ceil(LANES) * LANES * self.columns()
    }

    /// Checks the shape, and the codes where they are.
    ///
    /// # Errors
    /// [`Error::Caller`] for no rows, features without bins or with more than 256, codes beyond the bins; [`Error::Shape`] for codes of another number.
    pub fn check(&self) -> Result<()> {
        if self.rows == 0 || self.bins.is_empty() || !self.bins.iter().all(|bins| (1..=256).contains(bins)) {
            return Err(Error::caller("a known matrix has rows, features, and 1 to 256 bins for each of them"));
        }
        let Some(codes) = self.codes else { return Ok(()) };
        super::equal_lengths("bins of rows", self.rows.saturating_mul(self.bins.len()), codes.len())?;
        let fits = |(codes, bins): (&[u8], &usize)| codes.iter().all(|code| usize::from(*code) < *bins);
        if codes.chunks_exact(self.rows).zip(self.bins).all(fits) {
            Ok(())
        } else {
            Err(Error::caller("a row has a bin that its feature does not have"))
        }
    }

    /// The indicators as a dense matrix, row by row.
    fn dense(&self) -> Option<Vec<u64>> {
        let (codes, columns) = (self.codes?, self.columns());
        let mut dense = vec![0; self.rows * columns];
        let mut from = 0;
        for (codes, bins) in codes.chunks_exact(self.rows).zip(self.bins) {
            for (row, code) in dense.chunks_exact_mut(columns).zip(codes) {
                row[from + usize::from(*code)] = 1;
            }
            from += bins;
        }
        Some(dense)
    }
}

/// A matrix `[rows, columns]` that one party knows and all of them can multiply with; a clone holds the same memory.
///
/// It does not print, compare or serialise.
#[derive(Clone)]
pub struct Known<W> {
    pub(crate) owner: usize,
    pub(crate) rows: usize,
    pub(crate) bins: Arc<[usize]>,
    pub(crate) form: Form<W>,
}

/// What a party holds of a known matrix.
#[derive(Clone)]
pub(crate) enum Form<W> {
    /// Shares like any others, row by row.
    Shares(W),
    /// The bin of each row, feature after feature: the owner.
    Codes(Arc<Wiped<u8>>),
    /// One of two parts modulo 2^32 that add up to it, in the order of `rep3/blocks.rs`, the rows filled up: the others.
    Blocks(Arc<Wiped<u32>>),
}

/// Wiped when the last holder drops it.
pub(crate) struct Wiped<T: Zeroize>(pub(crate) Vec<T>);

impl<T: Zeroize> Drop for Wiped<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<W: Vector> Known<W> {
    /// Number of rows.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns: all bins of all features.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.bins.iter().sum()
    }

    /// Bins of each feature.
    #[must_use]
    pub fn bins(&self) -> &[usize] {
        &self.bins
    }

    /// The party that knows it.
    #[must_use]
    pub const fn owner(&self) -> usize {
        self.owner
    }

    /// How many vectors of `one` elements these are.
    pub(crate) fn count(&self, vectors: &W, one: usize) -> Result<usize> {
        match vectors.len().checked_div(one) {
            Some(count) if count * one == vectors.len() => Ok(count),
            _ => Err(Error::shape("product with a known matrix", &[vectors.len()], &[self.rows, self.columns()])),
        }
    }
}

pub(super) fn share<E: Engine + ?Sized>(engine: &mut E, inputs: &[KnownInput<'_>]) -> Result<Vec<Known<E::Words>>> {
    inputs.iter().try_for_each(KnownInput::check)?;
    let mut dense: Vec<Option<Vec<u64>>> = inputs.iter().map(KnownInput::dense).collect();
    let wide = |(input, dense): (&KnownInput<'_>, &'_ Option<Vec<u64>>)| (input.owner, input.rows * input.columns(), dense.is_some());
    let sizes: Vec<_> = inputs.iter().zip(&dense).map(wide).collect();
    let words: Vec<Input<'_, [u64]>> =
        sizes.iter().zip(&dense).map(|((owner, len, _), values)| Input { owner: *owner, len: *len, values: values.as_deref() }).collect();
    let shared = engine.input(&words);
    dense.iter_mut().flatten().for_each(|values| values.zeroize());
    let known = |(input, words): (&KnownInput<'_>, E::Words)| Known {
        owner: input.owner,
        rows: input.rows,
        bins: input.bins.into(),
        form: Form::Shares(words),
    };
    Ok(inputs.iter().zip(shared?).map(known).collect())
}

/// Length of the sums of products of `terms` vectors.
pub(crate) fn terms_len(left: usize, right: usize, terms: usize) -> Result<usize> {
    super::equal_lengths("sums of products", left, right)?;
    match left.checked_div(terms) {
        Some(len) if len * terms == left => Ok(len),
        _ => Err(Error::caller(format!("`{left}` elements are not `{terms}` vectors"))),
    }
}

pub(super) fn sums<E: Engine + ?Sized>(engine: &mut E, left: &E::Words, right: &E::Words, terms: usize) -> Result<E::Words> {
    terms_len(left.len(), right.len(), terms)?;
    let (left, right) = (left.transpose(terms), right.transpose(terms));
    let found = engine.multiply_halves(&[Product::Dots { left: &left, right: &right, terms }])?;
    found.into_iter().next().ok_or_else(|| Error::caller("a primitive returned no result"))
}

fn foreign() -> Error {
    Error::caller("a known matrix of another engine")
}

pub(super) fn totals<E: Engine + ?Sized>(engine: &mut E, products: &[(&Known<E::Words>, &E::Words)]) -> Result<Vec<E::Words>> {
    let mut matrices = Vec::with_capacity(products.len());
    for (known, left) in products {
        let Form::Shares(right) = &known.form else { return Err(foreign()) };
        matrices.push(Product::Matrix { left: *left, right, shape: [known.count(left, known.rows)?, known.rows, known.columns()] });
    }
    engine.multiply(&matrices, 0)
}

pub(super) fn picks<E: Engine + ?Sized>(engine: &mut E, products: &[(&Known<E::Words>, &E::Words)]) -> Result<E::Words> {
    let mut turned = Vec::with_capacity(products.len());
    for (known, _) in products {
        let Form::Shares(matrix) = &known.form else { return Err(foreign()) };
        turned.push(matrix.transpose(known.rows));
    }
    let mut matrices = Vec::with_capacity(products.len());
    for ((known, left), right) in products.iter().zip(&turned) {
        matrices.push(Product::Matrix { left: *left, right, shape: [known.count(left, known.columns())?, known.columns(), known.rows] });
    }
    let parts = engine.multiply(&matrices, 0)?;
    let first = parts.first().ok_or_else(|| Error::caller("sums of products with known matrices: at least one"))?;
    for part in &parts {
        super::equal_lengths("sums of products with known matrices", first.len(), part.len())?;
    }
    Ok(E::Words::combination(&parts.iter().map(|part| (1, part)).collect::<Vec<_>>()))
}

/// Signed numbers below `2^30` in absolute value of halves: exactly. Two rounds.
///
/// # Errors
/// [`Engine::truncate`]'s.
pub fn whole<E: Engine>(engine: &mut E, halves: &[&E::Words]) -> Result<Vec<E::Words>> {
    let raised: Vec<E::Words> = halves.iter().map(|halves| halves.scale(1 << 32)).collect();
    engine.truncate(&raised.iter().collect::<Vec<_>>(), 32)
}
