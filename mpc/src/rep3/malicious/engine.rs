//! The [`Engine`]: the semi-honest messages, noted for the next check.

use std::sync::Arc;

use bytes::Bytes;
use sha2::{Digest, Sha256};
use yu_wire::channel::Expect;

use super::Malicious;
use super::products::{Meet, WordsRecord};
use super::record::{BitsRecord, Half, Written};
use super::share::{CheckedBits, CheckedWords, Hidden, adopt};
use super::shuffle::CheckedShuffle;
use super::steps::Check;
use super::trunc::{carries, flat, place, random};
use crate::engine::{Bits, Engine, Input, Packed, Product, Vector, Way, Words, check_shift, equal_lengths};
use crate::planes::split;
use crate::prg::{Op, Purpose};
use crate::rep3::context::PARTIES;
use crate::rep3::steps::Rep3Step;
use crate::{Error, Result};

const TAG: &[u8] = b"yu-mpc/malicious/digest/v1";

impl Engine for Malicious {
    type Words = CheckedWords;
    type Bits = CheckedBits;
    type Shuffle = CheckedShuffle;

    const PARTIES: usize = PARTIES;

    fn constant(&self, values: &[u64]) -> CheckedWords {
        Hidden::from(self.base.constant(values)).0
    }

    fn constant_bits(&self, values: &Packed) -> CheckedBits {
        Hidden::from(self.base.constant_bits(values)).0
    }

    fn input(&mut self, inputs: &[Input<'_, [u64]>]) -> Result<Vec<CheckedWords>> {
        Ok(adopt(Engine::input(&mut self.base, inputs)?))
    }

    fn input_bits(&mut self, inputs: &[Input<'_, Packed>]) -> Result<Vec<CheckedBits>> {
        Ok(adopt(self.base.input_bits(inputs)?))
    }

    fn multiply(&mut self, products: &[Product<'_, CheckedWords>], shift: u32) -> Result<Vec<CheckedWords>> {
        if shift > 0 {
            check_shift(shift)?;
        }
        let inner: Vec<_> = products.iter().map(inner).collect();
        let op = self.base.upcoming();
        let results: Vec<CheckedWords> = adopt(self.base.multiply(&inner, 0)?);
        let mut from = 0;
        for (product, z) in products.iter().zip(&results) {
            let (x, y) = product.operands();
            let meet = Meet::of(product);
            // a long operation is not remembered whole: what a proof works on stays small
            for part in meet.form().parts(z.len()) {
                let (x, y, z) = (Arc::clone(&x.0), Arc::clone(&y.0), Arc::clone(&z.0));
                self.words.push(WordsRecord::Product { x, y, z, meet, part, op, from });
                self.noted(Rep3Step::Multiply.label())?;
            }
            from += z.len();
        }
        if shift == 0 {
            return Ok(results);
        }
        self.truncate(&results.iter().collect::<Vec<_>>(), shift)
    }

    fn truncate(&mut self, values: &[&CheckedWords], shift: u32) -> Result<Vec<CheckedWords>> {
        check_shift(shift)?;
        let join = |at: usize| values.iter().flat_map(|value| value.0.part(at).iter().copied()).collect::<Vec<u64>>();
        let whole = self.truncated(join(0), join(1), shift)?;
        self.noted("malicious.trunc")?;
        let mut from = 0;
        let one = |value: &&CheckedWords| {
            from += value.len();
            Hidden::from(whole.slice(from - value.len()..from)).0
        };
        Ok(values.iter().map(one).collect())
    }

    fn and(&mut self, pairs: &[(&CheckedBits, &CheckedBits)]) -> Result<Vec<CheckedBits>> {
        let inner: Vec<(&Bits<2>, &Bits<2>)> = pairs.iter().map(|(x, y)| (&*x.0, &*y.0)).collect();
        let op = self.base.upcoming();
        let results: Vec<CheckedBits> = adopt(self.base.and(&inner)?);
        let mut from = 0;
        for ((x, y), z) in pairs.iter().zip(&results) {
            self.bits.push(BitsRecord::And { x: Arc::clone(&x.0), y: Arc::clone(&y.0), z: Arc::clone(&z.0), op, from });
            from += z.len().div_ceil(64);
        }
        self.noted(Rep3Step::And.label())?;
        Ok(results)
    }

    fn addends(&mut self, values: &[&CheckedWords], bits: u32) -> Result<Vec<[Vec<CheckedBits>; 2]>> {
        let inner: Vec<&Words<2>> = values.iter().map(|value| &*value.0).collect();
        let results = self.base.addends(&inner, bits)?;
        let index = self.base.index();
        for (value, [sums, _]) in inner.iter().zip(&results) {
            let width = value.len().div_ceil(64);
            let half = |component: usize| {
                place(index, component).map(|at| {
                    let planes: Vec<u64> = sums.iter().flat_map(|plane| plane.part(at).words().iter().copied()).collect();
                    carries(&planes, &flat(&split(value.part(at), bits)), width)
                })
            };
            let (left, right) = (half(0), half(1));
            self.bits.push(BitsRecord::Written(Written { prover: 0, rows: bits as usize * width, width: 2, left, right }));
        }
        self.noted(Rep3Step::Addend.label())?;
        Ok(results.into_iter().map(|addends| addends.map(adopt)).collect())
    }

    /// Both holders of a component take it from the key that they share: no message, nothing to check.
    fn random(&mut self, len: usize) -> Result<CheckedWords> {
        Ok(Hidden::from(self.base.random(len)?).0)
    }

    fn lift(&mut self, bits: &[&CheckedBits]) -> Result<Vec<CheckedWords>> {
        let inner: Vec<&Bits<2>> = bits.iter().map(|bits| &*bits.0).collect();
        let op = self.base.upcoming();
        let results = self.base.lift(&inner)?;
        let whole: Words<2> = Vector::concat(&results.iter().collect::<Vec<_>>());
        self.note_lift(&inner, &whole, &Op::new(op));
        self.noted(Rep3Step::LiftLow.label())?;
        Ok(adopt(results))
    }

    fn draw_shuffle(&mut self, len: usize) -> Result<CheckedShuffle> {
        Ok(CheckedShuffle(self.base.draw_shuffle(len)?))
    }

    fn shuffle(&mut self, by: &CheckedShuffle, columns: &[&CheckedWords], way: Way) -> Result<Vec<CheckedWords>> {
        columns.iter().try_for_each(|column| equal_lengths("shuffle", by.0.len(), column.len()))?;
        let inner: Vec<&Words<2>> = columns.iter().map(|column| &*column.0).collect();
        let whole = self.moved(&by.0, &Vector::concat(&inner), way)?;
        self.noted(Rep3Step::Shuffle.label())?;
        let mut from = 0;
        let one = |column: &&CheckedWords| {
            from += column.len();
            Hidden::from(whole.slice(from - column.len()..from)).0
        };
        Ok(columns.iter().map(one).collect())
    }

    fn open(&mut self, values: &[&CheckedWords]) -> Result<Vec<Vec<u64>>> {
        self.check()?;
        let inner: Vec<&Words<2>> = values.iter().map(|value| &*value.0).collect();
        let join = |at: usize| inner.iter().flat_map(|value| value.part(at).iter().copied()).collect::<Vec<u64>>();
        let op = self.send_digest(Rep3Step::Open, &join(1))?;
        let opened = self.base.open(&inner)?;
        let mut theirs: Vec<u64> = opened.iter().flatten().copied().collect();
        crate::ring::sub_assign(&mut theirs, &join(0));
        crate::ring::sub_assign(&mut theirs, &join(1));
        self.compare_digest(Rep3Step::Open, op, &theirs)?;
        Ok(opened)
    }

    fn open_bits(&mut self, bits: &[&CheckedBits]) -> Result<Vec<Packed>> {
        self.check()?;
        let inner: Vec<&Bits<2>> = bits.iter().map(|bits| &*bits.0).collect();
        let join = |at: usize| inner.iter().flat_map(|bits| bits.part(at).words().iter().copied()).collect::<Vec<u64>>();
        let op = self.send_digest(Rep3Step::OpenBits, &join(1))?;
        let opened = self.base.open_bits(&inner)?;
        let all = opened.iter().flat_map(|bits| bits.words().iter().copied()).zip(join(0)).zip(join(1));
        let theirs: Vec<u64> = all.map(|((sum, own), next)| sum ^ own ^ next).collect();
        self.compare_digest(Rep3Step::OpenBits, op, &theirs)?;
        Ok(opened)
    }

    fn verify(&mut self) -> Result<()> {
        self.check()
    }
}

fn inner<'a>(product: &Product<'a, CheckedWords>) -> Product<'a, Words<2>> {
    match *product {
        Product::Each(x, y) => Product::Each(&x.0, &y.0),
        Product::Dots { left, right, terms } => Product::Dots { left: &left.0, right: &right.0, terms },
        Product::Matrix { left, right, shape } => Product::Matrix { left: &left.0, right: &right.0, shape },
    }
}

impl Malicious {
    /// Remembers the name for errors; checks if much is waiting.
    fn noted(&mut self, name: &'static str) -> Result<()> {
        if !self.names.contains(&name) {
            self.names.push(name);
        }
        self.check_if_full()
    }

    /// The three messages of lifting `b = b_0 ^ b_1 ^ b_2` to `r`, with the letters of the semi-honest protocol: `x = x_0 + x_1 = b_0 ^ b_1`,
    /// `y = b_2`, `r_1 = x_1 - 2 p_1`.
    /// - P0's: `-2 b_0 b_1 + [b_0 - x_0] + [b_1 - x_1] = 0`;
    /// - P2's: `2 y x_0 + [-2 F(k_2)] + [r_0 - x_0] = 0`;
    /// - P1's: `2 x_1 y + [-2 p_1] + [r_2 - y + 2 F(k_2)] = 0`.
    fn note_lift(&mut self, bits: &[&Bits<2>], r: &Words<2>, op: &Op) {
        let (context, rows) = (&self.base, r.len());
        let index = context.index();
        let known = |component: usize, key: Option<Purpose>| {
            place(index, component).map(|at| {
                let b: Vec<u64> = bits.iter().flat_map(|bits| bits.part(at).iter().map(u64::from)).collect();
                let mask = key.map(|purpose| random(context, at, purpose, op, rows)).unwrap_or_default();
                (b, r.part(at).to_vec(), mask)
            })
        };
        let zero = known(0, Some(Purpose::LiftInput));
        let one = known(1, Some(Purpose::LiftLow));
        let two = known(2, Some(Purpose::LiftHigh));
        let twice = |value: u64| value.wrapping_mul(2);
        let half = |factors: Vec<u64>, rest: Vec<u64>| Half { factors, rest };
        let zip = |a: &[u64], b: &[u64], operation: &dyn Fn(u64, u64) -> u64| -> Vec<u64> {
            a.iter().zip(b).map(|(a, b)| operation(*a, *b)).collect()
        };
        let x1 = one.as_ref().map(|(_, r, p)| zip(r, p, &|r, p| r.wrapping_add(twice(p))));
        let mut written = |prover, left, right| self.words.push(WordsRecord::Written(Written { prover, rows, width: 1, left, right }));
        written(
            0,
            zero.as_ref().map(|(b, _, x0)| half(b.iter().map(|b| twice(*b).wrapping_neg()).collect(), zip(b, x0, &u64::wrapping_sub))),
            one.as_ref().zip(x1.as_ref()).map(|((b, ..), x1)| half(b.clone(), zip(b, x1, &u64::wrapping_sub))),
        );
        written(
            2,
            two.as_ref()
                .map(|(y, _, mask)| half(y.iter().map(|y| twice(*y)).collect(), mask.iter().map(|m| twice(*m).wrapping_neg()).collect())),
            zero.as_ref().map(|(_, r, x0)| half(x0.clone(), zip(r, x0, &u64::wrapping_sub))),
        );
        written(
            1,
            one.as_ref()
                .zip(x1.as_ref())
                .map(|((_, _, p), x1)| half(x1.iter().map(|x| twice(*x)).collect(), p.iter().map(|p| twice(*p).wrapping_neg()).collect())),
            two.as_ref().map(|(y, r, mask)| {
                let rest = zip(&zip(r, y, &u64::wrapping_sub), mask, &|rest, mask| rest.wrapping_add(twice(mask)));
                half(y.clone(), rest)
            }),
        );
    }

    /// Tells the predecessor the digest of the component that it lacks, which its own predecessor sends.
    fn send_digest(&mut self, step: Rep3Step, next: &[u64]) -> Result<u64> {
        let op = self.base.upcoming();
        if !next.is_empty() {
            let digest = digest(step, op, next);
            self.base.operate(|context| {
                context.next_op()?;
                Ok(context.prev.send(Check::Digest, Bytes::copy_from_slice(&digest))?)
            })?;
        }
        Ok(op)
    }

    fn compare_digest(&mut self, step: Rep3Step, op: u64, theirs: &[u64]) -> Result<()> {
        if theirs.is_empty() {
            return Ok(());
        }
        self.base.operate(|context| {
            let expected = context.next.recv(Check::Digest, Expect::Exactly(32))?;
            if expected[..] == digest(step, op, theirs) {
                return Ok(());
            }
            let what = format!(
                "the component it opened is not the one of which `{}` has the digest; one of the two deviated",
                context.next.peer()
            );
            Err(Error::peer(context.prev.peer(), step.label(), what))
        })
    }
}

fn digest(step: Rep3Step, op: u64, values: &[u64]) -> [u8; 32] {
    let mut hash = Sha256::new().chain_update(TAG).chain_update((step as u16).to_le_bytes()).chain_update(op.to_le_bytes());
    let mut bytes = [0; 1024];
    for part in values.chunks(128) {
        for (slot, value) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(part) {
            *slot = value.to_le_bytes();
        }
        hash.update(&bytes[..8 * part.len()]);
    }
    bytes.fill(0);
    hash.finalize().into()
}
