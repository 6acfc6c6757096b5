//! A contract and its result in sentences, English and Chinese.

use crate::fault::{Lang, pick};
use serde_json::Value;
use yu_governance::contract::{ConsentTerms, Contract, OwnCorrelations};

/// The contract as a person reads it before signing.
pub fn contract(c: &Contract) -> Vec<(String, String)> {
    let mut say = vec![
        (c.title.en.clone(), c.title.zh.clone()),
        (
            format!("scenario `{}`, purpose `{}`, authorisation {}", c.scenario, c.purpose, c.authorisation.id),
            format!("场景“{}”，用途“{}”，授权 {}", c.scenario, c.purpose, c.authorisation.id),
        ),
    ];
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
