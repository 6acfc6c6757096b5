//! Programs of others that train (外部训练程序): which ones this node has, and what a contract may say of one.
//!
//! ```text
//! yu program add FILE      somebody here read it and lets it run on rows: kept as programs/SHA-256
//! job.toml [step.trainer]  names it by that hash, so that every signature is under this program and no other (P5)
//! each round               it runs in the node of each party with rows, without network, in a folder in memory (`yu_fedlearn::external`)
//! ```

use crate::fault::{Code, Fault, Result};
use crate::home::{Home, write_atomic};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use yu_fedlearn::external::{External, Program, remove_tree};
use yu_governance::canonical::Hash;
use yu_governance::contract::TrainerTerms;
use yu_governance::suite::HashAlgorithm;

use super::learner::{Plan, Settings};

/// Where the programs of a node are.
const FOLDER: &str = "programs";
/// A file system in memory, where there is one.
const MEMORY: &str = "/dev/shm";
/// Largest program, bytes.
const MOST: u64 = 1 << 28;

/// The terms of a contract for a program as a job file has it.
///
/// # Errors
/// `input.bad`.
pub(in crate::job) fn terms(program: &Program) -> Result<TrainerTerms> {
    program.check()?;
    let hash = format!("{}{}", Hash::PREFIX, program.sha256).parse()?;
    Ok(TrainerTerms { program: hash, settings: super::canonical_text(program)? })
}

/// Refuses a program that the settings do not go with.
///
/// # Errors
/// `input.bad` naming the setting.
pub(in crate::job) fn check(trainer: &TrainerTerms, settings: &Settings) -> Result<()> {
    let program = program(trainer)?;
    let bad = |what: &str| Err(Fault::new(Code::Input, what.to_owned()).at("[step.trainer]"));
    if terms(&program)? != *trainer {
        return bad("hash and settings are not written as this version writes them");
    }
    if program.danger_network {
        return bad("`danger_network`: a job never runs a program that may reach the network");
    }
    if settings.has_control() {
        return bad("a program knows no control variates: choose another `correction` than SCAFFOLD in [step.train]");
    }
    if program.limits.seconds >= settings.deadline_s() {
        return bad("`limits.seconds` is not below `deadline_s` of [step.train]: parties would be late");
    }
    Ok(())
}

/// The program as the contract has it.
///
/// # Errors
/// `input.bad`.
pub(in crate::job) fn program(trainer: &TrainerTerms) -> Result<Program> {
    serde_json::from_str(&trainer.settings)
        .map_err(|e| Fault::new(Code::Input, format!("the program's settings: {e}")).at("[step.trainer]"))
}

/// Takes a program in.
///
/// # Errors
/// `storage.failed`; `input.bad` for a file that is too large.
pub fn add(home: &Home, file: &Path, interpreter: Option<&Path>) -> Result<Hash> {
    let size = std::fs::metadata(file).map_err(|e| Fault::io(&e, file))?;
    if !size.is_file() || size.len() > MOST {
        return Err(Fault::new(Code::Input, format!("a program is a file of at most {} MiB", MOST >> 20)).at(file.display().to_string()));
    }
    let content = std::fs::read(file).map_err(|e| Fault::io(&e, file))?;
    // SHA-256 in both suites: the job file names programs by it
    let hash = Hash::of_file_with(HashAlgorithm::Sha256, &content);
    let folder = home.path(FOLDER);
    std::fs::create_dir_all(&folder).map_err(|e| Fault::io(&e, &folder))?;
    write_atomic(&read_as(home, &hash), text_of(interpreter).as_bytes(), 0o600)?;
    write_atomic(&kept(home, &hash), &content, 0o600)?;
    Ok(hash)
}

/// The programs that were taken in.
///
/// # Errors
/// `storage.failed`.
pub fn list(home: &Home) -> Result<Vec<Hash>> {
    let folder = home.path(FOLDER);
    if !folder.exists() {
        return Ok(Vec::new());
    }
    let entries = std::fs::read_dir(&folder).map_err(|e| Fault::io(&e, &folder))?;
    let mut found: Vec<Hash> =
        entries.flatten().filter_map(|entry| format!("{}{}", Hash::PREFIX, entry.file_name().to_str()?).parse().ok()).collect();
    found.sort_unstable();
    Ok(found)
}

/// Forgets a program: contracts that name it are refused here from now on.
///
/// # Errors
/// `not-found`; `storage.failed`.
pub fn remove(home: &Home, hash: &Hash) -> Result<()> {
    let file = kept(home, hash);
    if !file.exists() {
        return Err(Fault::new(Code::NotFound, format!("program {hash} was not taken in here")));
    }
    std::fs::remove_file(&file).map_err(|e| Fault::io(&e, &file))?;
    let beside = read_as(home, hash);
    std::fs::remove_file(&beside).map_err(|e| Fault::io(&e, &beside))
}

/// What runs the program as whoever read it said: the same bytes may mean something else to another interpreter.
fn read_as(home: &Home, hash: &Hash) -> PathBuf {
    home.path(FOLDER).join(format!("{}.interpreter", hash.to_hex()))
}

fn text_of(interpreter: Option<&Path>) -> String {
    interpreter.map_or_else(String::new, |path| path.display().to_string())
}

fn kept(home: &Home, hash: &Hash) -> PathBuf {
    home.path(FOLDER).join(hash.to_hex())
}

/// Refuses a contract whose program nobody here has read.
///
/// # Errors
/// `contract.rule` with the remedy.
pub(in crate::job) fn known(home: &Home, trainer: &TrainerTerms) -> Result<()> {
    let wanted = text_of(program(trainer)?.interpreter.as_deref());
    let what = match std::fs::read_to_string(read_as(home, &trainer.program)) {
        Ok(read) if read == wanted && kept(home, &trainer.program).is_file() => return Ok(()),
        Ok(read) if kept(home, &trainer.program).is_file() => format!(
            "training.trainer: program {} was taken in here as run by `{read}`, the contract says `{wanted}`; read it as that, then `yu program add FILE --interpreter PATH`",
            trainer.program
        ),
        _ => format!("training.trainer: program {} was not taken in here; read it, then `yu program add FILE`", trainer.program),
    };
    Err(Fault::new(Code::ContractRule, what).at("[step.trainer]"))
}

/// Folder of a job's steps: in memory where the machine has a file system there, since rows stand in it while the program runs.
pub(in crate::job) struct Scratch(PathBuf);

impl Scratch {
    /// Makes it, after deleting what an earlier process left.
    ///
    /// # Errors
    /// `storage.failed`.
    pub(in crate::job) fn new(home: &Home, job: &str) -> Result<Self> {
        let place = Self::place(home, job)?;
        remove_tree(&place).map_err(|e| Fault::io(&e, &place))?;
        let mut builder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&place).map_err(|e| Fault::io(&e, &place))?;
        Ok(Self(place))
    }

    /// The same for the same node and job, so that a later process finds it.
    fn place(home: &Home, job: &str) -> Result<PathBuf> {
        let own = std::fs::canonicalize(home.dir()).map_err(|e| Fault::io(&e, home.dir()))?;
        let name = Sha256::new().chain_update(b"yu-trainer-v1\0").chain_update(own.as_os_str().as_encoded_bytes()).chain_update(job);
        let name = format!("yu-train-{}", hex::encode(&name.finalize()[..12]));
        let memory = Path::new(MEMORY);
        Ok(if cfg!(target_os = "linux") && memory.is_dir() { memory.join(name) } else { own.join(name) })
    }

    /// Deletes what is left of a job: before a certificate says that nothing is.
    ///
    /// # Errors
    /// `storage.failed` if something stays.
    pub(in crate::job) fn sweep(home: &Home, job: &str) -> Result<()> {
        let place = Self::place(home, job)?;
        remove_tree(&place).map_err(|e| Fault::io(&e, &place))
    }

    /// Steps by the program of a contract.
    ///
    /// # Errors
    /// `policy.refused` for another program than it names; `storage.failed`.
    pub(in crate::job) fn step(&self, home: &Home, trainer: &TrainerTerms, plan: &Plan) -> Result<External> {
        let file = kept(home, &trainer.program);
        Ok(External::new(&program(trainer)?, &file, &self.0, plan.features(), plan.target())?)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = remove_tree(&self.0) {
            tracing::warn!(%error, "files of a program are left; no certificate is signed before they are gone");
        }
    }
}
