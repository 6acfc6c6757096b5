//! Which strategy copes with parties that each know one kind of row? Ten parties in one process, the same bits every time.
//!
//! `cargo run --release -p yu-examples --example researcher`

use std::error::Error;

use ndarray::Array2;
use rand::{Rng, SeedableRng, rngs::StdRng};
use yu_fedlearn::data::{Dataset, split};
use yu_fedlearn::model::Spec;
use yu_fedlearn::simulate::Simulation;
use yu_fedlearn::strategy::{Correction, Local, Server, Strategy, Weighting};

const CLASSES: usize = 5;

/// Points around five centres in ten dimensions.
fn points(seed: u64, count: usize) -> yu_fedlearn::Result<Dataset> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut normal = || (0..12).map(|_| f64::from(rng.next_u32()) / f64::from(u32::MAX)).sum::<f64>() - 6.0;
    let labels: Vec<f64> = (0..count).map(|at| (at % CLASSES) as f64).collect();
    let x = Array2::from_shape_fn((count, 10), |(row, column)| {
        let near = column / 2 == row % CLASSES;
        normal() + if near { 1.6 } else { 0.0 }
    });
    Dataset::new(x, labels)
}

fn local(correction: Correction, proximal: f64) -> Local {
    Local { epochs: 5, batch: 20, learning_rate: 0.05, momentum: 0.0, proximal, correction, private: None }
}

fn main() -> Result<(), Box<dyn Error>> {
    let (train, test) = (points(1, 2000)?, points(2, 2000)?);
    // every party holds rows of one class, or nearly so
    let parts = split::by_label(train.targets(), 10)?;
    let parties = parts.iter().map(|part| train.take(part)).collect::<yu_fedlearn::Result<Vec<_>>>()?;
    let spec = Spec::Softmax { classes: CLASSES as u32, l2: 0.0 };
    let mean = Server::default();
    let strategies = [
        ("FedAvg", local(Correction::None, 0.0), mean.clone()),
        ("FedProx, mu = 1", local(Correction::None, 1.0), mean),
        ("SCAFFOLD", local(Correction::Scaffold, 0.0), Server::Scaffold { learning_rate: 1.0, parties: 10 }),
    ];
    println!("accuracy on new rows after     1     2     5    10    20 rounds");
    for (name, local, server) in strategies {
        let strategy = Strategy { local, server, weighting: Weighting::Uniform };
        let mut simulation = Simulation::new(&spec, strategy, parties.clone(), [7; 32])?;
        let mut line = format!("{name:<27}");
        for round in 1..=20 {
            simulation.round()?;
            if [1, 2, 5, 10, 20].contains(&round) {
                line.push_str(&format!(" {:.3}", simulation.evaluate(&test)?.accuracy()));
            }
        }
        println!("{line}");
    }
    Ok(())
}
