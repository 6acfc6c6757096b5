//! What an input party checks in its own matched rows, before any share of them exists.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// A check that only the owner of the values can make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LocalCheck {
    /// Enough rows in all, and in each group of the own grouping column.
    Cells,
    /// No single row makes up most of a column's sum, overall or within an own group: the sum would tell its value.
    Dominance,
    /// No column is constant, overall or within an own group: the mean would be every row's value verbatim (O4).
    Verbatim,
}

impl LocalCheck {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Cells, Self::Dominance, Self::Verbatim];

    /// Stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Cells => "local.cells",
            Self::Dominance => "local.dominance",
            Self::Verbatim => "local.verbatim",
        }
    }
}

/// Bounds of the local checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalLimits {
    /// Fewest rows behind a published number; the contract's `min_cell`.
    pub min_cell: u64,
    /// Greatest part of a column's absolute sum that one row may make up, in percent.
    pub dominance_percent: u32,
}

impl LocalLimits {
    /// With the customary dominance rule of official statistics: one contributor with 85 % is too much.
    #[must_use]
    pub const fn new(min_cell: u64) -> Self {
        Self { min_cell, dominance_percent: 85 }
    }
}

/// One objection, for the party's own eyes: names the column and the group, never a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// Which check objects.
    pub check: LocalCheck,
    /// To which column; absent if to the rows as such.
    pub column: Option<String>,
    /// In which group, by position in the categories; absent if overall.
    pub group: Option<u32>,
}

/// The outcome of [`examine`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Examination {
    objections: Vec<Objection>,
}

impl Examination {
    /// Whether the check has no objection.
    #[must_use]
    pub fn passed(&self, check: LocalCheck) -> bool {
        !self.objections.iter().any(|o| o.check == check)
    }

    /// Whether nothing objects.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.objections.is_empty()
    }

    /// Adds what another examination of the same rows found.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        for objection in other.objections {
            if !self.objections.contains(&objection) {
                self.objections.push(objection);
            }
        }
        self
    }

    /// Leaves one check out: equal squares are no equal values.
    fn without(mut self, check: LocalCheck) -> Self {
        self.objections.retain(|objection| objection.check != check);
        self
    }

    /// All objections.
    #[must_use]
    pub fn objections(&self) -> &[Objection] {
        &self.objections
    }
}

/// An own grouping: each row's group, as position in the categories.
#[derive(Clone, Copy)]
pub struct OwnGroups<'a> {
    /// One entry for each row.
    pub of_row: &'a [u32],
    /// Number of categories.
    pub categories: u32,
}

/// Examines the own matched rows: numeric columns by name, and the own grouping if this party has it.
///
/// Works on secret values without constant-time claims: it runs on the owner's machine alone, and only yes or no for
/// each check leaves it.
#[must_use]
pub fn examine(rows: u64, columns: &[(&str, &[f64])], groups: Option<OwnGroups<'_>>, limits: LocalLimits) -> Examination {
    let mut objections = Vec::new();
    let mut object = |check, column: Option<&str>, group| {
        objections.push(Objection { check, column: column.map(ToOwned::to_owned), group });
    };
    if rows < limits.min_cell {
        object(LocalCheck::Cells, None, None);
    }
    if let Some(groups) = groups {
        let mut counts: BTreeMap<u32, u64> = (0..groups.categories).map(|g| (g, 0)).collect();
        for g in groups.of_row {
            *counts.entry(*g).or_default() += 1;
        }
        for (group, count) in counts {
            if count < limits.min_cell || group >= groups.categories {
                object(LocalCheck::Cells, None, Some(group));
            }
        }
        if groups.of_row.len() as u64 != rows {
            object(LocalCheck::Cells, None, None);
        }
    }
    for (name, values) in columns {
        let mut spread: BTreeMap<Option<u32>, Spread> = BTreeMap::new();
        for (row, value) in values.iter().enumerate() {
            spread.entry(None).or_default().add(*value);
            if let Some(group) = groups.and_then(|g| g.of_row.get(row)) {
                spread.entry(Some(*group)).or_default().add(*value);
            }
        }
        if values.len() as u64 != rows {
            object(LocalCheck::Cells, Some(name), None);
        }
        for (group, spread) in spread {
            if spread.is_constant() {
                object(LocalCheck::Verbatim, Some(name), group);
            }
            if spread.is_dominated(limits.dominance_percent) {
                object(LocalCheck::Dominance, Some(name), group);
            }
        }
    }
    Examination { objections }
}

/// Examines the own label of which errors are told, over `judged` hundredths of the rows that nobody has chosen yet: the rows whose label is
/// not the commonest one are enough, and no row makes up most of the squared deviations or of the sum, also if only its
/// part of the rows were told.
///
/// As for [`examine`], only yes or no for each check leaves the machine.
#[must_use]
pub fn examine_errors(name: &str, values: &[f64], judged: u32, limits: LocalLimits) -> Examination {
    let judged = judged.clamp(1, 100);
    // a part of the rows has more of one row than all of them
    let all = LocalLimits { dominance_percent: limits.dominance_percent * judged / 100, ..limits };
    let mean = values.iter().sum::<f64>() / (values.len() as f64).max(1.0);
    let squares = Zeroizing::new(values.iter().map(|value| (value - mean).powi(2)).collect::<Vec<_>>());
    let rows = values.len() as u64;
    let mut found =
        examine(rows, &[(name, values)], None, all).and(examine(rows, &[(name, &squares)], None, all).without(LocalCheck::Verbatim));
    let mut counts = BTreeMap::<u64, u64>::new();
    // zero has two patterns of bits
    values.iter().for_each(|value| *counts.entry((value + 0.0).to_bits()).or_default() += 1);
    let others = rows - counts.values().copied().max().unwrap_or(0);
    if others.saturating_mul(u64::from(judged)) < limits.min_cell.saturating_mul(100) {
        found =
            found.and(Examination { objections: vec![Objection { check: LocalCheck::Cells, column: Some(name.to_owned()), group: None }] });
    }
    found
}

/// Running facts about the values of one column in one group.
#[derive(Default)]
struct Spread {
    first: Option<f64>,
    varies: bool,
    total: f64,
    largest: f64,
}

impl Spread {
    fn add(&mut self, value: f64) {
        match self.first {
            // bitwise on purpose: equal values are equal text in the file
            Some(first) => self.varies |= first.to_bits() != value.to_bits(),
            None => self.first = Some(value),
        }
        self.total += value.abs();
        self.largest = self.largest.max(value.abs());
    }

    const fn is_constant(&self) -> bool {
        !self.varies
    }

    /// NaN and infinity count as dominated.
    fn is_dominated(&self, percent: u32) -> bool {
        !(self.total.is_finite() && self.largest * 100.0 <= self.total * f64::from(percent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: LocalLimits = LocalLimits::new(3);

    fn objections(rows: u64, values: &[f64], groups: Option<(&[u32], u32)>) -> Vec<(LocalCheck, Option<u32>)> {
        let groups = groups.map(|(of_row, categories)| OwnGroups { of_row, categories });
        let found = examine(rows, &[("cost", values)], groups, LIMITS);
        assert_eq!(found.is_clean(), LocalCheck::ALL.into_iter().all(|c| found.passed(c)));
        found.objections().iter().map(|o| (o.check, o.group)).collect()
    }

    #[test]
    fn o5_ordinary_rows_pass() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        assert!(objections(6, &values, None).is_empty());
        assert!(objections(6, &values, Some((&[0, 0, 0, 1, 1, 1], 2))).is_empty());
    }

    #[test]
    fn o5_small_and_empty_groups_are_found() {
        let values = [1.0, 2.0, 3.0, 4.0, 5.0];
        assert_eq!(objections(5, &values, Some((&[0, 0, 0, 1, 1], 2))), [(LocalCheck::Cells, Some(1))]);
        assert_eq!(objections(5, &values, Some((&[0; 5], 2))), [(LocalCheck::Cells, Some(1))]);
        assert_eq!(objections(5, &values, Some((&[0, 0, 0, 0, 7], 1)))[0], (LocalCheck::Cells, Some(7)));
        assert_eq!(objections(2, &[1.0, 2.0], None), [(LocalCheck::Cells, None)]);
    }

    #[test]
    fn o4_a_constant_column_would_be_published_verbatim() {
        assert_eq!(objections(4, &[7.0; 4], None), [(LocalCheck::Verbatim, None)]);
        let grouped = objections(6, &[7.0, 7.0, 7.0, 1.0, 2.0, 3.0], Some((&[0, 0, 0, 1, 1, 1], 2)));
        assert_eq!(grouped, [(LocalCheck::Verbatim, Some(0))]);
    }

    #[test]
    fn o5_one_dominant_row_is_found() {
        assert_eq!(objections(4, &[1_000.0, 1.0, 2.0, 3.0], None), [(LocalCheck::Dominance, None)]);
        assert_eq!(objections(4, &[f64::NAN, 1.0, 2.0, 3.0], None), [(LocalCheck::Dominance, None)]);
        // all zero: nobody dominates, but everybody has the mean
        assert_eq!(objections(3, &[0.0; 3], None), [(LocalCheck::Verbatim, None)]);
    }

    #[test]
    fn o5_labels_of_which_errors_are_told() {
        let found = |values: &[f64], judged| {
            examine_errors("cost", values, judged, LIMITS).objections().iter().map(|o| o.check).collect::<Vec<_>>()
        };
        let ordinary: Vec<f64> = (0..40).map(f64::from).collect();
        assert_eq!(found(&ordinary, 30), []);
        // far from the others, though its part of the sum is small
        let mut far: Vec<f64> = (0..40).map(|row| 1000.0 + f64::from(row % 2)).collect();
        far[7] = 1040.0;
        assert_eq!(found(&far, 100), [LocalCheck::Dominance]);
        // in the half of the rows that is told one of two may be alone
        far[8] = 960.0;
        assert_eq!(found(&far, 100), []);
        assert_eq!(found(&far, 50), [LocalCheck::Dominance]);
        // counts of which nearly all are zero: 12 others of 40 are enough for half of the rows, 4 are not
        let rare = |others: usize| (0..40).map(|row| if row < others { 1.0 } else { f64::from(row as u8 % 2) * -0.0 }).collect::<Vec<_>>();
        assert_eq!(found(&rare(12), 50), []);
        assert_eq!(found(&rare(4), 50), [LocalCheck::Cells]);
        assert!(found(&[2.0; 40], 30).contains(&LocalCheck::Verbatim));
        assert!(found(&[f64::NAN; 40], 30).contains(&LocalCheck::Dominance));
        assert!(found(&[], 30).contains(&LocalCheck::Cells));
    }

    #[test]
    fn lengths_that_disagree_object() {
        assert!(!objections(4, &[1.0, 2.0, 3.0], None).is_empty());
    }
}
