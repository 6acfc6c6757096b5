//! Standing approvals (持续审核): a party signs a job once, for many runs over new versions of the same data.
//!
//! Nothing of the contract may change but the versions of its inputs, the two instants, the nonce, and what follows from new data: the numbers of
//! rows, within what a run is charged, the commitments to consents, the magnitudes of columns where rows are joined on shares, and the cost, which
//! every party computes by itself. A run may not live longer than the one that was signed. Each run is counted by the hash of its
//! contract, against the authorisation's quota.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::canonical::{Hash, u64_string};
use crate::clock::Time;
use crate::contract::Contract;
use crate::error::{Error, Result};
use crate::id::{JobId, PartyName, document_hash};
use crate::quota::{Charge, Ledger, is_charged};
use crate::sign::{KeyRing, Signed, SignedType};
use crate::text::Text;
use crate::workflow::{need_reason, refuse};

/// What a party signs once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandingApproval {
    /// Format version, 1.
    pub v: u32,
    /// Who approves and signs; a party of the template.
    pub party: PartyName,
    /// The job, as it would run now.
    pub template: Contract,
    /// How many runs.
    #[serde(with = "u64_string")]
    pub runs: u64,
    /// What one run is charged, and the most rows that it may bring.
    pub charge: Charge,
    /// From when on.
    pub from: Time,
    /// First second at which nothing is approved any more; no run may outlive it.
    pub until: Time,
}

impl SignedType for StandingApproval {
    const TYPE: &'static str = "standing-approval-v1";
}

/// A standing approval is taken back; its runs stop as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StandingRevocation {
    /// Format version, 1.
    pub v: u32,
    /// Hash of the approval.
    pub approval: Hash,
    /// Who takes it back and signs.
    pub party: PartyName,
    /// Why.
    pub reason: Text,
    /// From when on.
    pub at: Time,
}

impl SignedType for StandingRevocation {
    const TYPE: &'static str = "standing-revocation-v1";
}

/// A standing approval with the runs it has seen. To store it, store the approval, the job ids and the revocation.
#[derive(Debug, Clone)]
pub struct Standing {
    approval: StandingApproval,
    hash: Hash,
    runs: BTreeSet<JobId>,
    revoked: Option<Time>,
}

impl Standing {
    /// Takes up a signed approval.
    ///
    /// # Errors
    /// `Signature`; `Refused`: `standing.malformed` for another format, no runs, no term, a charge for other data sets than
    /// the inputs or without a use of each, or a party that has no part in the job.
    pub fn new(signed: &Signed<StandingApproval>, keys: &KeyRing) -> Result<Self> {
        let approval = signed.verify(keys, &[signed.payload.party.as_str()])?;
        let template = &approval.template;
        let inputs: BTreeSet<_> = template.inputs.iter().map(|input| &input.dataset).collect();
        let charged: BTreeSet<_> = approval.charge.keys().collect();
        let part = template.party(&approval.party).is_some();
        if approval.v != 1
            || approval.runs == 0
            || approval.from >= approval.until
            || inputs != charged
            || !is_charged(&approval.charge)
            || !part
        {
            return Err(refuse("standing.malformed", "it needs runs, a term, a charge with a use for each input, and a party of the job"));
        }
        let hash = document_hash(approval)?;
        Ok(Self { approval: approval.clone(), hash, runs: BTreeSet::new(), revoked: None })
    }

    /// Admits one run, and reserves its charge. The same contract again is the same run.
    ///
    /// `ends` is the moment at which the authorisation stops.
    ///
    /// # Errors
    /// `Refused`: `standing.outside-term`, `standing.revoked`, `standing.outlives`, `standing.rows`, `standing.fewer-rows`, `standing.exhausted`, those of [`covers`]
    /// and of [`Ledger::reserve`]. Nothing is counted then.
    pub fn admit(&mut self, contract: &Contract, at: Time, ends: Time, ledger: &mut Ledger) -> Result<JobId> {
        if at < self.approval.from || at >= self.approval.until {
            let what = format!("runs are approved from {} until {}", self.approval.from, self.approval.until);
            return Err(refuse("standing.outside-term", what));
        }
        if let Some(revoked) = self.revoked.filter(|revoked| *revoked < contract.expires) {
            return Err(refuse("standing.revoked", format!("the approval is taken back from {revoked}")));
        }
        covers(&self.approval.template, contract)?;
        for input in &contract.inputs {
            let most = self.approval.charge.get(&input.dataset).map_or(0, |amount| amount.rows);
            let signed = self.approval.template.inputs.iter().find(|other| other.dataset == input.dataset).map_or(0, |other| other.rows);
            // few chosen rows of another party would be another question
            if input.party != self.approval.party && u128::from(input.rows) * 10 < u128::from(signed) * 9 {
                let what = format!("`{}` brings {} rows of another party, the approved job had {signed}", input.dataset, input.rows);
                return Err(refuse("standing.fewer-rows", what));
            }
            if input.rows > most {
                let what = format!("`{}` brings {} rows, a run is charged {most}", input.dataset, input.rows);
                return Err(refuse("standing.rows", what));
            }
        }
        if contract.expires > self.approval.until.min(ends) {
            return Err(refuse("standing.outlives", format!("the run ends at {}, after the approval or authorisation", contract.expires)));
        }
        let job = contract.id()?;
        let known = self.runs.contains(&job);
        if !known && u64::try_from(self.runs.len()).unwrap_or(u64::MAX) >= self.approval.runs {
            return Err(refuse("standing.exhausted", format!("{} runs are approved, and all have been used", self.approval.runs)));
        }
        ledger.reserve(job, &self.approval.charge)?;
        self.runs.insert(job);
        Ok(job)
    }

    /// Takes a stored run back in, after a restart.
    pub fn restore(&mut self, job: JobId) {
        self.runs.insert(job);
    }

    /// Takes the approval back. Gives the runs that it admitted, so that they are stopped.
    ///
    /// # Errors
    /// `Signature`; `Refused`: `standing.other` for another approval or party, `workflow.reason-missing`.
    pub fn revoke(&mut self, signed: &Signed<StandingRevocation>, keys: &KeyRing) -> Result<&BTreeSet<JobId>> {
        let revocation = signed.verify(keys, &[self.approval.party.as_str()])?;
        need_reason(&revocation.reason)?;
        if revocation.v != 1 || revocation.approval != self.hash || revocation.party != self.approval.party {
            return Err(refuse("standing.other", "the revocation is of another approval"));
        }
        self.revoked = Some(self.revoked.map_or(revocation.at, |known| known.min(revocation.at)));
        Ok(&self.runs)
    }

    /// Runs that are left.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.approval.runs.saturating_sub(u64::try_from(self.runs.len()).unwrap_or(u64::MAX))
    }
}

/// Whether a contract is the template with other versions of its inputs and what follows from them, and nothing else; how many rows they have is
/// looked at by [`Standing::admit`].
///
/// # Errors
/// `Refused`: `standing.differs` naming the first field that differs, `standing.longer` if the run lives longer than the
/// template; `Malformed` if one of the two has no JSON form.
pub fn covers(template: &Contract, contract: &Contract) -> Result<()> {
    let (have, want) = (value(contract)?, value(template)?);
    if let Some(field) = difference(&want, &have) {
        return Err(refuse("standing.differs", format!("`{field}` differs from the job that was approved")));
    }
    let life = |c: &Contract| c.expires.unix().saturating_sub(c.created.unix());
    if life(contract) > life(template) || contract.expires <= contract.created {
        return Err(refuse("standing.longer", format!("`expires` gives {} seconds, approved were {}", life(contract), life(template))));
    }
    Ok(())
}

/// Path of the first field in which two contracts differ beyond what may vary, as in `inputs/0/rows`.
#[must_use]
pub fn difference(template: &Value, contract: &Value) -> Option<String> {
    differ(template, contract, &mut Vec::new())
}

/// May this field be another one in each run?
fn varies(path: &[String]) -> bool {
    let parts: Vec<&str> = path.iter().map(String::as_str).collect();
    matches!(
        parts.as_slice(),
        ["created" | "expires" | "nonce"]
            | ["inputs", _, "version" | "rows"]
            | ["inputs", _, "consent", "commitment"]
            | ["cost", ..]
            | ["protocol", "statistics", "left" | "right", "exponents", _]
    )
}

fn differ(a: &Value, b: &Value, path: &mut Vec<String>) -> Option<String> {
    match (a, b) {
        (Value::Object(x), Value::Object(y)) => {
            let keys: BTreeSet<&String> = x.keys().chain(y.keys()).collect();
            keys.into_iter().find_map(|key| step(x.get(key), y.get(key), key.clone(), path))
        }
        (Value::Array(x), Value::Array(y)) => (0..x.len().max(y.len())).find_map(|i| step(x.get(i), y.get(i), i.to_string(), path)),
        (Value::String(_), Value::String(_)) | (Value::Number(_), Value::Number(_)) if varies(path) => None,
        _ if a == b => None,
        _ => Some(path.join("/")),
    }
}

fn step(a: Option<&Value>, b: Option<&Value>, name: String, path: &mut Vec<String>) -> Option<String> {
    path.push(name);
    let found = match (a, b) {
        (Some(a), Some(b)) => differ(a, b, path),
        _ => Some(path.join("/")),
    };
    path.pop();
    found
}

fn value(contract: &Contract) -> Result<Value> {
    let malformed = |_| Error::Malformed { object: "contract".into(), reason: "it has no JSON form".into() };
    serde_json::to_value(contract).map_err(malformed)
}
