//! The sheet of a review (审核要点, O6; ZZ 21): five items, each with what is known, each answered before anything leaves.
//!
//! What rules can judge they judge; what only a person can judge is said to need one. The answers are part of the signed decision: who reads it
//! later sees for each item whether a check or a person answered it, and a refusal names the item that failed.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::catalogue::Class;
use crate::check::CheckReport;
use crate::contract::{ConsentTerms, Contract, ProtocolTerms};
use crate::error::{Error, Result};
use crate::id::document_hash;
use crate::lineage::{Direction, Kind, Trace};
use crate::policy::Dossier;
use crate::release::Decider;
use crate::text::Text;
use crate::workflow::Word as _;
use crate::workflow::word::words;

words! {
    /// The items, in the order of the text.
    Item {
        Purpose = "purpose", "符合申请用途和使用范围", "It fits the purpose and the scope that were applied for.";
        Sources = "sources", "注明数据来源", "Its sources are stated.";
        RawExposure = "raw-exposure", "无原始数据、敏感数据直接暴露", "No raw or sensitive data are exposed.";
        Leak = "leak", "无个人信息和商业秘密泄露、滥用", "No personal information or secret leaks or is abused.";
        OtherRisk = "other-risk", "无其他安全、合规与行业法规风险", "No other risk to security, compliance or the rules of the sector.";
    }
}

words! {
    /// What the rules say of an item.
    Outcome {
        Pass = "pass", "通过", "Nothing objects, and no person has to judge.";
        Fail = "fail", "不通过", "Something objects.";
        NeedsPerson = "needs-a-person", "须人工判断", "Only a person can judge.";
    }
}

words! {
    /// Who answered an item.
    By {
        Checks = "checks", "自动检查", "The rules.";
        Person = "person", "审核人", "The reviewing person.";
        Program = "program", "演示程序", "The reviewer of the demonstration; every record says so.";
    }
}

/// One item as it is before the reviewer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Line {
    /// Which.
    pub item: Item,
    /// What the rules say.
    pub outcome: Outcome,
    /// What is known, without values.
    pub known: Text,
}

/// One item as it was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Which.
    pub item: Item,
    /// Whether it holds.
    pub holds: bool,
    /// Who says so.
    pub by: By,
}

/// The item that an automatic check speaks about ([`crate::check::CODES`]).
#[must_use]
pub fn item_of(code: &str) -> Item {
    match code {
        "outputs.contracted" => Item::Purpose,
        "cells.minimum" | "rows.minimum" | "values.verbatim" | "inputs.attested" => Item::RawExposure,
        "cells.complement" | "match.hidden" => Item::Leak,
        _ => Item::OtherRisk,
    }
}

/// Whether a person has to judge an item of this contract even where no check objects: what a purpose means and what else may go wrong no rule
/// knows; rows of a table and weights of a model are looked at by somebody.
#[must_use]
pub fn needs_person(item: Item, contract: &Contract) -> bool {
    match item {
        Item::Purpose | Item::OtherRisk => true,
        Item::Leak => {
            !matches!(contract.protocol, ProtocolTerms::Joint(_)) || contract.split_model().is_some() || contract.enclave().is_some()
        }
        Item::Sources | Item::RawExposure => false,
    }
}

/// The five items, filled from contract, dossier, lineage and checks. `trace` leads from the job to its sources; absent where the records could not
/// be read: then a person says where the data come from.
#[must_use]
pub fn sheet(contract: &Contract, dossier: &Dossier, trace: Option<&Trace>, report: &CheckReport) -> Vec<Line> {
    let all = [
        (Item::Purpose, purpose(contract, dossier)),
        (Item::Sources, sources(contract, dossier, trace)),
        (Item::RawExposure, (Outcome::Pass, raw_exposure(report))),
        (Item::Leak, (Outcome::Pass, leak(contract, dossier))),
        (Item::OtherRisk, (Outcome::Pass, other_risk(contract))),
    ];
    let line = |(item, (outcome, mut known)): (Item, (Outcome, Text))| {
        let objecting: Vec<_> = report.objections().filter(|objection| item_of(&objection.code) == item).collect();
        for objection in &objecting {
            known.en.push_str(&format!("; {}: {}", objection.code, objection.detail.en));
            known.zh.push_str(&format!("；{}：{}", objection.code, objection.detail.zh));
        }
        let outcome = if outcome == Outcome::Fail || !objecting.is_empty() {
            Outcome::Fail
        } else if needs_person(item, contract) {
            Outcome::NeedsPerson
        } else {
            outcome
        };
        Line { item, outcome, known }
    };
    all.into_iter().map(line).collect()
}

/// Whether contract and authorisation say the same.
fn purpose(contract: &Contract, dossier: &Dossier) -> (Outcome, Text) {
    let (scenario, purpose) = (&contract.scenario, &contract.purpose);
    let Some(authorised) = dossier.authorisation.as_ref().map(|signed| &signed.payload) else {
        return (Outcome::Fail, Text::new("there is no authorisation to compare with", "没有可核对的授权"));
    };
    let same_text = document_hash(authorised).is_ok_and(|hash| hash == contract.authorisation.hash);
    let beyond: Vec<&str> =
        contract.inputs.iter().filter(|input| authorised.grant(&input.dataset).is_none()).map(|input| input.dataset.as_str()).collect();
    if !same_text || authorised.scenario != *scenario || authorised.purpose != *purpose || !beyond.is_empty() {
        return (
            Outcome::Fail,
            Text::new(
                format!("the contract is not covered by `{}`: purpose, scenario or data differ {}", authorised.id, beyond.join(", ")),
                format!("合约超出授权 `{}` 的用途、场景或数据范围 {}", authorised.id, beyond.join("、")),
            ),
        );
    }
    let outputs: Vec<&str> = contract.outputs.iter().map(|output| output.name.as_str()).collect();
    (
        Outcome::NeedsPerson,
        Text::new(
            format!(
                "scenario `{scenario}`, purpose `{purpose}` as in `{}`; asked for: {}; outputs: {}",
                authorised.id,
                contract.title.en,
                outputs.join(", ")
            ),
            format!(
                "场景“{scenario}”、用途“{purpose}”与授权 `{}` 一致；任务：{}；输出：{}",
                authorised.id,
                contract.title.zh,
                outputs.join("、")
            ),
        ),
    )
}

/// The sources as the records tell them; each input must be among them, in the version that its provider signed.
fn sources(contract: &Contract, dossier: &Dossier, trace: Option<&Trace>) -> (Outcome, Text) {
    let signed = |input: &&crate::contract::Input| {
        dossier.entry(&input.dataset).is_some_and(|entry| {
            entry.payload.version == input.version && entry.payload.provider.organisation() == input.dataset.organisation()
        })
    };
    let unproved: Vec<&str> = contract.inputs.iter().filter(|input| !signed(input)).map(|input| input.dataset.as_str()).collect();
    let named: Vec<String> = contract.inputs.iter().map(|input| format!("{} ({})", input.dataset, input.party)).collect();
    if !unproved.is_empty() {
        return (
            Outcome::Fail,
            Text::new(
                format!("no signed entry of this version for {}", unproved.join(", ")),
                format!("缺少该版本经签署的目录条目：{}", unproved.join("、")),
            ),
        );
    }
    let Some(trace) = trace.filter(|trace| trace.direction == Direction::Backward) else {
        return (
            Outcome::NeedsPerson,
            Text::new(
                format!("stated: {}; the records could not be read, `yu trace` says why", named.join(", ")),
                format!("注明来源：{}；记录无法读取，`yu trace` 说明原因", named.join("、")),
            ),
        );
    };
    let reached: BTreeSet<_> = trace.steps.iter().map(|step| step.node.id.hash).collect();
    let missing: Vec<&str> =
        contract.inputs.iter().filter(|input| !reached.contains(&input.version)).map(|input| input.dataset.as_str()).collect();
    let jobs = trace.of_kind(Kind::Job).count().saturating_sub(1);
    let outcome = if missing.is_empty() { Outcome::Pass } else { Outcome::Fail };
    let lacking = if missing.is_empty() {
        (String::new(), String::new())
    } else {
        (format!("; no record leads to {}", missing.join(", ")), format!("；没有记录可证 {}", missing.join("、")))
    };
    (
        outcome,
        Text::new(
            format!("{}; {jobs} jobs on the way{}", named.join(", "), lacking.0),
            format!("{}；途经 {jobs} 个任务{}", named.join("、"), lacking.1),
        ),
    )
}

fn raw_exposure(report: &CheckReport) -> Text {
    let made: Vec<&str> =
        report.items.iter().filter(|item| item_of(&item.code) == Item::RawExposure).map(|item| item.code.as_str()).collect();
    Text::new(format!("examined: {}", made.join(", ")), format!("已检查：{}", made.join("、")))
}

/// What the catalogue says of the columns that were read.
fn leak(contract: &Contract, dossier: &Dossier) -> Text {
    let (mut personal, mut secret, mut unfiltered) = (0_usize, 0_usize, 0_usize);
    for input in &contract.inputs {
        let Some(entry) = dossier.entry(&input.dataset) else { continue };
        let classes: Vec<Class> = input.columns.iter().filter_map(|name| entry.payload.column(name)).map(|column| column.class).collect();
        personal += classes.iter().filter(|class| matches!(class, Class::Personal | Class::SensitivePersonal)).count();
        secret += classes.iter().filter(|class| **class == Class::TradeSecret).count();
        unfiltered += usize::from(input.consent == ConsentTerms::NotNeeded);
    }
    Text::new(
        format!("columns read: {personal} personal, {secret} secret; inputs without a filter by consent: {unfiltered}"),
        format!("读取个人信息列 {personal} 个、商业秘密列 {secret} 个；未按授权同意过滤的输入 {unfiltered} 个"),
    )
}

fn other_risk(contract: &Contract) -> Text {
    let receivers: Vec<&str> = contract.receivers.iter().map(|receiver| receiver.party.as_str()).collect();
    let (adversary, told) = (contract.security.adversary.as_str(), contract.leakage.len());
    Text::new(
        format!("goes to {}; security against {adversary} parties; {told} statements on what parties learn", receivers.join(", ")),
        format!("交付 {}；安全模型 {adversary}；关于各方所获知内容的声明 {told} 条", receivers.join("、")),
    )
}

/// The answers of a reviewer: what a check answered stands, `judged` are the items that `by` answers. `holds` is what is said of them.
#[must_use]
pub fn answers(lines: &[Line], judged: &BTreeSet<Item>, holds: bool, by: By) -> Vec<Answer> {
    let answer = |line: &Line| {
        if judged.contains(&line.item) {
            return Some(Answer { item: line.item, holds, by });
        }
        match line.outcome {
            Outcome::Pass => Some(Answer { item: line.item, holds: true, by: By::Checks }),
            Outcome::Fail => Some(Answer { item: line.item, holds: false, by: By::Checks }),
            Outcome::NeedsPerson => None,
        }
    };
    lines.iter().filter_map(answer).collect()
}

/// Whether the answers of an approval release anything: all five, each once, each holds, and those that need a person have one.
///
/// # Errors
/// `Refused`: `review.item-unanswered`, `review.item-failed`, `review.item-by`, each naming the item.
pub fn approves(answers: &[Answer], contract: &Contract, decider: &Decider) -> Result<()> {
    for item in Item::all() {
        let mut given = answers.iter().filter(|answer| answer.item == *item);
        let (Some(answer), None) = (given.next(), given.next()) else {
            return Err(refuse("review.item-unanswered", format!("`{item}` ({}) has no answer, or two", item.zh())));
        };
        if !answer.holds {
            return Err(refuse("review.item-failed", format!("`{item}` ({}) does not hold", item.zh())));
        }
        let is_demo = *decider == Decider::Demo;
        let fits = match answer.by {
            By::Checks => !needs_person(*item, contract),
            By::Person => !is_demo,
            By::Program => is_demo,
        };
        if !fits {
            return Err(refuse(
                "review.item-by",
                format!("`{item}` ({}) is answered by `{}`, which cannot judge it here", item.zh(), answer.by),
            ));
        }
    }
    Ok(())
}

/// Whether a refusal names what failed.
///
/// # Errors
/// `Refused` with `review.item-missing`.
pub fn refuses(answers: &[Answer]) -> Result<()> {
    if answers.iter().any(|answer| !answer.holds) {
        return Ok(());
    }
    let all: Vec<&str> = Item::all().iter().map(|item| item.as_str()).collect();
    Err(refuse("review.item-missing", format!("a refusal names the item that fails: one of {}", all.join(", "))))
}

fn refuse(code: &'static str, what: String) -> Error {
    Error::Refused { code, what }
}
