//! What the gate looks at: a release, where its columns come from, and what an attacker may hold beside it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::budget::{Clock, system_clock};
use super::counts::Counts;
use super::guess::Guesses;
use super::model::ModelUnderTest;
use crate::Table;
use crate::anonymise::Hierarchies;

/// How a released column came about.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind", deny_unknown_fields)]
#[non_exhaustive]
pub enum Provenance {
    /// As in the original.
    Raw,
    /// As in the original, which is public or legally open: tests of raw data do not apply.
    Public,
    /// A keyed function that always gives the same token for a value, and no way back (HMAC).
    KeyedDeterministic {
        /// How many values could stand behind a token, if known.
        #[serde(default)]
        domain: Option<f64>,
    },
    /// A keyed function that the key turns back (encryption, format-preserving encryption).
    KeyedReversible {
        /// How many values could stand behind a token, if known.
        #[serde(default)]
        domain: Option<f64>,
    },
    /// A hash, a checksum or an encoding without a key; a salt that is no secret is no key.
    Unkeyed {
        /// How many values could stand behind it, if known; unknown counts as few.
        #[serde(default)]
        domain: Option<f64>,
    },
    /// Drawn anew for each row, independent of the value.
    Random,
    /// Coarser values: hierarchy levels, bins, masks, constants, suppressed cells.
    Generalised,
    /// Noise, swapping, shuffling, microaggregation: values near the original's or of other rows.
    Noise,
    /// Drawn from a model of the original.
    Synthetic,
}

impl Provenance {
    /// Whether a keyed function made the column.
    #[must_use]
    pub const fn is_keyed(self) -> bool {
        matches!(self, Self::KeyedDeterministic { .. } | Self::KeyedReversible { .. })
    }
}

/// Another table that an attacker holds.
#[derive(Clone)]
pub struct Other<'a> {
    /// What the verdict calls it.
    pub name: String,
    /// Its rows.
    pub table: &'a Table,
    /// Columns, of the same names in both, that name a person; if empty, the keyed columns that both have.
    pub join_on: Vec<String>,
    /// Its quasi-identifiers.
    pub quasi_identifiers: Vec<String>,
    /// Whether it is an earlier release of the same data, so that the two are also subtracted.
    pub is_earlier_release: bool,
}

/// What is to be released, and everything that is known about it.
///
/// Only `table`, `counts` and `model` leave; all else serves the attacks. The more is given, the more can be tried,
/// and what cannot be tried is refused.
#[derive(Clone, Default)]
pub struct Release<'a> {
    /// The rows that are to leave.
    pub table: Option<&'a Table>,
    /// How its columns came about. A column that is not named counts as raw, and as an unkeyed function if it looks
    /// like digests.
    pub provenance: BTreeMap<String, Provenance>,
    /// What may be known about a person from elsewhere (准标识符). If empty: every column that carries information of the
    /// original.
    pub quasi_identifiers: Vec<String>,
    /// The rows that it was made from.
    pub original: Option<&'a Table>,
    /// Rows of the same population that nothing was made from, for synthetic data.
    pub held_out: Option<&'a Table>,
    /// For each released row the index (from 0) of the original row that it came from.
    pub row_of: Option<&'a [u64]>,
    /// How cells were generalised; lets the linkage test read them. Intervals, masks and sets are read without.
    pub hierarchies: Option<&'a Hierarchies>,
    /// Earlier releases and tables that others hold.
    pub others: Vec<Other<'a>>,
    /// Counts or sums over people that are to leave, or left before.
    pub counts: Option<Counts<'a>>,
    /// A model that is to leave.
    pub model: Option<ModelUnderTest<'a>>,
    /// What an attacker would try as inputs of a hash.
    pub guesses: Guesses<'a>,
    /// The clock that time-boxes the attacks; the system's if absent.
    pub clock: Option<Clock<'a>>,
}

impl<'a> Release<'a> {
    /// A release of rows.
    #[must_use]
    pub fn of(table: &'a Table) -> Self {
        Self { table: Some(table), ..Self::default() }
    }

    /// With how a column came about.
    #[must_use]
    pub fn with(mut self, column: &str, provenance: Provenance) -> Self {
        self.provenance.insert(column.to_owned(), provenance);
        self
    }

    /// With the rows that it was made from.
    #[must_use]
    pub fn from_original(mut self, original: &'a Table) -> Self {
        self.original = Some(original);
        self
    }

    /// With what may be known about a person.
    #[must_use]
    pub fn with_quasi_identifiers(mut self, columns: &[&str]) -> Self {
        self.quasi_identifiers = columns.iter().map(|column| (*column).to_owned()).collect();
        self
    }

    pub(super) fn clock(&self) -> Clock<'a> {
        self.clock.unwrap_or(&system_clock)
    }

    /// Where a column comes from; raw if nobody says.
    pub(super) fn provenance_of(&self, column: &str) -> Provenance {
        self.provenance.get(column).copied().unwrap_or(Provenance::Raw)
    }
}
