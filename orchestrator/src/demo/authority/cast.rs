//! Who plays: the organs, organisations and people of one jurisdiction, each with a key of its own.

use crate::fault::{Code, Fault, Result};
use crate::keys::rng;
use std::collections::{BTreeMap, BTreeSet};
use yu_governance::id::PartyName;
use yu_governance::sign::{KeyRing, Signed, SignedType, SigningKey};
use yu_governance::workflow::{Need, Role, Roster, Signer};

/// Name and role of everybody. A role with two names can give two signatures.
const PEOPLE: [(&str, Role); 22] = [
    ("yu://dev/data-bureau/seal", Role::Authority),
    ("yu://dev/data-bureau/second", Role::Authority),
    ("yu://dev/government/office", Role::Government),
    ("yu://dev/coordination/office", Role::Coordination),
    ("yu://dev/province/n1", Role::Province),
    ("yu://dev/county/n1", Role::County),
    ("yu://dev/health-commission/n1", Role::Sector),
    ("yu://dev/university/expert1", Role::Expert),
    ("yu://dev/institute/expert2", Role::Expert),
    ("yu://dev/academy/expert3", Role::Expert),
    ("yu://dev/bank/n1", Role::Licensee),
    ("yu://dev/bank/second", Role::Licensee),
    ("yu://dev/startup/n1", Role::Developer),
    ("yu://dev/startup/second", Role::Developer),
    ("yu://dev/hospital/n1", Role::Provider),
    ("yu://dev/checks/n1", Role::Checker),
    ("yu://dev/reviews/n1", Role::Reviewer),
    ("yu://dev/reviews/n2", Role::Reviewer),
    ("yu://dev/operator/n1", Role::Platform),
    ("yu://dev/operator/second", Role::Platform),
    ("yu://dev/time/n1", Role::Clock),
    ("yu://dev/supervision/n1", Role::Regulator),
];

/// Everybody, with keys.
pub(super) struct Cast {
    keys: BTreeMap<PartyName, SigningKey>,
    roles: Vec<(PartyName, Role)>,
    pub(super) ring: KeyRing,
    pub(super) roster: Roster,
}

impl Cast {
    pub(super) fn new() -> Result<Self> {
        let (mut keys, mut roles, mut ring, mut roster) = (BTreeMap::new(), Vec::new(), KeyRing::new(), Roster::new());
        for (name, role) in PEOPLE {
            let name = PartyName::new(name)?;
            let key = SigningKey::generate(&mut rng());
            ring.insert(name.as_str(), key.public())?;
            roster = roster.with(role, name.clone());
            keys.insert(name.clone(), key);
            roles.push((name, role));
        }
        Ok(Self { keys, roles, ring, roster })
    }

    /// The first who holds a role.
    pub(super) fn one(&self, role: Role) -> Result<PartyName> {
        self.all(role).into_iter().next().ok_or_else(|| Fault::new(Code::Bug, format!("nobody plays `{role}`")))
    }

    /// All who hold a role.
    pub(super) fn all(&self, role: Role) -> Vec<PartyName> {
        self.roles.iter().filter(|(_, held)| *held == role).map(|(name, _)| name.clone()).collect()
    }

    pub(super) fn key(&self, name: &PartyName) -> Result<&SigningKey> {
        self.keys.get(name).ok_or_else(|| Fault::new(Code::Bug, format!("`{name}` has no key")))
    }

    /// Who signs what a step needs: one each, nobody twice.
    pub(super) fn signers(&self, needs: &[Need]) -> Result<Vec<Signer>> {
        let mut used = BTreeSet::new();
        let mut found = Vec::new();
        for need in needs {
            let fits = |name: &PartyName| need.who.as_ref().is_none_or(|who| who == name) && !used.contains(name);
            // the role that the rules name first signs first
            let holders = need.any.iter().flat_map(|role| self.roles.iter().filter(move |(_, held)| held == role));
            let Some((party, role)) = holders.into_iter().find(|(name, _)| fits(name)) else {
                return Err(Fault::new(Code::Bug, "too few people for the signatures of a step"));
            };
            used.insert(party.clone());
            found.push(Signer { role: *role, party: party.clone() });
        }
        Ok(found)
    }

    /// A document with the signatures of these.
    pub(super) fn sign<T: SignedType>(&self, payload: T, by: &[&PartyName]) -> Result<Signed<T>> {
        let mut signed = Signed::unsigned(payload);
        for name in by {
            signed.add_signature(name.as_str(), self.key(name)?)?;
        }
        Ok(signed)
    }
}
