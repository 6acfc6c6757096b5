//! Quality and timeliness, one line for each source department (C6, S9): the league table that ZW 31 asks for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::metrics::{Metrics, Share};
use super::ticket::{QualityTicket, TicketState};
use crate::canonical::u64_string;
use crate::clock::Time;
use crate::id::DatasetId;

/// One department.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DepartmentLine {
    /// The organisation.
    pub organisation: String,
    /// Tickets on its data that were opened in the period.
    #[serde(with = "u64_string")]
    pub reported: u64,
    /// Of these, not taken up.
    #[serde(with = "u64_string")]
    pub rejected: u64,
    /// Of these, judged.
    #[serde(with = "u64_string")]
    pub closed: u64,
    /// Of those judged, done after the deadline.
    #[serde(with = "u64_string")]
    pub late: u64,
    /// Over the deadline and not done.
    #[serde(with = "u64_string")]
    pub overdue: u64,
    /// Mean repair of what was judged; absent if nothing was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repaired: Option<Share>,
    /// Reviews decided in time among those due (C6); absent if none was due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reviews_on_time: Option<Share>,
    /// For each metric (accuracy, relevance, completeness, timeliness) the worst among its data sets; empty without any.
    pub worst: Vec<Share>,
}

/// Lines of all departments that have a data set, a ticket or a review, best first: fewest overdue, then best repaired, then by name.
#[must_use]
pub fn league(
    tickets: &[QualityTicket],
    metrics: &BTreeMap<DatasetId, Metrics>,
    reviews: &BTreeMap<String, Share>,
    period: (Time, Time),
    now: Time,
) -> Vec<DepartmentLine> {
    let mut sums: BTreeMap<String, (DepartmentLine, u64)> = BTreeMap::new();
    for ticket in tickets.iter().filter(|t| period.0 <= t.opened() && t.opened() < period.1) {
        let (line, sum) = line_of(&mut sums, ticket.dataset().organisation());
        line.reported += 1;
        line.overdue += u64::from(ticket.is_overdue(now));
        match ticket.state() {
            TicketState::Rejected { .. } => line.rejected += 1,
            TicketState::Closed { repaired_permille, late, .. } => {
                line.closed += 1;
                line.late += u64::from(*late);
                *sum = sum.saturating_add(u64::from((*repaired_permille).min(1000)));
            }
            TicketState::Reported | TicketState::Accepted { .. } | TicketState::Fixed { .. } => {}
        }
    }
    for (dataset, metrics) in metrics {
        let (line, _) = line_of(&mut sums, dataset.organisation());
        let shares = metrics.named().map(|(_, _, share)| share);
        if line.worst.is_empty() {
            line.worst = shares.to_vec();
        } else {
            line.worst.iter_mut().zip(shares).for_each(|(worst, share)| *worst = (*worst).min(share));
        }
    }
    for (organisation, share) in reviews {
        line_of(&mut sums, organisation).0.reviews_on_time = Some(*share);
    }
    let mut lines: Vec<DepartmentLine> = sums
        .into_values()
        .map(|(mut line, sum)| {
            line.repaired = Share::new(sum, line.closed.saturating_mul(1000)).ok();
            line
        })
        .collect();
    lines.sort_by(|a, b| a.overdue.cmp(&b.overdue).then(b.repaired.cmp(&a.repaired)).then(a.organisation.cmp(&b.organisation)));
    lines
}

fn line_of<'a>(sums: &'a mut BTreeMap<String, (DepartmentLine, u64)>, organisation: &str) -> &'a mut (DepartmentLine, u64) {
    sums.entry(organisation.to_owned()).or_insert_with(|| {
        let line = DepartmentLine {
            organisation: organisation.to_owned(),
            reported: 0,
            rejected: 0,
            closed: 0,
            late: 0,
            overdue: 0,
            repaired: None,
            reviews_on_time: None,
            worst: Vec::new(),
        };
        (line, 0)
    })
}
