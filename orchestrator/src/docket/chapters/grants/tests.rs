//! Grants, laboratory, agreements, and what they mean for jobs.

pub(crate) mod sample;

mod procedures;

use super::super::super::rig::{Court, hash, party, time};
use super::backing::{Cited, Facts, objections};
use super::*;
use crate::fault::Code;
use sample::{authorisation, code, contract};
use yu_governance::contract::Contract;
use yu_governance::grant::{Measures, plan_hash};
use yu_governance::id::document_hash;

const A: &str = "dev/authority/a-1";

fn id(text: &str) -> AuthorisationId {
    text.parse().unwrap()
}

/// The leaf of the example, as the sample's authorisation says it.
fn leaf() -> Grant {
    let mut grant: Grant = toml::from_str(include_str!("grant.toml")).unwrap();
    let GrantKind::Leaf { plan, .. } = &mut grant.kind else { panic!("a leaf") };
    *plan = plan_hash(authorisation().contingency_plan.as_ref().unwrap()).unwrap();
    grant
}

fn root() -> Grant {
    Grant { id: id("dev/authority/root"), kind: GrantKind::Root, ..leaf() }
}

/// Of the bank to a developer, within its own.
fn below() -> Grant {
    Grant { parent: Some(id("dev/authority/root")), grantor: party("bank"), grantee: "studio".into(), ..leaf() }
}

fn facts() -> Facts {
    Facts { authorisation: Some(authorisation()), cited: Cited::default() }
}

fn found(court: &Court, facts: &Facts, contract: &Contract) -> Vec<String> {
    objections(&court.book, facts, contract, &court.law, court.at).unwrap().into_iter().map(|finding| finding.code).collect()
}

fn lab() -> LabGrant {
    toml::from_str(include_str!("lab.toml")).unwrap()
}

fn agreement() -> Agreement {
    toml::from_str(include_str!("agreement.toml")).unwrap()
}

#[test]
fn a14_a1_the_tree_is_filed_and_revoking_the_first_tier_stops_the_second() {
    let mut court = Court::new("zhenjiang");
    assert_eq!(court.file(root(), &["bank"]).unwrap_err().code, Code::Signature);
    assert_eq!(code(court.file(below(), &["bank"])), "grant.unknown");
    court.file(root(), &["authority"]).unwrap();
    // whoever does not hold the grant above gives nothing on, and nobody gives more than it has
    let studio = Grant { grantor: party("studio"), ..below() };
    assert_eq!(code(court.file(studio, &["studio"])), "grant.grantor");
    let mut longer = below();
    longer.scope.not_after = time("2028-06-01T00:00:00Z");
    assert_eq!(code(court.file(longer, &["bank"])), "grant.beyond-term");
    let mut more = below();
    more.scope.quota.values_mut().for_each(|most| most.uses = 101);
    assert_eq!(code(court.file(more, &["bank"])), "grant.beyond-quota");
    assert_eq!(court.file(below(), &["authority"]).unwrap_err().code, Code::Signature);
    court.file(below(), &["bank"]).unwrap();
    assert_eq!(code(court.file(Grant { grantee: "bank".into(), ..below() }, &["bank"])), "grant.repeated");
    let mut facts = facts();
    facts.authorisation.as_mut().unwrap().licensee = "studio".into();
    assert_eq!(found(&court, &facts, &contract()), Vec::<String>::new());
    let mut other = contract();
    other.purpose = "tracing".parse().unwrap();
    assert_eq!(found(&court, &facts, &other), ["grant.purpose"]);
    other = contract();
    other.authorisation.id = id("dev/authority/root");
    assert!(found(&court, &facts, &other).contains(&"grant.no-job".to_owned()), "what may be given on lets nothing run");
    // neither a stranger nor the one below takes it back
    let mut revocation: Revocation = toml::from_str(include_str!("revocation.toml")).unwrap();
    revocation.grant = id("dev/authority/root");
    for org in ["health", "bank"] {
        let other = Revocation { by: party(org), ..revocation.clone() };
        assert_eq!(code(court.file(other, &[org])), "revocation.not-entitled");
    }
    court.file(revocation.clone(), &["authority"]).unwrap();
    assert_eq!(court.file(revocation, &["authority"]).unwrap_err().code, Code::Exists);
    assert_eq!(found(&court, &facts, &contract()), ["grant.stopped"]);
    assert!(tell(&court.book, &court.law, court.at).iter().all(|(en, _)| en.contains("ENDED")));
    let late = Grant { id: id("dev/authority/a-2"), ..below() };
    assert_eq!(code(court.file(late, &["bank"])), "grant.stopped");
}

#[test]
fn a1_a2_a19_the_authorisation_says_what_its_grant_says() {
    let mut court = Court::new("zhejiang");
    assert_eq!(code(court.file(root(), &["authority"])), "grant.no-roots");
    assert_eq!(found(&court, &facts(), &contract()), Vec::<String>::new(), "no grant is filed yet");
    court.file(leaf(), &["authority"]).unwrap();
    assert_eq!(found(&court, &facts(), &contract()), Vec::<String>::new());
    let spoiled = |change: fn(&mut yu_governance::authorisation::Authorisation)| {
        let mut facts = facts();
        change(facts.authorisation.as_mut().unwrap());
        found(&court, &facts, &contract())
    };
    assert_eq!(spoiled(|a| a.contingency_plan = None), ["grant.other-plan"]);
    assert_eq!(spoiled(|a| a.licensee = "studio".into()), ["grant.other-licensee"]);
    assert_eq!(spoiled(|a| a.not_after = a.not_after.plus_days(1)), ["grant.beyond-term"]);
    assert_eq!(spoiled(|a| a.datasets[0].quota = None), ["grant.beyond-quota"]);
    assert_eq!(spoiled(|a| a.datasets[0].quota = Some(Measures::UNBOUNDED)), ["grant.beyond-quota"]);
    assert_eq!(spoiled(|a| a.datasets[0].columns = sample::columns(&["resident_id", "visits", "cost"])), ["grant.beyond-column"]);
    // another name than any that was granted
    let mut stranger = contract();
    stranger.authorisation.id = id("dev/authority/a-9");
    assert_eq!(found(&court, &facts(), &stranger), ["grant.unknown"]);
}

#[test]
fn a4_the_next_term_begins_where_this_one_ends_and_not_too_early() {
    let mut court = Court::new("zhenjiang");
    let mut first = leaf();
    first.scope.not_after = time("2026-12-01T00:00:00Z");
    court.file(first, &["authority"]).unwrap();
    let mut next = Grant { id: id("dev/authority/a-2"), ..leaf() };
    next.scope.not_before = time("2026-11-30T23:59:59Z");
    assert_eq!(code(court.file(next.clone(), &["authority"])), "renewal.overlap");
    next.scope.not_before = time("2026-12-01T00:00:00Z");
    assert_eq!(code(court.file(next.clone(), &["authority"])), "renewal.early");
    let told = |court: &Court| tell(&court.book, &court.law, court.at).into_iter().map(|(en, _)| en).collect::<Vec<_>>().join("\n");
    assert!(told(&court).contains("applied for from 2026-09-01T00:00:00Z"), "{}", told(&court));
    court.at = time("2026-09-01T00:00:00Z");
    assert!(told(&court).contains("REMINDER"), "{}", told(&court));
    court.file(next, &["authority"]).unwrap();
    assert!(told(&court).contains("goes on as dev/authority/a-2"));
    // until then the old one runs, to the second; the next has its own name and does not run before
    let mut facts = facts();
    facts.authorisation.as_mut().unwrap().not_after = time("2026-12-01T00:00:00Z");
    court.at = time("2026-11-30T23:59:59Z");
    assert_eq!(found(&court, &facts, &contract()), Vec::<String>::new());
    let mut renewed = contract();
    renewed.authorisation.id = id("dev/authority/a-2");
    assert_eq!(found(&court, &Facts::default(), &renewed), ["grant.not-yet"]);
    court.at = time("2026-12-01T00:00:00Z");
    assert_eq!(found(&court, &facts, &contract()), ["grant.stopped"]);
    assert_eq!(found(&court, &Facts::default(), &renewed), Vec::<String>::new());
}

#[test]
fn a13_a4_jobs_cite_the_version_in_force_and_the_old_one_until_then() {
    let mut court = Court::new("zhejiang");
    assert_eq!(code(court.file(agreement(), &["authority", "bank"])), "grant.unknown");
    court.file(leaf(), &["authority"]).unwrap();
    let mut bare = agreement();
    bare.clauses.clear();
    assert_eq!(code(court.file(bare, &["authority", "bank"])), "agreement.clause");
    assert_eq!(court.file(agreement(), &["authority"]).unwrap_err().code, Code::Signature);
    let mut foreign = agreement();
    foreign.sides[1] = party("studio");
    assert_eq!(code(court.file(foreign, &["authority", "studio"])), "agreement.sides");
    let mut wide = agreement();
    wide.annex.not_after = wide.annex.not_after.plus_days(1);
    assert_eq!(code(court.file(wide, &["authority", "bank"])), "grant.beyond-term");
    let mut short = agreement();
    short.annex.not_after = time("2026-07-01T00:00:00Z");
    let first = court.file(short, &["authority", "bank"]).unwrap();
    assert_eq!(found(&court, &facts(), &contract()), ["agreement.uncited"]);
    let citing = |hash| {
        let mut contract = contract();
        contract.authorisation.agreement = Some(hash);
        contract
    };
    assert_eq!(found(&court, &facts(), &citing(first)), Vec::<String>::new());
    assert_eq!(found(&court, &facts(), &citing(hash("made up"))), ["agreement.unknown"]);
    // a supplement with a later term, agreed ahead: the old text counts until the new one takes effect
    let gap = Agreement { version: 3, supersedes: Some(first), ..agreement() };
    assert_eq!(code(court.file(gap, &["authority", "bank"])), "agreement.version");
    let next = Agreement { version: 2, supersedes: Some(first), at: time("2026-06-20T00:00:00Z"), ..agreement() };
    let second = court.file(next, &["authority", "bank"]).unwrap();
    assert_eq!(found(&court, &facts(), &citing(first)), Vec::<String>::new());
    assert_eq!(found(&court, &facts(), &citing(second)), ["agreement.not-yet"]);
    assert_eq!(court.book.grants.agreement(&id(A), court.at), Some(first));
    court.at = time("2026-06-20T00:00:00Z");
    assert_eq!(found(&court, &facts(), &citing(first)), ["agreement.superseded"]);
    assert_eq!(found(&court, &facts(), &citing(second)), Vec::<String>::new());
    assert_eq!(court.book.grants.agreement(&id(A), court.at), Some(second));
}

#[test]
fn a7_the_stay_is_short_free_in_development_and_reported_before_the_application() {
    let mut court = Court::new("ningbo");
    let with = |change: fn(&mut LabGrant)| {
        let mut lab = lab();
        change(&mut lab);
        lab
    };
    assert_eq!(court.file(with(|l| l.authority = "yu://dev/bank/n1".parse().unwrap()), &["authority"]).unwrap_err().code, Code::Signature);
    assert_eq!(code(court.file(with(|l| l.authority = "yu://dev/bank/n1".parse().unwrap()), &["bank"])), "lab.authority");
    assert_eq!(code(court.file(with(|l| l.not_after = l.not_after.plus_seconds(1)), &["authority"])), "lab.term");
    assert_eq!(code(court.file(with(|l| l.price = 1), &["authority"])), "lab.price");
    assert_eq!(code(court.file(with(|l| l.id = id("prod/authority/lab-1")), &["authority"])), "lab.environment");
    let granted = court.file(lab(), &["authority"]).unwrap();
    // a second stay does not prolong the first
    let again = with(|l| {
        l.id = id("dev/authority/lab-2");
        (l.not_before, l.not_after) = (time("2026-12-01T00:00:00Z"), time("2027-03-01T00:00:00Z"));
    });
    assert_eq!(code(court.file(again, &["authority"])), "lab.again");
    let mut job = contract();
    job.authorisation.id = lab().id;
    let mut facts = facts();
    facts.authorisation.as_mut().unwrap().id = lab().id;
    assert_eq!(found(&court, &facts, &job), Vec::<String>::new());
    let mut other = job.clone();
    other.inputs[0].dataset = "dev/tax/firms".parse().unwrap();
    assert_eq!(found(&court, &facts, &other), ["lab.data"]);
    let mut long = job.clone();
    long.expires = lab().not_after.plus_seconds(1);
    assert_eq!(found(&court, &facts, &long), ["lab.term"]);
    facts.authorisation.as_mut().unwrap().licensee = "studio".into();
    assert_eq!(found(&court, &facts, &job), ["lab.applicant"]);
    // the report: by platform and authority, on this stay, once
    let mut report: LabReport = toml::from_str(include_str!("lab_report.toml")).unwrap();
    assert_eq!(code(court.file(report.clone(), &["authority", "platform"])), "lab.report-other", "of another stay");
    report.grant = granted;
    assert_eq!(court.file(report.clone(), &["authority"]).unwrap_err().code, Code::Signature);
    let own = LabReport { platform: "yu://dev/bank/n1".parse().unwrap(), ..report.clone() };
    assert_eq!(code(court.file(own, &["authority", "bank"])), "lab.report-other", "an applicant does not measure itself");
    let filed = court.file(report.clone(), &["authority", "platform"]).unwrap();
    report.jobs = 4;
    assert_eq!(code(court.file(report, &["authority", "platform"])), "lab.reported");
    // the formal application cites it
    let applied = |test_report| Facts { authorisation: Some(authorisation()), cited: Cited { any: true, test_report, ..Cited::default() } };
    assert_eq!(found(&court, &applied(None), &contract()), ["lab.report-unfiled"]);
    assert_eq!(found(&court, &applied(Some(hash("another"))), &contract()), ["lab.report-unfiled"]);
    assert_eq!(found(&court, &applied(Some(filed)), &contract()), Vec::<String>::new());
    court.at = lab().not_after;
    facts.authorisation.as_mut().unwrap().licensee = "bank".into();
    assert_eq!(found(&court, &facts, &job), ["lab.term"], "over to the second");
    assert_eq!(document_hash(&lab()).unwrap(), granted);
}
