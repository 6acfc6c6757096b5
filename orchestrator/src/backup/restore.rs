//! A directory out of a backup: control data as they were, payloads whose keys the escrow still has, the log as far as it is known.

use super::archive::{Opened, Payload};
use super::resume;
use crate::dataset::{blob_id, consent_id, salt_prefix};
use crate::fault::{Code, Fault, Result};
use crate::home::{Home, write_atomic};
use crate::journal::{self, FILES};
use crate::store::Store;
use crate::vault::{Escrow, Vault, named_key};
use std::collections::BTreeSet;
use std::path::Path;
use yu_governance::audit::verify::{LogFiles, verify};
use yu_governance::audit::{AuditLog, Entry, Recovery, Verb};
use yu_governance::canonical::Hash;
use yu_governance::destroy::DestructionCertificate;
use yu_governance::id::DatasetId;
use yu_governance::sign::Signed;

/// What a restoration is to use.
pub struct Sources<'a> {
    /// The escrow; without it no payload comes back.
    pub escrow: Option<&'a Path>,
    /// A directory with a later copy of the node's log, as its regulator keeps one.
    pub log: Option<&'a Path>,
    /// Peers that exist no more: nobody waits for what they saw.
    pub without: &'a [String],
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Hash of the backup's head.
    pub backup: Hash,
    /// Payloads that are here again, by id.
    pub restored: Vec<String>,
    /// Payloads of the backup that stay away, by id: destroyed or replaced since.
    pub gone: Vec<String>,
    /// Entries of the log.
    pub entries: u64,
    /// Root over all entries.
    pub root: Hash,
}

/// Puts a backup into an empty directory and verifies what is there. The node that starts there asks its peers first.
///
/// # Errors
/// `file.exists` when a node lives there; `storage.damaged`, `contract.altered`; `not-found` without an escrow in its folder; `state.wrong` for an escrow
/// that is older than the backup.
pub fn restore(backup: &Opened, into: &Home, sources: &Sources<'_>) -> Result<Outcome> {
    let is_used = std::fs::read_dir(into.dir()).is_ok_and(|mut found| found.next().is_some());
    if is_used {
        let what = "a restoration goes into an empty folder: what an earlier one left could keep keys that were destroyed since";
        return Err(Fault::new(Code::Exists, what).at(into.dir().display().to_string()));
    }
    let node_key = backup.node_key()?;
    let escrow = sources.escrow.map(|dir| Escrow::open(dir, &node_key, false)).transpose()?;
    if let Some(escrow) = &escrow {
        let epoch = escrow.epoch()?;
        if epoch < backup.head.epoch {
            let what = format!("the escrow has seen {epoch} destructions, the backup {}: it is an older copy", backup.head.epoch);
            return Err(Fault::new(Code::State, what).at(escrow.dir().display().to_string()));
        }
    }
    let log = log(backup, sources.log)?;
    into.create()?;
    for (name, bytes) in backup.files.iter().filter(|(name, _)| name != "node.toml" && !name.starts_with("audit/")) {
        write_atomic(&into.path(name), bytes, 0o600)?;
    }
    for (name, bytes) in FILES.iter().zip(&log) {
        write_atomic(&into.path("audit").join(name), bytes, 0o644)?;
    }
    journal::write_head(into, &backup.signing()?)?;
    let store = Store::open(into)?;
    let destroyed = destroyed(&store)?;
    let tombs = Tombs::of(&log[0], backup.head.entries);
    drop(store);
    let vault = Vault::open(into)?;
    let (mut restored, mut gone) = (Vec::new(), Vec::new());
    for payload in &backup.payloads {
        let is_buried = destroyed.contains(&payload.key) || tombs.have(&payload.id);
        if !is_buried && put_back(backup, payload, &vault, escrow.as_ref())? { &mut restored } else { &mut gone }.push(payload.id.clone());
    }
    let (entries, root) = verified(into)?;
    let mark = resume::Mark {
        v: 1,
        backup: backup.hash,
        without: sources.without.to_vec(),
        escrow: sources.escrow.map(|dir| dir.canonicalize().map_err(|e| Fault::io(&e, dir))).transpose()?,
    };
    mark.write(into)?;
    // last: without it the directory is no node, so a crash before this line leaves nothing that starts
    write_atomic(&into.path("node.toml"), backup.file("node.toml")?, 0o600)?;
    Ok(Outcome { backup: backup.hash, restored, gone, entries, root })
}

/// What the log says is destroyed. It may tell more than the store of the backup knows, where a later copy of it is used; a copy of the escrow that somebody
/// kept then brings nothing of it back.
struct Tombs {
    datasets: BTreeSet<String>,
    /// Destroyed after the backup: what of the same name came later is in no backup of before.
    since: BTreeSet<String>,
    /// Of whom receipts changed after the backup: a withdrawal is not undone by older receipts.
    receipts: BTreeSet<String>,
    /// Payloads by their ids.
    ids: BTreeSet<String>,
    jobs: BTreeSet<String>,
}

impl Tombs {
    /// What the entries say; the backup holds the first `own` of them itself.
    fn of(entries: &[u8], own: u64) -> Self {
        let none = BTreeSet::new;
        let mut tombs = Self { datasets: none(), since: none(), receipts: none(), ids: none(), jobs: none() };
        let parsed = entries.split(|b| *b == b'\n').filter(|line| !line.is_empty()).map(|line| Entry::parse(line).ok());
        for (number, entry) in (0_u64..).zip(parsed) {
            let Some(entry) = entry else { continue };
            let dataset = entry.object.get("dataset");
            let is_later = number >= own;
            match (Verb::parse(&entry.verb), dataset, entry.job) {
                (Some(Verb::DatasetDestroyed), Some(dataset), _) => {
                    tombs.datasets.insert(dataset.clone());
                    if is_later {
                        tombs.since.insert(dataset.clone());
                    }
                }
                // one of the same name that came later is another
                (Some(Verb::DatasetAdded), Some(dataset), _) => drop(tombs.datasets.remove(dataset)),
                (Some(Verb::ImportDestroyed), Some(dataset), _) if is_later => {
                    tombs.ids.extend(dataset.parse().iter().flat_map(crate::quarantine::vault_ids));
                }
                (Some(Verb::ConsentRecorded | Verb::ConsentRevoked), Some(dataset), _) if is_later => {
                    tombs.receipts.insert(dataset.clone());
                }
                (Some(Verb::WorkingDestroyed), _, Some(job)) => drop(tombs.jobs.insert(crate::destroy::prefix(&job.0.to_hex()))),
                _ => {}
            }
        }
        tombs
    }

    fn have(&self, id: &str) -> bool {
        let of = |dataset: &String| {
            dataset
                .parse::<DatasetId>()
                .is_ok_and(|dataset| id == blob_id(&dataset) || id == consent_id(&dataset) || id.starts_with(&salt_prefix(&dataset)))
        };
        let receipts = |dataset: &String| dataset.parse::<DatasetId>().is_ok_and(|dataset| id == consent_id(&dataset));
        self.ids.contains(id)
            || self.jobs.iter().any(|begins| id.starts_with(begins))
            || self.datasets.iter().chain(&self.since).any(of)
            || self.receipts.iter().any(receipts)
    }
}

/// One payload, if the escrow has the key of these very bytes.
fn put_back(backup: &Opened, payload: &Payload, vault: &Vault, escrow: Option<&Escrow>) -> Result<bool> {
    let Some(escrow) = escrow else { return Ok(false) };
    let Some(wrapped) = escrow.key(&payload.id)? else { return Ok(false) };
    if named_key(&wrapped)? != payload.key {
        return Ok(false);
    }
    vault.put_back(&payload.id, &wrapped, &backup.payload(payload)?)?;
    vault.get(&payload.id)?;
    Ok(true)
}

/// Names of the keys that certificates of this node say are destroyed.
pub(super) fn destroyed(store: &Store) -> Result<BTreeSet<String>> {
    let mut all = BTreeSet::new();
    for kept in store.objects("certificate")? {
        let damaged = |_| Fault::new(Code::Damaged, "a stored certificate does not parse").at(kept.id.clone());
        let signed: Signed<DestructionCertificate> = serde_json::from_str(&kept.json).map_err(damaged)?;
        all.extend(signed.payload.items.into_iter().map(|item| item.key));
    }
    Ok(all)
}

/// The log of the backup, or a later copy that goes on from it.
fn log(backup: &Opened, later: Option<&Path>) -> Result<[Vec<u8>; 3]> {
    let names = FILES.map(|name| format!("audit/{name}"));
    let own: [&[u8]; 3] = [backup.file(&names[0])?, backup.file(&names[1])?, backup.file(&names[2])?];
    if Hash::of_file(own[0]) != backup.head.log {
        return Err(Fault::new(Code::Damaged, "the log is not the one of the head").at("backup"));
    }
    let Some(folder) = later else { return Ok(own.map(<[u8]>::to_vec)) };
    let place = || folder.display().to_string();
    let files = journal::read_files(folder)?;
    if !files.iter().zip(own).all(|(later, own)| later.starts_with(own)) {
        return Err(Fault::new(Code::Tampered, "it does not go on from the log of the backup: it is older, or another history").at(place()));
    }
    let (log, recovery) =
        AuditLog::recover(&files[0], &files[1], &files[2]).map_err(|e| Fault::new(Code::Damaged, e.to_string()).at(place()))?;
    if recovery != Recovery::default() || *log.node() != backup.head.node || *log.key() != backup.signing()?.public() {
        return Err(Fault::new(Code::Tampered, "it is the log of another node or key").at(place()));
    }
    Ok(files)
}

/// Number of entries and root of the log in a directory, everything verified.
pub(super) fn verified(home: &Home) -> Result<(u64, Hash)> {
    let [entries, checkpoints, countersignatures] = journal::read_files(home.dir())?;
    let name = home.dir().display().to_string();
    let files = LogFiles { directory: &name, entries: &entries, checkpoints: &checkpoints, countersignatures: &countersignatures };
    let report = verify(&[files]);
    if let Some(problem) = report.nodes.iter().flat_map(|node| &node.problems).next() {
        return Err(Fault::new(Code::Damaged, format!("{problem:?}")).at("audit"));
    }
    let lines = || entries.split(|b| *b == b'\n').filter(|line| !line.is_empty());
    let alg = lines().next().and_then(|line| yu_governance::audit::Entry::parse(line).ok()).map(|first| first.alg).unwrap_or_default();
    let mut tree = yu_governance::audit::merkle::Frontier::new(alg);
    lines().for_each(|line| tree.push(yu_governance::audit::merkle::leaf(alg, line)));
    Ok((tree.size(), Hash::new(alg, tree.root().0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::Note;
    use yu_governance::audit::{Event, Field};
    use yu_governance::clock::Time;
    use yu_governance::sign::SigningKey;

    #[test]
    fn d3_what_a_later_log_says_is_destroyed_does_not_come_back() {
        let now = Time::from_unix(1_796_000_000);
        let key = SigningKey::from_bytes(&[3; 32]);
        let (mut log, mut bytes) = AuditLog::create("yu://dev/health/n1".parse().unwrap(), key.public(), now).unwrap();
        let dataset = |verb, name: &str| Event::new(verb).with("dataset", Field::Dataset(format!("dev/health/{name}").parse().unwrap()));
        let job = "ab".repeat(32);
        for event in [
            dataset(Verb::DatasetAdded, "visits"),
            dataset(Verb::DatasetAdded, "again"),
            dataset(Verb::DatasetDestroyed, "visits"),
            dataset(Verb::DatasetDestroyed, "again"),
            dataset(Verb::DatasetAdded, "again"),
            Event::new(Verb::WorkingDestroyed).of(&job).unwrap(),
        ] {
            bytes.extend(log.append(event, now).unwrap());
        }
        let tombs = Tombs::of(&bytes, u64::MAX);
        let visits: DatasetId = "dev/health/visits".parse().unwrap();
        let salt = format!("{}00", salt_prefix(&visits));
        for gone in ["ds-dev.health.visits", "consent-dev.health.visits", &salt, &format!("work-{job}-held")] {
            assert!(tombs.have(gone), "{gone}");
        }
        // after the backup: also what came again under the name, and receipts that changed
        for event in [dataset(Verb::ConsentRevoked, "third"), dataset(Verb::ImportDestroyed, "outside")] {
            bytes.extend(log.append(event, now).unwrap());
        }
        let later = Tombs::of(&bytes, 2);
        let outside = crate::quarantine::vault_ids(&"dev/health/outside".parse().unwrap());
        for gone in ["ds-dev.health.again", "consent-dev.health.third", &outside[0]] {
            assert!(later.have(gone), "{gone}");
        }
        assert!(!later.have("ds-dev.health.third"));
        for stays in ["ds-dev.health.again", "ds-dev.health.visits2", "transform-key-x", &format!("work-{}-held", "cd".repeat(32))] {
            assert!(!tombs.have(stays), "{stays}");
        }
    }
}
