//! Consent of subjects: forms, records, instants, retention, sensitive columns and sets, assertions of a service.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use yu_governance::catalogue::{CatalogueEntry, Class, Subjects};
use yu_governance::clock::Time;
use yu_governance::consent::assertion::{AssertionLimits, AssertionVerifier, Expected, UserAssertion};
use yu_governance::consent::book::{ConsentBook, InstantQuery};
use yu_governance::consent::delivery::{Delivery, SensitiveSets};
use yu_governance::consent::draft::{Choice, Condition, ConsentForm, FormItem};
use yu_governance::consent::protect::{Need, Protection, SensitiveRules};
use yu_governance::consent::record::{ConsentEvidence, ConsentRecord, ConsentRevocation, SubjectRef};
use yu_governance::id::{ColumnSet, DatasetId, Purpose, Scenario, document_hash};
use yu_governance::sign::{Signed, SigningKey};

use crate::catalogue::{Named, codes};
use crate::world::{BANK, HEALTH, STRANGER, World, dataset, hash, party, ring, set, sign};

const SALT: [u8; 32] = [7; 32];

fn t(seconds: i64) -> Time {
    Time::from_unix(1_790_000_000 + seconds)
}

fn scenario(name: &str) -> Scenario {
    Scenario::new(name).unwrap()
}

fn form() -> ConsentForm {
    let item = |name: &str| FormItem { column: name.into(), choice: Choice::Separate, condition: Condition::Free };
    ConsentForm {
        dataset: dataset(0),
        subject: SubjectRef::new(&SALT, &dataset(0), "a"),
        scenarios: vec![scenario("credit")],
        purposes: vec![Purpose::new("statistics").unwrap()],
        items: vec![item("id"), item("cost")],
        not_before: t(0),
        not_after: t(1_000),
        evidence: ConsentEvidence::Signed { document: hash("form") },
        attester: party(HEALTH),
        at: t(0),
    }
}

fn record(subject: &str) -> ConsentRecord {
    let form = ConsentForm { subject: SubjectRef::new(&SALT, &dataset(0), subject), ..form() };
    form.complete(&set(&[])).unwrap()
}

fn query(items: &[&str], at: Time) -> InstantQuery {
    InstantQuery { dataset: dataset(0), scenario: scenario("credit"), purpose: Purpose::new("statistics").unwrap(), items: set(items), at }
}

fn book(records: &[ConsentRecord]) -> ConsentBook {
    let mut book = ConsentBook::new(BTreeSet::from([party(HEALTH)]));
    for record in records {
        book.add(&sign(record.clone(), HEALTH), &ring()).unwrap();
    }
    book
}

fn revocation(record: &ConsentRecord, at: Time) -> Signed<ConsentRevocation> {
    let consent = document_hash(record).unwrap();
    sign(ConsentRevocation { v: 1, consent, by: party(HEALTH), document: hash("withdrawal"), at }, HEALTH)
}

#[test]
fn a15_bundled_and_forced_consent_is_refused_by_name() {
    let refused = |change: fn(&mut ConsentForm)| {
        let mut f = form();
        change(&mut f);
        codes(&f.complete(&set(&["id"])).unwrap_err()).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(refused(|f| f.scenarios.push(scenario("insurance"))), ["consent.two-scenarios"]);
    assert_eq!(refused(|f| f.scenarios.clear()), ["consent.no-scenario"]);
    assert_eq!(refused(|f| f.purposes.push(Purpose::new("training").unwrap())), ["consent.two-purposes"]);
    assert_eq!(refused(|f| f.items[1].choice = Choice::Together), ["consent.bundled"]);
    assert_eq!(refused(|f| f.items[1].condition = Condition::OfService), ["consent.forced"]);
    assert_eq!(refused(|f| f.items[1].column = "id".into()), ["consent.items-malformed"]);
    assert_eq!(refused(|f| f.items.clear()), ["consent.no-items"]);
    assert_eq!(refused(|f| f.not_after = f.not_before), ["consent.term"]);
    let all = refused(|f| {
        f.scenarios.push(scenario("insurance"));
        f.items.iter_mut().for_each(|i| (i.choice, i.condition) = (Choice::Together, Condition::OfService));
    });
    assert_eq!(all, ["consent.two-scenarios", "consent.bundled", "consent.bundled", "consent.forced"], "all at once");
    // an item that the scenario cannot do without may be a condition of it
    let mut f = form();
    f.items[0].condition = Condition::OfService;
    assert!(f.complete(&set(&["id"])).is_ok());
    // and the record that results has room for one scenario only
    let mut json = serde_json::to_value(record("a")).unwrap();
    json["scenario"] = serde_json::json!(["credit", "insurance"]);
    assert!(serde_json::from_value::<ConsentRecord>(json).is_err());
}

#[test]
fn a15_p2_a_subject_stands_as_a_salted_reference() {
    let (a, other) = (SubjectRef::new(&SALT, &dataset(0), "CANARY"), DatasetId::new("dev/health/other").unwrap());
    assert_eq!(a, SubjectRef::new(&SALT, &dataset(0), "CANARY"));
    assert_ne!(a, SubjectRef::new(&[8; 32], &dataset(0), "CANARY"), "the salt matters");
    assert_ne!(a, SubjectRef::new(&SALT, &other, "CANARY"), "two data sets cannot be linked");
    assert_ne!(a, SubjectRef::new(&SALT, &dataset(0), "CANARY2"));
    let written = serde_json::to_string(&record("CANARY")).unwrap() + &format!("{:?}{:?}", record("CANARY"), book(&[record("CANARY")]));
    assert!(!written.contains("CANARY"));
}

#[test]
fn a15_only_proven_records_enter() {
    let mut book = book(&[]);
    assert_eq!(codes(&book.add(&sign(record("a"), STRANGER), &ring()).unwrap_err()), ["consent.signature"]);
    let foreign = ConsentRecord { attester: party(BANK), ..record("a") };
    assert_eq!(codes(&book.add(&sign(foreign, BANK), &ring()).unwrap_err()), ["consent.attester-unknown"]);
    let mut altered = sign(record("a"), HEALTH);
    altered.payload.items = set(&["id", "cost", "visits"]);
    assert_eq!(codes(&book.add(&altered, &ring()).unwrap_err()), ["consent.signature"]);
    let empty = ConsentRecord { items: ColumnSet::default(), ..record("a") };
    assert_eq!(codes(&book.add(&sign(empty, HEALTH), &ring()).unwrap_err()), ["consent.no-items"]);
    let backwards = ConsentRecord { at: t(1), ..record("a") };
    assert_eq!(codes(&book.add(&sign(backwards, HEALTH), &ring()).unwrap_err()), ["consent.backwards"], "consent is given first");
    let unknown = revocation(&record("a"), t(5));
    book.add(&sign(record("a"), HEALTH), &ring()).unwrap();
    let mut forged = unknown.clone();
    forged.payload.at = t(1);
    assert_eq!(codes(&book.revoke(&forged, &ring()).unwrap_err()), ["consent.signature"]);
    assert_eq!(book.len(), 1);
}

#[test]
fn a15_the_set_of_an_instant() {
    let (a, b) = (record("a"), record("b"));
    let other = ConsentRecord { scenario: scenario("insurance"), ..record("c") };
    let mut book = book(&[a.clone(), b.clone(), other]);
    let set_at = |book: &ConsentBook, items: &[&str], at| book.set_at(query(items, at)).unwrap();
    assert_eq!(set_at(&book, &["cost"], t(0)).len(), 2);
    assert_eq!(set_at(&book, &["cost"], t(999)).len(), 2);
    assert!(set_at(&book, &["cost"], t(-1)).is_empty(), "not yet");
    assert!(set_at(&book, &["cost"], t(1_000)).is_empty(), "no longer");
    assert!(set_at(&book, &["cost", "visits"], t(1)).is_empty(), "an item beyond the consent");
    assert_eq!(codes(&book.set_at(query(&[], t(1))).unwrap_err()), ["consent.no-items"]);
    // revocation: out of the next set, still in one of before
    let before = set_at(&book, &["cost"], t(499));
    book.revoke(&revocation(&a, t(500)), &ring()).unwrap();
    let hash_a = document_hash(&a).unwrap();
    assert!(book.valid_at(&hash_a, t(499)) && !book.valid_at(&hash_a, t(500)));
    assert_eq!(set_at(&book, &["cost"], t(500)).len(), 1);
    assert_eq!(set_at(&book, &["cost"], t(499)), before);
    // a later revocation does not revive, an earlier one counts; neither does the same record again
    book.revoke(&revocation(&a, t(900)), &ring()).unwrap();
    book.add(&sign(a.clone(), HEALTH), &ring()).unwrap();
    assert!(!book.valid_at(&hash_a, t(500)));
    book.revoke(&revocation(&a, t(100)), &ring()).unwrap();
    assert!(!book.valid_at(&hash_a, t(100)));
    // the hash follows question and records
    let now = set_at(&book, &["cost"], t(600));
    assert_eq!(now.hash(), set_at(&book, &["cost"], t(600)).hash());
    assert_ne!(now.hash(), set_at(&book, &["cost"], t(601)).hash());
    assert_ne!(now.hash(), set_at(&book, &["id"], t(600)).hash());
    book.revoke(&revocation(&b, t(550)), &ring()).unwrap();
    assert_ne!(now.hash(), set_at(&book, &["cost"], t(600)).hash());
}

#[test]
fn l7_records_outlive_the_consent_under_a_lock() {
    let a = record("a");
    let id = document_hash(&a).unwrap();
    let mut book = book(std::slice::from_ref(&a));
    let day: Time = "2026-11-10T12:00:00Z".parse().unwrap();
    assert!(day > a.not_after, "expired by then");
    assert_eq!(codes(&book.delete(&hash("no such"), 6, day).unwrap_err()), ["consent.missing"]);
    assert_eq!(codes(&book.delete(&id, 6, t(10)).unwrap_err()), ["consent.still-valid"]);
    book.revoke(&revocation(&a, "2026-09-22T00:00:00Z".parse().unwrap()), &ring()).unwrap();
    let ended = a.not_after.min("2026-09-22T00:00:00Z".parse().unwrap());
    let found = book.delete(&id, 6, day).unwrap_err();
    assert_eq!(codes(&found), ["consent.retention-locked"]);
    let until: Time = format!("2027-03-{}", &ended.to_string()[8..]).parse().unwrap();
    assert!(found[0].what.en.contains(&until.to_string()), "{}", found[0]);
    assert_eq!(codes(&book.delete(&id, 6, until.plus_seconds(-1)).unwrap_err()), ["consent.retention-locked"]);
    assert_eq!(book.len(), 1, "kept, although revoked and expired");
    book.delete(&id, 6, until).unwrap();
    assert!(book.is_empty());
}

#[test]
fn a15_l7_a_revoked_consent_never_comes_back() {
    let a = record("a");
    let id = document_hash(&a).unwrap();
    // the revocation arrives first
    let mut early = book(&[]);
    early.revoke(&revocation(&a, t(5)), &ring()).unwrap();
    assert!(early.is_empty());
    early.add(&sign(a.clone(), HEALTH), &ring()).unwrap();
    assert!(early.valid_at(&id, t(4)) && !early.valid_at(&id, t(5)));
    // deleted, and sent again with its old signature
    for revoked in [true, false] {
        let mut book = book(std::slice::from_ref(&a));
        if revoked {
            book.revoke(&revocation(&a, t(5)), &ring()).unwrap();
        }
        book.delete(&id, 0, t(1_000)).unwrap();
        assert!(book.is_empty());
        book.add(&sign(a.clone(), HEALTH), &ring()).unwrap();
        assert_eq!(book.valid_at(&id, t(999)), !revoked);
        assert_eq!(book.set_at(query(&["cost"], t(999))).unwrap().len(), usize::from(!revoked));
    }
}

fn rules(need: Need) -> SensitiveRules {
    SensitiveRules {
        personal: need,
        sensitive_personal: need,
        trade_secret: need,
        points_at_persons: Need::Nothing,
        points_at_legal_persons: Need::Nothing,
    }
}

fn entry() -> CatalogueEntry {
    World::new().entries[0].clone()
}

fn decide(rules: &SensitiveRules, entry: &CatalogueEntry, recipes: &[&str], consented: &[&str]) -> Vec<String> {
    let recipes: BTreeMap<String, _> = recipes.iter().map(|c| ((*c).to_owned(), hash("recipe"))).collect();
    let consented = set(consented);
    let given = Protection { recipes: &recipes, consented: &consented };
    match rules.decide(entry, &set(&["cost", "visits"]), &given) {
        Ok(()) => Vec::new(),
        Err(found) => found.iter().map(|f| format!("{} {}", f.code, f.what.en)).collect(),
    }
}

#[test]
fn a16_every_need_against_every_protection() {
    // ZJ and ZW: either; ZZ: consent; a recipe only; both
    let table = [
        (Need::Nothing, [true, true, true, true]),
        (Need::Either, [false, true, true, true]),
        (Need::Recipe, [false, true, false, true]),
        (Need::Consent, [false, false, true, true]),
        (Need::Both, [false, false, false, true]),
    ];
    let both: &[&str] = &["cost", "visits"];
    let given: [(&[&str], &[&str]); 4] = [(&[], &[]), (both, &[]), (&[], both), (both, both)];
    for (need, passes) in table {
        for ((recipes, consented), passes) in given.iter().zip(passes) {
            let found = decide(&rules(need), &entry(), recipes, consented);
            assert_eq!(found.is_empty(), passes, "{need:?} {recipes:?} {consented:?}");
            assert!(passes || found.len() == 2, "every column is named: {found:?}");
        }
    }
    let found = decide(&rules(Need::Either), &entry(), &["cost"], &[]);
    assert_eq!(found.len(), 1);
    assert!(found[0].contains("`visits`") && found[0].contains("neither"), "{found:?}");
}

#[test]
fn a16_data_that_point_at_a_person_always_need_consent_under_nb() {
    let nb = SensitiveRules { points_at_persons: Need::Consent, points_at_legal_persons: Need::Consent, ..rules(Need::Either) };
    let mut e = entry();
    // even general columns, even desensitised ones
    e.items.iter_mut().for_each(|c| c.class = Class::General);
    let both = ["cost", "visits"];
    assert_eq!(decide(&nb, &e, &both, &["cost"]).len(), 1);
    assert!(decide(&nb, &e, &[], &both).is_empty());
    e.subjects = Subjects::LegalPersons;
    assert_eq!(decide(&nb, &e, &both, &[]).len(), 2);
    e.subjects = Subjects::None;
    assert!(decide(&nb, &e, &[], &[]).is_empty());
    // needs add up: a class that wants a recipe in a set that wants consent wants both
    let strict = SensitiveRules { personal: Need::Recipe, ..nb };
    assert_eq!(decide(&strict, &entry(), &both, &[]).len(), 2);
    assert_eq!(decide(&strict, &entry(), &[], &both).len(), 2);
    assert!(decide(&strict, &entry(), &both, &both).is_empty());
}

#[test]
fn a16_a6_prohibited_and_unknown_columns_are_no_matter_of_consent() {
    let both = ["cost", "visits"];
    let mut e = entry();
    e.items[1].class = Class::Prohibited;
    e.items.remove(2);
    let found = decide(&rules(Need::Nothing), &e, &both, &both);
    assert!(found[0].starts_with("columns.prohibited") && found[1].starts_with("columns.beyond-catalogue"), "{found:?}");
}

#[test]
fn a16_needs_never_weaken_by_adding() {
    const ALL: [Need; 5] = [Need::Nothing, Need::Either, Need::Recipe, Need::Consent, Need::Both];
    let passes = |need: Need, i: usize| {
        let given: [(&[&str], &[&str]); 4] =
            [(&[], &[]), (&["cost", "visits"], &[]), (&[], &["cost", "visits"]), (&["cost", "visits"], &["cost", "visits"])];
        decide(&rules(need), &entry(), given[i].0, given[i].1).is_empty()
    };
    for a in ALL {
        for b in ALL {
            assert_eq!(a.and(b), b.and(a));
            for i in 0..4 {
                assert_eq!(passes(a.and(b), i), passes(a, i) && passes(b, i), "{a:?} {b:?} {i}");
            }
        }
    }
}

#[test]
fn a15_a_sensitive_set_is_applied_by_psi_only() {
    let set_at = |items: &[&str]| book(&[record("a"), record("b")]).set_at(query(items, t(1))).unwrap();
    let hash = set_at(&["cost"]).hash();
    let none = SensitiveSets::default();
    let Delivery::Plain(plain) = none.mark(set_at(&["cost"]), &entry()) else { panic!("nothing is sensitive") };
    assert_eq!(plain.hash(), hash);
    let mask = plain.filter(&[Some("a"), Some("x"), None, Some("b")], &SALT);
    assert_eq!((mask.as_slice(), mask.kept()), (&[true, false, false, true][..], 2));
    assert_eq!(plain.filter(&[Some("a")], &[0; 32]).kept(), 0, "another salt knows nobody");
    let marks = [
        SensitiveSets { classes: BTreeSet::from([Class::Personal]), ..none.clone() },
        SensitiveSets { scenarios: BTreeSet::from([scenario("credit")]), ..none.clone() },
    ];
    for sensitive in marks {
        let Delivery::ByPsi(set) = sensitive.mark(set_at(&["cost"]), &entry()) else { panic!("must go by PSI") };
        assert_eq!(set.hash(), hash);
        assert_eq!(set.into_psi_input().len(), 2);
    }
    let mut narrow = entry();
    narrow.items.retain(|c| c.name != "cost");
    assert!(matches!(none.mark(set_at(&["cost"]), &narrow), Delivery::ByPsi(_)), "what is not described counts as sensitive");
}

const SERVICE: &str = "https://auth.example.gov";

fn service_key() -> SigningKey {
    SigningKey::from_bytes(&[9; 32])
}

fn verifier() -> AssertionVerifier {
    let limits = AssertionLimits { max_life_seconds: 300, skew_seconds: 5, max_nonces: 3 };
    AssertionVerifier::new(SERVICE, service_key().public(), limits).unwrap()
}

fn assertion() -> UserAssertion {
    UserAssertion {
        v: 1,
        iss: SERVICE.into(),
        sub: SubjectRef::new(&SALT, &dataset(0), "a"),
        aud: scenario("credit"),
        dataset: dataset(0),
        purpose: Purpose::new("statistics").unwrap(),
        items: set(&["id", "cost"]),
        iat: t(0),
        exp: t(300),
        nonce: "00112233445566778899aabbccddeeff".into(),
    }
}

fn issued(a: UserAssertion) -> Signed<UserAssertion> {
    Signed::sign(a, SERVICE, &service_key()).unwrap()
}

fn accept(verifier: &mut AssertionVerifier, signed: &Signed<UserAssertion>, now: Time) -> Result<ConsentRecord, Vec<String>> {
    let (dataset, scenario, purpose, items) = (dataset(0), scenario("credit"), Purpose::new("statistics").unwrap(), set(&["cost"]));
    let expected = Expected { dataset: &dataset, scenario: &scenario, purpose: &purpose, items: &items };
    let accepted = verifier.accept(signed, &expected, now);
    accepted.map(|a| a.into_record(party(HEALTH))).map_err(|found| codes(&found).into_iter().map(str::to_owned).collect())
}

#[test]
fn a15_d10_an_assertion_becomes_a_record_of_its_term() {
    let record = accept(&mut verifier(), &issued(assertion()), t(10)).unwrap();
    assert!(record.check().is_empty());
    let id = document_hash(&record).unwrap();
    let book = book(&[record]);
    assert!(book.valid_at(&id, t(299)) && !book.valid_at(&id, t(300)));
    assert_eq!(book.set_at(query(&["cost"], t(10))).unwrap().len(), 1);
}

#[test]
fn a15_d10_a_replayed_assertion_is_refused() {
    let mut v = verifier();
    let signed = issued(assertion());
    accept(&mut v, &signed, t(10)).unwrap();
    for now in [10, 11, 299] {
        assert_eq!(accept(&mut v, &signed, t(now)).unwrap_err(), ["assertion.replayed"]);
    }
    assert_eq!(accept(&mut v, &signed, t(300)).unwrap_err(), ["assertion.expired"]);
    // the clock goes back after the nonce was forgotten
    assert_eq!(accept(&mut v, &signed, t(10)).unwrap_err(), ["assertion.expired"]);
    // the same nonce in another assertion
    let mut v = verifier();
    accept(&mut v, &issued(assertion()), t(10)).unwrap();
    let twin = UserAssertion { items: set(&["cost"]), ..assertion() };
    assert_eq!(accept(&mut v, &issued(twin), t(10)).unwrap_err(), ["assertion.replayed"]);
}

#[test]
fn a15_d10_every_mismatch_of_an_assertion_is_named() {
    let cases: Vec<Named<UserAssertion>> = vec![
        ("assertion.version-unknown", |a| a.v = 2),
        ("assertion.issuer", |a| a.iss = "https://other.example".into()),
        ("assertion.audience", |a| a.aud = Scenario::new("insurance").unwrap()),
        ("assertion.purpose", |a| a.purpose = Purpose::new("training").unwrap()),
        ("assertion.dataset", |a| a.dataset = DatasetId::new("dev/health/other").unwrap()),
        ("assertion.items", |a| a.items = set(&["id"])),
        ("assertion.not-yet", |a| (a.iat, a.exp) = (t(16), t(100))),
        ("assertion.life", |a| a.exp = t(301)),
        ("assertion.nonce", |a| a.nonce = "00".into()),
        ("assertion.nonce", |a| a.nonce = a.nonce.to_uppercase()),
    ];
    for (code, change) in cases {
        let mut a = assertion();
        change(&mut a);
        let mut v = verifier();
        assert_eq!(accept(&mut v, &issued(a), t(10)).unwrap_err(), [code]);
        // what was refused has used nothing up
        accept(&mut v, &issued(assertion()), t(10)).unwrap();
    }
    // another key, another signer, an altered assertion, another type of document
    let mut v = verifier();
    let forged = Signed::sign(assertion(), SERVICE, &SigningKey::from_bytes(&[1; 32])).unwrap();
    assert_eq!(accept(&mut v, &forged, t(10)).unwrap_err(), ["assertion.signature"]);
    let renamed = Signed::sign(assertion(), "https://other.example", &service_key()).unwrap();
    assert_eq!(accept(&mut v, &renamed, t(10)).unwrap_err(), ["assertion.signature"]);
    let mut altered = issued(assertion());
    altered.payload.exp = t(299);
    assert_eq!(accept(&mut v, &altered, t(10)).unwrap_err(), ["assertion.signature"]);
    assert_eq!(accept(&mut v, &Signed::unsigned(assertion()), t(10)).unwrap_err(), ["assertion.signature"]);
}

#[test]
fn a15_d10_memory_for_nonces_is_bounded() {
    let mut v = verifier();
    let nth = |n: u8, iat, exp| issued(UserAssertion { nonce: format!("{n:032x}"), iat: t(iat), exp: t(exp), ..assertion() });
    for n in 0..3 {
        accept(&mut v, &nth(n, 0, 100), t(10)).unwrap();
    }
    assert_eq!(accept(&mut v, &nth(3, 0, 100), t(10)).unwrap_err(), ["assertion.busy"]);
    accept(&mut v, &nth(3, 0, 200), t(100)).unwrap();
}

proptest! {
    /// The set of an instant is what a plain loop over records and revocations gives.
    #[test]
    fn a15_instants_agree_with_a_plain_loop(
        terms in proptest::collection::vec((0_i64..20, 1_i64..20, proptest::option::of(0_i64..40), 0_usize..4), 0..12), now in 0_i64..40,
    ) {
        let subjects = ["a", "b", "c", "d"];
        let mut book = book(&[]);
        let mut expected = BTreeSet::new();
        for (i, (from, life, revoked, subject)) in terms.iter().enumerate() {
            // the time it was given makes every record another one
            let r = ConsentRecord { not_before: t(*from), not_after: t(from + life), at: t(-(i64::try_from(i).unwrap())), ..record(subjects[*subject]) };
            book.add(&sign(r.clone(), HEALTH), &ring()).unwrap();
            if let Some(at) = revoked {
                book.revoke(&revocation(&r, t(*at)), &ring()).unwrap();
            }
            if *from <= now && now < from + life && revoked.is_none_or(|at| now < at) {
                expected.insert(subject);
            }
        }
        prop_assert_eq!(book.set_at(query(&["cost"], t(now))).unwrap().len(), expected.len());
    }
}
