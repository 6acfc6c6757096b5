//! Consent of one subject to one scenario as a signed record. The subject stands in it as a pseudonymous reference, never as an id.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::canonical::{Hash, digest};
use crate::clock::Time;
use crate::finding::Finding;
use crate::id::{ColumnSet, DatasetId, PartyName, Purpose, Scenario};
use crate::sign::SignedType;

/// A subject of one data set under the provider's secret salt. Without the salt nobody can test a guess, and the same person has
/// unlike references in two data sets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SubjectRef(Hash);

impl SubjectRef {
    /// The reference of `subject`, in the normalised form of the data set's subject column.
    #[must_use]
    pub fn new(salt: &[u8; 32], dataset: &DatasetId, subject: &str) -> Self {
        let mut bytes = zeroize::Zeroizing::new(salt.to_vec());
        bytes.extend((dataset.as_str().len() as u64).to_le_bytes());
        bytes.extend(dataset.as_str().as_bytes());
        bytes.extend(subject.as_bytes());
        let inner = digest("yu-consent-subject-v1", &bytes);
        // hashed twice under the salt: the outer hash cannot be extended by a suffix of the subject
        let outer = zeroize::Zeroizing::new([salt.as_slice(), inner.as_bytes()].concat());
        Self(digest("yu-consent-subject-outer-v1", &outer))
    }

    /// The 32 bytes, for a private set intersection.
    pub(super) const fn bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

impl fmt::Debug for SubjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SubjectRef")
    }
}

/// How the consent is proven.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "evidence", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ConsentEvidence {
    /// The subject signed a document, of which this is the hash.
    Signed {
        /// Hash of the document.
        document: Hash,
    },
    /// The source department attests it on the strength of a document.
    Attested {
        /// Hash of the document.
        document: Hash,
    },
    /// A user-authorisation service asserted it for this call.
    Asserted {
        /// The service.
        issuer: String,
        /// Hash of its assertion.
        assertion: Hash,
    },
}

/// One subject, one data set, one scenario, one purpose, these items, a term.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentRecord {
    /// Format version, 1.
    pub v: u32,
    /// Of which data set.
    pub dataset: DatasetId,
    /// Whose.
    pub subject: SubjectRef,
    /// The one scenario.
    pub scenario: Scenario,
    /// The one purpose.
    pub purpose: Purpose,
    /// The data items, each chosen by itself.
    pub items: ColumnSet,
    /// First valid second.
    pub not_before: Time,
    /// First second that is no longer valid.
    pub not_after: Time,
    /// How it is proven.
    pub evidence: ConsentEvidence,
    /// The node that keeps the evidence and signs.
    pub attester: PartyName,
    /// When it was given.
    pub at: Time,
}

impl SignedType for ConsentRecord {
    const TYPE: &'static str = "consent-record-v1";
}

impl ConsentRecord {
    /// What is wrong with the record itself; empty means in order. No finding tells about the subject.
    #[must_use]
    pub fn check(&self) -> Vec<Finding> {
        let rules = [
            (self.v == 1, "consent.version-unknown", ("has an unknown format", "格式无法识别")),
            (!self.items.is_empty(), "consent.no-items", ("names no data item", "未列数据项")),
            (self.not_before < self.not_after, "consent.term", ("has an empty term", "期限为空")),
            (self.at <= self.not_before, "consent.backwards", ("reaches back before it was given", "追溯至作出之前")),
        ];
        rules
            .into_iter()
            .filter(|(holds, ..)| !holds)
            .map(|(_, code, (en, zh))| {
                let what = (format!("a consent record {en}"), format!("授权同意记录{zh}"));
                Finding::new(code, &self.attester, what, ("record the consent again", "重新记录授权同意"))
            })
            .collect()
    }
}

/// A subject takes a consent back. It holds from `at` on; what ran before stays lawful.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentRevocation {
    /// Format version, 1.
    pub v: u32,
    /// Hash of the record.
    pub consent: Hash,
    /// The node that took the revocation, and signs.
    pub by: PartyName,
    /// Hash of the document behind it.
    pub document: Hash,
    /// From when on.
    pub at: Time,
}

impl SignedType for ConsentRevocation {
    const TYPE: &'static str = "consent-revocation-v1";
}
