//! Imports (外部数据导入, P4): lawfully obtained data of an organisation's own come in through quarantine (隔离区) only.
//!
//! ```text
//! file ──> quarantine, checked ──> request of the holder ──> decision of the authority ──> admitted into the catalogue
//!                                                       └─> refused, or nothing until its end ──> destroyed with a certificate
//! ```
//! A request names the file by its hash: another file, or the same changed, needs another request.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::canonical::{Hash, u64_string};
use crate::clock::Time;
use crate::finding::{Checked, refuse, unless};
use crate::id::{DatasetId, PartyName};
use crate::sign::SignedType;
use crate::text::Text;

/// Longest time that something waits in quarantine, days: our proposal, no text sets one.
pub const LONGEST_WAIT_DAYS: i64 = 90;
/// Most columns that a report names.
const MOST_COLUMNS: usize = 4096;

/// What was found in a column, without any of its values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnReport {
    /// Its name.
    pub name: String,
    /// Kind of identifier that its cells look like, by the word of the detector; absent: none was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifiers: Option<String>,
    /// Whether the importer has declared it: as key, subject, category, or left out of the catalogue.
    pub declared: bool,
}

/// What the automatic checks found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportReport {
    /// Size of the file.
    #[serde(with = "u64_string")]
    pub bytes: u64,
    /// Rows.
    #[serde(with = "u64_string")]
    pub rows: u64,
    /// Cells that a spreadsheet program would compute instead of showing.
    #[serde(with = "u64_string")]
    pub formulas: u64,
    /// Whether a program is in the file.
    pub macros: bool,
    /// Columns in order.
    pub columns: Vec<ColumnReport>,
    /// Whether the importer says that rows point at persons.
    pub personal: bool,
}

impl ImportReport {
    /// What keeps the file in quarantine whatever anybody decides.
    #[must_use]
    pub fn objections(&self) -> Vec<(&'static str, String, String)> {
        let mut found = Vec::new();
        if self.macros {
            found.push(("import.macros", "a program (macro) is in the file".into(), "文件含宏程序".into()));
        }
        if self.formulas > 0 {
            let count = self.formulas;
            found.push(("import.formulas", format!("{count} cells begin as formulas"), format!("{count} 个单元格为公式")));
        }
        if self.rows == 0 || self.columns.is_empty() || self.columns.len() > MOST_COLUMNS {
            found.push(("import.format", "no rows, no columns, or too many of them".into(), "行或列为空，或列数过多".into()));
        }
        let hidden: Vec<&str> =
            self.columns.iter().filter(|c| c.identifiers.is_some() && !(c.declared && self.personal)).map(|c| c.name.as_str()).collect();
        if !hidden.is_empty() {
            let names = hidden.join(", ");
            found.push((
                "import.identifiers",
                format!("identifiers of persons or firms stand in columns that are not declared so: {names}"),
                format!("下列列含有未声明的标识信息：{names}"),
            ));
        }
        found
    }
}

/// An organisation asks to bring its own data in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportRequest {
    /// Format version, 1.
    pub v: u32,
    /// The name that the data get.
    pub dataset: DatasetId,
    /// SHA-256 of the file.
    pub version: Hash,
    /// The node that holds it in quarantine.
    pub holder: PartyName,
    /// How it was lawfully obtained.
    pub source: String,
    /// Under which licence or contract.
    pub licence: String,
    /// What the checks found.
    pub report: ImportReport,
    /// When it was asked.
    pub at: Time,
    /// First second at which it is destroyed if nothing was decided.
    pub until: Time,
}

impl SignedType for ImportRequest {
    const TYPE: &'static str = "import-request-v1";
}

/// What the authority decided.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ImportVerdict {
    /// It may come in, and jobs may use it until then.
    Approved {
        /// First second at which no new job may use it.
        until: Time,
    },
    /// It may not.
    Refused {
        /// Why.
        reason: Text,
    },
}

/// The authority's decision on a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImportDecision {
    /// Format version, 1.
    pub v: u32,
    /// The request, by its hash.
    pub request: Hash,
    /// What was decided.
    pub decision: ImportVerdict,
    /// When.
    pub at: Time,
}

impl SignedType for ImportDecision {
    const TYPE: &'static str = "import-decision-v1";
}

/// How a file stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImportState {
    /// Nobody asked for it.
    Unknown,
    /// It waits for its decision.
    Waits,
    /// Jobs may use it until then.
    Approved(Time),
    /// It may not come in.
    Refused,
    /// Its time is over: nothing was decided, or the approval has ended.
    Over,
}

/// All requests and decisions.
#[derive(Debug, Default)]
pub struct Imports {
    requests: BTreeMap<Hash, ImportRequest>,
    decisions: BTreeMap<Hash, ImportDecision>,
}

impl Imports {
    /// Requests by their hash, with their decisions.
    pub fn all(&self) -> impl Iterator<Item = (&Hash, &ImportRequest, Option<&ImportDecision>)> {
        self.requests.iter().map(|(hash, request)| (hash, request, self.decisions.get(hash)))
    }

    /// Takes a request in; `now` is when it is filed.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn ask(&mut self, hash: Hash, request: &ImportRequest, now: Time) -> Checked<()> {
        let mut found = Vec::new();
        let mut add = |code: &str, en: String, zh: String, remedy: (&str, &str)| {
            found.push(crate::finding::Finding::new(code, &request.holder, (en, zh), remedy));
        };
        let name = &request.dataset;
        if request.v != 1 {
            add(
                "import.version",
                format!("`{name}` is asked for in format {}", request.v),
                format!("`{name}` 的申请格式版本未知"),
                ("use the same release of yu", "使用同一版本的 yu"),
            );
        }
        if request.holder.organisation() != name.organisation() || request.holder.environment() != name.environment() {
            add(
                "import.holder",
                format!("`{name}` is not named after its holder {}", request.holder),
                format!("`{name}` 与持有方 {} 名称不符", request.holder),
                ("import under the own organisation's name", "以本机构名义导入"),
            );
        }
        for (field, zh, text) in [("source", "来源", &request.source), ("licence", "许可", &request.licence)] {
            if text.trim().is_empty() || text.len() > 500 {
                add(
                    "import.provenance",
                    format!("`{name}` lacks its `{field}`"),
                    format!("`{name}` 缺少{zh}"),
                    ("say how it was obtained and under which licence", "说明来源与许可"),
                );
            }
        }
        if request.at > now.plus_seconds(86_400) || request.until <= now || request.until > request.at.plus_days(LONGEST_WAIT_DAYS) {
            add(
                "import.dates",
                format!("`{name}` waits until {}", request.until),
                format!("`{name}` 的等待期限为 {}", request.until),
                ("let it wait until a later day, at most 90 days", "等待期限应晚于今日且不超过 90 日"),
            );
        }
        for (code, en, zh) in request.report.objections() {
            add(code, format!("`{name}`: {en}"), format!("`{name}`：{zh}"), ("correct the file and import it anew", "更正文件后重新导入"));
        }
        if matches!(self.state(name, &request.version, now), ImportState::Waits | ImportState::Approved(_)) {
            add(
                "import.known",
                format!("`{name}` in this version is asked for already"),
                format!("`{name}` 该版本已在申请"),
                ("wait for the decision", "等待决定"),
            );
        }
        unless(found, ())?;
        self.requests.insert(hash, request.clone());
        Ok(())
    }

    /// Takes a decision in.
    ///
    /// # Errors
    /// `import.unknown`, `import.decided`, `import.over`, `import.reason`, `import.dates`.
    pub fn decide(&mut self, decision: &ImportDecision, now: Time) -> Checked<()> {
        let refuse =
            |code: &str, en: &str, zh: &str| refuse(code, decision.request, (en, zh), ("see `yu docket list`", "见 yu docket list"));
        let Some(request) = self.requests.get(&decision.request) else {
            return refuse("import.unknown", "no such request is filed", "没有该导入申请");
        };
        if self.decisions.contains_key(&decision.request) {
            return refuse("import.decided", "the request is decided already", "该申请已有决定");
        }
        if now >= request.until {
            return refuse("import.over", "the request waited too long: what it names is destroyed", "申请已逾期，所涉数据已销毁");
        }
        match &decision.decision {
            ImportVerdict::Refused { reason } if reason.is_blank() => refuse("import.reason", "a refusal has a reason", "拒绝须说明理由"),
            ImportVerdict::Approved { until } if *until <= now => refuse("import.dates", "the approval is past already", "批准期限已过"),
            _ => {
                self.decisions.insert(decision.request, decision.clone());
                Ok(())
            }
        }
    }

    /// How a file stands at an instant. The best of several requests counts: a refusal does not keep from asking again.
    #[must_use]
    pub fn state(&self, dataset: &DatasetId, version: &Hash, now: Time) -> ImportState {
        let of = self.all().filter(|(_, request, _)| request.dataset == *dataset && request.version == *version);
        let mut best = ImportState::Unknown;
        for (_, request, decision) in of {
            let state = match decision.map(|decision| &decision.decision) {
                Some(ImportVerdict::Approved { until }) if now < *until => return ImportState::Approved(*until),
                Some(ImportVerdict::Refused { .. }) => ImportState::Refused,
                None if now < request.until => ImportState::Waits,
                Some(ImportVerdict::Approved { .. }) | None => ImportState::Over,
            };
            if best != ImportState::Waits {
                best = state;
            }
        }
        best
    }
}
