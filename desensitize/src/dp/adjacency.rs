//! What "one more or one less" means: the unit whose presence is hidden (邻接关系).

use std::fmt;
use std::marker::PhantomData;

use serde::{Deserialize, Serialize};

use super::refuse::parameter;
use crate::error::Result;

/// The adjacency at run time, for records and reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AdjacencyKind {
    /// One record more or less.
    AddRemove,
    /// One record with other values; the number of records is public.
    Substitute,
    /// All records of one subject more or less.
    Subject,
}

mod sealed {
    #[expect(unnameable_types, reason = "sealed: nobody else may define an adjacency")]
    pub trait Sealed {}
}

/// A notion of neighbouring tables. Implemented by [`AddRemove`], [`Substitute`] and [`Subject`] only.
pub trait Adjacency: sealed::Sealed + fmt::Debug + Clone + Copy + Send + Sync + 'static {
    /// Which one.
    const KIND: AdjacencyKind;
}

macro_rules! adjacency {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name {}
        impl sealed::Sealed for $name {}
        impl Adjacency for $name {
            const KIND: AdjacencyKind = AdjacencyKind::$name;
        }
    };
}

adjacency!(
    /// Tables that differ by one record more or less. Protects a person only if each person has at most one record.
    AddRemove
);
adjacency!(
    /// Tables of equal, public size that differ in one record.
    Substitute
);
adjacency!(
    /// Tables that differ by all records of one subject (person), after bounding how many each may have.
    Subject
);

/// How much of a table one neighbour may change. For [`Subject`] it comes from [`bound_rows`](super::bound::bound_rows) or
/// [`bound_groups`](super::bound::bound_groups) only: a promise about people needs the bounding to have taken place.
///
/// ```compile_fail
/// use yu_desensitize::dp::{Neighbours, Subject};
/// let free = Neighbours::<Subject>::record(); // no bounding, no promise about people
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbours<A: Adjacency> {
    rows: u32,
    groups: u32,
    adjacency: PhantomData<A>,
}

impl Neighbours<AddRemove> {
    /// One record more or less.
    #[must_use]
    pub const fn record() -> Self {
        Self { rows: 1, groups: 1, adjacency: PhantomData }
    }
}

impl Neighbours<Substitute> {
    /// One record with other values.
    #[must_use]
    pub const fn record() -> Self {
        Self { rows: 1, groups: 2, adjacency: PhantomData }
    }
}

impl Neighbours<Subject> {
    pub(super) const fn bounded(rows: u32, groups: u32) -> Self {
        Self { rows, groups, adjacency: PhantomData }
    }

    /// What a caller has bounded elsewhere, for example one vector per person clipped before aggregation. The caller vouches for it.
    #[must_use]
    pub const fn danger_assumed(rows: u32) -> Self {
        Self { rows, groups: rows, adjacency: PhantomData }
    }
}

impl<A: Adjacency> Neighbours<A> {
    /// Rows that may appear or vanish (of each of the two tables, for substitution).
    #[must_use]
    pub const fn rows(&self) -> u32 {
        self.rows
    }

    /// Cells of a grouped count that may change.
    #[must_use]
    pub const fn groups(&self) -> u32 {
        self.groups
    }

    /// Of a count of the rows that fulfil a condition.
    #[must_use]
    pub const fn count_sensitivity(&self) -> u64 {
        self.rows as u64
    }

    /// Of a sum of integers between `low` and `high`, where a missing cell counts 0.
    ///
    /// # Errors
    /// `dp.parameter` if it does not fit 62 bits.
    pub fn sum_sensitivity(&self, low: i64, high: i64) -> Result<u64> {
        let (low, high) = (i128::from(low), i128::from(high));
        let magnitude = low.abs().max(high.abs());
        let one = match A::KIND {
            AdjacencyKind::AddRemove | AdjacencyKind::Subject => magnitude,
            // the other value may also be missing, which counts 0
            AdjacencyKind::Substitute => magnitude.max(high - low),
        };
        let all = one * i128::from(self.rows);
        u64::try_from(all).ok().filter(|all| all.leading_zeros() >= 2).ok_or_else(|| {
            parameter(
                "the sensitivity of the sum does not fit 62 bits",
                "求和的敏感度超过 62 位",
                "use narrower bounds or a coarser grid",
                "请收窄截断范围或使用更粗的网格",
            )
        })
    }

    /// Of a histogram: the sum of the changes of all cells (L1).
    #[must_use]
    pub const fn histogram_l1(&self) -> u64 {
        match A::KIND {
            AdjacencyKind::AddRemove | AdjacencyKind::Subject => self.rows as u64,
            AdjacencyKind::Substitute => 2 * self.rows as u64,
        }
    }

    /// Of a histogram: the sum of the squared changes (L2, squared). All rows of a subject may fall into one cell.
    #[must_use]
    pub const fn histogram_l2_squared(&self) -> u64 {
        let rows = self.rows as u64;
        match A::KIND {
            AdjacencyKind::AddRemove | AdjacencyKind::Subject => rows * rows,
            AdjacencyKind::Substitute => 2 * rows * rows,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sensitivities() {
        let one = Neighbours::<AddRemove>::record();
        assert_eq!(one.sum_sensitivity(-3, 10).unwrap(), 10);
        assert_eq!(Neighbours::<Substitute>::record().sum_sensitivity(-3, 10).unwrap(), 13);
        assert_eq!(Neighbours::<Substitute>::record().sum_sensitivity(3, 10).unwrap(), 10);
        let subject = Neighbours::<Subject>::bounded(5, 2);
        assert_eq!((subject.histogram_l1(), subject.histogram_l2_squared()), (5, 25));
        assert!(subject.sum_sensitivity(i64::MIN, 0).is_err());
    }
}
