//! The first-level operator applies for supply itself, entry by entry of its catalogue (A28, ZZ 19); the authority decides, and a
//! job of the operator on data that were not supplied is refused.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::canonical::Hash;
use crate::clock::Time;
use crate::contract::Contract;
use crate::finding::{Checked, Finding, broken, refuse, unless};
use crate::id::{DatasetId, PartyName, Scenario, document_hash};
use crate::sign::{KeyRing, Signed, SignedType};
use crate::text::Text;

/// The application, signed by the operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SupplyRequest {
    /// Format version, 1.
    pub v: u32,
    /// Who applies and signs.
    pub operator: PartyName,
    /// Data sets with the hash of the operator's catalogue entry of each.
    pub entries: BTreeMap<DatasetId, Hash>,
    /// The scenario that the entries were catalogued for (ZZ 19).
    pub scenario: Scenario,
    /// Why.
    pub reason: Text,
    /// When.
    pub at: Time,
}

impl SignedType for SupplyRequest {
    const TYPE: &'static str = "operator-supply-request-v1";
}

/// What is decided on one data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Supply {
    /// It is supplied.
    Given {
        /// First second at which it no longer is.
        until: Time,
    },
    /// It is not.
    Refused {
        /// Why.
        reason: Text,
    },
}

/// The decision, signed by the authority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SupplyDecision {
    /// Format version, 1.
    pub v: u32,
    /// Hash of the request.
    pub request: Hash,
    /// Who decides and signs.
    pub authority: PartyName,
    /// Every data set of the request, and no other.
    pub entries: BTreeMap<DatasetId, Supply>,
    /// When.
    pub at: Time,
}

impl SignedType for SupplyDecision {
    const TYPE: &'static str = "operator-supply-decision-v1";
}

/// What an operator is supplied with.
#[derive(Debug, Clone)]
pub struct Supplied {
    operator: PartyName,
    /// From, until, and the scenario, for each data set; of several decisions the last counts.
    given: BTreeMap<(DatasetId, Scenario), (Time, Option<Time>)>,
}

impl Supplied {
    /// Nothing yet.
    #[must_use]
    pub const fn new(operator: PartyName) -> Self {
        Self { operator, given: BTreeMap::new() }
    }

    /// Takes a decision in; a later decision on the same data set replaces an earlier one, so supply can be withdrawn (A21).
    /// `catalogue` holds the hashes of the operator's entries in force.
    ///
    /// # Errors
    /// All at once: `supply.signature`; `supply.request` for one that is incomplete or another operator's; `supply.catalogue`
    /// naming data sets that are not as catalogued; `supply.authority`; `supply.decision` unless every data set is decided on
    /// once, refusals with reasons; `supply.stale` for a decision that is older than one that is known, such as a replayed one.
    pub fn decide(
        &mut self,
        request: &Signed<SupplyRequest>,
        decision: &Signed<SupplyDecision>,
        catalogue: &BTreeMap<DatasetId, Hash>,
        authorities: &[PartyName],
        keys: &KeyRing,
    ) -> Checked<()> {
        let (operator, authority) = (&request.payload.operator, &decision.payload.authority);
        let asked = request.verify(keys, &[operator.as_str()]).map_err(|error| broken("supply.signature", operator, &error))?;
        let decided = decision.verify(keys, &[authority.as_str()]).map_err(|error| broken("supply.signature", authority, &error))?;
        let cited = document_hash(asked).map_err(|error| broken("supply.request", operator, &error))?;
        let mut found = Vec::new();
        let mut add = |code, party: &PartyName, what: (String, String), remedy| found.push(Finding::new(code, party, what, remedy));
        if asked.v != 1 || *operator != self.operator || asked.entries.is_empty() || asked.reason.is_blank() {
            let what = (
                "the request is another operator's, or names no data or no reason".into(),
                "申请非本运营主体提出，或缺少数据、理由".into(),
            );
            add("supply.request", operator, what, ("complete the request", "补全申请"));
        }
        let other: Vec<String> =
            asked.entries.iter().filter(|(id, hash)| catalogue.get(*id) != Some(hash)).map(|(id, _)| format!("`{id}`")).collect();
        if !other.is_empty() {
            let names = other.join(", ");
            let what = (format!("not as in the operator's catalogue: {names}"), format!("与数据资源目录不符：{names}"));
            add("supply.catalogue", operator, what, ("catalogue the data set first (ZZ 19)", "先行编制目录"));
        }
        if !authorities.contains(authority) || authority.organisation() == operator.organisation() {
            let what = (format!("`{authority}` is no authority over it"), format!("`{authority}` 不是其主管部门"));
            add("supply.authority", authority, what, ("have the authority decide", "由主管部门审核"));
        }
        let sound = |supply: &Supply| match supply {
            Supply::Given { until } => *until > decided.at,
            Supply::Refused { reason } => !reason.is_blank(),
        };
        let same = decided.entries.keys().eq(asked.entries.keys());
        if decided.v != 1 || decided.request != cited || decided.at < asked.at || !same || !decided.entries.values().all(sound) {
            let what = ("it does not decide on exactly this request, with reasons".into(), "决定与申请不对应，或拒绝未附理由".into());
            add("supply.decision", authority, what, ("decide on every data set", "逐项作出决定"));
        }
        let place = |id: &DatasetId| (id.clone(), asked.scenario.clone());
        let until = |supply: &Supply| if let Supply::Given { until } = supply { Some(*until) } else { None };
        let is_stale = |(id, supply): (&DatasetId, &Supply)| {
            self.given.get(&place(id)).is_some_and(|known| known.0 > decided.at || (known.0 == decided.at && known.1 != until(supply)))
        };
        if decided.entries.iter().any(is_stale) {
            let what = ("a later decision, or another one of the same moment, is known".into(), "已有更新或同一时刻的其他决定".into());
            add("supply.stale", authority, what, ("take the last decision", "以最新决定为准"));
        }
        unless(found, ())?;
        for (id, supply) in &decided.entries {
            self.given.insert(place(id), (decided.at, until(supply)));
        }
        Ok(())
    }

    /// Whether a job of the operator may run: everything of others that it reads is supplied for its scenario.
    ///
    /// # Errors
    /// `supply.not-supplied` for each data set that is not.
    pub fn permits(&self, contract: &Contract, at: Time) -> Checked<()> {
        let own = self.operator.organisation();
        let missing = contract.inputs.iter().map(|input| &input.dataset).filter(|id| {
            let given = self.given.get(&((*id).clone(), contract.scenario.clone()));
            id.organisation() != own && !given.is_some_and(|(from, until)| *from <= at && until.is_some_and(|until| at < until))
        });
        let finding = |id: &DatasetId| {
            let what = (
                format!("`{id}` is not supplied to `{}` for `{}`", self.operator, contract.scenario),
                format!("`{id}` 未就“{}”向 `{}` 供给", contract.scenario, self.operator),
            );
            Finding::new("supply.not-supplied", &self.operator, what, ("apply to the authority for it", "向主管部门申请供给"))
        };
        unless(missing.map(finding).collect(), ())
    }

    /// Until when a data set is supplied.
    ///
    /// # Errors
    /// `supply.not-supplied`.
    pub fn until(&self, dataset: &DatasetId, scenario: &Scenario) -> Checked<Time> {
        match self.given.get(&(dataset.clone(), scenario.clone())) {
            Some((_, Some(until))) => Ok(*until),
            _ => {
                let what = (format!("`{dataset}` is not supplied"), format!("`{dataset}` 未供给"));
                refuse("supply.not-supplied", &self.operator, what, ("apply to the authority for it", "向主管部门申请供给"))
            }
        }
    }
}
