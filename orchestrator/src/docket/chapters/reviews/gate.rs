//! What reviews mean for jobs and for approvals: nothing runs on a request whose reviewers have not all consented.

use super::super::super::book::Book;
use super::super::super::kind::all_of;
use crate::fault::Result;
use crate::keys::now;
use crate::node::Node;
use crate::procedure::law::{self, Law};
use yu_governance::calendar::Limit;
use yu_governance::canonical::Hash;
use yu_governance::clock::Time;
use yu_governance::contract::Contract;
use yu_governance::deadline::{Matter, Outcome, Subject};
use yu_governance::finding::Finding;
use yu_governance::id::{ColumnSet, DatasetId, PartyName, RequestId};
use yu_governance::request::DataRequest;
use yu_governance::workflow::Role;

/// C3: every request of the contract that is under review has all consents, over the columns that it is for; where a text sets the clocks each has
/// been under review. C1: developers are registered.
pub(super) fn objections(book: &Book, contract: &Contract, law: &Law, now: Time) -> Vec<Finding> {
    let providers = law.holders(Role::Provider);
    let is_supplied = |dataset: &DatasetId| providers.iter().any(|who| who.organisation() == dataset.organisation());
    // a contract names one approval for each input, in the order of the inputs
    let requests = contract.approvals.iter().zip(&contract.inputs).filter(|(_, input)| is_supplied(&input.dataset));
    let mut found: Vec<Finding> = requests
        .filter_map(|(approval, input)| standing(book, law, (&approval.request, None), Some((&input.dataset, &input.columns)), now))
        .collect();
    if law.rules().registration_limit.value != Limit::Unset && book.reviews.has(Matter::Registration) {
        let developers = law.holders(Role::Developer);
        let parties = contract.parties.iter().map(|party| &party.name).filter(|name| developers.contains(name));
        found.extend(parties.filter_map(|name| registered(book, name, now)));
    }
    found
}

/// What stands against a developer: it is not registered.
pub(super) fn registered(book: &Book, developer: &PartyName, now: Time) -> Option<Finding> {
    let file = book.reviews.registration(developer);
    if file.is_some_and(|file| matches!(file.outcome(now), Outcome::Approved { .. })) {
        return None;
    }
    let what = (format!("`{developer}` is not registered"), format!("`{developer}` 未完成数据商注册"));
    let remedy = ("wait for the operator's decision on its registration", "等待运营机构的注册核查结果");
    Some(Finding::new("review.registration", developer, what, remedy))
}

/// What stands against a request at an instant. `over` is the data set and columns that it would be used for.
pub(super) fn standing(
    book: &Book,
    law: &Law,
    (request, hash): (&RequestId, Option<Hash>),
    over: Option<(&DatasetId, &ColumnSet)>,
    now: Time,
) -> Option<Finding> {
    let find =
        |code: &str, en: String, zh: String, remedy: (&str, &str)| Some(Finding::new(code, request.organisation(), (en, zh), remedy));
    let Some(file) = book.reviews.of_request(request, Matter::UseApproval) else {
        if law.rules().approval_limit.value == Limit::Unset || !book.reviews.has(Matter::UseApproval) {
            return None;
        }
        return find(
            "review.missing",
            format!("request `{request}` was not put to its reviewers"),
            format!("申请 `{request}` 未提请审核"),
            ("file a review-application for it", "请备案审核申请"),
        );
    };
    if let Subject::Request { hash: reviewed, dataset, columns, .. } = &file.application.subject {
        let is_other = hash.is_some_and(|hash| hash != *reviewed)
            || over.is_some_and(|(used, read)| used != dataset || !read.beyond(columns).is_empty());
        if is_other {
            return find(
                "review.other-text",
                format!("request `{request}` was reviewed over another text, data set or columns"),
                format!("申请 `{request}` 所审核的文本、数据集或列不同"),
                ("have the present request reviewed", "对现行申请重新审核"),
            );
        }
    }
    match file.outcome(now) {
        Outcome::Approved { .. } => None,
        Outcome::Pending { open } => {
            let open = open.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            find(
                "review.open",
                format!("request `{request}` waits for {open}"),
                format!("申请 `{request}` 待审核：{open}"),
                ("wait for the decision of every reviewer; `yu docket status --chapter reviews` shows the clocks", "等待各审核方决定"),
            )
        }
        Outcome::Refused { by } => {
            let (who, why): (Vec<String>, Vec<String>) = by.iter().map(|(who, why)| (who.to_string(), why.join("; "))).unzip();
            find(
                "review.refused",
                format!("request `{request}` was refused by {}: {}", who.join(", "), why.join("; ")),
                format!("申请 `{request}` 未通过 {} 审核：{}", who.join("、"), why.join("；")),
                ("mend what the reasons name and ask anew", "按理由整改后重新申请"),
            )
        }
    }
}

/// Refuses the approval of a request on this node as long as its reviewers have not all consented.
///
/// # Errors
/// `review.open`, `review.refused`, `review.missing`, `review.other-text`.
pub(crate) fn permits_approval(node: &Node, request: &DataRequest, hash: Hash) -> Result<()> {
    let Some(law) = law::in_force(node)? else { return Ok(()) };
    if !law.holders(Role::Provider).iter().any(|who| who.organisation() == request.dataset.organisation()) {
        return Ok(());
    }
    let found = node.docket().with(node, |book| Ok(standing(book, &law, (&request.id, Some(hash)), None, now())))?;
    all_of(found.into_iter().collect())
}
