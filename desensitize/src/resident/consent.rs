//! Consent receipts (授权同意) of simulated residents: one file, one row per resident who was asked and agreed.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::generate::{Dice, Person, Stream};
use crate::error::{Error, Result};
use crate::table::Table;

const DAY: i64 = 86_400;

/// What the receipts are for. The time is given, because whether a consent is in force depends on it.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceiptPlan {
    /// The scenario that residents agree to.
    pub scenario: String,
    /// The items that they agree to, for example column names.
    pub items: Vec<String>,
    /// The time at which valid receipts are valid, in seconds since 1970 UTC.
    pub now: i64,
    /// Share of residents with a receipt.
    pub share: f64,
    /// Share of the receipts that have been revoked.
    pub revoked: f64,
    /// Share of the receipts whose term is over.
    pub expired: f64,
    /// Share of the receipts whose term has not begun.
    pub early: f64,
}

impl ReceiptPlan {
    /// 97 % of the residents have a receipt; 1 % of these are revoked, 1 % expired, 0.5 % not yet in force.
    #[must_use]
    pub fn new(scenario: &str, items: &[&str], now: i64) -> Self {
        Self {
            scenario: scenario.to_owned(),
            items: items.iter().map(|item| (*item).to_owned()).collect(),
            now,
            share: 0.97,
            revoked: 0.01,
            expired: 0.01,
            early: 0.005,
        }
    }
}

/// Receipts and how many of them hold.
#[derive(Debug)]
pub struct Receipts {
    /// `resident_id`, `scenario`, `items` (separated by `|`), `not_before`, `not_after`, `revoked_at` (empty if it was
    /// not revoked); times as `2026-11-21T08:00:00Z`.
    pub table: Table,
    /// Receipts in force at the plan's time.
    pub valid: u64,
    /// Revoked before the plan's time.
    pub revoked: u64,
    /// Expired before the plan's time.
    pub expired: u64,
    /// In force only after the plan's time.
    pub early: u64,
}

pub(super) fn receipts(seed: u64, people: &[&Person], plan: &ReceiptPlan) -> Result<Receipts> {
    let mut dice = Dice::new(seed, Stream::Consent);
    let mut counts = [0u64; 4];
    let (mut ids, mut begins, mut ends, mut revocations) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for person in people {
        let has_receipt = dice.happens(plan.share);
        let fate = dice.share();
        let (since, until) = (30 + dice.below(700) as i64, 30 + dice.below(1000) as i64);
        let past = 1 + dice.below(since as u64 - 1) as i64;
        if !has_receipt {
            continue;
        }
        let mut revoked = None;
        let (kind, begin, end) = if fate < plan.revoked {
            revoked = Some(plan.now.saturating_sub(past * DAY));
            (1, -since, until)
        } else if fate < plan.revoked + plan.expired {
            (2, -since, -past)
        } else if fate < plan.revoked + plan.expired + plan.early {
            (3, since, since + until)
        } else {
            (0, -since, until)
        };
        counts[kind] += 1;
        ids.push(person.id());
        begins.push(stamp(plan.now.saturating_add(begin * DAY))?);
        ends.push(stamp(plan.now.saturating_add(end * DAY))?);
        revocations.push(revoked.map(stamp).transpose()?.unwrap_or_default());
    }
    let rows = ids.len();
    let items = plan.items.join("|");
    let same = |text: &str| Arc::new(StringArray::from_iter_values(std::iter::repeat_n(text, rows))) as ArrayRef;
    let texts = |texts: Vec<String>| Arc::new(StringArray::from(texts)) as ArrayRef;
    let columns = vec![
        ("resident_id", Arc::new(StringArray::from(ids)) as ArrayRef),
        ("scenario", same(&plan.scenario)),
        ("items", same(&items)),
        ("not_before", texts(begins)),
        ("not_after", texts(ends)),
        ("revoked_at", texts(revocations)),
    ];
    let table = Table::from_columns("simulated consents", columns)?.simulated("yu residents 1")?;
    let [valid, revoked, expired, early] = counts;
    Ok(Receipts { table, valid, revoked, expired, early })
}

fn stamp(seconds: i64) -> Result<String> {
    let fault = || Error::Population { reason: "the time of the receipts is out of range" };
    let moment = OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| fault())?;
    moment.format(&Rfc3339).map_err(|_| fault())
}
