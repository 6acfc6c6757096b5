//! Tables: Arrow record batches with column labels and the place of every row in its file.
//!
//! Arrow's buffers are shared and reference counted, so they **cannot be zeroized**: the cells of a table stay in
//! freed memory until the allocator reuses it. Hold a table as short as possible; what leaves it as a key is wiped
//! (see [`crate::key::NormalisedKeys`]).

mod near;
mod origin;

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use arrow::array::{ArrayRef, BooleanArray};
use arrow::compute::{filter_record_batch, interleave_record_batch};
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;

use crate::error::{Error, Place, Result};

pub(crate) use near::find_column;
pub(crate) use origin::{Origin, Part};

/// Rows per batch: large enough to amortise, small enough that an Arrow string column stays below its 2 GiB limit.
pub const BATCH_ROWS: usize = 65_536;

const SOURCE: &str = "yu.source";
const SIMULATED: &str = "yu.simulated";
const OWNER: &str = "yu.owner";
const GRADE: &str = "yu.grade";
const CLASS: &str = "yu.class";

/// What is known about a column besides its name and type. Stays with the column through every operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Label {
    /// Who owns the data, for example a node's name.
    pub owner: Option<String>,
    /// Its security grade (数据分级).
    pub grade: Option<String>,
    /// Its class (数据分类).
    pub class: Option<String>,
}

/// Rows and columns of one data set. `Debug` prints the shape only.
///
/// ```compile_fail
/// fn leak(table: &yu_desensitize::Table) -> String { table.to_string() } // no Display
/// ```
#[derive(Clone)]
pub struct Table {
    schema: SchemaRef,
    parts: Vec<Part>,
    rows: u64,
}

impl Table {
    /// A table from columns of equal length. `source` is the name that errors use.
    ///
    /// # Errors
    /// `HeaderTwice` for a repeated name, `Shape` if lengths differ.
    pub fn from_columns(source: &str, columns: Vec<(&str, ArrayRef)>) -> Result<Self> {
        let rows = columns.first().map_or(0, |(_, array)| array.len());
        for (_, array) in &columns {
            if array.len() != rows {
                return Err(Error::Shape { what: "length of a column", expected: rows as u64, found: array.len() as u64 });
            }
        }
        let fields: Vec<Field> =
            columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), array.is_nullable())).collect();
        let schema = Arc::new(Schema::new(fields));
        let arrays = columns.into_iter().map(|(_, array)| array).collect();
        let batch = RecordBatch::try_new(schema.clone(), arrays).map_err(|source| Error::Arrow { what: "building a table", source })?;
        Self::from_batches(source, schema, vec![batch])
    }

    /// A table from record batches of one schema. Labels in the schema's field metadata are kept.
    ///
    /// # Errors
    /// `HeaderTwice` for a repeated name, `Arrow` if a batch has other columns than the schema.
    pub fn from_batches(source: &str, schema: SchemaRef, batches: Vec<RecordBatch>) -> Result<Self> {
        let schema = with_metadata(&schema, SOURCE, source);
        let mut row = 1;
        let mut parts = Vec::with_capacity(batches.len());
        for batch in batches {
            let first = Place { row, line: None };
            row += batch.num_rows() as u64;
            parts.push(Part { batch, origin: Origin::Run(first) });
        }
        Self::from_parts(schema, parts)
    }

    pub(crate) fn from_parts(schema: SchemaRef, parts: Vec<Part>) -> Result<Self> {
        let mut seen: HashMap<&str, u64> = HashMap::new();
        for (position, field) in (1..).zip(schema.fields()) {
            if let Some(first) = seen.insert(field.name(), position) {
                let file = schema.metadata().get(SOURCE).cloned().unwrap_or_default();
                return Err(Error::HeaderTwice { file, column: field.name().clone(), positions: (first, position) });
            }
        }
        let parts = parts
            .into_iter()
            .filter(|part| part.batch.num_rows() > 0)
            .map(|Part { batch, origin }| {
                // the batch takes over the labels of the table's schema
                let batch = RecordBatch::try_new(schema.clone(), batch.columns().to_vec())
                    .map_err(|source| Error::Arrow { what: "joining batches", source })?;
                Ok(Part { batch, origin })
            })
            .collect::<Result<Vec<_>>>()?;
        let rows = parts.iter().map(|part| part.batch.num_rows() as u64).sum();
        Ok(Self { schema, parts, rows })
    }

    /// Appends the rows of `other`, which must have the same columns.
    ///
    /// # Errors
    /// `Arrow` if the columns differ.
    pub fn append(&mut self, other: Self) -> Result<()> {
        let other = Self::from_parts(self.schema.clone(), other.parts)?;
        self.rows += other.rows;
        self.parts.extend(other.parts);
        Ok(())
    }

    /// Number of rows.
    #[must_use]
    pub fn num_rows(&self) -> u64 {
        self.rows
    }

    /// Number of columns.
    #[must_use]
    pub fn num_columns(&self) -> usize {
        self.schema.fields().len()
    }

    /// Names of the columns, in order.
    #[must_use]
    pub fn column_names(&self) -> Vec<&str> {
        self.schema.fields().iter().map(|field| field.name().as_str()).collect()
    }

    /// The Arrow schema, with labels in the metadata of its fields.
    #[must_use]
    pub fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The record batches, in row order.
    pub fn batches(&self) -> impl Iterator<Item = &RecordBatch> {
        self.parts.iter().map(|part| &part.batch)
    }

    /// Name of the file or generator the rows come from; errors use it.
    #[must_use]
    pub fn source(&self) -> &str {
        self.schema.metadata().get(SOURCE).map_or("", String::as_str)
    }

    /// Whether the rows are simulated residents and no real data.
    #[must_use]
    pub fn is_simulated(&self) -> bool {
        self.schema.metadata().contains_key(SIMULATED)
    }

    pub(crate) fn simulated(self, by: &str) -> Result<Self> {
        let schema = with_metadata(&self.schema, SIMULATED, by);
        Self::from_parts(schema, self.parts)
    }

    /// The place of row `index` (from 0) of this table in the file it came from.
    #[must_use]
    pub fn place(&self, index: u64) -> Option<Place> {
        let (part, index) = self.locate(index)?;
        Some(self.parts[part].origin.place(index))
    }

    /// The label of a column.
    ///
    /// # Errors
    /// `MissingColumn`.
    pub fn label(&self, column: &str) -> Result<Label> {
        Ok(self.label_at(self.position(column)?))
    }

    /// The label of the column at a position; an empty one if there is no such column.
    pub(crate) fn label_at(&self, position: usize) -> Label {
        let get = |key: &str| self.schema.fields().get(position).and_then(|field| field.metadata().get(key).cloned());
        Label { owner: get(OWNER), grade: get(GRADE), class: get(CLASS) }
    }

    /// The same table with a label on one column; what the label leaves open is removed.
    ///
    /// # Errors
    /// `MissingColumn`.
    pub fn with_label(self, column: &str, label: &Label) -> Result<Self> {
        let position = self.position(column)?;
        self.with_labels_at(&[(position, label.clone())])
    }

    /// The same table with labels on the columns at these positions; many at once cost as much as one.
    pub(crate) fn with_labels_at(self, labels: &[(usize, Label)]) -> Result<Self> {
        let mut fields: Vec<Arc<Field>> = self.schema.fields().iter().cloned().collect();
        for (position, label) in labels {
            if let Some(field) = fields.get_mut(*position) {
                let mut metadata = field.metadata().clone();
                for (key, value) in [(OWNER, &label.owner), (GRADE, &label.grade), (CLASS, &label.class)] {
                    match value {
                        Some(value) => metadata.insert(key.to_owned(), value.clone()),
                        None => metadata.remove(key),
                    };
                }
                *field = Arc::new(field.as_ref().clone().with_metadata(metadata));
            }
        }
        let schema = Schema::new_with_metadata(fields, self.schema.metadata().clone());
        Self::from_parts(Arc::new(schema), self.parts)
    }

    /// The named columns, in the order of `names`.
    ///
    /// # Errors
    /// `MissingColumn`; `HeaderTwice` if a name is given twice.
    pub fn select<S: AsRef<str>>(&self, names: &[S]) -> Result<Self> {
        let positions = names.iter().map(|name| self.position(name.as_ref())).collect::<Result<Vec<_>>>()?;
        let arrow = |source| Error::Arrow { what: "selecting columns", source };
        let schema = Arc::new(self.schema.project(&positions).map_err(arrow)?);
        let parts = self
            .parts
            .iter()
            .map(|part| {
                let batch = part.batch.project(&positions).map_err(arrow)?;
                Ok(Part { batch, origin: part.origin.clone() })
            })
            .collect::<Result<Vec<_>>>()?;
        Self::from_parts(schema, parts)
    }

    /// The rows for which `keep` is true; one entry per row.
    ///
    /// # Errors
    /// `Shape` if the number of entries differs from the number of rows.
    pub fn filter(&self, keep: &[bool]) -> Result<Self> {
        if keep.len() as u64 != self.rows {
            return Err(Error::Shape { what: "length of a filter", expected: self.rows, found: keep.len() as u64 });
        }
        let mut rest = keep;
        let mut parts = Vec::with_capacity(self.parts.len());
        for part in &self.parts {
            let (here, after) = rest.split_at(part.batch.num_rows());
            rest = after;
            let batch = filter_record_batch(&part.batch, &BooleanArray::from(here.to_vec()))
                .map_err(|source| Error::Arrow { what: "filtering rows", source })?;
            let places = (0..here.len()).filter(|index| here[*index]).map(|index| part.origin.place(index));
            parts.push(Part { batch, origin: Origin::Each(places.collect()) });
        }
        Self::from_parts(self.schema.clone(), parts)
    }

    /// The rows at `indices` (from 0), in that order; a row may be taken more than once.
    ///
    /// # Errors
    /// `Shape` if an index is beyond the table.
    pub fn take<I: Copy + TryInto<u64>>(&self, indices: &[I]) -> Result<Self> {
        let batches: Vec<&RecordBatch> = self.parts.iter().map(|part| &part.batch).collect();
        let mut parts = Vec::with_capacity(indices.len().div_ceil(BATCH_ROWS));
        for chunk in indices.chunks(BATCH_ROWS) {
            let located = chunk
                .iter()
                .map(|index| {
                    let index = (*index).try_into().unwrap_or(u64::MAX);
                    let beyond = Error::Shape { what: "index of a row, below the number of rows", expected: self.rows, found: index };
                    self.locate(index).ok_or(beyond)
                })
                .collect::<Result<Vec<_>>>()?;
            let batch = interleave_record_batch(&batches, &located).map_err(|source| Error::Arrow { what: "taking rows", source })?;
            let places = located.iter().map(|(part, index)| self.parts[*part].origin.place(*index));
            parts.push(Part { batch, origin: Origin::Each(places.collect()) });
        }
        Self::from_parts(self.schema.clone(), parts)
    }

    /// Position of a column, or `MissingColumn` with the names that look alike.
    pub(crate) fn position(&self, column: &str) -> Result<usize> {
        let names = self.column_names();
        find_column(&names, column, self.source())
    }

    pub(crate) fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// Batch and row in the batch of a row of the table.
    fn locate(&self, index: u64) -> Option<(usize, usize)> {
        let mut rest = usize::try_from(index).ok()?;
        for (number, part) in self.parts.iter().enumerate() {
            if rest < part.batch.num_rows() {
                return Some((number, rest));
            }
            rest -= part.batch.num_rows();
        }
        None
    }
}

impl fmt::Debug for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Table").field("rows", &self.rows).field("columns", &self.num_columns()).finish_non_exhaustive()
    }
}

fn with_metadata(schema: &Schema, key: &str, value: &str) -> SchemaRef {
    let mut metadata = schema.metadata().clone();
    metadata.insert(key.to_owned(), value.to_owned());
    Arc::new(Schema::new_with_metadata(schema.fields().clone(), metadata))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{Int64Array, StringArray};

    fn table() -> Table {
        let ids: ArrayRef = Arc::new(StringArray::from(vec!["a", "b", "c", "d"]));
        let ages: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3, 4]));
        Table::from_columns("people.csv", vec![("id", ids), ("age", ages)]).unwrap()
    }

    #[test]
    fn labels_and_places_survive() {
        let label = Label { owner: Some("health".into()), grade: Some("3".into()), class: None };
        let mut table = table().with_label("age", &label).unwrap();
        table.append(table.clone()).unwrap();
        assert_eq!(table.num_rows(), 8);
        let kept = table.select(&["age"]).unwrap().filter(&[false, true, false, true, true, false, false, false]).unwrap();
        let kept = kept.take(&[2u64, 0, 0]).unwrap();
        assert_eq!(kept.label("age").unwrap(), label);
        assert_eq!(kept.source(), "people.csv");
        let rows: Vec<u64> = (0..3).map(|index| kept.place(index).unwrap().row).collect();
        assert_eq!(rows, [1, 2, 2]);
        assert_eq!(crate::column::numeric(&kept, "age").unwrap(), [1.0, 2.0, 2.0]);
        assert_eq!(format!("{kept:?}"), "Table { rows: 3, columns: 1, .. }");
    }

    #[test]
    fn wrong_shapes_are_named() {
        assert!(matches!(table().filter(&[true]), Err(Error::Shape { expected: 4, found: 1, .. })));
        assert!(matches!(table().take(&[4usize]), Err(Error::Shape { expected: 4, found: 4, .. })));
        assert!(matches!(table().select(&["age", "age"]), Err(Error::HeaderTwice { .. })));
        assert_eq!(table().take::<u64>(&[]).unwrap().num_rows(), 0);
    }
}
