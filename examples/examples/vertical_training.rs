//! A hospital and a bank have different columns of the same residents. They align their rows, then train a logistic regression and boosted trees
//! over shares, with the platform as third computing party: nobody sees a row, a weight or a tree of the others.
//!
//! `cargo run --release -p yu-examples --example vertical_training`

use std::error::Error;

use ndarray::{Array1, Array2, Axis, Ix1, s};
use rand::rngs::{StdRng, SysRng};
use rand::{Rng, SeedableRng, rand_core::UnwrapErr};
use yu_examples::three_parties;
use yu_fedlearn::evaluate::Ranking;
use yu_fedlearn::evaluate::shares::{Rows, Score, shared};
use yu_fedlearn::trees::{Binned, Boosting};
use yu_fedlearn::vertical::boost::{self, Table};
use yu_fedlearn::vertical::regression::{Columns, Standard, logistic, probabilities, share};
use yu_fedlearn::vertical::{Features, Labels};
use yu_mpc::learn::Logistic;
use yu_mpc::psi::{self, Config, Limits};
use yu_mpc::{rep3::Context, ring::Int, secret::Secret};

/// Rows for testing, the last ones; bins of a feature of trees; columns of each owner.
const TEST: usize = 400;
const BINS: usize = 16;
const COLUMNS: usize = 2;

/// What one owner has; only the bank knows whether a bill was left unpaid.
struct Owner {
    name: &'static str,
    ids: Vec<String>,
    columns: Array2<f64>,
    unpaid: Option<Vec<f64>>,
}

/// Residents 0 to 2499 are patients, 500 to 2999 customers; whoever is ill and earns little, or is both old and in debt, does not pay.
fn owners() -> [Owner; 2] {
    let mut rng = StdRng::seed_from_u64(7);
    let everybody = Array2::from_shape_simple_fn((3000, 2 * COLUMNS), || f64::from(rng.next_u32()) / f64::from(u32::MAX));
    let fails = |row: &[f64; 4]| f64::from(u8::from(row[0] - row[2] > 0.2 || (row[1] > 0.7 && row[3] > 0.6)));
    let unpaid = everybody.rows().into_iter().skip(500).map(|row| fails(&[row[0], row[1], row[2], row[3]])).collect();
    let ids = |range: std::ops::Range<usize>| range.map(|resident| format!("resident-{resident:06}")).collect();
    let columns = |range: std::ops::Range<usize>, from: usize| everybody.slice(s![range, from..from + COLUMNS]).to_owned();
    [
        Owner { name: "health", ids: ids(0..2500), columns: columns(0..2500, 0), unpaid: None },
        Owner { name: "bank", ids: ids(500..3000), columns: columns(500..3000, COLUMNS), unpaid: Some(unpaid) },
    ]
}

/// Keeps the rows that both have, in one order: each learns the common ids and nothing of the others.
fn align([left, right]: [Owner; 2]) -> Result<[Owner; 2], Box<dyn Error>> {
    let (to_bank, to_health) = yu_wire::memory::pair(left.name, right.name);
    let common = |owner: &Owner, mut channel| {
        let limits = Limits { min_rows: 100, max_ratio: 100 };
        let config = Config { party: owner.name.into(), session: *b"example: vertical, alignment, v1", limits, expected_peer_rows: None };
        let matched = psi::run(&mut channel, config, &owner.ids, &mut UnwrapErr(SysRng))?;
        Ok::<Vec<usize>, yu_mpc::Error>(matched.rows().iter().map(|row| *row as usize).collect())
    };
    let (ours, theirs) = std::thread::scope(|scope| {
        let other = scope.spawn(|| common(&right, to_health));
        (common(&left, to_bank), other.join())
    });
    let keep = |owner: Owner, rows: &[usize]| {
        let unpaid = owner.unpaid.map(|unpaid| rows.iter().map(|row| unpaid[*row]).collect());
        Owner { columns: owner.columns.select(Axis(0), rows), unpaid, ..owner }
    };
    Ok([keep(left, &ours?), keep(right, &theirs.map_err(|_| "the bank's thread stopped")??)])
}

/// AUC of chances over shares, for everybody to know.
fn judge(engine: &mut Context, chances: &Secret<Context, Score, Ix1>, own: Option<&[f64]>) -> yu_fedlearn::Result<Ranking> {
    let own: Option<Array1<i64>> = own.map(|labels| labels.iter().map(|label| *label as i64).collect());
    let labels = Secret::<_, Int, _>::input(engine, 1, own.as_ref().map(|own| own.view()), Ix1(TEST))?;
    shared(engine, 8, chances, &Rows::all(&labels))?.figures(engine, 10)?.open(engine)
}

/// One computing party; the platform, number 2, has no data. AUC of both models, and what both say of three residents.
fn party(engine: &mut Context, owners: &[Owner; 2], rows: usize, me: usize) -> yu_fedlearn::Result<([f64; 2], [Vec<f64>; 2])> {
    let train = rows - TEST;
    let own = owners.get(me);
    let labels = own.and_then(|owner| owner.unpaid.as_deref());
    let (labels, asked) = (Labels { owner: 1, values: labels.map(|labels| &labels[..train]) }, labels.map(|labels| &labels[train..]));
    // every owner standardises and bins by itself, by its training rows
    let scaled = own.map(|owner| Standard::of(owner.columns.slice(s![..train, ..]))?.apply(owner.columns.view())).transpose()?;
    let part = |from: usize, to: usize| {
        let values = scaled.as_ref().map(|scaled| scaled.slice(s![from..to, ..]));
        [0, 1].map(|owner| Columns { owner, count: COLUMNS, values: values.filter(|_| owner == me) })
    };
    let features = share(engine, train, &part(0, train))?;
    let weights = logistic(engine, &Logistic { rate: 0.5, batch: 64, epochs: 10 }, 0.001, &features, &labels)?;
    let other = share(engine, TEST, &part(train, rows))?;
    let by_line = probabilities(engine, &other, &weights)?;

    let columns = |owner: &Owner, from: usize, to: usize| -> Vec<Vec<f64>> {
        owner.columns.slice(s![from..to, ..]).columns().into_iter().map(|column| column.to_vec()).collect()
    };
    let binned = own.map(|owner| Binned::quantiles(&columns(owner, 0, train), BINS)).transpose()?;
    let tested = own.zip(binned.as_ref()).map(|(owner, (_, cuts))| Binned::new(&columns(owner, train, rows), cuts)).transpose()?;
    let sides = |data| [0, 1].map(|owner| Features { owner, bins: &[BINS; COLUMNS], data: if owner == me { data } else { None } });
    let table = Table::share(engine, train, &sides(binned.as_ref().map(|(binned, _)| binned)))?;
    let forest = boost::fit(engine, &Boosting { trees: 15, depth: 3, rate: 0.3, ..Boosting::default() }, &table, &labels, |_| ())?;
    let table = Table::share(engine, TEST, &sides(tested.as_ref()))?;
    let by_trees = forest.scores(engine, &table)?.rescale::<16>(engine)?.sigmoid(engine)?;

    let aucs = [judge(engine, &by_line, asked)?.auc, judge(engine, &by_trees, asked)?.auc];
    Ok((aucs, [by_line.rows(0..3)?.open(engine)?.to_vec(), by_trees.rows(0..3)?.open(engine)?.to_vec()]))
}

fn main() -> Result<(), Box<dyn Error>> {
    let owners = align(owners())?;
    let rows = owners[0].columns.nrows();
    println!("{rows} residents are patients and customers; {TEST} of them are for testing");
    let [(aucs, told), ..] = three_parties(["health", "bank", "platform"], b"example: vertical training, v1  ", |engine, me| {
        party(engine, &owners, rows, me).map_err(|error| yu_mpc::Error::Caller(error.to_string()))
    })?;
    println!("AUC on shares: logistic regression {:.4}, boosted trees {:.4}", aucs[0], aucs[1]);
    println!("chance that three of them do not pay: {:.2?} and {:.2?}; all that was opened is on this page", told[0], told[1]);
    Ok(())
}
