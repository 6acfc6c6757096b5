//! TCP + TLS 1.3 as a carrier with several streams.
//!
//! A connection is one primary TLS connection, and one more for each stream, so that streams do not block each
//! other and each uses its own core. The dialling side opens all of them (the accepting side may be unable to
//! dial): inside TLS it sends what the connection is for and a random token that it drew for this connection.
//! A stream is joined to the primary only if token and peer certificate are the same. On the primary travel
//! single bytes: keep-alive, and the accepting side's requests that a stream be opened.
//!
//! | inside TLS | bytes |
//! |---|---|
//! | accepting side, first | [`ADMITTED`] |
//! | dialling side, first | kind (1), token (16), number (4, little endian; each kind has its own, none comes twice) |
//! | primary, both directions | 0: keep-alive; accepting side also 1, number (4): open a stream with this number |

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use rustls::AlertDescription;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};
use zeroize::Zeroizing;

use super::config::{IDLE, KEEP_ALIVE, ProxyConfig};
use super::connection::{Connection, Link};
use super::stream::{RecvHalf, SendHalf};
use super::tls::{Handshake, SERVER_NAME, Tls, is_version_mismatch};
use super::{ADMITTED, EXPORTER, io_error, proxy};
use crate::identity::NodeName;
use crate::trust::Peer;
use crate::{Error, Result};

pub(crate) type TlsTcp = TlsStream<TcpStream>;
type Halves = (SendHalf, RecvHalf);
/// With the number of the stream, which no other stream of the connection has.
type Numbered = (u64, Halves);
type Token = [u8; 16];

/// What a TLS connection is for.
const PRIMARY: u8 = 1;
const STREAM: u8 = 2;
const REQUESTED: u8 = 3;
const PREAMBLE: usize = 21;
/// Codes on the primary.
const ALIVE: u8 = 0;
const OPEN: u8 = 1;
/// Streams of one connection that wait to be accepted; more are dropped.
const BACKLOG: usize = 64;
/// How long a stream waits for its connection, which it may have overtaken.
const OVERTAKEN: Duration = Duration::from_secs(2);

/// The state that a connection and its streams share; the connection ends when it is closed or all are dropped.
pub(crate) struct Guard(watch::Sender<bool>);

impl Guard {
    fn new() -> Arc<Self> {
        Arc::new(Self(watch::Sender::new(false)))
    }

    pub(crate) fn close(&self) {
        self.0.send_replace(true);
    }

    pub(crate) async fn closed(&self) {
        // the sender is `self`: waiting cannot fail
        let _ = self.0.subscribe().wait_for(|closed| *closed).await;
    }

    /// Runs an operation of a stream until the connection is closed. What `work` has done before stays done.
    pub(crate) async fn unless_closed<T>(&self, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
        tokio::select! {
            biased;
            done = work => done,
            () = self.closed() => Err(io::ErrorKind::ConnectionAborted.into()),
        }
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.close();
    }
}

/// One connection: its accepted streams and its way to open new ones.
pub(crate) struct Line {
    guard: Arc<Guard>,
    accepted: tokio::sync::Mutex<mpsc::Receiver<Numbered>>,
    opener: Opener,
}

enum Opener {
    Dial(Arc<Dialer>),
    Ask(Arc<Asked>),
}

/// The dialling side's means to open further TLS connections to the same peer.
struct Dialer {
    tls: Arc<Tls>,
    proxy: Option<ProxyConfig>,
    addr: String,
    expect: NodeName,
    token: Token,
    guard: Weak<Guard>,
    /// Numbers of the streams that this side opens by itself.
    next: AtomicU32,
}

/// The accepting side of one connection, found by token.
pub(crate) struct Asked {
    leaf: Vec<u8>,
    guard: Weak<Guard>,
    accepted: mpsc::Sender<Numbered>,
    requests: mpsc::Sender<u32>,
    waiting: Mutex<HashMap<u32, oneshot::Sender<Numbered>>>,
    next: AtomicU32,
    /// Numbers of the streams that the dialling side opened by itself.
    seen: Mutex<HashSet<u32>>,
}

/// All accepted connections of an endpoint.
#[derive(Default)]
pub(crate) struct Registry {
    known: Mutex<HashMap<Token, Arc<Asked>>>,
    /// A connection was added.
    added: Notify,
}

impl Line {
    pub(crate) async fn open(&self) -> io::Result<Numbered> {
        let guard = self.guard.clone();
        match &self.opener {
            Opener::Dial(dialer) => {
                let number = dialer.next.fetch_add(1, Ordering::Relaxed);
                guard.unless_closed(async { dialer.open(STREAM, number).await.map_err(io::Error::other) }).await
            }
            Opener::Ask(asked) => guard.unless_closed(asked.ask()).await,
        }
    }

    pub(crate) async fn accept(&self) -> io::Result<Numbered> {
        let next = async { self.accepted.lock().await.recv().await.ok_or_else(|| io::ErrorKind::ConnectionAborted.into()) };
        self.guard.unless_closed(next).await
    }

    pub(crate) fn close(&self) {
        self.guard.close();
    }

    pub(crate) async fn closed(&self) {
        self.guard.closed().await;
    }

    pub(crate) fn is_closed(&self) -> bool {
        *self.guard.0.borrow()
    }
}

impl Dialer {
    async fn open(&self, kind: u8, number: u32) -> Result<Numbered> {
        let guard = self.guard.upgrade().ok_or(Error::Closed)?;
        let (stream, _) = dial(&self.tls, self.proxy.as_ref(), &self.addr, &self.expect).await?;
        let (read, mut write) = tokio::io::split(stream);
        send_preamble(&mut write, kind, &self.token, number).await.map_err(|e| io_error("TCP stream", e))?;
        Ok((numbered(kind, number), (SendHalf::tcp(write, guard.clone()), RecvHalf::tcp(read, guard))))
    }
}

impl Asked {
    /// Asks the dialling side for a stream and waits for it.
    async fn ask(&self) -> io::Result<Numbered> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let (sender, receiver) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(number, sender);
        let gone = || io::Error::from(io::ErrorKind::ConnectionAborted);
        let answer = async {
            self.requests.send(number).await.map_err(|_| gone())?;
            receiver.await.map_err(|_| gone())
        };
        let answer = answer.await;
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
        answer
    }

    fn deliver(&self, kind: u8, number: u32, stream: TlsTcp) {
        let Some(guard) = self.guard.upgrade() else { return };
        let (read, write) = tokio::io::split(stream);
        let halves = (numbered(kind, number), (SendHalf::tcp(write, guard.clone()), RecvHalf::tcp(read, guard)));
        if kind == STREAM {
            // a number that was used before would use its keys again
            if self.seen.lock().unwrap_or_else(PoisonError::into_inner).insert(number) {
                let _ = self.accepted.try_send(halves); // a full backlog drops the stream
            }
        } else if let Some(waiting) = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&number) {
            let _ = waiting.send(halves);
        }
    }
}

/// Dials the primary connection.
pub(crate) async fn connect(tls: &Arc<Tls>, proxy: Option<ProxyConfig>, addr: &str, expect: &NodeName) -> Result<Connection> {
    let (stream, peer) = dial(tls, proxy.as_ref(), addr, expect).await?;
    let mut token = Token::default();
    aws_lc_rs::rand::fill(&mut token).map_err(|_| Error::Crypto("no randomness".into()))?;
    let (leaf, remote, secret) = facts(&stream)?;
    let (mut read, mut write) = tokio::io::split(stream);
    send_preamble(&mut write, PRIMARY, &token, 0).await.map_err(|e| io_error(&format!("TCP to {addr}"), e))?;
    let guard = Guard::new();
    let dialer = Arc::new(Dialer {
        tls: tls.clone(),
        proxy,
        addr: addr.to_owned(),
        expect: expect.clone(),
        token,
        guard: Arc::downgrade(&guard),
        next: AtomicU32::new(0),
    });
    let (sender, accepted) = mpsc::channel(BACKLOG);
    tokio::spawn(keep_alive(write, Arc::downgrade(&guard), None));
    let answering = dialer.clone();
    tokio::spawn(on_primary(Arc::downgrade(&guard), async move {
        let mut asked_for = HashSet::new();
        loop {
            if next_code(&mut read).await? == OPEN {
                let number = read.read_u32_le().await?;
                if !asked_for.insert(number) {
                    return Err(io::ErrorKind::InvalidData.into());
                }
                let (dialer, sender) = (answering.clone(), sender.clone());
                tokio::spawn(async move {
                    match dialer.open(REQUESTED, number).await {
                        Ok(halves) => drop(sender.try_send(halves)),
                        Err(e) => tracing::debug!(error = %e, "stream asked for by the peer could not be opened"),
                    }
                });
            }
        }
    }));
    let line = Line { guard, accepted: tokio::sync::Mutex::new(accepted), opener: Opener::Dial(dialer) };
    Ok(Connection::new(peer, leaf, remote, secret, Link::Tcp(line)))
}

/// One TLS connection to `addr`, admitted by both sides.
async fn dial(tls: &Tls, proxy: Option<&ProxyConfig>, addr: &str, expect: &NodeName) -> Result<(TlsTcp, Peer)> {
    let handshake = tls.client(expect)?;
    let failed = |e: io::Error| {
        let (alert, is_ours) = alert_of(&e);
        handshake.failure(alert, is_ours).unwrap_or_else(|| io_error(&format!("TCP to {addr}"), e))
    };
    let mut stream = match handshake_with(&handshake, proxy, addr).await? {
        Ok(stream) => stream,
        Err(e) if is_version_mismatch(alert_of(&e).0) => {
            return Err(handshake.version_error(probe(tls, proxy, addr, expect).await));
        }
        Err(e) => return Err(failed(e)),
    };
    let peer = handshake.peer(stream.get_ref().1.alpn_protocol())?;
    match stream.read_u8().await {
        Ok(ADMITTED) => Ok((stream, peer)),
        Ok(_) => Err(Error::peer(&expect.to_string(), "greeting", "not the expected byte")),
        Err(e) => Err(failed(e)),
    }
}

async fn handshake_with(
    handshake: &Handshake<rustls::ClientConfig>,
    proxy: Option<&ProxyConfig>,
    addr: &str,
) -> Result<io::Result<TlsTcp>> {
    let tcp = match proxy {
        Some(proxy) => proxy::connect(proxy, addr).await?,
        None => TcpStream::connect(addr).await.map_err(|e| io_error(&format!("TCP to {addr}"), e))?,
    };
    tcp.set_nodelay(true).map_err(|e| io_error("TCP socket", e))?;
    let name = ServerName::try_from(SERVER_NAME).map_err(|e| Error::Crypto(e.to_string()))?;
    Ok(TlsConnector::from(handshake.config.clone()).connect(name, tcp).await.map(TlsStream::from))
}

/// Asks which version the peer speaks, for an error that names both.
async fn probe(tls: &Tls, proxy: Option<&ProxyConfig>, addr: &str, expect: &NodeName) -> Option<String> {
    let handshake = tls.client_probe(expect).ok()?;
    let stream = handshake_with(&handshake, proxy, addr).await.ok()?.ok()?;
    stream.get_ref().1.alpn_protocol().map(super::tls::text)
}

/// Accepts one TLS connection: `Some` if it is a primary, `None` if it was a stream and has been delivered.
pub(crate) async fn accept(tls: &Tls, registry: &Arc<Registry>, tcp: TcpStream, remote: SocketAddr) -> Result<Option<Connection>> {
    let failed = |e| io_error(&format!("TCP from {remote}"), e);
    tcp.set_nodelay(true).map_err(failed)?;
    let handshake = tls.server()?;
    let mut stream = match TlsAcceptor::from(handshake.config.clone()).accept(tcp).into_fallible().await {
        Ok(stream) => TlsStream::from(stream),
        Err((e, tcp)) => {
            tokio::spawn(linger(tcp));
            let (alert, is_ours) = alert_of(&e);
            return Err(handshake.failure(alert, is_ours).unwrap_or_else(|| failed(e)));
        }
    };
    let peer = handshake.peer(stream.get_ref().1.alpn_protocol())?;
    stream.write_all(&[ADMITTED]).await.map_err(failed)?;
    stream.flush().await.map_err(failed)?;
    let mut preamble = [0; PREAMBLE];
    stream.read_exact(&mut preamble).await.map_err(failed)?;
    let [kind, rest @ ..] = preamble;
    let (token, number) =
        rest.split_first_chunk::<16>().map_or((Token::default(), [0; 4]), |(t, n)| (*t, n.try_into().unwrap_or_default()));
    let (leaf, _, secret) = facts(&stream)?;
    match kind {
        PRIMARY => registry.primary(peer, leaf, remote, secret, token, stream).map(Some),
        STREAM | REQUESTED => registry.stream(&peer, &leaf, token, kind, u32::from_le_bytes(number), stream).await.map(|()| None),
        _ => Err(Error::peer(&peer.name().to_string(), "TCP preamble", format!("kind `{kind}`"))),
    }
}

impl Registry {
    fn primary(
        self: &Arc<Self>,
        peer: Peer,
        leaf: Vec<u8>,
        remote: SocketAddr,
        secret: Zeroizing<[u8; 32]>,
        token: Token,
        stream: TlsTcp,
    ) -> Result<Connection> {
        let guard = Guard::new();
        let (sender, accepted) = mpsc::channel(BACKLOG);
        let (requests, to_write) = mpsc::channel(BACKLOG);
        let asked = Arc::new(Asked {
            leaf: leaf.clone(),
            guard: Arc::downgrade(&guard),
            accepted: sender,
            requests,
            waiting: Mutex::default(),
            next: AtomicU32::new(0),
            seen: Mutex::default(),
        });
        {
            let mut map = self.known();
            if map.contains_key(&token) {
                return Err(Error::peer(&peer.name().to_string(), "TCP preamble", "a token that is in use"));
            }
            map.insert(token, asked.clone());
        }
        self.added.notify_waiters();
        let (mut read, write) = tokio::io::split(stream);
        tokio::spawn(keep_alive(write, Arc::downgrade(&guard), Some(to_write)));
        let registry = self.clone();
        let weak = Arc::downgrade(&guard);
        tokio::spawn(async move {
            let reading = async {
                loop {
                    next_code(&mut read).await?;
                }
            };
            on_primary(weak, reading).await;
            registry.known().remove(&token);
        });
        let line = Line { guard, accepted: tokio::sync::Mutex::new(accepted), opener: Opener::Ask(asked) };
        Ok(Connection::new(peer, leaf, remote, secret, Link::Tcp(line)))
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Token, Arc<Asked>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The connection of a token. Its streams follow it at once, each on a connection of its own: the kernel and the runtime
    /// may let one of them come first.
    async fn find(&self, token: Token) -> Option<Arc<Asked>> {
        let found = async {
            loop {
                let mut added = std::pin::pin!(self.added.notified());
                added.as_mut().enable();
                if let Some(asked) = self.known().get(&token) {
                    return asked.clone();
                }
                added.await;
            }
        };
        tokio::time::timeout(OVERTAKEN, found).await.ok()
    }

    async fn stream(&self, peer: &Peer, leaf: &[u8], token: Token, kind: u8, number: u32, stream: TlsTcp) -> Result<()> {
        match self.find(token).await {
            Some(asked) if asked.leaf == leaf => {
                asked.deliver(kind, number, stream);
                Ok(())
            }
            Some(_) => Err(Error::peer(&peer.name().to_string(), "TCP stream", "token of another node's connection")),
            None => Err(io_error("TCP stream", io::Error::other("its connection is gone"))),
        }
    }
}

/// Streams of both kinds are counted apart.
const fn numbered(kind: u8, number: u32) -> u64 {
    ((kind as u64) << 32) | number as u64
}

/// The next byte on a primary; keep-alives come often enough that a long silence means a dead path.
async fn next_code(read: &mut ReadHalf<TlsTcp>) -> io::Result<u8> {
    tokio::time::timeout(IDLE, read.read_u8()).await.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
}

/// Reads the primary until it ends; then the connection ends.
async fn on_primary(guard: Weak<Guard>, reading: impl Future<Output = io::Result<()>>) {
    let ended = guard.upgrade().map(|guard| guard.0.subscribe());
    let Some(mut ended) = ended else { return };
    tokio::select! {
        _ = reading => {}
        _ = ended.wait_for(|closed| *closed) => {}
    }
    if let Some(guard) = guard.upgrade() {
        guard.close();
    }
}

/// Writes keep-alives and requests to the primary until the connection ends.
async fn keep_alive(mut write: WriteHalf<TlsTcp>, guard: Weak<Guard>, mut requests: Option<mpsc::Receiver<u32>>) {
    let Some(mut ended) = guard.upgrade().map(|guard| guard.0.subscribe()) else { return };
    loop {
        let request = async {
            match &mut requests {
                Some(requests) => requests.recv().await,
                None => std::future::pending().await,
            }
        };
        let mut message = Vec::with_capacity(5);
        tokio::select! {
            _ = ended.wait_for(|closed| *closed) => break,
            number = request => match number {
                Some(number) => {
                    message.push(OPEN);
                    message.extend_from_slice(&number.to_le_bytes());
                }
                None => break,
            },
            () = tokio::time::sleep(KEEP_ALIVE) => message.push(ALIVE),
        }
        let sent = async {
            write.write_all(&message).await?;
            write.flush().await
        };
        if sent.await.is_err() {
            break;
        }
    }
    if let Some(guard) = guard.upgrade() {
        guard.close();
    }
    let _ = tokio::time::timeout(Duration::from_secs(1), write.shutdown()).await;
}

async fn send_preamble(write: &mut WriteHalf<TlsTcp>, kind: u8, token: &Token, number: u32) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(PREAMBLE);
    bytes.push(kind);
    bytes.extend_from_slice(token);
    bytes.extend_from_slice(&number.to_le_bytes());
    write.write_all(&bytes).await?;
    write.flush().await
}

type Facts = (Vec<u8>, SocketAddr, Zeroizing<[u8; 32]>);

/// Peer certificate, address and keying material of a finished handshake.
fn facts(stream: &TlsTcp) -> Result<Facts> {
    let (tcp, tls) = stream.get_ref();
    let remote = tcp.peer_addr().map_err(|e| io_error("TCP socket", e))?;
    let leaf = tls.peer_certificates().and_then(<[_]>::first).map(|c| c.to_vec()).unwrap_or_default();
    let secret = Zeroizing::new([0; 32]);
    let exported = match stream {
        TlsStream::Client(s) => s.get_ref().1.export_keying_material(secret, EXPORTER, Some(b"")),
        TlsStream::Server(s) => s.get_ref().1.export_keying_material(secret, EXPORTER, Some(b"")),
    };
    Ok((leaf, remote, exported.map_err(|_| Error::Crypto("TLS exports no keying material".into()))?))
}

/// After a refusal: reads on for a moment, because closing with unread bytes would destroy the alert on its way.
async fn linger(mut tcp: TcpStream) {
    let drain = async {
        let _ = tcp.shutdown().await;
        let mut sink = [0; 1024];
        while matches!(tcp.read(&mut sink).await, Ok(n) if n > 0) {}
    };
    let _ = tokio::time::timeout(Duration::from_secs(1), drain).await;
}

/// The TLS alert in an I/O error, and whether we raised it.
fn alert_of(e: &io::Error) -> (Option<AlertDescription>, bool) {
    match e.get_ref().and_then(|e| e.downcast_ref::<rustls::Error>()) {
        Some(rustls::Error::AlertReceived(alert)) => (Some(*alert), false),
        Some(rustls::Error::NoApplicationProtocol) => (Some(AlertDescription::NoApplicationProtocol), true),
        Some(rustls::Error::InvalidCertificate(e)) => (Some(e.clone().into()), true),
        Some(_) => (Some(AlertDescription::HandshakeFailure), true),
        None => (None, false),
    }
}
