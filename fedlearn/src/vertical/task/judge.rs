//! How good a model is on rows whose labels are shared: the words of [`Quality`](super::Quality).
//!
//! | label | words |
//! |---|---|
//! | class | sum over the models of the Brier scores; for each point of the curve the sums of twice the AUC, twice its bound, KS |
//! | one of more than two classes | behind them the share of rows that are told right; sums over the classes of precision, recall, F1 |
//! | number | mean square error in square deviations of the label; share of the variance that is explained |
//! | count | mean square error; share of the deviance that is explained; mean deviance |

use ndarray::{Array1, Ix1, Ix2};
use yu_mpc::engine::{Engine, Module, Vector};
use yu_mpc::learn::{BOUND, Weight};
use yu_mpc::ring::Int;
use yu_mpc::secret::Secret;
use yu_mpc::table;

use super::data::{Data, Truth};
use super::model::other_learner;
use super::{Model, Plan};
use crate::evaluate::shares::{FIGURE, Figure, Rows, Score, brier, exact, only, poisson_deviance, square_error};
use crate::vertical::regression::poisson;
use crate::{Error, Result};

impl<E: Engine> Model<E> {
    /// All figures of the module.
    pub(super) fn judge(&self, engine: &mut E, plan: &Plan, data: &Data<E>, truth: &Truth<E>) -> Result<E::Words> {
        match truth {
            Truth::Classes(labels) => self.judge_classes(engine, plan, data, labels),
            Truth::Numbers(numbers) => {
                enough(plan, numbers.len())?;
                let found = self.numbers(engine, data)?;
                let error = square_error(engine, &found, numbers, None)?;
                let mean = numbers.mean(engine)?;
                let mean = Secret::from_words(mean.words().gather(&vec![0; numbers.len()]), numbers.dim())?;
                let variance = square_error(engine, &mean, numbers, None)?;
                let explained = explained(engine, &error, &variance)?;
                Ok(E::Words::concat(&[error.words(), explained.words()]))
            }
            Truth::Counts([counts, terms]) => {
                enough(plan, counts.len())?;
                let [means, logs] = self.means(engine, data)?;
                let error = square_error(engine, &means, counts, None)?;
                let deviance = poisson_deviance(engine, [counts, terms], [&means, &logs], None)?;
                // of the one mean that the held-out counts have
                let mean: Secret<E, Score, Ix1> = Secret::from_words(counts.mean(engine)?.into_words(), Ix1(1))?;
                let log = mean.ln(engine)?;
                let spread = |one: &Secret<E, Score, Ix1>| Secret::from_words(one.words().gather(&vec![0; counts.len()]), counts.dim());
                let all = poisson_deviance(engine, [counts, terms], [&spread(&mean)?, &spread(&log)?], None)?;
                let explained = explained(engine, &deviance, &all)?;
                Ok(E::Words::concat(&[error.words(), explained.words(), deviance.words()]))
            }
        }
    }

    /// Numbers in deviations of the label from its mean, at most [`BOUND`] of them.
    pub(super) fn numbers(&self, engine: &mut E, data: &Data<E>) -> Result<Secret<E, Weight, Ix1>> {
        Ok(self.scores(engine, data)?.clamp(engine, -BOUND, BOUND)?)
    }

    /// Mean counts and their logarithms.
    pub(super) fn means(&self, engine: &mut E, data: &Data<E>) -> Result<[Secret<E, Weight, Ix1>; 2]> {
        match (self, data) {
            (Self::Weights(weights), Data::Columns(features)) => poisson::means(engine, features, weights, None),
            _ => Err(other_learner()),
        }
    }

    fn judge_classes(&self, engine: &mut E, plan: &Plan, data: &Data<E>, labels: &[Secret<E, Int, Ix1>]) -> Result<E::Words> {
        if self.each().len() != labels.len() {
            return Err(other_learner());
        }
        let mut sum: Option<E::Words> = None;
        let mut scores = Vec::new();
        for (model, labels) in self.each().iter().zip(labels) {
            let (figures, last) = model.judge_one(engine, plan, data, labels)?;
            sum = Some(sum.map_or_else(|| figures.clone(), |sum| sum.add(&figures)));
            scores.push(last);
        }
        let sum = sum.ok_or_else(other_learner)?;
        if labels.len() == 1 {
            return Ok(sum);
        }
        let told = decisions(engine, &scores, labels, plan.least)?;
        Ok(E::Words::concat(&[&sum, &told]))
    }

    /// The Brier score of the whole model, then for each point of the curve twice the AUC, twice its bound, and KS; and the scores.
    fn judge_one(
        &self,
        engine: &mut E,
        plan: &Plan,
        data: &Data<E>,
        labels: &Secret<E, Int, Ix1>,
    ) -> Result<(E::Words, Secret<E, Score, Ix1>)> {
        let figures = |engine: &mut E, scores: &Secret<E, Score, Ix1>| -> Result<E::Words> {
            let counts = exact(engine, scores, &Rows::all(labels))?;
            Ok(counts.figures(engine, plan.least)?.values().words().clone())
        };
        let mut points: Vec<E::Words> = Vec::new();
        let last = match (self, data) {
            (Self::Forest(forest), Data::Bins(table)) => {
                let mut scores = forest.start(table);
                let mut from = 0;
                for to in plan.settings.stages() {
                    scores = forest.advance(engine, table, from..to, &scores)?;
                    from = to;
                    let told: Secret<E, Score, Ix1> = scores.rescale(engine)?;
                    points.push(figures(engine, &told)?);
                }
                scores.rescale(engine)?
            }
            _ => {
                let scores = self.scores(engine, data)?;
                points.push(figures(engine, &scores)?);
                scores
            }
        };
        let told: Secret<E, Score, Ix1> = last.sigmoid(engine)?;
        let error: Secret<E, Figure, Ix1> = brier(engine, &told, labels, None)?;
        Ok((E::Words::concat(&[error.words()].into_iter().chain(&points).collect::<Vec<_>>()), last))
    }
}

/// Scores of all classes beside each other, `[rows, classes]`.
pub(super) fn beside<E: Engine>(scores: &[Secret<E, Score, Ix1>]) -> Result<Secret<E, Score, Ix2>> {
    let rows = scores.first().map_or(0, Secret::len);
    let all = E::Words::concat(&scores.iter().map(Secret::words).collect::<Vec<_>>());
    Ok(Secret::<E, Score, Ix2>::from_words(all, Ix2(scores.len(), rows))?.t())
}

/// Share of the rows that the greatest score tells right; sums over the classes of precision, recall and F1, 0 where a class has none. The precision
/// of a class that is told of fewer than `least` rows would be about these single rows: 0 as well.
fn decisions<E: Engine>(engine: &mut E, scores: &[Secret<E, Score, Ix1>], labels: &[Secret<E, Int, Ix1>], least: u64) -> Result<E::Words> {
    let (classes, rows) = (labels.len(), labels.first().map_or(0, Secret::len));
    let told = beside(scores)?.argmax_one_hot(engine, 1)?.lift(engine)?.t();
    let truth = E::Words::concat(&labels.iter().map(Secret::words).collect::<Vec<_>>());
    let product = yu_mpc::engine::Product::Dots { left: told.words(), right: &truth, terms: rows };
    let right = only(engine.multiply(&[product], 0)?)?;
    let (found, there) = (told.words().sums(rows), truth.sums(rows));
    let lacking = found.sub(&engine.constant(&vec![least; classes]));
    let lacking = Secret::<E, Int, Ix1>::from_words(lacking, Ix1(classes))?.is_negative(engine)?.lift(engine)?;
    let few = only(engine.multiply(&[yu_mpc::engine::Product::Each(&right, lacking.words())], 0)?)?;
    let sums = E::Words::concat(&[&right.sums(classes), &right.sub(&few), &right, &right.scale(2)]).scale(1 << FIGURE);
    let all = engine.constant(&[rows as u64]);
    let counts = E::Words::concat(&[&all, &found, &there, &found.add(&there)]);
    let shares = only(table::means(engine, &[&sums], &counts, 2 * rows)?)?;
    Ok(E::Words::concat(&[&shares.slice(0..1), &shares.slice(1..1 + 3 * classes).sums(classes)]))
}

/// `1 - error / all`, 0 if there is nothing to explain.
fn explained<E: Engine>(engine: &mut E, error: &Secret<E, Figure, Ix1>, all: &Secret<E, Figure, Ix1>) -> Result<Secret<E, Figure, Ix1>> {
    Ok(all.sub(error)?.div(engine, all)?)
}

/// Figures of fewer rows tell about single ones.
fn enough(plan: &Plan, rows: usize) -> Result<()> {
    if rows as u64 >= plan.least {
        return Ok(());
    }
    Err(Error::Unsafe {
        setting: "evaluation".into(),
        reason: format!("{rows} rows to judge by, fewer than {}: figures tell about single rows", plan.least),
        remedy: "evaluate on more rows".into(),
    })
}

/// The class of the greatest score of each row, of equal ones the first; of two classes 1 where the only score is not negative.
pub(super) fn greatest<E: Engine>(engine: &mut E, scores: &[Secret<E, Score, Ix1>]) -> Result<E::Words> {
    match scores {
        [one] => {
            let below = one.is_negative(engine)?.lift(engine)?;
            let ones: Secret<E, Int, Ix1> = Secret::constant(engine, Array1::ones(one.len()).view())?;
            Ok(ones.sub(&below)?.into_words())
        }
        _ => Ok(beside(scores)?.argmax_axis(engine, 1)?.1.into_words()),
    }
}
