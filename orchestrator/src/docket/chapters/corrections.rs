//! Correction orders (限期改正): an organ orders, the licensee hands in evidence, the authority judges; access is closed as the profile says (C5, L3).

use super::super::book::Book;
use super::super::kind::{Document, Kind, Moment, refuse};
use super::Chapter;
use crate::fault::Result;
use crate::procedure::law::Law;
use std::collections::BTreeMap;
use yu_governance::canonical::Hash;
use yu_governance::clock::Time;
use yu_governance::contract::Contract;
use yu_governance::deadline::{Access, Correction, CorrectionEvent, CorrectionOrder, CorrectionRecord, CorrectionState};
use yu_governance::finding::Finding;
use yu_governance::id::{PartyName, document_hash};
use yu_governance::profile::Actor;
use yu_governance::sign::Signed;
use yu_governance::workflow::Role;

pub(super) const CHAPTER: Chapter = Chapter {
    name: "corrections",
    title: ("correction orders", "限期改正"),
    kinds: &[Kind::of::<CorrectionOrder>(), Kind::of::<CorrectionRecord>()],
    tell,
    objections,
};

/// All corrections by the hash of their order.
#[derive(Default)]
pub struct Corrections(BTreeMap<Hash, Correction>);

impl Corrections {
    fn known(&self, order: &Hash) -> Result<&Correction> {
        self.0.get(order).ok_or_else(|| refuse("correction.unknown", format!("no order {order} is filed")))
    }
}

/// The nodes of those who may order: organs that hold no role here have no node to sign with.
fn organs(law: &Law) -> Vec<PartyName> {
    let role = |actor: &Actor| match actor {
        Actor::Authority => Some(Role::Authority),
        Actor::ProvincialAuthority => Some(Role::Province),
        Actor::Government => Some(Role::Government),
        Actor::Sector => Some(Role::Sector),
        _ => None,
    };
    law.rules().may_suspend.value.0.iter().filter_map(role).flat_map(|role| law.holders(role)).collect()
}

impl Document for CorrectionOrder {
    const KIND: &'static str = "correction-order";
    const TITLE: (&'static str, &'static str) = ("order to correct within a period", "限期改正通知");
    const EXAMPLE: &'static str = include_str!("corrections/order.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.organ.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let (order, law) = (&signed.payload, moment.law);
        if order.issued_at > moment.at || order.due <= moment.at {
            return Err(refuse(
                "correction.period",
                format!("from {} to {}, filed {}: nothing is left", order.issued_at, order.due, moment.at),
            ));
        }
        let tenants = [Role::Licensee, Role::Developer, Role::Platform];
        if !tenants.iter().any(|role| law.roster.holds(*role, &order.licensee)) {
            return Err(refuse(
                "correction.licensee",
                format!("`{}` is appointed neither as licensee, developer nor platform", order.licensee),
            ));
        }
        let correction = Correction::open(signed, &law.ring, &organs(law), &law.authority, law.rules(), book.reviews.calendar())?;
        book.corrections.0.insert(document_hash(order)?, correction);
        Ok(())
    }
}

impl Document for CorrectionRecord {
    const KIND: &'static str = "correction-record";
    const TITLE: (&'static str, &'static str) = ("evidence of a correction, or the authority's judgement", "改正情况反馈或主管部门认定");
    const EXAMPLE: &'static str = include_str!("corrections/record.toml");

    fn signers(&self, book: &Book, law: &Law) -> Result<Vec<PartyName>> {
        let correction = book.corrections.known(&self.order)?;
        let is_evidence = matches!(self.event, CorrectionEvent::Evidence { .. });
        Ok(vec![if is_evidence { correction.order().licensee.clone() } else { law.authority.clone() }])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let order = signed.payload.order;
        let next = book.corrections.known(&order)?.record(signed, moment.at, &moment.law.ring)?;
        book.corrections.0.insert(order, next);
        Ok(())
    }
}

fn tell(book: &Book, _: &Law, now: Time) -> Vec<(String, String)> {
    let one = |correction: &Correction| {
        let order = correction.order();
        let state = match correction.state() {
            CorrectionState::Ordered => ("ordered", "已责令"),
            CorrectionState::UnderReview => ("evidence is judged", "改正情况审核中"),
            CorrectionState::Reopened => ("corrected", "已改正"),
            CorrectionState::Terminated => ("ended", "已终止"),
        };
        let is_open = matches!(correction.state(), CorrectionState::Ordered | CorrectionState::UnderReview);
        let overdue = if is_open && now > order.due { (", OVERDUE", "，逾期") } else { ("", "") };
        let access = match correction.access(now) {
            Access::Open => ("access open".to_owned(), "权限正常".to_owned()),
            Access::Suspended { since } => (format!("access closed since {since}"), format!("自 {since} 起关闭权限")),
            Access::Ended => ("access ended".to_owned(), "权限终止".to_owned()),
        };
        let (who, id, due) = (&order.licensee, &order.authorisation, order.due);
        (
            format!("{who} under {id}: {}{}, due {due}, {}: {}", state.0, overdue.0, access.0, order.breach.en),
            format!("{who}（{id}）：{}{}，期限 {due}，{}：{}", state.1, overdue.1, access.1, order.breach.zh),
        )
    };
    book.corrections.0.values().map(one).collect()
}

/// C5: whoever is to correct takes part in nothing under that authorisation while its access is closed.
fn objections(book: &Book, contract: &Contract, _: &Law, now: Time) -> Vec<Finding> {
    let concerns = |correction: &&Correction| {
        let order = correction.order();
        order.authorisation == contract.authorisation.id
            && contract.parties.iter().any(|party| party.name.organisation() == order.licensee.organisation())
            && correction.access(now) != Access::Open
    };
    let closed = book.corrections.0.values().filter(concerns);
    closed
        .map(|correction| {
            let order = correction.order();
            Finding::new(
                "correction.open",
                &order.licensee,
                (
                    format!("access under `{}` is closed for a correction: {}", order.authorisation, order.breach.en),
                    format!("授权 `{}` 因限期改正关闭使用权限：{}", order.authorisation, order.breach.zh),
                ),
                ("hand in evidence of the correction; the authority reopens", "提交改正情况，由主管部门恢复"),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::rig::{Court, hash, party};
    use super::*;

    fn order(court: &Court) -> CorrectionOrder {
        let example: CorrectionOrder = toml::from_str(CorrectionOrder::EXAMPLE).unwrap();
        CorrectionOrder { issued_at: court.at, due: court.at.plus_days(10), ..example }
    }

    fn record(order: Hash, event: CorrectionEvent, at: Time) -> CorrectionRecord {
        CorrectionRecord { v: 1, order, event, at }
    }

    fn evidence() -> CorrectionEvent {
        CorrectionEvent::Evidence { files: hash("files"), account: "mended".into() }
    }

    fn code(result: Result<Hash>) -> String {
        result.unwrap_err().detail.split([':', ' ']).next().unwrap().to_owned()
    }

    #[test]
    fn c5_a_correction_goes_from_order_to_reopening_and_only_the_authority_reopens() {
        let mut court = Court::new("zhejiang");
        let order = order(&court);
        // who may not order, nobody that is to correct, no time left, too long
        let foreign = CorrectionOrder { organ: party("health"), ..order.clone() };
        assert_eq!(code(court.file(foreign, &["health"])), "correction.organ");
        let nobody = CorrectionOrder { licensee: party("expert"), ..order.clone() };
        assert_eq!(code(court.file(nobody, &["authority"])), "correction.licensee");
        let past = CorrectionOrder { issued_at: court.at.plus_days(-5), due: court.at.plus_days(-1), ..order.clone() };
        assert_eq!(code(court.file(past, &["authority"])), "correction.period");
        let long = CorrectionOrder { due: court.at.plus_days(400), ..order.clone() };
        assert_eq!(code(court.file(long, &["authority"])), "correction.period");
        let filed = court.file(order.clone(), &["authority"]).unwrap();
        assert!(tell(&court.book, &court.law, court.at)[0].0.contains("access closed"), "at once in this profile");
        // the authority cannot hand in evidence for the licensee, nor the licensee reopen
        assert_eq!(court.file(record(filed, evidence(), court.at), &["authority"]).unwrap_err().code, crate::fault::Code::Signature);
        let reopened = CorrectionEvent::Reopened { reason: "seen".into() };
        assert_eq!(code(court.file(record(filed, reopened.clone(), court.at), &["authority"])), "correction.no-evidence");
        assert_eq!(code(court.file(record(hash("other"), evidence(), court.at), &["bank"])), "correction.unknown");
        court.pass_days(1);
        court.file(record(filed, evidence(), court.at), &["bank"]).unwrap();
        assert_eq!(court.file(record(filed, reopened.clone(), court.at), &["bank"]).unwrap_err().code, crate::fault::Code::Signature);
        court.pass_days(1);
        court.file(record(filed, reopened, court.at), &["authority"]).unwrap();
        assert!(tell(&court.book, &court.law, court.at)[0].0.contains("access open"));
        assert_eq!(code(court.file(record(filed, evidence(), court.at.plus_seconds(-1)), &["bank"])), "correction.closed");
    }

    #[test]
    fn c5_what_is_not_corrected_in_time_is_shown_and_may_be_ended() {
        let mut court = Court::new("zhejiang");
        let filed = court.file(order(&court), &["authority"]).unwrap();
        let ended = CorrectionEvent::Terminated { reason: "nothing came".into() };
        assert_eq!(code(court.file(record(filed, ended.clone(), court.at), &["authority"])), "correction.not-due");
        court.pass_days(20);
        assert!(tell(&court.book, &court.law, court.at)[0].0.contains("OVERDUE"));
        court.file(record(filed, ended, court.at), &["authority"]).unwrap();
        assert!(tell(&court.book, &court.law, court.at)[0].0.contains("access ended"));
    }
}
