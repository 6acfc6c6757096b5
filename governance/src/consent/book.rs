//! All consent records of a provider: who consents at an instant (A15), and records that outlive their consent (L7).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::record::{ConsentRecord, ConsentRevocation, SubjectRef};
use crate::canonical::{Hash, digest, to_canonical};
use crate::clock::Time;
use crate::finding::{Checked, broken, refuse};
use crate::id::{ColumnSet, DatasetId, PartyName, Purpose, Scenario, document_hash};
use crate::sign::{KeyRing, Signed};

/// For what, and at which instant, consent is asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InstantQuery {
    /// Of which data set.
    pub dataset: DatasetId,
    /// In which scenario.
    pub scenario: Scenario,
    /// For which purpose.
    pub purpose: Purpose,
    /// To which items; one record must cover all of them.
    pub items: ColumnSet,
    /// When.
    pub at: Time,
}

/// The subjects that consent at one instant, with the records behind them. No `Debug` of either.
#[derive(Clone, PartialEq, Eq)]
pub struct InstantSet {
    query: InstantQuery,
    subjects: BTreeSet<SubjectRef>,
    hash: Hash,
}

impl InstantSet {
    /// What was asked.
    #[must_use]
    pub const fn query(&self) -> &InstantQuery {
        &self.query
    }

    /// How many subjects.
    #[must_use]
    pub fn len(&self) -> usize {
        self.subjects.len()
    }

    /// Whether nobody consents.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.subjects.is_empty()
    }

    /// Hash of the question and of all records that answer it: a job's contract can bind it, and the provider can show later what it used.
    #[must_use]
    pub const fn hash(&self) -> Hash {
        self.hash
    }

    pub(super) const fn subjects(&self) -> &BTreeSet<SubjectRef> {
        &self.subjects
    }
}

impl std::fmt::Debug for InstantSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("InstantSet").field("subjects", &self.subjects.len()).finish_non_exhaustive()
    }
}

/// Records with what became of them. `attesters` are the nodes that the provider accepts as witnesses of consent.
#[derive(Clone, Default)]
pub struct ConsentBook {
    attesters: BTreeSet<PartyName>,
    records: BTreeMap<Hash, ConsentRecord>,
    /// From when on a consent is void, by hash alone: of records that are here, that are deleted, and that have not come yet.
    /// INVARIANT: nothing is ever taken out, so that no revoked or deleted consent comes back with its old signature.
    voids: BTreeMap<Hash, Time>,
}

impl ConsentBook {
    /// An empty book.
    #[must_use]
    pub const fn new(attesters: BTreeSet<PartyName>) -> Self {
        Self { attesters, records: BTreeMap::new(), voids: BTreeMap::new() }
    }

    /// Takes a record and gives its hash; one that is there already is left as it is. What was revoked or deleted before stays void.
    ///
    /// # Errors
    /// `consent.signature`, `consent.attester-unknown`; what [`ConsentRecord::check`] objects to.
    pub fn add(&mut self, signed: &Signed<ConsentRecord>, keys: &KeyRing) -> Checked<Hash> {
        let record = self.proven(signed, &signed.payload.attester, keys)?;
        let found = record.check();
        if !found.is_empty() {
            return Err(found);
        }
        let hash = document_hash(record).map_err(|e| broken("consent.malformed", &record.attester, &e))?;
        self.records.entry(hash).or_insert_with(|| record.clone());
        Ok(hash)
    }

    /// Takes a revocation; of two, the earlier counts. It cannot be taken back: who consents again gives a new consent. One that
    /// arrives before its record is kept for it.
    ///
    /// # Errors
    /// `consent.signature`, `consent.attester-unknown`, `consent.version-unknown`.
    pub fn revoke(&mut self, signed: &Signed<ConsentRevocation>, keys: &KeyRing) -> Checked<()> {
        let revocation = self.proven(signed, &signed.payload.by, keys)?.clone();
        if revocation.v != 1 {
            let what = ("the revocation has an unknown format", "撤回文件格式无法识别");
            return refuse(
                "consent.version-unknown",
                &revocation.by,
                what,
                ("use the same release of yu on both sides", "双方使用同一版本的 yu"),
            );
        }
        self.void(revocation.consent, revocation.at);
        Ok(())
    }

    /// Remembers when the consent of a record ended that was deleted since: sent again it is as void as it was.
    pub fn remember(&mut self, consent: Hash, from: Time) {
        self.void(consent, from);
    }

    /// When the consent of a record that is here ended or ends.
    #[must_use]
    pub fn ends_at(&self, consent: &Hash) -> Option<Time> {
        self.records.get(consent).map(|record| self.ends(consent, record))
    }

    fn void(&mut self, consent: Hash, from: Time) {
        let at = self.voids.entry(consent).or_insert(from);
        *at = from.min(*at);
    }

    /// First second at which a record is over.
    fn ends(&self, consent: &Hash, record: &ConsentRecord) -> Time {
        self.voids.get(consent).map_or(record.not_after, |at| record.not_after.min(*at))
    }

    fn holds(&self, consent: &Hash, record: &ConsentRecord, now: Time) -> bool {
        record.not_before <= now && now < self.ends(consent, record)
    }

    fn proven<'a, T: crate::sign::SignedType>(&self, signed: &'a Signed<T>, by: &PartyName, keys: &KeyRing) -> Checked<&'a T> {
        if !self.attesters.contains(by) {
            let what = (format!("`{by}` is no witness of consent here"), format!("`{by}` 不是本处认可的授权同意见证方"));
            return refuse("consent.attester-unknown", by, what, ("have an accepted node sign", "由认可的节点签署"));
        }
        signed.verify(keys, &[by.as_str()]).map_err(|e| broken("consent.signature", by, &e))
    }

    /// How many records are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Whether a record is there and holds at `now`.
    #[must_use]
    pub fn valid_at(&self, consent: &Hash, now: Time) -> bool {
        self.records.get(consent).is_some_and(|record| self.holds(consent, record, now))
    }

    /// Who consents at the instant of the query.
    ///
    /// # Errors
    /// `consent.no-items` for a query without items: everybody would seem to consent to nothing.
    pub fn set_at(&self, query: InstantQuery) -> Checked<InstantSet> {
        if query.items.is_empty() {
            let what = ("consent to no item is asked for", "未列明征求同意的数据项");
            return refuse("consent.no-items", query.dataset.organisation(), what, ("name the items", "列明数据项"));
        }
        let fits = |hash: &Hash, r: &ConsentRecord| {
            r.dataset == query.dataset
                && r.scenario == query.scenario
                && r.purpose == query.purpose
                && query.items.beyond(&r.items).is_empty()
                && self.holds(hash, r, query.at)
        };
        let valid: Vec<(&Hash, &ConsentRecord)> = self.records.iter().filter(|(hash, record)| fits(hash, record)).collect();
        let mut bytes = to_canonical(&query).map_err(|e| broken("consent.malformed", query.dataset.organisation(), &e))?;
        bytes.push(0);
        // records in order of their hashes, 32 bytes each, to the end: nothing is ambiguous
        valid.iter().for_each(|(hash, _)| bytes.extend(hash.as_bytes()));
        let subjects = valid.iter().map(|(_, record)| record.subject).collect();
        Ok(InstantSet { query, subjects, hash: digest("yu-consent-instant-v1", &bytes) })
    }

    /// Deletes a record, `months` (profile data) after its consent ended, and not a second earlier (L7). Its hash stays, with the
    /// second at which it ended: the same record, sent again, is as void as it was.
    ///
    /// # Errors
    /// `consent.missing`; `consent.still-valid`; `consent.retention-locked` naming the first second at which it may go.
    pub fn delete(&mut self, consent: &Hash, months: u32, now: Time) -> Checked<()> {
        let Some(record) = self.records.get(consent) else { return missing(consent) };
        let ended = self.ends(consent, record);
        let party = record.attester.clone();
        if now < ended {
            let what = (format!("consent `{consent}` still holds until {ended}"), format!("授权同意 `{consent}` 有效至 {ended}"));
            return refuse("consent.still-valid", party, what, ("revoke it first", "先撤回同意"));
        }
        let until = ended.plus_months(months);
        if now < until {
            let what = (
                format!("the record of consent `{consent}` is kept until {until}"),
                format!("授权同意 `{consent}` 的记录须保存至 {until}"),
            );
            return refuse(
                "consent.retention-locked",
                party,
                what,
                ("wait until then; no role can lift the lock", "到期后再删除；任何角色均无权解锁"),
            );
        }
        self.records.remove(consent);
        self.void(*consent, ended);
        Ok(())
    }
}

impl std::fmt::Debug for ConsentBook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConsentBook").field("records", &self.records.len()).finish_non_exhaustive()
    }
}

fn missing<T>(consent: &Hash) -> Checked<T> {
    let what = (format!("consent `{consent}` is not in the book"), format!("没有授权同意 `{consent}` 的记录"));
    refuse("consent.missing", "consent", what, ("check the hash", "核对哈希"))
}
