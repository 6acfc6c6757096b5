//! Linear algebra of the reconstruction: exact elimination modulo a prime, and least squares.

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

/// For each column whether its unknown follows from the equations: whether its unit vector is in the row space.
/// In the reduced echelon form that is a row with a single entry.
pub(super) fn determined(mut rows: Vec<Vec<u64>>, columns: usize) -> Vec<bool> {
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
    for (row, pivot) in rows.iter().zip(pivots) {
        if row.iter().filter(|cell| **cell != 0).count() == 1
            && let Some(slot) = is_known.get_mut(pivot)
        {
            *slot = true;
        }
    }
    is_known
}

/// The least-squares solution of smallest change from 1/2, by conjugate gradients on the normal equations (CGLS; Björck,
/// Numerical Methods for Least Squares Problems, section 7.4). `None` if the budget ends before the first step.
pub(super) fn least_squares(figures: &[&Figure], people: usize, meter: &mut Meter<'_>) -> Option<Vec<f64>> {
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
    let mut residual: Vec<f64> = figures.iter().zip(apply(&x)).map(|(figure, value)| figure.value - value).collect();
    let mut gradient = transpose(&residual);
    let mut direction = gradient.clone();
    let mut norm = dot(&gradient, &gradient);
    let first = norm;
    let mut steps = 0;
    while norm > 1e-20 * first && norm > 0.0 && steps < 2 * people + 50 {
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
        assert_eq!(determined(rows, 5), [true, true, true, false, false]);
        let rows = vec![vec![1, 1, 1], vec![1, 1, 0], vec![1, 1, 0]];
        assert_eq!(determined(rows, 3), [false, false, true]);
        assert_eq!(determined(Vec::new(), 2), [false, false]);
    }

    #[test]
    fn least_squares_solves_a_square_system() {
        let figures = [(vec![0, 1], 1.0), (vec![1, 2], 1.0), (vec![0, 2], 2.0)].map(|(people, value)| Figure { people, value });
        let figures: Vec<&Figure> = figures.iter().collect();
        let mut meter = Meter::new(&system_clock, Budget { tries: 1_000_000, seconds: 60.0 });
        let x = least_squares(&figures, 3, &mut meter).unwrap();
        for (x, expected) in x.iter().zip([1.0, 0.0, 1.0]) {
            assert!((x - expected).abs() < 1e-9);
        }
        let mut meter = Meter::new(&system_clock, Budget { tries: 1, seconds: 60.0 });
        assert!(least_squares(&figures, 3, &mut meter).is_none());
    }
}
