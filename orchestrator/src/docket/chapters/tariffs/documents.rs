//! Who signs a document about money, and what keeps it out of the book.

use super::super::super::book::Book;
use super::super::super::kind::{Document, Moment, all_of, refuse};
use super::MARGIN_PERMILLE;
use crate::fault::Result;
use crate::procedure::law::Law;
use std::collections::BTreeSet;
use yu_governance::clock::Time;
use yu_governance::id::{PartyName, document_hash};
use yu_governance::metering::{Class, Enrolment, FeeRules, Invoice, LabNotice, MeterSheet, Quote, ShareStatement, Subject, Tariff, Unit};
use yu_governance::profile::Gate;
use yu_governance::sign::Signed;
use yu_governance::workflow::Role;

/// Who charges is appointed as platform.
fn platform(law: &Law, who: &PartyName) -> Result<()> {
    if law.holders(Role::Platform).contains(who) {
        return Ok(());
    }
    Err(refuse("tariff.platform", format!("`{who}` is not appointed as platform")))
}

/// What changes an account holds from its filing on, never before.
fn not_back(code: &'static str, from: Time, moment: Moment<'_>) -> Result<()> {
    if from >= moment.at {
        return Ok(());
    }
    Err(refuse(code, format!("it is to hold from {from} on and is filed at {}: choose a later moment", moment.at)))
}

impl Document for Tariff {
    const KIND: &'static str = "tariff";
    const TITLE: (&'static str, &'static str) = ("tariff", "价目");
    const EXAMPLE: &'static str = include_str!("tariff.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.platform.clone(), self.authority.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let (tariff, law) = (&signed.payload, moment.law);
        platform(law, &tariff.platform)?;
        not_back("tariff.retroactive", tariff.not_before, moment)?;
        if tariff.published > moment.at {
            return Err(refuse("tariff.published", format!("it is dated {}, filed {}", tariff.published, moment.at)));
        }
        let pays = tariff
            .lines
            .iter()
            .find(|line| (line.condition.class, line.condition.unit) == (Class::Supplier, Unit::Calls) && line.price.micro > 0);
        if law.rules().supplier_free.value == Gate::Required && pays.is_some() {
            return Err(refuse("tariff.supplier-free", "suppliers of data use products free of charge here (O11)"));
        }
        let rules = FeeRules { basis: law.rules().fee_basis.value, margin_permille: MARGIN_PERMILLE };
        let tariffs = book.ledger.tariffs.entry(tariff.platform.clone()).or_default();
        tariffs.add(signed, std::slice::from_ref(&law.authority), rules, &law.ring).map(drop).or_else(all_of)
    }
}

impl Document for Enrolment {
    const KIND: &'static str = "enrolment";
    const TITLE: (&'static str, &'static str) = ("class of a customer", "用户类别认定");
    const EXAMPLE: &'static str = include_str!("enrolment.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.authority.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let (enrolment, law) = (&signed.payload, moment.law);
        not_back("enrolment.retroactive", enrolment.from, moment)?;
        let supplies = law.holders(Role::Provider).iter().any(|who| who.organisation() == enrolment.tenant);
        if enrolment.class == Class::Supplier && !supplies {
            return Err(refuse("enrolment.supplier", format!("`{}` is not appointed as provider", enrolment.tenant)));
        }
        book.ledger.classes.add(signed, std::slice::from_ref(&law.authority), &law.ring).or_else(all_of)
    }
}

impl Document for LabNotice {
    const KIND: &'static str = "lab-notice";
    const TITLE: (&'static str, &'static str) = ("laboratory that is free of charge", "实验室免费告知");
    const EXAMPLE: &'static str = include_str!("lab.toml");

    fn signers(&self, _: &Book, law: &Law) -> Result<Vec<PartyName>> {
        if self.grant.authority != law.authority {
            return Err(refuse("lab.authority", format!("`{}` is not the authority", self.grant.authority)));
        }
        Ok(vec![self.grant.authority.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let notice = &signed.payload;
        notice.check(moment.law.rules().lab_term.value.0).or_else(all_of)?;
        if book.ledger.labs.iter().any(|known| known.id == notice.grant.id) {
            return Err(refuse("lab.twice", format!("`{}` has its notice: a longer stay is another one", notice.grant.id)));
        }
        book.ledger.labs.push(notice.grant.clone());
        Ok(())
    }
}

impl Document for MeterSheet {
    const KIND: &'static str = "meter-sheet";
    const TITLE: (&'static str, &'static str) = ("readings of a node's meters", "节点计量读数");
    const EXAMPLE: &'static str = include_str!("sheet.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.node.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let (sheet, ledger) = (&signed.payload, &mut book.ledger);
        sheet.check(&ledger.readings, moment.at, |tenant, at| ledger.is_closed(tenant, at)).or_else(all_of)?;
        for reading in &sheet.readings {
            ledger.readings.add(reading, &moment.law.ring).map(drop).or_else(all_of)?;
        }
        Ok(())
    }
}

impl Document for Quote {
    const KIND: &'static str = "quote";
    const TITLE: (&'static str, &'static str) = ("price of a job before its run", "任务报价");
    const EXAMPLE: &'static str = include_str!("quote.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.platform.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let (quote, ledger) = (&signed.payload, &mut book.ledger);
        platform(moment.law, &quote.platform)?;
        if quote.at > moment.at || quote.at < moment.at.plus_days(-1) {
            return Err(refuse("quote.date", format!("dated {}, filed {}", quote.at, moment.at)));
        }
        let tariff = ledger.tariffs.get(&quote.platform).and_then(|tariffs| tariffs.at(quote.at));
        quote.follows(tariff, &ledger.classes, quote.tariff.is_none()).or_else(all_of)?;
        let is_run = ledger.readings.iter().any(|(_, reading)| reading.subject == Subject::Job { job: quote.job });
        if is_run || ledger.quotes.contains_key(&quote.job) {
            return Err(refuse("quote.late", format!("job {} has its quote, or has run", quote.job)));
        }
        ledger.quotes.insert(quote.job, signed.clone());
        Ok(())
    }
}

impl Document for Invoice {
    const KIND: &'static str = "invoice";
    const TITLE: (&'static str, &'static str) = ("invoice of a month", "月度账单");
    const EXAMPLE: &'static str = include_str!("invoice.toml");

    /// The platform, and the customer where it has a node: it looks at the contracts of its jobs, which not everybody has.
    fn signers(&self, _: &Book, law: &Law) -> Result<Vec<PartyName>> {
        let roles = [Role::Licensee, Role::Developer, Role::Provider];
        let own = roles.into_iter().flat_map(|role| law.holders(role)).find(|who| who.organisation() == self.tenant);
        Ok(std::iter::once(self.platform.clone()).chain(own).collect())
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let invoice = &signed.payload;
        platform(moment.law, &invoice.platform)?;
        let ledger = &mut book.ledger;
        let mut issued = ledger.issued.get(&invoice.platform).cloned().unwrap_or_default();
        if issued.get(&invoice.tenant, invoice.month).is_some() {
            return Err(refuse("invoice.twice", format!("{} was invoiced already", invoice.month)));
        }
        let Some(billing) = ledger.billing(&invoice.platform) else {
            return Err(refuse("invoice.no-tariff", format!("`{}` has no tariff", invoice.platform)));
        };
        issued.add(signed, &billing, moment.at, &moment.law.ring).or_else(all_of)?;
        ledger.issued.insert(invoice.platform.clone(), issued);
        Ok(())
    }
}

impl Document for ShareStatement {
    const KIND: &'static str = "share-statement";
    const TITLE: (&'static str, &'static str) = ("shares of the suppliers of a product", "产品收益分配");
    const EXAMPLE: &'static str = include_str!("share.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(std::iter::once(self.platform.clone()).chain(self.suppliers.keys().cloned()).collect())
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let (statement, law) = (&signed.payload, moment.law);
        platform(law, &statement.platform)?;
        if statement.period.1 > moment.at {
            return Err(refuse("share.early", format!("the period ends at {}", statement.period.1)));
        }
        let stated = statement.suppliers.iter().map(|(name, part)| (name.clone(), part.contribution)).collect();
        let hash = Self::verify(signed, &stated, &law.ring).or_else(|found| all_of(found).map(|()| statement.product))?;
        let mut about = None;
        for (version, _) in book.products.versions.values() {
            if document_hash(&version.contents)? == statement.product {
                about = Some(version);
            }
        }
        let Some(version) = about else {
            return Err(refuse("share.product", "no version of a product with these contents is filed"));
        };
        let suppliers: BTreeSet<&str> = statement.suppliers.keys().map(PartyName::organisation).collect();
        let sources: BTreeSet<&str> = version.sources.iter().map(yu_governance::id::DatasetId::organisation).collect();
        if suppliers != sources || suppliers.len() != statement.suppliers.len() {
            let what = format!(
                "`{}` rests on data of {}: each of them once, nobody else",
                version.product,
                sources.into_iter().collect::<Vec<_>>().join(", ")
            );
            return Err(refuse("share.supplier", what));
        }
        for (supplier, contribution) in &stated {
            let counted = book.ledger.contributed(supplier, statement.measure, statement.period);
            if counted.is_some_and(|counted| *contribution > counted) {
                return Err(refuse(
                    "share.beyond-counters",
                    format!("`{supplier}` is said to have contributed more than its meters counted"),
                ));
            }
        }
        let overlaps =
            |known: &Self| known.product == statement.product && known.period.0 < statement.period.1 && statement.period.0 < known.period.1;
        if book.ledger.shares.iter().any(|(_, known)| overlaps(known)) {
            return Err(refuse("share.twice", "this product's income of the period was divided already"));
        }
        book.ledger.shares.push((hash, statement.clone()));
        Ok(())
    }
}
