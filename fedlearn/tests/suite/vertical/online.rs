//! Single requests to a split model.

use ndarray::{Array2, ArrayView2};
use yu_fedlearn::vertical::task::online::{Online, Terms};
use yu_fedlearn::vertical::task::{Answer, Kept, Learner, Model, Own, Plan, Predictions, Settings, predict};
use yu_mpc::dry::Dry;
use yu_mpc::engine::{Engine, Module};
use yu_mpc::rep3::Context;
use yu_wire::meter::Totals;

use super::learners::{count, number, sector, table};
use super::task::{is_regression, live, plan, sides, trees, weights};
use super::world::{NAMES, Table, rng, synthetic, three};

const TERMS: Terms = Terms { receiver: 1, calls: 4, rows: 8, licence: [7; 32] };

fn rows_of(sides: &[Array2<f64>; 2], range: std::ops::Range<usize>, index: usize) -> [Option<ArrayView2<'_, f64>>; 2] {
    [0, 1].map(|owner| (owner == index).then(|| sides[owner].slice(ndarray::s![range.clone(), ..])))
}

fn call(
    session: &mut Online<Context>,
    engine: &mut Context,
    rows: usize,
    features: [Option<ArrayView2<'_, f64>>; 2],
) -> yu_fedlearn::Result<Option<Predictions>> {
    let index = engine.index();
    let mut randomness = rng(500 + index as u64);
    session.reserve()?;
    session.predict(engine, Some(index), rows, features, (index == TERMS.receiver).then_some(&mut randomness))
}

/// Bytes sent, received and rounds from one reading to another.
fn between(from: Totals, to: Totals) -> (u64, u64, u32) {
    (to.bytes_sent - from.bytes_sent, to.bytes_received - from.bytes_received, to.rounds - from.rounds)
}

/// What a dry run says of a party after a session was opened, and after each call of so many rows.
fn priced(plan: &Plan, calls: &[usize], name: &str) -> Vec<(u64, u64, u32)> {
    let mut dry = Dry::<Context>::new(&NAMES);
    let zeros = <Dry<Context> as Engine>::Words::zeros(Model::<Dry<Context>>::len(plan).unwrap());
    let model = Model::from_words(plan, &zeros).unwrap();
    let spent = |dry: &Dry<Context>| {
        let cost = dry.cost().unwrap();
        let party = cost.party(name).unwrap();
        (party.bytes_sent, party.bytes_received, party.rounds)
    };
    let mut session = Online::open(&mut dry, None, plan.clone(), model, [None, None], TERMS, 0).unwrap();
    let mut all = vec![spent(&dry)];
    for rows in calls {
        session.reserve().unwrap();
        session.predict(&mut dry, None, *rows, [None; 2], None::<&mut rand_chacha::ChaCha20Rng>).unwrap();
        all.push(spent(&dry));
    }
    all
}

#[test]
fn a_call_says_what_a_job_says_to_its_receiver_alone() {
    let poisson = Settings::new(Learner::PoissonRegression { iterations: 4, ridge: 1e-3 });
    let linear = Settings::new(Learner::LinearRegression { ridge: 1e-3 });
    let many = Settings { classes: 3, answer: Answer::Class, ..trees() };
    let sets: [(Settings, Table, Table); 5] = [
        (weights(), synthetic(300, 21), synthetic(12, 22)),
        (trees(), synthetic(300, 23), synthetic(12, 24)),
        (linear, table(300, 25, number), table(12, 26, number)),
        (poisson, table(300, 27, count), table(12, 28, count)),
        (many, table(300, 29, sector), table(60, 30, sector)),
    ];
    for (settings, then, now) in sets {
        let plan = Plan { least: 2, ..plan(settings) };
        let life = live(&plan, &then, &now);
        let next = sides(&now, is_regression(&plan.settings));
        let results = three(|engine, index| {
            let kept = Kept::from_bytes(&life.kept[index])?;
            let mut session = Online::load(engine, &kept, TERMS, 0)?;
            let opened = engine.totals();
            let first = call(&mut session, engine, 1, rows_of(&next, 0..1, index))?;
            let single = engine.totals();
            let second = call(&mut session, engine, 4, rows_of(&next, 4..8, index))?;
            assert_eq!((session.used(), session.left()), (2, 2));
            // the same rows as a job, opened to all
            let model = Model::from_words(&plan, &kept.share())?;
            let known = [0, 1].map(|owner| kept.head.preparation.as_ref().filter(|_| owner == index));
            let own = rows_of(&next, 4..8, index).map(|rows| rows.map(|features| Own { features, labels: None }));
            let batch = engine.totals();
            let words = predict(engine, &plan, 4, own, known, &model)?;
            let told = engine.open(&[&words])?.remove(0);
            let costs = [opened, single, batch].map(|totals| (totals.bytes_sent, totals.bytes_received, totals.rounds));
            Ok((first, second, Predictions::read(&plan.settings, &told)?, costs))
        });
        for (index, ((first, second, job, costs), _)) in results.into_iter().enumerate() {
            let name = NAMES[index];
            assert_eq!(costs.to_vec(), priced(&plan, &[1, 4], name), "{name}");
            assert_eq!((first.is_some(), second.is_some()), (index == 1, index == 1), "{name}");
            let Some(second) = second else { continue };
            eprintln!(
                "{:?}: a call of one row sends {} bytes in {} rounds at its receiver",
                plan.settings.target(),
                costs[1].0,
                costs[1].2
            );
            match (&second, &job) {
                (Predictions::Classes(a), Predictions::Classes(b)) => assert_eq!(a, b),
                (Predictions::Probabilities(a) | Predictions::Values(a), Predictions::Probabilities(b) | Predictions::Values(b)) => {
                    assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < 2e-3 * b.abs().max(1.0)), "{a:?} {b:?}");
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

fn kept() -> (Plan, Vec<Vec<u8>>, [Array2<f64>; 2]) {
    let plan = Plan { least: 2, ..plan(weights()) };
    let now = synthetic(12, 32);
    let life = live(&plan, &synthetic(300, 31), &now);
    (plan, life.kept, sides(&now, true))
}

#[test]
fn a18_every_side_counts_calls() {
    let (_, kept, next) = kept();
    let results = three(|engine, index| {
        let kept = Kept::from_bytes(&kept[index])?;
        let mut session = Online::load(engine, &kept, TERMS, 2)?;
        for _ in 0..2 {
            call(&mut session, engine, 1, rows_of(&next, 0..1, index))?;
        }
        let before = engine.totals();
        let refused = call(&mut session, engine, 1, rows_of(&next, 0..1, index)).unwrap_err().to_string();
        assert!(refused.contains("`calls` is refused: all 4 calls"), "{refused}");
        let unreserved = session.predict(engine, Some(index), 1, [None; 2], None::<&mut rand_chacha::ChaCha20Rng>);
        assert!(unreserved.unwrap_err().to_string().contains("no call is reserved"));
        assert_eq!(between(before, engine.totals()), (0, 0, 0), "an extra call is not even asked for");
        Ok(session.used())
    });
    assert!(results.iter().all(|(used, _)| *used == 4));
}

#[test]
fn a_party_that_is_not_ready_is_named_and_the_session_goes_on() {
    let (_, kept, next) = kept();
    let results = three(|engine, index| {
        let kept = Kept::from_bytes(&kept[index])?;
        let mut session = Online::load(engine, &kept, TERMS, 0)?;
        // the first owner has a missing value
        let mut bad = next.clone();
        bad[0][[0, 1]] = f64::NAN;
        let error = call(&mut session, engine, 1, rows_of(&bad, 0..1, index)).unwrap_err().to_string();
        let wanted = if index == 0 {
            "row 0, column 1: the value is missing"
        } else {
            "party `0` broke the protocol at online prediction: it was not ready"
        };
        assert!(error.contains(wanted), "{error}");
        // the second one has another number of rows in mind
        let rows = if index == 1 { 2 } else { 1 };
        let error = call(&mut session, engine, rows, rows_of(&next, 0..rows, index)).unwrap_err().to_string();
        assert!(error.contains("party `1`") || (index == 1 && error.contains("party `0`")), "{error}");
        // too many for the terms
        let error = call(&mut session, engine, 9, rows_of(&next, 0..9, index)).unwrap_err().to_string();
        assert!(error.contains("a call of `9` rows, expected 1 to 8"), "{error}");
        let told = call(&mut session, engine, 1, rows_of(&next, 0..1, index))?;
        assert_eq!((told.is_some(), session.used(), session.left()), (index == 1, 4, 0));
        Ok(())
    });
    assert_eq!(results.len(), 3);
}

#[test]
fn sessions_of_other_terms_do_not_open() {
    let (_, kept, _) = kept();
    let opened = |terms: [Terms; 3], used: [u64; 3]| -> Vec<Option<String>> {
        let one = |engine: &mut Context, index: usize| {
            let kept = Kept::from_bytes(&kept[index])?;
            Ok(Online::load(engine, &kept, terms[index], used[index]).err().map(|error| error.to_string()))
        };
        three(one).into_iter().map(|(error, _)| error).collect()
    };
    assert!(opened([TERMS; 3], [3; 3]).iter().all(Option::is_none));
    let more = Terms { calls: 5, ..TERMS };
    let elsewhere = Terms { licence: [8; 32], ..TERMS };
    for terms in [[TERMS, TERMS, more], [Terms { receiver: 0, ..TERMS }, TERMS, TERMS], [TERMS, elsewhere, TERMS]] {
        let errors = opened(terms, [0; 3]);
        assert!(errors.iter().all(|error| error.as_ref().is_some_and(|error| error.contains("opens another session"))), "{errors:?}");
    }
    let wrong = |terms: Terms| {
        opened([terms; 3], [0; 3]).iter().all(|error| error.as_ref().is_some_and(|error| error.contains("expected a party")))
    };
    assert!(wrong(Terms { receiver: 3, ..TERMS }) && wrong(Terms { calls: 0, ..TERMS }) && wrong(Terms { rows: 0, ..TERMS }));
}

/// A party that lost its count, or says a smaller one, gains nothing: the largest holds for all.
#[test]
fn a18_the_largest_count_holds_for_all() {
    let (_, kept, next) = kept();
    let results = three(|engine, index| {
        let kept = Kept::from_bytes(&kept[index])?;
        let mut session = Online::load(engine, &kept, TERMS, [0, 3, 1][index])?;
        assert_eq!(session.left(), 1);
        call(&mut session, engine, 1, rows_of(&next, 0..1, index))?;
        let mut twice = Online::load(engine, &kept, TERMS, 2)?;
        assert_eq!(twice.reserve()?, 3);
        assert!(twice.reserve().unwrap_err().to_string().contains("reserved already"));
        session.reserve().map(drop).unwrap_err();
        Ok(session.used())
    });
    assert!(results.iter().all(|(used, _)| *used == 4));
}

#[test]
fn calls_that_are_counted_differently_end_the_session() {
    let (_, kept, next) = kept();
    let results = three(|engine, index| {
        let kept = Kept::from_bytes(&kept[index])?;
        let mut session = Online::load(engine, &kept, TERMS, 0)?;
        call(&mut session, engine, 1, rows_of(&next, 0..1, index))?;
        // the helper goes on with a count of its own
        if index == 2 {
            let other = [0, 1];
            let inputs: Vec<_> =
                (0..3).map(|owner| yu_mpc::engine::Input { owner, len: 2, values: (owner == 2).then_some(&other[..]) }).collect();
            let shared = Engine::input(engine, &inputs)?;
            Engine::open(engine, &shared.iter().collect::<Vec<_>>())?;
            return Ok(String::new());
        }
        // the first owner is not ready for this call, and learns all the same that there is none after it
        let mut next = next.clone();
        next[0][[0, 1]] = f64::NAN;
        let error = call(&mut session, engine, 1, rows_of(&next, 0..1, index)).unwrap_err().to_string();
        assert!(error.contains("party `2` has counted other calls"), "{error}");
        let before = engine.totals();
        let error = call(&mut session, engine, 1, rows_of(&next, 0..1, index)).unwrap_err().to_string();
        assert_eq!((between(before, engine.totals()), session.left()), ((0, 0, 0), 0));
        Ok(error)
    });
    assert!(results[..2].iter().all(|(error, _)| error.contains("the session has ended: calls failed")), "{:?}", results[0].0);
}
