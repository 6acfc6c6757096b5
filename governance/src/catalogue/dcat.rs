//! Catalogue records as DCAT-like JSON-LD, out and in again without loss (K4).
//!
//! The words are those of DCAT 3 where it has them (`dcat:Dataset`, `dcat:version`, `dct:title` with `@language`,
//! `dct:accrualPeriodicity`); what it has no word for stands under `yu:`: columns with class and grade, level of origin, registration,
//! link to the data. A field outside of this list is refused, never dropped: what one side cannot read it must not claim to carry.
//!
//! The document is not signed: it is for other catalogues. What our own nodes trust is the signed record.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::draft::EntryDraft;
use super::frequency::Frequency;
use super::record::{CatalogueRecord, Language, Translation};
use crate::canonical::{parse_u64, to_canonical};
use crate::error::{Error, Result};
use crate::finding::{Checked, Finding, refuse, unless};
use crate::id::DatasetId;

mod read;

use read::{Fields, parse_strict, strip};

/// The vocabulary of ours.
pub const VOCABULARY: &str = "https://github.com/yu-domain/yu/vocabulary#";
/// What stands before a data set's name in `@id`.
const URN: &str = "urn:yu:dataset:";
/// Most bytes of an imported document.
pub const MOST_BYTES: usize = 16 << 20;

/// One record as a `dcat:Dataset`.
///
/// # Errors
/// `Malformed` if the record has no canonical form.
pub fn export(record: &CatalogueRecord) -> Result<Value> {
    let mut out = dataset(record)?;
    out.insert("@context".into(), context());
    Ok(Value::Object(out))
}

/// Records as a `dcat:Catalog`, in canonical JSON.
///
/// # Errors
/// `Malformed` if a record has no canonical form.
pub fn export_all<'a>(title: &str, language: Language, records: impl IntoIterator<Item = &'a CatalogueRecord>) -> Result<Vec<u8>> {
    let datasets: Vec<Value> = records.into_iter().map(|r| dataset(r).map(Value::Object)).collect::<Result<_>>()?;
    to_canonical(&json!({
        "@context": context(),
        "@type": "dcat:Catalog",
        "dct:title": [tagged(title, language)],
        "dcat:dataset": datasets,
    }))
}

/// The record of one `dcat:Dataset`.
///
/// # Errors
/// `dcat.malformed` for what is no JSON, has a key twice or is too long; `dcat.field-unknown`, `dcat.field-malformed` naming the
/// field by its path; `catalogue.field-missing` for all mandatory fields at once (K1); what [`CatalogueRecord::check`] objects to (A6).
pub fn import(bytes: &[u8]) -> Checked<CatalogueRecord> {
    let value = parse(bytes)?;
    let mut found = Vec::new();
    let record = record(&value, "", true, &mut found);
    finish(record, found)
}

/// The records of a `dcat:Catalog`.
///
/// # Errors
/// As [`import`], for all data sets at once; `dcat.repeated` for a data set that is listed twice.
pub fn import_all(bytes: &[u8]) -> Checked<Vec<CatalogueRecord>> {
    let value = parse(bytes)?;
    let mut found = Vec::new();
    let mut records: Vec<CatalogueRecord> = Vec::new();
    if let Some(mut fields) = Fields::of(&value, "", &mut found) {
        check_context(&mut fields, &mut found);
        fields.expect("@type", "dcat:Catalog", &mut found);
        fields.texts("dct:title", &mut found);
        for (i, item) in fields.list("dcat:dataset", &mut found).iter().enumerate() {
            let Some(record) = record(item, &format!("/dcat:dataset/{i}"), false, &mut found) else { continue };
            if records.iter().any(|r| r.entry.dataset == record.entry.dataset) {
                let name = &record.entry.dataset;
                let what = (format!("`{name}` is listed twice"), format!("`{name}` 重复列出"));
                found.push(Finding::new("dcat.repeated", &record.entry.provider, what, ("list each data set once", "每个数据集只列一次")));
            }
            records.push(record);
        }
        fields.finish(&mut found);
    }
    found.extend(records.iter().flat_map(CatalogueRecord::check));
    unless(found, records)
}

fn finish(record: Option<CatalogueRecord>, mut found: Vec<Finding>) -> Checked<CatalogueRecord> {
    match record {
        Some(record) => {
            // a document that was misread is not judged by its content as well
            if found.is_empty() {
                found = record.check();
            }
            unless(found, record)
        }
        None => Err(found),
    }
}

fn parse(bytes: &[u8]) -> Checked<Value> {
    let malformed = |en: String, zh: String| {
        let remedy = ("export the document again; no key may occur twice", "重新导出文件；键不得重复");
        refuse("dcat.malformed", "catalogue", (en, zh), remedy)
    };
    if bytes.len() > MOST_BYTES {
        return malformed(
            format!("the document has {} bytes, at most {MOST_BYTES} are read", bytes.len()),
            format!("文件为 {} 字节，上限为 {MOST_BYTES} 字节", bytes.len()),
        );
    }
    match parse_strict(bytes) {
        Ok(value) => Ok(value),
        Err((line, column)) => malformed(
            format!("no JSON with single keys at line {line}, column {column}"),
            format!("第 {line} 行第 {column} 列不是键唯一的 JSON"),
        ),
    }
}

fn context() -> Value {
    json!({
        "dcat": "http://www.w3.org/ns/dcat#",
        "dct": "http://purl.org/dc/terms/",
        "xsd": "http://www.w3.org/2001/XMLSchema#",
        "yu": VOCABULARY,
    })
}

/// The context must be exactly ours: another one would give the same words another meaning.
fn check_context(fields: &mut Fields<'_>, found: &mut Vec<Finding>) {
    if fields.take("@context").is_none_or(|c| *c != context()) {
        fields.malformed("@context", "the context of this version", "本版本的上下文", found);
    }
}

fn tagged(text: &str, language: Language) -> Value {
    json!({ "@value": text, "@language": language.as_str() })
}

fn dataset(record: &CatalogueRecord) -> Result<Map<String, Value>> {
    let e = &record.entry;
    let both = |own: &str, other: Option<&str>| {
        let mut list = vec![tagged(own, record.language)];
        list.extend(other.map(|text| tagged(text, record.language.other())));
        Value::Array(list)
    };
    let other = record.translation.as_ref();
    let frequency =
        Frequency::of(&e.update_frequency).map_or_else(|| e.update_frequency.clone(), |f| format!("{}{}", Frequency::URI, f.code()));
    let mut out = Map::new();
    let mut put = |key: &str, value: Value| {
        if !value.is_null() {
            out.insert(key.to_owned(), value);
        }
    };
    put("@id", format!("{URN}{}", e.dataset).into());
    put("@type", "dcat:Dataset".into());
    put("dct:identifier", e.dataset.as_str().into());
    put("dct:language", record.language.as_str().into());
    put("dct:title", both(&e.name, other.map(|t| t.name.as_str())));
    put("dct:description", both(&e.summary, other.map(|t| t.summary.as_str())));
    put("dct:publisher", json!({ "@id": e.provider.as_str() }));
    put("dct:accrualPeriodicity", json!({ "@id": frequency }));
    put("dct:modified", json!({ "@type": "xsd:dateTime", "@value": record.at.to_string() }));
    put("dcat:version", record.number.to_string().into());
    put("yu:previous", ours(&record.previous)?);
    put("yu:column", ours(&e.items)?);
    put("yu:content_hash", ours(&e.version)?);
    put("yu:rows", e.rows.to_string().into());
    put("yu:subjects", ours(&e.subjects)?);
    put("yu:subject_column", ours(&e.subject_column)?);
    put("yu:origin", ours(&e.origin)?);
    put("yu:prohibited", e.prohibited.into());
    put("yu:level", ours(&record.level)?);
    put("yu:registration", ours(&record.registration)?);
    put("yu:hook", ours(&record.hook)?);
    put("yu:quality", ours(&record.quality)?);
    put("yu:sample", ours(&record.sample)?);
    put("yu:simulated", ours(&record.simulated)?);
    Ok(out)
}

/// A value of ours with every key put under `yu:`.
fn ours<T: Serialize>(value: &T) -> Result<Value> {
    let value = serde_json::to_value(value).map_err(|e| Error::Malformed { object: "catalogue record".into(), reason: e.to_string() })?;
    Ok(prefixed(value))
}

fn prefixed(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(map.into_iter().map(|(k, v)| (format!("yu:{k}"), prefixed(v))).collect()),
        Value::Array(list) => Value::Array(list.into_iter().map(prefixed).collect()),
        plain => plain,
    }
}

fn record(value: &Value, path: &str, alone: bool, found: &mut Vec<Finding>) -> Option<CatalogueRecord> {
    let before = found.len();
    let mut f = Fields::of(value, path, found)?;
    if alone {
        check_context(&mut f, found);
    }
    f.expect("@type", "dcat:Dataset", found);
    let dataset: Option<DatasetId> = f.parsed("dct:identifier", found);
    if let Some(name) = &dataset {
        f.expect("@id", &format!("{URN}{name}"), found);
    } else {
        f.take("@id");
    }
    let language = match f.take("dct:language").and_then(Value::as_str) {
        Some("en") => Language::En,
        Some("zh") => Language::Zh,
        _ => {
            f.malformed("dct:language", "`en` or `zh`", "`en` 或 `zh`", found);
            return None;
        }
    };
    let (name, other_name) = own_and_other(f.texts("dct:title", found), language);
    let (summary, other_summary) = own_and_other(f.texts("dct:description", found), language);
    let translation = match (other_name, other_summary) {
        (None, None) => None,
        (name, summary) => Some(Translation { name: name.unwrap_or_default(), summary: summary.unwrap_or_default() }),
    };
    let update_frequency = f.address("dct:accrualPeriodicity", found).map(|uri| match Frequency::of_uri(&uri) {
        Some(frequency) => frequency.as_str().to_owned(),
        // kept as written: the record's check names the words of the list
        None => uri,
    });
    let draft = EntryDraft {
        provider: f.address("dct:publisher", found).and_then(|text| f.made("dct:publisher", text.parse(), found)),
        dataset,
        name,
        summary,
        items: f.ours("yu:column", found).unwrap_or_default(),
        update_frequency,
        version: f.ours("yu:content_hash", found),
        rows: f.number("yu:rows", found),
        subjects: f.ours("yu:subjects", found),
        subject_column: f.ours("yu:subject_column", found),
        origin: f.ours("yu:origin", found),
        prohibited: f.ours("yu:prohibited", found).unwrap_or_default(),
    };
    found.extend(draft.missing());
    let number = f.required("dcat:version", Fields::number, found);
    let at = f.required("dct:modified", Fields::time, found);
    let level = f.required("yu:level", Fields::ours, found);
    let hook = f.required("yu:hook", Fields::ours, found);
    let rest = (
        f.ours("yu:previous", found),
        f.ours("yu:registration", found),
        f.ours("yu:quality", found),
        f.ours("yu:sample", found),
        f.ours("yu:simulated", found),
    );
    f.finish(found);
    if found.len() > before {
        return None;
    }
    let entry = draft.complete().map_err(|more| found.extend(more)).ok()?;
    let (previous, registration, quality, sample, simulated) = rest;
    Some(CatalogueRecord {
        v: 1,
        number: number?,
        previous,
        entry,
        language,
        translation,
        level: level?,
        registration,
        hook: hook?,
        quality,
        sample,
        simulated,
        at: at?,
    })
}

fn own_and_other(texts: Vec<(Language, String)>, own: Language) -> (Option<String>, Option<String>) {
    let (mut mine, mut other) = (None, None);
    for (language, text) in texts {
        *(if language == own { &mut mine } else { &mut other }) = Some(text);
    }
    (mine, other)
}

impl<'a> Fields<'a> {
    /// A value of ours; absent is `None`, malformed is a finding.
    fn ours<T: DeserializeOwned>(&mut self, key: &'static str, found: &mut Vec<Finding>) -> Option<T> {
        let path = self.path_of(key);
        let value = strip(self.take(key)?, &path, found)?;
        match serde_json::from_value(value) {
            Ok(value) => Some(value),
            Err(_) => {
                self.malformed(key, "the form that the same release exports", "同版本导出的格式", found);
                None
            }
        }
    }

    /// A count as a decimal string.
    fn number(&mut self, key: &'static str, found: &mut Vec<Finding>) -> Option<u64> {
        let value = self.take(key)?;
        let number = value.as_str().and_then(parse_u64);
        if number.is_none() {
            self.malformed(key, "a decimal number in a string", "字符串形式的十进制数", found);
        }
        number
    }
}
