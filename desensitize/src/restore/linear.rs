//! Linear algebra of the reconstruction: exact elimination modulo a prime, and least squares.

use std::collections::HashMap;

use super::budget::Meter;
use super::cells::Groups;
use super::counts::Figure;

/// 2^61 - 1, a Mersenne prime: products fit in 128 bits and reduce by shifts.
const P: u64 = (1 << 61) - 1;

fn mul(a: u64, b: u64) -> u64 {
    let wide = u128::from(a) * u128::from(b);
    let sum = (wide & u128::from(P)) as u64 + (wide >> 61) as u64;
    if sum >= P { sum - P } else { sum }
}

fn sub(a: u64, b: u64) -> u64 {
    if a >= b { a - b } else { a + P - b }
}

/// a^(P-2), the inverse of a (Fermat).
fn inverse(a: u64) -> u64 {
    let (mut base, mut result, mut exponent) = (a, 1, P - 2);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = mul(result, base);
        }
        base = mul(base, base);
        exponent >>= 1;
    }
    result
}

/// One row per figure, one column per group of people who are in the same figures: 1 where the group is in it.
pub(super) fn matrix<'a>(figures: impl Iterator<Item = &'a Figure>, groups: &Groups) -> Vec<Vec<u64>> {
    figures
        .map(|figure| {
            let mut row = vec![0; groups.sizes.len()];
            for person in &figure.people {
                if let Some(cell) = groups.of_row.get(*person as usize).and_then(|group| row.get_mut(*group as usize)) {
                    *cell = 1;
                }
            }
            row
        })
        .collect()
}

/// For each column (a group of `sizes` people) whether it takes part in a combination of fewer than `k` people that follows from the
/// equations. In the reduced echelon form a single group that follows is a row with one entry; combinations are looked for among the
/// rows, and among pairs of rows of which the rest cancels.
pub(super) fn determined(mut rows: Vec<Vec<u64>>, sizes: &[u64], k: u64) -> Vec<bool> {
    let columns = sizes.len();
    let mut rank = 0;
    let mut pivots = Vec::new();
    for column in 0..columns {
        let at = |row: &Vec<u64>| row.get(column).copied().unwrap_or(0);
        let Some(found) = rows.iter().skip(rank).position(|row| at(row) != 0) else { continue };
        rows.swap(rank, rank + found);
        let (above, rest) = rows.split_at_mut(rank);
        let Some((pivot, below)) = rest.split_first_mut() else { break };
        let scale = inverse(at(pivot));
        pivot.iter_mut().skip(column).for_each(|cell| *cell = mul(*cell, scale));
        for row in above.iter_mut().chain(below) {
            let factor = at(row);
            if factor != 0 {
                for (cell, by) in row.iter_mut().zip(pivot.iter()).skip(column) {
                    *cell = sub(*cell, mul(factor, *by));
                }
            }
        }
        pivots.push(column);
        rank += 1;
    }
    let mut is_known = vec![false; columns];
    let mut know = |parts: &[usize]| {
        let people = parts.iter().filter_map(|part| sizes.get(*part)).try_fold(0u64, |sum, size| sum.checked_add(*size));
        if people.is_some_and(|people| people < k) {
            parts.iter().for_each(|part| is_known.iter_mut().skip(*part).take(1).for_each(|known| *known = true));
        }
    };
    // rows by what they hold beside their pivot, up to the sign
    let mut alike: HashMap<Vec<(usize, u64)>, Vec<usize>> = HashMap::new();
    for (row, pivot) in rows.iter().zip(pivots) {
        let rest: Vec<(usize, u64)> =
            row.iter().enumerate().filter(|(at, cell)| *at != pivot && **cell != 0).map(|(at, cell)| (at, *cell)).collect();
        // longer ones are more than k people: every group has somebody
        if (rest.len() as u64) < k {
            know(&rest.iter().map(|(at, _)| *at).chain([pivot]).collect::<Vec<_>>());
        }
        let is_negative = rest.first().is_some_and(|(_, cell)| *cell > P / 2);
        let key = if is_negative { rest.into_iter().map(|(at, cell)| (at, sub(0, cell))).collect() } else { rest };
        alike.entry(key).or_default().push(pivot);
    }
    for pivots in alike.values() {
        // of many alike the two smallest tell whether there is a pair, and each of the others is tried with the smallest
        let size = |pivot: &usize| sizes.get(*pivot).copied().unwrap_or(u64::MAX);
        if let Some(least) = pivots.iter().min_by_key(|pivot| size(pivot)) {
            pivots.iter().filter(|pivot| *pivot != least).for_each(|pivot| know(&[*least, *pivot]));
        }
    }
    is_known
}

/// The least-squares solution of smallest change from 1/2, by conjugate gradients on the normal equations (CGLS; Björck,
/// Numerical Methods for Least Squares Problems, section 7.4). `None` if the budget ends before the first step.
///
/// `values` stand for the figures' own.
pub(super) fn least_squares(figures: &[&Figure], values: &[f64], people: usize, meter: &mut Meter<'_>) -> Option<Vec<f64>> {
    let entries: u64 = figures.iter().map(|figure| figure.people.len() as u64).sum::<u64>() + people as u64;
    let apply = |x: &[f64]| -> Vec<f64> {
        figures.iter().map(|figure| figure.people.iter().map(|person| x.get(*person as usize).copied().unwrap_or(0.0)).sum()).collect()
    };
    let transpose = |y: &[f64]| -> Vec<f64> {
        let mut x = vec![0.0; people];
        for (figure, value) in figures.iter().zip(y) {
            for person in &figure.people {
                if let Some(cell) = x.get_mut(*person as usize) {
                    *cell += value;
                }
            }
        }
        x
    };
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let mut x = vec![0.5; people];
    let mut residual: Vec<f64> = values.iter().zip(apply(&x)).map(|(given, value)| given - value).collect();
    let mut gradient = transpose(&residual);
    let mut direction = gradient.clone();
    let mut norm = dot(&gradient, &gradient);
    let first = norm;
    let mut steps = 0;
    // a millionth of the first gradient: secrets are rounded to halves
    while norm > 1e-12 * first && norm > 0.0 && steps < 2 * people + 50 {
        if !meter.spend(2 * entries) {
            return (steps > 0).then_some(x);
        }
        steps += 1;
        let image = apply(&direction);
        let length = dot(&image, &image);
        if length <= 0.0 {
            break;
        }
        let step = norm / length;
        x.iter_mut().zip(&direction).for_each(|(x, d)| *x += step * d);
        residual.iter_mut().zip(&image).for_each(|(r, i)| *r -= step * i);
        gradient = transpose(&residual);
        let next = dot(&gradient, &gradient);
        let ratio = next / norm;
        direction.iter_mut().zip(&gradient).for_each(|(d, g)| *d = g + ratio * *d);
        norm = next;
    }
    Some(x)
}

#[cfg(test)]
mod tests {
    use super::super::budget::{Budget, system_clock};
    use super::*;

    #[test]
    fn arithmetic_is_that_of_the_field() {
        for a in [1, 2, 3, P - 1, 123_456_789_012_345] {
            assert_eq!(mul(a, inverse(a)), 1);
            assert_eq!(sub(sub(0, a), sub(0, a)), 0);
        }
        assert_eq!(mul(P - 1, P - 1), 1);
    }

    #[test]
    fn the_unknowns_that_follow_are_found() {
        // x0 + x1, x1 + x2, x0 + x2 determine all three; x3 + x4 determines nobody
        let rows = vec![vec![1, 1, 0, 0, 0], vec![0, 1, 1, 0, 0], vec![1, 0, 1, 0, 0], vec![0, 0, 0, 1, 1]];
        assert_eq!(determined(rows, &[1; 5], 2), [true, true, true, false, false]);
        let rows = vec![vec![1, 1, 1], vec![1, 1, 0], vec![1, 1, 0]];
        assert_eq!(determined(rows, &[1; 3], 2), [false, false, true]);
        assert_eq!(determined(Vec::new(), &[1; 2], 5), [false, false]);
        // the sum of two people is not theirs if two are enough, and neither is that of a group
        let rows = || vec![vec![1, 1, 1, 0], vec![0, 0, 1, 1], vec![0, 0, 1, 0]];
        assert_eq!(determined(rows(), &[1, 1, 9, 9], 3), [true, true, false, false]);
        assert_eq!(determined(rows(), &[1, 1, 9, 9], 2), [false; 4]);
        // two rows of which the rest cancels
        let rows = vec![vec![1, 0, 1, 1, 1], vec![0, 1, 1, 1, 1]];
        assert_eq!(determined(rows, &[1; 5], 3), [true, true, false, false, false]);
    }

    #[test]
    fn least_squares_solves_a_square_system() {
        let figures = [(vec![0, 1], 1.0), (vec![1, 2], 1.0), (vec![0, 2], 2.0)].map(|(people, value)| Figure { people, value });
        let figures: Vec<&Figure> = figures.iter().collect();
        let mut meter = Meter::new(&system_clock, Budget { tries: 1_000_000, seconds: 60.0 });
        let values = [1.0, 1.0, 2.0];
        let x = least_squares(&figures, &values, 3, &mut meter).unwrap();
        for (x, expected) in x.iter().zip([1.0, 0.0, 1.0]) {
            assert!((x - expected).abs() < 1e-9);
        }
        let mut meter = Meter::new(&system_clock, Budget { tries: 1, seconds: 60.0 });
        assert!(least_squares(&figures, &values, 3, &mut meter).is_none());
    }
}
