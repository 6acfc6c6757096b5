//! Reading a crypto-agile log (TCG PC Client Platform Firmware Profile, sections 10.2 and 10.4). All numbers little-endian.
//!
//! ```text
//! TCG_PCR_EVENT   pcr u32 | type u32 = EV_NO_ACTION | SHA-1 of zero | size u32 | TCG_EfiSpecIDEvent
//! TCG_PCR_EVENT2  pcr u32 | type u32 | digests: count u32, each algorithm u16 and digest | size u32 | data     (repeated)
//! padding         all 0xff or all zero
//! ```

use crate::crypto::{sha256, sha384, sha512, sm3};
use crate::cursor::Cursor;
use crate::fault::{Fault, Result};

const PLACE: &str = "event log";
/// Real logs have below 200 events; more than this is an attack on the reader.
const MOST_EVENTS: usize = 8192;
/// The TCG registry knows five algorithms that anyone logs.
const MOST_ALGORITHMS: usize = 5;
/// `Spec ID Event03`, the version of the header that crypto-agile logs have.
const SIGNATURE: &[u8; 16] = b"Spec ID Event03\0";
/// Type of events that are written and not measured.
pub(crate) const NO_ACTION: u32 = 3;

/// A hash algorithm by its TCG identifier (TCG Algorithm Registry, table 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Algorithm {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
    Sm3,
}

impl Algorithm {
    pub(crate) fn of(id: u16) -> Result<Self> {
        match id {
            0x0004 => Ok(Self::Sha1),
            0x000b => Ok(Self::Sha256),
            0x000c => Ok(Self::Sha384),
            0x000d => Ok(Self::Sha512),
            0x0012 => Ok(Self::Sm3),
            _ => Err(Fault::new(
                "boot.algorithm",
                PLACE,
                format!("hash algorithm {id:#06x} is not known"),
                format!("未知的杂凑算法 {id:#06x}"),
            )),
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha384 => "sha384",
            Self::Sha512 => "sha512",
            Self::Sm3 => "sm3",
        }
    }

    /// Length of a digest in bytes.
    pub(crate) const fn length(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 | Self::Sm3 => 32,
            Self::Sha384 => 48,
            Self::Sha512 => 64,
        }
    }

    /// The digest of the parts, one after the other. SHA-1 is read and skipped over, never computed: no verdict rests on it.
    pub(crate) fn digest(self, parts: &[&[u8]]) -> Option<Vec<u8>> {
        match self {
            Self::Sha1 => None,
            Self::Sha256 => Some(sha256(parts).to_vec()),
            Self::Sha384 => Some(sha384(parts).to_vec()),
            Self::Sha512 => Some(sha512(parts).to_vec()),
            Self::Sm3 => Some(sm3(parts).to_vec()),
        }
    }
}

/// One event.
pub(crate) struct Event<'a> {
    pub(crate) register: u32,
    pub(crate) kind: u32,
    pub(crate) digests: Vec<(Algorithm, &'a [u8])>,
    pub(crate) data: &'a [u8],
}

impl<'a> Event<'a> {
    /// The digest of one algorithm.
    pub(crate) fn digest(&self, algorithm: Algorithm) -> Option<&'a [u8]> {
        self.digests.iter().find(|(own, _)| *own == algorithm).map(|(_, digest)| *digest)
    }
}

/// A whole log.
pub(crate) struct Log<'a> {
    pub(crate) algorithms: Vec<Algorithm>,
    pub(crate) events: Vec<Event<'a>>,
}

impl<'a> Log<'a> {
    /// Reads the header and every event; nothing but padding may follow.
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self> {
        let mut cursor = Cursor::new(PLACE, bytes);
        let algorithms = header(&mut cursor)?;
        let mut events = Vec::new();
        while !is_end(cursor.rest()) {
            if events.len() == MOST_EVENTS {
                return Err(Fault::new("boot.length", PLACE, "more than 8192 events", "事件超过 8192 个"));
            }
            events.push(event(&mut cursor, &algorithms)?);
        }
        let rest = cursor.rest();
        if rest.iter().all(|byte| *byte == 0xff) || rest.iter().all(|byte| *byte == 0) {
            return Ok(Self { algorithms, events });
        }
        Err(cursor.wrong("bytes after the last event that are no padding"))
    }
}

/// Where padding may begin: no event has register 0xffffffff, and none has register 0, type 0 and no digest.
fn is_end(rest: &[u8]) -> bool {
    rest.is_empty() || rest.starts_with(&[0xff; 4]) || rest.iter().take(12).all(|byte| *byte == 0)
}

fn header(cursor: &mut Cursor<'_>) -> Result<Vec<Algorithm>> {
    // a TPM's log writes register 0, the CCEL of real TDs 1: nothing is measured by the header, so either is read
    let (register, kind, digest) = (cursor.le32()?, cursor.le32()?, cursor.take(20)?);
    if register > 1 || kind != NO_ACTION || digest.iter().any(|byte| *byte != 0) {
        return Err(cursor.wrong("it does not begin with the header event of a crypto-agile log"));
    }
    let length = usize::try_from(cursor.le32()?).unwrap_or(usize::MAX);
    let mut inner = Cursor::new("header event of the log", cursor.take(length)?);
    if inner.take(16)? != SIGNATURE {
        return Err(inner.wrong("not `Spec ID Event03`: logs of older versions have SHA-1 only and are not read"));
    }
    let _platform_class = inner.le32()?;
    let (minor, major, _errata, _word) = (inner.byte()?, inner.byte()?, inner.byte()?, inner.byte()?);
    if (major, minor) != (2, 0) {
        return Err(inner.wrong(format!("version {major}.{minor} where 2.0 is due")));
    }
    let count = usize::try_from(inner.le32()?).unwrap_or(usize::MAX);
    if count == 0 || count > MOST_ALGORITHMS {
        return Err(inner.wrong(format!("{count} hash algorithms where 1 to {MOST_ALGORITHMS} are due")));
    }
    let mut algorithms = Vec::with_capacity(count);
    for _ in 0..count {
        let algorithm = Algorithm::of(inner.le16()?)?;
        if usize::from(inner.le16()?) != algorithm.length() || algorithms.contains(&algorithm) {
            return Err(inner.wrong(format!("{} twice, or with a digest of another length", algorithm.name())));
        }
        algorithms.push(algorithm);
    }
    let vendor = usize::from(inner.byte()?);
    inner.take(vendor)?;
    inner.end()?;
    Ok(algorithms)
}

fn event<'a>(cursor: &mut Cursor<'a>, algorithms: &[Algorithm]) -> Result<Event<'a>> {
    let (register, kind, count) = (cursor.le32()?, cursor.le32()?, cursor.le32()?);
    // section 10.2.2: every event has a digest for each algorithm of the header
    if usize::try_from(count).unwrap_or(usize::MAX) != algorithms.len() {
        return Err(cursor.wrong(format!("an event with {count} digests where the header announces {}", algorithms.len())));
    }
    let mut digests: Vec<(Algorithm, &[u8])> = Vec::with_capacity(algorithms.len());
    for _ in 0..count {
        let algorithm = Algorithm::of(cursor.le16()?)?;
        if !algorithms.contains(&algorithm) || digests.iter().any(|(other, _)| *other == algorithm) {
            return Err(cursor.wrong(format!("an event with {} twice, or not in the header", algorithm.name())));
        }
        digests.push((algorithm, cursor.take(algorithm.length())?));
    }
    let length = usize::try_from(cursor.le32()?).unwrap_or(usize::MAX);
    Ok(Event { register, kind, digests, data: cursor.take(length)? })
}
