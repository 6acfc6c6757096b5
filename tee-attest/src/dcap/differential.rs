//! Levels of random TCB info against another verifier, which lets a test replace the document after its signature was checked.

use dcap_qvl::QuoteCollateralV3;
use dcap_qvl::configs::RustCryptoConfig;
use dcap_qvl::verify::QuoteVerifier;
use serde_json::{Value, json};

use super::pck::{Chain, Facts};
use super::quote::{Certification, Quote};
use super::report::Report;
use super::tcb::{TcbInfo, converge, merge, relaunch};
use crate::claims::TcbStatus::{self, *};
use crate::instant::Instant;

const STATUSES: [&str; 7] = [
    "UpToDate",
    "SWHardeningNeeded",
    "ConfigurationNeeded",
    "ConfigurationAndSWHardeningNeeded",
    "OutOfDate",
    "OutOfDateConfigurationNeeded",
    "Revoked",
];

struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        // xorshift64
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    fn status(&mut self, of: &[&str]) -> Value {
        json!(of[usize::try_from(self.below(of.len() as u64)).unwrap()])
    }

    /// Versions near those of the platform: mostly reached, sometimes by one too high.
    fn components(&mut self, near: &[u8]) -> Value {
        let one = |svn: u8, random: &mut Self| match random.below(24) {
            0 => svn.saturating_add(1),
            1..=4 => svn.saturating_sub(1),
            _ => svn,
        };
        near.iter().map(|svn| json!({ "svn": one(*svn, self), "category": "x" })).collect()
    }
}

/// A document with up to five levels around the platform's versions and modules of several majors.
fn document(random: &mut Random, original: &Value, facts: &Facts, svns: [&[u8]; 2]) -> Value {
    let mut info = original.clone();
    let levels = 1 + random.below(5);
    info["tcbLevels"] = (0..levels)
        .map(|index| {
            let near = svns[usize::try_from(random.below(2)).unwrap()];
            json!({
                "tcb": {
                    "sgxtcbcomponents": random.components(&facts.components),
                    "pcesvn": u64::from(facts.pce_svn).saturating_sub(random.below(3)) + random.below(8) / 7,
                    "tdxtcbcomponents": random.components(near),
                },
                "tcbDate": "2024-03-13T00:00:00Z",
                "tcbStatus": random.status(&STATUSES),
                "advisoryIDs": [format!("INTEL-SA-{index:05}")],
            })
        })
        .collect();
    if let Some(identities) = info["tdxModuleIdentities"].as_array_mut() {
        for identity in identities {
            // in falling order, as Intel publishes them: the other verifier relies on it
            let mut levels = Vec::new();
            for svn in [13, 11, 8, 4, 2] {
                if random.below(3) > 0 {
                    levels.push(json!({
                        "tcb": { "isvsvn": svn },
                        "tcbDate": "2023-08-09T00:00:00Z",
                        "tcbStatus": random.status(&["UpToDate", "UpToDate", "OutOfDate", "Revoked"]),
                        "advisoryIDs": [format!("INTEL-SA-9{svn:04}")],
                    }));
                }
            }
            identity["tcbLevels"] = levels.into();
        }
    }
    info
}

#[test]
fn random_levels_get_the_same_status() {
    let root =
        std::env::var_os("YU_SHARED").map_or_else(|| std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared"), Into::into);
    let folder = root.join("vectors/tee/tdx");
    // TDX 1.5, launched under another TCB than the one of now; TDX 1.0
    for (quote, collateral, at) in [
        ("tdx-v5-gotdx.quote", "collateral-be491730.json", "2026-03-20T00:00:00Z"),
        ("tdx-v4-cos113-gcp.quote", "collateral-8fd125e5.json", "2025-10-25T00:00:00Z"),
    ] {
        let Ok(bytes) = std::fs::read(folder.join(quote)) else {
            println!("skipped: the shared vectors are not there; set YU_SHARED");
            return;
        };
        let collateral: QuoteCollateralV3 = serde_json::from_slice(&std::fs::read(folder.join(collateral)).unwrap()).unwrap();
        let original: Value = serde_json::from_str(&collateral.tcb_info).unwrap();
        let ours = Quote::read(&bytes).unwrap();
        let (Certification::Chain(pem), Report::Domain(domain)) = (ours.certification, ours.report) else { panic!("another quote") };
        let facts = Chain::read(pem).unwrap().certificates().unwrap().facts;
        let launch: [u8; 16] = domain.base.array("tee-tcb-svn");
        let now = domain.fifteen.map_or(launch, |fifteen| fifteen.array("tee-tcb-svn2"));
        let seconds = u64::try_from(Instant::parse(at).unwrap().0).unwrap();
        let seed = std::env::var("YU_TAMPER_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(20_261_128);
        println!("{quote}: YU_TAMPER_SEED={seed}");
        let mut random = Random(seed);
        let (mut good, mut refused) = (0, 0);
        for round in 0..150 {
            let text = document(&mut random, &original, &facts, [&launch, &now]).to_string();
            let mine = TcbInfo::read(&text).unwrap().tdx(&facts, &domain).map(|standing| {
                // the quoting enclave of both quotes is up to date
                let status = standing.current.map_or(standing.status, |now| relaunch(standing.status, now));
                (converge(status, UpToDate), standing.advisories)
            });
            let verifier = QuoteVerifier::new_prod().with_config::<RustCryptoConfig>();
            let theirs =
                verifier.dangerous_verify_with_tcb_override(&bytes, &collateral, seconds, |_| serde_json::from_str(&text).unwrap());
            match (mine, theirs) {
                (Ok((status, advisories)), Ok(report)) => {
                    assert_eq!((status.name(), &advisories), (report.status.as_str(), &report.advisory_ids), "round {round}: {text}");
                    good += 1;
                }
                // Revoked is a refusal there and a claim here
                (Ok((Revoked, _)), Err(e)) => assert!(format!("{e:#}").contains("Revoked"), "round {round}: {e:#}"),
                (Err(_), Err(_)) => refused += 1,
                (mine, theirs) => panic!("round {round}: {mine:?} {theirs:?}\n{text}"),
            }
        }
        println!("{quote}: {good} statuses equal, {refused} refused by both");
        assert!(good > 10 && refused > 5, "{good} {refused}");
    }
}

/// The tables of Intel's library (`convergeTcbStatuses`, `checkForRelaunch`).
#[test]
fn statuses_are_joined_as_intels_library_does() {
    for (platform, part, both) in [
        (UpToDate, UpToDate, UpToDate),
        (UpToDate, OutOfDate, OutOfDate),
        (SwHardeningNeeded, OutOfDate, OutOfDate),
        (ConfigurationNeeded, OutOfDate, OutOfDateConfigurationNeeded),
        (ConfigurationAndSwHardeningNeeded, OutOfDate, OutOfDateConfigurationNeeded),
        (OutOfDateConfigurationNeeded, OutOfDate, OutOfDateConfigurationNeeded),
        (ConfigurationNeeded, ConfigurationNeeded, ConfigurationNeeded),
        (UpToDate, Revoked, Revoked),
        (Revoked, UpToDate, Revoked),
    ] {
        assert_eq!(converge(platform, part), both, "{platform:?} {part:?}");
    }
    for (launch, now, both) in [
        (OutOfDate, UpToDate, TdRelaunchAdvised),
        (OutOfDate, SwHardeningNeeded, TdRelaunchAdvised),
        (OutOfDate, ConfigurationNeeded, TdRelaunchAdvisedConfigurationNeeded),
        (OutOfDateConfigurationNeeded, UpToDate, TdRelaunchAdvisedConfigurationNeeded),
        (OutOfDate, OutOfDate, OutOfDate),
        (UpToDate, OutOfDate, UpToDate),
        (UpToDate, Revoked, Revoked),
        (Revoked, UpToDate, Revoked),
    ] {
        let joined: TcbStatus = relaunch(launch, now);
        assert_eq!(joined, both, "{launch:?} {now:?}");
    }
    let mut advisories = vec!["a".to_owned()];
    merge(&mut advisories, &["a".to_owned(), "b".to_owned()]);
    assert_eq!(advisories, ["a", "b"]);
}

#[test]
fn other_versions_doubles_and_strange_statuses_are_refused() {
    let level = r#"{"tcb":{"sgxtcbcomponents":[SVNS],"pcesvn":11},"tcbDate":"2024-03-13T00:00:00Z","tcbStatus":"UpToDate","new":1}"#
        .replace("SVNS", &[r#"{"svn":1,"type":"x"}"#; 16].join(","));
    let good = r#"{"id":"SGX","version":3,"issueDate":"2025-06-19T10:56:11Z","nextUpdate":"2025-07-19T10:56:11Z","fmspc":"00A067110000",
        "pceId":"0000","tcbType":0,"tcbEvaluationDataNumber":17,"unknown":{"a":[1]},"tcbLevels":[LEVEL]}"#
        .replace("LEVEL", &level);
    assert!(TcbInfo::read(&good).is_ok());
    let refused = |from: &str, to: &str| {
        let text = good.replace(from, to);
        assert_ne!(text, good, "{from}");
        TcbInfo::read(&text).unwrap_err().code
    };
    assert_eq!(refused(r#""version":3"#, r#""version":2"#), "dcap.collateral-version");
    assert_eq!(refused(r#""version":3"#, r#""version":4"#), "dcap.collateral-version");
    for (from, to) in [
        (r#""tcbType":0"#, r#""tcbType":1"#),
        (r#""pceId":"0000""#, r#""pceId":"0000","pceId":"0000""#),
        (r#""pcesvn":11"#, r#""pcesvn":11,"pcesvn":0"#),
        (r#""tcbStatus":"UpToDate""#, r#""tcbStatus":"TDRelaunchAdvised""#),
        (r#""tcbStatus":"UpToDate""#, r#""tcbStatus":"Fine""#),
        (r#"{"svn":1,"type":"x"},{"svn":1"#, r#"{"svn":1"#),
        (r#"{"svn":1,"type":"x"}]"#, r#"{"svn":1,"type":"x"},{"svn":1}]"#),
        (r#""id":"SGX""#, r#""id":"TDX""#),
        (r#""fmspc":"00A067110000""#, r#""fmspc":"00A0671100""#),
        ("2025-06-19T10:56:11Z", "2025-06-19"),
    ] {
        assert_eq!(refused(from, to), "format.malformed", "{to}");
    }
    assert!(TcbInfo::read(&format!("{good} x")).is_err());
    assert!(TcbInfo::read(&good.replace(&level, "")).is_err());
}
