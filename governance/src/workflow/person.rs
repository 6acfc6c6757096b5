//! A person who works in the domain (H1, H3, H5): four evidences, each with an expiry; without all of them no access.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::role::{Need, Role};
use super::word::words;
use super::{Machine, need_reason, no_arrow, refuse};
use crate::clock::Time;
use crate::error::Result;
use crate::text::Text;

words! {
    /// Where a person stands.
    State {
        New = "new", "未登记", "Not known yet.";
        Applied = "applied", "已申请", "The organisation applied for access.";
        Vetted = "vetted", "已审查", "Real name and vetting are proved.";
        Active = "active", "已开通", "May act.";
        Suspended = "suspended", "已停用", "May not act: suspended, or an evidence expired.";
        Left = "left", "已离岗", "Has left; comes back by a new application only.";
    }
}

words! {
    /// What is proved of a person (H1, NB 18).
    Evidence {
        RealName = "real-name", "实名认证", "The real name.";
        Vetting = "vetting", "备案与审查", "Filed and vetted.";
        Training = "training", "岗前培训", "Trained before taking the post.";
        Nda = "nda", "保密协议", "Agreement of secrecy with term and liability.";
    }
}

/// What a profile asks of people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Evidences that must be unexpired while a person is active.
    pub required: BTreeSet<Evidence>,
    /// Who opens access (H3: the city's authority).
    pub opened_by: Role,
    /// Who signs for each evidence; the authority for one that is not listed.
    pub proved_by: BTreeMap<Evidence, Role>,
}

/// What happens to a person's record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Event {
    /// The organisation applies.
    Apply,
    /// An evidence is recorded, or renewed.
    Prove {
        /// Which.
        evidence: Evidence,
        /// First second at which it no longer counts.
        until: Time,
    },
    /// Real name and vetting are accepted.
    Vet,
    /// Access is opened, or opened again.
    Activate,
    /// Access is closed.
    Suspend {
        /// Why.
        reason: Text,
    },
    /// The person leaves the post.
    Leave,
}

/// One person with the evidences.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Case {
    state: State,
    evidences: BTreeMap<Evidence, Time>,
    /// First second at which an evidence has expired under the rules at activation.
    lapses: Option<Time>,
}

impl Case {
    /// Whether the person may act.
    #[must_use]
    pub fn may_act(&self, at: Time) -> bool {
        self.state_at(at) == State::Active
    }

    /// When sessions and certificates of the person die at the latest; nothing while not active.
    #[must_use]
    pub fn lapses(&self) -> Option<Time> {
        self.lapses.filter(|_| self.state == State::Active)
    }

    /// Evidences of the profile that are missing or expired.
    #[must_use]
    pub fn lacks(&self, at: Time, rules: &Rules) -> Vec<Evidence> {
        let holds = |evidence: &Evidence| self.evidences.get(evidence).is_some_and(|until| at < *until);
        rules.required.iter().copied().filter(|evidence| !holds(evidence)).collect()
    }

    fn demand(&self, wanted: &[Evidence], at: Time, rules: &Rules) -> Result<()> {
        let lacks = self.lacks(at, rules);
        match lacks.iter().find(|evidence| wanted.contains(evidence)) {
            Some(evidence) => Err(refuse("person.evidence", format!("`{evidence}` is missing or expired; prove it first"))),
            None => Ok(()),
        }
    }
}

impl Machine for Case {
    type State = State;
    type Event = Event;
    type Rules = Rules;
    const ARROW: &'static str = "arrow-person-v1";

    fn begin() -> Self {
        Self { state: State::New, evidences: BTreeMap::new(), lapses: None }
    }

    fn state_at(&self, at: Time) -> State {
        match (self.state, self.lapses) {
            (State::Active, Some(end)) if at >= end => State::Suspended,
            (state, _) => state,
        }
    }

    fn next(&self, event: &Event, at: Time, rules: &Rules) -> Result<Self> {
        let here = self.state_at(at);
        let mut next = self.clone();
        next.state = match (here, event) {
            (State::New, Event::Apply) => State::Applied,
            (State::Applied | State::Vetted | State::Active | State::Suspended, Event::Prove { evidence, until }) => {
                if *until <= at {
                    return Err(refuse("person.evidence-expired", format!("`{evidence}` has expired when it is recorded")));
                }
                next.evidences.insert(*evidence, *until);
                here
            }
            (State::Applied, Event::Vet) => {
                self.demand(&[Evidence::RealName, Evidence::Vetting], at, rules)?;
                State::Vetted
            }
            (State::Vetted | State::Suspended, Event::Activate) => {
                self.demand(Evidence::ALL, at, rules)?;
                State::Active
            }
            (State::Active, Event::Suspend { reason }) => {
                need_reason(reason)?;
                State::Suspended
            }
            (State::Applied | State::Vetted | State::Active | State::Suspended, Event::Leave) => State::Left,
            _ => return Err(no_arrow(here, event)),
        };
        next.lapses = (next.state == State::Active)
            .then(|| rules.required.iter().filter_map(|evidence| next.evidences.get(evidence)).min().copied())
            .flatten();
        Ok(next)
    }

    fn needs(&self, event: &Event, rules: &Rules) -> Vec<Need> {
        vec![match event {
            Event::Apply => Need::any(&[Role::Licensee, Role::Developer, Role::Platform]),
            Event::Leave => Need::any(&[Role::Licensee, Role::Developer, Role::Platform, Role::Authority]),
            Event::Prove { evidence, .. } => Need::role(rules.proved_by.get(evidence).copied().unwrap_or(Role::Authority)),
            Event::Vet | Event::Activate => Need::role(rules.opened_by),
            Event::Suspend { .. } => Need::any(&[rules.opened_by, Role::Authority, Role::Regulator, Role::Platform]),
        }]
    }
}

impl Evidence {
    /// All four.
    pub const ALL: &'static [Self] = &[Self::RealName, Self::Vetting, Self::Training, Self::Nda];
}
