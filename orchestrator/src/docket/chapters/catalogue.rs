//! The catalogue of data (数据目录): records of the providers, version by version; supply that is withdrawn and resumed (K1-K4, K7, A6, A16, A17, A21).

use super::super::book::Book;
use super::super::kind::{Document, Kind, Moment, all_of, refuse};
use super::Chapter;
use crate::fault::Result;
use crate::procedure::law::Law;
use yu_governance::catalogue::record::{CatalogueRecord, Freshness, Hook, Registration};
use yu_governance::catalogue::shelf::{Catalogue, Supply};
use yu_governance::catalogue::supply::SupplyChange;
use yu_governance::clock::Time;
use yu_governance::contract::Contract;
use yu_governance::finding::Finding;
use yu_governance::id::PartyName;
use yu_governance::sign::Signed;
use yu_governance::workflow::Role;

/// Days after which a data set that was not renewed in its rhythm is shown as stale: our default, no text sets one.
pub(crate) const GRACE_DAYS: u32 = 30;

pub(super) const CHAPTER: Chapter = Chapter {
    name: "catalogue",
    title: ("catalogue of data", "数据目录"),
    kinds: &[Kind::of::<CatalogueRecord>(), Kind::of::<SupplyChange>()],
    tell,
    objections,
};

/// The catalogue as the docket makes it.
#[derive(Default)]
pub struct Shelf(pub Catalogue);

impl Document for CatalogueRecord {
    const KIND: &'static str = "catalogue-record";
    const TITLE: (&'static str, &'static str) = ("record of a data set", "数据目录条目");
    const EXAMPLE: &'static str = include_str!("catalogue/record.toml");

    fn signers(&self, book: &Book, law: &Law) -> Result<Vec<PartyName>> {
        let provider = self.entry.provider.clone();
        let before = book.catalogue.0.record(&self.entry.dataset);
        Ok(if before.is_some_and(|before| self.lowers(before)) { vec![provider, law.authority.clone()] } else { vec![provider] })
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let record = &signed.payload;
        if !moment.law.holders(Role::Provider).contains(&record.entry.provider) {
            return Err(refuse("catalogue.provider", format!("`{}` is not appointed as provider", record.entry.provider)));
        }
        let (shelf, law) = (&mut book.catalogue.0, moment.law);
        let entered = if signed.names(law.authority.as_str()) && law.authority != record.entry.provider {
            shelf.publish_lowered(signed, &law.authority, &law.ring)
        } else {
            shelf.publish(signed, &law.ring)
        };
        entered.map(drop).or_else(all_of)
    }
}

impl Document for SupplyChange {
    const KIND: &'static str = "supply-change";
    const TITLE: (&'static str, &'static str) = ("withdrawal of supply, or its resumption", "供给撤回或恢复");
    const EXAMPLE: &'static str = include_str!("catalogue/supply.toml");

    fn signers(&self, book: &Book, _: &Law) -> Result<Vec<PartyName>> {
        match book.catalogue.0.record(&self.dataset) {
            Some(record) => Ok(vec![record.entry.provider.clone()]),
            None => Err(refuse("catalogue.unknown", format!("`{}` has no record in the catalogue", self.dataset))),
        }
    }

    fn enter(signed: &Signed<Self>, book: &mut Book, moment: Moment<'_>) -> Result<()> {
        let change = &signed.payload;
        let shelf = &mut book.catalogue.0;
        let entered = match &change.withdrawn {
            Some(reason) => shelf.withdraw(&change.dataset, reason.clone(), moment.at),
            None => shelf.restore(&change.dataset, moment.at),
        };
        entered.map(drop).or_else(all_of)
    }
}

fn tell(book: &Book, _: &Law, now: Time) -> Vec<(String, String)> {
    let shelf = &book.catalogue.0;
    let told = shelf.records().map(|record| {
        let (dataset, number) = (&record.entry.dataset, record.number);
        let supply = match shelf.supply(dataset) {
            Some(Supply::Withdrawn { .. }) => ("withdrawn", "已撤回供给"),
            _ => ("supplied", "正常供给"),
        };
        let fresh = match record.freshness(now, GRACE_DAYS) {
            Freshness::Fresh => ("fresh", "更新及时"),
            Freshness::Stale { .. } => ("STALE", "更新逾期"),
            Freshness::Unbound => ("no rhythm promised", "未承诺更新频率"),
            Freshness::NotHooked => ("not linked to data", "未挂接数据"),
        };
        (format!("{dataset} version {number}: {}, {}", supply.0, fresh.0), format!("{dataset} 第 {number} 版：{}，{}", supply.1, fresh.1))
    });
    told.collect()
}

/// K3: registration before use, and the version that the node holds; A21: what was withdrawn is not used for new jobs; A6: what was closed since is not used at all.
fn objections(book: &Book, contract: &Contract, law: &Law, _: Time) -> Vec<Finding> {
    let shelf = &book.catalogue.0;
    let providers = law.holders(Role::Provider);
    // what a licensee brings in of its own is an import, not an entry of the catalogue
    let is_supplied = |input: &&yu_governance::contract::Input| {
        shelf.record(&input.dataset).is_some() || providers.iter().any(|who| who.organisation() == input.dataset.organisation())
    };
    let of = |input: &yu_governance::contract::Input| {
        let dataset = &input.dataset;
        let finding = |code: &str, en: String, zh: String, remedy: (&str, &str)| Some(Finding::new(code, dataset, (en, zh), remedy));
        match (shelf.record(dataset), shelf.supply(dataset)) {
            (None, _) => finding(
                "catalogue.unregistered",
                format!("`{dataset}` has no record in the catalogue"),
                format!("`{dataset}` 未编入目录"),
                ("let its provider file a catalogue-record", "请提供单位备案目录条目"),
            ),
            (Some(_), Some(Supply::Withdrawn { reason, .. })) => finding(
                "catalogue.withdrawn",
                format!("supply of `{dataset}` is withdrawn: {}", reason.en),
                format!("`{dataset}` 已撤回供给：{}", reason.zh),
                ("ask the provider", "请联系提供单位"),
            ),
            (Some(record), _) if record.entry.is_closed() => finding(
                "catalogue.closed",
                format!("`{dataset}` is closed to the public by its present record"),
                format!("`{dataset}` 现行条目为禁止开放"),
                ("it cannot be authorised", "不得授权"),
            ),
            (Some(record), _) if !record.registration.as_ref().is_some_and(Registration::is_complete) => finding(
                "catalogue.not-registered",
                format!("`{dataset}` has no registration number"),
                format!("`{dataset}` 没有登记编号"),
                ("register the resource, then file a version that says so", "先完成公共数据资源登记，再备案新版目录"),
            ),
            (Some(record), _) => match &record.hook {
                Hook::NotHooked => finding(
                    "catalogue.not-hooked",
                    format!("`{dataset}` is not linked to data"),
                    format!("`{dataset}` 尚未挂接数据"),
                    ("let its provider link the data in a new version", "请提供单位在新版目录中挂接数据"),
                ),
                Hook::Hooked { version, .. } if *version != input.version => finding(
                    "catalogue.other-version",
                    format!("the job reads another version of `{dataset}` than the catalogue names"),
                    format!("任务读取的 `{dataset}` 版本与目录所列不同"),
                    ("let its provider file a record of the version that it holds", "请提供单位按现持有的版本备案目录"),
                ),
                Hook::Hooked { .. } => None,
            },
        }
    };
    contract.inputs.iter().filter(is_supplied).filter_map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::super::super::rig::Court;
    use super::*;
    use yu_governance::text::Text;

    fn record() -> CatalogueRecord {
        toml::from_str(CatalogueRecord::EXAMPLE).unwrap()
    }

    fn code(result: Result<yu_governance::canonical::Hash>) -> String {
        result.unwrap_err().detail.split([':', ' ']).next().unwrap().to_owned()
    }

    #[test]
    fn k2_k3_a21_records_follow_each_other_and_supply_is_switched_by_the_provider() {
        let mut court = Court::new("zhejiang");
        let first = court.file(record(), &["health"]).unwrap();
        // nobody else speaks for the provider, and nothing is filed twice
        assert_eq!(court.file(CatalogueRecord { number: 2, ..record() }, &["bank"]).unwrap_err().code, crate::fault::Code::Signature);
        assert_eq!(court.file(record(), &["health"]).unwrap_err().code, crate::fault::Code::Exists);
        assert_eq!(code(court.file(CatalogueRecord { number: 2, at: court.at, ..record() }, &["health"])), "catalogue.version-chain");
        let mut next = CatalogueRecord { number: 2, previous: Some(first), at: court.at, ..record() };
        next.entry.rows = 2100;
        court.file(next.clone(), &["health"]).unwrap();
        assert_eq!(court.book.catalogue.0.record(&next.entry.dataset).unwrap().number, 2);
        let change = |withdrawn: Option<Text>, at| SupplyChange { v: 1, dataset: next.entry.dataset.clone(), withdrawn, at };
        assert_eq!(code(court.file(change(Some(Text::new("", "")), court.at), &["health"])), "catalogue.reason-missing");
        court.file(change(Some(Text::new("corrected", "整改")), court.at), &["health"]).unwrap();
        assert!(tell(&court.book, &court.law, court.at)[0].0.contains("withdrawn"));
        court.pass_days(1);
        court.file(change(None, court.at), &["health"]).unwrap();
        assert_eq!(code(court.file(change(None, court.at.plus_seconds(1)), &["health"])), "catalogue.available");
    }

    #[test]
    fn a16_a17_what_protects_less_needs_the_authority_as_well() {
        let mut court = Court::new("zhejiang");
        let first = court.file(record(), &["health"]).unwrap();
        let mut lower = CatalogueRecord { number: 2, previous: Some(first), at: court.at, ..record() };
        lower.level = yu_governance::catalogue::record::OriginLevel::County;
        assert_eq!(court.file(lower.clone(), &["health"]).unwrap_err().code, crate::fault::Code::Signature);
        court.file(lower, &["health", "authority"]).unwrap();
    }
}
