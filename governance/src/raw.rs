//! Raw data stop here (P1): a provider's table can be read only against a [`Permit`], only in the permitted columns,
//! and only in rows whose subjects consented.
//!
//! What the permit lets through is an [`Opened`] table: it is already projected and filtered, so nothing downstream
//! can see more. Neither type can be printed, copied, serialised or dereferenced by accident.

use zeroize::Zeroizing;

use crate::canonical::Hash;
use crate::clock::Time;
use crate::consent::{ConsentQuery, ConsentSet};
use crate::contract::ConsentTerms;
use crate::error::{Error, Result};
use crate::id::{ColumnSet, DatasetId, JobId};
use crate::policy::Permit;

/// The subject of each row, in the normalised form of the consent receipts; `None` where it cannot be read.
pub type RowSubjects = Vec<Option<Zeroizing<String>>>;

/// A table that raw data may come in. Implementations keep values out of their errors.
pub trait RawTable: Sized {
    /// Number of rows.
    fn rows(&self) -> usize;

    /// Names of all columns.
    fn columns(&self) -> Vec<String>;

    /// A table of these columns only. All of them exist.
    ///
    /// # Errors
    /// The implementation's own, without values.
    fn project(&self, columns: &ColumnSet) -> Result<Self>;

    /// A table of the rows whose entry in the mask is true. The mask has one entry for each row.
    ///
    /// # Errors
    /// The implementation's own, without values.
    fn filter(&self, mask: &[bool]) -> Result<Self>;

    /// The subject of each row.
    ///
    /// # Errors
    /// The implementation's own, without values.
    fn subjects(&self, column: &str) -> Result<RowSubjects>;

    /// The least `e` with all values of a numeric column below `2^e` in absolute value, over the rows of the mask.
    ///
    /// # Errors
    /// The implementation's own, without values.
    fn magnitude(&self, column: &str, mask: Option<&[bool]>) -> Result<i32>;

    /// Overwrites the content as far as this table owns its memory alone; called when the table is dropped.
    fn wipe(&mut self);
}

/// A provider's data. There is no way in but [`Raw::open`].
///
/// ```compile_fail,E0277
/// fn print<T: std::fmt::Debug>() {}
/// fn raw<T: yu_governance::raw::RawTable>() { print::<yu_governance::raw::Raw<T>>(); }
/// ```
/// ```compile_fail,E0277
/// fn copy<T: Clone>() {}
/// fn raw<T: yu_governance::raw::RawTable + Clone>() { copy::<yu_governance::raw::Raw<T>>(); }
/// ```
/// ```compile_fail,E0277
/// fn send<T: serde::Serialize>() {}
/// fn raw<T: yu_governance::raw::RawTable + serde::Serialize>() { send::<yu_governance::raw::Raw<T>>(); }
/// ```
/// ```compile_fail,E0277
/// fn deref<T: std::ops::Deref>() {}
/// fn raw<T: yu_governance::raw::RawTable>() { deref::<yu_governance::raw::Raw<T>>(); }
/// ```
/// ```compile_fail,E0616
/// // the table inside is private
/// fn peek<T: yu_governance::raw::RawTable>(raw: &yu_governance::raw::Raw<T>) -> &T { &raw.table }
/// ```
pub struct Raw<T: RawTable> {
    dataset: DatasetId,
    version: Hash,
    table: T,
}

/// How many rows a consent filter keeps and drops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowCounts {
    /// Rows that stay.
    pub kept: u64,
    /// Rows that are dropped.
    pub dropped: u64,
}

/// The permitted part of a table. Wiped when dropped.
///
/// ```compile_fail,E0277
/// fn print<T: std::fmt::Debug>() {}
/// fn opened<T: yu_governance::raw::RawTable + std::fmt::Debug>() { print::<yu_governance::raw::Opened<T>>(); }
/// ```
/// ```compile_fail,E0277
/// fn copy<T: Clone>() {}
/// fn opened<T: yu_governance::raw::RawTable + Clone>() { copy::<yu_governance::raw::Opened<T>>(); }
/// ```
/// ```compile_fail,E0277
/// fn send<T: serde::Serialize>() {}
/// fn opened<T: yu_governance::raw::RawTable + serde::Serialize>() { send::<yu_governance::raw::Opened<T>>(); }
/// ```
/// ```compile_fail,E0451
/// // private fields: only `Raw::open` makes one
/// fn claim<T: yu_governance::raw::RawTable>(table: T) -> yu_governance::raw::Opened<T> {
///     yu_governance::raw::Opened { table, counts: todo!(), expiry: todo!() }
/// }
/// ```
#[must_use]
pub struct Opened<T: RawTable> {
    table: T,
    counts: RowCounts,
    expiry: Time,
}

impl<T: RawTable> Raw<T> {
    /// Takes a table in. `version` is the hash of the content it was read from.
    pub const fn new(dataset: DatasetId, version: Hash, table: T) -> Self {
        Self { dataset, version, table }
    }

    /// Which data set.
    pub const fn dataset(&self) -> &DatasetId {
        &self.dataset
    }

    /// Which version of it.
    pub const fn version(&self) -> Hash {
        self.version
    }

    /// Number of rows.
    pub fn rows(&self) -> u64 {
        self.table.rows() as u64
    }

    /// How many rows a consent filter would keep: what the provider states in a contract before there is a permit.
    /// Only counts come out.
    ///
    /// # Errors
    /// `Refused` if the subject column does not exist.
    pub fn count_consenting(&self, subject_column: &str, consent: &ConsentSet, query: &ConsentQuery<'_>) -> Result<RowCounts> {
        self.demand_columns(&ColumnSet::new([subject_column])?)?;
        let mask = consent.filter(&self.table.subjects(subject_column)?, query);
        Ok(RowCounts { kept: mask.kept(), dropped: mask.dropped() })
    }

    /// Magnitudes of numeric columns over the rows that a consent filter keeps (all rows without one): what the provider states in a
    /// contract whose protocol scales the columns. Exponents of two come out, nothing else.
    ///
    /// # Errors
    /// `Refused` for a column that does not exist; the table's.
    pub fn magnitudes(&self, columns: &[&str], filter: Option<(&str, &ConsentSet, &ConsentQuery<'_>)>) -> Result<Vec<i32>> {
        self.demand_columns(&ColumnSet::new(columns.iter().copied().chain(filter.iter().map(|(subject, ..)| *subject)))?)?;
        let mask = match filter {
            Some((subject, consent, query)) => Some(consent.filter(&self.table.subjects(subject)?, query)),
            None => None,
        };
        columns.iter().map(|column| self.table.magnitude(column, mask.as_ref().map(|mask| mask.as_slice()))).collect()
    }

    /// Opens what the permit allows, for the job it was given for, while it is valid.
    ///
    /// Where the permit demands a consent filter, `consent` must be given and rows without consent at `now` are gone
    /// (A15). Consent is asked for all permitted columns.
    ///
    /// # Errors
    /// `Refused` with `permit.other-job`, `permit.other-dataset`, `permit.other-version`, `permit.expired`,
    /// `permit.column-absent` or `permit.consent-absent`.
    pub fn open(&self, permit: &Permit, job: JobId, consent: Option<&ConsentSet>, now: Time) -> Result<Opened<T>> {
        let refuse = |code, what: String| Err(Error::Refused { code, what });
        if permit.job() != job {
            return refuse("permit.other-job", format!("the permit is for job {}, not {job}", permit.job()));
        }
        if *permit.dataset() != self.dataset {
            return refuse("permit.other-dataset", format!("the permit is for `{}`, not `{}`", permit.dataset(), self.dataset));
        }
        if permit.version() != self.version {
            return refuse(
                "permit.other-version",
                format!("`{}` has changed since the contract was signed; submit the job again", self.dataset),
            );
        }
        if now >= permit.expiry() {
            return refuse("permit.expired", format!("the permit for `{}` ended at {}", self.dataset, permit.expiry()));
        }
        self.demand_columns(permit.columns())?;
        let mut projected = Wiped(Some(self.table.project(permit.columns())?));
        let rows = self.rows();
        let mut counts = RowCounts { kept: rows, dropped: 0 };
        if let ConsentTerms::Filter { subject_column, .. } = permit.consent() {
            let Some(consent) = consent else {
                return refuse("permit.consent-absent", format!("`{}` may be opened with its consent receipts only", self.dataset));
            };
            let query = ConsentQuery { scenario: permit.scenario(), purpose: permit.purpose(), items: permit.columns(), now };
            let mask = consent.filter(&self.table.subjects(subject_column)?, &query);
            if mask.as_slice().len() as u64 != rows {
                return refuse("permit.consent-absent", format!("the subjects of `{}` do not cover its rows", self.dataset));
            }
            counts = RowCounts { kept: mask.kept(), dropped: mask.dropped() };
            let filtered = projected.get().map(|table| table.filter(mask.as_slice())).transpose()?;
            projected = Wiped(filtered);
        }
        match projected.0.take() {
            Some(table) => Ok(Opened { table, counts, expiry: permit.expiry() }),
            None => refuse("permit.column-absent", "nothing to open".into()),
        }
    }

    fn demand_columns(&self, columns: &ColumnSet) -> Result<()> {
        let here = self.table.columns();
        match columns.iter().find(|name| !here.iter().any(|c| c == name)) {
            None => Ok(()),
            Some(name) => Err(Error::Refused { code: "permit.column-absent", what: format!("`{}` has no column `{name}`", self.dataset) }),
        }
    }
}

/// A table that is wiped if the function that made it stops early.
struct Wiped<T: RawTable>(Option<T>);

impl<T: RawTable> Wiped<T> {
    const fn get(&self) -> Option<&T> {
        self.0.as_ref()
    }
}

impl<T: RawTable> Drop for Wiped<T> {
    fn drop(&mut self) {
        if let Some(table) = &mut self.0 {
            table.wipe();
        }
    }
}

impl<T: RawTable> Opened<T> {
    /// The permitted table.
    pub const fn table(&self) -> &T {
        &self.table
    }

    /// How many rows the consent filter kept and dropped.
    pub const fn counts(&self) -> RowCounts {
        self.counts
    }

    /// When the permission ends; a running job stops then (A4).
    pub const fn expiry(&self) -> Time {
        self.expiry
    }
}

impl<T: RawTable> Drop for Raw<T> {
    fn drop(&mut self) {
        self.table.wipe();
    }
}

impl<T: RawTable> Drop for Opened<T> {
    fn drop(&mut self) {
        self.table.wipe();
    }
}
