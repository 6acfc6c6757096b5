//! The agreed list, and disputes about supply.

use std::collections::BTreeSet;

use yu_governance::authorisation::Grant;
use yu_governance::catalogue::{CatalogueEntry, Class};
use yu_governance::clock::Time;
use yu_governance::id::{TicketId, document_hash};
use yu_governance::request::Verdict;
use yu_governance::supply::dispute::{Dispute, DisputeRules, DisputeState, DisputeStep, Position, Statement};
use yu_governance::supply::must::{SupplyDuty, SupplyFlags, read_report};

use crate::catalogue::codes;
use crate::world::{AUTHORITY, BANK, HEALTH, PLATFORM, STRANGER, World, at, dataset, hash, party, ring, set, sign};

fn agreed() -> Vec<Grant> {
    vec![
        Grant { dataset: dataset(0), columns: set(&["id", "cost", "visits"]), quota: None },
        Grant { dataset: dataset(1), columns: set(&["chronic"]), quota: None },
    ]
}

fn entry() -> CatalogueEntry {
    World::new().entries[0].clone()
}

fn now() -> Time {
    at("2026-10-01T00:00:00Z")
}

#[test]
fn a20_inside_the_list_must_be_supplied_outside_is_refused() {
    let request = World::new().requests[0].clone();
    let flags = SupplyFlags::of(&request, &entry(), &agreed(), SupplyDuty::AgreedList).unwrap();
    assert_eq!(flags.must_supply(), ["cost", "id", "visits"]);
    assert_eq!(flags.refused_outright(), ["chronic"], "agreed for another data set only");
    let answer = flags.answer(&[], &party(HEALTH), &party(AUTHORITY), now()).unwrap();
    let verdicts: Vec<(&str, Verdict)> = answer.columns.iter().map(|c| (c.column.as_str(), c.verdict)).collect();
    let granted = Verdict::Granted;
    assert_eq!(verdicts, [("chronic", Verdict::Refused), ("cost", granted), ("id", granted), ("visits", granted)]);
    assert!(answer.columns[0].reason.as_deref().is_some_and(|r| !r.is_empty()));
    assert_eq!(answer.report, None);
    // the answer is in order for an approval
    let mut approval = World::new().approvals[0].clone();
    (approval.columns, approval.request_hash) = (answer.columns, document_hash(&request).unwrap());
    assert!(approval.check(&request, &document_hash(&request).unwrap()).is_empty());
}

#[test]
fn a20_a_refusal_needs_a_reason_and_is_reported_to_the_authority() {
    let request = World::new().requests[0].clone();
    let flags = SupplyFlags::of(&request, &entry(), &agreed(), SupplyDuty::AgreedList).unwrap();
    let answer = |refusals: &[(&str, &str)], by: &str| flags.answer(refusals, &party(by), &party(AUTHORITY), now());
    assert_eq!(codes(&answer(&[("cost", " ")], HEALTH).unwrap_err()), ["supply.reason-missing"]);
    let all = answer(&[("cost", ""), ("address", "no")], BANK).unwrap_err();
    assert_eq!(codes(&all), ["supply.not-provider", "supply.reason-missing", "supply.not-asked"]);
    let refused = answer(&[("cost", "under revision"), ("chronic", "no")], HEALTH).unwrap();
    let report = refused.report.unwrap();
    assert_eq!(report.refused.iter().map(|c| c.column.as_str()).collect::<Vec<_>>(), ["cost"], "only the breach is reported");
    assert_eq!((report.authority.as_str(), report.request_hash), (AUTHORITY, document_hash(&request).unwrap()));
    assert!(read_report(&sign(report.clone(), HEALTH), &ring()).is_ok());
    assert_eq!(codes(&read_report(&sign(report, STRANGER), &ring()).unwrap_err()), ["supply.report-signature"]);
}

#[test]
fn a20_where_no_list_binds_the_provider_is_free() {
    let request = World::new().requests[0].clone();
    let flags = SupplyFlags::of(&request, &entry(), &agreed(), SupplyDuty::Free).unwrap();
    assert!(flags.must_supply().is_empty() && flags.refused_outright().is_empty());
    let answer = flags.answer(&[("cost", "not now")], &party(HEALTH), &party(AUTHORITY), now()).unwrap();
    assert_eq!(answer.report, None);
    assert_eq!(answer.columns.iter().filter(|c| c.verdict == Verdict::Granted).count(), 3);
    let mut twice = request;
    twice.columns.push(twice.columns[0].clone());
    assert_eq!(codes(&SupplyFlags::of(&twice, &entry(), &agreed(), SupplyDuty::Free).unwrap_err()), ["supply.request-malformed"]);
}

#[test]
fn a6_a20_no_list_makes_closed_data_a_duty() {
    let request = World::new().requests[0].clone();
    let mut closed = entry();
    closed.items[1].class = Class::Prohibited;
    for duty in [SupplyDuty::AgreedList, SupplyDuty::Free] {
        assert_eq!(codes(&SupplyFlags::of(&request, &closed, &agreed(), duty).unwrap_err()), ["catalogue.prohibited"]);
    }
    closed.items.remove(1);
    let left_out = SupplyFlags::of(&request, &closed, &agreed(), SupplyDuty::AgreedList).unwrap_err();
    assert_eq!(codes(&left_out), ["columns.beyond-catalogue"], "closed columns are left out of published entries");
    let other = CatalogueEntry { dataset: dataset(1), ..entry() };
    let found = SupplyFlags::of(&request, &other, &agreed(), SupplyDuty::AgreedList).unwrap_err();
    assert_eq!(codes(&found), ["supply.request-malformed"]);
}

fn rules() -> DisputeRules {
    DisputeRules { government: party("yu://dev/government/office"), expert_group: "experts".into(), min_members: 1 }
}

fn statement(position: Position) -> Statement {
    Statement { position, document: hash("statement"), at: now() }
}

fn names(list: &[&str]) -> BTreeSet<String> {
    list.iter().map(|&s| s.to_owned()).collect()
}

fn filed() -> Dispute {
    Dispute::file(TicketId::new("dev/bank/d1").unwrap(), dataset(0), party(AUTHORITY), now()).unwrap()
}

fn go(dispute: &Dispute, step: &DisputeStep, by: &str) -> Dispute {
    dispute.apply(step, &party(by), &rules(), now()).unwrap()
}

fn refused(dispute: &Dispute, step: &DisputeStep, by: &str) -> String {
    dispute.apply(step, &party(by), &rules(), now()).unwrap_err()[0].code.clone()
}

#[test]
fn a27_mediation_then_opinions_then_the_government() {
    let mediating = go(&filed(), &DisputeStep::Mediate, AUTHORITY);
    let outcome = statement(Position::SupplyOnConditions);
    let settle = |parties: &[&str]| DisputeStep::Settle { parties: names(parties), outcome };
    assert_eq!(refused(&mediating, &settle(&["bank"]), AUTHORITY), "dispute.not-agreed");
    assert!(matches!(go(&mediating, &settle(&["bank", "health"]), AUTHORITY).state(), DisputeState::Settled { .. }));
    for panel in [&["experts"][..], &["platform"], &["experts", "bank"], &["experts", "platform", "health"], &[]] {
        assert_eq!(refused(&mediating, &DisputeStep::Ask { asked: names(panel) }, AUTHORITY), "dispute.panel", "{panel:?}");
    }
    let asked = go(&mediating, &DisputeStep::Ask { asked: names(&["experts", "platform"]) }, AUTHORITY);
    let opinion = DisputeStep::Opinion(statement(Position::Supply));
    assert_eq!(refused(&asked, &opinion, BANK), "dispute.not-asked");
    assert_eq!(refused(&asked, &DisputeStep::Refer, AUTHORITY), "dispute.opinions-missing");
    let one = go(&asked, &opinion, PLATFORM);
    assert_eq!(refused(&one, &opinion, PLATFORM), "dispute.twice");
    assert_eq!(refused(&one, &DisputeStep::Refer, AUTHORITY), "dispute.opinions-missing");
    let both = go(&one, &opinion, "yu://dev/experts/group");
    let referred = go(&both, &DisputeStep::Refer, AUTHORITY);
    let decide = DisputeStep::Decide(outcome);
    for by in [AUTHORITY, HEALTH, BANK, PLATFORM] {
        assert_eq!(refused(&referred, &decide, by), "dispute.not-government");
    }
    let decided = go(&referred, &decide, rules().government.as_str());
    assert!(matches!(decided.state(), DisputeState::Decided { opinions, .. } if opinions.len() == 2));
    // every step in every state where it is not drawn
    let steps = [DisputeStep::Mediate, settle(&["bank", "health"]), DisputeStep::Ask { asked: names(&["experts", "platform"]) }];
    let steps = [&steps[..], &[opinion, DisputeStep::Refer, decide]].concat();
    let table: [(&Dispute, [bool; 6]); 6] = [
        (&filed(), [true, false, false, false, false, false]),
        (&mediating, [false, true, true, false, false, false]),
        (&asked, [false, false, false, true, true, false]),
        (&referred, [false, false, false, false, false, true]),
        (&decided, [false; 6]),
        (&go(&mediating, &settle(&["bank", "health"]), AUTHORITY), [false; 6]),
    ];
    for (dispute, exists) in table {
        for (step, exists) in steps.iter().zip(exists) {
            let result = dispute.apply(step, &party(AUTHORITY), &rules(), now());
            let wrong = result.is_err_and(|found| codes(&found) == ["dispute.wrong-state"]);
            assert_eq!(wrong, !exists, "{step:?} in {:?}", dispute.state());
        }
    }
}

#[test]
fn a27_the_authority_leads_and_time_goes_on() {
    for by in [HEALTH, BANK, PLATFORM] {
        assert_eq!(refused(&filed(), &DisputeStep::Mediate, by), "dispute.not-mediator");
    }
    let early = filed().apply(&DisputeStep::Mediate, &party(AUTHORITY), &rules(), now().plus_seconds(-1));
    assert_eq!(codes(&early.unwrap_err()), ["dispute.time"]);
    for (id, authority) in [("dev/health/d1", AUTHORITY), ("dev/bank/d1", BANK), ("dev/bank/d1", HEALTH)] {
        let filed = Dispute::file(TicketId::new(id).unwrap(), dataset(0), party(authority), now());
        assert_eq!(codes(&filed.unwrap_err()), ["dispute.one-side"]);
    }
}
