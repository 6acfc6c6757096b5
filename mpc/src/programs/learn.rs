//! Models.

use ndarray::{Ix1, Ix2};
use rand::Rng;

use super::arithmetic::signed;
use super::{Output, Program};
use crate::Result;
use crate::engine::Engine;
use crate::learn::{KMeans, Logistic, Poisson, Ridge};
use crate::secret::Secret;

/// Columns of the programs' tables.
const COLUMNS: usize = 4;

/// Two steps of logistic regression on `n + 1` rows of four columns.
pub struct LogisticRegression;

impl Program for LogisticRegression {
    const NAME: &'static str = "logistic-regression";
    /// A hundredth: twice the error of the sigmoid, times rate, feature and steps.
    const TOLERANCE: u64 = 655;

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        let rows = n + 1;
        vec![signed(COLUMNS * rows, 12, rng), (0..rows).map(|_| rng.next_u64() % 2).collect()]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], n: usize) -> Result<Vec<Output<E>>> {
        let features = Secret::from_words(inputs[0].clone(), Ix2(n + 1, COLUMNS))?;
        let labels = Secret::from_words(inputs[1].clone(), Ix1(n + 1))?;
        let model = Logistic { rate: 0.5, batch: n + 1, epochs: 2 };
        Ok(vec![Output::Words(model.fit(engine, &features, &labels)?.into_words())])
    }
}

/// Ten passes over `n` rows of thirty columns in batches of 64 (or all of them): 80 steps for the 512 rows and thirty columns of the
/// well-known breast cancer data.
pub struct LogisticTraining;

impl LogisticTraining {
    const COLUMNS: usize = 30;
}

impl Program for LogisticTraining {
    const NAME: &'static str = "logistic-training";
    /// Up to 80 steps, each off by twice the error of the sigmoid times rate and feature at most.
    const TOLERANCE: u64 = 3800;

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        let rows = n.max(1);
        vec![signed(Self::COLUMNS * rows, 11, rng), (0..rows).map(|_| rng.next_u64() % 2).collect()]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], n: usize) -> Result<Vec<Output<E>>> {
        let rows = n.max(1);
        let features = Secret::from_words(inputs[0].clone(), Ix2(rows, Self::COLUMNS))?;
        let labels = Secret::from_words(inputs[1].clone(), Ix1(rows))?;
        let model = Logistic { rate: 0.1, batch: rows.min(64), epochs: 10 };
        Ok(vec![Output::Words(model.fit(engine, &features, &labels)?.into_words())])
    }
}

/// Linear regression on `n + 1` rows of four columns.
pub struct LinearRegression;

impl Program for LinearRegression {
    const NAME: &'static str = "linear-regression";
    /// Weights of some units over eigenvalues of a tenth.
    const TOLERANCE: u64 = 66;

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![signed(COLUMNS * (n + 1), 11, rng), signed(n + 1, 11, rng)]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], n: usize) -> Result<Vec<Output<E>>> {
        let features = Secret::from_words(inputs[0].clone(), Ix2(n + 1, COLUMNS))?;
        let targets = Secret::from_words(inputs[1].clone(), Ix1(n + 1))?;
        Ok(vec![Output::Words(Ridge { ridge: 0.5 }.fit(engine, &features, &targets)?.into_words())])
    }
}

/// Two iterations of a Poisson regression on `n + 1` rows of four columns.
pub struct PoissonRegression;

impl Program for PoissonRegression {
    const NAME: &'static str = "poisson-regression";
    /// Weights below 2 in units of 2^-20, over eigenvalues of a tenth.
    const TOLERANCE: u64 = 1500;

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        vec![signed(COLUMNS * (n + 1), 11, rng), (0..=n).map(|_| rng.next_u64() % (1 << 17)).collect()]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], n: usize) -> Result<Vec<Output<E>>> {
        let features = Secret::from_words(inputs[0].clone(), Ix2(n + 1, COLUMNS))?;
        let targets = Secret::from_words(inputs[1].clone(), Ix1(n + 1))?;
        let model = Poisson { iterations: 2, ridge: 0.25 };
        Ok(vec![Output::Words(model.fit(engine, &features, &targets, None)?.into_words())])
    }
}

/// Two iterations of k-means with three centres on `n` rows of four columns, in three heaps.
pub struct Clusters;

impl Program for Clusters {
    const NAME: &'static str = "k-means";
    /// Fewer than two units in each iteration.
    const TOLERANCE: u64 = 4;

    fn inputs(&self, n: usize, rng: &mut dyn Rng) -> Vec<Vec<u64>> {
        let heap = |at: usize| (3000 * (at as i64 % 3 - 1)).cast_unsigned();
        let noise = signed(COLUMNS * n, 9, rng);
        let rows = noise.iter().enumerate().map(|(at, value)| value.wrapping_add(heap(at / COLUMNS))).collect();
        vec![rows, (0..3 * COLUMNS).map(|at| heap(at / COLUMNS).wrapping_add(200)).collect()]
    }

    fn run<E: Engine>(&self, engine: &mut E, inputs: &[E::Words], n: usize) -> Result<Vec<Output<E>>> {
        let features = Secret::from_words(inputs[0].clone(), Ix2(n, COLUMNS))?;
        let centres = Secret::from_words(inputs[1].clone(), Ix2(3, COLUMNS))?;
        let moved = KMeans { iterations: 2 }.fit(engine, &features, &centres)?;
        let nearest = KMeans::assign(engine, &features, &moved)?;
        Ok(vec![Output::Words(moved.into_words()), Output::Words(nearest.into_words())])
    }
}
