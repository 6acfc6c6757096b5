use super::super::super::rig::{Court, hash, party};
use super::*;
use yu_governance::drill::record::Done;
use yu_governance::grant::plan_hash;
use yu_governance::text::Text;

fn code<T: std::fmt::Debug>(result: Result<T>) -> String {
    result.unwrap_err().detail.split([':', ' ']).next().unwrap().to_owned()
}

fn plan() -> NodePlan {
    toml::from_str(NodePlan::EXAMPLE).unwrap()
}

fn of_authorisation() -> AuthorisationPlan {
    toml::from_str(AuthorisationPlan::EXAMPLE).unwrap()
}

fn injection(court: &Court) -> Injection {
    Injection { plan: plan_hash(&plan().plan).unwrap(), at: court.at, ..toml::from_str(Injection::EXAMPLE).unwrap() }
}

fn record(of: &Injection) -> DrillRecord {
    let done = |n: i64| Done { at: of.at.plus_seconds(n * 60), evidence: hash(&format!("{} {n}", of.at)) };
    DrillRecord {
        v: 1,
        injection: payload_hash(of).unwrap(),
        handler: party("bank"),
        steps: vec![done(1), done(2), done(3)],
        shortcomings: vec![Text::new("slow", "响应慢")],
        ended: of.at.plus_seconds(600),
    }
}

fn found(court: &Court, orgs: &[&str], id: &str) -> Vec<String> {
    found_in(court, orgs, id, court.at)
}

/// The same of a job that was written earlier.
fn found_in(court: &Court, orgs: &[&str], id: &str, created: Time) -> Vec<String> {
    let parties: Vec<PartyName> = orgs.iter().map(|org| party(org)).collect();
    let authorisation = AuthorisationRef { id: id.parse().unwrap(), hash: of_authorisation().document, agreement: None };
    let found = against(&court.book, &parties.iter().collect::<Vec<_>>(), &authorisation, &court.law, (created, court.at));
    found.into_iter().map(|finding| finding.code).collect()
}

#[test]
fn d14_a_node_without_a_plan_of_its_own_computes_nothing() {
    let mut court = Court::new("zhenjiang");
    assert!(found(&court, &["bank", "health"], "dev/authority/a-1").is_empty(), "nothing is filed, nothing is asked for");
    // the authority accepts it, and nobody in its place
    assert_eq!(court.file(plan(), &["bank"]).unwrap_err().code, crate::fault::Code::Signature);
    assert_eq!(code(court.file(NodePlan { authority: party("health"), ..plan() }, &["bank", "health"])), "node.authority");
    assert_eq!(code(court.file(NodePlan { node: party("health"), ..plan() }, &["health", "authority"])), "node.plan-foreign");
    let mut empty = plan();
    empty.plan.steps.clear();
    assert_eq!(code(court.file(empty, &["bank", "authority"])), "node.plan-incomplete");
    let later = court.at.plus_days(2);
    court.file(NodePlan { from: later, ..plan() }, &["bank", "authority"]).unwrap();
    assert_eq!(found(&court, &["bank", "health", "authority"], "dev/authority/a-1"), ["node.no-plan", "node.no-plan"], "not yet, and none");
    court.pass_days(3);
    assert_eq!(found(&court, &["bank", "health"], "dev/authority/a-1"), ["node.no-plan"]);
    assert!(found(&court, &["bank"], "dev/authority/a-1").is_empty());
    // what was in force is not changed backwards
    assert_eq!(code(court.file(NodePlan { from: later.plus_seconds(1), ..plan() }, &["bank", "authority"])), "plan.backwards");
    // the level above accepts the authority's own
    let own = |authority: &str| {
        let mut own = NodePlan { node: party("authority"), authority: party(authority), ..plan() };
        own.plan.owner = "authority".into();
        own
    };
    assert_eq!(code(court.file(own("authority"), &["authority"])), "node.authority");
    court.file(own("province"), &["authority", "province"]).unwrap();
}

#[test]
fn a3_a_drill_is_held_by_two_and_an_overdue_one_blocks_where_the_profile_says_so() {
    let mut court = Court::new("zhenjiang");
    court.law.profile = blocking();
    court.file(plan(), &["bank", "authority"]).unwrap();
    let first = injection(&court);
    assert_eq!(code(court.file(Injection { observer: party("bank"), ..first.clone() }, &["bank"])), "drill.observer");
    assert_eq!(code(court.file(Injection { plan: hash("another"), ..first.clone() }, &["health"])), "drill.plan");
    assert_eq!(code(court.file(Injection { at: court.at.plus_seconds(-7_200), ..first.clone() }, &["health"])), "drill.stale");
    let unknown = Target::Node { name: party("platform") };
    assert_eq!(code(court.file(Injection { target: unknown, ..first.clone() }, &["health"])), "drill.no-plan");
    assert_eq!(code(court.file(record(&first), &["bank", "health"])), "drill.injection-unknown");
    court.file(first.clone(), &["health"]).unwrap();
    let told = |court: &Court| tell(&court.book, &court.law, court.at).into_iter().map(|(en, _)| en).collect::<Vec<_>>().join("\n");
    assert_eq!(code(court.file(record(&first), &["bank", "health"])), "drill.order", "it has not ended yet");
    court.pass_days(1);
    assert_eq!(court.file(record(&first), &["bank"]).unwrap_err().code, crate::fault::Code::Signature, "both sign");
    let other = DrillRecord { handler: party("platform"), ..record(&first) };
    assert_eq!(code(court.file(other, &["platform", "health"])), "drill.observer");
    let mut short = record(&first);
    short.steps.pop();
    assert_eq!(code(court.file(short, &["bank", "health"])), "drill.steps");
    court.file(record(&first), &["bank", "health"]).unwrap();
    assert!(told(&court).contains("first step after 60 s, 1 shortcomings"), "{}", told(&court));
    // the same evidence is no second drill
    let again = Injection { at: court.at, ..first.clone() };
    court.file(again.clone(), &["health"]).unwrap();
    court.pass_days(1);
    let mut stolen = record(&again);
    stolen.steps[0].evidence = record(&first).steps[0].evidence;
    assert_eq!(code(court.file(stolen, &["bank", "health"])), "drill.replayed");
    assert!(found(&court, &["bank"], "dev/authority/a-1").is_empty());
    court.pass_days(180);
    assert!(found_in(&court, &["bank"], "dev/authority/a-1", court.at.plus_days(-5)).is_empty(), "what runs goes on");
    assert_eq!(found(&court, &["bank"], "dev/authority/a-1"), ["drill.overdue"], "a new job does not begin");
    court.pass_days(20);
    assert_eq!(found_in(&court, &["bank"], "dev/authority/a-1", court.at.plus_days(-25)), ["drill.overdue"], "nor one that is dated back");
    assert!(told(&court).contains("ALARM") && told(&court).contains("duty line"), "{}", told(&court));
    assert_eq!(found(&court, &["bank"], "dev/authority/a-1"), ["drill.overdue"]);
    // a new plan does not put the drill off
    court.file(NodePlan { from: court.at, ..plan() }, &["bank", "authority"]).unwrap();
    assert_eq!(found(&court, &["bank"], "dev/authority/a-1"), ["drill.overdue"]);
    court.law.profile = Court::new("zhejiang").law.profile;
    assert!(found(&court, &["bank"], "dev/authority/a-1").is_empty(), "an alarm only");
}

/// A profile that blocks: those that ship raise an alarm only.
fn blocking() -> yu_governance::profile::Effective {
    let (profile, parent) = crate::profiles::with_parent("zhejiang").unwrap();
    let mut profile = serde_json::to_value(profile).unwrap();
    profile["rules"]["overdue_drill"]["value"] = "blocks-new-jobs".into();
    crate::procedure::law::effective(&serde_json::from_value(profile).unwrap(), parent).unwrap()
}

#[test]
fn a3_an_authorisation_has_its_plan_for_the_very_text() {
    let mut court = Court::new("zhejiang");
    let good = of_authorisation();
    assert_eq!(code(court.file(AuthorisationPlan { licensee: party("health"), ..good.clone() }, &["health", "authority"])), "plan.sides");
    assert_eq!(
        code(court.file(AuthorisationPlan { authorisation: "dev/studio/a-1".parse().unwrap(), ..good.clone() }, &["bank", "authority"])),
        "plan.foreign"
    );
    assert_eq!(court.file(good.clone(), &["bank"]).unwrap_err().code, crate::fault::Code::Signature);
    court.file(AuthorisationPlan { document: hash("an older text"), ..good.clone() }, &["bank", "authority"]).unwrap();
    assert_eq!(found(&court, &["bank"], "dev/authority/a-1"), ["drill.no-plan"], "of another text");
    assert_eq!(found(&court, &["bank"], "dev/authority/a-2"), ["drill.no-plan"]);
    court.pass_days(1);
    court.file(AuthorisationPlan { from: court.at, ..good }, &["bank", "authority"]).unwrap();
    assert!(found(&court, &["bank"], "dev/authority/a-1").is_empty());
}
