//! Chains of signed arrows: replay gives the state; gap, fork, wrong role, wrong signer, unknown state are refused by name.

use std::collections::{BTreeMap, BTreeSet};

use yu_governance::canonical::{from_canonical, to_canonical};
use yu_governance::sign::{KeyRing, Signed};
use yu_governance::workflow::arrow::OLDEST_SECONDS;
use yu_governance::workflow::authorisation::{Case, Cause, Event, Rules, State};
use yu_governance::workflow::{Arrow, Machine as _, Replayed, Role, Roster, Signer, forks_at, suspension};

use super::authorisations::{TAIZHOU, form, opinion, rules};
use super::machines::{t, why};
use super::world::{hash, key, party};

pub(crate) const OBJECT: &str = "dev/authority/2026-1";
const HOLDERS: &[(Role, &str)] = &[
    (Role::Authority, "yu://dev/authority/node1"),
    (Role::Government, "yu://dev/government/seal"),
    (Role::Coordination, "yu://dev/coordination/office"),
    (Role::Licensee, "yu://dev/bank/node1"),
    (Role::Expert, "yu://dev/experts/one"),
    (Role::Regulator, "yu://dev/regulator/node1"),
    (Role::Clock, "yu://dev/clock/node1"),
];

pub(crate) struct Office {
    pub(crate) rules: Rules,
    pub(crate) roster: Roster,
    pub(crate) keys: KeyRing,
}

impl Office {
    pub(crate) fn new() -> Self {
        let (mut roster, mut keys) = (Roster::new(), KeyRing::new());
        for (role, name) in HOLDERS {
            roster = roster.with(*role, party(name));
            keys.insert(name, key(name).public()).unwrap();
        }
        keys.insert("yu://dev/stranger/node1", key("yu://dev/stranger/node1").public()).unwrap();
        Self { rules: rules(TAIZHOU, true), roster, keys }
    }

    pub(crate) fn signers(&self, case: &Case, event: &Event) -> Vec<Signer> {
        let holder = |role: Role| party(HOLDERS.iter().find(|(held, _)| *held == role).unwrap().1);
        let needs = case.needs(event, &self.rules);
        needs.into_iter().map(|need| Signer { role: need.any[0], party: need.who.unwrap_or_else(|| holder(need.any[0])) }).collect()
    }

    pub(crate) fn sign(&self, arrow: Arrow<Case>) -> Signed<Arrow<Case>> {
        let names: Vec<String> = arrow.signers.iter().map(|s| s.party.to_string()).collect();
        let mut signed = Signed::unsigned(arrow);
        names.iter().for_each(|name| signed.add_signature(name, &key(name)).unwrap());
        signed
    }

    fn follow(&self, here: &Replayed<Case>, signed: &Signed<Arrow<Case>>) -> yu_governance::Result<Replayed<Case>> {
        here.follow(signed, signed.payload.at, &self.rules, &self.roster, &self.keys)
    }

    pub(crate) fn step(&self, here: &Replayed<Case>, event: Event, at: i64) -> (Replayed<Case>, Signed<Arrow<Case>>) {
        let signers = self.signers(here.case(), &event);
        let arrow = here.arrow(event, signers, hash("evidence"), t(at), &self.rules).unwrap();
        let signed = self.sign(arrow);
        (self.follow(here, &signed).unwrap(), signed)
    }

    fn replay(&self, chain: &[Signed<Arrow<Case>>]) -> yu_governance::Result<Replayed<Case>> {
        Replayed::replay(OBJECT, chain, &self.rules, &self.roster, &self.keys)
    }
}

pub(crate) fn life() -> Vec<Event> {
    let a = hash("agreement");
    let documents = BTreeSet::from(["form".to_owned()]);
    let qualifications = BTreeMap::from([("team".to_owned(), t(400))]);
    vec![
        Event::Announce { announcement: hash("announcement"), opens: t(20), closes: t(30) },
        Event::Apply { announcement: hash("announcement"), documents, test_report: None, qualifications },
        Event::Complete,
        Event::Review { form: Some(form()) },
        Event::Assess { opinions: vec![opinion(false)], form: None },
        Event::Decide,
        Event::Publish,
        Event::File { receipt: hash("receipt") },
        Event::Agree { agreement: a, not_before: t(20), not_after: t(500), longer: None },
        Event::Stamp { agreement: a },
        Event::PlanIn { plan: hash("plan") },
        Event::Activate,
        Event::Order { what: why(), until: t(90) },
        Event::Report,
        Event::Reopen,
        Event::OpenMatter { matter: hash("dispute") },
        Event::Terminate { cause: Cause::Breach },
        Event::Seal,
        Event::CloseMatter { matter: hash("dispute") },
        Event::Destroy,
    ]
}

fn chain(office: &Office) -> Vec<Signed<Arrow<Case>>> {
    let mut here = Replayed::new(OBJECT);
    let steps = life().into_iter().enumerate().map(|(i, event)| {
        let (next, signed) = office.step(&here, event, 20 + i64::try_from(i).unwrap());
        here = next;
        signed
    });
    steps.collect()
}

/// The refusal of the chain with the arrow at `place` changed and signed again by those whom it names.
fn broken(office: &Office, place: usize, change: impl FnOnce(&mut Arrow<Case>)) -> String {
    let mut chain = chain(office);
    let mut arrow = chain[place].payload.clone();
    change(&mut arrow);
    chain[place] = office.sign(arrow);
    office.replay(&chain).unwrap_err().to_string()
}

#[test]
fn replay_gives_the_state_at_every_length() {
    let office = Office::new();
    let chain = chain(&office);
    let states: Vec<State> = (0..=chain.len()).map(|n| office.replay(&chain[..n]).unwrap().case().state_at(t(60))).collect();
    assert_eq!(states.first(), Some(&State::New));
    assert_eq!(states.iter().filter(|state| **state == State::Active).count(), 3);
    assert_eq!(states.last(), Some(&State::Destroyed));
    let bytes = to_canonical(&chain).unwrap();
    assert_eq!(from_canonical::<Vec<Signed<Arrow<Case>>>>(&bytes).unwrap(), chain);
}

#[test]
fn gaps_and_forks_are_named() {
    let office = Office::new();
    let whole = chain(&office);
    for place in 0..whole.len() - 1 {
        let mut gap = whole.clone();
        gap.remove(place);
        assert!(office.replay(&gap).unwrap_err().to_string().starts_with("chain.gap"), "{place}");
        let mut swapped = whole.clone();
        swapped.swap(place, place + 1);
        assert!(office.replay(&swapped).unwrap_err().to_string().starts_with("chain.gap"), "{place}");
        let mut twice = whole.clone();
        twice.insert(place, whole[place].clone());
        assert!(office.replay(&twice).unwrap_err().to_string().starts_with("chain.fork"), "{place}");
    }
    assert!(broken(&office, 4, |arrow| arrow.evidence = hash("other")).starts_with("chain.fork: arrow 5"), "history was rewritten");
    assert!(broken(&office, 4, |arrow| arrow.previous = None).starts_with("chain.fork: arrow 4"));
    let mut other = whole.clone();
    let mut arrow = whole[6].payload.clone();
    arrow.evidence = hash("other");
    other[6] = office.sign(arrow);
    assert_eq!(forks_at(&whole, &other).unwrap(), Some(6), "both signed: the signers forked it");
    assert_eq!(forks_at(&whole, &whole[..9]).unwrap(), None);
}

#[test]
fn whoever_signs_must_hold_the_role() {
    let office = Office::new();
    let signer = |role, name| Signer { role, party: party(name) };
    let licensee = signer(Role::Licensee, "yu://dev/bank/node1");
    assert!(broken(&office, 2, |a| a.signers = vec![licensee.clone()]).starts_with("workflow.role"), "a wrong role");
    let claims = signer(Role::Authority, "yu://dev/bank/node1");
    assert!(broken(&office, 2, |a| a.signers = vec![claims]).starts_with("workflow.signer:"), "a role not held");
    assert!(broken(&office, 2, |a| a.signers.clear()).starts_with("workflow.role"), "nobody");
    assert!(broken(&office, 2, |a| a.signers.push(licensee)).starts_with("workflow.role"), "one too many");
    assert!(broken(&office, 8, |a| drop(a.signers.pop())).starts_with("workflow.role"), "one side of the agreement");
    assert!(broken(&office, 8, |a| a.signers[1] = a.signers[0].clone()).starts_with("workflow.signer-twice"));
    assert!(broken(&office, 4, |a| drop(a.signers.pop())).starts_with("workflow.role"), "a25: the expert signs the opinion");
    let mut chain = chain(&office);
    let seal = chain[9].payload.clone();
    chain[9] = Signed::sign(seal.clone(), "yu://dev/stranger/node1", &key("yu://dev/stranger/node1")).unwrap();
    let error = office.replay(&chain).unwrap_err().to_string();
    assert!(error.contains("yu://dev/authority/node1` is missing"), "a24: {error}");
    chain[9] = office.sign(seal);
    chain[9].add_signature("yu://dev/stranger/node1", &key("yu://dev/stranger/node1")).unwrap();
    let error = office.replay(&chain).unwrap_err().to_string();
    assert!(error.contains("is not named as a signer"), "{error}");
    chain[9].signatures.pop();
    chain[9].payload.at = t(31);
    assert!(office.replay(&chain).unwrap_err().to_string().contains("does not verify"));
}

#[test]
fn states_are_computed_not_claimed() {
    let office = Office::new();
    assert!(broken(&office, 2, |a| a.to = "active".into()).starts_with("chain.to"));
    assert!(broken(&office, 2, |a| a.from = "decided".into()).starts_with("chain.from"));
    let unknown = broken(&office, 2, |a| a.to = "blessed".into());
    assert_eq!(unknown, "chain.state-unknown: `blessed` is no state of this machine");
    assert!(broken(&office, 2, |a| a.at = t(1)).starts_with("chain.time"));
    assert!(broken(&office, 2, |a| a.object = "dev/authority/2026-2".into()).starts_with("chain.object"));
    assert!(broken(&office, 2, |a| a.v = 2).starts_with("chain.version"));
    assert!(broken(&office, 2, |a| a.event = Event::Decide).starts_with("stage.skipped"));
    assert!(broken(&office, 19, |a| a.event = Event::Activate).starts_with("workflow.no-arrow: `activate` does not follow `sealed`"));
}

#[test]
fn an_arrow_is_neither_of_the_future_nor_dated_back() {
    let office = Office::new();
    let first = &chain(&office)[0];
    let received = |seconds: i64| {
        let now = first.payload.at.plus_seconds(seconds);
        Replayed::new(OBJECT).follow(first, now, &office.rules, &office.roster, &office.keys).map_err(|e| e.to_string())
    };
    assert!(received(0).is_ok() && received(OLDEST_SECONDS).is_ok());
    assert!(received(-1).unwrap_err().starts_with("chain.dated-ahead"));
    assert!(received(OLDEST_SECONDS + 1).unwrap_err().starts_with("chain.dated-back"));
}

#[test]
fn c4_a_lapse_is_of_a_reviewer_who_holds_the_role() {
    use yu_governance::deadline::DeemedConsent;
    use yu_governance::workflow::request;
    let role = [(Role::Licensee, "bank"), (Role::Authority, "authority"), (Role::Clock, "clock"), (Role::Regulator, "regulator")];
    let (mut roster, mut keys) = (Roster::new().with(Role::Provider, party("yu://dev/health/node1")), KeyRing::new());
    for (role, name) in role.map(|(role, name)| (role, party(&format!("yu://dev/{name}/node1")))) {
        keys.insert(name.as_str(), key(name.as_str()).public()).unwrap();
        roster = roster.with(role, name);
    }
    let reviewers = BTreeSet::from([Role::Provider]);
    let rules = request::Rules { checked_by: None, reviewers: reviewers.clone(), higher_level: Role::Province, deemed: reviewers };
    let go = |here: &Replayed<request::Case>, event: request::Event, by: [(Role, &str); 2], at: i64| {
        let signers: Vec<Signer> =
            by.iter().map(|(role, name)| Signer { role: *role, party: party(&format!("yu://dev/{name}/node1")) }).collect();
        let mut signed = Signed::unsigned(here.arrow(event, signers.clone(), hash("evidence"), t(at), &rules)?);
        signers.iter().for_each(|s| signed.add_signature(s.party.as_str(), &key(s.party.as_str())).unwrap());
        here.follow(&signed, t(at), &rules, &roster, &keys)
    };
    let submit = request::Event::Submit { application: hash("a"), outside: BTreeSet::new(), higher_level: false };
    let asked = go(&Replayed::new("request"), submit, [(Role::Licensee, "bank"), (Role::Authority, "authority")], 10).unwrap();
    let lapse = |application: &str, reviewer: &str, at: i64| {
        let (application, reviewer) = (hash(application), party(reviewer));
        let statement = DeemedConsent { v: 1, application, reviewer, profile: hash("p"), delivered: t(11), since: t(20) };
        let event = request::Event::Lapse { reviewer: Role::Provider, statement };
        let done = go(&asked, event, [(Role::Clock, "clock"), (Role::Regulator, "regulator")], at);
        done.map_or_else(|e| e.to_string(), |here| here.case().state_at(t(at)).to_string())
    };
    let health = "yu://dev/health/node1";
    assert!(lapse("a", health, 19).starts_with("request.not-lapsed"));
    assert!(lapse("b", health, 20).starts_with("request.other-lapse"));
    assert!(lapse("a", "yu://dev/tax/node1", 20).starts_with("workflow.holder"));
    assert_eq!(lapse("a", health, 20), "granted");
}

#[test]
fn a23_a_qualification_is_proved_to_the_authority() {
    let office = Office::new();
    let event = Event::Qualify { name: "team".into(), until: t(900) };
    let roles: Vec<Role> = office.signers(&Case::begin(), &event).iter().map(|s| s.role).collect();
    assert_eq!(roles, [Role::Licensee, Role::Authority]);
}

#[test]
fn l4_what_is_agreed_is_terminated_and_not_refused() {
    let office = Office::new();
    let mut case = Case::begin();
    for (i, event) in life().into_iter().take(9).enumerate() {
        case = case.next(&event, t(20 + i64::try_from(i).unwrap()), &office.rules).unwrap();
    }
    assert_eq!(case.state_at(t(30)), State::Signed);
    let refused = case.next(&Event::Refuse { reason: why() }, t(30), &office.rules).unwrap_err();
    assert!(refused.to_string().starts_with("refuse.agreed"));
    assert!(case.next(&Event::Terminate { cause: Cause::AtRequest }, t(30), &office.rules).is_ok());
}

/// Roles are held by many organisations; what one of them has begun is nobody else's, and a tenant is its own (A14, L3).
#[test]
fn another_organisation_in_the_same_role_signs_nothing() {
    let (authority, bank, other) = ("yu://dev/authority/node1", "yu://dev/bank/node1", "yu://dev/stranger/node1");
    let mut office = Office::new();
    office.roster = office.roster.clone().with(Role::Licensee, party(other));
    let rules = suspension::Rules { opened_by: Role::Authority, suspended_by: vec![Role::Authority], closed_by: vec![Role::Authority] };
    let sign = |here: &Replayed<suspension::Case>, event, role, name: &str, at| {
        let signers = vec![Signer { role, party: party(name) }];
        let arrow = here.arrow(event, signers, hash("evidence"), t(at), &rules).unwrap();
        let signed = Signed::sign(arrow, name, &key(name)).unwrap();
        here.follow(&signed, t(at), &rules, &office.roster, &office.keys).map_err(|error| error.to_string())
    };
    let here = sign(&Replayed::new("bank"), suspension::Event::Open, Role::Authority, authority, 1).unwrap();
    let order = suspension::Event::Order { what: why(), until: t(100) };
    let here = sign(&here, order, Role::Authority, authority, 2).unwrap();
    let refused = sign(&here, suspension::Event::Report, Role::Licensee, other, 3).unwrap_err();
    assert!(refused.contains("workflow.tenant"), "{refused}");
    let here = sign(&here, suspension::Event::Report, Role::Licensee, bank, 3).unwrap();
    assert!(here.tenants(&[Signer { role: Role::Licensee, party: party(bank) }]).is_ok());
}
