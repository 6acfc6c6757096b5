//! Reading frames off a byte stream without losing any when the reader is interrupted.

use std::io;

use bytes::{Bytes, BytesMut};

use crate::carrier::RecvHalf;
use crate::frame::{FrameFault, FrameHeader, HEADER_LEN};

/// Why no frame came.
#[derive(Debug)]
pub(crate) enum LineError {
    /// The stream is gone.
    Io(io::Error),
    /// The peer sent something that is no frame.
    Fault(FrameFault),
}

impl From<io::Error> for LineError {
    fn from(e: io::Error) -> Self {
        Self::Io(e)
    }
}

/// The partly read frame of a stream.
///
/// A payload's memory is used again for the next one as soon as the caller has let go of it: fresh pages for every frame
/// cost more than the copying.
#[derive(Debug, Default)]
pub(crate) struct FrameReader {
    head: Option<FrameHeader>,
    /// A header that has arrived in part.
    start: BytesMut,
    /// A payload that has arrived in part.
    payload: BytesMut,
}

impl FrameReader {
    /// The next frame. May be cancelled at any time: what arrived is kept.
    ///
    /// A payload is allocated only after its header has been checked: at most one chunk.
    pub(crate) async fn next(&mut self, half: &mut RecvHalf) -> Result<(FrameHeader, Bytes), LineError> {
        let head = match self.head {
            Some(head) => head,
            None => {
                half.fill(&mut self.start, HEADER_LEN).await?;
                let bytes = self.start.first_chunk::<HEADER_LEN>().ok_or(LineError::Io(io::ErrorKind::UnexpectedEof.into()))?;
                let head = FrameHeader::decode(bytes).map_err(LineError::Fault)?;
                self.start.clear();
                self.payload.reserve(head.len as usize);
                self.head = Some(head);
                head
            }
        };
        half.fill(&mut self.payload, head.len as usize).await?;
        self.head = None;
        Ok((head, self.payload.split().freeze()))
    }
}
