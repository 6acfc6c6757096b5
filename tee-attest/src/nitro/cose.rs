//! The envelope: COSE_Sign1 (RFC 9052, 4.2), tagged or not, ES384 (RFC 9053, 2.1), no header that is not signed.

use minicbor::Decoder;

use crate::fault::{Fault, Result, malformed};

const PLACE: &str = "COSE envelope";
/// Documents have 4 to 5 KiB; with every field at its bound, 20.
const MOST_BYTES: usize = 32 << 10;
/// The map {1: -35}: the algorithm is ES384.
const PROTECTED: [u8; 4] = [0xa1, 0x01, 0x38, 0x22];
/// The tag 18.
const TAG: u8 = 0xd2;

/// A signed payload. The signature is not checked yet.
pub(super) struct Envelope<'a> {
    pub(super) payload: &'a [u8],
    pub(super) signature: &'a [u8],
}

impl<'a> Envelope<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self> {
        if bytes.len() > MOST_BYTES {
            return Err(malformed(PLACE, "more than 32 KiB"));
        }
        let untagged = bytes.strip_prefix(&[TAG]).unwrap_or(bytes);
        let wrong = |_| malformed(PLACE, "not CBOR of the form COSE_Sign1");
        let mut reader = Decoder::new(untagged);
        if reader.array().map_err(wrong)? != Some(4) {
            return Err(malformed(PLACE, "not an array of four"));
        }
        if reader.bytes().map_err(wrong)? != PROTECTED {
            return Err(Fault::new("nitro.algorithm", PLACE, "a signature algorithm other than ES384", "签名算法不是 ES384"));
        }
        if reader.map().map_err(wrong)? != Some(0) {
            return Err(malformed(PLACE, "headers that are not signed"));
        }
        let envelope = Self { payload: reader.bytes().map_err(wrong)?, signature: reader.bytes().map_err(wrong)? };
        if envelope.signature.len() != 96 {
            return Err(malformed(PLACE, "a signature that has not 96 bytes"));
        }
        // no signature covers the framing: one way to write it is accepted, the shortest
        if envelope.framed() == untagged {
            Ok(envelope)
        } else {
            Err(malformed(PLACE, "lengths that are not minimal, or bytes after the end"))
        }
    }

    fn framed(&self) -> Vec<u8> {
        let mut bytes = vec![0x84];
        string(&mut bytes, &PROTECTED);
        bytes.push(0xa0);
        string(&mut bytes, self.payload);
        string(&mut bytes, self.signature);
        bytes
    }

    /// What was signed: Sig_structure (RFC 9052, 4.4) without external data.
    pub(super) fn signed(&self) -> Vec<u8> {
        let mut bytes = vec![0x84, 0x6a];
        bytes.extend_from_slice(b"Signature1");
        string(&mut bytes, &PROTECTED);
        string(&mut bytes, &[]);
        string(&mut bytes, self.payload);
        bytes
    }
}

/// A byte string with the shortest head (RFC 8949, 4.2.1). Lengths here are below 64 KiB.
fn string(to: &mut Vec<u8>, content: &[u8]) {
    let [.., high, low] = u64::try_from(content.len()).unwrap_or(u64::MAX).to_be_bytes();
    match content.len() {
        0..24 => to.push(0x40 | low),
        24..256 => to.extend_from_slice(&[0x58, low]),
        _ => to.extend_from_slice(&[0x59, high, low]),
    }
    to.extend_from_slice(content);
}
