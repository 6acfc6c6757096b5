//! Hygon CSV: attestation reports signed with SM2 over SM3 (GB/T 32918.2, GB/T 32905).
//!
//! | open | for |
//! |---|---|
//! | `report` | reports of version 1 (2548 bytes) and of version 2 (3380 bytes, with run-time registers) |
//! | `certificate` | Hygon's two forms of certificates: authorities (HRK, HSK) and chips (CEK, PEK) |
//! | `json` | the form in which Trustee's attesters send a report |
//! | `claims` | what a report says, as claims |
//!
//! Chain: HRK (root, pinned) -> HSK -> CEK (chip) -> PEK (platform, in the report) -> report. Certificates have no dates, and
//! Hygon publishes no revocation lists and no list of TCBs: `collateral.revocation` is false, `tcb.status` is not set.
//!
//! **What the signature of version 1 does not cover.** The report is written XOR a mask of four bytes (`anonce`), the signature
//! covers the masked bytes, and the mask itself is not signed. Who can change a report on its way can therefore choose another
//! mask and shift every field by the same four bytes, over and over. It shifts measurement, report data and policy at once, so
//! whoever compares the measurement or the report data notices; the policy alone proves nothing. Bindings compare the
//! report data, and no default policy affirms evidence without one. Version 2 signs everything and has no mask.

mod certificate;
mod claims;
mod json;
mod report;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::collateral::VerifiedCollateral;
use crate::crypto::Provider;
use crate::evidence::{Evidence, Part};
use crate::fault::{Fault, Result, malformed};
use crate::instant::{Instant, Span};
use crate::verify::Finding;

use certificate::{Authority, Certificate, Signer, Usage};
pub(crate) use claims::SCHEMA;
use report::Report;

/// A domain has hundreds of chips.
const MOST_CHIPS: usize = 4096;

/// SHA-256 of the root's public key (HRK) as the point `04 || x || y`, big-endian. Source: `hrk.cert`, which Hygon publishes
/// and which is part of the crate `csv-rs` and of Trustee; x and y are little-endian at offsets 68 and 140 of it.
const ROOT: [u8; 32] = [
    0xbd, 0x1a, 0xf2, 0x8a, 0x0d, 0x2f, 0x64, 0xe8, 0x94, 0xfe, 0xb6, 0x9e, 0x0e, 0xb6, 0x07, 0x5e, 0x62, 0x9d, 0x3a, 0x9e, 0x3a, 0x4e,
    0x8c, 0xf1, 0x16, 0xd9, 0x24, 0x90, 0xc5, 0x90, 0x53, 0x4a,
];

/// Collateral as it travels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The root certificate (HRK), 832 bytes in base64.
    pub root: String,
    /// Chips.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chips: Vec<Chip>,
}

/// Certificates of one chip.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Chip {
    /// Serial number, under which Hygon's server gives the certificates. No certificate names it: the bundle vouches for it.
    pub serial: String,
    /// HSK then CEK, 2916 bytes in base64, as Hygon's server gives them.
    pub certificates: String,
}

/// Collateral whose signatures were checked.
#[derive(Debug)]
pub(crate) struct Endorsement {
    root: Signer,
    chips: Vec<(String, Signer)>,
}

impl Endorsement {
    /// No dates: Hygon's certificates have none.
    #[expect(clippy::unused_self, reason = "as every maker's")]
    pub(crate) fn spans(&self) -> Vec<crate::instant::Span> {
        Vec::new()
    }
}

/// Checks the root against its pin, and every chip's certificates.
pub(crate) fn endorse(_provider: &dyn Provider, entry: &Entry) -> Result<Endorsement> {
    let place = "HRK certificate";
    let bytes = STANDARD.decode(&entry.root).map_err(|_| malformed(place, "no base64"))?;
    let root = Authority::read(place, &bytes, Usage::Hrk)?;
    if crate::crypto::sha256(&[&root.signer().point]) != ROOT {
        return Err(Fault::new("csv.root", place, "not the root that is pinned", "根证书不是已固定的海光根")
            .remedy("use the HRK certificate that Hygon publishes", "请使用海光发布的 HRK 证书"));
    }
    root.check(root.signer())?;
    if entry.chips.len() > MOST_CHIPS {
        return Err(malformed("chips", format!("more than {MOST_CHIPS}")));
    }
    let mut endorsement = Endorsement { root: root.signer().clone(), chips: Vec::with_capacity(entry.chips.len()) };
    // chips of one line share their HSK: what was checked is not checked again
    let mut checked = None;
    for chip in &entry.chips {
        let place = format!("chip `{}`", chip.serial.chars().take(64).collect::<String>());
        let bytes = STANDARD.decode(&chip.certificates).map_err(|_| malformed(place.clone(), "no base64"))?;
        let key = chip_key(&endorsement.root, &bytes, &mut checked).map_err(|fault| fault.inside(&place))?;
        if chip.serial.is_empty() || endorsement.chips.iter().any(|(other, _)| *other == chip.serial) {
            return Err(malformed(place, "a serial number that is empty, or twice"));
        }
        endorsement.chips.push((chip.serial.clone(), key));
    }
    Ok(endorsement)
}

/// The chip's key from HSK and CEK. `checked`: an HSK that the root was seen to sign.
fn chip_key(root: &Signer, bytes: &[u8], checked: &mut Option<Vec<u8>>) -> Result<Signer> {
    let (hsk, cek) =
        bytes.split_at_checked(certificate::AUTHORITY_LENGTH).ok_or_else(|| malformed("HSK and CEK certificates", "too short"))?;
    let authority = Authority::read("HSK certificate", hsk, Usage::Hsk)?;
    if checked.as_deref() != Some(hsk) {
        authority.check(root)?;
        *checked = Some(hsk.to_vec());
    }
    let chip = Certificate::read("CEK certificate", cek, Usage::Cek)?;
    chip.check(authority.signer(), Usage::Hsk)?;
    Ok(chip.signer().clone())
}

/// Checks a report. The chip's certificates come from the collateral (by serial number) or with the evidence.
pub(crate) fn verify(_provider: &dyn Provider, evidence: &Evidence, collateral: &VerifiedCollateral, _at: Instant) -> Result<Finding> {
    let (report, carried) = match evidence.body() {
        json @ [b'{', ..] => json::read(json)?,
        raw => (Report::read(raw)?, None),
    };
    let carried = carried.or_else(|| evidence.part(Part::Certificates).map(<[u8]>::to_vec));
    let serial = report.serial()?;
    let known = collateral.csv.iter().flat_map(|endorsement| &endorsement.chips).find(|(known, _)| known == serial);
    let chip = match (known, carried) {
        (Some((_, key)), _) => key.clone(),
        (None, Some(bytes)) => {
            let endorsement = collateral.csv.first().ok_or_else(|| missing(serial))?;
            chip_key(&endorsement.root, &bytes, &mut None)?
        }
        (None, None) => return Err(missing(serial)),
    };
    let platform = Certificate::read("PEK certificate", report.platform(), Usage::Pek)?;
    platform.check(&chip, Usage::Cek)?;
    if !platform.signer().verify(report.signed(), &report.signature()?) {
        return Err(Fault::new("csv.report-signature", "CSV report", "the signature of the report does not verify", "报告签名无效"));
    }
    let claims = claims::claims(&report, &platform, &chip, known.map(|(serial, _)| serial.as_str()));
    Ok(Finding { claims, report_data: report.field("report-data").to_vec(), span: Span::always(), issued: None })
}

fn missing(serial: &str) -> Fault {
    Fault::new("csv.no-collateral", "CSV report", format!("no certificates of the chip `{serial}`"), format!("缺少芯片 `{serial}` 的证书"))
        .remedy(
            "fetch HSK and CEK of this chip from Hygon's server and put them into the bundle, with the root certificate HRK",
            "请从海光服务器获取该芯片的 HSK 和 CEK，与根证书 HRK 一并放入背书材料",
        )
}
