//! Shares that belong to [`Malicious`](super::Malicious): made by it only, and cheap to keep for a check.

use std::ops::Range;
use std::sync::Arc;

use crate::engine::{BitVector, Bits, Module, Packed, Vector, Words};

/// Shares of ring elements. There is no way from the semi-honest engine's:
/// ```compile_fail
/// use yu_mpc::{engine::Engine, rep3};
/// fn launder(words: <rep3::Context as Engine>::Words) -> <rep3::Malicious as Engine>::Words {
///     words.into()
/// }
/// ```
/// ```compile_fail
/// use yu_mpc::{engine::Words, rep3::malicious::CheckedWords};
/// let made = CheckedWords::from_parts([vec![1u64], vec![2]]);
/// ```
/// ```compile_fail
/// use yu_mpc::{rep3, ring::Ring64, secret::Secret};
/// fn mix(a: &Secret<rep3::Malicious, Ring64, ndarray::Ix1>, b: &Secret<rep3::Context, Ring64, ndarray::Ix1>) {
///     let _ = a.add(b);
/// }
/// ```
/// ```compile_fail
/// use yu_mpc::{rep3, ring::Ring64, secret::Secret};
/// fn launder(a: Secret<rep3::Context, Ring64, ndarray::Ix1>) -> Secret<rep3::Malicious, Ring64, ndarray::Ix1> {
///     Secret::from_words(a.into_words(), ndarray::Ix1(1)).unwrap()
/// }
/// ```
/// With the words of its own engine that compiles:
/// ```
/// use yu_mpc::{rep3, ring::Ring64, secret::Secret};
/// fn same(a: Secret<rep3::Malicious, Ring64, ndarray::Ix1>) -> Secret<rep3::Malicious, Ring64, ndarray::Ix1> {
///     Secret::from_words(a.into_words(), ndarray::Ix1(1)).unwrap()
/// }
/// ```
/// They do not print:
/// ```compile_fail
/// fn print(words: &yu_mpc::rep3::malicious::CheckedWords) -> String {
///     format!("{words:?}")
/// }
/// ```
#[derive(Clone)]
pub struct CheckedWords(pub(super) Arc<Words<2>>);

/// Shares of bits; as [`CheckedWords`].
/// ```compile_fail
/// use yu_mpc::{engine::Engine, rep3};
/// fn launder(bits: <rep3::Context as Engine>::Bits) -> <rep3::Malicious as Engine>::Bits {
///     bits.into()
/// }
/// ```
/// ```compile_fail
/// fn print(bits: &yu_mpc::rep3::malicious::CheckedBits) -> String {
///     format!("{bits:?}")
/// }
/// ```
#[derive(Clone)]
pub struct CheckedBits(pub(super) Arc<Bits<2>>);

impl From<Words<2>> for Hidden<CheckedWords> {
    fn from(words: Words<2>) -> Self {
        Self(CheckedWords(Arc::new(words)))
    }
}

impl From<Bits<2>> for Hidden<CheckedBits> {
    fn from(bits: Bits<2>) -> Self {
        Self(CheckedBits(Arc::new(bits)))
    }
}

/// Keeps the conversion inside this module's parent.
pub(super) struct Hidden<T>(pub(super) T);

/// Results of the semi-honest step below, on their way to being checked.
pub(super) fn adopt<V, T>(results: Vec<V>) -> Vec<T>
where
    Hidden<T>: From<V>,
{
    results.into_iter().map(|result| Hidden::from(result).0).collect()
}

macro_rules! vector {
    ($checked:ident) => {
        impl Vector for $checked {
            fn len(&self) -> usize {
                self.0.len()
            }

            fn slice(&self, range: Range<usize>) -> Self {
                Self(Arc::new(self.0.slice(range)))
            }

            fn gather(&self, index: &[usize]) -> Self {
                Self(Arc::new(self.0.gather(index)))
            }

            fn concat(parts: &[&Self]) -> Self {
                let parts: Vec<_> = parts.iter().map(|part| part.0.as_ref()).collect();
                Self(Arc::new(Vector::concat(&parts)))
            }
        }
    };
}

vector!(CheckedWords);
vector!(CheckedBits);

impl Module for CheckedWords {
    fn zeros(len: usize) -> Self {
        Self(Arc::new(Module::zeros(len)))
    }

    fn add(&self, other: &Self) -> Self {
        Self(Arc::new(self.0.add(&other.0)))
    }

    fn sub(&self, other: &Self) -> Self {
        Self(Arc::new(self.0.sub(&other.0)))
    }

    fn neg(&self) -> Self {
        Self(Arc::new(self.0.neg()))
    }

    fn scale(&self, factor: u64) -> Self {
        Self(Arc::new(self.0.scale(factor)))
    }

    fn scale_each(&self, factors: &[u64]) -> Self {
        Self(Arc::new(self.0.scale_each(factors)))
    }

    fn sums(&self, group: usize) -> Self {
        Self(Arc::new(self.0.sums(group)))
    }

    fn prefix_sums(&self, group: usize) -> Self {
        Self(Arc::new(self.0.prefix_sums(group)))
    }

    fn transpose(&self, rows: usize) -> Self {
        Self(Arc::new(self.0.transpose(rows)))
    }
}

impl BitVector for CheckedBits {
    fn zeros(len: usize) -> Self {
        Self(Arc::new(BitVector::zeros(len)))
    }

    fn xor(&self, other: &Self) -> Self {
        Self(Arc::new(self.0.xor(&other.0)))
    }

    fn mask(&self, mask: &Packed) -> Self {
        Self(Arc::new(self.0.mask(mask)))
    }
}
