//! The public data sets, where they are at hand.

use std::path::PathBuf;

/// A file of the data folder of `$YU_SHARED`, or of `shared` beside the workspace.
pub(crate) fn data(path: &str) -> Option<PathBuf> {
    let root = std::env::var_os("YU_SHARED").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared"), PathBuf::from);
    let file = root.join("data").join(path);
    if file.is_file() {
        return Some(file);
    }
    println!("skipped: {path} is not in the data folder; set YU_SHARED to the folder that holds `data`");
    None
}
