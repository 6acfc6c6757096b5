//! Networks that remember their rows and networks that do not.

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use yu_desensitize::Lang;
use yu_desensitize::dp::{Delta, Epsilon, NoiseMultiplier, SamplingRate};
use yu_fedlearn::artefact::Privacy;
use yu_fedlearn::data::standardise::Scale;
use yu_fedlearn::data::{Dataset, split};
use yu_fedlearn::gate::{self, Outcome, Report, Rows, Rule, Settings, Subject, Verdict, WhenUnsure};
use yu_fedlearn::model::{Activation, Spec, Task};
use yu_fedlearn::privacy::DpSgd;
use yu_fedlearn::simulate::Simulation;
use yu_fedlearn::simulate::sets::Set;
use yu_fedlearn::strategy::{Server, Strategy, Weighting};
use yu_fedlearn::train::{Aggregation, Protection, Settings as Training, Trained};

use crate::ceilings::load;
use crate::rounds::local;
use crate::train::{World, clear, private, rows, settings};

const SEED: [u8; 32] = [5; 32];

/// Rows of `columns` features; one tells of the class, two in ten classes are wrong.
pub(super) fn noisy(count: usize, columns: usize, seed: u64) -> Dataset {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let mut unit = || f64::from(rng.next_u32()) / f64::from(u32::MAX) * 2.0 - 1.0;
    let x = ndarray::Array2::from_shape_simple_fn((count, columns), &mut unit);
    let y = x.column(0).iter().map(|value| f64::from(u8::from((*value > 0.0) == (unit() < 0.6)))).collect();
    Dataset::new(x, y).unwrap()
}

pub(super) fn limits() -> Settings {
    Settings { membership_fpr: 0.01, membership_tpr: 0.1, membership_advantage: 0.25, shadow_models: 8, ..Settings::default() }
}

fn training(model: Spec, rounds: u32) -> Training {
    let strategy = Strategy { local: local(1, 16, 0.2), server: Server::default(), weighting: Weighting::Uniform };
    Training { model, strategy, rounds, holdout: 0, standardise: false, ..settings(Aggregation::Clear, rounds) }
}

/// Trains in one process and examines with the rows of the first party.
fn examined(training: &Training, parties: Vec<Dataset>, held_back: &Dataset, scale: Option<Scale>, limits: &Settings) -> Report {
    let members = parties[0].clone();
    let scaled = parties.iter().map(|rows| scale.as_ref().map_or_else(|| rows.clone(), |scale| scale.apply(rows).unwrap())).collect();
    let mut simulation = Simulation::new(&training.model, training.strategy.clone(), scaled, [1; 32]).unwrap();
    for _ in 0..training.rounds {
        simulation.round().unwrap();
    }
    let trained = Trained {
        v: 1,
        job: "00".repeat(32),
        model: training.model.clone(),
        features: (0..members.columns()).map(|column| format!("x{column}")).collect(),
        target: "y".into(),
        scale,
        weights: simulation.checkpoint().server.weights.clone(),
        history: Vec::new(),
        privacy: training.privacy,
    };
    let subject = Subject::trained(&trained, training).unwrap();
    let accuracy = |rows: &Dataset| {
        let scores = trained.predict(rows.features()).unwrap();
        scores.column(0).iter().zip(rows.targets()).filter(|(score, label)| (**score > 0.5) == (**label == 1.0)).count() as f64
            / rows.rows() as f64
    };
    println!("right: of the training {:.3}, held back {:.3}", accuracy(&members), accuracy(held_back));
    let time = std::time::Instant::now();
    let report = gate::examine(&subject, &members, held_back, None, limits, &SEED).unwrap();
    println!("{:?}, {:.2} s:\n  {}", report.verdict, time.elapsed().as_secs_f64(), report.lines(Lang::En).join("\n  "));
    assert!(report.lines(Lang::Zh).len() == report.tests.len());
    let bytes = report.to_bytes().unwrap();
    assert_eq!(Report::from_bytes(&bytes, &trained.to_bytes().unwrap()).unwrap(), report);
    assert!(Report::from_bytes(&bytes, b"another model").is_err());
    report
}

fn outcome(report: &Report, rule: Rule) -> Outcome {
    report.tests.iter().find(|test| test.rule == rule).unwrap().outcome
}

fn perceptron() -> Spec {
    Spec::Mlp { hidden: vec![32], task: Task::Binary, activation: Activation::Relu, l2: 0.0 }
}

#[test]
fn a_network_that_learnt_its_rows_by_heart_is_refused() {
    let (members, held_back) = (noisy(200, 20, 1), noisy(200, 20, 2));
    let report = examined(&training(perceptron(), 150), vec![members.clone()], &held_back, None, &limits());
    assert_eq!((report.verdict, outcome(&report, Rule::MembershipAdvantage)), (Verdict::Refused, Outcome::Refused));
    assert!(report.refusals().all(|test| !test.remedy.en.is_empty() && !test.remedy.zh.is_empty()) && !report.is_passed());
    // the same, stopped early
    let report = examined(&training(perceptron(), 1), vec![members], &held_back, None, &limits());
    assert_eq!(report.verdict, Verdict::Passed);
}

#[test]
fn the_same_network_under_privacy_passes_and_says_what_was_spent() {
    let mut private = training(perceptron(), 60);
    private.strategy.local.batch = 0;
    private.strategy.local.learning_rate = 1.0;
    private.strategy.local.private =
        Some(DpSgd { rate: SamplingRate::new(0.25).unwrap(), noise: NoiseMultiplier::new(7.0).unwrap(), clip: 1.0 });
    private.privacy = Some(Protection { epsilon: Epsilon::new(3.0).unwrap(), delta: Delta::new(1e-5).unwrap() });
    let settings = Settings { epsilon: Some(3.0), ..limits() };
    let report = examined(&private, vec![noisy(200, 20, 1)], &noisy(200, 20, 2), None, &settings);
    assert!(report.is_passed());
    match &report.privacy {
        Privacy::Differential { epsilon, delta, .. } => assert!((0.5..3.0).contains(epsilon) && *delta == 1e-5, "{epsilon}"),
        Privacy::None => panic!("no statement"),
    }
    // a limit on epsilon is a limit for whoever trains without any privacy, too
    let open = examined(&training(perceptron(), 1), vec![noisy(200, 20, 1)], &noisy(200, 20, 2), None, &settings);
    assert_eq!((open.verdict, outcome(&open, Rule::Privacy)), (Verdict::Refused, Outcome::Refused));
    let refused = open.refusals().find(|test| test.rule == Rule::Privacy).unwrap();
    assert!(refused.remedy.en.contains("epsilon 3") && refused.limit == Some(3.0) && refused.figure.is_none());
}

#[test]
fn a_regression_that_generalises_passes() {
    let Some((train, test)) = load(Set::Breast) else { return };
    let scale = Scale::of_all(std::slice::from_ref(&train)).unwrap();
    let training = training(Spec::Logistic { l2: 1.0 / 455.0 }, 30);
    let report = examined(&training, vec![train], &test, Some(scale), &limits());
    assert!(report.is_passed());
}

#[test]
fn a_model_of_numbers_or_counts_is_examined_by_its_deviance() {
    let (members, held_back) = (noisy(400, 4, 1), noisy(400, 4, 2));
    let counts = |rows: &Dataset| {
        let y = rows.features().column(0).iter().zip(rows.targets()).map(|(x, y)| (2.0 * x + 2.0 + y).round()).collect();
        Dataset::new(rows.features().clone(), y).unwrap()
    };
    let (members, held_back) = (counts(&members), counts(&held_back));
    let limits = Settings { canary_exposure: 6.0, canaries: 0.3, sample: 300, ..limits() };
    for model in [Spec::Poisson { l2: 1e-3 }, Spec::Linear { l2: 1e-3 }] {
        let mut training = training(model, 10);
        training.strategy.local.learning_rate = 0.02;
        let report = examined(&training, vec![members.clone()], &held_back, None, &limits);
        assert!(report.is_passed(), "{:?}", training.model);
    }
}

#[test]
fn a_party_of_adult_passes_at_the_default_limits() {
    let Some((train, test)) = load(Set::Adult) else { return };
    let parts = split::iid(train.rows(), 4, &mut ChaCha20Rng::seed_from_u64(1)).unwrap();
    let parties: Vec<Dataset> = parts.iter().map(|rows| train.take(rows).unwrap()).collect();
    let scale = Scale::of_all(&parties).unwrap();
    let held_back = test.take(&(0..1500).collect::<Vec<_>>()).unwrap();
    let settings = Settings { sample: 2000, shadow_models: 8, ..Settings::default() };
    let report = examined(&training(Spec::Logistic { l2: 1e-4 }, 3), parties, &held_back, Some(scale), &settings);
    assert!(report.is_passed());
}

#[test]
fn every_party_of_a_training_examines_the_model_that_came_out() {
    let world = World::new(3, settings(clear(3), 6));
    let (trained, bytes, _) = world.run().unwrap();
    let settings = Settings {
        membership_fpr: 0.05,
        membership_tpr: 0.25,
        membership_advantage: 0.4,
        shadow_models: 4,
        canary_exposure: 8.0,
        ..Settings::default()
    };
    for party in 0..3 {
        let own = rows(party, 150);
        let report = gate::of_training(&world.plan, &trained, &own, &settings, &SEED).unwrap();
        assert!(report.is_passed(), "{:?}", report.lines(Lang::En));
        assert_eq!(report, gate::of_training(&world.plan, &trained, &own, &settings, &SEED).unwrap());
        assert_eq!((report.members, report.held_back, Report::from_bytes(&report.to_bytes().unwrap(), &bytes).is_ok()), (120, 30, true));
    }
    let mut other = world.plan.clone();
    other.job = [8; 32];
    assert!(gate::of_training(&other, &trained, &rows(0, 150), &settings, &SEED).is_err());
    // at the default limits 30 rows tell nothing, and that is no pass
    for (when_unsure, verdict) in [(WhenUnsure::Refuse, Verdict::Refused), (WhenUnsure::CannotTell, Verdict::CannotTell)] {
        let settings = Settings { when_unsure, shadow_models: 4, ..Settings::default() };
        let report = gate::of_training(&world.plan, &trained, &rows(0, 150), &settings, &SEED).unwrap();
        assert!(report.verdict == verdict && !report.is_passed() && outcome(&report, Rule::Canaries) == Outcome::Passed);
    }
}

#[test]
fn rows_are_held_back_by_themselves_under_a_budget() {
    let mut plan = World::new(3, private(3.0)).plan;
    plan.features = (0..8).map(|column| format!("x{column}")).collect();
    let settings = Settings {
        membership_fpr: 0.02,
        membership_tpr: 0.2,
        membership_advantage: 0.3,
        shadow_models: 4,
        canary_exposure: 8.0,
        ..limits()
    };
    let own: Vec<Dataset> = (1..4).map(|seed| noisy(800, 8, seed)).collect();
    let divided: Vec<Rows> = own.iter().map(|rows| Rows::divide(&plan, rows, &settings).unwrap()).collect();
    let training = divided.iter().map(|rows| rows.training.clone()).collect();
    let mut simulation = Simulation::new(&plan.settings.model, plan.settings.strategy.clone(), training, [1; 32]).unwrap();
    for _ in 0..plan.settings.rounds {
        simulation.round().unwrap();
    }
    let trained = Trained {
        v: 1,
        job: "07".repeat(32),
        model: plan.settings.model.clone(),
        features: plan.features.clone(),
        target: plan.target.clone(),
        scale: None,
        weights: simulation.checkpoint().server.weights.clone(),
        history: Vec::new(),
        privacy: plan.settings.privacy,
    };
    let report = gate::of_training(&plan, &trained, &own[1], &settings, &SEED).unwrap();
    println!("{}", report.lines(Lang::En).join("\n"));
    let told = (report.members + report.held_back, divided[1].held_back.rows() as u64 / 10 * 10);
    assert!(report.is_passed() && (780..=800).contains(&told.0) && report.held_back == told.1);
    assert!(matches!(report.privacy, Privacy::Differential { epsilon, .. } if epsilon > 0.0 && epsilon <= 3.0));
}

#[test]
fn rows_are_divided_before_a_training_that_holds_none_back() {
    let mut world = World::new(3, settings(clear(3), 2));
    let own = rows(0, 300);
    let divided = Rows::divide(&world.plan, &own, &limits()).unwrap();
    assert!(divided.training == own && (divided.members.rows(), divided.held_back.rows()) == (240, 60));
    world.plan.settings.holdout = 0;
    let divided = Rows::divide(&world.plan, &own, &limits()).unwrap();
    assert!(divided.training == divided.members && divided.members.rows() + divided.held_back.rows() == 300);
    assert!((10..60).contains(&divided.held_back.rows()), "{}", divided.held_back.rows());
}
