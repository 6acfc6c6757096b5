//! Contracts about a model that stays split: what has to hold for them, and what they say of who learns what.

use yu_governance::canonical::digest;
use yu_governance::contract::*;
use yu_governance::id::JobId;

use super::world::*;

fn joint(c: &mut Contract) -> &mut JointTerms {
    c.joint_mut().unwrap()
}

fn model(c: &mut Contract) -> &mut ModelTerms {
    match joint(c).steps.as_mut_slice() {
        [StepTerms::Train(terms) | StepTerms::Evaluate(terms) | StepTerms::Predict(terms)] => terms,
        _ => panic!("a step about a split model"),
    }
}

/// The columns of the joint statistics, the last one of the right side as the label.
fn world() -> World {
    let mut world = World::new();
    let c = &mut world.contract;
    c.technique = Technique::Federated;
    c.reveal_match = RevealMatch::Both;
    let joint = joint(c);
    joint.psi.kind = PsiKind::EcdhRistretto255;
    let named = |side, columns: &[String]| columns.iter().map(|c| ColumnRef { side, column: c.clone() }).collect::<Vec<_>>();
    let (left, mut right) = (named(Side::Left, &joint.statistics.left.columns), named(Side::Right, &joint.statistics.right.columns));
    joint.statistics.left.exponents.clear();
    joint.statistics.right.exponents.clear();
    assert!(!left.is_empty() && right.len() > 1, "{right:?}");
    let target = right.pop();
    joint.steps = vec![StepTerms::Train(ModelTerms { target, features: [left, right].concat(), settings: "{}".into(), model: None })];
    world.link();
    world
}

fn earlier() -> Option<JobId> {
    Some(JobId(digest("test", b"earlier")))
}

#[test]
fn parties_train_judge_and_use_a_split_model() {
    for me in [HEALTH, BANK, PLATFORM, AUTHORITY] {
        let mut world = world();
        world.me = party(me);
        assert_eq!(world.codes(), Vec::<String>::new(), "{me}");
    }
    let of = |contract: &Contract, name: &str| -> Vec<LeakCode> {
        leakage::required(contract).into_iter().filter(|l| l.party == party(name)).map(|l| l.code).collect()
    };
    let mut contract = world().contract;
    for name in [HEALTH, BANK, PLATFORM] {
        assert!(of(&contract, name).contains(&LeakCode::ModelShare), "{name}");
    }
    assert!(of(&contract, HEALTH).contains(&LeakCode::MatchedRows) && !of(&contract, PLATFORM).contains(&LeakCode::MatchedRows));
    assert!(of(&contract, AUTHORITY).contains(&LeakCode::ModelQuality));
    let step = model(&mut contract).clone();
    joint(&mut contract).steps = vec![StepTerms::Predict(ModelTerms { target: None, model: earlier(), ..step })];
    assert!(of(&contract, AUTHORITY).contains(&LeakCode::Scores) && !of(&contract, HEALTH).contains(&LeakCode::ModelShare));
}

#[test]
fn what_contradicts_itself_is_refused() {
    type Change = fn(&mut Contract);
    let cases: [(&str, Change); 10] = [
        ("contract.technique-unknown", |c| c.technique = Technique::Mpc),
        ("contract.split-model", |c| model(c).settings = " ".into()),
        ("contract.split-model", |c| model(c).target = None),
        ("contract.split-model", |c| model(c).model = earlier()),
        ("contract.split-model", |c| model(c).features.reverse()),
        ("contract.split-model", |c| model(c).features.retain(|column| column.side == Side::Left)),
        ("contract.split-model", |c| {
            let first = model(c).features[0].clone();
            model(c).target = Some(first);
        }),
        ("contract.split-model", |c| {
            let step = joint(c).steps[0].clone();
            joint(c).steps.push(step);
        }),
        ("contract.split-model", |c| joint(c).psi.kind = PsiKind::SharedJoin80),
        ("contract.split-model-receiver", |c| {
            let terms = model(c).clone();
            let right = terms.target.clone().unwrap();
            joint(c).statistics.right.columns.retain(|column| *column != right.column);
            joint(c).steps = vec![StepTerms::Predict(ModelTerms { target: None, model: earlier(), ..terms })];
            c.receivers[0].party = party(PLATFORM);
        }),
    ];
    for (code, change) in cases {
        let mut world = world();
        assert!(world.contract.check_shape().is_empty(), "{:?}", world.contract.check_shape());
        change(&mut world.contract);
        let codes: Vec<_> = world.contract.check_shape().into_iter().map(|f| f.code).collect();
        assert!(codes.iter().any(|c| c == code), "{code}: {codes:?}");
    }
}
