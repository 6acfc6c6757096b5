//! The catalogue of data products (数据产品目录), K8: what is listed (上架), since when, and what was de-listed (下架).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::changes::{ChangeKind, ChangeLog, Delta};
use super::record::Registration;
use crate::canonical::{Hash, u64_string};
use crate::clock::Time;
use crate::finding::{Checked, Finding, broken, refuse};
use crate::id::{DatasetId, ProductId, Scenario, document_hash};
use crate::sign::SignedType;
use crate::text::Text;

/// Kinds of products (O1); which of them a jurisdiction knows is an argument.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProductKind {
    /// 数据产品包.
    DataPackage,
    /// 数据模型.
    Model,
    /// 数据接口.
    Interface,
    /// 数据服务.
    Service,
    /// 数据报告.
    Report,
    /// 业务服务.
    BusinessService,
}

impl ProductKind {
    /// The word used in documents.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DataPackage => "data-package",
            Self::Model => "model",
            Self::Interface => "interface",
            Self::Service => "service",
            Self::Report => "report",
            Self::BusinessService => "business-service",
        }
    }
}

/// One version of one product. A change of model, code, sources or scenario is a new version with a new review (O2).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProductEntry {
    /// Format version, 1.
    pub v: u32,
    /// The product.
    pub product: ProductId,
    /// Version, from 1.
    #[serde(with = "u64_string")]
    pub number: u64,
    /// Its name.
    pub name: Text,
    /// What it does.
    #[serde(rename = "abstract")]
    pub summary: Text,
    /// What it is.
    pub kind: ProductKind,
    /// The one scenario it serves (A18).
    pub scenario: Scenario,
    /// Public data that it rests on; empty for a product of own sources (O10).
    pub sources: BTreeSet<DatasetId>,
    /// Hash of what is delivered.
    pub content: Hash,
    /// Hash of the signed decision that let it out (O2).
    pub decision: Hash,
    /// Registrations, for example of data intellectual property (O8).
    pub registrations: Vec<Registration>,
}

impl SignedType for ProductEntry {
    const TYPE: &'static str = "product-entry-v1";
}

/// Why a product was taken down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Delisting {
    /// By its owner.
    Owner,
    /// By order of the authority.
    Order,
    /// Its authorisation ended.
    AuthorisationEnded,
    /// A source was withdrawn (A21).
    SourceWithdrawn,
    /// A newer version replaces it.
    Replaced,
}

impl Delisting {
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Owner => ("by its owner", "所有者下架"),
            Self::Order => ("by order of the authority", "主管部门责令下架"),
            Self::AuthorisationEnded => ("because its authorisation ended", "授权终止"),
            Self::SourceWithdrawn => ("because a source was withdrawn", "来源数据停止供给"),
            Self::Replaced => ("because a newer version replaces it", "被新版本替代"),
        }
    }
}

/// Whether a version may be called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Listing {
    /// It may.
    Listed {
        /// Since when.
        at: Time,
    },
    /// No longer, and never again in this version.
    Delisted {
        /// Since when.
        at: Time,
        /// Why.
        reason: Delisting,
    },
}

/// How the versions of a catalogue are numbered.
#[derive(Clone, Copy)]
enum Numbers {
    /// Each that is listed is the next.
    OneByOne,
    /// Some were offered and not listed.
    Rising,
}

/// All products that were ever listed.
#[derive(Debug, Clone, Default)]
pub struct ProductCatalogue {
    products: BTreeMap<ProductId, Vec<(ProductEntry, Listing)>>,
    log: ChangeLog,
}

impl ProductCatalogue {
    /// An empty catalogue.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Lists a version; the one before is de-listed as replaced. `decision` is the hash of the decision that the caller has
    /// verified for exactly this content; `kinds` are those that the jurisdiction knows as products (O1).
    ///
    /// # Errors
    /// All at once: `product.not-released`, `product.kind`, `product.version`, `product.field-missing`, `product.registration-blank`.
    pub fn list(&mut self, entry: ProductEntry, decision: &Hash, kinds: &BTreeSet<ProductKind>, at: Time) -> Checked<u64> {
        self.enter(entry, decision, kinds, Numbers::OneByOne, at)
    }

    /// The same where versions in between were offered and never listed.
    ///
    /// # Errors
    /// Those of [`Self::list`].
    pub fn list_later(&mut self, entry: ProductEntry, decision: &Hash, kinds: &BTreeSet<ProductKind>, at: Time) -> Checked<u64> {
        self.enter(entry, decision, kinds, Numbers::Rising, at)
    }

    fn enter(&mut self, entry: ProductEntry, decision: &Hash, kinds: &BTreeSet<ProductKind>, numbers: Numbers, at: Time) -> Checked<u64> {
        let found = self.objections(&entry, decision, kinds, numbers);
        if !found.is_empty() {
            return Err(found);
        }
        let owner = entry.product.organisation().to_owned();
        let malformed = |e: crate::Error| broken("product.malformed", &owner, &e);
        let hash = document_hash(&entry).map_err(malformed)?;
        let versions = self.products.get(&entry.product);
        let kind = if versions.is_some() { ChangeKind::Changed } else { ChangeKind::Added };
        let sentence = Text::new(
            format!("version {} of {} `{}` is listed", entry.number, entry.kind.as_str(), entry.name.en),
            format!("产品“{}”第 {} 版上架", entry.name.zh, entry.number),
        );
        let revision = self.log.append(entry.product.as_str(), kind, hash, vec![sentence], at).map_err(malformed)?;
        let versions = self.products.entry(entry.product.clone()).or_default();
        if let Some((_, listing @ Listing::Listed { .. })) = versions.last_mut() {
            *listing = Listing::Delisted { at, reason: Delisting::Replaced };
        }
        versions.push((entry, Listing::Listed { at }));
        Ok(revision)
    }

    fn objections(&self, entry: &ProductEntry, decision: &Hash, kinds: &BTreeSet<ProductKind>, numbers: Numbers) -> Vec<Finding> {
        let id = &entry.product;
        let last = self.products.get(id).and_then(|v| v.last()).map_or(0, |(e, _)| e.number);
        let kind = entry.kind.as_str();
        let rules = [
            (
                entry.decision == *decision,
                "product.not-released",
                ("rests on another decision than the one at hand".to_owned(), "所依据的决定与现有决定不符".to_owned()),
                ("have this version reviewed and released first", "先完成该版本的出域审核"),
            ),
            (
                kinds.contains(&entry.kind),
                "product.kind",
                (format!("is a {kind}, which this jurisdiction does not list"), format!("类型为 {kind}，本地区不予上架")),
                ("offer it as another kind", "以其他类型提供"),
            ),
            (
                entry.v == 1
                    && match numbers {
                        Numbers::OneByOne => last.checked_add(1) == Some(entry.number),
                        Numbers::Rising => entry.number > last,
                    },
                "product.version",
                (format!("is version {} after version {last}", entry.number), format!("版本号为 {}，前版为 {last}", entry.number)),
                ("number versions one by one", "版本号须逐一递增"),
            ),
            (
                !entry.name.is_blank() && !entry.summary.is_blank(),
                "product.field-missing",
                ("lacks name or abstract in one of the languages".to_owned(), "缺少中文或英文的名称或摘要".to_owned()),
                ("fill in both languages", "补全中英文"),
            ),
            (
                entry.registrations.iter().all(Registration::is_complete),
                "product.registration-blank",
                ("has a registration without number or registry".to_owned(), "的登记缺少编号或登记机构".to_owned()),
                ("fill in both, or leave the registration out", "补全两项，或不填登记"),
            ),
        ];
        let broken = rules.into_iter().filter(|(holds, ..)| !holds);
        broken
            .map(|(_, code, (en, zh), remedy)| {
                Finding::new(code, id.organisation(), (format!("`{id}` {en}"), format!("`{id}` {zh}")), remedy)
            })
            .collect()
    }

    /// Takes the present version down.
    ///
    /// # Errors
    /// `product.missing`; `product.not-listed` if it is down already.
    pub fn delist(&mut self, product: &ProductId, reason: Delisting, at: Time) -> Checked<u64> {
        let owner = product.organisation();
        let Some((entry, listing)) = self.products.get_mut(product).and_then(|v| v.last_mut()) else {
            let what = (format!("`{product}` is not in the product catalogue"), format!("产品目录中没有 `{product}`"));
            return refuse("product.missing", owner, what, ("check the name", "核对名称"));
        };
        if !matches!(listing, Listing::Listed { .. }) {
            let what = (format!("`{product}` is not listed"), format!("`{product}` 未在架"));
            return refuse("product.not-listed", owner, what, ("nothing is to be done", "无需操作"));
        }
        let malformed = |e: crate::Error| broken("product.malformed", owner, &e);
        let hash = document_hash(entry).map_err(malformed)?;
        let (en, zh) = reason.words();
        let sentence = Text::new(format!("version {} was de-listed {en}", entry.number), format!("第 {} 版下架：{zh}", entry.number));
        let revision = self.log.append(product.as_str(), ChangeKind::Withdrawn, hash, vec![sentence], at).map_err(malformed)?;
        *listing = Listing::Delisted { at, reason };
        Ok(revision)
    }

    /// The version that may be called at `now`, if any.
    #[must_use]
    pub fn listed(&self, product: &ProductId, now: Time) -> Option<&ProductEntry> {
        let (entry, listing) = self.products.get(product)?.last()?;
        matches!(listing, Listing::Listed { at } if *at <= now).then_some(entry)
    }

    /// All versions of a product with their states, oldest first.
    #[must_use]
    pub fn history(&self, product: &ProductId) -> &[(ProductEntry, Listing)] {
        self.products.get(product).map_or(&[], Vec::as_slice)
    }

    /// Listed products that rest on a data set: those affected when it is withdrawn (A21).
    #[must_use]
    pub fn resting_on(&self, dataset: &DatasetId) -> Vec<&ProductId> {
        let listed = self.products.iter().filter_map(|(id, versions)| versions.last().map(|last| (id, last)));
        listed
            .filter(|(_, (entry, listing))| matches!(listing, Listing::Listed { .. }) && entry.sources.contains(dataset))
            .map(|(id, _)| id)
            .collect()
    }

    /// What happened after `revision`.
    ///
    /// # Errors
    /// `catalogue.revision-future` if there is no such revision yet.
    pub fn changes_since(&self, revision: u64) -> Checked<Delta> {
        self.log.since(revision)
    }
}
