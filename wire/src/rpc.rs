//! Requests and responses between nodes: the control plane.
//!
//! One stream per request on a [`Connection`]. Bodies are opaque here; the orchestrator puts JSON into them.
//!
//! | bytes | field |
//! |---|---|
//! | 8 | [`MAGIC`], dialling side only |
//! | 4 | length of the body, little endian |
//! | n | body |
//!
//! The answer has no magic. A length above the receiver's limit is refused before anything is allocated.
//! Either side of a connection may ask and answer: a node that only dials out can still be asked.

use std::time::Duration;

use bytes::{Bytes, BytesMut};

use crate::carrier::{Connection, RecvHalf, SendHalf};
use crate::trust::Peer;
use crate::{Error, Result};

/// First bytes of every request stream.
pub const MAGIC: [u8; 8] = *b"YURPC1\0\0";
/// Memory grows with what arrives, by this much, whatever length was announced.
const GROW: usize = 64 * 1024;
/// In place of a length: no request, the connection is only announced.
const ANNOUNCE: u32 = u32::MAX;
/// Limit for announcing.
const ANNOUNCE_LIMIT: Duration = Duration::from_secs(10);

/// Sends `body` and waits for the answer, at most `limit` bytes and `timeout` long.
///
/// # Errors
/// [`Error::Transport`] on time-out or loss; [`Error::Peer`] for an answer that is too long.
pub async fn call(conn: &Connection, body: &[u8], limit: usize, timeout: Duration) -> Result<Vec<u8>> {
    let party = conn.peer().name().to_string();
    let asked = async {
        let (mut send, mut recv) = conn.open_bi().await?;
        let lost = |e| lost(&party, e);
        let mut request = Vec::with_capacity(12 + body.len());
        request.extend_from_slice(&MAGIC);
        request.extend_from_slice(&length(body)?);
        request.extend_from_slice(body);
        send.write_all(&request).await.map_err(lost)?;
        send.finish().await.map_err(lost)?;
        let len = read_len(&mut recv, &party).await?;
        let len = len.ok_or_else(|| Error::peer(&party, "answer", "an announcement instead of an answer"))?;
        Ok(read_body(&mut recv, len, limit, &party).await?.into())
    };
    within(timeout, &party, asked).await
}

/// [`call`] for a plain thread; not to be called inside the runtime.
///
/// # Errors
/// As [`call`].
pub fn call_blocking(handle: &tokio::runtime::Handle, conn: &Connection, body: &[u8], limit: usize, timeout: Duration) -> Result<Vec<u8>> {
    handle.block_on(call(conn, body, limit, timeout))
}

/// Announces a connection as one for requests, so that the accepting side knows it before the first request and may
/// ask through it itself. [`call`] does as well; this is for a dialling side that only wants to be asked.
///
/// # Errors
/// The connection is gone.
pub async fn open(conn: &Connection) -> Result<()> {
    let party = conn.peer().name().to_string();
    let announce = async {
        let (mut send, _) = conn.open_bi().await?;
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&ANNOUNCE.to_le_bytes());
        send.write_all(&bytes).await.map_err(|e| lost(&party, e))?;
        send.finish().await.map_err(|e| lost(&party, e))
    };
    within(ANNOUNCE_LIMIT, &party, announce).await
}

/// Waits for the next request of at most `limit` bytes, and reads it within `timeout`. Only one task accepts at a time.
///
/// # Errors
/// [`Error::Closed`] when the connection is gone; anything else is about one request, and the next one may be fine.
pub async fn accept(conn: &Connection, limit: usize, timeout: Duration) -> Result<RpcRequest> {
    loop {
        let stream = accept_stream(conn).await?;
        if let Some(request) = stream.read(limit, timeout).await? {
            return Ok(request);
        }
    }
}

/// The next request as a stream that has not been read, to be read elsewhere while this task waits for more.
///
/// # Errors
/// [`Error::Closed`] when the connection is gone.
pub async fn accept_stream(conn: &Connection) -> Result<RpcStream> {
    let (is_classified, (send, recv)) = match conn.take_first() {
        Some(stream) => (true, stream),
        None => (false, conn.accept_bi().await.map_err(|_| Error::Closed)?),
    };
    Ok(RpcStream { peer: conn.peer().clone(), is_classified, send, recv })
}

/// A request that is still arriving.
pub struct RpcStream {
    peer: Peer,
    /// The magic has been read.
    is_classified: bool,
    send: SendHalf,
    recv: RecvHalf,
}

impl RpcStream {
    /// Reads the request; `None` if the stream was only the announcement of [`open`].
    ///
    /// # Errors
    /// A request that breaks the form, the limit or the time.
    pub async fn read(self, limit: usize, timeout: Duration) -> Result<Option<RpcRequest>> {
        let party = self.peer.name().to_string();
        let read = async {
            match self.head(timeout).await? {
                Some(body) => body.read(limit, timeout).await.map(Some),
                None => Ok(None),
            }
        };
        within(timeout, &party, read).await
    }

    /// Reads how long the request is going to be, and nothing else, so that the receiver may decide when to make room for
    /// it; `None` as in [`read`](Self::read).
    ///
    /// # Errors
    /// A request that breaks the form or the time.
    pub async fn head(mut self, timeout: Duration) -> Result<Option<RpcBody>> {
        let party = self.peer.name().to_string();
        let read = async {
            if !self.is_classified {
                let magic: [u8; 8] = self.recv.read_array().await.map_err(|e| lost(&party, e))?;
                if magic != MAGIC {
                    return Err(Error::peer(&party, "request", "the stream does not begin as a request"));
                }
            }
            read_len(&mut self.recv, &party).await
        };
        let len = within(timeout, &party, read).await?;
        Ok(len.map(|len| RpcBody { peer: self.peer, len, send: self.send, recv: self.recv }))
    }
}

/// A request whose length is known and whose body has not been read.
pub struct RpcBody {
    peer: Peer,
    len: usize,
    send: SendHalf,
    recv: RecvHalf,
}

impl RpcBody {
    /// Announced bytes of the body.
    pub fn announced(&self) -> usize {
        self.len
    }

    /// Reads the body of at most `limit` bytes within `timeout`.
    ///
    /// # Errors
    /// A request that breaks the limit or the time.
    pub async fn read(mut self, limit: usize, timeout: Duration) -> Result<RpcRequest> {
        let party = self.peer.name().to_string();
        let body = within(timeout, &party, read_body(&mut self.recv, self.len, limit, &party)).await?;
        Ok(RpcRequest { peer: self.peer, body, send: self.send })
    }
}

/// One request, to be answered once.
pub struct RpcRequest {
    peer: Peer,
    body: Bytes,
    send: SendHalf,
}

impl RpcRequest {
    /// Who asks.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// What is asked.
    pub fn body(&self) -> &[u8] {
        &self.body
    }

    /// Answers within `timeout`. Dropping the request without an answer tells the peer that the stream is gone.
    ///
    /// # Errors
    /// The peer does not take the answer.
    pub async fn reply(mut self, body: &[u8], timeout: Duration) -> Result<()> {
        let party = self.peer.name().to_string();
        let write = async {
            let mut answer = Vec::with_capacity(4 + body.len());
            answer.extend_from_slice(&length(body)?);
            answer.extend_from_slice(body);
            self.send.write_all(&answer).await.map_err(|e| lost(&party, e))?;
            self.send.finish().await.map_err(|e| lost(&party, e))
        };
        within(timeout, &party, write).await
    }
}

fn length(body: &[u8]) -> Result<[u8; 4]> {
    match u32::try_from(body.len()) {
        Ok(len) if len != ANNOUNCE => Ok(len.to_le_bytes()),
        _ => Err(Error::Caller("a request or answer is below 4 GiB".into())),
    }
}

/// Reads the length; `None` for an announcement.
async fn read_len(recv: &mut RecvHalf, party: &str) -> Result<Option<usize>> {
    let len: [u8; 4] = recv.read_array().await.map_err(|e| lost(party, e))?;
    let len = u32::from_le_bytes(len);
    Ok((len != ANNOUNCE).then_some(len as usize))
}

async fn read_body(recv: &mut RecvHalf, len: usize, limit: usize, party: &str) -> Result<Bytes> {
    if len > limit {
        return Err(Error::peer(party, "request", format!("`{len}` bytes announced, at most `{limit}` are read")));
    }
    let mut body = BytesMut::new();
    while body.len() < len {
        let target = len.min(body.len() + GROW);
        body.reserve(target - body.len());
        recv.fill(&mut body, target).await.map_err(|e| lost(party, e))?;
    }
    Ok(body.freeze())
}

fn lost(party: &str, source: std::io::Error) -> Error {
    Error::Transport { what: format!("request with `{party}`"), source }
}

async fn within<T>(timeout: Duration, party: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(timeout, work).await.unwrap_or_else(|_| Err(lost(party, std::io::ErrorKind::TimedOut.into())))
}
