//! Odd functions by pieces (分段逼近): public pieces of degree 1 or 2, chosen by secret comparisons with public knots.
//!
//! For an odd `f` and knots `0 < t_1 < .. < t_m` the value is `s b_i + a_i x + s c_i x^2`, where `s` is the sign of `x` and `i` the
//! number of knots that `|x|` reaches. `|x| >= t` is `x >= t` or `x < -t`: `2m + 1` comparisons with public numbers, all in one carry
//! tree. They need not be sharp, because neighbouring pieces overlap: only the planes from `2^-sharpness` up to the range take part
//! ([`Engine::addends_at`]). The bits are lifted once, the coefficients are linear in them, and one product of two or three terms,
//! cut once, is the result.
//!
//! | degree | rounds | bytes per element on [`rep3`](crate::rep3), `p` planes |
//! |---|---:|---|
//! | 1 | `5 + ceil(log2(p - 1))` | `24 (m + 2) + (2m + 1)(p + 3 A(p - 1)) / 8 + 3 cut / 8` |
//! | 2 | one more | 48 more |
//!
//! `A(w)` are the conjunctions of [`circuit::carry_out`]. Which of two overlapping pieces is taken depends on the shares, as the
//! rounding of a truncation does; the values of both lie within the stated error.

use super::circuit;
use crate::Result;
use crate::engine::{BitVector, Engine, Module, Product, Vector};
use crate::secret::only;

/// An odd function, piece by piece. Beyond the last knot it is constant.
#[derive(Clone, Debug)]
pub struct OddSpline {
    knots: Vec<f64>,
    /// `[b, a, c]` of `b + a x + c x^2` for `x >= 0`: one more than knots.
    pieces: Vec<[f64; 3]>,
    degree: Degree,
    sharpness: u32,
    /// Fraction bits of the leading coefficients.
    bits: u32,
}

/// Degree of the pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Degree {
    /// Straight pieces: fewest rounds.
    One,
    /// Parabolas: fewest bytes.
    Two,
}

impl OddSpline {
    /// Fits the odd function `f`, which tends to `limit`, between the knots: interpolation at Chebyshev's points of each piece, which
    /// reaches `2^-sharpness` over its ends. Leading coefficients get `bits` fraction bits.
    #[must_use]
    pub fn fit(f: impl Fn(f64) -> f64, limit: f64, knots: &[f64], degree: Degree, sharpness: u32, bits: u32) -> Self {
        let overlap = (-f64::from(sharpness)).exp2();
        let mut pieces = Vec::with_capacity(knots.len() + 1);
        let mut from = 0.0;
        for knot in knots {
            let (low, high) = (from, knot + overlap);
            let piece = if low > 0.0 { fit(&f, low, high, degree) } else { fit_through_zero(&f, high, degree) };
            pieces.push(round(piece, low, high, bits));
            from = knot - overlap;
        }
        pieces.push([f64::midpoint(limit, f(from)), 0.0, 0.0]);
        Self { knots: knots.to_vec(), pieces, degree, sharpness, bits }
    }

    /// Values at `fraction` bits (`sharpness` to 23), `|x| < 2^range - last knot`; beyond that the result is wrong.
    ///
    /// # Errors
    /// The engine's.
    pub fn evaluate<E: Engine>(&self, engine: &mut E, x: &E::Words, fraction: u32, range: u32) -> Result<E::Words> {
        let terms = self.terms(engine, x, fraction, range)?;
        only(engine.multiply(&[terms.product()], self.scale(fraction) - fraction)?)
    }

    /// Fraction bits of the product before it is cut.
    pub(crate) const fn scale(&self, fraction: u32) -> u32 {
        match self.degree {
            Degree::One => fraction + self.bits,
            Degree::Two => 2 * fraction + self.bits,
        }
    }

    /// The coefficients and what they are multiplied with; the sum of the products is the value.
    pub(crate) fn terms<E: Engine>(&self, engine: &mut E, x: &E::Words, fraction: u32, range: u32) -> Result<Terms<E::Words>> {
        let len = x.len();
        let regions = self.regions(engine, x, fraction, range)?;
        let lifted = engine.lift(&regions.iter().collect::<Vec<_>>())?;
        let ones = engine.constant(&vec![1; len]);
        let scale = self.scale(fraction);
        // factors of 1, then of each knot's bit; lifted[0] is the sign
        let coefficient = |power: usize, bits: u32| {
            let raw = |value: f64| ((value * f64::from(bits).exp2()).round_ties_even() as i64).cast_unsigned();
            let steps = self.pieces.windows(2).map(|pair| raw(pair[1][power]).wrapping_sub(raw(pair[0][power])));
            self.pieces.iter().take(1).map(|piece| raw(piece[power])).chain(steps).collect::<Vec<u64>>()
        };
        let mut bits = vec![&ones];
        bits.extend(lifted.iter().skip(1));
        let sign = match lifted.first() {
            Some(negative) => E::Words::combination(&[(1, &ones), (2u64.wrapping_neg(), negative)]),
            None => ones.clone(),
        };
        let (constant, slope) = (coefficient(0, scale), coefficient(1, scale - fraction));
        match self.degree {
            Degree::One => Ok(Terms {
                left: E::Words::mix(&bits, &[&constant, &slope]),
                right: E::Words::mix(&[&sign, x], &[&[1, 0], &[0, 1]]),
                terms: 2,
            }),
            Degree::Two => {
                let curve = coefficient(2, self.bits);
                let square = only(engine.multiply(&[Product::Each(x, x)], 0)?)?;
                let signed = only(engine.multiply(&[Product::Each(&sign, &square)], 0)?)?;
                Ok(Terms {
                    left: E::Words::mix(&bits, &[&constant, &slope, &curve]),
                    right: E::Words::mix(&[&sign, x, &signed], &[&[1, 0, 0], &[0, 1, 0], &[0, 0, 1]]),
                    terms: 3,
                })
            }
        }
    }

    /// Whether `x` is negative, then for each knot whether `|x|` reaches it.
    fn regions<E: Engine>(&self, engine: &mut E, x: &E::Words, fraction: u32, range: u32) -> Result<Vec<E::Bits>> {
        let raw = |knot: &f64| (knot * f64::from(fraction).exp2()) as u64;
        let mut offsets = vec![0];
        offsets.extend(self.knots.iter().map(|knot| raw(knot).wrapping_neg()));
        offsets.extend(self.knots.iter().map(raw));
        let planes = fraction.saturating_sub(self.sharpness)..(fraction + range + 1).min(64);
        let addends = engine.addends_at(x, &offsets, planes)?;
        let below = circuit::negative(engine, &addends)?;
        let mut regions: Vec<E::Bits> = below.iter().take(1).cloned().collect();
        let knots = self.knots.len();
        for (low, high) in below.iter().skip(1).zip(below.iter().skip(1 + knots)) {
            regions.push(circuit::not(engine, low).xor(high));
        }
        Ok(regions)
    }
}

/// Rows of terms, side by side: the sum over each row of the products is a value.
pub(crate) struct Terms<W> {
    left: W,
    right: W,
    terms: usize,
}

impl<W: Module> Terms<W> {
    pub(crate) const fn product(&self) -> Product<'_, W> {
        Product::Dots { left: &self.left, right: &self.right, terms: self.terms }
    }
}

/// Chebyshev's points between `low` and `high`.
pub(crate) fn chebyshev(low: f64, high: f64, count: usize) -> impl Iterator<Item = f64> {
    let angle = move |at: usize| std::f64::consts::PI * (2 * at + 1) as f64 / (2 * count) as f64;
    (0..count).map(move |at| f64::midpoint(low, high) + (high - low) / 2.0 * angle(at).cos())
}

fn fit(f: &impl Fn(f64) -> f64, low: f64, high: f64, degree: Degree) -> [f64; 3] {
    let count = if degree == Degree::One { 2 } else { 3 };
    let points: Vec<[f64; 2]> = chebyshev(low, high, count).map(|x| [x, f(x)]).collect();
    let slope = |a: [f64; 2], b: [f64; 2]| (b[1] - a[1]) / (b[0] - a[0]);
    match points[..] {
        [p, q, r] => {
            // divided differences
            let (first, second) = (slope(p, q), (slope(q, r) - slope(p, q)) / (r[0] - p[0]));
            [p[1] - first * p[0] + second * p[0] * q[0], first - second * (p[0] + q[0]), second]
        }
        [p, q] => [p[1] - slope(p, q) * p[0], slope(p, q), 0.0],
        _ => [0.0; 3],
    }
}

/// Without a constant, so that a wrong sign near zero does no harm.
fn fit_through_zero(f: &impl Fn(f64) -> f64, high: f64, degree: Degree) -> [f64; 3] {
    let points: Vec<[f64; 2]> = chebyshev(0.0, high, if degree == Degree::One { 1 } else { 2 }).map(|x| [x, f(x) / x]).collect();
    match points[..] {
        [p, q] => {
            let curve = (q[1] - p[1]) / (q[0] - p[0]);
            [0.0, p[1] - curve * p[0], curve]
        }
        [p] => [0.0, p[1], 0.0],
        _ => [0.0; 3],
    }
}

/// Rounds the leading coefficient to the bits that it gets; the others make up for it but for a parabola around the middle.
fn round([b, a, c]: [f64; 3], low: f64, high: f64, bits: u32) -> [f64; 3] {
    let unit = f64::from(bits).exp2();
    let cut = |value: f64| (value * unit).round_ties_even() / unit;
    let middle = f64::midpoint(low, high);
    if c == 0.0 {
        let lost = a - cut(a);
        return [if low > 0.0 { b + lost * middle } else { b }, cut(a), 0.0];
    }
    let lost = c - cut(c);
    if low > 0.0 { [b - lost * middle * middle, a + 2.0 * lost * middle, cut(c)] } else { [b, a, cut(c)] }
}
