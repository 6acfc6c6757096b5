//! Generalisation hierarchies (泛化层级): what a value may become, level by level, up to one value that says nothing.
//!
//! Level 0 is the value itself, the last level is a single value (`*`). Leaves are kept in tree order, so that every
//! value of every level covers a contiguous run of leaves: the least common ancestor of any set of leaves is then that
//! of its smallest and its largest.

mod build;
mod check;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::Path;

use crate::error::{Error, Result, Text};

pub use build::Interval;

/// The top of a hierarchy: says nothing.
pub const STAR: &str = "*";

/// One level: its values, which leaf goes where, how many leaves a value covers.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Level {
    pub(crate) labels: Vec<String>,
    /// The value of each leaf; never decreases.
    pub(crate) of_leaf: Vec<u32>,
    /// Leaves under each value.
    pub(crate) covers: Vec<u32>,
}

/// The hierarchy of one column. `Debug` prints its shape only.
#[derive(Clone, PartialEq, Eq)]
pub struct Hierarchy {
    levels: Vec<Level>,
    codes: HashMap<String, u32>,
    /// Leaves in the order in which they were given: the order of the ordered distance.
    given: Vec<u32>,
}

impl Hierarchy {
    /// A hierarchy from rows of equal length: leaf, its value on level 1, and so on up to the top. `name` is used in errors.
    ///
    /// # Errors
    /// `anonymise.hierarchy`: no rows, rows of unequal length, a missing value, a leaf twice, a value with two different
    /// parents, more than one value on top, a name on two levels that stands for other leaves on the upper one.
    pub fn from_rows<S: AsRef<str>>(name: &str, rows: &[Vec<S>]) -> Result<Self> {
        let lines: Vec<u64> = (1..).take(rows.len()).collect();
        Self::from_lines(name, rows, &lines)
    }

    fn from_lines<S: AsRef<str>>(name: &str, rows: &[Vec<S>], lines: &[u64]) -> Result<Self> {
        let height = check::shape(name, rows, lines)?;
        let mut ids: Vec<Vec<u32>> = Vec::with_capacity(height); // per level: value of each row, by first appearance
        let mut labels: Vec<Vec<String>> = Vec::with_capacity(height);
        for level in 0..height {
            let (level_ids, level_labels) = number(rows.iter().map(|row| row.get(level).map_or("", |cell| cell.as_ref().trim())));
            ids.push(level_ids);
            labels.push(level_labels);
        }
        check::tree(name, &ids, lines)?;
        check::names(name, &ids, &labels, lines)?;
        let mut order: Vec<u32> = (0u32..).take(rows.len()).collect();
        // by the top first, then down: every value's leaves become neighbours
        order.sort_by(|a, b| {
            let key = |row: u32| ids.iter().rev().map(move |level| level.get(row as usize).copied());
            key(*a).cmp(key(*b))
        });
        let mut given = vec![0; order.len()];
        for (leaf, row) in (0u32..).zip(&order) {
            given[*row as usize] = leaf;
        }
        let levels: Vec<Level> = ids.iter().zip(&labels).map(|(ids, labels)| Level::new(&order, ids, labels)).collect();
        let codes = levels.first().map(|level| level.labels.iter().cloned().zip(0..).collect()).unwrap_or_default();
        Ok(Self { levels, codes, given })
    }

    /// Reads a hierarchy in the format of ARX: one line per leaf, levels separated by `;`, no header.
    ///
    /// # Errors
    /// `Io`, or as [`Hierarchy::from_rows`], with the line.
    pub fn read(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let bytes = std::fs::read(path).map_err(|source| Error::io(&path.display().to_string(), source))?;
        let name = path.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        Self::parse(&name, &bytes)
    }

    /// As [`Hierarchy::read`], from bytes in UTF-8.
    ///
    /// # Errors
    /// `Undecodable`, or as [`Hierarchy::from_rows`].
    pub fn parse(name: &str, bytes: &[u8]) -> Result<Self> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = std::str::from_utf8(bytes)
            .map_err(|error| Error::Undecodable { file: name.to_owned(), tried: vec![("UTF-8", error.valid_up_to() as u64)] })?;
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).delimiter(b';').from_reader(text.as_bytes());
        let mut rows = Vec::new();
        let mut lines = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|_| Error::Malformed {
                file: name.to_owned(),
                format: "hierarchy",
                detail: format!("row {} cannot be read", rows.len() + 1),
            })?;
            lines.push(record.position().map_or(0, csv::Position::line));
            rows.push(record.iter().map(str::to_owned).collect::<Vec<_>>());
        }
        Self::from_lines(name, &rows, &lines)
    }

    /// Number of levels, the values themselves and the top included.
    #[must_use]
    pub fn height(&self) -> usize {
        self.levels.len()
    }

    /// Number of leaves.
    #[must_use]
    pub fn leaves(&self) -> usize {
        self.codes.len()
    }

    /// Whether a value is a leaf.
    #[must_use]
    pub fn contains(&self, value: &str) -> bool {
        self.codes.contains_key(value)
    }

    /// What a leaf is called on a level; `None` for an unknown leaf or level.
    #[must_use]
    pub fn generalise(&self, value: &str, level: usize) -> Option<&str> {
        let leaf = *self.codes.get(value)?;
        let level = self.levels.get(level)?;
        let code = *level.of_leaf.get(leaf as usize)?;
        level.labels.get(code as usize).map(String::as_str)
    }

    pub(crate) fn code(&self, value: &str) -> Option<u32> {
        self.codes.get(value).copied()
    }

    pub(crate) fn levels(&self) -> &[Level] {
        &self.levels
    }

    pub(crate) fn given(&self) -> &[u32] {
        &self.given
    }

    /// The lowest level on which two leaves meet.
    pub(crate) fn meet(&self, low: u32, high: u32) -> usize {
        let meets = |level: &Level| level.of_leaf.get(low as usize) == level.of_leaf.get(high as usize);
        self.levels.iter().position(meets).unwrap_or(self.levels.len().saturating_sub(1))
    }

    /// The hierarchy as rows in the order in which the leaves were given, as [`Hierarchy::from_rows`] takes them.
    #[must_use]
    pub fn rows(&self) -> Vec<Vec<String>> {
        let row = |leaf: &u32| self.levels.iter().map(|level| level.labels[level.of_leaf[*leaf as usize] as usize].clone()).collect();
        self.given.iter().map(row).collect()
    }
}

impl fmt::Debug for Hierarchy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hierarchy").field("leaves", &self.leaves()).field("height", &self.height()).finish_non_exhaustive()
    }
}

impl Level {
    fn new(order: &[u32], ids: &[u32], labels: &[String]) -> Self {
        let mut level = Self { labels: Vec::new(), of_leaf: Vec::with_capacity(order.len()), covers: Vec::new() };
        let mut last = None;
        for row in order {
            let id = ids[*row as usize];
            if last != Some(id) {
                level.labels.push(labels[id as usize].clone());
                level.covers.push(0);
                last = Some(id);
            }
            let code = level.labels.len() - 1;
            level.covers[code] += 1;
            level.of_leaf.push(u32::try_from(code).unwrap_or(u32::MAX));
        }
        level
    }
}

/// Values numbered by first appearance.
fn number<'a>(cells: impl Iterator<Item = &'a str>) -> (Vec<u32>, Vec<String>) {
    let mut seen: HashMap<&str, u32> = HashMap::new();
    let mut labels = Vec::new();
    let ids = cells
        .map(|cell| {
            *seen.entry(cell).or_insert_with(|| {
                labels.push(cell.to_owned());
                u32::try_from(labels.len() - 1).unwrap_or(u32::MAX)
            })
        })
        .collect();
    (ids, labels)
}

/// Hierarchies by column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hierarchies(BTreeMap<String, Hierarchy>);

impl Hierarchies {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same with one more; replaces an earlier one of the column.
    #[must_use]
    pub fn with(mut self, column: &str, hierarchy: Hierarchy) -> Self {
        self.0.insert(column.to_owned(), hierarchy);
        self
    }

    /// The hierarchy of a column, if there is one.
    #[must_use]
    pub fn get(&self, column: &str) -> Option<&Hierarchy> {
        self.0.get(column)
    }

    /// Columns that have one.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The hierarchy of a column, or a refusal.
    pub(crate) fn of(&self, column: &str) -> Result<&Hierarchy> {
        self.get(column).ok_or_else(|| {
            Error::refused(
                "anonymise.no_hierarchy",
                Text::new("a quasi-identifier has no hierarchy", "准标识符没有泛化层级"),
                Text::new(format!("column `{column}`"), format!("列“{column}”")),
                Text::new("give the column a hierarchy file or a builder", "请为该列提供泛化层级文件或构造方式"),
            )
        })
    }
}
