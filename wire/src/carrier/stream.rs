//! The two halves of a byte stream, whatever carries it.

use std::io;
use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};

use super::tcp::{Guard, TlsTcp};
use crate::inner::{Opener, Sealer};
#[cfg(feature = "danger-tap")]
use crate::tap::Tap;

/// Small writes are joined before they reach TLS, so that header and payload share one record.
const JOIN: usize = 16 * 1024;

/// Writes one direction of a stream. Dropping it without [`finish`](Self::finish) resets the direction.
pub struct SendHalf(Send, Option<Box<Sealer>>, #[cfg(feature = "danger-tap")] Tap);

enum Send {
    Quic(quinn::SendStream),
    Tcp(WriteHalf<TlsTcp>, Arc<Guard>),
}

/// Reads the other direction.
pub struct RecvHalf(Recv, Option<Box<Opener>>, #[cfg(feature = "danger-tap")] Tap);

enum Recv {
    Quic(quinn::RecvStream),
    Tcp(ReadHalf<TlsTcp>, Arc<Guard>),
}

impl SendHalf {
    pub(crate) fn quic(stream: quinn::SendStream) -> Self {
        Self(
            Send::Quic(stream),
            None,
            #[cfg(feature = "danger-tap")]
            Tap::sent(),
        )
    }

    pub(crate) fn tcp(half: WriteHalf<TlsTcp>, guard: Arc<Guard>) -> Self {
        Self(
            Send::Tcp(half, guard),
            None,
            #[cfg(feature = "danger-tap")]
            Tap::sent(),
        )
    }

    /// From now on in records of the inner layer.
    pub(crate) fn protected(mut self, sealer: Sealer) -> Self {
        self.1 = Some(Box::new(sealer));
        self
    }

    /// Writes all of `bytes` and lets them leave.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        #[cfg(feature = "danger-tap")]
        self.2.write(bytes);
        match &mut self.1 {
            Some(sealer) => {
                let sealed = sealer.seal(&[bytes]).map_err(io::Error::other)?;
                self.put(&sealed).await
            }
            None => self.put(bytes).await,
        }
    }

    /// Hands bytes to the carrier as they are.
    async fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
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
            self.2.write(header);
            self.2.write(&payload);
        }
        if let Some(sealer) = &mut self.1 {
            let sealed = sealer.seal(&[header, &payload]).map_err(io::Error::other)?;
            return self.put(&sealed).await;
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
        if let Some(sealer) = &mut self.1 {
            let sealed = sealer.finish().map_err(io::Error::other)?;
            // a peer that has all it asked for may have stopped reading before the end is said: without the layer that is no
            // error either
            match self.put(&sealed).await {
                Err(e) if e.kind() == io::ErrorKind::ConnectionReset => {}
                done => done?,
            }
        }
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
            None,
            #[cfg(feature = "danger-tap")]
            Tap::received(),
        )
    }

    pub(crate) fn tcp(half: ReadHalf<TlsTcp>, guard: Arc<Guard>) -> Self {
        Self(
            Recv::Tcp(half, guard),
            None,
            #[cfg(feature = "danger-tap")]
            Tap::received(),
        )
    }

    /// From now on in records of the inner layer.
    pub(crate) fn protected(mut self, opener: Opener) -> Self {
        self.1 = Some(Box::new(opener));
        self
    }

    /// Reads until `buf` holds `target` bytes. May be cancelled at any time: what arrived is in `buf`.
    ///
    /// # Errors
    /// The connection is gone, or `UnexpectedEof` if the peer finished earlier.
    pub async fn fill(&mut self, buf: &mut BytesMut, target: usize) -> io::Result<()> {
        if let Some(opener) = &mut self.1 {
            while buf.len() < target {
                if opener.plain().is_empty() {
                    if opener.has_ended() {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    more(&mut self.0, opener).await?;
                    continue;
                }
                let now = opener.plain().len().min(target - buf.len());
                let part = opener.plain().split_to(now);
                #[cfg(feature = "danger-tap")]
                self.2.write(&part);
                buf.extend_from_slice(&part);
            }
            return Ok(());
        }
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
            self.2.write(buf.get(buf.len() - read..).unwrap_or_default());
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
        if let Some(opener) = &mut self.1 {
            while opener.plain().is_empty() && !opener.has_ended() {
                more(&mut self.0, opener).await?;
            }
            let now = opener.plain().len().min(buf.len());
            let part = opener.plain().split_to(now);
            #[cfg(feature = "danger-tap")]
            self.2.write(&part);
            buf.iter_mut().zip(part).for_each(|(to, from)| *to = from);
            return Ok(now);
        }
        let read = match &mut self.0 {
            Recv::Quic(stream) => AsyncReadExt::read(stream, buf).await,
            Recv::Tcp(half, guard) => guard.unless_closed(half.read(buf)).await,
        };
        #[cfg(feature = "danger-tap")]
        if let Ok(len) = read {
            self.2.write(buf.get(..len).unwrap_or_default());
        }
        read
    }
}

/// More bytes of the carrier for the inner layer. May be cancelled at any time: what arrived stays. The carrier's end without the
/// inner layer's is a cut.
async fn more(recv: &mut Recv, opener: &mut Opener) -> io::Result<()> {
    let raw = opener.raw();
    raw.reserve(JOIN);
    let read = match recv {
        Recv::Quic(stream) => stream.read_buf(raw).await?,
        Recv::Tcp(half, guard) => guard.unless_closed(half.read_buf(raw)).await?,
    };
    if read == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    opener.open().map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))
}
