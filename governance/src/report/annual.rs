//! The yearly operation report (S5; TZ 三(十一), ZJ 五(六), NB 27): storage, processing, use, security, market.
//!
//! Numbers come from the logs and the counters, and whoever has both draws the same report; people write the narrative and sign.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::page::{Page, Table, same};
use crate::audit::{Entry, Verb};
use crate::canonical::{Hash, u64_string};
use crate::clock::Time;
use crate::finding::{Checked, Finding, broken, unless};
use crate::id::{JobId, PartyName, document_hash};
use crate::metering::{Book, Counts};
use crate::sign::{KeyRing, Signed, SignedType};
use crate::text::Text;
use crate::workflow::Word as _;
use crate::workflow::word::words;

words! {
    /// Parts of the report, as the texts list them.
    Section {
        Storage = "storage", "存储", "Storage.";
        Processing = "processing", "加工处理", "Processing.";
        Use = "analysis-and-use", "分析利用", "Analysis and use.";
        Security = "security", "安全管理", "Security management.";
        Market = "market", "市场运营", "Operation on the market.";
    }
}

/// What a year's logs and counters say, by section and name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// Entries of the logs, by verb, as decimal strings.
    pub events: BTreeMap<String, String>,
    /// Jobs that finished in order.
    #[serde(with = "u64_string")]
    pub finished: u64,
    /// Jobs that failed by name.
    #[serde(with = "u64_string")]
    pub failed: u64,
    /// Counters of all nodes.
    pub counts: Counts,
}

impl Facts {
    /// Draws the facts of a period from verified logs and the counters.
    ///
    /// # Errors
    /// `meter.overflow`.
    pub fn draw(entries: &[Entry], book: &Book, period: (Time, Time)) -> Checked<Self> {
        let within = |at: Time| period.0 <= at && at < period.1;
        let mut events: BTreeMap<String, u64> = BTreeMap::new();
        let (mut finished, mut failed): (BTreeSet<JobId>, BTreeSet<JobId>) = Default::default();
        // a log that is given twice counts once
        let mut seen = BTreeSet::new();
        for entry in entries.iter().filter(|entry| within(entry.time) && seen.insert((&entry.node, entry.index))) {
            let known = events.entry(entry.verb.clone()).or_default();
            *known = known.saturating_add(1);
            match (Verb::parse(&entry.verb), entry.job) {
                (Some(Verb::JobFinished), Some(job)) => finished.extend([job]),
                (Some(Verb::JobFailed), Some(job)) => failed.extend([job]),
                _ => {}
            }
        }
        let readings = book.iter().map(|(_, reading)| reading).filter(|reading| within(reading.at));
        let counts = crate::metering::counter::sum(readings)?;
        Ok(Self {
            events: events.into_iter().map(|(verb, count)| (verb, count.to_string())).collect(),
            finished: finished.len() as u64,
            failed: failed.difference(&finished).count() as u64,
            counts,
        })
    }

    /// Each fact with its section and name.
    #[must_use]
    pub fn lines(&self) -> Vec<(Section, Text, String)> {
        let jobs = [("jobs finished", "完成任务数", self.finished), ("jobs failed", "失败任务数", self.failed)];
        let mut lines: Vec<_> =
            jobs.into_iter().map(|(en, zh, count)| (Section::Processing, Text::new(en, zh), count.to_string())).collect();
        lines.extend(self.counts.iter().map(|(unit, amount)| {
            let section = if unit.as_str().starts_with("storage") { Section::Storage } else { Section::Use };
            (section, Text::new(unit.as_str(), unit.zh()), amount.to_string())
        }));
        lines.extend(self.events.iter().map(|(verb, count)| (section(verb), same(verb), count.clone())));
        lines.sort();
        lines
    }
}

/// Where an event belongs. Everything that is not about data, jobs or products is security management.
fn section(verb: &str) -> Section {
    match verb.split('.').next().unwrap_or_default() {
        "dataset" | "catalogue" | "import" | "working" => Section::Storage,
        "job" | "step" | "session" | "data" | "permit" => Section::Processing,
        "request" | "offer" | "consent" => Section::Use,
        "result" | "review" | "product" => Section::Market,
        _ => Section::Security,
    }
}

/// The report, signed by the operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnnualReport {
    /// Format version, 1.
    pub v: u32,
    /// Who reports and signs.
    pub operator: PartyName,
    /// To whom.
    pub authority: PartyName,
    /// First second of the period, and the first one behind it.
    pub period: (Time, Time),
    /// The numbers.
    pub facts: Facts,
    /// What people write, one text for each section.
    pub narrative: BTreeMap<Section, Text>,
    /// When.
    pub at: Time,
}

impl SignedType for AnnualReport {
    const TYPE: &'static str = "annual-report-v1";
}

impl AnnualReport {
    /// Checks a report against the logs and the counters; gives its hash.
    ///
    /// # Errors
    /// All at once: `report.signature`, `report.incomplete` naming sections without a narrative, `report.period`,
    /// `report.number` for every number that does not follow, with both.
    pub fn verify(signed: &Signed<Self>, entries: &[Entry], book: &Book, keys: &KeyRing) -> Checked<Hash> {
        let operator = &signed.payload.operator;
        let report = signed.verify(keys, &[operator.as_str()]).map_err(|error| broken("report.signature", operator, &error))?;
        let ours = Facts::draw(entries, book, report.period)?;
        let mut found = Vec::new();
        let mut add = |code, what: (String, String), remedy| found.push(Finding::new(code, operator, what, remedy));
        if report.v != 1 || report.period.0 >= report.period.1 || report.at < report.period.1 {
            let what = ("it has another format, no period, or is older than its period's end".into(), "格式不符、无期间或早于期末".into());
            add("report.period", what, ("report after the period", "期末后报告"));
        }
        let blank = |section: &&Section| report.narrative.get(section).is_none_or(Text::is_blank);
        let missing: Vec<&Section> = Section::all().iter().filter(blank).collect();
        if !missing.is_empty() {
            let names = |name: fn(&Section) -> String, glue: &str| missing.iter().map(|s| name(s)).collect::<Vec<_>>().join(glue);
            let what = (
                format!("nothing is said about: {}", names(ToString::to_string, ", ")),
                format!("未说明：{}", names(|section| section.zh().into(), "、")),
            );
            add("report.incomplete", what, ("write all five parts", "五部分均须填写"));
        }
        let numbers = |facts: &Facts| facts.lines().into_iter().map(|(_, name, count)| (name, count)).collect::<BTreeMap<_, _>>();
        let (stated, known) = (numbers(&report.facts), numbers(&ours));
        let zero = String::from("0");
        for name in stated.keys().chain(known.keys()).collect::<BTreeSet<_>>() {
            let (a, b) = (stated.get(name).unwrap_or(&zero), known.get(name).unwrap_or(&zero));
            if a != b {
                let what = (
                    format!("{}: the report says {a}, logs and counters {b}", name.en),
                    format!("{}：报告为 {a}，日志与计量为 {b}", name.zh),
                );
                add("report.number", what, ("draw the numbers from the logs again", "据日志重新统计"));
            }
        }
        unless(found, ())?;
        document_hash(report).map_err(|error| broken("report.signature", operator, &error))
    }

    /// The report as a page; for the authority, so with all numbers.
    #[must_use]
    pub fn page(&self) -> Page {
        let lines = self.facts.lines();
        let tables = Section::all().iter().map(|section| {
            let own = lines.iter().filter(|(place, ..)| place == section);
            Table {
                title: Text::new(section.as_str(), section.zh()),
                head: vec![Text::new("what", "项目"), Text::new("how many", "数量")],
                rows: own.map(|(_, name, count)| vec![name.clone(), same(count)]).collect(),
            }
        });
        let (from, to) = self.period;
        Page {
            title: Text::new("Operation report on authorised public data", "公共数据授权运营年度运营报告"),
            text: std::iter::once(Text::new(
                format!("{} to {}: {from} to {to}.", self.operator, self.authority),
                format!("{} 报 {}：{from} 至 {to}。", self.operator, self.authority),
            ))
            .chain(
                self.narrative
                    .iter()
                    .map(|(section, text)| Text::new(format!("{section}: {}", text.en), format!("{}：{}", section.zh(), text.zh))),
            )
            .collect(),
            tables: tables.collect(),
            foot: Text::new(
                "All numbers follow from the signed logs and counters of the period.",
                "所有数字均由本期签署的日志与计量得出。",
            ),
        }
    }
}
