//! Bytes as text: hexadecimal, and base32 of RFC 4648 in lower case without padding.

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
                let (groups, rest) = bytes.as_chunks::<4>();
                let (slots, tail) = out.split_at_mut((8 * groups.len()).min(out.len()));
                for (slot, group) in slots.as_chunks_mut::<8>().0.iter_mut().zip(groups) {
                    *slot = hex(*group);
                }
                let mut last = [0; 4];
                last[..rest.len()].copy_from_slice(rest);
                for (slot, char) in tail.iter_mut().zip(hex(last)) {
                    *slot = char;
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

/// Four bytes as eight digits, all at once: no table, so no access that depends on a byte.
#[inline]
fn hex(bytes: [u8; 4]) -> [u8; 8] {
    let mut x = u64::from(u32::from_be_bytes(bytes));
    x = (x | x << 16) & 0x0000_ffff_0000_ffff;
    x = (x | x << 8) & 0x00ff_00ff_00ff_00ff;
    x = (x | x << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    // one for each digit above nine, which stand 39 characters further on
    let letters = (x.wrapping_add(0x0606_0606_0606_0606) >> 4) & 0x0101_0101_0101_0101;
    x.wrapping_add(0x3030_3030_3030_3030).wrapping_add(letters.wrapping_mul(39)).to_be_bytes()
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
