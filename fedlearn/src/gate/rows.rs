//! Rows to train on, rows to hold back, records to plant.

use sha2::{Digest, Sha256};

use super::settings::Settings;
use crate::data::Dataset;
use crate::strategy::generator;
use crate::train::{Plan, parted};
use crate::{Error, Result};
use rand_chacha::rand_core::Rng;

/// Canaries that a party plants: fewer show little.
const CANARIES: usize = 10;

/// A party's rows before a training. No `Debug`: rows stay where they are.
pub struct Rows {
    /// What the party hands to the training.
    pub training: Dataset,
    /// Those of them that the model learns from.
    pub members: Dataset,
    /// Rows that it never sees.
    pub held_back: Dataset,
}

impl Rows {
    /// Divides a party's rows; the same rows, plan and settings give the same parts, so that nothing has to be kept.
    ///
    /// If the training holds rows back for its figures (`holdout`), those serve here, too. Else one in `hold_back` rows is held back by a hash of the job
    /// and the row: which rows those are depends on no other row, so that a privacy budget for single rows holds, and rows that are alike fall on one side.
    ///
    /// # Errors
    /// [`Error::Data`] if no row is left to train on.
    pub fn divide(plan: &Plan, rows: &Dataset, settings: &Settings) -> Result<Self> {
        if plan.settings.holdout > 0 {
            let (members, held_back) = parted(rows, plan.settings.holdout)?;
            let held_back = held_back.map_or_else(|| rows.take(&[]), Ok)?;
            return Ok(Self { training: rows.clone(), members, held_back });
        }
        Self::hold_back(rows, &plan.job, settings)
    }

    /// The same for a training that holds no rows back itself, as of trees.
    ///
    /// # Errors
    /// As [`Self::divide`].
    pub fn hold_back(rows: &Dataset, job: &[u8; 32], settings: &Settings) -> Result<Self> {
        let (members, held_back) = hold_back(rows, settings.hold_back, job)?;
        Ok(Self { training: members.clone(), members, held_back })
    }
}

/// Rows to train on and to hold back, each row by its own hash.
fn hold_back(rows: &Dataset, every: u32, job: &[u8; 32]) -> Result<(Dataset, Dataset)> {
    let is_held = |row: usize| {
        let mut hash = Sha256::new().chain_update(b"yu-fedlearn/gate/hold-back/v1").chain_update(job);
        let values = rows.features().row(row);
        values.iter().chain(rows.targets().get(row)).for_each(|value| hash.update(value.to_le_bytes()));
        let [a, b, c, d, e, f, g, h, ..] = <[u8; 32]>::from(hash.finalize());
        u64::from_le_bytes([a, b, c, d, e, f, g, h]) % u64::from(every.max(1)) == 0
    };
    let (held, kept): (Vec<usize>, Vec<usize>) = (0..rows.rows()).partition(|row| is_held(*row));
    if kept.is_empty() {
        return Err(Error::Data {
            what: "rows".into(),
            problem: format!("of {} rows none is left to train on", rows.rows()),
            remedy: "raise `hold_back`, or give more rows".into(),
        });
    }
    Ok((rows.take(&kept)?, rows.take(&held)?))
}

/// Records that were planted in a training, and others of their kind that were not.
pub struct Planted {
    /// Planted: to be added to the rows of the training.
    pub canaries: Dataset,
    /// Not planted.
    pub references: Dataset,
}

impl Planted {
    /// Whether they can show what the settings ask for.
    pub(super) fn is_enough(&self, settings: &Settings) -> bool {
        self.canaries.rows() >= CANARIES && self.references.rows() as f64 >= settings.canary_exposure.exp2() - 1.0
    }
}

/// Draws canaries: every feature and the label are those of some row, each of another, so that they are of the data's kind and of nobody.
///
/// # Errors
/// [`Error::Data`] without rows; [`Error::Caller`] for settings out of range.
pub fn plant(rows: &Dataset, settings: &Settings, seed: &[u8; 32]) -> Result<Planted> {
    settings.check()?;
    if rows.rows() == 0 {
        return Err(Error::Data { what: "rows".into(), problem: "there is none to take after".into(), remedy: "give rows".into() });
    }
    let mut rng = generator(seed, "canaries", 0, 0);
    let mut any = || ((u128::from(rng.next_u64()) * rows.rows() as u128) >> 64) as usize;
    let mut draw = |count: usize| {
        let (mut x, mut y) = (ndarray::Array2::zeros((count, rows.columns())), Vec::with_capacity(count));
        for mut record in x.rows_mut() {
            for (column, value) in record.iter_mut().enumerate() {
                *value = rows.features().get((any(), column)).copied().unwrap_or_default();
            }
            y.push(rows.targets().get(any()).copied().unwrap_or_default());
        }
        Dataset::new(x, y)
    };
    Ok(Planted { canaries: draw(CANARIES)?, references: draw(settings.canary_exposure.exp2().ceil() as usize)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    #[test]
    fn a_row_more_moves_no_other() {
        let x = Array2::from_shape_fn((500, 2), |(row, column)| (row / 2 * 3 + column) as f64);
        let all = Dataset::new(x, vec![0.0; 500]).unwrap();
        let (kept, held) = hold_back(&all, 5, &[1; 32]).unwrap();
        assert!((60..140).contains(&held.rows()) && kept.rows() + held.rows() == 500);
        // pairs of equal rows are on one side
        let values = |rows: &Dataset| rows.features().column(0).to_vec();
        assert!(values(&held).iter().all(|value| !values(&kept).contains(value)));
        let fewer = all.take(&(1..500).collect::<Vec<_>>()).unwrap();
        let (again, _) = hold_back(&fewer, 5, &[1; 32]).unwrap();
        assert!(kept.rows() - again.rows() <= 1 && values(&again).iter().all(|value| values(&kept).contains(value)));
        let (other, _) = hold_back(&all, 5, &[2; 32]).unwrap();
        assert!(values(&other) != values(&kept));
    }

    #[test]
    fn canaries_are_of_the_kind_of_the_rows() {
        let x = Array2::from_shape_fn((50, 3), |(row, column)| (100 * column + row) as f64);
        let rows = Dataset::new(x, (0..50).map(|row| f64::from(row % 2)).collect()).unwrap();
        let planted = plant(&rows, &Settings::default(), &[3; 32]).unwrap();
        assert_eq!((planted.canaries.rows(), planted.references.rows()), (10, 2048));
        let within = |((_, column), value): ((usize, usize), &f64)| (100 * column..100 * column + 50).contains(&(*value as usize));
        assert!(planted.references.features().indexed_iter().all(within));
        assert!(plant(&rows.take(&[]).unwrap(), &Settings::default(), &[3; 32]).is_err());
    }
}
