//! Sentences that several attacks use, in English and Chinese.

use crate::error::{Error, Text};

pub(super) fn none() -> Text {
    Text::new("", "")
}

pub(super) fn bad_threshold(name: &str) -> Error {
    Error::refused(
        "restore.thresholds",
        Text::new(format!("the limit `{name}` is no number or outside its range"), format!("阈值“{name}”不是数或超出范围")),
        none(),
        Text::new("correct it in the signed profile", "请在签名的配置中更正"),
    )
}

/// A mistake of the caller: two inputs that do not belong together.
pub(super) fn bad_input(what: Text) -> Error {
    Error::refused(
        "restore.input",
        what,
        none(),
        Text::new("hand in what belongs to this release, unchanged", "请提交与本次发布对应且未经改动的内容"),
    )
}

pub(super) fn use_a_key() -> Text {
    Text::new(
        "use a keyed function (HMAC-SM3 with a key that never leaves the owner), or drop the column",
        "改用带密钥的函数（HMAC-SM3，密钥不得离开数据提供方），或删除该列",
    )
}

pub(super) fn more_budget() -> Text {
    Text::new("raise the budget of the attack in the signed profile and run the gate again", "请在签名的配置中提高攻击预算后重新检验")
}

pub(super) fn coarser() -> Text {
    Text::new(
        "generalise the quasi-identifiers further or suppress these rows, until every class holds at least k people",
        "进一步泛化准标识符或删除这些记录，使每个等价类至少包含 k 人",
    )
}

pub(super) fn need_original() -> Text {
    Text::new("hand in the original rows, so that the attack can be run", "请提供原始记录以便实施该项攻击")
}

/// 12,345 of 67,890.
pub(super) fn of(part: u64, whole: u64) -> String {
    format!("{part}/{whole}")
}
