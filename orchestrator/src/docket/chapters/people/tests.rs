use super::super::super::rig::{Court, hash, party, time};
use super::*;
use crate::fault::Code;
use yu_governance::person::record::{Belonging, Evidences, RealNameRef};
use yu_governance::sign::{PublicKey, SigningKey};

type Change<T> = fn(&mut T);

fn id(text: &str) -> PersonId {
    PersonId::new(text).unwrap()
}

/// Somebody of the bank, by a number that makes the real name too.
fn record(n: u8, posts: &[Post]) -> PersonRecord {
    let example: PersonRecord = toml::from_str(PersonRecord::EXAMPLE).unwrap();
    PersonRecord {
        id: id(&format!("dev/bank/p-{n}")),
        real_name: RealNameRef::new(&[7; 32], &n.to_string()),
        posts: posts.iter().copied().collect(),
        ..example
    }
}

fn key(n: u8) -> PublicKey {
    SigningKey::from_bytes(&[100 + n; 32]).public()
}

fn contacts() -> Contacts {
    toml::from_str(Contacts::EXAMPLE).unwrap()
}

fn activation(court: &Court, of: &PersonRecord) -> Activation {
    Activation {
        v: 1,
        person: of.id.clone(),
        real_name: of.real_name,
        posts: of.posts.clone(),
        by: party("authority"),
        at: court.at,
        not_after: time("2035-01-01T00:00:00Z"),
    }
}

fn credential(court: &Court, of: &PersonRecord, n: u8) -> Credential {
    Credential {
        v: 1,
        person: of.id.clone(),
        posts: of.posts.clone(),
        key: key(n),
        not_before: court.at,
        not_after: court.at.plus_days(180),
    }
}

const BOTH: [&str; 2] = ["authority", "bank"];

/// Record, opening and credential.
fn admit(court: &mut Court, of: &PersonRecord, n: u8) {
    court.file(of.clone(), &["bank"]).unwrap();
    court.file(activation(court, of), &BOTH).unwrap();
    court.file(credential(court, of, n), &["bank"]).unwrap();
}

fn code(result: Result<Hash>) -> String {
    result.unwrap_err().detail.split([':', ' ']).next().unwrap().to_owned()
}

fn against(court: &Court, person: &PersonId) -> Vec<String> {
    let found = court.book.people.directory.objections(person, &rules(&court.law), court.at);
    found.into_iter().map(|finding| finding.code).collect()
}

fn court() -> Court {
    let mut court = Court::new("zhejiang");
    court.file(contacts(), &["bank"]).unwrap();
    court
}

#[test]
fn h1_no_evidence_no_access_no_credential_and_an_evidence_that_ends_ends_the_person() {
    let mut court = court();
    let drops: [(&str, Change<Evidences>); 4] = [
        ("person.real-name-missing", |e| e.real_name = None),
        ("person.vetting-missing", |e| e.vetting = None),
        ("person.training-missing", |e| e.training = None),
        ("person.nda-missing", |e| e.nda = None),
    ];
    for (n, (missing, drop)) in (1_u8..).zip(drops) {
        let mut of = record(n, &[Post::Technician]);
        drop(&mut of.evidences);
        court.file(of.clone(), &["bank"]).unwrap();
        let fault = court.file(credential(&court, &of, n), &["bank"]).unwrap_err();
        assert!(fault.detail.contains("activation.missing") && fault.detail.contains(missing), "{}", fault.detail);
        assert_eq!(code(court.file(activation(&court, &of), &BOTH)), missing);
    }
    // the province trains in Zhejiang; what another body ran does not count
    let mut of = record(5, &[Post::Technician]);
    of.evidences.training = of.evidences.training.map(|t| yu_governance::person::record::Training { by: TrainingBody::Authority, ..t });
    court.file(of.clone(), &["bank"]).unwrap();
    assert_eq!(code(court.file(activation(&court, &of), &BOTH)), "person.training-body");
    // an agreement of secrecy without liability is none
    let mut of = record(6, &[Post::Technician]);
    of.evidences.nda = of.evidences.nda.map(|n| yu_governance::person::record::Nda { liability: None, ..n });
    court.file(of.clone(), &["bank"]).unwrap();
    assert_eq!(code(court.file(activation(&court, &of), &BOTH)), "person.nda-liability");
    let mut of = record(7, &[Post::Technician]);
    of.evidences.vetting = of.evidences.vetting.map(|p| yu_governance::person::record::Proof { not_after: court.at.plus_days(30), ..p });
    court.file(of.clone(), &["bank"]).unwrap();
    court.file(activation(&court, &of), &BOTH).unwrap();
    // no credential beyond the first evidence that ends
    assert_eq!(code(court.file(credential(&court, &of, 7), &["bank"])), "person.credential-beyond");
    court.file(Credential { not_after: court.at.plus_days(30), ..credential(&court, &of, 7) }, &["bank"]).unwrap();
    assert!(against(&court, &of.id).is_empty());
    court.pass_days(30);
    assert_eq!(against(&court, &of.id), ["person.vetting-expired"]);
    assert!(tell(&court.book, &court.law, court.at).iter().any(|(en, _)| en.starts_with("dev/bank/p-7") && en.contains("may not act")));
}

#[test]
fn h3_access_is_opened_by_the_authority_only_for_this_person_these_posts_and_in_order() {
    let mut court = court();
    let of = record(1, &[Post::SecurityAdministrator]);
    assert_eq!(code(court.file(activation(&court, &of), &BOTH)), "person.missing");
    court.file(of.clone(), &["bank"]).unwrap();
    // neither the organisation by itself, nor somebody else, nor the authority without the organisation's information
    assert_eq!(court.file(activation(&court, &of), &["bank"]).unwrap_err().code, Code::Signature);
    assert_eq!(court.file(activation(&court, &of), &["authority"]).unwrap_err().code, Code::Signature);
    assert_eq!(court.file(activation(&court, &of), &["authority", "health"]).unwrap_err().code, Code::Signature);
    let by_watch = Activation { by: party("watch"), ..activation(&court, &of) };
    assert_eq!(code(court.file(by_watch, &["watch", "bank"])), "activation.not-authority");
    let other = Activation { real_name: record(2, &[]).real_name, ..activation(&court, &of) };
    assert_eq!(code(court.file(other, &BOTH)), "activation.other-person");
    let posts = Activation { posts: [Post::Manager].into(), ..activation(&court, &of) };
    assert_eq!(code(court.file(posts, &BOTH)), "activation.posts");
    let over = Activation { not_after: court.at, ..activation(&court, &of) };
    assert_eq!(code(court.file(over, &BOTH)), "activation.term");
    let opened = activation(&court, &of);
    court.file(opened.clone(), &BOTH).unwrap();
    assert_eq!(court.file(opened.clone(), &BOTH).unwrap_err().code, Code::Exists, "replayed");
    let earlier = Activation { at: opened.at.plus_seconds(-1), ..opened };
    assert_eq!(code(court.file(earlier, &BOTH)), "activation.order");
    // a post more needs the authority anew
    court.file(credential(&court, &of, 1), &["bank"]).unwrap();
    let more = record(1, &[Post::SecurityAdministrator, Post::Expert]);
    court.file(more.clone(), &["bank"]).unwrap();
    assert_eq!(against(&court, &of.id), ["session.posts-changed"]);
    assert_eq!(code(court.file(credential(&court, &more, 1), &["bank"])), "activation.posts");
}

#[test]
fn h1_h2_credentials_are_the_organisations_within_what_may_be_issued_and_keys_are_nobody_elses() {
    let mut court = court();
    let (one, two) = (record(1, &[Post::Technician]), record(2, &[Post::Manager]));
    admit(&mut court, &one, 1);
    assert!(against(&court, &one.id).is_empty());
    court.file(two.clone(), &["bank"]).unwrap();
    court.file(activation(&court, &two), &BOTH).unwrap();
    assert_eq!(court.file(credential(&court, &two, 2), &["health"]).unwrap_err().code, Code::Signature);
    assert_eq!(code(court.file(credential(&court, &two, 1), &["bank"])), "person.key-shared");
    let nodes = Credential { key: *court.law.ring.get("yu://dev/bank/n1").unwrap(), ..credential(&court, &two, 2) };
    assert_eq!(code(court.file(nodes, &["bank"])), "person.key-shared");
    let beyond: [fn(&Court, &mut Credential); 4] = [
        |_, c| c.posts = [Post::Manager, Post::Reviewer].into(),
        |court, c| c.not_after = court.at.plus_days(367),
        |court, c| c.not_before = court.at.plus_days(1),
        |court, c| c.not_after = court.at,
    ];
    for change in beyond {
        let mut changed = credential(&court, &two, 2);
        change(&court, &mut changed);
        assert_eq!(code(court.file(changed, &["bank"])), "person.credential-beyond");
    }
    court.file(credential(&court, &two, 2), &["bank"]).unwrap();
    // nobody else's organisation, and no other environment
    let foreign = PersonRecord { id: id("dev/health/p-1"), ..record(9, &[Post::Technician]) };
    assert_eq!(court.file(foreign, &["bank"]).unwrap_err().code, Code::Signature);
    let nowhere = PersonRecord { id: id("dev/nobody/p-1"), ..record(9, &[Post::Technician]) };
    assert_eq!(code(court.file(nowhere, &["bank"])), "person.organisation");
    let prod = PersonRecord { id: id("prod/bank/p-1"), ..record(9, &[Post::Technician]) };
    assert_eq!(code(court.file(prod, &["bank"])), "person.environment");
}

#[test]
fn h4_contacts_come_before_credentials_and_are_ones_own() {
    let mut court = Court::new("zhejiang");
    let of = record(1, &[Post::SecurityAdministrator]);
    court.file(of.clone(), &["bank"]).unwrap();
    court.file(activation(&court, &of), &BOTH).unwrap();
    assert_eq!(code(court.file(credential(&court, &of, 1), &["bank"])), "contacts.missing");
    assert!(tell(&court.book, &court.law, court.at).iter().any(|(en, _)| en.contains("NO contacts")));
    let foreign = Contacts { principal: Some(id("dev/health/p-9")), ..contacts() };
    assert_eq!(code(court.file(foreign, &["bank"])), "contacts.principal");
    assert_eq!(code(court.file(Contacts { security_officer: None, ..contacts() }, &["bank"])), "contacts.security-officer");
    assert_eq!(code(court.file(Contacts { duty_line: " ".into(), ..contacts() }, &["bank"])), "contacts.duty-line");
    assert_eq!(court.file(contacts(), &["health"]).unwrap_err().code, Code::Signature);
    court.file(contacts(), &["bank"]).unwrap();
    court.file(credential(&court, &of, 1), &["bank"]).unwrap();
    assert!(tell(&court.book, &court.law, court.at).iter().any(|(en, _)| en.contains("alarms go to dev/bank/p-9, dev/bank/p-1")));
}

#[test]
fn h5_guests_have_a_sponsor_a_term_and_no_post_of_trust() {
    let mut court = court();
    let sponsor = record(1, &[Post::Manager]);
    let until = court.at.plus_days(60);
    let belonging = Belonging::Guest { sponsor: sponsor.id.clone(), until };
    let guest = PersonRecord { belonging: belonging.clone(), ..record(2, &[Post::Maintenance]) };
    assert_eq!(code(court.file(guest.clone(), &["bank"])), "person.sponsor");
    admit(&mut court, &sponsor, 1);
    for post in [Post::Manager, Post::Reviewer, Post::Operations, Post::SecurityAdministrator] {
        let trusted = PersonRecord { belonging: belonging.clone(), ..record(2, &[post]) };
        assert_eq!(code(court.file(trusted, &["bank"])), "person.guest-post");
    }
    let own = PersonRecord { belonging: Belonging::Guest { sponsor: guest.id.clone(), until }, ..guest.clone() };
    assert_eq!(code(court.file(own, &["bank"])), "person.sponsor");
    court.file(guest.clone(), &["bank"]).unwrap();
    court.file(activation(&court, &guest), &BOTH).unwrap();
    assert_eq!(code(court.file(credential(&court, &guest, 2), &["bank"])), "person.credential-beyond");
    court.file(Credential { not_after: until, ..credential(&court, &guest, 2) }, &["bank"]).unwrap();
    assert!(against(&court, &guest.id).is_empty());
    // the guest goes with whoever answers for the guest
    let hash = payload_hash(&sponsor).unwrap();
    let end = Disabling { v: 1, person: sponsor.id, record: hash, by: party("bank"), at: court.at };
    court.file(end, &["bank"]).unwrap();
    assert_eq!(against(&court, &guest.id), ["person.sponsor-inactive"]);
    court.pass_days(60);
    assert_eq!(against(&court, &guest.id), ["person.post-over", "person.sponsor-inactive"]);
}

#[test]
fn d12_the_three_administrators_are_three_people_in_the_whole_domain() {
    let mut court = court();
    admit(&mut court, &record(1, &[Post::SystemAdministrator]), 1);
    admit(&mut court, &record(2, &[Post::SecurityAdministrator]), 2);
    let two = record(1, &[Post::SystemAdministrator, Post::AuditAdministrator]);
    assert_eq!(code(court.file(two, &["bank"])), "person.separation");
    // the same person under another number, and in another organisation
    let again = PersonRecord { id: id("dev/bank/p-8"), ..record(1, &[Post::AuditAdministrator]) };
    let fault = court.file(again, &["bank"]).unwrap_err();
    assert!(fault.detail.contains("person.separation") && fault.detail.contains("person.twice"), "{fault}");
    let elsewhere = PersonRecord { id: id("dev/health/p-8"), ..record(1, &[Post::AuditAdministrator]) };
    assert_eq!(code(court.file(elsewhere, &["health"])), "person.separation");
    admit(&mut court, &record(3, &[Post::AuditAdministrator]), 3);
    let (people, rules) = (&court.book.people, rules(&court.law));
    for post in Post::ADMINISTRATORS {
        assert!(people.is_held("bank", post, &rules, court.at), "{}", post.as_str());
        assert!(!people.is_held("bank", post, &rules, court.at.plus_days(181)) && !people.is_held("health", post, &rules, court.at));
    }
}

#[test]
fn h2_h3_access_ends_by_the_organisation_or_the_authority_and_comes_back_by_the_authority_only() {
    let mut court = court();
    let (one, two) = (record(1, &[Post::Technician]), record(2, &[Post::Manager]));
    admit(&mut court, &one, 1);
    admit(&mut court, &two, 2);
    let of_one = payload_hash(&one).unwrap();
    let end = Disabling { v: 1, person: one.id.clone(), record: of_one, by: party("authority"), at: court.at };
    let by_health = Disabling { by: party("health"), ..end.clone() };
    assert_eq!(code(court.file(by_health, &["health"])), "person.disabled-by");
    assert_eq!(court.file(end.clone(), &["bank"]).unwrap_err().code, Code::Signature);
    assert_eq!(code(court.file(Disabling { record: hash("nothing"), ..end.clone() }, &["authority"])), "person.missing");
    assert_eq!(code(court.file(Disabling { person: two.id.clone(), ..end.clone() }, &["authority"])), "person.other");
    // a node that does not read the record learns that there is one, and goes on
    let stranger = |told: &Disabling| {
        let mut book = Book { documents: court.book.documents.clone(), ..Book::default() };
        let moment = Moment { law: &court.law, at: court.at };
        Disabling::enter(&court.signed(told.clone(), &["authority"]), &mut book, moment)
    };
    stranger(&end).unwrap();
    assert!(stranger(&Disabling { record: hash("nothing"), ..end.clone() }).is_err());
    court.file(end.clone(), &["authority"]).unwrap();
    assert_eq!(against(&court, &one.id), ["person.disabled"]);
    assert!(against(&court, &two.id).is_empty());
    // the organisation does not bring anybody back
    assert_eq!(code(court.file(credential(&court, &one, 3), &["bank"])), "person.disabled");
    court.file(PersonRecord { posts: [Post::Technician, Post::Operations].into(), ..one.clone() }, &["bank"]).unwrap();
    assert_eq!(against(&court, &one.id), ["person.disabled"]);
    court
        .file(
            PersonRecord {
                posts: [Post::Technician].into(),
                belonging: Belonging::Staff { until: Some(court.at.plus_days(3650)) },
                ..one.clone()
            },
            &["bank"],
        )
        .unwrap();
    court.pass_days(1);
    court.file(activation(&court, &one), &BOTH).unwrap();
    assert_eq!(against(&court, &one.id), ["session.no-credential"]);
    court.file(credential(&court, &one, 3), &["bank"]).unwrap();
    assert!(against(&court, &one.id).is_empty());
}
