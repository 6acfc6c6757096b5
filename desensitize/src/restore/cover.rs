//! What a released cell says about the value behind it: the value itself, an interval, a mask, a set, a prefix, anything.
//!
//! | released | covers |
//! |---|---|
//! | empty, `*`, `***` | anything |
//! | `[20, 30)`, `[20, 29]`, `20-29`, `20~29`, `<20`, `>=80`, `80+` | numbers of the interval |
//! | `138****8000` | texts of that length; a star at the end stands for any ending |
//! | `{a, b}` | its members |
//! | `3302` | texts that begin so, if it is no value of the original itself |
//! | a label of the column's hierarchy | the values below it |

use crate::anonymise::Hierarchy;
use crate::column::parse_number;

/// The meaning of a released cell.
pub(super) enum Cover {
    Any,
    Interval { low: f64, high: f64, has_low: bool, has_high: bool },
    Mask(Vec<char>),
    Set(Vec<String>),
    Text(String),
}

impl Cover {
    pub(super) fn read(cell: &str) -> Self {
        let cell = cell.trim();
        if cell.chars().all(|c| c == '*') {
            return Self::Any;
        }
        if let Some(members) = cell.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            return Self::Set(members.split(',').map(|member| member.trim().to_owned()).collect());
        }
        if let Some(interval) = interval(cell) {
            return interval;
        }
        if cell.contains('*') { Self::Mask(cell.chars().collect()) } else { Self::Text(cell.to_owned()) }
    }

    /// Whether `value` may stand behind the cell; `is_value` says that the cell's text is itself a value of the original.
    pub(super) fn has(&self, value: &str, is_value: bool, hierarchy: Option<&Hierarchy>) -> bool {
        match self {
            Self::Any => true,
            Self::Interval { low, high, has_low, has_high } => parse_number(value).is_ok_and(|value| {
                let above = if *has_low { value >= *low } else { value > *low };
                above && if *has_high { value <= *high } else { value < *high }
            }),
            Self::Mask(mask) => has_mask(mask, value),
            Self::Set(members) => members.iter().any(|member| member == value),
            Self::Text(text) if text == value => true,
            Self::Text(text) => {
                let below = hierarchy.is_some_and(|h| (0..h.height()).any(|level| h.generalise(value, level) == Some(text)));
                below || (hierarchy.is_none() && !is_value && value.starts_with(text.as_str()))
            }
        }
    }
}

fn interval(cell: &str) -> Option<Cover> {
    let number = |text: &str| parse_number(text).ok();
    let open = |low, high, has_low, has_high| Some(Cover::Interval { low, high, has_low, has_high });
    for (sign, is_low, has_end) in
        [(">=", true, true), ("≥", true, true), ("<=", false, true), ("≤", false, true), (">", true, false), ("<", false, false)]
    {
        if let Some(end) = cell.strip_prefix(sign) {
            let end = number(end)?;
            return if is_low { open(end, f64::INFINITY, has_end, true) } else { open(f64::NEG_INFINITY, end, true, has_end) };
        }
    }
    if let Some(end) = cell.strip_suffix('+').and_then(number) {
        return open(end, f64::INFINITY, true, true);
    }
    let (has_low, rest) = match cell.chars().next()? {
        '[' => (true, cell.get(1..)?),
        '(' | ']' => (false, cell.get(1..)?),
        _ => {
            // a sign at the start is no separator
            let separator = cell.char_indices().skip(1).find(|(_, c)| matches!(c, '-' | '~' | '–' | '～'))?;
            let (low, high) = (number(cell.get(..separator.0)?)?, number(cell.get(separator.0 + separator.1.len_utf8()..)?)?);
            return if low <= high { open(low, high, true, true) } else { None };
        }
    };
    let last = rest.chars().next_back()?;
    let has_high = match last {
        ']' => true,
        ')' | '[' => false,
        _ => return None,
    };
    let (low, high) = rest.get(..rest.len() - 1)?.split_once([',', ';'])?;
    let end = |text: &str, default: f64| if text.trim().is_empty() || text.contains('∞') { Some(default) } else { number(text) };
    open(end(low, f64::NEG_INFINITY)?, end(high, f64::INFINITY)?, has_low, has_high)
}

fn has_mask(mask: &[char], value: &str) -> bool {
    let mut rest = value.chars();
    let fits = mask.iter().all(|c| rest.next().is_some_and(|other| *c == '*' || *c == other));
    if fits && rest.next().is_none() {
        return true;
    }
    // stars at the end stand for any ending
    let head = mask.iter().rposition(|c| *c != '*').map_or(0, |last| last + 1);
    head < mask.len() && {
        let mut rest = value.chars();
        mask.iter().take(head).all(|c| rest.next().is_some_and(|other| *c == '*' || *c == other))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_cover_what_they_say() {
        for (cell, inside, outside) in [
            ("*", &["", "x"][..], &[][..]),
            ("[20, 30)", &["20", "29.9"], &["30", "19", "x"]),
            ("]20,30]", &["30"], &["20"]),
            ("20-29", &["20", "29"], &["30", "20-29x"]),
            ("-5-10", &["-5", "0"], &["11"]),
            ("-5--1", &["-2"], &["0"]),
            ("20~29", &["25"], &["30"]),
            (">=80", &["80", "99"], &["79"]),
            ("<20", &["19"], &["20"]),
            ("80+", &["80"], &["79"]),
            ("[80, ∞)", &["80"], &["79"]),
            ("138****8000", &["13812348000"], &["13912348000", "1381234800"]),
            ("330***", &["330203"], &["340203"]),
            ("3302*", &["330203"], &["330303"]),
            ("{a, b}", &["a", "b"], &["c"]),
            ("2020-01", &["2020-01-31"], &["2020-02-01"]),
            ("宁波*", &["宁波市"], &["杭州市"]),
        ] {
            let cover = Cover::read(cell);
            inside.iter().for_each(|value| assert!(cover.has(value, false, None), "{cell} {value}"));
            outside.iter().for_each(|value| assert!(!cover.has(value, false, None), "{cell} {value}"));
        }
        assert!(!Cover::read("1").has("12", true, None));
        let hierarchy = Hierarchy::from_rows("h", &[vec!["France", "Europe", "*"], vec!["China", "Asia", "*"]]).unwrap();
        let europe = Cover::read("Europe");
        assert!(europe.has("France", false, Some(&hierarchy)) && !europe.has("China", false, Some(&hierarchy)));
    }
}
