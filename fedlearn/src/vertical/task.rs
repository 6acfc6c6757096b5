//! Vertical training as one program of a job (纵向联合建模任务): rows are aligned already; out come figures on held-out rows and a model that stays
//! split among the computing parties, for later predictions.
//!
//! | to see | open |
//! |---|---|
//! | what a person sets | [`settings`] |
//! | what a party keeps of a model | [`kept`] |
//! | what the reviewer reads | [`outcome`] |
//! | single requests, one after the other | [`online`] |
//!
//! **Labels** are classes (0 and 1, or 0 to `k - 1`: one model for each class against all others, trained over the same shares), numbers or
//! counts, by the learner ([`Target`]).
//!
//! Parties: 0 and 1 bring columns, one of them the labels; others only compute. All call [`agree`], then [`train`], [`evaluate`] or [`predict`] with
//! the same plan. Which rows are held out follows from the job's id and from the order that the alignment gives, which is drawn after it.
//!
//! **Who learns what.** Computing parties: rows, columns of each owner, settings; one bit for each model and point of an evaluation of classes, whether both of them have
//! the least number of rows. A feature has as many bins as the settings say, used or not, so that not even the number of its different values is told. The
//! model stays shares: no weight, split, leaf, gradient or score is opened to anybody. The recipient of the output: figures, or what
//! [`predict`] tells. The adversary is the engine's.

pub mod kept;
pub mod online;
pub mod outcome;
pub mod settings;

mod data;
mod judge;
mod model;

use ndarray::ArrayView2;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use sha2::{Digest, Sha256};
use yu_mpc::engine::{Engine, Input, Module, Product, Vector};
#[cfg(doc)]
use yu_mpc::learn::Weight;

pub use kept::{Kept, Preparation};
pub use model::Model;
pub use outcome::{Point, Predictions, Quality};
pub use settings::{Answer, Learner, Settings, Target};

use crate::evaluate::shares::{FIGURE, SCORE, only};
use crate::{Error, Result};
use data::{Data, Truth, parts, prepare};

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
    /// One for each row, at the owner of the labels.
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
    let model = Model::fit(engine, plan, &data, values, known[plan.labels], &mut |done| told((u32::from(done) * 80 / 100) as u8))?;
    drop(data);
    told(80);
    let test = Data::share(engine, plan, split[1].len(), &judged, known)?;
    let truth = Truth::share(engine, plan, split[1].len(), &judged, known[plan.labels])?;
    let quality = model.judge(engine, plan, &test, &truth)?;
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
    let truth = Truth::share(engine, plan, rows, &part, preparations[plan.labels])?;
    let quality = model.judge(engine, plan, &data, &truth)?;
    let counts = engine.constant(&[0, rows as u64]);
    Ok(E::Words::concat(&[&counts, &quality]))
}

/// What a model of an earlier training says of other rows, for [`Predictions::read`]:
///
/// | label | words | error |
/// |---|---|---|
/// | one of two classes | the probability of the label 1 of each row, or 0 or 1 | 1e-3 where the score is at most 120 in absolute value |
/// | one of more classes | row by row the probability of each class against the others, or the number of the class | the same |
/// | number | the number of each row, at most 32 deviations from the mean | that of the weights |
/// | count | the mean count of each row, from `e^-11` to `e^6.93` | `2^-16 + 2^-19` of it, and that of the weights |
///
/// Probabilities, numbers and counts are [`Weight`]s.
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
    model.tell(engine, plan, &data)
}

impl<E: Engine> Model<E> {
    /// The words of a prediction.
    fn tell(&self, engine: &mut E, plan: &Plan, data: &Data<E>) -> Result<E::Words> {
        match (plan.settings.target(), self) {
            (Target::Number, Self::Numbers { unit, .. }) => {
                let found = self.numbers(engine, data)?;
                let each = |at: usize| unit.gather(&vec![at; found.len()]);
                // |deviations| <= 2^5, one of them <= 2^20, 16 bits each: below 2^57
                let apart = only(engine.multiply(&[Product::Each(found.words(), &each(1))], SCORE)?)?;
                Ok(apart.add(&each(0)))
            }
            (Target::Count, _) => {
                let [means, _] = self.means(engine, data)?;
                Ok(means.into_words())
            }
            (Target::Class(_), _) => {
                let scores = self.each().iter().map(|model| model.scores(engine, data)).collect::<Result<Vec<_>>>()?;
                match (plan.settings.answer, &scores[..]) {
                    (Answer::Class, scores) => judge::greatest(engine, scores),
                    (Answer::Probabilities, scores) => Ok(judge::beside(scores)?.sigmoid(engine)?.into_words()),
                }
            }
            _ => Err(model::other_learner()),
        }
    }
}

/// Fraction bits of figures.
const FRACTION: u32 = FIGURE;
