//! The decision as a whole: exhaustive over a small world, every path that lacks a rule or a document denies.

use yu_governance::policy::{DEFAULT_POLICY, Decision, PolicySet, check, decide};

use super::world::*;

fn permitted(world: &World, policy: &PolicySet) -> bool {
    let dossier = world.dossier();
    let admitted = world.admitted();
    match decide(&admitted, &world.input(&dossier), policy) {
        Decision::Permitted { permits, rulings, .. } => {
            assert!(!rulings.is_empty());
            let own = world.contract.inputs_of(&world.me).count();
            assert_eq!(permits.len(), own, "permits for own inputs and no others");
            true
        }
        Decision::Denied { findings, .. } => {
            assert!(!findings.is_empty(), "a denial has a reason");
            false
        }
    }
}

#[test]
fn every_lacking_or_forged_document_denies_at_every_party() {
    const DOCUMENTS: [&str; 4] = ["authorisation", "requests", "approvals", "catalogue"];
    let policy = PolicySet::default_policy().unwrap();
    let subset = |bits: usize| (0..4).filter(|i| bits >> i & 1 == 1).map(|i| DOCUMENTS[i]).collect::<Vec<_>>();
    for me in [HEALTH, BANK, PLATFORM, AUTHORITY] {
        for absent in 0..16 {
            // a document that is absent cannot be forged as well
            for forged in (0..16).filter(|forged| forged & absent == 0) {
                let mut world = World::new();
                world.me = party(me);
                world.absent = subset(absent);
                world.forged = subset(forged);
                assert_eq!(permitted(&world, &policy), absent + forged == 0, "{me} {:?} {:?}", world.absent, world.forged);
            }
        }
    }
}

#[test]
fn every_use_that_no_statement_permits_is_denied() {
    // all the uses that concern the provider's data; each statement permits exactly one
    let uses = [(HEALTH, "compute"), (BANK, "compute"), (BANK, "receive"), (PLATFORM, "compute"), (AUTHORITY, "review")];
    let world = World::new();
    for bits in 0..1_u32 << uses.len() {
        let text: String = uses
            .iter()
            .enumerate()
            .filter(|(i, _)| bits >> i & 1 == 1)
            .map(|(_, (who, what))| format!("permit (principal == Yu::Party::\"{who}\", action == Yu::Action::\"{what}\", resource);\n"))
            .collect();
        let policy = PolicySet::new(&text).unwrap();
        assert_eq!(permitted(&world, &policy), bits == 31, "{text}");
        let lacking = 5 - bits.count_ones() as usize;
        let dossier = world.dossier();
        let found = check(&world.input(&dossier), &policy);
        assert_eq!(found.iter().filter(|f| f.code == "policy.not-permitted").count(), lacking);
        assert_eq!(found.len(), lacking);
    }
}

#[test]
fn the_empty_policy_denies_everybody() {
    let empty = PolicySet::new("// nothing is permitted\n").unwrap();
    for me in [HEALTH, BANK, PLATFORM, AUTHORITY] {
        let mut world = World::new();
        world.me = party(me);
        assert_eq!(world.codes_under(&empty), ["policy.not-permitted"], "{me}");
    }
}

#[test]
fn forbid_wins_and_the_policy_sees_the_terms() {
    let cases = [
        ("principal.organisation == \"bank\"", true),
        ("principal.zone == \"outside\"", false),
        ("resource.grade >= 2", true),
        ("resource.grade >= 3", false),
        ("resource.columns.contains(\"cost\")", true),
        ("resource.columns.contains(\"address\")", false),
        ("resource.origin == \"imported\"", false),
        ("context.purpose != \"joint-statistics\"", false),
        ("context.scenario == \"普惠信贷\"", true),
        ("context.revealMatch == \"both\"", true),
        ("context.minCell < 5", false),
        ("context.receivers.contains(\"bank\")", true),
        ("context.runsToday >= 1", false),
    ];
    for (condition, denies) in cases {
        let text = format!("{DEFAULT_POLICY}\n@id(\"mine\") forbid (principal, action, resource) when {{ {condition} }};");
        // an action with several principals types needs no scope: the schema has one
        let policy = PolicySet::new(&text).unwrap();
        assert_eq!(!permitted(&World::new(), &policy), denies, "{condition}");
    }
}

#[test]
fn a_statement_that_fails_denies_even_where_cedar_would_skip_it() {
    // overflows: Cedar skips the failing `forbid`, and the permits above it would win
    let overflow = "context.minRows * 9223372036854775807 > 0";
    for effect in ["permit", "forbid"] {
        let text = format!("{DEFAULT_POLICY}\n{effect} (principal, action, resource) when {{ {overflow} }};");
        let policy = PolicySet::new(&text).unwrap();
        assert_eq!(World::new().codes_under(&policy), ["policy.undecidable"], "{effect}");
    }
}

#[test]
fn a_policy_that_does_not_fit_the_schema_is_not_accepted() {
    for text in [
        "permit (principal, action, resource) when { resource.gradee <= 3 };",
        "permit (principal, action, resource) when { resource.grade <= \"3\" };",
        "permit (principal == Yu::Person::\"x\", action, resource);",
        "permit (principal, action == Yu::Action::\"export\", resource);",
        "permit (principal",
    ] {
        assert!(PolicySet::new(text).is_err(), "{text}");
    }
}

#[test]
fn the_default_policy_names_its_statements() {
    let world = World::new();
    let dossier = world.dossier();
    let policy = PolicySet::default_policy().unwrap();
    let rulings = policy.rule(&world.input(&dossier)).unwrap();
    assert_eq!(rulings.len(), 5);
    assert!(rulings.iter().all(|r| r.by == ["compute-in-shares"] || r.by == ["review-and-receive"]));
    assert_ne!(policy.hash(), PolicySet::new("").unwrap().hash());
}

#[test]
fn highest_grade_is_denied_by_default() {
    let mut world = World::new();
    world.entries[0].items[1].grade = 4;
    assert_eq!(world.codes(), ["policy.not-permitted"]);
}

#[test]
fn a_permit_says_exactly_what_was_decided() {
    let mut world = World::new();
    world.approvals[0].not_after = at("2026-06-02T08:00:00Z");
    world.link();
    let (dossier, admitted) = (world.dossier(), world.admitted());
    let policy = PolicySet::default_policy().unwrap();
    let Decision::Permitted { permits, policy: hash, .. } = decide(&admitted, &world.input(&dossier), &policy) else { panic!("denied") };
    let [permit] = permits.as_slice() else { panic!("one permit") };
    assert_eq!(hash, policy.hash());
    assert_eq!((permit.job(), permit.dataset(), permit.version()), (admitted.id(), &dataset(0), world.entries[0].version));
    assert_eq!(*permit.columns(), world.contract.inputs[0].columns);
    assert_eq!((permit.scenario(), permit.purpose()), (&world.contract.scenario, &world.contract.purpose));
    assert_eq!(permit.expiry(), world.contract.expires);
}

#[test]
fn a_decision_is_on_the_admitted_contract_only() {
    let world = World::new();
    let admitted = world.admitted();
    let mut other = World::new();
    other.contract.limits.min_cell += 1;
    let dossier = other.dossier();
    let decision = decide(&admitted, &other.input(&dossier), &PolicySet::default_policy().unwrap());
    let Decision::Denied { findings, .. } = decision else { panic!("permitted") };
    assert_eq!(findings[0].code, "admission.other-contract");
}
