//! The two halves of a byte stream, whatever carries it.

use std::io;
use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};

use super::tcp::{Guard, TlsTcp};
#[cfg(feature = "danger-tap")]
use crate::tap::Tap;

/// Small writes are joined before they reach TLS, so that header and payload share one record.
const JOIN: usize = 16 * 1024;

/// Writes one direction of a stream. Dropping it without [`finish`](Self::finish) resets the direction.
pub struct SendHalf(Send, #[cfg(feature = "danger-tap")] Tap);

enum Send {
    Quic(quinn::SendStream),
    Tcp(WriteHalf<TlsTcp>, Arc<Guard>),
}

/// Reads the other direction.
pub struct RecvHalf(Recv, #[cfg(feature = "danger-tap")] Tap);

enum Recv {
    Quic(quinn::RecvStream),
    Tcp(ReadHalf<TlsTcp>, Arc<Guard>),
}

impl SendHalf {
    pub(crate) fn quic(stream: quinn::SendStream) -> Self {
        Self(
            Send::Quic(stream),
            #[cfg(feature = "danger-tap")]
            Tap::sent(),
        )
    }

    pub(crate) fn tcp(half: WriteHalf<TlsTcp>, guard: Arc<Guard>) -> Self {
        Self(
            Send::Tcp(half, guard),
            #[cfg(feature = "danger-tap")]
            Tap::sent(),
        )
    }

    /// Writes all of `bytes` and lets them leave.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        #[cfg(feature = "danger-tap")]
        self.1.write(bytes);
        match &mut self.0 {
            Send::Quic(stream) => stream.write_all(bytes).await.map_err(Into::into),
            Send::Tcp(half, guard) => {
                let write = async {
                    half.write_all(bytes).await?;
                    half.flush().await
                };
                guard.unless_closed(write).await
            }
        }
    }

    /// Writes a header and a payload; over QUIC the payload is not copied.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn write_frame(&mut self, header: &[u8], payload: Bytes) -> io::Result<()> {
        #[cfg(feature = "danger-tap")]
        {
            self.1.write(header);
            self.1.write(&payload);
        }
        match &mut self.0 {
            Send::Quic(stream) => {
                let mut chunks = [Bytes::copy_from_slice(header), payload];
                stream.write_all_chunks(&mut chunks).await.map_err(Into::into)
            }
            Send::Tcp(half, guard) => {
                let write = async {
                    if header.len() + payload.len() <= JOIN {
                        let mut both = Vec::with_capacity(header.len() + payload.len());
                        both.put_slice(header);
                        both.put_slice(&payload);
                        half.write_all(&both).await?;
                    } else {
                        half.write_all_buf(&mut Buf::chain(header, payload)).await?;
                    }
                    half.flush().await
                };
                guard.unless_closed(write).await
            }
        }
    }

    /// Says that nothing follows. What was written still arrives.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn finish(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Send::Quic(stream) => stream.finish().map_err(Into::into),
            Send::Tcp(half, guard) => guard.unless_closed(half.shutdown()).await,
        }
    }

    /// Lets this stream go first (QUIC only: over TCP each stream has its own connection).
    pub(crate) fn set_priority(&self, priority: i32) {
        if let Send::Quic(stream) = &self.0 {
            let _ = stream.set_priority(priority); // fails only on a closed stream
        }
    }
}

impl RecvHalf {
    pub(crate) fn quic(stream: quinn::RecvStream) -> Self {
        Self(
            Recv::Quic(stream),
            #[cfg(feature = "danger-tap")]
            Tap::received(),
        )
    }

    pub(crate) fn tcp(half: ReadHalf<TlsTcp>, guard: Arc<Guard>) -> Self {
        Self(
            Recv::Tcp(half, guard),
            #[cfg(feature = "danger-tap")]
            Tap::received(),
        )
    }

    /// Reads until `buf` holds `target` bytes. May be cancelled at any time: what arrived is in `buf`.
    ///
    /// # Errors
    /// The connection is gone, or `UnexpectedEof` if the peer finished earlier.
    pub async fn fill(&mut self, buf: &mut BytesMut, target: usize) -> io::Result<()> {
        while buf.len() < target {
            let missing = target - buf.len();
            let mut room = (&mut *buf).limit(missing);
            let read = match &mut self.0 {
                Recv::Quic(stream) => stream.read_buf(&mut room).await?,
                Recv::Tcp(half, guard) => guard.unless_closed(half.read_buf(&mut room)).await?,
            };
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            #[cfg(feature = "danger-tap")]
            self.1.write(buf.get(buf.len() - read..).unwrap_or_default());
        }
        Ok(())
    }

    /// Reads exactly `N` bytes. Not to be cancelled.
    ///
    /// # Errors
    /// As [`fill`](Self::fill).
    pub async fn read_array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut buf = BytesMut::with_capacity(N);
        self.fill(&mut buf, N).await?;
        let mut array = [0; N];
        array.copy_from_slice(&buf);
        Ok(array)
    }

    /// Reads what is there, at least one byte; 0 is the end.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.0 {
            Recv::Quic(stream) => AsyncReadExt::read(stream, buf).await,
            Recv::Tcp(half, guard) => guard.unless_closed(half.read(buf)).await,
        };
        #[cfg(feature = "danger-tap")]
        if let Ok(len) = read {
            self.1.write(buf.get(..len).unwrap_or_default());
        }
        read
    }
}
