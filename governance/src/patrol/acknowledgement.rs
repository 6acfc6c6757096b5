//! A warning that somebody has looked at: who, and what came of it.

use serde::{Deserialize, Serialize};

use crate::canonical::u64_string;
use crate::clock::Time;
use crate::finding::{Checked, refuse};
use crate::id::PartyName;
use crate::sign::SignedType;
use crate::text::Text;

/// The acknowledgement, signed by the regulator or the authority: who is warned about does not settle the warning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acknowledgement {
    /// Format version, 1.
    pub v: u32,
    /// Who looked and signs; of another organisation than the node.
    pub by: PartyName,
    /// In whose log.
    pub node: PartyName,
    /// By which rule.
    pub rule: String,
    /// Index of the entry that was one too many.
    #[serde(with = "u64_string")]
    pub index: u64,
    /// What was found out, and what follows.
    pub remark: Text,
    /// When.
    pub at: Time,
}

impl SignedType for Acknowledgement {
    const TYPE: &'static str = "warning-acknowledgement-v1";
}

impl Acknowledgement {
    /// Checks the content; `watchers` may acknowledge.
    ///
    /// # Errors
    /// `warning.by` for one who does not watch, or watches itself; `warning.remark` for one who says nothing.
    pub fn check(&self, watchers: &[PartyName]) -> Checked<()> {
        let remedy = ("let the regulator or the authority look at it and say what was found", "由监管方或主管部门核查并说明");
        if !watchers.contains(&self.by) || self.by.organisation() == self.node.organisation() {
            let what = (format!("`{}` does not watch `{}`", self.by, self.node), format!("`{}` 不监测 `{}`", self.by, self.node));
            return refuse("warning.by", &self.by, what, remedy);
        }
        if self.v != 1 || self.remark.is_blank() || self.rule.is_empty() {
            return refuse("warning.remark", &self.by, ("it says nothing", "内容空缺"), remedy);
        }
        Ok(())
    }
}
