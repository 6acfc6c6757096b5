//! The steps of a `job.toml`, as a person writes them, and as the contract states them.
//!
//! ```toml
//! [[steps]]
//! kind = "quantiles"
//! columns = ["right.income"]
//! probabilities = [0.25, 0.5, 0.75]
//! ```
//! Columns are named `left.NAME` and `right.NAME`. What can be found without the catalogue is found when the file is read.

use crate::fault::{Code, Fault, Result};
use serde::Deserialize;
use std::ops::RangeInclusive;
use yu_governance::contract::{ColumnRef, GroupingTerms, Real, Side, StepTerms};
use yu_mpc::analysis::limits;
use yu_mpc::learn::logistic::MAX_L2;

/// One step.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum StepFile {
    /// Count, means, deviations, correlations; group means.
    Stats {
        /// Numeric columns; absent: all of both sides.
        #[serde(default)]
        columns: Option<Vec<String>>,
        /// Categorical column.
        #[serde(default)]
        group: Option<String>,
    },
    /// Means of values around quantiles.
    Quantiles {
        /// Numeric columns.
        columns: Vec<String>,
        /// Parts between 0 and 1, with four digits at most.
        probabilities: Vec<f64>,
    },
    /// Counts by ranges.
    Histogram {
        /// Numeric column.
        column: String,
        /// Ascending.
        edges: Vec<f64>,
    },
    /// Counts, sums and means by categories.
    Groupby {
        /// One or two categorical columns.
        by: Vec<String>,
        /// Numeric columns.
        #[serde(default)]
        values: Vec<String>,
    },
    /// A linear model.
    LinearRegression {
        /// Numeric column.
        target: String,
        /// Numeric columns.
        features: Vec<String>,
        /// Added to the mean square of each standardised feature.
        #[serde(default = "ridge")]
        ridge: f64,
    },
    /// A logistic model.
    LogisticRegression {
        /// Numeric column of zeros and ones.
        target: String,
        /// Numeric columns.
        features: Vec<String>,
        /// Passes over the rows.
        #[serde(default = "epochs")]
        epochs: u32,
        /// Rows of a batch.
        #[serde(default = "batch")]
        batch: u32,
        /// Learning rate.
        #[serde(default = "learning_rate")]
        learning_rate: f64,
        /// Penalty on the weights.
        #[serde(default)]
        l2: f64,
    },
}

const fn ridge() -> f64 {
    0.001
}
const fn epochs() -> u32 {
    5
}
const fn batch() -> u32 {
    256
}
const fn learning_rate() -> f64 {
    0.2
}

/// Least ridge: 2^-16 for each of the most features, rounded up.
const LEAST_RIDGE: f64 = 0.001;

/// One step of the file at its place, for faults.
struct Place<'a> {
    number: usize,
    step: &'a StepFile,
}

impl Place<'_> {
    fn bad<T>(&self, field: &str, what: impl Into<String>) -> Result<T> {
        let kind = self.step.kind();
        Err(Fault::new(Code::Input, what).at(format!("job.toml steps[{}] ({kind}) `{field}`", self.number)))
    }

    fn column(&self, field: &str, text: &str) -> Result<ColumnRef> {
        match column(text) {
            Some(column) => Ok(column),
            None => self.bad(field, format!("`{text}`: a column is named `left.NAME` or `right.NAME`")),
        }
    }

    fn columns(&self, field: &str, texts: &[String], count: RangeInclusive<usize>) -> Result<Vec<ColumnRef>> {
        self.within(field, texts.len(), count)?;
        let mut columns = Vec::with_capacity(texts.len());
        for text in texts {
            let column = self.column(field, text)?;
            if columns.contains(&column) {
                return self.bad(field, format!("`{text}` is named twice"));
            }
            columns.push(column);
        }
        Ok(columns)
    }

    fn within(&self, field: &str, count: usize, allowed: RangeInclusive<usize>) -> Result<()> {
        if allowed.contains(&count) {
            return Ok(());
        }
        self.bad(field, format!("{count}, expected {} to {}", allowed.start(), allowed.end()))
    }

    fn real(&self, field: &str, value: f64, allowed: RangeInclusive<f64>) -> Result<Real> {
        match Real::new(value) {
            Some(real) if allowed.contains(&value) => Ok(real),
            _ => self.bad(field, format!("{value}, expected {} to {}", allowed.start(), allowed.end())),
        }
    }

    fn model(&self, target: &str, features: &[String]) -> Result<(ColumnRef, Vec<ColumnRef>)> {
        let target = self.column("target", target)?;
        let features = self.columns("features", features, 1..=limits::FEATURES)?;
        if features.contains(&target) {
            return self.bad("features", format!("the target `{}` is among them", target.column));
        }
        Ok((target, features))
    }
}

/// `left.NAME` or `right.NAME`.
fn column(text: &str) -> Option<ColumnRef> {
    let (side, name) = text.split_once('.')?;
    let side = match side {
        "left" => Side::Left,
        "right" => Side::Right,
        _ => return None,
    };
    (!name.is_empty()).then(|| ColumnRef { side, column: name.to_owned() })
}

impl StepFile {
    /// Reads a step of the file, counted from 1.
    ///
    /// # Errors
    /// `input.bad` naming the step.
    pub(super) fn parse(number: usize, table: &toml::Table) -> Result<Self> {
        Self::deserialize(toml::Value::Table(table.clone()))
            .map_err(|e| Fault::new(Code::Input, e.message().to_owned()).at(format!("job.toml steps[{number}]")))
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Stats { .. } => "stats",
            Self::Quantiles { .. } => "quantiles",
            Self::Histogram { .. } => "histogram",
            Self::Groupby { .. } => "groupby",
            Self::LinearRegression { .. } => "linear_regression",
            Self::LogisticRegression { .. } => "logistic_regression",
        }
    }

    /// The step as the contract states it. `all` are the numeric columns of both sides, for `stats` without columns; `labels` knows the
    /// categories of a column.
    ///
    /// # Errors
    /// `input.bad` naming step and field; those of `labels`.
    pub(super) fn terms(&self, number: usize, all: &[ColumnRef], labels: &dyn Fn(&ColumnRef) -> Result<Vec<String>>) -> Result<StepTerms> {
        let place = Place { number, step: self };
        let grouping = |field: &str, text: &String| {
            let found = place.column(field, text)?;
            let categories = labels(&found).map_err(|fault| fault.at(format!("job.toml steps[{number}] ({}) `{field}`", self.kind())))?;
            Ok(GroupingTerms { side: found.side, column: found.column, categories })
        };
        match self {
            Self::Stats { columns, group } => {
                let columns = match columns {
                    Some(columns) => place.columns("columns", columns, 1..=limits::STATS_COLUMNS)?,
                    None => all.to_vec(),
                };
                place.within("columns", columns.len(), 1..=limits::STATS_COLUMNS)?;
                Ok(StepTerms::Stats { columns, group: group.as_ref().map(|text| grouping("group", text)).transpose()? })
            }
            Self::Quantiles { columns, probabilities } => {
                place.within("probabilities", probabilities.len(), 1..=limits::QUANTILES)?;
                let mut parts = Vec::with_capacity(probabilities.len());
                for probability in probabilities {
                    let part = (probability * 1e4).round();
                    let exact = (probability * 1e4 - part).abs() < 1e-6;
                    if !exact || !(1.0..=9999.0).contains(&part) {
                        return place.bad("probabilities", format!("{probability}, expected between 0 and 1 with four digits at most"));
                    }
                    parts.push(part as u32);
                }
                let columns = place.columns("columns", columns, 1..=limits::QUANTILE_COLUMNS)?;
                Ok(StepTerms::Quantiles { columns, per_ten_thousand: parts })
            }
            Self::Histogram { column, edges } => {
                place.within("edges", edges.len(), 1..=limits::EDGES)?;
                if !edges.windows(2).all(|pair| matches!(pair, [a, b] if a < b)) {
                    return place.bad("edges", "edges must ascend");
                }
                let edges = edges.iter().map(|edge| place.real("edges", *edge, f64::MIN..=f64::MAX)).collect::<Result<_>>()?;
                Ok(StepTerms::Histogram { column: place.column("column", column)?, edges })
            }
            Self::Groupby { by, values } => {
                place.columns("by", by, 1..=limits::GROUP_COLUMNS)?;
                let by = by.iter().map(|text| grouping("by", text)).collect::<Result<Vec<_>>>()?;
                let groups = by.iter().map(|column| column.categories.len()).product();
                place.within("by", groups, 1..=limits::GROUPS)?;
                Ok(StepTerms::Groupby { by, values: place.columns("values", values, 0..=limits::GROUP_VALUES)? })
            }
            Self::LinearRegression { target, features, ridge } => {
                let (target, features) = place.model(target, features)?;
                Ok(StepTerms::LinearRegression { target, features, ridge: place.real("ridge", *ridge, LEAST_RIDGE..=30.0)? })
            }
            Self::LogisticRegression { target, features, epochs, batch, learning_rate, l2 } => {
                let (target, features) = place.model(target, features)?;
                place.within("epochs", *epochs as usize, 1..=limits::EPOCHS)?;
                place.within("batch", *batch as usize, 1..=limits::BATCH)?;
                // the engine wants the rate divided by the batch below 1
                let most = 10f64.min(f64::from(*batch) * 0.999);
                Ok(StepTerms::LogisticRegression {
                    target,
                    features,
                    epochs: *epochs,
                    batch: *batch,
                    learning_rate: place.real("learning_rate", *learning_rate, 1e-4..=most)?,
                    l2: place.real("l2", *l2, 0.0..=MAX_L2)?,
                })
            }
        }
    }
}
