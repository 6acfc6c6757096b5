//! The attacks on a model, and what their figures mean here.

use std::time::Duration;

use rand_chacha::ChaCha20Rng;
use yu_desensitize::Text;
use yu_desensitize::restore::{Attack, Attempt, Canaries, Examples, ModelUnderTest, Release, Share, gate};

use super::report::{Outcome, Rule, Test};
use super::rows::Planted;
use super::rules;
use super::settings::Settings;
use super::subject::{Subject, examples, failed};
use crate::Result;
use crate::data::Dataset;
use crate::data::split::shuffled;

/// Membership on average, by loss, by shadows, and canaries: always these four, in this order.
pub(super) fn run(
    subject: &Subject<'_>,
    members: &Dataset,
    held_back: &Dataset,
    planted: Option<&Planted>,
    settings: &Settings,
    rng: &mut ChaCha20Rng,
) -> Result<Vec<Test>> {
    let mut some = |rows: &Dataset| -> Result<Dataset> {
        let most = settings.sample as usize;
        if rows.rows() <= most {
            return subject.scaled(rows);
        }
        let mut places = shuffled(rows.rows(), rng);
        places.truncate(most);
        subject.scaled(&rows.take(&places)?)
    };
    let (members, held_back) = (some(members)?, some(held_back)?);
    let (inside, outside) = (examples(&members)?, examples(&held_back)?);
    let scaled = |rows: &Dataset| examples(&subject.scaled(rows)?);
    let canaries = planted.map(|planted| Ok::<_, crate::Error>((scaled(&planted.canaries)?, scaled(&planted.references)?))).transpose()?;

    let work = work(subject, [inside.len(), outside.len()], canaries.is_some(), settings);
    let is_affordable = work.is_some_and(|work| work <= settings.work);
    let trainer = subject.trainer.as_ref().filter(|_| settings.shadow_models > 0 && is_affordable).map(|(trainer, _)| &**trainer);
    let model = ModelUnderTest {
        name: subject.name(),
        model: &*subject.model,
        members: &inside,
        non_members: &outside,
        trainer,
        canaries: canaries.as_ref().map(|(planted, references)| Canaries { planted, references }),
    };
    let clock = || Duration::ZERO;
    let release = Release { model: Some(model), clock: Some(&clock), ..Release::default() };
    let verdict = gate(&release, &settings.thresholds(), rng).map_err(|error| failed(&error))?;

    let too_few = (held_back.rows() < settings.least_held_back()).then(|| rules::too_few_held_back(settings));
    let why_not = if settings.shadow_models == 0 {
        None
    } else if subject.trainer.is_none() {
        Some(no_trainer())
    } else {
        Some(too_dear(work.unwrap_or(f64::INFINITY), settings))
    };
    let of = |attack: Attack| verdict.attempts.iter().find(|attempt| attempt.attack == attack);
    let membership = |rule, attempt: Option<&Attempt>| match (attempt, &too_few, &why_not) {
        // nothing to be told by more rows
        (_, _, None) if rule == Rule::MembershipByShadows => left_out(rule),
        (_, Some(text), _) => rules::unsure(rule, Some(settings.membership_tpr), text.clone(), settings),
        (Some(attempt), ..) => rules::membership(rule, attempt, settings),
        (None, None, Some(text)) => rules::unsure(rule, Some(settings.membership_tpr), text.clone(), settings),
        (None, None, None) => left_out(rule),
    };
    let canary = match (of(Attack::Canary), &why_not) {
        (Some(attempt), _) => rules::canaries(attempt, planted.is_none_or(|planted| planted.is_enough(settings)), settings),
        (None, Some(text)) => rules::unsure(Rule::Canaries, Some(settings.canaries), text.clone(), settings),
        (None, None) => left_out(Rule::Canaries),
    };
    Ok(vec![
        advantage(subject, &inside, &outside, settings)?,
        membership(Rule::MembershipByLoss, of(Attack::MembershipByLoss)),
        membership(Rule::MembershipByShadows, of(Attack::MembershipByShadows)),
        canary,
    ])
}

/// Members are those whose loss is at most the members' mean (Yeom et al., section 3.2): how much more often that is right than wrong.
fn advantage(subject: &Subject<'_>, inside: &Examples, outside: &Examples, settings: &Settings) -> Result<Test> {
    let losses =
        |examples: &Examples| examples.iter().map(|example| subject.model.loss(example)).collect::<yu_desensitize::Result<Vec<f64>>>();
    let (inside, outside) = (losses(inside).map_err(|error| failed(&error))?, losses(outside).map_err(|error| failed(&error))?);
    let mean = inside.iter().sum::<f64>() / inside.len().max(1) as f64;
    if !mean.is_finite() || outside.iter().any(|loss| loss.is_nan()) {
        return Ok(rules::no_answer(Rule::MembershipAdvantage, settings.membership_advantage));
    }
    let share = |losses: &[f64]| {
        let hits = losses.iter().filter(|loss| **loss <= mean).count();
        Share::counted(hits as u64, losses.len() as u64, settings.confidence)
    };
    Ok(rules::advantage(&share(&inside), &share(&outside), settings))
}

/// Multiplications and additions of all trainings; none without a trainer.
fn work(subject: &Subject<'_>, rows: [usize; 2], is_planted: bool, settings: &Settings) -> Option<f64> {
    let (_, a_row) = subject.trainer.as_ref()?;
    let shadows = f64::from(settings.shadow_models) * (rows.iter().sum::<usize>() / 2) as f64;
    let canaries = if is_planted { 0 } else { rows.first().copied().unwrap_or_default() };
    Some(a_row * (shadows + canaries as f64))
}

fn left_out(rule: Rule) -> Test {
    let reason = Text::new("left out by the settings (`shadow_models = 0`)", "按设置未进行（`shadow_models = 0`）");
    Test { rule, outcome: Outcome::LeftOut, figure: None, limit: None, reason, remedy: Text::new("", "") }
}

fn no_trainer() -> (Text, Text) {
    (
        Text::new("models like it cannot be trained here, so that this attack could not be run", "此处无法训练同类模型，未能实施该项攻击"),
        Text::new("hand in how the model is trained, or plant canaries", "请提供模型的训练过程，或植入样本"),
    )
}

fn too_dear(work: f64, settings: &Settings) -> (Text, Text) {
    (
        Text::new(
            format!("its trainings would take {work:.1e} multiplications and additions, {:.1e} are allowed", settings.work),
            format!("其训练约需{work:.1e}次乘加运算，允许{:.1e}次", settings.work),
        ),
        Text::new("raise `work`, or lower `sample`", "请提高`work`或降低`sample`"),
    )
}
