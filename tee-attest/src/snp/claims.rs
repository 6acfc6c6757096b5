//! What a report says, as claims.

use super::report::Report;
use super::vek::Vek;
use crate::claims::{ClaimType, Claims, Definition};
use crate::fault::Result;

/// Bits of the guest policy.
const POLICY: [(u32, &str); 9] = [
    (16, "snp.policy-smt"),
    (18, "snp.policy-migrate"),
    (19, "snp.policy-debug"),
    (20, "snp.policy-single-socket"),
    (21, "snp.policy-cxl"),
    (22, "snp.policy-aes-256-xts"),
    (23, "snp.policy-rapl-disabled"),
    (24, "snp.policy-ciphertext-hiding"),
    (25, "snp.policy-page-swap-disabled"),
];

/// Bits of the platform's state. Others are in `snp.platform` only: firmware in the field sets bits that 56860 leaves open.
const PLATFORM: [(u32, &str); 7] = [
    (0, "snp.platform-smt"),
    (1, "snp.platform-tsme"),
    (2, "snp.platform-ecc"),
    (3, "snp.platform-rapl-disabled"),
    (4, "snp.platform-ciphertext-hiding"),
    (5, "snp.platform-alias-check"),
    (7, "snp.platform-tio"),
];

/// The four TCB versions: field, then the claims of its parts (bootloader, tee, snp, microcode, fmc).
const TCBS: [(&str, [&str; 5]); 4] = [
    (
        "reported-tcb",
        [
            "snp.reported-tcb-bootloader",
            "snp.reported-tcb-tee",
            "snp.reported-tcb-snp",
            "snp.reported-tcb-microcode",
            "snp.reported-tcb-fmc",
        ],
    ),
    (
        "current-tcb",
        ["snp.current-tcb-bootloader", "snp.current-tcb-tee", "snp.current-tcb-snp", "snp.current-tcb-microcode", "snp.current-tcb-fmc"],
    ),
    (
        "committed-tcb",
        [
            "snp.committed-tcb-bootloader",
            "snp.committed-tcb-tee",
            "snp.committed-tcb-snp",
            "snp.committed-tcb-microcode",
            "snp.committed-tcb-fmc",
        ],
    ),
    (
        "launch-tcb",
        ["snp.launch-tcb-bootloader", "snp.launch-tcb-tee", "snp.launch-tcb-snp", "snp.launch-tcb-microcode", "snp.launch-tcb-fmc"],
    ),
];

/// Fields that are claims as they stand.
const BYTES: [(&str, &str); 8] = [
    ("measurement", "snp.measurement"),
    ("host-data", "snp.host-data"),
    ("family-id", "snp.family-id"),
    ("image-id", "snp.image-id"),
    ("id-key-digest", "snp.id-key-digest"),
    ("author-key-digest", "snp.author-key-digest"),
    ("report-id", "snp.report-id"),
    ("report-id-ma", "snp.report-id-migration-agent"),
];

/// The claims of a report whose signature was checked, by the key `vek`.
pub(super) fn claims(report: &Report<'_>, vek: &Vek, revocation: bool) -> Result<Claims> {
    let mut claims = Claims::new();
    let bit = |bits: u64, index: u32| bits.checked_shr(index).is_some_and(|bits| bits & 1 == 1);
    for (field, name) in BYTES {
        claims.set(name, report.field(field));
    }
    for (index, name) in POLICY {
        claims.set(name, bit(report.policy(), index));
    }
    let platform = report.number("platform");
    for (index, name) in PLATFORM {
        claims.set(name, bit(platform, index));
    }
    for (field, [bootloader, tee, snp, microcode, fmc]) in TCBS {
        let tcb = report.tcb(vek.product, field)?;
        claims.set(bootloader, u64::from(tcb.bootloader));
        claims.set(tee, u64::from(tcb.tee));
        claims.set(snp, u64::from(tcb.snp));
        claims.set(microcode, u64::from(tcb.microcode));
        if let Some(version) = tcb.fmc {
            claims.set(fmc, u64::from(version));
        }
    }
    claims.set("snp.version", u64::from(report.version()));
    claims.set("snp.product", vek.product.name());
    claims.set("snp.signing-key", vek.signing.name());
    claims.set("snp.policy", report.policy());
    claims.set("snp.policy-abi", report.policy() & 0xffff);
    claims.set("snp.platform", platform);
    claims.set("snp.vmpl", report.vmpl());
    claims.set("snp.guest-svn", report.number("guest-svn"));
    claims.set("snp.author-key", report.has_author_key());
    claims.set("snp.chip-key-masked", report.is_chip_key_masked());
    claims.set("snp.chip-id-masked", report.chip().is_none());
    let mut chip = [0; 64];
    match (report.chip(), &vek.chip) {
        (Some(own), _) => claims.set("snp.chip-id", own),
        (None, Some(own)) => {
            // masked in the report, yet the key's certificate names the chip
            chip.iter_mut().zip(own).for_each(|(to, from)| *to = *from);
            claims.set("snp.chip-id", chip.as_slice());
        }
        (None, None) => {}
    }
    if let Some(operator) = &vek.operator {
        claims.set("snp.operator", operator.as_str());
    }
    let version = |names: [&str; 3]| names.iter().fold(0, |all, name| all << 8 | report.number(name));
    let current = version(["current-major", "current-minor", "current-build"]);
    let committed = version(["committed-major", "committed-minor", "committed-build"]);
    claims.set("snp.current-firmware", current);
    claims.set("snp.committed-firmware", committed);
    claims.set("snp.provisional-firmware", current != committed || report.field("current-tcb") != report.field("committed-tcb"));
    if report.version() >= 3
        && let [family, model, stepping] = *report.field("cpuid")
    {
        claims.set("snp.cpuid-family", u64::from(family));
        claims.set("snp.cpuid-model", u64::from(model));
        claims.set("snp.cpuid-stepping", u64::from(stepping));
    }
    if report.version() >= 5 {
        claims.set("snp.launch-mitigations", report.number("launch-mitigations"));
        claims.set("snp.current-mitigations", report.number("current-mitigations"));
    }
    claims.set("evidence.debug", bit(report.policy(), 19));
    claims.set("collateral.revocation", revocation);
    Ok(claims)
}

const fn flag(name: &'static str, en: &'static str, zh: &'static str) -> Definition {
    Definition::new(name, ClaimType::Flag, en, zh)
}

const fn number(name: &'static str, en: &'static str, zh: &'static str) -> Definition {
    Definition::new(name, ClaimType::Number, en, zh)
}

/// Claims of reports.
pub(crate) const SCHEMA: &[Definition] = &[
    Definition::bytes("snp.measurement", 48, "SHA-384 of what the guest was started with", "启动内容的度量值（SHA-384）"),
    Definition::bytes("snp.host-data", 32, "data that the host gave at launch", "启动时主机提供的数据"),
    Definition::bytes("snp.family-id", 16, "family of the guest, from its ID block", "虚拟机族标识（ID 块）"),
    Definition::bytes("snp.image-id", 16, "image of the guest, from its ID block", "虚拟机镜像标识（ID 块）"),
    Definition::bytes("snp.id-key-digest", 48, "SHA-384 of the key that signed the ID block", "签署 ID 块的密钥摘要"),
    Definition::bytes("snp.author-key-digest", 48, "SHA-384 of the author key", "作者密钥摘要"),
    Definition::bytes("snp.report-id", 32, "identity of this running guest", "本次运行的虚拟机标识"),
    Definition::bytes("snp.report-id-migration-agent", 32, "identity of its migration agent", "迁移代理标识"),
    Definition::bytes("snp.chip-id", 64, "identity of the chip, zeros after a short one", "芯片标识（不足部分补零）"),
    Definition::new("snp.product", ClaimType::Text, "product line: Milan, Genoa (Bergamo, Siena), Turin", "处理器产品系列"),
    Definition::new("snp.signing-key", ClaimType::Text, "key that signed: vcek (chip), vlek (operator)", "签名密钥种类：芯片或运营商"),
    Definition::new("snp.operator", ClaimType::Text, "operator whose key signed (VLEK)", "签名密钥所属运营商"),
    number("snp.version", "version of the report", "报告版本"),
    number("snp.guest-svn", "security version of the guest", "虚拟机安全版本号"),
    number("snp.vmpl", "privilege level that asked for the report; 0 is the highest", "请求报告的特权级（0 最高）"),
    number("snp.policy", "guest policy, all bits", "虚拟机策略（全部位）"),
    number("snp.policy-abi", "least firmware interface: 256 times major plus minor", "最低固件接口版本（主版本乘 256 加次版本）"),
    flag("snp.policy-smt", "may run where hyper-threads are on", "允许在开启超线程的主机上运行"),
    flag("snp.policy-migrate", "may have a migration agent", "允许关联迁移代理"),
    flag("snp.policy-debug", "the host may debug", "允许主机调试"),
    flag("snp.policy-single-socket", "runs on one socket only", "只能在单一插槽上运行"),
    flag("snp.policy-cxl", "memory and devices over CXL are allowed", "允许 CXL 内存和设备"),
    flag("snp.policy-aes-256-xts", "memory must be encrypted by AES-256-XTS", "要求内存以 AES-256-XTS 加密"),
    flag("snp.policy-rapl-disabled", "power meters (RAPL) must be off", "要求关闭功耗计量（RAPL）"),
    flag("snp.policy-ciphertext-hiding", "ciphertext must be hidden from the host", "要求对主机隐藏密文"),
    flag("snp.policy-page-swap-disabled", "the host may not move or swap pages", "禁止主机移动或换出内存页"),
    number("snp.platform", "state of the platform, all bits", "平台状态（全部位）"),
    flag("snp.platform-smt", "hyper-threads are on", "超线程已开启"),
    flag("snp.platform-tsme", "all memory is encrypted (TSME)", "全内存加密已开启（TSME）"),
    flag("snp.platform-ecc", "memory corrects errors (ECC)", "使用纠错内存（ECC）"),
    flag("snp.platform-rapl-disabled", "power meters (RAPL) are off", "功耗计量（RAPL）已关闭"),
    flag("snp.platform-ciphertext-hiding", "ciphertext is hidden from the host", "已对主机隐藏密文"),
    flag("snp.platform-alias-check", "memory was checked for aliases since the last reset", "已完成内存别名检查"),
    flag("snp.platform-tio", "trusted devices (SEV-TIO) are on", "可信设备（SEV-TIO）已开启"),
    flag("snp.author-key", "an author key certified the ID key", "作者密钥已认证 ID 密钥"),
    flag("snp.chip-key-masked", "the host forbids signatures by the chip's key", "主机禁止芯片密钥签名"),
    flag("snp.chip-id-masked", "the host masks the identity of the chip", "主机屏蔽芯片标识"),
    number("snp.current-firmware", "running firmware: major, minor, build, a byte each", "当前固件版本（主、次、构建各一字节）"),
    number("snp.committed-firmware", "firmware that cannot be rolled back any more", "已提交、不可回退的固件版本"),
    flag("snp.provisional-firmware", "what runs is not committed: it can still be rolled back", "当前固件尚未提交，仍可回退"),
    number("snp.cpuid-family", "processor family (report version 3 on)", "处理器家族（版本 3 起）"),
    number("snp.cpuid-model", "processor model (report version 3 on)", "处理器型号（版本 3 起）"),
    number("snp.cpuid-stepping", "processor stepping (report version 3 on)", "处理器步进（版本 3 起）"),
    number("snp.launch-mitigations", "mitigations in force at launch, all bits (version 5)", "启动时生效的缓解措施（版本 5）"),
    number("snp.current-mitigations", "mitigations in force now, all bits (version 5)", "当前生效的缓解措施（版本 5）"),
    number("snp.reported-tcb-bootloader", "boot loader version that signed the report", "所报 TCB：引导加载程序版本"),
    number("snp.reported-tcb-tee", "version of the security processor's system that signed the report", "所报 TCB：安全处理器系统版本"),
    number("snp.reported-tcb-snp", "SNP firmware version that signed the report", "所报 TCB：SNP 固件版本"),
    number("snp.reported-tcb-microcode", "microcode version that signed the report", "所报 TCB：微码版本"),
    number(
        "snp.reported-tcb-fmc",
        "version of the first mutable code that signed the report (Turin)",
        "所报 TCB：首段可变代码版本（Turin）",
    ),
    number("snp.current-tcb-bootloader", "running boot loader version", "当前 TCB：引导加载程序版本"),
    number("snp.current-tcb-tee", "running version of the security processor's system", "当前 TCB：安全处理器系统版本"),
    number("snp.current-tcb-snp", "running SNP firmware version", "当前 TCB：SNP 固件版本"),
    number("snp.current-tcb-microcode", "running microcode version", "当前 TCB：微码版本"),
    number("snp.current-tcb-fmc", "running version of the first mutable code (Turin)", "当前 TCB：首段可变代码版本（Turin）"),
    number("snp.committed-tcb-bootloader", "boot loader version below which there is no way back", "已提交 TCB：引导加载程序版本"),
    number(
        "snp.committed-tcb-tee",
        "version of the security processor's system below which there is no way back",
        "已提交 TCB：安全处理器系统版本",
    ),
    number("snp.committed-tcb-snp", "SNP firmware version below which there is no way back", "已提交 TCB：SNP 固件版本"),
    number("snp.committed-tcb-microcode", "microcode version below which there is no way back", "已提交 TCB：微码版本"),
    number(
        "snp.committed-tcb-fmc",
        "version of the first mutable code below which there is no way back (Turin)",
        "已提交 TCB：首段可变代码版本（Turin）",
    ),
    number("snp.launch-tcb-bootloader", "boot loader version when the guest started", "启动时 TCB：引导加载程序版本"),
    number("snp.launch-tcb-tee", "version of the security processor's system when the guest started", "启动时 TCB：安全处理器系统版本"),
    number("snp.launch-tcb-snp", "SNP firmware version when the guest started", "启动时 TCB：SNP 固件版本"),
    number("snp.launch-tcb-microcode", "microcode version when the guest started", "启动时 TCB：微码版本"),
    number(
        "snp.launch-tcb-fmc",
        "version of the first mutable code when the guest started (Turin)",
        "启动时 TCB：首段可变代码版本（Turin）",
    ),
];
