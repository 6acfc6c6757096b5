//! What the job costs on the wire, as a formula in the row counts with minimum and maximum.
//!
//! The number of matched rows is unknown at signing, so the statement gives the formula and its range; evaluated at
//! the actual counts it equals the meters exactly. Bytes are protocol frames with their headers.

use serde::{Deserialize, Serialize};

use crate::canonical::u64_string;

/// Bytes that one party sends another in one step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepCost {
    /// Name of the communication step.
    pub step: String,
    /// Sender.
    pub from: String,
    /// Receiver.
    pub to: String,
    /// Expression over `n_left`, `n_right`, `matched`.
    pub bytes: String,
}

/// The cost statement of a contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CostStatement {
    /// Bytes step by step.
    pub formula: Vec<StepCost>,
    /// Expression for the rounds.
    pub rounds: String,
    /// Least bytes, all parties together.
    #[serde(with = "u64_string")]
    pub min_bytes: u64,
    /// Most bytes, all parties together.
    #[serde(with = "u64_string")]
    pub max_bytes: u64,
    /// Fewest rounds.
    #[serde(with = "u64_string")]
    pub min_rounds: u64,
    /// Most rounds.
    #[serde(with = "u64_string")]
    pub max_rounds: u64,
}
