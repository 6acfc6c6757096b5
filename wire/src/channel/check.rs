//! What a received frame has to satisfy; pure.

use std::fmt;

use crate::frame::{CHUNK, FrameHeader, FrameKind};
use crate::step::Named;

/// What the caller expects of the length of a message, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// This and no other length.
    Exactly(usize),
    /// Any length up to this one.
    AtMost(usize),
}

/// A message that is being received.
pub(super) struct Incoming {
    pub(super) step: Named,
    pub(super) expect: Expect,
    /// Known after the first frame.
    pub(super) round: Option<u32>,
    /// Bytes so far.
    pub(super) got: usize,
}

impl Incoming {
    /// Step, round and length of a frame against the open message.
    pub(super) fn admit(&self, header: &FrameHeader, payload: usize) -> std::result::Result<(), String> {
        if header.step != self.step.step {
            return Err(format!("expected step `{}`, received `{}`", self.step.step, header.step));
        }
        if let Some(round) = self.round
            && round != header.round
        {
            return Err(format!("round changed from `{round}` to `{}` within a message", header.round));
        }
        if header.len as usize != payload {
            return Err(format!("header announces `{}` bytes, `{payload}` came", header.len));
        }
        let total = self.got.checked_add(payload).ok_or("length overflows")?;
        if header.has_more() {
            return if payload != CHUNK {
                Err(format!("a frame of `{payload}` bytes inside a message, expected `{CHUNK}`"))
            } else if total >= self.limit() {
                Err(format!("message continues after `{total}` bytes, expected {}", self.expect))
            } else {
                Ok(())
            };
        }
        if payload == 0 && self.round.is_some() {
            return Err("an empty frame after the end of a message".into());
        }
        let fits = match self.expect {
            Expect::Exactly(len) => total == len,
            Expect::AtMost(len) => total <= len,
        };
        if fits { Ok(()) } else { Err(format!("message of `{total}` bytes, expected {}", self.expect)) }
    }

    const fn limit(&self) -> usize {
        match self.expect {
            Expect::Exactly(len) | Expect::AtMost(len) => len,
        }
    }
}

/// Everything about a frame that does not depend on the open message.
pub(super) fn check_place(header: &FrameHeader, id: u32, seq: u64, last_round: u32) -> std::result::Result<(), String> {
    header.check().map_err(|fault| fault.to_string())?;
    if header.kind != FrameKind::Data {
        return Err(format!("expected a data frame, received `{:?}`", header.kind));
    }
    if header.channel != id {
        return Err(format!("frame of channel `{}` on channel `{id}`", header.channel));
    }
    if header.seq < seq {
        return Err(format!("frame `{}` replayed or out of order, expected `{seq}`", header.seq));
    }
    if header.seq > seq {
        return Err(format!("frames missing: received `{}`, expected `{seq}`", header.seq));
    }
    if header.round < last_round {
        return Err(format!("round went back from `{last_round}` to `{}`", header.round));
    }
    Ok(())
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(len) => write!(f, "exactly `{len}`"),
            Self::AtMost(len) => write!(f, "at most `{len}`"),
        }
    }
}
