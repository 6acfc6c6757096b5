//! What a provider states about its input before there is a contract: how many rows it would offer to alignment, and a
//! commitment to its consent set. Counts come out, nothing else.

use crate::control::OfferAnswer;
use crate::dataset;
use crate::fault::{Code, Fault, Result};
use crate::keys::{now, rng};
use crate::node::{Node, payload_hash};
use crate::raw_table::{Rows, key_spec};
use crate::verbs::to_value;
use rand::Rng;
use serde_json::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use yu_desensitize::key::normalise;
use yu_governance::authorisation::Authorisation;
use yu_governance::catalogue::{CatalogueEntry, Kind, Subjects};
use yu_governance::consent::{ConsentQuery, ConsentSet};
use yu_governance::id::DatasetId;
use yu_governance::raw::Raw;
use yu_governance::request::{Approval, DataRequest};
use yu_governance::sign::Signed;

/// How long a statement is given again without reading the data once more: explain, check and submit follow each other.
const FRESH: Duration = Duration::from_secs(60);

/// Statements made a moment ago; counts and commitments only.
#[derive(Default)]
pub struct Offers(Mutex<HashMap<String, (Instant, OfferAnswer)>>);

impl Offers {
    fn map(&self) -> MutexGuard<'_, HashMap<String, (Instant, OfferAnswer)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn recent(&self, key: &str) -> Option<OfferAnswer> {
        let mut map = self.map();
        map.retain(|_, (since, _)| since.elapsed() < FRESH);
        map.get(key).map(|(_, answer)| answer.clone())
    }

    fn keep(&self, key: String, answer: &OfferAnswer) {
        self.map().insert(key, (Instant::now(), answer.clone()));
    }
}

/// What somebody wants to know of a data set.
pub struct Wanted<'a> {
    /// Key columns, in order.
    pub key: &'a [String],
    /// Key normalisation.
    pub steps: &'a [String],
    /// Numeric columns whose magnitudes are wanted.
    pub columns: &'a [String],
}

/// Answers a peer that holds an approved request.
///
/// # Errors
/// `request.not-approved` for everybody else.
pub fn answer(node: &Arc<Node>, from: &str, authorisation: &str, request: &str, wanted: &Wanted<'_>) -> Result<Value> {
    let key = wanted.key;
    let not_approved = |_| Fault::new(Code::NotApproved, format!("`{request}`")).party(node.name());
    let asked: Signed<DataRequest> = node.signed("request", request).map_err(not_approved)?;
    let approval: Signed<Approval> = node.signed("approval", request).map_err(not_approved)?;
    let authorisation: Signed<Authorisation> = node.signed("authorisation", authorisation)?;
    if asked.payload.requester.as_str() != from || approval.payload.not_after <= now() {
        return Err(Fault::new(Code::NotApproved, format!("`{request}` is not an approved request of `{from}`")).party(node.name()));
    }
    let fits = approval.payload.approver.as_str() == node.name()
        && approval.payload.request_hash == payload_hash(&asked.payload)?
        && approval.payload.authorisation == authorisation.payload.id
        && authorisation.payload.covers(now());
    let entry: Signed<CatalogueEntry> = node.signed("catalogue", asked.payload.dataset.as_str()).map_err(not_approved)?;
    let granted = approval.payload.granted();
    // Counting over any other column would be an oracle about it.
    let keys = key.iter().all(|k| granted.contains(k) && entry.payload.column(k).is_some_and(|c| c.kind == Kind::Key));
    let numeric = wanted.columns.iter().all(|c| granted.contains(c) && entry.payload.column(c).is_some_and(|c| c.kind == Kind::Numeric));
    if !fits || key.is_empty() || !keys || !numeric {
        return Err(Fault::new(Code::NotApproved, format!("`{request}` does not cover these columns now")).party(node.name()));
    }
    let offered = of(node, &asked.payload.dataset, &authorisation.payload, &approval.payload, wanted);
    // The peer learns that something is wrong with the data, the owner what and where.
    let offered = offered.map_err(|fault| {
        tracing::warn!(%fault, "no offer");
        Fault::new(fault.code, "the provider's data cannot be used as they are; its operator sees where").party(node.name())
    })?;
    to_value(&offered)
}

/// What this node would offer of one of its data sets.
///
/// # Errors
/// `not-found`, `dataset.changed`, `key.duplicate`, and faults of the file.
pub fn of(node: &Node, id: &DatasetId, authorisation: &Authorisation, approval: &Approval, wanted: &Wanted<'_>) -> Result<OfferAnswer> {
    let Wanted { key, steps, columns } = wanted;
    let entry: Signed<CatalogueEntry> = node.signed("catalogue", id.as_str())?;
    dataset::unchanged(node, id, &entry.payload.version)?;
    let receipts_key = node.vault().key_id(&dataset::consent_id(id));
    let name = format!("{id} {} {receipts_key:?} {} {key:?} {steps:?} {columns:?}", entry.payload.version, payload_hash(approval)?);
    if let Some(answer) = node.offers().recent(&name) {
        return Ok(answer);
    }
    let answer = count(node, id, &entry.payload, authorisation, approval, wanted)?;
    node.offers().keep(name, &answer);
    Ok(answer)
}

fn count(
    node: &Node,
    id: &DatasetId,
    entry: &CatalogueEntry,
    authorisation: &Authorisation,
    approval: &Approval,
    wanted: &Wanted<'_>,
) -> Result<OfferAnswer> {
    let Wanted { key, steps, columns } = *wanted;
    let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
    let table = dataset::load(node, id, &entry.version)?;
    normalise(&table, &key_spec(key, steps)?)?.check_unique()?;
    let raw = Raw::new(id.clone(), entry.version, Rows(table));
    if entry.subjects == Subjects::None {
        return Ok(OfferAnswer { rows: raw.rows(), commitment: None, exponents: raw.magnitudes(&columns, None)? });
    }
    let consent = receipts(node, id)?;
    let subject = key.first().ok_or_else(|| Fault::new(Code::Input, "no key column"))?;
    let granted = approval.granted();
    let query = ConsentQuery { scenario: &authorisation.scenario, purpose: &authorisation.purpose, items: &granted, now: now() };
    let counts = raw.count_consenting(subject, &consent, &query)?;
    let exponents = raw.magnitudes(&columns, Some((subject, &consent, &query)))?;
    let mut salt = [0_u8; 32];
    rng().fill_bytes(&mut salt);
    let commitment = consent.commitment(&salt);
    // with the salt the provider can show later which set it used; it stays encrypted here, as long as the data set does
    node.vault().put(&format!("{}{}", dataset::salt_prefix(id), commitment.to_hex()), &salt)?;
    Ok(OfferAnswer { rows: counts.kept, commitment: Some(commitment.to_string()), exponents })
}

/// Consent receipts of a data set.
///
/// # Errors
/// `policy.refused` when the rows point at persons and no receipts were added.
pub fn receipts(node: &Node, id: &DatasetId) -> Result<ConsentSet> {
    let name = dataset::consent_id(id);
    if !node.vault().holds(&name) {
        return Err(Fault::new(Code::Refused, format!("`{id}` points at persons and has no consent receipts (A15)")).party(node.name()));
    }
    crate::consent::parse(&name, &node.vault().get(&name)?)
}
