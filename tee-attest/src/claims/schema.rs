//! Every claim there is. Each kind of evidence has its table beside its verifier.

use serde::{Deserialize, Serialize};

use crate::evidence::Kind;

/// Type of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClaimType {
    /// Yes or no.
    Flag,
    /// A number.
    Number,
    /// Bytes, written in hexadecimal.
    Bytes,
    /// A name.
    Text,
    /// Names.
    List,
    /// A [`super::TcbStatus`].
    Tcb,
}

/// One claim of the schema.
#[derive(Debug)]
pub struct Definition {
    /// Name in policies and reports: kind, dot, the word of the format.
    pub name: &'static str,
    /// Type of the value.
    pub claim_type: ClaimType,
    /// Length in bytes where it is fixed.
    pub length: Option<usize>,
    /// What it says, in English.
    pub en: &'static str,
    /// What it says, in Chinese.
    pub zh: &'static str,
}

impl Definition {
    pub(crate) const fn new(name: &'static str, claim_type: ClaimType, en: &'static str, zh: &'static str) -> Self {
        Self { name, claim_type, length: None, en, zh }
    }

    pub(crate) const fn bytes(name: &'static str, length: usize, en: &'static str, zh: &'static str) -> Self {
        Self { name, claim_type: ClaimType::Bytes, length: Some(length), en, zh }
    }
}

/// Claims that every kind has.
const EVERY: &[Definition] = &[
    Definition::new("evidence.kind", ClaimType::Text, "kind of the evidence", "证据种类"),
    Definition::new("evidence.hardware", ClaimType::Flag, "hardware stands behind it", "由硬件支撑"),
    Definition::new("evidence.debug", ClaimType::Flag, "an operator can look inside (debug)", "处于调试模式，可被旁观"),
    Definition::bytes("evidence.report-data", 64, "data that the code inside put into the report", "被测代码写入报告的数据"),
    Definition::new("binding", ClaimType::Text, "what the report data was compared with: session, exact, none", "报告数据的绑定方式"),
    Definition::new("tcb.status", ClaimType::Tcb, "state of the trusted computing base", "可信计算基状态"),
    Definition::new("tcb.advisories", ClaimType::List, "security advisories that apply", "适用的安全公告"),
    Definition::new(
        "collateral.age-days",
        ClaimType::Number,
        "days since the oldest dated collateral was issued",
        "背书材料签发至今的天数",
    ),
    Definition::new("collateral.bundle-age-days", ClaimType::Number, "days since the bundle was put together", "背书材料包签发至今的天数"),
    Definition::new(
        "collateral.revocation",
        ClaimType::Flag,
        "every issuer of the chain has a revocation list",
        "证书链各颁发者均有吊销列表",
    ),
];

/// All claims, those of every kind first.
pub fn schema() -> impl Iterator<Item = &'static Definition> {
    let tables: [&'static [Definition]; 9] = [
        EVERY,
        crate::dcap::SCHEMA,
        crate::snp::SCHEMA,
        crate::csv::SCHEMA,
        crate::nitro::SCHEMA,
        crate::tpm::SCHEMA,
        crate::cca::SCHEMA,
        crate::nvidia::SCHEMA,
        crate::eventlog::SCHEMA,
    ];
    #[cfg(feature = "danger-simulated-tee")]
    return tables.into_iter().flatten().chain(crate::simulated::SCHEMA);
    #[cfg(not(feature = "danger-simulated-tee"))]
    tables.into_iter().flatten()
}

/// The claim of this name.
#[must_use]
pub fn definition(name: &str) -> Option<&'static Definition> {
    schema().find(|definition| definition.name == name)
}

impl Definition {
    /// Which kinds of evidence can have this claim: its prefix says so.
    #[must_use]
    pub fn applies_to(&self, kind: Kind) -> bool {
        let prefix = self.name.split('.').next().unwrap_or_default();
        // a TPM's evidence can hold that of the environment around it (Azure)
        let is_inner = kind == Kind::Tpm && [Kind::Snp.name(), Kind::Tdx.name(), "dcap"].contains(&prefix);
        match prefix {
            // what Intel says of the platform, for both of its kinds
            "dcap" => matches!(kind, Kind::Sgx | Kind::Tdx) || is_inner,
            _ => !Kind::HARDWARE.iter().any(|other| other.name() == prefix) || prefix == kind.name() || is_inner,
        }
    }
}
