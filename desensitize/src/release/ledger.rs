//! The ledger of released tables (发布台账): refuses a table that, together with earlier ones, gives a hidden number away.
//!
//! Differencing (差分攻击): ages 0-14 in one table and 0-15 in another differ by the people aged 15; a table of all residents and one
//! without civil servants differ by the civil servants; last month's and this month's by the one who moved in. A new table is
//! checked against all earlier ones of its data set:
//!
//! 1. *Subset differences*: two printed counts of which one group contains the other (by the values that their codes cover, not by
//!    the codes' names) may not differ by fewer than the minimum frequency, except by nobody. The same group of another version
//!    or population neither: the ledger cannot know who came and went, and assumes that nobody else did.
//! 2. *Union*: all printed numbers of one version and population are equations about the same people. Codes of different
//!    classifications are split until they agree. Every hidden sensitive cell of any release must stay as open as its rule asks,
//!    given all equations together; and no part that nobody tabulated may be known to hold somebody, but fewer than the
//!    minimum frequency. A release of another version whose printed counts all agree with the new ones is taken
//!    into the union: a new version number on the same data protects nobody.
//!
//! Columns are compared by the values that their codes cover. A column of a new name with the values of a known one is taken for that one,
//! unless the printed counts say otherwise; a column of a known name with other values (bins made beforehand) cannot be compared, and the
//! table is refused.
//!
//! The ledger holds what must stay open about hidden numbers, and so roughly the numbers: it is as confidential as the data.
//!
//! # Not protected
//! * Versions that differ in some cells by the minimum frequency or more are compared cell by cell, not as equations.
//! * Sums of different versions are not compared: one contributor who replaces another leaves the count as it was.
//! * Changes that hide behind other changes of the same size.
//! * The same data under another name of the data set, or under new names of columns *and* of their values: names are the caller's to bind.
//! * Populations that make up another one together (a district, everywhere but the district): each is compared with the whole, their sum
//!   is not. Publish such a condition as a dimension of one table.
//! * A few contributors of many rows: the ledger knows how many rows a group has, not how many contributors a difference of two
//!   groups has, nor who dominates its sum.

mod names;
mod union;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::dimension::Dimension;
use super::rules::Zeros;
use super::{CellTable, Given, Protected, Status, deadline, refuse};
use crate::error::{Result, Text};
use union::Union;

/// What was tabulated.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Origin {
    /// The data set.
    pub dataset: String,
    /// Its version: the digest of [`crate::version`].
    pub version: String,
    /// The condition that chose the rows; empty for all of them.
    #[serde(default)]
    pub population: String,
}

/// How far the attacker's interval of a sensitive cell must reach.
#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Open {
    cell: usize,
    low: f64,
    high: f64,
}

/// One quantity of a released table, in the order of its cells.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Printed {
    name: String,
    is_whole: bool,
    values: Vec<Option<f64>>,
    open: Vec<Open>,
}

/// A table that left. No `Debug`: it holds roughly what was hidden.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    id: String,
    origin: Origin,
    min_frequency: u64,
    zeros: Zeros,
    dimensions: Vec<Dimension>,
    quantities: Vec<Printed>,
}

impl Entry {
    fn new(id: &str, origin: &Origin, protected: &Protected) -> Self {
        let quantities = protected.quantities().iter().map(|quantity| {
            let values = quantity.values.iter().enumerate();
            let is_printed = |cell| protected.status(cell) == Some(Status::Printed);
            let open = quantity.needs.iter().filter_map(|(cell, need)| {
                let value = *quantity.values.get(*cell)?;
                Some(Open { cell: *cell, low: value - need.down, high: value + need.up })
            });
            Printed {
                name: quantity.name.clone(),
                is_whole: quantity.is_whole,
                values: values.map(|(cell, value)| is_printed(cell).then_some(*value)).collect(),
                open: open.collect(),
            }
        });
        Self {
            quantities: quantities.collect(),
            ..Self::bare(id, origin, protected.table(), protected.rules().min_frequency, protected.rules().zeros)
        }
    }

    /// A table of which nothing is printed yet.
    fn bare(id: &str, origin: &Origin, table: &CellTable, min_frequency: u64, zeros: Zeros) -> Self {
        let dimensions = table.dimensions().to_vec();
        Self { id: id.to_owned(), origin: origin.clone(), min_frequency, zeros, dimensions, quantities: Vec::new() }
    }

    /// The name of the release.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What was tabulated.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    fn is_sound(&self) -> bool {
        let cells = self.dimensions.iter().try_fold(1_usize, |n, d| n.checked_mul(d.len()));
        let fits = |q: &Printed| Some(q.values.len()) == cells && q.open.iter().all(|open| open.cell < q.values.len());
        let finite = |q: &Printed| {
            q.values.iter().flatten().all(|v| v.is_finite()) && q.open.iter().all(|o| o.low.is_finite() && o.high.is_finite())
        };
        self.quantities.iter().all(|q| fits(q) && finite(q))
    }
}

/// Everything that was released. Its owner stores it between runs.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ledger {
    entries: Vec<Entry>,
}

/// Kinds of differencing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// One printed group contains the other and holds a few people more.
    Subset,
    /// The same group has a few people more or less in another version or population.
    Changed,
    /// A number hidden in one release is printed in another.
    Printed,
    /// A hidden number can be computed too closely from all releases together.
    Pinned,
    /// A part that nobody tabulated is known to hold a few people.
    Isolated,
    /// Not decided: out of time, too large, or the releases contradict each other.
    Undecided,
}

/// Why the ledger refuses a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Differencing {
    /// What kind.
    pub kind: Kind,
    /// An earlier release that takes part.
    pub earlier: String,
    /// The group that is laid open: names of codes, no number.
    pub group: String,
}

impl Differencing {
    /// As a sentence.
    #[must_use]
    pub fn text(&self) -> Text {
        let (en, zh) = match self.kind {
            Kind::Subset => (
                "two printed groups, one within the other, differ by fewer people than the minimum frequency",
                "相互包含的两个已发布人群之差低于最小频数",
            ),
            Kind::Changed => (
                "the same group of another version or population differs by fewer people than the minimum frequency",
                "同一人群在不同版本或总体间之差低于最小频数",
            ),
            Kind::Printed => ("a number hidden in one release is printed in another", "一次发布中隐藏的数值在另一次发布中被公布"),
            Kind::Pinned => {
                ("a hidden number can be computed too closely from the releases together", "结合各次发布可将隐藏的数值推算得过于精确")
            }
            Kind::Isolated => {
                ("the releases together isolate a group below the minimum frequency", "结合各次发布可分离出低于最小频数的人群")
            }
            Kind::Undecided => {
                ("whether the releases together give something away could not be decided", "无法判定各次发布合并后是否泄露信息")
            }
        };
        let group = if self.group.is_empty() { "*" } else { &self.group };
        Text::new(format!("{en} (release `{}`, group {group})", self.earlier), format!("{zh}（发布 `{}`，人群 {group}）", self.earlier))
    }
}

impl Ledger {
    /// The releases so far.
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// What earlier releases of the same version and population decided about the cells of a new table. Planned with this, linked
    /// tables share their totals without contradiction.
    #[must_use]
    pub fn given(&self, origin: &Origin, table: &CellTable) -> Given {
        let new = Entry::bare("", origin, table, 1, Zeros::Hide);
        let same = self.entries.iter().filter(|entry| entry.origin == *origin && entry.is_sound());
        let entries: Vec<&Entry> = same.chain([&new]).collect();
        Union::new(&entries).map(|union| union.given(&entries)).unwrap_or_default()
    }

    /// What a table would give away together with earlier ones; nothing if it may leave.
    #[must_use]
    pub fn objections(&self, origin: &Origin, protected: &Protected, budget: Duration) -> Vec<Differencing> {
        self.examine(&Entry::new("", origin, protected), budget).err().unwrap_or_default()
    }

    /// The entry as it is to be written down, or what speaks against it.
    fn examine(&self, new: &Entry, budget: Duration) -> std::result::Result<Entry, Vec<Differencing>> {
        let until = deadline(budget);
        let origin = &new.origin;
        let mut entries: Vec<&Entry> = self.entries.iter().filter(|entry| entry.origin.dataset == origin.dataset).collect();
        let Some(last) = entries.last().map(|entry| entry.id.clone()) else { return Ok(new.clone()) };
        let undecided = |group: String| vec![Differencing { kind: Kind::Undecided, earlier: last.clone(), group }];
        if !entries.iter().all(|entry| entry.is_sound()) {
            return Err(undecided(String::new()));
        }
        let new = names::as_before(&entries, new.clone()).map_err(undecided)?;
        entries.push(&new);
        let Some(union) = Union::new(&entries) else { return Err(undecided(String::new())) };
        let mut found = union.subsets(&entries);
        if found.is_empty() {
            found = union.attack(&entries, until);
        }
        if found.is_empty() { Ok(new) } else { Err(found) }
    }

    /// Writes a release down if nothing speaks against it. Call this, and store the ledger, before the table leaves.
    ///
    /// # Errors
    /// `release.recorded` if the name was used before; `release.differencing` with the first objection.
    pub fn record(&mut self, id: &str, origin: &Origin, protected: &Protected, budget: Duration) -> Result<()> {
        if self.entries.iter().any(|entry| entry.id == id) {
            return Err(refuse(
                "release.recorded",
                Text::new("a release of this name is in the ledger", "台账中已有同名发布"),
                Text::new(format!("release `{id}`"), format!("发布 `{id}`")),
                Text::new("give each release its own name", "请为每次发布使用不同名称"),
            ));
        }
        let entry = self.examine(&Entry::new(id, origin, protected), budget).map_err(|found| {
            let what = found.first().map_or_else(|| Text::new("the release was not examined", "未能评估本次发布"), Differencing::text);
            differencing(what, origin)
        })?;
        self.entries.push(entry);
        Ok(())
    }
}

fn differencing(what: Text, origin: &Origin) -> crate::Error {
    refuse(
        "release.differencing",
        what,
        Text::new(format!("data set {}", origin.dataset), format!("数据集 {}", origin.dataset)),
        Text::new(
            "keep the codes and the pattern of the earlier release, or use coarser codes that are unions of its codes",
            "请沿用先前发布的代码与隐藏方式，或使用由其合并而成的更粗代码",
        ),
    )
}
