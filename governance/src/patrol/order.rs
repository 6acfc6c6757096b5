//! Under which rules the logs of a domain are watched: a document of the regulator, so that everybody knows what raises a warning.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::watch::WatchRule;
use crate::audit::Verb;
use crate::calendar::Limit;
use crate::clock::Time;
use crate::finding::{Checked, Finding, unless};
use crate::id::PartyName;
use crate::sign::SignedType;

/// Most rules: each is applied to every log in every round.
const MOST: usize = 64;
/// Longest window of a rule in seconds, a year.
const LONGEST: u64 = 366 * 86_400;

/// The rules, signed by the regulator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WatchOrder {
    /// Format version, 1.
    pub v: u32,
    /// Who watches and signs.
    pub by: PartyName,
    /// The rules.
    pub rules: Vec<WatchRule>,
    /// Most months between two patrols of a node.
    pub patrol_months: u32,
    /// How long an office has to take a complaint up, or to decline it.
    pub take: Limit,
    /// How long it has to answer one that was taken up.
    pub answer: Limit,
    /// When.
    pub at: Time,
}

impl SignedType for WatchOrder {
    const TYPE: &'static str = "watch-order-v1";
}

impl WatchOrder {
    /// Checks the content.
    ///
    /// # Errors
    /// All at once: `watch.order` for another format, no rule, too many, or no interval of patrols; `watch.rule` naming each rule that occurs twice, has
    /// no plain name, an unknown event, or no window.
    pub fn check(&self) -> Checked<()> {
        let mut found = Vec::new();
        let mut add = |code, what: (String, String), remedy| found.push(Finding::new(code, &self.by, what, remedy));
        if self.v != 1 || self.rules.is_empty() || self.rules.len() > MOST || !(1..=120).contains(&self.patrol_months) {
            let what = (
                format!("1 to {MOST} rules and patrols at least every 120 months are needed"),
                format!("须有 1 至 {MOST} 条规则，巡查间隔不超过 120 个月"),
            );
            add("watch.order", what, ("write the order again", "重新制定"));
        }
        let mut seen = BTreeSet::new();
        let plain = |name: &str| {
            !name.is_empty() && name.len() <= 40 && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        };
        let mut bad = |rule: &WatchRule| {
            !plain(&rule.name)
                || !seen.insert(rule.name.clone())
                || Verb::parse(&rule.verb).is_none()
                || !(1..=LONGEST).contains(&rule.seconds)
        };
        let wrong: Vec<String> = self.rules.iter().filter(|rule| bad(rule)).map(|rule| rule.name.escape_debug().to_string()).collect();
        if !wrong.is_empty() {
            let what = (
                format!("named twice, with another name than `a-z 0-9 -`, of an unknown event, or without a window: {}", wrong.join(", ")),
                format!("名称重复或不合规、事件未知或无时间窗口：{}", wrong.join("、")),
            );
            add("watch.rule", what, ("see `yu audit show` for the names of events", "事件名称见 yu audit show"));
        }
        unless(found, ())
    }
}
