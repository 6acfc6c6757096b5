//! What the authority says of a refusal of data in the agreed list (A20): it stands, or the data must be supplied.

use serde::{Deserialize, Serialize};

use crate::canonical::Hash;
use crate::clock::Time;
use crate::sign::SignedType;
use crate::text::Text;

/// Whether a refusal stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ruling {
    /// It stands.
    Upheld,
    /// The data must be supplied.
    Overruled,
}

/// The authority rules on one reported refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SupplyRuling {
    /// Format version, 1.
    pub v: u32,
    /// Hash of the report's payload.
    pub report: Hash,
    /// What holds.
    pub ruling: Ruling,
    /// Why, in both languages.
    pub reason: Text,
    /// When.
    pub at: Time,
}

impl SignedType for SupplyRuling {
    const TYPE: &'static str = "supply-ruling-v1";
}
