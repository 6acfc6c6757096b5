//! Contracts in which a provider de-identifies its own rows: what has to hold for them, and what the rules make of them.

use std::collections::BTreeMap;

use yu_governance::canonical::to_canonical;
use yu_governance::contract::*;

use super::world::*;

/// Health makes a table of its rows for the bank.
fn world() -> World {
    let mut world = World::new();
    let c = &mut world.contract;
    c.technique = Technique::Central;
    c.parties.retain(|p| p.name != party(PLATFORM));
    c.parties[1].roles = vec![Role::Result];
    c.inputs.pop();
    c.inputs[0].key = KeyTerms { columns: Vec::new(), normalisation: Vec::new() };
    c.protocol = ProtocolTerms::Derivative(DerivativeTerms {
        policy: "[policy]".into(),
        files: BTreeMap::from([("districts.csv".to_owned(), "a;*".to_owned())]),
        keys: vec!["release".into()],
        columns: vec!["cost".into(), "visits".into()],
    });
    c.security.corruptions = 0;
    c.reveal_match = RevealMatch::None;
    c.cost = CostStatement { formula: Vec::new(), rounds: String::new(), min_bytes: 0, max_bytes: 0, min_rounds: 0, max_rounds: 0 };
    world.link();
    world
}

#[test]
fn a_provider_may_work_on_its_own_rows_and_nobody_else() {
    for me in [HEALTH, BANK, AUTHORITY] {
        let mut world = world();
        world.me = party(me);
        assert_eq!(world.codes(), Vec::<String>::new(), "{me}");
    }
    let world = world();
    assert_eq!(world.contract.shareholders(), [&party(HEALTH)]);
    assert_eq!((world.contract.steps().len(), world.contract.side_of(&party(HEALTH))), (0, None));
    let text = String::from_utf8(to_canonical(&world.contract).unwrap()).unwrap();
    let back: Contract = serde_json::from_str(&text).unwrap();
    assert_eq!(back.id().unwrap(), world.contract.id().unwrap());
    assert!(back.joint().is_none() && back.derivative().is_some());
}

#[test]
fn the_statement_says_who_sees_rows() {
    let world = world();
    let of = |name: &str| -> Vec<LeakCode> {
        leakage::required(&world.contract).into_iter().filter(|l| l.party == party(name)).map(|l| l.code).collect()
    };
    assert_eq!(of(HEALTH), [LeakCode::RowCount]);
    assert_eq!(of(BANK), [LeakCode::RowCount, LeakCode::DeidentifiedRows, LeakCode::Result]);
    assert_eq!(of(AUTHORITY), [LeakCode::RowCount, LeakCode::DeidentifiedRows, LeakCode::HeldResult]);
}

#[test]
fn what_contradicts_itself_is_refused() {
    fn terms(c: &mut Contract) -> &mut DerivativeTerms {
        match &mut c.protocol {
            ProtocolTerms::Derivative(terms) => terms,
            ProtocolTerms::Joint(_) | ProtocolTerms::Training(_) => panic!("a derivative"),
        }
    }
    type Change = fn(&mut Contract);
    let cases: [(&str, Change); 11] = [
        ("contract.technique-unknown", |c| c.technique = Technique::Mpc),
        ("contract.derivative-parties", |c| c.parties[1].roles = vec![Role::Computing, Role::Result]),
        ("contract.derivative-parties", |c| c.inputs.push(c.inputs[0].clone())),
        ("contract.derivative-columns", |c| terms(c).columns.push("address".into())),
        ("contract.derivative-columns", |c| terms(c).columns.push("cost".into())),
        ("contract.derivative-columns", |c| terms(c).columns.clear()),
        ("contract.derivative-columns", |c| terms(c).keys = vec!["b".into(), "a".into()]),
        ("contract.derivative-policy", |c| terms(c).policy = " ".into()),
        ("contract.derivative-policy", |c| drop(terms(c).files.insert("large".into(), "x".repeat(MAX_POLICY)))),
        ("contract.derivative-match", |c| c.reveal_match = RevealMatch::Both),
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
    refused(&["security.overstated"], |w| w.contract.security.corruptions = 1);
    refused(&["security.overstated"], |w| w.contract.security.adversary = Adversary::Malicious);
    refused(&["leakage.understated"], |w| w.contract.leakage.retain(|l| l.code != LeakCode::DeidentifiedRows || l.party != party(BANK)));
    refused(&["rows.too-few"], |w| w.contract.inputs[0].rows = 99);
    refused(&["runs.exhausted"], |w| w.runs_today = 4);
}
