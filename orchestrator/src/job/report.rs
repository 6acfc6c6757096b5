//! The reconstructed result as governance checks and releases it.

use super::{plan, run};
use crate::fault::Fault;
use serde::{Deserialize, Serialize};
use yu_governance::check::{ResultView, Reviewable};
use yu_governance::contract::{Contract, OwnCorrelations};
use yu_governance::held::Reconstruction;
use yu_governance::id::PartyName;
use yu_mpc::rep3::{SealedShare, reconstruct};
use yu_mpc::stats::{Statistics, assemble};
use yu_wire::seal::SealKey;

/// Joint statistics.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub struct Report(pub Statistics);

impl Report {
    /// What may leave of the statistics: rounded to the contract's digits, without the correlations among the columns of a receiver that
    /// brings data unless the contract publishes them.
    pub fn of(contract: &Contract, mut statistics: Statistics) -> Self {
        let digits = contract.outputs.iter().map(|o| o.digits).min().unwrap_or(1);
        let round = |number: &mut Option<f64>| {
            if let Some(number) = number {
                *number = rounded(*number, digits);
            }
        };
        for column in &mut statistics.columns {
            round(&mut column.mean);
            round(&mut column.sd);
        }
        statistics.correlation.iter_mut().flatten().for_each(round);
        statistics.groups.iter_mut().flat_map(|group| &mut group.means).for_each(round);
        if contract.outputs.iter().all(|o| o.own_correlations == OwnCorrelations::Withheld) {
            let receives = |name: &str| contract.receivers.iter().any(|r| r.party.as_str() == name);
            let owner: Vec<Option<&str>> =
                statistics.columns.iter().map(|c| Some(c.party.as_str()).filter(|party| receives(party))).collect();
            for (i, row) in statistics.correlation.iter_mut().enumerate() {
                for (j, number) in row.iter_mut().enumerate() {
                    // the diagonal says that a column varies, which its deviation says as well
                    if i != j && owner.get(i).is_some_and(|own| own.is_some() && owner.get(j) == Some(own)) {
                        *number = None;
                    }
                }
            }
        }
        Self(statistics)
    }
}

/// To so many significant decimal digits, half to even; exactly the number that its decimal text names.
fn rounded(number: f64, digits: u32) -> f64 {
    let places = usize::try_from(digits.saturating_sub(1)).unwrap_or(0);
    format!("{number:.places$e}").parse().unwrap_or(number)
}

impl Reviewable for Report {
    fn view(&self) -> ResultView {
        let s = &self.0;
        let columns: Vec<(&str, &str)> = s.columns.iter().map(|c| (c.party.as_str(), c.name.as_str())).collect();
        let groups: Vec<&str> = s.groups.iter().map(|g| g.label.as_str()).collect();
        let layout = plan::hash_of(&columns, &groups);
        ResultView {
            outputs: layout.map(|hash| vec![("statistics".to_owned(), hash)]).unwrap_or_default(),
            matched: s.count,
            cells: s.groups.iter().map(|g| g.count).collect(),
            constant_columns: s.columns.iter().filter(|c| c.sd.is_none_or(|sd| sd == 0.0)).count() as u64,
            finite: s.columns.iter().all(|c| c.mean.is_some_and(f64::is_finite)),
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
    pub fn open(
        contract: &Contract,
        job: &str,
        key: &SealKey,
        shares: Vec<(PartyName, SealedShare)>,
    ) -> Result<Reconstruction<Report>, Fault> {
        let names: Vec<String> = shares.iter().map(|(n, _)| n.to_string()).collect();
        let sealed: Vec<SealedShare> = shares.into_iter().map(|(_, s)| s).collect();
        let missing = |_| Fault::new(crate::fault::Code::Bug, "three shares");
        let sealed: [SealedShare; 3] = sealed.try_into().map_err(|_| missing(()))?;
        let names: [&str; 3] = names.iter().map(String::as_str).collect::<Vec<_>>().try_into().map_err(|_| missing(()))?;
        match reconstruct(key, names, &sealed, run::OUTPUT_INFO, job.as_bytes()) {
            Ok(values) => {
                let statistics = match plan::joint(contract)? {
                    Some(plan) => yu_mpc::joint::assemble(&plan, &values)?,
                    None => assemble(&plan::layout(contract)?, &values)?,
                };
                Ok(Reconstruction::Consistent(Report::of(contract, statistics)))
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
