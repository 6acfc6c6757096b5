//! `yu desensitize`: files are searched, policies explained and carried out, without a node.

use super::Output;
use super::args::{DesensitizeCommand, DetectArgs, RunArgs};
use crate::fault::{Code, Fault, Result};
use crate::home::write_atomic;
use crate::keys::rng;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use yu_desensitize::detect::{Classified, Detector};
use yu_desensitize::error::{Lang, Text};
use yu_desensitize::policy::run::{dry, recheck};
use yu_desensitize::policy::{Policy, diff, explain};
use yu_desensitize::read::{Encoding, ReadOptions, read_batches, read_table};
use yu_desensitize::report::{Grid, Report, Show, Verdict};
use yu_desensitize::transform::{KeyId, Keys, TransformKey};
use zeroize::Zeroizing;

/// Runs a verb.
pub(super) fn run(command: DesensitizeCommand, out: &Output) -> Result<()> {
    match command {
        DesensitizeCommand::Detect(args) => detect(&args, out),
        DesensitizeCommand::Keygen { out: file, name } => keygen(&file, &name, out),
        DesensitizeCommand::Explain { policy } => {
            let sentences = explain::numbered(&Policy::read(&policy)?);
            sentences.iter().for_each(|text| say(out, text));
            out.document(&json!({ "sentences": sentences }));
            Ok(())
        }
        DesensitizeCommand::Diff { old, new } => changes(&old, &new, out),
        DesensitizeCommand::DryRun { policy, rows } => {
            let rehearsal = dry::rehearse(&Policy::read(&policy)?, rows, 20_260_101)?;
            grid(&rehearsal.before, out);
            grid(&rehearsal.after, out);
            out.document(&json!({ "before": rehearsal.before, "after": rehearsal.after, "simulated": true }));
            Ok(())
        }
        DesensitizeCommand::Run(args) => carry_out(&args, out),
        DesensitizeCommand::Verify { policy, release } => {
            let report = recheck(&Policy::read(&policy)?, &read_table(&release, &ReadOptions::default())?)?;
            tell(&report, out)
        }
    }
}

fn say(out: &Output, text: &Text) {
    out.say(&text.en, &text.zh);
}

fn options(encoding: &str) -> Result<ReadOptions> {
    let encoding = Encoding::from_name(encoding)
        .ok_or_else(|| Fault::new(Code::Input, format!("`{encoding}`: auto, utf-8 or gb18030")).at("--encoding"))?;
    Ok(ReadOptions { encoding, ..ReadOptions::default() })
}

fn detect(args: &DetectArgs, out: &Output) -> Result<()> {
    let detector = Detector::default();
    let options = options(&args.encoding)?;
    let mut documents = Vec::new();
    for file in &args.files {
        documents.push(if args.text { hits(&detector, file, out)? } else { columns(&detector, file, &options, out)? });
    }
    out.document(&json!({ "files": documents }));
    Ok(())
}

fn columns(detector: &Detector, file: &Path, options: &ReadOptions, out: &Output) -> Result<Value> {
    let Classified { names, rows, columns: found } = detector.classify_batches(read_batches(file, options)?)?;
    out.say(
        &format!("{}: {rows} rows, {} of {} columns hold identifiers", file.display(), found.len(), names.len()),
        &format!("{}：{rows} 行，{} 列中有 {} 列含标识符", file.display(), names.len(), found.len()),
    );
    let mut documents = Vec::new();
    for class in &found {
        let share = class.share * 100.0;
        let (en, zh) = (Lang::En, Lang::Zh);
        out.say(
            &format!(
                "  {}: {}, {} ({share:.1} % of the cells; {}); suggested grade {}",
                class.column,
                class.class.title(en),
                class.confidence.title(en),
                class.reason.get(en),
                class.suggested_grade()
            ),
            &format!(
                "  {}：{}，{}（单元格占比 {share:.1} %；{}）；建议级别 {}",
                class.column,
                class.class.title(zh),
                class.confidence.title(zh),
                class.reason.get(zh),
                class.suggested_grade()
            ),
        );
        documents
            .push(json!({ "column": class.column, "class": class.label(), "confidence": class.confidence.title(en), "share": class.share,
            "sampled": class.sampled, "reason": class.reason.text(), "grade": class.suggested_grade() }));
    }
    Ok(json!({ "file": file.display().to_string(), "rows": rows, "columns": documents }))
}

fn hits(detector: &Detector, file: &Path, out: &Output) -> Result<Value> {
    let bytes = std::fs::read(file).map_err(|e| Fault::io(&e, file))?;
    let text = String::from_utf8(bytes).map_err(|e| {
        Fault::new(Code::Encoding, format!("byte {} is not UTF-8", e.utf8_error().valid_up_to())).at(file.display().to_string())
    })?;
    let mut documents = Vec::new();
    let (mut line, mut begin) = (1, 0);
    for hit in detector.scan(&text) {
        line += text.as_bytes().get(begin..hit.start).unwrap_or_default().iter().filter(|byte| **byte == b'\n').count();
        begin = hit.start;
        let (en, zh) = (Lang::En, Lang::Zh);
        out.say(
            &format!(
                "{}:{line}: bytes {}..{}: {}, {} ({})",
                file.display(),
                hit.start,
                hit.end,
                hit.class.title(en),
                hit.confidence.title(en),
                hit.reason.get(en)
            ),
            &format!("{}，{}（{}）", hit.class.title(zh), hit.confidence.title(zh), hit.reason.get(zh)),
        );
        documents.push(
            json!({ "class": hit.class.name(), "start": hit.start, "end": hit.end, "line": line, "confidence": hit.confidence.title(en) }),
        );
    }
    Ok(json!({ "file": file.display().to_string(), "hits": documents }))
}

/// First line of a key file.
const KEY_FILE: &str = "yu-desensitize-key-v1";

fn keygen(file: &Path, name: &str, out: &Output) -> Result<()> {
    use rand::Rng;
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let id = KeyId::new(name)?;
    let mut bytes = Zeroizing::new([0; 32]);
    rng().fill_bytes(bytes.as_mut_slice());
    let text = Zeroizing::new(format!("{KEY_FILE} {id} {}\n", *Zeroizing::new(hex::encode(*bytes))));
    let mut created = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(|e| match e.kind() {
        // a key is never replaced: what it encrypted could not be restored any more
        std::io::ErrorKind::AlreadyExists => Fault::new(Code::Exists, "a file of this name is there").at(file.display().to_string()),
        _ => Fault::io(&e, file),
    })?;
    created.write_all(text.as_bytes()).and_then(|()| created.sync_all()).map_err(|e| Fault::io(&e, file))?;
    let fingerprint = hex::encode(TransformKey::new(id, bytes).fingerprint());
    out.say(
        &format!(
            "key `{name}` ({fingerprint}) is in {}; without it nothing can be restored, with it everything reversible can",
            file.display()
        ),
        &format!("密钥 `{name}`（{fingerprint}）已写入 {}；销毁后任何内容均不可还原，持有者可还原可逆处理", file.display()),
    );
    out.document(&json!({ "key": name, "fingerprint": fingerprint, "file": file.display().to_string() }));
    Ok(())
}

fn keys(file: Option<&PathBuf>) -> Result<Keys> {
    let mut keys = Keys::none();
    let Some(file) = file else { return Ok(keys) };
    let bad =
        |line: usize| Fault::new(Code::Input, format!("line {line} is not `{KEY_FILE} NAME 64-HEX-DIGITS`")).at(file.display().to_string());
    let text = Zeroizing::new(std::fs::read_to_string(file).map_err(|e| Fault::io(&e, file))?);
    for (number, line) in (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let mut words = line.split_whitespace();
        let (Some(KEY_FILE), Some(name), Some(digits), None) = (words.next(), words.next(), words.next(), words.next()) else {
            return Err(bad(number));
        };
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(digits, bytes.as_mut_slice()).map_err(|_| bad(number))?;
        keys.insert(TransformKey::new(KeyId::new(name)?, bytes));
    }
    Ok(keys)
}

fn changes(old: &Path, new: &Path, out: &Output) -> Result<()> {
    let changes = diff::changes(&Policy::read(old)?, &Policy::read(new)?);
    if changes.is_empty() {
        out.say("the two policies say the same", "两份规则内容一致");
    }
    for change in &changes {
        let word = change.direction.word();
        out.say(&format!("{}: {}", word.en, change.text.en), &format!("{}：{}", word.zh, change.text.zh));
    }
    out.document(&json!({ "changes": changes }));
    Ok(())
}

fn grid(grid: &Grid, out: &Output) {
    say(out, &grid.title);
    let header: Vec<&str> = grid.header.iter().map(|text| text.en.as_str()).collect();
    out.line(&format!("  {}", header.join(" | ")));
    grid.rows.iter().for_each(|row| out.line(&format!("  {}", row.join(" | "))));
}

/// Says what a report found; a refusal ends the command.
fn tell(report: &Report, out: &Output) -> Result<()> {
    let mut refused = Vec::new();
    for finding in report.sections.iter().flat_map(|section| &section.findings) {
        let word = finding.verdict.word();
        out.say(&format!("{}: {}", word.en, finding.text.en), &format!("{}：{}", word.zh, finding.text.zh));
        if finding.verdict == Verdict::Refused {
            refused.push(format!("{}: {}", finding.code, finding.text.en));
        }
    }
    out.document(&json!({ "verdict": report.verdict(), "report": report }));
    match report.verdict() {
        Verdict::Refused => Err(Fault::new(Code::ReleaseRefused, refused.first().cloned().unwrap_or_else(|| "nothing was found".into()))),
        _ => Ok(()),
    }
}

fn carry_out(args: &RunArgs, out: &Output) -> Result<()> {
    let policy = Policy::read(&args.policy)?;
    let keys = keys(args.keys.as_ref())?;
    let outcome = policy.run(&args.input, &options(&args.encoding)?, &args.out, &keys, &mut rng())?;
    if let Some(path) = &args.report {
        let show = match out.lang() {
            crate::fault::Lang::En => Show::En,
            crate::fault::Lang::Zh => Show::Zh,
            crate::fault::Lang::Both => Show::Both,
        };
        write_atomic(path, outcome.report.html(show).as_bytes(), 0o600)?;
        write_atomic(&path.with_extension("json"), outcome.report.json()?.as_bytes(), 0o600)?;
    }
    tell(&outcome.report, out)?;
    out.say(&format!("released: {}", args.out.display()), &format!("已发布：{}", args.out.display()));
    Ok(())
}
