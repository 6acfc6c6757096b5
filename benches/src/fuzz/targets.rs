//! Every reader of bytes from outside, by maker.

mod amd;
mod documents;
mod intel;
mod makers;
mod tpm;

use yu_tee_attest::crypto::Provider;
use yu_tee_attest::{Binding, Evidence, Instant, VerifiedCollateral, verify};

use super::provider::Believer;
use super::target::{Outcome, Target, claimed, refused};
use super::vectors::Vectors;
use crate::Result;

/// All targets, each with its seeds.
///
/// # Errors
/// A vector that is not there.
pub fn all(vectors: &Vectors) -> Result<Vec<Target>> {
    let mut targets = intel::targets(vectors)?;
    targets.extend(amd::targets(vectors)?);
    targets.extend(makers::targets(vectors)?);
    targets.extend(tpm::targets(vectors)?);
    targets.extend(documents::targets(vectors)?);
    Ok(targets)
}

/// What the verifier says of evidence.
fn judge(provider: &dyn Provider, evidence: &Evidence, collateral: &VerifiedCollateral, at: Instant) -> Outcome {
    match verify::verify(provider, evidence, collateral, at, &Binding::None) {
        Ok(verified) => claimed(verified.claims()),
        Err(fault) => refused(&fault),
    }
}

/// Collateral as it is before anything is changed; its own signatures are no matter here.
fn collateral(entries: &[yu_tee_attest::Entry]) -> Result<VerifiedCollateral> {
    Ok(VerifiedCollateral::new(&Believer::All, entries, [0; 32])?)
}

/// The same of one entry that was changed.
fn endorse(provider: &dyn Provider, entry: yu_tee_attest::Entry) -> Outcome {
    super::target::told(VerifiedCollateral::new(provider, &[entry], [0; 32]))
}
