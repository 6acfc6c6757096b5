//! Masks (掩码): the first and last characters stay, the rest becomes one character.
//!
//! A cell that is not longer than what would stay is hidden whole, because a mask that hides nothing is none. The
//! number of characters stays visible unless a fixed length is asked for. Masking twice changes nothing more.
//!
//! What remains readable may single people out (a surname and the last four digits of a number often do), and the rest
//! can be guessed where few values are possible: a mask is for reading, not a proof of anonymity.

use arrow::array::{Array, ArrayRef, StringArray};

use super::cells::{At, Cells, like, map_texts, texts, window};
use crate::error::{Error, Result};

/// Characters of which a mask shows the first and the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mask {
    /// Characters that stay at the start.
    pub first: usize,
    /// Characters that stay at the end.
    pub last: usize,
    /// What stands for a hidden character.
    pub with: char,
    /// How many of it stand for the hidden part; as many as there were, if absent.
    pub length: Option<usize>,
}

/// Cells are padded to patterns of this many rows, so that loops over a pattern fill whole vectors.
const ROWS: usize = 32;
/// Wider cells gain nothing from a pattern.
const WIDEST: usize = 256;

impl Mask {
    /// Masks ASCII cells of one width that lie side by side. `None` if a byte is not ASCII, or the mask is not.
    #[must_use]
    pub fn fixed(&self, width: usize, cells: &[u8]) -> Option<Vec<u8>> {
        let with = u8::try_from(self.with).ok().filter(u8::is_ascii)?;
        if !(1..=WIDEST).contains(&width) || self.length.is_some() || !cells.len().is_multiple_of(width) {
            return None;
        }
        let shown = self.shown(width);
        let is_shown = |place: usize| shown.is_some_and(|(first, last)| place < first || place >= width - last);
        let pattern: Vec<bool> = (0..width * ROWS).map(|place| is_shown(place % width)).collect();
        let keep: Vec<u8> = pattern.iter().map(|shown| if *shown { 0xff } else { 0 }).collect();
        let fill: Vec<u8> = pattern.iter().map(|shown| if *shown { 0 } else { with }).collect();
        let mut out = Vec::with_capacity(cells.len());
        let mut seen = 0u8;
        for rows in cells.chunks(keep.len()) {
            let start = out.len();
            out.extend_from_slice(rows);
            for ((byte, keep), fill) in out[start..].iter_mut().zip(&keep).zip(&fill) {
                seen |= *byte;
                *byte = (*byte & keep) | fill;
            }
        }
        seen.is_ascii().then_some(out)
    }

    /// Masks one cell of any characters, appending to `out`.
    pub fn cell(&self, cell: &str, out: &mut String) {
        let count = cell.chars().count();
        let Some((first, last)) = self.shown(count) else {
            out.extend(std::iter::repeat_n(self.with, self.hidden(count)));
            return;
        };
        let hidden = count - first - last;
        out.extend(cell.chars().take(first));
        out.extend(std::iter::repeat_n(self.with, self.length.unwrap_or(hidden)));
        out.extend(cell.chars().skip(first + hidden));
    }

    /// Characters of a cell that is hidden whole; hiding the result again must not change it.
    fn hidden(&self, count: usize) -> usize {
        match (self.length, self.first.saturating_add(self.last)) {
            (None, _) => count,
            // so many are hidden whole again
            (Some(length), shown) if length <= shown => length,
            // so long is every other cell
            (Some(length), shown) => shown.saturating_add(length),
        }
    }

    /// How many characters stay at both ends, if the cell is longer than they are.
    fn shown(&self, count: usize) -> Option<(usize, usize)> {
        let shown = self.first.checked_add(self.last)?;
        (shown < count).then_some((self.first, self.last))
    }

    fn fast(&self, texts: &StringArray) -> Option<Result<StringArray>> {
        let (bytes, offsets) = window(texts);
        let width = texts.len().checked_sub(1).map(|_| offsets[1] - offsets[0])?;
        let is_fixed = offsets.windows(2).fold(true, |all, pair| all & (pair[1] - pair[0] == width));
        if !is_fixed || texts.null_count() > 0 {
            return None;
        }
        let out = self.fixed(usize::try_from(width).ok()?, bytes)?;
        let array = StringArray::try_new(offsets, out.into(), None);
        Some(array.map_err(|source| Error::Arrow { what: "building text", source }))
    }
}

impl Cells for Mask {
    fn cells(&mut self, array: &ArrayRef, at: &At<'_>) -> Result<ArrayRef> {
        match self.fast(&texts(array, at)?) {
            Some(masked) => like(masked?, array, at),
            None => map_texts(array, at, |_, cell, out| {
                self.cell(cell, out);
                Ok(())
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(mask: Mask, cell: &str) -> String {
        let mut out = String::new();
        mask.cell(cell, &mut out);
        out
    }

    #[test]
    fn cells_are_masked_by_character() {
        let mask = Mask { first: 3, last: 4, with: '*', length: None };
        for (cell, expected) in [("13800138000", "138****8000"), ("1234567", "*******"), ("12345678", "123*5678"), ("", ""), ("张三", "**")]
        {
            assert_eq!(masked(mask, cell), expected);
        }
        assert_eq!(masked(Mask { first: 1, last: 0, ..mask }, "欧阳明月"), "欧***");
        assert_eq!(masked(Mask { first: 1, last: 0, length: Some(2), ..mask }, "欧阳明月"), "欧**");
        // short cells are not told apart from others, nor masked again
        assert_eq!(masked(Mask { first: 1, last: 0, length: Some(2), ..mask }, "欧"), "***");
        assert_eq!(masked(Mask { length: Some(4), ..mask }, "张三"), "****");
        assert_eq!(masked(Mask { first: usize::MAX, last: usize::MAX, ..mask }, "abc"), "***");
    }

    #[test]
    fn the_kernel_agrees_with_the_cells() {
        for width in [1usize, 2, 7, 8, 11, 18, 31, 64] {
            for rows in [0usize, 1, 31, 32, 33, 100] {
                let cells: Vec<u8> = (0..width * rows).map(|i| b'0' + (i * 7 % 10) as u8).collect();
                let mask = Mask { first: 3, last: 4, with: '*', length: None };
                let expected: String = cells.chunks(width).map(|cell| masked(mask, std::str::from_utf8(cell).unwrap())).collect();
                assert_eq!(mask.fixed(width, &cells).unwrap(), expected.as_bytes());
            }
        }
        assert_eq!(Mask { first: 1, last: 1, with: '*', length: None }.fixed(3, "é1".as_bytes()), None);
    }
}
