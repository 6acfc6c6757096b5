//! The form in which Trustee's attesters send a report: JSON, byte strings as arrays of numbers, certificates field by field.
//!
//! The attester took the mask off the platform's certificate and the serial number, so the code over them no longer fits;
//! both copies must agree instead. An event log in it is not read: version 1 has no registers that could vouch for it.

use serde::Deserialize;

use super::report::{Report, Version};
use crate::fault::{Result, malformed};

const PLACE: &str = "CSV evidence in JSON";
/// A report in numbers has 14 KiB, an event log up to 64 KiB.
const MOST_BYTES: usize = 256 << 10;
/// A report is sent in a page.
const PAGE: usize = 4096;
const EXTENDED: &[u8; 16] = b"ATTESTATION_EXT\0";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    attestation_report: Wrapper,
    cert_chain: Chain,
    serial_number: Vec<u8>,
    #[serde(default, rename = "cc_eventlog")]
    _event_log: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrapper {
    magic: [u8; 16],
    flags: u32,
    data: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chain {
    #[serde(default)]
    hsk_cek: Option<HskCek>,
    pek: Certificate,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HskCek {
    hsk: Authority,
    cek: Certificate,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Point {
    g: u32,
    x: Vec<u8>,
    y: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Pair {
    r: Vec<u8>,
    s: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Authority {
    body: AuthorityBody,
    signature: Pair,
    _reserved: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AuthorityBody {
    preamble: Preamble,
    pubkey: Point,
    uid_size: u16,
    user_id: Vec<u8>,
    reserved: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Preamble {
    ver: u32,
    data: PreambleData,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PreambleData {
    kid: Vec<u8>,
    sid: Vec<u8>,
    usage: u32,
    reserved: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Certificate {
    body: Body,
    sigs: [Signature; 2],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    ver: u32,
    data: Data,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Data {
    firmware: Firmware,
    reserved1: u16,
    pubkey: Key,
    uid_size: u16,
    user_id: Vec<u8>,
    sid: Vec<u8>,
    reserved2: Vec<u8>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Firmware {
    major: u8,
    minor: u8,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Key {
    usage: u32,
    algo: u32,
    key: Point,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Signature {
    usage: u32,
    algo: u32,
    signature: Pair,
    _reserved: Vec<u8>,
}

/// The report, and HSK and CEK one after the other where they are there.
pub(super) fn read(bytes: &[u8]) -> Result<(Report, Option<Vec<u8>>)> {
    if bytes.len() > MOST_BYTES {
        return Err(malformed(PLACE, "more than 256 KiB"));
    }
    let document: Document = serde_json::from_slice(bytes).map_err(|_| malformed(PLACE, "not in Trustee's form"))?;
    let wrapper = &document.attestation_report;
    let version = match (&wrapper.magic, wrapper.flags) {
        ([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 0) => Version::One,
        (EXTENDED, 0) => Version::One,
        (EXTENDED, 1) => Version::Two,
        _ => return Err(malformed(PLACE, "a kind of report that is not known")),
    };
    let (data, rest) = wrapper.data.split_at_checked(version.length()).ok_or_else(|| malformed(PLACE, "a report that is too short"))?;
    if wrapper.data.len() != PAGE || rest.iter().any(|byte| *byte != 0) {
        return Err(malformed(PLACE, "a report that does not fill its page with zeros"));
    }
    let report = Report::read_opened(version, data)?;
    if report.platform() != document.cert_chain.pek.bytes() || report.field("serial") != document.serial_number {
        return Err(malformed(PLACE, "two certificates or serial numbers that differ"));
    }
    let carried = document.cert_chain.hsk_cek.map(|pair| [pair.hsk.bytes(), pair.cek.bytes()].concat());
    Ok((report, carried))
}

impl Point {
    fn write(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.g.to_le_bytes());
        to.extend_from_slice(&self.x);
        to.extend_from_slice(&self.y);
    }
}

impl Authority {
    /// As the certificate is signed; its length is checked where it is read.
    fn bytes(&self) -> Vec<u8> {
        let AuthorityBody { preamble, pubkey, uid_size, user_id, reserved } = &self.body;
        let mut bytes = preamble.ver.to_le_bytes().to_vec();
        bytes.extend_from_slice(&preamble.data.kid);
        bytes.extend_from_slice(&preamble.data.sid);
        bytes.extend_from_slice(&preamble.data.usage.to_le_bytes());
        bytes.extend_from_slice(&preamble.data.reserved);
        pubkey.write(&mut bytes);
        bytes.extend_from_slice(&uid_size.to_le_bytes());
        for part in [user_id, reserved, &self.signature.r, &self.signature.s, &self._reserved] {
            bytes.extend_from_slice(part);
        }
        bytes
    }
}

impl Certificate {
    /// As the certificate is signed; its length is checked where it is read.
    fn bytes(&self) -> Vec<u8> {
        let Data { firmware, reserved1, pubkey, uid_size, user_id, sid, reserved2 } = &self.body.data;
        let mut bytes = self.body.ver.to_le_bytes().to_vec();
        bytes.extend_from_slice(&[firmware.major, firmware.minor]);
        bytes.extend_from_slice(&reserved1.to_le_bytes());
        bytes.extend_from_slice(&pubkey.usage.to_le_bytes());
        bytes.extend_from_slice(&pubkey.algo.to_le_bytes());
        pubkey.key.write(&mut bytes);
        bytes.extend_from_slice(&uid_size.to_le_bytes());
        for part in [user_id, sid, reserved2] {
            bytes.extend_from_slice(part);
        }
        for one in &self.sigs {
            bytes.extend_from_slice(&one.usage.to_le_bytes());
            bytes.extend_from_slice(&one.algo.to_le_bytes());
            for part in [&one.signature.r, &one.signature.s, &one._reserved] {
                bytes.extend_from_slice(part);
            }
        }
        bytes
    }
}
