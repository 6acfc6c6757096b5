//! What happened to an application, signed by whoever it binds.

use serde::{Deserialize, Serialize};

use super::review::Seats;
use crate::canonical::Hash;
use crate::clock::Time;
use crate::id::PartyName;
use crate::sign::SignedType;

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Approved, registered, passed.
    Granted,
    /// Not; with reasons (ZW 21).
    Refused,
}

/// An event of a review.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ReviewEvent {
    /// The application was handed in; signed by the applicant.
    Submitted,
    /// It was accepted for review (受理); signed by the operator.
    Accepted,
    /// It reached the reviewer; signed by the reviewer's node on arrival, without anybody's doing: the proof of delivery (C4).
    Delivered,
    /// The reviewer decided; signed by the reviewer.
    Decided {
        /// Yes or no.
        verdict: Verdict,
        /// Why; at least one for a refusal.
        reasons: Vec<String>,
    },
    /// The reviewer formally asks for more time; signed by the reviewer. It ends every claim to silence as consent (ZW 21).
    ExtensionRequested {
        /// Why.
        reason: String,
    },
    /// The platform could not be reached from `at` on; signed by the clock service.
    OutageBegan {
        /// What failed.
        cause: String,
    },
    /// It could be reached again from `at` on; signed by the clock service.
    OutageEnded,
}

impl ReviewEvent {
    /// Stable name, for errors and logs.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Accepted => "accepted",
            Self::Delivered => "delivered",
            Self::Decided { .. } => "decided",
            Self::ExtensionRequested { .. } => "extension-requested",
            Self::OutageBegan { .. } => "outage-began",
            Self::OutageEnded => "outage-ended",
        }
    }

    /// Whose signature it needs.
    #[must_use]
    pub const fn signer<'a>(&self, seats: &'a Seats) -> &'a PartyName {
        match self {
            Self::Submitted => &seats.applicant,
            Self::Accepted => &seats.operator,
            Self::Delivered | Self::Decided { .. } | Self::ExtensionRequested { .. } => &seats.reviewer,
            Self::OutageBegan { .. } | Self::OutageEnded => &seats.clock_service,
        }
    }

    /// Whether it concerns one reviewer only.
    #[must_use]
    pub const fn is_of_one_reviewer(&self) -> bool {
        matches!(self, Self::Delivered | Self::Decided { .. } | Self::ExtensionRequested { .. })
    }

    /// Whether it happened when the record says so: nothing can be received while the platform is out.
    pub(super) const fn is_dated_by_itself(&self) -> bool {
        matches!(self, Self::OutageBegan { .. } | Self::OutageEnded)
    }
}

/// One event of one application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReviewRecord {
    /// Format version, 1.
    pub v: u32,
    /// Hash of the application's payload.
    pub application: Hash,
    /// Which reviewer; absent for what concerns all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviewer: Option<PartyName>,
    /// What happened.
    pub event: ReviewEvent,
    /// When, by the signer's clock.
    pub at: Time,
}

impl SignedType for ReviewRecord {
    const TYPE: &'static str = "review-record-v1";
}
