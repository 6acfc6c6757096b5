//! The node's part: another program, because this package does without the node.

use super::GovernanceArgs;
use crate::Result;
use crate::desensitize::{Better, Row};
use serde::Deserialize;
use std::process::Command;

/// One line of the program.
#[derive(Deserialize)]
struct Line {
    name: String,
    unit: String,
    value: f64,
}

pub(super) fn rows(args: &GovernanceArgs) -> Result<Vec<Row>> {
    let here = std::env::current_exe()?;
    let program = args.node.clone().or_else(|| Some(here.parent()?.join("examples/measure_node"))).unwrap_or_default();
    if !program.is_file() {
        eprintln!(
            "not measured: the node's log and store; `cargo build --release -p yu-orchestrator --example measure_node` makes the program"
        );
        return Ok(Vec::new());
    }
    let output = Command::new(program).args([args.threads.to_string(), "5".into(), args.jobs.to_string()]).output()?;
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned().into());
    }
    let lines = String::from_utf8(output.stdout)?;
    lines.lines().map(|line| Ok(row(serde_json::from_str(line)?, args))).collect()
}

fn row(line: Line, args: &GovernanceArgs) -> Row {
    let unit = ["events/s", "s", "ms", "MB"].into_iter().find(|unit| *unit == line.unit).unwrap_or("?");
    let (better, limit) = match unit {
        "events/s" if line.name.starts_with(&format!("append, {} threads", args.threads)) => (Better::More, Some(20_000.0)),
        "events/s" => (Better::More, None),
        "ms" if line.name.contains("jobs") => (Better::Less, Some(50.0)),
        _ => (Better::Less, None),
    };
    Row { subject: "node", name: line.name, unit, value: line.value, better, limit, aim: None }
}
