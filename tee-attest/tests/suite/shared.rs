//! Where the vectors are, and how they are written.

use std::path::PathBuf;

/// A folder of vectors, from `$YU_SHARED` or from `shared` beside the workspace; says so and gives nothing where it is absent.
pub(crate) fn vectors(kind: &str) -> Option<PathBuf> {
    let root = std::env::var_os("YU_SHARED").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let folder = root.join("vectors/tee").join(kind);
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(std::env::var_os("CI").is_none(), "CI needs vectors/tee/{kind} in the shared folder");
    println!("skipped: vectors/tee/{kind} is not in the shared folder; set YU_SHARED to the folder that holds `vectors`");
    None
}

/// One row of the table of verdicts, which
/// `cargo test -p yu-tee-attest --test suite -- --nocapture --test-threads 1 | grep -o '| .*'` prints whole.
pub(crate) fn verdict(kind: &str, id: &str, said: &str) {
    println!("| {kind:<8} | {id:<56} | {said} |");
}

/// The same, of an answer.
pub(crate) fn answered<T>(kind: &str, id: &str, answer: &Result<T, yu_tee_attest::Fault>) {
    match answer {
        Ok(_) => verdict(kind, id, "verified"),
        Err(fault) => verdict(kind, id, &format!("refused: {} ({})", fault.code, fault.detail.place)),
    }
}

/// The table of a folder.
pub(crate) fn table(kind: &str) -> Option<(PathBuf, Vec<serde_json::Value>)> {
    let folder = vectors(kind)?;
    let text = std::fs::read_to_string(folder.join("vectors.json")).unwrap();
    Some((folder, serde_json::from_str(&text).unwrap()))
}
