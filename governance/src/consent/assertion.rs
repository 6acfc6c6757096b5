//! Assertions of an existing user-authorisation service (A15, D10; "授权服务" read as the subject's authorisation per call).
//!
//! # The document
//! Canonical JSON, signed by the service as `Signed` with type `user-assertion-v1`; the fields are those of a JWT (RFC 7519):
//!
//! | field | meaning |
//! |---|---|
//! | `v` | 1 |
//! | `iss` | the service; equal to the pinned issuer, and the signer's name |
//! | `sub` | the subject as a pseudonymous reference under the provider's salt: the service asks the provider's node for it |
//! | `aud` | the one scenario; an assertion for another scenario is refused |
//! | `dataset`, `purpose`, `items` | what the subject agrees to |
//! | `iat`, `exp` | first second, and first second that is no longer valid; at most the profile's life apart |
//! | `nonce` | 16 random bytes in hex; used once |
//!
//! # What is refused
//! Another issuer, key or signature; another scenario, purpose or data set; an item that was not agreed to; not yet or no longer valid;
//! a life beyond the limit; a nonce that was seen. One key is pinned: a service that changes its key is configured anew.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::record::{ConsentEvidence, ConsentRecord, SubjectRef};
use crate::canonical::{Hash, parse_hex};
use crate::clock::Time;
use crate::error::Result;
use crate::finding::{Checked, Finding, broken, refuse};
use crate::id::{ColumnSet, DatasetId, PartyName, Purpose, Scenario, document_hash};
use crate::sign::{KeyRing, PublicKey, Signed, SignedType};

/// What the service asserts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserAssertion {
    /// Format version, 1.
    pub v: u32,
    /// The service.
    pub iss: String,
    /// Whose authorisation.
    pub sub: SubjectRef,
    /// For which scenario.
    pub aud: Scenario,
    /// Of which data set.
    pub dataset: DatasetId,
    /// For which purpose.
    pub purpose: Purpose,
    /// To which items.
    pub items: ColumnSet,
    /// First valid second.
    pub iat: Time,
    /// First second that is no longer valid.
    pub exp: Time,
    /// 16 random bytes in lower-case hex.
    pub nonce: String,
}

impl SignedType for UserAssertion {
    const TYPE: &'static str = "user-assertion-v1";
}

/// What this node is about to do.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// On which data set.
    pub dataset: &'a DatasetId,
    /// In which scenario.
    pub scenario: &'a Scenario,
    /// For which purpose.
    pub purpose: &'a Purpose,
    /// With which items.
    pub items: &'a ColumnSet,
}

/// An assertion that was verified and used up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedAssertion {
    assertion: UserAssertion,
    hash: Hash,
}

impl AcceptedAssertion {
    /// The subject.
    #[must_use]
    pub const fn subject(&self) -> SubjectRef {
        self.assertion.sub
    }

    /// The record to sign by `attester`; its term is the assertion's.
    #[must_use]
    pub fn into_record(self, attester: PartyName) -> ConsentRecord {
        let a = self.assertion;
        ConsentRecord {
            v: 1,
            dataset: a.dataset,
            subject: a.sub,
            scenario: a.aud,
            purpose: a.purpose,
            items: a.items,
            not_before: a.iat,
            not_after: a.exp,
            evidence: ConsentEvidence::Asserted { issuer: a.iss, assertion: self.hash },
            attester,
            at: a.iat,
        }
    }
}

/// Limits of one connection to a service; configuration and profile data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AssertionLimits {
    /// Longest life of an assertion in seconds.
    pub max_life_seconds: i64,
    /// How far the service's clock may be ahead, in seconds.
    pub skew_seconds: i64,
    /// Most nonces that are remembered at a time; beyond that nothing is accepted until some have expired.
    pub max_nonces: usize,
}

/// Verifies assertions of one service under one pinned key, each once.
#[derive(Debug, Clone)]
pub struct AssertionVerifier {
    issuer: String,
    keys: KeyRing,
    limits: AssertionLimits,
    seen: BTreeMap<[u8; 16], Time>,
    latest: Time,
}

impl AssertionVerifier {
    /// Pins the service's name and key.
    ///
    /// # Errors
    /// That of the key ring.
    pub fn new(issuer: &str, key: PublicKey, limits: AssertionLimits) -> Result<Self> {
        let mut keys = KeyRing::new();
        keys.insert(issuer, key)?;
        Ok(Self { issuer: issuer.to_owned(), keys, limits, seen: BTreeMap::new(), latest: Time::from_unix(i64::MIN) })
    }

    /// Verifies an assertion for what is about to be done, and uses its nonce up.
    ///
    /// Only what is accepted uses a nonce up: an assertion that was sent with the wrong question may be sent again.
    ///
    /// # Errors
    /// `assertion.signature` alone; otherwise all at once: `assertion.issuer`, `assertion.audience`, `assertion.purpose`,
    /// `assertion.dataset`, `assertion.items`, `assertion.not-yet`, `assertion.expired`, `assertion.life`, `assertion.nonce`,
    /// `assertion.replayed`, `assertion.busy`, `assertion.version-unknown`.
    pub fn accept(&mut self, signed: &Signed<UserAssertion>, expected: &Expected<'_>, now: Time) -> Checked<AcceptedAssertion> {
        let assertion = match signed.verify(&self.keys, &[self.issuer.as_str()]) {
            Ok(assertion) => assertion,
            Err(error) => return Err(broken("assertion.signature", &self.issuer, &error)),
        };
        // a clock that was set back must not revive a nonce that was forgotten
        let now = now.max(self.latest);
        self.latest = now;
        self.seen.retain(|_, exp| now < *exp);
        let found = self.objections(assertion, expected, now);
        let nonce = parse_hex::<16>(&assertion.nonce);
        let (true, Some(nonce)) = (found.is_empty(), nonce) else { return Err(found) };
        if self.seen.len() >= self.limits.max_nonces {
            let what = ("too many assertions are in force at a time", "有效断言数量已达上限");
            return refuse("assertion.busy", &self.issuer, what, ("send it again later", "请稍后重新发送"));
        }
        let hash = document_hash(assertion).map_err(|e| broken("assertion.malformed", &self.issuer, &e))?;
        self.seen.insert(nonce, assertion.exp);
        Ok(AcceptedAssertion { assertion: assertion.clone(), hash })
    }

    fn objections(&self, a: &UserAssertion, expected: &Expected<'_>, now: Time) -> Vec<Finding> {
        let nonce = parse_hex::<16>(&a.nonce);
        let life = a.exp.unix().saturating_sub(a.iat.unix());
        let rules = [
            (a.v == 1, "assertion.version-unknown", ("has an unknown format", "格式无法识别")),
            (a.iss == self.issuer, "assertion.issuer", ("names another issuer than the one that signed", "签发方与签名方不符")),
            (a.aud == *expected.scenario, "assertion.audience", ("was given for another scenario", "针对其他场景")),
            (a.purpose == *expected.purpose, "assertion.purpose", ("was given for another purpose", "针对其他用途")),
            (a.dataset == *expected.dataset, "assertion.dataset", ("was given for another data set", "针对其他数据集")),
            (
                !expected.items.is_empty() && expected.items.beyond(&a.items).is_empty(),
                "assertion.items",
                ("does not cover every item", "未涵盖全部数据项"),
            ),
            (a.iat <= now.plus_seconds(self.limits.skew_seconds), "assertion.not-yet", ("is not valid yet", "尚未生效")),
            (now < a.exp, "assertion.expired", ("is no longer valid", "已过期")),
            (
                (1..=self.limits.max_life_seconds).contains(&life),
                "assertion.life",
                ("lives longer than allowed, or not at all", "有效期为空或过长"),
            ),
            (nonce.is_some(), "assertion.nonce", ("has no nonce of 16 bytes", "缺少 16 字节随机数")),
            (nonce.is_none_or(|n| !self.seen.contains_key(&n)), "assertion.replayed", ("was used before", "已被使用")),
        ];
        rules
            .into_iter()
            .filter(|(holds, ..)| !holds)
            .map(|(_, code, (en, zh))| {
                let what = (format!("the assertion {en}"), format!("授权断言{zh}"));
                Finding::new(code, &self.issuer, what, ("have the subject authorise this very call", "请主体就本次调用重新授权"))
            })
            .collect()
    }
}
