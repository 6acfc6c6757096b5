//! Operations on secret arrays, written once for every engine.
//!
//! | file | operations |
//! |---|---|
//! | [`circuit`] | carries, sums and comparisons of bit planes |
//! | [`compare`] | negative, less than, equality, minimum, maximum, absolute value |
//! | [`convert`] | to bits and back |
//! | [`extreme`] | greatest and smallest along an axis, their index, sign |
//! | `normal` | a number between 1/2 and 1 and a power of two |
//! | [`divide`] | reciprocal, quotient |
//! | [`root`] | square root and its reciprocal |
//! | [`exponential`] | exponential function, softmax |
//! | [`logarithm`] | natural logarithm |
//! | `polynomial` | public polynomials |
//! | [`spline`] | odd functions by pieces |
//! | [`sigmoid`] | logistic function |

pub mod circuit;
pub mod compare;
pub mod convert;
pub mod divide;
pub mod exponential;
pub mod extreme;
pub mod logarithm;
pub mod root;
pub mod sigmoid;
pub mod spline;

pub(crate) mod normal;
mod polynomial;

use crate::Result;
use crate::engine::{Engine, Vector};

/// Elements that an operation with many intermediate values takes at a time, so that memory stays in proportion: 2^20.
pub const PIECE: usize = 1 << 20;

/// Applies an operation to pieces of at most [`PIECE`] elements: the rounds count once for each.
pub(crate) fn in_pieces<E: Engine>(
    engine: &mut E,
    values: &E::Words,
    mut operation: impl FnMut(&mut E, &E::Words) -> Result<E::Words>,
) -> Result<E::Words> {
    if values.len() <= PIECE {
        return operation(engine, values);
    }
    let mut done = Vec::new();
    for from in (0..values.len()).step_by(PIECE) {
        let piece = values.slice(from..values.len().min(from + PIECE));
        done.push(operation(engine, &piece)?);
    }
    Ok(E::Words::concat(&done.iter().collect::<Vec<_>>()))
}
