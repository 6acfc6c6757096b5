//! Contracts in which parties train a model, each on its own rows: what has to hold for them, and what the rules make of them.

use yu_governance::canonical::{Hash, to_canonical};
use yu_governance::contract::*;
use yu_governance::id::PartyName;
use yu_governance::policy::PolicySet;

use super::world::*;

const COLUMNS: [&str; 3] = ["cost", "id", "visits"];

/// Health and the bank have the same columns, the platform coordinates.
fn world() -> World {
    let mut world = World::new();
    let items = world.entries[0].items.clone();
    world.entries[1].items = items;
    world.authorisation.datasets[1].columns = set(&COLUMNS);
    let asked: Vec<_> = world.requests[0].columns.iter().filter(|c| COLUMNS.contains(&c.column.as_str())).cloned().collect();
    world.requests[1].columns = asked;
    let granted: Vec<_> = world.approvals[0].columns.iter().filter(|c| COLUMNS.contains(&c.column.as_str())).cloned().collect();
    world.approvals[1].columns = granted;
    let c = &mut world.contract;
    c.technique = Technique::Federated;
    for input in &mut c.inputs {
        input.key = KeyTerms { columns: Vec::new(), normalisation: Vec::new() };
        input.columns = set(&COLUMNS);
    }
    c.protocol = ProtocolTerms::Training(TrainingTerms {
        coordinator: party(PLATFORM),
        features: vec!["cost".into()],
        target: "visits".into(),
        learner: Learner::Updates,
        settings: "rounds = 3".into(),
        gate: "{}".into(),
        aggregation: Aggregation::Clear,
        privacy: None,
        trainer: None,
    });
    c.reveal_match = RevealMatch::None;
    world.link();
    world
}

fn terms(c: &mut Contract) -> &mut TrainingTerms {
    match &mut c.protocol {
        ProtocolTerms::Training(terms) => terms,
        ProtocolTerms::Joint(_) | ProtocolTerms::Derivative(_) => panic!("a training"),
    }
}

fn program() -> TrainerTerms {
    TrainerTerms { program: Hash::of_file(b"print()"), settings: "{}".into() }
}

/// Who learns what where trees are grown.
#[test]
fn the_statement_says_who_sees_histograms_and_trees() {
    let mut contract = world().contract;
    terms(&mut contract).learner = Learner::Trees;
    let of = |contract: &Contract, name: &str| -> Vec<LeakCode> {
        leakage::required(contract).into_iter().filter(|l| l.party == party(name)).map(|l| l.code).collect()
    };
    let seen = |sums| [LeakCode::RowCount, sums, LeakCode::RoundTrees, LeakCode::Traffic, LeakCode::DeviationUnchecked];
    assert_eq!(of(&contract, PLATFORM), seen(LeakCode::Histograms));
    terms(&mut contract).aggregation = Aggregation::Secure;
    assert_eq!(of(&contract, PLATFORM), seen(LeakCode::HistogramSums));
    for name in [HEALTH, BANK, AUTHORITY] {
        let codes = of(&contract, name);
        assert!(codes.contains(&LeakCode::RoundTrees) && !codes.contains(&LeakCode::HistogramSums), "{name}");
    }
}

#[test]
fn parties_train_on_their_own_rows() {
    for me in [HEALTH, BANK, PLATFORM, AUTHORITY] {
        let mut world = world();
        world.me = party(me);
        assert_eq!(world.codes(), Vec::<String>::new(), "{me}");
    }
    let world = world();
    assert_eq!(world.contract.shareholders(), [&party(HEALTH), &party(BANK), &party(PLATFORM)]);
    let text = String::from_utf8(to_canonical(&world.contract).unwrap()).unwrap();
    let back: Contract = serde_json::from_str(&text).unwrap();
    assert_eq!(back.id().unwrap(), world.contract.id().unwrap());
    assert!(back.training().is_some() && back.joint().is_none() && back.derivative().is_none());
}

#[test]
fn the_statement_says_who_sees_updates_and_models() {
    let of = |contract: &Contract, name: &str| -> Vec<LeakCode> {
        leakage::required(contract).into_iter().filter(|l| l.party == party(name)).map(|l| l.code).collect()
    };
    let mut contract = world().contract;
    assert_eq!(
        of(&contract, PLATFORM),
        [
            LeakCode::RowCount,
            LeakCode::Updates,
            LeakCode::RoundModels,
            LeakCode::PooledFigures,
            LeakCode::Traffic,
            LeakCode::DeviationUnchecked
        ]
    );
    terms(&mut contract).aggregation = Aggregation::Secure;
    assert!(of(&contract, PLATFORM).contains(&LeakCode::UpdateSums) && !of(&contract, PLATFORM).contains(&LeakCode::Updates));
    assert!(!of(&contract, HEALTH).contains(&LeakCode::ModelBounded));
    terms(&mut contract).privacy = Some(PrivacyTerms { epsilon: Real::new(3.0).unwrap(), delta: Real::new(1e-5).unwrap() });
    assert!(of(&contract, HEALTH).contains(&LeakCode::ModelBounded));
    assert!(![PLATFORM, HEALTH, BANK].iter().any(|name| of(&contract, name).contains(&LeakCode::TrainerUnchecked)));
    terms(&mut contract).trainer = Some(program());
    assert!([PLATFORM, HEALTH, BANK].iter().all(|name| of(&contract, name).contains(&LeakCode::TrainerUnchecked)));
    assert!(of(&contract, AUTHORITY).contains(&LeakCode::HeldResult) && !of(&contract, AUTHORITY).contains(&LeakCode::RoundModels));
}

#[test]
fn what_contradicts_itself_is_refused() {
    type Change = fn(&mut Contract);
    let cases: [(&str, Change); 17] = [
        ("contract.technique-unknown", |c| c.technique = Technique::Mpc),
        ("contract.training-parties", |c| terms(c).coordinator = party(BANK)),
        ("contract.training-parties", |c| c.parties[2].roles = vec![Role::Result]),
        ("contract.training-parties", |c| c.inputs[1].party = party(HEALTH)),
        ("contract.training-too-few", |c| terms(c).aggregation = Aggregation::Secure),
        ("contract.training-columns", |c| terms(c).features.clear()),
        ("contract.training-columns", |c| terms(c).features.push("visits".into())),
        ("contract.training-columns", |c| terms(c).features.push("address".into())),
        ("contract.training-settings", |c| terms(c).settings = " ".into()),
        ("contract.training-settings", |c| {
            terms(c).privacy = Some(PrivacyTerms { epsilon: Real::new(0.0).unwrap(), delta: Real::new(1e-5).unwrap() });
        }),
        ("contract.training-settings", |c| {
            terms(c).privacy = Some(PrivacyTerms { epsilon: Real::new(1.0).unwrap(), delta: Real::new(1.0).unwrap() });
        }),
        ("contract.training-trainer", |c| {
            terms(c).trainer = Some(program());
            terms(c).privacy = Some(PrivacyTerms { epsilon: Real::new(1.0).unwrap(), delta: Real::new(1e-5).unwrap() });
        }),
        ("contract.training-trainer", |c| terms(c).trainer = Some(TrainerTerms { settings: " ".into(), ..program() })),
        ("contract.training-trainer", |c| {
            terms(c).learner = Learner::Trees;
            terms(c).trainer = Some(program());
        }),
        // two parties learn each other's histograms from the trees, whoever adds them up
        ("contract.training-too-few", |c| terms(c).learner = Learner::Trees),
        ("contract.training-match", |c| c.reveal_match = RevealMatch::Both),
        ("contract.key-columns", |c| c.inputs[0].key.columns = vec!["id".into()]),
    ];
    for (code, change) in cases {
        let mut world = world();
        assert!(world.contract.check_shape().is_empty(), "{:?}", world.contract.check_shape());
        change(&mut world.contract);
        let codes: Vec<_> = world.contract.check_shape().into_iter().map(|f| f.code).collect();
        assert!(codes.iter().any(|c| c == code), "{code}: {codes:?}");
        assert!(Admitted::new(world.signed(), &world.keys).is_err(), "{code}");
    }
}

#[test]
fn rules_hold_for_it_as_for_any_job() {
    let refused = |codes: &[&str], change: fn(&mut World)| {
        let mut world = world();
        change(&mut world);
        assert_eq!(world.codes(), codes);
    };
    refused(&["security.overstated"], |w| w.contract.security.corruptions = 2);
    refused(&["security.overstated"], |w| w.contract.security.adversary = Adversary::Malicious);
    let of_platform = |l: &Leakage| l.party == PartyName::new(PLATFORM).unwrap();
    assert!(world().contract.leakage.iter().any(|l| of_platform(l) && l.code == LeakCode::Updates));
    refused(&["leakage.understated"], |w| w.contract.leakage.retain(|l| l.code != LeakCode::Updates));
    refused(&["rows.too-few"], |w| w.contract.inputs[0].rows = 99);
    refused(&["columns.kind"], |w| terms(&mut w.contract).target = "id".into());
    // models of each round leave the domain only where they are bounded
    let outside = |epsilon: Option<f64>| {
        let mut world = world();
        world.contract.parties[0].zone = Zone::Outside;
        terms(&mut world.contract).privacy =
            epsilon.map(|epsilon| PrivacyTerms { epsilon: Real::new(epsilon).unwrap(), delta: Real::new(1e-5).unwrap() });
        world.codes().contains(&"training.outside".to_owned())
    };
    assert!(outside(None) && outside(Some(8.5)) && !outside(Some(8.0)));
    // no default permission for what the policy does not name
    let none = PolicySet::new("permit (principal, action, resource) when { context.technique == \"mpc\" };").unwrap();
    assert_eq!(world().codes_under(&none), ["policy.not-permitted"]);
}
