//! The attester over a device that a test plays, and on a machine that has none.

use std::io;
use std::sync::{Arc, Mutex};

use yu_tee_attest::attester::{Answer, Attester, Device, Request};
use yu_tee_attest::crypto::default_provider;
use yu_tee_attest::verify::verify;
use yu_tee_attest::{Binding, Entry, Instant, Kind, Part, VerifiedCollateral, snp};

use crate::shared::vectors;

/// Plays `/dev/sev-guest`: answers in order, and remembers what was asked.
struct Played {
    answers: Vec<io::Result<Answer>>,
    asked: Arc<Mutex<Vec<usize>>>,
}

impl Device for Played {
    fn request(&mut self, request: &Request) -> io::Result<Answer> {
        self.asked.lock().unwrap().push(request.room);
        self.answers.remove(0)
    }
}

fn ask(answers: Vec<io::Result<Answer>>) -> (Result<yu_tee_attest::Evidence, yu_tee_attest::Fault>, Vec<usize>) {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let mut attester = Attester::with_device(Box::new(Played { answers, asked: Arc::clone(&asked) }));
    assert_eq!(attester.name(), "sev-guest");
    let evidence = attester.evidence(&[0; 64]);
    let asked = asked.lock().unwrap().clone();
    (evidence, asked)
}

/// `MSG_REPORT_RSP` around a report, in the kernel's buffer of 4000 bytes.
fn message(status: u32, report: &[u8]) -> Vec<u8> {
    let length = u32::try_from(report.len()).unwrap();
    let mut message = [&status.to_le_bytes()[..], &length.to_le_bytes(), &[0; 24], report].concat();
    message.resize(4000, 0);
    message
}

/// What the attester makes of a genuine report is verified as it is.
#[test]
fn a_report_of_the_device_is_evidence_that_verifies() {
    let Some(folder) = vectors("snp") else { return };
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let (report, key) = (read("snp-v2-milan-trustee.report"), read("vek-34309875.der"));
    let guid = hex::decode("8d75da6364e66445adc5f4b93be8accd").unwrap();
    let length = u32::try_from(key.len()).unwrap();
    let table = [&guid[..], &48_u32.to_le_bytes(), &length.to_le_bytes(), &[0; 24], &key].concat();
    let (evidence, asked) = ask(vec![Ok(Answer::MoreRoom(20_000)), Ok(Answer::Report { message: message(0, &report), table })]);
    let evidence = evidence.unwrap();
    assert_eq!(asked, [16_384, 20_480], "whole pages");
    assert_eq!((evidence.kind(), evidence.body()), (Kind::Snp, report.as_slice()));
    assert_eq!(evidence.part(Part::Certificates), Some(key.as_slice()));
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&read("vectors.json")).unwrap();
    let row = rows.iter().find(|row| row["evidence"] == "snp-v2-milan-trustee.report").unwrap();
    let chain = String::from_utf8(read(row["ca_chain"].as_str().unwrap())).unwrap();
    let entry = Entry::Amd(Box::new(snp::Entry { chain, lists: Vec::new(), keys: Vec::new() }));
    let collateral = VerifiedCollateral::new(default_provider(), &[entry], [0; 32]).unwrap();
    verify(default_provider(), &evidence, &collateral, Instant(1_760_000_000), &Binding::None).unwrap();
}

#[test]
fn refusals_of_kernel_firmware_and_host_are_faults() {
    let report = vec![0; 1184];
    let (fault, _) = ask(vec![Err(io::Error::from(io::ErrorKind::PermissionDenied))]);
    assert_eq!(fault.unwrap_err().code, "attester.io");
    let (fault, _) = ask(vec![Ok(Answer::Report { message: message(0x16, &report), table: vec![] })]);
    assert!(fault.unwrap_err().to_string().contains("0x16"));
    let (fault, asked) = ask((0..9).map(|more| Ok(Answer::MoreRoom(20_000 + 4096 * more))).collect());
    assert_eq!((fault.unwrap_err().code, asked.len()), ("attester.io", 3));
    let (fault, asked) = ask(vec![Ok(Answer::MoreRoom(1 << 30))]);
    assert_eq!((fault.unwrap_err().code, asked.len()), ("attester.io", 1), "no gigabyte for a host");
    let (fault, _) = ask(vec![Ok(Answer::Report { message: vec![0; 20], table: vec![] })]);
    assert_eq!(fault.unwrap_err().code, "format.malformed");
    let (evidence, _) = ask(vec![Ok(Answer::Report { message: message(0, &report), table: vec![] })]);
    assert!(evidence.unwrap().part(Part::Certificates).is_none());
}

#[test]
fn a_machine_without_an_interface_says_what_is_missing() {
    let root = tempfile::tempdir().unwrap();
    let fault = Attester::detect_under(root.path()).err().unwrap();
    assert_eq!(fault.code, "attester.absent");
    assert!(fault.to_string().contains("neither configfs-tsm nor /dev/sev-guest") && fault.to_string().contains("remedy"));
    std::fs::create_dir(root.path().join("dev")).unwrap();
    // plain files are no devices
    std::fs::write(root.path().join("dev/sev-guest"), b"").unwrap();
    std::fs::write(root.path().join("dev/tdx_guest"), b"").unwrap();
    let fault = Attester::detect_under(root.path()).err().unwrap();
    assert!(fault.to_string().contains("a TDX guest whose kernel has no configfs-tsm"));
    // configfs-tsm comes first
    std::fs::create_dir_all(root.path().join("sys/kernel/config/tsm/report")).unwrap();
    let mut attester = Attester::detect_under(root.path()).unwrap();
    assert_eq!(attester.name(), "configfs-tsm");
    assert_eq!(attester.evidence(&[0; 64]).unwrap_err().code, "attester.io", "no kernel behind it");
}
