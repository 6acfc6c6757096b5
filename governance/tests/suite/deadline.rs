//! Clocks of review: every event in every state, the second at which silence becomes consent, and what it never covers.

use std::collections::BTreeSet;

use proptest::prelude::*;
use yu_governance::calendar::{Calendar, Date, Limit};
use yu_governance::canonical::{Hash, from_canonical, to_canonical};
use yu_governance::catalogue::Class;
use yu_governance::clock::Time;
use yu_governance::deadline::*;
use yu_governance::id::document_hash;
use yu_governance::profile::{DeemedConsent as Silence, Effective, Rules, Shipped, StartEvent};
use yu_governance::sign::{KeyRing, Signed};

use crate::world::{World, at, hash, key, party, set, sign};

const APPLICANT: &str = "yu://dev/merchant/node1";
const OPERATOR: &str = "yu://dev/platform/node1";
const DEPARTMENT: &str = "yu://dev/health/node1";
const COUNTY: &str = "yu://dev/county/node1";
const CLOCK: &str = "yu://dev/clock/node1";
const REGULATOR: &str = "yu://dev/regulator/node1";

/// Monday noon in China; the tenth working day after it is Monday, 16 March 2026.
const MONDAY: &str = "2026-03-02T04:00:00Z";
/// Last second of that day.
const DUE: &str = "2026-03-16T15:59:59Z";

fn keys() -> KeyRing {
    let mut ring = KeyRing::new();
    for name in [APPLICANT, OPERATOR, DEPARTMENT, COUNTY, CLOCK, REGULATOR] {
        ring.insert(name, key(name).public()).unwrap();
    }
    ring
}

fn calendar() -> Calendar {
    Calendar::shipped().unwrap()
}

/// The draft, as if it were law.
fn zhongwei() -> Effective {
    as_if(Shipped::Zhongwei)
}

fn as_if(which: Shipped) -> Effective {
    which.effective().unwrap().played_as_if_in_force("2025-01-01".parse().unwrap())
}

fn terms(matter: Matter) -> Terms {
    Terms::of(matter, &zhongwei(), at(MONDAY))
}

fn no_deemed() -> Terms {
    Terms { silence: Silence::Off, ..terms(Matter::UseApproval) }
}

fn profile_hash() -> Hash {
    document_hash(&Shipped::Zhongwei.profile().unwrap()).unwrap()
}

fn application() -> Hash {
    hash("application")
}

fn seats(role: Reviewer) -> Seats {
    let reviewer = match role {
        Reviewer::SourceDepartment => DEPARTMENT,
        Reviewer::CountyAuthority => COUNTY,
        Reviewer::Operator => OPERATOR,
    };
    let [applicant, operator, reviewer, clock_service, regulator] = [APPLICANT, OPERATOR, reviewer, CLOCK, REGULATOR].map(party);
    Seats { applicant, operator, reviewer, role, clock_service, regulator }
}

fn clock_of(matter: Matter, terms: Terms, touches: &[Touch]) -> ReviewClock {
    ReviewClock::new(application(), matter, seats(Reviewer::SourceDepartment), terms, touches.iter().copied().collect()).unwrap()
}

fn approval() -> ReviewClock {
    clock_of(Matter::UseApproval, terms(Matter::UseApproval), &[])
}

fn record(event: ReviewEvent, seats: &Seats, at: Time) -> ReviewRecord {
    let reviewer = event.is_of_one_reviewer().then(|| seats.reviewer.clone());
    ReviewRecord { v: 1, application: application(), reviewer, event, at }
}

fn signed(event: ReviewEvent, seats: &Seats, at: Time) -> Signed<ReviewRecord> {
    let signer = event.signer(seats).clone();
    sign(record(event, seats, at), signer.as_str())
}

fn try_say(clock: &ReviewClock, event: ReviewEvent, when: Time) -> yu_governance::Result<ReviewClock> {
    clock.record(&signed(event, clock.seats(), when), when, &keys(), &calendar())
}

fn say(clock: &ReviewClock, event: ReviewEvent, when: &str) -> ReviewClock {
    try_say(clock, event, at(when)).unwrap()
}

fn granted() -> ReviewEvent {
    ReviewEvent::Decided { verdict: Verdict::Granted, reasons: vec![] }
}

fn refusal(reason: &str) -> ReviewEvent {
    ReviewEvent::Decided { verdict: Verdict::Refused, reasons: vec![reason.into()] }
}

fn extension() -> ReviewEvent {
    ReviewEvent::ExtensionRequested { reason: "expert opinion is missing".into() }
}

fn outage() -> ReviewEvent {
    ReviewEvent::OutageBegan { cause: "power".into() }
}

/// Submitted and delivered on Monday.
fn running(clock: &ReviewClock) -> ReviewClock {
    say(&say(clock, ReviewEvent::Submitted, MONDAY), ReviewEvent::Delivered, MONDAY)
}

#[test]
fn c4_the_state_flips_at_ten_working_days_and_one_second() {
    let clock = running(&approval());
    assert_eq!(clock.status(at(DUE)), Status::Running { due: Some(at(DUE)) });
    assert!(clock.deemed_consent(at(DUE), profile_hash()).unwrap_err().to_string().contains("review.not-deemed"));
    let after = at(DUE).plus_seconds(1);
    assert_eq!(clock.status(after), Status::Deemed { since: after });
    clock.deemed_consent(after, profile_hash()).unwrap();
    // a decision in the last second counts
    let decided = try_say(&clock, refusal("not needed"), at(DUE)).unwrap();
    assert!(matches!(decided.status(after), Status::Decided(Decision { is_late: false, .. })));
    // across National Day with its make-up day
    let autumn = say(&say(&approval(), ReviewEvent::Submitted, "2026-09-18T04:00:00Z"), ReviewEvent::Delivered, "2026-09-18T04:00:00Z");
    assert_eq!(autumn.status(at("2026-10-09T15:59:59Z")), Status::Running { due: Some(at("2026-10-09T15:59:59Z")) });
    assert_eq!(autumn.status(at("2026-10-09T16:00:00Z")).name(), "deemed");
}

#[test]
fn c4_only_the_approvals_of_zw_21_and_only_in_that_profile() {
    let late = at("2026-12-01T00:00:00Z");
    for which in Shipped::ALL {
        let profile = as_if(which);
        for matter in Matter::ALL {
            let mut clock = say(&clock_of(*matter, Terms::of(*matter, &profile, at(MONDAY)), &[]), ReviewEvent::Submitted, MONDAY);
            clock = say(&say(&clock, ReviewEvent::Accepted, MONDAY), ReviewEvent::Delivered, MONDAY);
            let is_deemed = matches!(clock.status(late), Status::Deemed { .. });
            assert_eq!(is_deemed, which == Shipped::Zhongwei && *matter == Matter::UseApproval, "{which:?} {matter:?}");
            assert_eq!(clock.deemed_consent(late, profile_hash()).is_ok(), is_deemed);
        }
    }
    // whatever terms a caller makes up: the matter decides
    let of_approval = terms(Matter::UseApproval);
    for matter in Matter::ALL.iter().filter(|m| **m != Matter::UseApproval) {
        let clock = ReviewClock::new(application(), *matter, seats(Reviewer::Operator), of_approval, BTreeSet::new()).unwrap();
        assert_eq!(running(&clock).status(late).name(), "lapsed", "{matter:?}");
    }
    // what silence can never open
    for touch in Touch::ALL {
        let clock = running(&clock_of(Matter::UseApproval, terms(Matter::UseApproval), &[*touch]));
        assert_eq!(clock.status(late).name(), "lapsed", "{touch:?}");
    }
}

#[test]
fn c4_no_delivery_no_clock() {
    let submitted = say(&approval(), ReviewEvent::Submitted, MONDAY);
    assert_eq!(submitted.status(at("2027-12-01T00:00:00Z")), Status::Waiting);
    // only the reviewer's own node can prove it
    let seats = submitted.seats().clone();
    for forger in [APPLICANT, OPERATOR, CLOCK, REGULATOR, COUNTY] {
        let forged = sign(record(ReviewEvent::Delivered, &seats, at(MONDAY)), forger);
        assert!(submitted.record(&forged, at(MONDAY), &keys(), &calendar()).is_err(), "{forger}");
    }
    let early = Terms { start: StartEvent::Submission, ..terms(Matter::UseApproval) };
    let error = ReviewClock::new(application(), Matter::UseApproval, seats.clone(), early, BTreeSet::new()).unwrap_err();
    assert!(error.to_string().contains("review.deemed-without-delivery"));
    // one organisation never holds two of the three seats that a lapse needs
    let of_approval = terms(Matter::UseApproval);
    let spoil: [fn(&mut Seats); 6] = [
        |s| s.clock_service = party(REGULATOR),
        |s| s.clock_service = party(APPLICANT),
        |s| s.regulator = party("yu://dev/merchant/node2"),
        |s| s.regulator = party(DEPARTMENT),
        |s| s.regulator = party("yu://dev/platform/node2"),
        |s| s.clock_service = party(OPERATOR),
    ];
    for spoil in spoil {
        let mut seats = seats.clone();
        spoil(&mut seats);
        let error = ReviewClock::new(application(), Matter::UseApproval, seats, of_approval, BTreeSet::new()).unwrap_err();
        assert!(error.to_string().contains("review.seats"), "{error}");
    }
}

#[test]
fn c4_an_extension_request_ends_deemed_consent() {
    let clock = say(&running(&approval()), extension(), "2026-03-16T15:00:00Z");
    let due = at("2026-03-30T15:59:59Z");
    assert_eq!(clock.status(at(DUE).plus_seconds(1)), Status::Running { due: Some(due) });
    assert_eq!(clock.status(due.plus_seconds(1)).name(), "lapsed", "never deemed");
    let again = try_say(&clock, extension(), due).unwrap_err().to_string();
    assert!(again.contains("review.extension-spent"), "{again}");
    // too late by a second: it does not take the consent back
    let late = try_say(&running(&approval()), extension(), at(DUE).plus_seconds(1)).unwrap_err().to_string();
    assert!(late.contains("review.deemed"), "{late}");
}

#[test]
fn c4_who_asks_for_time_is_not_silent_even_where_none_is_given() {
    let terms = Terms { extensions: 0, ..terms(Matter::UseApproval) };
    let clock = say(&running(&clock_of(Matter::UseApproval, terms, &[])), extension(), "2026-03-16T15:00:00Z");
    assert_eq!(clock.status(at(DUE)), Status::Running { due: Some(at(DUE)) }, "no day more");
    assert_eq!(clock.status(at(DUE).plus_seconds(1)).name(), "lapsed", "and no consent");
}

#[test]
fn c4_a_draft_makes_no_consent() {
    let draft = Shipped::Zhongwei.effective().unwrap();
    assert_eq!(draft.rules().deemed_consent.value, Silence::On);
    assert_eq!(Terms::of(Matter::UseApproval, &draft, at(MONDAY)).silence, Silence::Off);
    let played = draft.played_as_if_in_force("2026-03-02".parse().unwrap());
    assert_eq!(Terms::of(Matter::UseApproval, &played, at(MONDAY)).silence, Silence::On);
    assert_eq!(Terms::of(Matter::UseApproval, &played, at("2026-03-01T04:00:00Z")).silence, Silence::Off, "not yet in force");
    assert_ne!(document_hash(played.profile()).unwrap(), profile_hash(), "another document");
}

#[test]
fn c4_an_outage_stops_the_clock() {
    let clock = say(&running(&approval()), outage(), "2026-03-16T02:00:00Z");
    let long_after = at("2026-04-20T00:00:00Z");
    assert_eq!(clock.status(long_after), Status::Paused { since: at("2026-03-16T02:00:00Z") });
    assert!(clock.deemed_consent(long_after, profile_hash()).is_err());
    // 16 and 17 March are touched: the tenth day is the 18th
    let back = say(&clock, ReviewEvent::OutageEnded, "2026-03-17T01:00:00Z");
    let due = at("2026-03-18T15:59:59Z");
    assert_eq!(back.status(due), Status::Running { due: Some(due) });
    assert_eq!(back.status(due.plus_seconds(1)).name(), "deemed");
    // recorded when the platform is back: what counts is when it began
    let seats = back.seats().clone();
    let late = signed(outage(), &seats, at("2026-03-16T02:00:00Z"));
    let retold = running(&approval()).record(&late, at("2026-03-17T01:00:00Z"), &keys(), &calendar()).unwrap();
    let end = signed(ReviewEvent::OutageEnded, &seats, at("2026-03-17T01:00:00Z"));
    let retold = retold.record(&end, at("2026-03-17T01:00:05Z"), &keys(), &calendar()).unwrap();
    assert_eq!(retold.status(due), back.status(due));
}

#[test]
fn c4_clock_service_and_regulator_both_sign() {
    let clock = running(&approval());
    let now = at(DUE).plus_seconds(1);
    let statement = clock.deemed_consent(now, profile_hash()).unwrap();
    let accept = |signed: &Signed<DeemedConsent>| clock.accept_deemed(signed, now, profile_hash(), &keys());
    let mut both = sign(statement.clone(), CLOCK);
    assert!(accept(&both).unwrap_err().to_string().contains(REGULATOR), "one signature is none");
    assert!(accept(&sign(statement.clone(), REGULATOR)).is_err());
    both.add_signature(REGULATOR, &key(REGULATOR)).unwrap();
    let lapse = accept(&both).unwrap();
    assert_eq!((lapse.application(), lapse.reviewer()), (application(), &party(DEPARTMENT)));
    assert_eq!(from_canonical::<DeemedConsent>(&to_canonical(&statement).unwrap()).unwrap(), statement);

    let spoil: [fn(&mut DeemedConsent); 6] = [
        |d| d.v = 2,
        |d| d.application = hash("another"),
        |d| d.reviewer = party(COUNTY),
        |d| d.profile = hash("another"),
        |d| d.delivered = d.delivered.plus_seconds(-1),
        |d| d.since = d.since.plus_seconds(-1),
    ];
    for spoil in spoil {
        let mut other = statement.clone();
        spoil(&mut other);
        let mut signed = sign(other, CLOCK);
        signed.add_signature(REGULATOR, &key(REGULATOR)).unwrap();
        assert!(accept(&signed).unwrap_err().to_string().contains("review.deemed-differs"));
    }
    assert!(clock.accept_deemed(&both, at(DUE), profile_hash(), &keys()).is_err(), "a second too early");
}

#[test]
fn c4_personal_information_still_needs_a16() {
    let clock = running(&approval());
    let now = at(DUE).plus_seconds(1);
    let mut both = sign(clock.deemed_consent(now, profile_hash()).unwrap(), CLOCK);
    both.add_signature(REGULATOR, &key(REGULATOR)).unwrap();
    let lapse = clock.accept_deemed(&both, now, profile_hash(), &keys()).unwrap();

    let mut entry = World::new().entries[0].clone();
    let names: Vec<String> = entry.items.iter().map(|c| c.name.clone()).take(2).collect();
    let asked = set(&names.iter().map(String::as_str).collect::<Vec<_>>());
    let codes = |entry: &yu_governance::catalogue::CatalogueEntry, rules: &Rules| -> Vec<String> {
        lapse.still_needed(entry, &asked, rules).into_iter().map(|f| f.code).collect()
    };
    for (class, expected) in [
        (Class::General, None),
        (Class::Personal, Some("deemed.protection")),
        (Class::SensitivePersonal, Some("deemed.protection")),
        (Class::TradeSecret, Some("deemed.protection")),
        (Class::Prohibited, Some("deemed.prohibited")),
    ] {
        for item in &mut entry.items {
            item.class = if item.name == names[0] { class } else { Class::General };
        }
        assert_eq!(codes(&entry, zhongwei().rules()), expected.into_iter().collect::<Vec<_>>(), "{class:?}");
    }
    entry.items[0].class = Class::Personal;
    entry.items.retain(|c| c.name != names[1]);
    assert!(codes(&entry, zhongwei().rules()).contains(&"deemed.column-unknown".to_owned()));
    let ningbo = Shipped::Ningbo.effective().unwrap().rules().clone();
    entry.subjects = yu_governance::catalogue::Subjects::Persons;
    assert!(codes(&entry, &ningbo).contains(&"deemed.subject-consent".to_owned()), "NB 21");
}

/// Every event in every state has a result, or is refused by name.
#[test]
fn c3_every_event_in_every_state() {
    let now = at("2026-03-12T04:00:00Z");
    let late = at("2026-05-12T04:00:00Z");
    let submitted = say(&approval(), ReviewEvent::Submitted, MONDAY);
    let run = running(&approval());
    let states: Vec<(&str, ReviewClock, Time)> = vec![
        ("new", approval(), now),
        ("submitted", submitted, now),
        ("running", run.clone(), now),
        ("extended", say(&run, extension(), MONDAY), now),
        ("paused", say(&run, outage(), MONDAY), now),
        ("lapsed", running(&clock_of(Matter::UseApproval, no_deemed(), &[])), late),
        ("deemed", run.clone(), late),
        ("granted", say(&run, granted(), MONDAY), now),
        ("refused", say(&run, refusal("surplus"), MONDAY), now),
    ];
    let events =
        [ReviewEvent::Submitted, ReviewEvent::Accepted, ReviewEvent::Delivered, granted(), extension(), outage(), ReviewEvent::OutageEnded];
    #[rustfmt::skip]
    let expected = [
        // submitted          accepted                delivered               decided              extension                outage began          outage ended
        ["waiting",           "review.not-submitted", "review.not-submitted", "review.not-started", "review.not-started",   "waiting",            "review.outage-none"],
        ["review.repeated",   "waiting",              "running",              "review.not-started", "review.not-started",   "waiting",            "review.outage-none"],
        ["review.repeated",   "running",              "review.repeated",      "decided",            "running",              "paused",             "review.outage-none"],
        ["review.repeated",   "running",              "review.repeated",      "decided",            "review.extension-spent", "paused",           "review.outage-none"],
        ["review.repeated",   "paused",               "review.repeated",      "decided",            "paused",               "review.outage-open", "running"],
        ["review.lapsed",     "review.lapsed",        "review.lapsed",        "decided",            "review.lapsed",        "review.lapsed",      "review.lapsed"],
        ["review.deemed",     "review.deemed",        "review.deemed",        "review.deemed",      "review.deemed",        "review.deemed",      "review.deemed"],
        ["review.closed",     "review.closed",        "review.closed",        "review.closed",      "review.closed",        "review.closed",      "review.closed"],
        ["review.closed",     "review.closed",        "review.closed",        "review.closed",      "review.closed",        "review.closed",      "review.closed"],
    ];
    for ((name, clock, when), row) in states.iter().zip(expected) {
        for (event, expected) in events.iter().zip(row) {
            let what = format!("{} in {name}", event.name());
            match try_say(clock, event.clone(), *when) {
                Ok(next) => assert_eq!(next.status(*when).name(), expected, "{what}"),
                Err(error) => {
                    let error = error.to_string();
                    assert!(error.starts_with(&format!("{expected}:")) && error.contains(event.name()), "{what}: {error}");
                }
            }
        }
    }
}

#[test]
fn c3_records_are_signed_in_order_and_not_dated_back() {
    let clock = running(&approval());
    let seats = clock.seats().clone();
    let take = |record: &ReviewRecord, signer: &str, received: &str| {
        clock.record(&sign(record.clone(), signer), at(received), &keys(), &calendar()).map(|_| ()).map_err(|e| e.to_string())
    };
    let good = record(granted(), &seats, at("2026-03-05T00:00:00Z"));
    take(&good, DEPARTMENT, "2026-03-05T00:00:00Z").unwrap();
    for other in [APPLICANT, OPERATOR, COUNTY, CLOCK, REGULATOR] {
        assert!(take(&good, other, "2026-03-05T00:00:00Z").is_err(), "{other}");
    }
    let refused = |record: &ReviewRecord, received: &str, code: &str| {
        let error = take(record, DEPARTMENT, received).unwrap_err();
        assert!(error.contains(code), "{code}: {error}");
    };
    refused(&good, "2026-03-04T00:00:00Z", "review.from-the-future");
    refused(&record(granted(), &seats, at("2026-03-01T00:00:00Z")), "2026-03-01T00:00:00Z", "review.out-of-order");
    refused(&ReviewRecord { application: hash("another"), ..good.clone() }, "2026-03-05T00:00:00Z", "review.other");
    refused(&ReviewRecord { reviewer: None, ..good.clone() }, "2026-03-05T00:00:00Z", "review.other");
    refused(&ReviewRecord { reviewer: Some(party(COUNTY)), ..good.clone() }, "2026-03-05T00:00:00Z", "review.other");
    refused(&ReviewRecord { v: 2, ..good.clone() }, "2026-03-05T00:00:00Z", "review.other");
    // dated in time, received too late: the receipt counts
    refused(&good, "2026-03-17T00:00:00Z", "review.deemed");
    for blank in [vec![], vec![" ".to_owned()]] {
        let event = ReviewEvent::Decided { verdict: Verdict::Refused, reasons: blank };
        refused(&record(event, &seats, at(MONDAY)), MONDAY, "review.reason-missing");
    }
    refused(&record(ReviewEvent::ExtensionRequested { reason: String::new() }, &seats, at(MONDAY)), MONDAY, "review.reason-missing");
}

#[test]
fn d9_a_clock_does_not_start_without_its_years() {
    let submitted = say(&approval(), ReviewEvent::Submitted, "2026-12-28T04:00:00Z");
    let error = try_say(&submitted, ReviewEvent::Delivered, at("2026-12-28T04:00:00Z")).unwrap_err().to_string();
    assert!(error.contains("calendar.year-missing") && error.contains("2027"), "{error}");
    assert_eq!(submitted.status(at("2026-12-28T04:00:00Z")), Status::Waiting);
}

#[test]
fn c1_c2_registration_and_check_have_five_days() {
    // ZW 18: from acceptance; ZW 20: from submission
    let registration = say(&clock_of(Matter::Registration, terms(Matter::Registration), &[]), ReviewEvent::Submitted, MONDAY);
    assert_eq!(registration.status(at(MONDAY)), Status::Waiting);
    let accepted = say(&registration, ReviewEvent::Accepted, "2026-03-03T04:00:00Z");
    assert_eq!(accepted.status(at(MONDAY)), Status::Running { due: Some(at("2026-03-10T15:59:59Z")) });
    let check = say(&clock_of(Matter::Check, terms(Matter::Check), &[]), ReviewEvent::Submitted, MONDAY);
    assert_eq!(check.status(at(MONDAY)), Status::Running { due: Some(at("2026-03-09T15:59:59Z")) });
    assert_eq!(check.status(at("2026-03-09T16:00:00Z")).name(), "lapsed");
}

#[test]
fn c2_results_are_notified() {
    let check = say(&clock_of(Matter::Check, terms(Matter::Check), &[]), ReviewEvent::Submitted, MONDAY);
    assert_eq!(Notice::of(&check, at(MONDAY)), None);
    let done = say(&check, refusal("no protection measures"), MONDAY);
    let notice = Notice::of(&done, at(MONDAY)).unwrap();
    assert_eq!(notice.to, [Recipient::SourceDepartment, Recipient::Authority], "ZW 20");
    assert_eq!((notice.result, notice.reasons.len()), (NoticeResult::Refused, 1));
    assert!(notice.sentence().en.contains("no protection measures") && notice.sentence().zh.contains("未通过"));
    let lapsed = Notice::of(&check, at("2026-03-20T00:00:00Z")).unwrap();
    assert_eq!((lapsed.result, lapsed.to), (NoticeResult::Lapsed, vec![Recipient::Authority, Recipient::Reviewer]));
    let deemed = Notice::of(&running(&approval()), at("2026-03-20T00:00:00Z")).unwrap();
    assert_eq!((deemed.result, deemed.at), (NoticeResult::Deemed, at(DUE).plus_seconds(1)));
    // ZW 21: each reviewer tells the other two sides, and the applicant hears of it
    for role in Reviewer::ALL {
        let to = Matter::UseApproval.recipients(*role);
        assert!(to.contains(&Recipient::Authority) && to.contains(&Recipient::Applicant), "{role:?}");
    }
}

fn three() -> Application {
    let clocks = Reviewer::ALL.iter().map(|role| {
        ReviewClock::new(application(), Matter::UseApproval, seats(*role), terms(Matter::UseApproval), BTreeSet::new()).unwrap()
    });
    Application::new(clocks.collect()).unwrap()
}

fn tell(application: &Application, role: Reviewer, event: ReviewEvent, when: Time) -> Application {
    application.record(&signed(event, &seats(role), when), when, &keys(), &calendar()).unwrap()
}

#[test]
fn c3_each_reviewer_has_a_clock_of_its_own() {
    let all = tell(&three(), Reviewer::Operator, ReviewEvent::Submitted, at(MONDAY));
    let days = ["2026-03-02T04:00:00Z", "2026-03-03T04:00:00Z", "2026-03-05T04:00:00Z"];
    let mut all = all;
    for (role, day) in Reviewer::ALL.iter().zip(days) {
        all = tell(&all, *role, ReviewEvent::Delivered, at(day));
    }
    let dues: Vec<_> = all.clocks().iter().map(|c| c.status(at(MONDAY))).collect();
    let due = |day: &str| Status::Running { due: Some(at(&format!("2026-03-{day}T15:59:59Z"))) };
    assert_eq!(dues, [due("16"), due("17"), due("19")]);

    let one = tell(&all, Reviewer::Operator, granted(), at("2026-03-06T00:00:00Z"));
    let two = tell(&one, Reviewer::CountyAuthority, granted(), at("2026-03-06T00:00:00Z"));
    let pending = Outcome::Pending { open: vec![party(DEPARTMENT)] };
    assert_eq!(two.outcome(at(DUE), &[]), pending);
    let now = at(DUE).plus_seconds(1);
    assert_eq!(two.outcome(now, &[]), pending, "a lapse counts with its proof only");
    let clock = &two.clocks()[0];
    let mut both = sign(clock.deemed_consent(now, profile_hash()).unwrap(), CLOCK);
    both.add_signature(REGULATOR, &key(REGULATOR)).unwrap();
    let lapse = clock.accept_deemed(&both, now, profile_hash(), &keys()).unwrap();
    assert_eq!(two.outcome(now, std::slice::from_ref(&lapse)), Outcome::Approved { by_lapse: vec![party(DEPARTMENT)] });
    let three = tell(&two, Reviewer::SourceDepartment, granted(), at("2026-03-09T00:00:00Z"));
    assert_eq!(three.outcome(now, &[]), Outcome::Approved { by_lapse: vec![] });
    let no = tell(&one, Reviewer::CountyAuthority, refusal("surplus columns"), at("2026-03-06T00:00:00Z"));
    assert_eq!(no.outcome(now, &[lapse]), Outcome::Refused { by: vec![(party(COUNTY), vec!["surplus columns".into()])] });
    // an outage stops the clocks that still run; a stranger's record is refused
    let out = tell(&two, Reviewer::Operator, outage(), at("2026-03-10T00:00:00Z"));
    assert_eq!(out.clocks().iter().map(|c| c.status(now).name()).collect::<Vec<_>>(), ["paused", "decided", "decided"]);
    assert!(Application::new(vec![]).is_err() && Application::new(vec![approval(), approval()]).is_err());
}

#[test]
fn c6_timeliness_is_a_table() {
    let run = running(&approval());
    let strict = running(&clock_of(Matter::UseApproval, no_deemed(), &[]));
    let clocks = [
        ("health", say(&run, granted(), "2026-03-03T04:00:00Z")), // 1 working day
        ("health", say(&run, granted(), "2026-03-06T04:00:00Z")), // 4
        ("health", run.clone()),
        ("=health, old", say(&strict, granted(), "2026-03-17T04:00:00Z")), // 11, late
        ("=health, old", strict),
        ("tax", say(&approval(), ReviewEvent::Submitted, MONDAY)),
    ];
    let now = at("2026-03-20T00:00:00Z");
    let table = Timeliness::of(clocks.iter().map(|(d, c)| (*d, c)), now, &calendar()).unwrap();
    let csv = table.csv();
    let rows = "\"'=health, old\",0,1,0,1,0,11\r\nhealth,2,0,1,0,0,2.5\r\ntax,0,0,0,0,1,\r\n";
    assert_eq!(csv.en, format!("source department,in time,late,deemed consent,overdue,open,median working days\r\n{rows}"));
    assert_eq!(csv.zh, format!("数源部门,按时审核,逾期审核,逾期视为同意,逾期未审核,审核中,工作日中位数\r\n{rows}"));
    assert_eq!(from_canonical::<Timeliness>(&table.json().unwrap()).unwrap(), table);
}

/// A random life of a clock: gaps in hours and events.
fn life() -> impl Strategy<Value = Vec<(i64, usize)>> {
    proptest::collection::vec((0_i64..200, 0_usize..8), 0..12)
}

fn nth(n: usize) -> ReviewEvent {
    match n {
        0 => ReviewEvent::Submitted,
        1 => ReviewEvent::Accepted,
        2 => ReviewEvent::Delivered,
        3 => granted(),
        4 => extension(),
        5 => outage(),
        6 => ReviewEvent::OutageEnded,
        _ => refusal("reason"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever happens in whatever order: silence is consent only after delivery, without an extension, without an open
    /// outage, with ten undisturbed working days behind it; an ended clock never changes.
    #[test]
    fn c4_no_history_makes_consent_early(life in life()) {
        let (mut clock, mut now) = (approval(), at(MONDAY));
        let (mut delivered, mut extended, mut down, mut hours) = (None, false, None::<Time>, Vec::new());
        for (gap, n) in life {
            now = now.plus_seconds(gap * 3_600);
            let before = clock.status(now);
            let event = nth(n);
            if let Ok(next) = try_say(&clock, event.clone(), now) {
                prop_assert!(!["deemed", "decided"].contains(&before.name()));
                match event {
                    ReviewEvent::Delivered => delivered = Some(now),
                    ReviewEvent::ExtensionRequested { .. } => extended = true,
                    ReviewEvent::OutageBegan { .. } => down = Some(now),
                    ReviewEvent::OutageEnded => hours.push((down.take().unwrap(), now)),
                    _ => {}
                }
                clock = next;
            }
            if let Status::Deemed { since } = clock.status(now) {
                prop_assert!(!extended && down.is_none());
                let start = delivered.unwrap();
                let calendar = calendar();
                let touched = |d: Date| hours.iter().any(|(a, b)| Date::of(*a) <= d && d <= Date::of(*b));
                let undisturbed = (1..400)
                    .map(|n| Date::of(start).plus_days(n))
                    .take_while(|d| d.last_second() < since)
                    .filter(|d| calendar.is_working_day(*d).unwrap() && !touched(*d))
                    .count();
                prop_assert_eq!(undisturbed, 10);
                prop_assert!(since <= now);
            }
        }
    }

    /// A lapse, once there, stays; and a clock never lapses before its limit.
    #[test]
    fn deadlines_hold(day in 0_i64..250, second in 0_i64..86_400, later in 0_i64..40_000_000) {
        let start = at("2026-01-01T00:00:00Z").plus_seconds(day * 86_400 + second);
        let clock = try_say(&try_say(&approval(), ReviewEvent::Submitted, start).unwrap(), ReviewEvent::Delivered, start).unwrap();
        let due = calendar().add_working_days(start, 10).unwrap();
        prop_assert_eq!(calendar().deadline(start, Limit::WorkingDays(10), |_| false).unwrap(), Some(due));
        prop_assert_eq!(clock.status(due).name(), "running");
        prop_assert_eq!(clock.status(due.plus_seconds(1 + later)), Status::Deemed { since: due.plus_seconds(1) });
    }

    #[test]
    fn arbitrary_bytes_are_no_record(s in "\\PC{0,80}") {
        prop_assert!(from_canonical::<ReviewRecord>(s.as_bytes()).is_err());
        prop_assert!(from_canonical::<DeemedConsent>(s.as_bytes()).is_err());
    }
}
