//! Quarantine (隔离区, P4, D11): data from outside lie encrypted under keys of their own, in no catalogue and for no job, until the authority approves.
//!
//! ```text
//! yu dataset import   read, checked, encrypted here; the request is filed with what the checks found, without a value
//! authority           import-decision in the docket
//! yu dataset admit    approved: into the catalogue, as `yu dataset add` does it
//! refused, or over    destroyed with a certificate, here, without being asked
//! ```
//! Once the domain imports so, `yu dataset add --import-source` is no way around it ([`no_way_around`]).

use crate::admin::{DatasetAdd, DatasetImport};
use crate::dataset;
use crate::docket::chapters::imports::KINDS;
use crate::docket::{draft, named};
use crate::fault::{Code, Fault, Result};
use crate::journal::Note;
use crate::keys::now;
use crate::node::Node;
use crate::procedure::law;
use crate::store::Object;
use crate::verbs::{done, lines, to_value};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;
use yu_desensitize::detect::{Confidence, Detector, Options};
use yu_desensitize::read::{active, read_table_from};
use yu_governance::audit::{Event, Field, Verb};
use yu_governance::canonical::{Hash, digest};
use yu_governance::catalogue::Origin;
use yu_governance::id::DatasetId;
use yu_governance::import::{ColumnReport, ImportReport, ImportRequest, ImportState};
use yu_governance::sign::Signed;

/// Kind of what is kept of a file in quarantine.
const KEPT: &str = "quarantine";
/// Largest file, bytes: it is read as a whole.
const MOST_BYTES: u64 = 1 << 30;
/// Most files in quarantine at a time.
const MOST: usize = 64;

/// What is kept beside the payload.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    add: DatasetAdd,
    request: ImportRequest,
}

/// Names in the vault: of the payload, and of consent receipts. Names of data sets may be longer than a vault id: a hash stands for them.
pub(crate) fn vault_ids(dataset: &DatasetId) -> [String; 2] {
    let name = digest("yu-quarantine-v1", dataset.as_str().as_bytes()).to_hex();
    let name = name.get(..32).unwrap_or(&name);
    [format!("quarantine-{name}"), format!("quarantine-{name}-consent")]
}

/// Refuses to enter imports in the catalogue directly once the domain imports through quarantine.
///
/// # Errors
/// `contract.rule` with the way.
pub fn no_way_around(node: &Node) -> Result<()> {
    if node.docket().with(node, |book| Ok(book.decides(KINDS)))? {
        let what = "import.quarantine: imports come in by `yu dataset import` here, and into the catalogue when the authority has approved";
        return Err(Fault::new(Code::ContractRule, what).at("--import-source").party(node.name()));
    }
    Ok(())
}

/// What the checks find in a file, without any of its values.
fn report(node: &Node, ask: &DatasetAdd, content: &Bytes) -> Result<ImportReport> {
    let name = ask.file.display().to_string();
    let table = read_table_from(&name, content.clone(), &dataset::options(ask)?)?;
    let found = active(&name, content, &table)?;
    let detector = Detector::new(Options { least: Confidence::Likely, ..Options::default() });
    let classes = detector.classify(&table)?;
    let is_declared = |name: &str| {
        let named = |list: &[String]| list.iter().any(|column| column == name);
        named(&ask.key) || named(&ask.categorical) || named(&ask.omit) || ask.subject.as_deref() == Some(name)
    };
    let columns = table.column_names().into_iter().map(|name| ColumnReport {
        name: name.to_owned(),
        identifiers: classes.iter().find(|c| c.column == name && c.confidence >= Confidence::Likely).map(|c| c.label().to_owned()),
        declared: is_declared(name),
    });
    let report = ImportReport {
        bytes: content.len() as u64,
        rows: table.num_rows(),
        formulas: found.formulas,
        macros: found.has_program,
        columns: columns.collect(),
        personal: ask.personal,
    };
    let against: Vec<String> = report.objections().into_iter().map(|(code, en, zh)| format!("{code}: {en} ({zh})")).collect();
    if against.is_empty() {
        return Ok(report);
    }
    Err(Fault::new(Code::ContractRule, against.join("\n")).at(name).party(node.name()))
}

/// Puts a file into quarantine and asks the authority for its import.
///
/// # Errors
/// `contract.rule` with everything that the checks have against it, then nothing of it is kept; faults of the file; `not-found` without a profile.
pub fn import(node: &Arc<Node>, ask: &DatasetImport) -> Result<Value> {
    law::required(node)?;
    let id = dataset::id_of(node, &ask.add)?;
    let size = std::fs::metadata(&ask.add.file).map_or(0, |about| about.len());
    if size > MOST_BYTES {
        return Err(Fault::new(Code::Input, format!("{size} bytes, at most {MOST_BYTES}: split the file")).at(ask
            .add
            .file
            .display()
            .to_string()));
    }
    let there = node.store().objects(KEPT)?;
    if there.len() >= MOST || there.iter().any(|kept| kept.id == id.as_str()) {
        return Err(Fault::new(Code::Exists, format!("`{id}` is in quarantine already, or {MOST} others are; `yu dataset quarantine`")));
    }
    let content = Bytes::from(dataset::read(&ask.add.file)?);
    let receipts = ask.add.consent.as_deref().map(|path| std::fs::read(path).map_err(|e| Fault::io(&e, path))).transpose()?;
    if let Some(receipts) = &receipts {
        crate::consent::parse("consent receipts", receipts)?;
    }
    let at = now();
    let request = ImportRequest {
        v: 1,
        dataset: id.clone(),
        version: Hash::of_file(&content),
        holder: node.name().parse()?,
        source: ask.source.clone(),
        licence: ask.licence.clone(),
        report: report(node, &ask.add, &content)?,
        at,
        until: at.plus_days(i64::from(ask.wait_days)),
    };
    let kept = Kept { add: ask.add.clone(), request: request.clone() };
    let event = Event::new(Verb::ImportQuarantined).with("dataset", Field::Dataset(id.clone())).hash("version", &request.version);
    // first its entry: what has one is destroyed in time whatever happens next
    node.store().keep((KEPT, id.as_str()), &request.version.to_string(), &to_value(&kept)?.to_string(), event, at.unix())?;
    node.settle()?;
    let asked = match ask_authority(node, &request, &content, receipts.as_deref()) {
        Ok(asked) => asked,
        Err(fault) => {
            let _turn = node.live().ending();
            destroy(node, &id)?;
            return Err(fault);
        }
    };
    let (rows, columns) = (request.report.rows, request.report.columns.len());
    Ok(json!({ "dataset": id, "request": asked["hash"], "report": request.report, "until": request.until, "say": lines([(
        format!("{id}: {rows} rows, {columns} columns in quarantine until {}; the authority is asked", request.until),
        format!("{id}：{rows} 行 {columns} 列已置入隔离区，至 {}；已提交主管部门审批", request.until),
    )]) }))
}

/// Encrypts what is imported, then files the request.
fn ask_authority(node: &Arc<Node>, request: &ImportRequest, content: &[u8], receipts: Option<&[u8]>) -> Result<Value> {
    let [payload, consent] = vault_ids(&request.dataset);
    node.vault().put(&payload, content)?;
    if let Some(receipts) = receipts {
        node.vault().put(&consent, receipts)?;
    }
    draft::start(node, named("import-request")?, &to_value(&Signed::unsigned(request.clone()))?)
}

fn parsed(kept: &Object) -> Result<(DatasetId, Kept)> {
    let damaged = |_| Fault::new(Code::Damaged, "what is in quarantine does not parse").at(kept.id.clone());
    Ok((kept.id.parse()?, serde_json::from_str(&kept.json).map_err(damaged)?))
}

fn state(node: &Node, request: &ImportRequest) -> Result<ImportState> {
    node.docket().with(node, |book| Ok(book.imports.0.state(&request.dataset, &request.version, now())))
}

/// Destroys what is in quarantine under this name; the caller holds the turn of destructions.
fn destroy(node: &Node, id: &DatasetId) -> Result<Hash> {
    crate::incidents::refuse_frozen(node, yu_governance::workflow::evidence::Doomed::Dataset(id))?;
    let certificate = crate::destroy::quarantined(node, &vault_ids(id))?;
    node.log(Event::new(Verb::ImportDestroyed).with("dataset", Field::Dataset(id.clone())).hash("certificate", &certificate))?;
    // last: as long as it is there the destruction is repeated
    node.store().remove_object(KEPT, id.as_str())?;
    Ok(certificate)
}

/// Takes approved data into the catalogue.
///
/// # Errors
/// `not-found`; `state.wrong` while it waits; `policy.refused` when it was refused or its time is over: then it is destroyed.
pub fn admit(node: &Arc<Node>, dataset: &str) -> Result<Value> {
    let full = if dataset.contains('/') {
        dataset.to_owned()
    } else {
        format!("{}/{}/{dataset}", node.config().environment, node.config().organisation)
    };
    let _turn = node.live().ending();
    let kept = node.store().object(KEPT, &full)?;
    let kept = kept.ok_or_else(|| Fault::new(Code::NotFound, format!("`{full}` is not in quarantine")).party(node.name()))?;
    let (id, kept) = parsed(&kept)?;
    match state(node, &kept.request)? {
        ImportState::Approved(_) => {}
        ImportState::Refused | ImportState::Over => {
            let certificate = destroy(node, &id)?;
            let what = format!("import.refused: `{id}` was refused, or its time is over; destroyed, certificate {certificate}");
            return Err(Fault::new(Code::Refused, what));
        }
        ImportState::Waits | ImportState::Unknown => {
            return Err(Fault::new(Code::State, format!("`{id}` waits for the authority until {}", kept.request.until)));
        }
    }
    let [payload, consent] = vault_ids(&id);
    let content = node.vault().get(&payload)?;
    if Hash::of_file(&content) != kept.request.version {
        return Err(Fault::new(Code::Damaged, "what is in quarantine is not what was approved").at(id.to_string()));
    }
    let receipts = if node.vault().holds(&consent) { Some(node.vault().get(&consent)?) } else { None };
    let (source, licence) = (kept.request.source.clone(), kept.request.licence.clone());
    let content = Bytes::copy_from_slice(&content);
    let entry = dataset::enter(node, &kept.add, content, receipts.as_ref().map(|r| &r[..]), Origin::Imported { source, licence })?;
    node.log(Event::new(Verb::ImportApproved).with("dataset", Field::Dataset(id.clone())).hash("version", &kept.request.version))?;
    // the copies in quarantine go, with their keys
    for id in [&payload, &consent] {
        node.vault().shred(id)?;
    }
    node.store().remove_object(KEPT, id.as_str())?;
    let mut told = done(&format!("{id} is in the catalogue"), &format!("{id} 已登记入目录"));
    told["entry"] = to_value(&entry)?;
    Ok(told)
}

/// Destroys what was refused, and what nobody decided about in time.
///
/// # Errors
/// `storage.failed`: doing it again goes on.
pub fn follow(node: &Node) -> Result<()> {
    for kept in node.store().objects(KEPT)? {
        let (id, kept) = parsed(&kept)?;
        let is_over = match state(node, &kept.request)? {
            ImportState::Refused | ImportState::Over => true,
            ImportState::Waits | ImportState::Unknown => now() >= kept.request.until,
            ImportState::Approved(_) => false,
        };
        if is_over {
            let _turn = node.live().ending();
            // somebody else may have done it a moment ago
            if node.store().object(KEPT, id.as_str())?.is_some() {
                destroy(node, &id)?;
            }
        }
    }
    Ok(())
}

/// What is in quarantine, what the checks found, how it stands.
///
/// # Errors
/// `storage.damaged`.
pub fn list(node: &Node) -> Result<Value> {
    let (mut all, mut say) = (Vec::new(), Vec::new());
    for kept in node.store().objects(KEPT)? {
        let (id, kept) = parsed(&kept)?;
        let (word, zh) = match state(node, &kept.request)? {
            ImportState::Approved(_) => ("approved: `yu dataset admit`", "已批准，可用 yu dataset admit 登记"),
            ImportState::Refused => ("refused", "已拒绝"),
            ImportState::Over => ("over", "已逾期"),
            ImportState::Waits | ImportState::Unknown => ("waits for the authority", "待主管部门决定"),
        };
        let report = &kept.request.report;
        let found = report.columns.iter().filter(|column| column.identifiers.is_some()).count();
        say.push((
            format!("{id}: {} rows, identifiers in {found} columns, until {}: {word}", report.rows, kept.request.until),
            format!("{id}：{} 行，{found} 列含标识信息，至 {}：{zh}", report.rows, kept.request.until),
        ));
        all.push(json!({ "dataset": id, "state": word, "request": kept.request }));
    }
    if all.is_empty() {
        say.push(("quarantine is empty".into(), "隔离区为空".into()));
    }
    Ok(json!({ "quarantine": all, "say": lines(say) }))
}
