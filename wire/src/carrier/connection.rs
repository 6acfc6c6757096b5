//! An authenticated connection, whatever carries it.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;
use zeroize::Zeroizing;

use super::config::CarrierKind;
use super::stream::{RecvHalf, SendHalf};
use super::{io_error, tcp};
use crate::inner::{Keys, POINT};
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
    /// The inner layer, once its handshake is over.
    inner: OnceLock<Keys>,
}

pub(crate) enum Link {
    Quic(quinn::Connection),
    Tcp(tcp::Line),
}

impl Connection {
    pub(crate) fn new(peer: Peer, leaf: Vec<u8>, remote: SocketAddr, secret: Zeroizing<[u8; 32]>, link: Link) -> Self {
        Self(Arc::new(Shared { peer, leaf, remote, secret, link, first: Mutex::new(None), inner: OnceLock::new() }))
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
                Ok(self.protected(quic_number(&send), (SendHalf::quic(send), RecvHalf::quic(recv))))
            }
            Link::Tcp(line) => {
                let (number, halves) = line.open().await.map_err(|e| self.error("opening a stream", e))?;
                Ok(self.protected(number, halves))
            }
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
                Ok(self.protected(quic_number(&send), (SendHalf::quic(send), RecvHalf::quic(recv))))
            }
            Link::Tcp(line) => {
                let (number, halves) = line.accept().await.map_err(|e| self.error("accepting a stream", e))?;
                Ok(self.protected(number, halves))
            }
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

    /// The SM2 key that the peer proved in the inner layer, `04 || x || y`; `None` where there is no such layer. Of a node that
    /// is not known yet it is the key as presented: it must be the one that the node's card states.
    pub fn inner_key(&self) -> Option<[u8; POINT]> {
        self.0.inner.get().map(|keys| *keys.peer())
    }

    /// From now on every stream carries records of the inner layer.
    pub(crate) fn set_inner(&self, keys: Keys) -> Result<()> {
        self.0.inner.set(keys).map_err(|_| Error::Crypto("the inner layer was made twice".into()))
    }

    fn protected(&self, number: u64, (send, recv): (SendHalf, RecvHalf)) -> (SendHalf, RecvHalf) {
        match self.0.inner.get() {
            Some(keys) => {
                let (sealer, opener) = keys.stream(number);
                (send.protected(sealer), recv.protected(opener))
            }
            None => (send, recv),
        }
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

/// QUIC numbers its streams itself; the number says as well who opened it.
fn quic_number(stream: &quinn::SendStream) -> u64 {
    quinn::VarInt::from(stream.id()).into_inner()
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Connection({} by {} at {})", self.0.peer.name(), self.kind(), self.0.remote)
    }
}
