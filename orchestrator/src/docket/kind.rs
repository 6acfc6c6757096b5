//! A kind of document: how it is read, who signs it, who may read it, what it changes in the book.

use super::book::Book;
use crate::fault::{Code, Fault, Result};
use crate::node::{Node, payload_hash};
use crate::procedure::law::Law;
use crate::verbs::to_value;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use yu_governance::canonical::Hash;
use yu_governance::clock::Time;
use yu_governance::finding::Finding;
use yu_governance::id::PartyName;
use yu_governance::sign::{KeyRing, Signature, Signed, SignedType};

/// When and under what a document was filed: it is judged by that for ever.
#[derive(Clone, Copy)]
pub struct Moment<'a> {
    /// What was in force.
    pub law: &'a Law,
    /// When the authority's node took it in.
    pub at: Time,
}

/// Who may read a document; the others know that it exists, its kind, its hash and who signed it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Every node of the domain.
    Domain,
    /// Authority, regulator, and the organisations of those who signed.
    Signers,
}

/// A document that can be filed.
pub trait Document: SignedType + Serialize + DeserializeOwned + Clone + PartialEq {
    /// Its name, as people write it.
    const KIND: &'static str;
    /// What it is, English and Chinese.
    const TITLE: (&'static str, &'static str);
    /// A complete one as TOML, for people who write their own.
    const EXAMPLE: &'static str;
    /// Who may read it.
    const AUDIENCE: Audience = Audience::Domain;

    /// Exactly who has to sign it.
    ///
    /// # Errors
    /// When the document names somebody who does not exist, or rests on what is not filed.
    fn signers(&self, book: &Book, law: &Law) -> Result<Vec<PartyName>>;

    /// Enters it into the book, or says what keeps it out. The signatures are those of [`Self::signers`] and hold. What is judged here depends on
    /// the document, the book and the moment alone: every node comes to the same.
    ///
    /// # Errors
    /// By the rules; the book is given up then.
    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()>;
}

/// A kind by its name, without its type.
pub struct Kind {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub title: (&'static str, &'static str),
    /// A complete one as TOML.
    pub example: &'static str,
    /// Who may read it.
    pub audience: Audience,
    read: fn(&str) -> Result<Value>,
    hash: fn(&Value) -> Result<Hash>,
    signers: fn(&Value, &Book, &Law) -> Result<Vec<PartyName>>,
    sign: fn(&Value, &Node) -> Result<Value>,
    merge: fn(&Value, &Value, &str, &KeyRing) -> Result<Value>,
    verify: fn(&Value, &[PartyName], &KeyRing) -> Result<()>,
    signed_by: fn(&Value, &str, &KeyRing) -> Result<()>,
    enter: fn(&Value, &mut Book, Moment<'_>) -> Result<()>,
}

impl Kind {
    /// The kind of a type.
    #[must_use]
    pub const fn of<T: Document>() -> Self {
        Self {
            name: T::KIND,
            title: T::TITLE,
            example: T::EXAMPLE,
            audience: T::AUDIENCE,
            read: read::<T>,
            hash: |signed| payload_hash(&parse::<T>(signed)?.payload),
            signers: |signed, book, law| parse::<T>(signed)?.payload.signers(book, law).map(distinct),
            sign: sign::<T>,
            merge: merge::<T>,
            verify: verify::<T>,
            signed_by: |signed, who, ring| Ok(parse::<T>(signed)?.verify(ring, &[who]).map(drop)?),
            enter: |signed, book, moment| T::enter(&parse::<T>(signed)?, book, moment),
        }
    }

    /// A document from TOML, without signatures.
    ///
    /// # Errors
    /// `input.bad` naming the field.
    pub fn read(&self, toml: &str) -> Result<Value> {
        (self.read)(toml)
    }

    /// Its hash.
    ///
    /// # Errors
    /// `input.bad`.
    pub fn hash(&self, signed: &Value) -> Result<Hash> {
        (self.hash)(signed)
    }

    /// Who has to sign it.
    ///
    /// # Errors
    /// Those of [`Document::signers`].
    pub fn signers(&self, signed: &Value, book: &Book, law: &Law) -> Result<Vec<PartyName>> {
        (self.signers)(signed, book, law)
    }

    /// With this node's signature.
    ///
    /// # Errors
    /// `input.bad`.
    pub fn sign(&self, signed: &Value, node: &Node) -> Result<Value> {
        (self.sign)(signed, node)
    }

    /// Ours with the signature of `from` that theirs has.
    ///
    /// # Errors
    /// `contract.altered` for another text, `signature.bad`.
    pub fn merge(&self, ours: &Value, theirs: &Value, from: &str, ring: &KeyRing) -> Result<Value> {
        (self.merge)(ours, theirs, from, ring)
    }

    /// Whether exactly these have signed it.
    ///
    /// # Errors
    /// `signature.bad`.
    pub fn verify(&self, signed: &Value, signers: &[PartyName], ring: &KeyRing) -> Result<()> {
        (self.verify)(signed, signers, ring)
    }

    /// Whether this party's signature under it holds, whoever else has signed.
    ///
    /// # Errors
    /// `signature.bad`.
    pub fn signed_by(&self, signed: &Value, who: &str, ring: &KeyRing) -> Result<()> {
        (self.signed_by)(signed, who, ring)
    }

    /// Enters it into the book.
    ///
    /// # Errors
    /// Those of [`Document::enter`].
    pub fn enter(&self, signed: &Value, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        (self.enter)(signed, book, moment)
    }
}

/// Whether somebody has signed a document.
#[must_use]
pub fn has_signed(signed: &Value, who: &str) -> bool {
    signed["signatures"].as_array().is_some_and(|all| all.iter().any(|signature| signature["signer"] == who))
}

fn distinct(mut all: Vec<PartyName>) -> Vec<PartyName> {
    all.sort();
    all.dedup();
    all
}

fn parse<T: Document>(signed: &Value) -> Result<Signed<T>> {
    serde_json::from_value(signed.clone()).map_err(|e| Fault::new(Code::Input, e.to_string()).at(T::KIND))
}

fn read<T: Document>(toml: &str) -> Result<Value> {
    let payload: T = toml::from_str(toml).map_err(|e| {
        let line = e.span().map(|span| toml.get(..span.start).unwrap_or_default().lines().count().max(1));
        let place = line.map_or_else(String::new, |line| format!(" line {line}"));
        Fault::new(Code::Input, e.message().to_owned()).at(format!("{}{place}", T::KIND))
    })?;
    to_value(&Signed::unsigned(payload))
}

fn sign<T: Document>(signed: &Value, node: &Node) -> Result<Value> {
    let mut signed = parse::<T>(signed)?;
    signed.add_signature(node.name(), node.signing())?;
    to_value(&signed)
}

fn merge<T: Document>(ours: &Value, theirs: &Value, from: &str, ring: &KeyRing) -> Result<Value> {
    let (mut own, theirs) = (parse::<T>(ours)?, parse::<T>(theirs)?);
    if own.payload != theirs.payload {
        return Err(Fault::new(Code::Tampered, "the document that came back is another one").party(from));
    }
    let signature: Option<Signature> = theirs.signatures.into_iter().find(|s| s.signer == from);
    let signature =
        signature.ok_or_else(|| Fault::new(Code::Signature, "the document came back without the sender's signature").party(from))?;
    own.merge_signature(signature, ring)?;
    to_value(&own)
}

fn verify<T: Document>(signed: &Value, signers: &[PartyName], ring: &KeyRing) -> Result<()> {
    let signed = parse::<T>(signed)?;
    let names: Vec<&str> = signers.iter().map(PartyName::as_str).collect();
    signed.verify(ring, &names)?;
    match signed.signatures.iter().find(|s| !names.contains(&s.signer.as_str())) {
        Some(extra) => Err(Fault::new(Code::Signature, format!("`{}` signed and is no signer of it", extra.signer)).at(T::KIND)),
        None => Ok(()),
    }
}

/// What a check found, as one fault: the first by its code, all by their sentences.
///
/// # Errors
/// The fault, unless nothing was found.
pub fn all_of(found: Vec<Finding>) -> Result<()> {
    let Some(first) = found.first() else { return Ok(()) };
    let fault = Fault::from(first);
    let rest: Vec<String> = found.iter().map(ToString::to_string).collect();
    Err(if rest.len() == 1 { fault } else { Fault { detail: rest.join("\n"), ..fault } })
}

/// What passed every check, or the fault of everything that was found.
///
/// # Errors
/// The fault.
pub fn checked<T>(checked: yu_governance::finding::Checked<T>) -> Result<T> {
    checked.map_err(|found| all_of(found).err().unwrap_or_else(|| Fault::new(Code::Bug, "a check failed and found nothing")))
}

/// A refusal by a rule of a chapter, with a stable code.
#[must_use]
pub fn refuse(code: &'static str, what: impl Into<String>) -> Fault {
    yu_governance::Error::Refused { code, what: what.into() }.into()
}
