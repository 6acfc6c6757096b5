//! What belongs to an authorisation on this node: from its jobs, the vault, earlier certificates and receipts; and what lineage shows beyond that.

use crate::destroy;
use crate::fault::{Code, Fault, Result};
use crate::job::bundle::Bundle;
use crate::node::Node;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use yu_governance::asset::{Asset, AssetKind, hidden as hidden_in};
use yu_governance::canonical::Hash;
use yu_governance::contract::Contract;
use yu_governance::destroy::DestructionCertificate;
use yu_governance::ending::EndedAsset;
use yu_governance::finding::Finding;
use yu_governance::id::{AuthorisationId, PartyName};
use yu_governance::lineage::{Direction, Kind, NodeId};
use yu_governance::release::Receipt;
use yu_governance::sign::Signed;

/// One thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thing {
    /// Its name in the certificate.
    pub id: String,
    /// What it is.
    pub kind: AssetKind,
    /// Hash by which lineage knows it.
    pub content: Option<Hash>,
    /// Objects of the vault.
    pub vault: Vec<String>,
    /// The certificate by which it is destroyed already.
    pub certificate: Option<Hash>,
    /// The receipt by which it was released.
    pub receipt: Option<Hash>,
}

impl Thing {
    fn held(id: String, kind: AssetKind, vault: Vec<String>) -> Self {
        Self { id, kind, content: None, vault, certificate: None, receipt: None }
    }
}

/// Jobs under an authorisation that are known here.
fn jobs(node: &Node, id: &AuthorisationId) -> Result<Vec<(crate::store::JobRow, Contract)>> {
    let all = node.store().jobs()?.into_iter().filter_map(|row| {
        let contract = Bundle::of(&row).ok()?.contract.payload;
        (contract.authorisation.id == *id).then_some((row, contract))
    });
    Ok(all.collect())
}

/// Everything of an authorisation here, in a fixed order.
///
/// # Errors
/// `state.wrong` while a job of it is under way; `storage.damaged`.
pub fn of(node: &Node, id: &AuthorisationId) -> Result<Vec<Thing>> {
    let mut all = Vec::new();
    let in_vault = node.vault().ids();
    let certificates = certificates(node)?;
    let jobs = jobs(node, id)?;
    if let Some((row, _)) = jobs.iter().find(|(row, _)| node.live().runs(&row.id)) {
        return Err(Fault::new(Code::State, "a job of it has not stopped yet; try again in a moment").at(row.id.clone()));
    }
    for (row, _) in &jobs {
        let short: String = row.id.chars().take(24).collect();
        let begins = destroy::prefix(&row.id);
        let working: Vec<String> = in_vault.iter().filter(|name| name.starts_with(&begins)).cloned().collect();
        let certificate = row.certificate.as_deref().map(str::parse).transpose()?;
        if !working.is_empty() {
            all.push(Thing::held(format!("working-{short}"), AssetKind::Rows, working));
        }
        if let Some(certificate) = certificate {
            let done = Thing::held(format!("job-{short}"), AssetKind::Rows, Vec::new());
            all.push(Thing { certificate: Some(certificate), ..done });
        }
        for (name, kind) in [(format!("model-{}", row.id), AssetKind::Model), (format!("result-keys-{}", row.id), AssetKind::Rows)] {
            let what = if kind == AssetKind::Model { "model" } else { "result-keys" };
            if in_vault.binary_search(&name).is_ok() {
                all.push(Thing::held(format!("{what}-{short}"), kind, vec![name]));
            } else if let Some((_, hash)) = certificates.iter().find(|(certificate, _)| certificate.items.iter().any(|i| i.id == name)) {
                all.push(Thing { certificate: Some(*hash), ..Thing::held(format!("job-{short}-{what}"), kind, Vec::new()) });
            }
        }
        let result = format!("result-{}", row.id);
        if in_vault.binary_search(&result).is_ok() {
            let receipt: Option<Signed<Receipt>> = match node.signed("receipt", &row.id) {
                Ok(receipt) => Some(receipt),
                Err(fault) if fault.code == Code::NotFound => None,
                Err(fault) => return Err(fault),
            };
            let hash = receipt.as_ref().map(|receipt| crate::node::payload_hash(&receipt.payload)).transpose()?;
            let content = receipt.map(|receipt| receipt.payload.result);
            all.push(Thing { content, receipt: hash, ..Thing::held(format!("result-{short}"), AssetKind::Result, vec![result]) });
        }
    }
    for name in own_keys(node, id, &jobs)? {
        let vault = format!("transform-key-{name}");
        if in_vault.binary_search(&vault).is_ok() {
            all.push(Thing::held(format!("key-{name}"), AssetKind::Rows, vec![vault]));
        }
    }
    Ok(all)
}

/// Keys of pseudonyms that only jobs of this authorisation use: what they made cannot be joined any more.
fn own_keys(node: &Node, id: &AuthorisationId, jobs: &[(crate::store::JobRow, Contract)]) -> Result<BTreeSet<String>> {
    let keys = |contract: &Contract| -> Vec<String> {
        let is_own = contract.inputs.iter().any(|input| input.party.as_str() == node.name());
        contract.derivative().filter(|_| is_own).map(|terms| terms.keys.clone()).unwrap_or_default()
    };
    let mut own: BTreeSet<String> = jobs.iter().flat_map(|(_, contract)| keys(contract)).collect();
    if own.is_empty() {
        return Ok(own);
    }
    for row in node.store().jobs()? {
        let Ok(contract) = Bundle::of(&row).map(|bundle| bundle.contract.payload) else { continue };
        if contract.authorisation.id != *id {
            keys(&contract).iter().for_each(|key| {
                own.remove(key);
            });
        }
    }
    Ok(own)
}

fn certificates(node: &Node) -> Result<Vec<(DestructionCertificate, Hash)>> {
    let all: Vec<Signed<DestructionCertificate>> = node.all_signed("certificate")?;
    all.into_iter().map(|signed| Ok((signed.payload.clone(), crate::node::payload_hash(&signed.payload)?))).collect()
}

/// Nodes that took part in jobs of an authorisation that are known here.
///
/// # Errors
/// `storage.failed`.
pub fn parties(node: &Node, id: &AuthorisationId) -> Result<Vec<PartyName>> {
    let all: BTreeSet<PartyName> = jobs(node, id)?.into_iter().flat_map(|(_, contract)| contract.parties).map(|party| party.name).collect();
    Ok(all.into_iter().collect())
}

/// What lineage shows of the jobs' results and models, and no certificate names. Source data stay their providers' and are not asked for.
///
/// # Errors
/// `verify.failed` when records contradict each other.
pub fn hidden<'a>(node: &Arc<Node>, id: &AuthorisationId, named: impl Iterator<Item = &'a EndedAsset>) -> Result<Vec<Finding>> {
    let own: PartyName = node.name().parse()?;
    let inventory: BTreeSet<Asset> =
        named.filter_map(|asset| Some(Asset { content: asset.content?, kind: asset.kind, holder: own.clone() })).collect();
    let graph = crate::trace::graph(node)?;
    let mut found = Vec::new();
    for (row, _) in jobs(node, id)? {
        let start = NodeId::new(Kind::Job, destroy::parse_job(&row.id)?.0);
        if graph.get(&start).is_none() {
            continue;
        }
        let mut trace = graph
            .trace(start, Direction::Forward)
            .map_err(|found| Fault::new(Code::Verify, found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")))?;
        trace.steps.retain(|step| matches!(step.node.id.kind, Kind::Result | Kind::Model | Kind::Derivative | Kind::Product));
        found.extend(hidden_in(&trace, &inventory));
    }
    found.sort();
    found.dedup();
    Ok(found)
}
