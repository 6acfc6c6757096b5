//! Review at the authority, and the released result at its receiver.

use super::lines;
use crate::fault::{Code, Fault, Result};
use crate::job::bundle;
use crate::job::{State, explain, held, sheet};
use crate::node::Node;
use serde_json::{Value, json};
use std::sync::Arc;
use yu_governance::release::{Receipt, ResultDocument};
use yu_governance::sheet::{Item, Line};
use yu_governance::sign::Signed;
use yu_governance::workflow::Word as _;

/// Results that wait.
pub(super) fn list(node: &Arc<Node>) -> Result<Value> {
    let waiting: Vec<String> = node.store().jobs_in(&[State::Held])?.into_iter().map(|j| j.id).collect();
    let say = lines(waiting.iter().map(|j| (j.clone(), "待审".to_owned())));
    Ok(json!({ "waiting": waiting, "say": say }))
}

/// The items and automatic checks of one held result, and the statistics for the reviewer's eyes.
pub(super) fn show(node: &Arc<Node>, job: &str) -> Result<Value> {
    let row = bundle::find(node, job)?;
    if row.state != State::Held {
        return Err(Fault::new(Code::State, format!("job is `{}`", row.state)).at(row.id));
    }
    let held = held::checked(node, &row.id)?;
    let report = held.report();
    let items = sheet::items(node, &row.id, &held)?;
    let item = |line: &Line| {
        let (en, zh) = (line.outcome.to_string(), line.outcome.zh());
        (format!("{en:<15} item {}: {}", line.item, line.known.en), format!("【{zh}】{}：{}", line.item.zh(), line.known.zh))
    };
    let mut say: Vec<(String, String)> = items.iter().map(item).collect();
    say.extend(report.items.iter().map(|i| {
        let mark = if i.passed { "passed" } else { "OBJECTS" };
        (format!("{mark:<8} {}: {}", i.code, i.detail.en), i.detail.zh.clone())
    }));
    if let Some(result) = &report.result {
        say.push((format!("result {result}"), format!("结果 {result}")));
    }
    let value = held.for_reviewer().map(super::to_value).transpose()?;
    if let Some(value) = &value {
        say.push((
            format!("{} lines of results; with --json the reviewer sees them", explain::result(value, crate::fault::Lang::En).len()),
            "加 --json 可供审核人查看结果".into(),
        ));
    }
    Ok(json!({ "job": row.id, "passed": report.passed(), "items": items, "report": report, "result": value, "say": lines(say) }))
}

/// Decides.
pub(super) fn decide(
    node: &Arc<Node>,
    job: &str,
    approve: bool,
    (reviewer, reason): (&str, &str),
    items: &[String],
    automatic: bool,
) -> Result<Value> {
    let item = |text: &String| {
        Item::parse(text).ok_or_else(|| {
            let all: Vec<&str> = Item::all().iter().map(|item| item.as_str()).collect();
            Fault::new(Code::Input, format!("`{}`: one of {}", text.escape_debug(), all.join(", "))).at("item")
        })
    };
    let items = items.iter().map(item).collect::<Result<_>>()?;
    let told = held::decide(node, job, &sheet::Wanted { approve, reviewer, reason, items: &items, automatic })?;
    let (en, zh) = if approve {
        ("released to the contracted receiver only", "仅放行给合约接收方")
    } else {
        ("refused; nothing leaves", "不予放行")
    };
    Ok(json!({ "decision": told, "say": lines([(format!("{reviewer}: {en}"), format!("{reviewer}：{zh}"))]) }))
}

/// The released result with receipt and the key that verifies it.
pub(super) fn result(node: &Arc<Node>, job: &str) -> Result<Value> {
    let row = bundle::find(node, job)?;
    let none = |_| Fault::new(Code::NotFound, format!("no released result of job {} on this node (state `{}`)", row.id, row.state));
    let document = node.vault().get(&format!("result-{}", row.id)).map_err(none)?;
    let receipt: Signed<Receipt> = node.signed("receipt", &row.id)?;
    let inside: ResultDocument<Value> = ResultDocument::from_bytes(&document)?;
    let reviewer = receipt.payload.reviewer.to_string();
    let key = crate::node::public_key(&node.peer(&reviewer)?)?;
    let say = lines(explain::result(&inside.value, crate::fault::Lang::Both).into_iter().map(|l| (l.clone(), l)));
    let text = String::from_utf8(document.to_vec()).map_err(|_| Fault::new(Code::Damaged, "result document"))?;
    let keys = crate::models::keys(node, &row.id)?;
    Ok(json!({ "job": row.id, "document": text, "result": inside.value, "receipt": receipt,
        "reviewer": { "name": reviewer, "key": key }, "keys": keys, "say": say }))
}
