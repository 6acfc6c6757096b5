//! People (人员): records with their evidences, contacts, access opened by the authority, credentials, and their end (H1, H3, H4, H5, D12).
//!
//! Order: the organisation files its contacts and a record; it applies for access with an activation, which the authority's person signs; then it
//! files the credential. All but the end are read by the organisation, the authority and the regulator only: other nodes know that they exist.
//! What a person may do at a node then: [`crate::people`].

use super::super::book::Book;
use super::super::kind::{Audience, Document, Kind, Moment, all_of, refuse};
use super::Chapter;
use crate::fault::Result;
use crate::node::payload_hash;
use crate::procedure::law::Law;
use std::collections::{BTreeMap, BTreeSet};
use yu_governance::canonical::Hash;
use yu_governance::clock::Time;
use yu_governance::contract::Contract;
use yu_governance::finding::Finding;
use yu_governance::id::{PartyName, PersonId};
use yu_governance::person::contacts::Contacts;
use yu_governance::person::credential::{Activation, Credential};
use yu_governance::person::directory::Directory;
use yu_governance::person::disabling::Disabling;
use yu_governance::person::record::{PersonRecord, PersonRules, Post, TrainingBody};
use yu_governance::profile::Actor;
use yu_governance::sign::Signed;

/// Longest life of a credential: our default, no text sets one; whoever stays is looked at once a year.
const CREDENTIAL_SECONDS: i64 = 366 * 86_400;
/// Longest session: a working day.
const SESSION_SECONDS: i64 = 8 * 3600;
/// Posts that somebody from outside may hold (H5): our default; they carry out and advise, they sign and administer nothing.
const GUEST_POSTS: [Post; 3] = [Post::Technician, Post::Maintenance, Post::Expert];

/// The kind by which the authority opens access.
pub const ACTIVATION: &str = Activation::KIND;
/// All kinds of this chapter.
pub const KINDS: [&str; 5] = [Contacts::KIND, PersonRecord::KIND, Activation::KIND, Credential::KIND, Disabling::KIND];

pub(super) const CHAPTER: Chapter = Chapter {
    name: "people",
    title: ("people", "人员"),
    kinds: &[
        Kind::of::<Contacts>(),
        Kind::of::<PersonRecord>(),
        Kind::of::<Activation>(),
        Kind::of::<Credential>(),
        Kind::of::<Disabling>(),
    ],
    tell,
    objections,
};

/// People as the docket makes them: at the authority and the regulator of all organisations, elsewhere of the own one.
#[derive(Default)]
pub struct People {
    /// Everybody.
    pub directory: Directory,
    /// The last opening of access, by person.
    activations: BTreeMap<PersonId, Signed<Activation>>,
    /// Whose record a document is.
    records: BTreeMap<Hash, PersonId>,
}

impl People {
    /// Whether somebody of an organisation holds a post at an instant.
    #[must_use]
    pub fn is_held(&self, organisation: &str, post: Post, rules: &PersonRules, now: Time) -> bool {
        let mut of = self.directory.records().filter(|record| record.id.organisation() == organisation && record.posts.contains(&post));
        of.any(|record| self.directory.objections(&record.id, rules, now).is_empty())
    }
}

/// What the law demands of people.
#[must_use]
pub fn rules(law: &Law) -> PersonRules {
    let body = |actor: &Actor| match actor {
        Actor::ProvincialAuthority => Some(TrainingBody::Province),
        Actor::Authority => Some(TrainingBody::Authority),
        _ => None,
    };
    PersonRules {
        training_by: law.rules().training_by.value.0.iter().filter_map(body).collect(),
        guest_posts: BTreeSet::from(GUEST_POSTS),
        credential_seconds: CREDENTIAL_SECONDS,
        session_seconds: SESSION_SECONDS,
    }
}

/// The node that speaks for an organisation in matters of its people: the first by name of those that are appointed.
fn office(organisation: &str, law: &Law) -> Result<PartyName> {
    let appointed = law.appointments.iter().flat_map(|a| &a.appointed).map(|a| &a.party);
    let of = [&law.authority, &law.regulator].into_iter().chain(appointed).filter(|party| party.organisation() == organisation);
    of.min().cloned().ok_or_else(|| refuse("person.organisation", format!("`{}` is appointed in no role", organisation.escape_debug())))
}

/// The office of a person's organisation, in this environment.
fn office_of(person: &PersonId, law: &Law) -> Result<PartyName> {
    if person.environment() != law.authority.environment() {
        return Err(refuse("person.environment", format!("`{person}` belongs to another environment")));
    }
    office(person.organisation(), law)
}

impl Document for Contacts {
    const KIND: &'static str = "organisation-contacts";
    const TITLE: (&'static str, &'static str) = ("contacts of an organisation", "安全责任人与联系人");
    const EXAMPLE: &'static str = include_str!("people/contacts.toml");
    const AUDIENCE: Audience = Audience::Signers;

    fn signers(&self, _: &Book, law: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![office(&self.organisation, law)?])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, _: Moment<'_>) -> Result<()> {
        if signed.payload.v != 1 {
            return Err(refuse("contacts.version-unknown", "the format is not known"));
        }
        book.people.directory.set_contacts(signed.payload.clone()).or_else(all_of)
    }
}

impl Document for PersonRecord {
    const KIND: &'static str = "person-record";
    const TITLE: (&'static str, &'static str) = ("record of a person with four evidences", "人员登记（四项要件）");
    const EXAMPLE: &'static str = include_str!("people/record.toml");
    const AUDIENCE: Audience = Audience::Signers;

    fn signers(&self, _: &Book, law: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![office_of(&self.id, law)?])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let record = &signed.payload;
        book.people.directory.enrol(record.clone(), &rules(moment.law)).or_else(all_of)?;
        book.people.records.insert(payload_hash(record)?, record.id.clone());
        Ok(())
    }
}

impl Document for Activation {
    const KIND: &'static str = "person-activation";
    const TITLE: (&'static str, &'static str) = ("access opened by the authority", "主管部门开通权限");
    const EXAMPLE: &'static str = include_str!("people/activation.toml");
    const AUDIENCE: Audience = Audience::Signers;

    /// The organisation applies by its signature, the authority opens by its own (H3).
    fn signers(&self, _: &Book, law: &Law) -> Result<Vec<PartyName>> {
        if self.by != law.authority {
            return Err(refuse("activation.not-authority", format!("access is opened by `{}`, not by `{}`", law.authority, self.by)));
        }
        Ok(vec![self.by.clone(), office_of(&self.person, law)?])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let (people, law, activation) = (&mut book.people, moment.law, &signed.payload);
        people.directory.trust(&law.authority);
        let person = &activation.person;
        let Some(record) = people.directory.record(person) else {
            return Err(refuse("person.missing", format!("person `{person}` is not enrolled")));
        };
        let authorities = BTreeSet::from([law.authority.clone()]);
        Self::proven(signed, record, &authorities, &law.ring, moment.at).map(drop).or_else(all_of)?;
        // what is missing is named before access is opened, not after
        all_of(record.check_evidences(&rules(law), moment.at))?;
        if people.activations.get(person).is_some_and(|before| before.payload.at >= activation.at) {
            return Err(refuse("activation.order", format!("access of `{person}` was opened later than that already")));
        }
        people.directory.reopen(person, activation.at).or_else(all_of)?;
        people.activations.insert(person.clone(), signed.clone());
        Ok(())
    }
}

impl Document for Credential {
    const KIND: &'static str = "person-credential";
    const TITLE: (&'static str, &'static str) = ("credential of a person", "人员凭证");
    const EXAMPLE: &'static str = include_str!("people/credential.toml");
    const AUDIENCE: Audience = Audience::Signers;

    fn signers(&self, _: &Book, law: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![office_of(&self.person, law)?])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let (people, law, credential) = (&mut book.people, moment.law, &signed.payload);
        let person = &credential.person;
        if law.ring.iter().any(|(_, key)| *key == credential.key) {
            return Err(refuse("person.key-shared", format!("the key for `{person}` is a node's")));
        }
        let rules = rules(law);
        let Some(activation) = people.activations.get(person) else {
            let what = format!("the authority has not opened access for `{person}`: file a person-activation first");
            let mut found = vec![Finding::new(
                "activation.missing",
                person,
                (what, format!("主管部门尚未为人员 `{person}` 开通权限")),
                ("file a person-activation", "先备案 person-activation"),
            )];
            // everything that is missing at once (H1)
            found.extend(people.directory.record(person).into_iter().flat_map(|record| record.check_evidences(&rules, moment.at)));
            return all_of(found);
        };
        people.directory.accept(credential, activation, &law.ring, &rules, moment.at).or_else(all_of)
    }
}

impl Document for Disabling {
    const KIND: &'static str = "person-disabling";
    const TITLE: (&'static str, &'static str) = ("end of a person's access", "人员停用");
    const EXAMPLE: &'static str = include_str!("people/disabling.toml");
    /// The organisation has to read what the authority alone has signed.
    const AUDIENCE: Audience = Audience::Domain;

    fn signers(&self, _: &Book, law: &Law) -> Result<Vec<PartyName>> {
        if self.by != law.authority && self.by != office_of(&self.person, law)? {
            return Err(refuse(
                "person.disabled-by",
                format!("`{}` does not speak for the people of `{}`", self.by, self.person.organisation()),
            ));
        }
        Ok(vec![self.by.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, _: Moment<'_>) -> Result<()> {
        let told = &signed.payload;
        let is_record = book.documents.get(&told.record).is_some_and(|(kind, _)| *kind == PersonRecord::KIND);
        if told.v != 1 || !is_record {
            return Err(refuse(
                "person.missing",
                format!("no record of a person is filed under the hash that is named for `{}`", told.person),
            ));
        }
        match book.people.records.get(&told.record) {
            Some(person) if *person == told.person => book.people.directory.disable(person, told.at).or_else(all_of),
            Some(_) => Err(refuse("person.other", format!("the record is not one of `{}`", told.person))),
            // not for this node to read: it is nobody of its own
            None => Ok(()),
        }
    }
}

fn tell(book: &Book, law: &Law, now: Time) -> Vec<(String, String)> {
    let (people, rules) = (&book.people, rules(law));
    let mut told = Vec::new();
    let mut organisations: BTreeSet<&str> = BTreeSet::new();
    for record in people.directory.records() {
        let id = &record.id;
        organisations.insert(id.organisation());
        let posts = record.posts.iter().map(|post| post.as_str()).collect::<Vec<_>>().join(", ");
        let found = people.directory.objections(id, &rules, now);
        if found.is_empty() {
            let until = people.directory.credential(id).map_or(now, |credential| credential.not_after);
            told.push((format!("{id} ({posts}): may act until {until}"), format!("{id}（{posts}）：可操作至 {until}")));
        } else {
            let all = |pick: fn(&Finding) -> &str, glue: &str| found.iter().map(pick).collect::<Vec<_>>().join(glue);
            told.push((
                format!("{id} ({posts}): may not act: {}", all(|f| &f.what.en, "; ")),
                format!("{id}（{posts}）：不得操作：{}", all(|f| &f.what.zh, "；")),
            ));
        }
    }
    for organisation in organisations {
        match people.directory.contacts(organisation) {
            Some(contacts) => {
                let alarmed = contacts.alarmed().map(ToString::to_string).collect::<Vec<_>>().join(", ");
                told.push((
                    format!("{organisation}: alarms go to {alarmed} ({})", contacts.duty_line),
                    format!("{organisation}：告警送达 {alarmed}（{}）", contacts.duty_line),
                ));
            }
            None => told.push((format!("{organisation}: NO contacts are named"), format!("{organisation}：未明确联系人"))),
        }
        for post in Post::ADMINISTRATORS.iter().filter(|post| !people.is_held(organisation, **post, &rules, now)) {
            told.push((
                format!("{organisation}: NOBODY acts as {}", post.as_str()),
                format!("{organisation}：{} 岗位无人履职", post.as_str()),
            ));
        }
    }
    told
}

/// H4: an organisation with people computes nothing before its contacts are named and are people of its own, in good standing. Of organisations whose
/// records this node does not read it knows nothing; their own nodes do.
fn objections(book: &Book, contract: &Contract, law: &Law, now: Time) -> Vec<Finding> {
    let (directory, rules) = (&book.people.directory, rules(law));
    let organisations: BTreeSet<&str> =
        contract.parties.iter().map(|party| party.name.organisation()).filter(|organisation| directory.has_people(organisation)).collect();
    let mut found = Vec::new();
    for organisation in organisations {
        let Some(contacts) = directory.contacts(organisation) else {
            let what = (format!("`{organisation}` has named no contacts"), format!("“{organisation}”未明确联系人"));
            found.push(Finding::new("contacts.missing", organisation, what, ("file organisation-contacts", "备案 organisation-contacts")));
            continue;
        };
        for contact in contacts.alarmed() {
            let Some(record) = directory.record(contact) else {
                let what = (format!("the contact `{contact}` is not enrolled"), format!("联系人 `{contact}` 未登记"));
                found.push(Finding::new("contacts.unknown", organisation, what, ("file the person's record", "备案该人员登记")));
                continue;
            };
            let evidences = record.check_evidences(&rules, now);
            found.extend(evidences.into_iter().map(|finding| Finding { code: format!("contacts.{}", finding.code), ..finding }));
        }
    }
    found
}

#[cfg(test)]
mod tests;
