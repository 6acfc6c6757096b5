//! Correction orders (限期改正, C5, L3): a period, evidence, and who reopens.
//!
//! NB 17 and ZJ 六(八) close access while the correction is open, other profiles may close it when the period has passed:
//! the profile says which ([`CorrectionAccess`]). Only the authority reopens or terminates, and only on evidence or after
//! the period; no lapse of time ever opens anything.

use serde::{Deserialize, Serialize};

use super::refused;
use crate::calendar::Calendar;
use crate::canonical::Hash;
use crate::clock::Time;
use crate::error::Result;
use crate::id::{AuthorisationId, PartyName, document_hash};
use crate::profile::{CorrectionAccess, Rules};
use crate::sign::{KeyRing, Signed, SignedType};
use crate::text::Text;

/// An organ orders a correction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorrectionOrder {
    /// Format version, 1.
    pub v: u32,
    /// Under which authorisation.
    pub authorisation: AuthorisationId,
    /// Who must correct.
    pub licensee: PartyName,
    /// Which organ orders and signs.
    pub organ: PartyName,
    /// What was breached.
    pub breach: Text,
    /// From when on.
    pub issued_at: Time,
    /// Last second of the period.
    pub due: Time,
}

impl SignedType for CorrectionOrder {
    const TYPE: &'static str = "correction-order-v1";
}

/// An event of a correction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", deny_unknown_fields)]
pub enum CorrectionEvent {
    /// The licensee reports what it corrected (反馈改正情况).
    Evidence {
        /// Hash of the files.
        files: Hash,
        /// What was done.
        account: String,
    },
    /// The authority finds the evidence wanting.
    Insufficient {
        /// Why.
        reason: String,
    },
    /// The authority reopens access on the evidence.
    Reopened {
        /// Why.
        reason: String,
    },
    /// The authority ends the authorisation, after the period, uncorrected.
    Terminated {
        /// Why.
        reason: String,
    },
}

impl CorrectionEvent {
    /// Stable name, for errors and logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Evidence { .. } => "evidence",
            Self::Insufficient { .. } => "insufficient",
            Self::Reopened { .. } => "reopened",
            Self::Terminated { .. } => "terminated",
        }
    }

    fn reason(&self) -> &str {
        match self {
            Self::Evidence { account, .. } => account,
            Self::Insufficient { reason } | Self::Reopened { reason } | Self::Terminated { reason } => reason,
        }
    }
}

/// One event of one correction, signed by the licensee (evidence) or the authority (everything else).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorrectionRecord {
    /// Format version, 1.
    pub v: u32,
    /// Hash of the order's payload.
    pub order: Hash,
    /// What happened.
    pub event: CorrectionEvent,
    /// When, by the signer's clock.
    pub at: Time,
}

impl SignedType for CorrectionRecord {
    const TYPE: &'static str = "correction-record-v1";
}

/// How far a correction is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CorrectionState {
    /// Ordered; no evidence that stands.
    Ordered,
    /// Evidence waits for the authority.
    UnderReview,
    /// Corrected and reopened.
    Reopened,
    /// Ended.
    Terminated,
}

impl CorrectionState {
    /// Stable name, for errors and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ordered => "ordered",
            Self::UnderReview => "under-review",
            Self::Reopened => "reopened",
            Self::Terminated => "terminated",
        }
    }
}

/// Whether the licensee has access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It has.
    Open,
    /// It has not, for the time being.
    Suspended {
        /// Since when.
        since: Time,
    },
    /// It has not any more.
    Ended,
}

/// A correction under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Correction {
    order: CorrectionOrder,
    hash: Hash,
    authority: PartyName,
    access: CorrectionAccess,
    state: CorrectionState,
    /// Evidence that was handed in, with its moment.
    evidence: Vec<(Time, Hash)>,
    last: Time,
}

impl Correction {
    /// Opens a correction on a signed order. `organs` are the nodes of those who may suspend under the profile.
    ///
    /// # Errors
    /// `Signature` if the order is not signed by its organ; `Refused` if that organ may not order, the breach is not named in
    /// both languages, or the period is empty or longer than the profile's.
    pub fn open(
        signed: &Signed<CorrectionOrder>,
        ring: &KeyRing,
        organs: &[PartyName],
        authority: &PartyName,
        rules: &Rules,
        calendar: &Calendar,
    ) -> Result<Self> {
        let order = signed.verify(ring, &[signed.payload.organ.as_str()])?;
        if !organs.contains(&order.organ) {
            return Err(refused("correction.organ", format!("`{}` may not order corrections under this profile", order.organ)));
        }
        if order.v != 1 || order.breach.is_blank() {
            return Err(refused("correction.malformed", "an order has format 1 and names the breach in both languages".into()));
        }
        let longest = calendar.deadline(order.issued_at, rules.correction_limit.value, |_| false)?;
        if order.due <= order.issued_at || longest.is_some_and(|longest| order.due > longest) {
            let until = longest.map_or_else(|| "-".to_owned(), |t| t.to_string());
            return Err(refused(
                "correction.period",
                format!("the period from {} to {} is empty or goes beyond {until}", order.issued_at, order.due),
            ));
        }
        Ok(Self {
            hash: document_hash(order)?,
            last: order.issued_at,
            order: order.clone(),
            authority: authority.clone(),
            access: rules.correction_access.value,
            state: CorrectionState::Ordered,
            evidence: Vec::new(),
        })
    }

    /// The next state after a record that was received at `received`.
    ///
    /// # Errors
    /// `Signature` if it is not signed by the licensee (evidence) or the authority (everything else); `Refused` with the event's
    /// and the state's name if it has no place here. This correction stays as it is.
    pub fn record(&self, signed: &Signed<CorrectionRecord>, received: Time, ring: &KeyRing) -> Result<Self> {
        use CorrectionEvent as Event;
        use CorrectionState as State;
        let signer = if matches!(signed.payload.event, Event::Evidence { .. }) { &self.order.licensee } else { &self.authority };
        let record = signed.verify(ring, &[signer.as_str()])?;
        let (name, state) = (record.event.name(), self.state.name());
        let refuse = |code, why: &str| {
            Err(refused(code, format!("`{name}` in state `{state}` of the correction by `{}`: {why}", self.order.licensee)))
        };
        if record.v != 1 || record.order != self.hash {
            return refuse("correction.other", "it is a record of another order");
        }
        if record.at > received || received < self.last {
            return refuse("correction.out-of-order", "it is dated after its receipt, or received before an earlier record");
        }
        if record.event.reason().trim().is_empty() {
            return refuse("correction.reason-missing", "it needs an account or a reason");
        }
        let mut next = Self { last: received, ..self.clone() };
        next.state = match (self.state, &record.event) {
            (State::Reopened | State::Terminated, _) => return refuse("correction.closed", "it has ended"),
            (State::Ordered | State::UnderReview, Event::Evidence { files, .. }) => {
                next.evidence.push((received, *files));
                State::UnderReview
            }
            (State::Ordered, Event::Insufficient { .. } | Event::Reopened { .. }) => {
                return refuse("correction.no-evidence", "there is no evidence to judge");
            }
            (State::UnderReview, Event::Insufficient { .. }) => State::Ordered,
            (State::UnderReview, Event::Reopened { .. }) => State::Reopened,
            (State::Ordered, Event::Terminated { .. }) if received <= self.order.due => {
                return refuse("correction.not-due", "the period has not passed");
            }
            (State::Ordered, Event::Terminated { .. }) => State::Terminated,
            (State::UnderReview, Event::Terminated { .. }) => {
                return refuse("correction.evidence-open", "evidence waits; judge it first");
            }
        };
        Ok(next)
    }

    /// Whether the licensee has access at `now`: closed at once or when the period passes, as the profile says. Evidence that
    /// waits keeps nothing open: only the authority does.
    #[must_use]
    pub fn access(&self, now: Time) -> Access {
        match (self.state, self.access) {
            (CorrectionState::Reopened, _) => Access::Open,
            (CorrectionState::Terminated, _) => Access::Ended,
            (_, CorrectionAccess::AtOnce) => Access::Suspended { since: self.order.issued_at },
            (_, CorrectionAccess::WhenOverdue) if now > self.order.due => Access::Suspended { since: self.order.due.plus_seconds(1) },
            (_, CorrectionAccess::WhenOverdue) => Access::Open,
        }
    }

    /// How far it is.
    #[must_use]
    pub const fn state(&self) -> CorrectionState {
        self.state
    }

    /// The order.
    #[must_use]
    pub const fn order(&self) -> &CorrectionOrder {
        &self.order
    }

    /// All evidence that was handed in, with the moment of its receipt.
    #[must_use]
    pub fn evidence(&self) -> &[(Time, Hash)] {
        &self.evidence
    }
}
