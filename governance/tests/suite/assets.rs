//! Assets at the end: everything in the inventory is treated as both sides agreed, and rows are never kept.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use yu_governance::asset::*;
use yu_governance::finding::Checked;
use yu_governance::id::{AuthorisationId, document_hash};
use yu_governance::lineage::{Builder, Direction, Fact, Kind, NodeId, Output, Record};
use yu_governance::sign::Signed;
use yu_governance::workflow::Word as _;

use super::machines::{Refusal, t};
use super::world::{AUTHORITY, BANK, HEALTH, PLATFORM, STRANGER, World, hash, key, party, ring, sign};

fn codes<T: std::fmt::Debug>(checked: Checked<T>) -> Vec<String> {
    let found = checked.unwrap_err();
    assert!(found.iter().all(|f| !f.what.is_blank() && !f.remedy.is_blank() && !f.party.is_empty()));
    found.into_iter().map(|f| f.code).collect()
}

fn plan() -> DisposalPlan {
    let actions = BTreeMap::from([
        (AssetKind::Rows, Action::Destroy),
        (AssetKind::Model, Action::HandOver),
        (AssetKind::Result, Action::Destroy),
        (AssetKind::Product, Action::Seal),
        (AssetKind::Program, Action::Keep),
        (AssetKind::Document, Action::HandOver),
    ]);
    let authorisation = AuthorisationId::new("dev/authority/2026-1").unwrap();
    DisposalPlan { v: 1, authorisation, agreement: hash("agreement"), sides: [party(AUTHORITY), party(BANK)], actions, within_days: 10 }
}

fn inventory() -> BTreeSet<Asset> {
    let asset = |name: &str, kind, holder| Asset { content: hash(name), kind, holder: party(holder) };
    [
        asset("rows", AssetKind::Rows, BANK),
        asset("rows", AssetKind::Rows, PLATFORM),
        asset("model", AssetKind::Model, BANK),
        asset("product", AssetKind::Product, BANK),
        asset("program", AssetKind::Program, BANK),
    ]
    .into()
}

fn record(asset: &Asset, hold: Hold) -> Disposal {
    let action = action(&plan(), asset.kind, hold).unwrap();
    let receiver = matches!(action, Action::Seal | Action::HandOver).then(|| party(AUTHORITY));
    let evidence = hash(&format!("{asset:?}"));
    Disposal { v: 1, plan: document_hash(&plan()).unwrap(), asset: asset.clone(), action, evidence, receiver, at: t(1_000) }
}

fn signed(record: &Disposal) -> Signed<Disposal> {
    let mut signed = sign(record.clone(), record.asset.holder.as_str());
    record.receiver.iter().for_each(|name| signed.add_signature(name.as_str(), &key(name.as_str())).unwrap());
    signed
}

fn check(records: &[Signed<Disposal>], hold: Hold) -> Checked<()> {
    settle(&plan(), &inventory(), records, t(900), hold, &ring())
}

#[test]
fn l6_the_plan_is_complete_and_keeps_no_rows() {
    let by_both = |plan: &DisposalPlan| {
        let [one, two] = &plan.sides;
        let mut signed = sign(plan.clone(), one.as_str());
        signed.add_signature(two.as_str(), &key(two.as_str())).unwrap();
        signed
    };
    let check = |plan: &DisposalPlan| DisposalPlan::verify(&by_both(plan), &hash("agreement"), &ring());
    assert_eq!(check(&plan()).unwrap(), document_hash(&plan()).unwrap());
    let alone = sign(plan(), BANK);
    assert_eq!(codes(DisposalPlan::verify(&alone, &hash("agreement"), &ring())), ["disposal.signature"]);
    let cases: [Refusal<DisposalPlan>; 6] = [
        ("disposal.rows", |p| p.actions.extend([(AssetKind::Rows, Action::Keep)])),
        ("disposal.rows", |p| p.actions.extend([(AssetKind::Rows, Action::HandOver)])),
        ("disposal.kind", |p| p.actions.retain(|kind, _| *kind != AssetKind::Model)),
        ("disposal.other-agreement", |p| p.agreement = hash("old")),
        ("disposal.sides", |p| p.sides[1] = p.sides[0].clone()),
        ("disposal.sides", |p| p.within_days = 0),
    ];
    for (code, spoil) in cases {
        let mut bad = plan();
        spoil(&mut bad);
        assert_eq!(codes(check(&bad)), [code]);
    }
}

#[test]
fn l6_every_copy_is_accounted_for() {
    let records: Vec<_> = inventory().iter().map(|asset| signed(&record(asset, Hold::None))).collect();
    check(&records, Hold::None).unwrap();
    for left_out in 0..records.len() {
        let some: Vec<_> = records.iter().enumerate().filter(|(n, _)| *n != left_out).map(|(_, r)| r.clone()).collect();
        let found = check(&some, Hold::None).unwrap_err();
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].code.as_str(), found[0].party.as_str()), ("disposal.undone", records[left_out].payload.asset.holder.as_str()));
    }
    let rows = inventory().into_iter().find(|a| a.kind == AssetKind::Rows && a.holder == party(BANK)).unwrap();
    let place = records.iter().position(|r| r.payload.asset == rows).unwrap();
    let cases: [Refusal<Disposal>; 6] = [
        ("disposal.action", |d| d.action = Action::Keep),
        ("disposal.action", |d| d.plan = hash("another plan")),
        ("disposal.receiver", |d| d.receiver = Some(party(HEALTH))),
        ("disposal.early", |d| d.at = t(899)),
        ("disposal.late", |d| d.at = t(901 + 10 * 86_400)),
        ("disposal.evidence", |d| d.evidence = hash(&format!("{:?}", Asset { holder: party(PLATFORM), ..d.asset.clone() }))),
    ];
    for (code, spoil) in cases {
        let mut bad = records[place].payload.clone();
        spoil(&mut bad);
        let mut all = records.clone();
        all[place] = signed(&bad);
        assert_eq!(codes(check(&all, Hold::None)), [code]);
    }
    let mut forged = records.clone();
    forged[place] = sign(records[place].payload.clone(), STRANGER);
    assert_eq!(codes(check(&forged, Hold::None)), ["disposal.signature", "disposal.undone"]);
    let twice = [records.clone(), vec![records[place].clone()]].concat();
    assert_eq!(codes(check(&twice, Hold::None)), ["disposal.evidence", "disposal.conflict"]);
    let unlisted = Asset { content: hash("hidden"), ..rows };
    assert_eq!(codes(check(&[records, vec![signed(&record(&unlisted, Hold::None))]].concat(), Hold::None)), ["disposal.unlisted"]);
}

#[test]
fn l6_nothing_is_kept_by_not_being_listed() {
    let admitted = World::new().admitted();
    let mut builder = Builder::new(ring(), BTreeSet::new());
    builder.contract(&admitted);
    let fact = Fact::Made { job: admitted.id(), output: Output::Model, content: hash("model") };
    builder.record(&sign(Record { v: 1, recorder: party(HEALTH), fact, at: t(1) }, HEALTH)).unwrap();
    let graph = builder.build().unwrap();
    let trace = graph.trace(NodeId::new(Kind::Model, hash("model")), Direction::Backward).unwrap();
    let found = |inventory: &BTreeSet<Asset>| hidden(&trace, inventory).into_iter().map(|f| f.what.en).collect::<Vec<_>>();
    assert_eq!(found(&inventory()).len(), 2, "two files: {:?}", found(&inventory()));
    let file = |name: &str| Asset { content: hash(name), kind: AssetKind::Rows, holder: party(BANK) };
    let mut all = inventory();
    all.extend([file("health file"), file("bank file")]);
    assert!(found(&all).is_empty());
    all.retain(|asset| asset.kind != AssetKind::Model);
    assert_eq!(found(&all).len(), 1);
}

#[test]
fn l6_an_open_incident_turns_destruction_into_sealing() {
    let records: Vec<_> = inventory().iter().map(|asset| signed(&record(asset, Hold::Open))).collect();
    check(&records, Hold::Open).unwrap();
    let destroyed: Vec<_> = inventory().iter().map(|asset| signed(&record(asset, Hold::None))).collect();
    assert!(codes(check(&destroyed, Hold::Open)).contains(&"disposal.action".to_owned()), "evidence was destroyed");
}

proptest! {
    /// L6: a plan is accepted exactly if every kind has an action and rows are destroyed or sealed.
    #[test]
    fn l6_plans_are_judged_exactly(choices in prop::collection::vec(prop::option::of(0_usize..4), 6)) {
        let actions = AssetKind::all().iter().zip(&choices).filter_map(|(kind, n)| n.map(|n| (*kind, Action::all()[n]))).collect();
        let plan = DisposalPlan { actions, ..plan() };
        let mut signed = sign(plan.clone(), AUTHORITY);
        signed.add_signature(BANK, &key(BANK)).unwrap();
        let sound = choices.iter().all(Option::is_some) && choices[0].is_some_and(|n| n < 2);
        prop_assert_eq!(DisposalPlan::verify(&signed, &hash("agreement"), &ring()).is_ok(), sound);
    }
}
