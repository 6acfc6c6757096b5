//! Identifiers that are left in a release: every column is classified from a sample, and every cell is read for numbers whose check digit
//! is right.

use std::collections::BTreeMap;

use super::super::Policy;
use crate::column::each_text;
use crate::detect::{ColumnClass, Confidence, Detector};
use crate::error::{Lang, Result, Text};
use crate::policy::explain::percent;
use crate::report::{Bar, Finding, Plot, Section, Verdict};
use crate::table::Table;
use crate::transform::Operator;

/// Share of the cells of a column from which names, telephones and other identifiers without a check digit are no accident of spelling.
const ACCIDENT: f64 = 0.01;

/// What was found so far, batch by batch.
#[derive(Default)]
pub(super) struct Search {
    detector: Detector,
    /// The surest class of each column by its place.
    classes: BTreeMap<usize, ColumnClass>,
    /// Name of a column and its cells that hold a verified number, by its place.
    verified: BTreeMap<usize, (String, u64)>,
}

impl Search {
    /// Searches a whole table.
    pub(super) fn of(table: &Table) -> Result<Self> {
        let mut search = Self::default();
        search.add(table)?;
        Ok(search)
    }

    /// Searches further rows of the same columns.
    pub(super) fn add(&mut self, batch: &Table) -> Result<()> {
        for class in self.detector.classify(batch)? {
            let known = self.classes.get(&class.position);
            if known.is_none_or(|known| (known.confidence, known.share) < (class.confidence, class.share)) {
                self.classes.insert(class.position, class);
            }
        }
        for (position, name) in batch.column_names().into_iter().enumerate() {
            let mut cells = 0;
            each_text(batch, name, |cell, _| {
                let mut is_verified = false;
                self.detector.scan_with(cell, |hit| is_verified |= hit.confidence == Confidence::Certain);
                cells += u64::from(is_verified);
                Ok(())
            })?;
            if cells > 0 {
                self.verified.entry(position).or_insert_with(|| (name.to_owned(), 0)).1 += cells;
            }
        }
        Ok(())
    }

    /// Columns in which direct identifiers are left.
    pub(super) fn direct(&self, policy: &Policy) -> Vec<String> {
        let serious = self.classes.values().filter(|found| is_serious(policy, found)).map(|found| &found.column);
        let verified = self.verified.values().map(|(name, _)| name).filter(|name| !is_replaced(policy, name));
        let mut names: Vec<String> = serious.chain(verified).cloned().collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The part of the report.
    pub(super) fn section(&self, policy: &Policy) -> Section {
        let mut section = Section::new(Text::new("Identifiers that are left", "残留标识符"));
        section.lead.push(Text::new(
            "Every cell was read for numbers with a check digit (identity numbers, cards, codes, vehicles, devices); telephones, names, addresses \
             and other identifiers were looked for in a sample of each column.",
            "已逐格检索带校验码的号码（身份证、银行卡、信用代码、车辆、设备）；电话、姓名、住址等在各列抽样检索。",
        ));
        section.findings.extend(self.verified.values().map(|(name, cells)| verified(policy, name, *cells)));
        let seen = || self.classes.values().filter(|found| found.sampled > 0 && found.share > 0.0);
        section.findings.extend(seen().map(|found| classified(policy, found)));
        if section.findings.is_empty() {
            section.findings.push(Finding {
                code: "detect.none".into(),
                verdict: Verdict::Passed,
                text: Text::new(
                    "No identifier was found; that proves nothing about identifiers that cannot be recognised.",
                    "未发现标识符；但无法识别的标识符不在此列。",
                ),
                remedy: None,
            });
        }
        let bars: Vec<Bar> = seen()
            .map(|found| Bar { label: Text::new(found.column.clone(), found.column.clone()), value: found.share * 100.0, other: None })
            .collect();
        if !bars.is_empty() {
            section.plots.push(Plot::Bars {
                title: Text::new("Share of cells that look like identifiers", "疑似标识符的单元格占比"),
                unit: Text::new("per cent of the sampled cells", "抽样单元格的百分比"),
                bars,
                limit: None,
                legend: None,
            });
        }
        section
    }
}

/// Whether the values of the column are pseudonyms, tokens or encrypted: some may look like identifiers, of nobody.
fn is_replaced(policy: &Policy, column: &str) -> bool {
    let makes = |operator: &Operator| {
        matches!(
            operator,
            Operator::Hmac { .. } | Operator::Token { .. } | Operator::ResidentId { .. } | Operator::Mobile { .. } | Operator::Ff1 { .. }
        )
    };
    policy.rule(column).is_some_and(|rule| rule.operators.iter().any(makes))
}

fn is_serious(policy: &Policy, found: &ColumnClass) -> bool {
    found.sampled > 0 && found.confidence >= Confidence::Likely && found.share >= ACCIDENT && !is_replaced(policy, &found.column)
}

fn remedy() -> Text {
    Text::new("treat the column as a direct identifier, or redact the text", "请将该列作为直接标识符处理，或对文本脱敏")
}

const REPLACED: [&str; 2] = ["; the values are pseudonyms or encrypted, of nobody", "；该列取值为假名或密文，不对应真实个人"];

fn note(is_replaced: bool) -> [&'static str; 2] {
    if is_replaced { REPLACED } else { ["", ""] }
}

fn verified(policy: &Policy, name: &str, cells: u64) -> Finding {
    let is_replaced = is_replaced(policy, name);
    let note = note(is_replaced);
    Finding {
        code: "detect.verified".into(),
        verdict: if is_replaced { Verdict::Noted } else { Verdict::Refused },
        text: Text::new(
            format!("Column `{name}`: {cells} cells hold a number whose check digit is right{}.", note[0]),
            format!("列“{name}”：{cells} 个单元格含校验码正确的号码{}。", note[1]),
        ),
        remedy: (!is_replaced).then(remedy),
    }
}

fn classified(policy: &Policy, found: &ColumnClass) -> Finding {
    let (is_serious, note) = (is_serious(policy, found), note(is_replaced(policy, &found.column)));
    let (column, share) = (&found.column, percent(found.share));
    let [en, zh] = [Lang::En, Lang::Zh].map(|lang| (found.class.title(lang), found.reason.get(lang)));
    Finding {
        code: "detect.left".into(),
        verdict: if is_serious { Verdict::Refused } else { Verdict::Noted },
        text: Text::new(
            format!("Column `{column}`: {share} of the cells look like a {} ({}){}.", en.0, en.1, note[0]),
            format!("列“{column}”：{share} 的单元格疑似{}（{}）{}。", zh.0, zh.1, note[1]),
        ),
        remedy: is_serious.then(remedy),
    }
}
