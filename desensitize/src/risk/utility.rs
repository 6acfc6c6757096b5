//! What a release lost, and whether a model trained on it still predicts.

use std::collections::HashMap;

use serde::Serialize;

use super::{Cells, RiskSpec, read_column};
use crate::anonymise::STAR;
use crate::error::Result;
use crate::table::Table;

/// What the release lost.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Utility {
    /// Mean share of the leaves that a cell covers (NCP): 0 nothing lost, 1 everything.
    pub ncp: f64,
    /// Discernibility: sum of the squares of the class sizes; a suppressed row counts all rows.
    pub discernibility: f64,
    /// Mean rows of a class.
    pub mean_class: f64,
    /// By column.
    pub columns: Vec<ColumnUtility>,
}

/// One column.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ColumnUtility {
    /// Its name.
    pub name: String,
    /// Mean share of the leaves that a cell covers.
    pub ncp: f64,
    /// Kullback-Leibler divergence of the original from the release, in nats; each generalised cell is spread evenly over
    /// the leaves that it covers.
    pub kl: f64,
}

/// A naive Bayes classifier trained on three quarters of the original, and one on the same rows of the release, each tested
/// on the last quarter of the original.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Downstream {
    /// Rows of the test.
    pub tested: u64,
    /// Share right when trained on the original.
    pub original: f64,
    /// Share right when trained on the release.
    pub release: f64,
    /// Share right when always the most frequent class is said.
    pub majority: f64,
}

/// For each value of the release the numbers of the original leaves that it covers, and its share of all leaves.
struct Meaning {
    leaves: Vec<u32>,
    share: f64,
}

fn meanings(was: &Cells, is: &Cells, spec: &RiskSpec, at: usize) -> Vec<Meaning> {
    let hierarchy = spec.qis.get(at).and_then(|qi| spec.hierarchies.get(qi));
    let all = hierarchy.map_or(was.names[at].len(), crate::anonymise::Hierarchy::leaves).max(1) as f64;
    let numbers: HashMap<&str, u32> = was.names[at].iter().map(String::as_str).zip(0..).collect();
    let rows = hierarchy.map(crate::anonymise::Hierarchy::rows).unwrap_or_default();
    is.names[at]
        .iter()
        .map(|name| {
            let mut covered: Vec<&str> =
                rows.iter().filter(|row| row.contains(name)).filter_map(|row| row.first().map(String::as_str)).collect();
            if covered.is_empty() && name == STAR {
                covered = was.names[at].iter().map(String::as_str).collect();
            } else if covered.is_empty() {
                covered.push(name);
            }
            let share = if name == STAR { 1.0 } else { covered.len() as f64 / all };
            let share = if covered.len() == 1 && name != STAR { 0.0 } else { share };
            Meaning { leaves: covered.iter().filter_map(|name| numbers.get(name).copied()).collect(), share }
        })
        .collect()
}

pub(super) fn measure(was: &Cells, is: &Cells, spec: &RiskSpec) -> Utility {
    let mut columns = Vec::new();
    for (at, name) in spec.qis.iter().enumerate() {
        let meanings = meanings(was, is, spec, at);
        let sum: f64 = is.columns[at].iter().map(|number| meanings[*number as usize].share).sum();
        columns.push(ColumnUtility { name: name.clone(), ncp: sum / is.rows.max(1) as f64, kl: divergence(was, is, at, &meanings) });
    }
    let suppressed = is.suppressed() as f64;
    let squares: f64 = is.sizes.iter().map(|size| f64::from(*size) * f64::from(*size)).sum();
    Utility {
        ncp: columns.iter().map(|column| column.ncp).sum::<f64>() / columns.len().max(1) as f64,
        discernibility: squares + suppressed * is.rows as f64,
        mean_class: (is.rows as f64 - suppressed) / is.sizes.len().max(1) as f64,
        columns,
    }
}

fn divergence(was: &Cells, is: &Cells, at: usize, meanings: &[Meaning]) -> f64 {
    let mut p = vec![0.0; was.names[at].len()];
    was.columns[at].iter().for_each(|number| p[*number as usize] += 1.0 / was.rows.max(1) as f64);
    let mut q = vec![0.0; p.len()];
    for number in &is.columns[at] {
        let leaves = &meanings[*number as usize].leaves;
        leaves.iter().for_each(|leaf| q[*leaf as usize] += 1.0 / (leaves.len() * is.rows.max(1)) as f64);
    }
    // a value that the release excludes altogether would make it infinite: half a row is assumed
    let floor = 0.5 / is.rows.max(1) as f64;
    p.iter().zip(&q).filter(|(p, _)| **p > 0.0).map(|(p, q)| p * (p / f64::max(*q, floor)).ln()).sum::<f64>().max(0.0)
}

pub(super) fn downstream(original: &Table, release: &Table, was: &Cells, is: &Cells, target: &str) -> Result<Option<Downstream>> {
    let (truth, classes) = read_column(original, target)?;
    let (said, said_names) = read_column(release, target)?;
    let numbers: HashMap<&str, u32> = classes.iter().map(String::as_str).zip(0..).collect();
    let said: Vec<Option<u32>> =
        said.iter().map(|number| said_names.get(*number as usize).and_then(|name| numbers.get(name.as_str()).copied())).collect();
    let is_test = |row: &usize| row % 4 == 3;
    let test: Vec<usize> = (0..was.rows).filter(is_test).collect();
    if test.is_empty() || classes.len() < 2 {
        return Ok(None);
    }
    // each released cell counts for the original leaves that it was made from, in the shares in which it was
    let plain = Bayes::train(was, None, &truth.iter().map(|class| Some(*class)).collect::<Vec<_>>(), classes.len());
    let coarse = Bayes::train(was, Some(is), &said, classes.len());
    let share = |model: &Bayes| test.iter().filter(|row| model.predict(was, **row) == truth[**row]).count() as f64 / test.len() as f64;
    let mut counts = vec![0u64; classes.len()];
    (0..was.rows).filter(|row| !is_test(row)).for_each(|row| counts[truth[row] as usize] += 1);
    let most = (0u32..).zip(&counts).max_by_key(|(_, count)| **count).map_or(0, |(class, _)| class);
    let majority = test.iter().filter(|row| truth[**row] == most).count() as f64 / test.len() as f64;
    Ok(Some(Downstream { tested: test.len() as u64, original: share(&plain), release: share(&coarse), majority }))
}

/// Naive Bayes with one pseudo count.
struct Bayes {
    prior: Vec<f64>,
    /// Per column, value and class the log likelihood.
    tables: Vec<Vec<Vec<f64>>>,
}

impl Bayes {
    /// Trains on the rows that are not tested; with a release, a plain value has the likelihood of the released values that
    /// plain rows with it became, weighted by how often.
    fn train(plain: &Cells, release: Option<&Cells>, class: &[Option<u32>], classes: usize) -> Self {
        let rows: Vec<(usize, usize)> =
            (0..plain.rows).filter(|row| row % 4 != 3).filter_map(|row| Some((row, (*class.get(row)?)? as usize))).collect();
        let mut prior = vec![1.0; classes];
        rows.iter().for_each(|(_, class)| prior[*class] += 1.0);
        let tables = (0..plain.columns.len())
            .map(|at| {
                let seen = release.unwrap_or(plain);
                let mut counts = vec![vec![1.0; classes]; seen.names[at].len()];
                let mut became: Vec<HashMap<u32, f64>> = vec![HashMap::new(); plain.names[at].len()];
                for (row, class) in &rows {
                    let value = seen.columns[at][*row];
                    counts[value as usize][*class] += 1.0;
                    *became[plain.columns[at][*row] as usize].entry(value).or_insert(0.0) += 1.0;
                }
                let log = |value: &u32, class: usize| {
                    let of = &counts[*value as usize];
                    (of[class] / of.iter().sum::<f64>() / prior[class]).ln()
                };
                let mix = |became: &HashMap<u32, f64>| -> Vec<f64> {
                    let total: f64 = became.values().sum::<f64>().max(1.0);
                    (0..classes).map(|class| became.iter().map(|(value, weight)| weight / total * log(value, class)).sum()).collect()
                };
                became.iter().map(mix).collect()
            })
            .collect();
        Self { prior: prior.iter().map(|prior| prior.ln()).collect(), tables }
    }

    fn predict(&self, plain: &Cells, row: usize) -> u32 {
        let score = |class: usize| {
            let cell = |(at, table): (usize, &Vec<Vec<f64>>)| table[plain.columns[at][row] as usize][class];
            self.prior[class] + self.tables.iter().enumerate().map(cell).sum::<f64>()
        };
        (0..self.prior.len()).max_by(|a, b| score(*a).total_cmp(&score(*b))).map_or(0, |class| class as u32)
    }
}
