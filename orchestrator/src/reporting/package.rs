//! Packages of evidence: whoever holds the folder checks it offline against the signed manifest.
//!
//! ```text
//! FOLDER/manifest.json      signed by who hands over, then by who inspects or accepts
//! FOLDER/manifest.html      the same for people
//! FOLDER/documents/         one file for each entry of the manifest
//! FOLDER/logs/NODE/audit/   the log, which may be longer than the manifest says
//! ```

use super::{own_log, refused, root};
use crate::fault::{Code, Fault, Result};
use crate::home::write_atomic;
use crate::journal::{self, FILES};
use crate::keys::now;
use crate::node::Node;
use crate::procedure::law;
use crate::verbs::{lines, to_value};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use yu_governance::audit::LogFiles;
use yu_governance::canonical::Hash;
use yu_governance::drill::Target;
use yu_governance::id::PartyName;
use yu_governance::report::{LogRange, Package, Purpose, Requirement};
use yu_governance::sign::{KeyRing, PublicKey, Signed};
use yu_governance::workflow::Role;

/// A document that somebody brings, and what it shows.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Brought {
    /// `D1` to `D14`.
    pub requirement: String,
    /// File name in the package.
    pub name: String,
    /// Hash of the file.
    pub hash: Hash,
    /// Whether it shows that the requirement is met.
    pub passed: bool,
}

/// What of this node shows how it works: configuration, law, docket, authorisations, contracts, catalogue. No key, no payload.
fn snapshot(node: &Node) -> Result<BTreeMap<String, String>> {
    let text = |value: &Value| serde_json::to_string_pretty(value).map_err(|e| Fault::new(Code::Bug, e.to_string()));
    let kept = |kind: &str| -> Result<Value> {
        let all = node.store().objects(kind)?;
        let damaged = |_| Fault::new(Code::Damaged, "a stored document does not parse").at(kind.to_owned());
        all.iter().map(|one| serde_json::from_str::<Value>(&one.json).map_err(damaged)).collect()
    };
    let mut files = BTreeMap::new();
    files.insert("configuration.json".to_owned(), text(&to_value(node.config())?)?);
    for (name, kind) in [
        ("profiles.json", "profile"),
        ("appointments.json", "appointments"),
        ("docket.json", "docket"),
        ("authorisations.json", "authorisation"),
        ("catalogue.json", "catalogue"),
        ("certificates.json", "certificate"),
    ] {
        files.insert(name.to_owned(), text(&kept(kind)?)?);
    }
    let contract = |row: crate::store::JobRow| json!({ "job": row.id, "state": row.state.to_string(), "contract": row.contract });
    let contracts: Vec<Value> = node.store().jobs()?.into_iter().map(contract).collect();
    files.insert("contracts.json".to_owned(), text(&Value::Array(contracts))?);
    let peer = |peer: crate::store::PeerRow| json!({ "name": peer.name, "signing_key": peer.signing_key });
    let peers: Vec<Value> = node.store().peers()?.into_iter().map(peer).collect();
    files.insert("peers.json".to_owned(), text(&Value::Array(peers))?);
    Ok(files)
}

/// Makes the manifest of an inspection, or of an acceptance with what was brought for it, and signs it as the one who hands over.
///
/// # Errors
/// `policy.refused` for an inspector who has no such post; `storage.damaged`.
pub fn make(node: &Node, purpose: Purpose, inspector: &str, brought: &[Brought]) -> Result<Value> {
    let law = law::required(node)?;
    let inspector: PartyName = inspector.parse()?;
    // the post of an inspector: who supervises by the texts, and whom the authority has appointed to look
    let posts = [Role::Authority, Role::Regulator, Role::Checker, Role::Expert, Role::Province];
    if !posts.into_iter().any(|role| law.holders(role).contains(&inspector)) {
        let what = format!("package.inspector: `{inspector}` holds no post that inspects; appoint it as checker: `yu procedure appoint`");
        return Err(Fault::new(Code::Refused, what));
    }
    let me: PartyName = node.name().parse()?;
    let files = snapshot(node)?;
    let mut documents: BTreeMap<String, Hash> = files.iter().map(|(name, text)| (name.clone(), Hash::of_file(text.as_bytes()))).collect();
    let mut requirements: BTreeMap<String, Requirement> = BTreeMap::new();
    if purpose == Purpose::Acceptance {
        let has_plan = node.docket().with(node, |book| Ok(book.drills.plan(&Target::Node { name: me.clone() }, now()).is_some()))?;
        requirements.insert("D14".to_owned(), Requirement { passed: has_plan, evidence: BTreeSet::from(["docket.json".to_owned()]) });
    }
    for one in brought {
        if documents.insert(one.name.clone(), one.hash).is_some_and(|known| known != one.hash) {
            return Err(Fault::new(Code::Input, format!("two files are called `{}`", one.name.escape_debug())).at("--evidence"));
        }
        let shown =
            requirements.entry(one.requirement.clone()).or_insert_with(|| Requirement { passed: one.passed, evidence: BTreeSet::new() });
        shown.passed = shown.passed && one.passed;
        shown.evidence.insert(one.name.clone());
    }
    node.journal().checkpoint_if_due(node.signing(), now())?;
    let (size, root) = root(&own_log(node)?[0]);
    let package = Package {
        v: 1,
        purpose,
        subject: me.clone(),
        inspector: inspector.clone(),
        documents,
        logs: BTreeMap::from([(me, LogRange { first: 0, size, root })]),
        requirements,
        at: now(),
    };
    let page = package.page().to_html();
    let open = open(&package);
    let signed = Signed::sign(package, node.name(), node.signing())?;
    let mut say = vec![(
        format!("signed for {inspector}, who adds its signature: yu inspection sign FOLDER"),
        format!("已签署，待 {inspector} 用 yu inspection sign FOLDER 会签"),
    )];
    if !open.is_empty() {
        say.push((format!("NOT shown or not met: {}", open.join(", ")), format!("未展示或未达到：{}", open.join("、"))));
    }
    Ok(json!({ "ok": open.is_empty(), "documents": files, "manifest": signed, "page": page, "open": open, "say": lines(say) }))
}

/// Requirements that an acceptance does not show yet.
fn open(package: &Package) -> Vec<String> {
    if package.purpose != Purpose::Acceptance {
        return Vec::new();
    }
    let all = (1..=14).map(|n| format!("D{n}"));
    all.filter(|id| package.requirements.get(id).is_none_or(|shown| !shown.passed || shown.evidence.is_empty())).collect()
}

/// Signs a manifest as the one who inspects or accepts.
///
/// # Errors
/// `state.wrong` at another node; `signature.bad`.
pub fn countersign(node: &Node, manifest: Value) -> Result<Value> {
    let bad = |e: serde_json::Error| Fault::new(Code::Input, e.to_string()).at("manifest.json");
    let mut signed: Signed<Package> = serde_json::from_value(manifest).map_err(bad)?;
    if signed.payload.inspector.as_str() != node.name() {
        return Err(Fault::new(Code::State, format!("it is for `{}`", signed.payload.inspector)));
    }
    let ring = ring(node)?;
    let subject = signed.payload.subject.to_string();
    signed.verify(&ring, &[&subject])?;
    signed.add_signature(node.name(), node.signing())?;
    Ok(json!({ "manifest": signed, "keys": keys_of(&ring), "say": lines([("signed".to_owned(), "已会签".to_owned())]) }))
}

fn ring(node: &Node) -> Result<KeyRing> {
    law::in_force(node)?.map_or_else(|| node.ring(), |law| Ok(law.ring))
}

fn keys_of(ring: &KeyRing) -> Value {
    ring.iter().map(|(name, key)| (name.to_owned(), json!(key))).collect::<serde_json::Map<_, _>>().into()
}

/// The keys by which this node checks signatures, for whoever checks a package elsewhere.
///
/// # Errors
/// `storage.damaged`.
pub fn keys(node: &Node) -> Result<Value> {
    let ring = ring(node)?;
    let count = ring.iter().count();
    Ok(json!({ "keys": keys_of(&ring), "say": lines([(format!("{count} keys"), format!("{count} 个公钥"))]) }))
}

/// A ring from what [`keys`] gave.
///
/// # Errors
/// `input.bad`.
pub(crate) fn ring_of(keys: &Value) -> Result<KeyRing> {
    let bad = |e: serde_json::Error| Fault::new(Code::Input, e.to_string()).at("keys");
    let all: BTreeMap<String, PublicKey> = serde_json::from_value(keys.clone()).map_err(bad)?;
    let mut ring = KeyRing::new();
    all.iter().try_for_each(|(name, key)| ring.insert(name, *key))?;
    Ok(ring)
}

/// Writes a package: documents of the answer, files that were brought, the log of the node that lives in `home`.
///
/// # Errors
/// `exists`; `storage.failed`.
pub(crate) fn write(folder: &Path, home: &Path, answer: &Value, brought: &[(String, PathBuf)]) -> Result<()> {
    let (documents, manifest) = (folder.join("documents"), folder.join("manifest.json"));
    if manifest.exists() {
        return Err(Fault::new(Code::Exists, "it holds a package already").at(folder.display().to_string()));
    }
    let node = answer["manifest"]["payload"]["subject"].as_str().unwrap_or_default();
    let log = folder.join("logs").join(log_name(node)).join("audit");
    for path in [&documents, &log] {
        std::fs::create_dir_all(path).map_err(|e| Fault::io(&e, path))?;
    }
    let none = serde_json::Map::new();
    for (name, text) in answer["documents"].as_object().unwrap_or(&none) {
        write_atomic(&documents.join(name), text.as_str().unwrap_or_default().as_bytes(), 0o600)?;
    }
    for (name, path) in brought {
        std::fs::copy(path, documents.join(name)).map_err(|e| Fault::io(&e, path))?;
    }
    // in this order: what cites is read before what it cites, so that a log which goes on meanwhile is whole in the copy
    for name in FILES.iter().rev() {
        let path = home.join("audit").join(name);
        let mut bytes = std::fs::read(&path).map_err(|e| Fault::io(&e, &path))?;
        bytes.truncate(bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1));
        write_atomic(&log.join(name), &bytes, 0o600)?;
    }
    write_atomic(&folder.join("manifest.html"), answer["page"].as_str().unwrap_or_default().as_bytes(), 0o600)?;
    write_manifest(folder, &answer["manifest"])
}

/// `org.node` of `yu://env/org/node`.
fn log_name(node: &str) -> String {
    node.trim_start_matches("yu://").split('/').skip(1).collect::<Vec<_>>().join(".")
}

/// Writes the manifest alone.
///
/// # Errors
/// `storage.failed`.
pub(crate) fn write_manifest(folder: &Path, manifest: &Value) -> Result<()> {
    let text = serde_json::to_string_pretty(manifest).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
    write_atomic(&folder.join("manifest.json"), text.as_bytes(), 0o600)
}

/// Reads the manifest of a package.
///
/// # Errors
/// `file.missing`, `input.bad`.
pub(crate) fn read_manifest(folder: &Path) -> Result<Value> {
    let path = folder.join("manifest.json");
    let bytes = std::fs::read(&path).map_err(|e| Fault::io(&e, &path))?;
    serde_json::from_slice(&bytes).map_err(|e| Fault::new(Code::Input, e.to_string()).at(path.display().to_string()))
}

/// Checks a whole package offline; gives its hash.
///
/// # Errors
/// `verify.failed` with everything that is wrong.
pub(crate) fn check(folder: &Path, manifest: &Value, keys: &KeyRing) -> Result<Hash> {
    let bad = |e: serde_json::Error| Fault::new(Code::Input, e.to_string()).at("manifest.json");
    let signed: Signed<Package> = serde_json::from_value(manifest.clone()).map_err(bad)?;
    let mut files = BTreeMap::new();
    let listed = |path: &Path| -> Result<Vec<PathBuf>> {
        let all = std::fs::read_dir(path).map_err(|e| Fault::io(&e, path))?;
        Ok(all.flatten().map(|entry| entry.path()).collect())
    };
    for path in listed(&folder.join("documents"))? {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        files.insert(name, std::fs::read(&path).map_err(|e| Fault::io(&e, &path))?);
    }
    let folders = listed(&folder.join("logs"))?;
    let logs: Vec<(String, [Vec<u8>; 3])> =
        folders.iter().map(|path| Ok((path.display().to_string(), journal::read_files(path)?))).collect::<Result<_>>()?;
    let logs: Vec<LogFiles<'_>> = logs
        .iter()
        .map(|(directory, [entries, checkpoints, countersignatures])| LogFiles { directory, entries, checkpoints, countersignatures })
        .collect();
    Package::verify(&signed, &files, &logs, keys).map_err(refused)
}
