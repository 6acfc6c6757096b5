//! Demands of scenarios (需求征集) and the operator's regular report of what they lack (K9).

use super::super::book::Book;
use super::super::kind::{Document, Kind, Moment, all_of, refuse};
use super::catalogue::GRACE_DAYS;
use super::{Chapter, none};
use crate::fault::Result;
use crate::procedure::law::Law;
use yu_governance::catalogue::demand::{Demand, DemandRegister, DemandReport, Gap, Lack};
use yu_governance::clock::Time;
use yu_governance::id::{DatasetId, PartyName};
use yu_governance::sign::Signed;
use yu_governance::workflow::Role;

pub(super) const CHAPTER: Chapter = Chapter {
    name: "demands",
    title: ("demands of scenarios", "场景需求"),
    kinds: &[Kind::of::<Demand>(), Kind::of::<DemandReport>()],
    tell,
    objections: none,
};

/// What was put forward, and the last report.
#[derive(Default)]
pub struct Demands {
    register: DemandRegister,
    first: Option<Time>,
    report: Option<DemandReport>,
}

impl Demands {
    /// Items of a data set that were demanded so far.
    #[must_use]
    pub fn items(&self, dataset: &DatasetId, until: Time) -> std::collections::BTreeSet<String> {
        let all = self.register.between(Time::from_unix(i64::MIN), until);
        let needs = all.flat_map(|demand| &demand.needs).filter(|need| need.dataset == *dataset);
        needs.flat_map(|need| need.items.iter().map(str::to_owned)).collect()
    }
}

/// The node that speaks for an organisation: of several that are appointed the first by name.
fn node_of(law: &Law, organisation: &str) -> Result<PartyName> {
    let appointed = law.appointments.iter().flat_map(|a| &a.appointed).map(|a| &a.party);
    let pinned = [&law.authority, &law.regulator];
    let found = appointed.chain(pinned).filter(|party| party.organisation() == organisation).min();
    found.cloned().ok_or_else(|| refuse("demand.nobody", format!("nobody of `{organisation}` is appointed here")))
}

impl Document for Demand {
    const KIND: &'static str = "demand";
    const TITLE: (&'static str, &'static str) = ("demand of a scenario for data", "场景数据需求");
    const EXAMPLE: &'static str = include_str!("demands/demand.toml");

    fn signers(&self, _: &Book, law: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![node_of(law, self.id.organisation())?])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        if signed.payload.at > moment.at {
            return Err(refuse("demand.from-the-future", format!("it is dated {}, received {}", signed.payload.at, moment.at)));
        }
        book.demands.register.add(signed.payload.clone()).or_else(all_of)?;
        let at = signed.payload.at;
        book.demands.first = Some(book.demands.first.map_or(at, |first| first.min(at)));
        Ok(())
    }
}

/// What the operator would report for a period at an instant.
#[must_use]
pub fn drawn_up(book: &Book, operator: PartyName, (from, until): (Time, Time), at: Time) -> DemandReport {
    let register = &book.demands.register;
    let gaps = register.gaps(&book.catalogue.0, (from, until), at, GRACE_DAYS);
    DemandReport { v: 1, operator, from, until, demands: register.between(from, until).count() as u64, gaps, at }
}

impl Document for DemandReport {
    const KIND: &'static str = "demand-report";
    const TITLE: (&'static str, &'static str) = ("report on demands and gaps", "场景需求报告");
    const EXAMPLE: &'static str = include_str!("demands/report.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.operator.clone()])
    }

    /// Every node draws it up itself.
    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let report = &signed.payload;
        if !moment.law.roster.holds(Role::Platform, &report.operator) {
            return Err(refuse("demand.operator", format!("`{}` is not appointed as operator", report.operator)));
        }
        if report.v != 1 || report.from >= report.until || report.until > report.at || report.at > moment.at {
            return Err(refuse("report.period", format!("from {} to {}, drawn up {}", report.from, report.until, report.at)));
        }
        if drawn_up(book, report.operator.clone(), (report.from, report.until), report.at) != *report {
            return Err(refuse("report.differs", "it is not what is filed: `yu catalogue gaps --file` draws it up"));
        }
        book.demands.report = Some(report.clone());
        Ok(())
    }
}

/// A gap in words.
pub(crate) fn said(gap: &Gap) -> (String, String) {
    let (en, zh) = match &gap.lack {
        Lack::NoDataset => ("is not in the catalogue".to_owned(), "未编目".to_owned()),
        Lack::NoItem { item } => (format!("has no item `{item}`"), format!("缺少信息项“{item}”")),
        Lack::Withdrawn => ("is withdrawn".to_owned(), "已撤回供给".to_owned()),
        Lack::NotHooked => ("has no data behind it".to_owned(), "未挂接数据".to_owned()),
        Lack::Stale => ("is stale".to_owned(), "更新逾期".to_owned()),
    };
    let who = gap.organisations.iter().map(String::as_str).collect::<Vec<_>>().join(", ");
    (
        format!("{} {en}: {} demands, of {who}", gap.dataset, gap.demands),
        format!("{} {zh}：{} 项需求，提出单位 {who}", gap.dataset, gap.demands),
    )
}

fn tell(book: &Book, law: &Law, now: Time) -> Vec<(String, String)> {
    let report = drawn_up(book, law.authority.clone(), (Time::from_unix(i64::MIN), now.plus_seconds(1)), now);
    let mut out = vec![(format!("{} demands", report.demands), format!("共 {} 项需求", report.demands))];
    out.extend(report.gaps.iter().map(said));
    let since = book.demands.report.as_ref().map(|report| report.at).or(book.demands.first);
    if let Some(due) = since.map(|since| since.plus_months(law.rules().report_interval.value.0)) {
        let overdue = if now >= due { (" OVERDUE", "，逾期") } else { ("", "") };
        out.push((format!("next report of the operator due {due}{}", overdue.0), format!("运营机构下次报送期限 {due}{}", overdue.1)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::super::rig::{Court, party};
    use super::*;
    use yu_governance::canonical::Hash;
    use yu_governance::catalogue::record::CatalogueRecord;

    fn code(result: Result<Hash>) -> String {
        result.unwrap_err().detail.split([':', ' ']).next().unwrap().to_owned()
    }

    #[test]
    fn k9_demands_are_collected_and_the_operator_reports_what_they_lack() {
        let mut court = Court::new("ningbo");
        let demand = Demand { at: court.at, ..toml::from_str(Demand::EXAMPLE).unwrap() };
        assert!(court.file(demand.clone(), &["platform"]).is_err(), "nobody demands for somebody else");
        court.file(demand.clone(), &["bank"]).unwrap();
        let again = Demand { at: court.at.plus_seconds(-1), ..demand.clone() };
        assert_eq!(code(court.file(again, &["bank"])), "demand.repeated");
        let gap = |court: &Court| tell(&court.book, &court.law, court.at)[1].0.clone();
        assert!(gap(&court).contains("is not in the catalogue"));
        court.file(toml::from_str::<CatalogueRecord>(CatalogueRecord::EXAMPLE).unwrap(), &["health"]).unwrap();
        assert!(gap(&court).contains("has no item `cost`"));
        let from = court.at.plus_days(-1);
        court.pass_days(1);
        let report = drawn_up(&court.book, party("platform"), (from, court.at), court.at);
        assert_eq!((report.demands, report.gaps.len()), (1, 1));
        let mut fewer = report.clone();
        fewer.gaps.clear();
        assert_eq!(code(court.file(fewer, &["platform"])), "report.differs");
        let other = DemandReport { operator: party("bank"), ..report.clone() };
        assert_eq!(code(court.file(other, &["bank"])), "demand.operator");
        court.file(report, &["platform"]).unwrap();
        assert!(!tell(&court.book, &court.law, court.at).iter().any(|(en, _)| en.contains("OVERDUE")));
        court.pass_days(800);
        assert!(tell(&court.book, &court.law, court.at).iter().any(|(en, _)| en.contains("OVERDUE")));
    }
}
