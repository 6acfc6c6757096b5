//! An authenticated connection, whatever carries it.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::config::CarrierKind;
use super::stream::{RecvHalf, SendHalf};
use super::{io_error, tcp};
use crate::trust::Peer;
use crate::{Error, Result};

/// An authenticated connection to one node. Clones share it; it ends when it is closed or the last clone and the last
/// stream are dropped.
#[derive(Clone)]
pub struct Connection(Arc<Shared>);

struct Shared {
    peer: Peer,
    leaf: Vec<u8>,
    remote: SocketAddr,
    secret: Zeroizing<[u8; 32]>,
    link: Link,
    /// The first stream, when it has been read only to see what the connection is for.
    first: Mutex<Option<(SendHalf, RecvHalf)>>,
}

pub(crate) enum Link {
    Quic(quinn::Connection),
    Tcp(tcp::Line),
}

impl Connection {
    pub(crate) fn new(peer: Peer, leaf: Vec<u8>, remote: SocketAddr, secret: Zeroizing<[u8; 32]>, link: Link) -> Self {
        Self(Arc::new(Shared { peer, leaf, remote, secret, link, first: Mutex::new(None) }))
    }

    /// Who is at the other end.
    pub fn peer(&self) -> &Peer {
        &self.0.peer
    }

    /// The peer's certificate, DER.
    pub fn peer_certificate(&self) -> &[u8] {
        &self.0.leaf
    }

    /// Which carrier it became; never [`CarrierKind::Auto`].
    pub fn kind(&self) -> CarrierKind {
        match self.0.link {
            Link::Quic(_) => CarrierKind::Quic,
            Link::Tcp(_) => CarrierKind::Tcp,
        }
    }

    /// Where the peer's bytes come from.
    pub fn remote_address(&self) -> SocketAddr {
        match &self.0.link {
            Link::Quic(connection) => connection.remote_address(),
            Link::Tcp(_) => self.0.remote,
        }
    }

    /// Opens a stream. The other side sees it when the first byte arrives.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn open_bi(&self) -> Result<(SendHalf, RecvHalf)> {
        match &self.0.link {
            Link::Quic(connection) => {
                let (send, recv) = connection.open_bi().await.map_err(|e| self.error("opening a stream", e.into()))?;
                Ok((SendHalf::quic(send), RecvHalf::quic(recv)))
            }
            Link::Tcp(line) => line.open().await.map_err(|e| self.error("opening a stream", e)),
        }
    }

    /// Waits for the next stream that the other side opens.
    ///
    /// # Errors
    /// The connection is gone.
    pub async fn accept_bi(&self) -> Result<(SendHalf, RecvHalf)> {
        match &self.0.link {
            Link::Quic(connection) => {
                let (send, recv) = connection.accept_bi().await.map_err(|e| self.error("accepting a stream", e.into()))?;
                Ok((SendHalf::quic(send), RecvHalf::quic(recv)))
            }
            Link::Tcp(line) => line.accept().await.map_err(|e| self.error("accepting a stream", e)),
        }
    }

    /// 32 bytes that only the two ends of this connection can compute, different for each label and context:
    /// HMAC-SHA-256 under TLS exported keying material (RFC 5705) of the connection.
    pub fn export_keying_material(&self, label: &[u8], context: &[u8]) -> [u8; 32] {
        #[expect(clippy::expect_used, reason = "HMAC takes keys of every length")]
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.secret.as_ref()).expect("HMAC takes keys of every length");
        mac.update(&(label.len() as u64).to_le_bytes());
        mac.update(label);
        mac.update(context);
        mac.finalize().into_bytes().into()
    }

    /// Ends the connection and all its streams at once; bytes on their way are lost.
    pub fn close(&self) {
        match &self.0.link {
            Link::Quic(connection) => connection.close(0u32.into(), b"closed"),
            Link::Tcp(line) => line.close(),
        }
    }

    /// Completes when the connection is gone, by either side or the network.
    pub async fn closed(&self) {
        match &self.0.link {
            Link::Quic(connection) => drop(connection.closed().await),
            Link::Tcp(line) => line.closed().await,
        }
    }

    /// True when the connection is gone.
    pub fn is_closed(&self) -> bool {
        match &self.0.link {
            Link::Quic(connection) => connection.close_reason().is_some(),
            Link::Tcp(line) => line.is_closed(),
        }
    }

    /// Round trip time as the carrier sees it; TCP does not tell.
    pub fn rtt(&self) -> Option<Duration> {
        match &self.0.link {
            Link::Quic(connection) => Some(connection.rtt()),
            Link::Tcp(_) => None,
        }
    }

    pub(crate) fn keep_first(&self, stream: (SendHalf, RecvHalf)) {
        *self.0.first.lock().unwrap_or_else(PoisonError::into_inner) = Some(stream);
    }

    pub(crate) fn take_first(&self) -> Option<(SendHalf, RecvHalf)> {
        self.0.first.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn error(&self, what: &str, source: io::Error) -> Error {
        io_error(&format!("{what} to `{}`", self.0.peer.name()), source)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection({} by {} at {})", self.0.peer.name(), self.kind(), self.0.remote)
    }
}
