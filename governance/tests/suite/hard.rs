//! Each hard rule refuses what it is for, and only that: every case changes one thing in a world that may run and
//! expects exactly the codes it should cause.

use yu_governance::authorisation::{OutsideDecision, Withdrawal, Withdrawn};
use yu_governance::canonical::to_canonical;
use yu_governance::catalogue::{Class, Kind, Origin, Subjects};
use yu_governance::contract::*;
use yu_governance::id::*;
use yu_governance::policy::PolicySet;
use yu_governance::policy::check;
use yu_governance::policy::hard::RULES;
use yu_governance::text::Text;

use super::world::*;

#[track_caller]
fn expect(codes: &[&str], change: impl FnOnce(&mut World)) {
    let mut world = World::new();
    change(&mut world);
    assert_eq!(world.codes(), codes);
}

/// As `expect`, with the citations brought up to date after the change.
#[track_caller]
fn expect_linked(codes: &[&str], change: impl FnOnce(&mut World)) {
    expect(codes, |world| {
        change(world);
        world.link();
    });
}

#[test]
fn the_world_may_run_for_every_party() {
    for me in [HEALTH, BANK, PLATFORM, AUTHORITY] {
        expect(&[], |w| w.me = party(me));
    }
}

#[test]
fn findings_speak_both_languages_name_a_party_and_a_remedy() {
    let mut world = World::new();
    world.absent = vec!["authorisation", "catalogue", "approvals"];
    world.runs_today = 4;
    world.contract.limits.min_cell = 1;
    let dossier = world.dossier();
    let found = check(&world.input(&dossier), &PolicySet::default_policy().unwrap());
    assert!(found.len() > 6);
    for finding in found {
        assert!(!finding.what.is_blank() && !finding.remedy.is_blank() && !finding.party.is_empty(), "{finding}");
        assert!(finding.what.zh.chars().any(|c| c as u32 > 0x4e00), "{finding}");
    }
}

#[test]
fn rule_names_are_unique() {
    let names: std::collections::BTreeSet<_> = RULES.iter().map(|r| r.name).collect();
    assert_eq!(names.len(), RULES.len());
}

#[test]
fn a_party_decides_its_own_jobs_only() {
    expect(&["parties.not-ours", "policy.no-question"], |w| w.me = party(STRANGER));
}

#[test]
fn no_two_computing_parties_share_a_controller() {
    expect(&["parties.controller-shared"], |w| w.contract.parties[2].controller = "Bank Group ".into());
    // input and computing party at once is the ordinary case; sharing with the receiver only is no collusion
    expect(&[], |w| w.contract.parties[3].controller = "another bureau".into());
}

#[test]
fn d9_outside_the_domain_only_by_decision() {
    let outside = |w: &mut World| w.contract.parties[2].zone = Zone::Outside;
    let decision = |w: &World| OutsideDecision {
        v: 1,
        authorisation: w.authorisation.id.clone(),
        party: party(PLATFORM),
        reason: Text::new("no capacity inside", "域内算力不足"),
        not_after: at("2027-01-01T00:00:00Z"),
    };
    expect(&["parties.zone"], outside);
    expect(&[], |w| {
        outside(w);
        w.outside = vec![decision(w)];
    });
    expect(&["parties.zone"], |w| {
        outside(w);
        w.outside = vec![decision(w)];
        w.forged = vec!["outside"];
    });
    expect(&["parties.zone"], |w| {
        outside(w);
        w.outside = vec![OutsideDecision { party: party(BANK), ..decision(w) }];
    });
    expect(&["parties.zone"], |w| {
        outside(w);
        // valid now, but not as long as the contract
        w.outside = vec![OutsideDecision { not_after: w.now.plus_seconds(10), ..decision(w) }];
    });
}

#[test]
fn o2_the_reviewer_never_computes_and_is_independent() {
    expect_linked(&["contract.computing-parties", "parties.reviewer-computes"], |w| {
        w.contract.parties[3].roles = vec![Role::Computing, Role::Reviewer];
    });
    expect(&["parties.reviewer-computes"], |w| w.authorities.push(party(PLATFORM)));
    expect(&["parties.reviewer-dependent"], |w| w.contract.parties[3].controller = "data company".into());
}

#[test]
fn a18_results_go_to_those_entitled() {
    let seal = SealTo::from_bytes([3; 32]);
    expect(&["receivers.not-party"], |w| {
        // a provider of input that has no role of result
        w.contract.receivers.push(Recipient { party: party(HEALTH), seal });
    });
    expect_linked(&["receivers.not-entitled"], |w| {
        w.contract.parties[2].roles.push(Role::Result);
        w.contract.receivers.push(Recipient { party: party(PLATFORM), seal });
    });
    expect(&["receivers.not-entitled", "receivers.not-party"], |w| {
        w.contract.receivers.push(Recipient { party: party(STRANGER), seal });
    });
    expect_linked(&["receivers.key-missing"], |w| w.contract.parties[0].roles.push(Role::Result));
    // O11: results may go back to those who supplied data
    expect_linked(&[], |w| {
        w.contract.parties[0].roles.push(Role::Result);
        w.contract.receivers.push(Recipient { party: party(HEALTH), seal });
    });
}

#[test]
fn a4_the_contract_ends() {
    expect(&[], |w| w.now = w.contract.expires.plus_seconds(-1));
    expect(&["contract.expired"], |w| w.now = w.contract.expires);
    expect(&["contract.from-the-future"], |w| w.now = w.contract.created.plus_seconds(-301));
    expect(&[], |w| w.now = w.contract.created.plus_seconds(-300));
}

#[test]
fn a4_the_authorisation_is_in_force_now_and_until_the_contract_ends() {
    expect_linked(&["authorisation.not-yet-valid"], |w| w.authorisation.not_before = w.now.plus_seconds(1));
    expect_linked(&[], |w| w.authorisation.not_before = w.now);
    expect_linked(&["authorisation.ends-first", "authorisation.expired"], |w| w.authorisation.not_after = w.now);
    expect_linked(&["authorisation.ends-first"], |w| {
        w.authorisation.not_after = w.contract.expires.plus_seconds(-1);
    });
    expect_linked(&[], |w| w.authorisation.not_after = w.contract.expires);
    expect_linked(&["authorisation.term"], |w| w.authorisation.not_after = at("2029-01-01T00:00:01Z"));
}

#[test]
fn a2_without_a_plan_nothing_runs() {
    expect_linked(&["authorisation.plan-missing"], |w| w.authorisation.contingency_plan = None);
    expect_linked(&["authorisation.plan-incomplete"], |w| {
        w.authorisation.contingency_plan.as_mut().unwrap().contacts.clear();
    });
}

#[test]
fn a2_l1_what_is_withdrawn_does_not_run() {
    let withdrawal = |w: &World, withdrawn, at| Withdrawal {
        v: 1,
        authorisation: w.authorisation.id.clone(),
        withdrawn,
        reason: Text::new("drill overdue", "演练逾期"),
        at,
    };
    expect(&["authorisation.plan-withdrawn"], |w| {
        w.withdrawals = vec![sign(withdrawal(w, Withdrawn::ContingencyPlan, w.now), AUTHORITY)];
    });
    expect(&["authorisation.withdrawn"], |w| {
        w.withdrawals = vec![sign(withdrawal(w, Withdrawn::Authorisation, w.now), AUTHORITY)];
    });
    expect(&["withdrawal.signature"], |w| {
        w.withdrawals = vec![sign(withdrawal(w, Withdrawn::Authorisation, w.now), STRANGER)];
    });
    expect(&[], |w| {
        let later = w.contract.expires;
        w.withdrawals = vec![sign(withdrawal(w, Withdrawn::Authorisation, later), AUTHORITY)];
    });
    expect(&[], |w| {
        let mut other = withdrawal(w, Withdrawn::Authorisation, w.now);
        other.authorisation = AuthorisationId::new("dev/authority/other").unwrap();
        w.withdrawals = vec![sign(other, AUTHORITY)];
    });
}

#[test]
fn an_authorisation_counts_only_as_signed_by_an_accepted_authority() {
    // without it nobody is licensee, and no authority can have approved the bank's import
    let with = |code: &'static str| ["approval.not-entitled", code, "request.other-authorisation"];
    expect(&with("authorisation.missing"), |w| w.absent = vec!["authorisation"]);
    expect(&with("authorisation.signature"), |w| w.forged = vec!["authorisation"]);
    expect(&with("authorisation.authority-unknown"), |w| w.authorities.clear());
    expect(&with("authorisation.other-text"), |w| w.authorisation.contingency_plan.as_mut().unwrap().scope = "other".into());
}

#[test]
fn a18_only_the_licensee_runs_and_requests() {
    // to another licensee the bank's data are no import of its own
    let codes = [
        "approval.not-entitled",
        "authorisation.licensee-absent",
        "origin.not-an-import",
        "receivers.not-entitled",
        "request.other-authorisation",
    ];
    expect_linked(&codes, |w| {
        w.authorisation.licensee = "insurer".into();
        w.contract.parties[1].roles = vec![Role::Input, Role::Computing];
        w.contract.parties[2].roles = vec![Role::Computing, Role::Result];
        w.contract.receivers[0].party = party(PLATFORM);
    });
    expect_linked(&["request.other-authorisation"], |w| w.requests[0].requester = party(PLATFORM));
}

#[test]
fn a1_a18_one_scenario_one_purpose_everywhere() {
    let other = || (Scenario::new("保险").unwrap(), Purpose::new("training").unwrap());
    expect(&["scenario.mismatch"], |w| w.contract.scenario = other().0);
    expect(&["purpose.mismatch"], |w| w.contract.purpose = other().1);
    expect_linked(&["scenario.mismatch"], |w| w.authorisation.scenario = other().0);
    expect_linked(&["purpose.mismatch"], |w| w.authorisation.purpose = other().1);
    expect_linked(&["approval.purpose"], |w| w.requests[0].purpose = other().1);
    expect_linked(&["approval.purpose", "purpose.mismatch"], |w| w.approvals[1].purpose = other().1);
    expect_linked(&["approval.purpose", "scenario.mismatch"], |w| w.approvals[1].scenario = other().0);
}

#[test]
fn d7_environments_do_not_meet() {
    expect(&["environment.mixed"], |w| w.environment = Environment::Prod);
    expect(&["environment.mixed"], |w| w.contract.environment = Environment::Prod);
    let strange = ["approval.missing", "catalogue.missing", "columns.beyond-authorisation", "environment.mixed", "policy.undecidable"];
    expect(&strange, |w| w.contract.inputs[0].dataset = DatasetId::new("prod/health/insured").unwrap());
}

#[test]
fn k1_each_input_has_its_providers_entry_of_this_version() {
    expect(&["approval.not-entitled", "catalogue.missing", "policy.undecidable"], |w| w.absent = vec!["catalogue"]);
    expect(&["approval.not-entitled", "catalogue.signature", "policy.undecidable"], |w| w.forged = vec!["catalogue"]);
    expect(&["dataset.version"], |w| w.entries[0].version = hash("changed file"));
    expect(&["dataset.rows"], |w| w.contract.inputs[1].rows = 2_001);
    expect(&["catalogue.field-missing"], |w| w.entries[0].summary.clear());
    expect(&["dataset.provider"], |w| {
        let other = "yu://dev/bank/node2";
        w.keys.insert(other, key(other).public()).unwrap();
        w.entries[1].provider = party(other);
    });
}

#[test]
fn a20_p4_each_input_is_approved_by_whoever_may() {
    expect(&["approval.missing"], |w| w.absent = vec!["approvals"]);
    expect(&["approval.missing"], |w| w.forged = vec!["approvals"]);
    expect(&["approval.missing"], |w| {
        w.contract.approvals.pop();
    });
    expect(&["approval.missing"], |w| w.approvals[0].not_after = w.approvals[0].not_after.plus_days(1));
    expect(&["request.missing"], |w| w.absent = vec!["requests"]);
    expect(&["request.missing"], |w| w.forged = vec!["requests"]);
    expect_linked(&["approval.not-entitled"], |w| w.approvals[0].approver = party(BANK));
    // P4: an import that only its owner approved cannot be joined
    expect_linked(&["approval.not-entitled"], |w| w.approvals[1].approver = party(BANK));
    // public data are approved by their provider, whatever the authority says
    expect_linked(&["approval.not-entitled"], |w| w.approvals[0].approver = party(AUTHORITY));
    expect_linked(&["approval.term"], |w| w.approvals[0].at = w.now.plus_seconds(1));
    expect_linked(&["approval.term"], |w| w.approvals[0].not_after = w.contract.expires.plus_seconds(-1));
    expect_linked(&[], |w| w.approvals[0].not_after = w.contract.expires);
}

#[test]
fn p4_the_licensees_own_data_are_an_import_whatever_they_say() {
    let imported = || Origin::Imported { source: "own customers".into(), licence: "contract of account".into() };
    // declared as public: refused, also when the licensee approved it as the provider of public data would
    expect_linked(&["origin.import-undeclared"], |w| w.entries[1].origin = Origin::Public);
    expect_linked(&["approval.not-entitled", "origin.import-undeclared"], |w| {
        w.entries[1].origin = Origin::Public;
        w.approvals[1].approver = party(BANK);
    });
    // a provider's data are none: the authority cannot approve them over the provider's head
    expect_linked(&["origin.not-an-import"], |w| w.entries[0].origin = imported());
    expect_linked(&["approval.not-entitled", "origin.not-an-import"], |w| {
        w.entries[0].origin = imported();
        w.approvals[0].approver = party(AUTHORITY);
    });
    // another organisation is licensee: what was an import of the bank is a provider's
    expect_linked(&["approval.not-entitled", "origin.import-undeclared", "origin.not-an-import"], |w| {
        w.authorisation.licensee = "health".into();
        w.requests.iter_mut().for_each(|r| r.requester = party(HEALTH));
        w.contract.parties[0].roles.push(Role::Result);
        w.contract.receivers[0].party = party(HEALTH);
        w.contract.parties[1].roles = vec![Role::Input, Role::Computing];
    });
    // without an authorisation the rule is silent, and nothing runs
    expect(&["approval.not-entitled", "authorisation.missing", "request.other-authorisation"], |w| w.absent = vec!["authorisation"]);
}

#[test]
fn a5_contract_within_approval_within_authorisation_within_catalogue() {
    let beyond = ["columns.beyond-approval", "columns.beyond-authorisation"];
    expect(&beyond, |w| w.contract.inputs[0].columns = set(&["id", "cost", "visits", "chronic", "address"]));
    // requested and refused
    expect_linked(&["columns.beyond-approval"], |w| {
        w.approvals[0].columns[1].verdict = yu_governance::request::Verdict::Refused;
        w.approvals[0].columns[1].reason = Some("too much".into());
    });
    // approved, but never authorised
    expect_linked(&["columns.beyond-authorisation"], |w| w.authorisation.datasets[0].columns = set(&["id", "cost", "visits"]));
    // authorised and approved, but not in the catalogue
    expect(&["columns.beyond-catalogue", "policy.not-permitted"], |w| {
        w.entries[0].items.retain(|c| c.name != "visits");
    });
    // an approval wider than the authorisation is refused even if the contract keeps within both
    expect_linked(&["columns.beyond-authorisation"], |w| {
        w.authorisation.datasets[1].columns = set(&["id", "income"]);
        w.contract.inputs[1].columns = set(&["id", "income"]);
        w.contract.joint_mut().unwrap().statistics.right.columns = vec!["income".into()];
        ask_all(&mut w.contract);
    });
    // fewer columns than granted are fine
    expect_linked(&[], |w| {
        w.contract.inputs[1].columns = set(&["id", "income"]);
        w.contract.joint_mut().unwrap().statistics.right.columns = vec!["income".into()];
        ask_all(&mut w.contract);
    });
}

#[test]
fn a6_what_is_closed_to_opening_is_never_used() {
    let refused = ["catalogue.prohibited", "columns.prohibited", "policy.not-permitted"];
    expect(&refused, |w| w.entries[0].prohibited = true);
    expect(&refused, |w| w.entries[0].items[1].class = Class::Prohibited);
}

/// Columns of the only step.
fn stats(contract: &mut Contract) -> &mut Vec<ColumnRef> {
    match &mut contract.joint_mut().unwrap().steps[0] {
        StepTerms::Stats { columns, .. } => columns,
        _ => unreachable!(),
    }
}

/// The grouping of the only step.
fn group(contract: &mut Contract) -> &mut GroupingTerms {
    match &mut contract.joint_mut().unwrap().steps[0] {
        StepTerms::Stats { group: Some(group), .. } => group,
        _ => unreachable!(),
    }
}

#[test]
fn kinds_of_columns_fit_their_use() {
    expect(&["columns.kind"], |w| w.entries[0].items[0].kind = Kind::Text);
    expect(&["columns.kind"], |w| w.entries[1].items[1].kind = Kind::Text);
    expect(&["columns.kind"], |w| w.entries[0].items[3].kind = Kind::Numeric);
    expect(&["columns.kind"], |w| group(&mut w.contract).categories.reverse());
}

#[test]
fn a15_rows_that_point_at_somebody_need_the_consent_filter() {
    let none = |w: &mut World| w.contract.inputs[0].consent = ConsentTerms::NotNeeded;
    expect(&["consent.filter-missing", "match.consent", "policy.not-permitted"], none);
    expect(&["consent.filter-missing", "match.consent", "policy.not-permitted"], |w| {
        none(w);
        w.entries[0].subjects = Subjects::LegalPersons;
    });
    expect(&[], |w| {
        none(w);
        (w.entries[0].subjects, w.entries[0].subject_column) = (Subjects::None, None);
        w.entries[0].items.iter_mut().for_each(|c| c.class = Class::General);
    });
}

#[test]
fn a15_the_catalogue_says_whose_consent_counts_not_the_proposer() {
    expect(&["consent.subject"], |w| w.entries[0].subject_column = Some("address".into()));
    expect(&["consent.subject"], |w| {
        let ConsentTerms::Filter { subject_column, .. } = &mut w.contract.inputs[0].consent else { unreachable!() };
        *subject_column = "chronic".into();
    });
}

#[test]
fn what_the_match_reveals_is_said_and_consented() {
    for promised in [RevealMatch::None, RevealMatch::Left, RevealMatch::Right] {
        expect(&["match.protocol"], |w| w.contract.reveal_match = promised);
    }
    // rows joined on shares: nobody learns the match, the magnitudes are named and said
    let joined = |w: &mut World| {
        w.contract.joint_mut().unwrap().psi.kind = PsiKind::SharedJoin80;
        w.contract.reveal_match = RevealMatch::None;
        let s = &mut w.contract.joint_mut().unwrap().statistics;
        (s.left.exponents, s.right.exponents) = (vec![10, 3], vec![20, 4]);
        w.contract.leakage = yu_governance::contract::leakage::required(&w.contract);
        let said = |code: LeakCode| w.contract.leakage.iter().filter(|l| l.code == code).map(|l| l.party.as_str()).collect::<Vec<_>>();
        assert!(said(LeakCode::MatchedRows).is_empty());
        // the bank receives, the authority reviews
        assert_eq!(said(LeakCode::MatchCount), [BANK, AUTHORITY]);
        assert_eq!(said(LeakCode::MatchFromResult), [BANK]);
        assert_eq!(w.contract.leakage.iter().filter(|l| l.code == LeakCode::ColumnMagnitude).count(), w.contract.parties.len());
    };
    expect(&[], joined);
    // what a step tells its receiver is said
    let column = |side, column: &str| ColumnRef { side, column: column.into() };
    let steps = |w: &mut World| {
        joined(w);
        w.contract.joint_mut().unwrap().steps = vec![
            StepTerms::Quantiles { columns: vec![column(Side::Left, "cost"), column(Side::Right, "loans")], per_ten_thousand: vec![5000] },
            StepTerms::LinearRegression {
                target: column(Side::Right, "income"),
                features: vec![column(Side::Left, "visits")],
                ridge: Real::new(0.01).unwrap(),
            },
        ];
    };
    expect(&["leakage.understated"], steps);
    expect(&[], |w| {
        steps(w);
        w.contract.leakage = yu_governance::contract::leakage::required(&w.contract);
        let said = |code: LeakCode| w.contract.leakage.iter().filter(|l| l.code == code).map(|l| l.party.as_str()).collect::<Vec<_>>();
        for code in [LeakCode::OrderStatistics, LeakCode::Model, LeakCode::FeatureScale] {
            assert_eq!(said(code), [BANK, AUTHORITY]);
        }
        assert!(said(LeakCode::GroupCounts).is_empty());
        assert_eq!(said(LeakCode::DeviationUnchecked), [HEALTH, BANK, PLATFORM]);
    });
    // against parties that deviate: on shares only, and then it is said
    let malicious = |w: &mut World| {
        w.contract.security.adversary = Adversary::Malicious;
        w.contract.leakage = yu_governance::contract::leakage::required(&w.contract);
    };
    expect(&["security.overstated"], malicious);
    expect(&[], |w| {
        joined(w);
        malicious(w);
        assert_eq!(w.contract.leakage.iter().filter(|l| l.code == LeakCode::DeviationFound).count(), 3);
    });
    expect(&["leakage.understated", "match.leakage", "match.protocol"], |w| {
        joined(w);
        w.contract.reveal_match = RevealMatch::Both;
    });
    expect(&["leakage.understated"], |w| {
        joined(w);
        w.contract.leakage.retain(|l| l.code != LeakCode::ColumnMagnitude);
    });
    expect(&["contract.exponents"], |w| {
        joined(w);
        w.contract.joint_mut().unwrap().statistics.left.exponents.pop();
    });
    expect(&["leakage.understated", "match.leakage"], |w| {
        w.contract.leakage.retain(|l| l.code != LeakCode::MatchedRows);
    });
    expect(&["leakage.understated"], |w| w.contract.leakage.retain(|l| l.code != LeakCode::MatchCount));
    expect(&["leakage.understated"], |w| w.contract.leakage[0].what.zh = "无".into());
    expect(&[], |w| w.contract.leakage.push(Leakage::new(party(PLATFORM), LeakCode::Traffic)));
}

#[test]
fn security_is_not_overstated() {
    expect(&["leakage.understated", "security.overstated"], |w| w.contract.security.adversary = Adversary::Malicious);
    expect(&["security.overstated"], |w| w.contract.security.corruptions = 2);
    expect(&["security.overstated"], |w| w.contract.security.statistical_bits = 80);
}

#[test]
fn a19_o5_limits_keep_to_the_profile() {
    expect(&["limits.min-rows"], |w| w.contract.limits.min_rows = w.floors.min_rows - 1);
    expect(&["limits.min-cell"], |w| w.contract.limits.min_cell = w.floors.min_cell - 1);
    expect(&["limits.max-ratio"], |w| w.contract.limits.max_ratio = w.floors.max_ratio + 1);
    expect(&["limits.runs-per-day"], |w| w.contract.limits.runs_per_day = w.floors.runs_per_day + 1);
    expect(&[], |w| {
        w.contract.limits = Limits {
            min_rows: w.floors.min_rows,
            min_cell: w.floors.min_cell,
            max_ratio: w.floors.max_ratio,
            runs_per_day: w.floors.runs_per_day,
        };
    });
}

#[test]
fn small_sets_and_probes_are_refused() {
    expect(&["rows.too-few"], |w| w.contract.inputs[0].rows = 99);
    expect(&[], |w| w.contract.inputs[0].rows = 100);
    expect(&["rows.ratio"], |w| {
        w.contract.limits.max_ratio = 2;
        w.contract.inputs[0].rows = 499;
    });
    expect(&[], |w| {
        w.contract.limits.max_ratio = 2;
        w.contract.inputs[0].rows = 500;
    });
}

#[test]
fn a19_quota_plus_one_is_refused() {
    expect(&[], |w| w.runs_today = 3);
    expect(&["runs.exhausted"], |w| w.runs_today = 4);
    expect(&[], |w| {
        w.me = party(AUTHORITY);
        w.runs_today = 4;
    });
}

#[test]
fn a_contract_does_not_contradict_itself() {
    type Change = fn(&mut Contract);
    let cases: [(&str, Change); 21] = [
        ("contract.version-unknown", |c| c.v = 2),
        ("contract.technique-unknown", |c| c.technique = Technique::Central),
        ("contract.crypto-unknown", |c| c.crypto.hash = "md5".into()),
        ("contract.header", |c| c.nonce = "ab".into()),
        ("contract.header", |c| c.title.zh.clear()),
        ("contract.numbers", |c| c.cost.min_bytes = 21),
        ("contract.party-malformed", |c| c.parties[1].roles.reverse()),
        ("contract.computing-parties", |c| c.joint_mut().unwrap().statistics.helper = c.joint_mut().unwrap().statistics.left.party.clone()),
        ("contract.input-parties", |c| {
            c.inputs.pop();
        }),
        ("contract.statistics-columns", |c| c.joint_mut().unwrap().statistics.left.columns.push("id".into())),
        ("contract.grouping", |c| group(c).column = "age".into()),
        ("contract.steps", |c| c.joint_mut().unwrap().steps.clear()),
        ("contract.steps", |c| stats(c).push(ColumnRef { side: Side::Right, column: "age".into() })),
        ("contract.steps", |c| drop(stats(c).pop())),
        ("contract.steps-aligned", |c| stats(c).reverse()),
        ("contract.steps-aligned", |c| {
            let again = c.steps()[0].clone();
            c.joint_mut().unwrap().steps.push(again);
        }),
        ("contract.size", |c| c.joint_mut().unwrap().statistics.left.columns.extend((0..MAX_COLUMNS).map(|n| format!("c{n}")))),
        ("contract.size", |c| group(c).categories.extend((0..MAX_GROUPS).map(|n| format!("g{n}")))),
        ("contract.key-columns", |c| c.inputs[0].key.columns = vec!["passport".into()]),
        ("contract.key-normalisation", |c| c.inputs[0].key.normalisation.clear()),
        ("contract.receivers", |c| c.receivers[0].seal = c.reviewer.seal),
    ];
    for (code, change) in cases {
        let mut world = World::new();
        assert!(world.contract.check_shape().is_empty());
        change(&mut world.contract);
        let codes: Vec<_> = world.contract.check_shape().into_iter().map(|f| f.code).collect();
        assert!(codes.iter().any(|c| c == code), "{code}: {codes:?}");
        assert!(Admitted::new(world.signed(), &world.keys).is_err(), "{code}");
    }
}

#[test]
fn the_contract_is_canonical_json_without_large_numbers() {
    let world = World::new();
    let text = String::from_utf8(to_canonical(&world.contract).unwrap()).unwrap();
    assert!(text.contains(r#""rows":"1000""#) && text.contains(r#""min_rows":"100""#), "{text}");
    let back: Contract = serde_json::from_str(&text).unwrap();
    assert_eq!(back.id().unwrap(), world.contract.id().unwrap());
    let extra = text.replacen('{', r#"{"extra":1,"#, 1);
    assert!(serde_json::from_str::<Contract>(&extra).is_err(), "an unknown field is not ignored");
}
