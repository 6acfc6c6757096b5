//! Optimal full-domain search and local recoding of the Adult table; every result is checked against the published one.

mod big;

use std::path::Path;

use yu_desensitize::Table;
use yu_desensitize::anonymise::{Claim, Distance, Hierarchies, Hierarchy, Model, Optimum, Problem, Spec, local, optimum, recode, verify};
use yu_desensitize::read::{ReadOptions, read_table};

use super::{Better, DesensitizeArgs, Row, best_of};
use crate::Result;

const SUBJECT: &str = "anonymise";
const QIS: [&str; 9] = ["sex", "age", "race", "marital-status", "education", "native-country", "workclass", "occupation", "salary-class"];
/// Rows of the large table: as many as the IHIS table of the published benchmark.
const BIG: usize = 1_193_504;
/// Fixes the random choices, so that losses can be compared between runs.
const SEED: [u8; 32] = [7; 32];

/// All figures of this subject.
///
/// # Errors
/// A data set that cannot be read, a result that is wrong.
pub fn rows(args: &DesensitizeArgs) -> Result<Vec<Row>> {
    let Some(folder) = args.shared().map(|shared| shared.join("data/adult_arx")).filter(|folder| folder.is_dir()) else {
        return Ok(Vec::new());
    };
    let table = read_table(folder.join("adult.csv"), &ReadOptions::default())?;
    let hierarchies = read_hierarchies(&folder)?;
    let mut rows = Vec::new();
    searches(args, &table, &hierarchies, &mut rows)?;
    recodings(args, &table, &hierarchies, &mut rows)?;
    Ok(rows)
}

fn read_hierarchies(folder: &Path) -> Result<Hierarchies> {
    QIS.iter().try_fold(Hierarchies::new(), |all, qi| Ok(all.with(qi, Hierarchy::read(folder.join(format!("adult_hierarchy_{qi}.csv")))?)))
}

fn figure(name: &str, unit: &'static str, value: f64, limit: f64, aim: f64) -> Row {
    Row { subject: SUBJECT, name: name.to_owned(), unit, value, better: Better::Less, limit: Some(limit), aim: Some(aim) }
}

fn searches(args: &DesensitizeArgs, table: &Table, hierarchies: &Hierarchies, rows: &mut Vec<Row>) -> Result<()> {
    let cases = [
        ("full domain k=5, 0 % suppressed", 0.0, (15.0, 10.0), (0.573_150_965_559, 0, [0, 4, 1, 1, 3, 2, 2, 1, 0])),
        ("full domain k=5, 2 % suppressed", 0.02, (100.0, 50.0), (0.313_713_035_281_9, 506, [0, 3, 0, 2, 2, 1, 1, 2, 0])),
    ];
    for (name, suppression, (limit, aim), expected) in cases {
        if args.wants(SUBJECT, name) {
            let spec = Spec::new(&QIS, vec![Model::K { k: 5 }], hierarchies.clone()).with_suppression(suppression);
            let milliseconds = 1000.0 * search(args.runs, table, &spec, &expected)?;
            rows.push(figure(name, "ms", milliseconds, limit, aim));
        }
    }
    let cases = [
        ("full domain k=5, 0 %, 1,193,504 rows", 0.0, (1.0, 0.3), (0.456_48, 0, [0, 4, 0, 1, 3, 2, 2, 1, 0])),
        ("full domain k=5, 2 %, 1,193,504 rows", 0.02, (2.0, 2.0), (0.114_11, 20_761, [0, 3, 0, 0, 1, 1, 0, 1, 0])),
    ];
    if cases.iter().any(|case| args.wants(SUBJECT, case.0)) {
        let big = big::bootstrap(table, BIG, 7)?;
        for (name, suppression, (limit, aim), expected) in cases {
            if args.wants(SUBJECT, name) {
                let spec = Spec::new(&QIS, vec![Model::K { k: 5 }], hierarchies.clone()).with_suppression(suppression);
                rows.push(figure(name, "s", search(args.runs, &big, &spec, &expected)?, limit, aim));
            }
        }
    }
    Ok(())
}

fn search(runs: usize, table: &Table, spec: &Spec, expected: &(f64, u64, [usize; 9])) -> Result<f64> {
    let problem = Problem::new(table, spec)?;
    let (seconds, best) = best_of(runs, || optimum(&problem));
    let Optimum { levels, score, suppressed, .. } = best?;
    if (score - expected.0).abs() > 5e-6 || suppressed != expected.1 || levels != expected.2 {
        return Err(format!("the optimum is {score} at {levels:?} with {suppressed} rows suppressed instead of {expected:?}").into());
    }
    Ok(seconds)
}

fn recodings(args: &DesensitizeArgs, table: &Table, hierarchies: &Hierarchies, rows: &mut Vec<Row>) -> Result<()> {
    let column = || "salary-class".to_owned();
    let cases = [
        ("local k=5", 9, vec![Model::K { k: 5 }], 0.0748, 0.072),
        ("local k=10", 9, vec![Model::K { k: 10 }], 0.1149, 0.110),
        ("local k=5, l=2", 8, vec![Model::K { k: 5 }, Model::DistinctL { column: column(), l: 2 }], 0.162, 0.155),
        ("local k=5, t=0.2", 8, vec![Model::K { k: 5 }, Model::T { column: column(), t: 0.2, distance: Distance::Equal }], 0.335, 0.32),
    ];
    for (name, columns, models, limit, aim) in cases {
        if !args.wants(SUBJECT, name) {
            continue;
        }
        let spec = Spec::new(&QIS[..columns], models, hierarchies.clone());
        let problem = Problem::new(table, &spec)?;
        let (seconds, grouping) = best_of(args.runs, || recode(&problem, &SEED));
        rows.push(figure(&format!("{name}, loss (NCP)"), "", grouping?.ncp, limit, aim));
        rows.push(figure(&format!("{name}, time"), "ms", 1000.0 * seconds, 100.0, 50.0));
        let release = local(table, &spec, &mut rand::rng())?;
        let claim = Claim { qis: &spec.qis, models: &spec.models, hierarchies, population: None };
        if !verify(Some(table), &release.table, &claim)?.holds {
            return Err(format!("{name}: the release does not hold").into());
        }
    }
    Ok(())
}
