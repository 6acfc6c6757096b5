//! Incidents on a node (S3): while one is open its evidence is not destroyed here, and everybody sees whose report is due when.
//!
//! ```text
//! evidence-manifest filed ──> frozen for a day ──> first step of the incident cites its hash ──> frozen until the authority closes it
//!                                                  cites another, unknown one ──> nothing at all is destroyed until it is filed
//! ```
//! What should have been destroyed meanwhile is destroyed afterwards by the watchdog; a job waits for it in the state `destroying`.

use crate::fault::{Code, Fault, Result};
use crate::job::{State, held};
use crate::keys::now;
use crate::node::Node;
use crate::procedure::chain::{objects, replay, steps};
use crate::procedure::kind::Procedure as _;
use crate::procedure::law;
use std::collections::BTreeSet;
use std::sync::Arc;
use yu_governance::canonical::Hash;
use yu_governance::id::PartyName;
use yu_governance::workflow::evidence::Doomed;
use yu_governance::workflow::incident::{Case, Event, State as Stage};
use yu_governance::workflow::{Machine as _, Word as _};

/// Refuses to destroy what is evidence.
///
/// # Errors
/// `policy.refused` with `incident.frozen` and the incident's name; `storage.damaged`: what cannot be judged is not destroyed.
pub fn refuse_frozen(node: &Node, doomed: Doomed<'_>) -> Result<()> {
    match frozen_by(node, doomed)? {
        None => Ok(()),
        Some(incident) => {
            let what = format!("incident.frozen: it is evidence of `{incident}` and is kept until the authority closes that");
            Err(Fault::new(Code::Refused, what).party(node.name()))
        }
    }
}

/// The incident for which something is kept.
///
/// # Errors
/// `storage.damaged`.
pub fn frozen_by(node: &Node, doomed: Doomed<'_>) -> Result<Option<String>> {
    if law::in_force(node)?.is_none() {
        return Ok(None);
    }
    let me: PartyName = node.name().parse()?;
    let mut cited: BTreeSet<Hash> = BTreeSet::new();
    for incident in objects::<Case>(node)? {
        cited.extend(steps::<Case>(node, &incident)?.iter().filter_map(|step| match &step.arrow.payload.event {
            Event::Find { frozen, .. } => Some(*frozen),
            _ => None,
        }));
        let Some(hash) = replay::<Case>(node, &incident)?.case().frozen() else { continue };
        // without its manifest nobody can say what is no evidence
        let covers = node.docket().with(node, |book| Ok(book.incidents.get(&hash).is_none_or(|manifest| manifest.covers(&me, doomed))))?;
        if covers {
            return Ok(Some(incident));
        }
    }
    node.docket().with(node, |book| {
        let mut fresh = book.incidents.fresh(now()).filter(|(hash, _)| !cited.contains(*hash));
        Ok(fresh.find(|(_, manifest)| manifest.covers(&me, doomed)).map(|(_, manifest)| manifest.incident.clone()))
    })
}

/// Whether a refusal says that something is evidence.
#[must_use]
pub fn is_frozen(fault: &Fault) -> bool {
    fault.code == Code::Refused && fault.detail.starts_with("incident.frozen")
}

/// Destroys what jobs that have ended were kept for, once their incident is closed.
pub fn go_on(node: &Arc<Node>) {
    for row in node.store().jobs_in(&[State::Destroying]).unwrap_or_default() {
        let Ok(job) = crate::destroy::parse_job(&row.id) else { continue };
        if matches!(frozen_by(node, Doomed::Job(job)), Ok(None)) {
            held::finish(node, &row.id);
        }
    }
}

/// Every open incident with its next report and how much time is left for it.
///
/// # Errors
/// `not-found` without a profile; `storage.damaged`.
pub fn told(node: &Node) -> Result<Vec<(String, String)>> {
    let law = law::required(node)?;
    let rules = Case::rules(law.rules());
    let mut told = Vec::new();
    for incident in objects::<Case>(node)? {
        let here = replay::<Case>(node, &incident)?;
        let (case, at) = (here.case(), now());
        let state = case.state_at(at);
        if state == Stage::Closed {
            continue;
        }
        told.push((
            format!("incident {incident}: {state}, evidence is frozen"),
            format!("安全事件 {incident}：{}，证据已固定", state.zh()),
        ));
        for report in case.told() {
            let late = if report.late { (" LATE", "，逾期") } else { ("", "") };
            told.push((
                format!("  {} was told after {} s{}", report.to, report.seconds, late.0),
                format!("  {} 秒后报告{}{}", report.seconds, report.to.zh(), late.1),
            ));
        }
        if let Some((rule, last)) = case.due(&rules) {
            let is_late = at > last;
            told.push((
                format!("  {}{} tells {} by {last}", if is_late { "ALARM, overdue: " } else { "" }, rule.by, rule.to),
                format!("  {}{}应于 {last} 前报告{}", if is_late { "告警，已逾期：" } else { "" }, rule.by.zh(), rule.to.zh()),
            ));
        }
    }
    Ok(told)
}
