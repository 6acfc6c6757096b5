//! Models that stay shares: prediction over shares, and the opening of a model to those whose features and labels it is made of.

use ndarray::Ix1;
use rand::CryptoRng;
use yu_mpc::engine::{Engine, Input, Module, Vector};
use yu_mpc::fixed::Fixed;
use yu_mpc::secret::Secret;
use zeroize::Zeroize;

use super::layout::Layout;
use super::{Features, SCORE, Table, children, only, routed, scored};
use crate::trees::{Boosting, Forest, Split, Tree};
use crate::{Error, Result};

/// Shares of one tree.
pub struct SharedTree<E: Engine> {
    /// For each level 1 for the chosen candidate of each node.
    pub(super) levels: Vec<E::Words>,
    /// From left to right, the learning rate included.
    pub(super) leaves: E::Words,
}

/// Shares of a model: its splits, leaves and first score. It does not print.
pub struct SharedForest<E: Engine> {
    pub(super) settings: Boosting,
    pub(super) layout: Layout,
    pub(super) base: E::Words,
    pub(super) trees: Vec<SharedTree<E>>,
}

/// A model of which one party knows its part.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenedForest {
    /// Splits by features of ours, numbered as we have them; those of others and places without a split are `None`.
    pub splits: Vec<Vec<Option<Split>>>,
    /// Leaves of each tree and the first score: at the owner of the labels.
    pub leaves: Option<(f64, Vec<Vec<f64>>)>,
}

impl<E: Engine> SharedForest<E> {
    /// Number of trees.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.trees.len()
    }

    /// Whether there are no trees.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.trees.is_empty()
    }

    /// Scores of other rows, over shares: `2 depth + 5` rounds a tree on [`rep3`](yu_mpc::rep3). Nobody learns anything.
    ///
    /// # Errors
    /// [`Error::Caller`] for features of other owners, numbers or bins than those of the training; the engine's.
    pub fn scores(&self, engine: &mut E, table: &Table<E>) -> Result<Secret<E, Fixed<SCORE>, Ix1>> {
        self.advance(engine, table, 0..self.trees.len(), &self.start(table))
    }

    /// The scores before the first tree.
    pub fn start(&self, table: &Table<E>) -> Secret<E, Fixed<SCORE>, Ix1> {
        Secret::from_words(self.base.gather(&vec![0; table.rows]), Ix1(table.rows))
            .unwrap_or_else(|_| unreachable!("one score for each row"))
    }

    /// Scores after some more trees.
    ///
    /// # Errors
    /// As [`Self::scores`].
    pub fn advance(
        &self,
        engine: &mut E,
        table: &Table<E>,
        trees: std::ops::Range<usize>,
        scores: &Secret<E, Fixed<SCORE>, Ix1>,
    ) -> Result<Secret<E, Fixed<SCORE>, Ix1>> {
        if self.layout != table.layout || scores.len() != table.rows {
            return Err(Error::caller("features of other owners, numbers or bins than those of the training"));
        }
        let (rows, known) = (table.rows, &table.known);
        let mut scores = scores.words().clone();
        for tree in self.trees.get(trees).ok_or_else(|| Error::caller("more trees than there are"))? {
            let mut members = None;
            for (level, one_hot) in tree.levels.iter().enumerate() {
                let nodes = 1 << level;
                let sides = self.layout.tables(one_hot, nodes);
                if level + 1 == tree.levels.len() {
                    let part = |side: usize| tree.leaves.gather(&(0..nodes).map(|node| 2 * node + side).collect::<Vec<_>>());
                    let moved = scored(engine, known, &sides, &[part(0), part(1)], members.as_ref(), nodes)?;
                    scores = scores.add(&moved);
                } else {
                    let right = routed(engine, known, &sides, members.as_ref())?;
                    let each: Vec<E::Words> = (0..nodes).map(|node| right.slice(node * rows..(node + 1) * rows)).collect();
                    members = Some(children(engine, members.as_ref(), &each, rows));
                }
            }
        }
        Ok(Secret::from_words(scores, Ix1(rows))?)
    }

    /// All shares in one vector: tree after tree its levels and leaves, then the first score.
    pub(crate) fn words(&self) -> E::Words {
        let trees = self.trees.iter().flat_map(|tree| tree.levels.iter().chain([&tree.leaves]));
        E::Words::concat(&trees.chain([&self.base]).collect::<Vec<_>>())
    }

    /// Length of that vector.
    pub(crate) fn len_of(settings: &Boosting, sides: [(usize, &[usize]); 2]) -> Result<usize> {
        settings.check()?;
        let layout = Layout::new(&sides.map(|(owner, bins)| Features { owner, bins, data: None }))?;
        Ok(settings.trees * (((1 << settings.depth) - 1) * layout.candidates + (1 << settings.depth)) + 1)
    }

    /// Reads what [`Self::words`] wrote.
    pub(crate) fn from_words(settings: &Boosting, sides: [(usize, &[usize]); 2], words: &E::Words) -> Result<Self> {
        if words.len() != Self::len_of(settings, sides)? {
            return Err(Error::caller("a model of another length"));
        }
        let layout = Layout::new(&sides.map(|(owner, bins)| Features { owner, bins, data: None }))?;
        let mut from = 0;
        let mut next = |len: usize| {
            from += len;
            words.slice(from - len..from)
        };
        let tree = |next: &mut dyn FnMut(usize) -> E::Words| SharedTree {
            levels: (0..settings.depth).map(|level| next(layout.candidates << level)).collect(),
            leaves: next(1 << settings.depth),
        };
        let trees = (0..settings.trees).map(|_| tree(&mut next)).collect();
        let base = next(1);
        Ok(Self { settings: *settings, layout, base, trees })
    }

    /// Opens the model: each owner of features learns the splits by its own features and at which places they are, the owner of the labels `labels`
    /// learns all leaves and the first score, which says how many labels are 1. **From then on** an owner of features knows of each of its own rows which
    /// of its own splits separate it; the owner of the labels does not learn splits of others. A release gate comes before this.
    ///
    /// Values for one party are masked by numbers that it shares, and opened to all.
    ///
    /// # Errors
    /// The engine's.
    pub fn open(&self, engine: &mut E, me: Option<usize>, labels: usize, rng: &mut impl CryptoRng) -> Result<Vec<(usize, OpenedForest)>> {
        let firsts = self.layout.firsts();
        let mut opened: Vec<(usize, OpenedForest)> = Vec::new();
        for ((owner, _), features) in self.layout.sides.clone().iter().zip(self.layout.ranges()) {
            let from = firsts[features.start];
            let count: usize = self.layout.bins[features.clone()].iter().map(|bins| bins - 1).sum();
            let nodes = self.trees.iter().flat_map(|tree| &tree.levels).map(|level| level.len() / self.layout.candidates).sum::<usize>();
            let part = |level: &E::Words| {
                let nodes = level.len() / self.layout.candidates;
                let index = (0..nodes).flat_map(|node| (0..count).map(move |at| node * self.layout.candidates + from + at));
                level.gather(&index.collect::<Vec<_>>())
            };
            let parts: Vec<E::Words> = self.trees.iter().flat_map(|tree| &tree.levels).map(part).collect();
            let words = E::Words::concat(&parts.iter().collect::<Vec<_>>());
            let Some(values) = open_to(engine, me, *owner, &words, rng)? else { continue };
            let split = |hot: &[u64]| {
                let at = hot.iter().position(|value| *value == 1)?;
                let feature = features.clone().rev().find(|feature| firsts[*feature] <= from + at && self.layout.bins[*feature] > 1)?;
                Some(Split { feature: feature - features.start, bin: (from + at - firsts[feature]) as u8 })
            };
            let all: Vec<Option<Split>> = if count == 0 { vec![None; nodes] } else { values.chunks_exact(count).map(split).collect() };
            let splits = all.chunks((1 << self.settings.depth) - 1).map(<[_]>::to_vec).collect();
            opened.push((*owner, OpenedForest { splits, leaves: None }));
        }
        let parts: Vec<&E::Words> = self.trees.iter().map(|tree| &tree.leaves).chain([&self.base]).collect();
        if let Some(values) = open_to(engine, me, labels, &E::Words::concat(&parts), rng)? {
            let number = |raw: &u64| raw.cast_signed() as f64 / f64::from(SCORE).exp2();
            let leaves = values.chunks(1 << self.settings.depth).take(self.trees.len()).map(|tree| tree.iter().map(number).collect());
            let leaves = Some((values.last().map_or(0.0, number), leaves.collect()));
            match opened.iter_mut().find(|(owner, _)| *owner == labels) {
                Some((_, forest)) => forest.leaves = leaves,
                None => opened.push((labels, OpenedForest { splits: Vec::new(), leaves })),
            }
        }
        Ok(opened)
    }
}

impl OpenedForest {
    /// All parts put together, of all owners in the order of the training: for tests, and where all owners agreed to publish the model.
    ///
    /// # Errors
    /// [`Error::Caller`] if no part has the leaves, or parts have different numbers of trees.
    pub fn join(settings: &Boosting, parts: &[(&Self, usize)]) -> Result<Forest> {
        let missing = || Error::caller("parts of one model: all splits, and the leaves in one of them");
        let (base, leaves) = parts.iter().find_map(|(part, _)| part.leaves.clone()).ok_or_else(missing)?;
        let mut trees: Vec<Tree> =
            leaves.into_iter().map(|leaves| Tree { splits: vec![None; leaves.len().saturating_sub(1)], leaves }).collect();
        let mut from = 0;
        for (part, features) in parts {
            for (tree, splits) in trees.iter_mut().zip(&part.splits) {
                for (slot, split) in tree.splits.iter_mut().zip(splits) {
                    *slot = slot.or(split.map(|split| Split { feature: split.feature + from, ..split }));
                }
            }
            from += features;
        }
        Ok(Forest { loss: settings.loss, base, trees })
    }
}

/// Values at one party, or at the only one.
fn open_to<E: Engine>(
    engine: &mut E,
    me: Option<usize>,
    owner: usize,
    words: &E::Words,
    rng: &mut impl CryptoRng,
) -> Result<Option<Vec<u64>>> {
    let is_ours = me.is_none_or(|me| me == owner);
    let mut mask: Option<Vec<u64>> = is_ours.then(|| (0..words.len()).map(|_| rand::Rng::next_u64(rng)).collect());
    let shared = only(engine.input(&[Input { owner, len: words.len(), values: mask.as_deref() }])?)?;
    let mut opened = only(engine.open(&[&words.add(&shared)])?)?;
    if let Some(mask) = &mut mask {
        opened.iter_mut().zip(mask.iter()).for_each(|(value, mask)| *value = value.wrapping_sub(*mask));
        mask.zeroize();
        return Ok(Some(opened));
    }
    Ok(None)
}
