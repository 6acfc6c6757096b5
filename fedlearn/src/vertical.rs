//! Vertical training (纵向联邦学习): parties with different features of the same, already aligned rows, over shares.
//!
//! | to see | open |
//! |---|---|
//! | gradient-boosted trees | [`boost`] |
//! | boosted trees of two parties without a third | [`pair`] |
//! | logistic, linear and Poisson regression, standard errors | [`regression`] |
//! | a training, an evaluation, a prediction as the program of a job | [`task`] |
//!
//! Everything but [`pair`] is generic over [`yu_mpc::engine::Engine`]. All parties call the same functions with the same public sizes; an owner passes its data,
//! the others pass `None` (the reference engine [`yu_mpc::clear::Clear`] wants all of them). There is no arbiter: no party sees a gradient.

pub mod boost;
pub mod pair;
pub mod regression;
pub mod task;

use crate::trees::Binned;
use crate::{Error, Result};

/// The features of one owner, in bins.
#[derive(Clone, Copy)]
pub struct Features<'a> {
    /// Party that owns them.
    pub owner: usize,
    /// Number of bins of each feature, known to all.
    pub bins: &'a [usize],
    /// At the owner.
    pub data: Option<&'a Binned>,
}

/// The labels of one owner.
#[derive(Clone, Copy)]
pub struct Labels<'a> {
    /// Party that owns them.
    pub owner: usize,
    /// At the owner, one for each row.
    pub values: Option<&'a [f64]>,
}

impl Features<'_> {
    /// What an engine wants of them.
    pub(crate) fn known(&self, rows: usize) -> Result<yu_mpc::engine::KnownInput<'_>> {
        match self.data {
            Some(data) if data.rows() != rows || data.bins() != self.bins => {
                Err(Error::caller(format!("features of party `{}`: other rows or bins than announced", self.owner)))
            }
            _ => Ok(yu_mpc::engine::KnownInput { owner: self.owner, rows, bins: self.bins, codes: self.data.map(Binned::codes) }),
        }
    }
}
