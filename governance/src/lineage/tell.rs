//! A trace as sentences in both languages, and as JSON.

use std::fmt::Write as _;

use super::NodeId;
use super::graph::Node;
use super::trace::{Direction, Trace};
use crate::canonical::to_canonical;
use crate::error::Result;
use crate::text::{Text, is_unseen};

impl Trace {
    /// The trace in words: one line for each node, then what is missing.
    #[must_use]
    pub fn tell(&self) -> Text {
        let (en, zh) = match self.direction {
            Direction::Backward => (format!("{} was made of:\n", self.of), format!("{}的来源：\n", self.of.zh())),
            Direction::Forward => (format!("{} went into:\n", self.of), format!("{}的去向：\n", self.of.zh())),
        };
        let (mut en, mut zh) = (en, zh);
        for step in &self.steps {
            let indent = "  ".repeat(step.depth.min(40));
            let line = |name: String, by: &str, open: &str, close: &str, unknown: &str| {
                let who = step.node.by.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                let who = if step.node.since.is_none() { unknown.to_owned() } else { format!("{by}{who}") };
                format!("{indent}{name}{open}{}{who}{close}\n", called(&step.node))
            };
            en.push_str(&line(step.node.id.to_string(), "by ", " (", ")", "not recorded here"));
            zh.push_str(&line(step.node.id.zh(), "记录方 ", "（", "）", "此处无记录"));
        }
        if self.is_complete() {
            en.push_str("Every record is here.\n");
            zh.push_str("记录完整。\n");
        }
        for gap in &self.gaps {
            let told = gap.tell();
            // writing to a string cannot fail
            let _ = writeln!(en, "{}", told.en);
            let _ = writeln!(zh, "{}", told.zh);
        }
        Text::new(en, zh)
    }

    /// The trace as canonical JSON.
    ///
    /// # Errors
    /// None in practice: every trace has a canonical form.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        to_canonical(self)
    }
}

/// The names of a node, with a comma behind.
fn called(node: &Node) -> String {
    let names: Vec<String> = node.names.iter().map(|name| name.replace(is_unseen, "\u{fffd}")).collect();
    if names.is_empty() { String::new() } else { format!("{}, ", names.join(" / ")) }
}

/// What a node is called in a picture: its first name, or its hash.
pub(super) fn label(node: &Node) -> String {
    let shown = |name: &String| {
        let short: String = name.chars().take(24).collect();
        if short.len() < name.len() { format!("{short}…") } else { short }
    };
    node.names.first().map_or_else(|| NodeId::short(&node.id), shown)
}
