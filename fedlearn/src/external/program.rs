//! The program, and a step by it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rand_chacha::rand_core::CryptoRng;
use serde::{Deserialize, Serialize};

use super::confine::{self, Ended};
use super::files::Folder;
use crate::artefact::document::{hash_of, is_hash};
use crate::data::Dataset;
use crate::model::{Model, Weights};
use crate::strategy::{ClientState, LocalMetrics, Step, Update};
use crate::{Error, Result};

/// Largest program, bytes.
const MOST_BYTES: u64 = 1 << 28;

/// A program as a job file names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// SHA-256 of its file, in hexadecimal.
    pub sha256: String,
    /// What runs it, an absolute path; none: it is run itself.
    #[serde(default)]
    pub interpreter: Option<PathBuf>,
    /// What it may use.
    #[serde(default)]
    pub limits: Limits,
    /// Run it even where it cannot be cut off from the network.
    #[serde(default)]
    pub danger_network: bool,
}

/// What a program may use in one round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Wall time, seconds. Default 60; the training's deadline comes on top.
    pub seconds: u32,
    /// Time of the processor, seconds. Default 60.
    pub processor_seconds: u32,
    /// Address space, MiB. Default 4096.
    pub memory_mib: u32,
    /// Size of any file that it writes, MiB. Default 1024.
    pub file_mib: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self { seconds: 60, processor_seconds: 60, memory_mib: 4096, file_mib: 1024 }
    }
}

impl Program {
    /// Whether it can be what it says.
    ///
    /// # Errors
    /// [`Error::Caller`] naming the setting.
    pub fn check(&self) -> Result<()> {
        let limits = &self.limits;
        if !is_hash(&self.sha256) {
            return Err(Error::caller("`external.sha256` is no SHA-256 hash in lower-case hexadecimal"));
        }
        if self.interpreter.as_ref().is_some_and(|path| !path.is_absolute()) {
            return Err(Error::caller("`external.interpreter` is no absolute path"));
        }
        if [limits.seconds, limits.processor_seconds, limits.memory_mib, limits.file_mib].contains(&0) {
            return Err(Error::caller("a limit of `external.limits` is 0: give at least 1"));
        }
        Ok(())
    }
}

/// Steps by a program.
pub struct External {
    program: Program,
    content: Vec<u8>,
    scratch: PathBuf,
    features: Vec<String>,
    target: String,
}

impl External {
    /// Reads the program and compares its hash. Files of a step are made in `scratch`, best on a file system in memory, and deleted after it.
    ///
    /// # Errors
    /// [`Error::Caller`] as [`Program::check`]; [`Error::Unsafe`] for another program than the contract names; [`Error::Data`] for a file that cannot be read.
    pub fn new(program: &Program, file: &Path, scratch: &Path, features: &[String], target: &str) -> Result<Self> {
        program.check()?;
        let unread = |problem: String| Error::Data {
            what: format!("external program `{}`", file.display()),
            problem,
            remedy: "put the program of the contract there, a file below 256 MiB".into(),
        };
        let size = std::fs::metadata(file).map_err(|error| unread(error.to_string()))?;
        if !size.is_file() || size.len() > MOST_BYTES {
            return Err(unread("it is no file, or too large".into()));
        }
        let content = std::fs::read(file).map_err(|error| unread(error.to_string()))?;
        let found = hash_of(&content);
        if found != program.sha256 {
            return Err(Error::Unsafe {
                setting: "external.sha256".into(),
                reason: format!("the file `{}` has the hash `{found}`, the contract names `{}`", file.display(), program.sha256),
                remedy: "put the program of the contract there, or agree on this one in a new contract".into(),
            });
        }
        let (features, target) = (features.to_vec(), target.to_owned());
        Ok(Self { program: program.clone(), content, scratch: scratch.to_owned(), features, target })
    }

    fn failed(&self, problem: String) -> Error {
        Error::Data {
            what: format!("external program {}", self.program.sha256),
            problem,
            remedy: "run it by hand on rows of the same columns, or raise `external.limits`".into(),
        }
    }
}

impl Step for External {
    fn bounds_rows(&self) -> bool {
        false
    }

    fn step(
        &mut self,
        model: &dyn Model,
        global: &Weights,
        control: Option<&[f64]>,
        state: &ClientState,
        data: &Dataset,
        rng: &mut dyn CryptoRng,
    ) -> Result<Update> {
        if control.is_some() {
            return Err(Error::caller("an external program knows no control variates: choose another strategy than SCAFFOLD"));
        }
        if data.columns() != self.features.len() {
            return Err(Error::caller(format!("`{}` columns, the program is told of `{}`", data.columns(), self.features.len())));
        }
        let folder = Folder::new(&self.scratch, rng)?;
        let runnable = folder.program(&self.content)?;
        folder.give(&self.features, &self.target, data, global, rng)?;
        let limits = &self.program.limits;
        let ended = confine::run(
            self.program.interpreter.as_deref(),
            &runnable,
            folder.path(),
            limits,
            !self.program.danger_network,
            Duration::from_secs(u64::from(limits.seconds)),
        )?;
        match ended {
            Ended::Well => {}
            Ended::Badly(how) => return Err(self.failed(how)),
            Ended::TooLate => return Err(self.failed(format!("it did not end within {} s", limits.seconds))),
        }
        let weights = folder.take(model.parameters(), u64::from(limits.file_mib) << 20).map_err(|problem| self.failed(problem))?;
        let delta: Vec<f64> = weights.iter().zip(global.flat()).map(|(after, before)| after - before).collect();
        if !delta.iter().all(|value| value.is_finite()) {
            return Err(self.failed("its weights are too far from those it was given".into()));
        }
        let norm = delta.iter().map(|value| value * value).sum::<f64>().sqrt();
        let metrics = LocalMetrics { loss: model.loss(global, &data.batch())?, steps: 1, norm };
        Ok(Update { delta, control: Vec::new(), examples: data.rows() as u64, state: state.clone(), metrics })
    }
}
