//! Consent receipts as providers hand them over: a CSV with one row per receipt.
//!
//! ```text
//! subject,scenario,purpose,items,not_before,not_after,revoked_at[,evidence]
//! ```
//! The first column may carry the name of the key column; `items` are separated by `;` or `|` and `*` is refused: consent is for
//! named items (A15). Receipts never leave the node. What was consented to, and taken back, as signed records: [`book`].

pub mod book;

use crate::fault::{Code, Fault, Result};
use bytes::Bytes;
use yu_desensitize::column;
use yu_desensitize::read::{ReadOptions, read_table_from};
use yu_governance::clock::Time;
use yu_governance::consent::{ConsentReceipt, ConsentSet};
use yu_governance::id::ColumnSet;

fn csv_header(head: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(head);
    let first = text.trim_start_matches('\u{feff}').split([',', ';', '\t', '\r', '\n']).next()?.trim().trim_matches('"');
    (!first.is_empty()).then(|| first.to_owned())
}

/// Reads receipts.
///
/// # Errors
/// Faults of the file; a receipt that is malformed is named by row.
pub fn parse(name: &str, bytes: &[u8]) -> Result<ConsentSet> {
    ConsentSet::new(receipts(name, bytes)?).map_err(|e| Fault::from(e).at(name.to_owned()))
}

/// The receipts themselves.
///
/// # Errors
/// As [`parse`].
pub fn receipts(name: &str, bytes: &[u8]) -> Result<Vec<ConsentReceipt>> {
    // Only the header is needed to name the subject column as a key; its rows are read once.
    let head: Vec<u8> = bytes.iter().copied().take_while(|b| *b != b'\n').chain(*b"\n").collect();
    let first = match csv_header(&head) {
        Some(first) => first,
        None => return Err(Fault::new(Code::EmptyFile, "no header").at(name.to_owned())),
    };
    let options = ReadOptions { keys: vec![first.clone()], ..ReadOptions::default() };
    let table = read_table_from(name, Bytes::copy_from_slice(bytes), &options)?;
    let get = |column: &str| column::text(&table, column);
    let optional = |column: &str| -> Result<Option<Vec<String>>> {
        if table.column_names().contains(&column) { Ok(Some(get(column)?)) } else { Ok(None) }
    };
    let (subjects, scenarios, purposes, items) = (get(&first)?, get("scenario")?, get("purpose")?, get("items")?);
    let (from, to) = (get("not_before")?, get("not_after")?);
    let (revoked, evidence) = (optional("revoked_at")?, optional("evidence")?);
    let mut receipts = Vec::with_capacity(subjects.len());
    for (i, subject) in subjects.into_iter().enumerate() {
        // the error below would quote the cell, and in a file with shifted columns the cell may be a subject
        let bad = |column: &'static str| {
            move |_: yu_governance::Error| {
                Fault::new(Code::Input, format!("column `{column}` cannot be read")).at(format!("{name}, receipt {}", i + 1))
            }
        };
        let at = |v: &Option<Vec<String>>| v.as_ref().and_then(|v| v.get(i)).filter(|t| !t.trim().is_empty()).cloned();
        receipts.push(ConsentReceipt {
            v: 1,
            subject,
            scenario: scenarios[i].parse().map_err(bad("scenario"))?,
            purpose: purposes[i].parse().map_err(bad("purpose"))?,
            items: ColumnSet::new(items[i].split([';', '|']).map(str::trim)).map_err(bad("items"))?,
            not_before: Time::parse(&from[i]).map_err(bad("not_before"))?,
            not_after: Time::parse(&to[i]).map_err(bad("not_after"))?,
            revoked_at: at(&revoked).map(|t| Time::parse(&t)).transpose().map_err(bad("revoked_at"))?,
            evidence: at(&evidence).unwrap_or_else(|| "receipt file".into()),
        });
    }
    Ok(receipts)
}
