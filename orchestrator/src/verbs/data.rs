//! Data sets, authorisations, data requests.

use super::{done, lines, to_value};
use crate::admin::DatasetAdd;
use crate::control::Ask;
use crate::dataset;
use crate::fault::{Code, Fault, Result};
use crate::home::NodeRole;
use crate::job::State;
use crate::journal::Note;
use crate::keys::{now, rng};
use crate::node::{Node, payload_hash};
use rand::Rng;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use yu_governance::audit::{Event, Field, Verb};
use yu_governance::authorisation::{Authorisation, ContingencyPlan, Grant};
use yu_governance::canonical::Hash;
use yu_governance::catalogue::{CatalogueEntry, Kind};
use yu_governance::clock::Time;
use yu_governance::grant::Measures;
use yu_governance::id::{AuthorisationId, ColumnSet, DatasetId, Environment, RequestId};
use yu_governance::policy::Floors;
use yu_governance::request::{Approval, AskedColumn, ColumnDecision, DataRequest, Verdict};
use yu_governance::sign::Signed;
use yu_governance::workflow::evidence::Doomed;

/// `authorisation.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AuthorisationFile {
    id: String,
    licensee: String,
    scenario: String,
    purpose: String,
    not_before: String,
    not_after: String,
    datasets: Vec<GrantFile>,
    contingency_plan: Option<ContingencyPlan>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GrantFile {
    dataset: String,
    columns: Vec<String>,
    quota: Option<QuotaFile>,
}

/// How much of a data set may be used over the whole term; what is not named is not limited by its kind.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct QuotaFile {
    uses: u64,
    rows: Option<u64>,
    queries: Option<u64>,
}

impl QuotaFile {
    fn measures(&self) -> Measures {
        let all = |most: Option<u64>| most.unwrap_or(u64::MAX);
        Measures { uses: self.uses, rows: all(self.rows), queries: all(self.queries), micro_rho: u64::MAX, micro_epsilon: u64::MAX }
    }
}

/// The node's environment as governance knows it.
pub(crate) fn environment(node: &Node) -> Result<Environment> {
    Ok(node.config().environment.parse()?)
}

/// Adds a data set.
pub(super) fn add(node: &Arc<Node>, ask: &DatasetAdd) -> Result<Value> {
    let entry = dataset::add(node, ask)?;
    let numeric = entry.items.iter().filter(|c| c.kind == Kind::Numeric).count();
    Ok(json!({ "entry": entry, "say": lines([(
        format!("{}: {} rows, {} columns ({numeric} numeric), stored encrypted, catalogue entry signed", entry.dataset, entry.rows, entry.items.len()),
        format!("{}：{} 行，{} 列（{numeric} 列数值），已加密存储，目录条目已签署", entry.dataset, entry.rows, entry.items.len()),
    )]) }))
}

/// Own data sets, or a peer's catalogue.
pub(super) fn list(node: &Arc<Node>, peer: Option<&str>) -> Result<Value> {
    let entries: Vec<CatalogueEntry> = match peer {
        None => node
            .all_signed::<CatalogueEntry>("catalogue")?
            .into_iter()
            .map(|s| s.payload)
            .filter(|e| e.provider.as_str() == node.name())
            .collect(),
        Some(peer) => fetch_catalogue(node, peer)?.into_iter().map(|s| s.payload).collect(),
    };
    let say = lines(entries.iter().map(|e| {
        let columns: Vec<&str> = e.items.iter().map(|c| c.name.as_str()).collect();
        (format!("{}  {} rows  {}", e.dataset, e.rows, columns.join(", ")), format!("{} 行", e.rows))
    }));
    Ok(json!({ "entries": entries, "say": say }))
}

/// Asks a peer for its catalogue and verifies its signatures.
pub(crate) fn fetch_catalogue(node: &Node, peer: &str) -> Result<Vec<Signed<CatalogueEntry>>> {
    let entries: Vec<Signed<CatalogueEntry>> = if peer == node.name() {
        node.all_signed("catalogue")?
    } else {
        let answer = node.ask(peer, &Ask::Catalogue)?;
        serde_json::from_value(answer).map_err(|_| Fault::new(Code::PeerProtocol, "catalogue does not parse").party(peer))?
    };
    let ring = node.ring()?;
    for entry in &entries {
        entry.verify(&ring, &[peer])?;
    }
    Ok(entries)
}

/// Destroys a data set: its catalogue entry is withdrawn, then keys, payload, consent receipts and the salts of commitments to
/// them go, with a certificate. Each step may be repeated: after a crash the same command goes on.
pub(super) fn destroy(node: &Arc<Node>, id: &str) -> Result<Value> {
    let full = if id.contains('/') { id.to_owned() } else { format!("{}/{}/{id}", node.config().environment, node.config().organisation) };
    let id: DatasetId = full.parse()?;
    let row = node.store().dataset(id.as_str())?.ok_or_else(|| Fault::new(Code::NotFound, format!("data set `{id}`")))?;
    let busy = node.store().jobs_in(&State::open())?.into_iter().find(|j| j.state.before_held() && j.contract.contains(id.as_str()));
    if let Some(job) = busy {
        return Err(Fault::new(Code::State, format!("job {} uses it", job.id)));
    }
    // before anything of it is withdrawn
    crate::incidents::refuse_frozen(node, Doomed::Dataset(&id))?;
    // one destruction at a time: each has one certificate
    let _turn = node.live().ending();
    // first of all nobody is offered it any more
    if let Some(entry) = node.store().object("catalogue", id.as_str())? {
        let document: Hash = entry.hash.parse()?;
        node.log(Event::new(Verb::CatalogueWithdrawn).with("dataset", Field::Dataset(id.clone())).hash("document", &document))?;
        node.store().remove_object("catalogue", id.as_str())?;
    }
    crate::job::offer::forget(node, &id)?;
    let certificate = crate::destroy::dataset(node, &id)?;
    node.log(Event::new(Verb::DatasetDestroyed).with("dataset", Field::Dataset(id.clone())).hash("certificate", &certificate))?;
    // last: as long as it is registered the command can be repeated
    node.store().remove_dataset(&row.id)?;
    Ok(done(
        &format!("{id}: catalogue entry withdrawn, keys destroyed, payload deleted, certificate {certificate}"),
        &format!("{id}：目录条目已撤回，密钥已销毁，数据已删除，销毁证明 {certificate}"),
    ))
}

/// The authority signs an authorisation and delivers it to its peers.
pub(super) fn authorise(node: &Arc<Node>, text: &str) -> Result<Value> {
    if node.config().role != NodeRole::Authority {
        return Err(Fault::new(Code::State, "only an authority signs authorisations"));
    }
    let file: AuthorisationFile =
        toml::from_str(text).map_err(|e| Fault::new(Code::Input, e.message().to_owned()).at("authorisation file"))?;
    let env = environment(node)?;
    let id = if file.id.contains('/') {
        file.id.parse::<AuthorisationId>()?
    } else {
        AuthorisationId::from_parts(env, &node.config().organisation, &file.id)?
    };
    let datasets = file
        .datasets
        .into_iter()
        .map(|g| {
            let quota = g.quota.as_ref().map(QuotaFile::measures);
            Ok(Grant { dataset: g.dataset.parse()?, columns: ColumnSet::new(g.columns)?, quota })
        })
        .collect::<Result<Vec<_>>>()?;
    let authorisation = Authorisation {
        v: 1,
        id: id.clone(),
        environment: env,
        authority: node.name().parse()?,
        licensee: file.licensee,
        scenario: file.scenario.parse()?,
        purpose: file.purpose.parse()?,
        datasets,
        contingency_plan: file.contingency_plan,
        not_before: Time::parse(&file.not_before)?,
        not_after: Time::parse(&file.not_after)?,
    };
    // A term that begins later may be signed today; everything else must already be in order.
    let at = if authorisation.not_before > now() { authorisation.not_before } else { now() };
    if let Some(finding) = authorisation.check(at, Floors::DEFAULT.max_term_years).first() {
        return Err(finding.into());
    }
    if node
        .store()
        .object("authorisation", id.as_str())?
        .is_some_and(|kept| payload_hash(&authorisation).map(|h| h.to_string()).ok() != Some(kept.hash))
    {
        return Err(Fault::new(Code::Exists, format!("authorisation `{id}` was signed with another text; a new text needs a new id")));
    }
    let term = (authorisation.not_before, authorisation.not_after);
    let signed = Signed::sign(authorisation, node.name(), node.signing())?;
    let hash = node.keep_signed("authorisation", id.as_str(), &signed, |hash| {
        Ok(Event::new(Verb::AuthorisationSigned).with("authorisation", Field::Authorisation(id.clone())).hash("document", hash))
    })?;
    let document = to_value(&signed)?;
    for peer in node.store().peers()? {
        node.send_later(&peer.name, None, &Ask::Deliver { kind: "authorisation".into(), document: document.clone() })?;
    }
    node.flush_outbox();
    Ok(json!({ "id": id, "hash": hash, "say": lines([(
        format!("authorisation {id} signed: one scenario, one contingency plan, {} to {}", term.0, term.1),
        format!("授权 {id} 已签署：一个场景、一份应急预案，{} 至 {}", term.0, term.1),
    )]) }))
}

/// Authorisations known here.
pub(super) fn authorisations(node: &Arc<Node>) -> Result<Value> {
    let all: Vec<Authorisation> = node.all_signed::<Authorisation>("authorisation")?.into_iter().map(|s| s.payload).collect();
    // under which the agreement is signed in its procedure
    let hashes = all.iter().map(|a| Ok((a.id.to_string(), payload_hash(a)?.to_string()))).collect::<Result<BTreeMap<_, _>>>()?;
    let say = lines(all.iter().map(|a| {
        let state = if a.covers(now()) { ("in force", "有效") } else { ("not in force", "不在有效期") };
        let hash = hashes.get(a.id.as_str()).cloned().unwrap_or_default();
        (format!("{}  {}  {} to {}  {}  {hash}", a.id, a.licensee, a.not_before, a.not_after, state.0), state.1.to_owned())
    }));
    Ok(json!({ "authorisations": all, "hashes": hashes, "say": say }))
}

/// Asks a provider (or, for an own import, the authority) for columns.
pub(super) fn request(node: &Arc<Node>, authorisation: &str, provider: &str, dataset: &str, columns: &[String]) -> Result<Value> {
    let env = environment(node)?;
    let authorisation = known_authorisation(node, authorisation)?;
    let (hash, a) = (payload_hash(&authorisation.payload)?, &authorisation.payload);
    let mut random = [0_u8; 6];
    rng().fill_bytes(&mut random);
    let id = RequestId::from_parts(env, &node.config().organisation, &format!("r-{}", hex::encode(random)))?;
    let request = DataRequest {
        v: 1,
        id: id.clone(),
        authorisation: a.id.clone(),
        authorisation_hash: hash,
        requester: node.name().parse()?,
        dataset: dataset.parse()?,
        columns: columns.iter().map(|c| AskedColumn { column: c.clone(), reason: format!("scenario: {}", a.scenario) }).collect(),
        scenario: a.scenario.clone(),
        purpose: a.purpose.clone(),
        at: now(),
    };
    request.asked()?;
    let signed = Signed::sign(request, node.name(), node.signing())?;
    node.keep_signed("request", id.as_str(), &signed, |hash| {
        Ok(Event::new(Verb::RequestSent).by(provider)?.with("request", Field::Request(id.clone())).hash("document", hash))
    })?;
    node.ask(provider, &Ask::Deliver { kind: "request".into(), document: to_value(&signed)? })?;
    Ok(json!({ "id": id, "say": lines([(
        format!("request {id}: {} columns of {dataset} asked of {provider}", columns.len()),
        format!("申请 {id}：向 {provider} 申请 {dataset} 的 {} 列", columns.len()),
    )]) }))
}

/// An authorisation by its full or short id.
pub(crate) fn known_authorisation(node: &Node, id: &str) -> Result<Signed<Authorisation>> {
    let missing = |f: Fault| if f.code == Code::NotFound { Fault::new(Code::AuthMissing, format!("`{id}`")) } else { f };
    let full = if id.contains('/') { Some(id.to_owned()) } else { node.store().object_named("authorisation", id)? };
    node.signed("authorisation", full.as_deref().unwrap_or(id)).map_err(missing)
}

/// Requests sent or received, with their decisions.
pub(super) fn requests(node: &Arc<Node>) -> Result<Value> {
    let mut all = Vec::new();
    for signed in node.all_signed::<DataRequest>("request")? {
        let r = signed.payload;
        let approval = node.store().object("approval", r.id.as_str())?;
        let hash = payload_hash(&r)?;
        all.push(
            json!({ "id": r.id, "requester": r.requester, "dataset": r.dataset, "columns": r.columns, "decided": approval.is_some(), "hash": hash }),
        );
    }
    let say = lines(all.iter().map(|r| {
        let line = format!(
            "{} {} {} {}",
            r["id"].as_str().unwrap_or_default(),
            r["dataset"].as_str().unwrap_or_default(),
            if r["decided"] == true { "decided" } else { "open" },
            r["hash"].as_str().unwrap_or_default()
        );
        (line.clone(), line)
    }));
    Ok(json!({ "requests": all, "say": say }))
}

/// Decides a request column by column and sends the decision to the requester.
pub(super) fn decide(node: &Arc<Node>, id: &str, granted: Option<&[String]>, reason: &str) -> Result<Value> {
    let request: Signed<DataRequest> = node.signed("request", id)?;
    let r = &request.payload;
    if r.requester.as_str() == node.name() {
        return Err(Fault::new(Code::State, "the requester cannot decide its own request"));
    }
    if let Some(unknown) = granted.into_iter().flatten().find(|g| !r.columns.iter().any(|c| c.column == **g)) {
        return Err(Fault::new(Code::ColumnBeyond, format!("`{unknown}` was not asked for")));
    }
    let authorisation: Signed<Authorisation> = node.signed("authorisation", r.authorisation.as_str())?;
    let columns: Vec<ColumnDecision> = r
        .columns
        .iter()
        .map(|c| {
            let yes = granted.is_none_or(|g| g.contains(&c.column));
            ColumnDecision {
                column: c.column.clone(),
                verdict: if yes { Verdict::Granted } else { Verdict::Refused },
                reason: (!yes).then(|| reason.to_owned()),
            }
        })
        .collect();
    let yes = columns.iter().filter(|c| c.verdict == Verdict::Granted).count();
    let (request_hash, total) = (payload_hash(r)?, columns.len());
    if yes > 0 {
        crate::docket::chapters::reviews::gate::permits_approval(node, r, request_hash)?;
    }
    let approval = Approval {
        v: 1,
        request: r.id.clone(),
        request_hash,
        authorisation: r.authorisation.clone(),
        dataset: r.dataset.clone(),
        approver: node.name().parse()?,
        columns,
        scenario: r.scenario.clone(),
        purpose: r.purpose.clone(),
        at: now(),
        not_after: authorisation.payload.not_after,
    };
    if let Some(finding) = approval.check(r, &request_hash).first() {
        return Err(finding.into());
    }
    // what must be supplied and is not is reported before the answer goes out (A20)
    crate::docket::chapters::supply::report(node, r, &authorisation.payload, &approval.columns)?;
    let signed = Signed::sign(approval, node.name(), node.signing())?;
    let verb = if yes > 0 { Verb::RequestApproved } else { Verb::RequestRefused };
    node.keep_signed("approval", r.id.as_str(), &signed, |hash| {
        Ok(Event::new(verb)
            .with("request", Field::Request(r.id.clone()))
            .hash("document", hash)
            .count("granted", yes as u64)
            .count("asked", total as u64))
    })?;
    node.send_later(r.requester.as_str(), None, &Ask::Deliver { kind: "approval".into(), document: to_value(&signed)? })?;
    node.flush_outbox();
    Ok(json!({ "request": r.id, "granted": yes, "say": lines([(
        format!("{}: {yes} of {total} columns of {} approved", r.id, r.dataset),
        format!("{}：批准 {} 的 {yes}/{total} 列", r.id, r.dataset),
    )]) }))
}
