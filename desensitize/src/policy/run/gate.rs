//! "Could raw data be restored?": the release as an attacker sees it, and what the gate says of it.
//!
//! Whoever knows a person's values can round or mask them as the policy does. So columns that went through operators without key and
//! chance are attacked with what these make of the original; all others with the original itself.

use std::collections::HashMap;

use arrow::array::{ArrayRef, RecordBatch};
use arrow::compute::concat_batches;
use rand_chacha::rand_core::CryptoRng;

use super::super::{Class, ColumnRule, Policy};
use crate::error::{Error, Lang, Result, Text};
use crate::policy::explain::percent;
use crate::report::{Finding, Grid, Section, Verdict};
use crate::restore::{self, Attempt, Provenance, Release};
use crate::table::Table;
use crate::transform::Operator;

/// What the gate looks at, beside the release.
pub(super) struct Subject<'a> {
    /// The rows as they were.
    pub(super) original: &'a Table,
    /// What operators made of them; rows know their places.
    pub(super) before: &'a Table,
    /// Whether these are all rows.
    pub(super) is_whole: bool,
}

/// Attacks a release that was read back, and says what came of it.
pub(super) fn section<R: CryptoRng>(policy: &Policy, subject: &Subject<'_>, release: &Table, rng: &mut R) -> Result<Section> {
    let known = known(policy, subject)?;
    let hierarchies = policy.hierarchies(subject.before)?;
    let origins: Vec<u64> = (0..release.num_rows()).collect();
    let mut attacked = Release::of(release).from_original(&known);
    for rule in policy.columns.iter().filter(|rule| rule.class != Class::Drop) {
        attacked = attacked.with(&rule.name, provenance(policy, rule));
    }
    attacked.quasi_identifiers = quasi_identifiers(policy);
    attacked.hierarchies = Some(&hierarchies);
    attacked.row_of = Some(&origins);
    let verdict = restore::gate(&attacked, &policy.gate, rng)?;
    let mut section = Section::new(Text::new("Could raw data be restored?", "能否还原原始数据"));
    section.lead.push(Text::new(
        "Attacks with everything that the provider knows, within a budget. That they fail is no proof that none succeeds.",
        "以数据提供方所知的全部信息、在预算内进行攻击检验。攻击未成功并不证明不存在可行的攻击。",
    ));
    if !subject.is_whole {
        let rows = release.num_rows();
        section.lead.push(Text::new(
            format!("The file is larger than memory is meant to be: its first {rows} rows were attacked."),
            format!("文件较大，仅对前 {rows} 行进行了攻击检验。"),
        ));
    }
    section.findings.extend(verdict.refusals().map(|attempt| refusal(policy, attempt)));
    if verdict.passed {
        let tried = verdict.attempts.len();
        section.findings.push(Finding {
            code: "restore.gate".into(),
            verdict: Verdict::Passed,
            text: Text::new(
                format!("{tried} attacks were tried; none succeeded beyond its limit."),
                format!("共进行 {tried} 项攻击检验，均未超过门限。"),
            ),
            remedy: None,
        });
    }
    section.grids.push(tried(&verdict.attempts));
    Ok(section)
}

/// What becomes of a refusal: nothing leaves, unless the data stay in the domain anyway.
fn refusal(policy: &Policy, attempt: &Attempt) -> Finding {
    let column = attempt.column.as_ref().map(|name| format!("`{name}`: ")).unwrap_or_default();
    let name = title(attempt);
    Finding {
        code: format!("restore.{}", code(attempt)),
        verdict: if policy.policy.stays { Verdict::Noted } else { Verdict::Refused },
        text: Text::new(format!("{}: {column}{}", name.en, attempt.reason.en), format!("{}：{column}{}", name.zh, attempt.reason.zh)),
        remedy: Some(attempt.remedy.clone()),
    }
}

fn tried(attempts: &[Attempt]) -> Grid {
    let rows = attempts.iter().map(|attempt| {
        let name = title(attempt);
        let share = attempt
            .share
            .map_or_else(String::new, |share| format!("{} ({} – {})", percent(share.value), percent(share.low), percent(share.high)));
        let limit = attempt.share.map_or_else(String::new, |_| percent(attempt.limit));
        let word = if attempt.passed { Verdict::Passed } else { Verdict::Refused }.word();
        vec![
            format!("{} / {}", name.zh, name.en),
            attempt.column.clone().unwrap_or_default(),
            attempt.cost.tries.to_string(),
            share,
            limit,
            format!("{} / {}", word.zh, word.en),
        ]
    });
    Grid {
        title: Text::new("What was tried", "攻击检验一览"),
        header: vec![
            Text::new("Attack", "攻击"),
            Text::new("Column", "列"),
            Text::new("Tries", "次数"),
            Text::new("Success (interval)", "成功率（区间）"),
            Text::new("Limit", "门限"),
            Text::new("Result", "结论"),
        ],
        rows: rows.collect(),
    }
}

/// Quasi-identifiers, and what masks leave of direct ones. None at all: the gate counts every column.
fn quasi_identifiers(policy: &Policy) -> Vec<String> {
    let is_one = |rule: &&ColumnRule| match rule.class {
        Class::Quasi => true,
        Class::Direct => matches!(provenance(policy, rule), Provenance::Generalised | Provenance::Noise),
        Class::Sensitive | Class::Other | Class::Drop => false,
    };
    policy.columns.iter().filter(is_one).map(|rule| rule.name.clone()).collect()
}

/// How a column comes about.
fn provenance(policy: &Policy, rule: &ColumnRule) -> Provenance {
    let averaged = |operator: &Operator| matches!(operator, Operator::Microaggregate { with, .. } if with.contains(&rule.name));
    let others = policy.columns.iter().flat_map(|other| &other.operators).filter(|operator| averaged(operator));
    let mut found = match rule.class {
        Class::Quasi if policy.anonymity.is_some() => Provenance::Generalised,
        _ if policy.policy.public => Provenance::Public,
        _ => Provenance::Raw,
    };
    for operator in rule.operators.iter().chain(others) {
        let next = of_operator(operator);
        // a key outweighs noise, noise what only makes coarser
        let is_stronger = match next {
            None => false,
            Some(Provenance::Generalised) => matches!(found, Provenance::Raw | Provenance::Public),
            Some(Provenance::Noise) => !found.is_keyed(),
            Some(_) => true,
        };
        if let Some(next) = next.filter(|_| is_stronger) {
            found = next;
        }
    }
    found
}

const fn of_operator(operator: &Operator) -> Option<Provenance> {
    Some(match operator {
        Operator::Hmac { .. } => Provenance::KeyedDeterministic { domain: None },
        Operator::Token { .. } | Operator::Ff1 { .. } | Operator::ResidentId { .. } | Operator::Mobile { .. } => {
            Provenance::KeyedReversible { domain: None }
        }
        Operator::Keep { .. }
        | Operator::Replace { .. }
        | Operator::Null {}
        | Operator::GeneraliseDate { .. }
        | Operator::Generalise { .. }
        | Operator::Bin { .. }
        | Operator::Round { .. }
        | Operator::Limit { .. } => Provenance::Generalised,
        Operator::DateShift { .. }
        | Operator::Noise { .. }
        | Operator::RankSwap { .. }
        | Operator::Shuffle {}
        | Operator::Microaggregate { .. }
        | Operator::Pram { .. } => Provenance::Noise,
        Operator::DropRows { .. } | Operator::Sample { .. } => return None,
    })
}

/// The rows that were made something of, in the order of the release.
fn known(policy: &Policy, subject: &Subject<'_>) -> Result<Table> {
    let (before, original) = (subject.before, subject.original);
    // by their places in the file: the rows that were handed in may be some of it
    let place = |table: &Table, row: u64| table.place(row).map(|place| place.row);
    let index: HashMap<u64, u64> = (0..original.num_rows()).filter_map(|row| Some((place(original, row)?, row))).collect();
    let origins: Vec<u64> = (0..before.num_rows()).filter_map(|row| index.get(&place(before, row)?).copied()).collect();
    let is_all = origins.len() as u64 == subject.original.num_rows() && (0..).zip(&origins).all(|(at, row)| at == *row);
    let rows = if is_all { whole(subject.original)? } else { whole(&subject.original.take(&origins)?)? };
    let before = whole(before)?;
    let is_repeatable =
        |name: &str| policy.rule(name).is_some_and(|rule| rule.class != Class::Drop && provenance(policy, rule) == Provenance::Generalised);
    let schema = rows.schema();
    let columns = schema.fields().iter().zip(rows.columns()).map(|(field, column)| -> (&str, ArrayRef) {
        let name = field.name().as_str();
        let made = before.column_by_name(name).filter(|_| is_repeatable(name));
        (name, made.unwrap_or(column).clone())
    });
    Table::from_columns(subject.original.source(), columns.collect())
}

fn whole(table: &Table) -> Result<RecordBatch> {
    concat_batches(table.schema(), table.batches()).map_err(|source| Error::Arrow { what: "joining batches", source })
}

fn title(attempt: &Attempt) -> Text {
    Text::new(attempt.attack.title(Lang::En), attempt.attack.title(Lang::Zh))
}

/// The name of the attack in files.
fn code(attempt: &Attempt) -> String {
    serde_json::to_value(attempt.attack).ok().and_then(|name| Some(name.as_str()?.to_owned())).unwrap_or_default()
}
