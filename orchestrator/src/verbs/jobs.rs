//! Jobs: check, explain, submit, sign, follow, halt, why.

use super::{JobStatus, done, lines};
use crate::control::{Ask, JobAnswer};
use crate::fault::{Code, Fault, Result};
use crate::job::bundle::{self, Bundle, Situation};
use crate::job::{State, admit, compile, end, explain};
use crate::node::Node;
use serde_json::{Value, json};
use std::sync::Arc;
use yu_governance::finding::Finding;
use yu_governance::policy;

/// Findings of this node's rules and policy on a compiled job.
fn findings(node: &Node, bundle: &Bundle) -> Result<Vec<Finding>> {
    let contract = &bundle.contract.payload;
    Ok(policy::check(&Situation::of(node, contract)?.input(contract, &bundle.dossier), bundle::policy(node)?.as_ref()))
}

/// `job check` and `job estimate`: everything that can be found before the start.
pub(super) fn check(node: &Arc<Node>, toml: &str) -> Result<Value> {
    let bundle = compile::text(node, toml)?;
    let found = findings(node, &bundle)?;
    let contract = &bundle.contract.payload;
    let mut say: Vec<(String, String)> = found
        .iter()
        .map(|f| {
            (
                format!("[{}] {} ({}); remedy: {}", f.code, f.what.en, f.party, f.remedy.en),
                format!("{}；处理办法：{}", f.what.zh, f.remedy.zh),
            )
        })
        .collect();
    if found.is_empty() {
        say.push(("nothing stands in the way".into(), "未发现问题".into()));
    }
    say.extend(explain::cost(contract));
    say.extend(crate::market::invoice::explained(node, &bundle)?);
    Ok(json!({ "ok": found.is_empty(), "findings": found, "cost": contract.cost, "say": lines(say) }))
}

/// `job explain`.
pub(super) fn explain(node: &Arc<Node>, toml: Option<&str>, job: Option<&str>) -> Result<Value> {
    let bundle = match (toml, job) {
        (Some(toml), _) => compile::text(node, toml)?,
        (None, Some(job)) => Bundle::of(&bundle::find(node, job)?)?,
        (None, None) => return Err(Fault::new(Code::Input, "a job file or a job id")),
    };
    let contract = &bundle.contract.payload;
    let mut say = explain::contract(contract);
    say.extend(crate::market::invoice::explained(node, &bundle)?);
    Ok(json!({ "contract": contract, "id": bundle.id()?, "say": lines(say) }))
}

/// `job submit`.
pub(super) fn submit(node: &Arc<Node>, toml: &str) -> Result<Value> {
    let bundle = compile::text(node, toml)?;
    if let Some(first) = findings(node, &bundle)?.first() {
        return Err(first.into());
    }
    let job = admit::propose(node, bundle)?;
    Ok(json!({ "job": job, "say": lines([(format!("job {job} proposed to all parties"), format!("任务 {job} 已向各方提议"))]) }))
}

/// `job list`.
pub(super) fn list(node: &Arc<Node>) -> Result<Value> {
    let jobs = node.store().job_lines()?;
    let all: Vec<Value> =
        jobs.iter().map(|j| json!({ "job": j.id, "state": j.state.as_str(), "proposer": j.proposer, "fault": j.fault })).collect();
    let say = lines(jobs.iter().map(|j| (format!("{}  {}", j.id, j.state), j.state.zh().to_owned())));
    Ok(json!({ "jobs": all, "say": say }))
}

/// `job approve`.
pub(super) fn approve(node: &Arc<Node>, job: &str) -> Result<Value> {
    let row = bundle::find(node, job)?;
    if matches!(row.state, State::Signed | State::Admitted | State::Running) {
        return Ok(done(&format!("{} had signed", node.name()), &format!("{} 已签署", node.name())));
    }
    let id = admit::approve(node, &row.id)?;
    Ok(
        json!({ "job": id, "say": lines([(format!("{} checked its own policy and signed", node.name()), format!("{} 已按本方策略检查并签署", node.name()))]) }),
    )
}

/// `job refuse`.
pub(super) fn refuse(node: &Arc<Node>, job: &str, reason: &str) -> Result<Value> {
    let id = admit::refuse(node, job, reason)?;
    Ok(json!({ "job": id, "say": lines([(format!("{} refused", node.name()), format!("{} 已拒签", node.name()))]) }))
}

/// `job halt`.
pub(super) fn halt(node: &Arc<Node>, job: &str, reason: &str) -> Result<Value> {
    let id = end::halt(node, job, reason)?;
    Ok(json!({ "job": id, "say": lines([("job stopped; every party is told".to_owned(), "任务已停止，已通知各方".to_owned())]) }))
}

/// How a job stands.
pub(super) fn status(node: &Arc<Node>, job: &str, from: u64) -> Result<JobStatus> {
    let row = bundle::find(node, job)?;
    let (percent, step) = node.live().of(&row.id).unwrap_or((if row.state.before_held() { 0 } else { 100 }, String::new()));
    let rest = row.state.is_final() || matches!(row.state, State::Proposed | State::Held);
    Ok(JobStatus {
        events: node.store().events(&row.id, from)?,
        state: row.state.as_str().into(),
        state_zh: row.state.zh().into(),
        at_rest: rest,
        fault: row.fault,
        percent,
        step,
        measured: row.measured.as_deref().map(serde_json::from_str).transpose().map_err(|_| Fault::new(Code::Damaged, "measured costs"))?,
        job: row.id,
    })
}

/// Why a job is where it is: own state and fault, and what each other party says.
pub(super) fn why(node: &Arc<Node>, job: &str) -> Result<Value> {
    let row = bundle::find(node, job)?;
    let mut say = vec![(format!("{}: {}", node.name(), row.state), format!("{}：{}", node.name(), row.state.zh()))];
    let mut parties = vec![json!({ "party": node.name(), "state": row.state.as_str(), "fault": row.fault })];
    if let Some(fault) = &row.fault {
        say.push((fault.to_string(), format!("{}；处理办法：{}", fault.code.title_zh(), fault.code.remedy_zh())));
        say.push((format!("remedy: {}", fault.code.remedy_en()), String::new()));
    }
    for party in Bundle::of(&row)?.others(node) {
        let answer = node
            .ask_within(&party, &Ask::Job { job: row.id.clone() }, std::time::Duration::from_secs(5))
            .and_then(|v| serde_json::from_value::<JobAnswer>(v).map_err(|e| Fault::new(Code::PeerProtocol, e.to_string())));
        let (state, fault) = match answer {
            Ok(a) => (a.state, a.fault),
            Err(f) => ("unknown".to_owned(), Some(f)),
        };
        let reason = fault.as_ref().map(|f| format!(" ({f})")).unwrap_or_default();
        let zh = State::parse(&state).map_or_else(|| state.clone(), |s| s.zh().to_owned());
        say.push((format!("{party}: {state}{reason}"), format!("{party}：{zh}")));
        parties.push(json!({ "party": party, "state": state, "fault": fault }));
    }
    Ok(json!({ "job": row.id, "parties": parties, "say": lines(say) }))
}
