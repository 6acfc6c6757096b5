//! In force, and the end.

use super::{Case, Event, Rules, State, no_arrow, refuse};
use crate::clock::Time;
use crate::error::Result;
use crate::workflow::need_reason;

impl Case {
    /// Active, suspended, under correction.
    pub(super) fn in_force(&self, here: State, event: &Event, at: Time, rules: &Rules) -> Result<Self> {
        let mut next = self.clone();
        match (here, event) {
            (_, Event::Qualify { .. } | Event::PlanIn { .. } | Event::PlanOut) => return self.keep(here, event, at),
            (_, Event::Terminate { .. }) => next.state = State::Terminated,
            (State::Active, Event::Suspend { reason }) => {
                need_reason(reason)?;
                next.state = State::Suspended;
            }
            (_, Event::Order { what, until }) => {
                need_reason(what)?;
                if *until <= at {
                    return Err(refuse("correction.deadline", "the deadline has passed when the order is given"));
                }
                next.until = Some(*until);
                next.state = State::Correcting;
            }
            (State::Correcting, Event::Report) => {
                if self.until.is_none_or(|until| at >= until) {
                    return Err(refuse("correction.late", "the deadline has passed; a new order or termination must follow"));
                }
                next.state = State::Corrected;
            }
            (State::Suspended | State::Corrected, Event::Reopen) => {
                self.ready(at, rules)?;
                next.until = None;
                next.state = State::Active;
            }
            (State::Correcting, Event::Reopen) => {
                return Err(refuse("correction.not-reported", "access is opened again after the correction is reported"));
            }
            _ => return Err(no_arrow(here, event)),
        }
        Ok(next)
    }

    /// What changes a fact beside the state. Without a plan an active authorisation is suspended (A2).
    pub(super) fn keep(&self, here: State, event: &Event, at: Time) -> Result<Self> {
        let mut next = self.clone();
        match event {
            Event::Qualify { name, until } if *until > at => {
                next.qualified.insert(name.clone(), *until);
            }
            Event::Qualify { name, .. } => return Err(refuse("qualification.expired", format!("the proof of `{name}` has expired"))),
            Event::PlanIn { plan } if self.plan == Some(*plan) => return Err(refuse("plan.same", "this plan is in force already")),
            Event::PlanIn { plan } => next.plan = Some(*plan),
            Event::PlanOut if self.plan.is_none() => return Err(refuse("plan.none", "there is no plan to withdraw")),
            Event::PlanOut => {
                next.plan = None;
                if here == State::Active {
                    next.state = State::Suspended;
                }
            }
            _ => return Err(no_arrow(here, event)),
        }
        Ok(next)
    }

    /// Nothing comes back from here.
    pub(super) fn at_the_end(&self, here: State, event: &Event) -> Result<Self> {
        let state = match (here, event) {
            (State::Expired, Event::Expire) if self.state != State::Expired => State::Expired,
            (State::Expired, Event::Terminate { .. }) => State::Terminated,
            (State::Expired | State::Terminated | State::Sealed, Event::Destroy) if !self.matters.is_empty() => {
                return Err(refuse("destroy.open-matter", "an incident or dispute is open: seal instead"));
            }
            (State::Expired | State::Terminated | State::Sealed, Event::Destroy) => State::Destroyed,
            (State::Expired | State::Terminated, Event::Seal) => State::Sealed,
            (State::Expired, _) if self.state != State::Expired => {
                return Err(refuse("authorisation.expired", "the term has ended; apply for a new authorisation"));
            }
            _ => return Err(no_arrow(here, event)),
        };
        Ok(Self { state, ..self.clone() })
    }

    /// Incidents and disputes are opened and closed until everything is destroyed.
    pub(super) fn matter(&self, here: State, event: &Event) -> Result<Self> {
        let mut next = self.clone();
        match event {
            Event::OpenMatter { matter } if here != State::Destroyed => {
                if !next.matters.insert(*matter) {
                    return Err(refuse("matter.open", "this matter is open already"));
                }
            }
            Event::CloseMatter { matter } => {
                if !next.matters.remove(matter) {
                    return Err(refuse("matter.unknown", "this matter is not open"));
                }
            }
            _ => return Err(no_arrow(here, event)),
        }
        Ok(next)
    }
}
