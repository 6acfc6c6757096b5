//! What is in force on this node: profile, appointments, keys.

use crate::fault::{Code, Fault, Result};
use crate::node::Node;
use yu_governance::id::PartyName;
use yu_governance::profile::{Effective, Profile, Rules};
use yu_governance::sign::{KeyRing, Signed};
use yu_governance::workflow::{Appointments, Role, Roster};

/// Kind under which the profile in force, and its parent, are stored.
pub(super) const PROFILE: &str = "profile";
/// Id of the profile in force.
pub(super) const IN_FORCE: &str = "in-force";
/// Id of the parent.
pub(super) const PARENT: &str = "parent";
/// Kind and id of the appointments.
pub(super) const APPOINTMENTS: (&str, &str) = ("appointments", IN_FORCE);

/// Everything that steps are judged by.
pub struct Law {
    /// The profile.
    pub profile: Effective,
    /// Who holds which role.
    pub roster: Roster,
    /// Who is appointed.
    pub appointments: Option<Appointments>,
    /// Keys of all who may sign.
    pub ring: KeyRing,
    /// The authority.
    pub authority: PartyName,
    /// The regulator.
    pub regulator: PartyName,
}

/// Authority and regulator of this node.
///
/// # Errors
/// `input.bad` naming what `node.toml` lacks.
pub fn pinned(node: &Node) -> Result<(PartyName, PartyName)> {
    let lacks = |field: &str| Fault::new(Code::Input, format!("`{field}` is missing")).at("node.toml").party(node.name());
    let authority = node.config().authority.as_ref().ok_or_else(|| lacks("authority"))?;
    let regulator = node.config().regulator.as_ref().ok_or_else(|| lacks("regulator"))?;
    Ok((authority.parse()?, regulator.parse()?))
}

/// The law in force; nothing before a profile is.
///
/// # Errors
/// `storage.damaged` when what is stored does not hold any more; `input.bad`.
pub fn in_force(node: &Node) -> Result<Option<Law>> {
    let Some(profile) = stored(node, IN_FORCE)? else { return Ok(None) };
    let (authority, regulator) = pinned(node)?;
    let ring = node.ring()?;
    let damaged = |what: String| Fault::new(Code::Damaged, what).at("profile in force");
    // whoever changed the store since is found out here
    for signed in [Some(&profile), stored(node, PARENT)?.as_ref()].into_iter().flatten() {
        signed.verify(&ring, &[authority.as_str(), regulator.as_str()]).map_err(|e| damaged(e.to_string()))?;
    }
    let profile = effective(&profile.payload, stored(node, PARENT)?.map(|signed| signed.payload)).map_err(|f| damaged(f.detail))?;
    let appointments: Option<Signed<Appointments>> = match node.store().object(APPOINTMENTS.0, APPOINTMENTS.1)? {
        Some(_) => Some(node.signed(APPOINTMENTS.0, APPOINTMENTS.1)?),
        None => None,
    };
    let (appointments, ring, roster) = match &appointments {
        None => {
            let roster = Roster::new().with(Role::Authority, authority.clone()).with(Role::Regulator, regulator.clone());
            (None, ring, roster)
        }
        Some(signed) => {
            let (appointments, ring) = Appointments::accept(signed, &ring, &authority, None).map_err(|e| damaged(e.to_string()))?;
            (Some(appointments.clone()), ring, appointments.roster(&authority, &regulator))
        }
    };
    Ok(Some(Law { profile, roster, appointments, ring, authority, regulator }))
}

/// The law in force.
///
/// # Errors
/// `not-found` without one; those of [`in_force`].
pub fn required(node: &Node) -> Result<Law> {
    in_force(node)?
        .ok_or_else(|| Fault::new(Code::NotFound, "no profile is in force here: `yu profile adopt` at the authority").party(node.name()))
}

pub(super) fn stored(node: &Node, id: &str) -> Result<Option<Signed<Profile>>> {
    match node.store().object(PROFILE, id)? {
        Some(_) => Ok(Some(node.signed(PROFILE, id)?)),
        None => Ok(None),
    }
}

/// A profile over its parent.
///
/// # Errors
/// `input.bad` with everything that is wrong.
pub(super) fn effective(profile: &Profile, parent: Option<Profile>) -> Result<Effective> {
    let all = |found: Vec<yu_governance::finding::Finding>| {
        let all: Vec<String> = found.iter().map(ToString::to_string).collect();
        Fault::new(Code::Input, all.join("\n")).at(profile.id.to_string())
    };
    let parent = parent.map(|parent| Effective::new(parent, None)).transpose().map_err(all)?;
    Effective::new(profile.clone(), parent.as_ref()).map_err(all)
}

impl Law {
    /// The profile's values.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        self.profile.rules()
    }

    /// Who may sign in this role.
    #[must_use]
    pub fn holders(&self, role: Role) -> Vec<PartyName> {
        match role {
            Role::Authority => vec![self.authority.clone()],
            Role::Regulator => vec![self.regulator.clone()],
            _ => self.appointments.iter().flat_map(|a| a.holders(role)).cloned().collect(),
        }
    }
}
