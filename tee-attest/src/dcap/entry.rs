//! Collateral as it travels, and what is left of it after every signature was checked.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::json::hexadecimal;
use super::known::Known;
use super::pck::{Authority, Certificates, Chain, Platform};
use super::qe::{self, QeIdentity};
use super::quote::Tee;
use super::root::{self, Rooted};
use super::tcb::{self, TcbInfo};
use crate::crypto::{Form, Provider, Scheme};
use crate::der;
use crate::fault::{Fault, Result, malformed};
use crate::instant::{Instant, Span};
use crate::x509::{Certificate, Crl, Serials};

/// The largest documents that Intel publishes have some tens of kilobytes.
const MOST_TEXT: usize = 1 << 20;

/// Collateral for one kind of platform (FMSPC), one authority of Intel and one environment, as version 4 of Intel's API gives
/// it (and `dcap-qvl` and PCCS servers store it).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// PEM: the authority whose list `pck_crl` is, then Intel's root.
    pub pck_crl_issuer_chain: String,
    /// DER in hexadecimal: what the root revoked.
    pub root_ca_crl: String,
    /// DER in hexadecimal: what the authority revoked.
    pub pck_crl: String,
    /// PEM: signer of the TCB info, then Intel's root.
    pub tcb_info_issuer_chain: String,
    /// The object `tcbInfo`, byte for byte as it was signed.
    pub tcb_info: String,
    /// r then s, 64 bytes, in hexadecimal.
    pub tcb_info_signature: String,
    /// PEM: signer of the identity, then Intel's root.
    pub qe_identity_issuer_chain: String,
    /// The object `enclaveIdentity`, byte for byte as it was signed.
    pub qe_identity: String,
    /// r then s, 64 bytes, in hexadecimal.
    pub qe_identity_signature: String,
    /// PEM, leaf first: certificates of one platform. An entry that has them is for this platform only; it serves
    /// quotes that name their platform without bringing its certificates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pck_certificate_chain: Option<String>,
}

/// Collateral whose signatures were checked.
#[derive(Debug)]
pub(crate) struct Endorsement {
    pub(super) tee: Tee,
    pub(super) authority: Authority,
    /// Certificates of the authority and of the root.
    authority_der: Vec<u8>,
    root_der: Vec<u8>,
    /// Serial numbers that the root and the authority revoked.
    revoked_by_root: Serials,
    revoked: Serials,
    /// Dates of root, authority and their lists: those that a platform's chain shares.
    above: Span,
    pub(super) tcb: TcbInfo,
    pub(super) qe: QeIdentity,
    /// The platform that the entry is for, where it names one.
    pub(super) platform: Option<Arc<Platform>>,
    /// Dates of everything.
    pub(super) span: Span,
    /// When the oldest of what Intel renews monthly was issued: TCB info, identity, the authority's list.
    pub(super) issued: Instant,
    /// When the root's list was issued, which Intel renews once a year.
    pub(super) root_list_issued: Instant,
    pub(super) known: Known,
}

impl Endorsement {
    /// The dates of everything in it.
    pub(crate) fn spans(&self) -> Vec<Span> {
        vec![self.span.clone()]
    }
}

/// Checks every signature of an entry, from Intel's root down.
pub(crate) fn endorse(provider: &dyn Provider, entry: &Entry) -> Result<Endorsement> {
    let texts = [&entry.tcb_info, &entry.qe_identity, &entry.pck_crl, &entry.root_ca_crl];
    if texts.iter().any(|text| text.len() > MOST_TEXT) {
        return Err(malformed("collateral", "a document of more than 1 MiB"));
    }
    let [authority_der, root_der] = pair("pck crl issuer chain", &entry.pck_crl_issuer_chain)?;
    let (root_list, list) = (binary("root crl", &entry.root_ca_crl)?, binary("pck crl", &entry.pck_crl)?);
    let rooted = Rooted::new(provider, Certificate::read("root certificate", &root_der)?, Crl::read("root crl", &root_list)?)?;

    let place = "pck authority certificate";
    let issuer = Certificate::read(place, &authority_der)?;
    rooted.issued(provider, place, &issuer, 1)?;
    let authority = Authority::of(issuer.common_name(place)?).ok_or_else(|| malformed(place, "neither of Intel's two authorities"))?;
    let list = Crl::read("pck crl", &list)?;
    if !list.signed_by(provider, &issuer) {
        return Err(Fault::new("x509.crl-signature", "pck crl", "a signature that does not verify", "签名无效"));
    }

    let signer = Signer::read(provider, &rooted, "tcb info issuer chain", &entry.tcb_info_issuer_chain)?;
    signer.check(provider, "tcb info", &entry.tcb_info, &entry.tcb_info_signature)?;
    let tcb = TcbInfo::read(&entry.tcb_info)?;
    let mut signers = signer.span.clone();
    if entry.qe_identity_issuer_chain == entry.tcb_info_issuer_chain {
        signer.check(provider, "qe identity", &entry.qe_identity, &entry.qe_identity_signature)?;
    } else {
        let signer = Signer::read(provider, &rooted, "qe identity issuer chain", &entry.qe_identity_issuer_chain)?;
        signer.check(provider, "qe identity", &entry.qe_identity, &entry.qe_identity_signature)?;
        signers = signers.and(signer.span);
    }
    let qe = QeIdentity::read(&entry.qe_identity)?;
    let tee = match (tcb.id, qe.id) {
        (tcb::Id::Sgx, qe::Id::Sgx) => Tee::Sgx,
        (tcb::Id::Tdx, qe::Id::Tdx) => Tee::Tdx,
        _ => return Err(malformed("collateral", "TCB info and the identity of the quoting enclave are for two environments")),
    };

    let above = rooted
        .root
        .span("root certificate")
        .and(rooted.list.span("root crl"))
        .and(issuer.span("pck authority certificate"))
        .and(list.span("pck crl"));
    let span = above.clone().and(signers).and(Span::new("tcb info", tcb.issue_date, tcb.next_update)).and(Span::new(
        "qe identity",
        qe.issue_date,
        qe.next_update,
    ));
    let mut endorsement = Endorsement {
        tee,
        authority,
        revoked_by_root: rooted.list.serials(),
        revoked: list.serials(),
        above,
        issued: tcb.issue_date.min(qe.issue_date).min(list.this_update),
        root_list_issued: rooted.list.this_update,
        tcb,
        qe,
        platform: None,
        span,
        known: Known::new(),
        authority_der: issuer.der.to_vec(),
        root_der: rooted.root.der.to_vec(),
    };
    if let Some(pem) = &entry.pck_certificate_chain {
        let chain = Chain::read(pem.as_bytes())?;
        let platform = endorsement.platform(provider, &chain, &chain.certificates()?)?;
        if platform.facts.fmspc != endorsement.tcb.fmspc || platform.facts.pce_id != endorsement.tcb.pce_id {
            return Err(malformed("pck certificate chain", "certificates of another kind of platform than the TCB info"));
        }
        endorsement.platform = Some(Arc::new(platform));
    }
    Ok(endorsement)
}

impl Endorsement {
    /// Verifies the certificates of a platform.
    pub(super) fn platform(&self, provider: &dyn Provider, chain: &Chain, read: &Certificates<'_>) -> Result<Platform> {
        let place = "pck authority certificate";
        let mut above = self.above.clone();
        if chain.root() != self.root_der {
            let other = Certificate::read("root certificate", chain.root())?;
            root::check(provider, "pck certificate chain", &other)?;
            above = above.and(other.span("root certificate in the quote"));
        }
        let other = &read.authority;
        if chain.authority() == self.authority_der {
            // the same bytes were checked already
            return read.platform(provider, (self.authority, other), &self.revoked, above);
        }
        // another certificate must be one of the same name and key, whose list we hold
        let root = Certificate::read("root certificate", &self.root_der)?;
        let issuer = Certificate::read(place, &self.authority_der)?;
        crate::x509::link(provider, place, &root, other, 1)?;
        if self.revoked_by_root.holds(other.serial) {
            return Err(root::revoked(place));
        }
        if other.subject != issuer.subject || other.key.spki() != issuer.key.spki() || other.unknown_critical(&[]).is_some() {
            return Err(malformed(place, "an authority of the same name with another key than the one in the collateral"));
        }
        let above = above.and(other.span("pck authority certificate in the quote"));
        read.platform(provider, (self.authority, &issuer), &self.revoked, above)
    }
}

/// Who signs Intel's documents.
struct Signer {
    key: Vec<u8>,
    span: Span,
}

impl Signer {
    /// A certificate that the root itself issued for this purpose: no other of Intel's certificates may sign documents.
    fn read(provider: &dyn Provider, rooted: &Rooted<'_>, place: &'static str, pem: &str) -> Result<Self> {
        let [signer, root] = pair(place, pem)?;
        let mut span = Span::always();
        if root != rooted.root.der {
            let other = Certificate::read(place, &root)?;
            root::check(provider, place, &other)?;
            span = other.span("root certificate");
        }
        let signer = Certificate::read(place, &signer)?;
        rooted.issued(provider, place, &signer, 0)?;
        if signer.is_ca || !signer.may_sign_data() || signer.common_name(place)? != Some(b"Intel SGX TCB Signing") {
            return Err(malformed(place, "a certificate that is not for signing TCB info"));
        }
        if !signer.key.fits(Scheme::P256Sha256) {
            return Err(malformed(place, "a key that is not on P-256"));
        }
        Ok(Self { key: signer.key.bytes().to_vec(), span: span.and(signer.span(place)) })
    }

    fn check(&self, provider: &dyn Provider, place: &'static str, text: &str, signature: &str) -> Result<()> {
        let signature = binary(place, signature)?;
        if provider.verify(Scheme::P256Sha256, Form::Fixed, &self.key, text.as_bytes(), &signature) {
            return Ok(());
        }
        Err(Fault::new("dcap.collateral-signature", place, "Intel's signature does not verify", "英特尔签名无效")
            .remedy("fetch the collateral again, and keep the text byte for byte", "请重新获取背书材料，并逐字节保留原文"))
    }
}

/// Two certificates.
fn pair(place: &'static str, pem: &str) -> Result<[Vec<u8>; 2]> {
    der::pem(place, "CERTIFICATE", pem)?
        .try_into()
        .map_err(|blocks: Vec<_>| malformed(place, format!("{} certificates where 2 are due", blocks.len())))
}

fn binary(place: &'static str, text: &str) -> Result<Vec<u8>> {
    hexadecimal(text).ok_or_else(|| malformed(place, "not hexadecimal"))
}
