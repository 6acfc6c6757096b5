//! What the docket means for jobs: a contract runs only if no chapter objects, and only where the docket holds.

use super::chapters::ALL;
use super::line;
use crate::fault::{Code, Fault, Result};
use crate::keys::now;
use crate::node::Node;
use crate::procedure::law::Law;
use yu_governance::clock::Time;
use yu_governance::contract::Contract;
use yu_governance::finding::Finding;

/// Refuses a contract that a chapter objects to, with everything that is wrong.
///
/// # Errors
/// By the rules of the chapters; `docket.forked`, `docket.refused`.
pub fn permits(node: &Node, contract: &Contract, law: &Law) -> Result<()> {
    if let Some(fork) = line::forks(node)?.first() {
        let what =
            format!("docket.forked: the authority has told two histories of line {}; see `yu docket status`", fork.told.payload.sequence);
        return Err(Fault::new(Code::Refused, what).party(law.authority.as_str()));
    }
    if let Some((place, _)) = line::open_refusals(node)?.first() {
        let what = format!("docket.refused: line {place} does not hold here; see `yu docket status`");
        return Err(Fault::new(Code::Refused, what).party(node.name()));
    }
    super::kind::all_of(objections(node, contract, law, now())?)
}

/// Everything that the chapters have against a contract at an instant.
///
/// # Errors
/// `storage.damaged`.
pub fn objections(node: &Node, contract: &Contract, law: &Law, at: Time) -> Result<Vec<Finding>> {
    node.docket().with(node, |book| {
        let deciding = ALL.iter().filter(|chapter| book.decides(chapter.kinds));
        Ok(deciding.flat_map(|chapter| (chapter.objections)(book, contract, law, at)).collect())
    })
}

/// Drops drafts that are filed by now.
pub(super) fn noted(node: &Node) {
    if let Err(fault) = super::draft::tidy(node) {
        tracing::debug!(code = fault.code.as_str(), "documents that wait are looked through later");
    }
}
