//! Common quantile bins from counts that are summed over parties (联合分位数分箱).
//!
//! Doubles are ordered as 64-bit keys. A cell is an aligned range of keys; it begins as all of them. In each round cells with more than
//! `max(rows / (4 bins), min_rows)` values are counted in 16 parts, so after 16 rounds at most a cell is one value. Bins are neighbouring cells with
//! about equal counts; a value that many rows share has a bin of its own.
//!
//! **What is learnt:** the coordinator: counts of the cells; all: where bins end, which are borders of cells and no row's values, save of values
//! that more rows share than a cell may have.

use serde::{Deserialize, Serialize};

use crate::Result;
use crate::trees::Cuts;

/// Parts of a cell, as a power of two.
const FAN: u32 = 4;
/// Parts of a cell.
pub(super) const PARTS: usize = 1 << FAN;
/// Most rounds.
pub(super) const ROUNDS: u32 = u64::BITS / FAN;

/// A range of keys that is to be counted in parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Asked {
    /// First key.
    pub(super) start: u64,
    /// It has 2^bits keys.
    pub(super) bits: u8,
}

impl Asked {
    /// First keys of the parts, and the last key of the cell.
    pub(super) fn parts(self) -> ([u64; PARTS], u64) {
        let width = u32::from(self.bits).saturating_sub(FAN);
        let starts = std::array::from_fn(|part| self.start.wrapping_add((part as u64) << width));
        (starts, self.end())
    }

    const fn end(self) -> u64 {
        if self.bits >= 64 { u64::MAX } else { self.start.wrapping_add((1 << self.bits) - 1) }
    }

    /// Whether it is a cell at all, with parts.
    pub(super) const fn is_cell(self) -> bool {
        let aligned = self.bits == 64 && self.start == 0 || self.bits < 64 && self.start & ((1 << self.bits) - 1) == 0;
        self.bits >= FAN as u8 && self.bits <= 64 && (self.bits as u32).is_multiple_of(FAN) && aligned
    }
}

/// A double as a key of the same order. Both zeros are one.
pub(super) const fn key(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}

/// The greatest value of keys up to this one.
fn value(key: u64) -> f64 {
    let value = f64::from_bits(if key >> 63 == 1 { key & !(1 << 63) } else { !key });
    // all zeros are on the other side
    if value == 0.0 && value.is_sign_negative() { -f64::from_bits(1) } else { value }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Cell {
    at: Asked,
    count: u64,
}

/// The cells of one column. Pure state: counts go in, the next question comes out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Cells {
    cells: Vec<Cell>,
}

impl Cells {
    /// Of a column with so many values.
    pub(super) fn new(values: u64) -> Self {
        Self { cells: vec![Cell { at: Asked { start: 0, bits: 64 }, count: values }] }
    }

    /// Most values of a cell that is not asked about.
    fn most(&self, bins: usize, least: u64) -> u64 {
        let values: u64 = self.cells.iter().map(|cell| cell.count).sum();
        (values / (4 * bins as u64)).max(least)
    }

    /// Cells that are too large, ascending.
    pub(super) fn asked(&self, bins: usize, least: u64) -> Vec<Asked> {
        let most = self.most(bins, least);
        self.cells.iter().filter(|cell| cell.count > most && cell.at.bits > 0).map(|cell| cell.at).collect()
    }

    /// Takes the counts of the parts of what was asked. A cell whose parts do not add up to it stays as it is.
    pub(super) fn take(&mut self, asked: &[Asked], counts: &[u64]) {
        let answers: Vec<(Asked, &[u64])> = asked.iter().copied().zip(counts.chunks_exact(PARTS)).collect();
        let mut next = Vec::with_capacity(self.cells.len());
        for cell in &self.cells {
            let parts = answers.binary_search_by_key(&cell.at.start, |(at, _)| at.start).ok().and_then(|at| answers.get(at));
            match parts {
                Some((at, parts)) if *at == cell.at && parts.iter().sum::<u64>() == cell.count => {
                    let bits = cell.at.bits.saturating_sub(FAN as u8);
                    let (starts, _) = at.parts();
                    let some = starts.into_iter().zip(parts.iter()).filter(|(_, count)| **count > 0);
                    next.extend(some.map(|(start, count)| Cell { at: Asked { start, bits }, count: *count }));
                }
                _ => next.push(*cell),
            }
        }
        self.cells = next;
    }

    /// At most `bins` bins.
    ///
    /// # Errors
    /// As [`Cuts::new`].
    pub(super) fn cuts(&self, bins: usize) -> Result<Cuts> {
        let (mut room, mut places) = (bins, bins);
        let mut left: u64 = self.cells.iter().map(|cell| cell.count).sum();
        // cells that fill a bin: what they hold is not shared out among the others
        let mut heavy = vec![false; self.cells.len()];
        while let Some(at) =
            (0..heavy.len()).find(|at| !heavy[*at] && room > 1 && self.cells[*at].count.saturating_mul(room as u64) >= left)
        {
            heavy[at] = true;
            left -= self.cells[at].count;
            room -= 1;
        }
        let (mut ends, mut in_bin) = (Vec::new(), 0);
        for (at, cell) in self.cells.iter().enumerate() {
            let Some(next) = heavy.get(at + 1) else { break };
            in_bin += if heavy[at] { 0 } else { cell.count };
            let is_full = in_bin.saturating_mul(room as u64) >= left && in_bin > 0;
            if (heavy[at] || *next || is_full) && places > 1 {
                ends.push(value(cell.at.end()));
                places -= 1;
                if !heavy[at] {
                    left -= in_bin.min(left);
                    room = room.saturating_sub(usize::from(room > 1));
                }
                in_bin = 0;
            }
        }
        Cuts::new(ends, false)
    }
}

/// Counts of a column's sorted keys in the parts of cells.
pub(super) fn count(sorted: &[u64], asked: &[Asked]) -> Vec<i64> {
    let below = |key: u64| sorted.partition_point(|own| *own < key);
    let mut counts = Vec::with_capacity(asked.len() * PARTS);
    for cell in asked {
        let (starts, end) = cell.parts();
        let borders: Vec<usize> = starts.iter().map(|start| below(*start)).chain([sorted.partition_point(|own| *own <= end)]).collect();
        counts.extend(borders.windows(2).map(|pair| pair.last().zip(pair.first()).map_or(0, |(b, a)| b.saturating_sub(*a) as i64)));
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cuts(column: &[f64], bins: usize, least: u64) -> Cuts {
        let mut sorted: Vec<u64> = column.iter().map(|value| key(*value)).collect();
        sorted.sort_unstable();
        let mut cells = Cells::new(sorted.len() as u64);
        for round in 0.. {
            let asked = cells.asked(bins, least);
            assert!(asked.iter().all(|cell| cell.is_cell()));
            if asked.is_empty() {
                break;
            }
            assert!(round < ROUNDS);
            let counts: Vec<u64> = count(&sorted, &asked).into_iter().map(|count| count as u64).collect();
            cells.take(&asked, &counts);
        }
        cells.cuts(bins).unwrap()
    }

    #[test]
    fn keys_are_ordered_like_numbers() {
        let values = [f64::MIN, -1.5, -f64::MIN_POSITIVE, -f64::from_bits(1), 0.0, f64::from_bits(1), 1.0, 1.0 + f64::EPSILON, f64::MAX];
        assert!(values.windows(2).all(|pair| key(pair[0]) < key(pair[1])) && key(0.0) == key(-0.0));
        assert!(values.iter().all(|number| value(key(*number)) == *number));
        assert_eq!(value(key(0.0) - 1), -f64::from_bits(1));
    }

    #[test]
    fn bins_are_even_and_heavy_values_have_their_own() {
        let column: Vec<f64> = (0..4000).map(|at| f64::from(at) * 0.37 - 500.0).collect();
        let even = cuts(&column, 8, 10);
        let count = |cuts: &Cuts, bin: u8| column.iter().filter(|value| cuts.bin(**value) == bin).count();
        assert_eq!(even.bins(), 8);
        assert!((0..8).all(|bin| (300..800).contains(&count(&even, bin))), "{:?}", (0..8).map(|bin| count(&even, bin)).collect::<Vec<_>>());
        for at_end in [false, true] {
            let heavy: Vec<f64> = (0..4000).map(|at| if at < 3000 { if at_end { 1e6 } else { 0.0 } } else { f64::from(at) }).collect();
            let cuts = cuts(&heavy, 8, 10);
            let own = cuts.bin(heavy[0]);
            assert_eq!(heavy.iter().filter(|value| cuts.bin(**value) == own).count(), 3000);
            assert!(cuts.bins() >= 6, "{}", cuts.bins());
        }
        // a column of two values, one of one value
        let two = cuts(&(0..100).map(|at| f64::from(at % 2)).collect::<Vec<_>>(), 16, 10);
        assert_eq!((two.bins(), two.bin(0.0), two.bin(-0.0), two.bin(1.0)), (2, 0, 0, 1));
        assert_eq!(cuts(&[7.0; 50], 16, 10).bins(), 1);
        // the border between negative numbers and zeros
        let zeros = cuts(&(0..200).map(|at| if at < 100 { 0.0 } else { -1.0 - f64::from(at) }).collect::<Vec<_>>(), 4, 5);
        assert!(zeros.bin(-0.0) == zeros.bin(0.0) && zeros.bin(-150.0) < zeros.bin(0.0));
    }

    #[test]
    fn no_smaller_cell_is_asked_about_than_agreed() {
        let sorted: Vec<u64> = (0..1000).map(|at| key(f64::from(at).sqrt())).collect();
        let mut cells = Cells::new(1000);
        loop {
            let asked = cells.asked(200, 30);
            let count_of = |cell: &Asked| sorted.iter().filter(|key| (cell.start..=cell.end()).contains(key)).count();
            assert!(asked.iter().all(|cell| count_of(cell) > 30));
            if asked.is_empty() {
                break;
            }
            cells.take(&asked, &count(&sorted, &asked).into_iter().map(|count| count as u64).collect::<Vec<_>>());
        }
    }

    proptest! {
        #[test]
        fn at_most_so_many_bins_whatever_the_values(column in proptest::collection::vec(prop_oneof![Just(0.0), Just(-0.0), -1e9f64..1e9, -1.0f64..1.0], 1..300), bins in 2usize..40) {
            let cuts = cuts(&column, bins, 3);
            prop_assert!(cuts.bins() <= bins);
            prop_assert!(column.iter().all(|value| usize::from(cuts.bin(*value)) < cuts.bins()));
        }
    }
}
