//! An incident (数据安全事件): found, reported up the tiers in time, handled, traced, summarised, closed (S3).
//!
//! Finding freezes the evidence: the first arrow names a manifest of what must not change, and it stays frozen until the
//! authority closes the incident. Timers are measured from arrow to arrow; a late report is taken, and stays on record as late.

use serde::{Deserialize, Serialize};

use super::role::{Need, Role};
use super::word::words;
use super::{Machine, no_arrow, refuse};
use crate::canonical::{Hash, u64_string};
use crate::clock::Time;
use crate::error::Result;

words! {
    /// Where an incident stands.
    State {
        New = "new", "未发现", "Nothing yet.";
        Found = "found", "已发现", "Found; evidence is frozen; the tiers are being told.";
        Reported = "reported", "已报告", "The last tier is told.";
        Handled = "handled", "已处置", "Measures are taken.";
        Traced = "traced", "已溯源", "The cause is known.";
        Summarised = "summarised", "已总结", "The closing report is written.";
        Closed = "closed", "已结案", "Closed; the evidence is no longer frozen.";
    }
}

/// One report up the tiers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeRule {
    /// Who reports.
    pub by: Role,
    /// To whom.
    pub to: Role,
    /// Within how many seconds of the arrow before.
    #[serde(with = "u64_string")]
    pub within_seconds: u64,
}

/// What a profile says about incidents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// The reports in their order, for example developer to licensee, licensee to authority.
    pub notices: Vec<NoticeRule>,
    /// Who handles, traces and summarises.
    pub handled_by: Role,
    /// Who closes.
    pub closed_by: Role,
}

/// What happens in an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Event {
    /// Something was found.
    Find {
        /// When it was detected; the first timer runs from here.
        detected: Time,
        /// Hash of the manifest of frozen evidence.
        frozen: Hash,
    },
    /// The next tier is told.
    Notify {
        /// Which.
        to: Role,
    },
    /// Measures are taken; the evidence lists them.
    Handle,
    /// The cause is known; the evidence states it.
    Trace,
    /// The closing report is the evidence.
    Summarise,
    /// The incident is closed. Frozen evidence must be the same as when it was found.
    Close {
        /// Hash of the manifest of frozen evidence.
        frozen: Hash,
    },
}

/// A report as it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Told {
    /// To whom.
    pub to: Role,
    /// Seconds since the arrow before.
    pub seconds: u64,
    /// Whether that was more than the profile allows.
    pub late: bool,
}

/// One incident with what later steps depend on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Case {
    state: State,
    since: Option<Time>,
    told: Vec<Told>,
    frozen: Option<Hash>,
}

impl Case {
    /// The manifest that must not change now; nothing before finding and after closing.
    #[must_use]
    pub fn frozen(&self) -> Option<Hash> {
        self.frozen.filter(|_| self.state != State::Closed)
    }

    /// The reports so far, with their measured times.
    #[must_use]
    pub fn told(&self) -> &[Told] {
        &self.told
    }

    /// The next report, and the last second at which it is in time.
    #[must_use]
    pub fn due<'a>(&self, rules: &'a Rules) -> Option<(&'a NoticeRule, Time)> {
        let rule = rules.notices.get(self.told.len()).filter(|_| self.state == State::Found)?;
        let within = i64::try_from(rule.within_seconds).unwrap_or(i64::MAX);
        Some((rule, self.since?.plus_seconds(within)))
    }

    fn tell(&mut self, to: Role, at: Time, rules: &Rules) -> Result<()> {
        let Some((rule, last)) = self.due(rules) else {
            return Err(refuse("incident.told", "every tier is told already"));
        };
        if rule.to != to {
            return Err(refuse("incident.tier-skipped", format!("`{}` is told before `{to}`", rule.to)));
        }
        let since = self.since.map_or(0, Time::unix);
        let seconds = u64::try_from(at.unix().saturating_sub(since)).unwrap_or(0);
        self.told.push(Told { to, seconds, late: at > last });
        self.since = Some(at);
        Ok(())
    }
}

impl Machine for Case {
    type State = State;
    type Event = Event;
    type Rules = Rules;
    const ARROW: &'static str = "arrow-incident-v1";

    fn begin() -> Self {
        Self { state: State::New, since: None, told: Vec::new(), frozen: None }
    }

    fn state_at(&self, _: Time) -> State {
        self.state
    }

    fn next(&self, event: &Event, at: Time, rules: &Rules) -> Result<Self> {
        if rules.notices.is_empty() {
            return Err(refuse("rules.incident", "somebody must be told of an incident"));
        }
        let mut next = self.clone();
        next.state = match (self.state, event) {
            (State::New, Event::Find { detected, frozen }) => {
                if *detected > at {
                    return Err(refuse("incident.future", "it cannot be detected after it is recorded"));
                }
                next.since = Some(*detected);
                next.frozen = Some(*frozen);
                State::Found
            }
            (State::Found, Event::Notify { to }) => {
                next.tell(*to, at, rules)?;
                if next.told.len() == rules.notices.len() { State::Reported } else { State::Found }
            }
            (State::Found, Event::Handle | Event::Trace | Event::Summarise | Event::Close { .. }) => {
                return Err(refuse("incident.not-reported", "every tier is told first"));
            }
            (State::Reported, Event::Handle) => State::Handled,
            (State::Handled, Event::Trace) => State::Traced,
            (State::Traced, Event::Summarise) => State::Summarised,
            (State::Summarised, Event::Close { frozen }) if self.frozen != Some(*frozen) => {
                return Err(refuse("incident.evidence-changed", "the frozen evidence is not the same as when the incident was found"));
            }
            (State::Summarised, Event::Close { .. }) => State::Closed,
            (here, _) => return Err(no_arrow(here, event)),
        };
        Ok(next)
    }

    fn needs(&self, event: &Event, rules: &Rules) -> Vec<Need> {
        vec![match event {
            Event::Find { .. } => {
                Need::any(&[Role::Developer, Role::Licensee, Role::Platform, Role::Provider, Role::Authority, Role::Regulator])
            }
            Event::Notify { to } => Need::role(rules.notices.iter().find(|rule| rule.to == *to).map_or(Role::Licensee, |rule| rule.by)),
            Event::Handle | Event::Trace | Event::Summarise => Need::role(rules.handled_by),
            Event::Close { .. } => Need::role(rules.closed_by),
        }]
    }
}
