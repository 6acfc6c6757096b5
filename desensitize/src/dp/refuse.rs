//! Refusals of this subject.

use crate::error::{Error, Text};

pub(super) fn refuse(code: &'static str, what: Text, place: Text, remedy: Text) -> Error {
    Error::refused(code, what, place, remedy)
}

/// A number outside its bounds.
pub(super) fn number(en: &str, zh: &str, bounds: &str) -> Error {
    refuse(
        "dp.unit",
        Text::new(format!("{en} out of bounds"), format!("{zh}超出允许范围")),
        Text::new(format!("parameter `{en}`"), format!("参数 {en}")),
        Text::new(format!("give a value {bounds}"), format!("请给出允许范围内的值：{bounds}")),
    )
}

/// A parameter that a mechanism cannot work with.
pub(super) fn parameter(en: &str, zh: &str, remedy_en: &str, remedy_zh: &str) -> Error {
    refuse("dp.parameter", Text::new(en, zh), Text::new("", ""), Text::new(remedy_en, remedy_zh))
}
