//! What people are shown of the docket.

use super::chapters::ALL;
use super::{kinds, line, named};
use crate::fault::{Code, Fault, Result};
use crate::keys::now;
use crate::node::Node;
use crate::procedure::law;
use crate::verbs::lines;
use serde_json::{Value, json};

/// Most lines of a list.
const MOST: u64 = 1000;

/// All kinds of documents with what they are, or one with a complete example.
///
/// # Errors
/// `input.bad` for an unknown kind.
pub fn template(kind: Option<&str>) -> Result<Value> {
    let Some(kind) = kind else {
        let say = ALL.iter().flat_map(|chapter| {
            let head = std::iter::once((format!("{}:", chapter.title.0), format!("{}：", chapter.title.1)));
            head.chain(
                chapter
                    .kinds
                    .iter()
                    .map(|kind| (format!("  {}: {}", kind.name, kind.title.0), format!("  {}：{}", kind.name, kind.title.1))),
            )
        });
        let all: Vec<Value> =
            kinds().map(|kind| json!({ "kind": kind.name, "title": { "en": kind.title.0, "zh": kind.title.1 } })).collect();
        return Ok(json!({ "kinds": all, "say": lines(say) }));
    };
    let kind = named(kind)?;
    Ok(json!({ "kind": kind.name, "toml": kind.example, "say": lines([(kind.example.to_owned(), kind.example.to_owned())]) }))
}

/// The lines from a place on, newest last; of one kind where it is named.
///
/// # Errors
/// `not-found` without a profile; `storage.damaged`.
pub fn list(node: &Node, kind: Option<&str>, from: u64) -> Result<Value> {
    law::required(node)?;
    let wanted = kind.map(named).transpose()?.map(|kind| kind.name);
    let (mut all, mut say, mut next) = (Vec::new(), Vec::new(), from);
    'pages: loop {
        let some = line::stored(node, next, line::PAGE)?;
        if some.is_empty() {
            break;
        }
        for filed in some {
            let told = &filed.line.payload;
            next = told.sequence.saturating_add(1);
            if wanted.is_some_and(|wanted| wanted != told.kind) {
                continue;
            }
            if all.len() as u64 >= MOST {
                say.push((
                    format!("more from {} on: --from {}", told.sequence, told.sequence),
                    format!("其余自第 {} 行起：--from {}", told.sequence, told.sequence),
                ));
                break 'pages;
            }
            let title = super::kind_of(&told.kind).map_or(("step of a procedure", "程序步骤"), |kind| kind.title);
            let by = told.signers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let hidden = if filed.document.is_some() || told.kind == line::STEP {
                ("", "")
            } else {
                (" (not for this node)", "（本节点无权阅读）")
            };
            let short: String = told.document.to_hex().chars().take(16).collect();
            say.push((
                format!("{} {}  {} {short}, signed by {by}{}", told.sequence, told.at, title.0, hidden.0),
                format!("{} {}  {}（{short}），签署：{by}{}", told.sequence, told.at, title.1, hidden.1),
            ));
            all.push(
                json!({ "line": told.sequence, "kind": told.kind, "document": told.document, "signers": told.signers, "at": told.at }),
            );
        }
    }
    Ok(json!({ "lines": all, "say": lines(say) }))
}

/// One line with its document: by its place, or by how the hash of the document begins.
///
/// # Errors
/// `not-found`; `input.bad` when several begin so.
pub fn one(node: &Node, which: &str) -> Result<Value> {
    let sequence = match which.parse::<u64>() {
        Ok(sequence) if which.len() <= 12 => sequence,
        _ => {
            let seen = crate::suite::digits(which);
            let found = node.docket().with(node, |book| {
                let fits = book.documents.iter().filter(|(hash, _)| hash.to_hex().starts_with(seen));
                Ok(fits.map(|(_, (_, sequence))| *sequence).collect::<Vec<_>>())
            })?;
            match found[..] {
                [one] => one,
                [] => {
                    return Err(
                        Fault::new(Code::NotFound, format!("a document that begins with `{}`", seen.escape_debug())).party(node.name())
                    );
                }
                _ => return Err(Fault::new(Code::Input, format!("{} documents begin with `{}`", found.len(), seen.escape_debug()))),
            }
        }
    };
    let filed = line::one(node, sequence)?;
    let text = serde_json::to_string_pretty(&filed).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
    Ok(json!({ "filed": filed, "say": lines([(text.clone(), text)]) }))
}

/// What every chapter says now, what does not hold, whether two histories were told.
///
/// # Errors
/// `not-found` without a profile; `storage.damaged`.
pub fn status(node: &Node, only: Option<&str>) -> Result<Value> {
    let law = law::required(node)?;
    if let Some(only) = only.filter(|only| ALL.iter().all(|chapter| chapter.name != *only)) {
        let all: Vec<&str> = ALL.iter().map(|chapter| chapter.name).collect();
        return Err(Fault::new(Code::Input, format!("`{}`: one of {}", only.escape_debug(), all.join(", "))).at("chapter"));
    }
    let mut say = Vec::new();
    let (length, chapters) = node.docket().with(node, |book| {
        say.push((format!("{} lines", book.length), format!("共 {} 行", book.length)));
        let mut chapters = serde_json::Map::new();
        for chapter in ALL.iter().filter(|chapter| only.is_none_or(|only| only == chapter.name) && book.decides(chapter.kinds)) {
            say.push((format!("{}:", chapter.title.0), format!("{}：", chapter.title.1)));
            let told = (chapter.tell)(book, &law, now());
            chapters.insert(chapter.name.into(), told.iter().map(|(en, zh)| json!({ "en": en, "zh": zh })).collect());
            say.extend(told.into_iter().map(|(en, zh)| (format!("  {en}"), format!("  {zh}"))));
        }
        Ok((book.length, chapters))
    })?;
    if only.is_none_or(|only| only == "incidents") {
        say.extend(crate::incidents::told(node)?);
    }
    say.extend(alarms(node)?);
    let (forks, refused) = (line::forks(node)?, line::open_refusals(node)?);
    Ok(json!({ "length": length, "chapters": chapters, "forks": forks, "refused": refused.len(), "say": lines(say) }))
}

/// What people have to look at at once.
///
/// # Errors
/// `storage.damaged`.
pub fn alarms(node: &Node) -> Result<Vec<(String, String)>> {
    let mut say = Vec::new();
    for fork in line::forks(node)? {
        let at = fork.told.payload.sequence;
        say.push((format!("ALARM: the authority has told two histories of line {at}"), format!("告警：主管部门对第 {at} 行给出两种历史")));
    }
    for (place, fault) in line::open_refusals(node)? {
        let text = fault["detail"].as_str().unwrap_or_default();
        say.push((format!("ALARM: line {place} does not hold here: {text}"), format!("告警：第 {place} 行在本节点不成立：{text}")));
    }
    Ok(say)
}
