//! The terms of a job: data, protocol, security model, limits, outputs, algorithms.
//!
//! Counts that can grow are decimal strings in the canonical form (RFC 8785 numbers are doubles).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::steps::StepTerms;
use super::training::TrainingTerms;
use crate::canonical::{Hash, u64_string};
use crate::id::{ColumnSet, DatasetId, PartyName, RequestId};
use crate::suite::Suite;
use crate::text::Text;

/// By which technique the job runs (D4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Technique {
    /// Centralised computing inside the domain.
    Central,
    /// Multi-party computation (多方安全计算).
    Mpc,
    /// Federated learning (联邦学习).
    Federated,
    /// Trusted execution environment (可信执行环境).
    Enclave,
}

impl Technique {
    /// The word used in canonical documents and policies.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Central => "central",
            Self::Mpc => "mpc",
            Self::Federated => "federated",
            Self::Enclave => "enclave",
        }
    }
}

/// Who may learn which of its rows matched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RevealMatch {
    /// Nobody.
    None,
    /// The left party.
    Left,
    /// The right party.
    Right,
    /// Both input parties.
    Both,
}

impl RevealMatch {
    /// The word used in canonical documents and policies.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Left => "left",
            Self::Right => "right",
            Self::Both => "both",
        }
    }

    /// Whether the party on this side learns it.
    #[must_use]
    pub const fn includes(self, side: Side) -> bool {
        matches!((self, side), (Self::Both, _) | (Self::Left, Side::Left) | (Self::Right, Side::Right))
    }
}

/// One of the two input sides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The first.
    Left,
    /// The second.
    Right,
}

/// A document cited by name and hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApprovalRef {
    /// The request that was approved.
    pub request: RequestId,
    /// Hash of the approval ([`crate::id::document_hash`]).
    pub hash: Hash,
}

/// How keys are made equal on both sides before they are matched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyTerms {
    /// Key columns of this side, in order.
    pub columns: Vec<String>,
    /// Names of the normalisation steps, in order; equal on both sides.
    pub normalisation: Vec<String>,
}

/// Whether rows are filtered by the subjects' consent (授权同意) before anything else sees them (A15).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ConsentTerms {
    /// No filter: allowed only where the rows point at nobody.
    NotNeeded,
    /// Rows without valid consent are dropped at the provider.
    Filter {
        /// The column that names the subject.
        subject_column: String,
        /// Salted commitment to the provider's consent set at signing; consents revoked later only remove rows.
        commitment: Hash,
    },
}

/// What one party brings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// Who.
    pub party: PartyName,
    /// Which data set.
    pub dataset: DatasetId,
    /// Hash of the file's content; equal to the catalogue entry's.
    pub version: Hash,
    /// Every column that is read, keys and subject column included.
    pub columns: ColumnSet,
    /// How keys are formed.
    pub key: KeyTerms,
    /// How consent is applied.
    pub consent: ConsentTerms,
    /// Rows offered to alignment, after the consent filter and key normalisation. The run may use fewer (a consent
    /// revoked meanwhile), never more.
    #[serde(with = "u64_string")]
    pub rows: u64,
}

/// Alignment (隐私求交).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PsiTerms {
    /// The protocol.
    pub kind: PsiKind,
    /// How many bits of the final tags are compared, in words; the number follows from the row counts.
    pub tag_rule: String,
}

/// Alignment protocols.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PsiKind {
    /// Diffie-Hellman on Ristretto255; both input parties learn which of their rows matched.
    #[serde(rename = "ecdh-ristretto255")]
    EcdhRistretto255,
    /// Inside an attested environment: nobody outside it learns which rows match.
    #[serde(rename = "enclave-join")]
    EnclaveJoin,
    /// A join on secret-shared keyed digests of 80 bits: nobody learns which rows match, nor how many.
    #[serde(rename = "shared-join-80")]
    SharedJoin80,
}

impl PsiKind {
    /// The word used in canonical documents and policies.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::EcdhRistretto255 => "ecdh-ristretto255",
            Self::EnclaveJoin => "enclave-join",
            Self::SharedJoin80 => "shared-join-80",
        }
    }

    /// What the protocol reveals of the match, neither more nor less.
    #[must_use]
    pub const fn reveals(self) -> RevealMatch {
        match self {
            Self::EcdhRistretto255 => RevealMatch::Both,
            Self::EnclaveJoin | Self::SharedJoin80 => RevealMatch::None,
        }
    }
}

/// One side of the joint table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SideTerms {
    /// Who.
    pub party: PartyName,
    /// Numeric columns that the steps read, in the order of the job file.
    pub columns: Vec<String>,
    /// For each column a power of two above its largest absolute value, where rows are joined on shares; else empty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exponents: Vec<i32>,
}

/// A categorical column that groups rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupingTerms {
    /// Whose column.
    pub side: Side,
    /// The column.
    pub column: String,
    /// All labels, in the order of the output; from the catalogue.
    pub categories: Vec<String>,
}

/// Bits after the binary point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FixedPoint {
    /// Of means and deviations.
    pub value_bits: u32,
    /// Of numbers between -1 and 1.
    pub unit_bits: u32,
}

/// By what the sum of squares is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deviation {
    /// n - 1.
    Sample,
    /// n.
    Population,
}

/// The joint table in replicated secret sharing: what each side brings to the steps, and how numbers are computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatisticsTerms {
    /// First side.
    pub left: SideTerms,
    /// Second side.
    pub right: SideTerms,
    /// The third computing party, without data.
    pub helper: PartyName,
    /// Which standard deviation.
    pub deviation: Deviation,
    /// Precision.
    pub fixed_point: FixedPoint,
}

/// How the job is carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ProtocolTerms {
    /// On shares of two parties' rows.
    Joint(JointTerms),
    /// By the provider alone, over its own rows.
    Derivative(DerivativeTerms),
    /// By parties that train a model, each on its own rows.
    Training(TrainingTerms),
}

/// A de-identified table (去标识化数据) that the provider makes of its rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DerivativeTerms {
    /// The policy word by word: what everybody signs.
    pub policy: String,
    /// Files that it names, by name, word by word.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, String>,
    /// Keys of the provider that its operators use, by name, sorted; no others are.
    pub keys: Vec<String>,
    /// Columns of the table, in order.
    pub columns: Vec<String>,
}

/// The protocols of a joint job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JointTerms {
    /// Alignment of rows.
    pub psi: PsiTerms,
    /// Over which columns, by whom.
    pub statistics: StatisticsTerms,
    /// What is asked of the matched rows, in the order of the outputs.
    pub steps: Vec<StepTerms>,
    /// The attested environment in which it is computed; absent: on shares.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enclave: Option<EnclaveTerms>,
}

/// What must be proved about the environment (可信执行环境) before it gets a key. The worker is the party without data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnclaveTerms {
    /// SHA-256 of the WebAssembly module that computes.
    pub module: Hash,
    /// Hash of the manifest of the code: runner, module, limits, parameters.
    pub code: Hash,
    /// The policy of attestation word by word: what everybody signs.
    pub policy: String,
    /// Its hash, which evidence is bound to.
    pub policy_hash: Hash,
    /// Hash of the bundle of collateral; absent where nothing is certified by a maker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<Hash>,
    /// No hardware stands behind the environment: for demonstrations only.
    pub simulated: bool,
}

/// What a corrupted party may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Adversary {
    /// Follows the protocol and looks at everything.
    SemiHonest,
    /// May deviate.
    Malicious,
}

impl Adversary {
    /// The word used in canonical documents and policies.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SemiHonest => "semi-honest",
            Self::Malicious => "malicious",
        }
    }
}

/// Against whom the job is secure, and under which assumption.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecurityModel {
    /// What corrupted parties may do.
    pub adversary: Adversary,
    /// How many computing parties may collude.
    pub corruptions: u32,
    /// Computational security in bits.
    pub computational_bits: u32,
    /// Statistical security in bits.
    pub statistical_bits: u32,
    /// The assumptions, in words.
    pub assumptions: Text,
}

/// Limits that are checked before the first message, because a one-row probe leaks membership.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Fewest rows a side may offer, and fewest rows that may match.
    #[serde(with = "u64_string")]
    pub min_rows: u64,
    /// The larger side has at most this many times the rows of the smaller.
    #[serde(with = "u64_string")]
    pub max_ratio: u64,
    /// Runs over the same pair of inputs in one day.
    #[serde(with = "u64_string")]
    pub runs_per_day: u64,
    /// Fewest rows behind any published number.
    #[serde(with = "u64_string")]
    pub min_cell: u64,
}

/// One thing that is computed and may leave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutputTerms {
    /// Name, for example `statistics`.
    pub name: String,
    /// Kind of product (O1), for example `report`.
    pub kind: String,
    /// Digest of the layout: which numbers, in which order, and no others.
    pub layout: Hash,
    /// Significant decimal digits of each number that is no count; the rest is rounded off before anybody decides.
    pub digits: u32,
    /// Whether a receiver that brings data gets the correlations among its own columns.
    pub own_correlations: OwnCorrelations,
}

/// Correlations among the columns of one party, for a receiver that is that party. It knows the columns: they tell it about the
/// match, and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OwnCorrelations {
    /// Left out of the result.
    Withheld,
    /// Part of the result, because the question asks for them.
    Published,
}

/// Algorithms of the job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CryptoTerms {
    /// Suite: `intl` or `gm`.
    pub suite: String,
    /// Signatures, for example `ed25519`.
    pub signature: String,
    /// Hashes, for example `sha-256`.
    pub hash: String,
    /// Sealing of results, for example `hpke-x25519-hkdf-sha256-aes-256-gcm`.
    pub seal: String,
}

impl CryptoTerms {
    /// The international suite.
    #[must_use]
    pub fn intl() -> Self {
        Self {
            suite: "intl".into(),
            signature: "ed25519".into(),
            hash: "sha-256".into(),
            seal: "hpke-x25519-hkdf-sha256-aes-256-gcm".into(),
        }
    }

    /// The national suite (国密).
    #[must_use]
    pub fn gm() -> Self {
        Self { suite: "gm".into(), signature: "sm2".into(), hash: "sm3".into(), seal: "ecdh-sm2-sm3-sm4-gcm".into() }
    }

    /// Those of a suite.
    #[must_use]
    pub fn of(suite: Suite) -> Self {
        match suite {
            Suite::Standard => Self::intl(),
            Suite::Gm => Self::gm(),
        }
    }
}

/// Software that takes part, with its version: all parties run the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Engine {
    /// Name, for example `yu-mpc`.
    pub name: String,
    /// Version.
    pub version: String,
}
