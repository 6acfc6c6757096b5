//! Gradient-boosted trees whose labels, gradients, gains, splits and leaves nobody sees.
//!
//! The trees are those of [`crate::trees`]; what [`crate::trees::fit`] computes in one place is computed here over shares:
//! 1. Each owner counts its quantiles and shares the indicators of its bins once ([`Engine::share_known`]).
//! 2. A tree: `g` and `h` of each row, from a sigmoid by parabolas ([`gradients`]).
//! 3. A level: sums of `g` and `h` of every right child for all bins by one product with the indicators, left children by subtraction; value of
//!    each candidate; the greatest of each node as a one-hot vector ([`splits`]). A product with the indicators says of each row and node on which
//!    side it is; the membership of the children is a product with that of the parents.
//! 4. The last level: leaves are the left and right weights of the chosen candidates; the scores move by a scalar product over the nodes.
//!
//! **Who learns what.** Every computing party: the number of rows, how many features each owner has and how many bins each of them (with few bins,
//! how many different values), the settings, who owns the labels. Nothing else; not whether a node was split either. What opening a model tells is
//! said at [`SharedForest::open`]. With more than two data owners the sizes of pairwise intersections come from the alignment and are declared there.
//! The adversary is the engine's.
//!
//! **Numbers.** `n <= 2^20` rows. `g` and `h` have `f = min(16, 30 - ceil(log2 n))` fraction bits (one less for the squared error), so that sums stay below `2^30` and everything about
//! rows may be computed modulo 2^32 ([halves](yu_mpc::engine::known)). Scores, weights and leaves have 20 fraction bits.
//!
//! **Rows are not chosen by their gradients** (GOSS): to tell who was chosen would tell labels, and to choose in secret takes a sort of all rows for
//! each tree, more than a tree of all rows costs. A random part of the rows may be taken by whoever calls, since it says nothing.
//!
//! **Rounds and bytes** do not depend on the data: [`yu_mpc::dry::Dry`] gives them. With `K = 2^depth - 1` splits a tree sends about
//! `12 (5 K / 2) + 400` bytes a row on [`rep3`](yu_mpc::rep3), and the indicators once 4 bytes for each row and bin.

pub mod gradients;
pub mod model;
pub mod splits;

mod greatest;
mod layout;

use yu_mpc::engine::{Engine, Input, Known, Module, Product, Vector, known};

pub use model::{SharedForest, SharedTree};

use super::{Features, Labels};
use crate::trees::{Boosting, Loss, clear};
use crate::{Error, Result};
use layout::Layout;

/// Fraction bits of scores, weights and leaves.
pub const SCORE: u32 = 20;

/// Most rows.
pub const MAX_ROWS: usize = 1 << 20;

/// Greatest mean of labels of the squared error.
const MAX_BASE: f64 = 64.0;

/// Fraction bits of the learning rate.
const RATE: u32 = 16;

/// Features of all owners in bins, shared once for as many trainings and predictions as one likes.
pub struct Table<E: Engine> {
    rows: usize,
    layout: Layout,
    known: Vec<Known<E::Words>>,
}

impl<E: Engine> Table<E> {
    /// Shares the indicators of the bins. One round.
    ///
    /// # Errors
    /// [`Error::Caller`] for no or too many rows, an owner without features, bins that do not fit; the engine's.
    pub fn share(engine: &mut E, rows: usize, features: &[Features<'_>]) -> Result<Self> {
        if rows == 0 || rows > MAX_ROWS {
            return Err(Error::caller(format!("`{rows}` rows, expected 1 to {MAX_ROWS}")));
        }
        let layout = Layout::new(features)?;
        let inputs = features.iter().map(|features| features.known(rows)).collect::<Result<Vec<_>>>()?;
        Ok(Self { rows, layout, known: engine.share_known(&inputs)? })
    }

    /// Number of rows.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }
}

/// Trains over shares; see the module. `done` is told the number of trees after each. Several classes are several trainings on one table, each with
/// the labels 1 for its class (one against all).
///
/// # Errors
/// [`Boosting::check`]'s; [`Error::Caller`] for labels that do not fit, or more rows than `2^20 lambda`; [`Error::Data`] for labels that the loss does
/// not have; the engine's.
pub fn fit<E: Engine>(
    engine: &mut E,
    settings: &Boosting,
    table: &Table<E>,
    labels: &Labels<'_>,
    mut done: impl FnMut(usize),
) -> Result<SharedForest<E>> {
    let mut training = Training::new(engine, settings, table, labels)?;
    let mut trees = Vec::with_capacity(settings.trees);
    for number in 0..settings.trees {
        trees.push(training.grow(engine)?);
        done(number + 1);
    }
    Ok(SharedForest { settings: *settings, layout: table.layout.clone(), base: training.base, trees })
}

/// What is kept between trees.
struct Training<'a, E: Engine> {
    settings: Boosting,
    table: &'a Table<E>,
    labels: E::Words,
    base: E::Words,
    scores: E::Words,
}

impl<'a, E: Engine> Training<'a, E> {
    fn new(engine: &mut E, settings: &Boosting, table: &'a Table<E>, labels: &Labels<'_>) -> Result<Self> {
        settings.check()?;
        let rows = table.rows;
        if rows as f64 > settings.lambda * MAX_ROWS as f64 {
            return Err(Error::caller(format!("`{rows}` rows and lambda `{}`, expected at most {MAX_ROWS} lambda rows", settings.lambda)));
        }
        // labels, and behind them the score that they begin with
        let mut own = match labels.values {
            Some(values) if values.len() != rows => return Err(Error::caller(format!("`{}` labels for `{rows}` rows", values.len()))),
            Some(values) => {
                let base = clear::base_score(settings.loss, values)?;
                if settings.loss == Loss::Squared && values.iter().any(|value| (value - base).abs() > 1.0 || base.abs() > MAX_BASE) {
                    return Err(Error::Data {
                        what: "labels".into(),
                        problem: "a label is more than 1 away from the mean, or the mean is too far from zero".into(),
                        remedy: "subtract the mean and divide by the greatest distance; scale predictions back".into(),
                    });
                }
                let raw = |value: f64| ((value * f64::from(SCORE).exp2()).round() as i64).cast_unsigned();
                Some(values.iter().copied().chain([base]).map(raw).collect::<Vec<u64>>())
            }
            None => None,
        };
        let shared = engine.input(&[Input { owner: labels.owner, len: rows + 1, values: own.as_deref() }]);
        zeroize::Zeroize::zeroize(&mut own);
        let shared = only(shared?)?;
        let base = shared.slice(rows..rows + 1);
        let scores = base.gather(&vec![0; rows]);
        Ok(Self { settings: *settings, table, labels: shared.slice(0..rows), base, scores })
    }

    /// One tree; the scores move by its leaves.
    fn grow(&mut self, engine: &mut E) -> Result<SharedTree<E>> {
        let Table { rows, layout, known: matrices } = self.table;
        let rows = *rows;
        let fraction = gradients::fraction(self.settings.loss, rows);
        let [g, h] = gradients::of(engine, &self.settings, &self.scores, &self.labels, fraction)?;
        // of each node g and h of its rows: all nodes at first, right children later
        let mut columns = E::Words::concat(&[&g, &h]);
        // 1 where a row is in a node; `None` for the root, where all are
        let mut members: Option<E::Words> = None;
        let mut sums: Option<E::Words> = None;
        let mut levels = Vec::with_capacity(self.settings.depth);
        for level in 0..self.settings.depth {
            let nodes = 1 << level;
            let products: Vec<_> = matrices.iter().map(|known| (known, &columns)).collect();
            let totals = engine.known_totals(&products)?;
            let found = only(known::whole(engine, &[&layout.candidates(&totals)])?)?;
            let all = match &sums {
                None => found,
                Some(parents) => layout.siblings(parents, &found, nodes / 2),
            };
            let best = splits::best(engine, &self.settings, layout, &all, nodes, [rows as u32, fraction])?;
            let sides = layout.tables(&best.one_hot, nodes);
            if level + 1 == self.settings.depth {
                let leaves = splits::leaves(engine, &self.settings, &best, nodes)?;
                levels.push(best.one_hot);
                let moved = scored(engine, matrices, &sides, &leaves, members.as_ref(), nodes)?;
                self.scores = self.scores.add(&moved);
                return Ok(SharedTree { levels, leaves: paired(&leaves, nodes) });
            }
            let right = routed(engine, matrices, &sides, members.as_ref())?;
            let each: Vec<E::Words> = (0..nodes).map(|node| right.slice(node * rows..(node + 1) * rows)).collect();
            let products: Vec<_> = [&g, &h].into_iter().flat_map(|of| each.iter().map(move |side| Product::Each(of, side))).collect();
            let parts = engine.multiply_halves(&products)?;
            columns = E::Words::concat(&parts.iter().collect::<Vec<_>>());
            members = Some(children(engine, members.as_ref(), &each, rows));
            sums = Some(all);
            levels.push(best.one_hot);
        }
        Err(Error::caller("a tree has at least one level"))
    }
}

/// 1 where a row goes to the right child of its node, node after node: halves. Two rounds.
pub(super) fn routed<E: Engine>(
    engine: &mut E,
    known: &[Known<E::Words>],
    sides: &[E::Words],
    members: Option<&E::Words>,
) -> Result<E::Words> {
    let right = engine.known_picks(&known.iter().zip(sides).collect::<Vec<_>>())?;
    match members {
        None => Ok(right),
        Some(members) => only(engine.multiply_halves(&[Product::Each(members, &right)])?),
    }
}

/// Membership of the children, left and right of each node. No communication.
pub(super) fn children<E: Engine>(engine: &E, members: Option<&E::Words>, right: &[E::Words], rows: usize) -> E::Words {
    let mut all = Vec::with_capacity(2 * right.len());
    for (node, right) in right.iter().enumerate() {
        let parent = members.map_or_else(|| engine.constant(&vec![1; rows]), |members| members.slice(node * rows..(node + 1) * rows));
        all.push(parent.sub(right));
        all.push(right.clone());
    }
    E::Words::concat(&all.iter().collect::<Vec<_>>())
}

/// The leaf of each row: of node `k` the left one, and the difference to the right one where the row goes right; a product with the indicators, and
/// one with the membership. Five rounds. The left leaf comes with the bins of the first feature, one of which each row has.
pub(super) fn scored<E: Engine>(
    engine: &mut E,
    known: &[Known<E::Words>],
    sides: &[E::Words],
    leaves: &[E::Words; 2],
    members: Option<&E::Words>,
    nodes: usize,
) -> Result<E::Words> {
    let [left, right] = leaves;
    let apart = right.sub(left);
    let repeated = |words: &E::Words, times: usize| words.gather(&(0..nodes * times).map(|at| at / times).collect::<Vec<_>>());
    let steps: Vec<E::Words> = known.iter().map(|known| repeated(&apart, known.columns())).collect();
    let products: Vec<_> = sides.iter().zip(&steps).map(|(side, step)| Product::Each(side, step)).collect();
    let mut tables = engine.multiply(&products, 0)?;
    if let (Some(table), Some(known)) = (tables.first_mut(), known.first()) {
        let (columns, bins) = (known.columns(), known.bins().first().copied().unwrap_or(0));
        let place = |at: usize| if at % columns < bins { at / columns } else { nodes };
        let everywhere = E::Words::concat(&[left, &E::Words::zeros(1)]);
        *table = table.add(&everywhere.gather(&(0..nodes * columns).map(place).collect::<Vec<_>>()));
    }
    let value = engine.known_picks(&known.iter().zip(&tables).collect::<Vec<_>>())?;
    let sum = match members {
        None => value,
        Some(members) => engine.sum_halves(members, &value, nodes)?,
    };
    only(known::whole(engine, &[&sum])?)
}

/// Leaves from left to right.
fn paired<W: Module>(leaves: &[W; 2], nodes: usize) -> W {
    W::concat(&[&leaves[0], &leaves[1]]).gather(&(0..2 * nodes).map(|at| at % 2 * nodes + at / 2).collect::<Vec<_>>())
}

/// The one result of a primitive that was given one operand.
pub(super) fn only<V>(results: Vec<V>) -> Result<V> {
    results.into_iter().next().ok_or_else(|| Error::caller("a primitive returned no result"))
}
