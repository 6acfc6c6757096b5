//! Any change of model, code, sources or purpose is a new product version (O2, ZW 23), with a review and a filing of its own.

use std::collections::BTreeMap;

use crate::canonical::Hash;
use crate::finding::{Checked, broken, refuse};
use crate::id::{ProductId, document_hash};
use crate::workflow::product::Contents;
use crate::workflow::word::words;

words! {
    /// What can differ between two versions.
    Part {
        Model = "model", "模型", "The model or other artefact.";
        Code = "code", "代码", "The code that serves it.";
        Sources = "sources", "来源数据", "Versions of the data sets.";
        Purpose = "purpose", "用途", "The purpose.";
    }
}

/// What differs; empty for the same version.
#[must_use]
pub fn changed(before: &Contents, after: &Contents) -> Vec<Part> {
    let parts = [
        (Part::Model, before.model != after.model),
        (Part::Code, before.code != after.code),
        (Part::Sources, before.sources != after.sources),
        (Part::Purpose, before.purpose != after.purpose),
    ];
    parts.into_iter().filter_map(|(part, differs)| differs.then_some(part)).collect()
}

/// The versions of one product as they were recorded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Versions {
    by_number: BTreeMap<u64, Contents>,
}

impl Versions {
    /// Takes a version in; the same one twice is one.
    ///
    /// # Errors
    /// `lineage.version-silent` for other contents under a number that is taken, with the parts that changed;
    /// `lineage.version-same` for a new number with nothing new in it.
    pub(super) fn add(&mut self, product: &ProductId, number: u64, contents: &Contents) -> Checked<Hash> {
        let owner = product.organisation();
        if let Some(known) = self.by_number.get(&number).filter(|known| *known != contents) {
            let parts = changed(known, contents);
            let what = (
                format!("version {number} of `{product}` changed without a new number: {}", joined(&parts, ", ", ToString::to_string)),
                format!("产品 `{product}` 第 {number} 版未换版号而变更：{}", joined(&parts, "、", |p| zh(*p).into())),
            );
            let remedy = ("draft a new version and have it reviewed and filed", "另立新版本，重新审核、备案");
            return refuse("lineage.version-silent", owner, what, remedy);
        }
        if let Some((other, _)) = self.by_number.iter().find(|(other, known)| **other != number && *known == contents) {
            let what = (
                format!("version {number} of `{product}` is version {other} again"),
                format!("产品 `{product}` 第 {number} 版与第 {other} 版内容相同"),
            );
            return refuse("lineage.version-same", owner, what, ("cite the version that was reviewed", "沿用已审核的版本"));
        }
        let hash = document_hash(contents).map_err(|error| broken("lineage.malformed", owner, &error))?;
        self.by_number.insert(number, contents.clone());
        Ok(hash)
    }
}

fn zh(part: Part) -> &'static str {
    crate::workflow::Word::zh(part)
}

fn joined(parts: &[Part], glue: &str, name: impl Fn(&Part) -> String) -> String {
    parts.iter().map(name).collect::<Vec<_>>().join(glue)
}
