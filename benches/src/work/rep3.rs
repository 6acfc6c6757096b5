//! Operations on shares: party 0 and party 1 share an operand each (set-up), all three multiply (online), and the
//! opened product is compared with the clear one (not measured).

use ndarray::{Ix1, Ix2};
use yu_mpc::fixed::Fixed;
use yu_mpc::rep3::{Context, Share};
use yu_mpc::ring::Ring64;

use super::data::{integer, small};
use crate::Result;
use crate::phase::Watch;
use crate::support::sizes::FRACTION;

type Number = Fixed<FRACTION>;

/// Entries of a matrix product that are compared; each costs a row times a column.
const COMPARED: usize = 64;

pub(super) fn mul(context: &mut Context, n: usize, own: &[u64], watch: &mut Watch) -> Result<()> {
    let [x, y] = operands(context, n, own)?;
    watch.online();
    let z = context.mul(&x, &y)?;
    watch.done();
    let opened = context.open_to_all(&z)?.into_clear();
    let expected = (0..n).map(|at| integer(0, at).wrapping_mul(integer(1, at)));
    if opened.iter().copied().eq(expected) { Ok(()) } else { Err("a product is wrong".into()) }
}

pub(super) fn mul_trunc(context: &mut Context, n: usize, own: &[u64], watch: &mut Watch) -> Result<()> {
    let [x, y] = operands(context, n, own)?.map(Share::scaled::<FRACTION>);
    watch.online();
    let z: Share<Number, Ix1> = context.mul_trunc::<FRACTION, FRACTION, FRACTION, Ix1>(&x, &y)?;
    watch.done();
    let opened = context.open_to_all(&z)?.into_clear();
    check(opened.iter().enumerate().map(|(at, found)| (*found, clear(0, at) * clear(1, at))))
}

pub(super) fn matmul(context: &mut Context, n: usize, own: &[u64], watch: &mut Watch) -> Result<()> {
    let cells = n.checked_mul(n).ok_or("matrix is too large")?;
    let [x, y] = operands(context, cells, own)?.map(Share::scaled::<FRACTION>);
    let (x, y) = (x.reshape(Ix2(n, n))?, y.reshape(Ix2(n, n))?);
    watch.online();
    let z = context.matmul_trunc::<FRACTION, FRACTION, FRACTION>(&x, &y)?;
    watch.done();
    let opened = context.open_to_all(&z)?.into_clear();
    // spread over the matrix: any whole block that is wrong is hit
    check(
        opened
            .indexed_iter()
            .step_by(cells.div_ceil(COMPARED))
            .map(|((row, column), found)| (*found, (0..n).map(|k| clear(0, row * n + k) * clear(1, k * n + column)).sum())),
    )
}

fn operands(context: &mut Context, n: usize, own: &[u64]) -> Result<[Share<Ring64, Ix1>; 2]> {
    let [x, y, _] = context.inputs([n, n, 0], own)?;
    Ok([x, y])
}

fn clear(owner: usize, at: usize) -> f64 {
    small(owner, at).cast_signed() as f64 * Number::ULP
}

/// Truncation is off by less than one unit in the last place.
fn check(pairs: impl Iterator<Item = (f64, f64)>) -> Result<()> {
    for (found, expected) in pairs {
        if (found - expected).abs() >= Number::ULP {
            return Err("a truncated product is off by a unit in the last place or more".into());
        }
    }
    Ok(())
}
