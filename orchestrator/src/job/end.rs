//! The end of a job by a fault: here first, then everywhere; working copies go, nothing is released.
//!
//! ```text
//! one step of the store   failed, with its fault; the story says so; what the others are told is queued
//! at once                 sessions end, the log says so
//! when the run has ended  what it left is destroyed, the certificate is signed
//! ```
//! A crash between two of them loses none: the next start, and the watchdog until then, repeat what is missing.

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
use yu_governance::workflow::evidence::Doomed;

/// Ends a job by a fault and tells the other parties. Doing it again changes nothing.
pub fn fail(node: &Arc<Node>, job: &str, fault: &Fault) {
    let others = bundle::find(node, job).and_then(|row| Bundle::of(&row)).map(|b| b.others(node)).unwrap_or_default();
    end_here(node, job, fault, &others);
}

/// A party says that the job ended by a fault.
pub fn aborted(node: &Arc<Node>, from: &str, job: &str, fault: Fault) -> Result<Value> {
    let row = bundle::of_party(node, from, job)?;
    // After the review has decided, a computing party can no longer stop what leaves; the reviewer can.
    if row.state.before_held() || row.state == State::Held {
        // who ended it tells everybody
        end_here(node, job, &fault.reported_by(from), &[]);
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

fn end_here(node: &Arc<Node>, job: &str, fault: &Fault, tell: &[String]) {
    let abort = Ask::Abort { job: job.to_owned(), fault: fault.clone().party(node.name()).for_peers() };
    let stored = serde_json::to_string(&abort).map_err(|e| Fault::new(Code::Bug, e.to_string())).and_then(|abort| {
        let messages: Vec<(&str, String)> = tell.iter().map(|party| (party.as_str(), abort.clone())).collect();
        let log = Event::new(Verb::JobFailed).of(job)?.code("code", fault.code.as_str());
        node.store().fail_job(job, fault, now().unix(), &messages, Some(log))
    });
    match stored {
        Ok(true) => {}
        Ok(false) => return,
        Err(e) => {
            // A full disk must not keep the protocol running: sessions end, the parties' watchdogs and the next start do the rest.
            tracing::error!(job, code = e.code.as_str(), "the failure could not be stored");
            node.live().abort(job, fault.code.as_str());
            return;
        }
    }
    node.live().abort(job, fault.code.as_str());
    clean_up(node, job);
    if !tell.is_empty() {
        let node = Arc::clone(node);
        std::thread::spawn(move || node.flush_outbox());
    }
}

/// Does what a failed job still needs: its entry in the log, and, once its run has no thread any more, the destruction of
/// what it left. Does nothing for other jobs, and nothing twice.
pub fn clean_up(node: &Node, job: &str) {
    let _turn = node.live().ending();
    match try_clean_up(node, job) {
        Err(e) if crate::incidents::is_frozen(&e) => tracing::debug!(job, detail = e.detail, "what a job left is evidence"),
        Err(e) => tracing::error!(job, code = e.code.as_str(), "clean-up after a failure is repeated"),
        Ok(()) => {}
    }
}

fn try_clean_up(node: &Node, job: &str) -> Result<()> {
    let Some(row) = node.store().job(job)?.filter(|row| row.state == State::Failed && !row.cleaned) else { return Ok(()) };
    let code = row.fault.as_ref().map_or(Code::Other, |fault| fault.code);
    node.settle()?;
    // of a version that stored the failure first and logged it then
    if !row.told && !node.journal().tells(Verb::JobFailed, job)? {
        node.log(Event::new(Verb::JobFailed).of(job)?.code("code", code.as_str()))?;
    }
    if let Ok(bundle) = Bundle::of(&row) {
        crate::quotas::release(node, &bundle.contract.payload)?;
    }
    if node.live().runs(job) {
        // its keys may still be in memory: its thread comes here when it ends
        return Ok(());
    }
    crate::incidents::refuse_frozen(node, Doomed::Job(crate::destroy::parse_job(job)?))?;
    super::training::trainer::Scratch::sweep(node.home(), job)?;
    let (count, certificate) = crate::destroy::working(node, job)?;
    let destroyed = Event::new(Verb::WorkingDestroyed).of(job)?.count("objects", count as u64).hash("certificate", &certificate);
    let told = json!({ "count": count, "certificate": certificate.to_string() });
    // an earlier version logged it first
    let is_known = !row.told && node.journal().tells(Verb::WorkingDestroyed, job)?;
    node.store().set_cleaned(job, &told, now().unix(), (!is_known).then_some(destroyed))?;
    node.settle()
}
