//! The run of a job inside an attested environment.
//!
//! ```text
//! providers   agree on a digest key; each makes a data key and gives the other one of two shares of it
//! worker ->   evidence in each session; each provider judges it and writes the verdict down
//! providers -> sealed rows, then (only to what passed) both shares that they hold, sealed to the key in the evidence
//! worker      opens the rows, joins, runs the module, seals the result to the reviewer
//! ```
//! Either data key needs the shares of both providers: one deceived provider opens nothing. The worker sees digests under a key
//! that only the providers have, never an identifier. Keys live in memory only and are wiped.

use super::super::enclave;
use super::super::held::{Handover, Piece, Vouched};
use super::super::inputs::{self, Prepared};
use super::super::plan;
use super::Scene;
use crate::attest::appraiser::Appraiser;
use crate::attest::exchange::{self, Exchange, Line, Subject, leaf_hash};
use crate::attest::records;
use crate::destroy::RunKey;
use crate::fault::{Code, Fault, Result};
use crate::journal::Note;
use crate::keys::{now, rng};
use crate::sessions;
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use rand::Rng;
use serde::{Deserialize, Serialize};
use serde_json::json;
use yu_governance::audit::{Event, Verb};
use yu_governance::check::InputAttestation;
use yu_governance::contract::EnclaveTerms;
use yu_governance::policy::Permit;
use yu_governance::sign::Signed;
use yu_mpc::joint::agree_on_key;
use yu_mpc::stats::Role as Part;
use yu_mpc::table::join::digest;
use yu_tee_attest::Instant;
use yu_tee_attest::release::{DataKey, Grant, SealedKey};
use yu_tee_attest::share::{self, KEY_BYTES, Share};
use yu_wire::channel::Expect;
use zeroize::Zeroizing;

/// Shares of a data key, and how many of them open it: both providers.
const HOLDERS: u8 = 2;

/// What comes before sealed rows, in the clear: the worker knows the rows from the contract.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Keys {
    /// What the key of the own rows must hash to.
    #[serde(with = "hex::serde")]
    commitment: [u8; 32],
    /// The own share of the own key, and of the other provider's.
    shares: [SealedKey; 2],
}

/// Runs this party's part.
pub(super) fn protocol(
    scene: &Scene<'_>,
    terms: &EnclaveTerms,
    prepared: Option<(Prepared, &Permit)>,
    open: &mut sessions::Open,
) -> Result<Handover> {
    match prepared {
        Some((prepared, permit)) => provide(scene, terms, prepared, permit, open),
        None => worker::compute(scene, terms, open),
    }
}

fn subject(scene: &Scene<'_>, terms: &EnclaveTerms) -> Result<Subject> {
    let job = *crate::destroy::parse_job(scene.job)?.0.as_bytes();
    Ok(Subject { job, code: *terms.code.as_bytes(), policy: *terms.policy_hash.as_bytes() })
}

fn aad(job: &str, party: &str) -> Vec<u8> {
    format!("yu-enclave-input-v1\n{job}\n{party}").into_bytes()
}

/// One message under one fresh key: the nonce is constant.
fn cipher(key: &[u8; KEY_BYTES]) -> Result<LessSafeKey> {
    let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| Fault::new(Code::Bug, "a key of AES-256"))?;
    Ok(LessSafeKey::new(key))
}

/// The providers' side.
fn provide(scene: &Scene<'_>, terms: &EnclaveTerms, prepared: Prepared, permit: &Permit, open: &mut sessions::Open) -> Result<Handover> {
    let Scene { node, job, contract, part, say } = *scene;
    let statistics = &plan::joint_terms(contract)?.statistics;
    let (own, other) = if part == Part::Left { (&statistics.left, &statistics.right) } else { (&statistics.right, &statistics.left) };
    let (other, worker) = (other.party.to_string(), statistics.helper.to_string());
    let mut rng = rng();
    say(12, "checks");
    let (rows, examination) = inputs::all(contract, part, &prepared)?;
    inputs::refuse_small(contract, &examination)?;
    node.store().add_event(job, "cells-checked", &json!({ "min_cell": contract.limits.min_cell }), now().unix())?;
    let statement = InputAttestation::new(crate::destroy::parse_job(job)?, own.party.clone(), &examination, now());
    let attestation = Some(Signed::sign(statement, node.name(), node.signing())?);
    let appraiser = Appraiser::of(node, terms)?;

    say(20, "keys");
    node.store().key_made(job, RunKey::DigestKey.as_str())?;
    let id = *crate::destroy::parse_job(job)?.0.as_bytes();
    let digest_key = agree_on_key(open.channel(&other)?, part, &id, &mut rng)?;
    node.store().key_made(job, RunKey::DataKey.as_str())?;
    let mut key = Zeroizing::new([0; KEY_BYTES]);
    rng.fill_bytes(&mut *key);
    let commitment = share::commitment(&key);
    let mut shares = share::split(&key, HOLDERS, HOLDERS, &mut rng)?;
    let (theirs, mine) = (shares.pop(), shares.pop());
    let (Some(theirs), Some(mine)) = (theirs, mine) else { return Err(Fault::new(Code::Bug, "two shares")) };
    let channel = open.channel(&other)?;
    channel.send(Exchange::Share, theirs.to_key()?.expose().to_vec().into())?;
    let received = Zeroizing::new(channel.recv(Exchange::Share, Expect::Exactly(KEY_BYTES + 1))?.to_vec());
    let of_other =
        Share::from_key(&DataKey::new(&received)?).map_err(|_| Fault::new(Code::PeerProtocol, "a share").party(other.clone()))?;

    say(30, "attest");
    node.log(Event::new(Verb::StepStarted).of(job)?.code("step", "attest"))?;
    let session = open.session(&worker)?;
    let subject = subject(scene, terms)?;
    let own_leaf = leaf_hash(node.keys().identity.leaf_der())?;
    let mut written = None;
    let mut judge = |evidence: &yu_tee_attest::Evidence, binding: &yu_tee_attest::Binding| {
        let judged = appraiser.judge(evidence, binding)?;
        // on record before anything follows from it
        let hash = records::store(node.home(), &judged.1, evidence, appraiser.text(&judged.1, terms)?.as_ref())?;
        let outcome = if judged.0.is_some() { "affirmed" } else { "refused" };
        node.log(Event::new(Verb::EvidenceJudged).of(job)?.by(&worker)?.hash("verdict", &hash).code("outcome", outcome))?;
        written = Some(hash);
        Ok(judged)
    };
    let ends = || session.ends().map_err(Fault::from);
    let mut line = Line { channel: open.channel(&worker)?, ends: &ends, own_leaf };
    let asked = exchange::ask(&mut line, &subject, &mut judge, &mut rng);
    if asked.is_err() {
        node.log(Event::new(Verb::KeyWithheld).of(job)?.by(&worker)?)?;
    }
    let ((passed, verdict), bound, _) = asked?;
    let told =
        json!({ "party": worker, "kind": verdict.kind, "outcome": verdict.outcome.reason(), "verdict": written.map(|h| h.to_string()) });
    node.store().add_event(job, "attested", &told, now().unix())?;
    let Some(passed) = passed else {
        node.log(Event::new(Verb::KeyWithheld).of(job)?.by(&worker)?)?;
        let detail = verdict.outcome.message(yu_tee_attest::Lang::En);
        return Err(Fault::new(Code::AttestRefused, format!("{}: {detail}", verdict.outcome.reason())).party(worker));
    };

    say(50, "release");
    let sealed = seal_rows(&prepared, &rows, &digest_key, &key, &aad(job, own.party.as_str()))?;
    drop((rows, prepared, digest_key));
    let channel = open.channel(&worker)?;
    channel.send(Exchange::Input, sealed.into())?;
    let dataset_of =
        |party: &str| contract.inputs.iter().find(|i| i.party.as_str() == party).map(|i| i.dataset.to_string()).unwrap_or_default();
    let grant = |dataset: String| Grant {
        provider: node.name().to_owned(),
        dataset,
        job: subject.job,
        purpose: contract.purpose.to_string(),
        permit: permit_hash(permit),
        until: Instant(contract.expires.unix()),
    };
    let own_sealed = passed.release(&bound, &grant(dataset_of(own.party.as_str())), &mine.to_key()?, &mut rng)?;
    let other_sealed = passed.release(&bound, &grant(dataset_of(&other)), &of_other.to_key()?, &mut rng)?;
    let keys = Keys { commitment, shares: [own_sealed, other_sealed] };
    let bytes = serde_json::to_vec(&keys).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
    if let Some(hash) = &written {
        node.log(Event::new(Verb::KeyReleased).of(job)?.by(&worker)?.hash("verdict", hash))?;
    }
    channel.send(Exchange::Key, bytes.into())?;
    node.store().add_event(job, "key-released", &json!({ "party": worker }), now().unix())?;
    say(70, "inside");
    let told = channel.recv(Exchange::Result, Expect::Exactly(64))?;
    let (hash, _) = told.split_at(32);
    let result: [u8; 32] = hash.try_into().map_err(|_| Fault::new(Code::Bug, "a hash"))?;
    if aws_lc_rs::constant_time::verify_slices_are_equal(&result_message(&key, job, &result), &told).is_err() {
        return Err(Fault::new(Code::PeerProtocol, "a result that the environment did not make").party(worker));
    }
    measure(scene, channel)?;
    Ok(Handover { share: Piece::Vouched(Vouched { result, gate: None }), attestation })
}

/// Hash of the sealed result, and a code over it under the data key: only the environment and this provider have that.
fn result_message(key: &[u8; KEY_BYTES], job: &str, hash: &[u8; 32]) -> [u8; 64] {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    let mut context = hmac::Context::with_key(&key);
    context.update(b"yu-enclave-result-v1\n");
    context.update(job.as_bytes());
    context.update(hash);
    let mut message = [0; 64];
    let (head, tail) = message.split_at_mut(32);
    head.copy_from_slice(hash);
    tail.copy_from_slice(context.sign().as_ref());
    message
}

/// A name for the permit in the grant: what it allows, hashed.
fn permit_hash(permit: &Permit) -> [u8; 32] {
    let columns: Vec<&str> = permit.columns().iter().collect();
    let text = format!("{}\n{}\n{}\n{}\n{}", permit.job(), permit.dataset(), permit.version(), columns.join("\n"), permit.purpose());
    *yu_governance::canonical::digest("yu-permit-v1", text.as_bytes()).as_bytes()
}

/// Rows as the worker gets them: digests, numbers, categories; encrypted.
fn seal_rows(prepared: &Prepared, rows: &inputs::Columns, digest_key: &[u8; 32], key: &[u8; KEY_BYTES], aad: &[u8]) -> Result<Vec<u8>> {
    let too_long = || Fault::new(Code::Input, "the input is too long");
    let count = prepared.keys.len();
    let (columns, codes) = (rows.numeric.ncols(), rows.codes.len());
    let length =
        enclave::input_bytes(count as u64, columns as u64, codes as u64).and_then(|n| usize::try_from(n).ok()).ok_or_else(too_long)?;
    // encrypted in its place: the buffer never grows, so no copy of the rows is left behind
    let mut bytes = Zeroizing::new(Vec::with_capacity(length));
    bytes.extend_from_slice(&(count as u64).to_le_bytes());
    bytes.extend_from_slice(&u32::try_from(columns).map_err(|_| too_long())?.to_le_bytes());
    bytes.extend_from_slice(&u32::try_from(codes).map_err(|_| too_long())?.to_le_bytes());
    for key in &prepared.keys {
        digest(digest_key, key).iter().for_each(|word| bytes.extend_from_slice(&word.to_le_bytes()));
    }
    rows.numeric.iter().for_each(|value| bytes.extend_from_slice(&value.to_le_bytes()));
    rows.codes.iter().flatten().for_each(|code| bytes.extend_from_slice(&code.to_le_bytes()));
    let tag = cipher(key)?
        .seal_in_place_separate_tag(Nonce::assume_unique_for_key([0; 12]), Aad::from(aad), &mut bytes)
        .map_err(|_| Fault::new(Code::Bug, "sealing of an input"))?;
    bytes.extend_from_slice(tag.as_ref());
    // ciphertext now
    Ok(std::mem::take(&mut *bytes))
}

/// Bytes so far against the contract's bounds.
fn measure(scene: &Scene<'_>, channel: &yu_wire::channel::Channel) -> Result<()> {
    let totals = channel.meter().totals();
    let cost = &scene.contract.cost;
    let equal = totals.bytes_sent.max(totals.bytes_received) <= cost.max_bytes;
    let measured =
        json!({ "bytes_sent": totals.bytes_sent, "bytes_received": totals.bytes_received, "rounds": totals.rounds, "equal": equal });
    scene.node.store().set_measured(scene.job, &measured.to_string())?;
    scene.node.store().add_event(
        scene.job,
        "inside",
        &json!({ "sent": totals.bytes_sent, "received": totals.bytes_received, "rounds": totals.rounds, "equal": equal }),
        now().unix(),
    )
}

#[cfg(not(feature = "wasm"))]
mod worker {
    use super::{Code, EnclaveTerms, Fault, Handover, Result, Scene, sessions};

    pub(super) fn compute(_: &Scene<'_>, _: &EnclaveTerms, _: &mut sessions::Open) -> Result<Handover> {
        Err(Fault::new(Code::AttestUnavailable, "this build runs no modules: build with --features wasm"))
    }
}

#[cfg(feature = "wasm")]
mod worker;
