//! `yu demo`: the whole life of a job, with four nodes as four operating-system processes on loopback.
//!
//! The demo uses the same program and the same local sockets as a person with four terminals; nothing is simulated but
//! the residents (unless two real files are given) and the people: the demo's reviewer approves when every automatic
//! check passes, and the log says that it was the demo's.

mod authority;
mod data;
mod enclave;
mod federated;
mod nodes;
mod selftest;
mod summary;

pub use selftest::run as selftest;

use crate::admin::AdminAsk;
use crate::cli::Output;
use crate::fault::{Code, Fault, Result, pick};
use crate::verbs::JobStatus;
use data::Inputs;
use nodes::{Cluster, Running};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// The story so far: numbered chapters with the time since the start.
struct Story<'a> {
    out: &'a Output,
    start: Instant,
}

impl Story<'_> {
    fn chapter(&self, number: u32, en: &str, zh: &str) {
        self.out.line("");
        self.out.line(&format!("[{:6.2} s] {number}. {}", self.start.elapsed().as_secs_f64(), pick(self.out.lang(), en, zh)));
        self.out.document(&json!({ "chapter": number, "title": en, "seconds": self.start.elapsed().as_secs_f64() }));
    }

    fn note(&self, en: &str, zh: &str) {
        self.out.line(&format!("            {}", pick(self.out.lang(), en, zh)));
    }
}

/// Runs the demo.
///
/// # Errors
/// The first fault of any node; every process is stopped and a temporary folder removed.
pub fn run(args: &crate::cli::DemoArgs, out: &Output) -> Result<()> {
    if args.story.is_some() {
        return authority::run(args, out);
    }
    if args.technique == "federated" {
        return federated::run(args, out);
    }
    let story = Story { out, start: Instant::now() };
    let inside = args.technique == "enclave";
    if inside {
        enclave::possible(args)?;
    }
    let scratch = nodes::Scratch::new(args.keep.as_deref())?;
    let inputs = Inputs::prepare(args, scratch.path())?;

    story.chapter(1, "four nodes, four processes, mutual-TLS QUIC on loopback", "四个节点、四个进程，本机回环上的双向 TLS QUIC");
    let cluster = Cluster::start(scratch.path(), &args.carrier, &args.crypto)?;
    for node in cluster.all() {
        story.note(&format!("{:<9} {}  {}", node.org, node.name, node.listen), &format!("进程 {}", node.pid()));
    }
    let worker = if inside { Some(enclave::prepare(&story, &cluster)?) } else { None };
    cluster.introduce()?;
    story.note("one ticket each way: every node knows its peers", "各凭一张票据相互登记");

    story.chapter(2, "data sets, catalogue, authorisation, request", "数据、目录、授权、申请");
    inputs.describe(|en, zh| story.note(en, zh));
    let (health, bank, authority) = (&cluster.health, &cluster.bank, &cluster.authority);
    say(&story, &health.ask(&AdminAsk::DatasetAdd(Box::new(inputs.left.add())))?);
    say(&story, &bank.ask(&AdminAsk::DatasetAdd(Box::new(inputs.right.add())))?);
    let authorised = authority.ask(&AdminAsk::AuthorisationSign { toml: inputs.authorisation() })?;
    say(&story, &authorised);
    for (provider, side) in [(health, &inputs.left), (authority, &inputs.right)] {
        let sent = bank.ask(&AdminAsk::RequestSend {
            authorisation: inputs.authorisation_id().into(),
            provider: provider.name.clone(),
            dataset: side.id.clone(),
            columns: side.all_columns(),
        })?;
        say(&story, &sent);
        let id = sent.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let decided = provider.ask(&AdminAsk::RequestDecide { id, columns: None, reason: String::new() })?;
        say(&story, &decided);
    }

    story.chapter(3, "job.toml becomes the contract; every party checks it and signs", "job.toml 编译为合约，各方检查并签署");
    let toml = inputs.job(worker.as_deref());
    scratch.keep_text("job.toml", &toml)?;
    say(&story, &bank.ask(&AdminAsk::JobExplain { toml: Some(toml.clone()), job: None })?);
    let submitted = bank.ask(&AdminAsk::JobSubmit { toml })?;
    let job = submitted.get("job").and_then(Value::as_str).unwrap_or_default().to_owned();
    for signer in [health, &cluster.platform, authority] {
        signer.wait(&job, &["proposed", "signed", "admitted", "running"], Duration::from_secs(20))?;
        say(&story, &signer.ask(&AdminAsk::JobApprove { job: job.clone() })?);
    }

    if inside {
        story.chapter(4, "evidence, verdicts, key release, a module inside", "证据、裁定、密钥释放、环境内模块计算");
    } else {
        story.chapter(4, "alignment by PSI, then statistics on secret shares", "隐私求交对齐，随后在秘密份额上计算");
    }
    follow(&story, bank, &job)?;
    authority.wait(&job, &["held"], Duration::from_secs(60))?;

    story.chapter(5, "the result is held; the reviewer decides", "结果待审，由审核方决定");
    let held = authority.ask(&AdminAsk::ReviewShow { job: job.clone() })?;
    say(&story, &held);
    let passed = held.get("passed").and_then(Value::as_bool) == Some(true);
    let decided = authority.ask(&AdminAsk::ReviewDecide {
        job: job.clone(),
        approve: passed,
        reviewer: "demo reviewer (a program)".into(),
        reason: if passed { String::new() } else { "an automatic check failed".into() },
        items: Vec::new(),
        automatic: true,
    })?;
    say(&story, &decided);
    for node in cluster.all() {
        node.wait(&job, &["done"], Duration::from_secs(60))?;
    }
    let result = bank.ask(&AdminAsk::JobResult { job: job.clone() })?;
    let folder = scratch.path().join("result");
    crate::cli::result_to(&folder, &result)?;
    crate::cli::result_check(&folder)?;
    story.note("the receiver verified the receipt offline", "接收方已离线验证回执");
    summary::print(out, &result);

    story.chapter(6, "destroyed, checkpointed, countersigned, verified", "销毁、检查点、联署、验证");
    cluster.settle()?;
    for node in cluster.all() {
        say(&story, &node.ask(&AdminAsk::AuditCheckpoint)?);
    }
    let why: Vec<Value> = cluster
        .all()
        .iter()
        .map(|n| n.status(&job).map(|s| json!({ "node": n.name, "state": s.state, "measured": s.measured })))
        .collect::<Result<_>>()?;
    let dirs = cluster.all().iter().map(|n| n.dir.clone()).collect::<Vec<_>>();
    cluster.stop()?;
    let report = crate::cli::verify_dirs(&dirs)?;
    if inside {
        enclave::replay(&story, &cluster)?;
    }
    if report.get("ok").and_then(Value::as_bool) != Some(true) {
        return Err(Fault::new(Code::Verify, report.to_string()));
    }
    story.note(
        "all four logs verify offline, each by itself and against the others: the job's entries are covered by countersigned checkpoints",
        "四份日志离线验证通过（单独及相互核对）：任务的每条记录均被联署检查点覆盖",
    );
    if let Some(kept) = scratch.kept() {
        story.note(&format!("kept in {}", kept.display()), "目录已保留");
    }
    out.line("");
    out.say(&format!("finished in {:.1} s, job {job}", story.start.elapsed().as_secs_f64()), "完成");
    out.document(&json!({ "job": job, "seconds": story.start.elapsed().as_secs_f64(), "result": result.get("result"),
        "receipt": result.get("receipt"), "nodes": why, "audit": report }));
    Ok(())
}

fn say(story: &Story<'_>, answer: &Value) {
    for line in answer.get("say").and_then(Value::as_array).into_iter().flatten() {
        let part = |key: &str| line.get(key).and_then(Value::as_str).unwrap_or_default();
        story.note(part("en"), part("zh"));
    }
}

/// Shows a job's story as it happens, with a bar on a terminal, until the proposer's share is with the reviewer.
fn follow(story: &Story<'_>, node: &Running, job: &str) -> Result<()> {
    let bar = summary::Bar::new(story.out);
    let mut from = 0;
    loop {
        let status: JobStatus = node.status_from(job, from)?;
        for event in &status.events {
            bar.suspend(|| story.out.event(event));
            from = event.seq + 1;
        }
        bar.show(&status);
        match (status.fault, status.state.as_str()) {
            (Some(fault), _) => return Err(fault),
            (None, "held" | "releasing" | "destroying" | "done") => return Ok(()),
            _ => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}
