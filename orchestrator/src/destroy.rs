//! Destroying what a job left on this node, with a signed certificate.

use crate::fault::Result;
use crate::keys::now;
use crate::node::{Node, payload_hash};
use yu_governance::canonical::{Hash, digest};
use yu_governance::destroy::{DestroyedItem, DestroyedKind, DestructionCertificate, Method};
use yu_governance::id::JobId;
use yu_governance::sign::Signed;

/// Vault ids of a job's working objects begin so.
pub fn prefix(job: &str) -> String {
    format!("work-{job}-")
}

/// Destroys every working object of a job; returns how many and the certificate's hash.
///
/// # Errors
/// `storage.failed`; doing it again goes on where it stopped.
pub fn working(node: &Node, job: &str) -> Result<(usize, Hash)> {
    let ids: Vec<String> = node.vault().ids().into_iter().filter(|id| id.starts_with(&prefix(job))).collect();
    let certificate = objects(node, Some(job), &ids)?;
    Ok((ids.len(), certificate))
}

/// Destroys objects of the vault and signs the certificate; objects that are not here are left out.
///
/// # Errors
/// `storage.failed`.
pub fn objects(node: &Node, job: Option<&str>, ids: &[String]) -> Result<Hash> {
    let mut items = Vec::new();
    for id in ids {
        let Some(key) = node.vault().key_id(id) else { continue };
        node.vault().shred(id)?;
        items.push(DestroyedItem { kind: kind(id), id: id.clone(), algorithm: "aes-256-gcm".into(), key, method: Method::CryptoShred });
    }
    let job = match job {
        Some(job) => parse_job(job)?,
        // A data set that ends outside any job: the certificate names an id of its own.
        None => JobId(digest("yu-destroy-v1", ids.join("\n").as_bytes())),
    };
    if job_is_known(node, &job)? {
        // what lived in memory only and was overwritten when the protocol ended
        for (what, algorithm) in [("psi-exponent", "ristretto255"), ("prg-keys", "aes-128-ctr")] {
            items.push(DestroyedItem {
                kind: DestroyedKind::ProtocolKey,
                id: format!("{what} of job {job}"),
                algorithm: algorithm.into(),
                key: format!("{what}-{job}"),
                method: Method::Zeroize,
            });
        }
    }
    let certificate = DestructionCertificate { v: 1, job, node: node.name().parse()?, items, at: now() };
    let hash = payload_hash(&certificate)?;
    let signed = Signed::sign(certificate, node.name(), node.signing())?;
    node.store_signed("certificate", &hash.to_hex(), &signed)?;
    Ok(hash)
}

/// Whether this node computed in the job (only then it had protocol keys).
fn job_is_known(node: &Node, job: &JobId) -> Result<bool> {
    let row = node.store().job(&job.0.to_hex())?;
    Ok(row.is_some_and(|row| crate::job::run::computes(node, &row)))
}

fn kind(id: &str) -> DestroyedKind {
    match id {
        id if id.starts_with("ds-") || id.starts_with("consent-") => DestroyedKind::Dataset,
        id if id.ends_with("-held") || id.contains("-share") => DestroyedKind::HeldResult,
        _ => DestroyedKind::WorkingCopy,
    }
}

/// A job id from its text.
///
/// # Errors
/// `input.bad`.
pub fn parse_job(job: &str) -> Result<JobId> {
    let hash: Hash = format!("sha-256:{job}").parse()?;
    Ok(JobId(hash))
}
