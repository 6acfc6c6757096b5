//! What an attacker guesses: mobile numbers by range, resident identity numbers by region and date, given words.

use std::collections::BTreeSet;

use time::{Date, Duration};

use crate::Table;
use crate::detect::{DIVISIONS, Known};
use crate::error::Result;
use crate::key::resident_id;
use crate::resident::REFERENCE_DAY;

/// What an attacker would try as inputs of an unkeyed function, besides the values of the original.
#[derive(Clone, Debug, Default)]
pub struct Guesses<'a> {
    /// Words: names, addresses, codes of a public list.
    pub words: &'a [String],
    /// Regions of birth (first six digits of a resident identity number); those that occur in the tables are added.
    pub regions: Vec<u32>,
    /// First and last birth date; from 1930 to the present if absent.
    pub births: Option<(Date, Date)>,
    /// First three digits of mobile numbers; all assigned ranges if empty.
    pub mobile_ranges: Vec<u32>,
}

/// A numbered set of guesses. Guess `index` is written to the start of a buffer.
pub(super) trait Source {
    /// How it is called in a verdict, in English and Chinese.
    fn name(&self) -> (&'static str, &'static str);
    fn len(&self) -> u64;
    /// Writes a guess and returns its length.
    fn write(&self, index: u64, buffer: &mut [u8; 32]) -> usize;
}

/// Assigned mobile ranges (前三位号段) as of 2025.
const RANGES: [u32; 49] = [
    138, 139, 137, 136, 135, 134, 159, 158, 157, 152, 151, 150, 188, 187, 186, 185, 184, 183, 182, 189, 181, 180, 133, 153, 130, 131, 132,
    155, 156, 177, 176, 178, 175, 173, 172, 171, 170, 174, 198, 199, 191, 193, 195, 197, 166, 167, 165, 147, 145,
];

/// Mobile numbers: the ranges in turn, within a range in an order that spreads over it.
pub(super) struct Mobiles {
    ranges: Vec<u32>,
}

impl Mobiles {
    pub(super) fn new(guesses: &Guesses<'_>) -> Self {
        let given: Vec<u32> = guesses.mobile_ranges.iter().copied().filter(|range| (100..=999).contains(range)).collect();
        Self { ranges: if given.is_empty() { RANGES.to_vec() } else { given } }
    }
}

impl Source for Mobiles {
    fn name(&self) -> (&'static str, &'static str) {
        ("mobile numbers", "手机号码")
    }

    fn len(&self) -> u64 {
        self.ranges.len() as u64 * 100_000_000
    }

    fn write(&self, index: u64, buffer: &mut [u8; 32]) -> usize {
        let ranges = self.ranges.len().max(1) as u64;
        let range = self.ranges.get((index % ranges) as usize).copied().unwrap_or(138);
        // an odd multiplier that is no multiple of 5 permutes the numbers below 10^8
        let line = (index / ranges % 100_000_000).wrapping_mul(61_803_399) % 100_000_000;
        decimal(&mut buffer[..3], u64::from(range));
        decimal(&mut buffer[3..11], line);
        11
    }
}

/// Resident identity numbers: low orders first, as they are given out first; then dates, then regions.
pub(super) struct Residents {
    regions: Vec<u32>,
    first: Date,
    days: u64,
}

/// Orders of one day and region: 001 to 999.
const ORDERS: u64 = 999;

impl Residents {
    /// Regions that were named, and those of six-digit cells in the tables.
    pub(super) fn new(guesses: &Guesses<'_>, tables: &[&Table]) -> Result<Self> {
        let mut regions: BTreeSet<u32> = guesses.regions.iter().copied().filter(|region| *region < 1_000_000).collect();
        for table in tables {
            for column in table.column_names() {
                add_regions(table, column, &mut regions);
            }
        }
        let start = Date::from_calendar_date(1930, time::Month::January, 1).unwrap_or(REFERENCE_DAY);
        let (first, last) = guesses.births.unwrap_or((start, REFERENCE_DAY));
        let days = u64::try_from((last - first).whole_days() + 1).unwrap_or(0);
        Ok(Self { regions: regions.into_iter().collect(), first, days })
    }
}

/// Six-digit cells that are divisions, and first six digits of resident identity numbers.
fn add_regions(table: &Table, column: &str, regions: &mut BTreeSet<u32>) {
    // INVARIANT of the caller: a column that cannot be read as text has no regions; other attacks report it
    let mut values = super::cells::Values::default();
    if values.code_as_is(table, column).is_err() {
        return;
    }
    for text in &values.texts {
        let code = match text.len() {
            6 => text.parse().ok(),
            18 if resident_id::normalise(text).is_ok() => text.get(..6).and_then(|code| code.parse().ok()),
            _ => None,
        };
        regions.extend(code.filter(|code| DIVISIONS.known(*code) == Known::County));
    }
}

impl Source for Residents {
    fn name(&self) -> (&'static str, &'static str) {
        ("resident identity numbers", "公民身份号码")
    }

    fn len(&self) -> u64 {
        self.regions.len() as u64 * self.days * ORDERS
    }

    fn write(&self, index: u64, buffer: &mut [u8; 32]) -> usize {
        let regions = self.regions.len().max(1) as u64;
        let region = self.regions.get((index % regions) as usize).copied().unwrap_or(0);
        let rest = index / regions;
        let day = rest % self.days.max(1);
        let order = rest / self.days.max(1) % ORDERS + 1;
        let date = self.first.checked_add(Duration::days(i64::try_from(day).unwrap_or(0))).unwrap_or(self.first);
        let mut body = [0; 17];
        decimal(&mut body[..6], u64::from(region));
        decimal(&mut body[6..10], u64::try_from(date.year()).unwrap_or(0));
        decimal(&mut body[10..12], u64::from(u8::from(date.month())));
        decimal(&mut body[12..14], u64::from(date.day()));
        decimal(&mut body[14..], order);
        buffer[..17].copy_from_slice(&body);
        buffer[17] = resident_id::check_digit(&body);
        18
    }
}

/// Writes a number in decimal digits, right-aligned with zeros.
fn decimal(out: &mut [u8], mut number: u64) {
    for digit in out.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, StringArray};
    use std::collections::HashSet;
    use std::sync::Arc;

    #[test]
    fn mobiles_are_all_different_and_well_formed() {
        let mobiles = Mobiles::new(&Guesses { mobile_ranges: vec![138, 199], ..Guesses::default() });
        assert_eq!(mobiles.len(), 200_000_000);
        let mut buffer = [0; 32];
        let mut seen = HashSet::new();
        for index in (0..1000).chain(mobiles.len() - 1000..mobiles.len()) {
            let length = mobiles.write(index, &mut buffer);
            let text = std::str::from_utf8(&buffer[..length]).unwrap().to_owned();
            assert!(text.starts_with("138") || text.starts_with("199"));
            assert!(seen.insert(text));
        }
        assert_eq!(RANGES.iter().collect::<HashSet<_>>().len(), RANGES.len());
    }

    #[test]
    fn residents_are_of_the_regions_in_the_table() {
        let cells: ArrayRef = Arc::new(StringArray::from(vec!["330203", "123456", "abcdef", "11010519491231002X"]));
        let table = Table::from_columns("t", vec![("region", cells)]).unwrap();
        let residents = Residents::new(&Guesses::default(), &[&table]).unwrap();
        assert_eq!(residents.regions, [110_105, 330_203]);
        let mut buffer = [0; 32];
        let mut seen = HashSet::new();
        for index in (0..2000).chain(residents.len() - 2000..residents.len()) {
            let length = residents.write(index, &mut buffer);
            let text = std::str::from_utf8(&buffer[..length]).unwrap().to_owned();
            assert_eq!(resident_id::normalise(&text).unwrap(), text);
            assert!(seen.insert(text));
        }
    }
}
