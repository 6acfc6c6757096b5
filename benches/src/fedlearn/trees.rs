//! Boosted trees over shares of two data owners and a third computing party, all as threads over memory.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use yu_desensitize::column;
use yu_desensitize::read::{ReadOptions, read_table};
use yu_fedlearn::evaluate::ClassCounts;
use yu_fedlearn::trees::{Binned, Boosting, Cuts};
use yu_fedlearn::vertical::boost::{self, Table};
use yu_fedlearn::vertical::{Features, Labels, pair};

use super::{FedlearnArgs, less, more};
use crate::Result;
use crate::desensitize::{Row, cpu_seconds};
use crate::support::parties::three;
use crate::work::seed;
use yu_wire::meter::Meter;

const COLUMNS: usize = 16;
const BINS: usize = 32;

/// Wiped memory that a party keeps unless told otherwise; here are three in one process.
const KEPT: usize = 128 << 20;

/// `bank_marketing`, text columns as numbers of their sorted categories, one side for each owner.
struct Sets {
    columns: Vec<Vec<f64>>,
    labels: Vec<f64>,
    test: Vec<bool>,
}

impl Sets {
    fn load(args: &FedlearnArgs) -> Result<Self> {
        let data = args.data()?;
        let table = read_table(data.join("bank_marketing/bank-full.csv"), &ReadOptions::default())?;
        let names: Vec<String> = table.column_names().into_iter().map(str::to_owned).collect();
        let coded = |name: &String| -> Result<Vec<f64>> {
            if let Ok(numbers) = column::numeric(&table, name) {
                return Ok(numbers);
            }
            let words = column::text(&table, name)?;
            let mut codes: BTreeMap<&str, f64> = words.iter().map(|word| (word.as_str(), 0.0)).collect();
            codes.values_mut().zip(0u32..).for_each(|(code, at)| *code = f64::from(at));
            Ok(words.iter().filter_map(|word| codes.get(word.as_str()).copied()).collect())
        };
        let columns = names.iter().take(COLUMNS).map(coded).collect::<Result<Vec<_>>>()?;
        let labels = names.get(COLUMNS).map(coded).ok_or("the set has no label")??;
        let split = read_table(data.join("splits/bank_marketing.csv"), &ReadOptions::default())?;
        let test = column::numeric(&split, "test")?.into_iter().map(|value| value == 1.0).collect();
        Ok(Self { columns, labels, test })
    }

    /// Rows to train on (`false`) or to test on, in bins of the training rows, one table for each owner; and their labels.
    fn part(&self, test: bool, cuts: &[Cuts]) -> Result<([Binned; 2], Vec<f64>)> {
        let columns: Vec<Vec<f64>> = self.columns.iter().map(|column| self.keep(column, test)).collect();
        let (left, right) = columns.split_at(COLUMNS / 2);
        let (left_cuts, right_cuts) = cuts.split_at(COLUMNS / 2);
        Ok(([Binned::new(left, left_cuts)?, Binned::new(right, right_cuts)?], self.keep(&self.labels, test)))
    }

    fn keep(&self, column: &[f64], test: bool) -> Vec<f64> {
        column.iter().zip(&self.test).filter(|(_, is_test)| **is_test == test).map(|(value, _)| *value).collect()
    }
}

fn sides(data: &[Binned; 2], me: usize) -> Vec<Features<'_>> {
    (0..).zip(data).map(|(owner, data)| Features { owner, bins: data.bins(), data: (owner == me).then_some(data) }).collect()
}

/// Seconds, AUC and bytes of both sets.
pub(super) fn rows(args: &FedlearnArgs) -> Result<Vec<Row>> {
    yu_mpc::memory::keep_at_most(3 * KEPT);
    let mut found = bank(args)?;
    found.extend(wide(args)?);
    found.extend(two(args)?);
    Ok(found)
}

/// 100 trees of depth 5 on bank marketing: seconds, test AUC, bytes.
fn bank(args: &FedlearnArgs) -> Result<Vec<Row>> {
    let (subject, name) = ("vertical trees", "bank marketing, 100 trees, depth 5, 32 bins");
    if !args.wants(subject, name) {
        return Ok(Vec::new());
    }
    let sets = Sets::load(args)?;
    let cuts =
        sets.columns.iter().map(|column| Cuts::quantiles(&sets.keep(column, false), BINS)).collect::<yu_fedlearn::Result<Vec<_>>>()?;
    let ((train, labels), (test, truth)) = (sets.part(false, &cuts)?, sets.part(true, &cuts)?);
    let settings = Boosting::default();
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let results = three(|engine| {
        let me = engine.index();
        let own = Labels { owner: 0, values: (me == 0).then_some(&labels[..]) };
        let mut train_and_judge = || -> yu_fedlearn::Result<_> {
            let table = Table::share(engine, labels.len(), &sides(&train, me))?;
            let forest = boost::fit(engine, &settings, &table, &own, |_| ())?;
            let took = start.elapsed().as_secs_f64();
            let totals = engine.totals();
            let table = Table::share(engine, truth.len(), &sides(&test, me))?;
            let scores = forest.scores(engine, &table)?.open(engine)?;
            Ok((took, totals, scores.to_vec()))
        };
        train_and_judge().map_err(|error| yu_mpc::Error::Caller(error.to_string()))
    });
    let results = results?;
    let cpu = cpu_seconds() - cpu;
    let (took, totals, scores) = results.first().ok_or("no party")?;
    let bytes: u64 = results.iter().map(|(_, totals, _)| totals.bytes_sent).sum();
    let classes: Vec<u8> = truth.iter().map(|label| u8::from(*label == 1.0)).collect();
    let auc = ClassCounts::exact(scores, &classes)?.ranking()?.auc;
    Ok(vec![
        less(subject, name, *took, "s", Some(40.0), Some(20.0)),
        more(subject, format!("{name}: test AUC (central XGBoost 0.9319)"), auc, "", Some(0.930), Some(0.9319)),
        less(subject, format!("{name}: CPU of all parties, prediction included"), cpu, "s", None, None),
        less(subject, format!("{name}: sent by all parties"), bytes as f64 / 1e9, "GB", None, None),
        less(subject, format!("{name}: rounds"), f64::from(totals.rounds), "", None, None),
    ])
}

/// Seconds a tree of bank marketing between two parties without a third, and the test AUC of a few trees.
fn two(args: &FedlearnArgs) -> Result<Vec<Row>> {
    let (subject, name) = ("two-party trees", "bank marketing, 4 trees, depth 4, 16 bins, ElGamal");
    if !args.wants(subject, name) {
        return Ok(Vec::new());
    }
    let sets = Sets::load(args)?;
    let cuts = sets.columns.iter().map(|column| Cuts::quantiles(&sets.keep(column, false), 16)).collect::<yu_fedlearn::Result<Vec<_>>>()?;
    let ((train, labels), (test, truth)) = (sets.part(false, &cuts)?, sets.part(true, &cuts)?);
    let settings = Boosting { trees: 4, depth: 4, rate: 0.3, min_rows: 10, ..Boosting::default() };
    let (meter, other) = (Meter::new(), Meter::new());
    let limit = 1 << 30;
    let (mut ours, mut theirs) = yu_wire::memory::pair_with(("bank", Arc::clone(&meter)), ("other", other), 1, limit);
    let (ours_seed, theirs_seed) = (seed()?, seed()?);
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let (took, used, bytes, scores) = std::thread::scope(|scope| {
        let follower = scope.spawn(|| -> yu_fedlearn::Result<()> {
            let mut rng = ChaCha20Rng::from_seed(theirs_seed);
            pair::follow(&mut theirs, &settings, &train[1], &mut rng)?.tell(&mut theirs, &test[1])
        });
        let mut rng = ChaCha20Rng::from_seed(ours_seed);
        let model = pair::lead(&mut ours, &settings, &train[0], &labels, &mut rng, |_| ())?;
        let (took, used) = (start.elapsed().as_secs_f64(), cpu_seconds() - cpu);
        let totals = meter.totals();
        let scores = model.scores(&mut ours, &test[0])?;
        follower.join().map_err(|_| "the other party panicked")??;
        Ok::<_, crate::Error>((took, used, totals.bytes_sent + totals.bytes_received, scores))
    })?;
    let classes: Vec<u8> = truth.iter().map(|label| u8::from(*label == 1.0)).collect();
    let auc = ClassCounts::exact(&scores, &classes)?.ranking()?.auc;
    let trees = settings.trees as f64;
    Ok(vec![
        less(subject, format!("{name}: a tree"), took / trees, "s", None, None),
        less(subject, format!("{name}: CPU of both, a tree"), used / trees, "s", None, None),
        less(subject, format!("{name}: sent by both, a tree"), bytes as f64 / 1e6 / trees, "MB", None, None),
        more(subject, format!("{name}: test AUC"), auc, "", None, None),
    ])
}

/// Seconds a tree of 100 000 rows and 330 features of two owners, 16 bins each: about 8 GB.
fn wide(args: &FedlearnArgs) -> Result<Vec<Row>> {
    const ROWS: usize = 100_000;
    let (subject, name) = ("vertical trees", "100 000 rows, 330 features, depth 3, 16 bins");
    if !args.wants(subject, name) {
        return Ok(Vec::new());
    }
    let mut rng = ChaCha20Rng::seed_from_u64(330);
    let columns: Vec<Vec<f64>> = (0..330).map(|_| (0..ROWS).map(|_| f64::from(rng.next_u32())).collect()).collect();
    let rises =
        |row: usize| columns.iter().step_by(33).enumerate().map(move |(at, column)| if at % 2 == 0 { column[row] } else { -column[row] });
    let labels: Vec<f64> = (0..ROWS).map(|row| f64::from(u8::from(rises(row).sum::<f64>() > 0.0))).collect();
    let (left, right) = columns.split_at(165);
    let data = [Binned::quantiles(left, 16)?.0, Binned::quantiles(right, 16)?.0];
    drop(columns);
    let settings = Boosting { trees: 3, depth: 3, ..Boosting::default() };
    let results = three(|engine| {
        let me = engine.index();
        let mut train = || -> yu_fedlearn::Result<_> {
            let start = Instant::now();
            let table = Table::share(engine, ROWS, &sides(&data, me))?;
            let (shared, at_first) = (start.elapsed().as_secs_f64(), engine.totals().bytes_sent);
            let own = Labels { owner: 0, values: (me == 0).then_some(&labels[..]) };
            let start = Instant::now();
            boost::fit(engine, &settings, &table, &own, |_| ())?;
            Ok((shared, at_first, start.elapsed().as_secs_f64(), engine.totals().bytes_sent))
        };
        train().map_err(|error| yu_mpc::Error::Caller(error.to_string()))
    })?;
    let (shared, _, took, _) = results.first().ok_or("no party")?;
    let trees = settings.trees as f64;
    let (first, all) = results.iter().fold((0, 0), |(first, all), one| (first + one.1, all + one.3));
    Ok(vec![
        less(subject, format!("{name}: a tree"), took / trees, "s", None, None),
        less(subject, format!("{name}: sharing once"), *shared, "s", None, None),
        less(subject, format!("{name}: sent by all parties for sharing"), first as f64 / 1e9, "GB", None, None),
        less(subject, format!("{name}: sent by all parties a tree"), (all - first) as f64 / 1e9 / trees, "GB", None, None),
    ])
}
