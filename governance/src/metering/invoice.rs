//! Monthly invoices: drawn from the counters, and reconciled with them by whoever receives one. A difference has a name.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use super::counter::{Book, Reading, Subject, Unit, named, sum};
use super::quote::{Quote, is_lab};
use super::tariff::{Class, Classes, Tariffs};
use crate::calendar::Date;
use crate::canonical::{Hash, u64_string};
use crate::clock::Time;
use crate::finding::{Checked, Finding, broken, refuse, unless};
use crate::grant::lab::LabGrant;
use crate::id::{JobId, PartyName};
use crate::sign::{KeyRing, Signed, SignedType};

/// Micro-yuan in a fen.
const FEN: u64 = 10_000;

/// One calendar month of the domain's calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Month {
    /// Year.
    pub year: i32,
    /// 1 to 12.
    pub month: u8,
}

impl Month {
    /// The month of a moment.
    #[must_use]
    pub fn of(at: Time) -> Option<Self> {
        let text = Date::of(at).to_string();
        let mut parts = text.split('-');
        let (year, month) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Self { year, month })
    }

    /// From `2026-05`.
    ///
    /// # Errors
    /// `Malformed`.
    pub fn parse(text: &str) -> crate::Result<Self> {
        let parts = text.split_once('-').filter(|(year, month)| year.len() == 4 && month.len() == 2);
        let month = parts.and_then(|(year, month)| Some(Self { year: year.parse().ok()?, month: month.parse().ok()? }));
        month.filter(|month| month.span().is_some()).ok_or_else(|| {
            let shown: String = text.chars().take(20).collect();
            crate::Error::Malformed { object: "month".into(), reason: format!("`{}`: expected for example 2026-05", shown.escape_debug()) }
        })
    }

    /// First second, and the first second of the next month.
    #[must_use]
    pub fn span(self) -> Option<(Time, Time)> {
        let first = Date::new(self.year, self.month, 1).ok()?;
        Some((first.first_second(), first.plus_months(1).first_second()))
    }

    /// Whether a moment lies in it.
    #[must_use]
    pub fn contains(self, at: Time) -> bool {
        self.span().is_some_and(|(from, to)| from <= at && at < to)
    }
}

impl fmt::Display for Month {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}", self.year, self.month)
    }
}

/// One line: one unit under one tariff, as one class.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// The tariff; absent for what the laboratory used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tariff: Option<Hash>,
    /// The customer's class.
    pub class: Class,
    /// What.
    pub unit: Unit,
    /// How much.
    #[serde(with = "u64_string")]
    pub amount: u64,
    /// Price of the whole line in micro-yuan, rounded down.
    #[serde(with = "u64_string")]
    pub micro: u64,
}

/// One customer's invoice for one month, signed by the platform.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invoice {
    /// Format version, 1.
    pub v: u32,
    /// Who charges and signs.
    pub platform: PartyName,
    /// Who pays.
    pub tenant: String,
    /// For which month.
    pub month: Month,
    /// Hashes of the readings that it rests on: all of the customer's in that month.
    pub readings: BTreeSet<Hash>,
    /// The lines, sorted.
    pub lines: Vec<Line>,
    /// What is to be paid, in fen: the sum rounded down once.
    #[serde(with = "u64_string")]
    pub fen: u64,
}

impl SignedType for Invoice {
    const TYPE: &'static str = "invoice-v1";
}

/// All that an invoice follows from.
#[derive(Debug, Clone, Copy)]
pub struct Billing<'a> {
    /// Who charges.
    pub platform: &'a PartyName,
    /// The counters.
    pub book: &'a Book,
    /// The prices.
    pub tariffs: &'a Tariffs,
    /// The classes.
    pub classes: &'a Classes,
    /// Laboratories, each verified: what happens in them is free (A7).
    pub labs: &'a [LabGrant],
}

impl Billing<'_> {
    /// The invoice that follows from the counters.
    ///
    /// # Errors
    /// `invoice.month`; `invoice.no-tariff` for use at a moment without a tariff: what has no published price is not charged
    /// afterwards; `invoice.overflow`.
    pub fn draw(&self, tenant: &str, month: Month) -> Checked<Invoice> {
        if month.span().is_none() {
            let what = (format!("{month} is no month"), format!("{month} 不是有效月份"));
            return refuse("invoice.month", self.platform, what, ("state year and month", "填写年月"));
        }
        let mut amounts: BTreeMap<(Option<Hash>, Class, Unit), u64> = BTreeMap::new();
        let mut readings = BTreeSet::new();
        for (hash, reading) in self.of(tenant, month) {
            readings.insert(hash);
            let tariff = if is_lab(self.labs, &reading.authorisation, reading.at) { None } else { Some(self.tariff(reading)?) };
            let class = self.classes.of(tenant, reading.at);
            for (unit, amount) in reading.counts.iter() {
                let known = amounts.entry((tariff, class, unit)).or_default();
                *known = known.checked_add(amount).map_or_else(|| self.overflow(), Ok)?;
            }
        }
        let mut lines = Vec::new();
        let mut total = 0_u64;
        for ((tariff, class, unit), amount) in amounts {
            let price = tariff.and_then(|hash| self.tariffs.get(&hash)).and_then(|tariff| tariff.price(class, unit));
            let micro = price.map_or(Some(0), |price| price.of(amount)).map_or_else(|| self.overflow(), Ok)?;
            total = total.checked_add(micro).map_or_else(|| self.overflow(), Ok)?;
            lines.push(Line { tariff, class, unit, amount, micro });
        }
        Ok(Invoice { v: 1, platform: self.platform.clone(), tenant: tenant.into(), month, readings, lines, fen: total / FEN })
    }

    /// Checks an invoice against the counters: the customer does it with the same books as the platform.
    ///
    /// # Errors
    /// All at once: `invoice.signature`, `invoice.platform`, `invoice.reading-unknown` for one that is not in the book,
    /// `invoice.reading-missing`, `invoice.amount` naming unit, invoice and counters, `invoice.price`, `invoice.total`; those of
    /// [`Billing::draw`].
    pub fn reconcile(&self, signed: &Signed<Invoice>, keys: &KeyRing) -> Checked<()> {
        let invoice = signed.verify(keys, &[self.platform.as_str()]).map_err(|error| broken("invoice.signature", self.platform, &error))?;
        let ours = self.draw(&invoice.tenant, invoice.month)?;
        let mut found = Vec::new();
        let mut add = |code, what: (String, String)| {
            let remedy = ("compare with the nodes' readings and draw the invoice again", "与各节点读数核对后重新开具");
            found.push(Finding::new(code, self.platform, what, remedy));
        };
        if invoice.v != 1 || invoice.platform != *self.platform {
            add("invoice.platform", ("it has another format, or is of another platform".into(), "格式不符，或非本平台开具".into()));
        }
        for hash in invoice.readings.difference(&ours.readings) {
            let what = format!("it rests on reading {hash}, which is not this customer's in {}", invoice.month);
            add("invoice.reading-unknown", (what, format!("所依据的读数 {hash} 不属于该用户 {}", invoice.month)));
        }
        for hash in ours.readings.difference(&invoice.readings) {
            add("invoice.reading-missing", (format!("it leaves out reading {hash}"), format!("遗漏读数 {hash}")));
        }
        let key = |line: &Line| (line.tariff, line.class, line.unit);
        let (theirs, known): (BTreeMap<_, _>, BTreeMap<_, _>) =
            (invoice.lines.iter().map(|l| (key(l), l)).collect(), ours.lines.iter().map(|l| (key(l), l)).collect());
        for place in theirs.keys().chain(known.keys()).collect::<BTreeSet<_>>() {
            let amount = |lines: &BTreeMap<_, &Line>| lines.get(place).map_or(0, |line| line.amount);
            let micro = |lines: &BTreeMap<_, &Line>| lines.get(place).map_or(0, |line| line.micro);
            let (en, zh) = named(place.2);
            let (a, b) = (amount(&theirs), amount(&known));
            if a != b {
                add(
                    "invoice.amount",
                    (format!("{en}: the invoice says {a}, the counters say {b}"), format!("{zh}：账单为 {a}，计量为 {b}")),
                );
            }
            let (a, b) = (micro(&theirs), micro(&known));
            if a != b {
                let what = format!("{en}: the invoice charges {a} micro-yuan, the tariff {b}");
                add("invoice.price", (what, format!("{zh}：账单计 {a} 微元，按价目应为 {b}")));
            }
        }
        if invoice.lines.len() != theirs.len() || invoice.fen != ours.fen {
            let what = format!("it asks for {} fen, {} follow from the counters, each line once", invoice.fen, ours.fen);
            add("invoice.total", (what, format!("账单合计 {} 分，按计量应为 {} 分，且每项只列一次", invoice.fen, ours.fen)));
        }
        unless(found, ())
    }

    /// Jobs that used more than their quote said, each with the unit: the price before a run is a promise.
    ///
    /// # Errors
    /// `meter.overflow`, `quote.signature`, and `invoice.beyond-quote` for every job and unit.
    pub fn within_quotes(&self, quotes: &[Signed<Quote>], keys: &KeyRing) -> Checked<()> {
        let mut found = Vec::new();
        for signed in quotes {
            let quote = signed.verify(keys, &[self.platform.as_str()]).map_err(|error| broken("quote.signature", self.platform, &error))?;
            for (unit, used) in self.job(quote.job)?.iter().filter(|(unit, used)| *used > quote.most.get(*unit)) {
                let (en, zh) = named(unit);
                let most = quote.most.get(unit);
                let what = (
                    format!("job {} used {used} {en}, its quote says at most {most}", quote.job),
                    format!("任务 {} {zh}为 {used}，报价上限为 {most}", quote.job),
                );
                found.push(Finding::new("invoice.beyond-quote", self.platform, what, ("charge what was quoted", "按报价收取")));
            }
        }
        unless(found, ())
    }

    fn job(&self, job: JobId) -> Checked<super::Counts> {
        self.book.job(job)
    }

    fn of(&self, tenant: &str, month: Month) -> impl Iterator<Item = (Hash, &Reading)> {
        self.book.iter().filter(move |(_, reading)| reading.tenant == tenant && month.contains(reading.at))
    }

    fn tariff(&self, reading: &Reading) -> Checked<Hash> {
        match self.tariffs.at(reading.at) {
            Some((hash, tariff)) if tariff.platform == *self.platform => Ok(hash),
            _ => {
                let what = (format!("no tariff held at {}", reading.at), format!("{} 时无适用价目", reading.at));
                refuse("invoice.no-tariff", self.platform, what, ("what has no published price is not charged", "未公布价格者不得收费"))
            }
        }
    }

    fn overflow<T>(&self) -> Checked<T> {
        let what = ("the amounts are beyond what a number holds", "数量超出可表示范围");
        refuse("invoice.overflow", self.platform, what, ("check the meters", "检查计量"))
    }

    /// What everything cost, by who caused it: the cost sheet (O9) of one product or of all jobs, in micro-yuan at the costs
    /// of the tariff in force.
    ///
    /// # Errors
    /// `invoice.no-tariff`, `invoice.overflow`.
    pub fn cost_sheet(&self, month: Month) -> Checked<BTreeMap<Subject, u64>> {
        let mut sheet: BTreeMap<Subject, u64> = BTreeMap::new();
        for (_, reading) in self.book.iter().filter(|(_, reading)| month.contains(reading.at)) {
            let hash = self.tariff(reading)?;
            let Some(tariff) = self.tariffs.get(&hash) else { return self.overflow() };
            let cost = reading
                .counts
                .iter()
                .try_fold(0_u64, |sum, (unit, amount)| sum.checked_add(tariff.costs.get(&unit).map_or(Some(0), |price| price.of(amount))?));
            let known = sheet.entry(reading.subject.clone()).or_default();
            *known = cost.and_then(|cost| known.checked_add(cost)).map_or_else(|| self.overflow(), Ok)?;
        }
        Ok(sheet)
    }

    /// The sum of a customer's counters in a month, free use included.
    ///
    /// # Errors
    /// `meter.overflow`.
    pub fn used(&self, tenant: &str, month: Month) -> Checked<super::Counts> {
        sum(self.of(tenant, month).map(|(_, reading)| reading))
    }
}

/// Invoices that were issued: one for each customer and month.
#[derive(Debug, Clone, Default)]
pub struct Issued(BTreeMap<(String, Month), Invoice>);

impl Issued {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The invoice of a customer for a month.
    #[must_use]
    pub fn get(&self, tenant: &str, month: Month) -> Option<&Invoice> {
        self.0.get(&(tenant.to_owned(), month))
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Invoice> {
        self.0.values()
    }

    /// Takes an invoice in that reconciles; the same one again changes nothing.
    ///
    /// # Errors
    /// Those of [`Billing::reconcile`]; `invoice.early` before the month has ended: later readings would be charged twice or never;
    /// `invoice.twice` for another invoice on the same month.
    pub fn add(&mut self, signed: &Signed<Invoice>, billing: &Billing<'_>, now: Time, keys: &KeyRing) -> Checked<()> {
        billing.reconcile(signed, keys)?;
        let invoice = &signed.payload;
        if invoice.month.span().is_none_or(|(_, end)| now < end) {
            let what = (format!("{} has not ended", invoice.month), format!("{} 尚未结束", invoice.month));
            return refuse("invoice.early", billing.platform, what, ("draw it after the month", "月末后开具"));
        }
        let known = self.0.entry((invoice.tenant.clone(), invoice.month)).or_insert_with(|| invoice.clone());
        if known == invoice {
            return Ok(());
        }
        let what = (format!("{} was invoiced already", invoice.month), format!("{} 已开具账单", invoice.month));
        refuse("invoice.twice", billing.platform, what, ("one invoice for each month", "每月一份账单"))
    }
}
