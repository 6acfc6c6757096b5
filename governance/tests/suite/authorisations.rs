//! Model checking of the authorisation, from announcement to destruction.

use std::collections::{BTreeMap, BTreeSet};

use yu_governance::text::Text;
use yu_governance::workflow::authorisation::{Case, Cause, Event, Rules, Stage, StageRule, State};
use yu_governance::workflow::dossier::{Opinion, ReviewForm, Score};
use yu_governance::workflow::{Machine as _, Role, Word as _};

use super::machines::{Counts, Refusal, explore, t, why};
use super::world::{hash, party};

/// TZ: list published and filed, then signed and sealed.
pub(crate) const TAIZHOU: &[Stage] = &[
    Stage::Completeness,
    Stage::Preliminary,
    Stage::Expert,
    Stage::Meeting,
    Stage::Publication,
    Stage::Filing,
    Stage::Agreement,
    Stage::Stamp,
];
/// NB: signed and sealed, then published and filed.
const NINGBO: &[Stage] =
    &[Stage::Completeness, Stage::Expert, Stage::Meeting, Stage::Agreement, Stage::Stamp, Stage::Publication, Stage::Filing];
/// ZW: implementation plan, selection, agreement.
const ZHONGWEI: &[Stage] = &[Stage::Completeness, Stage::Scheme, Stage::Selection, Stage::Agreement, Stage::Stamp];

pub(crate) fn rules(order: &[Stage], stamp: bool) -> Rules {
    let by = |stage: Stage| match stage {
        Stage::Meeting | Stage::Scheme => Role::Coordination,
        _ => Role::Authority,
    };
    let order = order.iter().filter(|stage| stamp || **stage != Stage::Stamp);
    Rules {
        order: order.map(|&stage| StageRule { stage, by: by(stage) }).collect(),
        stamp,
        max_term_years: 3,
        documents: BTreeSet::from(["form".to_owned()]),
        qualifications: BTreeSet::from(["team".to_owned()]),
        test_report: false,
        form_at: None,
        experts: 1,
        decide_by: vec![Role::Coordination],
        agreement_by: vec![Role::Government, Role::Licensee],
        plan_by: vec![Role::Licensee],
        suspend_by: vec![Role::Authority, Role::Regulator],
        terminate_by: vec![Role::Authority, Role::Coordination],
    }
}

pub(crate) fn form() -> ReviewForm {
    let score = Some(Score { points: 80, remark: Text::new("good", "好") });
    ReviewForm { applicant: score.clone(), market: score.clone(), security: score.clone(), plan: score }
}

pub(crate) fn opinion(conflict: bool) -> Opinion {
    Opinion { expert: party("yu://dev/experts/one"), conflict_of_interest: conflict.then(why), favours: true, text: hash("opinion") }
}

fn events() -> Vec<Event> {
    let (a, b) = (hash("a"), hash("b"));
    let none = BTreeSet::new();
    let all = BTreeSet::from(["form".to_owned()]);
    let team = BTreeMap::from([("team".to_owned(), t(40))]);
    let apply = |announcement, documents: &BTreeSet<String>, test_report| Event::Apply {
        announcement,
        documents: documents.clone(),
        test_report,
        qualifications: team.clone(),
    };
    let agree = |not_after, longer| Event::Agree { agreement: a, not_before: t(20), not_after, longer };
    vec![
        Event::Announce { announcement: a, opens: t(20), closes: t(30) },
        Event::Announce { announcement: a, opens: t(20), closes: t(20) },
        apply(a, &none, Some(b)),
        apply(a, &all, Some(b)),
        apply(a, &all, None),
        apply(b, &all, Some(b)),
        Event::Notify { missing: none.clone() },
        Event::Notify { missing: all.clone() },
        Event::Supplement { documents: none },
        Event::Supplement { documents: all },
        Event::Qualify { name: "team".into(), until: t(60) },
        Event::Complete,
        Event::Review { form: None },
        Event::Review { form: Some(form()) },
        Event::Review { form: Some(ReviewForm::default()) },
        Event::Assess { opinions: vec![opinion(false)], form: None },
        Event::Assess { opinions: vec![opinion(true)], form: None },
        Event::Assess { opinions: vec![opinion(false)], form: Some(form()) },
        Event::Decide,
        Event::Publish,
        Event::File { receipt: a },
        Event::Adopt,
        Event::Select,
        agree(t(50), None),
        agree(t(20).plus_years(4), None),
        agree(t(20), None),
        Event::Stamp { agreement: a },
        Event::Stamp { agreement: b },
        Event::Refuse { reason: why() },
        Event::Refuse { reason: Text::new("", "") },
        Event::Withdraw,
        Event::PlanIn { plan: a },
        Event::PlanOut,
        Event::Activate,
        Event::Suspend { reason: why() },
        Event::Order { what: why(), until: t(40) },
        Event::Report,
        Event::Reopen,
        Event::Expire,
        Event::Terminate { cause: Cause::Breach },
        Event::OpenMatter { matter: a },
        Event::CloseMatter { matter: a },
        Event::Destroy,
        Event::Seal,
    ]
}

/// What the test itself remembers of a path.
#[derive(Debug, Default, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Memory {
    passed: Vec<Stage>,
    plan: bool,
    qualified: bool,
    notices: u8,
    reported: bool,
    matter: bool,
}

fn remember(memory: &Memory, event: &Event) -> Memory {
    let mut next = memory.clone();
    let stage = match event {
        Event::Complete => Some(Stage::Completeness),
        Event::Review { .. } => Some(Stage::Preliminary),
        Event::Assess { .. } => Some(Stage::Expert),
        Event::Decide => Some(Stage::Meeting),
        Event::Publish => Some(Stage::Publication),
        Event::File { .. } => Some(Stage::Filing),
        Event::Adopt => Some(Stage::Scheme),
        Event::Select => Some(Stage::Selection),
        Event::Agree { .. } => Some(Stage::Agreement),
        Event::Stamp { .. } => Some(Stage::Stamp),
        _ => None,
    };
    next.passed.extend(stage);
    match event {
        Event::PlanIn { .. } => next.plan = true,
        Event::PlanOut => next.plan = false,
        Event::Qualify { .. } => next.qualified = true,
        Event::Notify { .. } => next.notices += 1,
        Event::Order { .. } => next.reported = false,
        Event::Report => next.reported = true,
        Event::OpenMatter { .. } => next.matter = true,
        Event::CloseMatter { .. } => next.matter = false,
        _ => {}
    }
    next
}

fn over(state: State) -> bool {
    matches!(state, State::Refused | State::Withdrawn | State::Expired | State::Terminated | State::Sealed | State::Destroyed)
}

fn running(state: State) -> bool {
    matches!(state, State::Active | State::Suspended | State::Correcting | State::Corrected)
}

/// Explores one world and asserts what must hold in all of them.
fn world(rules: &Rules, events: &[Event]) -> (Counts, BTreeSet<State>) {
    let order: Vec<Stage> = rules.order.iter().map(|rule| rule.stage).collect();
    let mut reached = BTreeSet::new();
    let counts = explore::<Case, _>(rules, events, &[10, 20, 40, 50], Memory::default(), remember, |before, old, event, at, after, new| {
        let (from, to) = (before.state_at(at), after.state_at(at));
        reached.insert(to);
        assert_eq!(new.passed[..], order[..new.passed.len()], "no stage is skipped or repeated: {event:?}");
        assert!(new.notices <= 1, "one notice");
        assert!(!over(from) || over(to), "{from} came back to {to} by {event:?}");
        if to == State::Active {
            assert!(new.plan, "a2: active without a plan by {event:?}");
            assert_eq!(new.passed, order);
            assert!(!rules.stamp || new.passed.contains(&Stage::Stamp), "a24");
            assert!(after.term().is_some_and(|(first, end)| first <= at && at < end), "a4");
            assert!(after.may_run(at) && !after.may_run(t(50)), "a4: the end of the term ends it");
            if from != State::Active {
                assert!(rules.qualifications.is_empty() || new.qualified || at < t(40), "a23");
                assert!(matches!(event, Event::Activate | Event::Reopen));
            }
        }
        if running(to) && !running(from) {
            assert!(matches!(event, Event::Activate));
        }
        if from == State::Corrected && to == State::Active {
            assert!(new.reported, "c5");
        }
        if to == State::Agreed && rules.stamp {
            assert!(new.passed.contains(&Stage::Stamp), "a24: agreed without the seal");
        }
        if to == State::Destroyed && from != State::Destroyed {
            assert!(!old.matter, "an open matter is sealed, not destroyed");
        }
    });
    (counts, reached)
}

#[test]
fn a2_a9_a24_no_path_leads_around_plan_stage_or_seal() {
    let all = events();
    let without = |drop: fn(&Event) -> bool| all.iter().filter(|event| !drop(event)).cloned().collect::<Vec<_>>();
    let no_plan = without(|event| matches!(event, Event::PlanIn { .. }));
    let no_seal = without(|event| matches!(event, Event::Stamp { .. }));
    let (mut counts, mut worlds) = (Counts::default(), 0);
    for order in [TAIZHOU, NINGBO, ZHONGWEI] {
        for stamp in [false, true] {
            for variant in 0..4 {
                let mut rules = rules(order, stamp);
                rules.test_report = variant == 1;
                rules.form_at = (variant == 2 && order.contains(&Stage::Expert)).then_some(Stage::Expert);
                if variant == 3 {
                    rules.qualifications.clear();
                    rules.documents.clear();
                }
                rules.check().unwrap();
                let (explored, reached) = world(&rules, &all);
                counts.add(explored);
                assert!(reached.contains(&State::Active) && reached.contains(&State::Destroyed), "the world is not empty: {reached:?}");
                worlds += 1;
                if variant == 1 || variant == 2 {
                    continue;
                }
                let (explored, reached) = world(&rules, &no_plan);
                counts.add(explored);
                assert!(!reached.iter().any(|state| running(*state)), "a2: {reached:?}");
                let (explored, reached) = world(&rules, &no_seal);
                counts.add(explored);
                assert_eq!(reached.contains(&State::Active), !stamp, "a24");
                worlds += 2;
            }
        }
    }
    counts.print("authorisation", worlds);
}

fn code(case: &Case, event: &Event, at: i64, rules: &Rules) -> String {
    case.next(event, t(at), rules).map_or_else(|error| error.to_string(), |next| next.state_at(t(at)).to_string())
}

fn walk(events: &[Event], at: i64, rules: &Rules) -> Case {
    events.iter().fold(Case::begin(), |case, event| case.next(event, t(at), rules).unwrap())
}

fn opened(documents: &[&str]) -> [Event; 2] {
    [
        Event::Announce { announcement: hash("a"), opens: t(20), closes: t(30) },
        Event::Apply {
            announcement: hash("a"),
            documents: documents.iter().map(|d| (*d).to_owned()).collect(),
            test_report: None,
            qualifications: BTreeMap::from([("team".to_owned(), t(40))]),
        },
    ]
}

#[test]
fn a8_one_notice_names_all_gaps() {
    let mut rules = rules(TAIZHOU, true);
    rules.documents = ["form", "audit", "finance", "commitment"].map(str::to_owned).into();
    let case = walk(&opened(&["form"]), 20, &rules);
    let gaps = case.gaps(&rules);
    assert_eq!(gaps.len(), 3);
    assert!(code(&case, &Event::Complete, 20, &rules).starts_with("dossier.gaps: missing: audit, commitment, finance"));
    let two = BTreeSet::from(["audit".to_owned(), "finance".to_owned()]);
    assert!(code(&case, &Event::Notify { missing: two.clone() }, 20, &rules).starts_with("notice.not-all"));
    let noticed = case.next(&Event::Notify { missing: gaps.clone() }, t(20), &rules).unwrap();
    let again = noticed.next(&Event::Supplement { documents: two }, t(20), &rules).unwrap();
    let left = BTreeSet::from(["commitment".to_owned()]);
    assert!(code(&again, &Event::Notify { missing: left }, 20, &rules).starts_with("notice.second"));
    assert!(code(&again, &Event::Refuse { reason: Text::new("no", "") }, 20, &rules).starts_with("workflow.reason-missing"));
    assert_eq!(code(&again, &Event::Refuse { reason: why() }, 20, &rules), "refused");
}

#[test]
fn a22_an_application_outside_the_window_is_refused() {
    let rules = rules(TAIZHOU, true);
    let [announce, apply] = opened(&["form"]);
    let case = Case::begin().next(&announce, t(10), &rules).unwrap();
    for (at, expected) in [(19, "apply.outside-window"), (20, "applied"), (29, "applied"), (30, "apply.outside-window")] {
        assert!(code(&case, &apply, at, &rules).starts_with(expected), "{at}");
    }
}

#[test]
fn a7_a_formal_application_cites_the_report_of_the_lab() {
    let mut rules = rules(TAIZHOU, true);
    rules.test_report = true;
    let [announce, mut apply] = opened(&["form"]);
    let case = Case::begin().next(&announce, t(20), &rules).unwrap();
    assert!(code(&case, &apply, 20, &rules).starts_with("apply.test-report"));
    if let Event::Apply { test_report, .. } = &mut apply {
        *test_report = Some(hash("report"));
    }
    assert_eq!(code(&case, &apply, 20, &rules), "applied");
}

#[test]
fn a4_a_longer_term_needs_a_decision_and_the_last_second_ends_it() {
    let rules = rules(ZHONGWEI, false);
    let mut events = opened(&["form"]).to_vec();
    events.extend([Event::Complete, Event::Adopt, Event::Select]);
    let case = walk(&events, 20, &rules);
    let agree = |years: i32, longer| Event::Agree { agreement: hash("a"), not_before: t(20), not_after: t(20).plus_years(years), longer };
    assert!(code(&case, &agree(4, None), 20, &rules).starts_with("agreement.term-too-long"));
    assert_eq!(code(&case, &agree(4, Some(hash("decision"))), 20, &rules), "agreed");
    let agreed = case.next(&agree(3, None), t(20), &rules).unwrap();
    assert!(code(&agreed, &Event::Activate, 20, &rules).starts_with("authorisation.plan-missing"));
    let planned = agreed.next(&Event::PlanIn { plan: hash("plan") }, t(20), &rules).unwrap();
    assert!(code(&planned, &Event::Activate, 40, &rules).starts_with("qualification.expired"), "a23");
    let active = planned.next(&Event::Activate, t(20), &rules).unwrap();
    let end = t(20).plus_years(3);
    assert!(active.may_run(end.plus_seconds(-1)) && !active.may_run(end));
    assert!(code(&active, &Event::Suspend { reason: why() }, end.unix(), &rules).starts_with("authorisation.expired"));
    assert_eq!(active.renewal_from(90), Some(end.plus_days(-90)));
    assert_eq!(code(&active, &Event::PlanOut, 20, &rules), "suspended", "a2");
}

#[test]
fn rules_that_contradict_themselves_deny() {
    let cases: [Refusal<Rules>; 8] = [
        ("twice", |r| r.order.push(r.order[0])),
        ("no agreement", |r| r.order.retain(|rule| rule.stage != Stage::Agreement)),
        ("seal without stage", |r| r.order.retain(|rule| rule.stage != Stage::Stamp)),
        ("seal first", |r| r.order.reverse()),
        ("nobody decides", |r| r.decide_by.clear()),
        ("nobody suspends", |r| r.suspend_by.clear()),
        ("form nowhere", |r| r.form_at = Some(Stage::Meeting)),
        ("no term", |r| r.max_term_years = 0),
    ];
    for (what, change) in cases {
        let mut rules = rules(TAIZHOU, true);
        change(&mut rules);
        let error = Case::begin().next(&opened(&[])[0], t(20), &rules).unwrap_err();
        assert!(error.to_string().starts_with("rules.authorisation"), "{what}: {error}");
    }
}

#[test]
fn l4_an_early_end_has_one_of_seven_causes_the_signers_of_the_profile_and_no_way_back() {
    let rules = rules(ZHONGWEI, false);
    let mut events = opened(&["form"]).to_vec();
    events.extend([Event::Complete, Event::Adopt, Event::Select]);
    events.push(Event::Agree { agreement: hash("a"), not_before: t(20), not_after: t(20).plus_years(3), longer: None });
    events.extend([Event::PlanIn { plan: hash("plan") }, Event::Activate]);
    let active = walk(&events, 20, &rules);
    let (order, suspend) = (Event::Order { what: why(), until: t(30) }, Event::Suspend { reason: why() });
    let suspended = active.next(&suspend, t(20), &rules).unwrap();
    let correcting = active.next(&order, t(20), &rules).unwrap();
    assert_eq!(Cause::all().len(), 7);
    for cause in Cause::all() {
        let end = Event::Terminate { cause: *cause };
        // the profile's signers, and whoever is said to have asked for it
        let needed = active.needs(&end, &rules).len();
        assert_eq!(needed, if *cause == Cause::AtRequest { 3 } else { 2 }, "{cause}");
        for from in [&active, &suspended, &correcting] {
            assert_eq!(code(from, &end, 25, &rules), "terminated", "{cause}");
            let ended = from.next(&end, t(25), &rules).unwrap();
            assert!(!ended.may_run(t(25)));
            for back in [Event::Activate, Event::Reopen, Event::Report, Event::PlanIn { plan: hash("other") }, end.clone()] {
                assert!(code(&ended, &back, 26, &rules).starts_with("workflow.no-arrow"), "{cause} {back:?}");
            }
            // an open matter seals what the end would destroy
            let held = ended.next(&Event::OpenMatter { matter: hash("dispute") }, t(26), &rules).unwrap();
            assert!(code(&held, &Event::Destroy, 26, &rules).starts_with("destroy.open-matter"));
            assert_eq!(held.matters().len(), 1);
            assert_eq!(code(&held, &Event::Seal, 26, &rules), "sealed");
            assert_eq!(code(&ended, &Event::Destroy, 26, &rules), "destroyed");
        }
    }
    // nothing that has not begun can end early, and a cause is one of the words
    assert!(!code(&walk(&events[..5], 20, &rules), &Event::Terminate { cause: Cause::Breach }, 20, &rules).starts_with("terminated"));
    assert!(serde_json::from_str::<Cause>("\"no-reason\"").is_err());
}
