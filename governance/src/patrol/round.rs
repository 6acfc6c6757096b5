//! A patrol (巡查): somebody looked at a node's log up to a checkpoint, with these rules, and found this.

use serde::{Deserialize, Serialize};

use super::watch::{WatchRule, watch};
use crate::audit::merkle::Digest;
use crate::audit::{LogFiles, SignedCheckpoint, verify};
use crate::canonical::{Hash, u64_string};
use crate::clock::Time;
use crate::finding::{Checked, Finding, broken, refuse};
use crate::id::{PartyName, document_hash};
use crate::sign::{KeyRing, Signed, SignedType};

/// One patrol, signed by who went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Patrol {
    /// Format version, 1.
    pub v: u32,
    /// Who looked and signs; of another organisation than the node.
    pub by: PartyName,
    /// At whose log.
    pub node: PartyName,
    /// Entries that were seen.
    #[serde(with = "u64_string")]
    pub size: u64,
    /// Root of the log over them.
    pub root: Digest,
    /// The rules.
    pub rules: Vec<WatchRule>,
    /// Codes and sentences of what was found; empty if nothing.
    pub findings: Vec<Finding>,
    /// When.
    pub at: Time,
}

impl SignedType for Patrol {
    const TYPE: &'static str = "patrol-v1";
}

impl Patrol {
    /// Looks at a log: what the rules find in it, up to its last checkpoint.
    ///
    /// # Errors
    /// `patrol.log` if the log does not verify, is signed with another key than the node's, or has no checkpoint; `patrol.self`.
    pub fn go(by: &PartyName, log: LogFiles<'_>, rules: Vec<WatchRule>, at: Time, keys: &KeyRing) -> Checked<Self> {
        let broken_log = |party: &str| {
            let what = ("the log does not verify, or has no checkpoint yet", "日志未通过验证，或尚无检查点");
            refuse("patrol.log", party, what, ("open an incident, or wait for a checkpoint", "作为安全事件处置，或等待检查点"))
        };
        let report = verify(&[log]);
        let last = log.checkpoints.split(|b| *b == b'\n').rfind(|line| !line.is_empty());
        let last = last.and_then(|line| SignedCheckpoint::parse(line).ok()).filter(|_| report.passes());
        let Some(SignedCheckpoint { checkpoint, .. }) = last else { return broken_log(log.directory) };
        let node = checkpoint.node;
        if log.key().is_none() || log.key().as_ref() != keys.get(node.as_str()) {
            return broken_log(node.as_str());
        }
        if by.organisation() == node.organisation() {
            let what = (format!("`{by}` looks at its own log"), format!("`{by}` 自行巡查"));
            return refuse("patrol.self", by, what, ("let another organisation look", "由其他单位巡查"));
        }
        let covered = usize::try_from(checkpoint.size).unwrap_or(usize::MAX);
        let entries: Vec<_> = log.read().take(covered).collect();
        let findings = watch(&rules, &entries).into_iter().map(|warning| warning.finding).collect();
        Ok(Self { v: 1, by: by.clone(), node, size: checkpoint.size, root: checkpoint.root, rules, findings, at })
    }

    /// Checks a patrol against the log that it is about: whoever has the log sees the same.
    ///
    /// # Errors
    /// `patrol.signature`; `patrol.other` if the log then said something else, or other things are found in it; those of
    /// [`Patrol::go`].
    pub fn verify(signed: &Signed<Self>, log_then: LogFiles<'_>, keys: &KeyRing) -> Checked<Hash> {
        let by = &signed.payload.by;
        let patrol = signed.verify(keys, &[by.as_str()]).map_err(|error| broken("patrol.signature", by, &error))?;
        let again = Self::go(by, log_then, patrol.rules.clone(), patrol.at, keys)?;
        if again != *patrol {
            let what = ("the log, or what is found in it, is not what the record says", "日志或所见情况与记录不符");
            return refuse("patrol.other", by, what, ("compare the checkpoints", "核对检查点"));
        }
        document_hash(patrol).map_err(|error| broken("patrol.signature", by, &error))
    }
}

/// The alarm if no patrol of a node came in time: patrols are regular (定期), how often is an argument.
#[must_use]
pub fn due(patrols: &[Patrol], node: &PartyName, since: Time, months: u32, now: Time) -> Option<Finding> {
    let last = patrols.iter().filter(|patrol| patrol.node == *node).map(|patrol| patrol.at).max().unwrap_or(since).max(since);
    let until = last.plus_months(months);
    (now > until).then(|| {
        let what = (format!("a patrol of `{node}` was due at {until}"), format!("应于 {until} 前完成对 `{node}` 的巡查"));
        Finding::new("patrol.overdue", node, what, ("look at its log", "巡查其日志"))
    })
}
