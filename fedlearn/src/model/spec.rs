//! What a job file says of a model.

use serde::{Deserialize, Serialize};

use super::head::Head;
use super::network::{Activation, Network};
use crate::{Error, Result};

/// More parameters than this are refused before anything is allocated: 64 Mi, half a gigabyte.
const MOST: usize = 1 << 26;

/// Model and hyperparameters. `l2` is the factor of half the sum of squared weights (not biases) beside the mean loss;
/// scikit-learn's `C` over `n` rows is `l2 = 1 / (C n)`.
///
/// ```
/// use yu_fedlearn::model::{Model, Spec};
/// let spec: Spec = serde_json::from_str(r#"{ "name": "softmax", "classes": 10, "l2": 0.001 }"#).unwrap();
/// assert_eq!(spec.build(64)?.parameters(), 650);
/// # Ok::<(), yu_fedlearn::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case", deny_unknown_fields)]
pub enum Spec {
    /// Linear regression, half squared error.
    Linear {
        /// Penalty.
        #[serde(default)]
        l2: f64,
    },
    /// Logistic regression of classes 0 and 1.
    Logistic {
        /// Penalty.
        #[serde(default)]
        l2: f64,
    },
    /// Multinomial logistic regression.
    Softmax {
        /// Number of classes.
        classes: u32,
        /// Penalty.
        #[serde(default)]
        l2: f64,
    },
    /// Poisson regression with logarithmic link.
    Poisson {
        /// Penalty.
        #[serde(default)]
        l2: f64,
    },
    /// Dense layers with an activation between them.
    Mlp {
        /// Widths of the hidden layers.
        hidden: Vec<u32>,
        /// What is learnt.
        task: Task,
        /// Between the layers.
        #[serde(default)]
        activation: Activation,
        /// Penalty.
        #[serde(default)]
        l2: f64,
    },
}

/// What a perceptron learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Task {
    /// One of so many classes.
    Classes(u32),
    /// Class 0 or 1, one output.
    Binary,
    /// A number, half squared error.
    Regression,
}

impl Spec {
    /// The model for so many columns.
    ///
    /// # Errors
    /// `Caller` for no column, fewer than 2 classes, an empty layer, a penalty that is not finite and at least 0, or a model above
    /// 64 Mi parameters.
    pub fn build(&self, columns: usize) -> Result<Network> {
        let classes = |classes: u32| {
            if classes < 2 {
                Err(Error::caller(format!("a model of {classes} classes learns nothing: give 2 or more")))
            } else {
                Ok(Head::Softmax(classes as usize))
            }
        };
        let none: &[u32] = &[];
        let (hidden, activation, head, l2) = match self {
            Self::Linear { l2 } => (none, Activation::default(), Head::Squared, *l2),
            Self::Logistic { l2 } => (none, Activation::default(), Head::Logistic, *l2),
            Self::Softmax { classes: count, l2 } => (none, Activation::default(), classes(*count)?, *l2),
            Self::Poisson { l2 } => (none, Activation::default(), Head::Poisson, *l2),
            Self::Mlp { hidden, task, activation, l2 } => {
                let head = match task {
                    Task::Classes(count) => classes(*count)?,
                    Task::Binary => Head::Logistic,
                    Task::Regression => Head::Squared,
                };
                (hidden.as_slice(), *activation, head, *l2)
            }
        };
        if !(l2 >= 0.0 && l2.is_finite()) {
            return Err(Error::caller(format!("the penalty `l2` is `{l2}`: give a finite number of at least 0")));
        }
        let widths: Vec<usize> =
            std::iter::once(columns).chain(hidden.iter().map(|width| *width as usize)).chain([head.outputs()]).collect();
        if widths.contains(&0) {
            return Err(Error::caller("a layer of the model has no unit, or the data have no column"));
        }
        let size = widths.windows(2).fold(0usize, |sum, pair| match *pair {
            [a, b] => sum.saturating_add((a + 1).saturating_mul(b)),
            _ => sum,
        });
        if size > MOST {
            return Err(Error::caller(format!("the model has {size} parameters, more than {MOST}: choose smaller layers")));
        }
        Ok(Network::new(widths, activation, head, l2))
    }
}
