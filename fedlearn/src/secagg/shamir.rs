//! Verifiable secret sharing: Shamir 1979 over the scalar field of Ristretto255, with the commitments of Feldman 1987.
//!
//! A secret `s` is the constant term of a polynomial `f` of degree `t - 1`; party `i` holds `f(i + 1)`. The dealer publishes
//! `A_j = f_j G`. Everybody can check a share against `sum_j (i + 1)^j A_j`: a dealer that hands out a wrong share and a holder
//! that reports a wrong one are both found, by name. `A_0 = s G` is public, so `s` is hidden as a discrete logarithm is.

use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use curve25519_dalek::traits::Identity;
use rand::CryptoRng;
use zeroize::{Zeroize, Zeroizing};

/// Bytes of a share, a commitment, a public key.
pub(super) const LEN: usize = 32;

/// A polynomial; wiped on drop.
pub(super) struct Polynomial(Zeroizing<Vec<Scalar>>);

impl Polynomial {
    /// A uniform polynomial with `threshold` coefficients: a uniform secret.
    pub(super) fn random(threshold: usize, rng: &mut impl CryptoRng) -> Self {
        Self(Zeroizing::new((0..threshold).map(|_| Scalar::random(rng)).collect()))
    }

    pub(super) fn secret(&self) -> Zeroizing<Scalar> {
        Zeroizing::new(self.0.first().copied().unwrap_or(Scalar::ZERO))
    }

    /// The commitments to all coefficients, `32 threshold` bytes.
    pub(super) fn commit(&self) -> Vec<[u8; LEN]> {
        self.0.iter().map(|coefficient| RistrettoPoint::mul_base(coefficient).compress().to_bytes()).collect()
    }

    /// The share of a party.
    pub(super) fn share(&self, party: u32) -> Zeroizing<Scalar> {
        let at = point(party);
        Zeroizing::new(self.0.iter().rev().fold(Scalar::ZERO, |sum, coefficient| sum * at + coefficient))
    }
}

/// The published side of a polynomial.
pub(super) struct Commitments(Vec<RistrettoPoint>);

impl Commitments {
    /// Reads what a dealer published; `None` if a point does not decode or the secret is zero.
    pub(super) fn read(bytes: &[[u8; LEN]]) -> Option<Self> {
        let points: Option<Vec<_>> = bytes.iter().map(|point| CompressedRistretto(*point).decompress()).collect();
        points.filter(|points| points.first().is_some_and(|first| *first != RistrettoPoint::identity())).map(Self)
    }

    /// The point of the secret: a public key.
    pub(super) fn public(&self) -> RistrettoPoint {
        self.0.first().copied().unwrap_or_default()
    }

    /// Whether this is the share of that party.
    pub(super) fn holds(&self, party: u32, share: &Scalar) -> bool {
        RistrettoPoint::mul_base(share) == self.at_vartime(party)
    }

    /// Whether this is the secret.
    pub(super) fn opens(&self, secret: &Scalar) -> bool {
        RistrettoPoint::mul_base(secret) == self.public()
    }

    /// `f(party + 1) G`; the party is public.
    fn at_vartime(&self, party: u32) -> RistrettoPoint {
        let at = u64::from(party) + 1;
        let times = |point: RistrettoPoint| {
            let mut out = RistrettoPoint::identity();
            for bit in (0..u64::BITS - at.leading_zeros()).rev() {
                out = out + out;
                if at >> bit & 1 == 1 {
                    out += point;
                }
            }
            out
        };
        self.0.iter().rev().fold(RistrettoPoint::identity(), |sum, commitment| times(sum) + commitment)
    }
}

/// Where the share of a party lies.
fn point(party: u32) -> Scalar {
    Scalar::from(u64::from(party) + 1)
}

/// Coefficients that make the secret of the shares of these parties, which are pairwise different and public.
pub(super) fn weights(parties: &[u32]) -> Vec<Scalar> {
    let points: Vec<_> = parties.iter().map(|party| point(*party)).collect();
    let others = |at: usize| points.iter().enumerate().filter(move |(other, _)| *other != at).map(|(_, point)| *point);
    let mut below: Vec<Scalar> = (0..points.len()).map(|at| others(at).map(|other| other - points[at]).product()).collect();
    Scalar::invert_batch_alloc(&mut below);
    below.iter().enumerate().map(|(at, inverse)| others(at).product::<Scalar>() * inverse).collect()
}

/// The secret, of shares in the order of the weights.
pub(super) fn combine<'s>(weights: &[Scalar], shares: impl Iterator<Item = &'s Scalar>) -> Zeroizing<Scalar> {
    let mut sum = Zeroizing::new(Scalar::ZERO);
    for (weight, share) in weights.iter().zip(shares) {
        let mut term = weight * share;
        *sum += term;
        term.zeroize();
    }
    sum
}

/// A scalar in its one encoding.
pub(super) fn scalar(bytes: [u8; LEN]) -> Option<Zeroizing<Scalar>> {
    Option::from(Scalar::from_canonical_bytes(bytes)).map(Zeroizing::new)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    use super::*;

    #[test]
    fn any_threshold_shares_open_and_forged_ones_do_not_hold() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let polynomial = Polynomial::random(3, &mut rng);
        let commitments = Commitments::read(&polynomial.commit()).unwrap();
        let shares: Vec<_> = (0..6).map(|party| polynomial.share(party)).collect();
        for (party, share) in (0..).zip(&shares) {
            assert!(commitments.holds(party, share));
            assert!(!commitments.holds(party + 1, share));
            assert!(!commitments.holds(party, &(**share + Scalar::ONE)));
        }
        for chosen in [[0, 1, 2], [5, 0, 3], [2, 4, 5]] {
            let secret = combine(&weights(&chosen), chosen.iter().map(|party| &*shares[*party as usize]));
            assert!(*secret == *polynomial.secret() && commitments.opens(&secret));
        }
        let two = combine(&weights(&[0, 1]), shares.iter().map(|share| &**share));
        assert!(!commitments.opens(&two));
    }

    #[test]
    fn degenerate_commitments_are_refused() {
        assert!(Commitments::read(&[[0; 32], [0; 32]]).is_none());
        assert!(Commitments::read(&[[0xff; 32]]).is_none());
        assert!(Commitments::read(&[]).is_none());
        assert!(scalar([0xff; 32]).is_none());
    }
}
