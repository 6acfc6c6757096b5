//! A consistent snapshot while the node runs.
//!
//! The order makes it consistent: the store first, then the payloads, the log last. A payload is written before the store tells of it, so every one that the
//! copied store tells of is there or was destroyed since; and what the store keeps for the log is in the copied log or still in the copied store.

use super::archive::{self, File, Parts, Payload, payload_path};
use super::key;
use crate::fault::{Code, Fault, Result};
use crate::journal::{self, FILES, Note};
use crate::keys::now;
use crate::node::Node;
use crate::verbs::lines;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::sync::Arc;
use yu_governance::audit::{Event, Verb};
use yu_governance::canonical::Hash;
use zeroize::Zeroizing;

/// Names an escrow; every key gets its copy there.
///
/// # Errors
/// Those of [`crate::vault::Vault::use_escrow`].
pub fn escrow(node: &Node, dir: &Path) -> Result<Value> {
    node.vault().use_escrow(dir, true)?;
    let count = node.vault().ids().len();
    Ok(json!({ "escrow": dir, "keys": count, "say": lines([(
        format!("{} is the escrow: {count} keys have a copy there; keep it apart from every backup", dir.display()),
        format!("{} 已设为密钥托管介质，{count} 个密钥已存副本；请与备份分开保管", dir.display()),
    )]) }))
}

/// Makes a backup in an empty folder, sealed to a key.
///
/// # Errors
/// `state.wrong` without an escrow; `storage.failed` when it is away; `file.exists`; `disk.full`.
pub fn make(node: &Arc<Node>, dir: &Path, to: &str) -> Result<Value> {
    let to = key::public(to)?;
    let escrow = node.vault().escrow()?.ok_or_else(|| {
        Fault::new(Code::State, "there is no escrow: without one no payload could be restored; `yu backup escrow FOLDER` begins one")
    })?;
    let real = |path: &Path| path.canonicalize().map_err(|e| Fault::io(&e, path));
    archive::begin(dir)?;
    let place = real(dir)?;
    if place.starts_with(real(escrow.dir())?) || real(escrow.dir())?.starts_with(&place) || place.starts_with(real(node.home().dir())?) {
        return Err(Fault::new(Code::Input, "a backup lies apart from the node and from its escrow").at(dir.display().to_string()));
    }
    node.settle()?;
    node.vault().bring_escrow()?;
    let mut files = own_files(node)?;
    files.push(("store/yu.sqlite".into(), store(node)?));
    let epoch = escrow.epoch()?;
    let payloads = node.vault().copy_blobs(|key| payload_path(&place, key))?;
    let payloads: Vec<Payload> = payloads.into_iter().map(|(id, key, hash, bytes)| Payload { id, key, hash, bytes }).collect();
    // what the copied store still keeps for the log is in the log or not: both are told apart by its mark at the next start
    let log = log(node)?;
    let entries = log[0].1.iter().filter(|b| **b == b'\n').count() as u64;
    let hash = Hash::of_file(&log[0].1);
    files.extend(log);
    let count = payloads.len();
    let parts = Parts { files, payloads, entries, log: hash, epoch };
    let made = archive::finish(&place, &parts, (&node.name().parse()?, node.signing()), &to, now())?;
    node.log(Event::new(Verb::BackupMade).hash("document", &made).count("size", entries).count("keys", count as u64))?;
    Ok(json!({ "backup": made, "entries": entries, "payloads": count, "epoch": epoch, "say": lines([(
        format!("backup {made}: {entries} entries of the log, {count} payloads without their keys"),
        format!("备份 {made}：日志 {entries} 条，密文 {count} 份（不含密钥）"),
    )]) }))
}

/// Files of the node outside store and log.
fn own_files(node: &Node) -> Result<Vec<File>> {
    let mut all = Vec::new();
    let home = node.home();
    for (folder, prefix) in [(home.dir().to_owned(), ""), (home.path("keys"), "keys/")] {
        for entry in fs::read_dir(&folder).map_err(|e| Fault::io(&e, &folder))? {
            let entry = entry.map_err(|e| Fault::io(&e, &folder))?;
            let Ok(name) = entry.file_name().into_string() else { continue };
            let is_wanted = crate::vault::check_id(&name).is_ok()
                && entry.file_type().is_ok_and(|kind| kind.is_file())
                && (if prefix.is_empty() { is_setting(&name) } else { name != "escrow.path" });
            if is_wanted {
                let path = entry.path();
                all.push((format!("{prefix}{name}"), Zeroizing::new(fs::read(&path).map_err(|e| Fault::io(&e, &path))?)));
            }
        }
    }
    Ok(all)
}

/// Settings of a node; the lock and what it writes for one process are none.
fn is_setting(name: &str) -> bool {
    [".toml", ".cedar", ".json"].iter().any(|end| name.ends_with(end)) && name != super::resume::MARK
}

fn store(node: &Node) -> Result<Zeroizing<Vec<u8>>> {
    let path = node.home().path("store/backup.tmp");
    let _ = fs::remove_file(&path);
    let read = node.store().copy_to(&path).and_then(|()| fs::read(&path).map(Zeroizing::new).map_err(|e| Fault::io(&e, &path)));
    let _ = fs::remove_file(&path);
    read
}

/// The three files of the log as far as they were acknowledged at one moment.
fn log(node: &Node) -> Result<[File; 3]> {
    let lengths = journal::acknowledged(node.home(), node.signing())?;
    let files = journal::read_files(node.home().dir())?;
    let mut whole = files.into_iter().zip(FILES).zip(lengths).map(|((mut bytes, name), length)| {
        bytes.truncate(usize::try_from(length).unwrap_or(usize::MAX));
        (format!("audit/{name}"), Zeroizing::new(bytes))
    });
    match (whole.next(), whole.next(), whole.next()) {
        (Some(entries), Some(checkpoints), Some(countersignatures)) => Ok([entries, checkpoints, countersignatures]),
        _ => Err(Fault::new(Code::Bug, "three files")),
    }
}
