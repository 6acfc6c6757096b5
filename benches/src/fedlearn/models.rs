//! Horizontal training in one process against central training on the same split, and the accountant.

use std::path::Path;
use std::process::Command;
use std::time::Instant;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use yu_desensitize::dp::account::calibrate::{self, Accountant};
use yu_desensitize::dp::{Delta, NoiseMultiplier, SamplingRate};
use yu_fedlearn::data::Dataset;
use yu_fedlearn::data::split;
use yu_fedlearn::data::standardise::Scale;
use yu_fedlearn::model::Spec;
use yu_fedlearn::simulate::Simulation;
use yu_fedlearn::simulate::sets::{Set, mnist};
use yu_fedlearn::strategy::{Correction, Local, Server, Strategy, Weighting};

use super::{FedlearnArgs, less, median, more};
use crate::Result;
use crate::desensitize::Row;

/// Where rows come from.
enum Source {
    Table(Set),
    /// Test images of MNIST: first 8000 to train, last 2000 to test, pixels as they are.
    Mnist,
}

impl Source {
    fn load(&self, folder: &Path) -> Result<(Dataset, Dataset)> {
        match self {
            Self::Table(set) => Ok(set.load(folder)?),
            Self::Mnist => {
                let unpacked = |name: &str| -> Result<Vec<u8>> {
                    let path = folder.join("mnist_t10k").join(name);
                    let told = Command::new("gzip").arg("-dc").arg(&path).output()?;
                    if told.status.success() { Ok(told.stdout) } else { Err(format!("gzip cannot read {}", path.display()).into()) }
                };
                Ok(mnist(&unpacked("t10k-images-idx3-ubyte.gz")?, &unpacked("t10k-labels-idx1-ubyte.gz")?)?)
            }
        }
    }
}

struct Case {
    name: &'static str,
    set: Source,
    model: Spec,
    local: (u32, u32, f64),
    rounds: u32,
    /// Accuracy of scikit-learn on the same split.
    central: f64,
}

fn cases() -> [Case; 5] {
    let logistic = |rows: f64| Spec::Logistic { l2: 1.0 / rows };
    [
        Case {
            name: "digits",
            set: Source::Table(Set::Digits),
            model: Spec::Softmax { classes: 10, l2: 1.0 / 1437.0 },
            local: (2, 16, 0.2),
            rounds: 80,
            central: 0.9722,
        },
        Case { name: "breast", set: Source::Table(Set::Breast), model: logistic(455.0), local: (2, 16, 0.1), rounds: 30, central: 0.9825 },
        Case {
            name: "adult",
            set: Source::Table(Set::Adult),
            model: logistic(26_048.0),
            local: (1, 32, 0.02),
            rounds: 30,
            central: 0.8549,
        },
        Case { name: "bank", set: Source::Table(Set::Bank), model: logistic(36_168.0), local: (1, 32, 0.02), rounds: 30, central: 0.9014 },
        Case {
            name: "mnist_t10k",
            set: Source::Mnist,
            // scikit-learn's C = 0.1
            model: Spec::Softmax { classes: 10, l2: 1.0 / 800.0 },
            local: (1, 32, 0.1),
            rounds: 60,
            central: 0.9345,
        },
    ]
}

fn accuracy(case: &Case, args: &FedlearnArgs) -> Result<(f64, f64)> {
    let (train, test) = case.set.load(&args.data()?)?;
    let parts = split::iid(train.rows(), 10, &mut ChaCha20Rng::seed_from_u64(1))?;
    let parties = parts.iter().map(|part| train.take(part)).collect::<yu_fedlearn::Result<Vec<_>>>()?;
    // pixels have one scale
    let scale = if matches!(case.set, Source::Mnist) { None } else { Some(Scale::of_all(&parties)?) };
    let scaled = |rows: &Dataset| scale.as_ref().map_or_else(|| Ok(rows.clone()), |scale| scale.apply(rows));
    let parties = parties.iter().map(scaled).collect::<yu_fedlearn::Result<Vec<_>>>()?;
    let (epochs, batch, learning_rate) = case.local;
    let local = Local { epochs, batch, learning_rate, momentum: 0.0, proximal: 0.0, correction: Correction::None, private: None };
    let strategy = Strategy { local, server: Server::default(), weighting: Weighting::Examples { most: 50_000 } };
    let mut simulation = Simulation::new(&case.model, strategy, parties, [1; 32])?;
    let start = Instant::now();
    for _ in 0..case.rounds {
        simulation.round()?;
    }
    let seconds = start.elapsed().as_secs_f64();
    Ok((simulation.evaluate(&scaled(&test)?)?.accuracy(), 1e3 * seconds / f64::from(case.rounds)))
}

/// Accuracy beside the central one; milliseconds of an epsilon by loss distributions.
pub(super) fn rows(args: &FedlearnArgs) -> Result<Vec<Row>> {
    let mut found = Vec::new();
    for case in cases().iter().filter(|case| args.wants("horizontal", case.name)) {
        let (accuracy, round) = accuracy(case, args)?;
        let name = format!("{}, 10 parties, iid, {} rounds", case.name, case.rounds);
        found.push(more(
            "horizontal",
            format!("{name}: accuracy (central {})", case.central),
            accuracy,
            "",
            Some(case.central - 0.005),
            Some(case.central),
        ));
        found.push(less("horizontal", format!("{name}: a round in memory"), round, "ms", None, None));
    }
    let name = "loss distributions, 1000 steps";
    if args.wants("accountant", name) {
        let (rate, noise, delta) = (SamplingRate::new(0.01)?, NoiseMultiplier::new(1.1)?, Delta::new(1e-6)?);
        let mut times = Vec::new();
        let mut epsilon = 0.0;
        for _ in 0..args.runs.max(3) {
            let start = Instant::now();
            epsilon = calibrate::epsilon(Accountant::Pld, rate, noise, 1000, delta)?.get();
            times.push(1e3 * start.elapsed().as_secs_f64());
        }
        found.push(less("accountant", name, median(times), "ms", Some(20.0), None));
        found.push(less("accountant", "its epsilon, off the golden 1.752976", (epsilon - 1.752_976).abs(), "", Some(3e-4), None));
    }
    Ok(found)
}
