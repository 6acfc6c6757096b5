//! Disputes on the supply of data (数据供给争议): mediation, opinions, the government's decision (A27).

use super::super::book::Book;
use super::super::kind::{Document, Kind, Moment, checked, refuse};
use super::Chapter;
use crate::fault::Result;
use crate::procedure::law::Law;
use std::collections::BTreeMap;
use yu_governance::clock::Time;
use yu_governance::contract::Contract;
use yu_governance::finding::Finding;
use yu_governance::id::{PartyName, TicketId};
use yu_governance::sign::Signed;
use yu_governance::supply::dispute::{Dispute, DisputeAct, DisputeFiling, DisputeRules, DisputeState, DisputeStep, Position};
use yu_governance::workflow::Role;

/// Fewest member organisations that are asked beside the experts: our default, the text names none.
const LEAST_MEMBERS: u32 = 1;

pub(super) const CHAPTER: Chapter = Chapter {
    name: "disputes",
    title: ("disputes on supply", "数据供给争议"),
    kinds: &[Kind::of::<DisputeFiling>(), Kind::of::<DisputeAct>()],
    tell,
    objections,
};

/// A dispute with the node that filed it.
struct Case {
    by: PartyName,
    dispute: Dispute,
}

/// All disputes.
#[derive(Default)]
pub struct Disputes(BTreeMap<TicketId, Case>);

impl Disputes {
    fn known(&self, id: &TicketId) -> Result<&Case> {
        self.0.get(id).ok_or_else(|| refuse("dispute.unknown", format!("no dispute `{id}` is filed")))
    }
}

/// The node that speaks for the other side: the data set's provider.
fn provider(dispute: &Dispute, law: &Law) -> Result<PartyName> {
    let organisation = dispute.dataset().organisation();
    let found = law.holders(Role::Provider).into_iter().find(|who| who.organisation() == organisation);
    found.ok_or_else(|| refuse("dispute.other-side", format!("nobody is appointed as provider of `{}`", dispute.dataset())))
}

fn rules(law: &Law) -> Result<DisputeRules> {
    let first =
        |role: Role| law.holders(role).into_iter().next().ok_or_else(|| refuse("dispute.rules", format!("nobody is appointed as {role}")));
    Ok(DisputeRules {
        government: first(Role::Government)?,
        expert_group: first(Role::Expert)?.organisation().to_owned(),
        min_members: LEAST_MEMBERS,
    })
}

impl Document for DisputeFiling {
    const KIND: &'static str = "dispute";
    const TITLE: (&'static str, &'static str) = ("dispute on the supply of a data set", "数据供给争议");
    const EXAMPLE: &'static str = include_str!("disputes/filing.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.by.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let (filing, law) = (&signed.payload, moment.law);
        if filing.v != 1 || filing.by.organisation() != filing.id.organisation() || filing.at > moment.at {
            return Err(refuse("dispute.not-own", format!("`{}` is not a dispute of `{}`, or dated ahead", filing.id, filing.by)));
        }
        if book.disputes.0.contains_key(&filing.id) {
            return Err(refuse("dispute.repeated", format!("`{}` is filed already", filing.id)));
        }
        let dispute = checked(Dispute::file(filing.id.clone(), filing.dataset.clone(), law.authority.clone(), moment.at))?;
        provider(&dispute, law)?;
        book.disputes.0.insert(filing.id.clone(), Case { by: filing.by.clone(), dispute });
        Ok(())
    }
}

impl Document for DisputeAct {
    const KIND: &'static str = "dispute-act";
    const TITLE: (&'static str, &'static str) = ("step of a dispute", "争议处理步骤");
    const EXAMPLE: &'static str = include_str!("disputes/act.toml");

    /// A settlement is signed by both sides and the authority; every other step by who takes it.
    fn signers(&self, book: &Book, law: &Law) -> Result<Vec<PartyName>> {
        let case = book.disputes.known(&self.dispute)?;
        Ok(match self.act {
            DisputeStep::Settle { .. } => vec![law.authority.clone(), case.by.clone(), provider(&case.dispute, law)?],
            _ => vec![self.by.clone()],
        })
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let act = &signed.payload;
        if act.v != 1 || act.at > moment.at {
            return Err(refuse("dispute.time", "a step has format 1 and no moment to come"));
        }
        let case = book.disputes.known(&act.dispute)?;
        if let DisputeStep::Ask { asked } = &act.act {
            // whoever is asked must have a node to answer with, of somebody who was appointed to advise
            let advisers = [Role::Expert, Role::Coordination, Role::Sector, Role::Province, Role::County];
            let can_answer = |org: &String| advisers.iter().flat_map(|role| moment.law.holders(*role)).any(|who| who.organisation() == org);
            if let Some(mute) = asked.iter().find(|org| !can_answer(org)) {
                return Err(refuse("dispute.panel", format!("`{mute}` is appointed neither as expert nor as member")));
            }
        }
        let next = checked(case.dispute.apply(&act.act, &act.by, &rules(moment.law)?, moment.at))?;
        if let Some(case) = book.disputes.0.get_mut(&act.dispute) {
            case.dispute = next;
        }
        Ok(())
    }
}

fn outcome(dispute: &Dispute) -> Option<Position> {
    match dispute.state() {
        DisputeState::Settled { outcome } | DisputeState::Decided { outcome, .. } => Some(outcome.position),
        _ => None,
    }
}

fn tell(book: &Book, _: &Law, _: Time) -> Vec<(String, String)> {
    let one = |case: &Case| {
        let (id, dataset) = (case.dispute.id(), case.dispute.dataset());
        let state = case.dispute.state();
        let open = match state {
            DisputeState::Consulting { asked, opinions } => {
                asked.iter().filter(|org| !opinions.contains_key(*org)).map(String::as_str).collect::<Vec<_>>().join(", ")
            }
            _ => String::new(),
        };
        let waits = if open.is_empty() {
            (String::new(), String::new())
        } else {
            (format!(", waits for {open}"), format!("，待回复：{open}"))
        };
        let position = match outcome(&case.dispute) {
            Some(Position::Supply) => (": to be supplied", "：应予供给"),
            Some(Position::SupplyOnConditions) => (": to be supplied on conditions", "：附条件供给"),
            Some(Position::Refuse) => (": not to be supplied", "：不予供给"),
            None => ("", ""),
        };
        let word = match state {
            DisputeState::Filed => "已提出",
            DisputeState::Mediating => "协商中",
            DisputeState::Settled { .. } => "已达成一致",
            DisputeState::Consulting { .. } => "征求意见中",
            DisputeState::Referred { .. } => "已报政府",
            DisputeState::Decided { .. } => "已确定",
        };
        (
            format!("{id} on {dataset}: {}{}{}", state.as_str(), position.0, waits.0),
            format!("{id}（{dataset}）：{word}{}{}", position.1, waits.1),
        )
    };
    book.disputes.0.values().map(one).collect()
}

/// What was settled or decided against the supply is not supplied to that side.
fn objections(book: &Book, contract: &Contract, _: &Law, _: Time) -> Vec<Finding> {
    let concerns = |case: &&Case| {
        outcome(&case.dispute) == Some(Position::Refuse)
            && contract.inputs.iter().any(|input| input.dataset == *case.dispute.dataset())
            && contract.parties.iter().any(|party| party.name.organisation() == case.dispute.id().organisation())
    };
    let refused = book.disputes.0.values().filter(concerns);
    refused
        .map(|case| {
            let (id, dataset) = (case.dispute.id(), case.dispute.dataset());
            Finding::new(
                "dispute.refused",
                id.organisation(),
                (format!("dispute `{id}` ended against the supply of `{dataset}`"), format!("争议 `{id}` 的结果为不予供给 `{dataset}`")),
                ("leave the data set out", "去除该数据集"),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::rig::{Court, hash, party};
    use super::*;
    use std::collections::BTreeSet;
    use yu_governance::canonical::Hash;
    use yu_governance::supply::dispute::Statement;

    fn filing(court: &Court) -> DisputeFiling {
        DisputeFiling { at: court.at, ..toml::from_str(DisputeFiling::EXAMPLE).unwrap() }
    }

    fn act(court: &Court, by: &str, act: DisputeStep) -> DisputeAct {
        DisputeAct { v: 1, dispute: filing(court).id, by: party(by), act, at: court.at }
    }

    fn said(court: &Court, position: Position) -> Statement {
        Statement { position, document: hash("opinion"), at: court.at }
    }

    fn code(result: Result<Hash>) -> String {
        result.unwrap_err().detail.split([':', ' ']).next().unwrap().to_owned()
    }

    #[test]
    fn a27_a_dispute_goes_through_mediation_and_opinions_to_the_government() {
        let mut court = Court::new("taizhou");
        let foreign = DisputeFiling { by: party("studio"), ..filing(&court) };
        assert_eq!(code(court.file(foreign, &["studio"])), "dispute.not-own");
        court.file(filing(&court), &["bank"]).unwrap();
        court.file(act(&court, "authority", DisputeStep::Mediate), &["authority"]).unwrap();
        // nobody leads but the authority; opinions come when they were asked for
        let asked = |orgs: &[&str]| DisputeStep::Ask { asked: orgs.iter().map(|org| (*org).to_owned()).collect::<BTreeSet<_>>() };
        assert_eq!(code(court.file(act(&court, "platform", asked(&["expert", "coordination"])), &["platform"])), "dispute.not-mediator");
        let early = DisputeStep::Opinion(said(&court, Position::Supply));
        assert_eq!(code(court.file(act(&court, "expert", early), &["expert"])), "dispute.wrong-state");
        assert_eq!(code(court.file(act(&court, "authority", asked(&["expert", "bank"])), &["authority"])), "dispute.panel");
        assert_eq!(code(court.file(act(&court, "authority", asked(&["coordination"])), &["authority"])), "dispute.panel");
        court.file(act(&court, "authority", asked(&["expert", "coordination"])), &["authority"]).unwrap();
        let opinion = |court: &Court| DisputeStep::Opinion(said(court, Position::SupplyOnConditions));
        assert_eq!(code(court.file(act(&court, "sector", opinion(&court)), &["sector"])), "dispute.not-asked");
        court.file(act(&court, "expert", opinion(&court)), &["expert"]).unwrap();
        assert_eq!(code(court.file(act(&court, "authority", DisputeStep::Refer), &["authority"])), "dispute.opinions-missing");
        assert!(tell(&court.book, &court.law, court.at)[0].0.contains("waits for coordination"));
        court.file(act(&court, "coordination", opinion(&court)), &["coordination"]).unwrap();
        court.file(act(&court, "authority", DisputeStep::Refer), &["authority"]).unwrap();
        let decided = DisputeStep::Decide(said(&court, Position::Refuse));
        assert_eq!(code(court.file(act(&court, "authority", decided.clone()), &["authority"])), "dispute.not-government");
        court.file(act(&court, "government", decided), &["government"]).unwrap();
        assert!(tell(&court.book, &court.law, court.at)[0].0.contains("not to be supplied"));
    }

    #[test]
    fn a27_a_settlement_needs_both_sides_and_the_authority() {
        let mut court = Court::new("taizhou");
        court.file(filing(&court), &["bank"]).unwrap();
        court.file(act(&court, "authority", DisputeStep::Mediate), &["authority"]).unwrap();
        let parties = BTreeSet::from(["bank".to_owned(), "health".to_owned()]);
        let settle = DisputeStep::Settle { parties, outcome: said(&court, Position::Supply) };
        for few in [&["authority"][..], &["authority", "bank"], &["bank", "health"]] {
            assert_eq!(court.file(act(&court, "authority", settle.clone()), few).unwrap_err().code, crate::fault::Code::Signature);
        }
        court.file(act(&court, "authority", settle), &["authority", "bank", "health"]).unwrap();
        assert!(tell(&court.book, &court.law, court.at)[0].0.contains("to be supplied"));
    }
}
