//! Tests of the whole crate through its public interface.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

#[cfg(feature = "attester")]
#[path = "suite/attester.rs"]
mod attester;
#[path = "suite/cca.rs"]
mod cca;
#[path = "suite/csv.rs"]
mod csv;
#[path = "suite/dcap.rs"]
mod dcap;
#[path = "suite/dcap_tamper.rs"]
mod dcap_tamper;
#[path = "suite/eventlog.rs"]
mod eventlog;
#[path = "suite/nitro.rs"]
mod nitro;
#[path = "suite/nvidia.rs"]
mod nvidia;
#[path = "suite/policy.rs"]
mod policy;
#[path = "suite/shared.rs"]
mod shared;
#[cfg(feature = "danger-simulated-tee")]
#[path = "suite/simulated.rs"]
mod simulated;
#[path = "suite/snp.rs"]
mod snp;
#[path = "suite/snp_oracle.rs"]
mod snp_oracle;
#[path = "suite/tampering.rs"]
mod tampering;
#[path = "suite/tpm.rs"]
mod tpm;
