//! Announcements, the register, filings, credit.

use super::super::super::rig::{Court, hash, party, time};
use super::super::grants::backing::{Cited, Facts, objections};
use super::super::grants::tests::sample::{authorisation, code, contract};
use super::*;
use crate::fault::Code;
use yu_governance::register::Change;
use yu_governance::text::Text;
use yu_governance::workflow::authorisation::Cause;

fn found(court: &Court, cited: Cited) -> Vec<String> {
    let facts = Facts { authorisation: Some(authorisation()), cited: Cited { any: true, ..cited } };
    objections(&court.book, &facts, &contract(), &court.law, court.at).unwrap().into_iter().map(|finding| finding.code).collect()
}

#[test]
fn a22_what_an_application_cites_was_announced_with_that_window() {
    let mut court = Court::new("zhejiang");
    let announcement: Announcement = toml::from_str(Announcement::EXAMPLE).unwrap();
    let with = |change: fn(&mut Announcement)| {
        let mut announcement = announcement.clone();
        change(&mut announcement);
        announcement
    };
    assert_eq!(court.file(announcement.clone(), &["bank"]).unwrap_err().code, Code::Signature);
    assert_eq!(code(court.file(with(|a| a.fields.clear()), &["authority"])), "announcement.incomplete");
    assert_eq!(code(court.file(with(|a| a.conditions = Text::new("", "")), &["authority"])), "announcement.incomplete");
    assert_eq!(code(court.file(with(|a| a.closes = time("2026-06-02T02:00:00Z")), &["authority"])), "announcement.late");
    assert_eq!(code(court.file(with(|a| a.authority = party("bank")), &["authority"])), "announcement.authority");
    assert_eq!(found(&court, Cited::default()), Vec::<String>::new(), "nothing is announced in the docket yet");
    let cited = court.file(announcement.clone(), &["authority"]).unwrap();
    assert_eq!(code(court.file(with(|a| a.opens = time("2026-05-01T00:00:00Z")), &["authority"])), "announcement.again");
    let window = (announcement.opens, announcement.closes);
    let citing = |hash, (opens, closes)| Cited { announcement: Some((hash, opens, closes)), ..Cited::default() };
    assert_eq!(found(&court, citing(cited, window)), Vec::<String>::new());
    assert_eq!(found(&court, citing(hash("another"), window)), ["announcement.unpublished"]);
    assert_eq!(found(&court, citing(cited, (window.0, window.1.plus_days(1)))), ["announcement.unpublished"], "a longer window");
    assert_eq!(found(&court, Cited::default()), ["announcement.unpublished"]);
    assert!(tell(&court.book, &court.law, court.at)[0].0.contains("open for applications"));
}

#[test]
fn a12_a_filing_is_complete_and_its_receipt_is_the_provinces() {
    let mut court = Court::new("ningbo");
    let package: FilingPackage = toml::from_str(FilingPackage::EXAMPLE).unwrap();
    let mut less = package.clone();
    less.documents.retain(|name, _| name != "minutes" && name != "opinion");
    assert_eq!(court.file(less, &["authority"]).unwrap_err().detail, "filing.missing: minutes, opinion");
    assert_eq!(court.file(package.clone(), &["bank"]).unwrap_err().code, Code::Signature);
    let county = FilingPackage { through: Some(party("sector")), ..package.clone() };
    assert_eq!(court.file(county, &["authority"]).unwrap_err().code, Code::Signature, "a county's filing goes through another one");
    let filed = court.file(package.clone(), &["authority"]).unwrap();
    let cited = |receipt| Cited { receipt, ..Cited::default() };
    assert_eq!(found(&court, cited(Some(hash("own")))), ["filing.receipt"]);
    let receipt: Receipt = toml::from_str(Receipt::EXAMPLE).unwrap();
    assert_eq!(code(court.file(receipt.clone(), &["province"])), "receipt.other", "of another package");
    let receipt = Receipt { package: filed, at: court.at, ..receipt };
    let own = Receipt { receiver: party("authority"), ..receipt.clone() };
    assert_eq!(code(court.file(own, &["authority"])), "receipt.receiver", "the authority does not receive its own filing");
    assert_eq!(code(court.file(Receipt { number: " ".into(), ..receipt.clone() }, &["province"])), "receipt.other");
    let early = Receipt { at: package.at.plus_seconds(-1), ..receipt.clone() };
    assert_eq!(code(court.file(early, &["province"])), "receipt.other");
    let received = court.file(receipt, &["province"]).unwrap();
    assert_eq!(found(&court, cited(Some(received))), Vec::<String>::new());
    assert_eq!(found(&court, cited(None)), ["filing.receipt"]);
    assert!(tell(&court.book, &court.law, court.at)[0].0.ends_with("received"));
}

#[test]
fn a11_the_register_grows_item_by_item_and_nothing_disappears_unnoticed() {
    let mut court = Court::new("zhejiang");
    let item: FeedItem = toml::from_str(FeedItem::EXAMPLE).unwrap();
    assert_eq!(court.file(item.clone(), &["bank"]).unwrap_err().code, Code::Signature);
    assert_eq!(code(court.file(FeedItem { sequence: 1, ..item.clone() }, &["authority"])), "register.gap");
    assert_eq!(code(court.file(FeedItem { at: court.at.plus_seconds(1), ..item.clone() }, &["authority"])), "register.time");
    let first = court.file(item.clone(), &["authority"]).unwrap();
    let next = FeedItem { sequence: 1, previous: Some(first), change: Change::Remove, ..item.clone() };
    assert_eq!(code(court.file(FeedItem { previous: Some(hash("other")), ..next.clone() }, &["authority"])), "register.fork");
    let other = FeedItem { authorisation: "dev/authority/a-9".parse().unwrap(), ..next.clone() };
    assert_eq!(code(court.file(other, &["authority"])), "register.unknown");
    assert_eq!(court.book.register.register(&party("authority")).lines().len(), 1);
    court.file(next, &["authority"]).unwrap();
    assert_eq!(court.book.register.register(&party("authority")).lines().len(), 0);
    // the same item once more is another history
    assert_eq!(code(court.file(FeedItem { at: court.at, ..item }, &["authority"])), "register.fork");
}

#[test]
fn a30_only_decisions_on_misconduct_are_recorded_and_once() {
    let mut court = Court::new("zhejiang");
    let record: CreditRecord = toml::from_str(CreditRecord::EXAMPLE).unwrap();
    assert_eq!(code(court.file(record.clone(), &["authority"])), "credit.decision", "no such step was taken");
    // a document that is no step does not become a decision
    let announced = court.file(toml::from_str::<Announcement>(Announcement::EXAMPLE).unwrap(), &["authority"]).unwrap();
    assert_eq!(code(court.file(CreditRecord { decision: announced, ..record.clone() }, &["authority"])), "credit.decision");
    court.book.documents.insert(record.decision, (STEP, 0));
    assert_eq!(court.file(record.clone(), &["bank"]).unwrap_err().code, Code::Signature);
    let blameless = CreditRecord { cause: Cause::AtRequest, cause_zh: "自行申请终止".into(), ..record.clone() };
    assert_eq!(code(court.file(blameless, &["authority"])), "credit.no-misconduct");
    let reworded = CreditRecord { cause_zh: "诈骗".into(), ..record.clone() };
    assert_eq!(code(court.file(reworded, &["authority"])), "credit.form");
    court.file(record.clone(), &["authority"]).unwrap();
    assert_eq!(code(court.file(CreditRecord { organisation: "union".into(), ..record }, &["authority"])), "credit.again");
}
