//! `yu selftest`: the functions that the rules name, each exercised for real with made-up data on four nodes of this machine (D1, D2, D15).
//!
//! A function counts as there only if what is forbidden is refused as well as what is allowed is done. What this version does not have is said to be
//! not available, and the self-test fails with it.

use super::data::Inputs;
use super::nodes::{Cluster, Scratch};
use crate::admin::{AdminAsk, DatasetAdd};
use crate::cli::{DemoArgs, Output};
use crate::fault::{Code, Fault, Result};
use crate::home::write_atomic;
use crate::keys::{now, rng};
use serde::Serialize;
use serde_json::{Value, json};
use std::path::Path;
use std::time::{Duration, Instant};
use yu_desensitize::policy::Policy;
use yu_desensitize::policy::run::recheck;
use yu_desensitize::read::{ReadOptions, read_table};
use yu_desensitize::report::Verdict;
use yu_desensitize::transform::Keys;

/// What became of a function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
enum Outcome {
    Passed,
    Failed { why: String },
    NotAvailable,
}

/// One function.
#[derive(Debug, Clone, Serialize)]
struct Check {
    requirement: &'static str,
    function: &'static str,
    function_zh: &'static str,
    did: &'static str,
    did_zh: &'static str,
    #[serde(flatten)]
    outcome: Outcome,
    milliseconds: u64,
}

/// Of which requirement, its name, and what is done, English and Chinese.
type Named = (&'static str, (&'static str, &'static str), (&'static str, &'static str));

struct Course<'a> {
    out: &'a Output,
    all: Vec<Check>,
}

impl Course<'_> {
    /// Does one function and keeps what became of it; what comes after needs it.
    fn go<T>(&mut self, named: Named, does: impl FnOnce() -> Result<T>) -> Result<T> {
        let start = Instant::now();
        let done = does();
        let outcome = match &done {
            Ok(_) => Outcome::Passed,
            Err(fault) => Outcome::Failed { why: fault.to_string() },
        };
        self.keep(named, outcome, start.elapsed());
        done
    }

    fn keep(&mut self, (requirement, function, did): Named, outcome: Outcome, took: Duration) {
        let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let word = match &outcome {
            Outcome::Passed => ("passed", "通过"),
            Outcome::Failed { .. } => ("FAILED", "未通过"),
            Outcome::NotAvailable => ("NOT AVAILABLE", "尚不具备"),
        };
        self.out.say(
            &format!("{requirement} {}: {} ({}; {milliseconds} ms)", function.0, word.0, did.0),
            &format!("{requirement} {}：{}（{}；{milliseconds} 毫秒）", function.1, word.1, did.1),
        );
        if let Outcome::Failed { why } = &outcome {
            self.out.line(&format!("   {why}"));
        }
        let (function, function_zh, did, did_zh) = (function.0, function.1, did.0, did.1);
        self.all.push(Check { requirement, function, function_zh, did, did_zh, outcome, milliseconds });
    }
}

/// Runs all and says what passed.
///
/// # Errors
/// `verify.failed` when a function failed or is not there; `storage.failed`.
pub fn run(rows: u64, file: Option<&Path>, out: &Output) -> Result<()> {
    let scratch = Scratch::new(None)?;
    let mut course = Course { out, all: Vec::new() };
    let started = now();
    // each course stands by itself; what follows on a failure in it is missing from the list
    let folder = scratch.path().to_owned();
    let ends = [desensitise(&mut course, &folder), nodes(&mut course, rows, &scratch)];
    for fault in ends.into_iter().filter_map(Result::err) {
        tracing::debug!(code = fault.code.as_str(), "a course of the self-test ended early");
    }
    let product = ("as a product behind a gateway; this version has no gateway", "数据产品接口网关；本版本尚无网关");
    for requirement in ["D1", "D2"] {
        course.keep((requirement, ("interface generation", "接口生成"), product), Outcome::NotAvailable, Duration::ZERO);
    }
    let met = |id: &str, least: usize| {
        let own: Vec<&Check> = course.all.iter().filter(|check| check.requirement == id).collect();
        own.len() >= least && own.iter().all(|check| check.outcome == Outcome::Passed)
    };
    let requirements = json!({ "D1": met("D1", 6), "D2": met("D2", 7) });
    let missing: Vec<&str> = course.all.iter().filter(|check| check.outcome != Outcome::Passed).map(|check| check.function).collect();
    let document = json!({ "v": 1, "version": env!("CARGO_PKG_VERSION"), "at": started, "rows": rows, "checks": course.all,
        "requirements": requirements, "ok": missing.is_empty() });
    if let Some(path) = file {
        let text = serde_json::to_string_pretty(&document).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
        write_atomic(path, text.as_bytes(), 0o644)?;
    }
    out.document(&document);
    if missing.is_empty() { Ok(()) } else { Err(Fault::new(Code::Verify, format!("failed or not available: {}", missing.join(", ")))) }
}

/// People who do not exist, with identity numbers that nobody has (region 000000).
const IDENTITY: &str = "000000";

fn desensitise(course: &mut Course<'_>, folder: &Path) -> Result<()> {
    let named = (
        "D1",
        ("secure desensitisation", "安全脱敏"),
        (
            "400 made-up records made alike by fives, read again and attacked; a weaker rule is refused",
            "400 条虚构记录 K-匿名处理并复核攻击；弱规则被拒绝",
        ),
    );
    course.go(named, || {
        let mut records = String::from("id_number,birth_date,visit\n");
        for n in 0..400_u32 {
            let (year, month) = (1950 + n % 50, 1 + n % 12);
            let visit = if n % 3 == 0 { "ward" } else { "clinic" };
            records.push_str(&format!("{IDENTITY}{year}{month:02}15{n:04},{year}-{month:02}-15,{visit}\n"));
        }
        let rules = "[policy]\nname = \"selftest\"\npurpose = \"selftest\"\n\
            [[columns]]\nname = \"id_number\"\nclass = \"drop\"\n[[columns]]\nname = \"birth_date\"\nclass = \"quasi\"\n\
            [[columns]]\nname = \"visit\"\nclass = \"sensitive\"\n[[hierarchies]]\ncolumn = \"birth_date\"\nfrom = \"dates\"\n\
            [anonymity]\nmethod = \"local\"\nmodels = [{ model = \"k\", k = 5 }, { model = \"distinct_l\", column = \"visit\", l = 2 }]\n";
        let [input, policy, release] = ["people.csv", "policy.toml", "release.csv"].map(|name| folder.join(name));
        write_atomic(&input, records.as_bytes(), 0o600)?;
        write_atomic(&policy, rules.as_bytes(), 0o600)?;
        let parsed = Policy::read(&policy)?;
        let outcome = parsed.run(&input, &ReadOptions::default(), &release, &Keys::none(), &mut rng())?;
        must(outcome.report.verdict() != Verdict::Refused, "the release was refused")?;
        let released = std::fs::read_to_string(&release).map_err(|e| Fault::io(&e, &release))?;
        must(!released.contains(IDENTITY), "an identity number left")?;
        let again = recheck(&parsed, &read_table(&release, &ReadOptions::default())?)?;
        must(again.verdict() != Verdict::Refused, "the release does not hold when it is read again")?;
        // the raw records under the same rule are no release
        let raw = recheck(&parsed, &read_table(&input, &ReadOptions::default())?);
        must(raw.is_err() || raw.is_ok_and(|report| report.verdict() == Verdict::Refused), "raw records pass as a release")
    })
}

fn must(holds: bool, what: &str) -> Result<()> {
    if holds { Ok(()) } else { Err(Fault::new(Code::Verify, what)) }
}

/// Whether a refusal has one of these names.
fn refused<T>(done: Result<T>, codes: &[Code], what: &str) -> Result<()> {
    must(done.is_err_and(|fault| codes.contains(&fault.code)), what)
}

fn nodes(course: &mut Course<'_>, rows: u64, scratch: &Scratch) -> Result<()> {
    let args = DemoArgs { reveal_match: "both".into(), ..args(rows) };
    let inputs = Inputs::prepare(&args, scratch.path())?;
    let cluster = course.go(
        (
            "D2",
            ("operations management", "运营管理"),
            ("four nodes are made, started, and know each other by tickets", "建立并启动四个节点，凭票据相互登记"),
        ),
        || {
            let cluster = Cluster::start(scratch.path(), &args.carrier, &args.crypto)?;
            cluster.introduce()?;
            let stranger = AdminAsk::PeerAccept { ticket: "yu-ticket-of-nobody".into() };
            must(cluster.bank.ask(&stranger).is_err(), "a ticket of nobody was accepted")?;
            Ok(cluster)
        },
    )?;
    let (health, bank, authority) = (&cluster.health, &cluster.bank, &cluster.authority);
    course.go(
        ("D2", ("data access", "数据接入"), ("two data sets are added and encrypted at rest", "接入两个数据集并加密存储")),
        || {
            health.ask(&AdminAsk::DatasetAdd(Box::new(inputs.left.add())))?;
            bank.ask(&AdminAsk::DatasetAdd(Box::new(inputs.right.add()))).map(drop)
        },
    )?;
    course.go(
        ("D2", ("quality management", "质量管理"), ("a file with a broken row is refused", "含残缺行的文件被拒绝")),
        || {
            let path = scratch.path().join("broken.csv");
            write_atomic(&path, b"resident_id,visits\nA1,3\nA2\n", 0o600)?;
            let broken = DatasetAdd {
                file: path,
                id: "broken".into(),
                consent: None,
                personal: false,
                categorical: Vec::new(),
                ..inputs.left.add()
            };
            refused(health.ask(&AdminAsk::DatasetAdd(Box::new(broken))), &[Code::Ragged], "a broken row was accepted")
        },
    )?;
    course.go(
        ("D2", ("catalogue management", "目录管理"), ("a peer reads the signed entry, and no row", "对端读取已签名的目录条目，不含数据行")),
        || {
            let listed = bank.ask(&AdminAsk::DatasetList { peer: Some(health.name.clone()) })?;
            must(listed["entries"].to_string().contains(&inputs.left.id), "the entry is not in the catalogue")
        },
    )?;
    let toml = inputs.job(None);
    course.go(
        (
            "D1",
            ("access control", "访问控制"),
            (
                "a job is refused without authorisation, then without the provider's approval, and allowed with both",
                "无授权、无审核的任务被拒绝，二者齐备后放行",
            ),
        ),
        || {
            let check = || bank.ask(&AdminAsk::JobCheck { toml: toml.clone() });
            let is_allowed = |checked: Result<Value>| checked.is_ok_and(|value| value["ok"] == Value::Bool(true));
            must(!is_allowed(check()), "a job without authorisation was allowed")?;
            authority.ask(&AdminAsk::AuthorisationSign { toml: inputs.authorisation() })?;
            must(!is_allowed(check()), "a job without approval was allowed")?;
            for (provider, side) in [(health, &inputs.left), (authority, &inputs.right)] {
                let sent = bank.ask(&AdminAsk::RequestSend {
                    authorisation: inputs.authorisation_id().into(),
                    provider: provider.name.clone(),
                    dataset: side.id.clone(),
                    columns: side.all_columns(),
                })?;
                let id = sent["id"].as_str().unwrap_or_default().to_owned();
                provider.ask(&AdminAsk::RequestDecide { id, columns: None, reason: String::new() })?;
            }
            must(is_allowed(check()), "a job with authorisation and approval was refused")
        },
    )?;
    let job = course.go(
        (
            "D2",
            ("fusion processing", "融合加工"),
            ("two data sets of two owners are joined without either seeing the other's rows", "双方数据隐私求交融合，互不可见"),
        ),
        || {
            let submitted = bank.ask(&AdminAsk::JobSubmit { toml: toml.clone() })?;
            let job = submitted["job"].as_str().unwrap_or_default().to_owned();
            for signer in [health, &cluster.platform, authority] {
                signer.wait(&job, &["proposed", "signed", "admitted", "running"], Duration::from_secs(20))?;
                signer.ask(&AdminAsk::JobApprove { job: job.clone() })?;
            }
            authority.wait(&job, &["held"], Duration::from_secs(300))?;
            Ok(job)
        },
    )?;
    for requirement in ["D1", "D2"] {
        course.go(
            (
                requirement,
                ("algorithm modelling", "算法建模"),
                ("statistics across both owners, computed on secret shares, pass every check", "在秘密份额上计算跨方统计并通过全部检查"),
            ),
            || {
                let shown = authority.ask(&AdminAsk::ReviewShow { job: job.clone() })?;
                must(shown["passed"] == Value::Bool(true), "a check of the result failed")
            },
        )?;
    }
    course.go(
        (
            "D1",
            ("sealing and destruction", "封存与销毁"),
            (
                "the result is sealed until the decision, then working copies and a data set are destroyed with certificates",
                "结果封存待审，随后中间数据与数据集销毁并出具证明",
            ),
        ),
        || {
            refused(
                bank.ask(&AdminAsk::JobResult { job: job.clone() }),
                &[Code::State, Code::NotFound, Code::Review],
                "a result was given out before the decision",
            )?;
            let (reviewer, reason) = ("selftest (a program)".to_owned(), String::new());
            authority.ask(&AdminAsk::ReviewDecide {
                job: job.clone(),
                approve: true,
                reviewer,
                reason,
                items: Vec::new(),
                automatic: true,
            })?;
            for node in cluster.all() {
                node.wait(&job, &["done"], Duration::from_secs(60))?;
                // the last copies go right after the state says so
                let end = Instant::now() + Duration::from_secs(20);
                let keeps = || -> Result<bool> {
                    let left = std::fs::read_dir(node.dir.join("keys/data")).map_err(|e| Fault::io(&e, &node.dir))?;
                    Ok(left.flatten().any(|entry| entry.file_name().to_string_lossy().starts_with(&crate::destroy::prefix(&job))))
                };
                while keeps()? && Instant::now() < end {
                    std::thread::sleep(Duration::from_millis(50));
                }
                must(!keeps()?, "a key of a working copy is left")?;
            }
            let folder = scratch.path().join("result");
            crate::cli::result_to(&folder, &bank.ask(&AdminAsk::JobResult { job: job.clone() })?)?;
            crate::cli::result_check(&folder)?;
            health.ask(&AdminAsk::DatasetDestroy { dataset: inputs.left.id.clone() })?;
            let listed = health.ask(&AdminAsk::DatasetList { peer: None })?;
            must(!listed.to_string().contains(&inputs.left.id), "a destroyed data set is listed")
        },
    )?;
    course.go(
        (
            "D1",
            ("supervision and tracing", "监管溯源"),
            (
                "the result is traced to its sources, all logs verify, and one changed byte is found",
                "结果可溯源，全部日志验证通过，篡改一字节即被发现",
            ),
        ),
        || {
            let traced = bank.ask(&AdminAsk::Trace { what: job.clone(), backward: true, forward: false })?;
            must(traced["traces"].to_string().contains("dataset-version"), "the result is not traced to its source")?;
            cluster.settle()?;
            for node in cluster.all() {
                node.ask(&AdminAsk::AuditCheckpoint)?;
            }
            let dirs: Vec<_> = cluster.all().iter().map(|node| node.dir.clone()).collect();
            cluster.stop()?;
            must(crate::cli::verify_dirs(&dirs)?["ok"] == Value::Bool(true), "a log does not verify")?;
            let path = bank.dir.join("audit/entries.jsonl");
            let entries = std::fs::read_to_string(&path).map_err(|e| Fault::io(&e, &path))?;
            let forged = entries.replacen("job.finished", "job.refused", 1);
            must(forged != entries, "the log does not tell of the job's end")?;
            write_atomic(&path, forged.as_bytes(), 0o600)?;
            must(crate::cli::verify_dirs(&dirs)?["ok"] == Value::Bool(false), "a changed log verifies")
        },
    )
}

/// The options of a demonstration that nobody has asked for anything else of.
fn args(rows: u64) -> DemoArgs {
    DemoArgs {
        rows,
        left: None,
        right: None,
        key: None,
        keep: None,
        carrier: "auto".into(),
        crypto: crate::suite::current().to_string(),
        reveal_match: "none".into(),
        technique: "mpc".into(),
        model: "trees".into(),
        story: None,
        profile: "ningbo".into(),
        own_correlations: false,
        seed: 20_260_101,
    }
}
