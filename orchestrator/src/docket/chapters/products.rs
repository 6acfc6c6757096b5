//! Products (数据产品): versions as offered, reviewed item by item, listed on their decisions, licensed, registered, taken down; results that are filed
//! before they leave (K8, O1-O3, O6, O8, O10, O11).

mod documents;

use super::super::book::Book;
use super::super::kind::{Kind, refuse};
use super::Chapter;
use crate::fault::Result;
use crate::node::Node;
use crate::procedure::law::{self, Law};
use std::collections::BTreeMap;
use yu_governance::canonical::Hash;
use yu_governance::catalogue::licence::Licence;
use yu_governance::catalogue::offer::{ProductDelisting, ProductListing, ProductReview, ProductVersion, ResultFiling};
use yu_governance::catalogue::product::{Listing, ProductCatalogue, ProductEntry};
use yu_governance::catalogue::shelf::Supply;
use yu_governance::clock::Time;
use yu_governance::id::{DatasetId, ProductId};
use yu_governance::profile::Gate;
use yu_governance::register::RegistrationDossier;

pub(super) const CHAPTER: Chapter = Chapter {
    name: "products",
    title: ("products", "数据产品"),
    kinds: &[
        Kind::of::<ProductVersion>(),
        Kind::of::<ProductReview>(),
        Kind::of::<ProductListing>(),
        Kind::of::<ProductDelisting>(),
        Kind::of::<Licence>(),
        Kind::of::<RegistrationDossier>(),
        Kind::of::<ResultFiling>(),
    ],
    tell,
    objections: super::none,
};

/// What is filed about products.
#[derive(Default)]
pub struct Products {
    /// Versions by their hash, with when they were filed.
    pub versions: BTreeMap<Hash, (ProductVersion, Time)>,
    /// The last version of each product.
    pub last: BTreeMap<ProductId, Hash>,
    /// Reviews by their hash.
    pub reviews: BTreeMap<Hash, ProductReview>,
    /// What is listed and was.
    pub catalogue: ProductCatalogue,
    /// All products that were ever listed.
    pub listed: BTreeMap<ProductId, Hash>,
    /// Licences by the hash of the entry.
    pub licences: BTreeMap<Hash, Licence>,
    /// Dossiers for registries by product and version.
    pub dossiers: BTreeMap<(ProductId, u64), RegistrationDossier>,
    /// Results that were filed, by the hash of the job.
    pub filed: BTreeMap<Hash, Vec<ResultFiling>>,
}

impl Products {
    /// The last version of a product.
    #[must_use]
    pub fn latest(&self, product: &ProductId) -> Option<(&Hash, &ProductVersion)> {
        let hash = self.last.get(product)?;
        self.versions.get(hash).map(|(version, _)| (hash, version))
    }

    /// The version that stands in the catalogue now.
    #[must_use]
    pub fn on_shelf(&self, product: &ProductId, now: Time) -> Option<(&ProductEntry, &ProductVersion)> {
        let entry = self.catalogue.listed(product, now)?;
        self.versions.get(self.listed.get(product)?).map(|(version, _)| (entry, version))
    }

    /// Whether a product may be called now: it is listed, none of its sources is withdrawn (A21), and it has the licence that the profile asks
    /// for (O11).
    ///
    /// # Errors
    /// `product.not-listed`, `product.source-withdrawn`, `product.not-licensed`.
    pub fn callable<'a>(
        &'a self,
        product: &ProductId,
        book: &Book,
        law: &Law,
        now: Time,
    ) -> Result<(&'a ProductEntry, Option<&'a Licence>)> {
        let Some((entry, _)) = self.on_shelf(product, now) else {
            return Err(refuse("product.not-listed", format!("`{product}` is not listed")));
        };
        if let Some(source) = withdrawn(entry, book).next() {
            return Err(refuse("product.source-withdrawn", format!("supply of `{source}` is withdrawn, on which `{product}` rests")));
        }
        let licence = self.licences.get(&yu_governance::id::document_hash(entry)?);
        if law.rules().supplier_free.value == Gate::Required && licence.is_none() {
            return Err(refuse("product.not-licensed", format!("`{product}` has no licence for its version, which suppliers need here")));
        }
        Ok((entry, licence))
    }
}

/// Sources of a product whose supply is withdrawn.
fn withdrawn<'a>(entry: &'a ProductEntry, book: &Book) -> impl Iterator<Item = &'a DatasetId> {
    let is_withdrawn = |source: &&DatasetId| matches!(book.catalogue.0.supply(source), Some(Supply::Withdrawn { .. }));
    entry.sources.iter().filter(is_withdrawn)
}

/// Whether a held result may leave: where the profile asks for a filing this very result was filed (O3).
///
/// # Errors
/// `product.not-filed`.
pub fn filed(node: &Node, job: &str, result: Option<Hash>) -> Result<()> {
    let Some(law) = law::in_force(node)? else { return Ok(()) };
    node.docket().with(node, |book| is_filed(book, &law, crate::destroy::parse_job(job)?.0, result))
}

fn is_filed(book: &Book, law: &Law, job: Hash, result: Option<Hash>) -> Result<()> {
    if law.rules().product().filed_with.is_none() {
        return Ok(());
    }
    let there = book.products.filed.get(&job).into_iter().flatten().any(|filing| Some(filing.result) == result);
    if there {
        return Ok(());
    }
    Err(refuse("product.not-filed", "the profile asks for a filing before a result leaves: `yu docket template result-filing`"))
}

fn tell(book: &Book, law: &Law, now: Time) -> Vec<(String, String)> {
    let products = &book.products;
    let mut say = Vec::new();
    for product in products.last.keys() {
        let Some((hash, version)) = products.latest(product) else { continue };
        let state = match products.catalogue.history(product).last() {
            Some((entry, Listing::Delisted { .. })) if entry.number == version.number => ("de-listed".to_owned(), "已下架".to_owned()),
            Some((entry, _)) if entry.number == version.number => match products.callable(product, book, law, now) {
                Ok(_) => ("listed".into(), "已上架".into()),
                Err(fault) => (format!("listed, not callable: {}", fault.detail), format!("已上架，不可调用：{}", fault.detail)),
            },
            _ => reviewed(products, hash),
        };
        let kind = version.form.kind().as_str();
        say.push((
            format!("{product} version {}, {kind} \"{}\": {}", version.number, version.name.en, state.0),
            format!("{product} 第 {} 版，{kind}“{}”：{}", version.number, version.name.zh, state.1),
        ));
    }
    if !products.filed.is_empty() {
        let count: usize = products.filed.values().map(Vec::len).sum();
        say.push((format!("{count} results were filed before they left"), format!("已备案出域结果 {count} 项")));
    }
    say
}

/// How a version that is not listed stands.
fn reviewed(products: &Products, hash: &Hash) -> (String, String) {
    let reviews: Vec<&ProductReview> = products.reviews.values().filter(|review| review.version == *hash).collect();
    if reviews.is_empty() {
        return ("offered, waits for its review".into(), "已提交，待审核".into());
    }
    let failed: Vec<_> = reviews.iter().flat_map(|review| review.failed()).map(yu_governance::profile::Named::name).collect();
    if failed.is_empty() {
        return ("reviewed, every item holds; not listed".into(), "审核各项均通过，未上架".into());
    }
    let names = |pick: fn(&yu_governance::text::Text) -> &str, glue: &str| failed.iter().map(pick).collect::<Vec<_>>().join(glue);
    (format!("reviewed, fails: {}", names(|t| &t.en, ", ")), format!("审核未通过：{}", names(|t| &t.zh, "、")))
}

#[cfg(test)]
mod tests;
