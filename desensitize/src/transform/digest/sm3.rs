//! SM3 (GB/T 32905-2016) of many messages at once: one message to a lane of a vector, the words of all messages side by
//! side. Eight lanes with AVX2, sixteen with AVX-512, chosen at run time; [`compress`] is the portable twin.
//!
//! A vector kernel answers a known question before its first use and is put aside if it fails: a processor that
//! the tests never saw cannot give wrong pseudonyms.
#![cfg_attr(
    target_arch = "x86_64",
    expect(unsafe_code, reason = "vector loads and stores; safe wrapper, portable twin, tests compare both")
)]

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

use std::sync::OnceLock;

use zeroize::Zeroize;

/// Messages in waiting: the lanes of the widest kernel.
pub(super) const WIDTH: usize = 16;

/// Initial value, section 4.1.
pub(super) const START: [u32; 8] = [0x7380_166f, 0x4914_b2b9, 0x1724_42d7, 0xda8a_0600, 0xa96f_30bc, 0x1631_38aa, 0xe38d_ee4d, 0xb0fb_0e4e];

/// `T_j <<< (j mod 32)` of section 4.2.
const ROUND: [u32; 64] = {
    let mut constants = [0; 64];
    let mut j = 0;
    while j < 64 {
        let t: u32 = if j < 16 { 0x79cc_4519 } else { 0x7a87_9d8a };
        constants[j] = t.rotate_left(j as u32 % 32);
        j += 1;
    }
    constants
};

/// The compression function, section 5.3.
pub(super) fn compress(state: &mut [u32; 8], block: &[u8; 64]) {
    let mut w = [0u32; 68];
    for (word, bytes) in w.iter_mut().zip(block.as_chunks::<4>().0) {
        *word = u32::from_be_bytes(*bytes);
    }
    for j in 16..68 {
        let x = w[j - 16] ^ w[j - 9] ^ w[j - 3].rotate_left(15);
        w[j] = x ^ x.rotate_left(15) ^ x.rotate_left(23) ^ w[j - 13].rotate_left(7) ^ w[j - 6];
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    for (j, constant) in ROUND.into_iter().enumerate() {
        let turned = a.rotate_left(12);
        let ss1 = turned.wrapping_add(e).wrapping_add(constant).rotate_left(7);
        let ss2 = ss1 ^ turned;
        let (ff, gg) = if j < 16 { (a ^ b ^ c, e ^ f ^ g) } else { ((a & b) | (c & (a | b)), g ^ (e & (f ^ g))) };
        let tt1 = ff.wrapping_add(d).wrapping_add(ss2).wrapping_add(w[j] ^ w[j + 4]);
        let tt2 = gg.wrapping_add(h).wrapping_add(ss1).wrapping_add(w[j]);
        (d, c, b, a) = (c, b.rotate_left(9), a, tt1);
        (h, g, f, e) = (g, f.rotate_left(19), e, tt2 ^ tt2.rotate_left(9) ^ tt2.rotate_left(17));
    }
    for (word, change) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *word ^= change;
    }
}

/// The longest message that fits into one block with its end mark and its length.
pub(super) const LONGEST: usize = 55;

/// Bits of a message of at most [`LONGEST`] bytes after a block of key.
fn bits(message: &[u8]) -> u32 {
    (64 + message.len().min(LONGEST) as u32) * 8
}

/// Messages of one block each, with their numbers. They stay where they are: the kernels read them there.
pub(super) struct Waiting<'a> {
    messages: [&'a [u8]; WIDTH],
    numbers: [usize; WIDTH],
    count: usize,
}

impl<'a> Waiting<'a> {
    pub(super) const fn new() -> Self {
        Self { messages: [&[]; WIDTH], numbers: [0; WIDTH], count: 0 }
    }

    pub(super) const fn is_full(&self) -> bool {
        self.count == WIDTH
    }

    /// Takes a message of at most [`LONGEST`] bytes.
    #[inline]
    pub(super) fn push(&mut self, number: usize, message: &'a [u8]) -> bool {
        if message.len() > LONGEST {
            return false;
        }
        let (Some(slot), Some(place)) = (self.messages.get_mut(self.count), self.numbers.get_mut(self.count)) else {
            return false;
        };
        (*slot, *place) = (message, number);
        self.count += 1;
        true
    }

    /// Gives the codes of all that wait.
    pub(super) fn drain(&mut self, inner: &[u32; 8], outer: &[u32; 8], put: &mut impl FnMut(usize, &[u8; 32])) {
        if self.count == 0 {
            return;
        }
        let mut codes = [[0; 32]; WIDTH];
        Kernel::best().codes(inner, outer, &self.messages, &mut codes);
        for (number, code) in self.numbers.iter().zip(&codes).take(self.count) {
            put(*number, code);
        }
        self.count = 0;
    }
}

/// Ways to compute sixteen codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kernel {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    Portable,
}

impl Kernel {
    /// All that this processor has, the fastest first.
    fn all() -> Vec<Self> {
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx2") {
                all.push(Self::Avx512);
            }
            if is_x86_feature_detected!("avx2") {
                all.push(Self::Avx2);
            }
        }
        all.push(Self::Portable);
        all
    }

    fn best() -> Self {
        static BEST: OnceLock<Kernel> = OnceLock::new();
        *BEST.get_or_init(|| Self::all().into_iter().find(|kernel| kernel.is_right()).unwrap_or(Self::Portable))
    }

    /// Whether messages of many lengths come out as the portable twin has them.
    fn is_right(self) -> bool {
        let text: [u8; 96] = std::array::from_fn(|place| ((place as u32).wrapping_mul(0x9e37_79b1) >> 24) as u8);
        // three words, a whole half, both halves
        [(8, 1), (17, 1), (0, 4)].into_iter().all(|(least, step)| {
            let mut messages = [&text[..0]; WIDTH];
            for (lane, message) in messages.iter_mut().enumerate() {
                *message = text.get(lane..lane + (least + step * lane).min(LONGEST)).unwrap_or(&[]);
            }
            let outer = ROUND.first_chunk().map_or(START, |words| *words);
            let (mut expected, mut found) = ([[0; 32]; WIDTH], [[0; 32]; WIDTH]);
            Self::Portable.codes(&START, &outer, &messages, &mut expected);
            self.codes(&START, &outer, &messages, &mut found);
            expected == found
        })
    }

    /// Both halves of HMAC for sixteen messages of at most [`LONGEST`] bytes.
    fn codes(self, inner: &[u32; 8], outer: &[u32; 8], messages: &[&[u8]; WIDTH], codes: &mut [[u8; 32]; WIDTH]) {
        match self {
            #[cfg(target_arch = "x86_64")]
            // SAFETY: `all` found the instructions on this processor.
            Self::Avx512 => unsafe { avx512::codes(inner, outer, messages, codes) },
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => {
                for (messages, codes) in messages.as_chunks::<8>().0.iter().zip(codes.as_chunks_mut::<8>().0) {
                    // SAFETY: `all` found the instructions on this processor.
                    unsafe { avx2::codes(inner, outer, messages, codes) };
                }
            }
            Self::Portable => {
                for (message, code) in messages.iter().zip(codes) {
                    let mut block = [0; 64];
                    for (slot, byte) in block.iter_mut().zip(message.iter().chain([&0x80])).take(LONGEST + 1) {
                        *slot = *byte;
                    }
                    block[60..].copy_from_slice(&bits(message).to_be_bytes());
                    let mut state = *inner;
                    compress(&mut state, &block);
                    block.zeroize();
                    block[..32].copy_from_slice(&super::bytes(&state));
                    block[32] = 0x80;
                    block[60..].copy_from_slice(&(96u32 * 8).to_be_bytes());
                    state = *outer;
                    compress(&mut state, &block);
                    *code = super::bytes(&state);
                }
            }
        }
    }
}

/// The rounds over vectors; the same text for both widths, which differ in the functions it calls. `w` holds the sixteen
/// words of the block and then the last sixteen of the expansion: each is computed in the round that first needs it, where the
/// long chain of the rounds leaves the vector units idle.
#[cfg(target_arch = "x86_64")]
macro_rules! rounds {
    ($state:ident, $w:ident) => {
        let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = $state;
        // four rounds at once: after them every variable has its own name again, and none was moved
        for j in (0..12).step_by(4) {
            rounds!(four, ready, xor3, xor3, $w, j, a, b, c, d, e, f, g, h);
        }
        rounds!(four, expand, xor3, xor3, $w, 12, a, b, c, d, e, f, g, h);
        for j in (16..64).step_by(4) {
            rounds!(four, expand, majority, choose, $w, j, a, b, c, d, e, f, g, h);
        }
        for (word, change) in $state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
            *word = xor(*word, change);
        }
    };
    (four, $word:ident, $ff:ident, $gg:ident, $w:ident, $j:expr, $a:ident, $b:ident, $c:ident, $d:ident, $e:ident, $f:ident, $g:ident, $h:ident) => {
        rounds!(one, $word, $ff, $gg, $w, $j, $a, $b, $c, $d, $e, $f, $g, $h);
        rounds!(one, $word, $ff, $gg, $w, $j + 1, $d, $a, $b, $c, $h, $e, $f, $g);
        rounds!(one, $word, $ff, $gg, $w, $j + 2, $c, $d, $a, $b, $g, $h, $e, $f);
        rounds!(one, $word, $ff, $gg, $w, $j + 3, $b, $c, $d, $a, $f, $g, $h, $e);
    };
    (one, $word:ident, $ff:ident, $gg:ident, $w:ident, $j:expr, $a:ident, $b:ident, $c:ident, $d:ident, $e:ident, $f:ident, $g:ident, $h:ident) => {
        let word = $w[$j & 15];
        let ahead = rounds!($word, $w, $j);
        let turned = rol::<12>($a);
        let ss1 = rol::<7>(add(add(turned, splat(super::ROUND[$j])), $e));
        $d = add(add($ff($a, $b, $c), add($d, xor(word, ahead))), xor(ss1, turned));
        // what is known before `e` is added first: the chain from one `e` to the next is the longest of the round
        let tt2 = add(add($gg($e, $f, $g), add($h, word)), ss1);
        $b = rol::<9>($b);
        $h = p0(tt2);
        $f = rol::<19>($f);
    };
    // word `j + 4`, which is in the block
    (ready, $w:ident, $j:expr) => {
        $w[($j + 4) & 15]
    };
    // word `j + 4` of the expansion, in the place of word `j - 12`
    (expand, $w:ident, $j:expr) => {{
        let x = xor3($w[($j + 4) & 15], $w[($j + 11) & 15], rol::<15>($w[($j + 1) & 15]));
        let next = xor3(p1(x), rol::<7>($w[($j + 7) & 15]), $w[($j + 14) & 15]);
        $w[($j + 4) & 15] = next;
        next
    }};
}
#[cfg(target_arch = "x86_64")]
use rounds;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_standard_examples() {
        // GB/T 32905-2016, annex A
        let digest = |message: &[u8]| hex::encode(crate::transform::digest::hash(crate::transform::digest::Hash::Sm3, message));
        assert_eq!(digest(b"abc"), "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
        assert_eq!(digest(&b"abcd".repeat(16)), "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732");
    }

    #[test]
    fn every_kernel_equals_the_portable_one() {
        // every length in every lane, short and long side by side, each message in memory of exactly its size
        let texts: Vec<Vec<u8>> = (0..=LONGEST).map(|length| (0..length).map(|place| (place * 89 + length) as u8).collect()).collect();
        for kernel in Kernel::all() {
            assert!(kernel.is_right(), "{kernel:?}");
            for (first, step) in (0..=LONGEST).flat_map(|first| [(first, 0), (first, 1), (first, 7), (first, 23)]) {
                let messages: [&[u8]; WIDTH] = std::array::from_fn(|lane| texts[(first + lane * step) % texts.len()].as_slice());
                let (mut expected, mut found) = ([[0; 32]; WIDTH], [[0; 32]; WIDTH]);
                Kernel::Portable.codes(&START, &[7; 8], &messages, &mut expected);
                kernel.codes(&START, &[7; 8], &messages, &mut found);
                assert_eq!(expected, found, "{kernel:?}, lengths from {first} by {step}");
            }
        }
    }
}
