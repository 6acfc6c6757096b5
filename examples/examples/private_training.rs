//! Three banks train under differential privacy: the budget is checked before the first round, and a fourth round of questions is refused.
//!
//! `cargo run --release -p yu-examples --example private_training`

use std::error::Error;

use ndarray::{Array2, array};
use rand::{Rng, SeedableRng, rngs::StdRng};
use yu_desensitize::dp::account::calibrate::Accountant;
use yu_desensitize::dp::{Delta, Epsilon, SamplingRate};
use yu_examples::training::train;
use yu_fedlearn::data::Dataset;
use yu_fedlearn::privacy::{DpSgd, calibrate};
use yu_fedlearn::train::{Plan, Protection, Settings};

const ROUNDS: u32 = 12;

const SETTINGS: &str = r#"{
    "model": { "name": "logistic", "l2": 0.0001 },
    "rounds": 12,
    "strategy": { "local": { "learning_rate": 0.5 } },
    "aggregation": { "kind": "secure", "bits": 24, "bound": 8.0 },
    "standardise": false,
    "holdout": 0
}"#;

/// Income and debt, brought to 0..1 by public bounds, and whether the loan failed.
fn loans(bank: u64, count: usize) -> yu_fedlearn::Result<Dataset> {
    let mut rng = StdRng::seed_from_u64(bank);
    let mut uniform = || f64::from(rng.next_u32()) / f64::from(u32::MAX);
    let (mut x, mut y) = (Array2::zeros((count, 2)), Vec::new());
    for mut row in x.rows_mut() {
        let (income, debt) = (uniform(), uniform());
        row.assign(&array![income, debt]);
        y.push(f64::from(u8::from(uniform() < 1.0 / (1.0 + (8.0 * (income - debt)).exp()))));
    }
    Dataset::new(x, y)
}

fn main() -> Result<(), Box<dyn Error>> {
    let (epsilon, delta, rate) = (Epsilon::new(2.0)?, Delta::new(1e-5)?, SamplingRate::new(0.05)?);
    let mut settings = Settings::from_json(SETTINGS)?;
    // a round passes over all rows once: 1 / rate steps
    let steps = ROUNDS * (1.0 / rate.get()).ceil() as u32;
    let noise = calibrate(Accountant::Pld, rate, steps, epsilon, delta)?;
    println!("{steps} steps within epsilon {} at delta {:e}: noise of {:.3} times the clip", epsilon.get(), delta.get(), noise.get());
    settings.strategy.local.private = Some(DpSgd { rate, noise, clip: 1.0 });
    settings.privacy = Some(Protection { epsilon, delta });
    let plan = Plan {
        job: *b"example: private training, v1   ",
        coordinator: "platform".into(),
        parties: ["red", "green", "blue"].map(String::from).to_vec(),
        features: vec!["income".into(), "debt".into()],
        target: "failed".into(),
        settings,
    };
    let rows = (0..3).map(|bank| loans(bank, 3000)).collect::<yu_fedlearn::Result<Vec<_>>>()?;
    let trained = train(&plan, &rows, |_| {})?;
    let test = loans(9, 3000)?;
    let scores = trained.predict(&test.features().to_owned())?;
    let right = scores.iter().zip(test.targets()).filter(|(score, failed)| (**score > 0.5) == (**failed > 0.5)).count();
    println!("right for {:.1} % of 3000 new loans; no figure of a bank's rows left it without noise", right as f64 / 30.0);
    let mut more = plan;
    more.settings.rounds = 2 * ROUNDS;
    match more.check() {
        Ok(_) => Err("a training beyond its budget was not refused".into()),
        Err(refused) => {
            println!("twice as many rounds: {refused}");
            Ok(())
        }
    }
}
