//! Who makes this node's evidence: the environment of the machine, or (for demonstrations) software.
//!
//! `enclave.toml` in the node's directory says which; without the file the node proves nothing and computes in no enclave.

use serde::{Deserialize, Serialize};
use yu_tee_attest::Evidence;
use yu_tee_attest::binding::Session;

use crate::fault::{Code, Fault, Result};
use crate::home::{Home, write_atomic};

/// The file.
const FILE: &str = "enclave.toml";

/// Makes evidence for a session.
pub trait Attest {
    /// Evidence whose report data is that of the session.
    ///
    /// # Errors
    /// `attest.unavailable` if the environment does not answer.
    fn evidence(&self, session: &Session) -> Result<Evidence>;
}

/// `enclave.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnclaveConfig {
    /// `hardware`, or `danger-simulated`.
    pub attester: AttesterKind,
    /// The simulator says that an operator can look inside; to see that such evidence is refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub danger_debug: bool,
}

/// Where evidence comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AttesterKind {
    /// The machine's environment: SEV-SNP or TDX, through the kernel.
    Hardware,
    /// Software. No hardware stands behind it.
    DangerSimulated,
}

impl EnclaveConfig {
    /// Reads the file.
    ///
    /// # Errors
    /// `attest.unavailable` without one, `input.bad` for one that does not parse.
    pub fn load(home: &Home) -> Result<Self> {
        let path = home.path(FILE);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return Err(Fault::new(Code::AttestUnavailable, "this node has no enclave.toml: it computes in no enclave"));
            }
            Err(e) => return Err(Fault::io(&e, &path)),
        };
        toml::from_str(&text).map_err(|e| Fault::new(Code::Input, e.message().to_owned()).at(path.display().to_string()))
    }

    /// Writes it.
    ///
    /// # Errors
    /// `storage.failed`.
    pub fn save(&self, home: &Home) -> Result<()> {
        let text = toml::to_string(self).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
        write_atomic(&home.path(FILE), text.as_bytes(), 0o600)
    }
}

/// The attester that `enclave.toml` names.
///
/// # Errors
/// `attest.unavailable`, naming what is missing.
pub fn attester(home: &Home) -> Result<Box<dyn Attest>> {
    let config = EnclaveConfig::load(home)?;
    match config.attester {
        AttesterKind::Hardware => hardware(),
        AttesterKind::DangerSimulated => simulated(home, &config),
    }
}

#[cfg(feature = "tee")]
fn hardware() -> Result<Box<dyn Attest>> {
    /// The kernel takes one request at a time.
    struct Guest(std::sync::Mutex<yu_tee_attest::attester::Attester>);

    impl Attest for Guest {
        fn evidence(&self, session: &Session) -> Result<Evidence> {
            let mut attester = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            Ok(attester.evidence(&session.report_data())?)
        }
    }

    let found = yu_tee_attest::attester::Attester::detect();
    let attester = found.map_err(|fault| Fault::new(Code::AttestUnavailable, Fault::from(fault).detail))?;
    Ok(Box::new(Guest(std::sync::Mutex::new(attester))))
}

#[cfg(not(feature = "tee"))]
fn hardware() -> Result<Box<dyn Attest>> {
    Err(Fault::new(Code::AttestUnavailable, "this build has no attester of hardware: build with --features tee"))
}

#[cfg(not(feature = "danger-simulated-tee"))]
fn simulated(_: &Home, _: &EnclaveConfig) -> Result<Box<dyn Attest>> {
    Err(Fault::new(Code::AttestUnavailable, "this build has no simulator: build with --features danger-simulated-tee"))
}

#[cfg(feature = "danger-simulated-tee")]
use simulation::simulated;
#[cfg(feature = "danger-simulated-tee")]
pub use simulation::{measurement, simulated_root};

#[cfg(feature = "danger-simulated-tee")]
mod simulation {
    use super::{Attest, EnclaveConfig};
    use crate::fault::{Code, Fault, Result};
    use crate::home::{Home, write_atomic};
    use crate::keys::rng;
    use sha2::{Digest as _, Sha256};
    use yu_tee_attest::Evidence;
    use yu_tee_attest::binding::Session;
    use yu_tee_attest::simulated::Attester;
    use zeroize::Zeroizing;

    /// The simulator's root, made for this deployment.
    const ROOT: &str = "keys/danger-simulated-root.key";

    struct Simulated {
        attester: Attester,
        measurement: [u8; 32],
        debug: bool,
    }

    impl Attest for Simulated {
        fn evidence(&self, session: &Session) -> Result<Evidence> {
            Ok(self.attester.evidence(self.measurement, session.report_data(), self.debug))
        }
    }

    /// SHA-256 of the running program: what a loader of an enclave would measure.
    ///
    /// # Errors
    /// `attest.unavailable` if the program's file cannot be read.
    pub fn measurement() -> Result<[u8; 32]> {
        let program = std::env::current_exe().and_then(std::fs::read);
        let program = program.map_err(|e| Fault::new(Code::AttestUnavailable, format!("the program's file: {}", e.kind())))?;
        Ok(Sha256::digest(program).into())
    }

    fn load(home: &Home) -> Result<Attester> {
        let path = home.path(ROOT);
        let seed = Zeroizing::new(std::fs::read(&path).map_err(|e| Fault::io(&e, &path))?);
        let seed: &[u8; 32] = seed.as_slice().try_into().map_err(|_| Fault::new(Code::Damaged, "the simulator's root").at(ROOT))?;
        Ok(Attester::from_seed(seed))
    }

    /// The public root of this node's simulator, made at the first call.
    ///
    /// # Errors
    /// `storage.failed`.
    pub fn simulated_root(home: &Home) -> Result<[u8; 32]> {
        if !home.path(ROOT).exists() {
            let attester = Attester::generate(&mut rng());
            write_atomic(&home.path(ROOT), attester.seed().as_slice(), 0o600)?;
        }
        Ok(load(home)?.root())
    }

    pub(super) fn simulated(home: &Home, config: &EnclaveConfig) -> Result<Box<dyn Attest>> {
        tracing::warn!("{}", yu_tee_attest::simulated::warning().en);
        Ok(Box::new(Simulated { attester: load(home)?, measurement: measurement()?, debug: config.danger_debug }))
    }
}
