//! Frames that the peer has not acknowledged yet, bounded.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::frame::{FrameHeader, HEADER_LEN};

/// The unacknowledged tail of one channel's frames, numbered without gaps.
///
/// INVARIANT: `frames[i]` has number `base + i`.
#[derive(Debug)]
pub(crate) struct Replay {
    frames: VecDeque<(FrameHeader, Bytes)>,
    base: u64,
    bytes: usize,
    limit: usize,
}

impl Replay {
    pub(crate) fn new(limit: usize) -> Self {
        Self { frames: VecDeque::new(), base: 0, bytes: 0, limit }
    }

    /// Whether a payload of `len` bytes fits; an empty buffer takes every frame.
    pub(crate) fn has_room(&self, len: usize) -> bool {
        self.frames.is_empty() || self.bytes + len + HEADER_LEN <= self.limit
    }

    /// Adds the next frame; the caller has asked for room. The payload is shared, not copied.
    pub(crate) fn push(&mut self, header: FrameHeader, payload: Bytes) {
        self.bytes += payload.len() + HEADER_LEN;
        self.frames.push_back((header, payload));
    }

    /// The frame with number `seq`, if it is here.
    pub(crate) fn get(&self, seq: u64) -> Option<(FrameHeader, Bytes)> {
        let index = usize::try_from(seq.checked_sub(self.base)?).ok()?;
        self.frames.get(index).cloned()
    }

    /// Number that the next pushed frame gets.
    pub(crate) fn next(&self) -> u64 {
        self.base + self.frames.len() as u64
    }

    /// Number of the first frame that the peer has not acknowledged.
    pub(crate) fn base(&self) -> u64 {
        self.base
    }

    /// The peer has everything below `seq`: forgets it. False if the peer cannot have that: it claims frames that
    /// were never sent, or wants frames again that it has acknowledged.
    pub(crate) fn acknowledge(&mut self, seq: u64) -> bool {
        if seq > self.next() || seq < self.base {
            return false;
        }
        while self.base < seq {
            if let Some((_, payload)) = self.frames.pop_front() {
                self.bytes -= payload.len() + HEADER_LEN;
            }
            self.base += 1;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::FrameKind;

    fn frame(seq: u64, len: u32) -> (FrameHeader, Bytes) {
        (FrameHeader::control(FrameKind::Data, 0, seq, len), Bytes::from(vec![0; len as usize]))
    }

    #[test]
    fn bounded_and_without_gaps() {
        let mut replay = Replay::new(1000);
        assert!(replay.has_room(5000), "an empty buffer takes every frame");
        for seq in 0..3 {
            assert!(replay.has_room(200));
            let (header, payload) = frame(seq, 200);
            replay.push(header, payload);
        }
        assert!(!replay.has_room(400));
        assert!(!replay.acknowledge(4), "never sent");
        assert!(replay.acknowledge(2));
        assert!(!replay.acknowledge(1), "acknowledged before");
        assert!(replay.acknowledge(2));
        assert!(replay.get(1).is_none());
        assert_eq!(replay.get(2).unwrap().0.seq, 2);
        assert!(replay.get(3).is_none());
        assert_eq!((replay.next(), replay.bytes), (3, 232));
        assert!(replay.acknowledge(3));
        assert_eq!(replay.bytes, 0);
    }
}
