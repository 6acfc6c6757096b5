//! The reconstructed result as governance checks and releases it.

mod complement;

use super::derive::{self, Deidentified};
use super::held::Piece;
use super::plan::{self, Program};
use super::run;
use super::split::{self, SplitReport};
use super::training::{self, Modelled};
use crate::fault::Fault;
use serde::{Deserialize, Serialize};
use yu_governance::check::{ResultView, Reviewable};
use yu_governance::contract::{Contract, OwnCorrelations};
use yu_governance::held::Reconstruction;
use yu_governance::id::PartyName;
use yu_mpc::analysis::{self, Outcome, StepResult};
use yu_mpc::joint;
use yu_mpc::rep3::{SealedShare, reconstruct};
use yu_mpc::stats::{self, Layout, Statistics};
use yu_wire::seal::SealKey;

/// What a job tells.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
pub enum Report {
    /// Joint statistics, of a job that asks for nothing else.
    Statistics(Statistics),
    /// Results of steps.
    Steps(Outcome),
    /// A de-identified table.
    Table(Deidentified),
    /// A model that parties trained.
    Model(Box<Modelled>),
    /// About a model that stays split.
    Split(SplitReport),
}

impl Report {
    /// What may leave of it: rounded to the contract's digits, without the correlations among the columns of a receiver that brings data
    /// unless the contract publishes them.
    pub fn publishable(mut self, contract: &Contract) -> Self {
        let digits = contract.outputs.iter().map(|o| o.digits).min().unwrap_or(1);
        let round = |number: &mut f64| *number = rounded(*number, digits);
        let some = |number: &mut Option<f64>| number.iter_mut().for_each(round);
        match &mut self {
            Self::Table(_) | Self::Model(_) => {}
            Self::Split(report) => report.rounded(&|number| *number = rounded(*number, digits)),
            Self::Statistics(statistics) => publish(contract, statistics, &some),
            Self::Steps(outcome) => {
                for step in &mut outcome.steps {
                    match step {
                        StepResult::Stats(statistics) => publish(contract, statistics, &some),
                        StepResult::Quantiles { columns } => {
                            columns.iter_mut().flat_map(|c| &mut c.quantiles).for_each(|quantile| some(&mut quantile.value));
                        }
                        // counts, and edges that the contract names
                        StepResult::Histogram { .. } => {}
                        StepResult::Groupby { groups, .. } => {
                            groups.iter_mut().flat_map(|group| group.sums.iter_mut().chain(&mut group.means)).for_each(some);
                        }
                        StepResult::LinearRegression(model) | StepResult::LogisticRegression(model) => {
                            round(&mut model.intercept);
                            for column in model.features.iter_mut().chain([&mut model.target]) {
                                round(&mut column.weight);
                                some(&mut column.mean);
                                some(&mut column.sd);
                            }
                        }
                    }
                }
            }
        }
        self
    }
}

fn publish(contract: &Contract, statistics: &mut Statistics, round: &dyn Fn(&mut Option<f64>)) {
    for column in &mut statistics.columns {
        round(&mut column.mean);
        round(&mut column.sd);
    }
    statistics.correlation.iter_mut().flatten().for_each(round);
    statistics.groups.iter_mut().flat_map(|group| &mut group.means).for_each(round);
    if contract.outputs.iter().any(|o| o.own_correlations == OwnCorrelations::Published) {
        return;
    }
    let receives = |name: &str| contract.receivers.iter().any(|r| r.party.as_str() == name);
    let owner: Vec<Option<&str>> = statistics.columns.iter().map(|c| Some(c.party.as_str()).filter(|party| receives(party))).collect();
    for (i, row) in statistics.correlation.iter_mut().enumerate() {
        for (j, number) in row.iter_mut().enumerate() {
            // the diagonal says that a column varies, which its deviation says as well
            if i != j && owner.get(i).is_some_and(|own| own.is_some() && owner.get(j) == Some(own)) {
                *number = None;
            }
        }
    }
}

/// To so many significant decimal digits, half to even; exactly the number that its decimal text names.
fn rounded(number: f64, digits: u32) -> f64 {
    let places = usize::try_from(digits.saturating_sub(1)).unwrap_or(0);
    format!("{number:.places$e}").parse().unwrap_or(number)
}

impl Reviewable for Report {
    fn view(&self, contract: &Contract) -> ResultView {
        let min_cell = contract.limits.min_cell;
        match self {
            Self::Table(table) => table.view(),
            Self::Model(modelled) => training::view(&modelled.trained, contract),
            Self::Split(report) => report.view(),
            Self::Statistics(s) => {
                let columns: Vec<(&str, &str)> = s.columns.iter().map(|c| (c.party.as_str(), c.name.as_str())).collect();
                let groups: Vec<&str> = s.groups.iter().map(|g| g.label.as_str()).collect();
                let layout = plan::hash_of(&columns, &groups);
                ResultView {
                    outputs: layout.map(|hash| vec![(plan::STATISTICS.to_owned(), hash)]).unwrap_or_default(),
                    matched: s.count,
                    cells: cells(s),
                    open_complements: complement::of_groups(s, min_cell),
                    constant_columns: constant(s),
                    finite: finite(s),
                }
            }
            Self::Steps(outcome) => {
                let mut view = ResultView {
                    outputs: plan::outputs_of(outcome).unwrap_or_default(),
                    matched: outcome.matched,
                    cells: Vec::new(),
                    open_complements: complement::open(outcome, min_cell),
                    constant_columns: 0,
                    finite: true,
                };
                outcome.steps.iter().for_each(|step| see(step, &mut view));
                view
            }
        }
    }
}

fn cells(s: &Statistics) -> Vec<u64> {
    s.groups.iter().map(|g| g.count).collect()
}

fn constant(s: &Statistics) -> u64 {
    s.columns.iter().filter(|c| c.sd.is_none_or(|sd| sd == 0.0)).count() as u64
}

fn finite(s: &Statistics) -> bool {
    s.columns.iter().all(|c| c.mean.is_some_and(f64::is_finite))
}

/// Adds what the checks want to know of a step's result.
fn see(step: &StepResult, view: &mut ResultView) {
    match step {
        StepResult::Stats(s) => {
            view.cells.extend(cells(s));
            view.constant_columns += constant(s);
            view.finite &= finite(s);
        }
        StepResult::Quantiles { columns } => {
            let all = columns.iter().flat_map(|c| &c.quantiles);
            view.cells.extend(all.clone().map(|q| q.rows));
            view.finite &= all.into_iter().all(|q| q.value.is_some_and(f64::is_finite));
        }
        StepResult::Histogram { bins, .. } => view.cells.extend(bins.iter().map(|bin| bin.count)),
        StepResult::Groupby { groups, .. } => {
            view.cells.extend(groups.iter().map(|g| g.count));
            view.finite &= groups.iter().flat_map(|g| g.sums.iter().chain(&g.means)).all(|n| n.is_some_and(f64::is_finite));
        }
        StepResult::LinearRegression(model) | StepResult::LogisticRegression(model) => {
            // both classes are groups of rows
            view.cells.extend(model.positives.into_iter().flat_map(|n| [n, model.count.saturating_sub(n)]));
            let scales = model.features.iter().chain([&model.target]).flat_map(|c| [c.mean, c.sd]);
            view.finite &= scales.into_iter().all(|n| n.is_some_and(f64::is_finite));
        }
    }
}

/// Opens sealed shares at the reviewer.
pub struct Opened;

impl Opened {
    /// Puts the three shares together; both copies of every component must agree.
    ///
    /// # Errors
    /// `storage.damaged` for a share that does not open.
    pub fn open(contract: &Contract, job: &str, key: &SealKey, shares: Vec<(PartyName, Piece)>) -> Result<Reconstruction<Report>, Fault> {
        if contract.derivative().is_some() {
            return derive::open(contract, job, key, shares);
        }
        if contract.training().is_some() {
            return training::open(contract, job, key, shares);
        }
        if contract.enclave().is_some() {
            return super::enclave::open(contract, job, key, shares);
        }
        let shares = shares.into_iter().map(|(name, piece)| match piece {
            Piece::Share(share) => Ok((name, share)),
            Piece::Whole(_) | Piece::Vouched(_) => {
                Err(Fault::new(crate::fault::Code::Damaged, "a part of the output is no share").party(name.to_string()))
            }
        });
        let shares = shares.collect::<Result<Vec<_>, Fault>>()?;
        let names: Vec<String> = shares.iter().map(|(n, _)| n.to_string()).collect();
        let sealed: Vec<SealedShare> = shares.into_iter().map(|(_, s)| s).collect();
        let missing = |_| Fault::new(crate::fault::Code::Bug, "three shares");
        let sealed: [SealedShare; 3] = sealed.try_into().map_err(|_| missing(()))?;
        let names: [&str; 3] = names.iter().map(String::as_str).collect::<Vec<_>>().try_into().map_err(|_| missing(()))?;
        match reconstruct(key, names, &sealed, run::OUTPUT_INFO, job.as_bytes()) {
            Ok(values) => {
                let report = match plan::program(contract)? {
                    Program::Aligned(plan) => Report::Statistics(stats::assemble(&Layout::of(&plan)?, &values)?),
                    Program::Joined(plan) => Report::Statistics(joint::assemble(&plan, &values)?),
                    Program::Steps(plan) => Report::Steps(analysis::assemble(&plan, &values)?),
                    Program::Split(_) => Report::Split(split::assemble(contract, &values)?),
                };
                Ok(Reconstruction::Consistent(report.publishable(contract)))
            }
            Err(yu_mpc::Error::Inconsistent { suspects }) => {
                let culprits = suspects.iter().map(|s| s.parse()).collect::<Result<_, _>>()?;
                Ok(Reconstruction::Inconsistent { culprits })
            }
            Err(e) => Err(e.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_their_significant_digits_and_no_more() {
        let cases = [
            (1234567.0, 6, 1_234_570.0),
            (-0.000_123_456_78, 6, -0.000_123_457),
            (0.1 + 0.2, 6, 0.3),
            (99_999.96, 6, 100_000.0),
            (0.0, 6, 0.0),
            (1.0, 1, 1.0),
            (6.51e-300, 2, 6.5e-300),
        ];
        for (number, digits, expected) in cases {
            assert_eq!(rounded(number, digits), expected, "{number}");
        }
    }
}
