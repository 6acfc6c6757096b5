//! What this node asks of a worker before it releases a key: the contract's policy of attestation, and its own.
//!
//! The contract's policy was signed by everybody. A node that wants more writes `attestation.json` (a policy of hardware)
//! into its directory: evidence must pass both. Simulated evidence passes neither; a contract that says `simulated` is
//! judged by the simulator's own policy, which only a build with `danger-simulated-tee` can read, and whose use the node's
//! policy (`policy.cedar`) must permit.

use rand::CryptoRng;
use yu_governance::canonical::Hash;
use yu_governance::contract::EnclaveTerms;
use yu_tee_attest::binding::Session;
use yu_tee_attest::crypto::default_provider;
use yu_tee_attest::release::{DataKey, Grant, SealedKey, release};
use yu_tee_attest::signed::Document as _;
use yu_tee_attest::{Affirmed, Binding, Evidence, Hardware, Instant, Judge, Policy, VerifiedCollateral};

use super::exchange::Judged;
use super::records;
use crate::fault::{Code, Fault, Result};
use crate::keys::now;
use crate::node::Node;

/// An environment that passed.
pub enum Passed {
    /// Hardware.
    Hardware(Box<Affirmed<Hardware>>),
    /// Software, of a contract that says so.
    #[cfg(feature = "danger-simulated-tee")]
    Simulated(Box<Affirmed<yu_tee_attest::simulated::Simulated>>),
}

impl Passed {
    /// Releases a key to it.
    ///
    /// # Errors
    /// `attest.refused` with the rule of the release.
    pub fn release(&self, session: &Session, grant: &Grant, key: &DataKey, rng: &mut impl CryptoRng) -> Result<SealedKey> {
        let at = instant();
        Ok(match self {
            Self::Hardware(affirmed) => release(affirmed, session, grant, key, at, rng)?,
            #[cfg(feature = "danger-simulated-tee")]
            Self::Simulated(affirmed) => yu_tee_attest::simulated::release_to_simulated(affirmed, session, grant, key, at, rng)?,
        })
    }
}

/// The node's clock as verdicts want it.
#[must_use]
pub fn instant() -> Instant {
    Instant(now().unix())
}

/// The rules of a contract's policy in words, for who signs it.
#[must_use]
pub fn sentences(terms: &EnclaveTerms) -> Vec<(String, String)> {
    let Ok(policy) = parse(&terms.policy) else { return Vec::new() };
    let kinds: Vec<&str> = policy.kinds.iter().map(|kind| kind.name()).collect();
    let head = (
        format!("the environment is one of {}, profile {:?}", kinds.join(", "), policy.profile),
        format!("环境须为 {} 之一，规则集 {:?}", kinds.join("、"), policy.profile),
    );
    let rule = |rule: &yu_tee_attest::policy::Rule| {
        let test = serde_json::to_string(&rule.test).unwrap_or_default();
        (format!("rule `{}`: `{}` {test}", rule.name, rule.claim), format!("规则 `{}`：`{}` {test}", rule.name, rule.claim))
    };
    std::iter::once(head).chain(policy.rules.iter().map(rule)).collect()
}

/// Judges evidence by the policy of a contract.
pub enum Appraiser {
    /// Hardware.
    Hardware {
        /// The contract's.
        policy: Box<Policy>,
        /// The node's own.
        own: Option<Box<Policy>>,
        /// Collateral that the contract names.
        collateral: Box<VerifiedCollateral>,
    },
    /// Software.
    #[cfg(feature = "danger-simulated-tee")]
    Simulated(Box<yu_tee_attest::simulated::SimulatedPolicy>),
}

/// The policy of hardware in a text.
fn parse(text: &str) -> Result<Policy> {
    let policy: Policy = serde_json::from_str(text).map_err(|e| {
        Fault::new(Code::Input, format!("not a policy of attestation: line {}, column {}: {e}", e.line(), e.column()))
            .at("attestation policy")
    })?;
    policy.check()?;
    Ok(policy)
}

/// Hash of a policy's text, whatever its kind, for the contract.
///
/// # Errors
/// `input.bad` with what is wrong; a policy of simulated evidence where `simulated` is not said, or the other way round.
pub fn policy_hash(text: &str, is_simulated: bool) -> Result<Hash> {
    if is_simulated {
        return simulated_hash(text);
    }
    let policy = parse(text)?;
    if policy.any_code {
        return Err(Fault::new(Code::ContractRule, "enclave.policy: `any-code` is for looking at evidence, never to release a key"));
    }
    Ok(Hash::from_bytes(policy.hash()?))
}

#[cfg(feature = "danger-simulated-tee")]
fn simulated_policy(text: &str) -> Result<yu_tee_attest::simulated::SimulatedPolicy> {
    let policy: yu_tee_attest::simulated::SimulatedPolicy = serde_json::from_str(text)
        .map_err(|e| Fault::new(Code::Input, format!("not a policy of simulated attestation: {e}")).at("attestation policy"))?;
    policy.check()?;
    Ok(policy)
}

#[cfg(feature = "danger-simulated-tee")]
fn simulated_hash(text: &str) -> Result<Hash> {
    Ok(Hash::from_bytes(simulated_policy(text)?.hash()?))
}

#[cfg(not(feature = "danger-simulated-tee"))]
fn simulated_hash(_: &str) -> Result<Hash> {
    Err(no_simulator())
}

#[cfg(not(feature = "danger-simulated-tee"))]
fn no_simulator() -> Fault {
    Fault::new(Code::AttestUnavailable, "simulated environments are not part of this build (feature danger-simulated-tee)")
}

impl Appraiser {
    /// The appraiser of a contract at this node.
    ///
    /// # Errors
    /// `attest.unavailable` if the bundle is not here; `attest.refused` if its signatures do not verify.
    pub fn of(node: &Node, terms: &EnclaveTerms) -> Result<Self> {
        if policy_hash(&terms.policy, terms.simulated)? != terms.policy_hash {
            return Err(Fault::new(Code::ContractRule, "enclave.policy: the hash is not that of the policy in the contract"));
        }
        let path = node.home().path("attestation.json");
        if terms.simulated {
            if path.exists() {
                // this node asks for hardware, whatever a contract says
                return Err(
                    Fault::new(Code::AttestRefused, "attestation.json asks for hardware: no simulated environment").party(node.name())
                );
            }
            return simulated_appraiser(&terms.policy);
        }
        let hash = terms.bundle.ok_or_else(|| Fault::new(Code::ContractRule, "enclave.bundle: hardware needs a bundle of collateral"))?;
        let bundle = records::bundle(node.home(), &hash)?;
        let own = match std::fs::read_to_string(&path) {
            Ok(text) => Some(Box::new(parse(&text)?)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
            Err(e) => return Err(Fault::io(&e, &path)),
        };
        let collateral = Box::new(bundle.verify(default_provider())?);
        Ok(Self::Hardware { policy: Box::new(parse(&terms.policy)?), own, collateral })
    }

    /// The text of the policy by which a verdict was given.
    ///
    /// # Errors
    /// `internal`.
    pub fn text<'a>(&self, verdict: &yu_tee_attest::Verdict, terms: &'a EnclaveTerms) -> Result<std::borrow::Cow<'a, str>> {
        match self {
            Self::Hardware { own: Some(own), .. } if own.hash()? == verdict.policy => {
                Ok(serde_json::to_string(own).map_err(|e| Fault::new(Code::Bug, e.to_string()))?.into())
            }
            _ => Ok(terms.policy.as_str().into()),
        }
    }

    /// Gives the verdict. A node's own policy comes first: what it refuses the contract's is not asked about.
    ///
    /// # Errors
    /// `internal` if a policy has no hash.
    pub fn judge(&self, evidence: &Evidence, binding: &Binding) -> Result<Judged<Passed>> {
        let at = instant();
        match self {
            Self::Hardware { policy, own, collateral } => {
                let provider = default_provider();
                if let Some(own) = own {
                    let (passed, verdict) = Judge { provider, collateral, policy: own }.judge(evidence, at, binding)?;
                    if passed.is_none() {
                        return Ok((None, verdict));
                    }
                }
                let (passed, verdict) = Judge { provider, collateral, policy }.judge(evidence, at, binding)?;
                Ok((passed.map(|affirmed| Passed::Hardware(Box::new(affirmed))), verdict))
            }
            #[cfg(feature = "danger-simulated-tee")]
            Self::Simulated(policy) => {
                let (passed, verdict) = yu_tee_attest::simulated::judge(policy, evidence, at, binding)?;
                Ok((passed.map(|affirmed| Passed::Simulated(Box::new(affirmed))), verdict))
            }
        }
    }
}

#[cfg(feature = "danger-simulated-tee")]
fn simulated_appraiser(text: &str) -> Result<Appraiser> {
    Ok(Appraiser::Simulated(Box::new(simulated_policy(text)?)))
}

#[cfg(not(feature = "danger-simulated-tee"))]
fn simulated_appraiser(_: &str) -> Result<Appraiser> {
    Err(no_simulator())
}
