//! `yu profile`: what a jurisdiction's rules are, and what a change of them loosens.

use super::Output;
use super::args::ProfileCommand;
use crate::fault::{Code, Fault, Result};
use crate::profiles::{named, names};
use serde_json::json;
use yu_governance::profile::{Effect, diff};

pub(super) fn run(command: &ProfileCommand, out: &Output) -> Result<()> {
    match command {
        ProfileCommand::List => {
            for name in names()? {
                let title = named(&name)?.profile().title.clone();
                out.say(&format!("{name}: {}", title.en), &format!("{name}：{}", title.zh));
            }
            out.document(&json!({ "profiles": names()? }));
        }
        ProfileCommand::Show { profile } => {
            let effective = named(profile)?;
            for line in effective.show() {
                out.say(&line.en, &line.zh);
            }
            out.document(&json!({ "profile": effective.profile(), "rules": effective.rules() }));
        }
        ProfileCommand::Adopt { .. } | ProfileCommand::Proposed | ProfileCommand::Countersign { .. } => {
            return Err(Fault::new(Code::Bug, "the node does this"));
        }
        ProfileCommand::Diff { old, new } => {
            let changes = diff(&named(old)?, &named(new)?);
            for change in &changes {
                out.say(&change.sentence.en, &change.sentence.zh);
            }
            if changes.is_empty() {
                out.say("nothing changes", "没有变化");
            }
            let loosens = changes.iter().filter(|change| change.effect == Effect::Loosens).count();
            let all: Vec<_> =
                changes.iter().map(|c| json!({ "field": c.key, "effect": c.effect.words().en, "what": c.sentence })).collect();
            out.document(&json!({ "changes": all, "loosens": loosens }));
        }
    }
    Ok(())
}
