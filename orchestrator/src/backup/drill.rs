//! A restoration for practice (演练): into a scratch folder, verified, wiped again; the record is signed and its hash is evidence for a step of a drill.

use super::archive::Opened;
use super::restore::{self, Sources};
use crate::fault::{Code, Fault, Result};
use crate::home::Home;
use crate::keys::now;
use crate::store::Store;
use crate::vault::Vault;
use serde::{Deserialize, Serialize};
use std::io::Write;
use std::path::Path;
use yu_governance::canonical::{Hash, u64_string};
use yu_governance::clock::Time;
use yu_governance::id::PartyName;
use yu_governance::sign::{Signed, SignedType};

/// What a restoration for practice showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RestoreDrill {
    /// Format version, 1.
    pub v: u32,
    /// Whose backup; signs with its key out of the backup.
    pub node: PartyName,
    /// Hash of the backup's head.
    pub backup: Hash,
    /// When the backup was made.
    pub made: Time,
    /// When it was practised.
    pub at: Time,
    /// Entries of the log, all verified.
    #[serde(with = "u64_string")]
    pub entries: u64,
    /// Root over them.
    pub root: Hash,
    /// Payloads that were restored and opened.
    #[serde(with = "u64_string")]
    pub restored: u64,
    /// Payloads of the backup that did not come back: destroyed or replaced since.
    #[serde(with = "u64_string")]
    pub gone: u64,
    /// Keys that certificates say are destroyed; none of them was found.
    #[serde(with = "u64_string")]
    pub destroyed: u64,
}

impl SignedType for RestoreDrill {
    const TYPE: &'static str = "restore-drill-v1";
}

/// Restores into a folder that does not exist yet, verifies, wipes it.
///
/// # Errors
/// Those of the restoration; `storage.damaged` when something that was destroyed came back.
pub fn drill(backup: &Opened, scratch: &Path, escrow: &Path) -> Result<Signed<RestoreDrill>> {
    if scratch.exists() {
        return Err(Fault::new(Code::Exists, "a folder that does not exist yet is used and removed").at(scratch.display().to_string()));
    }
    let result = practise(backup, &Home::new(scratch), escrow);
    let wiped = wipe(scratch);
    let drill = result?;
    wiped?;
    Ok(Signed::sign(drill, backup.head.node.as_str(), &backup.signing()?)?)
}

fn practise(backup: &Opened, home: &Home, escrow: &Path) -> Result<RestoreDrill> {
    let outcome = restore::restore(backup, home, &Sources { escrow: Some(escrow), log: None, without: &[] })?;
    let destroyed = restore::destroyed(&Store::open(home)?)?;
    let vault = Vault::open(home)?;
    for id in vault.ids() {
        if vault.key_id(&id).is_some_and(|key| destroyed.contains(&key)) {
            return Err(Fault::new(Code::Damaged, "something that was destroyed came back").at(id));
        }
    }
    if vault.ids().len() != outcome.restored.len() {
        return Err(Fault::new(Code::Damaged, "there are other payloads than those that were restored"));
    }
    Ok(RestoreDrill {
        v: 1,
        node: backup.head.node.clone(),
        backup: backup.hash,
        made: backup.head.at,
        at: now(),
        entries: outcome.entries,
        root: outcome.root,
        restored: outcome.restored.len() as u64,
        gone: outcome.gone.len() as u64,
        destroyed: destroyed.len() as u64,
    })
}

/// Overwrites the keys and removes the folder.
fn wipe(scratch: &Path) -> Result<()> {
    for folder in ["keys", "keys/data"] {
        let Ok(entries) = std::fs::read_dir(scratch.join(folder)) else { continue };
        for path in entries.flatten().map(|entry| entry.path()).filter(|path| path.is_file()) {
            let zeros = |file: &mut std::fs::File| {
                let length = usize::try_from(file.metadata()?.len()).unwrap_or(0);
                file.write_all(&vec![0; length])?;
                file.sync_all()
            };
            std::fs::OpenOptions::new().write(true).open(&path).and_then(|mut file| zeros(&mut file)).map_err(|e| Fault::io(&e, &path))?;
        }
    }
    if scratch.exists() { std::fs::remove_dir_all(scratch).map_err(|e| Fault::io(&e, scratch)) } else { Ok(()) }
}
