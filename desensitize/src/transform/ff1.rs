//! FF1, format-preserving encryption (保留格式加密) of NIST SP 800-38G, algorithms 7 and 8: a string of `n` numerals
//! of a radix becomes another one, ten Feistel rounds, each one CBC-MAC with AES.
//!
//! * Domains below 10^6 are refused (`radix^n >= 1_000_000`: SP 800-38G Rev. 1, section 5.1); radix 2 to 65536; any length.
//! * The length of integers is found by counting bits, never by a floating logarithm (a rounding error at exact
//!   powers would give another cipher).
//! * FF3 and FF3-1 are not here: the second draft of Rev. 1 (February 2025) drops them.
//!
//! What it does not give: equal inputs give equal outputs (frequencies stay visible), and there is no authenticity:
//! **decrypting with a wrong key gives another well-formed value, not an error**. Over small domains an attacker with
//! many pairs of one tweak learns something about further ones (Durak-Vaudenay, Hoang-Tessaro-Trieu); the bound of
//! 10^6 keeps these attacks above 2^80 work for the sizes that occur here, it does not abolish them.
//!
//! Speed: halves below 2^64 take the batch kernel. All but the last block of the CBC-MAC is the same in all
//! rounds and for all strings of one length and tweak, so a round is one AES block, and [`LANES`] strings advance together
//! through the parallel blocks of the `aes` crate (AES-NI, VAES).

mod large;
mod text;

use aes::cipher::{BlockCipherEncrypt, KeyInit};
use aes::{Aes128, Aes192, Aes256, Block};

use super::refuse;
use crate::error::{Error, Result};

pub use text::Others;
pub(super) use text::{TextFf1, check_alphabet};

/// Strings that advance together: a multiple of the parallel blocks of all back ends of the `aes` crate.
pub const LANES: usize = 64;

/// Least size of a domain: SP 800-38G Rev. 1, section 5.1.
pub const LEAST_DOMAIN: u32 = 1_000_000;

const ROUNDS: u8 = 10;

enum Cipher {
    Aes128(Aes128),
    Aes192(Aes192),
    Aes256(Box<Aes256>),
}

/// FF1 under one key and radix. The key schedule is wiped on drop.
pub struct Ff1 {
    cipher: Cipher,
    radix: u32,
}

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Algorithm 7.
    Encrypt,
    /// Algorithm 8.
    Decrypt,
}

/// What all strings of one length and tweak share, where a half fits into 64 bits.
#[derive(Clone)]
pub struct Shape {
    /// Numerals of the left and of the right half.
    pub halves: (usize, usize),
    /// CBC-MAC of all but the last block, already added to the constant bytes of the last one.
    base: u128,
    left: Modulus,
    right: Modulus,
    /// Bits of the number of a half in the last block.
    bits: u32,
    /// Bits of the random number y, `8 d` in the paper's letters.
    y_bits: u32,
}

/// A string in halves, as numbers.
#[derive(Clone, Copy, Default)]
pub struct Halves {
    /// Left half.
    pub a: u64,
    /// Right half.
    pub b: u64,
}

/// A modulus with its reciprocal.
#[derive(Clone, Copy)]
struct Modulus {
    m: u64,
    inverse: u64,
}

impl Modulus {
    const fn new(m: u64) -> Self {
        Self { m, inverse: u64::MAX / m }
    }

    /// `inverse > 2^64/m - 2`, so the estimate of the quotient is at most one too small.
    #[inline]
    fn reduce(self, y: u64) -> u64 {
        let quotient = ((u128::from(y) * u128::from(self.inverse)) >> 64) as u64;
        let rest = y.wrapping_sub(quotient.wrapping_mul(self.m));
        // the smaller one, as the difference wraps if there is nothing to take away: no branch on secrets
        rest.min(rest.wrapping_sub(self.m))
    }

    #[inline]
    fn add(self, x: u64, y: u64) -> u64 {
        self.sub(x, self.m.wrapping_sub(y))
    }

    #[inline]
    fn sub(self, x: u64, y: u64) -> u64 {
        let (difference, borrow) = x.overflowing_sub(y);
        difference.wrapping_add(self.m & u64::from(borrow).wrapping_neg())
    }
}

impl Ff1 {
    /// FF1 with AES-128, AES-192 or AES-256, by the length of the key.
    ///
    /// # Errors
    /// Refused: another length of key, a radix outside 2 to 65536.
    pub fn new(key: &[u8], radix: u32) -> Result<Self> {
        let wrong = |_| {
            refuse::parameter(
                "transform.ff1_key",
                ("the key of FF1 is not 16, 24 or 32 bytes long", "FF1密钥长度不是16、24或32字节"),
                ("give an AES key of one of these lengths", "提供上述长度之一的AES密钥"),
            )
        };
        if !(2..=65536).contains(&radix) {
            return Err(refuse::parameter(
                "transform.ff1_radix",
                ("the radix of FF1 lies outside 2 to 65536", "FF1基数不在2至65536之间"),
                ("choose an alphabet of 2 to 65536 characters", "选用2至65536个字符的字母表"),
            ));
        }
        let cipher = match key.len() {
            24 => Cipher::Aes192(Aes192::new_from_slice(key).map_err(wrong)?),
            32 => Cipher::Aes256(Box::new(Aes256::new_from_slice(key).map_err(wrong)?)),
            _ => Cipher::Aes128(Aes128::new_from_slice(key).map_err(wrong)?),
        };
        Ok(Self { cipher, radix })
    }

    /// The radix.
    #[must_use]
    pub const fn radix(&self) -> u32 {
        self.radix
    }

    /// Encrypts or decrypts a string of numerals in place.
    ///
    /// # Errors
    /// Refused: a domain below 10^6, a numeral that is not below the radix. The string is unchanged then.
    pub fn apply(&self, direction: Direction, tweak: &[u8], numerals: &mut [u16]) -> Result<()> {
        check_domain(self.radix, numerals.len())?;
        if numerals.iter().any(|numeral| u32::from(*numeral) >= self.radix) {
            return Err(refuse::parameter(
                "transform.ff1_numeral",
                ("a numeral is not below the radix", "存在不小于基数的数码"),
                ("give numerals of this radix only", "只提供该基数内的数码"),
            ));
        }
        let Some(shape) = self.shape(tweak, numerals.len())? else {
            self.apply_large(direction, tweak, numerals);
            return Ok(());
        };
        let radix = u64::from(self.radix);
        let number = |half: &[u16]| half.iter().fold(0u64, |sum, numeral| sum * radix + u64::from(*numeral));
        let (left, right) = numerals.split_at_mut(shape.halves.0);
        let mut lane = [Halves { a: number(left), b: number(right) }];
        self.run(direction, &shape, &mut lane);
        let spread = |half: &mut [u16], mut value: u64| {
            for numeral in half.iter_mut().rev() {
                *numeral = (value % radix) as u16;
                value /= radix;
            }
        };
        spread(left, lane[0].a);
        spread(right, lane[0].b);
        Ok(())
    }

    /// What strings of `length` numerals share under a tweak; nothing if a half does not fit into 64 bits.
    ///
    /// # Errors
    /// Refused: a domain below 10^6.
    pub fn shape(&self, tweak: &[u8], length: usize) -> Result<Option<Shape>> {
        check_domain(self.radix, length)?;
        let (u, v) = (length / 2, length - length / 2);
        let power = |count: usize| u64::from(self.radix).checked_pow(u32::try_from(count).ok()?);
        let (Some(left), Some(right)) = (power(u), power(v)) else {
            return Ok(None);
        };
        let b = byte_length(right - 1);
        let d = 4 * b.div_ceil(4) + 4;
        let mut message = self.first_block(tweak, length).to_vec();
        message.extend_from_slice(tweak);
        message.resize(message.len() + padding(tweak.len(), b), 0);
        message.resize(message.len() + 1 + b, 0);
        let mut state = 0u128;
        let (blocks, _) = message.as_chunks::<16>();
        for (number, block) in (1..).zip(blocks) {
            state ^= u128::from_be_bytes(*block);
            if number < blocks.len() {
                state = self.block(state);
            }
        }
        Ok(Some(Shape {
            halves: (u, v),
            base: state,
            left: Modulus::new(left),
            right: Modulus::new(right),
            bits: 8 * b as u32,
            y_bits: 8 * d as u32,
        }))
    }

    /// Encrypts or decrypts any number of strings of one shape in place. INVARIANT: each half is below radix^its length.
    pub fn run(&self, direction: Direction, shape: &Shape, strings: &mut [Halves]) {
        let is_narrow = shape.y_bits == 64;
        for lanes in strings.chunks_mut(LANES) {
            let mut blocks = [Block::default(); LANES];
            let blocks = &mut blocks[..lanes.len()];
            for step in 0..ROUNDS {
                let round = if direction == Direction::Encrypt { step } else { ROUNDS - 1 - step };
                match (is_narrow, round.is_multiple_of(2)) {
                    (true, true) => self.round::<true, true>(direction, shape, round, lanes, blocks),
                    (true, false) => self.round::<true, false>(direction, shape, round, lanes, blocks),
                    (false, true) => self.round::<false, true>(direction, shape, round, lanes, blocks),
                    (false, false) => self.round::<false, false>(direction, shape, round, lanes, blocks),
                }
            }
        }
    }

    /// Even rounds change the left half by a function of the right one, odd rounds the other way: the paper's swap
    /// of names is not carried out. `NARROW`: y has 64 bits and the moduli at most 32.
    #[inline]
    fn round<const NARROW: bool, const EVEN: bool>(
        &self,
        direction: Direction,
        shape: &Shape,
        round: u8,
        lanes: &mut [Halves],
        blocks: &mut [Block],
    ) {
        let base = shape.base ^ (u128::from(round) << shape.bits);
        let (high, low) = (((base >> 64) as u64).to_be_bytes(), base as u64);
        for (block, lane) in blocks.iter_mut().zip(lanes.iter()) {
            let from = if EVEN { lane.b } else { lane.a };
            let ([start, end], _) = block.0.as_chunks_mut::<8>() else {
                continue;
            };
            (*start, *end) = (high, (low ^ from).to_be_bytes());
        }
        self.blocks(blocks);
        let modulus = if EVEN { shape.left } else { shape.right };
        for (block, lane) in blocks.iter().zip(lanes.iter_mut()) {
            let to = if EVEN { &mut lane.a } else { &mut lane.b };
            let y = if NARROW {
                let ([start, _], _) = block.0.as_chunks::<8>() else {
                    continue;
                };
                modulus.reduce(u64::from_be_bytes(*start))
            } else {
                ((u128::from_be_bytes(block.0) >> (128 - shape.y_bits)) % u128::from(modulus.m)) as u64
            };
            *to = if direction == Direction::Encrypt { modulus.add(*to, y) } else { modulus.sub(*to, y) };
        }
    }

    /// Block P of algorithm 7, step 5.
    fn first_block(&self, tweak: &[u8], length: usize) -> [u8; 16] {
        let [_, r1, r2, r3] = self.radix.to_be_bytes();
        let [n1, n2, n3, n4] = (length as u32).to_be_bytes();
        let [t1, t2, t3, t4] = (tweak.len() as u32).to_be_bytes();
        [1, 2, 1, r1, r2, r3, 10, (length / 2 % 256) as u8, n1, n2, n3, n4, t1, t2, t3, t4]
    }

    fn block(&self, input: u128) -> u128 {
        let mut block = [Block::from(input.to_be_bytes())];
        self.blocks(&mut block);
        u128::from_be_bytes(block[0].0)
    }

    #[inline]
    fn blocks(&self, blocks: &mut [Block]) {
        match &self.cipher {
            Cipher::Aes128(cipher) => cipher.encrypt_blocks(blocks),
            Cipher::Aes192(cipher) => cipher.encrypt_blocks(blocks),
            Cipher::Aes256(cipher) => cipher.encrypt_blocks(blocks),
        }
    }
}

/// Zero bytes between the tweak and the number of the round: `(-t-b-1) mod 16`.
const fn padding(tweak: usize, b: usize) -> usize {
    (16 - (tweak % 16 + b % 16 + 1) % 16) % 16
}

/// Bytes of the largest number of a half.
const fn byte_length(largest: u64) -> usize {
    (64 - largest.leading_zeros()).div_ceil(8) as usize
}

/// Refuses lengths whose strings can be guessed by trying.
///
/// # Errors
/// Refused: fewer than 10^6 strings, fewer than 2 numerals, more than 2^32 - 1.
pub fn check_domain(radix: u32, length: usize) -> Result<()> {
    let mut size = 1u64;
    let is_large = (0..length).any(|_| {
        size = size.saturating_mul(u64::from(radix));
        size >= u64::from(LEAST_DOMAIN)
    });
    if is_large && length >= 2 && u32::try_from(length).is_ok() { Ok(()) } else { Err(small_domain()) }
}

pub(super) fn small_domain() -> Error {
    refuse::parameter(
        "transform.ff1_domain",
        ("the domain has fewer than 10^6 values, which can be guessed by trying", "取值空间不足10^6，可被穷举猜出"),
        ("use a longer value, a keyed digest (hmac) or a token instead", "改用更长的取值、带密钥杂凑（hmac）或令牌（token）"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reciprocals_are_exact() {
        for m in [1000, 1001, 1 << 20, 100_000, 1_000_000, (1 << 32) - 1, 1 << 32, 999_999_937] {
            let modulus = Modulus::new(m);
            for y in [0, 1, m - 1, m, m + 1, u64::MAX, u64::MAX - 1, u64::MAX / m * m, u64::MAX / m * m - 1, 1 << 63] {
                assert_eq!(modulus.reduce(y), y % m, "{y} mod {m}");
            }
        }
    }

    #[test]
    fn small_domains_are_refused() {
        for (radix, length, is_ok) in [
            (10, 5, false),
            (10, 6, true),
            (2, 19, false),
            (2, 20, true),
            (65536, 1, false),
            (65536, 2, true),
            (36, 3, false),
            (36, 4, true),
        ] {
            assert_eq!(check_domain(radix, length).is_ok(), is_ok, "{radix}^{length}");
        }
        assert!(Ff1::new(&[0; 15], 10).is_err() && Ff1::new(&[0; 16], 1).is_err() && Ff1::new(&[0; 16], 65537).is_err());
        assert!(Ff1::new(&[0; 16], 10).unwrap().apply(Direction::Encrypt, &[], &mut [0, 1, 2, 3, 4, 10]).is_err());
    }

    #[test]
    fn both_paths_agree() {
        // lengths around the border of 64 bits, tweaks around the border of a block
        let ff1 = Ff1::new(&[7; 32], 10).unwrap();
        for length in 6..46 {
            for tweak in [0, 1, 7, 8, 9, 15, 16, 17, 40] {
                let tweak = vec![3; tweak];
                let plain: Vec<u16> = (0..length).map(|i| (i * 7 % 10) as u16).collect();
                let (mut fast, mut slow) = (plain.clone(), plain.clone());
                ff1.apply(Direction::Encrypt, &tweak, &mut fast).unwrap();
                ff1.apply_large(Direction::Encrypt, &tweak, &mut slow);
                assert_eq!(fast, slow);
                ff1.apply(Direction::Decrypt, &tweak, &mut fast).unwrap();
                ff1.apply_large(Direction::Decrypt, &tweak, &mut slow);
                assert!(fast == plain && slow == plain);
            }
        }
    }
}
