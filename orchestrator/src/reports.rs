//! Reports for those outside the domain, made from what nodes hold and sign.
//!
//! | to see | open |
//! |---|---|
//! | the public register (A11) | [`register`] |
//! | the package for the province (A12) | [`filing`] |
//! | the report on a stay in the laboratory (A7) | [`lab`] |
//! | the record for the credit file (A30) | [`credit`] |
//!
//! One more: a variant of [`Wanted`], a file here, a line in [`answer`], a verb in `cli/args/report.rs` and `cli/report.rs`.

pub mod credit;
pub mod filing;
pub mod lab;
pub mod register;

use crate::docket::kind::Document;
use crate::docket::{draft, line, named};
use crate::fault::{Code, Fault, Result};
use crate::node::{Node, payload_hash};
use crate::verbs::to_value;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use yu_governance::canonical::Hash;
use yu_governance::sign::Signed;
use yu_governance::text::Text;

/// Which report.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "report", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Wanted {
    /// The public register, brought up to date where this node keeps it.
    Register,
    /// The package for the province.
    Filing {
        /// Authorisation.
        authorisation: String,
        /// Hashes of the documents that a person brings, by name.
        files: BTreeMap<String, Hash>,
    },
    /// The report on a stay in the laboratory.
    Lab {
        /// The stay.
        lab: String,
        /// What the platform's person says about it.
        assessment: Text,
    },
    /// The record for the credit file.
    Credit {
        /// Authorisation.
        authorisation: String,
    },
}

/// Makes one.
///
/// # Errors
/// `not-found` without a profile; by the rules.
pub fn answer(node: &Arc<Node>, wanted: Wanted) -> Result<Value> {
    match wanted {
        Wanted::Register => register::make(node),
        Wanted::Filing { authorisation, files } => filing::make(node, &authorisation, &files),
        Wanted::Lab { lab, assessment } => lab::make(node, &lab, assessment),
        Wanted::Credit { authorisation } => credit::make(node, &authorisation),
    }
}

/// Files a document that the node has made; the answer says whose signature is missing.
fn file<T: Document>(node: &Arc<Node>, document: T) -> Result<Value> {
    draft::start(node, named(T::KIND)?, &to_value(&Signed::unsigned(document))?)
}

/// The filed document of this text, with its signatures.
fn filed<T: Document>(node: &Node, document: &T) -> Result<Signed<T>> {
    let hash = payload_hash(document)?;
    let place = node.docket().with(node, |book| Ok(book.documents.get(&hash).map(|(_, place)| *place)))?;
    let missing = || Fault::new(Code::NotFound, format!("{} {hash}", T::KIND)).at("docket").party(node.name());
    parsed(&line::one(node, place.ok_or_else(missing)?)?.document.ok_or_else(missing)?)
}

/// All filed documents of a kind that this node may read, in order.
fn all_filed<T: Document>(node: &Node) -> Result<Vec<Signed<T>>> {
    let (mut all, mut next) = (Vec::new(), 0);
    loop {
        let some = line::stored(node, next, line::PAGE)?;
        if some.is_empty() {
            return Ok(all);
        }
        for filed in some {
            next = filed.line.payload.sequence.saturating_add(1);
            if filed.line.payload.kind == T::KIND
                && let Some(document) = &filed.document
            {
                all.push(parsed(document)?);
            }
        }
    }
}

fn parsed<T: Document>(document: &Value) -> Result<Signed<T>> {
    serde_json::from_value(document.clone()).map_err(|_| Fault::new(Code::Damaged, "a stored document does not parse").at(T::KIND))
}

/// The key of the domain's authority, for whoever verifies without a node.
fn authority_key(node: &Node, authority: &str) -> Result<String> {
    let ring = node.ring()?;
    let key = ring.get(authority).ok_or_else(|| Fault::new(Code::NotFound, format!("the key of `{authority}`")).party(node.name()))?;
    Ok(key.to_string())
}
