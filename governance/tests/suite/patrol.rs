//! Watching logs, patrols that anybody can repeat, complaints that name nobody.

use proptest::prelude::*;
use yu_governance::audit::{AuditLog, Entry, Event, LogFiles, Verb};
use yu_governance::calendar::{Calendar, Limit};
use yu_governance::finding::Checked;
use yu_governance::id::{PartyName, TicketId};
use yu_governance::patrol::complaint::commitment;
use yu_governance::patrol::*;
use yu_governance::sign::Signed;
use yu_governance::text::Text;

use super::machines::{t, why};
use super::world::{AUTHORITY, BANK, HEALTH, PLATFORM, STRANGER, hash, key, party, ring, sign};

/// A log of the platform with refusals of the bank's requests at these seconds, and its checkpoint.
fn log(times: &[i64]) -> (Vec<u8>, Vec<u8>) {
    let key = key(PLATFORM);
    let (mut log, mut entries) = AuditLog::create(party(PLATFORM), key.public(), t(0)).unwrap();
    for time in times {
        entries.extend(log.append(Event::new(Verb::RequestRefused).party(party(BANK)), t(*time)).unwrap());
    }
    let (line, _) = log.checkpoint(&key, t(1_000_000)).unwrap();
    (entries, line)
}

fn files<'a>(entries: &'a [u8], checkpoints: &'a [u8]) -> LogFiles<'a> {
    LogFiles { directory: "platform", entries, checkpoints, countersignatures: &[] }
}

fn rule(most: u64, seconds: u64) -> WatchRule {
    WatchRule { name: "refusals".into(), verb: "request.refused".into(), per: Per::Party, most, seconds, severity: Severity::Warning }
}

fn codes<T: std::fmt::Debug>(checked: Checked<T>) -> Vec<String> {
    checked.unwrap_err().into_iter().map(|f| f.code).collect()
}

fn parsed(bytes: &[u8]) -> Vec<Entry> {
    bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty()).map(|line| Entry::parse(line).unwrap()).collect()
}

#[test]
fn s2_too_many_of_one_kind_in_too_short_a_time_is_a_warning() {
    let found = |times: &[i64]| watch(&[rule(2, 100)], &parsed(&log(times).0)).into_iter().map(|w| w.index).collect::<Vec<_>>();
    assert!(found(&[1, 50, 101, 201]).is_empty(), "never three in a hundred seconds");
    assert_eq!(found(&[1, 50, 100, 101, 102]), [3], "one row, one warning");
    assert_eq!(found(&[1, 2, 3, 300, 301, 302]), [3, 6]);
    let warning = &watch(&[rule(0, 1)], &parsed(&log(&[5]).0))[0];
    assert!(warning.finding.what.en.contains(BANK) && warning.finding.what.zh.contains("预警"));
    assert!(WatchRule::shipped().iter().all(|rule| Verb::parse(&rule.verb).is_some()));
}

#[test]
fn s2_a_patrol_can_be_repeated_by_anybody_who_has_the_log() {
    let (entries, line) = log(&[1, 2, 3]);
    let go = |by: &str| Patrol::go(&party(by), files(&entries, &line), vec![rule(2, 100)], t(2_000_000), &ring());
    let patrol = go(AUTHORITY).unwrap();
    assert_eq!((patrol.size, patrol.findings.len()), (4, 1));
    assert_eq!(codes(go(PLATFORM)), ["patrol.self"]);
    let check = |patrol: &Patrol, signer, log: LogFiles<'_>| Patrol::verify(&sign(patrol.clone(), signer), log, &ring());
    check(&patrol, AUTHORITY, files(&entries, &line)).unwrap();
    assert_eq!(codes(check(&patrol, STRANGER, files(&entries, &line))), ["patrol.signature"]);
    let blind = Patrol { findings: Vec::new(), ..patrol.clone() };
    assert_eq!(codes(check(&blind, AUTHORITY, files(&entries, &line))), ["patrol.other"], "what was found cannot be left out");
    let (other, other_line) = log(&[1, 2, 3, 4]);
    assert_eq!(codes(check(&patrol, AUTHORITY, files(&other, &other_line))), ["patrol.other"]);
    assert_eq!(codes(check(&patrol, AUTHORITY, files(&entries, b""))), ["patrol.log"]);
    let mut altered = entries.clone();
    let place = altered.len() - 20;
    altered[place] ^= 1;
    assert_eq!(codes(check(&patrol, AUTHORITY, files(&altered, &line))), ["patrol.log"]);
    let mut strange = ring();
    strange.remove(PLATFORM);
    let unknown = Patrol::go(&party(AUTHORITY), files(&entries, &line), Vec::new(), t(2_000_000), &strange);
    assert_eq!(codes(unknown), ["patrol.log"], "a log under a key that is not the node's");
    let node = party(PLATFORM);
    assert!(due(&[], &node, t(0), 3, t(100 * 86_400)).is_some());
    assert!(due(std::slice::from_ref(&patrol), &node, t(0), 3, t(100 * 86_400)).is_none());
    assert!(due(&[patrol], &party(BANK), t(0), 3, t(100 * 86_400)).is_some());
}

fn step(step: u32, at: i64, event: ComplaintEvent) -> ComplaintRecord {
    ComplaintRecord { v: 1, ticket: TicketId::new("dev/authority/c-1").unwrap(), step, office: party(AUTHORITY), event, at: t(at) }
}

fn received() -> ComplaintEvent {
    ComplaintEvent::Receive { complainant: commitment(&[7; 32], "Zhang San"), about: "bank".into(), text: hash("complaint") }
}

#[test]
fn s2_a_complaint_is_taken_up_answered_and_closed() {
    let sign = |record: ComplaintRecord| sign(record, AUTHORITY);
    let open = Complaint::open(&sign(step(0, 10, received())), &ring()).unwrap();
    let taken = open.next(&sign(step(1, 20, ComplaintEvent::Take)), &ring()).unwrap();
    let answered = taken.next(&sign(step(2, 30, ComplaintEvent::Answer { answer: hash("answer") })), &ring()).unwrap();
    let again = answered.next(&sign(step(3, 40, ComplaintEvent::Reopen { reason: why() })), &ring()).unwrap();
    assert_eq!(again.state(), ComplaintState::Taken);
    let closed = answered.next(&sign(step(3, 40, ComplaintEvent::Close)), &ring()).unwrap();
    assert_eq!((closed.state(), closed.about()), (ComplaintState::Closed, "bank"));
    let refusal = |from: &Complaint, record: Signed<ComplaintRecord>| from.next(&record, &ring()).unwrap_err().to_string();
    assert!(refusal(&open, sign(step(1, 20, ComplaintEvent::Close))).starts_with("workflow.no-arrow"), "not closed unanswered");
    assert!(refusal(&taken, sign(step(1, 20, ComplaintEvent::Take))).starts_with("complaint.step"), "replayed");
    assert!(refusal(&taken, sign(step(2, 19, ComplaintEvent::Close))).starts_with("complaint.step"), "dated back");
    assert!(
        refusal(&open, sign(step(1, 20, ComplaintEvent::Decline { reason: Text::new("", "") }))).starts_with("workflow.reason-missing")
    );
    assert!(refusal(&open, super::world::sign(step(1, 20, ComplaintEvent::Take), BANK)).contains("is missing"));
    let other = ComplaintRecord { office: party(HEALTH), ..step(1, 20, ComplaintEvent::Take) };
    assert!(open.next(&super::world::sign(other, HEALTH), &ring()).is_err(), "another office");
    let own = ComplaintRecord { office: party(BANK), ticket: TicketId::new("dev/bank/c-1").unwrap(), ..step(0, 1, received()) };
    assert!(Complaint::open(&super::world::sign(own, BANK), &ring()).unwrap_err().to_string().starts_with("complaint.self"));
    let calendar = Calendar::empty();
    let late = |complaint: &Complaint, now| complaint.overdue(Limit::Days(5), Limit::Days(30), &calendar, t(now)).unwrap().map(|f| f.code);
    assert_eq!(late(&open, 86_400), None);
    assert_eq!(late(&open, 10 * 86_400).as_deref(), Some("complaint.overdue"));
    assert_eq!(late(&taken, 10 * 86_400), None);
    assert_eq!(late(&taken, 40 * 86_400).as_deref(), Some("complaint.overdue"));
    assert_eq!(late(&closed, 400 * 86_400), None);
}

#[test]
fn s2_who_complains_is_not_to_be_guessed() {
    let signed = sign(step(0, 10, received()), AUTHORITY);
    let text = String::from_utf8(yu_governance::canonical::to_canonical(&signed).unwrap()).unwrap();
    assert!(!text.contains("Zhang"));
    assert_ne!(commitment(&[1; 32], "Zhang San"), commitment(&[2; 32], "Zhang San"), "salted");
    let _: PartyName = party(STRANGER);
}

proptest! {
    /// S2: a warning comes exactly at the entries that fill a window beyond the rule and follow one that did not.
    #[test]
    fn s2_windows_are_exact(gaps in prop::collection::vec(0_i64..60, 1..25), most in 0_u64..5, seconds in 1_u64..120) {
        let times: Vec<i64> = gaps.iter().scan(1, |now, gap| { *now += gap; Some(*now) }).collect();
        let found: Vec<u64> = watch(&[rule(most, seconds)], &parsed(&log(&times).0)).into_iter().map(|w| w.index).collect();
        let beyond = |n: usize| {
            let from = times[n] - i64::try_from(seconds).unwrap();
            times[..=n].iter().filter(|time| **time > from).count() as u64 > most
        };
        let expected: Vec<u64> = (0..times.len()).filter(|n| beyond(*n) && (*n == 0 || !beyond(n - 1))).map(|n| n as u64 + 1).collect();
        prop_assert_eq!(found, expected);
    }
}
