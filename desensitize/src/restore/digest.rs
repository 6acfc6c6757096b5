//! Digests: which columns look like them, and the unkeyed functions that an attacker would try.

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};
use sm3::Sm3;

/// An unkeyed hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Md5,
    Sha1,
    Sha256,
    Sm3,
    Sha224,
    Sha384,
    Sha512,
}

impl Algorithm {
    pub(super) const ALL: [Self; 7] = [Self::Md5, Self::Sha1, Self::Sha256, Self::Sm3, Self::Sha224, Self::Sha384, Self::Sha512];

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Md5 => "MD5",
            Self::Sha1 => "SHA-1",
            Self::Sha256 => "SHA-256",
            Self::Sm3 => "SM3",
            Self::Sha224 => "SHA-224",
            Self::Sha384 => "SHA-384",
            Self::Sha512 => "SHA-512",
        }
    }

    /// Bytes of a digest.
    const fn bytes(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha224 => 28,
            Self::Sha256 | Self::Sm3 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// Hexadecimal digits of a digest.
    pub(super) const fn nibbles(self) -> usize {
        2 * self.bytes()
    }

    /// The digest of an input, at the start of 64 bytes.
    #[inline]
    pub(super) fn digest(self, input: &[u8]) -> [u8; 64] {
        let mut out = [0; 64];
        match self {
            Self::Md5 => out[..16].copy_from_slice(&Md5::digest(input)),
            Self::Sha1 => out[..20].copy_from_slice(&Sha1::digest(input)),
            Self::Sha224 => out[..28].copy_from_slice(&Sha224::digest(input)),
            Self::Sha256 => out[..32].copy_from_slice(&Sha256::digest(input)),
            Self::Sm3 => out[..32].copy_from_slice(&Sm3::digest(input)),
            Self::Sha384 => out[..48].copy_from_slice(&Sha384::digest(input)),
            Self::Sha512 => out[..64].copy_from_slice(&Sha512::digest(input)),
        }
        out
    }

    /// Where `length` hexadecimal digits may have been cut from a digest: its start, its end, its middle (the customary
    /// "16-digit MD5" is the middle).
    pub(super) fn windows(self, length: usize) -> Vec<usize> {
        let Some(rest) = self.nibbles().checked_sub(length) else { return Vec::new() };
        let mut starts = vec![0, rest / 2, rest];
        starts.dedup();
        starts
    }
}

/// Up to 16 hexadecimal digits of a digest from digit `start` on, as a number.
#[inline]
pub(super) fn window(digest: &[u8; 64], start: usize, length: usize) -> u64 {
    let mut bytes = [0; 16];
    let first = (start / 2).min(64);
    let take = (64 - first).min(9);
    bytes[..take].copy_from_slice(&digest[first..first + take]);
    let wide = u128::from_be_bytes(bytes) << (4 * (start % 2));
    (wide >> 64) as u64 >> (64 - 4 * length.clamp(1, 16))
}

/// A column of digests in hexadecimal, lower case, all of one length.
pub(super) struct Digests {
    /// One per distinct cell.
    pub(super) hex: Vec<String>,
    /// Hexadecimal digits of each.
    pub(super) nibbles: usize,
}

/// Digits below which a column is not taken for digests: 32 bits.
const LEAST_NIBBLES: usize = 8;

/// Share of cells that must fit.
const FITTING: f64 = 0.98;

/// How far a column may be from plain digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Hexadecimal digits of one length in either case, or base64 of 16, 20, 28, 32, 48 or 64 bytes.
    Usual,
    /// The same between the same beginning and ending of all cells, with dashes or colons between groups, or base64 of any
    /// length: for columns that are declared to be tokens, where a mistake costs only time.
    Decorated,
}

/// The digests of a column, if its distinct cells look like them. Cells that do not fit become empty.
pub(super) fn recognise(cells: &[String], form: Form) -> Option<Digests> {
    let plain = digests_of(cells, &[as_hex, as_base64]);
    if plain.is_some() || form == Form::Usual {
        return plain;
    }
    let bare = undecorated(cells);
    digests_of(&bare, &[as_hex, as_base64, as_any_base64]).or_else(|| digests_of(cells, &[as_any_base64]))
}

fn digests_of(cells: &[String], readers: &[fn(&str) -> Option<String>]) -> Option<Digests> {
    readers.iter().find_map(|read| {
        let read: Vec<Option<String>> = cells.iter().map(|cell| read(cell)).collect();
        let nibbles = usual_length(&read)?;
        let mut fitting = 0;
        let mut lettered = 0;
        let hex: Vec<String> = read
            .into_iter()
            .map(|hex| {
                let hex = hex.filter(|hex| hex.len() == nibbles).unwrap_or_default();
                fitting += usize::from(!hex.is_empty());
                lettered += usize::from(hex.bytes().any(|byte| byte.is_ascii_lowercase()) && hex.bytes().any(|byte| byte.is_ascii_digit()));
                hex
            })
            .collect();
        // of random digits (10/16)^8 = 2 % have no letter and fewer no digit; numbers and words are told apart by that
        let is_random = lettered as f64 >= 0.9 * fitting as f64;
        let is_digest = fitting > 0 && fitting as f64 >= FITTING * cells.len() as f64 && is_random && nibbles >= LEAST_NIBBLES;
        is_digest.then_some(Digests { hex, nibbles })
    })
}

/// The cells without what all of them begin and end with, up to the last and from the first sign that is no digit or letter, and
/// without dashes and colons.
fn undecorated(cells: &[String]) -> Vec<String> {
    let is_sign = |c: char| !c.is_ascii_alphanumeric() && !matches!(c, '+' | '/' | '=');
    let Some(first) = cells.first() else { return Vec::new() };
    // a sign at the same place of all cells, with the same before it
    let head = first.char_indices().filter(|(_, c)| is_sign(*c)).map(|(at, c)| at + c.len_utf8());
    let head =
        head.filter_map(|at| first.get(..at)).take_while(|head| cells.iter().all(|cell| cell.starts_with(head))).last().unwrap_or("");
    let mut tail = first.char_indices().filter(|(_, c)| is_sign(*c)).filter_map(|(at, _)| first.get(at..));
    let tail = tail.find(|tail| cells.iter().all(|cell| cell.len() > head.len() + tail.len() && cell.ends_with(tail))).unwrap_or("");
    let bare = |cell: &String| {
        let inner = cell.strip_prefix(head).unwrap_or(cell);
        inner.strip_suffix(tail).unwrap_or(inner).replace(['-', ':'], "")
    };
    cells.iter().map(bare).collect()
}

/// The most frequent length.
fn usual_length(cells: &[Option<String>]) -> Option<usize> {
    let mut counts = std::collections::BTreeMap::new();
    cells.iter().flatten().for_each(|cell| *counts.entry(cell.len()).or_insert(0u64) += 1);
    counts.into_iter().max_by_key(|(_, count)| *count).map(|(length, _)| length)
}

fn as_hex(cell: &str) -> Option<String> {
    let digits = cell.strip_prefix("0x").or_else(|| cell.strip_prefix("0X")).unwrap_or(cell);
    let is_hex = !digits.is_empty() && digits.len() <= 128 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hex.then(|| digits.to_ascii_lowercase())
}

fn as_base64(cell: &str) -> Option<String> {
    let bytes = base64(cell)?;
    matches!(bytes.len(), 16 | 20 | 28 | 32 | 48 | 64).then(|| hex::encode(bytes))
}

fn as_any_base64(cell: &str) -> Option<String> {
    base64(cell).filter(|bytes| (6..=64).contains(&bytes.len())).map(hex::encode)
}

/// Base64 (RFC 4648, sections 4 and 5), with or without padding.
pub(super) fn base64(text: &str) -> Option<Vec<u8>> {
    let bare = text.trim_end_matches('=');
    if bare.is_empty() || text.len() - bare.len() > 2 || bare.len() % 4 == 1 {
        return None;
    }
    let mut out = Vec::with_capacity(bare.len() * 3 / 4);
    let (mut buffer, mut bits) = (0u32, 0);
    for byte in bare.bytes() {
        let value = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => return None,
        };
        buffer = (buffer << 6 | u32::from(value)) & 0xffff;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((buffer >> bits) as u8);
        }
    }
    // what is left over of the last character is zero in a text that an encoder wrote
    (buffer & ((1 << bits) - 1) == 0).then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_digests() {
        // of "abc": RFC 1321 A.5, FIPS 180-4 examples, GB/T 32905-2016 A.1
        for (algorithm, expected) in [
            (Algorithm::Md5, "900150983cd24fb0d6963f7d28e17f72"),
            (Algorithm::Sha1, "a9993e364706816aba3e25717850c26c9cd0d89d"),
            (Algorithm::Sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
            (Algorithm::Sm3, "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
            (Algorithm::Sha224, "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7"),
        ] {
            let digest = algorithm.digest(b"abc");
            assert_eq!(hex::encode(&digest[..algorithm.bytes()]), expected);
            for length in 1..=16 {
                for start in 0..=algorithm.nibbles() - length {
                    let number = u64::from_str_radix(&expected[start..start + length], 16).unwrap();
                    assert_eq!(window(&digest, start, length), number, "{start} {length}");
                }
            }
        }
        assert_eq!(Algorithm::Md5.windows(16), [0, 8, 16]);
        assert_eq!(Algorithm::Md5.windows(32), [0]);
        assert!(Algorithm::Md5.windows(33).is_empty());
    }

    #[test]
    fn digests_are_told_from_numbers_and_words() {
        let digest = |number: u32, algorithm: Algorithm| hex::encode(&algorithm.digest(&number.to_le_bytes())[..algorithm.bytes()]);
        for algorithm in Algorithm::ALL {
            let cells: Vec<String> = (0..100).map(|number| digest(number, algorithm)).collect();
            assert_eq!(recognise(&cells, Form::Usual).unwrap().nibbles, algorithm.nibbles());
            let upper: Vec<String> = cells.iter().map(|cell| cell.to_uppercase()).collect();
            assert_eq!(recognise(&upper, Form::Usual).unwrap().hex, cells);
            let cut: Vec<String> = cells.iter().map(|cell| cell[..12].to_owned()).collect();
            assert_eq!(recognise(&cut, Form::Usual).unwrap().nibbles, 12);
        }
        let mobiles: Vec<String> = (0..100u64).map(|number| format!("138{:08}", number * 1_234_567 % 100_000_000)).collect();
        assert!(recognise(&mobiles, Form::Usual).is_none());
        let words: Vec<String> = ["facade", "decade", "deadbeef", "宁波"].map(String::from).to_vec();
        assert!(recognise(&words, Form::Usual).is_none());
        assert!(recognise(&[], Form::Decorated).is_none());
        // RFC 4648, section 10, and a digest
        for (text, bytes) in [("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYg", "foob"), ("Zm9vYmFy", "foobar")] {
            assert_eq!(base64(text).unwrap(), bytes.as_bytes());
        }
        assert!(base64("Z").is_none() && base64("Zh==").is_none() && base64("Zm9v!").is_none() && base64("====").is_none());
        assert_eq!(as_base64("kAFQmDzST7DWlj99KOF/cg==").as_deref(), Some("900150983cd24fb0d6963f7d28e17f72"));
        assert_eq!(as_base64("kAFQmDzST7DWlj99KOF_cg").as_deref(), Some("900150983cd24fb0d6963f7d28e17f72"));
    }
}
