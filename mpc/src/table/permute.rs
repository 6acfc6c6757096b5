//! Rows in secret places.

use super::key::rows_of;
use crate::engine::{Engine, Vector, Way};
use crate::secret::only;
use crate::{Error, Result};

/// Moves rows to places that nobody knows, the same for all columns. Leaks the sizes.
///
/// In `rep3` 3 rounds, 48 bytes a row and column in total (Laur, Willemson, Zhang 2011, resharing).
///
/// # Errors
/// [`Error::Shape`] for columns of different lengths; the engine's.
pub fn shuffle<E: Engine>(engine: &mut E, columns: &[&E::Words]) -> Result<Vec<E::Words>> {
    let rows = rows_of::<E>("shuffle", &[], columns)?;
    let by = engine.draw_shuffle(rows)?;
    engine.shuffle(&by, columns, Way::Forward)
}

/// Moves row `i` to the secret place `places[i]`; the places are a permutation of `0..rows`.
///
/// Leaks the sizes: the places are opened after a shuffle, as a uniformly random permutation (Laur, Willemson, Zhang 2011,
/// section 4). Places that are no permutation are an error, and their shuffled multiset has been opened then. In `rep3` 4 rounds,
/// `72 + 48 c` bytes a row in total for `c` columns.
///
/// # Errors
/// [`Error::Shape`] for columns of different lengths, [`Error::Caller`] for places that are no permutation; the engine's.
pub fn scatter<E: Engine>(engine: &mut E, places: &E::Words, columns: &[&E::Words]) -> Result<Vec<E::Words>> {
    let all: Vec<&E::Words> = std::iter::once(places).chain(columns.iter().copied()).collect();
    let mut moved = shuffle(engine, &all)?;
    let columns = moved.split_off(1);
    let places = opened::<E>(engine, &only(moved)?)?;
    let mut index = vec![usize::MAX; places.len()];
    for (row, place) in places.iter().enumerate() {
        index[*place] = row;
    }
    Ok(columns.iter().map(|column| column.gather(&index)).collect())
}

/// Row `i` of the result is row `places[i]`: undoes [`scatter`].
///
/// Leaks and errors as [`scatter`]; in `rep3` 7 rounds, the same bytes.
///
/// # Errors
/// As [`scatter`].
pub fn gather<E: Engine>(engine: &mut E, places: &E::Words, columns: &[&E::Words]) -> Result<Vec<E::Words>> {
    let all: Vec<&E::Words> = std::iter::once(places).chain(columns.iter().copied()).collect();
    let rows = rows_of::<E>("permutation", &[], &all)?;
    let by = engine.draw_shuffle(rows)?;
    let moved = only(engine.shuffle(&by, &[places], Way::Forward)?)?;
    let index = opened::<E>(engine, &moved)?;
    let chosen: Vec<E::Words> = columns.iter().map(|column| column.gather(&index)).collect();
    engine.shuffle(&by, &chosen.iter().collect::<Vec<_>>(), Way::Back)
}

/// Opens a shuffled permutation. Without real openings it is one that does nothing.
fn opened<E: Engine>(engine: &mut E, places: &E::Words) -> Result<Vec<usize>> {
    let opened = only(engine.open(&[places])?)?;
    if !E::OPENS {
        return Ok((0..opened.len()).collect());
    }
    let mut is_taken = vec![false; opened.len()];
    let place = |raw: u64| {
        let slot = usize::try_from(raw).ok().and_then(|place| is_taken.get_mut(place))?;
        (!std::mem::replace(slot, true)).then_some(raw as usize)
    };
    let places: Option<Vec<usize>> = opened.into_iter().map(place).collect();
    places.ok_or_else(|| Error::caller("the places are no permutation of the rows: each from 0 on must appear once"))
}

/// Rows whose flag is 1 to the front, the others behind, each in their order. Flags are words 0 and 1.
///
/// Leaks the sizes, not the number of ones. In `rep3` 5 rounds, `96 + 48 c` bytes a row in total for `c` columns: the one-bit case of
/// radix sort (Hamada et al. 2014/121, section 3).
///
/// # Errors
/// [`Error::Shape`] for columns of different lengths; the engine's.
pub fn partition<E: Engine>(engine: &mut E, flags: &E::Words, columns: &[&E::Words]) -> Result<Vec<E::Words>> {
    use crate::engine::{Module, Product};
    let rows = rows_of::<E>("partition", &[], &[flags])?;
    columns.iter().try_for_each(|column| crate::engine::equal_lengths("partition", rows, column.len()))?;
    if rows == 0 {
        return Ok(columns.iter().map(|column| (*column).clone()).collect());
    }
    // ones before and including each row; then places of ones and of zeros
    let ones = flags.prefix_sums(rows);
    let total = ones.slice(rows - 1..rows).gather(&vec![0; rows]);
    let numbers = engine.constant(&(0..rows as u64).collect::<Vec<_>>());
    let if_one = ones.sub(&engine.constant(&vec![1; rows]));
    let if_zero = total.add(&numbers).sub(&ones);
    let chosen = only(engine.multiply(&[Product::Each(flags, &if_one.sub(&if_zero))], 0)?)?;
    scatter(engine, &if_zero.add(&chosen), columns)
}
