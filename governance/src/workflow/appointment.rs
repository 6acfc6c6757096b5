//! Who signs in which role, as the authority appoints them (任命), with the keys under which their signatures count.
//!
//! Authority and regulator are not appointed here: every node names them in its own configuration, so neither can make itself the other. A
//! party that a node knows by a ticket keeps the key of that ticket; an appointment with another one is refused, so that the
//! authority cannot sign for a provider.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::refuse;
use super::role::{Role, Roster};
use crate::clock::Time;
use crate::error::Result;
use crate::id::PartyName;
use crate::sign::{KeyRing, PublicKey, Signed, SignedType};

/// Most appointments in one document.
const MOST: usize = 1024;

/// One party in one role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Appointment {
    /// In which role.
    pub role: Role,
    /// Who.
    pub party: PartyName,
    /// Its signing key.
    pub key: PublicKey,
}

/// Everybody who holds a role, signed by the authority; a later version replaces the whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Appointments {
    /// Format version, 1.
    pub v: u32,
    /// Counts up by one.
    pub version: u32,
    /// The authority.
    pub authority: PartyName,
    /// Who holds what.
    pub appointed: Vec<Appointment>,
    /// When.
    pub at: Time,
}

impl SignedType for Appointments {
    const TYPE: &'static str = "appointments-v1";
}

impl Appointments {
    /// The appointments, if the authority signed them and they follow on those known so far, and the ring of all who may sign.
    ///
    /// # Errors
    /// `Signature`; `Refused`: `appointment.version`, `appointment.role` for authority or regulator, `appointment.twice`, `appointment.too-many`,
    /// `keyring.conflict` for a key that is not the known one of a party, or another party's.
    pub fn accept<'a>(
        signed: &'a Signed<Self>,
        ring: &KeyRing,
        authority: &PartyName,
        current: Option<&Self>,
    ) -> Result<(&'a Self, KeyRing)> {
        let new = signed.verify(ring, &[authority.as_str()])?;
        if new.v != 1 || new.authority != *authority || current.is_some_and(|known| known.version >= new.version && known != new) {
            let known = current.map_or(0, |known| known.version);
            return Err(refuse("appointment.version", format!("version {} does not follow {known}", new.version)));
        }
        if new.appointed.len() > MOST {
            return Err(refuse("appointment.too-many", format!("{} appointments, at most {MOST}", new.appointed.len())));
        }
        if let Some(own) = new.appointed.iter().find(|a| matches!(a.role, Role::Authority | Role::Regulator)) {
            return Err(refuse("appointment.role", format!("`{}` is named by each node itself, not appointed", own.role)));
        }
        let mut seen = BTreeSet::new();
        if let Some(twice) = new.appointed.iter().find(|a| !seen.insert((a.role, &a.party))) {
            return Err(refuse("appointment.twice", format!("`{}` is appointed twice as `{}`", twice.party, twice.role)));
        }
        Ok((new, new.ring(ring)?))
    }

    /// The ring with the keys of all who are appointed.
    ///
    /// # Errors
    /// `keyring.conflict`.
    pub fn ring(&self, known: &KeyRing) -> Result<KeyRing> {
        let mut ring = known.clone();
        self.appointed.iter().try_for_each(|a| ring.insert(a.party.as_str(), a.key))?;
        Ok(ring)
    }

    /// Who holds what; authority and regulator are those of the node itself.
    #[must_use]
    pub fn roster(&self, authority: &PartyName, regulator: &PartyName) -> Roster {
        let pinned = Roster::new().with(Role::Authority, authority.clone()).with(Role::Regulator, regulator.clone());
        self.appointed.iter().fold(pinned, |roster, a| roster.with(a.role, a.party.clone()))
    }

    /// All who hold a role, in the order of the document.
    pub fn holders(&self, role: Role) -> impl Iterator<Item = &PartyName> {
        self.appointed.iter().filter(move |a| a.role == role).map(|a| &a.party)
    }
}
