//! What a report says, as claims.

use super::certificate::{Certificate, Signer};
use super::report::{Report, Version};
use crate::claims::{ClaimType, Claims, Definition};
use crate::crypto::sha256;

/// Bits of the guest policy.
const POLICY: [(u32, &str); 8] = [
    (0, "csv.policy-no-debug"),
    (1, "csv.policy-no-key-sharing"),
    (2, "csv.policy-csv2"),
    (3, "csv.policy-no-send"),
    (4, "csv.policy-domain"),
    (5, "csv.policy-csv"),
    (6, "csv.policy-csv3"),
    (7, "csv.policy-asid-reuse"),
];

/// Fields that are claims as they stand.
const BYTES: [(&str, &str); 5] = [
    ("measurement", "csv.measurement"),
    ("vm-id", "csv.vm-id"),
    ("vm-version", "csv.vm-version"),
    ("mnonce", "csv.mnonce"),
    ("user-key-digest", "csv.user-key-digest"),
];

const REGISTERS: [(&str, &str); 5] =
    [("rtmr0", "csv.rtmr0"), ("rtmr1", "csv.rtmr1"), ("rtmr2", "csv.rtmr2"), ("rtmr3", "csv.rtmr3"), ("rtmr4", "csv.rtmr4")];

/// The claims of a report whose signature was checked. `serial`: the chip's number in the bundle.
pub(super) fn claims(report: &Report, platform: &Certificate<'_>, chip: &Signer, serial: Option<&str>) -> Claims {
    let mut claims = Claims::new();
    let policy = report.number("policy");
    let bit = |index: u32| policy.checked_shr(index).is_some_and(|bits| bits & 1 == 1);
    for (field, name) in BYTES {
        claims.set(name, report.field(field));
    }
    for (index, name) in POLICY {
        claims.set(name, bit(index));
    }
    claims.set("csv.policy", policy);
    claims.set("csv.policy-hsk-version", policy >> 8 & 0xf);
    claims.set("csv.policy-cek-version", policy >> 12 & 0xf);
    claims.set("csv.policy-api", (policy >> 16 & 0xff) << 8 | policy >> 24 & 0xff);
    claims.set("csv.firmware", platform.firmware());
    claims.set("csv.chip-id", sha256(&[&chip.point]).as_slice());
    if let Some(serial) = serial {
        claims.set("csv.serial", serial);
    }
    match report.version() {
        Version::One => claims.set("csv.version", 1),
        Version::Two => {
            claims.set("csv.version", 2);
            claims.set("csv.build", report.number("build"));
            claims.set("csv.rtmr-version", report.number("rtmr-version"));
            for (field, name) in REGISTERS {
                claims.set(name, report.field(field));
            }
        }
    }
    claims.set("evidence.debug", !bit(0));
    claims.set("collateral.revocation", false);
    claims
}

const fn flag(name: &'static str, en: &'static str, zh: &'static str) -> Definition {
    Definition::new(name, ClaimType::Flag, en, zh)
}

const fn number(name: &'static str, en: &'static str, zh: &'static str) -> Definition {
    Definition::new(name, ClaimType::Number, en, zh)
}

/// Claims of reports.
pub(crate) const SCHEMA: &[Definition] = &[
    Definition::bytes("csv.measurement", 32, "SM3 of what the guest was started with", "启动内容的度量值（SM3）"),
    Definition::bytes("csv.vm-id", 16, "identity that the owner gave the guest", "所有者赋予的虚拟机标识"),
    Definition::bytes("csv.vm-version", 16, "version that the owner gave the guest", "所有者赋予的虚拟机版本"),
    Definition::bytes("csv.mnonce", 16, "nonce of the reporter", "报告方随机数"),
    Definition::bytes("csv.user-key-digest", 32, "digest of the owner's session key at launch", "启动会话中所有者公钥摘要"),
    Definition::bytes("csv.chip-id", 32, "SHA-256 of the chip's key (CEK), the point 04, x, y", "芯片密钥（CEK）公钥点的 SHA-256"),
    Definition::new("csv.serial", ClaimType::Text, "serial number of the chip; the bundle vouches for it", "芯片序列号（由背书材料担保）"),
    number("csv.version", "version of the report", "报告版本"),
    number("csv.firmware", "firmware interface of the platform: 256 times major plus minor", "平台固件接口版本（主版本乘 256 加次版本）"),
    number("csv.build", "build of the firmware (version 2)", "固件构建号（版本 2）"),
    number("csv.policy", "guest policy, all bits", "虚拟机策略（全部位）"),
    number("csv.policy-hsk-version", "least version of the signing key", "最低 HSK 版本"),
    number("csv.policy-cek-version", "least version of the chip's key", "最低 CEK 版本"),
    number("csv.policy-api", "least firmware interface: 256 times major plus minor", "最低固件接口版本（主版本乘 256 加次版本）"),
    flag("csv.policy-no-debug", "the host may not debug", "禁止主机调试"),
    flag("csv.policy-no-key-sharing", "no key is shared with other guests", "禁止与其他虚拟机共享密钥"),
    flag("csv.policy-csv2", "encrypted registers (CSV2) are required", "要求 CSV2（寄存器加密）"),
    flag("csv.policy-no-send", "may not be sent to another platform", "禁止迁移到其他平台"),
    flag("csv.policy-domain", "may be sent inside its domain only", "仅允许在域内迁移"),
    flag("csv.policy-csv", "may be sent to CSV platforms only", "仅允许迁移到支持 CSV 的平台"),
    flag("csv.policy-csv3", "may be sent to CSV3 platforms only", "仅允许迁移到支持 CSV3 的平台"),
    flag("csv.policy-asid-reuse", "may share its address space number with guests of the same owner", "允许与同一所有者的虚拟机共用 ASID"),
    number("csv.rtmr-version", "version of the run-time registers (version 2)", "运行时度量寄存器版本（版本 2）"),
    Definition::bytes("csv.rtmr0", 32, "run-time register 0: the measurement (version 2)", "运行时度量寄存器 0（版本 2）"),
    Definition::bytes("csv.rtmr1", 32, "run-time register 1 (version 2)", "运行时度量寄存器 1（版本 2）"),
    Definition::bytes("csv.rtmr2", 32, "run-time register 2 (version 2)", "运行时度量寄存器 2（版本 2）"),
    Definition::bytes("csv.rtmr3", 32, "run-time register 3 (version 2)", "运行时度量寄存器 3（版本 2）"),
    Definition::bytes("csv.rtmr4", 32, "run-time register 4 (version 2)", "运行时度量寄存器 4（版本 2）"),
];
