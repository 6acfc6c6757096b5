//! A catalogue's changes in order, for its subscribers (K2): each is chained to the one before, so that a subscriber sees when
//! the platform leaves one out or tells two subscribers different things.

use serde::{Deserialize, Serialize};

use crate::canonical::{Hash, digest, to_canonical, u64_string};
use crate::clock::Time;
use crate::error::{Error, Result};
use crate::finding::{Checked, refuse};
use crate::text::Text;

/// Domain of the chain.
const CHAIN: &str = "yu-catalogue-change-v1";

/// What happened to a subject of the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It has a new version.
    Changed,
    /// It is withdrawn (A21) or de-listed (K8).
    Withdrawn,
    /// It is back.
    Restored,
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Change {
    /// Number of the change, from 1 without gaps.
    #[serde(with = "u64_string")]
    pub revision: u64,
    /// Data set or product.
    pub subject: String,
    /// What happened.
    pub kind: ChangeKind,
    /// Hash of the version that holds from now on.
    pub document: Hash,
    /// What a reader should know, in both languages.
    pub sentences: Vec<Text>,
    /// When.
    pub at: Time,
}

/// The changes after one revision, with the head of the chain behind them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delta {
    /// The revision that the subscriber has.
    #[serde(with = "u64_string")]
    pub from: u64,
    /// The revision that it has afterwards.
    #[serde(with = "u64_string")]
    pub to: u64,
    /// In order.
    pub changes: Vec<Change>,
    /// Head of the chain at `to`.
    pub head: Hash,
}

impl Delta {
    /// The head behind this delta, if it follows `head`, the subscriber's own at `from`, without a gap.
    ///
    /// # Errors
    /// `Malformed` if a change is missing, out of order or altered.
    pub fn verify(&self, head: Hash) -> Result<Hash> {
        let broken = |reason: &str| Error::Malformed { object: "catalogue changes".into(), reason: reason.into() };
        let mut at = (self.from, head);
        for change in &self.changes {
            if at.0.checked_add(1) != Some(change.revision) {
                return Err(broken("a change is missing or out of order"));
            }
            at = (change.revision, link(at.1, change)?);
        }
        if at == (self.to, self.head) { Ok(self.head) } else { Err(broken("the chain does not end in the stated head")) }
    }
}

/// The changes of one catalogue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeLog {
    changes: Vec<Change>,
    heads: Vec<Hash>,
}

impl ChangeLog {
    /// Head of an empty chain.
    #[must_use]
    pub fn genesis() -> Hash {
        digest(CHAIN, b"")
    }

    /// The latest revision; 0 before the first change.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.changes.len() as u64
    }

    /// Head of the chain.
    #[must_use]
    pub fn head(&self) -> Hash {
        self.heads.last().copied().unwrap_or_else(Self::genesis)
    }

    /// Appends a change and gives its revision.
    ///
    /// # Errors
    /// `Malformed` if it has no canonical form; nothing is appended then.
    pub fn append(&mut self, subject: impl Into<String>, kind: ChangeKind, document: Hash, sentences: Vec<Text>, at: Time) -> Result<u64> {
        let revision = self.revision().saturating_add(1);
        let change = Change { revision, subject: subject.into(), kind, document, sentences, at };
        self.heads.push(link(self.head(), &change)?);
        self.changes.push(change);
        Ok(revision)
    }

    /// What happened after `revision`.
    ///
    /// # Errors
    /// `catalogue.revision-future` if there is no such revision yet: the subscriber follows another catalogue.
    pub fn since(&self, revision: u64) -> Checked<Delta> {
        let to = self.revision();
        let changes = usize::try_from(revision).ok().and_then(|from| self.changes.get(from..));
        match changes {
            Some(changes) => Ok(Delta { from: revision, to, changes: changes.to_vec(), head: self.head() }),
            None => refuse(
                "catalogue.revision-future",
                "catalogue",
                (format!("revision {revision} is asked for, the latest is {to}"), format!("请求的修订号为 {revision}，最新为 {to}")),
                ("check which catalogue was subscribed to, and start from 0", "核对所订阅的目录，并从 0 重新开始"),
            ),
        }
    }
}

fn link(head: Hash, change: &Change) -> Result<Hash> {
    Ok(digest(CHAIN, &[head.as_bytes().as_slice(), &to_canonical(change)?].concat()))
}
