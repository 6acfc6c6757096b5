//! Products: one round, or two where the result is cut to a scale.

use ndarray::{Dimension, Ix1, Ix2};

use super::{Secret, broadcast, expand, only};
use crate::engine::{Engine, Module, Product};
use crate::fixed::Fixed;
use crate::ring::{Int, Linear, Ring64};
use crate::{Error, Result};

/// What a product of two meanings means, and by how many bits it is cut. Fixed-point numbers keep their scale.
pub trait Multiply<Rhs: Linear>: Linear {
    /// Meaning of the product.
    type Output: Linear;
    /// Bits cut off the product: error below one unit in the last place.
    const SHIFT: u32;
}

impl Multiply<Self> for Ring64 {
    type Output = Self;
    const SHIFT: u32 = 0;
}
impl Multiply<Self> for Int {
    type Output = Self;
    const SHIFT: u32 = 0;
}
impl<const F: u32> Multiply<Self> for Fixed<F> {
    type Output = Self;
    const SHIFT: u32 = F;
}
impl<const F: u32> Multiply<Int> for Fixed<F> {
    type Output = Self;
    const SHIFT: u32 = 0;
}
impl<const F: u32> Multiply<Fixed<F>> for Int {
    type Output = Fixed<F>;
    const SHIFT: u32 = 0;
}

impl<E: Engine, T: Linear, D: Dimension> Secret<E, T, D> {
    /// Element-wise product, broadcasting. Fixed-point: an error below one unit in the last place where `|x y| < 2^(62-2F)`.
    ///
    /// # Errors
    /// [`Error::Shape`]; [`Engine::multiply`]'s.
    pub fn mul<U: Linear>(&self, engine: &mut E, other: &Secret<E, U, D>) -> Result<Secret<E, T::Output, D>>
    where
        T: Multiply<U>,
    {
        let shape = broadcast("product", &self.shape, &other.shape)?;
        let left = expand(&self.words, &self.shape, &shape)?;
        let right = expand(&other.words, &other.shape, &shape)?;
        let words = only(engine.multiply(&[Product::Each(left.as_ref(), right.as_ref())], T::SHIFT)?)?;
        Secret::from_words(words, shape)
    }
}

impl<E: Engine, T: Linear> Secret<E, T, Ix1> {
    /// Scalar product: communication of one element.
    ///
    /// # Errors
    /// [`Error::Shape`]; [`Engine::multiply`]'s.
    pub fn dot<U: Linear>(&self, engine: &mut E, other: &Secret<E, U, Ix1>) -> Result<Secret<E, T::Output, Ix1>>
    where
        T: Multiply<U>,
    {
        if self.is_empty() && other.is_empty() {
            return Secret::from_words(E::Words::zeros(1), Ix1(1));
        }
        let product = Product::Dots { left: &self.words, right: &other.words, terms: self.len().max(1) };
        Secret::from_words(only(engine.multiply(&[product], T::SHIFT)?)?, Ix1(1))
    }
}

impl<E: Engine, T: Linear> Secret<E, T, Ix2> {
    /// Matrix product: communication in the size of the result. Fixed-point: an error below one unit in the last place where the result is
    /// below `2^(61-2F)` in absolute value.
    ///
    /// # Errors
    /// [`Error::Shape`]; [`Engine::multiply`]'s.
    pub fn matmul<U: Linear>(&self, engine: &mut E, other: &Secret<E, U, Ix2>) -> Result<Secret<E, T::Output, Ix2>>
    where
        T: Multiply<U>,
    {
        let ([m, k], [l, n]) = ([self.shape[0], self.shape[1]], [other.shape[0], other.shape[1]]);
        if k != l {
            return Err(Error::shape("matrix product", self.shape(), other.shape()));
        }
        let product = Product::Matrix { left: &self.words, right: &other.words, shape: [m, k, n] };
        Secret::from_words(only(engine.multiply(&[product], T::SHIFT)?)?, Ix2(m, n))
    }
}

impl<E: Engine, const F: u32, D: Dimension> Secret<E, Fixed<F>, D> {
    /// The same numbers with `G` fraction bits: exact and local upwards, an error below one unit in the last place downwards.
    ///
    /// # Errors
    /// [`Engine::truncate`]'s.
    pub fn rescale<const G: u32>(&self, engine: &mut E) -> Result<Secret<E, Fixed<G>, D>> {
        let words = match F.checked_sub(G) {
            None => self.words.scale(1 << (G - F)),
            Some(0) => self.words.clone(),
            Some(cut) => only(engine.truncate(&[&self.words], cut)?)?,
        };
        Secret::from_words(words, self.shape.clone())
    }

    /// As [`Self::rescale`] downwards for raw values below `2^bound` in absolute value, by
    /// [`Engine::truncate_probabilistic`]: cheaper, wrong with probability below `2^(bound - 63)`, and it leaks more.
    ///
    /// # Errors
    /// [`Error::Caller`] unless `G < F` and `F - G <= bound <= 62`; the engine's.
    pub fn rescale_probabilistic<const G: u32>(&self, engine: &mut E, bound: u32) -> Result<Secret<E, Fixed<G>, D>> {
        let words = only(engine.truncate_probabilistic(&[self.words()], F.saturating_sub(G), bound)?)?;
        Secret::from_words(words, self.dim())
    }

    /// Product with one public number, cut back to the scale: an error below one unit in the last place, and half a unit of the factor
    /// times `x`, where `|x factor| < 2^(62-2F)`.
    ///
    /// # Errors
    /// [`Error::Range`] for a factor without a ring element; [`Engine::truncate`]'s.
    pub fn scale_by(&self, engine: &mut E, factor: f64) -> Result<Self> {
        use crate::ring::Element;
        let raw = Fixed::<F>::encode("public factor", factor)?;
        Self::from_words(only(engine.truncate(&[&self.words.scale(raw)], F)?)?, self.shape.clone())
    }

    /// Mean of all elements: an error below `2^-F (2 + |mean|)` where the sum is below `2^(62-F)` and the mean below `2^(61-2F)`. Two rounds for
    /// each of at most two truncations; none of them for one element, one for a power of two.
    ///
    /// # Errors
    /// [`Error::Shape`] for no elements, [`Error::Caller`] for 2^53 of them; [`Engine::truncate`]'s.
    pub fn mean(&self, engine: &mut E) -> Result<Secret<E, Fixed<F>, ndarray::Ix0>> {
        if self.is_empty() {
            return Err(Error::shape("mean", self.shape(), &[1]));
        }
        // 1/len would lose its bits in a number of F bits: 2^-log first, then a factor between 1/2 and 1
        let log = self.len().ilog2();
        if log >= f64::MANTISSA_DIGITS {
            return Err(Error::caller(format!("mean of `{}` elements, expected fewer than 2^53", self.len())));
        }
        let sum = self.sum();
        let part = match log {
            0 => sum,
            _ => Secret::from_words(only(engine.truncate(&[&sum.words], log)?)?, sum.shape)?,
        };
        if self.len().is_power_of_two() { Ok(part) } else { part.scale_by(engine, (1u64 << log) as f64 / self.len() as f64) }
    }
}
