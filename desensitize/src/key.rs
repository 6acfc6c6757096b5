//! Keys: which columns identify a row, and how they are made equal on both sides before they are compared.
//!
//! A [`KeySpec`] is part of the contract and equal for all parties. The steps are a set: they always run in the order
//! of [`Normalise`], whatever order they are written in, so that both sides cannot differ and a normalised key stays as it
//! is when it is normalised again. A row that fails a step has no key; failures are counted by reason, never dropped
//! silently.
//!
//! One column gives its text as bytes. Several columns give, for each, the length of its text (u32, little endian)
//! and the text, so that `("ab", "c")` and `("a", "bc")` differ.

mod normalise;
pub mod resident_id;

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::column::each_text;
use crate::error::{Error, KeyProblem, KeySpecProblem, Place, Result};
use crate::read::{is_scientific, key_fault};
use crate::table::Table;

/// How many duplicate rows are named.
const NAMED_DUPLICATES: usize = 5;

/// One step of normalisation. Steps run in the order in which they stand here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Normalise {
    /// Unicode NFKC: full-width forms, ligatures and compatibility characters become ordinary ones.
    Nfkc,
    /// Only the full-width digits `０` to `９` become `0` to `9`.
    FullWidthDigits,
    /// White space of any script and invisible marks (zero width, byte order) at both ends go.
    Trim,
    /// `+86`, `0086` or `86` in front of a mobile number (1 and ten digits) goes, with one blank or hyphen after it.
    /// Fails if `+86` or `0086` is followed by anything else; leaves all other text alone.
    #[serde(rename = "strip_country_code_86")]
    StripCountryCode86,
    /// An `x` at the end becomes `X`.
    UpperX,
    /// A resident identity number: 18 digits stay, 15 digits are upgraded; everything else fails.
    /// See [`resident_id`].
    ResidentId,
}

/// Key columns and the normalisation of each of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeySpec {
    /// The columns, in the order in which they make up the key.
    pub columns: Vec<String>,
    /// The steps; their order does not matter.
    #[serde(default)]
    pub steps: Vec<Normalise>,
}

/// Why a row has no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Reason {
    /// Nothing left after normalisation.
    Empty,
    /// `+86` in front of something that is no mobile number.
    CountryCode,
    /// An identity number is 15 or 18 characters long.
    IdLength,
    /// A character that has no place in an identity number.
    IdCharacters,
    /// The first two digits are no province.
    IdRegion,
    /// The date of birth does not exist.
    IdDate,
    /// The check digit is wrong.
    IdCheckDigit,
}

/// The keys of a table, row by row. Wiped when dropped; `Debug` prints counts only.
pub struct NormalisedKeys {
    /// One entry per row; `None` where normalisation failed.
    pub values: Vec<Option<Vec<u8>>>,
    /// How many rows failed, by reason.
    pub failed: BTreeMap<Reason, u64>,
    /// Rows whose key occurred in an earlier row.
    pub duplicates: u64,
    /// The first five of them.
    pub first_duplicates: Vec<Place>,
    columns: Vec<String>,
    source: String,
}

impl KeySpec {
    /// A key of one column.
    #[must_use]
    pub fn new(column: &str, steps: &[Normalise]) -> Self {
        Self { columns: vec![column.to_owned()], steps: steps.to_vec() }
    }

    /// # Errors
    /// `KeySpec` without columns, or with a column or a step twice.
    pub fn check(&self) -> Result<()> {
        let fault = |problem| Err(Error::KeySpec { problem });
        if self.columns.is_empty() {
            return fault(KeySpecProblem::NoColumn);
        }
        if let Some((_, name)) = self.columns.iter().enumerate().find(|(i, name)| self.columns[..*i].contains(name)) {
            return fault(KeySpecProblem::ColumnTwice(name.clone()));
        }
        if self.ordered_steps().windows(2).any(|pair| pair[0] == pair[1]) {
            return fault(KeySpecProblem::StepTwice);
        }
        Ok(())
    }

    fn ordered_steps(&self) -> Vec<Normalise> {
        let mut steps = self.steps.clone();
        steps.sort_unstable();
        steps
    }

    /// The normalised form of one text, as it goes into a key of one column.
    ///
    /// # Errors
    /// Why it has none.
    pub fn normalise_text(&self, text: &str) -> std::result::Result<String, Reason> {
        normalise::apply(&self.ordered_steps(), text)
    }
}

/// The keys of `table`.
///
/// # Errors
/// `KeySpec`, `MissingColumn`, `ColumnType`; `Key` with the place of a key in scientific notation.
///
/// ```
/// # use std::sync::Arc;
/// # use arrow::array::{ArrayRef, StringArray};
/// use yu_desensitize::{Table, key::{KeySpec, Normalise, normalise}};
/// let ids: ArrayRef = Arc::new(StringArray::from(vec![" 11010519491231002x", "11010519491231002X", "110"]));
/// let table = Table::from_columns("people.csv", vec![("id", ids)])?;
/// let keys = normalise(&table, &KeySpec::new("id", &[Normalise::Trim, Normalise::ResidentId]))?;
/// assert_eq!(keys.values[0].as_deref(), Some(&b"11010519491231002X"[..]));
/// assert_eq!((keys.duplicates, keys.failed_rows()), (1, 1));
/// # Ok::<(), yu_desensitize::Error>(())
/// ```
pub fn normalise(table: &Table, spec: &KeySpec) -> Result<NormalisedKeys> {
    spec.check()?;
    let steps = spec.ordered_steps();
    let rows = usize::try_from(table.num_rows()).unwrap_or(0);
    let mut values: Vec<std::result::Result<Vec<u8>, Reason>> = Vec::new();
    values.resize_with(rows, || Ok(Vec::new()));
    let is_composite = spec.columns.len() > 1;
    for column in &spec.columns {
        let mut row = 0;
        each_text(table, column, |cell, place| {
            if is_scientific(cell) {
                return Err(key_fault(table.source(), column, place(), KeyProblem::Scientific));
            }
            // INVARIANT: `each_text` calls once per row
            let value = &mut values[row];
            row += 1;
            let Ok(bytes) = value else { return Ok(()) };
            match normalise::apply(&steps, cell) {
                Ok(text) if is_composite => {
                    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
                    bytes.extend_from_slice(&length.to_le_bytes());
                    bytes.extend_from_slice(text.as_bytes());
                    wipe(text);
                }
                Ok(text) => *bytes = text.into_bytes(),
                Err(reason) => {
                    bytes.zeroize();
                    *value = Err(reason);
                }
            }
            Ok(())
        })?;
    }
    let mut failed = BTreeMap::new();
    let values: Vec<Option<Vec<u8>>> =
        values.into_iter().map(|value| value.map_err(|reason| *failed.entry(reason).or_insert(0) += 1).ok()).collect();
    let mut keys = NormalisedKeys {
        values,
        failed,
        duplicates: 0,
        first_duplicates: Vec::new(),
        columns: spec.columns.clone(),
        source: table.source().to_owned(),
    };
    keys.count_duplicates(table);
    Ok(keys)
}

fn wipe(mut text: String) {
    text.zeroize();
}

impl NormalisedKeys {
    /// Rows without a key.
    #[must_use]
    pub fn failed_rows(&self) -> u64 {
        self.failed.values().sum()
    }

    /// Rows that have a key, with the row's index from 0.
    pub fn present(&self) -> impl Iterator<Item = (u64, &[u8])> {
        (0..).zip(&self.values).filter_map(|(row, value)| value.as_deref().map(|key| (row, key)))
    }

    /// For each row whether it has a key: a filter for the table.
    #[must_use]
    pub fn has_key(&self) -> Vec<bool> {
        self.values.iter().map(Option::is_some).collect()
    }

    /// Refuses repeated keys.
    ///
    /// # Errors
    /// `DuplicateKeys` with the count and the first rows.
    pub fn check_unique(&self) -> Result<()> {
        if self.duplicates == 0 {
            return Ok(());
        }
        Err(Error::DuplicateKeys {
            file: self.source.clone(),
            columns: self.columns.clone(),
            count: self.duplicates,
            rows: self.first_duplicates.clone(),
        })
    }

    fn count_duplicates(&mut self, table: &Table) {
        let mut seen: HashSet<&[u8]> = HashSet::with_capacity(self.values.len());
        for (row, key) in (0..).zip(&self.values) {
            let Some(key) = key.as_deref() else { continue };
            if !seen.insert(key) {
                self.duplicates += 1;
                if self.first_duplicates.len() < NAMED_DUPLICATES {
                    self.first_duplicates.extend(table.place(row));
                }
            }
        }
    }
}

impl Drop for NormalisedKeys {
    fn drop(&mut self) {
        self.values.zeroize();
    }
}

impl ZeroizeOnDrop for NormalisedKeys {}

impl fmt::Debug for NormalisedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NormalisedKeys")
            .field("rows", &self.values.len())
            .field("failed", &self.failed)
            .field("duplicates", &self.duplicates)
            .finish_non_exhaustive()
    }
}
