//! What can be logged, and the line that says it.
//!
//! An entry holds names, hashes, counts and codes. Free text and values cannot get in: [`Field`] has no variant for them, and
//! the code of a [`Field::Code`] is fixed when the program is compiled.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::checkpoint::Checkpoint;
use super::draft::{Draft, NOTE};
use super::merkle::Digest;
use crate::canonical::{Hash, u64_string};
use crate::clock::Time;
use crate::id::{AuthorisationId, DatasetId, JobId, PartyName, PersonId, RequestId};
use crate::sign::PublicKey;
use crate::suite::HashAlgorithm;
use crate::{Error, Result};

/// Declares the verbs once: name in the code, name in the log, and what happened.
macro_rules! verbs {
    ($($(#[$doc:meta])* $variant:ident = $name:literal,)*) => {
        /// What happened. Names are part of the format: they are added, never renamed or reused.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Verb { $($(#[$doc])* $variant,)* }

        impl Verb {
            /// All of them, in the order of the life of a job.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// As written in the log.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name,)* }
            }
        }
    };
}

verbs! {
    /// The log begins; object `key` is the node's signing key.
    LogOpened = "log.opened",
    /// The node runs.
    NodeStarted = "node.started",
    /// The node stops on request.
    NodeStopped = "node.stopped",
    /// A peer is known from now on; object `key` is its signing key.
    PeerJoined = "peer.joined",
    /// A peer is no longer served.
    PeerRemoved = "peer.removed",
    /// An invitation for one peer was written.
    PeerInvited = "peer.invited",
    /// The node's own policy was replaced.
    PolicyChanged = "policy.changed",
    /// A data set version was entered in the catalogue.
    DatasetAdded = "dataset.added",
    /// Outside data were put into quarantine (隔离).
    ImportQuarantined = "import.quarantined",
    /// An outside data set was approved for import (审批).
    ImportApproved = "import.approved",
    /// Outside data that were refused, or that nobody decided about in time, were destroyed.
    ImportDestroyed = "import.destroyed",
    /// The authority signed an authorisation (授权).
    AuthorisationSigned = "authorisation.signed",
    /// A signed authorisation arrived and verified.
    AuthorisationReceived = "authorisation.received",
    /// An authorisation ended before its term.
    AuthorisationRevoked = "authorisation.revoked",
    /// A data request left for the provider.
    RequestSent = "request.sent",
    /// A data request arrived.
    RequestReceived = "request.received",
    /// A data request was approved, column by column (审核).
    RequestApproved = "request.approved",
    /// A data request was refused.
    RequestRefused = "request.refused",
    /// A peer was told how many rows of a data set would take part in a job.
    OfferStated = "offer.stated",
    /// A peer asked how many rows of a data set would take part in a job, and was not told.
    OfferRefused = "offer.refused",
    /// A key for pseudonyms was made; object `fingerprint` is a hash of its fingerprint.
    KeyMade = "key.made",
    /// A key for pseudonyms was destroyed: what it made cannot be restored or joined any more.
    KeyDestroyed = "key.destroyed",
    /// A verdict on evidence of an environment; object `verdict` names the stored one, `outcome` says what came out.
    EvidenceJudged = "evidence.judged",
    /// A data key was released to an environment that passed; object `verdict`.
    KeyReleased = "key.released",
    /// A data key was not released.
    KeyWithheld = "key.withheld",
    /// Rows of subjects without consent were left out.
    ConsentFiltered = "consent.filtered",
    /// A procedure of the authorised operation went one step; object `document` is what was signed for it.
    ProcedureStepped = "procedure.stepped",
    /// A document of the domain has its place in the docket; object `document` is what was signed.
    DocumentFiled = "document.filed",
    /// A document of the docket does not hold here; object `document` names it.
    DocumentRefused = "document.refused",
    /// The authority's docket has two texts of one place; object `document` is the line that was told to somebody else.
    DocketForked = "docket.forked",
    /// What somebody asked for was refused; object `question` is its kind, `fault` why.
    AttemptRefused = "attempt.refused",
    /// A person logged in; object `person` is the pseudonymous number, `by` how, `until` the end of the session.
    PersonLoggedIn = "person.logged-in",
    /// A person logged out.
    PersonLoggedOut = "person.logged-out",
    /// A person did what only a person may; object `act` says what, the entries that follow from it name the person as well.
    PersonActed = "person.acted",
    /// An act was refused: nobody was logged in, the session is over, or the post does not allow it.
    PersonRefused = "person.refused",
    /// A login was refused.
    LoginRefused = "login.refused",
    /// A login of an outside service was tied to a person; the login itself is not logged.
    LoginLinked = "login.linked",
    /// The login of a person ended.
    LoginEnded = "login.ended",
    /// A contract was proposed.
    JobProposed = "job.proposed",
    /// A contract was checked by the node's own rules.
    JobChecked = "job.checked",
    /// The node signed a contract.
    JobSigned = "job.signed",
    /// The node refused a contract.
    JobRefused = "job.refused",
    /// All parties signed.
    JobAdmitted = "job.admitted",
    /// A permit to read one data set for one job was made.
    PermitIssued = "permit.issued",
    /// Raw rows were opened under a permit.
    DataOpened = "data.opened",
    /// A job began.
    JobStarted = "job.started",
    /// A session with a peer was opened.
    SessionOpened = "session.opened",
    /// A session lost its connection.
    SessionCut = "session.cut",
    /// A session went on after a cut.
    SessionResumed = "session.resumed",
    /// A session ended in order.
    SessionClosed = "session.closed",
    /// A step of the protocol began.
    StepStarted = "step.started",
    /// A step of the protocol ended.
    StepFinished = "step.finished",
    /// An output share was sealed to the reviewer.
    ResultSealed = "result.sealed",
    /// A result waits for its decision (待审结果).
    ResultHeld = "result.held",
    /// The automatic checks ran.
    ResultChecked = "result.checked",
    /// The reviewer decided.
    ReviewDecided = "review.decided",
    /// A result left to its receiver (出域).
    ResultReleased = "result.released",
    /// A result arrived at its receiver.
    ResultReceived = "result.received",
    /// A job ended in order on this node.
    JobFinished = "job.finished",
    /// A job ended in a named failure.
    JobFailed = "job.failed",
    /// Working copies, shares and keys of a job were destroyed (销毁).
    WorkingDestroyed = "working.destroyed",
    /// A data set's catalogue entry was withdrawn: nobody is offered the data set any more.
    CatalogueWithdrawn = "catalogue.withdrawn",
    /// A data set's keys and blobs were destroyed.
    DatasetDestroyed = "dataset.destroyed",
    /// A destruction certificate was signed.
    CertificateSigned = "certificate.signed",
    /// A peer's destruction certificate arrived and verified.
    CertificateReceived = "certificate.received",
    /// This node countersigned a peer's checkpoint; object `checkpoint` is its hash, `size` and `root` what it states.
    CheckpointCountersigned = "checkpoint.countersigned",
    /// A peer's checkpoint was refused: it does not continue what was seen before.
    CheckpointRefused = "checkpoint.refused",
    /// An encrypted backup of the node was made; object `document` is its head.
    BackupMade = "backup.made",
    /// The node came out of a backup and goes on; `parties` said that they saw no more of its log, `removed` were not asked.
    BackupRestored = "backup.restored",
    /// Consent of subjects was recorded; object `document` is the record.
    ConsentRecorded = "consent.recorded",
    /// A consent was taken back; object `document` is the revocation.
    ConsentRevoked = "consent.revoked",
    /// Everything of an authorisation was destroyed or sealed here; object `document` is the certificate.
    AuthorisationCleared = "authorisation.cleared",
}

impl Verb {
    /// The verb of a name in a log; `None` for one of a later version.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|verb| verb.name() == name)
    }
}

/// One thing that an entry may say about its object.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Field {
    /// Hash of a document, version or blob; never of a single value, which could be guessed.
    Hash(Hash),
    /// A signing key.
    Key(PublicKey),
    /// Rows, columns, bytes, rounds: the field's name says which.
    Count(u64),
    /// A node.
    Party(PartyName),
    /// A data set.
    Dataset(DatasetId),
    /// An authorisation.
    Authorisation(AuthorisationId),
    /// A data request.
    Request(RequestId),
    /// A person, by the pseudonymous number; never a name.
    Person(PersonId),
    /// A moment, for example the end of a term.
    Time(Time),
    /// A word of the program: a step, a reason, a decision. `a-z 0-9 - _ .`
    Code(&'static str),
}

impl Field {
    pub(super) fn text(&self) -> String {
        match self {
            Self::Hash(hash) => hash.to_string(),
            Self::Key(key) => key.to_string(),
            Self::Count(count) => count.to_string(),
            Self::Party(name) => name.to_string(),
            Self::Dataset(id) => id.to_string(),
            Self::Authorisation(id) => id.to_string(),
            Self::Request(id) => id.to_string(),
            Self::Person(id) => id.to_string(),
            Self::Time(time) => time.to_string(),
            Self::Code(code) => (*code).into(),
        }
    }
}

/// Something to log.
///
/// ```
/// # use yu_governance::audit::{Event, Field, Verb};
/// let event = Event::new(Verb::StepFinished).with("step", Field::Code("psi.points")).with("rows", Field::Count(100_000));
/// ```
///
/// Text that is known only at run time does not fit:
/// ```compile_fail
/// # use yu_governance::audit::{Event, Field, Verb};
/// let cell = String::from("110101199003074514");
/// let event = Event::new(Verb::StepFinished).with("step", Field::Code(cell.as_str()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    pub(super) verb: Verb,
    pub(super) job: Option<JobId>,
    pub(super) party: Option<PartyName>,
    pub(super) object: BTreeMap<&'static str, Field>,
}

impl Event {
    /// An event without job, party or object.
    #[must_use]
    pub const fn new(verb: Verb) -> Self {
        Self { verb, job: None, party: None, object: BTreeMap::new() }
    }

    /// The first event of a log.
    #[must_use]
    pub fn log_opened(key: PublicKey) -> Self {
        Self::new(Verb::LogOpened).with("key", Field::Key(key))
    }

    /// A peer whose countersignatures count from now on.
    #[must_use]
    pub fn peer_joined(peer: PartyName, key: PublicKey) -> Self {
        Self::new(Verb::PeerJoined).party(peer).with("key", Field::Key(key))
    }

    /// This node countersigned a checkpoint of a peer: verification then expects that checkpoint, with this size and root,
    /// in the peer's log.
    ///
    /// # Errors
    /// `Malformed` when the checkpoint has no canonical form.
    pub fn checkpoint_countersigned(checkpoint: &Checkpoint) -> Result<Self> {
        let hash = |digest: Digest| Field::Hash(Hash::new(checkpoint.alg, digest.0));
        Ok(Self::new(Verb::CheckpointCountersigned)
            .party(checkpoint.node.clone())
            .with("checkpoint", hash(checkpoint.hash()?))
            .with("root", hash(checkpoint.root))
            .with("size", Field::Count(checkpoint.size)))
    }

    /// The job it belongs to.
    #[must_use]
    pub const fn job(mut self, job: JobId) -> Self {
        self.job = Some(job);
        self
    }

    /// The other party concerned.
    #[must_use]
    pub fn party(mut self, party: PartyName) -> Self {
        self.party = Some(party);
        self
    }

    /// One more fact; a second one of the same name replaces the first. Names: `a-z`, then `a-z 0-9 _`, at most 40.
    #[must_use]
    pub fn with(mut self, name: &'static str, field: Field) -> Self {
        self.object.insert(name, field);
        self
    }
}

/// One line of `entries.jsonl`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Hash algorithm of `prev` and of the tree.
    pub alg: HashAlgorithm,
    /// Position in the log, from 0.
    #[serde(with = "u64_string")]
    pub index: u64,
    /// The job concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobId>,
    /// Whose log this is.
    pub node: PartyName,
    /// Hashes, names, counts and codes.
    pub object: BTreeMap<String, String>,
    /// The other party concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub party: Option<PartyName>,
    /// Leaf hash of the entry before; zeros in the first.
    pub prev: Digest,
    /// When it was logged, by the node's clock.
    pub time: Time,
    /// What happened; a name that this version does not know is kept.
    pub verb: String,
}

impl Entry {
    #[cfg(test)]
    pub(super) fn new(event: Event, node: &PartyName, index: u64, prev: Digest, time: Time) -> Result<Self> {
        Ok(Self::of(HashAlgorithm::Sha256, Draft::new(event, time)?, node, index, prev))
    }

    /// The entry that a draft becomes at its place in the log.
    pub(super) fn of(alg: HashAlgorithm, draft: Draft, node: &PartyName, index: u64, prev: Digest) -> Self {
        let Draft { job, object, party, time, verb } = draft;
        Self { alg, index, job, node: node.clone(), object, party, prev, time, verb }
    }

    /// Reads one line (without its newline).
    ///
    /// # Errors
    /// `Malformed` unless it is canonical and keeps the grammar of names and values.
    pub fn parse(line: &[u8]) -> Result<Self> {
        let entry: Self = serde_json::from_slice(line).map_err(|error| Error::Malformed {
            // serde's message may quote the input: keep the position only
            object: "entry".into(),
            reason: format!("does not decode at column {}", error.column()),
        })?;
        entry.check()?;
        if entry.write() == line {
            Ok(entry)
        } else {
            Err(Error::Malformed { object: "entry".into(), reason: "not in canonical form (RFC 8785), or with unknown fields".into() })
        }
    }

    /// The line without its newline.
    ///
    /// # Errors
    /// `Malformed` for names and values outside the grammar.
    pub fn to_line(&self) -> Result<Vec<u8>> {
        self.check()?;
        Ok(self.write())
    }

    /// The canonical form. INVARIANT: `check` passed, so no string holds a character that JSON escapes, and the names of the
    /// object are ASCII, which the map holds in the order that RFC 8785 wants. A test compares with the general writer.
    fn write(&self) -> Vec<u8> {
        let mut line = String::with_capacity(512);
        let mut push = |parts: &[&str]| parts.iter().for_each(|part| line.push_str(part));
        push(&[r#"{"alg":""#, self.alg.as_str(), r#"","index":""#, &self.index.to_string(), "\""]);
        if let Some(job) = &self.job {
            push(&[r#","job":""#, &job.0.to_string(), "\""]);
        }
        push(&[r#","node":""#, self.node.as_str(), r#"","object":{"#]);
        for (at, (name, value)) in self.object.iter().enumerate() {
            push(&[if at == 0 { "\"" } else { ",\"" }, name, r#"":""#, value, "\""]);
        }
        push(&["}"]);
        if let Some(party) = &self.party {
            push(&[r#","party":""#, party.as_str(), "\""]);
        }
        push(&[r#","prev":""#, &self.prev.to_string(), r#"","time":""#, &self.time.to_string(), r#"","verb":""#, &self.verb, "\"}"]);
        line.into_bytes()
    }

    /// The signing key that `log.opened` and `peer.joined` state.
    #[must_use]
    pub fn key(&self) -> Option<PublicKey> {
        self.object.get("key")?.parse().ok()
    }

    /// The mark of a [`Draft`] that waited in a store.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.object.get(NOTE).map(String::as_str)
    }

    fn check(&self) -> Result<()> {
        keeps_grammar(&self.verb, &self.object).map_err(|what| not_allowed(&format!("entry {}", self.index), what))
    }
}

pub(super) fn keeps_grammar(verb: &str, object: &BTreeMap<String, String>) -> std::result::Result<(), &'static str> {
    if !is_verb(verb) {
        Err("verb")
    } else if !object.keys().all(|name| is_field_name(name)) {
        Err("name in object")
    } else if !object.values().all(|value| is_value(value)) {
        Err("value in object")
    } else {
        Ok(())
    }
}

pub(super) fn not_allowed(object: &str, what: &str) -> Error {
    Error::Malformed { object: object.into(), reason: format!("not an allowed {what}") }
}

fn is_verb(text: &str) -> bool {
    let is_part = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase()) && part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
    };
    text.len() <= 60 && text.split_once('.').is_some_and(|(subject, act)| is_part(subject) && is_part(act))
}

fn is_field_name(text: &str) -> bool {
    (1..=40).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// Hashes, keys, numbers, names, times and codes: no blank, no quote, nothing outside ASCII.
fn is_value(text: &str) -> bool {
    (1..=200).contains(&text.len()) && text.chars().all(|c| c.is_ascii_alphanumeric() || "._:/-".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(event: Event) -> Result<Entry> {
        let node = PartyName::new("yu://dev/health/node1").unwrap();
        Entry::new(event, &node, 7, Digest::ZERO, Time::from_unix(1_800_000_000))
    }

    #[test]
    fn the_line_is_pinned() {
        let event = Event::new(Verb::JobSigned)
            .job(JobId(Hash::from_bytes([0xab; 32])))
            .party(PartyName::new("yu://dev/bank/node1").unwrap())
            .with("rows", Field::Count(12));
        let line = entry(event).unwrap().to_line().unwrap();
        let expected = format!(
            concat!(
                r#"{{"alg":"sha-256","index":"7","job":"sha-256:{}","node":"yu://dev/health/node1","object":{{"rows":"12"}},"#,
                r#""party":"yu://dev/bank/node1","prev":"{}","time":"2027-01-15T08:00:00Z","verb":"job.signed"}}"#
            ),
            "ab".repeat(32),
            "0".repeat(64)
        );
        assert_eq!(String::from_utf8(line.clone()).unwrap(), expected);
        assert_eq!(Entry::parse(&line).unwrap().to_line().unwrap(), line);
    }

    #[test]
    fn the_short_way_of_writing_is_the_canonical_form() {
        let key = crate::sign::SigningKey::from_bytes(&[7; 32]).public();
        let events = [
            Event::new(Verb::NodeStarted),
            Event::log_opened(key),
            Event::new(Verb::JobFailed).job(JobId(Hash::from_bytes([1; 32]))).with("code", Field::Code("psi.too-small")),
            Event::new(Verb::ResultReleased)
                .party(PartyName::new("yu://prod/a-1/b").unwrap())
                .with("rows", Field::Count(u64::MAX))
                .with("a", Field::Time(Time::from_unix(0)))
                .with("a_b", Field::Count(0))
                .with("a0", Field::Count(1))
                .with("key", Field::Key(key)),
        ];
        let algs = [HashAlgorithm::Sha256, HashAlgorithm::Sm3];
        for (event, alg) in events.into_iter().zip(algs.into_iter().cycle()) {
            let draft = Draft::new(event, Time::from_unix(-5)).unwrap().marked([0xfe; 16]);
            assert_eq!(Draft::from_json(&draft.to_json().unwrap()).unwrap(), draft);
            let node = PartyName::new("yu://dev/health/node1").unwrap();
            let entry = Entry::of(alg, draft.clone(), &node, u64::MAX, Digest([3; 32]));
            assert_eq!(entry.note(), draft.note());
            assert_eq!(entry.write(), crate::canonical::to_canonical(&entry).unwrap());
            let line = entry.to_line().unwrap();
            assert_eq!(Entry::parse(&line).unwrap(), entry);
            // escapes, repeated and other fields mean the same to a reader of JSON, and are refused
            let text = String::from_utf8(line).unwrap();
            for (from, to) in [("\"alg\"", "\"\\u0061lg\""), ("{\"alg\"", "{ \"alg\""), ("\"verb\":\"", "\"verb\":\"\\u0061")] {
                let other = text.replacen(from, to, 1);
                assert!(other != text && Entry::parse(other.as_bytes()).is_err(), "{other}");
            }
            let twice = text.replacen('{', &format!(r#"{{"alg":"{}","#, alg.as_str()), 1);
            assert!(Entry::parse(twice.as_bytes()).is_err());
        }
        assert!(Draft::from_json(r#"{"object":{"a":"free text"},"time":"2026-11-29T00:00:00Z","verb":"job.failed"}"#).is_err());
    }

    #[test]
    fn verbs_have_one_name_each() {
        for verb in Verb::ALL {
            assert_eq!(Verb::parse(verb.name()), Some(*verb));
            assert!(is_verb(verb.name()), "{}", verb.name());
        }
        assert_eq!(Verb::parse("job.dreamt"), None);
    }

    #[test]
    fn only_names_numbers_hashes_and_codes_fit() {
        assert!(entry(Event::new(Verb::JobFailed).with("code", Field::Code("psi.too-small"))).is_ok());
        assert!(entry(Event::new(Verb::JobFailed).with("code", Field::Code("free text"))).is_err());
        assert!(entry(Event::new(Verb::JobFailed).with("code", Field::Code(""))).is_err());
        assert!(entry(Event::new(Verb::JobFailed).with("Code", Field::Count(1))).is_err());
        assert!(entry(Event::new(Verb::JobFailed).with("", Field::Count(1))).is_err());
        for bad in ["张三", "a\"b", "a\\b", "a b", "a\nb"] {
            assert!(!is_value(bad), "{bad}");
        }
    }
}
