//! All reviewers of one application (C3).

use std::collections::BTreeSet;

use super::deemed::ConsentByLapse;
use super::record::{ReviewRecord, Verdict};
use super::refused;
use super::review::{ReviewClock, Status};
use crate::calendar::Calendar;
use crate::clock::Time;
use crate::error::Result;
use crate::id::PartyName;
use crate::sign::{KeyRing, Signed};

/// What all reviewers together say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Somebody has neither decided nor lapsed into consent by a signed statement.
    Pending {
        /// Who.
        open: Vec<PartyName>,
    },
    /// Somebody refused.
    Refused {
        /// Who, with all reasons.
        by: Vec<(PartyName, Vec<String>)>,
    },
    /// Everybody approved.
    Approved {
        /// Whose approval is a lapse.
        by_lapse: Vec<PartyName>,
    },
}

/// One application with one clock for each reviewer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Application(Vec<ReviewClock>);

impl Application {
    /// Puts the clocks together.
    ///
    /// # Errors
    /// `Refused` without a reviewer, with one named twice, or with clocks of different applications or matters.
    pub fn new(clocks: Vec<ReviewClock>) -> Result<Self> {
        let reviewers: BTreeSet<_> = clocks.iter().map(|clock| &clock.seats().reviewer).collect();
        let subjects: BTreeSet<_> = clocks.iter().map(|clock| (clock.application(), clock.matter())).collect();
        if clocks.is_empty() || reviewers.len() != clocks.len() || subjects.len() != 1 {
            return Err(refused("review.reviewers", "an application needs at least one reviewer, each once, over one matter".into()));
        }
        Ok(Self(clocks))
    }

    /// The clocks.
    #[must_use]
    pub fn clocks(&self) -> &[ReviewClock] {
        &self.0
    }

    /// All clocks after the application itself was filed: see [`ReviewClock::submitted`].
    ///
    /// # Errors
    /// As [`ReviewClock::submitted`].
    pub fn submitted(&self, received: Time, calendar: &Calendar) -> Result<Self> {
        Ok(Self(self.0.iter().map(|clock| clock.submitted(received, calendar)).collect::<Result<_>>()?))
    }

    /// The next state after a record: of the one clock that it names, or of all where it names none.
    ///
    /// # Errors
    /// As [`ReviewClock::record`]; nothing changes then. A record for all is skipped by clocks that are decided or lapsed.
    pub fn record(&self, signed: &Signed<ReviewRecord>, received: Time, ring: &KeyRing, calendar: &Calendar) -> Result<Self> {
        let (mut next, mut taken, mut last) = (self.clone(), false, None);
        for clock in &mut next.0 {
            let is_meant = signed.payload.reviewer.as_ref().is_none_or(|reviewer| *reviewer == clock.seats().reviewer);
            if !is_meant {
                continue;
            }
            match clock.record(signed, received, ring, calendar) {
                Ok(after) => (*clock, taken) = (after, true),
                Err(crate::Error::Refused { code: code @ ("review.closed" | "review.lapsed" | "review.deemed"), what }) => {
                    last = Some(refused(code, what));
                }
                Err(error) => return Err(error),
            }
        }
        match (taken, last) {
            (true, _) => Ok(next),
            (false, Some(error)) => Err(error),
            (false, None) => Err(refused("review.other", "the record names no reviewer of this application".into())),
        }
    }

    /// What all reviewers together say at `now`. A lapse counts with its proof only.
    #[must_use]
    pub fn outcome(&self, now: Time, lapses: &[ConsentByLapse]) -> Outcome {
        let (mut open, mut by, mut by_lapse) = (Vec::new(), Vec::new(), Vec::new());
        for clock in &self.0 {
            let reviewer = clock.seats().reviewer.clone();
            match clock.status(now) {
                Status::Decided(decision) if decision.verdict == Verdict::Granted => {}
                Status::Decided(decision) => by.push((reviewer, decision.reasons)),
                Status::Deemed { .. } if lapses.iter().any(|l| *l.reviewer() == reviewer && l.application() == clock.application()) => {
                    by_lapse.push(reviewer);
                }
                _ => open.push(reviewer),
            }
        }
        if !by.is_empty() {
            Outcome::Refused { by }
        } else if open.is_empty() {
            Outcome::Approved { by_lapse }
        } else {
            Outcome::Pending { open }
        }
    }
}
