//! The [`Engine`] of replicated sharing: component 0 of a vector is `x_i`, component 1 is `x_{i+1}`.

use std::ops::Range;

use yu_wire::channel::exchange_ring_u64;

use super::context::{Context, PARTIES, predecessor, successor};
use super::kernel;
use super::mul::reshare_streamed;
use super::shuffle::Shuffle;
use super::steps::Rep3Step;
use crate::Result;
use crate::engine::{
    Bits, Engine, Input, Known, KnownInput, Packed, Product, Vector, Way, Words, check_bound, check_planes, check_range, check_shift,
    equal_lengths,
};
use crate::memory::{collect, copy, give, zeros};
use crate::planes;
use crate::prg::{Op, Purpose};
use crate::ring::{add_assign, sub_assign};

impl Engine for Context {
    type Words = Words<2>;
    type Bits = Bits<2>;
    type Shuffle = Shuffle;

    const PARTIES: usize = PARTIES;

    /// `x_0` is the value, the rest is zero.
    fn constant(&self, values: &[u64]) -> Words<2> {
        let zeros = || vec![0; values.len()];
        match self.index {
            0 => Words::from_parts([values.to_vec(), zeros()]),
            2 => Words::from_parts([zeros(), values.to_vec()]),
            _ => Words::from_parts([zeros(), zeros()]),
        }
    }

    fn constant_bits(&self, values: &Packed) -> Bits<2> {
        let zeros = || Packed::zeros(values.len());
        match self.index {
            0 => Bits::from_parts([values.clone(), zeros()]),
            2 => Bits::from_parts([zeros(), values.clone()]),
            _ => Bits::from_parts([zeros(), zeros()]),
        }
    }

    fn input(&mut self, inputs: &[Input<'_, [u64]>]) -> Result<Vec<Words<2>>> {
        let (lens, own) = self.gather_inputs(inputs, <[u64]>::len, |values| values, |len| len)?;
        let shares = self.input_words(lens, &own)?;
        Ok(distribute(inputs, &shares, |input| input.len))
    }

    fn input_bits(&mut self, inputs: &[Input<'_, Packed>]) -> Result<Vec<Bits<2>>> {
        let (lens, own) = self.gather_inputs(inputs, Packed::len, Packed::words, |bits| bits.div_ceil(64))?;
        let shares = self.input_bit_words(lens, &own)?;
        let words = distribute(inputs, &shares, |input| input.len.div_ceil(64));
        Ok(words.into_iter().zip(inputs).map(|(words, input)| bits_of(words.into_parts(), input.len)).collect())
    }

    fn multiply(&mut self, products: &[Product<'_, Words<2>>], shift: u32) -> Result<Vec<Words<2>>> {
        let lens = products.iter().map(Product::result_len).collect::<Result<Vec<_>>>()?;
        let total = Product::total(products)?;
        if shift > 0 {
            check_shift(shift)?;
        }
        let parts = self.operate(|context| {
            let op = context.next_op()?;
            match products {
                _ if total == 0 => Ok((Vec::new(), Vec::new())),
                [Product::Each(x, y)] if shift == 0 => context.mul_streamed(&op, parts(x), parts(y), total),
                _ => {
                    let (z, bits) = context.local_products(&op, products, &lens, shift)?;
                    if bits > 0 { context.truncated(&op, z, bits) } else { context.reshare(z) }
                }
            }
        })?;
        Ok(cut_up(parts, &lens))
    }

    fn multiply_halves(&mut self, products: &[Product<'_, Words<2>>]) -> Result<Vec<Words<2>>> {
        self.low_products(products)
    }

    fn sum_halves(&mut self, left: &Words<2>, right: &Words<2>, terms: usize) -> Result<Words<2>> {
        self.low_sums(left, right, terms)
    }

    fn share_known(&mut self, inputs: &[KnownInput<'_>]) -> Result<Vec<Known<Words<2>>>> {
        self.known_matrices(inputs)
    }

    fn known_totals(&mut self, products: &[(&Known<Words<2>>, &Words<2>)]) -> Result<Vec<Words<2>>> {
        self.totals_of(products)
    }

    fn known_picks(&mut self, products: &[(&Known<Words<2>>, &Words<2>)]) -> Result<Words<2>> {
        self.picks_of(products)
    }

    fn truncate(&mut self, values: &[&Words<2>], shift: u32) -> Result<Vec<Words<2>>> {
        check_shift(shift)?;
        let lens: Vec<usize> = values.iter().map(|value| value.len()).collect();
        let parts = self.operate(|context| {
            let op = context.next_op()?;
            let z = context.masked(&op, values);
            context.truncated(&op, z, shift)
        })?;
        Ok(cut_up(parts, &lens))
    }

    fn truncate_probabilistic(&mut self, values: &[&Words<2>], shift: u32, bound: u32) -> Result<Vec<Words<2>>> {
        check_bound(shift, bound)?;
        let lens: Vec<usize> = values.iter().map(|value| value.len()).collect();
        let parts = self.operate(|context| {
            let op = context.next_op()?;
            let z = context.masked(&op, values);
            context.truncated_cheaply(&op, z, shift, bound)
        })?;
        Ok(cut_up(parts, &lens))
    }

    fn and(&mut self, pairs: &[(&Bits<2>, &Bits<2>)]) -> Result<Vec<Bits<2>>> {
        for (left, right) in pairs {
            equal_lengths("conjunction", left.len(), right.len())?;
        }
        let lens: Vec<usize> = pairs.iter().map(|(left, _)| left.len()).collect();
        let (own, next) = self.operate(|context| {
            let op = context.next_op()?;
            let mut plus = context.own_key.stream(Purpose::ZeroBits, &op);
            let mut minus = context.next_key.stream(Purpose::ZeroBits, &op);
            let mut place = Place { pair: 0, from: 0 };
            let words = lens.iter().map(|len| len.div_ceil(64)).sum();
            reshare_streamed(&mut context.prev, &mut context.next, Rep3Step::And, words, |_, piece| {
                plus.fill(piece);
                minus.xor(piece);
                place.add_conjunctions(pairs, piece);
            })
        })?;
        Ok(zip_bits(Packed::cut(own, &lens), Packed::cut(next, &lens)))
    }

    /// `x = u + v` with `u = x_0 + x_1`, which P0 shares, and `v = x_2`, which P1 and P2 hold.
    fn addends(&mut self, values: &[&Words<2>], bits: u32) -> Result<Vec<[Vec<Bits<2>>; 2]>> {
        check_planes(bits)?;
        let index = self.index;
        let words: usize = values.iter().map(|value| value.len().div_ceil(64) * bits as usize).sum();
        // components of `u`; `None` is zero
        let [own, next] = self.operate(|context| {
            let op = context.next_op()?;
            let key = if index == 0 { &context.own_key } else { &context.next_key };
            let mask = || {
                let mut mask = zeros(words);
                key.stream(Purpose::Addend, &op).fill(&mut mask);
                mask
            };
            match index {
                _ if words == 0 => Ok([None, None]),
                0 => {
                    let (mask, mut u) = (mask(), zeros(words));
                    let mut rest = &mut u[..];
                    for value in values {
                        let (planes, more) = rest.split_at_mut(value.len().div_ceil(64) * bits as usize);
                        planes::split_sum(value.part(0), value.part(1), bits, planes);
                        rest = more;
                    }
                    u.iter_mut().zip(&mask).for_each(|(u, mask)| *u ^= mask);
                    context.next.send_slice_u64(Rep3Step::Addend, &u)?;
                    Ok([Some(mask), Some(u)])
                }
                1 => {
                    let mut u = zeros(words);
                    context.prev.recv_slice_u64(Rep3Step::Addend, &mut u)?;
                    Ok([Some(u), None])
                }
                _ => Ok([None, Some(mask())]),
            }
        })?;
        let lens: Vec<usize> = values.iter().flat_map(|value| std::iter::repeat_n(value.len(), bits as usize)).collect();
        // all zeros of one length are the same memory
        let nothing: Vec<Packed> = values.iter().map(|value| Packed::zeros(value.len())).collect();
        let no_planes = || nothing.iter().flat_map(|zero| std::iter::repeat_n(zero.clone(), bits as usize)).collect::<Vec<_>>();
        let cut = |part: Option<Vec<u64>>| part.map_or_else(no_planes, |part| Packed::cut(part, &lens));
        let mut u = zip_bits(cut(own), cut(next)).into_iter();
        let third = |value: &Words<2>| planes::split(value.part(if index == 1 { 1 } else { 0 }), bits);
        let mut results = Vec::with_capacity(values.len());
        for (value, zero) in values.iter().zip(&nothing) {
            let none = vec![zero.clone(); bits as usize];
            let v = match index {
                0 => zip_bits(none.clone(), none),
                1 => zip_bits(none, third(value)),
                _ => zip_bits(third(value), none),
            };
            results.push([u.by_ref().take(bits as usize).collect(), v]);
        }
        Ok(results)
    }

    fn addends_at(&mut self, value: &Words<2>, offsets: &[u64], wanted: Range<u32>) -> Result<Vec<[Vec<Bits<2>>; 2]>> {
        check_range(&wanted)?;
        self.high_addends(value, offsets, wanted)
    }

    /// `x_i = F(k_i)`: no communication.
    fn random(&mut self, len: usize) -> Result<Words<2>> {
        let op = self.next_op()?;
        let mut parts = [zeros(len), zeros(len)];
        self.own_key.stream(Purpose::Random, &op).fill(&mut parts[0]);
        self.next_key.stream(Purpose::Random, &op).fill(&mut parts[1]);
        Ok(Words::from_parts(parts))
    }

    fn lift(&mut self, bits: &[&Bits<2>]) -> Result<Vec<Words<2>>> {
        let lens: Vec<usize> = bits.iter().map(|bits| bits.len()).collect();
        let mut known = zeros(lens.iter().sum());
        let mut rest = &mut known[..];
        for bits in bits {
            let (piece, more) = rest.split_at_mut(bits.len());
            match self.index {
                0 => kernel::spread_bits(piece, bits.part(0).zip(bits.part(1), |a, b| a ^ b).words()),
                1 => kernel::spread_bits(piece, bits.part(1).words()),
                _ => kernel::spread_bits(piece, bits.part(0).words()),
            }
            rest = more;
        }
        let parts = self.operate(|context| context.lifted(known))?;
        Ok(cut_up(parts, &lens))
    }

    fn draw_shuffle(&mut self, len: usize) -> Result<Shuffle> {
        self.operate(|context| context.draw(len))
    }

    fn shuffle(&mut self, by: &Shuffle, columns: &[&Words<2>], way: Way) -> Result<Vec<Words<2>>> {
        columns.iter().try_for_each(|column| equal_lengths("shuffle", by.len(), column.len()))?;
        let lens: Vec<usize> = columns.iter().map(|column| column.len()).collect();
        let whole: Words<2> = Vector::concat(columns);
        let [own, next] = whole.into_parts();
        let parts = self.operate(|context| context.permuted(by, own, next, way))?;
        Ok(cut_up(parts, &lens))
    }

    fn open(&mut self, values: &[&Words<2>]) -> Result<Vec<Vec<u64>>> {
        let whole: Words<2> = Vector::concat(values);
        let sum = self.opened(Rep3Step::Open, &whole, |sum, part| *sum = sum.wrapping_add(part))?;
        let mut rest = &sum[..];
        let one = |value: &&Words<2>| {
            let (piece, more) = rest.split_at(value.len());
            rest = more;
            piece.to_vec()
        };
        Ok(values.iter().map(one).collect())
    }

    fn open_bits(&mut self, bits: &[&Bits<2>]) -> Result<Vec<Packed>> {
        let words = bits.iter().map(|bits| bits.len().div_ceil(64)).sum();
        let join = |at: usize| collect(words, bits.iter().flat_map(|bits| bits.part(at).words().iter().copied()));
        let whole = Words::from_parts([join(0), join(1)]);
        let sum = self.opened(Rep3Step::OpenBits, &whole, |sum, part| *sum ^= part)?;
        let mut rest = &sum[..];
        let one = |bits: &&Bits<2>| {
            let (piece, more) = rest.split_at(bits.len().div_ceil(64));
            rest = more;
            Packed::from_words(piece.to_vec(), bits.len())
        };
        Ok(bits.iter().map(one).collect())
    }
}

impl Context {
    /// Words by owner, and our own joined; `count` says how many words so many elements are.
    fn gather_inputs<'a, V: ?Sized>(
        &self,
        inputs: &[Input<'a, V>],
        len: impl Fn(&V) -> usize,
        words: impl Fn(&'a V) -> &'a [u64],
        count: impl Fn(usize) -> usize,
    ) -> Result<([usize; PARTIES], Vec<u64>)> {
        let (mut lens, mut own) = ([0; PARTIES], Vec::new());
        for input in inputs {
            own.extend_from_slice(input.own(self.index, PARTIES, &len)?.map(&words).unwrap_or_default());
            lens[input.owner] += count(input.len);
        }
        Ok((lens, own))
    }

    /// Additive shares of the values, one after the other, masked by a share of zero.
    fn masked(&self, op: &Op, values: &[&Words<2>]) -> Vec<u64> {
        let mut z = zeros(values.iter().map(|value| value.len()).sum());
        self.zero_share(op, &mut z);
        let mut rest = &mut z[..];
        for value in values {
            let (piece, more) = rest.split_at_mut(value.len());
            add_assign(piece, value.part(0));
            rest = more;
        }
        z
    }

    /// Additive shares, masked by a share of zero, become replicated ones.
    fn reshare(&mut self, z: Vec<u64>) -> Result<(Vec<u64>, Vec<u64>)> {
        self.pass_back(Rep3Step::Multiply, z)
    }

    /// Sends `z` to the predecessor and receives the successor's.
    fn pass_back(&mut self, step: Rep3Step, z: Vec<u64>) -> Result<(Vec<u64>, Vec<u64>)> {
        let mut next = zeros(z.len());
        if !z.is_empty() {
            exchange_ring_u64(step, &mut self.prev, &z, &mut self.next, &mut next)?;
        }
        Ok((z, next))
    }

    /// Bits to ring elements: `r = x + y - 2 x y` with `x = b_0 ^ b_1`, which P0 shares, and `y = b_2`, which P1 and P2 hold.
    ///
    /// `x = x_0 + x_1` with `x_0 = F(k_0)`. P1 knows `x_1 y`, P2 knows `x_0 y`; each shares its product with the help of the key
    /// that it has in common with the party to which it sends nothing:
    /// `p_0 = x_0 y - F(k_2)`, `p_1 = F'(k_1)`, `p_2 = x_1 y - F'(k_1) + F(k_2)`.
    /// Each message is uniform to its receiver: `x_1` to P1, who lacks `k_0`; `x_0 y - F(k_2)` to P0, who lacks `k_2`;
    /// `x_1 y - F'(k_1)` to P2, who lacks `k_1`.
    fn lifted(&mut self, known: Vec<u64>) -> Result<(Vec<u64>, Vec<u64>)> {
        let len = known.len();
        let op = self.next_op()?;
        if len == 0 {
            return Ok((Vec::new(), Vec::new()));
        }
        let random = |key: &crate::prg::Key, purpose| {
            let mut out = zeros(len);
            key.stream(purpose, &op).fill(&mut out);
            out
        };
        // b := a b - m
        let masked_product = |a: &[u64], b: &mut [u64], mask: &[u64]| {
            b.iter_mut().zip(a).zip(mask).for_each(|((b, a), m)| *b = a.wrapping_mul(*b).wrapping_sub(*m));
        };
        // x := x - 2 p
        let less_twice = |x: &mut [u64], p: &[u64]| x.iter_mut().zip(p).for_each(|(x, p)| *x = x.wrapping_sub(p.wrapping_mul(2)));
        match self.index {
            0 => {
                let mut x0 = random(&self.own_key, Purpose::LiftInput);
                let mut x1 = known;
                sub_assign(&mut x1, &x0);
                self.next.send_slice_u64(Rep3Step::LiftInput, &x1)?;
                let p1 = random(&self.next_key, Purpose::LiftLow);
                less_twice(&mut x1, &p1);
                let mut p0 = p1;
                self.prev.recv_slice_u64(Rep3Step::LiftHigh, &mut p0)?;
                less_twice(&mut x0, &p0);
                give(p0);
                Ok((x0, x1))
            }
            1 => {
                let p1 = random(&self.own_key, Purpose::LiftLow);
                let mut x1 = zeros(len);
                self.prev.recv_slice_u64(Rep3Step::LiftInput, &mut x1)?;
                let mut p2 = copy(&known);
                masked_product(&x1, &mut p2, &p1);
                self.next.send_slice_u64(Rep3Step::LiftLow, &p2)?;
                less_twice(&mut x1, &p1);
                let mut mask = p1;
                self.next_key.stream(Purpose::LiftHigh, &op).fill(&mut mask);
                add_assign(&mut p2, &mask);
                let mut r2 = known;
                less_twice(&mut r2, &p2);
                give(mask);
                give(p2);
                Ok((x1, r2))
            }
            _ => {
                let mask = random(&self.own_key, Purpose::LiftHigh);
                let mut x0 = random(&self.next_key, Purpose::LiftInput);
                let mut p0 = copy(&known);
                masked_product(&x0, &mut p0, &mask);
                self.next.send_slice_u64(Rep3Step::LiftHigh, &p0)?;
                less_twice(&mut x0, &p0);
                let mut p2 = p0;
                self.prev.recv_slice_u64(Rep3Step::LiftLow, &mut p2)?;
                add_assign(&mut p2, &mask);
                let mut r2 = known;
                less_twice(&mut r2, &p2);
                give(mask);
                give(p2);
                Ok((r2, x0))
            }
        }
    }

    /// Component `x_{i-1}` comes from the predecessor; all three put together.
    fn opened(&mut self, step: Rep3Step, whole: &Words<2>, join: impl Fn(&mut u64, u64)) -> Result<Vec<u64>> {
        let mut sum = zeros(whole.len());
        self.operate(|context| {
            if !sum.is_empty() {
                exchange_ring_u64(step, &mut context.next, whole.part(0), &mut context.prev, &mut sum)?;
            }
            Ok(())
        })?;
        for part in [whole.part(0), whole.part(1)] {
            sum.iter_mut().zip(part).for_each(|(sum, part)| join(sum, *part));
        }
        Ok(sum)
    }

    /// Bits of each party become shares: as [`Self::input_words`], over GF(2).
    fn input_bit_words(&mut self, lens: [usize; PARTIES], own: &[u64]) -> Result<[Words<2>; PARTIES]> {
        let index = self.index;
        self.operate(|context| {
            let op = context.next_op()?;
            let mut first = vec![0; own.len()];
            context.own_key.stream(Purpose::InputBits, &op).fill(&mut first);
            let masked: Vec<u64> = own.iter().zip(&first).map(|(own, mask)| own ^ mask).collect();
            let mut received = vec![0; lens[predecessor(index)]];
            context.pass_on(Rep3Step::InputBits, &masked, &mut received)?;
            let mut theirs = vec![0; lens[successor(index)]];
            context.next_key.stream(Purpose::InputBits, &op).fill(&mut theirs);
            Ok(by_owner(index, [first, masked], received, theirs))
        })
    }
}

/// Puts what each owner's input means for party `index` in the order of the owners.
pub(super) fn by_owner(index: usize, own: [Vec<u64>; 2], received: Vec<u64>, theirs: Vec<u64>) -> [Words<2>; PARTIES] {
    let mut shares = [const { None }; PARTIES];
    shares[index] = Some(Words::from_parts(own));
    shares[predecessor(index)] = Some({
        let len = received.len();
        Words::from_parts([received, zeros(len)])
    });
    shares[successor(index)] = Some({
        let len = theirs.len();
        Words::from_parts([zeros(len), theirs])
    });
    shares.map(|share| share.unwrap_or_else(|| Words::from_parts([Vec::new(), Vec::new()])))
}

/// Cuts each owner's shares into its inputs, in the order of the inputs.
fn distribute<V: ?Sized>(inputs: &[Input<'_, V>], shares: &[Words<2>; PARTIES], len: impl Fn(&Input<'_, V>) -> usize) -> Vec<Words<2>> {
    let mut used = [0; PARTIES];
    let one = |input: &Input<'_, V>| {
        let from = used[input.owner];
        used[input.owner] += len(input);
        shares[input.owner].slice(from..used[input.owner])
    };
    inputs.iter().map(one).collect()
}

pub(super) fn parts(words: &Words<2>) -> [&[u64]; 2] {
    [words.part(0), words.part(1)]
}

fn bits_of(parts: [Vec<u64>; 2], len: usize) -> Bits<2> {
    Bits::from_parts(parts.map(|part| Packed::from_words(part, len)))
}

/// Cuts results that lie one after the other; they share the memory.
pub(super) fn cut_up((own, next): (Vec<u64>, Vec<u64>), lens: &[usize]) -> Vec<Words<2>> {
    let whole = Words::from_parts([own, next]);
    let mut from = 0;
    let one = |len: &usize| {
        from += len;
        whole.slice(from - len..from)
    };
    lens.iter().map(one).collect()
}

pub(super) fn zip_bits(own: Vec<Packed>, next: Vec<Packed>) -> Vec<Bits<2>> {
    own.into_iter().zip(next).map(|(own, next)| Bits::from_parts([own, next])).collect()
}

/// Where a message of conjunctions is, in the vectors that lie one after the other in it.
struct Place {
    pair: usize,
    /// Words of the pair that are done.
    from: usize,
}

impl Place {
    /// Adds our local conjunctions for the next words of the message.
    fn add_conjunctions(&mut self, pairs: &[(&Bits<2>, &Bits<2>)], mut piece: &mut [u64]) {
        while let Some((left, right)) = pairs.get(self.pair)
            && !piece.is_empty()
        {
            let [x0, x1] = [0, 1].map(|at| &left.part(at).words()[self.from..]);
            let [y0, y1] = [0, 1].map(|at| &right.part(at).words()[self.from..]);
            let (now, later) = piece.split_at_mut(piece.len().min(x0.len()));
            kernel::add_conjunctions(now, x0, x1, y0, y1);
            if now.len() == x0.len() {
                *self = Self { pair: self.pair + 1, from: 0 };
            } else {
                self.from += now.len();
            }
            piece = later;
        }
    }
}
