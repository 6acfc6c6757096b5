//! Who may file which application, who must review it, and what silence never opens.

use super::super::super::book::Book;
use super::super::super::kind::{Moment, all_of, refuse};
use crate::fault::Result;
use std::collections::BTreeSet;
use yu_governance::calendar::Limit;
use yu_governance::catalogue::gate::{Act, Actor, check_known, check_prohibited};
use yu_governance::catalogue::record::{CatalogueRecord, OriginLevel};
use yu_governance::catalogue::{Origin, gate};
use yu_governance::deadline::{Matter, Outcome, ReviewApplication, Reviewer, Subject, Touch};
use yu_governance::workflow::Role;

/// Refuses an application that is out of order here.
pub(super) fn allowed(application: &ReviewApplication, book: &Book, moment: Moment<'_>) -> Result<()> {
    if application.at > moment.at {
        return Err(refuse("review.from-the-future", format!("it is dated {}, received {}", application.at, moment.at)));
    }
    seats(application, moment)?;
    again(application, book, moment)?;
    let Subject::Request { dataset, columns, .. } = &application.subject else { return Ok(()) };
    let Some(record) = book.catalogue.0.record(dataset) else {
        return Err(refuse("catalogue.unregistered", format!("`{dataset}` has no record in the catalogue")));
    };
    let actor = Actor::Licensee;
    let found = check_prohibited(actor, Act::Request, &record.entry, columns);
    all_of(if found.is_empty() { check_known(actor, Act::Request, &record.entry, columns) } else { found })?;
    if application.matter == Matter::UseApproval {
        reviewers(application, record, moment)?;
        checked(application, book, moment)?;
    }
    Ok(())
}

/// Everybody sits where the appointments put them.
fn seats(application: &ReviewApplication, moment: Moment<'_>) -> Result<()> {
    let roster = &moment.law.roster;
    let asks: &[Role] = if application.matter == Matter::Registration { &[Role::Developer] } else { &[Role::Licensee, Role::Developer] };
    if !asks.iter().any(|role| roster.holds(*role, &application.applicant)) {
        return Err(refuse("review.applicant", format!("`{}` is not appointed to ask for this", application.applicant)));
    }
    if !roster.holds(Role::Platform, &application.operator) {
        return Err(refuse("review.operator", format!("`{}` is not appointed as operator", application.operator)));
    }
    for seat in &application.reviewers {
        let role = match seat.role {
            Reviewer::SourceDepartment => Role::Provider,
            Reviewer::CountyAuthority => Role::County,
            Reviewer::Operator => Role::Platform,
        };
        if !roster.holds(role, &seat.party) {
            return Err(refuse("review.reviewer", format!("`{}` is not appointed as {role}", seat.party)));
        }
    }
    Ok(())
}

/// One application at a time over the same; after a refusal another text is a new request.
fn again(application: &ReviewApplication, book: &Book, moment: Moment<'_>) -> Result<()> {
    let before = match application.request() {
        Some((request, _)) => book.reviews.of_request(request, application.matter),
        None => book.reviews.registration(&application.applicant),
    };
    let Some(before) = before else { return Ok(()) };
    let is_same = before.application.request().map(|(_, hash)| hash) == application.request().map(|(_, hash)| hash);
    match before.outcome(moment.at) {
        Outcome::Refused { .. } if application.request().is_none() || !is_same => Ok(()),
        Outcome::Refused { .. } => Err(refuse("review.repeated", "this very request was refused: ask for something else by a new one")),
        Outcome::Pending { .. } | Outcome::Approved { .. } => {
            Err(refuse("review.repeated", "it is under review, or was approved, already"))
        }
    }
}

/// Where a rule text sets the clocks of approvals, its reviewers are all there: the operator, and the county for a county's data (ZW 21).
fn reviewers(application: &ReviewApplication, record: &CatalogueRecord, moment: Moment<'_>) -> Result<()> {
    let missing = |who: &str| Err(refuse("review.reviewers", format!("the {who} reviews as well")));
    if application.reviewer(Reviewer::SourceDepartment) != Some(&record.entry.provider) {
        return missing(&format!("source department `{}`", record.entry.provider));
    }
    if moment.law.rules().approval_limit.value == Limit::Unset {
        return Ok(());
    }
    if application.reviewer(Reviewer::Operator).is_none() {
        return missing("operator");
    }
    let is_countys = record.level == OriginLevel::County && !moment.law.holders(Role::County).is_empty();
    if is_countys && application.reviewer(Reviewer::CountyAuthority).is_none() {
        return missing("county's authority");
    }
    Ok(())
}

/// Where the jurisdiction has a check it comes first, over the same text (C2); a lapsed check is none.
fn checked(application: &ReviewApplication, book: &Book, moment: Moment<'_>) -> Result<()> {
    let Some(cited) = application.check else {
        return if moment.law.rules().check_limit.value == Limit::Unset {
            Ok(())
        } else {
            Err(refuse("review.not-checked", "the compliance check comes first: cite its application"))
        };
    };
    let passed = book.reviews.file(&cited).is_some_and(|check| {
        check.application.matter == Matter::Check
            && check.application.subject == application.subject
            && check.application.applicant == application.applicant
            && matches!(check.outcome(moment.at), Outcome::Approved { .. })
    });
    if passed { Ok(()) } else { Err(refuse("review.not-checked", "the check that is cited was not passed, or was over something else")) }
}

/// What silence can never open (C4): what is closed, and what is not the town's own. A data set that is not in the catalogue, or was imported, is
/// nobody's own here.
pub(super) fn touches(application: &ReviewApplication, book: &Book) -> BTreeSet<Touch> {
    let mut touches = BTreeSet::new();
    let Subject::Request { dataset, columns, .. } = &application.subject else { return touches };
    match book.catalogue.0.record(dataset) {
        Some(record) => {
            if record.level > OriginLevel::City || record.entry.origin != Origin::Public {
                touches.insert(Touch::HigherLevel);
            }
            if record.entry.is_closed() || !gate::check_known(Actor::Licensee, Act::Supply, &record.entry, columns).is_empty() {
                touches.insert(Touch::Prohibited);
            }
        }
        None => {
            touches.insert(Touch::HigherLevel);
        }
    }
    touches
}
