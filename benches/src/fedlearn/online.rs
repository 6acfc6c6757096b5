//! Single requests to a model that three parties hold in shares, all as threads over memory.

use std::time::Instant;

use ndarray::Array2;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use yu_fedlearn::vertical::task::online::{Online, Terms};
use yu_fedlearn::vertical::task::{Learner, Own, Plan, Settings, train};

use super::{FedlearnArgs, less, median};
use crate::Result;
use crate::desensitize::Row;
use crate::support::parties::{seeded, three};

const SUBJECT: &str = "vertical online";
/// Columns of each owner.
const COLUMNS: usize = 10;
/// Rows that the models are trained on: how many does not matter for a call.
const ROWS: usize = 600;

/// Milliseconds, bytes and rounds of a call of one row.
pub(super) fn rows(args: &FedlearnArgs) -> Result<Vec<Row>> {
    let logistic = Learner::LogisticRegression { epochs: 2, batch: 64, learning_rate: 0.2, l2: 0.0 };
    let trees = Learner::BoostedTrees { trees: 50, depth: 3, learning_rate: 0.1, bins: 16, lambda: 1.0 };
    let mut found = Vec::new();
    for (name, model) in
        [("logistic regression, 20 columns: a call of one row", logistic), ("50 trees, depth 3, 20 columns: a call of one row", trees)]
    {
        if args.wants(SUBJECT, name) {
            found.extend(calls(args, name, Settings::new(model))?);
        }
    }
    Ok(found)
}

fn calls(args: &FedlearnArgs, name: &str, settings: Settings) -> Result<Vec<Row>> {
    let mut rng = ChaCha20Rng::seed_from_u64(41);
    let mut side = || Array2::from_shape_simple_fn((ROWS, COLUMNS), || f64::from(rng.next_u32()) / f64::from(1u32 << 31) - 1.0);
    let sides = [side(), side()];
    let labels: Vec<f64> = (0..ROWS).map(|row| f64::from(u8::from(sides[0][[row, 0]] + sides[1][[row, 0]] > 0.0))).collect();
    let plan = Plan { job: [41; 32], columns: [COLUMNS; 2], labels: 1, settings, least: 10 };
    let terms = Terms { receiver: 1, calls: u64::from(args.runs) + 1, rows: 1, licence: [0; 32] };
    let results = three(|engine| {
        let me = engine.index();
        let own = [0, 1].map(|owner| {
            let labels = (owner == 1).then_some(&labels[..]);
            (owner == me).then(|| Own { features: sides[owner].view(), labels })
        });
        let mut work = || -> yu_fedlearn::Result<_> {
            let trained = train(engine, &plan, ROWS, own, &mut |_| ())?;
            let mut session = Online::open(engine, Some(me), plan.clone(), trained.model, trained.preparations, terms, 0)?;
            let mut randomness = seeded(me);
            let mut times = Vec::new();
            let mut spent = (0, 0);
            // the first one warms up
            for at in 0..=args.runs as usize {
                let row = |owner: usize| (owner == me).then(|| sides[owner].slice(ndarray::s![at % ROWS..=at % ROWS, ..]));
                let (before, start) = (engine.totals(), Instant::now());
                session.reserve()?;
                session.predict(engine, Some(me), 1, [row(0), row(1)], (me == terms.receiver).then_some(&mut randomness))?;
                times.push(start.elapsed().as_secs_f64() * 1e3);
                let after = engine.totals();
                spent = (after.bytes_sent - before.bytes_sent, after.rounds - before.rounds);
            }
            Ok((times.split_off(1), spent))
        };
        work().map_err(|error| yu_mpc::Error::Caller(error.to_string()))
    })?;
    let bytes: u64 = results.iter().map(|(_, (bytes, _))| bytes).sum();
    let (times, (_, rounds)) = results.into_iter().nth(terms.receiver).ok_or("no receiver")?;
    Ok(vec![
        less(SUBJECT, name, median(times), "ms", None, None),
        less(SUBJECT, format!("{name}: sent by all parties"), bytes as f64 / 1e3, "kB", None, None),
        less(SUBJECT, format!("{name}: rounds"), f64::from(rounds), "", None, None),
    ])
}
