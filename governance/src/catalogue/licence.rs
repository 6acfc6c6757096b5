//! Products of own sources (O10, NB 19), and products that their suppliers use free of charge (O11; ZW 6, ZZ 25).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::product::ProductEntry;
use super::{CatalogueEntry, Origin};
use crate::canonical::Hash;
use crate::finding::{Checked, Finding, broken, refuse, unless};
use crate::id::{DatasetId, PartyName, ProductId, document_hash};
use crate::lineage::{Direction, Graph, Kind, NodeId};
use crate::profile::Gate;
use crate::sign::{KeyRing, Signed, SignedType};

/// Under which terms a product is used, signed by its owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Licence {
    /// Format version, 1.
    pub v: u32,
    /// The product.
    pub product: ProductId,
    /// Hash of the version's entry in the catalogue.
    pub entry: Hash,
    /// Its owner's node; signs.
    pub owner: PartyName,
    /// Whether the suppliers of its data use it free of charge.
    pub supplier_free: bool,
}

impl SignedType for Licence {
    const TYPE: &'static str = "product-licence-v1";
}

impl Licence {
    /// Checks a licence under the profile's rule (`supplier_free` in [`crate::profile::Rules`]).
    ///
    /// # Errors
    /// `licence.signature`; `licence.other` for another product, version or owner; `licence.supplier-free` if the profile asks for
    /// free use by suppliers and the licence refuses it to a product of public data.
    pub fn verify<'a>(signed: &'a Signed<Self>, entry: &ProductEntry, rule: Gate, keys: &KeyRing) -> Checked<&'a Self> {
        let owner = &signed.payload.owner;
        let licence = signed.verify(keys, &[owner.as_str()]).map_err(|error| broken("licence.signature", owner, &error))?;
        let hash = document_hash(entry).map_err(|error| broken("licence.other", owner, &error))?;
        let mine = owner.organisation() == entry.product.organisation() && owner.environment() == entry.product.environment();
        if licence.v != 1 || licence.product != entry.product || licence.entry != hash || !mine {
            let what = ("the licence is of another product, version or owner", "许可属于其他产品、版本或所有者");
            return refuse("licence.other", owner, what, ("sign a licence for this version", "为该版本出具许可"));
        }
        if rule == Gate::Required && !licence.supplier_free && !entry.sources.is_empty() {
            let what = ("the suppliers of its data would have to pay", "供数单位须付费");
            return refuse("licence.supplier-free", owner, what, ("let the suppliers use it free of charge", "供数单位免费使用"));
        }
        Ok(licence)
    }

    /// Whether an organisation uses the product free of charge: it supplies one of the sources, and the licence says so. The
    /// sources are those of the catalogue, which [`Graph::audit_sources`] compares with the records.
    #[must_use]
    pub fn is_free_for(&self, organisation: &str, entry: &ProductEntry) -> bool {
        self.supplier_free && entry.product == self.product && entry.sources.iter().any(|source| source.organisation() == organisation)
    }
}

/// Checks that a product that states no public data rests on none: everything that the records reach is the owner's own import,
/// approved as such (P4). The review is the same as for every product ([`super::product::ProductCatalogue::list`]).
///
/// # Errors
/// All at once: those of [`Graph::trace`]; `own-source.stated` if the entry itself names public data; `own-source.gap` while records
/// are missing; `own-source.foreign` naming data of others, `own-source.public` naming public data, `own-source.unknown` naming
/// data without an entry in the catalogue.
pub fn check_own_sources(
    entry: &ProductEntry,
    contents: &Hash,
    graph: &Graph,
    catalogue: &BTreeMap<DatasetId, CatalogueEntry>,
) -> Checked<()> {
    let trace = graph.trace(NodeId::new(Kind::Product, *contents), Direction::Backward)?;
    let owner = entry.product.organisation();
    let mut found = Vec::new();
    let mut add = |code, (en, zh): (String, String)| {
        let remedy = ("list it as a product of public data", "按公共数据产品上架");
        found.push(Finding::new(code, owner, (en, zh), remedy));
    };
    if !entry.sources.is_empty() {
        add("own-source.stated", ("its entry names public data".into(), "目录已注明公共数据来源".into()));
    }
    for gap in &trace.gaps {
        let told = gap.tell();
        add("own-source.gap", (told.en, told.zh));
    }
    let names = trace.of_kind(Kind::Dataset).chain(trace.of_kind(Kind::Derivative)).flat_map(|node| &node.names);
    let names: BTreeSet<DatasetId> = names.filter_map(|name| DatasetId::new(name.clone()).ok()).collect();
    for dataset in &names {
        match catalogue.get(dataset) {
            None => add("own-source.unknown", (format!("`{dataset}` is not in the catalogue"), format!("目录中没有 `{dataset}`"))),
            Some(_) if dataset.organisation() != owner => {
                add("own-source.foreign", (format!("`{dataset}` is another organisation's"), format!("`{dataset}` 属于其他单位")));
            }
            Some(known) if known.origin == Origin::Public => {
                add("own-source.public", (format!("`{dataset}` is public data"), format!("`{dataset}` 是公共数据")));
            }
            Some(_) => {}
        }
    }
    unless(found, ())
}
