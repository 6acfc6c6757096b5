//! The demonstration of a model that stays split: aligned, trained, judged, reviewed, released, used, destroyed.
//!
//! Rows are a public set of credit card customers where the folder with such sets is found ($YU_SHARED, else `../shared`), and made up otherwise;
//! which of both is said. The customers are split into those to train with and later ones to judge and score; the health office holds half of the
//! columns under another file, as two organisations would.

use super::nodes::{Cluster, Scratch};
use super::{Story, follow, say};
use crate::admin::{AdminAsk, DatasetAdd};
use crate::cli::{DemoArgs, Output};
use crate::fault::{Code, Fault, Result};
use crate::job::{curve, explain};
use crate::keys::now;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const AUTHORISATION: &str = "dev/authority/a-2026-002";
const SCENARIO: &str = "小微企业信贷风控";
const PURPOSE: &str = "credit risk model";
/// Times: customers of the training, and later ones.
const TIMES: [&str; 2] = ["then", "later"];

/// What the demonstration trains on.
struct Tables {
    /// Names of the columns of both sides; the right one has the label besides.
    columns: [Vec<String>; 2],
    /// Where the files of each time are, left and right.
    files: [[PathBuf; 2]; 2],
    /// What they are.
    note: (String, String),
}

/// Runs it.
///
/// # Errors
/// The first fault of any node.
pub(super) fn run(args: &DemoArgs, out: &Output) -> Result<()> {
    let story = Story { out, start: Instant::now() };
    let scratch = Scratch::new(args.keep.as_deref())?;
    let tables = Tables::prepare(args, scratch.path())?;

    story.chapter(1, "four nodes, four processes, mutual-TLS QUIC on loopback", "四个节点、四个进程，本机回环上的双向 TLS QUIC");
    let cluster = Cluster::start(scratch.path(), &args.carrier, &args.crypto)?;
    for node in cluster.all() {
        story.note(&format!("{:<9} {}  {}", node.org, node.name, node.listen), &format!("进程 {}", node.pid()));
    }
    cluster.introduce()?;
    story.note("one ticket each way: every node knows its peers", "各凭一张票据相互登记");

    story.chapter(2, "data sets, catalogue, authorisation, request", "数据、目录、授权、申请");
    story.note(&tables.note.0, &tables.note.1);
    tables.bring(&story, &cluster)?;

    story.chapter(
        3,
        "training: the rows are aligned by PSI, the model is trained over shares and stays split",
        "训练：隐私求交对齐，在份额上训练，模型由三方分持",
    );
    let features =
        ["left", "right"].into_iter().zip(&tables.columns).flat_map(|(side, names)| names.iter().map(move |n| format!("{side}.{n}")));
    let features = features.map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let model = match args.model.as_str() {
        "logistic" => "{ kind = \"logistic_regression\", epochs = 20, batch = 2048, learning_rate = 0.5 }",
        _ => "{ kind = \"boosted_trees\", trees = 40, depth = 3, learning_rate = 0.2, bins = 16 }",
    };
    let step = format!("[step.train]\ntarget = \"right.y\"\nfeatures = [{features}]\nmodel = {model}\nhold_out = 20\npoints = 8\n");
    let trained = job(&story, &cluster, &scratch, "train", &step)?;
    for node in [&cluster.health, &cluster.bank, &cluster.platform] {
        say(&story, &node.ask(&AdminAsk::ModelList)?);
    }

    story.chapter(4, "evaluation on later customers", "以后来的客户评估模型");
    let step = format!("[step.evaluate]\nmodel = \"{}\"\ntarget = \"right.y\"\n", trained.job);
    let judged = job(&story, &cluster, &scratch, "evaluate", &step)?;

    story.chapter(5, "prediction: a probability for each later customer, for the bank only", "预测：为每位后来的客户给出概率，仅交付银行");
    let step = format!("[step.predict]\nmodel = \"{}\"\n", trained.job);
    let predicted = job(&story, &cluster, &scratch, "predict", &step)?;
    let scores = std::fs::read_to_string(predicted.folder.join("scores.csv")).map_err(|e| Fault::io(&e, &predicted.folder))?;
    for line in scores.lines().take(4) {
        story.note(&format!("  {line}"), "");
    }

    story.chapter(6, "the model is destroyed, logs are checkpointed, countersigned, verified", "销毁模型；日志检查点、联署、验证");
    for node in [&cluster.health, &cluster.bank, &cluster.platform] {
        say(&story, &node.ask(&AdminAsk::ModelDestroy { job: trained.job.clone() })?);
    }
    let again =
        cluster.bank.ask(&AdminAsk::JobSubmit { toml: job_file(&format!("[step.predict]\nmodel = \"{}\"\n", trained.job), "later") });
    match again {
        Err(fault) if fault.code == Code::NotFound => {
            story.note("a further prediction is refused: no share is left", "再次预测被拒绝：份额已不存在")
        }
        _ => return Err(Fault::new(Code::Verify, "a destroyed model was used")),
    }
    cluster.settle()?;
    for node in cluster.all() {
        say(&story, &node.ask(&AdminAsk::AuditCheckpoint)?);
    }
    let dirs = cluster.all().iter().map(|n| n.dir.clone()).collect::<Vec<_>>();
    cluster.stop()?;
    let report = crate::cli::verify_dirs(&dirs)?;
    if report.get("ok").and_then(Value::as_bool) != Some(true) {
        return Err(Fault::new(Code::Verify, report.to_string()));
    }
    story.note("all four logs verify offline, each by itself and against the others", "四份日志离线验证通过（单独及相互核对）");
    if let Some(kept) = scratch.kept() {
        story.note(&format!("kept in {}: curve.svg in result-train, scores.csv in result-predict", kept.display()), "目录已保留");
    }
    out.line("");
    let seconds = story.start.elapsed().as_secs_f64();
    out.say(&format!("finished in {seconds:.1} s, model of job {}", trained.job), "完成");
    out.document(
        &json!({ "seconds": seconds, "training": trained.result, "evaluation": judged.result, "scores": scores.lines().count() - 1,
        "audit": report }),
    );
    Ok(())
}

/// A job that ended well.
struct Done {
    job: String,
    result: Value,
    folder: PathBuf,
}

fn job_file(step: &str, time: &str) -> String {
    format!(
        "technique = \"federated\"\nauthorisation = \"{AUTHORISATION}\"\nreveal_match = \"both\"\nhelper = \"yu://dev/platform/n1\"\n\
         reviewer = \"yu://dev/authority/n1\"\nreceiver = \"yu://dev/bank/n1\"\n\n\
         [left]\nparty = \"yu://dev/health/n1\"\ndataset = \"dev/health/{time}\"\nkey = [\"id\"]\n\n\
         [right]\nparty = \"yu://dev/bank/n1\"\ndataset = \"dev/bank/{time}\"\nkey = [\"id\"]\n\n{step}"
    )
}

/// Proposes, signs, follows, reviews and receives one job.
fn job(story: &Story<'_>, cluster: &Cluster, scratch: &Scratch, name: &str, step: &str) -> Result<Done> {
    let toml = job_file(step, if name == "train" { TIMES[0] } else { TIMES[1] });
    scratch.keep_text(&format!("job-{name}.toml"), &toml)?;
    let (bank, authority) = (&cluster.bank, &cluster.authority);
    if name == "train" {
        say(story, &bank.ask(&AdminAsk::JobExplain { toml: Some(toml.clone()), job: None })?);
    }
    let submitted = bank.ask(&AdminAsk::JobSubmit { toml })?;
    let job = submitted.get("job").and_then(Value::as_str).unwrap_or_default().to_owned();
    for signer in [&cluster.health, &cluster.platform, authority] {
        signer.wait(&job, &["proposed", "signed", "admitted", "running"], Duration::from_secs(20))?;
        say(story, &signer.ask(&AdminAsk::JobApprove { job: job.clone() })?);
    }
    follow(story, bank, &job)?;
    authority.wait(&job, &["held"], Duration::from_secs(60))?;
    let held = authority.ask(&AdminAsk::ReviewShow { job: job.clone() })?;
    say(story, &held);
    let passed = held.get("passed").and_then(Value::as_bool) == Some(true);
    let reason = if passed { String::new() } else { "an automatic check failed".to_owned() };
    let reviewer = "demo reviewer (a program)".to_owned();
    say(
        story,
        &authority.ask(&AdminAsk::ReviewDecide {
            job: job.clone(),
            approve: passed,
            reviewer,
            reason,
            items: Vec::new(),
            automatic: true,
        })?,
    );
    for node in cluster.all() {
        node.wait(&job, &["done"], Duration::from_secs(60))?;
    }
    let answer = bank.ask(&AdminAsk::JobResult { job: job.clone() })?;
    let folder = scratch.path().join(format!("result-{name}"));
    crate::cli::result_to(&folder, &answer)?;
    crate::cli::result_check(&folder)?;
    story.note("the receiver verified the receipt offline", "接收方已离线验证回执");
    let result = answer.get("result").cloned().unwrap_or_default();
    for line in explain::result(&result, story.out.lang()) {
        story.out.line(&format!("            {line}"));
    }
    if curve::of(&result).is_some() {
        story.note("learning curve: curve.svg beside the result", "学习曲线：结果目录中的 curve.svg");
    }
    Ok(Done { job, result, folder })
}

impl Tables {
    fn prepare(args: &DemoArgs, root: &Path) -> Result<Self> {
        let folder = root.join("data");
        std::fs::create_dir_all(&folder).map_err(|e| Fault::io(&e, &folder))?;
        let files = TIMES.map(|time| ["health", "bank"].map(|org| folder.join(format!("{org}-{time}.csv"))));
        let shared = std::env::var_os("YU_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
        let set = shared.join("data/default_credit");
        if set.is_dir() {
            return Self::real(&set, &shared.join("data/splits/default_credit.csv"), files);
        }
        Self::made_up(args, files)
    }

    /// Customers of the public set: those of its training split, and those of its test split.
    fn real(set: &Path, split: &Path, files: [[PathBuf; 2]; 2]) -> Result<Self> {
        let read = |path: &Path| std::fs::read_to_string(path).map_err(|e| Fault::io(&e, path));
        let split = read(split)?;
        let later: BTreeMap<&str, bool> = split
            .lines()
            .skip(1)
            .filter_map(|line| {
                let mut cells = line.split(',').skip(1);
                Some((cells.next()?, cells.next()? == "1"))
            })
            .collect();
        let sides = [read(&set.join("default_credit_hetero_host.csv"))?, read(&set.join("default_credit_hetero_guest.csv"))?];
        for (side, text) in sides.iter().enumerate() {
            let header = text.lines().next().unwrap_or_default();
            for (time, is_later) in [(0, false), (1, true)] {
                let rows = text.lines().skip(1).filter(|row| row.split(',').next().and_then(|id| later.get(id)) == Some(&is_later));
                let kept: Vec<&str> = std::iter::once(header).chain(rows).collect();
                write(&files[time][side], &(kept.join("\n") + "\n"))?;
            }
        }
        let names = |text: &str| {
            let header = text.lines().next().unwrap_or_default();
            header.split(',').filter(|name| !["id", "y"].contains(name)).map(str::to_owned).collect::<Vec<_>>()
        };
        Ok(Self {
            columns: [names(&sides[0]), names(&sides[1])],
            files,
            note: (
                format!("public set of credit card customers (default_credit), {} rows, test rows as later customers", later.len()),
                format!("公开的信用卡客户数据集（default_credit），共 {} 行，测试行作为后来的客户", later.len()),
            ),
        })
    }

    /// Customers that are made up, for whom the label follows from columns of both sides and chance.
    fn made_up(args: &DemoArgs, files: [[PathBuf; 2]; 2]) -> Result<Self> {
        let mut rng = ChaCha20Rng::seed_from_u64(args.seed);
        let rows = args.rows.clamp(1000, 800_000);
        let mut unit = || f64::from(rng.next_u32()) / f64::from(u32::MAX);
        for (time, count, from) in [(0, rows, 0), (1, rows / 4, rows)] {
            let (mut left, mut right) = (String::from("id,age,visits,chronic\n"), String::from("id,y,income,debt,late\n"));
            for person in from..from + count {
                let (age, visits, chronic) = (20.0 + 60.0 * unit(), (12.0 * unit() * unit()).floor(), f64::from(u8::from(unit() < 0.2)));
                let (income, debt, late) = (3.0 + 30.0 * unit() * unit(), 20.0 * unit(), (5.0 * unit() * unit()).floor());
                let score = 0.8 * late + 0.12 * debt - 0.15 * income + 0.9 * chronic + 0.1 * visits - (age - 50.0).abs() / 60.0 - 1.2;
                let defaulted = u8::from(unit() < 1.0 / (1.0 + (-score).exp()));
                if unit() < 0.9 {
                    left.push_str(&format!("C{person:07},{age:.1},{visits},{chronic}\n"));
                }
                right.push_str(&format!("C{person:07},{defaulted},{income:.2},{debt:.2},{late}\n"));
            }
            write(&files[time][0], &left)?;
            write(&files[time][1], &right)?;
        }
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Ok(Self {
            columns: [names(&["age", "visits", "chronic"]), names(&["income", "debt", "late"])],
            files,
            note: (
                format!("MADE-UP customers, seed {}: {rows}, and {} later ones; set YU_SHARED for the public set", args.seed, rows / 4),
                format!("模拟客户（种子 {}）：{rows} 位，后来的 {} 位；设置 YU_SHARED 可使用公开数据集", args.seed, rows / 4),
            ),
        })
    }

    /// Data sets, an authorisation, requests and approvals.
    fn bring(&self, story: &Story<'_>, cluster: &Cluster) -> Result<()> {
        let (health, bank, authority) = (&cluster.health, &cluster.bank, &cluster.authority);
        let all = |side: usize| {
            let label = (side == 1).then(|| "y".to_owned());
            std::iter::once("id".to_owned()).chain(label).chain(self.columns[side].iter().cloned()).collect::<Vec<_>>()
        };
        let quoted = |names: &[String]| names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
        let mut grants = String::new();
        for (time, files) in TIMES.into_iter().zip(&self.files) {
            for (side, node) in [health, bank].into_iter().enumerate() {
                let add = DatasetAdd {
                    file: files[side].clone(),
                    id: time.to_owned(),
                    title: format!("customers, {time}"),
                    summary: format!("customers of {}, {time}", node.org),
                    key: vec!["id".to_owned()],
                    subject: None,
                    categorical: Vec::new(),
                    omit: Vec::new(),
                    update_frequency: "yearly".into(),
                    encoding: "auto".into(),
                    sheet: None,
                    consent: None,
                    personal: false,
                    prohibited: false,
                    import_source: (side == 1).then(|| "own customer records".to_owned()),
                };
                say(story, &node.ask(&AdminAsk::DatasetAdd(Box::new(add)))?);
                grants.push_str(&format!("[[datasets]]\ndataset = \"dev/{}/{time}\"\ncolumns = [{}]\n", node.org, quoted(&all(side))));
            }
        }
        let start = now();
        let authorised = authority.ask(&AdminAsk::AuthorisationSign {
            toml: format!(
                "id = \"a-2026-002\"\nlicensee = \"bank\"\nscenario = \"{SCENARIO}\"\npurpose = \"{PURPOSE}\"\nnot_before = \"{}\"\nnot_after = \"{}\"\n{grants}\
                 [contingency_plan]\nowner = \"bank\"\nscope = \"leak, misuse or loss of data of this scenario\"\n\
                 contacts = [\"duty officer of the bank\", \"duty officer of the authority\"]\n\
                 steps = [\"halt all jobs with yu job halt\", \"report to the authority at once\", \"preserve the logs\"]\ndrill_interval_days = 180\n",
                start.plus_seconds(-60),
                start.plus_days(365),
            ),
        })?;
        say(story, &authorised);
        for time in TIMES {
            for (side, (org, provider)) in [("health", health), ("bank", authority)].into_iter().enumerate() {
                let sent = bank.ask(&AdminAsk::RequestSend {
                    authorisation: AUTHORISATION.into(),
                    provider: provider.name.clone(),
                    dataset: format!("dev/{org}/{time}"),
                    columns: all(side),
                })?;
                let id = sent.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
                say(story, &provider.ask(&AdminAsk::RequestDecide { id, columns: None, reason: String::new() })?);
            }
        }
        Ok(())
    }
}

fn write(path: &Path, text: &str) -> Result<()> {
    std::fs::write(path, text).map_err(|e| Fault::io(&e, path))
}
