//! Bytes as text: hexadecimal, and base32 of RFC 4648 in lower case without padding.

mod hex;

use serde::{Deserialize, Serialize};

const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";

/// How bytes are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Two characters for a byte.
    #[default]
    Hex,
    /// Eight characters for five bytes.
    Base32,
}

impl Encoding {
    /// Characters for that many bytes.
    pub(super) const fn width(self, bytes: usize) -> usize {
        match self {
            Self::Hex => 2 * bytes,
            Self::Base32 => (8 * bytes).div_ceil(5),
        }
    }

    /// Appends the text of `bytes`.
    pub(super) fn write(self, bytes: &[u8], out: &mut String) {
        let start = out.len();
        out.extend(std::iter::repeat_n('0', self.width(bytes.len())));
        let mut ascii = std::mem::take(out).into_bytes();
        self.fill(bytes, &mut ascii[start..]);
        // only ASCII was written
        *out = String::from_utf8(ascii).unwrap_or_default();
    }

    /// Writes the text into a slice of [`Self::width`] bytes.
    #[inline]
    pub(super) fn fill(self, bytes: &[u8], out: &mut [u8]) {
        match self {
            Self::Hex => {
                let (groups, rest) = bytes.as_chunks::<16>();
                let (slots, tail) = out.as_chunks_mut::<32>();
                hex::digits(groups, slots);
                if !rest.is_empty() {
                    let (mut last, mut digits) = ([[0; 16]], [[0; 32]]);
                    last[0][..rest.len()].copy_from_slice(rest);
                    hex::digits(&last, &mut digits);
                    for (slot, digit) in tail.iter_mut().zip(digits.as_flattened()) {
                        *slot = *digit;
                    }
                }
            }
            Self::Base32 => {
                for (chars, group) in out.chunks_mut(8).zip(bytes.chunks(5)) {
                    let bits = group.iter().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte)) << (8 * (5 - group.len()));
                    for (char, shift) in chars.iter_mut().zip((0..8).rev()) {
                        *char = BASE32[(bits >> (5 * shift) & 31) as usize];
                    }
                }
            }
        }
    }

    /// The bytes of a text, if it is one in its only form.
    pub(super) fn read(self, text: &str) -> Option<Vec<u8>> {
        let bytes = match self {
            Self::Hex => ::hex::decode(text).ok()?,
            Self::Base32 => {
                let mut bytes = Vec::with_capacity(text.len() * 5 / 8);
                for group in text.as_bytes().chunks(8) {
                    let mut bits = 0u64;
                    for char in group {
                        bits = bits << 5 | BASE32.iter().position(|c| c == char)? as u64;
                    }
                    let bits = (bits << (5 * (8 - group.len()))).to_be_bytes();
                    bytes.extend_from_slice(bits.get(3..3 + group.len() * 5 / 8)?);
                }
                bytes
            }
        };
        let mut again = String::with_capacity(text.len());
        self.write(&bytes, &mut again);
        (again == text).then_some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back() {
        for encoding in [Encoding::Hex, Encoding::Base32] {
            for length in 0..40u8 {
                let bytes: Vec<u8> = (0..length).map(|i| i.wrapping_mul(77)).collect();
                let mut text = String::new();
                encoding.write(&bytes, &mut text);
                assert_eq!(text.len(), encoding.width(bytes.len()));
                assert!(encoding != Encoding::Hex || text == ::hex::encode(&bytes));
                assert_eq!(encoding.read(&text), Some(bytes));
            }
            assert_eq!(encoding.read("AA"), None, "one form only");
        }
        // RFC 4648, section 10
        let mut text = String::new();
        Encoding::Base32.write(b"foobar", &mut text);
        assert_eq!(text, "mzxw6ytboi");
    }
}
