//! Replaying: `register = H(register || digest)` for each event, from the register's start value.

use subtle::ConstantTimeEq as _;

use super::parse::{Algorithm, Event, Log, NO_ACTION};
use super::say;
use crate::claims::Claims;
use crate::fault::{Fault, Result};

/// `StartupLocality`, the event that says from which locality the TPM was started (TCG profile, section 10.4.5.3).
const LOCALITY: &[u8; 16] = b"StartupLocality\0";

/// One register as the evidence signs it.
pub(crate) struct Register<'a> {
    /// The number that the log gives it.
    pub(crate) index: u32,
    /// Its name in claims and faults.
    pub(crate) name: &'static str,
    pub(crate) value: &'a [u8],
}

/// The registers of one algorithm, and what stands where.
pub(crate) struct Bank<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) registers: &'a [Register<'a>],
    /// Index of the register with the firmware's settings, secure boot among them: PCR 7, RTMR0.
    pub(crate) firmware: u32,
    /// Index of the register with the loader's strings, the kernel's command line among them: PCR 8, RTMR2.
    pub(crate) loader: u32,
}

/// Replays a log against signed registers and sets the claims `boot.*`.
///
/// An event of a register that the evidence does not sign makes no claim; one that is wrong refuses the whole.
pub(crate) fn replay(log: &[u8], bank: &Bank<'_>, claims: &mut Claims) -> Result<()> {
    let log = Log::read(log)?;
    if !log.algorithms.contains(&bank.algorithm) {
        return Err(fault(
            "boot.algorithm",
            &format!("the log has no {} digests, the registers are of that kind", bank.algorithm.name()),
            &format!("日志中没有 {} 摘要，而寄存器为该算法", bank.algorithm.name()),
        ));
    }
    let (mut true_events, mut unlogged) = (Vec::new(), Vec::new());
    for register in bank.registers {
        let own: Vec<&Event<'_>> = log.events.iter().filter(|event| event.register == register.index && event.kind != NO_ACTION).collect();
        let start = start(&log, bank, register);
        let mut value = start.clone();
        for event in &own {
            let extended = event.digest(bank.algorithm).and_then(|digest| bank.algorithm.digest(&[&value, digest]));
            value = extended.ok_or_else(|| fault("boot.algorithm", "SHA-1 registers are not replayed", "不重放 SHA-1 寄存器"))?;
        }
        if own.is_empty() {
            if register.value != start.as_slice() {
                unlogged.push(register.name.to_owned());
            }
            continue;
        }
        if !bool::from(value.as_slice().ct_eq(register.value)) {
            return Err(fault(
                "boot.replay",
                &format!("the events of {} do not give the signed value", register.name),
                &format!("{} 的事件重放结果与已签名的值不符", register.name),
            )
            .remedy(
                "take the log at the same moment as the evidence; if it stays, the log was changed",
                "请与证据同时采集日志；若仍不符，则日志已被改动",
            ));
        }
        true_events.push((register, own));
    }
    say::claims(bank, &true_events, claims);
    claims.set("boot.replayed", true);
    claims.set("boot.algorithm", bank.algorithm.name());
    claims.set("boot.unlogged", unlogged);
    Ok(())
}

/// What a register holds before its first event: zero, but PCR 0 ends in the locality that started the TPM,
/// and PCRs 17 to 22 are all ones until a dynamic launch.
fn start(log: &Log<'_>, bank: &Bank<'_>, register: &Register<'_>) -> Vec<u8> {
    let is_pcr = register.name.starts_with("pcr");
    let mut value = vec![if is_pcr && (17..=22).contains(&register.index) { 0xff } else { 0 }; bank.algorithm.length()];
    let locality = log
        .events
        .iter()
        .take_while(|event| event.kind == NO_ACTION || event.register != 0)
        .filter(|event| event.kind == NO_ACTION)
        .find_map(|event| event.data.strip_prefix(LOCALITY).and_then(|rest| <[u8; 1]>::try_from(rest).ok()));
    if let (true, 0, Some([locality]), Some(last)) = (is_pcr, register.index, locality, value.last_mut()) {
        *last = locality;
    }
    value
}

fn fault(code: &'static str, en: &str, zh: &str) -> Fault {
    Fault::new(code, "event log", en, zh)
}
