//! Carriers: QUIC and TCP + TLS 1.3 behind one [`Connection`].
//!
//! An [`Endpoint`] owns one port number, UDP for QUIC and TCP for networks that drop UDP. Both carriers authenticate
//! both sides by certificate ([`crate::trust`]) and give ordered, bidirectional byte streams. What is spoken on
//! the streams is told by the first bytes of the first one: [`crate::rpc`] or [`crate::session`].
//!
//! | file | subject |
//! |---|---|
//! | `config` | settings and the measured transport tuning |
//! | `tls` | certificates, versions, refusals in words |
//! | `quic`, `tcp` | the two carriers |
//! | `proxy` | TCP out through an HTTP proxy |
//! | `connection`, `stream` | what a carrier gives: a connection, halves of a stream |

mod config;
mod connection;
mod proxy;
mod quic;
mod stream;
mod tcp;
mod tls;

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};

pub use config::{CarrierKind, EndpointConfig, PROTOCOL_VERSION, ProxyConfig, SOCKET_BUFFER, quic_endpoint_config, transport_config};
pub use connection::Connection;
pub use stream::{RecvHalf, SendHalf};

use crate::identity::NodeName;
use crate::inner::{self, Inner as InnerLayer, Side};
use crate::trust::TrustStore;
use crate::{Error, Result};

/// Label of the keying material that all others are derived from.
const EXPORTER: &[u8] = b"EXPORTER-yu-connection-v1";
/// The accepting side's first byte: it has judged the dialling side's certificate and lets it in.
const ADMITTED: u8 = 0x59;
/// Handshakes of incoming connections that run at once; more wait.
const MAX_HANDSHAKES: usize = 256;
/// Limit for one incoming handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Finished connections that wait for [`Endpoint::accept`].
const BACKLOG: usize = 256;
/// Attempts to find a number that is free for UDP and TCP, when any will do.
const PORT_ATTEMPTS: usize = 32;

/// One node's place on the network.
#[derive(Clone)]
pub struct Endpoint(Arc<Inner>);

struct Inner {
    config: EndpointConfig,
    tls: Arc<tls::Tls>,
    quic: quic::Quic,
    buffers: (usize, usize),
    listen: Option<SocketAddr>,
    accepted: tokio::sync::Mutex<mpsc::Receiver<Result<Connection>>>,
    closed: tokio::sync::watch::Sender<bool>,
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({} on {:?})", self.0.tls.name(), self.0.listen)
    }
}

impl Endpoint {
    /// Takes the port and starts to accept. May be called outside of the runtime.
    ///
    /// # Errors
    /// [`Error::PortInUse`]; an address that cannot be bound; an unusable key.
    pub fn bind(config: EndpointConfig) -> Result<Self> {
        let _context = config.handle.enter();
        let spoken = tls::Spoken { version: config.version, inner: config.inner.is_some() };
        let tls = Arc::new(tls::Tls::new(&config.identity, config.trust.clone(), spoken)?);
        let (udp, tcp) = match config.listen {
            Some(addr) => bind_both(addr).map(|(udp, tcp)| (udp, Some(tcp)))?,
            None => (bind_any()?, None),
        };
        let buffers = quic::buffers(&udp);
        let accepts = if tcp.is_some() { quic::Accepts::Yes } else { quic::Accepts::No };
        let quic = quic::Quic::new(udp, &tls, accepts)?;
        let listen = match &tcp {
            Some(_) => Some(quic.local_addr().map_err(|e| io_error("UDP socket", e))?),
            None => None,
        };
        let (sender, accepted) = mpsc::channel(BACKLOG);
        let inner = Inner {
            config,
            tls,
            quic,
            buffers,
            listen,
            accepted: tokio::sync::Mutex::new(accepted),
            closed: tokio::sync::watch::Sender::new(false),
        };
        let endpoint = Self(Arc::new(inner));
        if let Some(tcp) = tcp {
            tcp.set_nonblocking(true).map_err(|e| io_error("TCP socket", e))?;
            let tcp = TcpListener::from_std(tcp).map_err(|e| io_error("TCP socket", e))?;
            tokio::spawn(endpoint.clone().accept_quic(sender.clone()));
            tokio::spawn(endpoint.clone().accept_tcp(tcp, sender));
        }
        Ok(endpoint)
    }

    /// Our own name.
    pub fn name(&self) -> &NodeName {
        self.0.tls.name()
    }

    /// The trust store in use.
    pub fn trust(&self) -> &TrustStore {
        &self.0.config.trust
    }

    /// The runtime in use.
    pub fn handle(&self) -> &tokio::runtime::Handle {
        &self.0.config.handle
    }

    /// Where we listen, with the port that was chosen; `None` if we only dial out.
    pub fn listen_address(&self) -> Option<SocketAddr> {
        self.0.listen
    }

    /// UDP receive and send buffer that the kernel granted, bytes; compare with [`SOCKET_BUFFER`].
    pub fn socket_buffers(&self) -> (usize, usize) {
        self.0.buffers
    }

    /// Connects to the node `expect` at `addr` (`host:port`) and to no other node.
    ///
    /// # Errors
    /// [`Error::Identity`] with the reason, ours or the peer's, if one side refuses the other; [`Error::Transport`] if
    /// the address does not answer in time.
    pub async fn connect(&self, addr: &str, expect: &NodeName, kind: CarrierKind) -> Result<Connection> {
        let limit = self.0.config.connect_timeout;
        let attempt = async {
            match kind {
                CarrierKind::Quic => self.connect_quic(addr, expect).await,
                CarrierKind::Tcp => self.connect_tcp(addr, expect).await,
                CarrierKind::Auto => self.connect_auto(addr, expect).await,
            }
        };
        let attempt = async { self.protect(attempt.await?, Side::Dial).await };
        match tokio::time::timeout(limit, attempt).await {
            Ok(result) => result,
            Err(_) => Err(io_error(&format!("connecting to `{expect}` at {addr} by {kind}"), io::ErrorKind::TimedOut.into())),
        }
    }

    /// Adds the inner layer, where this endpoint has one, before anything else is sent.
    async fn protect(&self, connection: Connection, side: Side) -> Result<Connection> {
        protect(self.0.config.inner.as_ref(), self.name(), connection, side).await
    }

    /// [`connect`](Self::connect) for a plain thread; not to be called inside the runtime.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    pub fn connect_blocking(&self, addr: &str, expect: &NodeName, kind: CarrierKind) -> Result<Connection> {
        self.handle().block_on(self.connect(addr, expect, kind))
    }

    /// The next incoming connection, or why one was refused: [`Error::Identity`] for refused peers and
    /// [`Error::Transport`] for broken attempts; go on after both. [`Error::Closed`] is the end.
    ///
    /// # Errors
    /// See above.
    pub async fn accept(&self) -> Result<Connection> {
        let mut closed = self.0.closed.subscribe();
        let mut accepted = self.0.accepted.lock().await;
        tokio::select! {
            biased;
            _ = closed.wait_for(|closed| *closed) => Err(Error::Closed),
            next = accepted.recv() => next.unwrap_or(Err(Error::Closed)),
        }
    }

    /// Gives the port back and ends all QUIC connections; TCP connections end with their last clone.
    pub fn close(&self) {
        self.0.closed.send_replace(true);
        self.0.quic.close();
    }

    /// Waits until peers have been told that we closed, so that they need not find out by silence.
    pub async fn wait_idle(&self) {
        self.0.quic.wait_idle().await;
    }

    async fn connect_auto(&self, addr: &str, expect: &NodeName) -> Result<Connection> {
        if self.0.config.proxy.is_some() {
            return self.connect_tcp(addr, expect).await;
        }
        let mut quic = pin!(self.connect_quic(addr, expect));
        match tokio::time::timeout(self.0.config.quic_timeout, &mut quic).await {
            Ok(Ok(connection)) => return Ok(connection),
            // a refusal is an answer: another carrier would not change it
            Ok(Err(refused @ Error::Identity { .. })) => return Err(refused),
            Ok(Err(_)) => return self.connect_tcp(addr, expect).await,
            Err(_) => {}
        }
        // UDP is silent: from here on whichever answers first
        let mut tcp = pin!(self.connect_tcp(addr, expect));
        tokio::select! {
            late = &mut quic => match late {
                Ok(connection) => Ok(connection),
                Err(_) => tcp.await,
            },
            connected = &mut tcp => match connected {
                Err(Error::Transport { .. }) => quic.await,
                other => other,
            },
        }
    }

    async fn connect_quic(&self, addr: &str, expect: &NodeName) -> Result<Connection> {
        let mut last = None;
        for addr in tokio::net::lookup_host(addr).await.map_err(|e| io_error(&format!("address `{addr}`"), e))? {
            match self.0.quic.connect(&self.0.tls, addr, expect).await {
                Ok(connection) => return Ok(connection),
                Err(refused @ Error::Identity { .. }) => return Err(refused),
                Err(e) => last = Some(e),
            }
        }
        Err(last.unwrap_or_else(|| Error::Caller(format!("`{addr}` has no address"))))
    }

    async fn connect_tcp(&self, addr: &str, expect: &NodeName) -> Result<Connection> {
        tcp::connect(&self.0.tls, self.0.config.proxy.clone(), addr, expect).await
    }

    async fn accept_quic(self, sender: mpsc::Sender<Result<Connection>>) {
        let permits = Arc::new(Semaphore::new(MAX_HANDSHAKES));
        while let Some(incoming) = self.0.quic.incoming().await {
            let Ok(permit) = permits.clone().acquire_owned().await else { return };
            let (endpoint, sender) = (self.clone(), sender.clone());
            tokio::spawn(async move {
                let _permit = permit;
                let remote = incoming.remote_address();
                let work = async {
                    let connection = endpoint.0.quic.accept(&endpoint.0.tls, incoming).await?;
                    endpoint.protect(connection, Side::Accept).await
                };
                let late = || io_error(&format!("QUIC from {remote}"), io::ErrorKind::TimedOut.into());
                deliver(&sender, tokio::time::timeout(HANDSHAKE, work).await.unwrap_or_else(|_| Err(late())).map(Some));
            });
        }
    }

    async fn accept_tcp(self, listener: TcpListener, sender: mpsc::Sender<Result<Connection>>) {
        let permits = Arc::new(Semaphore::new(MAX_HANDSHAKES));
        let registry = Arc::new(tcp::Registry::default());
        let mut closed = self.0.closed.subscribe();
        loop {
            let accepted = tokio::select! {
                _ = closed.wait_for(|closed| *closed) => return,
                accepted = listener.accept() => accepted,
            };
            let (stream, remote) = match accepted {
                Ok(accepted) => accepted,
                Err(e) => {
                    // out of descriptors: wait for some to come back instead of spinning
                    tracing::warn!(error = %e, "TCP accept failed");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            let Ok(permit) = permits.clone().acquire_owned().await else { return };
            // not the endpoint itself: whoever says nothing would keep its port bound
            let (tls, inner, name) = (self.0.tls.clone(), self.0.config.inner.clone(), self.name().clone());
            let (registry, sender) = (registry.clone(), sender.clone());
            tokio::spawn(async move {
                let _permit = permit;
                let work = async {
                    match tcp::accept(&tls, &registry, stream, remote).await? {
                        Some(connection) => protect(inner.as_ref(), &name, connection, Side::Accept).await.map(Some),
                        None => Ok(None),
                    }
                };
                let late = || io_error(&format!("TCP from {remote}"), io::ErrorKind::TimedOut.into());
                deliver(&sender, tokio::time::timeout(HANDSHAKE, work).await.unwrap_or_else(|_| Err(late())));
            });
        }
    }
}

/// Adds the inner layer to a connection, where there is one.
async fn protect(inner: Option<&InnerLayer>, name: &NodeName, connection: Connection, side: Side) -> Result<Connection> {
    let Some(InnerLayer(identity)) = inner else { return Ok(connection) };
    let made = match side {
        Side::Dial => inner::dial(&connection, name, identity.as_ref()).await,
        Side::Accept => inner::accept(&connection, name, identity.as_ref()).await,
    };
    match made {
        Ok(keys) => {
            connection.set_inner(keys)?;
            Ok(connection)
        }
        Err(error) => {
            connection.close();
            Err(error)
        }
    }
}

/// Hands a finished handshake to whoever accepts; a full backlog drops it, the peer tries again.
fn deliver(sender: &mpsc::Sender<Result<Connection>>, result: Result<Option<Connection>>) {
    if let Some(result) = result.transpose()
        && sender.try_send(result).is_err()
    {
        tracing::warn!("incoming connection dropped: nobody accepts");
    }
}

/// Takes one number for UDP and TCP.
pub(crate) fn bind_both(addr: SocketAddr) -> Result<(std::net::UdpSocket, std::net::TcpListener)> {
    let mut attempts = if addr.port() == 0 { PORT_ATTEMPTS } else { 1 };
    loop {
        attempts -= 1;
        let udp = quic::bind(addr).map_err(|e| bind_error(addr, e))?;
        let chosen = udp.local_addr().map_err(|e| bind_error(addr, e))?;
        match std::net::TcpListener::bind(chosen) {
            Ok(tcp) => return Ok((udp, tcp)),
            Err(e) if e.kind() == io::ErrorKind::AddrInUse && attempts > 0 => {}
            Err(e) => return Err(bind_error(chosen, e)),
        }
    }
}

/// A socket for dialling out, IPv6 and IPv4 where the machine has both.
fn bind_any() -> Result<std::net::UdpSocket> {
    let any4 = SocketAddr::from(([0, 0, 0, 0], 0));
    let any6 = SocketAddr::from(([0u16; 8], 0));
    quic::bind(any6).or_else(|_| quic::bind(any4)).map_err(|e| bind_error(any4, e))
}

fn bind_error(addr: SocketAddr, e: io::Error) -> Error {
    if e.kind() == io::ErrorKind::AddrInUse {
        Error::PortInUse { address: addr.ip().to_string(), port: addr.port() }
    } else {
        io_error(&format!("listening on {addr}"), e)
    }
}

fn io_error(what: &str, source: io::Error) -> Error {
    Error::Transport { what: what.to_owned(), source }
}
