//! What holds: a city's own values over its province's. A city may only tighten (NB 1, 10; TZ 一(一)).

use super::choice::{DeemedConsent, Mode, Stage, StartEvent};
use super::table::{Pair, Rules};
use super::{Basis, Profile, ProfileId, Status};
use crate::calendar::Date;
use crate::clock::Time;
use crate::finding::Finding;
use crate::policy::Floors;
use crate::text::Text;

/// The one article under which silence counts as consent.
const DEEMED: &str = "ZW 21";

/// A profile with all its values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effective {
    profile: Profile,
    rules: Rules,
}

impl Effective {
    /// Puts a profile over its parent; a profile without a parent states everything itself.
    ///
    /// # Errors
    /// Everything that is wrong at once: missing fields, blank bases, values that cannot be meant, and each loosening with both
    /// values and both articles.
    pub fn new(profile: Profile, parent: Option<&Self>) -> Result<Self, Vec<Finding>> {
        let mut found = profile.check();
        let id = profile.id.clone();
        if profile.parent.as_ref() != parent.map(|p| &p.profile.id) {
            found.push(wrong_parent(&id, profile.parent.as_ref(), parent.map(|p| &p.profile.id)));
        }
        let rules = match profile.rules.over(parent.map(|p| &p.rules)) {
            Ok(rules) => rules,
            Err(missing) => {
                found.extend(missing.into_iter().map(|field| {
                    Finding::new(
                        "profile.field-missing",
                        &id,
                        (
                            format!("`{}` ({}) is stated neither here nor in a parent", field.key, field.en),
                            format!("未规定“{}”（`{}`），上级规则集也未规定", field.zh, field.key),
                        ),
                        ("state the field with its basis", "补充该项及其依据"),
                    )
                }));
                return Err(found);
            }
        };
        if let Some(parent) = parent {
            let loosened = compare(&rules, &parent.rules).into_iter().filter(|pair| !pair.is_within);
            found.extend(loosened.map(|pair| loosening(&id, &parent.profile, &pair)));
        }
        found.extend(contradictions(&id, &rules));
        if found.is_empty() { Ok(Self { profile, rules }) } else { Err(found) }
    }

    /// The profile as stated.
    #[must_use]
    pub const fn profile(&self) -> &Profile {
        &self.profile
    }

    /// All values.
    #[must_use]
    pub const fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Whether it is in force on the date of this moment: not a draft, and within its dates.
    #[must_use]
    pub fn is_in_force(&self, now: Time) -> bool {
        self.profile.is_in_force(Date::of(now))
    }

    /// The same profile with its text played as if it were in force from a day on, for plays and trials of a draft. It is another document
    /// with another hash, so nothing that was signed for the draft holds for it.
    #[must_use]
    pub fn played_as_if_in_force(&self, from: Date) -> Self {
        let profile = Profile { status: Status::InForce, effective_from: Some(from), effective_until: None, ..self.profile.clone() };
        Self { profile, rules: self.rules.clone() }
    }

    /// The numbers that a decision on a contract reads.
    #[must_use]
    pub fn floors(&self) -> Floors {
        self.rules.leakage.value.floors(self.rules.term.value.0)
    }
}

/// Field by field. Where a lapse counts as consent, a shorter clock is looser: consent comes sooner.
pub(super) fn compare<'a>(own: &'a Rules, other: &'a Rules) -> Vec<Pair<'a>> {
    let mut pairs = own.pairs(other);
    if own.deemed_consent.value == DeemedConsent::On {
        for pair in pairs.iter_mut().filter(|pair| pair.own.field.key == "approval_limit") {
            std::mem::swap(&mut pair.is_within, &mut pair.is_around);
        }
    }
    pairs
}

fn loosening(id: &ProfileId, parent: &Profile, pair: &Pair<'_>) -> Finding {
    let (own, other) = (&pair.own, &pair.other);
    let (own_basis, other_basis) = (own.basis.words(), other.basis.words());
    let field = own.field;
    Finding::new(
        "profile.loosens",
        id,
        (
            format!(
                "`{}` ({}): own value `{}` ({}) is not as tight as `{}` ({}) of `{}`",
                field.key, field.en, own.words.en, own_basis.en, other.words.en, other_basis.en, parent.id
            ),
            format!(
                "“{}”（`{}`）：自身规定为“{}”（{}），宽于上级 `{}` 的“{}”（{}）",
                field.zh, field.key, own.words.zh, own_basis.zh, parent.id, other.words.zh, other_basis.zh
            ),
        ),
        ("state a value at least as tight, or leave the field out to inherit it", "改为不宽于上级的规定，或删去该项以沿用上级规定"),
    )
}

fn wrong_parent(id: &ProfileId, stated: Option<&ProfileId>, given: Option<&ProfileId>) -> Finding {
    let name = |id: Option<&ProfileId>| id.map_or_else(|| "none".to_owned(), ToString::to_string);
    Finding::new(
        "profile.parent",
        id,
        (
            format!("names the parent `{}` and was put over `{}`", name(stated), name(given)),
            format!("所列上级规则集为 `{}`，实际使用 `{}`", name(stated), name(given)),
        ),
        ("load the parent that the profile names", "载入其所列的上级规则集"),
    )
}

/// Values that fit one by one and not together.
fn contradictions(id: &ProfileId, rules: &Rules) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut add = |code: &str, what: Text, remedy: (&str, &str)| found.push(Finding::new(code, id, (what.en, what.zh), remedy));
    if rules.deemed_consent.value == DeemedConsent::On && rules.approval_start.value != StartEvent::Delivery {
        add(
            "profile.deemed-without-delivery",
            Text::new(
                "a lapse counts as consent although the clock starts before delivery is proven (C4)",
                "逾期视为同意，但审核期限并非自有证明的送达起算（C4）",
            ),
            ("let the approval's clock start with `delivery`", "将审核起算改为送达"),
        );
    }
    if rules.deemed_consent.value == DeemedConsent::On && rules.approval_extensions.value.0 == 0 {
        add(
            "profile.deemed-without-extension",
            Text::new(
                "a lapse counts as consent although a reviewer cannot get more time (ZW 21)",
                "逾期视为同意，但审核方不能延期（ZW 21）",
            ),
            ("allow one extension at least", "至少允许延期一次"),
        );
    }
    let cites_zw = matches!(&rules.deemed_consent.basis, Basis::Rule { articles, .. } if articles.iter().any(|a| a.to_string() == DEEMED));
    if rules.deemed_consent.value == DeemedConsent::On && !cites_zw {
        add(
            "profile.deemed-without-basis",
            Text::new(
                format!("a lapse counts as consent without a citation of `{DEEMED}`, the only text that says so"),
                format!("逾期视为同意，但未引用唯一有此规定的 `{DEEMED}`"),
            ),
            ("cite the article, or let silence be no consent", "引用该条，或不采用逾期视为同意"),
        );
    }
    let place = |stage: Stage| rules.stages.value.0.iter().position(|s| *s == stage);
    let before = |first: Stage, then: Stage| match (place(first), place(then)) {
        (Some(a), Some(b)) => a < b,
        (None, Some(_)) => false,
        (_, None) => true,
    };
    if place(Stage::Agreement).is_none() || !before(Stage::Decision, Stage::Agreement) || !before(Stage::Agreement, Stage::Stamp) {
        add(
            "profile.stages",
            Text::new(
                "the stages lack a decision, then an agreement, then its seal, in this order",
                "授权程序应依次包含审定、签订协议、用章",
            ),
            ("list the stages as the text orders them", "按规则文本的顺序列出各阶段"),
        );
    }
    if (rules.stamp.value == super::choice::Gate::Required) != place(Stage::Stamp).is_some() {
        add(
            "profile.stamp",
            Text::new("the contract seal and the stage `stamp` do not go together", "合同专用章要求与用章阶段不一致"),
            ("require the seal and list the stage, or neither", "同时要求用章并列出该阶段，或均不列"),
        );
    }
    if !rules.modes.value.0.contains(&Mode::PerScenario) {
        add(
            "profile.no-leaf",
            Text::new(
                "no authorisation for one scenario is possible, and only such a one lets a job run (A1)",
                "不能按场景授权，而只有按场景的授权才能运行任务（A1）",
            ),
            ("add `per-scenario` to the modes", "在授权模式中加入依场景授权"),
        );
    }
    found
}
