//! Recording what a party received and playing it back, so that one party can be measured alone.
//!
//! Record a run with every party present, then run the party again against the tapes: sends are
//! metered and swallowed, receives answer at once from the tape. The party must draw the same randomness in both
//! runs, or its peers' recorded messages do not fit what it sends.
//!
//! ```
//! use yu_wire::channel::Expect;
//! use yu_wire::step::Step;
//!
//! let (a, mut b) = yu_wire::memory::pair("a", "b");
//! let (mut a, tape) = yu_wire::record::record(a);
//! b.send(Step(1), "salve".into())?;
//! a.recv(Step(1), Expect::Exactly(5))?;
//!
//! let mut alone = tape.take().play("b", 0, yu_wire::meter::Meter::new());
//! assert_eq!(alone.recv(Step(1), Expect::Exactly(5))?, "salve");
//! # Ok::<(), yu_wire::Error>(())
//! ```

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::{Buf, Bytes, BytesMut};

use crate::channel::{Carry, Channel};
use crate::frame::{FrameHeader, HEADER_LEN};
use crate::meter::Meter;
use crate::{Error, Result};

/// Records the frames that a channel receives from now on.
#[must_use]
pub fn record(channel: Channel) -> (Channel, Recording) {
    let recording = Recording::default();
    let frames = Arc::clone(&recording.frames);
    (channel.wrap(|inner| Box::new(Recorder { inner, frames })), recording)
}

/// Handle to a tape that is being recorded.
#[derive(Clone, Default)]
pub struct Recording {
    frames: Arc<Mutex<Vec<(FrameHeader, Bytes)>>>,
}

impl Recording {
    /// What was received so far; the recording continues on an empty tape.
    #[must_use]
    pub fn take(&self) -> Tape {
        let frames = std::mem::take(&mut *self.frames.lock().unwrap_or_else(PoisonError::into_inner));
        Tape { frames: frames.into() }
    }
}

/// Frames that a party received on one channel, in order. Holds whatever the peer sent: treat it like the messages.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Tape {
    frames: VecDeque<(FrameHeader, Bytes)>,
}

impl Tape {
    /// Number of frames.
    #[must_use]
    pub fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether nothing was received.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.frames.is_empty()
    }

    /// The frames as they travel: header, payload, header, payload.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut bytes = BytesMut::new();
        for (header, payload) in &self.frames {
            bytes.extend_from_slice(&header.encode());
            bytes.extend_from_slice(payload);
        }
        bytes.freeze()
    }

    /// Reads what [`Self::to_bytes`] wrote. Payloads share the memory of `bytes`.
    ///
    /// # Errors
    /// [`Error::Decode`] for anything that is not a sequence of whole frames.
    pub fn from_bytes(mut bytes: Bytes) -> Result<Self> {
        let mut frames = VecDeque::new();
        while !bytes.is_empty() {
            let short = || Error::Decode("tape ends within a frame".into());
            let head: &[u8; HEADER_LEN] = bytes.first_chunk().ok_or_else(short)?;
            let header = FrameHeader::decode(head).map_err(|fault| Error::Decode(fault.to_string()))?;
            bytes.advance(HEADER_LEN);
            let len = header.len as usize;
            if bytes.len() < len {
                return Err(short());
            }
            frames.push_back((header, bytes.split_to(len)));
        }
        Ok(Self { frames })
    }

    /// A channel whose peer is the tape. `peer` and `id` must be those of the recorded channel.
    #[must_use]
    pub fn play(self, peer: &str, id: u32, meter: Arc<Meter>) -> Channel {
        Channel::from_carry(Box::new(Player { frames: self.frames }), peer.to_owned(), id, meter)
    }
}

/// Counts only.
impl fmt::Debug for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tape").field("frames", &self.frames.len()).finish_non_exhaustive()
    }
}

/// Counts only.
impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Recording")
    }
}

struct Recorder {
    inner: Box<dyn Carry>,
    frames: Arc<Mutex<Vec<(FrameHeader, Bytes)>>>,
}

impl Carry for Recorder {
    fn send_frame(&mut self, header: &FrameHeader, payload: Bytes) -> Result<()> {
        self.inner.send_frame(header, payload)
    }

    fn recv_frame(&mut self) -> Result<(FrameHeader, Bytes)> {
        let (header, payload) = self.inner.recv_frame()?;
        self.frames.lock().unwrap_or_else(PoisonError::into_inner).push((header, payload.clone()));
        Ok((header, payload))
    }

    fn flush(&mut self) -> Result<()> {
        self.inner.flush()
    }
}

struct Player {
    frames: VecDeque<(FrameHeader, Bytes)>,
}

impl Carry for Player {
    fn send_frame(&mut self, _: &FrameHeader, _: Bytes) -> Result<()> {
        Ok(())
    }

    fn recv_frame(&mut self) -> Result<(FrameHeader, Bytes)> {
        self.frames.pop_front().ok_or_else(|| Error::Caller("the tape has ended".into()))
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::Expect;
    use crate::frame::CHUNK;
    use crate::step::Step;

    /// Receives a vector, answers with its sum, receives a text.
    fn party(channel: &mut Channel) -> (u64, Bytes) {
        let mut values = vec![0; CHUNK / 8 + 1];
        channel.recv_slice_u64(Step(1), &mut values).unwrap();
        let sum = values.iter().sum();
        channel.send_slice_u64(Step(2), &[sum]).unwrap();
        (sum, channel.recv(Step(3), Expect::AtMost(10)).unwrap())
    }

    #[test]
    fn a_party_alone_sees_and_meters_the_same() {
        let (a, mut b) = crate::memory::pair("a", "b");
        let (mut a, recording) = record(a);
        let values: Vec<u64> = (0..(CHUNK / 8 + 1) as u64).collect();
        b.send_slice_u64(Step(1), &values).unwrap();
        b.send(Step(3), "vale".into()).unwrap();
        let together = party(&mut a);

        let tape = recording.take();
        assert_eq!(tape.len(), 3);
        assert!(recording.take().is_empty());
        let again = Tape::from_bytes(tape.to_bytes()).unwrap();
        assert_eq!(again, tape);
        let mut alone = again.play("b", 0, Meter::new());
        assert_eq!(party(&mut alone), together);
        assert_eq!(alone.meter().totals(), a.meter().totals());
        assert!(matches!(alone.recv(Step(4), Expect::AtMost(1)), Err(Error::Caller(_))));
    }

    #[test]
    fn damaged_tapes_are_refused() {
        let (a, mut b) = crate::memory::pair("a", "b");
        let (mut a, recording) = record(a);
        b.send(Step(1), "salve".into()).unwrap();
        a.recv(Step(1), Expect::Exactly(5)).unwrap();
        let bytes = recording.take().to_bytes();
        for len in 1..bytes.len() {
            assert!(matches!(Tape::from_bytes(bytes.slice(..len)), Err(Error::Decode(_))), "{len} bytes");
        }
        let mut flipped = bytes.to_vec();
        flipped[0] ^= 1;
        assert!(matches!(Tape::from_bytes(flipped.into()), Err(Error::Decode(_))));
    }
}
