//! The public register (A11): a signed JSON feed, each item citing the one before, so that nothing disappears unnoticed.
//!
//! The register is the replay of the feed. What is shown and from when on is a profile's matter: the proposed list (TZ 三(六))
//! or the authorisations in force (NB 15).

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::canonical::{Hash, u64_string};
use crate::clock::Time;
use crate::error::Result;
use crate::id::{AuthorisationId, PartyName, Scenario, document_hash};
use crate::sign::{KeyRing, Signed, SignedType};
use crate::workflow::authorisation::{Case, State};
use crate::workflow::{Machine as _, refuse};

/// From when on an authorisation is in the register.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum When {
    /// While it is active.
    Active,
    /// From the stage of publication on, until it ends.
    Proposed,
}

/// What a profile shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// From when on.
    pub when: When,
    /// Whether the scenario is shown.
    pub scenario: bool,
    /// Whether the term is shown.
    pub term: bool,
}

/// What is known of one authorisation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Who is authorised.
    pub operator: String,
    /// For which scenario.
    pub scenario: Scenario,
    /// Where its chain stands.
    pub case: Case,
}

/// One line of the register.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Who is authorised.
    pub operator: String,
    /// For which scenario, if shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scenario: Option<Scenario>,
    /// First valid second, if shown and agreed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<Time>,
    /// First second that is no longer valid, if shown and agreed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_after: Option<Time>,
    /// Whether it is active, or only proposed.
    pub active: bool,
}

/// What changes in the register.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Change {
    /// A line is added, or replaced.
    Put {
        /// The line.
        entry: Entry,
    },
    /// A line is taken out.
    Remove,
}

/// One item of the feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FeedItem {
    /// Format version, 1.
    pub v: u32,
    /// Who keeps the register and signs.
    pub authority: PartyName,
    /// Place in the feed, from 0.
    #[serde(with = "u64_string")]
    pub sequence: u64,
    /// Hash of the item before; absent in the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<Hash>,
    /// Which authorisation.
    pub authorisation: AuthorisationId,
    /// What.
    pub change: Change,
    /// When.
    pub at: Time,
}

impl SignedType for FeedItem {
    const TYPE: &'static str = "register-item-v1";
}

/// The register as its feed tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Register {
    authority: PartyName,
    lines: BTreeMap<AuthorisationId, Entry>,
    length: u64,
    head: Option<Hash>,
    at: Option<Time>,
}

impl Register {
    /// An empty register.
    #[must_use]
    pub const fn new(authority: PartyName) -> Self {
        Self { authority, lines: BTreeMap::new(), length: 0, head: None, at: None }
    }

    /// Reads a feed from its beginning.
    ///
    /// # Errors
    /// Those of [`Register::follow`].
    pub fn replay(authority: PartyName, feed: &[Signed<FeedItem>], keys: &KeyRing) -> Result<Self> {
        let mut register = Self::new(authority);
        feed.iter().try_for_each(|item| register.follow(item, keys))?;
        Ok(register)
    }

    /// Takes in the next item.
    ///
    /// # Errors
    /// `Signature`; `Refused`: `register.authority`, `register.gap`, `register.fork`, `register.time`, `register.unknown` for a
    /// line that is taken out and not there.
    pub fn follow(&mut self, signed: &Signed<FeedItem>, keys: &KeyRing) -> Result<()> {
        let item = signed.verify(keys, &[self.authority.as_str()])?;
        if item.v != 1 || item.authority != self.authority {
            return Err(refuse(
                "register.authority",
                format!("an item of another format, or of another register than `{}`", self.authority),
            ));
        }
        if item.sequence > self.length {
            return Err(refuse("register.gap", format!("item {} is missing, {} came", self.length, item.sequence)));
        }
        if item.sequence < self.length || item.previous != self.head {
            return Err(refuse("register.fork", format!("item {} follows another feed", item.sequence)));
        }
        if self.at.is_some_and(|before| item.at < before) {
            return Err(refuse("register.time", format!("item {} is dated before the one before it", item.sequence)));
        }
        match &item.change {
            Change::Put { entry } => {
                self.lines.insert(item.authorisation.clone(), entry.clone());
            }
            Change::Remove => {
                if self.lines.remove(&item.authorisation).is_none() {
                    return Err(refuse("register.unknown", format!("`{}` is not in the register", item.authorisation)));
                }
            }
        }
        self.head = Some(document_hash(item)?);
        self.length = self.length.saturating_add(1);
        self.at = Some(item.at);
        Ok(())
    }

    /// The lines.
    #[must_use]
    pub const fn lines(&self) -> &BTreeMap<AuthorisationId, Entry> {
        &self.lines
    }

    /// The items that make the register say what is the case at this moment; the authority signs and follows them in order.
    ///
    /// # Errors
    /// `Malformed` if an item has no canonical form.
    pub fn updates(&self, facts: &BTreeMap<AuthorisationId, Facts>, shown: Shown, at: Time) -> Result<Vec<FeedItem>> {
        let wanted: BTreeMap<_, _> = facts.iter().filter_map(|(id, facts)| Some((id, facts.line(shown, at)?))).collect();
        let ids: BTreeSet<&AuthorisationId> = self.lines.keys().chain(wanted.keys().copied()).collect();
        let mut items = Vec::new();
        let (mut sequence, mut previous) = (self.length, self.head);
        for id in ids {
            let change = match (self.lines.get(id), wanted.get(id)) {
                (have, want) if have == want => continue,
                (_, Some(entry)) => Change::Put { entry: entry.clone() },
                (_, None) => Change::Remove,
            };
            let item = FeedItem { v: 1, authority: self.authority.clone(), sequence, previous, authorisation: id.clone(), change, at };
            previous = Some(document_hash(&item)?);
            sequence = sequence.saturating_add(1);
            items.push(item);
        }
        Ok(items)
    }
}

impl Facts {
    /// The line to be shown at this moment, if any.
    #[must_use]
    pub fn line(&self, shown: Shown, at: Time) -> Option<Entry> {
        let state = self.case.state_at(at);
        let active = state == State::Active;
        let proposed = matches!(state, State::Published | State::Filed | State::Signed | State::Agreed);
        let announced = shown.when == When::Proposed && proposed && self.case.is_published();
        if !active && !announced {
            return None;
        }
        let term = self.case.term().filter(|_| shown.term);
        Some(Entry {
            operator: self.operator.clone(),
            scenario: shown.scenario.then(|| self.scenario.clone()),
            not_before: term.map(|(from, _)| from),
            not_after: term.map(|(_, to)| to),
            active,
        })
    }
}
