//! `yu demo`: what it prints for machines is checked against a computation that knows nothing of it.

use super::support::{path, shared};
use serde_json::Value;
use std::collections::HashMap;
use std::path::Path;
use std::process::Command;

/// Runs the demo; its last document.
fn demo(args: &[&str]) -> Value {
    let out = Command::new(env!("CARGO_BIN_EXE_yu")).args(["--json", "demo"]).args(args).output().unwrap();
    let text = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{args:?}: {text}{}", String::from_utf8_lossy(&out.stderr));
    serde_json::from_str(text.lines().last().unwrap()).unwrap()
}

/// Every computing node counted exactly what the contract's formula says, and all logs are sound and covered.
fn check_nodes(told: &Value) {
    let nodes = told["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 4);
    let mut computing = 0;
    for node in nodes {
        assert_eq!(node["state"], "done", "{node}");
        let measured = &node["measured"];
        if node["node"] == "yu://dev/authority/n1" {
            assert!(measured.is_null(), "the authority does not compute: {node}");
            continue;
        }
        computing += 1;
        for (metered, formula) in [("bytes_sent", "formula_sent"), ("bytes_received", "formula_received"), ("rounds", "formula_rounds")] {
            assert!(measured[metered].as_u64().unwrap() > 0, "{node}");
            assert_eq!(measured[metered], measured[formula], "{node}");
        }
        assert_eq!(measured["equal"], true, "{node}");
    }
    assert_eq!(computing, 3);
    let audit = &told["audit"];
    assert_eq!(audit["ok"], true, "{audit}");
    assert_eq!(audit["verdict"], "pass", "{audit}");
    for log in audit["nodes"].as_array().unwrap() {
        // after its last checkpoint a node wrote only that it countersigned those of its peers that came later
        assert!(log["uncovered"].as_str().unwrap().parse::<u64>().unwrap() <= 3, "{log}");
        assert_eq!(log["countersigners"].as_array().unwrap().len(), 3, "{log}");
    }
}

fn passes_on(carrier: &str) {
    let told = demo(&["--rows", "1000", "--carrier", carrier]);
    check_nodes(&told);
    let count: u64 = told["result"]["count"].as_str().unwrap().parse().unwrap();
    assert!((300..=1000).contains(&count), "{count}");
    let groups = told["result"]["groups"].as_array().unwrap();
    assert_eq!(groups.iter().map(|g| g["count"].as_str().unwrap().parse::<u64>().unwrap()).sum::<u64>(), count);
    let size = told["result"]["columns"].as_array().unwrap().len();
    let is_bank = |i: usize| told["result"]["columns"][i]["party"] == "yu://dev/bank/n1";
    for (i, row) in told["result"]["correlation"].as_array().unwrap().iter().enumerate() {
        let row = row.as_array().unwrap();
        assert_eq!(row.len(), size);
        assert!((row[i].as_f64().unwrap() - 1.0).abs() < 1e-6);
        for (j, number) in row.iter().enumerate() {
            // the bank receives: what its own columns have in common would tell it about the match only
            assert_eq!(number.is_null(), i != j && is_bank(i) && is_bank(j), "{i} {j}");
            // six significant digits
            let text = number.to_string();
            let digits = text.trim_start_matches(['-', '0', '.']).chars().filter(char::is_ascii_digit).count();
            assert!(number.is_null() || digits <= 6, "{text}");
        }
    }
}

#[test]
fn simulated_residents_over_quic() {
    passes_on("quic");
}

#[test]
fn simulated_residents_over_tcp() {
    passes_on("tcp");
}

/// Numeric columns of a CSV by its `id`.
fn read(file: &Path) -> (Vec<String>, HashMap<String, Vec<f64>>) {
    let text = std::fs::read_to_string(file).unwrap();
    let mut lines = text.lines();
    let header: Vec<String> = lines.next().unwrap().split(',').map(str::to_owned).collect();
    assert_eq!(header[0], "id");
    let rows = lines.map(|line| {
        let (id, rest) = line.split_once(',').unwrap();
        (id.to_owned(), rest.split(',').map(|cell| cell.parse().unwrap()).collect())
    });
    (header[1..].to_vec(), rows.collect())
}

struct Clear {
    means: Vec<f64>,
    deviations: Vec<f64>,
    correlation: Vec<Vec<f64>>,
}

/// Two passes, in the clear.
fn clear(rows: &[Vec<f64>]) -> Clear {
    let (n, d) = (rows.len() as f64, rows[0].len());
    let means: Vec<f64> = (0..d).map(|j| rows.iter().map(|r| r[j]).sum::<f64>() / n).collect();
    let covariance = |a: usize, b: usize| rows.iter().map(|r| (r[a] - means[a]) * (r[b] - means[b])).sum::<f64>() / (n - 1.0);
    let deviations: Vec<f64> = (0..d).map(|j| covariance(j, j).sqrt()).collect();
    let correlation = (0..d).map(|a| (0..d).map(|b| covariance(a, b) / (deviations[a] * deviations[b])).collect()).collect();
    Clear { means, deviations, correlation }
}

#[test]
fn default_credit_equals_the_clear_computation() {
    let (Some(left), Some(right)) =
        (shared("data/default_credit/default_credit_hetero_guest.csv"), shared("data/default_credit/default_credit_hetero_host.csv"))
    else {
        return;
    };
    let told = demo(&["--left", path(&left), "--right", path(&right), "--key", "id", "--own-correlations"]);
    check_nodes(&told);
    let ((left_names, left_rows), (right_names, right_rows)) = (read(&left), read(&right));
    let joined: Vec<Vec<f64>> =
        left_rows.iter().filter_map(|(id, row)| Some(row.iter().chain(right_rows.get(id)?).copied().collect())).collect();
    assert_eq!((joined.len(), left_names.len(), right_names.len()), (30_000, 14, 10));
    let expected = clear(&joined);
    let result = &told["result"];
    assert_eq!(result["count"], "30000");
    let columns = result["columns"].as_array().unwrap();
    let names: Vec<&str> = columns.iter().map(|c| c["name"].as_str().unwrap()).collect();
    assert_eq!(names, left_names.iter().chain(&right_names).collect::<Vec<_>>());
    let correlation = result["correlation"].as_array().unwrap();
    assert_eq!(correlation.len(), 24);
    let mut worst = 0.0_f64;
    for a in 0..24 {
        let mut near = |what: &str, value: &Value, expected: f64| {
            let error = (value.as_f64().unwrap() - expected).abs();
            worst = worst.max(error);
            assert!(error < 1e-4, "{what} of {}: {value}, in the clear {expected}", names[a]);
        };
        near("mean", &columns[a]["mean"], expected.means[a]);
        near("deviation", &columns[a]["sd"], expected.deviations[a]);
        assert_eq!(correlation[a].as_array().unwrap().len(), 24);
        for (value, clear) in correlation[a].as_array().unwrap().iter().zip(&expected.correlation[a]) {
            near("correlation", value, *clear);
        }
    }
    assert!(worst > 0.0, "a fixed-point computation that agrees to the last bit was not done");
}

/// The play of an authorisation under each of the five profiles: its log verifies with the ordinary command, and the profiles differ where the
/// texts do.
#[test]
fn a9_c4_o3_l1_an_authorisation_from_announcement_to_destruction_under_five_profiles() {
    let dir = tempfile::tempdir().unwrap();
    let mut told = HashMap::new();
    for profile in ["zhejiang", "ningbo", "taizhou", "zhenjiang", "zhongwei"] {
        let keep = dir.path().join(profile);
        let last = demo(&["--story", "authorisation", "--profile", profile, "--keep", path(&keep)]);
        assert_eq!(last["profile"], profile);
        let refusals: Vec<String> = last["refusals"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned()).collect();
        for code in [
            "apply.other-announcement",
            "dossier.gaps",
            "stage.skipped",
            "authorisation.plan-missing",
            "person.evidence",
            "quota.exhausted",
            "consent.retention-locked",
            "product.not-decided",
            "product.other-version",
            "incident.not-reported",
            "incident.evidence-changed",
            "correction.not-reported",
            "destroy.open-matter",
        ] {
            assert!(refusals.iter().any(|found| found == code), "{profile}: {code} is missing in {refusals:?}");
        }
        let verified =
            Command::new(env!("CARGO_BIN_EXE_yu")).args(["audit", "verify", path(&keep.join("authorisation"))]).output().unwrap();
        assert!(verified.status.success(), "{profile}: {}", String::from_utf8_lossy(&verified.stderr));
        assert!(last["entries"].as_u64().unwrap() > 40, "{last}");
        told.insert(profile, refusals);
    }
    let has = |profile: &str, code: &str| told[profile].iter().any(|found| found == code);
    // the data lab is Ningbo's, filing before a product leaves is Zhongwei's, and so is silence that consents
    for profile in told.keys() {
        assert_eq!(has(profile, "lab.term"), *profile == "ningbo", "{profile}");
        assert_eq!(has(profile, "product.not-filed"), *profile == "zhongwei", "{profile}");
        assert_eq!(has(profile, "request.no-deemed-consent"), *profile == "zhongwei", "{profile}");
        // a second before the limit nobody has consented; the other texts have no limit that could pass
        assert_eq!(has(profile, "review.not-deemed"), *profile == "zhongwei", "{profile}");
    }
}

#[test]
fn d16_profiles_are_shown_with_their_articles_and_a_loosening_is_refused() {
    let yu = |args: &[&str]| Command::new(env!("CARGO_BIN_EXE_yu")).args(args).output().unwrap();
    let shown = yu(&["profile", "show", "ningbo"]);
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.status.success() && text.contains("NB 16") && text.contains("授权期限"), "{text}");
    let changed = yu(&["profile", "diff", "zhejiang", "ningbo"]);
    assert!(changed.status.success() && !String::from_utf8_lossy(&changed.stdout).contains("LOOSENS"));
    assert!(String::from_utf8_lossy(&yu(&["profile", "diff", "ningbo", "zhejiang"]).stdout).contains("LOOSENS"));
    let file = tempfile::NamedTempFile::new().unwrap();
    let own = include_str!("../../../governance/profiles/ningbo.json");
    let mut json: Value = serde_json::from_str(own).unwrap();
    json["rules"]["term"]["value"] = 4.into();
    std::fs::write(file.path(), json.to_string()).unwrap();
    let refused = yu(&["profile", "show", path(file.path())]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && said.contains("term"), "{said}");
    let unknown = yu(&["profile", "show", "nowhere"]);
    assert!(!unknown.status.success() && String::from_utf8_lossy(&unknown.stderr).contains("zhongwei"));
}
