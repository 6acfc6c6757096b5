//! What a decision looks at: the contract, the documents it rests on, and this party's own situation.

use serde::{Deserialize, Serialize};

use crate::authorisation::{Authorisation, OutsideDecision, Withdrawal};
use crate::catalogue::CatalogueEntry;
use crate::clock::Time;
use crate::contract::Contract;
use crate::id::{DatasetId, Environment, PartyName, RequestId};
use crate::request::{Approval, DataRequest};
use crate::sign::{KeyRing, Signed};

/// The documents that travel with a contract, so that every party can check everything. None holds a data value.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dossier {
    /// The authorisation; the contract cites it by hash.
    pub authorisation: Option<Signed<Authorisation>>,
    /// The requests behind the approvals.
    pub requests: Vec<Signed<DataRequest>>,
    /// The approvals; the contract cites them by hash.
    pub approvals: Vec<Signed<Approval>>,
    /// The catalogue entries of all inputs.
    pub catalogue: Vec<Signed<CatalogueEntry>>,
    /// Decisions on parties outside the domain.
    pub outside: Vec<Signed<OutsideDecision>>,
    /// What the authority has taken back, as far as this node knows.
    pub withdrawals: Vec<Signed<Withdrawal>>,
}

impl Dossier {
    /// The catalogue entry of a data set.
    #[must_use]
    pub fn entry(&self, dataset: &DatasetId) -> Option<&Signed<CatalogueEntry>> {
        self.catalogue.iter().find(|e| e.payload.dataset == *dataset)
    }

    /// The request of this name.
    #[must_use]
    pub fn request(&self, id: &RequestId) -> Option<&Signed<DataRequest>> {
        self.requests.iter().find(|r| r.payload.id == *id)
    }

    /// The approval of the request of this name.
    #[must_use]
    pub fn approval(&self, id: &RequestId) -> Option<&Signed<Approval>> {
        self.approvals.iter().find(|a| a.payload.request == *id)
    }
}

/// Numbers below (or above) which no contract may go. They are a profile's (管辖规则集), not law written into code;
/// [`Floors::DEFAULT`] is what ships, and a node may only be configured more strictly by its operator's profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Floors {
    /// Least `min_rows` of a contract: a one-row probe would tell whether a person is in the other set.
    pub min_rows: u64,
    /// Least `min_cell` of a contract: fewest people behind a published number.
    pub min_cell: u64,
    /// Greatest `max_ratio` of a contract: a tiny set against a huge one is a probe as well.
    pub max_ratio: u64,
    /// Greatest `runs_per_day` of a contract: differences between many runs isolate rows.
    pub runs_per_day: u64,
    /// Longest term of an authorisation in years (A4: in general three).
    pub max_term_years: i32,
}

impl Floors {
    /// Conservative defaults; none of the rule texts states a number for the first four (REQUIREMENTS, section 10).
    pub const DEFAULT: Self = Self { min_rows: 100, min_cell: 5, max_ratio: 1_000, runs_per_day: 20, max_term_years: 3 };
}

/// Everything a decision depends on. Time is passed in; nothing here is fetched.
#[derive(Clone, Copy)]
pub struct PolicyInput<'a> {
    /// The party that decides.
    pub me: &'a PartyName,
    /// The environment its node runs in.
    pub environment: Environment,
    /// The contract, signed or still a draft.
    pub contract: &'a Contract,
    /// The documents it rests on.
    pub dossier: &'a Dossier,
    /// The authorities (公共数据主管部门) whose authorisations this party accepts: a key in the ring says who signed,
    /// not that the signer may authorise.
    pub authorities: &'a [PartyName],
    /// Keys of all signers that this party knows.
    pub keys: &'a KeyRing,
    /// The moment of the decision.
    pub now: Time,
    /// Runs over the contract's pair of inputs that were admitted on this day before, by this party's own count.
    pub runs_today: u64,
    /// The profile's numbers.
    pub floors: Floors,
}
