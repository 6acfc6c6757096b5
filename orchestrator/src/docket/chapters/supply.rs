//! Refusals of data in the agreed list (A20): each is reported to the authority, which rules whether it stands.

use super::super::book::Book;
use super::super::kind::{Audience, Document, Kind, Moment, checked, refuse};
use super::super::{draft, named};
use super::{Chapter, none};
use crate::fault::Result;
use crate::keys::now;
use crate::node::Node;
use crate::procedure::law::{self, Law};
use crate::verbs::to_value;
use std::collections::BTreeMap;
use std::sync::Arc;
use yu_governance::authorisation::Authorisation;
use yu_governance::canonical::Hash;
use yu_governance::catalogue::CatalogueEntry;
use yu_governance::clock::Time;
use yu_governance::id::{PartyName, document_hash};
use yu_governance::request::{ColumnDecision, DataRequest, Verdict};
use yu_governance::sign::Signed;
use yu_governance::supply::must::{RefusalReport, SupplyDuty, SupplyFlags};
use yu_governance::supply::ruling::{Ruling, SupplyRuling};
use yu_governance::workflow::Role;

pub(super) const CHAPTER: Chapter = Chapter {
    name: "supply",
    title: ("refusals of agreed data", "约定数据的拒绝供给"),
    kinds: &[Kind::of::<RefusalReport>(), Kind::of::<SupplyRuling>()],
    tell,
    objections: none,
};

/// Reports, where they may be read, and rulings.
#[derive(Default)]
pub struct Refusals {
    reports: BTreeMap<Hash, RefusalReport>,
    rulings: BTreeMap<Hash, SupplyRuling>,
}

impl Refusals {
    /// The last report over a request that is not ruled on, with its hash.
    fn open(&self, request: &Hash) -> Option<(&Hash, &RefusalReport)> {
        self.reports.iter().find(|(hash, report)| report.request_hash == *request && !self.rulings.contains_key(*hash))
    }

    /// Whether the authority has said that what this request was refused must be supplied.
    fn is_overruled(&self, request: &Hash) -> bool {
        self.rulings.iter().any(|(hash, ruling)| {
            ruling.ruling == Ruling::Overruled && self.reports.get(hash).is_some_and(|report| report.request_hash == *request)
        })
    }
}

impl Document for RefusalReport {
    const KIND: &'static str = "supply-refusal";
    const TITLE: (&'static str, &'static str) = ("report of a refusal of agreed data", "拒绝供给约定数据的报告");
    const EXAMPLE: &'static str = include_str!("supply/refusal.toml");
    const AUDIENCE: Audience = Audience::Signers;

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.provider.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let report = &signed.payload;
        let is_own = report.provider.organisation() == report.dataset.organisation()
            && moment.law.roster.holds(Role::Provider, &report.provider)
            && report.authority == moment.law.authority;
        if !is_own {
            return Err(refuse("supply.not-provider", format!("`{}` does not provide `{}` here", report.provider, report.dataset)));
        }
        let has_reason = |column: &ColumnDecision| {
            column.verdict == Verdict::Refused && column.reason.as_ref().is_some_and(|reason| !reason.trim().is_empty())
        };
        if report.v != 1 || report.refused.is_empty() || !report.refused.iter().all(has_reason) || report.at > moment.at {
            return Err(refuse(
                "supply.report-malformed",
                "a report names the refused columns, each with its reason, and no moment to come",
            ));
        }
        if book.supply.open(&report.request_hash).is_some() {
            return Err(refuse("supply.reported", format!("a refusal of `{}` is before the authority", report.request)));
        }
        if book.supply.is_overruled(&report.request_hash) {
            return Err(refuse("supply.overruled", format!("the authority has ruled that `{}` must be supplied", report.request)));
        }
        book.supply.reports.insert(document_hash(report)?, report.clone());
        Ok(())
    }
}

impl Document for SupplyRuling {
    const KIND: &'static str = "supply-ruling";
    const TITLE: (&'static str, &'static str) = ("the authority's ruling on a refusal", "主管部门对拒绝供给的认定");
    const EXAMPLE: &'static str = include_str!("supply/ruling.toml");

    fn signers(&self, _: &Book, law: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![law.authority.clone()])
    }

    /// Not every node may read the report: every node knows that it was filed.
    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let ruling = &signed.payload;
        if ruling.v != 1 || ruling.reason.is_blank() || ruling.at > moment.at {
            return Err(refuse("supply.ruling-malformed", "a ruling has its reason in both languages and no moment to come"));
        }
        if book.documents.get(&ruling.report).is_none_or(|(kind, _)| *kind != RefusalReport::KIND) {
            return Err(refuse("supply.report-unknown", format!("no report {} is filed", ruling.report)));
        }
        if book.supply.rulings.contains_key(&ruling.report) {
            return Err(refuse("supply.ruled", format!("the report {} is ruled on", ruling.report)));
        }
        book.supply.rulings.insert(ruling.report, ruling.clone());
        Ok(())
    }
}

fn tell(book: &Book, _: &Law, _: Time) -> Vec<(String, String)> {
    let one = |(hash, report): (&Hash, &RefusalReport)| {
        let columns = report.refused.iter().map(|column| column.column.as_str()).collect::<Vec<_>>().join(", ");
        let (en, zh) = match book.supply.rulings.get(hash).map(|ruling| (ruling.ruling, &ruling.reason)) {
            None => ("waits for the authority".to_owned(), "待主管部门认定".to_owned()),
            Some((Ruling::Upheld, reason)) => (format!("stands: {}", reason.en), format!("认定成立：{}", reason.zh)),
            Some((Ruling::Overruled, reason)) => (format!("MUST be supplied: {}", reason.en), format!("应予供给：{}", reason.zh)),
        };
        (
            format!("{} of {}: {columns} of {} refused, {en}", report.request, report.provider, report.dataset),
            format!("{}（{}）：拒绝供给 {} 的 {columns}，{zh}", report.request, report.provider, report.dataset),
        )
    };
    book.supply.reports.iter().map(one).collect()
}

/// The provider's node refuses columns of a request: what is in the authorised list is reported to the authority before the answer goes out.
///
/// # Errors
/// `supply.reason-missing` and the rest of the rules; `supply.overruled` once the authority has ruled; `network.unreachable` is none: the report waits.
pub(crate) fn report(node: &Arc<Node>, request: &DataRequest, authorisation: &Authorisation, columns: &[ColumnDecision]) -> Result<()> {
    let refused: Vec<(&str, &str)> = columns
        .iter()
        .filter(|column| column.verdict == Verdict::Refused)
        .map(|column| (column.column.as_str(), column.reason.as_deref().unwrap_or_default()))
        .collect();
    let Some(law) = law::in_force(node)?.filter(|_| !refused.is_empty()) else { return Ok(()) };
    let me: PartyName = node.name().parse()?;
    if !law.roster.holds(Role::Provider, &me) || me.organisation() != request.dataset.organisation() {
        return Ok(());
    }
    let entry = node.signed::<CatalogueEntry>("catalogue", request.dataset.as_str())?.payload;
    let flags = checked(SupplyFlags::of(request, &entry, &authorisation.datasets, SupplyDuty::AgreedList))?;
    let Some(report) = checked(flags.answer(&refused, &me, &law.authority, now()))?.report else { return Ok(()) };
    let known = node
        .docket()
        .with(node, |book| Ok(book.supply.open(&report.request_hash).is_some_and(|(_, open)| open.refused == report.refused)))?;
    if known {
        return Ok(());
    }
    draft::start(node, named(RefusalReport::KIND)?, &to_value(&Signed::unsigned(report))?).map(drop)
}

#[cfg(test)]
mod tests {
    use super::super::super::rig::{Court, hash, party};
    use super::*;
    use yu_governance::text::Text;

    fn example() -> RefusalReport {
        toml::from_str(RefusalReport::EXAMPLE).unwrap()
    }

    fn code(result: Result<Hash>) -> String {
        result.unwrap_err().detail.split([':', ' ']).next().unwrap().to_owned()
    }

    #[test]
    fn a20_a_refusal_in_the_list_is_reported_and_the_authority_rules_once() {
        let mut court = Court::new("taizhou");
        let report = RefusalReport { at: court.at, ..example() };
        // somebody else's data, no reason, nothing refused
        let foreign = RefusalReport { provider: party("bank"), ..report.clone() };
        assert_eq!(code(court.file(foreign, &["bank"])), "supply.not-provider");
        let mut silent = report.clone();
        silent.refused[0].reason = Some(" ".into());
        assert_eq!(code(court.file(silent, &["health"])), "supply.report-malformed");
        let empty = RefusalReport { refused: Vec::new(), ..report.clone() };
        assert_eq!(code(court.file(empty, &["health"])), "supply.report-malformed");
        assert_eq!(
            court.file(report.clone(), &["bank"]).unwrap_err().code,
            crate::fault::Code::Signature,
            "nobody reports for the provider"
        );
        let filed = court.file(report.clone(), &["health"]).unwrap();
        let again = RefusalReport { at: court.at.plus_seconds(-1), ..report.clone() };
        assert_eq!(code(court.file(again, &["health"])), "supply.reported");
        let ruling = |report, ruling, at| SupplyRuling { v: 1, report, ruling, reason: Text::new("it was agreed", "协议已约定"), at };
        assert_eq!(code(court.file(ruling(hash("other"), Ruling::Overruled, court.at), &["authority"])), "supply.report-unknown");
        let silent = SupplyRuling { reason: Text::new("", ""), ..ruling(filed, Ruling::Overruled, court.at) };
        assert_eq!(code(court.file(silent, &["authority"])), "supply.ruling-malformed");
        assert!(court.file(ruling(filed, Ruling::Upheld, court.at), &["health"]).is_err(), "the provider does not rule on itself");
        court.file(ruling(filed, Ruling::Overruled, court.at), &["authority"]).unwrap();
        assert!(tell(&court.book, &court.law, court.at)[0].0.contains("MUST be supplied"));
        court.pass_days(1);
        assert_eq!(code(court.file(ruling(filed, Ruling::Upheld, court.at), &["authority"])), "supply.ruled");
        // refusing it once more is no way out
        let once_more = RefusalReport { at: court.at, ..report };
        assert_eq!(code(court.file(once_more, &["health"])), "supply.overruled");
    }
}
