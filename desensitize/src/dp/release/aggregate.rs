//! Count, sum, mean and histogram of a column, batch by batch: tables larger than memory are fine.
//!
//! Doubles lie on a grid of a power of two, stated by the caller; sums are exact integers on it, and noise is added there. Missing
//! cells and NaN count 0 in a sum and nothing in a count; infinities are clamped. Bounds must be chosen without looking at the data.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use rand_chacha::rand_core::CryptoRng;

use super::super::adjacency::{Adjacency, AdjacencyKind, Neighbours};
use super::super::cost::Allowance;
use super::super::noise::Bits;
use super::super::refuse::parameter;
use super::kernel::{Total, doubles, integers};
use super::{Noise, Noisy, Spend};
use crate::error::{Error, Result, Text};
use crate::table::Table;

/// Units that a cell may have: below, 4096 cells fit 62 bits.
const MOST_UNITS: f64 = (1u64 << 49) as f64;

/// Where cells of a column lie: bounds, and the grid for doubles.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Clamp {
    low: i64,
    high: i64,
    /// Units per 1: a power of two.
    scale: f64,
}

impl Clamp {
    /// Integers between two bounds, both included.
    ///
    /// # Errors
    /// `dp.parameter` unless low < high, both within 2^49.
    pub fn integers(low: i64, high: i64) -> Result<Self> {
        Self::on_grid(low as f64, high as f64, 0)
    }

    /// Numbers between two bounds on the grid of multiples of 2^-`bits`. Bounds are rounded to the grid.
    ///
    /// # Errors
    /// `dp.parameter` unless low < high, both within 2^49 units of the grid.
    pub fn on_grid(low: f64, high: f64, bits: i32) -> Result<Self> {
        let scale = 2f64.powi(bits.clamp(-900, 900));
        let (low, high) = ((low * scale).round(), (high * scale).round());
        if low < high && low.abs() <= MOST_UNITS && high.abs() <= MOST_UNITS {
            return Ok(Self { low: low as i64, high: high as i64, scale });
        }
        Err(parameter(
            "the bounds of clamping are empty or too wide for the grid",
            "截断范围为空，或相对网格过宽",
            "give low < high, within 2^49 units of the grid",
            "请给出下限小于上限、且不超过 2^49 个网格单位的范围",
        ))
    }

    fn centre(self) -> i64 {
        i64::midpoint(self.low, self.high)
    }
}

/// A column of a table, to be summed.
fn total(table: &Table, column: &str, clamp: Clamp, centre: i64) -> Result<Total> {
    let position = table.position(column)?;
    let mut all = Total::default();
    for batch in table.batches() {
        let part = one(batch.column(position), clamp, centre).ok_or_else(|| Error::ColumnType {
            file: table.source().to_owned(),
            column: column.to_owned(),
            found: batch.column(position).data_type().to_string(),
        })?;
        all.sum += part.sum;
        all.count += part.count;
    }
    Ok(all)
}

/// One array; `None` if it holds no numbers.
fn one(array: &ArrayRef, clamp: Clamp, centre: i64) -> Option<Total> {
    let to_doubles = |array: &ArrayRef| {
        let (low, high) = (clamp.low as f64 / clamp.scale, clamp.high as f64 / clamp.scale);
        Some(doubles(array.as_primitive_opt()?, low, high, clamp.scale, centre))
    };
    match array.data_type() {
        DataType::Int64 if clamp.scale == 1.0 => Some(integers(array.as_primitive_opt()?, clamp.low, clamp.high, centre)),
        DataType::Float64 => to_doubles(array),
        kind if kind.is_integer() && *kind != DataType::UInt64 && clamp.scale == 1.0 => {
            let wide = cast(array, &DataType::Int64).ok()?;
            Some(integers(wide.as_primitive_opt()?, clamp.low, clamp.high, centre))
        }
        kind if kind.is_integer() || kind.is_floating() => to_doubles(&cast(array, &DataType::Float64).ok()?),
        _ => None,
    }
}

/// The number of cells that are there.
///
/// # Errors
/// `MissingColumn`; `dp.allowance` if the allowance does not suffice.
pub fn count<A: Adjacency, R: CryptoRng + ?Sized>(
    table: &Table,
    column: &str,
    neighbours: Neighbours<A>,
    spend: Spend,
    allowance: &mut Allowance<A>,
    rng: &mut R,
) -> Result<Noisy> {
    let position = table.position(column)?;
    // doubles are looked at, for NaN; of everything else the number of nulls is known
    let any = Clamp { low: 0, high: 1, scale: 1.0 };
    let there: u64 = table
        .batches()
        .map(|batch| batch.column(position))
        .map(|array| {
            let total = if array.data_type().is_floating() { one(array, any, 0) } else { None };
            total.map_or((array.len() - array.null_count()) as u64, |total| total.count)
        })
        .sum();
    let sensitivity = neighbours.count_sensitivity();
    release(i128::from(there), sensitivity, 1.0, spend, allowance, &mut Bits::new(rng))
}

/// The sum of the clamped cells.
///
/// # Errors
/// `MissingColumn`, `ColumnType`; `dp.parameter` if noise or sensitivity are out of range; `dp.allowance`.
pub fn sum<A: Adjacency, R: CryptoRng + ?Sized>(
    table: &Table,
    column: &str,
    clamp: Clamp,
    neighbours: Neighbours<A>,
    spend: Spend,
    allowance: &mut Allowance<A>,
    rng: &mut R,
) -> Result<Noisy> {
    let all = total(table, column, clamp, 0)?;
    let sensitivity = neighbours.sum_sensitivity(clamp.low, clamp.high)?;
    release(all.sum, sensitivity, clamp.scale, spend, allowance, &mut Bits::new(rng))
}

/// The mean of the clamped cells that are there: half of the spending goes to the sum of distances from the middle of the bounds
/// (sensitivity: half the width), half to the count. With a noisy count below 1 the middle itself is the answer.
///
/// # Errors
/// As [`sum`].
pub fn mean<A: Adjacency, R: CryptoRng + ?Sized>(
    table: &Table,
    column: &str,
    clamp: Clamp,
    neighbours: Neighbours<A>,
    spend: Spend,
    allowance: &mut Allowance<A>,
    rng: &mut R,
) -> Result<Noisy> {
    let centre = clamp.centre();
    let all = total(table, column, clamp, centre)?;
    let half = spend.share(2)?;
    let sensitivity = neighbours.sum_sensitivity(clamp.low - centre, clamp.high - centre)?;
    let (for_sum, for_count) = (noise(sensitivity, half)?, noise(neighbours.count_sensitivity(), half)?);
    allowance.spend(spend.loss())?;
    let mut bits = Bits::new(rng);
    let sum = noisy(all.sum, clamp.scale, &for_sum, &mut bits);
    let count = noisy(i128::from(all.count), 1.0, &for_count, &mut bits);
    let middle = centre as f64 / clamp.scale;
    let (low, high) = (clamp.low as f64 / clamp.scale, clamp.high as f64 / clamp.scale);
    if count.value < 1.0 {
        return Ok(Noisy { value: middle, standard_deviation: (high - low) / 2.0 });
    }
    let shift = sum.value / count.value;
    let spread = (sum.standard_deviation.powi(2) + (shift * count.standard_deviation).powi(2)).sqrt() / count.value;
    Ok(Noisy { value: (middle + shift).clamp(low, high), standard_deviation: spread })
}

/// How often each of the declared categories occurs. The categories are public; what is not among them is counted in none.
///
/// # Errors
/// `MissingColumn`, `ColumnType`, `Shape` for a category declared twice; `dp.allowance`.
pub fn histogram<A: Adjacency, S: AsRef<str>, R: CryptoRng + ?Sized>(
    table: &Table,
    column: &str,
    categories: &[S],
    neighbours: Neighbours<A>,
    spend: Spend,
    allowance: &mut Allowance<A>,
    rng: &mut R,
) -> Result<Vec<Noisy>> {
    let mut counts = vec![0i64; categories.len()];
    let places: std::collections::HashMap<&str, usize> = categories.iter().enumerate().map(|(at, name)| (name.as_ref(), at)).collect();
    if places.len() != categories.len() {
        let (expected, found) = (categories.len() as u64, places.len() as u64);
        return Err(Error::Shape { what: "number of different categories", expected, found });
    }
    crate::column::each_text(table, column, |cell, _| {
        if let Some(count) = places.get(cell.trim()).and_then(|at| counts.get_mut(*at)) {
            *count += 1;
        }
        Ok(())
    })?;
    let noise = spend.noise(neighbours.histogram_l1(), neighbours.histogram_l2_squared() as f64)?;
    allowance.spend(spend.loss())?;
    let (mut bits, standard_deviation) = (Bits::new(rng), noise.standard_deviation());
    Ok(counts.iter().map(|count| Noisy { value: count.saturating_add(noise.draw(&mut bits)) as f64, standard_deviation }).collect())
}

fn release<A: Adjacency, R: CryptoRng + ?Sized>(
    exact: i128,
    sensitivity: u64,
    scale: f64,
    spend: Spend,
    allowance: &mut Allowance<A>,
    bits: &mut Bits<'_, R>,
) -> Result<Noisy> {
    let noise = noise(sensitivity, spend)?;
    allowance.spend(spend.loss())?;
    Ok(noisy(exact, scale, &noise, bits))
}

/// For one number.
fn noise(sensitivity: u64, spend: Spend) -> Result<Noise> {
    spend.noise(sensitivity, (sensitivity as f64).powi(2))
}

/// The only rounding is that of the noisy result.
fn noisy<R: CryptoRng + ?Sized>(exact: i128, scale: f64, noise: &Noise, bits: &mut Bits<'_, R>) -> Noisy {
    let value = exact.saturating_add(i128::from(noise.draw(bits))) as f64 / scale;
    Noisy { value, standard_deviation: noise.standard_deviation() / scale }
}

/// What a report says about an adjacency.
#[must_use]
pub fn protects(kind: AdjacencyKind) -> Text {
    match kind {
        AdjacencyKind::AddRemove => Text::new("one record more or less", "增加或删除一条记录"),
        AdjacencyKind::Substitute => Text::new("one record with other values", "一条记录取其他值"),
        AdjacencyKind::Subject => Text::new("all records of one person", "一个人的全部记录"),
    }
}
