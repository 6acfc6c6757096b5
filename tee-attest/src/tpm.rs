//! TPM 2.0 quotes (Trusted Computing Group, TPM Library Specification, part 2, section 10.12), those of Azure's confidential machines
//! included.
//!
//! A quote says which values the platform configuration registers (PCRs) have. It is as good as the attestation key (AK) that signs
//! it, and that key is endorsed in one of three ways, named by the claim `tpm.endorsement`:
//!
//! | endorsement | who vouches for the key |
//! |---|---|
//! | `enrolled` | the signer of the bundle: the key was read from the machine when it was taken into service |
//! | `certificate` | a certificate authority named in the bundle. There is no list of all makers and privacy authorities that could be pinned here, so the roots are as trusted as the bundle's signer |
//! | `snp`, `tdx` | the hardware: the paravisor's runtime data hold the key, their SHA-256 is the report data of an SNP report or a TDX quote, which is verified with all that belongs to it |
//!
//! The evidence's body is the `TPMS_ATTEST`; beside it the signature, the registers, and on Azure the HCL report (and the quote).
//! The report data of a quote is `extraData`: 32 bytes in a session of ours.
//!
//! A plain TPM is no trusted execution environment: `evidence.debug` is not set for it, so a policy that asks for it denies.

mod hcl;
mod key;
mod quote;
mod signature;

use serde::{Deserialize, Serialize};

use crate::claims::{ClaimType, Claims, Definition};
use crate::collateral::VerifiedCollateral;
use crate::crypto::Provider;
use crate::eventlog::{Bank, Register, replay};
use crate::evidence::{Evidence, Part};
use crate::fault::{Fault, Result, malformed};
use crate::instant::Instant;
use crate::verify::Finding;

pub(crate) use key::{Endorsement, endorse};

pub(crate) const SCHEMA: &[Definition] = &[
    Definition::new(
        "tpm.endorsement",
        ClaimType::Text,
        "who vouches for the attestation key: enrolled, certificate, snp, tdx",
        "证明密钥的担保来源",
    ),
    Definition::bytes("tpm.key", 32, "SHA-256 of the attestation key (SubjectPublicKeyInfo)", "证明密钥的 SHA-256"),
    Definition::new("tpm.qualified-signer", ClaimType::Bytes, "qualified name of the attestation key", "证明密钥的限定名"),
    Definition::new("tpm.clock", ClaimType::Number, "milliseconds for which the TPM was powered", "TPM 通电毫秒数"),
    Definition::new("tpm.clock-safe", ClaimType::Flag, "the clock never went back", "时钟未回退"),
    Definition::new("tpm.reset-count", ClaimType::Number, "number of resets", "复位次数"),
    Definition::new("tpm.restart-count", ClaimType::Number, "number of restarts since the last reset", "上次复位后的重启次数"),
    Definition::new("tpm.firmware", ClaimType::Number, "firmware version of the TPM", "TPM 固件版本"),
    Definition::new("tpm.bank", ClaimType::Text, "hash algorithm of the quoted registers", "所报告寄存器的杂凑算法"),
    Definition::new("tpm.selection", ClaimType::List, "the quoted registers", "所报告的寄存器"),
    Definition::new("tpm.pcr-0", ClaimType::Bytes, "PCR 0: firmware code", "PCR 0：固件代码"),
    Definition::new("tpm.pcr-1", ClaimType::Bytes, "PCR 1: firmware settings", "PCR 1：固件配置"),
    Definition::new("tpm.pcr-2", ClaimType::Bytes, "PCR 2: option code", "PCR 2：扩展代码"),
    Definition::new("tpm.pcr-3", ClaimType::Bytes, "PCR 3: option settings", "PCR 3：扩展配置"),
    Definition::new("tpm.pcr-4", ClaimType::Bytes, "PCR 4: boot loader", "PCR 4：引导程序"),
    Definition::new("tpm.pcr-5", ClaimType::Bytes, "PCR 5: boot loader settings, partition table", "PCR 5：引导配置与分区表"),
    Definition::new("tpm.pcr-6", ClaimType::Bytes, "PCR 6: events of the platform's maker", "PCR 6：厂商事件"),
    Definition::new("tpm.pcr-7", ClaimType::Bytes, "PCR 7: secure boot", "PCR 7：安全启动"),
    Definition::new("tpm.pcr-8", ClaimType::Bytes, "PCR 8: loader's commands, kernel command line", "PCR 8：引导命令与内核命令行"),
    Definition::new("tpm.pcr-9", ClaimType::Bytes, "PCR 9: files that the loader read, kernel and initial disk", "PCR 9：引导读取的文件"),
    Definition::new("tpm.pcr-10", ClaimType::Bytes, "PCR 10: files that the kernel measured (IMA)", "PCR 10：内核度量的文件"),
    Definition::new("tpm.pcr-11", ClaimType::Bytes, "PCR 11: unified kernel image", "PCR 11：统一内核映像"),
    Definition::new(
        "tpm.pcr-12",
        ClaimType::Bytes,
        "PCR 12: kernel command line and settings added to the image",
        "PCR 12：附加命令行与配置",
    ),
    Definition::new("tpm.pcr-13", ClaimType::Bytes, "PCR 13: extensions of the system", "PCR 13：系统扩展"),
    Definition::new("tpm.pcr-14", ClaimType::Bytes, "PCR 14: keys of the shim", "PCR 14：shim 密钥"),
    Definition::new("tpm.pcr-15", ClaimType::Bytes, "PCR 15: identity of the system", "PCR 15：系统标识"),
    Definition::new("tpm.pcr-16", ClaimType::Bytes, "PCR 16: debug", "PCR 16：调试"),
    Definition::new("tpm.pcr-17", ClaimType::Bytes, "PCR 17: dynamic launch", "PCR 17：动态启动"),
    Definition::new("tpm.pcr-18", ClaimType::Bytes, "PCR 18: dynamic launch", "PCR 18：动态启动"),
    Definition::new("tpm.pcr-19", ClaimType::Bytes, "PCR 19: dynamic launch", "PCR 19：动态启动"),
    Definition::new("tpm.pcr-20", ClaimType::Bytes, "PCR 20: dynamic launch", "PCR 20：动态启动"),
    Definition::new("tpm.pcr-21", ClaimType::Bytes, "PCR 21: dynamic launch", "PCR 21：动态启动"),
    Definition::new("tpm.pcr-22", ClaimType::Bytes, "PCR 22: dynamic launch", "PCR 22：动态启动"),
    Definition::new("tpm.pcr-23", ClaimType::Bytes, "PCR 23: application", "PCR 23：应用"),
    Definition::new("tpm.azure-vm", ClaimType::Text, "Azure: identity of the machine", "Azure：虚拟机标识"),
    Definition::new("tpm.azure-secure-boot", ClaimType::Flag, "Azure: secure boot of the machine", "Azure：虚拟机安全启动"),
    Definition::new("tpm.azure-console", ClaimType::Flag, "Azure: a console is attached", "Azure：已启用控制台"),
    Definition::new("tpm.azure-user-data", ClaimType::Bytes, "Azure: data that the guest gave to the paravisor", "Azure：客户机提交的数据"),
];

/// Names of the registers, in faults and in claims.
const PCRS: [(&str, &str); 24] = [
    ("pcr0", "tpm.pcr-0"),
    ("pcr1", "tpm.pcr-1"),
    ("pcr2", "tpm.pcr-2"),
    ("pcr3", "tpm.pcr-3"),
    ("pcr4", "tpm.pcr-4"),
    ("pcr5", "tpm.pcr-5"),
    ("pcr6", "tpm.pcr-6"),
    ("pcr7", "tpm.pcr-7"),
    ("pcr8", "tpm.pcr-8"),
    ("pcr9", "tpm.pcr-9"),
    ("pcr10", "tpm.pcr-10"),
    ("pcr11", "tpm.pcr-11"),
    ("pcr12", "tpm.pcr-12"),
    ("pcr13", "tpm.pcr-13"),
    ("pcr14", "tpm.pcr-14"),
    ("pcr15", "tpm.pcr-15"),
    ("pcr16", "tpm.pcr-16"),
    ("pcr17", "tpm.pcr-17"),
    ("pcr18", "tpm.pcr-18"),
    ("pcr19", "tpm.pcr-19"),
    ("pcr20", "tpm.pcr-20"),
    ("pcr21", "tpm.pcr-21"),
    ("pcr22", "tpm.pcr-22"),
    ("pcr23", "tpm.pcr-23"),
];

/// Collateral as it travels. Everything in it is base64 of DER, or PEM.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Attestation keys (SubjectPublicKeyInfo) of machines that were taken into service. At most 1024.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// Root certificates of authorities that certify attestation keys. At most 64.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roots: Vec<String>,
    /// Revocation lists of those authorities. At most 64.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lists: Vec<String>,
}

/// Checks a quote: signature by an endorsed key, registers against the digest, event log against the registers.
pub(crate) fn verify(provider: &dyn Provider, evidence: &Evidence, collateral: &VerifiedCollateral, at: Instant) -> Result<Finding> {
    let (mut key, mut finding) = match evidence.part(Part::HclReport) {
        Some(report) => hcl::endorsed(provider, evidence, report, collateral, at)?,
        None => key::endorsed(provider, evidence, collateral)?,
    };
    let signature = signature::Signature::read(evidence.need(Part::Signature, "signature of the quote")?)?;
    key.retain(|one| signature.verify(provider, &one.spki, evidence.body()));
    let [key] = key.as_slice() else {
        return Err(Fault::new(
            "tpm.quote-signature",
            "quote",
            "no endorsed attestation key signed this quote",
            "没有任何受担保的证明密钥签署过该报告",
        )
        .remedy("enrol the machine's attestation key, or carry its certificate", "请登记该机器的证明密钥，或携带其证书"));
    };
    let quote = quote::Quote::read(evidence.body())?;
    let registers = quote.registers(evidence.need(Part::Registers, "values of the registers")?, signature.hash())?;
    let claims = &mut finding.claims;
    claims.set("tpm.key", crate::crypto::sha256(&[&key.spki]).as_slice());
    claims.set("tpm.endorsement", key.endorsement);
    quote.claims(claims);
    said(&quote, &registers, claims)?;
    if let Some(log) = evidence.part(Part::EventLog) {
        let rows: Vec<Register<'_>> = registers
            .iter()
            .filter_map(|(index, value)| Some(Register { index: *index, name: PCRS.get(usize::try_from(*index).ok()?)?.0, value }))
            .collect();
        replay(log, &Bank { algorithm: quote.bank, registers: &rows, firmware: 7, loader: 8 }, claims)?;
    }
    finding.report_data = quote.extra.to_vec();
    Ok(finding)
}

fn said(quote: &quote::Quote<'_>, registers: &[(u32, &[u8])], claims: &mut Claims) -> Result<()> {
    let mut selection = Vec::with_capacity(registers.len());
    for (index, value) in registers {
        let (name, claim) =
            usize::try_from(*index).ok().and_then(|index| PCRS.get(index)).ok_or_else(|| malformed("quote", "a register above 23"))?;
        selection.push((*name).to_owned());
        claims.set(claim, *value);
    }
    claims.set("tpm.bank", quote.bank.name());
    claims.set("tpm.selection", selection);
    Ok(())
}
