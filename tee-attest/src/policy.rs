//! What an organisation asks of evidence before anything is opened: typed rules over the claims, checked when they are loaded.
//!
//! A rule names a claim of the schema and a test of the claim's type; a claim that the evidence does not have denies,
//! unless the rule says that it may be absent. Every denial names rule, claim, what was expected, what was found, and what
//! to do. A policy names the code it trusts: one without a reference value for a kind it admits is refused when loaded.

mod appraise;
mod profile;
mod test;

use serde::{Deserialize, Serialize};

use crate::claims::definition;
use crate::evidence::Kind;
use crate::fault::{Fault, Result};
use crate::instant::{Instant, Span};
use crate::signed::Document;

pub use appraise::{Affirmed, Denial};
pub use profile::{Profile, measurement_claims};
pub use test::Test;

/// A policy of attestation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Policy {
    /// Its name, for people.
    pub name: String,
    /// The profile whose rules come first.
    pub profile: Profile,
    /// Kinds of hardware that are admitted.
    pub kinds: Vec<Kind>,
    /// First and last instant at which it holds; absent: always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Instant>,
    /// See `from`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Instant>,
    /// Rules of its own, with the reference values.
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// Admits any code. To look at evidence, never to release a key.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub any_code: bool,
}

/// One rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Rule {
    /// Its name: what a denial says. A rule of the policy replaces the profile's rule of the same name.
    pub name: String,
    /// Kinds that it applies to; empty: all that can have the claim.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub kinds: Vec<Kind>,
    /// The claim.
    pub claim: String,
    /// What is asked of it.
    pub test: Test,
    /// Evidence without the claim passes.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub may_be_absent: bool,
}

/// Rules and names that a policy may have.
const MOST_RULES: usize = 256;

impl Document for Policy {
    const DOMAIN: &'static str = "yu attestation policy 1";
    const NAME: &'static str = "attestation policy";
    const MOST_BYTES: usize = 1 << 18;

    fn check(&self) -> Result<()> {
        if self.kinds.is_empty() {
            return Err(wrong("policy.kinds", &self.name, "it admits no kind of evidence", "未列出任何证据种类"));
        }
        if self.rules.len() > MOST_RULES {
            return Err(wrong("policy.rules", &self.name, "more than 256 rules", "规则超过 256 条"));
        }
        for (index, rule) in self.rules.iter().enumerate() {
            if rule.name.is_empty() || rule.name.len() > 64 || self.rules.iter().take(index).any(|other| other.name == rule.name) {
                return Err(wrong(
                    "policy.rule-name",
                    &rule.name,
                    "a rule name that is empty, too long, or there twice",
                    "规则名为空、过长或重复",
                ));
            }
            rule.check()?;
        }
        if let Some(kind) = self.kinds.iter().find(|kind| !Kind::HARDWARE.contains(kind)) {
            return Err(wrong(
                "policy.simulated",
                &self.name,
                &format!("`{}` is not hardware: no policy of hardware admits it", kind.name()),
                &format!("`{}` 并非硬件：硬件策略一律不接受", kind.name()),
            ));
        }
        for kind in self.kinds.iter().filter(|_| !self.any_code) {
            let names_code = |rule: &Rule| {
                measurement_claims(*kind).contains(&rule.claim.as_str())
                    && rule.applies_to(*kind)
                    && !rule.may_be_absent
                    && rule.test.names_values()
            };
            if !self.rules.iter().any(names_code) {
                return Err(wrong(
                    "policy.no-measurement",
                    &self.name,
                    &format!("no rule says which code is trusted on `{}`", kind.name()),
                    &format!("没有规则指明 `{}` 上可信的代码", kind.name()),
                )
                .remedy(
                    format!("add a rule with reference values for one of: {}", measurement_claims(*kind).join(", ")),
                    format!("请为下列声明之一添加带参考值的规则：{}", measurement_claims(*kind).join("、")),
                ));
            }
        }
        Ok(())
    }
}

impl Policy {
    /// Every rule that applies to a kind: the profile's, then its own.
    pub(crate) fn rules_for(&self, kind: Kind) -> Vec<Rule> {
        // for the kinds that the own rule applies to, and no others
        let own = |name: &str| self.rules.iter().any(|rule| rule.name == name && rule.applies_to(kind));
        let profile = self.profile.rules().into_iter().filter(|rule| !own(&rule.name));
        profile.chain(self.rules.iter().cloned()).filter(|rule| rule.applies_to(kind)).collect()
    }

    /// The dates.
    pub(crate) fn span(&self) -> Span {
        Span::new(
            format!("attestation policy `{}`", self.name),
            self.from.unwrap_or(Instant(i64::MIN)),
            self.until.unwrap_or(Instant(i64::MAX)),
        )
    }
}

impl Rule {
    /// Whether it is looked at for this kind.
    pub(crate) fn applies_to(&self, kind: Kind) -> bool {
        definition(&self.claim).is_some_and(|claim| claim.applies_to(kind)) && (self.kinds.is_empty() || self.kinds.contains(&kind))
    }

    fn check(&self) -> Result<()> {
        let Some(claim) = definition(&self.claim) else {
            // separators are what people get wrong, and words of other versions
            let letters = |name: &str| name.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
            let last = |name: &str| name.split_once('.').map(|(_, last)| letters(last));
            let near: Vec<&str> = crate::claims::schema()
                .map(|claim| claim.name)
                .filter(|name| letters(name) == letters(&self.claim) || last(name).is_some() && last(name) == last(&self.claim))
                .take(5)
                .collect();
            return Err(wrong(
                "policy.claim",
                &self.name,
                &format!("no claim is called `{}`", self.claim),
                &format!("不存在声明 `{}`", self.claim),
            )
            .remedy(
                if near.is_empty() {
                    "`yu attest claims` lists all claims".to_owned()
                } else {
                    format!("did you mean {}?", near.join(", "))
                },
                if near.is_empty() {
                    "`yu attest claims` 可列出全部声明".to_owned()
                } else {
                    format!("是否指 {}？", near.join("、"))
                },
            ));
        };
        if let Some(kind) = self.kinds.iter().find(|kind| !claim.applies_to(**kind)) {
            return Err(wrong(
                "policy.kind",
                &self.name,
                &format!("evidence of kind `{}` never has the claim `{}`", kind.name(), self.claim),
                &format!("`{}` 类证据不含声明 `{}`", kind.name(), self.claim),
            ));
        }
        self.test.check(&self.name, claim)
    }
}

pub(crate) fn wrong(code: &'static str, rule: &str, en: &str, zh: &str) -> Fault {
    Fault::new(code, format!("rule `{}`", rule.chars().take(64).collect::<String>()), en, zh)
        .remedy("correct the policy file and sign it again", "请修正策略文件并重新签署")
}
