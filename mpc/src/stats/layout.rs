//! Order of the numbers in the shared result and of an owner's input.

use serde::{Deserialize, Serialize};

use super::plan::{Owner, StatsPlan};
use crate::Result;

/// How a block's ring elements are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Encoding {
    /// Integer.
    Integer,
    /// Bits of an IEEE 754 double.
    Float64,
    /// Signed fixed point with 30 fraction bits.
    Fixed30,
}

/// Some consecutive elements, a matrix in row order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    /// What it holds: `count`; `left.mean`, `left.sd`, `left.correlation` (upper triangle with diagonal), `left.group-count`,
    /// `left.group-mean` and the same for the right; `cross.correlation` (left by right); `group-sum` (groups by the columns of the other side).
    pub name: String,
    /// How to read it.
    pub encoding: Encoding,
    /// Rows.
    pub rows: u32,
    /// Columns.
    pub cols: u32,
}

/// The result as one vector; everything about it follows from the plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Layout {
    /// The plan.
    pub plan: StatsPlan,
    /// Blocks in order.
    pub blocks: Vec<Block>,
}

impl Layout {
    /// The layout of a plan's result.
    ///
    /// # Errors
    /// As [`StatsPlan::check`].
    pub fn of(plan: &StatsPlan) -> Result<Self> {
        plan.check()?;
        let mut blocks = vec![block("count", Encoding::Integer, 1, 1)];
        for owner in [Owner::Left, Owner::Right] {
            blocks.extend(head(plan, owner));
        }
        let (left, right) = (plan.left.columns.len(), plan.right.columns.len());
        blocks.push(block("cross.correlation", Encoding::Fixed30, left, right));
        if let Some(grouping) = &plan.grouping {
            let others = plan.side(grouping.side.other()).columns.len();
            blocks.push(block("group-sum", Encoding::Fixed30, grouping.categories.len(), others));
        }
        Ok(Self { plan: plan.clone(), blocks })
    }

    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> usize {
        self.blocks.iter().map(Block::len).sum()
    }

    /// Whether there are no elements; never, the count is always there.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Block {
    /// Number of elements.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.rows as usize * self.cols as usize
    }

    /// Whether the block is empty.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What an owner shares and the result repeats: the head of its input. Behind it in the input: its standardised columns
/// (`n` by columns) and, if it owns the grouping column, the 0/1 matrix (`n` by groups).
pub(super) fn head(plan: &StatsPlan, owner: Owner) -> Vec<Block> {
    let prefix = match owner {
        Owner::Left => "left",
        Owner::Right => "right",
    };
    let (columns, groups) = (plan.side(owner).columns.len(), plan.groups_of(owner));
    let named = |name: &str, encoding, rows, cols| block(&format!("{prefix}.{name}"), encoding, rows, cols);
    let mut blocks = vec![
        named("mean", Encoding::Float64, 1, columns),
        named("sd", Encoding::Float64, 1, columns),
        named("correlation", Encoding::Fixed30, 1, triangle(columns)),
    ];
    if groups > 0 {
        blocks.push(named("group-count", Encoding::Integer, 1, groups));
        blocks.push(named("group-mean", Encoding::Float64, groups, columns));
    }
    blocks
}

/// Elements of [`head`].
pub(super) fn head_len(plan: &StatsPlan, owner: Owner) -> usize {
    head(plan, owner).iter().map(Block::len).sum()
}

/// Elements per row behind the head: columns and groups.
pub(super) fn width(plan: &StatsPlan, owner: Owner) -> usize {
    plan.side(owner).columns.len() + plan.groups_of(owner)
}

/// Elements of an upper triangle with diagonal.
pub(super) const fn triangle(columns: usize) -> usize {
    columns * (columns + 1) / 2
}

fn block(name: &str, encoding: Encoding, rows: usize, cols: usize) -> Block {
    let size = |size: usize| u32::try_from(size).expect("a checked plan has at most 4096 columns, a triangle below 2^24");
    Block { name: name.into(), encoding, rows: size(rows), cols: size(cols) }
}
