//! TCG event logs: what firmware and boot loaders measured, replayed against the registers that the evidence signs.
//!
//! The format is the crypto-agile log of the TCG PC Client Platform Firmware Profile (section 10), which Intel TDX uses too
//! (CCEL; UEFI 2.10, section 38.4.1): there the index of a measurement register counts MRTD as 0 and RTMR0..3 as 1..4.
//!
//! A log is not signed. What makes it true is only this: the digests of each register's events, hashed one after the other, give
//! the value that the hardware signed. Event *data* is believed only where the event's digest is the hash of it.
//!
//! | case | answer |
//! |---|---|
//! | a register with events replays to the signed value | claims from its events |
//! | it does not | `boot.replay`, the evidence is refused |
//! | a register without events that is not at its start value | listed in `boot.unlogged`: something extended it that the log does not have |
//! | bytes after the last event | only padding, all 0xff or all zero |

mod names;
mod parse;
mod replay;
mod say;

use crate::claims::{ClaimType, Claims, Definition};
use crate::fault::Result;

pub(crate) use parse::Algorithm;
pub(crate) use replay::{Bank, Register, replay};

pub(crate) const SCHEMA: &[Definition] = &[
    Definition::new(
        "boot.replayed",
        ClaimType::Flag,
        "the event log replays to the signed registers",
        "事件日志重放结果与已签名寄存器一致",
    ),
    Definition::new("boot.events", ClaimType::Number, "number of measured events in the log", "日志中的度量事件数"),
    Definition::new("boot.algorithm", ClaimType::Text, "hash algorithm of the registers that were replayed", "所重放寄存器的杂凑算法"),
    Definition::new("boot.digests", ClaimType::List, "every measured event: register, type, digest", "全部度量事件：寄存器、类型、摘要"),
    Definition::new(
        "boot.unlogged",
        ClaimType::List,
        "registers that something extended without an event in the log",
        "已被扩展但日志中没有事件的寄存器",
    ),
    Definition::new("boot.secure-boot", ClaimType::Flag, "UEFI secure boot was on", "UEFI 安全启动已开启"),
    Definition::new(
        "boot.applications",
        ClaimType::List,
        "digests of the UEFI programs that were started, in order",
        "依次启动的 UEFI 程序摘要",
    ),
    Definition::new("boot.command-line", ClaimType::Text, "command line of the kernel", "内核命令行"),
    Definition::new("boot.command-line-digest", ClaimType::Bytes, "digest of the kernel's command line", "内核命令行摘要"),
];

/// One event of a log, for people: nothing in it was compared with a register.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Line {
    /// Index of the register as the log writes it: a PCR, or in a CCEL 0 for MRTD and 1 to 4 for RTMR0 to 3.
    pub register: u32,
    /// The event type in the words of the TCG profile, or its number.
    pub kind: String,
    /// Algorithm and digest.
    pub digests: Vec<(&'static str, Vec<u8>)>,
    /// Readable part of the event's data, shortened.
    pub text: String,
    /// The digest is the hash of the data (or of the part of it that the profile says): the text is what was measured.
    pub is_data_measured: bool,
}

/// The events of a log in words. Says what the log claims, not whether it is true: only verification replays it.
///
/// # Errors
/// `format.malformed`, `boot.algorithm`: not a crypto-agile log, an algorithm that is not known, more than 8192 events.
pub fn explain(log: &[u8]) -> Result<Vec<Line>> {
    Ok(parse::Log::read(log)?.events.iter().map(say::line).collect())
}

/// Replays a CCEL against RTMR0..3 of a TD and sets the claims `boot.*`.
pub(crate) fn check(log: &[u8], rtmrs: [&[u8; 48]; 4], claims: &mut Claims) -> Result<()> {
    let names = ["rtmr0", "rtmr1", "rtmr2", "rtmr3"];
    let registers: Vec<Register<'_>> =
        (1_u32..).zip(names).zip(rtmrs).map(|((index, name), value)| Register { index, name, value: value.as_slice() }).collect();
    replay(log, &Bank { algorithm: Algorithm::Sha384, registers: &registers, firmware: 1, loader: 3 }, claims)
}
