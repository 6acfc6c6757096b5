//! What the coordinator and a party of a training bring with them, and what comes out.

use yu_wire::channel::Channel;

use crate::Result;
use crate::data::Dataset;

/// What a coordinator needs beside the plan and the lines to the parties. It hears of `T`.
pub struct Coordinator<'a, V, T> {
    /// Knows the parties' long-term keys, by their place in the plan.
    pub verifier: &'a V,
    /// The last checkpoint of a run that ended early.
    pub resume: Option<&'a [u8]>,
    /// Stores a checkpoint in place of the last one; must not return before it would survive a crash.
    pub keep: &'a mut dyn FnMut(&[u8]) -> Result<()>,
    /// Lines to parties that came back since it was asked last.
    pub arrived: &'a mut dyn FnMut() -> Vec<Channel>,
    /// Hears of each round, or of each tree.
    pub told: &'a mut dyn FnMut(&T),
    /// Wait before a sum is tried again: parties may be coming back.
    pub pause: &'a mut dyn FnMut(u32),
}

/// What a party needs beside the plan and the line to the coordinator. `T` is what hears of its progress.
pub struct Party<'a, S, V, T: ?Sized> {
    /// Its place in the plan.
    pub index: u32,
    /// Its rows, features in the order of the plan, in the units of the columns.
    pub rows: Dataset,
    /// Its long-term key.
    pub signer: &'a S,
    /// Knows the other parties' long-term keys, by their place in the plan.
    pub verifier: &'a V,
    /// What was stored last by a run that ended early.
    pub resume: Option<&'a [u8]>,
    /// Stores the state in place of the last one; must not return before it would survive a crash.
    pub keep: &'a mut dyn FnMut(&[u8]) -> Result<()>,
    /// Hears of each round, or of how many trees there are.
    pub told: &'a mut T,
}

/// A training that is over.
pub struct Done<M> {
    /// What was trained.
    pub trained: M,
    /// Its bytes, the last word that every party got.
    pub bytes: Vec<u8>,
    /// Lines to the parties that heard it; it may still be on its way while they live.
    pub lines: Vec<Channel>,
}
