//! What a change of a policy loosens, tightens or merely changes.

use serde::Serialize;

use super::explain::percent;
use super::{Anonymity, Class, ColumnRule, Policy};
use crate::anonymise::Model;
use crate::error::Text;

/// Which way a change goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// More can be learned from a release.
    Loosens,
    /// It cannot be said by the policies alone: somebody has to judge.
    Changes,
    /// Less can be learned.
    Tightens,
}

impl Direction {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> Text {
        match self {
            Self::Loosens => Text::new("loosens", "放宽"),
            Self::Changes => Text::new("changes", "变更"),
            Self::Tightens => Text::new("tightens", "收紧"),
        }
    }
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Which way.
    pub direction: Direction,
    /// In words.
    pub text: Text,
}

/// All changes, what loosens first.
#[must_use]
pub fn changes(old: &Policy, new: &Policy) -> Vec<Change> {
    let mut found = Vec::new();
    heads(old, new, &mut found);
    columns(old, new, &mut found);
    samples(old, new, &mut found);
    anonymity(old.anonymity.as_ref(), new.anonymity.as_ref(), &mut found);
    if old.hierarchies != new.hierarchies {
        push(&mut found, Direction::Changes, "the hierarchies of the quasi-identifiers change", "准标识符的泛化层次有变更");
    }
    gate(old, new, &mut found);
    found.sort_by_key(|change| change.direction);
    found
}

fn gate(old: &Policy, new: &Policy, found: &mut Vec<Change>) {
    match (old.policy.public, new.policy.public) {
        (false, true) => push(found, Direction::Loosens, "the data are declared public", "声明为公开数据"),
        (true, false) => push(found, Direction::Tightens, "the data are not declared public any more", "不再声明为公开数据"),
        _ => {}
    }
    match (old.policy.stays, new.policy.stays) {
        (false, true) => {
            push(
                found,
                Direction::Changes,
                "the result stays in the domain now, and attacks do not stop it",
                "结果改为不出域，攻击检验仅作提示",
            );
        }
        (true, false) => {
            push(found, Direction::Changes, "the result may leave the domain now, if attacks fail", "结果改为可出域，须通过攻击检验")
        }
        _ => {}
    }
    if old.gate != new.gate {
        let direction = match (new.gate.is_at_least_as_strict_as(&old.gate), old.gate.is_at_least_as_strict_as(&new.gate)) {
            (true, _) => Direction::Tightens,
            (false, true) => Direction::Loosens,
            (false, false) => Direction::Changes,
        };
        push(found, direction, "the limits of the attacks have other values", "攻击检验的门限有变更");
    }
}

fn push(found: &mut Vec<Change>, direction: Direction, en: impl Into<String>, zh: impl Into<String>) {
    found.push(Change { direction, text: Text::new(en, zh) });
}

/// Less is tighter, more is looser.
fn ordered(old: f64, new: f64) -> Option<Direction> {
    match new.partial_cmp(&old) {
        Some(std::cmp::Ordering::Less) => Some(Direction::Tightens),
        Some(std::cmp::Ordering::Equal) => None,
        Some(std::cmp::Ordering::Greater) => Some(Direction::Loosens),
        None => Some(Direction::Changes),
    }
}

fn heads(old: &Policy, new: &Policy, found: &mut Vec<Change>) {
    let (old, new) = (&old.policy, &new.policy);
    if old.purpose != new.purpose {
        push(found, Direction::Changes, format!("the purpose is now: {}", new.purpose), format!("目的变更为：{}", new.purpose));
    }
    match (&old.recipient, &new.recipient) {
        (Some(_), None) => push(found, Direction::Loosens, "no recipient is named any more", "不再限定使用方"),
        (None, Some(name)) => push(found, Direction::Tightens, format!("only {name} receives it"), format!("仅限{name}使用")),
        (Some(a), Some(b)) if a != b => push(found, Direction::Changes, format!("the recipient is now {b}"), format!("使用方变更为{b}")),
        _ => {}
    }
}

fn columns(old: &Policy, new: &Policy, found: &mut Vec<Change>) {
    for rule in &new.columns {
        let name = &rule.name;
        let before = old.rule(name).filter(|before| before.class != Class::Drop);
        match before {
            None if rule.class != Class::Drop => {
                push(found, Direction::Loosens, format!("column `{name}` is released now"), format!("新增发布列“{name}”"));
            }
            Some(before) => column(before, rule, found),
            None => {}
        }
    }
    for before in old.columns.iter().filter(|rule| rule.class != Class::Drop && new.rule(&rule.name).is_none()) {
        let name = &before.name;
        push(found, Direction::Tightens, format!("column `{name}` is not released any more"), format!("不再发布列“{name}”"));
    }
}

fn column(old: &ColumnRule, new: &ColumnRule, found: &mut Vec<Change>) {
    let name = &new.name;
    if old.class != new.class {
        let direction = if new.class.strength() < old.class.strength() { Direction::Loosens } else { Direction::Tightens };
        let (from, to) = (old.class.word(), new.class.word());
        push(
            found,
            direction,
            format!("column `{name}` was a {}, is now a {}", from.en, to.en),
            format!("列“{name}”由{}改为{}", from.zh, to.zh),
        );
    }
    if new.class == Class::Drop || old.operators == new.operators {
        return;
    }
    let is_reversible = |rule: &ColumnRule| rule.operators.iter().any(crate::transform::Operator::is_reversible);
    let (direction, en, zh) = if new.operators.is_empty() {
        (Direction::Loosens, "is released without an operator now", "不再经过处理")
    } else if old.operators.is_empty() {
        (Direction::Tightens, "goes through an operator now", "改为经过处理")
    } else if is_reversible(new) && !is_reversible(old) {
        (Direction::Loosens, "can be restored with a key now", "改为可凭密钥还原")
    } else if new.operators.starts_with(&old.operators) {
        (Direction::Tightens, "goes through one more operator", "增加了处理步骤")
    } else if old.operators.starts_with(&new.operators) {
        (Direction::Loosens, "goes through fewer operators", "减少了处理步骤")
    } else {
        (Direction::Changes, "goes through other operators", "处理方式有变更")
    };
    push(found, direction, format!("column `{name}` {en}"), format!("列“{name}”{zh}"));
}

fn samples(old: &Policy, new: &Policy, found: &mut Vec<Change>) {
    let rate = |policy: &Policy| policy.sample.map_or(1.0, |sample| sample.rate);
    if let Some(direction) = ordered(rate(old), rate(new)) {
        let (from, to) = (percent(rate(old)), percent(rate(new)));
        push(found, direction, format!("{to} of the rows instead of {from}"), format!("抽取的行由 {from} 改为 {to}"));
    }
}

fn anonymity(old: Option<&Anonymity>, new: Option<&Anonymity>, found: &mut Vec<Change>) {
    let (old, new) = match (old, new) {
        (None, None) => return,
        (Some(_), None) => return push(found, Direction::Loosens, "no model has to hold any more", "不再要求满足隐私模型"),
        (None, Some(_)) => return push(found, Direction::Tightens, "models have to hold now", "新增隐私模型要求"),
        (Some(old), Some(new)) => (old, new),
    };
    for model in &new.models {
        match old.models.iter().find(|before| is_same_kind(before, model)) {
            None => push_model(found, Direction::Tightens, model, "is demanded now", "为新增要求"),
            Some(before) => {
                if let Some(direction) = compared(before, model) {
                    push_model(found, direction, model, "replaces a demand of the same kind", "替换了同类要求");
                }
            }
        }
    }
    for model in old.models.iter().filter(|model| !new.models.iter().any(|after| is_same_kind(model, after))) {
        push_model(found, Direction::Loosens, model, "is not demanded any more", "不再要求");
    }
    // more rows may be left out, so the others may be more exact: neither looser nor tighter
    if old.suppression.total_cmp(&new.suppression).is_ne() {
        let (from, to) = (percent(old.suppression), percent(new.suppression));
        push(
            found,
            Direction::Changes,
            format!("{to} of the rows may be suppressed instead of {from}"),
            format!("抑制上限由 {from} 改为 {to}"),
        );
    }
    if old.method != new.method {
        push(found, Direction::Changes, "rows are generalised by another method", "泛化方法有变更");
    }
}

fn push_model(found: &mut Vec<Change>, direction: Direction, model: &Model, en: &str, zh: &str) {
    let text = super::explain::model(model);
    push(found, direction, format!("\"{}\" {en}", text.en), format!("“{}”{zh}", text.zh));
}

fn is_same_kind(a: &Model, b: &Model) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b) && a.column() == b.column()
}

fn compared(old: &Model, new: &Model) -> Option<Direction> {
    let whole = |a: u32, b: u32| ordered(f64::from(b), f64::from(a));
    match (old, new) {
        (Model::K { k: a }, Model::K { k: b }) | (Model::KMap { k: a }, Model::KMap { k: b }) => whole(*a, *b),
        (Model::DistinctL { l: a, .. }, Model::DistinctL { l: b, .. }) => whole(*a, *b),
        (Model::EntropyL { l: a, .. }, Model::EntropyL { l: b, .. }) => ordered(*b, *a),
        (Model::T { t: a, distance: d, .. }, Model::T { t: b, distance: e, .. }) if d == e => ordered(*a, *b),
        (Model::RecursiveCl { c: a, l: m, .. }, Model::RecursiveCl { c: b, l: n, .. }) => match (ordered(*a, *b), whole(*m, *n)) {
            (None, other) | (other, None) => other,
            (Some(a), Some(b)) if a == b => Some(a),
            _ => Some(Direction::Changes),
        },
        _ if old == new => None,
        _ => Some(Direction::Changes),
    }
}
