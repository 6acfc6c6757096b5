//! Reports that a node draws up from what is filed: the operator's on demands and gaps (K9), the authority's on departments (C6, S9).

use super::file;
use crate::docket::chapters::{demands, quality};
use crate::fault::{Code, Fault, Result};
use crate::keys::now;
use crate::node::Node;
use crate::procedure::law;
use crate::verbs::lines;
use serde_json::{Value, json};
use std::sync::Arc;
use yu_governance::clock::Time;

/// Demands and what they lack; with `is_filed` as the operator's report.
///
/// # Errors
/// `not-found` without a profile; those of filing.
pub fn gaps(node: &Arc<Node>, period: (Time, Time), is_filed: bool) -> Result<Value> {
    law::required(node)?;
    let report = node.docket().with(node, |book| Ok(demands::drawn_up(book, node.name().parse()?, period, now())))?;
    let mut say = vec![(
        format!("{} demands from {} to {}, {} gaps", report.demands, report.from, report.until, report.gaps.len()),
        format!("{} 至 {} 共 {} 项需求，{} 项缺口", report.from, report.until, report.demands, report.gaps.len()),
    )];
    say.extend(report.gaps.iter().map(demands::said));
    let filed = if is_filed { Some(file(node, report.clone())?) } else { None };
    Ok(json!({ "report": report, "filed": filed, "say": lines(say) }))
}

/// Departments, best first; with `is_filed` as the authority's report.
///
/// # Errors
/// `not-found` without a profile; those of filing.
pub fn departments(node: &Arc<Node>, period: (Time, Time), is_filed: bool) -> Result<Value> {
    let law = law::required(node)?;
    let report = node.docket().with(node, |book| quality::drawn_up(book, law.authority.clone(), period, now()))?;
    let mut say = vec![(
        format!("source departments from {} to {}", report.from, report.until),
        format!("{} 至 {} 数源部门工作情况", report.from, report.until),
    )];
    say.extend(report.lines.iter().zip(1_u32..).map(|(line, place)| quality::said(line, place)));
    let table = report.timeliness.csv();
    if is_filed && law.authority.as_str() != node.name() {
        return Err(Fault::new(Code::State, "the authority's node files the report").party(node.name()));
    }
    let filed = if is_filed { Some(file(node, report.clone())?) } else { None };
    Ok(json!({ "report": report, "timeliness": { "en": table.en, "zh": table.zh }, "filed": filed, "say": lines(say) }))
}
