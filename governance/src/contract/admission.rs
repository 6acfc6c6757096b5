//! Admission: a contract counts when every party of it has signed these very bytes, and not before.

use super::Contract;
use crate::error::{Error, Result};
use crate::id::JobId;
use crate::sign::{KeyRing, Signed};

/// Proof that all parties signed the contract. There is no other way to make one, and what follows (permits, held
/// results) demands it, so the check cannot be left out.
///
/// ```compile_fail,E0451
/// // private fields: admission cannot be claimed
/// fn claim(signed: yu_governance::sign::Signed<yu_governance::contract::Contract>, id: yu_governance::id::JobId)
///     -> yu_governance::contract::Admitted
/// {
///     yu_governance::contract::Admitted { signed, id }
/// }
/// ```
#[derive(Debug)]
pub struct Admitted {
    signed: Signed<Contract>,
    id: JobId,
}

impl Admitted {
    /// Admits the contract, or nobody: all parties named in it must have signed, and nobody else.
    ///
    /// # Errors
    /// `Signature` for a missing, unknown or wrong signature; `Refused` with `contract.stranger` for the signature of
    /// somebody who is no party; `contract.shape` for a contract that contradicts itself.
    pub fn new(signed: Signed<Contract>, ring: &KeyRing) -> Result<Self> {
        let names: Vec<String> = signed.payload.parties.iter().map(|p| p.name.to_string()).collect();
        let required: Vec<&str> = names.iter().map(String::as_str).collect();
        let contract = signed.verify(ring, &required)?;
        if let Some(stranger) = signed.signatures.iter().find(|s| !names.contains(&s.signer)) {
            return Err(Error::Refused {
                code: "contract.stranger",
                what: format!("`{}` signed but is no party of the contract", stranger.signer),
            });
        }
        if let Some(finding) = contract.check_shape().first() {
            return Err(Error::Refused { code: "contract.shape", what: finding.to_string() });
        }
        let id = contract.id()?;
        Ok(Self { signed, id })
    }

    /// The contract.
    #[must_use]
    pub const fn contract(&self) -> &Contract {
        &self.signed.payload
    }

    /// The contract with its signatures, for storage.
    #[must_use]
    pub const fn signed(&self) -> &Signed<Contract> {
        &self.signed
    }

    /// The job.
    #[must_use]
    pub const fn id(&self) -> JobId {
        self.id
    }
}
