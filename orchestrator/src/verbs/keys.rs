//! Keys for pseudonyms.

use super::lines;
use crate::derive_keys;
use crate::fault::Result;
use crate::node::Node;
use serde_json::{Value, json};
use std::sync::Arc;

/// Makes one.
pub(super) fn new(node: &Arc<Node>, name: &str) -> Result<Value> {
    let fingerprint = derive_keys::make(node, name)?;
    let say = (format!("key `{name}` ({fingerprint}) is in the vault"), format!("密钥 `{name}`（{fingerprint}）已存入保险库"));
    Ok(json!({ "key": name, "fingerprint": fingerprint, "say": lines([say]) }))
}

/// All of them.
pub(super) fn list(node: &Arc<Node>) -> Result<Value> {
    let keys = derive_keys::list(node)?;
    let say = lines(keys.iter().map(|(name, fingerprint)| (format!("{name}  {fingerprint}"), String::new())));
    let keys: Vec<Value> = keys.iter().map(|(name, fingerprint)| json!({ "key": name, "fingerprint": fingerprint })).collect();
    Ok(json!({ "keys": keys, "say": say }))
}

/// Destroys one.
pub(super) fn destroy(node: &Arc<Node>, name: &str) -> Result<Value> {
    let certificate = derive_keys::destroy(node, name)?;
    let say = (
        format!("key `{name}` is destroyed, certificate {certificate}; what it made cannot be restored or joined any more"),
        format!("密钥 `{name}` 已销毁，证明 {certificate}；其生成的内容不可再还原或关联"),
    );
    Ok(json!({ "key": name, "certificate": certificate, "say": lines([say]) }))
}
