//! Differential privacy (差分隐私): results that hardly depend on whether any one person's data took part.
//!
//! | to see | open |
//! |---|---|
//! | epsilon, delta, rho, noise multiplier; conversions | [`Epsilon`], [`Delta`], [`Rho`], [`NoiseMultiplier`] |
//! | whose presence is hidden: record or person | [`Adjacency`], [`Neighbours`] |
//! | costs and what pays for them | [`Cost`], [`Loss`], [`Allowance`] |
//! | the budget of a data owner | [`ledger`] |
//! | exact noise | [`noise`] |
//! | counts, sums, means, histograms, quantiles, selection, thresholds | [`release`] |
//! | at most m rows or c groups of each person | [`bound`] |
//! | the cost of many steps; noise for a target | [`account`] |
//! | synthetic tables | [`mst`] |
//!
//! **For a reader who is not a statistician.** A release is epsilon-private if every result is at most e^epsilon times as likely with a
//! person's data as without. epsilon 0.1 is strong, 1 usual, above 5 weak. Budgets add up over all releases about the same people,
//! for ever: that is what the ledger counts. rho is another scale on which Gaussian noise adds up better; [`Rho::to_epsilon`]
//! translates. delta is the probability that the promise fails altogether: below one in the number of people squared is prudent.
//!
//! | choice | sources |
//! |---|---|
//! | pure and approximate privacy | Dwork & Roth, The Algorithmic Foundations of Differential Privacy, 2014 |
//! | zero-concentrated privacy | Bun & Steinke, TCC 2016 |
//! | noise; conversion to (epsilon, delta) | Canonne, Kamath & Steinke, NeurIPS 2020 (CKS) |
//! | selection | McKenna & Sheldon, NeurIPS 2020 |
//! | accountants | Mironov, CSF 2017; Doroshenko et al., PETS 2022; Balle & Wang, ICML 2018 |
//! | synthetic tables | McKenna, Miklau & Sheldon, Journal of Privacy and Confidentiality 2021 |
//!
//! **Guarantee.** Against an observer of all released values, with any side knowledge. Sums are exact integers, noise is drawn from the
//! exact distribution, parameters are rounded towards more noise, and the budget is debited first.
//!
//! **Not protected.** Time and cache traces of drawing noise (see [`noise`]); error messages of a refusal, which may depend on the
//! data (a cell outside a declared domain) and belong to the data owner alone; bounds, candidates, domains and parameters that were
//! chosen by looking at the data; doubles before they lie on the grid (a table computed from them elsewhere); a person's data in other
//! people's rows; what is true of a population whether or not a person takes part.

pub mod account;
mod adjacency;
pub mod bound;
mod cost;
pub mod ledger;
pub mod mst;
pub mod noise;
mod refuse;
pub mod release;
mod units;

pub use adjacency::{AddRemove, Adjacency, AdjacencyKind, Neighbours, Subject, Substitute};
pub use cost::{Allowance, Cost, Loss};
pub use units::{Delta, Epsilon, NoiseMultiplier, Rho, SamplingRate, advanced_composition};
