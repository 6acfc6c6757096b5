//! How much a result may tell a receiver about which of its own rows match.
//!
//! Where rows are joined on shares nobody learns which rows match. A receiver that brings data knows its columns, though, and every
//! published number about them is an equation about the unknown selection of its rows: a mean over few of few rows is met by few
//! selections. A count of equations says little, since one number of many digits is enough for a few dozen rows (it is a knapsack); so bits are
//! counted.
//!
//! Let the receiver bring `N` rows, of which `n` match; `n` is published. Which ones, is one of `C(N, n)` possibilities: `H = log2 C(N, n)`
//! bits. `k` published numbers of `d` significant digits hold at most `B = k d log2 10` bits, whatever they are and however hard they are to
//! invert. On average `2^(H - B)` selections remain that give the same numbers. The rule is `B <= H / 2`: at least half of what the result
//! leaves open stays open, in bits; where `H` is some hundred bits, more selections remain than anybody lists.
//!
//! Which numbers count, for a receiver with `c` numeric columns:
//! - means and deviations, `2 c`, and its own correlations, `c (c - 1) / 2`, where the contract publishes them;
//! - own columns' means by groups of its *own* grouping column, `c g`, and the groups' sizes: it knows who is in which group;
//! - own columns' means by groups of the *other* side's column, `c g`: each row's group is unknown too, which is one of
//!   `n! / (n_1! ... n_g!)` possibilities, `G` bits. All numbers together may tell half of `H + G`; those that no grouping hides half of `H`;
//! - in a job of several steps: each quantile and each count of a histogram of an own column, sums, means and counts of groups with an own
//!   column, the weights of a model of own columns only; groups of the other side's column are counted as if they were known;
//! - correlations of own columns with the other side's, and models with a column of the other side, do not count: they contain the other side's values, unknown numbers for each row. The same
//!   for everything about the other side's columns alone.
//!
//! If all rows match (`n = N`), the count has said everything, and nothing is left to be hidden.
//!
//! What this is not: a bound for a single row. An extreme value among few may show in a mean while the selection as a whole stays open; against
//! that stand minimum rows and dominance, and what differential privacy would add is missing. `N` is the contract's number: a receiver that
//! announced more rows than it has hides less.

use super::ResultView;
use crate::contract::{ColumnRef, Contract, GroupingTerms, JointTerms, OwnCorrelations, Role, Side, StepTerms};
use crate::id::PartyName;

/// What one receiver is told about its own rows, in bits.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// The receiver.
    pub party: PartyName,
    /// Published numbers about its own columns.
    pub numbers: u64,
    /// Bits that they can hold.
    pub published: f64,
    /// Bits that say which of its rows match.
    pub open: f64,
}

impl Told {
    /// Whether at least half stays open.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        self.open == 0.0 || 2.0 * self.published <= self.open
    }
}

/// For each receiver that brings data, and whom the protocol does not tell the match anyway: the comparison that leaves the least open.
#[must_use]
pub fn told(contract: &Contract, view: &ResultView) -> Vec<Told> {
    let receivers = contract.with_role(Role::Result).filter_map(|p| Some((&p.name, contract.side_of(&p.name)?)));
    let Some(joint) = contract.joint() else { return Vec::new() };
    let unknowing = receivers.filter(|(_, side)| !contract.reveal_match.includes(*side));
    unknowing.map(|(party, side)| of_receiver((contract, joint), view, party, side)).collect()
}

fn of_receiver((contract, joint): (&Contract, &JointTerms), view: &ResultView, party: &PartyName, side: Side) -> Told {
    let statistics = &joint.statistics;
    let terms = match side {
        Side::Left => &statistics.left,
        Side::Right => &statistics.right,
    };
    let columns = terms.columns.len() as u64;
    let digits = contract.outputs.iter().map(|o| o.digits).max().unwrap_or(0);
    let rows = contract.inputs_of(party).map(|i| i.rows).sum::<u64>();
    let own = contract.outputs.iter().any(|o| o.own_correlations == OwnCorrelations::Published);
    let cells = view.cells.len() as u64;
    let mut by_group = 0;
    let plain = if contract.is_statistics() {
        let alone = of_statistics(columns, own);
        match contract.grouping() {
            Some(grouping) if grouping.side == side => alone + columns * cells + cells,
            Some(_) => {
                by_group = columns * cells;
                alone
            }
            None => alone,
        }
    } else {
        joint.steps.iter().map(|step| of_step(step, side, own)).sum()
    };
    let bits = |numbers: u64| numbers as f64 * f64::from(digits) * std::f64::consts::LOG2_10;
    // more matches than rows are no selection at all: another check says so
    let which = log2_selections(&[view.matched, rows.saturating_sub(view.matched)]);
    let alone = Told { party: party.clone(), numbers: plain, published: bits(plain), open: which };
    if by_group == 0 || which == 0.0 || !alone.is_hidden() {
        return alone;
    }
    let numbers = plain + by_group;
    Told { party: party.clone(), numbers, published: bits(numbers), open: which + log2_selections(&view.cells) }
}

/// Means, deviations and, if they are published, correlations of so many own columns.
const fn of_statistics(columns: u64, correlations: bool) -> u64 {
    2 * columns + if correlations { columns * columns.saturating_sub(1) / 2 } else { 0 }
}

/// Numbers about the columns of one side that a step publishes, groups that the other side owns counted as if they were known.
fn of_step(step: &StepTerms, side: Side, correlations: bool) -> u64 {
    let owned = |columns: &[ColumnRef]| columns.iter().filter(|r| r.side == side).count() as u64;
    let groups = |by: &[GroupingTerms]| by.iter().map(|g| g.categories.len() as u64).fold(1, u64::saturating_mul);
    match step {
        StepTerms::Stats { columns, group } => {
            let columns = owned(columns);
            let of_groups = group.as_ref().map_or(0, |g| g.categories.len() as u64 * (columns + u64::from(g.side == side)));
            of_statistics(columns, correlations) + of_groups
        }
        StepTerms::Quantiles { columns, per_ten_thousand } => owned(columns) * per_ten_thousand.len() as u64,
        StepTerms::Histogram { column, edges } => owned(std::slice::from_ref(column)) * (edges.len() as u64 + 1),
        StepTerms::Groupby { by, values } => {
            // a sum and a mean of each value column; counts of groups that are own ones or parts of them
            groups(by) * (2 * owned(values) + u64::from(by.iter().any(|g| g.side == side)))
        }
        // of aligned rows, where nothing about the match is hidden
        StepTerms::Train(_) | StepTerms::Evaluate(_) | StepTerms::Predict(_) => 0,
        StepTerms::LinearRegression { features, .. } | StepTerms::LogisticRegression { features, .. } => {
            if step.numbers().into_iter().all(|r| r.side == side) { features.len() as u64 + 1 } else { 0 }
        }
    }
}

/// `log2` of the number of ways to part a set into parts of these sizes.
fn log2_selections(parts: &[u64]) -> f64 {
    let total = parts.iter().fold(0u64, |total, part| total.saturating_add(*part));
    let bits = log2_factorial(total) - parts.iter().map(|part| log2_factorial(*part)).sum::<f64>();
    // one way only: exactly nothing
    if parts.iter().filter(|part| **part > 0).count() < 2 { 0.0 } else { bits.max(0.0) }
}

/// `log2 n!`; below 1e-3 by Stirling's series (Abramowitz and Stegun 6.1.41) for 2 and more.
fn log2_factorial(n: u64) -> f64 {
    if n < 2 {
        return 0.0;
    }
    let n = n as f64;
    let natural = n * n.ln() - n + 0.5 * (2.0 * std::f64::consts::PI * n).ln() + 1.0 / (12.0 * n) - 1.0 / (360.0 * n.powi(3));
    natural / std::f64::consts::LN_2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn factorials_are_those_of_the_table() {
        for (n, exact) in [(0, 1.0), (1, 1.0), (2, 2.0), (5, 120.0), (10, 3_628_800.0), (20, 2_432_902_008_176_640_000.0f64)] {
            assert!((log2_factorial(n) - exact.log2()).abs() < 1e-3, "{n}");
        }
        // C(52, 5) = 2,598,960
        assert!((log2_selections(&[5, 47]) - 2_598_960f64.log2()).abs() < 1e-3);
        assert_eq!(log2_selections(&[7, 0]), 0.0);
        assert_eq!(log2_selections(&[]), 0.0);
        assert!(log2_selections(&[u64::MAX, 1]).is_finite());
    }
}
