//! Accuracy of federated training against central training (scikit-learn on the same split, the field page).

use std::io::Read as _;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use yu_fedlearn::data::standardise::Scale;
use yu_fedlearn::data::{Dataset, split};
use yu_fedlearn::model::{Activation, Spec, Task};
use yu_fedlearn::simulate::Simulation;
use yu_fedlearn::simulate::sets::{Set, mnist};
use yu_fedlearn::strategy::{Correction, Local, Server, Strategy, Weighting};

use crate::rounds::local;
use crate::shared::data;

pub(crate) fn load(set: Set) -> Option<(Dataset, Dataset)> {
    let file = data(set.files().0)?;
    Some(set.load(file.parent()?.parent()?).unwrap())
}

/// The files are compressed; the tool that opens them is not part of the crate.
pub(crate) fn load_mnist() -> Option<(Dataset, Dataset)> {
    let open = |name: &str| {
        let path = data(&format!("mnist_t10k/{name}"))?;
        let mut child = std::process::Command::new("gzip").arg("-dc").arg(path).stdout(std::process::Stdio::piped()).spawn().ok()?;
        let mut bytes = Vec::new();
        child.stdout.take()?.read_to_end(&mut bytes).ok()?;
        child.wait().ok()?;
        Some(bytes)
    };
    Some(mnist(&open("t10k-images-idx3-ubyte.gz")?, &open("t10k-labels-idx1-ubyte.gz")?).unwrap())
}

/// Parties with standardised rows, and the test rows on their scale.
pub(crate) fn deal(train: &Dataset, test: &Dataset, parts: &[Vec<usize>], standardise: bool) -> (Vec<Dataset>, Dataset) {
    let parties: Vec<Dataset> = parts.iter().map(|rows| train.take(rows).unwrap()).collect();
    if !standardise {
        return (parties, test.clone());
    }
    let scale = Scale::of_all(&parties).unwrap();
    (parties.iter().map(|party| scale.apply(party).unwrap()).collect(), scale.apply(test).unwrap())
}

pub(crate) fn fedavg(local: Local) -> Strategy {
    Strategy { local, server: Server::default(), weighting: Weighting::Examples { most: 50_000 } }
}

pub(crate) fn accuracy(spec: &Spec, strategy: Strategy, parties: Vec<Dataset>, test: &Dataset, rounds: u32) -> f64 {
    let mut simulation = Simulation::new(spec, strategy, parties, [1; 32]).unwrap();
    for _ in 0..rounds {
        simulation.round().unwrap();
    }
    simulation.evaluate(test).unwrap().accuracy()
}

fn iid(rows: usize, parties: usize) -> Vec<Vec<usize>> {
    split::iid(rows, parties, &mut ChaCha20Rng::seed_from_u64(1)).unwrap()
}

fn check(set: Set, spec: &Spec, local: Local, rounds: u32, central: f64) {
    let Some((train, test)) = load(set) else { return };
    let time = std::time::Instant::now();
    let (parties, test) = deal(&train, &test, &iid(train.rows(), 10), true);
    let found = accuracy(spec, fedavg(local), parties, &test, rounds);
    println!("{set:?}: 10 parties, {rounds} rounds, accuracy {found:.4}, central {central:.4}, {:.2} s", time.elapsed().as_secs_f64());
    assert!(found > central - 0.005, "{found}");
}

#[test]
fn digits() {
    check(Set::Digits, &Spec::Softmax { classes: 10, l2: 1.0 / 1437.0 }, local(2, 16, 0.2), 80, 0.9722);
}

#[test]
fn breast() {
    check(Set::Breast, &Spec::Logistic { l2: 1.0 / 455.0 }, local(2, 16, 0.1), 30, 0.9825);
}

#[test]
#[ignore = "seconds in release: cargo test --release -p yu-fedlearn --test suite -- --ignored --nocapture"]
fn adult() {
    check(Set::Adult, &Spec::Logistic { l2: 1.0 / 26_048.0 }, local(1, 16, 0.1), 20, 0.8549);
}

#[test]
#[ignore = "seconds in release"]
fn bank() {
    check(Set::Bank, &Spec::Logistic { l2: 1.0 / 36_168.0 }, local(1, 16, 0.1), 20, 0.9014);
}

/// Against the same model trained by one party with all rows, on the same split (first 8000, last 2000 images). On a stratified split
/// scikit-learn reaches 0.9130 and 0.9495.
#[test]
#[ignore = "a minute in release"]
fn mnist_images() {
    let Some((train, test)) = load_mnist() else { return };
    let mlp = Spec::Mlp { hidden: vec![128], task: Task::Classes(10), activation: Activation::Relu, l2: 1e-4 };
    for (name, spec, local, rounds, central) in [
        ("softmax", Spec::Softmax { classes: 10, l2: 1e-3 }, local(2, 32, 0.1), 50, 0.9350),
        ("perceptron 128", mlp, Local { momentum: 0.9, ..local(1, 32, 0.05) }, 40, 0.9615),
    ] {
        let time = std::time::Instant::now();
        let (parties, test) = deal(&train, &test, &iid(train.rows(), 10), false);
        let found = accuracy(&spec, fedavg(local), parties, &test, rounds);
        println!(
            "mnist {name}: 10 parties, {rounds} rounds, accuracy {found:.4}, central {central:.4}, {:.2} s",
            time.elapsed().as_secs_f64()
        );
        assert!(found > central - 0.005, "{found}");
    }
}

/// Digits dealt to ten parties by label and by Dirichlet 0.1, 10 rounds of 20 local epochs: parties drift far from each other.
#[test]
fn scaffold_beats_fedavg_where_parties_differ() {
    let Some((train, test)) = load(Set::Digits) else { return };
    let spec = Spec::Softmax { classes: 10, l2: 1.0 / 1437.0 };
    let plain = local(20, 32, 0.02);
    let by_label = split::by_label(train.targets(), 10).unwrap();
    let uneven = split::dirichlet(train.targets(), 10, 0.1, &mut ChaCha20Rng::seed_from_u64(2)).unwrap();
    for (name, parts, part) in [("by label", by_label, 0.6), ("Dirichlet 0.1", uneven, 0.85)] {
        let (parties, test) = deal(&train, &test, &parts, true);
        let run = |strategy: Strategy| {
            let mut simulation = Simulation::new(&spec, strategy, parties.clone(), [1; 32]).unwrap();
            for _ in 0..10 {
                simulation.round().unwrap();
            }
            let metrics = simulation.evaluate(&test).unwrap();
            (metrics.accuracy(), metrics.loss())
        };
        let even = |local: Local| Strategy { weighting: Weighting::Uniform, ..fedavg(local) };
        let average = run(even(plain.clone()));
        let server = Server::Scaffold { learning_rate: 1.0, parties: 10 };
        let scaffold = run(Strategy { server, ..even(Local { correction: Correction::Scaffold, ..plain.clone() }) });
        println!("digits {name}, 10 rounds of 20 epochs (accuracy, loss): FedAvg {average:.4?}, SCAFFOLD {scaffold:.4?}");
        // nearer to the optimum; which rows are right by a hair differs either way
        assert!(scaffold.1 < part * average.1 && scaffold.0 > average.0 - 0.01, "{name}");
    }
}
