//! A contract and its result in sentences, English and Chinese.

use crate::fault::{Lang, pick};
use serde_json::Value;
use yu_governance::contract::{ColumnRef, ConsentTerms, Contract, GroupingTerms, OwnCorrelations, Side, StepTerms};

/// The contract as a person reads it before signing.
pub fn contract(c: &Contract) -> Vec<(String, String)> {
    let mut say = vec![
        (c.title.en.clone(), c.title.zh.clone()),
        (
            format!("scenario `{}`, purpose `{}`, authorisation {}", c.scenario, c.purpose, c.authorisation.id),
            format!("场景“{}”，用途“{}”，授权 {}", c.scenario, c.purpose, c.authorisation.id),
        ),
    ];
    if let Some(agreement) = &c.authorisation.agreement {
        say.push((format!("under the agreement {agreement}"), format!("依据协议 {agreement}")));
    }
    for p in &c.parties {
        let roles: Vec<&str> = p.roles.iter().map(|r| r.as_str()).collect();
        say.push((
            format!("{}: {} ({}, controlled by {})", p.name, roles.join(" + "), p.zone.as_str(), p.controller),
            format!("控制人 {}", p.controller),
        ));
    }
    for i in &c.inputs {
        let filter = match i.consent {
            ConsentTerms::NotNeeded => ("rows point at nobody", "不指向个人"),
            ConsentTerms::Filter { .. } => ("rows without consent are dropped first", "先过滤未同意的行"),
        };
        let columns: Vec<&str> = i.columns.iter().collect();
        say.push((
            format!("{} brings {} rows of {}: {}; {}", i.party, i.rows, i.dataset, columns.join(", "), filter.0),
            format!("{} 提供 {} 共 {} 行；{}", i.party, i.dataset, i.rows, filter.1),
        ));
    }
    say.extend(c.steps().iter().zip(1..).map(|(terms, number)| step(terms, number, c.limits.min_cell)));
    say.extend(c.derivative().into_iter().flat_map(super::derive::sentences));
    say.extend(super::training::sentences(c));
    say.extend(c.enclave().into_iter().flat_map(super::enclave::sentences));
    say.push((
        format!(
            "{} adversary, {} corruption; at least {} rows, groups of at least {}",
            c.security.adversary.as_str(),
            c.security.corruptions,
            c.limits.min_rows,
            c.limits.min_cell
        ),
        format!(
            "安全模型 {}，容忍 {} 方；至少 {} 行，分组至少 {}",
            c.security.adversary.as_str(),
            c.security.corruptions,
            c.limits.min_rows,
            c.limits.min_cell
        ),
    ));
    for o in &c.outputs {
        let own = match o.own_correlations {
            OwnCorrelations::Withheld => ("without correlations among a receiver's own columns", "不含接收方己方列之间的相关系数"),
            OwnCorrelations::Published => ("with correlations among a receiver's own columns", "含接收方己方列之间的相关系数"),
        };
        say.push((
            format!("output `{}`: numbers of {} significant digits, {}", o.name, o.digits, own.0),
            format!("输出“{}”：数值保留 {} 位有效数字，{}", o.name, o.digits, own.1),
        ));
    }
    for l in &c.leakage {
        say.push((format!("{} {}", l.party, l.what.en), format!("{} {}", l.party, l.what.zh)));
    }
    say.extend(cost(c));
    for r in &c.receivers {
        say.push((
            format!("result after review by {} to {} only", c.reviewer.party, r.party),
            format!("经 {} 审核后仅交付 {}", c.reviewer.party, r.party),
        ));
    }
    say
}

/// One step of the contract.
fn step(terms: &StepTerms, number: usize, min_cell: u64) -> (String, String) {
    if let Some(model) = terms.split_model() {
        let (en, zh) = super::split::sentence(terms, model);
        return (format!("{}: {en}", terms.kind()), format!("{}：{zh}", terms.kind()));
    }
    let side = |side: Side| if side == Side::Left { "left" } else { "right" };
    let number_of = |r: &ColumnRef| format!("{}.{}", side(r.side), r.column);
    let list = |columns: &[ColumnRef]| columns.iter().map(number_of).collect::<Vec<_>>().join(", ");
    let group = |g: &GroupingTerms| format!("{}.{} ({} categories)", side(g.side), g.column, g.categories.len());
    let group_zh = |g: &GroupingTerms| format!("{}.{}（{} 类）", side(g.side), g.column, g.categories.len());
    let (en, zh) = match terms {
        StepTerms::Stats { columns, group: by } => (
            format!(
                "count, means, deviations, correlations of {}{}",
                list(columns),
                by.iter().map(|g| format!("; means by {}", group(g))).collect::<String>()
            ),
            format!(
                "{} 的行数、均值、标准差、相关系数{}",
                list(columns),
                by.iter().map(|g| format!("；按 {} 分组均值", group_zh(g))).collect::<String>()
            ),
        ),
        StepTerms::Quantiles { columns, per_ten_thousand } => {
            let parts: Vec<String> = per_ten_thousand.iter().map(|part| format!("{}", f64::from(*part) / 1e4)).collect();
            let (parts, window) = (parts.join(", "), min_cell | 1);
            (
                format!("quantiles {parts} of {}, each the mean of the {window} values around it", list(columns)),
                format!("{} 的分位数 {parts}，各取其附近 {window} 个值的均值", list(columns)),
            )
        }
        StepTerms::Histogram { column, edges } => (
            format!("counts of {} in {} ranges", number_of(column), edges.len() + 1),
            format!("{} 在 {} 个区间内的行数", number_of(column), edges.len() + 1),
        ),
        StepTerms::Groupby { by, values } => {
            let of = if values.is_empty() { String::new() } else { format!(", sums and means of {}", list(values)) };
            let of_zh = if values.is_empty() { String::new() } else { format!("、{} 的合计与均值", list(values)) };
            (
                format!("counts{of} by {}", by.iter().map(group).collect::<Vec<_>>().join(" and ")),
                format!("按 {} 分组的行数{of_zh}", by.iter().map(group_zh).collect::<Vec<_>>().join(" 与 ")),
            )
        }
        StepTerms::LinearRegression { target, features, ridge } => (
            format!("linear regression of {} on {}, ridge {}", number_of(target), list(features), ridge.get()),
            format!("以 {} 对 {} 作线性回归，岭参数 {}", list(features), number_of(target), ridge.get()),
        ),
        StepTerms::LogisticRegression { target, features, epochs, batch, learning_rate, l2 } => (
            format!(
                "logistic regression of {} on {}: {epochs} epochs, batches of {batch}, learning rate {}, penalty {}",
                number_of(target),
                list(features),
                learning_rate.get(),
                l2.get()
            ),
            format!(
                "以 {} 对 {} 作逻辑回归：{epochs} 轮，批量 {batch}，学习率 {}，惩罚 {}",
                list(features),
                number_of(target),
                learning_rate.get(),
                l2.get()
            ),
        ),
        // said above
        StepTerms::Train(_) | StepTerms::Evaluate(_) | StepTerms::Predict(_) => Default::default(),
    };
    (format!("step {number}, {}: {en}", terms.kind()), format!("步骤 {number}（{}）：{zh}", terms.kind()))
}

/// Bytes and rounds.
pub fn cost(c: &Contract) -> Vec<(String, String)> {
    let mb = |bytes: u64| format!("{:.1} MB", bytes as f64 / 1e6);
    vec![(
        format!(
            "cost: {} to {} over all links, {} to {} rounds",
            mb(c.cost.min_bytes),
            mb(c.cost.max_bytes),
            c.cost.min_rounds,
            c.cost.max_rounds
        ),
        format!("成本：总流量 {} 至 {}，{} 至 {} 轮", mb(c.cost.min_bytes), mb(c.cost.max_bytes), c.cost.min_rounds, c.cost.max_rounds),
    )]
}

/// A released result as a short report, step by step.
pub fn result(result: &Value, lang: Lang) -> Vec<String> {
    if result.get("csv").is_some() {
        return super::derive::lines(result, lang);
    }
    if result.get("trained").is_some() && result.get("gate").is_some() {
        return super::training::lines(result, lang);
    }
    if result.get("step").is_some() && result.get("settings").is_some() {
        return super::split::lines(result, lang);
    }
    let Some(steps) = result.get("steps").and_then(Value::as_array) else { return statistics(result, lang) };
    let matched = text(result.get("matched"));
    let mut out = vec![pick(lang, &format!("{matched} rows matched"), &format!("匹配 {matched} 行"))];
    for (step, number) in steps.iter().zip(1..) {
        let kind = step.get("kind").and_then(Value::as_str).unwrap_or("?");
        out.push(pick(lang, &format!("step {number}, {kind}:"), &format!("步骤 {number}（{kind}）：")));
        match kind {
            "stats" => out.extend(statistics(step, lang)),
            "quantiles" => out.extend(quantiles(step)),
            "histogram" => out.extend(histogram(step)),
            "groupby" => out.extend(groups(step, lang)),
            _ => out.extend(model(step, lang)),
        }
    }
    out
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn named(column: Option<&Value>) -> String {
    let part = |key: &str| column.and_then(|c| c.get(key)).and_then(Value::as_str).unwrap_or("?");
    format!("{} {}", part("party"), part("name"))
}

fn quantiles(step: &Value) -> Vec<String> {
    let line = |column: &Value| {
        let one = |q: &Value| {
            let part = q.get("per_ten_thousand").and_then(Value::as_f64).unwrap_or_default() / 1e4;
            format!("{part}: {}", number(q.get("value")))
        };
        format!("  {:<40} {}", named(column.get("column")), list(column, "quantiles").iter().map(one).collect::<Vec<_>>().join("  "))
    };
    list(step, "columns").iter().map(line).collect()
}

fn histogram(step: &Value) -> Vec<String> {
    let bin = |bin: &Value| {
        let edge = |key: &str, none: &str| bin.get(key).and_then(Value::as_f64).map_or_else(|| none.to_owned(), |v| v.to_string());
        format!("  {:>14} .. {:<14} n {:>10}", edge("from", ""), edge("below", ""), text(bin.get("count")))
    };
    let mut out = vec![format!("  {}", named(step.get("column")))];
    out.extend(list(step, "bins").iter().map(bin));
    out
}

fn groups(step: &Value, lang: Lang) -> Vec<String> {
    let names = |key: &str| list(step, key).iter().map(|c| named(Some(c))).collect::<Vec<_>>().join(", ");
    let (by, of) = (names("by"), names("values"));
    let mut out = vec![pick(lang, &format!("  by {by}: count, means of {of}"), &format!("  按 {by}：行数，{of} 的均值"))];
    for group in list(step, "groups").iter().take(24) {
        let labels: Vec<&str> = list(group, "labels").iter().filter_map(Value::as_str).collect();
        let means: Vec<String> = list(group, "means").iter().take(6).map(|m| number(Some(m))).collect();
        out.push(format!("  {:<24} n {:>10}  {}", labels.join(" / "), text(group.get("count")), means.join("  ")));
    }
    if list(step, "groups").len() > 24 {
        out.push(pick(lang, "  ... and more groups", "  ……"));
    }
    out
}

fn model(step: &Value, lang: Lang) -> Vec<String> {
    let of = named(step.get("target").and_then(|t| t.get("column")));
    let count = text(step.get("count"));
    let en = format!("  {of} from {count} rows; a feature counts as weight (value - mean) / sd");
    let zh = format!("  {of}，{count} 行；各特征按 weight (value - mean) / sd 计");
    let mut out = vec![pick(lang, &en, &zh)];
    for column in list(step, "features") {
        out.push(format!(
            "  {:<40} weight {:>10} mean {:>14} sd {:>14}",
            named(column.get("column")),
            number(column.get("weight")),
            number(column.get("mean")),
            number(column.get("sd"))
        ));
    }
    out.push(format!("  intercept {}", number(step.get("intercept"))));
    out
}

/// Released statistics as a short report: counts, means, the strongest correlations across the parties, group means.
pub fn statistics(result: &Value, lang: Lang) -> Vec<String> {
    let mut out = Vec::new();
    let count = text(result.get("count"));
    out.push(pick(lang, &format!("{count} rows matched"), &format!("匹配 {count} 行")));
    let empty = Vec::new();
    let columns = result.get("columns").and_then(Value::as_array).unwrap_or(&empty);
    let name = |i: usize| columns.get(i).and_then(|c| c.get("name")).and_then(Value::as_str).unwrap_or("?").to_owned();
    let party = |i: usize| columns.get(i).and_then(|c| c.get("party")).and_then(Value::as_str).unwrap_or("?").to_owned();
    for (i, c) in columns.iter().enumerate().take(12) {
        out.push(format!("{:<28} {:<18} mean {:>14} sd {:>14}", party(i), name(i), number(c.get("mean")), number(c.get("sd"))));
    }
    if columns.len() > 12 {
        out.push(pick(lang, &format!("... and {} more columns", columns.len() - 12), "……"));
    }
    let rows = result.get("correlation").and_then(Value::as_array).unwrap_or(&empty);
    let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
    for (i, row) in rows.iter().enumerate() {
        for (j, r) in row.as_array().unwrap_or(&empty).iter().enumerate().skip(i + 1) {
            if let Some(r) = r.as_f64().filter(|_| party(i) != party(j)) {
                pairs.push((r, i, j));
            }
        }
    }
    pairs.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()));
    if !pairs.is_empty() {
        out.push(pick(lang, "strongest correlations across the two parties:", "跨方最强相关："));
    }
    for (r, i, j) in pairs.iter().take(5) {
        out.push(format!("  {r:>8.4}  {} x {}", name(*i), name(*j)));
    }
    for group in result.get("groups").and_then(Value::as_array).unwrap_or(&empty).iter().take(8) {
        let label = group.get("label").and_then(Value::as_str).unwrap_or("?");
        let means: Vec<String> =
            group.get("means").and_then(Value::as_array).unwrap_or(&empty).iter().take(6).map(|m| number(Some(m))).collect();
        out.push(format!("  {label:<12} n {:>8}  {}", text(group.get("count")), means.join("  ")));
    }
    out
}

fn text(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(s)) => s.clone(),
        Some(other) => other.to_string(),
        None => "?".into(),
    }
}

fn number(value: Option<&Value>) -> String {
    value.and_then(Value::as_f64).map_or_else(|| "-".to_owned(), |v| format!("{v:.4}"))
}
