//! Drills that were held, alarms for those that were not, and nodes without a plan.

use proptest::prelude::*;
use yu_governance::authorisation::ContingencyPlan;
use yu_governance::canonical::Hash;
use yu_governance::clock::Time;
use yu_governance::drill::record::Held;
use yu_governance::drill::*;
use yu_governance::finding::Checked;
use yu_governance::grant::plan_hash;
use yu_governance::id::{PersonId, document_hash};
use yu_governance::person::contacts::Contacts;
use yu_governance::profile::{OverdueDrill, Shipped};
use yu_governance::sign::Signed;
use yu_governance::text::Text;

use super::machines::{Refusal, t};
use super::world::{AUTHORITY, BANK, HEALTH, PLATFORM, STRANGER, World, hash, key, party, ring, sign};

const DAY: i64 = 86_400;

fn plan() -> ContingencyPlan {
    World::new().authorisation.contingency_plan.unwrap()
}

fn target() -> Target {
    Target::Authorisation { id: World::new().authorisation.id }
}

fn injection(n: i64) -> Injection {
    let scenario = Text::new("a file was sent to the wrong party", "文件误发");
    Injection { v: 1, target: target(), plan: plan_hash(&plan()).unwrap(), observer: party(AUTHORITY), scenario, job: None, at: t(n * DAY) }
}

fn drill(of: &Injection) -> DrillRecord {
    let day = of.at.unix();
    let done = |n: i64| Done { at: t(day + n * 60), evidence: hash(&format!("log {day} {n}")) };
    let shortcomings = vec![Text::new("the number of duty was old", "值班电话已停用")];
    DrillRecord {
        v: 1,
        injection: document_hash(of).unwrap(),
        handler: party(BANK),
        steps: vec![done(5), done(9)],
        shortcomings,
        ended: t(day + 3_600),
    }
}

fn by_both(record: &DrillRecord, handler: &str, observer: &str) -> Signed<DrillRecord> {
    let mut signed = sign(record.clone(), handler);
    signed.add_signature(observer, &key(observer)).unwrap();
    signed
}

fn add(drills: &mut Drills, injection: &Injection, record: &DrillRecord) -> Checked<Held> {
    let observer = injection.observer.as_str();
    let signed = by_both(record, record.handler.as_str(), observer);
    drills.add(&sign(injection.clone(), observer), &signed, &plan(), t(1_000 * DAY), &ring()).cloned()
}

fn codes<T: std::fmt::Debug>(checked: Checked<T>) -> Vec<String> {
    let found = checked.unwrap_err();
    assert!(found.iter().all(|f| !f.what.is_blank() && !f.remedy.is_blank() && !f.party.is_empty()));
    found.into_iter().map(|f| f.code).collect()
}

#[test]
fn a3_a_drill_counts_if_every_step_is_shown_and_two_signed() {
    let held = add(&mut Drills::new(), &injection(1), &drill(&injection(1))).unwrap();
    assert_eq!((held.response, held.shortcomings), (300, 1));
    let cases: [Refusal<(Injection, DrillRecord)>; 11] = [
        ("drill.steps", |(_, r)| r.steps.truncate(1)),
        ("drill.steps", |(_, r)| r.steps.push(Done { at: r.ended, evidence: hash("more") })),
        ("drill.order", |(_, r)| r.steps.swap(0, 1)),
        ("drill.order", |(_, r)| r.steps[0].at = t(0)),
        ("drill.order", |(_, r)| r.ended = t(2_000 * DAY)),
        ("drill.replayed", |(_, r)| r.steps[1].evidence = r.steps[0].evidence),
        ("drill.malformed", |(_, r)| r.injection = hash("another")),
        ("drill.malformed", |(_, r)| r.shortcomings[0].zh.clear()),
        ("drill.observer", |(_, r)| r.handler = party(HEALTH)),
        ("drill.plan", |(i, r)| {
            i.plan = hash("old plan");
            r.injection = document_hash(i).unwrap();
        }),
        ("drill.observer", |(i, r)| {
            i.observer = party(BANK);
            r.injection = document_hash(i).unwrap();
        }),
    ];
    for (code, spoil) in cases {
        let mut both = (injection(1), drill(&injection(1)));
        spoil(&mut both);
        assert_eq!(codes(add(&mut Drills::new(), &both.0, &both.1)), [code]);
    }
}

#[test]
fn a3_drills_on_paper_are_refused() {
    let (injection, record) = (injection(1), drill(&injection(1)));
    let mut drills = Drills::new();
    let now = t(1_000 * DAY);
    let alone = sign(record.clone(), BANK);
    assert_eq!(codes(drills.add(&sign(injection.clone(), AUTHORITY), &alone, &plan(), now, &ring())), ["drill.signature"]);
    let forged = by_both(&record, STRANGER, AUTHORITY);
    assert_eq!(codes(drills.add(&sign(injection.clone(), AUTHORITY), &forged, &plan(), now, &ring())), ["drill.signature"]);
    assert_eq!(
        codes(drills.add(&sign(injection.clone(), STRANGER), &by_both(&record, BANK, AUTHORITY), &plan(), now, &ring())),
        ["drill.signature"]
    );
    add(&mut drills, &injection, &record).unwrap();
    assert_eq!(codes(add(&mut drills, &injection, &record)), ["drill.replayed"], "the same drill is no second one");
    let next = super::drill::injection(30);
    let reused = DrillRecord {
        steps: drill(&next).steps.into_iter().zip(&record.steps).map(|(d, old)| Done { evidence: old.evidence, ..d }).collect(),
        ..drill(&next)
    };
    assert_eq!(codes(add(&mut drills, &next, &reused)), ["drill.replayed"], "last year's photographs");
    add(&mut drills, &next, &drill(&next)).unwrap();
    assert_eq!(drills.held().len(), 2);
}

#[test]
fn a3_an_overdue_drill_raises_an_alarm_and_may_block() {
    let rules = |overdue| DrillRules { interval_days: 365, overdue };
    let mut drills = Drills::new();
    let at = |drills: &Drills, now: i64| status(drills, &target(), &plan(), t(0), rules(OverdueDrill::Alarm), t(now));
    assert_eq!(at(&drills, 180 * DAY).days_overdue, None, "the plan says 180 days, the profile 365");
    let late = at(&drills, 180 * DAY + 1);
    assert_eq!(late.days_overdue, Some(0));
    assert_eq!(late.alarm(&plan()).unwrap().party, "bank");
    late.admits(&plan(), rules(OverdueDrill::Alarm)).unwrap();
    assert_eq!(codes(late.admits(&plan(), rules(OverdueDrill::BlocksNewJobs))), ["drill.overdue"]);
    add(&mut drills, &injection(181), &drill(&injection(181))).unwrap();
    assert_eq!(at(&drills, 300 * DAY).days_overdue, None);
    let tight = DrillRules { interval_days: 30, overdue: OverdueDrill::Alarm };
    assert!(status(&drills, &target(), &plan(), t(0), tight, t(212 * DAY)).days_overdue.is_some(), "the profile is tighter");
    // a new version of the plan neither postpones a drill nor makes one due
    let mut newer = plan();
    newer.steps.push("tell the subjects".into());
    let with_newer = |now: i64| status(&drills, &target(), &newer, t(0), rules(OverdueDrill::Alarm), t(now * DAY)).days_overdue;
    assert_eq!((with_newer(300), with_newer(362)), (None, Some(0)));
    let other = Target::Node { name: party(BANK) };
    assert!(status(&drills, &other, &plan(), t(0), rules(OverdueDrill::Alarm), t(300 * DAY)).days_overdue.is_some());
    assert!(DrillRules::of(&Shipped::Ningbo.effective().unwrap()).interval_days > 0);
}

fn contacts() -> Contacts {
    Contacts {
        v: 1,
        organisation: "bank".into(),
        principal: Some(PersonId::new("dev/bank/p-1").unwrap()),
        security_officer: Some(PersonId::new("dev/bank/p-2").unwrap()),
        security_department: "security".into(),
        duty_line: "line 1".into(),
    }
}

fn node_plan() -> NodePlan {
    NodePlan {
        v: 1,
        node: party(BANK),
        authority: party(AUTHORITY),
        plan: plan(),
        contacts: document_hash(&contacts()).unwrap(),
        from: t(10),
    }
}

fn activate(plan: &NodePlan, signers: [&str; 2], contacts: &Contacts, now: Time) -> Checked<ActiveNode> {
    let mut signed = sign(plan.clone(), signers[0]);
    signed.add_signature(signers[1], &key(signers[1])).unwrap();
    ActiveNode::activate(&party(BANK), Some(&signed), contacts, &[party(AUTHORITY)], now, &ring())
}

#[test]
fn d14_a_node_without_its_own_plan_does_not_become_active() {
    let both = [BANK, AUTHORITY];
    let active = activate(&node_plan(), both, &contacts(), t(10)).unwrap();
    assert_eq!((active.node(), active.since()), (&party(BANK), t(10)));
    assert_eq!(*active.plan(), document_hash(&node_plan()).unwrap());
    assert_eq!(codes(ActiveNode::activate(&party(BANK), None, &contacts(), &[party(AUTHORITY)], t(10), &ring())), ["node.no-plan"]);
    assert_eq!(codes(activate(&node_plan(), both, &contacts(), t(9))), ["node.plan-early"]);
    assert_eq!(codes(activate(&node_plan(), [BANK, STRANGER], &contacts(), t(10))), ["node.plan-signature"]);
    let cases: [Refusal<NodePlan>; 5] = [
        ("node.plan-foreign", |p| p.plan.owner = "health".into()),
        ("node.plan-incomplete", |p| p.plan.steps.clear()),
        ("node.contacts", |p| p.contacts = hash("others")),
        ("node.authority", |p| p.authority = party(PLATFORM)),
        ("node.plan-foreign", |p| p.v = 2),
    ];
    for (code, spoil) in cases {
        let mut bad = node_plan();
        spoil(&mut bad);
        let authority = bad.authority.to_string();
        assert_eq!(codes(activate(&bad, [BANK, &authority], &contacts(), t(10))), [code]);
    }
    let foreign = NodePlan { node: party(HEALTH), ..node_plan() };
    assert_eq!(codes(activate(&foreign, both, &contacts(), t(10))), ["node.plan-foreign"], "the neighbour's plan");
}

#[test]
fn h4_d14_a_node_needs_contacts_for_alarms() {
    let nobody = Contacts { principal: None, ..contacts() };
    let plan = NodePlan { contacts: document_hash(&nobody).unwrap(), ..node_plan() };
    assert_eq!(codes(activate(&plan, [BANK, AUTHORITY], &nobody, t(10))), ["contacts.principal"]);
    assert_eq!(codes(activate(&node_plan(), [BANK, AUTHORITY], &nobody, t(10))), ["contacts.principal", "node.contacts"], "all at once");
}

proptest! {
    /// A3: whatever drills were held, it is overdue exactly if none of this plan lies within the interval.
    #[test]
    fn a3_overdue_is_exact(days in prop::collection::btree_set(1_i64..800, 0..6), now in 1_i64..1_000, interval in 1_u32..400) {
        let mut drills = Drills::new();
        for day in &days {
            add(&mut drills, &injection(*day), &drill(&injection(*day))).unwrap();
        }
        let rules = DrillRules { interval_days: interval, overdue: OverdueDrill::Alarm };
        let found = status(&drills, &target(), &plan(), t(0), rules, t(now * DAY));
        let last = days.last().map_or(0, |day| day * DAY + 3_600);
        let limit = i64::from(interval.min(180)) * DAY;
        prop_assert_eq!(found.days_overdue.is_some(), now * DAY > last + limit);
        let _: Hash = plan_hash(&plan()).unwrap();
    }
}
