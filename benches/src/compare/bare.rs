//! A bare QUIC stream under the settings of our carrier: what a program could have without us.

use std::net::UdpSocket;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{Connection, Endpoint, RecvStream, SendStream};
use rustls::client::danger::{ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, ServerConfig};
use tokio::runtime::Handle;
use yu_wire::carrier::{SOCKET_BUFFER, quic_endpoint_config, transport_config};
use yu_wire::frame::CHUNK;

use super::pipe::Pipe;
use crate::Result;
use crate::cli::BareRead;
use crate::hosts::resolve;
use crate::node::Node;

/// Application protocol name.
const ALPN: &[u8] = b"yu-bare";
/// Pause between attempts to reach the other process, and how many.
const RETRY: (Duration, u32) = (Duration::from_millis(100), 3000);

/// One process's end of bare connections; party 0 accepts on the port after its own.
pub(super) struct Bare {
    handle: Handle,
    endpoint: Endpoint,
    /// Whom party 1 dials.
    dial: Option<std::net::SocketAddr>,
    read: BareRead,
}

/// A bare stream.
pub(super) struct Stream {
    handle: Handle,
    connection: Connection,
    send: SendStream,
    recv: RecvStream,
    buffer: Vec<u8>,
    read: BareRead,
    is_dialled: bool,
}

impl Bare {
    pub(super) fn start(node: &Node, index: usize, read: BareRead) -> Result<Self> {
        let handle = node.runtime.handle().clone();
        let _context = handle.enter();
        let mut server = resolve(&node.hosts().get(0)?.address)?;
        server.set_port(server.port().checked_add(1).ok_or("the port after party 0's does not exist")?);
        let transport = Arc::new(transport_config());
        let pem = node.hosts().identity(0).map(|identity| identity.to_pem());
        let (local, config) = if index == 0 {
            let mut config = quinn::ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(server_tls(&pem?)?)?));
            config.transport_config(transport.clone()).migration(false);
            (server, Some(config))
        } else if server.is_ipv6() {
            (std::net::SocketAddr::from(([0u16; 8], 0)), None)
        } else {
            (std::net::SocketAddr::from(([0, 0, 0, 0], 0)), None)
        };
        let mut endpoint = Endpoint::new(quic_endpoint_config(), config, socket(local)?, Arc::new(quinn::TokioRuntime))?;
        if index != 0 {
            let crypto = QuicClientConfig::try_from(client_tls(node)?)?;
            let mut config = quinn::ClientConfig::new(Arc::new(crypto));
            config.transport_config(transport);
            endpoint.set_default_client_config(config);
        }
        Ok(Self { handle, endpoint, dial: (index != 0).then_some(server), read })
    }

    /// The next connection between the two processes, with one stream.
    pub(super) fn join(&self) -> Result<Stream> {
        let (connection, send, recv) = self.handle.block_on(async {
            match self.dial {
                Some(address) => {
                    let connection = self.dial(address).await?;
                    let (mut send, recv) = connection.open_bi().await?;
                    send.write_all(&[0]).await?; // the other side sees the stream with its first byte
                    crate::Result::Ok((connection, send, recv))
                }
                None => {
                    let connection = self.endpoint.accept().await.ok_or("the bare endpoint is closed")?.await?;
                    let (send, mut recv) = connection.accept_bi().await?;
                    recv.read_exact(&mut [0]).await?;
                    Ok((connection, send, recv))
                }
            }
        })?;
        let (handle, buffer) = (self.handle.clone(), vec![0; CHUNK]);
        Ok(Stream { handle, connection, send, recv, buffer, read: self.read, is_dialled: self.dial.is_some() })
    }

    async fn dial(&self, address: std::net::SocketAddr) -> Result<Connection> {
        let mut attempts = RETRY.1;
        loop {
            match self.endpoint.connect(address, "bare.invalid")?.await {
                Ok(connection) => return Ok(connection),
                Err(_) if attempts > 0 => attempts -= 1, // it may not be there yet
                Err(e) => return Err(e.into()),
            }
            tokio::time::sleep(RETRY.0).await;
        }
    }

    pub(super) fn stop(self) {
        self.endpoint.close(0u32.into(), b"");
    }
}

impl Pipe for Stream {
    fn send(&mut self, payload: Bytes) -> Result<()> {
        Ok(self.handle.block_on(self.send.write_chunk(payload))?)
    }

    fn recv(&mut self, len: usize) -> Result<()> {
        match self.read {
            BareRead::Exact => {
                let buffer = self.buffer.get_mut(..len).ok_or("message is longer than a frame")?;
                self.handle.block_on(self.recv.read_exact(buffer))?;
            }
            BareRead::Chunks => self.handle.block_on(async {
                let mut left = len;
                while left > 0 {
                    let chunk = self.recv.read_chunk(left, true).await?.ok_or("the stream ended early")?;
                    left -= chunk.bytes.len();
                }
                crate::Result::Ok(())
            })?,
        }
        Ok(())
    }
}

impl Stream {
    /// The accepting side waits for the dialling side to go.
    pub(super) fn close(self) -> Result<()> {
        self.handle.block_on(async {
            if self.is_dialled {
                self.connection.close(0u32.into(), b"");
            }
            self.connection.closed().await;
        });
        Ok(())
    }
}

/// Buffers as our carrier has them.
fn socket(address: std::net::SocketAddr) -> Result<UdpSocket> {
    let socket = socket2::Socket::new(socket2::Domain::for_address(address), socket2::Type::DGRAM, Some(socket2::Protocol::UDP))?;
    let _ = socket.set_recv_buffer_size(SOCKET_BUFFER); // the kernel grants what it allows
    let _ = socket.set_send_buffer_size(SOCKET_BUFFER);
    socket.bind(&address.into())?;
    Ok(socket.into())
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn server_tls(pem: &str) -> Result<ServerConfig> {
    let chain = CertificateDer::pem_slice_iter(pem.as_bytes()).collect::<std::result::Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_slice(pem.as_bytes())?;
    let versions = ServerConfig::builder_with_provider(provider()).with_protocol_versions(&[&rustls::version::TLS13])?;
    let mut config = versions.with_no_client_auth().with_single_cert(chain, key)?;
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(config)
}

fn client_tls(node: &Node) -> Result<ClientConfig> {
    let versions = ClientConfig::builder_with_provider(provider()).with_protocol_versions(&[&rustls::version::TLS13])?;
    let name = node.hosts().get(0)?.name.clone();
    let roots = node.hosts().trust()?.roots();
    let root = roots.into_iter().find(|(env, org, _)| *env == name.env() && org == name.org()).ok_or("no root for party 0")?.2;
    let verifier = Arc::new(Pinned { root: root.into(), provider: provider() });
    let mut config = versions.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
    config.alpn_protocols = vec![ALPN.to_vec()];
    Ok(config)
}

/// Takes a server that presents party 0's root and can sign with its leaf's key. Only random bytes travel here.
#[derive(Debug)]
struct Pinned {
    root: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        if rest.contains(&self.root) {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer))
        }
    }

    yu_wire::tls13_signatures!(|self| self.provider.signature_verification_algorithms);
}
