//! What a person sets of a vertical training.

use serde::{Deserialize, Serialize};
use yu_mpc::learn::{Logistic, Poisson, Ridge};

use crate::trees::{Boosting, Loss};
use crate::{Error, Result};

/// Most rows.
const MOST_ROWS: usize = 1 << 20;
/// Most steps of a descent.
const MOST_STEPS: u64 = 10_000;
/// Most numbers of a model.
const MOST_WORDS: u64 = 1 << 24;
/// Most levels of all trees: each takes some hundred rounds, and a price is counted round by round.
const MOST_LEVELS: u64 = 20_000;
/// Least ridge for each column of a linear regression: the inverse of the moments is kept at 20 bits beside residuals of 24, so its entries stay below 2^18,
/// and the trace of the moments is scaled to at most 1.
const LINEAR_RIDGE: f64 = 1.0 / 65_536.0;
/// The same of a Poisson regression, whose moments have 14 bits.
const POISSON_RIDGE: f64 = 1.0 / 8_192.0;
/// Most rows of all nodes of all trees.
const MOST_WORK: u64 = 1 << 32;
/// Most columns of a regression that inverts a matrix of them.
const MOST_COLUMNS: usize = 62;
/// Most cells of a table that is weighed row by row.
const MOST_CELLS: u64 = 1 << 25;
/// Most classes.
const MOST_CLASSES: u32 = 32;

/// How to train and to judge.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// What is trained.
    pub model: Learner,
    /// Rows held out to judge by, in hundredths of all, 5 to 50.
    #[serde(default = "quarter")]
    pub hold_out: u32,
    /// Points of the learning curve, 1 to 20; a regression has one.
    #[serde(default = "one")]
    pub points: u32,
    /// Classes of the label, 2 to 32: labels are 0, 1 and so on. More than two are as many models, each of its class against all others.
    #[serde(default = "two", skip_serializing_if = "is_two")]
    pub classes: u32,
    /// What a prediction of a class tells.
    #[serde(default, skip_serializing_if = "Answer::is_probabilities")]
    pub answer: Answer,
}

/// What a prediction of a class tells.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Of two classes the probability of the label 1; of more, that of each against the others: they need not add up to 1.
    #[default]
    Probabilities,
    /// The number of the class with the greatest score, of equal ones the first, and nothing of the scores.
    Class,
}

impl Answer {
    fn is_probabilities(&self) -> bool {
        matches!(self, Self::Probabilities)
    }
}

/// A model of a label.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Learner {
    /// Logistic regression by gradient descent on batches.
    LogisticRegression {
        /// Passes over the rows.
        #[serde(default = "epochs")]
        epochs: u32,
        /// Rows of a batch.
        #[serde(default = "batch")]
        batch: u32,
        /// Learning rate.
        #[serde(default = "rate")]
        learning_rate: f64,
        /// Penalty on the weights.
        #[serde(default)]
        l2: f64,
    },
    /// Linear regression in closed form: the label is a number.
    LinearRegression {
        /// Added to the mean square of each column.
        #[serde(default = "ridge")]
        ridge: f64,
    },
    /// Poisson regression by Newton's method: the label is a count.
    PoissonRegression {
        /// Newton's iterations.
        #[serde(default = "iterations")]
        iterations: u32,
        /// Penalty on the weights, on the scale of the mean count.
        #[serde(default = "ridge")]
        ridge: f64,
    },
    /// Gradient-boosted trees on histograms.
    BoostedTrees {
        /// Number of trees.
        #[serde(default = "trees")]
        trees: u32,
        /// Splits between root and leaf.
        #[serde(default = "depth")]
        depth: u32,
        /// Learning rate.
        #[serde(default = "tenth")]
        learning_rate: f64,
        /// Bins of each feature.
        #[serde(default = "bins")]
        bins: u32,
        /// Penalty on the squares of leaves.
        #[serde(default = "lambda")]
        lambda: f64,
    },
}

const fn quarter() -> u32 {
    25
}
const fn one() -> u32 {
    1
}
const fn two() -> u32 {
    2
}
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde wants")]
const fn is_two(classes: &u32) -> bool {
    *classes == 2
}
const fn iterations() -> u32 {
    10
}
const fn ridge() -> f64 {
    1e-3
}
const fn epochs() -> u32 {
    10
}
const fn batch() -> u32 {
    256
}
const fn rate() -> f64 {
    0.2
}
const fn trees() -> u32 {
    50
}
const fn depth() -> u32 {
    3
}
const fn tenth() -> f64 {
    0.1
}
const fn bins() -> u32 {
    16
}
const fn lambda() -> f64 {
    1.0
}

/// What a label means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// One of so many classes.
    Class(u32),
    /// A number.
    Number,
    /// A count.
    Count,
}

impl Settings {
    /// Of a model, as when nothing else is said.
    #[must_use]
    pub const fn new(model: Learner) -> Self {
        Self { model, hold_out: quarter(), points: one(), classes: two(), answer: Answer::Probabilities }
    }

    /// From the text that a contract has.
    ///
    /// # Errors
    /// [`Error::Caller`] with what does not parse.
    pub fn from_json(text: &str) -> Result<Self> {
        serde_json::from_str(text).map_err(|error| Error::caller(format!("settings of a vertical training: {error}")))
    }

    /// What the label means.
    #[must_use]
    pub const fn target(&self) -> Target {
        match self.model {
            Learner::LogisticRegression { .. } | Learner::BoostedTrees { .. } => Target::Class(self.classes),
            Learner::LinearRegression { .. } => Target::Number,
            Learner::PoissonRegression { .. } => Target::Count,
        }
    }

    /// How many models are trained: of two classes one.
    #[must_use]
    pub const fn models(&self) -> usize {
        if self.classes > 2 { self.classes as usize } else { 1 }
    }

    /// Points of the learning curve as numbers of trees, ascending, the last one all of them; a regression of numbers or counts has none.
    #[must_use]
    pub fn stages(&self) -> Vec<usize> {
        match self.model {
            Learner::LinearRegression { .. } | Learner::PoissonRegression { .. } => Vec::new(),
            Learner::LogisticRegression { .. } => vec![0],
            Learner::BoostedTrees { trees, .. } => {
                let points = self.points.min(trees).max(1);
                (1..=points).map(|at| (trees * at / points) as usize).collect()
            }
        }
    }

    /// The learner as it is trained.
    ///
    /// # Errors
    /// [`Error::Caller`] for another learner.
    pub fn logistic(&self) -> Result<Logistic> {
        match self.model {
            Learner::LogisticRegression { epochs, batch, learning_rate, .. } => {
                Ok(Logistic { rate: learning_rate, batch: batch as usize, epochs: epochs as usize })
            }
            _ => Err(Error::caller("the learner is no logistic regression")),
        }
    }

    /// The same.
    ///
    /// # Errors
    /// [`Error::Caller`] for another learner.
    pub fn linear(&self) -> Result<Ridge> {
        match self.model {
            Learner::LinearRegression { ridge } => Ok(Ridge { ridge }),
            _ => Err(Error::caller("the learner is no linear regression")),
        }
    }

    /// The same.
    ///
    /// # Errors
    /// [`Error::Caller`] for another learner.
    pub fn poisson(&self) -> Result<Poisson> {
        match self.model {
            Learner::PoissonRegression { iterations, ridge } => Ok(Poisson { iterations: iterations as usize, ridge }),
            _ => Err(Error::caller("the learner is no Poisson regression")),
        }
    }

    /// The same with at least `least` rows on either side of each split.
    ///
    /// # Errors
    /// [`Error::Caller`] for a regression.
    pub fn boosting(&self, least: u64) -> Result<Boosting> {
        match self.model {
            Learner::BoostedTrees { trees, depth, learning_rate, lambda, .. } => Ok(Boosting {
                trees: trees as usize,
                depth: depth as usize,
                rate: learning_rate,
                lambda,
                min_rows: usize::try_from(least).unwrap_or(usize::MAX),
                loss: Loss::Logistic,
                ..Boosting::default()
            }),
            _ => Err(Error::caller("a regression has no trees")),
        }
    }

    /// Whether a training over so many rows and columns is one that a party would price before it has said yes: every step of it is counted, of all
    /// models.
    ///
    /// # Errors
    /// [`Error::Caller`] naming what is too much.
    pub fn check_size(&self, rows: usize, columns: usize) -> Result<()> {
        let at_most = |what: &str, found: u64, most: u64| {
            if found > most { Err(Error::caller(format!("{what}: {found}, at most {most}"))) } else { Ok(()) }
        };
        at_most("rows", rows as u64, MOST_ROWS as u64)?;
        let models = self.models() as u64;
        match self.model {
            Learner::LogisticRegression { epochs, batch, .. } => {
                let steps = models * u64::from(epochs) * (rows as u64).div_ceil(u64::from(batch).max(1));
                at_most("steps of descent (classes times epochs times rows over batch)", steps, MOST_STEPS)
            }
            Learner::LinearRegression { ridge } => {
                at_most("columns", columns as u64, MOST_COLUMNS as u64)?;
                firm(ridge, columns, LINEAR_RIDGE)
            }
            Learner::PoissonRegression { ridge, .. } => {
                at_most("columns", columns as u64, MOST_COLUMNS as u64)?;
                firm(ridge, columns + 1, POISSON_RIDGE)?;
                at_most("cells (rows times columns)", rows as u64 * (columns as u64 + 1), MOST_CELLS)
            }
            Learner::BoostedTrees { trees, depth, bins, .. } => {
                let candidates = columns as u64 * u64::from(bins) + 1;
                let words = models * u64::from(trees) * (candidates << depth);
                let work = models * u64::from(trees) * ((rows as u64) << depth);
                at_most(
                    "levels of all trees (classes times trees times depth)",
                    models * u64::from(trees) * u64::from(depth),
                    MOST_LEVELS,
                )?;
                at_most("numbers of the model (classes times trees times 2^depth times columns times bins)", words, MOST_WORDS)?;
                at_most("rows of all nodes (classes times trees times 2^depth times rows)", work, MOST_WORK)
            }
        }
    }

    pub(super) fn check(&self, least: u64) -> Result<()> {
        let is_in = |name: &str, value: u32, least: u32, most: u32| {
            let fits = (least..=most).contains(&value);
            fits.then_some(()).ok_or_else(|| Error::caller(format!("`{name}` is `{value}`, expected {least} to {most}")))
        };
        is_in("hold_out", self.hold_out, 5, 50)?;
        is_in("points", self.points, 1, 20)?;
        is_in("classes", self.classes, 2, MOST_CLASSES)?;
        if !matches!(self.target(), Target::Class(_)) && (self.classes != 2 || self.answer != Answer::Probabilities) {
            return Err(Error::caller(
                "`classes` and `answer` are those of a label of classes: a regression of numbers or counts has none",
            ));
        }
        match self.model {
            Learner::LogisticRegression { epochs, batch, l2, .. } => {
                is_in("epochs", epochs, 1, 100)?;
                is_in("batch", batch, 16, 4096)?;
                Ok(self.logistic()?.check(batch as usize, l2)?)
            }
            Learner::LinearRegression { .. } => Ok(self.linear()?.check([1, 1])?),
            Learner::PoissonRegression { .. } => Ok(self.poisson()?.check([1, 1])?),
            Learner::BoostedTrees { trees, depth, bins, .. } => {
                is_in("trees", trees, 1, 500)?;
                is_in("depth", depth, 1, 6)?;
                is_in("bins", bins, 2, 64)?;
                self.boosting(least)?.check()
            }
        }
    }
}

/// Refuses a ridge at which columns that depend on each other could take the inverse out of its range.
fn firm(ridge: f64, columns: usize, each: f64) -> Result<()> {
    let least = columns as f64 * each;
    if ridge >= least { Ok(()) } else { Err(Error::caller(format!("`ridge` is `{ridge}`, at least `{least}` for {columns} columns"))) }
}
