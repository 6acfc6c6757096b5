//! Event logs: reading and explaining. Replaying is tested with the evidence that signs the registers.

use yu_tee_attest::crypto::default_provider;
use yu_tee_attest::eventlog::explain;
use yu_tee_attest::verify::verify;
use yu_tee_attest::{Binding, Entry, Evidence, Instant, Kind, Part, VerifiedCollateral};

use crate::shared::vectors;
use crate::tampering::Masks;

fn ccel() -> Option<Vec<u8>> {
    Some(std::fs::read(vectors("eventlog")?.join("cos113-ccel-data-trimmed.dat")).unwrap())
}

#[test]
fn a_log_is_explained() {
    let Some(log) = ccel() else { return };
    let lines = explain(&log).unwrap();
    assert_eq!(lines.len(), 43);
    assert_eq!(lines[2].kind, "EV_EFI_VARIABLE_DRIVER_CONFIG");
    assert_eq!((lines[2].register, lines[2].text.as_str(), lines[2].is_data_measured), (1, "SecureBoot = 00", true));
    assert!(lines[40].text.starts_with("kernel_cmdline: /syslinux/vmlinuz.A") && lines[40].is_data_measured);
    assert!(lines.iter().all(|line| line.digests.len() == 1 && line.digests[0].0 == "sha384" && line.digests[0].1.len() == 48));
    for line in &lines {
        println!("{} {:32} {} {}", line.register, line.kind, if line.is_data_measured { "*" } else { " " }, line.text);
    }
}

#[test]
fn padding_is_read_and_nothing_else() {
    let Some(log) = ccel() else { return };
    for (tail, is_fine) in [
        (&[0xff; 4][..], true),
        (&[0xff; 1000], true),
        (&[0; 1], true),
        (&[0; 1000], true),
        (&[0xff; 3], false),
        (&[0xff, 0xff, 0xff, 0xff, 0], false),
        (&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], false),
        (&[1], false),
        (&[7; 64], false),
    ] {
        assert_eq!(explain(&[&log, tail].concat()).is_ok(), is_fine, "{tail:?}");
    }
}

/// Every cut in the middle of an event is refused; a cut between two is a shorter log, which only replaying can tell.
#[test]
fn cuts_are_refused_inside_events() {
    let Some(log) = ccel() else { return };
    let whole = (0..=log.len()).filter(|length| explain(&log[..*length]).is_ok()).count();
    assert_eq!(whole, 44, "the header alone, and after each of 43 events");
    assert!((0..65).all(|length| explain(&log[..length]).is_err()));
}

#[test]
fn headers_and_algorithms_that_are_not_known_are_refused() {
    let Some(log) = ccel() else { return };
    let with = |at: usize, value: u8| {
        let mut other = log.clone();
        other[at] = value;
        explain(&other).unwrap_err().code
    };
    assert_eq!(with(0, 2), "format.malformed", "register of the header");
    assert_eq!(with(4, 1), "format.malformed", "type of the header");
    assert_eq!(with(10, 1), "format.malformed", "digest of the header");
    assert_eq!(with(46, b'2'), "format.malformed", "`Spec ID Event02`");
    assert_eq!(with(53, 3), "format.malformed", "major version");
    assert_eq!(with(56, 6), "format.malformed", "six algorithms");
    assert_eq!(with(60, 0x27), "boot.algorithm", "SHA3-256");
    assert_eq!(with(62, 32), "format.malformed", "SHA-384 of 32 bytes");
    assert_eq!(with(73, 2), "format.malformed", "two digests where the header has one");
    assert_eq!(with(77, 0x0b), "format.malformed", "an algorithm that the header does not have");
    assert_eq!(with(77, 0x27), "boot.algorithm");
}

#[test]
fn too_many_events_are_refused() {
    let Some(log) = ccel() else { return };
    let (header, event) = (&log[..65], [&[1, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0x0c, 0][..], &[0; 48], &[0; 4]].concat());
    assert_eq!(explain(&[header, &event.repeat(8192)].concat()).unwrap().len(), 8192);
    assert_eq!(explain(&[header, &event.repeat(8193)].concat()).unwrap_err().code, "boot.length");
}

/// The log of a real TD against the registers of its quote: all four replay.
#[test]
fn a_ccel_replays_to_the_registers_of_its_quote() {
    let (Some(log), Some(tdx)) = (ccel(), vectors("tdx")) else { return };
    let entry = serde_json::from_str(&std::fs::read_to_string(tdx.join("collateral-8fd125e5.json")).unwrap()).unwrap();
    let collateral = VerifiedCollateral::new(default_provider(), &[Entry::Intel(entry)], [0; 32]).unwrap();
    let at = Instant::parse("2025-10-25T00:00:00Z").unwrap();
    let quote = std::fs::read(tdx.join("tdx-v4-cos113-gcp.quote")).unwrap();
    let check = |log: &[u8]| {
        let evidence = Evidence::new(Kind::Tdx, quote.clone()).with(Part::EventLog, log.to_vec());
        verify(default_provider(), &evidence, &collateral, at, &Binding::None).map(|verified| verified.claims().clone())
    };
    let claims = check(&log).unwrap();
    crate::shared::verdict("eventlog", "cos113 CCEL", "replayed to the four registers of tdx-v4-cos113-gcp");
    let show = |name: &str| claims.get(name).unwrap_or_else(|| panic!("no `{name}`")).show();
    for (name, value) in [
        ("boot.replayed", "true"),
        ("boot.events", "43"),
        ("boot.algorithm", "sha384"),
        ("boot.unlogged", ""),
        ("boot.secure-boot", "false"),
    ] {
        assert_eq!(show(name), value, "{name}");
    }
    assert!(show("boot.command-line").starts_with("/syslinux/vmlinuz.A init=/usr/lib/systemd/systemd"));
    assert!(show("boot.command-line-digest").starts_with("129cc599796a"));
    assert_eq!(show("boot.applications").split(", ").count(), 2);
    // every digest of the log is in a register: no flip of one passes
    let mut masks = Masks::new("CCEL against RTMRs");
    let mut at = 65;
    let mut digests = Vec::new();
    while at < log.len() {
        digests.extend(at + 14..at + 62);
        at += 66 + usize::try_from(u32::from_le_bytes(log[at + 62..at + 66].try_into().unwrap())).unwrap();
    }
    let mut bytes = log.clone();
    for at in digests.into_iter().step_by(7) {
        bytes[at] ^= 1 << (masks.next() >> 61);
        assert_eq!(check(&bytes).unwrap_err().code, "boot.replay", "byte {at}");
        bytes[at] = log[at];
    }
    // an event less: registers 1 to 3 miss their last one
    let mut ends = vec![65];
    while *ends.last().unwrap() < log.len() {
        let at = *ends.last().unwrap();
        ends.push(at + 66 + usize::try_from(u32::from_le_bytes(log[at + 62..at + 66].try_into().unwrap())).unwrap());
    }
    assert_eq!(check(&log[..ends[42]]).unwrap_err().code, "boot.replay");
    // a log without any event explains nothing, and says so
    let claims = check(&log[..65]).unwrap();
    assert_eq!(claims.get("boot.unlogged").unwrap().show(), "rtmr0, rtmr1, rtmr2");
    assert_eq!(claims.get("boot.events").unwrap().show(), "0");
}
