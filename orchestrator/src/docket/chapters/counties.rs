//! Counties in the city's domain (县、区): their own data are used with their approval only (D8).

use super::super::book::Book;
use super::super::kind::{Document, Kind, Moment, all_of, refuse};
use super::Chapter;
use crate::fault::Result;
use crate::procedure::law::Law;
use yu_governance::catalogue::record::OriginLevel;
use yu_governance::clock::Time;
use yu_governance::contract::Contract;
use yu_governance::county::{CountyApproval, CountyApprovals};
use yu_governance::finding::Finding;
use yu_governance::id::{AuthorisationId, DatasetId, PartyName};
use yu_governance::sign::Signed;
use yu_governance::workflow::Role;

pub(super) const CHAPTER: Chapter =
    Chapter { name: "counties", title: ("counties", "县级批准"), kinds: &[Kind::of::<CountyApproval>()], tell, objections };

/// Approvals as the docket makes them.
#[derive(Default)]
pub struct Counties(pub CountyApprovals);

impl Document for CountyApproval {
    const KIND: &'static str = "county-approval";
    const TITLE: (&'static str, &'static str) = ("approval of a county", "县级批准");
    const EXAMPLE: &'static str = include_str!("counties/approval.toml");

    fn signers(&self, _: &Book, _: &Law) -> Result<Vec<PartyName>> {
        Ok(vec![self.county.clone()])
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let approval = &signed.payload;
        if !moment.law.holders(Role::County).contains(&approval.county) {
            return Err(refuse("county.party", format!("`{}` is not appointed as authority of a county", approval.county)));
        }
        // no record names its county yet: where there are several, nobody can tell whose data these are
        if moment.law.holders(Role::County).len() > 1 {
            return Err(refuse(
                "county.several",
                "several counties are appointed, and records do not name theirs: one county only can approve",
            ));
        }
        if let Some(other) = approval.datasets.iter().find(|dataset| !is_of_county(book, dataset)) {
            return Err(refuse("county.level", format!("`{other}` is not recorded as data of a county")));
        }
        book.counties.0.approve(approval, moment.at).or_else(all_of)
    }
}

fn is_of_county(book: &Book, dataset: &DatasetId) -> bool {
    book.catalogue.0.record(dataset).is_some_and(|record| record.level == OriginLevel::County)
}

fn tell(book: &Book, _: &Law, now: Time) -> Vec<(String, String)> {
    let told = book.counties.0.all().map(|a| {
        let state =
            if now < a.until && !a.datasets.is_empty() { ("approves", "批准") } else { ("does not approve any more", "不再批准") };
        let count = a.datasets.len();
        (
            format!("{} {} {count} data sets under {}", a.county, state.0, a.authorisation),
            format!("{} {} {} 项下 {count} 个数据集", a.county, state.1, a.authorisation),
        )
    });
    told.collect()
}

/// What is against using these data sets under an authorisation.
fn against<'a>(book: &Book, authorisation: &AuthorisationId, datasets: impl Iterator<Item = &'a DatasetId>, now: Time) -> Vec<Finding> {
    let open = datasets.filter(|dataset| is_of_county(book, dataset) && !book.counties.0.covers(authorisation, dataset, now));
    let say = |dataset: &DatasetId| {
        Finding::new(
            "county.unapproved",
            dataset,
            (
                format!("`{dataset}` is of a county whose authority has not approved its use"),
                format!("`{dataset}` 为县级数据，未经县级主管部门批准"),
            ),
            ("let the county's authority file a county-approval", "请县级主管部门备案批准"),
        )
    };
    open.map(say).collect()
}

fn objections(book: &Book, contract: &Contract, _: &Law, now: Time) -> Vec<Finding> {
    against(book, &contract.authorisation.id, contract.inputs.iter().map(|input| &input.dataset), now)
}

#[cfg(test)]
mod tests {
    use super::super::super::rig::Court;
    use super::*;
    use yu_governance::catalogue::record::CatalogueRecord;
    use yu_governance::workflow::Appointment;

    fn approval() -> CountyApproval {
        toml::from_str(CountyApproval::EXAMPLE).unwrap()
    }

    fn code<T>(result: Result<T>) -> String {
        result.err().unwrap().detail.split(':').next().unwrap().to_owned()
    }

    #[test]
    fn d8_data_of_a_county_need_the_countys_own_approval() {
        let mut court = Court::new("zhejiang");
        let mut record: CatalogueRecord = toml::from_str(CatalogueRecord::EXAMPLE).unwrap();
        assert_eq!(code(court.file(approval(), &["sector"])), "county.party");
        let county = approval().county;
        let appointments = court.law.appointments.as_mut().unwrap();
        let key = appointments.appointed.iter().find(|a| a.party == county).unwrap().key;
        appointments.appointed.push(Appointment { role: Role::County, party: county, key });
        // the town has a county already: whose data these are nobody can tell then
        assert_eq!(code(court.file(approval(), &["sector"])), "county.several");
        let own = approval().county;
        court.law.appointments.as_mut().unwrap().appointed.retain(|a| a.role != Role::County || a.party == own);
        // of the city's data the county has nothing to say
        assert_eq!(code(court.file(approval(), &["sector"])), "county.level");
        record.level = OriginLevel::County;
        court.file(record, &["health"]).unwrap();
        let (authorisation, datasets) = (approval().authorisation, approval().datasets);
        let codes = |court: &Court, id: &AuthorisationId| -> Vec<String> {
            against(&court.book, id, datasets.iter(), court.at).into_iter().map(|finding| finding.code).collect()
        };
        assert_eq!(codes(&court, &authorisation), ["county.unapproved"]);
        // neither the provider nor the city approves for the county
        for by in ["health", "authority"] {
            assert_eq!(court.file(approval(), &[by]).unwrap_err().code, crate::fault::Code::Signature);
        }
        court.file(approval(), &["sector"]).unwrap();
        assert_eq!(codes(&court, &authorisation), Vec::<String>::new());
        assert_eq!(codes(&court, &"dev/authority/a-2".parse().unwrap()), ["county.unapproved"], "one authorisation");
        let earlier = CountyApproval { until: approval().until.plus_days(1), ..approval() };
        assert_eq!(code(court.file(earlier, &["sector"])), "county.order");
        let back = CountyApproval { datasets: Vec::new(), at: court.at, ..approval() };
        court.file(back, &["sector"]).unwrap();
        assert_eq!(codes(&court, &authorisation), ["county.unapproved"], "taken back");
        assert!(tell(&court.book, &court.law, court.at)[0].0.contains("any more"));
    }
}
