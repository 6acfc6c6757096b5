//! Quality of data (数据质量): tickets from report to grade without a single value of the data, and the authority's report on departments
//! (K5, C6, S9).

use super::super::book::Book;
use super::super::kind::{Document, Kind, Moment, checked, refuse};
use super::{Chapter, none};
use crate::fault::Result;
use crate::procedure::law::Law;
use std::collections::BTreeMap;
use yu_governance::catalogue::CatalogueEntry;
use yu_governance::clock::Time;
use yu_governance::deadline::Timeliness;
use yu_governance::id::{DatasetId, PartyName, TicketId};
use yu_governance::quality::filing::{Act, DepartmentReport, TicketAct, TicketFiling};
use yu_governance::quality::metrics::{Metrics, Share};
use yu_governance::quality::report::{DepartmentLine, league};
use yu_governance::quality::ticket::{GradeBands, QualityTicket, TicketState, TicketStep};
use yu_governance::sign::Signed;

/// Least thousandths of repair for the grades A, B and C: our default, no text names any.
const BANDS: GradeBands = GradeBands { a: 950, b: 800, c: 500 };

pub(super) const CHAPTER: Chapter = Chapter {
    name: "quality",
    title: ("quality of data", "数据质量"),
    kinds: &[Kind::of::<TicketFiling>(), Kind::of::<TicketAct>(), Kind::of::<DepartmentReport>()],
    tell,
    objections: none,
};

/// All tickets, and the last report.
#[derive(Default)]
pub struct Quality {
    tickets: BTreeMap<TicketId, QualityTicket>,
    report: Option<DepartmentReport>,
}

fn entry<'a>(book: &'a Book, dataset: &DatasetId) -> Result<&'a CatalogueEntry> {
    let record = book.catalogue.0.record(dataset);
    record
        .map(|record| &record.entry)
        .ok_or_else(|| refuse("catalogue.unregistered", format!("`{dataset}` has no record in the catalogue")))
}

impl Document for TicketFiling {
    const KIND: &'static str = "quality-ticket";
    const TITLE: (&'static str, &'static str) = ("quality problem of a data set", "数据质量问题");
    const EXAMPLE: &'static str = include_str!("quality/ticket.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.by.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let filing = &signed.payload;
        if filing.v != 1 || filing.by.organisation() != filing.id.organisation() || filing.at > moment.at {
            return Err(refuse("ticket.not-own", format!("`{}` is not a ticket of `{}`, or dated ahead", filing.id, filing.by)));
        }
        if book.quality.tickets.contains_key(&filing.id) {
            return Err(refuse("ticket.repeated", format!("`{}` is filed already", filing.id)));
        }
        let floor = moment.law.rules().leakage.value.min_cell;
        let entry = entry(book, &filing.dataset)?;
        let authority = moment.law.authority.clone();
        let ticket = checked(QualityTicket::open(filing.id.clone(), entry, authority, filing.evidence, floor, moment.at))?;
        book.quality.tickets.insert(filing.id.clone(), ticket);
        Ok(())
    }
}

impl Document for TicketAct {
    const KIND: &'static str = "quality-act";
    const TITLE: (&'static str, &'static str) = ("step of a quality ticket", "数据质量问题处理步骤");
    const EXAMPLE: &'static str = include_str!("quality/act.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.by.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let act = &signed.payload;
        if act.v != 1 || act.at > moment.at {
            return Err(refuse("ticket.time", "a step has format 1 and no moment to come"));
        }
        let Some(ticket) = book.quality.tickets.get(&act.ticket) else {
            return Err(refuse("ticket.unknown", format!("no ticket `{}` is filed", act.ticket)));
        };
        if let Act::Accept { deadline } | Act::Return { deadline } = &act.act {
            let limit = moment.law.rules().quality_limit.value;
            let longest = book.reviews.calendar().deadline(moment.at, limit, |_| false)?;
            if let Some(longest) = longest.filter(|longest| deadline > longest) {
                return Err(refuse("ticket.deadline", format!("{deadline} is beyond the {} of the rules, {longest}", limit.words().en)));
            }
        }
        let floor = moment.law.rules().leakage.value.min_cell;
        let entry = entry(book, ticket.dataset())?;
        let step = match &act.act {
            Act::Forward { to } => TicketStep::Forward { to },
            Act::Accept { deadline } => TicketStep::Accept { deadline: *deadline },
            Act::Reject { why } => TicketStep::Reject { why: *why },
            Act::Fix { after } => TicketStep::Fix { entry, after: *after, floor },
            Act::Return { deadline } => TicketStep::Return { deadline: *deadline },
            Act::Close => TicketStep::Close { bands: BANDS },
        };
        let next = checked(ticket.apply(&step, &act.by, moment.at))?;
        book.quality.tickets.insert(act.ticket.clone(), next);
        Ok(())
    }
}

/// What the authority would report for a period at an instant.
///
/// # Errors
/// When a year of the calendar is missing.
pub fn drawn_up(book: &Book, authority: PartyName, (from, until): (Time, Time), at: Time) -> Result<DepartmentReport> {
    let timeliness = book.reviews.timeliness(at)?;
    let tickets: Vec<QualityTicket> = book.quality.tickets.values().cloned().collect();
    let metrics: BTreeMap<DatasetId, Metrics> =
        book.catalogue.0.records().filter_map(|record| Some((record.entry.dataset.clone(), record.quality?))).collect();
    let lines: Vec<DepartmentLine> = league(&tickets, &metrics, &on_time(&timeliness), (from, until), at);
    Ok(DepartmentReport { v: 1, authority, from, until, lines, timeliness, at })
}

/// Reviews in time among those that were due, by department.
fn on_time(timeliness: &Timeliness) -> BTreeMap<String, Share> {
    let share = |row: &yu_governance::deadline::DepartmentRow| {
        let due = [row.in_time, row.late, row.deemed, row.overdue].iter().fold(0_u64, |sum, n| sum.saturating_add(*n));
        Some((row.department.clone(), Share::new(row.in_time, due).ok()?))
    };
    timeliness.rows.iter().filter_map(share).collect()
}

impl Document for DepartmentReport {
    const KIND: &'static str = "department-report";
    const TITLE: (&'static str, &'static str) = ("report on the source departments", "数源部门工作情况通报");
    const EXAMPLE: &'static str = include_str!("quality/report.toml");

    fn signers(&self, _: &Book, law: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![law.authority.clone()])
    }

    /// Every node draws the report up itself: one that says something else does not hold.
    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let report = &signed.payload;
        if report.v != 1 || report.from >= report.until || report.until > report.at || report.at > moment.at {
            return Err(refuse("report.period", format!("from {} to {}, drawn up {}", report.from, report.until, report.at)));
        }
        let own = drawn_up(book, moment.law.authority.clone(), (report.from, report.until), report.at)?;
        if own != *report {
            return Err(refuse("report.differs", "it is not what is filed: `yu catalogue report` draws it up"));
        }
        book.quality.report = Some(report.clone());
        Ok(())
    }
}

fn tell(book: &Book, _: &Law, now: Time) -> Vec<(String, String)> {
    let one = |ticket: &QualityTicket| {
        let evidence = ticket.evidence();
        let (en, zh) = match ticket.state() {
            TicketState::Reported => {
                let at = ticket.route().last().map(String::as_str).unwrap_or_default();
                (format!("reported, with {at}"), format!("已报送至 {at}"))
            }
            TicketState::Rejected { .. } => ("not taken up".to_owned(), "未受理".to_owned()),
            TicketState::Accepted { deadline } if ticket.is_overdue(now) => {
                (format!("OVERDUE since {deadline}"), format!("自 {deadline} 起逾期未治理"))
            }
            TicketState::Accepted { deadline } => (format!("to be fixed until {deadline}"), format!("应于 {deadline} 前治理")),
            TicketState::Fixed { done, .. } => (format!("fixed {done}, to be judged"), format!("已于 {done} 治理，待评判")),
            TicketState::Closed { repaired_permille, late, grade } => {
                let late = if *late { (", late", "，逾期") } else { ("", "") };
                (
                    format!("closed: {repaired_permille} of 1000 repaired, grade {grade:?}{}", late.0),
                    format!("已办结：修复千分之 {repaired_permille}，等级 {grade:?}{}", late.1),
                )
            }
        };
        let (id, dataset, failed, of) = (ticket.id(), ticket.dataset(), evidence.failed(), evidence.checked());
        (
            format!("{id} on {dataset}: {:?}, {failed} of {of}: {en}", evidence.rule()),
            format!("{id}（{dataset}）：{:?}，{failed}/{of}：{zh}", evidence.rule()),
        )
    };
    let mut out: Vec<(String, String)> = book.quality.tickets.values().map(one).collect();
    if let Some(report) = &book.quality.report {
        out.push((format!("last report on departments: {}", report.at), format!("最近一次通报：{}", report.at)));
        out.extend(report.lines.iter().zip(1_u32..).map(|(line, place)| said(line, place)));
    }
    out
}

/// One line of a report in words.
pub(crate) fn said(line: &DepartmentLine, place: u32) -> (String, String) {
    let share = |share: Option<Share>| share.map_or_else(|| "-".to_owned(), |share| share.to_string());
    let worst = line.worst.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let (repaired, reviews) = (share(line.repaired), share(line.reviews_on_time));
    (
        format!(
            "  {place}. {}: {} tickets, {} overdue, repaired {repaired}, reviews in time {reviews}, accuracy, relevance, completeness, timeliness {worst}",
            line.organisation, line.reported, line.overdue
        ),
        format!(
            "  {place}. {}：工单 {}，逾期 {}，修复率 {repaired}，审核及时率 {reviews}，准确性、相关性、完整性、时效性 {worst}",
            line.organisation, line.reported, line.overdue
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::super::super::rig::{Court, hash, party};
    use super::*;
    use yu_governance::canonical::Hash;
    use yu_governance::catalogue::record::{CatalogueRecord, Hook};
    use yu_governance::quality::evidence::{Evidence, QualityRule};

    fn code(result: Result<Hash>) -> String {
        result.unwrap_err().detail.split([':', ' ']).next().unwrap().to_owned()
    }

    fn record() -> CatalogueRecord {
        toml::from_str(CatalogueRecord::EXAMPLE).unwrap()
    }

    fn filing(court: &Court) -> TicketFiling {
        TicketFiling { at: court.at, ..toml::from_str(TicketFiling::EXAMPLE).unwrap() }
    }

    fn act(court: &Court, by: &str, act: Act) -> TicketAct {
        TicketAct { v: 1, ticket: filing(court).id, by: party(by), act, at: court.at }
    }

    #[test]
    fn k5_a_problem_is_reported_judged_fixed_and_graded_level_by_level() {
        let mut court = Court::new("ningbo");
        assert_eq!(code(court.file(filing(&court), &["bank"])), "catalogue.unregistered");
        let first = court.file(record(), &["health"]).unwrap();
        let foreign = TicketFiling { by: party("studio"), ..filing(&court) };
        assert_eq!(code(court.file(foreign, &["studio"])), "ticket.not-own");
        court.file(filing(&court), &["bank"]).unwrap();
        let deadline = court.at.plus_days(10);
        // the authority judges what has reached it
        assert_eq!(code(court.file(act(&court, "authority", Act::Accept { deadline }), &["authority"])), "ticket.not-arrived");
        court.file(act(&court, "bank", Act::Forward { to: "platform".into() }), &["bank"]).unwrap();
        court.file(act(&court, "platform", Act::Forward { to: "authority".into() }), &["platform"]).unwrap();
        assert_eq!(code(court.file(act(&court, "health", Act::Accept { deadline }), &["health"])), "ticket.not-judge");
        let far = Act::Accept { deadline: court.at.plus_days(300) };
        assert_eq!(code(court.file(act(&court, "authority", far), &["authority"])), "ticket.deadline");
        court.file(act(&court, "authority", Act::Accept { deadline }), &["authority"]).unwrap();
        // a fix is a new version of the record, counted by the same rule
        let old = Act::Fix { after: filing(&court).evidence };
        assert_eq!(code(court.file(act(&court, "health", old), &["health"])), "ticket.same-version");
        let mut next = CatalogueRecord { number: 2, previous: Some(first), at: court.at, ..record() };
        next.entry.version = hash("mended");
        next.hook = Hook::Hooked { version: hash("mended"), updated_at: court.at };
        court.file(next.clone(), &["health"]).unwrap();
        let after = Evidence::new(&next.entry, QualityRule::NotEmpty, Some("visits"), 2000, 0, 10).unwrap();
        court.pass_days(11);
        assert!(tell(&court.book, &court.law, court.at)[0].0.contains("OVERDUE"));
        assert_eq!(code(court.file(act(&court, "bank", Act::Fix { after }), &["bank"])), "ticket.not-fixer");
        court.file(act(&court, "health", Act::Fix { after }), &["health"]).unwrap();
        court.file(act(&court, "authority", Act::Close), &["authority"]).unwrap();
        assert!(tell(&court.book, &court.law, court.at)[0].0.contains("1000 of 1000 repaired, grade B, late"));
    }

    #[test]
    fn k5_evidence_on_the_docket_has_no_room_for_a_value() {
        let smuggled = TicketFiling::EXAMPLE.replace("rule = ", "note = \"13800000000\"\nrule = ");
        let fault = Kind::of::<TicketFiling>().read(&smuggled).unwrap_err();
        assert_eq!(fault.code, crate::fault::Code::Input);
        let mut court = Court::new("ningbo");
        court.file(record(), &["health"]).unwrap();
        // one failing row would tell about that row
        let small = TicketFiling::EXAMPLE.replace("failed = \"120\"", "failed = \"1\"");
        let small = TicketFiling { at: court.at, ..toml::from_str(&small).unwrap() };
        assert_eq!(code(court.file(small, &["bank"])), "evidence.below-floor");
    }

    #[test]
    fn s9_c6_every_node_draws_the_report_up_itself() {
        let mut court = Court::new("ningbo");
        court.file(record(), &["health"]).unwrap();
        court.file(filing(&court), &["bank"]).unwrap();
        let from = court.at.plus_days(-1);
        court.pass_days(1);
        let report = drawn_up(&court.book, party("authority"), (from, court.at), court.at).unwrap();
        assert_eq!(report.lines[0].organisation, "health");
        assert_eq!(report.lines[0].reported, 1);
        let mut kinder = report.clone();
        kinder.lines[0].reported = 0;
        assert_eq!(code(court.file(kinder, &["authority"])), "report.differs");
        let ahead = DepartmentReport { until: court.at.plus_days(1), ..report.clone() };
        assert_eq!(code(court.file(ahead, &["authority"])), "report.period");
        assert!(court.file(report.clone(), &["health"]).is_err(), "no department reports on itself");
        court.file(report, &["authority"]).unwrap();
        assert!(tell(&court.book, &court.law, court.at).iter().any(|(en, _)| en.contains("1. health")));
    }
}
