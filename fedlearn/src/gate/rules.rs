//! Figures against limits, with words that tell nothing of single rows.

use yu_desensitize::Text;
use yu_desensitize::restore::{Attempt, Share};

use super::report::{GRAIN, Outcome, Rule, Test};
use super::settings::{Settings, WhenUnsure};
use super::subject::{Leaves, Subject};
use crate::Result;
use crate::artefact::Privacy;
use crate::data::Dataset;

fn none() -> Text {
    Text::new("", "")
}

/// A test that could not tell: reason and remedy.
pub(super) fn unsure(rule: Rule, limit: Option<f64>, (reason, remedy): (Text, Text), settings: &Settings) -> Test {
    let outcome = match settings.when_unsure {
        WhenUnsure::Refuse => Outcome::Refused,
        WhenUnsure::CannotTell => Outcome::CannotTell,
    };
    Test { rule, outcome, figure: None, limit, reason, remedy }
}

pub(super) fn too_few_held_back(settings: &Settings) -> (Text, Text) {
    let (least, rate) = (settings.least_held_back(), settings.membership_fpr);
    (
        Text::new(
            format!("fewer than {least} rows were held back, which a false-positive rate of {rate} needs: membership cannot be tested"),
            format!("留出样本不足{least}条，误报率{rate}下无法检验成员推断"),
        ),
        Text::new(
            "hold back more rows when training, or agree on a higher `membership_fpr`",
            "训练时请留出更多样本，或约定更高的`membership_fpr`",
        ),
    )
}

/// A model that gives no losses.
pub(super) fn no_answer(rule: Rule, limit: f64) -> Test {
    let reason = Text::new(
        "the model, or one trained like it, gave a loss that is no number, or nothing but infinite ones",
        "模型或同类模型给出的损失不是有限数",
    );
    let remedy = Text::new("see whether the training diverged", "请检查训练是否发散");
    Test { rule, outcome: Outcome::Refused, figure: None, limit: Some(limit), reason, remedy }
}

/// Counts of successes in tens: the least multiple above.
fn coarse(share: &Share) -> f64 {
    if share.trials == 0 {
        return 1.0;
    }
    let hits = (share.value * share.trials as f64).round() as u64;
    ((hits / GRAIN + 1) * GRAIN).min(share.trials) as f64 / share.trials as f64
}

pub(super) fn membership(rule: Rule, attempt: &Attempt, settings: &Settings) -> Test {
    let (limit, rate) = (settings.membership_tpr, settings.membership_fpr);
    let Some(share) = &attempt.share else { return no_answer(rule, limit) };
    if share.value <= limit && share.high > limit {
        let reason = Text::new(
            format!(
                "too few rows of the training are here to tell that at most {limit} of them are recognised at a false-positive rate of {rate}"
            ),
            format!("训练样本过少，无法确认误报率{rate}下被识别的比例不超过{limit}"),
        );
        let remedy = Text::new(
            "let the model be examined with more rows, or agree on a higher `membership_tpr`",
            "请以更多样本检验，或约定更高的`membership_tpr`",
        );
        return unsure(rule, Some(limit), (reason, remedy), settings);
    }
    let figure = coarse(share);
    // to three digits, upwards
    let figure = (figure * 1000.0).ceil() / 1000.0;
    let is_passed = share.high <= limit;
    let word = if is_passed { ["at most", "不超过"] } else { ["more than", "超过"] };
    let reason = Text::new(
        format!(
            "{} {limit} of the rows of the training are recognised at a false-positive rate of {rate}; measured: below {figure}",
            word[0]
        ),
        format!("误报率{rate}下被识别的训练样本比例{}{limit}；实测低于{figure}", word[1]),
    );
    judged(rule, is_passed, Some(figure), limit, reason, milder())
}

/// Shares of both kinds of rows whose loss is small.
pub(super) fn advantage(inside: &Share, outside: &Share, settings: &Settings) -> Test {
    let (rule, limit) = (Rule::MembershipAdvantage, settings.membership_advantage);
    let (value, high) = (inside.value - outside.value, (inside.high - outside.low).max(0.0));
    let is_measured = inside.trials > 0 && outside.trials > 0;
    if !is_measured || (value <= limit && high > limit) {
        let reason = Text::new(
            format!("too few rows were held back, or are of the training, to tell that the advantage is at most {limit}"),
            format!("留出样本或训练样本过少，无法确认成员推断优势不超过{limit}"),
        );
        let remedy = Text::new(
            "hold back more rows when training, or agree on a higher `membership_advantage`",
            "训练时请留出更多样本，或约定更高的`membership_advantage`",
        );
        return unsure(rule, Some(limit), (reason, remedy), settings);
    }
    // in twentieths, upwards: a single row does not show
    let figure = ((high * 20.0).ceil() / 20.0).min(1.0);
    let is_passed = high <= limit;
    let word = if is_passed { ["at most", "不超过"] } else { ["more than", "超过"] };
    let reason = Text::new(
        format!("guessing from the loss who is in the training has an advantage of {} {limit}; measured: at most {figure}", word[0]),
        format!("由损失猜测成员的优势{}{limit}；实测不超过{figure}", word[1]),
    );
    judged(rule, is_passed, Some(figure), limit, reason, milder())
}

fn milder() -> Text {
    Text::new(
        "train with differential privacy, with a stronger penalty, a smaller model or fewer rounds",
        "以差分隐私、更强的正则化、更小的模型或更少的轮数训练",
    )
}

/// Planted records are nobody's rows: their figures are exact. `is_enough`: there were enough of them.
pub(super) fn canaries(attempt: &Attempt, is_enough: bool, settings: &Settings) -> Test {
    let (limit, bits) = (settings.canaries, settings.canary_exposure);
    let Some(share) = &attempt.share else {
        if is_enough {
            return no_answer(Rule::Canaries, limit);
        }
        return unsure(Rule::Canaries, Some(limit), (attempt.reason.clone(), attempt.remedy.clone()), settings);
    };
    let (found, all) = ((share.value * share.trials as f64).round(), share.trials);
    let reason = Text::new(
        format!("{found} of {all} planted records are remembered with {bits} bits of exposure or more"),
        format!("{all}个植入样本中有{found}个暴露度达到{bits}比特以上"),
    );
    let remedy = Text::new(
        "train with differential privacy, with a stronger penalty or for fewer rounds",
        "以差分隐私、更强的正则化或更少的轮数训练",
    );
    judged(Rule::Canaries, attempt.passed, Some(share.value), limit, reason, remedy)
}

/// Leaves of trees, if the model has any. Leaves without rows stand for nobody.
pub(super) fn leaves(subject: &Subject<'_>, members: &Dataset, settings: &Settings) -> Result<Option<Test>> {
    let Some((whose, counter)) = &subject.leaves else { return Ok(None) };
    let (counts, of) = match whose {
        Leaves::OfAll(counts) => (counts.clone(), ["of all parties", "各方合计"]),
        Leaves::Own => (counter(members)?, ["of this party", "本方"]),
    };
    let (least, limit) = (counts.iter().copied().filter(|count| *count > 0).min(), settings.leaf_rows);
    let below = counts.iter().filter(|count| (1..limit).contains(*count)).count();
    let is_passed = least.is_some() && below == 0;
    // a number below the limit would tell how few
    let figure = least.filter(|_| is_passed).map(|least| (least / GRAIN * GRAIN).max(limit) as f64);
    let reason = match (is_passed, least) {
        (true, _) => {
            Text::new(format!("every leaf stands for {limit} rows {} or more", of[0]), format!("每个叶节点至少对应{limit}条{}样本", of[1]))
        }
        (false, None) => Text::new("no leaf has a row", "没有任何叶节点包含样本"),
        (false, Some(_)) => Text::new(
            format!("{below} of {} leaves stand for fewer than {limit} rows {}", counts.len(), of[0]),
            format!("{}个叶节点中有{below}个对应的{}样本少于{limit}条", counts.len(), of[1]),
        ),
    };
    let remedy = Text::new("raise `min_rows`, or lower `depth`", "请提高`min_rows`或降低`depth`");
    Ok(Some(judged(Rule::LeafSize, is_passed, figure, limit as f64, reason, remedy)))
}

/// The statement of privacy, judged if a limit is set.
pub(super) fn privacy(subject: &Subject<'_>, settings: &Settings) -> Test {
    let spent = match subject.privacy() {
        Privacy::None => None,
        Privacy::Differential { epsilon, .. } => Some(*epsilon),
    };
    let [en, zh] = subject.privacy().words();
    let reason = Text::new(en, zh);
    let Some(limit) = settings.epsilon else {
        return Test { rule: Rule::Privacy, outcome: Outcome::Passed, figure: spent, limit: None, reason, remedy: none() };
    };
    let remedy = Text::new(
        format!("train with a budget of epsilon {limit} at most (`privacy.epsilon`)"),
        format!("请以不超过{limit}的epsilon预算训练（`privacy.epsilon`）"),
    );
    let is_passed = spent.is_some_and(|spent| spent <= limit);
    judged(Rule::Privacy, is_passed, spent, limit, reason, remedy)
}

fn judged(rule: Rule, is_passed: bool, figure: Option<f64>, limit: f64, reason: Text, remedy: Text) -> Test {
    let (outcome, remedy) = if is_passed { (Outcome::Passed, none()) } else { (Outcome::Refused, remedy) };
    Test { rule, outcome, figure, limit: Some(limit), reason, remedy }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_told_in_tens() {
        for (hits, trials, told) in [(0, 500, 10.0), (9, 500, 10.0), (10, 500, 20.0), (495, 500, 500.0), (0, 4, 4.0)] {
            assert_eq!(coarse(&Share::counted(hits, trials, 0.95)), told / trials as f64);
        }
        assert_eq!(coarse(&Share::counted(0, 0, 0.95)), 1.0);
    }
}
