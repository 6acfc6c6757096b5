//! Data sets of this node: reading a file, encrypting it under a key of its own, publishing its catalogue entry, and
//! opening it again for a job that holds a permit.

use crate::admin::DatasetAdd;
use crate::fault::{Code, Fault, Result};
use crate::journal::Note;
use crate::keys::now;
use crate::node::Node;
use crate::store::DatasetRow;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::fs;
use yu_desensitize::column;
use yu_desensitize::read::{Encoding, ReadOptions, read_table_from};
use yu_desensitize::table::Table;
use yu_governance::audit::{Event, Field, Verb};
use yu_governance::canonical::{Hash, digest};
use yu_governance::catalogue::{CatalogueEntry, Class, Column, Kind, Origin, Subjects};
use yu_governance::contract::MAX_GROUPS;
use yu_governance::id::DatasetId;
use yu_governance::sign::Signed;

/// How a stored file is read again.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Stored {
    name: String,
    options: ReadOptions,
}

/// Name of a data set's payload in the vault.
pub fn blob_id(id: &DatasetId) -> String {
    format!("ds-{}", id.as_str().replace('/', "."))
}

/// Name of its consent receipts in the vault.
pub fn consent_id(id: &DatasetId) -> String {
    format!("consent-{}", id.as_str().replace('/', "."))
}

/// Names of the salts of commitments to its consent set in the vault begin so. Names of data sets may be longer than a
/// vault id: a hash stands for it.
pub fn salt_prefix(id: &DatasetId) -> String {
    let name = digest("yu-salt-of-v1", id.as_str().as_bytes()).to_hex();
    format!("salt-{}-", name.get(..16).unwrap_or(&name))
}

/// Reads a file, stores it encrypted, signs its catalogue entry.
///
/// # Errors
/// Every fault of the file names file, row and column; `exists` never: adding again is a new version.
pub fn add(node: &Node, ask: &DatasetAdd) -> Result<CatalogueEntry> {
    if ask.import_source.is_some() {
        crate::quarantine::no_way_around(node)?;
    }
    let bytes = Bytes::from(read(&ask.file)?);
    let receipts = ask.consent.as_deref().map(|path| fs::read(path).map_err(|e| Fault::io(&e, path))).transpose()?;
    let origin = match &ask.import_source {
        Some(source) => Origin::Imported { source: source.clone(), licence: source.clone() },
        None => Origin::Public,
    };
    enter(node, ask, bytes, receipts.as_deref(), origin)
}

/// A file's bytes.
///
/// # Errors
/// `file.missing`, `file.unreadable`.
pub(crate) fn read(file: &std::path::Path) -> Result<Vec<u8>> {
    fs::read(file).map_err(|e| {
        let code = if e.kind() == std::io::ErrorKind::NotFound { Code::FileMissing } else { Code::FileRead };
        Fault::new(code, e.kind().to_string()).at(file.display().to_string())
    })
}

/// The id that a data set of this node gets.
///
/// # Errors
/// `input.bad`.
pub(crate) fn id_of(node: &Node, ask: &DatasetAdd) -> Result<DatasetId> {
    Ok(format!("{}/{}/{}", node.config().environment, node.config().organisation, ask.id).parse()?)
}

/// How its file is read.
///
/// # Errors
/// `input.bad`.
pub(crate) fn options(ask: &DatasetAdd) -> Result<ReadOptions> {
    let encoding = match ask.encoding.as_str() {
        "auto" => Encoding::Auto,
        "utf-8" => Encoding::Utf8,
        "gb18030" => Encoding::Gb18030,
        other => return Err(Fault::new(Code::Input, format!("`{other}`: auto, utf-8 or gb18030")).at("--encoding")),
    };
    Ok(ReadOptions { encoding, sheet: ask.sheet.clone(), keys: ask.key.clone(), ..ReadOptions::default() })
}

/// Enters a file that is in memory in the catalogue.
///
/// # Errors
/// As [`add`].
pub(crate) fn enter(node: &Node, ask: &DatasetAdd, content: Bytes, receipts: Option<&[u8]>, origin: Origin) -> Result<CatalogueEntry> {
    let id = id_of(node, ask)?;
    let options = options(ask)?;
    let name = ask.file.display().to_string();
    let version = Hash::of_file(&content);
    let table = read_table_from(&name, content.clone(), &options)?;
    let entry = CatalogueEntry {
        v: 1,
        dataset: id.clone(),
        name: ask.title.clone(),
        provider: node.name().parse()?,
        summary: ask.summary.clone(),
        items: items(&table, ask)?,
        update_frequency: ask.update_frequency.clone(),
        version,
        rows: table.num_rows(),
        subjects: if ask.personal { Subjects::Persons } else { Subjects::None },
        subject_column: if ask.personal { subject(ask) } else { None },
        origin,
        prohibited: ask.prohibited,
    };
    if let Some(finding) = entry.check().first() {
        return Err(finding.into());
    }
    if let Some(receipts) = receipts {
        crate::consent::parse(&ask.consent.as_ref().map_or_else(|| consent_id(&id), |path| path.display().to_string()), receipts)?;
        node.vault().put(&consent_id(&id), receipts)?;
    }
    node.vault().put(&blob_id(&id), &content)?;
    let signed = Signed::sign(entry.clone(), node.name(), node.signing())?;
    let hash = crate::node::payload_hash(&signed.payload)?.to_string();
    let json = serde_json::to_string(&signed).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
    let stored = serde_json::to_string(&Stored { name: name.clone(), options }).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
    let row = DatasetRow {
        id: id.to_string(),
        version: version.to_string(),
        rows: entry.rows,
        source: name,
        read_options: stored,
        entry: serde_json::to_string(&entry).map_err(|e| Fault::new(Code::Bug, e.to_string()))?,
        consent: receipts.is_some(),
    };
    let added =
        Event::new(Verb::DatasetAdded).with("dataset", Field::Dataset(id.clone())).hash("version", &version).count("rows", entry.rows);
    node.store().put_dataset(&row, (&hash, &json), added, now().unix())?;
    node.settle()?;
    Ok(entry)
}

/// The named subject column, or the only key column: of several nobody guesses one.
fn subject(ask: &DatasetAdd) -> Option<String> {
    match (&ask.subject, ask.key.as_slice()) {
        (Some(named), _) => Some(named.clone()),
        (None, [only]) => Some(only.clone()),
        (None, _) => None,
    }
}

/// The catalogue's items: declared categories, keys, and numbers where the first cell is one; a later cell that is none is
/// then a fault of the file, named by row, not a reason to read the column as text.
fn items(table: &Table, ask: &DatasetAdd) -> Result<Vec<Column>> {
    for name in ask.key.iter().chain(&ask.subject).chain(&ask.categorical).chain(&ask.omit) {
        table.select(&[name])?;
    }
    let mut items = Vec::new();
    for name in table.column_names() {
        if ask.omit.iter().any(|o| o == name) {
            continue;
        }
        let kind = if ask.key.iter().any(|k| k == name) {
            Kind::Key
        } else if ask.categorical.iter().any(|c| c == name) {
            Kind::Categorical { categories: column::distinct(table, name, MAX_GROUPS)? }
        } else if column::numeric(&table.take(&[0_u64])?, name).is_ok() {
            column::numeric(table, name)?;
            Kind::Numeric
        } else {
            Kind::Text
        };
        let class = if ask.personal { Class::Personal } else { Class::General };
        items.push(Column { name: name.to_owned(), kind, class, grade: if ask.personal { 3 } else { 2 }, unit: None });
    }
    Ok(items)
}

/// Reads a stored data set again after checking that its source, where it still exists, did not change.
///
/// # Errors
/// `dataset.changed`, `storage.damaged`, `not-found`.
pub fn load(node: &Node, id: &DatasetId, version: &Hash) -> Result<Table> {
    let row = unchanged(node, id, version)?;
    let stored: Stored =
        serde_json::from_str(&row.read_options).map_err(|_| Fault::new(Code::Damaged, "read options").at(row.id.clone()))?;
    let plain = node.vault().get(&blob_id(id))?;
    if Hash::of_file_with(version.algorithm(), &plain) != *version {
        return Err(Fault::new(Code::DataChanged, "the stored payload is of another version").at(row.id));
    }
    Ok(read_table_from(&stored.name, Bytes::from(plain.to_vec()), &stored.options)?)
}

/// The register's row of a data set whose version and source file are as the contract says.
///
/// # Errors
/// `not-found`, `dataset.changed`.
pub fn unchanged(node: &Node, id: &DatasetId, version: &Hash) -> Result<DatasetRow> {
    let row = node.store().dataset(id.as_str())?.ok_or_else(|| Fault::new(Code::NotFound, format!("data set `{id}`")))?;
    if row.version != version.to_string() {
        return Err(Fault::new(Code::DataChanged, "the contract names another version than is stored").at(row.id).party(node.name()));
    }
    if let Ok(bytes) = fs::read(&row.source)
        && Hash::of_file_with(version.algorithm(), &bytes) != *version
    {
        return Err(Fault::new(Code::DataChanged, "the file differs from the version that was added").at(row.source).party(node.name()));
    }
    Ok(row)
}
