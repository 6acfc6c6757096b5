//! Jobs that run inside an attested environment (可信执行环境): what follows from the terms, and the result.
//!
//! The third party of a joint job, without data, is the worker. Each provider asks it for evidence in their session, judges it by
//! the policy that everybody signed, and releases its part of each data key only to what passed (`run/enclave.rs`). The algorithm
//! is a WebAssembly module that the contract names by hash.

use super::held::Piece;
use super::report::Report;
use crate::attest::appraiser;
use crate::fault::{Code, Fault, Result};
use crate::node::Node;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use yu_governance::canonical::{Hash, digest, to_canonical};
use yu_governance::contract::{Contract, CostStatement, EnclaveTerms, Side, StepCost};
use yu_governance::held::Reconstruction;
use yu_governance::id::{Environment, PartyName};
use yu_mpc::stats::Statistics;
use yu_tee_attest::evidence::MOST_BYTES;
use yu_wire::frame::framed_len;
use yu_wire::seal::{SealKey, Sealed};

/// Domain of the sealed result.
pub(super) const INFO: &[u8] = b"yu-enclave-result-v1";
/// Bytes of the digest that stands for a row's key.
pub(super) const DIGEST: u64 = 16;
/// Bytes of counts and commitment before the rows of an input, and of the tag behind them.
pub(super) const INPUT_HEAD: u64 = 8 + 4 + 4;
pub(super) const TAG: u64 = 16;
/// The module of the joint statistics question.
pub const STATISTICS: &str = "statistics";

/// The code that runs: what a contract's `code` is the hash of.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Name and version of the runner.
    pub runner: String,
    /// The module.
    pub module: Hash,
    /// Units of work that it may burn.
    pub fuel: String,
    /// Its memory, bytes.
    pub memory_bytes: String,
    /// Its time, seconds.
    pub seconds: u32,
}

/// Limits of a module in a job: a second per 10^9 units, so that a contract is not held up for hours.
pub(super) const FUEL: u64 = 50_000_000_000;
pub(super) const MEMORY: u64 = 1 << 30;
pub(super) const WALL: Duration = Duration::from_secs(600);

/// Hash of the manifest for a module.
///
/// # Errors
/// `internal`.
pub fn code(module: &Hash) -> Result<Hash> {
    let manifest = Manifest {
        runner: format!("yu {}", env!("CARGO_PKG_VERSION")),
        module: *module,
        fuel: FUEL.to_string(),
        memory_bytes: MEMORY.to_string(),
        seconds: u32::try_from(WALL.as_secs()).unwrap_or(u32::MAX),
    };
    Ok(digest("yu-enclave-code-v1", &to_canonical(&manifest)?))
}

/// The module that a job file names: one that comes with Yu, or a hash.
///
/// # Errors
/// `input.bad`.
pub fn module(name: &str) -> Result<Hash> {
    if name == STATISTICS {
        return statistics_hash();
    }
    name.parse().map_err(|_| {
        Fault::new(Code::Input, format!("`{name}`: `{STATISTICS}`, or sha-256: and 64 hexadecimal digits")).at("job.toml `enclave.module`")
    })
}

/// SHA-256 of the module of the joint statistics question, the same in every build; a test with the runner compares.
fn statistics_hash() -> Result<Hash> {
    const HASH: &str = include_str!("../../modules/statistics.sha256");
    HASH.trim().parse().map_err(|_| Fault::new(Code::Bug, "the hash of the statistics module"))
}

/// Refuses terms that do not belong together, or that this node cannot judge.
///
/// # Errors
/// `contract.rule`; `attest.unavailable` at a party that must judge or compute and cannot.
pub(super) fn check(node: &Node, contract: &Contract, terms: &EnclaveTerms) -> Result<()> {
    if terms.simulated && contract.environment != Environment::Dev {
        return Err(Fault::new(Code::ContractRule, "enclave.simulated: a simulated environment is for development only"));
    }
    if terms.code != code(&terms.module)? {
        return Err(Fault::new(Code::ContractRule, "enclave.code: the hash is not that of this version's runner with the module"));
    }
    let me = node.name().parse()?;
    if contract.side_of(&me).is_some() {
        appraiser::Appraiser::of(node, terms)?;
        // a module that nobody here looked at could tell rows as if they were statistics
        let reviewed = node.home().path("modules").join(format!("{}.wasm", terms.module.to_hex()));
        if terms.module != statistics_hash()? && !reviewed.exists() {
            let what = format!("enclave.module: {} was not reviewed here; `yu enclave module FILE` takes a reviewed one in", terms.module);
            return Err(Fault::new(Code::ContractRule, what).party(node.name()));
        }
    }
    if contract.joint().is_some_and(|joint| joint.statistics.helper == me) {
        drop(crate::attest::attester::attester(node.home())?);
        if !cfg!(feature = "wasm") {
            return Err(Fault::new(Code::AttestUnavailable, "this build runs no modules: build with --features wasm").party(node.name()));
        }
    }
    Ok(())
}

/// Bytes of a sealed input.
pub(super) const fn input_bytes(rows: u64, columns: u64, codes: u64) -> Option<u64> {
    let Some(values) = columns.checked_mul(8) else { return None };
    let Some(labels) = codes.checked_mul(4) else { return None };
    let Some(row) = values.checked_add(labels) else { return None };
    let Some(row) = row.checked_add(DIGEST) else { return None };
    let Some(all) = rows.checked_mul(row) else { return None };
    all.checked_add(INPUT_HEAD + TAG)
}

/// Messages besides the inputs: nonces, keys, answers, at most three rounds of evidence.
const SMALL: u64 = 16 << 10;

/// Bytes of the sealed inputs, exact in the rows; evidence has the length that its maker gives it.
///
/// # Errors
/// `input.bad` when the counts overflow.
pub(super) fn cost(contract: &Contract) -> Result<CostStatement> {
    let statistics = &super::plan::joint_terms(contract)?.statistics;
    let (left, right) = super::plan::rows(contract)?;
    let overflow = || Fault::new(Code::Input, "the inputs are too long");
    let mut formula = Vec::new();
    let mut inputs = 0_u64;
    for (side, terms, rows) in [(Side::Left, &statistics.left, left), (Side::Right, &statistics.right, right)] {
        let codes = super::plan::categorical(contract, side).len() as u64;
        let bytes = input_bytes(rows, terms.columns.len() as u64, codes).ok_or_else(overflow)?;
        let framed = framed_len(bytes);
        inputs = inputs.checked_add(framed).ok_or_else(overflow)?;
        formula.push(StepCost {
            step: "attest.input".into(),
            from: terms.party.to_string(),
            to: statistics.helper.to_string(),
            bytes: framed.to_string(),
        });
    }
    let evidence = (MOST_BYTES as u64) * 2 * 3 * 2;
    let max_bytes = inputs.checked_add(evidence + SMALL).ok_or_else(overflow)?;
    Ok(CostStatement { formula, rounds: "6".into(), min_bytes: inputs, max_bytes, min_rounds: 6, max_rounds: 12 })
}

/// The contract's terms as a person reads them before signing.
pub(super) fn sentences(terms: &EnclaveTerms) -> Vec<(String, String)> {
    let mut say = vec![(
        format!(
            "inside an attested environment: module {}, code {}, policy of attestation {}",
            terms.module, terms.code, terms.policy_hash
        ),
        format!("在经远程证明的环境内运行：模块 {}，代码 {}，证明策略 {}", terms.module, terms.code, terms.policy_hash),
    )];
    if terms.simulated {
        say.insert(
            0,
            (
                "SIMULATED: no hardware protects the worker; its operator can see all data. For demonstrations only.".to_owned(),
                "模拟：无硬件保护，计算方的运营者可看到全部数据。仅供演示。".to_owned(),
            ),
        );
    }
    say.extend(appraiser::sentences(terms));
    if let Some(bundle) = terms.bundle {
        say.push((format!("collateral: bundle {bundle}"), format!("背书材料：{bundle}")));
    }
    say
}

/// What providers vouch for: the sealed result, whole.
///
/// # Errors
/// `internal`.
pub(super) fn result_hash(sealed: &Sealed) -> Result<[u8; 32]> {
    Ok(*digest("yu-enclave-result-v1", &to_canonical(sealed)?).as_bytes())
}

/// Opens the worker's result at the reviewer.
pub(super) fn open(contract: &Contract, job: &str, key: &SealKey, pieces: Vec<(PartyName, Piece)>) -> Result<Reconstruction<Report>> {
    let worker = &super::plan::joint_terms(contract)?.statistics.helper;
    let damaged =
        |name: &PartyName| Fault::new(Code::Damaged, "a part of the output that this party does not give").party(name.to_string());
    let (mut found, mut vouched) = (None, Vec::new());
    for (name, piece) in pieces {
        match piece {
            Piece::Whole(sealed) if name == *worker => found = Some(sealed),
            Piece::Vouched(hash) if name != *worker => vouched.push((name, hash.result)),
            _ => return Err(damaged(&name)),
        }
    }
    let sealed = found.ok_or_else(|| damaged(worker))?;
    let hash = result_hash(&sealed)?;
    if vouched.len() != 2 || vouched.iter().any(|(_, result)| *result != hash) {
        // the worker's operator gave something else than its environment made, or a provider says so
        return Ok(Reconstruction::Inconsistent { culprits: vec![worker.clone()] });
    }
    let bytes = key.open(INFO, job.as_bytes(), &sealed)?;
    let statistics: Statistics = serde_json::from_slice(&bytes).map_err(|_| damaged(worker))?;
    Ok(Reconstruction::Consistent(Report::Statistics(statistics).publishable(contract)))
}
