//! P1: raw data are read against a permit only, in the permitted columns and consented rows only.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use yu_governance::Result;
use yu_governance::consent::{ConsentQuery, ConsentReceipt, ConsentSet};
use yu_governance::contract::ConsentTerms;
use yu_governance::id::{ColumnSet, JobId};
use yu_governance::policy::{Decision, Permit, PolicySet, decide};
use yu_governance::raw::{Raw, RawTable, RowSubjects};

use super::world::*;

/// Columns of text; counts how often one of them was wiped.
struct Toy {
    columns: Vec<(String, Vec<String>)>,
    wiped: Arc<AtomicUsize>,
}

impl RawTable for Toy {
    fn rows(&self) -> usize {
        self.columns[0].1.len()
    }

    fn columns(&self) -> Vec<String> {
        self.columns.iter().map(|(name, _)| name.clone()).collect()
    }

    fn project(&self, columns: &ColumnSet) -> Result<Self> {
        let columns = self.columns.iter().filter(|(name, _)| columns.contains(name)).cloned().collect();
        Ok(Self { columns, wiped: self.wiped.clone() })
    }

    fn filter(&self, mask: &[bool]) -> Result<Self> {
        let keep = |values: &Vec<String>| values.iter().zip(mask).filter(|(_, m)| **m).map(|(v, _)| v.clone()).collect();
        let columns = self.columns.iter().map(|(name, values)| (name.clone(), keep(values))).collect();
        Ok(Self { columns, wiped: self.wiped.clone() })
    }

    fn subjects(&self, column: &str) -> Result<RowSubjects> {
        let values = &self.columns.iter().find(|(name, _)| name == column).unwrap().1;
        Ok(values.iter().map(|v| (!v.is_empty()).then(|| v.clone().into())).collect())
    }

    fn magnitude(&self, column: &str, mask: Option<&[bool]>) -> Result<i32> {
        let values = &self.columns.iter().find(|(name, _)| name == column).unwrap().1;
        let kept = values.iter().enumerate().filter(|(row, _)| mask.is_none_or(|mask| mask[*row])).map(|(_, value)| value);
        let largest = kept.map(|value| value.parse::<u64>().unwrap_or(0)).max().unwrap_or(0);
        Ok(i32::try_from(64 - largest.leading_zeros()).unwrap())
    }

    fn wipe(&mut self) {
        self.columns.clear();
        self.wiped.fetch_add(1, Ordering::Relaxed);
    }
}

fn table(wiped: &Arc<AtomicUsize>) -> Toy {
    let column = |name: &str, values: [&str; 4]| (name.to_owned(), values.map(ToOwned::to_owned).to_vec());
    Toy {
        columns: vec![
            column("id", ["a", "b", "", "d"]),
            column("cost", ["1", "2", "3", "4"]),
            column("visits", ["5", "6", "7", "8"]),
            column("chronic", ["yes", "no", "yes", "no"]),
            column("address", ["CANARY1", "CANARY2", "CANARY3", "CANARY4"]),
        ],
        wiped: wiped.clone(),
    }
}

fn consents(world: &World, subjects: &[&str]) -> ConsentSet {
    ConsentSet::new(subjects.iter().map(|s| ConsentReceipt {
        v: 1,
        subject: (*s).into(),
        scenario: world.contract.scenario.clone(),
        purpose: world.contract.purpose.clone(),
        items: world.contract.inputs[0].columns.clone(),
        not_before: world.contract.created.plus_days(-1),
        not_after: world.contract.expires,
        revoked_at: None,
        evidence: "form".into(),
    }))
    .unwrap()
}

fn permit(world: &World) -> (Permit, JobId) {
    let (dossier, admitted) = (world.dossier(), world.admitted());
    match decide(&admitted, &world.input(&dossier), &PolicySet::default_policy().unwrap()) {
        Decision::Permitted { mut permits, .. } => (permits.remove(0), admitted.id()),
        Decision::Denied { findings, .. } => panic!("{findings:?}"),
    }
}

fn raw(world: &World, wiped: &Arc<AtomicUsize>) -> Raw<Toy> {
    Raw::new(dataset(0), world.entries[0].version, table(wiped))
}

#[test]
fn a5_a15_only_permitted_columns_and_consented_rows_come_out() {
    let world = World::new();
    let (permit, job) = permit(&world);
    let wiped = Arc::default();
    let raw = raw(&world, &wiped);
    let consents = consents(&world, &["a", "d", "unknown"]);
    {
        let opened = raw.open(&permit, job, Some(&consents), world.now).unwrap();
        assert_eq!(opened.table().columns(), ["id", "cost", "visits", "chronic"], "`address` was never asked for");
        assert_eq!(opened.table().columns[1].1, ["1", "4"]);
        assert_eq!((opened.counts().kept, opened.counts().dropped), (2, 2));
        assert_eq!(opened.expiry(), permit.expiry());
    }
    // the projected and the opened copy are wiped, the original is still there
    assert_eq!(wiped.load(Ordering::Relaxed), 2);
    drop(raw);
    assert_eq!(wiped.load(Ordering::Relaxed), 3);
}

#[test]
fn a15_the_provider_counts_before_it_signs() {
    let world = World::new();
    let wiped = Arc::default();
    let raw = raw(&world, &wiped);
    let c = &world.contract;
    let query = ConsentQuery { scenario: &c.scenario, purpose: &c.purpose, items: &c.inputs[0].columns, now: world.now };
    let counts = raw.count_consenting("id", &consents(&world, &["a"]), &query).unwrap();
    assert_eq!((counts.kept, counts.dropped), (1, 3));
    assert!(raw.count_consenting("passport", &consents(&world, &["a"]), &query).is_err());
}

#[test]
fn rows_without_subjects_need_no_consent() {
    let mut world = World::new();
    world.contract.inputs[0].consent = ConsentTerms::NotNeeded;
    (world.entries[0].subjects, world.entries[0].subject_column) = (yu_governance::catalogue::Subjects::None, None);
    for item in &mut world.entries[0].items {
        item.class = yu_governance::catalogue::Class::General;
    }
    let (permit, job) = permit(&world);
    let opened = raw(&world, &Arc::default());
    let opened = opened.open(&permit, job, None, world.now).unwrap();
    assert_eq!((opened.counts().kept, opened.counts().dropped), (4, 0));
}

#[test]
fn what_the_permit_does_not_cover_stays_closed() {
    let world = World::new();
    let (permit, job) = permit(&world);
    let wiped = Arc::default();
    let raw = raw(&world, &wiped);
    let consents = consents(&world, &["a"]);
    let refused = |raw: &Raw<Toy>, job, consents: Option<&ConsentSet>, now| match raw.open(&permit, job, consents, now) {
        Ok(_) => panic!("opened"),
        Err(error) => error.to_string(),
    };
    let all = Some(&consents);
    assert!(refused(&raw, JobId(hash("another")), all, world.now).contains("permit.other-job"));
    assert!(refused(&raw, job, all, permit.expiry()).contains("permit.expired"), "A4: hard stop at expiry");
    assert!(raw.open(&permit, job, all, permit.expiry().plus_seconds(-1)).is_ok());
    assert!(refused(&raw, job, None, world.now).contains("permit.consent-absent"));
    let other = Raw::new(dataset(1), world.entries[0].version, table(&wiped));
    assert!(refused(&other, job, all, world.now).contains("permit.other-dataset"));
    let changed = Raw::new(dataset(0), hash("changed file"), table(&wiped));
    assert!(refused(&changed, job, all, world.now).contains("permit.other-version"));
    let mut narrow = table(&wiped);
    narrow.columns.retain(|(name, _)| name != "visits");
    let narrow = Raw::new(dataset(0), world.entries[0].version, narrow);
    let message = refused(&narrow, job, all, world.now);
    assert!(message.contains("`visits`") && !message.contains("CANARY"), "{message}");
}

#[test]
fn p1_magnitudes_see_consenting_rows_only() {
    let world = World::new();
    let contract = &world.contract;
    let input = &contract.inputs[0];
    let raw = Raw::new(input.dataset.clone(), input.version, table(&Arc::default()));
    assert_eq!(raw.magnitudes(&["cost", "visits"], None).unwrap(), [3, 4]);
    let columns = ColumnSet::new(["cost", "id"]).unwrap();
    let query = ConsentQuery { scenario: &contract.scenario, purpose: &contract.purpose, items: &columns, now: at("2026-06-01T08:00:00Z") };
    // a: 1, b: 2; the row with cost 4 belongs to d, who did not agree
    let consent = consents(&world, &["a", "b"]);
    assert_eq!(raw.magnitudes(&["cost"], Some(("id", &consent, &query))).unwrap(), [2]);
    assert!(raw.magnitudes(&["income"], None).is_err());
}
