//! The synchronous channel that protocols use: messages in order, to and from one peer.
//!
//! A [`Channel`] numbers its frames, stamps rounds, cuts messages into frames of at most [`CHUNK`] bytes and
//! checks everything that a peer could get wrong: kind, channel, number, step, round, flags and lengths.
//! Lengths are checked against what the caller expects before a message is assembled; a frame above
//! [`CHUNK`] is refused by the carrier before it is read. Whatever the peer breaks is answered by
//! [`Error::Peer`] with the peer as culprit, and the channel is given up: later calls answer [`Error::Closed`].
//!
//! Moving frames is the business of a [`Carry`]: one stream of a session ([`crate::session`]), a queue in
//! memory ([`crate::memory`]), a tape ([`crate::record`]).
//!
//! `send` waits when the peer does not read and all buffers on the way are full. Two parties that both
//! send more than the buffers hold before either reads would wait for ever: use [`Channel::exchange_slice_u64`]
//! or [`exchange_ring_u64`], or interleave `push` and `pull` by hand.
//!
//! ```
//! use yu_wire::channel::Expect;
//! use yu_wire::step::Step;
//!
//! let (mut a, mut b) = yu_wire::memory::pair("a", "b");
//! a.send(Step(1), "salve".into())?;
//! assert_eq!(b.recv(Step(1), Expect::Exactly(5))?, "salve");
//! assert_eq!(a.meter().totals().bytes_sent, 32 + 5);
//! # Ok::<(), yu_wire::Error>(())
//! ```

mod bulk;
mod check;

use std::fmt;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

pub use bulk::exchange_ring_u64;
pub use check::Expect;

use check::{Incoming, check_place};

use crate::frame::{CHUNK, FrameHeader, FrameKind, MORE, payload_len};
use crate::meter::{Meter, Place, Seen, Way};
use crate::step::{Named, Steps};
use crate::{Error, Result};

/// Bytes that a [`Carry`] takes in each direction while the peer does not read.
pub const MIN_BUFFER: usize = 16 << 20;

/// Moves whole frames to and from one peer, blocking.
///
/// INVARIANT: a carrier takes at least [`MIN_BUFFER`] bytes of frames before `send_frame` waits for the peer to
/// read: in its windows, or (where the kernel's buffers are smaller, as TCP's are) by reading what arrives
/// into memory while it waits to write. Exchanges of vectors would otherwise block for ever.
pub trait Carry: Send {
    /// Hands a frame over; waits only for room in a buffer. `payload.len()` equals `header.len`.
    ///
    /// # Errors
    /// The peer or the transport is lost for good; a carrier that can reconnect does so inside.
    fn send_frame(&mut self, header: &FrameHeader, payload: Bytes) -> Result<()>;

    /// The next frame of the channel, in the order in which it was sent.
    ///
    /// # Errors
    /// As [`Self::send_frame`]; [`Error::Peer`] for bytes that are no frame or a length above [`CHUNK`].
    fn recv_frame(&mut self) -> Result<(FrameHeader, Bytes)>;

    /// Called at the end of each message: what was handed over must leave without further calls.
    ///
    /// # Errors
    /// As [`Self::send_frame`].
    fn flush(&mut self) -> Result<()>;
}

/// An ordered, bidirectional sequence of messages with one peer.
pub struct Channel {
    carry: Box<dyn Carry>,
    peer: Arc<str>,
    id: u32,
    meter: Arc<Meter>,
    next_send: u64,
    next_recv: u64,
    /// Round of the last message received: a peer's rounds never decrease.
    last_round: u32,
    outgoing: Option<Outgoing>,
    incoming: Option<Incoming>,
    is_given_up: bool,
}

/// A message that is being sent.
struct Outgoing {
    step: Named,
    round: u32,
    place: Place,
    /// Bytes that have not been pushed yet.
    left: u64,
    /// Pushed bytes that do not fill a frame yet; below `CHUNK`.
    buffer: BytesMut,
}

impl Channel {
    /// A channel on a carrier. `peer` names the other party in errors and in the meter; `meter` is shared by all
    /// channels of this party in the session.
    #[must_use]
    pub fn from_carry(carry: Box<dyn Carry>, peer: String, id: u32, meter: Arc<Meter>) -> Self {
        Self {
            carry,
            peer: peer.into(),
            id,
            meter,
            next_send: 0,
            next_recv: 0,
            last_round: 0,
            outgoing: None,
            incoming: None,
            is_given_up: false,
        }
    }

    /// Replaces the carrier by one built around it (recording, tampering). Numbers and meter stay.
    #[must_use]
    pub fn wrap(mut self, around: impl FnOnce(Box<dyn Carry>) -> Box<dyn Carry>) -> Self {
        self.carry = around(self.carry);
        self
    }

    /// The peer's party name.
    #[must_use]
    pub fn peer(&self) -> &str {
        &self.peer
    }

    /// Number of the channel, the same on both sides.
    #[must_use]
    pub const fn id(&self) -> u32 {
        self.id
    }

    /// The counters of this party in this session.
    #[must_use]
    pub const fn meter(&self) -> &Arc<Meter> {
        &self.meter
    }

    /// Sends one message.
    ///
    /// # Errors
    /// The carrier's, [`Error::Closed`] after an earlier error, [`Error::Caller`] while a message begun by
    /// [`Self::begin_send`] is incomplete.
    pub fn send(&mut self, step: impl Steps, payload: Bytes) -> Result<()> {
        self.begin_send(step, payload.len() as u64)?;
        if payload.is_empty() { Ok(()) } else { self.push(payload) }
    }

    /// Receives one message. A message of one frame is not copied.
    ///
    /// # Errors
    /// [`Error::Peer`] if the peer sends another step or length or breaks the framing; the carrier's;
    /// [`Error::Closed`] after an earlier error.
    pub fn recv(&mut self, step: impl Steps, expect: Expect) -> Result<Bytes> {
        self.begin_recv(step, expect)?;
        let first = self.pull()?.unwrap_or_default();
        if self.incoming.is_none() {
            return Ok(first);
        }
        // what the caller expects exactly may be reserved at once; otherwise memory follows what has arrived
        let mut whole = BytesMut::with_capacity(match expect {
            Expect::Exactly(len) => len,
            Expect::AtMost(_) => 2 * CHUNK,
        });
        whole.extend_from_slice(&first);
        while let Some(piece) = self.pull()? {
            whole.extend_from_slice(&piece);
        }
        Ok(whole.freeze())
    }

    /// Begins a message of `total` bytes that [`Self::push`] completes. Its round is fixed here. An empty
    /// message is complete at once.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub fn begin_send(&mut self, step: impl Steps, total: u64) -> Result<()> {
        self.check_usable()?;
        let step = Named::of(step);
        if let Some(open) = &self.outgoing {
            return Err(Error::Caller(format!("message `{step}` begun before `{}` was complete", open.step)));
        }
        let round = self.meter.next_round();
        self.outgoing = Some(Outgoing { step, round, place: Place::First, left: total, buffer: BytesMut::new() });
        if total == 0 { self.guarded(|channel| channel.send_frame(Bytes::new(), true)) } else { Ok(()) }
    }

    /// Adds bytes to the message begun last; whole frames leave at once, the last one when the message is
    /// complete. A piece of a multiple of [`CHUNK`] bytes is not copied.
    ///
    /// # Errors
    /// The carrier's; [`Error::Caller`] if no message is open or the piece exceeds what was announced.
    pub fn push(&mut self, piece: Bytes) -> Result<()> {
        self.check_usable()?;
        let Some(open) = &mut self.outgoing else {
            return Err(Error::Caller("bytes pushed without an open message".into()));
        };
        open.left = open.left.checked_sub(piece.len() as u64).ok_or_else(|| {
            Error::Caller(format!("message `{}`: `{}` bytes pushed where `{}` were left", open.step, piece.len(), open.left))
        })?;
        self.guarded(|channel| channel.push_frames(piece))
    }

    /// Begins to receive a message that [`Self::pull`] delivers piece by piece.
    ///
    /// # Errors
    /// [`Error::Caller`] while another message is open, [`Error::Closed`] after an earlier error.
    pub fn begin_recv(&mut self, step: impl Steps, expect: Expect) -> Result<()> {
        self.check_usable()?;
        let step = Named::of(step);
        if let Some(open) = &self.incoming {
            return Err(Error::Caller(format!("message `{step}` awaited before `{}` was complete", open.step)));
        }
        self.incoming = Some(Incoming { step, expect, round: None, got: 0 });
        Ok(())
    }

    /// The next piece of the message, [`CHUNK`] bytes except for the last one; `None` when it is complete.
    ///
    /// # Errors
    /// As [`Self::recv`].
    pub fn pull(&mut self) -> Result<Option<Bytes>> {
        self.check_usable()?;
        if self.incoming.is_none() {
            return Ok(None);
        }
        self.guarded(Self::pull_frame).map(Some)
    }

    fn push_frames(&mut self, mut piece: Bytes) -> Result<()> {
        while let Some(open) = &mut self.outgoing {
            let ready = open.buffer.len() + piece.len();
            let is_last = open.left == 0 && ready <= CHUNK;
            if ready < CHUNK && !is_last {
                open.buffer.extend_from_slice(&piece);
                return Ok(());
            }
            let payload = if open.buffer.is_empty() {
                piece.split_to(piece.len().min(CHUNK))
            } else {
                let mut full = std::mem::take(&mut open.buffer);
                full.extend_from_slice(&piece.split_to((CHUNK - full.len()).min(piece.len())));
                full.freeze()
            };
            self.send_frame(payload, is_last)?;
        }
        Ok(())
    }

    fn send_frame(&mut self, payload: Bytes, is_last: bool) -> Result<()> {
        let Some(open) = &mut self.outgoing else {
            return Ok(());
        };
        let header = FrameHeader {
            kind: FrameKind::Data,
            channel: self.id,
            step: open.step.step,
            round: open.round,
            seq: self.next_send,
            len: payload_len(payload.len())?,
            flags: if is_last { 0 } else { MORE },
        };
        let seen = Seen { way: Way::Sent, place: open.place, step: open.step, round: open.round, payload: payload.len() };
        open.place = Place::Later;
        self.next_send = next(self.next_send)?;
        self.carry.send_frame(&header, payload)?;
        self.meter.record(&self.peer, seen);
        if is_last {
            self.outgoing = None;
            self.carry.flush()?;
        }
        Ok(())
    }

    fn pull_frame(&mut self) -> Result<Bytes> {
        let (header, payload) = self.carry.recv_frame()?;
        let Some(open) = &mut self.incoming else {
            return Ok(payload);
        };
        check_place(&header, self.id, self.next_recv, self.last_round)
            .and_then(|()| open.admit(&header, payload.len()))
            .map_err(|what| Error::peer(&self.peer, open.step, what))?;
        let place = if open.round.is_none() { Place::First } else { Place::Later };
        let seen = Seen { way: Way::Received, place, step: open.step, round: header.round, payload: payload.len() };
        open.round = Some(header.round);
        open.got = open.got.saturating_add(payload.len());
        self.last_round = header.round;
        self.next_recv = next(self.next_recv)?;
        self.meter.record(&self.peer, seen);
        if !header.has_more() {
            self.incoming = None;
        }
        Ok(payload)
    }

    const fn check_usable(&self) -> Result<()> {
        if self.is_given_up { Err(Error::Closed) } else { Ok(()) }
    }

    /// Gives the channel up if the operation fails: it would be half advanced.
    fn guarded<T>(&mut self, operation: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        let result = operation(self);
        self.is_given_up |= result.is_err();
        result
    }
}

fn next(seq: u64) -> Result<u64> {
    seq.checked_add(1).ok_or_else(|| Error::Caller("frame numbers of the channel are used up".into()))
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").field("peer", &self.peer).field("id", &self.id).finish_non_exhaustive()
    }
}
