//! A bounded queue of frames in one direction, with the arrival time that a link gave to each frame.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use bytes::Bytes;

use crate::channel::Carry;
use crate::frame::{FrameHeader, HEADER_LEN};
use crate::shape::Line;
use crate::{Error, Result};

/// One direction between two parties.
pub(crate) struct Queue {
    state: Mutex<State>,
    /// Signalled at each change of the state.
    changed: Condvar,
    /// Bytes in flight before a sender waits.
    limit: usize,
    /// Shared by all channels between the same two parties in this direction; `None` delivers at once.
    line: Option<Arc<Line>>,
}

#[derive(Default)]
struct State {
    frames: VecDeque<Queued>,
    bytes: usize,
    is_closed: bool,
}

struct Queued {
    header: FrameHeader,
    payload: Bytes,
    arrives: Option<Instant>,
}

impl Queue {
    pub(crate) fn new(limit: usize, line: Option<Arc<Line>>) -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), changed: Condvar::new(), limit, line })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// `false` if the reader is gone.
    fn put(&self, header: FrameHeader, payload: Bytes) -> bool {
        let size = HEADER_LEN + payload.len();
        let mut state = self.lock();
        while !state.is_closed && !state.frames.is_empty() && state.bytes + size > self.limit {
            state = self.wait(state);
        }
        if state.is_closed {
            return false;
        }
        let arrives = self.line.as_ref().map(|line| line.arrival(Instant::now(), size as u64));
        state.bytes += size;
        state.frames.push_back(Queued { header, payload, arrives });
        self.changed.notify_all();
        true
    }

    /// `None` if the writer is gone and everything was read.
    fn take(&self) -> Option<Queued> {
        let mut state = self.lock();
        loop {
            if let Some(queued) = state.frames.pop_front() {
                state.bytes -= HEADER_LEN + queued.payload.len();
                self.changed.notify_all();
                return Some(queued);
            }
            if state.is_closed {
                return None;
            }
            state = self.wait(state);
        }
    }

    fn close(&self) {
        self.lock().is_closed = true;
        self.changed.notify_all();
    }
}

/// One side's end: a queue to write and one to read.
pub(crate) struct End {
    peer: String,
    to: Arc<Queue>,
    from: Arc<Queue>,
}

impl End {
    pub(crate) fn new(peer: &str, to: &Arc<Queue>, from: &Arc<Queue>) -> Self {
        Self { peer: peer.to_owned(), to: Arc::clone(to), from: Arc::clone(from) }
    }

    fn lost(&self) -> Error {
        Error::PeerLost { party: self.peer.clone(), after_s: 0 }
    }
}

impl Carry for End {
    fn send_frame(&mut self, header: &FrameHeader, payload: Bytes) -> Result<()> {
        if self.to.put(*header, payload) { Ok(()) } else { Err(self.lost()) }
    }

    fn recv_frame(&mut self) -> Result<(FrameHeader, Bytes)> {
        let queued = self.from.take().ok_or_else(|| self.lost())?;
        if let Some(wait) = queued.arrives.map(|at| at.saturating_duration_since(Instant::now()))
            && !wait.is_zero()
        {
            std::thread::sleep(wait);
        }
        Ok((queued.header, queued.payload))
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.to.close();
        self.from.close();
    }
}
