//! Columns before training (特征工程): in the clear at their owner, and on shares where two parties' columns or the labels meet.
//!
//! | to see | open |
//! |---|---|
//! | bins of equal frequency or width, chi-merge | [`bins`] |
//! | weights of evidence, information value | [`woe`], on shares [`woe::shares`] |
//! | Pearson correlation, variance inflation | [`correlation`], on shares [`correlation::shares`] |
//! | standardise, fill what is missing, one-hot | [`prepare`] |
//! | which columns to keep | [`select`] |
//! | points of a score card | [`scorecard`] |
//!
//! What is fitted here is data and serialises: training and prediction apply the same numbers. A missing value is `NaN`.

pub mod bins;
pub mod correlation;
pub mod prepare;
pub mod scorecard;
pub mod select;
pub mod woe;

pub use bins::Binning;
pub use scorecard::Scorecard;
pub use woe::WoeTable;
