use super::super::super::rig::{Court, hash, party};
use super::*;
use yu_governance::patrol::ComplaintEvent;
use yu_governance::text::Text;

fn code<T: std::fmt::Debug>(result: Result<T>) -> String {
    result.unwrap_err().detail.split([':', ' ']).next().unwrap().to_owned()
}

fn read<T: Document>() -> T {
    toml::from_str(T::EXAMPLE).unwrap()
}

fn told(court: &Court) -> String {
    tell(&court.book, &court.law, court.at).into_iter().map(|(en, _)| en).collect::<Vec<_>>().join("\n")
}

#[test]
fn s2_the_regulator_sets_the_rules_and_settles_warnings() {
    let mut court = Court::new("zhejiang");
    let order: WatchOrder = read();
    assert_eq!(court.book.patrols.rules(), WatchRule::shipped(), "those that ship until then");
    assert_eq!(court.file(order.clone(), &["authority"]).unwrap_err().code, crate::fault::Code::Signature);
    assert_eq!(code(court.file(WatchOrder { by: party("bank"), ..order.clone() }, &["watch"])), "watch.by");
    assert_eq!(code(court.file(WatchOrder { rules: vec![], ..order.clone() }, &["watch"])), "watch.order");
    let spoilt = |spoil: fn(&mut WatchRule)| {
        let mut order = order.clone();
        spoil(&mut order.rules[0]);
        order
    };
    assert_eq!(code(court.file(spoilt(|rule| rule.name = "failed-jobs".into()), &["watch"])), "watch.rule");
    assert_eq!(code(court.file(spoilt(|rule| rule.verb = "job.dreamt".into()), &["watch"])), "watch.rule");
    assert_eq!(code(court.file(spoilt(|rule| rule.seconds = 0), &["watch"])), "watch.rule");
    assert_eq!(code(court.file(WatchOrder { at: court.at.plus_days(1), ..order.clone() }, &["watch"])), "patrol.ahead");
    court.file(order.clone(), &["watch"]).unwrap();
    assert_eq!(court.book.patrols.rules(), order.rules);
    // who is warned about does not settle it
    let seen: Acknowledgement = read();
    assert_eq!(code(court.file(Acknowledgement { by: party("bank"), ..seen.clone() }, &["bank"])), "warning.by");
    assert_eq!(code(court.file(Acknowledgement { node: party("watch"), ..seen.clone() }, &["watch"])), "warning.by");
    assert_eq!(code(court.file(Acknowledgement { remark: Text::new("", ""), ..seen.clone() }, &["watch"])), "warning.remark");
    court.file(seen.clone(), &["watch"]).unwrap();
    assert!(court.book.patrols.acknowledged(&seen.node, "failed-jobs", 17).is_some());
    assert!(court.book.patrols.acknowledged(&seen.node, "failed-jobs", 18).is_none());
    let again = Acknowledgement { at: seen.at.plus_seconds(1), ..seen };
    assert_eq!(code(court.file(again, &["watch"])), "warning.settled");
}

#[test]
fn s2_patrols_are_regular_and_a_log_does_not_shrink() {
    let mut court = Court::new("zhejiang");
    let order: WatchOrder = read();
    court.file(order.clone(), &["watch"]).unwrap();
    let patrol = Patrol { rules: order.rules.clone(), ..read() };
    assert_eq!(code(court.file(Patrol { rules: WatchRule::shipped(), ..patrol.clone() }, &["watch"])), "patrol.rules");
    assert_eq!(code(court.file(Patrol { by: party("bank"), node: party("health"), ..patrol.clone() }, &["bank"])), "patrol.by");
    assert_eq!(code(court.file(Patrol { node: party("watch"), ..patrol.clone() }, &["watch"])), "patrol.self");
    court.file(patrol.clone(), &["watch"]).unwrap();
    let later = |size, root: u8| Patrol { size, root: Digest([root; 32]), at: court.at, ..patrol.clone() };
    let (shrunk, other, grown) = (later(119, 7), later(120, 8), later(121, 8));
    assert_eq!(code(court.file(shrunk, &["watch"])), "patrol.fork");
    assert_eq!(code(court.file(other, &["watch"])), "patrol.fork");
    court.file(grown, &["watch"]).unwrap();
    assert!(!told(&court).contains("ALARM"));
    court.pass_days(93);
    assert!(told(&court).contains("ALARM: a patrol of `yu://dev/bank/n1`"), "{}", told(&court));
}

#[test]
fn s2_risks_have_levels_and_run_out() {
    let mut court = Court::new("zhejiang");
    let risks: RiskAssessment = read();
    let mut wild = risks.clone();
    wild.risks[0].impact = 6;
    assert_eq!(code(court.file(wild, &["platform"])), "risk.malformed");
    assert_eq!(code(court.file(RiskAssessment { until: risks.at.plus_months(13), ..risks.clone() }, &["platform"])), "risk.until");
    court.file(risks.clone(), &["platform"]).unwrap();
    assert!(told(&court).contains("highest high") && told(&court).contains("HIGH: results"), "{}", told(&court));
    assert_eq!(
        code(court.file(RiskAssessment { about: "bank".into(), risks: vec![risks.risks[1].clone()], ..risks.clone() }, &["platform"])),
        "risk.older"
    );
    court.pass_days(365);
    assert!(told(&court).contains("OVERDUE"));
}

#[test]
fn s2_a_complaint_is_handled_step_by_step_by_another_office_in_time() {
    let mut court = Court::new("zhejiang");
    court.file(read::<WatchOrder>(), &["watch"]).unwrap();
    let first: ComplaintRecord = read();
    let own = ComplaintRecord { ticket: "dev/bank/complaint-1".parse().unwrap(), office: party("bank"), ..first.clone() };
    assert_eq!(code(court.file(own, &["bank"])), "complaint.self");
    let next = |step, event, court: &Court| ComplaintRecord { step, event, at: court.at, ..first.clone() };
    assert_eq!(code(court.file(next(1, ComplaintEvent::Take, &court), &["authority"])), "complaint.begin");
    court.file(first.clone(), &["authority"]).unwrap();
    court.pass_days(14);
    assert!(told(&court).contains("decision on taking it up was due"), "{}", told(&court));
    assert_eq!(code(court.file(next(2, ComplaintEvent::Take, &court), &["authority"])), "complaint.step");
    court.file(next(1, ComplaintEvent::Take, &court), &["authority"]).unwrap();
    assert!(!told(&court).contains("ALARM: complaint"), "{}", told(&court));
    assert_eq!(code(court.file(next(2, ComplaintEvent::Close, &court), &["authority"])), "workflow.no-arrow");
    court.file(next(2, ComplaintEvent::Answer { answer: hash("answer") }, &court), &["authority"]).unwrap();
    court.file(next(3, ComplaintEvent::Close, &court), &["authority"]).unwrap();
    assert!(told(&court).contains("about bank: closed"), "{}", told(&court));
}
