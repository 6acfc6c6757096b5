//! Reference values: what the blocks of a report must be for one version of the driver, or of the firmware of one board.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::opaque::Opaque;
use super::report::{DIGEST, Report};
use crate::claims::Claims;
use crate::collateral::VerifiedCollateral;
use crate::crypto::Provider;
use crate::fault::{Fault, Result, malformed};
use crate::x509::{self, Crl};

const PLACE: &str = "nvidia entry";
/// The video decoder's number in reference values; where it is off its block is not compared, as NVIDIA's own verifier has it.
const VIDEO_DECODER: u8 = 35;

/// What reference values are of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Subject {
    /// The driver: `version` as in `nvidia.driver`.
    Driver {
        /// Its version, for example `550.90.07`.
        version: String,
        /// The chip as in `nvidia.device`, for example `GH100`.
        chip: String,
    },
    /// The firmware of a board.
    Vbios {
        /// Its version, for example `96.00.9f.00.01`.
        version: String,
        /// As in `nvidia.project`.
        project: String,
        /// As in `nvidia.project-sku`.
        project_sku: String,
        /// As in `nvidia.chip-sku`.
        chip_sku: String,
    },
}

/// Reference values of one version, taken from a RIM whose signature the maker of the bundle checked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reference {
    /// Of what.
    pub subject: Subject,
    /// The RIM's active measurements: number in the RIM (counted from 0; block 1 of a report is number 0) and the values that are
    /// right, SHA-384 in hexadecimal.
    pub values: BTreeMap<u8, Vec<String>>,
}

/// The right values of each number.
type Values = BTreeMap<u8, Vec<Vec<u8>>>;

/// Reference values and lists, read.
#[derive(Debug)]
pub(crate) struct Endorsement {
    references: Vec<(Subject, Values)>,
    pub(super) lists: Vec<Vec<u8>>,
}

impl Endorsement {
    /// No dates: reference values have none.
    #[expect(clippy::unused_self, reason = "as every maker's")]
    pub(crate) fn spans(&self) -> Vec<crate::instant::Span> {
        Vec::new()
    }
}

/// Reads the values; every one is a digest and no number is empty.
pub(crate) fn endorse(_provider: &dyn Provider, entry: &super::Entry) -> Result<Endorsement> {
    if entry.references.len() > 256 || entry.lists.len() > 16 {
        return Err(malformed(PLACE, "more than 256 references or 16 lists"));
    }
    let mut references = Vec::with_capacity(entry.references.len());
    for reference in &entry.references {
        let mut values = BTreeMap::new();
        for (number, alternatives) in &reference.values {
            let read = alternatives
                .iter()
                .map(|text| hex::decode(text).ok().filter(|digest| digest.len() == DIGEST))
                .collect::<Option<Vec<_>>>()
                .filter(|all| !all.is_empty())
                .ok_or_else(|| malformed(PLACE, format!("number {number} has no value, or one that is no SHA-384")))?;
            values.insert(*number, read);
        }
        if values.is_empty() || references.iter().any(|(subject, _)| *subject == reference.subject) {
            return Err(malformed(PLACE, "a reference without values, or twice"));
        }
        references.push((reference.subject.clone(), values));
    }
    let lists = entry.lists.iter().map(|list| x509::one("nvidia revocation list", "X509 CRL", list)).collect::<Result<Vec<_>>>()?;
    for list in &lists {
        Crl::read("nvidia revocation list", list)?;
    }
    Ok(Endorsement { references, lists })
}

/// Compares the blocks with the reference values of this driver and this firmware, where the bundle has them.
pub(super) fn compare(report: &Report<'_>, opaque: &Opaque<'_>, collateral: &VerifiedCollateral, claims: &mut Claims) -> Result<()> {
    let device = match claims.get("nvidia.device") {
        Some(crate::claims::Value::Text(text)) => text.split(':').next().unwrap_or_default().to_owned(),
        _ => String::new(),
    };
    let (board, mut mismatches) = (opaque.board()?, Vec::new());
    let find = |wanted: &dyn Fn(&Subject) -> bool| {
        collateral.nvidia.iter().flat_map(|entry| entry.references.iter()).find(|(subject, _)| wanted(subject)).map(|(_, values)| values)
    };
    let driver = find(&|subject| matches!(subject, Subject::Driver { version, chip } if *version == opaque.driver && *chip == device));
    let vbios = find(&|subject| match subject {
        Subject::Vbios { version, project, project_sku, chip_sku } => {
            *version == opaque.vbios && (project, project_sku, chip_sku) == (&board.0, &board.1, &board.2)
        }
        Subject::Driver { .. } => false,
    });
    if let (Some(driver), Some(vbios)) = (driver, vbios)
        && let Some(number) = driver.keys().find(|number| vbios.contains_key(*number))
    {
        return Err(Fault::new(
            "nvidia.reference-conflict",
            PLACE,
            format!("driver and firmware both have a reference value number {number}"),
            format!("驱动与固件的参考值编号 {number} 冲突"),
        ));
    }
    for (values, claim) in [(driver, "nvidia.driver-reference"), (vbios, "nvidia.vbios-reference")] {
        let Some(values) = values else { continue };
        let wrong: Vec<u8> = values
            .iter()
            .filter(|(number, _)| **number != VIDEO_DECODER || opaque.has_video_decoder())
            .filter(|(number, right)| {
                let found = report.blocks.get(usize::from(**number)).copied();
                !right.iter().any(|value| Some(value.as_slice()) == found)
            })
            .map(|(number, _)| *number)
            .collect();
        claims.set(claim, wrong.is_empty());
        mismatches.extend(wrong.iter().map(|number| format!("block {}", u16::from(*number).saturating_add(1))));
    }
    if driver.is_some() || vbios.is_some() {
        claims.set("nvidia.mismatches", mismatches);
    }
    Ok(())
}
