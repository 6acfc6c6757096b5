//! Reports whose numbers follow, disclosures that hide the few, packages that verify offline, pages without script.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use yu_governance::audit::{AuditLog, Entry, Event, LogFiles, Verb, merkle};
use yu_governance::canonical::Hash;
use yu_governance::finding::Checked;
use yu_governance::id::{AuthorisationId, JobId, PartyName, document_hash};
use yu_governance::metering::{Book, Counts, Reading, Subject, Unit};
use yu_governance::report::page::same;
use yu_governance::report::*;
use yu_governance::sign::Signed;
use yu_governance::suite::HashAlgorithm;
use yu_governance::text::Text;
use yu_governance::workflow::Word as _;

use super::machines::{Refusal, t};
use super::world::{AUTHORITY, BANK, PLATFORM, STRANGER, hash, key, party, ring, sign};

fn codes<T: std::fmt::Debug>(checked: Checked<T>) -> Vec<String> {
    let found = checked.unwrap_err();
    assert!(found.iter().all(|f| !f.what.is_blank() && !f.remedy.is_blank() && !f.party.is_empty()));
    let mut codes: Vec<String> = found.into_iter().map(|f| f.code).collect();
    codes.dedup();
    codes
}

fn log() -> (Vec<u8>, Vec<u8>) {
    let key = key(PLATFORM);
    let (mut log, mut entries) = AuditLog::create(party(PLATFORM), key.public(), t(1)).unwrap();
    let job = |name: &str| JobId(hash(name));
    let events =
        [(Verb::JobFinished, "a"), (Verb::JobFinished, "a"), (Verb::JobFinished, "b"), (Verb::JobFailed, "c"), (Verb::JobFailed, "a")];
    for (n, (verb, name)) in (2_i64..).zip(events) {
        entries.extend(log.append(Event::new(verb).job(job(name)), t(n)).unwrap());
    }
    let (line, _) = log.checkpoint(&key, t(50)).unwrap();
    (entries, line)
}

fn parsed(bytes: &[u8]) -> Vec<Entry> {
    bytes.split(|b| *b == b'\n').filter(|line| !line.is_empty()).map(|line| Entry::parse(line).unwrap()).collect()
}

fn book() -> Book {
    let mut book = Book::new();
    for (n, at) in [(1, 5), (2, 200)] {
        let reading = Reading {
            v: 1,
            node: party(PLATFORM),
            subject: Subject::Job { job: JobId(hash(&format!("job {n}"))) },
            tenant: "bank".into(),
            authorisation: AuthorisationId::new("dev/authority/a").unwrap(),
            counts: Counts::of(&[(Unit::CpuMs, 70 + n)]),
            at: t(at),
        };
        book.add(&sign(reading, PLATFORM), &ring()).unwrap();
    }
    book
}

fn annual() -> AnnualReport {
    let period = (t(0), t(100));
    AnnualReport {
        v: 1,
        operator: party(PLATFORM),
        authority: party(AUTHORITY),
        period,
        facts: Facts::draw(&parsed(&log().0), &book(), period).unwrap(),
        narrative: Section::all().iter().map(|section| (*section, Text::new("in order <script>", "正常"))).collect(),
        at: t(150),
    }
}

#[test]
fn s5_all_numbers_follow_from_logs_and_counters() {
    let report = annual();
    assert_eq!((report.facts.finished, report.facts.failed), (2, 1), "a job that failed and then finished is finished");
    assert_eq!(report.facts.counts.get(Unit::CpuMs), 71, "of the period only");
    assert_eq!(report.facts.events["job.finished"], "3");
    let entries = parsed(&log().0);
    let twice = [entries.clone(), entries.clone()].concat();
    assert_eq!(Facts::draw(&twice, &book(), report.period).unwrap(), report.facts, "a log given twice counts once");
    let check = |report: &AnnualReport, signer| AnnualReport::verify(&sign(report.clone(), signer), &entries, &book(), &ring());
    assert_eq!(check(&report, PLATFORM).unwrap(), document_hash(&report).unwrap());
    assert_eq!(codes(check(&report, STRANGER)), ["report.signature"]);
    let cases: [Refusal<AnnualReport>; 7] = [
        ("report.number", |r| r.facts.finished += 1),
        ("report.number", |r| r.facts.failed = 0),
        ("report.number", |r| r.facts.counts = Counts::of(&[(Unit::CpuMs, 72)])),
        ("report.number", |r| r.facts.events.retain(|verb, _| verb != "job.failed")),
        ("report.number", |r| r.facts.events.extend([("invented.event".to_owned(), "1".to_owned())])),
        ("report.incomplete", |r| r.narrative.retain(|section, _| *section != Section::Security)),
        ("report.period", |r| r.at = t(99)),
    ];
    for (code, spoil) in cases {
        let mut bad = report.clone();
        spoil(&mut bad);
        assert_eq!(codes(check(&bad, PLATFORM)), [code]);
    }
}

#[test]
fn s5_s6_pages_are_self_contained_and_escaped() {
    let html = annual().page().to_html();
    assert!(html.contains("in order &lt;script&gt;") && html.contains("年度运营报告") && html.contains("lang=\"en\""));
    for bad in ["<script", "http://", "https://", "src=", "href=", "url(", "@import", "onload"] {
        assert!(!html.contains(bad), "{bad}");
    }
    let nasty = "</td><img src=x onerror=alert(1)>\u{202e}";
    let table = Table { title: same(nasty), head: vec![same(nasty)], rows: vec![vec![same(nasty), same("surplus")], vec![]] };
    let page = Page { title: same(nasty), text: vec![same(nasty)], tables: vec![table], foot: same(nasty) };
    let html = page.to_html();
    assert!(!html.contains("<img") && !html.contains('\u{202e}') && !html.contains("surplus"));
    assert_eq!(html.matches("<td>").count(), html.matches("</td>").count());
    assert_eq!(page.to_html(), html);
}

fn numbers(pairs: &[(&str, u64)]) -> BTreeMap<String, u64> {
    pairs.iter().map(|(name, count)| ((*name).to_owned(), *count)).collect()
}

fn disclosure() -> (Disclosure, BTreeMap<String, BTreeMap<String, u64>>) {
    let exact = BTreeMap::from([("users".to_owned(), numbers(&[("loans", 123), ("travel", 3), ("health", 40)]))]);
    let groups = exact.iter().map(|(group, numbers)| (group.clone(), withhold(numbers, 5))).collect();
    let text = Text::new("what was done", "运营情况");
    (Disclosure { v: 1, operator: party(PLATFORM), period: (t(0), t(100)), least: 5, groups, text, at: t(101) }, exact)
}

#[test]
fn s6_small_numbers_are_withheld_with_one_more() {
    let (disclosure, exact) = disclosure();
    let users = &disclosure.groups["users"];
    assert_eq!((users["loans"].at_least, users["travel"].at_least, users["health"].at_least), (Some(120), None, None));
    let shown = withhold(&numbers(&[("a", 5), ("b", 9)]), 5);
    assert_eq!((shown["a"].at_least, shown["b"].at_least), (Some(5), Some(5)));
    assert!(withhold(&numbers(&[("a", 4)]), 5)["a"].at_least.is_none());
    assert_eq!(withhold(&numbers(&[("a", 4)]), 0)["a"].at_least, Some(4), "no floor hides nothing");
    let check = |d: &Disclosure, signer| Disclosure::verify(&sign(d.clone(), signer), &exact, 5, &ring());
    check(&disclosure, PLATFORM).unwrap();
    assert_eq!(codes(check(&disclosure, STRANGER)), ["disclosure.signature"]);
    let mut lower = disclosure.clone();
    lower.least = 2;
    assert_eq!(codes(check(&lower, PLATFORM)), ["disclosure.floor"]);
    let mut told = disclosure.clone();
    told.groups.get_mut("users").unwrap().get_mut("travel").unwrap().at_least = Some(3);
    assert_eq!(codes(check(&told, PLATFORM)), ["disclosure.number"]);
    let html = disclosure.page().to_html();
    assert!(html.contains("不予公布") && !html.contains("123"));
}

fn package(purpose: Purpose) -> (Package, BTreeMap<String, Vec<u8>>) {
    let files: BTreeMap<String, Vec<u8>> =
        [("config.json", "{}"), ("selftest.txt", "passed")].map(|(n, b)| (n.to_owned(), b.into())).into();
    let leaves: Vec<_> =
        log().0.split(|b| *b == b'\n').filter(|l| !l.is_empty()).map(|line| merkle::leaf(HashAlgorithm::Sha256, line)).collect();
    let range = LogRange { first: 0, size: leaves.len() as u64, root: merkle::root(HashAlgorithm::Sha256, &leaves) };
    let requirement = Requirement { passed: true, evidence: BTreeSet::from(["selftest.txt".to_owned()]) };
    let requirements =
        if purpose == Purpose::Acceptance { (1..=14).map(|n| (format!("D{n}"), requirement.clone())).collect() } else { BTreeMap::new() };
    let package = Package {
        v: 1,
        purpose,
        subject: party(PLATFORM),
        inspector: party(AUTHORITY),
        documents: files.iter().map(|(name, bytes)| (name.clone(), Hash::of_file(bytes))).collect(),
        logs: BTreeMap::from([(party(PLATFORM), range)]),
        requirements,
        at: t(60),
    };
    (package, files)
}

fn by_both(package: &Package) -> Signed<Package> {
    let mut signed = sign(package.clone(), package.subject.as_str());
    let inspector = package.inspector.as_str();
    signed.add_signature(inspector, &key(inspector)).unwrap();
    signed
}

fn verify(package: &Package, files: &BTreeMap<String, Vec<u8>>) -> Checked<Hash> {
    let (entries, checkpoints) = log();
    let log = LogFiles { directory: "platform", entries: &entries, checkpoints: &checkpoints, countersignatures: &[] };
    Package::verify(&by_both(package), files, &[log], &ring())
}

#[test]
fn s4_an_inspection_package_verifies_offline() {
    let (good, files) = package(Purpose::Inspection);
    assert_eq!(verify(&good, &files).unwrap(), document_hash(&good).unwrap());
    assert!(good.page().to_html().contains("监督检查取证材料"));
    for name in files.keys() {
        let mut less = files.clone();
        less.remove(name);
        assert_eq!(codes(verify(&good, &less)), ["package.missing"]);
        let mut other = files.clone();
        other.get_mut(name).unwrap().push(b' ');
        assert_eq!(codes(verify(&good, &other)), ["package.altered"]);
    }
    let mut more = files.clone();
    more.insert("letter".into(), Vec::new());
    assert_eq!(codes(verify(&good, &more)), ["package.surplus"]);
    let cases: [Refusal<Package>; 6] = [
        ("package.self", |p| p.inspector = PartyName::new("yu://dev/platform/node1").unwrap()),
        ("package.log", |p| p.logs.values_mut().for_each(|range| range.size -= 1)),
        ("package.log", |p| p.logs.values_mut().for_each(|range| range.size += 1)),
        ("package.log", |p| p.logs.clear()),
        ("package.log", |p| p.logs.extend([(party(BANK), p.logs[&party(PLATFORM)].clone())])),
        ("package.requirement", |p| p.requirements.extend([("D1".into(), Requirement { passed: true, evidence: BTreeSet::new() })])),
    ];
    for (code, spoil) in cases {
        let mut bad = good.clone();
        spoil(&mut bad);
        assert_eq!(codes(verify(&bad, &files)), [code]);
    }
    for name in ["../../etc/passwd", "a/b", "a\\b", ".hidden", "c:x", "a\u{202e}b"] {
        let (mut bad, mut all) = (good.clone(), files.clone());
        bad.documents.insert(name.into(), Hash::of_file(b"x"));
        all.insert(name.into(), b"x".to_vec());
        assert_eq!(codes(verify(&bad, &all)), ["package.name"], "{name:?}");
    }
    let alone = sign(good.clone(), PLATFORM);
    assert_eq!(codes(Package::verify(&alone, &files, &[], &ring())), ["package.signature"]);
    assert_eq!(codes(Package::verify(&by_both(&good), &files, &[], &ring())), ["package.log"], "a log that is not there");
}

#[test]
fn d15_an_acceptance_shows_every_requirement_with_evidence() {
    let (good, files) = package(Purpose::Acceptance);
    verify(&good, &files).unwrap();
    for id in (1..=14).map(|n| format!("D{n}")) {
        let spoiled = |change: fn(&mut Requirement)| {
            let mut bad = good.clone();
            change(bad.requirements.get_mut(&id).unwrap());
            codes(verify(&bad, &files))
        };
        assert_eq!(spoiled(|r| r.passed = false), ["package.requirement"]);
        assert_eq!(spoiled(|r| r.evidence.clear()), ["package.requirement"]);
        assert_eq!(spoiled(|r| r.evidence = BTreeSet::from(["elsewhere.txt".to_owned()])), ["package.requirement"]);
        let mut less = good.clone();
        less.requirements.remove(&id);
        assert_eq!(codes(verify(&less, &files)), ["package.requirement"]);
    }
}

proptest! {
    /// S6: with the sum beside it, no single small number can be computed: none or at least two are hidden, and no number that is
    /// shown is exact beyond its cell.
    #[test]
    fn s6_no_small_number_follows_from_the_sum(counts in prop::collection::btree_map("[a-z]{1,4}", 0_u64..30, 2..9), least in 1_u64..12) {
        let shown = withhold(&counts, least);
        let hidden = shown.values().filter(|number| number.at_least.is_none()).count();
        prop_assert!(hidden != 1);
        for (name, number) in &shown {
            match number.at_least {
                None => prop_assert!(counts[name] < least || hidden == 2),
                Some(at_least) => {
                    prop_assert!(counts[name] >= least);
                    prop_assert!(at_least % least == 0 && at_least <= counts[name] && counts[name] < at_least + least);
                }
            }
        }
    }
}

#[test]
fn s6_the_first_tier_reports_on_all_of_the_second() {
    let period = (t(0), t(300));
    let used = yu_governance::report::usage::used(&book(), period).unwrap();
    let lines = used.into_iter().map(|(name, counts)| (name, UsageLine { counts, effect: Text::new("loans", "放贷") })).collect();
    let report = UsageReport { v: 1, operator: party(PLATFORM), authority: party(AUTHORITY), period, lines, at: t(301) };
    assert_eq!(report.lines["bank"].counts.get(Unit::CpuMs), 143);
    let check = |report: &UsageReport, signer| UsageReport::verify(&sign(report.clone(), signer), &book(), &ring());
    check(&report, PLATFORM).unwrap();
    assert_eq!(codes(check(&report, STRANGER)), ["report.signature"]);
    let cases: [Refusal<UsageReport>; 5] = [
        ("report.number", |r| r.lines.clear()),
        ("report.number", |r| r.lines.extend([("friend".to_owned(), r.lines["bank"].clone())])),
        ("report.number", |r| r.period.1 = t(100)),
        ("report.incomplete", |r| r.lines.get_mut("bank").unwrap().effect.zh.clear()),
        ("report.period", |r| r.at = t(299)),
    ];
    for (code, spoil) in cases {
        let mut bad = report.clone();
        spoil(&mut bad);
        assert_eq!(codes(check(&bad, PLATFORM)), [code]);
    }
    let html = report.page().to_html();
    assert!(html.contains("cpu-ms 143") && html.contains("处理器毫秒 143"));
    let profile = yu_governance::profile::Shipped::Ningbo.effective().unwrap();
    let late = |reported, days: i64| overdue(&party(PLATFORM), reported, &profile, t(0), t(days * 86_400)).map(|f| f.code);
    assert_eq!(late(None, 364), None);
    assert_eq!(late(None, 367).as_deref(), Some("report.overdue"));
    assert_eq!(late(Some(t(300 * 86_400)), 367), None);
}
