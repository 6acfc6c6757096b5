//! Large vectors of ring elements: converted, sent and received chunk by chunk, so that computing, sending and
//! receiving overlap and no second copy of the whole vector exists. Elements travel little endian, 8 bytes each.

use bytes::Bytes;

use super::{Channel, Expect, MIN_BUFFER};
use crate::frame::{CHUNK, HEADER_LEN};
use crate::step::Steps;
use crate::{Error, Result};

/// Elements per full frame.
const LANE: usize = CHUNK / 8;

/// Frames sent ahead of the frames received in an exchange: 8 MiB, enough to fill 1 Gbit/s at 64 ms one way.
const LEAD: usize = 32;
// both sides can be this far ahead at once without either having to read
const _: () = assert!(LEAD * (CHUNK + HEADER_LEN) < MIN_BUFFER);

impl Channel {
    /// Sends a vector: `8 * values.len()` payload bytes in one message.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub fn send_slice_u64(&mut self, step: impl Steps, values: &[u64]) -> Result<()> {
        self.begin_send(step, byte_len(values)?)?;
        values.chunks(LANE).try_for_each(|chunk| self.push(to_bytes(chunk)))
    }

    /// Receives a vector of exactly `values.len()` elements. After an error the contents are partly overwritten.
    ///
    /// # Errors
    /// As [`Self::recv`].
    pub fn recv_slice_u64(&mut self, step: impl Steps, values: &mut [u64]) -> Result<()> {
        self.begin_recv(step, expect(values)?)?;
        if values.is_empty() {
            self.pull()?;
        }
        values.chunks_mut(LANE).try_for_each(|chunk| self.pull_u64(chunk))
    }

    /// Sends `out` and receives `into` in the same round, interleaved. The lengths may differ.
    ///
    /// # Errors
    /// As [`Self::send`] and [`Self::recv`].
    pub fn exchange_slice_u64(&mut self, step: impl Steps, out: &[u64], into: &mut [u64]) -> Result<()> {
        Both::One(self).run(step, out, into)
    }

    /// Adds elements to the message begun last; see [`Self::push`].
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn push_u64(&mut self, values: &[u64]) -> Result<()> {
        self.push(to_bytes(values))
    }

    /// The next frame of the message awaited, as elements: as many as a full frame has, or what the last one has.
    ///
    /// # Errors
    /// As [`Self::pull`].
    pub fn pull_u64(&mut self, chunk: &mut [u64]) -> Result<()> {
        let piece = self.pull()?.unwrap_or_default();
        // the checks of the channel make the lengths equal: full frames, then the exact rest
        for (value, bytes) in chunk.iter_mut().zip(piece.chunks_exact(8)) {
            *value = bytes.try_into().map_or(0, u64::from_le_bytes);
        }
        Ok(())
    }
}

/// Sends `out` to one peer and receives `into` from another in the same round, interleaved: what each of three
/// parties in a ring does at once.
///
/// # Errors
/// As [`Channel::send`] and [`Channel::recv`].
pub fn exchange_ring_u64(step: impl Steps, to: &mut Channel, out: &[u64], from: &mut Channel, into: &mut [u64]) -> Result<()> {
    Both::Two { to, from }.run(step, out, into)
}

/// The channels of an exchange.
enum Both<'a> {
    One(&'a mut Channel),
    Two { to: &'a mut Channel, from: &'a mut Channel },
}

impl Both<'_> {
    const fn to(&mut self) -> &mut Channel {
        match self {
            Self::One(channel) => channel,
            Self::Two { to, .. } => to,
        }
    }

    const fn from(&mut self) -> &mut Channel {
        match self {
            Self::One(channel) => channel,
            Self::Two { from, .. } => from,
        }
    }

    fn run(mut self, step: impl Steps, out: &[u64], into: &mut [u64]) -> Result<()> {
        self.to().begin_send(step, byte_len(out)?)?;
        self.from().begin_recv(step, expect(into)?)?;
        if into.is_empty() {
            // the one frame of an empty message is read last: it may come late, and we have to send meanwhile
            out.chunks(LANE).try_for_each(|chunk| self.to().push(to_bytes(chunk)))?;
            return self.from().pull().map(drop);
        }
        let mut outgoing = out.chunks(LANE);
        for chunk in outgoing.by_ref().take(LEAD) {
            self.to().push(to_bytes(chunk))?;
        }
        for slot in into.chunks_mut(LANE) {
            self.from().pull_u64(slot)?;
            if let Some(chunk) = outgoing.next() {
                self.to().push(to_bytes(chunk))?;
            }
        }
        outgoing.try_for_each(|chunk| self.to().push(to_bytes(chunk)))
    }
}

fn byte_len(values: &[u64]) -> Result<u64> {
    Ok(payload_bytes(values)? as u64)
}

fn expect(values: &[u64]) -> Result<Expect> {
    payload_bytes(values).map(Expect::Exactly)
}

fn payload_bytes(values: &[u64]) -> Result<usize> {
    values.len().checked_mul(8).ok_or_else(|| Error::Caller(format!("vector of `{}` elements is too long", values.len())))
}

fn to_bytes(values: &[u64]) -> Bytes {
    let mut bytes = vec![0; values.len() * 8];
    for (slot, value) in bytes.chunks_exact_mut(8).zip(values) {
        slot.copy_from_slice(&value.to_le_bytes());
    }
    bytes.into()
}
