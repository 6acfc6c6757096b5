//! The regular report of the first tier on the second (S6; ZZ 26, ZW 32): who used how much, and what came of it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::page::{Page, Table, same};
use crate::canonical::Hash;
use crate::clock::Time;
use crate::finding::{Checked, Finding, broken, unless};
use crate::id::{PartyName, document_hash};
use crate::metering::counter::sum;
use crate::metering::{Book, Counts};
use crate::profile::Effective;
use crate::sign::{KeyRing, Signed, SignedType};
use crate::text::Text;
use crate::workflow::Word as _;

/// One organisation of the second tier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageLine {
    /// What it used.
    pub counts: Counts,
    /// What came of it (应用成效), in words.
    pub effect: Text,
}

/// The report, signed by the first-level operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageReport {
    /// Format version, 1.
    pub v: u32,
    /// Who reports and signs.
    pub operator: PartyName,
    /// To whom.
    pub authority: PartyName,
    /// First second of the period, and the first one behind it.
    pub period: (Time, Time),
    /// By organisation: all that used anything.
    pub lines: BTreeMap<String, UsageLine>,
    /// When.
    pub at: Time,
}

impl SignedType for UsageReport {
    const TYPE: &'static str = "usage-report-v1";
}

/// What each organisation used in a period.
///
/// # Errors
/// `meter.overflow`.
pub fn used(book: &Book, period: (Time, Time)) -> Checked<BTreeMap<String, Counts>> {
    let within = |at: Time| period.0 <= at && at < period.1;
    let readings = || book.iter().map(|(_, reading)| reading).filter(|reading| within(reading.at));
    let tenants: BTreeSet<&String> = readings().map(|reading| &reading.tenant).collect();
    tenants.into_iter().map(|tenant| Ok((tenant.clone(), sum(readings().filter(|r| r.tenant == *tenant))?))).collect()
}

impl UsageReport {
    /// Checks a report against the counters; gives its hash.
    ///
    /// # Errors
    /// All at once: `report.signature`; `report.period`; `report.number` naming each organisation that is left out, made up, or used
    /// another amount; `report.incomplete` naming those of whom no effect is told; those of [`used`].
    pub fn verify(signed: &Signed<Self>, book: &Book, keys: &KeyRing) -> Checked<Hash> {
        let operator = &signed.payload.operator;
        let report = signed.verify(keys, &[operator.as_str()]).map_err(|error| broken("report.signature", operator, &error))?;
        let known = used(book, report.period)?;
        let mut found = Vec::new();
        let mut add = |code, what: (String, String), remedy| found.push(Finding::new(code, operator, what, remedy));
        if report.v != 1 || report.period.0 >= report.period.1 || report.at < report.period.1 {
            let what = ("it has another format, no period, or is older than its period's end".into(), "格式不符、无期间或早于期末".into());
            add("report.period", what, ("report after the period", "期末后报告"));
        }
        for name in report.lines.keys().chain(known.keys()).collect::<BTreeSet<_>>() {
            let shown = name.escape_debug();
            if report.lines.get(name).map(|line| &line.counts) != known.get(name) {
                let what = (format!("`{shown}`: the counters say something else"), format!("`{shown}`：与计量不符"));
                add("report.number", what, ("draw the numbers from the counters again", "据计量重新统计"));
            } else if report.lines.get(name).is_some_and(|line| line.effect.is_blank()) {
                let what = (format!("`{shown}`: nothing is said about the effect"), format!("`{shown}`：未说明应用成效"));
                add("report.incomplete", what, ("say what came of it", "补充应用成效"));
            }
        }
        unless(found, ())?;
        document_hash(report).map_err(|error| broken("report.signature", operator, &error))
    }

    /// The report as a page, for the authority.
    #[must_use]
    pub fn page(&self) -> Page {
        let told = |line: &UsageLine, name: fn(crate::metering::Unit) -> &'static str, glue: &str| {
            line.counts.iter().map(|(unit, amount)| format!("{} {amount}", name(unit))).collect::<Vec<_>>().join(glue)
        };
        let row = |(name, line): (&String, &UsageLine)| {
            let amounts = Text::new(told(line, |unit| unit.as_str(), ", "), told(line, |unit| unit.zh(), "，"));
            vec![same(name), amounts, line.effect.clone()]
        };
        let (from, to) = self.period;
        Page {
            title: Text::new("Use of data by the second tier", "二级开发主体数据开发利用情况报告"),
            text: vec![Text::new(
                format!("{} to {}: {from} to {to}.", self.operator, self.authority),
                format!("{} 报 {}：{from} 至 {to}。", self.operator, self.authority),
            )],
            tables: vec![Table {
                title: Text::new("Use", "使用情况"),
                head: vec![Text::new("organisation", "单位"), Text::new("used", "用量"), Text::new("effect", "应用成效")],
                rows: self.lines.iter().map(row).collect(),
            }],
            foot: Text::new("The amounts follow from the signed counters of the period.", "用量由本期签署的计量得出。"),
        }
    }
}

/// The alarm if the next report is overdue: the interval is the profile's, counted from the end of the last period that was reported,
/// or from `since`.
#[must_use]
pub fn overdue(operator: &PartyName, reported: Option<Time>, profile: &Effective, since: Time, now: Time) -> Option<Finding> {
    let months = profile.rules().report_interval.value.0;
    // a period's end is the day from which on the next one runs; the report on it is due a full period later
    let due = reported.map_or(since, |end| end.max(since)).plus_months(months);
    (now > due).then(|| {
        let what = (format!("its report was due at {due}"), format!("其报告应于 {due} 前提交"));
        Finding::new("report.overdue", operator, what, ("report", "提交报告"))
    })
}
