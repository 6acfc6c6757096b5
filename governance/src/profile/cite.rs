//! Where a value comes from: an article of a rule text, or ourselves with a reason.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::text::Text;

/// One of the five rule texts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleText {
    /// Zhejiang, provincial measures (浙江省公共数据授权运营管理办法（试行）).
    Zj,
    /// Ningbo, implementing rules (宁波市公共数据授权运营管理实施细则（试行）).
    Nb,
    /// Taizhou, implementing rules (台州市公共数据授权运营管理实施细则（试行）).
    Tz,
    /// Zhenjiang, interim measures, draft (镇江市公共数据授权运营管理暂行办法（征求意见稿）).
    Zz,
    /// Zhongwei, measures, draft (中卫市公共数据资源授权运营管理办法（试行）（征求意见稿）).
    Zw,
}

impl RuleText {
    /// All five.
    pub const ALL: [Self; 5] = [Self::Zj, Self::Nb, Self::Tz, Self::Zz, Self::Zw];

    /// The short code of citations.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Zj => "ZJ",
            Self::Nb => "NB",
            Self::Tz => "TZ",
            Self::Zz => "ZZ",
            Self::Zw => "ZW",
        }
    }
}

/// A place in a rule text, written as people cite it: `NB 16`, `NB 13(五)`, `ZZ 15(三)`, `ZJ 四(四)`, `ZJ 五(四)2`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Article {
    text: RuleText,
    main: String,
    item: Option<String>,
    point: Option<u8>,
}

impl Article {
    /// The rule text.
    #[must_use]
    pub const fn text(&self) -> RuleText {
        self.text
    }

    /// The article's number in Arabic digits (NB, ZZ, ZW), or the chapter's in Chinese ones (ZJ, TZ).
    #[must_use]
    pub fn main(&self) -> &str {
        &self.main
    }

    /// The item in brackets, in Chinese digits.
    #[must_use]
    pub fn item(&self) -> Option<&str> {
        self.item.as_deref()
    }

    /// The numbered point within the item.
    #[must_use]
    pub const fn point(&self) -> Option<u8> {
        self.point
    }
}

impl fmt::Display for Article {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.text.code(), self.main)?;
        if let Some(item) = &self.item {
            write!(f, "({item})")?;
        }
        self.point.map_or(Ok(()), |point| write!(f, "{point}"))
    }
}

impl FromStr for Article {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        read(text).filter(|article| article.to_string() == text).ok_or_else(|| {
            let shown: String = text.chars().take(40).collect();
            Error::Malformed {
                object: "article".into(),
                reason: format!("`{}` is no citation such as `NB 16`, `NB 13(五)`, `ZJ 四(四)` or `ZJ 五(四)2`", shown.escape_debug()),
            }
        })
    }
}

impl TryFrom<String> for Article {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Article> for String {
    fn from(article: Article) -> Self {
        article.to_string()
    }
}

/// Why a value is what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Basis {
    /// A rule text says so.
    Rule {
        /// Where, at least one place.
        articles: Vec<Article>,
        /// Where the value reads more into the text than it says: how we read it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reading: Option<Text>,
    },
    /// No text says so: a default of ours, which the authority's signature makes its own.
    Ours {
        /// Why this value.
        reason: Text,
    },
}

impl Basis {
    /// The citation in words.
    #[must_use]
    pub fn words(&self) -> Text {
        match self {
            Self::Rule { articles, reading } => {
                let names: Vec<String> = articles.iter().map(ToString::to_string).collect();
                let (mut en, mut zh) = (names.join(", "), names.join("、"));
                if let Some(reading) = reading {
                    en = format!("{en}; our reading: {}", reading.en);
                    zh = format!("{zh}；我们的理解：{}", reading.zh);
                }
                Text::new(en, zh)
            }
            Self::Ours { reason } => Text::new(format!("ours: {}", reason.en), format!("自定：{}", reason.zh)),
        }
    }

    /// Whether it names nothing: no article, or a blank reason.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        match self {
            Self::Rule { articles, reading } => articles.is_empty() || reading.as_ref().is_some_and(Text::is_blank),
            Self::Ours { reason } => reason.is_blank(),
        }
    }
}

/// A value with its basis.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cited<T> {
    /// What holds.
    pub value: T,
    /// Why.
    pub basis: Basis,
}

fn read(text: &str) -> Option<Article> {
    let (code, rest) = text.split_once(' ')?;
    let text = RuleText::ALL.into_iter().find(|t| t.code() == code)?;
    let (main, item, point) = match rest.split_once('(') {
        None => (rest, None, None),
        Some((main, tail)) => {
            let (item, point) = tail.split_once(')')?;
            (main, Some(item), if point.is_empty() { None } else { Some(point.parse().ok()?) })
        }
    };
    let by_article = matches!(text, RuleText::Nb | RuleText::Zz | RuleText::Zw);
    let main_fits = if by_article { main.parse::<u8>().is_ok_and(|n| n > 0 && n.to_string() == main) } else { is_chinese_number(main) };
    let item_fits = item.is_none_or(is_chinese_number);
    (main_fits && item_fits).then(|| Article { text, main: main.into(), item: item.map(Into::into), point })
}

fn is_chinese_number(text: &str) -> bool {
    !text.is_empty() && text.chars().count() <= 3 && text.chars().all(|c| "一二三四五六七八九十".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn citations_have_one_spelling() {
        for good in ["NB 16", "NB 13(五)", "ZJ 四(四)", "ZJ 五(四)2", "TZ 三(十一)", "ZW 21", "ZZ 15(三)", "ZJ 七"] {
            assert_eq!(good.parse::<Article>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            "NB",
            "NB  16",
            "NB 016",
            "NB 0",
            "NB 十六",
            "ZJ 4",
            "XX 1",
            "ZJ 四（四）",
            "ZJ 四(4)",
            "ZJ 五(四)02",
            "NB 16 ",
            "ZJ 四(四",
        ] {
            assert!(bad.parse::<Article>().is_err(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn arbitrary_text_never_panics(s in "\\PC{0,20}", code in "(NB|ZJ) ") {
            let _ = s.parse::<Article>();
            let _ = format!("{code}{s}").parse::<Article>();
        }
    }
}
