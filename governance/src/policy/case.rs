//! A decision under way: what it looks at, and what of it was verified already.
//!
//! Twenty rules look at the same few documents. Each document is verified once for all of them, and once for all decisions about
//! the same contract with the same documents: only the moment and the count of runs differ between these.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Mutex, OnceLock, PoisonError};

use super::cedar::{PolicySet, Uses};
use super::decide::{self, Decision};
use super::hard;
use super::input::PolicyInput;
use crate::canonical::Hash;
use crate::clock::Time;
use crate::contract::Admitted;
use crate::finding::Finding;
use crate::id::{JobId, document_hash};
use crate::sign::{Signed, SignedType};
use crate::{Error, Result};

/// An input, and what is known of its documents.
pub struct Case<'a> {
    input: PolicyInput<'a>,
    /// Of each document: its hash if every signature under it verifies.
    ///
    /// INVARIANT: the key is the address of a document that `input` borrows, so it is neither changed nor freed nor another
    /// document while this lives; the type tells a document from its first field.
    proven: Mutex<HashMap<(usize, &'static str), Result<Hash>>>,
    contract: OnceLock<Option<JobId>>,
    /// Parties and data sets as the editable policy sees them.
    pub(super) uses: OnceLock<Uses<'a>>,
}

impl<'a> Case<'a> {
    /// Nothing is verified yet.
    #[must_use]
    pub fn new(input: PolicyInput<'a>) -> Self {
        Self { input, proven: Mutex::default(), contract: OnceLock::new(), uses: OnceLock::new() }
    }

    /// The same contract and documents at another moment. Signatures do not depend on it; everything else is decided anew.
    #[must_use]
    pub fn at(mut self, now: Time, runs_today: u64) -> Self {
        (self.input.now, self.input.runs_today) = (now, runs_today);
        self
    }

    /// As [`super::check`].
    #[must_use]
    pub fn check(&self, policy: &PolicySet) -> Vec<Finding> {
        let mut findings = hard::check_case(self);
        if let Err(more) = policy.rule_case(self) {
            findings.extend(more);
        }
        findings
    }

    /// As [`super::decide`](fn@super::decide).
    pub fn decide(&self, admitted: &Admitted, policy: &PolicySet) -> Decision {
        decide::decide_case(admitted, self, policy)
    }

    /// A document of the dossier, if every signature under it verifies and the required signer is among them; with its hash.
    pub(super) fn verify<T: SignedType>(&self, signed: &'a Signed<T>, required: &str) -> Result<(&'a T, Hash)> {
        let key = (std::ptr::from_ref(signed).addr(), T::TYPE);
        let missing = || Error::Signature { object: T::TYPE.into(), reason: format!("the signature of `{required}` is missing") };
        if signed.signatures.is_empty() {
            return Err(missing());
        }
        let mut known = self.proven.lock().unwrap_or_else(PoisonError::into_inner);
        let proven = known.entry(key).or_insert_with(|| signed.verify(self.input.keys, &[]).and_then(document_hash));
        match proven {
            Ok(hash) if signed.names(required) => Ok((&signed.payload, *hash)),
            Ok(_) => Err(missing()),
            Err(error) => Err(Error::Signature { object: T::TYPE.into(), reason: reason(error) }),
        }
    }

    /// The id of the contract.
    pub(super) fn job(&self) -> Option<JobId> {
        *self.contract.get_or_init(|| self.input.contract.id().ok())
    }
}

impl<'a> Deref for Case<'a> {
    type Target = PolicyInput<'a>;

    fn deref(&self) -> &PolicyInput<'a> {
        &self.input
    }
}

fn reason(error: &Error) -> String {
    match error {
        Error::Signature { reason, .. } | Error::Malformed { reason, .. } => reason.clone(),
        other => other.to_string(),
    }
}
