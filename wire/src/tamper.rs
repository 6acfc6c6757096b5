//! Test support: a party that cheats on the level of frames.
//!
//! [`tamper`] hands every outgoing frame to a closure that returns what leaves instead: the frame changed, nothing,
//! the frame twice, frames it held back, frames that no honest channel would build. The party's own protocol code
//! stays honest. Works on every carrier that moves the header and the payload it is given.
//!
//! ```
//! use yu_wire::channel::Expect;
//! use yu_wire::step::Step;
//! use yu_wire::Error;
//!
//! let (a, mut b) = yu_wire::memory::pair("a", "b");
//! let mut a = yu_wire::tamper::tamper(a, |mut frame| {
//!     frame.header.step = Step(9);
//!     vec![frame]
//! });
//! a.send(Step(1), "salve".into())?;
//! let refused = b.recv(Step(1), Expect::Exactly(5));
//! assert!(matches!(refused, Err(Error::Peer { culprit, .. }) if culprit == "a"));
//! # Ok::<(), Error>(())
//! ```

use std::fmt;

use bytes::Bytes;

use crate::Result;
use crate::channel::{Carry, Channel};
use crate::frame::FrameHeader;

/// A frame on its way out.
#[derive(Clone)]
pub struct Frame {
    /// Header; nothing checks it on the way.
    pub header: FrameHeader,
    /// Payload; its length need not be the header's.
    pub payload: Bytes,
}

impl Frame {
    /// The same header with another payload and its length.
    #[must_use]
    pub fn with_payload(mut self, payload: impl Into<Bytes>) -> Self {
        self.payload = payload.into();
        self.header.len = u32::try_from(self.payload.len()).unwrap_or(u32::MAX);
        self
    }
}

/// Shows the header and the size of the payload.
impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame").field("header", &self.header).field("bytes", &self.payload.len()).finish()
    }
}

/// Lets `cheat` replace every frame that the channel sends from now on.
#[must_use]
pub fn tamper(channel: Channel, cheat: impl FnMut(Frame) -> Vec<Frame> + Send + 'static) -> Channel {
    channel.wrap(|inner| Box::new(Tamper { inner, cheat }))
}

struct Tamper<F> {
    inner: Box<dyn Carry>,
    cheat: F,
}

impl<F: FnMut(Frame) -> Vec<Frame> + Send> Carry for Tamper<F> {
    fn send_frame(&mut self, header: &FrameHeader, payload: Bytes) -> Result<()> {
        for frame in (self.cheat)(Frame { header: *header, payload }) {
            self.inner.send_frame(&frame.header, frame.payload)?;
        }
        Ok(())
    }

    fn recv_frame(&mut self) -> Result<(FrameHeader, Bytes)> {
        self.inner.recv_frame()
    }

    fn flush(&mut self) -> Result<()> {
        self.inner.flush()
    }
}
