//! Jobs in which parties train a model, each on its own rows (联邦学习): what follows from the terms, and the result.
//!
//! A coordinator without rows asks for updates and adds them up (`run/training.rs`). What comes out is one document, the trained model, of
//! which every party has the bytes: the coordinator seals them to the reviewer, the others vouch for their hash.

pub mod learner;
mod sentences;
pub mod trainer;

use super::held::Piece;
use super::report::Report;
use crate::fault::{Code, Fault, Result};
use crate::node::Node;
pub use learner::Trained;
pub(super) use learner::{Plan, Settings};
pub(super) use sentences::{lines, sentences};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use yu_fedlearn::trees::horizontal;
use yu_fedlearn::{gate, train};
use yu_governance::canonical::{digest, to_canonical};
use yu_governance::check::ResultView;
use yu_governance::contract::{Aggregation, Contract, CostStatement, OutputTerms, OwnCorrelations, Role, StepCost, TrainingTerms};
use yu_governance::held::Reconstruction;
use yu_governance::id::{JobId, PartyName};
use yu_governance::text::Text;
use yu_wire::seal::SealKey;

/// Name of the only output.
const OUTPUT: &str = "model";
/// Domain of the sealed model.
pub(super) const INFO: &[u8] = b"yu-training-v1";
/// Bytes of a model: sealed and written as text it still fits a message.
pub(super) const MOST_BYTES: usize = 8 << 20;

/// The text of a value that a contract has word by word.
///
/// # Errors
/// `input.bad` for numbers that are not finite.
fn canonical_text(value: &impl Serialize) -> Result<String> {
    String::from_utf8(to_canonical(value)?).map_err(|_| Fault::new(Code::Bug, "canonical text is text"))
}

/// The settings of a contract.
///
/// # Errors
/// `input.bad` with what is wrong in them.
pub(super) fn settings(terms: &TrainingTerms) -> Result<Settings> {
    Settings::from_json(terms.learner, &terms.settings)
}

/// The limits of the release gate as the contract has them.
///
/// # Errors
/// `input.bad` for numbers that are not finite.
pub(super) fn gate_words(limits: &gate::Settings) -> Result<String> {
    canonical_text(limits)
}

/// The limits of the release gate of a contract.
///
/// # Errors
/// `input.bad` with what is wrong in them.
pub(super) fn gate_limits(terms: &TrainingTerms) -> Result<gate::Settings> {
    Ok(gate::Settings::from_json(&terms.gate)?)
}

/// Under which assumptions the contract's model holds.
pub(super) fn assumptions(settings: &Settings) -> Text {
    match (settings, settings.aggregation()) {
        (Settings::Trees(_), Aggregation::Clear) => Text::new(
            "the coordinator is trusted with each party's histograms (rows may be reconstructed from them); parties follow the protocol",
            "协调方可见各方直方图（可能据此还原数据行），须予信任；各方遵守协议",
        ),
        (Settings::Updates(_), Aggregation::Clear) => Text::new(
            "the coordinator is trusted with each party's updates, from which rows may be reconstructed; parties follow the protocol",
            "协调方可见各方更新（可能据此还原数据行），须予信任；各方遵守协议",
        ),
        (_, Aggregation::Secure) => Text::new(
            "the coordinator follows the protocol and colludes with no party; Diffie-Hellman on Ristretto255 and X25519, HKDF-SHA256 as a random oracle, AES-256; models after each round are known to all that compute",
            "协调方遵守协议且不与任何一方合谋；Ristretto255 与 X25519 上的 Diffie-Hellman 假设、HKDF-SHA256 为随机谕言机、AES-256；每轮模型为全部计算方所知",
        ),
    }
}

/// What the engine trains for a contract.
///
/// # Errors
/// `input.bad` for settings that do not parse.
pub(super) fn plan(contract: &Contract, terms: &TrainingTerms, id: JobId) -> Result<Plan> {
    let (job, coordinator) = (*id.0.as_bytes(), terms.coordinator.to_string());
    let parties = owners(contract).map(ToString::to_string).collect();
    let (features, target) = (terms.features.clone(), terms.target.clone());
    Ok(match settings(terms)? {
        Settings::Updates(settings) => Plan::Updates(train::Plan { job, coordinator, parties, features, target, settings }),
        Settings::Trees(settings) => Plan::Trees(horizontal::Plan { job, coordinator, parties, features, target, settings }),
    })
}

/// The parties with rows, in the order of the inputs.
pub(super) fn owners(contract: &Contract) -> impl Iterator<Item = &PartyName> {
    contract.inputs.iter().map(|input| &input.party)
}

/// Refuses terms that do not follow from the settings, or settings that would not protect what they name.
///
/// # Errors
/// `contract.rule`.
pub(super) fn check(contract: &Contract, terms: &TrainingTerms) -> Result<()> {
    let rule = |what: String| Fault::new(Code::ContractRule, what).at("[step.train]");
    let settings = settings(terms).map_err(|e| rule(format!("training.settings: {e}")))?;
    settings.check(contract.inputs.len(), terms.features.len()).map_err(|e| rule(format!("training.settings: {e}")))?;
    if settings.words()? != terms.settings {
        return Err(rule("training.settings: they are not written as this version writes them".into()));
    }
    let limits = gate_limits(terms).map_err(|e| rule(format!("training.gate: {e}")))?;
    if gate_words(&limits)? != terms.gate {
        return Err(rule("training.gate: the limits are not written as this version writes them".into()));
    }
    if let Some(trainer) = &terms.trainer {
        trainer::check(trainer, &settings).map_err(|e| rule(format!("training.trainer: {e}")))?;
    }
    if let Settings::Trees(settings) = &settings {
        let (rows, least) = (settings.boosting.min_rows as u64, contract.limits.min_cell);
        if settings.danger_small_leaves || rows < least {
            let what = format!(
                "training.leaves: `min_rows` is {rows}; a leaf is published with its rows, so at least `min_cell`, {least}, and never `danger_small_leaves`"
            );
            return Err(rule(what));
        }
    }
    // the id is not known before the contract is whole: no length depends on it
    let most = plan(contract, terms, JobId(digest("yu-training-cost-v1", b"")))?.most_document()?;
    if most > MOST_BYTES {
        let what =
            format!("training.size: the model may have {most} bytes, a job releases at most {MOST_BYTES}; fewer rounds, weights or trees");
        return Err(rule(what));
    }
    if settings.aggregation() != terms.aggregation || settings.privacy()? != terms.privacy {
        return Err(rule("training.promise: aggregation or privacy of the contract are not those of its settings".into()));
    }
    if contract.security.assumptions != assumptions(&settings) {
        return Err(rule("training.assumptions: they are not those of its aggregation".into()));
    }
    Ok(())
}

/// Refuses a contract whose program would train on rows of this node and was not taken in here.
///
/// # Errors
/// `contract.rule`.
pub(super) fn known(node: &Node, contract: &Contract, terms: &TrainingTerms) -> Result<()> {
    match &terms.trainer {
        Some(trainer) if owners(contract).any(|party| party.as_str() == node.name()) => trainer::known(node.home(), trainer),
        _ => Ok(()),
    }
}

/// At most so many bytes: every round may be repeated, and a party may come late to each.
///
/// # Errors
/// `input.bad`.
pub(super) fn cost(contract: &Contract, terms: &TrainingTerms) -> Result<CostStatement> {
    // the id is not known before the cost is: no byte depends on it
    let plan = plan(contract, terms, JobId(digest("yu-training-cost-v1", b"")))?;
    let (bounds, attempts, last) = (plan.bytes()?, plan.attempts(), plan.most_document()? as u64);
    let line = |(step, from, to, bytes): (&str, &str, &str, u64)| StepCost {
        step: step.into(),
        from: from.to_owned(),
        to: to.to_owned(),
        bytes: bytes.to_string(),
    };
    let coordinator = terms.coordinator.as_str();
    let formula = owners(contract).flat_map(|party| {
        let party = party.as_str();
        [line(("train.question", coordinator, party, bounds.down)), line(("train.answer", party, coordinator, bounds.up))]
    });
    let parties = contract.inputs.len() as u64;
    let most = (bounds.down + bounds.up + last).checked_mul(parties).and_then(|bytes| bytes.checked_mul(u64::from(attempts)));
    let most = most.ok_or_else(|| Fault::new(Code::Input, "the training sends too much"))?;
    Ok(CostStatement {
        formula: formula.collect(),
        rounds: format!("{} exchanges; a round may be repeated {} times", bounds.exchanges, attempts - 1),
        min_bytes: 0,
        max_bytes: most,
        min_rounds: 0,
        max_rounds: bounds.exchanges.saturating_mul(u64::from(attempts)),
    })
}

/// The only output.
pub(super) fn output(terms: &TrainingTerms, digits: u32, own_correlations: OwnCorrelations) -> Result<OutputTerms> {
    let layout = settings(terms)?.layout(&terms.features, &terms.target)?;
    Ok(OutputTerms { name: OUTPUT.into(), kind: "model".into(), layout, digits, own_correlations })
}

/// A model with what each party's gate found.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Modelled {
    /// The model.
    pub trained: Trained,
    /// What the gates found, by party.
    pub gate: BTreeMap<String, gate::Report>,
}

/// Opens the model at the reviewer: every party has to vouch for it, and to have examined it.
pub(super) fn open(contract: &Contract, job: &str, key: &SealKey, pieces: Vec<(PartyName, Piece)>) -> Result<Reconstruction<Report>> {
    let terms = contract.training().ok_or_else(|| Fault::new(Code::Bug, "the job trains nothing"))?;
    let damaged = |name: &PartyName| Fault::new(Code::Damaged, "a part of the model").party(name.to_string());
    let mut document = None;
    let mut vouched = Vec::new();
    let mut reports = BTreeMap::new();
    for (name, piece) in pieces {
        match piece {
            Piece::Whole(sealed) if name == terms.coordinator => document = Some(key.open(INFO, job.as_bytes(), &sealed)?),
            Piece::Vouched(vouch) if name != terms.coordinator => {
                reports.insert(name.to_string(), *vouch.gate.ok_or_else(|| damaged(&name))?);
                vouched.push((name, vouch.result));
            }
            _ => return Err(damaged(&name)),
        }
    }
    let document = document.ok_or_else(|| damaged(&terms.coordinator))?;
    let hash: [u8; 32] = Sha256::digest(&document[..]).into();
    let others: Vec<PartyName> = vouched.into_iter().filter(|(_, told)| *told != hash).map(|(name, _)| name).collect();
    if !others.is_empty() {
        return Ok(Reconstruction::Inconsistent { culprits: [vec![terms.coordinator.clone()], others].concat() });
    }
    let plan = plan(contract, terms, crate::destroy::parse_job(job)?)?;
    let trained = Trained::from_bytes(&plan, &document).map_err(|_| damaged(&terms.coordinator))?;
    // each report is about this model, by the contract's limits, and does not refuse it
    let limits = gate_limits(terms)?;
    for (name, report) in &reports {
        let read = gate::Report::from_bytes(&report.to_bytes()?, &document).ok();
        if read.is_none_or(|read| read.settings != limits || read.verdict == gate::Verdict::Refused) {
            return Err(Fault::new(Code::Damaged, "the report of the release gate").party(name.clone()));
        }
    }
    Ok(Reconstruction::Consistent(Report::Model(Box::new(Modelled { trained, gate: reports }))))
}

/// What the checks want to know.
pub(super) fn view(trained: &Trained, contract: &Contract) -> ResultView {
    ResultView {
        outputs: trained.layout().map(|hash| vec![(OUTPUT.to_owned(), hash)]).unwrap_or_default(),
        // each party examined its own rows; how many it brings stands in the contract
        matched: contract.inputs.iter().map(|input| input.rows).sum(),
        cells: trained.leaves(),
        open_complements: 0,
        constant_columns: 0,
        finite: trained.is_finite(),
    }
}

/// Whether this node coordinates.
pub(super) fn coordinates(terms: &TrainingTerms, me: &PartyName) -> bool {
    terms.coordinator == *me
}

/// Who this node talks to: the coordinator to all, the others to the coordinator.
pub(crate) fn speaks_with(contract: &Contract, me: &str, other: &str) -> bool {
    contract.training().is_none_or(|terms| terms.coordinator.as_str() == me || terms.coordinator.as_str() == other)
        && contract.with_role(Role::Computing).any(|p| p.name.as_str() == other)
}
