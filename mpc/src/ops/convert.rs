//! Between numbers and bits.
//!
//! | conversion | rounds on [`rep3`](crate::rep3) | bytes per element on [`rep3`](crate::rep3) |
//! |---|---:|---|
//! | [`Secret::to_bits`], `w` bits | `2 + ceil(log2(w - 1))` | `w / 8` and about `3 w (1 + log2 w / 2) / 8` |
//! | [`Secret::from_bits_of`], at most 8 bits or 1024 elements | 2 | 24 for each bit |
//! | [`Secret::from_bits_of`] otherwise | 10 | 199 |
//!
//! The second way back masks the number: `r` is uniform and nobody knows it; `x + r` is opened, `x = (x + r) - r`. The addends of
//! `r` and the bits of `x` go through one carry-save adder and one prefix adder.

use ndarray::Dimension;

use super::circuit;
use crate::engine::{BitVector, Engine, Module, Vector};
use crate::ring::Linear;
use crate::secret::{Secret, SecretBits, only};
use crate::{Error, Result};

/// Bits of a ring element.
const WIDTH: u32 = 64;
/// Up to so many bits, and for up to so many elements, lifting each bit costs less.
const FEW_BITS: usize = 8;
const FEW_ELEMENTS: usize = 1024;

impl<E: Engine, T: Linear, D: Dimension> Secret<E, T, D> {
    /// The `width` lowest bits of each element, lowest first; those of negative numbers are the two's complement's.
    ///
    /// # Errors
    /// [`Error::Caller`] unless `1 <= width <= 64`; the engine's.
    pub fn to_bits(&self, engine: &mut E, width: u32) -> Result<Vec<SecretBits<E, D>>> {
        let planes = split(engine, self.words(), width)?;
        planes.into_iter().map(|plane| SecretBits::from_bits(plane, self.dim())).collect()
    }

    /// The numbers whose bits these are, lowest first; higher ones are zero.
    ///
    /// # Errors
    /// [`Error::Caller`] unless there are 1 to 64 bits, [`Error::Shape`] for bits of different shapes; the engine's.
    pub fn from_bits_of(engine: &mut E, bits: &[SecretBits<E, D>]) -> Result<Self> {
        let first = bits.first().ok_or_else(|| Error::caller("a number has at least one bit"))?;
        if let Some(other) = bits.iter().find(|other| other.shape() != first.shape()) {
            return Err(Error::shape("bits of a number", first.shape(), other.shape()));
        }
        let planes: Vec<&E::Bits> = bits.iter().map(SecretBits::bits).collect();
        Self::from_words(join(engine, &planes)?, first.dim())
    }
}

/// The lowest bit planes of the words.
pub(crate) fn split<E: Engine>(engine: &mut E, words: &E::Words, width: u32) -> Result<Vec<E::Bits>> {
    let [a, b] = only(engine.addends(&[words], width)?)?;
    circuit::sum(engine, &a, &b)
}

/// Words of the planes, by whichever way costs less.
pub(crate) fn join<E: Engine>(engine: &mut E, planes: &[&E::Bits]) -> Result<E::Words> {
    let len = planes.first().map_or(0, |plane| plane.len());
    crate::engine::check_planes(u32::try_from(planes.len()).unwrap_or(u32::MAX))?;
    if planes.len() <= FEW_BITS || len <= FEW_ELEMENTS { join_lifted(engine, planes) } else { join_masked(engine, planes) }
}

pub(crate) fn join_lifted<E: Engine>(engine: &mut E, planes: &[&E::Bits]) -> Result<E::Words> {
    let lifted = engine.lift(planes)?;
    let terms: Vec<_> = lifted.iter().enumerate().map(|(at, bit)| (1 << at, bit)).collect();
    Ok(E::Words::combination(&terms))
}

pub(crate) fn join_masked<E: Engine>(engine: &mut E, planes: &[&E::Bits]) -> Result<E::Words> {
    let len = planes.first().map_or(0, |plane| plane.len());
    let mask = engine.random(len)?;
    let [u, v] = only(engine.addends(&[&mask], WIDTH)?)?;
    let zeros = E::Bits::zeros(len);
    let x = |at: usize| planes.get(at).copied().unwrap_or(&zeros);
    // the majority of x, u and v is u ^ ((x ^ u) & (u ^ v)); the carry out of the top is not wanted
    let operands: Vec<_> = u.iter().zip(&v).enumerate().map(|(at, (u, v))| (x(at).xor(u), u.xor(v))).collect();
    let pairs: Vec<_> = operands.iter().take(WIDTH as usize - 1).map(|(left, right)| (left, right)).collect();
    let carries = engine.and(&pairs)?;
    let sums: Vec<E::Bits> = operands.iter().zip(&v).map(|((left, _), v)| left.xor(v)).collect();
    let mut shifted = vec![zeros.clone()];
    shifted.extend(carries.iter().zip(&u).map(|(both, u)| both.xor(u)));
    let masked = circuit::sum(engine, &sums, &shifted)?;
    let opened = engine.open_bits(&masked.iter().collect::<Vec<_>>())?;
    let opened = crate::planes::join(&opened.iter().collect::<Vec<_>>());
    Ok(engine.constant(&opened).sub(&mask))
}
