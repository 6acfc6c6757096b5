//! Looks for many byte strings at once in whatever nodes wrote, sent or printed.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use md5::Md5;
use sha2::{Digest, Sha256, Sha512};
use sm3::Sm3;
use std::collections::{BTreeSet, HashMap};

/// Shortest needle; a random match of seven bytes in the megabytes of a run has a probability below 2^-20.
const HEAD: usize = 7;

/// Byte strings with the names under which they are reported.
pub(crate) struct Needles {
    by_head: HashMap<[u8; HEAD], Vec<(String, Vec<u8>)>>,
    /// Which first three bytes occur at all.
    begins: Vec<u64>,
    count: usize,
}

impl Default for Needles {
    fn default() -> Self {
        Self { by_head: HashMap::new(), begins: vec![0; 1 << 18], count: 0 }
    }
}

impl Needles {
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    pub(crate) fn add(&mut self, name: impl Into<String>, bytes: &[u8]) {
        let name = name.into();
        let head: [u8; HEAD] = *bytes.first_chunk().unwrap_or_else(|| panic!("`{name}` is too short"));
        let bit = begin(bytes);
        self.begins[bit / 64] |= 1 << (bit % 64);
        self.by_head.entry(head).or_default().push((name, bytes.to_vec()));
        self.count += 1;
    }

    /// A text itself, as somebody might embed it, and its unsalted hashes.
    pub(crate) fn add_text(&mut self, what: &str, text: &str) {
        self.add_embedded(what, text.as_bytes());
        self.add_digest(&format!("MD5 of {what}"), &Md5::digest(text));
        self.add_digest(&format!("SHA-256 of {what}"), &Sha256::digest(text));
        self.add_digest(&format!("SHA-512 of {what}"), &Sha512::digest(text));
        self.add_digest(&format!("SM3 of {what}"), &Sm3::digest(text));
    }

    /// Bytes as they are, in hex, and inside of base64 at any alignment.
    pub(crate) fn add_embedded(&mut self, what: &str, bytes: &[u8]) {
        self.add(what, bytes);
        self.add(format!("{what} in hex"), hex::encode(bytes).as_bytes());
        for shift in 0..3 {
            let code = STANDARD.encode([&vec![0; shift], bytes].concat());
            let whole = (shift + bytes.len()) * 8 / 6;
            self.add(format!("{what} in base64"), &code.as_bytes()[(shift * 8).div_ceil(6)..whole]);
        }
    }

    /// A digest in the usual notations, also shortened to 96 bits.
    fn add_digest(&mut self, what: &str, digest: &[u8]) {
        self.add(what, &digest[..12]);
        self.add(format!("{what}, hex"), &hex::encode(digest).as_bytes()[..24]);
        self.add(format!("{what}, HEX"), &hex::encode_upper(digest).as_bytes()[..24]);
        let (standard, url) = (STANDARD.encode(digest), URL_SAFE.encode(digest));
        self.add(format!("{what}, base64"), &standard.as_bytes()[..16]);
        if standard[..16] != url[..16] {
            self.add(format!("{what}, base64url"), &url.as_bytes()[..16]);
        }
    }

    /// A number as text and as the encodings that this program uses, and its hashes.
    pub(crate) fn add_number(&mut self, what: &str, text: &str) {
        self.add_text(what, text);
        let value: f64 = text.parse().unwrap();
        self.add(format!("{what}, double"), &value.to_le_bytes());
        self.add(format!("{what}, double, big endian"), &value.to_be_bytes());
        for bits in [16, 20, 30] {
            let raw = fixed(value, bits);
            if is_telling(raw) {
                self.add(format!("{what}, fixed point {bits}"), &raw.to_le_bytes());
            }
        }
    }

    /// Names of the needles that are in there.
    pub(crate) fn found_in(&self, hay: &[u8]) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        for (at, window) in hay.windows(HEAD).enumerate() {
            let bit = begin(window);
            if self.begins[bit / 64] >> (bit % 64) & 1 == 0 {
                continue;
            }
            for (name, needle) in self.by_head.get(window).into_iter().flatten() {
                if hay[at..].starts_with(needle) {
                    found.insert(name.as_str());
                }
            }
        }
        found
    }
}

fn begin(bytes: &[u8]) -> usize {
    usize::from(bytes[0]) << 16 | usize::from(bytes[1]) << 8 | usize::from(bytes[2])
}

/// Whether a ring element is large enough not to be taken for a count, a length or a time somewhere else.
pub(crate) fn is_telling(raw: u64) -> bool {
    raw.cast_signed().unsigned_abs() > 1 << 22
}

/// Two's complement with that many bits after the point.
pub(crate) fn fixed(value: f64, bits: i32) -> u64 {
    ((value * 2_f64.powi(bits)).round_ties_even() as i64).cast_unsigned()
}

#[test]
fn needles_are_found_in_every_disguise() {
    let mut needles = Needles::default();
    needles.add_number("n", "9137.1253071");
    let value = 9137.1253071_f64;
    let hide = |bytes: &[u8]| needles.found_in(&[b"xy", bytes, b"z"].concat()).len();
    assert_eq!(needles.found_in(b"9137.125 and 3071"), BTreeSet::new());
    for hidden in [
        b"9137.1253071".to_vec(),
        value.to_le_bytes().to_vec(),
        fixed(value, 20).to_le_bytes().to_vec(),
        hex::encode("9137.1253071").into_bytes(),
        STANDARD.encode("a9137.1253071").into_bytes(),
        STANDARD.encode("ab9137.1253071").into_bytes(),
        STANDARD.encode("abc9137.1253071").into_bytes(),
        Sha256::digest("9137.1253071").to_vec(),
        hex::encode(Md5::digest("9137.1253071")).into_bytes(),
        URL_SAFE.encode(Sha512::digest("9137.1253071")).into_bytes(),
        hex::encode_upper(Sm3::digest("9137.1253071")).into_bytes(),
    ] {
        assert!(hide(&hidden) > 0, "{hidden:?}");
    }
    // published test vectors: MD5 (RFC 1321, A.5), SM3 (GB/T 32905-2016, A.1)
    assert_eq!(hex::encode(Md5::digest("abc")), "900150983cd24fb0d6963f7d28e17f72");
    assert_eq!(hex::encode(Sm3::digest("abc")), "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
}
