//! Contingency plans and drills (应急预案与演练): a node computes only with a plan of its own, and whoever does not practise is told so (A3, D14).
//!
//! Each kind of plan decides from its first one on: with the first plan of a node every computing node needs one, with the first plan of an
//! authorisation every authorisation does.

use super::super::book::Book;
use super::super::kind::{Document, Kind, Moment, all_of, refuse};
use super::Chapter;
use crate::fault::Result;
use crate::node::payload_hash;
use crate::procedure::law::Law;
use std::collections::BTreeMap;
use yu_governance::authorisation::ContingencyPlan;
use yu_governance::canonical::Hash;
use yu_governance::clock::Time;
use yu_governance::contract::{AuthorisationRef, Contract};
use yu_governance::drill::{AuthorisationPlan, DrillRecord, DrillRules, Drills, Injection, NodePlan, Target, node, status};
use yu_governance::finding::Finding;
use yu_governance::id::{AuthorisationId, PartyName};
use yu_governance::sign::Signed;
use yu_governance::workflow::Role;

/// Seconds by which the clocks of who writes and who files may differ.
const SKEW: i64 = 300;

/// Seconds for which a job that was written before a drill was due goes on: a week, in which a held result finds its reviewer.
const RUNNING: i64 = 7 * 86_400;

pub(super) const CHAPTER: Chapter = Chapter {
    name: "drills",
    title: ("contingency plans and drills", "应急预案与演练"),
    kinds: &[Kind::of::<NodePlan>(), Kind::of::<AuthorisationPlan>(), Kind::of::<Injection>(), Kind::of::<DrillRecord>()],
    tell,
    objections,
};

/// The plans of one target, and since when it has one.
struct Plans {
    since: Time,
    /// By their first second; the hash is of the authorisation's text, absent for nodes.
    all: BTreeMap<Time, (ContingencyPlan, Option<Hash>)>,
}

impl Plans {
    fn at(&self, now: Time) -> Option<&(ContingencyPlan, Option<Hash>)> {
        self.all.range(..=now).next_back().map(|(_, kept)| kept)
    }
}

/// Plans and drills as the docket makes them.
#[derive(Default)]
pub struct Practice {
    nodes: BTreeMap<PartyName, Plans>,
    authorisations: BTreeMap<AuthorisationId, Plans>,
    /// With the plan that was in force when they came.
    injections: BTreeMap<Hash, (Signed<Injection>, ContingencyPlan)>,
    drills: Drills,
}

impl Practice {
    /// The plan of a target that holds at an instant.
    #[must_use]
    pub fn plan(&self, target: &Target, now: Time) -> Option<&ContingencyPlan> {
        let plans = match target {
            Target::Node { name } => self.nodes.get(name),
            Target::Authorisation { id } => self.authorisations.get(id),
        };
        plans.and_then(|plans| plans.at(now)).map(|(plan, _)| plan)
    }

    /// An injection with the plan that it practises.
    #[must_use]
    pub fn injection(&self, hash: &Hash) -> Option<(&Injection, &ContingencyPlan)> {
        self.injections.get(hash).map(|(signed, plan)| (&signed.payload, plan))
    }

    fn targets(&self) -> impl Iterator<Item = (Target, &Plans)> {
        let nodes = self.nodes.iter().map(|(name, plans)| (Target::Node { name: name.clone() }, plans));
        nodes.chain(self.authorisations.iter().map(|(id, plans)| (Target::Authorisation { id: id.clone() }, plans)))
    }
}

/// A plan follows on the earlier ones: what is in force is not changed backwards.
fn add(plans: &mut Plans, from: Time, plan: ContingencyPlan, of: Option<Hash>, at: Time) -> Result<()> {
    let last = plans.all.last_key_value().map(|(from, _)| *from);
    if last.is_some_and(|last| from <= last) || (last.is_some() && from < at.plus_seconds(-SKEW)) {
        return Err(refuse("plan.backwards", format!("a plan holds from {from} on, which is past, or not later than the one before it")));
    }
    plans.all.insert(from, (plan, of));
    Ok(())
}

impl Document for NodePlan {
    const KIND: &'static str = "node-plan";
    const TITLE: (&'static str, &'static str) = ("contingency plan of a node", "节点应急预案");
    const EXAMPLE: &'static str = include_str!("drills/node-plan.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.node.clone(), self.authority.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let (plan, law) = (&signed.payload, moment.law);
        // the authority's own node is accepted by the level above
        let above = [Role::Government, Role::Province].into_iter().flat_map(|role| law.holders(role));
        let authorities: Vec<PartyName> = std::iter::once(law.authority.clone()).chain(above).collect();
        Self::check(signed, &authorities, plan.from.max(moment.at), &law.ring).map(drop).or_else(all_of)?;
        let plans = book.drills.nodes.entry(plan.node.clone()).or_insert_with(|| Plans { since: moment.at, all: BTreeMap::new() });
        add(plans, plan.from, plan.plan.clone(), None, moment.at)
    }
}

impl Document for AuthorisationPlan {
    const KIND: &'static str = "authorisation-plan";
    const TITLE: (&'static str, &'static str) = ("contingency plan of an authorisation", "授权应急预案");
    const EXAMPLE: &'static str = include_str!("drills/authorisation-plan.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.licensee.clone(), self.authority.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let (plan, law) = (&signed.payload, moment.law);
        if plan.authority != law.authority || !law.holders(Role::Licensee).contains(&plan.licensee) {
            return Err(refuse(
                "plan.sides",
                format!("`{}` is not the authority here, or `{}` no licensee", plan.authority, plan.licensee),
            ));
        }
        plan.check().or_else(all_of)?;
        let first = || Plans { since: moment.at, all: BTreeMap::new() };
        let plans = book.drills.authorisations.entry(plan.authorisation.clone()).or_insert_with(first);
        add(plans, plan.from, plan.plan.clone(), Some(plan.document), moment.at)
    }
}

impl Document for Injection {
    const KIND: &'static str = "drill-injection";
    const TITLE: (&'static str, &'static str) = ("a fake incident is injected", "演练情景注入");
    const EXAMPLE: &'static str = include_str!("drills/injection.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.observer.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let injection = &signed.payload;
        let plan = book.drills.plan(&injection.target, moment.at);
        let plan = plan.ok_or_else(|| refuse("drill.no-plan", "there is no plan of this target in force"))?;
        injection.check(plan, moment.at, SKEW).or_else(all_of)?;
        let plan = plan.clone();
        book.drills.injections.insert(payload_hash(injection)?, (signed.clone(), plan));
        Ok(())
    }
}

impl Document for DrillRecord {
    const KIND: &'static str = "drill-record";
    const TITLE: (&'static str, &'static str) = ("record of a drill", "演练记录");
    const EXAMPLE: &'static str = include_str!("drills/record.toml");

    fn signers(&self, book: &Book, _: &Law) -> Result<Vec<PartyName>> {
        let injection = book.drills.injections.get(&self.injection);
        let injection = injection.ok_or_else(|| refuse("drill.injection-unknown", format!("no injection {} is filed", self.injection)))?;
        Ok(vec![self.handler.clone(), injection.0.payload.observer.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let practice = &mut book.drills;
        let known = practice.injections.get(&signed.payload.injection);
        let (injection, plan) = known.ok_or_else(|| refuse("drill.injection-unknown", "no such injection is filed"))?;
        let (injection, plan) = (injection.clone(), plan.clone());
        practice.drills.add(&injection, signed, &plan, moment.at, &moment.law.ring).map(drop).or_else(all_of)
    }
}

/// Whose plan.
fn named(target: &Target) -> (String, String) {
    match target {
        Target::Node { name } => (format!("node {name}"), format!("节点 {name}")),
        Target::Authorisation { id } => (format!("authorisation {id}"), format!("授权 {id}")),
    }
}

fn tell(book: &Book, law: &Law, now: Time) -> Vec<(String, String)> {
    let (practice, rules) = (&book.drills, DrillRules::of(&law.profile));
    let mut told = Vec::new();
    for (target, plans) in practice.targets() {
        let (en, zh) = named(&target);
        let Some((plan, _)) = plans.at(now) else {
            told.push((format!("{en}: its plan does not hold yet"), format!("{zh}：预案尚未施行")));
            continue;
        };
        let status = status(&practice.drills, &target, plan, plans.since, rules, now);
        match status.alarm(plan) {
            Some(alarm) => told.push((
                format!("ALARM: {en}: {}; called are {}", alarm.what.en, plan.contacts.join(", ")),
                format!("告警：{zh}：{}；联系 {}", alarm.what.zh, plan.contacts.join("、")),
            )),
            None => told.push((format!("{en}: next drill by {}", status.due), format!("{zh}：下次演练截止 {}", status.due))),
        }
        if let Some(held) = practice.drills.last(&target) {
            told.push((
                format!("  last drill {}: first step after {} s, {} shortcomings", held.ended, held.response, held.shortcomings),
                format!("  最近演练 {}：{} 秒后首次响应，不足 {} 项", held.ended, held.response, held.shortcomings),
            ));
        }
    }
    told
}

/// D14: a node without a plan of its own computes nothing; A3: an overdue drill blocks where the profile says so.
fn objections(book: &Book, contract: &Contract, law: &Law, now: Time) -> Vec<Finding> {
    let parties: Vec<&PartyName> = contract.parties.iter().map(|party| &party.name).collect();
    against(book, &parties, &contract.authorisation, law, (contract.created, now))
}

/// What is wrong with a job of these parties under this authorisation, written at one instant and looked at at another.
fn against(book: &Book, parties: &[&PartyName], authorisation: &AuthorisationRef, law: &Law, (created, now): (Time, Time)) -> Vec<Finding> {
    let (practice, rules) = (&book.drills, DrillRules::of(&law.profile));
    let overdue = |target: &Target, plans: &Plans, plan: &ContingencyPlan| {
        let status = status(&practice.drills, target, plan, plans.since, rules, now);
        // new jobs are blocked, not those that run; whoever dates a contract back gains a week and no more
        let runs = created <= status.due && now < status.due.plus_seconds(RUNNING);
        if runs { Vec::new() } else { status.admits(plan, rules).err().unwrap_or_default() }
    };
    let mut found = Vec::new();
    if !practice.nodes.is_empty() {
        // the authority and the regulator are no operators of the domain
        for party in parties.iter().copied().filter(|party| **party != law.authority && **party != law.regulator) {
            match practice.nodes.get(party).and_then(|plans| Some((plans, plans.at(now)?))) {
                None => found.push(node::no_plan(party)),
                Some((plans, (plan, _))) => found.extend(overdue(&Target::Node { name: party.clone() }, plans, plan)),
            }
        }
    }
    if !practice.authorisations.is_empty() {
        let id = &authorisation.id;
        match practice.authorisations.get(id).and_then(|plans| Some((plans, plans.at(now)?))) {
            Some((plans, (plan, of))) if *of == Some(authorisation.hash) => {
                found.extend(overdue(&Target::Authorisation { id: id.clone() }, plans, plan));
            }
            _ => {
                let what = (format!("no contingency plan is filed for this text of `{id}`"), format!("授权 `{id}` 现行文本未备案应急预案"));
                found.push(Finding::new("drill.no-plan", id, what, ("file an authorisation-plan", "备案授权应急预案")));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests;
