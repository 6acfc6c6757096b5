//! The catalogue: mandatory fields, versions, link to the data, what is closed to everybody, exchange with other catalogues.

use std::collections::{BTreeMap, BTreeSet};

use yu_governance::catalogue::changes::ChangeLog;
use yu_governance::catalogue::diff::diff;
use yu_governance::catalogue::draft::EntryDraft;
use yu_governance::catalogue::gate::{
    Act, Actor, Demand, GrantRules, LevelConsent, check_approval, check_grants, check_prohibited, check_request,
};
use yu_governance::catalogue::record::{CatalogueRecord, Freshness, Hook, Language, OriginLevel, Registration, Sample, Translation};
use yu_governance::catalogue::shelf::{Catalogue, Supply};
use yu_governance::catalogue::{CatalogueEntry, Class, Subjects};
use yu_governance::finding::Finding;
use yu_governance::id::{DatasetId, Scenario, document_hash};
use yu_governance::quality::metrics::{Counts, Metrics};
use yu_governance::sign::Signed;
use yu_governance::text::Text;

use crate::world::{AUTHORITY, HEALTH, STRANGER, World, at, dataset, hash, key, party, ring, set, sign};

pub(crate) fn codes(found: &[Finding]) -> Vec<&str> {
    found.iter().map(|f| f.code.as_str()).collect()
}

/// A change with the word or code by which it shows.
pub(crate) type Named<T> = (&'static str, fn(&mut T));

fn entry() -> CatalogueEntry {
    World::new().entries[0].clone()
}

fn metrics() -> Metrics {
    let counts = Counts {
        checked: 1_000,
        correct: 995,
        items_demanded: 4,
        items_offered: 3,
        cells_expected: 10_000,
        cells_filled: 9_990,
        updates_due: 12,
        updates_on_time: 11,
    };
    Metrics::of(&counts, at("2026-10-01T00:00:00Z")).unwrap()
}

pub(crate) fn record() -> CatalogueRecord {
    let entry = entry();
    let sample =
        Sample { dataset: DatasetId::new("dev/health/insured-sample").unwrap(), recipe: hash("recipe"), report: Some(hash("report")) };
    CatalogueRecord {
        v: 1,
        number: 1,
        previous: None,
        hook: Hook::Hooked { version: entry.version, updated_at: at("2026-10-01T00:00:00Z") },
        entry,
        language: Language::Zh,
        translation: Some(Translation { name: "visits of the insured".into(), summary: "a summary".into() }),
        level: OriginLevel::City,
        registration: Some(Registration {
            number: "NX-2026-0017".into(),
            registry: "city registry".into(),
            at: at("2026-09-01T00:00:00Z"),
        }),
        quality: Some(metrics()),
        sample: Some(Sample { report: None, ..sample.clone() }),
        simulated: Some(sample),
        at: at("2026-10-01T00:00:00Z"),
    }
}

/// The version after `before`, changed.
fn next(before: &CatalogueRecord, change: impl FnOnce(&mut CatalogueRecord)) -> CatalogueRecord {
    let mut record = before.clone();
    record.number += 1;
    record.previous = Some(document_hash(before).unwrap());
    record.at = record.at.plus_days(1);
    change(&mut record);
    record
}

fn signed(record: &CatalogueRecord) -> Signed<CatalogueRecord> {
    sign(record.clone(), HEALTH)
}

pub(crate) fn published() -> Catalogue {
    let mut catalogue = Catalogue::new();
    catalogue.publish(&signed(&record()), &ring()).unwrap();
    catalogue
}

#[test]
fn k1_each_of_the_five_is_demanded_and_all_missing_are_named_at_once() {
    let full = || {
        let e = entry();
        EntryDraft {
            dataset: Some(e.dataset),
            name: Some(e.name),
            provider: Some(e.provider),
            summary: Some(e.summary),
            items: e.items,
            update_frequency: Some("每月".into()),
            version: Some(e.version),
            rows: Some(e.rows),
            subjects: Some(e.subjects),
            subject_column: e.subject_column,
            origin: None,
            prohibited: false,
        }
    };
    assert_eq!(full().complete().unwrap(), entry(), "the Chinese word of the frequency is understood");
    let blanks: [Named<EntryDraft>; 5] = [
        ("`name`", |d| d.name = None),
        ("`provider`", |d| d.provider = None),
        ("`abstract`", |d| d.summary = Some("  ".into())),
        ("`items`", |d| d.items.clear()),
        ("`update_frequency`", |d| d.update_frequency = None),
    ];
    for (field, blank) in blanks {
        let mut draft = full();
        blank(&mut draft);
        let found = draft.complete().unwrap_err();
        assert_eq!(codes(&found), ["catalogue.field-missing"]);
        assert!(found[0].what.en.contains(field), "{}", found[0]);
    }
    // every subset of the five: as many findings as gaps, in one notice
    for subset in 0_u32..32 {
        let mut draft = full();
        blanks.iter().enumerate().filter(|(i, _)| subset >> i & 1 == 1).for_each(|(_, (_, blank))| blank(&mut draft));
        match draft.complete() {
            Ok(_) => assert_eq!(subset, 0),
            Err(found) => assert_eq!(found.len(), subset.count_ones() as usize, "{subset:b}"),
        }
    }
    assert_eq!(EntryDraft::default().complete().unwrap_err().len(), 9);
}

#[test]
fn k1_a_complete_draft_is_still_checked() {
    let mut e = entry();
    e.items[0].class = Class::Prohibited;
    let draft = EntryDraft {
        dataset: Some(e.dataset),
        name: Some(e.name),
        provider: Some(e.provider),
        summary: Some(e.summary),
        items: e.items,
        update_frequency: Some("monthly".into()),
        version: Some(e.version),
        rows: Some(1),
        subjects: Some(Subjects::Persons),
        subject_column: e.subject_column,
        ..EntryDraft::default()
    };
    assert_eq!(codes(&draft.complete().unwrap_err()), ["catalogue.prohibited"]);
}

#[test]
fn k2_versions_follow_each_other_and_carry_sentences() {
    let mut catalogue = published();
    let first = record();
    let second = next(&first, |r| {
        r.entry.rows = 2_500;
        r.entry.items.remove(4);
        r.entry.items[1].grade = 3;
        r.entry.items[2].unit = Some("次".into());
        r.entry.update_frequency = "weekly".into();
    });
    assert_eq!(catalogue.publish(&signed(&second), &ring()).unwrap(), 2);
    let sentences = catalogue.diff(&dataset(0), 1, 2).unwrap();
    assert!(sentences.iter().all(|s| !s.is_blank()));
    let en: Vec<&str> = sentences.iter().map(|s| s.en.as_str()).collect();
    assert_eq!(
        en,
        [
            "column `address` was removed",
            "the grade of column `cost` changed from `2` to `3`",
            "the unit of column `visits` changed from `-` to `次`",
            "the update frequency changed from `monthly` to `weekly`",
            "the number of rows changed from `2000` to `2500`",
        ]
    );
    assert!(sentences[1].zh.contains("分级"));
    assert!(catalogue.diff(&dataset(0), 1, 3).is_err());
    assert_eq!(catalogue.version(&dataset(0), 1), Some(&first));
    assert_eq!(catalogue.record(&dataset(0)), Some(&second));
    // the first version again, a gap, another predecessor, an unchanged version, a strange signer
    let repeated = catalogue.publish(&signed(&first), &ring()).unwrap_err();
    assert_eq!(codes(&repeated), ["catalogue.version-chain"]);
    let gap = next(&next(&second, |_| {}), |r| r.entry.rows = 3);
    assert_eq!(codes(&catalogue.publish(&signed(&gap), &ring()).unwrap_err()), ["catalogue.version-chain"]);
    let forked = next(&second, |r| r.previous = Some(hash("another")));
    assert_eq!(codes(&catalogue.publish(&signed(&forked), &ring()).unwrap_err()), ["catalogue.version-chain"]);
    let same = next(&second, |_| {});
    assert_eq!(codes(&catalogue.publish(&signed(&same), &ring()).unwrap_err()), ["catalogue.unchanged"]);
    let foreign = sign(next(&second, |r| r.entry.rows = 7), STRANGER);
    assert_eq!(codes(&catalogue.publish(&foreign, &ring()).unwrap_err()), ["catalogue.signature"]);
    assert_eq!(catalogue.revision(), 2, "nothing refused has entered");
}

#[test]
fn k2_every_field_that_changes_gives_a_sentence() {
    let changes: Vec<Named<CatalogueRecord>> = vec![
        ("name", |r| r.entry.name = "other".into()),
        ("abstract", |r| r.entry.summary = "other".into()),
        ("translation", |r| r.translation = None),
        ("added", |r| r.entry.items.push(yu_governance::catalogue::Column { name: "new".into(), ..r.entry.items[1].clone() })),
        ("type of column `cost`", |r| r.entry.items[1].kind = yu_governance::catalogue::Kind::Text),
        ("classification of column `cost`", |r| r.entry.items[1].class = Class::SensitivePersonal),
        ("order", |r| r.entry.items.swap(1, 2)),
        ("content", |r| r.entry.version = hash("other file")),
        ("subject of the rows", |r| r.entry.subjects = Subjects::LegalPersons),
        ("subject column", |r| r.entry.subject_column = Some("address".into())),
        ("prohibition", |r| r.entry.prohibited = true),
        ("level", |r| r.level = OriginLevel::Province),
        ("registration", |r| r.registration = None),
        ("link", |r| r.hook = Hook::NotHooked),
        ("quality", |r| r.quality = None),
        ("sample", |r| r.sample = None),
        ("simulated", |r| r.simulated = None),
    ];
    for (word, change) in changes {
        let sentences = diff(&record(), &next(&record(), change));
        assert_eq!(sentences.len(), 1, "{word}: {sentences:?}");
        assert!(sentences[0].en.contains(word), "{word}: {sentences:?}");
        assert!(!sentences[0].is_blank());
    }
    assert!(diff(&record(), &next(&record(), |_| {})).is_empty());
}

#[test]
fn k2_a_subscriber_gets_what_changed_and_sees_a_gap() {
    let mut catalogue = published();
    let mut before = record();
    for rows in [10, 20, 30] {
        let record = next(&before, |r| r.entry.rows = rows);
        catalogue.publish(&signed(&record), &ring()).unwrap();
        before = record;
    }
    let head = catalogue.changes_since(0).unwrap().verify(ChangeLog::genesis()).unwrap();
    for from in 0..=4 {
        let delta = catalogue.changes_since(from).unwrap();
        assert_eq!(delta.changes.len() as u64, 4 - from);
        let own = if from == 0 { ChangeLog::genesis() } else { prefix_head(&catalogue, from) };
        assert_eq!(delta.verify(own).unwrap(), head);
        for i in 0..delta.changes.len() {
            let mut short = delta.clone();
            short.changes.remove(i);
            assert!(short.verify(own).is_err(), "left out {i} after {from}");
            let mut altered = delta.clone();
            altered.changes[i].sentences.clear();
            assert!(altered.verify(own).is_err(), "altered {i} after {from}");
        }
    }
    assert!(catalogue.changes_since(1).unwrap().verify(ChangeLog::genesis()).is_err(), "another starting point");
    assert_eq!(codes(&catalogue.changes_since(5).unwrap_err()), ["catalogue.revision-future"]);
    assert_eq!(codes(&catalogue.changes_since(u64::MAX).unwrap_err()), ["catalogue.revision-future"]);
}

fn prefix_head(catalogue: &Catalogue, to: u64) -> yu_governance::canonical::Hash {
    let mut log = ChangeLog::default();
    for c in catalogue.changes_since(0).unwrap().changes.into_iter().take(usize::try_from(to).unwrap()) {
        log.append(c.subject, c.kind, c.document, c.sentences, c.at).unwrap();
    }
    log.head()
}

#[test]
fn k2_the_public_view_is_without_data() {
    let view = published().public_view();
    let json = serde_json::to_string(&view).unwrap();
    assert_eq!(view[0].registration.as_deref(), Some("NX-2026-0017"));
    assert!(view[0].has_sample && view[0].has_simulated);
    assert_eq!(view[0].name.en, "visits of the insured");
    assert!(!json.contains("sha-256"), "no hash of content, recipe or report");
}

#[test]
fn a21_supply_is_withdrawn_and_resumed() {
    let mut catalogue = published();
    let (id, reason, now) = (dataset(0), Text::new("wrong rows", "数据有误"), at("2026-11-01T00:00:00Z"));
    assert_eq!(codes(&catalogue.restore(&id, now).unwrap_err()), ["catalogue.available"]);
    assert_eq!(codes(&catalogue.withdraw(&id, Text::new("x", ""), now).unwrap_err()), ["catalogue.reason-missing"]);
    assert_eq!(codes(&catalogue.withdraw(&dataset(1), reason.clone(), now).unwrap_err()), ["catalogue.missing"]);
    assert_eq!(catalogue.withdraw(&id, reason.clone(), now).unwrap(), 2);
    assert!(catalogue.public_view().is_empty());
    assert!(matches!(catalogue.supply(&id), Some(Supply::Withdrawn { .. })));
    assert_eq!(codes(&catalogue.withdraw(&id, reason, now).unwrap_err()), ["catalogue.withdrawn"]);
    assert_eq!(catalogue.restore(&id, now).unwrap(), 3);
    assert_eq!(catalogue.public_view().len(), 1);
}

#[test]
fn k3_freshness_follows_the_promised_rhythm() {
    let mut r = record();
    let last = at("2026-10-01T00:00:00Z");
    let due = last.plus_days(31 + 5);
    assert_eq!(r.freshness(due.plus_seconds(-1), 5), Freshness::Fresh);
    assert_eq!(r.freshness(due, 5), Freshness::Stale { since: due });
    r.entry.update_frequency = "irregular".into();
    assert_eq!(r.freshness(due.plus_days(9_999), 0), Freshness::Unbound);
    r.hook = Hook::NotHooked;
    assert_eq!(r.freshness(last, 0), Freshness::NotHooked);
    let catalogue = published();
    assert_eq!(catalogue.neglected(due, 5), [(&dataset(0), Freshness::Stale { since: due })]);
    assert!(catalogue.neglected(last, 5).is_empty());
}

#[test]
fn k3_k7_a_record_is_refused_for_each_fault_of_its_own() {
    let faults: Vec<Named<CatalogueRecord>> = vec![
        ("catalogue.version-chain", |r| r.number = 0),
        ("catalogue.version-chain", |r| r.previous = Some(hash("x"))),
        ("catalogue.version-chain", |r| r.v = 2),
        ("catalogue.frequency-unknown", |r| r.entry.update_frequency = "sometimes".into()),
        ("catalogue.registration-blank", |r| r.registration.as_mut().unwrap().number.clear()),
        ("catalogue.translation-blank", |r| r.translation.as_mut().unwrap().name.clear()),
        ("catalogue.hook-other-version", |r| r.hook = Hook::Hooked { version: hash("other"), updated_at: r.at }),
        ("catalogue.hook-other-version", |r| r.hook = Hook::Hooked { version: r.entry.version, updated_at: r.at.plus_seconds(1) }),
        ("catalogue.sample-place", |r| r.sample.as_mut().unwrap().dataset = DatasetId::new("prod/health/x").unwrap()),
        ("catalogue.sample-place", |r| r.simulated.as_mut().unwrap().dataset = DatasetId::new("dev/bank/x").unwrap()),
        ("catalogue.simulated-report", |r| r.simulated.as_mut().unwrap().report = None),
        ("catalogue.prohibited", |r| r.entry.items[2].class = Class::Prohibited),
    ];
    assert!(record().check().is_empty());
    for (code, fault) in faults {
        let mut r = record();
        fault(&mut r);
        assert_eq!(codes(&r.check()), [code]);
        assert_eq!(codes(&Catalogue::new().publish(&signed(&r), &ring()).unwrap_err())[0], code);
    }
}

#[test]
fn a6_no_role_has_a_path_for_prohibited_data() {
    let open = entry();
    for actor in Actor::ALL {
        for act in Act::ALL {
            assert!(check_prohibited(actor, act, &open, &set(&["id", "cost"])).is_empty(), "{actor} {act:?}");
            // as a whole, for every set of columns
            let mut closed = open.clone();
            closed.prohibited = true;
            for columns in [set(&[]), set(&["cost"]), set(&["no such column"])] {
                assert!(!check_prohibited(actor, act, &closed, &columns).is_empty(), "{actor} {act:?} {columns:?}");
            }
            // column by column
            for i in 0..open.items.len() {
                let mut closed = open.clone();
                closed.items[i].class = Class::Prohibited;
                let name = closed.items[i].name.clone();
                let found = check_prohibited(actor, act, &closed, &set(&[&name]));
                assert_eq!(codes(&found), ["catalogue.prohibited"], "{actor} {act:?} {name}");
                assert!(found[0].what.en.contains(&name) && found[0].what.en.contains(actor.as_str()));
                let others: Vec<&str> = open.items.iter().map(|c| c.name.as_str()).filter(|c| *c != name).collect();
                let whole = matches!(act, Act::Publish | Act::Sample);
                assert_eq!(check_prohibited(actor, act, &closed, &set(&others)).is_empty(), !whole);
            }
        }
    }
}

#[test]
fn a6_the_documents_themselves_are_refused() {
    let w = World::new();
    let mut closed = w.entries[0].clone();
    closed.items[1].class = Class::Prohibited;
    for actor in Actor::ALL {
        assert!(check_request(actor, &w.entries[0], &w.requests[0]).is_empty());
        assert_eq!(codes(&check_request(actor, &closed, &w.requests[0])), ["catalogue.prohibited"]);
        assert!(check_approval(actor, &w.entries[0], &w.approvals[0]).is_empty());
        assert_eq!(codes(&check_approval(actor, &closed, &w.approvals[0])), ["catalogue.prohibited"]);
        // a list that cannot be read asks for everything
        let mut malformed = w.requests[0].clone();
        malformed.columns = vec![malformed.columns[0].clone(), malformed.columns[0].clone()];
        assert_eq!(codes(&check_request(actor, &closed, &malformed)), ["catalogue.prohibited"]);
    }
    let mut r = record();
    r.entry = closed;
    assert_eq!(codes(&grants(&r, &[], &rules(), "2026-10-02T00:00:00Z")), ["catalogue.prohibited"]);
}

fn rules() -> GrantRules {
    GrantRules {
        level: OriginLevel::City,
        level_authorities: BTreeMap::from([(OriginLevel::Province, BTreeSet::from([party(STRANGER)]))]),
        registration: Demand::Required,
        hooked_and_fresh: Demand::Required,
        grace_days: 0,
    }
}

/// What is found about the authorisation of the world where only its first data set is granted.
fn grants(record: &CatalogueRecord, consents: &[Signed<LevelConsent>], rules: &GrantRules, now: &str) -> Vec<Finding> {
    let mut authorisation = World::new().authorisation;
    authorisation.datasets.truncate(1);
    let find = |d: &DatasetId| (*d == record.entry.dataset).then_some((record, &Supply::Available));
    check_grants(&authorisation, find, consents, &ring(), rules, at(now))
}

#[test]
fn a6_a21_no_grant_beyond_the_catalogue_or_of_what_is_withdrawn() {
    let (w, now) = (World::new(), "2026-10-02T00:00:00Z");
    // a prohibited column is left out of the entry: its name is unknown, and not thereby open
    let mut r = record();
    r.entry.items.retain(|c| c.name != "cost");
    let found = grants(&r, &[], &rules(), now);
    assert_eq!(codes(&found), ["columns.beyond-catalogue"]);
    assert!(found[0].what.en.contains("`cost`"), "{}", found[0]);
    for actor in Actor::ALL {
        assert_eq!(codes(&check_request(actor, &r.entry, &w.requests[0])), ["columns.beyond-catalogue"]);
    }
    let mut catalogue = published();
    let mut authorisation = w.authorisation;
    authorisation.datasets.truncate(1);
    let found = |c: &Catalogue| check_grants(&authorisation, |d| c.present(d), &[], &ring(), &rules(), at(now));
    assert!(found(&catalogue).is_empty());
    catalogue.withdraw(&dataset(0), Text::new("wrong rows", "数据有误"), at(now)).unwrap();
    assert_eq!(codes(&found(&catalogue)), ["catalogue.withdrawn"]);
}

#[test]
fn a6_a_version_that_closes_data_takes_them_out_at_once() {
    let closings: [fn(&mut CatalogueRecord); 2] = [|r| r.entry.prohibited = true, |r| r.entry.items[1].class = Class::Prohibited];
    for close in closings {
        let mut catalogue = published();
        let closed = next(&record(), close);
        catalogue.publish(&signed(&closed), &ring()).unwrap();
        assert!(catalogue.public_view().is_empty());
        assert!(matches!(catalogue.supply(&dataset(0)), Some(Supply::Withdrawn { .. })));
        let later = closed.at.plus_days(1);
        assert_eq!(codes(&catalogue.restore(&dataset(0), later).unwrap_err()), ["catalogue.prohibited"]);
        // the provider cannot open it again; without the column it may come back
        let open = next(&closed, |r| r.entry = record().entry);
        assert_eq!(codes(&catalogue.publish(&signed(&open), &ring()).unwrap_err()), ["catalogue.lowered"]);
        assert!(catalogue.public_view().is_empty());
    }
    let mut catalogue = published();
    let closed = next(&record(), |r| r.entry.items[1].class = Class::Prohibited);
    catalogue.publish(&signed(&closed), &ring()).unwrap();
    let without = next(&closed, |r| drop(r.entry.items.remove(1)));
    catalogue.publish(&signed(&without), &ring()).unwrap();
    assert!(catalogue.public_view().is_empty(), "until the supply is resumed");
    catalogue.restore(&dataset(0), without.at).unwrap();
    assert_eq!(catalogue.public_view().len(), 1);
}

#[test]
fn a16_a17_level_and_class_fall_only_with_the_authority() {
    let lowerings: [fn(&mut CatalogueRecord); 4] = [
        |r| r.level = OriginLevel::County,
        |r| r.entry.items[1].class = Class::General,
        |r| r.entry.items[1].class = Class::TradeSecret,
        |r| (r.level, r.entry.items[2].class) = (OriginLevel::County, Class::General),
    ];
    for lower in lowerings {
        let mut catalogue = published();
        let lowered = next(&record(), lower);
        let found = catalogue.publish(&signed(&lowered), &ring()).unwrap_err();
        assert!(codes(&found).iter().all(|code| *code == "catalogue.lowered"), "{found:?}");
        let alone = catalogue.publish_lowered(&signed(&lowered), &party(AUTHORITY), &ring());
        assert_eq!(codes(&alone.unwrap_err()), ["catalogue.signature"]);
        assert_eq!(codes(&catalogue.publish_lowered(&signed(&lowered), &party(HEALTH), &ring()).unwrap_err()), ["catalogue.one-signer"]);
        let mut both = signed(&lowered);
        both.add_signature(AUTHORITY, &key(AUTHORITY)).unwrap();
        catalogue.publish_lowered(&both, &party(AUTHORITY), &ring()).unwrap();
    }
    let mut catalogue = published();
    let raised = next(&record(), |r| (r.level, r.entry.items[1].class) = (OriginLevel::Province, Class::SensitivePersonal));
    catalogue.publish(&signed(&raised), &ring()).unwrap();
}

#[test]
fn k3_registration_and_link_come_before_the_grant() {
    let now = "2026-10-02T00:00:00Z";
    let mut r = record();
    assert!(grants(&r, &[], &rules(), now).is_empty());
    assert_eq!(codes(&grants(&r, &[], &rules(), "2026-12-02T00:00:00Z")), ["catalogue.stale"]);
    r.registration = None;
    r.hook = Hook::NotHooked;
    assert_eq!(codes(&grants(&r, &[], &rules(), now)), ["catalogue.not-registered", "catalogue.not-hooked"]);
    let lax = GrantRules { registration: Demand::NotRequired, hooked_and_fresh: Demand::NotRequired, ..rules() };
    assert!(grants(&r, &[], &lax, now).is_empty());
    let authorisation = World::new().authorisation;
    let unknown = check_grants(&authorisation, |_| None, &[], &ring(), &rules(), at(now));
    assert_eq!(codes(&unknown), ["catalogue.missing"; 2]);
}

#[test]
fn a17_data_of_a_higher_level_need_its_consent() {
    let now = "2026-10-02T00:00:00Z";
    let mut r = record();
    let authorisation = World::new().authorisation;
    let consent = LevelConsent {
        v: 1,
        level: OriginLevel::Province,
        by: party(STRANGER),
        dataset: dataset(0),
        columns: authorisation.datasets[0].columns.clone(),
        scenario: authorisation.scenario.clone(),
        not_before: at("2026-01-01T00:00:00Z"),
        not_after: authorisation.not_after,
    };
    for level in OriginLevel::ALL {
        r.level = level;
        assert_eq!(grants(&r, &[], &rules(), now).is_empty(), level <= OriginLevel::City, "{level}");
    }
    r.level = OriginLevel::Province;
    assert!(grants(&r, &[sign(consent.clone(), STRANGER)], &rules(), now).is_empty());
    let faults: Vec<fn(&mut LevelConsent)> = vec![
        |c| c.v = 2,
        |c| c.level = OriginLevel::National,
        |c| c.dataset = dataset(1),
        |c| c.columns = set(&["id"]),
        |c| c.scenario = Scenario::new("another").unwrap(),
        |c| c.not_before = at("2026-10-02T00:00:01Z"),
        |c| c.not_after = c.not_after.plus_seconds(-1),
    ];
    for (i, fault) in faults.into_iter().enumerate() {
        let mut c = consent.clone();
        fault(&mut c);
        assert_eq!(codes(&grants(&r, &[sign(c, STRANGER)], &rules(), now)), ["origin.higher-level"], "fault {i}");
    }
    // somebody who does not speak for the province, and a signature of somebody else
    let other = LevelConsent { by: party(AUTHORITY), ..consent.clone() };
    assert_eq!(codes(&grants(&r, &[sign(other, AUTHORITY)], &rules(), now)), ["origin.higher-level"]);
    assert_eq!(codes(&grants(&r, &[sign(consent, AUTHORITY)], &rules(), now)), ["origin.higher-level"]);
}
