//! Collateral of one product: the root (ARK), the keys that sign endorsement keys (ASK for chips, ASVK for operators),
//! revocation lists, endorsement keys.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Entry;
use super::published::is_published;
use super::tcb::Product;
use super::vek::{Signing, Vek};
use crate::crypto::Provider;
use crate::der::pem;
use crate::fault::{Fault, Result, malformed};
use crate::instant::{Instant, Span};
use crate::x509::{Certificate, Chain, Crl, Revocation, certificates, link, may_issue};

const PLACE: &str = "AMD chain";
/// A domain has hundreds of chips, each with a few TCBs; more is an attack on the reader.
const MOST_KEYS: usize = 4096;
/// Root, ASK, ASVK.
const MOST_AUTHORITIES: usize = 3;
/// The list of the VCEK interface and the one of the VLEK interface.
const MOST_LISTS: usize = 2;
/// Leaf and its chain.
const MOST_IN_EVIDENCE: usize = 3;
/// Endorsement keys from evidence that are remembered, 2 KiB each.
const REMEMBERED: usize = 64;

/// A key that signs endorsement keys.
#[derive(Debug)]
struct Authority {
    signs: Signing,
    der: Vec<u8>,
    span: Span,
}

/// Collateral whose signatures were checked.
#[derive(Debug)]
pub(crate) struct Endorsement {
    product: Product,
    root: Vec<u8>,
    authorities: Vec<Authority>,
    keys: Vec<Arc<Vek>>,
    issued: Option<Instant>,
    /// Endorsement keys that came with evidence and verified, newest last.
    ///
    /// Whether a signature verifies depends on the certificate's bytes and on the authority's key only, both fixed here, so
    /// the exact bytes need no second check; the dates are checked at every use. Only what AMD signed gets in, so a peer
    /// cannot fill it with anything; whatever is pushed out is verified again. The verdict never depends on it.
    seen: Mutex<VecDeque<Arc<Vek>>>,
}

impl Endorsement {
    /// The dates of everything in it.
    pub(crate) fn spans(&self) -> Vec<Span> {
        self.authorities.iter().map(|authority| authority.span.clone()).chain(self.keys.iter().map(|key| key.span.clone())).collect()
    }

    /// Endorsement keys of the bundle.
    pub(super) fn keys(&self) -> impl Iterator<Item = &Arc<Vek>> {
        self.keys.iter()
    }

    /// Dates of the chain above keys of this kind, lists included.
    pub(super) fn span(&self, signing: Signing) -> Span {
        self.authorities.iter().find(|authority| authority.signs == signing).map_or_else(Span::always, |authority| authority.span.clone())
    }

    /// Whether a list of the root is there. AMD's signing keys publish none: keys of chips are superseded, not revoked.
    pub(super) const fn revocation(&self) -> bool {
        self.issued.is_some()
    }

    /// When the oldest list was issued.
    pub(super) const fn issued(&self) -> Option<Instant> {
        self.issued
    }

    fn remembered(&self, der: &[u8], signing: Signing) -> Option<Arc<Vek>> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.iter().find(|vek| vek.signing == signing && vek.der == der).map(Arc::clone)
    }

    fn remember(&self, vek: &Arc<Vek>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= REMEMBERED {
            seen.pop_front();
        }
        seen.push_back(Arc::clone(vek));
    }
}

pub(super) fn endorse(provider: &dyn Provider, entry: &Entry) -> Result<Endorsement> {
    let ders = pem(PLACE, "CERTIFICATE", &entry.chain)?;
    if ders.len() > MOST_AUTHORITIES {
        return Err(malformed(PLACE, "more certificates than root, ASK and ASVK"));
    }
    let read = ders.iter().map(|der| Certificate::read(PLACE, der)).collect::<Result<Vec<_>>>()?;
    let (roots, below): (Vec<_>, Vec<_>) = read.into_iter().partition(|certificate| certificate.issuer == certificate.subject);
    let [root] = roots.as_slice() else { return Err(malformed(PLACE, "not exactly one root certificate")) };
    let (product, anchor) = Product::of_root(root.key_hash()).ok_or_else(|| {
        Fault::new("x509.root", PLACE, "the chain does not end at a root that is pinned", "证书链未终止于已固定的根")
            .remedy("use the chain that AMD publishes for Milan, Genoa or Turin", "请使用 AMD 发布的 Milan、Genoa 或 Turin 证书链")
    })?;
    let alone = Chain {
        place: PLACE,
        certificates: std::slice::from_ref(root),
        anchors: &[anchor],
        lists: &[],
        revocation: Revocation::None,
        known: &[],
    };
    let root_span =
        if is_published(product, root.der) { root.span(&format!("{PLACE}: root certificate")) } else { alone.verify(provider)? };
    let lists = lists(provider, root, &below, &entry.lists)?;
    let mut authorities: Vec<Authority> = Vec::with_capacity(2);
    for certificate in &below {
        // one certificate stands below it: the endorsement key
        if is_published(product, certificate.der) {
            may_issue(PLACE, root, certificate, 1)?;
        } else {
            step(provider, root, certificate, 1)?;
        }
        let signs = kind(certificate)?;
        if authorities.iter().any(|other| other.signs == signs) {
            return Err(malformed(PLACE, "two signing keys of one kind"));
        }
        let mut span = root_span.clone().and(certificate.span(&format!("{PLACE}: signing key for {}", signs.name().to_uppercase())));
        for list in &lists {
            span = span.and(list.clone());
        }
        authorities.push(Authority { signs, der: certificate.der.to_vec(), span });
    }
    if authorities.is_empty() {
        return Err(malformed(PLACE, "neither ASK nor ASVK"));
    }
    if entry.keys.len() > MOST_KEYS {
        return Err(malformed("AMD endorsement keys", format!("more than {MOST_KEYS}")));
    }
    let issued = lists.iter().map(|list| list.from).min();
    let root = root.der.to_vec();
    let mut endorsement = Endorsement { product, root, authorities, keys: Vec::new(), issued, seen: Mutex::default() };
    for (index, text) in entry.keys.iter().enumerate() {
        let place = format!("endorsement key {}", index.saturating_add(1));
        let der = STANDARD.decode(text).map_err(|_| malformed(place.clone(), "no base64"))?;
        let vek = admit(provider, &endorsement, &der, None).map_err(|fault| fault.inside(&place))?;
        endorsement.keys.push(Arc::new(vek));
    }
    Ok(endorsement)
}

/// The endorsement key that came with evidence, and the collateral that vouches for it.
pub(super) fn from_evidence<'a>(
    provider: &dyn Provider,
    bytes: &[u8],
    signing: Signing,
    endorsements: &'a [Endorsement],
) -> Result<(&'a Endorsement, Arc<Vek>)> {
    let place = "certificates beside the report";
    let ders = certificates(place, bytes)?;
    if ders.len() > MOST_IN_EVIDENCE {
        return Err(malformed(place, "more than three"));
    }
    let Some((leaf, above)) = ders.split_first() else { return Err(malformed(place, "none")) };
    let known = endorsements.iter().find_map(|endorsement| Some((endorsement, endorsement.remembered(leaf, signing)?)));
    let (endorsement, vek) = match known {
        Some(known) => known,
        None => {
            let certificate = Certificate::read(place, leaf)?;
            let mut of = endorsements.iter().filter(|endorsement| endorsement.authority(&certificate).is_some());
            let endorsement = of.next().ok_or_else(|| {
                Fault::new("snp.no-chain", place, "no chain for the key that signed the report", "缺少报告签名密钥对应的证书链")
                    .remedy("put AMD's chain of this product into the bundle", "请将 AMD 该产品的证书链放入背书材料")
            })?;
            let vek = Arc::new(admit(provider, endorsement, leaf, Some(signing))?);
            endorsement.remember(&vek);
            (endorsement, vek)
        }
    };
    // whatever else the peer sends must be the chain that was checked, in its order: nothing is carried along unread
    let mut chain = endorsement.authorities.iter().filter(|authority| authority.signs == signing).map(|authority| &authority.der);
    let mut expected = chain.next().into_iter().chain(std::iter::once(&endorsement.root));
    if above.iter().any(|der| expected.next().is_none_or(|known| known != der)) {
        return Err(Fault::new(
            "snp.certificates",
            place,
            "certificates that are not the chain in the bundle",
            "所附证书与背书材料中的证书链不一致",
        )
        .remedy("send the endorsement key's certificate only", "请只发送背书密钥证书"));
    }
    Ok((endorsement, vek))
}

impl Endorsement {
    /// The authority that a certificate names as its issuer.
    fn authority(&self, certificate: &Certificate<'_>) -> Option<(&Authority, Certificate<'_>)> {
        self.authorities.iter().find_map(|authority| {
            let issuer = Certificate::read(PLACE, &authority.der).ok()?;
            (issuer.subject == certificate.issuer).then_some((authority, issuer))
        })
    }
}

/// Checks an endorsement key's certificate against its authority and reads it.
fn admit(provider: &dyn Provider, endorsement: &Endorsement, der: &[u8], wanted: Option<Signing>) -> Result<Vek> {
    let place = "endorsement key certificate";
    let certificate = Certificate::read(place, der)?;
    let Some((authority, issuer)) = endorsement.authority(&certificate) else {
        return Err(Fault::new("x509.name", place, "a key that no certificate of this chain signed", "密钥证书的颁发者不在该证书链中"));
    };
    if wanted.is_some_and(|wanted| wanted != authority.signs) {
        return Err(Fault::new("snp.signing-key", place, "a key of another kind than the one that signed", "密钥种类与签名密钥不符"));
    }
    step(provider, &issuer, &certificate, 0)?;
    Vek::read(&certificate, endorsement.product, authority.signs)
}

/// One step of the chain, whose upper end was checked before; `depth` certificates stand below this one.
fn step(provider: &dyn Provider, issuer: &Certificate<'_>, certificate: &Certificate<'_>, depth: usize) -> Result<()> {
    link(provider, PLACE, issuer, certificate, depth)?;
    match certificate.unknown_critical(&[]) {
        Some(_) => Err(Fault::new("x509.critical", PLACE, "a critical extension that is not understood", "存在无法识别的关键扩展")),
        None => Ok(()),
    }
}

/// Which keys an authority signs. Its name says so (57230 and 58369: `SEV-Milan`, `SEV-VLEK-Milan`), and the root signed it.
fn kind(certificate: &Certificate<'_>) -> Result<Signing> {
    let holds = |word: &[u8]| certificate.subject.windows(word.len()).any(|window| window == word);
    match (holds(b"SEV-VLEK-"), holds(b"SEV-")) {
        (true, _) => Ok(Signing::Vlek),
        (false, true) => Ok(Signing::Vcek),
        _ => Err(malformed(PLACE, "a signing key that is neither ASK nor ASVK")),
    }
}

/// The dates of each list, after its signature and the signing keys were checked.
fn lists(provider: &dyn Provider, root: &Certificate<'_>, below: &[Certificate<'_>], texts: &[String]) -> Result<Vec<Span>> {
    let place = "AMD revocation list";
    if texts.len() > MOST_LISTS {
        return Err(malformed(place, "more lists than AMD publishes"));
    }
    let mut all = Vec::with_capacity(texts.len());
    for text in texts {
        let der = STANDARD.decode(text).map_err(|_| malformed(place, "no base64"))?;
        let list = Crl::read(place, &der)?;
        if !list.signed_by(provider, root) {
            return Err(Fault::new("x509.crl-signature", place, "a list that the root did not sign", "吊销列表并非由该根签署"));
        }
        for certificate in below {
            if list.holds(certificate.serial) {
                return Err(Fault::new("x509.revoked", place, "a signing key that AMD revoked", "签名密钥已被 AMD 吊销")
                    .remedy("this chain must not be used", "不得使用该证书链"));
            }
        }
        all.push(list.span(place));
    }
    Ok(all)
}
