//! A verdict as it is logged, and had again years later from the same evidence, bundle and policy.

use serde::{Deserialize, Serialize};

use crate::binding::Binding;
use crate::bundle::Bundle;
use crate::collateral::VerifiedCollateral;
use crate::crypto::Provider;
use crate::evidence::Evidence;
use crate::fault::{Fault, Result};
use crate::instant::Instant;
use crate::policy::{Affirmed, Denial, Policy};
use crate::signed::Document as _;
use crate::text::{Lang, Text};
use crate::verify::{Hardware, verify};

/// What came out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is")]
#[non_exhaustive]
pub enum Outcome {
    /// It passed.
    Affirmed,
    /// It is true, and a rule of the policy is not met.
    Denied(Denial),
    /// It is not true, or could not be verified.
    Refused {
        /// Code of the fault.
        code: String,
        /// Which part.
        place: String,
        /// What is wrong.
        what: Text,
        /// What to do.
        remedy: Text,
    },
}

impl Outcome {
    /// The whole as one sentence.
    #[must_use]
    pub fn message(&self, lang: Lang) -> String {
        match (self, lang) {
            (Self::Affirmed, Lang::En) => "affirmed: the evidence is true and passes the policy".to_owned(),
            (Self::Affirmed, Lang::Zh) => "通过：证据真实且符合策略".to_owned(),
            (Self::Denied(denial), _) => denial.message(lang),
            (Self::Refused { place, what, remedy, code }, Lang::En) => format!("{} ({place}) [{code}]; remedy: {}", what.en, remedy.en),
            (Self::Refused { place, what, remedy, code }, Lang::Zh) => format!("{}（{place}）[{code}]；处理办法：{}", what.zh, remedy.zh),
        }
    }

    /// The rule or fault that decided: what a log is searched for.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Affirmed => "affirmed",
            Self::Denied(denial) => &denial.rule,
            Self::Refused { code, .. } => code,
        }
    }
}

/// A verdict with everything that it depends on, by hash.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Verdict {
    /// Kind of the evidence. `simulated` says that no hardware stands behind it.
    pub kind: String,
    /// Hash of the evidence.
    #[serde(with = "hex::serde")]
    pub evidence: [u8; 32],
    /// Hash of the bundle.
    #[serde(with = "hex::serde")]
    pub bundle: [u8; 32],
    /// Hash of the policy.
    #[serde(with = "hex::serde")]
    pub policy: [u8; 32],
    /// The instant at which it was given.
    pub at: Instant,
    /// What the report data was compared with.
    pub binding: Binding,
    /// What came out.
    pub outcome: Outcome,
}

/// A policy with collateral: gives verdicts.
pub struct Judge<'a> {
    /// Signature checks.
    pub provider: &'a dyn Provider,
    /// What makers publish.
    pub collateral: &'a VerifiedCollateral,
    /// What is asked.
    pub policy: &'a Policy,
}

impl Judge<'_> {
    /// Verifies and appraises. The verdict is to be logged whether the evidence passes or not.
    ///
    /// # Errors
    /// Only if the policy itself cannot be named by a hash; evidence that fails is a verdict.
    pub fn judge(&self, evidence: &Evidence, at: Instant, binding: &Binding) -> Result<(Option<Affirmed<Hardware>>, Verdict)> {
        let (affirmed, outcome) = match verify(self.provider, evidence, self.collateral, at, binding) {
            Err(fault) => (None, refused(fault)),
            Ok(verified) => match self.policy.appraise(verified) {
                Ok(affirmed) => (Some(affirmed), Outcome::Affirmed),
                Err(denial) => (None, Outcome::Denied(*denial)),
            },
        };
        let verdict = Verdict {
            kind: evidence.kind().name().to_owned(),
            evidence: evidence.hash(),
            bundle: self.collateral.hash(),
            policy: self.policy.hash()?,
            at,
            binding: binding.clone(),
            outcome,
        };
        Ok((affirmed, verdict))
    }
}

/// A fault as an outcome.
pub(crate) fn refused(fault: Fault) -> Outcome {
    let detail = *fault.detail;
    Outcome::Refused { code: fault.code.to_owned(), place: detail.place, what: detail.what, remedy: detail.remedy }
}

impl Verdict {
    /// Gives the verdict again from what was stored, and compares.
    ///
    /// # Errors
    /// `replay.other` if evidence, bundle or policy are not those that it names; `replay.differs` if the same input gives
    /// another verdict, which says that the verifier changed or the log was forged; faults of the bundle.
    pub fn replay(&self, provider: &dyn Provider, evidence: &Evidence, bundle: &Bundle, policy: &Policy) -> Result<()> {
        same("evidence", evidence.hash(), self.evidence)?;
        same("bundle", bundle.hash()?, self.bundle)?;
        same("policy", policy.hash()?, self.policy)?;
        let collateral = bundle.verify(provider)?;
        let (_, again) = Judge { provider, collateral: &collateral, policy }.judge(evidence, self.at, &self.binding)?;
        self.compare(&again)
    }

    pub(crate) fn compare(&self, again: &Self) -> Result<()> {
        if again == self {
            return Ok(());
        }
        Err(Fault::new(
            "replay.differs",
            "verdict",
            format!("the same input now gives `{}`, the log says `{}`", again.outcome.reason(), self.outcome.reason()),
            format!("同样的输入现得出 `{}`，而日志记载为 `{}`", again.outcome.reason(), self.outcome.reason()),
        )
        .remedy(
            "compare the versions of the verifier; if they are equal the entry was forged",
            "请比对核验程序版本；若相同，则该日志条目系伪造",
        ))
    }
}

pub(crate) fn same(what: &str, found: [u8; 32], expected: [u8; 32]) -> Result<()> {
    if found == expected {
        return Ok(());
    }
    Err(Fault::new(
        "replay.other",
        what,
        format!("hash {} where the verdict names {}", hex::encode(found), hex::encode(expected)),
        format!("哈希为 {}，而裁定所列为 {}", hex::encode(found), hex::encode(expected)),
    )
    .remedy("give the stored file that the entry names", "请提供该条目所列的存档文件"))
}
