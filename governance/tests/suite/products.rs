//! Products, listed and de-listed; demands and gaps.

use std::collections::BTreeSet;

use yu_governance::catalogue::demand::{Demand, DemandRegister, Lack, Need};
use yu_governance::catalogue::product::{Delisting, Listing, ProductCatalogue, ProductEntry, ProductKind};
use yu_governance::catalogue::record::Registration;
use yu_governance::id::{DatasetId, ProductId, RequestId, Scenario};
use yu_governance::text::Text;

use crate::catalogue::{codes, published};
use crate::world::{at, dataset, hash, set};

fn product() -> ProductEntry {
    ProductEntry {
        v: 1,
        product: ProductId::new("dev/bank/score").unwrap(),
        number: 1,
        name: Text::new("score", "评分"),
        summary: Text::new("a score", "评分服务"),
        kind: ProductKind::Interface,
        scenario: Scenario::new("普惠信贷").unwrap(),
        sources: BTreeSet::from([dataset(0)]),
        content: hash("model"),
        decision: hash("decision"),
        registrations: Vec::new(),
    }
}

fn kinds() -> BTreeSet<ProductKind> {
    BTreeSet::from([ProductKind::Interface, ProductKind::Model])
}

#[test]
fn k8_products_are_listed_after_a_decision_and_de_listed_for_good() {
    let mut shelf = ProductCatalogue::new();
    let (now, decision) = (at("2026-10-01T00:00:00Z"), hash("decision"));
    let id = product().product;
    assert_eq!(codes(&shelf.delist(&id, Delisting::Owner, now).unwrap_err()), ["product.missing"]);
    shelf.list(product(), &decision, &kinds(), now).unwrap();
    assert_eq!(shelf.listed(&id, now), Some(&product()));
    assert_eq!(shelf.listed(&id, now.plus_seconds(-1)), None);
    assert_eq!(shelf.resting_on(&dataset(0)), [&id], "A21: affected by a withdrawal");
    assert!(shelf.resting_on(&dataset(1)).is_empty());
    let second = ProductEntry { number: 2, content: hash("model 2"), ..product() };
    shelf.list(second.clone(), &decision, &kinds(), now.plus_days(1)).unwrap();
    assert!(matches!(shelf.history(&id)[0].1, Listing::Delisted { reason: Delisting::Replaced, .. }));
    shelf.delist(&id, Delisting::SourceWithdrawn, now.plus_days(2)).unwrap();
    assert_eq!(shelf.listed(&id, now.plus_days(3)), None);
    assert!(shelf.resting_on(&dataset(0)).is_empty());
    assert_eq!(codes(&shelf.delist(&id, Delisting::Owner, now).unwrap_err()), ["product.not-listed"]);
    // the same version never comes back; a new one may
    assert_eq!(codes(&shelf.list(second, &decision, &kinds(), now).unwrap_err()), ["product.version"]);
    shelf.list(ProductEntry { number: 3, ..product() }, &decision, &kinds(), now.plus_days(4)).unwrap();
    let delta = shelf.changes_since(0).unwrap();
    assert_eq!(delta.changes.len(), 4);
    assert!(delta.changes.iter().flat_map(|c| &c.sentences).all(|s| !s.is_blank()));
}

#[test]
fn k8_every_objection_to_a_product_is_named_at_once() {
    let mut shelf = ProductCatalogue::new();
    let bad = ProductEntry {
        number: 2,
        kind: ProductKind::DataPackage,
        name: Text::new("score", ""),
        registrations: vec![Registration { number: String::new(), registry: "r".into(), at: at("2026-10-01T00:00:00Z") }],
        ..product()
    };
    let found = shelf.list(bad, &hash("another decision"), &kinds(), at("2026-10-01T00:00:00Z")).unwrap_err();
    let all = ["product.not-released", "product.kind", "product.version", "product.field-missing", "product.registration-blank"];
    assert_eq!(codes(&found), all);
    assert!(shelf.history(&product().product).is_empty());
}

fn demand(name: &str, scenario: &str, needs: &[(&str, &[&str])], time: &str) -> Demand {
    let need = |(d, items): &(&str, &[&str])| Need { dataset: DatasetId::new(*d).unwrap(), items: set(items) };
    Demand {
        v: 1,
        id: RequestId::new(name).unwrap(),
        scenario: Scenario::new(scenario).unwrap(),
        purpose: Text::new("credit", "信贷"),
        needs: needs.iter().map(need).collect(),
        at: at(time),
    }
}

#[test]
fn k9_demands_show_the_gaps_of_the_catalogue() {
    let mut register = DemandRegister::new();
    let october = "2026-10-05T00:00:00Z";
    register
        .add(demand("dev/bank/d1", "credit", &[("dev/health/insured", &["cost", "age"]), ("dev/tax/invoices", &["sum"])], october))
        .unwrap();
    register.add(demand("dev/insurer/d1", "fraud", &[("dev/health/insured", &["age"])], october)).unwrap();
    register.add(demand("dev/insurer/d2", "fraud", &[("dev/tax/invoices", &["sum"])], "2026-12-01T00:00:00Z")).unwrap();
    let mut catalogue = published();
    let period = (at("2026-10-01T00:00:00Z"), at("2026-11-01T00:00:00Z"));
    let gaps = register.gaps(&catalogue, period, at("2026-10-20T00:00:00Z"), 0);
    let seen: Vec<(&str, &Lack, u64)> = gaps.iter().map(|g| (g.dataset.as_str(), &g.lack, g.demands)).collect();
    assert_eq!(seen, [("dev/health/insured", &Lack::NoItem { item: "age".into() }, 2), ("dev/tax/invoices", &Lack::NoDataset, 1)]);
    assert_eq!(gaps[0].organisations, BTreeSet::from(["bank".to_owned(), "insurer".to_owned()]));
    assert_eq!(gaps[0].scenarios.len(), 2);
    catalogue.withdraw(&dataset(0), Text::new("wrong", "有误"), at("2026-10-21T00:00:00Z")).unwrap();
    let later = register.gaps(&catalogue, period, at("2026-12-20T00:00:00Z"), 0);
    let lacks: BTreeSet<&Lack> = later.iter().filter(|g| g.dataset == dataset(0)).map(|g| &g.lack).collect();
    assert_eq!(lacks, BTreeSet::from([&Lack::NoItem { item: "age".into() }, &Lack::Withdrawn, &Lack::Stale]));
}

#[test]
fn k9_a_demand_is_checked() {
    let mut register = DemandRegister::new();
    let time = "2026-10-05T00:00:00Z";
    register.add(demand("dev/bank/d1", "credit", &[("dev/health/insured", &["cost"])], time)).unwrap();
    let again = register.add(demand("dev/bank/d1", "credit", &[("prod/health/insured", &[])], time)).unwrap_err();
    assert_eq!(codes(&again), ["demand.empty", "demand.environment", "demand.repeated"]);
    let mut silent = demand("dev/bank/d2", "credit", &[("dev/health/insured", &["cost"])], time);
    silent.purpose.zh.clear();
    assert_eq!(codes(&register.add(silent).unwrap_err()), ["demand.purpose-missing"]);
}
