//! The public register equals the active authorisations; filings verify offline; credit records follow decisions.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use yu_governance::canonical::{Hash, from_canonical, to_canonical};
use yu_governance::id::{AuthorisationId, Scenario, document_hash};
use yu_governance::register::*;
use yu_governance::sign::Signed;
use yu_governance::workflow::authorisation::{Case, Cause, Event, State};
use yu_governance::workflow::{Machine as _, Replayed};

use super::chains::{OBJECT, Office, life};
use super::machines::{t, why};
use super::world::{AUTHORITY, BANK, HEALTH, PLATFORM, STRANGER, hash, key, party, ring, sign};

const ALL: Shown = Shown { when: When::Active, scenario: true, term: true };

fn facts(case: Case) -> Facts {
    Facts { operator: "bank".into(), scenario: Scenario::new("credit").unwrap(), case }
}

fn id(n: usize) -> AuthorisationId {
    AuthorisationId::new(format!("dev/authority/2026-{n}")).unwrap()
}

/// Publishes what the register lacks; gives the register as a reader of the whole feed sees it.
fn publish(feed: &mut Vec<Signed<FeedItem>>, all: &BTreeMap<AuthorisationId, Facts>, shown: Shown, at: i64) -> Register {
    let before = Register::replay(party(AUTHORITY), feed, &ring()).unwrap();
    feed.extend(before.updates(all, shown, t(at)).unwrap().into_iter().map(|item| sign(item, AUTHORITY)));
    let after = Register::replay(party(AUTHORITY), feed, &ring()).unwrap();
    assert!(after.updates(all, shown, t(at)).unwrap().is_empty(), "nothing is left to say");
    after
}

fn some_events() -> Vec<Event> {
    let mut events = life();
    events.extend([Event::PlanOut, Event::Suspend { reason: why() }, Event::Refuse { reason: why() }, Event::Expire, Event::Withdraw]);
    events
}

proptest! {
    /// A11: whatever happens to three authorisations, the register is exactly those that are active.
    #[test]
    fn a11_the_register_is_the_active_authorisations(
        steps in prop::collection::vec((0_usize..3, any::<prop::sample::Index>(), 0_u8..10), 1..40), starts in prop::collection::vec(0_usize..16, 3),
    ) {
        let office = Office::new();
        let events = some_events();
        let mut all: BTreeMap<_, _> = starts.iter().enumerate().map(|(n, length)| {
            let case = life()[..*length].iter().fold(Case::begin(), |case, event| case.next(event, t(20), &office.rules).unwrap());
            (id(n), facts(case))
        }).collect();
        let mut feed = Vec::new();
        let mut clock = 20;
        for (n, pick, wait) in steps {
            clock += i64::from(wait) * 15;
            let facts = all.get_mut(&id(n)).unwrap();
            // the next step of an ordinary life, or any other
            let event = if wait % 2 == 0 { events.iter().find(|e| facts.case.next(e, t(clock), &office.rules).is_ok()) } else { Some(pick.get(&events)) };
            if let Some(next) = event.and_then(|event| facts.case.next(event, t(clock), &office.rules).ok()) {
                facts.case = next;
            }
            let register = publish(&mut feed, &all, ALL, clock);
            let active: BTreeSet<_> = all.iter().filter(|(_, f)| f.case.state_at(t(clock)) == State::Active).map(|(id, _)| id).collect();
            prop_assert_eq!(register.lines().keys().collect::<BTreeSet<_>>(), active);
            prop_assert!(register.lines().values().all(|line| line.active && line.not_after == Some(t(500))));
        }
    }
}

fn case_after(steps: usize) -> Case {
    let office = Office::new();
    life()[..steps].iter().fold(Case::begin(), |case, event| case.next(event, t(20), &office.rules).unwrap())
}

#[test]
fn a11_what_is_shown_and_when_is_an_argument() {
    let shown = |steps, when, scenario, term| facts(case_after(steps)).line(Shown { when, scenario, term }, t(21));
    assert_eq!(shown(7, When::Active, true, true), None, "published, not active");
    let proposed = shown(7, When::Proposed, true, true).unwrap();
    assert!(!proposed.active && proposed.not_after.is_none());
    assert_eq!(shown(6, When::Proposed, true, true), None, "decided, not yet published");
    let active = shown(12, When::Active, false, false).unwrap();
    assert!(active.active && active.scenario.is_none() && active.not_before.is_none());
    assert_eq!(shown(17, When::Proposed, true, true), None, "terminated");
    assert_eq!(facts(case_after(12)).line(ALL, t(500)), None, "a4: expired by itself");
}

#[test]
fn a_feed_with_a_gap_a_fork_or_another_signer_is_refused() {
    let mut feed = Vec::new();
    for n in 0..3 {
        let all = (0..=n).map(|n| (id(n), facts(case_after(12)))).collect();
        publish(&mut feed, &all, ALL, 30);
    }
    publish(&mut feed, &BTreeMap::new(), ALL, 31);
    assert_eq!(feed.len(), 6, "three came, three left");
    let bytes = to_canonical(&feed).unwrap();
    assert_eq!(from_canonical::<Vec<Signed<FeedItem>>>(&bytes).unwrap(), feed, "canonical JSON");
    let refusal = |feed: &[Signed<FeedItem>]| Register::replay(party(AUTHORITY), feed, &ring()).unwrap_err().to_string();
    let mut gap = feed.clone();
    gap.remove(2);
    assert!(refusal(&gap).starts_with("register.gap: item 2"));
    let changed = |place: usize, change: fn(&mut FeedItem)| {
        let mut feed = feed.clone();
        let mut item = feed[place].payload.clone();
        change(&mut item);
        feed[place] = sign(item, AUTHORITY);
        refusal(&feed)
    };
    assert!(changed(1, |item| item.at = t(29)).starts_with("register.time"));
    assert!(changed(1, |item| item.at = t(31)).starts_with("register.fork: item 2"));
    assert!(changed(1, |item| item.previous = None).starts_with("register.fork: item 1"));
    assert!(changed(4, |item| item.authorisation = id(9)).starts_with("register.unknown"));
    assert!(changed(0, |item| item.authority = party(BANK)).starts_with("register.authority"));
    let mut foreign = feed.clone();
    foreign[0] = sign(feed[0].payload.clone(), STRANGER);
    assert!(refusal(&foreign).contains("is missing"));
}

#[test]
fn a12_a_filing_package_verifies_offline() {
    let names = ["report", "scenario", "agreement", "opinion", "minutes"];
    let required: BTreeSet<String> = names.map(str::to_owned).into();
    let files: BTreeMap<String, Vec<u8>> = names.map(|name| (name.to_owned(), format!("text of the {name}").into_bytes())).into();
    let package = FilingPackage {
        v: 1,
        authorisation: id(1),
        authority: party(AUTHORITY),
        through: None,
        documents: files.iter().map(|(name, bytes)| (name.clone(), Hash::of_file(bytes))).collect(),
        at: t(100),
    };
    let signed = sign(package.clone(), AUTHORITY);
    let says = |signed: &Signed<FilingPackage>, files: &BTreeMap<String, Vec<u8>>| {
        FilingPackage::verify(signed, files, &required, &ring()).map_or_else(|error| error.to_string(), |_| "fine".into())
    };
    assert_eq!(says(&signed, &files), "fine");
    for name in names {
        let mut less = files.clone();
        less.remove(name);
        assert_eq!(says(&signed, &less), format!("filing.missing: {name}"));
        let mut other = files.clone();
        other.get_mut(name).unwrap().push(b'!');
        assert!(says(&signed, &other).starts_with(&format!("filing.altered: `{name}`")));
        let mut unlisted = package.clone();
        unlisted.documents.remove(name);
        assert!(says(&sign(unlisted, AUTHORITY), &files).starts_with("filing.missing"));
    }
    let mut more = files.clone();
    more.insert("letter".into(), Vec::new());
    assert!(says(&signed, &more).starts_with("filing.surplus"));
    assert!(says(&sign(package.clone(), STRANGER), &files).contains("is missing"));
    let through = FilingPackage { through: Some(party(PLATFORM)), ..package.clone() };
    let mut county = sign(through, AUTHORITY);
    assert!(says(&county, &files).contains("is missing"), "a county files through the city");
    county.add_signature(PLATFORM, &key(PLATFORM)).unwrap();
    assert_eq!(says(&county, &files), "fine");
    let receipt =
        Receipt { v: 1, package: document_hash(&package).unwrap(), receiver: party(HEALTH), number: "2026-17".into(), at: t(101) };
    let check = |receipt: &Receipt, signer| Receipt::verify(&sign(receipt.clone(), signer), &package, &party(HEALTH), &ring());
    assert_eq!(check(&receipt, HEALTH).unwrap(), document_hash(&receipt).unwrap());
    assert!(check(&receipt, BANK).is_err());
    assert!(check(&Receipt { package: hash("other"), ..receipt.clone() }, HEALTH).unwrap_err().to_string().starts_with("receipt.other"));
    assert!(check(&Receipt { number: " ".into(), ..receipt.clone() }, HEALTH).is_err());
    assert!(check(&Receipt { at: t(99), ..receipt }, HEALTH).is_err());
}

#[test]
fn a30_only_misconduct_goes_to_the_credit_file() {
    let office = Office::new();
    let mut here = Replayed::new(OBJECT);
    for event in &life()[..16] {
        here = office.step(&here, event.clone(), 20).0;
    }
    let (_, signed) = office.step(&here, Event::Terminate { cause: Cause::Breach }, 90);
    let record = CreditRecord::from_arrow(&signed.payload, party(AUTHORITY), "bank").unwrap();
    assert_eq!((record.decision, record.evidence), (document_hash(&signed.payload).unwrap(), hash("evidence")));
    assert_eq!(record.cause_zh, "违反协议");
    sign(record, AUTHORITY).verify(&ring(), &[AUTHORITY]).unwrap();
    for cause in [Cause::AtRequest, Cause::LawChanged, Cause::ParentRevoked] {
        let (_, signed) = office.step(&here, Event::Terminate { cause }, 90);
        assert!(CreditRecord::from_arrow(&signed.payload, party(AUTHORITY), "bank").is_err());
    }
    let (_, signed) = office.step(&here, Event::PlanOut, 90);
    assert!(CreditRecord::from_arrow(&signed.payload, party(AUTHORITY), "bank").is_err());
}
