//! HMAC (RFC 2104, FIPS 198-1) with SM3 (GB/T 32905) or SHA-256, for many short messages under one key.
//!
//! The two states after the key's padded block (midstates) are kept, so that a message of up to 55 bytes costs two
//! compressions. With SM3 eight or sixteen messages advance together ([`sm3`]); SHA-256 uses the CPU's own instructions
//! through the `sha2` crate.

pub(super) mod sm3;

use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hash {
    /// SM3 (国密杂凑算法), GB/T 32905.
    Sm3,
    /// SHA-256, FIPS 180-4.
    Sha256,
}

impl Hash {
    const fn start(self) -> [u32; 8] {
        match self {
            Self::Sm3 => sm3::START,
            Self::Sha256 => [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19],
        }
    }

    fn compress(self, state: &mut [u32; 8], block: &[u8; 64]) {
        match self {
            Self::Sm3 => sm3::compress(state, block),
            Self::Sha256 => sha2::block_api::compress256(state, std::slice::from_ref(block)),
        }
    }

    /// Ends a message of which `before` bytes went into `state`.
    fn finish(self, mut state: [u32; 8], before: u64, message: &[u8]) -> [u8; 32] {
        let (blocks, rest) = message.as_chunks::<64>();
        for block in blocks {
            self.compress(&mut state, block);
        }
        let bits = (before + message.len() as u64).wrapping_mul(8).to_be_bytes();
        let mut last = [0; 64];
        last[..rest.len()].copy_from_slice(rest);
        last[rest.len()] = 0x80;
        if rest.len() >= 56 {
            self.compress(&mut state, &last);
            last = [0; 64];
        }
        last[56..].copy_from_slice(&bits);
        self.compress(&mut state, &last);
        last.zeroize();
        bytes(&state)
    }
}

fn bytes(state: &[u32; 8]) -> [u8; 32] {
    let mut out = [0; 32];
    for (slot, word) in out.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *slot = word.to_be_bytes();
    }
    out
}

/// A hash of a whole message.
#[must_use]
pub fn hash(hash: Hash, message: &[u8]) -> [u8; 32] {
    hash.finish(hash.start(), 0, message)
}

/// HMAC under one key: the two midstates, wiped on drop.
#[derive(ZeroizeOnDrop)]
pub struct Hmac {
    #[zeroize(skip)]
    hash: Hash,
    inner: [u32; 8],
    outer: [u32; 8],
}

impl Hmac {
    /// From a key of any length.
    #[must_use]
    pub fn new(hash: Hash, key: &[u8]) -> Self {
        let mut block = [0; 64];
        match block.get_mut(..key.len()) {
            Some(start) => start.copy_from_slice(key),
            None => block[..32].copy_from_slice(&self::hash(hash, key)),
        }
        let half = |pad: u8| {
            let mut padded = block.map(|byte| byte ^ pad);
            let mut state = hash.start();
            hash.compress(&mut state, &padded);
            padded.zeroize();
            state
        };
        let (inner, outer) = (half(0x36), half(0x5c));
        block.zeroize();
        Self { hash, inner, outer }
    }

    /// The code of one message.
    #[must_use]
    pub fn code(&self, message: &[u8]) -> [u8; 32] {
        let inside = self.hash.finish(self.inner, 64, message);
        self.hash.finish(self.outer, 64, &inside)
    }

    /// The codes of many messages: `put` gets the number of each message and its code, in no particular order.
    pub fn each<'a>(&self, messages: impl Iterator<Item = &'a [u8]>, mut put: impl FnMut(usize, &[u8; 32])) {
        if self.hash != Hash::Sm3 {
            messages.enumerate().for_each(|(number, message)| put(number, &self.code(message)));
            return;
        }
        let mut waiting = sm3::Waiting::new();
        for (number, message) in messages.enumerate() {
            if !waiting.push(number, message) {
                put(number, &self.code(message));
            }
            if waiting.is_full() {
                waiting.drain(&self.inner, &self.outer, &mut put);
            }
        }
        waiting.drain(&self.inner, &self.outer, &mut put);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::hmac::{KeyInit, Mac};

    #[test]
    fn the_libraries_agree() {
        for length in [0usize, 1, 11, 18, 54, 55, 56, 63, 64, 65, 119, 120, 200] {
            let message: Vec<u8> = (0..length).map(|i| (i * 31 + 7) as u8).collect();
            for key in [&[][..], &[9; 32], &[5; 64], &[6; 65], &[8; 131]] {
                let mut sm3 = ::hmac::Hmac::<::sm3::Sm3>::new_from_slice(key).unwrap();
                sm3.update(&message);
                assert_eq!(Hmac::new(Hash::Sm3, key).code(&message)[..], sm3.finalize().into_bytes()[..]);
                let mut sha = ::hmac::Hmac::<sha2::Sha256>::new_from_slice(key).unwrap();
                sha.update(&message);
                assert_eq!(Hmac::new(Hash::Sha256, key).code(&message)[..], sha.finalize().into_bytes()[..]);
            }
        }
    }

    #[test]
    fn lanes_do_not_mix() {
        let messages: Vec<Vec<u8>> = (0..133usize).map(|i| vec![i as u8; i * 7 % 70]).collect();
        for hash in [Hash::Sm3, Hash::Sha256] {
            let hmac = Hmac::new(hash, b"key");
            let mut codes = vec![None; messages.len()];
            hmac.each(messages.iter().map(Vec::as_slice), |number, code| assert!(codes[number].replace(*code).is_none()));
            for (message, code) in messages.iter().zip(codes) {
                assert_eq!(code, Some(hmac.code(message)));
            }
        }
    }
}
