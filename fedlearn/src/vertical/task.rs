//! Vertical training as one program of a job (纵向联合建模任务): rows are aligned already; out come figures on held-out rows and a model that stays
//! split among the computing parties, for later predictions.
//!
//! | to see | open |
//! |---|---|
//! | what a person sets | [`settings`] |
//! | what a party keeps of a model | [`kept`] |
//! | what the reviewer reads | [`outcome`] |
//!
//! Parties: 0 and 1 bring columns, one of them the labels; others only compute. All call [`agree`], then [`train`], [`evaluate`] or [`predict`] with
//! the same plan. Which rows are held out follows from the job's id and from the order that the alignment gives, which is drawn after it.
//!
//! **Who learns what.** Computing parties: rows, columns of each owner, settings; one bit for each evaluation, whether both classes have the least
//! number of rows. A feature has as many bins as the settings say, used or not, so that not even the number of its different values is told. The
//! model stays shares: no weight, split, leaf, gradient or score is opened to anybody. The recipient of the output: figures, or the probabilities of
//! [`predict`]. The adversary is the engine's.

pub mod kept;
pub mod outcome;
pub mod settings;

mod model;

use ndarray::{Array2, ArrayView2, Axis, Ix1};
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use sha2::{Digest, Sha256};
use yu_mpc::engine::{Engine, Input, Vector};
use yu_mpc::learn::{Weight, input_labels};
use yu_mpc::ring::Int;
use yu_mpc::secret::Secret;

pub use kept::{Kept, Preparation};
pub use model::Model;
pub use outcome::{Point, Quality};
pub use settings::{Learner, Settings};

use super::boost::{self, Table};
use super::regression::{self, Columns, Standard};
use super::{Features, Labels};
use crate::evaluate::shares::{FIGURE, Figure, Rows, Score, brier, exact};
use crate::trees::{Binned, Cuts};
use crate::{Error, Result};

/// What all parties know.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Id of the job.
    pub job: [u8; 32],
    /// Features of party 0 and of party 1.
    pub columns: [usize; 2],
    /// Which of them has the labels.
    pub labels: usize,
    /// How to train.
    pub settings: Settings,
    /// Least number of rows of each class in an evaluation, and on either side of a split.
    pub least: u64,
}

impl Plan {
    /// Checks what can be checked without data.
    ///
    /// # Errors
    /// [`Error::Caller`] naming what does not fit.
    pub fn check(&self) -> Result<()> {
        if self.columns.contains(&0) || self.labels > 1 {
            return Err(Error::caller("each of the two owners brings features, and one of them the labels"));
        }
        self.settings.check(self.least)
    }

    /// Rows to train on and rows to judge by, ascending.
    fn split(&self, rows: usize) -> [Vec<usize>; 2] {
        let seed = Sha256::new().chain_update(b"yu-vertical-held-out-v1").chain_update(self.job).finalize();
        let mut rng = ChaCha20Rng::from_seed(seed.into());
        let mut test = rand::seq::index::sample(&mut rng, rows, self.held_out(rows)).into_vec();
        test.sort_unstable();
        let mut held = vec![false; rows];
        test.iter().for_each(|row| held[*row] = true);
        [(0..rows).filter(|row| !held[*row]).collect(), test]
    }

    const fn held_out(&self, rows: usize) -> usize {
        rows * self.settings.hold_out as usize / 100
    }
}

/// Aligned rows of one owner.
#[derive(Clone, Copy)]
pub struct Own<'a> {
    /// `[rows, columns]`.
    pub features: ArrayView2<'a, f64>,
    /// 0 or 1 for each row, at the owner of the labels.
    pub labels: Option<&'a [f64]>,
}

/// What comes out of a training.
pub struct Trained<E: Engine> {
    /// For the reviewer; [`Quality::read`] reads it.
    pub output: E::Words,
    /// The model, split.
    pub model: Model<E>,
    /// How each owner that was given prepared its columns.
    pub preparations: [Option<Preparation>; 2],
}

/// Both owners say how many rows matched, and everybody learns it. Two rounds.
///
/// # Errors
/// [`Error::Caller`] if the two numbers differ, or no rows matched; the engine's.
pub fn agree<E: Engine>(engine: &mut E, own: [Option<u64>; 2]) -> Result<usize> {
    let values = own.map(|rows| rows.map(|rows| [rows]));
    let inputs: Vec<_> =
        values.iter().enumerate().map(|(owner, value)| Input { owner, len: 1, values: value.as_ref().map(|value| &value[..]) }).collect();
    let shared = engine.input(&inputs)?;
    let opened = engine.open(&shared.iter().collect::<Vec<_>>())?;
    match &opened[..] {
        [left, right] if left == right => {
            let rows = left.first().and_then(|rows| usize::try_from(*rows).ok()).filter(|rows| *rows > 0 || !E::OPENS);
            rows.ok_or_else(|| Error::caller("no rows matched"))
        }
        _ => Err(Error::caller("the two owners differ in how many rows matched: one of them does not follow the protocol")),
    }
}

/// Trains on most of the rows and judges on the others. `told` hears the hundredths that are done.
///
/// # Errors
/// [`Plan::check`]'s; [`Error::Caller`] for data that do not fit the plan; [`Error::Data`] for values that the learner does not take;
/// [`Error::Unsafe`] if a class has too few held-out rows; the engine's.
pub fn train<E: Engine>(
    engine: &mut E,
    plan: &Plan,
    rows: usize,
    own: [Option<Own<'_>>; 2],
    told: &mut dyn FnMut(u8),
) -> Result<Trained<E>> {
    plan.check()?;
    plan.settings.check_size(rows, plan.columns[0] + plan.columns[1])?;
    let split = plan.split(rows);
    if split.iter().any(Vec::is_empty) {
        return Err(Error::caller(format!("`{rows}` rows, too few to hold some out")));
    }
    let (fitted, judged) = (parts(plan, &split[0], own)?, parts(plan, &split[1], own)?);
    let preparations = prepare(plan, &fitted)?;
    let known = [&preparations[0], &preparations[1]].map(Option::as_ref);
    let data = Data::share(engine, plan, split[0].len(), &fitted, known)?;
    let values = fitted[plan.labels].as_ref().and_then(|part| part.labels.as_deref());
    let labels = Labels { owner: plan.labels, values };
    let model = match (&plan.settings.model, &data) {
        (Learner::LogisticRegression { l2, .. }, Data::Columns(features)) => {
            Model::Weights(regression::logistic(engine, &plan.settings.logistic()?, *l2, features, &labels)?)
        }
        (Learner::BoostedTrees { trees, .. }, Data::Bins(table)) => {
            let settings = plan.settings.boosting(plan.least)?;
            let all = (*trees).max(1) as usize;
            Model::Forest(boost::fit(engine, &settings, table, &labels, |done| told((80 * done / all) as u8))?)
        }
        _ => return Err(Error::caller("data that were prepared for another learner")),
    };
    drop(data);
    told(80);
    let test = Data::share(engine, plan, split[1].len(), &judged, known)?;
    let labels = shared_labels(engine, plan, split[1].len(), &judged)?;
    let quality = model.judge(engine, plan, &test, &labels)?;
    told(100);
    let counts = engine.constant(&[split[0].len() as u64, split[1].len() as u64]);
    Ok(Trained { output: E::Words::concat(&[&counts, &quality]), model, preparations })
}

/// Judges a model of an earlier training on other rows, all of them.
///
/// # Errors
/// As [`train`].
pub fn evaluate<E: Engine>(
    engine: &mut E,
    plan: &Plan,
    rows: usize,
    own: [Option<Own<'_>>; 2],
    preparations: [Option<&Preparation>; 2],
    model: &Model<E>,
) -> Result<E::Words> {
    let part = parts(plan, &(0..rows).collect::<Vec<_>>(), own)?;
    let data = Data::share(engine, plan, rows, &part, preparations)?;
    let labels = shared_labels(engine, plan, rows, &part)?;
    let quality = model.judge(engine, plan, &data, &labels)?;
    let counts = engine.constant(&[0, rows as u64]);
    Ok(E::Words::concat(&[&counts, &quality]))
}

/// Probabilities of the label 1 for other rows by a model of an earlier training: [`Weight`]s, one for each row; error 1e-3 where the score is at most
/// 120 in absolute value.
///
/// # Errors
/// As [`train`].
pub fn predict<E: Engine>(
    engine: &mut E,
    plan: &Plan,
    rows: usize,
    own: [Option<Own<'_>>; 2],
    preparations: [Option<&Preparation>; 2],
    model: &Model<E>,
) -> Result<E::Words> {
    let part = parts(plan, &(0..rows).collect::<Vec<_>>(), own.map(|own| own.map(|own| Own { labels: None, ..own })))?;
    let data = Data::share(engine, plan, rows, &part, preparations)?;
    Ok(model.scores(engine, &data)?.sigmoid(engine)?.into_words())
}

/// Some rows of an owner.
struct Part {
    features: Array2<f64>,
    labels: Option<Vec<f64>>,
}

impl Drop for Part {
    fn drop(&mut self) {
        use zeroize::Zeroize;
        if let Some(values) = self.features.as_slice_memory_order_mut() {
            values.zeroize();
        }
        self.labels.zeroize();
    }
}

/// These rows of both owners, as far as they are here.
fn parts(plan: &Plan, rows: &[usize], own: [Option<Own<'_>>; 2]) -> Result<[Option<Part>; 2]> {
    let part = |(owner, own): (usize, Option<Own<'_>>)| {
        let Some(own) = own else { return Ok(None) };
        let fits = own.features.ncols() == plan.columns[owner]
            && own.labels.is_none_or(|labels| owner == plan.labels && labels.len() == own.features.nrows())
            && rows.last().is_none_or(|last| *last < own.features.nrows());
        if !fits {
            return Err(Error::caller(format!("features or labels of party `{owner}` do not fit the plan")));
        }
        let labels = own.labels.map(|labels| rows.iter().filter_map(|row| labels.get(*row)).copied().collect());
        Ok(Some(Part { features: own.features.select(Axis(0), rows), labels }))
    };
    let [left, right] = own;
    Ok([part((0, left))?, part((1, right))?])
}

/// How each owner that is here prepares its columns.
fn prepare(plan: &Plan, parts: &[Option<Part>; 2]) -> Result<[Option<Preparation>; 2]> {
    let one = |part: &Option<Part>| -> Result<Option<Preparation>> {
        let Some(part) = part else { return Ok(None) };
        Ok(Some(match &plan.settings.model {
            Learner::LogisticRegression { .. } => Preparation::Scale(Standard::of(part.features.view())?),
            Learner::BoostedTrees { bins, .. } => {
                let cuts = part.features.columns().into_iter().map(|column| Cuts::quantiles(&column.to_vec(), *bins as usize));
                Preparation::Bins(cuts.collect::<Result<_>>()?)
            }
        }))
    };
    Ok([one(&parts[0])?, one(&parts[1])?])
}

fn shared_labels<E: Engine>(engine: &mut E, plan: &Plan, rows: usize, parts: &[Option<Part>; 2]) -> Result<Secret<E, Int, Ix1>> {
    let whole = |label: &f64| if label.fract() == 0.0 { *label as i64 } else { -1 };
    let own: Option<zeroize::Zeroizing<Vec<i64>>> = parts[plan.labels]
        .as_ref()
        .and_then(|part| part.labels.as_ref())
        .map(|labels| zeroize::Zeroizing::new(labels.iter().map(whole).collect()));
    Ok(input_labels(engine, plan.labels, own.as_deref().map(ndarray::ArrayView1::from), rows)?)
}

/// Shared features, as the learner wants them.
enum Data<E: Engine> {
    Columns(Secret<E, yu_mpc::learn::Feature, ndarray::Ix2>),
    Bins(Table<E>),
}

impl<E: Engine> Data<E> {
    fn share(engine: &mut E, plan: &Plan, rows: usize, parts: &[Option<Part>; 2], preparations: [Option<&Preparation>; 2]) -> Result<Self> {
        let missing = || Error::caller("columns without the preparation of their training");
        match &plan.settings.model {
            Learner::LogisticRegression { .. } => {
                let scaled = |owner: usize| match (&parts[owner], preparations[owner]) {
                    (None, _) => Ok(None),
                    (Some(part), Some(Preparation::Scale(scale))) => scale.apply(part.features.view()).map(Some),
                    _ => Err(missing()),
                };
                let values = [scaled(0)?, scaled(1)?];
                let side = |owner: usize| Columns {
                    owner,
                    count: plan.columns[owner],
                    values: values[owner].as_ref().map(|values| values.view()),
                };
                Ok(Self::Columns(regression::share(engine, rows, &[side(0), side(1)])?))
            }
            Learner::BoostedTrees { bins, .. } => {
                let coded = |owner: usize| match (&parts[owner], preparations[owner]) {
                    (None, _) => Ok(None),
                    (Some(part), Some(Preparation::Bins(cuts))) => {
                        let columns: Vec<Vec<f64>> = part.features.columns().into_iter().map(|column| column.to_vec()).collect();
                        Binned::new(&columns, cuts)?.widened(*bins as usize).map(Some)
                    }
                    _ => Err(missing()),
                };
                let values = [coded(0)?, coded(1)?];
                let widths = plan.columns.map(|count| vec![*bins as usize; count]);
                let side = |owner: usize| Features { owner, bins: &widths[owner], data: values[owner].as_ref() };
                Ok(Self::Bins(Table::share(engine, rows, &[side(0), side(1)])?))
            }
        }
    }
}

impl<E: Engine> Model<E> {
    /// Log-odds.
    fn scores(&self, engine: &mut E, data: &Data<E>) -> Result<Secret<E, Weight, Ix1>> {
        match (self, data) {
            (Self::Weights(weights), Data::Columns(features)) => Ok(yu_mpc::learn::logistic::scores(engine, features, weights)?),
            (Self::Forest(forest), Data::Bins(table)) => Ok(forest.scores(engine, table)?.rescale(engine)?),
            _ => Err(Error::caller("data that were prepared for another learner")),
        }
    }

    /// The Brier score of the whole model, then for each point of the curve twice the AUC, twice its bound, and KS.
    fn judge(&self, engine: &mut E, plan: &Plan, data: &Data<E>, labels: &Secret<E, Int, Ix1>) -> Result<E::Words> {
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
        Ok(E::Words::concat(&[error.words()].into_iter().chain(&points).collect::<Vec<_>>()))
    }
}

/// Fraction bits of figures.
const FRACTION: u32 = FIGURE;
