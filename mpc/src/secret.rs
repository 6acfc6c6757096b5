//! Arrays of secrets (秘密数组): what programs are written with, generic over the [`Engine`] that computes.
//!
//! | to | use |
//! |---|---|
//! | bring values in | [`Secret::input`], [`Secret::constant`] |
//! | add, subtract, sum, reshape, select | [`Secret`]'s own methods: no communication |
//! | multiply, cut | [`Secret::mul`], [`Secret::matmul`], [`Secret::dot`], [`Secret::rescale`] |
//! | compare, select by bits | [`crate::ops`] |
//! | tell everybody | [`Secret::open`]: the special case, and it says so |
//!
//! Shapes broadcast as in `ndarray`: axes of length 1 stretch. Everything that does not fit is an error before the first
//! message. A secret does not print, compare or serialise; its type says engine, meaning and dimensions, so that values of a
//! protocol against malicious parties cannot be made of semi-honest ones:
//! ```compile_fail
//! use yu_mpc::{clear::Clear, rep3, ring::Ring64, secret::Secret};
//! fn mix(a: &Secret<Clear, Ring64, ndarray::Ix1>, b: &Secret<rep3::Context, Ring64, ndarray::Ix1>) {
//!     let _ = a.add(b);
//! }
//! ```
//! ```compile_fail
//! use yu_mpc::{clear::Clear, ring::Ring64, secret::Secret};
//! fn print(a: &Secret<Clear, Ring64, ndarray::Ix1>) -> String {
//!     format!("{a:?}")
//! }
//! ```
//! ```compile_fail
//! use yu_mpc::{rep3, ring::Ring64, secret::Secret};
//! fn print(a: &Secret<rep3::Context, Ring64, ndarray::Ix1>) -> String {
//!     format!("{a:?}")
//! }
//! ```
//! ```compile_fail
//! use yu_mpc::{rep3, ring::Ring64, secret::Secret};
//! fn print(a: &Secret<rep3::Malicious, Ring64, ndarray::Ix1>) -> String {
//!     format!("{a:?}")
//! }
//! ```

mod bits;
mod layout;
mod linear;
mod product;

use std::marker::PhantomData;

use ndarray::{Array, ArrayView, Dimension};
use zeroize::Zeroize;

pub use bits::SecretBits;
pub(crate) use layout::places;
pub use layout::{broadcast, expand};
pub use product::Multiply;

use crate::engine::{Engine, Input, Vector};
use crate::ring::Element;
use crate::{Error, Result};

/// A secret array of elements that mean `T`.
#[must_use]
pub struct Secret<E: Engine, T: Element, D: Dimension> {
    // INVARIANT: as many words as the shape has places, in standard layout
    words: E::Words,
    shape: D,
    meaning: PhantomData<T>,
}

impl<E: Engine, T: Element, D: Dimension> Clone for Secret<E, T, D> {
    fn clone(&self) -> Self {
        Self { words: self.words.clone(), shape: self.shape.clone(), meaning: PhantomData }
    }
}

impl<E: Engine, T: Element, D: Dimension> Secret<E, T, D> {
    /// Shares as an array: for operations built on the primitives.
    ///
    /// # Errors
    /// [`Error::Shape`] if the number of elements is not the shape's.
    pub fn from_words(words: E::Words, shape: D) -> Result<Self> {
        if words.len() == shape.size() {
            Ok(Self { words, shape, meaning: PhantomData })
        } else {
            Err(Error::shape("array of shares", &[words.len()], shape.slice()))
        }
    }

    /// The shares, flat.
    pub const fn words(&self) -> &E::Words {
        &self.words
    }

    /// Takes the shares out.
    pub fn into_words(self) -> E::Words {
        self.words
    }

    /// Shares the array of party `owner`, which passes the values; the others pass `None`.
    ///
    /// # Errors
    /// [`Error::Range`] for values without a ring element, [`Error::Shape`] for another shape; [`Engine::input`]'s.
    pub fn input(engine: &mut E, owner: usize, values: Option<ArrayView<'_, T::Clear, D>>, shape: D) -> Result<Self> {
        let mut raw = values.map(|values| encode::<T, D>("input", values, &shape)).transpose()?;
        let input = Input { owner, len: shape.size(), values: raw.as_deref() };
        let shared = engine.input(&[input]);
        raw.zeroize();
        Self::from_words(only(shared?)?, shape)
    }

    /// Public values as secrets. No communication.
    ///
    /// # Errors
    /// [`Error::Range`] for values without a ring element.
    pub fn constant(engine: &E, values: ArrayView<'_, T::Clear, D>) -> Result<Self> {
        let shape = values.raw_dim();
        Self::from_words(engine.constant(&encode::<T, D>("public value", values, &shape)?), shape)
    }

    /// Tells all parties the values. One round. Results for others are sealed to them instead.
    ///
    /// # Errors
    /// [`Engine::open`]'s.
    pub fn open(&self, engine: &mut E) -> Result<Array<T::Clear, D>> {
        let mut raw = only(engine.open(&[&self.words])?)?;
        let clear = raw.iter().map(|raw| T::decode(*raw)).collect();
        raw.zeroize();
        Array::from_shape_vec(self.shape.clone(), clear).map_err(|_| Error::caller("as many values as the shape has places"))
    }

    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.words.len()
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
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
}

/// The one result of a primitive that was given one operand.
pub(crate) fn only<V>(results: Vec<V>) -> Result<V> {
    results.into_iter().next().ok_or_else(|| Error::caller("a primitive returned no result"))
}

/// Ring elements of an array in standard order.
fn encode<T: Element, D: Dimension>(what: &'static str, values: ArrayView<'_, T::Clear, D>, shape: &D) -> Result<Vec<u64>> {
    if values.raw_dim() != *shape {
        return Err(Error::shape(what, values.shape(), shape.slice()));
    }
    values.iter().map(|value| T::encode(what, *value)).collect()
}
