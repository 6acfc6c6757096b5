//! Patrols of the regulator (监测与巡查, S2): the rules in force run over every replica as it grows; what they find is shown until somebody settles it by
//! a signed document.

use crate::fault::{Code, Fault, Result};
use crate::journal;
use crate::keys::now;
use crate::node::Node;
use crate::verbs::to_value;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use yu_governance::audit::LogFiles;
use yu_governance::clock::Time;
use yu_governance::finding::Finding;
use yu_governance::id::PartyName;
use yu_governance::patrol::{Patrol, Severity, WatchRule, watch};
use yu_governance::sign::Signed;
use yu_governance::workflow::Word as _;

/// Kind of warnings, by node, rule and entry.
const WARNING: &str = "watch-warning";
/// How far a replica was looked through, and by which rules, by node.
const LOOKED: &str = "watch-looked";
/// Most warnings of a node that people are shown.
const SHOWN: usize = 20;

/// A warning as it is kept.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// In whose log.
    pub node: PartyName,
    /// By which rule.
    pub rule: String,
    /// How bad.
    pub severity: Severity,
    /// The entry that was one too many.
    pub index: u64,
    /// When that was logged.
    pub at: Time,
    /// In words.
    pub finding: Finding,
}

/// Warnings as documents, and the sentences that people are shown.
pub type Warnings = (Vec<Value>, Vec<(String, String)>);

/// The rules in force.
fn rules(node: &Node) -> Result<Vec<WatchRule>> {
    node.docket().with(node, |book| Ok(book.patrols.rules()))
}

fn place(node: &PartyName, rule: &str, index: u64) -> String {
    format!("{node}#{rule}#{index:012}")
}

/// Looks through the replicas that have grown since the last look.
///
/// # Errors
/// `storage.failed`, `storage.damaged`; the next round goes on.
pub fn look(node: &Node) -> Result<()> {
    let rules = rules(node)?;
    let named = serde_json::to_string(&rules).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
    for folder in crate::supervise::replicas(node)? {
        let files = journal::read_files(&folder)?;
        let log = log(&folder, &files);
        let Some(first) = log.read().next() else { continue };
        let mark = json!({ "bytes": log.entries.len(), "rules": named }).to_string();
        if node.store().object(LOOKED, first.node.as_str())?.is_some_and(|kept| kept.json == mark) {
            continue;
        }
        // the replica was verified before it was written
        let entries: Vec<_> = log.read().collect();
        for warning in watch(&rules, &entries) {
            let id = place(&first.node, &warning.rule, warning.index);
            if node.store().object(WARNING, &id)?.is_some() {
                continue;
            }
            tracing::warn!(peer = %first.node, rule = warning.rule, "WARNING: a rule over the log of a peer is broken");
            let kept = Kept {
                node: first.node.clone(),
                rule: warning.rule,
                severity: warning.severity,
                index: warning.index,
                at: warning.at,
                finding: warning.finding,
            };
            node.store().put_object(WARNING, &id, "", &to_value(&kept)?.to_string(), now().unix())?;
        }
        node.store().put_object(LOOKED, first.node.as_str(), "", &mark, now().unix())?;
    }
    Ok(())
}

fn log<'a>(folder: &'a Path, [entries, checkpoints, countersignatures]: &'a [Vec<u8>; 3]) -> LogFiles<'a> {
    LogFiles { directory: folder.to_str().unwrap_or_default(), entries, checkpoints, countersignatures }
}

/// The warnings about a peer, oldest first, with the sentences that people are shown: what nobody has settled yet comes with its rule and entry.
///
/// # Errors
/// `storage.damaged`.
pub fn of(node: &Node, peer: &str) -> Result<Warnings> {
    let damaged = |_| Fault::new(Code::Damaged, "a warning does not parse").party(peer);
    let all = node.store().objects_from(WARNING, &format!("{peer}#"), &format!("{peer}$"))?;
    let all: Vec<Kept> = all.iter().map(|kept| serde_json::from_str(&kept.json).map_err(damaged)).collect::<Result<_>>()?;
    let (mut values, mut say, mut settled) = (Vec::new(), Vec::new(), 0_usize);
    for kept in all {
        let seen = node.docket().with(node, |book| Ok(book.patrols.acknowledged(&kept.node, &kept.rule, kept.index).cloned()))?;
        let mut value = to_value(&kept)?;
        if let (Some(map), Some(seen)) = (value.as_object_mut(), &seen) {
            map.insert("acknowledged".into(), json!({ "by": seen.by, "at": seen.at, "remark": seen.remark }));
        }
        values.push(value);
        match seen {
            Some(_) => settled += 1,
            None if say.len() < SHOWN => say.push((
                format!(
                    "  {} at {} (rule {}, entry {}): {}",
                    kept.severity.as_str().to_uppercase(),
                    kept.at,
                    kept.rule,
                    kept.index,
                    kept.finding.what.en
                ),
                format!("  {} {}（规则 {}，第 {} 条）：{}", kept.severity.zh(), kept.at, kept.rule, kept.index, kept.finding.what.zh),
            )),
            None => {}
        }
    }
    let open = values.len() - settled;
    if open > SHOWN {
        say.push((format!("  and {} more", open - SHOWN), format!("  另有 {} 项", open - SHOWN)));
    }
    if settled > 0 {
        say.push((format!("  {settled} warnings acknowledged"), format!("  已确认预警 {settled} 项")));
    }
    Ok((values, say))
}

/// The regulator looks at a peer's log by the rules in force, signs what was found, and files it.
///
/// # Errors
/// `state.wrong` elsewhere; `not-found` without a replica; by the rules when the log does not hold.
pub fn go(node: &Arc<Node>, peer: &str) -> Result<Value> {
    if !crate::supervise::supervises(node) {
        return Err(Fault::new(Code::State, "only a regulator's node has the logs of all"));
    }
    let by: PartyName = node.name().parse()?;
    let ring = crate::procedure::law::required(node)?.ring;
    for folder in crate::supervise::replicas(node)? {
        let files = journal::read_files(&folder)?;
        let log = log(&folder, &files);
        if log.read().next().is_none_or(|first| first.node.as_str() != peer) {
            continue;
        }
        let patrol = Patrol::go(&by, log, rules(node)?, now(), &ring).map_err(|found| {
            let all: Vec<String> = found.iter().map(ToString::to_string).collect();
            Fault::new(Code::Verify, all.join("\n")).party(peer)
        })?;
        let findings = patrol.findings.clone();
        let mut filed = crate::docket::draft::start(node, crate::docket::named("patrol")?, &to_value(&Signed::unsigned(patrol))?)?;
        if let Some(say) = filed["say"].as_array_mut() {
            say.extend(findings.iter().map(|finding| json!({ "en": finding.what.en, "zh": finding.what.zh })));
            if findings.is_empty() {
                say.push(json!({ "en": "nothing was found", "zh": "未发现问题" }));
            }
        }
        filed["findings"] = to_value(&findings)?;
        return Ok(filed);
    }
    Err(Fault::new(Code::NotFound, format!("no replica of the log of `{}`", peer.escape_debug())).party(node.name()))
}
