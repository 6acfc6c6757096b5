//! A consent form as it was filled in, before it becomes a record: consent that is bundled or forced (一揽子授权、强制同意) is refused here.

use super::record::{ConsentEvidence, ConsentRecord, SubjectRef};
use crate::clock::Time;
use crate::finding::{Checked, Finding, unless};
use crate::id::{ColumnSet, DatasetId, PartyName, Purpose, Scenario};

/// How an item came onto the form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Ticked by the subject for itself.
    Separate,
    /// Ticked beforehand, or together with others.
    Together,
}

/// Whether a service hangs on the item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// The subject gets the service without it.
    Free,
    /// Without it the service is refused.
    OfService,
}

/// One item of the form.
#[derive(Debug, Clone)]
pub struct FormItem {
    /// The column.
    pub column: String,
    /// How it was ticked.
    pub choice: Choice,
    /// What hangs on it.
    pub condition: Condition,
}

/// The form.
#[derive(Debug, Clone)]
pub struct ConsentForm {
    /// Of which data set.
    pub dataset: DatasetId,
    /// Whose.
    pub subject: SubjectRef,
    /// Scenarios on it; exactly one is lawful.
    pub scenarios: Vec<Scenario>,
    /// Purposes on it; exactly one is lawful.
    pub purposes: Vec<Purpose>,
    /// Items on it.
    pub items: Vec<FormItem>,
    /// First valid second.
    pub not_before: Time,
    /// First second that is no longer valid.
    pub not_after: Time,
    /// How it is proven.
    pub evidence: ConsentEvidence,
    /// The node that keeps the evidence.
    pub attester: PartyName,
    /// When it was given.
    pub at: Time,
}

impl ConsentForm {
    /// The record to sign. `needed` are the items that the scenario cannot do without (A5): only for them may a service depend on
    /// consent.
    ///
    /// # Errors
    /// All at once: `consent.no-scenario`, `consent.two-scenarios`, `consent.two-purposes`, `consent.bundled`, `consent.forced`,
    /// `consent.items-malformed`; what [`ConsentRecord::check`] objects to.
    pub fn complete(self, needed: &ColumnSet) -> Checked<ConsentRecord> {
        let mut found = self.objections(needed);
        let columns = ColumnSet::new(self.items.iter().map(|i| i.column.as_str()));
        let (Some(scenario), Some(purpose), Ok(items)) = (self.scenarios.first(), self.purposes.first(), columns) else {
            return Err(found);
        };
        let record = ConsentRecord {
            v: 1,
            dataset: self.dataset,
            subject: self.subject,
            scenario: scenario.clone(),
            purpose: purpose.clone(),
            items,
            not_before: self.not_before,
            not_after: self.not_after,
            evidence: self.evidence,
            attester: self.attester,
            at: self.at,
        };
        found.extend(record.check());
        unless(found, record)
    }

    fn objections(&self, needed: &ColumnSet) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut add = |code: &str, en: String, zh: String| {
            let remedy = (
                "ask for one scenario, item by item, and leave the service open to those who decline",
                "一场景一同意、逐项征得同意，且不得以拒绝为由停止服务",
            );
            found.push(Finding::new(code, &self.attester, (en, zh), remedy));
        };
        match self.scenarios.len() {
            0 => add("consent.no-scenario", "the form names no scenario".into(), "未列场景".into()),
            1 => {}
            n => add("consent.two-scenarios", format!("the form covers {n} scenarios at once"), format!("一份同意涵盖 {n} 个场景")),
        }
        if self.purposes.len() != 1 {
            let n = self.purposes.len();
            add("consent.two-purposes", format!("the form names {n} purposes, not one"), format!("同意书列有 {n} 个用途，应为一个"));
        }
        if ColumnSet::new(self.items.iter().map(|i| i.column.as_str())).is_err() {
            add("consent.items-malformed", "an item is blank or named twice".into(), "数据项为空或重复".into());
        }
        for item in &self.items {
            let name = &item.column;
            if item.choice == Choice::Together {
                add("consent.bundled", format!("item `{name}` was not chosen by itself"), format!("数据项“{name}”未单独征得同意"));
            }
            if item.condition == Condition::OfService && !needed.contains(name) {
                add(
                    "consent.forced",
                    format!("item `{name}` is a condition of the service, which does not need it"),
                    format!("数据项“{name}”并非场景所必需，却作为提供服务的条件"),
                );
            }
        }
        found
    }
}
