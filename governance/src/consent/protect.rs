//! Sensitive columns (A16): which of them need to be desensitised, which need consent, which both. The four texts differ, so every
//! need is profile data: ZJ and ZW take either, ZZ demands the subject's authorisation, NB demands consent for data that point at a
//! specific person.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::canonical::Hash;
use crate::catalogue::{CatalogueEntry, Class, Column, Subjects};
use crate::finding::{Checked, Finding, unless};
use crate::id::ColumnSet;

/// What a column needs before it may be processed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Need {
    /// Nothing.
    Nothing,
    /// A desensitisation recipe or consent.
    Either,
    /// A desensitisation recipe.
    Recipe,
    /// Consent.
    Consent,
    /// Both.
    Both,
}

impl Need {
    /// The need that meets both; needs of two rules for one column add up.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Nothing, need) | (need, Self::Nothing) => need,
            // a recipe or consent alone meets "either" as well
            (Self::Either, need) | (need, Self::Either) => need,
            (Self::Recipe, Self::Recipe) => Self::Recipe,
            (Self::Consent, Self::Consent) => Self::Consent,
            _ => Self::Both,
        }
    }

    const fn lacks(self, recipe: bool, consent: bool) -> Option<(&'static str, &'static str)> {
        match (self, recipe, consent) {
            (Self::Either, false, false) => Some(("neither a desensitisation recipe nor consent", "脱敏处理或授权同意")),
            (Self::Recipe | Self::Both, false, true) | (Self::Recipe, false, false) => Some(("no desensitisation recipe", "脱敏处理")),
            (Self::Consent | Self::Both, true, false) | (Self::Consent, false, false) => Some(("no consent", "授权同意")),
            (Self::Both, false, false) => Some(("no desensitisation recipe and no consent", "脱敏处理和授权同意")),
            _ => None,
        }
    }
}

/// What a jurisdiction demands, by class; and on top of it where rows point at somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SensitiveRules {
    /// Personal information.
    pub personal: Need,
    /// Sensitive personal information.
    pub sensitive_personal: Need,
    /// Trade secrets.
    pub trade_secret: Need,
    /// Every column of a data set whose rows point at natural persons.
    pub points_at_persons: Need,
    /// Every column of a data set whose rows point at legal persons.
    pub points_at_legal_persons: Need,
}

/// Whether a set of consents is applied to the rows before anything is computed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protection<'a> {
    /// Recipe hash of each column that is desensitised.
    pub recipes: &'a BTreeMap<String, Hash>,
    /// Columns that the consent set covers; rows outside of the set never enter.
    pub consented: &'a ColumnSet,
}

impl SensitiveRules {
    /// What one column of an entry needs.
    #[must_use]
    pub fn need(&self, entry: &CatalogueEntry, column: &Column) -> Need {
        let class = match column.class {
            Class::General => Need::Nothing,
            Class::Personal => self.personal,
            Class::SensitivePersonal => self.sensitive_personal,
            Class::TradeSecret => self.trade_secret,
            // never open (A6): the gate refuses it, this rule must not be the one that lets it through
            Class::Prohibited => Need::Both,
        };
        class.and(match entry.subjects {
            Subjects::None => Need::Nothing,
            Subjects::Persons => self.points_at_persons,
            Subjects::LegalPersons => self.points_at_legal_persons,
        })
    }

    /// Decides on the columns that a job reads.
    ///
    /// # Errors
    /// All at once: `consent.column-unprotected` naming every column with what it lacks; `columns.beyond-catalogue` for one that the
    /// entry lacks; `columns.prohibited`.
    pub fn decide(&self, entry: &CatalogueEntry, columns: &ColumnSet, given: &Protection<'_>) -> Checked<()> {
        let name = &entry.dataset;
        let mut found = Vec::new();
        let mut add =
            |code: &str, en: String, zh: String, remedy: (&str, &str)| found.push(Finding::new(code, &entry.provider, (en, zh), remedy));
        for column in columns.iter() {
            let Some(described) = entry.column(column) else {
                add(
                    "columns.beyond-catalogue",
                    format!("column `{column}` of `{name}` is not in the catalogue"),
                    format!("`{name}` 的列“{column}”不在目录中"),
                    ("compare the name with the catalogue", "与目录核对列名"),
                );
                continue;
            };
            if entry.is_prohibited(column) {
                add(
                    "columns.prohibited",
                    format!("column `{column}` of `{name}` is closed to opening and may never be used"),
                    format!("`{name}` 的列“{column}”属于禁止开放的数据，不得使用"),
                    ("leave the column out", "去除该列"),
                );
                continue;
            }
            let (recipe, consent) = (given.recipes.contains_key(column), given.consented.contains(column));
            if let Some((en, zh)) = self.need(entry, described).lacks(recipe, consent) {
                add(
                    "consent.column-unprotected",
                    format!("column `{column}` of `{name}`, class {}, has {en}", described.class.as_str()),
                    format!("`{name}` 的列“{column}”（分类 {}）缺少{zh}", described.class.as_str()),
                    ("desensitise the column, obtain the consent, or leave it out", "对该列脱敏、取得授权同意，或去除该列"),
                );
            }
        }
        unless(found, ())
    }
}
