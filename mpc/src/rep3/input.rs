//! Values become shares: the owner's first component comes from the PRG, one is sent, one is zero.

use ndarray::{ArrayView, Dimension, Ix1};
use yu_wire::channel::exchange_ring_u64;

use super::context::{Context, PARTIES, predecessor, successor};
use super::engine::by_owner;
use super::share::{Share, encode_values};
use super::steps::Rep3Step;
use crate::engine::Words;
use crate::memory::{copy, zeros};
use crate::prg::{Op, Purpose};
use crate::ring::{Element, Ring64, sub_assign};
use crate::{Error, Result};

impl Context {
    /// Shares an array of party `owner`, which passes the values; the others pass `None`. One round, `8n` bytes.
    ///
    /// # Errors
    /// [`Error::Caller`] if the values are missing, not ours to give, or of another shape; [`Error::Range`] for values without
    /// a ring element; the peers' and the transport's.
    pub fn input<T: Element, D: Dimension>(
        &mut self,
        owner: usize,
        values: Option<ArrayView<'_, T::Clear, D>>,
        shape: D,
    ) -> Result<Share<T, D>> {
        let mut lens = [0; PARTIES];
        *lens.get_mut(owner).ok_or_else(|| Error::caller(format!("input owner `{owner}`, expected 0, 1 or 2")))? = shape.size();
        let raw = match (values, owner == self.index) {
            (Some(values), true) if values.raw_dim() == shape => Some(encode_values::<T, D>("input", values)?),
            (Some(values), true) => return Err(Error::shape("input", values.shape(), shape.slice())),
            (None, false) => None,
            (None, true) => return Err(Error::caller("the owner of an input has to pass its values")),
            (Some(_), false) => return Err(Error::caller("only the owner of an input passes values")),
        };
        let own = raw.as_ref().and_then(|raw| raw.as_slice()).unwrap_or(&[]);
        let [first, second, third] = self.inputs(lens, own)?;
        let share = [first, second, third].into_iter().nth(owner).ok_or_else(|| Error::caller("no such party"))?;
        Ok(share.reshape(shape)?.cast())
    }

    /// Shares a vector of ring elements of each party at once: party `j` has `lens[j]`, `own` are ours. One round; party `j` sends
    /// `8 lens[j]` bytes to its successor, nothing if it has no elements.
    ///
    /// # Errors
    /// [`Error::Caller`] if `own` does not have the announced length; the peers' and the transport's.
    pub fn inputs(&mut self, lens: [usize; PARTIES], own: &[u64]) -> Result<[Share<Ring64, Ix1>; PARTIES]> {
        let index = self.index;
        let shares = self.input_words(lens, own)?;
        let share = |words: Words<2>| {
            let [own, next] = words.into_parts();
            Share::from_parts(index, Ix1(own.len()), own, next)
        };
        let [first, second, third] = shares;
        Ok([share(first)?, share(second)?, share(third)?])
    }

    pub(super) fn input_words(&mut self, lens: [usize; PARTIES], own: &[u64]) -> Result<[Words<2>; PARTIES]> {
        let index = self.index;
        if lens[index] != own.len() {
            return Err(Error::caller(format!("`{}` own input elements, announced `{}`", own.len(), lens[index])));
        }
        self.operate(|context| {
            let mut ops = Vec::with_capacity(PARTIES);
            for _ in 0..PARTIES {
                ops.push(context.next_op()?);
            }
            let (first, masked) = context.mask(&ops[index], own);
            let mut received = zeros(lens[predecessor(index)]);
            context.pass_on(Rep3Step::Input, &masked, &mut received)?;
            // our successor's first component comes from the key that we share with it
            let mut theirs = zeros(lens[successor(index)]);
            context.next_key.stream(Purpose::Input, &ops[successor(index)]).fill(&mut theirs);
            Ok(by_owner(index, [first, masked], received, theirs))
        })
    }

    /// `(x_i, x_{i+1}) = (F(k_i), x - F(k_i))`.
    fn mask(&self, op: &Op, values: &[u64]) -> (Vec<u64>, Vec<u64>) {
        let mut first = zeros(values.len());
        self.own_key.stream(Purpose::Input, op).fill(&mut first);
        let mut rest = copy(values);
        sub_assign(&mut rest, &first);
        (first, rest)
    }

    pub(super) fn pass_on(&mut self, step: Rep3Step, masked: &[u64], received: &mut [u64]) -> Result<()> {
        match (masked.is_empty(), received.is_empty()) {
            (true, true) => {}
            (false, true) => self.next.send_slice_u64(step, masked)?,
            (true, false) => self.prev.recv_slice_u64(step, received)?,
            (false, false) => exchange_ring_u64(step, &mut self.next, masked, &mut self.prev, received)?,
        }
        Ok(())
    }
}
