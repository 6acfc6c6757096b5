//! Names of nodes, organisation roots and node certificates.
//!
//! Every node is called `yu://<environment>/<organisation>/<node>`; the name stands in the URI subject alternative
//! name of its certificate, which its organisation's own root signs. There is no authority above the organisations:
//! who is trusted is decided peer by peer in a [`TrustStore`](crate::trust::TrustStore).
//!
//! All keys are ECDSA P-256 (`ecdsa-p256-sha256`), which every TLS 1.3 stack and inspection tool knows.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyUsagePurpose, SanType};
use rustls_pki_types::pem::{PemObject, SectionKind};
use rustls_pki_types::{CertificateDer, UnixTime};
use zeroize::Zeroizing;

use crate::{Error, Result};

/// Longest organisation or node name: fits a DNS label, so names can reappear in file and host names.
const MAX_LABEL: usize = 63;

/// Development and production never meet: each refuses the other in the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Env {
    /// `dev`: tests, demonstrations, simulated data.
    Dev,
    /// `prod`: real data.
    Prod,
}

impl fmt::Display for Env {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Dev => "dev",
            Self::Prod => "prod",
        })
    }
}

impl FromStr for Env {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "dev" => Ok(Self::Dev),
            "prod" => Ok(Self::Prod),
            _ => Err(Error::Caller("environment must be `dev` or `prod`".into())),
        }
    }
}

/// The name of a node, `yu://dev/health/node1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeName {
    env: Env,
    org: String,
    node: String,
}

impl NodeName {
    /// Builds a name from its parts.
    ///
    /// # Errors
    /// A label that is empty, longer than 63 bytes, or has other characters than `a-z`, `0-9`, `-`.
    pub fn new(env: Env, org: &str, node: &str) -> Result<Self> {
        check_label("organisation", org)?;
        check_label("node", node)?;
        Ok(Self { env, org: org.into(), node: node.into() })
    }

    /// Development or production.
    pub fn env(&self) -> Env {
        self.env
    }

    /// The organisation's label.
    pub fn org(&self) -> &str {
        &self.org
    }

    /// The node's label inside its organisation.
    pub fn node(&self) -> &str {
        &self.node
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "yu://{}/{}/{}", self.env, self.org, self.node)
    }
}

impl FromStr for NodeName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let bad = || Error::Caller("a node name is `yu://<dev|prod>/<organisation>/<node>`".into());
        let mut parts = text.strip_prefix("yu://").ok_or_else(bad)?.split('/');
        let (Some(env), Some(org), Some(node), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(bad());
        };
        Self::new(env.parse()?, org, node)
    }
}

impl serde::Serialize for NodeName {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for NodeName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// An organisation's root: signs the certificates of its nodes and nothing else.
pub struct OrgRoot {
    env: Env,
    org: String,
    cert: CertificateDer<'static>,
    key: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for OrgRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OrgRoot(yu://{}/{})", self.env, self.org)
    }
}

impl OrgRoot {
    /// Makes a new root key and its self-signed certificate.
    ///
    /// The certificate has no end (RFC 5280, 4.1.2.5): a root is retired by removing it from the peers' trust stores.
    ///
    /// # Errors
    /// A malformed organisation label.
    pub fn generate(env: Env, org: &str) -> Result<Self> {
        check_label("organisation", org)?;
        let key = new_key()?;
        let cert = root_params(env, org)?.self_signed(&Signer::load(&key)?).map_err(issue_error)?;
        Ok(Self { env, org: org.into(), cert: cert.der().clone(), key })
    }

    /// Issues a certificate with a fresh key for the node `node` of this organisation.
    ///
    /// Times are seconds since 1970-01-01 UTC; the certificate holds from `not_before` to `not_after` inclusive.
    ///
    /// # Errors
    /// A malformed node label, or times that are out of order or out of range.
    pub fn issue(&self, node: &str, not_before: i64, not_after: i64) -> Result<NodeIdentity> {
        let name = NodeName::new(self.env, &self.org, node)?;
        if not_before >= not_after {
            return Err(Error::Caller("certificate would end before it begins".into()));
        }
        let date = |t| time::OffsetDateTime::from_unix_timestamp(t).map_err(|_| Error::Caller("certificate time out of range".into()));
        let mut params = CertificateParams::default();
        params.not_before = date(not_before)?;
        params.not_after = date(not_after)?;
        params.subject_alt_names = vec![uri(&name.to_string())?];
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::OrganizationName, self.org.as_str());
        params.distinguished_name.push(DnType::CommonName, node);
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        let issuer_params = root_params(self.env, &self.org)?;
        let issuer = Issuer::from_params(&issuer_params, Signer::load(&self.key)?);
        let key = new_key()?;
        let leaf = params.signed_by(&Signer::load(&key)?, &issuer).map_err(issue_error)?;
        Ok(NodeIdentity { name, chain: vec![leaf.der().clone(), self.cert.clone()], key })
    }

    /// The root certificate, DER: what peers put into their trust store.
    pub fn root_der(&self) -> &[u8] {
        &self.cert
    }

    /// Development or production.
    pub fn env(&self) -> Env {
        self.env
    }

    /// The organisation's label.
    pub fn org(&self) -> &str {
        &self.org
    }

    /// Certificate and private key as PEM, for a file that only its owner reads.
    pub fn to_pem(&self) -> Zeroizing<String> {
        to_pem(std::slice::from_ref(&self.cert), &self.key)
    }

    /// Reads what [`to_pem`](Self::to_pem) wrote.
    ///
    /// # Errors
    /// Text that is not one root certificate and its key.
    pub fn from_pem(pem: &str) -> Result<Self> {
        let (mut certs, key) = from_pem(pem)?;
        let (Some(cert), true) = (certs.pop(), certs.is_empty()) else {
            return Err(Error::Caller("expected one root certificate".into()));
        };
        check_pair(&cert, &key)?;
        let (env, org) = root_name(&cert)?;
        Ok(Self { env, org, cert, key })
    }
}

/// A node's certificate chain and private key.
pub struct NodeIdentity {
    name: NodeName,
    chain: Vec<CertificateDer<'static>>,
    key: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for NodeIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeIdentity({})", self.name)
    }
}

impl NodeIdentity {
    /// The node's name.
    pub fn name(&self) -> &NodeName {
        &self.name
    }

    /// Leaf certificate, DER.
    pub fn leaf_der(&self) -> &[u8] {
        self.chain.first().map_or(&[], AsRef::as_ref)
    }

    /// The organisation's root certificate, DER (last of the chain).
    pub fn root_der(&self) -> &[u8] {
        self.chain.last().map_or(&[], AsRef::as_ref)
    }

    /// From when to when the leaf holds, seconds since 1970-01-01 UTC.
    ///
    /// # Errors
    /// A certificate that cannot be read.
    pub fn validity(&self) -> Result<(i64, i64)> {
        crate::trust::validity(&self.chain)
    }

    /// Certificates and private key as PEM, for a file that only its owner reads.
    pub fn to_pem(&self) -> Zeroizing<String> {
        to_pem(&self.chain, &self.key)
    }

    /// Reads what [`to_pem`](Self::to_pem) wrote.
    ///
    /// # Errors
    /// Text that is not a leaf, its root, and the leaf's key.
    pub fn from_pem(pem: &str) -> Result<Self> {
        let (chain, key) = from_pem(pem)?;
        let [leaf, root] = chain.as_slice() else {
            return Err(Error::Caller("expected a node certificate followed by its root".into()));
        };
        let name = leaf_name(leaf).map_err(Error::Caller)?;
        check_pair(leaf, &key)?;
        if root_name(root)? != (name.env, name.org.clone()) {
            return Err(Error::Caller(format!("the root in the file is not the root of `{}`", name.org)));
        }
        Ok(Self { name, chain, key })
    }

    pub(crate) fn chain(&self) -> &[CertificateDer<'static>] {
        &self.chain
    }

    pub(crate) fn key_pkcs8(&self) -> &[u8] {
        &self.key
    }
}

/// The public key (SubjectPublicKeyInfo, DER) in a certificate; `None` if it cannot be read.
#[must_use]
pub fn public_key_of(der: &[u8]) -> Option<Vec<u8>> {
    let der = CertificateDer::from(der);
    let parsed = webpki::EndEntityCert::try_from(&der).ok()?;
    Some(parsed.subject_public_key_info().to_vec())
}

/// The one node name in a leaf certificate, or why there is none.
pub(crate) fn leaf_name(cert: &CertificateDer<'_>) -> std::result::Result<NodeName, String> {
    let parsed = webpki::EndEntityCert::try_from(cert).map_err(|e| format!("certificate cannot be read: {e}"))?;
    let mut names = parsed.valid_uri_names();
    let (Some(name), None) = (names.next(), names.next()) else {
        return Err("certificate must hold exactly one URI subject alternative name".into());
    };
    name.parse().map_err(|_| "URI subject alternative name is not a node name `yu://<env>/<org>/<node>`".into())
}

/// Environment and organisation that a root certificate says it is for.
pub(crate) fn root_name(cert: &CertificateDer<'_>) -> Result<(Env, String)> {
    let bad = || Error::Caller("not an organisation root: it must hold one URI `yu://<env>/<organisation>`".into());
    let parsed = webpki::EndEntityCert::try_from(cert).map_err(|_| bad())?;
    let mut names = parsed.valid_uri_names();
    let (Some(name), None) = (names.next(), names.next()) else { return Err(bad()) };
    let (env, org) = name.strip_prefix("yu://").and_then(|s| s.split_once('/')).ok_or_else(bad)?;
    check_label("organisation", org)?;
    Ok((env.parse()?, org.into()))
}

fn check_label(what: &str, label: &str) -> Result<()> {
    let ok =
        !label.is_empty() && label.len() <= MAX_LABEL && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if ok { Ok(()) } else { Err(Error::Caller(format!("{what} name must be 1 to {MAX_LABEL} of `a-z`, `0-9`, `-`"))) }
}

fn root_params(env: Env, org: &str) -> Result<CertificateParams> {
    let mut params = CertificateParams::default();
    params.not_before = rcgen::date_time_ymd(2020, 1, 1);
    params.not_after = rcgen::date_time_ymd(9999, 12, 31);
    params.subject_alt_names = vec![uri(&format!("yu://{env}/{org}"))?];
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, org);
    params.distinguished_name.push(DnType::CommonName, format!("root of {org} ({env})"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(params)
}

fn uri(text: &str) -> Result<SanType> {
    Ok(SanType::URI(text.try_into().map_err(issue_error)?))
}

fn issue_error(e: rcgen::Error) -> Error {
    Error::Crypto(format!("certificate could not be made: {e}"))
}

fn new_key() -> Result<Zeroizing<Vec<u8>>> {
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &SystemRandom::new())
        .map_err(|_| Error::Crypto("key generation failed".into()))?;
    Ok(Zeroizing::new(pkcs8.as_ref().to_vec()))
}

/// Lends a key to rcgen, whose own key type does not wipe its memory.
struct Signer(EcdsaKeyPair);

impl Signer {
    fn load(pkcs8: &[u8]) -> Result<Self> {
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pkcs8)
            .map_err(|_| Error::Caller("private key is not ECDSA P-256 in PKCS#8".into()))?;
        Ok(Self(pair))
    }
}

impl rcgen::PublicKeyData for Signer {
    fn der_bytes(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    fn algorithm(&self) -> &'static rcgen::SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

impl rcgen::SigningKey for Signer {
    fn sign(&self, msg: &[u8]) -> std::result::Result<Vec<u8>, rcgen::Error> {
        let signature = self.0.sign(&SystemRandom::new(), msg).map_err(|_| rcgen::Error::RingUnspecified)?;
        Ok(signature.as_ref().to_vec())
    }
}

/// That certificate and key belong together: a fresh signature must verify.
fn check_pair(cert: &CertificateDer<'_>, key: &[u8]) -> Result<()> {
    const PROBE: &[u8] = b"yu-key-pair-check-v1";
    let signature = rcgen::SigningKey::sign(&Signer::load(key)?, PROBE).map_err(issue_error)?;
    let parsed = webpki::EndEntityCert::try_from(cert).map_err(|e| Error::Caller(format!("certificate cannot be read: {e}")))?;
    parsed
        .verify_signature(webpki::aws_lc_rs::ECDSA_P256_SHA256, PROBE, &signature)
        .map_err(|_| Error::Caller("private key does not belong to the certificate".into()))
}

fn to_pem(certs: &[CertificateDer<'_>], key: &[u8]) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(4096)); // never grows past this: no unwiped copies
    for (label, der) in certs.iter().map(|c| ("CERTIFICATE", c.as_ref())).chain([("PRIVATE KEY", key)]) {
        let text = Zeroizing::new(STANDARD.encode(der));
        out.push_str(&format!("-----BEGIN {label}-----\n"));
        for line in text.as_bytes().chunks(64) {
            out.push_str(std::str::from_utf8(line).unwrap_or_default());
            out.push('\n');
        }
        out.push_str(&format!("-----END {label}-----\n"));
    }
    out
}

fn from_pem(pem: &str) -> Result<(Vec<CertificateDer<'static>>, Zeroizing<Vec<u8>>)> {
    let mut certs = Vec::new();
    let mut key = None;
    for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem.as_bytes()) {
        match section {
            Ok((SectionKind::Certificate, der)) => certs.push(CertificateDer::from(der)),
            Ok((SectionKind::PrivateKey, der)) if key.is_none() => key = Some(Zeroizing::new(der)),
            Ok(_) => return Err(Error::Caller("unexpected section in PEM text".into())),
            Err(_) => return Err(Error::Caller("PEM text cannot be read".into())),
        }
    }
    Ok((certs, key.ok_or_else(|| Error::Caller("PEM text holds no private key".into()))?))
}

/// Now, as rustls counts time.
pub(crate) fn unix(seconds: u64) -> UnixTime {
    UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_strict() {
        let name: NodeName = "yu://dev/health/node1".parse().unwrap();
        assert_eq!((name.env(), name.org(), name.node()), (Env::Dev, "health", "node1"));
        assert_eq!(name.to_string(), "yu://dev/health/node1");
        for bad in
            ["", "yu://dev/health", "yu://test/a/b", "yu://dev/A/b", "yu://dev/a/b/c", "yu://dev//b", "spiffe://dev/a/b", "yu://dev/a/b "]
        {
            assert!(bad.parse::<NodeName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn pem_round_trip_and_swapped_key() {
        let root = OrgRoot::generate(Env::Dev, "health").unwrap();
        let a = root.issue("a", 1_700_000_000, 4_000_000_000).unwrap();
        let b = root.issue("b", 1_700_000_000, 4_000_000_000).unwrap();
        assert_eq!(NodeIdentity::from_pem(&a.to_pem()).unwrap().name(), a.name());
        assert_eq!(a.validity().unwrap(), (1_700_000_000, 4_000_000_000));
        let again = OrgRoot::from_pem(&root.to_pem()).unwrap();
        assert_eq!((again.env(), again.org(), again.root_der()), (Env::Dev, "health", root.root_der()));
        again.issue("c", 1_700_000_000, 4_000_000_000).unwrap();
        assert!(NodeIdentity::from_pem(&to_pem(a.chain(), b.key_pkcs8())).is_err());
        assert!(NodeIdentity::from_pem("").is_err());
        assert!(!format!("{a:?}{root:?}").contains("PRIVATE"));
    }
}
