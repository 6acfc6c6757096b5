//! The card's certificates, from its attestation key up to NVIDIA's device identity root.

use crate::claims::Claims;
use crate::collateral::VerifiedCollateral;
use crate::crypto::Provider;
use crate::der::{Reader, tag};
use crate::fault::{Fault, Result, malformed};
use crate::instant::Span;
use crate::x509::{self, Anchor, Certificate, Chain, Crl, Revocation, oid};

const PLACE: &str = "certificates of the card";

/// NVIDIA Device Identity CA (2021-11-05), the root of Hopper and Blackwell. SHA-256 of its SubjectPublicKeyInfo:
/// `openssl x509 -in nvidia_device_root.pem -pubkey -noout | openssl pkey -pubin -outform der | sha256sum`,
/// the file being the one in nvtrust's verifier (`certs/verifier_device_root.pem`).
const ROOT: Anchor = Anchor([
    0xa9, 0x0c, 0x4e, 0xb5, 0xac, 0xfd, 0x3e, 0x3d, 0x03, 0xa2, 0x5d, 0xb6, 0xa2, 0x6b, 0x84, 0xf7, 0x20, 0xad, 0x05, 0x03, 0x19, 0x6c,
    0x62, 0x7c, 0x21, 0xdd, 0xd4, 0x8d, 0xd8, 0x5b, 0x06, 0xa4,
]);

/// Identity of firmware: Hopper's form (2.23.133.5.4.1 with a composite device identity) and DiceTcbInfo (2.23.133.5.4.1.1).
const COMPOSITE: &[u8] = &[0x67, 0x81, 0x05, 5, 4, 1];
const TCB_INFO: &[u8] = &[0x67, 0x81, 0x05, 5, 4, 1, 1];
/// Subject alternative name, and in it the name of an SPDM device (1.3.6.1.4.1.412.274.1): `NVIDIA:GH100:serial`.
const OTHER_NAMES: &[u8] = &[0x55, 0x1d, 17];
const SPDM_DEVICE: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x83, 0x1c, 0x82, 0x12, 0x01];

/// The attestation key and what its certificate says.
pub(super) struct Signer {
    pub(super) point: Vec<u8>,
    /// Firmware that may hold the key.
    pub(super) firmware: Vec<Vec<u8>>,
    pub(super) span: Span,
}

impl Signer {
    /// Checks the chain.
    pub(super) fn read(provider: &dyn Provider, chain: &[u8], collateral: &VerifiedCollateral, claims: &mut Claims) -> Result<Self> {
        let ders = x509::certificates(PLACE, chain)?;
        let certificates = ders.iter().map(|der| Certificate::read(PLACE, der)).collect::<Result<Vec<_>>>()?;
        let lists = collateral
            .nvidia
            .iter()
            .flat_map(|entry| entry.lists.iter())
            .map(|der| Crl::read("nvidia revocation list", der))
            .collect::<Result<Vec<_>>>()?;
        let chain = Chain {
            place: PLACE,
            certificates: &certificates,
            anchors: &[ROOT],
            lists: &lists,
            revocation: Revocation::WhereGiven,
            known: &[],
        };
        let span = chain.verify(provider)?;
        let leaf = certificates.first().ok_or_else(|| malformed(PLACE, "no certificate"))?;
        if leaf.is_ca || !leaf.may_sign_data() {
            return Err(Fault::new(
                "nvidia.leaf",
                PLACE,
                "the first certificate is not one of an attestation key",
                "第一张证书不是证明密钥证书",
            ));
        }
        let has_lists = certificates.iter().skip(1).all(|issuer| lists.iter().any(|list| list.issuer == issuer.subject));
        claims.set("collateral.revocation", has_lists);
        if let Some(device) = device(leaf)? {
            claims.set("nvidia.device", device);
        }
        Ok(Self { point: leaf.key.bytes().to_vec(), firmware: firmware(leaf)?, span })
    }
}

/// The firmware identities of the leaf. SHA-384 is the only hash there is.
fn firmware(leaf: &Certificate<'_>) -> Result<Vec<Vec<u8>>> {
    if let Some(value) = leaf.extension(COMPOSITE) {
        let mut all = Reader::new(PLACE, value);
        let mut body = all.enter(tag::SEQUENCE)?;
        all.end()?;
        if body.number()? != 1 {
            return Err(malformed(PLACE, "a composite device identity that is not of version 1"));
        }
        body.element(tag::SEQUENCE)?;
        let identity = identity(&mut body)?;
        body.end()?;
        return Ok(vec![identity]);
    }
    let value = leaf.extension(TCB_INFO).ok_or_else(|| malformed(PLACE, "a certificate without the identity of the firmware"))?;
    let mut all = Reader::new(PLACE, value);
    let mut body = all.enter(tag::SEQUENCE)?;
    all.end()?;
    let mut found = Vec::new();
    while !body.is_empty() {
        let element = body.any()?;
        // [6] fwids: a list of identities (DICE Attestation Architecture, section 6.1.1)
        if element.tag == 0xa6 {
            let mut list = Reader::new(PLACE, element.content);
            while !list.is_empty() {
                // empty slots are written as zeros
                let one = identity(&mut list)?;
                if one.iter().any(|byte| *byte != 0) {
                    found.push(one);
                }
            }
        }
    }
    Ok(found)
}

/// `SEQUENCE { hash algorithm, digest }`.
fn identity(reader: &mut Reader<'_>) -> Result<Vec<u8>> {
    let mut one = reader.enter(tag::SEQUENCE)?;
    let (algorithm, digest) = (one.content(tag::OID)?, one.content(tag::OCTET_STRING)?);
    one.end()?;
    if algorithm == oid::SHA384 && digest.len() == 48 {
        Ok(digest.to_vec())
    } else {
        Err(malformed(PLACE, "a firmware identity that is no SHA-384"))
    }
}

/// `GH100:48B02D...` from the other name of the leaf.
fn device<'a>(leaf: &Certificate<'a>) -> Result<Option<&'a str>> {
    let Some(value) = leaf.extension(OTHER_NAMES) else { return Ok(None) };
    let mut all = Reader::new(PLACE, value);
    let mut names = all.enter(tag::SEQUENCE)?;
    all.end()?;
    while !names.is_empty() {
        let element = names.any()?;
        let mut name = Reader::new(PLACE, element.content);
        // [0] otherName
        if element.tag == 0xa0 && name.content(tag::OID)? == SPDM_DEVICE {
            let mut inner = name.enter(0xa0)?;
            let text = inner.content(0x0c)?;
            inner.end()?;
            name.end()?;
            return Ok(std::str::from_utf8(text).ok().and_then(|text| text.strip_prefix("NVIDIA:")));
        }
    }
    Ok(None)
}
