//! Gradients by hand against finite differences; clipped sums against clipping one row at a time.

use ndarray::Array2;
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use yu_fedlearn::data::Dataset;
use yu_fedlearn::model::{Activation, Model, Network, Spec, Task, Weights};

fn unit(rng: &mut ChaCha20Rng) -> f64 {
    f64::from(rng.next_u32()) / 2f64.powi(31) - 1.0
}

/// Rows and targets that the model takes, weights away from zero.
pub(crate) fn problem(spec: &Spec, rows: usize, columns: usize, seed: u64) -> (Network, Weights, Dataset) {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let model = spec.build(columns).unwrap();
    let x = Array2::from_shape_simple_fn((rows, columns), || unit(&mut rng));
    let targets = match spec {
        Spec::Softmax { classes, .. } | Spec::Mlp { task: Task::Classes(classes), .. } => *classes,
        Spec::Logistic { .. } | Spec::Mlp { task: Task::Binary, .. } => 2,
        _ => 5,
    };
    let y = (0..rows).map(|_| f64::from(rng.next_u32() % targets)).collect();
    let start = model.initial(seed);
    let weights = start.with(start.flat().iter().map(|value| value + 0.5 * unit(&mut rng)).collect()).unwrap();
    (model, weights, Dataset::new(x, y).unwrap())
}

fn specs() -> impl Strategy<Value = Spec> {
    let mlp = |task, activation| Spec::Mlp { hidden: vec![5, 4], task, activation, l2: 0.01 };
    prop_oneof![
        Just(Spec::Linear { l2: 0.1 }),
        Just(Spec::Logistic { l2: 0.1 }),
        Just(Spec::Softmax { classes: 4, l2: 0.1 }),
        Just(Spec::Poisson { l2: 0.1 }),
        Just(mlp(Task::Classes(3), Activation::Tanh)),
        Just(mlp(Task::Binary, Activation::Relu)),
        Just(mlp(Task::Regression, Activation::Relu)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn gradients_are_slopes(spec in specs(), rows in 1usize..20, columns in 1usize..6, seed: u64) {
        let (model, weights, data) = problem(&spec, rows, columns, seed);
        let (loss, gradient) = model.gradient(&weights, &data.batch()).unwrap();
        prop_assert!((loss - model.loss(&weights, &data.batch()).unwrap()).abs() < 1e-12 * (1.0 + loss.abs()));
        let step = 1e-6;
        let mut kinks = 0;
        for (place, slope) in gradient.iter().enumerate() {
            let at = |shift: f64| {
                let mut flat = weights.flat().to_vec();
                flat[place] += shift;
                model.loss(&weights.with(flat).unwrap(), &data.batch()).unwrap()
            };
            let numeric = (at(step) - at(-step)) / (2.0 * step);
            // a rectifier that switches within the step
            if (numeric - slope).abs() > 1e-6 * (1.0 + slope.abs()) {
                kinks += 1;
            }
        }
        prop_assert!(kinks == 0 || (matches!(spec, Spec::Mlp { activation: Activation::Relu, .. }) && kinks < 4), "{} of {}", kinks, gradient.len());
    }

    #[test]
    fn clipped_sums_are_sums_of_clipped(spec in specs(), rows in 1usize..20, columns in 1usize..6, seed: u64, bound in 0.05f64..3.0) {
        let (model, weights, data) = problem(&spec, rows, columns, seed);
        let found = model.clipped(&weights, &data.batch(), bound).unwrap();
        let mut penalty = vec![0.0; model.parameters()];
        model.add_penalty(&weights, &mut penalty);
        let (mut sum, mut below) = (vec![0.0; model.parameters()], 0);
        for row in 0..rows {
            let (_, mut gradient) = model.gradient(&weights, &data.take(&[row]).unwrap().batch()).unwrap();
            gradient.iter_mut().zip(&penalty).for_each(|(value, penalty)| *value -= penalty);
            below += usize::from(yu_fedlearn::privacy::clip(&mut gradient, bound).unwrap());
            sum.iter_mut().zip(gradient).for_each(|(total, value)| *total += value);
        }
        prop_assert_eq!(found.below, below);
        for (a, b) in found.sum.iter().zip(&sum) {
            prop_assert!((a - b).abs() < 1e-12 * (1.0 + b.abs()), "{} {}", a, b);
        }
    }
}

/// A row whose hidden outputs overflow counts as zero and leaves the sum of the others alone, whatever it holds.
#[test]
fn an_overflowing_row_moves_a_clipped_sum_by_nothing() {
    let spec = Spec::Mlp { hidden: vec![8], task: Task::Classes(3), activation: Activation::Relu, l2: 0.0 };
    for seed in 0..20 {
        let (model, weights, data) = problem(&spec, 30, 4, seed);
        let others = model.clipped(&weights, &data.batch(), 1.0).unwrap();
        let batch = data.batch();
        let x = ndarray::concatenate(ndarray::Axis(0), &[batch.x, Array2::from_elem((1, 4), 1.7e308).view()]).unwrap();
        let with = Dataset::new(x, [batch.y, &[0.0][..]].concat()).unwrap();
        let found = model.clipped(&weights, &with.batch(), 1.0).unwrap();
        let apart = found.sum.iter().zip(&others.sum).map(|(a, b)| (a - b) * (a - b)).sum::<f64>().sqrt();
        assert!(apart <= 1.0, "{apart} with seed {seed}");
    }
}

#[test]
fn large_batches_do_not_depend_on_threads() {
    let (model, weights, data) = problem(&Spec::Softmax { classes: 3, l2: 0.0 }, 10_000, 4, 7);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| model.gradient(&weights, &data.batch()).unwrap())
    };
    assert!(run(1) == run(3));
    // and agree with the rows taken apart
    let halves: Vec<usize> = (0..10_000).collect();
    let (first, second) = halves.split_at(5000);
    let part = |places: &[usize]| model.gradient(&weights, &data.take(places).unwrap().batch()).unwrap().1;
    for ((whole, a), b) in run(2).1.iter().zip(part(first)).zip(part(second)) {
        assert!((whole - (a + b) / 2.0).abs() < 1e-14);
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let (model, weights, data) = problem(&Spec::Logistic { l2: 0.0 }, 5, 3, 1);
    let other = Spec::Logistic { l2: 0.0 }.build(4).unwrap();
    assert!(other.gradient(&weights, &data.batch()).is_err() && model.gradient(&other.initial(0), &data.batch()).is_err());
    let wrong = Dataset::new(data.features().clone(), vec![0.0, 1.0, 2.0, 0.0, 0.5]).unwrap();
    let error = model.gradient(&weights, &wrong.batch()).unwrap_err().to_string();
    assert!(error.contains("row 2") && !error.contains("2.0"), "{error}");
    assert!(model.predict(&weights, Array2::zeros((2, 4)).view()).is_err());
    assert!(weights.with(vec![0.0]).is_err() && weights.with(vec![f64::NAN; 4]).is_err());
    assert!(Dataset::new(Array2::from_elem((1, 1), f64::NAN), vec![0.0]).is_err());
    for bad in [
        r#"{"name":"softmax","classes":1}"#,
        r#"{"name":"logistic","l2":-1.0}"#,
        r#"{"name":"mlp","hidden":[0],"task":"binary"}"#,
        r#"{"name":"mlp","hidden":[4000000000,4000000000],"task":"regression"}"#,
    ] {
        assert!(serde_json::from_str::<Spec>(bad).unwrap().build(3).is_err(), "{bad}");
    }
    assert!(serde_json::from_str::<Spec>(r#"{"name":"logistic","l1":1.0}"#).is_err());
    // a learning rate without measure says so
    let far = weights.with(vec![1e200; 4]).unwrap();
    assert!(Spec::Poisson { l2: 0.0 }.build(3).unwrap().gradient(&far, &data.batch()).unwrap_err().to_string().contains("diverged"));
}
