//! A dry run (成本试算): the same program on lengths instead of shares gives every message of a protocol before it runs.
//!
//! ```
//! use yu_mpc::{dry::Dry, engine::{Engine, Input}, rep3};
//! let mut dry = Dry::<rep3::Context>::new(&["a", "b", "c"]);
//! let x = dry.input(&[Input { owner: 0, len: 1000, values: None }])?;
//! dry.open(&[&x[0]])?;
//! let cost = dry.cost()?;
//! assert_eq!(cost.rounds, 3); // set-up, input, opening
//! assert_eq!(cost.bytes, 3 * (32 + 32) + (8000 + 32) + 3 * (8000 + 32));
//! # Ok::<(), yu_mpc::Error>(())
//! ```

use std::marker::PhantomData;
use std::ops::Range;

use crate::cost::{Cost, Counts, Formula};
use crate::engine::known::{Form, Known, KnownInput};
use crate::engine::{
    BitVector, Engine, Input, Module, Packed, Priced, Primitive, Product, ProductShape, Vector, Way, check_bound, check_planes,
    check_range, check_shift, equal_lengths,
};
use crate::{Error, Result};

/// A vector of which only the length is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length(usize);

/// Runs programs of engine `P` without data, parties or messages, and keeps account.
pub struct Dry<P: Priced> {
    parties: Vec<String>,
    log: Vec<Primitive>,
    /// Where the primitives since the last check begin.
    unchecked: usize,
    formula: Formula,
    multiply_adds: u64,
    engine: PhantomData<P>,
}

impl<P: Priced> Dry<P> {
    /// A session of the named parties, set-up included.
    #[must_use]
    pub fn new(parties: &[&str]) -> Self {
        Self {
            parties: parties.iter().map(|name| (*name).to_owned()).collect(),
            log: Vec::new(),
            unchecked: 0,
            formula: P::price_of_setup(parties),
            multiply_adds: 0,
            engine: PhantomData,
        }
    }

    /// The primitives so far, with their sizes.
    #[must_use]
    pub fn log(&self) -> &[Primitive] {
        &self.log
    }

    /// Every message so far.
    #[must_use]
    pub const fn formula(&self) -> &Formula {
        &self.formula
    }

    /// Multiply-adds of the products so far, as one clear computation has them: what communication does not show.
    #[must_use]
    pub const fn multiply_adds(&self) -> u64 {
        self.multiply_adds
    }

    /// Bytes and rounds so far, per party and step.
    ///
    /// # Errors
    /// [`Error::Caller`] if a number exceeds 64 bits.
    pub fn cost(&self) -> Result<Cost> {
        self.formula.evaluate(&Counts::default())
    }

    fn charge(&mut self, primitive: Primitive) -> bool {
        let names: Vec<&str> = self.parties.iter().map(String::as_str).collect();
        let before = self.log.get(self.unchecked..).unwrap_or_default();
        let Some(price) = P::price(&primitive, before, &names) else { return false };
        self.formula.append(price);
        let is_check = primitive == Primitive::Verify;
        self.log.push(primitive);
        if is_check {
            self.unchecked = self.log.len();
        }
        true
    }

    /// Products `[m, k] [k, n]` with known matrices, of which the results are added up or not.
    fn known_products(&mut self, shapes: Vec<[usize; 3]>, added: bool) -> Result<Vec<Length>> {
        let lens: Vec<usize> = shapes.iter().map(|[m, _, n]| m * n).collect();
        let work = |shape: &[usize; 3]| shape.iter().fold(1u64, |product, size| product.saturating_mul(*size as u64));
        self.multiply_adds = shapes.iter().map(work).fold(self.multiply_adds, u64::saturating_add);
        if P::HALVES {
            let len = if added { lens.first().copied().unwrap_or(0) } else { lens.iter().sum() };
            self.charge(Primitive::MultiplyHalves { len });
        } else {
            let operands = shapes.iter().map(|[m, k, n]| m * k + k * n).sum();
            let shapes = shapes.into_iter().map(ProductShape::Matrix).collect();
            self.charge(Primitive::Multiply { len: lens.iter().sum(), operands, shift: 0, shapes });
        }
        Ok(lens.into_iter().map(Length).collect())
    }

    /// Engines that check do so before they open.
    fn check_first(&mut self) {
        if P::CHECKS {
            self.charge(Primitive::Verify);
        }
    }

    fn sizes<V: ?Sized>(&self, inputs: &[Input<'_, V>], size: impl Fn(usize) -> usize) -> Result<Vec<usize>> {
        let mut sizes = vec![0; self.parties.len()];
        for input in inputs {
            let slot = sizes.get_mut(input.owner).ok_or_else(|| Error::caller(format!("input owner `{}`", input.owner)))?;
            *slot += size(input.len);
        }
        Ok(sizes)
    }
}

const fn words(bits: usize) -> usize {
    bits.div_ceil(64)
}

impl<P: Priced> Engine for Dry<P> {
    type Words = Length;
    type Bits = Length;
    type Shuffle = Length;

    const PARTIES: usize = P::PARTIES;
    const OPENS: bool = false;

    fn constant(&self, values: &[u64]) -> Length {
        Length(values.len())
    }

    fn constant_bits(&self, values: &Packed) -> Length {
        Length(values.len())
    }

    fn input(&mut self, inputs: &[Input<'_, [u64]>]) -> Result<Vec<Length>> {
        let sizes = self.sizes(inputs, |len| len)?;
        self.charge(Primitive::Input(sizes));
        Ok(inputs.iter().map(|input| Length(input.len)).collect())
    }

    fn input_bits(&mut self, inputs: &[Input<'_, Packed>]) -> Result<Vec<Length>> {
        let sizes = self.sizes(inputs, words)?;
        self.charge(Primitive::InputBits(sizes));
        Ok(inputs.iter().map(|input| Length(input.len)).collect())
    }

    fn multiply(&mut self, products: &[Product<'_, Length>], shift: u32) -> Result<Vec<Length>> {
        if shift > 0 {
            check_shift(shift)?;
        }
        let len = Product::total(products)?;
        self.multiply_adds = products.iter().map(|product| product.multiply_adds()).fold(self.multiply_adds, u64::saturating_add);
        let shapes = products.iter().map(Product::shape).collect::<Result<_>>()?;
        self.charge(Primitive::Multiply { len, operands: Product::operand_total(products), shift, shapes });
        products.iter().map(|product| product.result_len().map(Length)).collect()
    }

    fn truncate(&mut self, values: &[&Length], shift: u32) -> Result<Vec<Length>> {
        check_shift(shift)?;
        self.charge(Primitive::Truncate { len: values.iter().map(|value| value.0).sum(), shift });
        Ok(values.iter().map(|value| **value).collect())
    }

    fn truncate_probabilistic(&mut self, values: &[&Length], shift: u32, bound: u32) -> Result<Vec<Length>> {
        check_bound(shift, bound)?;
        if !P::TRUNCATES_CHEAPLY {
            return self.truncate(values, shift);
        }
        self.charge(Primitive::TruncateProbabilistic { len: values.iter().map(|value| value.0).sum() });
        Ok(values.iter().map(|value| **value).collect())
    }

    fn and(&mut self, pairs: &[(&Length, &Length)]) -> Result<Vec<Length>> {
        pairs.iter().try_for_each(|(left, right)| equal_lengths("conjunction", left.0, right.0))?;
        self.charge(Primitive::And { words: pairs.iter().map(|(left, _)| words(left.0)).sum() });
        Ok(pairs.iter().map(|(left, _)| **left).collect())
    }

    fn addends(&mut self, values: &[&Length], bits: u32) -> Result<Vec<[Vec<Length>; 2]>> {
        check_planes(bits)?;
        self.charge(Primitive::Addends { words: values.iter().map(|value| words(value.0) * bits as usize).sum() });
        let planes = |value: &Length| vec![*value; bits as usize];
        Ok(values.iter().map(|value| [planes(value), planes(value)]).collect())
    }

    fn addends_at(&mut self, value: &Length, offsets: &[u64], planes: Range<u32>) -> Result<Vec<[Vec<Length>; 2]>> {
        check_range(&planes)?;
        let wanted = if P::LOW_PLANES_ARE_FREE { planes.len() } else { planes.end as usize };
        self.charge(Primitive::Addends { words: offsets.len() * words(value.0) * wanted });
        let addend = || vec![*value; planes.len()];
        Ok(offsets.iter().map(|_| [addend(), addend()]).collect())
    }

    fn random(&mut self, len: usize) -> Result<Length> {
        Ok(Length(len))
    }

    fn lift(&mut self, bits: &[&Length]) -> Result<Vec<Length>> {
        self.charge(Primitive::Lift { len: bits.iter().map(|bits| bits.0).sum() });
        Ok(bits.iter().map(|bits| **bits).collect())
    }

    fn inject(&mut self, pairs: &[(&Length, &Length)]) -> Result<Vec<Length>> {
        pairs.iter().try_for_each(|(bits, words)| equal_lengths("selection", bits.0, words.0))?;
        let len = pairs.iter().map(|(bits, _)| bits.0).sum();
        if !self.charge(Primitive::Inject { len }) {
            self.charge(Primitive::Lift { len });
            let shapes = pairs.iter().map(|(bits, _)| ProductShape::Sums { len: bits.0, terms: 1 }).collect();
            self.charge(Primitive::Multiply { len, operands: 2 * len, shift: 0, shapes });
        }
        Ok(pairs.iter().map(|(_, words)| **words).collect())
    }

    fn multiply_halves(&mut self, products: &[Product<'_, Length>]) -> Result<Vec<Length>> {
        if !P::HALVES {
            return self.multiply(products, 0);
        }
        self.multiply_adds = products.iter().map(|product| product.multiply_adds()).fold(self.multiply_adds, u64::saturating_add);
        self.charge(Primitive::MultiplyHalves { len: Product::total(products)? });
        products.iter().map(|product| product.result_len().map(Length)).collect()
    }

    fn share_known(&mut self, inputs: &[KnownInput<'_>]) -> Result<Vec<Known<Length>>> {
        inputs.iter().try_for_each(KnownInput::check)?;
        if P::HALVES {
            let mut sizes = vec![0; self.parties.len()];
            for input in inputs {
                let slot = sizes.get_mut(input.owner).ok_or_else(|| Error::caller(format!("input owner `{}`", input.owner)))?;
                *slot += input.padded();
            }
            self.charge(Primitive::ShareKnown(sizes));
        } else {
            let dense = |input: &KnownInput<'_>| Input { owner: input.owner, len: input.rows * input.columns(), values: None };
            self.input(&inputs.iter().map(dense).collect::<Vec<_>>())?;
        }
        let known = |input: &KnownInput<'_>| Known {
            owner: input.owner,
            rows: input.rows,
            bins: input.bins.into(),
            form: Form::Shares(Length(input.rows * input.columns())),
        };
        Ok(inputs.iter().map(known).collect())
    }

    fn known_totals(&mut self, products: &[(&Known<Length>, &Length)]) -> Result<Vec<Length>> {
        let shape = |(known, vectors): &(&Known<Length>, &Length)| Ok([known.count(vectors, known.rows)?, known.rows, known.columns()]);
        self.known_products(products.iter().map(shape).collect::<Result<_>>()?, false)
    }

    fn known_picks(&mut self, products: &[(&Known<Length>, &Length)]) -> Result<Length> {
        let shape =
            |(known, vectors): &(&Known<Length>, &Length)| Ok([known.count(vectors, known.columns())?, known.columns(), known.rows]);
        let parts = self.known_products(products.iter().map(shape).collect::<Result<_>>()?, true)?;
        let first = parts.first().copied().ok_or_else(|| Error::caller("sums of products with known matrices: at least one"))?;
        parts.iter().try_for_each(|part| equal_lengths("sums of products with known matrices", first.0, part.0))?;
        Ok(first)
    }

    fn draw_shuffle(&mut self, len: usize) -> Result<Length> {
        self.charge(Primitive::DrawShuffle { len });
        Ok(Length(len))
    }

    fn shuffle(&mut self, by: &Length, columns: &[&Length], way: Way) -> Result<Vec<Length>> {
        columns.iter().try_for_each(|column| equal_lengths("shuffle", by.0, column.0))?;
        self.charge(Primitive::Shuffle { len: columns.iter().map(|column| column.0).sum(), way });
        Ok(columns.iter().map(|column| **column).collect())
    }

    /// Zeros: programs whose course depends on opened values ask [`Engine::OPENS`] and plan with a bound.
    fn open(&mut self, values: &[&Length]) -> Result<Vec<Vec<u64>>> {
        self.check_first();
        self.charge(Primitive::Open { len: values.iter().map(|value| value.0).sum() });
        Ok(values.iter().map(|value| vec![0; value.0]).collect())
    }

    fn open_bits(&mut self, bits: &[&Length]) -> Result<Vec<Packed>> {
        self.check_first();
        self.charge(Primitive::OpenBits { words: bits.iter().map(|bits| words(bits.0)).sum() });
        Ok(bits.iter().map(|bits| Packed::zeros(bits.0)).collect())
    }

    fn verify(&mut self) -> Result<()> {
        self.check_first();
        Ok(())
    }
}

impl Vector for Length {
    fn len(&self) -> usize {
        self.0
    }

    fn slice(&self, range: Range<usize>) -> Self {
        Self(range.len())
    }

    fn gather(&self, index: &[usize]) -> Self {
        Self(index.len())
    }

    fn concat(parts: &[&Self]) -> Self {
        Self(parts.iter().map(|part| part.0).sum())
    }
}

impl Module for Length {
    fn zeros(len: usize) -> Self {
        Self(len)
    }

    fn add(&self, _: &Self) -> Self {
        *self
    }

    fn sub(&self, _: &Self) -> Self {
        *self
    }

    fn neg(&self) -> Self {
        *self
    }

    fn scale(&self, _: u64) -> Self {
        *self
    }

    fn scale_each(&self, _: &[u64]) -> Self {
        *self
    }

    fn sums(&self, group: usize) -> Self {
        Self(self.0 / group)
    }

    fn prefix_sums(&self, _: usize) -> Self {
        *self
    }

    fn transpose(&self, _: usize) -> Self {
        *self
    }
}

impl BitVector for Length {
    fn zeros(len: usize) -> Self {
        Self(len)
    }

    fn xor(&self, _: &Self) -> Self {
        *self
    }

    fn mask(&self, _: &Packed) -> Self {
        *self
    }
}
