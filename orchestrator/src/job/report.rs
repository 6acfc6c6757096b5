//! The reconstructed result as governance checks and releases it.

use super::{plan, run};
use crate::fault::Fault;
use serde::{Deserialize, Serialize};
use yu_governance::check::{ResultView, Reviewable};
use yu_governance::contract::Contract;
use yu_governance::held::Reconstruction;
use yu_governance::id::PartyName;
use yu_mpc::rep3::{SealedShare, reconstruct};
use yu_mpc::stats::{Statistics, assemble};
use yu_wire::seal::SealKey;

/// Joint statistics.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
pub struct Report(pub Statistics);

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
                Ok(Reconstruction::Consistent(Report(statistics)))
            }
            Err(yu_mpc::Error::Inconsistent { suspects }) => {
                let culprits = suspects.iter().map(|s| s.parse()).collect::<Result<_, _>>()?;
                Ok(Reconstruction::Inconsistent { culprits })
            }
            Err(e) => Err(e.into()),
        }
    }
}
