//! Tables into features by a coding that all parties share (特征编码): numbers as they are, categories as one column a level.

use ndarray::Array2;
use serde::{Deserialize, Serialize};
use yu_desensitize::{Table, column};

use super::Dataset;
use crate::{Error, Result};

/// More levels than this in one column are refused.
const MOST_LEVELS: usize = 10_000;

/// One column of the table.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Feature {
    /// A number.
    Number {
        /// Column of the table.
        column: String,
    },
    /// One feature a level: 1 where the row has it. A value that is no level is refused.
    OneHot {
        /// Column of the table.
        column: String,
        /// All values that may occur, public.
        levels: Vec<String>,
    },
}

/// What the target is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Target {
    /// A number.
    Number {
        /// Column of the table.
        column: String,
    },
    /// The place of the value among the classes, from 0.
    Class {
        /// Column of the table.
        column: String,
        /// All classes in order, public.
        classes: Vec<String>,
    },
}

/// How a table becomes features and targets. Public, part of the model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Coding {
    /// Columns in order.
    pub features: Vec<Feature>,
    /// What is predicted.
    pub target: Target,
}

fn refused(error: &yu_desensitize::Error) -> Error {
    Error::Data { what: "table".into(), problem: error.to_string(), remedy: "correct the table, or the coding in the job file".into() }
}

impl Coding {
    /// Numbers where a column is numeric, else its values as levels in order: what one party would code alone. Parties who train
    /// together agree on one coding instead; reading levels from data tells which values occur.
    ///
    /// # Errors
    /// `Data` for a column with more than 10,000 values.
    pub fn of_table(table: &Table, target: Target) -> Result<Self> {
        let (Target::Number { column: label } | Target::Class { column: label, .. }) = &target;
        let names: Vec<String> = table.column_names().into_iter().map(str::to_owned).filter(|name| name != label).collect();
        let feature = |column: String| {
            if column::numeric(table, &column).is_ok() {
                return Ok(Feature::Number { column });
            }
            let levels = column::distinct(table, &column, MOST_LEVELS).map_err(|error| refused(&error))?;
            Ok(Feature::OneHot { column, levels })
        };
        Ok(Self { features: names.into_iter().map(feature).collect::<Result<_>>()?, target })
    }

    /// Number of feature columns.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.features.iter().map(|feature| if let Feature::OneHot { levels, .. } = feature { levels.len() } else { 1 }).sum()
    }

    /// Rows of the table as features and targets.
    ///
    /// # Errors
    /// `Data` for a missing column, a value that is no level or class, or a number that is missing.
    pub fn apply(&self, table: &Table) -> Result<Dataset> {
        let rows = usize::try_from(table.num_rows()).map_err(|_| Error::caller("the table has more rows than this machine can address"))?;
        let mut x = Array2::zeros((rows, self.columns()));
        let mut start = 0;
        for feature in &self.features {
            match feature {
                Feature::Number { column } => {
                    let values = column::numeric(table, column).map_err(|error| refused(&error))?;
                    x.column_mut(start).iter_mut().zip(values).for_each(|(cell, value)| *cell = value);
                    start += 1;
                }
                Feature::OneHot { column, levels } => {
                    let codes = column::categories(table, column, levels).map_err(|error| refused(&error))?;
                    for (mut row, code) in x.rows_mut().into_iter().zip(codes) {
                        if let Some(cell) = row.get_mut(start + code as usize) {
                            *cell = 1.0;
                        }
                    }
                    start += levels.len();
                }
            }
        }
        let y = match &self.target {
            Target::Number { column } => column::numeric(table, column).map_err(|error| refused(&error))?,
            Target::Class { column, classes } => {
                column::categories(table, column, classes).map_err(|error| refused(&error))?.into_iter().map(f64::from).collect()
            }
        };
        Dataset::new(x, y)
    }
}
