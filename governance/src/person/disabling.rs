//! The end of somebody's access, as a document: by the organisation, or by the authority.

use serde::{Deserialize, Serialize};

use crate::canonical::Hash;
use crate::clock::Time;
use crate::id::{PartyName, PersonId};
use crate::sign::SignedType;

/// A person may not act any more. Everybody on the domain reads it, so it says nothing of why; whoever comes back is opened anew by the authority.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disabling {
    /// Format version, 1.
    pub v: u32,
    /// Who.
    pub person: PersonId,
    /// Hash of a filed record of the person: nodes that do not read records see by it that there is one.
    pub record: Hash,
    /// Who says so, and signs: the organisation's office or the authority.
    pub by: PartyName,
    /// First second without access.
    pub at: Time,
}

impl SignedType for Disabling {
    const TYPE: &'static str = "person-disabling-v1";
}
