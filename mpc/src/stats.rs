//! Joint statistics over the matched rows of two parties: count, means, standard deviations, correlations across both
//! parties' columns, group means by one party's category (联合统计).
//!
//! **What it computes.** For aligned rows `i = 1..n`, numeric columns `x_j` of both sides with mean `m_j` and sample standard
//! deviation `s_j`, and optionally one grouping column with categories `g`: `n`, `m_j`, `s_j`, all correlations, sizes of the groups,
//! `mean of x_j within g`. Whatever is undefined is said to be so: a constant column has no correlations, one row has no
//! deviation.
//!
//! **Parties and what each learns.** Two input parties and a helper without data, all three compute
//! ([`crate::rep3`]). All learn `n` and the plan; nobody learns any number of the result: each seals its shares to the
//! recipient, who learns the result and nothing else. The owner of the grouping column refuses groups that are too
//! small ([`check_cells`]) before any value is shared.
//!
//! **Adversary.** That of [`crate::rep3`]: semi-honest, one corruption.
//!
//! **How.** Each owner standardises locally, `u_ij = (x_ij - m_j) / sqrt(sum_i (x_ij - m_j)^2)`, so that columns have norm 1 and
//! a correlation is the inner product of two columns: never above 1 in absolute value (Cauchy-Schwarz), far inside the
//! proven range of truncation, whatever the data. With `u` at 30 fraction bits:
//! - correlations across parties `U_left^T U_right`: one matrix product with truncation back to 30 bits;
//! - sums by group of the other party's columns `G^T U`, `G` the 0/1 matrix of groups: one matrix product with integers, no
//!   truncation; then `mean = m_j + s_j sqrt(n - 1) sum / |g|`;
//! - what one side knows alone (means, deviations, its own block of correlations, its groups) is shared as input and goes to
//!   the result unchanged.
//!
//! **Error.** Rounding of `u` changes a correlation by at most `2^-30 sqrt(n)` (typically `2^-31`), truncation by `2^-30`; a group mean by at most
//! `2^-31 s_j sqrt(n - 1)`. At a million rows: `1e-6`, and `5e-7 s_j`.
//!
//! **Rounds and bytes**: [`formula`]; with `d_l`, `d_r` columns and `g` groups owned by the left:
//! `8 (2 d_l + d_l (d_l + 1) / 2 + g + g d_l + n (d_l + g))` input bytes left, `8 (2 d_r + d_r (d_r + 1) / 2 + n d_r)` right, `24 d_l d_r +
//! 3 ceil(30 d_l d_r / 8)` for the correlations, `24 g d_r` for the groups; 6 rounds with set-up and agreement on `n`, 5 without grouping.
//!
//! **What is not protected.** The number of matched rows. What a result says about persons is the business of minimum cell
//! sizes and of the review that follows. Against parties that deviate nothing holds.
//!
//! | to see | open |
//! |---|---|
//! | the plan that goes into the contract | [`plan`] |
//! | an owner's local part | [`local`] |
//! | the joint run and its cost | [`run`](mod@run) |
//! | order of the shared result | [`layout`] |
//! | the recipient's part | [`assemble`](mod@assemble) |

pub mod assemble;
pub mod layout;
pub mod local;
pub mod plan;
pub mod run;

pub use assemble::{ColumnSummary, GroupSummary, Statistics, assemble};
pub use layout::{Block, Encoding, Layout};
pub use local::{LocalData, check_cells, group_counts};
pub use plan::{Grouping, Owner, Role, Side, StatsPlan};
pub use run::{OutputShares, agree, cost, formula, job_formula, run};

use crate::fixed::Fixed;

/// Fraction bits of standardised columns and correlations: columns have norm 1, products have 60 fraction bits and stay
/// below 2^62.
pub const FRACTION: u32 = 30;

/// Standardised columns and correlations.
pub type Unit = Fixed<FRACTION>;
