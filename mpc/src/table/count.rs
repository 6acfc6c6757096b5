//! Counting secret bits.

use crate::Result;
use crate::engine::{BitVector, Engine, Module, Vector};

/// As many bits become one number of four bits before they become ring elements: 7 bytes a bit instead of 24 in `rep3`, five more rounds.
const TOGETHER: usize = 15;
/// Fewer bits are lifted one by one.
const FEW: usize = 64;

/// Numbers of ones in groups of `rows` bits, `rows` not 0.
///
/// Full adders of one conjunction each, `(a + c)(b + c) + c` for the carry, make one bit of each weight of 15 bits (Wallace, A suggestion
/// for a fast multiplier, 1964).
pub(super) fn count_ones<E: Engine>(engine: &mut E, bits: &E::Bits, rows: usize) -> Result<E::Words> {
    let groups = bits.len() / rows;
    if rows < FEW {
        return Ok(crate::secret::only(engine.lift(&[bits])?)?.sums(rows));
    }
    let part = rows.div_ceil(TOGETHER);
    let vector = |at: usize| {
        let (from, to) = ((at * part).min(rows), ((at + 1) * part).min(rows));
        let padding = E::Bits::zeros(part - (to - from));
        let pieces: Vec<E::Bits> = (0..groups).map(|group| bits.slice(group * rows + from..group * rows + to)).collect();
        E::Bits::concat(&pieces.iter().flat_map(|piece| [piece, &padding]).collect::<Vec<_>>())
    };
    let mut weights: Vec<Vec<E::Bits>> = vec![(0..TOGETHER).map(vector).collect()];
    while weights.iter().any(|bits| bits.len() >= 3) {
        weights = add(engine, &weights)?;
    }
    let numbers: Vec<usize> = weights.iter().map(Vec::len).collect();
    let mut lifted = engine.lift(&weights.iter().flatten().collect::<Vec<_>>())?.into_iter();
    let mut counts = E::Words::zeros(groups);
    for (weight, number) in numbers.into_iter().enumerate() {
        for bits in lifted.by_ref().take(number) {
            counts = counts.add(&bits.sums(part).scale(1 << weight));
        }
    }
    Ok(counts)
}

/// One layer of full adders: three bits of a weight become one of it and one of the next. One round.
fn add<E: Engine>(engine: &mut E, weights: &[Vec<E::Bits>]) -> Result<Vec<Vec<E::Bits>>> {
    let triples = || weights.iter().flat_map(|bits| bits.chunks_exact(3));
    let differences: Vec<_> = triples().map(|bits| (bits[0].xor(&bits[2]), bits[1].xor(&bits[2]))).collect();
    let products = engine.and(&differences.iter().map(|(a, b)| (a, b)).collect::<Vec<_>>())?;
    let mut carries = products.iter().zip(triples()).map(|(product, bits)| product.xor(&bits[2]));
    let mut result: Vec<Vec<E::Bits>> = vec![Vec::new(); weights.len() + 1];
    for (weight, bits) in weights.iter().enumerate() {
        let triples = bits.chunks_exact(3);
        result[weight].extend(triples.remainder().iter().cloned());
        result[weight].extend(triples.clone().map(|bits| bits[0].xor(&bits[1]).xor(&bits[2])));
        result[weight + 1].extend(carries.by_ref().take(triples.len()));
    }
    if result.last().is_some_and(Vec::is_empty) {
        result.pop();
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clear::Clear;

    proptest! {
        #[test]
        fn counts(groups in proptest::collection::vec(proptest::collection::vec(any::<bool>(), 300), 0..4), rows in 1usize..300) {
            let bits = Clear.constant_bits(&groups.iter().flat_map(|group| group[..rows].iter().copied()).collect());
            let counts = count_ones(&mut Clear, &bits, rows).unwrap();
            let expected: Vec<u64> = groups.iter().map(|group| group[..rows].iter().filter(|bit| **bit).count() as u64).collect();
            prop_assert_eq!(counts.part(0), expected);
        }
    }
}
