//! A complaint (投诉举报): handed in, taken up or not, answered, closed. No text has numbers for its clocks: limits are arguments.
//!
//! Who complains stays unknown here: a commitment stands for the name, the receiving office keeps the opening. It is salted,
//! so that nobody finds the name by trying. What it says is a document elsewhere, cited by its hash.

use serde::{Deserialize, Serialize};

use crate::calendar::{Calendar, Limit};
use crate::canonical::{Hash, digest};
use crate::clock::Time;
use crate::error::Result;
use crate::finding::Finding;
use crate::id::{PartyName, TicketId};
use crate::sign::{KeyRing, Signed, SignedType};
use crate::text::Text;
use crate::workflow::word::words;
use crate::workflow::{need_reason, refuse};

words! {
    /// Where a complaint stands.
    ComplaintState {
        Received = "received", "已收到", "Handed in.";
        Taken = "taken", "已受理", "Being looked into.";
        Declined = "declined", "不予受理", "Not taken up, with the reason.";
        Answered = "answered", "已答复", "Answered.";
        Closed = "closed", "已办结", "Closed.";
    }
}

/// What happens.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ComplaintEvent {
    /// It was handed in; signed by the office.
    Receive {
        /// Salted commitment to the complainant's name ([`commitment`]).
        complainant: Hash,
        /// The organisation that it is about.
        about: String,
        /// Hash of the complaint.
        text: Hash,
    },
    /// It is taken up; signed by the office.
    Take,
    /// It is not.
    Decline {
        /// Why.
        reason: Text,
    },
    /// The organisation or the office answers.
    Answer {
        /// Hash of the answer.
        answer: Hash,
    },
    /// The complainant is not content: it is taken up again.
    Reopen {
        /// Why.
        reason: Text,
    },
    /// It is closed.
    Close,
}

/// One step, signed by the office that handles complaints.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComplaintRecord {
    /// Format version, 1.
    pub v: u32,
    /// Which complaint.
    pub ticket: TicketId,
    /// Steps before it.
    pub step: u32,
    /// Who handles it and signs; of another organisation than the one complained about.
    pub office: PartyName,
    /// What.
    pub event: ComplaintEvent,
    /// When.
    pub at: Time,
}

impl SignedType for ComplaintRecord {
    const TYPE: &'static str = "complaint-record-v1";
}

/// The commitment to a name. `salt` is 32 random bytes; without it a list of names would be tried in a second.
#[must_use]
pub fn commitment(salt: &[u8; 32], name: &str) -> Hash {
    digest("yu-complainant-v1", &[salt.as_slice(), name.as_bytes()].concat())
}

/// A complaint as its records tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    ticket: TicketId,
    office: PartyName,
    state: ComplaintState,
    about: String,
    steps: u32,
    received: Time,
    /// When it was last taken up.
    taken: Option<Time>,
    at: Time,
}

impl Complaint {
    /// Opens one by its first record.
    ///
    /// # Errors
    /// `Signature`; `Refused`: `complaint.begin` for another first step, `complaint.self` if the office is complained about.
    pub fn open(signed: &Signed<ComplaintRecord>, keys: &KeyRing) -> Result<Self> {
        let record = signed.verify(keys, &[signed.payload.office.as_str()])?;
        let ComplaintEvent::Receive { about, .. } = &record.event else {
            return Err(refuse("complaint.begin", "a complaint begins by being received"));
        };
        if record.v != 1 || record.step != 0 || about.trim().is_empty() || record.ticket.organisation() != record.office.organisation() {
            return Err(refuse("complaint.begin", format!("`{}` is no first record of this office", record.ticket)));
        }
        if record.office.organisation() == about {
            return Err(refuse("complaint.self", format!("`{about}` does not handle complaints about itself: ask the authority")));
        }
        Ok(Self {
            ticket: record.ticket.clone(),
            office: record.office.clone(),
            state: ComplaintState::Received,
            about: about.clone(),
            steps: 1,
            received: record.at,
            taken: None,
            at: record.at,
        })
    }

    /// The complaint after one more record; it stays as it is if that is refused.
    ///
    /// # Errors
    /// `Signature`; `Refused`: `complaint.other` for another ticket or office, `complaint.step` for a record that is repeated,
    /// left out or dated back, `workflow.reason-missing`, `workflow.no-arrow`.
    pub fn next(&self, signed: &Signed<ComplaintRecord>, keys: &KeyRing) -> Result<Self> {
        use ComplaintState::{Answered, Closed, Declined, Received, Taken};
        let record = signed.verify(keys, &[self.office.as_str()])?;
        if record.v != 1 || record.ticket != self.ticket || record.office != self.office {
            return Err(refuse("complaint.other", format!("the record is not on `{}`", self.ticket)));
        }
        if record.step != self.steps || record.at < self.at {
            return Err(refuse("complaint.step", format!("step {} was expected, {} came, or it is dated back", self.steps, record.step)));
        }
        let mut next = self.clone();
        next.state = match (self.state, &record.event) {
            (Received, ComplaintEvent::Take) => Taken,
            (Received, ComplaintEvent::Decline { reason }) => {
                need_reason(reason)?;
                Declined
            }
            (Taken, ComplaintEvent::Answer { .. }) => Answered,
            (Answered | Declined, ComplaintEvent::Reopen { reason }) => {
                need_reason(reason)?;
                Taken
            }
            (Answered, ComplaintEvent::Close) => Closed,
            (here, event) => return Err(crate::workflow::no_arrow(here, event)),
        };
        if next.state == Taken {
            next.taken = Some(record.at);
        }
        next.steps = self.steps.saturating_add(1);
        next.at = record.at;
        Ok(next)
    }

    /// Where it stands.
    #[must_use]
    pub const fn state(&self) -> ComplaintState {
        self.state
    }

    /// The organisation that it is about.
    #[must_use]
    pub fn about(&self) -> &str {
        &self.about
    }

    /// The alarm if taking up or answering is overdue.
    ///
    /// # Errors
    /// `Refused` if the calendar does not reach so far.
    pub fn overdue(&self, take: Limit, answer: Limit, calendar: &Calendar, now: Time) -> Result<Option<Finding>> {
        let (from, limit, en, zh) = match (self.state, self.taken) {
            (ComplaintState::Received, _) => (self.received, take, "decision on taking it up", "受理决定"),
            (ComplaintState::Taken, Some(taken)) => (taken, answer, "answer", "答复"),
            _ => return Ok(None),
        };
        let due = calendar.deadline(from, limit, |_| false)?.filter(|due| now > *due);
        Ok(due.map(|due| {
            let what = (
                format!("complaint `{}`: the {en} was due at {due}", self.ticket),
                format!("投诉 `{}`：{zh}应于 {due} 前作出", self.ticket),
            );
            Finding::new("complaint.overdue", &self.office, what, ("decide and record it", "作出处理并记录"))
        }))
    }
}
