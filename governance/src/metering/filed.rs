//! What nodes and the authority file for the accounts: sheets of readings, notices of laboratories.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::counter::{Book, Reading, Subject};
use crate::clock::Time;
use crate::finding::{Checked, Finding, refuse, unless};
use crate::grant::lab::LabGrant;
use crate::id::{AuthorisationId, Environment, JobId, PartyName};
use crate::sign::{Signed, SignedType};

/// Most readings of a sheet: it stays far below what a document may be.
pub const MOST_READINGS: usize = 200;

/// Readings of one node, each signed by itself, so that an invoice can cite them one by one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MeterSheet {
    /// Format version, 1.
    pub v: u32,
    /// The node that counted and signs.
    pub node: PartyName,
    /// What it counted.
    pub readings: Vec<Signed<Reading>>,
}

impl SignedType for MeterSheet {
    const TYPE: &'static str = "meter-sheet-v1";
}

impl MeterSheet {
    /// Whether a sheet that is filed at `at` can be taken into the book. `is_closed` says whether a customer's month has its invoice.
    ///
    /// # Errors
    /// All at once: `meter.malformed` for another format, too many readings, or those of another node; `meter.ahead` for readings of the future;
    /// `meter.late` for a month that has its invoice: what comes later is not charged; `meter.tenant` if another node charges the job to somebody
    /// else, or under another authorisation.
    pub fn check(&self, book: &Book, at: Time, is_closed: impl Fn(&str, Time) -> bool) -> Checked<()> {
        let remedy = ("compare with the node's log and file the rest again", "与节点日志核对后重新提交其余读数");
        let mut found = Vec::new();
        let mut add = |code, en: String, zh: String| found.push(Finding::new(code, &self.node, (en, zh), remedy));
        if self.v != 1 || self.readings.is_empty() || self.readings.len() > MOST_READINGS {
            add("meter.malformed", format!("a sheet has 1 to {MOST_READINGS} readings"), format!("计量单须有 1 至 {MOST_READINGS} 条读数"));
        }
        let mut charged: BTreeMap<JobId, (&str, &AuthorisationId)> = BTreeMap::new();
        for (_, reading) in book.iter() {
            if let Subject::Job { job } = reading.subject {
                charged.insert(job, (&reading.tenant, &reading.authorisation));
            }
        }
        for reading in self.readings.iter().map(|signed| &signed.payload) {
            if reading.node != self.node {
                add("meter.malformed", format!("a reading of `{}`", reading.node), format!("含 `{}` 的读数", reading.node));
            }
            if reading.at > at {
                add("meter.ahead", format!("a reading of {}, it is {at}", reading.at), format!("读数时间 {} 晚于 {at}", reading.at));
            }
            let is_known = book.iter().any(|(_, known)| known == reading);
            if !is_known && is_closed(&reading.tenant, reading.at) {
                add(
                    "meter.late",
                    format!("`{}` has its invoice for the month of {}", reading.tenant, reading.at),
                    format!("`{}` 在 {} 所属月份已开具账单", reading.tenant, reading.at),
                );
            }
            let Subject::Job { job } = reading.subject else { continue };
            let own = (reading.tenant.as_str(), &reading.authorisation);
            if *charged.entry(job).or_insert(own) != own {
                add(
                    "meter.tenant",
                    format!("job {job} is charged to another customer or authorisation by another node"),
                    format!("任务 {job} 由其他节点计入其他用户或授权"),
                );
            }
        }
        unless(found, ())
    }
}

/// What happens under this stay in the laboratory is free of charge (A7, D13), signed by the authority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LabNotice {
    /// Format version, 1.
    pub v: u32,
    /// The stay.
    pub grant: LabGrant,
}

impl SignedType for LabNotice {
    const TYPE: &'static str = "lab-notice-v1";
}

impl LabNotice {
    /// Whether the stay is one by the profile: its longest term in months.
    ///
    /// # Errors
    /// `lab.notice`.
    pub fn check(&self, months: u32) -> Checked<()> {
        let lab = &self.grant;
        let fits = self.v == 1
            && lab.v == 1
            && lab.price == 0
            && lab.id.environment() == Environment::Dev
            && lab.not_before < lab.not_after
            && lab.not_after <= lab.not_before.plus_months(months);
        if fits {
            return Ok(());
        }
        let what = (
            format!("a stay in the laboratory is free, in development, for at most {months} months"),
            format!("实验室须免费、限于开发环境且不超过 {months} 个月"),
        );
        refuse("lab.notice", &lab.authority, what, ("correct the grant", "更正后重新提交"))
    }
}
