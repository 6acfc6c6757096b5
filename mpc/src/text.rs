//! 64-bit integers as JSON strings: canonical JSON (RFC 8785) numbers are doubles.

use serde::{Deserialize, Deserializer, Serializer, de};

pub(crate) fn serialize<S: Serializer>(value: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    let text = String::deserialize(deserializer)?;
    let value: u64 = text.parse().map_err(|_| de::Error::custom("expected a decimal integer below 2^64"))?;
    // one spelling per number, so that a signed object has one form
    if value.to_string() == text { Ok(value) } else { Err(de::Error::custom("integer is not in its shortest form")) }
}
