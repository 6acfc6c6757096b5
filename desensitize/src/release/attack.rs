//! The attacker's linear program: how far can a hidden number be from the true one, given everything that is printed?
//!
//! Variables are displacements from the true table, so that zero always fits and no rounding of large sums makes a program
//! contradictory; the ledger, which does not know the true table, uses the numbers themselves.

use std::time::Instant;

use microlp::{ComparisonOp, LinearExpr, OptimizationDirection, Problem, Variable};

/// Unknown numbers between bounds that satisfy equations.
#[derive(Clone, Debug, Default)]
pub(crate) struct Program {
    /// Least and greatest value of each variable.
    pub(crate) bounds: Vec<(f64, f64)>,
    /// The sum of coefficient times variable is the number at the end.
    pub(crate) rows: Vec<(Vec<(usize, f64)>, f64)>,
}

/// Why a program has no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsolved {
    /// No values fit.
    Contradiction,
    /// Out of time, unbounded, or at the solver's numerical limits.
    GaveUp,
}

/// Which end of the interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The greatest value.
    High,
    /// The least value.
    Low,
}

/// Values that fit and bring the target as far as `stop`, or as far as it can go. With `is_whole` all of them are whole: the
/// relaxation is solved first, and only if fractions come out, the program over whole numbers. The answer is not taken on
/// trust: it is put into bounds and equations, after rounding. Fractions may miss these by `tolerance`, which must be small beside what
/// is asked about the target, however large the other numbers are.
pub(crate) fn extreme(
    p: &Program,
    target: usize,
    (end, stop): (End, f64),
    tolerance: f64,
    is_whole: bool,
    until: Instant,
) -> Result<Vec<f64>, Unsolved> {
    let scale = if is_whole { 1.0 } else { scale(p) };
    let point = solve(p, target, end, stop, scale, false, until)?;
    if !is_whole {
        let largest = point.iter().fold(1.0_f64, |size, value| size.max(value.abs()));
        return if satisfies(p, &point, tolerance.min(1e-7 * largest)) { Ok(point) } else { Err(Unsolved::GaveUp) };
    }
    let near = |point: &[f64]| point.iter().all(|v| (v - v.round()).abs() < 1e-4);
    let point = if near(&point) { point } else { solve(p, target, end, stop, scale, true, until)? };
    let whole: Vec<f64> = point.iter().map(|v| v.round()).collect();
    if near(&point) && satisfies(p, &whole, 0.0) { Ok(whole) } else { Err(Unsolved::GaveUp) }
}

fn solve(p: &Program, target: usize, end: End, stop: f64, scale: f64, is_whole: bool, until: Instant) -> Result<Vec<f64>, Unsolved> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() || target >= p.bounds.len() {
        return Err(Unsolved::GaveUp);
    }
    let mut problem = Problem::new(match end {
        End::High => OptimizationDirection::Maximize,
        End::Low => OptimizationDirection::Minimize,
    });
    problem.set_time_limit(left);
    let mut variables: Vec<Variable> = Vec::with_capacity(p.bounds.len());
    for (index, (low, high)) in p.bounds.iter().enumerate() {
        let (mut low, mut high) = (*low / scale, *high / scale);
        let cost = f64::from(u8::from(index == target));
        if index == target {
            match end {
                End::High => high = high.min(stop / scale).max(low),
                End::Low => low = low.max(stop / scale).min(high),
            }
        }
        variables.push(if is_whole {
            problem.add_integer_var(cost, whole_bounds(low, high).ok_or(Unsolved::GaveUp)?)
        } else {
            problem.add_var(cost, (low, high))
        });
    }
    for (terms, value) in &p.rows {
        let mut sum = LinearExpr::empty();
        for (variable, coefficient) in terms {
            sum.add(*variables.get(*variable).ok_or(Unsolved::GaveUp)?, *coefficient);
        }
        problem.add_constraint(sum, ComparisonOp::Eq, value / scale);
    }
    values(&problem, &variables, scale)
}

/// The values of an optimum.
pub(crate) fn values(problem: &Problem, variables: &[Variable], scale: f64) -> Result<Vec<f64>, Unsolved> {
    let outcome = problem.solve().map_err(|error| match error {
        microlp::Error::Infeasible => Unsolved::Contradiction,
        _ => Unsolved::GaveUp,
    })?;
    if !outcome.is_optimal() {
        return Err(Unsolved::GaveUp);
    }
    let solution = outcome.into_solution().map_err(|_| Unsolved::GaveUp)?;
    Ok(variables.iter().map(|variable| solution.var_value(*variable) * scale).collect())
}

/// The solver's tolerances are absolute: sums are brought near a thousand.
fn scale(p: &Program) -> f64 {
    let bounds = p.bounds.iter().flat_map(|(low, high)| [low.abs(), high.abs()]).filter(|v| v.is_finite());
    let largest = bounds.chain(p.rows.iter().map(|(_, value)| value.abs())).fold(0.0, f64::max);
    if largest > 0.0 { (largest / 1e3).max(1e-300) } else { 1.0 }
}

fn whole_bounds(low: f64, high: f64) -> Option<(i32, i32)> {
    // beyond this the attacker is assumed not to go, which can only make intervals narrower
    let limit = 1e8;
    let (low, high) = (low.max(-limit).ceil(), high.min(limit).floor());
    (low <= high).then_some((low as i32, high as i32))
}

/// Whether the values keep bounds and equations, to `slack` for each term.
pub(crate) fn satisfies(p: &Program, point: &[f64], slack: f64) -> bool {
    let at = |variable: &usize| point.get(*variable).copied().unwrap_or(f64::NAN);
    point.len() == p.bounds.len()
        && point.iter().zip(&p.bounds).all(|(value, (low, high))| *value >= low - slack && *value <= high + slack)
        && p.rows.iter().all(|(terms, value)| {
            let sum: f64 = terms.iter().map(|(variable, coefficient)| coefficient * at(variable)).sum();
            (sum - value).abs() <= slack * terms.len() as f64
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(20)
    }

    /// Hidden a b / c d with line sums 30, 20 and column sums 25, 25: a in [5, 25].
    #[test]
    fn a_square_of_four_by_hand() {
        let pair = |a, b, sum| (vec![(a, 1.0), (b, 1.0)], sum);
        let rows = vec![pair(0, 1, 30.0), pair(2, 3, 20.0), pair(0, 2, 25.0), pair(1, 3, 25.0)];
        let mut p = Program { bounds: vec![(0.0, f64::INFINITY); 4], rows };
        for is_whole in [false, true] {
            let end = |end, stop| extreme(&p, 0, (end, stop), 1e-3, is_whole, soon()).unwrap()[0];
            assert!((end(End::High, f64::INFINITY) - 25.0).abs() < 1e-6 && (end(End::Low, f64::NEG_INFINITY) - 5.0).abs() < 1e-6);
            assert!((end(End::High, 9.0) - 9.0).abs() < 1e-6);
        }
        assert_eq!(extreme(&p, 0, (End::High, 9.0), 1e-3, true, Instant::now()), Err(Unsolved::GaveUp));
        p.rows[0].1 = 1e6;
        assert_eq!(extreme(&p, 0, (End::High, 1e9), 1e-3, false, soon()), Err(Unsolved::Contradiction));
    }

    /// 2 a = b >= -3: as fractions a reaches -1.5, as whole numbers -1. Large numbers beside it must not hide that.
    #[test]
    fn fractions_are_no_counts() {
        let rows = vec![(vec![(0, 1.0), (1, -1.0)], 0.0), (vec![(0, 1.0), (1, 1.0), (2, -1.0)], 0.0), (vec![(3, 1.0)], -200_000.0)];
        let p = Program { bounds: vec![(-9.0, 9.0), (-9.0, 9.0), (-3.0, 9.0), (-300_000.0, 9.0)], rows };
        assert!((extreme(&p, 0, (End::Low, -9.0), 1.0, false, soon()).unwrap()[0] + 1.5).abs() < 1e-4);
        assert_eq!(extreme(&p, 0, (End::Low, -9.0), 1.0, true, soon()).unwrap()[..3], [-1.0, -1.0, -2.0]);
    }

    #[test]
    fn unbounded_is_no_answer_but_a_stop_is_one() {
        let p = Program { bounds: vec![(0.0, f64::INFINITY); 2], rows: vec![(vec![(0, 1.0), (1, -1.0)], 0.0)] };
        assert_eq!(extreme(&p, 0, (End::High, f64::INFINITY), 1e-3, false, soon()), Err(Unsolved::GaveUp));
        assert!((extreme(&p, 0, (End::High, 5e6), 1e-3, false, soon()).unwrap()[0] - 5e6).abs() < 1.0);
    }
}
