//! The steps on one text.

use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroize;

use super::{Normalise, Reason, resident_id};

/// Runs `steps`, which are in order. The texts in between are wiped.
pub(super) fn apply(steps: &[Normalise], text: &str) -> Result<String, Reason> {
    let mut text = text.to_owned();
    for step in steps {
        let next = one(*step, &text);
        text.zeroize();
        text = next?;
    }
    if text.is_empty() { Err(Reason::Empty) } else { Ok(text) }
}

fn one(step: Normalise, text: &str) -> Result<String, Reason> {
    match step {
        Normalise::Nfkc => Ok(text.nfkc().collect()),
        Normalise::FullWidthDigits => Ok(text.chars().map(half_width).collect()),
        Normalise::Trim => Ok(text.trim_matches(is_trimmed).to_owned()),
        Normalise::StripCountryCode86 => strip_country_code(text),
        Normalise::UpperX => Ok(match text.strip_suffix('x') {
            Some(front) => format!("{front}X"),
            None => text.to_owned(),
        }),
        // an empty cell is named as such, not as a bad number
        Normalise::ResidentId if text.is_empty() => Err(Reason::Empty),
        Normalise::ResidentId => resident_id::normalise(text).map_err(Reason::from),
    }
}

fn half_width(c: char) -> char {
    match c {
        '０'..='９' => char::from_u32(u32::from(c) - u32::from('０') + u32::from('0')).unwrap_or(c),
        other => other,
    }
}

/// White space, and the marks that spreadsheets and web pages leave behind unseen.
fn is_trimmed(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}

fn strip_country_code(text: &str) -> Result<String, Reason> {
    let explicit = text.strip_prefix("+86").or_else(|| text.strip_prefix("0086"));
    let rest = |front: &str| front.strip_prefix([' ', '-']).unwrap_or(front).to_owned();
    if let Some(number) = explicit.map(rest) {
        return if is_mobile(&number) { Ok(number) } else { Err(Reason::CountryCode) };
    }
    // a bare 86 may be the start of anything: it goes only in front of a whole mobile number
    let bare = text.strip_prefix("86").map(rest).filter(|number| is_mobile(number));
    Ok(bare.unwrap_or_else(|| text.to_owned()))
}

/// Eleven digits from 13x to 19x.
fn is_mobile(text: &str) -> bool {
    text.len() == 11 && text.bytes().all(|byte| byte.is_ascii_digit()) && matches!(text.as_bytes(), [b'1', b'3'..=b'9', ..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn country_codes() {
        for text in ["+8613800001111", "+86 13800001111", "0086-13800001111", "8613800001111", "13800001111"] {
            assert_eq!(strip_country_code(text).unwrap(), "13800001111", "{text}");
        }
        assert_eq!(strip_country_code("+86123"), Err(Reason::CountryCode));
        for text in ["057487181234", "861234", "+1 5550100", ""] {
            assert_eq!(strip_country_code(text).unwrap(), text);
        }
    }

    #[test]
    fn marks_and_forms() {
        assert_eq!(apply(&[Normalise::Trim], "\u{feff}\u{3000} a b \u{200b}").unwrap(), "a b");
        assert_eq!(apply(&[Normalise::Nfkc], "３３０２Ｘ㈱").unwrap(), "3302X(株)");
        assert_eq!(apply(&[Normalise::FullWidthDigits], "３３０２Ｘ").unwrap(), "3302Ｘ");
        assert_eq!(apply(&[Normalise::UpperX], "12x").unwrap(), "12X");
        assert_eq!(apply(&[Normalise::UpperX], "x1").unwrap(), "x1");
        assert_eq!(apply(&[Normalise::Trim], " \t"), Err(Reason::Empty));
        assert_eq!(apply(&[Normalise::ResidentId], ""), Err(Reason::Empty));
    }
}
