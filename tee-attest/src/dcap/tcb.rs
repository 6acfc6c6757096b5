//! TCB info, version 3: which security versions of a platform are good, and where one platform stands.
//!
//! Intel SGX and TDX Provisioning Certification Service API, version 4, "Get TCB info"; the matching follows the text there
//! and Intel's quote verification library where the text leaves something open (order of levels, TDX modules, relaunch).

use serde::Deserialize;

use super::json::{SvnLevel, allowed, document, exactly, fits, instant, reached};
use super::pck::Facts;
use super::report::Domain;
use crate::claims::TcbStatus;
use crate::fault::{Fault, Result, malformed};
use crate::instant::Instant;

const PLACE: &str = "tcb info";

/// Statuses of a platform. The relaunch ones are made here, never read.
const PLATFORM: &[TcbStatus] = &[
    TcbStatus::UpToDate,
    TcbStatus::SwHardeningNeeded,
    TcbStatus::ConfigurationNeeded,
    TcbStatus::ConfigurationAndSwHardeningNeeded,
    TcbStatus::OutOfDate,
    TcbStatus::OutOfDateConfigurationNeeded,
    TcbStatus::Revoked,
];
const MODULE: &[TcbStatus] = &[TcbStatus::UpToDate, TcbStatus::OutOfDate, TcbStatus::Revoked];

/// The document.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct TcbInfo {
    pub(super) id: Id,
    #[serde(rename = "version", deserialize_with = "exactly::<3, _>")]
    _version: u32,
    #[serde(deserialize_with = "instant")]
    pub(super) issue_date: Instant,
    #[serde(deserialize_with = "instant")]
    pub(super) next_update: Instant,
    #[serde(with = "hex::serde")]
    pub(super) fmspc: [u8; 6],
    #[serde(with = "hex::serde")]
    pub(super) pce_id: [u8; 2],
    /// How levels are compared; 0 is the only way there is.
    #[serde(rename = "tcbType", deserialize_with = "exactly::<0, _>")]
    _tcb_type: u32,
    pub(super) tcb_evaluation_data_number: u32,
    tdx_module: Option<Module>,
    tdx_module_identities: Option<Vec<ModuleIdentity>>,
    tcb_levels: Vec<Level>,
}

/// For which environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) enum Id {
    #[serde(rename = "SGX")]
    Sgx,
    #[serde(rename = "TDX")]
    Tdx,
}

/// Whose signature and attributes the TDX module must have.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Module {
    #[serde(with = "hex::serde")]
    mrsigner: [u8; 48],
    #[serde(with = "hex::serde")]
    attributes: [u8; 8],
    #[serde(with = "hex::serde")]
    attributes_mask: [u8; 8],
}

/// The same for one major version of the module, with its levels.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ModuleIdentity {
    /// `TDX_` and the major version in hexadecimal.
    id: String,
    #[serde(with = "hex::serde")]
    mrsigner: [u8; 48],
    #[serde(with = "hex::serde")]
    attributes: [u8; 8],
    #[serde(with = "hex::serde")]
    attributes_mask: [u8; 8],
    tcb_levels: Vec<SvnLevel>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Level {
    tcb: Tcb,
    #[serde(deserialize_with = "instant")]
    tcb_date: Instant,
    tcb_status: TcbStatus,
    #[serde(rename = "advisoryIDs", default)]
    advisories: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Tcb {
    sgxtcbcomponents: [Component; 16],
    pcesvn: u16,
    tdxtcbcomponents: Option<[Component; 16]>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
struct Component {
    svn: u8,
}

/// Where a platform stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) status: TcbStatus,
    pub(super) advisories: Vec<String>,
    pub(super) date: Instant,
    /// Of the TDX module by itself.
    pub(super) module: Option<TcbStatus>,
    /// Of the TCB that runs now, where the domain was measured under another (TDX 1.5).
    pub(super) current: Option<TcbStatus>,
}

impl TcbInfo {
    /// Reads a document whose signature was checked, and puts its levels in order.
    pub(super) fn read(text: &str) -> Result<Self> {
        let mut info: Self = document(PLACE, text, 3)?;
        if info.tcb_levels.is_empty() {
            return Err(malformed(PLACE, "no levels"));
        }
        let lacks_tdx = info.tdx_module.is_none() || info.tcb_levels.iter().any(|level| level.tcb.tdxtcbcomponents.is_none());
        if info.id == Id::Tdx && lacks_tdx {
            return Err(malformed(PLACE, "TDX without a TDX module or TDX components"));
        }
        for level in &info.tcb_levels {
            allowed(PLACE, level.tcb_status, PLATFORM)?;
        }
        for level in info.tdx_module_identities.iter().flatten().flat_map(|identity| &identity.tcb_levels) {
            allowed(PLACE, level.tcb_status, MODULE)?;
        }
        // the highest first, as Intel's library keeps them whatever the order of the document
        let key = |level: &Level| -> std::cmp::Reverse<([u8; 16], u16, [u8; 16])> {
            let svns = |components: &[Component; 16]| std::array::from_fn(|index| components.get(index).map_or(0, |one| one.svn));
            std::cmp::Reverse((
                svns(&level.tcb.sgxtcbcomponents),
                level.tcb.pcesvn,
                level.tcb.tdxtcbcomponents.as_ref().map_or([0; 16], svns),
            ))
        };
        info.tcb_levels.sort_by_cached_key(key);
        Ok(info)
    }

    /// Where an SGX platform stands.
    pub(super) fn sgx(&self, facts: &Facts) -> Result<Standing> {
        let level = self.level(facts, None)?;
        Ok(Standing { status: level.tcb_status, advisories: level.advisories.clone(), date: level.tcb_date, module: None, current: None })
    }

    /// Where a TDX platform stands, its module included; checks that the module is Intel's.
    pub(super) fn tdx(&self, facts: &Facts, domain: &Domain<'_>) -> Result<Standing> {
        let launch: [u8; 16] = domain.base.array("tee-tcb-svn");
        let mut standing = self.evaluate(facts, &launch)?;
        self.check_module(&launch, domain)?;
        if let Some(fifteen) = domain.fifteen {
            standing.current = Some(self.evaluate(facts, &fifteen.array("tee-tcb-svn2"))?.status);
        }
        Ok(standing)
    }

    fn evaluate(&self, facts: &Facts, svn: &[u8; 16]) -> Result<Standing> {
        let level = self.level(facts, Some(svn))?;
        let mut standing =
            Standing { status: level.tcb_status, advisories: level.advisories.clone(), date: level.tcb_date, module: None, current: None };
        let ([module_svn, major, ..], Some(identity)) = (*svn, self.identity(svn)?) else { return Ok(standing) };
        let module = reached(&identity.tcb_levels, u16::from(module_svn)).ok_or_else(|| {
            Fault::new(
                "dcap.tdx-module-level",
                PLACE,
                format!("TDX module {major}.{module_svn} is below every level that Intel lists"),
                format!("TDX 模块 {major}.{module_svn} 低于英特尔列出的所有级别"),
            )
            .remedy("the operator of the machine must update its TDX module", "请机器运营方升级 TDX 模块")
        })?;
        standing.status = converge(standing.status, module.tcb_status);
        standing.module = Some(module.tcb_status);
        standing.date = standing.date.min(module.tcb_date);
        merge(&mut standing.advisories, &module.advisories);
        Ok(standing)
    }

    /// The first level all of whose versions are reached.
    fn level(&self, facts: &Facts, svn: Option<&[u8; 16]>) -> Result<&Level> {
        let reaches =
            |have: &[u8; 16], need: &[Component; 16], skip: usize| have.iter().zip(need).skip(skip).all(|(have, need)| *have >= need.svn);
        let fits = |level: &&Level| {
            reaches(&facts.components, &level.tcb.sgxtcbcomponents, 0)
                && facts.pce_svn >= level.tcb.pcesvn
                && match (svn, &level.tcb.tdxtcbcomponents) {
                    (None, _) => true,
                    // a module that has a major version is judged by its identity: its two components do not count here
                    (Some(svn @ [_, major, ..]), Some(need)) => reaches(svn, need, if *major > 0 { 2 } else { 0 }),
                    (Some(_), None) => false,
                }
        };
        self.tcb_levels.iter().find(fits).ok_or_else(|| {
            Fault::new("dcap.tcb-level", PLACE, "the platform is below every level that Intel lists", "该平台低于英特尔列出的所有级别")
                .remedy("the operator of the machine must update its BIOS and microcode", "请机器运营方升级 BIOS 与微码")
        })
    }

    /// The identity of the module's major version; `None` for modules from before there were any.
    fn identity(&self, [_, major, ..]: &[u8; 16]) -> Result<Option<&ModuleIdentity>> {
        if *major == 0 {
            return Ok(None);
        }
        let wanted = format!("TDX_{major:02X}");
        let mut all = self.tdx_module_identities.iter().flatten();
        all.find(|identity| identity.id.eq_ignore_ascii_case(&wanted)).map(Some).ok_or_else(|| {
            Fault::new(
                "dcap.tdx-module",
                PLACE,
                format!("no identity `{wanted}` for the TDX module of this platform"),
                format!("没有该平台 TDX 模块的身份信息 `{wanted}`"),
            )
            .remedy("put newer TCB info into the bundle", "请在背书材料中放入更新的 TCB 信息")
        })
    }

    fn check_module(&self, svn: &[u8; 16], domain: &Domain<'_>) -> Result<()> {
        let expected = match (self.identity(svn)?, &self.tdx_module) {
            (Some(one), _) => Some((&one.mrsigner, &one.attributes, &one.attributes_mask)),
            (None, Some(one)) => Some((&one.mrsigner, &one.attributes, &one.attributes_mask)),
            (None, None) => None,
        };
        let found = domain.base.field("seam-attributes");
        let is_intel = expected.is_some_and(|(signer, attributes, mask)| {
            domain.base.field("mr-signer-seam") == signer
                && fits(attributes, mask, found)
                // bits that the mask leaves out are nobody's: they must be zero
                && found.iter().zip(mask).all(|(found, mask)| found & !mask == 0)
        });
        if is_intel {
            return Ok(());
        }
        Err(Fault::new(
            "dcap.tdx-module",
            "td report",
            "the TDX module is not the one that Intel signs, or has other attributes",
            "TDX 模块不是英特尔签名的模块，或其属性不符",
        ))
    }
}

/// A platform's status and that of a part of it, as Intel's library joins them: a part counts when it is out of date or revoked.
pub(super) const fn converge(platform: TcbStatus, part: TcbStatus) -> TcbStatus {
    match (part, platform) {
        (TcbStatus::Revoked, _) => TcbStatus::Revoked,
        (TcbStatus::OutOfDate, TcbStatus::UpToDate | TcbStatus::SwHardeningNeeded) => TcbStatus::OutOfDate,
        (TcbStatus::OutOfDate, TcbStatus::ConfigurationNeeded | TcbStatus::ConfigurationAndSwHardeningNeeded) => {
            TcbStatus::OutOfDateConfigurationNeeded
        }
        _ => platform,
    }
}

/// The status under which a domain was launched and the one of now, as Intel's library joins them: a domain that was launched
/// under an old TCB on a platform that is good now should be launched anew. Revoked in either stays revoked.
pub(super) const fn relaunch(launch: TcbStatus, now: TcbStatus) -> TcbStatus {
    let configuration = matches!(launch, TcbStatus::OutOfDateConfigurationNeeded)
        || matches!(now, TcbStatus::ConfigurationNeeded | TcbStatus::ConfigurationAndSwHardeningNeeded);
    match (launch, now) {
        (_, TcbStatus::Revoked) => TcbStatus::Revoked,
        (
            TcbStatus::OutOfDate | TcbStatus::OutOfDateConfigurationNeeded,
            TcbStatus::UpToDate
            | TcbStatus::SwHardeningNeeded
            | TcbStatus::ConfigurationNeeded
            | TcbStatus::ConfigurationAndSwHardeningNeeded,
        ) if configuration => TcbStatus::TdRelaunchAdvisedConfigurationNeeded,
        (
            TcbStatus::OutOfDate | TcbStatus::OutOfDateConfigurationNeeded,
            TcbStatus::UpToDate
            | TcbStatus::SwHardeningNeeded
            | TcbStatus::ConfigurationNeeded
            | TcbStatus::ConfigurationAndSwHardeningNeeded,
        ) => TcbStatus::TdRelaunchAdvised,
        _ => launch,
    }
}

/// Adds what is not there yet.
pub(super) fn merge(advisories: &mut Vec<String>, more: &[String]) {
    for one in more {
        if !advisories.contains(one) {
            advisories.push(one.clone());
        }
    }
}
