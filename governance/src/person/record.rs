//! A person's record: posts, who answers for a guest (H5), and the four evidences before the post (H1).

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::canonical::{Hash, digest};
use crate::clock::Time;
use crate::finding::Finding;
use crate::id::PersonId;
use crate::sign::SignedType;

/// A real name with its identity number under the registrar's secret salt: equal for one person wherever he or she is enrolled.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RealNameRef(Hash);

impl RealNameRef {
    /// The reference of an identity as the registrar writes it.
    #[must_use]
    pub fn new(salt: &[u8; 32], identity: &str) -> Self {
        let inner = zeroize::Zeroizing::new([salt.as_slice(), identity.as_bytes()].concat());
        let inner = digest("yu-person-identity-v1", &inner);
        // hashed twice under the salt, as references of subjects are
        let outer = zeroize::Zeroizing::new([salt.as_slice(), inner.as_bytes()].concat());
        Self(digest("yu-person-identity-outer-v1", &outer))
    }
}

impl fmt::Debug for RealNameRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RealNameRef")
    }
}

/// What a person does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Post {
    /// 管理人员.
    Manager,
    /// 技术人员.
    Technician,
    /// 运营人员.
    Operations,
    /// Decides on results and products.
    Reviewer,
    /// Member of the expert group.
    Expert,
    /// 运维人员.
    Maintenance,
    /// 系统管理员.
    SystemAdministrator,
    /// 安全管理员.
    SecurityAdministrator,
    /// 审计管理员.
    AuditAdministrator,
}

impl Post {
    /// The three that one person never holds two of (D12).
    pub const ADMINISTRATORS: [Self; 3] = [Self::SystemAdministrator, Self::SecurityAdministrator, Self::AuditAdministrator];

    /// The word used in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Manager => "manager",
            Self::Technician => "technician",
            Self::Operations => "operations",
            Self::Reviewer => "reviewer",
            Self::Expert => "expert",
            Self::Maintenance => "maintenance",
            Self::SystemAdministrator => "system-administrator",
            Self::SecurityAdministrator => "security-administrator",
            Self::AuditAdministrator => "audit-administrator",
        }
    }
}

/// How a person belongs to the organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "belongs", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Belonging {
    /// Employed.
    Staff {
        /// First second out of the post, if it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Time>,
    },
    /// From an outside partner or for maintenance (H5).
    Guest {
        /// Who answers for the guest: staff of the same organisation.
        sponsor: PersonId,
        /// First second out.
        until: Time,
    },
}

/// A document with its term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// Hash of the document.
    pub document: Hash,
    /// First valid second.
    pub not_before: Time,
    /// First second that is no longer valid.
    pub not_after: Time,
}

/// Who ran a training: ZJ names the province, NB and TZ the authority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrainingBody {
    /// The province's authority.
    Province,
    /// The authority of the place.
    Authority,
}

/// Training before the post (岗前培训).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Training {
    /// The certificate.
    pub proof: Proof,
    /// Who ran it.
    pub by: TrainingBody,
}

/// Agreement of secrecy (保密协议); it must name a term and the liability for a breach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nda {
    /// The agreement; its term is the term of secrecy.
    pub proof: Proof,
    /// Hash of the clause on liability; an agreement without one does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liability: Option<Hash>,
}

/// The four evidences of H1.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Evidences {
    /// Real-name authentication and filing (实名认证、备案).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub real_name: Option<Proof>,
    /// Vetting (审查).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vetting: Option<Proof>,
    /// Training.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub training: Option<Training>,
    /// Secrecy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nda: Option<Nda>,
}

/// One person in one organisation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonRecord {
    /// Format version, 1.
    pub v: u32,
    /// Pseudonymous number within the organisation.
    pub id: PersonId,
    /// Who it is, for the comparison across organisations.
    pub real_name: RealNameRef,
    /// What the person does; at least one.
    pub posts: BTreeSet<Post>,
    /// How the person belongs to the organisation.
    pub belonging: Belonging,
    /// The four evidences.
    pub evidences: Evidences,
}

impl SignedType for PersonRecord {
    const TYPE: &'static str = "person-record-v1";
}

/// What a jurisdiction demands of people; profile data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PersonRules {
    /// Whose training counts.
    pub training_by: BTreeSet<TrainingBody>,
    /// Posts that a guest may hold (H5).
    pub guest_posts: BTreeSet<Post>,
    /// Longest life of a credential in seconds.
    pub credential_seconds: i64,
    /// Longest life of a session in seconds.
    pub session_seconds: i64,
}

impl PersonRecord {
    /// The four evidences by name, each with its term.
    #[must_use]
    pub fn proofs(&self) -> [(&'static str, &'static str, Option<Proof>); 4] {
        let e = &self.evidences;
        [
            ("real-name", "实名认证与备案", e.real_name),
            ("vetting", "审查", e.vetting),
            ("training", "岗前培训", e.training.map(|t| t.proof)),
            ("nda", "保密协议", e.nda.map(|n| n.proof)),
        ]
    }

    /// Which evidences do not hold at `now`, all at once (H1); empty means that all four do.
    ///
    /// Codes: `person.real-name-missing`, `person.vetting-expired` and so on, `person.training-body`, `person.nda-liability`.
    #[must_use]
    pub fn check_evidences(&self, rules: &PersonRules, now: Time) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut add = |code: String, en: String, zh: String| {
            let what = (format!("person `{}`: {en}", self.id), format!("人员 `{}`：{zh}", self.id));
            found.push(Finding::new(&code, self.id.organisation(), what, ("supply the evidence, then apply again", "补齐材料后重新申请")));
        };
        for (name, zh, proof) in self.proofs() {
            match proof {
                None => add(format!("person.{name}-missing"), format!("{name} is missing"), format!("缺少{zh}")),
                Some(p) if now >= p.not_after => {
                    add(
                        format!("person.{name}-expired"),
                        format!("{name} ended at {}", p.not_after),
                        format!("{zh}已于 {} 到期", p.not_after),
                    );
                }
                Some(p) if now < p.not_before => {
                    add(
                        format!("person.{name}-not-yet"),
                        format!("{name} begins at {}", p.not_before),
                        format!("{zh}自 {} 起有效", p.not_before),
                    );
                }
                Some(_) => {}
            }
        }
        if self.evidences.training.is_some_and(|t| !rules.training_by.contains(&t.by)) {
            let (en, zh) = ("the training was run by a body that does not count here", "岗前培训的组织方不符合本地区要求");
            add("person.training-body".into(), en.into(), zh.into());
        }
        if self.evidences.nda.is_some_and(|n| n.liability.is_none()) {
            let (en, zh) = ("the agreement of secrecy states no liability", "保密协议未明确违约责任");
            add("person.nda-liability".into(), en.into(), zh.into());
        }
        found
    }

    /// First second at which an evidence, or the post, is over; `None` if an evidence is missing.
    #[must_use]
    pub fn ends(&self) -> Option<Time> {
        let proofs = self.proofs().into_iter().map(|(_, _, proof)| proof.map(|p| p.not_after));
        let first = proofs.collect::<Option<Vec<Time>>>()?.into_iter().min()?;
        Some(match self.belonging {
            Belonging::Staff { until } => until.map_or(first, |until| until.min(first)),
            Belonging::Guest { until, .. } => until.min(first),
        })
    }
}
