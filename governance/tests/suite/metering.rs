//! Counters, tariffs, quotes, invoices, shares: exact, the same for all, and not to be shifted by anybody.

use std::collections::BTreeMap;

use proptest::prelude::*;
use yu_governance::canonical::{from_canonical, to_canonical};
use yu_governance::clock::Time;
use yu_governance::finding::{Checked, Finding};
use yu_governance::grant::lab::LabGrant;
use yu_governance::id::{AuthorisationId, DatasetId, JobId, PartyName, document_hash};
use yu_governance::metering::fairness::{Suspicion, queues, unequal_charges, unfair_waits};
use yu_governance::metering::*;
use yu_governance::profile::FeeBasis;
use yu_governance::sign::Signed;
use yu_governance::text::Text;

use super::machines::Refusal;
use super::world::{AUTHORITY, BANK, HEALTH, PLATFORM, STRANGER, World, at, hash, key, party, ring, sign};

const RULES: FeeRules = FeeRules { basis: FeeBasis::CostAndSmallMargin, margin_permille: 100 };
const JUNE: Month = Month { year: 2026, month: 6 };

fn now() -> Time {
    at("2026-06-10T08:00:00Z")
}

fn codes<T>(checked: Checked<T>) -> Vec<String> {
    let Err(found) = checked else { return Vec::new() };
    assert!(found.iter().all(|f| !f.what.is_blank() && !f.remedy.is_blank() && !f.party.is_empty()));
    let mut codes: Vec<String> = found.into_iter().map(|f| f.code).collect();
    codes.dedup();
    codes
}

fn authorisation(name: &str) -> AuthorisationId {
    AuthorisationId::new(format!("dev/authority/{name}")).unwrap()
}

fn reading(node: &str, job: &str, tenant: &str, counts: &[(Unit, u64)]) -> Reading {
    let subject = Subject::Job { job: JobId(hash(job)) };
    Reading {
        v: 1,
        node: party(node),
        subject,
        tenant: tenant.into(),
        authorisation: authorisation("a"),
        counts: Counts::of(counts),
        at: now(),
    }
}

fn book(readings: &[Reading]) -> Book {
    let mut book = Book::new();
    for reading in readings {
        book.add(&sign(reading.clone(), reading.node.as_str()), &ring()).unwrap();
    }
    book
}

fn line(class: Class, unit: Unit, micro: u64, per: u64) -> TariffLine {
    TariffLine { condition: Condition { class, unit, only: None }, price: Price { micro, per } }
}

fn tariff() -> Tariff {
    Tariff {
        v: 1,
        platform: party(PLATFORM),
        authority: party(AUTHORITY),
        costs: [(Unit::CpuMs, Price { micro: 100, per: 3 }), (Unit::BytesSent, Price { micro: 7, per: 1000 })].into(),
        lines: vec![
            line(Class::Market, Unit::CpuMs, 110, 3),
            line(Class::Market, Unit::BytesSent, 7, 1000),
            line(Class::PublicGood, Unit::CpuMs, 50, 3),
            line(Class::Supplier, Unit::CpuMs, 0, 1),
        ],
        published: at("2026-01-01T00:00:00Z"),
        not_before: at("2026-02-01T00:00:00Z"),
        not_after: at("2027-02-01T00:00:00Z"),
    }
}

fn by_both(tariff: &Tariff) -> Signed<Tariff> {
    let mut signed = sign(tariff.clone(), PLATFORM);
    signed.add_signature(AUTHORITY, &key(AUTHORITY)).unwrap();
    signed
}

fn tariffs() -> Tariffs {
    let mut tariffs = Tariffs::new();
    tariffs.add(&by_both(&tariff()), &[party(AUTHORITY)], RULES, &ring()).unwrap();
    tariffs
}

fn classes() -> Classes {
    let mut classes = Classes::new();
    let good = Enrolment {
        v: 1,
        authority: party(AUTHORITY),
        tenant: "school".into(),
        class: Class::PublicGood,
        from: at("2026-03-01T00:00:00Z"),
    };
    classes.add(&sign(good, AUTHORITY), &[party(AUTHORITY)], &ring()).unwrap();
    classes
}

fn lab() -> LabGrant {
    LabGrant {
        v: 1,
        id: authorisation("lab"),
        authority: party(AUTHORITY),
        applicant: "bank".into(),
        datasets: [DatasetId::new("dev/health/sample").unwrap()].into(),
        development: Text::new("a model", "模型"),
        market: Text::new("loans", "贷款"),
        price: 0,
        not_before: at("2026-05-01T00:00:00Z"),
        not_after: at("2026-11-01T00:00:00Z"),
    }
}

struct Office {
    book: Book,
    tariffs: Tariffs,
    classes: Classes,
    labs: Vec<LabGrant>,
    platform: PartyName,
}

impl Office {
    fn new(readings: &[Reading]) -> Self {
        Self { book: book(readings), tariffs: tariffs(), classes: classes(), labs: vec![lab()], platform: party(PLATFORM) }
    }

    fn billing(&self) -> Billing<'_> {
        Billing { platform: &self.platform, book: &self.book, tariffs: &self.tariffs, classes: &self.classes, labs: &self.labs }
    }
}

#[test]
fn d13_a_reading_counts_once_and_nobody_counts_for_another() {
    let one = reading(BANK, "job", "bank", &[(Unit::CpuMs, 5)]);
    let mut book = Book::new();
    let signed = sign(one.clone(), BANK);
    assert_eq!(book.add(&signed, &ring()).unwrap(), book.add(&signed, &ring()).unwrap(), "replayed");
    assert_eq!(book.job(JobId(hash("job"))).unwrap().get(Unit::CpuMs), 5);
    let more = Reading { counts: Counts::of(&[(Unit::CpuMs, 6)]), ..one.clone() };
    assert_eq!(codes(book.add(&sign(more.clone(), BANK), &ring())), ["meter.conflict"]);
    assert_eq!(codes(book.add(&sign(more, STRANGER), &ring())), ["meter.signature"]);
    let prod = Reading { authorisation: AuthorisationId::new("prod/authority/a").unwrap(), ..one.clone() };
    assert_eq!(codes(book.add(&sign(prod, BANK), &ring())), ["meter.malformed"]);
    let bytes = to_canonical(&one).unwrap();
    assert_eq!(from_canonical::<Reading>(&bytes).unwrap(), one);
    let zero = String::from_utf8(bytes).unwrap().replace("\"5\"", "\"0\"");
    assert!(from_canonical::<Reading>(zero.as_bytes()).is_err(), "one notation for nothing: left out");
    let huge = [reading(BANK, "big", "bank", &[(Unit::Rows, u64::MAX)]), reading(HEALTH, "big", "bank", &[(Unit::Rows, 1)])];
    assert_eq!(codes(super::metering::book(&huge).job(JobId(hash("big")))), ["meter.overflow"]);
}

#[test]
fn d13_meters_of_one_job_must_balance() {
    let sides = |received| {
        book(&[
            reading(BANK, "job", "bank", &[(Unit::BytesSent, 100), (Unit::BytesReceived, 40)]),
            reading(HEALTH, "job", "bank", &[(Unit::BytesSent, 40), (Unit::BytesReceived, received)]),
        ])
    };
    assert!(sides(100).unbalanced().is_empty());
    let found = sides(99).unbalanced();
    assert_eq!(found.len(), 1);
    assert!(found[0].party.contains(BANK) && found[0].party.contains(HEALTH));
    assert!(book(&[reading(BANK, "job", "bank", &[(Unit::BytesSent, 1)])]).unbalanced().is_empty(), "one side says nothing yet");
}

#[test]
fn d13_readings_must_fit_the_contract() {
    let world = World::new();
    let job = world.contract.id().unwrap();
    let good = |node: &str| Reading {
        subject: Subject::Job { job },
        authorisation: world.contract.authorisation.id.clone(),
        ..reading(node, "", "bank", &[(Unit::CpuMs, 1)])
    };
    let found = |readings: &[Reading]| book(readings).against(&world.contract).into_iter().map(|f| f.code).collect::<Vec<_>>();
    assert!(found(&[good(BANK), good(HEALTH)]).is_empty());
    let free = Reading { authorisation: authorisation("lab"), ..good(BANK) };
    assert_eq!(found(&[free, good(HEALTH)]), ["meter.authorisation"], "a formal run passed off as one of the laboratory");
    assert_eq!(found(&[good(STRANGER)]), ["meter.stranger"]);
    assert_eq!(found(&[good(BANK), Reading { tenant: "health".into(), ..good(HEALTH) }]), ["meter.tenant"]);
}

#[test]
fn s8_a_tariff_is_the_same_for_all_of_a_class() {
    let cases: [Refusal<Tariff>; 9] = [
        ("tariff.unequal", |t| t.lines[0].condition.only = Some("bank".into())),
        ("tariff.unequal", |t| t.lines.push(line(Class::Market, Unit::CpuMs, 90, 3))),
        ("tariff.cost", |t| t.lines[0].price.micro = 111),
        ("tariff.cost", |t| t.lines.push(line(Class::Market, Unit::Rows, 1, 1))),
        ("tariff.term", |t| t.not_before = t.published.plus_seconds(-1)),
        ("tariff.term", |t| t.not_after = t.not_before),
        ("tariff.malformed", |t| t.lines.clear()),
        ("tariff.malformed", |t| t.lines[1].price.per = 0),
        ("tariff.authority", |t| t.authority = t.platform.clone()),
    ];
    let check = |t: &Tariff| codes(Tariff::verify(&by_both(t), &[party(AUTHORITY)], RULES, &ring()));
    assert!(check(&tariff()).is_empty());
    for (code, spoil) in cases {
        let mut bad = tariff();
        spoil(&mut bad);
        assert!(check(&bad).contains(&code.to_owned()), "{code}: {:?}", check(&bad));
    }
    let alone = sign(tariff(), PLATFORM);
    assert_eq!(codes(Tariff::verify(&alone, &[party(AUTHORITY)], RULES, &ring())), ["tariff.signature"], "d16: not without the authority");
    let at_cost = FeeRules { basis: FeeBasis::Cost, margin_permille: 100 };
    assert_eq!(codes(Tariff::verify(&by_both(&tariff()), &[party(AUTHORITY)], at_cost, &ring())), ["tariff.cost"]);
    let mut edge = tariff();
    edge.costs.insert(Unit::CpuMs, Price { micro: u64::MAX, per: 1 });
    edge.lines[0].price = Price { micro: u64::MAX, per: u64::MAX };
    assert!(check(&edge).is_empty(), "no overflow in the comparison");
    // a second list for friends
    let mut all = tariffs();
    let friends = Tariff { lines: vec![line(Class::Market, Unit::CpuMs, 1, 3)], not_before: at("2026-06-01T00:00:00Z"), ..tariff() };
    assert_eq!(codes(all.add(&by_both(&friends), &[party(AUTHORITY)], RULES, &ring())), ["tariff.overlap"]);
    let next = Tariff { not_before: tariff().not_after, not_after: at("2028-01-01T00:00:00Z"), ..tariff() };
    all.add(&by_both(&next), &[party(AUTHORITY)], RULES, &ring()).unwrap();
}

#[test]
fn s8_the_platform_does_not_choose_the_class() {
    let mut classes = classes();
    let own =
        Enrolment { v: 1, authority: party(PLATFORM), tenant: "friend".into(), class: Class::Supplier, from: at("2026-01-01T00:00:00Z") };
    assert_eq!(codes(classes.add(&sign(own.clone(), PLATFORM), &[party(AUTHORITY)], &ring())), ["enrolment.authority"]);
    let forged = Enrolment { authority: party(AUTHORITY), ..own };
    assert_eq!(codes(classes.add(&sign(forged.clone(), PLATFORM), &[party(AUTHORITY)], &ring())), ["enrolment.signature"]);
    assert_eq!(classes.of("friend", now()), Class::Market);
    assert_eq!(classes.of("school", at("2026-02-01T00:00:00Z")), Class::Market, "before it was enrolled");
    assert_eq!(classes.of("school", now()), Class::PublicGood);
    let other = Enrolment { tenant: "school".into(), from: at("2026-03-01T00:00:00Z"), ..forged };
    assert_eq!(codes(classes.add(&sign(other, AUTHORITY), &[party(AUTHORITY)], &ring())), ["enrolment.conflict"]);
}

#[test]
fn d13_a7_the_laboratory_is_free() {
    let counts = [(Unit::CpuMs, 30_000), (Unit::BytesSent, 1_000_000)];
    let lab_job = Reading { authorisation: authorisation("lab"), ..reading(BANK, "lab job", "bank", &counts) };
    let office = Office::new(std::slice::from_ref(&lab_job));
    let invoice = office.billing().draw("bank", JUNE).unwrap();
    assert_eq!((invoice.fen, invoice.lines.len()), (0, 2), "shown, not charged");
    assert!(invoice.lines.iter().all(|line| line.tariff.is_none() && line.micro == 0));
    assert_eq!(office.billing().used("bank", JUNE).unwrap().get(Unit::CpuMs), 30_000);
    let late = Reading { at: lab().not_after, ..lab_job };
    let november = Month { year: 2026, month: 11 };
    assert!(Office::new(&[late]).billing().draw("bank", november).unwrap().fen > 0, "the laboratory ended");
    // the contract of the small world, once in the laboratory and once not
    let world = World::new();
    let quote = |labs: &[LabGrant]| {
        let tariff = tariff();
        Quote::make(&world.contract, "bank", &Counts::of(&[(Unit::CpuMs, 300)]), (hash("tariff"), &tariff), &classes(), labs, now())
            .unwrap()
    };
    assert_eq!(quote(&[]).micro, 110 * 100);
    assert_eq!(quote(&[LabGrant { id: world.contract.authorisation.id.clone(), ..lab() }]).micro, 0);
    let early =
        Quote::make(&world.contract, "bank", &Counts::default(), (hash("t"), &tariff()), &classes(), &[], at("2026-01-15T00:00:00Z"));
    assert_eq!(codes(early), ["quote.no-tariff"]);
    let huge = Counts::of(&[(Unit::Rows, u64::MAX)]);
    assert_eq!(codes(Quote::make(&world.contract, "bank", &huge, (hash("t"), &tariff()), &classes(), &[], now())), ["quote.overflow"]);
}

#[test]
fn d13_an_invoice_is_reconciled_and_each_difference_has_a_name() {
    let readings = [
        reading(BANK, "one", "bank", &[(Unit::CpuMs, 30_001), (Unit::BytesSent, 1_500)]),
        reading(HEALTH, "one", "bank", &[(Unit::CpuMs, 20_002)]),
        reading(PLATFORM, "two", "school", &[(Unit::CpuMs, 3)]),
        Reading { at: at("2026-07-01T08:00:00Z"), ..reading(BANK, "three", "bank", &[(Unit::CpuMs, 9)]) },
    ];
    let office = Office::new(&readings);
    let billing = office.billing();
    let invoice = billing.draw("bank", JUNE).unwrap();
    // 50003 * 110 / 3 = 1833443.33, 1500 * 7 / 1000 = 10.5
    assert_eq!(invoice.lines.iter().map(|line| line.micro).collect::<Vec<_>>(), [10, 1_833_443]);
    assert_eq!((invoice.fen, invoice.readings.len()), (183, 2));
    assert_eq!(billing.draw("school", JUNE).unwrap().lines[0].micro, 50);
    billing.reconcile(&sign(invoice.clone(), PLATFORM), &ring()).unwrap();
    let cases: [Refusal<Invoice>; 8] = [
        ("invoice.amount", |i| i.lines[0].amount += 1),
        ("invoice.price", |i| i.lines[1].micro -= 1),
        ("invoice.total", |i| i.fen += 1),
        ("invoice.amount", |i| i.lines.truncate(1)),
        ("invoice.total", |i| i.lines.push(i.lines[0].clone())),
        ("invoice.reading-missing", |i| i.readings.clear()),
        ("invoice.reading-unknown", |i| i.readings.extend([hash("made up")])),
        ("invoice.amount", |i| i.tenant = "school".into()),
    ];
    for (code, spoil) in cases {
        let mut bad = invoice.clone();
        spoil(&mut bad);
        let found = codes(billing.reconcile(&sign(bad, PLATFORM), &ring()));
        assert!(found.contains(&code.to_owned()), "{code}: {found:?}");
    }
    assert_eq!(codes(billing.reconcile(&sign(invoice, STRANGER), &ring())), ["invoice.signature"]);
    assert_eq!(codes(billing.draw("bank", Month { year: 2026, month: 13 })), ["invoice.month"]);
    let before = Reading { at: at("2026-01-15T00:00:00Z"), ..reading(BANK, "old", "bank", &[(Unit::CpuMs, 9)]) };
    assert_eq!(codes(Office::new(&[before]).billing().draw("bank", Month { year: 2026, month: 1 })), ["invoice.no-tariff"]);
    let huge = [reading(BANK, "a", "bank", &[(Unit::CpuMs, u64::MAX)])];
    assert_eq!(codes(Office::new(&huge).billing().draw("bank", JUNE)), ["invoice.overflow"]);
}

#[test]
fn d13_a_month_is_invoiced_once_and_after_its_end() {
    let one = reading(BANK, "one", "bank", &[(Unit::CpuMs, 3_000)]);
    let office = Office::new(std::slice::from_ref(&one));
    let signed = sign(office.billing().draw("bank", JUNE).unwrap(), PLATFORM);
    let (_, end) = JUNE.span().unwrap();
    let mut issued = Issued::new();
    assert_eq!(codes(issued.add(&signed, &office.billing(), end.plus_seconds(-1), &ring())), ["invoice.early"]);
    issued.add(&signed, &office.billing(), end, &ring()).unwrap();
    issued.add(&signed, &office.billing(), end, &ring()).unwrap();
    // a reading that turns up later makes a second invoice that reconciles, and is refused all the same
    let later = Office::new(&[one, reading(HEALTH, "one", "bank", &[(Unit::CpuMs, 9_000)])]);
    let second = sign(later.billing().draw("bank", JUNE).unwrap(), PLATFORM);
    assert_eq!(codes(issued.add(&second, &later.billing(), end, &ring())), ["invoice.twice"]);
    assert_eq!(codes(issued.add(&sign(second.payload, STRANGER), &later.billing(), end, &ring())), ["invoice.signature"]);
}

#[test]
fn d13_a_quote_is_a_promise() {
    let world = World::new();
    let job = world.contract.id().unwrap();
    let (tariff, most) = (tariff(), Counts::of(&[(Unit::CpuMs, 300)]));
    let quote = Quote::make(&world.contract, "bank", &most, (hash("tariff"), &tariff), &classes(), &[], now()).unwrap();
    let used = |cpu| {
        let reading = Reading { subject: Subject::Job { job }, ..reading(BANK, "", "bank", &[(Unit::CpuMs, cpu), (Unit::BytesSent, 20)]) };
        let office = Office::new(&[reading]);
        codes(office.billing().within_quotes(&[sign(quote.clone(), PLATFORM)], &ring()))
    };
    assert!(used(300).is_empty());
    assert_eq!(used(301), ["invoice.beyond-quote"]);
    let office = Office::new(&[]);
    assert_eq!(codes(office.billing().within_quotes(&[sign(quote, STRANGER)], &ring())), ["quote.signature"]);
}

#[test]
fn o9_costs_and_shares_follow_from_counters_and_contributions() {
    let office = Office::new(&[
        reading(BANK, "one", "bank", &[(Unit::CpuMs, 30), (Unit::Rows, 5)]),
        reading(HEALTH, "one", "bank", &[(Unit::CpuMs, 3)]),
    ]);
    let sheet = office.billing().cost_sheet(JUNE).unwrap();
    assert_eq!(sheet.values().copied().collect::<Vec<_>>(), [1_100]);
    let contributions: BTreeMap<PartyName, u64> = [(party(BANK), 1), (party(HEALTH), 2)].into();
    let draft = ShareStatement {
        v: 1,
        platform: party(PLATFORM),
        agreement: hash("agreement"),
        product: hash("product"),
        period: JUNE.span().unwrap(),
        measure: Measure::RowsMatched,
        pool: 1_000,
        suppliers: BTreeMap::new(),
    };
    let statement = draft.clone().make(&contributions).unwrap();
    assert_eq!(statement.suppliers[&party(BANK)].fen, 333);
    assert_eq!(statement.suppliers[&party(HEALTH)].fen, 667);
    let signed = |statement: &ShareStatement, signers: &[&str]| {
        let mut signed = Signed::unsigned(statement.clone());
        signers.iter().for_each(|name| signed.add_signature(name, &key(name)).unwrap());
        signed
    };
    let all = [PLATFORM, BANK, HEALTH];
    let check = |s: &ShareStatement, signers: &[&str]| codes(ShareStatement::verify(&signed(s, signers), &contributions, &ring()));
    assert!(check(&statement, &all).is_empty());
    assert_eq!(ShareStatement::verify(&signed(&statement, &all), &contributions, &ring()).unwrap(), document_hash(&statement).unwrap());
    assert_eq!(check(&statement, &[PLATFORM, BANK]), ["share.signature"], "every supplier signs");
    let mut shifted = statement.clone();
    shifted.suppliers.get_mut(&party(BANK)).unwrap().fen += 1;
    shifted.suppliers.get_mut(&party(HEALTH)).unwrap().fen -= 1;
    assert_eq!(check(&shifted, &all), ["share.amount"]);
    let mut claimed = statement;
    claimed.suppliers.get_mut(&party(BANK)).unwrap().contribution = 5;
    assert_eq!(check(&claimed, &all), ["share.contribution"]);
    assert_eq!(codes(draft.make(&BTreeMap::from([(party(BANK), 0)]))), ["share.nothing"]);
}

#[test]
fn s8_waits_and_charges_of_one_class_are_compared() {
    let served =
        |tenant: &str, class, wait: i64| Served { tenant: tenant.into(), class, asked: now(), begun: Some(now().plus_seconds(wait)) };
    let mut all: Vec<Served> = (0..20).map(|n| served("a", Class::Market, 100 + n)).collect();
    all.extend((0..20).map(|n| served("b", Class::Market, 100 + n)));
    assert!(unfair_waits(&all, now(), Suspicion::DEFAULT).is_empty());
    all.extend((0..20).map(|n| served("rival", Class::Market, 600 + n)));
    all.extend((0..20).map(|n| served("school", Class::PublicGood, 9_000 + n)));
    let found = unfair_waits(&all, now(), Suspicion::DEFAULT);
    assert_eq!(found.iter().map(|f: &Finding| f.party.as_str()).collect::<Vec<_>>(), ["rival"], "classes are not compared with each other");
    all.push(Served { begun: None, ..served("c", Class::Market, 0) });
    let lines = queues(&all, now().plus_seconds(50));
    let c = lines.iter().find(|line| line.tenant == "c").unwrap();
    assert_eq!((c.requests, c.waiting, c.median), (1, 1, 50));
    let a = lines.iter().find(|line| line.tenant == "a").unwrap();
    assert_eq!((a.median, a.most), (109, 118));
    let office = Office::new(&[reading(BANK, "x", "bank", &[(Unit::CpuMs, 300)]), reading(HEALTH, "y", "shop", &[(Unit::CpuMs, 600)])]);
    let mut invoices = [office.billing().draw("bank", JUNE).unwrap(), office.billing().draw("shop", JUNE).unwrap()];
    assert!(unequal_charges(&invoices).is_empty());
    let exact = invoices[1].lines[0].micro;
    for micro in [1, exact - 2, exact + 2, 9 * exact] {
        invoices[1].lines[0].micro = micro;
        assert_eq!(unequal_charges(&invoices)[0].code, "fairness.charge", "{micro}");
    }
}

proptest! {
    /// O9: parts add up exactly, none is a fen or more away from its exact share, and none without weight gets anything.
    #[test]
    fn o9_shares_add_up_exactly(total: u64, weights in prop::collection::btree_map(0_u8..50, 0_u64..=u64::MAX / 64, 1..40)) {
        let sum: u128 = weights.values().map(|w| u128::from(*w)).sum();
        match split(total, &weights) {
            None => prop_assert_eq!(sum, 0),
            Some(parts) => {
                prop_assert_eq!(parts.values().map(|p| u128::from(*p)).sum::<u128>(), u128::from(total));
                for (name, part) in &parts {
                    let exact = u128::from(total) * u128::from(weights[name]);
                    prop_assert!(u128::from(*part) * sum < exact + sum && exact < (u128::from(*part) + 1) * sum);
                    prop_assert!(weights[name] > 0 || *part == 0);
                }
            }
        }
    }

    /// D13: whatever was used, the invoice drawn is the one that reconciles, and it is never above the exact price.
    #[test]
    fn d13_what_is_drawn_reconciles(amounts in prop::collection::vec((0_u64..1 << 40, 0_u64..1 << 40), 1..8)) {
        let readings: Vec<Reading> = amounts.iter().enumerate()
            .map(|(n, (cpu, bytes))| reading(BANK, &format!("{n}"), "bank", &[(Unit::CpuMs, *cpu), (Unit::BytesSent, *bytes)])).collect();
        let office = Office::new(&readings);
        let invoice = office.billing().draw("bank", JUNE).unwrap();
        office.billing().reconcile(&sign(invoice.clone(), PLATFORM), &ring()).unwrap();
        let (cpu, bytes) = amounts.iter().fold((0_u128, 0_u128), |(a, b), (c, d)| (a + u128::from(*c), b + u128::from(*d)));
        // over the common denominator 3000
        let exact = cpu * 110_000 + bytes * 21;
        prop_assert!(u128::from(invoice.fen) * 10_000 * 3_000 <= exact);
        prop_assert!((u128::from(invoice.fen) + 2) * 10_000 * 3_000 > exact);
    }

    /// S8: the comparison of two prices is exact.
    #[test]
    fn s8_prices_are_compared_exactly(a in 1_u64..1 << 20, b in 1_u64..1 << 20, c in 1_u64..1 << 20, d in 1_u64..1 << 20, margin in 0_u64..2000) {
        let rules = FeeRules { basis: FeeBasis::CostAndSmallMargin, margin_permille: margin };
        let mut t = tariff();
        t.costs = [(Unit::CpuMs, Price { micro: c, per: d })].into();
        t.lines = vec![line(Class::Market, Unit::CpuMs, a, b)];
        let within = u128::from(a) * u128::from(d) * 1000 <= u128::from(c) * u128::from(b) * u128::from(1000 + margin);
        prop_assert_eq!(Tariff::verify(&by_both(&t), &[party(AUTHORITY)], rules, &ring()).is_ok(), within);
    }
}
