//! A key that several hold (分持): any `quorum` of the parts give it back, fewer tell nothing (Shamir 1979, over GF(2^8) byte by byte).

use crate::fault::{Code, Fault, Result};
use rand::Rng;
use zeroize::Zeroizing;

/// Most holders.
pub const MOST: u8 = 16;

/// One part: its place, from 1, and its bytes.
pub type Part = (u8, Zeroizing<[u8; 32]>);

/// Product in GF(2^8) modulo x^8 + x^4 + x^3 + x + 1. TIMING: no branch and no index depends on a value.
fn times(mut a: u8, mut b: u8) -> u8 {
    let mut product = 0;
    for _ in 0..8 {
        product ^= a & (b & 1).wrapping_neg();
        let carry = (a >> 7).wrapping_neg();
        a = (a << 1) ^ (0x1b & carry);
        b >>= 1;
    }
    product
}

/// The inverse: a^254.
fn inverse(a: u8) -> u8 {
    let mut power = a;
    for _ in 0..6 {
        power = times(times(power, power), a);
    }
    times(power, power)
}

/// Splits a key among `holders`.
///
/// # Errors
/// `input.bad` unless 2 <= quorum <= holders <= 16.
pub fn split(key: &[u8; 32], quorum: u8, holders: u8, rng: &mut impl Rng) -> Result<Vec<Part>> {
    if quorum < 2 || quorum > holders || holders > MOST {
        return Err(Fault::new(Code::Input, format!("{quorum} of {holders}: at least 2, at most all, at most {MOST} holders")));
    }
    let mut parts: Vec<Part> = (1..=holders).map(|place| (place, Zeroizing::new([0; 32]))).collect();
    for (at, byte) in key.iter().enumerate() {
        // the constant term is the secret, the others are random
        let mut terms = Zeroizing::new(vec![0; usize::from(quorum)]);
        rng.fill_bytes(&mut terms);
        terms[0] = *byte;
        for (place, part) in &mut parts {
            part[at] = terms.iter().rev().fold(0, |sum, term| times(sum, *place) ^ term);
        }
    }
    Ok(parts)
}

/// Puts parts together. Parts that do not belong together give another key: whoever calls compares with the public half.
///
/// # Errors
/// `input.bad` for a place twice, or none.
pub fn join(parts: &[Part]) -> Result<Zeroizing<[u8; 32]>> {
    let places: std::collections::BTreeSet<u8> = parts.iter().map(|(place, _)| *place).collect();
    if places.len() != parts.len() || places.contains(&0) || parts.is_empty() {
        return Err(Fault::new(Code::Input, "parts of a key with the same place, or with none"));
    }
    let mut key = Zeroizing::new([0_u8; 32]);
    for (place, part) in parts {
        // Lagrange at 0: the product of x_j / (x_j - x_i), where minus is exclusive or
        let others = parts.iter().map(|(other, _)| *other).filter(|other| other != place);
        let weight = others.fold(1, |weight, other| times(weight, times(other, inverse(other ^ place))));
        key.iter_mut().zip(part.iter()).for_each(|(sum, byte)| *sum ^= times(weight, *byte));
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::rng;

    #[test]
    fn d3_any_quorum_gives_the_key_and_fewer_do_not() {
        for a in 1..=255_u8 {
            assert_eq!(times(a, inverse(a)), 1, "{a}");
        }
        // FIPS 197, section 4.2: {57} x {83} = {c1}
        assert_eq!(times(0x57, 0x83), 0xc1);
        let key: [u8; 32] = std::array::from_fn(|n| (n * 7 + 1) as u8);
        let parts = split(&key, 3, 5, &mut rng()).unwrap();
        for (a, b, c) in [(0, 1, 2), (4, 2, 0), (1, 3, 4)] {
            let some = [parts[a].clone(), parts[b].clone(), parts[c].clone()];
            assert_eq!(*join(&some).unwrap(), key);
        }
        assert_eq!(*join(&parts).unwrap(), key);
        assert_ne!(*join(&parts[..2]).unwrap(), key);
        assert!(join(&[parts[0].clone(), parts[0].clone()]).is_err() && join(&[]).is_err());
        let other = split(&key, 3, 5, &mut rng()).unwrap();
        assert_ne!(*join(&[parts[0].clone(), parts[1].clone(), other[2].clone()]).unwrap(), key);
        for (quorum, holders) in [(1, 3), (4, 3), (2, 17), (0, 0)] {
            assert!(split(&key, quorum, holders, &mut rng()).is_err());
        }
    }
}
