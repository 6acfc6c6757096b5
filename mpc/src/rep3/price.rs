//! Messages of each primitive, as the table in [`crate::rep3`] has them.

use super::context::{Context, PARTIES, predecessor, successor};
use super::products::bits_to_cut;
use super::steps::Rep3Step;
use crate::cost::{Expr, Formula};
use crate::engine::{Priced, Primitive, Way};
use crate::prg::SEED_LEN;

/// Step, sender, receiver, payload bytes.
type Message = (Rep3Step, usize, usize, usize);

fn phase(formula: &mut Formula, parties: &[&str], messages: impl IntoIterator<Item = Message>) {
    let named = messages
        .into_iter()
        .filter(|message| message.3 > 0)
        .filter_map(|(step, from, to, bytes)| Some((step.label(), *parties.get(from)?, *parties.get(to)?, Expr::from(bytes as u64))));
    formula.phase(named);
}

fn around(step: Rep3Step, to: fn(usize) -> usize, bytes: usize) -> impl Iterator<Item = Message> {
    (0..PARTIES).map(move |from| (step, from, to(from), bytes))
}

impl Priced for Context {
    const LOW_PLANES_ARE_FREE: bool = true;
    const TRUNCATES_CHEAPLY: bool = true;
    const HALVES: bool = true;

    fn price_of_setup(parties: &[&str]) -> Formula {
        let mut formula = Formula::empty();
        phase(&mut formula, parties, around(Rep3Step::Key, predecessor, SEED_LEN));
        formula
    }

    fn price(primitive: &Primitive, _: &[Primitive], parties: &[&str]) -> Option<Formula> {
        let mut formula = Formula::empty();
        let mut phase = |messages: &mut dyn Iterator<Item = Message>| phase(&mut formula, parties, messages);
        let from_owners = |step, sizes: &[usize]| -> Vec<Message> {
            sizes.iter().enumerate().map(|(owner, size)| (step, owner, successor(owner), 8 * size)).collect()
        };
        match primitive {
            Primitive::Inject { .. } => return None,
            Primitive::DrawShuffle { .. } | Primitive::Verify => {}
            Primitive::Input(sizes) => phase(&mut from_owners(Rep3Step::Input, sizes).into_iter()),
            Primitive::InputBits(sizes) => phase(&mut from_owners(Rep3Step::InputBits, sizes).into_iter()),
            Primitive::ShareKnown(sizes) => {
                let words: Vec<usize> = sizes.iter().map(|size| size / 2).collect();
                phase(&mut from_owners(Rep3Step::Known, &words).into_iter());
            }
            Primitive::MultiplyHalves { len } => phase(&mut around(Rep3Step::Halves, predecessor, 8 * len.div_ceil(2))),
            Primitive::Multiply { len, shift: 0, .. } => phase(&mut around(Rep3Step::Multiply, predecessor, 8 * len)),
            Primitive::Multiply { len, .. } | Primitive::Truncate { len, .. } => {
                let bits = match primitive {
                    Primitive::Multiply { shift, shapes, .. } => bits_to_cut(shapes.iter().copied(), *shift),
                    Primitive::Truncate { shift, .. } => *shift,
                    _ => 0,
                };
                let packed = (len * bits as usize).div_ceil(8);
                let opened = [(Rep3Step::TruncOpen, 0, 1, 8 * len), (Rep3Step::TruncOpen, 1, 0, 8 * len)];
                let split = [(Rep3Step::TruncShift, 2, 1, 8 * len), (Rep3Step::TruncWrap, 2, 1, packed)];
                phase(&mut opened.into_iter().chain(split));
                phase(&mut [0, 1].into_iter().map(|from| (Rep3Step::TruncCorrect, from, 2, packed)));
            }
            Primitive::TruncateProbabilistic { len } => phase(
                &mut [(Rep3Step::TruncOpen, 0, 1, 8 * len), (Rep3Step::TruncOpen, 1, 0, 8 * len), (Rep3Step::TruncShift, 2, 1, 8 * len)]
                    .into_iter(),
            ),
            Primitive::And { words } => phase(&mut around(Rep3Step::And, predecessor, 8 * words)),
            Primitive::Addends { words } => phase(&mut std::iter::once((Rep3Step::Addend, 0, 1, 8 * words))),
            Primitive::Lift { len } => {
                phase(&mut [(Rep3Step::LiftInput, 0, 1, 8 * len), (Rep3Step::LiftHigh, 2, 0, 8 * len)].into_iter());
                phase(&mut std::iter::once((Rep3Step::LiftLow, 1, 2, 8 * len)));
            }
            Primitive::Shuffle { len, way } => {
                for pass in 0..PARTIES {
                    let first = if *way == Way::Forward { pass } else { PARTIES - 1 - pass };
                    let second = successor(first);
                    let step = Rep3Step::Shuffle;
                    phase(&mut [(step, first, second, 8 * len), (step, second, first, 8 * len)].into_iter());
                }
            }
            Primitive::Open { len } => phase(&mut around(Rep3Step::Open, successor, 8 * len)),
            Primitive::OpenBits { words } => phase(&mut around(Rep3Step::OpenBits, successor, 8 * words)),
        }
        Some(formula)
    }
}
