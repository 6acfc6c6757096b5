//! A plan, a tender, a root grant; data for the first tier.

use super::super::super::rig::{Court, hash, party, time};
use super::super::grants::tests::sample::{code, contract};
use super::*;
use crate::fault::Code;
use yu_governance::catalogue::record::CatalogueRecord;
use yu_governance::grant::Kind as GrantKind;
use yu_governance::text::Text;

const JUDGES: [&str; 5] = ["judge-one", "judge-two", "judge-three", "judge-four", "judge-five"];

fn root() -> Grant {
    let grant: Grant = toml::from_str(<Grant as Document>::EXAMPLE).unwrap();
    let mut grant = Grant { id: "dev/authority/root".parse().unwrap(), kind: GrantKind::Root, ..grant };
    grant.scope.not_before = time("2026-06-01T00:00:00Z");
    grant
}

fn selection(adoption: Hash) -> Selection {
    Selection { adoption, ..toml::from_str(Selection::EXAMPLE).unwrap() }
}

#[test]
fn a26_a_root_grant_goes_once_to_who_was_fairly_selected() {
    let mut court = Court::new("zhongwei");
    JUDGES.into_iter().for_each(|org| court.appoint(Role::Expert, org));
    let by: Vec<&str> = std::iter::once("authority").chain(JUDGES).collect();
    assert_eq!(code(court.file(root(), &["authority"])), "selection.missing");
    let adoption: Adoption = toml::from_str(Adoption::EXAMPLE).unwrap();
    assert_eq!(court.file(adoption.clone(), &["authority"]).unwrap_err().code, Code::Signature);
    let own = Adoption { government: party("authority"), ..adoption.clone() };
    assert_eq!(code(court.file(own, &["authority"])), "adoption.government", "the authority does not adopt its own plan");
    let late = Adoption { at: court.at.plus_seconds(1), ..adoption.clone() };
    assert_eq!(code(court.file(late, &["government"])), "adoption.government");
    assert_eq!(code(court.file(selection(hash("nothing")), &by)), "selection.plan");
    let adopted = court.file(adoption, &["government"]).unwrap();
    // a judge's signature is missing
    assert_eq!(court.file(selection(adopted), &by[..5]).unwrap_err().code, Code::Signature);
    let spoiled = |change: fn(&mut Selection)| {
        let mut selection = selection(adopted);
        change(&mut selection);
        selection
    };
    assert_eq!(code(court.file(spoiled(|s| s.selected = "union".into()), &by)), "selection.winner");
    assert_eq!(code(court.file(spoiled(|s| drop(s.bids.remove("harbour"))), &by)), "selection.bids");
    assert_eq!(code(court.file(spoiled(|s| s.bids.get_mut("union").unwrap().at = time("2026-03-01T00:00:00Z")), &by)), "selection.late");
    let bid = |s: &mut Selection| {
        let bid = s.bids["union"].clone();
        s.bids.insert("judge-one".into(), bid);
    };
    assert_eq!(code(court.file(spoiled(bid), &by)), "selection.interest");
    let record = court.file(selection(adopted), &by).unwrap();
    assert!(court.book.selection.has(&record));
    assert_eq!(code(court.file(Grant { grantee: "union".into(), ..root() }, &["authority"])), "selection.missing");
    let mut early = root();
    early.scope.not_before = time("2026-03-01T00:00:00Z");
    assert_eq!(code(court.file(early, &["authority"])), "selection.missing", "it began before anybody was selected");
    court.file(root(), &["authority"]).unwrap();
    let second = Grant { id: "dev/authority/root-2".parse().unwrap(), ..root() };
    assert_eq!(code(court.file(second, &["authority"])), "selection.used");
    assert!(tell(&court.book, &court.law, court.at)[0].0.contains("root grant dev/authority/root"));
}

#[test]
fn a28_the_first_tier_computes_on_what_it_was_supplied_with() {
    let mut court = Court::new("zhenjiang");
    let found = |court: &Court, licensee: &str, contract: &Contract| -> Vec<String> {
        let all = court.book.selection.objections(&court.book, licensee, contract, court.at);
        all.into_iter().map(|finding| finding.code).collect()
    };
    assert_eq!(found(&court, "bank", &contract()), Vec::<String>::new(), "nobody is a first tier yet");
    court.file(root(), &["authority"]).unwrap();
    assert_eq!(found(&court, "bank", &contract()), ["supply.not-supplied"]);
    assert_eq!(found(&court, "studio", &contract()), Vec::<String>::new(), "the second tier uses what the first has");
    let record: CatalogueRecord = toml::from_str(CatalogueRecord::EXAMPLE).unwrap();
    court.file(record.clone(), &["health"]).unwrap();
    let request: SupplyRequest = toml::from_str(SupplyRequest::EXAMPLE).unwrap();
    assert_eq!(court.file(request.clone(), &["health"]).unwrap_err().code, Code::Signature);
    let foreign = SupplyRequest { operator: party("health"), ..request.clone() };
    assert_eq!(code(court.file(foreign, &["health"])), "supply.request");
    let decision: SupplyDecision = toml::from_str(SupplyDecision::EXAMPLE).unwrap();
    assert_eq!(code(court.file(decision.clone(), &["authority"])), "supply.request", "nobody applied");
    // an application that is not as catalogued
    let stale = court.file(request.clone(), &["bank"]).unwrap();
    let on = |request| SupplyDecision { request, ..decision.clone() };
    assert_eq!(code(court.file(on(stale), &["authority"])), "supply.catalogue");
    let entries = [(record.entry.dataset.clone(), document_hash(&record.entry).unwrap())].into();
    let asked = court.file(SupplyRequest { entries, ..request }, &["bank"]).unwrap();
    assert_eq!(court.file(on(asked), &["bank"]).unwrap_err().code, Code::Signature, "it does not decide for itself");
    let ahead = SupplyDecision { at: court.at.plus_seconds(1), ..on(asked) };
    assert_eq!(code(court.file(ahead, &["authority"])), "supply.decision");
    court.file(on(asked), &["authority"]).unwrap();
    assert_eq!(found(&court, "bank", &contract()), Vec::<String>::new());
    let mut other = contract();
    other.scenario = "insurance".parse().unwrap();
    assert_eq!(found(&court, "bank", &other), ["supply.not-supplied"], "supplied for one scenario");
    // taken back by a later decision; the earlier one does not come back
    let refused = yu_governance::supply::operator::Supply::Refused { reason: Text::new("misuse", "违规使用") };
    let back = SupplyDecision { at: court.at, entries: [(record.entry.dataset, refused)].into(), ..on(asked) };
    court.file(back, &["authority"]).unwrap();
    assert_eq!(found(&court, "bank", &contract()), ["supply.not-supplied"]);
    let replayed = SupplyDecision { at: time("2026-06-01T02:00:01Z"), ..on(asked) };
    assert_eq!(code(court.file(replayed, &["authority"])), "supply.stale");
}
