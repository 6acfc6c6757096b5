//! A horizontal training from the first round to the trained model (横向联邦训练): one coordinator, parties with the same columns.
//!
//! | to see | open |
//! |---|---|
//! | what is agreed beforehand | [`Plan`], [`Settings`] |
//! | the coordinator | [`coordinate`] |
//! | a party | [`take_part`]; with a program outside that trains: [`take_part_by`] |
//! | what comes out | [`Trained`] |
//! | how a party answers, what it stores | `train/answer.rs`, `train/state.rs` |
//! | updates in the clear or summed in secret | `train/sums.rs`, `train/numbers.rs`, below `star` |
//!
//! **Course.** The features' scale from one sum; then rounds of [`crate::strategy`]; then figures of the last model. Every figure that the
//! coordinator gets of rows is a sum over parties: with [`Aggregation::Secure`] it sees nothing else ([`crate::secagg`]).
//!
//! **Who learns what.** Parties and coordinator: the model after each round, features' means and deviations over all rows, loss and
//! accuracy on all held-out rows together, who took part in which round. Coordinator: with [`Aggregation::Clear`] each party's update, from
//! which rows may be reconstructed; with [`Aggregation::Secure`] their sum only. With a privacy budget no figures of held-out rows
//! leave a party, since nothing protects them, and the scale is not computed: features are taken as they are.
//!
//! **What goes wrong.** A party that is late is left out of the round and asked again in the next; one that breaks the protocol is left out
//! for good, by name. Below the quorum a round is repeated, at most [`ATTEMPTS`] times. Both sides keep a checkpoint after each
//! round, before anything else is sent: whoever is killed goes on from there. A party answers a repeated round with the update that it
//! made before, never with a second one: two updates of one round, or two draws of its noise, would tell more than one. Nor is an update
//! summed twice over different parties, whose difference would tell a single one: both sides store over whom before masks come off, and
//! a round that was interrupted there and cannot have the same parties again is given up.

mod answer;
mod bytes;
mod coordinator;
mod numbers;
mod party;
mod plan;
mod state;
mod sums;
mod task;
mod trained;

pub use crate::star::ATTEMPTS;
pub use coordinator::{Coordinator, Done, coordinate, has_ended};
pub(crate) use party::parted;
pub use party::{Party, heard, take_part, take_part_by};
pub use plan::{Aggregation, Plan, Protection, Settings};
pub use trained::{Figures, Trained};
