//! What an owner shares.

use ndarray::{Array2, ArrayView1};
use rand::CryptoRng;
use zeroize::{Zeroize, Zeroizing};

use super::plan::AnalysisPlan;
use crate::joint::{KEY_LEN, check_rows, share_keys, share_values};
use crate::learn::{BOUND, Feature};
use crate::ring::Element;
use crate::stats::Owner;
use crate::{Error, Result};

/// Standardised values further from the mean than so many standard deviations are taken to be there (winsorised).
pub const FEATURE_LIMIT: f64 = BOUND - 1.0;

/// An input party's rows. Wiped on drop.
pub struct AnalysisData {
    /// Normalised identifiers, unique.
    pub keys: Vec<Zeroizing<Vec<u8>>>,
    /// `[rows, columns]`, in the order of the plan's numeric columns.
    pub numeric: Array2<f64>,
    /// For each categorical column of the plan the code of each row.
    pub codes: Vec<Vec<u32>>,
}

impl Drop for AnalysisData {
    fn drop(&mut self) {
        if let Some(values) = self.numeric.as_slice_memory_order_mut() {
            values.zeroize();
        }
        self.codes.iter_mut().for_each(Zeroize::zeroize);
    }
}

/// An owner's columns as ring elements, one after the other, filled up to the announced rows; then mean and standard deviation of
/// each standardised column.
pub struct Local {
    pub(super) columns: Zeroizing<Vec<u64>>,
    pub(super) scales: Zeroizing<Vec<u64>>,
}

impl Local {
    /// Encodes an owner's rows; `key` is that of the digests ([`crate::joint::agree_on_key`]).
    ///
    /// # Errors
    /// [`Error::Caller`] for other rows than announced (fewer than half, or more), a magnitude far above the values, keys that repeat, a category that the plan
    /// does not have, a constant column for a regression; [`Error::Shape`]; [`Error::Range`] for a value outside its column's scale, or a label that is
    /// neither 0 nor 1.
    pub fn of(plan: &AnalysisPlan, owner: Owner, data: &AnalysisData, key: &[u8; KEY_LEN], rng: &mut impl CryptoRng) -> Result<Self> {
        plan.check()?;
        let (side, uses) = (plan.side(owner), plan.uses(owner));
        let (rows, wanted) = (data.keys.len(), side.rows as usize);
        check_rows(&side.party, rows, wanted)?;
        if data.numeric.dim() != (rows, side.numeric.len()) {
            return Err(Error::shape("analysis", data.numeric.shape(), &[rows, side.numeric.len()]));
        }
        if data.codes.len() != side.categorical.len() || data.codes.iter().any(|codes| codes.len() != rows) {
            return Err(Error::caller(format!("`{}`: a category for each row of each categorical column", side.party)));
        }
        for (codes, column) in data.codes.iter().zip(&side.categorical) {
            if codes.iter().any(|code| *code as usize >= column.labels.len()) {
                return Err(Error::caller("a row has a category that the plan does not have"));
            }
        }
        let mut columns = Zeroizing::new(Vec::with_capacity(wanted * plan.width(owner)));
        let mut scales = Zeroizing::new(Vec::new());
        share_keys(&data.keys, wanted, key, rng, &mut columns)?;
        for at in uses.integers {
            let column = &side.numeric[at];
            share_values(&column.name, column.exponent, data.numeric.column(at), wanted, &mut columns)?;
        }
        for at in uses.features {
            let [mean, sd] = standardise(&side.numeric[at].name, data.numeric.column(at), wanted, &mut columns)?;
            scales.extend([mean.to_bits(), sd.to_bits()]);
        }
        for at in uses.labels {
            let label = |value: &f64| if *value == 0.0 { Some(0) } else { (*value == 1.0).then_some(1) };
            for value in data.numeric.column(at) {
                let what = || format!("column `{}` as labels, expected 0 or 1", side.numeric[at].name);
                columns.push(label(value).ok_or_else(|| Error::Range { what: what(), limit: 2.0 })?);
            }
            columns.extend(std::iter::repeat_n(0, wanted - rows));
        }
        for at in uses.codes {
            columns.extend(data.codes[at].iter().map(|code| u64::from(*code)));
            columns.extend(std::iter::repeat_n(0, wanted - rows));
        }
        for at in uses.indicators {
            for label in 0..side.categorical[at].labels.len() {
                columns.extend(data.codes[at].iter().map(|code| u64::from(*code as usize == label)));
                columns.extend(std::iter::repeat_n(0, wanted - rows));
            }
        }
        Ok(Self { columns, scales })
    }
}

/// Appends a column with mean 0 and standard deviation 1, filled up with zeros; returns both as they were.
fn standardise(name: &str, values: ArrayView1<'_, f64>, wanted: usize, out: &mut Vec<u64>) -> Result<[f64; 2]> {
    let range = || Error::Range { what: format!("column `{name}`"), limit: 1e140 };
    if values.iter().any(|value| value.is_nan() || value.abs() >= 1e140) {
        return Err(range());
    }
    let first = values.first().copied().unwrap_or_default();
    // deviations from the first value keep the digits of columns far from zero
    let count = values.len() as f64;
    let mean = first + values.iter().map(|value| value - first).sum::<f64>() / count;
    let sd = (values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count).sqrt();
    if !(sd.is_normal() && mean.is_finite()) {
        return Err(Error::caller(format!("column `{name}` is constant: a regression cannot use it")));
    }
    let end = out.len() + wanted;
    for value in values {
        out.push(Feature::encode(name, ((value - mean) / sd).clamp(-FEATURE_LIMIT, FEATURE_LIMIT))?);
    }
    out.resize(end, 0);
    Ok([mean, sd])
}
