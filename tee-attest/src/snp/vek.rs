//! Endorsement keys: certificates of the keys that sign reports, with what they say about chip and TCB.

use super::report::Report;
use super::tcb::{Product, Tcb};
use crate::der::{Reader, tag};
use crate::fault::{Fault, Result, malformed};
use crate::instant::Span;
use crate::x509::Certificate;

/// Whose key signed a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signing {
    /// Versioned Chip Endorsement Key.
    Vcek,
    /// Versioned Loaded Endorsement Key, of a cloud operator.
    Vlek,
}

impl Signing {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Vcek => "vcek",
            Self::Vlek => "vlek",
        }
    }
}

/// 1.3.6.1.4.1.3704.1, AMD's arc of certificate extensions (57230, table "VCEK Certificate Extensions").
const ARC: [u8; 8] = [0x2b, 6, 1, 4, 1, 0x9c, 0x78, 1];
const STRUCTURE: &[u8] = &[1];
const PRODUCT: &[u8] = &[2];
const HWID: &[u8] = &[4];
const OPERATOR: &[u8] = &[5];
const BOOTLOADER: &[u8] = &[3, 1];
const TEE: &[u8] = &[3, 2];
const SNP: &[u8] = &[3, 3];
/// Four versions that no product uses yet (Turin has three of them).
const UNUSED: [&[u8]; 4] = [&[3, 4], &[3, 5], &[3, 6], &[3, 7]];
const MICROCODE: &[u8] = &[3, 8];
const FMC: &[u8] = &[3, 9];

/// What an endorsement key's certificate says. Made from certificates whose signature was checked.
#[derive(Debug)]
pub(super) struct Vek {
    pub(super) signing: Signing,
    pub(super) product: Product,
    /// The key, `04 || x || y` on P-384.
    pub(super) point: [u8; 97],
    /// As the report writes it.
    tcb: [u8; 8],
    /// VCEK: the chip. 8 or 64 bytes.
    pub(super) chip: Option<Vec<u8>>,
    /// VLEK: the operator.
    pub(super) operator: Option<String>,
    pub(super) span: Span,
    /// The certificate itself.
    pub(super) der: Vec<u8>,
}

impl Vek {
    /// Reads the extensions of a certificate that an authority of `product` signed for keys of kind `signing`.
    pub(super) fn read(certificate: &Certificate<'_>, product: Product, signing: Signing) -> Result<Self> {
        let place = match signing {
            Signing::Vcek => "VCEK certificate",
            Signing::Vlek => "VLEK certificate",
        };
        let raw = |suffix: &[u8]| -> Option<&[u8]> {
            let mut known = certificate.extensions.iter();
            known.find(|one| one.oid.strip_prefix(&ARC) == Some(suffix)).map(|one| one.value)
        };
        let version = |suffix: &[u8]| raw(suffix).map(|value| byte(place, value)).transpose();
        let need = |suffix: &[u8]| version(suffix)?.ok_or_else(|| malformed(place, "no version of a part of the TCB"));

        if version(STRUCTURE)?.is_none_or(|structure| structure > 1) {
            return Err(malformed(place, "extensions of a structure that is not known"));
        }
        let name = raw(PRODUCT).ok_or_else(|| malformed(place, "no product name")).and_then(|value| text(place, value))?;
        if !product.has_name(name) {
            return Err(Fault::new("snp.product", place, "a product of another root", "证书中的产品与根证书不符"));
        }
        for suffix in UNUSED {
            if version(suffix)?.is_some_and(|version| version != 0) {
                return Err(malformed(place, "a part of the TCB that is not known"));
            }
        }
        let fmc = match product {
            Product::Turin => Some(need(FMC)?),
            Product::Milan | Product::Genoa if raw(FMC).is_some() => return Err(malformed(place, "a part of the TCB of another product")),
            Product::Milan | Product::Genoa => None,
        };
        let tcb = Tcb { fmc, bootloader: need(BOOTLOADER)?, tee: need(TEE)?, snp: need(SNP)?, microcode: need(MICROCODE)? };
        let (chip, operator) = match (signing, raw(HWID), raw(OPERATOR)) {
            (Signing::Vcek, Some(chip), None) if chip.len() == product.chip_length() => (Some(chip.to_vec()), None),
            (Signing::Vlek, None, Some(operator)) => (None, Some(text(place, operator)?.to_owned())),
            _ => return Err(malformed(place, "neither a chip's key nor an operator's")),
        };
        let point = <[u8; 97]>::try_from(certificate.key.bytes()).map_err(|_| malformed(place, "a key that is not on the curve P-384"))?;
        if !certificate.key.fits(crate::crypto::Scheme::P384Sha384) || !certificate.may_sign_data() {
            return Err(malformed(place, "a key that may not sign reports"));
        }
        Ok(Self { signing, product, point, tcb: tcb.bytes(), chip, operator, span: certificate.span(place), der: certificate.der.to_vec() })
    }

    /// Whether this key may have signed the report: a quick answer for the search through many keys.
    pub(super) fn fits(&self, report: &Report<'_>) -> bool {
        self.tcb == report.reported_tcb() && self.is_of_chip(report) && self.check(report).is_ok()
    }

    fn is_of_chip(&self, report: &Report<'_>) -> bool {
        let (Some(own), Some(chip)) = (&self.chip, report.chip()) else { return true };
        chip.strip_prefix(own.as_slice()).is_some_and(|rest| rest.iter().all(|byte| *byte == 0))
    }

    /// Whether this key is of the chip and the TCB that the report names.
    pub(super) fn check(&self, report: &Report<'_>) -> Result<()> {
        if report.signing() != self.signing {
            return Err(self.differs("snp.signing-key", "a key of another kind than the one that signed", "密钥种类与签名密钥不符"));
        }
        if report.product().is_some_and(|product| product != self.product) {
            return Err(self.differs(
                "snp.product",
                "a key of another product than the report's processor",
                "密钥与报告中的处理器产品不符",
            ));
        }
        // version 2 does not name the processor: the product is the one whose root vouches for the key
        if self.tcb != report.reported_tcb() {
            return Err(self
                .differs("snp.tcb-mismatch", "a key of another TCB than the one reported", "密钥对应的 TCB 与报告不符")
                .remedy("fetch the key for the reported TCB", "请获取与所报 TCB 对应的密钥证书"));
        }
        if !self.is_of_chip(report) {
            return Err(self.differs("snp.chip-mismatch", "a key of another chip", "密钥属于另一颗芯片"));
        }
        Ok(())
    }

    fn differs(&self, code: &'static str, en: &str, zh: &str) -> Fault {
        Fault::new(code, format!("{} certificate", self.signing.name().to_uppercase()), en, zh)
    }
}

/// A version: an INTEGER below 256.
fn byte(place: &'static str, value: &[u8]) -> Result<u8> {
    let mut reader = Reader::new(place, value);
    let number = reader.number()?;
    reader.end()?;
    u8::try_from(number).map_err(|_| malformed(place, "a version above 255"))
}

/// An IA5String.
fn text<'a>(place: &'static str, value: &'a [u8]) -> Result<&'a str> {
    let mut reader = Reader::new(place, value);
    let content = reader.content(tag::IA5_STRING)?;
    reader.end()?;
    std::str::from_utf8(content)
        .ok()
        .filter(|text| text.is_ascii() && text.len() <= 128)
        .ok_or_else(|| malformed(place, "a name that is no text"))
}
