//! The [`Engine`]: checks what the caller asks for, joins the operands of a call to one vector, and cuts the result up.

use yu_mpc::Result;
use yu_mpc::engine::{BitVector, Bits, Engine, Input, Packed, Product, Vector, Way, Words, check_planes, check_shift, equal_lengths};
use yu_mpc::planes;
use zeroize::Zeroizing;

use crate::context::{Context, DEALER, PARTIES};
use crate::correlation::{Group, Secrets};
use crate::shuffle::Shuffle;
use crate::steps::DealerStep;

impl Engine for Context {
    type Words = Words<1>;
    type Bits = Bits<1>;
    type Shuffle = Shuffle;

    const PARTIES: usize = PARTIES;

    /// P0's share is the value.
    fn constant(&self, values: &[u64]) -> Words<1> {
        Words::from_parts([if self.index() == 0 { values.to_vec() } else { vec![0; values.len()] }])
    }

    fn constant_bits(&self, values: &Packed) -> Bits<1> {
        Bits::from_parts([if self.index() == 0 { values.clone() } else { Packed::zeros(values.len()) }])
    }

    fn input(&mut self, inputs: &[Input<'_, [u64]>]) -> Result<Vec<Words<1>>> {
        let mut described = Vec::with_capacity(inputs.len());
        for input in inputs {
            described.push((input.owner, input.len, input.own(self.index(), PARTIES, <[u64]>::len)?));
        }
        let shares = self.shared(DealerStep::Input, Group::Ring, &described)?;
        Ok(shares.into_iter().map(|mut share| Words::from_parts([std::mem::take(&mut *share)])).collect())
    }

    fn input_bits(&mut self, inputs: &[Input<'_, Packed>]) -> Result<Vec<Bits<1>>> {
        let mut described = Vec::with_capacity(inputs.len());
        for input in inputs {
            let own = input.own(self.index(), PARTIES, Packed::len)?.map(Packed::words);
            described.push((input.owner, input.len.div_ceil(64), own));
        }
        let shares = self.shared(DealerStep::InputBits, Group::Bits, &described)?;
        let bits = |(mut share, input): (Secrets, &Input<'_, Packed>)| {
            Bits::from_parts([Packed::from_words(std::mem::take(&mut *share), input.len)])
        };
        Ok(shares.into_iter().zip(inputs).map(bits).collect())
    }

    fn multiply(&mut self, products: &[Product<'_, Words<1>>], shift: u32) -> Result<Vec<Words<1>>> {
        let lens = products.iter().map(Product::result_len).collect::<Result<Vec<_>>>()?;
        Product::total(products)?;
        if shift > 0 {
            check_shift(shift)?;
        }
        let whole = self.operate(|role| {
            let whole = role.multiplied(products, &lens)?;
            if shift > 0 { role.truncated(whole, shift) } else { Ok(whole) }
        })?;
        Ok(cut_up(&whole, &lens))
    }

    fn truncate(&mut self, values: &[&Words<1>], shift: u32) -> Result<Vec<Words<1>>> {
        check_shift(shift)?;
        let whole = self.operate(|role| role.truncated(joined(values), shift))?;
        Ok(cut_up(&whole, &lens(values)))
    }

    fn and(&mut self, pairs: &[(&Bits<1>, &Bits<1>)]) -> Result<Vec<Bits<1>>> {
        pairs.iter().try_for_each(|(left, right)| equal_lengths("conjunction", left.len(), right.len()))?;
        let (x, y) = (bit_words(pairs.iter().map(|pair| pair.0)), bit_words(pairs.iter().map(|pair| pair.1)));
        let whole = self.operate(|role| role.conjunction(&x, &y))?;
        Ok(cut_up_bits(&whole, pairs.iter().map(|(left, _)| left.len())))
    }

    /// The two shares themselves: their planes are a sharing of each, the other party's part being zero. No communication.
    fn addends(&mut self, values: &[&Words<1>], bits: u32) -> Result<Vec<[Vec<Bits<1>>; 2]>> {
        check_planes(bits)?;
        let index = self.index();
        let one = |value: &&Words<1>| {
            let zeros = || vec![<Bits<1> as BitVector>::zeros(value.len()); bits as usize];
            let ours = || planes::split(value.part(0), bits).into_iter().map(|plane| Bits::from_parts([plane])).collect();
            match index {
                0 => [ours(), zeros()],
                1 => [zeros(), ours()],
                _ => [zeros(), zeros()],
            }
        };
        Ok(values.iter().map(one).collect())
    }

    fn random(&mut self, len: usize) -> Result<Words<1>> {
        let mut share = self.operate(|role| role.unknown(len))?;
        Ok(Words::from_parts([std::mem::take(&mut *share)]))
    }

    fn lift(&mut self, bits: &[&Bits<1>]) -> Result<Vec<Words<1>>> {
        let whole: Bits<1> = Vector::concat(bits);
        let shares = self.operate(|role| role.lifted(whole.part(0)))?;
        Ok(cut_up(&shares, &bits.iter().map(|bits| bits.len()).collect::<Vec<_>>()))
    }

    fn inject(&mut self, pairs: &[(&Bits<1>, &Words<1>)]) -> Result<Vec<Words<1>>> {
        pairs.iter().try_for_each(|(bits, words)| equal_lengths("selection", bits.len(), words.len()))?;
        let bits: Bits<1> = Vector::concat(&pairs.iter().map(|(bits, _)| *bits).collect::<Vec<_>>());
        let values: Vec<_> = pairs.iter().map(|(_, words)| *words).collect();
        let shares = self.operate(|role| role.selected(bits.part(0), &joined(&values)))?;
        Ok(cut_up(&shares, &lens(&values)))
    }

    fn draw_shuffle(&mut self, len: usize) -> Result<Shuffle> {
        self.operate(|role| role.draw_shuffle(len))
    }

    fn shuffle(&mut self, by: &Shuffle, columns: &[&Words<1>], way: Way) -> Result<Vec<Words<1>>> {
        columns.iter().try_for_each(|column| equal_lengths("shuffle", by.rows(), column.len()))?;
        let whole = self.operate(|role| role.shuffled(by, joined(columns), way))?;
        Ok(cut_up(&whole, &lens(columns)))
    }

    fn open(&mut self, values: &[&Words<1>]) -> Result<Vec<Vec<u64>>> {
        let sum = Zeroizing::new(self.operate(|role| role.opened(DealerStep::Open, Group::Ring, &joined(values)))?);
        Ok(pieces(&sum, values.iter().map(|value| value.len())).map(<[u64]>::to_vec).collect())
    }

    fn open_bits(&mut self, bits: &[&Bits<1>]) -> Result<Vec<Packed>> {
        let whole = bit_words(bits.iter().copied());
        let sum = Zeroizing::new(self.operate(|role| role.opened(DealerStep::OpenBits, Group::Bits, &whole))?);
        let words = pieces(&sum, bits.iter().map(|bits| bits.len().div_ceil(64)));
        Ok(words.zip(bits).map(|(words, bits)| Packed::from_words(words.to_vec(), bits.len())).collect())
    }
}

impl Context {
    /// Shares of inputs given as owner, number of words, and the words at the owner. Those of the dealer travel together.
    fn shared(&mut self, step: DealerStep, group: Group, inputs: &[(usize, usize, Option<&[u64]>)]) -> Result<Vec<Secrets>> {
        let from_dealer = || inputs.iter().filter(|(owner, ..)| *owner == DEALER);
        let own: Secrets = Zeroizing::new(from_dealer().flat_map(|(_, _, own)| own.unwrap_or_default().iter().copied()).collect());
        let total = from_dealer().map(|(_, len, _)| len).sum();
        self.operate(|role| {
            let dealt = role.input_of_dealer(step, group, own, total)?;
            let mut rest = &dealt[..];
            let mut shares = Vec::with_capacity(inputs.len());
            for (owner, len, own) in inputs {
                shares.push(if *owner == DEALER {
                    let (piece, more) = rest.split_at(*len);
                    rest = more;
                    Zeroizing::new(piece.to_vec())
                } else {
                    role.input_of_computing(*owner, group, *len, *own)?
                });
            }
            Ok(shares)
        })
    }
}

fn lens(values: &[&Words<1>]) -> Vec<usize> {
    values.iter().map(|value| value.len()).collect()
}

fn joined(values: &[&Words<1>]) -> Secrets {
    let mut whole = Zeroizing::new(Vec::with_capacity(values.iter().map(|value| value.len()).sum()));
    values.iter().for_each(|value| whole.extend_from_slice(value.part(0)));
    whole
}

/// Each vector begins at a word of its own.
fn bit_words<'a>(bits: impl Iterator<Item = &'a Bits<1>>) -> Secrets {
    Zeroizing::new(bits.flat_map(|bits| bits.part(0).words().iter().copied()).collect())
}

/// Consecutive pieces of these lengths.
fn pieces(whole: &[u64], lens: impl Iterator<Item = usize>) -> impl Iterator<Item = &[u64]> {
    let mut rest = whole;
    lens.map(move |len| {
        let (piece, more) = rest.split_at(len);
        rest = more;
        piece
    })
}

fn cut_up(whole: &[u64], lens: &[usize]) -> Vec<Words<1>> {
    pieces(whole, lens.iter().copied()).map(|piece| Words::from_parts([piece.to_vec()])).collect()
}

fn cut_up_bits(whole: &[u64], lens: impl Iterator<Item = usize> + Clone) -> Vec<Bits<1>> {
    let words = pieces(whole, lens.clone().map(|len| len.div_ceil(64)));
    words.zip(lens).map(|(words, len)| Bits::from_parts([Packed::from_words(words.to_vec(), len)])).collect()
}
