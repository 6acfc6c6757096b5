//! Reports that operators file (运营报告与信息披露): yearly and regular, and what the public sees; an overdue one is shown (S5, S6).
//!
//! What is judged here is the form; whoever has the operator's log draws the numbers again: `yu annual --check HASH` at the regulator.

use super::super::book::Book;
use super::super::kind::{Document, Kind, Moment, refuse};
use super::{Chapter, none};
use crate::fault::Result;
use crate::procedure::law::Law;
use std::collections::BTreeMap;
use yu_governance::clock::Time;
use yu_governance::id::PartyName;
use yu_governance::policy::Floors;
use yu_governance::report::{AnnualReport, Disclosure, Section, overdue};
use yu_governance::sign::Signed;
use yu_governance::text::Text;
use yu_governance::workflow::{Role, Word as _};

pub(super) const CHAPTER: Chapter = Chapter {
    name: "publications",
    title: ("operation reports and disclosures", "运营报告与信息披露"),
    kinds: &[Kind::of::<AnnualReport>(), Kind::of::<Disclosure>()],
    tell,
    objections: none,
};

/// Who has reported and disclosed what, as the docket makes it.
#[derive(Default)]
pub struct Published {
    since: Option<Time>,
    /// Periods by operator and kind.
    periods: BTreeMap<(PartyName, &'static str), Vec<(Time, Time)>>,
}

impl Published {
    /// Enters a period that no earlier one of the same operator overlaps.
    fn enter(&mut self, operator: &PartyName, kind: &'static str, period: (Time, Time), at: Time, moment: Moment<'_>) -> Result<()> {
        let law = moment.law;
        let operates = [Role::Licensee, Role::Platform].into_iter().any(|role| law.holders(role).contains(operator));
        if !operates && *operator != law.authority {
            return Err(refuse("report.operator", format!("`{operator}` operates nothing here")));
        }
        if period.0 >= period.1 || at < period.1 || at > moment.at.plus_seconds(300) {
            return Err(refuse("report.period", "it has no period, is older than its end, or dated ahead"));
        }
        let all = self.periods.entry((operator.clone(), kind)).or_default();
        if all.iter().any(|known| known.0 < period.1 && period.0 < known.1) {
            return Err(refuse("report.twice", format!("`{operator}` has reported on this time already")));
        }
        all.push(period);
        self.since.get_or_insert(moment.at);
        Ok(())
    }
}

impl Document for AnnualReport {
    const KIND: &'static str = "annual-report";
    const TITLE: (&'static str, &'static str) = ("yearly operation report", "年度运营报告");
    const EXAMPLE: &'static str = include_str!("publications/annual.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.operator.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let report = &signed.payload;
        let says = |section: &Section| report.narrative.get(section).is_some_and(|text| !text.is_blank());
        if report.v != 1 || report.authority != moment.law.authority || !Section::all().iter().all(says) {
            return Err(refuse("report.incomplete", "each of the five parts has a text, and the authority is the one here"));
        }
        book.publications.enter(&report.operator, Self::KIND, report.period, report.at, moment)
    }
}

impl Document for Disclosure {
    const KIND: &'static str = "public-disclosure";
    const TITLE: (&'static str, &'static str) = ("what the public sees", "信息披露");
    const EXAMPLE: &'static str = include_str!("publications/disclosure.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.operator.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let told = &signed.payload;
        let least = Floors::DEFAULT.min_cell;
        let numbers = || told.groups.values().flat_map(BTreeMap::values).filter_map(|shown| shown.at_least);
        // what tells a number of few is refused wherever it comes from
        if told.least < least || numbers().any(|number| number < least || number % told.least != 0) {
            return Err(refuse("disclosure.floor", format!("a number below {least}, or one that is not rounded down")));
        }
        if told.v != 1 || told.text.is_blank() {
            return Err(refuse("disclosure.malformed", "it says nothing"));
        }
        book.publications.enter(&told.operator, Self::KIND, told.period, told.at, moment)
    }
}

fn tell(book: &Book, law: &Law, now: Time) -> Vec<(String, String)> {
    let published = &book.publications;
    let mut told = Vec::new();
    for ((operator, kind), periods) in &published.periods {
        let (count, last) = (periods.len(), periods.iter().map(|period| period.1).max().unwrap_or(now));
        let title = if *kind == AnnualReport::KIND { AnnualReport::TITLE } else { Disclosure::TITLE };
        told.push((
            format!("{operator}: {count} times {}, up to {last}", title.0),
            format!("{operator}：{} {count} 份，截至 {last}", title.1),
        ));
    }
    let Some(since) = published.since else { return told };
    for operator in law.holders(Role::Licensee) {
        let periods = published.periods.get(&(operator.clone(), AnnualReport::KIND));
        let reported = periods.and_then(|all| all.iter().map(|period| period.1).max());
        if let Some(alarm) = overdue(&operator, reported, &law.profile, since, now) {
            let what = Text::new(alarm.what.en, alarm.what.zh);
            told.push((format!("ALARM: {operator}: {}", what.en), format!("告警：{operator}：{}", what.zh)));
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use super::super::super::rig::{Court, party};
    use super::*;
    use yu_governance::report::Shown;

    fn read<T: Document>() -> T {
        toml::from_str(T::EXAMPLE).unwrap()
    }

    fn code<T: std::fmt::Debug>(result: Result<T>) -> String {
        result.unwrap_err().detail.split([':', ' ']).next().unwrap().to_owned()
    }

    #[test]
    fn s5_reports_come_once_for_each_time_complete_and_an_overdue_one_is_shown() {
        let mut court = Court::new("zhejiang");
        let report: AnnualReport = read();
        assert_eq!(court.file(report.clone(), &["platform"]).unwrap_err().code, crate::fault::Code::Signature);
        assert_eq!(code(court.file(AnnualReport { operator: party("health"), ..report.clone() }, &["health"])), "report.operator");
        let mut silent = report.clone();
        silent.narrative.remove(&Section::Security);
        assert_eq!(code(court.file(silent, &["bank"])), "report.incomplete");
        let early = AnnualReport { at: report.period.1.plus_seconds(-1), ..report.clone() };
        assert_eq!(code(court.file(early, &["bank"])), "report.period");
        court.file(report.clone(), &["bank"]).unwrap();
        let again = AnnualReport { period: (report.period.1.plus_days(-1), report.period.1.plus_days(1)), at: court.at, ..report };
        assert_eq!(code(court.file(again, &["bank"])), "report.twice");
        let told = |court: &Court| tell(&court.book, &court.law, court.at).into_iter().map(|(en, _)| en).collect::<Vec<_>>().join("\n");
        assert!(!told(&court).contains("ALARM"), "{}", told(&court));
        court.pass_days(366 * 2);
        assert!(told(&court).contains("ALARM: yu://dev/bank/n1"), "{}", told(&court));
    }

    #[test]
    fn s6_a_disclosure_shows_no_number_of_few() {
        let mut court = Court::new("zhejiang");
        let told: Disclosure = read();
        let with = |number: Option<u64>, least: u64| {
            let mut told = told.clone();
            told.groups.entry("jobs".into()).or_default().insert("x".into(), Shown { at_least: number });
            Disclosure { least, ..told }
        };
        assert_eq!(code(court.file(with(Some(3), 5), &["bank"])), "disclosure.floor");
        assert_eq!(code(court.file(with(Some(3), 3), &["bank"])), "disclosure.floor");
        assert_eq!(code(court.file(with(Some(12), 5), &["bank"])), "disclosure.floor");
        court.file(with(None, 5), &["bank"]).unwrap();
        assert_eq!(code(court.file(with(Some(15), 5), &["bank"])), "report.twice");
    }
}
