//! Equi-join on secret keys.
//!
//! **What it computes.** Rows of two tables with equal keys, side by side, in a table of `n_left + n_right` rows with a secret flag.
//!
//! **Keys** are 80-bit keyed digests of identifiers ([`digests`]): two different identifiers get the same digest with probability
//! `n_left n_right / 2^80` at most, 2^-40 for a million rows each. Digests are shared like any secret; the key keeps those who do not hold it from
//! choosing identifiers that collide.
//!
//! **How.** Both tables one below the other are sorted by (digest, side). A right row whose predecessor is a left row with the
//! same digest has a match: it takes over the left row's payload. All other rows become zeros, so sums and products over the result
//! are those over the matched rows. (As in Mohassel, Rindal, Rosulek 2019/518 what matched stays secret; their cuckoo tables are
//! replaced by the sort.)
//!
//! **Duplicates.** Keys are unique within each side. [`digests`] refuses to digest an identifier twice, so an owner notices its own; since
//! nobody can check the other's table, [`Joined::repeated`] counts neighbours of one side with equal keys: open it (or whether it
//! is zero) before the result is used, it is zero for honest owners. With duplicates the last left row meets the first right row.
//!
//! **What leaks: sizes.** Not who matched, nor how many.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::key::{Key, equals_next, rows_of};
use super::sort::sort;
use crate::engine::{BitVector, Engine, Module, Product, Vector};
use crate::secret::only;
use crate::{Error, Result};

/// Bits of the second word of a digest.
const HIGH_BITS: u32 = 16;

/// Domain of the digests.
const TAG: &[u8] = b"yu/table/join/1";

/// Keyed 80-bit digest of an identifier: 64 bits and 16 bits. SHA-256 of domain, key and identifier, cut.
#[must_use]
pub fn digest(key: &[u8; 32], identifier: &[u8]) -> [u64; 2] {
    let hash = Sha256::new().chain_update(TAG).chain_update(key).chain_update(identifier).finalize();
    let byte = |at: usize| u64::from(hash[at]);
    [(0..8).fold(0, |word, at| word << 8 | byte(at)), byte(8) << 8 | byte(9)]
}

/// Digests of an owner's identifiers: the two words of each as columns.
///
/// # Errors
/// [`Error::Caller`] with the number of identifiers that appear more than once.
pub fn digests<'a>(key: &[u8; 32], identifiers: impl IntoIterator<Item = &'a [u8]>) -> Result<[Vec<u64>; 2]> {
    let digests: Zeroizing<Vec<[u64; 2]>> = Zeroizing::new(identifiers.into_iter().map(|identifier| digest(key, identifier)).collect());
    let mut sorted = digests.clone();
    sorted.sort_unstable();
    let repeated = sorted.windows(2).filter(|pair| pair[0] == pair[1]).count();
    if repeated == 0 {
        Ok([0, 1].map(|word| digests.iter().map(|digest| digest[word]).collect()))
    } else {
        Err(Error::caller(format!(
            "join: `{repeated}` rows repeat the key of an earlier row, keys must be unique: keep one row of each key"
        )))
    }
}

/// One of the two tables.
pub struct Side<'a, E: Engine> {
    /// The words of the digests, [`digest`] says which.
    pub digests: [&'a E::Words; 2],
    /// The other columns.
    pub columns: &'a [&'a E::Words],
}

/// The joined table: `n_left + n_right` rows in the order of the digests.
pub struct Joined<E: Engine> {
    /// 1 where a row is a match; the other columns are zero elsewhere.
    pub is_match: E::Words,
    /// Columns of the left table.
    pub left: Vec<E::Words>,
    /// Columns of the right table.
    pub right: Vec<E::Words>,
    /// One element: how many rows repeat a key of their own side. Zero if both kept the contract.
    pub repeated: E::Words,
}

/// Joins two tables.
///
/// Bytes and rounds: those of [`sort()`] with keys of 64, 16 and 1 bits and as many columns as the wider side has, then 30 bytes
/// and 7 rounds for the comparison of neighbours, 48 bytes and 2 rounds for the flags, 24 bytes for each column of the result in one round.
///
/// # Errors
/// As [`sort()`].
pub fn join<E: Engine>(engine: &mut E, left: &Side<'_, E>, right: &Side<'_, E>) -> Result<Joined<E>> {
    let [n_left, n_right] = [rows_of_side(left)?, rows_of_side(right)?];
    let rows = n_left + n_right;
    let [low, high] = [0, 1].map(|at| E::Words::concat(&[left.digests[at], right.digests[at]]));
    let side = engine.constant(&[vec![0; n_left], vec![1; n_right]].concat());
    // a left row's payload and a right row's share a column
    let half =
        |side: &Side<'_, E>, at: usize, rows: usize| side.columns.get(at).map_or_else(|| E::Words::zeros(rows), |&column| column.clone());
    let columns: Vec<E::Words> = (0..left.columns.len().max(right.columns.len()))
        .map(|at| E::Words::concat(&[&half(left, at, n_left), &half(right, at, n_right)]))
        .collect();
    let keys = [Key::unsigned(&high, HIGH_BITS), Key::unsigned(&low, 64), Key::flag(&side)];
    let sorted = sort(engine, &keys, &columns.iter().collect::<Vec<_>>())?;
    if rows == 0 {
        let none = |columns: &[&E::Words]| vec![E::Words::zeros(0); columns.len()];
        let (left, right) = (none(left.columns), none(right.columns));
        return Ok(Joined { is_match: E::Words::zeros(0), left, right, repeated: E::Words::zeros(1) });
    }
    let planes: Vec<&E::Bits> = sorted.planes.iter().take(2).flatten().collect();
    let is_equal = equals_next(engine, &planes, rows)?;
    let side = sorted.planes.iter().skip(2).flatten().cloned().collect();
    let side: E::Bits = only(side)?;
    // among equal digests left rows come first: if the sides differ, it is left and right
    let differ = side.slice(0..rows - 1).xor(&side.slice(1..rows));
    let is_pair = only(engine.and(&[(&is_equal, &differ)])?)?;
    let is_repeated = is_equal.xor(&is_pair);
    let [is_pair, is_repeated] =
        engine.lift(&[&is_pair, &is_repeated])?.try_into().map_err(|_| Error::caller("a primitive returned another number of results"))?;
    let is_match = E::Words::concat(&[&E::Words::zeros(1), &is_pair]);
    let before: Vec<usize> = (0..rows).map(|row| row.saturating_sub(1)).collect();
    let from_left: Vec<E::Words> = sorted.columns.iter().take(left.columns.len()).map(|column| column.gather(&before)).collect();
    let from_right = sorted.columns.iter().take(right.columns.len());
    let products: Vec<_> = from_left.iter().chain(from_right).map(|column| Product::Each(&is_match, column)).collect();
    let mut masked = if products.is_empty() { Vec::new() } else { engine.multiply(&products, 0)? };
    let right = masked.split_off(left.columns.len());
    let repeated = if is_repeated.is_empty() { E::Words::zeros(1) } else { is_repeated.sums(rows - 1) };
    Ok(Joined { is_match, left: masked, right, repeated })
}

fn rows_of_side<E: Engine>(side: &Side<'_, E>) -> Result<usize> {
    let all: Vec<&E::Words> = side.digests.into_iter().chain(side.columns.iter().copied()).collect();
    rows_of::<E>("join", &[], &all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_keyed_and_unique() {
        assert_eq!(digest(&[0; 32], b"a"), digest(&[0; 32], b"a"));
        assert_ne!(digest(&[0; 32], b"a"), digest(&[1; 32], b"a"));
        assert!(digest(&[0; 32], b"a")[1] < 1 << HIGH_BITS);
        let error = digests(&[0; 32], [&b"a"[..], b"b", b"a", b"a"]).unwrap_err().to_string();
        assert!(error.contains("`2` rows"), "{error}");
        assert_eq!(digests(&[0; 32], [&b"a"[..], b"b"]).unwrap()[0].len(), 2);
    }
}
