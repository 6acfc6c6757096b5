//! What an operator does, as a sentence for whoever reads the policy.

use super::date::DateLevel;
use super::digest::Hash;
use super::identity::{BirthPart, RegionPart, SexPart};
use super::operator::Operator;
use super::rows::When;
use super::token::TokenCipher;
use crate::error::Text;

impl Operator {
    /// What the operator does, and what stays visible, in both languages.
    #[must_use]
    pub fn explain(&self) -> Text {
        match self {
            Self::Keep { first, last, mask, length } => keep(*first, *last, *mask, *length),
            Self::Replace { with } => Text::new(format!("replaced by the constant `{with}`"), format!("替换为常量“{with}”")),
            Self::Null {} => Text::new("cells suppressed (nulled out)", "单元格抑制（置空）"),
            Self::DropRows { when } => drop_rows(when),
            Self::Hmac { hash, purpose, bits, .. } => {
                let hash = if *hash == Hash::Sm3 { "SM3" } else { "SHA-256" };
                Text::new(
                    format!("pseudonym by HMAC-{hash} ({bits} bits) for the purpose `{purpose}`; not reversible, equal values stay equal"),
                    format!("假名化：HMAC-{hash}（{bits}位），目的“{purpose}”；不可还原，相同值仍相同"),
                )
            }
            Self::Token { cipher, purpose, .. } => {
                let cipher = if *cipher == TokenCipher::Sm4 { "SM4 + HMAC-SM3" } else { "AES-256 + HMAC-SHA-256" };
                Text::new(
                    format!(
                        "token by {cipher} for the purpose `{purpose}`; reversible with the key only, equal values stay equal, lengths stay visible"
                    ),
                    format!("令牌化：{cipher}，目的“{purpose}”；仅凭密钥可还原，相同值仍相同，长度可见"),
                )
            }
            Self::Ff1 { purpose, .. } => Text::new(
                format!(
                    "format-preserving encryption FF1 (AES-256) for the purpose `{purpose}`; reversible with the key only, a wrong key is not noticed, equal values stay equal"
                ),
                format!("保留格式加密FF1（AES-256），目的“{purpose}”；仅凭密钥可还原，密钥错误不会报错，相同值仍相同"),
            ),
            Self::ResidentId { region, birth, sex, purpose, .. } => resident_id(*region, *birth, *sex, purpose),
            Self::Mobile { purpose, .. } => Text::new(
                format!(
                    "mobile number encrypted to another one of the same segment for the purpose `{purpose}`; reversible with the key only"
                ),
                format!("手机号加密为同号段的另一号码，目的“{purpose}”；仅凭密钥可还原"),
            ),
            Self::DateShift { subject, days, purpose, .. } => Text::new(
                format!(
                    "dates shifted by a secret number of days within ±{days}, the same for all rows of a `{subject}`, for the purpose `{purpose}`; intervals stay visible, reversible with the key only"
                ),
                format!("日期在±{days}天内偏移，同一“{subject}”的各行偏移相同，目的“{purpose}”；时间间隔可见，仅凭密钥可还原"),
            ),
            Self::GeneraliseDate { to } => generalise_date(*to),
            Self::Generalise { level, .. } => {
                Text::new(format!("generalised to level {level} of the hierarchy"), format!("按层级泛化到第{level}级"))
            }
            Self::Bin { edges } => {
                Text::new(format!("replaced by one of {} intervals", edges.len() + 1), format!("归入{}个区间", edges.len() + 1))
            }
            _ => self.explain_numbers(),
        }
    }

    fn explain_numbers(&self) -> Text {
        match self {
            Self::Round { to } => Text::new(format!("rounded to multiples of {to}"), format!("取整到{to}的倍数")),
            Self::Limit { bottom, top } => limit(*bottom, *top),
            Self::Noise { grid, steps } => Text::new(
                format!("put on a grid of {grid} and moved by up to {steps} grid steps at random; this is not differential privacy"),
                format!("对齐到间距{grid}的网格并随机移动至多{steps}格；这不是差分隐私"),
            ),
            Self::RankSwap { percent } => Text::new(
                format!("swapped with values whose rank differs by at most {percent} % of the rows"),
                format!("与秩相差不超过{percent}%的值交换"),
            ),
            Self::Shuffle {} => Text::new("shuffled among all rows", "在全部行之间随机打乱"),
            Self::Microaggregate { k, with } => {
                let names = if with.is_empty() { String::new() } else { format!(" ({})", with.join(", ")) };
                Text::new(
                    format!("replaced by means of groups of at least {k} similar rows{}", names.replace('(', "(together with ")),
                    format!("以不少于{k}个相似行的均值代替{}", names.replace(" (", "（与").replace(')', "共同聚集）")),
                )
            }
            Self::Pram { keep, invariant, .. } => {
                let kept = keep.map_or_else(Text::nothing, |keep| {
                    Text::new(format!(", staying with probability {keep}"), format!("，保持不变的概率为{keep}"))
                });
                let same = if *invariant { Text::new(", expected frequencies kept", "，保持期望频数") } else { Text::nothing() };
                Text::new(
                    format!("categories changed at random (PRAM){}{}", kept.en, same.en),
                    format!("类别随机改变（PRAM）{}{}", kept.zh, same.zh),
                )
            }
            Self::Sample { rate, purpose: Some(purpose), .. } => Text::new(
                format!("a sample of {rate} of the subjects, drawn under a key for the purpose `{purpose}`"),
                format!("按密钥抽取{rate}比例的主体，目的“{purpose}”"),
            ),
            Self::Sample { rate, .. } => Text::new(
                format!("a random sample of {rate} of the rows, the seed committed to"),
                format!("随机抽取{rate}比例的行，并记录种子承诺"),
            ),
            _ => Text::nothing(),
        }
    }
}

impl Text {
    fn nothing() -> Self {
        Self::new("", "")
    }
}

fn keep(first: u32, last: u32, mask: char, length: Option<u32>) -> Text {
    let en = match (first, last) {
        (0, 0) => "mask: all characters hidden".to_owned(),
        (first, 0) => format!("mask: the first {first} characters stay"),
        (0, last) => format!("mask: the last {last} characters stay"),
        (first, last) => format!("mask: the first {first} and last {last} characters stay"),
    };
    let zh = match (first, last) {
        (0, 0) => "掩码：隐藏全部字符，".to_owned(),
        (first, 0) => format!("掩码：保留前{first}位字符，其余"),
        (0, last) => format!("掩码：保留后{last}位字符，其余"),
        (first, last) => format!("掩码：保留前{first}位和后{last}位字符，其余"),
    };
    let fixed = length.map_or_else(Text::nothing, |length| Text::new(format!(", always {length} of it"), format!("，固定{length}个")));
    Text::new(format!("{en}, hidden ones show as `{mask}`{}", fixed.en), format!("{zh}以“{mask}”代替{}", fixed.zh))
}

fn drop_rows(when: &When) -> Text {
    let (en, zh) = match when {
        When::Missing => ("the cell is empty".to_owned(), "单元格为空".to_owned()),
        When::OneOf(values) => (format!("the cell is one of {} values", values.len()), format!("取值为指定的{}个值之一", values.len())),
        When::Below(bound) => (format!("the number is below {bound}"), format!("数值小于{bound}")),
        When::Above(bound) => (format!("the number is above {bound}"), format!("数值大于{bound}")),
        When::RarerThan(count) => (format!("fewer than {count} rows have the value"), format!("该值出现不足{count}次")),
    };
    Text::new(format!("rows suppressed where {en}"), format!("行抑制：{zh}时删除该行"))
}

fn resident_id(region: RegionPart, birth: BirthPart, sex: SexPart, purpose: &str) -> Text {
    let mut kept = Vec::new();
    match region {
        RegionPart::Keep => kept.push(("region", "区划")),
        RegionPart::City => kept.push(("city", "地市")),
        RegionPart::Province => kept.push(("province", "省份")),
        RegionPart::Encrypt => {}
    }
    match birth {
        BirthPart::Keep => kept.push(("birth date", "出生日期")),
        BirthPart::Year => kept.push(("birth year", "出生年份")),
        BirthPart::Encrypt => {}
    }
    if sex == SexPart::Keep {
        kept.push(("sex", "性别"));
    }
    let join = |words: Vec<&str>, comma: &str| if words.is_empty() { None } else { Some(words.join(comma)) };
    let en = join(kept.iter().map(|word| word.0).collect(), ", ").unwrap_or_else(|| "nothing".to_owned());
    let zh =
        join(kept.iter().map(|word| word.1).collect(), "、").map_or_else(|| "不保留任何部分".to_owned(), |words| format!("保留{words}"));
    Text::new(
        format!(
            "resident ID encrypted to another valid one for the purpose `{purpose}`, keeping {en}, check digit recomputed; reversible with the key only"
        ),
        format!("公民身份号码加密为另一有效号码，目的“{purpose}”，{zh}，重算校验码；仅凭密钥可还原"),
    )
}

fn generalise_date(to: DateLevel) -> Text {
    let (en, zh) = match to {
        DateLevel::Month => ("month", "月"),
        DateLevel::Quarter => ("quarter", "季度"),
        DateLevel::Year => ("year", "年"),
        DateLevel::Decade => ("decade", "十年"),
    };
    Text::new(format!("dates generalised to the first day of the {en}"), format!("日期泛化到{zh}（取首日）"))
}

fn limit(bottom: Option<f64>, top: Option<f64>) -> Text {
    let bottom = bottom.map(|bound| Text::new(format!("below {bound} becomes {bound}"), format!("低于{bound}者记为{bound}")));
    let top = top.map(|bound| Text::new(format!("above {bound} becomes {bound}"), format!("高于{bound}者记为{bound}")));
    let parts: Vec<Text> = bottom.into_iter().chain(top).collect();
    let en: Vec<&str> = parts.iter().map(|part| part.en.as_str()).collect();
    let zh: Vec<&str> = parts.iter().map(|part| part.zh.as_str()).collect();
    Text::new(format!("top and bottom coding: {}", en.join(", ")), format!("上下限编码：{}", zh.join("，")))
}
