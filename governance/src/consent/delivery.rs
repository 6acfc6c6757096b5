//! How a consent set meets the rows (A15): in the clear at the provider, or by private set intersection where the fact that somebody
//! consented in this scenario is sensitive itself (a clinic's study, say).
//!
//! The decision is a type. A set that must be applied by PSI cannot be used as a filter, compared, printed or written down:
//!
//! ```compile_fail
//! use yu_governance::consent::delivery::PsiSet;
//! fn peek(set: &PsiSet, salt: &[u8; 32]) {
//!     set.filter(&[Some("somebody")], salt);
//! }
//! ```
//!
//! ```compile_fail
//! use yu_governance::consent::delivery::PsiSet;
//! fn write(set: &PsiSet) -> String {
//!     serde_json::to_string(set).unwrap()
//! }
//! ```
//!
//! ```compile_fail
//! use yu_governance::consent::delivery::PsiSet;
//! fn print(set: &PsiSet) -> String {
//!     format!("{set:?}")
//! }
//! ```

use std::collections::BTreeSet;

use zeroize::Zeroizing;

use super::ConsentMask;
use super::book::InstantSet;
use super::record::SubjectRef;
use crate::canonical::Hash;
use crate::catalogue::{CatalogueEntry, Class};
use crate::id::{DatasetId, Scenario};

/// Which consent sets a jurisdiction, or a provider, counts as sensitive.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SensitiveSets {
    /// Sets over items of these classes.
    pub classes: BTreeSet<Class>,
    /// Sets for these scenarios, whatever the items.
    pub scenarios: BTreeSet<Scenario>,
}

/// How the set is applied.
pub enum Delivery {
    /// In the clear, at the provider that holds rows and receipts.
    Plain(PlainSet),
    /// By PSI only.
    ByPsi(PsiSet),
}

/// A set that may be used as a filter.
pub struct PlainSet(InstantSet);

/// A set that only a PSI may touch.
pub struct PsiSet(InstantSet);

impl SensitiveSets {
    /// Marks a set. An item that the entry does not describe counts as sensitive.
    #[must_use]
    pub fn mark(&self, set: InstantSet, entry: &CatalogueEntry) -> Delivery {
        let query = set.query();
        let sensitive = |item: &str| entry.column(item).is_none_or(|c| self.classes.contains(&c.class));
        let by_psi = self.scenarios.contains(&query.scenario) || query.dataset != entry.dataset || query.items.iter().any(sensitive);
        if by_psi { Delivery::ByPsi(PsiSet(set)) } else { Delivery::Plain(PlainSet(set)) }
    }
}

impl PlainSet {
    /// Which rows stay: those whose subject consents. A row without a readable subject is dropped.
    pub fn filter<S: AsRef<str>>(&self, rows: &[Option<S>], salt: &[u8; 32]) -> ConsentMask {
        let dataset: &DatasetId = &self.0.query().dataset;
        let stays = |s: &Option<S>| s.as_ref().is_some_and(|s| self.0.subjects().contains(&SubjectRef::new(salt, dataset, s.as_ref())));
        let mask: Vec<bool> = rows.iter().map(stays).collect();
        let kept = mask.iter().filter(|&&stays| stays).count() as u64;
        ConsentMask { mask, kept }
    }

    /// Hash of the set, for the contract.
    #[must_use]
    pub const fn hash(&self) -> Hash {
        self.0.hash()
    }
}

impl PsiSet {
    /// The elements, consumed: for the local input of a PSI and nothing else. Wiped when dropped.
    #[must_use]
    pub fn into_psi_input(self) -> Zeroizing<Vec<[u8; 32]>> {
        Zeroizing::new(self.0.subjects().iter().map(|s| *s.bytes()).collect())
    }

    /// Hash of the set, for the contract.
    #[must_use]
    pub const fn hash(&self) -> Hash {
        self.0.hash()
    }
}
