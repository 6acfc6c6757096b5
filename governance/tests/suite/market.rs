//! Dossiers for registries, trade, products of own sources, products that suppliers use free of charge.

use std::collections::{BTreeMap, BTreeSet};

use yu_governance::canonical::Hash;
use yu_governance::catalogue::licence::{Licence, check_own_sources};
use yu_governance::catalogue::product::{Delisting, ProductCatalogue, ProductEntry, ProductKind};
use yu_governance::catalogue::record::Registration;
use yu_governance::catalogue::{CatalogueEntry, Origin};
use yu_governance::finding::Checked;
use yu_governance::id::{DatasetId, ProductId, Purpose, Scenario, document_hash};
use yu_governance::lineage::{Builder, Fact, Graph, Output, Record};
use yu_governance::profile::Gate;
use yu_governance::register::{IsPublic, RegistrationDossier, Venue, may_trade};
use yu_governance::text::Text;
use yu_governance::workflow::product::Contents;

use super::machines::t;
use super::world::{BANK, HEALTH, STRANGER, World, dataset, hash, party, ring, sign};

fn codes<T: std::fmt::Debug>(checked: Checked<T>) -> Vec<String> {
    let found = checked.unwrap_err();
    assert!(found.iter().all(|f| !f.what.is_blank() && !f.remedy.is_blank() && !f.party.is_empty()));
    found.into_iter().map(|f| f.code).collect()
}

fn versions() -> BTreeSet<Hash> {
    [hash("health file"), hash("bank file")].into()
}

fn contents() -> Contents {
    Contents { v: 1, model: hash("model"), code: hash("service"), sources: versions(), purpose: Purpose::new("joint-statistics").unwrap() }
}

fn product() -> ProductId {
    ProductId::new("dev/bank/score").unwrap()
}

/// The story of one product; `left_out` counts records from the front that are missing.
fn graph(contents: &Contents, left_out: usize) -> Graph {
    let admitted = World::new().admitted();
    let job = admitted.id();
    let mut builder = Builder::new(ring(), BTreeSet::new());
    builder.contract(&admitted);
    let facts = [
        (HEALTH, Fact::Dataset { dataset: dataset(0), version: hash("health file") }),
        (BANK, Fact::Dataset { dataset: dataset(1), version: hash("bank file") }),
        (BANK, Fact::Algorithm { name: "service 1".into(), program: hash("service") }),
        (BANK, Fact::Made { job, output: Output::Model, content: hash("model") }),
        (BANK, Fact::Product { product: product(), number: 1, contents: contents.clone() }),
    ];
    for (signer, fact) in facts.into_iter().skip(left_out) {
        builder.record(&sign(Record { v: 1, recorder: party(signer), fact, at: t(100) }, signer)).unwrap();
    }
    builder.build().unwrap()
}

fn entry() -> ProductEntry {
    ProductEntry {
        v: 1,
        product: product(),
        number: 1,
        name: Text::new("score", "评分"),
        summary: Text::new("a score", "评分服务"),
        kind: ProductKind::Model,
        scenario: Scenario::new("普惠信贷").unwrap(),
        sources: [dataset(0), dataset(1)].into(),
        content: hash("model"),
        decision: hash("decision"),
        registrations: Vec::new(),
    }
}

fn listed(entry: &ProductEntry) -> ProductCatalogue {
    let mut catalogue = ProductCatalogue::new();
    catalogue.list(entry.clone(), &hash("decision"), &[ProductKind::Model, ProductKind::DataPackage].into(), t(10)).unwrap();
    catalogue
}

#[test]
fn o8_a_registration_dossier_follows_from_catalogue_and_lineage() {
    let (entry, contents) = (entry(), contents());
    let catalogue = listed(&entry);
    let make = |entry: &ProductEntry, contents: &Contents, graph: &Graph, at| {
        RegistrationDossier::make(&party(BANK), entry, &catalogue, contents, graph, t(at))
    };
    let whole = graph(&contents, 0);
    let dossier = make(&entry, &contents, &whole, 20).unwrap();
    assert_eq!((dossier.jobs, dossier.sources.len()), (1, 2));
    let signed = sign(dossier.clone(), BANK);
    assert_eq!(RegistrationDossier::verify(&signed, &whole, &ring()).unwrap(), document_hash(&dossier).unwrap());
    let embellished = RegistrationDossier { lineage: hash("nicer"), ..dossier.clone() };
    assert!(RegistrationDossier::verify(&sign(embellished, BANK), &whole, &ring()).unwrap_err().to_string().starts_with("dossier.lineage"));
    assert!(RegistrationDossier::verify(&sign(dossier.clone(), STRANGER), &whole, &ring()).is_err());
    assert!(RegistrationDossier::verify(&signed, &graph(&contents, 1), &ring()).is_err(), "other records");
    assert_eq!(codes(make(&entry, &contents, &whole, 9)), ["dossier.not-listed"]);
    assert_eq!(codes(make(&entry, &contents, &graph(&contents, 1), 20)), ["lineage.gap", "dossier.sources"], "a record is missing");
    let hidden = ProductEntry { sources: [dataset(1)].into(), ..entry.clone() };
    assert_eq!(codes(make(&hidden, &contents, &whole, 20)), ["dossier.not-listed", "dossier.sources"]);
    let foreign = RegistrationDossier::make(&party(HEALTH), &entry, &catalogue, &contents, &whole, t(20));
    assert_eq!(codes(foreign), ["dossier.owner"]);
    let less = Contents { sources: [hash("bank file")].into(), ..contents };
    assert_eq!(codes(make(&entry, &less, &graph(&less, 0), 20)), ["lineage.source-unstated"]);
}

#[test]
fn o8_trade_needs_listing_registration_and_the_right_place() {
    let trade = |entry: &ProductEntry, venue, rules, public| may_trade(&listed(entry), &entry.product, venue, rules, public, t(20));
    let (free, strict) = ((Gate::NotRequired, Gate::NotRequired), (Gate::Required, Gate::Required));
    trade(&entry(), Venue::Direct, free, IsPublic::No).unwrap();
    assert_eq!(codes(trade(&entry(), Venue::Direct, strict, IsPublic::No)), ["trade.not-registered", "trade.off-exchange"]);
    let registration = Registration { number: "2026-1".into(), registry: "data registry".into(), at: t(5) };
    let registered = ProductEntry { registrations: vec![registration], ..entry() };
    trade(&registered, Venue::Exchange, strict, IsPublic::No).unwrap();
    let rows = ProductEntry { kind: ProductKind::DataPackage, ..entry() };
    assert_eq!(codes(trade(&rows, Venue::Direct, free, IsPublic::No)), ["trade.rows"]);
    trade(&rows, Venue::Direct, free, IsPublic::Yes).unwrap();
    let mut catalogue = listed(&entry());
    catalogue.delist(&product(), Delisting::Order, t(15)).unwrap();
    assert_eq!(codes(may_trade(&catalogue, &product(), Venue::Exchange, free, IsPublic::No, t(20))), ["trade.not-listed"]);
}

#[test]
fn o10_a_product_without_public_data_proves_it_and_is_reviewed_all_the_same() {
    let own = ProductEntry { sources: BTreeSet::new(), ..entry() };
    let hash_of = document_hash(&contents()).unwrap();
    let [health, bank] = World::new().entries;
    let imported = Origin::Imported { source: "own customers".into(), licence: "contract".into() };
    let catalogue =
        |health: CatalogueEntry| -> BTreeMap<DatasetId, CatalogueEntry> { [(dataset(0), health), (dataset(1), bank.clone())].into() };
    let check = |entry: &ProductEntry, left_out, catalogue: &BTreeMap<DatasetId, CatalogueEntry>| {
        check_own_sources(entry, &hash_of, &graph(&contents(), left_out), catalogue)
    };
    assert_eq!(codes(check(&own, 0, &catalogue(health.clone()))), ["own-source.foreign"], "the health bureau's rows are in it");
    let relabelled = CatalogueEntry { origin: imported, ..health.clone() };
    assert_eq!(codes(check(&own, 0, &catalogue(relabelled))), ["own-source.foreign"], "a label makes them nobody else's");
    assert_eq!(codes(check(&own, 1, &catalogue(health.clone()))), ["own-source.gap"], "silence proves nothing");
    assert_eq!(codes(check(&own, 0, &[(dataset(1), bank.clone())].into())), ["own-source.unknown"]);
    assert_eq!(codes(check(&entry(), 0, &catalogue(health))), ["own-source.stated", "own-source.foreign"]);
    let none = ProductCatalogue::new().list(own, &hash("no such decision"), &[ProductKind::Model].into(), t(10));
    assert_eq!(codes(none), ["product.not-released"], "the same review as every other");
}

#[test]
fn o10_rows_of_ones_own_that_are_public_data_are_public_data() {
    // both inputs are the bank's
    let mut world = World::new();
    let visits = DatasetId::new("dev/bank/visits").unwrap();
    world.contract.inputs[0].dataset = visits.clone();
    let admitted = world.admitted();
    let only = contents();
    let mut builder = Builder::new(ring(), BTreeSet::new());
    builder.contract(&admitted);
    for fact in [
        Fact::Dataset { dataset: visits.clone(), version: hash("health file") },
        Fact::Dataset { dataset: dataset(1), version: hash("bank file") },
        Fact::Algorithm { name: "service 1".into(), program: hash("service") },
        Fact::Made { job: admitted.id(), output: Output::Model, content: hash("model") },
        Fact::Product { product: product(), number: 1, contents: only.clone() },
    ] {
        builder.record(&sign(Record { v: 1, recorder: party(BANK), fact, at: t(100) }, BANK)).unwrap();
    }
    let (graph, own) = (builder.build().unwrap(), ProductEntry { sources: BTreeSet::new(), ..entry() });
    let [_, bank] = World::new().entries;
    let hash_of = document_hash(&only).unwrap();
    let check = |second: CatalogueEntry| {
        let first = CatalogueEntry { dataset: visits.clone(), ..bank.clone() };
        check_own_sources(&own, &hash_of, &graph, &[(visits.clone(), first), (dataset(1), second)].into())
    };
    check(bank.clone()).unwrap();
    assert_eq!(codes(check(CatalogueEntry { origin: Origin::Public, ..bank.clone() })), ["own-source.public"]);
}

#[test]
fn o11_suppliers_use_what_became_of_their_data() {
    let licence =
        |free| Licence { v: 1, product: product(), entry: document_hash(&entry()).unwrap(), owner: party(BANK), supplier_free: free };
    let check = |licence: &Licence, signer: &str, rule| Licence::verify(&sign(licence.clone(), signer), &entry(), rule, &ring()).cloned();
    assert_eq!(codes(check(&licence(false), BANK, Gate::Required)), ["licence.supplier-free"]);
    check(&licence(false), BANK, Gate::NotRequired).unwrap();
    let free = check(&licence(true), BANK, Gate::Required).unwrap();
    assert!(free.is_free_for("health", &entry()) && !free.is_free_for("stranger", &entry()));
    assert!(!licence(false).is_free_for("health", &entry()));
    assert_eq!(codes(check(&licence(true), STRANGER, Gate::Required)), ["licence.signature"]);
    let other = Licence { entry: hash("version 2"), ..licence(true) };
    assert_eq!(codes(check(&other, BANK, Gate::Required)), ["licence.other"], "a licence is for one version");
    let foreign = Licence { owner: party(HEALTH), ..licence(true) };
    assert_eq!(codes(check(&foreign, HEALTH, Gate::Required)), ["licence.other"]);
    let own = ProductEntry { sources: BTreeSet::new(), ..entry() };
    let of_own = Licence { entry: document_hash(&own).unwrap(), ..licence(false) };
    Licence::verify(&sign(of_own, BANK), &own, Gate::Required, &ring()).unwrap();
}
