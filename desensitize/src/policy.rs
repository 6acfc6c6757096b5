//! A de-identification policy (去标识化规则) as a file that a compliance officer reads and signs.
//!
//! | to see | open |
//! |---|---|
//! | what may stand in it, in both languages | this page, `policy/words.rs` |
//! | contradictions, found before anything is read | [`Policy::check`] |
//! | the policy as numbered sentences | [`explain`] |
//! | what a change loosens | [`diff`] |
//! | carrying it out: table in, table and report out | [`run`] |
//! | before and after on simulated rows | [`run::dry`] |
//!
//! ```toml
//! [policy]
//! name = "住院费用统计用数据"
//! purpose = "按地区分析住院费用"
//! recipient = "区域医疗研究中心"
//! clause = "GB/T 37964-2019 7.3"
//!
//! [[columns]]
//! name = "id_number"
//! class = "direct"                  # direct, quasi, sensitive, other
//! operators = [{ op = "hmac", hash = "sm3", purpose = "patients-2026" }]
//!
//! [[columns]]
//! name = "birth_date"
//! class = "quasi"
//!
//! [[hierarchies]]
//! column = "birth_date"
//! from = "dates"                    # file, interval, dates, digits, masking, flat
//!
//! [anonymity]
//! method = "local"                  # full_domain, local, none
//! models = [{ model = "k", k = 5 }]
//! ```
//! The same with Chinese keys (`[政策]`, `名称`, `类别 = "直接标识符"` ...) means the same. What the policy does not name does not leave:
//! a column without a rule is dropped, and the report says so.

mod check;
pub mod diff;
pub mod explain;
pub mod run;
mod words;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::anonymise::{Hierarchy, Interval, Model};
use crate::column;
use crate::error::{Error, Result, Text};
use crate::restore::Thresholds;
use crate::table::Table;
use crate::transform::Operator;

/// What a column is to whoever wants to know who a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Names a person by itself (直接标识符).
    Direct,
    /// Does so together with others (准标识符).
    Quasi,
    /// What nobody must learn about a person (敏感属性).
    Sensitive,
    /// None of these.
    Other,
    /// Does not leave.
    Drop,
}

impl Class {
    /// Its name.
    #[must_use]
    pub fn word(self) -> Text {
        match self {
            Self::Direct => Text::new("direct identifier", "直接标识符"),
            Self::Quasi => Text::new("quasi-identifier", "准标识符"),
            Self::Sensitive => Text::new("sensitive attribute", "敏感属性"),
            Self::Other => Text::new("other attribute", "其他属性"),
            Self::Drop => Text::new("not released", "不发布"),
        }
    }

    /// How much it protects: a change to a smaller number loosens.
    const fn strength(self) -> u8 {
        match self {
            Self::Drop => 4,
            Self::Direct => 3,
            Self::Quasi => 2,
            Self::Sensitive => 1,
            Self::Other => 0,
        }
    }
}

/// What the policy is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Head {
    /// Its name.
    pub name: String,
    /// What the release is made for.
    pub purpose: String,
    /// Who receives it.
    #[serde(default)]
    pub recipient: Option<String>,
    /// The data set.
    #[serde(default)]
    pub data: Option<String>,
    /// The clause that it follows.
    #[serde(default)]
    pub clause: Option<String>,
    /// Anything else.
    #[serde(default)]
    pub note: Option<String>,
    /// Whether the data are public or legally open anyway (公开数据): rules on raw data do not apply to columns that leave as they are.
    #[serde(default)]
    pub public: bool,
    /// Whether the result stays in the domain (不出域), for training and tests: what the gate finds is said, and the result must not leave.
    #[serde(default)]
    pub stays: bool,
}

/// The rule of one column.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnRule {
    /// The column.
    pub name: String,
    /// What it is.
    pub class: Class,
    /// What is done with it, in this order.
    #[serde(default)]
    pub operators: Vec<Operator>,
    /// Its security grade.
    #[serde(default)]
    pub grade: Option<u8>,
    /// The clause that it follows.
    #[serde(default)]
    pub clause: Option<String>,
}

/// A part of the rows instead of all.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// Share of the rows, above 0 and at most 1.
    pub rate: f64,
}

/// How the values of a column become less exact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "from", rename_all = "snake_case", deny_unknown_fields)]
pub enum HierarchyRule {
    /// A file: a value and its generalisations in each line, separated by semicolons.
    File {
        /// The column.
        column: String,
        /// The file, beside the policy.
        file: PathBuf,
        /// What stands in it, where the policy travels with its files ([`Policy::with_files`]).
        #[serde(skip)]
        text: Option<String>,
    },
    /// Numbers in intervals.
    Interval {
        /// The column.
        column: String,
        /// Where an interval begins.
        #[serde(default)]
        origin: f64,
        /// Width of the first level.
        width: f64,
        /// How many intervals make one of the next level.
        #[serde(default = "two")]
        factor: u32,
        /// Levels between the value and nothing.
        #[serde(default = "four")]
        levels: u32,
    },
    /// Dates: day, month, quarter, year, decade, nothing.
    Dates {
        /// The column.
        column: String,
    },
    /// Codes: the first digits stay.
    Digits {
        /// The column.
        column: String,
        /// Numbers of digits, falling.
        kept: Vec<usize>,
    },
    /// Characters from the end are hidden.
    Masking {
        /// The column.
        column: String,
        /// Characters for each level.
        step: usize,
    },
    /// The value or nothing.
    Flat {
        /// The column.
        column: String,
    },
}

impl HierarchyRule {
    /// The column.
    #[must_use]
    pub fn column(&self) -> &str {
        match self {
            Self::File { column, .. }
            | Self::Interval { column, .. }
            | Self::Dates { column }
            | Self::Digits { column, .. }
            | Self::Masking { column, .. }
            | Self::Flat { column } => column,
        }
    }

    /// The hierarchy over the values of a table.
    ///
    /// # Errors
    /// Those of [`Hierarchy`].
    pub fn build(&self, table: &Table) -> Result<Hierarchy> {
        let column = self.column();
        if let Self::File { file, text, .. } = self {
            return match text {
                Some(text) => Hierarchy::parse(&file.display().to_string(), text.as_bytes()),
                None => Hierarchy::read(file),
            };
        }
        let values = column::distinct(table, column, MAX_VALUES)?;
        match self {
            Self::Interval { origin, width, factor, levels, .. } => {
                let interval = Interval { origin: *origin, width: *width, factor: *factor, levels: *levels };
                Hierarchy::intervals(column, &values, interval)
            }
            Self::Dates { .. } => Hierarchy::dates(column, &values),
            Self::Digits { kept, .. } => Hierarchy::region_codes(column, &values, kept),
            Self::Masking { step, .. } => Hierarchy::masking(column, &values, *step),
            Self::File { .. } | Self::Flat { .. } => Hierarchy::flat(column, &values),
        }
    }
}

/// Different values of a column that a hierarchy is built over.
const MAX_VALUES: usize = 1 << 22;

const fn two() -> u32 {
    2
}

const fn four() -> u32 {
    4
}

/// How rows are made alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// One level for each column, the best there is.
    FullDomain,
    /// Each class its own: less is lost.
    Local,
}

/// What the rows of a release must satisfy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Anonymity {
    /// How.
    #[serde(default = "local")]
    pub method: Method,
    /// Share of the rows that may be suppressed.
    #[serde(default)]
    pub suppression: f64,
    /// The models; all must hold.
    pub models: Vec<Model>,
}

const fn local() -> Method {
    Method::Local
}

/// A policy.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// What it is for.
    pub policy: Head,
    /// Rules of columns, in the order of the release.
    pub columns: Vec<ColumnRule>,
    /// A part of the rows.
    #[serde(default)]
    pub sample: Option<Sample>,
    /// Hierarchies of the quasi-identifiers.
    #[serde(default)]
    pub hierarchies: Vec<HierarchyRule>,
    /// What the rows must satisfy; without it no quasi-identifier may leave.
    #[serde(default)]
    pub anonymity: Option<Anonymity>,
    /// Limits of the attacks that ask whether raw data could be restored.
    #[serde(default)]
    pub gate: Thresholds,
}

/// The largest policy file.
const MAX_BYTES: usize = 1 << 20;

impl Policy {
    /// Reads a policy in either language; `name` is used in errors.
    ///
    /// # Errors
    /// `policy.syntax` with line and reason; as [`Policy::check`].
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let fault = |what: Text| {
            let place = Text::new(format!("file `{name}`"), format!("文件 `{name}`"));
            let remedy = Text::new(
                "correct the file; `docs/desensitize.md` lists what may stand in it",
                "请更正文件；可用内容见 `docs/desensitize.md`",
            );
            Error::refused("policy.syntax", what, place, remedy)
        };
        if text.len() > MAX_BYTES {
            return Err(fault(Text::new("a policy is at most 1 MiB", "规则文件最大 1 MiB")));
        }
        let broken = |error: &dyn std::fmt::Display| {
            let said = error.to_string();
            let said = said.trim_end();
            fault(Text::new(format!("the policy cannot be read: {said}"), format!("规则文件无法读取：{said}")))
        };
        let table: toml::Table = toml::from_str(&words::quoted(text)).map_err(|error| broken(&error))?;
        let english = words::english(table)
            .map_err(|key| fault(Text::new(format!("`{key}` stands twice, in both languages"), format!("`{key}` 以两种语言重复出现"))))?;
        let policy: Self = english.try_into().map_err(|error: toml::de::Error| broken(&error))?;
        policy.check(name)?;
        Ok(policy)
    }

    /// Reads a policy file; files of hierarchies are looked for beside it.
    ///
    /// # Errors
    /// `Io`; as [`Policy::parse`].
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| Error::io(&name, source))?;
        let mut policy = Self::parse(&name, &text)?;
        let beside = path.parent().unwrap_or_else(|| Path::new(""));
        for rule in &mut policy.hierarchies {
            if let HierarchyRule::File { file, .. } = rule {
                *file = beside.join(&*file);
            }
        }
        Ok(policy)
    }

    /// Names of the files that it needs, as it writes them.
    #[must_use]
    pub fn files(&self) -> Vec<String> {
        let files = self.hierarchies.iter().filter_map(|rule| match rule {
            HierarchyRule::File { file, .. } => Some(file.display().to_string()),
            _ => None,
        });
        files.collect()
    }

    /// The same policy with the text of each file that it names; nothing is read from the disk any more.
    ///
    /// # Errors
    /// `policy.file` if one is missing, or one is there that it does not name.
    pub fn with_files(mut self, texts: &BTreeMap<String, String>) -> Result<Self> {
        let named = self.files();
        let refuse = |name: &str, what: Text| {
            let place = Text::new(format!("file `{name}`"), format!("文件 `{name}`"));
            let remedy = Text::new("send the policy with the files that it names", "请随规则一并提交其引用的文件");
            Error::refused("policy.file", what, place, remedy)
        };
        if let Some(other) = texts.keys().find(|name| !named.contains(name)) {
            return Err(refuse(other, Text::new("the policy does not name this file", "规则未引用该文件")));
        }
        for rule in &mut self.hierarchies {
            if let HierarchyRule::File { file, text, .. } = rule {
                let name = file.display().to_string();
                let missing = || refuse(&name, Text::new("a file of the policy is missing", "缺少规则引用的文件"));
                *text = Some(texts.get(&name).ok_or_else(missing)?.clone());
            }
        }
        Ok(self)
    }

    /// Names of the keys that its operators use, sorted, each once; an operator that names none uses `default`.
    #[must_use]
    pub fn keys(&self, default: &str) -> BTreeSet<String> {
        let operators = self.columns.iter().flat_map(|rule| &rule.operators).filter(|operator| operator.needs_key());
        operators.map(|operator| operator.key().unwrap_or(default).to_owned()).collect()
    }

    /// Names of the columns of a class, in order.
    #[must_use]
    pub fn of_class(&self, class: Class) -> Vec<&str> {
        self.columns.iter().filter(|rule| rule.class == class).map(|rule| rule.name.as_str()).collect()
    }

    /// The rule of a column.
    #[must_use]
    pub fn rule(&self, column: &str) -> Option<&ColumnRule> {
        self.columns.iter().find(|rule| rule.name == column)
    }

    /// Names that rules mention, each once.
    fn names(&self) -> HashSet<&str> {
        self.columns.iter().map(|rule| rule.name.as_str()).collect()
    }
}
