//! What a file would do besides holding values: formulas that a spreadsheet program computes, programs inside a workbook.

use std::io::Cursor;

use bytes::Bytes;

use super::{Format, Input, find_format, xlsx};
use crate::column;
use crate::error::Result;
use crate::table::Table;

/// Part of the name under which a workbook holds its program; names in an archive are not compressed.
const PROGRAM: &[u8] = b"vbaProject";

/// Counts, no values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Active {
    /// Cells that are formulas, or whose text begins as one.
    pub formulas: u64,
    /// A program is in the file.
    pub has_program: bool,
}

/// Looks through a file and the table that was read from it.
///
/// # Errors
/// As [`super::read_table_from`].
pub fn active(name: &str, content: &Bytes, table: &Table) -> Result<Active> {
    let mut found = Active::default();
    let mut input = Input::Memory(Cursor::new(content.clone()));
    if find_format(name, &mut input, Format::Auto)? == Format::Xlsx {
        found.has_program = content.windows(PROGRAM.len()).any(|part| part == PROGRAM);
        found.formulas = xlsx::formulas(name, input)?;
    }
    for column in table.column_names() {
        // columns of numbers hold no text
        let Ok(cells) = column::text(table, column) else { continue };
        found.formulas += cells.iter().filter(|cell| begins_as_formula(cell)).count() as u64;
    }
    Ok(found)
}

/// Whether a spreadsheet program would compute the text: `=`, `@`, a tab or a return first; a sign first, unless a number follows.
fn begins_as_formula(cell: &str) -> bool {
    match cell.as_bytes().first() {
        Some(b'=' | b'@' | b'\t' | b'\r') => true,
        Some(b'+' | b'-') => {
            let rest = cell.get(1..).unwrap_or_default();
            rest.contains(['(', '!', '|']) && rest.parse::<f64>().is_err()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::{ReadOptions, read_table_from};

    #[test]
    fn formulas_in_text_are_counted_and_numbers_are_none() {
        let content = Bytes::from_static(b"id,a,b\n1,-3.5,=SUM(A1)\n2,+4,@cmd\n3,-x,plain\n4,-1+cmd|calc!A1,\"-\"\n");
        let table = read_table_from("t.csv", content.clone(), &ReadOptions::default()).unwrap();
        assert_eq!(active("t.csv", &content, &table).unwrap(), Active { formulas: 3, has_program: false });
    }
}
