//! Review decisions and what they release.
//!
//! [`Released`] is the only thing that egress (出域) takes, and only [`Held`](crate::held::Held) makes one, after a
//! signed approval by the contract's reviewer of exactly this result with exactly this check report (O2).

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::canonical::{Hash, digest, digest_with, from_canonical, to_canonical};
use crate::clock::Time;
use crate::contract::Recipient;
use crate::error::{Error, Result};
use crate::id::{JobId, PartyName};
use crate::sheet::Answer;
use crate::sign::{KeyRing, Signed, SignedType};
use crate::text::Text;

/// Domain of the hash by which results are named.
const RESULT: &str = "yu-result-v1";

/// Who decided at the reviewer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Decider {
    /// A person, by name or post.
    Person {
        /// Name or post.
        name: String,
    },
    /// The reviewer of the demonstration, which approves when all checks pass; every record says so.
    Demo,
}

/// Yes or no.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ReviewVerdict {
    /// The result may leave, to the contract's receivers.
    Approved,
    /// It may not.
    Refused {
        /// Why; mandatory.
        reason: Text,
    },
}

/// The reviewer's decision on one held result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReviewDecision {
    /// Format version, 1.
    pub v: u32,
    /// The job.
    pub job: JobId,
    /// The reviewer's node, which signs.
    pub reviewer: PartyName,
    /// Who decided there.
    pub decider: Decider,
    /// Yes or no.
    pub verdict: ReviewVerdict,
    /// Hash of the check report that was before the reviewer ([`crate::id::document_hash`]).
    pub report: Hash,
    /// Hash of the result document that was decided on; absent if the shares did not agree.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Hash>,
    /// The items of the review as they were answered (O6); decisions of earlier versions have none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answers: Vec<Answer>,
    /// When.
    pub at: Time,
}

impl SignedType for ReviewDecision {
    const TYPE: &'static str = "review-decision-v1";
}

/// A result as its receiver gets it: canonical JSON with a random salt, so that its hash, which stands in logs and
/// receipts, cannot be used to test guesses at a small result.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResultDocument<V> {
    /// Format version, 1.
    pub v: u32,
    /// The job.
    pub job: JobId,
    /// 32 random bytes in hex.
    pub salt: String,
    /// The result.
    pub value: V,
}

impl<V: Serialize> ResultDocument<V> {
    /// Canonical bytes and their hash.
    pub(crate) fn seal_up(&self) -> Result<(Zeroizing<Vec<u8>>, Hash)> {
        let bytes = Zeroizing::new(to_canonical(self)?);
        let hash = result_hash(&bytes);
        Ok((bytes, hash))
    }
}

impl<V: Serialize + DeserializeOwned> ResultDocument<V> {
    /// Reads the bytes that a receiver opened.
    ///
    /// # Errors
    /// `Malformed` if they are not the canonical form of such a document.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        from_canonical(bytes)
    }
}

/// Hash by which a result document is named in reports, decisions, receipts and logs.
#[must_use]
pub fn result_hash(document: &[u8]) -> Hash {
    digest(RESULT, document)
}

/// A result that may leave the domain, to the receivers of its contract and nobody else.
///
/// ```compile_fail,E0451
/// // private fields: nothing is released by claiming it
/// use yu_governance::release::Released;
/// fn claim(value: u64) -> Released<u64> {
///     Released { job: todo!(), value, document: todo!(), result: todo!(), decision: todo!(), receivers: vec![] }
/// }
/// ```
/// ```compile_fail,E0599
/// // there is no constructor either
/// let released = yu_governance::release::Released::new(42_u64);
/// ```
/// ```compile_fail,E0308
/// // egress that takes `Released<T>` does not take a held result
/// use yu_governance::{check::Reviewable, held::{Checked, Held}, release::Released};
/// fn egress<V>(_: Released<V>) {}
/// fn leak<V: Reviewable>(held: Held<Checked<V>>) { egress(held); }
/// ```
/// ```compile_fail,E0277
/// fn print<T: std::fmt::Debug>() {}
/// print::<yu_governance::release::Released<u64>>();
/// ```
#[must_use]
pub struct Released<V> {
    pub(crate) job: JobId,
    pub(crate) value: V,
    pub(crate) document: Zeroizing<Vec<u8>>,
    pub(crate) result: Hash,
    pub(crate) decision: Hash,
    pub(crate) receivers: Vec<Recipient>,
}

impl<V> Released<V> {
    /// The job.
    pub const fn job(&self) -> JobId {
        self.job
    }

    /// The result.
    pub const fn value(&self) -> &V {
        &self.value
    }

    /// Canonical bytes of the [`ResultDocument`]: what is sealed to the receivers.
    pub fn document(&self) -> &[u8] {
        &self.document
    }

    /// Hash of the document.
    pub const fn result(&self) -> Hash {
        self.result
    }

    /// Hash of the decision that released it.
    pub const fn decision(&self) -> Hash {
        self.decision
    }

    /// To whom it may be sealed, with the keys that all parties signed.
    pub fn receivers(&self) -> &[Recipient] {
        &self.receivers
    }

    /// The receipt for one of the receivers; the reviewer's node signs it.
    ///
    /// # Errors
    /// `Refused` with `release.not-a-receiver`.
    pub fn receipt(&self, receiver: &PartyName, reviewer: &PartyName, at: Time) -> Result<Receipt> {
        if !self.receivers.iter().any(|r| r.party == *receiver) {
            return Err(Error::Refused {
                code: "release.not-a-receiver",
                what: format!("`{receiver}` is no receiver of job {}", self.job),
            });
        }
        Ok(Receipt {
            v: 1,
            job: self.job,
            result: self.result,
            receiver: receiver.clone(),
            reviewer: reviewer.clone(),
            decision: self.decision,
            at,
        })
    }
}

/// A result that stays where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withheld {
    /// The job.
    pub job: JobId,
    /// Why.
    pub reason: Text,
    /// Hash of the decision.
    pub decision: Hash,
}

/// What a decision leads to.
#[must_use]
pub enum Reviewed<V> {
    /// It leaves.
    Released(Released<V>),
    /// It does not; the value is gone.
    Refused(Withheld),
}

/// Says, for one receiver, which result was released by which decision. Verified offline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// Format version, 1.
    pub v: u32,
    /// The job.
    pub job: JobId,
    /// Hash of the result document.
    pub result: Hash,
    /// For whom.
    pub receiver: PartyName,
    /// Who reviewed, and signs.
    pub reviewer: PartyName,
    /// Hash of the decision.
    pub decision: Hash,
    /// When.
    pub at: Time,
}

impl SignedType for Receipt {
    const TYPE: &'static str = "receipt-v1";
}

impl Receipt {
    /// Checks a receipt against the document that the receiver holds: the reviewer's signature, and that these very
    /// bytes were released.
    ///
    /// # Errors
    /// `Signature`; `Refused` with `receipt.other-result` or `receipt.other-job`.
    pub fn verify<'a>(signed: &'a Signed<Self>, keys: &KeyRing, document: &[u8]) -> Result<&'a Self> {
        let receipt = signed.verify(keys, &[signed.payload.reviewer.as_str()])?;
        let refuse = |code, what: &str| Err(Error::Refused { code, what: what.into() });
        if receipt.v != 1 || receipt.result != digest_with(receipt.result.algorithm(), RESULT, document) {
            return refuse("receipt.other-result", "the receipt is not for this document");
        }
        match from_canonical::<ResultDocument<serde_json::Value>>(document) {
            Ok(inside) if inside.job == receipt.job => Ok(receipt),
            _ => refuse("receipt.other-job", "the document does not name the receipt's job"),
        }
    }
}
