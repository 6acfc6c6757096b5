//! The questions of a job: a list of steps over the joined rows, each with its parameters.
//!
//! Bounds on parameters are the engine's; here stands what must hold for the contract to mean one thing.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::terms::{GroupingTerms, Side};
use crate::id::JobId;

/// A numeric column of one side.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ColumnRef {
    /// Whose.
    pub side: Side,
    /// Its name.
    pub column: String,
}

/// A finite number as a parameter.
#[derive(Debug, Clone, Copy)]
pub struct Real(f64);

impl Real {
    /// Takes a finite number; zero has no sign.
    #[must_use]
    pub fn new(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self(value + 0.0))
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

/// Finite, and zero has one form: equality is an equivalence.
impl PartialEq for Real {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Real {}

impl Serialize for Real {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0)
    }
}

impl<'de> Deserialize<'de> for Real {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(f64::deserialize(deserializer)?).ok_or_else(|| de::Error::custom("expected a finite number"))
    }
}

/// One question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum StepTerms {
    /// Count, means, standard deviations, correlations; means by a category.
    Stats {
        /// Which columns, in the order of the output.
        columns: Vec<ColumnRef>,
        /// Group means, if asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        group: Option<GroupingTerms>,
    },
    /// Means of at least `min_cell` values around quantiles.
    Quantiles {
        /// Which columns.
        columns: Vec<ColumnRef>,
        /// Parts of the rows below, in ten thousandths.
        per_ten_thousand: Vec<u32>,
    },
    /// Counts below the first edge, between edges, from the last on.
    Histogram {
        /// Which column.
        column: ColumnRef,
        /// Ascending.
        edges: Vec<Real>,
    },
    /// Counts, sums, means by one or two categories.
    Groupby {
        /// Columns that group, of either side.
        by: Vec<GroupingTerms>,
        /// Columns that are added up.
        values: Vec<ColumnRef>,
    },
    /// A linear model with a ridge.
    LinearRegression {
        /// What is predicted.
        target: ColumnRef,
        /// From what.
        features: Vec<ColumnRef>,
        /// Added to each feature's mean square, 1 for a standardised one.
        ridge: Real,
    },
    /// A logistic model by gradient descent on batches in the order of the digests.
    LogisticRegression {
        /// A column of zeros and ones.
        target: ColumnRef,
        /// From what.
        features: Vec<ColumnRef>,
        /// Passes over the rows.
        epochs: u32,
        /// Rows of a batch.
        batch: u32,
        /// Step along the mean gradient of a batch.
        learning_rate: Real,
        /// Penalty on the weights.
        l2: Real,
    },
    /// A model of aligned rows that stays split among the computing parties (纵向联邦学习): trained, and judged on rows held out.
    Train(ModelTerms),
    /// Such a model judged on other rows.
    Evaluate(ModelTerms),
    /// Its answers for other rows.
    Predict(ModelTerms),
}

/// A split model: what it is made of, or which one is used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelTerms {
    /// The column that is predicted: classes from 0, counts or numbers, as the settings say; absent where nothing is judged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<ColumnRef>,
    /// From what is predicted: of each side at least one.
    pub features: Vec<ColumnRef>,
    /// How it is or was trained, word by word.
    pub settings: String,
    /// The job that trained it; absent where it is trained.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<JobId>,
}

impl StepTerms {
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
            Self::Train(_) => "train",
            Self::Evaluate(_) => "evaluate",
            Self::Predict(_) => "predict",
        }
    }

    /// Numeric columns that it reads.
    #[must_use]
    pub fn numbers(&self) -> Vec<&ColumnRef> {
        match self {
            Self::Stats { columns, .. } | Self::Quantiles { columns, .. } => columns.iter().collect(),
            Self::Histogram { column, .. } => vec![column],
            Self::Groupby { values, .. } => values.iter().collect(),
            Self::LinearRegression { target, features, .. } | Self::LogisticRegression { target, features, .. } => {
                features.iter().chain([target]).collect()
            }
            Self::Train(terms) | Self::Evaluate(terms) | Self::Predict(terms) => terms.features.iter().chain(&terms.target).collect(),
        }
    }

    /// Categorical columns that it reads.
    #[must_use]
    pub fn categories(&self) -> Vec<&GroupingTerms> {
        match self {
            Self::Stats { group, .. } => group.iter().collect(),
            Self::Groupby { by, .. } => by.iter().collect(),
            _ => Vec::new(),
        }
    }

    /// What it says of a model that stays split.
    #[must_use]
    pub const fn split_model(&self) -> Option<&ModelTerms> {
        match self {
            Self::Train(terms) | Self::Evaluate(terms) | Self::Predict(terms) => Some(terms),
            _ => None,
        }
    }

    /// Whether the result is a model.
    #[must_use]
    pub const fn is_model(&self) -> bool {
        matches!(self, Self::LinearRegression { .. } | Self::LogisticRegression { .. })
    }

    /// Whether counts of rows are told group by group.
    #[must_use]
    pub const fn counts_groups(&self) -> bool {
        matches!(self, Self::Stats { group: Some(_), .. } | Self::Histogram { .. } | Self::Groupby { .. })
    }
}
