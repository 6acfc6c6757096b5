//! A model that is split among the computing parties.

use ndarray::Ix1;
use yu_mpc::engine::{Engine, Vector};
use yu_mpc::learn::Weight;
use yu_mpc::secret::Secret;

use super::{Learner, Plan};
use crate::vertical::boost::SharedForest;
use crate::{Error, Result};

/// Shares of a model. It does not print.
pub enum Model<E: Engine> {
    /// Of a regression: the weights of the standardised columns, then the intercept.
    Weights(Secret<E, Weight, Ix1>),
    /// Trees.
    Forest(SharedForest<E>),
}

impl<E: Engine> Model<E> {
    /// All of it in one vector.
    #[must_use]
    pub fn words(&self) -> E::Words {
        match self {
            Self::Weights(weights) => weights.words().clone(),
            Self::Forest(forest) => forest.words(),
        }
    }

    /// Length of that vector.
    ///
    /// # Errors
    /// [`Plan::check`]'s.
    pub fn len(plan: &Plan) -> Result<usize> {
        plan.check()?;
        match &plan.settings.model {
            Learner::LogisticRegression { .. } => Ok(plan.columns[0] + plan.columns[1] + 1),
            Learner::BoostedTrees { bins, .. } => {
                let widths = plan.columns.map(|count| vec![*bins as usize; count]);
                SharedForest::<E>::len_of(&plan.settings.boosting(plan.least)?, [(0, &widths[0]), (1, &widths[1])])
            }
        }
    }

    /// Reads what [`Self::words`] wrote.
    ///
    /// # Errors
    /// [`Error::Caller`] for a vector of another length.
    pub fn from_words(plan: &Plan, words: &E::Words) -> Result<Self> {
        if words.len() != Self::len(plan)? {
            return Err(Error::caller(format!("a model of `{}` words, expected {}", words.len(), Self::len(plan)?)));
        }
        match &plan.settings.model {
            Learner::LogisticRegression { .. } => Ok(Self::Weights(Secret::from_words(words.clone(), Ix1(words.len()))?)),
            Learner::BoostedTrees { bins, .. } => {
                let widths = plan.columns.map(|count| vec![*bins as usize; count]);
                let sides = [(0, &widths[0][..]), (1, &widths[1][..])];
                SharedForest::from_words(&plan.settings.boosting(plan.least)?, sides, words).map(Self::Forest)
            }
        }
    }
}
