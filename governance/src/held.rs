//! Held results (待审结果) at the reviewer: shares arrive, are complete, are checked, are decided.
//!
//! Each state is a type, each step consumes the state before it; none can be skipped:
//! `Held<Collecting>` → `Held<Complete>` → `Held<Checked>` → [`Reviewed`].
//!
//! After a crash the reviewer collects the stored shares again; with the same salt everything comes out the same.

use std::collections::BTreeMap;

use crate::canonical::Hash;
use crate::check::{CheckReport, InputAttestation, Reviewable, report};
use crate::clock::Time;
use crate::contract::{Admitted, Contract, Role};
use crate::error::{Error, Result};
use crate::id::{JobId, PartyName, document_hash};
use crate::lineage::Trace;
use crate::policy::Dossier;
use crate::release::{Decider, Released, ResultDocument, ReviewDecision, ReviewVerdict, Reviewed, Withheld};
use crate::sheet::{self, Answer, Line};
use crate::sign::{KeyRing, Signed};
use crate::text::Text;

/// A result in one of its states. Not printable, not copyable.
///
/// ```compile_fail,E0277
/// fn print<T: std::fmt::Debug>() {}
/// print::<yu_governance::held::Held<yu_governance::held::Collecting<u8>>>();
/// ```
/// ```compile_fail,E0277
/// fn copy<T: Clone>() {}
/// copy::<yu_governance::held::Held<yu_governance::held::Collecting<u8>>>();
/// ```
/// ```compile_fail,E0599
/// // a result that was not checked cannot be decided
/// use yu_governance::{check::Reviewable, held::{Complete, Held}};
/// fn skip<V: Reviewable>(held: Held<Complete<V>>, decision: &yu_governance::sign::Signed<yu_governance::release::ReviewDecision>,
///                        keys: &yu_governance::sign::KeyRing) {
///     let _ = held.decide(decision, keys);
/// }
/// ```
pub struct Held<S> {
    job: JobId,
    contract: Contract,
    state: S,
}

/// Shares are arriving, one of each computing party, as sealed or opened by the caller.
pub struct Collecting<P> {
    shares: BTreeMap<PartyName, P>,
}

/// All shares were put together.
pub struct Complete<V> {
    document: Option<ResultDocument<V>>,
    culprits: Vec<PartyName>,
}

/// The automatic checks were made.
pub struct Checked<V> {
    document: Option<ResultDocument<V>>,
    report: CheckReport,
    report_hash: Hash,
}

/// What came of putting the shares together. Two copies of each share arrive, from two parties.
pub enum Reconstruction<V> {
    /// All copies agree.
    Consistent(V),
    /// Some do not.
    Inconsistent {
        /// Parties that sent one of the differing copies.
        culprits: Vec<PartyName>,
    },
}

impl<S> Held<S> {
    /// The job.
    #[must_use]
    pub const fn job(&self) -> JobId {
        self.job
    }

    /// Its contract.
    #[must_use]
    pub const fn contract(&self) -> &Contract {
        &self.contract
    }
}

impl<P> Held<Collecting<P>> {
    /// Begins to collect for an admitted contract.
    #[must_use]
    pub fn new(admitted: &Admitted) -> Self {
        Self { job: admitted.id(), contract: admitted.contract().clone(), state: Collecting { shares: BTreeMap::new() } }
    }

    /// Takes the share of one computing party.
    ///
    /// # Errors
    /// `Refused` with `held.stranger` or `held.repeated`.
    pub fn accept(&mut self, from: &PartyName, share: P) -> Result<()> {
        let refuse = |code, what: String| Err(Error::Refused { code, what });
        if !self.contract.party(from).is_some_and(|p| p.is(Role::Computing)) {
            return refuse("held.stranger", format!("`{from}` does not compute in job {}", self.job));
        }
        if self.state.shares.contains_key(from) {
            return refuse("held.repeated", format!("`{from}` has delivered its share of job {} already", self.job));
        }
        self.state.shares.insert(from.clone(), share);
        Ok(())
    }

    /// Who has not delivered yet.
    pub fn missing(&self) -> Vec<&PartyName> {
        self.contract.with_role(Role::Computing).map(|p| &p.name).filter(|n| !self.state.shares.contains_key(n)).collect()
    }

    /// Puts the shares together with `open`, which gets them in the order of [`Contract::shareholders`]. `salt` is 32 secret
    /// random bytes, the same again after a crash.
    ///
    /// # Errors
    /// `Refused` with `held.incomplete` if a share is missing; the error of `open`.
    pub fn complete<V, E: From<Error>>(
        mut self,
        salt: &[u8; 32],
        open: impl FnOnce(Vec<(PartyName, P)>) -> std::result::Result<Reconstruction<V>, E>,
    ) -> std::result::Result<Held<Complete<V>>, E> {
        let mut shares = Vec::new();
        for name in self.contract.shareholders() {
            let Some(share) = self.state.shares.remove(name) else {
                let what = format!("the share of `{name}` in job {} has not arrived", self.job);
                return Err(Error::Refused { code: "held.incomplete", what }.into());
            };
            shares.push((name.clone(), share));
        }
        let (document, culprits) = match open(shares)? {
            Reconstruction::Consistent(value) => (Some(ResultDocument { v: 1, job: self.job, salt: hex::encode(salt), value }), Vec::new()),
            Reconstruction::Inconsistent { culprits } => (None, culprits),
        };
        Ok(Held { job: self.job, contract: self.contract, state: Complete { document, culprits } })
    }
}

impl<V: Reviewable> Held<Complete<V>> {
    /// Makes all automatic checks. They never stop the review: what they find stands in the report, and a report with
    /// an objection cannot be approved.
    ///
    /// # Errors
    /// `Malformed` if the result has no canonical form (a number that is not finite).
    pub fn check(self, attestations: &[Signed<InputAttestation>], keys: &KeyRing) -> Result<Held<Checked<V>>> {
        let Complete { document, culprits } = self.state;
        let facts = match &document {
            Some(d) => Some((d.seal_up()?.1, d.value.view(&self.contract))),
            None => None,
        };
        let result = facts.as_ref().map(|(hash, view)| (*hash, view));
        let report = report(self.job, &self.contract, result, &culprits, attestations, keys);
        let report_hash = document_hash(&report)?;
        Ok(Held { job: self.job, contract: self.contract, state: Checked { document, report, report_hash } })
    }
}

impl<V: Reviewable> Held<Checked<V>> {
    /// What the automatic checks found.
    #[must_use]
    pub const fn report(&self) -> &CheckReport {
        &self.state.report
    }

    /// The result, for the eyes of the reviewing person and for nothing else; absent if the shares did not agree.
    #[must_use]
    pub fn for_reviewer(&self) -> Option<&V> {
        self.state.document.as_ref().map(|d| &d.value)
    }

    /// The five items of the review (O6), filled; see [`crate::sheet`].
    #[must_use]
    pub fn sheet(&self, dossier: &Dossier, trace: Option<&Trace>) -> Vec<Line> {
        sheet::sheet(&self.contract, dossier, trace, &self.state.report)
    }

    /// A decision on exactly this result and report, to be signed by the reviewer's node.
    #[must_use]
    pub fn draft(&self, decider: Decider, verdict: ReviewVerdict, answers: Vec<Answer>, at: Time) -> ReviewDecision {
        ReviewDecision {
            v: 1,
            job: self.job,
            reviewer: self.contract.reviewer.party.clone(),
            decider,
            verdict,
            report: self.state.report_hash,
            result: self.state.report.result,
            answers,
            at,
        }
    }

    /// The verdict that follows from the checks alone: what the demonstration's reviewer decides.
    #[must_use]
    pub fn verdict_by_checks(&self) -> ReviewVerdict {
        if self.state.report.passed() {
            return ReviewVerdict::Approved;
        }
        let mut codes = Vec::new();
        let mut en = Vec::new();
        let mut zh = Vec::new();
        for objection in self.state.report.objections() {
            codes.push(objection.code.as_str());
            en.push(objection.detail.en.as_str());
            zh.push(objection.detail.zh.as_str());
        }
        let codes = codes.join(", ");
        ReviewVerdict::Refused { reason: Text::new(format!("{codes}: {}", en.join("; ")), format!("{codes}：{}", zh.join("；"))) }
    }

    /// Applies a signed decision. The result is released only if the contract's reviewer signed an approval of this
    /// result under this report, and every check passed; a refusal drops the value.
    ///
    /// # Errors
    /// `Signature`; `Refused` with `review.other-reviewer`, `review.other-result`, `review.too-late`,
    /// `review.reason-missing`, `review.checks-failed`, those of [`sheet::approves`] and [`sheet::refuses`]. The value is dropped then as well: collect again.
    pub fn decide(self, decision: &Signed<ReviewDecision>, keys: &KeyRing) -> Result<Reviewed<V>> {
        let refuse = |code, what: String| Err(Error::Refused { code, what });
        let reviewer = &self.contract.reviewer.party;
        let d = decision.verify(keys, &[reviewer.as_str()])?;
        if d.reviewer != *reviewer {
            return refuse("review.other-reviewer", format!("the contract's reviewer is `{reviewer}`, not `{}`", d.reviewer));
        }
        let Checked { document, report, report_hash } = self.state;
        if d.v != 1 || d.job != self.job || d.report != report_hash || d.result != report.result {
            return refuse("review.other-result", format!("the decision is not on this result of job {}", self.job));
        }
        let hash = document_hash(d)?;
        if let ReviewVerdict::Refused { reason } = &d.verdict {
            if reason.is_blank() {
                return refuse("review.reason-missing", "a refusal needs a reason in both languages".into());
            }
            sheet::refuses(&d.answers)?;
            return Ok(Reviewed::Refused(Withheld { job: self.job, reason: reason.clone(), decision: hash }));
        }
        if d.at >= self.contract.expires {
            return refuse("review.too-late", format!("the contract ended at {}", self.contract.expires));
        }
        let Some(document) = document.filter(|_| report.passed()) else {
            let codes: Vec<&str> = report.objections().map(|o| o.code.as_str()).collect();
            return refuse("review.checks-failed", format!("not approvable: {}", codes.join(", ")));
        };
        sheet::approves(&d.answers, &self.contract, &d.decider)?;
        let (bytes, result) = document.seal_up()?;
        Ok(Reviewed::Released(Released {
            job: self.job,
            value: document.value,
            document: bytes,
            result,
            decision: hash,
            receivers: self.contract.receivers,
        }))
    }
}
