//! Events that wait in a store until they are in the log.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::entry::{Event, Verb, keeps_grammar, not_allowed};
use crate::clock::Time;
use crate::id::{JobId, PartyName};
use crate::sign::PublicKey;
use crate::{Error, Result};

/// Name of the field that marks an entry which waited in a store before it was logged.
pub(super) const NOTE: &str = "note";

/// An event with its time, before it has a place in the log. It may wait in a store, written there in one step with the change
/// that it tells of, and be logged afterwards: after a crash its mark shows whether it is in the log already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Draft {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) job: Option<JobId>,
    pub(super) object: BTreeMap<String, String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) party: Option<PartyName>,
    pub(super) time: Time,
    pub(super) verb: String,
}

impl Draft {
    /// What the log will say of an event.
    ///
    /// # Errors
    /// `Malformed` for a code or field name outside the grammar.
    pub fn new(event: Event, time: Time) -> Result<Self> {
        let Event { verb, job, party, object } = event;
        let object = object.into_iter().map(|(name, field)| (name.into(), field.text())).collect();
        let draft = Self { job, object, party, time, verb: verb.name().into() };
        draft.check()?;
        Ok(draft)
    }

    /// Whether a log takes it: a log is opened once, and `peer.joined` names the peer and its key.
    ///
    /// # Errors
    /// `Refused` with `audit.refused`.
    pub fn fits(&self) -> Result<()> {
        let refused = |what: &str| Err(Error::Refused { code: "audit.refused", what: what.into() });
        if self.is(Verb::LogOpened) {
            return refused("a log is opened once");
        }
        if self.is(Verb::PeerJoined) && (self.party.is_none() || self.key().is_none()) {
            return refused("`peer.joined` needs the peer and its key");
        }
        Ok(())
    }

    /// The same with a mark of 32 hex digits; who marks draws it at random, so that no two drafts of any store share one.
    #[must_use]
    pub fn marked(mut self, mark: [u8; 16]) -> Self {
        self.object.insert(NOTE.into(), hex::encode(mark));
        self
    }

    /// The mark.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.object.get(NOTE).map(String::as_str)
    }

    /// As kept in a store.
    ///
    /// # Errors
    /// None in practice: every draft has a JSON form.
    pub fn to_json(&self) -> Result<String> {
        serde_json::to_string(self).map_err(|error| Error::Malformed { object: "draft".into(), reason: error.to_string() })
    }

    /// As read from a store.
    ///
    /// # Errors
    /// `Malformed` for another text than [`Draft::to_json`] writes.
    pub fn from_json(text: &str) -> Result<Self> {
        let malformed = |error: serde_json::Error| Error::Malformed {
            object: "draft".into(),
            reason: format!("does not decode at column {}", error.column()),
        };
        let draft: Self = serde_json::from_str(text).map_err(malformed)?;
        draft.check()?;
        Ok(draft)
    }

    /// The signing key that `peer.joined` states.
    pub(super) fn key(&self) -> Option<PublicKey> {
        self.object.get("key")?.parse().ok()
    }

    pub(super) fn is(&self, verb: Verb) -> bool {
        self.verb == verb.name()
    }

    fn check(&self) -> Result<()> {
        keeps_grammar(&self.verb, &self.object).map_err(|what| not_allowed("event", what))
    }
}
