//! What a node does of itself about reviews: the reviewer's proves delivery, the clock service's tells results and states lapses (C2, C4).

use super::super::super::book::Book;
use super::super::super::kind::Document;
use super::super::super::{draft, named};
use super::{clock_service, due};
use crate::fault::Result;
use crate::keys::now;
use crate::node::{Node, payload_hash};
use crate::procedure::law::{self, Law};
use crate::verbs::to_value;
use serde_json::Value;
use std::sync::Arc;
use yu_governance::canonical::digest;
use yu_governance::clock::Time;
use yu_governance::deadline::{ReviewEvent, ReviewRecord, Status};
use yu_governance::id::PartyName;
use yu_governance::sign::Signed;

/// What this node has stated of itself, so that it states it once.
const STATED: &str = "review-stated";
/// Seconds after which a statement that is not filed is handed in again, the same text.
const AGAIN: i64 = 600;

/// One document to be filed: its kind, a name under which it is stated once, the document.
type Statement = (&'static str, String, Value);

/// Files what is due from this node. What does not go through is tried again later.
pub fn follow(node: &Arc<Node>) {
    if let Err(fault) = try_follow(node) {
        tracing::debug!(code = fault.code.as_str(), "statements on reviews are made later");
    }
}

fn try_follow(node: &Arc<Node>) -> Result<()> {
    let Some(law) = law::in_force(node)? else { return Ok(()) };
    let me: PartyName = node.name().parse()?;
    let now = now();
    for (kind, name, document) in node.docket().with(node, |book| statements(book, &law, &me, now))? {
        let known = node.store().object(STATED, &name)?;
        let stated = known.as_ref().and_then(|kept| kept.hash.parse::<i64>().ok());
        if stated.is_some_and(|at| now.unix() < at.saturating_add(AGAIN)) {
            continue;
        }
        // the same text again: the authority knows it by its hash
        let document = known.and_then(|kept| serde_json::from_str(&kept.json).ok()).unwrap_or(document);
        node.store().put_object(STATED, &name, &now.unix().to_string(), &document.to_string(), now.unix())?;
        if let Err(fault) = draft::start(node, named(kind)?, &document) {
            tracing::debug!(code = fault.code.as_str(), kind, "a statement on a review is not taken yet");
        }
    }
    Ok(())
}

/// Everything that is due from `me` at `now` by what is filed.
pub(super) fn statements(book: &Book, law: &Law, me: &PartyName, now: Time) -> Result<Vec<Statement>> {
    let mut out = Vec::new();
    let keeps_time = clock_service(law) == *me;
    for (application, file) in book.reviews.files() {
        for clock in file.state.clocks() {
            let reviewer = &clock.seats().reviewer;
            let status = clock.status(now);
            if reviewer == me
                && clock.delivered().is_none()
                && matches!(status, Status::Waiting | Status::Running { .. } | Status::Paused { .. })
            {
                let record =
                    ReviewRecord { v: 1, application: *application, reviewer: Some(me.clone()), event: ReviewEvent::Delivered, at: now };
                let name = digest("yu-review-delivered-v1", format!("{application} {me}").as_bytes()).to_hex();
                out.push((ReviewRecord::KIND, name, to_value(&Signed::unsigned(record))?));
            }
            if !keeps_time {
                continue;
            }
            if let Some(notice) = due(file, reviewer, now) {
                out.push((
                    <yu_governance::deadline::Notice as Document>::KIND,
                    payload_hash(&notice)?.to_hex(),
                    to_value(&Signed::unsigned(notice))?,
                ));
            }
            let is_silent = matches!(status, Status::Deemed { .. }) && !file.has_lapsed(reviewer);
            if is_silent && super::silence_counts(law, now) && super::rules::touches(&file.application, book).is_empty() {
                let stated = clock.deemed_consent(now, law.hash)?;
                let name = payload_hash(&stated)?.to_hex();
                out.push((<yu_governance::deadline::DeemedConsent as Document>::KIND, name, to_value(&Signed::unsigned(stated))?));
            }
        }
    }
    Ok(out)
}
