//! `yu report`.

use super::Output;
use super::args::ReportCommand;
use crate::admin::{AdminAsk, ask};
use crate::fault::{Code, Fault, Result};
use crate::home::{Home, write_atomic};
use crate::reports::{Wanted, filing};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use yu_governance::canonical::Hash;
use yu_governance::id::PartyName;
use yu_governance::register::{FeedItem, FilingPackage, Register};
use yu_governance::sign::{KeyRing, PublicKey, Signed};
use yu_governance::text::Text;

const FEED: &str = "feed.json";
const MANIFEST: &str = "manifest.json";
/// Largest document of a package that is read back.
const LARGEST: u64 = 256 << 20;

pub(super) fn run(command: ReportCommand, home: &Home, out: &Output) -> Result<()> {
    match command {
        ReportCommand::Register { out: folder } => {
            let value = asked(home, Wanted::Register, out)?;
            let Some(folder) = folder else { return Ok(()) };
            made(&folder)?;
            write_atomic(&folder.join("register.html"), value["html"].as_str().unwrap_or_default().as_bytes(), 0o644)?;
            let feed = json!({ "authority": value["authority"], "key": value["key"], "feed": value["feed"] });
            write_atomic(&folder.join(FEED), feed.to_string().as_bytes(), 0o644)
        }
        ReportCommand::Filing { authorisation, files, out: folder } => file(home, authorisation, &files, &folder, out),
        ReportCommand::Lab { lab, en, zh } => asked(home, Wanted::Lab { lab, assessment: Text::new(en, zh) }, out).map(drop),
        ReportCommand::Credit { authorisation, out: path } => {
            let value = asked(home, Wanted::Credit { authorisation }, out)?;
            let Some(path) = path else { return Ok(()) };
            let record = json!({ "authority": value["authority"], "key": value["key"], "record": value["record"] });
            write_atomic(&path, record.to_string().as_bytes(), 0o600)
        }
        ReportCommand::Verify { folder, key, profile } => verify(&folder, key.as_deref(), profile.as_deref(), out),
    }
}

fn asked(home: &Home, wanted: Wanted, out: &Output) -> Result<Value> {
    let question = AdminAsk::Report { wanted };
    let value = ask(home, &question)?;
    out.answer(&question, &value);
    Ok(value)
}

fn made(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).map_err(|e| Fault::io(&e, folder))
}

/// Reads what a person brings, has the node sign over all, and lays everything beside the manifest.
fn file(home: &Home, authorisation: String, files: &[String], folder: &Path, out: &Output) -> Result<()> {
    let mut brought: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for given in files {
        let bad = || Fault::new(Code::Input, format!("`{}`: NAME=FILE", given.escape_debug())).at("--file");
        let (name, path) = given.split_once('=').filter(|(name, _)| filing::is_name(name)).ok_or_else(bad)?;
        if brought.insert(name.to_owned(), read(Path::new(path))?).is_some() {
            return Err(Fault::new(Code::Input, format!("`{name}` is given twice")).at("--file"));
        }
    }
    if folder.exists() && std::fs::read_dir(folder).map_err(|e| Fault::io(&e, folder))?.next().is_some() {
        return Err(
            Fault::new(Code::Exists, "the folder is not empty: a package holds its own documents only").at(folder.display().to_string())
        );
    }
    let hashes = brought.iter().map(|(name, bytes)| (name.clone(), Hash::of_file(bytes))).collect();
    let value = asked(home, Wanted::Filing { authorisation, files: hashes }, out)?;
    made(folder)?;
    for (name, bytes) in &brought {
        write_atomic(&folder.join(name), bytes, 0o600)?;
    }
    for (name, text) in value["documents"].as_object().into_iter().flatten() {
        write_atomic(&folder.join(name), text.as_str().unwrap_or_default().as_bytes(), 0o600)?;
    }
    let manifest =
        json!({ "authority": value["authority"], "key": value["key"], "required": value["required"], "package": value["package"] });
    write_atomic(&folder.join(MANIFEST), manifest.to_string().as_bytes(), 0o600)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let size = std::fs::metadata(path).map_err(|e| Fault::io(&e, path))?.len();
    if size > LARGEST {
        return Err(Fault::new(Code::Input, format!("{size} bytes, at most {LARGEST}")).at(path.display().to_string()));
    }
    std::fs::read(path).map_err(|e| Fault::io(&e, path))
}

/// `feed.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Feed {
    authority: PartyName,
    key: PublicKey,
    feed: Vec<Signed<FeedItem>>,
}

/// `manifest.json`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    authority: PartyName,
    key: PublicKey,
    required: BTreeSet<String>,
    package: Signed<FilingPackage>,
}

fn parsed<T: serde::de::DeserializeOwned>(path: &Path) -> Result<T> {
    serde_json::from_slice(&read(path)?).map_err(|e| Fault::new(Code::Input, e.to_string()).at(path.display().to_string()))
}

/// The ring with the one key that counts.
fn ring(authority: &PartyName, found: PublicKey, known: Option<&str>, out: &Output) -> Result<KeyRing> {
    let key = match known {
        Some(text) => text.parse()?,
        None => {
            out.say(
                &format!("checked by the key in the folder, {found}: compare it with the authority's"),
                &format!("以文件夹内公钥核验（{found}）：请与主管部门公布的公钥比对"),
            );
            found
        }
    };
    let mut ring = KeyRing::new();
    ring.insert(authority.as_str(), key)?;
    Ok(ring)
}

fn verify(folder: &Path, key: Option<&str>, profile: Option<&str>, out: &Output) -> Result<()> {
    let failed = |e: yu_governance::Error| Fault::new(Code::Verify, e.to_string()).at(folder.display().to_string());
    if folder.join(FEED).exists() {
        let told: Feed = parsed(&folder.join(FEED))?;
        let ring = ring(&told.authority, told.key, key, out)?;
        let register = Register::replay(told.authority, &told.feed, &ring).map_err(failed)?;
        let (items, count) = (told.feed.len(), register.lines().len());
        out.say(
            &format!("{items} items hold; {count} authorisations are in the register"),
            &format!("{items} 条均有效；公示授权 {count} 项"),
        );
        out.document(&json!({ "ok": true, "items": items, "register": register.lines() }));
        return Ok(());
    }
    let told: Manifest = parsed(&folder.join(MANIFEST))?;
    let ring = ring(&told.authority, told.key, key, out)?;
    let required = match profile {
        Some(name) => crate::profiles::named(name)?.rules().filing(),
        None => told.required,
    };
    let mut files = BTreeMap::new();
    for entry in std::fs::read_dir(folder).map_err(|e| Fault::io(&e, folder))? {
        let path = entry.map_err(|e| Fault::io(&e, folder))?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if name != MANIFEST {
            files.insert(name, read(&path)?);
        }
    }
    if told.package.payload.authority != told.authority {
        return Err(Fault::new(Code::Verify, "the package is of another authority than the manifest says").at(MANIFEST));
    }
    let package = FilingPackage::verify(&told.package, &files, &required, &ring).map_err(failed)?;
    out.say(
        &format!("{}: {} documents are those that were filed at {}", package.authorisation, package.documents.len(), package.at),
        &format!("{}：{} 件材料与 {} 备案一致", package.authorisation, package.documents.len(), package.at),
    );
    out.document(&json!({ "ok": true, "package": package }));
    Ok(())
}
