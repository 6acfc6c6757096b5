//! Quotas: no crash loses a charge or makes it twice; one more than granted is refused by name.

use std::collections::BTreeMap;

use proptest::prelude::*;
use yu_governance::grant::{Measures, Quota};
use yu_governance::id::{DatasetId, JobId};
use yu_governance::quota::columns::{Columns, beyond, unused};
use yu_governance::quota::{Charge, Entry, Ledger, Step};

use super::world::{HEALTH, dataset, hash, party, set};

fn job(n: usize) -> JobId {
    JobId(hash(&format!("job {n}")))
}

fn measures(uses: u64) -> Measures {
    Measures { uses, rows: uses * 10, queries: uses, micro_rho: uses * 1_000, micro_epsilon: uses }
}

fn charge(health: u64, bank: u64) -> Charge {
    BTreeMap::from([(dataset(0), measures(health)), (dataset(1), measures(bank))])
}

fn granted() -> Quota {
    charge(10, 5)
}

fn says(result: yu_governance::Result<()>) -> String {
    result.map_or_else(|error| error.to_string(), |()| "fine".into())
}

#[test]
fn a19_one_more_than_granted_is_refused_by_name() {
    let measures_of: [fn(&mut Measures, u64); 5] =
        [|m, n| m.uses = n, |m, n| m.rows = n, |m, n| m.queries = n, |m, n| m.micro_rho = n, |m, n| m.micro_epsilon = n];
    for (set_to, name) in measures_of.into_iter().zip(["uses", "rows", "queries", "micro_rho", "micro_epsilon"]) {
        let mut most = Measures { uses: 9, ..Measures::default() };
        set_to(&mut most, 7);
        let one = |n| {
            let mut m = Measures { uses: 1, ..Measures::default() };
            set_to(&mut m, n);
            BTreeMap::from([(dataset(0), m)])
        };
        let mut ledger = Ledger::new(BTreeMap::from([(dataset(0), most)]));
        ledger.reserve(job(1), &one(6)).unwrap();
        let refused = says(ledger.reserve(job(2), &one(2)));
        assert!(refused.starts_with(&format!("quota.exhausted: {name} of `dev/health/insured`: 8 with this job")), "{refused}");
        ledger.reserve(job(2), &one(1)).unwrap();
        assert!(says(ledger.reserve(job(3), &one(1))).starts_with("quota.exhausted"));
        assert!(says(ledger.reserve(job(4), &one(u64::MAX))).starts_with("quota.exhausted"), "no overflow");
    }
}

#[test]
fn p7_use_beyond_the_quota_is_counted_and_refused() {
    let mut ledger = Ledger::new(BTreeMap::from([(dataset(0), measures(3))]));
    let one = BTreeMap::from([(dataset(0), measures(1))]);
    for n in 1..=3 {
        ledger.reserve(job(n), &one).unwrap();
        ledger.commit(job(n), &one).unwrap();
    }
    assert_eq!(ledger.used(&dataset(0)), measures(3));
    assert!(says(ledger.reserve(job(4), &one)).starts_with("quota.exhausted"));
    assert_eq!(ledger.used(&dataset(0)), measures(3), "what was refused counts for nothing");
    // data that are not granted at all are no smaller use
    let foreign = BTreeMap::from([(DatasetId::new("dev/tax/firms").unwrap(), measures(1))]);
    assert!(says(ledger.reserve(job(5), &foreign)).starts_with("quota.not-granted"));
}

#[test]
fn a_reservation_is_all_or_nothing_and_every_step_may_be_repeated() {
    let mut ledger = Ledger::new(granted());
    assert!(says(ledger.reserve(job(1), &charge(1, 6))).starts_with("quota.exhausted"));
    assert_eq!(ledger.used(&dataset(0)), Measures::default(), "nothing of it is kept");
    let foreign = BTreeMap::from([(DatasetId::new("dev/tax/firms").unwrap(), measures(1))]);
    assert!(says(ledger.reserve(job(1), &foreign)).starts_with("quota.not-granted"));
    for _ in 0..3 {
        ledger.reserve(job(1), &charge(4, 4)).unwrap();
        assert_eq!(ledger.used(&dataset(0)), measures(4));
    }
    assert!(says(ledger.reserve(job(1), &charge(4, 3))).starts_with("quota.other-charge"));
    assert!(says(ledger.commit(job(1), &charge(5, 1))).starts_with("quota.more-than-reserved"));
    for _ in 0..3 {
        ledger.commit(job(1), &charge(3, 1)).unwrap();
        assert_eq!(ledger.used(&dataset(0)), Measures { rows: 30, queries: 3, ..measures(4) }, "uses and budget stay charged");
    }
    assert!(
        says(ledger.reserve(job(1), &charge(4, 4))).starts_with("quota.committed"),
        "a job that ran does not run again on its old charge"
    );
    assert!(says(ledger.commit(job(1), &charge(2, 1))).starts_with("quota.other-charge"));
    assert!(says(ledger.release(job(1))).starts_with("quota.committed"));
    ledger.reserve(job(2), &charge(1, 1)).unwrap();
    assert_eq!(ledger.open().collect::<Vec<_>>(), [job(2)]);
    ledger.release(job(2)).unwrap();
    ledger.release(job(2)).unwrap();
    assert_eq!(ledger.used(&dataset(0)).uses, 4);
    assert!(says(ledger.reserve(job(2), &charge(1, 1))).starts_with("quota.released"));
    assert!(says(ledger.commit(job(2), &charge(1, 1))).starts_with("quota.released"));
    assert!(says(ledger.commit(job(9), &charge(1, 1))).starts_with("quota.not-reserved"));
    assert!(says(ledger.release(job(9))).starts_with("quota.not-reserved"));
}

#[test]
fn a19_a_charge_without_a_use_is_refused() {
    let mut ledger = Ledger::new(granted());
    let rows_only = BTreeMap::from([(dataset(0), measures(1)), (dataset(1), Measures { rows: 5, ..Measures::default() })]);
    for none in [Charge::new(), charge(0, 0), rows_only] {
        assert!(says(ledger.reserve(job(1), &none)).starts_with("quota.empty"));
    }
    // one use is one use, whatever the node says afterwards
    ledger.reserve(job(1), &charge(10, 5)).unwrap();
    ledger.commit(job(1), &Charge::new()).unwrap();
    assert_eq!(ledger.used(&dataset(0)), Measures { rows: 0, queries: 0, ..measures(10) });
    assert!(says(ledger.reserve(job(2), &charge(1, 1))).starts_with("quota.exhausted: uses"));
}

#[test]
fn a19_a_lower_quota_binds_new_reservations_and_not_the_history() {
    let reserve = |n, charge| Entry { job: job(n), step: Step::Reserve { charge } };
    let written = [reserve(1, charge(6, 3)), Entry { job: job(1), step: Step::Commit { charge: charge(6, 3) } }, reserve(2, charge(2, 1))];
    let lower = BTreeMap::from([(dataset(0), measures(5))]);
    let mut ledger = Ledger::replay(lower, &written).unwrap();
    assert_eq!((ledger.used(&dataset(0)).uses, ledger.used(&dataset(1)).uses), (8, 4));
    assert!(says(ledger.reserve(job(3), &BTreeMap::from([(dataset(0), measures(1))]))).starts_with("quota.exhausted"));
    ledger.release(job(2)).unwrap();
    let again = [&written[..], &[reserve(1, charge(6, 3))]].concat();
    assert!(Ledger::replay(granted(), &again).unwrap_err().to_string().starts_with("quota.committed"));
}

fn step() -> impl Strategy<Value = Entry> {
    let step = prop_oneof![
        (0_u64..5, 0_u64..4).prop_map(|(h, b)| Step::Reserve { charge: charge(h, b) }),
        (0_u64..5, 0_u64..4).prop_map(|(h, b)| Step::Commit { charge: charge(h, b) }),
        Just(Step::Release),
    ];
    (0_usize..6, step).prop_map(|(n, step)| Entry { job: job(n), step })
}

proptest! {
    /// Steps that were written are replayed, some of them twice because a crash hid that they were: the ledger is the same, and
    /// never above the grant.
    #[test]
    fn a19_a_crash_neither_loses_nor_doubles_a_charge(steps in prop::collection::vec(step(), 0..40), again in prop::collection::vec(any::<bool>(), 40)) {
        let mut ledger = Ledger::new(granted());
        let mut written = Vec::new();
        for entry in steps {
            let before = ledger.clone();
            if ledger.apply(&entry).is_ok() {
                written.push(entry);
            } else {
                prop_assert_eq!(&before, &ledger, "what is refused changes nothing");
            }
            for d in [dataset(0), dataset(1)] {
                prop_assert!(ledger.used(&d).beyond(&granted()[&d]).is_none());
            }
        }
        prop_assert_eq!(&Ledger::replay(granted(), &written).unwrap(), &ledger);
        let doubled: Vec<Entry> = written.iter().zip(&again).flat_map(|(e, twice)| vec![e.clone(); if *twice { 2 } else { 1 }]).collect();
        prop_assert_eq!(&Ledger::replay(granted(), &doubled).unwrap(), &ledger);
        // the model: what each job is charged, kept by hand
        let mut by_hand: BTreeMap<JobId, Charge> = BTreeMap::new();
        for entry in &written {
            match &entry.step {
                Step::Reserve { charge } => drop(by_hand.entry(entry.job).or_insert_with(|| charge.clone())),
                Step::Commit { charge } => {
                    // the budget stays as it was set aside, rows follow the use
                    for (d, kept) in by_hand.get_mut(&entry.job).unwrap() {
                        kept.rows = charge[d].rows;
                    }
                }
                Step::Release => drop(by_hand.insert(entry.job, Charge::new())),
            }
        }
        for d in [dataset(0), dataset(1)] {
            let sum: u64 = by_hand.values().filter_map(|charge| charge.get(&d)).map(|m| m.micro_rho).sum();
            prop_assert_eq!(ledger.used(&d).micro_rho, sum);
            let rows: u64 = by_hand.values().filter_map(|charge| charge.get(&d)).map(|m| m.rows).sum();
            prop_assert_eq!(ledger.used(&d).rows, rows);
        }
    }
}

#[test]
fn a5_columns_unused_and_beyond_are_named() {
    let granted = Columns::from([(dataset(0), set(&["id", "cost", "age"])), (dataset(1), set(&["id"]))]);
    let first = Columns::from([(dataset(0), set(&["id", "cost"]))]);
    let second = Columns::from([(dataset(1), set(&["id"]))]);
    let idle = unused(&granted, &[first.clone(), second]);
    assert_eq!(idle, BTreeMap::from([(dataset(0), vec!["age".to_owned()])]));
    assert!(beyond(&granted, &first, &party(HEALTH)).is_empty());
    let surplus = Columns::from([(dataset(0), set(&["id", "address"])), (dataset(1), set(&["id", "income"]))]);
    let found = beyond(&granted, &surplus, &party(HEALTH));
    assert_eq!(found.len(), 2);
    assert!(found[0].what.zh.contains("`dev/bank/customers` 的列“income”"));
    assert!(found[1].what.en.contains("column `address` of `dev/health/insured`"));
}
