//! From codes back to a table: generalised quasi-identifiers, suppressed rows as `*`, all other columns as they were.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;

use super::coded::Problem;
use super::hierarchy::STAR;
use crate::error::{Error, Result};
use crate::table::{Part, Table};

/// The table with the cells of its quasi-identifiers replaced: `label(qi, row)`, `None` for a suppressed row.
pub(super) fn write<'p>(problem: &'p Problem<'_>, label: impl Fn(usize, usize) -> Option<&'p str>) -> Result<Table> {
    let mut fields: Vec<Arc<Field>> = problem.table.schema().fields().iter().cloned().collect();
    let mut places = Vec::with_capacity(problem.qis.len());
    for qi in &problem.qis {
        let place = problem.table.position(qi.name)?;
        let field = Field::new(qi.name, DataType::Utf8, false).with_metadata(fields[place].metadata().clone());
        fields[place] = Arc::new(field);
        places.push(place);
    }
    let schema = Arc::new(Schema::new_with_metadata(fields, problem.table.schema().metadata().clone()));
    let mut first = 0;
    let mut parts = Vec::new();
    for part in problem.table.parts() {
        let rows = first..first + part.batch.num_rows();
        let mut columns = part.batch.columns().to_vec();
        for (qi, place) in places.iter().enumerate() {
            let cells: StringArray = rows.clone().map(|row| Some(label(qi, row).unwrap_or(STAR))).collect();
            columns[*place] = Arc::new(cells) as ArrayRef;
        }
        let batch = RecordBatch::try_new(schema.clone(), columns).map_err(|source| Error::Arrow { what: "building a release", source })?;
        parts.push(Part { batch, origin: part.origin.clone() });
        first = rows.end;
    }
    Table::from_parts(schema, parts)
}
