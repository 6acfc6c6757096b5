//! Tickets, their steps and the authority's report on departments, as documents that are filed (K5, C6, S9). No free text stands in any of
//! them: names, codes, times, counts.

use serde::{Deserialize, Serialize};

use super::evidence::Evidence;
use super::report::DepartmentLine;
use super::ticket::Rejection;
use crate::clock::Time;
use crate::deadline::Timeliness;
use crate::id::{DatasetId, PartyName, TicketId};
use crate::sign::SignedType;

/// A quality problem is reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TicketFiling {
    /// Format version, 1.
    pub v: u32,
    /// Its name, of the organisation that reports.
    pub id: TicketId,
    /// The node that reports and signs.
    pub by: PartyName,
    /// On which data set.
    pub dataset: DatasetId,
    /// What was counted.
    pub evidence: Evidence,
    /// When.
    pub at: Time,
}

impl SignedType for TicketFiling {
    const TYPE: &'static str = "quality-ticket-v1";
}

/// What is done with a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Act {
    /// Whoever holds the report passes it one level up (逐级).
    Forward {
        /// To which organisation.
        to: String,
    },
    /// The authority takes it up.
    Accept {
        /// Last second in time.
        deadline: Time,
    },
    /// The authority does not.
    Reject {
        /// Why.
        why: Rejection,
    },
    /// The provider has mended it: the present record of the catalogue is the mended version.
    Fix {
        /// The same rule counted over it.
        after: Evidence,
    },
    /// The authority sends it back.
    Return {
        /// New last second in time.
        deadline: Time,
    },
    /// The authority judges the work.
    Close,
}

/// A step of a ticket.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TicketAct {
    /// Format version, 1.
    pub v: u32,
    /// Which ticket.
    pub ticket: TicketId,
    /// Who takes the step and signs.
    pub by: PartyName,
    /// The step.
    pub act: Act,
    /// When; tells one step from the next.
    pub at: Time,
}

impl SignedType for TicketAct {
    const TYPE: &'static str = "quality-act-v1";
}

/// The authority's report on the source departments (通报, ZW 31): how good their data are, and how timely their reviews.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DepartmentReport {
    /// Format version, 1.
    pub v: u32,
    /// The authority, which signs.
    pub authority: PartyName,
    /// First second of the period in which tickets were opened.
    pub from: Time,
    /// First second after it.
    pub until: Time,
    /// One line for each department, best first.
    pub lines: Vec<DepartmentLine>,
    /// The timeliness of reviews behind it (C6).
    pub timeliness: Timeliness,
    /// When it was drawn up.
    pub at: Time,
}

impl SignedType for DepartmentReport {
    const TYPE: &'static str = "department-report-v1";
}
