//! What a product's owner hands to a registry (O8; NB 22, ZZ 22, ZW 24), and where it may be traded.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::canonical::{Hash, digest, u64_string};
use crate::catalogue::product::{ProductCatalogue, ProductEntry, ProductKind};
use crate::clock::Time;
use crate::error::Result;
use crate::finding::{Checked, Finding, broken, unless};
use crate::id::{DatasetId, PartyName, ProductId, document_hash};
use crate::lineage::{Direction, Graph, Kind, NodeId};
use crate::profile::Gate;
use crate::sign::{KeyRing, Signed, SignedType};
use crate::text::Text;
use crate::workflow::product::Contents;

/// Where something is sold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Venue {
    /// On an exchange set up by law (依法设立的数据交易场所).
    Exchange,
    /// Directly.
    Direct,
}

/// The dossier of one product version, signed by its owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrationDossier {
    /// Format version, 1.
    pub v: u32,
    /// Who registers and signs.
    pub owner: PartyName,
    /// The product.
    pub product: ProductId,
    /// Its version.
    #[serde(with = "u64_string")]
    pub number: u64,
    /// What it is called.
    pub name: Text,
    /// What it is.
    pub kind: ProductKind,
    /// Hash of model, code, sources and purpose.
    pub contents: Hash,
    /// Hash of the decision that let it out.
    pub decision: Hash,
    /// Data sets that it was made from, by name; no hash of a file, by which a small file could be guessed.
    pub sources: BTreeSet<DatasetId>,
    /// Jobs on the way.
    #[serde(with = "u64_string")]
    pub jobs: u64,
    /// Hash of the whole trace: the registry keeps it, whoever has the records computes it again.
    pub lineage: Hash,
    /// When.
    pub at: Time,
}

impl SignedType for RegistrationDossier {
    const TYPE: &'static str = "registration-dossier-v1";
}

impl RegistrationDossier {
    /// Puts a dossier together for the version that is listed.
    ///
    /// # Errors
    /// All at once: `dossier.not-listed`; `dossier.owner`; `dossier.contents` if contents and lineage are of other things;
    /// those of [`Graph::audit_sources`] (`lineage.*`); `dossier.sources` if the catalogue names other data sets than the lineage.
    pub fn make(
        owner: &PartyName,
        listed: &ProductEntry,
        catalogue: &ProductCatalogue,
        contents: &Contents,
        graph: &Graph,
        at: Time,
    ) -> Checked<Self> {
        let failed = |error: crate::Error| broken("dossier.contents", owner, &error);
        let hash = document_hash(contents).map_err(failed)?;
        let node = NodeId::new(Kind::Product, hash);
        let mut found = graph.audit_sources(node)?;
        let trace = graph.trace(node, Direction::Backward)?;
        let names = trace.of_kind(Kind::Dataset).flat_map(|node| &node.names).filter_map(|name| DatasetId::new(name.clone()).ok());
        let sources: BTreeSet<DatasetId> = names.collect();
        let rules = [
            (
                catalogue.listed(&listed.product, at) == Some(listed),
                "dossier.not-listed",
                ("this version is not listed", "该版本未上架"),
                ("register what is listed", "登记在架版本"),
            ),
            (
                owner.organisation() == listed.product.organisation() && owner.environment() == listed.product.environment(),
                "dossier.owner",
                ("the product is another organisation's", "产品属于其他单位"),
                ("let its owner register it", "由所有者登记"),
            ),
            (
                listed.content == contents.model,
                "dossier.contents",
                ("what is listed is not what the contents say", "上架内容与产品构成不符"),
                ("cite the contents that were reviewed", "引用经审核的构成"),
            ),
            (
                sources == listed.sources,
                "dossier.sources",
                ("the catalogue names other sources than the records", "目录所列来源与记录不符"),
                ("state the sources as recorded", "按记录注明来源"),
            ),
        ];
        let wrong = rules.into_iter().filter(|(holds, ..)| !holds);
        found.extend(wrong.map(|(_, code, what, remedy)| Finding::new(code, owner, what, remedy)));
        let lineage = digest("yu-lineage-trace-v1", &trace.to_json().map_err(failed)?);
        let dossier = Self {
            v: 1,
            owner: owner.clone(),
            product: listed.product.clone(),
            number: listed.number,
            name: listed.name.clone(),
            kind: listed.kind,
            contents: hash,
            decision: listed.decision,
            sources,
            jobs: trace.of_kind(Kind::Job).count() as u64,
            lineage,
            at,
        };
        unless(found, dossier)
    }

    /// Checks a dossier that arrived, with the records at hand.
    ///
    /// # Errors
    /// `Signature`; `Refused` with `dossier.lineage` if the records give another trace.
    pub fn verify(signed: &Signed<Self>, graph: &Graph, keys: &KeyRing) -> Result<Hash> {
        let dossier = signed.verify(keys, &[signed.payload.owner.as_str()])?;
        if dossier.v != 1 || !dossier.follows(graph) {
            return Err(crate::workflow::refuse("dossier.lineage", "the records give another lineage than the dossier states"));
        }
        document_hash(dossier)
    }

    /// Whether these records give the lineage that the dossier states.
    #[must_use]
    pub fn follows(&self, graph: &Graph) -> bool {
        let trace = graph.trace(NodeId::new(Kind::Product, self.contents), Direction::Backward).ok();
        let known = trace.and_then(|trace| trace.to_json().ok()).map(|json| digest("yu-lineage-trace-v1", &json));
        known == Some(self.lineage)
    }
}

/// Whether a version may be traded at a venue: only while listed, registered where the profile asks for it, on an exchange only
/// where the profile says so (ZZ 22); rows of data never (O8).
///
/// # Errors
/// All at once: `trade.not-listed`, `trade.not-registered`, `trade.off-exchange`, `trade.rows` for a data package, unless
/// `is_public` says that its data are lawfully public.
pub fn may_trade(
    catalogue: &ProductCatalogue,
    product: &ProductId,
    venue: Venue,
    rules: (Gate, Gate),
    is_public: IsPublic,
    at: Time,
) -> Checked<()> {
    let (exchange, registration) = rules;
    let listed = catalogue.listed(product, at);
    let wrong = [
        (listed.is_none(), "trade.not-listed", ("it is not listed", "未上架")),
        (
            registration == Gate::Required && listed.is_some_and(|entry| entry.registrations.is_empty()),
            "trade.not-registered",
            ("it is not registered", "未登记"),
        ),
        (exchange == Gate::Required && venue == Venue::Direct, "trade.off-exchange", ("it is traded on an exchange only", "仅限场内交易")),
        (
            is_public == IsPublic::No && listed.is_some_and(|entry| entry.kind == ProductKind::DataPackage),
            "trade.rows",
            ("raw data are not traded", "原始数据不得交易"),
        ),
    ];
    let remedy = ("meet the condition first", "先满足该条件");
    let finding = |(_, code, (en, zh)): (bool, &str, (&str, &str))| {
        Finding::new(code, product.organisation(), (format!("`{product}`: {en}"), format!("`{product}`：{zh}")), remedy)
    };
    unless(wrong.into_iter().filter(|(is_wrong, ..)| *is_wrong).map(finding).collect(), ())
}

/// Whether the data of a package come from lawfully public channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IsPublic {
    /// They do, or it holds no rows of public data.
    Yes,
    /// They do not.
    No,
}
