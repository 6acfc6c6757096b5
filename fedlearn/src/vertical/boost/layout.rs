//! Where candidates and bins stand in flat vectors. Candidate 0 of a node is no split; then, feature by feature, all bins but the last.

use yu_mpc::engine::Module;

use super::super::Features;
use crate::{Error, Result};

/// Features of all owners, in their order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    /// Bins of each feature.
    pub(super) bins: Vec<usize>,
    /// Owner and number of features of each side.
    pub(super) sides: Vec<(usize, usize)>,
    /// Most bins of a feature.
    widest: usize,
    /// Candidates of a node.
    pub(super) candidates: usize,
}

impl Layout {
    pub(super) fn new(features: &[Features<'_>]) -> Result<Self> {
        let bins: Vec<usize> = features.iter().flat_map(|side| side.bins.iter().copied()).collect();
        if features.iter().any(|side| side.bins.is_empty()) || !bins.iter().all(|bins| (1..=256).contains(bins)) || bins.is_empty() {
            return Err(Error::caller("each owner has features, and each of them 1 to 256 bins"));
        }
        let sides = features.iter().map(|side| (side.owner, side.bins.len())).collect();
        let widest = bins.iter().copied().max().unwrap_or(1);
        Ok(Self { candidates: 1 + bins.iter().map(|bins| bins - 1).sum::<usize>(), widest, bins, sides })
    }

    /// Features of each side, as numbers among all.
    pub(super) fn ranges(&self) -> impl Iterator<Item = std::ops::Range<usize>> {
        self.sides.iter().scan(0, |from, (_, count)| {
            *from += count;
            Some(*from - count..*from)
        })
    }

    /// Number of the candidate of a feature's first bin, for each feature.
    pub(super) fn firsts(&self) -> Vec<usize> {
        let first = |from: &mut usize, bins: &usize| {
            *from += bins - 1;
            Some(*from + 1 - bins)
        };
        self.bins.iter().scan(1, |from, bins| first(from, bins)).collect()
    }

    /// Sums over the rows left of each candidate, of the sums of each bin: those of one side after the other, each vector by vector.
    pub(super) fn candidates<W: Module>(&self, totals: &[W]) -> W {
        let widths: Vec<usize> = self.ranges().map(|features| self.bins[features].iter().sum()).collect();
        let vectors = totals.first().map_or(0, |total| total.len() / widths[0].max(1));
        let mut parts: Vec<&W> = totals.iter().collect();
        let nothing = W::zeros(1);
        parts.push(&nothing);
        let base = W::concat(&parts);
        let empty = base.len() - 1;
        let mut index = Vec::with_capacity(vectors * self.bins.len() * self.widest);
        for vector in 0..vectors {
            let mut side = 0;
            for (features, width) in self.ranges().zip(&widths) {
                let mut from = side + vector * width;
                for bins in &self.bins[features] {
                    index.extend((0..self.widest).map(|bin| if bin < *bins { from + bin } else { empty }));
                    from += bins;
                }
                side += vectors * width;
            }
        }
        let sums = base.gather(&index).prefix_sums(self.widest);
        let mut index = Vec::with_capacity(vectors * self.candidates);
        for vector in 0..vectors {
            let from = vector * self.bins.len() * self.widest;
            // with no split all rows are left: the sum of any feature
            index.push(from + self.widest - 1);
            for (feature, bins) in self.bins.iter().enumerate() {
                index.extend((0..bins - 1).map(|bin| from + feature * self.widest + bin));
            }
        }
        sums.gather(&index)
    }

    /// Sums of all children, `g` of all nodes before `h`, of those of their parents and of the right ones.
    pub(super) fn siblings<W: Module>(&self, parents: &W, right: &W, parent_count: usize) -> W {
        let both = W::concat(&[&parents.sub(right), right]);
        let width = self.candidates;
        let place = |at: usize| {
            let (child, candidate) = (at / width, at % width);
            let (of, child) = (child / (2 * parent_count), child % (2 * parent_count));
            (child % 2) * right.len() + (of * parent_count + child / 2) * width + candidate
        };
        both.gather(&(0..2 * right.len()).map(place).collect::<Vec<_>>())
    }

    /// For each side 1 for the bins of each node whose rows go right, `[nodes, columns]`, of the chosen candidates.
    pub(super) fn tables<W: Module>(&self, one_hot: &W, nodes: usize) -> Vec<W> {
        let base = W::concat(&[one_hot, &W::zeros(1)]);
        let (empty, firsts) = (one_hot.len(), self.firsts());
        let mut index = Vec::with_capacity(nodes * self.bins.len() * self.widest);
        for node in 0..nodes {
            for (first, bins) in firsts.iter().zip(&self.bins) {
                let chosen = |bin: usize| if (1..*bins).contains(&bin) { node * self.candidates + first + bin - 1 } else { empty };
                index.extend((0..self.widest).map(chosen));
            }
        }
        let sums = base.gather(&index).prefix_sums(self.widest);
        let side = |features: std::ops::Range<usize>| {
            let places = (0..nodes).flat_map(|node| features.clone().map(move |feature| (node, feature)));
            let index = places.flat_map(|(node, feature)| {
                let from = (node * self.bins.len() + feature) * self.widest;
                from..from + self.bins[feature]
            });
            sums.gather(&index.collect::<Vec<_>>())
        };
        self.ranges().map(side).collect()
    }
}
