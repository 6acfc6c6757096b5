//! QUIC: one endpoint, one UDP socket, connections with their own handshake verdict.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

use quinn::crypto::rustls::{HandshakeData, QuicClientConfig, QuicServerConfig};
use quinn::{ConnectionError, Endpoint, TransportErrorCode};
use rustls::{AlertDescription, ClientConfig};

use super::config::{SOCKET_BUFFER, quic_endpoint_config, transport_config};
use super::connection::{Connection, Link};
use super::tls::{Handshake, SERVER_NAME, Tls, is_version_mismatch};
use super::{ADMITTED, EXPORTER, io_error};
use crate::identity::NodeName;
use crate::{Error, Result};

/// Bytes of a connection id: no clash among the connections of one node.
const CID_LEN: usize = 8;

/// The QUIC half of an endpoint.
pub(crate) struct Quic {
    endpoint: Endpoint,
    transport: Arc<quinn::TransportConfig>,
}

impl Quic {
    /// Must be called inside the runtime.
    pub(crate) fn new(socket: UdpSocket, tls: &Tls, accepts: Accepts) -> Result<Self> {
        let transport = Arc::new(transport_config());
        let server = match accepts {
            Accepts::Yes => Some(server_config(tls.server()?.config, &transport)?),
            Accepts::No => None,
        };
        let mut config = quic_endpoint_config();
        // A restarted process can then tell peers of its former life that their connections are gone (RFC 9000, 10.3).
        config.reset_key(Arc::new(aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, tls.reset_key())));
        config.cid_generator(|| Box::new(RandomIds));
        let endpoint = Endpoint::new(config, server, socket, Arc::new(quinn::TokioRuntime)).map_err(|e| io_error("QUIC endpoint", e))?;
        Ok(Self { endpoint, transport })
    }

    pub(crate) async fn connect(&self, tls: &Tls, addr: SocketAddr, expect: &NodeName) -> Result<Connection> {
        let handshake = tls.client(expect)?;
        match self.dial(&handshake, addr).await {
            Ok(connection) => admitted(connection, &handshake).await,
            Err(e) => {
                let (alert, is_ours) = alert_of(&e);
                if is_version_mismatch(alert)
                    && let Some(theirs) = self.probe(tls, addr, expect).await
                {
                    return Err(handshake.version_error(Some(theirs)));
                }
                Err(handshake.failure(alert, is_ours).unwrap_or_else(|| io_error(&format!("QUIC to {addr}"), e.into())))
            }
        }
    }

    async fn dial(&self, handshake: &Handshake<ClientConfig>, addr: SocketAddr) -> std::result::Result<quinn::Connection, ConnectionError> {
        let unusable = |_| ConnectionError::LocallyClosed;
        let crypto = QuicClientConfig::try_from(handshake.config.clone()).map_err(|_| ConnectionError::VersionMismatch)?;
        let mut config = quinn::ClientConfig::new(Arc::new(crypto));
        config.transport_config(self.transport.clone());
        self.endpoint.connect_with(config, addr, SERVER_NAME).map_err(unusable)?.await
    }

    /// Asks which version the peer speaks, for an error that names both.
    async fn probe(&self, tls: &Tls, addr: SocketAddr, expect: &NodeName) -> Option<String> {
        let connection = self.dial(&tls.client_probe(expect).ok()?, addr).await.ok()?;
        let protocol = protocol(&connection);
        connection.close(0u32.into(), b"");
        protocol.map(|name| super::tls::text(&name))
    }

    /// The next attempt of a peer; `None` when the endpoint is closed.
    pub(crate) async fn incoming(&self) -> Option<quinn::Incoming> {
        self.endpoint.accept().await
    }

    /// Completes the handshake of an attempt.
    pub(crate) async fn accept(&self, tls: &Tls, incoming: quinn::Incoming) -> Result<Connection> {
        let remote = incoming.remote_address();
        let handshake = tls.server()?;
        let config = server_config(handshake.config.clone(), &self.transport)?;
        let finished_handshake = match incoming.accept_with(Arc::new(config)) {
            Ok(connecting) => connecting.await,
            Err(e) => Err(e), // the first packet is enough to see that versions differ
        };
        match finished_handshake {
            Ok(connection) => {
                let peer = handshake.peer(protocol(&connection).as_deref())?;
                let mut greeting = connection.open_uni().await.map_err(|e| io_error("QUIC greeting", e.into()))?;
                greeting.write_all(&[ADMITTED]).await.map_err(|e| io_error("QUIC greeting", e.into()))?;
                greeting.finish().map_err(|e| io_error("QUIC greeting", e.into()))?;
                finished(connection, peer)
            }
            Err(e) => {
                let (alert, is_ours) = alert_of(&e);
                Err(handshake.failure(alert, is_ours).unwrap_or_else(|| io_error(&format!("QUIC from {remote}"), e.into())))
            }
        }
    }

    pub(crate) fn local_addr(&self) -> std::io::Result<SocketAddr> {
        self.endpoint.local_addr()
    }

    pub(crate) fn close(&self) {
        self.endpoint.close(0u32.into(), b"endpoint closed");
    }

    pub(crate) async fn wait_idle(&self) {
        self.endpoint.wait_idle().await;
    }
}

/// Whether an endpoint takes connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Accepts {
    Yes,
    No,
}

/// Connection ids without a mark of the process: every unknown one may be one of a former life.
struct RandomIds;

impl quinn::ConnectionIdGenerator for RandomIds {
    fn generate_cid(&mut self) -> quinn::ConnectionId {
        let mut id = [0; CID_LEN];
        if aws_lc_rs::rand::fill(&mut id).is_err() {
            tracing::error!("no randomness for connection ids"); // ids need to be unique, not secret: the handshake fails on a clash
        }
        quinn::ConnectionId::new(&id)
    }

    fn cid_len(&self) -> usize {
        CID_LEN
    }

    fn cid_lifetime(&self) -> Option<std::time::Duration> {
        None
    }
}

/// A UDP socket with large buffers.
pub(crate) fn bind(addr: SocketAddr) -> std::io::Result<UdpSocket> {
    let domain = socket2::Domain::for_address(addr);
    let socket = socket2::Socket::new(domain, socket2::Type::DGRAM, Some(socket2::Protocol::UDP))?;
    if addr.is_ipv6() && addr.ip().is_unspecified() {
        socket.set_only_v6(false)?;
    }
    // the kernel grants what its limits allow; `doctor` compares with what we asked for
    let _ = socket.set_recv_buffer_size(SOCKET_BUFFER);
    let _ = socket.set_send_buffer_size(SOCKET_BUFFER);
    socket.bind(&addr.into())?;
    Ok(socket.into())
}

/// What the kernel granted: receive and send buffer, bytes.
pub(crate) fn buffers(socket: &UdpSocket) -> (usize, usize) {
    let socket = socket2::SockRef::from(socket);
    (socket.recv_buffer_size().unwrap_or(0), socket.send_buffer_size().unwrap_or(0))
}

/// The dialling side's half of the greeting: TLS 1.3 lets a client finish before the server has judged its certificate.
async fn admitted(connection: quinn::Connection, handshake: &Handshake<ClientConfig>) -> Result<Connection> {
    let remote = connection.remote_address();
    let peer = handshake.peer(protocol(&connection).as_deref())?;
    let greeting = async {
        let mut stream = connection.accept_uni().await?;
        let mut byte = [0];
        match stream.read_exact(&mut byte).await {
            Ok(()) => Ok(byte == [ADMITTED]),
            Err(_) => Err(connection.close_reason().unwrap_or(ConnectionError::Reset)),
        }
    };
    match greeting.await {
        Ok(true) => finished(connection, peer),
        Ok(false) => Err(Error::peer(&peer.name().to_string(), "greeting", "not the expected byte")),
        Err(e) => {
            let (alert, is_ours) = alert_of(&e);
            Err(handshake.failure_after(alert, is_ours).unwrap_or_else(|| io_error(&format!("QUIC to {remote}"), e.into())))
        }
    }
}

fn finished(connection: quinn::Connection, peer: crate::trust::Peer) -> Result<Connection> {
    let mut secret = zeroize::Zeroizing::new([0; 32]);
    connection
        .export_keying_material(secret.as_mut(), EXPORTER, b"")
        .map_err(|_| Error::Crypto("QUIC exports no keying material".into()))?;
    let leaf = connection
        .peer_identity()
        .and_then(|any| any.downcast::<Vec<rustls_pki_types::CertificateDer<'static>>>().ok())
        .and_then(|chain| chain.first().map(|c| c.to_vec()))
        .unwrap_or_default();
    let remote = connection.remote_address();
    Ok(Connection::new(peer, leaf, remote, secret, Link::Quic(connection)))
}

fn protocol(connection: &quinn::Connection) -> Option<Vec<u8>> {
    connection.handshake_data()?.downcast::<HandshakeData>().ok()?.protocol
}

fn server_config(tls: Arc<rustls::ServerConfig>, transport: &Arc<quinn::TransportConfig>) -> Result<quinn::ServerConfig> {
    let crypto = QuicServerConfig::try_from(tls).map_err(|e| Error::Crypto(format!("TLS does not fit QUIC: {e}")))?;
    let mut config = quinn::ServerConfig::with_crypto(Arc::new(crypto));
    config.transport_config(transport.clone());
    // a node behind NAT may change its address as a client; as a server it has one
    config.migration(false);
    Ok(config)
}

/// The TLS alert in a failed connection, and whether we raised it.
fn alert_of(e: &ConnectionError) -> (Option<AlertDescription>, bool) {
    match e {
        ConnectionError::TransportError(e) => (alert_in(e.code), true),
        ConnectionError::ConnectionClosed(close) => (alert_in(close.error_code), false),
        _ => (None, false),
    }
}

fn alert_in(code: TransportErrorCode) -> Option<AlertDescription> {
    // RFC 9000, 20.1: CRYPTO_ERROR is 0x0100 to 0x01ff, the low byte is the alert
    let code = u64::from(code);
    (code >> 8 == 1).then(|| AlertDescription::from((code & 0xff) as u8))
}
