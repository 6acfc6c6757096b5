//! A model that is split among the computing parties: trained, written as one vector, used for scores.

use ndarray::Ix1;
use yu_mpc::engine::{Engine, Vector};
use yu_mpc::learn::Weight;
use yu_mpc::secret::Secret;
use zeroize::Zeroizing;

use super::data::Data;
use super::{Learner, Plan, Preparation};
use crate::vertical::boost::{self, SharedForest};
use crate::vertical::regression::poisson::{Counts, Exposure, poisson, share_counts};
use crate::vertical::{Labels, regression};
use crate::{Error, Result};

/// Words of a unit: mean and deviation.
const UNIT: usize = 2;

/// Shares of a model. It does not print.
pub enum Model<E: Engine> {
    /// Of a regression: the weights of the standardised columns, then the intercept.
    Weights(Secret<E, Weight, Ix1>),
    /// Of a linear regression also mean and deviation of the label in the training.
    Numbers {
        /// As above, for a label in deviations from its mean.
        weights: Secret<E, Weight, Ix1>,
        /// Mean, then deviation, with the fraction bits of a weight.
        unit: E::Words,
    },
    /// Trees.
    Forest(SharedForest<E>),
    /// One for each class against all others.
    Classes(Vec<Self>),
}

impl<E: Engine> Model<E> {
    /// All of it in one vector.
    #[must_use]
    pub fn words(&self) -> E::Words {
        match self {
            Self::Weights(weights) => weights.words().clone(),
            Self::Numbers { weights, unit } => E::Words::concat(&[weights.words(), unit]),
            Self::Forest(forest) => forest.words(),
            Self::Classes(models) => {
                let all: Vec<E::Words> = models.iter().map(Self::words).collect();
                E::Words::concat(&all.iter().collect::<Vec<_>>())
            }
        }
    }

    /// Length of that vector.
    ///
    /// # Errors
    /// [`Plan::check`]'s.
    pub fn len(plan: &Plan) -> Result<usize> {
        plan.check()?;
        Ok(plan.settings.models() * Self::len_of_one(plan)?)
    }

    /// Reads what [`Self::words`] wrote.
    ///
    /// # Errors
    /// [`Error::Caller`] for a vector of another length.
    pub fn from_words(plan: &Plan, words: &E::Words) -> Result<Self> {
        if words.len() != Self::len(plan)? {
            return Err(Error::caller(format!("a model of `{}` words, expected {}", words.len(), Self::len(plan)?)));
        }
        let (models, len) = (plan.settings.models(), Self::len_of_one(plan)?);
        if models == 1 {
            return Self::one_from_words(plan, words);
        }
        (0..models).map(|at| Self::one_from_words(plan, &words.slice(at * len..(at + 1) * len))).collect::<Result<_>>().map(Self::Classes)
    }

    /// The models: one, or one for each class.
    pub(super) fn each(&self) -> &[Self] {
        match self {
            Self::Classes(models) => models,
            one => std::slice::from_ref(one),
        }
    }

    /// Log-odds, or linear predictors.
    pub(super) fn scores(&self, engine: &mut E, data: &Data<E>) -> Result<Secret<E, Weight, Ix1>> {
        match (self, data) {
            (Self::Weights(weights) | Self::Numbers { weights, .. }, Data::Columns(features)) => {
                Ok(yu_mpc::learn::logistic::scores(engine, features, weights)?)
            }
            (Self::Forest(forest), Data::Bins(table)) => Ok(forest.scores(engine, table)?.rescale(engine)?),
            _ => Err(other_learner()),
        }
    }

    /// Trains on labels that their owner passes; `known` is its preparation. `told` hears the hundredths that are done.
    pub(super) fn fit(
        engine: &mut E,
        plan: &Plan,
        data: &Data<E>,
        labels: Option<&[f64]>,
        known: Option<&Preparation>,
        told: &mut dyn FnMut(u8),
    ) -> Result<Self> {
        let (rows, owner) = (data.rows(), plan.labels);
        match (&plan.settings.model, data) {
            (Learner::LinearRegression { .. }, Data::Columns(features)) => {
                let values = labels.map(|labels| super::data::standardised(labels, known)).transpose()?;
                let labels = Labels { owner, values: values.as_ref().map(|values| &values[..]) };
                let weights = regression::linear(engine, &plan.settings.linear()?, features, &labels)?;
                Ok(Self::Numbers { weights, unit: super::data::share_unit(engine, plan, known)? })
            }
            (Learner::PoissonRegression { .. }, Data::Columns(features)) => {
                let counts = Counts { owner, values: labels, exposure: Exposure::Equal };
                let targets = share_counts(engine, rows, &counts)?;
                Ok(Self::Weights(poisson(engine, &plan.settings.poisson()?, features, &targets)?.weights))
            }
            _ if plan.settings.models() > 1 => {
                let classes = plan.settings.classes;
                let one = |class: u32| {
                    let own = labels.map(|labels| against_all(labels, class));
                    let mut part = |done: u8| told(((class * 100 + u32::from(done)) / classes) as u8);
                    Self::fit_two(engine, plan, data, own.as_ref().map(|own| &own[..]), &mut part)
                };
                (0..classes).map(one).collect::<Result<_>>().map(Self::Classes)
            }
            _ => Self::fit_two(engine, plan, data, labels, told),
        }
    }

    /// Trains on labels 0 and 1.
    fn fit_two(engine: &mut E, plan: &Plan, data: &Data<E>, values: Option<&[f64]>, told: &mut dyn FnMut(u8)) -> Result<Self> {
        let labels = Labels { owner: plan.labels, values };
        match (&plan.settings.model, data) {
            (Learner::LogisticRegression { l2, .. }, Data::Columns(features)) => {
                Ok(Self::Weights(regression::logistic(engine, &plan.settings.logistic()?, *l2, features, &labels)?))
            }
            (Learner::BoostedTrees { trees, .. }, Data::Bins(table)) => {
                let all = (*trees).max(1) as usize;
                let settings = plan.settings.boosting(plan.least)?;
                Ok(Self::Forest(boost::fit(engine, &settings, table, &labels, |done| told((100 * done / all) as u8))?))
            }
            _ => Err(other_learner()),
        }
    }

    fn len_of_one(plan: &Plan) -> Result<usize> {
        let weights = plan.columns[0] + plan.columns[1] + 1;
        match &plan.settings.model {
            Learner::BoostedTrees { bins, .. } => {
                let widths = plan.columns.map(|count| vec![*bins as usize; count]);
                SharedForest::<E>::len_of(&plan.settings.boosting(plan.least)?, [(0, &widths[0]), (1, &widths[1])])
            }
            Learner::LinearRegression { .. } => Ok(weights + UNIT),
            Learner::LogisticRegression { .. } | Learner::PoissonRegression { .. } => Ok(weights),
        }
    }

    fn one_from_words(plan: &Plan, words: &E::Words) -> Result<Self> {
        match &plan.settings.model {
            Learner::BoostedTrees { bins, .. } => {
                let widths = plan.columns.map(|count| vec![*bins as usize; count]);
                let sides = [(0, &widths[0][..]), (1, &widths[1][..])];
                SharedForest::from_words(&plan.settings.boosting(plan.least)?, sides, words).map(Self::Forest)
            }
            Learner::LinearRegression { .. } => {
                let len = words.len() - UNIT;
                let weights = Secret::from_words(words.slice(0..len), Ix1(len))?;
                Ok(Self::Numbers { weights, unit: words.slice(len..len + UNIT) })
            }
            _ => Ok(Self::Weights(Secret::from_words(words.clone(), Ix1(words.len()))?)),
        }
    }
}

pub(super) fn other_learner() -> Error {
    Error::caller("data that were prepared for another learner")
}

/// 1 for the labels of a class, 0 for the others. What is no class was refused before.
pub(super) fn against_all(labels: &[f64], class: u32) -> Zeroizing<Vec<f64>> {
    Zeroizing::new(labels.iter().map(|label| f64::from(u8::from(*label == f64::from(class)))).collect())
}
