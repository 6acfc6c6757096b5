//! Destroying what a job or a data set left on this node, with a signed certificate.
//!
//! A certificate says nothing that was not so: payloads are named by the keys that were here; secrets that a run held in
//! memory are named only if the run made them on this node, as overwritten when its thread has ended, or as ended with
//! their process when that ended first. What is about to be destroyed is written down before, so that a crash in between
//! loses nothing of the certificate.

use crate::dataset;
use crate::fault::{Code, Fault, Result};
use crate::incidents::refuse_frozen;
use crate::keys::now;
use crate::node::{Node, payload_hash};
use crate::store::Fate;
use std::collections::BTreeSet;
use yu_governance::canonical::{Hash, digest};
use yu_governance::destroy::{DestroyedItem, DestroyedKind, DestructionCertificate, Method};
use yu_governance::id::{DatasetId, JobId};
use yu_governance::sign::Signed;
use yu_governance::workflow::evidence::Doomed;

/// Kind under which a destruction that has begun is remembered.
const BEGUN: &str = "destroying";

/// Invitations' secrets in the vault begin so.
const INVITE: &str = "invite-";

/// A secret that a run holds in memory only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RunKey {
    /// The exponent of the alignment; input parties only.
    PsiExponent,
    /// The keys that a computing party shares with each of the two others.
    PrgKeys,
    /// The key of the digests that are joined; input parties only.
    DigestKey,
    /// The key under which rows go into an attested environment; input parties only.
    DataKey,
    /// The keys that an attested environment made for its sessions, and what it opened with them; the worker only.
    SessionKey,
    /// The keys of the masks under which updates are summed; parties of a training only.
    MaskKeys,
    /// The same, of a process that went on with a training after an earlier one had ended.
    MaskKeysAgain,
}

impl RunKey {
    const ALL: [Self; 7] =
        [Self::PsiExponent, Self::PrgKeys, Self::DigestKey, Self::DataKey, Self::SessionKey, Self::MaskKeys, Self::MaskKeysAgain];

    /// Stable name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::PsiExponent => "psi-exponent",
            Self::PrgKeys => "prg-keys",
            Self::DigestKey => "digest-key",
            Self::DataKey => "data-key",
            Self::SessionKey => "session-key",
            Self::MaskKeys => "mask-keys",
            Self::MaskKeysAgain => "mask-keys-again",
        }
    }

    fn algorithm(self) -> &'static str {
        match self {
            Self::PsiExponent => "ristretto255",
            Self::PrgKeys => "aes-128-ctr",
            Self::DigestKey => "sha-256",
            // of the inputs of a trusted environment: what the attestation binds, in both suites
            Self::DataKey => "aes-256-gcm",
            Self::SessionKey => "hpke-x25519-hkdf-sha256-aes-256-gcm",
            Self::MaskKeys | Self::MaskKeysAgain => "ristretto255-hkdf-sha256-aes-256-ctr",
        }
    }
}

/// Vault ids of a job's working objects begin so.
pub fn prefix(job: &str) -> String {
    format!("work-{job}-")
}

/// Destroys every working object of a job; returns how many things the certificate names, and its hash. Doing it again
/// changes nothing and returns the same.
///
/// # Errors
/// `state.wrong` while the job's run has its thread; `policy.refused` while it is evidence; `storage.failed`: doing it again goes on where it stopped.
pub fn working(node: &Node, job: &str) -> Result<(usize, Hash)> {
    if node.live().runs(job) {
        return Err(Fault::new(Code::State, "its run has not ended").at(job.to_owned()));
    }
    if let Some(kept) = node.store().job(job)?.and_then(|row| row.certificate) {
        let hash: Hash = kept.parse()?;
        let certificate: Signed<DestructionCertificate> = node.signed("certificate", &hash.to_hex())?;
        return Ok((certificate.payload.items.len(), hash));
    }
    refuse_frozen(node, Doomed::Job(parse_job(job)?))?;
    let ids: Vec<String> = node.vault().ids().into_iter().filter(|id| id.starts_with(&prefix(job))).collect();
    // The thread that held them in this process has ended, and with it their last copy.
    node.store().keys_wiped(job)?;
    let (count, hash) = objects(node, parse_job(job)?, &ids, run_keys(node, job)?)?;
    node.store().set_certificate(job, &hash.to_string())?;
    Ok((count, hash))
}

/// Destroys a data set's payload, its consent receipts, and the salts of commitments to them. The certificate names an id of its own: no job
/// does this.
///
/// # Errors
/// `policy.refused` while it is evidence; `storage.failed`: doing it again goes on where it stopped.
pub fn dataset(node: &Node, id: &DatasetId) -> Result<Hash> {
    refuse_frozen(node, Doomed::Dataset(id))?;
    crate::models::forget_dataset(node, id.as_str())?;
    let salts = dataset::salt_prefix(id);
    let mut ids = vec![dataset::blob_id(id), dataset::consent_id(id)];
    ids.extend(node.vault().ids().into_iter().filter(|kept| kept.starts_with(&salts)));
    let own_id = JobId(digest("yu-destroy-v1", id.as_str().as_bytes()));
    objects(node, own_id, &ids, Vec::new()).map(|(_, hash)| hash)
}

/// Destroys what is in quarantine under a data set's name; the certificate names an id of its own.
///
/// # Errors
/// `storage.failed`; doing it again goes on where it stopped.
pub fn quarantined(node: &Node, vault_ids: &[String]) -> Result<Hash> {
    let own_id = JobId(digest("yu-destroy-v1", vault_ids.join(" ").as_bytes()));
    objects(node, own_id, vault_ids, Vec::new()).map(|(_, hash)| hash)
}

/// Destroys what is left of an ended authorisation; the certificate names an id of its own.
///
/// # Errors
/// `storage.failed`; doing it again goes on where it stopped.
pub fn authorisation(node: &Node, id: &yu_governance::id::AuthorisationId, ids: &[String]) -> Result<Hash> {
    let own_id = JobId(digest("yu-destroy-authorisation-v1", id.as_str().as_bytes()));
    objects(node, own_id, ids, Vec::new()).map(|(_, hash)| hash)
}

/// Destroys a key of operators; the certificate names an id of its own.
///
/// # Errors
/// `policy.refused` while this node is evidence; `storage.failed`: doing it again goes on where it stopped.
pub fn key(node: &Node, vault_id: &str) -> Result<Hash> {
    refuse_frozen(node, Doomed::Other)?;
    let own_id = JobId(digest("yu-destroy-v1", vault_id.as_bytes()));
    objects(node, own_id, &[vault_id.to_owned()], Vec::new()).map(|(_, hash)| hash)
}

/// Destroys the secrets of invitations that were used or are past; the door closes by itself.
///
/// # Errors
/// `storage.failed`.
pub fn invitations(node: &Node) -> Result<()> {
    let at = now().unix();
    for id in node.vault().ids() {
        let Some(invite) = id.strip_prefix(INVITE) else { continue };
        // an invitation is entered before its secret is stored: one without entry is no longer open
        if node.store().open_invite(invite, at)?.is_none() {
            node.vault().shred(&id)?;
        }
    }
    node.store().expire_invites(at)
}

/// Destroys objects of the vault and signs the certificate; objects that are not here are left out.
fn objects(node: &Node, job: JobId, ids: &[String], in_memory: Vec<DestroyedItem>) -> Result<(usize, Hash)> {
    let name = job.0.to_hex();
    let mut items = begun(node, &name)?;
    for id in ids {
        let Some(key) = node.vault().key_id(id) else { continue };
        if !items.iter().any(|item| item.key == key) {
            items.push(DestroyedItem {
                kind: kind(id),
                id: id.clone(),
                algorithm: crate::suite::at_rest().into(),
                key,
                method: Method::CryptoShred,
            });
        }
    }
    if !items.is_empty() {
        let json = serde_json::to_string(&items).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
        node.store().put_object(BEGUN, &name, "", &json, now().unix())?;
    }
    let all: BTreeSet<&String> = ids.iter().chain(items.iter().map(|item| &item.id)).collect();
    for id in all {
        node.vault().shred(id)?;
    }
    items.extend(in_memory);
    if items.is_empty() {
        // done before, and stopped between the certificate and whoever wanted its hash: that one is the evidence
        let kept = node.all_signed::<DestructionCertificate>("certificate")?.into_iter().map(|signed| signed.payload);
        let own = kept.filter(|kept| kept.job == job && kept.node.as_str() == node.name() && !kept.items.is_empty());
        if let Some(kept) = own.max_by_key(|kept| kept.at) {
            return Ok((kept.items.len(), payload_hash(&kept)?));
        }
    }
    let count = items.len();
    let certificate = DestructionCertificate { v: 1, job, node: node.name().parse()?, items, at: now() };
    let hash = payload_hash(&certificate)?;
    let signed = Signed::sign(certificate, node.name(), node.signing())?;
    node.store_signed("certificate", &hash.to_hex(), &signed)?;
    node.store().remove_object(BEGUN, &name)?;
    Ok((count, hash))
}

/// What an interrupted destruction of the same had written down.
fn begun(node: &Node, name: &str) -> Result<Vec<DestroyedItem>> {
    let damaged = |_| Fault::new(Code::Damaged, "a destruction that was begun does not parse").at(name.to_owned());
    node.store().object(BEGUN, name)?.map_or_else(|| Ok(Vec::new()), |kept| serde_json::from_str(&kept.json).map_err(damaged))
}

/// The secrets that the job's run made here, and how each ended.
fn run_keys(node: &Node, job: &str) -> Result<Vec<DestroyedItem>> {
    let item = |(what, fate): (String, Fate)| {
        let key = RunKey::ALL.into_iter().find(|k| k.as_str() == what).ok_or_else(|| Fault::new(Code::Damaged, "name of a run's key"))?;
        let method = match fate {
            Fate::Wiped => Method::Zeroize,
            Fate::Lost => Method::ProcessEnd,
            Fate::Live => return Err(Fault::new(Code::Bug, "a key of a run that ended is still marked as live")),
        };
        Ok(DestroyedItem {
            kind: DestroyedKind::ProtocolKey,
            id: format!("{what} of job {job}"),
            algorithm: key.algorithm().into(),
            key: format!("{what}-{job}"),
            method,
        })
    };
    node.store().run_keys(job)?.into_iter().map(item).collect()
}

fn kind(id: &str) -> DestroyedKind {
    match id {
        id if id.starts_with("ds-") || id.starts_with("quarantine-") || id.starts_with("consent-") || id.starts_with("salt-") => {
            DestroyedKind::Dataset
        }
        id if id.starts_with("model-") || id.ends_with("-model-share") => DestroyedKind::Shares,
        id if id.ends_with("-held") || id.contains("-share") || id.ends_with("-salt") => DestroyedKind::HeldResult,
        id if id.starts_with("transform-key-") => DestroyedKind::ProtocolKey,
        _ => DestroyedKind::WorkingCopy,
    }
}

/// A job id from its text.
///
/// # Errors
/// `input.bad`.
pub fn parse_job(job: &str) -> Result<JobId> {
    Ok(JobId(Hash::from_hex(job)?))
}
