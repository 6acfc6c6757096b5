//! `yu catalogue`.

use super::Output;
use super::args::CatalogueCommand;
use super::verbs::text;
use crate::admin::{AdminAsk, ask};
use crate::catalogue::Asked;
use crate::fault::{Code, Fault, Result};
use crate::home::{Home, write_atomic};
use crate::keys::now;
use serde_json::Value;
use std::path::{Path, PathBuf};
use yu_governance::clock::Time;

pub(super) fn run(command: CatalogueCommand, home: &Home, out: &Output) -> Result<()> {
    let (asked, files) = question(command)?;
    let question = AdminAsk::Catalogue(Box::new(asked));
    let mut value = ask(home, &question)?;
    for (field, path) in files {
        let content = field.iter().try_fold(&value, |value, key| value.get(*key)).and_then(Value::as_str);
        let content = content.ok_or_else(|| Fault::new(Code::Bug, "the node's answer has no text to write"))?;
        write_atomic(&path, content.as_bytes(), 0o644)?;
    }
    // it stands in the file
    if let Some(answer) = value.as_object_mut() {
        answer.remove("csv");
        answer.remove("dcat");
    }
    out.answer(&question, &value);
    Ok(())
}

/// Where in the answer a text stands, and the file that it goes to.
type Files = Vec<(Vec<&'static str>, PathBuf)>;

fn question(command: CatalogueCommand) -> Result<(Asked, Files)> {
    let period = |from: &str, until: Option<&String>| -> Result<(Time, Time)> {
        Ok((Time::parse(from)?, until.map_or(Ok(now()), |until| Time::parse(until))?))
    };
    Ok(match command {
        CatalogueCommand::Export { file, dataset } => (Asked::Export { dataset }, vec![(vec!["dcat"], file)]),
        CatalogueCommand::Import { file } => (Asked::Import { text: text(&file)? }, Vec::new()),
        CatalogueCommand::Diff { dataset, from, to } => (Asked::Diff { dataset, from, to }, Vec::new()),
        CatalogueCommand::Changes { since, head } => (Asked::Changes { since, head }, Vec::new()),
        CatalogueCommand::Gaps { from, until, file } => (Asked::Gaps { period: period(&from, until.as_ref())?, file }, Vec::new()),
        CatalogueCommand::Report { from, until, out, file } => {
            let period = period(&from, until.as_ref())?;
            let files =
                out.map(|name| vec![(vec!["timeliness", "en"], named(&name, "en")), (vec!["timeliness", "zh"], named(&name, "zh"))]);
            (Asked::Report { period, file }, files.unwrap_or_default())
        }
        CatalogueCommand::Profile { dataset, expected_rows, file } => (Asked::Profile { dataset, expected_rows, file }, Vec::new()),
        CatalogueCommand::Simulate { dataset, rows, seed, out, file } => {
            (Asked::Simulate { dataset, rows, seed, file }, vec![(vec!["csv"], out)])
        }
    })
}

fn named(name: &Path, language: &str) -> PathBuf {
    let base = name.file_name().unwrap_or_default().to_string_lossy();
    name.with_file_name(format!("{base}-{language}.csv"))
}
