//! Arrows: every step of every machine is a signed document that cites the one before it.
//!
//! A chain of arrows can be replayed by anybody: who did what when to which object, from which state to which, on which
//! evidence. Replay computes the state itself and compares: an arrow cannot claim a state that the rules do not give.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::role::{Role, Roster, Signer};
use super::word::Word as _;
use super::{Machine, refuse};
use crate::canonical::{Hash, u64_string};
use crate::clock::Time;
use crate::error::{Error, Result};
use crate::id::document_hash;
use crate::sign::{KeyRing, Signed, SignedType};

/// How much older than its reception an arrow may be: a day for the signatures to be gathered.
pub const OLDEST_SECONDS: i64 = 86_400;

/// One step of one object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, bound = "")]
pub struct Arrow<M: Machine> {
    /// Format version, 1.
    pub v: u32,
    /// The object's name, for example that of the authorisation.
    pub object: String,
    /// Place in the chain, from 0.
    #[serde(with = "u64_string")]
    pub sequence: u64,
    /// Hash of the arrow before; absent in the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Hash>,
    /// Name of the state before. A word, not a type: one that this release does not know must be refused by its name.
    pub from: String,
    /// Name of the state after.
    pub to: String,
    /// What happened.
    pub event: M::Event,
    /// Who signs, each in a role.
    pub signers: Vec<Signer>,
    /// Hash of the document that the step rests on.
    pub evidence: Hash,
    /// When.
    pub at: Time,
}

impl<M: Machine> SignedType for Arrow<M> {
    const TYPE: &'static str = M::ARROW;
}

/// An object as its chain tells: the state, and where the chain ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed<M: Machine> {
    object: String,
    case: M,
    head: Option<Hash>,
    length: u64,
    at: Option<Time>,
    /// Organisation of the licensee and of the developer who first signed a step of this object: no other one signs for it.
    tenants: BTreeMap<Role, String>,
}

impl<M: Machine> Replayed<M> {
    /// An object with an empty chain.
    #[must_use]
    pub fn new(object: &str) -> Self {
        Self { object: object.into(), case: M::begin(), head: None, length: 0, at: None, tenants: BTreeMap::new() }
    }

    /// Replays a whole chain under one set of rules. Where the profile changed midway, follow arrow by arrow with the rules
    /// that were in force at each. A stored chain was received before: each arrow counts as received when it is dated; what is
    /// received anew goes through [`Replayed::follow`].
    ///
    /// # Errors
    /// Those of [`Replayed::follow`] for the first arrow that does not hold.
    pub fn replay(object: &str, chain: &[Signed<Arrow<M>>], rules: &M::Rules, roster: &Roster, keys: &KeyRing) -> Result<Self> {
        chain.iter().try_fold(Self::new(object), |here, arrow| here.follow(arrow, arrow.payload.at, rules, roster, keys))
    }

    /// Where the object stands.
    #[must_use]
    pub const fn case(&self) -> &M {
        &self.case
    }

    /// Hash of the last arrow.
    #[must_use]
    pub const fn head(&self) -> Option<Hash> {
        self.head
    }

    /// How many arrows.
    #[must_use]
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// The next arrow, to be signed by its signers.
    ///
    /// # Errors
    /// Those of [`Machine::next`].
    pub fn arrow(&self, event: M::Event, signers: Vec<Signer>, evidence: Hash, at: Time, rules: &M::Rules) -> Result<Arrow<M>> {
        let next = self.case.next(&event, at, rules)?;
        Ok(Arrow {
            v: 1,
            object: self.object.clone(),
            sequence: self.length,
            previous: self.head,
            from: self.case.state_at(at).as_str().into(),
            to: next.state_at(at).as_str().into(),
            event,
            signers,
            evidence,
            at,
        })
    }

    /// The object after one more arrow, received at `received` by the receiver's clock. An arrow is dated by whoever profits from its date,
    /// so it may be neither of the future nor older than [`OLDEST_SECONDS`].
    ///
    /// # Errors
    /// `Refused`: `chain.version`, `chain.object`, `chain.gap`, `chain.fork`, `chain.time`, `chain.dated-ahead`, `chain.dated-back`,
    /// `chain.state-unknown`, `chain.from`, `chain.to`, `workflow.holder` for a party that the event speaks of in a role that it does not hold, those of [`Roster::check`] and of the machine; `Signature` for a missing, unknown or wrong
    /// signature, or that of somebody who is not named in the arrow.
    pub fn follow(&self, signed: &Signed<Arrow<M>>, received: Time, rules: &M::Rules, roster: &Roster, keys: &KeyRing) -> Result<Self> {
        let arrow = &signed.payload;
        self.check_place(arrow)?;
        check_date(arrow.sequence, arrow.at, received)?;
        let (from, to) = (known::<M>(&arrow.from)?, known::<M>(&arrow.to)?);
        let here = self.case.state_at(arrow.at);
        if from != here {
            return Err(refuse("chain.from", format!("arrow {} starts at `{from}`, `{}` is `{here}`", arrow.sequence, self.object)));
        }
        let next = self.case.next(&arrow.event, arrow.at, rules)?;
        if to != next.state_at(arrow.at) {
            let gives = next.state_at(arrow.at);
            return Err(refuse("chain.to", format!("arrow {} claims `{to}`, the rules give `{gives}`", arrow.sequence)));
        }
        if let Some(other) = self.case.speaks_of(&arrow.event).iter().find(|named| !roster.holds(named.role, &named.party)) {
            return Err(refuse("workflow.holder", format!("`{}` does not hold the role `{}`", other.party, other.role)));
        }
        roster.check(&self.case.needs(&arrow.event, rules), &arrow.signers)?;
        let tenants = self.tenants(&arrow.signers)?;
        let names: Vec<&str> = arrow.signers.iter().map(|s| s.party.as_str()).collect();
        signed.verify(keys, &names)?;
        if let Some(extra) = signed.signatures.iter().find(|s| !names.contains(&s.signer.as_str())) {
            let reason = format!("`{}` signed but is not named as a signer", extra.signer);
            return Err(Error::Signature { object: M::ARROW.into(), reason });
        }
        let length = self.length.checked_add(1).ok_or_else(|| refuse("chain.gap", "the chain is too long".to_owned()))?;
        Ok(Self { object: self.object.clone(), case: next, head: Some(document_hash(arrow)?), length, at: Some(arrow.at), tenants })
    }

    /// Whose object it is after these have signed: roles are held by many organisations, an object is one's.
    ///
    /// # Errors
    /// `Refused`: `workflow.tenant` for a licensee or developer of another organisation than the one whose object it is.
    pub fn tenants(&self, signers: &[Signer]) -> Result<BTreeMap<Role, String>> {
        let mut tenants = self.tenants.clone();
        for signer in signers.iter().filter(|signer| matches!(signer.role, Role::Licensee | Role::Developer)) {
            let organisation = signer.party.organisation();
            let own = M::tenant(&self.object).unwrap_or_else(|| tenants.get(&signer.role).map_or(organisation, String::as_str));
            if own != organisation {
                return Err(refuse(
                    "workflow.tenant",
                    format!("`{}` is an object of `{own}`: `{}` does not sign for it", self.object, signer.party),
                ));
            }
            tenants.insert(signer.role, organisation.to_owned());
        }
        Ok(tenants)
    }

    /// The organisation whose object it is in this role, once one of it has signed.
    #[must_use]
    pub fn tenant(&self, role: Role) -> Option<&str> {
        self.tenants.get(&role).map(String::as_str)
    }

    fn check_place(&self, arrow: &Arrow<M>) -> Result<()> {
        if arrow.v != 1 {
            return Err(refuse("chain.version", format!("arrow format {} is unknown; use the same release of yu", arrow.v)));
        }
        if arrow.object != self.object {
            return Err(refuse("chain.object", format!("an arrow of another object than `{}`", self.object)));
        }
        if arrow.sequence > self.length {
            let what = format!("arrow {} of `{}` is missing, {} came", self.length, self.object, arrow.sequence);
            return Err(refuse("chain.gap", what));
        }
        if arrow.sequence < self.length || arrow.previous != self.head {
            return Err(refuse("chain.fork", format!("arrow {} of `{}` follows another history", arrow.sequence, self.object)));
        }
        match self.at {
            Some(before) if arrow.at < before => {
                Err(refuse("chain.time", format!("arrow {} is dated {}, before {before}", arrow.sequence, arrow.at)))
            }
            _ => Ok(()),
        }
    }
}

/// First place at which two copies of a chain tell different histories: whoever signed both has forked it (S1).
///
/// # Errors
/// `Malformed` if an arrow has no canonical form.
pub fn forks_at<M: Machine>(one: &[Signed<Arrow<M>>], two: &[Signed<Arrow<M>>]) -> Result<Option<usize>> {
    for (place, (a, b)) in one.iter().zip(two).enumerate() {
        if document_hash(&a.payload)? != document_hash(&b.payload)? {
            return Ok(Some(place));
        }
    }
    Ok(None)
}

fn check_date(sequence: u64, at: Time, received: Time) -> Result<()> {
    if at > received {
        return Err(refuse("chain.dated-ahead", format!("arrow {sequence} is dated {at}, received {received}; check the signer's clock")));
    }
    if at < received.plus_seconds(-OLDEST_SECONDS) {
        let what = format!("arrow {sequence} is dated {at}, more than a day before {received}; sign the step anew with today's date");
        return Err(refuse("chain.dated-back", what));
    }
    Ok(())
}

fn known<M: Machine>(name: &str) -> Result<M::State> {
    M::State::parse(name).ok_or_else(|| {
        let shown: String = name.chars().take(80).collect();
        refuse("chain.state-unknown", format!("`{}` is no state of this machine", shown.escape_debug()))
    })
}
