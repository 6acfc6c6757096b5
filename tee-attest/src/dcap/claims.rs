//! What a verified quote says, as claims.

use super::entry::Endorsement;
use super::pck::Platform;
use super::quote::{Quote, Tee};
use super::report::{Domain, Report, is_debug_enclave};
use super::tcb::Standing;
use crate::claims::{ClaimType, Claims, Definition, TcbStatus};
use crate::instant::Instant;
use crate::layout::View;

/// Everything that is said of SGX and TDX.
pub(crate) const SCHEMA: &[Definition] = &[
    // of the platform
    Definition::new("dcap.quote-version", ClaimType::Number, "version of the quote format", "quote 格式版本"),
    Definition::bytes("dcap.fmspc", 6, "kind of platform (FMSPC)", "平台型号（FMSPC）"),
    Definition::new(
        "dcap.authority",
        ClaimType::Text,
        "authority of Intel for the platform: processor, platform",
        "签发平台证书的英特尔机构",
    ),
    Definition::bytes("dcap.ppid", 16, "id of the platform (PPID)", "平台标识（PPID）"),
    Definition::bytes("dcap.platform-instance", 16, "id of the registered platform", "注册平台实例标识"),
    Definition::bytes("dcap.cpu-svn", 16, "security versions of the processor (CPUSVN)", "处理器安全版本（CPUSVN）"),
    Definition::new("dcap.pce-svn", ClaimType::Number, "security version of the provisioning enclave", "配置认证 enclave 安全版本"),
    Definition::bytes("dcap.pce-id", 2, "id of the provisioning enclave", "配置认证 enclave 标识"),
    Definition::new("dcap.sgx-type", ClaimType::Number, "memory protection: 0 standard, 1 scalable, 2 with integrity", "内存保护类型"),
    Definition::new("dcap.dynamic-platform", ClaimType::Flag, "processor packages can be added later", "平台可动态增加处理器"),
    Definition::new("dcap.cached-keys", ClaimType::Flag, "Intel keeps the root keys of the platform", "英特尔缓存平台根密钥"),
    Definition::new("dcap.smt", ClaimType::Flag, "simultaneous multithreading is on", "已启用超线程"),
    // of its state
    Definition::new(
        "dcap.platform-status",
        ClaimType::Tcb,
        "state of the platform without its quoting enclave",
        "平台自身状态（不含引用 enclave）",
    ),
    Definition::new("dcap.qe-status", ClaimType::Tcb, "state of the quoting enclave", "引用 enclave 状态"),
    Definition::new("dcap.qe-svn", ClaimType::Number, "security version of the quoting enclave", "引用 enclave 安全版本"),
    Definition::new("dcap.tcb-date", ClaimType::Text, "date of the level that the platform reached", "平台达到的 TCB 级别日期"),
    Definition::new("dcap.tcb-age-days", ClaimType::Number, "days since the date of that level", "该级别日期距今天数"),
    Definition::new(
        "dcap.tcb-evaluation",
        ClaimType::Number,
        "number of Intel's evaluation, the lower of its two documents",
        "TCB 评估编号（两份材料中较小者）",
    ),
    Definition::new(
        "dcap.qe-evaluation",
        ClaimType::Number,
        "number of Intel's evaluation of the quoting enclave",
        "引用 enclave 评估编号",
    ),
    Definition::new(
        "dcap.root-crl-age-days",
        ClaimType::Number,
        "days since the root's revocation list was issued",
        "根吊销列表签发至今天数",
    ),
    // of an enclave
    Definition::bytes("sgx.mr-enclave", 32, "measurement of the enclave", "enclave 度量值"),
    Definition::bytes("sgx.mr-signer", 32, "hash of the key that signed the enclave", "enclave 签名密钥哈希"),
    Definition::new("sgx.isv-prod-id", ClaimType::Number, "product number of the enclave", "enclave 产品编号"),
    Definition::new("sgx.isv-svn", ClaimType::Number, "security version of the enclave", "enclave 安全版本"),
    Definition::bytes("sgx.attributes", 16, "attributes and extended features", "属性与扩展特性"),
    Definition::new("sgx.misc-select", ClaimType::Number, "extended state that is saved", "扩展状态选择"),
    Definition::bytes("sgx.cpu-svn", 16, "security versions when the report was made", "生成报告时的处理器安全版本"),
    Definition::bytes("sgx.config-id", 64, "configuration of the enclave", "enclave 配置标识"),
    Definition::new("sgx.config-svn", ClaimType::Number, "security version of the configuration", "配置安全版本"),
    Definition::bytes("sgx.isv-family-id", 16, "product family of the enclave", "enclave 产品族标识"),
    Definition::bytes("sgx.isv-ext-prod-id", 16, "extended product number of the enclave", "enclave 扩展产品编号"),
    // of a domain
    Definition::bytes("tdx.mr-td", 48, "measurement of the domain as it was built", "可信域初始度量值"),
    Definition::bytes("tdx.rtmr0", 48, "runtime measurement 0: firmware configuration", "运行时度量 0：固件配置"),
    Definition::bytes("tdx.rtmr1", 48, "runtime measurement 1: kernel", "运行时度量 1：内核"),
    Definition::bytes("tdx.rtmr2", 48, "runtime measurement 2: boot parameters, applications", "运行时度量 2：启动参数与应用"),
    Definition::bytes("tdx.rtmr3", 48, "runtime measurement 3: reserved for software", "运行时度量 3：留给软件使用"),
    Definition::bytes("tdx.mr-seam", 48, "measurement of the TDX module", "TDX 模块度量值"),
    Definition::bytes("tdx.mr-signer-seam", 48, "signer of the TDX module, zero for Intel", "TDX 模块签名者，英特尔为零"),
    Definition::bytes("tdx.seam-attributes", 8, "attributes of the TDX module", "TDX 模块属性"),
    Definition::bytes("tdx.mr-config-id", 48, "configuration that the host stated", "宿主声明的配置标识"),
    Definition::bytes("tdx.mr-owner", 48, "owner that the host stated", "宿主声明的所有者标识"),
    Definition::bytes("tdx.mr-owner-config", 48, "configuration of the owner", "所有者配置标识"),
    Definition::bytes("tdx.td-attributes", 8, "attributes of the domain", "可信域属性"),
    Definition::bytes("tdx.xfam", 8, "processor features that the domain uses", "可信域使用的处理器特性"),
    Definition::bytes("tdx.tee-tcb-svn", 16, "security versions of the TDX module at launch", "启动时 TDX 模块安全版本"),
    Definition::bytes("tdx.tee-tcb-svn2", 16, "security versions of the TDX module now", "当前 TDX 模块安全版本"),
    Definition::new(
        "tdx.sept-ve-disable",
        ClaimType::Flag,
        "the host cannot inject faults on private pages (SEPT_VE_DISABLE)",
        "宿主无法借私有页注入异常",
    ),
    Definition::new("tdx.migratable", ClaimType::Flag, "the domain can move to another machine", "可信域可迁移"),
    Definition::new("tdx.perfmon", ClaimType::Flag, "performance counters are on", "已启用性能计数器"),
    Definition::new("tdx.service-td", ClaimType::Flag, "another domain has a say over this one (MR_SERVICETD)", "受其他服务域影响"),
    Definition::bytes("tdx.mr-service-td", 48, "hash of the service domains", "服务域哈希"),
    Definition::new("tdx.module-status", ClaimType::Tcb, "state of the TDX module", "TDX 模块状态"),
    Definition::new("tdx.current-status", ClaimType::Tcb, "state of the TCB that runs now", "当前运行 TCB 的状态"),
    Definition::new(
        "tdx.body-type",
        ClaimType::Number,
        "format of the report: 2 TDX 1.0, 3 TDX 1.5, 4 extended",
        "报告格式：2 为 TDX 1.0，3 为 1.5，4 为扩展",
    ),
    // of the extended report
    Definition::new("tdx.vmid", ClaimType::Number, "part of a partitioned domain", "分区可信域编号"),
    Definition::bytes("tdx.td-id", 32, "instance of the domain", "可信域实例标识"),
    Definition::bytes("tdx.device-info", 48, "hash of the devices of the domain", "可信域设备信息哈希"),
    Definition::bytes("tdx.initial-service-td-hash", 48, "service domains when it was made", "创建时的服务域哈希"),
    Definition::bytes("tdx.initial-service-td-attributes", 8, "their attributes", "创建时服务域属性"),
    Definition::bytes("tdx.initial-cpu-svn", 16, "security versions of the processor when it was made", "创建时处理器安全版本"),
    Definition::bytes("tdx.initial-tee-tcb-svn", 16, "security versions of the TDX module when it was made", "创建时 TDX 模块安全版本"),
    Definition::bytes("tdx.initial-fmspc", 12, "kind of platform on which it was made", "创建时所在平台型号"),
    Definition::bytes("tdx.current-service-td-hash", 48, "service domains of now", "当前服务域哈希"),
    Definition::bytes("tdx.current-service-td-attributes", 8, "their attributes", "当前服务域属性"),
];

/// Claims and fields of one name.
const ENCLAVE: &[(&str, &str)] = &[
    ("sgx.mr-enclave", "mr-enclave"),
    ("sgx.mr-signer", "mr-signer"),
    ("sgx.attributes", "attributes"),
    ("sgx.cpu-svn", "cpu-svn"),
    ("sgx.config-id", "config-id"),
    ("sgx.isv-family-id", "isv-family-id"),
    ("sgx.isv-ext-prod-id", "isv-ext-prod-id"),
];
const DOMAIN: &[(&str, &str)] = &[
    ("tdx.mr-td", "mr-td"),
    ("tdx.rtmr0", "rtmr0"),
    ("tdx.rtmr1", "rtmr1"),
    ("tdx.rtmr2", "rtmr2"),
    ("tdx.rtmr3", "rtmr3"),
    ("tdx.mr-seam", "mr-seam"),
    ("tdx.mr-signer-seam", "mr-signer-seam"),
    ("tdx.seam-attributes", "seam-attributes"),
    ("tdx.mr-config-id", "mr-config-id"),
    ("tdx.mr-owner", "mr-owner"),
    ("tdx.mr-owner-config", "mr-owner-config"),
    ("tdx.td-attributes", "td-attributes"),
    ("tdx.xfam", "xfam"),
    ("tdx.tee-tcb-svn", "tee-tcb-svn"),
];
const FIFTEEN: &[(&str, &str)] = &[("tdx.tee-tcb-svn2", "tee-tcb-svn2"), ("tdx.mr-service-td", "mr-service-td")];
const EXTENDED: &[(&str, &str)] = &[
    ("tdx.td-id", "td-id"),
    ("tdx.device-info", "device-info"),
    ("tdx.initial-service-td-hash", "initial-service-td-hash"),
    ("tdx.initial-service-td-attributes", "initial-service-td-attributes"),
    ("tdx.initial-cpu-svn", "initial-cpu-svn"),
    ("tdx.initial-tee-tcb-svn", "initial-tee-tcb-svn"),
    ("tdx.initial-fmspc", "initial-fmspc"),
    ("tdx.current-service-td-hash", "current-service-td-hash"),
    ("tdx.current-service-td-attributes", "current-service-td-attributes"),
];

/// What [`super::verify`] found.
pub(super) struct Found<'a> {
    pub(super) quote: &'a Quote<'a>,
    pub(super) endorsement: &'a Endorsement,
    pub(super) platform: &'a Platform,
    pub(super) standing: &'a Standing,
    pub(super) qe_status: TcbStatus,
    pub(super) qe_svn: u64,
    /// All parts together.
    pub(super) status: TcbStatus,
    pub(super) advisories: Vec<String>,
}

impl Found<'_> {
    /// The claims at an instant.
    pub(super) fn claims(self, at: Instant) -> Claims {
        let mut claims = Claims::new();
        claims.set("tcb.status", self.status);
        claims.set("tcb.advisories", self.advisories);
        // no entry is endorsed without the lists of both issuers
        claims.set("collateral.revocation", true);
        platform(&mut claims, self.platform);
        let days = |since: Instant| u64::try_from(since.days_until(at)).unwrap_or(0);
        claims.set("dcap.quote-version", u64::from(self.quote.version));
        claims.set("dcap.platform-status", self.standing.status);
        claims.set("dcap.qe-status", self.qe_status);
        claims.set("dcap.qe-svn", self.qe_svn);
        claims.set("dcap.tcb-date", self.standing.date.text().as_str());
        claims.set("dcap.tcb-age-days", days(self.standing.date));
        let (tcb, qe) = (self.endorsement.tcb.tcb_evaluation_data_number, self.endorsement.qe.tcb_evaluation_data_number);
        claims.set("dcap.tcb-evaluation", u64::from(tcb.min(qe)));
        claims.set("dcap.qe-evaluation", u64::from(qe));
        claims.set("dcap.root-crl-age-days", days(self.endorsement.root_list_issued));
        match self.quote.report {
            Report::Enclave(report) => enclave(&mut claims, &report),
            Report::Domain(report) => domain(&mut claims, &report, self.standing),
        }
        claims
    }
}

fn platform(claims: &mut Claims, platform: &Platform) {
    let facts = &platform.facts;
    claims.set("dcap.fmspc", &facts.fmspc[..]);
    claims.set("dcap.authority", platform.authority.name());
    claims.set("dcap.ppid", &facts.ppid[..]);
    claims.set("dcap.cpu-svn", &facts.cpu_svn[..]);
    claims.set("dcap.pce-svn", u64::from(facts.pce_svn));
    claims.set("dcap.pce-id", &facts.pce_id[..]);
    claims.set("dcap.sgx-type", u64::from(facts.sgx_type));
    if let Some(instance) = &facts.instance {
        claims.set("dcap.platform-instance", &instance[..]);
    }
    // only registered platforms can have packages added or keys cached: where the certificate is silent, it is no
    claims.set("dcap.dynamic-platform", facts.dynamic.unwrap_or(false));
    claims.set("dcap.cached-keys", facts.cached_keys.unwrap_or(false));
    if let Some(smt) = facts.smt {
        claims.set("dcap.smt", smt);
    }
}

fn enclave(claims: &mut Claims, report: &View<'_>) {
    fields(claims, ENCLAVE, report);
    for (claim, field) in [
        ("sgx.isv-prod-id", "isv-prod-id"),
        ("sgx.isv-svn", "isv-svn"),
        ("sgx.misc-select", "misc-select"),
        ("sgx.config-svn", "config-svn"),
    ] {
        claims.set(claim, report.number(field));
    }
    claims.set("evidence.debug", is_debug_enclave(report));
}

fn domain(claims: &mut Claims, report: &Domain<'_>, standing: &Standing) {
    fields(claims, DOMAIN, &report.base);
    if let Some(fifteen) = report.fifteen {
        fields(claims, FIFTEEN, &fifteen);
    }
    if let Some(extended) = report.extended {
        fields(claims, EXTENDED, &extended);
        claims.set("tdx.vmid", extended.number("vmid"));
    }
    claims.set("tdx.body-type", report.body_type());
    claims.set("tdx.sept-ve-disable", report.sept_ve_disable());
    claims.set("tdx.migratable", report.migratable());
    claims.set("tdx.perfmon", report.perfmon());
    claims.set("tdx.service-td", report.service_td());
    claims.set("evidence.debug", report.is_debug());
    if let Some(module) = standing.module {
        claims.set("tdx.module-status", module);
    }
    if let Some(current) = standing.current {
        claims.set("tdx.current-status", current);
    }
}

fn fields(claims: &mut Claims, table: &'static [(&'static str, &'static str)], view: &View<'_>) {
    for (claim, field) in table {
        claims.set(claim, view.field(field));
    }
}

impl Quote<'_> {
    /// The 64 bytes of the reporter.
    pub(super) fn report_data(&self) -> Vec<u8> {
        let view = match &self.report {
            Report::Enclave(report) => report,
            Report::Domain(report) => &report.base,
        };
        view.field("report-data").to_vec()
    }
}

/// The kind of evidence that a quote of this environment is.
pub(super) const fn kind(tee: Tee) -> crate::evidence::Kind {
    match tee {
        Tee::Sgx => crate::evidence::Kind::Sgx,
        Tee::Tdx => crate::evidence::Kind::Tdx,
    }
}
