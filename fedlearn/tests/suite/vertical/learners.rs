//! Tasks about numbers, counts and more than two classes.

use yu_fedlearn::evaluate::regression::{poisson_deviance, regression};
use yu_fedlearn::vertical::task::{Answer, Learner, Own, Plan, Predictions, Settings, train};
use yu_mpc::clear::Clear;

use super::task::{live, plan, sides, trees, weights};
use super::world::{Table, auc, rng, synthetic};

/// A table whose labels follow from a column of each owner: what `label` makes of both, around 0, and of a uniform number.
pub(super) fn table(rows: usize, seed: u64, label: impl Fn(f64, f64, &mut dyn FnMut() -> f64) -> f64) -> Table {
    let mut table = synthetic(rows, seed);
    let mut rng = rng(seed + 50);
    let mut uniform = || f64::from(rand::Rng::next_u32(&mut rng)) / f64::from(u32::MAX);
    table.labels = (0..rows).map(|row| label(table.columns[0][row] - 0.5, (table.columns[3][row] - 2.0) / 4.0, &mut uniform)).collect();
    table
}

/// One of three sectors.
pub(super) fn sector(x: f64, y: f64, uniform: &mut dyn FnMut() -> f64) -> f64 {
    let mut noise = || 0.2 * (uniform() - 0.5);
    let angle = (y + noise()).atan2(x + noise()) + std::f64::consts::PI;
    (angle / std::f64::consts::TAU * 3.0).floor().min(2.0)
}

pub(super) fn number(x: f64, y: f64, uniform: &mut dyn FnMut() -> f64) -> f64 {
    1000.0 + 250.0 * (2.0 * x + y) + 50.0 * (uniform() - 0.5)
}

/// A count of mean `e^(0.3 + 2 x - y)`.
pub(super) fn count(x: f64, y: f64, uniform: &mut dyn FnMut() -> f64) -> f64 {
    let mut left = 1.0;
    let least = (-(0.3 + 2.0 * x - y).exp()).exp();
    (0..)
        .take_while(|_| {
            left *= uniform();
            left > least
        })
        .count() as f64
}

fn values(told: &Predictions) -> &[f64] {
    match told {
        Predictions::Values(values) => values,
        other => panic!("numbers are predicted as numbers: {other:?}"),
    }
}

fn spread(labels: &[f64]) -> f64 {
    let mean = labels.iter().sum::<f64>() / labels.len() as f64;
    (labels.iter().map(|label| (label - mean).powi(2)).sum::<f64>() / labels.len() as f64).sqrt()
}

#[test]
fn numbers_are_predicted_in_their_unit() {
    let plan = plan(Settings::new(Learner::LinearRegression { ridge: 1e-3 }));
    let (then, now) = (table(500, 11, number), table(200, 12, number));
    let life = live(&plan, &then, &now);
    let told = values(&life.predicted);
    let by_hand = regression(told, &now.labels).unwrap();
    let errors = life.evaluated.errors.unwrap();
    // the root is told in deviations of the labels that were trained on
    assert!((errors.rmse - by_hand.rmse / spread(&then.labels)).abs() < 0.01, "{errors:?} {by_hand:?}");
    assert!(
        (errors.explained - by_hand.r_squared).abs() < 2e-3 && errors.explained > 0.95 && errors.deviance.is_none(),
        "{errors:?} {by_hand:?}"
    );
    assert!(told.iter().zip(values(&life.clear_predicted)).all(|(found, wanted)| (found - wanted).abs() < 0.5));
    let (found, wanted) = (life.trained.errors.unwrap(), life.clear.errors.unwrap());
    assert!((found.rmse - wanted.rmse).abs() < 1e-3 && (found.explained - wanted.explained).abs() < 1e-3, "{found:?} {wanted:?}");
    assert!(life.trained.curve.is_empty() && life.trained.brier.is_none() && (life.trained.trained, life.trained.judged) == (375, 125));
}

#[test]
fn counts_are_predicted_as_means() {
    let plan = plan(Settings::new(Learner::PoissonRegression { iterations: 6, ridge: 1e-3 }));
    let (then, now) = (table(600, 13, count), table(250, 14, count));
    let life = live(&plan, &then, &now);
    let told = values(&life.predicted);
    let errors = life.evaluated.errors.unwrap();
    let deviance = poisson_deviance(told, &now.labels).unwrap();
    let mean = now.labels.iter().sum::<f64>() / 250.0;
    let all = poisson_deviance(&vec![mean; 250], &now.labels).unwrap();
    assert!((errors.deviance.unwrap() - deviance).abs() < 1e-3, "{errors:?} {deviance}");
    assert!((errors.explained - (1.0 - deviance / all)).abs() < 2e-3 && errors.explained > 0.2, "{errors:?}");
    assert!((errors.rmse - regression(told, &now.labels).unwrap().rmse).abs() < 1e-3, "{errors:?}");
    assert!(told.iter().zip(values(&life.clear_predicted)).all(|(found, wanted)| (found - wanted).abs() < 2e-3 * wanted.max(1.0)));
    // weights 2, -1 and 0.3: the mean at each corner
    let at = |x: f64, y: f64| (0.3 + 2.0 * x - y).exp();
    for (row, found) in told.iter().enumerate() {
        let wanted = at(now.columns[0][row] - 0.5, (now.columns[3][row] - 2.0) / 4.0);
        assert!((found / wanted - 1.0).abs() < 0.35, "{found} instead of {wanted}");
    }
}

#[test]
fn several_classes_are_told_apart() {
    let (then, now) = (table(500, 15, sector), table(200, 16, sector));
    let short = Learner::LogisticRegression { epochs: 12, batch: 50, learning_rate: 0.9, l2: 0.0 };
    for (settings, least) in [(Settings { model: short, ..weights() }, 0.75), (Settings { points: 2, ..trees() }, 0.85)] {
        let many = Settings { classes: 3, ..settings };
        let told = live(&plan(many.clone()), &then, &now);
        let Predictions::Each(each) = &told.predicted else { panic!("each class has a probability") };
        let chosen = live(&plan(Settings { answer: Answer::Class, ..many.clone() }), &then, &now);
        let Predictions::Classes(classes) = &chosen.predicted else { panic!("the class is told") };
        let greatest = |row: &Vec<f64>| (0..3u32).rev().max_by(|a, b| row[*a as usize].total_cmp(&row[*b as usize])).unwrap();
        let same = each.iter().zip(classes).filter(|(row, class)| greatest(row) == **class).count();
        assert!(same >= 198, "{same} of 200 classes are those of the greatest probability");
        let decisions = chosen.evaluated.decisions.unwrap();
        let of = |told: f64, truth: f64| {
            let pairs = classes.iter().zip(&now.labels);
            pairs.filter(|(class, label)| (told < 0.0 || f64::from(**class) == told) && (truth < 0.0 || **label == truth)).count() as f64
        };
        let mean = |figure: &dyn Fn(f64) -> f64| (0..3).map(|class| figure(f64::from(class))).sum::<f64>() / 3.0;
        let right = (0..3).map(|class| of(f64::from(class), f64::from(class))).sum::<f64>() / 200.0;
        let macros = [
            (decisions.accuracy, right),
            (decisions.precision, mean(&|class| of(class, class) / of(class, -1.0).max(1.0))),
            (decisions.recall, mean(&|class| of(class, class) / of(-1.0, class))),
            (decisions.f1, mean(&|class| 2.0 * of(class, class) / (of(class, -1.0) + of(-1.0, class)))),
        ];
        assert!(macros.iter().all(|(found, wanted)| (found - wanted).abs() < 1e-4), "{macros:?}");
        assert!(right > least && !told.evaluated.curve.is_empty(), "{right}");
        let one = |class: usize| {
            let labels: Vec<f64> = now.labels.iter().map(|label| f64::from(u8::from(*label == class as f64))).collect();
            auc(&each.iter().map(|row| row[class]).collect::<Vec<_>>(), &labels)
        };
        let point = told.evaluated.curve.last().unwrap();
        assert!((point.auc - (0..3).map(one).sum::<f64>() / 3.0).abs() < 3e-3, "{point:?}");
        assert!(told.evaluated.brier.unwrap() < 0.2 && told.evaluated.curve.len() == many.stages().len());
    }
}

#[test]
fn two_classes_may_be_told_without_probabilities() {
    let settings = Settings { answer: Answer::Class, ..weights() };
    let later = synthetic(200, 18);
    let life = live(&plan(settings), &synthetic(400, 17), &later);
    let Predictions::Classes(classes) = &life.predicted else { panic!("the class is told") };
    let right = classes.iter().zip(&later.labels).filter(|(class, label)| f64::from(**class) == **label).count();
    assert!(right > 140 && classes.contains(&0) && classes.contains(&1), "{right}");
}

#[test]
fn labels_that_do_not_fit_are_refused_at_their_owner() {
    let data = table(200, 19, sector);
    let columns = sides(&data, true);
    let fails = |settings: Settings, labels: &[f64], part: &str| {
        let own = [0, 1].map(|owner| Some(Own { features: columns[owner].view(), labels: (owner == 1).then_some(labels) }));
        let error = train(&mut Clear, &plan(settings), 200, own, &mut |_| {}).err().unwrap().to_string();
        assert!(error.contains(part), "{error}");
    };
    let with = |value: f64| {
        let mut labels = data.labels.clone();
        labels[7] = value;
        labels
    };
    let linear = || Settings::new(Learner::LinearRegression { ridge: 1e-3 });
    let poisson = || Settings::new(Learner::PoissonRegression { iterations: 3, ridge: 1e-3 });
    fails(weights(), &with(2.0), "no class from 0 to 1");
    fails(Settings { classes: 3, ..weights() }, &with(3.0), "row 7 is no class from 0 to 2");
    fails(Settings { classes: 3, ..weights() }, &with(0.5), "row 7 is no class from 0 to 2");
    fails(Settings { classes: 3, ..weights() }, &with(f64::NAN), "row 7 is no class from 0 to 2");
    fails(Settings { classes: 40, ..weights() }, &data.labels, "`classes` is `40`");
    fails(Settings { classes: 3, ..linear() }, &data.labels, "`classes` and `answer`");
    fails(Settings { answer: Answer::Class, ..poisson() }, &data.labels, "`classes` and `answer`");
    fails(linear(), &with(f64::INFINITY), "row 7 is missing or infinite");
    fails(linear(), &[3.0; 200], "another unit");
    fails(linear(), &with(1e30), "another unit");
    fails(poisson(), &with(1.5), "row 7 is no whole number");
    fails(poisson(), &with(5000.0), "row 7 is no whole number");
    fails(Settings::new(Learner::PoissonRegression { iterations: 40, ridge: 1e-3 }), &data.labels, "iterations");
    fails(Settings::new(Learner::LinearRegression { ridge: 0.0 }), &data.labels, "ridge");
    // figures of few rows would tell about single ones
    let own = [0, 1].map(|owner| Some(Own { features: columns[owner].view(), labels: (owner == 1).then_some(&data.labels[..]) }));
    let error = train(&mut Clear, &Plan { least: 60, ..plan(poisson()) }, 200, own, &mut |_| {}).err().unwrap().to_string();
    assert!(error.contains("50 rows to judge by, fewer than 60"), "{error}");
}

#[test]
fn sizes_are_those_of_all_models() {
    let refused =
        |settings: &Settings, rows: usize, columns: usize| settings.check_size(rows, columns).err().map(|error| error.to_string());
    let linear = Settings::new(Learner::LinearRegression { ridge: 1e-3 });
    assert!(refused(&linear, 1 << 20, 62).is_none() && refused(&linear, 100, 63).unwrap().contains("columns: 63"));
    // columns that depend on each other must not take the inverse out of its range
    let weak = Settings::new(Learner::PoissonRegression { iterations: 10, ridge: 1e-3 });
    assert!(refused(&weak, 1000, 7).is_none() && refused(&weak, 1000, 8).unwrap().contains("ridge"));
    assert!(refused(&Settings::new(Learner::LinearRegression { ridge: 1e-6 }), 100, 4).unwrap().contains("ridge"));
    let poisson = Settings::new(Learner::PoissonRegression { iterations: 10, ridge: 0.01 });
    assert!(refused(&poisson, 1 << 20, 31).is_none() && refused(&poisson, 1 << 20, 32).unwrap().contains("cells"));
    assert!(refused(&poisson, (1 << 20) + 1, 2).unwrap().contains("rows"));
    let steps = Settings::new(Learner::LogisticRegression { epochs: 10, batch: 100, learning_rate: 0.1, l2: 0.0 });
    assert!(refused(&steps, 50_000, 4).is_none() && refused(&Settings { classes: 3, ..steps }, 50_000, 4).unwrap().contains("15000"));
    let forest = Settings::new(Learner::BoostedTrees { trees: 500, depth: 6, learning_rate: 0.1, bins: 16, lambda: 1.0 });
    assert!(
        refused(&forest, 1000, 20).is_none()
            && refused(&Settings { classes: 32, ..forest }, 1000, 20).unwrap().contains("classes times trees")
    );
}

#[test]
fn settings_are_written_as_before_unless_there_is_more_to_say() {
    let text = serde_json::to_string(&trees()).unwrap();
    assert!(!text.contains("classes") && !text.contains("answer"), "{text}");
    let more = Settings { classes: 4, answer: Answer::Class, ..trees() };
    let text = serde_json::to_string(&more).unwrap();
    assert!(text.contains("\"classes\":4") && text.contains("\"answer\":\"class\"") && Settings::from_json(&text).unwrap() == more);
    let short = Settings::from_json("{\"model\":{\"kind\":\"poisson_regression\"}}").unwrap();
    assert_eq!(short.model, Learner::PoissonRegression { iterations: 10, ridge: 1e-3 });
    assert!(Settings::from_json("{\"model\":{\"kind\":\"poisson_regression\",\"epochs\":3}}").is_err());
}
