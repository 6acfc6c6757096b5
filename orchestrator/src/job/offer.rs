//! What a provider states about its input before there is a contract: how many rows it would offer to alignment, and a
//! commitment to its consent set. Counts come out, nothing else: none below the least number of rows, each is logged and kept, and only
//! so many a day are counted. A contract is compared with what was stated ([`stated`]).

use crate::control::OfferAnswer;
use crate::dataset;
use crate::fault::{Code, Fault, Result};
use crate::job::bundle;
use crate::journal::Note;
use crate::keys::{now, rng};
use crate::node::{Node, payload_hash};
use crate::raw_table::{Rows, key_spec};
use crate::store::Statement;
use crate::verbs::to_value;
use rand::Rng;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use yu_desensitize::key::normalise;
use yu_governance::audit::{Event, Field, Verb};
use yu_governance::authorisation::Authorisation;
use yu_governance::canonical::{Hash, digest, to_canonical};
use yu_governance::catalogue::{CatalogueEntry, Kind, Subjects};
use yu_governance::consent::{ConsentQuery, ConsentSet};
use yu_governance::contract::{ConsentTerms, Contract, Input, PsiKind};
use yu_governance::id::{ColumnSet, DatasetId};
use yu_governance::raw::Raw;
use yu_governance::request::{Approval, DataRequest};
use yu_governance::sign::Signed;

/// How long a statement is given again without reading the data once more, seconds: explain, check and submit follow each other.
const FRESH: i64 = 60;
/// How old a statement may be on which a contract rests, seconds. Consents end meanwhile; a person who signs has a day.
const RESTS: i64 = 86_400;
/// Counts of one data set for one peer on one day. Differences between counts over other columns or moments tell about single
/// subjects; ten runs a day, each explained, checked and submitted for two protocols, need 60.
const COUNTS_PER_DAY: u64 = 100;
/// Kind under which the present commitment of a data set's receipts is remembered.
const COMMITTED: &str = "consent-commitment";

/// What somebody wants to know of a data set.
pub struct Wanted<'a> {
    /// Key columns, in order.
    pub key: &'a [String],
    /// Key normalisation.
    pub steps: &'a [String],
    /// Every column that the job would read: consent has to cover them, as it has to in the run.
    pub columns: &'a ColumnSet,
    /// Numeric columns whose magnitudes are wanted.
    pub measured: &'a [String],
}

/// What an answer depends on, but for the receipts and the moment.
#[derive(Serialize)]
struct Question<'a> {
    version: &'a Hash,
    approval: &'a Hash,
    key: &'a [String],
    steps: &'a [String],
    columns: &'a ColumnSet,
    measured: &'a [String],
}

impl Wanted<'_> {
    fn question(&self, version: &Hash, approval: &Hash) -> Result<String> {
        let question = Question { version, approval, key: self.key, steps: self.steps, columns: self.columns, measured: self.measured };
        Ok(digest("yu-offer-v1", &to_canonical(&question)?).to_hex())
    }
}

/// Answers a peer that holds an approved request.
///
/// # Errors
/// `not-found` for a request or an authorisation that is not the asker's, as for one that is not there (D6); `request.not-approved` where it does
/// not cover what is asked.
pub fn answer(node: &Arc<Node>, from: &str, authorisation: &str, request: &str, wanted: &Wanted<'_>) -> Result<Value> {
    let key = wanted.key;
    let not_approved = |_| Fault::new(Code::NotApproved, format!("`{request}`")).party(node.name());
    let asked: Signed<DataRequest> = node.signed("request", request)?;
    if asked.payload.requester.as_str() != from || asked.payload.authorisation.as_str() != authorisation {
        return Err(crate::control::not_here(node.name()));
    }
    let approval: Signed<Approval> = node.signed("approval", request).map_err(not_approved)?;
    let authorisation: Signed<Authorisation> = node.signed("authorisation", authorisation)?;
    if approval.payload.not_after <= now() {
        return Err(Fault::new(Code::NotApproved, format!("`{request}` is not an approved request of `{from}`")).party(node.name()));
    }
    let fits = approval.payload.approver.as_str() == node.name()
        && approval.payload.request_hash == payload_hash(&asked.payload)?
        && approval.payload.authorisation == authorisation.payload.id
        && authorisation.payload.covers(now());
    let entry: Signed<CatalogueEntry> = node.signed("catalogue", asked.payload.dataset.as_str()).map_err(not_approved)?;
    let granted = approval.payload.granted();
    let of_kind = |name: &String, kind: &Kind| entry.payload.column(name).is_some_and(|c| c.kind == *kind);
    // Counting over any other column would be an oracle about it.
    let covered = wanted.columns.beyond(&granted).is_empty();
    let keys = key.iter().all(|k| wanted.columns.contains(k) && of_kind(k, &Kind::Key));
    let numeric = wanted.measured.iter().all(|c| wanted.columns.contains(c) && of_kind(c, &Kind::Numeric));
    let subject = entry.payload.subject_column.as_ref().is_none_or(|s| wanted.columns.contains(s));
    // without keys nothing is joined, so no magnitude is needed
    let joins = !key.is_empty() || (wanted.measured.is_empty() && wanted.steps.is_empty());
    if !fits || !joins || !covered || !keys || !numeric || !subject {
        return Err(Fault::new(Code::NotApproved, format!("`{request}` does not cover these columns now")).party(node.name()));
    }
    match of(node, from, &asked.payload.dataset, &authorisation.payload, &approval.payload, wanted) {
        Ok(offered) => to_value(&offered),
        // these two say nothing about the data but what the floors say
        Err(fault) if matches!(fault.code, Code::TooFewRows | Code::RunsPerDay) => Err(fault.party(node.name())),
        // The peer learns that something is wrong with the data, the owner what and where.
        Err(fault) => {
            tracing::warn!(%fault, "no offer");
            Err(Fault::new(fault.code, "the provider's data cannot be used as they are; its operator sees where").party(node.name()))
        }
    }
}

/// What this node would offer `asker` of one of its data sets.
///
/// # Errors
/// `not-found`, `dataset.changed`, `key.duplicate`, and faults of the file; `rows.too-few`, `runs.exceeded`.
pub fn of(
    node: &Node,
    asker: &str,
    id: &DatasetId,
    authorisation: &Authorisation,
    approval: &Approval,
    wanted: &Wanted<'_>,
) -> Result<OfferAnswer> {
    let entry: Signed<CatalogueEntry> = node.signed("catalogue", id.as_str())?;
    dataset::unchanged(node, id, &entry.payload.version)?;
    let question = wanted.question(&entry.payload.version, &payload_hash(approval)?)?;
    let receipts = node.vault().key_id(&dataset::consent_id(id)).unwrap_or_default();
    let at = now().unix();
    let kept = node.store().statement(id.as_str(), asker, &question)?;
    if let Some(kept) = kept.filter(|kept| kept.receipts == receipts && (0..FRESH).contains(&(at - kept.at))) {
        return Ok(kept.answer);
    }
    let said = |verb| Ok::<_, Fault>(Event::new(verb).by(asker)?.with("dataset", Field::Dataset(id.clone())));
    // its own operator may count as often as he likes
    if asker != node.name() && !node.store().count_question(id.as_str(), asker, &bundle::day(), COUNTS_PER_DAY)? {
        return Err(Fault::new(Code::RunsPerDay, format!("{COUNTS_PER_DAY} counts of a data set a day")).at(id.to_string()));
    }
    let answer = count(node, id, &entry.payload, authorisation, &receipts, wanted)?;
    let least = bundle::floors(node).min_rows;
    if answer.rows < least {
        // not how many: that is what a small set must not say
        node.log(said(Verb::OfferRefused)?.code("reason", Code::TooFewRows.as_str()))?;
        return Err(Fault::new(Code::TooFewRows, format!("fewer than {least} rows would take part")).at(id.to_string()));
    }
    node.store().put_statement(id.as_str(), asker, &question, &Statement { answer: answer.clone(), receipts, at })?;
    node.log(said(Verb::OfferStated)?.with("request", Field::Request(approval.request.clone())).count("rows", answer.rows))?;
    Ok(answer)
}

fn count(
    node: &Node,
    id: &DatasetId,
    entry: &CatalogueEntry,
    authorisation: &Authorisation,
    receipts_key: &str,
    wanted: &Wanted<'_>,
) -> Result<OfferAnswer> {
    let measured: Vec<&str> = wanted.measured.iter().map(String::as_str).collect();
    let table = dataset::load(node, id, &entry.version)?;
    if !wanted.key.is_empty() {
        normalise(&table, &key_spec(wanted.key, wanted.steps)?)?.check_unique()?;
    }
    let raw = Raw::new(id.clone(), entry.version, Rows(table));
    if entry.subjects == Subjects::None {
        return Ok(OfferAnswer { rows: raw.rows(), commitment: None, exponents: raw.magnitudes(&measured, None)? });
    }
    let subject = entry.subject_column.as_ref().ok_or_else(|| {
        Fault::new(Code::Refused, "its catalogue entry does not name whose consent counts: add it again").at(id.to_string())
    })?;
    let consent = receipts(node, id)?;
    let query = ConsentQuery { scenario: &authorisation.scenario, purpose: &authorisation.purpose, items: wanted.columns, now: now() };
    let rows = raw.count_consenting(subject, &consent, &query)?.kept;
    let exponents = raw.magnitudes(&measured, Some((subject, &consent, &query)))?;
    Ok(OfferAnswer { rows, commitment: Some(commitment(node, id, &consent, receipts_key)?), exponents })
}

/// The commitment to receipts that are committed to, and the key that names them.
#[derive(Serialize, Deserialize)]
struct Committed {
    receipts: String,
    commitment: String,
}

/// One commitment, and one salt, for one set of receipts, however often it is asked for.
fn commitment(node: &Node, id: &DatasetId, consent: &ConsentSet, receipts_key: &str) -> Result<String> {
    let salt_of = |hex: &str| format!("{}{hex}", dataset::salt_prefix(id));
    let kept = node.store().object(COMMITTED, id.as_str())?.and_then(|kept| serde_json::from_str::<Committed>(&kept.json).ok());
    if let Some(kept) = kept.filter(|kept| kept.receipts == receipts_key)
        && let Ok(hash) = kept.commitment.parse::<Hash>()
        && node.vault().holds(&salt_of(&hash.to_hex()))
    {
        return Ok(kept.commitment);
    }
    let mut salt = [0_u8; 32];
    rng().fill_bytes(&mut salt);
    let commitment = consent.commitment(&salt);
    // with the salt the provider can show later which set it used; it stays encrypted here, as long as the data set does
    node.vault().put(&salt_of(&commitment.to_hex()), &salt)?;
    let committed = Committed { receipts: receipts_key.to_owned(), commitment: commitment.to_string() };
    node.store().put_object(COMMITTED, id.as_str(), "", &to_value(&committed)?.to_string(), now().unix())?;
    Ok(committed.commitment)
}

/// Forgets what was stated about a data set, before it is destroyed.
///
/// # Errors
/// `storage.failed`.
pub fn forget(node: &Node, id: &DatasetId) -> Result<()> {
    node.store().remove_object(COMMITTED, id.as_str())?;
    node.store().drop_statements(id.as_str())
}

/// Refuses a contract that says of an input of this node something else than this node told its proposer: how many rows, which
/// magnitudes, which consent set.
///
/// # Errors
/// `contract.rule`; `contract.altered` without the approval that the statement named.
pub fn stated(node: &Node, contract: &Contract, input: &Input, approval: &Approval, proposer: &str) -> Result<()> {
    let side = contract.joint().map(|joint| {
        let terms = &joint.statistics;
        let side = if terms.left.party == input.party { &terms.left } else { &terms.right };
        let measured: &[String] = if joint.psi.kind == PsiKind::SharedJoin80 { &side.columns } else { &[] };
        (measured, &side.exponents[..])
    });
    let (measured, exponents) = side.unwrap_or_default();
    let wanted = Wanted { key: &input.key.columns, steps: &input.key.normalisation, columns: &input.columns, measured };
    let question = wanted.question(&input.version, &payload_hash(approval)?)?;
    let rule = |what: &str| Fault::new(Code::ContractRule, format!("inputs.stated: {}: {what}", input.dataset)).party(node.name());
    let told = node.store().statement(input.dataset.as_str(), proposer, &question)?;
    let told = told.filter(|told| now().unix() - told.at < RESTS).ok_or_else(|| rule("nothing was stated lately about these columns"))?;
    let commitment = match &input.consent {
        ConsentTerms::NotNeeded => None,
        ConsentTerms::Filter { commitment, .. } => Some(commitment.to_string()),
    };
    if told.answer.rows != input.rows {
        return Err(rule("another number of rows was stated"));
    }
    if told.answer.exponents != exponents {
        return Err(rule("other magnitudes were stated"));
    }
    if told.answer.commitment != commitment {
        return Err(rule("another consent set was committed to"));
    }
    Ok(())
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
