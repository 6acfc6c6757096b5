//! `yu attest` as its user has it, over a published quote: files in, verdicts and exit statuses out, in both languages.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::support::{Said, path, shared, yu};
use serde_json::{Value, json};
use tempfile::TempDir;

/// An instant at which everything about the quote holds, and one at which its collateral has ended.
const AT: &str = "2026-03-20T00:00:00Z";
const LATER: &str = "2026-06-20T00:00:00Z";
const MR_TD: &str = "7348651a34b2d2d3462822e3a750ec6110125f36757c78480bbfc69cc0d21fb001a1ced3ee19747dda8f750c3bc8f876";
const REPORT_DATA: &str = "945eaacf5abc1f719d8666a942fda03d1edcb4490277396093dc5a5289ab9f1e\
                           094aed63060cd4a4933a4dd537ed1255c9c79ecb3ed82cd1b486233e31c25c3a";

/// A folder with a genuine TDX quote, wrapped, and its collateral in a signed bundle.
struct Desk {
    folder: TempDir,
    /// Key of the bundle's signer, hexadecimal.
    signer: String,
}

impl Desk {
    fn new() -> Option<Self> {
        let vectors = shared("vectors/tee/tdx")?;
        let folder = tempfile::tempdir().unwrap();
        let mut entry: Value = serde_json::from_slice(&std::fs::read(vectors.join("collateral-be491730.json")).unwrap()).unwrap();
        entry["maker"] = json!("intel");
        std::fs::write(folder.path().join("intel.json"), entry.to_string()).unwrap();
        std::fs::copy(vectors.join("tdx-v5-gotdx.quote"), folder.path().join("quote.bin")).unwrap();
        let mut desk = Self { folder, signer: String::new() };
        desk.run(&["attest", "wrap", "--kind", "tdx", "--body", "quote.bin", "--out", "evidence.json"]).ok("wrap");
        let made = ["attest", "bundle", "make", "--name", "2026-03", "--entries", "intel.json", "--key", "signer.key", "--at", AT];
        let told = desk.run(&[&made[..], &["--out", "bundle.json"]].concat()).ok("bundle make");
        assert!(told["bundle"].as_str().unwrap().starts_with("sha-256:"), "{told}");
        desk.signer = told["signer"].as_str().unwrap().to_owned();
        Some(desk)
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, value: &Value) {
        std::fs::write(self.file(name), value.to_string()).unwrap();
    }

    /// Runs a command; names of files in the folder become their paths.
    fn run(&self, args: &[&str]) -> Said {
        let args = self.located(args);
        yu(&self.file("home"), &args.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn located(&self, args: &[&str]) -> Vec<String> {
        let is_file = |arg: &str| [".json", ".bin", ".key"].iter().any(|end| arg.ends_with(end)) && !arg.contains('=');
        args.iter().map(|arg| if is_file(arg) { path(&self.file(arg)).to_owned() } else { (*arg).to_owned() }).collect()
    }

    /// The same for a person: what stands on both outputs, and the exit status.
    fn person(&self, lang: &str, args: &[&str]) -> (i32, String) {
        let out = Command::new(env!("CARGO_BIN_EXE_yu")).args(["--lang", lang]).args(self.located(args)).output().unwrap();
        let text = [out.stdout, out.stderr].concat();
        (out.status.code().unwrap(), String::from_utf8(text).unwrap())
    }

    fn verify<'a>(&'a self, more: &[&'a str]) -> Vec<&'a str> {
        let start = ["attest", "verify", "--evidence", "evidence.json", "--bundle", "bundle.json", "--trust", &self.signer];
        [&start[..], more].concat()
    }

    /// A policy that names this measurement, and takes evidence that is bound to given bytes.
    fn policy(&self, name: &str, measurement: &str) {
        let rules = json!([
            { "name": "worker-code", "claim": "tdx.mr-td", "test": { "one-of": [measurement] } },
            { "name": "bound-to-session", "claim": "binding", "test": { "one-of": ["exact"] } },
        ]);
        self.write(name, &json!({ "name": "desk", "profile": "standard", "kinds": ["tdx"], "rules": rules }));
    }
}

/// The fault of a command that must not work, with its exit status.
fn refused(said: &Said, code: &str, status: i32, word: &str) {
    assert_eq!((said.fault(), said.status), (Some(code), status), "{}", said.all);
    assert!(said.all.contains(word), "`{word}` in {}", said.all);
}

#[test]
fn a_genuine_quote_passes_a_policy_that_names_its_code() {
    let Some(desk) = Desk::new() else { return };
    desk.policy("policy.json", MR_TD);
    let args = desk.verify(&["--policy", "policy.json", "--at", AT, "--report-data", REPORT_DATA, "--ear-key", "ear.key"]);
    let told = desk.run(&args).ok("verify");
    assert_eq!((&told["kind"], &told["outcome"]["is"]), (&json!("tdx"), &json!("affirmed")), "{told}");
    assert_eq!(told["ear"].as_str().unwrap().split('.').count(), 3);
    assert_eq!(std::fs::read(desk.file("ear.key")).unwrap().len(), 32);
    for (lang, word) in [("en", "affirmed: the evidence is true"), ("zh", "通过：证据真实且符合策略")] {
        let (status, text) = desk.person(lang, &args);
        assert!(status == 0 && text.contains(word), "{status} {text}");
    }
}

#[test]
fn every_refusal_has_its_rule_and_its_exit_status() {
    let Some(desk) = Desk::new() else { return };
    desk.policy("policy.json", MR_TD);
    desk.policy("other.json", &"ab".repeat(48));
    let run = |more: &[&str]| desk.run(&desk.verify(more));
    let bound = ["--report-data", REPORT_DATA];
    refused(&run(&[&["--policy", "other.json", "--at", AT], &bound[..]].concat()), "attest.refused", 4, "worker-code");
    refused(&run(&["--policy", "policy.json", "--at", AT, "--report-data", "00"]), "attest.refused", 4, "binding.mismatch");
    refused(&run(&["--at", AT]), "attest.refused", 4, "bound-to-session");
    refused(&run(&[&["--policy", "policy.json", "--at", LATER], &bound[..]].concat()), "attest.refused", 4, "time.expired");
    refused(&run(&["--policy", "policy.json", "--at", "2025-01-01T00:00:00Z"]), "attest.refused", 4, "time.not-yet-valid");
    // the same in words: the rule in English, the remedy in Chinese
    let (status, text) = desk.person("en", &desk.verify(&["--policy", "other.json", "--at", AT, "--report-data", REPORT_DATA]));
    assert!(status == 4 && text.contains("worker-code") && text.contains("remedy"), "{text}");
    let (status, text) = desk.person("zh", &desk.verify(&["--policy", "other.json", "--at", AT, "--report-data", REPORT_DATA]));
    assert!(status == 4 && text.contains("worker-code") && text.contains("处理办法"), "{text}");
}

#[test]
fn wrong_files_and_options_are_named() {
    let Some(desk) = Desk::new() else { return };
    let run = |args: &[&str]| desk.run(args);
    let verify = |evidence: &str, bundle: &str, trust: &str| {
        run(&["attest", "verify", "--evidence", evidence, "--bundle", bundle, "--trust", trust, "--at", AT])
    };
    refused(&verify("quote.bin", "bundle.json", &desk.signer), "input.bad", 3, "not the JSON of evidence");
    refused(&verify("evidence.json", "intel.json", &desk.signer), "input.bad", 3, "collateral bundle");
    refused(&verify("evidence.json", "bundle.json", &"00".repeat(32)), "attest.refused", 4, "signed.key");
    refused(&verify("evidence.json", "bundle.json", "00"), "input.bad", 3, "--trust");
    let missing = verify("nowhere.json", "bundle.json", &desk.signer);
    assert!(missing.status != 0 && missing.all.contains("nowhere.json"), "{}", missing.all);
    refused(&run(&["attest", "wrap", "--kind", "toaster", "--body", "quote.bin", "--out", "x.json"]), "input.bad", 3, "toaster");
    let odd = ["attest", "wrap", "--kind", "tdx", "--body", "quote.bin", "--part", "nose=quote.bin", "--out", "x.json"];
    refused(&run(&odd), "input.bad", 3, "--part");
    assert!(!desk.file("x.json").exists());
    // one byte of the signed text
    let text = std::fs::read_to_string(desk.file("bundle.json")).unwrap();
    std::fs::write(desk.file("changed.json"), text.replacen("2026-03\"", "2026-04\"", 1)).unwrap();
    refused(&verify("evidence.json", "changed.json", &desk.signer), "attest.refused", 4, "signed.signature");
    // a policy that names a claim which does not exist, one that names no code, and one that is no policy
    let wrong = |value: Value, word: &str| {
        desk.write("wrong.json", &value);
        refused(&desk.run(&desk.verify(&["--policy", "wrong.json", "--at", AT])), "input.bad", 3, word);
    };
    let rule = |claim: &str| json!([{ "name": "code", "claim": claim, "test": { "one-of": [MR_TD] } }]);
    wrong(json!({ "name": "a", "profile": "standard", "kinds": ["tdx"], "rules": rule("tdx.mr_td") }), "policy.claim");
    wrong(json!({ "name": "a", "profile": "standard", "kinds": ["tdx"], "rules": [] }), "policy.no-measurement");
    wrong(json!({ "name": "a", "profile": "lenient", "kinds": ["tdx"] }), "no policy of attestation");
}

#[test]
fn a_bundle_is_judged_by_its_dates() {
    let Some(desk) = Desk::new() else { return };
    let lint = |at: &str| desk.run(&["attest", "lint", "--bundle", "bundle.json", "--trust", &desk.signer, "--at", at]);
    let notes = lint(AT).ok("lint")["notes"].as_array().unwrap().clone();
    assert!(notes.len() > 1 && notes.iter().all(|note| note["level"] != "error" && note["zh"].is_string()), "{notes:?}");
    // the gravest stands first in what is said of the fault
    let said = lint(LATER);
    refused(&said, "verify.failed", 10, "expired at");
    let (status, text) = desk.person("zh", &["attest", "lint", "--bundle", "bundle.json", "--trust", &desk.signer, "--at", LATER]);
    assert!(status == 10 && text.contains("过期"), "{text}");
    let (status, text) = desk.person("en", &["attest", "lint", "--bundle", "bundle.json", "--trust", &desk.signer, "--at", AT]);
    assert!(status == 0 && text.contains("expires in"), "{text}");
    // an entry whose signature does not hold is not put into a bundle
    let mut entry: Value = serde_json::from_slice(&std::fs::read(desk.file("intel.json")).unwrap()).unwrap();
    entry["tcb_info"] = json!(entry["tcb_info"].as_str().unwrap().replacen("UpToDate", "Revoked", 1));
    desk.write("forged.json", &entry);
    let make =
        ["attest", "bundle", "make", "--name", "b", "--entries", "forged.json", "--key", "signer.key", "--out", "forged-bundle.json"];
    refused(&desk.run(&make), "attest.refused", 4, "dcap.collateral-signature");
    assert!(!desk.file("forged-bundle.json").exists());
}

#[test]
fn evidence_is_explained_in_both_languages() {
    let Some(desk) = Desk::new() else { return };
    let args = ["attest", "explain", "--evidence", "evidence.json", "--bundle", "bundle.json", "--trust", &desk.signer, "--at", AT];
    let told = desk.run(&args).ok("explain");
    assert_eq!(told["claims"]["tdx.mr-td"]["bytes"], MR_TD, "{told}");
    assert_eq!(told["claims"]["tcb.status"]["tcb"], "UpToDate");
    let denials: Vec<&str> = told["denials"].as_array().unwrap().iter().filter_map(|denial| denial["rule"].as_str()).collect();
    assert_eq!(denials, ["bound-to-session"]);
    for (lang, words) in
        [("en", ["state of the trusted computing base", "bound-to-session"]), ("zh", ["可信计算基状态", "bound-to-session"])]
    {
        let (status, text) = desk.person(lang, &args);
        assert!(status == 0 && words.iter().all(|word| text.contains(word)), "{status} {text}");
    }
    let claims = desk.run(&["attest", "claims"]).ok("claims");
    assert!(claims["claims"].as_array().unwrap().iter().any(|claim| claim["name"] == "tdx.mr-td" && claim["bytes"] == 48), "{claims}");
    assert!(Path::new(&desk.file("home")).read_dir().is_err(), "nothing is written: no node is needed");
}
