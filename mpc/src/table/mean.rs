//! Means: secret sums divided by secret counts.
//!
//! **Reciprocal.** A count `c` below `2^L` is brought to `d = c v` with `2^(L-1) <= d < 2^L`; `v` is the power of two that the highest bit of `c`
//! says. With 30 fraction bits `z = d / 2^L` is in `[1/2, 1)`, and `y = 1/z` is found by Newton's iteration from `2.9142 - 2z`: relative errors
//! 0.0858, 2^-7, 2^-14, 2^-28, then roundings: below 2^-27.
//!
//! **Quotient** by long division, about 27 bits at a time, so that no product leaves the ring. With the remainder `R` (the sum at first)
//! cut by `k` bits to at most 30, `q = (R / 2^k) y v 2^(k-L)`, and `R - q c` goes on:
//!
//! | step | `k` | remainder below | error of `q c` below |
//! |---:|---:|---|---|
//! | 1 | 32 | 2^62 | 2^32 (cut) + 2^35 (`y`) + 2^32 (rounding) < 2^35.4 |
//! | 2 | 6 | 2^35.4 | 2^6 + 2^8.4 + 2^6 + c < 2^9 + c |
//! | 3 | 0 | 2^9 + c | c (rounding of `q`) + 1 |
//!
//! So the mean is at most 2 units in the last place away from the exact quotient, for all `|sum| < 2^62`. A mean of nothing is 0.

use crate::engine::{BitVector, Engine, Module, Product, Vector};
use crate::ops::circuit;
use crate::secret::only;
use crate::{Error, Result};

use super::key::{Key, planes};

/// Fraction bits of `z` and `y`.
const FRACTION: u32 = 30;

/// Sums divided by counts, both secret: errors up to 2 units in the last place for `|sum| < 2^62`, 0 where the count is 0. Counts are at
/// most `most`, which is public and below 2^30.
///
/// In `rep3` about 45 rounds; for counts below `2^17` 1 KB a row in total for the first column and 330 bytes for each further one.
///
/// # Errors
/// [`Error::Caller`] if `most` is 0 or too large, [`Error::Shape`] for columns of different lengths; the engine's.
pub fn means<E: Engine>(engine: &mut E, sums: &[&E::Words], counts: &E::Words, most: usize) -> Result<Vec<E::Words>> {
    if !(1..1 << FRACTION).contains(&most) {
        return Err(Error::caller(format!("means: counts up to `{most}`, expected 1 to 2^30 - 1")));
    }
    sums.iter().try_for_each(|sums| crate::engine::equal_lengths("means", counts.len(), sums.len()))?;
    let Some(width) = (!sums.is_empty() && !counts.is_empty()).then(|| most.ilog2() + 1) else {
        return Ok(sums.iter().map(|sums| (*sums).clone()).collect());
    };
    let reciprocal = reciprocal(engine, counts, width)?;
    // the columns one below the other
    let repeat: Vec<usize> = sums.iter().flat_map(|_| 0..counts.len()).collect();
    let wide = |words: &E::Words| words.gather(&repeat);
    let (counts, y, v, is_some) = (wide(counts), wide(&reciprocal.y), wide(&reciprocal.scale), wide(&reciprocal.is_some));
    let sum = E::Words::concat(sums);
    let first = quotient(engine, &sum, (&y, &v), 32, width)?;
    let rest = sum.sub(&times(engine, &first, &counts, 0)?);
    let second = quotient(engine, &rest, (&y, &v), 6, width)?;
    let rest = rest.sub(&times(engine, &second, &counts, 0)?);
    let third = quotient(engine, &rest, (&y, &v), 0, width)?;
    let mean = times(engine, &first.add(&second).add(&third), &is_some, 0)?;
    Ok((0..sums.len()).map(|at| mean.slice(at * counts.len() / sums.len()..(at + 1) * counts.len() / sums.len())).collect())
}

/// What is known about `1 / c`.
struct Reciprocal<W> {
    /// `2^L / (c v)` with 30 fraction bits.
    y: W,
    /// `v`.
    scale: W,
    /// Whether `c` is not 0.
    is_some: W,
}

fn reciprocal<E: Engine>(engine: &mut E, counts: &E::Words, width: u32) -> Result<Reciprocal<E::Words>> {
    let rows = counts.len();
    let bits = only(planes(engine, &[Key::unsigned(counts, width)])?)?;
    // whether all bits from each one up are zero
    let mut none: Vec<E::Bits> = bits.iter().map(|bit| circuit::not(engine, bit)).collect();
    let mut span = 1;
    while span < none.len() {
        let (low, high): (Vec<_>, Vec<_>) = (0..none.len() - span).map(|at| (&none[at], &none[at + span])).unzip();
        let pairs: Vec<_> = low.into_iter().zip(high).collect();
        let joined = engine.and(&pairs)?;
        none.splice(..joined.len(), joined);
        span *= 2;
    }
    // the highest bit is where "none from here up" begins to hold one above
    let above = none.iter().skip(1).cloned().chain([circuit::not(engine, &BitVector::zeros(rows))]);
    let is_highest: Vec<E::Bits> = none.iter().zip(above).map(|(here, above)| here.xor(&above)).collect();
    let is_highest = engine.lift(&is_highest.iter().collect::<Vec<_>>())?;
    let (mut scale, mut is_some) = (E::Words::zeros(rows), E::Words::zeros(rows));
    for (at, is_highest) in (0..width).zip(&is_highest) {
        scale = scale.add(&is_highest.scale(1 << (width - 1 - at)));
        is_some = is_some.add(is_highest);
    }
    let z = times(engine, counts, &scale, 0)?.scale(1 << (FRACTION - width));
    let fixed = |engine: &E, value: f64| engine.constant(&vec![(value * f64::from(1u32 << FRACTION)) as u64; rows]);
    let mut y = fixed(engine, 2.9142).sub(&z.scale(2));
    for _ in 0..3 {
        let error = fixed(engine, 1.0).sub(&times(engine, &z, &y, FRACTION)?);
        y = y.add(&times(engine, &y, &error, FRACTION)?);
    }
    Ok(Reciprocal { y, scale, is_some })
}

/// `(rest / 2^cut) y v 2^(cut - width)`.
fn quotient<E: Engine>(engine: &mut E, rest: &E::Words, (y, v): (&E::Words, &E::Words), cut: u32, width: u32) -> Result<E::Words> {
    let rest = if cut > 0 { only(engine.truncate(&[rest], cut)?)? } else { rest.clone() };
    let scaled = times(engine, &rest, y, FRACTION)?;
    if cut >= width { Ok(times(engine, &scaled, v, 0)?.scale(1 << (cut - width))) } else { times(engine, &scaled, v, width - cut) }
}

fn times<E: Engine>(engine: &mut E, a: &E::Words, b: &E::Words, shift: u32) -> Result<E::Words> {
    only(engine.multiply(&[Product::Each(a, b)], shift)?)
}
