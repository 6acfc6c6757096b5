//! A contract together with the documents it rests on, as it is stored and as it travels.

use crate::fault::{Code, Fault, Result};
use crate::keys::now;
use crate::node::Node;
use crate::store::JobRow;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex};
use yu_governance::contract::{Admitted, Contract};
use yu_governance::id::{Environment, PartyName};
use yu_governance::policy::{DEFAULT_POLICY, Dossier, Floors, PolicyInput, PolicySet};
use yu_governance::sign::{KeyRing, Signed};

/// Contract and dossier.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// The contract with the signatures so far.
    pub contract: Signed<Contract>,
    /// What it rests on.
    pub dossier: Dossier,
}

impl Bundle {
    /// The job id.
    ///
    /// # Errors
    /// `input.bad` when the contract has no canonical form.
    pub fn id(&self) -> Result<String> {
        Ok(self.contract.payload.id()?.0.to_hex())
    }

    /// As stored.
    ///
    /// # Errors
    /// `internal`.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|e| Fault::new(Code::Bug, e.to_string()))
    }

    /// Of a stored job.
    ///
    /// # Errors
    /// `storage.damaged`.
    pub fn of(row: &JobRow) -> Result<Self> {
        serde_json::from_str(&row.contract).map_err(|_| Fault::new(Code::Damaged, "stored contract does not parse").at(row.id.clone()))
    }

    /// The contract as one that every party signed.
    ///
    /// # Errors
    /// `signature.bad`.
    pub fn admitted(&self, node: &Node) -> Result<Admitted> {
        Ok(Admitted::new(self.contract.clone(), &node.ring()?)?)
    }

    /// Names of all parties but this node.
    pub fn others(&self, node: &Node) -> Vec<String> {
        self.contract.payload.parties.iter().map(|p| p.name.to_string()).filter(|n| n != node.name()).collect()
    }
}

/// A job by its id or the beginning of it.
///
/// # Errors
/// `not-found`; `input.bad` when several begin so.
pub fn find(node: &Node, id: &str) -> Result<JobRow> {
    if let Some(row) = node.store().job(id)? {
        return Ok(row);
    }
    // shorter ones would soon fit several
    let fitting = if id.len() >= 6 { node.store().jobs_like(id)? } else { Vec::new() };
    let mut fitting = fitting.into_iter();
    match (fitting.next(), fitting.next()) {
        (Some(row), None) => Ok(row),
        (Some(_), Some(_)) => Err(Fault::new(Code::Input, format!("several jobs begin with `{id}`"))),
        _ => Err(Fault::new(Code::NotFound, format!("job `{id}`")).party(node.name())),
    }
}

/// A job that `asker` takes part in; for everybody else it does not exist.
///
/// # Errors
/// `not-found`.
pub fn of_party(node: &Node, asker: &str, id: &str) -> Result<JobRow> {
    let row = node.store().job(id)?.ok_or_else(|| crate::control::not_here(node.name()))?;
    let bundle = Bundle::of(&row)?;
    if bundle.contract.payload.parties.iter().any(|p| p.name.as_str() == asker) {
        Ok(row)
    } else {
        Err(crate::control::not_here(node.name()))
    }
}

/// This node's numbers: its own limits, never weaker than the shipped floors.
pub fn floors(node: &Node) -> Floors {
    let (own, shipped) = (&node.config().limits, Floors::DEFAULT);
    Floors {
        min_rows: own.min_rows.max(shipped.min_rows),
        min_cell: own.min_cell.max(shipped.min_cell),
        max_ratio: own.max_ratio.min(shipped.max_ratio),
        runs_per_day: own.runs_per_day.min(shipped.runs_per_day),
        max_term_years: shipped.max_term_years,
    }
}

/// This node's editable policy.
///
/// # Errors
/// `policy.refused` when the file cannot be evaluated: then everything is denied.
pub fn policy(node: &Node) -> Result<Arc<PolicySet>> {
    let path = node.home().path("policy.cedar");
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => DEFAULT_POLICY.to_owned(),
        Err(e) => return Err(Fault::new(Code::Refused, format!("the policy cannot be read: {}", e.kind())).at(path.display().to_string())),
    };
    // reading a policy takes a hundred times as long as asking it
    static LAST: Mutex<Option<(String, Arc<PolicySet>)>> = Mutex::new(None);
    let mut last = LAST.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some((_, policy)) = last.as_ref().filter(|(known, _)| *known == text) {
        return Ok(Arc::clone(policy));
    }
    let policy = Arc::new(PolicySet::new(&text)?);
    *last = Some((text, Arc::clone(&policy)));
    Ok(policy)
}

/// Everything that a decision looks at, borrowed from here.
pub struct Situation {
    me: PartyName,
    environment: Environment,
    authorities: Vec<PartyName>,
    keys: KeyRing,
    runs_today: u64,
    floors: Floors,
}

impl Situation {
    /// This node's situation towards a contract. Runs of the job itself do not count.
    ///
    /// # Errors
    /// `storage.failed`.
    pub fn of(node: &Node, contract: &Contract) -> Result<Self> {
        let authority = node.config().authority.clone().into_iter().map(|a| a.parse()).collect::<std::result::Result<_, _>>()?;
        Ok(Self {
            me: node.name().parse()?,
            environment: node.config().environment.parse()?,
            authorities: authority,
            keys: node.ring()?,
            runs_today: node.store().runs(&pair(contract), &day())?,
            floors: floors(node),
        })
    }

    /// The same while the job runs: its own admission was counted, so it is taken off again.
    ///
    /// # Errors
    /// `storage.failed`.
    pub fn of_running(node: &Node, contract: &Contract) -> Result<Self> {
        let mut own = Self::of(node, contract)?;
        own.runs_today = own.runs_today.saturating_sub(1);
        Ok(own)
    }

    /// As governance wants it.
    pub fn input<'a>(&'a self, contract: &'a Contract, dossier: &'a Dossier) -> PolicyInput<'a> {
        PolicyInput {
            me: &self.me,
            environment: self.environment,
            contract,
            dossier,
            authorities: &self.authorities,
            keys: &self.keys,
            now: now(),
            runs_today: self.runs_today,
            floors: self.floors,
        }
    }
}

/// Key of the pair of inputs in the count of runs.
pub fn pair(contract: &Contract) -> String {
    contract.input_pair().iter().map(|d| d.as_str()).collect::<Vec<_>>().join(" ")
}

/// Today, as the count of runs names it.
pub fn day() -> String {
    now().to_string().get(..10).unwrap_or_default().to_owned()
}
