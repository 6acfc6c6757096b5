//! What changed between two versions of a record, in sentences of both languages (K2).

use std::fmt;

use super::record::{CatalogueRecord, Hook, Registration, Sample};
use super::{Column, Kind, Origin};
use crate::quality::metrics::Metrics;
use crate::text::Text;

/// One sentence for each difference, in the order of the fields; empty means that a reader would see none.
///
/// The version number, the predecessor's hash and the time of writing differ always and are no difference of content.
#[must_use]
pub fn diff(old: &CatalogueRecord, new: &CatalogueRecord) -> Vec<Text> {
    let mut out = Vec::new();
    let (a, b) = (&old.entry, &new.entry);
    changed(&mut out, ("name", "目录名称"), &a.name, &b.name);
    changed(&mut out, ("provider", "提供方"), &a.provider, &b.provider);
    rewritten(&mut out, ("abstract", "摘要"), a.summary != b.summary);
    rewritten(&mut out, ("translation", "译文"), old.translation != new.translation || old.language != new.language);
    columns(&mut out, &a.items, &b.items);
    changed(&mut out, ("update frequency", "更新频率"), &a.update_frequency, &b.update_frequency);
    rewritten(&mut out, ("content of the file", "文件内容"), a.version != b.version);
    changed(&mut out, ("number of rows", "行数"), a.rows, b.rows);
    changed(&mut out, ("subject of the rows", "数据主体"), a.subjects.as_str(), b.subjects.as_str());
    changed(&mut out, ("subject column", "主体列"), named(a.subject_column.as_deref()), named(b.subject_column.as_deref()));
    changed(&mut out, ("origin", "来源"), origin(&a.origin), origin(&b.origin));
    changed(&mut out, ("prohibition of opening", "禁止开放"), a.prohibited, b.prohibited);
    changed(&mut out, ("level of origin", "来源层级"), old.level, new.level);
    changed(&mut out, ("registration", "登记编号"), number(old.registration.as_ref()), number(new.registration.as_ref()));
    changed(&mut out, ("link to the data", "数据挂接"), hook(&old.hook), hook(&new.hook));
    quality(&mut out, old.quality.as_ref(), new.quality.as_ref());
    samples(&mut out, ("sample", "样例数据"), old.sample.as_ref(), new.sample.as_ref());
    samples(&mut out, ("simulated data", "模拟数据"), old.simulated.as_ref(), new.simulated.as_ref());
    out
}

fn changed<T: PartialEq + fmt::Display>(out: &mut Vec<Text>, (en, zh): (&str, &str), old: T, new: T) {
    if old != new {
        out.push(Text::new(format!("the {en} changed from `{old}` to `{new}`"), format!("{zh}由“{old}”变更为“{new}”")));
    }
}

fn rewritten(out: &mut Vec<Text>, (en, zh): (&str, &str), differs: bool) {
    if differs {
        out.push(Text::new(format!("the {en} changed"), format!("{zh}已变更")));
    }
}

fn columns(out: &mut Vec<Text>, old: &[Column], new: &[Column]) {
    for c in old.iter().filter(|c| !new.iter().any(|n| n.name == c.name)) {
        out.push(Text::new(format!("column `{}` was removed", c.name), format!("删除列“{}”", c.name)));
    }
    for n in new {
        let Some(o) = old.iter().find(|c| c.name == n.name) else {
            out.push(Text::new(
                format!("column `{}` was added: {}, class {}, grade {}", n.name, kind(&n.kind), n.class.as_str(), n.grade),
                format!("新增列“{}”：{}，分类 {}，分级 {}", n.name, kind(&n.kind), n.class.as_str(), n.grade),
            ));
            continue;
        };
        let of = |en: &str, zh: &str| (format!("{en} of column `{}`", n.name), format!("列“{}”的{zh}", n.name));
        let (en, zh) = of("type", "类型");
        changed(out, (&en, &zh), kind(&o.kind), kind(&n.kind));
        let (en, zh) = of("classification", "分类");
        changed(out, (&en, &zh), o.class.as_str(), n.class.as_str());
        let (en, zh) = of("grade", "分级");
        changed(out, (&en, &zh), o.grade, n.grade);
        let (en, zh) = of("unit", "单位");
        changed(out, (&en, &zh), named(o.unit.as_deref()), named(n.unit.as_deref()));
    }
    let kept = |list: &[Column], other: &[Column]| -> Vec<String> {
        list.iter().filter(|c| other.iter().any(|o| o.name == c.name)).map(|c| c.name.clone()).collect()
    };
    rewritten(out, ("order of the columns", "列的顺序"), kept(old, new) != kept(new, old));
}

fn kind(kind: &Kind) -> String {
    match kind {
        Kind::Key => "key".into(),
        Kind::Numeric => "numeric".into(),
        Kind::Categorical { categories } => format!("categorical ({})", categories.join(", ")),
        Kind::Text => "text".into(),
    }
}

fn named(text: Option<&str>) -> &str {
    text.unwrap_or("-")
}

fn origin(origin: &Origin) -> String {
    match origin {
        Origin::Public => "public".into(),
        Origin::Imported { source, licence } => format!("imported ({source}; {licence})"),
    }
}

fn number(registration: Option<&Registration>) -> String {
    registration.map_or_else(|| "-".into(), |r| format!("{} ({})", r.number, r.registry))
}

fn hook(hook: &Hook) -> String {
    match hook {
        Hook::NotHooked => "not-hooked".into(),
        Hook::Hooked { updated_at, .. } => format!("hooked ({updated_at})"),
    }
}

fn quality(out: &mut Vec<Text>, old: Option<&Metrics>, new: Option<&Metrics>) {
    match (old, new) {
        (Some(old), Some(new)) => {
            for ((en, zh, before), (_, _, after)) in old.named().into_iter().zip(new.named()) {
                changed(out, (en, zh), before, after);
            }
        }
        (old, new) => rewritten(out, ("quality report", "质量指标"), old.is_some() != new.is_some()),
    }
}

fn samples(out: &mut Vec<Text>, (en, zh): (&str, &str), old: Option<&Sample>, new: Option<&Sample>) {
    let name = |s: Option<&Sample>| s.map_or_else(|| "-".into(), |s| s.dataset.to_string());
    if name(old) == name(new) {
        rewritten(out, (en, zh), old != new);
    } else {
        changed(out, (en, zh), name(old), name(new));
    }
}
