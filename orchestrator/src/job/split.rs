//! Jobs about a model that stays split among the computing parties (分持模型, 纵向联邦学习): what follows from the terms, and the result.
//!
//! Rows are aligned by ECDH-PSI, then [`yu_fedlearn::vertical::task`] runs over shares. Each computing party keeps its share of a trained model
//! ([`crate::models`]); evaluations and predictions name the training's job and are refused by a party that has no share of it, or of another one.

use super::plan;
use crate::fault::{Code, Fault, Lang, Result, pick};
use crate::models;
use crate::node::Node;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use yu_fedlearn::vertical::task::{self, Answer, Learner, Model, Plan, Predictions, Quality, Settings, Target};
use yu_governance::canonical::{Hash, digest, to_canonical};
use yu_governance::check::ResultView;
use yu_governance::contract::{Contract, CostStatement, ModelTerms, OutputTerms, OwnCorrelations, Side, StepTerms};
use yu_mpc::cost::{Cost, Counts, Formula};
use yu_mpc::dry::Dry;
use yu_mpc::engine::{Engine, Module};
use yu_mpc::rep3::Context;

/// Most rows that a released prediction holds: sealed and written as text it still fits a message.
pub const MOST_SCORES: u64 = 200_000;
/// Fewest features of the side that does not receive the probabilities.
const LEAST_FEATURES: usize = 2;
/// Most digits of a probability of a single row, and decimal places of a figure: with more, one row's part in it could be read off.
const DIGITS: u32 = 3;

/// The settings as the contract has them.
///
/// # Errors
/// `input.bad` for numbers that are not finite.
pub fn words(settings: &Settings) -> Result<String> {
    String::from_utf8(to_canonical(settings)?).map_err(|_| Fault::new(Code::Bug, "settings are text"))
}

/// The step of a job about a split model.
///
/// # Errors
/// `internal` for another job.
pub fn step(contract: &Contract) -> Result<(&StepTerms, &ModelTerms)> {
    contract.split_model().ok_or_else(|| Fault::new(Code::Bug, "the job has no split model"))
}

/// What the engine runs.
///
/// # Errors
/// `contract.rule` for settings that do not fit.
pub fn plan(contract: &Contract, job: [u8; 32]) -> Result<Plan> {
    let (_, terms) = step(contract)?;
    let rule = |what: String| Fault::new(Code::ContractRule, what).at("[step]");
    let count = |side: Side| terms.features.iter().filter(|column| column.side == side).count();
    let plan = Plan {
        job,
        columns: [count(Side::Left), count(Side::Right)],
        labels: usize::from(terms.target.as_ref().is_some_and(|target| target.side == Side::Right)),
        settings: Settings::from_json(&terms.settings).map_err(|e| rule(e.to_string()))?,
        least: contract.limits.min_cell,
    };
    plan.check().map_err(|e| rule(e.to_string()))?;
    Ok(plan)
}

/// Names of the features of a side.
pub fn features(terms: &ModelTerms, side: Side) -> Vec<String> {
    terms.features.iter().filter(|column| column.side == side).map(|column| column.column.clone()).collect()
}

/// Fewest aligned rows with which the program makes sense.
fn least_rows(plan: &Plan, contract: &Contract) -> u64 {
    let held = u64::from(plan.settings.hold_out);
    let needed = match plan.settings.model {
        Learner::LogisticRegression { batch, .. } => (u64::from(batch) * 100).div_ceil(100 - held) + 1,
        Learner::BoostedTrees { .. } => 1,
        // figures of numbers are those of at least so many held-out rows
        Learner::LinearRegression { .. } | Learner::PoissonRegression { .. } => plan.least.saturating_mul(100).div_ceil(held) + 1,
    };
    contract.limits.min_rows.max(needed).max(20)
}

/// Refuses what would cost gigabytes to price, before anybody prices it.
fn bounded(step: &StepTerms, plan: &Plan, rows: u64) -> Result<()> {
    let rule = |what: String| Fault::new(Code::ContractRule, what).at("[step]");
    let rows = usize::try_from(rows).unwrap_or(usize::MAX);
    plan.settings.check_size(rows, plan.columns[0] + plan.columns[1]).map_err(|e| rule(format!("split-model.size: {e}")))?;
    let scores = Predictions::len(&plan.settings, rows);
    if matches!(step, StepTerms::Predict(_)) && scores as u64 > MOST_SCORES {
        let what = format!("split-model.size: {scores} numbers of {rows} rows, a prediction has at most {MOST_SCORES}: split the data set");
        return Err(rule(what));
    }
    Ok(())
}

/// Every message at these row counts.
fn formula(contract: &Contract, matched: u64) -> Result<Formula> {
    let (step, _) = step(contract)?;
    // no byte depends on the id
    let plan = plan(contract, [0; 32])?;
    bounded(step, &plan, matched)?;
    let statistics = &plan::joint_terms(contract)?.statistics;
    let names = [statistics.left.party.as_str(), statistics.right.party.as_str(), statistics.helper.as_str()];
    let rows = usize::try_from(matched).map_err(|_| Fault::new(Code::Input, "more rows than memory"))?;
    let mut dry = Dry::<Context>::new(&names);
    task::agree(&mut dry, [None; 2])?;
    let model = |plan: &Plan| Model::from_words(plan, &<Dry<Context> as Engine>::Words::zeros(Model::<Dry<Context>>::len(plan)?));
    match step {
        StepTerms::Train(_) => drop(task::train(&mut dry, &plan, rows, [None; 2], &mut |_| {})?),
        StepTerms::Evaluate(_) => drop(task::evaluate(&mut dry, &plan, rows, [None; 2], [None; 2], &model(&plan)?)?),
        _ => drop(task::predict(&mut dry, &plan, rows, [None; 2], [None; 2], &model(&plan)?)?),
    }
    Ok(yu_mpc::psi::formula(names[0], names[1]).then(dry.formula().clone()))
}

/// What a run at these counts costs.
///
/// # Errors
/// `input.bad` when the counts overflow.
pub fn at(contract: &Contract, counts: &Counts) -> Result<Cost> {
    Ok(formula(contract, counts.matched)?.evaluate(counts)?)
}

/// Least and most, by how many rows may match.
///
/// # Errors
/// `input.bad` for fewer rows than the program takes.
pub fn cost(contract: &Contract) -> Result<CostStatement> {
    let (n_left, n_right) = plan::rows(contract)?;
    let (least, most) = (least_rows(&plan(contract, [0; 32])?, contract), n_left.min(n_right));
    if most < least {
        let what = format!("{most} rows can match at most, this model needs {least}");
        return Err(Fault::new(Code::Input, what).at("[step]"));
    }
    let of = |matched| at(contract, &Counts { n_left, n_right, matched });
    let (low, high) = (of(least)?, of(most)?);
    Ok(CostStatement { min_bytes: low.bytes, min_rounds: u64::from(low.rounds), ..plan::fixed(&high) })
}

/// Refuses a job whose model is not the one of which this node has a share.
///
/// # Errors
/// `contract.rule`; `not-found`.
pub fn check(node: &Node, contract: &Contract) -> Result<()> {
    let (step, terms) = step(contract)?;
    let rule = |what: &str| Fault::new(Code::ContractRule, what.to_owned()).at("[step]").party(node.name());
    for receiver in contract.receivers.iter().filter_map(|r| contract.side_of(&r.party)).filter(|_| matches!(step, StepTerms::Predict(_))) {
        let other = if receiver == Side::Left { Side::Right } else { Side::Left };
        if features(terms, other).len() < LEAST_FEATURES {
            let what = format!(
                "split-model.features: with fewer than {LEAST_FEATURES} features of the other side a probability tells its receiver their value"
            );
            return Err(rule(&what));
        }
    }
    if words(&plan(contract, [0; 32])?.settings)? != terms.settings {
        return Err(rule("split-model.settings: they are not written as this version writes them"));
    }
    let statistics = &plan::joint_terms(contract)?.statistics;
    let parties = [&statistics.left.party, &statistics.right.party, &statistics.helper].map(ToString::to_string);
    let Some(model) = terms.model.filter(|_| parties.iter().any(|party| party == node.name())) else { return Ok(()) };
    let head = models::get(node, &model.0.to_hex())?.head;
    if head.parties != parties {
        return Err(rule("split-model.parties: left, right and helper must be those of the training"));
    }
    if head.authorisation != contract.authorisation.id.as_str() {
        return Err(rule("split-model.authorisation: the model was trained under another authorisation"));
    }
    if words(&head.settings)? != terms.settings {
        return Err(rule("split-model.settings: they are not those of the training"));
    }
    // another column in the place of one with a large weight would be read out by the probabilities
    if head.features != [Side::Left, Side::Right].map(|side| features(terms, side)) {
        return Err(rule("split-model.features: they must be called as at the training, in the same order"));
    }
    // figures with other labels would answer questions about single rows
    if matches!(step, StepTerms::Evaluate(_)) && target(terms) != Target::Class(2) {
        judged_once(node, contract, terms)?;
    }
    let told = |target: &yu_governance::contract::ColumnRef| (usize::from(target.side == Side::Right), target.column.clone());
    if terms.target.as_ref().is_some_and(|target| told(target) != head.target) {
        return Err(rule("split-model.target: the label must be that of the training"));
    }
    Ok(())
}

/// Errors over the same labels are told once: from two, with one person's features changed in between, that person's label could be computed, and the
/// same rows give the same model again.
fn judged_once(node: &Node, contract: &Contract, terms: &ModelTerms) -> Result<()> {
    let label = |contract: &Contract, terms: &ModelTerms| {
        let side = terms.target.as_ref()?.side;
        let owner = contract.inputs.iter().find(|input| contract.side_of(&input.party) == Some(side))?;
        Some((owner.dataset.clone(), owner.version))
    };
    let own = label(contract, terms);
    let id = contract.id()?.0.to_hex();
    // one that failed after it started may have told somebody
    let told_nothing = |row: &crate::store::JobRow| match row.state {
        super::State::Refused | super::State::Rejected => true,
        super::State::Failed => node.store().events(&row.id, 0).is_ok_and(|all| !all.iter().any(|event| event.verb == "started")),
        _ => false,
    };
    for row in node.store().jobs()?.into_iter().filter(|row| row.id != id && !told_nothing(row)) {
        let other = super::bundle::Bundle::of(&row)?.contract.payload;
        if let Some((StepTerms::Evaluate(_), known)) = other.split_model()
            && label(&other, known) == own
        {
            let what =
                format!("split-model.judged: job {} has judged a model by these labels; a new version of the labels may be used", row.id);
            return Err(Fault::new(Code::ContractRule, what).at("[step]").party(node.name()));
        }
    }
    Ok(())
}

/// Which numbers the output holds.
#[derive(Serialize)]
struct Layout<'a> {
    step: &'a str,
    settings: &'a str,
}

fn layout(step: &str, settings: &str) -> Result<Hash> {
    Ok(digest("yu-split-model-layout-v1", &to_canonical(&Layout { step, settings })?))
}

/// The only output.
///
/// # Errors
/// `internal`.
pub fn output(contract: &Contract, digits: u32, own_correlations: OwnCorrelations) -> Result<OutputTerms> {
    let (step, terms) = step(contract)?;
    Ok(OutputTerms {
        name: step.kind().into(),
        kind: if matches!(step, StepTerms::Predict(_)) { "scores" } else { "report" }.into(),
        layout: layout(step.kind(), &terms.settings)?,
        digits: digits.min(DIGITS),
        own_correlations,
    })
}

/// What comes out.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitReport {
    /// `train`, `evaluate` or `predict`.
    pub step: String,
    /// How the model is or was trained, word by word.
    pub settings: String,
    /// How good it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<Quality>,
    /// Of the label 1 for each aligned row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probabilities: Option<Vec<f64>>,
    /// Of more than two classes, for each aligned row: of each class against the others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub each: Option<Vec<Vec<f64>>>,
    /// The class of each aligned row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub classes: Option<Vec<u32>>,
    /// A number, or a mean count, for each aligned row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<f64>>,
}

/// Reads opened words.
///
/// # Errors
/// `storage.damaged` for another number of words.
pub fn assemble(contract: &Contract, words: &[u64]) -> Result<SplitReport> {
    let (step, terms) = step(contract)?;
    let settings = plan(contract, [0; 32])?.settings;
    let mut report = SplitReport {
        step: step.kind().into(),
        settings: terms.settings.clone(),
        quality: None,
        probabilities: None,
        each: None,
        classes: None,
        values: None,
    };
    if matches!(step, StepTerms::Predict(_)) {
        match Predictions::read(&settings, words)? {
            Predictions::Probabilities(all) => report.probabilities = Some(all),
            Predictions::Each(all) => report.each = Some(all),
            Predictions::Classes(all) => report.classes = Some(all),
            Predictions::Values(all) => report.values = Some(all),
        }
    } else {
        report.quality = Some(Quality::read(&settings, words)?);
    }
    Ok(report)
}

impl SplitReport {
    /// What is told of single rows to so many significant digits, figures to three decimal places.
    pub fn rounded(&mut self, round: &dyn Fn(&mut f64)) {
        let single = self.probabilities.iter_mut().chain(&mut self.values).chain(self.each.iter_mut().flatten());
        single.flatten().for_each(round);
        let places = 10f64.powi(DIGITS.cast_signed());
        let figures = self.quality.iter_mut().flat_map(Quality::figures);
        figures.for_each(|number| *number = (*number * places).round() / places);
    }

    /// What the checks want to know.
    pub fn view(&self) -> ResultView {
        let quality = self.quality.as_ref();
        let judged = quality.map_or(0, |quality| quality.trained + quality.judged);
        let rows = |len: Option<usize>| len.unwrap_or(0) as u64;
        let scored = [&self.probabilities, &self.values].map(|all| rows(all.as_ref().map(Vec::len))).iter().sum::<u64>()
            + rows(self.each.as_ref().map(Vec::len))
            + rows(self.classes.as_ref().map(Vec::len));
        let mut figures = self.quality.clone();
        let figures = figures.iter_mut().flat_map(Quality::figures).map(|figure| *figure);
        let single = self.probabilities.iter().chain(&self.values).chain(self.each.iter().flatten()).flatten().copied();
        ResultView {
            outputs: layout(&self.step, &self.settings).map(|hash| vec![(self.step.clone(), hash)]).unwrap_or_default(),
            matched: judged + scored,
            cells: quality.map(|quality| quality.judged).into_iter().collect(),
            open_complements: 0,
            constant_columns: 0,
            finite: figures.chain(single).all(f64::is_finite),
        }
    }
}

/// What a column of the label holds, as far as an owner looks at it before anything is shared.
pub fn target(terms: &ModelTerms) -> Target {
    Settings::from_json(&terms.settings).map_or(Target::Class(2), |settings| settings.target())
}

/// Hundredths of the rows on which a training judges its model.
pub fn held_out(terms: &ModelTerms) -> u32 {
    Settings::from_json(&terms.settings).map_or(1, |settings| settings.hold_out)
}

/// Whether a person decides, whatever the node's configuration says: what is told of single rows, and errors, in which one row may weigh more than in
/// a rank.
pub fn asks(contract: &Contract) -> bool {
    contract.split_model().is_some_and(|(step, terms)| matches!(step, StepTerms::Predict(_)) || target(terms) != Target::Class(2))
}

fn learner(settings: &str) -> (String, String) {
    let settings = Settings::from_json(settings);
    let classes = settings.as_ref().map_or(2, |settings| settings.classes);
    let (model, model_zh) = one_learner(settings.map(|settings| settings.model));
    if classes == 2 {
        return (model, model_zh);
    }
    (format!("{classes} classes, each against all others: {model}"), format!("{classes} 类，逐类一对其余：{model_zh}"))
}

fn one_learner(model: yu_fedlearn::Result<Learner>) -> (String, String) {
    match model {
        Ok(Learner::LogisticRegression { epochs, batch, learning_rate, l2 }) => (
            format!("logistic regression, {epochs} epochs, batches of {batch}, learning rate {learning_rate}, penalty {l2}"),
            format!("逻辑回归，{epochs} 轮，批量 {batch}，学习率 {learning_rate}，惩罚 {l2}"),
        ),
        Ok(Learner::BoostedTrees { trees, depth, learning_rate, bins, lambda }) => (
            format!("{trees} boosted trees of depth {depth}, learning rate {learning_rate}, {bins} bins, lambda {lambda}"),
            format!("提升树 {trees} 棵，深度 {depth}，学习率 {learning_rate}，{bins} 箱，λ={lambda}"),
        ),
        Ok(Learner::LinearRegression { ridge }) => (format!("linear regression, ridge {ridge}"), format!("线性回归，岭参数 {ridge}")),
        Ok(Learner::PoissonRegression { iterations, ridge }) => (
            format!("Poisson regression of a count, {iterations} iterations, ridge {ridge}"),
            format!("泊松回归（计数），{iterations} 次迭代，岭参数 {ridge}"),
        ),
        Err(_) => ("settings that cannot be read".into(), "训练设置无法读取".into()),
    }
}

/// The step as a person reads it before signing.
pub fn sentence(step: &StepTerms, terms: &ModelTerms) -> (String, String) {
    let name = |column: &yu_governance::contract::ColumnRef| {
        format!("{}.{}", if column.side == Side::Left { "left" } else { "right" }, column.column)
    };
    let features = terms.features.iter().map(name).collect::<Vec<_>>().join(", ");
    let target = terms.target.as_ref().map(name).unwrap_or_default();
    let (model, model_zh) = learner(&terms.settings);
    let (told, told_zh) = told(&terms.settings);
    let earlier = terms.model.map(|job| job.0.to_hex().chars().take(12).collect::<String>()).unwrap_or_default();
    match step {
        StepTerms::Train(_) => (
            format!(
                "{target} from {features}: {model}; the model STAYS SPLIT among the computing parties, each keeps a share until the authorisation ends"
            ),
            format!("由 {features} 预测 {target}：{model_zh}；模型由各计算方分持份额，直至授权终止"),
        ),
        StepTerms::Evaluate(_) => (
            format!("how well the split model of job {earlier} tells {target} from {features} ({model})"),
            format!("评估任务 {earlier} 的分持模型由 {features} 预测 {target} 的效果（{model_zh}）"),
        ),
        _ => (
            format!("{told} for EACH matched row from {features}, by the split model of job {earlier} ({model})"),
            format!("以任务 {earlier} 的分持模型，由 {features} 为每一匹配行给出{told_zh}（{model_zh}）"),
        ),
    }
}

/// What a prediction tells of a row.
fn told(settings: &str) -> (&'static str, &'static str) {
    let Ok(settings) = Settings::from_json(settings) else { return ("a result", "结果") };
    match (settings.target(), settings.answer) {
        (Target::Class(2), Answer::Probabilities) => ("a probability", "概率"),
        (Target::Class(_), Answer::Probabilities) => ("a probability of each class", "各类别概率"),
        (Target::Class(_), Answer::Class) => ("the class", "类别"),
        (Target::Number, _) => ("a number", "数值"),
        (Target::Count, _) => ("a mean count", "期望次数"),
    }
}

/// A released result as a short report.
pub fn lines(result: &Value, lang: Lang) -> Vec<String> {
    let Ok(report) = serde_json::from_value::<SplitReport>(result.clone()) else { return Vec::new() };
    let (model, model_zh) = learner(&report.settings);
    let mut out = vec![pick(lang, &format!("split model: {model}"), &format!("分持模型：{model_zh}"))];
    out.extend(report.quality.iter().flat_map(|quality| quality_lines(quality, lang)));
    let mean = |all: &[f64]| all.iter().sum::<f64>() / (all.len() as f64).max(1.0);
    if let Some(all) = &report.probabilities {
        let mean = mean(all);
        out.push(pick(lang, &format!("  {} probabilities, mean {mean:.4}", all.len()), &format!("  {} 个概率，均值 {mean:.4}", all.len())));
    }
    if let Some(all) = &report.values {
        let mean = mean(all);
        out.push(pick(
            lang,
            &format!("  {} predicted values, mean {mean:.4}", all.len()),
            &format!("  {} 个预测值，均值 {mean:.4}", all.len()),
        ));
    }
    if let Some(all) = &report.each {
        let classes = all.first().map_or(0, Vec::len);
        let what = format!("  {} rows, a probability of each of {classes} classes against the others", all.len());
        out.push(pick(lang, &what, &format!("  {} 行，各含 {classes} 个类别的概率（一对其余）", all.len())));
    }
    if let Some(all) = &report.classes {
        let mut counts = std::collections::BTreeMap::new();
        all.iter().for_each(|class| *counts.entry(class).or_insert(0u64) += 1);
        let counts = counts.iter().map(|(class, count)| format!("{class}: {count}")).collect::<Vec<_>>().join(", ");
        out.push(pick(lang, &format!("  classes of {} rows: {counts}", all.len()), &format!("  {} 行的类别：{counts}", all.len())));
    }
    out
}

fn quality_lines(quality: &Quality, lang: Lang) -> Vec<String> {
    let (trained, judged) = (quality.trained, quality.judged);
    let brier = quality.brier.map(|brier| (format!("; Brier score {brier:.3}"), format!("；Brier 得分 {brier:.3}"))).unwrap_or_default();
    let mut out = vec![pick(
        lang,
        &format!("  trained on {trained} rows here, judged on {judged} others{}", brier.0),
        &format!("  本次训练 {trained} 行，评估 {judged} 行{}", brier.1),
    )];
    for point in &quality.curve {
        let of = if point.trees > 0 { format!("{:>5} trees: ", point.trees) } else { String::new() };
        out.push(format!("  {of}AUC {:.3} (+- {:.3})  KS {:.3}", point.auc, point.auc_bound, point.ks));
    }
    if let Some(told) = &quality.decisions {
        out.push(pick(
            lang,
            &format!(
                "  accuracy {:.3}; means over the classes: precision {:.3}, recall {:.3}, F1 {:.3} (AUC and KS above too)",
                told.accuracy, told.precision, told.recall, told.f1
            ),
            &format!(
                "  准确率 {:.3}；各类宏平均：精确率 {:.3}，召回率 {:.3}，F1 {:.3}（上列 AUC、KS 亦为宏平均）",
                told.accuracy, told.precision, told.recall, told.f1
            ),
        ));
    }
    if let Some(errors) = &quality.errors {
        let (rmse, explained) = (errors.rmse, errors.explained);
        out.push(match errors.deviance {
            None => pick(
                lang,
                &format!("  RMSE {rmse:.3} standard deviations of the label; {explained:.3} of the variance explained (R2)"),
                &format!("  均方根误差 {rmse:.3}（以标签标准差计）；解释方差占比 R² {explained:.3}"),
            ),
            Some(deviance) => pick(
                lang,
                &format!("  mean Poisson deviance {deviance:.3}, {explained:.3} of it explained (D2); RMSE {rmse:.3} counts"),
                &format!("  平均泊松偏差 {deviance:.3}，解释偏差占比 D² {explained:.3}；均方根误差 {rmse:.3}（次）"),
            ),
        });
    }
    out
}
