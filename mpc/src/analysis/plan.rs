//! What is to be computed; derived from the contract.

use std::collections::BTreeSet;

use crate::joint::{EXPONENTS, power, scaled};
use crate::learn::{Logistic, Ridge};
use crate::moments::{MAX_ROWS, Sizes, VALUE_BITS};
use crate::stats::Owner;
use crate::table::Fraction;
use crate::{Error, Result};

/// Bounds that keep a result reviewable and a run affordable.
pub mod limits {
    /// Steps of a plan.
    pub const STEPS: usize = 16;
    /// Columns of a step `stats`.
    pub const STATS_COLUMNS: usize = 256;
    /// Columns of a step `quantiles`: each is a sort.
    pub const QUANTILE_COLUMNS: usize = 16;
    /// Quantiles of a column.
    pub const QUANTILES: usize = 32;
    /// Edges of a histogram.
    pub const EDGES: usize = 256;
    /// Columns that group.
    pub const GROUP_COLUMNS: usize = 2;
    /// Groups: the product of the numbers of categories.
    pub const GROUPS: usize = 1024;
    /// Columns that are added up by group.
    pub const GROUP_VALUES: usize = 64;
    /// Features of a regression.
    pub const FEATURES: usize = 62;
    /// Rows of a batch.
    pub const BATCH: usize = 4096;
    /// Passes over the rows.
    pub const EPOCHS: usize = 100;
    /// Batches in all passes: ten rounds each, and every party runs them dry before it signs.
    pub const DESCENT: usize = 10_000;
}

/// Two tables and what is asked of their join.
#[derive(Clone, Debug, PartialEq)]
pub struct AnalysisPlan {
    /// First input party, `P_0`.
    pub left: TableSide,
    /// Second input party, `P_1`.
    pub right: TableSide,
    /// Name of the helper, `P_2`.
    pub helper: String,
    /// The questions, in the order of the results.
    pub steps: Vec<Step>,
    /// Least number of rows behind a published number: the width of the window around a quantile.
    pub min_cell: u64,
}

/// The columns of one input party that take part.
#[derive(Clone, Debug, PartialEq)]
pub struct TableSide {
    /// Its name.
    pub party: String,
    /// Rows that it shares.
    pub rows: u32,
    /// Numbers.
    pub numeric: Vec<Numeric>,
    /// Categories.
    pub categorical: Vec<Categorical>,
}

/// A column of numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numeric {
    /// Its name.
    pub name: String,
    /// Values are below `2^e` in absolute value.
    pub exponent: i32,
}

/// A column of categories.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Categorical {
    /// Its name.
    pub name: String,
    /// All labels; the code of a label is its place.
    pub labels: Vec<String>,
}

/// A column of a side, by its place among the numeric or among the categorical ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ColumnAt {
    /// Whose.
    pub owner: Owner,
    /// Which.
    pub index: usize,
}

/// One question.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Count, means, sample standard deviations, correlations; means by one categorical column.
    Stats {
        /// Numeric columns.
        columns: Vec<ColumnAt>,
        /// Categorical column.
        group: Option<ColumnAt>,
    },
    /// For each column and part the mean of the `min_cell` (or one more, to be odd) values around the quantile.
    Quantiles {
        /// Numeric columns.
        columns: Vec<ColumnAt>,
        /// Parts strictly between 0 and 1.
        at: Vec<Fraction>,
    },
    /// Counts below the first edge, from each edge to below the next, from the last edge on.
    Histogram {
        /// Numeric column.
        column: ColumnAt,
        /// In units of the column, ascending.
        edges: Vec<f64>,
    },
    /// Counts, sums and means by categories.
    Groupby {
        /// One or two categorical columns.
        by: Vec<ColumnAt>,
        /// Numeric columns.
        values: Vec<ColumnAt>,
    },
    /// Weights of a linear model with a ridge, all columns standardised by their owners.
    LinearRegression {
        /// Numeric column.
        target: ColumnAt,
        /// Numeric columns.
        features: Vec<ColumnAt>,
        /// Added to each feature's mean square.
        ridge: f64,
    },
    /// Weights of a logistic model, features standardised by their owners.
    LogisticRegression {
        /// Numeric column of zeros and ones.
        target: ColumnAt,
        /// Numeric columns.
        features: Vec<ColumnAt>,
        /// Rows a step, passes, learning rate.
        model: Logistic,
        /// Penalty.
        l2: f64,
    },
}

/// How a side's columns are shared, each list in ascending order of the columns' places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Uses {
    /// Numbers as integers.
    pub(super) integers: Vec<usize>,
    /// Numbers standardised.
    pub(super) features: Vec<usize>,
    /// Numbers as labels.
    pub(super) labels: Vec<usize>,
    /// Categories as codes.
    pub(super) codes: Vec<usize>,
    /// Categories as a column of 0 and 1 for each label.
    pub(super) indicators: Vec<usize>,
}

impl Step {
    /// The name that a person writes.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Stats { .. } => "stats",
            Self::Quantiles { .. } => "quantiles",
            Self::Histogram { .. } => "histogram",
            Self::Groupby { .. } => "groupby",
            Self::LinearRegression { .. } => "linear_regression",
            Self::LogisticRegression { .. } => "logistic_regression",
        }
    }
}

impl AnalysisPlan {
    /// Names of the parties by index in [`crate::rep3`].
    #[must_use]
    pub fn parties(&self) -> [&str; 3] {
        [&self.left.party, &self.right.party, &self.helper]
    }

    /// One side.
    #[must_use]
    pub const fn side(&self, owner: Owner) -> &TableSide {
        match owner {
            Owner::Left => &self.left,
            Owner::Right => &self.right,
        }
    }

    /// A numeric column.
    ///
    /// # Errors
    /// [`Error::Caller`] if there is none.
    pub fn numeric(&self, at: ColumnAt) -> Result<&Numeric> {
        self.side(at.owner).numeric.get(at.index).ok_or_else(|| Error::caller("a numeric column that its side does not have"))
    }

    /// A categorical column.
    ///
    /// # Errors
    /// [`Error::Caller`] if there is none.
    pub fn categorical(&self, at: ColumnAt) -> Result<&Categorical> {
        self.side(at.owner).categorical.get(at.index).ok_or_else(|| Error::caller("a categorical column that its side does not have"))
    }

    /// Rows of both sides.
    pub(super) const fn joined_rows(&self) -> usize {
        self.left.rows as usize + self.right.rows as usize
    }

    /// Rows of the table that the steps read.
    #[must_use]
    pub fn step_rows(&self) -> usize {
        if self.is_cut() { self.left.rows.min(self.right.rows) as usize } else { self.joined_rows() }
    }

    /// Whether matched rows are brought to the front, and the rest is cut off: it pays for every step but `stats`.
    pub(super) fn is_cut(&self) -> bool {
        !matches!(self.steps.as_slice(), [Step::Stats { .. }])
    }

    /// Values on each side of the one at a quantile that are averaged with it.
    #[must_use]
    pub const fn half_window(&self) -> usize {
        (self.min_cell / 2) as usize
    }

    pub(super) fn uses(&self, owner: Owner) -> Uses {
        let mut integers = BTreeSet::new();
        let mut features = BTreeSet::new();
        let mut labels = BTreeSet::new();
        let mut codes = BTreeSet::new();
        let mut indicators = BTreeSet::new();
        let own = |columns: &[ColumnAt]| columns.iter().filter(|at| at.owner == owner).map(|at| at.index).collect::<Vec<_>>();
        for step in &self.steps {
            match step {
                Step::Stats { columns, group } => {
                    integers.extend(own(columns));
                    indicators.extend(own(group.as_slice()));
                }
                Step::Quantiles { columns, .. } => integers.extend(own(columns)),
                Step::Histogram { column, .. } => integers.extend(own(&[*column])),
                Step::Groupby { by, values } => {
                    codes.extend(own(by));
                    integers.extend(own(values));
                }
                Step::LinearRegression { target, features: columns, .. } => {
                    features.extend(own(columns));
                    features.extend(own(&[*target]));
                }
                Step::LogisticRegression { target, features: columns, .. } => {
                    features.extend(own(columns));
                    labels.extend(own(&[*target]));
                }
            }
        }
        let list = |set: BTreeSet<usize>| set.into_iter().collect();
        Uses { integers: list(integers), features: list(features), labels: list(labels), codes: list(codes), indicators: list(indicators) }
    }

    /// Columns that a side shares: digests, integers, features, labels, codes, indicators.
    pub(super) fn width(&self, owner: Owner) -> usize {
        let uses = self.uses(owner);
        let labels = |at: &usize| self.side(owner).categorical.get(*at).map_or(0, |column| column.labels.len());
        2 + uses.integers.len()
            + uses.features.len()
            + uses.labels.len()
            + uses.codes.len()
            + uses.indicators.iter().map(labels).sum::<usize>()
    }

    /// Checks what can be checked without data.
    ///
    /// # Errors
    /// [`Error::Caller`] naming the step, for everything that this engine does not compute.
    pub fn check(&self) -> Result<()> {
        let names: BTreeSet<_> = self.parties().into_iter().collect();
        if names.len() < 3 || names.contains("") {
            return Err(Error::caller("left, right and helper have to be three different parties"));
        }
        if self.left.rows == 0 || self.right.rows == 0 || self.joined_rows() > MAX_ROWS {
            let rows = [self.left.rows, self.right.rows];
            return Err(Error::caller(format!("`{rows:?}` rows, expected at least one each and at most `{MAX_ROWS}` together")));
        }
        for side in [&self.left, &self.right] {
            check_side(side)?;
        }
        within("steps", self.steps.len(), 1..=limits::STEPS)?;
        for (at, step) in self.steps.iter().enumerate() {
            self.check_step(step).map_err(|error| Error::caller(format!("step {} `{}`: {error}", at + 1, step.kind())))?;
        }
        Ok(())
    }

    fn check_step(&self, step: &Step) -> Result<()> {
        match step {
            Step::Stats { columns, group } => {
                self.numbers(columns, 1..=limits::STATS_COLUMNS)?;
                group.iter().try_for_each(|at| self.categorical(*at).map(drop))
            }
            Step::Quantiles { columns, at } => {
                self.numbers(columns, 1..=limits::QUANTILE_COLUMNS)?;
                within("quantiles", at.len(), 1..=limits::QUANTILES)?;
                if at.iter().any(|part| part.numerator == 0 || part.numerator >= part.denominator) {
                    return Err(Error::caller("a quantile lies strictly between 0 and 1"));
                }
                if self.half_window() > 1 << 20 {
                    return Err(Error::caller("a minimum cell of more than 2^21 rows"));
                }
                Ok(())
            }
            Step::Histogram { column, edges } => {
                self.numbers(&[*column], 1..=1)?;
                within("edges", edges.len(), 1..=limits::EDGES)?;
                let inside = Edges::of(edges, self.numeric(*column)?.exponent);
                let ascend = edges.windows(2).all(|pair| pair[0] < pair[1]);
                if !edges.iter().all(|edge| edge.is_finite()) || !ascend || !inside.raw.windows(2).all(|pair| pair[0] < pair[1]) {
                    return Err(Error::caller("edges must be numbers that ascend, by more than the 40-bit step of their column"));
                }
                Ok(())
            }
            Step::Groupby { by, values } => {
                within("columns to group by", by.len(), 1..=limits::GROUP_COLUMNS)?;
                distinct(by)?;
                within("groups", self.groups(by)?, 1..=limits::GROUPS)?;
                self.numbers(values, 0..=limits::GROUP_VALUES)
            }
            Step::LinearRegression { target, features, ridge } => {
                self.regression(*target, features)?;
                if *ridge < f64::from(limits::FEATURES as u32) * 2f64.powi(-16) {
                    return Err(Error::caller(format!("ridge `{ridge}`, expected 0.001 at least")));
                }
                Ridge { ridge: *ridge }.check([self.step_rows(), features.len()])
            }
            Step::LogisticRegression { target, features, model, l2 } => {
                self.regression(*target, features)?;
                within("epochs", model.epochs, 1..=limits::EPOCHS)?;
                within("rows of a batch", model.batch, 1..=limits::BATCH)?;
                model.check(self.step_rows(), *l2)?;
                within("batches in all epochs", model.epochs * (self.step_rows() / model.batch), 1..=limits::DESCENT)
            }
        }
    }

    fn regression(&self, target: ColumnAt, features: &[ColumnAt]) -> Result<()> {
        self.numeric(target)?;
        if features.contains(&target) {
            return Err(Error::caller("the target is among the features"));
        }
        self.numbers(features, 1..=limits::FEATURES)
    }

    fn numbers(&self, columns: &[ColumnAt], count: std::ops::RangeInclusive<usize>) -> Result<()> {
        within("columns", columns.len(), count)?;
        distinct(columns)?;
        columns.iter().try_for_each(|at| self.numeric(*at).map(drop))
    }

    /// Number of groups of a step.
    pub(super) fn groups(&self, by: &[ColumnAt]) -> Result<usize> {
        by.iter().try_fold(1usize, |groups, at| Ok(groups.saturating_mul(self.categorical(*at)?.labels.len())))
    }

    /// Elements of a step's result.
    pub(super) fn result_len(&self, step: &Step) -> Result<usize> {
        Ok(match step {
            Step::Stats { columns, group } => {
                let groups = group.map_or(Ok(0), |at| self.categorical(at).map(|column| column.labels.len()))?;
                Sizes { columns: columns.len(), groups }.result_len()
            }
            Step::Quantiles { columns, at } => columns.len() * at.len(),
            Step::Histogram { column, edges } => Edges::of(edges, self.numeric(*column)?.exponent).raw.len() + 1,
            Step::Groupby { by, values } => self.groups(by)? * (1 + values.len()),
            // weights and intercept, then mean and deviation of each column
            Step::LinearRegression { features, .. } => features.len() + 1 + 2 * (features.len() + 1),
            // the same, then the rows with label 1
            Step::LogisticRegression { features, .. } => features.len() + 1 + 2 * features.len() + 1,
        })
    }
}

/// Edges in the units of a column: those within its range, and how many lie below and above it.
pub(super) struct Edges {
    /// Within, as 40-bit integers.
    pub(super) raw: Vec<i64>,
    /// All values are behind so many.
    pub(super) below: usize,
    /// All values are before so many.
    pub(super) above: usize,
}

impl Edges {
    pub(super) fn of(edges: &[f64], exponent: i32) -> Self {
        let limit = power(exponent);
        let inside = edges.iter().filter(|edge| edge.abs() < limit);
        let raw = inside.map(|edge| scaled(*edge, exponent).round_ties_even() as i64).collect();
        Self {
            raw,
            below: edges.iter().filter(|edge| **edge <= -limit).count(),
            above: edges.iter().filter(|edge| **edge >= limit).count(),
        }
    }
}

/// Bits of the integers.
pub(super) const BITS: u32 = VALUE_BITS;

fn check_side(side: &TableSide) -> Result<()> {
    let mut seen = BTreeSet::new();
    let names = side.numeric.iter().map(|column| &column.name).chain(side.categorical.iter().map(|column| &column.name));
    for name in names {
        if name.is_empty() || !seen.insert(name) {
            return Err(Error::caller(format!("`{}`: column `{name}` twice or without a name", side.party)));
        }
    }
    if side.numeric.iter().any(|column| !EXPONENTS.contains(&column.exponent)) {
        return Err(Error::caller(format!("`{}`: a magnitude between -1000 and 1000 for each column", side.party)));
    }
    for column in &side.categorical {
        let distinct: BTreeSet<_> = column.labels.iter().collect();
        if distinct.is_empty() || distinct.len() < column.labels.len() || distinct.len() > limits::GROUPS {
            let what = format!("`{}`: column `{}`: between 1 and {} different categories", side.party, column.name, limits::GROUPS);
            return Err(Error::caller(what));
        }
    }
    Ok(())
}

fn within(what: &str, count: usize, allowed: std::ops::RangeInclusive<usize>) -> Result<()> {
    if allowed.contains(&count) {
        Ok(())
    } else {
        Err(Error::caller(format!("`{count}` {what}, expected {} to {}", allowed.start(), allowed.end())))
    }
}

fn distinct(columns: &[ColumnAt]) -> Result<()> {
    let different = columns.iter().enumerate().all(|(at, column)| !columns[..at].contains(column));
    if different { Ok(()) } else { Err(Error::caller("a column is named twice")) }
}
