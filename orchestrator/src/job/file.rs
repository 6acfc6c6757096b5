//! `job.toml`: what a person writes. It is compiled to the canonical contract, see [`super::compile`].

use crate::fault::{Code, Fault, Result};
use serde::{Deserialize, Serialize};
use yu_governance::contract::{MAX_DIGITS, OwnCorrelations};

/// A job as a person describes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobFile {
    /// Id of the authorisation.
    pub authorisation: String,
    /// Purpose; absent: the purpose of the authorisation.
    #[serde(default)]
    pub purpose: Option<String>,
    /// `joint-statistics`.
    pub question: String,
    /// `mpc`.
    #[serde(default = "mpc")]
    pub technique: String,
    /// Who may learn which rows matched: `none` (rows are joined on shares) or `both` (aligned by ECDH-PSI, which costs less).
    #[serde(default = "none")]
    pub reveal_match: String,
    /// First input.
    pub left: SideFile,
    /// Second input.
    pub right: SideFile,
    /// Third computing party, `yu://env/org/node`.
    pub helper: String,
    /// Who decides about the result; it never computes.
    pub reviewer: String,
    /// Who receives it.
    pub receiver: String,
    /// Group means by this categorical column.
    #[serde(default)]
    pub group: Option<GroupFile>,
    /// Significant digits of published numbers.
    #[serde(default = "digits")]
    pub digits: u32,
    /// Correlations among the columns of a receiver that brings data: `withheld`, or `published` because the question asks for them.
    #[serde(default = "withheld")]
    pub own_correlations: OwnCorrelations,
    /// Limits that are stricter than the parties' own.
    #[serde(default)]
    pub limits: LimitsFile,
    /// Hours until the contract expires.
    #[serde(default = "day")]
    pub expires_hours: u32,
}

/// One input.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SideFile {
    /// Owner, `yu://env/org/node`.
    pub party: String,
    /// Data set.
    pub dataset: String,
    /// Key columns, in order.
    pub key: Vec<String>,
    /// Numeric columns.
    pub columns: Vec<String>,
    /// Key normalisation, equal on both sides.
    #[serde(default = "normalise")]
    pub normalise: Vec<String>,
}

/// Grouping.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupFile {
    /// `left` or `right`.
    pub side: String,
    /// Categorical column of that side.
    pub column: String,
}

/// Limits.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsFile {
    /// Smallest set.
    #[serde(default)]
    pub min_rows: Option<u64>,
    /// Largest size ratio.
    #[serde(default)]
    pub max_ratio: Option<u64>,
    /// Smallest group.
    #[serde(default)]
    pub min_cell: Option<u64>,
    /// Runs per pair and day.
    #[serde(default)]
    pub runs_per_day: Option<u64>,
}

fn digits() -> u32 {
    MAX_DIGITS
}
fn withheld() -> OwnCorrelations {
    OwnCorrelations::Withheld
}
fn mpc() -> String {
    "mpc".into()
}
fn none() -> String {
    "none".into()
}
fn day() -> u32 {
    24
}
fn normalise() -> Vec<String> {
    vec!["trim".into(), "nfkc".into()]
}

impl JobFile {
    /// Parses the text of a job file.
    ///
    /// # Errors
    /// `input.bad`, naming line and field.
    pub fn parse(text: &str) -> Result<Self> {
        let file: Self = toml::from_str(text).map_err(|e| {
            let place = e.span().map_or(0, |s| text[..s.start.min(text.len())].matches('\n').count() + 1);
            Fault::new(Code::Input, e.message().to_owned()).at(format!("job.toml line {place}"))
        })?;
        let bad = |field: &str, what: &str| Err(Fault::new(Code::Input, what.to_owned()).at(format!("job.toml `{field}`")));
        if file.technique != "mpc" {
            return bad("technique", "only `mpc` is built in this version");
        }
        if file.question != "joint-statistics" {
            return bad("question", "only `joint-statistics` is known");
        }
        if file.reveal_match != "none" && file.reveal_match != "both" {
            return bad("reveal_match", "`none` (joined on shares) or `both` (ECDH-PSI, which tells both input parties)");
        }
        if file.left.party == file.right.party {
            return bad("right.party", "the two inputs belong to two different parties");
        }
        for (name, side) in [("left", &file.left), ("right", &file.right)] {
            if side.key.is_empty() {
                return bad(&format!("{name}.key"), "at least one key column");
            }
            if side.columns.is_empty() {
                return bad(&format!("{name}.columns"), "at least one numeric column");
            }
            if let Some(c) = side.columns.iter().find(|c| side.key.contains(c)) {
                return bad(&format!("{name}.columns"), &format!("`{c}` is a key column; keys are text and take no part in statistics"));
            }
            let mut seen = std::collections::BTreeSet::new();
            if let Some(c) = side.columns.iter().find(|c| !seen.insert(c.as_str())) {
                return bad(&format!("{name}.columns"), &format!("`{c}` is named twice"));
            }
        }
        if file.left.normalise != file.right.normalise || file.left.key.len() != file.right.key.len() {
            return bad("normalise", "key columns and normalisation must be the same on both sides");
        }
        if file.group.as_ref().is_some_and(|g| g.side != "left" && g.side != "right") {
            return bad("group.side", "`left` or `right`");
        }
        if !(1..=MAX_DIGITS).contains(&file.digits) {
            return bad("digits", &format!("1 to {MAX_DIGITS}"));
        }
        if file.expires_hours == 0 || file.expires_hours > 24 * 30 {
            return bad("expires_hours", "1 to 720");
        }
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
authorisation = "A-1"
question = "joint-statistics"
helper = "yu://dev/platform/n1"
reviewer = "yu://dev/authority/n1"
receiver = "yu://dev/bank/n1"
[left]
party = "yu://dev/health/n1"
dataset = "visits"
key = ["resident_id"]
columns = ["age"]
[right]
party = "yu://dev/bank/n1"
dataset = "accounts"
key = ["resident_id"]
columns = ["income"]
"#;

    #[test]
    fn defaults_are_filled() {
        let job = JobFile::parse(GOOD).unwrap();
        assert_eq!(job.technique, "mpc");
        assert_eq!(job.reveal_match, "none");
        assert_eq!(job.left.normalise, ["trim", "nfkc"]);
    }

    #[test]
    fn faults_name_line_and_field() {
        let misspelt = GOOD.replace("dataset = \"visits\"", "datset = \"visits\"");
        let fault = JobFile::parse(&misspelt).unwrap_err();
        assert!(fault.place.unwrap().contains("line"), "{}", fault.detail);
        for (from, to, field) in [
            ("joint-statistics", "steal", "question"),
            ("helper =", "reveal_match = \"left\"\nhelper =", "reveal_match"),
            ("helper =", "digits = 15\nhelper =", "digits"),
            ("columns = [\"age\"]", "columns = []", "left.columns"),
            ("columns = [\"age\"]", "columns = [\"resident_id\"]", "left.columns"),
            ("yu://dev/health/n1", "yu://dev/bank/n1", "right.party"),
        ] {
            let fault = JobFile::parse(&GOOD.replace(from, to)).unwrap_err();
            assert!(fault.place.clone().unwrap().contains(field), "{fault}");
        }
    }
}
