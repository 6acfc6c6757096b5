//! Suspension of a tenant: breach, ordered correction, reopening or the end (L3, C5, NB 17, ZJ 六(八), ZZ 30).

use serde::{Deserialize, Serialize};

use super::role::{Need, Role, each};
use super::word::words;
use super::{Machine, need_reason, no_arrow, refuse};
use crate::clock::Time;
use crate::error::Result;
use crate::text::Text;

words! {
    /// Where a tenant stands.
    State {
        New = "new", "未开通", "Not opened yet.";
        Open = "open", "已开通", "May use the domain.";
        Suspended = "suspended", "已暂停", "Access is closed.";
        Correcting = "correcting", "整改中", "Access is closed until the correction is accepted.";
        Overdue = "overdue", "逾期未改", "The correction was not reported in time.";
        Reported = "reported", "整改待复核", "The correction is reported.";
        Closed = "closed", "已关闭", "Closed for good.";
    }
}

/// What a profile says about suspensions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rules {
    /// Who opens, orders corrections and opens again.
    pub opened_by: Role,
    /// Any of these suspends.
    pub suspended_by: Vec<Role>,
    /// All of these close for good.
    pub closed_by: Vec<Role>,
}

/// What happens to a tenant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Event {
    /// Access is opened.
    Open,
    /// Access is closed for the time being.
    Suspend {
        /// Why.
        reason: Text,
    },
    /// A correction is ordered; that suspends too.
    Order {
        /// What is to be corrected.
        what: Text,
        /// First second at which it is too late.
        until: Time,
    },
    /// The tenant reports the correction; the evidence shows it.
    Report,
    /// The correction does not do; another deadline.
    Reject {
        /// What is still missing.
        what: Text,
        /// First second at which it is too late.
        until: Time,
    },
    /// Access is opened again.
    Reopen,
    /// Closed for good.
    Close {
        /// Why.
        reason: Text,
    },
}

/// One tenant with what later steps depend on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Case {
    state: State,
    until: Option<Time>,
}

impl Case {
    /// Whether the tenant may use the domain.
    #[must_use]
    pub fn may_operate(&self) -> bool {
        self.state == State::Open
    }

    /// First second at which a correction is too late, while one is ordered.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.until.filter(|_| self.state == State::Correcting)
    }
}

impl Machine for Case {
    type State = State;
    type Event = Event;
    type Rules = Rules;
    const ARROW: &'static str = "arrow-suspension-v1";

    fn tenant(object: &str) -> Option<&str> {
        Some(object)
    }

    fn begin() -> Self {
        Self { state: State::New, until: None }
    }

    fn state_at(&self, at: Time) -> State {
        match self.deadline() {
            Some(until) if at >= until => State::Overdue,
            _ => self.state,
        }
    }

    fn next(&self, event: &Event, at: Time, rules: &Rules) -> Result<Self> {
        if rules.suspended_by.is_empty() || rules.closed_by.is_empty() {
            return Err(refuse("rules.suspension", "suspending and closing need a role each"));
        }
        let here = self.state_at(at);
        let mut until = None;
        let state = match (here, event) {
            (State::New, Event::Open) | (State::Suspended | State::Reported, Event::Reopen) => State::Open,
            (State::Open, Event::Suspend { reason }) => {
                need_reason(reason)?;
                State::Suspended
            }
            (State::Open | State::Suspended | State::Overdue, Event::Order { what, until: end })
            | (State::Reported, Event::Reject { what, until: end }) => {
                need_reason(what)?;
                if *end <= at {
                    return Err(refuse("correction.deadline", "the deadline has passed when the order is given"));
                }
                until = Some(*end);
                State::Correcting
            }
            (State::Correcting, Event::Report) => State::Reported,
            (State::Overdue, Event::Report) => {
                return Err(refuse("correction.late", "the deadline has passed; a new order or closing must follow"));
            }
            (State::Correcting | State::Overdue, Event::Reopen) => {
                return Err(refuse("correction.not-reported", "access is opened again after the correction is reported"));
            }
            (State::Open | State::Suspended | State::Correcting | State::Overdue | State::Reported, Event::Close { reason }) => {
                need_reason(reason)?;
                State::Closed
            }
            _ => return Err(no_arrow(here, event)),
        };
        Ok(Self { state, until })
    }

    fn needs(&self, event: &Event, rules: &Rules) -> Vec<Need> {
        match event {
            Event::Open | Event::Order { .. } | Event::Reject { .. } | Event::Reopen => vec![Need::role(rules.opened_by)],
            Event::Suspend { .. } => vec![Need::any(&rules.suspended_by)],
            Event::Report => vec![Need::any(&[Role::Licensee, Role::Developer])],
            Event::Close { .. } => each(&rules.closed_by),
        }
    }
}
