//! The platform's catalogue (K2): published versions of every data set, what the public sees of them, and subscriptions.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::changes::{ChangeKind, ChangeLog, Delta};
use super::diff::diff;
use super::record::{CatalogueRecord, Freshness, Lowering, OriginLevel};
use super::{Class, Column, Subjects};
use crate::canonical::{Hash, u64_string};
use crate::clock::Time;
use crate::finding::{Checked, Finding, broken, refuse};
use crate::id::{DatasetId, PartyName, document_hash};
use crate::quality::metrics::Metrics;
use crate::sign::{KeyRing, Signed};
use crate::text::Text;

/// Whether a data set may be used for new jobs (A21).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "supply", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Supply {
    /// It may.
    Available,
    /// The data organs have withdrawn it.
    Withdrawn {
        /// From when on.
        at: Time,
        /// Why.
        reason: Text,
    },
}

#[derive(Debug, Clone)]
struct Shelf {
    versions: Vec<(Hash, CatalogueRecord)>,
    supply: Supply,
}

/// What the public sees: no hash of the content (a small file could be guessed from it), no row of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicEntry {
    /// The data set.
    pub dataset: DatasetId,
    /// Catalogue name in both languages.
    pub name: Text,
    /// Provider.
    pub provider: PartyName,
    /// Abstract in both languages.
    #[serde(rename = "abstract")]
    pub summary: Text,
    /// Items.
    pub items: Vec<Column>,
    /// Update frequency.
    pub update_frequency: String,
    /// Rows.
    #[serde(with = "u64_string")]
    pub rows: u64,
    /// At whom rows point.
    pub subjects: Subjects,
    /// Level of origin.
    pub level: OriginLevel,
    /// Registration number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registration: Option<String>,
    /// The four metrics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<Metrics>,
    /// Whether a sampled and masked derivative can be had.
    pub has_sample: bool,
    /// Whether simulated data can be had (K7).
    pub has_simulated: bool,
    /// Version of the record.
    #[serde(with = "u64_string")]
    pub number: u64,
}

/// All published records.
#[derive(Debug, Clone, Default)]
pub struct Catalogue {
    shelves: BTreeMap<DatasetId, Shelf>,
    log: ChangeLog,
}

impl Catalogue {
    /// An empty catalogue.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Publishes a version that its provider signed and gives the catalogue's new revision.
    ///
    /// # Errors
    /// `catalogue.signature`; everything that [`CatalogueRecord::check`] objects to; `catalogue.version-chain` if it does not follow the
    /// present version; `catalogue.lowered` if it lowers level or class ([`Catalogue::publish_lowered`]); `catalogue.unchanged` if nothing
    /// differs. Prohibited data are refused in a first version (A6). A later version that says so is taken, and takes the data set out of
    /// supply and public view at once: refusing it would keep open what has to be closed.
    pub fn publish(&mut self, signed: &Signed<CatalogueRecord>, keys: &KeyRing) -> Checked<u64> {
        let provider = &signed.payload.entry.provider;
        let record = signed.verify(keys, &[provider.as_str()]).map_err(|e| broken("catalogue.signature", provider, &e))?;
        self.enter(record, Lowering::ByProvider)
    }

    /// The same for a version that the authority signed as well: it may lower level of origin and classes (A16, A17).
    ///
    /// # Errors
    /// Those of [`Catalogue::publish`] except `catalogue.lowered`; `catalogue.one-signer` if the authority is of the provider's organisation.
    pub fn publish_lowered(&mut self, signed: &Signed<CatalogueRecord>, authority: &PartyName, keys: &KeyRing) -> Checked<u64> {
        let provider = &signed.payload.entry.provider;
        if provider.organisation() == authority.organisation() {
            let what = (format!("`{authority}` is the provider itself"), format!("`{authority}` 即提供单位自身"));
            return refuse("catalogue.one-signer", authority, what, ("have the authority sign", "由主管部门会签"));
        }
        let both = [provider.as_str(), authority.as_str()];
        let record = signed.verify(keys, &both).map_err(|e| broken("catalogue.signature", provider, &e))?;
        self.enter(record, Lowering::ByAuthority)
    }

    fn enter(&mut self, record: &CatalogueRecord, lowering: Lowering) -> Checked<u64> {
        let provider = record.entry.provider.clone();
        let mut found = record.check();
        let before = self.shelves.get(&record.entry.dataset).and_then(|shelf| shelf.versions.last());
        let sentences = match before {
            Some((_, before)) => {
                found.retain(|f| f.code != "catalogue.prohibited");
                found.extend(record.check_follows(before, lowering));
                let sentences = diff(before, record);
                if sentences.is_empty() && found.is_empty() {
                    found.push(unchanged(record));
                }
                sentences
            }
            None => {
                if record.number != 1 {
                    found.push(first(record));
                }
                vec![Text::new("the data set is new in the catalogue", "新编入目录")]
            }
        };
        if !found.is_empty() {
            return Err(found);
        }
        let is_closed = record.entry.is_closed();
        let kind = match before {
            Some(_) if is_closed => ChangeKind::Withdrawn,
            Some(_) => ChangeKind::Changed,
            None => ChangeKind::Added,
        };
        let hash = document_hash(record).map_err(|e| broken("catalogue.malformed", &provider, &e))?;
        let revision = self
            .log
            .append(record.entry.dataset.as_str(), kind, hash, sentences, record.at)
            .map_err(|e| broken("catalogue.malformed", &provider, &e))?;
        let shelf = self.shelves.entry(record.entry.dataset.clone());
        let shelf = shelf.or_insert_with(|| Shelf { versions: Vec::new(), supply: Supply::Available });
        shelf.versions.push((hash, record.clone()));
        if is_closed && shelf.supply == Supply::Available {
            shelf.supply = Supply::Withdrawn { at: record.at, reason: Text::new("opening is forbidden (A6)", "禁止开放（A6）") };
        }
        Ok(revision)
    }

    /// Takes a data set out of supply (A21): no new job may use it; its history stays. The caller has checked who signs.
    ///
    /// # Errors
    /// `catalogue.missing`; `catalogue.reason-missing`; `catalogue.withdrawn` if it is already out.
    pub fn withdraw(&mut self, dataset: &DatasetId, reason: Text, at: Time) -> Checked<u64> {
        if reason.is_blank() {
            return refuse(
                "catalogue.reason-missing",
                dataset.organisation(),
                (format!("`{dataset}` is withdrawn without a reason"), format!("撤回 `{dataset}` 未说明理由")),
                ("give the reason in both languages", "以中英文说明理由"),
            );
        }
        let sentence = Text::new(format!("supply was withdrawn: {}", reason.en), format!("停止供给：{}", reason.zh));
        self.switch(dataset, Supply::Withdrawn { at, reason }, ChangeKind::Withdrawn, sentence, at)
    }

    /// Puts a withdrawn data set back into supply.
    ///
    /// # Errors
    /// `catalogue.missing`; `catalogue.available` if it is not withdrawn; `catalogue.prohibited` while its present version is closed to
    /// opening (A6).
    pub fn restore(&mut self, dataset: &DatasetId, at: Time) -> Checked<u64> {
        if self.record(dataset).is_some_and(|record| record.entry.is_closed()) {
            let what = (format!("`{dataset}` is closed to opening"), format!("`{dataset}` 属于禁止开放的数据"));
            let remedy = ("publish a version without the closed columns first", "先发布不含禁止开放列的版本");
            return refuse("catalogue.prohibited", dataset.organisation(), what, remedy);
        }
        self.switch(dataset, Supply::Available, ChangeKind::Restored, Text::new("supply was resumed", "恢复供给"), at)
    }

    fn switch(&mut self, dataset: &DatasetId, to: Supply, kind: ChangeKind, sentence: Text, at: Time) -> Checked<u64> {
        let Some((shelf, hash)) = self.shelves.get_mut(dataset).and_then(|s| s.versions.last().map(|(h, _)| *h).map(|h| (s, h))) else {
            return missing(dataset);
        };
        let (was, code, en, zh) = match shelf.supply {
            Supply::Available => (true, "catalogue.available", "is in supply already", "已在供给中"),
            Supply::Withdrawn { .. } => (false, "catalogue.withdrawn", "is withdrawn already", "已停止供给"),
        };
        if was == (to == Supply::Available) {
            let what = (format!("`{dataset}` {en}"), format!("`{dataset}` {zh}"));
            return refuse(code, dataset.organisation(), what, ("nothing is to be done", "无需操作"));
        }
        let revision = self
            .log
            .append(dataset.as_str(), kind, hash, vec![sentence], at)
            .map_err(|e| broken("catalogue.malformed", dataset.organisation(), &e))?;
        shelf.supply = to;
        Ok(revision)
    }

    /// The present record, withdrawn or not.
    #[must_use]
    pub fn record(&self, dataset: &DatasetId) -> Option<&CatalogueRecord> {
        self.shelves.get(dataset).and_then(|shelf| shelf.versions.last()).map(|(_, record)| record)
    }

    /// The present record with its supply.
    #[must_use]
    pub fn present(&self, dataset: &DatasetId) -> Option<(&CatalogueRecord, &Supply)> {
        let shelf = self.shelves.get(dataset)?;
        shelf.versions.last().map(|(_, record)| (record, &shelf.supply))
    }

    /// The record of one version number.
    #[must_use]
    pub fn version(&self, dataset: &DatasetId, number: u64) -> Option<&CatalogueRecord> {
        let index = usize::try_from(number.checked_sub(1)?).ok()?;
        self.shelves.get(dataset)?.versions.get(index).map(|(_, record)| record)
    }

    /// Whether it is in supply; `None` for an unknown data set.
    #[must_use]
    pub fn supply(&self, dataset: &DatasetId) -> Option<&Supply> {
        self.shelves.get(dataset).map(|shelf| &shelf.supply)
    }

    /// What changed between two versions, in sentences.
    ///
    /// # Errors
    /// `catalogue.missing` if one of them is not there.
    pub fn diff(&self, dataset: &DatasetId, from: u64, to: u64) -> Checked<Vec<Text>> {
        match (self.version(dataset, from), self.version(dataset, to)) {
            (Some(old), Some(new)) => Ok(diff(old, new)),
            _ => missing(dataset),
        }
    }

    /// Present records in order of their names, withdrawn ones included.
    pub fn records(&self) -> impl Iterator<Item = &CatalogueRecord> {
        self.shelves.values().filter_map(|shelf| shelf.versions.last()).map(|(_, record)| record)
    }

    /// What the public sees (K2): data sets in supply, without data.
    #[must_use]
    pub fn public_view(&self) -> Vec<PublicEntry> {
        let shown = self.shelves.values().filter(|shelf| shelf.supply == Supply::Available);
        shown.filter_map(|shelf| shelf.versions.last()).map(|(_, record)| public(record)).collect()
    }

    /// Data sets that are not linked, or whose renewal is overdue at `now` (K3).
    #[must_use]
    pub fn neglected(&self, now: Time, grace_days: u32) -> Vec<(&DatasetId, Freshness)> {
        self.records()
            .map(|r| (&r.entry.dataset, r.freshness(now, grace_days)))
            .filter(|(_, f)| matches!(f, Freshness::Stale { .. } | Freshness::NotHooked))
            .collect()
    }

    /// Latest revision.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.log.revision()
    }

    /// What happened after `revision`, for a subscriber that has it.
    ///
    /// # Errors
    /// `catalogue.revision-future` if there is no such revision yet.
    pub fn changes_since(&self, revision: u64) -> Checked<Delta> {
        self.log.since(revision)
    }
}

fn public(record: &CatalogueRecord) -> PublicEntry {
    let (name, summary) = record.titles();
    let e = &record.entry;
    PublicEntry {
        dataset: e.dataset.clone(),
        name,
        provider: e.provider.clone(),
        summary,
        // `check` keeps prohibited columns out; the view does not rest on that
        items: e.items.iter().filter(|c| c.class != Class::Prohibited).cloned().collect(),
        update_frequency: e.update_frequency.clone(),
        rows: e.rows,
        subjects: e.subjects,
        level: record.level,
        registration: record.registration.as_ref().map(|r| r.number.clone()),
        quality: record.quality,
        has_sample: record.sample.is_some(),
        has_simulated: record.simulated.is_some(),
        number: record.number,
    }
}

fn missing<T>(dataset: &DatasetId) -> Checked<T> {
    refuse(
        "catalogue.missing",
        dataset.organisation(),
        (format!("`{dataset}`, or the version asked for, is not in the catalogue"), format!("目录中没有 `{dataset}` 或所询版本")),
        ("have it catalogued first, or ask for a version that exists", "先编入目录，或查询已有版本"),
    )
}

fn first(record: &CatalogueRecord) -> Finding {
    let name = &record.entry.dataset;
    let what = (format!("`{name}` is new, so its version is 1"), format!("`{name}` 为新编目录，版本号应为 1"));
    Finding::new("catalogue.version-chain", &record.entry.provider, what, ("publish version 1 first", "先发布第 1 版"))
}

fn unchanged(record: &CatalogueRecord) -> Finding {
    let name = &record.entry.dataset;
    let what = (format!("this version of `{name}` differs in nothing from the present one"), format!("`{name}` 的该版本与现行版本无差异"));
    Finding::new("catalogue.unchanged", &record.entry.provider, what, ("publish a version when something changes", "有变更时再发布"))
}
