//! What is in force: what waits for the regulator, what was missed.

use super::lines;
use crate::fault::Result;
use crate::node::Node;
use crate::procedure::{adopt, sync};
use serde_json::{Value, json};
use std::sync::Arc;

/// What the profile that waits for the regulator would change, in sentences.
pub(super) fn proposed(node: &Arc<Node>) -> Result<Value> {
    let Some(proposed) = adopt::waiting(node)? else {
        return Ok(json!({ "proposed": null, "say": lines([("no profile waits".to_owned(), "没有待会签的规则集".to_owned())]) }));
    };
    let title = &proposed.profile.payload.title;
    let text = adopt::name(&proposed)?.to_hex();
    let short: String = text.chars().take(16).collect();
    let head = (
        format!("{} waits for your signature (`yu profile countersign {short}`); it changes:", title.en),
        format!("{} 待会签（yu profile countersign {short}），变化如下：", title.zh),
    );
    let changes = adopt::changes(node, &proposed)?.into_iter().map(|text| (text.en, text.zh));
    Ok(json!({ "proposed": proposed.profile.payload.id, "hash": text, "say": lines(std::iter::once(head).chain(changes)) }))
}

/// Fetches what was missed.
pub(super) fn sync(node: &Arc<Node>) -> Result<Value> {
    let count = sync::fetch(node)?;
    Ok(super::done(&format!("up to date: {count} steps"), &format!("已同步：共 {count} 步")))
}
