//! The record for the credit file (A30): from the step by which an authorisation ended, and from nothing else.

use super::{authority_key, file, filed};
use crate::fault::{Code, Fault, Result};
use crate::node::{Node, payload_hash};
use crate::procedure::{chain, law};
use crate::verbs::{lines, to_value};
use serde_json::{Value, json};
use std::sync::Arc;
use yu_governance::register::CreditRecord;
use yu_governance::workflow::Role;
use yu_governance::workflow::authorisation::{Case, Event};

/// Makes the record, signs and files it.
///
/// # Errors
/// `state.wrong` at another node; `not-found` where nothing was terminated; `contract.rule` with `credit.no-misconduct`.
pub fn make(node: &Arc<Node>, authorisation: &str) -> Result<Value> {
    let law = law::required(node)?;
    if law.authority.as_str() != node.name() {
        return Err(Fault::new(Code::State, "the authority's node records"));
    }
    let steps = chain::steps::<Case>(node, authorisation)?;
    let ended = steps.iter().rev().find(|step| matches!(step.arrow.payload.event, Event::Terminate { .. }));
    let ended = ended.ok_or_else(|| Fault::new(Code::NotFound, format!("`{authorisation}` was not terminated")).party(node.name()))?;
    let here = chain::replay::<Case>(node, authorisation)?;
    let organisation = here.tenant(Role::Licensee).ok_or_else(|| Fault::new(Code::NotFound, "nobody applied").at(authorisation))?;
    let record = CreditRecord::from_arrow(&ended.arrow.payload, law.authority.clone(), organisation)?;
    let is_filed = node.docket().with(node, |book| Ok(book.has(&payload_hash(&record)?)))?;
    if !is_filed {
        file(node, record.clone())?;
    }
    let say = (
        format!("{organisation}: {} of {authorisation} recorded", record.cause),
        format!("{organisation}：{}（{authorisation}）已记录", record.cause_zh),
    );
    let key = authority_key(node, law.authority.as_str())?;
    Ok(json!({ "record": to_value(&filed(node, &record)?)?, "authority": law.authority, "key": key, "say": lines([say]) }))
}
