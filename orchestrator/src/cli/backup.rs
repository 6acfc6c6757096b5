//! `yu backup`.

use super::Output;
use super::args::{BackupCommand, BackupSource};
use super::verbs::{absolute, text};
use crate::admin::{AdminAsk, ask};
use crate::backup::archive::{self, Opened};
use crate::backup::restore::Sources;
use crate::backup::{drill, key, restore};
use crate::fault::{Code, Fault, Result};
use crate::home::{Home, write_atomic};
use crate::node::payload_hash;
use crate::vault::{Escrow, named_key};
use serde_json::json;
use std::path::Path;
use zeroize::Zeroizing;

pub(super) fn run(command: BackupCommand, home: &Home, out: &Output) -> Result<()> {
    let question = match command {
        BackupCommand::Key { file, holders: Some(holders), quorum: Some(quorum), .. } => return new_parts(&file, quorum, holders, out),
        BackupCommand::Key { file, passphrase_file, .. } => return new_key(&file, passphrase_file.as_deref(), out),
        BackupCommand::Verify(source) => return verify(&source, out),
        BackupCommand::Restore { source, log, without } => return put_back(&source, log.as_deref(), &without, home, out),
        BackupCommand::Drill { source, scratch, out: file } => return practise(&source, &scratch, &file, out),
        BackupCommand::Escrow { folder } => AdminAsk::BackupEscrow { folder: absolute(&folder)? },
        BackupCommand::Make { folder, to } => AdminAsk::BackupMake { folder: absolute(&folder)?, to: text(&to)? },
    };
    let value = ask(home, &question)?;
    out.answer(&question, &value);
    Ok(())
}

fn passphrase(file: Option<&Path>) -> Result<Option<Zeroizing<String>>> {
    let first = |file| Ok(Zeroizing::new(Zeroizing::new(text(file)?).lines().next().unwrap_or_default().to_owned()));
    file.map(first).transpose()
}

fn new_key(file: &Path, passphrase_file: Option<&Path>, out: &Output) -> Result<()> {
    let passphrase = passphrase(passphrase_file)?;
    let public = key::make(file, passphrase.as_ref().map(|text| text.as_str()))?;
    out.say(
        &format!("{} opens backups: keep it apart from them; the node needs only {}.pub", file.display(), file.display()),
        &format!("{} 用于恢复备份，请与备份分开保管；节点只需 {}.pub", file.display(), file.display()),
    );
    out.document(&json!({ "public": public }));
    Ok(())
}

fn new_parts(file: &Path, quorum: u8, holders: u8, out: &Output) -> Result<()> {
    let public = key::make_parts(file, quorum, holders)?;
    out.say(
        &format!(
            "{quorum} of {holders} open backups together: give each holder its part {}.N; the node needs only {}.pub",
            file.display(),
            file.display()
        ),
        &format!("{holders} 方分持，任意 {quorum} 方可共同恢复备份：请将 {}.N 分交各方；节点只需 {}.pub", file.display(), file.display()),
    );
    out.document(&json!({ "public": public, "holders": holders, "quorum": quorum }));
    Ok(())
}

fn opened(source: &BackupSource) -> Result<Opened> {
    let passphrase = passphrase(source.passphrase_file.as_deref())?;
    archive::open(&source.folder, &key::open_all(&source.key, passphrase.as_ref().map(|text| text.as_str()))?)
}

fn verify(source: &BackupSource, out: &Output) -> Result<()> {
    let backup = opened(source)?;
    let escrow = source.escrow.as_ref().map(|dir| Escrow::open(dir, &*backup.node_key()?, false)).transpose()?;
    let mut alive = 0_u64;
    for payload in &backup.payloads {
        drop(backup.payload(payload)?);
        let kept = escrow.as_ref().map(|escrow| escrow.key(&payload.id)).transpose()?.flatten();
        if kept.is_some_and(|wrapped| named_key(&wrapped).is_ok_and(|name| name == payload.key)) {
            alive += 1;
        }
    }
    let head = &backup.head;
    out.say(
        &format!(
            "{}: whole, of {} at {}, {} entries of the log, {} payloads",
            backup.hash, head.node, head.at, head.entries, head.payloads
        ),
        &format!("{}：完整，{} 于 {} 制作，日志 {} 条，密文 {} 份", backup.hash, head.node, head.at, head.entries, head.payloads),
    );
    if escrow.is_some() {
        let gone = head.payloads.saturating_sub(alive);
        out.say(
            &format!("{alive} payloads would come back; the keys of {gone} are destroyed"),
            &format!("可恢复 {alive} 份；{gone} 份密钥已销毁"),
        );
    }
    out.document(&json!({ "backup": backup.hash, "head": head, "alive": alive }));
    Ok(())
}

fn put_back(source: &BackupSource, log: Option<&Path>, without: &[String], home: &Home, out: &Output) -> Result<()> {
    let backup = opened(source)?;
    let done = restore::restore(&backup, home, &Sources { escrow: source.escrow.as_deref(), log, without })?;
    out.say(
        &format!(
            "{} is in {}: {} payloads, {} stay destroyed, {} entries of the log; at its start it asks its peers first",
            backup.head.node,
            home.dir().display(),
            done.restored.len(),
            done.gone.len(),
            done.entries
        ),
        &format!(
            "{} 已恢复至 {}：密文 {} 份，{} 份已销毁不再恢复，日志 {} 条；启动时先向其他节点核对",
            backup.head.node,
            home.dir().display(),
            done.restored.len(),
            done.gone.len(),
            done.entries
        ),
    );
    let (restored, gone) = (&done.restored, &done.gone);
    out.document(&json!({ "backup": done.backup, "restored": restored, "gone": gone, "entries": done.entries, "root": done.root }));
    Ok(())
}

fn practise(source: &BackupSource, scratch: &Path, file: &Path, out: &Output) -> Result<()> {
    let missing = || Fault::new(Code::Input, "a drill shows what comes back: name the escrow").at("--escrow");
    let signed = drill::drill(&opened(source)?, scratch, source.escrow.as_deref().ok_or_else(missing)?)?;
    let hash = payload_hash(&signed.payload)?;
    let json = serde_json::to_vec_pretty(&signed).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
    write_atomic(file, &json, 0o644)?;
    let record = &signed.payload;
    out.say(
        &format!(
            "drill {hash}: {} payloads restored, {} stay destroyed, {} entries verified",
            record.restored, record.gone, record.entries
        ),
        &format!("演练 {hash}：恢复 {} 份，{} 份保持销毁，核验日志 {} 条", record.restored, record.gone, record.entries),
    );
    out.document(&json!({ "record": hash, "drill": record }));
    Ok(())
}
