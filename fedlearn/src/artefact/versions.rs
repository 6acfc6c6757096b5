//! Versions of one model (模型版本): records that are only ever added, and a pointer to the one in use.
//!
//! Rolling back moves the pointer to a version that was in use before; nothing is deleted, and every move says who, when and why.
//! Deleting an artefact is destruction under its authorisation, which is the node's.

use serde::{Deserialize, Serialize};

use super::document::{Artefact, canonical, is_hash};
use crate::evaluate::data;
use crate::{Error, Result};

/// A version, by the hash of its artefact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArtefactVersion {
    /// From 1.
    pub number: u32,
    /// Hash of the artefact.
    pub hash: String,
    /// Hash of the version that it continues.
    pub parent: Option<String>,
    /// Job that trained it.
    pub job: String,
    /// Authorisation under which it is kept.
    pub authorisation: String,
    /// When it was added, RFC 3339.
    pub added: String,
}

/// The pointer moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Move {
    /// Version that is in use from then on.
    pub to: u32,
    /// When, RFC 3339.
    pub at: String,
    /// Who decided.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// All versions of a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Versions {
    name: String,
    records: Vec<ArtefactVersion>,
    moves: Vec<Move>,
}

impl Versions {
    /// No versions yet.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), records: Vec::new(), moves: Vec::new() }
    }

    /// Adds a version, which is not in use before [`Self::use_version`] says so. Its number.
    ///
    /// # Errors
    /// [`Error::Data`] for an artefact of another name, one that is there, or one whose parent is not.
    pub fn add(&mut self, artefact: &Artefact, added: &str) -> Result<u32> {
        let hash = artefact.hash()?;
        if artefact.name != self.name {
            return Err(self.refuse(format!("an artefact of `{}`", artefact.name), "add it to the versions of its own model"));
        }
        if self.by_hash(&hash).is_some() {
            return Err(self.refuse(format!("version {hash} is there already"), "use that one"));
        }
        let Artefact { lineage, .. } = artefact;
        if lineage.parent.as_ref().is_some_and(|parent| self.by_hash(parent).is_none()) {
            return Err(self.refuse("it continues a version that is not here".into(), "add its parent first"));
        }
        let number = u32::try_from(self.records.len() + 1).map_err(|_| Error::caller("2^32 versions"))?;
        self.records.push(ArtefactVersion {
            number,
            hash,
            parent: lineage.parent.clone(),
            job: lineage.job.clone(),
            authorisation: lineage.authorisation.clone(),
            added: added.to_owned(),
        });
        Ok(number)
    }

    /// Takes a version into use.
    ///
    /// # Errors
    /// [`Error::Data`] for a version that is not there, or the one in use.
    pub fn use_version(&mut self, to: u32, at: &str, by: &str, reason: &str) -> Result<()> {
        if self.version(to).is_none() {
            return Err(self.refuse(format!("no version {to}"), "name one that was added"));
        }
        if self.current().is_some_and(|current| current.number == to) {
            return Err(self.refuse(format!("version {to} is in use already"), "nothing has to be done"));
        }
        self.moves.push(Move { to, at: at.to_owned(), by: by.to_owned(), reason: reason.to_owned() });
        Ok(())
    }

    /// Goes back to the version that was in use before the present one; called again, further back. Its number.
    ///
    /// # Errors
    /// [`Error::Data`] if there was none.
    pub fn roll_back(&mut self, at: &str, by: &str, reason: &str) -> Result<u32> {
        let mut stack: Vec<u32> = Vec::new();
        for step in &self.moves {
            // a move to the version below is the way back
            if stack.len() > 1 && stack.get(stack.len() - 2) == Some(&step.to) {
                stack.pop();
            } else {
                stack.push(step.to);
            }
        }
        stack.pop();
        let to = *stack.last().ok_or_else(|| self.refuse("no version was in use before".into(), "take one into use"))?;
        self.use_version(to, at, by, reason)?;
        Ok(to)
    }

    /// The version in use.
    #[must_use]
    pub fn current(&self) -> Option<&ArtefactVersion> {
        self.moves.last().and_then(|step| self.version(step.to))
    }

    /// A version by number.
    #[must_use]
    pub fn version(&self, number: u32) -> Option<&ArtefactVersion> {
        self.records.get((number as usize).checked_sub(1)?)
    }

    /// A version by hash.
    #[must_use]
    pub fn by_hash(&self, hash: &str) -> Option<&ArtefactVersion> {
        self.records.iter().find(|record| record.hash == hash)
    }

    /// All versions, oldest first.
    #[must_use]
    pub fn records(&self) -> &[ArtefactVersion] {
        &self.records
    }

    /// Every move of the pointer.
    #[must_use]
    pub fn moves(&self) -> &[Move] {
        &self.moves
    }

    /// A version and those that it continues, back to the first.
    #[must_use]
    pub fn lineage(&self, number: u32) -> Vec<&ArtefactVersion> {
        let mut line = Vec::new();
        let mut next = self.version(number);
        while let Some(record) = next {
            line.push(record);
            // parents have smaller numbers: the walk ends
            let parent = record.parent.as_ref().and_then(|parent| self.by_hash(parent));
            next = parent.filter(|parent| parent.number < record.number);
        }
        line
    }

    /// Canonical JSON.
    ///
    /// # Errors
    /// Serialisation's.
    pub fn to_json(&self) -> Result<Vec<u8>> {
        canonical(self)
    }

    /// Reads versions, and checks that they fit together.
    ///
    /// # Errors
    /// [`Error::Data`].
    pub fn from_json(bytes: &[u8]) -> Result<Self> {
        let refuse = |problem: String| data("versions of a model", problem, "restore the file from a backup");
        let versions: Self = serde_json::from_slice(bytes).map_err(|error| refuse(error.to_string()))?;
        for (at, record) in versions.records.iter().enumerate() {
            let before = versions.records.get(..at).unwrap_or_default();
            let is_known = |hash: &String| before.iter().any(|other| other.hash == *hash);
            if record.number as usize != at + 1 || !is_hash(&record.hash) || is_known(&record.hash) {
                return Err(refuse(format!("record {} has another number, no hash, or one that is there", at + 1)));
            }
            if record.parent.as_ref().is_some_and(|parent| !is_known(parent)) {
                return Err(refuse(format!("version {} continues one that was not there", record.number)));
            }
        }
        if versions.moves.iter().any(|step| versions.version(step.to).is_none()) {
            return Err(refuse("a version in use that is not there".into()));
        }
        Ok(versions)
    }

    fn refuse(&self, problem: String, remedy: &str) -> Error {
        data(&format!("versions of `{}`", self.name), problem, remedy)
    }
}
