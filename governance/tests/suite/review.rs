//! O2, O4, O5: a result leaves after all checks and a signed decision, or not at all.

use serde::Serialize;
use yu_governance::Error;
use yu_governance::canonical::Hash;
use yu_governance::check::local::OwnGroups;
use yu_governance::check::{InputAttestation, LocalLimits, ResultView, Reviewable, examine};
use yu_governance::contract::{ColumnRef, Contract, OwnCorrelations, PsiKind, Real, RevealMatch, Role, Side, StepTerms, leakage};
use yu_governance::held::{Checked, Held, Reconstruction};
use yu_governance::id::ColumnSet;
use yu_governance::release::{Decider, Receipt, Released, ResultDocument, ReviewDecision, ReviewVerdict, Reviewed};
use yu_governance::sheet::{self, By, Outcome as Outcome5};
use yu_governance::sign::Signed;
use yu_governance::text::Text;

use super::world::*;

const SALT: [u8; 32] = [5; 32];

/// A result whose facts a test may choose.
#[derive(Clone, Serialize)]
pub(crate) struct Outcome {
    mean: f64,
    #[serde(skip)]
    view: ResultView,
}

impl Reviewable for Outcome {
    fn view(&self, _: &Contract) -> ResultView {
        self.view.clone()
    }
}

pub(crate) fn outcome() -> Outcome {
    let view = ResultView {
        outputs: vec![("statistics".into(), hash("layout"))],
        matched: 800,
        cells: vec![500, 300],
        open_complements: 0,
        constant_columns: 0,
        finite: true,
    };
    Outcome { mean: 3.5, view }
}

fn attestation(world: &World, name: &str, values: &[f64]) -> Signed<InputAttestation> {
    let groups = Some(OwnGroups { of_row: &[0; 8], categories: 1 });
    let found = examine(8, &[("cost", values)], groups, LocalLimits::new(5));
    let job = world.contract.id().unwrap();
    sign(InputAttestation::new(job, party(name), &found, world.now), name)
}

fn attestations(world: &World) -> Vec<Signed<InputAttestation>> {
    let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
    vec![attestation(world, HEALTH, &values), attestation(world, BANK, &values)]
}

fn collect(world: &World) -> Held<yu_governance::held::Collecting<u8>> {
    let mut held = Held::new(&world.admitted());
    for (i, name) in [PLATFORM, HEALTH, BANK].into_iter().enumerate() {
        assert_eq!(held.missing().len(), 3 - i);
        held.accept(&party(name), 0).unwrap();
    }
    held
}

pub(crate) fn checked(world: &World, outcome: Outcome, attestations: &[Signed<InputAttestation>]) -> Held<Checked<Outcome>> {
    let complete = collect(world).complete::<_, Error>(&SALT, |shares| {
        let order: Vec<_> = shares.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(order, [HEALTH, BANK, PLATFORM], "left, right, helper");
        Ok(Reconstruction::Consistent(outcome))
    });
    complete.unwrap().check(attestations, &world.keys).unwrap()
}

pub(crate) fn ready(world: &World) -> Held<Checked<Outcome>> {
    checked(world, outcome(), &attestations(world))
}

fn approve(world: &World, held: &Held<Checked<Outcome>>) -> ReviewDecision {
    let lines = held.sheet(&world.dossier(), None);
    let open = lines.iter().filter(|line| line.outcome == Outcome5::NeedsPerson).map(|line| line.item).collect();
    held.draft(Decider::Demo, ReviewVerdict::Approved, sheet::answers(&lines, &open, true, By::Program), world.now)
}

fn release(world: &World) -> Released<Outcome> {
    let held = ready(world);
    let decision = sign(approve(world, &held), AUTHORITY);
    match held.decide(&decision, &world.keys).unwrap() {
        Reviewed::Released(released) => released,
        Reviewed::Refused(withheld) => panic!("{withheld:?}"),
    }
}

fn objections(held: &Held<Checked<Outcome>>) -> Vec<String> {
    held.report().objections().map(|i| i.code.clone()).collect()
}

pub(crate) fn refusal(result: yu_governance::Result<Reviewed<Outcome>>) -> String {
    match result {
        Ok(_) => panic!("a decision was accepted"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn o2_an_approved_result_is_released_to_the_contracts_receivers() {
    let world = World::new();
    let released = release(&world);
    assert_eq!(released.receivers(), world.contract.receivers);
    assert_eq!(released.job(), world.contract.id().unwrap());
    let document: ResultDocument<serde_json::Value> = ResultDocument::from_bytes(released.document()).unwrap();
    assert_eq!(document.value["mean"], 3.5);
    assert_eq!(document.salt, hex(&SALT));
    assert!((released.value().mean - 3.5).abs() < 1e-12);
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[test]
fn the_hash_of_a_result_is_salted() {
    let world = World::new();
    let hash_with = |salt: u8| -> Option<Hash> {
        let complete = collect(&world).complete::<_, Error>(&[salt; 32], |_| Ok(Reconstruction::Consistent(outcome()))).unwrap();
        complete.check(&[], &world.keys).unwrap().report().result
    };
    assert_eq!(hash_with(1), hash_with(1), "the same again after a crash");
    assert_ne!(hash_with(1), hash_with(2));
}

#[test]
fn o5_each_check_objects_to_what_it_is_for() {
    type Change = fn(&mut ResultView);
    let world = World::new();
    let cases: [(&str, Change); 9] = [
        ("outputs.contracted", |v| v.outputs.push(("rows".into(), hash("layout")))),
        ("outputs.contracted", |v| v.outputs[0].1 = hash("another layout")),
        ("outputs.contracted", |v| v.outputs.clear()),
        ("cells.minimum", |v| v.cells[1] = 4),
        ("cells.minimum", |v| v.cells[1] = 0),
        ("cells.complement", |v| v.open_complements = 1),
        ("rows.minimum", |v| v.matched = 99),
        ("values.verbatim", |v| v.constant_columns = 1),
        ("values.verbatim", |v| v.finite = false),
    ];
    assert!(objections(&ready(&world)).is_empty());
    for (code, change) in cases {
        let mut outcome = outcome();
        change(&mut outcome.view);
        let held = checked(&world, outcome, &attestations(&world));
        assert_eq!(objections(&held), [code]);
        assert!(!held.report().passed());
        // not even a signed approval helps
        let decision = sign(approve(&world, &held), AUTHORITY);
        assert!(refusal(held.decide(&decision, &world.keys)).contains("review.checks-failed"));
    }
}

#[test]
fn o4_a_receiver_is_not_told_which_of_its_rows_matched() {
    // the bank brings 2,000 rows with two columns and receives; the groups are those of the other side
    let codes = |change: &dyn Fn(&mut World), matched: u64, cells: [u64; 2]| {
        let mut world = World::new();
        (world.contract.joint_mut().unwrap().psi.kind, world.contract.reveal_match) = (PsiKind::SharedJoin80, RevealMatch::None);
        let statistics = &mut world.contract.joint_mut().unwrap().statistics;
        for side in [&mut statistics.left, &mut statistics.right] {
            side.exponents = vec![10; side.columns.len()];
        }
        world.contract.leakage = leakage::required(&world.contract);
        change(&mut world);
        let mut outcome = outcome();
        (outcome.view.matched, outcome.view.cells) = (matched, cells.to_vec());
        objections(&checked(&world, outcome, &attestations(&world)))
    };
    let bring = |rows: u64| move |w: &mut World| w.contract.inputs[1].rows = rows;
    let hidden = ["match.hidden"];
    assert!(codes(&|_| {}, 800, [500, 300]).is_empty());
    // four numbers of 20 bits hide behind 160 bits, and eight with the groups behind 320: 150 of 170 rows match in C(170, 150) = 2^85 ways
    assert_eq!(codes(&bring(170), 150, [80, 70]), hidden);
    assert!(codes(&bring(300), 150, [80, 70]).is_empty());
    // the three who are missing would be found at once; if nobody is missing the count says so
    assert_eq!(codes(&bring(803), 800, [500, 300]), hidden);
    assert!(codes(&bring(800), 800, [500, 300]).is_empty());
    // many columns and few rows; fewer digits say less; the own columns' correlations say much more
    let columns = |n: usize| {
        move |w: &mut World| {
            let side = &mut w.contract.joint_mut().unwrap().statistics.right;
            side.columns = (0..n).map(|c| format!("c{c}")).collect();
            side.exponents = vec![10; n];
            w.contract.inputs[1].columns = ColumnSet::new(side.columns.iter().map(String::as_str).chain(["id"])).unwrap();
            w.contract.inputs[1].rows = 1_600;
            ask_all(&mut w.contract);
        }
    };
    assert!(codes(&columns(14), 800, [500, 300]).is_empty());
    assert_eq!(codes(&columns(15), 800, [500, 300]), hidden);
    let coarse = |w: &mut World| {
        columns(15)(w);
        w.contract.outputs[0].digits = 3;
    };
    assert!(codes(&coarse, 800, [500, 300]).is_empty());
    let with_own = |w: &mut World| {
        columns(10)(w);
        w.contract.outputs[0].own_correlations = OwnCorrelations::Published;
    };
    assert!(codes(&columns(10), 800, [500, 300]).is_empty());
    assert_eq!(codes(&with_own, 800, [500, 300]), hidden);
    // the receiver's own groups hide nothing
    let own_groups = |w: &mut World| {
        columns(10)(w);
        let (left, right) = (w.contract.inputs[0].columns.clone(), &mut w.contract.inputs[1].columns);
        assert!(left.contains("chronic"));
        *right = ColumnSet::new(right.iter().chain(["branch"])).unwrap();
        if let StepTerms::Stats { group: Some(group), .. } = &mut w.contract.joint_mut().unwrap().steps[0] {
            (group.side, group.column) = (Side::Right, "branch".into());
        }
    };
    assert_eq!(codes(&own_groups, 800, [500, 300]), hidden);
    // in a job of steps each number about own columns counts, of models those that have no other column
    let steps = |own: bool| {
        move |w: &mut World| {
            bring(803)(w);
            let column = |side, column: &str| ColumnRef { side, column: column.into() };
            let target = if own { column(Side::Right, "loans") } else { column(Side::Left, "cost") };
            let parts = (1..=8).map(|part| part * 1000).collect();
            let quantiles = StepTerms::Quantiles { columns: vec![column(Side::Right, "income")], per_ten_thousand: parts };
            let model =
                StepTerms::LinearRegression { target, features: vec![column(Side::Right, "income")], ridge: Real::new(0.01).unwrap() };
            w.contract.joint_mut().unwrap().statistics.left.columns = vec!["cost".into()];
            w.contract.joint_mut().unwrap().statistics.left.exponents = vec![10];
            // read by a step that tells nothing of the receiver's columns
            let rest = StepTerms::Quantiles { columns: vec![column(Side::Left, "cost")], per_ten_thousand: vec![5000] };
            let others = StepTerms::LinearRegression {
                target: column(Side::Left, "cost"),
                features: vec![column(Side::Right, "loans")],
                ridge: Real::new(0.01).unwrap(),
            };
            w.contract.joint_mut().unwrap().steps = vec![quantiles, model, rest, others];
        }
    };
    assert!(codes(&steps(false), 700, [350, 350]).is_empty());
    assert!(codes(&steps(false), 780, [390, 390]) == hidden);
    let few = |w: &mut World| {
        steps(true)(w);
        w.contract.outputs[0].digits = 3;
    };
    assert!(codes(&few, 700, [350, 350]).is_empty());
    // a receiver that the protocol tells the match, and one without data
    assert!(
        codes(&|w: &mut World| (w.contract.reveal_match, w.contract.inputs[1].rows) = (RevealMatch::Both, 803), 800, [500, 300]).is_empty()
    );
    let outsider = |w: &mut World| {
        bring(803)(w);
        w.contract.parties[1].roles.retain(|role| *role != Role::Result);
        w.contract.parties[2].roles.push(Role::Result);
        w.contract.receivers[0].party = w.contract.parties[2].name.clone();
    };
    assert!(codes(&outsider, 800, [500, 300]).is_empty());
}

#[test]
fn o4_every_input_party_must_have_examined_its_rows() {
    let world = World::new();
    let good = attestations(&world);
    let objects = |attestations: &[Signed<InputAttestation>]| objections(&checked(&world, outcome(), attestations)) == ["inputs.attested"];
    assert!(objects(&[]));
    assert!(objects(&good[..1]));
    assert!(!objects(&good));
    // a constant column would leave verbatim
    let constant = attestation(&world, BANK, &[7.0; 8]);
    assert!(objects(&[good[0].clone(), constant.clone()]));
    // yes and no is no
    assert!(objects(&[good[0].clone(), good[1].clone(), constant]));
    // signed by another party
    let mut foreign = good[1].clone();
    foreign.signatures = sign(foreign.payload.clone(), HEALTH).signatures;
    assert!(objects(&[good[0].clone(), foreign]));
    // of another job
    let mut other = World::new();
    other.contract.nonce = "cd".repeat(32);
    assert!(objects(&[good[0].clone(), attestations(&other)[1].clone()]));
    // a check left out
    let mut short = good[1].payload.clone();
    short.checks.pop();
    assert!(objects(&[good[0].clone(), sign(short, BANK)]));
}

#[test]
fn shares_that_disagree_are_reported_and_cannot_be_approved() {
    let world = World::new();
    let complete = collect(&world)
        .complete::<Outcome, Error>(&SALT, |_| Ok(Reconstruction::Inconsistent { culprits: vec![party(BANK), party(PLATFORM)] }));
    let held = complete.unwrap().check(&attestations(&world), &world.keys).unwrap();
    assert!(objections(&held).contains(&"shares.consistent".to_owned()));
    assert!(held.for_reviewer().is_none());
    assert!(held.report().items[0].detail.en.contains(BANK));
    let decision = sign(approve(&world, &held), AUTHORITY);
    assert!(refusal(held.decide(&decision, &world.keys)).contains("review.checks-failed"));
}

#[test]
fn the_demo_reviewer_refuses_what_the_checks_refuse() {
    let world = World::new();
    assert_eq!(ready(&world).verdict_by_checks(), ReviewVerdict::Approved);
    let held = checked(&world, outcome(), &[]);
    let verdict = held.verdict_by_checks();
    let ReviewVerdict::Refused { reason } = &verdict else { panic!("approved") };
    assert!(reason.en.contains("inputs.attested") && reason.zh.contains("输入方"));
    let answers = sheet::answers(&held.sheet(&world.dossier(), None), &[].into(), true, By::Program);
    let decision = sign(held.draft(Decider::Demo, verdict, answers, world.now), AUTHORITY);
    let Reviewed::Refused(withheld) = held.decide(&decision, &world.keys).unwrap() else { panic!("released") };
    assert_eq!(withheld.job, world.contract.id().unwrap());
}

#[test]
fn only_the_contracts_reviewer_decides_on_exactly_this_result() {
    let world = World::new();
    type Change = fn(&mut ReviewDecision);
    let cases: [(&str, &str, Change); 7] = [
        ("signature", STRANGER, |_| {}),
        ("signature", BANK, |d| d.reviewer = party(BANK)),
        ("review.other-reviewer", AUTHORITY, |d| d.reviewer = party(BANK)),
        ("review.other-result", AUTHORITY, |d| d.report = hash("another report")),
        ("review.other-result", AUTHORITY, |d| d.result = Some(hash("another result"))),
        ("review.other-result", AUTHORITY, |d| d.job = yu_governance::id::JobId(hash("another job"))),
        ("review.too-late", AUTHORITY, |d| d.at = d.at.plus_days(2)),
    ];
    for (code, signer, change) in cases {
        let held = ready(&world);
        let mut decision = approve(&world, &held);
        change(&mut decision);
        let message = refusal(held.decide(&sign(decision, signer), &world.keys));
        assert!(message.contains(code), "{code}: {message}");
    }
    let held = ready(&world);
    let unexplained = ReviewVerdict::Refused { reason: Text::new("", "") };
    let decision = sign(held.draft(Decider::Person { name: "clerk".into() }, unexplained, Vec::new(), world.now), AUTHORITY);
    assert!(refusal(held.decide(&decision, &world.keys)).contains("review.reason-missing"));
}

#[test]
fn shares_come_once_from_each_computing_party() {
    let world = World::new();
    let mut held = Held::<yu_governance::held::Collecting<u8>>::new(&world.admitted());
    assert!(held.accept(&party(AUTHORITY), 0).is_err(), "the reviewer does not compute");
    assert!(held.accept(&party(STRANGER), 0).is_err());
    held.accept(&party(BANK), 0).unwrap();
    assert!(held.accept(&party(BANK), 0).is_err());
    assert_eq!(held.missing(), [&party(HEALTH), &party(PLATFORM)]);
    let early = held.complete::<Outcome, Error>(&SALT, |_| panic!("opened too early"));
    assert!(early.is_err_and(|e| e.to_string().contains("held.incomplete")));
}

#[test]
fn a_receipt_is_verified_offline_against_the_document() {
    let world = World::new();
    let released = release(&world);
    let receipt = released.receipt(&party(BANK), &party(AUTHORITY), world.now).unwrap();
    assert!(released.receipt(&party(HEALTH), &party(AUTHORITY), world.now).is_err());
    let signed = sign(receipt.clone(), AUTHORITY);
    Receipt::verify(&signed, &world.keys, released.document()).unwrap();
    let mut altered = released.document().to_vec();
    for i in 0..altered.len() {
        altered[i] ^= 1;
        assert!(Receipt::verify(&signed, &world.keys, &altered).is_err(), "byte {i}");
        altered[i] ^= 1;
    }
    assert!(Receipt::verify(&sign(receipt, STRANGER), &world.keys, released.document()).is_err());
}
