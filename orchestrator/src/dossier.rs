//! Files of a dossier under review (审核案卷, A29): the office keeps them encrypted and hands one over for a reading that is filed, as long as the door is
//! open; the copy is named after the mark of its reading, so that one that turns up elsewhere names its reader.

use crate::control::Ask;
use crate::docket::chapters::reading;
use crate::fault::{Code, Fault, Result};
use crate::keys::now;
use crate::node::Node;
use crate::verbs::{lines, to_value};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::PathBuf;
use yu_governance::canonical::Hash;
use yu_governance::id::PartyName;

/// Largest file: it travels as one answer, in hexadecimal.
const LARGEST: usize = 4 << 20;

/// What the command line asks.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "dossier", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Asked {
    /// Keep a file.
    Add {
        /// Where it is.
        file: PathBuf,
    },
    /// Fetch a copy for a reading that is filed.
    Read {
        /// Who keeps it.
        office: String,
        /// Hash of the application under review.
        application: Hash,
        /// Hash of the file.
        document: Hash,
    },
}

/// A copy.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Handed {
    /// The file, in hexadecimal.
    content: String,
    /// Names the reading.
    mark: Hash,
}

fn kept(document: &Hash) -> String {
    // half a hash: names in the vault are short, and what is read is compared with the whole
    format!("dossier-{}", document.to_hex().chars().take(32).collect::<String>())
}

/// Answers the command line.
///
/// # Errors
/// The fault that a person is shown.
pub fn handle(node: &Node, asked: Asked) -> Result<Value> {
    match asked {
        Asked::Add { file } => {
            let bytes = std::fs::read(&file).map_err(|e| Fault::io(&e, &file))?;
            if bytes.is_empty() || bytes.len() > LARGEST {
                let what = format!("{} bytes: 1 to {LARGEST}", bytes.len());
                return Err(Fault::new(Code::Input, what).at(file.display().to_string()));
            }
            let document = Hash::of_file(&bytes);
            node.vault().put(&kept(&document), &bytes)?;
            let say = lines([(format!("kept, encrypted: {document}"), format!("已加密保存：{document}"))]);
            Ok(json!({ "document": document, "say": say }))
        }
        Asked::Read { office, application, document } => {
            let answer = node.ask(&office, &Ask::Dossier { application, document }).map_err(|f| f.reported_by(&office))?;
            let copy: Handed = serde_json::from_value(answer)
                .map_err(|e| Fault::new(Code::PeerProtocol, e.to_string()).at("dossier").party(office.clone()))?;
            if hex::decode(&copy.content).map(|bytes| Hash::of_file(&bytes)).ok() != Some(document) {
                return Err(Fault::new(Code::Tampered, "the copy is not the document that was asked for").party(office));
            }
            let mark: String = copy.mark.to_hex().chars().take(16).collect();
            let say = lines([(format!("the copy carries the mark {mark}"), format!("副本标记 {mark}"))]);
            Ok(json!({ "content": copy.content, "mark": mark, "say": say }))
        }
    }
}

/// A reviewer's node asks the office for a copy.
///
/// # Errors
/// `reading.unfiled` without a filed reading of it, and everything that closes the door; `not-found` for a file that is not kept here.
pub fn answer(node: &Node, from: &str, application: &Hash, document: &Hash) -> Result<Value> {
    let reader: PartyName = from.parse()?;
    let mark = node.docket().with(node, |book| reading::mark_for(book, (application, document), &reader, node.name(), now()))?;
    let missing =
        |f: Fault| if f.code == Code::NotFound { f } else { Fault::new(Code::NotFound, format!("no file {document}")).party(node.name()) };
    let content = node.vault().get(&kept(document)).map_err(missing)?;
    if Hash::of_file(&content) != *document {
        return Err(Fault::new(Code::NotFound, format!("no file {document}")).party(node.name()));
    }
    to_value(&Handed { content: hex::encode(&*content), mark })
}
