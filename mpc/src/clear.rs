//! The reference engine: the same programs on values that one process knows.
//!
//! It computes what the others promise, rounding included: a truncation cuts towards minus infinity, the others may be one unit
//! in the last place away. Every input has to be passed, whoever owns it. Permutations are fixed ones: results of programs do
//! not depend on them.

use crate::engine::{Bits, Engine, Input, Packed, Product, Vector, Way, Words, add_products, check_planes, check_shift, equal_lengths};
use crate::{Error, Result};

/// Computes on clear values.
#[derive(Debug, Default)]
pub struct Clear;

/// Where each row goes.
pub struct ClearShuffle(Vec<usize>);

impl Clear {
    fn given<'a, V: ?Sized>(input: &Input<'a, V>, len: impl Fn(&V) -> usize) -> Result<&'a V> {
        let values = input.values.ok_or_else(|| Error::caller("the reference engine wants the values of every input"))?;
        equal_lengths("input", input.len, len(values))?;
        if input.owner < Self::PARTIES { Ok(values) } else { Err(Error::caller(format!("input owner `{}`", input.owner))) }
    }
}

fn share(values: Vec<u64>) -> Words<1> {
    Words::from_parts([values])
}

fn cut(values: &[u64], shift: u32) -> Vec<u64> {
    values.iter().map(|value| (value.cast_signed() >> shift).cast_unsigned()).collect()
}

impl Engine for Clear {
    type Words = Words<1>;
    type Bits = Bits<1>;
    type Shuffle = ClearShuffle;

    /// As many as any other engine has.
    const PARTIES: usize = 16;

    fn constant(&self, values: &[u64]) -> Words<1> {
        share(values.to_vec())
    }

    fn constant_bits(&self, values: &Packed) -> Bits<1> {
        Bits::from_parts([values.clone()])
    }

    fn input(&mut self, inputs: &[Input<'_, [u64]>]) -> Result<Vec<Words<1>>> {
        inputs.iter().map(|input| Ok(share(Self::given(input, <[u64]>::len)?.to_vec()))).collect()
    }

    fn input_bits(&mut self, inputs: &[Input<'_, Packed>]) -> Result<Vec<Bits<1>>> {
        inputs.iter().map(|input| Ok(Bits::from_parts([Self::given(input, Packed::len)?.clone()]))).collect()
    }

    fn multiply(&mut self, products: &[Product<'_, Words<1>>], shift: u32) -> Result<Vec<Words<1>>> {
        if shift > 0 {
            check_shift(shift)?;
        }
        let one = |product: &Product<'_, Words<1>>| {
            let mut z = vec![0; product.result_len()?];
            let (left, right) = product.operands();
            add_products(product, &mut z, left.part(0), right.part(0))?;
            Ok(share(if shift > 0 { cut(&z, shift) } else { z }))
        };
        products.iter().map(one).collect()
    }

    fn truncate(&mut self, values: &[&Words<1>], shift: u32) -> Result<Vec<Words<1>>> {
        check_shift(shift)?;
        Ok(values.iter().map(|value| share(cut(value.part(0), shift))).collect())
    }

    fn and(&mut self, pairs: &[(&Bits<1>, &Bits<1>)]) -> Result<Vec<Bits<1>>> {
        let one = |(left, right): &(&Bits<1>, &Bits<1>)| {
            equal_lengths("conjunction", left.len(), right.len())?;
            Ok(Bits::from_parts([left.part(0).zip(right.part(0), |a, b| a & b)]))
        };
        pairs.iter().map(one).collect()
    }

    fn addends(&mut self, values: &[&Words<1>], bits: u32) -> Result<Vec<[Vec<Bits<1>>; 2]>> {
        check_planes(bits)?;
        let zeros = |len| vec![crate::engine::BitVector::zeros(len); bits as usize];
        let planes = |value: &&Words<1>| crate::planes::split(value.part(0), bits).into_iter().map(|p| Bits::from_parts([p])).collect();
        Ok(values.iter().map(|value| [planes(value), zeros(value.len())]).collect())
    }

    /// The same ones every time: results of programs do not depend on them.
    fn random(&mut self, len: usize) -> Result<Words<1>> {
        Ok(share((1..=len as u64).map(|at| at.wrapping_mul(0x9e37_79b9_7f4a_7c15)).collect()))
    }

    fn lift(&mut self, bits: &[&Bits<1>]) -> Result<Vec<Words<1>>> {
        Ok(bits.iter().map(|bits| share(bits.part(0).iter().map(u64::from).collect())).collect())
    }

    fn draw_shuffle(&mut self, len: usize) -> Result<ClearShuffle> {
        let mut places: Vec<usize> = (0..len).collect();
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        for at in (1..len).rev() {
            state = state.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
            places.swap(at, (state >> 33) as usize % (at + 1));
        }
        Ok(ClearShuffle(places))
    }

    fn shuffle(&mut self, by: &ClearShuffle, columns: &[&Words<1>], way: Way) -> Result<Vec<Words<1>>> {
        let one = |column: &&Words<1>| {
            equal_lengths("shuffle", by.0.len(), column.len())?;
            let from = column.part(0);
            let mut to = vec![0; from.len()];
            for (row, place) in by.0.iter().enumerate() {
                match way {
                    Way::Forward => to[*place] = from[row],
                    Way::Back => to[row] = from[*place],
                }
            }
            Ok(share(to))
        };
        columns.iter().map(one).collect()
    }

    fn open(&mut self, values: &[&Words<1>]) -> Result<Vec<Vec<u64>>> {
        Ok(values.iter().map(|value| value.part(0).to_vec()).collect())
    }

    fn open_bits(&mut self, bits: &[&Bits<1>]) -> Result<Vec<Packed>> {
        Ok(bits.iter().map(|bits| bits.part(0).clone()).collect())
    }
}
