//! Intel.

use serde::{Deserialize, Serialize};

use crate::claims::Definition;
use crate::collateral::VerifiedCollateral;
use crate::crypto::Provider;
use crate::evidence::Evidence;
use crate::fault::{Result, malformed};
use crate::instant::Instant;
use crate::verify::Finding;

pub(crate) const SCHEMA: &[Definition] = &[];

/// Collateral as it travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {}

/// Collateral whose signatures were checked.
#[derive(Debug)]
pub(crate) struct Endorsement {}

impl Endorsement {
    /// The dates of everything in it.
    pub(crate) fn spans(&self) -> Vec<crate::instant::Span> {
        Vec::new()
    }
}

pub(crate) fn endorse(_provider: &dyn Provider, _entry: &Entry) -> Result<Endorsement> {
    Err(malformed("dcap", "not written yet"))
}

pub(crate) fn verify(_provider: &dyn Provider, _evidence: &Evidence, _collateral: &VerifiedCollateral, _at: Instant) -> Result<Finding> {
    Err(malformed("dcap", "not written yet"))
}
