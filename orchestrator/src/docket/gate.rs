//! What the docket means for jobs: a contract runs only if no chapter objects, and only where the docket holds.

use super::chapters::ALL;
use super::chapters::grants::backing;
use super::line;
use crate::fault::{Code, Fault, Result};
use crate::keys::now;
use crate::node::Node;
use crate::procedure::law::Law;
use yu_governance::clock::Time;
use yu_governance::contract::Contract;
use yu_governance::finding::Finding;

/// What keeps a new job from starting, and lets one that was admitted before go on: its data were supplied and recorded then (A21, K3).
const FOR_NEW_JOBS: [&str; 4] = ["catalogue.withdrawn", "catalogue.other-version", "catalogue.not-hooked", "catalogue.unregistered"];

/// Refuses a contract that a chapter objects to, with everything that is wrong. A job that was admitted `since` an instant is ended only by chapters
/// that decided then, and not by what concerns new jobs only.
///
/// # Errors
/// By the rules of the chapters; `docket.forked`, `docket.refused`.
pub fn permits(node: &Node, contract: &Contract, law: &Law, since: Option<Time>) -> Result<()> {
    if let Some(fork) = line::forks(node)?.first() {
        let what =
            format!("docket.forked: the authority has told two histories of line {}; see `yu docket status`", fork.told.payload.sequence);
        return Err(Fault::new(Code::Refused, what).party(law.authority.as_str()));
    }
    if let Some((place, _)) = line::open_refusals(node)?.first().filter(|_| since.is_none()) {
        let what = format!("docket.refused: line {place} does not hold here; see `yu docket status`");
        return Err(Fault::new(Code::Refused, what).party(node.name()));
    }
    super::kind::all_of(objections(node, contract, law, now(), since)?)
}

/// Everything that the chapters have against a contract at an instant.
///
/// # Errors
/// `storage.damaged`.
pub fn objections(node: &Node, contract: &Contract, law: &Law, at: Time, since: Option<Time>) -> Result<Vec<Finding>> {
    let facts = backing::Facts::of(node, contract)?;
    node.docket().with(node, |book| {
        let decided = |name: &str| since.is_none_or(|since| book.begun.get(name).is_some_and(|begun| *begun <= since));
        let deciding = ALL.iter().filter(|chapter| book.decides(chapter.kinds) && decided(chapter.name));
        let mut found: Vec<Finding> = deciding.flat_map(|chapter| (chapter.objections)(book, contract, law, at)).collect();
        if decided("grants") {
            found.extend(backing::objections(book, &facts, contract, law, at)?);
        }
        found.retain(|finding| since.is_none() || !FOR_NEW_JOBS.contains(&finding.code.as_str()));
        Ok(found)
    })
}

/// Drops drafts that are filed by now.
pub(super) fn noted(node: &Node) {
    if let Err(fault) = super::draft::tidy(node) {
        tracing::debug!(code = fault.code.as_str(), "documents that wait are looked through later");
    }
    if let Err(fault) = crate::quarantine::follow(node) {
        tracing::debug!(code = fault.code.as_str(), "quarantine is looked through later");
    }
}
