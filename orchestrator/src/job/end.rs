//! The end of a job by a fault: here first, then everywhere; working copies go, nothing is released.

use super::State;
use super::bundle::{self, Bundle};
use crate::control::Ask;
use crate::fault::{Code, Fault, Result};
use crate::journal::Note;
use crate::keys::now;
use crate::node::Node;
use serde_json::{Value, json};
use std::sync::Arc;
use yu_governance::audit::{Event, Verb};

/// Ends a job by a fault and tells the other parties. Doing it again changes nothing.
pub fn fail(node: &Arc<Node>, job: &str, fault: &Fault) {
    if end_here(node, job, fault) {
        tell(node, job, fault);
    }
}

/// A party says that the job ended by a fault.
pub fn aborted(node: &Arc<Node>, from: &str, job: &str, fault: Fault) -> Result<Value> {
    let row = bundle::of_party(node, from, job)?;
    // After the review has decided, a computing party can no longer stop what leaves; the reviewer can.
    if row.state.before_held() || row.state == State::Held {
        end_here(node, job, &fault.reported_by(from));
    }
    Ok(json!({}))
}

/// A person stops a job (P6): every party stops, outputs stay sealed.
pub fn halt(node: &Arc<Node>, job: &str, reason: &str) -> Result<String> {
    let row = bundle::find(node, job)?;
    if !(row.state.before_held() || row.state == State::Held) {
        return Err(Fault::new(Code::State, format!("job is `{}`", row.state)).at(row.id));
    }
    fail(node, &row.id, &Fault::new(Code::Halted, reason.to_owned()).party(node.name()));
    Ok(row.id)
}

fn end_here(node: &Arc<Node>, job: &str, fault: &Fault) -> bool {
    match node.store().fail_job(job, fault, now().unix()) {
        Ok(true) => {}
        Ok(false) => return false,
        Err(e) => {
            // A full disk must not keep the protocol running: sessions end, the next start repeats the rest.
            tracing::error!(job, code = e.code.as_str(), "the failure could not be stored");
            node.live().abort(job, fault.code.as_str());
            return true;
        }
    }
    node.live().abort(job, fault.code.as_str());
    let logged = Event::new(Verb::JobFailed).of(job).map(|e| e.code("code", fault.code.as_str())).and_then(|e| node.log(e));
    if let Err(e) = logged.and_then(|()| crate::destroy::working(node, job).map(|_| ())) {
        tracing::error!(job, code = e.code.as_str(), "clean-up after a failure is repeated at the next start");
    }
    let detail = json!({ "code": fault.code.as_str(), "detail": fault.detail, "party": fault.party });
    if let Err(e) = node.store().add_event(job, "failed", &detail, now().unix()) {
        tracing::error!(job, code = e.code.as_str(), "event not stored");
    }
    true
}

fn tell(node: &Arc<Node>, job: &str, fault: &Fault) {
    let Ok(parties) = bundle::find(node, job).and_then(|row| Bundle::of(&row)).map(|b| b.others(node)) else { return };
    let fault = fault.clone().party(node.name()).for_peers();
    for party in parties {
        if let Err(e) = node.send_later(&party, Some(job), &Ask::Abort { job: job.to_owned(), fault: fault.clone() }) {
            tracing::error!(job, party, code = e.code.as_str(), "abort not queued; the party's watchdog will ask");
        }
    }
    let node = Arc::clone(node);
    std::thread::spawn(move || node.flush_outbox());
}
