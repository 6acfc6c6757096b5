//! Jobs in which parties train a model, each on its own rows (联邦学习): what follows from the terms, and the result.
//!
//! A coordinator without rows asks for updates and adds them up (`run/training.rs`). What comes out is one document, the trained model, of
//! which every party has the bytes: the coordinator seals them to the reviewer, the others vouch for their hash.

use super::held::Piece;
use super::report::Report;
use crate::fault::{Code, Fault, Lang, Result, pick};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use yu_fedlearn::gate;
use yu_fedlearn::model::Spec;
use yu_fedlearn::train::{self, Plan, Settings, Trained};
use yu_governance::canonical::{Hash, digest, to_canonical};
use yu_governance::check::ResultView;
use yu_governance::contract::{
    Aggregation, Contract, CostStatement, OutputTerms, OwnCorrelations, PrivacyTerms, Real, Role, StepCost, TrainingTerms,
};
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

/// The settings as the contract has them: canonical, with everything that a job file may leave out.
///
/// # Errors
/// `input.bad` for numbers that are not finite.
pub(super) fn words(settings: &Settings) -> Result<String> {
    String::from_utf8(to_canonical(settings)?).map_err(|_| Fault::new(Code::Bug, "settings are text"))
}

/// The settings of a contract.
///
/// # Errors
/// `input.bad` with what is wrong in them.
pub(super) fn settings(terms: &TrainingTerms) -> Result<Settings> {
    Ok(Settings::from_json(&terms.settings)?)
}

/// The limits of the release gate as the contract has them.
///
/// # Errors
/// `input.bad` for numbers that are not finite.
pub(super) fn gate_words(limits: &gate::Settings) -> Result<String> {
    String::from_utf8(to_canonical(limits)?).map_err(|_| Fault::new(Code::Bug, "limits are text"))
}

/// The limits of the release gate of a contract.
///
/// # Errors
/// `input.bad` with what is wrong in them.
pub(super) fn gate_limits(terms: &TrainingTerms) -> Result<gate::Settings> {
    Ok(gate::Settings::from_json(&terms.gate)?)
}

/// What the coordinator sees by these settings.
pub(super) const fn aggregation(settings: &Settings) -> Aggregation {
    match settings.aggregation {
        train::Aggregation::Clear => Aggregation::Clear,
        train::Aggregation::Secure { .. } => Aggregation::Secure,
    }
}

/// What they promise about single rows.
///
/// # Errors
/// `internal`.
pub(super) fn privacy(settings: &Settings) -> Result<Option<PrivacyTerms>> {
    let real = |value: f64| Real::new(value).ok_or_else(|| Fault::new(Code::Bug, "a budget that is not finite"));
    let told = settings.privacy.map(|p| Ok::<_, Fault>(PrivacyTerms { epsilon: real(p.epsilon.get())?, delta: real(p.delta.get())? }));
    told.transpose()
}

/// Under which assumptions the contract's model holds.
pub(super) fn assumptions(settings: &Settings) -> Text {
    match settings.aggregation {
        train::Aggregation::Clear => Text::new(
            "the coordinator is trusted with each party's updates, from which rows may be reconstructed; parties follow the protocol",
            "协调方可见各方更新（可能据此还原数据行），须予信任；各方遵守协议",
        ),
        train::Aggregation::Secure { .. } => Text::new(
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
    Ok(Plan {
        job: *id.0.as_bytes(),
        coordinator: terms.coordinator.to_string(),
        parties: owners(contract).map(ToString::to_string).collect(),
        features: terms.features.clone(),
        target: terms.target.clone(),
        settings: settings(terms)?,
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
    settings.check(contract.inputs.len()).map_err(|e| rule(format!("training.settings: {e}")))?;
    settings.model.build(terms.features.len()).map_err(|e| rule(format!("training.model: {e}")))?;
    if words(&settings)? != terms.settings {
        return Err(rule("training.settings: they are not written as this version writes them".into()));
    }
    let limits = gate_limits(terms).map_err(|e| rule(format!("training.gate: {e}")))?;
    if gate_words(&limits)? != terms.gate {
        return Err(rule("training.gate: the limits are not written as this version writes them".into()));
    }
    if aggregation(&settings) != terms.aggregation || privacy(&settings)? != terms.privacy {
        return Err(rule("training.promise: aggregation or privacy of the contract are not those of its settings".into()));
    }
    if contract.security.assumptions != assumptions(&settings) {
        return Err(rule("training.assumptions: they are not those of its aggregation".into()));
    }
    Ok(())
}

/// At most so many bytes: every round may be repeated, and a party may come late to each.
///
/// # Errors
/// `input.bad`.
pub(super) fn cost(contract: &Contract, terms: &TrainingTerms) -> Result<CostStatement> {
    // the id is not known before the cost is: no byte depends on it
    let bounds = plan(contract, terms, JobId(digest("yu-training-cost-v1", b"")))?.bytes()?;
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
    let most = (bounds.down + bounds.up).checked_mul(parties).and_then(|bytes| bytes.checked_mul(u64::from(train::ATTEMPTS)));
    let most = most.ok_or_else(|| Fault::new(Code::Input, "the training sends too much"))?;
    Ok(CostStatement {
        formula: formula.collect(),
        rounds: format!("{} exchanges; a round may be repeated {} times", bounds.exchanges, train::ATTEMPTS - 1),
        min_bytes: 0,
        max_bytes: most,
        min_rounds: 0,
        max_rounds: bounds.exchanges.saturating_mul(u64::from(train::ATTEMPTS)),
    })
}

/// Which model comes out.
#[derive(Serialize)]
struct Layout<'a> {
    features: &'a [String],
    target: &'a str,
    model: &'a Spec,
}

fn layout(features: &[String], target: &str, model: &Spec) -> Result<Hash> {
    Ok(digest("yu-model-layout-v1", &to_canonical(&Layout { features, target, model })?))
}

/// The only output.
pub(super) fn output(terms: &TrainingTerms, digits: u32, own_correlations: OwnCorrelations) -> Result<OutputTerms> {
    let layout = layout(&terms.features, &terms.target, &settings(terms)?.model)?;
    Ok(OutputTerms { name: OUTPUT.into(), kind: "model".into(), layout, digits, own_correlations })
}

/// The training as a person reads it before signing.
pub(super) fn sentences(contract: &Contract) -> Vec<(String, String)> {
    let Some(terms) = contract.training() else { return Vec::new() };
    let settings = match settings(terms) {
        Ok(settings) => settings,
        // the rules refuse such a contract; whoever reads it all the same is told why nothing is said
        Err(fault) => return vec![(format!("the settings cannot be read: {fault}"), format!("训练设置无法读取：{fault}"))],
    };
    let (features, target, count) = (terms.features.join(", "), &terms.target, contract.inputs.len());
    let mut say = vec![(
        format!("train: {target} from {features}, {} rounds of {count} parties, coordinated by {}", settings.rounds, terms.coordinator),
        format!("训练：由 {features} 预测 {target}，{count} 方共 {} 轮，由 {} 协调", settings.rounds, terms.coordinator),
    )];
    say.push(match settings.aggregation {
        train::Aggregation::Clear => (
            format!("{} SEES each party's update, from which rows may be reconstructed", terms.coordinator),
            format!("{} 可见各方更新，可能据此还原数据行", terms.coordinator),
        ),
        train::Aggregation::Secure { bits, .. } => (
            format!("updates are summed in secret, {bits} bits a value: {} learns the sum only", terms.coordinator),
            format!("更新经安全聚合，每值 {bits} 位：{} 仅得知总和", terms.coordinator),
        ),
    });
    say.push(match gate_limits(terms) {
        Ok(limits) => (
            format!(
                "release gate: each party attacks the model with its own rows first and does not vouch for one that gives away more than {} of them at a false-positive rate of {}, nor with an average advantage above {}",
                limits.membership_tpr, limits.membership_fpr, limits.membership_advantage
            ),
            format!(
                "出域检验：各方先以己方数据攻击模型；误报率 {} 下可识别的比例超过 {}、或平均优势超过 {} 的模型不予确认",
                limits.membership_fpr, limits.membership_tpr, limits.membership_advantage
            ),
        ),
        Err(fault) => (format!("the limits of the release gate cannot be read: {fault}"), format!("出域检验门限无法读取：{fault}")),
    });
    say.push(match &terms.privacy {
        Some(privacy) => (
            format!(
                "each row is hidden by noise: epsilon {} at delta {:e} for the whole training",
                privacy.epsilon.get(),
                privacy.delta.get()
            ),
            format!("以噪声保护每行：全程 ε={}，δ={:e}", privacy.epsilon.get(), privacy.delta.get()),
        ),
        None => (
            "NO differential privacy: what the model tells of single rows is not bounded".into(),
            "不采用差分隐私：模型对单行数据的透露没有上界".into(),
        ),
    });
    say
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
    let trained = Trained::from_bytes(&document).map_err(|_| damaged(&terms.coordinator))?;
    let plan = plan(contract, terms, crate::destroy::parse_job(job)?)?;
    if !trained.is_of(&plan) {
        return Err(damaged(&terms.coordinator));
    }
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
    let finite = trained.weights.flat().iter().all(|weight| weight.is_finite());
    ResultView {
        outputs: layout(&trained.features, &trained.target, &trained.model).map(|hash| vec![(OUTPUT.to_owned(), hash)]).unwrap_or_default(),
        // each party examined its own rows; how many it brings stands in the contract
        matched: contract.inputs.iter().map(|input| input.rows).sum(),
        cells: Vec::new(),
        open_complements: 0,
        constant_columns: 0,
        finite,
    }
}

/// A released model as a short report.
pub(super) fn lines(result: &Value, lang: Lang) -> Vec<String> {
    let Ok(Modelled { trained, gate }) = serde_json::from_value::<Modelled>(result.clone()) else { return Vec::new() };
    let features = trained.features.join(", ");
    let mut out = vec![pick(
        lang,
        &format!("a model of {} from {features}: {} weights", trained.target, trained.weights.flat().len()),
        &format!("由 {features} 预测 {} 的模型：{} 个权重", trained.target, trained.weights.flat().len()),
    )];
    if let (Some(first), Some(last)) = (trained.history.first(), trained.history.last()) {
        let (rows, rounds) = (last.rows, last.round);
        out.push(pick(
            lang,
            &format!("  loss {:.4} at the start, {:.4} after {rounds} rounds, on {rows} held-out rows", first.loss, last.loss),
            &format!("  在 {rows} 行留出数据上的损失：初始 {:.4}，{rounds} 轮后 {:.4}", first.loss, last.loss),
        ));
        if last.accuracy > 0.0 {
            out.push(pick(lang, &format!("  accuracy {:.4}", last.accuracy), &format!("  准确率 {:.4}", last.accuracy)));
        }
    }
    out.push(match &trained.privacy {
        Some(p) => pick(
            lang,
            &format!("  differential privacy of each row: epsilon {}, delta {:e}", p.epsilon.get(), p.delta.get()),
            &format!("  每行差分隐私：ε={}，δ={:e}", p.epsilon.get(), p.delta.get()),
        ),
        None => pick(lang, "  no differential privacy", "  未采用差分隐私"),
    });
    for (party, report) in &gate {
        let (en, zh) = match report.verdict {
            gate::Verdict::Passed => ("passed", "通过"),
            gate::Verdict::CannotTell => ("CANNOT TELL: people decide", "无法判断，由人决定"),
            gate::Verdict::Refused => ("refused", "不通过"),
        };
        out.push(pick(lang, &format!("  release gate of {party}: {en}"), &format!("  {party} 的出域检验：{zh}")));
        let texts = report.lines(yu_desensitize::Lang::En).into_iter().zip(report.lines(yu_desensitize::Lang::Zh));
        out.extend(texts.map(|(en, zh)| format!("    {}", pick(lang, &en, &zh))));
    }
    out
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
