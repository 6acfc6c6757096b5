//! The report: what the firmware says and signs, then the platform's certificate and the chip's serial number.

use std::ops::Range;

use super::certificate::{CERTIFICATE_LENGTH, signature, unused};
use crate::crypto::sm3;
use crate::fault::{Fault, Result, malformed};
use crate::layout::{Field, Layout};

const PLACE: &str = "CSV report";
/// ECDSA-like signature with SM2, SM3 (algorithm), by a platform's key (usage).
const ALGORITHM: u64 = 4;
const USAGE: u64 = 0x1002;

/// Version 1, before firmware interface 1.4. Everything but the mask (`anonce`) and the signature is masked.
const VERSION_1: Layout = Layout {
    name: PLACE,
    length: 2548,
    fields: &[
        Field::new("user-key-digest", 0, 32),
        Field::new("vm-id", 32, 16),
        Field::new("vm-version", 48, 16),
        Field::new("report-data", 64, 64),
        Field::new("mnonce", 128, 16),
        Field::new("measurement", 144, 32),
        Field::new("policy", 176, 4),
        Field::new("usage", 180, 4),
        Field::new("algorithm", 184, 4),
        Field::new("anonce", 188, 4),
        Field::new("r", 192, 72),
        Field::new("s", 264, 72),
        Field::new("platform", 336, CERTIFICATE_LENGTH),
        Field::new("serial", 2420, 64),
        Field::new("filler", 2484, 32),
        Field::new("mac", 2516, 32),
    ],
};
const _: () = assert!(VERSION_1.sound());

/// Version 2 (extended), with registers that the guest extends. No mask; all of it is signed.
const VERSION_2: Layout = Layout {
    name: PLACE,
    length: 3380,
    fields: &[
        Field::new("user-key-digest", 0, 32),
        Field::new("vm-id", 32, 16),
        Field::new("vm-version", 48, 16),
        Field::new("report-data", 64, 64),
        Field::new("mnonce", 128, 16),
        Field::new("measurement", 144, 32),
        Field::new("policy", 176, 4),
        Field::new("usage", 180, 4),
        Field::new("algorithm", 184, 4),
        Field::new("build", 188, 4),
        Field::new("rtmr-version", 192, 2),
        Field::new("reserved-194", 194, 14),
        Field::new("rtmr0", 208, 32),
        Field::new("rtmr1", 240, 32),
        Field::new("rtmr2", 272, 32),
        Field::new("rtmr3", 304, 32),
        Field::new("rtmr4", 336, 32),
        Field::new("reserved-368", 368, 656),
        Field::new("r", 1024, 72),
        Field::new("s", 1096, 72),
        Field::new("platform", 1168, CERTIFICATE_LENGTH),
        Field::new("serial", 3252, 64),
        Field::new("filler", 3316, 32),
        Field::new("mac", 3348, 32),
    ],
};
const _: () = assert!(VERSION_2.sound());

/// What the mask lies over in version 1: up to the mask itself; the certificate and the serial number.
const MASKED: [Range<usize>; 2] = [0..188, 336..2484];
/// What the signature covers.
const SIGNED_1: usize = 180;
const SIGNED_2: usize = 1024;

/// Version of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    One,
    Two,
}

/// A report with its mask taken off.
pub(super) struct Report {
    version: Version,
    plain: Vec<u8>,
    /// What was signed, as it was signed: masked in version 1.
    signed: Vec<u8>,
}

impl Report {
    /// A report as the firmware writes it; its length tells the version.
    pub(super) fn read(bytes: &[u8]) -> Result<Self> {
        let version = match bytes.len() {
            2548 => Version::One,
            3380 => Version::Two,
            other => return Err(malformed(PLACE, format!("{other} bytes; version 1 has 2548, version 2 has 3380"))),
        };
        let report = Self::open(version, bytes, &MASKED)?;
        report.check_mac(bytes)?;
        Ok(report)
    }

    /// A report whose certificate and serial number the attester unmasked already, as Trustee's do.
    pub(super) fn read_opened(version: Version, bytes: &[u8]) -> Result<Self> {
        let [fields, _] = MASKED;
        Self::open(version, bytes, &[fields])
    }

    fn open(version: Version, bytes: &[u8], masked: &[Range<usize>]) -> Result<Self> {
        let mut plain = bytes.to_vec();
        let view = version.layout().exact(bytes)?;
        let covered = match version {
            Version::One => {
                let mask: [u8; 4] = view.array("anonce");
                for range in masked {
                    let part = plain.get_mut(range.clone()).unwrap_or_default();
                    part.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
                }
                SIGNED_1
            }
            Version::Two => SIGNED_2,
        };
        let report = Self { version, plain, signed: bytes.get(..covered).unwrap_or_default().to_vec() };
        if report.number("usage") != USAGE || report.number("algorithm") != ALGORITHM {
            return Err(malformed(PLACE, "a signature of a kind that is not known"));
        }
        if version == Version::Two {
            unused(&report.version.layout().exact(&report.plain)?, PLACE, &["reserved-194", "reserved-368"])?;
        }
        Ok(report)
    }

    /// The code over certificate, serial number and filler: HMAC with SM3, keyed by the nonce that the reporter chose. The
    /// key stands in the report, so it proves nothing about who wrote it; it keeps bytes that nobody signed from changing.
    fn check_mac(&self, bytes: &[u8]) -> Result<()> {
        let view = self.version.layout().exact(bytes)?;
        let covered = [view.field("platform"), view.field("serial"), view.field("filler")].concat();
        if hmac_sm3(&self.view_array("mnonce"), &covered) == view.field("mac") {
            return Ok(());
        }
        Err(Fault::new("csv.mac", PLACE, "the code over the platform's certificate does not fit", "平台证书的校验码不符"))
    }

    pub(super) const fn version(&self) -> Version {
        self.version
    }

    /// A field by its name in the table, unmasked.
    pub(super) fn field(&self, name: &str) -> &[u8] {
        self.version.layout().exact(&self.plain).map_or(&[], |view| view.field(name))
    }

    fn view_array(&self, name: &str) -> [u8; 16] {
        <[u8; 16]>::try_from(self.field(name)).unwrap_or([0xff; 16])
    }

    /// A number by its name in the table, unmasked.
    pub(super) fn number(&self, name: &str) -> u64 {
        self.field(name).iter().rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
    }

    pub(super) fn signed(&self) -> &[u8] {
        &self.signed
    }

    pub(super) fn signature(&self) -> Result<[u8; 64]> {
        signature(&self.version.layout().exact(&self.plain)?, PLACE, ["r", "s"])
    }

    /// The platform's certificate.
    pub(super) fn platform(&self) -> &[u8] {
        self.field("platform")
    }

    /// The chip's serial number: text, then zeros. Nobody signed it; it tells which certificates to try.
    pub(super) fn serial(&self) -> Result<&str> {
        let field = self.field("serial");
        let length = field.iter().position(|byte| *byte == 0).unwrap_or(field.len());
        let (text, rest) = field.split_at_checked(length).unwrap_or_default();
        std::str::from_utf8(text)
            .ok()
            .filter(|text| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') && rest.iter().all(|byte| *byte == 0))
            .ok_or_else(|| malformed(PLACE, "a serial number that is no text"))
    }
}

impl Version {
    const fn layout(self) -> &'static Layout {
        match self {
            Self::One => &VERSION_1,
            Self::Two => &VERSION_2,
        }
    }

    pub(super) const fn length(self) -> usize {
        self.layout().length
    }
}

/// HMAC (RFC 2104) with SM3, whose block has 64 bytes; the key is shorter.
fn hmac_sm3(key: &[u8; 16], message: &[u8]) -> [u8; 32] {
    let mut inner = [0x36; 64];
    let mut outer = [0x5c; 64];
    for (pad, key) in inner.iter_mut().zip(key) {
        *pad ^= key;
    }
    for (pad, key) in outer.iter_mut().zip(key) {
        *pad ^= key;
    }
    sm3(&[&outer, &sm3(&[&inner, message])])
}
