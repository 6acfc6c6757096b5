//! Watching and complaints (监测、巡查、风险评估、投诉): rules over logs, warnings that are settled by a signature, regular patrols, risks, tickets (S2).

use super::super::book::Book;
use super::super::kind::{Audience, Document, Kind, Moment, all_of, refuse};
use super::{Chapter, none};
use crate::fault::Result;
use crate::procedure::law::Law;
use std::collections::BTreeMap;
use yu_governance::audit::merkle::Digest;
use yu_governance::calendar::Calendar;
use yu_governance::clock::Time;
use yu_governance::id::{PartyName, TicketId};
use yu_governance::patrol::{Acknowledgement, Complaint, ComplaintRecord, Patrol, RiskAssessment, RiskLevel, WatchOrder, WatchRule, round};
use yu_governance::sign::Signed;
use yu_governance::workflow::{Role, Word as _};

/// Seconds by which the clocks of who writes and who files may differ.
const SKEW: i64 = 300;

pub(super) const CHAPTER: Chapter = Chapter {
    name: "patrols",
    title: ("watching, patrols, complaints", "监测、巡查与投诉"),
    kinds: &[
        Kind::of::<WatchOrder>(),
        Kind::of::<Acknowledgement>(),
        Kind::of::<Patrol>(),
        Kind::of::<RiskAssessment>(),
        Kind::of::<ComplaintRecord>(),
    ],
    tell,
    objections: none,
};

/// What is watched, and what came of it, as the docket makes it.
#[derive(Default)]
pub struct Watch {
    order: Option<(WatchOrder, Time)>,
    acknowledged: BTreeMap<(PartyName, String, u64), Acknowledgement>,
    /// The last of each node.
    patrols: BTreeMap<PartyName, Patrol>,
    /// The last of each organisation by each who assesses.
    risks: BTreeMap<(String, PartyName), RiskAssessment>,
    complaints: BTreeMap<TicketId, Complaint>,
}

impl Watch {
    /// The rules by which logs are watched: the regulator's, or those that ship.
    #[must_use]
    pub fn rules(&self) -> Vec<WatchRule> {
        self.order.as_ref().map_or_else(WatchRule::shipped, |(order, _)| order.rules.clone())
    }

    /// Who has looked at a warning.
    #[must_use]
    pub fn acknowledged(&self, node: &PartyName, rule: &str, index: u64) -> Option<&Acknowledgement> {
        self.acknowledged.get(&(node.clone(), rule.to_owned(), index))
    }
}

/// Refuses what is dated ahead of when it is filed.
fn not_ahead(at: Time, moment: Moment<'_>) -> Result<()> {
    if at <= moment.at.plus_seconds(SKEW) { Ok(()) } else { Err(refuse("patrol.ahead", format!("it is dated {at}, which is ahead"))) }
}

impl Document for WatchOrder {
    const KIND: &'static str = "watch-order";
    const TITLE: (&'static str, &'static str) = ("rules by which logs are watched", "监测规则");
    const EXAMPLE: &'static str = include_str!("patrols/order.toml");

    fn signers(&self, _: &Book, law: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![law.regulator.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let order = &signed.payload;
        if order.by != moment.law.regulator {
            return Err(refuse("watch.by", format!("`{}` is not the regulator", order.by)));
        }
        not_ahead(order.at, moment)?;
        order.check().or_else(all_of)?;
        let since = book.patrols.order.as_ref().map_or(moment.at, |(_, since)| *since);
        book.patrols.order = Some((order.clone(), since));
        Ok(())
    }
}

impl Document for Acknowledgement {
    const KIND: &'static str = "warning-acknowledgement";
    const TITLE: (&'static str, &'static str) = ("a warning was looked at", "预警确认");
    const EXAMPLE: &'static str = include_str!("patrols/acknowledgement.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.by.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let told = &signed.payload;
        not_ahead(told.at, moment)?;
        told.check(&[moment.law.regulator.clone(), moment.law.authority.clone()]).or_else(all_of)?;
        let place = (told.node.clone(), told.rule.clone(), told.index);
        if book.patrols.acknowledged.insert(place, told.clone()).is_some() {
            return Err(refuse("warning.settled", "somebody has acknowledged this warning already"));
        }
        Ok(())
    }
}

impl Document for Patrol {
    const KIND: &'static str = "patrol";
    const TITLE: (&'static str, &'static str) = ("a log was looked at", "巡查记录");
    const EXAMPLE: &'static str = include_str!("patrols/patrol.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.by.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let (patrol, law) = (&signed.payload, moment.law);
        not_ahead(patrol.at, moment)?;
        if patrol.v != 1 || (patrol.by != law.regulator && patrol.by != law.authority) {
            return Err(refuse("patrol.by", format!("`{}` does not go on patrols here", patrol.by)));
        }
        if patrol.by.organisation() == patrol.node.organisation() {
            return Err(refuse("patrol.self", format!("`{}` looks at its own log", patrol.by)));
        }
        if patrol.rules != book.patrols.rules() {
            return Err(refuse("patrol.rules", "it looked by other rules than those in force"));
        }
        if let Some(before) = book.patrols.patrols.get(&patrol.node) {
            let other: &Digest = &before.root;
            if patrol.at < before.at || patrol.size < before.size || (patrol.size == before.size && patrol.root != *other) {
                let what = format!("`{}` had {} entries and another root before: open an incident", patrol.node, before.size);
                return Err(refuse("patrol.fork", what));
            }
        }
        book.patrols.patrols.insert(patrol.node.clone(), patrol.clone());
        Ok(())
    }
}

impl Document for RiskAssessment {
    const KIND: &'static str = "risk-assessment";
    const TITLE: (&'static str, &'static str) = ("risk assessment", "风险评估");
    const EXAMPLE: &'static str = include_str!("patrols/risk.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.by.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let told = &signed.payload;
        not_ahead(told.at, moment)?;
        told.check().or_else(all_of)?;
        let place = (told.about.clone(), told.by.clone());
        if book.patrols.risks.get(&place).is_some_and(|before| told.at <= before.at) {
            return Err(refuse("risk.older", "a later assessment is filed"));
        }
        book.patrols.risks.insert(place, told.clone());
        Ok(())
    }
}

impl Document for ComplaintRecord {
    const KIND: &'static str = "complaint-record";
    const TITLE: (&'static str, &'static str) = ("step of a complaint", "投诉办理记录");
    const EXAMPLE: &'static str = include_str!("patrols/complaint.toml");
    // whoever is complained about does not read along
    const AUDIENCE: Audience = Audience::Signers;

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.office.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let (record, ring) = (&signed.payload, &moment.law.ring);
        not_ahead(record.at, moment)?;
        let next = match book.patrols.complaints.get(&record.ticket) {
            Some(known) => known.next(signed, ring)?,
            None => Complaint::open(signed, ring)?,
        };
        book.patrols.complaints.insert(record.ticket.clone(), next);
        Ok(())
    }
}

fn tell(book: &Book, law: &Law, now: Time) -> Vec<(String, String)> {
    let watch = &book.patrols;
    let mut told = vec![(
        format!("{} rules over logs, {} warnings acknowledged", watch.rules().len(), watch.acknowledged.len()),
        format!("监测规则 {} 条，已确认预警 {} 条", watch.rules().len(), watch.acknowledged.len()),
    )];
    for patrol in watch.patrols.values() {
        told.push((
            format!("patrol of {} at {}: {} findings in {} entries", patrol.node, patrol.at, patrol.findings.len(), patrol.size),
            format!("{} 巡查 {}：{} 条日志中发现 {} 项", patrol.at, patrol.node, patrol.size, patrol.findings.len()),
        ));
    }
    if let Some((order, since)) = &watch.order {
        let all: Vec<Patrol> = watch.patrols.values().cloned().collect();
        let watched = [Role::Provider, Role::Licensee, Role::Platform, Role::Developer].into_iter().flat_map(|role| law.holders(role));
        let watched: std::collections::BTreeSet<PartyName> = watched.collect();
        let due = watched.iter().filter_map(|node| round::due(&all, node, *since, order.patrol_months, now));
        told.extend(due.map(|alarm| (format!("ALARM: {}", alarm.what.en), format!("告警：{}", alarm.what.zh))));
    }
    for ((about, by), assessed) in &watch.risks {
        let high = assessed.risks.iter().filter(|risk| risk.level() == RiskLevel::High);
        let past = now > assessed.until;
        let (level, count) = (assessed.level(), assessed.risks.len());
        told.push((
            format!("risks of {about} by {by}: {count}, highest {level}{}", if past { ", OVERDUE: it held until then" } else { "" }),
            format!("{about} 风险评估（{by}）：{count} 项，最高 {}{}", level.zh(), if past { "，已逾期" } else { "" }),
        ));
        told.extend(high.map(|risk| {
            (format!("  HIGH: {}; {}", risk.what.en, risk.measure.en), format!("  高风险：{}；{}", risk.what.zh, risk.measure.zh))
        }));
    }
    let calendar = Calendar::shipped();
    for (ticket, complaint) in &watch.complaints {
        let state = complaint.state();
        told.push((
            format!("complaint {ticket} about {}: {state}", complaint.about()),
            format!("投诉 {ticket}（{}）：{}", complaint.about(), state.zh()),
        ));
        let Some((order, _)) = &watch.order else { continue };
        let overdue = calendar.as_ref().ok().map(|calendar| complaint.overdue(order.take, order.answer, calendar, now));
        match overdue {
            Some(Ok(None)) => {}
            Some(Ok(Some(alarm))) => told.push((format!("  ALARM: {}", alarm.what.en), format!("  告警：{}", alarm.what.zh))),
            // a year without its holidays: better too early than never
            Some(Err(_)) | None => {
                told.push(("  its term cannot be counted: the calendar ends".into(), "  期限无法计算：节假日历不足".into()))
            }
        }
    }
    told
}

#[cfg(test)]
mod tests;
