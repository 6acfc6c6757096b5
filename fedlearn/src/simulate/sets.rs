//! Public data sets with the splits behind the figures of central training: 80 to 20, stratified (`splits/<set>.csv`: row, id, test).
//!
//! | set | rows, columns after coding | classes |
//! |---|---|---|
//! | digits (UCI optical digits, scikit-learn) | 1797, 64 | 10 |
//! | breast cancer (UCI Wisconsin diagnostic, scikit-learn) | 569, 30 | 2 |
//! | adult (UCI), one column a category | 32561, 108 | 2 |
//! | bank marketing (UCI), one column a category | 45211, 51 | 2 |
//! | MNIST test images: first 8000 to train, last 2000 to test | 10000, 784 in 0..1 | 10 |

use std::path::Path;

use yu_desensitize::Table;
use yu_desensitize::column;
use yu_desensitize::read::{ReadOptions, read_table, read_table_from};

use crate::data::Dataset;
use crate::data::coding::{Coding, Target};
use crate::{Error, Result};

/// A tabular set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// Optical digits.
    Digits,
    /// Breast cancer.
    Breast,
    /// Adult income.
    Adult,
    /// Bank marketing.
    Bank,
}

const ADULT: &str = "age,workclass,fnlwgt,education,education-num,marital-status,occupation,relationship,race,sex,capital-gain,capital-loss,\
                     hours-per-week,native-country,income\n";

impl Set {
    /// Files of the data and of the split, below the data folder.
    #[must_use]
    pub const fn files(self) -> (&'static str, &'static str) {
        match self {
            Self::Digits => ("sklearn_digits/digits.csv", "splits/sklearn_digits.csv"),
            Self::Breast => ("sklearn_breast_cancer/breast_cancer.csv", "splits/sklearn_breast_cancer.csv"),
            Self::Adult => ("adult/adult.data", "splits/adult.csv"),
            Self::Bank => ("bank_marketing/bank-full.csv", "splits/bank_marketing.csv"),
        }
    }

    /// Rows to train on and rows to test on, as coded, not standardised.
    ///
    /// # Errors
    /// `Data` for a file that is not there or not as expected.
    pub fn load(self, folder: &Path) -> Result<(Dataset, Dataset)> {
        let (data, split) = self.files();
        let read = |path: &str| read_table(folder.join(path), &ReadOptions::default()).map_err(|error| refuse(path, &error.to_string()));
        let class = |column: &str, classes: &[&str]| Target::Class {
            column: column.into(),
            classes: classes.iter().map(|class| (*class).into()).collect(),
        };
        let (table, target) = match self {
            Self::Digits | Self::Breast => {
                let table = read(data)?;
                let last = table.column_names().last().map(|name| (*name).to_owned()).unwrap_or_default();
                (table, Target::Number { column: last })
            }
            Self::Bank => (read(data)?, class("y", &["no", "yes"])),
            Self::Adult => {
                // the file has no header and a space after each comma
                let text = std::fs::read_to_string(folder.join(data)).map_err(|error| refuse(data, &error.to_string()))?;
                let text = format!("{ADULT}{}", text.replace(", ", ","));
                let table = read_table_from("adult.csv", text.into_bytes().into(), &ReadOptions::default());
                (table.map_err(|error| refuse(data, &error.to_string()))?, class("income", &["<=50K", ">50K"]))
            }
        };
        let all = Coding::of_table(&table, target)?.apply(&table)?;
        divide(&all, &read(split)?, split)
    }
}

/// Rows by the column `test` of a split.
fn divide(all: &Dataset, split: &Table, name: &str) -> Result<(Dataset, Dataset)> {
    let test = column::numeric(split, "test").map_err(|error| refuse(name, &error.to_string()))?;
    if test.len() != all.rows() {
        return Err(refuse(name, &format!("{} rows where the data have {}", test.len(), all.rows())));
    }
    let rows = |wanted: bool| (0..all.rows()).filter(|row| (test[*row] == 1.0) == wanted).collect::<Vec<_>>();
    Ok((all.take(&rows(false))?, all.take(&rows(true))?))
}

/// The MNIST test images and labels, decompressed IDX files: first 8000 to train, last 2000 to test, pixels over 255.
///
/// # Errors
/// `Data` for other sizes.
pub fn mnist(images: &[u8], labels: &[u8]) -> Result<(Dataset, Dataset)> {
    const ROWS: usize = 10_000;
    let (Some(pixels), Some(labels)) = (images.get(16..), labels.get(8..)) else {
        return Err(refuse("mnist", "a file is too short"));
    };
    if pixels.len() != ROWS * 784 || labels.len() != ROWS {
        return Err(refuse("mnist", "it does not hold 10000 images of 784 pixels and their labels"));
    }
    let x = ndarray::Array2::from_shape_fn((ROWS, 784), |(row, column)| f64::from(pixels[row * 784 + column]) / 255.0);
    let all = Dataset::new(x, labels.iter().map(|label| f64::from(*label)).collect())?;
    let rows: Vec<usize> = (0..ROWS).collect();
    Ok((all.take(&rows[..8000])?, all.take(&rows[8000..])?))
}

fn refuse(what: &str, problem: &str) -> Error {
    Error::Data { what: what.into(), problem: problem.into(), remedy: "take the file of the public data sets".into() }
}
