//! `yu attest` and `yu enclave`: offline, no node is needed.

use super::Output;
use super::args::{AttestCommand, BundleCommand, EnclaveCommand, VerifyArgs};
use crate::attest::attester::{AttesterKind, EnclaveConfig};
use crate::attest::records;
use crate::fault::{Code, Fault, Lang, Result};
use crate::home::{Home, write_atomic};
use crate::keys::{now, rng};
use rand::Rng;
use serde_json::{Value, json};
use std::path::Path;
use yu_governance::canonical::Hash;
use yu_governance::suite::HashAlgorithm;
use yu_tee_attest::bundle::Level;
use yu_tee_attest::crypto::default_provider;
use yu_tee_attest::policy::Profile;
use yu_tee_attest::signed::{self, Document as _};
use yu_tee_attest::{Binding, Bundle, Entry, Evidence, Instant, Judge, Kind, Part, Policy, VerifiedCollateral, ear, verify};
use zeroize::Zeroizing;

/// Runs `yu attest`.
pub(super) fn run(command: AttestCommand, home: &Home, out: &Output) -> Result<()> {
    match command {
        AttestCommand::Bundle(BundleCommand::Make { name, entries, key, at, out: file }) => {
            let entries = entries.iter().map(|file| read_entries(file)).collect::<Result<Vec<_>>>()?.concat();
            let bundle = Bundle { name, issued: instant(at.as_deref())?, entries };
            bundle.verify(default_provider())?;
            let key = signer(&key)?;
            let hash = Hash::from_bytes(bundle.hash()?);
            write_atomic(&file, &signed::sign(bundle, &key)?, 0o644)?;
            let signer = hex::encode(key.verifying_key().as_bytes());
            out.say(&format!("bundle {hash}, signed by {signer}"), &format!("背书材料 {hash}，签署者 {signer}"));
            out.document(&json!({ "bundle": hash.to_string(), "signer": signer }));
            Ok(())
        }
        AttestCommand::Bundle(BundleCommand::Add { file, trust }) => {
            trust.iter().try_for_each(|key| records::trust(home, key))?;
            let (hash, bundle) = records::add_bundle(home, &bytes(&file)?)?;
            let entries = bundle.entries.len();
            out.say(&format!("bundle {hash} with {entries} entries is here"), &format!("背书材料 {hash} 已收入，共 {entries} 项"));
            out.document(&json!({ "bundle": hash.to_string(), "entries": entries }));
            Ok(())
        }
        AttestCommand::Verify(args) => judge(&args, out),
        AttestCommand::Explain(args) => explain(&args, out),
        AttestCommand::Lint { bundle, trust, at } => lint(&bundle, &trust, instant(at.as_deref())?, out),
        AttestCommand::Claims => {
            for claim in yu_tee_attest::claims::schema() {
                out.say(&format!("{:<34} {:?}: {}", claim.name, claim.claim_type, claim.en), claim.zh);
            }
            let all: Vec<Value> = yu_tee_attest::claims::schema()
                .map(|c| json!({ "name": c.name, "type": c.claim_type, "bytes": c.length, "en": c.en, "zh": c.zh }))
                .collect();
            out.document(&json!({ "claims": all }));
            Ok(())
        }
        AttestCommand::Wrap { kind, body, part, out: file } => {
            let kind: Kind = serde_json::from_value(Value::String(kind.clone()))
                .map_err(|_| Fault::new(Code::Input, format!("`{kind}` is no kind of evidence")).at("--kind"))?;
            let mut evidence = Evidence::new(kind, bytes(&body)?);
            for text in &part {
                let wrong = || Fault::new(Code::Input, format!("`{text}`: NAME=FILE, NAME as in docs/attestation.md")).at("--part");
                let (name, file) = text.split_once('=').ok_or_else(wrong)?;
                let part: Part = serde_json::from_value(Value::String(name.to_owned())).map_err(|_| wrong())?;
                evidence = evidence.with(part, bytes(Path::new(file))?);
            }
            write_atomic(&file, &evidence.encode(), 0o644)?;
            let hash = Hash::from_bytes(evidence.hash());
            out.say(&format!("evidence {hash}"), &format!("证据 {hash}"));
            out.document(&json!({ "evidence": hash.to_string() }));
            Ok(())
        }
        AttestCommand::Show { verdict: Some(name) } => {
            let (hash, verdict) = records::verdict(home, &name)?;
            out.say(
                &format!("{hash}: {}", verdict.outcome.message(yu_tee_attest::Lang::En)),
                &verdict.outcome.message(yu_tee_attest::Lang::Zh),
            );
            out.document(&crate::verbs::to_value(&verdict)?);
            Ok(())
        }
        AttestCommand::Show { verdict: None } => {
            let all = records::list(home)?;
            for (hash, verdict) in &all {
                let line = format!("{}  {}  {:<9} {}", hash.to_hex(), verdict.at.text(), verdict.kind, verdict.outcome.reason());
                out.say(&line, &line);
            }
            let all: Vec<Value> =
                all.iter().map(|(hash, v)| json!({ "verdict": hash.to_string(), "kind": v.kind, "outcome": v.outcome.reason() })).collect();
            out.document(&json!({ "verdicts": all }));
            Ok(())
        }
        AttestCommand::Replay { verdict: name } => {
            let (hash, verdict) = records::verdict(home, &name)?;
            records::replay(home, &verdict)?;
            let reason = verdict.outcome.reason();
            out.say(
                &format!("{hash}: evidence, bundle and policy give the same verdict again: {reason}"),
                &format!("{hash}：由存档证据、背书材料与策略再次得出同一裁定：{reason}"),
            );
            out.document(&json!({ "verdict": hash.to_string(), "outcome": reason, "same": true }));
            Ok(())
        }
    }
}

/// Runs `yu enclave`.
pub(super) fn enclave(command: EnclaveCommand, home: &Home, out: &Output) -> Result<()> {
    home.config()?;
    match command {
        EnclaveCommand::Init { danger_simulated: true, danger_debug, .. } => {
            let (root, measurement) = simulated(home)?;
            EnclaveConfig { attester: AttesterKind::DangerSimulated, danger_debug }.save(home)?;
            let (root, measurement) = (hex::encode(root), hex::encode(measurement));
            out.say(
                &format!("SIMULATED environment, no hardware protects it: root {root}, measurement {measurement}"),
                &format!("模拟环境，无硬件保护：根 {root}，度量值 {measurement}"),
            );
            out.document(&json!({ "attester": "danger-simulated", "root": root, "measurement": measurement }));
        }
        EnclaveCommand::Init { danger_debug, .. } => {
            EnclaveConfig { attester: AttesterKind::Hardware, danger_debug }.save(home)?;
            out.say("evidence comes from the machine's environment", "证据由本机可信执行环境出具");
            out.document(&json!({ "attester": "hardware" }));
        }
        EnclaveCommand::Module { file } => {
            let module = bytes(&file)?;
            // SHA-256 in both suites: it is what evidence and contracts name a module by
            let hash = Hash::of_file_with(HashAlgorithm::Sha256, &module);
            let folder = home.path("modules");
            std::fs::create_dir_all(&folder).map_err(|e| Fault::io(&e, &folder))?;
            write_atomic(&folder.join(format!("{}.wasm", hash.to_hex())), &module, 0o644)?;
            out.say(&format!("module {hash}"), &format!("模块 {hash}"));
            out.document(&json!({ "module": hash.to_string() }));
        }
    }
    Ok(())
}

#[cfg(feature = "danger-simulated-tee")]
fn simulated(home: &Home) -> Result<([u8; 32], [u8; 32])> {
    Ok((crate::attest::attester::simulated_root(home)?, crate::attest::attester::measurement()?))
}

#[cfg(not(feature = "danger-simulated-tee"))]
fn simulated(_: &Home) -> Result<([u8; 32], [u8; 32])> {
    Err(Fault::new(Code::AttestUnavailable, "this build has no simulator: build with --features danger-simulated-tee"))
}

fn bytes(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| Fault::io(&e, path))
}

fn instant(text: Option<&str>) -> Result<Instant> {
    match text {
        Some(text) => Ok(Instant::parse(text)?),
        None => Ok(Instant(now().unix())),
    }
}

fn read_entries(file: &Path) -> Result<Vec<Entry>> {
    let read = bytes(file)?;
    let wrong = |e: serde_json::Error| Fault::new(Code::Input, format!("no entry of collateral: {e}")).at(file.display().to_string());
    let value: Value = serde_json::from_slice(&read).map_err(wrong)?;
    let list = if value.is_array() { value } else { json!([value]) };
    serde_json::from_value(list).map_err(wrong)
}

/// The key in a file of 32 bytes, made at the first call.
fn signer(path: &Path) -> Result<ed25519_dalek::SigningKey> {
    if !path.exists() {
        let mut seed = Zeroizing::new([0_u8; 32]);
        rng().fill_bytes(&mut *seed);
        write_atomic(path, &*seed, 0o600)?;
    }
    let seed = Zeroizing::new(bytes(path)?);
    let seed: &[u8; 32] =
        seed.as_slice().try_into().map_err(|_| Fault::new(Code::Input, "a key file has 32 bytes").at(path.display().to_string()))?;
    Ok(ed25519_dalek::SigningKey::from_bytes(seed))
}

fn keys(texts: &[String]) -> Result<Vec<[u8; 32]>> {
    let key = |text: &String| {
        let mut key = [0; 32];
        hex::decode_to_slice(text, &mut key).map_err(|_| Fault::new(Code::Input, "not 32 bytes in hexadecimal").at("--trust"))?;
        Ok(key)
    };
    texts.iter().map(key).collect()
}

fn collateral(file: &Path, trust: &[String]) -> Result<VerifiedCollateral> {
    let bundle: Bundle = signed::open(&bytes(file)?, &keys(trust)?)?;
    Ok(bundle.verify(default_provider())?)
}

fn policy(args: &VerifyArgs, kind: Kind) -> Result<Policy> {
    let Some(file) = &args.policy else {
        let name = "standard profile".to_owned();
        return Ok(Policy {
            name,
            profile: Profile::Standard,
            kinds: vec![kind],
            from: None,
            until: None,
            rules: Vec::new(),
            any_code: true,
        });
    };
    let wrong = |e: serde_json::Error| Fault::new(Code::Input, format!("no policy of attestation: {e}")).at(file.display().to_string());
    let policy: Policy = serde_json::from_slice(&bytes(file)?).map_err(wrong)?;
    policy.check()?;
    Ok(policy)
}

fn binding(args: &VerifyArgs) -> Result<Binding> {
    let Some(text) = &args.report_data else { return Ok(Binding::None) };
    let bytes = hex::decode(text).map_err(|_| Fault::new(Code::Input, "no hexadecimal").at("--report-data"))?;
    Ok(Binding::Exact(bytes))
}

fn judge(args: &VerifyArgs, out: &Output) -> Result<()> {
    let evidence = Evidence::decode(&bytes(&args.evidence)?)?;
    let collateral = collateral(&args.bundle, &args.trust)?;
    let policy = policy(args, evidence.kind())?;
    let (affirmed, verdict) = Judge { provider: default_provider(), collateral: &collateral, policy: &policy }.judge(
        &evidence,
        instant(args.at.as_deref())?,
        &binding(args)?,
    )?;
    let mut document = crate::verbs::to_value(&verdict)?;
    if let (Some(file), Some(map)) = (&args.ear_key, document.as_object_mut()) {
        let token = ear::token(&verdict, affirmed.as_ref().map(|a| a.claims()), env!("CARGO_PKG_VERSION"), &signer(file)?)?;
        map.insert("ear".into(), Value::String(token));
    }
    out.document(&document);
    if affirmed.is_none() {
        let lang = if out.lang() == Lang::Zh { yu_tee_attest::Lang::Zh } else { yu_tee_attest::Lang::En };
        return Err(Fault::new(Code::AttestRefused, verdict.outcome.message(lang)));
    }
    out.say(&verdict.outcome.message(yu_tee_attest::Lang::En), &verdict.outcome.message(yu_tee_attest::Lang::Zh));
    Ok(())
}

fn explain(args: &VerifyArgs, out: &Output) -> Result<()> {
    let evidence = Evidence::decode(&bytes(&args.evidence)?)?;
    let collateral = collateral(&args.bundle, &args.trust)?;
    let verified = verify::verify(default_provider(), &evidence, &collateral, instant(args.at.as_deref())?, &binding(args)?)?;
    for (name, value) in verified.claims().iter() {
        let words = yu_tee_attest::claims::definition(name);
        out.say(
            &format!("{name:<34} {}   ({})", value.show(), words.map_or("", |w| w.en)),
            &format!("{name:<34} {}   （{}）", value.show(), words.map_or("", |w| w.zh)),
        );
    }
    let denials = policy(args, evidence.kind())?.denials(verified.claims(), verified.kind());
    for denial in &denials {
        out.say(&denial.message(yu_tee_attest::Lang::En), &denial.message(yu_tee_attest::Lang::Zh));
    }
    out.document(&json!({ "claims": crate::verbs::to_value(verified.claims())?, "denials": crate::verbs::to_value(&denials)? }));
    Ok(())
}

fn lint(bundle: &Path, trust: &[String], at: Instant, out: &Output) -> Result<()> {
    let notes = collateral(bundle, trust)?.lint(at);
    for note in &notes {
        let level = match note.level {
            Level::Error => "ERROR",
            Level::Warning => "warning",
            Level::Info => "info",
        };
        out.say(&format!("{level:<8} {}: {}", note.place, note.text.en), &format!("{level:<8} {}：{}", note.place, note.text.zh));
    }
    let all: Vec<Value> = notes
        .iter()
        .map(|n| json!({ "level": format!("{:?}", n.level).to_lowercase(), "place": n.place, "en": n.text.en, "zh": n.text.zh }))
        .collect();
    out.document(&json!({ "notes": all }));
    match notes.first() {
        Some(note) if note.level == Level::Error => Err(Fault::new(Code::Verify, format!("{}: {}", note.place, note.text.en))),
        _ => Ok(()),
    }
}
