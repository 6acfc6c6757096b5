//! Models that stay split: shares on this node.

use super::lines;
use crate::fault::Result;
use crate::models;
use crate::node::Node;
use serde_json::{Value, json};
use std::sync::Arc;

/// All of them, without their shares.
pub(super) fn list(node: &Arc<Node>) -> Result<Value> {
    let mut all = Vec::new();
    let mut say = Vec::new();
    for job in models::jobs(node, "") {
        let head = models::get(node, &job)?.head;
        let kind = serde_json::to_value(&head.settings.model).ok().and_then(|model| Some(model.get("kind")?.as_str()?.to_owned()));
        let kind = kind.unwrap_or_default();
        let target = head.target.1.clone();
        say.push((
            format!("{job}  {kind} of {target}, under {}, with {}", head.authorisation, head.parties.join(", ")),
            format!("{kind}，目标 {target}，授权 {}", head.authorisation),
        ));
        all.push(json!({ "job": job, "authorisation": head.authorisation, "parties": head.parties, "features": head.features,
            "target": target, "settings": head.settings }));
    }
    Ok(json!({ "models": all, "say": lines(say) }))
}

/// Destroys a share.
pub(super) fn destroy(node: &Arc<Node>, job: &str) -> Result<Value> {
    let certificate = models::destroy(node, job)?;
    let say = (
        format!(
            "the share is destroyed, certificate {certificate}: jobs with the model are refused here; it is gone when two parties have destroyed theirs"
        ),
        format!("份额已销毁，证明 {certificate}：本方不再参与该模型的任务；两方销毁后模型即不复存在"),
    );
    Ok(json!({ "job": job, "certificate": certificate, "say": lines([say]) }))
}
