//! Azure: the report of the paravisor (host compatibility layer, HCL) that stands between the hardware and the guest's TPM.
//!
//! ```text
//! 0     header, 32 bytes: "HCLA", version 1 or 2, size of the whole without padding, kind of request, status, reserved
//! 32    hardware report, 1184 bytes: an SNP report, or a TDREPORT of 1024 bytes and zero
//! 1216  runtime data: size with this header, version 1, type of report (2 SNP, 4 TDX), hash (1 SHA-256), length of JSON | JSON
//!       zero up to the end
//! ```
//! The paravisor puts the SHA-256 of the JSON into the report data. The SNP report must be one of VMPL 0: only there does the
//! paravisor run, and a guest below it could otherwise have its own report made over runtime data of its own.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use subtle::ConstantTimeEq as _;

use super::key::Endorsed;
use super::signature::rsa_key;
use crate::collateral::VerifiedCollateral;
use crate::crypto::{Provider, sha256};
use crate::evidence::{Evidence, Kind, Part};
use crate::fault::{Fault, Result, malformed};
use crate::instant::Instant;
use crate::layout::{Field, Layout, View};
use crate::verify::Finding;

const PLACE: &str = "HCL report";

const REPORT: Layout = Layout {
    name: PLACE,
    length: 1236,
    fields: &[
        Field::new("signature", 0, 4),
        Field::new("version", 4, 4),
        Field::new("size", 8, 4),
        Field::new("request", 12, 4),
        Field::new("status", 16, 4),
        Field::new("reserved", 20, 12),
        Field::new("hardware", 32, 1184),
        Field::new("runtime size", 1216, 4),
        Field::new("runtime version", 1220, 4),
        Field::new("runtime type", 1224, 4),
        Field::new("runtime hash", 1228, 4),
        Field::new("runtime length", 1232, 4),
    ],
};
const _: () = assert!(REPORT.sound());

/// The two fields of an SNP report (AMD 56860, table 23) that are looked at before its verifier runs.
const SNP: Layout = Layout {
    name: "SNP report inside the HCL report",
    length: 1184,
    fields: &[Field::new("vmpl", 0x30, 4), Field::new("report data", 0x50, 64)],
};
const _: () = assert!(SNP.sound());

/// The report data of a TDREPORT (Intel TDX module ABI, REPORTMACSTRUCT), and what follows it in the HCL's field.
const TDREPORT: Layout = Layout {
    name: "TDREPORT inside the HCL report",
    length: 1184,
    fields: &[Field::new("report data", 128, 64), Field::new("after", 1024, 160)],
};
const _: () = assert!(TDREPORT.sound());

/// The runtime data. The paravisor adds fields from time to time; what is not named here is not used.
#[derive(Deserialize)]
struct Runtime {
    keys: Vec<Jwk>,
    #[serde(rename = "vm-configuration")]
    configuration: Option<Configuration>,
    #[serde(rename = "user-data")]
    user_data: Option<String>,
}

#[derive(Deserialize)]
struct Jwk {
    kid: String,
    kty: String,
    key_ops: Vec<String>,
    n: String,
    e: String,
}

#[derive(Deserialize)]
struct Configuration {
    #[serde(rename = "secure-boot")]
    secure_boot: Option<bool>,
    #[serde(rename = "console-enabled")]
    console: Option<bool>,
    #[serde(rename = "vmUniqueId")]
    machine: Option<String>,
}

/// The key in the runtime data, endorsed by the hardware, with all claims of the hardware's own evidence.
pub(super) fn endorsed(
    provider: &dyn Provider,
    evidence: &Evidence,
    bytes: &[u8],
    collateral: &VerifiedCollateral,
    at: Instant,
) -> Result<(Vec<Endorsed>, Finding)> {
    let (report, after) = REPORT.read(bytes)?;
    let json = runtime(&report, after)?;
    let hash = sha256(&[json]);
    let hardware = report.field("hardware");
    let (endorsement, mut finding) = match report.number("runtime type") {
        2 => ("snp", snp(provider, evidence, hardware, collateral, at)?),
        4 => ("tdx", tdx(provider, evidence, hardware, collateral, at)?),
        other => return Err(malformed(PLACE, format!("runtime data of a report of type {other}"))),
    };
    let is_bound = finding
        .report_data
        .split_at_checked(hash.len())
        .is_some_and(|(head, tail)| bool::from(head.ct_eq(&hash)) && tail.iter().all(|byte| *byte == 0));
    if !is_bound {
        return Err(Fault::new(
            "tpm.runtime-data",
            PLACE,
            "the hardware's report was not made for these runtime data",
            "硬件报告并非针对这些运行时数据生成",
        ));
    }
    let runtime: Runtime =
        serde_json::from_slice(json).map_err(|_| malformed(PLACE, "runtime data that are not the JSON they should be"))?;
    let key = attestation_key(&runtime)?;
    say(&runtime, &mut finding)?;
    Ok((vec![Endorsed { spki: key, endorsement }], finding))
}

/// The JSON: what the lengths say, and zero after it.
fn runtime<'a>(report: &View<'a>, after: &'a [u8]) -> Result<&'a [u8]> {
    let fixed = [
        ("version", matches!(report.number("version"), 1 | 2)),
        ("signature", report.field("signature") == b"HCLA"),
        ("request", report.number("request") == 2),
        ("status", report.number("status") == 0),
        ("reserved", report.field("reserved").iter().all(|byte| *byte == 0)),
        ("runtime version", report.number("runtime version") == 1),
        ("runtime hash", report.number("runtime hash") == 1),
    ];
    if let Some((name, _)) = fixed.iter().find(|(_, fits)| !fits) {
        return Err(malformed(PLACE, format!("`{name}` has a value that is not known")));
    }
    let length = report.number("runtime length");
    let (json, padding) =
        usize::try_from(length).ok().and_then(|length| after.split_at_checked(length)).ok_or_else(|| malformed(PLACE, "it ends early"))?;
    let fits = report.number("runtime size") == length.saturating_add(20)
        && report.number("size") == length.saturating_add(1236)
        && padding.iter().all(|byte| *byte == 0);
    if fits { Ok(json) } else { Err(malformed(PLACE, "lengths that contradict one another, or bytes after the end")) }
}

fn snp(provider: &dyn Provider, evidence: &Evidence, report: &[u8], collateral: &VerifiedCollateral, at: Instant) -> Result<Finding> {
    let view = SNP.exact(report)?;
    if view.number("vmpl") != 0 {
        return Err(Fault::new(
            "tpm.privilege",
            "SNP report inside the HCL report",
            "the report is not one of the paravisor: it was asked for below VMPL 0",
            "该报告不是由半虚拟化层（VMPL 0）请求的",
        ));
    }
    let mut inner = Evidence::new(Kind::Snp, report.to_vec());
    if let Some(certificates) = evidence.part(Part::Certificates) {
        inner = inner.with(Part::Certificates, certificates.to_vec());
    }
    let finding = crate::snp::verify(provider, &inner, collateral, at).map_err(|fault| fault.inside("SNP report inside the HCL report"))?;
    if finding.report_data == view.field("report data") {
        Ok(finding)
    } else {
        Err(malformed("SNP report inside the HCL report", "report data at another place than its verifier reads"))
    }
}

fn tdx(provider: &dyn Provider, evidence: &Evidence, report: &[u8], collateral: &VerifiedCollateral, at: Instant) -> Result<Finding> {
    let view = TDREPORT.exact(report)?;
    if view.field("after").iter().any(|byte| *byte != 0) {
        return Err(malformed("TDREPORT inside the HCL report", "bytes after the end"));
    }
    let quote = evidence.need(Part::Quote, "quote made from the report")?;
    let mut inner = Evidence::new(Kind::Tdx, quote.to_vec());
    if let Some(certificates) = evidence.part(Part::Certificates) {
        inner = inner.with(Part::Certificates, certificates.to_vec());
    }
    let finding = crate::dcap::verify(provider, &inner, collateral, at).map_err(|fault| fault.inside("quote beside the HCL report"))?;
    // the TDREPORT's own MAC can be checked by its processor only; the quote is what counts, and both must be of one request
    if finding.report_data == view.field("report data") {
        Ok(finding)
    } else {
        Err(Fault::new("tpm.runtime-data", PLACE, "the quote was made from another report", "报价并非由该报告生成"))
    }
}

fn attestation_key(runtime: &Runtime) -> Result<Vec<u8>> {
    let mut keys = runtime.keys.iter().filter(|key| key.kid == "HCLAkPub");
    let (Some(key), None) = (keys.next(), keys.next()) else {
        return Err(malformed(PLACE, "not one attestation key in the runtime data"));
    };
    if key.kty != "RSA" || !key.key_ops.iter().any(|use_| use_ == "sign") {
        return Err(malformed(PLACE, "an attestation key that is no RSA key for signing"));
    }
    let number = |text: &str| URL_SAFE_NO_PAD.decode(text).map_err(|_| malformed(PLACE, "a key that is no base64url"));
    rsa_key(&number(&key.n)?, &number(&key.e)?)
}

fn say(runtime: &Runtime, finding: &mut Finding) -> Result<()> {
    if let Some(configuration) = &runtime.configuration {
        if let Some(state) = configuration.secure_boot {
            finding.claims.set("tpm.azure-secure-boot", state);
        }
        if let Some(state) = configuration.console {
            finding.claims.set("tpm.azure-console", state);
        }
        if let Some(machine) = &configuration.machine {
            finding.claims.set("tpm.azure-vm", machine.as_str());
        }
    }
    if let Some(data) = &runtime.user_data {
        let data = hex::decode(data).map_err(|_| malformed(PLACE, "user data that are no hexadecimal"))?;
        finding.claims.set("tpm.azure-user-data", data.as_slice());
    }
    Ok(())
}
