//! Reports from `/dev/sev-guest`, over a trait so that a test can play the kernel.

use super::fault;
use crate::cursor::Cursor;
use crate::fault::Result;

/// Memory page: tables of certificates are whole pages.
const PAGE: usize = 4096;
/// More pages than any host's table has.
const MOST_PAGES: usize = 64;
/// Status, length and reserved bytes before the report (SNP firmware ABI, 56860, table 25).
const HEADER: usize = 24;

/// One request for a report.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Request {
    /// The 64 bytes that go into the report.
    pub report_data: [u8; 64],
    /// Bytes that the table of certificates may have: whole pages, or 0 for a report alone.
    pub room: usize,
}

/// What the kernel answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The firmware's response message and the table of certificates.
    Report {
        /// Response message: header, report.
        message: Vec<u8>,
        /// Table of certificates, empty where none was asked for.
        table: Vec<u8>,
    },
    /// The table needs this many bytes; ask again.
    MoreRoom(usize),
}

/// The kernel's device of an SNP guest.
pub trait Device: Send {
    /// One request.
    ///
    /// # Errors
    /// What the kernel or the firmware refused, with its number.
    fn request(&mut self, request: &Request) -> std::io::Result<Answer>;
}

/// A report and the host's table of certificates; a host without a table is asked for the report alone.
pub(super) fn report(device: &mut dyn Device, report_data: &[u8; 64]) -> Result<(Vec<u8>, Vec<u8>)> {
    let mut room = PAGE.saturating_mul(4);
    // the host may make its table longer between two requests: three tries, then it is a refusal
    for _ in 0..3 {
        let answer = device.request(&Request { report_data: *report_data, room }).map_err(|error| {
            fault("attester.io", "/dev/sev-guest", format!("the kernel refused: {error}"), format!("内核拒绝：{error}"))
        })?;
        match answer {
            Answer::Report { message, table } => return Ok((unwrap(&message)?, table)),
            Answer::MoreRoom(more) if more.div_ceil(PAGE) <= MOST_PAGES => room = more.div_ceil(PAGE).saturating_mul(PAGE),
            Answer::MoreRoom(more) => {
                return Err(fault(
                    "attester.io",
                    "/dev/sev-guest",
                    format!("the host wants {more} bytes for certificates"),
                    format!("宿主机要求 {more} 字节存放证书"),
                ));
            }
        }
    }
    Err(fault("attester.io", "/dev/sev-guest", "the host's certificates grow with every request", "宿主机证书表不断变长"))
}

/// `MSG_REPORT_RSP`: status u32, length u32, 24 reserved bytes, report.
fn unwrap(message: &[u8]) -> Result<Vec<u8>> {
    let mut cursor = Cursor::new("response of the firmware", message);
    let (status, length) = (cursor.le32()?, cursor.le32()?);
    cursor.take(HEADER)?;
    if status != 0 {
        return Err(fault(
            "attester.io",
            "/dev/sev-guest",
            format!("the firmware refused with status {status:#x}"),
            format!("固件拒绝，状态 {status:#x}"),
        ));
    }
    Ok(cursor.take(usize::try_from(length).unwrap_or(usize::MAX))?.to_vec())
}
