//! Quality of data: exact metrics, evidence without values, tickets step by step, the league table.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::Value;
use yu_governance::canonical::{from_canonical, to_canonical};
use yu_governance::catalogue::CatalogueEntry;
use yu_governance::clock::Time;
use yu_governance::id::{PartyName, TicketId};
use yu_governance::quality::evidence::{Evidence, QualityRule};
use yu_governance::quality::metrics::{Counts, Metrics, Share};
use yu_governance::quality::report::league;
use yu_governance::quality::ticket::{Grade, GradeBands, QualityTicket, Rejection, TicketState, TicketStep};

use crate::catalogue::codes;
use crate::world::{AUTHORITY, BANK, HEALTH, PLATFORM, STRANGER, World, at, dataset, hash, party};

const FLOOR: u64 = 10;
const BANDS: GradeBands = GradeBands { a: 950, b: 800, c: 600 };

fn entry() -> CatalogueEntry {
    World::new().entries[0].clone()
}

fn mended() -> CatalogueEntry {
    CatalogueEntry { version: hash("mended file"), ..entry() }
}

fn evidence(entry: &CatalogueEntry, failed: u64) -> Evidence {
    Evidence::new(entry, QualityRule::InRange, Some("cost"), 2_000, failed, FLOOR).unwrap()
}

fn day(n: i64) -> Time {
    at("2026-10-01T00:00:00Z").plus_days(n)
}

fn open() -> QualityTicket {
    let id = TicketId::new("dev/bank/q1").unwrap();
    QualityTicket::open(id, &entry(), party(AUTHORITY), evidence(&entry(), 400), FLOOR, day(0)).unwrap()
}

fn go(ticket: &QualityTicket, step: &TicketStep<'_>, by: &str, n: i64) -> QualityTicket {
    ticket.apply(step, &party(by), day(n)).unwrap()
}

fn accepted() -> QualityTicket {
    let t = go(&open(), &TicketStep::Forward { to: "platform" }, BANK, 1);
    let t = go(&t, &TicketStep::Forward { to: "authority" }, PLATFORM, 2);
    go(&t, &TicketStep::Accept { deadline: day(10) }, AUTHORITY, 3)
}

fn fixed(failed: u64, n: i64) -> QualityTicket {
    let new = mended();
    go(&accepted(), &TicketStep::Fix { entry: &new, after: evidence(&new, failed), floor: FLOOR }, HEALTH, n)
}

#[test]
fn k6_metrics_are_exact_shares() {
    let counts = Counts {
        checked: 3,
        correct: 1,
        items_demanded: 4,
        items_offered: 3,
        cells_expected: 1_000_000,
        cells_filled: 999_999,
        updates_due: 12,
        updates_on_time: 12,
    };
    let m = Metrics::of(&counts, day(0)).unwrap();
    assert_eq!(m.named().map(|(_, _, s)| s.permille()), [333, 750, 999, 1000]);
    assert!(!m.completeness.at_least(1000), "999,999 of a million is not all");
    assert!(m.relevance.at_least(750) && !m.relevance.at_least(751));
    let nothing = Counts { updates_due: 0, updates_on_time: 0, ..counts };
    assert!(Metrics::of(&nothing, day(0)).unwrap_err().to_string().contains("timeliness"));
    assert!(Metrics::of(&Counts { correct: 4, ..counts }, day(0)).is_err());
    assert!(serde_json::from_str::<Share>(r#"{"part":"2","whole":"1"}"#).is_err());
    assert!(serde_json::from_str::<Share>(r#"{"part":"0","whole":"0"}"#).is_err());
}

proptest! {
    #[test]
    fn k6_shares_compare_like_fractions(a in 0_u64..1000, b in 1_u64..1000, c in 0_u64..1000, d in 1_u64..1000) {
        let (x, y) = (Share::new(a.min(b), b).unwrap(), Share::new(c.min(d), d).unwrap());
        prop_assert_eq!(x.cmp(&y), (a.min(b) * d).cmp(&(c.min(d) * b)));
        prop_assert_eq!(serde_json::from_str::<Share>(&serde_json::to_string(&x).unwrap()).unwrap(), x);
        let big = Share::new(u64::MAX - a, u64::MAX).unwrap();
        prop_assert!(big.permille() >= 999 && (big.permille() == 1000) == (a == 0));
    }

    #[test]
    fn k5_repair_never_panics_and_never_exceeds_all(a in any::<u64>(), b in any::<u64>(), c in any::<u64>(), d in any::<u64>()) {
        // counts that no check has seen
        let of = |checked: u64, failed: u64| -> Evidence {
            let text = format!(r#"{{"version":"{}","rule":"unique","checked":"{checked}","failed":"{failed}"}}"#, hash("x"));
            serde_json::from_str(&text).unwrap()
        };
        prop_assert!(of(a, b).repaired_permille(&of(c, d)) <= 1000);
    }
}

#[test]
fn k5_evidence_has_no_room_for_a_value() {
    // every leaf of every evidence is a word of the closed list, a count, a place or the catalogue's own hash
    for rule in QualityRule::ALL {
        for column in [None, Some("id"), Some("address")] {
            let e = Evidence::new(&entry(), rule, column, 2_000, 37, FLOOR).unwrap();
            let Value::Object(map) = serde_json::to_value(e).unwrap() else { panic!("an object") };
            for (key, leaf) in &map {
                match key.as_str() {
                    "version" => assert_eq!(leaf, &serde_json::to_value(entry().version).unwrap()),
                    "rule" => assert_eq!(leaf, &serde_json::to_value(rule).unwrap()),
                    "column" => assert!(leaf.as_u64().unwrap() < entry().items.len() as u64),
                    "checked" | "failed" => assert!(leaf.as_str().unwrap().bytes().all(|b| b.is_ascii_digit())),
                    other => panic!("a field `{other}` that nobody argued about"),
                }
            }
            let bytes = to_canonical(&e).unwrap();
            assert_eq!(from_canonical::<Evidence>(&bytes).unwrap(), e);
            // whatever else is written in, at any place, does not decode or does not hold
            for key in ["rule", "column", "version", "checked", "note"] {
                let mut smuggled = map.clone();
                smuggled.insert(key.to_owned(), Value::String("张三 13800000000".into()));
                assert!(serde_json::from_value::<Evidence>(Value::Object(smuggled)).is_err(), "{key}");
            }
        }
    }
    // a number dressed up as a count, and a hash that is none of the catalogue's
    let e = entry();
    assert_eq!(codes(&Evidence::new(&e, QualityRule::Unique, None, 13_800_000_000, 20, FLOOR).unwrap_err()), ["evidence.counts"]);
    assert_eq!(codes(&evidence(&e, 20).check(&mended(), FLOOR)), ["evidence.other-version"]);
    assert_eq!(codes(&Evidence::new(&e, QualityRule::Unique, Some("no"), 10, 0, FLOOR).unwrap_err()), ["evidence.column-unknown"]);
    // the whole ticket has no text of anybody's choosing either: only names of its id, route and parties
    assert!(!serde_json::to_string(&open()).unwrap().contains("reason"));
}

#[test]
fn k5_small_counts_are_rounded_up() {
    for (failed, told) in [(0, 0), (1, 10), (9, 10), (10, 10), (11, 11)] {
        assert_eq!(evidence(&entry(), failed).failed(), told);
    }
    let tight = Evidence::new(&entry(), QualityRule::Unique, None, 5, 1, FLOOR).unwrap_err();
    assert_eq!(codes(&tight), ["evidence.counts"], "five cells cannot hide one");
    let text = format!(r#"{{"version":"{}","rule":"unique","checked":"100","failed":"3"}}"#, entry().version);
    let raw: Evidence = serde_json::from_str(&text).unwrap();
    assert_eq!(codes(&raw.check(&entry(), FLOOR)), ["evidence.below-floor"]);
}

#[test]
fn k5_a_ticket_goes_from_report_to_grade() {
    let t = fixed(20, 10);
    let closed = go(&t, &TicketStep::Close { bands: BANDS }, AUTHORITY, 11);
    assert_eq!(closed.state(), &TicketState::Closed { repaired_permille: 950, late: false, grade: Grade::A });
    assert_eq!(closed.route(), ["bank", "platform", "authority"]);
    // a day late: one grade lower; a bad repair comes back
    let late = go(&fixed(20, 11), &TicketStep::Close { bands: BANDS }, AUTHORITY, 12);
    assert_eq!(late.state(), &TicketState::Closed { repaired_permille: 950, late: true, grade: Grade::B });
    let back = go(&fixed(390, 5), &TicketStep::Return { deadline: day(20) }, AUTHORITY, 6);
    assert_eq!((back.returns(), back.state()), (1, &TicketState::Accepted { deadline: day(20) }));
    assert!(!back.is_overdue(day(20)) && back.is_overdue(day(20).plus_seconds(1)));
    let worse = go(&fixed(800, 5), &TicketStep::Close { bands: BANDS }, AUTHORITY, 6);
    assert_eq!(worse.state(), &TicketState::Closed { repaired_permille: 0, late: false, grade: Grade::D });
    let bytes = to_canonical(&closed).unwrap();
    assert_eq!(from_canonical::<QualityTicket>(&bytes).unwrap(), closed);
}

#[test]
fn k5_every_step_outside_of_its_state_is_refused() {
    let arrived = {
        let t = go(&open(), &TicketStep::Forward { to: "authority" }, BANK, 1);
        assert_eq!(t.route(), ["bank", "authority"]);
        t
    };
    let rejected = go(&arrived, &TicketStep::Reject { why: Rejection::WithinTolerance }, AUTHORITY, 2);
    let closed = go(&fixed(20, 5), &TicketStep::Close { bands: BANDS }, AUTHORITY, 6);
    let new = mended();
    let steps = [
        TicketStep::Forward { to: "x" },
        TicketStep::Accept { deadline: day(90) },
        TicketStep::Reject { why: Rejection::Duplicate },
        TicketStep::Fix { entry: &new, after: evidence(&new, 20), floor: FLOOR },
        TicketStep::Return { deadline: day(90) },
        TicketStep::Close { bands: BANDS },
    ];
    // which steps exist in which state
    let table: [(&QualityTicket, [bool; 6]); 5] = [
        (&arrived, [true, true, true, false, false, false]),
        (&rejected, [false; 6]),
        (&accepted(), [false, false, false, true, false, false]),
        (&fixed(20, 5), [false, false, false, false, true, true]),
        (&closed, [false; 6]),
    ];
    for (ticket, exists) in table {
        for (step, exists) in steps.iter().zip(exists) {
            for by in [AUTHORITY, HEALTH, BANK, PLATFORM] {
                let result = ticket.apply(step, &party(by), day(30));
                let wrong = result.as_ref().is_err_and(|found| codes(found) == ["ticket.wrong-state"]);
                assert_eq!(wrong, !exists, "{step:?} in {:?} by {by}", ticket.state());
            }
        }
    }
}

#[test]
fn k5_each_step_belongs_to_somebody() {
    let refused = |t: &QualityTicket, step: &TicketStep<'_>, by: &str| t.apply(step, &party(by), day(30)).unwrap_err()[0].code.clone();
    let (accept, close) = (TicketStep::Accept { deadline: day(90) }, TicketStep::Close { bands: BANDS });
    assert_eq!(refused(&open(), &TicketStep::Forward { to: "authority" }, PLATFORM), "ticket.not-holder");
    assert_eq!(refused(&open(), &TicketStep::Forward { to: "bank" }, BANK), "ticket.circle");
    assert_eq!(refused(&open(), &accept, AUTHORITY), "ticket.not-arrived");
    let arrived = go(&open(), &TicketStep::Forward { to: "authority" }, BANK, 1);
    for by in [HEALTH, BANK, PLATFORM, STRANGER] {
        assert_eq!(refused(&arrived, &accept, by), "ticket.not-judge");
        assert_eq!(refused(&arrived, &TicketStep::Reject { why: Rejection::Duplicate }, by), "ticket.not-judge");
        assert_eq!(refused(&fixed(20, 5), &close, by), "ticket.not-judge");
        assert_eq!(refused(&fixed(20, 5), &TicketStep::Return { deadline: day(90) }, by), "ticket.not-judge");
    }
    assert_eq!(refused(&arrived, &TicketStep::Accept { deadline: day(30) }, AUTHORITY), "ticket.deadline");
    assert_eq!(refused(&arrived, &TicketStep::Forward { to: "x" }, AUTHORITY), "ticket.not-holder");
    let (old, new) = (entry(), mended());
    let fix = |entry, after| TicketStep::Fix { entry, after, floor: FLOOR };
    assert_eq!(refused(&accepted(), &fix(&new, evidence(&new, 20)), BANK), "ticket.not-fixer");
    assert_eq!(refused(&accepted(), &fix(&old, evidence(&old, 20)), HEALTH), "ticket.same-version");
    let foreign = CatalogueEntry { dataset: dataset(1), ..new.clone() };
    assert_eq!(refused(&accepted(), &fix(&foreign, evidence(&new, 20)), HEALTH), "ticket.other-dataset");
    let other = Evidence::new(&new, QualityRule::Unique, Some("cost"), 100, 20, FLOOR).unwrap();
    assert_eq!(refused(&accepted(), &fix(&new, other), HEALTH), "ticket.other-rule");
    assert_eq!(refused(&accepted(), &fix(&new, evidence(&old, 20)), HEALTH), "evidence.other-version");
    assert_eq!(codes(&accepted().apply(&close, &party(AUTHORITY), day(2)).unwrap_err()), ["ticket.time"]);
    let own = TicketId::new("dev/health/q1").unwrap();
    let by_itself = QualityTicket::open(own, &entry(), party(AUTHORITY), evidence(&entry(), 20), FLOOR, day(0));
    assert_eq!(codes(&by_itself.unwrap_err()), ["ticket.reporter-is-provider"]);
    let judge = PartyName::new("yu://dev/health/office").unwrap();
    let judged = QualityTicket::open(open().id().clone(), &entry(), judge, evidence(&entry(), 20), FLOOR, day(0));
    assert_eq!(codes(&judged.unwrap_err()), ["ticket.judge-is-provider"]);
}

#[test]
fn c6_s9_one_line_for_each_department() {
    let closed = go(&fixed(20, 11), &TicketStep::Close { bands: BANDS }, AUTHORITY, 12);
    let tickets = [closed, accepted(), open()];
    let metrics = |correct| {
        let c = Counts {
            checked: 100,
            correct,
            items_demanded: 1,
            items_offered: 1,
            cells_expected: 1,
            cells_filled: 1,
            updates_due: 1,
            updates_on_time: 1,
        };
        Metrics::of(&c, day(0)).unwrap()
    };
    let measured = BTreeMap::from([
        (dataset(0), metrics(90)),
        ("dev/health/other".parse().unwrap(), metrics(80)),
        ("dev/tax/invoices".parse().unwrap(), metrics(99)),
    ]);
    let reviews = BTreeMap::from([("health".to_owned(), Share::new(9, 10).unwrap())]);
    let lines = league(&tickets, &measured, &reviews, (day(0), day(30)), day(15));
    assert_eq!(lines.iter().map(|l| l.organisation.as_str()).collect::<Vec<_>>(), ["tax", "health"]);
    let health = &lines[1];
    assert_eq!((health.reported, health.closed, health.late, health.overdue, health.rejected), (3, 1, 1, 1, 0));
    assert_eq!(health.repaired, Some(Share::new(950, 1000).unwrap()));
    assert_eq!(health.worst[0], Share::new(80, 100).unwrap());
    assert_eq!(health.reviews_on_time.unwrap().permille(), 900);
    assert!(league(&tickets, &BTreeMap::new(), &BTreeMap::new(), (day(1), day(30)), day(15)).is_empty());
}
