//! The decision.

use serde::{Deserialize, Serialize};

use super::Policy;
use crate::binding::Binding;
use crate::claims::{Claims, definition};
use crate::evidence::Kind;
use crate::fault::Fault;
use crate::instant::Instant;
use crate::signed::Document as _;
use crate::text::{Lang, Text};
use crate::verify::{Hardware, Origin, Verified};

/// Evidence that passed a policy: the only thing that opens anything.
///
/// It is made by [`Policy::appraise`] and by nothing else:
/// ```compile_fail
/// use yu_tee_attest::{Hardware, Verified, policy::Affirmed};
/// fn shortcut(verified: Verified<Hardware>) -> Affirmed<Hardware> {
///     Affirmed { verified, policy_hash: [0; 32] }
/// }
/// ```
/// and verified evidence is not enough where it is asked for:
/// ```compile_fail
/// use yu_tee_attest::{Hardware, Verified, policy::Affirmed};
/// fn open(_: &Affirmed<Hardware>) {}
/// fn skip(verified: &Verified<Hardware>) {
///     open(verified);
/// }
/// ```
#[derive(Debug)]
pub struct Affirmed<O: Origin> {
    verified: Verified<O>,
    policy_hash: [u8; 32],
    any_code: bool,
}

impl<O: Origin> Affirmed<O> {
    pub(crate) const fn of(verified: Verified<O>, policy_hash: [u8; 32], any_code: bool) -> Self {
        Self { verified, policy_hash, any_code }
    }

    /// Whether the policy admits any code: to look at evidence, not to release anything.
    pub(crate) const fn any_code(&self) -> bool {
        self.any_code
    }

    /// Which environment spoke.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.verified.kind
    }

    /// What it said.
    #[must_use]
    pub const fn claims(&self) -> &Claims {
        &self.verified.claims
    }

    /// What its report data was compared with.
    #[must_use]
    pub const fn binding(&self) -> &Binding {
        &self.verified.binding
    }

    /// The instant of the verdict.
    #[must_use]
    pub const fn at(&self) -> Instant {
        self.verified.at
    }

    /// Hash of the policy that it passed.
    #[must_use]
    pub const fn policy_hash(&self) -> [u8; 32] {
        self.policy_hash
    }

    /// Hash of the evidence.
    #[must_use]
    pub const fn evidence_hash(&self) -> [u8; 32] {
        self.verified.evidence_hash
    }

    /// Hash of the bundle of collateral.
    #[must_use]
    pub const fn collateral_hash(&self) -> [u8; 32] {
        self.verified.collateral_hash
    }
}

/// Why evidence does not pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Denial {
    /// The rule.
    pub rule: String,
    /// The claim.
    pub claim: String,
    /// What the rule asks.
    pub expected: String,
    /// What the evidence says; empty where it says nothing.
    pub found: String,
    /// What to do.
    pub remedy: Text,
}

impl Denial {
    /// The whole as one sentence.
    #[must_use]
    pub fn message(&self, lang: Lang) -> String {
        let words = definition(&self.claim);
        let (rule, claim, expected, remedy) = (&self.rule, &self.claim, &self.expected, self.remedy.get(lang));
        match lang {
            Lang::En => {
                let found = if self.found.is_empty() { "nothing" } else { &self.found };
                format!(
                    "rule `{rule}`: {} (`{claim}`) must be {expected}, found {found}; remedy: {remedy}",
                    words.map_or("claim", |d| d.en)
                )
            }
            Lang::Zh => {
                let found = if self.found.is_empty() { "无" } else { &self.found };
                format!("规则 `{rule}`：{}（`{claim}`）应为 {expected}，实为 {found}；处理办法：{remedy}", words.map_or("声明", |d| d.zh))
            }
        }
    }
}

/// What a denial takes at most from evidence: names are short, measurements 48 bytes.
const MOST_FOUND: usize = 256;

impl Policy {
    /// Decides. Consumes the evidence: it is affirmed, or it is gone.
    ///
    /// # Errors
    /// The first rule that it does not pass.
    pub fn appraise(&self, verified: Verified<Hardware>) -> std::result::Result<Affirmed<Hardware>, Box<Denial>> {
        let policy_hash = self.judge(&verified)?;
        Ok(Affirmed::of(verified, policy_hash, self.any_code))
    }

    /// Every rule that the evidence does not pass, for people who look at it.
    #[must_use]
    pub fn denials(&self, claims: &Claims, kind: Kind) -> Vec<Denial> {
        self.rules_for(kind)
            .iter()
            .filter_map(|rule| {
                let value = claims.get(&rule.claim);
                let passes = value.map_or(rule.may_be_absent, |value| rule.test.passes(value));
                (!passes).then(|| Denial {
                    rule: rule.name.clone(),
                    claim: rule.claim.clone(),
                    expected: rule.test.show(),
                    found: value.map(|value| value.show().chars().take(MOST_FOUND).collect()).unwrap_or_default(),
                    remedy: remedy(&rule.name),
                })
            })
            .collect()
    }

    fn judge(&self, verified: &Verified<Hardware>) -> std::result::Result<[u8; 32], Box<Denial>> {
        let wrong = |rule: &str, fault: Fault| {
            Box::new(Denial {
                rule: rule.to_owned(),
                claim: String::new(),
                expected: fault.detail.what.en.clone(),
                found: String::new(),
                remedy: fault.detail.remedy.clone(),
            })
        };
        self.check().map_err(|fault| wrong("policy", fault))?;
        self.span().check(verified.at).map_err(|fault| wrong("policy-dates", fault))?;
        if !self.kinds.contains(&verified.kind) {
            return Err(Box::new(Denial {
                rule: "kinds".to_owned(),
                claim: "evidence.kind".to_owned(),
                expected: self.kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", "),
                found: verified.kind.name().to_owned(),
                remedy: remedy("kinds"),
            }));
        }
        match self.denials(&verified.claims, verified.kind).into_iter().next() {
            Some(denial) => Err(Box::new(denial)),
            None => self.hash().map_err(|fault| wrong("policy", fault)),
        }
    }
}

/// What to do about a rule of a profile; a policy's own rules are about the code.
fn remedy(rule: &str) -> Text {
    let (en, zh) = match rule {
        "hardware" => ("run the worker on a machine with a trusted execution environment", "请在具备可信执行环境的机器上运行计算方"),
        "no-debug" => ("start the environment without debugging", "请关闭调试模式后重新启动"),
        "bound-to-session" => ("ask the peer for evidence in a session of this job", "请在本任务的会话中向对端索取证据"),
        "tcb-status" | "tcb-status-nested" => (
            "the operator installs the microcode and firmware that the advisories name and restarts the machine; or the policy's signer accepts the state by a rule",
            "请运营方安装公告所列微码与固件并重启；或由策略签署者以规则接受该状态",
        ),
        "revocation-lists" => ("put the revocation lists of every issuer into the bundle", "请将各颁发者的吊销列表放入背书材料"),
        "collateral-age" | "bundle-age" => ("carry a new collateral bundle into the domain", "请将新的背书材料带入域内"),
        "no-service-domain" => ("run without a service domain, or name its measurement in a rule", "请不使用服务域，或以规则指明其度量值"),
        "memory-faults-reported" => ("the operator starts the domain with SEPT_VE_DISABLE", "请以 SEPT_VE_DISABLE 启动该可信域"),
        "highest-privilege" => ("let the measured code itself ask for the report, at VMPL 0", "请由被度量代码在 VMPL 0 请求报告"),
        "kinds" => ("use a kind of environment that the policy admits", "请使用策略允许的环境种类"),
        _ => (
            "compare with the reference values: another code runs than the one that was reviewed, or the policy is old",
            "请与参考值比对：运行的不是经审核的代码，或策略已过时",
        ),
    };
    Text::new(en, zh)
}
