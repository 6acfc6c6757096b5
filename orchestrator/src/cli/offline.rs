//! Verbs that need no running node: making one, verifying logs and results, looking at this machine.

use super::Output;
use super::args::InitArgs;
use crate::admin::AdminAsk;
use crate::fault::{Code, Fault, Result};
use crate::home::{Home, Limits, NodeConfig, NodeRole, write_atomic};
use crate::journal::{self, Journal};
use crate::keys::{Keys, now};
use crate::store::Store;
use crate::ticket::fingerprint;
use crate::vault::Vault;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use yu_governance::audit::entry::Entry;
use yu_governance::audit::story::tell;
use yu_governance::audit::verify::{LogFiles, verify};
use yu_governance::id::PartyName;
use yu_governance::release::Receipt;
use yu_governance::sign::{KeyRing, PublicKey, Signed};

/// `init`.
pub(super) fn init(home: &Home, args: &InitArgs, out: &Output) -> Result<()> {
    let role: NodeRole = serde_json::from_value(Value::String(args.role.clone())).map_err(|_| {
        Fault::new(Code::Input, format!("`{}`: provider, licensee, platform, authority, regulator or organ", args.role)).at("--role")
    })?;
    if !["inside", "outside"].contains(&args.zone.as_str()) {
        return Err(Fault::new(Code::Input, format!("`{}`: inside or outside", args.zone)).at("--zone"));
    }
    if !["auto", "quic", "tcp"].contains(&args.carrier.as_str()) {
        return Err(Fault::new(Code::Input, format!("`{}`: auto, quic or tcp", args.carrier)).at("--carrier"));
    }
    let crypto: yu_governance::suite::Suite = args.crypto.parse()?;
    crate::suite::choose(crypto)?;
    let name: PartyName = format!("yu://{}/{}/{}", args.env, args.org, args.node).parse()?;
    let authority = match (&args.authority, role) {
        (Some(a), _) => Some(a.parse::<PartyName>()?.to_string()),
        (None, NodeRole::Authority) => Some(name.to_string()),
        (None, _) => None,
    };
    let regulator = match (&args.regulator, role) {
        (Some(r), _) => Some(r.parse::<PartyName>()?.to_string()),
        (None, NodeRole::Regulator) => Some(name.to_string()),
        (None, _) => None,
    };
    let config = NodeConfig {
        environment: args.env.clone(),
        organisation: args.org.clone(),
        node: args.node.clone(),
        role,
        listen: args.listen,
        advertise: args.advertise.clone(),
        controller: args.controller.clone().unwrap_or_else(|| args.org.clone()),
        zone: args.zone.clone(),
        carrier: args.carrier.clone(),
        proxy: args.proxy.clone(),
        authority,
        regulator,
        crypto,
        limits: Limits { auto_sign: args.auto_sign, ..Limits::default() },
        login: None,
    };
    home.create()?;
    Keys::create(home, &config)?;
    Vault::create(home)?;
    let store = Store::open(home)?;
    let keys = Keys::load(home, &config)?;
    Journal::open(home, &store, &name, &keys.signing, now())?;
    // written last: without it the directory is no node, so a crash before this line leaves nothing that starts
    home.save_config(&config)?;
    let root = fingerprint(&keys.root_der);
    out.say(&format!("{name} lives in {}", home.dir().display()), &format!("已创建节点 {name}"));
    out.say(&format!("fingerprint of its organisation's root: {root}"), &format!("机构根证书指纹：{root}"));
    out.document(&json!({ "name": name, "dir": home.dir().display().to_string(), "root": root }));
    Ok(())
}

/// Verifies the logs of node directories; the report as JSON.
pub(crate) fn verify_dirs(dirs: &[PathBuf]) -> Result<Value> {
    let files = dirs.iter().map(|d| journal::read_files(d)).collect::<Result<Vec<_>>>()?;
    let names: Vec<String> = dirs.iter().map(|d| d.display().to_string()).collect();
    let logs: Vec<LogFiles<'_>> = files
        .iter()
        .zip(&names)
        .map(|([entries, checkpoints, countersignatures], directory)| LogFiles { directory, entries, checkpoints, countersignatures })
        .collect();
    let report = verify(&logs);
    let passes = report.passes();
    let mut value = crate::verbs::to_value(&report)?;
    if let Some(map) = value.as_object_mut() {
        map.insert("ok".into(), Value::Bool(passes));
    }
    Ok(value)
}

/// `audit verify`.
pub(super) fn audit_verify(dirs: &[PathBuf], out: &Output) -> Result<()> {
    let report = verify_dirs(dirs)?;
    let text = |v: &Value, key: &str| v.get(key).map(|t| t.as_str().map_or_else(|| t.to_string(), str::to_owned)).unwrap_or_default();
    let empty = Vec::new();
    let mut problems = Vec::new();
    for node in report.get("nodes").and_then(Value::as_array).unwrap_or(&empty) {
        let (entries, uncovered) = (text(node, "entries"), text(node, "uncovered"));
        out.say(
            &format!(
                "{}: {entries} entries, {} checkpoints, {} countersignatures, {uncovered} entries not yet covered",
                text(node, "node"),
                text(node, "checkpoints"),
                text(node, "countersignatures")
            ),
            &format!("{entries} 条记录，{uncovered} 条尚未被检查点覆盖"),
        );
        for problem in node.get("problems").and_then(Value::as_array).unwrap_or(&empty) {
            let what = problem.get("what").cloned().unwrap_or_default();
            let place = problem.get("where").or_else(|| problem.get("place")).cloned().unwrap_or_default();
            out.say(&format!("  PROBLEM {place}: {}", text(&what, "en")), &text(&what, "zh"));
            problems.push(format!("{} {place}: {}", text(node, "directory"), text(&what, "en")));
        }
    }
    out.document(&report);
    if report.get("ok") == Some(&Value::Bool(true)) {
        out.say("all logs verify", "全部日志验证通过");
        return Ok(());
    }
    Err(Fault::new(Code::Verify, problems.first().cloned().unwrap_or_else(|| "see the report".into())))
}

/// `audit show`.
pub(super) fn audit_show(home: &Home, job: Option<&str>, out: &Output) -> Result<()> {
    let [entries, ..] = journal::read_files(home.dir())?;
    for line in entries.split(|b| *b == b'\n').filter(|l| !l.is_empty()) {
        let entry = Entry::parse(line)?;
        let id = entry.job.map(|j| j.0.to_hex());
        if job.is_some_and(|wanted| !id.as_deref().is_some_and(|id| id.starts_with(wanted))) {
            continue;
        }
        let told = tell(&entry);
        out.line(&format!("{}  {}", entry.time, crate::fault::pick(out.lang(), &told.en, &told.zh)));
        out.document(&json!({ "entry": entry, "told": told }));
    }
    Ok(())
}

/// Writes each trace as data and as a picture.
pub(super) fn write_traces(folder: &Path, answer: &Value) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|e| Fault::io(&e, folder))?;
    let empty = Vec::new();
    for (at, trace) in answer["traces"].as_array().unwrap_or(&empty).iter().enumerate() {
        write_atomic(&folder.join(format!("trace-{}.json", at + 1)), trace["trace"].to_string().as_bytes(), 0o600)?;
        write_atomic(&folder.join(format!("trace-{}.svg", at + 1)), trace["svg"].as_str().unwrap_or_default().as_bytes(), 0o600)?;
    }
    Ok(())
}

/// Writes `result.json` (the canonical document), `receipt.json` and `reviewer.json`; of a table `table.csv`, of a prediction `scores.csv`, of a
/// training `curve.svg` as well.
pub(crate) fn result_to(folder: &Path, answer: &Value) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|e| Fault::io(&e, folder))?;
    let document = answer.get("document").and_then(Value::as_str).unwrap_or_default();
    write_atomic(&folder.join("result.json"), document.as_bytes(), 0o600)?;
    for (name, key) in [("receipt.json", "receipt"), ("reviewer.json", "reviewer")] {
        let value = answer.get(key).cloned().unwrap_or_default();
        write_atomic(&folder.join(name), value.to_string().as_bytes(), 0o600)?;
    }
    if let Some(csv) = answer.pointer("/result/csv").and_then(Value::as_str) {
        write_atomic(&folder.join("table.csv"), csv.as_bytes(), 0o600)?;
    }
    let result = answer.get("result").unwrap_or(&Value::Null);
    if let Some(svg) = crate::job::curve::of(result) {
        write_atomic(&folder.join("curve.svg"), svg.as_bytes(), 0o600)?;
    }
    if let Some(csv) = scores(answer) {
        write_atomic(&folder.join("scores.csv"), csv.as_bytes(), 0o600)?;
    }
    Ok(())
}

/// What is told of single rows, beside the keys of the own rows that it is about.
fn scores(answer: &Value) -> Option<String> {
    let result = answer.get("result")?;
    let told = [("probabilities", "probability"), ("classes", "class"), ("values", "value"), ("each", "probability")];
    let (all, name) = told.into_iter().find_map(|(field, name)| Some((result.get(field)?.as_array()?, name)))?;
    let keys = answer.get("keys")?.as_array().filter(|keys| keys.len() == all.len())?;
    let width = keys.first()?.as_array()?.len();
    let keys_named = (1..=width).map(|number| if width == 1 { "key".to_owned() } else { format!("key{number}") });
    // of several numbers a row one column for each class
    let columns = match all.first()?.as_array() {
        Some(each) => (0..each.len()).map(|class| format!("{name}{class}")).collect(),
        None => vec![name.to_owned()],
    };
    let mut csv = keys_named.chain(columns).collect::<Vec<_>>().join(",");
    csv.push_str("\r\n");
    for (key, told) in keys.iter().zip(all) {
        for part in key.as_array()? {
            csv.push_str(&format!("\"{}\",", part.as_str()?.replace('"', "\"\"")));
        }
        let numbers = told.as_array().map_or(std::slice::from_ref(told), Vec::as_slice);
        let numbers = numbers.iter().map(|number| number.as_f64().map(|number| number.to_string())).collect::<Option<Vec<_>>>()?;
        csv.push_str(&format!("{}\r\n", numbers.join(",")));
    }
    Some(csv)
}

/// `job result --out`.
pub(super) fn write_result(folder: &Path, answer: &Value, out: &Output) -> Result<()> {
    result_to(folder, answer)?;
    out.say(&format!("result, receipt and reviewer key written to {}", folder.display()), "结果、回执与审核方公钥已写入");
    out.document(&json!({ "folder": folder.display().to_string() }));
    Ok(())
}

/// Checks a folder written by [`result_to`], offline.
pub(crate) fn result_check(folder: &Path) -> Result<Receipt> {
    let read = |name: &str| {
        let path = folder.join(name);
        std::fs::read(&path).map_err(|e| Fault::io(&e, &path))
    };
    let bad = |name: &str| Fault::new(Code::Verify, "does not parse").at(folder.join(name).display().to_string());
    let receipt: Signed<Receipt> = serde_json::from_slice(&read("receipt.json")?).map_err(|_| bad("receipt.json"))?;
    let reviewer: Value = serde_json::from_slice(&read("reviewer.json")?).map_err(|_| bad("reviewer.json"))?;
    let name = reviewer.get("name").and_then(Value::as_str).unwrap_or_default();
    let key: PublicKey = serde_json::from_value(reviewer.get("key").cloned().unwrap_or_default()).map_err(|_| bad("reviewer.json"))?;
    let mut ring = KeyRing::new();
    ring.insert(name, key)?;
    let checked = Receipt::verify(&receipt, &ring, &read("result.json")?).map_err(|e| Fault::new(Code::Verify, e.to_string()))?;
    Ok(checked.clone())
}

/// `result verify`.
pub(super) fn result_verify(folder: &Path, out: &Output) -> Result<()> {
    let receipt = result_check(folder)?;
    out.say(
        &format!(
            "job {}: released by {} to {} at {}; the document is the one that was decided on",
            receipt.job, receipt.reviewer, receipt.receiver, receipt.at
        ),
        &format!("任务 {}：由 {} 放行给 {}，文件与审核结论一致", receipt.job, receipt.reviewer, receipt.receiver),
    );
    out.document(&json!({ "ok": true, "receipt": receipt }));
    Ok(())
}

/// `doctor` without a running node: whether this directory can start.
pub(super) fn doctor(home: &Home, out: &Output) -> Result<()> {
    let config = home.config()?;
    Keys::load(home, &config)?;
    Store::open(home)?;
    if let Some(listen) = config.listen {
        let taken = std::net::UdpSocket::bind(listen).is_err() || std::net::TcpListener::bind(listen).is_err();
        if taken {
            return Err(Fault::new(Code::PortInUse, listen.to_string()).at("node.toml `listen`"));
        }
    }
    out.say("keys, store and port are in order; the node is not running: `yu up`", "密钥、存储、端口正常；节点未运行");
    out.document(&json!({ "ok": true, "running": false }));
    Ok(())
}

/// Verbs that answer a question with yes or no end with a status that says it.
pub(super) fn exit_of(question: &AdminAsk, value: &Value) -> Result<()> {
    let no = value.get("ok") == Some(&Value::Bool(false));
    match question {
        AdminAsk::JobCheck { .. } if no => Err(Fault::new(Code::ContractRule, "the job cannot run as it is; the findings are listed")),
        AdminAsk::Doctor { .. } if no => Err(Fault::new(Code::Verify, "a hop is at fault; see the list")),
        _ => Ok(()),
    }
}
