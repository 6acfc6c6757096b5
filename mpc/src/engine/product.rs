//! Which operands of a multiplication meet.

use super::vector::Vector;
use crate::{Error, Result};

/// One product of two shared operands. Its result has one ring element per sum, however many terms the sum has: engines
/// communicate in the size of the result only.
pub enum Product<'a, W> {
    /// Element by element.
    Each(&'a W, &'a W),
    /// Scalar products of groups: `[groups, k] . [groups, k] -> [groups]`.
    Dots {
        /// Left operand.
        left: &'a W,
        /// Right operand.
        right: &'a W,
        /// Terms of each sum.
        terms: usize,
    },
    /// Matrices: `[m, k] [k, n] -> [m, n]`.
    Matrix {
        /// Left operand, row by row.
        left: &'a W,
        /// Right operand, row by row.
        right: &'a W,
        /// `m`, `k`, `n`.
        shape: [usize; 3],
    },
}

/// Sizes of a [`Product`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProductShape {
    /// Sums of so many terms each: one, element by element.
    Sums {
        /// Elements of the result.
        len: usize,
        /// Terms of each.
        terms: usize,
    },
    /// Matrices `m`, `k`, `n`.
    Matrix([usize; 3]),
}

impl ProductShape {
    /// Elements of the result.
    #[must_use]
    pub const fn result_len(&self) -> usize {
        match *self {
            Self::Sums { len, .. } => len,
            Self::Matrix([m, _, n]) => m * n,
        }
    }

    /// Whether this is a matrix product with at least 64 rows and columns. [`Engine::multiply`](super::Engine::multiply) may take one bit of
    /// the range of such products, where they are cut, to compute them at half the cost.
    #[must_use]
    pub const fn is_wide(&self) -> bool {
        matches!(*self, Self::Matrix([m, _, n]) if m >= 64 && n >= 64)
    }
}

impl<W> Clone for Product<'_, W> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<W> Copy for Product<'_, W> {}

impl<'a, W: Vector> Product<'a, W> {
    /// Elements of the result, after a check that the operands fit.
    ///
    /// # Errors
    /// [`Error::Shape`].
    pub fn result_len(&self) -> Result<usize> {
        let (left, right) = self.operands();
        match *self {
            Product::Each(..) if left.len() == right.len() => Ok(left.len()),
            Product::Each(..) => Err(Error::shape("product", &[left.len()], &[right.len()])),
            Product::Dots { terms, .. } if left.len() == right.len() && terms > 0 && left.len().is_multiple_of(terms) => {
                Ok(left.len() / terms)
            }
            Product::Dots { terms, .. } => Err(Error::shape("scalar product", &[left.len(), terms], &[right.len(), terms])),
            Product::Matrix { shape: [m, k, n], .. } => {
                let fits = m.checked_mul(k) == Some(left.len()) && k.checked_mul(n) == Some(right.len());
                match m.checked_mul(n) {
                    Some(len) if fits => Ok(len),
                    _ => Err(Error::shape("matrix product", &[m, k], &[k, n])),
                }
            }
        }
    }

    /// Both operands.
    #[must_use]
    pub const fn operands(&self) -> (&'a W, &'a W) {
        match *self {
            Product::Each(left, right) | Product::Dots { left, right, .. } | Product::Matrix { left, right, .. } => (left, right),
        }
    }

    /// Sizes, after a check that the operands fit.
    ///
    /// # Errors
    /// As [`Self::result_len`].
    pub fn shape(&self) -> Result<ProductShape> {
        let len = self.result_len()?;
        Ok(match *self {
            Product::Each(..) => ProductShape::Sums { len, terms: 1 },
            Product::Dots { terms, .. } => ProductShape::Sums { len, terms },
            Product::Matrix { shape, .. } => ProductShape::Matrix(shape),
        })
    }

    /// Multiply-adds of the clear computation.
    pub fn multiply_adds(&self) -> u64 {
        match self {
            Product::Each(left, _) | Product::Dots { left, .. } => left.len() as u64,
            Product::Matrix { shape, .. } => shape.iter().fold(1, |product, size| product.saturating_mul(*size as u64)),
        }
    }

    /// Elements of all results.
    ///
    /// # Errors
    /// As [`Self::result_len`].
    pub fn total(products: &[Self]) -> Result<usize> {
        products
            .iter()
            .try_fold(0usize, |sum, product| sum.checked_add(product.result_len()?).ok_or_else(|| Error::caller("products are too large")))
    }

    /// Elements of all operands, left and right.
    #[must_use]
    pub fn operand_total(products: &[Self]) -> usize {
        products.iter().map(Self::operands).map(|(left, right)| left.len() + right.len()).sum()
    }
}

/// `z[j] += sum of left * right` over plain ring elements, as `product` says; engines use it on components.
///
/// # Errors
/// [`Error::Shape`] for slices that do not fit.
pub fn add_products<W>(product: &Product<'_, W>, z: &mut [u64], left: &[u64], right: &[u64]) -> Result<()> {
    match *product {
        Product::Each(..) => {
            for ((z, left), right) in z.iter_mut().zip(left).zip(right) {
                *z = z.wrapping_add(left.wrapping_mul(*right));
            }
        }
        Product::Dots { terms, .. } => {
            for ((z, left), right) in z.iter_mut().zip(left.chunks_exact(terms)).zip(right.chunks_exact(terms)) {
                let sum = left.iter().zip(right).fold(0u64, |sum, (left, right)| sum.wrapping_add(left.wrapping_mul(*right)));
                *z = z.wrapping_add(sum);
            }
        }
        Product::Matrix { shape: [m, k, n], .. } => {
            let wrong = |_| Error::shape("matrix product", &[m, k], &[k, n]);
            let left = ndarray::ArrayView2::from_shape((m, k), left).map_err(wrong)?;
            let right = ndarray::ArrayView2::from_shape((k, n), right).map_err(wrong)?;
            let mut z = ndarray::ArrayViewMut2::from_shape((m, n), z).map_err(wrong)?;
            crate::gemm::multiply_add(&mut z, left, right)?;
        }
    }
    Ok(())
}
