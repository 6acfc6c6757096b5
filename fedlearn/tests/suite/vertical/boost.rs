//! Gradient-boosted trees.

use yu_fedlearn::trees::{Binned, Boosting, Forest, fit};
use yu_fedlearn::vertical::boost::Table;
use yu_fedlearn::vertical::boost::model::OpenedForest;
use yu_fedlearn::vertical::{Features, Labels, boost};
use yu_mpc::clear::Clear;
use yu_mpc::dry::Dry;
use yu_mpc::rep3::Context;

use super::world::{NAMES, auc, bank, halves, rng, synthetic, three};

const SMALL: Boosting = Boosting {
    trees: 4,
    depth: 3,
    rate: 0.3,
    lambda: 1.0,
    gamma: 0.0,
    min_child_weight: 1.0,
    min_rows: 4,
    max_leaf: 8.0,
    loss: yu_fedlearn::trees::Loss::Logistic,
};

/// The two sides, as party `index` has them; `None`: as all of them.
fn sides(data: &[Binned; 2], index: Option<usize>) -> Vec<Features<'_>> {
    let side =
        |owner: usize| Features { owner, bins: data[owner].bins(), data: index.is_none_or(|index| index == owner).then_some(&data[owner]) };
    vec![side(0), side(1)]
}

#[test]
fn shares_give_the_trees_of_one_place() {
    let (train, test) = (synthetic(600, 1), synthetic(200, 2));
    let cuts: Vec<_> = train.columns.iter().map(|column| yu_fedlearn::trees::Cuts::quantiles(column, 8).unwrap()).collect();
    let side =
        |table: &super::world::Table, range: std::ops::Range<usize>| Binned::new(&table.columns[range.clone()], &cuts[range]).unwrap();
    let data = [side(&train, 0..2), side(&train, 2..4)];
    let other = [side(&test, 0..2), side(&test, 2..4)];
    let expected = fit(&SMALL, &data[0].beside(&data[1]).unwrap(), &train.labels).unwrap();
    let everything = other[0].beside(&other[1]).unwrap();
    let scores = expected.scores(&everything).unwrap();
    // the same program, sigmoid by parabolas included, without shares: what is left between the two is truncation
    let clear = {
        let labels = Labels { owner: 1, values: Some(&train.labels) };
        let table = Table::share(&mut Clear, 600, &sides(&data, None)).unwrap();
        let forest = boost::fit(&mut Clear, &SMALL, &table, &labels, |_| ()).unwrap();
        let table = Table::share(&mut Clear, 200, &sides(&other, None)).unwrap();
        forest.scores(&mut Clear, &table).unwrap().open(&mut Clear).unwrap().to_vec()
    };

    let results = three(|engine, index| {
        let labels = Labels { owner: 1, values: (index == 1).then_some(&train.labels[..]) };
        let mut seen = 0;
        let table = Table::share(engine, 600, &sides(&data, Some(index)))?;
        let forest = boost::fit(engine, &SMALL, &table, &labels, |number| seen = number)?;
        assert_eq!(seen, SMALL.trees);
        let table = Table::share(engine, 200, &sides(&other, Some(index)))?;
        let scores = forest.scores(engine, &table)?.open(engine)?;
        let parts = forest.open(engine, Some(index), 1, &mut rng(index as u64))?;
        Ok((scores.to_vec(), parts))
    });
    let (mut parts, mut shared_scores) = (Vec::new(), Vec::new());
    for (party, ((found, opened), _)) in results.into_iter().enumerate() {
        let apart: Vec<f64> = found.iter().zip(&scores).map(|(found, expected)| (found - expected).abs()).collect();
        let mean = apart.iter().sum::<f64>() / 200.0;
        let most = apart.iter().copied().fold(0.0, f64::max);
        let beside = found.iter().zip(&clear).map(|(found, clear)| (found - clear).abs()).fold(0.0, f64::max);
        eprintln!("party {party}: {beside:.6} at most from the same program in the clear");
        assert!(beside < 1e-3, "{beside}");
        eprintln!("party {party}: scores {mean:.4} apart in the mean, {most:.4} at most");
        // the sigmoid's error of 1e-3 decides between splits that gain nearly the same
        assert!(mean < 0.03 && most < 0.5);
        // the platform, which owns neither features nor labels, learns nothing
        assert!(opened.iter().all(|(owner, _)| *owner == party) && opened.len() == usize::from(party < 2));
        shared_scores = found;
        parts.extend(opened.into_iter().map(|(_, part)| part));
    }
    assert!(parts[0].leaves.is_none() && parts[1].leaves.is_some());
    let forest: Forest = OpenedForest::join(&SMALL, &[(&parts[0], 2), (&parts[1], 2)]).unwrap();
    assert_eq!(forest.trees[0].splits[0], expected.trees[0].splits[0]);
    let same = forest.trees.iter().zip(&expected.trees).map(|(a, b)| a.splits.iter().zip(&b.splits).filter(|(a, b)| a == b).count());
    let same: usize = same.sum();
    assert!(same >= 14, "{same} of 28 splits");
    // the opened model says what the shared one said
    for (found, expected) in forest.scores(&everything).unwrap().iter().zip(&shared_scores) {
        assert!((found - expected).abs() < 1e-4);
    }
}

#[test]
fn meters_show_what_the_dry_run_says() {
    let train = synthetic(70, 3);
    let data = halves(&train, 5);
    let settings = Boosting { trees: 2, depth: 2, ..SMALL };
    fn play<E: yu_mpc::engine::Engine>(
        engine: &mut E,
        settings: &Boosting,
        sides: &[Features<'_>],
        labels: Option<&[f64]>,
    ) -> yu_fedlearn::Result<()> {
        let table = Table::share(engine, 70, sides)?;
        let forest = boost::fit(engine, settings, &table, &Labels { owner: 0, values: labels }, |_| ())?;
        let _scores = forest.scores(engine, &table)?;
        Ok(())
    }
    let mut dry = Dry::<Context>::new(&NAMES);
    let none = |owner: usize| Features { owner, bins: data[owner].bins(), data: None };
    play(&mut dry, &settings, &[none(0), none(1)], None).unwrap();
    let cost = dry.cost().unwrap();
    let results = three(|engine, index| play(engine, &settings, &sides(&data, Some(index)), (index == 0).then_some(&train.labels)));
    for ((_, totals), name) in results.iter().zip(NAMES) {
        let expected = cost.party(name).unwrap();
        assert_eq!((totals.bytes_sent, totals.bytes_received), (expected.bytes_sent, expected.bytes_received), "{name}");
        assert_eq!(totals.rounds, expected.rounds, "{name}");
    }
}

#[test]
fn leaves_have_their_least_rows() {
    let train = synthetic(300, 5);
    let data = halves(&train, 8);
    let settings = Boosting { trees: 3, min_rows: 40, ..SMALL };
    let labels = Labels { owner: 0, values: Some(&train.labels) };
    let table = Table::share(&mut Clear, 300, &sides(&data, None)).unwrap();
    let forest = boost::fit(&mut Clear, &settings, &table, &labels, |_| ()).unwrap();
    let mut opened = forest.open(&mut Clear, None, 0, &mut rng(1)).unwrap();
    let (second, first) = (opened.pop().unwrap().1, opened.pop().unwrap().1);
    let forest = OpenedForest::join(&settings, &[(&first, 2), (&second, 2)]).unwrap();
    let all = data[0].beside(&data[1]).unwrap();
    for tree in &forest.trees {
        let mut counts = vec![0; tree.leaves.len()];
        for row in 0..300 {
            let mut at = 0;
            while let Some(split) = tree.splits.get(at) {
                let goes_right = |split: &yu_fedlearn::trees::Split| all.codes()[split.feature * 300 + row] > split.bin;
                at = 2 * at + 1 + usize::from(split.as_ref().is_some_and(goes_right));
            }
            counts[at - tree.splits.len()] += 1;
        }
        assert!(counts.iter().all(|count| *count == 0 || *count >= 40), "{counts:?}");
        assert!(tree.splits.iter().any(Option::is_some));
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let train = synthetic(50, 4);
    let data = halves(&train, 4);
    let labels = Labels { owner: 0, values: Some(&train.labels) };
    let refused = |settings: &Boosting, rows: usize, labels: &Labels<'_>| {
        Table::share(&mut Clear, rows, &sides(&data, None))
            .and_then(|table| boost::fit(&mut Clear, settings, &table, labels, |_| ()))
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    };
    assert!(refused(&Boosting { lambda: 0.0, ..SMALL }, 50, &labels).contains("lambda"));
    assert!(refused(&SMALL, 49, &labels).contains("other rows"));
    assert!(refused(&SMALL, 50, &Labels { owner: 0, values: Some(&[1.0; 50]) }).contains("alike"));
}

#[test]
fn squared_error_and_several_trainings_on_one_table() {
    let train = synthetic(300, 6);
    let data = halves(&train, 8);
    // distance from the middle in the first column, within 1 of its mean
    let labels: Vec<f64> = train.columns[0].iter().map(|value| (2.0 * value - 1.0).abs() - 0.5).collect();
    let settings = Boosting { loss: yu_fedlearn::trees::Loss::Squared, rate: 0.5, ..SMALL };
    let expected = fit(&settings, &data[0].beside(&data[1]).unwrap(), &labels).unwrap();
    let everything = data[0].beside(&data[1]).unwrap();
    let results = three(|engine, index| {
        let table = Table::share(engine, 300, &sides(&data, Some(index)))?;
        let own = Labels { owner: 1, values: (index == 1).then_some(&labels[..]) };
        let forest = boost::fit(engine, &settings, &table, &own, |_| ())?;
        let classes = Labels { owner: 1, values: (index == 1).then_some(&train.labels[..]) };
        let other = boost::fit(engine, &Boosting { trees: 1, ..SMALL }, &table, &classes, |_| ())?;
        Ok((forest.scores(engine, &table)?.open(engine)?.to_vec(), other.scores(engine, &table)?.open(engine)?.to_vec()))
    });
    for ((found, other), _) in results {
        let squares = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f64>() / 300.0;
        assert!(squares(&found, &expected.scores(&everything).unwrap()) < 1e-4);
        assert!(squares(&found, &labels) < 0.02, "{}", squares(&found, &labels));
        assert!(auc(&other, &train.labels) > 0.75);
    }
    let far = vec![0.0; 299].into_iter().chain([3.0]).collect::<Vec<_>>();
    let table = Table::share(&mut Clear, 300, &sides(&data, None)).unwrap();
    assert!(boost::fit(&mut Clear, &settings, &table, &Labels { owner: 0, values: Some(&far) }, |_| ()).is_err());
}

/// In one place: the ceiling of what shares can reach.
#[test]
fn bank_in_one_place() {
    let Some((table, test)) = bank() else {
        eprintln!("skipped: no data/bank_marketing in $YU_SHARED or beside the workspace");
        return;
    };
    let (train, rest) = (table.rows(|row| !test[row]), table.rows(|row| test[row]));
    let (data, cuts) = Binned::quantiles(&train.columns, 32).unwrap();
    let forest = fit(&Boosting::default(), &data, &train.labels).unwrap();
    let found = auc(&forest.scores(&Binned::new(&rest.columns, &cuts).unwrap()).unwrap(), &rest.labels);
    eprintln!("{} rows, {} bins: test AUC {found:.5}", data.rows(), data.bins().iter().sum::<usize>());
    assert!(found >= 0.930);
}

/// The whole of `bank_marketing` over shares: minutes without optimisation, so by name only, in a release build.
#[test]
#[ignore = "by name, in a release build"]
fn bank_over_shares() {
    let Some((table, test)) = bank() else {
        eprintln!("skipped: no data/bank_marketing in $YU_SHARED or beside the workspace");
        return;
    };
    let trees = std::env::var("YU_TREES").ok().and_then(|trees| trees.parse().ok()).unwrap_or(100);
    let settings = Boosting { trees, ..Boosting::default() };
    let (train, rest) = (table.rows(|row| !test[row]), table.rows(|row| test[row]));
    let cuts: Vec<_> = train.columns.iter().map(|column| yu_fedlearn::trees::Cuts::quantiles(column, 32).unwrap()).collect();
    let side =
        |table: &super::world::Table, range: std::ops::Range<usize>| Binned::new(&table.columns[range.clone()], &cuts[range]).unwrap();
    let (data, other) = ([side(&train, 0..8), side(&train, 8..16)], [side(&rest, 0..8), side(&rest, 8..16)]);
    let rows = train.labels.len();
    if std::env::var_os("YU_CLEAR").is_some() {
        let labels = Labels { owner: 0, values: Some(&train.labels) };
        let table = Table::share(&mut Clear, rows, &sides(&data, None)).unwrap();
        let forest = boost::fit(&mut Clear, &settings, &table, &labels, |_| ()).unwrap();
        let scores = forest
            .scores(&mut Clear, &Table::share(&mut Clear, rest.labels.len(), &sides(&other, None)).unwrap())
            .unwrap()
            .open(&mut Clear)
            .unwrap();
        eprintln!("same program in the clear: test AUC {:.5}", auc(&scores.to_vec(), &rest.labels));
    }
    let results = three(|engine, index| {
        let labels = Labels { owner: 0, values: (index == 0).then_some(&train.labels[..]) };
        let start = std::time::Instant::now();
        let table = Table::share(engine, rows, &sides(&data, Some(index)))?;
        let forest = boost::fit(engine, &settings, &table, &labels, |_| ())?;
        let took = start.elapsed();
        let totals = engine.totals();
        let table = Table::share(engine, rest.labels.len(), &sides(&other, Some(index)))?;
        let scores = forest.scores(engine, &table)?.open(engine)?;
        Ok((scores.to_vec(), took, start.elapsed(), totals))
    });
    let bytes: u64 = results.iter().map(|((.., totals), _)| totals.bytes_sent).sum();
    let ((scores, took, with_test, totals), _) = &results[0];
    let found = auc(scores, &rest.labels);
    eprintln!("{trees} trees: {took:.2?} (with prediction {with_test:.2?}), {bytes} bytes, {} rounds, test AUC {found:.5}", totals.rounds);
    assert!(trees < 100 || found >= 0.930);
}

/// 100 000 rows of 330 features in 8 bins, depth 3; about 4 GB.
#[test]
#[ignore = "by name, in a release build"]
fn a_tree_of_many_columns() {
    let (rows, features) = (100_000, 165);
    let data = [1, 2].map(|seed: u64| {
        let column =
            |at: u64| (0..rows as u64).map(|row| ((row + at * 7919 + seed).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40) as f64).collect();
        Binned::quantiles(&(0..features).map(column).collect::<Vec<_>>(), 8).unwrap().0
    });
    let labels: Vec<f64> = (0..rows).map(|row| f64::from(u8::from(data[0].codes()[row] + data[1].codes()[row] > 6))).collect();
    let settings = Boosting { trees: 3, depth: 3, ..Boosting::default() };
    let results = three(|engine, index| {
        let labels = Labels { owner: 0, values: (index == 0).then_some(&labels[..]) };
        let table = Table::share(engine, rows, &sides(&data, Some(index)))?;
        let mut times = vec![std::time::Instant::now()];
        boost::fit(engine, &settings, &table, &labels, |_| times.push(std::time::Instant::now()))?;
        Ok(times)
    });
    let bytes: u64 = results.iter().map(|(_, totals)| totals.bytes_sent).sum();
    let times: Vec<f64> = results[0].0.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64()).collect();
    eprintln!("{rows} rows, 330 features: trees in {times:.2?} s, {bytes} bytes");
}
