//! `yu selftest`, `drill`, `patrol`, `annual`, `disclosure`, `inspection`, `acceptance`.

use super::Output;
use super::args::{AcceptanceArgs, AnnualArgs, DisclosureArgs, DrillCommand, InspectionCommand, WatchCommand};
use super::verbs::text;
use crate::admin::{AdminAsk, ask};
use crate::fault::{Code, Fault, Result};
use crate::home::Home;
use crate::reporting::package::{self, Brought};
use crate::watch::WatchAsk;
use serde_json::Value;
use std::path::{Path, PathBuf};
use yu_governance::canonical::Hash;
use yu_governance::clock::Time;
use yu_governance::report::Purpose;
use yu_governance::text::Text;

pub(super) fn run(command: WatchCommand, home: &Home, out: &Output) -> Result<()> {
    match command {
        WatchCommand::Selftest { out: file, rows } => crate::demo::selftest(rows, file.as_deref(), out),
        WatchCommand::Drill(command) => tell(home, drill(command)?, out).map(drop),
        WatchCommand::Patrol { node } => tell(home, WatchAsk::Patrol { node }, out).map(drop),
        WatchCommand::Annual(args) => annual(args, home, out),
        WatchCommand::Disclosure(args) => disclosure(&args, home, out),
        WatchCommand::Inspection(command) => inspection(command, home, out),
        WatchCommand::Acceptance(args) => acceptance(&args, home, out),
    }
}

fn tell(home: &Home, question: WatchAsk, out: &Output) -> Result<Value> {
    let question = AdminAsk::Watch(question);
    let value = ask(home, &question)?;
    out.answer(&question, &value);
    Ok(value)
}

/// `English|中文`.
fn both(text: &str) -> Result<Text> {
    let bad = || Fault::new(Code::Input, format!("`{}`: English and Chinese with `|` between", text.escape_debug()));
    let (en, zh) = text.split_once('|').ok_or_else(bad)?;
    let text = Text::new(en.trim(), zh.trim());
    if text.is_blank() { Err(bad()) } else { Ok(text) }
}

fn hash_of(path: &Path) -> Result<Hash> {
    Ok(Hash::of_file(&std::fs::read(path).map_err(|e| Fault::io(&e, path))?))
}

fn drill(command: DrillCommand) -> Result<WatchAsk> {
    Ok(match command {
        DrillCommand::Inject { authorisation, job, scenario } => WatchAsk::DrillInject { authorisation, job, scenario: both(&scenario)? },
        DrillCommand::Times { hash } => WatchAsk::DrillTimes { injection: hash },
        DrillCommand::Record { hash, shown, shortcoming } => WatchAsk::DrillRecord {
            injection: hash,
            shown: shown.iter().map(|path| hash_of(path)).collect::<Result<_>>()?,
            shortcomings: shortcoming.iter().map(|text| both(text)).collect::<Result<_>>()?,
        },
    })
}

fn annual(args: AnnualArgs, home: &Home, out: &Output) -> Result<()> {
    let AnnualArgs { from: Some(from), to: Some(to), narrative: Some(narrative), out: Some(folder), file, .. } = args else {
        return tell(home, WatchAsk::AnnualCheck { report: args.check.unwrap_or_default() }, out).map(drop);
    };
    let question = WatchAsk::Annual { from: Time::parse(&from)?, to: Time::parse(&to)?, narrative: text(&narrative)?, file };
    crate::reporting::write(&folder, &tell(home, question, out)?)
}

fn disclosure(args: &DisclosureArgs, home: &Home, out: &Output) -> Result<()> {
    let (from, to) = (Time::parse(&args.from)?, Time::parse(&args.to)?);
    let question = WatchAsk::Disclosure { from, to, text: both(&args.text)?, file: args.file };
    crate::reporting::write(&args.out, &tell(home, question, out)?)
}

fn inspection(command: InspectionCommand, home: &Home, out: &Output) -> Result<()> {
    match command {
        InspectionCommand::Make { inspector, out: folder } => {
            let question = WatchAsk::PackageMake { purpose: Purpose::Inspection, inspector, brought: Vec::new() };
            package::write(&folder, home.dir(), &tell(home, question, out)?, &[])
        }
        InspectionCommand::Sign { folder } => {
            let manifest = package::read_manifest(&folder)?;
            let answer = tell(home, WatchAsk::PackageSign { manifest }, out)?;
            // only what holds as a whole gets the second signature
            package::check(&folder, &answer["manifest"], &package::ring_of(&answer["keys"])?)?;
            package::write_manifest(&folder, &answer["manifest"])
        }
        InspectionCommand::Verify { folder, keys } => {
            let keys = match keys {
                Some(path) => serde_json::from_str(&text(&path)?).map_err(|e| Fault::new(Code::Input, e.to_string()).at("--keys"))?,
                None => ask(home, &AdminAsk::Watch(WatchAsk::PackageKeys))?,
            };
            let hash = package::check(&folder, &package::read_manifest(&folder)?, &package::ring_of(&keys["keys"])?)?;
            out.say(&format!("the package holds: {hash}"), &format!("材料验证通过：{hash}"));
            out.document(&serde_json::json!({ "ok": true, "hash": hash }));
            Ok(())
        }
        InspectionCommand::Keys => tell(home, WatchAsk::PackageKeys, out).map(drop),
    }
}

fn acceptance(args: &AcceptanceArgs, home: &Home, out: &Output) -> Result<()> {
    let selftest: Value =
        serde_json::from_str(&text(&args.selftest)?).map_err(|e| Fault::new(Code::Input, e.to_string()).at("--selftest"))?;
    let name_of = |path: &Path| path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let mut files: Vec<(String, PathBuf)> = vec![("selftest.json".to_owned(), args.selftest.clone())];
    let hash = hash_of(&args.selftest)?;
    let tested = ["D1", "D2"].map(|id| Brought {
        requirement: id.to_owned(),
        name: "selftest.json".to_owned(),
        hash,
        passed: selftest["requirements"][id] == Value::Bool(true),
    });
    let mut brought = Vec::from(tested);
    for one in &args.evidence {
        let bad = || Fault::new(Code::Input, format!("`{}`: D3=FILE to D13=FILE", one.escape_debug())).at("--evidence");
        let (id, path) = one.split_once('=').ok_or_else(bad)?;
        // what the program tests itself is not shown by a paper
        if !(3..=13).any(|n| id == format!("D{n}")) {
            return Err(bad());
        }
        let (path, name) = (PathBuf::from(path), name_of(Path::new(path)));
        brought.push(Brought { requirement: id.to_owned(), name: name.clone(), hash: hash_of(&path)?, passed: true });
        files.push((name, path));
    }
    let question = WatchAsk::PackageMake { purpose: Purpose::Acceptance, inspector: args.inspector.clone(), brought };
    let answer = tell(home, question, out)?;
    package::write(&args.out, home.dir(), &answer, &files)?;
    if answer["ok"] == Value::Bool(true) {
        return Ok(());
    }
    Err(Fault::new(Code::Verify, format!("not every requirement is shown: {}", answer["open"])))
}
