//! Which verb is which act. What only looks needs nobody; a verb that stands in no line below is a manager's.

use crate::admin::AdminAsk;
use crate::docket::chapters::people as chapter;
use crate::node::Node;
use yu_governance::person::act::Act;

/// The act of a verb; nothing for one that only looks, or that whoever may speak to the socket can do by other means (stopping the process).
#[must_use]
#[allow(unreachable_patterns, reason = "a verb that somebody adds is a manager's until it is listed")]
pub fn of(node: &Node, ask: &AdminAsk) -> Option<Act> {
    use AdminAsk as A;
    Some(match ask {
        A::Stop
        | A::Status
        | A::PeerCard
        | A::PeerList
        | A::Doctor { .. }
        | A::DatasetList { .. }
        | A::KeyList
        | A::ModelList
        | A::AuthorisationList
        | A::RequestList
        | A::JobCheck { .. }
        | A::JobExplain { .. }
        | A::JobList
        | A::JobStatus { .. }
        | A::JobWhy { .. }
        | A::JobResult { .. }
        | A::ReviewList
        | A::Trace { .. }
        | A::SuperviseStatus
        | A::AuthorisationUsage { .. }
        | A::StandingList
        | A::ProcedureList
        | A::ProcedureShow { .. }
        | A::ProcedureSync
        | A::ProfileProposed
        | A::DocketTemplate { .. }
        | A::DocketWaiting
        | A::DocketList { .. }
        | A::DocketShow { .. }
        | A::DocketStatus { .. }
        | A::DocketSync
        // these have their own rules
        | A::Person(_) => return None,
        A::PeerInvite { .. } | A::PeerAccept { .. } | A::PeerCountersign { .. } | A::PeerRemove { .. } => Act::Peers,
        A::KeyNew { .. } | A::KeyDestroy { .. } => Act::Keys,
        A::AuditCheckpoint => Act::Audit,
        A::DatasetAdd(_) => Act::Data,
        A::DatasetDestroy { .. } | A::ModelDestroy { .. } => Act::Destroy,
        A::AuthorisationSign { .. } => Act::Authorise,
        A::RequestSend { .. } => Act::Ask,
        A::RequestDecide { .. } => Act::Grant,
        // it signs the contract for the organisation
        A::JobSubmit { .. } => Act::Sign,
        A::JobApprove { .. } | A::JobRefuse { .. } | A::StandingApprove { .. } | A::StandingRevoke { .. } => Act::Sign,
        A::JobHalt { .. } => Act::Halt,
        // what is held is for the reviewer's eyes
        A::ReviewDecide { .. } | A::ReviewShow { .. } => Act::Review,
        A::ProcedureStep { .. } | A::ProcedureSign { .. } | A::ProcedureDrop { .. } => Act::Step,
        A::ProcedureAppoint { .. } | A::ProfileAdopt { .. } | A::ProfileCountersign { .. } => Act::Govern,
        A::DocketFile { kind, .. } => of_kind(kind, opens(node)),
        A::DocketSign { seen } | A::DocketDrop { seen } => {
            crate::docket::draft::kind_waiting(node, seen).as_deref().map_or(Act::File, |kind| of_kind(kind, opens(node)))
        }
        _ => Act::Other,
    })
}

/// Whether access is opened at this node: at the authority's.
fn opens(node: &Node) -> bool {
    node.config().authority.as_deref() == Some(node.name())
}

/// The act of signing a document of a kind.
fn of_kind(kind: &str, opens: bool) -> Act {
    match kind {
        // who enrols people at the authority does not open their access as well
        chapter::ACTIVATION if opens => Act::Govern,
        chapter::ACTIVATION => Act::Activate,
        kind if chapter::KINDS.contains(&kind) => Act::People,
        _ => Act::File,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn h3_d12_documents_about_people_are_the_security_administrators_and_access_a_managers_too() {
        for kind in ["organisation-contacts", "person-record", "person-credential", "person-disabling"] {
            assert_eq!(of_kind(kind, false), Act::People, "{kind}");
            assert_eq!(of_kind(kind, true), Act::People, "{kind}");
        }
        assert_eq!(of_kind("person-activation", false), Act::Activate);
        assert_eq!(of_kind("person-activation", true), Act::Govern);
        assert_eq!(of_kind("catalogue-record", false), Act::File);
    }
}
