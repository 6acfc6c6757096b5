//! Released tables: how long suppression, its proof, an attack from scratch and the ledger take, by number of cells.

use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use yu_desensitize::release::ledger::{Ledger, Origin};
use yu_desensitize::release::{Cell, CellTable, Depth, Dimension, Given, LeftOut, Rules, Zeros, objections_to_list, protect};

use super::{Better, DesensitizeArgs, Row, best_of};
use crate::Result;

const MINUTES: Duration = Duration::from_secs(900);

/// Regions, how many of them in a group, ages: with the marginals about 10^3, 10^4 and 10^5 cells.
const SHAPES: [[usize; 3]; 3] = [[30, 6, 8], [90, 10, 32], [700, 20, 44]];

/// The figures.
///
/// # Errors
/// A table that is not protected, an attack that finds what it must not, a ledger that refuses what it must not.
pub fn rows(args: &DesensitizeArgs) -> Result<Vec<Row>> {
    let mut rows = Vec::new();
    for shape in SHAPES {
        if args.wants("release", "table") {
            tables(args, &mut rows, shape)?;
        }
    }
    if args.wants("release", "list") {
        let cells: Vec<Cell> = (0..100_000).map(|at| Cell { key: format!("g{at}"), count: 7 }).collect();
        let rules = Rules::frequency(5, Zeros::Hide);
        let (seconds, found) = best_of(args.runs, || objections_to_list(&cells, Some(700_003), LeftOut::Unknown, &rules));
        if found.len() != 1 {
            return Err("the open complement of the list was not found".into());
        }
        rows.push(row("list of 100,000 counts with its total".into(), "s", seconds));
    }
    Ok(rows)
}

fn row(name: String, unit: &'static str, value: f64) -> Row {
    Row { subject: "release", name, unit, value, better: Better::Less, limit: None, aim: None }
}

fn nested(name: &str, leaves: usize, group: usize) -> Result<Dimension> {
    let code = |i: usize| format!("{name}{i}");
    let rows: Vec<Vec<String>> = (0..leaves).map(|i| vec![code(i), code(i), format!("{name}-{}", i / group)]).collect();
    Ok(Dimension::from_rows(name, &rows)?)
}

/// A few percent of the finest cells are small.
fn table([regions, per_group, ages]: [usize; 3]) -> Result<CellTable> {
    let dimensions = [nested("region", regions, per_group)?, nested("age", ages, 4)?, Dimension::flat("sex", &["1", "2"])?];
    let mut rng = ChaCha20Rng::from_seed([4; 32]);
    let mut uniform = || f64::from(rng.next_u32()) / f64::from(u32::MAX);
    let counts: Vec<u64> = (0..regions * ages * 2).map(|_| (3.0 / (0.004 + uniform())).min(600.0) as u64).collect();
    Ok(CellTable::from_leaf_counts(&dimensions, &counts)?)
}

fn tables(args: &DesensitizeArgs, rows: &mut Vec<Row>, shape: [usize; 3]) -> Result<()> {
    let table = table(shape)?;
    let cells = table.len();
    let rules = Rules::frequency(4, Zeros::Publish);
    let runs = if cells > 50_000 { 1 } else { args.runs.min(3) };
    let (seconds, protected) = best_of(runs, || protect(table.clone(), &rules, &Given::default(), MINUTES));
    let protected = protected?;
    let [_, primary, complementary] = protected.tally();
    let named = |what: &str| format!("table of {cells} cells, {primary} sensitive: {what}");
    rows.push(row(named("suppress and prove"), "s", seconds));
    rows.push(row(named("complementary cells for each sensitive one"), "", complementary as f64 / primary.max(1) as f64));
    let (seconds, audit) = best_of(runs, || protected.attack(&[], Depth::Proof, MINUTES));
    if !audit.passed() {
        return Err(
            format!("the attack from scratch refuted {} cells, {} programs gave up", audit.refuted().count(), audit.unsolved).into()
        );
    }
    rows.push(row(named("attack from scratch by linear programs"), "s", seconds));
    rows.push(row(named("programs of that attack"), "", audit.programs as f64));
    let origin = Origin { dataset: "residents".into(), version: "1".into(), population: String::new() };
    let mut ledger = Ledger::default();
    ledger.record("first", &origin, &protected, MINUTES)?;
    // the same people by region alone, planned with what is known
    let dimension = protected.table().dimensions().first().cloned().ok_or("no dimension")?;
    let (regions, inner) = (shape[0], shape[2] * 2);
    let mut rng = ChaCha20Rng::from_seed([4; 32]);
    let mut uniform = || f64::from(rng.next_u32()) / f64::from(u32::MAX);
    let counts: Vec<u64> = (0..regions).map(|_| (0..inner).map(|_| (3.0 / (0.004 + uniform())).min(600.0) as u64).sum()).collect();
    let by_region = CellTable::from_leaf_counts(&[dimension], &counts)?;
    let given = ledger.given(&origin, &by_region);
    let by_region = protect(by_region, &rules, &given, MINUTES)?;
    let (seconds, objections) = best_of(1, || ledger.objections(&origin, &by_region, MINUTES));
    if !objections.is_empty() {
        return Err(format!("the ledger refuses its own plan: {objections:?}").into());
    }
    rows.push(row(named("a second table, by region, against the ledger"), "s", seconds));
    Ok(())
}
