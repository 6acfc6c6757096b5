//! The catalogue for other catalogues and for subscribers: DCAT out and in (K4), differences and changes (K2).

use super::{dataset, file, next, present};
use crate::docket::kind::checked;
use crate::fault::{Code, Fault, Result};
use crate::keys::now;
use crate::node::Node;
use crate::procedure::law;
use crate::verbs::lines;
use serde_json::{Value, json};
use std::sync::Arc;
use yu_governance::canonical::Hash;
use yu_governance::catalogue::record::{CatalogueRecord, Language};
use yu_governance::catalogue::{dcat, diff as differences};

/// Present records as a `dcat:Catalog`.
///
/// # Errors
/// `not-found` for an unknown data set.
pub fn export(node: &Node, only: Option<&str>) -> Result<Value> {
    let only = only.map(|name| dataset(node, name)).transpose()?;
    let records: Vec<CatalogueRecord> = match &only {
        Some(dataset) => vec![present(node, dataset)?],
        None => node.docket().with(node, |book| Ok(book.catalogue.0.records().cloned().collect()))?,
    };
    let text = dcat::export_all("catalogue of public data", Language::En, &records)?;
    let text = String::from_utf8(text).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
    let count = records.len();
    Ok(json!({ "dcat": text, "records": count, "say": lines([(format!("{count} records"), format!("共 {count} 条目录"))]) }))
}

/// Files the own records of a document as new versions; what is unchanged, or another provider's, is left alone.
///
/// # Errors
/// Everything that is wrong with the document, at once; those of filing.
pub fn import(node: &Arc<Node>, text: &str) -> Result<Value> {
    law::required(node)?;
    let records = checked(dcat::import_all(text.as_bytes()))?;
    let (mut say, mut filed) = (Vec::new(), Vec::new());
    for record in records {
        let id = record.entry.dataset.clone();
        if record.entry.provider.as_str() != node.name() {
            say.push((format!("{id}: of another provider, left alone"), format!("{id}：由其他单位提供，未处理")));
            continue;
        }
        let before = node.docket().with(node, |book| Ok(book.catalogue.0.record(&id).cloned()))?;
        let record = match &before {
            Some(before) if differences::diff(before, &record).is_empty() => {
                say.push((format!("{id}: unchanged"), format!("{id}：无变更")));
                continue;
            }
            Some(before) => next(before, record)?,
            None => CatalogueRecord { number: 1, previous: None, at: now(), ..record },
        };
        let number = record.number;
        let answer = file(node, record)?;
        say.push((format!("{id}: version {number} is filed or waits for a signature"), format!("{id}：第 {number} 版已备案或待会签")));
        filed.push(json!({ "dataset": id, "number": number.to_string(), "hash": answer["hash"] }));
    }
    Ok(json!({ "filed": filed, "say": lines(say) }))
}

/// What changed between two versions, in sentences.
///
/// # Errors
/// `catalogue.missing`.
pub fn diff(node: &Node, name: &str, from: u64, to: u64) -> Result<Value> {
    let id = dataset(node, name)?;
    let sentences = checked(node.docket().with(node, |book| Ok(book.catalogue.0.diff(&id, from, to)))?)?;
    let mut say: Vec<(String, String)> = sentences.iter().map(|text| (text.en.clone(), text.zh.clone())).collect();
    if say.is_empty() {
        say.push(("nothing that a reader would see".into(), "无可见差异".into()));
    }
    Ok(json!({ "changes": sentences, "say": lines(say) }))
}

/// What happened after the revision that a subscriber has; its head shows whether this is the catalogue that it follows.
///
/// # Errors
/// `catalogue.revision-future`; `contract.altered` when the chain does not follow the subscriber's head.
pub fn changes(node: &Node, since: u64, head: Option<&str>) -> Result<Value> {
    let delta = checked(node.docket().with(node, |book| Ok(book.catalogue.0.changes_since(since)))?)?;
    if let Some(head) = head {
        let head: Hash = head.parse()?;
        delta.verify(head).map_err(|e| Fault::new(Code::Tampered, e.to_string()).at("catalogue changes"))?;
    }
    let mut say: Vec<(String, String)> = Vec::new();
    for change in &delta.changes {
        let en = change.sentences.iter().map(|text| text.en.as_str()).collect::<Vec<_>>().join("; ");
        let zh = change.sentences.iter().map(|text| text.zh.as_str()).collect::<Vec<_>>().join("；");
        say.push((format!("{} {}: {en}", change.revision, change.subject), format!("{} {}：{zh}", change.revision, change.subject)));
    }
    say.push((format!("revision {}, head {}", delta.to, delta.head), format!("修订号 {}，链首 {}", delta.to, delta.head)));
    Ok(json!({ "delta": delta, "say": lines(say) }))
}
