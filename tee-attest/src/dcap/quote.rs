//! The quote: header, report, and the chain of signatures from the report to a certificate of the platform.
//!
//! ```text
//! v3      header 48 | enclave report 384                       | length 4 | signature data
//! v4      header 48 | td report 584                            | length 4 | signature data
//! v5      header 48 | type 2 | size 4 | td report 584, 648, 885 | length 4 | signature data
//! signature data of v3   signature 64 | attestation key 64 | quoting enclave part
//! signature data of v4+  signature 64 | attestation key 64 | type = 6 2 | length 4 | quoting enclave part
//! quoting enclave part   its report 384 | signature 64 | length 2, authentication data | type 2 | length 4, certification data
//! ```
//! Intel SGX ECDSA QuoteLibReference DCAP API (appendix A.4) and Intel TDX DCAP Quoting Library API (appendix A.3).

use super::report::{Body, ENCLAVE, Report, is_zero};
use crate::evidence::MOST_BYTES;
use crate::fault::{Fault, Result, malformed};
use crate::layout::{Field, Layout, View};

static HEADER: Layout = Layout {
    name: "quote header",
    length: 48,
    fields: &[
        Field::new("version", 0, 2),
        Field::new("key-type", 2, 2),
        Field::new("tee-type", 4, 4),
        // versions of the quoting and provisioning enclaves in v3, reserved in v4; signed, and not used in either
        Field::new("svns", 8, 4),
        Field::new("vendor", 12, 16),
        Field::new("user-data", 28, 20),
    ],
};
const _: () = assert!(HEADER.sound());

static SIGNATURE: Layout =
    Layout { name: "quote signature data", length: 128, fields: &[Field::new("signature", 0, 64), Field::new("key", 64, 64)] };
const _: () = assert!(SIGNATURE.sound());

static QUOTING: Layout =
    Layout { name: "quoting enclave part", length: 448, fields: &[Field::new("report", 0, 384), Field::new("signature", 384, 64)] };
const _: () = assert!(QUOTING.sound() && ENCLAVE.length == 384);

/// Certification data of types 1 to 3 after the (plain or encrypted) platform id.
static IDENTIFIER: Layout = Layout {
    name: "certification data",
    length: 20,
    fields: &[Field::new("cpu-svn", 0, 16), Field::new("pce-svn", 16, 2), Field::new("pce-id", 18, 2)],
};
const _: () = assert!(IDENTIFIER.sound());

/// "Intel SGX and TDX" as a vendor of quoting enclaves: 939a7233-f79c-4ca9-940a-0db3957f0607.
const INTEL: [u8; 16] = [0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9, 0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07];

/// Which environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tee {
    Sgx,
    Tdx,
}

impl Tee {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Sgx => "sgx",
            Self::Tdx => "tdx",
        }
    }
}

/// How the quote names the certificate of the platform.
#[derive(Clone, Copy)]
pub(super) enum Certification<'a> {
    /// Type 5: the chain itself, PEM, leaf first.
    Chain(&'a [u8]),
    /// Types 1 to 3: versions and an id of the platform, which only who made the certificate can tie to one.
    Identifier { cpu_svn: [u8; 16], pce_svn: u16, pce_id: [u8; 2] },
}

/// A quote, borrowed from its bytes. No signature of it is checked.
pub(super) struct Quote<'a> {
    pub(super) version: u16,
    pub(super) tee: Tee,
    pub(super) report: Report<'a>,
    /// What the attestation key signed.
    pub(super) signed: &'a [u8],
    pub(super) signature: &'a [u8],
    /// x and y of the attestation key, 32 bytes each, big-endian.
    pub(super) key: &'a [u8],
    pub(super) quoting_report: &'a [u8],
    pub(super) quoting_signature: &'a [u8],
    pub(super) authentication: &'a [u8],
    pub(super) certification: Certification<'a>,
    /// Everything from the attestation key to the end: what ties the key to the platform.
    pub(super) endorsed: &'a [u8],
}

impl<'a> Quote<'a> {
    /// Reads a quote. Zeros may follow it, nothing else: guests hand out the whole buffer of the host (8,000 bytes under Linux).
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self> {
        if bytes.len() > MOST_BYTES {
            return Err(malformed("quote", format!("{} bytes: more than any quote has", bytes.len())));
        }
        let (header, after) = HEADER.read(bytes)?;
        let (version, tee) = kind(&header)?;
        let (body, after) = match (version, tee) {
            (3, Tee::Sgx) => (Body::Enclave, after),
            (4, Tee::Tdx) => (Body::Domain, after),
            _ => described(after)?,
        };
        let (report, after) = take("quote", after, body.length())?;
        let signed = before(bytes, after);
        let (length, after) = long(after)?;
        let (data, padding) = take("quote signature data", after, length)?;
        if !is_zero(padding) {
            return Err(malformed("quote", format!("{} bytes after the end that are not zero", padding.len())));
        }
        let (own, rest) = SIGNATURE.read(data)?;
        let quoting = if version == 3 { rest } else { nested(rest)? };
        let (quoting, rest) = QUOTING.read(quoting)?;
        let (length, rest) = short(rest)?;
        let (authentication, rest) = take("authentication data", rest, length)?;
        Ok(Self {
            version,
            tee,
            report: body.read(report)?,
            signed,
            signature: own.field("signature"),
            key: own.field("key"),
            quoting_report: quoting.field("report"),
            quoting_signature: quoting.field("signature"),
            authentication,
            certification: certification(rest)?,
            endorsed: data.get(64..).unwrap_or_default(),
        })
    }
}

fn kind(header: &View<'_>) -> Result<(u16, Tee)> {
    let version = u16::from_le_bytes(header.array("version"));
    let tee = match (version, header.number("tee-type")) {
        (3, 0) => Tee::Sgx,
        (4 | 5, 0x81) => Tee::Tdx,
        (3..=5, tee) => {
            return Err(Fault::new(
                "dcap.tee-type",
                "quote header",
                format!("environment {tee:#x} in a quote of version {version}: read are SGX in version 3, TDX in versions 4 and 5"),
                format!("第 {version} 版 quote 中的环境类型为 {tee:#x}：仅支持第 3 版的 SGX 与第 4、5 版的 TDX"),
            ));
        }
        _ => {
            return Err(Fault::new(
                "dcap.version",
                "quote header",
                format!("quote version {version}: versions 3, 4 and 5 are read"),
                format!("quote 版本 {version}：仅支持第 3、4、5 版"),
            ));
        }
    };
    let key = header.number("key-type");
    if key != 2 {
        return Err(Fault::new(
            "dcap.key-type",
            "quote header",
            format!("attestation key of type {key}: only 2, ECDSA on P-256, is read"),
            format!("证明密钥类型 {key}：仅支持类型 2（P-256 上的 ECDSA）"),
        ));
    }
    if header.field("vendor") != INTEL {
        return Err(Fault::new(
            "dcap.vendor",
            "quote header",
            "a quoting enclave of another vendor than Intel",
            "引用 enclave 的厂商不是英特尔",
        ));
    }
    Ok((version, tee))
}

/// The descriptor of a body in version 5: its type and its size, which must agree.
fn described(bytes: &[u8]) -> Result<(Body, &[u8])> {
    let (kind, rest) = short(bytes)?;
    let body = match kind {
        2 => Body::Domain,
        3 => Body::Fifteen,
        4 => Body::Extended,
        _ => {
            return Err(Fault::new(
                "dcap.body-type",
                "quote body",
                format!("a body of type {kind}: 2, 3 and 4 (TDX 1.0, 1.5 and 1.5 extended) are read"),
                format!("正文类型 {kind}：仅支持 2、3、4（TDX 1.0、1.5 及 1.5 扩展）"),
            ));
        }
    };
    let (size, rest) = long(rest)?;
    if size != body.length() {
        return Err(malformed("quote body", format!("a size of {size} where {} is due", body.length())));
    }
    Ok((body, rest))
}

/// Type 6 around the quoting enclave part, from version 4 on.
fn nested(bytes: &[u8]) -> Result<&[u8]> {
    let (kind, rest) = short(bytes)?;
    if kind != 6 {
        return Err(unknown_certification(kind));
    }
    last("quoting enclave part", rest)
}

fn certification(bytes: &[u8]) -> Result<Certification<'_>> {
    let (kind, rest) = short(bytes)?;
    let data = last("certification data", rest)?;
    // 1: platform id in clear; 2, 3: encrypted to Intel with RSA of 2048, 3072 bits
    let id = match kind {
        5 => return Ok(Certification::Chain(data)),
        1 => 16,
        2 => 256,
        3 => 384,
        _ => return Err(unknown_certification(kind)),
    };
    let (_, rest) = take("certification data", data, id)?;
    let view = IDENTIFIER.exact(rest)?;
    Ok(Certification::Identifier {
        cpu_svn: view.array("cpu-svn"),
        pce_svn: u16::from_le_bytes(view.array("pce-svn")),
        pce_id: view.array("pce-id"),
    })
}

fn unknown_certification(kind: usize) -> Fault {
    Fault::new(
        "dcap.certification-data",
        "certification data",
        format!("certification data of type {kind}: 1, 2, 3 and 5 are read, and 6 around them from version 4 on"),
        format!("认证数据类型 {kind}：仅支持 1、2、3、5，自第 4 版起外层为 6"),
    )
}

fn take<'a>(place: &'static str, bytes: &'a [u8], length: usize) -> Result<(&'a [u8], &'a [u8])> {
    bytes.split_at_checked(length).ok_or_else(|| malformed(place, format!("{} bytes where {length} are due", bytes.len())))
}

/// A length of four bytes and so many bytes, after which nothing may follow.
fn last<'a>(place: &'static str, bytes: &'a [u8]) -> Result<&'a [u8]> {
    let (length, rest) = long(bytes)?;
    match take(place, rest, length)? {
        (data, []) => Ok(data),
        (_, rest) => Err(malformed(place, format!("{} bytes after the end", rest.len()))),
    }
}

fn short(bytes: &[u8]) -> Result<(usize, &[u8])> {
    match bytes {
        [a, b, rest @ ..] => Ok((usize::from(u16::from_le_bytes([*a, *b])), rest)),
        _ => Err(malformed("quote", "it ends inside a number")),
    }
}

fn long(bytes: &[u8]) -> Result<(usize, &[u8])> {
    match bytes {
        [a, b, c, d, rest @ ..] => match usize::try_from(u32::from_le_bytes([*a, *b, *c, *d])) {
            Ok(number) => Ok((number, rest)),
            Err(_) => Err(malformed("quote", "a length above the address space")),
        },
        _ => Err(malformed("quote", "it ends inside a number")),
    }
}

/// The part of `all` that is before its own tail.
fn before<'a>(all: &'a [u8], tail: &[u8]) -> &'a [u8] {
    all.get(..all.len().saturating_sub(tail.len())).unwrap_or_default()
}
