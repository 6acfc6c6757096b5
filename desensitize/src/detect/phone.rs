//! Telephone numbers of the mainland: mobile ranges, area codes, groups, country code.

use super::class::{Class, Confidence, Reason};
use super::context::names_before;
use super::scan::{Found, Scan};

/// Eleven digits from 13 to 19.
pub(super) fn is_mobile(digits: &[u8]) -> bool {
    digits.len() == 11 && matches!(digits, [b'1', b'3'..=b'9', ..])
}

/// Ranges in use as generally known, IoT ranges included; not compared with the ministry's list. A number outside them is
/// only possible unless a word names it, so that a range assigned later is not lost.
fn is_assigned(digits: &[u8]) -> bool {
    match digits {
        [b'1', b'3' | b'8', ..] => true,
        [b'1', b'4', third, ..] => matches!(third, b'0' | b'1' | b'4'..=b'9'),
        [b'1', b'5', third, ..] => *third != b'4',
        [b'1', b'6', third, ..] => matches!(third, b'2' | b'5'..=b'7'),
        [b'1', b'7', third, ..] => *third != b'9',
        [b'1', b'9', third, ..] => *third != b'4',
        _ => false,
    }
}

pub(super) fn mobile(scan: &Scan<'_>, start: usize, digits: &[u8]) -> Found {
    if is_assigned(digits) {
        return Found::new(Class::Mobile, Confidence::Likely, Reason::Segment);
    }
    Found::by_context(Class::Mobile, names_before(scan.text, with_country(scan, start), Class::Mobile))
}

/// 0, area code and number without anything between.
pub(super) fn is_landline(digits: &[u8]) -> bool {
    area_length(digits)
        .is_some_and(|area| digits.get(area).is_some_and(|first| matches!(first, b'2'..=b'9')) && (7..=8).contains(&(digits.len() - area)))
}

/// Length of the area code with its zero: 010 and 02x have three digits, all others four.
fn area_length(digits: &[u8]) -> Option<usize> {
    match digits {
        [b'0', b'1', b'0', ..] => Some(3),
        [b'0', b'2', third, ..] if *third != b'6' => Some(3),
        [b'0', b'3'..=b'9', b'0'..=b'9', b'0'..=b'9', ..] => Some(4),
        _ => None,
    }
}

/// A telephone number in groups; `digits` are all of them.
pub(super) fn grouped(scan: &Scan<'_>, start: usize, digits: &[u8], sizes: &[usize]) -> Option<Found> {
    let found = |confidence, class| Some(Found::new(class, confidence, Reason::Grammar));
    let (area, rest) = sizes.split_first()?;
    match digits {
        [b'8', b'6', tail @ ..] if *area == 2 => {
            if is_mobile(tail) && matches!(rest, [11] | [3, 4, 4] | [3, 8] | [7, 4]) {
                return found(Confidence::Likely, Class::Mobile);
            }
            let is_area = matches!(rest, [2 | 3, 7 | 8] | [2 | 3, 3 | 4, 4]) && has_plus(scan, start);
            return is_area.then_some(Found::new(Class::Landline, Confidence::Likely, Reason::Grammar));
        }
        [b'0', b'0', b'8', b'6', tail @ ..] if *area == 4 && is_mobile(tail) => return found(Confidence::Likely, Class::Mobile),
        _ => {}
    }
    if is_mobile(digits) {
        return match sizes {
            [3, 4, 4] | [3, 8] | [7, 4] => Some(mobile(scan, start, digits)),
            [4, 3, 4] | [3, 3, 5] | [4, 7] | [3, 4, 2, 2] | [5, 6] => found(Confidence::Possible, Class::Mobile),
            _ => None,
        };
    }
    if area_length(digits) != Some(*area) || !digits.get(*area).is_some_and(|first| matches!(first, b'2'..=b'9')) {
        return None;
    }
    match rest {
        // with an extension
        [7 | 8] | [7 | 8, 1..=6] | [3 | 4, 4] | [3 | 4, 4, 1..=6] => found(Confidence::Likely, Class::Landline),
        _ => None,
    }
}

fn has_plus(scan: &Scan<'_>, start: usize) -> bool {
    matches!(scan.text.get(..start), Some([.., b'+']))
}

/// Where a number begins if a country code stands before it: `+86 `, `0086-`, `(+86)`.
pub(super) fn with_country(scan: &Scan<'_>, start: usize) -> usize {
    const CODES: [&str; 9] = ["(+86)", "(86)", "+86-", "+86 ", "+86", "0086-", "0086 ", "+", "86-"];
    let before = scan.text.get(..start).unwrap_or(&[]);
    if !matches!(before, [.., b')' | b'-' | b' ' | b'6' | b'+']) {
        return start;
    }
    let length = CODES.iter().find(|code| before.ends_with(code.as_bytes())).map_or(0, |code| code.len());
    let begin = start - length;
    if begin < scan.floor { start } else { begin }
}

/// Where a number in groups begins, if `+` or the bracket around its first group (up to `first_end`) belongs to it.
pub(super) fn opening(scan: &Scan<'_>, start: usize, first_end: usize) -> usize {
    let closes = matches!(scan.text.get(first_end..), Some([b')', ..] | [0xef, 0xbc, 0x89, ..]));
    let length = match (scan.text.get(..start), closes) {
        (Some([.., b'(', b'+']), true) => 2,
        (Some([.., 0xef, 0xbc, 0x88, b'+']), true) => 4,
        (Some([.., b'(']), true) | (Some([.., b'+']), false) => 1,
        (Some([.., 0xef, 0xbc, 0x88]), true) => 3,
        _ => 0,
    };
    let begin = start - length;
    if begin < scan.floor { start } else { begin }
}
