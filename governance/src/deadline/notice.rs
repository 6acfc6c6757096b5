//! Notices of results (C2): who hears what, without anybody's doing.

use serde::{Deserialize, Serialize};

use super::matter::{Matter, Recipient};
use super::record::Verdict;
use super::review::{ReviewClock, Status};
use crate::canonical::Hash;
use crate::clock::Time;
use crate::id::PartyName;
use crate::profile::Named as _;
use crate::sign::SignedType;
use crate::text::Text;

/// What came of a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoticeResult {
    /// Granted.
    Granted,
    /// Refused, with reasons.
    Refused,
    /// The limit passed without a decision.
    Lapsed,
    /// The limit passed and counts as consent.
    Deemed,
}

/// Tells who must know what came of a review; signed by whoever runs the clock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// Format version, 1.
    pub v: u32,
    /// Hash of the application's payload.
    pub application: Hash,
    /// What was decided on.
    pub matter: Matter,
    /// By whom.
    pub reviewer: PartyName,
    /// What came of it.
    pub result: NoticeResult,
    /// The reviewer's reasons.
    pub reasons: Vec<String>,
    /// Who must know.
    pub to: Vec<Recipient>,
    /// When the result came about.
    pub at: Time,
}

impl SignedType for Notice {
    const TYPE: &'static str = "review-notice-v1";
}

impl Notice {
    /// The notice that is due at `now`; none while the clock waits, runs or stands. A bare lapse goes to the reviewer and the
    /// authority (C6); every other result to whom the article names.
    #[must_use]
    pub fn of(clock: &ReviewClock, now: Time) -> Option<Self> {
        let seats = clock.seats();
        let named = clock.matter().recipients(seats.role).to_vec();
        let (result, reasons, to, at) = match clock.status(now) {
            Status::Waiting | Status::Running { .. } | Status::Paused { .. } => return None,
            Status::Decided(d) if d.verdict == Verdict::Granted => (NoticeResult::Granted, d.reasons, named, d.at),
            Status::Decided(d) => (NoticeResult::Refused, d.reasons, named, d.at),
            Status::Lapsed { since } => (NoticeResult::Lapsed, Vec::new(), vec![Recipient::Authority, Recipient::Reviewer], since),
            Status::Deemed { since } => {
                let mut to = named;
                to.push(Recipient::Reviewer);
                (NoticeResult::Deemed, Vec::new(), to, since)
            }
        };
        Some(Self {
            v: 1,
            application: clock.application(),
            matter: clock.matter(),
            reviewer: seats.reviewer.clone(),
            result,
            reasons,
            to,
            at,
        })
    }

    /// The notice as a sentence.
    #[must_use]
    pub fn sentence(&self) -> Text {
        let (result, result_zh) = match self.result {
            NoticeResult::Granted => ("granted", "通过"),
            NoticeResult::Refused => ("refused", "未通过"),
            NoticeResult::Lapsed => ("not decided in time", "逾期未作出审核"),
            NoticeResult::Deemed => ("not decided in time, which counts as consent", "逾期未作出审核，视为同意"),
        };
        let matter = self.matter.name();
        let reasons = self.reasons.join("; ");
        let (why, why_zh) = if reasons.is_empty() {
            (String::new(), String::new())
        } else {
            (format!("; reasons: {reasons}"), format!("；理由：{}", self.reasons.join("；")))
        };
        Text::new(
            format!("{} by {}: {result} at {}{why}", matter.en, self.reviewer, self.at),
            format!("{}（{}）：{result_zh}，时间 {}{why_zh}", matter.zh, self.reviewer, self.at),
        )
    }
}
