//! Boosted trees over parties with different rows of the same features (横向联邦梯度提升树): histograms are summed, the coordinator splits.
//!
//! | to see | open |
//! |---|---|
//! | what is agreed beforehand | [`Plan`], [`Settings`], [`Aggregation`] |
//! | the coordinator | [`coordinate`] |
//! | a party | [`take_part`] |
//! | what comes out | [`Trained`] |
//! | common bins from counts | `horizontal/cells.rs` |
//! | a tree from sums, a party's sums | `horizontal/grow.rs`, `horizontal/rows.rs` |
//! | how sums are made | `horizontal/sums.rs`, below [`crate::star`] |
//!
//! **Course.** Rows and sum of labels give the score before the first tree. Counts of values in ever smaller cells give bins, at most 16 rounds. Then, for
//! each level of each tree, every party sums `g` and `h` of its rows over nodes, features and bins, and the coordinator chooses splits from the sums
//! over all parties (histogram aggregation: Chen & Guestrin, KDD 2016, section 3.3; Ke et al., NeurIPS 2017, section 4). Only left children are asked for:
//! the right one is the difference to the parent. At the end rows are counted in each leaf.
//!
//! **The same trees.** A row's `g` and `h` are rounded to multiples of 2^-24 and summed as whole numbers: however rows are dealt, in the clear or in
//! secret, the trees are the same bit by bit. Those of [`crate::trees::fit`] on all rows with the same bins differ by rounding only.
//!
//! **Who learns what.** Everybody: bins, trees, who took part in which, number of rows, score before the first tree (the mean label), rows
//! in each leaf. Coordinator: counts of cells, and histograms of every node over all parties together. Nodes have at least
//! `min_rows` rows, so histograms of single rows are not among them; but a bin of a histogram may hold one row, whose `g` and `h`, and with them
//! whose label, the coordinator then learns with the bins of one feature at a time. With [`Aggregation::DangerClear`] it
//! learns each party's histograms. No noise is added: the trees are not differentially private, and say so ([`crate::gate`]).
//!
//! **Adversary.** Under secure aggregation ([`crate::secagg`]) the coordinator learns sums of 3 parties or more. It is trusted to ask about the splits that
//! the sums give; parties check that what it asks goes on from what it told before, and never answer one level about two sets of splits.
//!
//! **What goes wrong.** A party that is late is left out and asked again at the next tree; one that breaks the protocol is left out for good, by name.
//! Levels of one tree are summed over the same parties, as the difference of two would be the missing party's: a tree that loses a party
//! **ends where it stands**, with fewer levels. For the same reason bins are coarser if a party is lost on the way to them. A tree that is begun over other parties
//! than the one before is not kept from being compared with it: after a step of the learning rate their sums differ by about
//! what came or left. Both sides keep a checkpoint, the coordinator after each level; a party keeps a name of its rows, to refuse others.
//!
//! **Cost.** A level of a tree: one exchange in the clear, two under secure aggregation (three against a malicious coordinator), and three for keys every 16
//! trees; `4 w F B` limbs of 24 bits up, where `w` is 1 for the root and half the nodes of the level below, `F` features of `B` bins. Down: splits
//! and the last tree, a few hundred bytes.

mod bytes;
mod cells;
mod coordinator;
mod fixed;
mod grow;
mod party;
mod plan;
mod rows;
mod sums;
mod task;
mod trained;

pub use crate::star::ATTEMPTS;
pub use coordinator::{Coordinator, Done, Progress, coordinate, has_ended};
pub use party::{Party, heard, take_part};
pub use plan::{Aggregation, LEAST_ROWS, Plan, Settings};
pub use trained::Trained;
