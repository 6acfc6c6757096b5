//! Whom this node trusts, and the check of a peer's certificate in the TLS handshake.
//!
//! A peer is accepted when its certificate holds exactly one name `yu://<env>/<org>/<node>`, the environment is ours,
//! the path leads to the root registered for exactly this organisation, and now is within its validity. One
//! organisation's root can therefore never speak for another. The dialling side names the one node it expects.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use rustls::client::danger::{ServerCertVerified, ServerCertVerifier};
use rustls::crypto::WebPkiSupportedAlgorithms;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DistinguishedName};
use rustls_pki_types::{CertificateDer, ServerName, TrustAnchor, UnixTime};
use webpki::{EndEntityCert, KeyUsage, anchor_from_trusted_cert};

use crate::identity::{Env, NodeName, leaf_name, root_name, unix};
use crate::{Error, Result};

/// Signature algorithms that certificates may carry.
static CERT_ALGS: &[&dyn rustls_pki_types::SignatureVerificationAlgorithm] =
    &[webpki::aws_lc_rs::ECDSA_P256_SHA256, webpki::aws_lc_rs::ECDSA_P384_SHA384, webpki::aws_lc_rs::ED25519];

/// Who is at the other end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// A node whose organisation's root is in the trust store.
    Admitted(NodeName),
    /// A node of an unknown organisation, let in because an invitation is open; it may redeem its ticket and nothing else.
    /// Holds its name and its organisation's root certificate (DER).
    Unadmitted(NodeName, Vec<u8>),
}

impl Peer {
    /// The name in the certificate.
    pub fn name(&self) -> &NodeName {
        match self {
            Self::Admitted(name) | Self::Unadmitted(name, _) => name,
        }
    }

    /// True for a peer whose organisation is in the trust store.
    pub fn is_admitted(&self) -> bool {
        matches!(self, Self::Admitted(_))
    }
}

/// The organisation roots that this node trusts. Clones share one store.
#[derive(Clone, Debug, Default)]
pub struct TrustStore(Arc<RwLock<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    roots: BTreeMap<(Env, String), Vec<CertificateDer<'static>>>,
    /// Seconds since 1970.
    invited_until: Option<u64>,
}

impl TrustStore {
    /// An empty store: nobody is trusted.
    pub fn new() -> Self {
        Self::default()
    }

    /// Registers `root_der` as the root of `name`'s organisation in `name`'s environment.
    ///
    /// An organisation may have several roots, so that it can change them without an interruption.
    ///
    /// # Errors
    /// A certificate that is no organisation root, or the root of another organisation or environment.
    pub fn add(&self, name: &NodeName, root_der: &[u8]) -> Result<()> {
        let cert = CertificateDer::from(root_der.to_vec());
        let found = root_name(&cert)?;
        if found != (name.env(), name.org().to_owned()) {
            return Err(Error::Identity {
                party: name.to_string(),
                reason: format!("the root certificate is for `yu://{}/{}`", found.0, found.1),
            });
        }
        anchor_from_trusted_cert(&cert).map_err(|e| Error::Caller(format!("root certificate cannot be read: {e}")))?;
        let mut inner = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let roots = inner.roots.entry(found).or_default();
        if !roots.contains(&cert) {
            roots.push(cert);
        }
        Ok(())
    }

    /// Forgets all roots of `name`'s organisation; true if there were any. Open connections stay open.
    pub fn remove(&self, name: &NodeName) -> bool {
        let mut inner = self.0.write().unwrap_or_else(PoisonError::into_inner);
        inner.roots.remove(&(name.env(), name.org().to_owned())).is_some()
    }

    /// Environment, organisation and root certificate (DER) of everybody trusted.
    pub fn roots(&self) -> Vec<(Env, String, Vec<u8>)> {
        let inner = self.0.read().unwrap_or_else(PoisonError::into_inner);
        inner.roots.iter().flat_map(|((env, org), certs)| certs.iter().map(move |c| (*env, org.clone(), c.to_vec()))).collect()
    }

    /// Opens the door for [`Peer::Unadmitted`] until `end`, in seconds since 1970; `None` closes it. It closes by itself.
    pub fn invite_until(&self, end: Option<u64>) {
        self.0.write().unwrap_or_else(PoisonError::into_inner).invited_until = end;
    }

    /// True while unknown organisations may connect to redeem a ticket.
    fn is_invitation_open(&self, now: UnixTime) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).invited_until.is_some_and(|end| now.as_secs() < end)
    }

    fn roots_of(&self, env: Env, org: &str) -> Vec<CertificateDer<'static>> {
        let inner = self.0.read().unwrap_or_else(PoisonError::into_inner);
        inner.roots.get(&(env, org.to_owned())).cloned().unwrap_or_default()
    }
}

/// A refused peer: who, why, and the TLS error that tells the peer.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    pub(crate) party: String,
    pub(crate) reason: String,
    tls: CertificateError,
}

/// The certificate check of one handshake; keeps its verdict for the carrier to read.
#[derive(Debug)]
pub(crate) struct PeerVerifier {
    trust: TrustStore,
    env: Env,
    /// The one node the dialling side wants; the accepting side takes any trusted node.
    expect: Option<NodeName>,
    algs: WebPkiSupportedAlgorithms,
    verdict: Mutex<Option<std::result::Result<Peer, Refusal>>>,
}

impl PeerVerifier {
    pub(crate) fn new(trust: TrustStore, env: Env, expect: Option<NodeName>, algs: WebPkiSupportedAlgorithms) -> Arc<Self> {
        Arc::new(Self { trust, env, expect, algs, verdict: Mutex::new(None) })
    }

    /// What the check of this handshake's certificate said; `None` if it never came that far.
    pub(crate) fn verdict(&self) -> Option<std::result::Result<Peer, Refusal>> {
        self.verdict.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn judge(
        &self,
        leaf: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        now: UnixTime,
        usage: KeyUsage,
    ) -> std::result::Result<(), rustls::Error> {
        let verdict = self.check(leaf, rest, now, usage);
        let answer = match &verdict {
            Ok(_) => Ok(()),
            Err(refusal) => Err(rustls::Error::InvalidCertificate(refusal.tls.clone())),
        };
        *self.verdict.lock().unwrap_or_else(PoisonError::into_inner) = Some(verdict);
        answer
    }

    fn check(
        &self,
        leaf: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        now: UnixTime,
        usage: KeyUsage,
    ) -> std::result::Result<Peer, Refusal> {
        let wanted = || self.expect.as_ref().map_or_else(|| "unnamed peer".to_owned(), ToString::to_string);
        let name = leaf_name(leaf).map_err(|reason| Refusal { party: wanted(), reason, tls: CertificateError::BadEncoding })?;
        let refuse = |reason: String, tls: CertificateError| Refusal { party: name.to_string(), reason, tls };
        if name.env() != self.env {
            let reason = format!("environment is `{}`, this node is `{}`: dev and prod never meet", name.env(), self.env);
            return Err(refuse(reason, CertificateError::ApplicationVerificationFailure));
        }
        if let Some(expected) = &self.expect
            && *expected != name
        {
            return Err(Refusal {
                party: expected.to_string(),
                reason: format!("the node at this address presented the certificate of `{name}`"),
                tls: CertificateError::NotValidForName,
            });
        }
        let mut roots = self.trust.roots_of(name.env(), name.org());
        let admitted = !roots.is_empty();
        if !admitted {
            roots = self.invited(&name, rest, now).ok_or_else(|| {
                refuse(format!("organisation `{}` is not known to this node", name.org()), CertificateError::UnknownIssuer)
            })?;
        }
        let anchors: Vec<TrustAnchor<'_>> = roots.iter().filter_map(|c| anchor_from_trusted_cert(c).ok()).collect();
        let cert = EndEntityCert::try_from(leaf).map_err(|_| refuse("certificate cannot be read".into(), CertificateError::BadEncoding))?;
        cert.verify_for_usage(CERT_ALGS, &anchors, &[], now, usage, None, None).map_err(|e| {
            let (reason, tls) = explain(&e, name.org());
            refuse(reason, tls)
        })?;
        Ok(match roots.first() {
            Some(root) if !admitted => Peer::Unadmitted(name, root.to_vec()),
            _ => Peer::Admitted(name),
        })
    }

    /// The root that an unknown organisation presents itself, if the door is open and the root is for its own name.
    fn invited(&self, name: &NodeName, rest: &[CertificateDer<'_>], now: UnixTime) -> Option<Vec<CertificateDer<'static>>> {
        if self.expect.is_some() || !self.trust.is_invitation_open(now) {
            return None;
        }
        let [root] = rest else { return None };
        let own = root_name(root).ok()? == (name.env(), name.org().to_owned());
        own.then(|| vec![root.clone().into_owned()])
    }
}

/// What webpki found, in words that name the field at fault.
fn explain(e: &webpki::Error, org: &str) -> (String, CertificateError) {
    use webpki::Error as W;
    match e {
        W::CertExpired { time, not_after } => (
            format!("certificate expired at {}, now is {} (seconds since 1970)", not_after.as_secs(), time.as_secs()),
            CertificateError::ExpiredContext { time: *time, not_after: *not_after },
        ),
        W::CertNotValidYet { time, not_before } => (
            format!(
                "certificate is not valid before {}, now is {} (seconds since 1970): compare the clocks",
                not_before.as_secs(),
                time.as_secs()
            ),
            CertificateError::NotValidYetContext { time: *time, not_before: *not_before },
        ),
        W::UnknownIssuer | W::InvalidSignatureForPublicKey | W::SignatureAlgorithmMismatch => {
            (format!("certificate is not signed by the root registered for organisation `{org}`"), CertificateError::UnknownIssuer)
        }
        other => (format!("certificate path: {other}"), CertificateError::BadEncoding),
    }
}

/// Validity of the leaf: webpki tells the bounds when asked for a time outside of them.
pub(crate) fn validity(chain: &[CertificateDer<'static>]) -> Result<(i64, i64)> {
    let bad = || Error::Caller("certificate cannot be read".into());
    let (leaf, root) = (chain.first().ok_or_else(bad)?, chain.last().ok_or_else(bad)?);
    let cert = EndEntityCert::try_from(leaf).map_err(|_| bad())?;
    let anchors = [anchor_from_trusted_cert(root).map_err(|_| bad())?];
    let ask = |t| cert.verify_for_usage(CERT_ALGS, &anchors, &[], unix(t), KeyUsage::client_auth(), None, None).err();
    let (Some(webpki::Error::CertNotValidYet { not_before, .. }), Some(webpki::Error::CertExpired { not_after, .. })) =
        (ask(0), ask(u64::MAX))
    else {
        return Err(bad());
    };
    let seconds = |t: UnixTime| i64::try_from(t.as_secs()).map_err(|_| bad());
    Ok((seconds(not_before)?, seconds(not_after)?))
}

/// The part of a certificate verifier that does not depend on the certificate: signatures of TLS 1.3 by the algorithms
/// `$algs`, and no older version. For `impl ServerCertVerifier` and `impl ClientCertVerifier`.
#[doc(hidden)]
#[macro_export]
macro_rules! tls13_signatures {
    (|$this:ident| $algs:expr) => {
        fn verify_tls12_signature(
            &$this,
            _: &[u8],
            _: &::rustls::pki_types::CertificateDer<'_>,
            _: &::rustls::DigitallySignedStruct,
        ) -> ::std::result::Result<::rustls::client::danger::HandshakeSignatureValid, ::rustls::Error> {
            Err(::rustls::Error::General("TLS 1.2 is not spoken".into()))
        }

        fn verify_tls13_signature(
            &$this,
            message: &[u8],
            cert: &::rustls::pki_types::CertificateDer<'_>,
            dss: &::rustls::DigitallySignedStruct,
        ) -> ::std::result::Result<::rustls::client::danger::HandshakeSignatureValid, ::rustls::Error> {
            ::rustls::crypto::verify_tls13_signature(message, cert, dss, &$algs)
        }

        fn supported_verify_schemes(&$this) -> ::std::vec::Vec<::rustls::SignatureScheme> {
            $algs.supported_schemes()
        }
    };
}

impl ServerCertVerifier for PeerVerifier {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        self.judge(leaf, rest, now, KeyUsage::server_auth()).map(|()| ServerCertVerified::assertion())
    }

    crate::tls13_signatures!(|self| self.algs);
}

impl ClientCertVerifier for PeerVerifier {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        rest: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> std::result::Result<ClientCertVerified, rustls::Error> {
        self.judge(leaf, rest, now, KeyUsage::client_auth()).map(|()| ClientCertVerified::assertion())
    }

    crate::tls13_signatures!(|self| self.algs);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::OrgRoot;

    const FROM: i64 = 1_700_000_000;
    const TO: i64 = 1_800_000_000;

    fn check(
        trust: &TrustStore,
        expect: Option<&str>,
        leaf: &crate::identity::NodeIdentity,
        now: u64,
    ) -> std::result::Result<Peer, String> {
        let algs = rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms;
        let verifier = PeerVerifier::new(trust.clone(), Env::Dev, expect.map(|e| e.parse().unwrap()), algs);
        let (first, rest) = leaf.chain().split_first().unwrap();
        verifier.check(first, rest, unix(now), KeyUsage::client_auth()).map_err(|r| r.reason)
    }

    #[test]
    fn every_refusal_has_its_reason() {
        let health = OrgRoot::generate(Env::Dev, "health").unwrap();
        let bank = OrgRoot::generate(Env::Dev, "bank").unwrap();
        let impostor = OrgRoot::generate(Env::Dev, "bank").unwrap();
        let prod = OrgRoot::generate(Env::Prod, "bank").unwrap();
        let node = bank.issue("n1", FROM, TO).unwrap();
        let trust = TrustStore::new();
        assert!(trust.add(node.name(), health.root_der()).is_err());
        assert!(check(&trust, None, &node, 1_750_000_000).unwrap_err().contains("not known"));
        trust.add(node.name(), bank.root_der()).unwrap();
        assert_eq!(check(&trust, None, &node, 1_750_000_000), Ok(Peer::Admitted(node.name().clone())));
        assert!(check(&trust, None, &node, 1_900_000_000).unwrap_err().contains("expired"));
        assert!(check(&trust, None, &node, 1_600_000_000).unwrap_err().contains("not valid before"));
        assert!(
            check(&trust, Some("yu://dev/bank/n2"), &node, 1_750_000_000)
                .unwrap_err()
                .contains("presented the certificate of `yu://dev/bank/n1`")
        );
        assert!(check(&trust, None, &impostor.issue("n1", FROM, TO).unwrap(), 1_750_000_000).unwrap_err().contains("root registered"));
        assert!(check(&trust, None, &prod.issue("n1", FROM, TO).unwrap(), 1_750_000_000).unwrap_err().contains("dev and prod"));
        trust.remove(node.name());
        assert!(check(&trust, None, &node, 1_750_000_000).is_err());
    }

    #[test]
    fn an_open_invitation_admits_to_the_door_only() {
        let bank = OrgRoot::generate(Env::Dev, "bank").unwrap();
        let node = bank.issue("n1", FROM, TO).unwrap();
        let trust = TrustStore::new();
        trust.invite_until(Some(1_750_000_001));
        assert_eq!(check(&trust, None, &node, 1_750_000_000), Ok(Peer::Unadmitted(node.name().clone(), bank.root_der().to_vec())));
        // the dialling side knows whom it calls: no invitation helps
        assert!(check(&trust, Some("yu://dev/bank/n1"), &node, 1_750_000_000).is_err());
        // nobody has to close it
        assert!(check(&trust, None, &node, 1_750_000_001).unwrap_err().contains("not known"));
        trust.invite_until(Some(2_000_000_000));
        assert!(check(&trust, None, &node, 1_900_000_000).unwrap_err().contains("expired"));
        trust.invite_until(None);
        assert!(check(&trust, None, &node, 1_750_000_000).is_err());
    }
}
