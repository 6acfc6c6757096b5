//! A town's reviews, day by day.

use super::super::super::rig::{Court, hash, party};
use super::*;
use crate::fault::Code;
use yu_governance::calendar::Date;
use yu_governance::catalogue::record::{CatalogueRecord, OriginLevel};
use yu_governance::deadline::{ReviewEvent, Seat, Subject, Verdict};
use yu_governance::id::ColumnSet;

fn code(result: Result<Hash>) -> String {
    result.unwrap_err().detail.split([':', ' ']).next().unwrap().to_owned()
}

fn record(level: OriginLevel) -> CatalogueRecord {
    CatalogueRecord { level, ..toml::from_str(CatalogueRecord::EXAMPLE).unwrap() }
}

/// Zhongwei's rules, a draft, as if they were in force.
fn zhongwei(level: OriginLevel) -> (Court, Hash) {
    let mut court = Court::new("zhongwei");
    court.law.profile = court.law.profile.played_as_if_in_force(Date::new(2026, 1, 1).unwrap());
    let first = court.file(record(level), &["health"]).unwrap();
    (court, first)
}

fn application(court: &Court) -> ReviewApplication {
    ReviewApplication { at: court.at, check: None, ..toml::from_str(ReviewApplication::EXAMPLE).unwrap() }
}

fn check(court: &Court) -> ReviewApplication {
    let mut check = ReviewApplication { matter: Matter::Check, ..application(court) };
    check.reviewers.retain(|seat| seat.role == Reviewer::Operator);
    check
}

fn registration(court: &Court) -> ReviewApplication {
    ReviewApplication {
        matter: Matter::Registration,
        applicant: party("studio"),
        subject: Subject::Developer { documents: hash("documents") },
        ..check(court)
    }
}

fn note(court: &mut Court, application: Hash, by: &str, of: Option<&str>, event: ReviewEvent) -> Result<Hash> {
    let record = ReviewRecord { v: 1, application, reviewer: of.map(party), event, at: court.at };
    court.file(record, &[by])
}

fn granted() -> ReviewEvent {
    ReviewEvent::Decided { verdict: Verdict::Granted, reasons: Vec::new() }
}

fn refused(reasons: &[&str]) -> ReviewEvent {
    ReviewEvent::Decided { verdict: Verdict::Refused, reasons: reasons.iter().map(|reason| (*reason).to_owned()).collect() }
}

/// A check is passed and the approval is applied for, both on the first day.
fn applied(court: &mut Court) -> Hash {
    let cited = court.file(check(court), &["bank"]).unwrap();
    note(court, cited, "platform", Some("platform"), granted()).unwrap();
    let approval = ReviewApplication { check: Some(cited), ..application(court) };
    court.file(approval, &["bank"]).unwrap()
}

fn standing(court: &Court) -> Option<String> {
    let request = "dev/bank/r-1".parse().unwrap();
    gate::standing(&court.book, &court.law, (&request, None), None, court.at).map(|finding| finding.code)
}

fn told(court: &Court) -> String {
    tell::tell(&court.book, &court.law, court.at).into_iter().map(|(en, _)| en + "\n").collect()
}

/// What a node would file of itself.
fn due_from(court: &Court, org: &str) -> Vec<(&'static str, serde_json::Value)> {
    let all = act::statements(&court.book, &court.law, &party(org), court.at).unwrap();
    all.into_iter().map(|(kind, _, document)| (kind, document["payload"].clone())).collect()
}

fn of<T: Document>(all: &[(&'static str, serde_json::Value)]) -> Vec<T> {
    all.iter().filter(|(kind, _)| *kind == T::KIND).map(|(_, document)| serde_json::from_value(document.clone()).unwrap()).collect()
}

#[test]
fn c1_a_registration_runs_from_its_acceptance_and_never_lapses() {
    let (mut court, _) = zhongwei(OriginLevel::City);
    assert!(court.file(ReviewApplication { applicant: party("sector"), ..registration(&court) }, &["sector"]).is_err(), "no developer");
    let filed = court.file(registration(&court), &["studio"]).unwrap();
    assert_eq!(
        code(court.file(ReviewApplication { at: court.at.plus_seconds(-1), ..registration(&court) }, &["studio"])),
        "review.repeated"
    );
    court.pass_days(30);
    assert!(told(&court).contains("its clock waits"), "{}", told(&court));
    assert_eq!(gate::registered(&court.book, &party("studio"), court.at).unwrap().code, "review.registration");
    // only the operator accepts
    assert_eq!(note(&mut court, filed, "studio", None, ReviewEvent::Accepted).unwrap_err().code, Code::Signature);
    note(&mut court, filed, "platform", None, ReviewEvent::Accepted).unwrap();
    assert!(told(&court).contains("5 working days left"), "{}", told(&court));
    court.pass_days(10);
    assert!(told(&court).contains("OVERDUE"));
    assert!(gate::registered(&court.book, &party("studio"), court.at).is_some(), "silence registers nobody");
    assert!(of::<DeemedConsent>(&due_from(&court, "authority")).is_empty());
    note(&mut court, filed, "platform", Some("platform"), granted()).unwrap();
    assert!(told(&court).contains("LATE"));
    assert!(gate::registered(&court.book, &party("studio"), court.at).is_none());
}

#[test]
fn c2_a_check_is_in_time_and_its_result_goes_to_whom_the_article_names() {
    let (mut court, _) = zhongwei(OriginLevel::City);
    let filed = court.file(check(&court), &["bank"]).unwrap();
    assert!(told(&court).contains("5 working days left"));
    assert!(of::<Notice>(&due_from(&court, "authority")).is_empty(), "nothing to tell yet");
    // the approval waits for the check
    let early = ReviewApplication { check: Some(filed), ..application(&court) };
    assert_eq!(code(court.file(early, &["bank"])), "review.not-checked");
    assert_eq!(code(court.file(application(&court), &["bank"])), "review.not-checked");
    court.pass_days(2);
    note(&mut court, filed, "platform", Some("platform"), granted()).unwrap();
    assert!(due_from(&court, "platform").is_empty(), "the clock service tells results");
    let notices = of::<Notice>(&due_from(&court, "authority"));
    let names: Vec<String> = notices[0].to.iter().map(|to| yu_governance::profile::Named::name(*to).en).collect();
    assert_eq!(names, ["source department", "authority"]);
    let kinder = Notice { reviewer: party("platform"), reasons: vec!["splendid".into()], ..notices[0].clone() };
    assert_eq!(code(court.file(kinder, &["authority"])), "review.notice-differs");
    assert!(court.file(notices[0].clone(), &["platform"]).is_err());
    court.file(notices[0].clone(), &["authority"]).unwrap();
    assert!(due_from(&court, "authority").is_empty(), "told once");
    // another text than the one that was checked
    let mut other = ReviewApplication { check: Some(filed), ..application(&court) };
    if let Subject::Request { columns, .. } = &mut other.subject {
        *columns = ColumnSet::new(["visits"]).unwrap();
    }
    assert_eq!(code(court.file(other, &["bank"])), "review.not-checked");
    let approval = ReviewApplication { check: Some(filed), ..application(&court) };
    court.file(approval, &["bank"]).unwrap();
}

#[test]
fn c2_an_overdue_check_is_told_and_is_no_check() {
    let (mut court, _) = zhongwei(OriginLevel::City);
    let filed = court.file(check(&court), &["bank"]).unwrap();
    court.pass_days(9);
    assert!(told(&court).contains("OVERDUE"));
    let due = due_from(&court, "authority");
    assert!(of::<DeemedConsent>(&due).is_empty());
    court.file(of::<Notice>(&due)[0].clone(), &["authority"]).unwrap();
    let approval = ReviewApplication { check: Some(filed), ..application(&court) };
    assert_eq!(code(court.file(approval, &["bank"])), "review.not-checked");
}

#[test]
fn c3_each_reviewer_has_a_clock_of_its_own_and_a_refusal_has_reasons() {
    let (mut court, _) = zhongwei(OriginLevel::County);
    let cited = court.file(check(&court), &["bank"]).unwrap();
    note(&mut court, cited, "platform", Some("platform"), granted()).unwrap();
    let mut approval = ReviewApplication { check: Some(cited), ..application(&court) };
    assert_eq!(code(court.file(approval.clone(), &["bank"])), "review.reviewers", "a county's data need the county");
    approval.reviewers.push(Seat { role: Reviewer::CountyAuthority, party: party("sector") });
    assert_eq!(code(court.file(approval.clone(), &["bank"])), "review.reviewer");
    approval.reviewers[2].party = party("county");
    let interested = ReviewApplication { applicant: party("platform"), ..approval.clone() };
    assert!(court.file(interested, &["platform"]).is_err());
    let filed = court.file(approval, &["bank"]).unwrap();
    assert_eq!(standing(&court).unwrap(), "review.open");
    for org in ["health", "county", "platform"] {
        let own = of::<ReviewRecord>(&due_from(&court, org));
        assert_eq!(own.len(), 1, "{org} proves delivery by itself");
        court.file(own[0].clone(), &[org]).unwrap();
        assert!(of::<ReviewRecord>(&due_from(&court, org)).is_empty());
        court.pass_days(1);
    }
    // Tuesday, Wednesday, Thursday: three ends
    let due: std::collections::BTreeSet<_> =
        told(&court).lines().filter_map(|line| line.split("until ").nth(1)).map(str::to_owned).collect();
    assert_eq!(due.len(), 3, "{}", told(&court));
    assert_eq!(note(&mut court, filed, "platform", Some("health"), granted()).unwrap_err().code, Code::Signature);
    assert_eq!(code(note(&mut court, filed, "health", Some("health"), refused(&[]))), "review.reason-missing");
    note(&mut court, filed, "health", Some("health"), granted()).unwrap();
    assert_eq!(code(note(&mut court, filed, "health", Some("health"), refused(&["second thoughts"]))), "review.closed");
    note(&mut court, filed, "platform", Some("platform"), granted()).unwrap();
    assert_eq!(standing(&court).unwrap(), "review.open", "two of three are not all");
    note(&mut court, filed, "county", Some("county"), refused(&["the scope is too wide"])).unwrap();
    assert_eq!(standing(&court).unwrap(), "review.refused");
    assert!(told(&court).contains("the scope is too wide"));
    let again = ReviewApplication { check: Some(cited), at: court.at, ..application(&court) };
    assert!(court.file(again, &["bank"]).is_err(), "the very request that was refused");
}

#[test]
fn c3_what_all_approved_may_be_used_over_what_was_reviewed_only() {
    let (mut court, _) = zhongwei(OriginLevel::City);
    let filed = applied(&mut court);
    for org in ["health", "platform"] {
        note(&mut court, filed, org, Some(org), ReviewEvent::Delivered).unwrap();
        note(&mut court, filed, org, Some(org), granted()).unwrap();
    }
    assert_eq!(standing(&court), None);
    let (request, dataset) = ("dev/bank/r-1".parse().unwrap(), "dev/health/visits".parse().unwrap());
    let over = |columns: &[&str]| {
        let columns = ColumnSet::new(columns.iter().copied()).unwrap();
        gate::standing(&court.book, &court.law, (&request, None), Some((&dataset, &columns)), court.at).map(|finding| finding.code)
    };
    assert_eq!(over(&["visits"]), None);
    assert_eq!(over(&["visits", "cost"]).unwrap(), "review.other-text");
    let other = gate::standing(&court.book, &court.law, (&request, Some(hash("another text"))), None, court.at);
    assert_eq!(other.unwrap().code, "review.other-text");
    // once the domain puts requests to reviewers, none goes round them
    let skipped = "dev/bank/r-2".parse().unwrap();
    assert_eq!(gate::standing(&court.book, &court.law, (&skipped, None), None, court.at).unwrap().code, "review.missing");
}

#[test]
fn c4_a6_an_approval_lapses_into_consent_with_two_signatures_and_replaces_nothing_else() {
    let (mut court, _) = zhongwei(OriginLevel::City);
    let filed = applied(&mut court);
    note(&mut court, filed, "platform", Some("platform"), ReviewEvent::Delivered).unwrap();
    note(&mut court, filed, "platform", Some("platform"), granted()).unwrap();
    let silent = |court: &Court| of::<DeemedConsent>(&due_from(court, "authority"));
    // what was not delivered does not lapse
    court.pass_days(40);
    assert!(silent(&court).is_empty());
    note(&mut court, filed, "health", Some("health"), ReviewEvent::Delivered).unwrap();
    let delivered = court.at;
    court.pass_days(10);
    assert!(silent(&court).is_empty(), "{}", told(&court));
    let due = court.book.reviews.calendar().add_working_days(delivered, 10).unwrap();
    court.at = due;
    assert!(silent(&court).is_empty(), "the last second is in time");
    court.at = due.plus_seconds(1);
    let stated = silent(&court)[0].clone();
    assert_eq!(standing(&court).unwrap(), "review.open", "nothing counts before it is signed");
    assert!(due_from(&court, "platform").is_empty() && due_from(&court, "watch").is_empty(), "the clock service states it");
    for few in [&["authority"][..], &["watch"], &["authority", "platform"], &["platform", "watch"]] {
        assert_eq!(court.file(stated.clone(), few).unwrap_err().code, Code::Signature);
    }
    let both = &["authority", "watch"];
    let forged = DeemedConsent { since: stated.since.plus_days(-1), ..stated.clone() };
    assert!(court.file(forged, both).is_err());
    let elsewhere = DeemedConsent { profile: hash("another profile"), ..stated.clone() };
    assert!(code(court.file(elsewhere, both)).starts_with("review."));
    let decided = DeemedConsent { reviewer: party("platform"), ..stated.clone() };
    assert_eq!(code(court.file(decided, both)), "review.not-deemed");
    // dated back, but received too late
    let mut back = ReviewRecord { v: 1, application: filed, reviewer: Some(party("health")), event: refused(&["late"]), at: delivered };
    back.at = delivered.plus_days(1);
    assert_eq!(code(court.file(back, &["health"])), "review.deemed");
    court.file(stated.clone(), both).unwrap();
    assert_eq!(court.file(stated, both).unwrap_err().code, Code::Exists);
    assert_eq!(standing(&court), None);
    assert!(told(&court).contains("still needed: `dev/health/visits`, column `resident_id`: needs"), "{}", told(&court));
    assert!(told(&court).contains("source department health: 0 in time, 0 late, 1 by silence"));
    let notice = of::<Notice>(&due_from(&court, "authority"));
    assert!(notice.iter().any(|notice| notice.result == yu_governance::deadline::NoticeResult::Deemed));
}

#[test]
fn c4_silence_opens_nothing_in_a_draft_over_data_of_others_after_an_extension_or_in_an_outage() {
    // a draft is no law
    let mut court = Court::new("zhongwei");
    court.file(record(OriginLevel::City), &["health"]).unwrap();
    let late = |court: &mut Court, application: Hash| {
        note(court, application, "health", Some("health"), ReviewEvent::Delivered).unwrap();
        court.pass_days(30);
        assert!(of::<DeemedConsent>(&due_from(court, "authority")).is_empty(), "{}", told(court));
        assert_eq!(standing(court).unwrap(), "review.open");
    };
    let filed = applied(&mut court);
    late(&mut court, filed);
    assert!(told(&court).contains("OVERDUE"));
    // the province's data
    let (mut court, _) = zhongwei(OriginLevel::Province);
    let filed = applied(&mut court);
    late(&mut court, filed);
    // whose level was raised while the clock ran
    let (mut court, first) = zhongwei(OriginLevel::City);
    let filed = applied(&mut court);
    note(&mut court, filed, "health", Some("health"), ReviewEvent::Delivered).unwrap();
    court.pass_days(30);
    let stated = of::<DeemedConsent>(&due_from(&court, "authority"))[0].clone();
    let raised = CatalogueRecord { number: 2, previous: Some(first), at: court.at, ..record(OriginLevel::Province) };
    court.file(raised, &["health"]).unwrap();
    assert_eq!(code(court.file(stated, &["authority", "watch"])), "review.not-deemed");
    assert!(of::<DeemedConsent>(&due_from(&court, "authority")).is_empty());
    // a profile that knows no such consent came into force meanwhile
    let (mut court, _) = zhongwei(OriginLevel::City);
    let filed = applied(&mut court);
    note(&mut court, filed, "health", Some("health"), ReviewEvent::Delivered).unwrap();
    court.pass_days(30);
    let stated = of::<DeemedConsent>(&due_from(&court, "authority"))[0].clone();
    court.law.profile = Court::new("zhejiang").law.profile;
    assert!(of::<DeemedConsent>(&due_from(&court, "authority")).is_empty());
    assert_eq!(code(court.file(stated, &["authority", "watch"])), "review.not-deemed");
    // who asks for time is not silent; once, with a reason, and by itself
    let (mut court, _) = zhongwei(OriginLevel::City);
    let filed = applied(&mut court);
    note(&mut court, filed, "health", Some("health"), ReviewEvent::Delivered).unwrap();
    let more = |reason: &str| ReviewEvent::ExtensionRequested { reason: reason.into() };
    assert_eq!(code(note(&mut court, filed, "health", Some("health"), more(" "))), "review.reason-missing");
    note(&mut court, filed, "health", Some("health"), more("experts are asked")).unwrap();
    assert_eq!(code(note(&mut court, filed, "health", Some("health"), more("more"))), "review.extension-spent");
    court.pass_days(40);
    assert!(of::<DeemedConsent>(&due_from(&court, "authority")).is_empty());
    assert!(told(&court).contains("OVERDUE"));
    // an outage stops the clock; only the clock service states it
    let (mut court, _) = zhongwei(OriginLevel::City);
    let filed = applied(&mut court);
    note(&mut court, filed, "health", Some("health"), ReviewEvent::Delivered).unwrap();
    let outage = ReviewEvent::OutageBegan { cause: "power".into() };
    assert_eq!(note(&mut court, filed, "platform", None, outage.clone()).unwrap_err().code, Code::Signature);
    court.pass_days(1);
    note(&mut court, filed, "authority", None, outage).unwrap();
    court.pass_days(60);
    assert!(of::<DeemedConsent>(&due_from(&court, "authority")).is_empty());
    assert!(told(&court).contains("an outage"));
}

#[test]
fn c6_timeliness_is_counted_for_each_source_department() {
    let (mut court, _) = zhongwei(OriginLevel::City);
    let filed = applied(&mut court);
    note(&mut court, filed, "health", Some("health"), ReviewEvent::Delivered).unwrap();
    court.pass_days(3);
    note(&mut court, filed, "health", Some("health"), granted()).unwrap();
    assert!(told(&court).contains("source department health: 1 in time, 0 late, 0 by silence, 0 OVERDUE, 0 open, median 3 working days"));
    assert!(!told(&court).contains("source department platform"), "the operator is no source department");
}

#[test]
fn c1_c3_days_of_a_year_that_is_not_loaded_are_never_guessed() {
    let (mut court, _) = zhongwei(OriginLevel::City);
    let filed = applied(&mut court);
    court.at = Time::parse("2026-12-28T02:00:00Z").unwrap();
    assert_eq!(code(note(&mut court, filed, "health", Some("health"), ReviewEvent::Delivered)), "calendar.year-missing");
    let calendar: YearCalendar = toml::from_str(YearCalendar::EXAMPLE).unwrap();
    assert_eq!(court.file(calendar.clone(), &["platform"]).unwrap_err().code, Code::Signature);
    let mut half = calendar.clone();
    half.holidays.pop();
    assert_eq!(code(court.file(half, &["authority"])), "calendar.refused");
    court.file(calendar.clone(), &["authority"]).unwrap();
    let mut other = calendar;
    other.holidays.insert(1, yu_governance::calendar::NamedDay { date: Date::new(2027, 1, 2).unwrap(), ..other.holidays[0].clone() });
    assert_eq!(code(court.file(other, &["authority"])), "calendar.version-old");
    note(&mut court, filed, "health", Some("health"), ReviewEvent::Delivered).unwrap();
}
