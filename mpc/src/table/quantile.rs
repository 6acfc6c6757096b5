//! Order statistics of secret values, of which a secret part counts.
//!
//! The quantile of `a/b` is the smallest value that at least `a/b` of the values do not exceed: value number
//! `r = max(1, ceil(a m / b))` of `m` in ascending order (`inverted_cdf` in numpy, `type = 1` in R). No interpolation: the result is one of the values,
//! exactly.
//!
//! **A secret number of values.** Sorted with the rows that count in front, the flags `v_0, v_1, ..` are `m` ones and zeros behind:
//! `v_j = [j < m]`. Place `i` (from 0) is before the rank if `i < a m / b`, which is `m > i b / a`, so `m >= floor(i b / a) + 1`: the flag
//! `v_floor(i b / a)`. So `t_i = [i < r]` is a public selection of flags, `t_i - t_{i+1}` is 1 at the wanted place only, and the value is one
//! scalar product: no division, no comparison beyond the sort.
//!
//! **Around a quantile.** One value is one row's. [`sums_around`] adds up the `2 h + 1` values around the rank instead: place `i` is among them if
//! `i - h < r` and not `i + h + 1 < r`, again a public selection of flags.
//!
//! **What leaks: sizes.** Not `m`.

use super::key::{Key, rows_of};
use super::sort::sort;
use crate::engine::{Engine, Module, Product, Vector};
use crate::{Error, Result};

/// Which part of the values is below a quantile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fraction {
    /// `a`, at most `b`.
    pub numerator: u32,
    /// `b`, not 0.
    pub denominator: u32,
}

impl Fraction {
    /// Half of the values.
    pub const MEDIAN: Self = Self { numerator: 1, denominator: 2 };

    /// So many of a hundred.
    #[must_use]
    pub const fn percent(numerator: u32) -> Self {
        Self { numerator, denominator: 100 }
    }

    fn check(self) -> Result<()> {
        let Self { numerator, denominator } = self;
        if denominator > 0 && numerator <= denominator {
            Ok(())
        } else {
            Err(Error::caller(format!("quantile `{numerator}/{denominator}`, expected a part of 1")))
        }
    }

    /// Place from 0 among `rows` values, of which there is one at least.
    pub(crate) fn place(self, rows: usize) -> usize {
        let scaled = self.numerator as usize * rows;
        scaled.div_ceil(self.denominator as usize).saturating_sub(1)
    }

    /// The places from 0 that [`sums_around`] adds up among `rows` values; none without rows.
    #[must_use]
    pub fn around(self, rows: usize, half: usize) -> std::ops::Range<usize> {
        if rows == 0 {
            return 0..0;
        }
        let place = self.place(rows);
        place.saturating_sub(half)..rows.min(place.saturating_add(half).saturating_add(1))
    }

    /// The flag that says whether place `at` is before the rank; `rows` for none.
    fn flag(self, at: usize, rows: usize) -> usize {
        let first = if at == 0 { Some(0) } else { None };
        let scaled = at * self.denominator as usize;
        // with a = 0 the rank is 1
        scaled.checked_div(self.numerator as usize).or(first).map_or(rows, |flag| flag.min(rows))
    }
}

/// Quantiles of the values whose flag is 1 (all without flags): one element each. Without any such value they are 0.
///
/// Bytes and rounds: those of [`sort()`] with a key of one bit more; with flags 24 bytes in all for each quantile and one round.
///
/// # Errors
/// [`Error::Caller`] for a fraction above 1, or no rows; as [`sort()`].
pub fn quantiles<E: Engine>(engine: &mut E, values: Key<'_, E>, valid: Option<&E::Words>, at: &[Fraction]) -> Result<Vec<E::Words>> {
    at.iter().try_for_each(|fraction| fraction.check())?;
    let rows = rows_of("quantiles", &[values], valid.as_slice())?;
    if rows == 0 {
        return Err(Error::caller("quantiles: no rows"));
    }
    let Some(valid) = valid else {
        let sorted = sort(engine, &[values], &[])?;
        let pick = |fraction: &Fraction| sorted.keys.first().map(|values| values.gather(&[fraction.place(rows)]));
        return Ok(at.iter().filter_map(pick).collect());
    };
    let sorted = sort(engine, &[Key::flag(valid).descending(), values], &[])?;
    let [flags, values] = sorted.keys.as_slice() else { return Err(Error::caller("a sort returned another number of keys")) };
    let flags = E::Words::concat(&[flags, &E::Words::zeros(1)]);
    let chosen = |fraction: &Fraction| {
        let before = |range: std::ops::Range<usize>| flags.gather(&range.map(|at| fraction.flag(at, rows)).collect::<Vec<_>>());
        before(0..rows).sub(&before(1..rows + 1))
    };
    let chosen: Vec<E::Words> = at.iter().map(chosen).collect();
    let products: Vec<_> = chosen.iter().map(|left| Product::Dots { left, right: values, terms: rows }).collect();
    if products.is_empty() { Ok(Vec::new()) } else { engine.multiply(&products, 0) }
}

/// Sums of the values from `half` places before each quantile to `half` places behind it, as far as there are values, over the rows whose
/// flag is 1; the others hold zeros. Values are signed and at most `2^bits` in absolute value. Whoever learns the number of rows knows how
/// many values are in a sum ([`Fraction::around`]).
///
/// Costs as [`quantiles`] with a key of `bits + 3` bits.
///
/// # Errors
/// As [`quantiles`].
pub fn sums_around<E: Engine>(
    engine: &mut E,
    values: &E::Words,
    bits: u32,
    valid: &E::Words,
    at: &[Fraction],
    half: usize,
) -> Result<Vec<E::Words>> {
    at.iter().try_for_each(|fraction| fraction.check())?;
    if bits > 62 {
        return Err(Error::caller(format!("quantiles: values of {bits} bits, at most 62")));
    }
    // without a sign, so that the planes above the values are not needed
    let shift = |rows: usize| vec![1u64 << bits; rows];
    let shifted = values.add(&engine.constant(&shift(values.len())));
    let rows = rows_of("quantiles", &[Key::<E>::unsigned(&shifted, bits + 2)], &[valid])?;
    if rows == 0 {
        return Err(Error::caller("quantiles: no rows"));
    }
    let sorted = sort(engine, &[Key::flag(valid).descending(), Key::unsigned(&shifted, bits + 2)], &[])?;
    let [flags, values] = sorted.keys.as_slice() else { return Err(Error::caller("a sort returned another number of keys")) };
    let values = values.sub(&engine.constant(&shift(rows)));
    let flags = E::Words::concat(&[flags, &E::Words::zeros(1)]);
    let chosen = |fraction: &Fraction| {
        let before = |places: Vec<usize>| flags.gather(&places.iter().map(|at| fraction.flag(*at, rows)).collect::<Vec<_>>());
        let from = before((0..rows).map(|at| at.saturating_sub(half)).collect());
        from.sub(&before((0..rows).map(|at| at.saturating_add(half).saturating_add(1)).collect()))
    };
    let chosen: Vec<E::Words> = at.iter().map(chosen).collect();
    let products: Vec<_> = chosen.iter().map(|left| Product::Dots { left, right: &values, terms: rows }).collect();
    if products.is_empty() { Ok(Vec::new()) } else { engine.multiply(&products, 0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clear::Clear;

    #[test]
    fn sums_around_quantiles() {
        let engine = &mut Clear;
        let values: Vec<i64> = vec![40, -7, 12, 0, 99, 0, -55, 3, 0, 21];
        let valid: Vec<u64> = vec![1, 1, 1, 0, 1, 0, 1, 1, 0, 1];
        let words = engine.constant(&values.iter().map(|value| value.cast_unsigned()).collect::<Vec<_>>());
        let flags = engine.constant(&valid);
        let mut ordered: Vec<i64> = values.iter().zip(&valid).filter(|(_, flag)| **flag == 1).map(|(value, _)| *value).collect();
        ordered.sort_unstable();
        let at = [Fraction::percent(1), Fraction::percent(40), Fraction::MEDIAN, Fraction::percent(99)];
        for half in 0..9 {
            let sums = sums_around(engine, &words, 7, &flags, &at, half).unwrap();
            for (fraction, sum) in at.iter().zip(sums) {
                let range = fraction.around(ordered.len(), half);
                let expected: i64 = ordered[range].iter().sum();
                assert_eq!(sum.part(0)[0].cast_signed(), expected, "{fraction:?} {half}");
            }
        }
    }

    #[test]
    fn flags_say_which_places_are_before_the_rank() {
        for rows in 1..20 {
            for m in 1..=rows {
                for numerator in 0..=7 {
                    let fraction = Fraction { numerator, denominator: 7 };
                    let rank = (numerator as usize * m).div_ceil(7).max(1);
                    assert_eq!(fraction.place(m), rank - 1);
                    for at in 0..=rows {
                        let flag = fraction.flag(at, rows);
                        assert_eq!(flag < m, at < rank, "{numerator}/7 of {m}, place {at}");
                    }
                }
            }
        }
    }
}
