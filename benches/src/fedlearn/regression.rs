//! Logistic regression over shares of two data owners and a third computing party, all as threads over memory.

use std::collections::HashMap;
use std::time::Instant;

use ndarray::{Array2, Axis};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use yu_desensitize::column;
use yu_desensitize::read::{ReadOptions, read_table};
use yu_fedlearn::evaluate::ClassCounts;
use yu_fedlearn::vertical::Labels;
use yu_fedlearn::vertical::regression::{Columns, Standard, logistic, share};
use yu_mpc::learn::Logistic;

use super::{FedlearnArgs, less};
use crate::Result;
use crate::desensitize::Row;
use crate::support::parties::three;

const SUBJECT: &str = "vertical logistic";

/// Features of both owners, and the labels of the first one.
struct Data {
    sides: [Array2<f64>; 2],
    labels: Vec<f64>,
}

impl Data {
    fn columns(&self, me: usize) -> Vec<Columns<'_>> {
        let side = |(owner, table): (usize, &'_ Array2<f64>)| Columns { owner, count: table.ncols(), values: None };
        let mut sides: Vec<Columns<'_>> = self.sides.iter().enumerate().map(side).collect();
        if let (Some(own), Some(table)) = (sides.get_mut(me), self.sides.get(me)) {
            own.values = Some(table.view());
        }
        sides
    }

    fn own_labels(&self, me: usize) -> Labels<'_> {
        Labels { owner: 0, values: (me == 0).then_some(&self.labels[..]) }
    }

    /// Train and test rows of a set, each side standardised by its owner on its own rows of either part, as for the central figures.
    fn load(args: &FedlearnArgs, name: &str) -> Result<[Self; 2]> {
        let data = args.data()?;
        let table = |file: String| read_table(data.join(file), &ReadOptions::default());
        let guest = table(format!("{name}/{name}_hetero_guest.csv"))?;
        let host = table(format!("{name}/{name}_hetero_host.csv"))?;
        let split = table(format!("splits/{name}.csv"))?;
        let ids = |table| column::numeric(table, "id").map(|ids| ids.into_iter().map(|id| id as u64).collect::<Vec<_>>());
        let tests: HashMap<u64, bool> =
            ids(&split)?.into_iter().zip(column::numeric(&split, "test")?.iter().map(|test| *test == 1.0)).collect();
        let places: HashMap<u64, usize> = ids(&host)?.into_iter().zip(0..).collect();
        let features = |table: &yu_desensitize::Table| -> Result<Vec<Vec<f64>>> {
            let names = table.column_names().into_iter().filter(|name| name.starts_with('x'));
            Ok(names.map(|name| column::numeric(table, name)).collect::<std::result::Result<_, _>>()?)
        };
        let (left, right, labels) = (features(&guest)?, features(&host)?, column::numeric(&guest, "y")?);
        let mut rows: [Vec<[usize; 2]>; 2] = [Vec::new(), Vec::new()];
        for (row, id) in ids(&guest)?.iter().enumerate() {
            let (test, place) = tests.get(id).zip(places.get(id)).ok_or_else(|| format!("`{name}`: row `{id}` is not in all files"))?;
            rows[usize::from(*test)].push([row, *place]);
        }
        let part = |rows: &Vec<[usize; 2]>| -> Result<Self> {
            let side = |columns: &Vec<Vec<f64>>, side: usize| -> Result<Array2<f64>> {
                let table = Array2::from_shape_fn((rows.len(), columns.len()), |(row, column)| columns[column][rows[row][side]]);
                Ok(Standard::of(table.view())?.apply(table.view())?)
            };
            Ok(Self { sides: [side(&left, 0)?, side(&right, 1)?], labels: rows.iter().map(|[row, _]| labels[*row]).collect() })
        };
        let [train, test] = &rows;
        Ok([part(train)?, part(test)?])
    }
}

/// Test AUC beside the central one; seconds and bytes of a pass over many rows.
pub(super) fn rows(args: &FedlearnArgs) -> Result<Vec<Row>> {
    let mut found = Vec::new();
    for (name, settings, l2, central) in [
        ("breast", Logistic { rate: 0.3, batch: 64, epochs: 20 }, 0.002, 0.98644),
        ("default_credit", Logistic { rate: 0.5, batch: 2048, epochs: 20 }, 0.0, 0.7139),
    ] {
        if args.wants(SUBJECT, name) {
            let (auc, took) = reached(args, name, settings, l2)?;
            found.push(less(
                SUBJECT,
                format!("{name}: test AUC {auc:.4}, off the central {central}"),
                (auc - central).abs(),
                "",
                Some(0.002),
                None,
            ));
            found.push(less(SUBJECT, format!("{name}: {} passes", settings.epochs), took, "s", None, None));
        }
    }
    found.extend(wide(args)?);
    Ok(found)
}

fn reached(args: &FedlearnArgs, name: &str, settings: Logistic, l2: f64) -> Result<(f64, f64)> {
    let [train, test] = Data::load(args, name)?;
    let results = three(|engine| {
        let me = engine.index();
        let mut work = || -> yu_fedlearn::Result<_> {
            let start = Instant::now();
            let features = share(engine, train.labels.len(), &train.columns(me))?;
            let weights = logistic(engine, &settings, l2, &features, &train.own_labels(me))?.open(engine)?;
            Ok((weights.to_vec(), start.elapsed().as_secs_f64()))
        };
        work().map_err(|error| yu_mpc::Error::Caller(error.to_string()))
    })?;
    let (weights, took) = results.first().ok_or("no party")?;
    let table = ndarray::concatenate(Axis(1), &[test.sides[0].view(), test.sides[1].view()])?;
    let scores: Vec<f64> = table.rows().into_iter().map(|row| row.iter().zip(weights).map(|(x, w)| x * w).sum()).collect();
    let classes: Vec<u8> = test.labels.iter().map(|label| u8::from(*label == 1.0)).collect();
    Ok((ClassCounts::exact(&scores, &classes)?.ranking()?.auc, *took))
}

/// A pass over 100 000 rows of 330 columns: about 6 GB.
fn wide(args: &FedlearnArgs) -> Result<Vec<Row>> {
    const ROWS: usize = 100_000;
    let name = "100 000 rows, 330 columns, batches of 4096";
    if !args.wants(SUBJECT, name) {
        return Ok(Vec::new());
    }
    let mut rng = ChaCha20Rng::seed_from_u64(331);
    let mut side = || Array2::from_shape_simple_fn((ROWS, 165), || f64::from(rng.next_u32()) / f64::from(1u32 << 31) - 1.0);
    let sides = [side(), side()];
    let score = |row: usize| sides.iter().map(|side| side.row(row).iter().step_by(10).sum::<f64>()).sum::<f64>();
    let labels = (0..ROWS).map(|row| f64::from(u8::from(score(row) > 0.0))).collect();
    let data = Data { sides, labels };
    let settings = Logistic { rate: 0.1, batch: 4096, epochs: 1 };
    let results = three(|engine| {
        let me = engine.index();
        let mut work = || -> yu_fedlearn::Result<_> {
            let start = Instant::now();
            let features = share(engine, ROWS, &data.columns(me))?;
            let (shared, at_first) = (start.elapsed().as_secs_f64(), engine.totals().bytes_sent);
            let start = Instant::now();
            let _weights = logistic(engine, &settings, 0.0, &features, &data.own_labels(me))?;
            Ok((shared, at_first, start.elapsed().as_secs_f64(), engine.totals().bytes_sent - at_first))
        };
        work().map_err(|error| yu_mpc::Error::Caller(error.to_string()))
    })?;
    let (shared, _, took, _) = results.first().ok_or("no party")?;
    let (first, later) = results.iter().fold((0, 0), |(first, later), one| (first + one.1, later + one.3));
    Ok(vec![
        less(SUBJECT, format!("{name}: an epoch"), *took, "s", Some(15.0), Some(5.0)),
        less(SUBJECT, format!("{name}: sharing once"), *shared, "s", None, None),
        less(SUBJECT, format!("{name}: sent by all parties for sharing"), first as f64 / 1e6, "MB", None, None),
        less(SUBJECT, format!("{name}: sent by all parties an epoch"), later as f64 / 1e6, "MB", None, None),
    ])
}
