//! Simulated data (模拟数据, K7) from a catalogue entry alone: the kinds of its columns and the categories that it publishes. No row of the data set is
//! read, on whichever node, so nothing of one can come out: what its rows have in common does not come out either.

use super::{dataset, file, next, present};
use crate::fault::{Code, Fault, Result};
use crate::node::Node;
use crate::verbs::lines;
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha20Rng;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::sync::Arc;
use yu_governance::canonical::{Hash, digest, to_canonical};
use yu_governance::catalogue::gate::{Act, Actor, check_prohibited};
use yu_governance::catalogue::record::{CatalogueRecord, Sample};
use yu_governance::catalogue::{CatalogueEntry, Kind};
use yu_governance::id::{DatasetId, Environment, document_hash};

/// Most cells of a simulated table: it goes through the socket of the command line as one answer.
const MOST_CELLS: u64 = 2_000_000;
/// Numbers are drawn from 0 up to, not including, this: an entry publishes no range.
const NUMBERS: u64 = 1_000;

/// Makes rows; with `is_filed` the provider's record says from now on where they stand.
///
/// # Errors
/// `not-found` without a record; `catalogue.prohibited`; `input.bad` for too many rows.
pub fn simulate(node: &Arc<Node>, name: &str, (rows, seed): (u64, u64), is_filed: bool) -> Result<Value> {
    let id = dataset(node, name)?;
    let record = present(node, &id)?;
    crate::docket::kind::all_of(check_prohibited(Actor::Platform, Act::Sample, &record.entry, &record.entry.columns()?))?;
    let cells = rows.saturating_mul(record.entry.items.len() as u64);
    if rows == 0 || cells > MOST_CELLS {
        return Err(Fault::new(Code::Input, format!("{cells} cells: 1 to {MOST_CELLS}")).at("--rows"));
    }
    let (recipe, report) = papers(&record, rows, seed)?;
    let report_hash = digest("yu-simulation-report-v1", &to_canonical(&report)?);
    let csv = made_up(&record.entry, rows, seed)?;
    let place = DatasetId::from_parts(Environment::Dev, id.organisation(), &format!("{}-simulated", id.name()))?;
    let filed = if is_filed {
        if record.entry.provider.as_str() != node.name() {
            return Err(Fault::new(Code::State, format!("the record is its provider's, {}", record.entry.provider)).party(node.name()));
        }
        let simulated = Some(Sample { dataset: place.clone(), recipe, report: Some(report_hash) });
        Some(file(node, next(&record, CatalogueRecord { simulated, ..record.clone() })?)?)
    } else {
        None
    };
    let say = lines([(
        format!("{rows} simulated rows for {id}, made of its entry alone; recipe {recipe}, report {report_hash}"),
        format!("已依据目录条目为 {id} 生成 {rows} 行模拟数据；方案 {recipe}，隐私报告 {report_hash}"),
    )]);
    Ok(json!({ "csv": csv, "dataset": place, "recipe": recipe, "report": report, "report_hash": report_hash, "filed": filed, "say": say }))
}

/// The hash of how the rows were made, and the privacy report.
fn papers(record: &CatalogueRecord, rows: u64, seed: u64) -> Result<(Hash, Value)> {
    let source = document_hash(record)?;
    let recipe = json!({ "record": source, "rows": rows.to_string(), "seed": seed.to_string() });
    let report = json!({
        "v": "1",
        "record": source,
        "rows": rows.to_string(),
        "rows_read": "0",
        "epsilon": "0",
        "method": { "en": "each cell is drawn by itself from the published kind of its column", "zh": "各单元格按已公布的列类型独立生成" },
        "kept": { "en": "names, order and kinds of columns, published categories", "zh": "列名、列序、列类型与已公布的类别" },
    });
    Ok((digest("yu-simulation-recipe-v1", &to_canonical(&recipe)?), report))
}

fn made_up(entry: &CatalogueEntry, rows: u64, seed: u64) -> Result<String> {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let bug = |e: std::fmt::Error| Fault::new(Code::Bug, e.to_string());
    let mut csv = entry.items.iter().map(|item| quoted(&item.name)).collect::<Vec<_>>().join(",");
    csv.push('\n');
    for row in 0..rows {
        for (place, item) in entry.items.iter().enumerate() {
            if place > 0 {
                csv.push(',');
            }
            match &item.kind {
                // nobody's number has this form
                Kind::Key => write!(csv, "SIM{row:09}").map_err(bug)?,
                Kind::Numeric => write!(csv, "{}", below(&mut rng, NUMBERS)).map_err(bug)?,
                Kind::Categorical { categories } => {
                    let chosen = usize::try_from(below(&mut rng, categories.len() as u64)).unwrap_or(0);
                    csv.push_str(&quoted(categories.get(chosen).map_or("", String::as_str)));
                }
                Kind::Text => write!(csv, "simulated {}", below(&mut rng, NUMBERS)).map_err(bug)?,
            }
        }
        csv.push('\n');
    }
    Ok(csv)
}

/// Nearly even: the error is below 2^-40 for the few hundred values that are drawn from.
fn below(rng: &mut ChaCha20Rng, end: u64) -> u64 {
    rng.next_u64().checked_rem(end).unwrap_or(0)
}

fn quoted(field: &str) -> String {
    if field.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", field.replace('"', "\"\"")) } else { field.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k7_rows_come_from_the_entry_alone_and_the_same_from_the_same_seed() {
        let mut record: CatalogueRecord = toml::from_str(<CatalogueRecord as crate::docket::kind::Document>::EXAMPLE).unwrap();
        let categories = vec!["east, upper".to_owned(), "west".to_owned()];
        record.entry.items[1].kind = Kind::Categorical { categories };
        let csv = made_up(&record.entry, 50, 7).unwrap();
        assert_eq!(csv, made_up(&record.entry, 50, 7).unwrap());
        assert_ne!(csv, made_up(&record.entry, 50, 8).unwrap());
        let rows: Vec<&str> = csv.lines().collect();
        assert_eq!((rows.len(), rows[0]), (51, "resident_id,visits"));
        assert!(rows[1].starts_with("SIM000000000,"));
        assert!(rows[1..].iter().all(|row| row.ends_with(",west") || row.ends_with(",\"east, upper\"")));
        let (recipe, report) = papers(&record, 50, 7).unwrap();
        assert_eq!(report["rows_read"], "0");
        assert_ne!(recipe, papers(&record, 50, 8).unwrap().0);
        record.entry.rows += 1;
        assert_ne!(recipe, papers(&record, 50, 7).unwrap().0, "bound to the version");
    }
}
