//! What is asked for and what comes out.

use std::collections::HashSet;
use std::fmt;

use zeroize::Zeroizing;

use super::coded::Problem;
use super::hierarchy::Hierarchies;
use super::model::Model;
use super::release;
use super::search::optimum;
use crate::error::{Error, Result, Text};
use crate::table::Table;

/// What is asked of a release.
#[derive(Clone, Debug)]
pub struct Spec {
    /// Quasi-identifiers, in order.
    pub qis: Vec<String>,
    /// Models that every class must satisfy.
    pub models: Vec<Model>,
    /// Share of the rows that may be suppressed, 0 to 1.
    pub suppression: f64,
    /// Hierarchies of the quasi-identifiers; of a sensitive column too if its distance is hierarchical or ordered.
    pub hierarchies: Hierarchies,
    /// The people that the rows are taken from, for k-map.
    pub population: Option<Table>,
}

impl Spec {
    /// k-anonymity over the quasi-identifiers, nothing suppressed; change the fields for more.
    #[must_use]
    pub fn new(qis: &[&str], models: Vec<Model>, hierarchies: Hierarchies) -> Self {
        let qis = qis.iter().map(|qi| (*qi).to_owned()).collect();
        Self { qis, models, suppression: 0.0, hierarchies, population: None }
    }

    /// The same with a limit of suppression.
    #[must_use]
    pub fn with_suppression(self, suppression: f64) -> Self {
        Self { suppression, ..self }
    }

    pub(super) fn check(&self) -> Result<()> {
        let refuse = |en: &str, zh: &str| {
            let remedy = Text::new("correct the specification of the release", "请更正发布要求");
            Err(Error::refused("anonymise.spec", Text::new(en, zh), Text::new("", ""), remedy))
        };
        let mut seen = HashSet::new();
        if self.qis.is_empty() {
            return refuse("no quasi-identifier is named", "没有指定准标识符");
        }
        if self.qis.iter().any(|qi| !seen.insert(qi)) {
            return refuse("a quasi-identifier is named twice", "准标识符重复");
        }
        if self.models.is_empty() {
            return refuse("no model is named", "没有指定隐私模型");
        }
        if !(0.0..=1.0).contains(&self.suppression) {
            return refuse("the suppression limit is not between 0 and 1", "抑制比例不在 0 与 1 之间");
        }
        if let Some((en, zh)) = self.models.iter().find_map(Model::fault) {
            return refuse(en, zh);
        }
        if self.models.iter().filter_map(Model::column).any(|column| self.qis.iter().any(|qi| qi == column)) {
            return refuse("a sensitive column is also a quasi-identifier", "敏感列同时被指定为准标识符");
        }
        if self.population.is_none() && self.models.iter().any(|model| matches!(model, Model::KMap { .. })) {
            return refuse("k-map needs a population table", "k-map 模型需要总体数据表");
        }
        Ok(())
    }
}

/// A release and how it came about. Have `verify` read it again before it leaves. `Debug` prints figures only.
#[derive(Clone)]
pub struct Release {
    /// The table.
    pub table: Table,
    /// Level of each quasi-identifier; `None` after local recoding.
    pub transformation: Option<Vec<usize>>,
    /// Full domain: geometric mean of the losses. Local: mean share of the leaves that a cell covers (NCP). 0 to 1.
    pub score: f64,
    /// Rows that are suppressed.
    pub suppressed: u64,
    /// Classes that are released.
    pub classes: u64,
    /// The seed of the random choices, for whoever may check them later; `None` if there were none. Only a commitment to it may go
    /// with the release: the seed would bring back what it is against.
    pub seed: Option<Zeroizing<[u8; 32]>>,
}

impl fmt::Debug for Release {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Release").field("score", &self.score).field("suppressed", &self.suppressed).finish_non_exhaustive()
    }
}

/// The best release with one level per column.
///
/// # Errors
/// As [`Problem::new`] and [`optimum`].
pub fn full_domain(table: &Table, spec: &Spec) -> Result<Release> {
    let problem = Problem::new(table, spec)?;
    let best = optimum(&problem)?;
    let violators = problem.violators(&best.levels)?;
    let mut labels: Vec<Vec<&str>> = Vec::with_capacity(problem.qis.len());
    for (qi, level) in problem.qis.iter().zip(&best.levels) {
        let mut column = vec![""; problem.rows];
        if let Some(level) = qi.hierarchy.levels().get(*level) {
            qi.codes.each(|row, leaf| column[row] = &level.labels[level.of_leaf[leaf as usize] as usize]);
        }
        labels.push(column);
    }
    let table = release::write(&problem, |qi, row| (!violators[row]).then(|| labels[qi][row]))?;
    Ok(Release {
        table,
        transformation: Some(best.levels),
        score: best.score,
        suppressed: best.suppressed,
        classes: best.classes,
        seed: None,
    })
}
