//! Messages of each primitive, as the table in [`crate`] has them: what the dry run predicts.

use yu_mpc::cost::{Expr, Formula};
use yu_mpc::engine::{Priced, Primitive, Way};
use yu_mpc::prg::SEED_LEN;

use crate::context::{Context, DEALER, PARTIES};
use crate::steps::DealerStep as Step;

/// Step, sender, receiver, payload bytes.
type Message = (Step, usize, usize, usize);

/// Messages that cross; those without payload are not sent.
fn phase(formula: &mut Formula, parties: &[&str], messages: &[Message]) {
    let named = messages
        .iter()
        .filter(|message| message.3 > 0)
        .filter_map(|(step, from, to, bytes)| Some((step.label(), *parties.get(*from)?, *parties.get(*to)?, Expr::from(*bytes as u64))));
    formula.phase(named);
}

/// P0 and P1 exchange so many words.
const fn swap(step: Step, words: usize) -> [Message; 2] {
    [(step, 0, 1, 8 * words), (step, 1, 0, 8 * words)]
}

impl Priced for Context {
    fn price_of_setup(parties: &[&str]) -> Formula {
        let mut formula = Formula::empty();
        phase(&mut formula, parties, &[0, 1, 2].map(|from| (Step::Key, from, (from + 1) % PARTIES, SEED_LEN)));
        formula
    }

    fn price(primitive: &Primitive, _: &[Primitive], parties: &[&str]) -> Option<Formula> {
        let mut formula = Formula::empty();
        let mut phase = |messages: &[Message]| phase(&mut formula, parties, messages);
        let to_second = |step, words: usize| (step, DEALER, 1, 8 * words);
        let of_dealer = |sizes: &[usize]| sizes.get(DEALER).copied().unwrap_or_default();
        let truncation = |len: usize, shift: u32| {
            let [forth, back] = swap(Step::Trunc, len);
            [forth, back, to_second(Step::TruncShift, len), to_second(Step::TruncWrap, len.div_ceil(64) * shift as usize)]
        };
        match primitive {
            Primitive::Input(sizes) => phase(&[to_second(Step::Input, of_dealer(sizes))]),
            Primitive::InputBits(sizes) => phase(&[to_second(Step::InputBits, of_dealer(sizes))]),
            Primitive::Multiply { len, operands, shift, .. } => {
                let [forth, back] = swap(Step::Multiply, *operands);
                phase(&[forth, back, to_second(Step::MultiplyDeal, *len)]);
                if *shift > 0 {
                    phase(&truncation(*len, *shift));
                }
            }
            Primitive::Truncate { len, shift } => phase(&truncation(*len, *shift)),
            Primitive::And { words } => {
                let [forth, back] = swap(Step::And, 2 * words);
                phase(&[forth, back, to_second(Step::AndDeal, *words)]);
            }
            Primitive::Lift { len } => {
                let [forth, back] = swap(Step::Lift, len.div_ceil(64));
                phase(&[forth, back, to_second(Step::LiftDeal, *len)]);
            }
            Primitive::Inject { len } => {
                let [forth, back] = swap(Step::Inject, len.div_ceil(64) + len);
                phase(&[forth, back, to_second(Step::InjectDeal, 2 * len)]);
            }
            Primitive::Shuffle { len, way } => {
                let movers = if *way == Way::Forward { [0, 1] } else { [1, 0] };
                for mover in movers {
                    phase(&[(Step::Shuffle, 1 - mover, mover, 8 * len), (Step::ShuffleDeal, DEALER, mover, 8 * len)]);
                }
            }
            Primitive::Open { len: words } => phase(&opening(Step::Open, *words)),
            Primitive::OpenBits { words } => phase(&opening(Step::OpenBits, *words)),
            Primitive::Addends { .. } | Primitive::DrawShuffle { .. } | Primitive::Verify => {}
            // a primitive that this engine does not know yet is put together of the others, if it can be
            _ => return None,
        }
        Some(formula)
    }
}

/// P0 and P1 tell each other and the dealer.
const fn opening(step: Step, words: usize) -> [Message; 4] {
    let [forth, back] = swap(step, words);
    [forth, back, (step, 0, DEALER, 8 * words), (step, 1, DEALER, 8 * words)]
}
