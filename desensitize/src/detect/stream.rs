//! The classes of the columns of a file that is larger than memory: rows are drawn while it goes by.
//!
//! A row is drawn by its number alone, mixed: the rows whose mixed number begins with `s` zero bits. When twice as many as are wanted
//! have been drawn, `s` grows by one and half of them go. The same file gives the same answer, whatever its batches are.

use super::{ColumnClass, Detector};
use crate::error::{Error, Result};
use crate::table::Table;

/// What a file holds, by its columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Classified {
    /// Names of all columns.
    pub names: Vec<String>,
    /// Rows that went by.
    pub rows: u64,
    /// The classes of the columns, those without any left out.
    pub columns: Vec<ColumnClass>,
}

/// Rows that were drawn, and their numbers.
struct Drawn {
    table: Table,
    numbers: Vec<u64>,
}

impl Detector {
    /// The classes of the columns of successive batches, for example of [`crate::read::read_batches`]. Memory is that of a batch
    /// and the sample.
    ///
    /// # Errors
    /// What the batches say; as [`Detector::classify`]; `NoRows` if there is no batch.
    pub fn classify_batches(&self, batches: impl IntoIterator<Item = Result<Table>>) -> Result<Classified> {
        let most = self.options.sample.max(1).saturating_mul(2);
        let (mut drawn, mut rows, mut zeros) = (None::<Drawn>, 0u64, 0);
        for batch in batches {
            let batch = batch?;
            let here: Vec<u64> = (0..batch.num_rows()).filter(|row| is_drawn(rows + *row, zeros)).collect();
            let first = rows;
            rows += batch.num_rows();
            let numbers = here.iter().map(|row| first + row);
            let now = match drawn.take() {
                None => Drawn { table: batch.take(&here)?, numbers: numbers.collect() },
                Some(mut before) => {
                    before.table.append(batch.take(&here)?)?;
                    before.numbers.extend(numbers);
                    before
                }
            };
            drawn = Some(now.thinned(most, &mut zeros)?);
        }
        let Drawn { table, .. } = drawn.ok_or_else(|| Error::NoRows { file: String::new() })?;
        let names = table.column_names().into_iter().map(str::to_owned).collect();
        Ok(Classified { names, rows, columns: self.classify(&table)? })
    }
}

impl Drawn {
    /// At most `most` rows.
    fn thinned(mut self, most: usize, zeros: &mut u32) -> Result<Self> {
        while self.numbers.len() > most {
            *zeros += 1;
            let keep: Vec<bool> = self.numbers.iter().map(|number| is_drawn(*number, *zeros)).collect();
            self.table = self.table.filter(&keep)?;
            self.numbers.retain(|number| is_drawn(*number, *zeros));
        }
        Ok(self)
    }
}

/// Whether the mixed number of a row begins with so many zero bits.
fn is_drawn(row: u64, zeros: u32) -> bool {
    // the finaliser of splitmix64: near numbers end far apart
    let mut mixed = row.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)).leading_zeros() >= zeros
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, StringArray};

    use super::*;
    use crate::detect::{Class, Options};

    #[test]
    fn batches_do_not_matter() {
        let cells: ArrayRef =
            Arc::new(StringArray::from_iter_values((0..60_000u64).map(|row| format!("138{:08}", row * 7919 % 100_000_000))));
        let notes: ArrayRef = Arc::new(StringArray::from_iter_values((0..60_000u64).map(|row| format!("item {row}"))));
        let whole = Table::from_columns("t", vec![("tel", cells), ("note", notes)]).unwrap();
        let detector = Detector::new(Options { sample: 500, ..Options::default() });
        let in_parts = |size: u64| {
            let rows: Vec<u64> = (0..60_000).collect();
            let parts = rows.chunks(size as usize).map(|rows| whole.take(rows)).collect::<Vec<_>>();
            detector.classify_batches(parts).unwrap()
        };
        let all = in_parts(60_000);
        assert_eq!(all, in_parts(701));
        assert_eq!((all.rows, all.names.len(), all.columns.len()), (60_000, 2, 1));
        assert_eq!((all.columns[0].class, all.columns[0].sampled), (Class::Mobile, 500));
        assert_eq!(detector.classify_batches([]).unwrap_err().code(), "data.no_rows");
    }
}
