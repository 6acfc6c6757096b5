//! What is agreed before a training begins, whatever is trained.

use crate::data::Dataset;
use crate::{Error, Result};

/// Everything that both sides know.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan<S> {
    /// Identity of the job, the hash of its contract.
    pub job: [u8; 32],
    /// Who adds up, and decides from the sums.
    pub coordinator: String,
    /// Who has rows, in order.
    pub parties: Vec<String>,
    /// Names of the columns from which is predicted.
    pub features: Vec<String>,
    /// Name of the column that is predicted.
    pub target: String,
    /// The agreed settings.
    pub settings: S,
}

impl<S> Plan<S> {
    /// Bytes that names and settings may have in a document.
    pub(crate) fn most_names(&self) -> usize {
        // a character may be escaped to six
        let names = self.features.iter().chain([&self.target]).map(|name| 8 + 6 * name.len()).sum::<usize>();
        names + (1 << 13)
    }

    /// Whether every party and every column has a name of its own.
    ///
    /// # Errors
    /// [`Error::Caller`].
    pub(crate) fn check_names(&self) -> Result<()> {
        for (list, one) in [(&self.parties, &self.coordinator), (&self.features, &self.target)] {
            let mut names: Vec<&str> = list.iter().chain([one]).map(String::as_str).collect();
            names.sort_unstable();
            if names.iter().any(|name| name.is_empty()) || names.windows(2).any(|pair| matches!(pair, [a, b] if a == b)) {
                return Err(Error::caller("parties, coordinator and columns need names, each its own"));
            }
        }
        Ok(())
    }

    /// Whether a party is of the plan, and has its columns.
    ///
    /// # Errors
    /// [`Error::Caller`].
    pub(crate) fn check_party(&self, index: u32, rows: &Dataset) -> Result<()> {
        if rows.columns() != self.features.len() || self.parties.len() <= index as usize {
            return Err(Error::caller(format!("`{}` columns where the plan has `{}`", rows.columns(), self.features.len())));
        }
        Ok(())
    }
}
