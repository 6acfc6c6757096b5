//! Money (价目、计量与账单): tariffs and classes, readings of the nodes' meters, quotes, invoices, shares of the suppliers (D13, O9, O11, S8).
//!
//! The platform sets neither who belongs to which class, nor what was used, nor which runs belong to the laboratory. Every node draws each invoice
//! from the same counters: one that does not follow from them is not filed.

mod documents;

use super::super::book::Book;
use super::super::kind::Kind;
use super::Chapter;
use crate::procedure::law::Law;
use std::collections::BTreeMap;
use yu_governance::canonical::Hash;
use yu_governance::clock::Time;
use yu_governance::grant::LabGrant;
use yu_governance::id::{JobId, PartyName};
use yu_governance::metering::{
    self, Billing, Classes, Counts, Enrolment, Invoice, Issued, LabNotice, Measure, MeterSheet, Month, Quote, ShareStatement, Subject,
    Tariff, Tariffs, Unit,
};
use yu_governance::sign::Signed;

/// Greatest margin over cost in thousandths where a small one (微利) is allowed: our default, no text has a number.
const MARGIN_PERMILLE: u64 = 50;

pub(super) const CHAPTER: Chapter = Chapter {
    name: "tariffs",
    title: ("tariffs, meters, invoices", "价目、计量与账单"),
    kinds: &[
        Kind::of::<Tariff>(),
        Kind::of::<Enrolment>(),
        Kind::of::<LabNotice>(),
        Kind::of::<MeterSheet>(),
        Kind::of::<Quote>(),
        Kind::of::<Invoice>(),
        Kind::of::<ShareStatement>(),
    ],
    tell,
    objections: super::none,
};

/// Everything that accounts follow from.
#[derive(Default)]
pub struct Ledger {
    /// Tariffs of each platform.
    pub tariffs: BTreeMap<PartyName, Tariffs>,
    /// Classes of the customers.
    pub classes: Classes,
    /// Laboratories.
    pub labs: Vec<LabGrant>,
    /// Readings of all nodes.
    pub readings: metering::Book,
    /// Quotes by job.
    pub quotes: BTreeMap<JobId, Signed<Quote>>,
    /// Invoices of each platform.
    pub issued: BTreeMap<PartyName, Issued>,
    /// Shares, with the hash of each statement.
    pub shares: Vec<(Hash, ShareStatement)>,
}

impl Ledger {
    /// The tariff of a moment, whoever's it is; the first by the platform's name.
    #[must_use]
    pub fn tariff(&self, at: Time) -> Option<(Hash, &Tariff)> {
        self.tariffs.values().find_map(|tariffs| tariffs.at(at))
    }

    /// All that a platform's invoices follow from; nothing before it has a tariff.
    #[must_use]
    pub fn billing<'a>(&'a self, platform: &'a PartyName) -> Option<Billing<'a>> {
        let tariffs = self.tariffs.get(platform)?;
        Some(Billing { platform, book: &self.readings, tariffs, classes: &self.classes, labs: &self.labs })
    }

    /// Whether a customer has the invoice of a moment's month.
    #[must_use]
    pub fn is_closed(&self, tenant: &str, at: Time) -> bool {
        let Some(month) = Month::of(at) else { return false };
        self.issued.values().any(|issued| issued.get(tenant, month).is_some())
    }

    /// All invoices.
    pub fn invoices(&self) -> impl Iterator<Item = &Invoice> {
        self.issued.values().flat_map(Issued::iter)
    }

    /// Customers with readings in a month.
    #[must_use]
    pub fn customers(&self, month: Month) -> std::collections::BTreeSet<String> {
        self.readings.iter().filter(|(_, reading)| month.contains(reading.at)).map(|(_, reading)| reading.tenant.clone()).collect()
    }

    /// What the counters say a supplier contributed in a period; nothing for what is agreed and not counted.
    #[must_use]
    pub fn contributed(&self, supplier: &PartyName, measure: Measure, (from, to): (Time, Time)) -> Option<u64> {
        let own = self.readings.iter().map(|(_, reading)| reading).filter(|reading| {
            reading.node.organisation() == supplier.organisation()
                && from <= reading.at
                && reading.at < to
                && reading.counts.get(Unit::Rows) > 0
        });
        match measure {
            Measure::RowsMatched => Some(own.fold(0, |sum, reading| reading.counts.get(Unit::Rows).saturating_add(sum))),
            Measure::Runs => Some(own.filter(|reading| matches!(reading.subject, Subject::Job { .. })).count() as u64),
            Measure::Cost | Measure::Points => None,
        }
    }
}

/// Yuan of micro-yuan, to the last digit.
pub(crate) fn yuan(micro: u64) -> String {
    let text = format!("{}.{:06}", micro / 1_000_000, micro % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Yuan of fen.
pub(crate) fn yuan_of_fen(fen: u64) -> String {
    format!("{}.{:02}", fen / 100, fen % 100)
}

/// Counts in words.
pub(crate) fn counted(counts: &Counts) -> (String, String) {
    use yu_governance::workflow::Word as _;
    let join = |name: fn(Unit) -> &'static str, glue: &str| {
        counts.iter().map(|(unit, amount)| format!("{} {amount}", name(unit))).collect::<Vec<_>>().join(glue)
    };
    (join(Unit::as_str, ", "), join(Unit::zh, "，"))
}

fn tell(book: &Book, _: &Law, now: Time) -> Vec<(String, String)> {
    let ledger = &book.ledger;
    let mut say = Vec::new();
    for (platform, tariffs) in &ledger.tariffs {
        say.push(match tariffs.at(now) {
            Some((_, tariff)) => (
                format!("{platform}: {} prices until {}", tariff.lines.len(), tariff.not_after),
                format!("{platform}：现行价目 {} 项，适用至 {}", tariff.lines.len(), tariff.not_after),
            ),
            None => (format!("{platform}: no tariff holds now: nothing is charged"), format!("{platform}：目前无适用价目，不得收费")),
        });
    }
    let readings = ledger.readings.iter().count();
    if readings > 0 {
        say.push((format!("{readings} readings of meters"), format!("计量读数 {readings} 条")));
    }
    say.extend(ledger.readings.unbalanced().iter().map(|found| (found.what.en.clone(), found.what.zh.clone())));
    for invoice in ledger.invoices() {
        let (tenant, month, sum) = (&invoice.tenant, invoice.month, yuan_of_fen(invoice.fen));
        say.push((format!("invoice {month} of {tenant}: {sum} yuan"), format!("{tenant} {month} 账单：{sum} 元")));
    }
    let invoices: Vec<Invoice> = ledger.invoices().cloned().collect();
    let unequal = metering::fairness::unequal_charges(&invoices);
    say.extend(unequal.iter().map(|found| (format!("UNEQUAL: {}", found.what.en), format!("价格不一：{}", found.what.zh))));
    for (_, statement) in &ledger.shares {
        let parts: Vec<String> = statement.suppliers.iter().map(|(name, part)| format!("{name} {}", yuan_of_fen(part.fen))).collect();
        say.push((
            format!("shares until {}: {}", statement.period.1, parts.join(", ")),
            format!("截至 {} 的收益分配：{}", statement.period.1, parts.join("，")),
        ));
    }
    say
}

#[cfg(test)]
mod tests;
