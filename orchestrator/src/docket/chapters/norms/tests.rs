//! Grades, sensitive columns, higher levels.

use super::super::super::rig::{Court, party, time};
use super::super::grants::tests::sample::{code, columns, contract};
use super::*;
use crate::fault::Code;
use yu_governance::catalogue::Class;
use yu_governance::catalogue::grades::Matches;
use yu_governance::catalogue::record::CatalogueRecord;
use yu_governance::contract::{RevealMatch, Technique};
use yu_governance::grant::Grant;

fn record() -> CatalogueRecord {
    toml::from_str(CatalogueRecord::EXAMPLE).unwrap()
}

fn norms() -> GradeNorms {
    toml::from_str(GradeNorms::EXAMPLE).unwrap()
}

fn consent() -> LevelConsent {
    toml::from_str(LevelConsent::EXAMPLE).unwrap()
}

fn found(court: &Court, contract: &Contract) -> Vec<String> {
    let all = court.book.norms.objections(&court.book, contract, &court.law, court.at);
    all.into_iter().map(|finding| finding.code).collect()
}

/// Only what the health bureau brings.
fn job() -> Contract {
    let mut contract = contract();
    contract.inputs.truncate(1);
    contract
}

#[test]
fn a17_data_of_a_higher_level_run_only_under_its_filed_consent() {
    let mut court = Court::new("zhejiang");
    let mut high = record();
    high.level = OriginLevel::Province;
    court.file(high, &["health"]).unwrap();
    assert_eq!(found(&court, &job()), ["origin.higher-level"]);
    let leaf: Grant = toml::from_str(<Grant as Document>::EXAMPLE).unwrap();
    assert_eq!(code(court.file(leaf.clone(), &["authority"])), "origin.higher-level", "nor is it granted");
    // nobody but the level itself consents: not the provider, not the authority that wants the data
    assert_eq!(court.file(consent(), &["authority"]).unwrap_err().code, Code::Signature);
    assert_eq!(code(court.file(LevelConsent { by: party("health"), ..consent() }, &["health"])), "level-consent.by");
    court.appoint(Role::Province, "authority");
    assert_eq!(code(court.file(LevelConsent { by: party("authority"), ..consent() }, &["authority"])), "level-consent.by");
    let other = |change: fn(&mut LevelConsent)| {
        let mut consent = consent();
        change(&mut consent);
        consent
    };
    assert_eq!(code(court.file(other(|c| c.columns = columns(&[])), &["province"])), "level-consent.form");
    // each that says something else opens nothing
    let narrow: [fn(&mut LevelConsent); 5] = [
        |c| c.columns = columns(&["visits"]),
        |c| c.scenario = "insurance".parse().unwrap(),
        |c| c.dataset = "dev/health/cases".parse().unwrap(),
        |c| c.not_after = time("2026-06-02T12:00:00Z"),
        |c| c.not_before = time("2026-06-02T12:00:00Z"),
    ];
    for change in narrow {
        court.file(other(change), &["province"]).unwrap();
        assert_eq!(found(&court, &job()), ["origin.higher-level"]);
    }
    assert_eq!(code(court.file(leaf.clone(), &["authority"])), "origin.higher-level");
    court.file(consent(), &["province"]).unwrap();
    assert_eq!(found(&court, &job()), Vec::<String>::new());
    court.file(leaf, &["authority"]).unwrap();
    // the level takes it back by a later one
    court.file(other(|c| c.not_after = time("2026-06-02T03:00:00Z")), &["province"]).unwrap();
    assert_eq!(found(&court, &job()), ["origin.higher-level"]);
}

#[test]
fn a16_each_sensitive_column_has_what_its_profile_demands() {
    for (profile, by_recipe) in [("zhejiang", true), ("zhongwei", true), ("zhenjiang", false), ("ningbo", false)] {
        let mut court = Court::new(profile);
        let mut secret = record();
        secret.entry.items[1].class = Class::TradeSecret;
        court.file(secret, &["health"]).unwrap();
        assert_eq!(found(&court, &job()), Vec::<String>::new(), "{profile}: rows without consent are dropped");
        let mut open = job();
        open.inputs[0].consent = ConsentTerms::NotNeeded;
        let refused = found(&court, &open);
        assert!(!refused.is_empty() && refused.iter().all(|code| code == "consent.column-unprotected"), "{profile}: {refused:?}");
        // a job that de-identifies, which is one of two protections
        open.protocol = yu_governance::contract::ProtocolTerms::Derivative(yu_governance::contract::DerivativeTerms {
            policy: "mask".into(),
            files: BTreeMap::new(),
            keys: Vec::new(),
            columns: vec!["visits".into()],
        });
        assert_eq!(found(&court, &open).is_empty(), by_recipe, "{profile}");
    }
}

#[test]
fn a19_what_a_grade_may_be_used_for_is_kept_to() {
    let mut court = Court::new("zhejiang");
    court.file(record(), &["health"]).unwrap();
    assert_eq!(court.file(norms(), &["bank"]).unwrap_err().code, Code::Signature);
    let spoiled = |change: fn(&mut GradeNorms)| {
        let mut norms = norms();
        change(&mut norms);
        norms
    };
    assert_eq!(code(court.file(spoiled(|n| drop(n.norms.pop())), &["authority"])), "grades.form");
    assert_eq!(code(court.file(spoiled(|n| n.norms[3].grade = 3), &["authority"])), "grades.form");
    assert_eq!(code(court.file(spoiled(|n| n.norms[2].rows = u64::MAX), &["authority"])), "grades.order");
    assert_eq!(code(court.file(spoiled(|n| n.version = 2), &["authority"])), "grades.version");
    let first = court.file(norms(), &["authority"]).unwrap();
    // the key column is of grade 3
    assert_eq!(found(&court, &job()), Vec::<String>::new());
    let mut central = job();
    central.technique = Technique::Central;
    central.inputs[0].rows = 10_000_001;
    assert_eq!(found(&court, &central), ["grades.technique", "grades.rows"]);
    central.inputs[0].columns = columns(&["visits"]);
    assert_eq!(found(&court, &central), ["grades.rows"], "what is read is of grade 2");
    // what is not catalogued counts as the highest grade
    let mut unknown = job();
    unknown.inputs[0].dataset = "dev/health/cases".parse().unwrap();
    assert_eq!(found(&court, &unknown), ["grades.matches"]);
    unknown.reveal_match = RevealMatch::None;
    assert_eq!(found(&court, &unknown), Vec::<String>::new());
    // tighter from a day on
    let mut next = spoiled(|n| {
        n.version = 2;
        n.at = time("2026-06-10T00:00:00Z");
        n.norms[2].scenarios = Some(["insurance".parse().unwrap()].into());
        n.norms[3].scenarios = Some(["insurance".parse().unwrap()].into());
    });
    assert_eq!(code(court.file(next.clone(), &["authority"])), "grades.version", "it names the one before");
    next.previous = Some(first);
    court.file(next, &["authority"]).unwrap();
    assert_eq!(found(&court, &job()), Vec::<String>::new());
    court.at = time("2026-06-10T00:00:00Z");
    assert_eq!(found(&court, &job()), ["grades.scenario"]);
    assert_eq!(norms().norms[3].matches, Matches::Hidden);
}
