//! The job contract (任务合约): one canonical document, signed by every party; its hash is the job id.
//!
//! | to see | open |
//! |---|---|
//! | who takes part | [`parties`] |
//! | data, protocol, security, limits | [`terms`] |
//! | what is asked | [`steps`] |
//! | what is trained | [`training`] |
//! | what each party learns | [`leakage`] |
//! | bytes and rounds | [`cost`] |
//! | whether it contradicts itself | [`shape`] |
//! | signed by all or not at all | [`admission`] |

use serde::{Deserialize, Serialize};

use crate::canonical::Hash;
use crate::clock::Time;
use crate::error::Result;
use crate::id::{AuthorisationId, Environment, JobId, PartyName, Purpose, Scenario, document_hash};
use crate::sign::SignedType;
use crate::text::Text;

pub mod admission;
pub mod cost;
pub mod leakage;
pub mod parties;
pub mod shape;
pub mod steps;
pub mod terms;
pub mod training;

pub use admission::Admitted;
pub use cost::{CostStatement, StepCost};
pub use leakage::{LeakCode, Leakage};
pub use parties::{Party, Recipient, Role, SealTo, Zone};
pub use shape::{MAX_COLUMNS, MAX_DIGITS, MAX_GROUPS, MAX_POLICY};
pub use steps::{ColumnRef, ModelTerms, Real, StepTerms};
pub use terms::{
    Adversary, ApprovalRef, ConsentTerms, CryptoTerms, DerivativeTerms, Deviation, EnclaveTerms, Engine, FixedPoint, GroupingTerms, Input,
    JointTerms, KeyTerms, Limits, OutputTerms, OwnCorrelations, ProtocolTerms, PsiKind, PsiTerms, RevealMatch, SecurityModel, Side,
    SideTerms, StatisticsTerms, Technique,
};
pub use training::{Aggregation, LEAST_TRAINERS, Learner, MOST_TRAINERS, PrivacyTerms, TrainerTerms, TrainingTerms};

/// The authorisation that a contract rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorisationRef {
    /// Its name.
    pub id: AuthorisationId,
    /// Its hash ([`document_hash`]).
    pub hash: Hash,
    /// The version of the agreement (授权运营协议) in force, where agreements are filed (A13).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreement: Option<Hash>,
}

/// A job contract, version 1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// Format version, 1.
    pub v: u32,
    /// What the job is about, in words.
    pub title: Text,
    /// Development or production.
    pub environment: Environment,
    /// By which technique.
    pub technique: Technique,
    /// Everyone who takes part.
    pub parties: Vec<Party>,
    /// The authorisation it rests on.
    pub authorisation: AuthorisationRef,
    /// The approvals it rests on, one for each input.
    pub approvals: Vec<ApprovalRef>,
    /// The one scenario (A1).
    pub scenario: Scenario,
    /// The one purpose (A18).
    pub purpose: Purpose,
    /// What is brought.
    pub inputs: Vec<Input>,
    /// How it is computed.
    pub protocol: ProtocolTerms,
    /// Against whom that is secure.
    pub security: SecurityModel,
    /// Who may learn which of its rows matched.
    pub reveal_match: RevealMatch,
    /// What each party learns.
    pub leakage: Vec<Leakage>,
    /// Bytes and rounds.
    pub cost: CostStatement,
    /// Checked before the first message.
    pub limits: Limits,
    /// What is computed, and nothing else.
    pub outputs: Vec<OutputTerms>,
    /// Who gets the result.
    pub receivers: Vec<Recipient>,
    /// Who reviews it.
    pub reviewer: Recipient,
    /// Algorithms.
    pub crypto: CryptoTerms,
    /// Software.
    pub engines: Vec<Engine>,
    /// When it was written.
    pub created: Time,
    /// First second at which nothing of it may run any more.
    pub expires: Time,
    /// 32 random bytes in hex: two equal jobs are two jobs.
    pub nonce: String,
}

impl SignedType for Contract {
    const TYPE: &'static str = "contract-v1";
}

impl Contract {
    /// The job id: hash of the canonical bytes.
    ///
    /// # Errors
    /// `Malformed` if the contract has no canonical form.
    pub fn id(&self) -> Result<JobId> {
        document_hash(self).map(JobId)
    }

    /// The party of this name.
    #[must_use]
    pub fn party(&self, name: &PartyName) -> Option<&Party> {
        self.parties.iter().find(|p| p.name == *name)
    }

    /// The parties with this role, in the order of the contract.
    pub fn with_role(&self, role: Role) -> impl Iterator<Item = &Party> {
        self.parties.iter().filter(move |p| p.is(role))
    }

    /// The inputs of one party.
    pub fn inputs_of<'a>(&'a self, name: &'a PartyName) -> impl Iterator<Item = &'a Input> {
        self.inputs.iter().filter(move |i| i.party == *name)
    }

    /// The protocols, if the job is a joint one.
    #[must_use]
    pub const fn joint(&self) -> Option<&JointTerms> {
        match &self.protocol {
            ProtocolTerms::Joint(terms) => Some(terms),
            ProtocolTerms::Derivative(_) | ProtocolTerms::Training(_) => None,
        }
    }

    /// What must be proved about the environment, if the job runs in one.
    #[must_use]
    pub fn enclave(&self) -> Option<&EnclaveTerms> {
        self.joint().and_then(|joint| joint.enclave.as_ref())
    }

    /// The protocols, to be changed while the contract is written.
    pub const fn joint_mut(&mut self) -> Option<&mut JointTerms> {
        match &mut self.protocol {
            ProtocolTerms::Joint(terms) => Some(terms),
            ProtocolTerms::Derivative(_) | ProtocolTerms::Training(_) => None,
        }
    }

    /// The policy, if the job de-identifies one party's rows.
    #[must_use]
    pub const fn derivative(&self) -> Option<&DerivativeTerms> {
        match &self.protocol {
            ProtocolTerms::Joint(_) | ProtocolTerms::Training(_) => None,
            ProtocolTerms::Derivative(terms) => Some(terms),
        }
    }

    /// What is trained, if parties with the same columns train a model.
    #[must_use]
    pub const fn training(&self) -> Option<&TrainingTerms> {
        match &self.protocol {
            ProtocolTerms::Joint(_) | ProtocolTerms::Derivative(_) => None,
            ProtocolTerms::Training(terms) => Some(terms),
        }
    }

    /// What is asked of joined rows; nothing in other jobs.
    #[must_use]
    pub fn steps(&self) -> &[StepTerms] {
        self.joint().map_or(&[], |joint| &joint.steps)
    }

    /// The step about a model that stays split, if that is what the job is about.
    #[must_use]
    pub fn split_model(&self) -> Option<(&StepTerms, &ModelTerms)> {
        self.steps().iter().find_map(|step| Some((step, step.split_model()?)))
    }

    /// The parties whose parts of the output make up the result, in the order in which they are put together.
    pub fn shareholders(&self) -> Vec<&PartyName> {
        match &self.protocol {
            ProtocolTerms::Joint(JointTerms { statistics: s, .. }) => vec![&s.left.party, &s.right.party, &s.helper],
            ProtocolTerms::Derivative(_) | ProtocolTerms::Training(_) => self.with_role(Role::Computing).map(|p| &p.name).collect(),
        }
    }

    /// Whether the rows are asked nothing but one set of statistics.
    #[must_use]
    pub fn is_statistics(&self) -> bool {
        matches!(self.steps(), [StepTerms::Stats { .. }])
    }

    /// The group of the only step, if it is statistics by a category.
    #[must_use]
    pub fn grouping(&self) -> Option<&GroupingTerms> {
        match self.steps() {
            [StepTerms::Stats { group, .. }] => group.as_ref(),
            _ => None,
        }
    }

    /// Whether the party is the left or the right side of the statistics.
    #[must_use]
    pub fn side_of(&self, name: &PartyName) -> Option<Side> {
        let statistics = &self.joint()?.statistics;
        if statistics.left.party == *name {
            Some(Side::Left)
        } else if statistics.right.party == *name {
            Some(Side::Right)
        } else {
            None
        }
    }

    /// The pair of inputs that the limit on runs per day counts (data sets, sorted; versions do not matter, or a
    /// touched file would start a new count).
    #[must_use]
    pub fn input_pair(&self) -> Vec<&crate::id::DatasetId> {
        let mut pair: Vec<_> = self.inputs.iter().map(|i| &i.dataset).collect();
        pair.sort();
        pair
    }
}
