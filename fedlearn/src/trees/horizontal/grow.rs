//! A tree grows from sums: pure state of the coordinator.

use serde::{Deserialize, Serialize};

use super::fixed::number;
use crate::trees::clear::Best;
use crate::trees::{Boosting, Split, Tree};
use crate::{Error, Result};

/// A tree on its way. Only left children are asked for: what is right is what is left of the parent, exactly.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Growing {
    splits: Vec<Option<Split>>,
    /// Sums of the last level: node by node, all bins of all features, `g` and `h`.
    nodes: Vec<Vec<i64>>,
    /// Sums of `g` and `h` left and right of the last level's splits.
    sides: Vec<[f64; 2]>,
    /// Whose rows are in it, ascending.
    pub(super) parties: Vec<u32>,
}

impl Growing {
    /// The splits so far.
    pub(super) fn splits(&self) -> &[Option<Split>] {
        &self.splits
    }

    /// Whether nothing was summed yet.
    pub(super) const fn is_new(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Nodes that are asked for at the next level.
    pub(super) const fn asked(&self) -> usize {
        if self.nodes.is_empty() { 1 } else { self.nodes.len() }
    }

    /// Takes the sums of the nodes that were asked for, feature by feature, and chooses splits.
    ///
    /// # Errors
    /// [`Error::Caller`] for another number of sums.
    pub(super) fn take(&mut self, settings: &Boosting, bins: &[usize], sums: &[i64]) -> Result<()> {
        let (asked, width) = (self.asked(), 2 * bins.iter().sum::<usize>());
        if sums.len() != asked * width {
            return Err(Error::caller(format!("`{}` sums for `{asked}` nodes of `{width}`", sums.len())));
        }
        let mut taken: Vec<Vec<i64>> = vec![Vec::with_capacity(width); asked];
        let mut rest = sums;
        for count in bins {
            let (feature, after) = rest.split_at_checked(asked * 2 * count).unwrap_or((rest, &[]));
            taken.iter_mut().zip(feature.chunks(2 * count)).for_each(|(node, sums)| node.extend_from_slice(sums));
            rest = after;
        }
        self.nodes = if self.nodes.is_empty() {
            taken
        } else {
            let parents = std::mem::take(&mut self.nodes);
            let pair = |(parent, left): (Vec<i64>, Vec<i64>)| {
                let right = parent.iter().zip(&left).map(|(all, left)| all.wrapping_sub(*left)).collect();
                [left, right]
            };
            parents.into_iter().zip(taken).flat_map(pair).collect()
        };
        self.sides.clear();
        for node in &self.nodes {
            let (mut best, mut rest) = (Best::default(), node.as_slice());
            for (feature, count) in bins.iter().enumerate() {
                let (own, after) = rest.split_at_checked(2 * count).unwrap_or((rest, &[]));
                let sums: Vec<[f64; 2]> = own.as_chunks::<2>().0.iter().map(|pair| pair.map(number)).collect();
                best.consider(settings, feature, &sums);
                rest = after;
            }
            self.splits.push(best.split);
            self.sides.extend([best.left, best.right]);
        }
        Ok(())
    }

    /// Whether the last level is reached.
    pub(super) const fn is_full(&self, settings: &Boosting) -> bool {
        self.nodes.len() << 1 == 1 << settings.depth
    }

    /// Whether no node of the last level was split: all further levels would be the same.
    pub(super) fn is_done(&self) -> bool {
        let before = self.splits.len().saturating_sub(self.nodes.len());
        self.splits.get(before..).is_some_and(|last| last.iter().all(Option::is_none))
    }

    /// The tree as it stands: nodes that were not looked at are leaves. None before the root.
    pub(super) fn tree(&self, settings: &Boosting) -> Option<Tree> {
        if self.is_new() {
            return None;
        }
        let (leaves, width) = (1usize << settings.depth, self.sides.len());
        let mut tree = Tree { splits: self.splits.clone(), leaves: vec![0.0; leaves] };
        // all rows of a node without a split go left
        tree.splits.resize(leaves - 1, None);
        let step = leaves / width.max(1);
        for (leaf, side) in tree.leaves.iter_mut().step_by(step.max(1)).zip(&self.sides) {
            *leaf = settings.leaf(*side);
        }
        Some(tree)
    }
}
