//! What a document of a narrow audience rests on is not found out by handing in guesses (D6).

use super::kind::{Audience, Kind};
use crate::control::not_here;
use crate::fault::{Code, Result};
use crate::node::Node;
use crate::procedure::law::Law;
use serde_json::Value;
use yu_governance::id::PartyName;

/// Who has to sign a document that `asker` hands in. Of a kind that only its signers may read, one that the asker does not sign, and one that rests on
/// what is not here, get the same answer.
///
/// # Errors
/// `not-found`; of other kinds those of [`Kind::signers`].
pub(super) fn signers(node: &Node, kind: &Kind, document: &Value, law: &Law, asker: &str) -> Result<Vec<PartyName>> {
    let found = node.docket().with(node, |book| kind.signers(document, book, law));
    let hides = kind.audience == Audience::Signers
        && match &found {
            Err(fault) => !matches!(fault.code, Code::Storage | Code::Damaged | Code::DiskFull),
            Ok(all) => !all.iter().any(|who| who.as_str() == asker),
        };
    if hides { Err(not_here(node.name())) } else { found }
}
