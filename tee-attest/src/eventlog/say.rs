//! What events say: claims from those that replayed, and lines for people.

use subtle::ConstantTimeEq as _;

use super::Line;
use super::names::name;
use super::parse::{Algorithm, Event};
use super::replay::{Bank, Register};
use crate::claims::Claims;
use crate::cursor::Cursor;

/// Event types that claims are made of (TCG profile, table 27).
const SEPARATOR: u32 = 0x0000_0004;
const IPL: u32 = 0x0000_000d;
const VARIABLE_CONFIG: u32 = 0x8000_0001;
const VARIABLE_BOOT: u32 = 0x8000_0002;
const BOOT_APPLICATION: u32 = 0x8000_0003;

/// `8be4df61-93ca-11d2-aa0d-00e098032b8c`, the name space of the UEFI specification's own variables, as stored.
const GLOBAL_VARIABLE: [u8; 16] = [0x61, 0xdf, 0xe4, 0x8b, 0xca, 0x93, 0xd2, 0x11, 0xaa, 0x0d, 0x00, 0xe0, 0x98, 0x03, 0x2b, 0x8c];
/// What GRUB writes before the command line that it measures.
const COMMAND_LINE: &[u8] = b"kernel_cmdline: ";
/// A line for people has at most this many characters of an event's data.
const LONGEST_TEXT: usize = 240;

/// Sets the claims that events of registers with the right value make.
pub(super) fn claims(bank: &Bank<'_>, registers: &[(&Register<'_>, Vec<&Event<'_>>)], claims: &mut Claims) {
    let hex = |event: &Event<'_>| hex::encode(event.digest(bank.algorithm).unwrap_or_default());
    let (mut digests, mut applications) = (Vec::new(), Vec::new());
    for (register, events) in registers {
        for event in events {
            digests.push(format!("{}:{}:{}", register.name, name(event.kind), hex(event)));
            if event.kind == BOOT_APPLICATION {
                applications.push(hex(event));
            }
        }
        if register.index == bank.firmware
            && let Some(state) = secure_boot(events, bank.algorithm)
        {
            claims.set("boot.secure-boot", state);
        }
        if register.index == bank.loader
            && let Some((text, digest)) = command_line(events, bank.algorithm)
        {
            claims.set("boot.command-line", text);
            claims.set("boot.command-line-digest", digest);
        }
    }
    claims.set("boot.events", u64::try_from(digests.len()).unwrap_or(u64::MAX));
    claims.set("boot.digests", digests);
    claims.set("boot.applications", applications);
}

/// The variable `SecureBoot`, measured before the firmware handed over (the separator). Said twice, it says nothing: a program
/// that runs later can add events of its own, it cannot take the first one away.
fn secure_boot(events: &[&Event<'_>], algorithm: Algorithm) -> Option<bool> {
    let mut states = events
        .iter()
        .take_while(|event| event.kind != SEPARATOR)
        .filter(|event| event.kind == VARIABLE_CONFIG && is_hash_of(event, algorithm, event.data))
        .filter_map(|event| variable(event.data))
        .filter(|(space, name, _)| *space == GLOBAL_VARIABLE && name == "SecureBoot")
        .map(|(_, _, value)| value == [1]);
    states.next().filter(|_| states.next().is_none())
}

/// The one command line that GRUB measured. The digest is over the line alone, without GRUB's prefix and the closing zero.
fn command_line<'a>(events: &[&Event<'a>], algorithm: Algorithm) -> Option<(&'a str, &'a [u8])> {
    let mut lines = events.iter().filter(|event| event.kind == IPL).filter_map(|event| {
        let line = event.data.strip_prefix(COMMAND_LINE)?;
        let line = line.strip_suffix(&[0]).unwrap_or(line);
        is_hash_of(event, algorithm, line).then_some((std::str::from_utf8(line).ok()?, event.digest(algorithm)?))
    });
    lines.next().filter(|_| lines.next().is_none())
}

fn is_hash_of(event: &Event<'_>, algorithm: Algorithm, data: &[u8]) -> bool {
    event.digest(algorithm).zip(algorithm.digest(&[data])).is_some_and(|(said, is)| bool::from(said.ct_eq(&is)))
}

/// `UEFI_VARIABLE_DATA` (TCG profile, section 10.4.1): name space, length of the name in characters, length of the value, both.
fn variable(data: &[u8]) -> Option<([u8; 16], String, &[u8])> {
    let mut cursor = Cursor::new("variable event", data);
    let space = cursor.array().ok()?;
    let (name, value) = (cursor.le64().ok()?, cursor.le64().ok()?);
    let name = cursor.take(usize::try_from(name).ok()?.checked_mul(2)?).ok()?;
    let value = cursor.take(usize::try_from(value).ok()?).ok()?;
    cursor.end().ok()?;
    let units = name.as_chunks().0.iter().map(|unit| u16::from_le_bytes(*unit));
    let name = char::decode_utf16(units).collect::<std::result::Result<String, _>>().ok()?;
    Some((space, name, value))
}

/// One event for people.
pub(super) fn line(event: &Event<'_>) -> Line {
    let candidates = [Some(event.data), event.data.strip_suffix(&[0]), after_prefix(event.data), boot_value(event)];
    let is_data_measured = event.digests.iter().any(|(algorithm, said)| {
        candidates.iter().flatten().any(|data| algorithm.digest(&[data]).is_some_and(|is| is.as_slice() == *said))
    });
    let text = match event.kind {
        VARIABLE_CONFIG | VARIABLE_BOOT | 0x8000_000c | 0x8000_00e0 => variable(event.data).map(|(_, name, value)| {
            if value.len() <= 8 { format!("{name} = {}", hex::encode(value)) } else { format!("{name} ({} bytes)", value.len()) }
        }),
        _ => None,
    };
    Line {
        register: event.register,
        kind: name(event.kind),
        digests: event.digests.iter().map(|(algorithm, digest)| (algorithm.name(), digest.to_vec())).collect(),
        text: text.unwrap_or_else(|| readable(event.data)),
        is_data_measured,
    }
}

/// GRUB measures the part after its own prefix, without the closing zero.
fn after_prefix(data: &[u8]) -> Option<&[u8]> {
    let at = data.windows(2).position(|pair| pair == b": ")?;
    let line = data.get(at.checked_add(2)?..)?;
    Some(line.strip_suffix(&[0]).unwrap_or(line))
}

/// Boot variables are measured by their value alone.
fn boot_value<'a>(event: &Event<'a>) -> Option<&'a [u8]> {
    if event.kind == VARIABLE_BOOT { variable(event.data).map(|(_, _, value)| value) } else { None }
}

fn readable(data: &[u8]) -> String {
    let clean: String = String::from_utf8_lossy(data).chars().filter(|letter| !letter.is_control() && *letter != '\u{fffd}').collect();
    clean.chars().take(LONGEST_TEXT).collect()
}
