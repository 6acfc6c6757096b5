use super::super::super::book::Book;
use super::super::super::kind::Document;
use super::super::super::line::STEP;
use super::super::super::rig::{Court, hash, party};
use super::*;
use crate::fault::Result;
use yu_governance::catalogue::offer::{Form, ItemAnswer};
use yu_governance::catalogue::product::Delisting;
use yu_governance::catalogue::record::CatalogueRecord;
use yu_governance::catalogue::supply::SupplyChange;
use yu_governance::id::{JobId, document_hash};
use yu_governance::profile::ProductCheck;
use yu_governance::text::Text;
use yu_governance::workflow::product::{Case, Event};
use yu_governance::workflow::{Machine as _, Replayed, Role, Signer};

/// The town under a profile, with a record of the visits filed.
fn court(profile: &str) -> Court {
    let mut court = Court::new(profile);
    // two people sign where one role decides with two signatures
    court.law.roster = court.law.roster.clone().with(Role::Platform, party("coordination"));
    let record: CatalogueRecord = toml::from_str(CatalogueRecord::EXAMPLE).unwrap();
    court.file(record, &["health"]).unwrap();
    court
}

fn code<T: std::fmt::Debug>(result: Result<T>) -> String {
    result.unwrap_err().detail.split(':').next().unwrap().to_owned()
}

fn offered(court: &Court) -> ProductVersion {
    let mut version: ProductVersion = toml::from_str(ProductVersion::EXAMPLE).unwrap();
    version.contents.model = hash("model");
    version.contents.code = hash("code");
    version.form = Form::Report { job: JobId(hash("job")) };
    assert!(court.book.products.latest(&version.product).is_none_or(|(_, last)| last.number > 0));
    version
}

fn next(version: &ProductVersion, code: &str) -> ProductVersion {
    let mut next = ProductVersion { number: version.number + 1, previous: Some(document_hash(version).unwrap()), ..version.clone() };
    next.contents.code = hash(code);
    next
}

fn review(court: &Court, version: &ProductVersion) -> ProductReview {
    let review: ProductReview = toml::from_str(ProductReview::EXAMPLE).unwrap();
    ProductReview { version: document_hash(version).unwrap(), at: court.at, ..review }
}

/// The procedure of a version up to its last event, each step taken in by the authority.
struct Procedure {
    at: Replayed<Case>,
    steps: Vec<yu_governance::sign::Signed<yu_governance::workflow::Arrow<Case>>>,
}

impl Procedure {
    fn new(version: &ProductVersion) -> Self {
        Self { at: Replayed::new(&version.object()), steps: Vec::new() }
    }

    fn step(&mut self, court: &mut Court, event: Event, evidence: Hash) {
        let rules = court.law.rules().product();
        let mut signers: Vec<Signer> = Vec::new();
        let names = ["bank", "checker", "authority", "platform", "coordination", "reviewer"];
        for need in self.at.case().needs(&event, &rules) {
            let holder = need
                .any
                .iter()
                .flat_map(|role| names.iter().map(move |name| (*role, party(name))))
                .find(|(role, who)| court.law.roster.holds(*role, who) && signers.iter().all(|signer| signer.party != *who));
            let (role, party) = holder.unwrap_or_else(|| panic!("nobody signs as {:?}", need.any));
            signers.push(Signer { role, party });
        }
        let arrow = self.at.arrow(event, signers.clone(), evidence, court.at, &rules).unwrap();
        let by: Vec<&str> = signers.iter().map(|signer| signer.party.organisation()).collect();
        let signed = court.signed(arrow, &by);
        self.at = self.at.follow(&signed, court.at, &rules, &court.law.roster, &court.law.ring).unwrap();
        let place = court.book.length;
        court.book.documents.insert(document_hash(&signed.payload).unwrap(), (STEP, place));
        self.steps.push(signed);
    }

    /// Drafted, checked on a review, decided, filed where the profile asks.
    fn whole(court: &mut Court, version: &ProductVersion, replaces: Option<&ProductVersion>, evidence: Hash) -> Self {
        let contents = document_hash(&version.contents).unwrap();
        let replaces = replaces.map(|before| document_hash(&before.contents).unwrap());
        let mut own = Self::new(version);
        own.step(court, Event::Draft { contents, replaces, sensitive: false }, hash("draft"));
        own.step(court, Event::Check { contents }, evidence);
        own.step(court, Event::Decide { contents }, hash("decision"));
        if court.law.rules().product().filed_with.is_some() {
            own.step(court, Event::File { contents }, hash("receipt"));
        }
        own
    }

    fn listing(&self, court: &Court, version: &ProductVersion) -> ProductListing {
        let version = document_hash(version).unwrap();
        ProductListing { v: 1, lister: party("platform"), version, steps: self.steps.clone(), registrations: Vec::new(), at: court.at }
    }
}

/// Offered, reviewed, decided, listed.
fn listed(court: &mut Court, version: &ProductVersion, before: Option<&ProductVersion>) {
    court.file(version.clone(), &["bank"]).unwrap();
    let review = court.file(review(court, version), &["checker"]).unwrap();
    let procedure = Procedure::whole(court, version, before, review);
    court.file(procedure.listing(court, version), &["platform"]).unwrap();
}

#[test]
fn o1_what_a_kind_of_product_says_is_checked_and_what_a_text_leaves_open_is_off() {
    let mut court = court("zhenjiang");
    let version = offered(&court);
    // the example is a report; the text's list ends in "etc."
    let columns = ["district".to_owned()].into();
    let package = Form::DataPackage { job: JobId(hash("job")), columns, rows: 10 };
    assert_eq!(code(court.file(ProductVersion { form: package.clone(), ..version.clone() }, &["bank"])), "product.kind-undecided");
    let blank = Text::new("", "");
    for form in [
        Form::Model { format: " ".into(), gate: hash("gate") },
        Form::Interface { description: hash("api"), subjects_per_call: 0 },
        Form::Service { description: hash("api"), level: blank.clone() },
    ] {
        assert_eq!(code(court.file(ProductVersion { form, ..version.clone() }, &["bank"])), "product.form");
    }
    court.file(ProductVersion { form: Form::Model { format: "onnx".into(), gate: hash("gate") }, ..version.clone() }, &["bank"]).unwrap();
    // where packages are products they state rows and columns
    let mut other = super::tests::court("zhejiang");
    let empty = Form::DataPackage { job: JobId(hash("job")), columns: Default::default(), rows: 10 };
    assert_eq!(code(other.file(ProductVersion { form: empty, ..version.clone() }, &["bank"])), "product.form");
    let hollow = Form::BusinessService { description: hash("api"), delivers: blank };
    assert_eq!(code(other.file(ProductVersion { form: hollow, ..version.clone() }, &["bank"])), "product.form");
    other.file(ProductVersion { form: package, ..version }, &["bank"]).unwrap();
}

#[test]
fn o1_o2_a_change_is_a_new_version_and_nobody_offers_anothers() {
    let mut court = court("zhejiang");
    let first = offered(&court);
    assert_eq!(court.file(first.clone(), &["health"]).unwrap_err().code, crate::fault::Code::Signature);
    let foreign = ProductVersion { owner: party("studio"), ..first.clone() };
    assert_eq!(code(court.file(foreign, &["studio"])), "product.owner");
    let provider = ProductVersion { owner: party("health"), ..first.clone() };
    assert_eq!(code(court.file(provider, &["health"])), "product.owner");
    assert_eq!(code(court.file(ProductVersion { number: 2, ..first.clone() }, &["bank"])), "product.version");
    let unknown = ProductVersion { sources: ["dev/tax/invoices".parse().unwrap()].into(), ..first.clone() };
    assert_eq!(code(court.file(unknown, &["bank"])), "product.source-unknown");
    let silent = ProductVersion { sources: Default::default(), ..first.clone() };
    assert_eq!(code(court.file(silent, &["bank"])), "product.sources");
    court.file(first.clone(), &["bank"]).unwrap();
    assert_eq!(code(court.file(next(&first, "code"), &["bank"])), "product.no-change");
    let second = next(&first, "code 2");
    assert_eq!(code(court.file(ProductVersion { previous: Some(hash("other")), ..second.clone() }, &["bank"])), "product.version");
    court.file(second.clone(), &["bank"]).unwrap();
    // back to what was reviewed before, under a new number
    assert_eq!(code(court.file(next(&second, "code"), &["bank"])), "product.no-change");
}

#[test]
fn o6_a_product_is_reviewed_item_by_item_by_somebody_else() {
    let mut court = court("zhenjiang");
    let version = offered(&court);
    court.file(version.clone(), &["bank"]).unwrap();
    let whole = review(&court, &version);
    assert_eq!(code(court.file(ProductReview { checker: party("bank"), ..whole.clone() }, &["bank"])), "product.checker");
    for item in [ProductCheck::Purpose, ProductCheck::Sources, ProductCheck::RawExposure, ProductCheck::Leak, ProductCheck::OtherRisk] {
        let mut less = whole.clone();
        less.items.remove(&item);
        assert_eq!(code(court.file(less, &["checker"])), "product.review-item");
        let mut groundless = whole.clone();
        groundless.items.insert(item, ItemAnswer { holds: true, ground: Text::new("", "") });
        assert_eq!(code(court.file(groundless, &["checker"])), "product.review-item");
    }
    let old = ProductReview { at: court.at.plus_days(-31), ..whole.clone() };
    assert_eq!(code(court.file(old, &["checker"])), "product.date");
    let stray = ProductReview { version: hash("nothing"), ..whole.clone() };
    assert_eq!(code(court.file(stray, &["checker"])), "product.unknown");
    // an item that fails is told, and nothing is listed on it
    let mut failing = whole.clone();
    failing.items.insert(ProductCheck::Leak, ItemAnswer { holds: false, ground: Text::new("a name is in it", "含姓名") });
    court.file(failing, &["checker"]).unwrap();
    assert!(tell(&court.book, &court.law, court.at)[0].0.contains("fails: leaks no personal"));
}

#[test]
fn k8_o2_o3_o8_a_version_is_listed_on_its_review_its_decision_and_its_filing() {
    let mut court = court("zhongwei");
    let version = offered(&court);
    court.file(version.clone(), &["bank"]).unwrap();
    let passed = court.file(review(&court, &version), &["checker"]).unwrap();
    let whole = Procedure::whole(&mut court, &version, None, passed);
    assert_eq!(whole.steps.len(), 4);
    // without the filing, without the decision, without any step
    for count in 0..4 {
        let mut listing = whole.listing(&court, &version);
        listing.steps.truncate(count);
        let expected = if count == 3 { "product.not-filed" } else { "product.not-decided" };
        assert_eq!(code(court.file(listing, &["platform"])), expected, "{count} steps");
    }
    // a step that the authority never took in
    let known = court.book.documents.clone();
    court.book.documents.remove(&document_hash(&whole.steps[2].payload).unwrap());
    assert_eq!(code(court.file(whole.listing(&court, &version), &["platform"])), "product.step-unknown");
    court.book.documents = known;
    // a signature that is another's, and somebody who does not list
    let mut forged = whole.listing(&court, &version);
    forged.steps[2].signatures[0].sig = forged.steps[1].signatures[0].sig;
    assert!(court.file(forged, &["platform"]).is_err());
    let own = ProductListing { lister: party("bank"), ..whole.listing(&court, &version) };
    assert_eq!(code(court.file(own, &["bank"])), "product.lister");
    court.file(whole.listing(&court, &version), &["platform"]).unwrap();
    assert_eq!(code(court.file(whole.listing(&court, &version), &["platform"])).as_str(), "the document is filed already");
    let later = ProductListing { at: court.at.plus_seconds(-1), ..whole.listing(&court, &version) };
    assert!(court.file(later, &["platform"]).is_err(), "once");
    assert!(court.book.products.catalogue.listed(&version.product, court.at).is_some());

    // the procedure of one version lists no other
    let second = next(&version, "code 2");
    court.file(second.clone(), &["bank"]).unwrap();
    let listing = ProductListing { version: document_hash(&second).unwrap(), ..whole.listing(&court, &version) };
    assert_eq!(code(court.file(listing, &["platform"])), "product.other-version");
    // nor does the review of one
    let borrowed = Procedure::whole(&mut court, &second, Some(&version), passed);
    assert_eq!(code(court.file(borrowed.listing(&court, &second), &["platform"])), "product.not-reviewed");
    let mut failing = review(&court, &second);
    failing.items.insert(ProductCheck::Purpose, ItemAnswer { holds: false, ground: Text::new("another use", "其他用途") });
    let failed = court.file(failing, &["checker"]).unwrap();
    let refused = Procedure::whole(&mut court, &second, Some(&version), failed);
    assert_eq!(code(court.file(refused.listing(&court, &second), &["platform"])), "product.item-failed");
    court.pass_days(1);
    let passed = court.file(review(&court, &second), &["checker"]).unwrap();
    let good = Procedure::whole(&mut court, &second, Some(&version), passed);
    court.file(good.listing(&court, &second), &["platform"]).unwrap();
    let history = court.book.products.catalogue.history(&version.product);
    assert!(matches!(history, [(_, Listing::Delisted { reason: Delisting::Replaced, .. }), (_, Listing::Listed { .. })]));
}

#[test]
fn k8_o8_a21_products_are_taken_down_by_whom_the_rules_name() {
    let mut court = court("zhejiang");
    let version = offered(&court);
    listed(&mut court, &version, None);
    let order = |court: &Court, by: &str, reason| ProductDelisting {
        v: 1,
        by: party(by),
        product: version.product.clone(),
        number: 1,
        reason,
        why: Text::new("because", "因故"),
        at: court.at,
    };
    for (by, reason) in [
        ("health", Delisting::Owner),
        ("bank", Delisting::Order),
        ("platform", Delisting::Owner),
        ("studio", Delisting::Owner),
        ("authority", Delisting::Replaced),
        ("platform", Delisting::SourceWithdrawn),
    ] {
        assert_eq!(code(court.file(order(&court, by, reason), &[by])), "product.delister", "{by}");
    }
    let blank = ProductDelisting { why: Text::new("", ""), ..order(&court, "bank", Delisting::Owner) };
    assert_eq!(code(court.file(blank, &["bank"])), "product.reason-missing");
    let other = ProductDelisting { number: 2, ..order(&court, "bank", Delisting::Owner) };
    assert_eq!(code(court.file(other, &["bank"])), "product.other-version");
    // supply of a source ends: nobody calls it, and the platform may take it down
    court.book.products.callable(&version.product, &court.book, &court.law, court.at).unwrap();
    let withdrawn = Some(Text::new("corrected", "整改"));
    let change = SupplyChange { v: 1, dataset: "dev/health/visits".parse().unwrap(), withdrawn, at: court.at };
    court.file(change, &["health"]).unwrap();
    let callable = court.book.products.callable(&version.product, &court.book, &court.law, court.at);
    assert_eq!(code(callable.map(drop)), "product.source-withdrawn");
    assert!(tell(&court.book, &court.law, court.at)[0].0.contains("not callable"));
    court.file(order(&court, "platform", Delisting::SourceWithdrawn), &["platform"]).unwrap();
    let again = order(&court, "authority", Delisting::Order);
    assert_eq!(code(court.file(again, &["authority"])), "product.not-listed");
    assert!(tell(&court.book, &court.law, court.at)[0].0.contains("de-listed"));
}

#[test]
fn o8_o11_licence_and_dossier_are_of_the_version_that_is_listed() {
    let mut court = court("zhongwei");
    let version = offered(&court);
    listed(&mut court, &version, None);
    let entry = court.book.products.catalogue.listed(&version.product, court.at).unwrap().clone();
    let licence = |free| Licence {
        v: 1,
        product: version.product.clone(),
        entry: document_hash(&entry).unwrap(),
        owner: party("bank"),
        supplier_free: free,
    };
    let callable =
        |court: &Court| court.book.products.callable(&version.product, &court.book, &court.law, court.at).map(|(_, l)| l.cloned());
    assert_eq!(code(callable(&court)), "product.not-licensed");
    assert_eq!(code(court.file(licence(false), &["bank"])), "licence.supplier-free");
    assert_eq!(code(court.file(Licence { entry: hash("old"), ..licence(true) }, &["bank"])), "licence.other");
    court.file(licence(true), &["bank"]).unwrap();
    assert!(callable(&court).unwrap().unwrap().is_free_for("health", &entry), "the supplier pays nothing");
    let dossier = RegistrationDossier {
        v: 1,
        owner: party("bank"),
        product: version.product.clone(),
        number: 1,
        name: version.name.clone(),
        kind: version.form.kind(),
        contents: document_hash(&version.contents).unwrap(),
        decision: entry.decision,
        sources: version.sources.clone(),
        jobs: 1,
        lineage: hash("trace"),
        at: court.at,
    };
    for wrong in [
        RegistrationDossier { number: 2, ..dossier.clone() },
        RegistrationDossier { contents: hash("nicer"), ..dossier.clone() },
        RegistrationDossier { sources: Default::default(), ..dossier.clone() },
        RegistrationDossier { decision: hash("none"), ..dossier.clone() },
    ] {
        assert_eq!(code(court.file(wrong, &["bank"])), "dossier.contents");
    }
    assert_eq!(court.file(dossier.clone(), &["platform"]).unwrap_err().code, crate::fault::Code::Signature);
    court.file(dossier, &["bank"]).unwrap();
}

#[test]
fn o10_a_product_of_own_sources_passes_the_same_review() {
    let mut court = court("zhejiang");
    let mut own = ProductVersion { sources: Default::default(), ..offered(&court) };
    own.contents.sources.clear();
    court.file(own.clone(), &["bank"]).unwrap();
    let stray = Procedure::whole(&mut court, &own, None, hash("no review"));
    assert_eq!(code(court.file(stray.listing(&court, &own), &["platform"])), "product.not-reviewed");
    let passed = court.file(review(&court, &own), &["checker"]).unwrap();
    let whole = Procedure::whole(&mut court, &own, None, passed);
    court.file(whole.listing(&court, &own), &["platform"]).unwrap();
    court.book.products.callable(&own.product, &court.book, &court.law, court.at).unwrap();
}

#[test]
fn o3_a_result_leaves_only_after_its_own_filing() {
    let mut court = court("zhongwei");
    let filing = |court: &Court| ResultFiling {
        v: 1,
        job: JobId(hash("job")),
        result: hash("result"),
        reviewer: party("platform"),
        filed_with: party("authority"),
        number: "F-1".into(),
        at: court.at,
    };
    let may = |book: &Book, law: &Law, result: &str| code_of(is_filed(book, law, hash("job"), Some(hash(result))));
    assert_eq!(may(&court.book, &court.law, "result"), "product.not-filed");
    assert_eq!(court.file(filing(&court), &["platform"]).unwrap_err().code, crate::fault::Code::Signature, "the authority as well");
    let elsewhere = ResultFiling { filed_with: party("health"), ..filing(&court) };
    assert_eq!(code(court.file(elsewhere, &["platform", "health"])), "product.filed-with");
    let nameless = ResultFiling { number: " ".into(), ..filing(&court) };
    assert_eq!(code(court.file(nameless, &["platform", "authority"])), "product.filing-number");
    let ahead = ResultFiling { at: court.at.plus_days(1), ..filing(&court) };
    assert_eq!(code(court.file(ahead, &["platform", "authority"])), "product.date");
    court.file(filing(&court), &["platform", "authority"]).unwrap();
    assert_eq!(may(&court.book, &court.law, "result"), "");
    assert_eq!(may(&court.book, &court.law, "another result"), "product.not-filed");
    assert_eq!(code_of(is_filed(&court.book, &court.law, hash("another job"), Some(hash("result")))), "product.not-filed");
    assert_eq!(code_of(is_filed(&court.book, &court.law, hash("job"), None)), "product.not-filed");
    // where the profile asks for none, none is taken in and nothing waits for one
    let mut other = super::tests::court("zhejiang");
    assert_eq!(code(other.file(filing(&other), &["platform", "authority"])), "product.no-filing");
    assert_eq!(code_of(is_filed(&other.book, &other.law, hash("job"), None)), "");
}

fn code_of(result: Result<()>) -> String {
    result.err().map(|fault| fault.detail.split(':').next().unwrap_or_default().to_owned()).unwrap_or_default()
}
