//! Withdrawal of supply, and its resumption (A21), as the provider signs it.

use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::id::DatasetId;
use crate::sign::SignedType;
use crate::text::Text;

/// A data set is taken out of supply, or put back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SupplyChange {
    /// Format version, 1.
    pub v: u32,
    /// The data set.
    pub dataset: DatasetId,
    /// Why it is withdrawn; absent: it is supplied again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawn: Option<Text>,
    /// When it was written; tells one change from the next.
    pub at: Time,
}

impl SignedType for SupplyChange {
    const TYPE: &'static str = "supply-change-v1";
}
