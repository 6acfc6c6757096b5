//! Reviewers see a dossier for the review only; the operator is selected fairly; it is supplied only with what it applied for.

use std::collections::{BTreeMap, BTreeSet};

use yu_governance::authorisation::Authorisation;
use yu_governance::canonical::Hash;
use yu_governance::conduct::selection::Fairness;
use yu_governance::conduct::*;
use yu_governance::finding::Checked;
use yu_governance::grant::{Grant, Kind, Scope};
use yu_governance::id::{DatasetId, PartyName, Scenario, document_hash};
use yu_governance::sign::{KeyRing, Signed};
use yu_governance::supply::operator::*;
use yu_governance::text::Text;
use yu_governance::workflow::Role;

use super::machines::{Refusal, t, why};
use super::world::{AUTHORITY, BANK, HEALTH, PLATFORM, STRANGER, World, at, dataset, hash, key, party, sign};

const GOVERNMENT: &str = "yu://dev/government/node1";
const JUDGES: [&str; 5] =
    ["yu://dev/judge1/desk", "yu://dev/judge2/desk", "yu://dev/judge3/desk", "yu://dev/judge4/desk", "yu://dev/judge5/desk"];

fn ring() -> KeyRing {
    let mut ring = super::world::ring();
    for name in JUDGES.iter().chain(&[GOVERNMENT]) {
        ring.insert(name, key(name).public()).unwrap();
    }
    ring
}

fn codes<T: std::fmt::Debug>(checked: Checked<T>) -> Vec<String> {
    let found = checked.unwrap_err();
    assert!(found.iter().all(|f| !f.what.is_blank() && !f.remedy.is_blank() && !f.party.is_empty()));
    found.into_iter().map(|f| f.code).collect()
}

fn by<T: yu_governance::sign::SignedType + Clone>(payload: &T, signers: &[&str]) -> Signed<T> {
    let mut signed = Signed::unsigned(payload.clone());
    signers.iter().for_each(|name| signed.add_signature(name, &key(name)).unwrap());
    signed
}

fn pass() -> Pass {
    Pass {
        v: 1,
        application: hash("application"),
        office: party(AUTHORITY),
        reviewer: party(HEALTH),
        role: Role::Provider,
        documents: [hash("plan"), hash("audit report")].into(),
        from: t(10),
        until: t(100),
    }
}

fn room() -> ReadingRoom {
    let mut room = ReadingRoom::new(hash("application"), party(BANK));
    room.admit(&by(&pass(), &[AUTHORITY, HEALTH]), &[party(AUTHORITY)], &ring()).unwrap();
    room
}

#[test]
fn a29_after_the_decision_the_dossier_is_closed() {
    let mut room = room();
    let read = |room: &mut ReadingRoom, at| room.read(&party(HEALTH), hash("plan"), hash("application"), t(at));
    read(&mut room, 20).unwrap();
    room.decided(&party(HEALTH), t(30));
    assert_eq!(codes(read(&mut room, 31)), ["reading.closed"]);
    assert_eq!(codes(read(&mut room, 25)), ["reading.closed"], "dating a reading back opens no door");
    assert_eq!(codes(room.admit(&by(&pass(), &[AUTHORITY, HEALTH]), &[party(AUTHORITY)], &ring())), ["reading.closed"], "the old pass");
    let mut other = self::room();
    other.close(t(40));
    assert_eq!(codes(read(&mut other, 50)), ["reading.closed"], "whatever the outcome");
    assert_eq!(room.log().len(), 1);
}

#[test]
fn a29_a_pass_is_for_one_review_one_reader_and_named_documents() {
    let mut room = room();
    let mut read = |who: &str, document: &str, purpose: &str, at| room.read(&party(who), hash(document), hash(purpose), t(at));
    assert_eq!(codes(read(PLATFORM, "plan", "application", 20)), ["reading.no-pass"]);
    assert_eq!(codes(read(HEALTH, "plan", "own tender", 20)), ["reading.purpose"]);
    assert_eq!(codes(read(HEALTH, "price list", "application", 20)), ["reading.document"]);
    assert_eq!(codes(read(HEALTH, "plan", "application", 9)), ["reading.term"]);
    assert_eq!(codes(read(HEALTH, "plan", "application", 100)), ["reading.term"]);
    let cases: [Refusal<Pass>; 5] = [
        ("reading.pass", |p| p.application = hash("another")),
        ("reading.pass", |p| p.documents.clear()),
        ("reading.pass", |p| p.until = p.from),
        ("reading.office", |p| p.office = party(PLATFORM)),
        ("reading.interest", |p| p.reviewer = party(BANK)),
    ];
    for (code, spoil) in cases {
        let mut bad = pass();
        spoil(&mut bad);
        let signed = by(&bad, &[bad.office.as_str(), bad.reviewer.as_str()]);
        let mut room = ReadingRoom::new(hash("application"), party(BANK));
        assert_eq!(codes(room.admit(&signed, &[party(AUTHORITY)], &ring())), [code]);
    }
    let mut room = self::room();
    let wider = Pass { documents: [hash("everything")].into(), ..pass() };
    assert_eq!(codes(room.admit(&by(&wider, &[AUTHORITY, HEALTH]), &[party(AUTHORITY)], &ring())), ["reading.twice"]);
    let no_undertaking = by(&pass(), &[AUTHORITY]);
    assert_eq!(codes(room.admit(&no_undertaking, &[party(AUTHORITY)], &ring())), ["reading.signature"]);
}

#[test]
fn a29_a_copy_names_its_reader_and_later_use_is_found() {
    let mut room = room();
    let one = room.read(&party(HEALTH), hash("plan"), hash("application"), t(20)).unwrap();
    let two = room.read(&party(HEALTH), hash("plan"), hash("application"), t(21)).unwrap();
    assert_ne!(one.mark, two.mark);
    assert_eq!(room.whose(&one.mark).unwrap().reviewer, party(HEALTH));
    assert!(room.whose(&hash("made up")).is_none());
    let later = |who: &str, document: &str, at| room.used_elsewhere(&[(party(who), BTreeSet::from([hash(document)]), t(at))], 12).len();
    assert_eq!(later(HEALTH, "plan", 1_000), 1);
    assert_eq!(later(HEALTH, "own plan", 1_000), 0);
    assert_eq!(later(PLATFORM, "plan", 1_000), 0);
    assert_eq!(later(HEALTH, "plan", 400 * 86_400), 0, "after the period");
}

fn adoption() -> Adoption {
    Adoption { v: 1, plan: hash("plan"), minutes: hash("minutes"), government: party(GOVERNMENT), at: t(5) }
}

fn selection() -> Selection {
    let bid = |name: &str, points: u32| {
        let points = JUDGES.iter().map(|judge| (party(judge), points)).collect();
        (name.to_owned(), Bid { bid: hash(name), at: t(20), points })
    };
    Selection {
        v: 1,
        adoption: document_hash(&adoption()).unwrap(),
        manner: Manner::OpenTender,
        authority: party(AUTHORITY),
        window: (t(10), t(30)),
        bids: [bid("platform", 80), bid("bank", 79), bid("stranger", 60)].into(),
        judges: JUDGES.map(party).into(),
        selected: "platform".into(),
        at: t(40),
    }
}

fn root() -> Grant {
    let Authorisation { id, purpose, datasets, .. } = World::new().authorisation;
    let scope = Scope {
        datasets: datasets.into_iter().map(|grant| (grant.dataset, grant.columns)).collect(),
        purposes: [purpose].into(),
        quota: BTreeMap::new(),
        not_before: t(50),
        not_after: t(500),
    };
    Grant { v: 1, id, parent: None, grantor: party(AUTHORITY), grantee: "platform".into(), kind: Kind::Root, scope }
}

fn select(selection: &Selection, adoption: &Adoption, grant: &Grant) -> Checked<Hash> {
    let judges: Vec<&str> = selection.judges.iter().map(PartyName::as_str).collect();
    let signers = [vec![selection.authority.as_str()], judges].concat();
    let adoption = by(adoption, &[adoption.government.as_str()]);
    Selection::verify(&by(selection, &signers), &adoption, grant, &[party(GOVERNMENT)], Fairness::DEFAULT, &ring())
}

#[test]
fn a26_the_root_grant_rests_on_a_plan_and_a_fair_selection() {
    assert_eq!(select(&selection(), &adoption(), &root()).unwrap(), document_hash(&selection()).unwrap());
    let cases: [Refusal<Selection>; 11] = [
        ("selection.plan", |s| s.adoption = hash("another plan")),
        ("selection.plan", |s| s.at = t(29)),
        ("selection.bids", |s| s.bids.retain(|bidder, _| bidder != "stranger")),
        ("selection.points", |s| s.bids.values_mut().next().unwrap().points.clear()),
        ("selection.points", |s| *s.bids.get_mut("platform").unwrap().points.values_mut().next().unwrap() = 101),
        ("selection.late", |s| s.bids.get_mut("bank").unwrap().at = t(30)),
        ("selection.late", |s| s.bids.get_mut("bank").unwrap().at = t(9)),
        ("selection.winner", |s| *s.bids.get_mut("bank").unwrap().points.values_mut().next().unwrap() = 84),
        ("selection.winner", |s| s.bids.get_mut("bank").unwrap().points.values_mut().for_each(|p| *p = 90)),
        ("selection.interest", |s| {
            let bid = s.bids["stranger"].clone();
            s.bids.insert("judge3".into(), bid);
        }),
        ("selection.interest", |s| {
            let bid = s.bids["stranger"].clone();
            s.bids.insert("authority".into(), bid);
        }),
    ];
    for (code, spoil) in cases {
        let mut bad = selection();
        spoil(&mut bad);
        assert_eq!(codes(select(&bad, &adoption(), &root())), [code]);
    }
    let friends: [Refusal<Grant>; 4] = [
        ("selection.grant", |g| g.grantee = "bank".into()),
        ("selection.grant", |g| g.kind = Kind::Delegation),
        ("selection.grant", |g| g.grantor = party(PLATFORM)),
        ("selection.grant", |g| g.scope.not_before = t(39)),
    ];
    for (code, spoil) in friends {
        let mut bad = root();
        spoil(&mut bad);
        assert_eq!(codes(select(&selection(), &adoption(), &bad)), [code]);
    }
    let own = Adoption { government: party(AUTHORITY), ..adoption() };
    let mut rests_on_own = selection();
    rests_on_own.adoption = document_hash(&own).unwrap();
    assert_eq!(codes(select(&rests_on_own, &own, &root())), ["selection.plan"], "the authority does not adopt its own plan");
    let unsigned = by(&selection(), &[AUTHORITY]);
    let adopted = by(&adoption(), &[GOVERNMENT]);
    let checked = Selection::verify(&unsigned, &adopted, &root(), &[party(GOVERNMENT)], Fairness::DEFAULT, &ring());
    assert_eq!(codes(checked), ["selection.signature"], "every judge signs");
    let mut few = selection();
    few.judges = BTreeSet::from([party(JUDGES[0])]);
    few.bids.values_mut().for_each(|bid| bid.points.retain(|judge, _| *judge == party(JUDGES[0])));
    assert_eq!(codes(select(&few, &adoption(), &root())), ["selection.judges"]);
}

fn asked() -> SupplyRequest {
    SupplyRequest {
        v: 1,
        operator: party(BANK),
        entries: [(dataset(0), hash("catalogued"))].into(),
        scenario: Scenario::new("普惠信贷").unwrap(),
        reason: why(),
        at: at("2026-01-01T00:00:00Z"),
    }
}

fn given(until: &str, decided: &str) -> SupplyDecision {
    let entries = [(dataset(0), Supply::Given { until: at(until) })].into();
    SupplyDecision { v: 1, request: document_hash(&asked()).unwrap(), authority: party(AUTHORITY), entries, at: at(decided) }
}

fn decide(supplied: &mut Supplied, request: &SupplyRequest, decision: &SupplyDecision) -> Checked<()> {
    let catalogue: BTreeMap<DatasetId, Hash> = [(dataset(0), hash("catalogued"))].into();
    let (request, decision) = (by(request, &[request.operator.as_str()]), by(decision, &[decision.authority.as_str()]));
    supplied.decide(&request, &decision, &catalogue, &[party(AUTHORITY)], &ring())
}

#[test]
fn a28_a_job_on_data_that_were_not_supplied_is_refused() {
    let world = World::new();
    let now = at("2026-06-01T08:00:00Z");
    let mut supplied = Supplied::new(party(BANK));
    let found = supplied.permits(&world.contract, now).unwrap_err();
    assert_eq!(found.len(), 1, "its own data need no supply");
    assert!(found[0].code == "supply.not-supplied" && found[0].what.en.contains("dev/health/insured"));
    decide(&mut supplied, &asked(), &given("2026-07-01T00:00:00Z", "2026-01-05T00:00:00Z")).unwrap();
    supplied.permits(&world.contract, now).unwrap();
    assert_eq!(supplied.until(&dataset(0), &asked().scenario).unwrap(), at("2026-07-01T00:00:00Z"));
    assert_eq!(codes(supplied.permits(&world.contract, at("2026-07-01T00:00:00Z"))), ["supply.not-supplied"]);
    assert_eq!(codes(supplied.permits(&world.contract, at("2026-01-04T00:00:00Z"))), ["supply.not-supplied"]);
    let mut elsewhere = world.contract.clone();
    elsewhere.scenario = Scenario::new("保险").unwrap();
    assert_eq!(codes(supplied.permits(&elsewhere, now)), ["supply.not-supplied"], "supplied for one scenario");
    // withdrawn by a later decision; replaying the older one gives nothing back
    let withdrawn = SupplyDecision {
        entries: [(dataset(0), Supply::Refused { reason: why() })].into(),
        ..given("2026-07-01T00:00:00Z", "2026-05-01T00:00:00Z")
    };
    decide(&mut supplied, &asked(), &withdrawn).unwrap();
    assert_eq!(codes(supplied.permits(&world.contract, now)), ["supply.not-supplied"]);
    assert_eq!(codes(decide(&mut supplied, &asked(), &given("2026-07-01T00:00:00Z", "2026-01-05T00:00:00Z"))), ["supply.stale"]);
}

#[test]
fn a28_only_the_authority_decides_and_on_exactly_what_was_asked() {
    let good = || given("2026-07-01T00:00:00Z", "2026-01-05T00:00:00Z");
    let cases: [Refusal<SupplyDecision>; 6] = [
        ("supply.decision", |d| d.request = hash("another")),
        ("supply.decision", |d| d.entries.clear()),
        ("supply.decision", |d| d.entries.values_mut().for_each(|s| *s = Supply::Refused { reason: Text::new("", "") })),
        ("supply.decision", |d| d.at = at("2025-12-31T00:00:00Z")),
        ("supply.authority", |d| d.authority = party(STRANGER)),
        ("supply.authority", |d| d.authority = party(BANK)),
    ];
    for (code, spoil) in cases {
        let mut bad = good();
        spoil(&mut bad);
        assert_eq!(codes(decide(&mut Supplied::new(party(BANK)), &asked(), &bad)), [code]);
    }
    let mut other = asked();
    other.entries = [(dataset(0), hash("not catalogued"))].into();
    let decision = SupplyDecision { request: document_hash(&other).unwrap(), ..good() };
    assert_eq!(codes(decide(&mut Supplied::new(party(BANK)), &other, &decision)), ["supply.catalogue"]);
    assert_eq!(codes(decide(&mut Supplied::new(party(HEALTH)), &asked(), &good())), ["supply.request"]);
    let forged = sign(good(), STRANGER);
    let request = by(&asked(), &[BANK]);
    let checked = Supplied::new(party(BANK)).decide(&request, &forged, &BTreeMap::new(), &[party(AUTHORITY)], &ring());
    assert_eq!(codes(checked), ["supply.signature"]);
}
