//! Evaluation: points that follow from signed answers, years in order, three fails in a row.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use yu_governance::canonical::Hash;
use yu_governance::clock::Time;
use yu_governance::evaluation::scorecard::{Judged, tally};
use yu_governance::evaluation::*;
use yu_governance::finding::Checked;
use yu_governance::id::{AuthorisationId, PartyName, document_hash};
use yu_governance::profile::{Fails, Shipped};
use yu_governance::sign::Signed;
use yu_governance::text::Text;

use super::machines::{Refusal, t};
use super::world::{AUTHORITY, BANK, HEALTH, PLATFORM, STRANGER, hash, key, party, ring, sign};

const YEAR: i64 = 365 * 86_400;

fn scheme(year: i64) -> Scheme {
    let item = |name: &str, zh: &str, most, by_survey| Item { name: Text::new(name, zh), most, by_survey };
    Scheme {
        v: 1,
        authority: party(AUTHORITY),
        period: (t(year * YEAR), t((year + 1) * YEAR)),
        items: BTreeMap::from([
            ("security".into(), item("security", "安全", 60, None)),
            ("service".into(), item("service", "服务", 40, Some(Group::Merchant))),
        ]),
        pass: 60,
        at: t(year * YEAR),
    }
}

fn groups() -> BTreeMap<PartyName, Group> {
    [HEALTH, BANK, STRANGER].map(|name| (party(name), Group::Merchant)).into()
}

fn survey(of: &Scheme, by: &str, mark: u32) -> Signed<Survey> {
    let marks = BTreeMap::from([("service".to_owned(), mark)]);
    sign(Survey { v: 1, scheme: document_hash(of).unwrap(), evaluated: "platform".into(), by: party(by), marks }, by)
}

fn surveys(of: &Scheme) -> Vec<Signed<Survey>> {
    vec![survey(of, HEALTH, 50), survey(of, BANK, 70), survey(of, STRANGER, 61)]
}

fn card(of: &Scheme, security: u32) -> Scorecard {
    let marked = |points| Marked { points, remark: Text::new("seen", "已查") };
    Scorecard {
        v: 1,
        scheme: document_hash(of).unwrap(),
        evaluated: "platform".into(),
        evaluator: party(BANK),
        // the mean of 50, 70, 61 is 60 of 100, so 24 of 40
        items: BTreeMap::from([("security".into(), marked(security)), ("service".into(), marked(24))]),
        surveys: surveys(of).iter().map(|s| document_hash(&s.payload).unwrap()).collect(),
        at: t(of.period.1.unix() + 5),
    }
}

fn judge(card: &Scorecard, of: &Scheme, surveys: &[Signed<Survey>]) -> Checked<Judged> {
    let mut signed = sign(card.clone(), card.evaluator.as_str());
    signed.add_signature(AUTHORITY, &key(AUTHORITY)).unwrap();
    Scorecard::verify(&signed, of, surveys, &groups(), &ring())
}

fn codes<T: std::fmt::Debug>(checked: Checked<T>) -> Vec<String> {
    let found = checked.unwrap_err();
    assert!(found.iter().all(|f| !f.what.is_blank() && !f.remedy.is_blank() && !f.party.is_empty()));
    found.into_iter().map(|f| f.code).collect()
}

#[test]
fn s7_points_follow_from_the_scheme_and_the_surveys() {
    let of = scheme(1);
    let judged = judge(&card(&of, 40), &of, &surveys(&of)).unwrap();
    assert_eq!((judged.points, judged.passed), (64, true));
    assert!(!judge(&card(&of, 35), &of, &surveys(&of)).unwrap().passed);
    let cases: [Refusal<Scorecard>; 8] = [
        ("evaluation.items", |c| c.items.get_mut("security").unwrap().points = 61),
        ("evaluation.items", |c| c.items.retain(|key, _| key != "security")),
        ("evaluation.items", |c| c.items.extend([("charm".into(), Marked { points: 9, remark: Text::new("a", "b") })])),
        ("evaluation.mean", |c| c.items.get_mut("service").unwrap().points = 25),
        ("evaluation.survey", |c| c.surveys = BTreeSet::new()),
        ("evaluation.self", |c| c.evaluator = party(PLATFORM)),
        ("evaluation.early", |c| c.at = t(c.at.unix() - 6)),
        ("evaluation.scheme-other", |c| c.scheme = hash("old")),
    ];
    for (code, spoil) in cases {
        let mut bad = card(&of, 40);
        spoil(&mut bad);
        assert_eq!(codes(judge(&bad, &of, &surveys(&of))), [code]);
    }
    let alone = sign(card(&of, 40), BANK);
    assert_eq!(codes(Scorecard::verify(&alone, &of, &surveys(&of), &groups(), &ring())), ["evaluation.signature"]);
}

#[test]
fn s7_answers_are_not_to_be_stuffed() {
    let of = scheme(1);
    let hash_of = document_hash(&of).unwrap();
    let count = |surveys: &[Signed<Survey>]| {
        let (means, counted, bad) = tally(&of, &hash_of, "platform", surveys, &groups(), &ring());
        (means["service"], counted.len(), bad.len())
    };
    assert_eq!(count(&surveys(&of)), (Some(60), 3, 0));
    assert_eq!(count(&surveys(&of)[..2]), (None, 2, 0), "of two, each could compute the other's answer");
    let mut more = surveys(&of);
    more.push(survey(&of, BANK, 0));
    assert_eq!(count(&more), (Some(60), 3, 1), "a second answer");
    more[3] = survey(&of, PLATFORM, 100);
    assert_eq!(count(&more), (Some(60), 3, 1), "not of the group, and about itself");
    more[3] = survey(&of, HEALTH, 101);
    more.remove(0);
    assert_eq!(count(&more), (None, 2, 1), "beyond the scale");
    let mut forged = surveys(&of);
    forged[0].payload.marks.insert("service".into(), 100);
    assert_eq!(count(&forged), (None, 2, 1));
    let other_year = survey(&scheme(2), HEALTH, 100);
    assert_eq!(count(&[other_year]), (None, 0, 1), "replayed from another year");
    assert_eq!(codes(judge(&card(&of, 40), &of, &surveys(&of)[..2])), ["evaluation.survey"], "one is left out");
}

#[test]
fn s7_a_scheme_is_set_before_the_end() {
    let check = |scheme: &Scheme, signer| Scheme::verify(&sign(scheme.clone(), signer), &[party(AUTHORITY)], &ring());
    assert_eq!(check(&scheme(1), AUTHORITY).unwrap(), document_hash(&scheme(1)).unwrap());
    assert_eq!(codes(check(&scheme(1), STRANGER)), ["evaluation.signature"]);
    let cases: [fn(&mut Scheme); 6] = [
        |s| s.at = s.period.1,
        |s| s.pass = 101,
        |s| s.pass = 0,
        |s| s.items.clear(),
        |s| s.items.values_mut().for_each(|item| item.most = u32::MAX),
        |s| s.period.1 = s.period.0,
    ];
    for spoil in cases {
        let mut bad = scheme(1);
        spoil(&mut bad);
        assert_eq!(codes(check(&bad, AUTHORITY)), ["evaluation.scheme"]);
    }
}

fn judged(year: i64, passed: bool) -> Judged {
    let period = scheme(year).period;
    Judged { card: hash(&format!("card {year} {passed}")), evaluated: "platform".into(), period, points: 0, passed }
}

fn history(years: &[(i64, bool)]) -> History {
    let mut history = History::new("platform");
    for (year, passed) in years {
        history.add(judged(*year, *passed)).unwrap();
    }
    history
}

#[test]
fn s7_three_fails_in_a_row_lead_to_a_proposal_and_no_further() {
    let rule = Shipped::Taizhou.effective().unwrap().rules().fails_to_termination.value;
    assert_eq!(rule, Fails::After(3), "TZ 五(四)");
    assert_eq!(history(&[]).consequence(rule), Consequence::None);
    assert_eq!(history(&[(1, false), (2, false)]).consequence(rule), Consequence::Correct { fails: 2 });
    assert_eq!(history(&[(1, false), (2, true), (3, false)]).consequence(rule), Consequence::Correct { fails: 1 });
    let three = history(&[(3, false), (1, false), (2, false)]);
    let cards: Vec<Hash> = (1..=3).map(|year| judged(year, false).card).collect();
    assert_eq!(three.consequence(rule), Consequence::Propose { cards: cards.clone() }, "in any order of arrival");
    assert_eq!(three.consequence(Fails::Unset), Consequence::Correct { fails: 3 }, "where the text has no number");
    assert_eq!(
        history(&[(1, false), (2, false), (4, false)]).consequence(rule),
        Consequence::Propose { cards: vec![cards[0], cards[1], judged(4, false).card] }
    );
    let proposal = TerminationProposal {
        v: 1,
        authorisation: AuthorisationId::new("dev/authority/2026-1").unwrap(),
        licensee: "platform".into(),
        authority: party(AUTHORITY),
        coordination: party(HEALTH),
        cards,
        at: t(5 * YEAR),
    };
    let check = |p: &TerminationProposal, signers: &[&str], history: &History| {
        let mut signed = Signed::unsigned(p.clone());
        signers.iter().for_each(|name| signed.add_signature(name, &key(name)).unwrap());
        TerminationProposal::verify(&signed, history, rule, &ring())
    };
    check(&proposal, &[AUTHORITY, HEALTH], &three).unwrap();
    assert_eq!(codes(check(&proposal, &[AUTHORITY], &three)), ["evaluation.signature"], "the coordination body must agree");
    assert_eq!(codes(check(&proposal, &[AUTHORITY, HEALTH], &history(&[(1, false), (2, false), (3, true)]))), ["evaluation.proposal"]);
    let less = TerminationProposal { cards: proposal.cards[..2].to_vec(), ..proposal.clone() };
    assert_eq!(codes(check(&less, &[AUTHORITY, HEALTH], &three)), ["evaluation.proposal"]);
    let own = TerminationProposal { coordination: party(AUTHORITY), ..proposal };
    assert_eq!(codes(check(&own, &[AUTHORITY], &three)), ["evaluation.proposal"]);
}

#[test]
fn s7_one_year_is_judged_once_and_a_missed_one_is_named() {
    let mut history = history(&[(1, false)]);
    history.add(judged(1, false)).unwrap();
    assert_eq!(codes(history.add(judged(1, true))), ["evaluation.twice"], "a fail is not washed away");
    let half = Judged { period: (t(YEAR + YEAR / 2), t(2 * YEAR)), card: hash("half"), ..judged(1, false) };
    assert_eq!(codes(history.add(half)), ["evaluation.twice"], "one year is not two fails");
    assert_eq!(codes(history.add(Judged { evaluated: "bank".into(), ..judged(2, true) })), ["evaluation.other"]);
    let profile = Shipped::Taizhou.effective().unwrap();
    let overdue = |now: i64| history.overdue(&profile, t(0), Time::from_unix(now)).map(|f| f.code);
    assert_eq!(overdue(3 * YEAR - 86_400), None);
    assert_eq!(overdue(3 * YEAR + 2 * 86_400).as_deref(), Some("evaluation.overdue"));
}

proptest! {
    /// S7: the row of fails is exactly the fails behind the last pass, whatever the order of arrival.
    #[test]
    fn s7_fails_in_a_row_are_exact(results in prop::collection::btree_map(1_i64..20, any::<bool>(), 0..12), most in 1_u32..5, reverse: bool) {
        let mut years: Vec<(i64, bool)> = results.iter().map(|(year, passed)| (*year, *passed)).collect();
        let row = years.iter().rev().take_while(|(_, passed)| !passed).count();
        if reverse {
            years.reverse();
        }
        let consequence = history(&years).consequence(Fails::After(most));
        match consequence {
            Consequence::None => prop_assert_eq!(row, 0),
            Consequence::Correct { fails } => prop_assert!(fails as usize == row && fails < most),
            Consequence::Propose { cards } => prop_assert!(cards.len() == row && row >= most as usize),
        }
    }
}
