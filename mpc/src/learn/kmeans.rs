//! k-means (K均值聚类) by Lloyd's iteration: each row belongs to the nearest centre, each centre becomes the mean of its rows.
//!
//! Of `|x - c|^2` only `|c|^2 - 2 x c` depends on the centre: one matrix product, then a tournament over the centres; one bit per row and
//! centre says which is nearest. Means move by `(sum - count c) / count`, so a centre without rows stays (division by zero gives
//! zero). Nothing is opened, not even the sizes of the clusters.
//!
//! | | |
//! |---|---|
//! | features, centres | below [`super::BOUND`]; at most 2^20 rows, 4096 columns |
//! | error of an iteration | `2^-9`, where no row is nearly as far from two centres |
//! | rounds an iteration on [`rep3`](crate::rep3) | about `37 + 12 ceil(log2 k)` |
//! | bytes an iteration on [`rep3`](crate::rep3) | about `175 n k` |

use ndarray::{Ix1, Ix2};

use super::Feature;
use crate::engine::{Engine, Module, Product, Vector};
use crate::fixed::Fixed;
use crate::ops::{divide, normal};
use crate::ring::Int;
use crate::secret::{Secret, SecretBits, only};
use crate::{Error, Result};

const ROWS: usize = 1 << 20;
const COLUMNS: usize = 4096;

/// How to cluster.
#[derive(Clone, Copy, Debug)]
pub struct KMeans {
    /// Number of iterations; it does not depend on the data.
    pub iterations: usize,
}

impl KMeans {
    /// The centres after the iterations, from given ones, `[k, columns]`.
    ///
    /// # Errors
    /// [`Error::Shape`] if the centres have another number of columns; [`Error::Caller`] for too many rows or columns; the engine's.
    pub fn fit<E: Engine>(
        &self,
        engine: &mut E,
        features: &Secret<E, Feature, Ix2>,
        centres: &Secret<E, Feature, Ix2>,
    ) -> Result<Secret<E, Feature, Ix2>> {
        check(features, centres)?;
        let mut centres = centres.clone();
        for _ in 0..self.iterations {
            centres = step(engine, features, &centres)?;
        }
        Ok(centres)
    }

    /// Number of the nearest centre for each row.
    ///
    /// # Errors
    /// As [`Self::fit`].
    pub fn assign<E: Engine>(
        engine: &mut E,
        features: &Secret<E, Feature, Ix2>,
        centres: &Secret<E, Feature, Ix2>,
    ) -> Result<Secret<E, Int, Ix1>> {
        check(features, centres)?;
        Ok(distances(engine, features, centres)?.argmin_axis(engine, 1)?.1)
    }
}

fn check<E: Engine>(features: &Secret<E, Feature, Ix2>, centres: &Secret<E, Feature, Ix2>) -> Result<()> {
    let ([rows, columns], [count, width]) = ([features.shape()[0], features.shape()[1]], [centres.shape()[0], centres.shape()[1]]);
    if columns != width || count == 0 {
        return Err(Error::shape("k-means", features.shape(), centres.shape()));
    }
    if rows > ROWS || !(1..=COLUMNS).contains(&columns) {
        return Err(Error::caller(format!("k-means of {rows} rows and {columns} columns, expected at most {ROWS} and 1 to {COLUMNS}")));
    }
    Ok(())
}

/// `|c|^2 - 2 x c` for each row and centre.
fn distances<E: Engine>(
    engine: &mut E,
    features: &Secret<E, Feature, Ix2>,
    centres: &Secret<E, Feature, Ix2>,
) -> Result<Secret<E, Fixed<20>, Ix2>> {
    let (rows, columns, count) = (features.shape()[0], features.shape()[1], centres.shape()[0]);
    let turned = centres.t().into_words();
    let products = [
        Product::Matrix { left: features.words(), right: &turned, shape: [rows, columns, count] },
        Product::Dots { left: centres.words(), right: centres.words(), terms: columns },
    ];
    match &engine.multiply(&products, 0)?[..] {
        [mixed, squares] => {
            let mixed = Secret::from_words(mixed.scale(2), Ix2(rows, count))?;
            Secret::from_words(squares.clone(), Ix2(1, count))?.sub(&mixed)
        }
        _ => Err(Error::caller("a primitive returned as many results as operands")),
    }
}

fn step<E: Engine>(
    engine: &mut E,
    features: &Secret<E, Feature, Ix2>,
    centres: &Secret<E, Feature, Ix2>,
) -> Result<Secret<E, Feature, Ix2>> {
    let (rows, columns, count) = (features.shape()[0], features.shape()[1], centres.shape()[0]);
    let nearest: SecretBits<E, Ix2> = distances(engine, features, centres)?.argmin_one_hot(engine, 1)?;
    let members = nearest.lift(engine)?.t();
    let counts = if rows == 0 { E::Words::zeros(count) } else { members.words().sums(rows) };
    let each = |words: &E::Words| words.gather(&(0..count * columns).map(|at| at / columns).collect::<Vec<_>>());
    let products = [
        Product::Matrix { left: members.words(), right: features.words(), shape: [count, rows, columns] },
        Product::Each(&each(&counts), centres.words()),
    ];
    let moved = match &engine.multiply(&products, 0)?[..] {
        [sums, stayed] => sums.sub(stayed),
        _ => return Err(Error::caller("a primitive returned as many results as operands")),
    };
    // moved / count, exact to the last place: counts are whole numbers
    let parts = divide::parts(engine, &counts, divide::Divisor::Positive)?;
    let scaled = only(engine.multiply(&[Product::Each(&moved, &each(&parts.part))], divide::PART)?)?;
    let change = only(engine.multiply(&[Product::Each(&scaled, &each(&parts.factor))], normal::WIDTH)?)?;
    Secret::from_words(centres.words().add(&change), Ix2(count, columns))
}
