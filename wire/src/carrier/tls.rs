//! TLS 1.3 for both carriers: mutual certificates, no resumption (a resumed handshake would skip the certificate
//! check), protocol version by ALPN, and refusals put into words on both sides.

use std::sync::{Arc, Mutex, PoisonError};

use rustls::crypto::CryptoProvider;
use rustls::server::{ClientHello, NoServerSessionStorage, ResolvesServerCert};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{AlertDescription, ClientConfig, ServerConfig};
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use zeroize::Zeroizing;

use crate::identity::{NodeIdentity, NodeName};
use crate::trust::{Peer, PeerVerifier, TrustStore};
use crate::{Error, Result};

/// Name for the TLS library's sake: peers are checked by their node name, and no server name is sent.
pub(crate) const SERVER_NAME: &str = "yu.invalid";
/// Domain tag of the reset key.
const RESET_TAG: &[u8] = b"yu-quic-reset-v1";
/// Highest version offered when asking a peer which one it speaks.
const PROBE_VERSIONS: u16 = 16;

/// What every handshake of an endpoint shares.
pub(crate) struct Tls {
    provider: Arc<CryptoProvider>,
    key: Arc<CertifiedKey>,
    name: NodeName,
    trust: TrustStore,
    spoken: Spoken,
    reset_key: Zeroizing<[u8; 32]>,
}

/// What is spoken inside TLS; its name is the ALPN name, so that nodes of two suites refuse each other by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spoken {
    pub(crate) version: u16,
    /// With the inner layer of the national suite.
    pub(crate) inner: bool,
}

impl Spoken {
    fn name(self) -> Vec<u8> {
        let kind = if self.inner { "yu-gm" } else { "yu" };
        format!("{kind}/{}", self.version).into_bytes()
    }

    /// All that any version may speak.
    fn all() -> Vec<Vec<u8>> {
        [false, true].into_iter().flat_map(|inner| (1..=PROBE_VERSIONS).map(move |version| Self { version, inner }.name())).collect()
    }
}

/// One handshake: its configuration is used once, so that verdict and offered versions are this peer's.
pub(crate) struct Handshake<C> {
    pub(crate) config: Arc<C>,
    verifier: Arc<PeerVerifier>,
    offered: Arc<Offered>,
    expect: Option<NodeName>,
    spoken: Spoken,
}

impl Tls {
    pub(crate) fn new(identity: &NodeIdentity, trust: TrustStore, spoken: Spoken) -> Result<Self> {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let der = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(identity.key_pkcs8()));
        // INVARIANT: the private key is borrowed for one call; rustls copies it into its own zeroizing key
        let key = provider
            .key_provider
            .load_private_key(der.clone_key())
            .map_err(|e| Error::Caller(format!("private key of `{}` cannot be used: {e}", identity.name())))?;
        let key = Arc::new(CertifiedKey::new(identity.chain().to_vec(), key));
        let secret = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, identity.key_pkcs8());
        let mut reset_key = Zeroizing::new([0; 32]);
        reset_key.copy_from_slice(aws_lc_rs::hmac::sign(&secret, RESET_TAG).as_ref());
        Ok(Self { provider, key, name: identity.name().clone(), trust, spoken, reset_key })
    }

    /// Key of QUIC's stateless resets: the same in every life of this node.
    pub(crate) fn reset_key(&self) -> &[u8; 32] {
        &self.reset_key
    }

    pub(crate) fn name(&self) -> &NodeName {
        &self.name
    }

    /// A client configuration that expects exactly `expect`.
    pub(crate) fn client(&self, expect: &NodeName) -> Result<Handshake<ClientConfig>> {
        self.client_offering(expect, vec![self.spoken.name()])
    }

    /// A client configuration that lets the peer choose among all versions: only to learn which one it speaks.
    pub(crate) fn client_probe(&self, expect: &NodeName) -> Result<Handshake<ClientConfig>> {
        self.client_offering(expect, Spoken::all())
    }

    fn client_offering(&self, expect: &NodeName, protocols: Vec<Vec<u8>>) -> Result<Handshake<ClientConfig>> {
        let verifier = self.verifier(Some(expect.clone()));
        let mut config = ClientConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(config_error)?
            .dangerous()
            .with_custom_certificate_verifier(verifier.clone())
            .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(self.key.clone())));
        config.alpn_protocols = protocols;
        config.enable_sni = false;
        config.enable_early_data = false;
        config.resumption = rustls::client::Resumption::disabled();
        Ok(Handshake { config: Arc::new(config), verifier, offered: Arc::default(), expect: Some(expect.clone()), spoken: self.spoken })
    }

    /// A server configuration that takes any trusted node.
    pub(crate) fn server(&self) -> Result<Handshake<ServerConfig>> {
        let verifier = self.verifier(None);
        let offered = Arc::new(Offered::default());
        let resolver = Resolver { key: self.key.clone(), offered: offered.clone() };
        let mut config = ServerConfig::builder_with_provider(self.provider.clone())
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(config_error)?
            .with_client_cert_verifier(verifier.clone())
            .with_cert_resolver(Arc::new(resolver));
        config.alpn_protocols = vec![self.spoken.name()];
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
        config.max_early_data_size = 0;
        Ok(Handshake { config: Arc::new(config), verifier, offered, expect: None, spoken: self.spoken })
    }

    fn verifier(&self, expect: Option<NodeName>) -> Arc<PeerVerifier> {
        let algs = self.provider.signature_verification_algorithms;
        PeerVerifier::new(self.trust.clone(), self.name.env(), expect, algs)
    }
}

impl<C> Handshake<C> {
    /// The verified peer of a finished handshake.
    pub(crate) fn peer(&self, protocol: Option<&[u8]>) -> Result<Peer> {
        if protocol != Some(self.spoken.name().as_slice()) {
            return Err(self.version_error(protocol.map(text)));
        }
        match self.verifier.verdict() {
            Some(Ok(peer)) => Ok(peer),
            Some(Err(refusal)) => Err(Error::Identity { party: refusal.party, reason: refusal.reason }),
            None => Err(Error::Identity { party: self.party(), reason: "presented no certificate".into() }),
        }
    }

    /// As [`failure`](Self::failure), after we have accepted the peer: what follows is its verdict on us.
    pub(crate) fn failure_after(&self, alert: Option<AlertDescription>, is_ours: bool) -> Option<Error> {
        alert.map(|alert| self.explain(alert, is_ours))
    }

    /// Puts a failed handshake into words: our own refusal, the peer's alert, or `None` if it was the network.
    pub(crate) fn failure(&self, alert: Option<AlertDescription>, is_ours: bool) -> Option<Error> {
        if let Some(Err(refusal)) = self.verifier.verdict() {
            return Some(Error::Identity { party: refusal.party, reason: refusal.reason });
        }
        self.failure_after(alert, is_ours)
    }

    fn explain(&self, alert: AlertDescription, is_ours: bool) -> Error {
        let reason = match alert {
            AlertDescription::NoApplicationProtocol => return self.version_error(None),
            _ if is_ours => format!("TLS handshake failed ({alert:?})"),
            AlertDescription::CertificateExpired => {
                "it says that our certificate has expired or is not yet valid: compare the clocks".into()
            }
            AlertDescription::UnknownCA => "it does not know the root of our organisation".into(),
            AlertDescription::AccessDenied => "its environment is not ours: dev and prod never meet".into(),
            AlertDescription::BadCertificate => "it expected the certificate of another node".into(),
            AlertDescription::CertificateRequired => "it received no certificate of ours".into(),
            other => format!("it refused the TLS handshake ({other:?})"),
        };
        Error::Identity { party: self.party(), reason }
    }

    /// The error for peers that speak another version; `theirs` if it is known.
    pub(crate) fn version_error(&self, theirs: Option<String>) -> Error {
        let ours = text(&self.spoken.name());
        let theirs = theirs.or_else(|| self.offered.names());
        let reason = match theirs {
            Some(theirs) if theirs.starts_with("yu-gm/") != self.spoken.inner => {
                format!("suite mismatch: it speaks `{theirs}`, this node speaks `{ours}`: a domain is of one suite, `crypto` in node.toml")
            }
            Some(theirs) => format!("version mismatch: it speaks `{theirs}`, this node speaks `{ours}`"),
            None => format!("version mismatch: it does not speak `{ours}`"),
        };
        Error::Identity { party: self.party(), reason }
    }

    fn party(&self) -> String {
        self.expect.as_ref().map_or_else(|| "unnamed peer".to_owned(), ToString::to_string)
    }
}

/// The protocol names a client offered.
#[derive(Debug, Default)]
struct Offered(Mutex<Vec<String>>);

impl Offered {
    fn names(&self) -> Option<String> {
        let names = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (!names.is_empty()).then(|| names.join(", "))
    }
}

#[derive(Debug)]
struct Resolver {
    key: Arc<CertifiedKey>,
    offered: Arc<Offered>,
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let names = hello.alpn().into_iter().flatten().take(8).map(text).collect();
        *self.offered.0.lock().unwrap_or_else(PoisonError::into_inner) = names;
        Some(self.key.clone())
    }
}

/// Is this the alert for "none of the offered versions"?
pub(crate) fn is_version_mismatch(alert: Option<AlertDescription>) -> bool {
    alert == Some(AlertDescription::NoApplicationProtocol)
}

/// A peer's protocol name, fit to be printed.
pub(crate) fn text(name: &[u8]) -> String {
    name.iter().take(32).map(|b| if b.is_ascii_graphic() { char::from(*b) } else { '?' }).collect()
}

fn config_error(e: rustls::Error) -> Error {
    Error::Crypto(format!("TLS cannot be configured: {e}"))
}
