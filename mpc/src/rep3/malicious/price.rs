//! Messages of each primitive: the semi-honest ones, verified truncation and the checks.

use super::Malicious;
use super::bits::{PAIRS, SEGMENT, folded_len};
use super::carries::BITS;
use super::check::Pending;
use super::fold::padded;
use super::lookup::BYTES;
use super::packed::packed_words;
use super::products::Form;
use super::proof::arities;
use super::steps::Check;
use super::trunc::PLANES;
use super::words::SENT;
use crate::cost::{Expr, Formula};
use crate::engine::{Priced, Primitive};
use crate::rep3::context::{Context, PARTIES, predecessor, successor};

/// Step, sender, receiver, payload bytes.
type Message = (Check, usize, usize, usize);

struct Bill<'a> {
    formula: Formula,
    parties: &'a [&'a str],
}

impl Bill<'_> {
    fn phase(&mut self, messages: impl IntoIterator<Item = Message>) {
        let named = messages.into_iter().filter(|message| message.3 > 0).filter_map(|(step, from, to, bytes)| {
            Some((step.label(), *self.parties.get(from)?, *self.parties.get(to)?, Expr::from(bytes as u64)))
        });
        self.formula.phase(named);
    }

    /// A message of each prover (`forth`) or to each prover (`back`) with its right verifier.
    fn right(&mut self, step: Check, has: [bool; PARTIES], is_forth: bool, bytes: impl Fn(usize) -> usize) {
        let message = |prover: usize| {
            let (from, to) = if is_forth { (prover, successor(prover)) } else { (successor(prover), prover) };
            (step, from, to, bytes(prover))
        };
        self.phase((0..PARTIES).filter(|prover| has[*prover]).map(message));
    }

    fn seeds(&mut self, has: [bool; PARTIES]) {
        let one = |prover: usize| [(Check::SeedLow, predecessor(prover), prover, 16), (Check::SeedHigh, successor(prover), prover, 16)];
        self.phase((0..PARTIES).filter(|prover| has[*prover]).flat_map(one));
    }

    /// [`super::proof::run`] on vectors of these lengths, for the parties that prove anything.
    fn proof(&mut self, has: [bool; PARTIES], lens: [usize; PARTIES]) {
        let plan = |prover: usize| if has[prover] { arities(lens[prover]) } else { Vec::new() };
        let plans: [Vec<usize>; PARTIES] = std::array::from_fn(plan);
        for level in 0..plans.iter().map(Vec::len).max().unwrap_or(0) {
            let talks = |prover: usize| plans[prover].get(level).map_or(0, |arity| 16 * (arity - 1));
            self.right(Check::Coefficients, has, true, talks);
            self.right(Check::Point, has, false, |prover| if level + 1 < plans[prover].len() { 8 } else { 0 });
        }
        let coins = |prover: usize| [(Check::Coins, prover, predecessor(prover), 32), (Check::Coins, prover, successor(prover), 32)];
        self.phase((0..PARTIES).filter(|prover| has[*prover]).flat_map(coins));
        self.phase((0..PARTIES).filter(|prover| has[*prover]).map(|prover| (Check::Fold, predecessor(prover), successor(prover), 16)));
    }

    fn check(&mut self, pending: &Pending) {
        if pending.is_empty() {
            return;
        }
        let has = pending.words.map(|(rows, _)| rows > 0);
        if has.contains(&true) {
            self.right(Check::Carries, has, true, |prover| 8 * packed_words(pending.words[prover].0, BITS));
            self.seeds(has);
            self.right(Check::Total, has, true, |_| 48);
            self.right(Check::Prime, has, false, |_| 8);
            self.right(Check::Coefficients, has, true, |_| 8 * SENT);
            self.right(Check::Point, has, false, |_| 8);
            self.proof(has, pending.words.map(|(_, folded)| padded(folded)));
        }
        for from in (0..pending.bits.into_iter().max().unwrap_or(0)).step_by(SEGMENT) {
            let rows = pending.bits.map(|rows| rows.saturating_sub(from).min(SEGMENT));
            let has = rows.map(|rows| rows > 0);
            self.seeds(has);
            self.right(Check::Gram, has, true, |_| 8 * (PAIRS - 1));
            self.right(Check::Factors, has, false, |_| 16 * BYTES);
            self.proof(has, rows.map(folded_len));
        }
        self.phase(
            (0..PARTIES).flat_map(|from| [(Check::Verdict, from, predecessor(from), 1), (Check::Verdict, from, successor(from), 1)]),
        );
    }

    fn truncation(&mut self, len: usize, shift: u32) {
        let packed = 8 * packed_words(len, shift);
        let first = [(Check::TruncPlanes, 8 * PLANES * len.div_ceil(64)), (Check::TruncCarry, 8 * len), (Check::TruncTop, packed)];
        let first = first.map(|(step, bytes)| (step, 0, 1, bytes));
        self.phase(first.into_iter().chain([(Check::TruncWrap, 2, 0, packed)]));
        self.phase([(Check::TruncWrap, 1, 2, packed)]);
    }
}

impl Pending {
    fn add_words(&mut self, prover: usize, rows: usize, form: Form) {
        self.words[prover].0 += rows;
        self.words[prover].1 += form.folded_len(rows);
    }

    fn add_truncation(&mut self, len: usize) {
        self.bits[0] += PLANES * len.div_ceil(64);
        self.add_words(0, len, Form::of(2));
        (0..PARTIES).for_each(|prover| self.add_words(prover, len, Form::of(1)));
    }
}

/// Runs a primitive on the account: charges its checks and, if wanted, its messages.
fn account(primitive: &Primitive, pending: &mut Pending, bill: &mut Bill<'_>) {
    let settle = |pending: &mut Pending, bill: &mut Bill<'_>| {
        if pending.is_full() {
            bill.check(&std::mem::take(pending));
        }
    };
    match primitive {
        Primitive::Multiply { len, operands, shift, shapes } => {
            let product = Primitive::Multiply { len: *len, operands: *operands, shift: 0, shapes: Vec::new() };
            bill.formula.append(Context::price(&product, &[], bill.parties).unwrap_or_else(Formula::empty));
            for shape in shapes {
                let form = Form::of_product(shape);
                for part in form.parts(shape.result_len()) {
                    (0..PARTIES).for_each(|prover| pending.add_words(prover, part.len(), form));
                    settle(pending, bill);
                }
            }
            if *shift > 0 {
                bill.truncation(*len, *shift);
                pending.add_truncation(*len);
            }
        }
        Primitive::Truncate { len, shift } => {
            bill.truncation(*len, *shift);
            pending.add_truncation(*len);
        }
        Primitive::Verify => bill.check(&std::mem::take(pending)),
        other => {
            if let Primitive::Open { len: size } | Primitive::OpenBits { words: size } = other
                && *size > 0
            {
                bill.phase([]);
                let digests = (0..PARTIES).map(|from| (Check::Digest, from, predecessor(from), 32));
                // both messages leave before either comes: one phase
                let opening = Context::price(other, &[], bill.parties).unwrap_or_else(Formula::empty);
                bill.phase(digests);
                if let Some(phase) = bill.formula.phases.last_mut() {
                    phase.messages.extend(opening.phases.into_iter().flat_map(|phase| phase.messages));
                }
                return;
            }
            match other {
                Primitive::And { words } => pending.bits.iter_mut().for_each(|rows| *rows += words),
                Primitive::Addends { words } => pending.bits[0] += words,
                // two messages of each party
                Primitive::Shuffle { len, .. } => (0..PARTIES).for_each(|prover| pending.add_words(prover, 2 * len, Form::Moved)),
                Primitive::Lift { len } => (0..PARTIES).for_each(|prover| pending.add_words(prover, *len, Form::of(1))),
                _ => {}
            }
            bill.formula.append(Context::price(other, &[], bill.parties).unwrap_or_else(Formula::empty));
        }
    }
    settle(pending, bill);
}

impl Priced for Malicious {
    const CHECKS: bool = true;

    fn price_of_setup(parties: &[&str]) -> Formula {
        Context::price_of_setup(parties)
    }

    fn price(primitive: &Primitive, before: &[Primitive], parties: &[&str]) -> Option<Formula> {
        if let Primitive::Inject { .. } = primitive {
            return None;
        }
        let mut pending = Pending::default();
        for earlier in before {
            account(earlier, &mut pending, &mut Bill { formula: Formula::empty(), parties });
        }
        let mut bill = Bill { formula: Formula::empty(), parties };
        account(primitive, &mut pending, &mut bill);
        Some(bill.formula)
    }
}
