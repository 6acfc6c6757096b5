//! Identity of the quoting enclave, version 2: which enclave of Intel may sign for a platform, and how new it is.

use serde::Deserialize;

use super::json::{SvnLevel, allowed, document, exactly, fits, instant, reached};
use super::report::is_debug_enclave;
use crate::claims::TcbStatus;
use crate::fault::{Fault, Result};
use crate::instant::Instant;
use crate::layout::View;

const PLACE: &str = "qe identity";

/// Statuses that Intel's library accepts here.
const STATUSES: &[TcbStatus] = &[
    TcbStatus::UpToDate,
    TcbStatus::ConfigurationNeeded,
    TcbStatus::OutOfDate,
    TcbStatus::OutOfDateConfigurationNeeded,
    TcbStatus::Revoked,
];

/// The document.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct QeIdentity {
    pub(super) id: Id,
    #[serde(rename = "version", deserialize_with = "exactly::<2, _>")]
    _version: u32,
    #[serde(deserialize_with = "instant")]
    pub(super) issue_date: Instant,
    #[serde(deserialize_with = "instant")]
    pub(super) next_update: Instant,
    pub(super) tcb_evaluation_data_number: u32,
    /// As bytes in the order of the report.
    #[serde(with = "hex::serde")]
    miscselect: [u8; 4],
    #[serde(with = "hex::serde")]
    miscselect_mask: [u8; 4],
    #[serde(with = "hex::serde")]
    attributes: [u8; 16],
    #[serde(with = "hex::serde")]
    attributes_mask: [u8; 16],
    #[serde(with = "hex::serde")]
    mrsigner: [u8; 32],
    isvprodid: u16,
    tcb_levels: Vec<SvnLevel>,
}

/// Quoting enclave of which environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub(super) enum Id {
    #[serde(rename = "QE")]
    Sgx,
    #[serde(rename = "TD_QE")]
    Tdx,
}

impl QeIdentity {
    /// Reads a document whose signature was checked.
    pub(super) fn read(text: &str) -> Result<Self> {
        let identity: Self = document(PLACE, text, 2)?;
        for level in &identity.tcb_levels {
            allowed(PLACE, level.tcb_status, STATUSES)?;
        }
        Ok(identity)
    }

    /// The level of the enclave that made this report, if it is the one that Intel names.
    pub(super) fn level(&self, report: &View<'_>) -> Result<&SvnLevel> {
        let is_named = report.field("mr-signer") == self.mrsigner
            && report.number("isv-prod-id") == u64::from(self.isvprodid)
            && fits(&self.miscselect, &self.miscselect_mask, report.field("misc-select"))
            && fits(&self.attributes, &self.attributes_mask, report.field("attributes"))
            && !is_debug_enclave(report);
        if !is_named {
            return Err(Fault::new(
                "dcap.qe-identity",
                "quoting enclave's report",
                "the quoting enclave is not the one that Intel names, or it is in debug mode",
                "引用 enclave 不是英特尔指定的 enclave，或处于调试模式",
            ));
        }
        reached(&self.tcb_levels, u16::from_le_bytes(report.array("isv-svn"))).ok_or_else(|| {
            Fault::new(
                "dcap.qe-level",
                "quoting enclave's report",
                "the quoting enclave is older than every level that Intel lists",
                "引用 enclave 低于英特尔列出的所有级别",
            )
            .remedy(
                "the operator of the machine must update its quoting enclave (DCAP package)",
                "请机器运营方升级引用 enclave（DCAP 软件包）",
            )
        })
    }
}
