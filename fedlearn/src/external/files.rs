//! The folder of one step, and what is in it.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array};
use rand_chacha::rand_core::CryptoRng;
use serde::Serialize;
use yu_desensitize::read::{Format, ReadOptions, read_table_from};
use yu_desensitize::{Table, column, write};

use crate::data::Dataset;
use crate::model::{Layer, Weights};
use crate::{Error, Result};

/// Arrow files have a head and a foot beside their numbers, bytes.
const AROUND: u64 = 1 << 16;

/// A private folder; deleted on drop.
pub(super) struct Folder(PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        // whoever made `scratch` deletes what is left of it, and hears if that fails
        let _ = remove_tree(&self.0);
    }
}

/// Deletes a folder of steps: first the rows and weights in it, then everything, whatever a program made of its rights.
///
/// # Errors
/// What the file system says of the first thing that stays.
pub fn remove_tree(folder: &Path) -> std::io::Result<()> {
    match fs::symlink_metadata(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(about) if !about.is_dir() => return fs::remove_file(folder),
        Ok(_) => {}
    }
    // from the top down every folder becomes one that can be read, without following links
    let (mut open, mut folders) = (vec![folder.to_owned()], Vec::new());
    while let Some(next) = open.pop() {
        #[cfg(unix)]
        fs::set_permissions(&next, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
        for entry in fs::read_dir(&next)? {
            let entry = entry?;
            let is_folder = entry.file_type()?.is_dir();
            if is_folder {
                open.push(entry.path());
            } else {
                fs::remove_file(entry.path())?;
            }
        }
        folders.push(next);
    }
    // children come after their parents
    folders.iter().rev().try_for_each(fs::remove_dir)
}

#[derive(Serialize)]
struct Told<'a> {
    v: u32,
    features: &'a [String],
    target: &'a str,
    layers: &'a [Layer],
    seed: String,
}

fn failed(what: &str, problem: &impl ToString) -> Error {
    Error::Data {
        what: format!("scratch folder of the external program, {what}"),
        problem: problem.to_string(),
        remedy: "see that the node's user may write there and that there is room".into(),
    }
}

impl Folder {
    pub(super) fn new(scratch: &Path, rng: &mut dyn CryptoRng) -> Result<Self> {
        let mut name = [0; 16];
        rng.fill_bytes(&mut name);
        let path = scratch.join(format!("yu-step-{:032x}", u128::from_le_bytes(name)));
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path).map_err(|error| failed("making it", &error))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// A copy of what was hashed.
    pub(super) fn program(&self, content: &[u8]) -> Result<PathBuf> {
        let path = self.0.join("program");
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o500);
        let mut file = options.open(&path).map_err(|error| failed("the program", &error))?;
        file.write_all(content).map_err(|error| failed("the program", &error))?;
        Ok(path)
    }

    /// Rows, weights and what they are.
    pub(super) fn give(&self, features: &[String], target: &str, data: &Dataset, weights: &Weights, rng: &mut dyn CryptoRng) -> Result<()> {
        let mut columns: Vec<(&str, ArrayRef)> = Vec::with_capacity(features.len() + 1);
        for (name, column) in features.iter().zip(data.features().columns()) {
            columns.push((name, Arc::new(Float64Array::from_iter_values(column.iter().copied()))));
        }
        columns.push((target, Arc::new(Float64Array::from(data.targets().to_vec()))));
        self.write("rows.arrow", columns)?;
        self.write("weights.arrow", vec![("weight", Arc::new(Float64Array::from(weights.flat().to_vec())))])?;
        let mut seed = [0; 8];
        rng.fill_bytes(&mut seed);
        let told = Told { v: 1, features, target, layers: weights.layers(), seed: format!("{:016x}", u64::from_le_bytes(seed)) };
        let text = serde_json::to_vec(&told).map_err(|error| failed("task.json", &error))?;
        fs::write(self.0.join("task.json"), text).map_err(|error| failed("task.json", &error))
    }

    fn write(&self, name: &str, columns: Vec<(&str, ArrayRef)>) -> Result<()> {
        let table = Table::from_columns(name, columns).map_err(|error| failed(name, &error))?;
        write::write_table(&table, self.0.join(name)).map_err(|error| failed(name, &error))
    }

    /// The weights that came out: a problem in words if there are none, or others.
    pub(super) fn take(&self, parameters: usize, most: u64) -> std::result::Result<Vec<f64>, String> {
        let path = self.0.join("out.arrow");
        let about = fs::symlink_metadata(&path).map_err(|_| "it wrote no `out.arrow`".to_owned())?;
        let room = most.min((parameters as u64).saturating_mul(16).saturating_add(AROUND));
        if !about.is_file() || about.len() > room {
            return Err(format!("`out.arrow` is no file, or larger than {room} bytes"));
        }
        let bytes = fs::read(&path).map_err(|error| format!("`out.arrow`: {error}"))?;
        let options = ReadOptions { format: Format::ArrowIpc, ..ReadOptions::default() };
        let table = read_table_from("out.arrow", bytes.into(), &options).map_err(|error| format!("`out.arrow`: {error}"))?;
        let found = (table.num_columns(), table.num_rows());
        if table.column_names() != ["weight"] || found.1 != parameters as u64 {
            return Err(format!("`out.arrow` has {} columns of {} rows, expected one, `weight`, of {parameters}", found.0, found.1));
        }
        let weights = column::numeric(&table, "weight").map_err(|error| format!("`out.arrow`: {error}"))?;
        if weights.len() == parameters && weights.iter().all(|weight| weight.is_finite()) {
            Ok(weights)
        } else {
            Err("`out.arrow` has a weight that is missing or not finite".into())
        }
    }
}
