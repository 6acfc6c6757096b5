//! Replicated sharing against one malicious party, with abort (恶意安全): the semi-honest messages, and before anything is opened or
//! sealed a proof by each party that its messages were right.
//!
//! **What it computes.** The whole [`Engine`](crate::engine::Engine) of [`rep3`](crate::rep3). Truncation is another one (below).
//!
//! **Adversary.** One party of three, malicious, static; security with abort: honest parties output right values or an error.
//! The corrupted party may make the others stop, also after it alone has seen an opening. Computational through the PRG and
//! SHA-256 (digests of openings and coins), statistical error below.
//!
//! **Papers.** Distributed zero-knowledge proofs on secret-shared data: Boneh, Boyle, Corrigan-Gibbs, Gilboa, Ishai, eprint
//! 2019/188; their use for three parties: Boyle, Gilboa, Ishai, Nof, CCS 2019, eprint 2019/1390.
//!
//! **How we deviate.** The papers prove relations over Z_2^k in a Galois ring GR(2^k, 47), whose products cost 47^2 of the base
//! ring. We lift the relations to the integers instead (below) and prove modulo primes. Coins come from a key that the two
//! verifiers share and the prover lacks, so that there is neither coin tossing nor Fiat-Shamir.
//!
//! **Relations.** Component `x_i` is known to `P_i` and `P_{i-1}`, and so is every message, which becomes a component. So each message of
//! a prover `P_i` satisfies a relation `sum_t u_t w_t + l + r = 0` of which `P_{i-1}` (left verifier) knows `u, l` and `P_{i+1}` (right verifier)
//! `w, r`. For a product see `record.rs`, for lifted bits `engine.rs`, for a shuffle `shuffle.rs`: there one verifier knows where rows go and the
//! other must not, so coefficients are moved instead of rows. Inputs need none: whatever the owner sends is a sharing of something. The
//! addends `u = x_0 + x_1` of P0 and the sums in a truncation are checked bit by bit: `u ^ x_0 ^ x_1` are the carries, and each is the
//! majority of what is below (`trunc.rs`); 64 relations of one prover, no more messages than in the semi-honest protocol.
//!
//! **Over GF(2)** (`bits.rs`), coefficients `rho` in GF(2^64) combine the relations: a false one survives with probability `3 2^-64`.
//!
//! **Over Z_2^64** (`words.rs`) a combination with coefficients of the ring would miss an error `2^63` every other time. So the prover first
//! tells, for the integers `S = sum_t u_t w_t + l + r` (operands as numbers below 2^64), shares of `q = -S / 2^64 mod 2^26`: 3 1/4 bytes per
//! relation. The relation now is `e = S + 2^64 (q_1 + q_2) = 0 mod 2^90`. If it is false modulo 2^64, `e` has at most 63 factors of 2,
//! whatever `q` is. There are two proofs, each with coefficients `rho` and a prime of its own, drawn independently of the other's.
//! `rho` are numbers of 29 bits or products `sigma_i tau_b` of two, with `e_ib` in a grid (`products.rs`).
//! `E_i = sum_b tau_b e_ib` has `64 + j` factors of 2 or more with probability `2^-min(j+1, 29)` at most; if it has exactly so many, the one value
//! modulo `2^(26-j)` that `sum_i sigma_i E_i = 0 mod 2^90` leaves to `sigma_i` is hit with `2^-min(29, 26-j)`. Summed by parts over `j = -1, 0, .., 26`:
//! `2^-27 + 27 2^-28 < 2^-23.1` in all. Now `sum rho e = 2^90 Q` over the integers; the
//! prover shares `Q` as a number of 191 bits, both of them, and then two primes between 2^29 and 2^30 are drawn (`primes.rs`). The sides differ by less
//! than 2^282, so a false equation has at most 9 prime factors of that size among more than 2^24.6: it holds modulo its prime with
//! probability `2^-21.4` at most.
//!
//! **The proof** that each combination holds modulo its prime, or the one over bits in GF(2^64): `proof.rs`; the first level over words reads two terms
//! of grids in quarters and stores an eighth of them. Degrees add up to 164 at most: error below `2^-21.6` modulo one prime. Both proofs go through
//! the same steps at once, residues modulo both primes in one word.
//!
//! **Soundness** of a check: one proof misses an error with `2^-23.1 + 2^-21.4 + 2^-21.6 < 2^-20.3`, both with less than `2^-40.6`. A prover may make
//! what it sends in one proof depend on the coins of the other. But in each step (coefficients, prime, point of a level) both have coins that are uniform
//! and independent of each other given everything before, and what one step misses is bounded whatever was before. So
//! `P(step s misses in the one, step t in the other) <= miss(s) miss(t)`, and the sum over all `s, t` is the square.
//! That holds for a session, however many checks it has: the first one with a false relation
//! has to pass, or the session ends. The coefficients are drawn after a verifier has received everything that it will check, and
//! told in two halves by the two verifiers, so that a prover knows them only when both have. A verifier that rejects tells both
//! others, and nobody goes on without hearing from both that the proofs hold.
//!
//! **Privacy against a corrupted verifier**: `proof.rs`. `q_1`, both `Q_1` and all shares come from keys that it lacks (`Q` is
//! below `2^97` times the number of terms, so hidden by 190 bits up to `2^-53` for `2^40` of them).
//!
//! **Openings** arrive from the predecessor; the successor, who has the component too, sends its SHA-256 digest.
//!
//! **Truncation** by `F` bits, error below one unit in the last place for `|x| < 2^62`. With `a = x_0 + 2^62`, `b = x_1`, `c = a + b` (P0 knows
//! all), `r = -x_2` (P1 and P2): `y = (c >> F) - (r >> F) + g (1 - t) 2^(64-F) - 2^(62-F)` with the top bits `g` of `r` and `t` of `c`, as
//! [`rep3`](crate::rep3) proves. `c >> F = (a >> F) + (b >> F) + k_F - k_64 2^(64-F)` with the carries of `a + b` into bit `F` and out of the top. P0 shares
//! the planes of `c` and `k_64` (checked as addends are), then `e = k_F - k_64 2^(64-F)` and `d = t mod 2^F` (checked against those planes, each bit
//! `m ^ n = m + n - 2 m n`); `d g` is multiplied as in lifting, with `p_1` from `k_1`:
//! `y_0 = (a >> F) + e_0 - p_0 2^(64-F)`, `y_1 = (b >> F) + e_1 - p_1 2^(64-F) - 2^(62-F)`, `y_2 = -(r >> F) + (g - p_2) 2^(64-F)`.
//! No party's share is trusted. What the rounding reveals is what [`rep3`](crate::rep3) says, but for `c` and `r`, which here are those of the
//! sharing of `x`: P0 knows `c`, P1 and P2 know `r`; two truncations of the same shares round alike.
//!
//! **Rounds and bytes** beyond the semi-honest ones: per relation over words 3 1/4 bytes (a product: 11 1/4 instead of 8 per party; lifting:
//! the same; a shuffle: 22 1/2 instead of 16 per row and column), over bits none; per check below 6 kB per party, about 30 rounds and, beyond 2^23 conjunctions, as much again for each
//! 2^23. Truncation sends `16 + 1/8 + 3F/8` bytes in 2 rounds, after the product's 24 in one. [`Priced`](crate::engine::Priced) gives exact numbers.
//! A check runs before each opening and sealing, and by itself when 2^21 products or 2^25 conjunctions wait, so that memory stays
//! bounded; products of one operation are checked in parts of that size, all but those of a matrix.
//!
//! **Time**, measured on Zen 3 (AVX2, no AVX-512), CPU per party and element, semi-honest against malicious: product
//! 6 and 52 ns in memory, 22 to 33 and 72 to 86 ns over QUIC, of which the folds modulo two primes take 6; comparison of 64-bit numbers
//! 0.1 and 0.95 us over QUIC. The Galois ring would take 1000 word products per product.
//!
//! **Constant time.** Bytes of shares are looked up in registers or summed under masks (`lookup.rs`), never looked up in memory; loops and branches depend on sizes only. A
//! shuffle writes rows where the permutation of two parties says: whoever watches such a party's caches learns about that permutation.
//!
//! **What is not protected.** Shapes, order of operations, timing; fairness. An owner may input what it likes, values out of
//! range too. A rejecting verifier cannot tell the prover from the other verifier: errors name the prover and say so.

mod bits;
mod carries;
mod check;
mod coefficients;
mod engine;
mod field;
mod fold;
mod gf;
mod lanes;
mod lookup;
mod packed;
mod price;
mod primes;
mod products;
mod proof;
mod record;
mod seed;
mod share;
mod shuffle;
mod steps;
mod trunc;
mod wide;
mod words;

use rand::CryptoRng;
use yu_wire::channel::Channel;
use yu_wire::meter::Totals;
use yu_wire::seal::SealPublic;

use products::WordsRecord;
use record::BitsRecord;
pub use share::{CheckedBits, CheckedWords};
pub use shuffle::CheckedShuffle;
pub use steps::Check;

use super::context::Context;
use super::output::SealedShare;
use super::share::Share;
use crate::ring::Ring64;
use crate::{Result, SessionId};

/// Party `P_i` of one session against a malicious party. All three parties call the same operations in the same order.
///
/// After an error it answers every further operation with an error. It holds keys and does not print:
/// ```compile_fail
/// fn print(engine: &yu_mpc::rep3::Malicious) -> String {
///     format!("{engine:?}")
/// }
/// ```
pub struct Malicious {
    base: Context,
    words: Vec<WordsRecord>,
    bits: Vec<BitsRecord>,
    /// Steps since the last check, for errors.
    names: Vec<&'static str>,
}

impl Malicious {
    /// Joins as party `index`; see [`Context::new`].
    ///
    /// # Errors
    /// As [`Context::new`].
    pub fn new(index: usize, session: &SessionId, prev: Channel, next: Channel, rng: &mut impl CryptoRng) -> Result<Self> {
        let base = Context::new(index, session, prev, next, rng)?;
        Ok(Self { base, words: Vec::new(), bits: Vec::new(), names: Vec::new() })
    }

    /// Our number.
    #[must_use]
    pub const fn index(&self) -> usize {
        self.base.index()
    }

    /// Bytes, frames and rounds of this party so far.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.base.totals()
    }

    /// Checks everything, then seals our components to a recipient; see [`Context::seal_output`]. The recipient gets every
    /// component from two parties and compares them ([`reconstruct`](super::reconstruct)).
    ///
    /// # Errors
    /// The check's; as [`Context::seal_output`].
    pub fn seal_output(
        &mut self,
        words: &CheckedWords,
        to: &SealPublic,
        info: &[u8],
        aad: &[u8],
        rng: &mut impl CryptoRng,
    ) -> Result<SealedShare> {
        self.check()?;
        let [own, next] = [0, 1].map(|at| words.0.part(at).to_vec());
        let share = Share::<Ring64, _>::from_parts(self.base.index(), ndarray::Ix1(own.len()), own, next)?;
        self.base.seal_output(&share, to, info, aad, rng)
    }

    /// Gives the channels back: `(prev, next)`. The keys are wiped.
    #[must_use]
    pub fn into_channels(self) -> (Channel, Channel) {
        self.base.into_channels()
    }
}
