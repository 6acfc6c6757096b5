//! Three parties on threads, and the data that they train on.

use std::collections::HashMap;
use std::path::PathBuf;

use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use yu_fedlearn::trees::Binned;
use yu_mpc::conformance::{Harness, Seat, run};
use yu_mpc::rep3::Context;
use yu_wire::meter::Totals;
use yu_wire::shape::Link;

pub(super) const NAMES: [&str; 3] = ["health", "bank", "platform"];

pub(super) fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

struct Rep3;

impl Harness for Rep3 {
    type Engine = Context;
    const PARTIES: &'static [&'static str] = &NAMES;

    fn join(seat: &mut Seat) -> yu_mpc::Result<Context> {
        let index = seat.index();
        let (prev, next) = (seat.channel_to((index + 2) % 3)?, seat.channel_to((index + 1) % 3)?);
        Context::new(index, &[7; 32], prev, next, &mut rng(100 + index as u64))
    }
}

/// Runs a party on each thread; what they return, and their meters.
pub(super) fn three<R: Send>(party: impl Fn(&mut Context, usize) -> yu_fedlearn::Result<R> + Sync) -> Vec<(R, Totals)> {
    let results = run::<Rep3, _>(Link::LOCAL, |engine, seat| {
        let result = party(engine, seat.index()).map_err(|error| yu_mpc::Error::Caller(error.to_string()))?;
        Ok((result, engine.totals()))
    });
    results.into_iter().map(Result::unwrap).collect()
}

/// Columns of a table and labels.
pub(super) struct Table {
    pub(super) columns: Vec<Vec<f64>>,
    pub(super) labels: Vec<f64>,
}

impl Table {
    pub(super) fn rows(&self, keep: impl Fn(usize) -> bool) -> Self {
        let pick = |column: &Vec<f64>| column.iter().enumerate().filter(|(row, _)| keep(*row)).map(|(_, value)| *value).collect();
        Self { columns: self.columns.iter().map(pick).collect(), labels: pick(&self.labels) }
    }
}

/// Rows whose label depends on all four columns, two of them of few values, one with missing ones.
pub(super) fn synthetic(rows: usize, seed: u64) -> Table {
    let mut rng = rng(seed);
    let mut uniform = || f64::from(rand::Rng::next_u32(&mut rng)) / f64::from(u32::MAX);
    let mut columns = vec![Vec::new(); 4];
    let mut labels = Vec::new();
    for _ in 0..rows {
        let row = [uniform(), (uniform() * 3.0).floor(), uniform() * 100.0, (uniform() * 5.0).floor()];
        let score = 8.0 * (row[0] - 0.6) + 2.0 * row[1] - 2.2 + f64::from(u8::from(row[2] > 70.0)) * 2.0 - row[3] / 2.0;
        labels.push(f64::from(u8::from(uniform() < 1.0 / (1.0 + (-score).exp()))));
        for (column, value) in columns.iter_mut().zip(row) {
            column.push(value);
        }
        if uniform() < 0.1 {
            *columns[2].last_mut().unwrap() = f64::NAN;
        }
    }
    Table { columns, labels }
}

/// The two halves of the columns in bins.
pub(super) fn halves(table: &Table, bins: usize) -> [Binned; 2] {
    let (left, right) = table.columns.split_at(table.columns.len() / 2);
    [left, right].map(|columns| Binned::quantiles(columns, bins).unwrap().0)
}

/// Area under the ROC curve, ties count half.
pub(super) fn auc(scores: &[f64], labels: &[f64]) -> f64 {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|a, b| scores[*a].total_cmp(&scores[*b]));
    let (mut ranks, mut at) = (0.0, 0.0);
    for ties in order.chunk_by(|a, b| scores[*a] == scores[*b]) {
        let rank = at + (ties.len() as f64 + 1.0) / 2.0;
        ranks += rank * ties.iter().filter(|row| labels[**row] == 1.0).count() as f64;
        at += ties.len() as f64;
    }
    let ones = labels.iter().sum::<f64>();
    (ranks - ones * (ones + 1.0) / 2.0) / (ones * (labels.len() as f64 - ones))
}

pub(super) fn shared() -> Option<PathBuf> {
    let shared =
        std::env::var_os("YU_SHARED").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    shared.join("data/bank_marketing/bank-full.csv").is_file().then_some(shared)
}

/// `bank_marketing`, text columns as numbers of their sorted categories; and which rows are for testing.
pub(super) fn bank() -> Option<(Table, Vec<bool>)> {
    let shared = shared()?;
    let mut reader = csv::ReaderBuilder::new().delimiter(b';').from_path(shared.join("data/bank_marketing/bank-full.csv")).unwrap();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let column = |at: usize| -> Vec<f64> {
        if rows.iter().all(|row| row[at].parse::<f64>().is_ok()) {
            return rows.iter().map(|row| row[at].parse().unwrap()).collect();
        }
        let mut names: Vec<&str> = rows.iter().map(|row| &row[at]).collect();
        names.sort_unstable();
        names.dedup();
        let codes: HashMap<&str, f64> = names.into_iter().enumerate().map(|(code, name)| (name, code as f64)).collect();
        rows.iter().map(|row| codes[&row[at]]).collect()
    };
    let labels = rows.iter().map(|row| f64::from(u8::from(&row[16] == "yes"))).collect();
    let mut split = csv::Reader::from_path(shared.join("data/splits/bank_marketing.csv")).unwrap();
    let test = split.records().map(|record| &record.unwrap()[2] == "1").collect();
    Some((Table { columns: (0..16).map(column).collect(), labels }, test))
}
