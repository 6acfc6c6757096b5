//! Where the vectors are, and how they are written.

use std::path::PathBuf;

/// A folder of vectors, from `$YU_SHARED` or from `shared` beside the workspace; says so and gives nothing where it is absent.
pub(crate) fn vectors(kind: &str) -> Option<PathBuf> {
    let root = std::env::var_os("YU_SHARED").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let folder = root.join("vectors/tee").join(kind);
    if folder.is_dir() {
        return Some(folder);
    }
    println!("skipped: vectors/tee/{kind} is not in the shared folder; set YU_SHARED to the folder that holds `vectors`");
    None
}

/// The table of a folder.
pub(crate) fn table(kind: &str) -> Option<(PathBuf, Vec<serde_json::Value>)> {
    let folder = vectors(kind)?;
    let text = std::fs::read_to_string(folder.join("vectors.json")).unwrap();
    Some((folder, serde_json::from_str(&text).unwrap()))
}
