//! NVIDIA graphics cards in confidential mode: an SPDM 1.1 measurement report (DMTF DSP0274, section 10.11) with NVIDIA's own fields.
//!
//! The evidence's body is what the driver hands out: the request (with the verifier's nonce) and the response, both signed as one
//! by the card's attestation key, whose certificates go up to NVIDIA's device identity root, which is pinned. Hopper and Blackwell
//! have the same format.
//!
//! Report data: the nonce of the request, 32 bytes.
//!
//! Reference values (RIM) are published as XML signed with XML-DSig. They are *not* read here: canonical XML is a format in which
//! verifiers of the whole industry had holes for twenty years, and nothing of it must run beside keys. Whoever makes the bundle
//! checks the RIM with NVIDIA's tool and puts the list of values into the entry, and the bundle's signature vouches for it. A report
//! that does not fit them gets the claim `nvidia.driver-reference` or `nvidia.vbios-reference` false: a policy item.
//!
//! What the report does not say: whether the card runs in developer mode (`evidence.debug` stays unset, so that a policy which asks
//! for it denies), and which machine it is plugged into. NVIDIA has no revocation lists for devices but an online service, so
//! `collateral.revocation` is false unless the entry carries lists.

mod certificate;
mod opaque;
mod reference;
mod report;

use serde::{Deserialize, Serialize};

use crate::claims::{ClaimType, Claims, Definition};
use crate::collateral::VerifiedCollateral;
use crate::crypto::{Form, Provider, Scheme};
use crate::evidence::{Evidence, Part};
use crate::fault::{Fault, Result};
use crate::instant::Instant;
use crate::verify::Finding;

pub(crate) use reference::{Endorsement, endorse};
pub use reference::{Reference, Subject};

pub(crate) const SCHEMA: &[Definition] = &[
    Definition::new(
        "nvidia.device",
        ClaimType::Text,
        "architecture and serial number, as the card's certificate has them",
        "架构与序列号（来自证书）",
    ),
    Definition::new("nvidia.driver", ClaimType::Text, "version of the driver", "驱动版本"),
    Definition::new("nvidia.vbios", ClaimType::Text, "version of the card's firmware (VBIOS)", "显卡固件版本"),
    Definition::new("nvidia.project", ClaimType::Text, "project of the board", "板卡项目号"),
    Definition::new("nvidia.project-sku", ClaimType::Text, "variant of the project", "板卡项目型号"),
    Definition::new("nvidia.chip-sku", ClaimType::Text, "variant of the chip", "芯片型号"),
    Definition::new("nvidia.chip", ClaimType::Text, "name of the chip", "芯片名称"),
    Definition::bytes("nvidia.firmware", 48, "identity of the firmware that holds the attestation key", "持有证明密钥的固件标识"),
    Definition::new("nvidia.measurements", ClaimType::List, "measurement blocks: number and SHA-384", "度量块：编号与 SHA-384"),
    Definition::new("nvidia.measurement-counts", ClaimType::List, "how often each block was extended", "各度量块的扩展次数"),
    Definition::new("nvidia.video-decoder", ClaimType::Flag, "video decoder 0 is on", "视频解码器 0 已启用"),
    Definition::new("nvidia.protected-pcie", ClaimType::Flag, "several cards behind protected PCIe", "多卡受保护 PCIe 模式"),
    Definition::new("nvidia.feature", ClaimType::Number, "mode of pass-through as the report writes it", "直通模式标志"),
    Definition::new("nvidia.gpu-info", ClaimType::Bytes, "state of the card as the report writes it", "显卡状态字段"),
    Definition::new(
        "nvidia.driver-reference",
        ClaimType::Flag,
        "all blocks fit the reference values of the driver",
        "度量与驱动参考值一致",
    ),
    Definition::new(
        "nvidia.vbios-reference",
        ClaimType::Flag,
        "all blocks fit the reference values of the firmware",
        "度量与固件参考值一致",
    ),
    Definition::new("nvidia.mismatches", ClaimType::List, "blocks that do not fit their reference values", "与参考值不符的度量块"),
];

/// Collateral as it travels. NVIDIA's root is pinned in this crate; the chain comes with the evidence.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Reference values. At most 256.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub references: Vec<Reference>,
    /// Revocation lists of the chain's issuers, base64 of DER or PEM, where there are any. At most 16.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<String>,
}

/// Checks a report: chain to the pinned root, signature, firmware identity; compares measurements with reference values.
pub(crate) fn verify(provider: &dyn Provider, evidence: &Evidence, collateral: &VerifiedCollateral, _at: Instant) -> Result<Finding> {
    let report = report::Report::read(evidence.body())?;
    let mut claims = Claims::new();
    let chain = evidence.need(Part::Certificates, "certificates of the card")?;
    let signer = certificate::Signer::read(provider, chain, collateral, &mut claims)?;
    if !provider.verify(Scheme::P384Sha384, Form::Fixed, &signer.point, report.signed, report.signature) {
        return Err(Fault::new(
            "nvidia.report-signature",
            "measurement report",
            "the card's key did not sign this report",
            "显卡密钥未签署该报告",
        ));
    }
    let opaque = opaque::Opaque::read(report.opaque)?;
    if !signer.firmware.iter().any(|identity| identity.as_slice() == opaque.firmware) {
        return Err(Fault::new(
            "nvidia.firmware",
            "measurement report",
            "the firmware in the report is not the one in the certificate",
            "报告中的固件标识与证书不符",
        ));
    }
    report.claims(&mut claims);
    opaque.claims(&mut claims);
    reference::compare(&report, &opaque, collateral, &mut claims)?;
    Ok(Finding { claims, report_data: report.nonce.to_vec(), span: signer.span, issued: None })
}
