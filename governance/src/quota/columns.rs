//! Columns: granted and never read, read and not granted (A5).

use std::collections::BTreeMap;

use crate::finding::Finding;
use crate::id::{ColumnSet, DatasetId, PartyName};

/// Columns of each data set.
pub type Columns = BTreeMap<DatasetId, ColumnSet>;

/// Columns that were granted and that no job read, by data set; data sets that are read whole are left out.
#[must_use]
pub fn unused(granted: &Columns, reads: &[Columns]) -> BTreeMap<DatasetId, Vec<String>> {
    let was_read = |dataset: &DatasetId, column: &str| reads.iter().any(|read| read.get(dataset).is_some_and(|c| c.contains(column)));
    let idle = |dataset: &DatasetId, columns: &ColumnSet| -> Vec<String> {
        columns.iter().filter(|column| !was_read(dataset, column)).map(str::to_owned).collect()
    };
    let all = granted.iter().map(|(dataset, columns)| (dataset.clone(), idle(dataset, columns)));
    all.filter(|(_, idle)| !idle.is_empty()).collect()
}

/// Every column that a plan reads beyond the grant, each by its name; empty means within.
#[must_use]
pub fn beyond(granted: &Columns, reads: &Columns, reader: &PartyName) -> Vec<Finding> {
    let nothing = ColumnSet::default();
    let surplus = |(dataset, columns): (&DatasetId, &ColumnSet)| -> Vec<Finding> {
        let given = granted.get(dataset).unwrap_or(&nothing);
        columns.beyond(given).into_iter().map(|column| finding(dataset, column, reader)).collect()
    };
    reads.iter().flat_map(surplus).collect()
}

fn finding(dataset: &DatasetId, column: &str, reader: &PartyName) -> Finding {
    Finding::new(
        "quota.column-beyond",
        reader,
        (
            format!("the job reads column `{column}` of `{dataset}`, which is not granted"),
            format!("任务读取 `{dataset}` 的列“{column}”，该列未获授权"),
        ),
        ("leave the column out, or apply for it", "去掉该列，或就该列提出申请"),
    )
}
