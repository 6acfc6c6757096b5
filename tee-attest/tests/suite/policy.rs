//! Profiles and policies over genuine evidence; bundles, verdicts that are had again, result tokens.

use ed25519_dalek::SigningKey;
use yu_tee_attest::bundle::Level;
use yu_tee_attest::crypto::default_provider;
use yu_tee_attest::policy::{Profile, Rule, Test};
use yu_tee_attest::signed::{self, Document as _};
use yu_tee_attest::verdict::Outcome;
use yu_tee_attest::{Binding, Bundle, Entry, Evidence, Instant, Judge, Kind, Part, Policy, ear};

use crate::shared::{table, vectors};

fn intel(kind: &str, file: &str) -> Option<Entry> {
    let text = std::fs::read_to_string(vectors(kind)?.join(file)).unwrap();
    let mut value: serde_json::Value = serde_json::from_str(&text).unwrap();
    value["maker"] = "intel".into();
    Some(serde_json::from_value(value).unwrap())
}

fn bundle(entries: Vec<Entry>, issued: &str) -> Bundle {
    Bundle { name: "test".into(), issued: Instant::parse(issued).unwrap(), entries }
}

fn policy(kind: Kind, rules: Vec<Rule>) -> Policy {
    Policy { name: "test".into(), profile: Profile::Standard, kinds: vec![kind], from: None, until: None, rules, any_code: false }
}

fn rule(name: &str, claim: &str, test: Test) -> Rule {
    Rule { name: name.into(), kinds: Vec::new(), claim: claim.into(), test, may_be_absent: false }
}

/// Published evidence is bound to nobody's session: the test's policies take bytes that are given.
fn exact() -> Rule {
    rule("bound-to-session", "binding", Test::OneOf(vec!["exact".into()]))
}

#[test]
fn the_standard_profile_passes_genuine_servers_and_names_what_it_refuses() {
    let Some((folder, table)) = table("tdx") else { return };
    let mut seen = Vec::new();
    for row in &table {
        let text = |key: &str| row[key].as_str().unwrap();
        let entry = intel("tdx", text("collateral")).unwrap();
        let at = Instant(row["verify_at_unix"].as_i64().unwrap());
        let Ok(collateral) = bundle(vec![entry], "2023-06-01T00:00:00Z").verify(default_provider()) else { continue };
        let evidence = Evidence::new(Kind::Tdx, std::fs::read(folder.join(text("evidence"))).unwrap());
        let Ok(verified) = yu_tee_attest::verify::verify(default_provider(), &evidence, &collateral, at, &Binding::None) else { continue };
        let any = Policy { any_code: true, ..policy(Kind::Tdx, Vec::new()) };
        let denials = any.denials(verified.claims(), Kind::Tdx);
        // the bundle of the test is old on purpose; the binding is that of nobody
        let rules: Vec<&str> = denials.iter().map(|d| d.rule.as_str()).filter(|r| *r != "bundle-age" && *r != "bound-to-session").collect();
        let expected: &[&str] = match (text("id"), row["expected"]["tcb_status"].as_str()) {
            ("tdx-v4-azure-septve", _) => &["memory-faults-reported"],
            ("tdx-v5-alibaba-servicetd", _) => &["no-service-domain"],
            (_, Some("UpToDate")) => &[],
            (_, Some("OutOfDate")) => &["tcb-status"],
            _ => continue,
        };
        for rule in expected {
            assert!(rules.contains(rule), "{}: {rules:?}", text("id"));
        }
        if expected.is_empty() {
            assert!(rules.iter().all(|rule| *rule == "collateral-age"), "{}: {denials:?}", text("id"));
            seen.push(text("id"));
        }
        for denial in &denials {
            for lang in [yu_tee_attest::Lang::En, yu_tee_attest::Lang::Zh] {
                assert!(denial.message(lang).contains(&denial.claim));
            }
        }
    }
    assert!(seen.len() >= 4, "genuine servers that pass: {seen:?}");
}

/// A genuine domain with the bundle and policy that admit it.
fn genuine() -> Option<(Evidence, Bundle, Policy, Instant, Binding)> {
    let (folder, table) = table("tdx")?;
    let row = table.iter().find(|row| row["id"] == "tdx-v4-cos113-gcp").unwrap();
    let at = Instant(row["verify_at_unix"].as_i64().unwrap());
    let claims = &row["claims"];
    let evidence = Evidence::new(Kind::Tdx, std::fs::read(folder.join(row["evidence"].as_str().unwrap())).unwrap());
    let bundle = bundle(vec![intel("tdx", row["collateral"].as_str().unwrap()).unwrap()], "2025-10-24T00:00:00Z");
    let measured = Test::OneOf(vec![claims["mr_td"].as_str().unwrap().to_owned()]);
    let policy = policy(Kind::Tdx, vec![exact(), rule("worker-code", "tdx.mr-td", measured)]);
    let data = hex::decode(claims["report_data"].as_str().unwrap()).unwrap();
    Some((evidence, bundle, policy, at, Binding::Exact(data)))
}

#[test]
fn a_verdict_is_had_again_and_a_changed_input_is_not_taken() {
    let Some((evidence, bundle, policy, at, binding)) = genuine() else { return };
    let provider = default_provider();
    let collateral = bundle.verify(provider).unwrap();
    let judge = Judge { provider, collateral: &collateral, policy: &policy };
    let (affirmed, verdict) = judge.judge(&evidence, at, &binding).unwrap();
    assert!(affirmed.is_some(), "{:?}", verdict.outcome);
    verdict.replay(provider, &evidence, &bundle, &policy).unwrap();
    // the same, from what is stored
    let stored: yu_tee_attest::Verdict = serde_json::from_slice(&serde_json::to_vec(&verdict).unwrap()).unwrap();
    assert_eq!(stored, verdict);
    let other = Policy { name: "other".into(), ..policy.clone() };
    assert_eq!(verdict.replay(provider, &evidence, &bundle, &other).unwrap_err().code, "replay.other");
    let mut later = bundle.clone();
    later.issued = Instant(later.issued.0 + 1);
    assert_eq!(verdict.replay(provider, &evidence, &later, &policy).unwrap_err().code, "replay.other");
    let mut forged = verdict.clone();
    forged.outcome = Outcome::Refused {
        code: "x".into(),
        place: String::new(),
        what: yu_tee_attest::Text::new("", ""),
        remedy: yu_tee_attest::Text::new("", ""),
    };
    assert_eq!(forged.replay(provider, &evidence, &bundle, &policy).unwrap_err().code, "replay.differs");
}

#[test]
fn another_measurement_an_old_bundle_and_one_from_the_future_are_refused_by_name() {
    let Some((evidence, bundle, policy, at, binding)) = genuine() else { return };
    let provider = default_provider();
    let reason = |bundle: &Bundle, policy: &Policy, at: Instant, binding: &Binding| {
        let collateral = bundle.verify(provider).unwrap();
        Judge { provider, collateral: &collateral, policy }.judge(&evidence, at, binding).unwrap().1.outcome.reason().to_owned()
    };
    let mut wrong = policy.clone();
    wrong.rules.pop();
    wrong.rules.push(rule("worker-code", "tdx.mr-td", Test::OneOf(vec!["00".repeat(48)])));
    assert_eq!(reason(&bundle, &wrong, at, &binding), "worker-code");
    let mut old = bundle.clone();
    old.issued = Instant(at.0 - 31 * 86_400);
    assert_eq!(reason(&old, &policy, at, &binding), "bundle-age");
    let mut future = bundle.clone();
    future.issued = Instant(at.0 + 1);
    assert_eq!(reason(&future, &policy, at, &binding), "time.not-yet-valid");
    assert_eq!(reason(&bundle, &policy, Instant(at.0 + 60 * 86_400), &binding), "time.expired");
    assert_eq!(reason(&bundle, &policy, at, &Binding::Exact(vec![1; 64])), "binding.mismatch");
    // without the exception for published evidence nothing passes that is not bound to a session
    let mut strict = policy.clone();
    strict.rules.remove(0);
    assert_eq!(reason(&bundle, &strict, at, &binding), "bound-to-session");
    let other = Policy {
        kinds: vec![Kind::Snp],
        rules: vec![rule("code", "snp.measurement", Test::OneOf(vec!["00".repeat(48)]))],
        ..policy.clone()
    };
    assert_eq!(reason(&bundle, &other, at, &binding), "kinds");
    let ended = Policy { until: Some(Instant(at.0 - 1)), ..policy };
    assert_eq!(reason(&bundle, &ended, at, &binding), "policy-dates");
}

#[test]
fn a_log_that_replays_adds_claims_to_a_genuine_domain() {
    let (Some((evidence, bundle, policy, at, binding)), Some(folder)) = (genuine(), vectors("eventlog")) else { return };
    let provider = default_provider();
    let collateral = bundle.verify(provider).unwrap();
    let log = std::fs::read(folder.join("cos113-ccel-data-trimmed.dat")).unwrap();
    let with = evidence.with(Part::EventLog, log);
    let (affirmed, verdict) = Judge { provider, collateral: &collateral, policy: &policy }.judge(&with, at, &binding).unwrap();
    assert!(affirmed.is_some_and(|a| a.claims().iter().any(|(name, _)| name.starts_with("boot."))), "{:?}", verdict.outcome);
}

#[test]
fn policies_are_checked_when_they_are_loaded() {
    let code = Test::OneOf(vec!["00".repeat(48)]);
    let good = policy(Kind::Snp, vec![rule("code", "snp.measurement", code.clone())]);
    good.check().unwrap();
    let changed = |change: &dyn Fn(&mut Policy)| {
        let mut policy = good.clone();
        change(&mut policy);
        policy.check().unwrap_err()
    };
    assert_eq!(changed(&|p| p.rules.clear()).code, "policy.no-measurement");
    assert_eq!(changed(&|p| p.kinds.clear()).code, "policy.kinds");
    assert_eq!(changed(&|p| p.rules[0].claim = "snp.launch-measurement".into()).code, "policy.claim");
    assert!(changed(&|p| p.rules[0].claim = "snp_measurement".into()).detail.remedy.en.contains("did you mean snp.measurement"));
    assert_eq!(changed(&|p| p.rules[0].test = Test::AtLeast(3)).code, "policy.test");
    assert_eq!(changed(&|p| p.rules[0].test = Test::OneOf(vec!["00".into()])).code, "policy.value");
    assert_eq!(changed(&|p| p.rules[0].test = Test::OneOf(Vec::new())).code, "policy.values");
    assert_eq!(changed(&|p| p.rules[0].kinds = vec![Kind::Tdx]).code, "policy.kind");
    assert_eq!(changed(&|p| p.rules.push(p.rules[0].clone())).code, "policy.rule-name");
    // absent is as good as anything: that names no code
    assert_eq!(changed(&|p| p.rules[0].may_be_absent = true).code, "policy.no-measurement");
    assert!(
        serde_json::from_str::<Policy>(r#"{"name":"x","profile":"standard","kinds":["simulated"]}"#).is_err()
            || cfg!(feature = "danger-simulated-tee")
    );
    #[cfg(feature = "danger-simulated-tee")]
    assert_eq!(changed(&|p| p.kinds = vec![Kind::Simulated]).code, "policy.simulated");
}

#[test]
fn signed_files_are_opened_whole_or_not_at_all() {
    let key = SigningKey::from_bytes(&[3; 32]);
    let trusted = [key.verifying_key().to_bytes()];
    let policy = policy(Kind::Snp, vec![rule("code", "snp.measurement", Test::OneOf(vec!["00".repeat(48)]))]);
    let bytes = signed::sign(policy.clone(), &key).unwrap();
    assert_eq!(signed::open::<Policy>(&bytes, &trusted).unwrap(), policy);
    assert_eq!(signed::open::<Policy>(&bytes, &[]).unwrap_err().code, "signed.key");
    let flipped = |at: usize| {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        signed::open::<Policy>(&bytes, &trusted).is_err()
    };
    assert!((0..bytes.len()).all(flipped));
    assert!((0..bytes.len()).all(|cut| signed::open::<Policy>(&bytes[..cut], &trusted).is_err()));
    // a signature over a policy is none over a bundle
    assert!(signed::open::<Bundle>(&bytes, &trusted).is_err());
}

#[test]
fn lint_says_what_ends_first() {
    let Some((_, bundle, _, at, _)) = genuine() else { return };
    let collateral = bundle.verify(default_provider()).unwrap();
    let fresh = collateral.lint(at);
    assert!(
        fresh.iter().all(|note| note.level < Level::Error) && fresh.iter().any(|note| note.text.en.contains("expires in")),
        "{fresh:?}"
    );
    let late = collateral.lint(Instant(at.0 + 90 * 86_400));
    assert!(late.iter().any(|note| note.level == Level::Error && note.text.en.contains("expired")), "{late:?}");
    assert!(collateral.lint(Instant(at.0 - 90 * 86_400)).iter().any(|note| note.level == Level::Error));
}

#[test]
fn a_result_token_says_what_the_verdict_says() {
    let Some((evidence, bundle, policy, at, binding)) = genuine() else { return };
    let provider = default_provider();
    let collateral = bundle.verify(provider).unwrap();
    let key = SigningKey::from_bytes(&[5; 32]);
    let judge = Judge { provider, collateral: &collateral, policy: &policy };
    let (affirmed, verdict) = judge.judge(&evidence, at, &binding).unwrap();
    let token = ear::token(&verdict, affirmed.as_ref().map(|a| a.claims()), "test", &key).unwrap();
    let read = ear::read(&token, &key.verifying_key()).unwrap();
    let tdx = &read["submods"]["tdx"];
    assert_eq!((&read["eat_profile"], &tdx["ear.status"]), (&ear::PROFILE.into(), &"affirming".into()));
    assert_eq!(tdx["ear.trustworthiness-vector"]["hardware"], 2);
    assert_eq!(tdx["ear.veraison.annotated-evidence"]["tcb.status"], "UpToDate");
    let (_, denied) = judge.judge(&evidence, at, &Binding::Exact(vec![1; 64])).unwrap();
    let token = ear::token(&denied, None, "test", &key).unwrap();
    let read = ear::read(&token, &key.verifying_key()).unwrap();
    assert_eq!(read["submods"]["tdx"]["ear.status"], "contraindicated");
    let flipped = |at: usize| {
        let mut bytes = token.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        String::from_utf8(bytes).is_ok_and(|text| ear::read(&text, &key.verifying_key()).is_err())
    };
    // the last characters of a part hold bits that decode to nothing
    assert!((0..token.len() - 1).filter(|at| token.as_bytes()[*at] != b'A').all(flipped));
}
