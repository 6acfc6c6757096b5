//! Reports and packages for those outside the domain: the yearly operation report (S5), the public disclosure (S6), evidence for an inspection (S4), the
//! acceptance of a domain (D15). Numbers come from verified logs and the docket, never from what people write; every page is printable, needs nothing
//! else, and comes with its signed document.
//!
//! | to see | open |
//! |---|---|
//! | yearly report and disclosure | [`yearly`] |
//! | packages that verify offline | [`package`] |

pub mod package;
pub mod yearly;

use crate::fault::{Code, Fault, Result};
use crate::home::write_atomic;
use crate::journal;
use crate::node::Node;
use crate::verbs::lines;
use serde_json::{Map, Value, json};
use std::path::Path;
use yu_governance::audit::merkle::{self, Digest};
use yu_governance::audit::{Entry, LogFiles, verify};
use yu_governance::finding::Finding;
use yu_governance::report::Page;

/// The acknowledged part of this node's log: what lies behind may be cut off by a crash.
///
/// # Errors
/// `storage.failed`.
fn own_log(node: &Node) -> Result<[Vec<u8>; 3]> {
    // a file may only grow between the two: what was acknowledged is in it
    let lengths = journal::acknowledged(node.home(), node.signing())?;
    let mut files = journal::read_files(node.home().dir())?;
    for (file, length) in files.iter_mut().zip(lengths) {
        file.truncate(usize::try_from(length).unwrap_or(usize::MAX));
    }
    Ok(files)
}

/// Entries of all logs that are here: the own one, at the regulator every replica. What does not verify is not counted.
///
/// # Errors
/// `verify.failed` naming the log.
fn entries(node: &Node) -> Result<Vec<Entry>> {
    let mut all = read(&own_log(node)?, node.name())?;
    for folder in crate::supervise::replicas(node)? {
        all.extend(read(&journal::read_files(&folder)?, &folder.display().to_string())?);
    }
    Ok(all)
}

fn read([entries, checkpoints, countersignatures]: &[Vec<u8>; 3], directory: &str) -> Result<Vec<Entry>> {
    let log = LogFiles { directory, entries, checkpoints, countersignatures };
    if !verify(&[log]).passes() {
        return Err(Fault::new(Code::Verify, "the log does not verify: `yu audit verify` names the entries").at(directory.to_owned()));
    }
    Ok(log.read().collect())
}

/// Size and root of a log.
fn root(entries: &[u8]) -> (u64, Digest) {
    let lines = || entries.split(|b| *b == b'\n').filter(|line| !line.is_empty());
    let alg = lines().next().and_then(|line| Entry::parse(line).ok()).map(|first| first.alg).unwrap_or_default();
    let leaves: Vec<Digest> = lines().map(|line| merkle::leaf(alg, line)).collect();
    (leaves.len() as u64, merkle::root(alg, &leaves))
}

/// All findings as one fault.
fn refused(found: Vec<Finding>) -> Fault {
    let all: Vec<String> = found.iter().map(ToString::to_string).collect();
    Fault::new(Code::Verify, all.join("\n"))
}

/// An answer with files that the command line writes.
fn with_files(files: &[(&str, String)], say: Vec<(String, String)>) -> Value {
    let files: Map<String, Value> = files.iter().map(|(name, text)| ((*name).to_owned(), text.clone().into())).collect();
    json!({ "files": files, "say": lines(say) })
}

/// A signed document and its page.
fn pair(name: &str, signed: &impl serde::Serialize, page: &Page) -> Result<[(String, String); 2]> {
    let json = serde_json::to_string_pretty(signed).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
    Ok([(format!("{name}.json"), json), (format!("{name}.html"), page.to_html())])
}

/// Writes the files of an answer into a folder that holds none of them yet.
///
/// # Errors
/// `exists`; `storage.failed`.
pub(crate) fn write(folder: &Path, answer: &Value) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|e| Fault::io(&e, folder))?;
    let none = Map::new();
    let files = answer.get("files").and_then(Value::as_object).unwrap_or(&none);
    let is_plain = |name: &str| !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\']);
    for name in files.keys() {
        if !is_plain(name) {
            return Err(Fault::new(Code::Bug, "a file name that would leave the folder"));
        }
        if folder.join(name).exists() {
            return Err(Fault::new(Code::Exists, format!("`{name}` is there already")).at(folder.display().to_string()));
        }
    }
    for (name, text) in files {
        write_atomic(&folder.join(name), text.as_str().unwrap_or_default().as_bytes(), 0o600)?;
    }
    Ok(())
}
