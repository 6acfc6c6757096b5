//! The ledger: no sequence of calls exceeds the budget, and a stored state tells when it was touched.

use proptest::prelude::*;
use yu_desensitize::dp::ledger::{ChargeId, Ledger, Reserved};
use yu_desensitize::dp::{AddRemove, Cost, Delta, Epsilon, Loss, Rho, Subject};

fn id(number: u8) -> ChargeId {
    ChargeId(format!("charge-{number}"))
}

fn rho(value: f64) -> Cost<Subject> {
    Cost::new(Loss::Zcdp(Rho::new(value).unwrap()))
}

proptest! {
    #[test]
    fn no_sequence_exceeds_the_budget(calls in prop::collection::vec((0u8..12, 1e-4f64..0.5, any::<bool>(), any::<bool>()), 1..60)) {
        let mut ledger = Ledger::<Subject>::new("owner", Loss::Zcdp(Rho::new(1.0).unwrap()));
        let mut granted = std::collections::BTreeMap::new();
        for (number, value, releases, restarts) in calls {
            if restarts {
                let text = serde_json::to_string(&ledger).unwrap();
                let head = ledger.head();
                ledger = serde_json::from_str(&text).unwrap();
                prop_assert_eq!(head, ledger.head());
            }
            if let Ok(Reserved::Granted(_)) = ledger.reserve(&id(number), "p", rho(value)) {
                prop_assert!(granted.insert(number, value).is_none(), "one charge is granted once");
            }
            if releases && granted.contains_key(&number) {
                let _ = ledger.record_release(&id(number), &[number]);
            }
            prop_assert!(granted.values().sum::<f64>() <= 1.0);
            prop_assert!(ledger.spent().0 <= 1.0);
        }
    }
}

#[test]
fn a_charge_is_debited_once_and_replayed() {
    let mut ledger = Ledger::<Subject>::new("health", Loss::Zcdp(Rho::new(1.0).unwrap()));
    assert!(matches!(ledger.reserve(&id(1), "visits", rho(0.6)).unwrap(), Reserved::Granted(_)));
    assert!(matches!(ledger.reserve(&id(1), "visits", rho(0.6)).unwrap(), Reserved::Pending));
    assert_eq!(ledger.reserve(&id(1), "other", rho(0.6)).unwrap_err().code(), "dp.charge_id");
    assert_eq!(ledger.reserve(&id(2), "more", rho(0.6)).unwrap_err().code(), "dp.budget");
    ledger.record_release(&id(1), b"42").unwrap();
    assert!(ledger.record_release(&id(1), b"43").is_err());
    assert!(ledger.record_release(&id(9), b"1").is_err());
    let mut again: Ledger<Subject> = serde_json::from_str(&serde_json::to_string(&ledger).unwrap()).unwrap();
    assert!(matches!(again.reserve(&id(1), "visits", rho(0.6)).unwrap(), Reserved::Released(result) if result == b"42"));
    assert!((again.left().0 - 0.4).abs() < 1e-12);
}

#[test]
fn units_do_not_mix_and_delta_counts() {
    let (epsilon, delta) = (Epsilon::new(1.0).unwrap(), Delta::new(1e-6).unwrap());
    let mut ledger = Ledger::<AddRemove>::new("bank", Loss::Approx(epsilon, delta));
    let error = ledger.reserve(&id(1), "p", Cost::new(Loss::Zcdp(Rho::new(0.1).unwrap()))).unwrap_err();
    assert_eq!(error.code(), "dp.charge_unit");
    assert!(matches!(ledger.reserve(&id(2), "p", Cost::new(Loss::Pure(Epsilon::new(0.5).unwrap()))).unwrap(), Reserved::Granted(_)));
    let small = Epsilon::new(0.1).unwrap();
    assert!(ledger.reserve(&id(3), "p", Cost::new(Loss::Approx(small, Delta::new(2e-6).unwrap()))).is_err());
    assert!(ledger.reserve(&id(3), "p", Cost::new(Loss::Approx(small, delta))).is_ok());
}

#[test]
fn a_touched_state_is_refused() {
    let mut ledger = Ledger::<Subject>::new("health", Loss::Zcdp(Rho::new(1.0).unwrap()));
    for number in 0..3 {
        let _ = ledger.reserve(&id(number), "visits", rho(0.25)).unwrap();
    }
    let text = serde_json::to_string(&ledger).unwrap();
    for (from, to) in [("0.25", "0.125"), ("visits", "visit"), ("1.0", "2.0"), ("\"subject\"", "\"add-remove\""), ("charge-1", "charge-0")]
    {
        assert!(text.contains(from), "{text}");
        assert!(serde_json::from_str::<Ledger<Subject>>(&text.replacen(from, to, 1)).is_err(), "{from}");
    }
    assert!(serde_json::from_str::<Ledger<AddRemove>>(&text).is_err(), "another adjacency");
}
