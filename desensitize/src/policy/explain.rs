//! A policy as sentences, for somebody who has to sign it.

use super::{Anonymity, Class, ColumnRule, HierarchyRule, Method, Policy};
use crate::anonymise::{Distance, Model};
use crate::error::Text;

/// A share as per cent.
pub(super) fn percent(share: f64) -> String {
    let text = format!("{:.4}", share * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// What the policy says, sentence by sentence, without numbers before them.
#[must_use]
pub fn sentences(policy: &Policy) -> Vec<Text> {
    let head = &policy.policy;
    let mut said = vec![Text::new(
        format!("The policy `{}` makes a release for: {}.", head.name, head.purpose),
        format!("规则“{}”为以下目的制作发布数据：{}。", head.name, head.purpose),
    )];
    if let Some(recipient) = &head.recipient {
        said.push(Text::new(format!("It goes to {recipient} and to nobody else."), format!("仅提供给{recipient}，不得提供给他人。")));
    }
    if let Some(clause) = &head.clause {
        said.push(Text::new(format!("It follows {clause}."), format!("依据：{clause}。")));
    }
    said.push(Text::new(
        format!("{} columns are named; a column that is not named does not leave.", policy.columns.len()),
        format!("共列出 {} 列；未列出的列一律不发布。", policy.columns.len()),
    ));
    if let Some(sample) = policy.sample {
        let rate = percent(sample.rate);
        said.push(Text::new(format!("Each row is taken with probability {rate}."), format!("每一行以 {rate} 的概率被抽取。")));
    }
    said.extend(policy.columns.iter().map(column));
    if let Some(anonymity) = &policy.anonymity {
        said.extend(rows(policy, anonymity));
    }
    said.extend(policy.hierarchies.iter().map(hierarchy));
    said.extend(gate(policy));
    said.push(Text::new(
        "The written file is read again by an independent verifier and searched for identifiers; if either finds something, nothing is released.",
        "写出的文件由独立校验程序重新读取核验，并检索残留标识符；任一项不通过即不发布。",
    ));
    said
}

/// What becomes of a release from which raw data could be restored.
fn gate(policy: &Policy) -> Vec<Text> {
    let mut said = Vec::new();
    if policy.policy.public {
        said.push(Text::new(
            "The data are public: columns that leave as they are need not differ from the original.",
            "数据为公开数据：原样发布的列不适用原始数据限制。",
        ));
    }
    said.push(if policy.policy.stays {
        Text::new(
            "The result stays in the domain. Attacks try to restore raw data from it; what they find is reported, and the result must not leave.",
            "结果不出域。将以攻击检验能否由其还原原始数据，结果写入报告；该结果不得对外提供。",
        )
    } else {
        Text::new(
            "Attacks try to restore raw data from the release; if one succeeds beyond its limit, nothing is released.",
            "将以攻击检验能否由发布数据还原原始数据；任一攻击超过门限即不发布。",
        )
    });
    let default = crate::restore::Thresholds::default();
    if !policy.gate.is_at_least_as_strict_as(&default) {
        said.push(Text::new(
            "Limits of these attacks are LOOSER than the default ones (table [gate] of this file).",
            "攻击检验的门限比默认值宽松（见本文件 [门限]）。",
        ));
    } else if policy.gate != default {
        said.push(Text::new("Limits of these attacks are stricter than the default ones.", "攻击检验的门限比默认值严格。"));
    }
    said
}

/// The sentences with their numbers.
#[must_use]
pub fn numbered(policy: &Policy) -> Vec<Text> {
    let number = |(at, text): (usize, Text)| Text::new(format!("{at}. {}", text.en), format!("{at}. {}", text.zh));
    (1..).zip(sentences(policy)).map(number).collect()
}

fn column(rule: &ColumnRule) -> Text {
    let (name, class) = (&rule.name, rule.class.word());
    let clause =
        rule.clause.as_ref().map_or_else(|| ["".to_owned(), "".to_owned()], |clause| [format!(" ({clause})"), format!("（{clause}）")]);
    if rule.class == Class::Drop {
        return Text::new(format!("Column `{name}` does not leave{}.", clause[0]), format!("列“{name}”不发布{}。", clause[1]));
    }
    if rule.operators.is_empty() {
        let (en, zh) = match rule.class {
            Class::Quasi => ("generalised until the models below hold", "泛化至满足下列隐私模型"),
            _ => ("released as it is", "原样发布"),
        };
        return Text::new(
            format!("Column `{name}`, {}: {en}{}.", class.en, clause[0]),
            format!("列“{name}”（{}）：{zh}{}。", class.zh, clause[1]),
        );
    }
    let steps: Vec<Text> = rule.operators.iter().map(crate::transform::Operator::explain).collect();
    let join = |part: fn(&Text) -> &str, between: &str| steps.iter().map(part).collect::<Vec<_>>().join(between);
    let is_reversible = rule.operators.iter().any(crate::transform::Operator::is_reversible);
    let back = if is_reversible {
        ["; who holds the key can undo it", "；持有密钥者可以还原"]
    } else {
        ["; it cannot be undone", "；不可还原"]
    };
    Text::new(
        format!("Column `{name}`, {}: {}{}{}.", class.en, join(|text| &text.en, ", then "), back[0], clause[0]),
        format!("列“{name}”（{}）：{}{}{}。", class.zh, join(|text| &text.zh, "，然后"), back[1], clause[1]),
    )
}

fn rows(policy: &Policy, anonymity: &Anonymity) -> Vec<Text> {
    let quasi = policy.of_class(Class::Quasi).join(", ");
    let method = match anonymity.method {
        Method::FullDomain => Text::new(
            "every column at one level for all rows, the least lossy choice there is",
            "每列对所有行取同一层级，并取损失最小的组合",
        ),
        Method::Local => Text::new("each group of rows as little as it needs", "每组行只泛化到所需程度"),
    };
    let limit = percent(anonymity.suppression);
    let mut said = vec![Text::new(
        format!("The quasi-identifiers {quasi} are generalised: {}; at most {limit} of the rows may be suppressed.", method.en),
        format!("对准标识符 {quasi} 进行泛化：{}；最多抑制 {limit} 的行。", method.zh),
    )];
    said.extend(anonymity.models.iter().map(model));
    said
}

/// What a model promises.
#[must_use]
pub fn model(model: &Model) -> Text {
    match model {
        Model::K { k } => Text::new(
            format!("Nobody can be narrowed down to fewer than {k} rows by the quasi-identifiers (k-anonymity)."),
            format!("凭准标识符至多只能缩小到 {k} 行，无法更少（k-匿名）。"),
        ),
        Model::KMap { k } => Text::new(
            format!("Nobody can be narrowed down to fewer than {k} people of the population (k-map)."),
            format!("凭准标识符在总体中至多只能缩小到 {k} 人（k-map）。"),
        ),
        Model::DistinctL { column, l } => Text::new(
            format!("Every such group has at least {l} different values of `{column}` (distinct l-diversity)."),
            format!("每组中“{column}”至少有 {l} 个不同取值（l-多样性）。"),
        ),
        Model::EntropyL { column, l } => Text::new(
            format!("In every such group `{column}` is as uncertain as {l} equally frequent values (entropy l-diversity)."),
            format!("每组中“{column}”的不确定程度不低于 {l} 个等频取值（熵 l-多样性）。"),
        ),
        Model::RecursiveCl { column, c, l } => Text::new(
            format!(
                "In every such group the most frequent value of `{column}` occurs less than {c} times as often as those from the {l}. rank on (recursive l-diversity)."
            ),
            format!("每组中“{column}”最常见取值的次数小于第 {l} 名及以后取值次数之和的 {c} 倍（递归 l-多样性）。"),
        ),
        Model::T { column, t, distance } => {
            let kind = match distance {
                Distance::Equal => ["all values equally far apart", "各取值等距"],
                Distance::Ordered => ["values in order", "取值有序"],
                Distance::Hierarchical => ["values in a hierarchy", "取值按层次"],
            };
            Text::new(
                format!(
                    "In every such group `{column}` is distributed as in the whole table, up to a distance of {t} ({}; t-closeness).",
                    kind[0]
                ),
                format!("每组中“{column}”的分布与全表的距离不超过 {t}（{}；t-接近性）。", kind[1]),
            )
        }
    }
}

fn hierarchy(rule: &HierarchyRule) -> Text {
    let column = rule.column();
    let (en, zh) = match rule {
        HierarchyRule::File { file, .. } => {
            let file = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            (format!("become less exact as the file `{file}` says"), format!("按文件 `{file}` 逐级泛化"))
        }
        HierarchyRule::Interval { width, factor, levels, .. } => (
            format!("become intervals of width {width}, then {factor} times as wide at each of {levels} levels, then nothing"),
            format!("泛化为宽度 {width} 的区间，共 {levels} 级、每级宽 {factor} 倍，最后完全隐去"),
        ),
        HierarchyRule::Dates { .. } => {
            ("become month, quarter, year, decade, then nothing".into(), "依次泛化为月、季、年、十年，最后完全隐去".into())
        }
        HierarchyRule::Digits { kept, .. } => {
            let kept = kept.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
            (format!("keep their first {kept} digits, then nothing"), format!("依次保留前 {kept} 位，最后完全隐去"))
        }
        HierarchyRule::Masking { step, .. } => {
            (format!("lose {step} characters from the end at each level"), format!("每级从末尾隐去 {step} 个字符"))
        }
        HierarchyRule::Flat { .. } => ("stay or vanish".into(), "保留或完全隐去".into()),
    };
    Text::new(format!("Values of `{column}` {en}."), format!("“{column}”的取值{zh}。"))
}
