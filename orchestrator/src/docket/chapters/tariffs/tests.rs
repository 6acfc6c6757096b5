use super::super::super::kind::Document;
use super::super::super::rig::{Court, hash, party, time};
use super::super::products;
use super::*;
use crate::fault::{Code, Result};
use std::collections::BTreeSet;
use yu_governance::catalogue::offer::ProductVersion;
use yu_governance::catalogue::record::CatalogueRecord;
use yu_governance::id::document_hash;
use yu_governance::metering::{Class, Condition, Counts, Part, Price, Reading, TariffLine, Unit};
use yu_governance::sign::Signed;

fn code<T: std::fmt::Debug>(result: Result<T>) -> String {
    result.unwrap_err().detail.split(':').next().unwrap().to_owned()
}

const fn price(micro: u64, per: u64) -> Price {
    Price { micro, per }
}

fn line(class: Class, unit: Unit, price: Price) -> TariffLine {
    TariffLine { condition: Condition { class, unit, only: None }, price }
}

/// 2 yuan for a megabyte sent, 1 for a second of processor.
fn tariff(court: &Court) -> Tariff {
    Tariff {
        v: 1,
        platform: party("platform"),
        authority: party("authority"),
        costs: [(Unit::BytesSent, price(2, 1)), (Unit::CpuMs, price(1000, 1))].into(),
        lines: vec![line(Class::Market, Unit::BytesSent, price(2, 1)), line(Class::Market, Unit::CpuMs, price(1000, 1))],
        published: court.at,
        not_before: court.at,
        not_after: court.at.plus_days(365),
    }
}

fn job(name: &str) -> JobId {
    JobId(hash(name))
}

fn reading(court: &Court, org: &str, name: &str, counts: &[(Unit, u64)]) -> Reading {
    Reading {
        v: 1,
        node: party(org),
        subject: Subject::Job { job: job(name) },
        tenant: "bank".into(),
        authorisation: "dev/authority/a-1".parse().unwrap(),
        counts: Counts::of(counts),
        at: court.at,
    }
}

fn sheet(court: &Court, org: &'static str, readings: &[Reading]) -> MeterSheet {
    let readings = readings.iter().map(|reading| court.signed(reading.clone(), &[org])).collect();
    MeterSheet { v: 1, node: party(org), readings }
}

/// A tariff, one job of the bank that two nodes counted, and the month behind.
fn month() -> (Court, Month) {
    let mut court = Court::new("zhejiang");
    court.file(tariff(&court), &["platform", "authority"]).unwrap();
    court.pass_days(1);
    for (org, sent, received, rows) in [("health", 3_000_000, 1_000_000, 2000), ("platform", 1_000_000, 3_000_000, 0)] {
        let counts = [(Unit::BytesSent, sent), (Unit::BytesReceived, received), (Unit::CpuMs, 500), (Unit::Rows, rows)];
        let sheet = sheet(&court, org, &[reading(&court, org, "one", &counts)]);
        court.file(sheet, &[org]).unwrap();
    }
    let month = Month::of(court.at).unwrap();
    (court, month)
}

fn drawn(court: &Court, month: Month) -> Invoice {
    let platform = party("platform");
    court.book.ledger.billing(&platform).unwrap().draw("bank", month).unwrap()
}

#[test]
fn s8_prices_are_one_for_a_class_follow_cost_and_never_hold_back() {
    let mut court = Court::new("zhongwei");
    let good = tariff(&court);
    assert_eq!(court.file(good.clone(), &["platform"]).unwrap_err().code, Code::Signature, "the authority as well");
    assert_eq!(code(court.file(Tariff { platform: party("bank"), ..good.clone() }, &["bank", "authority"])), "tariff.platform");
    let back = Tariff { not_before: court.at.plus_seconds(-1), published: court.at.plus_days(-1), ..good.clone() };
    assert_eq!(code(court.file(back, &["platform", "authority"])), "tariff.retroactive");
    let mut favour = good.clone();
    favour.lines[0].condition.only = Some("bank".into());
    assert_eq!(code(court.file(favour, &["platform", "authority"])), "tariff.unequal");
    let mut dear = good.clone();
    dear.lines[0].price = price(3, 1);
    assert_eq!(code(court.file(dear, &["platform", "authority"])), "tariff.cost", "a small margin is no half");
    let mut calls = good.clone();
    calls.costs.insert(Unit::Calls, price(10, 1));
    calls.lines.push(line(Class::Supplier, Unit::Calls, price(10, 1)));
    assert_eq!(code(court.file(calls, &["platform", "authority"])), "tariff.supplier-free", "O11");
    court.file(good.clone(), &["platform", "authority"]).unwrap();
    let second = Tariff { not_before: court.at.plus_days(1), ..good };
    assert_eq!(code(court.file(second, &["platform", "authority"])), "tariff.overlap");
    assert!(tell(&court.book, &court.law, court.at)[0].0.contains("2 prices"));
}

#[test]
fn s8_o11_the_authority_says_who_is_in_which_class_and_not_backwards() {
    let mut court = Court::new("zhejiang");
    let enrolment = |court: &Court, tenant: &str, class| Enrolment {
        v: 1,
        authority: party("authority"),
        tenant: tenant.into(),
        class,
        from: court.at,
    };
    let by_platform = Enrolment { authority: party("platform"), ..enrolment(&court, "bank", Class::PublicGood) };
    assert_eq!(code(court.file(by_platform, &["platform"])), "enrolment.authority");
    assert_eq!(code(court.file(enrolment(&court, "bank", Class::Supplier), &["authority"])), "enrolment.supplier");
    let back = Enrolment { from: court.at.plus_days(-1), ..enrolment(&court, "health", Class::Supplier) };
    assert_eq!(code(court.file(back, &["authority"])), "enrolment.retroactive");
    court.file(enrolment(&court, "health", Class::Supplier), &["authority"]).unwrap();
    assert_eq!(court.book.ledger.classes.of("health", court.at), Class::Supplier);
    assert_eq!(code(court.file(enrolment(&court, "health", Class::Market), &["authority"])), "enrolment.conflict");
}

#[test]
fn d13_a_node_counts_for_itself_once_and_in_time() {
    let (mut court, month) = month();
    let own = reading(&court, "health", "two", &[(Unit::BytesSent, 5)]);
    // another node's reading, signed by whomever
    let foreign = sheet(&court, "health", &[reading(&court, "platform", "two", &[(Unit::BytesSent, 5)])]);
    assert_eq!(code(court.file(foreign, &["health"])), "meter.malformed");
    let forged = MeterSheet { v: 1, node: party("health"), readings: vec![court.signed(own.clone(), &["platform"])] };
    assert_eq!(code(court.file(forged, &["health"])), "meter.signature");
    let ahead = sheet(&court, "health", &[Reading { at: court.at.plus_seconds(1), ..own.clone() }]);
    assert_eq!(code(court.file(ahead, &["health"])), "meter.ahead");
    let empty = sheet(&court, "health", &[]);
    assert_eq!(code(court.file(empty, &["health"])), "meter.malformed");
    // the same job, counted otherwise, or charged to somebody else
    let twice = sheet(&court, "health", &[reading(&court, "health", "one", &[(Unit::BytesSent, 5)])]);
    assert_eq!(code(court.file(twice, &["health"])), "meter.conflict");
    let charged = Reading { tenant: "studio".into(), ..reading(&court, "bank", "one", &[(Unit::BytesSent, 5)]) };
    let charged = sheet(&court, "bank", &[charged]);
    assert_eq!(code(court.file(charged, &["bank"])), "meter.tenant");
    let too_many = sheet(&court, "health", &vec![own.clone(); metering::MOST_READINGS + 1]);
    assert_eq!(code(court.file(too_many, &["health"])), "meter.malformed");
    // once the month has its invoice nothing is added to it
    court.pass_days(40);
    let invoice = drawn(&court, month);
    court.file(invoice, &["platform", "bank"]).unwrap();
    let late = sheet(&court, "health", &[own]);
    assert_eq!(code(court.file(late, &["health"])), "meter.late");
}

#[test]
fn d13_an_invoice_follows_from_the_counters_and_both_sides_sign() {
    let (mut court, month) = month();
    let invoice = drawn(&court, month);
    // 4 MB at 2 micro-yuan a byte, 1 s at 1 yuan
    assert_eq!(invoice.fen, 900);
    assert_eq!(code(court.file(invoice.clone(), &["platform", "bank"])), "invoice.early");
    court.pass_days(40);
    assert_eq!(
        court.file(invoice.clone(), &["platform"]).unwrap_err().code,
        Code::Signature,
        "the customer compares it with its contracts"
    );
    let mut more = invoice.clone();
    more.fen += 1;
    assert_eq!(code(court.file(more, &["platform", "bank"])), "invoice.total");
    let mut amount = invoice.clone();
    amount.lines[0].amount += 1;
    assert_eq!(code(court.file(amount, &["platform", "bank"])), "invoice.amount");
    let mut less = invoice.clone();
    less.readings.pop_first();
    assert_eq!(code(court.file(less, &["platform", "bank"])), "invoice.reading-missing");
    let stranger = Invoice { platform: party("studio"), ..invoice.clone() };
    assert_eq!(code(court.file(stranger, &["studio", "bank"])), "tariff.platform");
    court.file(invoice.clone(), &["platform", "bank"]).unwrap();
    let again = Invoice { fen: invoice.fen - 1, ..invoice };
    assert_eq!(code(court.file(again, &["platform", "bank"])), "invoice.twice");
    let told = tell(&court.book, &court.law, court.at);
    assert!(told.iter().any(|(en, zh)| en.contains("9.00 yuan") && zh.contains("9.00 元")), "{told:?}");
    let platform = party("platform");
    let costs = court.book.ledger.billing(&platform).unwrap().cost_sheet(month).unwrap();
    assert_eq!(costs[&Subject::Job { job: job("one") }], 9_000_000, "O9: what it cost");
}

#[test]
fn d13_a7_the_laboratory_is_free_and_only_the_authority_says_so() {
    let (mut court, month) = month();
    let notice: LabNotice = toml::from_str(LabNotice::EXAMPLE).unwrap();
    let notice = LabNotice {
        grant: LabGrant {
            id: "dev/authority/a-1".parse().unwrap(),
            not_before: court.at.plus_days(-1),
            not_after: court.at.plus_days(90),
            ..notice.grant
        },
        ..notice
    };
    let own = LabNotice { grant: LabGrant { authority: party("platform"), ..notice.grant.clone() }, ..notice.clone() };
    assert_eq!(code(court.file(own, &["platform"])), "lab.authority");
    let long = LabNotice { grant: LabGrant { not_after: court.at.plus_days(400), ..notice.grant.clone() }, ..notice.clone() };
    assert_eq!(code(court.file(long, &["authority"])), "lab.notice");
    let priced = LabNotice { grant: LabGrant { price: 1, ..notice.grant.clone() }, ..notice.clone() };
    assert_eq!(code(court.file(priced, &["authority"])), "lab.notice");
    court.file(notice.clone(), &["authority"]).unwrap();
    let longer = LabNotice { grant: LabGrant { not_after: court.at.plus_days(91), ..notice.grant }, v: 1 };
    assert_eq!(code(court.file(longer, &["authority"])), "lab.twice");
    let invoice = drawn(&court, month);
    assert_eq!(invoice.fen, 0);
    assert!(invoice.lines.iter().all(|line| line.tariff.is_none() && line.micro == 0));
}

#[test]
fn d13_a_quote_follows_from_the_tariff_and_comes_before_the_run() {
    let (mut court, _) = month();
    let (hash_of, _) = court.book.ledger.tariff(court.at).unwrap();
    let quote = Quote {
        v: 1,
        platform: party("platform"),
        tariff: Some(hash_of),
        job: job("new"),
        tenant: "bank".into(),
        class: Class::Market,
        most: Counts::of(&[(Unit::BytesSent, 1_000_000)]),
        micro: 2_000_000,
        at: court.at,
    };
    for (change, expected) in [
        (Quote { micro: 1, ..quote.clone() }, "quote.price"),
        (Quote { class: Class::PublicGood, ..quote.clone() }, "quote.class"),
        (Quote { tariff: Some(hash("none")), ..quote.clone() }, "quote.no-tariff"),
        (Quote { at: court.at.plus_days(-2), ..quote.clone() }, "quote.date"),
        (Quote { job: job("one"), ..quote.clone() }, "quote.late"),
        (Quote { platform: party("bank"), ..quote.clone() }, "tariff.platform"),
    ] {
        let signer = if change.platform == party("bank") { "bank" } else { "platform" };
        assert_eq!(code(court.file(change, &[signer])), expected);
    }
    court.file(quote.clone(), &["platform"]).unwrap();
    assert_eq!(code(court.file(Quote { at: court.at.plus_seconds(-1), ..quote }, &["platform"])), "quote.late", "one for each job");
}

#[test]
fn o9_shares_follow_from_contributions_that_the_meters_bear_out() {
    let (mut court, _) = month();
    let record: CatalogueRecord = toml::from_str(CatalogueRecord::EXAMPLE).unwrap();
    court.file(record, &["health"]).unwrap();
    let version: ProductVersion = toml::from_str(ProductVersion::EXAMPLE).unwrap();
    court.file(version.clone(), &["bank"]).unwrap();
    let _: &products::Products = &court.book.products;
    let statement = |suppliers: &[(&str, u64, u64)], measure| ShareStatement {
        v: 1,
        platform: party("platform"),
        agreement: hash("agreement"),
        product: document_hash(&version.contents).unwrap(),
        period: (time("2026-06-01T00:00:00Z"), time("2026-07-01T00:00:00Z")),
        measure,
        pool: 1000,
        suppliers: suppliers.iter().map(|(org, contribution, fen)| (party(org), Part { contribution: *contribution, fen: *fen })).collect(),
    };
    let good = statement(&[("health", 2000, 1000)], Measure::RowsMatched);
    assert_eq!(code(court.file(good.clone(), &["platform", "health"])), "share.early");
    court.pass_days(40);
    assert_eq!(court.file(good.clone(), &["platform"]).unwrap_err().code, Code::Signature, "every supplier signs");
    let beyond = statement(&[("health", 2001, 1000)], Measure::RowsMatched);
    assert_eq!(code(court.file(beyond, &["platform", "health"])), "share.beyond-counters");
    let less = statement(&[("health", 2000, 999)], Measure::RowsMatched);
    assert_eq!(code(court.file(less, &["platform", "health"])), "share.amount");
    let stranger = statement(&[("health", 1, 500), ("studio", 1, 500)], Measure::Points);
    assert_eq!(code(court.file(stranger, &["platform", "health", "studio"])), "share.supplier");
    let unknown = ShareStatement { product: hash("none"), ..good.clone() };
    assert_eq!(code(court.file(unknown, &["platform", "health"])), "share.product");
    court.file(good.clone(), &["platform", "health"]).unwrap();
    let again = ShareStatement {
        pool: 500,
        suppliers: [(party("health"), Part { contribution: 1, fen: 500 })].into(),
        measure: Measure::Runs,
        ..good
    };
    assert_eq!(code(court.file(again, &["platform", "health"])), "share.twice");
    assert!(tell(&court.book, &court.law, court.at).iter().any(|(en, _)| en.contains("yu://dev/health/n1 10.00")));
}

#[test]
fn d13_meters_that_do_not_balance_are_told() {
    let (mut court, _) = month();
    let sheet = sheet(&court, "bank", &[reading(&court, "bank", "one", &[(Unit::BytesSent, 7)])]);
    court.file(sheet, &["bank"]).unwrap();
    let told = tell(&court.book, &court.law, court.at);
    assert!(told.iter().any(|(en, zh)| en.contains("bytes and received") && zh.contains("接收")), "{told:?}");
    let customers: BTreeSet<String> = court.book.ledger.customers(Month::of(court.at).unwrap());
    assert_eq!(customers, ["bank".to_owned()].into());
    let _: Vec<Signed<Quote>> = court.book.ledger.quotes.values().cloned().collect();
}
