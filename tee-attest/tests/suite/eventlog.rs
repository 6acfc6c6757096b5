//! Event logs: reading and explaining. Replaying is tested with the evidence that signs the registers.

use yu_tee_attest::eventlog::explain;

use crate::shared::vectors;

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
