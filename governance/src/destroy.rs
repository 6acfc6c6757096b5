//! Destruction certificates (销毁证书): which keys of a job a node has destroyed (L1).
//!
//! Payloads are stored encrypted under keys of their own, so destroying the key is the destruction that is claimed
//! (crypto-shredding), not the erasure of media. A key is named by a random id that it was given when it was made: a
//! hash of a key would be a fingerprint by which the key could be recognised.

use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::error::{Error, Result};
use crate::id::{JobId, PartyName};
use crate::sign::{KeyRing, Signed, SignedType};

/// What was destroyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DestroyedKind {
    /// A working copy of permitted columns.
    WorkingCopy,
    /// Shares and other intermediate values.
    Shares,
    /// A session's or protocol's secret key.
    ProtocolKey,
    /// A held result (待审结果), or the shares of it.
    HeldResult,
    /// A data set at its provider (end of authorisation).
    Dataset,
}

/// How.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// The only key was overwritten and deleted; what it encrypted is unreadable wherever copies remain.
    CryptoShred,
    /// The secret was only in memory and was overwritten there when it was no longer used.
    Zeroize,
    /// The secret was only in memory, and the process that held it ended without a chance to overwrite it. The operating
    /// system gives freed memory to nobody without clearing it; that is all that is claimed.
    ProcessEnd,
}

/// One thing destroyed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DestroyedItem {
    /// What.
    pub kind: DestroyedKind,
    /// Its id in the node's store.
    pub id: String,
    /// Algorithm that the key served, for example `aes-256-gcm`.
    pub algorithm: String,
    /// Random id of the key; not derived from it.
    pub key: String,
    /// How.
    pub method: Method,
}

/// A node's statement on one job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DestructionCertificate {
    /// Format version, 1.
    pub v: u32,
    /// The job.
    pub job: JobId,
    /// Who destroyed and signs.
    pub node: PartyName,
    /// What. May be empty: a node that held nothing says so.
    pub items: Vec<DestroyedItem>,
    /// When.
    pub at: Time,
}

impl SignedType for DestructionCertificate {
    const TYPE: &'static str = "destruction-certificate-v1";
}

impl DestructionCertificate {
    /// Checks a certificate offline: format, and the signature of the node it speaks for.
    ///
    /// # Errors
    /// `Signature`, or `Malformed` for another format, an item without id, a key that is named twice, or a way of
    /// destruction that does not fit what was destroyed: only what a run held in memory ends with memory.
    pub fn verify<'a>(signed: &'a Signed<Self>, keys: &KeyRing) -> Result<&'a Self> {
        let certificate = signed.verify(keys, &[signed.payload.node.as_str()])?;
        let mut seen = std::collections::BTreeSet::new();
        let whole = certificate.items.iter().all(|item| {
            let in_memory = item.method != Method::CryptoShred;
            [&item.id, &item.algorithm, &item.key].iter().all(|text| !text.trim().is_empty())
                && seen.insert(&item.key)
                && (!in_memory || matches!(item.kind, DestroyedKind::ProtocolKey | DestroyedKind::Shares))
        });
        if certificate.v == 1 && whole {
            Ok(certificate)
        } else {
            Err(Error::Malformed {
                object: "destruction certificate".into(),
                reason: "expected format 1 and items with id, algorithm, a key of their own and a fitting method".into(),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::digest;
    use crate::sign::SigningKey;

    fn certificate() -> DestructionCertificate {
        let item = |key: &str| DestroyedItem {
            kind: DestroyedKind::Shares,
            id: "s1".into(),
            algorithm: "aes-256-gcm".into(),
            key: key.into(),
            method: Method::CryptoShred,
        };
        DestructionCertificate {
            v: 1,
            job: JobId(digest("yu-test-v1", b"job")),
            node: PartyName::new("yu://dev/bank/node1").unwrap(),
            items: vec![item("k1"), item("k2")],
            at: Time::from_unix(1_000),
        }
    }

    #[test]
    fn l1_a_certificate_verifies_offline_and_only_for_its_node() {
        let (bank, other) = (SigningKey::from_bytes(&[1; 32]), SigningKey::from_bytes(&[2; 32]));
        let mut ring = KeyRing::new();
        ring.insert("yu://dev/bank/node1", bank.public()).unwrap();
        ring.insert("yu://dev/health/node1", other.public()).unwrap();
        let signed = Signed::sign(certificate(), "yu://dev/bank/node1", &bank).unwrap();
        DestructionCertificate::verify(&signed, &ring).unwrap();
        let foreign = Signed::sign(certificate(), "yu://dev/health/node1", &other).unwrap();
        assert!(DestructionCertificate::verify(&foreign, &ring).is_err());
        let mut altered = signed;
        altered.payload.items.pop();
        assert!(DestructionCertificate::verify(&altered, &ring).is_err());
        let mut twice = certificate();
        twice.items[1].key = "k1".into();
        let twice = Signed::sign(twice, "yu://dev/bank/node1", &bank).unwrap();
        assert!(DestructionCertificate::verify(&twice, &ring).is_err());
        for (kind, method, holds) in [
            (DestroyedKind::ProtocolKey, Method::Zeroize, true),
            (DestroyedKind::ProtocolKey, Method::ProcessEnd, true),
            (DestroyedKind::Dataset, Method::ProcessEnd, false),
            (DestroyedKind::WorkingCopy, Method::Zeroize, false),
        ] {
            let mut other = certificate();
            (other.items[1].kind, other.items[1].method) = (kind, method);
            let other = Signed::sign(other, "yu://dev/bank/node1", &bank).unwrap();
            assert_eq!(DestructionCertificate::verify(&other, &ring).is_ok(), holds, "{kind:?} {method:?}");
        }
        assert_eq!(serde_json::to_value(Method::ProcessEnd).unwrap(), "process-end");
    }
}
