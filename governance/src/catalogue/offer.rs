//! A version of a product as its owner offers it, and its review (O1, O6, O8, O10; ZW 23).
//!
//! What a kind of product has to say about itself differs: [`Form`]. What a version is made of is fixed by its [`Contents`]; any change of model,
//! code, sources or purpose is a new version, and a new version changes one of them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::product::{Delisting, ProductEntry, ProductKind};
use super::record::Registration;
use crate::canonical::{Hash, u64_string};
use crate::clock::Time;
use crate::finding::{Checked, Finding, broken, unless};
use crate::id::{DatasetId, JobId, PartyName, ProductId, Scenario, document_hash};
use crate::lineage::version::changed;
use crate::profile::{ProductCheck, ProductKind as Named, ProductKinds};
use crate::sign::{Signed, SignedType};
use crate::text::Text;
use crate::workflow::Arrow;
use crate::workflow::product::{Case, Contents};

/// What a kind of product says about itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "form", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Form {
    /// 数据产品包: rows that a job made of others; raw rows are none (O4).
    DataPackage {
        /// The job that de-identified them.
        job: JobId,
        /// Its columns.
        columns: BTreeSet<String>,
        /// Its rows.
        #[serde(with = "u64_string")]
        rows: u64,
    },
    /// 数据模型.
    Model {
        /// Format of the file.
        format: String,
        /// Hash of the report on attacks against it (O5).
        gate: Hash,
    },
    /// 数据接口.
    Interface {
        /// Hash of its description, for example OpenAPI.
        description: Hash,
        /// Most subjects that one call may ask about.
        #[serde(with = "u64_string")]
        subjects_per_call: u64,
    },
    /// 数据服务.
    Service {
        /// Hash of its description.
        description: Hash,
        /// What it promises.
        level: Text,
    },
    /// 数据报告.
    Report {
        /// The job whose result it tells.
        job: JobId,
    },
    /// 业务服务.
    BusinessService {
        /// Hash of its description.
        description: Hash,
        /// What the customer gets.
        delivers: Text,
    },
}

impl Form {
    /// The kind.
    #[must_use]
    pub const fn kind(&self) -> ProductKind {
        match self {
            Self::DataPackage { .. } => ProductKind::DataPackage,
            Self::Model { .. } => ProductKind::Model,
            Self::Interface { .. } => ProductKind::Interface,
            Self::Service { .. } => ProductKind::Service,
            Self::Report { .. } => ProductKind::Report,
            Self::BusinessService { .. } => ProductKind::BusinessService,
        }
    }

    /// What is missing or cannot be meant.
    fn lacks(&self) -> Option<(&'static str, &'static str)> {
        let said = |text: &Text| !text.is_blank();
        match self {
            Self::DataPackage { columns, rows, .. }
                if *rows == 0 || columns.is_empty() || columns.iter().any(|name| name.trim().is_empty()) =>
            {
                Some(("a data package states its columns and rows", "数据产品包须注明列与行数"))
            }
            Self::Model { format, .. } if format.trim().is_empty() => Some(("a model states its format", "数据模型须注明格式")),
            Self::Interface { subjects_per_call: 0, .. } => {
                Some(("an interface states how many subjects a call may ask about", "数据接口须注明单次调用可查询的主体数"))
            }
            Self::Service { level, .. } if !said(level) => {
                Some(("a service states what it promises, in both languages", "数据服务须以中英文注明服务水平"))
            }
            Self::BusinessService { delivers, .. } if !said(delivers) => {
                Some(("a business service states what it delivers, in both languages", "业务服务须以中英文注明交付内容"))
            }
            _ => None,
        }
    }
}

/// The kind by the profile's name for it.
#[must_use]
pub const fn named(kind: ProductKind) -> Named {
    match kind {
        ProductKind::DataPackage => Named::DataPackage,
        ProductKind::Model => Named::Model,
        ProductKind::Interface => Named::Interface,
        ProductKind::Service => Named::Service,
        ProductKind::Report => Named::Report,
        ProductKind::BusinessService => Named::BusinessService,
    }
}

/// One version, signed by its owner before anybody reviews it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProductVersion {
    /// Format version, 1.
    pub v: u32,
    /// Its owner's node; signs.
    pub owner: PartyName,
    /// The product.
    pub product: ProductId,
    /// Version, from 1.
    #[serde(with = "u64_string")]
    pub number: u64,
    /// Hash of the version before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Hash>,
    /// Its name.
    pub name: Text,
    /// What it does.
    #[serde(rename = "abstract")]
    pub summary: Text,
    /// What its kind says about itself.
    pub form: Form,
    /// The one scenario it serves (A18).
    pub scenario: Scenario,
    /// Public data that it rests on; empty for a product of own sources (O10).
    pub sources: BTreeSet<DatasetId>,
    /// Model, code, versions of the sources, purpose.
    pub contents: Contents,
}

impl SignedType for ProductVersion {
    const TYPE: &'static str = "product-version-v1";
}

impl ProductVersion {
    /// Name of its procedure: each version has one of its own (O2).
    #[must_use]
    pub fn object(&self) -> String {
        format!("{}:{}", self.product, self.number)
    }

    /// Its entry in the catalogue under a decision.
    #[must_use]
    pub fn entry(&self, decision: Hash, registrations: Vec<Registration>) -> ProductEntry {
        ProductEntry {
            v: 1,
            product: self.product.clone(),
            number: self.number,
            name: self.name.clone(),
            summary: self.summary.clone(),
            kind: self.form.kind(),
            scenario: self.scenario.clone(),
            sources: self.sources.clone(),
            content: self.contents.model,
            decision,
            registrations,
        }
    }

    /// Everything that keeps it from being reviewed.
    ///
    /// # Errors
    /// All at once: `product.format`, `product.owner`, `product.kind`, `product.kind-undecided` for what the text leaves open, `product.form`,
    /// `product.field-missing`, `product.version`, `product.no-change` for a new version in which nothing is new, `product.sources` if public data
    /// are named without versions or versions without names.
    pub fn check(&self, before: Option<&Self>, kinds: &ProductKinds) -> Checked<()> {
        let (kind, last) = (named(self.form.kind()), before.map_or(0, |before| before.number));
        let hash = before.map(document_hash).transpose().map_err(|error| broken("product.version", &self.owner, &error))?;
        let follows = last.checked_add(1) == Some(self.number)
            && self.previous == hash
            && before.is_none_or(|before| before.owner.organisation() == self.owner.organisation());
        let lacks = self.form.lacks();
        let changes = before.is_none_or(|before| !changed(&before.contents, &self.contents).is_empty());
        let named = self.form.kind().as_str();
        let rules = [
            (self.v == 1 && self.contents.v == 1, "product.format", ("it has another format".into(), "格式不符".into())),
            (
                self.owner.organisation() == self.product.organisation() && self.owner.environment() == self.product.environment(),
                "product.owner",
                (format!("`{}` is not named after its owner", self.product), format!("`{}` 未以所有者命名", self.product)),
            ),
            (
                kinds.allowed.contains(&kind) || kinds.undecided.contains(&kind),
                "product.kind",
                (format!("`{named}` is no kind of product here"), format!("本地区不设 `{named}` 类产品")),
            ),
            (
                !kinds.undecided.contains(&kind),
                "product.kind-undecided",
                (format!("whether `{named}` is a product is not decided here"), format!("`{named}` 是否属于产品，本地区尚未明确")),
            ),
            (lacks.is_none(), "product.form", lacks.map(|(en, zh)| (en.to_owned(), zh.to_owned())).unwrap_or_default()),
            (
                !self.name.is_blank() && !self.summary.is_blank(),
                "product.field-missing",
                ("it lacks name or abstract in one of the languages".into(), "缺少中文或英文的名称或摘要".into()),
            ),
            (
                follows,
                "product.version",
                (
                    format!("version {} does not follow version {last} by number, hash and owner", self.number),
                    format!("第 {} 版与第 {last} 版的版号、摘要或所有者不相衔接", self.number),
                ),
            ),
            (
                changes,
                "product.no-change",
                ("neither model, code, sources nor purpose changed".into(), "模型、代码、来源、用途均未变更".into()),
            ),
            (
                self.sources.is_empty() == self.contents.sources.is_empty(),
                "product.sources",
                ("sources are named without their versions, or versions without names".into(), "来源名称与来源版本须同时注明".into()),
            ),
        ];
        let remedy = ("correct the version and file it again", "更正后重新提交");
        let wrong = rules.into_iter().filter(|(holds, ..)| !holds);
        unless(wrong.map(|(_, code, what): (bool, &str, (String, String))| Finding::new(code, &self.owner, what, remedy)).collect(), ())
    }
}

/// The answer to one item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ItemAnswer {
    /// Whether it holds.
    pub holds: bool,
    /// On what ground.
    pub ground: Text,
}

/// The compliance check of one version, item by item (O6), signed by the checker.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProductReview {
    /// Format version, 1.
    pub v: u32,
    /// Who checked and signs.
    pub checker: PartyName,
    /// Hash of the version.
    pub version: Hash,
    /// The items.
    pub items: BTreeMap<ProductCheck, ItemAnswer>,
    /// When.
    pub at: Time,
}

impl SignedType for ProductReview {
    const TYPE: &'static str = "product-review-v1";
}

/// The five items of ZZ 21: asked everywhere, whatever a profile asks beside.
pub const FIVE: [ProductCheck; 5] =
    [ProductCheck::Purpose, ProductCheck::Sources, ProductCheck::RawExposure, ProductCheck::Leak, ProductCheck::OtherRisk];

impl ProductReview {
    /// Whether the check can be used: of somebody else than the owner, every item answered with a ground.
    ///
    /// # Errors
    /// All at once: `product.review-own`, `product.review-item` naming each item without an answer or a ground.
    pub fn check(&self, version: &ProductVersion, asked: &BTreeSet<ProductCheck>) -> Checked<()> {
        let remedy = ("answer every item with its ground, in both languages", "逐项作答并以中英文说明依据");
        let mut found = Vec::new();
        if self.v != 1 || self.checker.organisation() == version.owner.organisation() {
            let what = ("nobody reviews a product of its own", "不得审核本单位产品");
            found.push(Finding::new("product.review-own", &self.checker, what, remedy));
        }
        let items: BTreeSet<ProductCheck> = FIVE.into_iter().chain(asked.iter().copied()).collect();
        for item in items.into_iter().filter(|item| self.items.get(item).is_none_or(|answer| answer.ground.is_blank())) {
            let name = crate::profile::Named::name(item);
            let what = (format!("the item \"{}\" has no answer or no ground", name.en), format!("“{}”未作答或未说明依据", name.zh));
            found.push(Finding::new("product.review-item", &self.checker, what, remedy));
        }
        unless(found, ())
    }

    /// Items that do not hold.
    pub fn failed(&self) -> impl Iterator<Item = ProductCheck> {
        self.items.iter().filter(|(_, answer)| !answer.holds).map(|(item, _)| *item)
    }
}

/// A version is listed: the steps of its procedure prove the decision (O2), and the filing where the profile asks for it (O3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProductListing {
    /// Format version, 1.
    pub v: u32,
    /// Who lists and signs.
    pub lister: PartyName,
    /// Hash of the version.
    pub version: Hash,
    /// The steps of its procedure, from the first on.
    pub steps: Vec<Signed<Arrow<Case>>>,
    /// Registrations, for example of data intellectual property (O8).
    #[serde(default)]
    pub registrations: Vec<Registration>,
    /// When.
    pub at: Time,
}

impl SignedType for ProductListing {
    const TYPE: &'static str = "product-listing-v1";
}

/// A product is taken down.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProductDelisting {
    /// Format version, 1.
    pub v: u32,
    /// Who takes it down and signs.
    pub by: PartyName,
    /// The product.
    pub product: ProductId,
    /// Version that is taken down.
    #[serde(with = "u64_string")]
    pub number: u64,
    /// The kind of reason.
    pub reason: Delisting,
    /// Why, in words.
    pub why: Text,
    /// When.
    pub at: Time,
}

impl SignedType for ProductDelisting {
    const TYPE: &'static str = "product-delisting-v1";
}

/// A result may leave: it was filed with the authority first (O3; ZW 23, 28).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResultFiling {
    /// Format version, 1.
    pub v: u32,
    /// The job.
    pub job: JobId,
    /// Hash of the held result, as the review shows it.
    pub result: Hash,
    /// Who reviews it; signs.
    pub reviewer: PartyName,
    /// With whom it is filed; signs.
    pub filed_with: PartyName,
    /// Number under which it is filed.
    pub number: String,
    /// When.
    pub at: Time,
}

impl SignedType for ResultFiling {
    const TYPE: &'static str = "result-filing-v1";
}
