//! Whole rounds in one process: FedAvg is gradient descent where it must be, resumed runs end in the same bits, strategies converge.

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use yu_fedlearn::data::{Dataset, split};
use yu_fedlearn::model::{Model, Network, Spec, Task};
use yu_fedlearn::strategy::{Adaptive, ClientState, Correction, Local, Server, ServerState, Strategy, Sum, Weighting, generator};

use crate::gradients::problem;

pub(crate) fn local(epochs: u32, batch: u32, learning_rate: f64) -> Local {
    Local { epochs, batch, learning_rate, momentum: 0.0, proximal: 0.0, correction: Correction::None, private: None }
}

/// All that a run consists of, so that a test can store and reload it.
struct Job {
    strategy: Strategy,
    model: Network,
    parties: Vec<Dataset>,
    server: ServerState,
    states: Vec<ClientState>,
}

impl Job {
    fn new(strategy: Strategy, spec: &Spec, data: &Dataset, parts: &[Vec<usize>]) -> Self {
        strategy.check().unwrap();
        let model = spec.build(data.columns()).unwrap();
        let server = strategy.server.start(model.initial(1));
        let parties: Vec<Dataset> = parts.iter().map(|rows| data.take(rows).unwrap()).collect();
        Self { states: vec![ClientState::default(); parties.len()], strategy, model, parties, server }
    }

    fn round(&mut self) {
        let layout = self.strategy.layout(self.model.parameters());
        let mut contributions = Vec::new();
        for (party, (data, state)) in self.parties.iter().zip(&mut self.states).enumerate() {
            let mut rng = generator(&[7; 32], "train", self.server.round, u32::try_from(party).unwrap());
            let control = (!self.server.control.is_empty()).then_some(self.server.control.as_slice());
            let update = self.strategy.local.train(&self.model, &self.server.weights, control, state, data, &mut rng).unwrap();
            contributions.push(layout.contribution(&update, self.strategy.weighting).unwrap());
            *state = update.state;
        }
        let sum = Sum::of(contributions.iter().map(Vec::as_slice)).unwrap();
        self.server = self.strategy.server.apply(&self.server, &layout, &sum).unwrap();
    }

    fn reload(&mut self) {
        let copy = |bytes: Vec<u8>| bytes;
        self.server = yu_wire::codec::decode(&copy(yu_wire::codec::encode(&self.server)), 1 << 20).unwrap();
        self.states = yu_wire::codec::decode(&copy(yu_wire::codec::encode(&self.states)), 1 << 20).unwrap();
    }
}

fn weighted() -> Weighting {
    Weighting::Examples { most: 1000 }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// One local step over all rows, weighted by rows: the server's step is gradient descent over all rows together.
    #[test]
    fn fedavg_is_gradient_descent(seed: u64, parties in 1usize..6, softmax: bool) {
        let spec = if softmax { Spec::Softmax { classes: 3, l2: 0.05 } } else { Spec::Logistic { l2: 0.05 } };
        let (model, _, data) = problem(&spec, 60, 4, seed);
        let strategy = Strategy { local: local(1, 0, 0.5), server: Server::default(), weighting: weighted() };
        let parts = split::dirichlet(data.targets(), parties, 0.5, &mut ChaCha20Rng::seed_from_u64(seed)).unwrap();
        let mut job = Job::new(strategy, &spec, &data, &parts);
        let mut central = model.initial(1);
        for _ in 0..10 {
            job.round();
            let (_, gradient) = model.gradient(&central, &data.batch()).unwrap();
            central = central.with(central.flat().iter().zip(&gradient).map(|(weight, slope)| weight - 0.5 * slope).collect()).unwrap();
        }
        for (a, b) in job.server.weights.flat().iter().zip(central.flat()) {
            prop_assert!((a - b).abs() < 1e-12, "{} {}", a, b);
        }
    }
}

fn strategies() -> Vec<Strategy> {
    let adaptive = Adaptive { learning_rate: 0.05, beta1: 0.9, beta2: 0.99, tau: 1e-3 };
    let plain = local(2, 8, 0.1);
    let of = |local: Local, server| Strategy { local, server, weighting: weighted() };
    vec![
        of(plain.clone(), Server::default()),
        of(Local { proximal: 0.1, momentum: 0.5, ..plain.clone() }, Server::default()),
        Strategy {
            weighting: Weighting::Uniform,
            ..of(Local { correction: Correction::Scaffold, ..plain.clone() }, Server::Scaffold { learning_rate: 1.0, parties: 4 })
        },
        of(plain.clone(), Server::Momentum { learning_rate: 0.5, beta: 0.9 }),
        of(plain.clone(), Server::Adam(adaptive)),
        of(plain.clone(), Server::Yogi(adaptive)),
        of(plain, Server::Adagrad(adaptive)),
    ]
}

/// Every strategy lowers the loss; a run stored and reloaded after every round ends in the same bits.
#[test]
fn resumed_runs_end_the_same() {
    let spec = Spec::Mlp { hidden: vec![6], task: Task::Classes(3), activation: yu_fedlearn::model::Activation::Tanh, l2: 0.001 };
    let (_, _, data) = problem(&Spec::Softmax { classes: 3, l2: 0.0 }, 200, 5, 3);
    // targets that can be learnt
    let y = data.features().rows().into_iter().map(|row| f64::from(u8::from(row[0] > 0.2)) + f64::from(u8::from(row[1] > 0.0))).collect();
    let data = Dataset::new(data.features().clone(), y).unwrap();
    let parts = split::by_label(data.targets(), 4).unwrap();
    for strategy in strategies() {
        let mut whole = Job::new(strategy.clone(), &spec, &data, &parts);
        let before = whole.model.loss(&whole.server.weights, &data.batch()).unwrap();
        let mut resumed = Job::new(strategy.clone(), &spec, &data, &parts);
        for _ in 0..8 {
            whole.round();
            resumed.round();
            resumed.reload();
        }
        assert!(whole.server == resumed.server && whole.states == resumed.states, "{strategy:?}");
        let after = whole.model.loss(&whole.server.weights, &data.batch()).unwrap();
        println!("{:?}: {before:.4} -> {after:.4}", strategy.server);
        assert!(after < 0.95 * before, "{strategy:?}: {before} {after}");
    }
}

/// With SCAFFOLD the server's control variate stays the mean of the parties'.
#[test]
fn control_variates_stay_a_mean() {
    let spec = Spec::Softmax { classes: 3, l2: 0.0 };
    let (_, _, data) = problem(&spec, 90, 4, 9);
    let strategy = strategies().remove(2);
    let mut job = Job::new(strategy, &spec, &data, &split::by_label(data.targets(), 4).unwrap());
    for _ in 0..5 {
        job.round();
        for (place, server) in job.server.control.iter().enumerate() {
            let mean = job.states.iter().map(|state| state.control[place]).sum::<f64>() / 4.0;
            assert!((server - mean).abs() < 1e-12);
        }
    }
}

/// Parties with one class each and ten local steps a round: SCAFFOLD ends at the optimum of all rows, FedAvg beside it.
#[test]
fn scaffold_ends_at_the_optimum() {
    let spec = Spec::Softmax { classes: 3, l2: 0.05 };
    let (_, _, data) = problem(&spec, 90, 4, 11);
    let parts = split::by_label(data.targets(), 3).unwrap();
    let end = |correction, server| {
        let strategy = Strategy { local: Local { correction, ..local(10, 0, 0.05) }, server, weighting: Weighting::Uniform };
        let mut job = Job::new(strategy, &spec, &data, &parts);
        for _ in 0..400 {
            job.round();
        }
        let (_, slope) = job.model.gradient(&job.server.weights, &data.batch()).unwrap();
        slope.iter().map(|value| value * value).sum::<f64>().sqrt()
    };
    let scaffold = end(Correction::Scaffold, Server::Scaffold { learning_rate: 1.0, parties: 3 });
    let average = end(Correction::None, Server::default());
    println!("slope at the end: SCAFFOLD {scaffold:e}, FedAvg {average:e}");
    assert!(scaffold < 1e-6 && average > 1e-3);
}

#[test]
fn settings_that_do_not_fit_are_refused() {
    let good = strategies();
    let mut bad = vec![
        Strategy { server: Server::default(), ..good[2].clone() },
        Strategy { server: Server::Scaffold { learning_rate: 1.0, parties: 4 }, ..good[0].clone() },
        Strategy { weighting: Weighting::Examples { most: 0 }, ..good[0].clone() },
        Strategy { local: local(0, 0, 0.1), ..good[0].clone() },
        Strategy { local: local(1, 0, f64::NAN), ..good[0].clone() },
    ];
    // a weighted step with a plain mean of control variates ends elsewhere than at the optimum
    bad.push(Strategy { weighting: weighted(), ..good[2].clone() });
    bad.push(Strategy { local: Local { proximal: 0.1, ..good[2].local.clone() }, ..good[2].clone() });
    bad.push(Strategy { local: Local { momentum: 0.9, ..good[2].local.clone() }, ..good[2].clone() });
    assert!(bad.iter().all(|strategy| strategy.check().is_err()) && good.iter().all(|strategy| strategy.check().is_ok()));
    let text =
        r#"{"local":{"epochs":1,"batch":32,"learning_rate":0.1},"server":{"name":"adam","learning_rate":0.1},"weighting":"uniform"}"#;
    assert!(serde_json::from_str::<Strategy>(text).unwrap().check().is_ok());
    assert!(serde_json::from_str::<Strategy>(&text.replace("\"batch\"", "\"bath\"")).is_err());
}

#[test]
fn sums_that_do_not_fit_are_refused() {
    let spec = Spec::Logistic { l2: 0.0 };
    let (model, weights, _) = problem(&spec, 5, 3, 2);
    let strategy = Strategy { local: local(1, 0, 0.1), server: Server::default(), weighting: weighted() };
    let layout = strategy.layout(model.parameters());
    let state = strategy.server.start(weights);
    let apply = |values: Vec<f64>, parties| strategy.server.apply(&state, &layout, &Sum { values, parties });
    assert_eq!(layout.len(), 5);
    assert!(apply(vec![0.1, 0.1, 0.1, 0.1, 1.0], 2).is_ok());
    for (values, parties) in [
        (vec![0.1; 4], 2),
        (vec![0.1; 5], 0),
        (vec![0.1, 0.1, 0.1, 0.1, 0.0], 2),
        (vec![0.1, 0.1, 0.1, 0.1, f64::NAN], 2),
        (vec![f64::INFINITY, 0.1, 0.1, 0.1, 1.0], 2),
    ] {
        assert!(apply(values, parties).is_err());
    }
    assert!(Sum::of([[1.0].as_slice(), &[1.0, 2.0]]).is_err());
}
