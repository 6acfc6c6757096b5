//! Certificates, lists and keys as they travel: PEM text, base64 of DER in JSON, or DER one after the other.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::der::{Reader, pem, tag};
use crate::fault::{Fault, malformed};

/// Chains are short; more in one part is an attack on the reader.
const MOST: usize = 16;

/// The certificates of a part of evidence: PEM, or DER one after the other.
pub(crate) fn certificates(place: &'static str, bytes: &[u8]) -> Result<Vec<Vec<u8>>, Fault> {
    if bytes.first() != Some(&tag::SEQUENCE) {
        let text = std::str::from_utf8(bytes).map_err(|_| malformed(place, "certificates that are neither PEM nor DER"))?;
        return pem(place, "CERTIFICATE", text);
    }
    let mut all = Reader::new(place, bytes);
    let mut found = Vec::new();
    while !all.is_empty() {
        if found.len() == MOST {
            return Err(malformed(place, "more than 16 certificates"));
        }
        found.push(all.element(tag::SEQUENCE)?.whole.to_vec());
    }
    Ok(found)
}

/// One thing in JSON: a PEM block with this label, or base64 of DER.
pub(crate) fn one(place: &'static str, label: &str, text: &str) -> Result<Vec<u8>, Fault> {
    if text.contains("-----BEGIN") {
        let mut blocks = pem(place, label, text)?;
        return match (blocks.pop(), blocks.is_empty()) {
            (Some(block), true) => Ok(block),
            _ => Err(malformed(place, "more than one PEM block where one is due")),
        };
    }
    STANDARD.decode(text.trim()).map_err(|_| malformed(place, "neither PEM nor base64"))
}
