//! Pseudo-random ring elements from a key that two parties share: AES-128 in counter mode.
//!
//! A key is derived as `SHA-256("yu-mpc/prg/v1" || session id || edge || seed)`, first 16 bytes, so that keys of two sessions
//! are independent even if a seed were repeated. Block `j` of the stream `(purpose, op)` is
//! `AES_k(j as u64 || op as 48 bits || purpose as u16)`, little endian: no block is used twice under a key as long as no pair
//! `(purpose, op)` is. `op` is the number of the operation within the session; [`crate::rep3::Context`] hands each
//! number out once and all parties count alike. Protocols outside this crate draw from a [`Source`], which counts by itself. Distinguishing q blocks from random costs at most `q^2 / 2^129` (PRP/PRF
//! switching): `2^-49` after `2^40` blocks, 16 TiB.

mod keystream;
mod permutation;
mod source;
mod vaes;

pub use keystream::Keystream;
pub use source::Source;

use aes::Aes128;
use aes::cipher::{Array, BlockCipherEncrypt, KeyInit};
use sha2::{Digest, Sha256};
use zeroize::{Zeroize, Zeroizing};

use crate::SessionId;
use vaes::{Mode, ROUND_KEYS, Schedule};

/// Blocks encrypted at once: enough to keep AES-NI or VAES busy, 1 KiB of stack.
const BATCH: usize = 64;
const TAG: &[u8] = b"yu-mpc/prg/v1";

/// Length of a seed, bytes.
pub const SEED_LEN: usize = 32;

/// What a stream is for; part of the counter, so that streams of one operation never overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum Purpose {
    /// Shares of zero that mask the local part of a product.
    ZeroShare = 1,
    /// The owner's own component of an input.
    Input = 2,
    /// Component `s_0` of a truncation.
    TruncShift = 3,
    /// Component `t_0` of a truncation.
    TruncWrap = 4,
    /// Mask of the first correction of a truncation.
    TruncMaskLow = 5,
    /// Mask of the second correction of a truncation.
    TruncMaskHigh = 6,
    /// Shares of zero that mask the local part of a conjunction.
    ZeroBits = 7,
    /// The owner's own component of input bits.
    InputBits = 8,
    /// Mask of the planes that P0 shares.
    Addend = 9,
    /// Component `x_0` of lifted bits.
    LiftInput = 10,
    /// Mask of the product that P1 shares.
    LiftLow = 11,
    /// Mask of the product that P2 shares.
    LiftHigh = 12,
    /// A permutation of rows.
    Permutation = 13,
    /// New component of the first party of a pass.
    ShuffleLow = 14,
    /// New component of the second party of a pass.
    ShuffleHigh = 15,
    /// Part of a known matrix.
    Known = 27,
    /// Component of a value that no party knows.
    Random = 32,
    /// Everything that is drawn from a [`Source`].
    Source = 0xffff,
    /// Left verifier's shares of carries.
    CheckCarry = 16,
    /// Left verifier's share of the carry of a combination.
    CheckTotal = 17,
    /// Left verifier's shares of a proof, and its mask.
    CheckMask = 18,
    /// Seed of the coefficients of relations.
    CheckSeed = 19,
    /// The coefficients.
    CheckCoefficients = 20,
    /// The prime of a proof.
    CheckPrime = 21,
    /// Points of a proof.
    CheckPoint = 22,
    /// Mask of the planes of a truncation.
    TruncPlanes = 23,
    /// Component of the carries of a truncation.
    TruncCarry = 24,
    /// Component of the top bit of a truncation.
    TruncTop = 25,
    /// Right verifier's mask of a proof.
    CheckBlind = 26,
}

/// Number of an operation within a session. Not `Clone`: [`crate::rep3::Context`] makes each once.
#[derive(Debug)]
pub struct Op(u64);

impl Op {
    /// Numbers are below this.
    pub(crate) const LIMIT: u64 = 1 << 48;

    pub(crate) const fn new(number: u64) -> Self {
        assert!(number < Self::LIMIT, "an operation number has 48 bits");
        Self(number)
    }
}

/// A key shared by two parties. AES round keys are wiped on drop. It does not print:
/// ```compile_fail
/// fn print(key: &yu_mpc::prg::Key) -> String {
///     format!("{key:?}")
/// }
/// ```
pub struct Key {
    portable: Aes128,
    /// The same key where the CPU has VAES.
    wide: Option<Schedule<{ ROUND_KEYS[0] }>>,
}

impl Key {
    /// Derives the key of one pair of parties; `edge` is the index of the share component that both hold.
    #[must_use]
    pub fn derive(seed: &[u8; SEED_LEN], session: &SessionId, edge: u8) -> Self {
        let mut digest = Sha256::new().chain_update(TAG).chain_update(session).chain_update([edge]).chain_update(seed).finalize();
        let mut key = Zeroizing::new([0u8; 16]);
        key.copy_from_slice(&digest[..16]);
        digest.as_mut_slice().zeroize();
        Self { portable: Aes128::new(&Array::from(*key)), wide: Schedule::new(&*key) }
    }

    /// The stream of one purpose within one operation, from its start.
    #[must_use]
    pub const fn stream(&self, purpose: Purpose, op: &Op) -> Stream<'_> {
        Stream { cipher: &self.portable, wide: self.wide.as_ref(), prefix: (purpose as u64) << 48 | op.0, next: 0, spare: None }
    }
}

/// The elements of one stream in order, however many are asked for at a time.
pub struct Stream<'k> {
    cipher: &'k Aes128,
    wide: Option<&'k Schedule<{ ROUND_KEYS[0] }>>,
    prefix: u64,
    next: u64,
    /// Second half of a block of which only the first was asked for.
    spare: Option<u64>,
}

impl Stream<'_> {
    /// Overwrites `out` with the next elements.
    pub fn fill(&mut self, out: &mut [u64]) {
        self.each(out, Mode::Overwrite, |slot, value| *slot = value);
    }

    /// Subtracts the next elements from `out`.
    pub fn subtract(&mut self, out: &mut [u64]) {
        self.each(out, Mode::Subtract, |slot, value| *slot = slot.wrapping_sub(value));
    }

    /// Exclusive or of `out` with the next elements.
    pub fn xor(&mut self, out: &mut [u64]) {
        self.each(out, Mode::Xor, |slot, value| *slot ^= value);
    }

    /// Leaves out the next elements, at no cost.
    pub(crate) fn skip(&mut self, count: usize) {
        let mut count = count as u64;
        if count > 0 && self.spare.is_some() {
            self.spare.zeroize();
            count -= 1;
        }
        self.next = self.next.checked_add(count / 2).expect("a stream is shorter than 2^64 blocks");
        if count % 2 == 1 {
            self.fill(&mut [0]);
        }
    }

    #[inline]
    fn each(&mut self, mut out: &mut [u64], mode: Mode, write: impl Fn(&mut u64, u64)) {
        if !out.is_empty()
            && let Some(value) = self.spare.take()
        {
            write(&mut out[0], value);
            out = &mut out[1..];
        }
        if let Some(wide) = self.wide {
            let blocks = out.len() as u64 / 2;
            // as below: the whole of it is far from 2^64 blocks
            self.next.checked_add(blocks).expect("a stream is shorter than 2^64 blocks");
            let done = wide.apply(mode, self.prefix, self.next, out);
            self.next += done as u64 / 2;
            out = &mut out[done..];
        }
        if out.is_empty() {
            return;
        }
        let mut blocks = [Array::from([0u8; 16]); BATCH];
        for part in out.chunks_mut(2 * BATCH) {
            let used = &mut blocks[..part.len().div_ceil(2)];
            // a stream ends before 2^64 blocks: checked once per batch, the loop itself stays free of branches
            let end = self.next.checked_add(used.len() as u64).expect("a stream is shorter than 2^64 blocks");
            for (block, index) in used.iter_mut().zip(self.next..end) {
                *block = Array::from((u128::from(self.prefix) << 64 | u128::from(index)).to_le_bytes());
            }
            self.next = end;
            self.cipher.encrypt_blocks(used);
            let mut pairs = part.chunks_exact_mut(2);
            for (pair, block) in pairs.by_ref().zip(used.iter()) {
                let (low, high) = halves(&block.0);
                write(&mut pair[0], low);
                write(&mut pair[1], high);
            }
            if let ([last], Some(block)) = (pairs.into_remainder(), used.last()) {
                let (low, high) = halves(&block.0);
                write(last, low);
                self.spare = Some(high);
            }
        }
        blocks.iter_mut().for_each(|block| block.0.zeroize());
    }
}

impl Drop for Stream<'_> {
    fn drop(&mut self) {
        self.spare.zeroize();
    }
}

#[inline]
fn halves(block: &[u8; 16]) -> (u64, u64) {
    let whole = u128::from_le_bytes(*block);
    (whole as u64, (whole >> 64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 197, appendix C.1.
    #[test]
    fn aes_matches_fips_197() {
        let key: [u8; 16] = hex::decode("000102030405060708090a0b0c0d0e0f").unwrap().try_into().unwrap();
        let plain: [u8; 16] = hex::decode("00112233445566778899aabbccddeeff").unwrap().try_into().unwrap();
        let mut block = Array::from(plain);
        Aes128::new(&Array::from(key)).encrypt_block(&mut block);
        assert_eq!(hex::encode(block), "69c4e0d86a7b0430d8cdb78070b4c55a");
    }

    /// NIST SP 800-38A, F.5.1: the first two counter blocks of CTR-AES128, encrypted as one batch.
    #[test]
    fn counter_blocks_match_sp_800_38a() {
        let key: [u8; 16] = hex::decode("2b7e151628aed2a6abf7158809cf4f3c").unwrap().try_into().unwrap();
        let mut blocks = ["f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff", "f0f1f2f3f4f5f6f7f8f9fafbfcfdff00"]
            .map(|block| Array::from(<[u8; 16]>::try_from(hex::decode(block).unwrap()).unwrap()));
        Aes128::new(&Array::from(key)).encrypt_blocks(&mut blocks);
        assert_eq!(hex::encode(blocks[0]), "ec8cdf7398607cb0f2d21675ea9ea1e4");
        assert_eq!(hex::encode(blocks[1]), "362b7c3c6773516318a077d7fc5073ae");
    }

    #[test]
    fn a_stream_does_not_depend_on_the_pieces() {
        let key = Key::derive(&[7; 32], &[1; 32], 0);
        let op = Op::new(3);
        let mut whole = [0; 1001];
        key.stream(Purpose::Input, &op).fill(&mut whole);
        let mut pieces = [0; 1001];
        let mut stream = key.stream(Purpose::Input, &op);
        let (mut rest, mut len) = (&mut pieces[..], 1);
        while !rest.is_empty() {
            let (head, tail) = rest.split_at_mut(len.min(rest.len()));
            stream.fill(head);
            rest = tail;
            len = (len * 3 + 1) % 257;
        }
        assert_eq!(whole, pieces);
        key.stream(Purpose::Input, &op).subtract(&mut whole);
        assert!(whole.iter().all(|value| *value == 0));
    }

    #[test]
    fn wide_and_portable_twins_agree() {
        let raw = [7; 16];
        let wide = Schedule::all(&raw);
        if wide.is_empty() {
            eprintln!("skipped: this CPU does not have VAES");
        }
        let op = Op::new((1 << 48) - 1);
        let key = |wide| Key { portable: Aes128::new(&Array::from(raw)), wide };
        // across a carry of the counter's low half, and pieces that begin within a block
        let cases = [(0, [0, 1, 63]), (0, [64, 65, 128]), (0, [1, 640, 7]), (0xffff_fff0, [3, 1000, 129]), (5, [31, 32, 33])];
        let run = |key: &Key, first: u64, lens: [usize; 3]| {
            let mut all = Vec::new();
            let mut stream = key.stream(Purpose::ShuffleHigh, &op);
            stream.next = first;
            for len in lens {
                let mut out: Vec<u64> = (0..len as u64).map(|at| at << 40).collect();
                stream.fill(&mut out.clone());
                stream.subtract(&mut out);
                stream.xor(&mut out);
                all.extend(out);
                let mut plain = vec![0; len];
                stream.fill(&mut plain);
                all.extend(plain);
            }
            all
        };
        let portable = key(None);
        for (number, schedule) in wide.into_iter().enumerate() {
            let wide = key(Some(schedule));
            for (first, lens) in cases {
                assert_eq!(run(&wide, first, lens), run(&portable, first, lens), "width {number}, {first} {lens:?}");
            }
        }
    }

    #[test]
    fn skipping_is_reading_without_looking() {
        let key = Key::derive(&[7; 32], &[1; 32], 0);
        let op = Op::new(3);
        let mut whole = [0; 100];
        key.stream(Purpose::Input, &op).fill(&mut whole);
        for first in 0..6 {
            for skipped in 0..6 {
                let mut stream = key.stream(Purpose::Input, &op);
                stream.fill(&mut [0; 6][..first]);
                stream.skip(skipped);
                let mut rest = [0; 20];
                stream.fill(&mut rest);
                assert_eq!(rest, whole[first + skipped..][..20]);
            }
        }
    }

    #[test]
    fn domains_are_apart() {
        let first = |key: &Key, purpose, op| {
            let mut out = [0; 2];
            key.stream(purpose, &Op::new(op)).fill(&mut out);
            out
        };
        let base = first(&Key::derive(&[7; 32], &[1; 32], 0), Purpose::Input, 0);
        for other in [
            first(&Key::derive(&[8; 32], &[1; 32], 0), Purpose::Input, 0),
            first(&Key::derive(&[7; 32], &[2; 32], 0), Purpose::Input, 0),
            first(&Key::derive(&[7; 32], &[1; 32], 1), Purpose::Input, 0),
            first(&Key::derive(&[7; 32], &[1; 32], 0), Purpose::ZeroShare, 0),
            first(&Key::derive(&[7; 32], &[1; 32], 0), Purpose::Input, 1),
        ] {
            assert_ne!(base, other);
        }
    }

    /// Pins key derivation and counter layout: both ends of a link must agree on them across versions.
    #[test]
    fn stream_is_pinned() {
        let mut out = [0; 3];
        Key::derive(&[7; 32], &[1; 32], 2).stream(Purpose::ZeroShare, &Op::new(5)).fill(&mut out);
        let mut key = Sha256::new();
        key.update(b"yu-mpc/prg/v1");
        key.update([1; 32]);
        key.update([2]);
        key.update([7; 32]);
        let cipher = Aes128::new(&Array::from(<[u8; 16]>::try_from(&key.finalize()[..16]).unwrap()));
        for (index, pair) in out.chunks(2).enumerate() {
            let mut block = [0; 16];
            block[0] = u8::try_from(index).unwrap();
            block[8] = 5;
            block[14] = 1;
            let mut block = Array::from(block);
            cipher.encrypt_block(&mut block);
            assert_eq!(pair[0].to_le_bytes(), block[..8]);
            if let Some(second) = pair.get(1) {
                assert_eq!(second.to_le_bytes(), block[8..]);
            }
        }
    }
}
