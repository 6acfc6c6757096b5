//! `job.toml`: what a person writes. It is compiled to the canonical contract, see [`super::compile`].

pub mod derivative;
pub mod split;
pub mod training;

use super::steps::StepFile;
use crate::fault::{Code, Fault, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use yu_governance::contract::{ColumnRef, MAX_DIGITS, OwnCorrelations, Side, StepTerms};

pub use derivative::DerivativeFile;
pub use split::SplitFile;
pub use training::TrainingFile;

/// A job as a person describes it.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobFile {
    /// Id of the authorisation.
    pub authorisation: String,
    /// Purpose; absent: the purpose of the authorisation.
    #[serde(default)]
    pub purpose: Option<String>,
    /// `joint-statistics`: short for one step `stats` over all columns, with the group of `[group]`.
    #[serde(default)]
    pub question: Option<String>,
    /// `[step.train]`, `[step.evaluate]` or `[step.predict]`: a model that stays split, with `technique = "federated"`.
    #[serde(default)]
    pub step: Option<SplitFile>,
    /// What is asked, one after the other; [`JobFile::terms`] reads them.
    #[serde(default)]
    pub steps: Vec<toml::Table>,
    /// `semi-honest`, or `malicious`: a computing party that deviates is found out before anything is opened or sealed.
    #[serde(default = "semi_honest")]
    pub security: String,
    /// `mpc`; `enclave`: the helper is an attested worker; `federated`: a model that stays split.
    #[serde(default = "mpc")]
    pub technique: String,
    /// What must be proved about the worker, with `enclave`.
    #[serde(default)]
    pub enclave: Option<EnclaveFile>,
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
    /// Numeric columns; with `[[steps]]` they may be left out, and are those that the steps name.
    #[serde(default)]
    pub columns: Vec<String>,
    /// Key normalisation, equal on both sides.
    #[serde(default = "normalise")]
    pub normalise: Vec<String>,
}

/// An attested worker.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnclaveFile {
    /// The policy of attestation, a file beside job.toml; the command line puts its text in the place of its name.
    #[serde(default)]
    pub policy: Option<String>,
    /// The text of the policy.
    #[serde(default)]
    pub policy_text: Option<String>,
    /// The module: `statistics`, or the SHA-256 of another one that the worker has.
    #[serde(default = "statistics")]
    pub module: String,
    /// Hash of the bundle of collateral that the providers took in.
    #[serde(default)]
    pub bundle: Option<String>,
    /// No hardware stands behind the worker: for demonstrations only.
    #[serde(default)]
    pub danger_simulated: bool,
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
fn statistics() -> String {
    super::enclave::STATISTICS.into()
}
fn semi_honest() -> String {
    "semi-honest".into()
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

/// Reads the text of a job file of any technique.
///
/// # Errors
/// `input.bad`, naming line and field.
fn read<T: DeserializeOwned>(text: &str) -> Result<T> {
    toml::from_str(text).map_err(|e| {
        let place = e.span().map_or(0, |s| text.get(..s.start).unwrap_or_default().matches('\n').count() + 1);
        Fault::new(Code::Input, e.message().to_owned()).at(format!("job.toml line {place}"))
    })
}

/// Whether the text of a job file names this technique.
fn names_technique(text: &str, technique: &str) -> bool {
    toml::from_str::<toml::Table>(text).is_ok_and(|file| file.get("technique").and_then(toml::Value::as_str) == Some(technique))
}

/// Whether the text of a job file has this key.
fn has(text: &str, key: &str) -> bool {
    toml::from_str::<toml::Table>(text).is_ok_and(|file| file.contains_key(key))
}

impl JobFile {
    /// Parses the text of a job file.
    ///
    /// # Errors
    /// `input.bad`, naming line and field.
    pub fn parse(text: &str) -> Result<Self> {
        let file: Self = read(text)?;
        let bad = |field: &str, what: &str| Err(Fault::new(Code::Input, what.to_owned()).at(format!("job.toml `{field}`")));
        if !["mpc", "enclave", "federated"].contains(&file.technique.as_str()) {
            return bad("technique", "`mpc`, `enclave`, `central` with one step `desensitize`, or `federated` with [step]");
        }
        if (file.technique == "federated") != file.step.is_some() {
            return bad(
                "step",
                "one of [step.train], [step.evaluate] and [step.predict] stands with `technique = \"federated\"` and only there",
            );
        }
        if file.step.is_some() && (file.reveal_match != "both" || file.security != "semi-honest") {
            return bad("reveal_match", "a split model needs rows that are aligned by ECDH-PSI: `both`, with `semi-honest`");
        }
        if (file.technique == "enclave") != file.enclave.is_some() {
            return bad(
                "enclave",
                "[enclave] says what must be proved about the worker: it stands with `technique = \"enclave\"` and only there",
            );
        }
        if let Some(enclave) = &file.enclave {
            if file.reveal_match != "none" {
                return bad("reveal_match", "inside an enclave nobody learns the match: `none`");
            }
            if enclave.policy_text.is_none() || enclave.policy.is_some() {
                return bad("enclave.policy", "one of `policy`, a file beside job.toml, and `policy_text`");
            }
            if enclave.danger_simulated == enclave.bundle.is_some() {
                return bad("enclave.bundle", "hardware needs the hash of a bundle of collateral; a simulated worker has none");
            }
        }
        if file.question.as_ref().is_some_and(|q| q != "joint-statistics") {
            return bad("question", "only `joint-statistics` is known; other questions are [[steps]]");
        }
        if usize::from(file.question.is_some()) + usize::from(!file.steps.is_empty()) + usize::from(file.step.is_some()) != 1 {
            return bad("steps", "one of `question = \"joint-statistics\"`, [[steps]] and [step]");
        }
        if file.steps.len() > yu_mpc::analysis::limits::STEPS {
            return bad("steps", &format!("{} steps, at most {}", file.steps.len(), yu_mpc::analysis::limits::STEPS));
        }
        if file.question.is_none() && file.group.is_some() {
            return bad("group", "with [[steps]] a step names its own group");
        }
        if file.security != "semi-honest" && file.security != "malicious" {
            return bad("security", "`semi-honest` or `malicious`");
        }
        if file.security == "malicious" && file.reveal_match == "both" {
            return bad("security", "ECDH-PSI does not find parties that deviate: choose reveal_match = \"none\" with `malicious`");
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
            if side.columns.is_empty() && file.question.is_some() {
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
        // a model that was trained earlier says which columns it wants
        let file = if matches!(&file.step, Some(SplitFile::Evaluate(used) | SplitFile::Predict(used)) if used.settings.is_none()) {
            file
        } else {
            file.resolved()?
        };
        if file.expires_hours == 0 || file.expires_hours > 24 * 30 {
            return bad("expires_hours", "1 to 720");
        }
        Ok(file)
    }

    /// The steps as the contract states them; `labels` knows the categories of a column.
    ///
    /// # Errors
    /// `input.bad` naming step and field; those of `labels`.
    pub fn terms(&self, labels: &dyn Fn(&ColumnRef) -> Result<Vec<String>>) -> Result<Vec<StepTerms>> {
        let named = |side, columns: &[String]| columns.iter().map(|c| ColumnRef { side, column: c.clone() }).collect::<Vec<_>>();
        let all = [named(Side::Left, &self.left.columns), named(Side::Right, &self.right.columns)].concat();
        if let Some(step) = &self.step {
            return Ok(vec![step.terms()?]);
        }
        if self.steps.is_empty() {
            let group = self.group.as_ref().map(|g| format!("{}.{}", g.side, g.column));
            let stats = StepFile::Stats { columns: None, group };
            return Ok(vec![stats.terms(1, &all, labels)?]);
        }
        self.steps.iter().zip(1..).map(|(table, number)| StepFile::parse(number, table)?.terms(number, &all, labels)).collect()
    }

    /// Categorical columns of a side that the steps name, each once.
    ///
    /// # Errors
    /// As [`Self::terms`].
    pub fn categorical(&self, side: Side) -> Result<Vec<String>> {
        let terms = self.terms(&|_| Ok(vec!["?".to_owned()]))?;
        let names = terms.iter().flat_map(StepTerms::categories).filter(|g| g.side == side).map(|g| g.column.clone());
        Ok(names.collect::<std::collections::BTreeSet<_>>().into_iter().collect())
    }

    /// The same file with the columns of each side as the steps read them, checked without the catalogue.
    ///
    /// # Errors
    /// `input.bad` naming the field.
    pub(super) fn resolved(mut self) -> Result<Self> {
        let bad = |field: &str, what: String| Err(Fault::new(Code::Input, what).at(format!("job.toml `{field}`")));
        let unknown = |_: &ColumnRef| Ok(vec!["?".to_owned()]);
        let terms = self.terms(&unknown)?;
        let aligned = (self.reveal_match == "both" || self.technique == "enclave") && self.step.is_none();
        for (which, name, side) in [(Side::Left, "left", &mut self.left), (Side::Right, "right", &mut self.right)] {
            let mut read: Vec<String> = Vec::new();
            for r in terms.iter().flat_map(StepTerms::numbers).filter(|r| r.side == which) {
                if !read.contains(&r.column) {
                    read.push(r.column.clone());
                }
            }
            let categories = terms.iter().flat_map(StepTerms::categories).filter(|g| g.side == which).map(|g| &g.column);
            if let Some(c) = read.iter().chain(categories).find(|c| side.key.contains(c)) {
                return bad(&format!("{name}.columns"), format!("`{c}` is a key column; keys are text and take no part in statistics"));
            }
            if side.columns.is_empty() {
                side.columns = read;
                continue;
            }
            if let Some(c) = read.iter().find(|c| !side.columns.contains(c)) {
                return bad("steps", format!("`{name}.{c}` is not among `{name}.columns`"));
            }
            if let Some(c) = side.columns.iter().find(|c| !read.contains(c)) {
                return bad(&format!("{name}.columns"), format!("`{c}` is read by no step: leave it out"));
            }
        }
        let whole = |columns: &[ColumnRef]| columns.len() == self.left.columns.len() + self.right.columns.len();
        if aligned && !matches!(terms.as_slice(), [StepTerms::Stats { columns, .. }] if whole(columns)) {
            let what = "computes one step `stats` over all columns; other steps run on shares";
            return match self.technique.as_str() {
                "enclave" => bad("steps", format!("`enclave` {what}")),
                _ => bad("reveal_match", format!("`both` {what}: choose \"none\" for them")),
            };
        }
        Ok(self)
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
    fn a_question_is_short_for_one_step() {
        let job = JobFile::parse(GOOD).unwrap();
        assert_eq!(job.security, "semi-honest");
        let unknown = |_: &ColumnRef| Ok(vec!["?".to_owned()]);
        let short = job.terms(&unknown).unwrap();
        assert!(matches!(short.as_slice(), [StepTerms::Stats { columns, group: None }] if columns.len() == 2));
        let long = GOOD.replace("question = \"joint-statistics\"\n", "") + "[[steps]]\nkind = \"stats\"\n";
        assert_eq!(JobFile::parse(&long).unwrap().terms(&unknown).unwrap(), short);
    }

    #[test]
    fn columns_of_the_sides_are_those_of_the_steps() {
        let steps = "[[steps]]\nkind = \"quantiles\"\ncolumns = [\"right.income\", \"left.age\"]\nprobabilities = [0.5, 0.9999]\n";
        let long = GOOD.replace("question = \"joint-statistics\"\n", "") + steps;
        let job = JobFile::parse(&long.replace("columns = [\"age\"]\n", "").replace("columns = [\"income\"]\n", "")).unwrap();
        assert_eq!(
            (job.left.columns.as_slice(), job.right.columns.as_slice()),
            (["age".to_owned()].as_slice(), ["income".to_owned()].as_slice())
        );
        for (from, to, field) in [
            ("columns = [\"age\"]", "columns = [\"age\", \"name\"]", "left.columns"),
            ("columns = [\"income\"]", "columns = [\"balance\"]", "steps"),
            ("0.9999", "0.99999", "steps[1] (quantiles)"),
            ("left.age\"]", "left.resident_id\"]", "left.columns"),
            ("[[steps]]", "[group]\nside = \"left\"\ncolumn = \"district\"\n[[steps]]", "group"),
        ] {
            let fault = JobFile::parse(&long.replacen(from, to, 1)).unwrap_err();
            assert!(fault.place.clone().unwrap().contains(field), "{fault}");
        }
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
            ("question = \"joint-statistics\"", "security = \"malicious\"", "steps"),
            ("helper =", "security = \"honest\"\nhelper =", "security"),
            ("helper =", "security = \"malicious\"\nreveal_match = \"both\"\nhelper =", "security"),
            ("columns = [\"age\"]", "columns = [\"resident_id\"]", "left.columns"),
            ("yu://dev/health/n1", "yu://dev/bank/n1", "right.party"),
        ] {
            let fault = JobFile::parse(&GOOD.replace(from, to)).unwrap_err();
            assert!(fault.place.clone().unwrap().contains(field), "{fault}");
        }
    }
}
