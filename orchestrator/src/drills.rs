//! Drills on running jobs (应急演练, A3): another organisation than the plan's owner stops a job on purpose; every party's log tells how soon it reacted,
//! and from what the owner's log tells the record is drafted.
//!
//! ```text
//! observer   yu drill inject AUTH     injection filed ──> a job of the authorisation is stopped there, as a person would stop it
//! anybody    yu drill times HASH      own log, at the regulator the logs of all: seconds from the injection to each reaction
//! handler    yu drill record HASH     one entry of its log, or one document, for each step of the plan ──> the observer signs as well
//! ```

use crate::docket::{draft, named};
use crate::fault::{Code, Fault, Result};
use crate::job::bundle::Bundle;
use crate::job::{State, end};
use crate::journal::FILES;
use crate::keys::now;
use crate::node::{Node, payload_hash};
use crate::procedure::law;
use crate::store::JobRow;
use crate::verbs::{lines, to_value};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use yu_governance::audit::{Entry, Verb};
use yu_governance::authorisation::ContingencyPlan;
use yu_governance::canonical::Hash;
use yu_governance::clock::Time;
use yu_governance::drill::record::Done;
use yu_governance::drill::{DrillRecord, Injection, Target};
use yu_governance::grant::plan_hash;
use yu_governance::id::{AuthorisationId, JobId, PartyName};
use yu_governance::sign::Signed;
use yu_governance::text::Text;

/// What of a log shows a reaction.
const REACTIONS: [Verb; 2] = [Verb::JobFailed, Verb::WorkingDestroyed];

/// Injects a fake incident: the injection is filed, then a running job of the authorisation is stopped.
///
/// # Errors
/// `not-found` without a job of it here; by the rules when there is no plan, or this node is of the plan's owner.
pub fn inject(node: &Arc<Node>, authorisation: &str, job: Option<&str>, scenario: Text) -> Result<Value> {
    let id: AuthorisationId = authorisation.parse()?;
    let target = Target::Authorisation { id };
    let at = now();
    let plan = plan(node, &target, at)?;
    let row = running(node, authorisation, job)?;
    let injection = Injection {
        v: 1,
        target,
        plan: plan_hash(&plan)?,
        observer: node.name().parse()?,
        scenario,
        job: Some(crate::destroy::parse_job(&row.id)?),
        at,
    };
    // nothing is stopped for a drill that the rules refuse
    injection.check(&plan, at, 0).or_else(crate::docket::kind::all_of)?;
    let hash = payload_hash(&injection)?;
    let mut filed = draft::start(node, named("drill-injection")?, &to_value(&Signed::unsigned(injection))?)?;
    end::halt(node, &row.id, &format!("drill {}", short(&hash)))?;
    filed["job"] = row.id.clone().into();
    if let Some(say) = filed["say"].as_array_mut() {
        let text = short(&hash);
        say.push(json!({
            "en": format!("job {} is stopped; `yu drill times {text}` measures, `yu drill record {text}` at {} drafts the record", row.id, plan.owner),
            "zh": format!("任务 {} 已中止；yu drill times {text} 测量响应，{} 用 yu drill record {text} 起草记录", row.id, plan.owner),
        }));
    }
    Ok(filed)
}

fn short(hash: &Hash) -> String {
    hash.to_hex().chars().take(16).collect()
}

fn plan(node: &Node, target: &Target, at: Time) -> Result<ContingencyPlan> {
    law::required(node)?;
    let plan = node.docket().with(node, |book| Ok(book.drills.plan(target, at).cloned()))?;
    plan.ok_or_else(|| Fault::new(Code::PlanMissing, "no authorisation-plan of it is filed").party(node.name()))
}

/// The job that is stopped: the one that is named, or the youngest that runs.
fn running(node: &Node, authorisation: &str, wanted: Option<&str>) -> Result<JobRow> {
    let open = node.store().jobs_in(&State::open())?;
    let fits = |row: &JobRow| {
        (row.state.before_held() || row.state == State::Held)
            && wanted.is_none_or(|wanted| row.id.starts_with(wanted))
            && Bundle::of(row).is_ok_and(|bundle| bundle.contract.payload.authorisation.id.as_str() == authorisation)
    };
    open.into_iter().rfind(fits).ok_or_else(|| {
        let what = format!("no open job under `{}` here: a drill stops one on purpose; submit one first", authorisation.escape_debug());
        Fault::new(Code::NotFound, what).party(node.name())
    })
}

/// The injection whose hash begins so, with the plan that it practises.
fn injection(node: &Node, begins: &str) -> Result<(Hash, Injection, ContingencyPlan)> {
    let begins = begins.strip_prefix("sha-256:").unwrap_or(begins);
    let found = node.docket().with(node, |book| {
        let fits = book.documents.keys().filter(|hash| hash.to_hex().starts_with(begins));
        let all = fits.filter_map(|hash| book.drills.injection(hash).map(|(injection, plan)| (*hash, injection.clone(), plan.clone())));
        Ok(all.collect::<Vec<_>>())
    })?;
    let count = found.len();
    match <[_; 1]>::try_from(found) {
        Ok([one]) if begins.len() >= 8 => Ok(one),
        _ => Err(Fault::new(Code::NotFound, format!("{count} injections begin with `{}`", begins.escape_debug())).party(node.name())),
    }
}

/// Lines of a log that tell of a job from a moment on, each with its hash.
fn told(folder: &Path, job: JobId, from: Time) -> Result<Vec<(Entry, Hash)>> {
    let path = folder.join("audit").join(FILES[0]);
    let bytes = std::fs::read(&path).map_err(|e| Fault::io(&e, &path))?;
    let lines = bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty());
    let parsed = lines.filter_map(|line| Some((Entry::parse(line).ok()?, Hash::of_file(line))));
    Ok(parsed.filter(|(entry, _)| entry.job == Some(job) && entry.time >= from).collect())
}

/// Seconds from the injection to what each log tells first of each reaction.
///
/// # Errors
/// `not-found`; `input.bad` for a drill without a job.
pub fn times(node: &Arc<Node>, begins: &str) -> Result<Value> {
    let (hash, injection, _) = injection(node, begins)?;
    let job = injection.job.ok_or_else(|| Fault::new(Code::Input, "no job was stopped in this drill: nothing is measured"))?;
    let mut folders: Vec<PathBuf> = vec![node.home().dir().to_owned()];
    folders.extend(crate::supervise::replicas(node)?);
    let (mut all, mut say) = (Vec::new(), Vec::new());
    for folder in folders {
        let told = told(&folder, job, injection.at)?;
        for verb in REACTIONS {
            let Some((entry, line)) = told.iter().find(|(entry, _)| entry.verb == verb.name()) else { continue };
            let seconds = entry.time.unix().saturating_sub(injection.at.unix());
            say.push((
                format!("{}: {} after {seconds} s", entry.node, verb.name()),
                format!("{}：{seconds} 秒后 {}", entry.node, verb.name()),
            ));
            all.push(json!({ "party": entry.node, "verb": verb.name(), "seconds": seconds, "index": entry.index, "evidence": line }));
        }
    }
    if say.is_empty() {
        say.push(("no log here tells of a reaction yet".into(), "尚无日志记载响应".into()));
    }
    Ok(json!({ "injection": hash, "job": job, "reactions": all, "say": lines(say) }))
}

/// Drafts the record from the log of this node and from documents, signs it, and asks the observer.
///
/// # Errors
/// `state.wrong` at another organisation than the plan's owner; `input.bad` when a step of the plan is not shown.
pub fn record(node: &Arc<Node>, begins: &str, shown: &[Hash], shortcomings: Vec<Text>) -> Result<Value> {
    let (hash, injection, plan) = injection(node, begins)?;
    let me: PartyName = node.name().parse()?;
    if me.organisation() != plan.owner {
        return Err(Fault::new(Code::State, format!("the plan is of `{}`, which records its drill", plan.owner)));
    }
    let ended = now();
    let mut steps = Vec::new();
    if let Some(job) = injection.job {
        let told = told(node.home().dir(), job, injection.at)?;
        // one entry for one step, in the order in which it happened; what the same second told of the job before is no reaction
        let reaction = told.into_iter().skip_while(|(entry, _)| entry.verb != Verb::JobFailed.name());
        steps.extend(reaction.map(|(entry, line)| Done { at: entry.time, evidence: line }).take(plan.steps.len()));
    }
    steps.extend(shown.iter().map(|document| Done { at: ended, evidence: *document }));
    if steps.len() != plan.steps.len() {
        let missing = plan
            .steps
            .get(steps.len())
            .map_or_else(|| "more is shown than the plan has steps".to_owned(), |step| format!("`{step}` is not shown"));
        let what = format!("{} of {} steps: {missing}; show a document for each with --shown FILE", steps.len(), plan.steps.len());
        return Err(Fault::new(Code::Input, what).at("drill-record"));
    }
    let record = DrillRecord { v: 1, injection: hash, handler: me, steps, shortcomings, ended };
    draft::start(node, named("drill-record")?, &to_value(&Signed::unsigned(record))?)
}
