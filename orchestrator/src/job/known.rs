//! What a contract says, compared with what this node itself knows. A proposer chooses the evidence that travels with a
//! contract; old signed texts stay valid signatures, so each node compares them with its own present ones.

use super::bundle::Bundle;
use super::plan;
use crate::fault::{Code, Fault, Result};
use crate::node::{Node, payload_hash};
use serde::Serialize;
use serde::de::DeserializeOwned;
use yu_governance::authorisation::Authorisation;
use yu_governance::catalogue::CatalogueEntry;
use yu_governance::contract::Contract;
use yu_governance::request::Approval;
use yu_governance::sign::{Signed, SignedType};
use yu_wire::seal::SealPublic;

/// Refuses a contract whose parties or documents are others than this node knows. What follows from its plan is compared later
/// ([`terms`]): a plan that the rules have not bounded may cost gigabytes to price.
///
/// # Errors
/// `contract.rule` for a reviewer that is not the authority, for a party that stands elsewhere or seals to another key than
/// its card says; `contract.altered` for an older text of this node's own documents.
pub fn compare(node: &Node, bundle: &Bundle) -> Result<()> {
    parties(node, &bundle.contract.payload)?;
    documents(node, bundle)
}

fn rule(what: String, party: &str) -> Fault {
    Fault::new(Code::ContractRule, what).party(party)
}

fn parties(node: &Node, contract: &Contract) -> Result<()> {
    let reviewer = contract.reviewer.party.as_str();
    if node.config().authority.as_deref() != Some(reviewer) {
        return Err(rule(format!("parties.reviewer-not-authority: `{reviewer}` is not this node's authority"), reviewer));
    }
    for party in &contract.parties {
        let name = party.name.as_str();
        let (zone, controller, seal) = if name == node.name() {
            (node.config().zone.clone(), node.config().controller.clone(), hex::encode(node.keys().seal.public().0))
        } else {
            let row = node.peer(name)?;
            (row.zone, row.controller, row.seal_key)
        };
        if party.zone.as_str() != zone || party.controller != controller {
            return Err(rule(format!("parties.standing: zone or controller of `{name}` is not what its card says"), name));
        }
        let sealed = contract.receivers.iter().chain([&contract.reviewer]).filter(|r| r.party == party.name);
        for recipient in sealed {
            if hex::encode(SealPublic(*recipient.seal.as_bytes()).0) != seal {
                return Err(rule(format!("parties.seal: the sealing key of `{name}` is not the one on its card"), name));
            }
        }
    }
    Ok(())
}

fn documents(node: &Node, bundle: &Bundle) -> Result<()> {
    let dossier = &bundle.dossier;
    let contract = &bundle.contract.payload;
    // D6: whoever shows a text that its signer never signed does not learn whether there is another under its name
    let ring = node.ring()?;
    if let (Some(shown), Some(authority)) = (&dossier.authorisation, node.config().authority.as_deref()) {
        shown.verify(&ring, &[authority])?;
    }
    for shown in dossier.catalogue.iter().filter(|e| e.payload.provider.as_str() == node.name()) {
        shown.verify(&ring, &[node.name()])?;
    }
    for shown in dossier.approvals.iter().filter(|a| a.payload.approver.as_str() == node.name()) {
        shown.verify(&ring, &[node.name()])?;
    }
    if let Some(shown) = &dossier.authorisation {
        same::<Authorisation>(node, "authorisation", shown.payload.id.as_str(), shown).map_err(|f| {
            if f.code == Code::NotFound { Fault::new(Code::AuthMissing, format!("`{}`", shown.payload.id)).party(node.name()) } else { f }
        })?;
    }
    for shown in dossier.catalogue.iter().filter(|e| e.payload.provider.as_str() == node.name()) {
        same::<CatalogueEntry>(node, "catalogue", shown.payload.dataset.as_str(), shown)?;
    }
    for shown in dossier.approvals.iter().filter(|a| a.payload.approver.as_str() == node.name()) {
        same::<Approval>(node, "approval", shown.payload.request.as_str(), shown)?;
    }
    let own = contract.inputs.iter().filter(|i| i.party.as_str() == node.name());
    for input in own {
        if dossier.entry(&input.dataset).is_none_or(|e| e.payload.provider.as_str() != node.name()) {
            return Err(Fault::new(Code::Tampered, format!("the catalogue entry of `{}` is missing", input.dataset)).party(node.name()));
        }
    }
    Ok(())
}

/// The shown document is the one that is stored here.
fn same<T: SignedType + Serialize + DeserializeOwned>(node: &Node, kind: &str, id: &str, shown: &Signed<T>) -> Result<()> {
    let stored: Signed<T> = node.signed(kind, id)?;
    if payload_hash(&stored.payload)? == payload_hash(&shown.payload)? {
        return Ok(());
    }
    Err(Fault::new(Code::Tampered, format!("{kind} `{id}` is another text than the present one")).party(node.name()))
}

/// Refuses a contract that passed the rules and states another cost or layout than follows from its plan.
///
/// # Errors
/// `contract.rule`.
pub fn terms(node: &Node, contract: &Contract) -> Result<()> {
    if let Some(terms) = contract.derivative() {
        super::derive::check(node, contract, terms)?;
    }
    if let Some(terms) = contract.training() {
        super::training::check(contract, terms)?;
        super::training::known(node, contract, terms)?;
    }
    if contract.split_model().is_some() {
        super::split::check(node, contract)?;
    }
    if let Some(terms) = contract.enclave() {
        super::enclave::check(node, contract, terms)?;
    }
    if contract.cost != plan::cost(contract)? {
        return Err(Fault::new(Code::ContractRule, "contract.cost: the cost statement does not follow from the plan"));
    }
    let published = contract.outputs.first().map(|o| (o.digits, o.own_correlations));
    let outputs = published.map(|(digits, own)| plan::outputs(contract, digits, own)).transpose()?;
    if outputs.as_ref() != Some(&contract.outputs) {
        return Err(Fault::new(Code::ContractRule, "contract.layout: the outputs and their layouts do not follow from the plan"));
    }
    Ok(())
}
