//! Canary extraction: random records are planted in the training set; does the model know them?
//!
//! Exposure (Carlini et al., "The Secret Sharer", USENIX Security 2019, section 4.3, by sampling): a canary that ranks r-th
//! by loss among R references of its kind has log2(R + 1) - log2 r bits of exposure. A model that does not remember ranks it
//! anywhere, so that x bits come up with chance 2^-x.
//!
//! If nothing was planted and the model can be retrained, the gate plants some: features drawn column by column from the
//! members, so that they are of the data's kind but of nobody's combination, with a label of another.

use rand_chacha::rand_core::CryptoRng;

use super::budget::Meter;
use super::chance::below;
use super::membership::{losses, need_trainer, no_answer};
use super::model::{AttackableModel, Canaries, Example, Examples, ModelUnderTest};
use super::subject::Release;
use super::thresholds::Thresholds;
use super::verdict::{Attack, Attempt, Compare, Ran, Share, refused};
use super::words;
use crate::error::{Result, Text};

/// Canaries that the gate plants itself: at 11 bits ten of them give a false alarm in 1 of 200 runs.
const PLANTED: usize = 10;

/// The attack; nothing if there are no canaries and none can or must be planted.
pub(super) fn attack<R: CryptoRng>(
    release: &Release<'_>,
    model: &ModelUnderTest<'_>,
    limits: &Thresholds,
    rng: &mut R,
) -> Result<Option<Attempt>> {
    let mut meter = Meter::new(release.clock(), limits.budget);
    if let Some(canaries) = model.canaries {
        return judge(model.model, canaries, model.name, limits, &mut meter).map(Some);
    }
    let Some(trainer) = model.trainer else {
        let reason = Text::new(
            "no canary was planted, and the model cannot be retrained here to plant some",
            "未植入样本，且模型无法在此重新训练以植入",
        );
        let missing = refused(Attack::Canary, Some(model.name), meter.cost(), reason, need_trainer());
        return Ok(limits.needs_trainer.then_some(missing));
    };
    if model.members.is_empty() {
        return Ok(None);
    }
    let references = random(model.members, limits.canary_exposure.exp2().ceil() as usize, rng)?;
    let planted = random(model.members, PLANTED, rng)?;
    let mut examples = model.members.clone();
    for canary in planted.iter() {
        examples.push(canary)?;
    }
    let retrained = trainer.train(&examples, rng)?;
    judge(&*retrained, Canaries { planted: &planted, references: &references }, model.name, limits, &mut meter).map(Some)
}

/// Records whose every feature and whose label are those of some member, each of another.
fn random<R: CryptoRng>(members: &Examples, count: usize, rng: &mut R) -> Result<Examples> {
    let mut made = Examples::default();
    for _ in 0..count {
        let mut features = Vec::with_capacity(members.width());
        for column in 0..members.width() {
            let member = members.get(below(rng, members.len()));
            features.push(member.and_then(|member| member.features.get(column).copied()).unwrap_or(0.0));
        }
        let label = members.get(below(rng, members.len())).map_or(0.0, |member| member.label);
        made.push(Example { features: &features, label })?;
    }
    Ok(made)
}

fn judge(model: &dyn AttackableModel, canaries: Canaries<'_>, name: &str, limits: &Thresholds, meter: &mut Meter<'_>) -> Result<Attempt> {
    let least = limits.canary_exposure.exp2() - 1.0;
    let (planted, references) = (canaries.planted.len(), canaries.references.len());
    // fewer than the gate itself plants show little: a model that remembers a tenth of them may show none
    if planted < PLANTED || (references as f64) < least {
        let reason = Text::new(
            format!("{planted} canaries and {references} references cannot show an exposure of {} bits", limits.canary_exposure),
            format!("{planted}个植入样本和{references}个参照样本不足以显示{}比特的暴露度", limits.canary_exposure),
        );
        let remedy = Text::new("plant canaries, and hand in more references", "请植入样本并提供更多参照样本");
        return Ok(refused(Attack::Canary, Some(name), meter.cost(), reason, remedy));
    }
    let Some((own, mut others)) = losses(model, canaries.planted, meter)?.zip(losses(model, canaries.references, meter)?) else {
        return Ok(refused(Attack::Canary, Some(name), meter.cost(), no_answer(), words::more_budget()));
    };
    others.sort_by(f64::total_cmp);
    // of references with the same loss half rank before: a constant model exposes nothing
    let exposure = |loss: &f64| {
        let before = others.partition_point(|other| other < loss);
        let ties = others.partition_point(|other| other <= loss) - before;
        (references as f64 + 1.0).log2() - (before as f64 + 0.5 * ties as f64 + 1.0).log2()
    };
    let exposures: Vec<f64> = own.iter().map(exposure).collect();
    let remembered = exposures.iter().filter(|bits| **bits >= limits.canary_exposure).count() as u64;
    let highest = exposures.iter().copied().fold(0.0, f64::max);
    let share = Share::counted(remembered, planted as u64, limits.confidence);
    let ran = Ran { attack: Attack::Canary, column: Some(name.to_owned()), cost: meter.cost(), share, limit: limits.canaries };
    let (found, limit) = (words::of(remembered, planted as u64), limits.canary_exposure);
    let reason = |_| {
        Text::new(
            format!("{found} planted records are remembered with {limit} bits of exposure or more; the highest is {highest:.1}"),
            format!("{found}个植入样本的暴露度达到{limit}比特以上；最高为{highest:.1}比特"),
        )
    };
    let remedy = Text::new(
        "train with differential privacy or for fewer rounds, or release fewer outputs",
        "以差分隐私训练、减少训练轮数，或减少对外输出",
    );
    // planted records are not a sample of anything: each that is remembered is one too many
    Ok(ran.judge(Compare::Census, reason, remedy))
}
