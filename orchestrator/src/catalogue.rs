//! `yu catalogue`: the catalogue of the docket out and in again, its changes, what is demanded of it; at the provider its quality counted and simulated
//! data made (K2, K4, K6, K7, K9, C6).
//!
//! | to see | open |
//! |---|---|
//! | DCAT out and in, differences, what a subscriber missed | [`exchange`] |
//! | reports of the operator and the authority | [`reports`] |
//! | the four metrics, counted over an own data set | [`profile`] |
//! | simulated data from an entry alone | [`simulate`] |

pub mod exchange;
pub mod profile;
pub mod reports;
pub mod simulate;

use crate::docket::kind::Document;
use crate::docket::{draft, named};
use crate::fault::{Code, Fault, Result};
use crate::keys::now;
use crate::node::Node;
use crate::verbs::to_value;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use yu_governance::catalogue::record::CatalogueRecord;
use yu_governance::clock::Time;
use yu_governance::id::{DatasetId, document_hash};
use yu_governance::sign::Signed;

/// What the command line asks of the catalogue.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "catalogue", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Asked {
    /// Present records as DCAT.
    Export {
        /// One data set only.
        dataset: Option<String>,
    },
    /// Own records of a DCAT document as new versions.
    Import {
        /// Its text.
        text: String,
    },
    /// What changed between two versions.
    Diff {
        /// Data set.
        dataset: String,
        /// Number of the one.
        from: u64,
        /// Number of the other.
        to: u64,
    },
    /// What happened after a revision.
    Changes {
        /// The revision that the subscriber has.
        since: u64,
        /// The head of the chain that it has.
        head: Option<String>,
    },
    /// What demands lack.
    Gaps {
        /// The period.
        period: (Time, Time),
        /// File the operator's report.
        file: bool,
    },
    /// Quality and timeliness of departments.
    Report {
        /// The period.
        period: (Time, Time),
        /// File the authority's report.
        file: bool,
    },
    /// The four metrics of an own data set.
    Profile {
        /// Data set.
        dataset: String,
        /// Rows that it should have.
        expected_rows: Option<u64>,
        /// File them as a new version of the record.
        file: bool,
    },
    /// Simulated data for an entry.
    Simulate {
        /// Data set.
        dataset: String,
        /// How many rows.
        rows: u64,
        /// The same seed gives the same rows.
        seed: u64,
        /// File where they stand as a new version of the record.
        file: bool,
    },
}

/// Answers.
///
/// # Errors
/// The fault that a person is shown.
pub fn handle(node: &Arc<Node>, asked: Asked) -> Result<Value> {
    match asked {
        Asked::Export { dataset } => exchange::export(node, dataset.as_deref()),
        Asked::Import { text } => exchange::import(node, &text),
        Asked::Diff { dataset, from, to } => exchange::diff(node, &dataset, from, to),
        Asked::Changes { since, head } => exchange::changes(node, since, head.as_deref()),
        Asked::Gaps { period, file } => reports::gaps(node, period, file),
        Asked::Report { period, file } => reports::departments(node, period, file),
        Asked::Profile { dataset, expected_rows, file } => profile::profile(node, &dataset, expected_rows, file),
        Asked::Simulate { dataset, rows, seed, file } => simulate::simulate(node, &dataset, (rows, seed), file),
    }
}

/// A data set by its full or, at its owner, short name.
fn dataset(node: &Node, name: &str) -> Result<DatasetId> {
    if name.contains('/') {
        return Ok(name.parse()?);
    }
    Ok(DatasetId::from_parts(crate::verbs::environment(node)?, &node.config().organisation, name)?)
}

/// The present record of a data set.
fn present(node: &Node, dataset: &DatasetId) -> Result<CatalogueRecord> {
    let record = node.docket().with(node, |book| Ok(book.catalogue.0.record(dataset).cloned()))?;
    record.ok_or_else(|| Fault::new(Code::NotFound, format!("`{dataset}` has no record in the catalogue")).party(node.name()))
}

/// A document of this node's own making, signed and filed.
fn file<T: Document>(node: &Arc<Node>, document: T) -> Result<Value> {
    draft::start(node, named(T::KIND)?, &to_value(&Signed::unsigned(document))?)
}

/// The next version of a record, as it would follow the present one.
fn next(before: &CatalogueRecord, changed: CatalogueRecord) -> Result<CatalogueRecord> {
    Ok(CatalogueRecord { number: before.number.saturating_add(1), previous: Some(document_hash(before)?), at: now(), ..changed })
}
