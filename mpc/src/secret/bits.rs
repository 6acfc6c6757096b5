//! Arrays of secret bits: results of comparisons.

use ndarray::{Array, Dimension, Ix1};

use super::{Secret, broadcast, expand, only};
use crate::engine::{BitVector, Engine, Packed, Vector};
use crate::ring::{Int, Linear};
use crate::{Error, Result};

/// A secret array of bits. It does not print:
/// ```compile_fail
/// use yu_mpc::{rep3, secret::SecretBits};
/// fn print(bits: &SecretBits<rep3::Context, ndarray::Ix1>) -> String {
///     format!("{bits:?}")
/// }
/// ```
#[must_use]
pub struct SecretBits<E: Engine, D: Dimension> {
    // INVARIANT: as many bits as the shape has places
    bits: E::Bits,
    shape: D,
}

impl<E: Engine, D: Dimension> Clone for SecretBits<E, D> {
    fn clone(&self) -> Self {
        Self { bits: self.bits.clone(), shape: self.shape.clone() }
    }
}

impl<E: Engine, D: Dimension> SecretBits<E, D> {
    /// Shares as an array.
    ///
    /// # Errors
    /// [`Error::Shape`] if the number of bits is not the shape's.
    pub fn from_bits(bits: E::Bits, shape: D) -> Result<Self> {
        if bits.len() == shape.size() { Ok(Self { bits, shape }) } else { Err(Error::shape("array of bits", &[bits.len()], shape.slice())) }
    }

    /// Public bits as secrets. No communication.
    ///
    /// # Errors
    /// [`Error::Shape`] if the number of bits is not the shape's.
    pub fn constant(engine: &E, bits: &[bool], shape: D) -> Result<Self> {
        Self::from_bits(engine.constant_bits(&bits.iter().copied().collect()), shape)
    }

    /// The shares, flat.
    pub const fn bits(&self) -> &E::Bits {
        &self.bits
    }

    /// Takes the shares out.
    pub fn into_bits(self) -> E::Bits {
        self.bits
    }

    /// Number of bits.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bits.len()
    }

    /// Whether there are no bits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bits.is_empty()
    }

    /// Lengths of the axes.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        self.shape.slice()
    }

    /// The shape.
    #[must_use]
    pub fn dim(&self) -> D {
        self.shape.clone()
    }

    /// Exclusive or, broadcasting. No communication.
    ///
    /// # Errors
    /// [`Error::Shape`].
    pub fn xor(&self, other: &Self) -> Result<Self> {
        let shape = broadcast("exclusive or", &self.shape, &other.shape)?;
        let bits = expand(&self.bits, &self.shape, &shape)?.xor(&*expand(&other.bits, &other.shape, &shape)?);
        Self::from_bits(bits, shape)
    }

    /// Negation. No communication.
    pub fn not(&self, engine: &E) -> Self {
        Self { bits: self.bits.xor(&engine.constant_bits(&Packed::ones(self.len()))), shape: self.shape.clone() }
    }

    /// Conjunction, broadcasting. One round.
    ///
    /// # Errors
    /// [`Error::Shape`]; [`Engine::and`]'s.
    pub fn and(&self, engine: &mut E, other: &Self) -> Result<Self> {
        let shape = broadcast("conjunction", &self.shape, &other.shape)?;
        let left = expand(&self.bits, &self.shape, &shape)?;
        let right = expand(&other.bits, &other.shape, &shape)?;
        Self::from_bits(only(engine.and(&[(left.as_ref(), right.as_ref())])?)?, shape)
    }

    /// Disjunction, broadcasting. One round.
    ///
    /// # Errors
    /// As [`Self::and`].
    pub fn or(&self, engine: &mut E, other: &Self) -> Result<Self> {
        let both = self.and(engine, other)?;
        self.xor(other)?.xor(&both)
    }

    /// The bits as integers 0 and 1.
    ///
    /// # Errors
    /// [`Engine::lift`]'s.
    pub fn lift(&self, engine: &mut E) -> Result<Secret<E, Int, D>> {
        Secret::from_words(only(engine.lift(&[&self.bits])?)?, self.shape.clone())
    }

    /// `a` where the bit is 1, else `b`.
    ///
    /// # Errors
    /// [`Error::Shape`] unless all shapes are equal; [`Engine::inject`]'s.
    pub fn select<T: Linear>(&self, engine: &mut E, a: &Secret<E, T, D>, b: &Secret<E, T, D>) -> Result<Secret<E, T, D>> {
        let difference = a.sub(b)?;
        if difference.shape() != self.shape() {
            return Err(Error::shape("selection", self.shape(), difference.shape()));
        }
        let chosen = only(engine.inject(&[(&self.bits, difference.words())])?)?;
        Secret::from_words(chosen, self.shape.clone())?.add(b)
    }

    /// Tells all parties the bits. One round.
    ///
    /// # Errors
    /// [`Engine::open_bits`]'s.
    pub fn open(&self, engine: &mut E) -> Result<Array<bool, D>> {
        let opened = only(engine.open_bits(&[&self.bits])?)?;
        Array::from_shape_vec(self.shape.clone(), opened.iter().collect())
            .map_err(|_| Error::caller("as many bits as the shape has places"))
    }

    /// The same bits in another shape.
    ///
    /// # Errors
    /// [`Error::Shape`] if the number of bits differs.
    pub fn reshape<S: Dimension>(self, shape: S) -> Result<SecretBits<E, S>> {
        SecretBits::from_bits(self.bits, shape)
    }

    /// All bits in one row.
    pub fn flatten(self) -> SecretBits<E, Ix1> {
        let len = self.len();
        SecretBits { bits: self.bits, shape: Ix1(len) }
    }
}
