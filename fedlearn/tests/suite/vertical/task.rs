//! Trainings as jobs run them: held-out rows, models that stay split, predictions with them.

use ndarray::Array2;
use yu_fedlearn::vertical::task::kept::Head;
use yu_fedlearn::vertical::task::{
    Kept, Learner, Model, Own, Plan, Predictions, Preparation, Quality, Settings, agree, evaluate, predict, train,
};
use yu_mpc::clear::Clear;
use yu_mpc::dry::Dry;
use yu_mpc::engine::{Engine, Module, Vector};
use yu_mpc::rep3::Context;
use yu_wire::meter::Totals;

use super::world::{NAMES, Table, auc, synthetic, three};

pub(super) fn trees() -> Settings {
    let model = Learner::BoostedTrees { trees: 6, depth: 2, learning_rate: 0.3, bins: 8, lambda: 1.0 };
    Settings { points: 3, ..Settings::new(model) }
}

pub(super) fn weights() -> Settings {
    let model = Learner::LogisticRegression { epochs: 20, batch: 50, learning_rate: 0.5, l2: 0.0 };
    Settings { hold_out: 20, ..Settings::new(model) }
}

pub(super) fn plan(settings: Settings) -> Plan {
    Plan { job: [3; 32], columns: [2, 2], labels: 1, settings, least: 10 }
}

pub(super) const fn is_regression(settings: &Settings) -> bool {
    !matches!(settings.model, Learner::BoostedTrees { .. })
}

/// The columns of each owner, without missing values for a regression.
pub(super) fn sides(table: &Table, is_regression: bool) -> [Array2<f64>; 2] {
    [0, 2].map(|from| {
        Array2::from_shape_fn((table.labels.len(), 2), |(row, column)| {
            let value = table.columns[from + column][row];
            if is_regression && value.is_nan() { 50.0 } else { value }
        })
    })
}

fn own<'a>(sides: &'a [Array2<f64>; 2], labels: &'a [f64], here: impl Fn(usize) -> bool) -> [Option<Own<'a>>; 2] {
    [0, 1].map(|owner| here(owner).then(|| Own { features: sides[owner].view(), labels: (owner == 1).then_some(labels) }))
}

/// What a model was from its training to its use.
pub(super) struct Life {
    /// In one place.
    pub(super) clear: Quality,
    /// As three parties.
    pub(super) trained: Quality,
    /// On later rows.
    pub(super) evaluated: Quality,
    pub(super) predicted: Predictions,
    pub(super) clear_predicted: Predictions,
    /// What each party keeps.
    pub(super) kept: Vec<Vec<u8>>,
}

fn as_priced(totals: Totals, play: impl FnOnce(&mut Dry<Context>), name: &str) {
    let mut dry = Dry::<Context>::new(&NAMES);
    play(&mut dry);
    let cost = dry.cost().unwrap();
    let cost = cost.party(name).unwrap();
    assert_eq!((cost.bytes_sent, cost.bytes_received, cost.rounds), (totals.bytes_sent, totals.bytes_received, totals.rounds), "{name}");
}

/// Trains on a table and uses the model on a later one, in one place and as three parties, whose bytes and rounds are those of the dry run.
pub(super) fn live(plan: &Plan, table: &Table, later: &Table) -> Life {
    let is_regression = is_regression(&plan.settings);
    let (data, next) = (sides(table, is_regression), sides(later, is_regression));
    let (rows, count) = (table.labels.len(), later.labels.len());
    let all = |_| true;
    let mut clear = Clear;
    let expected = train(&mut clear, plan, rows, own(&data, &table.labels, all), &mut |_| {}).unwrap();
    let quality = Quality::read(&plan.settings, &clear.open(&[&expected.output]).unwrap()[0]).unwrap();
    // first job: a model that three parties keep
    let kept = three(|engine, index| {
        let matched = agree(engine, [(index == 0).then_some(rows as u64), (index == 1).then_some(rows as u64)])?;
        let mut heard = 0;
        let trained = train(engine, plan, matched, own(&data, &table.labels, |owner| owner == index), &mut |done| {
            assert!((heard..=100).contains(&done));
            heard = done;
        })?;
        let [left, right] = trained.preparations;
        let head = Head {
            job: "03".repeat(32),
            authorisation: "A".into(),
            parties: NAMES.map(str::to_owned),
            features: [["a", "b"], ["c", "d"]].map(|names| names.map(str::to_owned).to_vec()),
            target: (1, "y".into()),
            settings: plan.settings.clone(),
            least: plan.least,
            preparation: left.or(right),
        };
        let output = engine.open(&[&trained.output])?.remove(0);
        Ok((Kept::new(head, &trained.model.words()).to_bytes()?.to_vec(), output))
    });
    for (((_, output), totals), name) in kept.iter().zip(NAMES) {
        assert_eq!(output, &kept[0].0.1);
        as_priced(
            *totals,
            |dry| {
                agree(dry, [None; 2]).unwrap();
                let trained = train(dry, plan, rows, [None; 2], &mut |_| {}).unwrap();
                dry.open(&[&trained.output]).unwrap();
                assert_eq!(trained.model.words().len(), Model::<Context>::len(plan).unwrap());
            },
            name,
        );
    }
    // second job: other rows, the same parties in other processes
    let found = three(|engine, index| {
        let kept = Kept::from_bytes(&kept[index].0.0)?;
        assert!(kept.plan()? == *plan);
        let model = Model::from_words(plan, &kept.share())?;
        let known = [0, 1].map(|owner| kept.head.preparation.as_ref().filter(|_| owner == index));
        let rows = own(&next, &later.labels, |owner| owner == index);
        let quality = evaluate(engine, plan, count, rows, known, &model)?;
        let scores = predict(engine, plan, count, rows, known, &model)?;
        assert_eq!(scores.len(), Predictions::len(&plan.settings, count));
        let opened = engine.open(&[&quality, &scores])?;
        Ok((Quality::read(&plan.settings, &opened[0])?, Predictions::read(&plan.settings, &opened[1])?))
    });
    for ((told, totals), name) in found.iter().zip(NAMES) {
        assert!(*told == found[0].0);
        as_priced(
            *totals,
            |dry| {
                let zeros = <Dry<Context> as Engine>::Words::zeros(Model::<Dry<Context>>::len(plan).unwrap());
                let model = Model::from_words(plan, &zeros).unwrap();
                let quality = evaluate(dry, plan, count, [None; 2], [None; 2], &model).unwrap();
                let scores = predict(dry, plan, count, [None; 2], [None; 2], &model).unwrap();
                dry.open(&[&quality, &scores]).unwrap();
            },
            name,
        );
    }
    let known: [Option<&Preparation>; 2] = expected.preparations.each_ref().map(Option::as_ref);
    let scores = predict(&mut clear, plan, count, own(&next, &later.labels, all), known, &expected.model).unwrap();
    let clear_predicted = Predictions::read(&plan.settings, &clear.open(&[&scores]).unwrap()[0]).unwrap();
    let trained = Quality::read(&plan.settings, &kept[0].0.1).unwrap();
    let ((evaluated, predicted), _) = found.into_iter().next().unwrap();
    Life { clear: quality, trained, evaluated, predicted, clear_predicted, kept: kept.into_iter().map(|((kept, _), _)| kept).collect() }
}

#[test]
fn a_model_stays_split_and_is_used_later() {
    for settings in [trees(), weights()] {
        let plan = plan(settings);
        let later = synthetic(300, 6);
        let life = live(&plan, &synthetic(800, 5), &later);
        let expected = if is_regression(&plan.settings) { (640, 160) } else { (600, 200) };
        assert_eq!((life.clear.trained, life.clear.judged), expected);
        assert_eq!(life.clear.curve.len(), plan.settings.stages().len());
        assert!(life.clear.curve.last().unwrap().auc > 0.8 && life.clear.brier.unwrap() < 0.2, "{:?}", life.clear);
        for (found, point) in life.trained.curve.iter().zip(&life.clear.curve) {
            assert!((found.auc - point.auc).abs() < 0.01, "{found:?} instead of {point:?}");
        }
        assert_eq!((life.evaluated.trained, life.evaluated.judged), (0, 300));
        let (Predictions::Probabilities(scores), Predictions::Probabilities(clear)) = (&life.predicted, &life.clear_predicted) else {
            panic!("two classes have probabilities")
        };
        assert!((life.evaluated.curve.last().unwrap().auc - auc(scores, &later.labels)).abs() < 2e-3, "{:?}", life.evaluated);
        assert!(scores.iter().zip(clear).all(|(found, wanted)| (found - wanted).abs() < 0.02));
    }
}

#[test]
fn nobody_chooses_the_held_out_rows() {
    let mut clear = Clear;
    let table = synthetic(200, 7);
    let data = sides(&table, false);
    let mut outputs = Vec::new();
    for job in [[1; 32], [1; 32], [2; 32]] {
        let plan = Plan { job, ..plan(trees()) };
        let trained = train(&mut clear, &plan, 200, own(&data, &table.labels, |_| true), &mut |_| {}).unwrap();
        outputs.push(clear.open(&[&trained.output]).unwrap().remove(0));
    }
    assert!(outputs[0] == outputs[1] && outputs[0] != outputs[2]);
}

#[test]
fn what_does_not_fit_is_refused() {
    let mut clear = Clear;
    let table = synthetic(100, 8);
    let data = sides(&table, false);
    let own = own(&data, &table.labels, |_| true);
    let fails = |clear: &mut Clear, plan: &Plan, part: &str| {
        let error = train(clear, plan, 100, own, &mut |_| {}).err().unwrap().to_string();
        assert!(error.contains(part), "{error}");
    };
    fails(&mut clear, &Plan { columns: [3, 2], ..plan(trees()) }, "fit the plan");
    fails(&mut clear, &Plan { columns: [0, 2], ..plan(trees()) }, "brings features");
    fails(&mut clear, &Plan { settings: Settings { hold_out: 60, ..trees() }, ..plan(trees()) }, "hold_out");
    // 25 held-out rows, of which no class has 20
    fails(&mut clear, &Plan { least: 20, ..plan(trees()) }, "fewer than 20 rows");
    // a regression wants all values
    fails(&mut clear, &plan(Settings { model: weights().model, ..trees() }), "missing");
    let words = clear.constant(&[1; 7]);
    assert!(Model::<Clear>::from_words(&plan(trees()), &words).is_err());
    assert!(agree(&mut clear, [Some(5), Some(6)]).unwrap_err().to_string().contains("differ"));
    assert!(Kept::from_bytes(b"yu-model-share-v1\n\xff\xff\xff\xff\xff\xff\xff\xff").is_err() && Kept::from_bytes(b"").is_err());
}
