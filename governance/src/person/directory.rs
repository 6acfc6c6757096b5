//! Everybody on the domain: enrolled, activated, given a credential, logged in, and out again.
//!
//! Every question is a pure function of the directory and a moment: [`Directory::session_valid_at`] decides anew at every use, so
//! that whatever ends (evidence, post, sponsor, activation, login, person) ends the sessions with it, without anybody closing them.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::contacts::Contacts;
use super::credential::{Activation, Credential};
use super::mapping::{ExternalSubject, SubjectMap};
use super::record::{Belonging, PersonRecord, PersonRules};
use super::separation::check_separation;
use crate::canonical::Hash;
use crate::clock::Time;
use crate::finding::{Checked, Finding, broken, refuse, unless};
use crate::id::{PartyName, PersonId, document_hash};
use crate::sign::{KeyRing, PublicKey, Signed};

/// How somebody logged in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Login {
    /// Through an existing service (D10).
    Service(ExternalSubject),
    /// With the key that the credential names.
    Key,
}

#[derive(Debug, Clone)]
struct Entry {
    record: PersonRecord,
    disabled_at: Option<Time>,
    credential: Option<(Hash, Credential)>,
}

/// One login, bound to a person, a credential and a term.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Session {
    /// Who acts.
    pub person: PersonId,
    /// Through which login.
    pub login: Login,
    /// Under which credential.
    pub credential: Hash,
    /// First second.
    pub opened: Time,
    /// First second after its end.
    pub expires: Time,
}

/// All people, contacts and logins. `authorities` are those that may open access (H3).
#[derive(Debug, Clone, Default)]
pub struct Directory {
    authorities: BTreeSet<PartyName>,
    people: BTreeMap<PersonId, Entry>,
    contacts: BTreeMap<String, Contacts>,
    logins: SubjectMap,
}

impl Directory {
    /// An empty directory.
    #[must_use]
    pub const fn new(authorities: BTreeSet<PartyName>) -> Self {
        Self { authorities, people: BTreeMap::new(), contacts: BTreeMap::new(), logins: SubjectMap::new() }
    }

    /// Lets one more authority open access.
    pub fn trust(&mut self, authority: &PartyName) {
        if !self.authorities.contains(authority) {
            self.authorities.insert(authority.clone());
        }
    }

    /// Whether an organisation has enrolled anybody: from then on it acts through people.
    #[must_use]
    pub fn has_people(&self, organisation: &str) -> bool {
        self.people.keys().any(|id| id.organisation() == organisation)
    }

    /// All records, by number.
    pub fn records(&self) -> impl Iterator<Item = &PersonRecord> {
        self.people.values().map(|entry| &entry.record)
    }

    /// Somebody's record.
    #[must_use]
    pub fn record(&self, person: &PersonId) -> Option<&PersonRecord> {
        self.people.get(person).map(|entry| &entry.record)
    }

    /// Somebody's present credential, whether it holds or not.
    #[must_use]
    pub fn credential(&self, person: &PersonId) -> Option<&Credential> {
        self.people.get(person)?.credential.as_ref().map(|(_, credential)| credential)
    }

    /// What speaks against somebody's acting at `now`, a login aside; empty means that he or she may log in.
    ///
    /// Codes as of [`Directory::session_valid_at`], without those of the session.
    #[must_use]
    pub fn objections(&self, person: &PersonId, rules: &PersonRules, now: Time) -> Vec<Finding> {
        let Some(entry) = self.people.get(person) else { return missing::<()>(person).err().unwrap_or_default() };
        let mut found = self.standing(entry, rules, now);
        let (Some((hash, _)), true) = (&entry.credential, found.is_empty()) else {
            if found.is_empty() {
                found.extend(no_credential::<()>(person).err().unwrap_or_default());
            }
            return found;
        };
        let session = Session { person: person.clone(), login: Login::Key, credential: *hash, opened: now, expires: now.plus_seconds(1) };
        found.extend(
            self.session_valid_at(&session, &PersonRules { session_seconds: i64::MAX, ..rules.clone() }, now).err().unwrap_or_default(),
        );
        found
    }

    /// Names an organisation's contacts (H4).
    ///
    /// # Errors
    /// What [`Contacts::check`] objects to.
    pub fn set_contacts(&mut self, contacts: Contacts) -> Checked<()> {
        unless(contacts.check(), ())?;
        self.contacts.insert(contacts.organisation.clone(), contacts);
        Ok(())
    }

    /// The contacts of an organisation: alarms go there.
    #[must_use]
    pub fn contacts(&self, organisation: &str) -> Option<&Contacts> {
        self.contacts.get(organisation)
    }

    /// Enrols a person, or replaces the record of one. A credential that was issued for other posts no longer opens sessions.
    ///
    /// # Errors
    /// All at once: `person.separation` (D12), `person.twice` for somebody who is enrolled in this organisation under another number,
    /// `person.no-post`, `person.number-reused`, `person.guest-post`, `person.sponsor` (H5).
    pub fn enrol(&mut self, record: PersonRecord, rules: &PersonRules) -> Checked<()> {
        let others = || self.people.values().map(|e| &e.record).filter(|r| r.id != record.id);
        let mut found = check_separation(others().chain([&record]));
        let id = &record.id;
        let same = |r: &PersonRecord| {
            r.real_name == record.real_name && r.id.organisation() == id.organisation() && r.id.environment() == id.environment()
        };
        let guest = match &record.belonging {
            Belonging::Staff { .. } => None,
            Belonging::Guest { sponsor, .. } => Some(sponsor),
        };
        let sponsored = guest.is_none_or(|sponsor| {
            let sponsor = self.people.get(sponsor).map(|e| &e.record);
            sponsor.is_some_and(|s| {
                s.id != *id
                    && s.real_name != record.real_name
                    && s.id.organisation() == id.organisation()
                    && s.id.environment() == id.environment()
                    && matches!(s.belonging, Belonging::Staff { .. })
            })
        });
        let rules = [
            (record.v == 1 && !record.posts.is_empty(), "person.no-post", ("has no post", "未确定岗位")),
            (!others().any(same), "person.twice", ("is enrolled here under another number", "已以其他编号登记")),
            (
                self.people.get(id).is_none_or(|e| e.record.real_name == record.real_name),
                "person.number-reused",
                ("has the number of somebody else", "的编号属于他人"),
            ),
            (
                guest.is_none() || record.posts.is_subset(&rules.guest_posts),
                "person.guest-post",
                ("is a guest in a post that guests may not hold", "为外部人员，不得担任该岗位"),
            ),
            (sponsored, "person.sponsor", ("has no sponsor among the staff of this organisation", "没有本单位正式人员担保")),
        ];
        found.extend(rules.into_iter().filter(|(holds, ..)| !holds).map(|(_, code, (en, zh))| {
            let what = (format!("person `{id}` {en}"), format!("人员 `{id}` {zh}"));
            Finding::new(code, id.organisation(), what, ("correct the record", "更正人员信息"))
        }));
        unless(found, ())?;
        let before = self.people.remove(id);
        let (disabled_at, credential) = before.map_or((None, None), |e| (e.disabled_at, e.credential));
        self.people.insert(record.id.clone(), Entry { record, disabled_at, credential });
        Ok(())
    }

    /// Ends a person's access from `at` on; of two ends the earlier counts. Guests whose sponsor this was end too.
    ///
    /// # Errors
    /// `person.missing`.
    pub fn disable(&mut self, person: &PersonId, at: Time) -> Checked<()> {
        let Some(entry) = self.people.get_mut(person) else { return missing(person) };
        entry.disabled_at = Some(entry.disabled_at.map_or(at, |before| before.min(at)));
        Ok(())
    }

    /// The authority has opened access anew: a disablement from before is lifted. What was issued before it does not come back.
    ///
    /// # Errors
    /// `person.missing`.
    pub fn reopen(&mut self, person: &PersonId, at: Time) -> Checked<()> {
        let Some(entry) = self.people.get_mut(person) else { return missing(person) };
        if entry.disabled_at.is_some_and(|disabled| disabled < at) {
            entry.disabled_at = None;
            entry.credential = None;
        }
        Ok(())
    }

    /// Ties a login to an enrolled person (D10).
    ///
    /// # Errors
    /// `person.missing`; those of [`SubjectMap::link`].
    pub fn link(&mut self, subject: ExternalSubject, person: &PersonId, from: Time) -> Checked<()> {
        if !self.people.contains_key(person) {
            return missing(person);
        }
        self.logins.link(subject, person, from)
    }

    /// Ends a login (D10), as soon as the service reports it.
    ///
    /// # Errors
    /// `mapping.missing`.
    pub fn unlink(&mut self, subject: &ExternalSubject, at: Time) -> Checked<()> {
        self.logins.disable(subject, at)
    }

    /// Decides on a credential (H1) and keeps it; the caller signs and hands it out.
    ///
    /// It ends with the earliest of: each evidence, the post, the activation, for a guest the sponsor's credential, the longest life.
    ///
    /// # Errors
    /// All at once: each evidence that is missing or over, by name; `contacts.missing` (H4); `person.disabled`,
    /// `person.sponsor-inactive` (H5), `person.post-over`; those of [`Activation::proven`] (H3).
    pub fn issue(
        &mut self,
        person: &PersonId,
        activation: &Signed<Activation>,
        key: PublicKey,
        keys: &KeyRing,
        rules: &PersonRules,
        now: Time,
    ) -> Checked<Credential> {
        let credential = self.decide(person, activation, key, keys, rules, now)?;
        self.keep(&credential)?;
        Ok(credential)
    }

    /// Keeps a credential that the organisation has signed itself, if it is within what [`Directory::issue`] would give now.
    ///
    /// # Errors
    /// Those of [`Directory::issue`]; `person.credential-beyond` for other posts or a longer term, `person.key-shared` for a key of
    /// somebody else: one person's acts would pass for another's.
    pub fn accept(
        &mut self,
        credential: &Credential,
        activation: &Signed<Activation>,
        keys: &KeyRing,
        rules: &PersonRules,
        now: Time,
    ) -> Checked<()> {
        let person = &credential.person;
        let most = self.decide(person, activation, credential.key, keys, rules, now)?;
        let is_within = credential.v == 1
            && credential.posts == most.posts
            && credential.not_before <= now
            && now < credential.not_after
            && credential.not_after <= most.not_after;
        if !is_within {
            let what = (
                format!(
                    "the credential of `{person}` is beyond what may be issued: the posts of the record, from now until {} at most",
                    most.not_after
                ),
                format!("人员 `{person}` 的凭证超出可签发范围：岗位须与登记一致，有效期自即日起至多到 {}", most.not_after),
            );
            return refuse("person.credential-beyond", person, what, ("correct posts and term", "更正岗位与有效期"));
        }
        self.keep(credential)
    }

    fn keep(&mut self, credential: &Credential) -> Checked<()> {
        let hash = document_hash(credential).map_err(|e| broken("person.malformed", &credential.person, &e))?;
        if let Some(entry) = self.people.get_mut(&credential.person) {
            entry.credential = Some((hash, credential.clone()));
        }
        Ok(())
    }

    fn decide(
        &self,
        person: &PersonId,
        activation: &Signed<Activation>,
        key: PublicKey,
        keys: &KeyRing,
        rules: &PersonRules,
        now: Time,
    ) -> Checked<Credential> {
        let Some(entry) = self.people.get(person) else { return missing(person) };
        let record = &entry.record;
        let mut found = self.standing(entry, rules, now);
        if !self.contacts.contains_key(person.organisation()) {
            let what = (format!("`{}` has named no contacts", person.organisation()), format!("“{}”未明确联系人", person.organisation()));
            found.push(Finding::new("contacts.missing", person.organisation(), what, ("name all contacts first", "先明确联系人")));
        }
        let is_anothers = |other: &Entry| other.record.id != *person && other.credential.as_ref().is_some_and(|(_, c)| c.key == key);
        if self.people.values().any(is_anothers) {
            let what = (format!("the key for `{person}` is somebody else's"), format!("人员 `{person}` 的密钥属于他人"));
            found.push(Finding::new(
                "person.key-shared",
                person,
                what,
                ("let the person make a key of his or her own", "由本人另行生成密钥"),
            ));
        }
        let opened = match Activation::proven(activation, record, &self.authorities, keys, now) {
            Ok(activation) => Some(activation.not_after),
            Err(more) => {
                found.extend(more);
                None
            }
        };
        let ends = [opened, record.ends(), self.sponsors_end(record, rules, now), Some(now.plus_seconds(rules.credential_seconds.max(0)))];
        // a part of the decision that is not there has left a finding above
        let not_after = ends.into_iter().collect::<Option<Vec<Time>>>().and_then(|ends| ends.into_iter().min()).unwrap_or(now);
        if found.is_empty() && not_after <= now {
            found.push(over(person));
        }
        let credential = Credential { v: 1, person: person.clone(), posts: record.posts.clone(), key, not_before: now, not_after };
        unless(found, credential)
    }

    /// Opens a session for a login, no longer than the credential.
    ///
    /// # Errors
    /// `session.login-unknown`, `session.no-credential`; what [`Directory::session_valid_at`] objects to.
    pub fn open(&self, subject: &ExternalSubject, rules: &PersonRules, now: Time) -> Checked<Session> {
        let person = self.logins.person_of(subject, now);
        let Some((person, entry)) = person.and_then(|p| self.people.get(p).map(|e| (p, e))) else {
            let what = ("this login is nobody's, or was disabled", "该登录标识未对应人员或已停用");
            return refuse("session.login-unknown", &subject.issuer, what, ("have the login tied to a person", "先完成人员映射"));
        };
        self.session(person, entry, Login::Service(subject.clone()), rules, now)
    }

    /// Opens a session for somebody who has proved to hold the key of the present credential (see [`super::login`]).
    ///
    /// # Errors
    /// `person.missing`, `session.no-credential`; what [`Directory::session_valid_at`] objects to.
    pub fn open_by_key(&self, person: &PersonId, rules: &PersonRules, now: Time) -> Checked<Session> {
        match self.people.get(person) {
            Some(entry) => self.session(person, entry, Login::Key, rules, now),
            None => missing(person),
        }
    }

    fn session(&self, person: &PersonId, entry: &Entry, login: Login, rules: &PersonRules, now: Time) -> Checked<Session> {
        let Some((hash, credential)) = &entry.credential else { return no_credential(person) };
        let expires = now.plus_seconds(rules.session_seconds.max(0)).min(credential.not_after);
        let session = Session { person: person.clone(), login, credential: *hash, opened: now, expires };
        self.session_valid_at(&session, rules, now)?;
        Ok(session)
    }

    /// Whether a session may act at `now`.
    ///
    /// # Errors
    /// All reasons at once: `session.expired`, `session.not-yet`, `session.login-ended`, `session.credential-other`,
    /// `session.credential-expired`, `session.posts-changed`, `person.disabled`, `person.post-over`, `person.sponsor-inactive`, every
    /// evidence that no longer holds; `person.missing`.
    pub fn session_valid_at(&self, session: &Session, rules: &PersonRules, now: Time) -> Checked<()> {
        let person = &session.person;
        let Some(entry) = self.people.get(person) else { return missing(person) };
        let mut found = self.standing(entry, rules, now);
        let held = entry.credential.as_ref();
        let life = session.expires.unix().saturating_sub(session.opened.unix());
        let rules = [
            (now >= session.opened, "session.not-yet", ("has not begun", "尚未开始")),
            (now < session.expires && life <= rules.session_seconds, "session.expired", ("is over", "已结束")),
            (
                match &session.login {
                    Login::Service(subject) => self.logins.person_of(subject, now) == Some(person),
                    // the key is the credential's, which is compared below
                    Login::Key => true,
                },
                "session.login-ended",
                ("belongs to a login that ended", "的登录已停用"),
            ),
            (
                held.is_some_and(|(hash, _)| *hash == session.credential),
                "session.credential-other",
                ("rests on another credential than the present one", "依据的凭证不是现行凭证"),
            ),
            (
                held.is_some_and(|(_, c)| c.not_before <= now && now < c.not_after),
                "session.credential-expired",
                ("rests on a credential that is over", "依据的凭证已到期"),
            ),
            (
                held.is_some_and(|(_, c)| c.posts == entry.record.posts),
                "session.posts-changed",
                ("rests on a credential for other posts", "依据的凭证岗位已变更"),
            ),
        ];
        found.extend(rules.into_iter().filter(|(holds, ..)| !holds).map(|(_, code, (en, zh))| {
            let what = (format!("the session of `{person}` {en}"), format!("人员 `{person}` 的会话{zh}"));
            Finding::new(code, person, what, ("log in again once the cause is gone", "消除原因后重新登录"))
        }));
        unless(found, ())
    }

    /// What speaks against a person at `now`: evidences, disablement, the post's end, and for a guest the sponsor.
    fn standing(&self, entry: &Entry, rules: &PersonRules, now: Time) -> Vec<Finding> {
        let record = &entry.record;
        let id = &record.id;
        let mut found = record.check_evidences(rules, now);
        let mut add = |code: &str, en: &str, zh: &str| {
            let what = (format!("person `{id}` {en}"), format!("人员 `{id}` {zh}"));
            found.push(Finding::new(code, id, what, ("have the organisation put the record in order", "由所在单位办理")));
        };
        if entry.disabled_at.is_some_and(|at| now >= at) {
            add("person.disabled", "is disabled", "已停用");
        }
        match &record.belonging {
            Belonging::Staff { until } if until.is_some_and(|until| now >= until) => {
                add("person.post-over", "is out of the post", "已离岗")
            }
            Belonging::Staff { .. } => {}
            Belonging::Guest { until, .. } => {
                if now >= *until {
                    add("person.post-over", "is out of the post", "已离岗");
                }
                if self.sponsors_end(record, rules, now).is_none() {
                    add("person.sponsor-inactive", "has a sponsor who is not active", "的担保人未处于有效状态");
                }
            }
        }
        found
    }

    /// When the sponsor's credential ends, if the sponsor is in good standing with one in force; for staff there is no such end.
    fn sponsors_end(&self, record: &PersonRecord, rules: &PersonRules, now: Time) -> Option<Time> {
        let Belonging::Guest { sponsor, .. } = &record.belonging else { return Some(Time::from_unix(i64::MAX)) };
        let entry = self.people.get(sponsor)?;
        // only staff sponsor (`enrol`; a record may have changed since): this never goes deeper than one step
        let staff = matches!(entry.record.belonging, Belonging::Staff { .. });
        let (_, credential) = entry.credential.as_ref()?;
        let active = staff && self.standing(entry, rules, now).is_empty() && credential.not_before <= now && now < credential.not_after;
        active.then_some(credential.not_after)
    }
}

fn missing<T>(person: &PersonId) -> Checked<T> {
    let what = (format!("person `{person}` is not enrolled"), format!("人员 `{person}` 未登记"));
    refuse("person.missing", person, what, ("enrol the person first", "先登记人员"))
}

fn no_credential<T>(person: &PersonId) -> Checked<T> {
    let what = (format!("person `{person}` has no credential"), format!("人员 `{person}` 没有凭证"));
    refuse("session.no-credential", person, what, ("have a credential issued", "先签发凭证"))
}

fn over(person: &PersonId) -> Finding {
    let what = (format!("a credential for `{person}` would be over at once"), format!("人员 `{person}` 的凭证有效期为空"));
    Finding::new("person.credential-term", person, what, ("renew what ends first", "先续期最早到期的材料"))
}
