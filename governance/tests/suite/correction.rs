//! Correction orders: every event in every state, who closes and who reopens.

use yu_governance::calendar::Calendar;
use yu_governance::canonical::Hash;
use yu_governance::clock::Time;
use yu_governance::deadline::{Access, Correction, CorrectionEvent, CorrectionOrder, CorrectionRecord};
use yu_governance::id::{AuthorisationId, document_hash};
use yu_governance::profile::{Cited, CorrectionAccess, Rules, Shipped};
use yu_governance::sign::Signed;
use yu_governance::text::Text;

use crate::world::{AUTHORITY, BANK, HEALTH, PLATFORM, STRANGER, Spoil, at, hash, party, ring, sign};

const ISSUED: &str = "2026-03-02T04:00:00Z";
const DUE: &str = "2026-03-20T15:59:59Z";

fn rules(access: CorrectionAccess) -> Rules {
    let rules = Shipped::Ningbo.effective().unwrap().rules().clone();
    Rules { correction_access: Cited { value: access, ..rules.correction_access.clone() }, ..rules }
}

fn order() -> CorrectionOrder {
    CorrectionOrder {
        v: 1,
        authorisation: AuthorisationId::new("dev/authority/2026-1").unwrap(),
        licensee: party(BANK),
        organ: party(AUTHORITY),
        breach: Text::new("calls beyond the scenario", "超出场景调用"),
        issued_at: at(ISSUED),
        due: at(DUE),
    }
}

fn open(order: CorrectionOrder, signer: &str, rules: &Rules) -> yu_governance::Result<Correction> {
    Correction::open(
        &sign(order, signer),
        &ring(),
        &[party(AUTHORITY), party(STRANGER)],
        &party(AUTHORITY),
        rules,
        &Calendar::shipped().unwrap(),
    )
}

fn correction(access: CorrectionAccess) -> Correction {
    open(order(), AUTHORITY, &rules(access)).unwrap()
}

fn record(event: CorrectionEvent, when: Time, signer: &str) -> Signed<CorrectionRecord> {
    sign(CorrectionRecord { v: 1, order: document_hash(&order()).unwrap(), event, at: when }, signer)
}

fn evidence() -> CorrectionEvent {
    CorrectionEvent::Evidence { files: files(), account: "the interface is closed".into() }
}

fn files() -> Hash {
    hash("files")
}

fn events() -> [CorrectionEvent; 4] {
    let reason = || "checked on site".to_owned();
    [
        evidence(),
        CorrectionEvent::Insufficient { reason: reason() },
        CorrectionEvent::Reopened { reason: reason() },
        CorrectionEvent::Terminated { reason: reason() },
    ]
}

fn signer(event: &CorrectionEvent) -> &'static str {
    if matches!(event, CorrectionEvent::Evidence { .. }) { BANK } else { AUTHORITY }
}

fn take(correction: &Correction, event: CorrectionEvent, when: &str) -> yu_governance::Result<Correction> {
    let signer = signer(&event);
    correction.record(&record(event, at(when), signer), at(when), &ring())
}

#[test]
fn c5_access_closes_at_once_or_when_the_period_passes() {
    let second = at(DUE).plus_seconds(1);
    let at_once = correction(CorrectionAccess::AtOnce);
    assert_eq!(at_once.access(at(ISSUED)), Access::Suspended { since: at(ISSUED) });
    let later = correction(CorrectionAccess::WhenOverdue);
    assert_eq!((later.access(at(DUE)), later.access(second)), (Access::Open, Access::Suspended { since: second }));
    // evidence alone keeps nothing open, the authority does
    let shown = take(&later, evidence(), "2026-03-10T00:00:00Z").unwrap();
    assert_eq!(shown.evidence(), [(at("2026-03-10T00:00:00Z"), files())]);
    assert_eq!(shown.access(second), Access::Suspended { since: second });
    let [_, _, reopened, _] = events();
    let open = take(&shown, reopened, "2026-03-25T00:00:00Z").unwrap();
    assert_eq!(open.access(at("2027-01-01T00:00:00Z")), Access::Open);
}

#[test]
fn c5_every_event_in_every_state() {
    let [shown, wanting, reopened, terminated] = events();
    let early = "2026-03-10T00:00:00Z";
    let late = "2026-03-21T00:00:00Z";
    let ordered = correction(CorrectionAccess::AtOnce);
    let waiting = take(&ordered, shown.clone(), early).unwrap();
    let states = [
        ("ordered", ordered.clone(), early, ["under-review", "correction.no-evidence", "correction.no-evidence", "correction.not-due"]),
        ("overdue", ordered.clone(), late, ["under-review", "correction.no-evidence", "correction.no-evidence", "terminated"]),
        ("waiting", waiting.clone(), early, ["under-review", "ordered", "reopened", "correction.evidence-open"]),
        ("waiting, overdue", waiting.clone(), late, ["under-review", "ordered", "reopened", "correction.evidence-open"]),
        (
            "found wanting",
            take(&waiting, wanting.clone(), early).unwrap(),
            late,
            ["under-review", "correction.no-evidence", "correction.no-evidence", "terminated"],
        ),
        ("reopened", take(&waiting, reopened.clone(), early).unwrap(), late, ["correction.closed"; 4]),
        ("terminated", take(&ordered, terminated.clone(), late).unwrap(), late, ["correction.closed"; 4]),
    ];
    for (name, state, when, expected) in states {
        for (event, expected) in events().into_iter().zip(expected) {
            let what = format!("{} in {name}", event.name());
            let event_name = event.name();
            match take(&state, event, when) {
                Ok(next) => assert_eq!(next.state().name(), expected, "{what}"),
                Err(error) => {
                    let error = error.to_string();
                    assert!(error.starts_with(&format!("{expected}:")) && error.contains(event_name), "{what}: {error}");
                }
            }
        }
    }
    let ended = take(&ordered, terminated, late).unwrap();
    assert_eq!(ended.access(at(late)), Access::Ended);
}

#[test]
fn c5_only_the_authority_reopens() {
    let waiting = take(&correction(CorrectionAccess::AtOnce), evidence(), "2026-03-10T00:00:00Z").unwrap();
    let when = at("2026-03-11T00:00:00Z");
    for event in events() {
        for other in [AUTHORITY, BANK, HEALTH, PLATFORM, STRANGER] {
            let taken = waiting.record(&record(event.clone(), when, other), when, &ring());
            if other != signer(&event) {
                assert!(matches!(taken, Err(yu_governance::Error::Signature { .. })), "{} by {other}", event.name());
            }
        }
    }
    let refused = |signed: &Signed<CorrectionRecord>, received: Time, code: &str| {
        let error = waiting.record(signed, received, &ring()).unwrap_err().to_string();
        assert!(error.contains(code), "{code}: {error}");
    };
    refused(&record(evidence(), when.plus_seconds(1), BANK), when, "correction.out-of-order");
    refused(&record(evidence(), at(ISSUED), BANK), at(ISSUED), "correction.out-of-order");
    refused(&record(CorrectionEvent::Reopened { reason: " ".into() }, when, AUTHORITY), when, "correction.reason-missing");
    let other = CorrectionRecord { v: 1, order: hash("another"), event: evidence(), at: when };
    refused(&sign(other, BANK), when, "correction.other");
}

#[test]
fn c5_an_order_has_an_organ_a_breach_and_a_period() {
    let rules = rules(CorrectionAccess::AtOnce);
    let spoil: [Spoil<CorrectionOrder>; 6] = [
        ("correction.organ", |o| o.organ = party(HEALTH)),
        ("correction.malformed", |o| o.breach.zh.clear()),
        ("correction.malformed", |o| o.v = 2),
        ("correction.period", |o| o.due = o.issued_at),
        ("correction.period", |o| o.due = at("2026-04-01T16:00:00Z")),
        ("correction.period", |o| o.due = at("2025-01-01T00:00:00Z")),
    ];
    for (code, spoil) in spoil {
        let mut order = order();
        spoil(&mut order);
        let signer = order.organ.to_string();
        let error = open(order, &signer, &rules).unwrap_err().to_string();
        assert!(error.contains(code), "{code}: {error}");
    }
    assert!(open(order(), STRANGER, &rules).is_err(), "signed by another organ than it names");
    let mut longest = order();
    longest.due = at("2026-04-01T15:59:59Z"); // 30 days after 2 March, to the last second of the day in China
    open(longest, AUTHORITY, &rules).unwrap();
}
