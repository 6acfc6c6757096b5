use super::super::super::rig::{Court, party};
use super::*;
use yu_governance::evaluation::Marked;
use yu_governance::profile::Fails;
use yu_governance::text::Text;

fn code<T: std::fmt::Debug>(result: Result<T>) -> String {
    result.unwrap_err().detail.split([':', ' ']).next().unwrap().to_owned()
}

fn read<T: Document>() -> T {
    toml::from_str(T::EXAMPLE).unwrap()
}

fn told(court: &Court) -> String {
    tell(&court.book, &court.law, court.at).into_iter().map(|(en, _)| en).collect::<Vec<_>>().join("\n")
}

/// A scheme for a period of a year that begins when it is filed.
fn scheme(court: &mut Court) -> (Hash, Scheme) {
    let scheme = Scheme { period: (court.at, court.at.plus_days(365)), at: court.at, ..read() };
    (court.file(scheme.clone(), &["authority"]).unwrap(), scheme)
}

fn survey(of: Hash, by: &str, mark: u32) -> Survey {
    Survey { scheme: of, by: party(by), marks: BTreeMap::from([("service".into(), mark)]), ..read() }
}

fn card(of: Hash, court: &Court, security: u32, surveys: &[Hash]) -> Scorecard {
    let marked = |points| Marked { points, remark: Text::new("seen", "已查") };
    let items = BTreeMap::from([("security".into(), marked(security)), ("service".into(), marked(20))]);
    Scorecard { scheme: of, items, surveys: surveys.iter().copied().collect(), at: court.at, ..read() }
}

#[test]
fn s7_a_scheme_comes_first_and_answers_count_once() {
    let mut court = Court::new("taizhou");
    assert_eq!(code(court.file(survey(crate::docket::rig::hash("none"), "health", 50), &["health"])), "evaluation.scheme-unknown");
    assert_eq!(court.file(read::<Scheme>(), &["bank"]).unwrap_err().code, crate::fault::Code::Signature);
    let past = Scheme { period: (court.at.plus_days(-365), court.at.plus_days(-1)), at: court.at.plus_days(-9), ..read() };
    assert_eq!(code(court.file(past, &["authority"])), "evaluation.scheme");
    let (hash, first) = scheme(&mut court);
    let second = Scheme { pass: 61, ..first };
    assert_eq!(code(court.file(second, &["authority"])), "evaluation.scheme-twice");
    // who is not asked, another's name, another item, a mark that is none
    assert_eq!(code(court.file(survey(hash, "studio", 50), &["studio"])), "evaluation.survey");
    assert_eq!(court.file(survey(hash, "health", 50), &["studio"]).unwrap_err().code, crate::fault::Code::Signature);
    let other = Survey { marks: BTreeMap::from([("security".into(), 50)]), ..survey(hash, "health", 50) };
    assert_eq!(code(court.file(other, &["health"])), "evaluation.survey");
    assert_eq!(code(court.file(survey(hash, "health", 101), &["health"])), "evaluation.survey");
    let answer = court.file(survey(hash, "health", 50), &["health"]).unwrap();
    assert_eq!(code(court.file(survey(hash, "health", 90), &["health"])), "evaluation.survey-twice");
    // before the period ends nobody is judged, and no answer is left out
    assert_eq!(code(court.file(card(hash, &court, 50, &[answer]), &["authority"])), "evaluation.early");
    court.pass_days(365);
    assert_eq!(code(court.file(card(hash, &court, 50, &[]), &["authority"])), "evaluation.survey");
    assert_eq!(
        code(court.file(Scorecard { evaluator: party("bank"), ..card(hash, &court, 50, &[answer]) }, &["bank", "authority"])),
        "evaluation.evaluator"
    );
    assert_eq!(
        code(court.file(Scorecard { evaluated: "health".into(), ..card(hash, &court, 50, &[]) }, &["authority"])),
        "evaluation.evaluated"
    );
    court.file(card(hash, &court, 50, &[answer]), &["authority"]).unwrap();
    assert_eq!(code(court.file(card(hash, &court, 60, &[answer]), &["authority"])), "evaluation.twice");
    let late = survey(hash, "government", 50);
    assert_eq!(code(court.file(late, &["government"])), "evaluation.closed");
    assert!(told(&court).contains("bank: 70 points") && told(&court).contains("passed"), "{}", told(&court));
}

#[test]
fn s7_the_first_tier_evaluates_the_second() {
    let mut court = Court::new("zhenjiang");
    let (hash, _) = scheme(&mut court);
    court.pass_days(366);
    let of = |evaluator: &str, evaluated: &str| Scorecard {
        evaluator: party(evaluator),
        evaluated: evaluated.into(),
        ..card(hash, &court, 50, &[])
    };
    let (theirs, others) = (of("bank", "studio"), of("bank", "platform"));
    court.file(theirs, &["bank", "authority"]).unwrap();
    assert_eq!(code(court.file(others, &["bank", "authority"])), "evaluation.evaluator");
}

#[test]
fn s7_three_fails_in_a_row_are_proposed_for_termination_and_a_body_agrees() {
    let mut court = Court::new("taizhou");
    let Fails::After(most) = court.law.rules().fails_to_termination.value else { panic!("the text names a number") };
    assert_eq!(most, 3);
    let propose = |cards: &[Hash], court: &Court| TerminationProposal { cards: cards.to_vec(), at: court.at, ..read() };
    let mut cards = Vec::new();
    for year in 0..3 {
        let (hash, _) = scheme(&mut court);
        court.pass_days(366);
        cards.push(court.file(card(hash, &court, 10 + year, &[]), &["authority"]).unwrap());
        if year < 2 {
            assert!(told(&court).contains("correction within a period"), "{}", told(&court));
            assert_eq!(code(court.file(propose(&cards, &court), &["authority", "coordination"])), "evaluation.proposal");
        }
    }
    assert!(told(&court).contains("3 in a row, propose to terminate"), "{}", told(&court));
    assert_eq!(court.file(propose(&cards, &court), &["authority"]).unwrap_err().code, crate::fault::Code::Signature);
    let own = TerminationProposal { coordination: party("government"), ..propose(&cards, &court) };
    assert_eq!(code(court.file(own, &["authority", "government"])), "evaluation.agreed-by");
    assert_eq!(code(court.file(propose(&cards[1..], &court), &["authority", "coordination"])), "evaluation.proposal");
    court.file(propose(&cards, &court), &["authority", "coordination"]).unwrap();
    assert!(told(&court).contains("to be terminated, agreed by yu://dev/coordination/n1"), "{}", told(&court));
    court.pass_days(800);
    assert!(told(&court).contains("ALARM: bank: its evaluation was due"), "{}", told(&court));
}
