//! Operators that need all rows at once, and putting changed columns back into the batches.

use arrow::array::{Array, ArrayRef, UInt32Array};
use arrow::compute::{concat, take};
use arrow::datatypes::{Field, Schema};
use arrow::record_batch::RecordBatch;
use std::sync::Arc;

use super::cells::{At, Number, numbers};
use super::refuse;
use crate::error::{Error, Place, Result};
use crate::table::{Origin, Part, Table};

/// An operator on a whole table.
pub(super) trait Whole: Send {
    /// The table after the operator on one column.
    fn whole(&mut self, table: &Table, column: &str) -> Result<Table>;
}

/// A column of all batches in one piece.
pub(super) fn column(table: &Table, name: &str) -> Result<ArrayRef> {
    let position = table.position(name)?;
    let arrays: Vec<&dyn Array> = table.batches().map(|batch| batch.column(position).as_ref()).collect();
    if arrays.is_empty() {
        return Ok(arrow::array::new_empty_array(table.schema().field(position).data_type()));
    }
    concat(&arrays).map_err(|source| Error::Arrow { what: "joining a column", source })
}

/// The numbers of a column of all batches, with refusals that name the row of the file.
pub(super) fn all_numbers(table: &Table, name: &str) -> Result<Vec<Option<Number>>> {
    let position = table.position(name)?;
    let mut all = Vec::new();
    for part in table.parts() {
        let at = At { file: table.source(), column: name, part, subject: None };
        all.extend(numbers(part.batch.column(position), &at)?);
    }
    Ok(all)
}

/// The table with some columns replaced; types may change, labels stay.
pub(super) fn with_columns(table: &Table, columns: &[(usize, ArrayRef)]) -> Result<Table> {
    let mut start = 0;
    let mut parts = Vec::with_capacity(table.parts().len());
    for part in table.parts() {
        let rows = part.batch.num_rows();
        let here: Vec<(usize, ArrayRef)> = columns.iter().map(|(position, array)| (*position, array.slice(start, rows))).collect();
        parts.push(part_with(part, &here)?);
        start += rows;
    }
    let schema = parts.first().map_or_else(|| table.schema().clone(), |part| part.batch.schema());
    Table::from_parts(schema, parts)
}

/// A batch with some columns replaced.
pub(super) fn part_with(part: &Part, columns: &[(usize, ArrayRef)]) -> Result<Part> {
    let schema = part.batch.schema();
    let mut fields: Vec<Arc<Field>> = schema.fields().iter().cloned().collect();
    let mut arrays = part.batch.columns().to_vec();
    for (position, array) in columns {
        let (Some(field), Some(slot)) = (fields.get_mut(*position), arrays.get_mut(*position)) else {
            return Err(Error::Shape { what: "position of a column", expected: schema.fields().len() as u64, found: *position as u64 });
        };
        // every batch of a table must get the same schema, so nulls are allowed whether this batch has some or not
        *field = Arc::new(field.as_ref().clone().with_data_type(array.data_type().clone()).with_nullable(true));
        *slot = array.clone();
    }
    let schema = Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()));
    let batch = RecordBatch::try_new(schema, arrays).map_err(|source| Error::Arrow { what: "replacing a column", source })?;
    Ok(Part { batch, origin: part.origin.clone() })
}

/// The column whose row `i` is row `from[i]` of this one.
pub(super) fn permuted(table: &Table, name: &str, from: Vec<u32>) -> Result<Table> {
    let array = column(table, name)?;
    let moved = take(&array, &UInt32Array::from(from), None).map_err(|source| Error::Arrow { what: "moving cells", source })?;
    with_columns(table, &[(table.position(name)?, moved)])
}

/// Number of rows, where these are counted in 32 bits.
pub(super) fn rows(table: &Table) -> Result<u32> {
    u32::try_from(table.num_rows()).map_err(|_| {
        refuse::parameter(
            "transform.too_many_rows",
            ("the operator holds all rows in memory and takes at most 2^32 - 1", "该操作需将全部行读入内存，最多2^32-1行"),
            ("split the table, or use an operator that works row by row", "拆分数据表，或改用逐行操作"),
        )
    })
}

/// One batch as a table whose first row has this number.
pub(super) fn batch_table(batch: RecordBatch, first: u64) -> Result<Table> {
    let schema = batch.schema();
    Table::from_parts(schema, vec![Part { batch, origin: Origin::Run(Place { row: first, line: None }) }])
}
