//! Rows of the owners: which of them, how their columns are prepared, how features and labels become shares.

use ndarray::{Array2, ArrayView1, ArrayView2, Axis, Ix1, Ix2};
use yu_mpc::engine::Engine;
use yu_mpc::learn::{Feature, input_labels};
use yu_mpc::ring::Int;
use yu_mpc::secret::Secret;
use zeroize::{Zeroize, Zeroizing};

use super::model::against_all;
use super::settings::Target;
use super::{Learner, Own, Plan, Preparation};
use crate::evaluate::regression::poisson_term;
use crate::evaluate::shares::Score;
use crate::trees::{Binned, Cuts};
use crate::vertical::Features;
use crate::vertical::boost::Table;
use crate::vertical::regression::poisson::check_counts;
use crate::vertical::regression::{self, Columns, Standard};
use crate::{Error, Result};

/// Greatest number that is predicted, and least deviation of numbers: with 16 bits behind the point.
const MOST_NUMBER: f64 = 1_048_576.0;
const LEAST_DEVIATION: f64 = 1.0 / 16.0;

/// Some rows of an owner.
pub(super) struct Part {
    features: Array2<f64>,
    pub(super) labels: Option<Vec<f64>>,
}

impl Drop for Part {
    fn drop(&mut self) {
        if let Some(values) = self.features.as_slice_memory_order_mut() {
            values.zeroize();
        }
        self.labels.zeroize();
    }
}

/// These rows of both owners, as far as they are here; labels are what the plan says.
pub(super) fn parts(plan: &Plan, rows: &[usize], own: [Option<Own<'_>>; 2]) -> Result<[Option<Part>; 2]> {
    let part = |(owner, own): (usize, Option<Own<'_>>)| {
        let Some(own) = own else { return Ok(None) };
        let fits = own.features.ncols() == plan.columns[owner]
            && own.labels.is_none_or(|labels| owner == plan.labels && labels.len() == own.features.nrows())
            && rows.last().is_none_or(|last| *last < own.features.nrows());
        if !fits {
            return Err(Error::caller(format!("features or labels of party `{owner}` do not fit the plan")));
        }
        own.labels.map_or(Ok(()), |labels| check_labels(plan, labels))?;
        let labels = own.labels.map(|labels| rows.iter().filter_map(|row| labels.get(*row)).copied().collect());
        Ok(Some(Part { features: own.features.select(Axis(0), rows), labels }))
    };
    let [left, right] = own;
    Ok([part((0, left))?, part((1, right))?])
}

/// How each owner that is here prepares its columns.
pub(super) fn prepare(plan: &Plan, parts: &[Option<Part>; 2]) -> Result<[Option<Preparation>; 2]> {
    let one = |part: &Option<Part>| -> Result<Option<Preparation>> {
        let Some(part) = part else { return Ok(None) };
        Ok(Some(match (&plan.settings.model, &part.labels) {
            (Learner::BoostedTrees { bins, .. }, _) => {
                let cuts = part.features.columns().into_iter().map(|column| Cuts::quantiles(&column.to_vec(), *bins as usize));
                Preparation::Bins(cuts.collect::<Result<_>>()?)
            }
            (Learner::LinearRegression { .. }, Some(labels)) => {
                let label = Standard::of(column_of(labels)?)?;
                let [mean, deviation] = label.first();
                if mean.abs() > MOST_NUMBER
                    || !(LEAST_DEVIATION..=MOST_NUMBER).contains(&deviation)
                    || labels.iter().all(|one| *one == mean)
                {
                    let problem =
                        format!("all are alike, their mean is beyond {MOST_NUMBER}, or their deviation not from {LEAST_DEVIATION} to it");
                    return Err(label_error(problem, "give them in another unit"));
                }
                Preparation::Labelled { features: Standard::of(part.features.view())?, label }
            }
            _ => Preparation::Scale(Standard::of(part.features.view())?),
        }))
    };
    Ok([one(&parts[0])?, one(&parts[1])?])
}

/// Labels in deviations from their mean in the training.
pub(super) fn standardised(labels: &[f64], known: Option<&Preparation>) -> Result<Zeroizing<Vec<f64>>> {
    let scale = known.and_then(Preparation::label).ok_or_else(unprepared)?;
    Ok(Zeroizing::new(scale.apply(column_of(labels)?)?.into_raw_vec_and_offset().0))
}

/// Shared features, as the learner wants them.
pub(super) enum Data<E: Engine> {
    Columns(Secret<E, Feature, Ix2>),
    Bins(Table<E>),
}

impl<E: Engine> Data<E> {
    pub(super) fn share(
        engine: &mut E,
        plan: &Plan,
        rows: usize,
        parts: &[Option<Part>; 2],
        preparations: [Option<&Preparation>; 2],
    ) -> Result<Self> {
        let Learner::BoostedTrees { bins, .. } = &plan.settings.model else {
            let scaled = |owner: usize| match (&parts[owner], preparations[owner].and_then(Preparation::scale)) {
                (None, _) => Ok(None),
                (Some(part), Some(scale)) => {
                    check_finite(part)?;
                    scale.apply(part.features.view()).map(Some)
                }
                _ => Err(unprepared()),
            };
            let values = [scaled(0)?, scaled(1)?];
            let side =
                |owner: usize| Columns { owner, count: plan.columns[owner], values: values[owner].as_ref().map(|values| values.view()) };
            return Ok(Self::Columns(regression::share(engine, rows, &[side(0), side(1)])?));
        };
        let coded = |owner: usize| match (&parts[owner], preparations[owner]) {
            (None, _) => Ok(None),
            (Some(part), Some(Preparation::Bins(cuts))) => {
                let columns: Vec<Vec<f64>> = part.features.columns().into_iter().map(|column| column.to_vec()).collect();
                Binned::new(&columns, cuts)?.widened(*bins as usize).map(Some)
            }
            _ => Err(unprepared()),
        };
        let values = [coded(0)?, coded(1)?];
        let widths = plan.columns.map(|count| vec![*bins as usize; count]);
        let side = |owner: usize| Features { owner, bins: &widths[owner], data: values[owner].as_ref() };
        Ok(Self::Bins(Table::share(engine, rows, &[side(0), side(1)])?))
    }

    pub(super) fn rows(&self) -> usize {
        match self {
            Self::Columns(features) => features.shape().first().copied().unwrap_or(0),
            Self::Bins(table) => table.rows(),
        }
    }
}

/// Shared labels to judge by.
pub(super) enum Truth<E: Engine> {
    /// 0 and 1: of two classes one vector, of more one for each class.
    Classes(Vec<Secret<E, Int, Ix1>>),
    /// In deviations from the mean of the training.
    Numbers(Secret<E, Score, Ix1>),
    /// Counts, and [`poisson_term`]s.
    Counts([Secret<E, Score, Ix1>; 2]),
}

impl<E: Engine> Truth<E> {
    pub(super) fn share(engine: &mut E, plan: &Plan, rows: usize, parts: &[Option<Part>; 2], known: Option<&Preparation>) -> Result<Self> {
        let own = parts[plan.labels].as_ref().and_then(|part| part.labels.as_deref());
        let mut numbers = |values: Option<Zeroizing<Vec<f64>>>, len: usize| {
            Secret::<E, Score, Ix1>::input(engine, plan.labels, values.as_ref().map(|values| ArrayView1::from(&values[..])), Ix1(len))
        };
        match plan.settings.target() {
            Target::Class(_) => {
                let models = plan.settings.models();
                let class = |at: usize| if models == 1 { 1 } else { at as u32 };
                let own = own.map(|labels| {
                    let each = (0..models).flat_map(|at| against_all(labels, class(at)).iter().map(|one| *one as i64).collect::<Vec<_>>());
                    Zeroizing::new(each.collect::<Vec<i64>>())
                });
                let all = input_labels(engine, plan.labels, own.as_ref().map(|own| ArrayView1::from(&own[..])), models * rows)?;
                let one = |at: usize| all.rows(at * rows..(at + 1) * rows);
                Ok(Self::Classes((0..models).map(one).collect::<std::result::Result<_, _>>()?))
            }
            Target::Number => Ok(Self::Numbers(numbers(own.map(|labels| standardised(labels, known)).transpose()?, rows)?)),
            Target::Count => {
                let both =
                    |labels: &[f64]| Zeroizing::new(labels.iter().copied().chain(labels.iter().map(|one| poisson_term(*one))).collect());
                let all = numbers(own.map(both), 2 * rows)?;
                Ok(Self::Counts([all.rows(0..rows)?, all.rows(rows..2 * rows)?]))
            }
        }
    }
}

/// Shares mean and deviation of the label, of the owner's preparation: what turns a prediction into its unit. One round.
pub(super) fn share_unit<E: Engine>(engine: &mut E, plan: &Plan, known: Option<&Preparation>) -> Result<E::Words> {
    let unit = known.and_then(Preparation::label).map(Standard::first);
    let unit = unit.as_ref().map(|unit| ArrayView1::from(&unit[..]));
    Ok(Secret::<E, Score, Ix1>::input(engine, plan.labels, unit, Ix1(2))?.into_words())
}

/// Refuses labels that the plan does not announce, at their owner.
fn check_labels(plan: &Plan, labels: &[f64]) -> Result<()> {
    let bad = |fits: &dyn Fn(f64) -> bool| labels.iter().position(|label| !fits(*label));
    match plan.settings.target() {
        Target::Class(classes) => {
            let is_class = |label: f64| label.fract() == 0.0 && (0.0..f64::from(classes)).contains(&label);
            bad(&is_class).map_or(Ok(()), |row| {
                Err(label_error(
                    format!("row {row} is no class from 0 to {}", classes - 1),
                    "number the classes so, and declare how many `classes` there are",
                ))
            })
        }
        Target::Number => {
            bad(&f64::is_finite).map_or(Ok(()), |row| Err(label_error(format!("row {row} is missing or infinite"), "leave such rows out")))
        }
        Target::Count => check_counts(labels),
    }
}

/// Refuses features that are missing or infinite, which a regression does not take.
pub(super) fn check_finite(part: &Part) -> Result<()> {
    let width = part.features.ncols().max(1);
    match part.features.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(at) => Err(Error::Data {
            what: "features of a regression".into(),
            problem: format!("row {}, column {}: the value is missing or infinite", at / width, at % width),
            remedy: "fill missing values first".into(),
        }),
    }
}

fn column_of(labels: &[f64]) -> Result<ArrayView2<'_, f64>> {
    ArrayView2::from_shape((labels.len(), 1), labels).map_err(|_| Error::caller("labels that do not make a column"))
}

fn unprepared() -> Error {
    Error::caller("columns without the preparation of their training")
}

fn label_error(problem: String, remedy: &str) -> Error {
    Error::Data { what: "labels".into(), problem, remedy: remedy.into() }
}
