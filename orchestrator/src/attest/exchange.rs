//! Evidence over a live session (after mutual TLS and the signatures that bind the session to its contract).
//!
//! ```text
//! provider                                worker
//!   hello: nonce            ->   <-         hello: nonce
//!                                <-         proof: HPKE key made by the measured code, evidence
//!   answer: again | refused | affirmed ->
//! ```
//! The report data is a hash over the role, both leaf keys, keying material of this very connection, both nonces, the HPKE
//! key, the job, the code and the policy ([`yu_tee_attest::binding`]). If the connection is replaced meanwhile (a cut), the
//! provider asks again with a fresh nonce; evidence is never good for a second connection. Nonces are made here and used once.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rand::CryptoRng;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use yu_tee_attest::binding::{Role, Session};
use yu_tee_attest::evidence::MOST_BYTES;
use yu_tee_attest::release::SessionKey;
use yu_tee_attest::verdict::Verdict;
use yu_tee_attest::{Binding, Evidence};
use yu_wire::channel::{Channel, Expect};
use yu_wire::session::Ends;
use yu_wire::step::{Step, Steps};

use super::attester::Attest;
use crate::fault::{Code, Fault, Result};

/// Rounds after cuts before the exchange is given up.
const MOST_ROUNDS: u32 = 3;

/// Steps of the exchange.
#[derive(Clone, Copy, Debug)]
pub enum Exchange {
    /// A nonce.
    Hello,
    /// Key and evidence.
    Proof,
    /// What came of it.
    Answer,
    /// A sealed data key.
    Key,
    /// A sealed input.
    Input,
    /// A share of a data key, between providers.
    Share,
    /// Hash of the sealed result with a code under the provider's data key, from the worker.
    Result,
}

impl Steps for Exchange {
    fn step(self) -> Step {
        Step::new(0x7101, self as u16)
    }
    fn name(self) -> &'static str {
        match self {
            Self::Hello => "attest.hello",
            Self::Proof => "attest.proof",
            Self::Answer => "attest.answer",
            Self::Key => "attest.key",
            Self::Input => "attest.input",
            Self::Share => "attest.share",
            Self::Result => "attest.result",
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Hello {
    #[serde(with = "hex::serde")]
    nonce: [u8; 32],
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Proof {
    #[serde(with = "hex::serde")]
    hpke_key: [u8; 32],
    evidence: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", tag = "is")]
enum Answer {
    Affirmed,
    Again,
    Refused { reason: String },
}

/// What both sides of an exchange know beforehand, from the contract.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The job.
    pub job: [u8; 32],
    /// Hash of the manifest of the code that runs inside.
    pub code: [u8; 32],
    /// Hash of the policy of attestation.
    pub policy: [u8; 32],
}

/// The live session under an exchange.
pub struct Line<'a> {
    /// Where messages go.
    pub channel: &'a mut Channel,
    /// Keying material and the peer's certificate, of the present connection.
    pub ends: &'a dyn Fn() -> Result<Ends>,
    /// SHA-256 of the own leaf certificate's public key.
    pub own_leaf: [u8; 32],
}

/// SHA-256 of the public key (SubjectPublicKeyInfo) in a leaf certificate.
///
/// # Errors
/// `peer.identity` if it cannot be read.
pub fn leaf_hash(der: &[u8]) -> Result<[u8; 32]> {
    yu_wire::identity::public_key_of(der)
        .map(|key| Sha256::digest(key).into())
        .ok_or_else(|| Fault::new(Code::PeerIdentity, "a leaf certificate that cannot be read"))
}

impl Line<'_> {
    fn send(&mut self, step: Exchange, message: &impl Serialize) -> Result<()> {
        let bytes = serde_json_bytes(message)?;
        Ok(self.channel.send(step, bytes.into())?)
    }

    fn receive<T: DeserializeOwned>(&mut self, step: Exchange, most: usize) -> Result<T> {
        let bytes = self.channel.recv(step, Expect::AtMost(most))?;
        let peer = self.channel.peer().to_owned();
        serde_json::from_slice(&bytes).map_err(|_| Fault::new(Code::PeerProtocol, format!("`{}` does not parse", step.name())).party(peer))
    }
}

fn serde_json_bytes(message: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec(message).map_err(|e| Fault::new(Code::Bug, e.to_string()))
}

fn nonce(rng: &mut impl CryptoRng) -> [u8; 32] {
    let mut nonce = [0; 32];
    rng.fill_bytes(&mut nonce);
    nonce
}

/// The worker's side: makes a key inside, proves it, waits for the answer. Gives the key and the session that it is bound to.
///
/// # Errors
/// `attest.refused` with the provider's reason (the name of a rule), `attest.cut` after repeated cuts, those of the channel.
pub fn prove(line: &mut Line<'_>, subject: &Subject, attester: &dyn Attest, rng: &mut impl CryptoRng) -> Result<(SessionKey, Session)> {
    for _ in 0..MOST_ROUNDS {
        let own_nonce = nonce(rng);
        line.send(Exchange::Hello, &Hello { nonce: own_nonce })?;
        let hello: Hello = line.receive(Exchange::Hello, 256)?;
        let ends = (line.ends)()?;
        let key = SessionKey::generate(rng);
        let session = Session {
            role: Role::Responder,
            own_leaf: line.own_leaf,
            peer_leaf: leaf_hash(&ends.peer_leaf)?,
            exporter: ends.exporter,
            own_nonce,
            peer_nonce: hello.nonce,
            hpke_key: key.public(),
            job: subject.job,
            code: subject.code,
            policy: subject.policy,
        };
        session.check().map_err(Fault::from)?;
        let evidence = attester.evidence(&session)?;
        line.send(Exchange::Proof, &Proof { hpke_key: session.hpke_key, evidence: STANDARD.encode(evidence.encode()) })?;
        match line.receive(Exchange::Answer, 1024)? {
            Answer::Affirmed => return Ok((key, session)),
            Answer::Again => {}
            Answer::Refused { reason } => {
                let shown: String = reason.chars().filter(|c| !c.is_control()).take(128).collect();
                return Err(Fault::new(Code::AttestRefused, shown).party(line.channel.peer().to_owned()));
            }
        }
    }
    Err(cut())
}

fn cut() -> Fault {
    Fault::new(Code::AttestCut, "the connection was replaced during every attempt")
}

/// What became of evidence: whatever opens things, if it passed, and the verdict in any case.
pub type Judged<T> = (Option<T>, Verdict);

/// The provider's side: asks for evidence in this session and judges it. The verdict is to be logged before anything else.
///
/// # Errors
/// `attest.cut`, `peer.protocol`, those of the channel and of `judge`. A refusal is no error here: it is a verdict.
pub fn ask<T>(
    line: &mut Line<'_>,
    subject: &Subject,
    judge: &mut dyn FnMut(&Evidence, &Binding) -> Result<Judged<T>>,
    rng: &mut impl CryptoRng,
) -> Result<(Judged<T>, Session, Evidence)> {
    for _ in 0..MOST_ROUNDS {
        let own_nonce = nonce(rng);
        line.send(Exchange::Hello, &Hello { nonce: own_nonce })?;
        let hello: Hello = line.receive(Exchange::Hello, 256)?;
        let proof: Proof = line.receive(Exchange::Proof, MOST_BYTES.saturating_mul(2))?;
        let ends = (line.ends)()?;
        let peer_leaf = leaf_hash(&ends.peer_leaf)?;
        // seen from the attester, whose report it is
        let session = Session {
            role: Role::Responder,
            own_leaf: peer_leaf,
            peer_leaf: line.own_leaf,
            exporter: ends.exporter,
            own_nonce: hello.nonce,
            peer_nonce: own_nonce,
            hpke_key: proof.hpke_key,
            job: subject.job,
            code: subject.code,
            policy: subject.policy,
        };
        session.check().map_err(Fault::from)?;
        let bytes = STANDARD
            .decode(&proof.evidence)
            .map_err(|_| Fault::new(Code::PeerProtocol, "evidence that is no base64").party(line.channel.peer().to_owned()))?;
        let evidence = Evidence::decode(&bytes).map_err(|fault| Fault::from(fault).party(line.channel.peer().to_owned()))?;
        let judged = judge(&evidence, &Binding::Session(Box::new(session.clone())))?;
        // a cut between the worker's look at the connection and ours makes honest evidence look relayed
        if judged.0.is_none() && judged.1.outcome.reason() == "binding.mismatch" && (line.ends)()?.generation > 1 {
            line.send(Exchange::Answer, &Answer::Again)?;
            continue;
        }
        let answer = match &judged.0 {
            Some(_) => Answer::Affirmed,
            None => Answer::Refused { reason: judged.1.outcome.reason().to_owned() },
        };
        line.send(Exchange::Answer, &answer)?;
        return Ok((judged, session, evidence));
    }
    Err(cut())
}
