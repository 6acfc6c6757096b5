//! Shares of arrays and what can be done with them without talking to anybody.

use std::marker::PhantomData;

use ndarray::{Array, ArrayView, ArrayView2, Axis, Dimension, Ix1, Ix2};
use zeroize::Zeroize;

use crate::ring::{Element, Linear, Ring64, add_assign, sub_assign};
use crate::{Error, Result};

/// Our two components `(x_i, x_{i+1})` of an array of ring elements that mean `T`.
///
/// A share is not a value: it does not print, compare or serialise, its components cannot be reached from outside, and only
/// the named operations [`super::Context::open_to_all`] and [`super::Context::seal_output`] reveal what it stands for.
/// ```
/// fn size(share: &yu_mpc::rep3::Share<yu_mpc::ring::Ring64, ndarray::Ix1>) -> Vec<u8> {
///     yu_wire::codec::encode(&(share.len() as u64))
/// }
/// ```
/// ```compile_fail
/// fn print(share: &yu_mpc::rep3::Share<yu_mpc::ring::Ring64, ndarray::Ix1>) -> String {
///     format!("{share:?}")
/// }
/// ```
/// ```compile_fail
/// fn write(share: &yu_mpc::rep3::Share<yu_mpc::ring::Ring64, ndarray::Ix1>) -> Vec<u8> {
///     yu_wire::codec::encode(share)
/// }
/// ```
/// ```compile_fail
/// fn same(a: &yu_mpc::rep3::Share<yu_mpc::ring::Ring64, ndarray::Ix1>) -> bool {
///     a == a
/// }
/// ```
/// ```compile_fail
/// fn peek(share: &yu_mpc::rep3::Share<yu_mpc::ring::Ring64, ndarray::Ix1>) -> &ndarray::Array1<u64> {
///     &share.own
/// }
/// ```
/// Components are wiped on drop.
#[must_use]
pub struct Share<T: Element, D: Dimension> {
    party: usize,
    // INVARIANT: both arrays have the same shape and are in standard layout
    own: Array<u64, D>,
    next: Array<u64, D>,
    meaning: PhantomData<T>,
}

impl<T: Element, D: Dimension> Share<T, D> {
    pub(super) fn from_parts(party: usize, shape: D, own: Vec<u64>, next: Vec<u64>) -> Result<Self> {
        let wrong = |_| Error::caller("components do not have the length of the shape");
        Ok(Self {
            party,
            own: Array::from_shape_vec(shape.clone(), own).map_err(wrong)?,
            next: Array::from_shape_vec(shape, next).map_err(wrong)?,
            meaning: PhantomData,
        })
    }

    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.own.len()
    }

    /// Whether there are no elements.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.own.is_empty()
    }

    /// Shape of the array.
    #[must_use]
    pub fn shape(&self) -> &[usize] {
        self.own.shape()
    }

    /// A public array as a share: `x_0` is the value, the rest is zero. No communication; `party` is our index.
    ///
    /// # Errors
    /// [`Error::Caller`] for an index above 2, [`Error::Range`] for values without a ring element.
    pub fn public(party: usize, values: ArrayView<'_, T::Clear, D>) -> Result<Self> {
        let mut share = Self::zero(party, values.raw_dim())?;
        share.on_first(encode_values::<T, D>("public value", values)?.as_slice(), add_assign);
        Ok(share)
    }

    pub(crate) fn zero(party: usize, shape: D) -> Result<Self> {
        if party >= super::PARTIES {
            return Err(Error::caller(format!("party index `{party}`, expected 0, 1 or 2")));
        }
        Ok(Self { party, own: Array::zeros(shape.clone()), next: Array::zeros(shape), meaning: PhantomData })
    }

    /// The same elements in another shape.
    ///
    /// # Errors
    /// [`Error::Shape`] if the number of elements differs.
    pub fn reshape<E: Dimension>(&self, shape: E) -> Result<Share<T, E>> {
        if shape.size() != self.len() {
            return Err(Error::shape("reshape", self.shape(), shape.slice()));
        }
        Share::from_parts(self.party, shape, self.own().to_vec(), self.next().to_vec())
    }

    /// Reads the same ring elements as another type.
    pub(crate) fn cast<U: Element>(mut self) -> Share<U, D> {
        let (own, next) = (std::mem::take(&mut self.own), std::mem::take(&mut self.next));
        Share { party: self.party, own, next, meaning: PhantomData }
    }

    pub(super) const fn party(&self) -> usize {
        self.party
    }

    pub(super) fn own(&self) -> &[u64] {
        self.own.as_slice().expect("shares are in standard layout")
    }

    pub(super) fn next(&self) -> &[u64] {
        self.next.as_slice().expect("shares are in standard layout")
    }

    pub(super) fn dim(&self) -> D {
        self.own.raw_dim()
    }

    /// Applies a public operand to component `x_0`, which P0 holds as its own and P2 as its next.
    fn on_first(&mut self, operand: Option<&[u64]>, operation: impl Fn(&mut [u64], &[u64])) {
        let target = match self.party {
            0 => self.own.as_slice_mut(),
            2 => self.next.as_slice_mut(),
            _ => None,
        };
        if let (Some(target), Some(operand)) = (target, operand) {
            operation(target, operand);
        }
    }
}

impl<T: Linear, D: Dimension> Share<T, D> {
    /// Shares of the sum. No communication.
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes differ.
    pub fn add(&self, other: &Self) -> Result<Self> {
        self.combine("sum", other, add_assign)
    }

    /// Shares of the difference. No communication.
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes differ.
    pub fn sub(&self, other: &Self) -> Result<Self> {
        self.combine("difference", other, sub_assign)
    }

    /// Shares of the negated values. No communication.
    pub fn neg(&self) -> Self {
        self.map(u64::wrapping_neg)
    }

    /// Adds public values. No communication.
    ///
    /// # Errors
    /// [`Error::Shape`] if the shapes differ, [`Error::Range`] for values without a ring element.
    pub fn add_public(&self, values: ArrayView<'_, T::Clear, D>) -> Result<Self> {
        if self.shape() != values.shape() {
            return Err(Error::shape("sum with public values", self.shape(), values.shape()));
        }
        let mut sum = self.clone();
        sum.on_first(encode_values::<T, D>("public value", values)?.as_slice(), add_assign);
        Ok(sum)
    }

    /// Multiplies by a public integer (modulo 2^64, so `u64::MAX` is -1); the scale stays. No communication.
    pub fn mul_public(&self, factor: u64) -> Self {
        self.map(|value| value.wrapping_mul(factor))
    }

    fn map(&self, operation: impl Fn(u64) -> u64) -> Self {
        let (own, next) = (self.own.mapv(&operation), self.next.mapv(&operation));
        Self { party: self.party, own, next, meaning: PhantomData }
    }

    fn combine(&self, name: &'static str, other: &Self, operation: impl Fn(&mut [u64], &[u64])) -> Result<Self> {
        if self.shape() != other.shape() {
            return Err(Error::shape(name, self.shape(), other.shape()));
        }
        same_party(self.party, other.party)?;
        let mut result = self.clone();
        if let (Some(own), Some(next)) = (result.own.as_slice_mut(), result.next.as_slice_mut()) {
            operation(own, other.own());
            operation(next, other.next());
        }
        Ok(result)
    }
}

impl<T: Element> Share<T, Ix2> {
    /// The transposed matrix.
    pub fn transposed(&self) -> Self {
        let turn = |array: &Array<u64, Ix2>| array.t().as_standard_layout().into_owned();
        Self { party: self.party, own: turn(&self.own), next: turn(&self.next), meaning: PhantomData }
    }

    pub(super) fn own_matrix(&self) -> ArrayView2<'_, u64> {
        self.own.view()
    }

    pub(super) fn next_matrix(&self) -> ArrayView2<'_, u64> {
        self.next.view()
    }
}

impl<T: Element> Share<T, Ix1> {
    /// Elements `start .. start + shape.size()` in another shape.
    ///
    /// # Errors
    /// [`Error::Shape`] if the vector is too short.
    pub fn part<D: Dimension>(&self, start: usize, shape: D) -> Result<Share<T, D>> {
        let range = start..start.saturating_add(shape.size());
        match (self.own().get(range.clone()), self.next().get(range)) {
            (Some(own), Some(next)) => Share::from_parts(self.party, shape, own.to_vec(), next.to_vec()),
            _ => Err(Error::shape("part of a vector", self.shape(), shape.slice())),
        }
    }

    /// Puts vectors one after the other.
    ///
    /// # Errors
    /// [`Error::Caller`] for no vectors or vectors of different parties.
    pub fn concatenate(parts: &[Self]) -> Result<Self> {
        let party = parts.first().ok_or_else(|| Error::caller("nothing to concatenate"))?.party;
        parts.iter().try_for_each(|part| same_party(party, part.party))?;
        let join = |component: fn(&Self) -> ArrayView<'_, u64, Ix1>| {
            let views: Vec<_> = parts.iter().map(component).collect();
            ndarray::concatenate(Axis(0), &views).map_err(|_| Error::caller("vectors are too long to concatenate"))
        };
        let (own, next) = (join(|part| part.own.view())?, join(|part| part.next.view())?);
        Ok(Self { party, own, next, meaning: PhantomData })
    }
}

impl<D: Dimension> Share<Ring64, D> {
    /// Reads the integers as fixed-point numbers with `F` fraction bits: `x` becomes `x / 2^F`.
    pub fn scaled<const F: u32>(self) -> Share<crate::fixed::Fixed<F>, D> {
        self.cast()
    }
}

pub(super) fn same_party(left: usize, right: usize) -> Result<()> {
    if left == right { Ok(()) } else { Err(Error::caller(format!("shares of parties `{left}` and `{right}` mixed"))) }
}

/// Ring elements of clear values, in standard layout.
pub(super) fn encode_values<T: Element, D: Dimension>(what: &str, values: ArrayView<'_, T::Clear, D>) -> Result<Array<u64, D>> {
    let mut raw = Array::zeros(values.raw_dim());
    for (slot, value) in raw.iter_mut().zip(values.iter()) {
        *slot = T::encode(what, *value)?;
    }
    Ok(raw)
}

impl<T: Element, D: Dimension> Clone for Share<T, D> {
    fn clone(&self) -> Self {
        Self { party: self.party, own: self.own.clone(), next: self.next.clone(), meaning: PhantomData }
    }
}

impl<T: Element, D: Dimension> Drop for Share<T, D> {
    fn drop(&mut self) {
        for component in [&mut self.own, &mut self.next] {
            if let Some(values) = component.as_slice_memory_order_mut() {
                values.zeroize();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::{arr1, arr2};

    use super::*;
    use crate::fixed::Fixed;

    fn sum<T: Element, D: Dimension>(shares: &[Share<T, D>; 3]) -> Vec<u64> {
        (0..shares[0].len()).map(|at| shares.iter().fold(0u64, |sum, share| sum.wrapping_add(share.own()[at]))).collect()
    }

    #[test]
    fn public_values_are_shared_consistently() {
        let values = arr1(&[1.5, -2.25]);
        let shares = [0, 1, 2].map(|party| Share::<Fixed<8>, _>::public(party, values.view()).unwrap());
        assert_eq!(sum(&shares), [384, (-576i64).cast_unsigned()]);
        for party in 0..3 {
            assert_eq!(shares[party].next(), shares[(party + 1) % 3].own());
        }
        let twice = shares.each_ref().map(|share| share.add_public(values.view()).unwrap());
        let none = [0, 1, 2].map(|party| twice[party].sub(&shares[party].mul_public(2)).unwrap());
        assert_eq!(sum(&none), [0, 0]);
        let minus = shares.each_ref().map(|share| share.neg().add(share).unwrap());
        assert_eq!(sum(&minus), [0, 0]);
    }

    #[test]
    fn shapes_and_parties_are_checked() {
        let a = Share::<Ring64, _>::public(0, arr1(&[1, 2]).view()).unwrap();
        let b = Share::<Ring64, _>::public(0, arr1(&[1, 2, 3]).view()).unwrap();
        let c = Share::<Ring64, _>::public(1, arr1(&[1, 2]).view()).unwrap();
        assert!(matches!(a.add(&b), Err(Error::Shape { .. })));
        assert!(matches!(a.add(&c), Err(Error::Caller(_))));
        assert!(matches!(a.add_public(arr1(&[1]).view()), Err(Error::Shape { .. })));
        assert!(matches!(a.reshape(ndarray::Ix2(3, 1)), Err(Error::Shape { .. })));
        assert!(matches!(a.part(1, ndarray::Ix1(2)), Err(Error::Shape { .. })));
        assert!(Share::<Ring64, _>::public(3, arr1(&[1]).view()).is_err());
    }

    #[test]
    fn parts_and_transposition() {
        let matrix = Share::<Ring64, _>::public(0, arr2(&[[1, 2, 3], [4, 5, 6]]).view()).unwrap();
        assert_eq!(matrix.transposed().own(), [1, 4, 2, 5, 3, 6]);
        let flat = matrix.reshape(ndarray::Ix1(6)).unwrap();
        assert_eq!(flat.part(2, ndarray::Ix2(2, 2)).unwrap().own(), [3, 4, 5, 6]);
        let joined = Share::concatenate(&[flat.clone(), flat]).unwrap();
        assert_eq!(joined.shape(), [12]);
    }
}
