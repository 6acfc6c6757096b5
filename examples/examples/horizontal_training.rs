//! Four hospitals, each with its own patients, train one model. The coordinator sees the sum of their updates and nothing else.
//!
//! `cargo run --release -p yu-examples --example horizontal_training`

use std::error::Error;

use ndarray::{Array2, array};
use rand::{Rng, SeedableRng, rngs::StdRng};
use yu_examples::training::train;
use yu_fedlearn::data::Dataset;
use yu_fedlearn::train::{Plan, Settings};

/// What a `job.toml` says in `[step.train]`.
const SETTINGS: &str = r#"{
    "model": { "name": "logistic", "l2": 0.001 },
    "rounds": 15,
    "strategy": { "local": { "epochs": 2, "batch": 32, "learning_rate": 0.1 }, "server": { "name": "momentum", "beta": 0.5 } },
    "aggregation": { "kind": "secure", "bits": 16, "bound": 1.0 },
    "holdout": 5
}"#;

/// Age, blood pressure, and whether the patient came back within a month.
fn patients(hospital: u64, count: usize) -> yu_fedlearn::Result<Dataset> {
    let mut rng = StdRng::seed_from_u64(hospital);
    let mut uniform = || f64::from(rng.next_u32()) / f64::from(u32::MAX);
    let (mut x, mut y) = (Array2::zeros((count, 2)), Vec::new());
    for mut row in x.rows_mut() {
        let (age, pressure) = (20.0 + 70.0 * uniform(), 90.0 + 80.0 * uniform());
        let risk = (age - 55.0) / 12.0 + (pressure - 130.0) / 20.0;
        row.assign(&array![age, pressure]);
        y.push(f64::from(u8::from(uniform() < 1.0 / (1.0 + (-risk).exp()))));
    }
    Dataset::new(x, y)
}

fn main() -> Result<(), Box<dyn Error>> {
    let plan = Plan {
        job: *b"example: horizontal training, v1",
        coordinator: "platform".into(),
        parties: ["north", "south", "east", "west"].map(String::from).to_vec(),
        features: vec!["age".into(), "pressure".into()],
        target: "returned".into(),
        settings: Settings::from_json(SETTINGS)?,
    };
    let rows = (0..4).map(|hospital| patients(hospital, 600)).collect::<yu_fedlearn::Result<Vec<_>>>()?;
    let trained = train(&plan, &rows, |round| {
        println!(
            "after {:2} rounds: loss {:.4}, {:.1} % of {} held-out patients",
            round.round,
            round.loss,
            100.0 * round.accuracy,
            round.rows
        );
    })?;
    let scores = trained.predict(&array![[35.0, 110.0], [55.0, 130.0], [82.0, 165.0]])?;
    println!("chance to come back, for a young, a middle and an old patient: {:.2}", scores.column(0));
    println!("the model, as all parties have it: {} bytes of JSON", trained.to_bytes()?.len());
    Ok(())
}
