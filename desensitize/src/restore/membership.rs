//! Membership inference (成员推断): can it be told who was in the training set?
//!
//! Two attacks, each judged where it matters: the share of members recognised (TPR) at a false-positive rate so low that a
//! claim can be believed (Carlini et al., "Membership inference attacks from first principles", IEEE S&P 2022). An average
//! accuracy would hide a model that gives a few people away with certainty.
//!
//! *Loss*: members are those with a loss below a threshold (Yeom et al., CSF 2018). *Shadows*: models trained with and
//! without each example tell what its loss looks like in either case; the likelihood ratio decides (LiRA, algorithm 1). We
//! deviate in two ways: one variance is shared by all examples, as the paper advises for few shadow models (section VI-C), and
//! targets are the examples of the caller, halves of which each shadow model is trained with.

use rand_chacha::rand_core::CryptoRng;

use super::budget::Meter;
use super::chance::shuffle;
use super::model::{AttackableModel, Example, Examples, ModelUnderTest};
use super::subject::Release;
use super::thresholds::Thresholds;
use super::verdict::{Attack, Attempt, Compare, Ran, Share, refused};
use super::words;
use crate::error::{Result, Text};

/// Both attacks on a model.
pub(super) fn attack<R: CryptoRng>(
    release: &Release<'_>,
    model: &ModelUnderTest<'_>,
    limits: &Thresholds,
    rng: &mut R,
) -> Result<Vec<Attempt>> {
    let mut meter = Meter::new(release.clock(), limits.budget);
    let least = (1.0 / limits.membership_fpr).ceil() as usize;
    let refuse = |attack, meter: &Meter<'_>, reason, remedy| refused(attack, Some(model.name), meter.cost(), reason, remedy);
    if model.non_members.len() < least || model.members.is_empty() {
        let (found, rate) = (model.non_members.len(), limits.membership_fpr);
        let reason = Text::new(
            format!(
                "a false-positive rate of {rate} needs at least {least} examples that are no members, and one member; there are {found}"
            ),
            format!("误报率{rate}至少需要{least}个非成员样本和一个成员样本；现有{found}个"),
        );
        let remedy = Text::new("hold out more examples when training", "训练时请留出更多样本");
        return Ok(vec![refuse(Attack::MembershipByLoss, &meter, reason, remedy)]);
    }
    let Some((inside, outside)) = losses(model.model, model.members, &mut meter)?.zip(losses(model.model, model.non_members, &mut meter)?)
    else {
        return Ok(vec![refuse(Attack::MembershipByLoss, &meter, no_answer(), words::more_budget())]);
    };
    let scores = |losses: &[f64]| losses.iter().map(|loss| -loss).collect::<Vec<f64>>();
    let mut attempts = vec![judge(Attack::MembershipByLoss, model.name, &scores(&inside), &scores(&outside), &meter, limits)];
    let mut meter = Meter::new(release.clock(), limits.budget);
    match (model.trainer, limits.needs_trainer) {
        (None, false) => {}
        (None, true) => {
            let reason = Text::new(
                "the model cannot be retrained here, so that the shadow test could not be run",
                "模型无法在此重新训练，影子模型检验未能进行",
            );
            attempts.push(refuse(Attack::MembershipByShadows, &meter, reason, need_trainer()));
        }
        (Some(_), _) => match shadows(model, &inside, &outside, limits, &mut meter, rng)? {
            Some((inside, outside)) => attempts.push(judge(Attack::MembershipByShadows, model.name, &inside, &outside, &meter, limits)),
            None => attempts.push(refuse(Attack::MembershipByShadows, &meter, no_answer(), words::more_budget())),
        },
    }
    Ok(attempts)
}

pub(super) fn need_trainer() -> Text {
    Text::new("hand in how the model is trained", "请提供模型的训练过程")
}

pub(super) fn no_answer() -> Text {
    Text::new("the budget ended, or the model gave a loss that is no number", "预算耗尽，或模型给出的损失不是数")
}

/// The loss of each example; nothing if the budget ends or a loss is no number.
pub(super) fn losses(model: &dyn AttackableModel, examples: &Examples, meter: &mut Meter<'_>) -> Result<Option<Vec<f64>>> {
    let mut losses = Vec::with_capacity(examples.len());
    for example in examples.iter() {
        let loss = if meter.spend(1) { model.loss(example)? } else { f64::NAN };
        // a sure and wrong model may be infinitely wrong, none is more than right
        if loss.is_nan() || loss == f64::NEG_INFINITY {
            return Ok(None);
        }
        losses.push(loss);
    }
    // a model that says nothing would give nobody away
    let says_nothing = !losses.is_empty() && losses.iter().all(|loss| loss.is_infinite());
    Ok((!says_nothing).then_some(losses))
}

/// The share of members above the score that few enough others reach. Ties count for nobody.
fn judge(attack: Attack, name: &str, inside: &[f64], outside: &[f64], meter: &Meter<'_>, limits: &Thresholds) -> Attempt {
    let allowed = (limits.membership_fpr * outside.len() as f64).floor() as usize;
    let mut sorted = outside.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let threshold = sorted.get(allowed).copied().unwrap_or(f64::INFINITY);
    let hits = inside.iter().filter(|score| **score > threshold).count() as u64;
    let share = Share::counted(hits, inside.len() as u64, limits.confidence);
    let ran = Ran { attack, column: Some(name.to_owned()), cost: meter.cost(), share, limit: limits.membership_tpr };
    let (rate, found) = (limits.membership_fpr, words::of(hits, inside.len() as u64));
    let reason = |_| {
        Text::new(
            format!("{found} members are recognised at a false-positive rate of {rate}"),
            format!("在误报率{rate}下，{found}个成员被识别"),
        )
    };
    let remedy = Text::new(
        "train with differential privacy or stronger regularisation, or release fewer outputs of the model",
        "以差分隐私或更强的正则化训练，或减少模型对外输出",
    );
    ran.judge(Compare::Sample, reason, remedy)
}

/// Losses of one example over shadow models, with and without it, as sums.
#[derive(Clone, Copy, Default)]
struct Seen {
    with: Sums,
    without: Sums,
}

#[derive(Clone, Copy, Default)]
struct Sums {
    n: f64,
    sum: f64,
    squares: f64,
}

impl Sums {
    fn add(&mut self, value: f64) {
        self.n += 1.0;
        self.sum += value;
        self.squares += value * value;
    }

    fn mean(self) -> f64 {
        self.sum / self.n
    }

    /// Sum of squared deviations from the mean.
    fn spread(self) -> f64 {
        if self.n > 0.0 { (self.squares - self.sum * self.sum / self.n).max(0.0) } else { 0.0 }
    }
}

/// The logit of the label's probability, which is close to normal over models (the paper's section V-C); limited, as sure
/// models have infinite ones.
fn logit(loss: f64) -> f64 {
    let loss = loss.max(1e-12);
    (-loss - (-(-loss).exp_m1()).ln()).clamp(-40.0, 40.0)
}

/// Log-likelihood ratios of members and others. `inside` and `outside` are their losses under the model.
fn shadows<R: CryptoRng>(
    model: &ModelUnderTest<'_>,
    inside: &[f64],
    outside: &[f64],
    limits: &Thresholds,
    meter: &mut Meter<'_>,
    rng: &mut R,
) -> Result<Option<(Vec<f64>, Vec<f64>)>> {
    let Some(trainer) = model.trainer else { return Ok(None) };
    let all: Vec<Example<'_>> = model.members.iter().chain(model.non_members.iter()).collect();
    let mut seen = vec![Seen::default(); all.len()];
    let mut order: Vec<usize> = (0..all.len()).collect();
    for number in 0..limits.shadow_models {
        // complementary halves in pairs: each example is in exactly half of the models
        if number % 2 == 0 {
            shuffle(&mut order, rng);
        } else {
            let half = order.len() / 2;
            order.rotate_left(half);
        }
        let (used, rest) = order.split_at(order.len() / 2);
        let mut examples = Examples::default();
        for index in used {
            if let Some(example) = all.get(*index) {
                examples.push(*example)?;
            }
        }
        if !meter.spend(all.len() as u64) {
            return Ok(None);
        }
        let shadow = trainer.train(&examples, rng)?;
        for (indices, is_member) in [(used, true), (rest, false)] {
            for index in indices {
                let (Some(example), Some(seen)) = (all.get(*index), seen.get_mut(*index)) else { continue };
                let loss = shadow.loss(*example)?;
                if loss.is_nan() {
                    return Ok(None);
                }
                if is_member { seen.with.add(logit(loss)) } else { seen.without.add(logit(loss)) }
            }
        }
    }
    let variance = |of: fn(&Seen) -> Sums| {
        let (spread, n) = seen.iter().map(of).fold((0.0, 0.0), |(spread, n), sums| (spread + sums.spread(), n + (sums.n - 1.0).max(0.0)));
        (spread / f64::max(n, 1.0)).max(1e-6)
    };
    let (with, without) = (variance(|seen| seen.with), variance(|seen| seen.without));
    let log_density = |x: f64, mean: f64, variance: f64| -0.5 * ((x - mean) * (x - mean) / variance + variance.ln());
    let mut ratios: Vec<f64> = Vec::with_capacity(all.len());
    for (seen, loss) in seen.iter().zip(inside.iter().chain(outside)) {
        let x = logit(*loss);
        let is_seen = seen.with.n > 0.0 && seen.without.n > 0.0;
        ratios.push(if is_seen { log_density(x, seen.with.mean(), with) - log_density(x, seen.without.mean(), without) } else { 0.0 });
    }
    let others = ratios.split_off(inside.len().min(ratios.len()));
    Ok(Some((ratios, others)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logits_are_those_of_the_probability() {
        for p in [0.001f64, 0.25, 0.5, 0.9, 0.999] {
            assert!((logit(-p.ln()) - (p / (1.0 - p)).ln()).abs() < 1e-9, "{p}");
        }
        assert!((logit(0.0) - 27.6).abs() < 0.1 && logit(f64::INFINITY) == -40.0 && logit(-1.0) <= 40.0);
    }

    #[test]
    fn sums_give_mean_and_spread() {
        let mut sums = Sums::default();
        [1.0, 2.0, 4.0].into_iter().for_each(|value| sums.add(value));
        assert!((sums.mean() - 7.0 / 3.0).abs() < 1e-12 && (sums.spread() - 14.0 / 3.0).abs() < 1e-12);
    }
}
