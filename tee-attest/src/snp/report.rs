//! The attestation report (56860, table "ATTESTATION_REPORT"): 1184 bytes, the first 672 signed.

use super::tcb::{Product, Tcb};
use super::vek::Signing;
use crate::fault::{Fault, Result};
use crate::layout::{Field, Layout, View};

/// How many bytes the signature covers.
const SIGNED: usize = 0x2a0;

const REPORT: Layout = Layout {
    name: "SNP report",
    length: 0x4a0,
    fields: &[
        Field::new("version", 0x000, 4),
        Field::new("guest-svn", 0x004, 4),
        Field::new("policy", 0x008, 8),
        Field::new("family-id", 0x010, 16),
        Field::new("image-id", 0x020, 16),
        Field::new("vmpl", 0x030, 4),
        Field::new("signature-algorithm", 0x034, 4),
        Field::new("current-tcb", 0x038, 8),
        Field::new("platform", 0x040, 8),
        Field::new("key-info", 0x048, 4),
        Field::new("reserved-04c", 0x04c, 4),
        Field::new("report-data", 0x050, 64),
        Field::new("measurement", 0x090, 48),
        Field::new("host-data", 0x0c0, 32),
        Field::new("id-key-digest", 0x0e0, 48),
        Field::new("author-key-digest", 0x110, 48),
        Field::new("report-id", 0x140, 32),
        Field::new("report-id-ma", 0x160, 32),
        Field::new("reported-tcb", 0x180, 8),
        // version 3 and later: family, model, stepping
        Field::new("cpuid", 0x188, 3),
        Field::new("reserved-18b", 0x18b, 21),
        Field::new("chip-id", 0x1a0, 64),
        Field::new("committed-tcb", 0x1e0, 8),
        Field::new("current-build", 0x1e8, 1),
        Field::new("current-minor", 0x1e9, 1),
        Field::new("current-major", 0x1ea, 1),
        Field::new("reserved-1eb", 0x1eb, 1),
        Field::new("committed-build", 0x1ec, 1),
        Field::new("committed-minor", 0x1ed, 1),
        Field::new("committed-major", 0x1ee, 1),
        Field::new("reserved-1ef", 0x1ef, 1),
        Field::new("launch-tcb", 0x1f0, 8),
        // version 5
        Field::new("launch-mitigations", 0x1f8, 8),
        Field::new("current-mitigations", 0x200, 8),
        Field::new("reserved-208", 0x208, 152),
        Field::new("signature-r", SIGNED, 72),
        Field::new("signature-s", 0x2e8, 72),
        Field::new("reserved-330", 0x330, 368),
    ],
};
const _: () = assert!(REPORT.sound());

/// Bytes that every version keeps zero.
const RESERVED: [&str; 6] = ["reserved-04c", "reserved-18b", "reserved-1eb", "reserved-1ef", "reserved-208", "reserved-330"];
/// What came with version 3, and with version 5; zero before.
const SINCE_3: [&str; 1] = ["cpuid"];
const SINCE_5: [&str; 2] = ["launch-mitigations", "current-mitigations"];

/// Bit 17 of the guest policy must be one, bits 26 and above zero (56860, table "POLICY").
const POLICY_ONE: u64 = 1 << 17;
const POLICY_KNOWN: u64 = (1 << 26) - 1;

/// A report that keeps to its format. No signature is checked yet.
pub(super) struct Report<'a> {
    view: View<'a>,
    version: u32,
    signing: Signing,
    product: Option<Product>,
}

impl<'a> Report<'a> {
    pub(super) fn read(bytes: &'a [u8]) -> Result<Self> {
        let view = REPORT.exact(bytes)?;
        let version = u32::from_le_bytes(view.array("version"));
        if !(2..=5).contains(&version) {
            return Err(Fault::new(
                "snp.version",
                "SNP report",
                format!("version {version}; versions 2 to 5 are known"),
                format!("报告版本 {version}；仅支持版本 2 至 5"),
            )
            .remedy("a newer verifier is needed for newer reports", "新版本报告需要新版本的核验程序"));
        }
        let report = Self { view, version, signing: signing(view.number("key-info"))?, product: product(version, view.array("cpuid"))? };
        report.check_reserved()?;
        if view.number("signature-algorithm") != 1 {
            return Err(Fault::new(
                "snp.algorithm",
                "SNP report",
                "a signature algorithm other than ECDSA P-384 with SHA-384",
                "签名算法不是 ECDSA P-384 与 SHA-384",
            ));
        }
        if report.vmpl() > 3 {
            // a report that the host asked for: nothing in it comes from the code inside
            return Err(Fault::new("snp.vmpl", "SNP report", "not requested by the guest itself", "报告不是由虚拟机自身请求的")
                .remedy("let the code inside ask for the report", "应由虚拟机内的程序请求报告"));
        }
        Ok(report)
    }

    fn check_reserved(&self) -> Result<()> {
        let since_3 = SINCE_3.iter().filter(|_| self.version < 3);
        let since_5 = SINCE_5.iter().filter(|_| self.version < 5);
        let used = RESERVED.iter().chain(since_3).chain(since_5).find(|name| self.view.field(name).iter().any(|byte| *byte != 0));
        let what = match used {
            Some(name) => name,
            None if self.policy() & POLICY_ONE == 0 || self.policy() & !POLICY_KNOWN != 0 => "policy",
            None if self.key_info() >> 5 != 0 => "key-info",
            None => return Ok(()),
        };
        Err(Fault::new(
            "snp.reserved",
            format!("SNP report: {what}"),
            format!("reserved bits that version {} does not use", self.version),
            format!("版本 {} 的保留位取值不符", self.version),
        ))
    }

    pub(super) const fn version(&self) -> u32 {
        self.version
    }

    /// A field by its name in the table.
    pub(super) fn field(&self, name: &str) -> &'a [u8] {
        self.view.field(name)
    }

    /// A number by its name in the table.
    pub(super) fn number(&self, name: &str) -> u64 {
        self.view.number(name)
    }

    /// What the code inside put there.
    pub(super) fn data(&self) -> &'a [u8] {
        self.field("report-data")
    }

    /// What the signature covers.
    pub(super) fn signed(&self) -> &'a [u8] {
        self.view.bytes.get(..SIGNED).unwrap_or_default()
    }

    pub(super) fn policy(&self) -> u64 {
        self.number("policy")
    }

    pub(super) fn vmpl(&self) -> u64 {
        self.number("vmpl")
    }

    fn key_info(&self) -> u64 {
        self.number("key-info")
    }

    /// Whether an author key certified the key that signed the ID block (bit 0).
    pub(super) fn has_author_key(&self) -> bool {
        self.key_info() & 1 != 0
    }

    /// Whether the host forbade signatures by the chip's own key (bit 1).
    pub(super) fn is_chip_key_masked(&self) -> bool {
        self.key_info() & 2 != 0
    }

    /// Which kind of key signed.
    pub(super) const fn signing(&self) -> Signing {
        self.signing
    }

    pub(super) fn reported_tcb(&self) -> &'a [u8] {
        self.field("reported-tcb")
    }

    /// One of the four TCB versions, as the product writes it.
    pub(super) fn tcb(&self, product: Product, name: &str) -> Result<Tcb> {
        Tcb::read(product, self.field(name)).map_err(|fault| fault.inside(name))
    }

    /// The product that the report itself names; version 2 names none.
    pub(super) const fn product(&self) -> Option<Product> {
        self.product
    }

    /// The chip, in the field's 64 bytes; `None` where the host masks it (all zero).
    pub(super) fn chip(&self) -> Option<&'a [u8]> {
        let chip = self.field("chip-id");
        chip.iter().any(|byte| *byte != 0).then_some(chip)
    }

    /// r then s, big-endian, 48 bytes each. The report has them little-endian in 72 bytes each, zero above the field's 48.
    pub(super) fn signature(&self) -> Result<[u8; 96]> {
        let mut signature = [0; 96];
        for (half, name) in signature.chunks_exact_mut(48).zip(["signature-r", "signature-s"]) {
            let (low, high) = self.field(name).split_at_checked(48).unwrap_or_default();
            if high.iter().any(|byte| *byte != 0) {
                return Err(Fault::new("snp.report-signature", "SNP report", "a signature that is out of range", "签名数值超出范围"));
            }
            half.iter_mut().zip(low.iter().rev()).for_each(|(to, from)| *to = *from);
        }
        if signature == [0; 96] { Err(unsigned()) } else { Ok(signature) }
    }
}

/// The product of the processor that the report names.
fn product(version: u32, [family, model, _]: [u8; 3]) -> Result<Option<Product>> {
    if version < 3 {
        return Ok(None);
    }
    Product::of_processor(family, model).map(Some).ok_or_else(|| {
        Fault::new(
            "snp.product",
            "SNP report",
            format!("a processor that is not known: family {family:#04x}, model {model:#04x}"),
            format!("未知处理器：家族 {family:#04x}，型号 {model:#04x}"),
        )
    })
}

/// Bits 2 to 4 of the key information.
fn signing(key_info: u64) -> Result<Signing> {
    match key_info >> 2 & 7 {
        0 => Ok(Signing::Vcek),
        1 => Ok(Signing::Vlek),
        7 => Err(unsigned()),
        _ => Err(Fault::new("snp.signing-key", "SNP report", "a kind of signing key that is not known", "签名密钥种类未知")),
    }
}

fn unsigned() -> Fault {
    Fault::new("snp.unsigned", "SNP report", "the host's firmware did not sign the report", "主机固件未对报告签名").remedy(
        "allow the chip's key (MaskChipKey) or load an operator's key (VLEK) on the host",
        "请在主机上允许芯片密钥签名或装载运营商密钥",
    )
}
