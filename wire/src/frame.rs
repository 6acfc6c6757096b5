//! The 32-byte frame header, the same on every carrier. Integers are little endian.
//!
//! | offset | bytes | field | meaning |
//! |---:|---:|---|---|
//! | 0 | 2 | magic | `59 55`, ASCII `YU` |
//! | 2 | 1 | version | [`VERSION`] |
//! | 3 | 1 | kind | [`FrameKind`] |
//! | 4 | 4 | channel | channel within the session, the same number on both sides |
//! | 8 | 4 | step | [`Step`]: protocol << 16 \| step |
//! | 12 | 4 | round | causal depth of the message (see [`crate::meter`]), 1 to [`MAX_ROUND`] in data frames |
//! | 16 | 8 | seq | number of the frame in its channel and direction, from 0 without gap |
//! | 24 | 4 | len | payload bytes that follow, at most [`CHUNK`] |
//! | 28 | 4 | flags | bit 0 [`MORE`]: the message continues in the next frame; other bits are 0 |
//!
//! A message of `n` bytes is `max(1, ceil(n / CHUNK))` data frames; every frame but the last is full, so
//! that the byte count is exact: [`framed_len`]. An empty message is one frame of 32 bytes.
//! Frames carry no checksum: each carrier authenticates its bytes (TLS 1.3).

use crate::step::Step;
use crate::{Error, Result};

/// First two bytes of every frame.
pub const MAGIC: [u8; 2] = *b"YU";
/// Version of the frame layout.
pub const VERSION: u8 = 1;
/// Bytes of the header.
pub const HEADER_LEN: usize = 32;
/// Largest payload of a frame: big enough that the header costs 1/8192, small enough to overlap computing and sending.
pub const CHUNK: usize = 256 * 1024;
/// Flag bit 0: a further frame of the same message follows.
pub const MORE: u32 = 1;
/// Highest round that is accepted, so that `round + 1` cannot overflow anywhere.
pub const MAX_ROUND: u32 = 1 << 31;

/// What a frame is for. Only [`FrameKind::Data`] is metered; the others belong to the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum FrameKind {
    /// Part of a protocol message.
    Data = 0,
    /// Frames up to a number have arrived.
    Ack = 1,
    /// Are you there?
    Ping = 2,
    /// Answer to a ping.
    Pong = 3,
    /// First frame of a session on a connection.
    Hello = 4,
    /// Signature that binds the connection to the contract.
    Bind = 5,
    /// Next expected numbers after a new connection.
    Resume = 6,
    /// The sender has finished.
    Close = 7,
    /// The sender stops, with a value-free reason.
    Fail = 8,
}

impl FrameKind {
    const ALL: [Self; 9] = [Self::Data, Self::Ack, Self::Ping, Self::Pong, Self::Hello, Self::Bind, Self::Resume, Self::Close, Self::Fail];

    fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.get(usize::from(byte)).copied()
    }
}

/// The fields of a header; magic and version are constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameHeader {
    /// What the frame is for.
    pub kind: FrameKind,
    /// Channel within the session.
    pub channel: u32,
    /// Communication step.
    pub step: Step,
    /// Causal depth of the message.
    pub round: u32,
    /// Number in this channel and direction.
    pub seq: u64,
    /// Payload bytes that follow.
    pub len: u32,
    /// [`MORE`] or 0.
    pub flags: u32,
}

impl FrameHeader {
    /// A header of the session layer: step, round and flags are 0.
    #[must_use]
    pub const fn control(kind: FrameKind, channel: u32, seq: u64, len: u32) -> Self {
        Self { kind, channel, step: Step(0), round: 0, seq, len, flags: 0 }
    }

    /// Whether the message continues in the next frame.
    #[must_use]
    pub const fn has_more(&self) -> bool {
        self.flags & MORE != 0
    }

    /// The 32 bytes that travel.
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        bytes[0..2].copy_from_slice(&MAGIC);
        bytes[2] = VERSION;
        bytes[3] = self.kind as u8;
        bytes[4..8].copy_from_slice(&self.channel.to_le_bytes());
        bytes[8..12].copy_from_slice(&self.step.0.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.round.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.seq.to_le_bytes());
        bytes[24..28].copy_from_slice(&self.len.to_le_bytes());
        bytes[28..32].copy_from_slice(&self.flags.to_le_bytes());
        bytes
    }

    /// Reads a header and checks everything that can be checked without context. The payload may be
    /// allocated afterwards: `len` is at most [`CHUNK`].
    ///
    /// # Errors
    /// [`FrameFault`] names the field at fault; [`FrameFault::blame`] adds the party.
    pub fn decode(bytes: &[u8; HEADER_LEN]) -> std::result::Result<Self, FrameFault> {
        #[rustfmt::skip] // one field of the table above per line
        let [
            m0, m1, version, kind,
            c0, c1, c2, c3,
            s0, s1, s2, s3,
            r0, r1, r2, r3,
            q0, q1, q2, q3, q4, q5, q6, q7,
            l0, l1, l2, l3,
            f0, f1, f2, f3,
        ] = *bytes;
        if [m0, m1] != MAGIC {
            return Err(FrameFault::Magic);
        }
        if version != VERSION {
            return Err(FrameFault::Version(version));
        }
        let header = Self {
            kind: FrameKind::from_byte(kind).ok_or(FrameFault::Kind(kind))?,
            channel: u32::from_le_bytes([c0, c1, c2, c3]),
            step: Step(u32::from_le_bytes([s0, s1, s2, s3])),
            round: u32::from_le_bytes([r0, r1, r2, r3]),
            seq: u64::from_le_bytes([q0, q1, q2, q3, q4, q5, q6, q7]),
            len: u32::from_le_bytes([l0, l1, l2, l3]),
            flags: u32::from_le_bytes([f0, f1, f2, f3]),
        };
        header.check()?;
        Ok(header)
    }

    /// The checks of [`Self::decode`] on fields, for carriers that move headers without encoding them.
    ///
    /// # Errors
    /// [`FrameFault`] names the field at fault.
    pub fn check(&self) -> std::result::Result<(), FrameFault> {
        if self.len as usize > CHUNK {
            return Err(FrameFault::Length(self.len));
        }
        let allowed = if self.kind == FrameKind::Data { MORE } else { 0 };
        if self.flags & !allowed != 0 {
            return Err(FrameFault::Flags(self.flags));
        }
        if self.kind == FrameKind::Data && !(1..=MAX_ROUND).contains(&self.round) {
            return Err(FrameFault::Round(self.round));
        }
        Ok(())
    }
}

/// What is wrong with a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FrameFault {
    /// The stream is out of step or is not ours.
    #[error("frame does not begin with `YU`")]
    Magic,
    /// The peer speaks another version.
    #[error("frame version `{0}`, expected `{VERSION}`")]
    Version(u8),
    /// Unknown kind.
    #[error("unknown frame kind `{0}`")]
    Kind(u8),
    /// Payload above the limit.
    #[error("payload of `{0}` bytes, at most `{CHUNK}` allowed")]
    Length(u32),
    /// A flag that this version or kind does not have.
    #[error("unknown flags `{0:#x}`")]
    Flags(u32),
    /// Round of a data frame out of range.
    #[error("round `{0}` outside 1..=`{MAX_ROUND}`")]
    Round(u32),
}

impl FrameFault {
    /// The error that names who sent the header.
    #[must_use]
    pub fn blame(self, culprit: &str) -> Error {
        Error::peer(culprit, "frame", self.to_string())
    }
}

/// Frames of a message of `payload` bytes.
#[must_use]
pub const fn frame_count(payload: u64) -> u64 {
    let frames = payload.div_ceil(CHUNK as u64);
    if frames == 0 { 1 } else { frames }
}

/// Metered bytes of a message of `payload` bytes: `payload + 32 * max(1, ceil(payload / CHUNK))`.
///
/// ```
/// use yu_wire::frame::framed_len;
/// assert_eq!(framed_len(0), 32);
/// assert_eq!(framed_len(256 * 1024 + 1), 256 * 1024 + 1 + 64);
/// ```
#[must_use]
pub const fn framed_len(payload: u64) -> u64 {
    payload + HEADER_LEN as u64 * frame_count(payload)
}

/// A length that fits a header.
///
/// # Errors
/// [`Error::Caller`] above [`CHUNK`].
pub fn payload_len(len: usize) -> Result<u32> {
    match u32::try_from(len) {
        Ok(short) if len <= CHUNK => Ok(short),
        _ => Err(Error::Caller(format!("frame payload of `{len}` bytes, at most `{CHUNK}` allowed"))),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample() -> FrameHeader {
        FrameHeader {
            kind: FrameKind::Data,
            channel: 0x0403_0201,
            step: Step::new(0x0605, 0x0708),
            round: 9,
            seq: 0x1817_1615_1413_1211,
            len: 0x0001_2345,
            flags: MORE,
        }
    }

    /// Changing these bytes is a new [`VERSION`].
    #[test]
    fn golden_bytes() {
        let hex = "5955010001020304080705060900000011121314151617184523010001000000";
        assert_eq!(hex::encode(sample().encode()), hex);
        assert_eq!(FrameHeader::decode(&sample().encode()), Ok(sample()));
    }

    #[test]
    fn every_kind_survives() {
        for kind in FrameKind::ALL {
            let header = FrameHeader { round: 1, ..FrameHeader::control(kind, 3, 4, 5) };
            assert_eq!(FrameHeader::decode(&header.encode()), Ok(header));
        }
        assert_eq!(FrameKind::from_byte(9), None);
    }

    #[test]
    fn each_field_has_its_fault() {
        let spoil = |at: usize, byte: u8| {
            let mut bytes = sample().encode();
            bytes[at] = byte;
            FrameHeader::decode(&bytes).unwrap_err()
        };
        assert_eq!(spoil(0, b'Z'), FrameFault::Magic);
        assert_eq!(spoil(1, b'u'), FrameFault::Magic);
        assert_eq!(spoil(2, 2), FrameFault::Version(2));
        assert_eq!(spoil(3, 9), FrameFault::Kind(9));
        assert_eq!(spoil(3, 1), FrameFault::Flags(MORE));
        assert_eq!(spoil(12, 0), FrameFault::Round(0));
        assert_eq!(spoil(15, 0x80), FrameFault::Round(0x8000_0009));
        assert_eq!(spoil(26, 4), FrameFault::Length(0x0004_2345));
        assert_eq!(spoil(28, 3), FrameFault::Flags(3));
        assert_eq!(spoil(31, 1), FrameFault::Flags(0x0100_0001));
        let blamed = FrameFault::Kind(9).blame("bank").to_string();
        assert_eq!(blamed, "party `bank` broke the protocol at frame: unknown frame kind `9`");
    }

    #[test]
    fn limits_are_inclusive() {
        let largest = FrameHeader { len: CHUNK as u32, round: MAX_ROUND, ..sample() };
        assert_eq!(largest.check(), Ok(()));
        assert_eq!(payload_len(CHUNK).unwrap(), CHUNK as u32);
        assert!(matches!(payload_len(CHUNK + 1), Err(Error::Caller(_))));
    }

    #[test]
    fn framed_lengths_are_exact() {
        let chunk = CHUNK as u64;
        for (payload, frames) in [(0, 1), (1, 1), (chunk - 1, 1), (chunk, 1), (chunk + 1, 2), (2 * chunk, 2), (2 * chunk + 1, 3)] {
            assert_eq!(frame_count(payload), frames);
            assert_eq!(framed_len(payload), payload + 32 * frames);
        }
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_decode_to_themselves_or_not_at_all(bytes: [u8; HEADER_LEN], fix in 0..3u8) {
            let mut bytes = bytes;
            if fix > 0 {
                let kind = bytes[3] % 9;
                bytes[..4].copy_from_slice(&[b'Y', b'U', VERSION, kind]);
            }
            if fix > 1 {
                let high = bytes[26] % 4;
                bytes[26..32].copy_from_slice(&[high, 0, 0, 0, 0, 0]);
            }
            if let Ok(header) = FrameHeader::decode(&bytes) {
                prop_assert_eq!(header.encode(), bytes);
                prop_assert!(header.len as usize <= CHUNK);
            }
        }
    }
}
