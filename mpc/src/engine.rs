//! What a protocol has to offer so that programs run on it: a dozen whole-vector primitives.
//!
//! A program is ordinary Rust over [`Secret`](crate::secret::Secret) arrays, generic over an [`Engine`]. Everything above
//! the primitives (comparison, division, sorting, regression) is written once in terms of them. Engines of this crate:
//!
//! | engine | parties | adversary |
//! |---|---|---|
//! | [`Clear`](crate::clear::Clear) | 1 | none: the reference that the others are held against |
//! | [`rep3::Context`](crate::rep3::Context) | 3 | semi-honest, 1 corruption |
//! | [`rep3::Malicious`](crate::rep3::Malicious) | 3 | malicious with abort, 1 corruption |
//! | [`Dry`](crate::dry::Dry) | none | computes nothing, predicts bytes and rounds of another engine |
//!
//! `docs/add-a-protocol.md` says how to write another; `mpc/tests/dealer` is one outside this crate.
//!
//! Vectors are flat; shapes are the business of [`crate::secret`]. Lengths that do not fit are the caller's mistake: engines
//! check them before the first message ([`Product::result_len`], [`equal_lengths`]).
//!
//! **Order.** All parties call the same primitives with the same sizes in the same order. Independent operands go into one
//! call: it is one round for all of them.

mod bits;
pub mod known;
mod primitive;
mod product;
mod vector;
mod words;

pub use crate::memory::wipe;
pub use bits::Bits;
pub use known::{Known, KnownInput};
pub use primitive::{Priced, Primitive};
pub use product::{Product, ProductShape, add_products};
pub use vector::{BitVector, Module, Packed, Vector};
pub use words::Words;

use std::fmt;
use std::ops::Range;

use crate::{Error, Result};

/// Values of one owner that become shares.
pub struct Input<'a, V: ?Sized> {
    /// Party that owns them.
    pub owner: usize,
    /// Number of elements, known to all.
    pub len: usize,
    /// The values: at the owner only (an engine of a single party always wants them).
    pub values: Option<&'a V>,
}

impl<V: ?Sized> Clone for Input<'_, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V: ?Sized> Copy for Input<'_, V> {}

/// Without the values.
impl<V: ?Sized> fmt::Debug for Input<'_, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Input").field("owner", &self.owner).field("len", &self.len).finish_non_exhaustive()
    }
}

impl<'a, V: ?Sized> Input<'a, V> {
    /// Checks the input at party `index` of `parties`; the values if they are ours. `len` counts the elements of values.
    ///
    /// # Errors
    /// [`Error::Caller`] for an owner that does not exist, values that are missing or not ours to give; [`Error::Shape`] for values
    /// of another length.
    pub fn own(&self, index: usize, parties: usize, len: impl FnOnce(&V) -> usize) -> Result<Option<&'a V>> {
        if self.owner >= parties {
            return Err(Error::caller(format!("input owner `{}`, expected a number below `{parties}`", self.owner)));
        }
        match self.values {
            Some(values) if self.owner == index => equal_lengths("input", self.len, len(values)).map(|()| Some(values)),
            None if self.owner != index => Ok(None),
            Some(_) => Err(Error::caller("only the owner of an input passes values")),
            None => Err(Error::caller("the owner of an input has to pass its values")),
        }
    }
}

/// In which direction a secret permutation is applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Row `i` moves to a place that nobody knows.
    Forward,
    /// Undoes [`Way::Forward`].
    Back,
}

impl Way {
    /// The other one.
    #[must_use]
    pub const fn reversed(self) -> Self {
        match self {
            Self::Forward => Self::Back,
            Self::Back => Self::Forward,
        }
    }
}

/// A protocol that computes on shares.
pub trait Engine {
    /// Shares of a vector over Z_2^64.
    type Words: Module;
    /// Shares of a vector of bits.
    type Bits: BitVector;
    /// A permutation that no party knows.
    type Shuffle;

    /// Parties that may own inputs are numbered below this.
    const PARTIES: usize;

    /// Whether opened values are the values. [`Dry`](crate::dry::Dry) opens zeros: a program whose course depends on what it opens asks
    /// here, and plans with what it would need at most.
    const OPENS: bool = true;

    /// Public values as shares. No communication.
    fn constant(&self, values: &[u64]) -> Self::Words;

    /// Public bits as shares. No communication.
    fn constant_bits(&self, values: &Packed) -> Self::Bits;

    /// Shares vectors of any owners. One round.
    ///
    /// # Errors
    /// [`Error::Caller`] for values that are missing, not ours to give or of another length; the peers' and the transport's, as
    /// for every primitive below.
    fn input(&mut self, inputs: &[Input<'_, [u64]>]) -> Result<Vec<Self::Words>>;

    /// Shares bits of any owners. One round.
    ///
    /// # Errors
    /// As [`Self::input`].
    fn input_bits(&mut self, inputs: &[Input<'_, Packed>]) -> Result<Vec<Self::Bits>>;

    /// Products; with `shift > 0` each is cut by that many bits, error below one unit in the last place for products below `2^62`
    /// in absolute value, of [wide](ProductShape::is_wide) matrices below `2^61`.
    ///
    /// # Errors
    /// [`Error::Shape`] for operands that do not fit; see [`Self::input`].
    fn multiply(&mut self, products: &[Product<'_, Self::Words>], shift: u32) -> Result<Vec<Self::Words>>;

    /// Cuts signed values below `2^62` in absolute value by `shift` bits, error below one unit in the last place.
    ///
    /// # Errors
    /// [`Error::Caller`] unless `1 <= shift <= 62`; see [`Self::input`].
    fn truncate(&mut self, values: &[&Self::Words], shift: u32) -> Result<Vec<Self::Words>>;

    /// Cuts signed values below `2^bound` in absolute value by `shift` bits, cheaper where an engine can, and not always right: error
    /// below one unit in the last place, but with probability below `2^(bound - 63)` per value the result is off by `2^(64 - shift)`.
    /// Nothing else in this crate calls it. As provided, it is [`Self::truncate`]. What it leaks on
    /// [`rep3`](crate::rep3): [`crate::rep3#truncation-by-name`].
    ///
    /// # Errors
    /// [`Error::Caller`] unless `1 <= shift <= bound <= 62`; see [`Self::input`].
    fn truncate_probabilistic(&mut self, values: &[&Self::Words], shift: u32, bound: u32) -> Result<Vec<Self::Words>> {
        check_bound(shift, bound)?;
        self.truncate(values, shift)
    }

    /// Bitwise conjunctions. One round.
    ///
    /// # Errors
    /// [`Error::Shape`] for lengths that differ; see [`Self::input`].
    fn and(&mut self, pairs: &[(&Self::Bits, &Self::Bits)]) -> Result<Vec<Self::Bits>>;

    /// For each vector two lists of bit planes, lowest bit first, `bits` planes each: two numbers whose sum modulo `2^bits` is the
    /// value modulo `2^bits`. An adder makes its bits of them.
    ///
    /// # Errors
    /// [`Error::Caller`] unless `1 <= bits <= 64`; see [`Self::input`].
    fn addends(&mut self, values: &[&Self::Words], bits: u32) -> Result<Vec<[Vec<Self::Bits>; 2]>>;

    /// As [`Self::addends`] for one value plus each of several public offsets, of a range of bits only: for each offset two numbers
    /// of `planes.len()` bits whose sum modulo `2^planes.len()` is the one that these bits of `value + offset` are, or one less (the
    /// carry out of the lower bits may be missing). Thresholds that need not be sharp are compared at a fraction of the cost.
    ///
    /// # Errors
    /// [`Error::Caller`] for an empty range or one beyond 64; see [`Self::input`].
    fn addends_at(&mut self, value: &Self::Words, offsets: &[u64], planes: Range<u32>) -> Result<Vec<[Vec<Self::Bits>; 2]>> {
        check_range(&planes)?;
        let moved: Vec<_> = offsets.iter().map(|offset| value.add(&self.constant(&vec![*offset; value.len()]))).collect();
        let all = self.addends(&moved.iter().collect::<Vec<_>>(), planes.end)?;
        let high = |addend: Vec<Self::Bits>| addend.into_iter().skip(planes.start as usize).collect();
        Ok(all.into_iter().map(|pair| pair.map(high)).collect())
    }

    /// Uniform values that no party knows.
    ///
    /// # Errors
    /// See [`Self::input`].
    fn random(&mut self, len: usize) -> Result<Self::Words>;

    /// Bits as ring elements 0 and 1.
    ///
    /// # Errors
    /// See [`Self::input`].
    fn lift(&mut self, bits: &[&Self::Bits]) -> Result<Vec<Self::Words>>;

    /// Bits times values: the value where the bit is 1, else 0.
    ///
    /// # Errors
    /// [`Error::Shape`] for lengths that differ; see [`Self::input`].
    fn inject(&mut self, pairs: &[(&Self::Bits, &Self::Words)]) -> Result<Vec<Self::Words>> {
        for (bits, words) in pairs {
            equal_lengths("selection", bits.len(), words.len())?;
        }
        let bits: Vec<_> = pairs.iter().map(|(bits, _)| *bits).collect();
        let lifted = self.lift(&bits)?;
        let products: Vec<_> = lifted.iter().zip(pairs).map(|(bits, (_, words))| Product::Each(bits, words)).collect();
        self.multiply(&products, 0)
    }

    /// Products of any kind that are right modulo 2^32 and arbitrary above ([halves](known)); of the operands the lower halves count.
    /// As provided, they are right above too.
    ///
    /// # Errors
    /// As [`Self::multiply`].
    fn multiply_halves(&mut self, products: &[Product<'_, Self::Words>]) -> Result<Vec<Self::Words>> {
        self.multiply(products, 0)
    }

    /// Sums of products of `terms` vectors of `n` elements that lie one after the other, [halves](known): element `j` is the sum over `t` of
    /// `left[t n + j] right[t n + j]`. One round, as many bytes as `n` products.
    ///
    /// # Errors
    /// [`Error::Shape`] for operands of different lengths; [`Error::Caller`] for lengths that are no multiple of `terms`; see [`Self::input`].
    fn sum_halves(&mut self, left: &Self::Words, right: &Self::Words, terms: usize) -> Result<Self::Words> {
        known::sums(self, left, right, terms)
    }

    /// Shares matrices of indicators, each of a party that knows it: once for many products. One round.
    ///
    /// # Errors
    /// [`KnownInput::check`]'s; as [`Self::input`].
    fn share_known(&mut self, inputs: &[KnownInput<'_>]) -> Result<Vec<Known<Self::Words>>> {
        known::share(self, inputs)
    }

    /// For each matrix sums over its rows: `[m, rows] [rows, columns] -> [m, columns]`, [halves](known). One round.
    ///
    /// # Errors
    /// [`Error::Shape`] for vectors that do not fit; see [`Self::input`].
    fn known_totals(&mut self, products: &[(&Known<Self::Words>, &Self::Words)]) -> Result<Vec<Self::Words>> {
        known::totals(self, products)
    }

    /// Sums over the columns of all matrices: `[m, columns] [columns, rows] -> [m, rows]`, added up, [halves](known). One round.
    ///
    /// # Errors
    /// [`Error::Shape`] for vectors that do not fit; [`Error::Caller`] for no matrices or matrices of different rows; see [`Self::input`].
    fn known_picks(&mut self, products: &[(&Known<Self::Words>, &Self::Words)]) -> Result<Self::Words> {
        known::picks(self, products)
    }

    /// Draws a permutation of `len` rows that no party knows.
    ///
    /// # Errors
    /// See [`Self::input`].
    fn draw_shuffle(&mut self, len: usize) -> Result<Self::Shuffle>;

    /// Applies it to columns of that many rows, the same to all.
    ///
    /// # Errors
    /// [`Error::Shape`] for columns of another length; see [`Self::input`].
    fn shuffle(&mut self, by: &Self::Shuffle, columns: &[&Self::Words], way: Way) -> Result<Vec<Self::Words>>;

    /// Tells all parties the values. One round.
    ///
    /// # Errors
    /// With a malicious adversary first [`Self::verify`]'s; see [`Self::input`].
    fn open(&mut self, values: &[&Self::Words]) -> Result<Vec<Vec<u64>>>;

    /// Tells all parties the bits. One round.
    ///
    /// # Errors
    /// As [`Self::open`].
    fn open_bits(&mut self, bits: &[&Self::Bits]) -> Result<Vec<Packed>>;

    /// Checks everything since the last check: with a malicious adversary before anything is opened or sealed; otherwise nothing.
    ///
    /// # Errors
    /// [`Error::Peer`] naming the step that a party corrupted.
    fn verify(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Refuses vectors of different lengths.
///
/// # Errors
/// [`Error::Shape`].
pub fn equal_lengths(operation: &'static str, left: usize, right: usize) -> Result<()> {
    if left == right { Ok(()) } else { Err(Error::shape(operation, &[left], &[right])) }
}

/// Refuses a shift that truncation does not know.
///
/// # Errors
/// [`Error::Caller`].
pub fn check_shift(shift: u32) -> Result<()> {
    if (1..=62).contains(&shift) { Ok(()) } else { Err(Error::caller(format!("shift `{shift}`, expected 1 to 62"))) }
}

/// Refuses bit planes that a ring element does not have.
///
/// # Errors
/// [`Error::Caller`].
pub fn check_range(planes: &Range<u32>) -> Result<()> {
    if planes.start < planes.end && planes.end <= 64 {
        Ok(())
    } else {
        Err(Error::caller(format!("bit planes `{planes:?}`, expected some of 0 to 63")))
    }
}

/// Refuses numbers of bits that a probabilistic truncation cannot have.
///
/// # Errors
/// [`Error::Caller`].
pub fn check_bound(shift: u32, bound: u32) -> Result<()> {
    check_shift(shift)?;
    if (shift..=62).contains(&bound) {
        Ok(())
    } else {
        Err(Error::caller(format!("values below `2^{bound}`, cut by `{shift}` bits: expected 2^{shift} to 2^62")))
    }
}

/// Refuses a number of bit planes that a ring element does not have.
///
/// # Errors
/// [`Error::Caller`].
pub fn check_planes(bits: u32) -> Result<()> {
    if (1..=64).contains(&bits) { Ok(()) } else { Err(Error::caller(format!("`{bits}` bit planes, expected 1 to 64"))) }
}
