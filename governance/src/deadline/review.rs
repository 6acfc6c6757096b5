//! One reviewer's clock.

use std::collections::BTreeSet;

use super::matter::{Matter, Reviewer, Terms, Touch};
use super::record::{ReviewEvent, ReviewRecord, Verdict};
use super::refused;
use crate::calendar::{Calendar, Date};
use crate::canonical::Hash;
use crate::clock::Time;
use crate::error::{Error, Result};
use crate::id::PartyName;
use crate::profile::{DeemedConsent, Named as _, StartEvent};
use crate::sign::{KeyRing, Signed};

/// Who signs what in one review.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seats {
    /// Who asks.
    pub applicant: PartyName,
    /// Who accepts applications and tells the applicant.
    pub operator: PartyName,
    /// Who decides.
    pub reviewer: PartyName,
    /// In which role.
    pub role: Reviewer,
    /// Who keeps the time: its moments count, and it records outages.
    pub clock_service: PartyName,
    /// Who countersigns a lapse (C4).
    pub regulator: PartyName,
}

/// What a reviewer decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// When it was received.
    pub at: Time,
    /// Yes or no.
    pub verdict: Verdict,
    /// Why.
    pub reasons: Vec<String>,
    /// Whether the limit had passed.
    pub is_late: bool,
}

/// Where a clock stands at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Its start event has not come.
    Waiting,
    /// It runs, to the last second named; without a limit if none.
    Running {
        /// Last second in time.
        due: Option<Time>,
    },
    /// It stands: an outage has begun and not ended.
    Paused {
        /// Since when.
        since: Time,
    },
    /// The limit passed without a decision; reported (C6), no consent.
    Lapsed {
        /// First second after the limit.
        since: Time,
    },
    /// The limit passed without a decision and counts as consent (C4), once clock service and regulator have signed.
    Deemed {
        /// First second after the limit.
        since: Time,
    },
    /// The reviewer decided.
    Decided(Decision),
}

impl Status {
    /// Stable name, for errors and logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running { .. } => "running",
            Self::Paused { .. } => "paused",
            Self::Lapsed { .. } => "lapsed",
            Self::Deemed { .. } => "deemed",
            Self::Decided(_) => "decided",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    Waiting,
    Running { start: Time, due: Option<Time> },
    Decided { start: Time, decision: Decision },
}

/// One reviewer's clock over one application (C3). Independent of every other reviewer's.
///
/// An outage stops it: no day that an outage touches counts, not even in part (our reading, in the reviewer's favour).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewClock {
    application: Hash,
    matter: Matter,
    seats: Seats,
    terms: Terms,
    touches: BTreeSet<Touch>,
    phase: Phase,
    submitted: bool,
    accepted: bool,
    delivered: Option<Time>,
    asked_for_time: bool,
    extensions: u32,
    outages: Vec<(Time, Option<Time>)>,
    last: Option<Time>,
}

impl ReviewClock {
    /// A clock that waits for its start event.
    ///
    /// # Errors
    /// `Refused` where silence would count as consent and the clock does not start with proven delivery, or where the clock
    /// service, the regulator and the applicant are not of three organisations, or one of the first two is of the operator's, which
    /// profits from a lapse: it must not be in one hand (C4).
    pub fn new(application: Hash, matter: Matter, seats: Seats, terms: Terms, touches: BTreeSet<Touch>) -> Result<Self> {
        if matter.may_lapse_into_consent() && terms.silence == DeemedConsent::On {
            if terms.start != StartEvent::Delivery {
                return Err(refused("review.deemed-without-delivery", "silence is consent only from a proven delivery on".into()));
            }
            let organisations = [&seats.clock_service, &seats.regulator, &seats.applicant].map(PartyName::organisation);
            let is_bound = seats.regulator.organisation() == seats.reviewer.organisation()
                || [&seats.clock_service, &seats.regulator].iter().any(|seat| seat.organisation() == seats.operator.organisation());
            if is_bound || organisations.iter().collect::<BTreeSet<_>>().len() < 3 {
                return Err(refused(
                    "review.seats",
                    format!(
                        "`{}` keeps the time, `{}` countersigns and `{}` asks: three organisations are needed, neither of the first two the operator's, and no reviewer countersigns",
                        seats.clock_service, seats.regulator, seats.applicant
                    ),
                ));
            }
        }
        Ok(Self {
            application,
            matter,
            seats,
            terms,
            touches,
            phase: Phase::Waiting,
            submitted: false,
            accepted: false,
            delivered: None,
            asked_for_time: false,
            extensions: 0,
            outages: Vec::new(),
            last: None,
        })
    }

    /// The next clock after a record that was received at `received` by the clock service's time.
    ///
    /// # Errors
    /// `Signature` if the record is not signed by whom its event binds. `Refused` with the event's and the state's name if the
    /// record is of another review, out of order, from the future, or has no place in this state; or if a needed year of the
    /// calendar is not loaded. This clock stays as it is.
    pub fn record(&self, signed: &Signed<ReviewRecord>, received: Time, ring: &KeyRing, calendar: &Calendar) -> Result<Self> {
        let signer = signed.payload.event.signer(&self.seats);
        let record = signed.verify(ring, &[signer.as_str()])?;
        let moment = if record.event.is_dated_by_itself() { record.at } else { received };
        self.fits(record, moment, received)?;
        let status = self.status(moment);
        let mut next = self.clone();
        next.last = Some(moment);
        next.step(&status, &record.event, moment, calendar)?;
        Ok(next)
    }

    /// The next clock after the application itself was filed with the applicant's signature, which the caller has checked: that is its
    /// submission, and no record repeats it.
    ///
    /// # Errors
    /// `Refused` if it was submitted before, or a needed year of the calendar is not loaded. This clock stays as it is.
    pub fn submitted(&self, received: Time, calendar: &Calendar) -> Result<Self> {
        let mut next = self.clone();
        next.last = Some(received);
        next.step(&self.status(received), &ReviewEvent::Submitted, received, calendar)?;
        Ok(next)
    }

    /// Where the clock stands at `now`.
    #[must_use]
    pub fn status(&self, now: Time) -> Status {
        let due = match &self.phase {
            Phase::Waiting => return Status::Waiting,
            Phase::Decided { decision, .. } => return Status::Decided(decision.clone()),
            Phase::Running { due, .. } => *due,
        };
        if let Some((since, None)) = self.outages.last() {
            return Status::Paused { since: *since };
        }
        match due {
            Some(due) if now > due && self.silence_is_consent() => Status::Deemed { since: due.plus_seconds(1) },
            Some(due) if now > due => Status::Lapsed { since: due.plus_seconds(1) },
            due => Status::Running { due },
        }
    }

    /// When the clock started.
    #[must_use]
    pub const fn started(&self) -> Option<Time> {
        match &self.phase {
            Phase::Waiting => None,
            Phase::Running { start, .. } | Phase::Decided { start, .. } => Some(*start),
        }
    }

    /// When the application reached the reviewer, by a receipt of the reviewer's node.
    #[must_use]
    pub const fn delivered(&self) -> Option<Time> {
        self.delivered
    }

    /// Hash of the application's payload.
    #[must_use]
    pub const fn application(&self) -> Hash {
        self.application
    }

    /// What is decided.
    #[must_use]
    pub const fn matter(&self) -> Matter {
        self.matter
    }

    /// What keeps silence from counting as consent (C4).
    #[must_use]
    pub const fn touches(&self) -> &BTreeSet<Touch> {
        &self.touches
    }

    /// Who signs what.
    #[must_use]
    pub const fn seats(&self) -> &Seats {
        &self.seats
    }

    /// Whether silence would count as consent here: an approval of ZW 21 in a profile that says so, delivered, without a
    /// request for more time, and without anything that silence can never open (C4).
    fn silence_is_consent(&self) -> bool {
        self.matter.may_lapse_into_consent()
            && self.terms.silence == DeemedConsent::On
            && self.touches.is_empty()
            && !self.asked_for_time
            && self.delivered.is_some()
    }

    fn fits(&self, record: &ReviewRecord, moment: Time, received: Time) -> Result<()> {
        let name = record.event.name();
        let of_reviewer = match &record.reviewer {
            Some(reviewer) => *reviewer == self.seats.reviewer,
            None => !record.event.is_of_one_reviewer(),
        };
        if record.v != 1 || record.application != self.application || !of_reviewer {
            return Err(refused("review.other", format!("`{name}` is not a record of this review by `{}`", self.seats.reviewer)));
        }
        if record.at > received {
            return Err(refused(
                "review.from-the-future",
                format!("`{name}` is dated {}, received {received}; check the signer's clock", record.at),
            ));
        }
        match self.last {
            Some(last) if moment < last => Err(refused(
                "review.out-of-order",
                format!("`{name}` of {moment} comes after a record of {last}; send the records in their order"),
            )),
            _ => Ok(()),
        }
    }

    fn step(&mut self, status: &Status, event: &ReviewEvent, at: Time, calendar: &Calendar) -> Result<()> {
        let refuse = |code, why: &str| {
            Err(refused(code, format!("`{}` in state `{}` of `{}`: {why}", event.name(), status.name(), self.seats.reviewer)))
        };
        match (status, event) {
            (Status::Decided(_), _) => refuse("review.closed", "the reviewer has decided"),
            (Status::Deemed { .. }, _) => {
                refuse("review.deemed", "the limit passed and counts as consent; the authority may withdraw the supply")
            }
            (Status::Lapsed { .. }, ReviewEvent::Decided { .. }) => self.decide(event, at, true),
            (Status::Lapsed { .. }, _) => refuse("review.lapsed", "the limit has passed; only a late decision is taken"),

            (_, ReviewEvent::Submitted) if self.submitted => refuse("review.repeated", "it was submitted before"),
            (_, ReviewEvent::Submitted) => {
                self.submitted = true;
                self.start(StartEvent::Submission, at, calendar)
            }
            (_, ReviewEvent::Accepted | ReviewEvent::Delivered) if !self.submitted => {
                refuse("review.not-submitted", "there is no submission")
            }
            (_, ReviewEvent::Accepted) if self.accepted => refuse("review.repeated", "it was accepted before"),
            (_, ReviewEvent::Accepted) => {
                self.accepted = true;
                self.start(StartEvent::Acceptance, at, calendar)
            }
            (_, ReviewEvent::Delivered) if self.delivered.is_some() => refuse("review.repeated", "it was delivered before"),
            (_, ReviewEvent::Delivered) => {
                self.delivered = Some(at);
                self.start(StartEvent::Delivery, at, calendar)
            }

            (_, ReviewEvent::OutageBegan { .. }) if self.outage_is_open() => refuse("review.outage-open", "an outage has begun already"),
            (_, ReviewEvent::OutageBegan { cause }) if cause.trim().is_empty() => {
                refuse("review.reason-missing", "an outage needs its cause")
            }
            (_, ReviewEvent::OutageBegan { .. }) => {
                self.outages.push((at, None));
                Ok(())
            }
            (_, ReviewEvent::OutageEnded) => match self.outages.last_mut() {
                Some((_, end @ None)) => {
                    *end = Some(at);
                    self.set_due(calendar)
                }
                _ => refuse("review.outage-none", "no outage has begun"),
            },

            (Status::Waiting, _) => refuse("review.not-started", "the clock's start event has not come"),
            (_, ReviewEvent::Decided { .. }) => self.decide(event, at, false),
            (_, ReviewEvent::ExtensionRequested { reason }) if reason.trim().is_empty() => {
                refuse("review.reason-missing", "an extension needs its reason")
            }
            (_, ReviewEvent::ExtensionRequested { .. }) if self.asked_for_time && self.extensions >= self.terms.extensions => {
                refuse("review.extension-spent", &format!("{} are allowed", self.terms.extensions))
            }
            // who asks is not silent, even where no time can be given (ZW 21)
            (_, ReviewEvent::ExtensionRequested { .. }) => {
                self.asked_for_time = true;
                self.extensions = self.terms.extensions.min(self.extensions.saturating_add(1));
                self.set_due(calendar)
            }
        }
    }

    fn start(&mut self, event: StartEvent, at: Time, calendar: &Calendar) -> Result<()> {
        if event != self.terms.start {
            return Ok(());
        }
        self.phase = Phase::Running { start: at, due: None };
        self.set_due(calendar)
    }

    fn decide(&mut self, event: &ReviewEvent, at: Time, is_late: bool) -> Result<()> {
        let (Some(start), ReviewEvent::Decided { verdict, reasons }) = (self.started(), event) else {
            return Err(refused("review.not-started", "the clock's start event has not come".into()));
        };
        let blank = reasons.iter().any(|reason| reason.trim().is_empty());
        if blank || (*verdict == Verdict::Refused && reasons.is_empty()) {
            return Err(refused("review.reason-missing", format!("a refusal by `{}` needs its reasons", self.seats.reviewer)));
        }
        self.phase = Phase::Decided { start, decision: Decision { at, verdict: *verdict, reasons: reasons.clone(), is_late } };
        Ok(())
    }

    fn outage_is_open(&self) -> bool {
        matches!(self.outages.last(), Some((_, None)))
    }

    /// Counts the limit and its extensions anew over the days that no outage touched.
    fn set_due(&mut self, calendar: &Calendar) -> Result<()> {
        let Phase::Running { start, .. } = self.phase else { return Ok(()) };
        let stopped = |day: Date| self.outages.iter().any(|(from, to)| Date::of(*from) <= day && to.is_some_and(|to| day <= Date::of(to)));
        let mut due = calendar.deadline(start, self.terms.limit, stopped)?;
        for _ in 0..self.extensions {
            due = match due {
                Some(due) => calendar.deadline(due, self.terms.extension, stopped)?,
                None => None,
            };
        }
        self.phase = Phase::Running { start, due };
        Ok(())
    }

    /// The error for a lapse that is none.
    pub(super) fn not_deemed(&self, now: Time) -> Error {
        let (matter, status) = (self.matter.name().en, self.status(now));
        refused("review.not-deemed", format!("`{matter}` of `{}` is `{}`: silence is no consent", self.seats.reviewer, status.name()))
    }
}
