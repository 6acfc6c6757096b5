//! What the proofs fold their vectors with: GF(2^64) or integers modulo two primes ([`super::primes`]), each element a word.

use super::gf;
use crate::memory::zeros;
use crate::prg::Stream;

/// A finite field, or a product of two, whose elements are words.
pub(super) trait Field: Copy + Send + Sync {
    /// `a + b`.
    fn add(&self, a: u64, b: u64) -> u64;

    /// `a - b`.
    fn sub(&self, a: u64, b: u64) -> u64;

    /// `a b`.
    fn mul(&self, a: u64, b: u64) -> u64;

    /// Adds to `out[k]` the sum of `u_ia w_ib` over all `i` and `a - b + c - 1 = k`: the coefficients of
    /// `sum_i (sum_a u_ia X^a) (sum_b w_ib X^(c-1-b))`. `u` and `w` have a multiple of `c` elements. Which elements are `u_i0, u_i1, ..` is the
    /// field's choice, the same here and in [`Self::fold`].
    fn convolve(&self, c: usize, u: &[u64], w: &[u64], out: &mut [u64]);

    /// `sum_a factors[a] v_ia` for each `i`, `c` factors; what is missing to a multiple of `c` elements counts as zeros.
    fn fold(&self, factors: &[u64], v: &[u64]) -> Vec<u64>;

    /// A uniform element.
    fn draw(&self, stream: &mut Stream<'_>) -> u64;

    /// A uniform element other than zero.
    fn draw_unit(&self, stream: &mut Stream<'_>) -> u64 {
        loop {
            let value = self.draw(stream);
            if value != 0 {
                return value;
            }
        }
    }

    /// Whether this is the one form in which an element is written.
    fn is_element(&self, value: u64) -> bool;
}

/// GF(2^64).
#[derive(Clone, Copy)]
pub(super) struct Binary;

impl Field for Binary {
    fn add(&self, a: u64, b: u64) -> u64 {
        a ^ b
    }

    fn sub(&self, a: u64, b: u64) -> u64 {
        a ^ b
    }

    fn mul(&self, a: u64, b: u64) -> u64 {
        gf::mul(a, b)
    }

    fn convolve(&self, c: usize, u: &[u64], w: &[u64], out: &mut [u64]) {
        gf::convolve(c, u, w, out);
    }

    fn fold(&self, factors: &[u64], v: &[u64]) -> Vec<u64> {
        let mut out = zeros(v.len().div_ceil(factors.len()));
        gf::fold(factors, v, &mut out);
        out
    }

    fn draw(&self, stream: &mut Stream<'_>) -> u64 {
        word(stream)
    }

    fn is_element(&self, _: u64) -> bool {
        true
    }
}

/// The next element of a stream.
pub(super) fn word(stream: &mut Stream<'_>) -> u64 {
    let mut out = [0];
    stream.fill(&mut out);
    out[0]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::prg::{Key, Op, Purpose};

    fn naive<F: Field>(field: &F, c: usize, u: &[u64], w: &[u64]) -> Vec<u64> {
        let mut out = vec![0; 2 * c - 1];
        for (u, w) in u.chunks(c).zip(w.chunks(c)) {
            for a in 0..c {
                for b in 0..c {
                    out[a + c - 1 - b] = field.add(out[a + c - 1 - b], field.mul(u[a], w[b]));
                }
            }
        }
        out
    }

    fn check<F: Field>(field: &F, c: usize, groups: usize, seed: u64) {
        let key = Key::derive(&[1; 32], &[2; 32], 0);
        let op = Op::new(seed >> 20);
        let mut stream = key.stream(Purpose::Input, &op);
        let mut draw = |len: usize| (0..len).map(|_| field.draw(&mut stream)).collect::<Vec<_>>();
        let (u, w, factors) = (draw(c * groups), draw(c * groups), draw(c));
        let mut out = vec![0; 2 * c - 1];
        field.convolve(c, &u, &w, &mut out);
        assert_eq!(out, naive(field, c, &u, &w));
        let short = &u[..u.len().saturating_sub(1)];
        let folded = field.fold(&factors, short);
        let sum = |group: &[u64]| factors.iter().zip(group).fold(0, |sum, (f, v)| field.add(sum, field.mul(*f, *v)));
        assert_eq!(folded, short.chunks(c).map(sum).collect::<Vec<_>>());
    }

    proptest! {
        #[test]
        fn binary_arithmetic(seed: u64) {
            for c in [1, 2, 4, 8, 16, 33] {
                check(&Binary, c, 9, seed);
            }
        }
    }
}
