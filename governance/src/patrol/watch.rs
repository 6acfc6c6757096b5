//! Rules over a log: so many of one kind of event, in so many seconds, by one party or job, is a warning.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

use crate::audit::{Entry, Verb};
use crate::canonical::u64_string;
use crate::clock::Time;
use crate::finding::Finding;
use crate::workflow::Word as _;
use crate::workflow::word::words;

words! {
    /// How bad it is.
    Severity {
        Notice = "notice", "提示", "To be looked at.";
        Warning = "warning", "预警", "To be looked at now.";
        Incident = "incident", "事件", "An incident is to be opened (S3).";
    }
}

words! {
    /// Whose events are counted together.
    Per {
        Node = "node", "节点", "All events of the node whose log it is.";
        Party = "party", "对方", "Events that concern one other party.";
        Job = "job", "任务", "Events of one job.";
    }
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WatchRule {
    /// Its name: `a-z 0-9 -`.
    pub name: String,
    /// The event, as written in logs.
    pub verb: String,
    /// What is counted together.
    pub per: Per,
    /// So many are still in order.
    #[serde(with = "u64_string")]
    pub most: u64,
    /// In so many seconds.
    #[serde(with = "u64_string")]
    pub seconds: u64,
    /// How bad more are.
    pub severity: Severity,
}

impl WatchRule {
    /// Rules that ship. No text has numbers: these are ours, to be set by experts.
    #[must_use]
    pub fn shipped() -> Vec<Self> {
        let rule = |name: &str, verb: Verb, per, most, seconds, severity| Self {
            name: name.into(),
            verb: verb.name().into(),
            per,
            most,
            seconds,
            severity,
        };
        vec![
            rule("refused-requests", Verb::RequestRefused, Per::Party, 5, 86_400, Severity::Warning),
            rule("refused-contracts", Verb::JobRefused, Per::Node, 20, 86_400, Severity::Notice),
            rule("offers-probed", Verb::OfferRefused, Per::Party, 10, 3_600, Severity::Warning),
            rule("keys-withheld", Verb::KeyWithheld, Per::Party, 2, 86_400, Severity::Warning),
            rule("cuts", Verb::SessionCut, Per::Job, 20, 3_600, Severity::Notice),
            rule("forked-log", Verb::CheckpointRefused, Per::Party, 0, 1, Severity::Incident),
        ]
    }
}

/// A rule that was broken, once for each row of events beyond it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// How bad.
    pub severity: Severity,
    /// Which rule.
    pub rule: String,
    /// Index of the entry that was one too many.
    pub index: u64,
    /// When it was logged.
    pub at: Time,
    /// In words.
    pub finding: Finding,
}

/// Applies rules to entries of one verified log, in the order of the log. A row that goes on is one warning, until fewer than
/// the rule's number lie in its window again.
#[must_use]
pub fn watch(rules: &[WatchRule], entries: &[Entry]) -> Vec<Warning> {
    let mut found = Vec::new();
    for rule in rules {
        let mut rows: BTreeMap<String, (VecDeque<Time>, bool)> = BTreeMap::new();
        for entry in entries.iter().filter(|entry| entry.verb == rule.verb) {
            let whose = match rule.per {
                Per::Node => Some(entry.node.to_string()),
                Per::Party => entry.party.as_ref().map(ToString::to_string),
                Per::Job => entry.job.map(|job| job.to_string()),
            };
            // an event that names nobody is counted with its node: leaving the name out hides nothing
            let whose = whose.unwrap_or_else(|| entry.node.to_string());
            let (times, is_warned) = rows.entry(whose.clone()).or_default();
            let seconds = i64::try_from(rule.seconds).unwrap_or(i64::MAX);
            while times.front().is_some_and(|first| entry.time.unix().saturating_sub(first.unix()) >= seconds) {
                times.pop_front();
            }
            times.push_back(entry.time);
            let is_beyond = times.len() as u64 > rule.most;
            if is_beyond && !*is_warned {
                found.push(warning(rule, entry, &whose, times.len()));
            }
            *is_warned = is_beyond;
        }
    }
    found.sort_by_key(|warning| (warning.index, warning.severity));
    found
}

fn warning(rule: &WatchRule, entry: &Entry, whose: &str, count: usize) -> Warning {
    let WatchRule { name, verb, seconds, most, severity, .. } = rule;
    let what = (
        format!("{severity}: {count} times `{verb}` of {whose} in {seconds} s, rule `{name}` allows {most}"),
        format!("{}：{whose} 在 {seconds} 秒内发生 `{verb}` {count} 次，规则 `{name}` 允许 {most} 次", severity.zh()),
    );
    let finding = Finding::new("watch.beyond", &entry.node, what, ("look at the entries of the log", "查看相应日志条目"));
    Warning { severity: *severity, rule: name.clone(), index: entry.index, at: entry.time, finding }
}
