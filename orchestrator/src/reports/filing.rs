//! The package for the province (A12): what the node holds of an authorisation, what a person brings, one signed manifest over all of it.

use super::{authority_key, file, filed};
use crate::fault::{Code, Fault, Result};
use crate::keys::now;
use crate::node::{Node, payload_hash};
use crate::procedure::{chain, law};
use crate::verbs::{known_authorisation, lines, to_value};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use yu_governance::canonical::Hash;
use yu_governance::grant::Agreement;
use yu_governance::id::AuthorisationId;
use yu_governance::register::FilingPackage;
use yu_governance::workflow::authorisation::{Case, Event};

/// Names of what the node brings itself: the scenario with its plan, the agreement, the steps with the opinions in them.
const OWN: [&str; 3] = ["scenario", "agreement", "steps"];
/// Longest name of a document.
const LONGEST: usize = 40;

/// Whether a document may be called so: the name becomes a file's.
#[must_use]
pub fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= LONGEST && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

/// Makes the package, signs and files it.
///
/// # Errors
/// `state.wrong` at another node; `input.bad` for a name; by the rules with what is missing.
pub fn make(node: &Arc<Node>, authorisation: &str, files: &BTreeMap<String, Hash>) -> Result<Value> {
    let law = law::required(node)?;
    if law.authority.as_str() != node.name() {
        return Err(Fault::new(Code::State, "the authority's node files"));
    }
    if let Some(bad) = files.keys().find(|name| !is_name(name) || OWN.contains(&name.as_str())) {
        let what = format!("`{}`: small letters, digits and hyphens, and none of {}", bad.escape_debug(), OWN.join(", "));
        return Err(Fault::new(Code::Input, what).at("--file"));
    }
    let signed = known_authorisation(node, authorisation)?;
    let id = signed.payload.id.clone();
    let steps = chain::steps::<Case>(node, id.as_str())?;
    let mut say = Vec::new();
    let decided = steps.iter().rev().find(|step| matches!(step.arrow.payload.event, Event::Decide)).map(|step| step.arrow.payload.evidence);
    if let (Some(cited), Some(minutes)) = (decided, files.get("minutes"))
        && cited != *minutes
    {
        let (en, zh) = ("WARNING: the decision cites other minutes than these", "警告：审定步骤所引会议纪要与所附不一致");
        say.push((en.to_owned(), zh.to_owned()));
    }
    let own = [to_value(&signed)?, agreement(node, &id)?.unwrap_or(to_value(&signed)?), to_value(&steps)?];
    let own: BTreeMap<&str, String> = OWN.into_iter().zip(own.iter().map(ToString::to_string)).collect();
    let mut documents = files.clone();
    documents.extend(own.iter().map(|(name, text)| ((*name).to_owned(), Hash::of_file(text.as_bytes()))));
    let missing: Vec<String> = law.rules().filing().into_iter().filter(|name| !documents.contains_key(name)).collect();
    if !missing.is_empty() {
        let what = format!("filing.missing: {}; bring each by `--file NAME=FILE`", missing.join(", "));
        return Err(Fault::new(Code::ContractRule, what).at("--file"));
    }
    let package = FilingPackage { v: 1, authorisation: id.clone(), authority: law.authority.clone(), through: None, documents, at: now() };
    file(node, package.clone())?;
    let hash = payload_hash(&package)?;
    say.push((
        format!("{} documents on {id} filed as {hash}; the province answers by a filing-receipt", package.documents.len()),
        format!("{id} 备案材料共 {} 件，编号 {hash}；待省级出具回执", package.documents.len()),
    ));
    let key = authority_key(node, law.authority.as_str())?;
    let required = law.rules().filing();
    Ok(json!({ "hash": hash, "package": to_value(&filed(node, &package)?)?, "required": required, "authority": law.authority, "key": key,
        "documents": own, "say": lines(say) }))
}

/// The version of the agreement in force, signed by both sides.
fn agreement(node: &Node, id: &AuthorisationId) -> Result<Option<Value>> {
    let Some(hash) = node.docket().with(node, |book| Ok(book.grants.agreement(id, now())))? else { return Ok(None) };
    let all = super::all_filed::<Agreement>(node)?;
    for signed in all {
        if payload_hash(&signed.payload)? == hash {
            return to_value(&signed).map(Some);
        }
    }
    Ok(None)
}
