//! What is in force on this node, and what was when a step was taken: profile, appointments, keys.

use super::adopt::Proposed;
use crate::fault::{Code, Fault, Result};
use crate::node::Node;
use yu_governance::canonical::Hash;
use yu_governance::id::PartyName;
use yu_governance::profile::{Effective, Profile, Rules};
use yu_governance::sign::{KeyRing, Signed};
use yu_governance::workflow::{Appointments, Role, Roster};

/// Kind of profiles, each with its parent, by their hash.
pub(super) const PROFILE: &str = "profile";
/// Kind of appointments, by their version.
pub(super) const APPOINTMENTS: &str = "appointments";
/// Id of the last of each.
pub(super) const IN_FORCE: &str = "in-force";

/// Everything that steps are judged by.
pub struct Law {
    /// The profile.
    pub profile: Effective,
    /// Hash of it and its parent.
    pub hash: Hash,
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
    let Some(profile) = profile(node, IN_FORCE)? else { return Ok(None) };
    of(node, profile, appointments(node, IN_FORCE)?, Judged::Now).map(Some)
}

/// By which keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Judged {
    /// What this node knows itself holds: the authority cannot appoint another key for a party that has a ticket.
    Now,
    /// What was appointed then holds: a key that was changed since does not undo what it signed.
    ThenAppointed,
}

/// The law by which a step was taken; nothing where this node does not know it.
///
/// # Errors
/// `storage.damaged`.
pub fn at(node: &Node, hash: &Hash, version: u32) -> Result<Option<Law>> {
    let Some(profile) = profile(node, &hash.to_hex())? else { return Ok(None) };
    let appointments = match version {
        0 => None,
        version => match appointments(node, &place(version))? {
            Some(known) => Some(known),
            None => return Ok(None),
        },
    };
    of(node, profile, appointments, Judged::ThenAppointed).map(Some)
}

/// Where a version of the appointments is kept.
pub(super) fn place(version: u32) -> String {
    format!("{version:010}")
}

fn of(node: &Node, profile: Proposed, appointed: Option<Signed<Appointments>>, judged: Judged) -> Result<Law> {
    let (authority, regulator) = pinned(node)?;
    let known = node.ring()?;
    let damaged = |what: String| Fault::new(Code::Damaged, what).at("profile in force");
    // whoever changed the store since is found out here
    for signed in std::iter::once(&profile.profile).chain(&profile.parent) {
        signed.verify(&known, &[authority.as_str(), regulator.as_str()]).map_err(|e| damaged(e.to_string()))?;
    }
    let hash = super::adopt::name(&profile)?;
    let effective = effective(&profile.profile.payload, profile.parent.map(|signed| signed.payload)).map_err(|f| damaged(f.detail))?;
    let Some(signed) = appointed else {
        let roster = Roster::new().with(Role::Authority, authority.clone()).with(Role::Regulator, regulator.clone());
        let ring = if judged == Judged::Now { known } else { of_offices(&known, &authority, &regulator) };
        return Ok(Law { profile: effective, hash, roster, appointments: None, ring, authority, regulator });
    };
    let appointments = signed.verify(&known, &[authority.as_str()]).map_err(|e| damaged(e.to_string()))?.clone();
    let roster = appointments.roster(&authority, &regulator);
    Ok(Law {
        profile: effective,
        hash,
        roster,
        ring: ring(&appointments, &if judged == Judged::Now { known } else { of_offices(&known, &authority, &regulator) }, judged)?,
        appointments: Some(appointments),
        authority,
        regulator,
    })
}

/// What every node knows: whom else this one has met decides nothing that all have to judge alike.
fn of_offices(known: &KeyRing, authority: &PartyName, regulator: &PartyName) -> KeyRing {
    let mut ring = KeyRing::new();
    for (name, key) in known.iter().filter(|(name, _)| [authority.as_str(), regulator.as_str()].contains(name)) {
        // names are unique in a ring already
        let _ = ring.insert(name, *key);
    }
    ring
}

/// The keys that are known here and those that are appointed; where they differ one holds.
fn ring(appointments: &Appointments, known: &KeyRing, judged: Judged) -> Result<KeyRing> {
    let appointed = appointments.ring(&KeyRing::new())?;
    let (first, second) = if judged == Judged::Now { (known, &appointed) } else { (&appointed, known) };
    let mut ring = first.clone();
    for (name, key) in second.iter() {
        // a conflict: the first holds
        let _ = ring.insert(name, *key);
    }
    Ok(ring)
}

/// The law in force.
///
/// # Errors
/// `not-found` without one; those of [`in_force`].
pub fn required(node: &Node) -> Result<Law> {
    in_force(node)?
        .ok_or_else(|| Fault::new(Code::NotFound, "no profile is in force here: `yu profile adopt` at the authority").party(node.name()))
}

/// A stored profile with its parent.
pub(crate) fn profile(node: &Node, id: &str) -> Result<Option<Proposed>> {
    let damaged = |_| Fault::new(Code::Damaged, "a profile does not parse");
    node.store().object(PROFILE, id)?.map(|kept| serde_json::from_str(&kept.json).map_err(damaged)).transpose()
}

/// Stored appointments.
pub(super) fn appointments(node: &Node, id: &str) -> Result<Option<Signed<Appointments>>> {
    match node.store().object(APPOINTMENTS, id)? {
        Some(_) => Ok(Some(node.signed(APPOINTMENTS, id)?)),
        None => Ok(None),
    }
}

/// A profile over its parent.
///
/// # Errors
/// `input.bad` with everything that is wrong.
pub(crate) fn effective(profile: &Profile, parent: Option<Profile>) -> Result<Effective> {
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

    /// Version of the appointments, 0 for none.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.appointments.as_ref().map_or(0, |appointments| appointments.version)
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
