//! Catalogue entries (目录): what a data set is, without any of its data.
//!
//! An entry is signed by the node that provides the data set. K1 names five fields that may not be missing;
//! A6 says that data whose opening is forbidden (禁止开放) are never granted, so they are never published either.
//!
//! | to see | open |
//! |---|---|
//! | an entry being written, everything missing named at once (K1) | [`draft`] |
//! | a catalogued version: registration, link to the data, freshness, samples (K3, K7, A17) | [`record`] |
//! | how often data are renewed | [`frequency`] |
//! | what changed between two versions, in sentences (K2) | [`diff`] |
//! | the platform's catalogue, its public view and its subscribers (K2) | [`shelf`], [`changes`] |
//! | supply withdrawn and resumed (A21) | [`supply`] |
//! | DCAT-like JSON (K4) | [`dcat`] |
//! | what may be published, requested and granted at all (A6, A17, K3) | [`gate`] |
//! | norms of use by grade (A19) | [`grades`] |
//! | products, listed and de-listed (K8) | [`product`] |
//! | licences, suppliers free of charge (O11), own sources (O10) | [`licence`] |
//! | demands and the gaps that they show (K9) | [`demand`] |

use serde::{Deserialize, Serialize};

use crate::canonical::{Hash, u64_string};
use crate::finding::Finding;
use crate::id::{ColumnSet, DatasetId, PartyName};
use crate::sign::SignedType;

pub mod changes;
pub mod dcat;
pub mod demand;
pub mod diff;
pub mod draft;
pub mod frequency;
pub mod gate;
pub mod grades;
pub mod licence;
pub mod offer;
pub mod product;
pub mod record;
pub mod shelf;
pub mod supply;

/// What a column is for the computation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Kind {
    /// Part of the key by which rows are matched; always text.
    Key,
    /// A number.
    Numeric,
    /// One of a published list of categories.
    Categorical {
        /// All labels that may occur, public.
        categories: Vec<String>,
    },
    /// Text that takes part in no computation.
    Text,
}

/// Classification (分类): what kind of content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Class {
    /// Neither personal nor secret.
    General,
    /// Personal information (个人信息).
    Personal,
    /// Sensitive personal information (敏感个人信息).
    SensitivePersonal,
    /// Trade secret (商业秘密).
    TradeSecret,
    /// Opening is forbidden (禁止开放): never granted (A6).
    Prohibited,
}

impl Class {
    /// The word used in canonical documents and policies.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::General => "general",
            Self::Personal => "personal",
            Self::SensitivePersonal => "sensitive-personal",
            Self::TradeSecret => "trade-secret",
            Self::Prohibited => "prohibited",
        }
    }

    /// Whether nothing that `before` protected is lost. A trade secret and a person's data are protected differently: neither stands
    /// for the other.
    #[must_use]
    pub fn keeps(self, before: Self) -> bool {
        self == before || self == Self::Prohibited || before == Self::General || (self, before) == (Self::SensitivePersonal, Self::Personal)
    }
}

/// At whom the rows point (A15, NB 21).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Subjects {
    /// At nobody in particular.
    None,
    /// At natural persons.
    Persons,
    /// At legal persons.
    LegalPersons,
}

impl Subjects {
    /// The word used in canonical documents and policies.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Persons => "persons",
            Self::LegalPersons => "legal-persons",
        }
    }
}

/// Where the data come from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "origin", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Origin {
    /// Public data (公共数据) of the providing organisation.
    Public,
    /// Lawfully obtained data of its own that an organisation brings in; needs an approval of the authority (P4).
    Imported {
        /// How it was obtained.
        source: String,
        /// Under which licence or contract.
        licence: String,
    },
}

/// A column's description.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// Name as in the file's header.
    pub name: String,
    /// What it is for the computation.
    pub kind: Kind,
    /// Classification (分类).
    pub class: Class,
    /// Grade (分级), 1 (lowest) to 4.
    pub grade: u8,
    /// Unit of measure, for example `yuan` or `visits`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

/// One data set's entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CatalogueEntry {
    /// Format version, 1.
    pub v: u32,
    /// The data set.
    pub dataset: DatasetId,
    /// Catalogue name (目录名称), K1.
    pub name: String,
    /// The node that holds the data and signs this entry, K1.
    pub provider: PartyName,
    /// What the data are about (摘要), K1.
    #[serde(rename = "abstract")]
    pub summary: String,
    /// Items (信息项名称), K1.
    pub items: Vec<Column>,
    /// Update frequency (更新频率), K1.
    pub update_frequency: String,
    /// Hash of the file's content: a changed file is another version.
    pub version: Hash,
    /// Rows of this version.
    #[serde(with = "u64_string")]
    pub rows: u64,
    /// At whom the rows point.
    pub subjects: Subjects,
    /// The column that names the subject of a row; absent where rows point at nobody. Whoever proposes a job does not choose
    /// whose consent counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject_column: Option<String>,
    /// Public data or an import.
    pub origin: Origin,
    /// Opening of the whole data set is forbidden (A6).
    pub prohibited: bool,
}

impl SignedType for CatalogueEntry {
    const TYPE: &'static str = "catalogue-entry-v1";
}

impl CatalogueEntry {
    /// The column of this name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.items.iter().find(|c| c.name == name)
    }

    /// All columns.
    ///
    /// # Errors
    /// `Malformed` if a name is empty or occurs twice.
    pub fn columns(&self) -> crate::Result<ColumnSet> {
        ColumnSet::new(self.items.iter().map(|c| c.name.as_str()))
    }

    /// Whether this column, or the whole data set, may never be granted (A6).
    #[must_use]
    pub fn is_prohibited(&self, column: &str) -> bool {
        self.prohibited || self.column(column).is_some_and(|c| c.class == Class::Prohibited)
    }

    /// Whether something of it may never be granted (A6).
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.prohibited || self.items.iter().any(|c| c.class == Class::Prohibited)
    }

    /// What keeps this entry from being published; empty means publishable. Reports everything at once.
    #[must_use]
    pub fn check(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut add = |code: &str, what: (String, String), remedy: (&str, &str)| {
            found.push(Finding::new(code, &self.provider, what, remedy));
        };
        let name = &self.dataset;
        if self.v != 1 {
            add(
                "catalogue.version-unknown",
                (
                    format!("`{name}` has entry format {}, this node knows 1", self.v),
                    format!("`{name}` 的目录格式为 {}，本节点只识别 1", self.v),
                ),
                ("use the same release of yu on both sides", "双方使用同一版本的 yu"),
            );
        }
        for (field, zh, blank) in [
            ("name", "目录名称", self.name.trim().is_empty()),
            ("abstract", "摘要", self.summary.trim().is_empty()),
            ("items", "信息项", self.items.is_empty()),
            ("update_frequency", "更新频率", self.update_frequency.trim().is_empty()),
        ] {
            if blank {
                add(
                    "catalogue.field-missing",
                    (format!("`{name}` lacks the mandatory field `{field}`"), format!("`{name}` 缺少必填项“{zh}”")),
                    ("fill the field in `yu dataset add`", "在 `yu dataset add` 中填写该项"),
                );
            }
        }
        if self.columns().is_err() {
            add(
                "catalogue.columns-malformed",
                (format!("`{name}` has an empty or repeated column name"), format!("`{name}` 的列名为空或重复")),
                ("rename the columns in the file", "修改文件中的列名"),
            );
        }
        if self.provider.organisation() != name.organisation() || self.provider.environment() != name.environment() {
            add(
                "catalogue.provider-foreign",
                (
                    format!("`{name}` is not named after its provider {}", self.provider),
                    format!("`{name}` 的名称与提供单位 {} 不符", self.provider),
                ),
                ("name it environment/organisation/name of the provider", "按“环境/单位/名称”命名"),
            );
        }
        let named = self.subject_column.as_deref().and_then(|name| self.column(name));
        let fits = match self.subjects {
            Subjects::None => self.subject_column.is_none(),
            Subjects::Persons | Subjects::LegalPersons => named.is_some_and(|c| matches!(c.kind, Kind::Key | Kind::Text)),
        };
        if !fits {
            add(
                "catalogue.subject-column",
                (
                    format!(
                        "`{name}` must name one of its key or text columns as the subject of its rows if they point at somebody, and none otherwise"
                    ),
                    format!("`{name}` 的数据指向特定主体时须指明一个主键列或文本列为主体列，否则不得指明"),
                ),
                ("name it in `yu dataset add --subject COLUMN`", "在 `yu dataset add --subject 列名` 中指明"),
            );
        }
        for column in &self.items {
            if !(1..=4).contains(&column.grade) {
                add(
                    "catalogue.grade-unknown",
                    (
                        format!("column `{}` of `{name}` has grade {}, grades are 1 to 4", column.name, column.grade),
                        format!("`{name}` 的列“{}”分级为 {}，应为 1 至 4", column.name, column.grade),
                    ),
                    ("grade the column", "为该列确定分级"),
                );
            }
            if self.is_prohibited(&column.name) {
                add(
                    "catalogue.prohibited",
                    (
                        format!("column `{}` of `{name}` is closed to opening and cannot be published", column.name),
                        format!("`{name}` 的列“{}”属于禁止开放的数据，不得发布", column.name),
                    ),
                    ("leave the column out of the data set", "从数据集中去除该列"),
                );
            }
            if self.subjects == Subjects::None && matches!(column.class, Class::Personal | Class::SensitivePersonal) {
                add(
                    "catalogue.subjects-understated",
                    (
                        format!("column `{}` of `{name}` is personal, but the entry says that rows point at nobody", column.name),
                        format!("`{name}` 的列“{}”为个人信息，但目录称数据不指向特定主体", column.name),
                    ),
                    ("declare `subjects = \"persons\"`", "将数据主体声明为 persons"),
                );
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::canonical::digest;

    fn entry() -> CatalogueEntry {
        CatalogueEntry {
            v: 1,
            dataset: DatasetId::new("dev/health/insured").unwrap(),
            name: "参保人员就医汇总".into(),
            provider: PartyName::new("yu://dev/health/node1").unwrap(),
            summary: "visits and cost per insured person".into(),
            items: vec![
                Column { name: "id".into(), kind: Kind::Key, class: Class::Personal, grade: 2, unit: None },
                Column { name: "cost".into(), kind: Kind::Numeric, class: Class::Personal, grade: 2, unit: Some("yuan".into()) },
            ],
            update_frequency: "monthly".into(),
            version: digest("yu-test-v1", b"file"),
            rows: 10,
            subjects: Subjects::Persons,
            subject_column: Some("id".into()),
            origin: Origin::Public,
            prohibited: false,
        }
    }

    fn codes(entry: &CatalogueEntry) -> Vec<String> {
        entry.check().into_iter().map(|f| f.code).collect()
    }

    #[test]
    fn k1_each_mandatory_field_is_demanded() {
        assert!(entry().check().is_empty());
        let blanks: [fn(&mut CatalogueEntry); 4] =
            [|e| e.name.clear(), |e| e.summary = " ".into(), |e| e.items.clear(), |e| e.update_frequency.clear()];
        for blank in blanks {
            let mut e = entry();
            blank(&mut e);
            assert_eq!(codes(&e)[0], "catalogue.field-missing");
        }
        let mut e = entry();
        blanks.iter().for_each(|b| b(&mut e));
        let missing = codes(&e).into_iter().filter(|code| code == "catalogue.field-missing").count();
        assert_eq!(missing, 4, "A8: one notice of everything missing");
        // the fifth field, the provider, is a checked type: an entry without it does not parse
        let mut json = serde_json::to_value(entry()).unwrap();
        json.as_object_mut().unwrap().remove("provider");
        assert!(serde_json::from_value::<CatalogueEntry>(json).is_err());
    }

    #[test]
    fn a6_prohibited_data_are_not_publishable() {
        let mut e = entry();
        e.prohibited = true;
        assert_eq!(codes(&e), ["catalogue.prohibited"; 2]);
        let mut e = entry();
        e.items[1].class = Class::Prohibited;
        assert_eq!(codes(&e), ["catalogue.prohibited"]);
    }

    #[test]
    fn d7_an_entry_carries_its_providers_environment() {
        let mut e = entry();
        e.dataset = DatasetId::new("prod/health/insured").unwrap();
        assert_eq!(codes(&e), ["catalogue.provider-foreign"]);
    }

    #[test]
    fn a15_personal_columns_point_at_persons() {
        let mut e = entry();
        (e.subjects, e.subject_column) = (Subjects::None, None);
        assert_eq!(codes(&e), ["catalogue.subjects-understated"; 2]);
    }

    #[test]
    fn a15_the_entry_names_whose_consent_counts() {
        let cases: [(Subjects, Option<&str>, bool); 6] = [
            (Subjects::Persons, Some("id"), true),
            (Subjects::Persons, Some("cost"), false),
            (Subjects::LegalPersons, Some("passport"), false),
            (Subjects::LegalPersons, None, false),
            (Subjects::None, Some("id"), false),
            (Subjects::None, None, true),
        ];
        for (subjects, column, fits) in cases {
            let mut e = entry();
            (e.subjects, e.subject_column) = (subjects, column.map(str::to_owned));
            e.items.iter_mut().for_each(|c| c.class = Class::General);
            assert_eq!(!codes(&e).contains(&"catalogue.subject-column".to_owned()), fits, "{subjects:?} {column:?}");
        }
    }
}
