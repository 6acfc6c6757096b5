//! A job file as the node gets it: files that it names stand in it word by word, so that all parties sign them.

use super::verbs::text;
use crate::fault::{Code, Fault, Result};
use std::path::Path;
use toml::{Table, Value};
use yu_desensitize::policy::Policy;

/// The text of a job file; policies that it names, and the files that a policy names, in their places.
pub(super) fn whole(path: &Path) -> Result<String> {
    let written = text(path)?;
    // what cannot be read the node refuses, with line and field
    let Ok(mut job) = toml::from_str::<Table>(&written) else { return Ok(written) };
    let beside = path.parent().unwrap_or_else(|| Path::new(""));
    let mut is_changed = false;
    if let Some(enclave) = job.get_mut("enclave").and_then(Value::as_table_mut)
        && let Some(Value::String(name)) = enclave.remove("policy")
    {
        enclave.insert("policy_text".into(), Value::String(text(&beside.join(name))?));
        is_changed = true;
    }
    let steps = job.get_mut("steps").and_then(Value::as_array_mut);
    for step in steps.into_iter().flatten().filter_map(Value::as_table_mut) {
        let is_one = step.get("kind").and_then(Value::as_str) == Some("desensitize");
        let Some(Value::String(name)) = step.get("policy").filter(|_| is_one) else { continue };
        let policy = text(&beside.join(name))?;
        let mut files = Table::new();
        let folder = beside.join(name).parent().map(Path::to_owned).unwrap_or_default();
        for file in Policy::parse(name, &policy)?.files() {
            files.insert(file.clone(), Value::String(text(&folder.join(&file))?));
        }
        step.remove("policy");
        step.insert("policy_text".into(), Value::String(policy));
        step.insert("files".into(), Value::Table(files));
        is_changed = true;
    }
    if !is_changed {
        return Ok(written);
    }
    toml::to_string(&job).map_err(|e| Fault::new(Code::Input, e.to_string()).at(path.display().to_string()))
}
