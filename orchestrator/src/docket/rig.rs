//! A docket without nodes, for tests of chapters: the five offices of a town with their keys, a book, and a clock.

use super::book::Book;
use super::kind::{Document, Kind};
use super::line::Filed;
use crate::fault::Result;
use crate::node::payload_hash;
use crate::procedure::law::Law;
use std::collections::BTreeMap;
use yu_governance::canonical::Hash;
use yu_governance::clock::Time;
use yu_governance::docket::Line;
use yu_governance::id::PartyName;
use yu_governance::sign::{KeyRing, Signed, SignedType, SigningKey};
use yu_governance::workflow::{Appointment, Appointments, Role};

/// Who holds which role: the town of the process tests, and a developer, a sector department, an expert, a reviewer, a checker and a
/// county more.
const TOWN: [(&str, Option<Role>); 14] = [
    ("authority", None),
    ("watch", None),
    ("health", Some(Role::Provider)),
    ("bank", Some(Role::Licensee)),
    ("platform", Some(Role::Platform)),
    ("government", Some(Role::Government)),
    ("province", Some(Role::Province)),
    ("coordination", Some(Role::Coordination)),
    ("studio", Some(Role::Developer)),
    ("sector", Some(Role::Sector)),
    ("expert", Some(Role::Expert)),
    ("reviewer", Some(Role::Reviewer)),
    ("checker", Some(Role::Checker)),
    ("county", Some(Role::County)),
];

/// A town with its docket.
pub(crate) struct Court {
    /// What is in force.
    pub law: Law,
    /// What is filed.
    pub book: Book,
    /// The time at which the next document is filed.
    pub at: Time,
    keys: BTreeMap<&'static str, SigningKey>,
}

/// `yu://dev/ORG/n1`.
pub(crate) fn party(org: &str) -> PartyName {
    format!("yu://dev/{org}/n1").parse().unwrap()
}

/// A hash that stands for a document elsewhere.
pub(crate) fn hash(text: &str) -> Hash {
    Hash::of_file(text.as_bytes())
}

/// An instant, RFC 3339.
pub(crate) fn time(text: &str) -> Time {
    Time::parse(text).unwrap()
}

impl Court {
    /// Under a shipped profile.
    pub(crate) fn new(profile: &str) -> Self {
        let (profile, parent) = crate::profiles::with_parent(profile).unwrap();
        let effective = crate::procedure::law::effective(&profile, parent).unwrap();
        let keys: BTreeMap<&str, SigningKey> =
            TOWN.iter().zip(1_u8..).map(|((org, _), n)| (*org, SigningKey::from_bytes(&[n; 32]))).collect();
        let mut ring = KeyRing::new();
        keys.iter().for_each(|(org, key)| ring.insert(party(org).as_str(), key.public()).unwrap());
        let appointed =
            TOWN.iter().filter_map(|(org, role)| role.map(|role| Appointment { role, party: party(org), key: keys[org].public() }));
        let at = time("2026-06-02T02:00:00Z");
        let appointments = Appointments { v: 1, version: 1, authority: party("authority"), appointed: appointed.collect(), at };
        let roster = appointments.roster(&party("authority"), &party("watch"));
        let law = Law {
            profile: effective,
            hash: hash("profile"),
            roster,
            appointments: Some(appointments),
            ring,
            authority: party("authority"),
            regulator: party("watch"),
        };
        Self { law, book: Book::default(), at, keys }
    }

    /// One more office, or one more role of an office.
    pub(crate) fn appoint(&mut self, role: Role, org: &'static str) {
        let number = u8::try_from(self.keys.len() + 1).unwrap();
        let key = self.keys.entry(org).or_insert_with(|| SigningKey::from_bytes(&[number; 32])).public();
        self.law.ring.insert(party(org).as_str(), key).unwrap();
        let appointments = self.law.appointments.as_mut().unwrap();
        appointments.appointed.push(Appointment { role, party: party(org), key });
        self.law.roster = appointments.roster(&self.law.authority, &self.law.regulator);
    }

    /// A document signed by these.
    pub(crate) fn signed<T: SignedType>(&self, document: T, by: &[&str]) -> Signed<T> {
        let mut signed = Signed::unsigned(document);
        by.iter().for_each(|org| signed.add_signature(party(org).as_str(), &self.keys[org]).unwrap());
        signed
    }

    /// Files a document that exactly these sign, as a node would take it in. What is refused leaves no trace.
    pub(crate) fn file<T: Document>(&mut self, document: T, by: &[&str]) -> Result<Hash> {
        let kind = Kind::of::<T>();
        let signed = serde_json::to_value(self.signed(document, by)).unwrap();
        let document = kind.hash(&signed)?;
        let signers = kind.signers(&signed, &self.book, &self.law)?;
        let line = Line {
            v: 1,
            sequence: self.book.length,
            previous: self.book.head.as_ref().map(|line| payload_hash(&line.payload).unwrap()),
            kind: T::KIND.into(),
            document,
            signers,
            profile: self.law.hash,
            appointments: 1,
            at: self.at,
        };
        let line = Signed::sign(line, self.law.authority.as_str(), &self.keys["authority"])?;
        self.book.follow(&Filed { line, document: Some(signed) }, &self.law, (self.at, 0))?;
        Ok(document)
    }

    /// The clock goes on.
    pub(crate) fn pass_days(&mut self, days: i64) {
        self.at = self.at.plus_seconds(days * 86_400);
    }
}
