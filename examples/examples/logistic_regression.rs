//! A bank knows who repaid and what they earn, a shop what they bought: together they train a model that only a reviewer sees.
//!
//! `cargo run --release -p yu-examples --example logistic_regression`

use std::error::Error;

use ndarray::{Array1, Array2, Axis};
use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use rand::{Rng, SeedableRng, rngs::StdRng};
use yu_examples::three_parties;
use yu_mpc::Result;
use yu_mpc::learn::{Logistic, Weight, input_features, input_labels};
use yu_mpc::rep3::{Context, SealedShare, reconstruct};
use yu_mpc::ring::Element;
use yu_mpc::secret::Secret;
use yu_wire::seal::{SealKey, SealPublic};

const NAMES: [&str; 3] = ["bank", "shop", "helper"];
const SESSION: [u8; 32] = *b"example: logistic regression, v1";

/// Standardised columns of both, and labels that follow them: 2 (first) - 1 (second) + 0.5 (third).
fn tables(rows: usize) -> (Array2<f64>, Array2<f64>, Array1<i64>) {
    let mut rng = StdRng::seed_from_u64(1);
    let mut uniform = || f64::from(rng.next_u32()) / f64::from(u32::MAX);
    let all = Array2::from_shape_fn((rows, 3), |_| (0..12).map(|_| uniform()).sum::<f64>() - 6.0);
    let repaid = |row: ndarray::ArrayView1<'_, f64>| i64::from(uniform() < 1.0 / (1.0 + (-2.0 * row[0] + row[1] - 0.5 * row[2]).exp()));
    let labels = all.rows().into_iter().map(repaid).collect();
    (all.select(Axis(1), &[0, 1]), all.select(Axis(1), &[2]), labels)
}

fn train(engine: &mut Context, index: usize, data: &(Array2<f64>, Array2<f64>, Array1<i64>), to: &SealPublic) -> Result<SealedShare> {
    let (bank, shop, labels) = data;
    let own = |owner: usize| owner == index;
    let rows = labels.len();
    let left = input_features(engine, 0, own(0).then_some(bank.view()), [rows, 2])?;
    let right = input_features(engine, 1, own(1).then_some(shop.view()), [rows, 1])?;
    let labels = input_labels(engine, 0, own(0).then_some(labels.view()), rows)?;
    let features = Secret::stack(&[&left.t(), &right.t()])?.t();
    let weights = Logistic { rate: 0.5, batch: 128, epochs: 5 }.fit(engine, &features, &labels)?;
    engine.seal_words(weights.words(), to, b"example", &SESSION, &mut UnwrapErr(SysRng))
}

fn main() -> std::result::Result<(), Box<dyn Error>> {
    let (data, reviewer) = (tables(5000), SealKey::generate(&mut UnwrapErr(SysRng)));
    let public = reviewer.public();
    let shares = three_parties(NAMES, &SESSION, |engine, index| train(engine, index, &data, &public))?;
    // only here, at the reviewer, the three shares meet
    let weights = reconstruct(&reviewer, NAMES, &shares, b"example", &SESSION)?;
    let weights: Vec<f64> = weights.iter().map(|raw| Weight::decode(*raw)).collect();
    println!("weights and intercept: {weights:.2?} (the labels follow 2, -1, 0.5 and 0)");
    Ok(())
}
