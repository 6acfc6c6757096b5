//! Sums, cross products and group sums of secretly selected rows, exactly: what means, deviations and correlations are made
//! of when nobody may know which rows count (不泄露匹配行的统计).
//!
//! **What it computes.** For `n` rows with a secret selection bit `m_i`, integer columns `v_ij` and 0/1 group columns `g_ik`:
//! `sum m`, `sum g_k`, `sum v_j`, `sum v_j v_l`, `sum g_k v_j`, all over the selected rows, without rounding. Rows that are not selected
//! hold zeros (a join leaves them so).
//!
//! **How.** Values have [`VALUE_BITS`] bits. Each is cut into two limbs, `v = 2^20 h + l` with `|h|, |l| <= 2^20`: the cut may round either
//! way, the rest `l` makes it exact. One matrix product `A^T A` over `A = [m | g | h | l]` gives all sums; with at most [`MAX_ROWS`] rows no
//! entry reaches 2^62. The recipient puts the limbs together in 128-bit integers, so that variances do not lose digits by
//! cancellation.
//!
//! **What leaks**: `n` and the numbers of columns and groups.
//!
//! **Rounds and bytes** beyond the engine's truncation of `n c` values: one product of `(1 + g + 2c)^2` elements.

use ndarray::{Ix1, Ix2};

use crate::engine::{Engine, Module, Vector};
use crate::ring::Int;
use crate::secret::{Secret, only};
use crate::{Error, Result};

/// Bits of a column's integers: `|v| < 2^40`.
pub const VALUE_BITS: u32 = 40;
/// Bits of the lower limb.
const LIMB: u32 = 20;
/// Sums over this many rows stay below 2^62: each product of limbs is at most 2^40.
pub const MAX_ROWS: usize = 1 << 21;

/// Numbers of columns and groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Numeric columns.
    pub columns: usize,
    /// Groups; 0 without grouping.
    pub groups: usize,
}

impl Sizes {
    /// Columns of `A`.
    const fn width(self) -> usize {
        1 + self.groups + 2 * self.columns
    }

    const fn group(self, at: usize) -> usize {
        1 + at
    }

    const fn high(self, at: usize) -> usize {
        1 + self.groups + at
    }

    const fn low(self, at: usize) -> usize {
        1 + self.groups + self.columns + at
    }

    /// The entries of `A^T A` that leave, in the order of the result; the others are dropped.
    fn entries(self) -> Vec<[usize; 2]> {
        let mut entries = vec![[0, 0]];
        entries.extend((0..self.groups).map(|k| [0, self.group(k)]));
        let limbs = [Self::high, Self::low];
        for limb in limbs {
            entries.extend((0..self.columns).map(|j| [0, limb(self, j)]));
        }
        for limb in limbs {
            for k in 0..self.groups {
                entries.extend((0..self.columns).map(|j| [self.group(k), limb(self, j)]));
            }
        }
        for i in 0..self.columns {
            entries.extend((i..self.columns).map(|j| [self.high(i), self.high(j)]));
            entries.extend((0..self.columns).map(|j| [self.high(i), self.low(j)]));
            entries.extend((i..self.columns).map(|j| [self.low(i), self.low(j)]));
        }
        entries
    }

    /// Elements of the result.
    #[must_use]
    pub fn result_len(self) -> usize {
        let (c, g) = (self.columns, self.groups);
        1 + g + 2 * c + 2 * g * c + c * (c + 1) + c * c
    }
}

/// Shares of the sums, to be sealed and read by [`Sums::of`].
///
/// `selected` is 0 or 1, `values` is `[n, columns]`, `groups` is `[n, groups]`; both are zero where `selected` is.
///
/// # Errors
/// [`Error::Shape`] if the rows differ; [`Error::Caller`] for too many rows; the engine's.
pub fn moments<E: Engine>(
    engine: &mut E,
    selected: &Secret<E, Int, Ix1>,
    values: &Secret<E, Int, Ix2>,
    groups: Option<&Secret<E, Int, Ix2>>,
) -> Result<Secret<E, Int, Ix1>> {
    let (rows, columns) = (selected.len(), values.shape()[1]);
    if values.shape()[0] != rows || groups.is_some_and(|groups| groups.shape()[0] != rows) {
        return Err(Error::shape("moments", &[rows], values.shape()));
    }
    if rows > MAX_ROWS {
        return Err(Error::caller(format!("`{rows}` rows, sums are exact up to `{MAX_ROWS}`")));
    }
    let sizes = Sizes { columns, groups: groups.map_or(0, |groups| groups.shape()[1]) };
    let high = only(engine.truncate(&[values.words()], LIMB)?)?;
    let low = values.words().sub(&high.scale(1 << LIMB));
    // the parts one below the other as rows of A^T
    let mut parts = vec![selected.words().clone()];
    parts.extend(groups.map(|groups| groups.words().transpose(rows)));
    parts.extend([high.transpose(rows), low.transpose(rows)]);
    let turned = Secret::<E, Int, Ix2>::from_words(Vector::concat(&parts.iter().collect::<Vec<_>>()), Ix2(sizes.width(), rows))?;
    drop(parts);
    let products = turned.matmul(engine, &turned.t())?;
    let places: Vec<usize> = sizes.entries().into_iter().map(|[i, j]| i * sizes.width() + j).collect();
    Secret::from_words(products.words().gather(&places), Ix1(places.len()))
}

/// The opened sums. Values are integers; what a unit means is the caller's business.
pub struct Sums {
    sizes: Sizes,
    /// Selected rows.
    pub count: u64,
    /// Selected rows of each group.
    pub group_counts: Vec<u64>,
    /// Sum of each column.
    pub sums: Vec<i128>,
    group_sums: Vec<i128>,
    products: Vec<i128>,
}

impl Sums {
    /// Reads a result.
    ///
    /// # Errors
    /// [`Error::Shape`] for another length; [`Error::Caller`] for counts that no selection has.
    pub fn of(sizes: Sizes, result: &[u64]) -> Result<Self> {
        if result.len() != sizes.result_len() {
            return Err(Error::shape("sums", &[result.len()], &[sizes.result_len()]));
        }
        let entries = sizes.entries();
        let width = sizes.width();
        let mut matrix = vec![0i128; width * width];
        for ([i, j], raw) in entries.iter().zip(result) {
            let value = i128::from(raw.cast_signed());
            matrix[i * width + j] = value;
            matrix[j * width + i] = value;
        }
        let at = |i: usize, j: usize| matrix[i * width + j];
        // what no rows add up to comes from a party that shared other numbers than it should have
        let rows = at(0, 0);
        let is_bounded = |[i, j]: &[usize; 2]| {
            let limit = match (*i >= sizes.high(0), *j >= sizes.high(0)) {
                (true, true) => rows << (2 * LIMB),
                (false, false) => rows,
                _ => rows << LIMB,
            };
            at(*i, *j).abs() <= limit
        };
        if !(0..=MAX_ROWS as i128).contains(&rows) || !entries.iter().all(is_bounded) {
            return Err(Error::caller("sums that no rows have: a party shared values outside their range"));
        }
        let shift = 1i128 << LIMB;
        let whole = |i: usize, j: usize| shift * at(i, sizes.high(j)) + at(i, sizes.low(j));
        let count = |value: i128| u64::try_from(value).map_err(|_| Error::caller("a negative number of rows"));
        let columns = 0..sizes.columns;
        Ok(Self {
            sizes,
            count: count(at(0, 0))?,
            group_counts: (0..sizes.groups).map(|k| count(at(0, sizes.group(k)))).collect::<Result<_>>()?,
            sums: columns.clone().map(|j| whole(0, j)).collect(),
            group_sums: (0..sizes.groups)
                .flat_map(|k| (0..sizes.columns).map(move |j| (k, j)))
                .map(|(k, j)| whole(sizes.group(k), j))
                .collect(),
            products: columns
                .clone()
                .flat_map(|i| columns.clone().map(move |j| (i, j)))
                .map(|(i, j)| shift * whole(sizes.high(i), j) + whole(sizes.low(i), j))
                .collect(),
        })
    }

    /// Sum of a column over a group.
    ///
    /// # Panics
    /// For a group or column that does not exist.
    #[must_use]
    pub fn group_sum(&self, group: usize, column: usize) -> i128 {
        self.group_sums[group * self.sizes.columns + column]
    }

    /// Sum of the products of two columns.
    ///
    /// # Panics
    /// For a column that does not exist.
    #[must_use]
    pub fn product(&self, left: usize, right: usize) -> i128 {
        self.products[left * self.sizes.columns + right]
    }

    /// `n` times the sum of products of deviations: `n sum xy - sum x sum y`, an exact integer.
    ///
    /// # Panics
    /// For a column that does not exist.
    #[must_use]
    pub fn centred(&self, left: usize, right: usize) -> i128 {
        i128::from(self.count) * self.product(left, right) - self.sums[left] * self.sums[right]
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{Array1, Array2};
    use proptest::prelude::*;

    use super::*;
    use crate::clear::Clear;

    proptest! {
        #[test]
        fn sums_are_exact(
            rows in proptest::collection::vec((any::<bool>(), any::<[i64; 3]>(), 0usize..2), 0..40),
        ) {
            let n = rows.len();
            let values = |row: usize, j: usize| if rows[row].0 { rows[row].1[j] >> (63 - VALUE_BITS) } else { 0 };
            let group = |row: usize, k: usize| i64::from(rows[row].0 && rows[row].2 == k);
            let engine = &mut Clear;
            let selected = Array1::from_shape_fn(n, |row| i64::from(rows[row].0));
            let selected = Secret::constant(engine, selected.view()).unwrap();
            let matrix = Array2::from_shape_fn((n, 3), |(row, j)| values(row, j));
            let groups = Array2::from_shape_fn((n, 2), |(row, k)| group(row, k));
            let groups = Secret::constant(engine, groups.view()).unwrap();
            let shared = Secret::constant(engine, matrix.view()).unwrap();
            let result = moments(engine, &selected, &shared, Some(&groups)).unwrap();
            let raw: Vec<u64> = result.open(engine).unwrap().iter().map(|value| value.cast_unsigned()).collect();
            let sums = Sums::of(Sizes { columns: 3, groups: 2 }, &raw).unwrap();
            let sum = |term: &dyn Fn(usize) -> i128| (0..n).map(term).sum::<i128>();
            let value = |row: usize, j: usize| i128::from(values(row, j));
            prop_assert_eq!(i128::from(sums.count), sum(&|row| i128::from(rows[row].0)));
            for j in 0..3 {
                prop_assert_eq!(sums.sums[j], sum(&|row| value(row, j)));
                for l in 0..3 {
                    prop_assert_eq!(sums.product(j, l), sum(&|row| value(row, j) * value(row, l)));
                }
                for k in 0..2 {
                    prop_assert_eq!(sums.group_sum(k, j), sum(&|row| value(row, j) * i128::from(group(row, k))));
                }
            }
        }
    }

    #[test]
    fn lengths_and_signs_are_checked() {
        let sizes = Sizes { columns: 2, groups: 1 };
        assert_eq!(sizes.entries().len(), sizes.result_len());
        assert!(Sums::of(sizes, &[0; 3]).is_err());
        let mut raw = vec![0; sizes.result_len()];
        raw[0] = u64::MAX;
        assert!(Sums::of(sizes, &raw).is_err());
    }
}
