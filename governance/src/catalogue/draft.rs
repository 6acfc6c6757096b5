//! An entry that is being written: any field may still be missing, and all that are missing are named at once (K1, A8).

use super::frequency::Frequency;
use super::{CatalogueEntry, Column, Origin, Subjects};
use crate::canonical::Hash;
use crate::finding::{Checked, Finding, unless};
use crate::id::{DatasetId, PartyName};

/// The five fields of ZW 8 and the rest of an entry, each possibly absent.
#[derive(Debug, Clone, Default)]
pub struct EntryDraft {
    /// The data set.
    pub dataset: Option<DatasetId>,
    /// Catalogue name, mandatory by K1.
    pub name: Option<String>,
    /// Provider, mandatory by K1.
    pub provider: Option<PartyName>,
    /// Abstract, mandatory by K1.
    pub summary: Option<String>,
    /// Items, mandatory by K1.
    pub items: Vec<Column>,
    /// Update frequency in either language, mandatory by K1.
    pub update_frequency: Option<String>,
    /// Hash of the file's content.
    pub version: Option<Hash>,
    /// Rows of the version.
    pub rows: Option<u64>,
    /// At whom rows point.
    pub subjects: Option<Subjects>,
    /// The column that names the subject.
    pub subject_column: Option<String>,
    /// Public unless said otherwise.
    pub origin: Option<Origin>,
    /// Opening of the whole data set is forbidden.
    pub prohibited: bool,
}

impl EntryDraft {
    /// The entry, if it is publishable.
    ///
    /// # Errors
    /// `catalogue.field-missing` once for each field that is absent or blank; if none is, what [`CatalogueEntry::check`] objects to.
    pub fn complete(self) -> Checked<CatalogueEntry> {
        let missing = self.missing();
        let Self { dataset: Some(dataset), name: Some(name), provider: Some(provider), summary: Some(summary), .. } = self else {
            return Err(missing);
        };
        let (Some(update_frequency), Some(version), Some(rows), Some(subjects)) =
            (self.update_frequency, self.version, self.rows, self.subjects)
        else {
            return Err(missing);
        };
        let update_frequency = Frequency::of(&update_frequency).map_or(update_frequency, |f| f.as_str().to_owned());
        let entry = CatalogueEntry {
            v: 1,
            dataset,
            name,
            provider,
            summary,
            items: self.items,
            update_frequency,
            version,
            rows,
            subjects,
            subject_column: self.subject_column,
            origin: self.origin.unwrap_or(Origin::Public),
            prohibited: self.prohibited,
        };
        let found = if missing.is_empty() { entry.check() } else { missing };
        unless(found, entry)
    }

    /// One finding for each missing field.
    #[must_use]
    pub fn missing(&self) -> Vec<Finding> {
        let blank = |text: &Option<String>| text.as_deref().is_none_or(|t| t.trim().is_empty());
        let name = self.dataset.as_ref().map_or("the entry", DatasetId::as_str);
        let party = self.provider.as_ref().map_or("catalogue", PartyName::as_str);
        let fields = [
            ("name", "目录名称", blank(&self.name)),
            ("provider", "信息资源提供方", self.provider.is_none()),
            ("abstract", "摘要", blank(&self.summary)),
            ("items", "信息项", self.items.is_empty()),
            ("update_frequency", "更新频率", blank(&self.update_frequency)),
            ("dataset", "数据集", self.dataset.is_none()),
            ("version", "版本", self.version.is_none()),
            ("rows", "行数", self.rows.is_none()),
            ("subjects", "数据主体", self.subjects.is_none()),
        ];
        fields
            .into_iter()
            .filter(|(_, _, absent)| *absent)
            .map(|(field, zh, _)| {
                Finding::new(
                    "catalogue.field-missing",
                    party,
                    (format!("`{name}` lacks the mandatory field `{field}`"), format!("`{name}` 缺少必填项“{zh}”")),
                    ("fill the field", "填写该项"),
                )
            })
            .collect()
    }
}
