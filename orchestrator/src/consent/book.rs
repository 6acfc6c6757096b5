//! The book of consents on a node (A15, L7): every consent and every withdrawal as a signed record under a pseudonymous reference. Receipts with the subjects'
//! own names decide over rows and are destroyed with their data set; the records stay, under lock, until their term of retention is over.
//!
//! A withdrawal counts at the next reading of rows: the receipts are written anew with it, so what peers were told of them holds no longer. A job that runs
//! has committed itself to the set with which it began.

use super::receipts;
use crate::dataset::consent_id;
use crate::fault::{Code, Fault, Result};
use crate::home::write_atomic;
use crate::journal::Note;
use crate::keys::{now, rng};
use crate::node::{Node, payload_hash};
use crate::procedure::law;
use crate::verbs::lines;
use rand::Rng;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};
use std::path::Path;
use yu_governance::audit::{Event, Field, Verb};
use yu_governance::canonical::Hash;
use yu_governance::clock::Time;
use yu_governance::consent::ConsentReceipt;
use yu_governance::consent::book::ConsentBook;
use yu_governance::consent::record::{ConsentEvidence, ConsentRecord, ConsentRevocation, SubjectRef};
use yu_governance::id::{DatasetId, PartyName};
use yu_governance::sign::{Signed, SignedType};
use zeroize::{Zeroize, Zeroizing};

/// Signed records, by data set and hash.
const RECORD: &str = "consent-record";
/// Signed withdrawals, by data set and the hash of what they take back.
const REVOCATION: &str = "consent-revocation";
/// When the consent of a deleted record ended, by data set and its hash: nothing comes back by its old signature.
const VOID: &str = "consent-void";
/// Months that records are kept after their consent ended, where no profile is in force: those of the logs in NB 17.
const MONTHS: u32 = 6;

/// A subject's own name: never in a log, an error or a debugger's line; wiped when dropped.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Subject(pub String);

impl fmt::Debug for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Subject")
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

fn of(node: &Node, dataset: &str) -> Result<DatasetId> {
    let config = node.config();
    let full = if dataset.contains('/') { dataset.to_owned() } else { format!("{}/{}/{dataset}", config.environment, config.organisation) };
    let id: DatasetId = full.parse()?;
    if id.organisation() != config.organisation {
        return Err(Fault::new(Code::Refused, format!("consents to `{id}` are kept by its provider")).party(node.name()));
    }
    Ok(id)
}

/// The salt of the references: it stays as long as the records do.
fn salt(node: &Node, id: &DatasetId) -> Result<Zeroizing<[u8; 32]>> {
    let name = format!("subject-salt-{}", id.as_str().replace('/', "."));
    let mut salt = Zeroizing::new([0_u8; 32]);
    if node.vault().holds(&name) {
        let kept = node.vault().get(&name)?;
        let kept: &[u8; 32] = kept[..].try_into().map_err(|_| Fault::new(Code::Damaged, "the salt of references to subjects"))?;
        salt.copy_from_slice(kept);
    } else {
        rng().fill_bytes(&mut salt[..]);
        node.vault().put(&name, &salt[..])?;
    }
    Ok(salt)
}

fn place(id: &DatasetId, hash: &Hash) -> String {
    format!("{id}#{}", hash.to_hex())
}

fn all<T: serde::de::DeserializeOwned>(node: &Node, kind: &str, id: &DatasetId) -> Result<Vec<(String, T)>> {
    let damaged = |what: &str| Fault::new(Code::Damaged, "a consent of the book does not parse").at(what.to_owned());
    let kept = node.store().objects_from(kind, &format!("{id}#"), &format!("{id}$"))?;
    kept.into_iter().map(|kept| Ok((kept.id.clone(), serde_json::from_str(&kept.json).map_err(|_| damaged(&kept.id))?))).collect()
}

fn damaged(found: Vec<yu_governance::finding::Finding>) -> Fault {
    let what = found.iter().map(|finding| finding.code.as_str()).collect::<Vec<_>>().join(", ");
    Fault::new(Code::Damaged, what).at("book of consents")
}

/// The book of a data set, every signature checked anew.
///
/// # Errors
/// `storage.damaged`.
pub fn load(node: &Node, id: &DatasetId) -> Result<ConsentBook> {
    let ring = node.ring()?;
    let mut book = ConsentBook::new(BTreeSet::from([node.name().parse::<PartyName>()?]));
    for (_, record) in all::<Signed<ConsentRecord>>(node, RECORD, id)? {
        book.add(&record, &ring).map_err(damaged)?;
    }
    for (_, revocation) in all::<Signed<ConsentRevocation>>(node, REVOCATION, id)? {
        book.revoke(&revocation, &ring).map_err(damaged)?;
    }
    for (_, (consent, from)) in all::<(Hash, Time)>(node, VOID, id)? {
        book.remember(consent, from);
    }
    Ok(book)
}

fn signed<T: SignedType>(node: &Node, id: &DatasetId, payload: T, under: Option<Hash>) -> Result<(String, String, String)> {
    let hash = payload_hash(&payload)?;
    let signed = Signed::sign(payload, node.name(), node.signing())?;
    let json = serde_json::to_string(&signed).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
    Ok((place(id, &under.unwrap_or(hash)), hash.to_string(), json))
}

/// What receipts say, as a record.
fn record(node: &Node, id: &DatasetId, receipt: &ConsentReceipt, salt: &[u8; 32], document: Hash) -> Result<ConsentRecord> {
    Ok(ConsentRecord {
        v: 1,
        dataset: id.clone(),
        subject: SubjectRef::new(salt, id, &receipt.subject),
        scenario: receipt.scenario.clone(),
        purpose: receipt.purpose.clone(),
        items: receipt.items.clone(),
        not_before: receipt.not_before,
        not_after: receipt.not_after,
        evidence: ConsentEvidence::Attested { document },
        attester: node.name().parse()?,
        at: receipt.not_before,
    })
}

/// Adds receipts of a file to those of a data set, each with its record.
///
/// # Errors
/// Faults of the file; `not-found` for a data set that is not here; `policy.refused` for somebody else's.
pub fn import(node: &Node, dataset: &str, path: &Path) -> Result<Value> {
    let id = of(node, dataset)?;
    if node.store().dataset(id.as_str())?.is_none() {
        return Err(Fault::new(Code::NotFound, format!("data set `{id}`")).party(node.name()));
    }
    let bytes = Zeroizing::new(std::fs::read(path).map_err(|e| Fault::io(&e, path))?);
    let new = receipts(&path.display().to_string(), &bytes)?;
    // two imports at once would lose one, or make two salts
    let _turn = node.live().ending();
    let (salt, document) = (salt(node, &id)?, Hash::of_file(&bytes));
    let (mut records, mut revocations) = (Vec::with_capacity(new.len()), Vec::new());
    for receipt in &new {
        let record = record(node, &id, receipt, &salt, document)?;
        let found = record.check();
        if !found.is_empty() {
            return Err(Fault::new(Code::Input, damaged(found).detail).at(path.display().to_string()));
        }
        let hash = payload_hash(&record)?;
        if let Some(at) = receipt.revoked_at {
            let revocation = ConsentRevocation { v: 1, consent: hash, by: node.name().parse()?, document, at };
            revocations.push(signed(node, &id, revocation, Some(hash))?);
        }
        records.push(signed(node, &id, record, None)?);
    }
    node.store().put_objects(RECORD, &records, now().unix())?;
    node.store().put_objects(REVOCATION, &revocations, now().unix())?;
    let mut kept = own_receipts(node, &id)?;
    let count = new.len();
    let fresh = missing(&kept, new);
    kept.extend(fresh);
    node.vault().put(&consent_id(&id), &written(&kept))?;
    node.log(
        Event::new(Verb::ConsentRecorded)
            .with("dataset", Field::Dataset(id.clone()))
            .hash("document", &document)
            .count("rows", count as u64),
    )?;
    let say = (format!("{id}: {count} consents are recorded"), format!("{id}：已登记 {count} 份授权同意"));
    Ok(json!({ "dataset": id, "consents": count, "say": lines([say]) }))
}

/// Those that are not there yet.
fn missing(kept: &[ConsentReceipt], new: Vec<ConsentReceipt>) -> Vec<ConsentReceipt> {
    let mut known: BTreeMap<&str, Vec<&ConsentReceipt>> = BTreeMap::new();
    kept.iter().for_each(|receipt| known.entry(&receipt.subject).or_default().push(receipt));
    new.into_iter().filter(|receipt| known.get(receipt.subject.as_str()).is_none_or(|all| !all.contains(&receipt))).collect()
}

fn own_receipts(node: &Node, id: &DatasetId) -> Result<Vec<ConsentReceipt>> {
    let name = consent_id(id);
    if node.vault().holds(&name) { receipts(&name, &node.vault().get(&name)?) } else { Ok(Vec::new()) }
}

/// Receipts as a file of their own kind.
fn written(receipts: &[ConsentReceipt]) -> Zeroizing<Vec<u8>> {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let mut text = Zeroizing::new(String::with_capacity(256 + receipts.len() * 256));
    text.push_str("subject,scenario,purpose,items,not_before,not_after,revoked_at,evidence\n");
    for one in receipts {
        let items = one.items.iter().collect::<Vec<_>>().join("|");
        let revoked = one.revoked_at.map_or_else(String::new, |at| at.to_string());
        let subject = Zeroizing::new(quoted(&one.subject));
        // writing to a text never fails
        let _ = writeln!(
            text,
            "{},{},{},{},{},{},{revoked},{}",
            subject.as_str(),
            quoted(one.scenario.as_str()),
            quoted(one.purpose.as_str()),
            quoted(&items),
            one.not_before,
            one.not_after,
            quoted(&one.evidence)
        );
    }
    Zeroizing::new(text.as_bytes().to_vec())
}

/// A subject takes its consents to a data set back: all of them, or those for one scenario. It holds from now on.
///
/// # Errors
/// `not-found` without a consent that still holds; it does not say whether there ever was one.
pub fn revoke(node: &Node, dataset: &str, subject: &Subject, scenario: Option<&str>, document: Hash) -> Result<Value> {
    let (id, at) = (of(node, dataset)?, now());
    let _turn = node.live().ending();
    let reference = SubjectRef::new(&*salt(node, &id)?, &id, &subject.0);
    let fits = |known: &str| scenario.is_none_or(|wanted| wanted == known);
    let book = load(node, &id)?;
    let mut revocations = Vec::new();
    for (_, record) in all::<Signed<ConsentRecord>>(node, RECORD, &id)? {
        let record = record.payload;
        let hash = payload_hash(&record)?;
        let is_over = book.ends_at(&hash).is_none_or(|end| end <= at);
        if record.subject == reference && fits(record.scenario.as_str()) && !is_over {
            let revocation = ConsentRevocation { v: 1, consent: hash, by: node.name().parse()?, document, at };
            revocations.push(signed(node, &id, revocation, Some(hash))?);
        }
    }
    let mut receipts = own_receipts(node, &id)?;
    let mut changed = 0_usize;
    for receipt in receipts.iter_mut().filter(|receipt| receipt.subject == subject.0 && fits(receipt.scenario.as_str())) {
        if receipt.revoked_at.is_none_or(|known| at < known) && at < receipt.not_after {
            receipt.revoked_at = Some(at);
            changed += 1;
        }
    }
    if revocations.is_empty() && changed == 0 {
        return Err(Fault::new(Code::NotFound, format!("no consent of this subject to `{id}` holds")).party(node.name()));
    }
    node.store().put_objects(REVOCATION, &revocations, at.unix())?;
    if changed > 0 {
        node.vault().put(&consent_id(&id), &written(&receipts))?;
    }
    let count = revocations.len().max(changed);
    node.log(
        Event::new(Verb::ConsentRevoked)
            .with("dataset", Field::Dataset(id.clone()))
            .hash("document", &document)
            .count("rows", count as u64),
    )?;
    let say =
        (format!("{id}: {count} consents end {at}, from the next run on"), format!("{id}：{count} 份授权同意于 {at} 撤回，下次运行起生效"));
    Ok(json!({ "dataset": id, "revoked": count, "say": lines([say]) }))
}

/// Counts, and how long records are locked; no subject, and no reference to one.
///
/// # Errors
/// `storage.damaged`.
pub fn list(node: &Node, dataset: &str) -> Result<Value> {
    let (id, at) = (of(node, dataset)?, now());
    let book = load(node, &id)?;
    let months = months(node)?;
    let (mut valid, mut locked, mut free) = (0_u64, 0_u64, 0_u64);
    for (_, record) in all::<Signed<ConsentRecord>>(node, RECORD, &id)? {
        let hash = payload_hash(&record.payload)?;
        let end = book.ends_at(&hash).unwrap_or(record.payload.not_after);
        let count = if book.valid_at(&hash, at) {
            &mut valid
        } else if at < end.plus_months(months) {
            &mut locked
        } else {
            &mut free
        };
        *count += 1;
    }
    let say = (
        format!("{id}: {valid} consents hold, {locked} are over and locked for {months} months, {free} may be deleted"),
        format!("{id}：有效 {valid} 份；已失效并锁定保存 {months} 个月的 {locked} 份；可删除 {free} 份"),
    );
    Ok(json!({ "dataset": id, "valid": valid, "locked": locked, "free": free, "months": months, "say": lines([say]) }))
}

fn months(node: &Node) -> Result<u32> {
    Ok(law::in_force(node)?.map_or(MONTHS, |law| law.rules().log_retention.value.0.max(MONTHS)))
}

/// All records and withdrawals with their signatures, a line each, for whoever inspects them; references only.
///
/// # Errors
/// `file.exists`; `storage.failed`.
pub fn export(node: &Node, dataset: &str, out: &Path) -> Result<Value> {
    let id = of(node, dataset)?;
    if out.exists() {
        return Err(Fault::new(Code::Exists, "a file is not overwritten").at(out.display().to_string()));
    }
    let (records, revocations) = (all::<Value>(node, RECORD, &id)?, all::<Value>(node, REVOCATION, &id)?);
    let mut text = String::new();
    for (_, signed) in records.iter().chain(&revocations) {
        let _ = writeln!(text, "{signed}");
    }
    write_atomic(out, text.as_bytes(), 0o600)?;
    let (records, revocations) = (records.len(), revocations.len());
    let say = (
        format!("{}: {records} consents, {revocations} withdrawals", out.display()),
        format!("{}：授权同意 {records} 份，撤回 {revocations} 份", out.display()),
    );
    Ok(json!({ "consents": records, "withdrawals": revocations, "say": lines([say]) }))
}

/// Deletes records whose term of retention is over, and no others; no role lifts the lock.
///
/// # Errors
/// `policy.refused` naming the first second at which something may go, when nothing may.
pub fn delete(node: &Node, dataset: &str) -> Result<Value> {
    let (id, at, months) = (of(node, dataset)?, now(), months(node)?);
    let _turn = node.live().ending();
    let mut book = load(node, &id)?;
    let (mut gone, mut locked) = (0_u64, None);
    for (name, record) in all::<Signed<ConsentRecord>>(node, RECORD, &id)? {
        let hash = payload_hash(&record.payload)?;
        let end = book.ends_at(&hash).unwrap_or(record.payload.not_after);
        match book.delete(&hash, months, at) {
            Ok(()) => {
                let json = serde_json::to_string(&(hash, end)).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
                node.store().put_object(VOID, &place(&id, &hash), "", &json, at.unix())?;
                node.store().remove_object(RECORD, &name)?;
                node.store().remove_object(REVOCATION, &name)?;
                gone += 1;
            }
            Err(found) => locked = locked.or_else(|| found.into_iter().next()),
        }
    }
    if gone == 0
        && let Some(finding) = locked
    {
        return Err(Fault::from(&finding));
    }
    let say = (format!("{id}: {gone} records are deleted"), format!("{id}：已删除 {gone} 份记录"));
    Ok(json!({ "dataset": id, "deleted": gone, "say": lines([say]) }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a15_receipts_are_written_as_they_are_read_and_names_are_not_shown() {
        let text = "resident_id,scenario,purpose,items,not_before,not_after,revoked_at,evidence\n\
            \"a,\"\"b\",credit,research,visits;cost,2026-01-01T00:00:00Z,2027-01-01T00:00:00Z,,form 7\n\
            c,credit,research,visits,2026-01-01T00:00:00Z,2027-01-01T00:00:00Z,2026-06-01T00:00:00Z,\n";
        let first = receipts("x.csv", text.as_bytes()).unwrap();
        assert_eq!((first.len(), first[0].subject.as_str()), (2, "a,\"b"));
        let again = receipts("y.csv", &written(&first)).unwrap();
        assert!(first == again);
        assert!(missing(&first, again).is_empty());
        assert_eq!(missing(&first[..1], first.clone()).len(), 1);
        assert_eq!(format!("{:?}", Subject("110101199003074514".into())), "Subject");
    }
}
