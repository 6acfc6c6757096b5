//! Values in Intel's JSON. Read only after the signature over the text was checked.
//!
//! Unknown fields are passed over, as Intel adds some within a version; a known field that stands there twice is refused.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::claims::TcbStatus;
use crate::fault::{Fault, Result, malformed};
use crate::instant::Instant;

/// A time of RFC 3339.
pub(super) fn instant<'de, D: Deserializer<'de>>(from: D) -> std::result::Result<Instant, D::Error> {
    Instant::parse(<&str>::deserialize(from)?).map_err(|_| D::Error::custom("not an RFC 3339 time"))
}

/// Reads a signed document of this version; one of another version is named as such.
pub(super) fn document<'a, T: Deserialize<'a>>(place: &'static str, text: &'a str, version: u32) -> Result<T> {
    #[derive(Deserialize)]
    struct Head {
        version: u32,
    }
    let wrong = |found: u32| {
        Fault::new(
            "dcap.collateral-version",
            place,
            format!("version {found} where {version} is read"),
            format!("版本为 {found}，仅支持版本 {version}"),
        )
        .remedy("fetch the collateral from version 4 of Intel's API", "请从英特尔第 4 版 API 获取背书材料")
    };
    serde_json::from_str(text).map_err(|error| match serde_json::from_str::<Head>(text) {
        Ok(head) if head.version != version => wrong(head.version),
        _ => malformed(place, error.to_string()),
    })
}

/// Bytes written in hexadecimal, of any length; `None` if they are not.
pub(super) fn hexadecimal(text: &str) -> Option<Vec<u8>> {
    // `A` and `a` are 0x41 and 0x61, digits 0x30 to 0x39
    let digit = |byte: u8| (byte & 0x0f).wrapping_add((byte >> 6).wrapping_mul(9));
    let (pairs, []) = text.as_bytes().as_chunks() else { return None };
    let is_hexadecimal = text.bytes().fold(true, |all, byte| all & byte.is_ascii_hexdigit());
    is_hexadecimal.then(|| pairs.iter().map(|&[high, low]| digit(high) << 4 | digit(low)).collect())
}

/// One number that a field must have.
pub(super) fn exactly<'de, const N: u32, D: Deserializer<'de>>(from: D) -> std::result::Result<u32, D::Error> {
    let number = u32::deserialize(from)?;
    if number == N { Ok(number) } else { Err(D::Error::custom(format!("{number} where {N} is due"))) }
}

/// A level of something that has one version number: a TDX module, a quoting enclave.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SvnLevel {
    tcb: Svn,
    #[serde(deserialize_with = "instant")]
    pub(super) tcb_date: Instant,
    pub(super) tcb_status: TcbStatus,
    #[serde(rename = "advisoryIDs", default)]
    pub(super) advisories: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Svn {
    isvsvn: u16,
}

/// The highest level that a version reaches. The order in the document does not count.
pub(super) fn reached(levels: &[SvnLevel], svn: u16) -> Option<&SvnLevel> {
    levels.iter().filter(|level| level.tcb.isvsvn <= svn).max_by_key(|level| level.tcb.isvsvn)
}

/// Whether `found` is `expected` in the bits of the mask.
pub(super) fn fits(expected: &[u8], mask: &[u8], found: &[u8]) -> bool {
    expected.len() == found.len()
        && mask.len() == found.len()
        && expected.iter().zip(mask).zip(found).all(|((expected, mask), found)| expected & mask == found & mask)
}

/// A status that the maker's verifier does not accept in this document.
pub(super) fn allowed(place: &'static str, status: TcbStatus, set: &[TcbStatus]) -> Result<()> {
    if set.contains(&status) { Ok(()) } else { Err(malformed(place, format!("a status `{}` that it cannot have", status.name()))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_is_read_as_the_crate_reads_it() {
        for text in ["", "00", "0123456789abcdefABCDEF", "ff7F", "f", "0g", "g0", "0 ", "@@", "`a", "ｆｆ", "é0"] {
            assert_eq!(hexadecimal(text), hex::decode(text).ok(), "{text}");
        }
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(hexadecimal(&hex::encode(&all)).unwrap(), all);
        for high in 0..=127_u8 {
            for low in 0..=127_u8 {
                let text = String::from_utf8(vec![high, low]).unwrap();
                assert_eq!(hexadecimal(&text), hex::decode(&text).ok(), "{text:?}");
            }
        }
    }
}
