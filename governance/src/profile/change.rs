//! A profile as sentences, and what a change changes.

use super::inherit::{Effective, compare};
use super::table::{Entry, Field, Pair};
use super::{Basis, Status};
use crate::text::Text;

/// What a change does to a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// The value is the same; its article or reason is not.
    Basis,
    /// Another appointment or order of steps: neither tighter nor looser.
    Rearranges,
    /// Tighter.
    Tightens,
    /// Looser in at least one respect: whoever signs must know.
    Loosens,
}

impl Effect {
    /// In words.
    #[must_use]
    pub fn words(self) -> Text {
        match self {
            Self::Basis => Text::new("new basis", "依据变更"),
            Self::Rearranges => Text::new("rearranges", "调整"),
            Self::Tightens => Text::new("tightens", "收紧"),
            Self::Loosens => Text::new("LOOSENS", "【放宽】"),
        }
    }
}

/// One changed field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The field's key; `header` for what stands outside the table.
    pub key: &'static str,
    /// What it does.
    pub effect: Effect,
    /// The change as a sentence.
    pub sentence: Text,
}

/// What changes from `old` to `new`, loosenings first. Inherited values count: a field that is left out may loosen as well.
#[must_use]
pub fn diff(old: &Effective, new: &Effective) -> Vec<Change> {
    let mut changes = header(old, new);
    changes.extend(compare(new.rules(), old.rules()).iter().filter_map(|pair| change(pair)));
    changes.sort_by_key(|change| std::cmp::Reverse(change.effect));
    changes
}

impl Effective {
    /// The profile as sentences with citations: its head, then every value in the order of the table.
    #[must_use]
    pub fn show(&self) -> Vec<Text> {
        let stated = self.profile().rules.entries();
        let mut lines = vec![head(self)];
        lines.extend(self.rules().entries().iter().map(|entry| {
            let inherited = !stated.iter().any(|own| own.field == entry.field);
            line(entry, inherited)
        }));
        lines
    }
}

fn head(effective: &Effective) -> Text {
    let profile = effective.profile();
    let (status, status_zh) = match profile.status {
        Status::InForce => ("in force", "施行"),
        Status::Draft => ("draft", "征求意见稿"),
    };
    let from = profile.effective_from.map_or_else(|| (String::new(), String::new()), |d| (format!(" from {d}"), format!("，自 {d} 起")));
    let until = profile.effective_until.map_or_else(|| (String::new(), String::new()), |d| (format!(" until {d}"), format!("，至 {d} 止")));
    let under =
        profile.parent.as_ref().map_or_else(|| (String::new(), String::new()), |p| (format!(", under `{p}`"), format!("，上级为 `{p}`")));
    Text::new(
        format!("{} (`{}`), version {}, {status}{}{}{}.", profile.title.en, profile.id, profile.version, from.0, until.0, under.0),
        format!("{}（`{}`），版本 {}，{status_zh}{}{}{}。", profile.title.zh, profile.id, profile.version, from.1, until.1, under.1),
    )
}

fn line(entry: &Entry<'_>, is_inherited: bool) -> Text {
    let Field { en, zh, .. } = entry.field;
    let basis = entry.basis.words();
    let (mark, mark_zh) = if is_inherited { (", inherited", "，沿用上级") } else { ("", "") };
    Text::new(
        format!("{}: {} ({}{mark}).", capital(en), entry.words.en, basis.en),
        format!("{zh}：{}（{}{mark_zh}）。", entry.words.zh, basis.zh),
    )
}

fn change(pair: &Pair<'_>) -> Option<Change> {
    let effect = match (pair.is_same, pair.is_within, pair.is_around) {
        (true, ..) if pair.own.basis == pair.other.basis => return None,
        (true, ..) => Effect::Basis,
        (_, true, true) => Effect::Rearranges,
        (_, true, false) => Effect::Tightens,
        (_, false, _) => Effect::Loosens,
    };
    let Field { key, en, zh } = pair.own.field;
    let said = |entry: &Entry<'_>| {
        let basis: Text = Basis::words(entry.basis);
        (format!("`{}` ({})", entry.words.en, basis.en), format!("“{}”（{}）", entry.words.zh, basis.zh))
    };
    let (old, new, word) = (said(&pair.other), said(&pair.own), effect.words());
    Some(Change {
        key,
        effect,
        sentence: Text::new(
            format!("{}: {en} was {}, becomes {}.", word.en, old.0, new.0),
            format!("{}：{zh}由{}改为{}。", word.zh, old.1, new.1),
        ),
    })
}

/// Title, parent, status and dates. Ending the draft's status or moving the dates opens or closes the whole profile.
fn header(old: &Effective, new: &Effective) -> Vec<Change> {
    let (old, new) = (old.profile(), new.profile());
    let mut changes = Vec::new();
    let mut add = |effect: Effect, en: String, zh: String| {
        let word = effect.words();
        changes
            .push(Change { key: "header", effect, sentence: Text::new(format!("{}: {en}.", word.en), format!("{}：{zh}。", word.zh)) });
    };
    let date = |d: Option<crate::calendar::Date>| d.map_or_else(|| "-".to_owned(), |d| d.to_string());
    let parent = |p: &super::Profile| p.parent.as_ref().map_or_else(|| "-".to_owned(), ToString::to_string);
    if old.title != new.title || old.sources != new.sources {
        add(Effect::Basis, "title or sources change".into(), "标题或来源有变更".into());
    }
    if old.parent != new.parent {
        let effect = if new.parent.is_none() { Effect::Loosens } else { Effect::Rearranges };
        add(
            effect,
            format!("parent was `{}`, becomes `{}`", parent(old), parent(new)),
            format!("上级规则集由 `{}` 改为 `{}`", parent(old), parent(new)),
        );
    }
    let term = |p: &super::Profile| format!("{} – {}", date(p.effective_from), date(p.effective_until));
    if (old.status, old.effective_from, old.effective_until) != (new.status, new.effective_from, new.effective_until) {
        add(
            Effect::Rearranges,
            format!("in force {} ({:?}), becomes {} ({:?})", term(old), old.status, term(new), new.status),
            format!("施行期间由 {} 改为 {}", term(old), term(new)),
        );
    }
    changes
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
