//! The tree of grants: no leaf exceeds any ancestor, revocation cascades, the lab, versions of agreements.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use yu_governance::clock::Time;
use yu_governance::grant::agreement::Versions;
use yu_governance::grant::*;
use yu_governance::id::*;
use yu_governance::sign::{KeyRing, Signed};
use yu_governance::text::Text;

use super::machines::{Refusal, t, why};
use super::world::{hash, key, party, set, sign};

const AUTHORITY: &str = "yu://dev/authority/node1";
const CITY: &str = "yu://dev/city/node1";
const SHOP: &str = "yu://dev/shop/node1";
const PLATFORM: &str = "yu://dev/platform/node1";

fn keys() -> KeyRing {
    let mut ring = KeyRing::new();
    for name in [AUTHORITY, CITY, SHOP, PLATFORM] {
        ring.insert(name, key(name).public()).unwrap();
    }
    ring
}

fn id(name: &str) -> AuthorisationId {
    AuthorisationId::new(format!("dev/authority/{name}")).unwrap()
}

fn data(i: usize) -> DatasetId {
    DatasetId::new(["dev/health/insured", "dev/tax/firms"][i]).unwrap()
}

fn purpose(name: &str) -> Purpose {
    Purpose::new(name).unwrap()
}

fn measures(uses: u64) -> Measures {
    Measures { uses, rows: uses * 100, queries: uses, micro_rho: uses * 10, micro_epsilon: uses }
}

fn scope(columns: &[&[&str]], purposes: &[&str], from: i64, to: i64, uses: u64) -> Scope {
    let granted = columns.iter().enumerate().filter(|(_, columns)| !columns.is_empty());
    let datasets: BTreeMap<_, _> = granted.map(|(i, columns)| (data(i), set(columns))).collect();
    Scope {
        quota: datasets.keys().map(|dataset| (dataset.clone(), measures(uses))).collect(),
        datasets,
        purposes: purposes.iter().map(|p| purpose(p)).collect(),
        not_before: t(from),
        not_after: t(to),
    }
}

fn leaf() -> Kind {
    Kind::Leaf { scenario: Scenario::new("credit").unwrap(), plan: hash("plan") }
}

fn grant(name: &str, parent: Option<&str>, grantor: &str, grantee: &str, kind: Kind, scope: Scope) -> Grant {
    Grant { v: 1, id: id(name), parent: parent.map(id), grantor: party(grantor), grantee: grantee.into(), kind, scope }
}

fn root() -> Grant {
    grant("root", None, AUTHORITY, "city", Kind::Root, scope(&[&["a", "b"], &["c"]], &["p", "q"], 0, 100, 10))
}

fn tree(grants: &[Grant]) -> Tree {
    let rules = TreeRules { roots: true, max_depth: 3, max_term_years: 3 };
    let mut tree = Tree::new(rules, vec![party(AUTHORITY)]);
    for grant in grants {
        tree.add(&sign(grant.clone(), grant.grantor.as_str()), &keys()).unwrap();
    }
    tree
}

fn refusal(tree: &mut Tree, grant: Grant) -> String {
    let grantor = grant.grantor.to_string();
    tree.add(&sign(grant, &grantor), &keys()).map_or_else(|error| error.to_string(), |()| "added".into())
}

fn child(name: &str, scope: Scope) -> Grant {
    grant(name, Some("root"), CITY, "shop", leaf(), scope)
}

#[test]
fn a14_each_way_to_exceed_the_grant_above_is_named() {
    let fine = || scope(&[&["a"]], &["p"], 10, 90, 4);
    let with = |change: fn(&mut Scope)| {
        let mut scope = fine();
        change(&mut scope);
        scope
    };
    for (expected, scope) in [
        ("added", fine()),
        ("grant.beyond-column", scope(&[&["a", "z"]], &["p"], 10, 90, 4)),
        ("grant.beyond-purpose", scope(&[&["a"]], &["r"], 10, 90, 4)),
        ("grant.bundled", scope(&[&["a"]], &["p", "q"], 10, 90, 4)),
        ("grant.beyond-term", scope(&[&["a"]], &["p"], 10, 101, 4)),
        ("grant.beyond-quota", scope(&[&["a"]], &["p"], 10, 90, 11)),
        ("grant.empty", scope(&[], &["p"], 10, 90, 4)),
        ("grant.term", scope(&[&["a"]], &["p"], 90, 90, 4)),
        ("grant.quota", with(|s| s.quota.clear())),
        (
            "grant.beyond-dataset",
            with(|s| {
                let other = DatasetId::new("dev/tax/people").unwrap();
                s.datasets = BTreeMap::from([(other.clone(), set(&["a"]))]);
                s.quota = BTreeMap::from([(other, measures(1))]);
            }),
        ),
    ] {
        assert!(refusal(&mut tree(&[root()]), child("leaf", scope)).starts_with(expected), "{expected}");
    }
    let mut full = tree(&[root(), child("one", scope(&[&["a"]], &["p"], 10, 90, 6))]);
    let second = child("two", scope(&[&["a"]], &["p"], 10, 90, 5));
    assert!(refusal(&mut full, second).starts_with("grant.quota-given: 11 uses"), "a quota is given once");
}

#[test]
fn a1_only_leaves_let_jobs_run_and_the_shape_is_a_tree() {
    let tree_of = || tree(&[root(), child("leaf", scope(&[&["a"]], &["p"], 10, 90, 4))]);
    let credit = Scenario::new("credit").unwrap();
    let may = |name: &str, scenario: &str, for_purpose: &str, at| {
        let scenario = Scenario::new(scenario).unwrap();
        let answer = tree_of().permits(&id(name), &scenario, &purpose(for_purpose), t(at)).map(|_| ());
        answer.map_or_else(|error| error.to_string(), |()| "may run".into())
    };
    for (expected, answer) in [
        ("grant.no-job", may("root", "credit", "p", 20)),
        ("may run", may("leaf", "credit", "p", 20)),
        ("grant.scenario", may("leaf", "insurance", "p", 20)),
        ("grant.purpose", may("leaf", "credit", "q", 20)),
        ("grant.not-yet", may("leaf", "credit", "p", 9)),
        ("may run", may("leaf", "credit", "p", 89)),
        ("grant.stopped", may("leaf", "credit", "p", 90)),
        ("grant.unknown", may("other", "credit", "p", 20)),
    ] {
        assert!(answer.starts_with(expected), "{expected}: {answer}");
    }
    let small = || scope(&[&["a"]], &["p"], 10, 90, 1);
    for (expected, grant) in [
        ("grant.shape", grant("x", Some("leaf"), SHOP, "other", leaf(), small())),
        ("grant.shape", grant("x", Some("root"), CITY, "other", Kind::Root, small())),
        ("grant.grantor", grant("x", Some("root"), SHOP, "other", leaf(), small())),
        ("grant.grantor", grant("x", None, SHOP, "other", leaf(), small())),
        ("grant.no-parent", grant("x", None, AUTHORITY, "other", Kind::Delegation, small())),
        ("grant.unknown", grant("x", Some("nothing"), CITY, "other", leaf(), small())),
        ("grant.repeated", grant("leaf", Some("root"), CITY, "other", leaf(), small())),
        ("added", grant("x", None, AUTHORITY, "other", leaf(), small())),
    ] {
        assert!(refusal(&mut tree_of(), grant).starts_with(expected), "{expected}");
    }
    let mut single = Tree::new(TreeRules { roots: false, max_depth: 3, max_term_years: 3 }, vec![party(AUTHORITY)]);
    assert!(refusal(&mut single, root()).starts_with("grant.no-roots"));
    let mut long = root();
    long.scope.not_after = long.scope.not_before.plus_years(3).plus_seconds(1);
    assert!(refusal(&mut tree(&[]), long).starts_with("grant.term"), "a4");
    let forged = sign(root(), CITY);
    assert!(tree(&[]).add(&forged, &keys()).is_err());
    assert_eq!(tree_of().stops_at(&id("leaf")), Some(t(90)));
    assert!(tree_of().permits(&id("leaf"), &credit, &purpose("p"), t(20)).is_ok());
}

#[test]
fn a1_a2_an_authorisation_says_what_its_leaf_says() {
    use yu_governance::authorisation::{Authorisation, ContingencyPlan, Grant as Columns};
    let plan = ContingencyPlan { owner: "shop".into(), scope: "leak".into(), contacts: vec![], steps: vec![], drill_interval_days: 9 };
    let kind = Kind::Leaf { scenario: Scenario::new("credit").unwrap(), plan: plan_hash(&plan).unwrap() };
    let tree = tree(&[root(), grant("leaf", Some("root"), CITY, "shop", kind, scope(&[&["a"]], &["p"], 10, 90, 4))]);
    let document = || Authorisation {
        v: 1,
        id: id("leaf"),
        environment: Environment::Dev,
        authority: party(AUTHORITY),
        licensee: "shop".into(),
        scenario: Scenario::new("credit").unwrap(),
        purpose: purpose("p"),
        datasets: vec![Columns { dataset: data(0), columns: set(&["a"]), quota: Some(measures(4)) }],
        contingency_plan: Some(plan.clone()),
        not_before: t(10),
        not_after: t(90),
    };
    tree.backs(&document()).unwrap();
    let changes: [Refusal<Authorisation>; 12] = [
        ("grant.beyond-quota", |d| d.datasets[0].quota = None),
        ("grant.beyond-quota", |d| d.datasets[0].quota = Some(measures(5))),
        ("grant.unknown", |d| d.id = id("other")),
        ("grant.no-job", |d| d.id = id("root")),
        ("grant.scenario", |d| d.scenario = Scenario::new("insurance").unwrap()),
        ("grant.purpose", |d| d.purpose = purpose("q")),
        ("grant.other-plan", |d| d.contingency_plan = None),
        ("grant.other-plan", |d| d.contingency_plan.as_mut().unwrap().owner = "city".into()),
        ("grant.other-licensee", |d| d.licensee = "city".into()),
        ("grant.beyond-dataset", |d| d.datasets[0].dataset = data(1)),
        ("grant.beyond-column", |d| d.datasets[0].columns = set(&["a", "b"])),
        ("grant.beyond-term", |d| d.not_after = t(91)),
    ];
    for (expected, change) in changes {
        let mut document = document();
        change(&mut document);
        let error = tree.backs(&document).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{expected}: {error}");
    }
}

fn revocation(name: &str, by: &str, at: i64) -> Signed<Revocation> {
    sign(Revocation { v: 1, grant: id(name), by: party(by), reason: why(), at: t(at) }, by)
}

#[test]
fn a14_revoking_the_first_tier_stops_every_leaf_below() {
    let delegation = grant("second", Some("root"), CITY, "shop", Kind::Delegation, scope(&[&["a"]], &["p"], 10, 90, 4));
    let deep = grant("deep", Some("second"), SHOP, "maker", leaf(), scope(&[&["a"]], &["p"], 10, 80, 4));
    let aside = grant("aside", None, AUTHORITY, "other", leaf(), scope(&[&["a"]], &["p"], 10, 80, 4));
    let mut whole = tree(&[root(), delegation, deep, child("one", scope(&[&["a"]], &["p"], 10, 90, 4)), aside]);
    let stops = whole.revoke(&revocation("root", AUTHORITY, 50), &keys()).unwrap();
    assert_eq!(stops, [Stop { leaf: id("deep"), at: t(50) }, Stop { leaf: id("one"), at: t(50) }]);
    assert_eq!(whole.stops_at(&id("deep")), Some(t(50)));
    assert_eq!(whole.stops_at(&id("aside")), Some(t(80)));
    whole.revoke(&revocation("second", AUTHORITY, 40), &keys()).unwrap();
    assert_eq!((whole.stops_at(&id("deep")), whole.stops_at(&id("one"))), (Some(t(40)), Some(t(50))));
    whole.revoke(&revocation("second", CITY, 60), &keys()).unwrap();
    assert_eq!(whole.stops_at(&id("deep")), Some(t(40)), "a later date does not revive it");
    let error = whole.revoke(&revocation("root", CITY, 40), &keys()).unwrap_err().to_string();
    assert!(error.starts_with("revocation.not-entitled"), "{error}");
    assert!(whole.revoke(&revocation("root", SHOP, 40), &keys()).is_err());
    assert!(whole.revoke(&revocation("nothing", AUTHORITY, 40), &keys()).is_err());
    let late = child("late", scope(&[&["a"]], &["p"], 10, 20, 1));
    assert!(refusal(&mut whole, late).starts_with("grant.stopped"));
}

/// A grant to try: on which earlier one, of which kind, with which scope.
fn attempt() -> impl Strategy<Value = (usize, usize, Scope)> {
    let columns = || prop::sample::subsequence(vec!["a", "b", "c"], 0..=3);
    let purposes = prop::sample::subsequence(vec!["p", "q"], 1..=2);
    let parts = (0_usize..6, 0_usize..4, columns(), columns(), purposes, 0_i64..40, 40_i64..100, 0_u64..8);
    parts.prop_map(|(parent, kind, one, two, purposes, from, to, uses)| (parent, kind, scope(&[&one, &two], &purposes, from, to, uses)))
}

/// What a leaf must satisfy towards an ancestor, written down a second time.
fn exceeds(leaf: &Scope, above: &Scope) -> bool {
    let columns = |scope: &Scope| -> BTreeSet<(DatasetId, String)> {
        scope.datasets.iter().flat_map(|(d, c)| c.iter().map(|c| (d.clone(), c.to_owned())).collect::<Vec<_>>()).collect()
    };
    let amounts = |scope: &Scope, d: &DatasetId| scope.quota.get(d).map_or([0; 5], |m| m.named().map(|(_, amount)| amount));
    !columns(leaf).is_subset(&columns(above))
        || !leaf.purposes.is_subset(&above.purposes)
        || leaf.not_before < above.not_before
        || leaf.not_after > above.not_after
        || leaf.quota.keys().any(|d| amounts(leaf, d).iter().zip(amounts(above, d)).any(|(have, most)| *have > most))
}

proptest! {
    /// A14: whatever is tried, no leaf of the tree exceeds any of its ancestors, nor do all leaves together exceed the root.
    #[test]
    fn a14_no_tree_has_a_leaf_beyond_an_ancestor(attempts in prop::collection::vec(attempt(), 1..20), stop in 0_usize..6, at in 0_i64..120) {
        let mut names = vec!["root".to_owned()];
        let mut tree = tree(&[root()]);
        for (i, (parent, kind, scope)) in attempts.into_iter().enumerate() {
            let parent = &names[parent % names.len()];
            let kind = [leaf(), leaf(), Kind::Delegation, Kind::Root][kind].clone();
            // everybody is "city" here: who holds a grant is tested elsewhere
            let tried = grant(&format!("g{i}"), Some(parent), CITY, "city", kind, scope);
            if tree.add(&sign(tried, CITY), &keys()).is_ok() {
                names.push(format!("g{i}"));
            }
        }
        let mut all = Measures::default();
        for name in &names {
            let here = tree.get(&id(name)).unwrap();
            for above in tree.line(&id(name)) {
                prop_assert!(!exceeds(&here.scope, &above.scope), "{name} exceeds {}", above.id);
            }
            if let Kind::Leaf { .. } = here.kind {
                all = here.scope.quota.get(&data(0)).map_or(Some(all), |m| all.plus(m)).unwrap();
                prop_assert_eq!(here.scope.purposes.len(), 1);
            }
        }
        prop_assert!(all.beyond(&measures(10)).is_none());
        let revoked = &names[stop % names.len()];
        let stops = tree.revoke(&revocation(revoked, AUTHORITY, at), &keys()).unwrap();
        for name in &names {
            let below = tree.line(&id(name)).any(|grant| grant.id == id(revoked));
            let is_leaf = matches!(tree.get(&id(name)).unwrap().kind, Kind::Leaf { .. });
            prop_assert_eq!(stops.iter().any(|stop| stop.leaf == id(name)), below && is_leaf);
            let end = tree.line(&id(name)).map(|grant| grant.scope.not_after).min().unwrap();
            prop_assert_eq!(tree.stops_at(&id(name)), Some(if below { end.min(t(at)) } else { end }));
        }
    }
}

fn lab() -> LabGrant {
    LabGrant {
        v: 1,
        id: id("lab-1"),
        authority: party(AUTHORITY),
        applicant: "shop".into(),
        datasets: BTreeSet::from([data(0)]),
        development: Text::new("joint statistics", "联合统计"),
        market: Text::new("credit reports", "信用报告"),
        price: 0,
        not_before: "2026-08-31T00:00:00Z".parse().unwrap(),
        not_after: "2027-02-28T00:00:00Z".parse().unwrap(),
    }
}

#[test]
fn a7_the_lab_is_free_short_and_in_development() {
    let code = |change: fn(&mut LabGrant)| {
        let mut lab = lab();
        change(&mut lab);
        let signed = sign(lab, AUTHORITY);
        let answer = LabGrant::verify(&signed, &[party(AUTHORITY)], &keys(), LabRules { months: 6 }).map(|_| ());
        answer.map_or_else(|error| error.to_string(), |()| "fine".into())
    };
    let later = |lab: &mut LabGrant, seconds| lab.not_after = lab.not_after.plus_seconds(seconds);
    assert_eq!(code(|_| {}), "fine");
    assert!(code(|lab| lab.not_after = lab.not_after.plus_days(1)).starts_with("lab.term: at most 6 months"));
    let mut second = lab();
    later(&mut second, 1);
    let signed = sign(second, AUTHORITY);
    assert!(LabGrant::verify(&signed, &[party(AUTHORITY)], &keys(), LabRules { months: 6 }).is_err());
    assert!(code(|lab| lab.price = 1).starts_with("lab.price"));
    assert!(code(|lab| lab.id = AuthorisationId::new("prod/authority/lab").unwrap()).starts_with("lab.environment"));
    assert!(code(|lab| lab.datasets = BTreeSet::from([DatasetId::new("prod/health/insured").unwrap()])).starts_with("lab.environment"));
    assert!(code(|lab| lab.datasets.clear()).starts_with("lab.incomplete"));
    assert!(code(|lab| lab.market = Text::new("", "")).starts_with("lab.incomplete"));
    let stranger = sign(lab(), AUTHORITY);
    assert!(LabGrant::verify(&stranger, &[party(CITY)], &keys(), LabRules { months: 6 }).is_err());
}

#[test]
fn a7_the_report_is_signed_by_platform_and_authority() {
    let report = || LabReport {
        v: 1,
        lab: lab().id,
        grant: document_hash(&lab()).unwrap(),
        authority: party(AUTHORITY),
        platform: party(PLATFORM),
        jobs: 12,
        used: BTreeSet::from([data(0)]),
        security_events: 0,
        assessment: Text::new("fit", "可行"),
        at: "2027-03-01T00:00:00Z".parse().unwrap(),
    };
    let signed = |report: LabReport| {
        let mut signed = sign(report, AUTHORITY);
        signed.add_signature(PLATFORM, &key(PLATFORM)).unwrap();
        signed
    };
    let code = |change: fn(&mut LabReport)| {
        let mut report = report();
        change(&mut report);
        LabReport::verify(&signed(report), &lab(), &keys()).map_or_else(|error| error.to_string(), |hash| hash.to_string())
    };
    assert_eq!(code(|_| {}), document_hash(&report()).unwrap().to_string());
    assert!(LabReport::verify(&sign(report(), PLATFORM), &lab(), &keys()).is_err(), "the authority issues it");
    assert!(LabReport::verify(&sign(report(), AUTHORITY), &lab(), &keys()).is_err(), "the platform measured it");
    assert!(code(|r| r.grant = hash("another stay")).starts_with("lab.report-other"));
    assert!(code(|r| r.used = BTreeSet::from([data(1)])).starts_with("lab.report-data"));
    assert!(code(|r| r.at = t(0)).starts_with("lab.report-early"));
    assert!(code(|r| r.assessment = Text::new("fit", "")).starts_with("lab.report-incomplete"));
}

fn agreement(version: u64, supersedes: Option<yu_governance::canonical::Hash>, at: Time) -> Agreement {
    Agreement {
        v: 1,
        grant: id("leaf"),
        version,
        supersedes,
        sides: [party(AUTHORITY), party(CITY)],
        clauses: BTreeMap::from([(Clause::Exit, why()), (Clause::AssetDisposal, why())]),
        annex: scope(&[&["a"]], &["p"], 10, 90, 4),
        tariffs: BTreeMap::from([("cpu-second".into(), "12".into())]),
        at,
    }
}

fn both(agreement: Agreement) -> Signed<Agreement> {
    let mut signed = sign(agreement, AUTHORITY);
    signed.add_signature(CITY, &key(CITY)).unwrap();
    signed
}

#[test]
fn a13_a_job_cites_the_version_in_force() {
    let rules = AgreementRules { required: BTreeSet::from([Clause::Exit, Clause::AssetDisposal]) };
    let above = scope(&[&["a", "b"]], &["p"], 10, 90, 4);
    let add = |versions: &mut Versions, signed: &Signed<Agreement>| versions.add(signed, &id("leaf"), &above, &rules, &keys());
    let mut versions = Versions::new();
    let first = add(&mut versions, &both(agreement(1, None, t(10)))).unwrap();
    let cite = |versions: &Versions, hash, at| versions.cite(&hash, t(at)).map_or_else(|e| e.to_string(), |()| "fine".to_owned());
    assert_eq!(cite(&versions, first, 20), "fine");
    assert!(cite(&versions, first, 9).starts_with("agreement.not-yet"));
    assert!(cite(&versions, first, 90).starts_with("agreement.ended"));
    let second = add(&mut versions, &both(agreement(2, Some(first), t(30)))).unwrap();
    assert_eq!(cite(&versions, first, 29), "fine");
    assert!(cite(&versions, first, 30).starts_with("agreement.superseded"));
    assert_eq!(cite(&versions, second, 30), "fine");
    assert!(cite(&versions, hash("other"), 30).starts_with("agreement.unknown"));
    let refusals: [Refusal<Agreement>; 8] = [
        ("agreement.version", |a| a.version = 4),
        ("agreement.version", |a| a.supersedes = None),
        ("agreement.version", |a| a.at = t(29)),
        ("agreement.clause: the clause `exit`", |a| drop(a.clauses.remove(&Clause::Exit))),
        ("agreement.tariff", |a| drop(a.tariffs.insert("gpu-second".into(), "0.5".into()))),
        ("agreement.sides", |a| a.grant = id("other")),
        ("grant.beyond-column", |a| a.annex = scope(&[&["z"]], &["p"], 10, 90, 4)),
        ("grant.beyond-term", |a| a.annex.not_after = t(91)),
    ];
    for (expected, change) in refusals {
        let mut third = agreement(3, Some(second), t(40));
        change(&mut third);
        let error = add(&mut versions, &both(third)).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{expected}: {error}");
    }
    assert!(add(&mut versions, &sign(agreement(3, Some(second), t(40)), AUTHORITY)).is_err(), "one side only");
    assert_eq!(versions.in_force(t(99)), Some(second), "what was refused changed nothing");
}
