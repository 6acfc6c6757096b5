//! Model checking: every reachable state of every machine, under every combination of small rules.

use std::collections::{BTreeMap, BTreeSet};

use yu_governance::Error;
use yu_governance::clock::Time;
use yu_governance::deadline::DeemedConsent;
use yu_governance::profile::Shipped;
use yu_governance::text::Text;
use yu_governance::workflow::{Machine, Need, Role, incident, person, product, request, suspension};

use super::world::{hash, party};

pub(crate) fn t(seconds: i64) -> Time {
    Time::from_unix(seconds)
}

pub(crate) fn why() -> Text {
    Text::new("because", "因为")
}

/// A change of a document, with the beginning of the refusal that it must meet.
pub(crate) type Refusal<T> = (&'static str, fn(&mut T));

/// How much was explored.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Counts {
    states: usize,
    arrows: usize,
    refusals: usize,
}

impl Counts {
    pub(crate) fn add(&mut self, other: Self) {
        self.states += other.states;
        self.arrows += other.arrows;
        self.refusals += other.refusals;
    }

    pub(crate) fn print(&self, machine: &str, worlds: usize) {
        println!("{machine}: {worlds} worlds, {} states, {} arrows, {} refusals by name", self.states, self.arrows, self.refusals);
        assert!(self.arrows > 0);
    }
}

/// Every event at every moment from every reachable state. What is remembered beside the machine (`G`) is kept by the test,
/// so that an invariant does not rest on the machine's own flags.
pub(crate) fn explore<M: Machine, G: Clone + Ord>(
    rules: &M::Rules,
    events: &[M::Event],
    times: &[i64],
    nothing: G,
    remember: impl Fn(&G, &M::Event) -> G,
    mut check: impl FnMut(&M, &G, &M::Event, Time, &M, &G),
) -> Counts {
    let start = (M::begin(), nothing, 0_usize);
    let mut seen = BTreeSet::from([start.clone()]);
    let mut open = vec![start];
    let mut counts = Counts::default();
    while let Some((case, memory, now)) = open.pop() {
        for (later, at) in times.iter().enumerate().skip(now) {
            for event in events {
                match case.next(event, t(*at), rules) {
                    Ok(next) => {
                        counts.arrows += 1;
                        assert!(!case.needs(event, rules).is_empty(), "{event:?} needs no signature");
                        let after = remember(&memory, event);
                        check(&case, &memory, event, t(*at), &next, &after);
                        let node = (next, after, later);
                        if seen.insert(node.clone()) {
                            open.push(node);
                        }
                    }
                    Err(Error::Refused { code, what }) => {
                        counts.refusals += 1;
                        assert!(code.contains('.') && !what.is_empty(), "{event:?}: {code}: {what}");
                    }
                    Err(other) => panic!("{event:?}: {other}"),
                }
            }
        }
    }
    counts.states = seen.len();
    counts
}

pub(crate) fn subsets<T: Clone + Ord>(all: &[T]) -> Vec<BTreeSet<T>> {
    (0..1_usize << all.len()).map(|bits| (0..all.len()).filter(|i| bits >> i & 1 == 1).map(|i| all[i].clone()).collect()).collect()
}

#[test]
fn h1_nobody_is_active_without_the_evidences() {
    use person::{Case, Event, Evidence, Rules, State};
    let mut events = vec![Event::Apply, Event::Vet, Event::Activate, Event::Leave];
    events.extend([Event::Suspend { reason: why() }, Event::Suspend { reason: Text::new("", "") }]);
    events.extend(Evidence::ALL.iter().flat_map(|&evidence| [20, 40].map(|s| Event::Prove { evidence, until: t(s) })));
    let mut counts = Counts::default();
    let worlds = subsets(Evidence::ALL);
    for required in &worlds {
        let rules = Rules { required: required.clone(), opened_by: Role::Authority, proved_by: BTreeMap::new() };
        let remember = |memory: &BTreeMap<Evidence, Time>, event: &Event| {
            let mut memory = memory.clone();
            if let Event::Prove { evidence, until } = event {
                memory.insert(*evidence, *until);
            }
            memory
        };
        counts.add(explore::<Case, _>(&rules, &events, &[10, 30], BTreeMap::new(), remember, |before, _, event, at, after, memory| {
            for moment in [10, 20, 30, 40].map(t).into_iter().filter(|moment| *moment >= at) {
                let proved = required.iter().all(|evidence| memory.get(evidence).is_some_and(|until| moment < *until));
                assert!(!after.may_act(moment) || proved, "{event:?}");
                assert_eq!(after.may_act(moment), after.state_at(moment) == State::Active);
            }
            assert_ne!(before.state_at(at), State::Left, "nobody comes back");
            if after.state_at(at) == State::Active {
                assert!(matches!(before.state_at(at), State::Active | State::Vetted | State::Suspended));
            }
        }));
    }
    counts.print("person", worlds.len());
}

#[test]
fn o2_o3_nothing_is_listed_without_decision_and_filing() {
    use product::{Case, Event, Rules, State};
    let mut events = vec![Event::Refuse { reason: why() }, Event::DeList { reason: why() }, Event::Refuse { reason: Text::new("x", "") }];
    for contents in [hash("one"), hash("two")] {
        events.extend([false, true].map(|sensitive| Event::Draft { contents, replaces: Some(hash("one")), sensitive }));
        events.push(Event::Draft { contents, replaces: None, sensitive: false });
        events.extend([Event::Check { contents }, Event::Decide { contents }, Event::File { contents }, Event::List { contents }]);
    }
    let mut counts = Counts::default();
    let mut worlds = 0;
    for filed_with in [None, Some(Role::Authority)] {
        for decided_by in [vec![Role::Authority, Role::Reviewer], vec![Role::Licensee], vec![Role::Reviewer, Role::Reviewer]] {
            worlds += 1;
            let rules = Rules {
                checked_by: Role::Checker,
                decided_by: decided_by.clone(),
                sensitive_by: vec![Role::Sector],
                filed_with,
                listed_by: Role::Platform,
                delisted_by: vec![Role::Authority],
            };
            // names of the steps, each with the contents that it cited
            let remember = |memory: &BTreeSet<(u8, Option<yu_governance::canonical::Hash>)>, event: &Event| {
                let mut memory = memory.clone();
                memory.insert(match event {
                    Event::Draft { contents, sensitive, .. } => (if *sensitive { 1 } else { 0 }, Some(*contents)),
                    Event::Check { contents } => (2, Some(*contents)),
                    Event::Decide { contents } => (3, Some(*contents)),
                    Event::File { contents } => (4, Some(*contents)),
                    Event::List { contents } => (5, Some(*contents)),
                    Event::Refuse { .. } => (6, None),
                    Event::DeList { .. } => (7, None),
                });
                memory
            };
            counts.add(explore::<Case, _>(&rules, &events, &[10], BTreeSet::new(), remember, |before, memory, event, at, after, _| {
                assert!(!matches!(before.state_at(at), State::Refused | State::DeListed), "the end is the end");
                if let Event::Decide { .. } = event {
                    let sensitive = memory.iter().any(|(step, _)| *step == 1);
                    assert_eq!(before.needs(event, &rules).len(), decided_by.len() + usize::from(sensitive));
                }
                if after.state_at(at) == State::Listed {
                    let Event::List { contents } = event else { panic!("{event:?}") };
                    assert!(memory.contains(&(2, Some(*contents))) && memory.contains(&(3, Some(*contents))));
                    assert!(filed_with.is_none() || memory.contains(&(4, Some(*contents))));
                }
            }));
        }
    }
    counts.print("product", worlds);
}

#[test]
fn a20_c4_no_request_is_granted_without_every_reviewer() {
    use request::{Case, Event, Rules, State};
    let roles = [Role::Provider, Role::County, Role::Licensee, Role::Province];
    let mut events = vec![Event::Check, Event::Report, Event::Uphold { reason: why() }, Event::Overrule { reason: why() }];
    events.extend([Event::Withdraw { reason: why() }, Event::Refuse { by: Role::Provider, reason: Text::new("", "") }]);
    for outside in [BTreeSet::new(), BTreeSet::from(["income".to_owned()])] {
        let application = hash("application");
        events.extend([false, true].map(|higher_level| Event::Submit { application, outside: outside.clone(), higher_level }));
    }
    for reviewer in roles {
        events.extend([Event::Approve { reviewer }, Event::Lapse { reviewer, statement: lapse("application", 10) }]);
        events.push(Event::Lapse { reviewer, statement: lapse("application", 11) });
        events.push(Event::Lapse { reviewer, statement: lapse("another", 10) });
        events.push(Event::Refuse { by: reviewer, reason: why() });
    }
    events.push(Event::Refuse { by: Role::Checker, reason: why() });
    let mut counts = Counts::default();
    let mut worlds = 0;
    for reviewers in subsets(&roles[..3]).into_iter().filter(|set| !set.is_empty()) {
        let all: Vec<Role> = reviewers.iter().copied().collect();
        for deemed in subsets(&all) {
            for checked_by in [None, Some(Role::Checker)] {
                worlds += 1;
                let rules = Rules { checked_by, reviewers: reviewers.clone(), higher_level: Role::Province, deemed: deemed.clone() };
                // who agreed (by deed, by lapse, or overruled), whether the check passed, whether it is of a higher level
                let remember = |memory: &(BTreeSet<Role>, bool, bool, Option<Role>), event: &Event| {
                    let (mut agreed, mut checked, mut higher, mut objector) = memory.clone();
                    match event {
                        Event::Submit { higher_level, .. } => higher = *higher_level,
                        Event::Check => checked = true,
                        Event::Approve { reviewer } | Event::Lapse { reviewer, .. } => drop(agreed.insert(*reviewer)),
                        Event::Refuse { by, .. } => objector = Some(*by),
                        Event::Overrule { .. } => drop(objector.take().map(|role| agreed.insert(role))),
                        _ => {}
                    }
                    (agreed, checked, higher, objector)
                };
                let nothing = (BTreeSet::new(), false, false, None);
                counts.add(explore::<Case, _>(&rules, &events, &[10], nothing, remember, |before, _, event, at, after, memory| {
                    let (agreed, checked, higher, _) = memory;
                    if after.state_at(at) == State::Granted {
                        assert!(reviewers.is_subset(agreed) && (!higher || agreed.contains(&Role::Province)), "{event:?}");
                        assert!(*checked || checked_by.is_none());
                    }
                    if let Event::Lapse { reviewer, statement } = event {
                        assert_eq!(*statement, lapse("application", 10), "of this application, and not before its first second");
                        assert!(deemed.contains(reviewer) && *reviewer != Role::Province);
                    }
                    if let Event::Submit { outside, .. } = event {
                        assert_eq!(after.state_at(at) == State::Refused, !outside.is_empty(), "outside the list it is refused at once");
                    }
                    if after.state_at(at) == State::Refused && before.state_at(at) == State::InReview {
                        assert!(*higher, "a reviewer alone cannot refuse what was agreed");
                    }
                    assert!(!matches!(before.state_at(at), State::Refused | State::Withdrawn));
                }));
            }
        }
    }
    counts.print("request", worlds);
    let lapsing = Rules {
        checked_by: None,
        reviewers: BTreeSet::from([Role::Provider]),
        higher_level: Role::Province,
        deemed: BTreeSet::from([Role::Province]),
    };
    assert!(lapsing.check().is_err(), "the level above never lapses");
}

fn lapse(application: &str, since: i64) -> DeemedConsent {
    let (application, reviewer) = (hash(application), party("yu://dev/health/node1"));
    DeemedConsent { v: 1, application, reviewer, profile: hash("profile"), delivered: t(1), since: t(since) }
}

#[test]
fn o3_a17_who_asks_does_not_alone_say_what_is_touched() {
    let co_signs = |needs: Vec<Need>| needs.len() == 2 && needs[1].any == [Role::Checker, Role::Authority];
    let rules = Shipped::Taizhou.effective().unwrap().rules().clone();
    let draft = product::Event::Draft { contents: hash("one"), replaces: None, sensitive: false };
    assert!(co_signs(product::Case::begin().needs(&draft, &rules.product())));
    let submit = request::Event::Submit { application: hash("a"), outside: BTreeSet::new(), higher_level: false };
    assert!(co_signs(request::Case::begin().needs(&submit, &rules.request())));
}

#[test]
fn s3_every_tier_is_told_before_an_incident_is_closed() {
    use incident::{Case, Event, NoticeRule, Rules, State};
    let notice = |by, to| NoticeRule { by, to, within_seconds: 10 };
    let tiers = [notice(Role::Developer, Role::Licensee), notice(Role::Licensee, Role::Authority), notice(Role::Authority, Role::Province)];
    let mut events = vec![Event::Handle, Event::Trace, Event::Summarise];
    events.extend([Role::Licensee, Role::Authority, Role::Province].map(|to| Event::Notify { to }));
    for frozen in [hash("evidence"), hash("other evidence")] {
        events.extend([Event::Find { detected: t(10), frozen }, Event::Close { frozen }]);
    }
    events.push(Event::Find { detected: t(99), frozen: hash("evidence") });
    let mut counts = Counts::default();
    for length in 1..=3 {
        let rules = Rules { notices: tiers[..length].to_vec(), handled_by: Role::Licensee, closed_by: Role::Authority };
        let remember = |memory: &(Vec<Role>, Option<yu_governance::canonical::Hash>), event: &Event| {
            let (mut told, mut frozen) = memory.clone();
            match event {
                Event::Notify { to } => told.push(*to),
                Event::Find { frozen: manifest, .. } => frozen = Some(*manifest),
                _ => {}
            }
            (told, frozen)
        };
        let order: Vec<Role> = tiers[..length].iter().map(|rule| rule.to).collect();
        counts.add(explore::<Case, _>(
            &rules,
            &events,
            &[10, 20, 31],
            (Vec::new(), None),
            remember,
            |before, _, event, at, after, memory| {
                let (told, frozen) = memory;
                assert_eq!(told[..], order[..told.len()], "no tier is skipped");
                let reported = !matches!(after.state_at(at), State::New | State::Found);
                assert_eq!(reported, told.len() == length);
                assert_ne!(before.state_at(at), State::Closed);
                if after.state_at(at) == State::Closed {
                    assert_eq!(after.frozen(), None);
                    assert_eq!(before.frozen(), *frozen, "{event:?}");
                } else {
                    assert_eq!(after.frozen(), *frozen, "evidence stays frozen");
                }
                assert!(after.told().iter().all(|told| told.late == (told.seconds > 10)));
            },
        ));
    }
    counts.print("incident", 3);
}

#[test]
fn c5_l3_access_opens_again_only_after_correction() {
    use suspension::{Case, Event, Rules, State};
    let rules = Rules {
        opened_by: Role::Authority,
        suspended_by: vec![Role::Authority, Role::Regulator],
        closed_by: vec![Role::Authority, Role::Coordination],
    };
    let mut events = vec![Event::Open, Event::Report, Event::Reopen];
    events.extend([why(), Text::new("", "")].into_iter().flat_map(|reason| {
        let (what, until) = (reason.clone(), t(20));
        [
            Event::Suspend { reason: reason.clone() },
            Event::Close { reason },
            Event::Order { what: what.clone(), until },
            Event::Reject { what, until: t(30) },
        ]
    }));
    // is a correction ordered and not yet accepted?
    let remember = |owed: &bool, event: &Event| match event {
        Event::Order { .. } | Event::Reject { .. } => true,
        Event::Report => false,
        _ => *owed,
    };
    let counts = explore::<Case, _>(&rules, &events, &[10, 20, 30], false, remember, |before, owed, event, at, after, _| {
        assert_ne!(before.state_at(at), State::Closed);
        if after.may_operate() {
            assert!(!*owed && matches!(event, Event::Open | Event::Reopen), "{event:?}");
        }
        if let Some(until) = after.deadline() {
            assert_eq!(after.state_at(until), State::Overdue);
            assert_eq!(after.state_at(until.plus_seconds(-1)), State::Correcting);
        }
        if matches!(event, Event::Report) {
            assert!(before.deadline().is_some_and(|until| at < until), "late");
        }
    });
    counts.print("suspension", 1);
}
