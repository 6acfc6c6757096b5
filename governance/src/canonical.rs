//! Canonical JSON (RFC 8785) and hashes that name their algorithm.
//!
//! Everything that is signed or hashed is written in exactly one way, so that a third party needs no Rust to check it:
//! sorted keys, no blanks, numbers that matter as decimal strings (a JSON number is a double and loses counts above 2^53).

use std::fmt;
use std::str::FromStr;

use crate::suite::{HashAlgorithm, suite};
use crate::{Error, Result};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Largest integer that a JSON number keeps exactly (RFC 8785 section 3.2.2.3, RFC 7493 section 2.2).
const EXACT: u64 = 1 << 53;

/// A hash with its algorithm, written `sha-256:<64 lower-case hex digits>` or `sm3:<...>`. Two hashes of other algorithms are
/// never equal.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hash {
    bytes: [u8; 32],
    alg: HashAlgorithm,
}

impl Hash {
    /// What stands before the digits of a SHA-256.
    pub const PREFIX: &'static str = "sha-256:";

    /// A SHA-256 computed elsewhere.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self { bytes, alg: HashAlgorithm::Sha256 }
    }

    /// A hash computed elsewhere, with any algorithm.
    #[must_use]
    pub const fn new(alg: HashAlgorithm, bytes: [u8; 32]) -> Self {
        Self { bytes, alg }
    }

    /// A hash of this process's suite from its 64 lower-case hex digits, as file names and ids hold it.
    ///
    /// # Errors
    /// `Malformed` for anything else.
    pub fn from_hex(text: &str) -> Result<Self> {
        parse_hex(text).map(|bytes| Self::new(suite().hash(), bytes)).ok_or_else(|| malformed("hash", "expected 64 lower-case hex digits"))
    }

    /// How it was made.
    #[must_use]
    pub const fn algorithm(&self) -> HashAlgorithm {
        self.alg
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.bytes
    }

    /// The 64 hex digits without the name of the algorithm.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex::encode(self.bytes)
    }

    /// Hash of the bytes alone, as `sha256sum` (`openssl dgst -sm3`) prints it: for files, whose hash others compute with their
    /// own tools. With the algorithm of this process's suite.
    #[must_use]
    pub fn of_file(bytes: &[u8]) -> Self {
        Self::of_file_with(suite().hash(), bytes)
    }

    /// The same with an algorithm that somebody else chose.
    #[must_use]
    pub fn of_file_with(alg: HashAlgorithm, bytes: &[u8]) -> Self {
        Self::new(alg, alg.of(&[bytes]))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.alg.as_str(), hex::encode(self.bytes))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Hash {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let known = [HashAlgorithm::Sha256, HashAlgorithm::Sm3];
        text.split_once(':')
            .and_then(|(name, digits)| Some(Self::new(known.into_iter().find(|alg| alg.as_str() == name)?, parse_hex(digits)?)))
            .ok_or_else(|| malformed("hash", "expected `sha-256:` or `sm3:` and 64 lower-case hex digits"))
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// Hash of `domain` || 0x00 || `bytes` with the algorithm of this process's suite: two uses never give the same hash for the
/// same bytes. `domain` holds no 0x00.
#[must_use]
pub fn digest(domain: &str, bytes: &[u8]) -> Hash {
    digest_with(suite().hash(), domain, bytes)
}

/// The same with the algorithm that a document names.
#[must_use]
pub fn digest_with(alg: HashAlgorithm, domain: &str, bytes: &[u8]) -> Hash {
    debug_assert!(!domain.contains('\0'), "a zero byte ends the domain");
    Hash::new(alg, alg.of(&[domain.as_bytes(), &[0], bytes]))
}

/// The canonical form (RFC 8785) of a value.
///
/// # Errors
/// `Malformed` for what JSON cannot carry exactly: integers above 2^53 (use [`u64_string`]), NaN, infinities, keys that are no strings.
pub fn to_canonical<T: Serialize>(value: &T) -> Result<Vec<u8>> {
    let failed = |error: serde_json::Error| malformed("canonical JSON", error.to_string());
    let bytes = serde_json_canonicalizer::to_vec(value).map_err(failed)?;
    // the canonicaliser rounds large integers to doubles without a word
    if loses_integers(&serde_json::to_value(value).map_err(failed)?) {
        return Err(malformed("canonical JSON", "an integer above 2^53 must be written as a string"));
    }
    Ok(bytes)
}

/// Decodes bytes that are already canonical, and refuses everything else: unknown fields, repeated keys, blanks, another order.
///
/// # Errors
/// `Malformed` if the bytes do not decode, or are not what [`to_canonical`] writes for the decoded value.
pub fn from_canonical<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Result<T> {
    let value: T = serde_json::from_slice(bytes).map_err(|error| {
        // serde's message may quote the input: keep the position only
        malformed("canonical JSON", format!("does not decode at column {}", error.column()))
    })?;
    if to_canonical(&value)? == bytes {
        Ok(value)
    } else {
        Err(malformed("canonical JSON", "not in canonical form (RFC 8785), or with unknown fields"))
    }
}

/// Decodes JSON that is laid out for people (files that ship with the program, and drafts before they are signed). Layout is
/// free, content is not: without it the text must be exactly what [`to_canonical`] writes for the decoded value.
///
/// # Errors
/// `Malformed` naming `object` and the place, for unknown or repeated fields as well.
pub fn from_readable<T: DeserializeOwned + Serialize>(object: &str, text: &str) -> Result<T> {
    let failed =
        |error: serde_json::Error| malformed(object, format!("does not decode at line {}, column {}", error.line(), error.column()));
    let value: T = serde_json::from_str(text).map_err(failed)?;
    let bare: serde_json::Value = serde_json::from_str(text).map_err(failed)?;
    if to_canonical(&value)? == to_canonical(&bare)? {
        Ok(value)
    } else {
        Err(malformed(object, "holds fields that this version does not know, or values in another notation"))
    }
}

/// Exactly `N` bytes from lower-case hex, nothing else.
pub(crate) fn parse_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.bytes().any(|b| b.is_ascii_uppercase()) {
        return None;
    }
    let mut out = [0; N];
    hex::decode_to_slice(text, &mut out).ok()?;
    Some(out)
}

/// A `u64` from the one decimal notation that [`u64::to_string`] writes.
pub(crate) fn parse_u64(text: &str) -> Option<u64> {
    let value: u64 = text.parse().ok()?;
    (value.to_string() == text).then_some(value)
}

/// `u64` as a decimal string: `"42"`, never `42`, `"042"` or `"+42"`. Use with `#[serde(with = "...")]`.
pub mod u64_string {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    /// Writes the decimal string.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    /// Reads the decimal string.
    ///
    /// # Errors
    /// Any other notation.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = String::deserialize(deserializer)?;
        super::parse_u64(&text).ok_or_else(|| D::Error::custom("expected a decimal number in a string"))
    }
}

/// `Option<u64>` as a decimal string or `null`; with `default` and `skip_serializing_if`, as a string or absent.
pub mod u64_string_option {
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serializer};

    /// Writes the decimal string or `null`.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(value: &Option<u64>, serializer: S) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.collect_str(value),
            None => serializer.serialize_none(),
        }
    }

    /// Reads the decimal string or `null`.
    ///
    /// # Errors
    /// Any other notation.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
        Option::<String>::deserialize(deserializer)?
            .map(|text| super::parse_u64(&text).ok_or_else(|| D::Error::custom("expected a decimal number in a string")))
            .transpose()
    }
}

fn loses_integers(value: &serde_json::Value) -> bool {
    use serde_json::Value;
    match value {
        Value::Number(n) => match (n.as_u64(), n.as_i64()) {
            (Some(n), _) => n > EXACT,
            (None, Some(n)) => n.unsigned_abs() > EXACT,
            (None, None) => false,
        },
        Value::Array(items) => items.iter().any(loses_integers),
        Value::Object(map) => map.values().any(loses_integers),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

fn malformed(object: &str, reason: impl Into<String>) -> Error {
    Error::Malformed { object: object.into(), reason: reason.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn canonical(text: &str) -> String {
        String::from_utf8(to_canonical(&serde_json::from_str::<Value>(text).unwrap()).unwrap()).unwrap()
    }

    #[test]
    fn rfc_8785_section_3_2_2() {
        let input = r#"{
            "numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
            "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/",
            "literals": [null, true, false]
        }"#;
        let expected = "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],\
            \"string\":\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}";
        assert_eq!(canonical(input), expected);
    }

    #[test]
    fn rfc_8785_section_3_2_3_sorts_by_utf_16() {
        let input = r#"{"\u20ac":"Euro Sign","\r":"Carriage Return","\ufb33":"Hebrew Letter Dalet With Dagesh","1":"One",
            "\ud83d\ude00":"Emoji: Grinning Face","\u0080":"Control","\u00f6":"Latin Small Letter O With Diaeresis"}"#;
        let text = canonical(input);
        let order = ["Carriage Return", "One", "Control", "Latin Small", "Euro Sign", "Emoji", "Hebrew"];
        let places: Vec<_> = order.iter().map(|word| text.find(word).unwrap()).collect();
        assert!(places.is_sorted(), "{text}");
    }

    #[test]
    fn rfc_8785_appendix_b_numbers() {
        for (bits, expected) in [
            (0x0000_0000_0000_0000_u64, "0"),
            (0x8000_0000_0000_0000, "0"),
            (0x0000_0000_0000_0001, "5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"),
            (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"),
            (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"),
            (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"),
            (0x41b3_de43_5555_5553, "333333333.3333332"),
            (0xbecb_f647_612f_3696, "-0.0000033333333333333333"),
            (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
        ] {
            assert_eq!(to_canonical(&f64::from_bits(bits)).unwrap(), expected.as_bytes());
        }
        assert!(to_canonical(&f64::NAN).is_err());
        assert!(to_canonical(&f64::INFINITY).is_err());
    }

    #[test]
    fn integers_that_a_double_cannot_hold_are_refused() {
        assert_eq!(to_canonical(&json!({"n": EXACT})).unwrap(), br#"{"n":9007199254740992}"#);
        assert!(to_canonical(&json!({"n": EXACT + 1})).is_err());
        assert!(to_canonical(&json!([[-9_007_199_254_740_993_i64]])).is_err());
    }

    #[derive(Serialize, Deserialize, Debug, PartialEq)]
    struct Sample {
        #[serde(with = "u64_string")]
        rows: u64,
        #[serde(with = "u64_string_option", default, skip_serializing_if = "Option::is_none")]
        cells: Option<u64>,
    }

    #[test]
    fn strict_decoding() {
        let sample: Sample = from_canonical(br#"{"cells":"7","rows":"18446744073709551615"}"#).unwrap();
        assert_eq!(sample, Sample { rows: u64::MAX, cells: Some(7) });
        let sample: Sample = from_canonical(br#"{"rows":"0"}"#).unwrap();
        assert_eq!(sample, Sample { rows: 0, cells: None });
        for bad in [
            r#"{"rows":1}"#,
            r#"{"rows":"01"}"#,
            r#"{"rows":"+1"}"#,
            r#"{"rows":"-1"}"#,
            r#"{"rows":""}"#,
            r#"{"rows":" 1"}"#,
            r#"{"rows":"18446744073709551616"}"#,
            r#"{"rows":"1" }"#,
            r#"{"rows":"1","cells":"2"}"#,
            r#"{"rows":"1","rows":"1"}"#,
            r#"{"rows":"1","x":"1"}"#,
            r#"{"cells":null,"rows":"1"}"#,
            r#"{"rows":"\u0031"}"#,
            r#"{"rows":"1"}x"#,
            "{\"rows\":\"1\"}\n",
            "",
        ] {
            assert!(from_canonical::<Sample>(bad.as_bytes()).is_err(), "{bad}");
        }
    }

    #[test]
    fn hashes_name_their_algorithm() {
        // FIPS 180-2, "abc"
        let abc = "sha-256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Hash::of_file(b"abc").to_string(), abc);
        assert_eq!(abc.parse::<Hash>().unwrap(), Hash::of_file(b"abc"));
        assert!(abc.to_uppercase().parse::<Hash>().is_err());
        assert!(abc.replace("ba78", "BA78").parse::<Hash>().is_err());
        assert!(abc[..71].parse::<Hash>().is_err());
        assert!(abc.replace("sha-256:", "").parse::<Hash>().is_err());
        assert_ne!(digest("a", b"b"), digest("ab", b""));
        assert_eq!(digest("a", b"b"), Hash::of_file(b"a\0b"));
    }

    #[test]
    fn d12_hashes_of_two_algorithms_never_meet() {
        let (sha, sm3) = (Hash::of_file(b"abc"), Hash::of_file_with(HashAlgorithm::Sm3, b"abc"));
        assert_eq!(sm3.to_string(), "sm3:66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0");
        assert_eq!(sm3.to_string().parse::<Hash>().unwrap(), sm3);
        assert_ne!(sha, sm3);
        assert_ne!(Hash::new(HashAlgorithm::Sm3, *sha.as_bytes()), sha, "the same digits under another name");
        assert_eq!(digest_with(HashAlgorithm::Sm3, "a", b"b"), Hash::of_file_with(HashAlgorithm::Sm3, b"a\0b"));
        assert_eq!(Hash::from_hex(&sha.to_hex()).unwrap(), sha, "this process makes SHA-256");
        for bad in ["sm3:00", "SM3:66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0", "md5:66c7", "sm3"] {
            assert!(bad.parse::<Hash>().is_err(), "{bad}");
        }
    }
}
