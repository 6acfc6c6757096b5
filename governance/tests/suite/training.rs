//! Contracts in which parties train a model, each on its own rows: what has to hold for them, and what the rules make of them.

use yu_governance::canonical::{Hash, to_canonical};
use yu_governance::contract::*;
use yu_governance::id::PartyName;
use yu_governance::policy::PolicySet;
use yu_governance::training_data::{DerivativeRecord, TrainingData, TrainingDecision};

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

#[test]
fn p3_a_training_on_raw_data_is_refused_and_one_on_derivatives_is_not() {
    let contract = world().contract;
    let now = at("2026-11-21T08:00:00Z");
    let mut data = TrainingData::default();
    let codes = |data: &TrainingData, contract: &Contract, now| -> Vec<(String, String)> {
        data.against(contract, now).into_iter().map(|finding| (finding.code, finding.party)).collect()
    };
    let raw = |i: usize| ("training.raw-data".to_owned(), contract.inputs[i].dataset.to_string());
    assert_eq!(codes(&data, &contract, now), [raw(0), raw(1)], "every raw data set is named");
    let of = |i: usize| DerivativeRecord {
        v: 1,
        dataset: contract.inputs[i].dataset.clone(),
        version: contract.inputs[i].version,
        of: contract.inputs[i].dataset.clone(),
        of_version: hash("the whole"),
        maker: contract.inputs[i].party.clone(),
        job: yu_governance::id::JobId(hash("derive")),
        recipe: hash("recipe"),
        rate_permille: 200,
        seed: hash("seed"),
        at: now,
    };
    data.derive(&of(0), now).unwrap();
    assert_eq!(codes(&data, &contract, now), [raw(1)]);
    // another version under the same name is raw again
    let mut renewed = contract.clone();
    renewed.inputs[0].version = hash("the whole");
    assert_eq!(codes(&data, &renewed, now).len(), 2);
    // the authority allows the technique on the other: under this authorisation, by this technique, until then
    let decision = TrainingDecision {
        v: 1,
        authorisation: contract.authorisation.id.clone(),
        technique: Technique::Federated,
        datasets: vec![contract.inputs[1].dataset.clone()],
        reason: yu_governance::text::Text::new("rare", "罕见"),
        at: now,
        until: now.plus_days(30),
    };
    let mut others = [decision.clone(), decision.clone(), decision.clone()];
    others[0].technique = Technique::Mpc;
    others[1].authorisation = "dev/authority/another".parse().unwrap();
    others[2].datasets = vec![contract.inputs[0].dataset.clone()];
    for other in &others {
        data.decide(other, now).unwrap();
        assert_eq!(codes(&data, &contract, now), [raw(1)]);
    }
    data.decide(&decision, now).unwrap();
    assert_eq!(codes(&data, &contract, now), []);
    assert_eq!(codes(&data, &contract, now.plus_days(30)), [raw(1)], "a decision ends");
    // statistics are no training; a regression over joined rows is one, and so is judging a model
    let mut joint = World::new().contract;
    assert_eq!(codes(&TrainingData::default(), &joint, now), []);
    let column = |name: &str| ColumnRef { side: Side::Left, column: name.into() };
    let regression =
        StepTerms::LinearRegression { target: column("visits"), features: vec![column("cost")], ridge: Real::new(0.1).unwrap() };
    joint.joint_mut().unwrap().steps = vec![regression];
    assert_eq!(codes(&TrainingData::default(), &joint, now).len(), joint.inputs.len());
}

#[test]
fn p7_what_reads_beyond_its_range_is_refused_at_every_node() {
    for me in [HEALTH, BANK, PLATFORM, AUTHORITY] {
        let with = |change: &dyn Fn(&mut World)| {
            let mut world = World::new();
            world.me = party(me);
            change(&mut world);
            world.codes()
        };
        let has = |codes: &[String], code: &str| codes.iter().any(|found| found == code);
        assert_eq!(with(&|_| {}), Vec::<String>::new(), "{me}");
        // one column more than was approved, and than was authorised
        let column = with(&|w| w.contract.inputs[0].columns = set(&["cost", "district", "id", "visits", "secret"]));
        assert!(has(&column, "columns.beyond-approval") && has(&column, "columns.beyond-authorisation"), "{me}: {column:?}");
        // for another purpose or scenario than the authorisation's (A18)
        let purpose = with(&|w| w.contract.purpose = "advertising".parse().unwrap());
        assert!(has(&purpose, "purpose.mismatch"), "{me}: {purpose:?}");
        let scenario = with(&|w| w.contract.scenario = "advertising".parse().unwrap());
        assert!(has(&scenario, "scenario.mismatch"), "{me}: {scenario:?}");
        // a data set that the authorisation does not name
        let foreign = with(&|w| w.contract.inputs[0].dataset = "dev/health/everything".parse().unwrap());
        assert!(has(&foreign, "columns.beyond-authorisation") || has(&foreign, "approval.missing"), "{me}: {foreign:?}");
    }
}
