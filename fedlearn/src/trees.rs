//! Gradient-boosted trees (梯度提升树) on features in quantile bins: what training in one place, over several parties' rows and over shares has in common.
//!
//! | to see | open |
//! |---|---|
//! | values become bins | [`bins`] |
//! | how to train | [`settings`] |
//! | trees and what they predict | [`model`], with thresholds on values: [`Forest::portable`] |
//! | training in one place: the reference of all others | [`clear`] |
//! | training over parties with different rows | [`horizontal`] |
//!
//! Every tree has its full depth: `2^depth - 1` places for splits in the order of a heap and `2^depth` leaves. A node that nothing is gained by
//! splitting has no split; its rows go left. A row goes right where its bin is greater than the split's. Of equal gains the first candidate counts: no
//! split, then features and bins in order. So the trees of all ways to train are comparable split by split.
//!
//! Histograms, gain `G_l^2 / (H_l + lambda) + G_r^2 / (H_r + lambda)` and leaves `-G / (H + lambda)`: Chen, Guestrin, XGBoost, KDD 2016, sections 2.2
//! and 3.2. Deviations: quantiles are counted once with all rows alike; a leaf is limited to [`Boosting::max_leaf`](settings::Boosting::max_leaf).

pub mod bins;
pub mod clear;
pub mod horizontal;
pub mod model;
mod portable;
pub mod settings;

pub use bins::{Binned, Cuts};
pub use clear::fit;
pub use model::{Forest, Split, Tree};
pub use settings::{Boosting, Loss};
