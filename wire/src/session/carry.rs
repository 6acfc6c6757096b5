//! The blocking face of a lane: what a [`Channel`](crate::channel::Channel) moves its frames with.
//!
//! Calls run the transport's future in the caller's thread, without a hop through a queue or another thread.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::watch;

use super::lane::Lane;
use super::shared::{Owner, Shared};
use crate::Result;
use crate::channel::Carry;
use crate::frame::FrameHeader;

pub(crate) struct LaneCarry {
    owner: Arc<Owner>,
    lane: Arc<Lane>,
    attached: watch::Receiver<u64>,
}

impl LaneCarry {
    pub(crate) fn new(owner: Arc<Owner>, lane: Arc<Lane>) -> Self {
        let attached = lane.attached.subscribe();
        Self { owner, lane, attached }
    }

    fn shared(&self) -> &Shared {
        &self.owner.0
    }
}

impl Carry for LaneCarry {
    fn send_frame(&mut self, header: &FrameHeader, payload: Bytes) -> Result<()> {
        let shared = self.shared();
        shared.handle.block_on(self.lane.send(shared, *header, payload))
    }

    fn recv_frame(&mut self) -> Result<(FrameHeader, Bytes)> {
        let shared = &self.owner.0;
        shared.handle.block_on(self.lane.recv(shared, &mut self.attached))
    }

    /// Frames leave as they are handed over; what the peer has not received, `close` waits for.
    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}
