//! Export to the credit file (信用档案, A30): only what a decision says, with the arrow that proves it.

use serde::{Deserialize, Serialize};

use crate::canonical::Hash;
use crate::clock::Time;
use crate::error::Result;
use crate::id::{PartyName, document_hash};
use crate::sign::SignedType;
use crate::workflow::Word as _;
use crate::workflow::arrow::Arrow;
use crate::workflow::authorisation::{Case, Cause, Event};
use crate::workflow::refuse;

/// One record of bad conduct, to be signed by the authority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreditRecord {
    /// Format version, 1.
    pub v: u32,
    /// The authority that decided and signs.
    pub authority: PartyName,
    /// The organisation.
    pub organisation: String,
    /// The authorisation.
    pub authorisation: String,
    /// Why it ended, by its stable name.
    pub cause: Cause,
    /// Why, in Chinese, as the credit system reads it.
    pub cause_zh: String,
    /// Hash of the arrow by which it ended.
    pub decision: Hash,
    /// Hash of the document that the decision rests on.
    pub evidence: Hash,
    /// When it was decided.
    pub at: Time,
}

impl SignedType for CreditRecord {
    const TYPE: &'static str = "credit-record-v1";
}

impl CreditRecord {
    /// Whether the record is of the form that an arrow gives; that the arrow exists is seen where the chains are.
    ///
    /// # Errors
    /// `Refused`: `credit.no-misconduct`, `credit.form`.
    pub fn check(&self) -> Result<()> {
        if is_blameless(self.cause) {
            return Err(refuse("credit.no-misconduct", format!("`{}` is nobody's bad conduct", self.cause)));
        }
        if self.v != 1 || self.cause_zh != self.cause.zh() || self.organisation.trim().is_empty() || self.authorisation.trim().is_empty() {
            return Err(refuse("credit.form", "the record is not of the form that follows from a decision"));
        }
        Ok(())
    }

    /// The record that follows from an arrow; the arrow must come from a chain that was replayed.
    ///
    /// # Errors
    /// `Refused` with `credit.no-misconduct` for any other step, and for ends without fault (at request, law changed, the grant
    /// above revoked).
    pub fn from_arrow(arrow: &Arrow<Case>, authority: PartyName, organisation: &str) -> Result<Self> {
        let Event::Terminate { cause } = &arrow.event else {
            return Err(refuse("credit.no-misconduct", "only a decision that ends an authorisation is exported"));
        };
        if is_blameless(*cause) {
            return Err(refuse("credit.no-misconduct", format!("`{cause}` is nobody's bad conduct")));
        }
        Ok(Self {
            v: 1,
            authority,
            organisation: organisation.into(),
            authorisation: arrow.object.clone(),
            cause: *cause,
            cause_zh: cause.zh().into(),
            decision: document_hash(arrow)?,
            evidence: arrow.evidence,
            at: arrow.at,
        })
    }
}

const fn is_blameless(cause: Cause) -> bool {
    matches!(cause, Cause::AtRequest | Cause::LawChanged | Cause::ParentRevoked)
}
