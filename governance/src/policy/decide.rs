//! Hard rules and the party's own policy together; the only place where a [`Permit`] is made.

use super::case::Case;
use super::cedar::{PolicySet, Ruling};
use super::hard;
use super::hard::{proven_approval, proven_authorisation};
use super::input::PolicyInput;
use crate::canonical::Hash;
use crate::clock::Time;
use crate::contract::{Admitted, ConsentTerms};
use crate::finding::Finding;
use crate::id::{ColumnSet, DatasetId, JobId, Purpose, Scenario};

/// Proof that policy allowed this job to read these columns of this data set, for this purpose, until `expiry`
/// (许可凭证). Made by [`decide`] and nowhere else; it cannot be written, copied, stored or sent.
///
/// ```compile_fail,E0451
/// use yu_governance::policy::Permit;
/// // private fields: a permit cannot be made up
/// let permit = Permit { job: todo!(), dataset: todo!(), version: todo!(), columns: todo!(), scenario: todo!(),
///                       purpose: todo!(), consent: todo!(), expiry: todo!() };
/// ```
/// ```compile_fail,E0277
/// fn clone<T: Clone>() {}
/// clone::<yu_governance::policy::Permit>();
/// ```
/// ```compile_fail,E0277
/// // a permit that could be read from bytes could be forged
/// fn read<T: serde::de::DeserializeOwned>() {}
/// read::<yu_governance::policy::Permit>();
/// ```
#[derive(Debug)]
pub struct Permit {
    job: JobId,
    dataset: DatasetId,
    version: Hash,
    columns: ColumnSet,
    scenario: Scenario,
    purpose: Purpose,
    consent: ConsentTerms,
    expiry: Time,
}

impl Permit {
    /// For which job.
    #[must_use]
    pub const fn job(&self) -> JobId {
        self.job
    }

    /// For which data set.
    #[must_use]
    pub const fn dataset(&self) -> &DatasetId {
        &self.dataset
    }

    /// For which version of it.
    #[must_use]
    pub const fn version(&self) -> Hash {
        self.version
    }

    /// For which columns.
    #[must_use]
    pub const fn columns(&self) -> &ColumnSet {
        &self.columns
    }

    /// For which scenario.
    #[must_use]
    pub const fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// For which purpose.
    #[must_use]
    pub const fn purpose(&self) -> &Purpose {
        &self.purpose
    }

    /// Under which consent filter.
    #[must_use]
    pub const fn consent(&self) -> &ConsentTerms {
        &self.consent
    }

    /// First second at which it is no longer valid (A4: also for a job that is running).
    #[must_use]
    pub const fn expiry(&self) -> Time {
        self.expiry
    }
}

/// The answer. There is no third one.
#[derive(Debug)]
#[must_use]
pub enum Decision {
    /// The job may run as far as this party is concerned.
    Permitted {
        /// One permit for each of this party's inputs; none if it brings no data.
        permits: Vec<Permit>,
        /// Which statements of the policy permitted what.
        rulings: Vec<Ruling>,
        /// Hash of the policy text.
        policy: Hash,
    },
    /// The job may not run.
    Denied {
        /// All reasons at once (A8: a single notice).
        findings: Vec<Finding>,
        /// Hash of the policy text.
        policy: Hash,
    },
}

/// All reasons why the contract may not run, before anybody has signed it; empty means that this party may sign.
#[must_use]
pub fn check(input: &PolicyInput<'_>, policy: &PolicySet) -> Vec<Finding> {
    Case::new(*input).check(policy)
}

/// Decides on an admitted contract. `input.contract` must be that contract.
///
/// Before admission use [`check`]: a permit exists only for a contract that every party has signed.
pub fn decide(admitted: &Admitted, input: &PolicyInput<'_>, policy: &PolicySet) -> Decision {
    decide_case(admitted, &Case::new(*input), policy)
}

/// The same, with what is known of the documents.
pub(super) fn decide_case(admitted: &Admitted, input: &Case<'_>, policy: &PolicySet) -> Decision {
    let denied = |findings| Decision::Denied { findings, policy: policy.hash() };
    if input.job() != Some(admitted.id()) {
        return denied(vec![Finding::new(
            "admission.other-contract",
            "contract",
            ("the contract to decide on is not the admitted one", "待判定的合约不是已准入的合约"),
            ("admit the contract first", "先完成合约准入"),
        )]);
    }
    let mut findings = hard::check_case(input);
    let rulings = match policy.rule_case(input) {
        Ok(rulings) => rulings,
        Err(more) => {
            findings.extend(more);
            Vec::new()
        }
    };
    if !findings.is_empty() {
        return denied(findings);
    }
    match permits(admitted.id(), input) {
        Some(permits) => Decision::Permitted { permits, rulings, policy: policy.hash() },
        // INVARIANT: the hard rules demand these documents; if one is gone all the same, the answer is no
        None => denied(vec![Finding::new(
            "admission.documents",
            input.me,
            ("a document of the job cannot be proven", "任务文件无法得到验证"),
            ("obtain the signed documents again", "重新获取签署文件"),
        )]),
    }
}

fn permits(job: JobId, input: &Case<'_>) -> Option<Vec<Permit>> {
    let c = input.contract;
    let authorisation = proven_authorisation(input)?;
    c.inputs_of(input.me)
        .map(|i| {
            let approval = proven_approval(input, i)?;
            Some(Permit {
                job,
                dataset: i.dataset.clone(),
                version: i.version,
                columns: i.columns.clone(),
                scenario: c.scenario.clone(),
                purpose: c.purpose.clone(),
                consent: i.consent.clone(),
                expiry: c.expires.min(authorisation.not_after).min(approval.not_after),
            })
        })
        .collect()
}
