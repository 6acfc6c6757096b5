//! Standing approvals: a run is the signed job over new data, and nothing else.

use std::collections::BTreeMap;

use serde_json::Value;
use yu_governance::contract::Contract;
use yu_governance::grant::Measures;
use yu_governance::quota::{Charge, Ledger};
use yu_governance::sign::Signed;
use yu_governance::standing::{Standing, StandingApproval, StandingRevocation, covers, difference};

use super::machines::why;
use super::world::{HEALTH, STRANGER, World, at, dataset, hash, party, ring, sign};
use yu_governance::id::document_hash;

fn charge() -> Charge {
    let one = Measures { uses: 1, rows: 1_000, queries: 1, micro_rho: 5, micro_epsilon: 0 };
    BTreeMap::from([(dataset(0), one), (dataset(1), one)])
}

fn ledger(runs: u64) -> Ledger {
    let most = Measures { uses: runs, rows: 1_000 * runs, queries: runs, micro_rho: 5 * runs, micro_epsilon: 0 };
    Ledger::new(BTreeMap::from([(dataset(0), most), (dataset(1), most)]))
}

fn approval() -> StandingApproval {
    StandingApproval {
        v: 1,
        party: party(HEALTH),
        template: World::new().contract,
        runs: 3,
        charge: charge(),
        from: at("2026-06-01T00:00:00Z"),
        until: at("2026-09-01T00:00:00Z"),
    }
}

fn standing() -> Standing {
    Standing::new(&sign(approval(), HEALTH), &ring()).unwrap()
}

/// A run over other versions, on another day.
fn run(day: i64) -> Contract {
    let mut contract = World::new().contract;
    contract.created = contract.created.plus_days(day);
    contract.expires = contract.expires.plus_days(day);
    contract.nonce = format!("{day:064x}");
    contract.inputs.iter_mut().for_each(|input| input.version = hash(&format!("file of day {day}")));
    contract
}

fn admit(standing: &mut Standing, contract: &Contract, now: &str, ledger: &mut Ledger) -> String {
    let ends = at("2028-01-01T00:00:00Z");
    standing.admit(contract, at(now), ends, ledger).map_or_else(|error| error.to_string(), |job| job.to_string())
}

const NOW: &str = "2026-06-05T00:00:00Z";

#[test]
fn each_run_is_counted_once_and_one_more_is_refused() {
    let (mut standing, mut ledger) = (standing(), ledger(10));
    for day in 1..=3 {
        for _ in 0..2 {
            assert_eq!(admit(&mut standing, &run(day), NOW, &mut ledger), run(day).id().unwrap().to_string());
        }
        assert_eq!(standing.left(), 3 - u64::try_from(day).unwrap());
    }
    assert!(admit(&mut standing, &run(4), NOW, &mut ledger).starts_with("standing.exhausted: 3 runs"));
    assert_eq!(admit(&mut standing, &run(2), NOW, &mut ledger), run(2).id().unwrap().to_string(), "a known run after a restart");
    assert_eq!(ledger.used(&dataset(0)).uses, 3);
}

#[test]
fn a19_quota_and_term_bound_the_runs() {
    let (mut one, mut small) = (standing(), ledger(1));
    assert!(admit(&mut one, &run(1), NOW, &mut small).starts_with("sha-256:"));
    assert!(admit(&mut one, &run(2), NOW, &mut small).starts_with("quota.exhausted"));
    assert_eq!(one.left(), 2, "what is refused is not counted");
    let (mut one, mut ledger) = (standing(), ledger(9));
    assert!(admit(&mut one, &run(1), "2026-05-31T23:59:59Z", &mut ledger).starts_with("standing.outside-term"));
    assert!(admit(&mut one, &run(1), "2026-09-01T00:00:00Z", &mut ledger).starts_with("standing.outside-term"));
    assert!(admit(&mut one, &run(95), NOW, &mut ledger).starts_with("standing.outlives"), "a run that ends after the approval");
    let early = one.admit(&run(1), at(NOW), at("2026-06-03T07:00:00Z"), &mut ledger).unwrap_err().to_string();
    assert!(early.starts_with("standing.outlives"), "a4: a run that ends after the authorisation: {early}");
    let mut long = run(1);
    long.expires = long.expires.plus_seconds(1);
    assert!(admit(&mut one, &long, NOW, &mut ledger).starts_with("standing.longer"));
}

/// Every leaf of a JSON value by its path.
fn leaves(value: &Value, path: &str, out: &mut Vec<String>) {
    match value {
        Value::Object(map) if !map.is_empty() => map.iter().for_each(|(key, value)| leaves(value, &format!("{path}/{key}"), out)),
        Value::Array(items) if !items.is_empty() => {
            items.iter().enumerate().for_each(|(i, value)| leaves(value, &format!("{path}/{i}"), out))
        }
        _ => out.push(path.to_owned()),
    }
}

fn mutated(leaf: &Value) -> Vec<Value> {
    match leaf {
        Value::String(text) => {
            let hex = text.replacen(|c: char| c.is_ascii_hexdigit(), "7", 1);
            let next = text.parse::<u64>().map_or_else(|_| format!("{text}x"), |n| (n + 1).to_string());
            vec![hex.into(), next.into(), Value::Null, String::new().into()]
        }
        Value::Number(n) => vec![(n.as_f64().unwrap_or(0.0) as i64 + 1).into(), n.to_string().into()],
        Value::Bool(b) => vec![(!b).into()],
        Value::Array(_) => vec![serde_json::json!(["x"]), Value::Null],
        Value::Object(_) | Value::Null => vec![serde_json::json!({ "x": 1 })],
    }
}

#[test]
fn any_other_change_of_the_contract_is_refused_by_its_field() {
    let template = World::new().contract;
    let whole = serde_json::to_value(&template).unwrap();
    let mut paths = Vec::new();
    leaves(&whole, "", &mut paths);
    assert!(paths.len() > 120, "{}", paths.len());
    let (mut refused, mut decoded, mut free) = (0, 0, 0);
    for path in &paths {
        let of_input = |field: &str| path.starts_with("/inputs/") && path.ends_with(field);
        let varies = ["/created", "/expires", "/nonce"].contains(&path.as_str())
            || ["/version", "/rows", "/consent/commitment"].into_iter().any(of_input)
            || path.starts_with("/cost/")
            || path.contains("/exponents/");
        for other in mutated(whole.pointer(path).unwrap()).into_iter().filter(|other| whole.pointer(path) != Some(other)) {
            let mut changed = whole.clone();
            *changed.pointer_mut(path).unwrap() = other.clone();
            let found = difference(&whole, &changed);
            let same = |value: &Value| std::mem::discriminant(value) == std::mem::discriminant(whole.pointer(path).unwrap());
            if varies && same(&other) && (other.is_string() || other.is_number()) {
                assert_eq!(found, None, "{path}");
                free += 1;
                continue;
            }
            assert!(found.as_ref().is_some_and(|field| path[1..].starts_with(field.as_str())), "{path}: {found:?}");
            refused += 1;
            if let Ok(contract) = serde_json::from_value::<Contract>(changed) {
                let error = covers(&template, &contract).unwrap_err().to_string();
                assert!(error.starts_with(&format!("standing.differs: `{}", path[1..].split('/').next().unwrap())), "{path}: {error}");
                decoded += 1;
            }
        }
    }
    println!("{} leaves: {refused} changes refused by name, {decoded} of them well-formed contracts, {free} free", paths.len());
    assert!(decoded > 80 && free > 0, "{decoded} {free}");
}

#[test]
fn fields_that_are_added_removed_or_reordered_are_refused() {
    let template = World::new().contract;
    let whole = serde_json::to_value(&template).unwrap();
    for key in whole.as_object().unwrap().keys() {
        let mut less = whole.clone();
        less.as_object_mut().unwrap().remove(key);
        assert_eq!(difference(&whole, &less).as_ref(), Some(key), "even one that may vary must be there");
        let mut more = whole.clone();
        more[key] = serde_json::json!([whole[key]]);
        assert!(difference(&whole, &more).is_some_and(|field| field.starts_with(key.as_str())));
    }
    let mut contract = template.clone();
    contract.inputs.swap(0, 1);
    assert!(covers(&template, &contract).is_err());
    let mut contract = template.clone();
    contract.inputs.push(contract.inputs[0].clone());
    assert!(covers(&template, &contract).unwrap_err().to_string().contains("`inputs/2`"));
    let mut contract = template.clone();
    contract.inputs[1].columns = contract.inputs[0].columns.clone();
    assert!(covers(&template, &contract).unwrap_err().to_string().contains("`inputs/1/columns"));
    covers(&template, &run(7)).unwrap();
}

#[test]
fn more_rows_are_a_run_up_to_what_it_is_charged() {
    let (mut one, mut ledger) = (standing(), ledger(9));
    let with = |day, rows| {
        let mut contract = run(day);
        contract.inputs[1].rows = rows;
        contract
    };
    assert!(admit(&mut one, &with(1, 1_000), NOW, &mut ledger).starts_with("sha-256:"));
    assert!(admit(&mut one, &with(2, 1_001), NOW, &mut ledger).starts_with("standing.rows"));
    // a handful of chosen persons of the other side is another question
    let few = World::new().contract.inputs[1].rows * 8 / 10;
    assert!(admit(&mut one, &with(3, few), NOW, &mut ledger).starts_with("standing.fewer-rows"));
    assert_eq!(one.left(), 2);
}

#[test]
fn it_can_be_taken_back_by_who_gave_it() {
    let (mut one, mut ledger) = (standing(), ledger(9));
    assert!(admit(&mut one, &run(1), NOW, &mut ledger).starts_with("sha-256:"));
    let revocation = |name: &str, when| StandingRevocation {
        v: 1,
        approval: document_hash(&approval()).unwrap(),
        party: party(name),
        reason: why(),
        at: at(when),
    };
    let when = "2026-06-10T00:00:00Z";
    assert!(one.revoke(&sign(revocation(STRANGER, when), STRANGER), &ring()).is_err());
    let other = StandingRevocation { approval: hash("other"), ..revocation(HEALTH, when) };
    assert!(one.revoke(&sign(other, HEALTH), &ring()).unwrap_err().to_string().starts_with("standing.other"));
    let stopped = one.revoke(&sign(revocation(HEALTH, when), HEALTH), &ring()).unwrap();
    assert_eq!(stopped.iter().copied().collect::<Vec<_>>(), [run(1).id().unwrap()]);
    assert!(admit(&mut one, &run(2), NOW, &mut ledger).starts_with("sha-256:"), "it ends before the revocation");
    assert!(admit(&mut one, &run(20), NOW, &mut ledger).starts_with("standing.revoked"));
    one.revoke(&sign(revocation(HEALTH, "2026-07-01T00:00:00Z"), HEALTH), &ring()).unwrap();
    assert!(admit(&mut one, &run(20), NOW, &mut ledger).starts_with("standing.revoked"), "a later date does not revive it");
}

#[test]
fn a_malformed_approval_is_refused() {
    let changes: [fn(&mut StandingApproval); 6] = [
        |a| a.v = 2,
        |a| a.runs = 0,
        |a| a.until = a.from,
        |a| a.charge.retain(|name, _| *name != dataset(0)),
        |a| a.charge.values_mut().for_each(|amount| amount.uses = 0),
        |a| a.party = party(STRANGER),
    ];
    for change in changes {
        let mut approval = approval();
        change(&mut approval);
        let signer = approval.party.to_string();
        let error = Standing::new(&sign(approval, &signer), &ring()).unwrap_err().to_string();
        assert!(error.starts_with("standing.malformed"), "{error}");
    }
    let forged: Signed<StandingApproval> = sign(approval(), STRANGER);
    assert!(Standing::new(&forged, &ring()).is_err());
}
