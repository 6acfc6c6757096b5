//! Costs of the runs that no contract has a formula for: operations on shares.

use yu_mpc::cost::{Expr, Formula};
use yu_mpc::prg::SEED_LEN;
use yu_mpc::rep3::{PARTIES, Rep3Step};
use yu_wire::step::Steps;

use crate::phase::NAMES;
use crate::support::sizes::FRACTION;

/// Keys, input of both operands, product of `n` integers.
pub(super) fn mul(n: u64) -> Formula {
    let mut formula = set_up(n);
    let step = Rep3Step::Multiply.name();
    formula.phase((0..PARTIES).map(|at| (step, NAMES[at], NAMES[(at + 2) % PARTIES], Expr::from(8 * n))));
    formula
}

/// Keys, input of both operands, product with `n` truncated results. The operands of a matrix product of `[m, m]` have
/// as many elements as its result.
pub(super) fn mul_trunc(n: u64) -> Formula {
    let mut formula = set_up(n);
    let [first, second, third] = NAMES;
    let packed = (n * u64::from(FRACTION)).div_ceil(8);
    let message = |step: Rep3Step, from, to, len: u64| (step.name(), from, to, Expr::from(len));
    formula.phase([
        message(Rep3Step::TruncOpen, first, second, 8 * n),
        message(Rep3Step::TruncOpen, second, first, 8 * n),
        message(Rep3Step::TruncShift, third, second, 8 * n),
        message(Rep3Step::TruncWrap, third, second, packed),
    ]);
    formula.phase([message(Rep3Step::TruncCorrect, first, third, packed), message(Rep3Step::TruncCorrect, second, third, packed)]);
    formula
}

fn set_up(n: u64) -> Formula {
    let [first, second, third] = NAMES;
    let mut formula = Formula::empty();
    let seed = |from, to| (Rep3Step::Key.name(), from, to, Expr::from(SEED_LEN as u64));
    formula.phase([seed(first, third), seed(second, first), seed(third, second)]);
    let input = |from, to| (Rep3Step::Input.name(), from, to, Expr::from(8 * n));
    formula.phase([input(first, second), input(second, third)]);
    formula
}
