//! DANGER: an attester in software, for demonstrations on machines without a trusted execution environment.
//!
//! Nothing protects what runs "inside": an operator of the machine sees everything. It cannot be mistaken for hardware:
//! its evidence has a kind, a magic and a root of its own (an Ed25519 key made for each deployment), its claims are
//! [`Simulated`] and never [`crate::Hardware`], no [`crate::Policy`] admits it, verdicts say `simulated`, tokens carry a
//! critical header. This module exists only under the feature `danger-simulated-tee`.
//!
//! No path leads to hardware claims:
//! ```compile_fail
//! use yu_tee_attest::{Hardware, Verified, simulated::Simulated};
//! fn promote(simulated: Verified<Simulated>) -> Verified<Hardware> {
//!     simulated
//! }
//! ```
//! ```compile_fail
//! use yu_tee_attest::{Policy, Verified, simulated::Simulated};
//! fn appraise(policy: &Policy, simulated: Verified<Simulated>) {
//!     let _ = policy.appraise(simulated);
//! }
//! ```
//! ```compile_fail
//! use yu_tee_attest::{Affirmed, simulated::Simulated, release};
//! fn open(affirmed: &Affirmed<Simulated>, s: &yu_tee_attest::binding::Session, g: &release::Grant, k: &release::DataKey) {
//!     let _ = release::release(affirmed, s, g, k, yu_tee_attest::Instant(0), &mut rand::rng());
//! }
//! ```

use ed25519_dalek::{Signature, Signer as _, SigningKey, VerifyingKey};
use hpke::rand_core::CryptoRng;
use serde::{Deserialize, Serialize};

use crate::binding::{Binding, Session};
use crate::claims::{Claims, Definition};
use crate::crypto::sha256;
use crate::evidence::{Evidence, Kind};
use crate::fault::{Fault, Result, malformed};
use crate::instant::Instant;
use crate::policy::{Affirmed, Denial};
use crate::release::{DataKey, Grant, SealedKey, seal_for};
use crate::signed::Document;
use crate::text::Text;
use crate::verdict::{Outcome, Verdict, refused, same};
use crate::verify::{Verified, compare};

/// What no hardware format begins with.
const MAGIC: &str = "YU SIMULATED EVIDENCE, NO HARDWARE STANDS BEHIND IT";

/// Domain of the signature.
const DOMAIN: &[u8] = b"yu danger simulated evidence 1";

/// Sentence that goes to contract, log, console and token.
#[must_use]
pub fn warning() -> Text {
    Text::new(
        "SIMULATED: no hardware protects the worker; its operator can see all data. For demonstrations only.",
        "模拟：无硬件保护，计算方的运营者可看到全部数据。仅供演示。",
    )
}

/// Origin of claims that software signed.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Simulated;

pub(crate) const SCHEMA: &[Definition] = &[
    Definition::bytes("simulated.measurement", 32, "SHA-256 of the code manifest, as software says", "软件自述的代码清单摘要（SHA-256）"),
    Definition::bytes("simulated.root", 32, "root key of this deployment's simulator", "本部署模拟器的根公钥"),
];

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    magic: String,
    #[serde(with = "hex::serde")]
    root: [u8; 32],
    #[serde(with = "hex::serde")]
    measurement: [u8; 32],
    #[serde(with = "hex::serde")]
    report_data: [u8; 64],
    debug: bool,
    #[serde(with = "hex::serde")]
    signature: [u8; 64],
}

impl Body {
    fn digest(&self) -> [u8; 32] {
        sha256(&[DOMAIN, MAGIC.as_bytes(), &self.root, &self.measurement, &self.report_data, &[u8::from(self.debug)]])
    }
}

/// The attester: holds the deployment's root key.
pub struct Attester(SigningKey);

impl Attester {
    /// A new root for one deployment.
    #[must_use]
    pub fn generate(rng: &mut impl CryptoRng) -> Self {
        let mut seed = zeroize::Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *seed);
        Self(SigningKey::from_bytes(&seed))
    }

    /// From the 32 secret bytes that [`Self::seed`] gave.
    #[must_use]
    pub fn from_seed(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }

    /// The secret bytes, for the owner's encrypted store.
    #[must_use]
    pub fn seed(&self) -> zeroize::Zeroizing<[u8; 32]> {
        zeroize::Zeroizing::new(self.0.to_bytes())
    }

    /// The public root.
    #[must_use]
    pub fn root(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// Evidence that says: code of this measurement put this into its report data.
    #[must_use]
    pub fn evidence(&self, measurement: [u8; 32], report_data: [u8; 64], debug: bool) -> Evidence {
        let mut body = Body { magic: MAGIC.to_owned(), root: self.root(), measurement, report_data, debug, signature: [0; 64] };
        body.signature = self.0.sign(&body.digest()).to_bytes();
        Evidence::new(Kind::Simulated, serde_json_canonicalizer::to_vec(&body).unwrap_or_default())
    }
}

/// What a demonstration asks of simulated evidence. Another document than [`crate::Policy`], under another domain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SimulatedPolicy {
    /// Its name, for people.
    pub name: String,
    /// Root key of the deployment's simulator, in hexadecimal.
    #[serde(with = "hex::serde")]
    pub root: [u8; 32],
    /// Measurements that are trusted, in hexadecimal.
    pub measurements: Vec<String>,
}

impl Document for SimulatedPolicy {
    const DOMAIN: &'static str = "yu danger simulated attestation policy 1";
    const NAME: &'static str = "policy of simulated attestation";
    const MOST_BYTES: usize = 1 << 16;

    fn check(&self) -> Result<()> {
        let hash = |text: &String| hex::decode(text).is_ok_and(|bytes| bytes.len() == 32);
        if self.measurements.is_empty() || !self.measurements.iter().all(hash) {
            return Err(Fault::new(
                "policy.no-measurement",
                Self::NAME,
                "no measurement of 32 bytes in hexadecimal",
                "未给出 32 字节十六进制的度量值",
            ));
        }
        Ok(())
    }
}

/// Checks simulated evidence against the deployment's root.
///
/// # Errors
/// `simulated.form`, `simulated.root`, `simulated.signature`, `binding.mismatch`.
pub fn verify(evidence: &Evidence, root: [u8; 32], at: Instant, binding: &Binding) -> Result<Verified<Simulated>> {
    let wrong = |code, en: &str, zh: &str| Fault::new(code, "simulated evidence", en, zh);
    if evidence.kind() != Kind::Simulated {
        return Err(wrong("simulated.form", "evidence of hardware where a simulator is asked for", "要求模拟证据，但收到的是硬件证据"));
    }
    let body: Body = serde_json::from_slice(evidence.body()).map_err(|_| malformed("simulated evidence", "not its JSON"))?;
    if body.magic != MAGIC {
        return Err(wrong("simulated.form", "another magic", "标识不符"));
    }
    if body.root != root {
        return Err(wrong("simulated.root", "signed under the root of another deployment", "由其他部署的根签署"));
    }
    let key = VerifyingKey::from_bytes(&root).map_err(|_| malformed("simulated evidence", "a root that is no point"))?;
    key.verify_strict(&body.digest(), &Signature::from_bytes(&body.signature))
        .map_err(|_| wrong("simulated.signature", "the signature does not verify", "签名无效"))?;
    compare(binding, &body.report_data)?;
    let mut claims = Claims::new();
    claims.set("evidence.kind", Kind::Simulated.name());
    claims.set("evidence.hardware", false);
    claims.set("evidence.debug", body.debug);
    claims.set("evidence.report-data", &body.report_data[..]);
    claims.set("binding", binding.name());
    claims.set("simulated.measurement", &body.measurement[..]);
    claims.set("simulated.root", &body.root[..]);
    Ok(Verified {
        kind: Kind::Simulated,
        claims,
        binding: binding.clone(),
        evidence_hash: evidence.hash(),
        collateral_hash: sha256(&[b"no collateral"]),
        at,
        origin: std::marker::PhantomData,
    })
}

/// Verifies and appraises simulated evidence.
///
/// # Errors
/// If the policy cannot be named by a hash.
pub fn judge(
    policy: &SimulatedPolicy,
    evidence: &Evidence,
    at: Instant,
    binding: &Binding,
) -> Result<(Option<Affirmed<Simulated>>, Verdict)> {
    let hash = policy.hash()?;
    let (affirmed, outcome) = match policy.check().and_then(|()| verify(evidence, policy.root, at, binding)) {
        Err(fault) => (None, refused(fault)),
        Ok(verified) => match denial(policy, verified.claims()) {
            Some(denial) => (None, Outcome::Denied(denial)),
            None => (Some(Affirmed::of(verified, hash, false)), Outcome::Affirmed),
        },
    };
    let verdict = Verdict {
        kind: evidence.kind().name().to_owned(),
        evidence: evidence.hash(),
        bundle: sha256(&[b"no collateral"]),
        policy: hash,
        at,
        binding: binding.clone(),
        outcome,
    };
    Ok((affirmed, verdict))
}

/// Gives a verdict of [`judge`] again from what was stored.
///
/// # Errors
/// `replay.other`, `replay.differs`.
pub fn replay(verdict: &Verdict, policy: &SimulatedPolicy, evidence: &Evidence) -> Result<()> {
    same("evidence", evidence.hash(), verdict.evidence)?;
    same("policy", policy.hash()?, verdict.policy)?;
    verdict.compare(&judge(policy, evidence, verdict.at, &verdict.binding)?.1)
}

/// Releases a key to a simulated worker. Its name says what it is.
///
/// # Errors
/// As [`crate::release::release`].
pub fn release_to_simulated(
    affirmed: &Affirmed<Simulated>,
    session: &Session,
    grant: &Grant,
    key: &DataKey,
    at: Instant,
    rng: &mut impl CryptoRng,
) -> Result<SealedKey> {
    seal_for(affirmed, session, grant, key, at, rng)
}

fn denial(policy: &SimulatedPolicy, claims: &Claims) -> Option<Denial> {
    use crate::claims::Value;
    let rules: [(&str, &str, String, bool); 3] = [
        (
            "worker-code",
            "simulated.measurement",
            format!("one of {}", policy.measurements.join(", ")),
            matches!(claims.get("simulated.measurement"), Some(Value::Bytes(found)) if policy.measurements.contains(&hex::encode(found))),
        ),
        ("no-debug", "evidence.debug", "false".to_owned(), claims.get("evidence.debug") == Some(&Value::Flag(false))),
        ("bound-to-session", "binding", "session".to_owned(), claims.get("binding") == Some(&Value::Text("session".to_owned()))),
    ];
    rules.into_iter().find(|(.., passes)| !passes).map(|(rule, claim, expected, _)| Denial {
        rule: rule.to_owned(),
        claim: claim.to_owned(),
        expected,
        found: claims.get(claim).map(Value::show).unwrap_or_default(),
        remedy: Text::new(
            "run the code that the policy names, without debugging, in a session of this job",
            "请运行策略所列代码、关闭调试，并在本任务会话中取证",
        ),
    })
}
