//! What a check found: which rule, at which party, what is wrong, and what to do about it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::text::Text;

/// One reason why a job may not run, in the form that `yu job check` prints. Holds no data value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// Stable code, for example `authorisation.expired`; scripts may rely on it.
    pub code: String,
    /// The party at fault, or whose document is at fault: a node's or an organisation's name.
    pub party: String,
    /// What is wrong.
    pub what: Text,
    /// What helps.
    pub remedy: Text,
}

impl Finding {
    /// Puts the four together; both texts as (English, Chinese).
    pub fn new(code: &str, party: impl fmt::Display, what: (impl Into<String>, impl Into<String>), remedy: (&str, &str)) -> Self {
        Self { code: code.to_owned(), party: party.to_string(), what: Text::new(what.0, what.1), remedy: Text::new(remedy.0, remedy.1) }
    }
}

/// What passed every check, or all that keeps it from passing, named at once (A8).
pub type Checked<T> = std::result::Result<T, Vec<Finding>>;

/// A refusal for one reason; both texts as (English, Chinese).
///
/// # Errors
/// Always: the one finding.
pub(crate) fn refuse<T>(
    code: &str,
    party: impl fmt::Display,
    what: (impl Into<String>, impl Into<String>),
    remedy: (&str, &str),
) -> Checked<T> {
    Err(vec![Finding::new(code, party, what, remedy)])
}

/// `value` if nothing was found.
///
/// # Errors
/// All findings.
pub(crate) fn unless<T>(found: Vec<Finding>, value: T) -> Checked<T> {
    if found.is_empty() { Ok(value) } else { Err(found) }
}

/// An error of this crate as a finding, for callers that report findings.
pub(crate) fn broken(code: &str, party: impl fmt::Display, error: &crate::Error) -> Vec<Finding> {
    let remedy = ("obtain the signed original again", "重新获取签署原件");
    vec![Finding::new(code, party, (format!("the document does not hold: {error}"), format!("文件无效：{error}")), remedy)]
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}: {}; remedy: {}", self.code, self.party, self.what.en, self.remedy.en)
    }
}
