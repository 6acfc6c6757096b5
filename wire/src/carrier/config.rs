//! What an endpoint needs to know, and the transport tuning that was measured to matter.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use quinn::{IdleTimeout, MtuDiscoveryConfig, TransportConfig, VarInt};
use zeroize::Zeroizing;

use crate::identity::NodeIdentity;
use crate::inner::Inner;
use crate::trust::TrustStore;
use crate::{Error, Result};

/// Version of what is spoken above TLS; the ALPN name is `yu/<version>`.
pub const PROTOCOL_VERSION: u16 = 1;

/// UDP socket buffers, requested; the kernel may grant less (`rmem_max`, `wmem_max`). Default buffers drop bursts:
/// a factor 5 at 20 ms round trip.
pub const SOCKET_BUFFER: usize = 8 << 20;

/// Receive window of one stream: 10 Gbit/s at 25 ms.
const STREAM_WINDOW: u32 = 32 << 20;
/// Receive window of a connection: several streams at full speed, and the bound on what a peer can make us hold.
const CONNECTION_WINDOW: u32 = 128 << 20;
/// Unacknowledged bytes that we hold for sending.
const SEND_WINDOW: u64 = 64 << 20;
/// Streams that a peer may have open at once.
const MAX_STREAMS: u32 = 256;
/// Ten segments of 6500 bytes stay below the 64 KiB that one GSO call takes; 8952 falls back to an MTU of 1200.
const MAX_MTU: u16 = 6500;
/// Below the 30 s after which many NATs forget a UDP flow.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Long local computations must not end a connection; the session's heartbeat notices dead peers earlier.
pub(crate) const IDLE: Duration = Duration::from_secs(120);

/// Which transport carries a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum CarrierKind {
    /// QUIC over UDP.
    Quic,
    /// TCP with TLS 1.3.
    Tcp,
    /// QUIC, and TCP where UDP does not get through. Only a choice; a connection says which one it became.
    #[default]
    Auto,
}

impl fmt::Display for CarrierKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Quic => "quic",
            Self::Tcp => "tcp",
            Self::Auto => "auto",
        })
    }
}

impl FromStr for CarrierKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "quic" => Ok(Self::Quic),
            "tcp" => Ok(Self::Tcp),
            "auto" => Ok(Self::Auto),
            _ => Err(Error::Caller("carrier must be `quic`, `tcp` or `auto`".into())),
        }
    }
}

/// An HTTP proxy that lets TCP out by `CONNECT`.
#[derive(Clone)]
pub struct ProxyConfig {
    /// `host:port` of the proxy.
    pub address: String,
    /// `user:password` for Basic authentication.
    pub credentials: Option<Zeroizing<String>>,
}

impl fmt::Debug for ProxyConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ProxyConfig({})", self.address)
    }
}

/// Settings of an [`Endpoint`](super::Endpoint).
#[derive(Clone, Debug)]
pub struct EndpointConfig {
    /// Our name, certificate and key.
    pub identity: Arc<NodeIdentity>,
    /// Whom we trust.
    pub trust: TrustStore,
    /// Address for UDP and TCP alike; `None` only dials out. Port 0 chooses a free one.
    pub listen: Option<SocketAddr>,
    /// Way out for TCP. With a proxy, [`CarrierKind::Auto`] means TCP: such networks drop UDP.
    pub proxy: Option<ProxyConfig>,
    /// The multi-threaded runtime that runs the transport.
    pub handle: tokio::runtime::Handle,
    /// Limit for establishing one connection, all of it.
    pub connect_timeout: Duration,
    /// How long [`CarrierKind::Auto`] waits for QUIC before it tries TCP.
    pub quic_timeout: Duration,
    /// Protocol version to speak; other values than [`PROTOCOL_VERSION`] are for tests of the mismatch.
    pub version: u16,
    /// The layer inside TLS of a domain of the national suite ([`crate::inner`]); peers without one are refused.
    pub inner: Option<Inner>,
}

impl EndpointConfig {
    /// Dial-only, no proxy, default limits.
    pub fn new(identity: Arc<NodeIdentity>, trust: TrustStore, handle: tokio::runtime::Handle) -> Self {
        Self {
            identity,
            trust,
            listen: None,
            proxy: None,
            handle,
            connect_timeout: Duration::from_secs(8),
            quic_timeout: Duration::from_millis(2500),
            version: PROTOCOL_VERSION,
            inner: None,
        }
    }
}

/// QUIC settings of every connection; public so that a bare stream can be measured under the same ones.
pub fn transport_config() -> TransportConfig {
    let mut mtu = MtuDiscoveryConfig::default();
    mtu.upper_bound(MAX_MTU);
    let mut config = TransportConfig::default();
    config
        .stream_receive_window(VarInt::from_u32(STREAM_WINDOW))
        .receive_window(VarInt::from_u32(CONNECTION_WINDOW))
        .send_window(SEND_WINDOW)
        .send_fairness(false)
        .max_concurrent_bidi_streams(VarInt::from_u32(MAX_STREAMS))
        .max_concurrent_uni_streams(VarInt::from_u32(1))
        .datagram_receive_buffer_size(None)
        .mtu_discovery_config(Some(mtu))
        .enable_segmentation_offload(true)
        .keep_alive_interval(Some(KEEP_ALIVE))
        .max_idle_timeout(IdleTimeout::try_from(IDLE).ok());
    config
}

/// QUIC settings of every socket: accepts what [`transport_config`] may discover.
pub fn quic_endpoint_config() -> quinn::EndpointConfig {
    let mut config = quinn::EndpointConfig::default();
    if config.max_udp_payload_size(MAX_MTU).is_err() {
        tracing::debug!("QUIC keeps its default payload size");
    }
    config
}
