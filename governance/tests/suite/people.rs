//! People: evidences, activation, credentials, separation of administrators, contacts, guests, logins, sessions.

use std::collections::BTreeSet;

use yu_governance::canonical::{from_canonical, to_canonical};
use yu_governance::clock::Time;
use yu_governance::finding::Finding;
use yu_governance::id::{PersonId, document_hash};
use yu_governance::person::contacts::Contacts;
use yu_governance::person::credential::{Activation, Credential};
use yu_governance::person::directory::{Directory, Session};
use yu_governance::person::mapping::{ExternalSubject, SubjectMap};
use yu_governance::person::record::{
    Belonging, Evidences, Nda, PersonRecord, PersonRules, Post, Proof, RealNameRef, Training, TrainingBody,
};
use yu_governance::person::separation::check_separation;
use yu_governance::sign::{PublicKey, Signed};

use crate::catalogue::{Named, codes};
use crate::world::{AUTHORITY, PLATFORM, STRANGER, hash, key, party, ring, sign};

const SALT: [u8; 32] = [3; 32];

fn day(n: i64) -> Time {
    Time::from_unix(1_790_000_000).plus_days(n)
}

fn id(name: &str) -> PersonId {
    PersonId::new(name).unwrap()
}

fn proof(name: &str, to: i64) -> Proof {
    Proof { document: hash(name), not_before: day(-10), not_after: day(to) }
}

fn person(name: &str, posts: &[Post]) -> PersonRecord {
    PersonRecord {
        v: 1,
        id: id(name),
        real_name: RealNameRef::new(&SALT, name),
        posts: posts.iter().copied().collect(),
        belonging: Belonging::Staff { until: None },
        evidences: Evidences {
            real_name: Some(proof("id", 500)),
            vetting: Some(proof("vetting", 400)),
            training: Some(Training { proof: proof("training", 300), by: TrainingBody::Authority }),
            nda: Some(Nda { proof: proof("nda", 600), liability: Some(hash("clause")) }),
        },
    }
}

fn ann() -> PersonRecord {
    person("dev/bank/p1", &[Post::Technician])
}

fn guest() -> PersonRecord {
    PersonRecord {
        belonging: Belonging::Guest { sponsor: id("dev/bank/p1"), until: day(90) },
        ..person("dev/bank/g1", &[Post::Maintenance])
    }
}

fn rules() -> PersonRules {
    PersonRules {
        training_by: BTreeSet::from([TrainingBody::Authority]),
        guest_posts: BTreeSet::from([Post::Maintenance]),
        credential_seconds: 365 * 86_400,
        session_seconds: 3_600,
    }
}

fn contacts() -> Contacts {
    Contacts {
        v: 1,
        organisation: "bank".into(),
        principal: Some(id("dev/bank/p9")),
        security_officer: Some(id("dev/bank/p8")),
        security_department: "risk".into(),
        duty_line: "duty".into(),
    }
}

fn directory(people: &[PersonRecord]) -> Directory {
    let mut d = Directory::new(BTreeSet::from([party(AUTHORITY)]));
    d.set_contacts(contacts()).unwrap();
    people.iter().for_each(|p| d.enrol(p.clone(), &rules()).unwrap());
    d
}

fn activation(of: &PersonRecord) -> Activation {
    let posts = of.posts.clone();
    Activation { v: 1, person: of.id.clone(), real_name: of.real_name, posts, by: party(AUTHORITY), at: day(0), not_after: day(1_000) }
}

fn public() -> PublicKey {
    key("a person").public()
}

fn issue(d: &mut Directory, of: &PersonRecord, now: Time) -> Result<Credential, Vec<Finding>> {
    // everybody has a key of his or her own
    let own = if of.id == ann().id { public() } else { key(of.id.as_str()).public() };
    d.issue(&of.id, &sign(activation(of), AUTHORITY), own, &ring(), &rules(), now)
}

fn login(name: &str) -> ExternalSubject {
    ExternalSubject { issuer: "https://login.example.gov".into(), subject: name.into() }
}

type Change = fn(&mut PersonRecord);

/// Somebody who is logged in.
fn logged_in() -> (Directory, Session) {
    let mut d = directory(&[ann()]);
    issue(&mut d, &ann(), day(0)).unwrap();
    d.link(login("ann"), &ann().id, day(0)).unwrap();
    let session = d.open(&login("ann"), &rules(), day(1)).unwrap();
    (d, session)
}

fn why(d: &Directory, session: &Session, now: Time) -> Vec<String> {
    match d.session_valid_at(session, &rules(), now) {
        Ok(()) => Vec::new(),
        Err(found) => codes(&found).into_iter().map(str::to_owned).collect(),
    }
}

#[test]
fn h1_each_of_the_four_evidences_is_demanded_and_all_missing_are_named_at_once() {
    let drop: [Named<Evidences>; 4] = [
        ("person.real-name-missing", |e| e.real_name = None),
        ("person.vetting-missing", |e| e.vetting = None),
        ("person.training-missing", |e| e.training = None),
        ("person.nda-missing", |e| e.nda = None),
    ];
    for subset in 0_u32..16 {
        let mut p = ann();
        let chosen = drop.iter().enumerate().filter(|(i, _)| subset >> i & 1 == 1);
        let expected: Vec<&str> = chosen
            .map(|(_, (code, change))| {
                change(&mut p.evidences);
                *code
            })
            .collect();
        let result = issue(&mut directory(&[p.clone()]), &p, day(0));
        match result {
            Ok(_) => assert!(expected.is_empty()),
            Err(found) => assert_eq!(codes(&found), expected),
        }
    }
    // expired and not yet valid, each at the very second
    let cases = [("real-name", 500), ("vetting", 400), ("training", 300), ("nda", 600)];
    for (name, end) in cases {
        let found = |now: Time| ann().check_evidences(&rules(), now).iter().any(|f| f.code == format!("person.{name}-expired"));
        assert!(!found(day(end).plus_seconds(-1)) && found(day(end)), "{name}");
    }
    let early = ann().check_evidences(&rules(), day(-10).plus_seconds(-1));
    assert_eq!(early.iter().filter(|f| f.code.ends_with("-not-yet")).count(), 4);
}

#[test]
fn h1_training_by_the_right_body_and_secrecy_with_liability() {
    let mut p = ann();
    p.evidences.training = Some(Training { proof: proof("training", 300), by: TrainingBody::Province });
    p.evidences.nda = Some(Nda { proof: proof("nda", 600), liability: None });
    assert_eq!(codes(&issue(&mut directory(&[p.clone()]), &p, day(0)).unwrap_err()), ["person.training-body", "person.nda-liability"]);
    // what ZJ asks for is a profile value
    let zj = PersonRules { training_by: BTreeSet::from([TrainingBody::Province]), ..rules() };
    assert_eq!(codes(&p.check_evidences(&zj, day(0))), ["person.nda-liability"]);
}

#[test]
fn h1_a_credential_ends_with_what_ends_first() {
    let cases: [(Change, i64); 6] = [
        (|_| {}, 300),
        (|p| p.evidences.training.as_mut().unwrap().proof.not_after = day(900), 365),
        (|p| p.evidences.real_name = Some(proof("id", 50)), 50),
        (|p| p.evidences.vetting = Some(proof("v", 51)), 51),
        (|p| p.evidences.nda.as_mut().unwrap().proof.not_after = day(52), 52),
        (|p| p.belonging = Belonging::Staff { until: Some(day(53)) }, 53),
    ];
    for (change, end) in cases {
        let mut p = ann();
        change(&mut p);
        let credential = issue(&mut directory(&[p.clone()]), &p, day(0)).unwrap();
        assert_eq!((credential.not_before, credential.not_after), (day(0), day(end)));
        assert_eq!((credential.posts, credential.key), (p.posts, public()));
    }
    let mut d = directory(&[ann()]);
    let short = Activation { not_after: day(7), ..activation(&ann()) };
    let credential = d.issue(&ann().id, &sign(short, AUTHORITY), public(), &ring(), &rules(), day(0)).unwrap();
    assert_eq!(credential.not_after, day(7));
    let none = PersonRules { credential_seconds: 0, ..rules() };
    let refused = d.issue(&ann().id, &sign(activation(&ann()), AUTHORITY), public(), &ring(), &none, day(0));
    assert_eq!(codes(&refused.unwrap_err()), ["person.credential-term"]);
    let signed = sign(credential, PLATFORM);
    assert_eq!(from_canonical::<Signed<Credential>>(&to_canonical(&signed).unwrap()).unwrap(), signed);
}

#[test]
fn h3_only_the_authority_opens_access() {
    let refused = |change: fn(&mut Activation), signer: &str| {
        let mut a = activation(&ann());
        change(&mut a);
        let mut d = directory(&[ann()]);
        let result = d.issue(&ann().id, &sign(a, signer), public(), &ring(), &rules(), day(0));
        codes(&result.unwrap_err()).into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(refused(|a| a.by = party(PLATFORM), PLATFORM), ["activation.not-authority"]);
    assert_eq!(refused(|a| a.by = party(STRANGER), AUTHORITY), ["activation.not-authority"]);
    assert_eq!(refused(|_| {}, PLATFORM), ["activation.signature"], "in the authority's name by somebody else");
    assert_eq!(refused(|a| a.person = id("dev/bank/p2"), AUTHORITY), ["activation.other-person"]);
    assert_eq!(refused(|a| a.real_name = RealNameRef::new(&SALT, "x"), AUTHORITY), ["activation.other-person"]);
    assert_eq!(refused(|a| a.posts = BTreeSet::from([Post::Manager]), AUTHORITY), ["activation.posts"]);
    assert_eq!(refused(|a| a.at = day(1), AUTHORITY), ["activation.term"]);
    assert_eq!(refused(|a| (a.at, a.not_after) = (day(-9), day(0)), AUTHORITY), ["activation.term"]);
    let mut altered = sign(activation(&ann()), AUTHORITY);
    altered.payload.not_after = day(2_000);
    let result = directory(&[ann()]).issue(&ann().id, &altered, public(), &ring(), &rules(), day(0));
    assert_eq!(codes(&result.unwrap_err()), ["activation.signature"]);
}

#[test]
fn h1_h3_h4_everything_that_is_missing_is_named_in_one_answer() {
    let mut p = ann();
    p.evidences = Evidences::default();
    let mut d = Directory::new(BTreeSet::from([party(AUTHORITY)]));
    d.enrol(p.clone(), &rules()).unwrap();
    d.disable(&p.id, day(0)).unwrap();
    let stranger = Activation { by: party(STRANGER), ..activation(&p) };
    let found = d.issue(&p.id, &sign(stranger, STRANGER), public(), &ring(), &rules(), day(0)).unwrap_err();
    assert_eq!(
        codes(&found),
        [
            "person.real-name-missing",
            "person.vetting-missing",
            "person.training-missing",
            "person.nda-missing",
            "person.disabled",
            "contacts.missing",
            "activation.not-authority",
        ]
    );
    assert_eq!(codes(&issue(&mut d, &person("dev/bank/nobody", &[Post::Manager]), day(0)).unwrap_err()), ["person.missing"]);
}

#[test]
fn h4_contacts_are_mandatory_and_get_the_alarms() {
    let cases: Vec<Named<Contacts>> = vec![
        ("contacts.principal", |c| c.principal = None),
        ("contacts.principal", |c| c.principal = Some(id("dev/health/p1"))),
        ("contacts.security-officer", |c| c.security_officer = None),
        ("contacts.department", |c| c.security_department = " ".into()),
        ("contacts.duty-line", |c| c.duty_line.clear()),
    ];
    for (code, change) in cases {
        let mut c = contacts();
        change(&mut c);
        assert_eq!(codes(&directory(&[]).set_contacts(c).unwrap_err()), [code]);
    }
    let nobody =
        Contacts { principal: None, security_officer: None, security_department: String::new(), duty_line: String::new(), ..contacts() };
    assert_eq!(nobody.check().len(), 4);
    let d = directory(&[]);
    let alarmed: Vec<&str> = d.contacts("bank").unwrap().alarmed().map(PersonId::as_str).collect();
    assert_eq!(alarmed, ["dev/bank/p9", "dev/bank/p8"]);
}

#[test]
fn d12_no_person_ever_holds_two_of_the_three_posts() {
    // three records over two organisations; every subset of the three posts for each; every way in which the records are one person
    let subset = |bits: u32| -> BTreeSet<Post> {
        Post::ADMINISTRATORS.into_iter().enumerate().filter(|(i, _)| bits >> i & 1 == 1).map(|(_, p)| p).collect()
    };
    let names = ["dev/bank/p1", "dev/health/p1", "dev/health/p2"];
    let mut held = 0;
    for bits in 0_u32..512 {
        for who in 0_u32..27 {
            let people: Vec<u32> = (0..3).map(|i| who / 3_u32.pow(i) % 3).collect();
            let records: Vec<PersonRecord> = (0..3)
                .map(|i| PersonRecord {
                    posts: subset(bits >> (3 * i) & 7),
                    real_name: RealNameRef::new(&SALT, &people[i].to_string()),
                    ..person(names[i], &[])
                })
                .collect();
            let fine = (0..3).all(|who| {
                let mine = records.iter().zip(&people).filter(|(_, p)| **p == who).flat_map(|(r, _)| r.posts.clone());
                mine.collect::<BTreeSet<Post>>().len() <= 1
            });
            assert_eq!(check_separation(&records).is_empty(), fine, "{bits:b} {people:?}");
            held += u32::from(fine);
            // the directory never lets the last step in either; beyond the separation it knows "twice in one organisation"
            let mut d = directory(&[]);
            let entered: Vec<&PersonRecord> = records
                .iter()
                .filter(|r| {
                    let r = PersonRecord { posts: r.posts.iter().copied().chain([Post::Technician]).collect(), ..(*r).clone() };
                    d.enrol(r, &rules()).is_ok()
                })
                .collect();
            assert!(check_separation(entered.iter().copied()).is_empty(), "{bits:b} {people:?}");
            if fine && people[1] != people[2] {
                assert_eq!(entered.len(), 3, "{bits:b} {people:?}");
            }
        }
    }
    assert!(held > 500, "the test is not empty: {held}");
}

#[test]
fn d12_a_change_of_post_does_not_get_around_the_separation() {
    let ann_at = |name: &str, post: Post| PersonRecord { real_name: RealNameRef::new(&SALT, "ann"), ..person(name, &[post]) };
    let mut d = directory(&[ann_at("dev/bank/p1", Post::SystemAdministrator)]);
    let elsewhere = d.enrol(ann_at("dev/health/p7", Post::AuditAdministrator), &rules()).unwrap_err();
    assert_eq!(codes(&elsewhere), ["person.separation"]);
    assert!(elsewhere[0].what.en.contains("dev/bank/p1") && elsewhere[0].what.en.contains("dev/health/p7"));
    // replacing one's own record is a change, not a second post
    d.enrol(ann_at("dev/bank/p1", Post::AuditAdministrator), &rules()).unwrap();
    d.enrol(ann_at("dev/health/p7", Post::AuditAdministrator), &rules()).unwrap();
    assert_eq!(codes(&d.enrol(ann_at("dev/bank/p1", Post::SecurityAdministrator), &rules()).unwrap_err()), ["person.separation"]);
    assert_eq!(codes(&d.enrol(ann_at("dev/bank/p2", Post::Manager), &rules()).unwrap_err()), ["person.twice"]);
    let other = PersonRecord { real_name: RealNameRef::new(&SALT, "bob"), ..ann_at("dev/bank/p1", Post::Manager) };
    assert_eq!(codes(&d.enrol(other, &rules()).unwrap_err()), ["person.number-reused"]);
    assert_eq!(codes(&d.enrol(person("dev/bank/p5", &[]), &rules()).unwrap_err()), ["person.no-post"]);
}

#[test]
fn h5_guests_have_a_sponsor_and_end_with_the_sponsor() {
    let mut d = directory(&[ann()]);
    let refused = |d: &mut Directory, change: fn(&mut PersonRecord)| {
        let mut g = guest();
        change(&mut g);
        codes(&d.enrol(g, &rules()).unwrap_err()).join(" ")
    };
    let sponsor = |name: &str| Belonging::Guest { sponsor: id(name), until: day(90) };
    assert_eq!(refused(&mut d, |g| g.posts = BTreeSet::from([Post::AuditAdministrator])), "person.guest-post");
    assert_eq!(refused(&mut d, |g| g.belonging = Belonging::Guest { sponsor: g.id.clone(), until: day(90) }), "person.sponsor");
    assert_eq!(refused(&mut d, |g| g.belonging = Belonging::Guest { sponsor: id("dev/bank/p77"), until: day(90) }), "person.sponsor");
    assert_eq!(refused(&mut d, |g| g.real_name = ann().real_name), "person.twice person.sponsor");
    let foreign = PersonRecord { belonging: sponsor("dev/bank/p1"), ..person("dev/health/g1", &[Post::Maintenance]) };
    assert_eq!(codes(&d.enrol(foreign, &rules()).unwrap_err()), ["person.sponsor"]);
    d.enrol(guest(), &rules()).unwrap();
    let second = PersonRecord { belonging: sponsor("dev/bank/g1"), ..person("dev/bank/g2", &[Post::Maintenance]) };
    assert_eq!(codes(&d.enrol(second, &rules()).unwrap_err()), ["person.sponsor"], "a guest sponsors nobody");
    // no credential before the sponsor has one; then no longer than the sponsor's, and than the visit
    assert_eq!(codes(&issue(&mut d, &guest(), day(0)).unwrap_err()), ["person.sponsor-inactive"]);
    issue(&mut d, &ann(), day(0)).unwrap();
    assert_eq!(issue(&mut d, &guest(), day(0)).unwrap().not_after, day(90));
    let short = Activation { not_after: day(30), ..activation(&ann()) };
    d.issue(&ann().id, &sign(short, AUTHORITY), public(), &ring(), &rules(), day(0)).unwrap();
    assert_eq!(issue(&mut d, &guest(), day(0)).unwrap().not_after, day(30));
    // the session dies with the sponsor
    d.link(login("guest"), &guest().id, day(0)).unwrap();
    let session = d.open(&login("guest"), &rules(), day(1)).unwrap();
    assert!(why(&d, &session, day(1)).is_empty());
    d.disable(&ann().id, day(1).plus_seconds(10)).unwrap();
    assert!(why(&d, &session, day(1).plus_seconds(9)).is_empty());
    assert_eq!(why(&d, &session, day(1).plus_seconds(10)), ["person.sponsor-inactive"]);
    assert!(d.open(&login("guest"), &rules(), day(2)).is_err());
}

#[test]
fn d10_p2_a_login_is_not_printed() {
    let login = ExternalSubject { issuer: "https://login.example".into(), subject: "13800138000".into() };
    let printed = format!("{login:?}");
    assert!(printed.contains("login.example") && !printed.contains("138"), "{printed}");
}

#[test]
fn d10_one_login_is_one_person_both_ways() {
    let (a, b) = (id("dev/bank/p1"), id("dev/bank/p2"));
    let mut map = SubjectMap::new();
    map.link(login("ann"), &a, day(0)).unwrap();
    assert_eq!(map.person_of(&login("ann"), day(0)), Some(&a));
    assert_eq!(map.person_of(&login("ann"), day(0).plus_seconds(-1)), None);
    assert_eq!(map.person_of(&login("Ann"), day(0)), None, "compared byte by byte");
    assert_eq!(codes(&map.link(login("ann"), &b, day(0)).unwrap_err()), ["mapping.subject-taken"]);
    assert_eq!(codes(&map.link(login("ann2"), &a, day(0)).unwrap_err()), ["mapping.person-taken"]);
    let other = ExternalSubject { issuer: "https://other.example".into(), subject: "ann".into() };
    map.link(other.clone(), &b, day(0)).unwrap();
    assert_eq!(map.person_of(&other, day(0)), Some(&b), "the issuer is part of the name");
    map.disable(&login("ann"), day(5)).unwrap();
    map.disable(&login("ann"), day(9)).unwrap();
    assert_eq!(map.person_of(&login("ann"), day(5)), None);
    assert_eq!(codes(&map.link(login("ann"), &a, day(6)).unwrap_err()), ["mapping.subject-taken"], "a dead login is not given on");
    map.link(login("ann2"), &a, day(6)).unwrap();
    assert_eq!(codes(&map.disable(&login("nobody"), day(0)).unwrap_err()), ["mapping.missing"]);
    for bad in ["", " x", "a\nb", &"x".repeat(300)] {
        assert_eq!(codes(&map.link(login(bad), &id("dev/bank/p3"), day(0)).unwrap_err()), ["mapping.malformed"]);
    }
}

#[test]
fn d10_disabling_the_login_or_the_person_ends_the_session() {
    let (mut d, session) = logged_in();
    let later = |s| day(1).plus_seconds(s);
    assert!(why(&d, &session, later(0)).is_empty() && why(&d, &session, later(3_599)).is_empty());
    assert_eq!(why(&d, &session, later(3_600)), ["session.expired"]);
    assert_eq!(why(&d, &session, later(-1)), ["session.not-yet"]);
    let mut one = d.clone();
    one.unlink(&login("ann"), later(10)).unwrap();
    assert!(why(&one, &session, later(9)).is_empty());
    assert_eq!(why(&one, &session, later(10)), ["session.login-ended"]);
    assert_eq!(codes(&one.open(&login("ann"), &rules(), later(10)).unwrap_err()), ["session.login-unknown"]);
    d.disable(&ann().id, later(10)).unwrap();
    assert!(why(&d, &session, later(9)).is_empty());
    assert_eq!(why(&d, &session, later(10)), ["person.disabled"]);
    // enrolling again does not enable again
    d.enrol(ann(), &rules()).unwrap();
    assert_eq!(why(&d, &session, later(10)), ["person.disabled"]);
    assert_eq!(codes(&d.disable(&id("dev/bank/x"), day(0)).unwrap_err()), ["person.missing"]);
    assert_eq!(codes(&d.link(login("x"), &id("dev/bank/x"), day(0)).unwrap_err()), ["person.missing"]);
}

#[test]
fn h1_h2_a_session_is_bound_to_person_credential_and_evidence() {
    let (d, session) = logged_in();
    let now = day(1);
    // what a session says is held against the directory
    let other = person("dev/bank/p2", &[Post::Technician]);
    let mut both = d.clone();
    both.enrol(other.clone(), &rules()).unwrap();
    issue(&mut both, &other, day(0)).unwrap();
    let stolen = Session { person: other.id.clone(), ..session.clone() };
    assert_eq!(why(&both, &stolen, now), ["session.login-ended", "session.credential-other"]);
    assert_eq!(
        codes(&both.session_valid_at(&Session { person: id("dev/bank/x"), ..session.clone() }, &rules(), now).unwrap_err()),
        ["person.missing"]
    );
    let stretched = Session { expires: day(99), ..session.clone() };
    assert_eq!(why(&d, &stretched, now), ["session.expired"], "longer than any session may live");
    // a new credential, other posts, a lost evidence, another post end: the old session is over
    let mut renewed = d.clone();
    issue(&mut renewed, &ann(), day(1)).unwrap();
    assert_eq!(why(&renewed, &session, now), ["session.credential-other"]);
    let mut moved = d.clone();
    moved.enrol(PersonRecord { posts: BTreeSet::from([Post::Manager]), ..ann() }, &rules()).unwrap();
    assert_eq!(why(&moved, &session, now), ["session.posts-changed"]);
    let mut lost = d.clone();
    let mut without = ann();
    without.evidences.vetting = None;
    lost.enrol(without, &rules()).unwrap();
    assert_eq!(why(&lost, &session, now), ["person.vetting-missing"]);
    let mut left = d.clone();
    left.enrol(PersonRecord { belonging: Belonging::Staff { until: Some(now) }, ..ann() }, &rules()).unwrap();
    assert_eq!(why(&left, &session, now), ["person.post-over"]);
    // the evidence that ends first ends the sessions
    let mut d = d;
    let long = d.open(&login("ann"), &rules(), day(300).plus_seconds(-100)).unwrap();
    assert_eq!(long.expires, day(300), "no longer than the credential");
    assert!(why(&d, &long, day(300).plus_seconds(-1)).is_empty());
    assert_eq!(why(&d, &long, day(300)), ["person.training-expired", "session.expired", "session.credential-expired"]);
    assert!(d.open(&login("ann"), &rules(), day(300)).is_err());
    // no credential, no session
    let bob = person("dev/bank/p3", &[Post::Manager]);
    d.enrol(bob.clone(), &rules()).unwrap();
    d.link(login("bob"), &bob.id, day(0)).unwrap();
    assert_eq!(codes(&d.open(&login("bob"), &rules(), now).unwrap_err()), ["session.no-credential"]);
}

#[test]
fn p2_a_real_name_stands_as_a_salted_reference() {
    let a = RealNameRef::new(&SALT, "CANARY 110101199001011234");
    assert_eq!(a, RealNameRef::new(&SALT, "CANARY 110101199001011234"));
    assert_ne!(a, RealNameRef::new(&[4; 32], "CANARY 110101199001011234"));
    let record = PersonRecord { real_name: a, ..ann() };
    let text = format!("{record:?}{}", String::from_utf8(to_canonical(&record).unwrap()).unwrap());
    assert!(!text.contains("CANARY") && !text.contains("110101"));
    assert!(document_hash(&record).is_ok());
}
