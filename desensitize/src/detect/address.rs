//! Postal addresses by their grammar: divisions of the gazetteer (省, 市, 区, 县), then towns and streets (镇, 乡, 街道),
//! then roads and lanes (路, 街, 大道, 巷, 弄, 村), then numbers of houses, buildings and rooms (号, 幢, 单元, 室).
//!
//! A division alone is no address. A road without a number is one only behind a word such as 住址, and possible otherwise.

use super::chars::{ALNUM, AREA, DIVISION_SECOND, KIND, NUMERAL, ROAD, STOP, UNIT, alnum_at, han, han_before};
use super::class::{Class, Confidence, Reason};
use super::context::{bytes, names_before};
use super::scan::{Found, Scan, Spanned};

/// What a component of an address is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Area,
    Road,
    /// Ends like a road and may be a word: 公路, 报道, 农村.
    WeakRoad,
    Number,
}

/// More components than an address has.
const PARTS_MAX: usize = 12;
/// Characters of one name.
const NAME_MAX: usize = 10;

/// An address that begins with a division at `at`.
pub(super) fn from_division(scan: &mut Scan<'_>, at: usize, first: u32) -> Option<Spanned> {
    let mut end = at + division(scan, at, first)?;
    while let Some(length) = han(scan.text, end).and_then(|character| division(scan, end, character)) {
        end += length;
    }
    // the divisions behind the first begin the same address
    scan.no_address_before = end;
    let (end, best) = components(scan, end)?;
    let is_likely = match best {
        Part::Number => true,
        Part::Road => names_before(scan.text, at, Class::Address),
        Part::WeakRoad | Part::Area => return None,
    };
    let confidence = if is_likely { Confidence::Likely } else { Confidence::Possible };
    Some((at, end, Found::new(Class::Address, confidence, Reason::DivisionAndRoad)))
}

fn division(scan: &Scan<'_>, at: usize, first: u32) -> Option<usize> {
    let (second, flags) = scan.han.at(scan.text, at + 3)?;
    if flags & DIVISION_SECOND == 0 {
        return None;
    }
    scan.divisions.name_at(scan.text.get(at..)?, first, second)
}

/// An address without a division, whose house number begins at `number`, behind the name of a road.
pub(super) fn from_road(scan: &Scan<'_>, number: usize) -> Option<Spanned> {
    let mut start = number;
    let mut is_bounded = true;
    for count in 0.. {
        let Some(character) = han_before(scan.text, start) else { break };
        let before = start - 3;
        let flags = scan.han.flags(character);
        let is_lead = "址住居处至".chars().any(|lead| lead as u32 == character);
        if flags & STOP != 0 || is_lead || before < scan.floor {
            break;
        }
        // no boundary near: the name of a road has three or four characters
        if count == NAME_MAX {
            start = number - 12;
            is_bounded = false;
            break;
        }
        start = before;
    }
    // a road has a name of at least one character before its kind
    if number - start < 6 {
        return None;
    }
    let (end, best) = components(scan, number)?;
    if best != Part::Number {
        return None;
    }
    let is_likely = is_bounded || names_before(scan.text, start, Class::Address);
    let confidence = if is_likely { Confidence::Likely } else { Confidence::Possible };
    Some((start, end, Found::new(Class::Address, confidence, Reason::RoadAndNumber)))
}

/// Reads components from `at` on: where the last one ends, and the one that says most.
fn components(scan: &Scan<'_>, mut at: usize) -> Option<(usize, Part)> {
    let mut best: Option<Part> = None;
    // end of the last component that belongs to the address for sure
    let mut end = at;
    for _ in 0..PARTS_MAX {
        let Some((next, part)) = numbered(scan, at).or_else(|| named(scan, at)) else { break };
        at = next;
        best = match (best, part) {
            (Some(Part::Number), Part::Number) | (_, Part::Number) => Some(Part::Number),
            (Some(Part::Number), _) => break,
            (Some(Part::Road), _) | (_, Part::Road) => Some(Part::Road),
            (_, Part::WeakRoad) => Some(Part::WeakRoad),
            (best, Part::Area) => best.or(Some(Part::Area)),
        };
        // an area or a weak road counts only if something follows
        if matches!(part, Part::Road | Part::Number) {
            end = at;
        }
    }
    let best = best?;
    if best == Part::Number {
        end += room(scan.text, end);
    }
    Some((end, best))
}

/// `101`, `3-502` at the end, without a unit.
fn room(text: &[u8], at: usize) -> usize {
    let is_part = |byte: &&u8| byte.is_ascii_digit() || **byte == b'-';
    let tail = text.get(at..).unwrap_or(&[]);
    let length = tail.iter().take(8).take_while(is_part).count();
    let goes_on = tail.get(length).is_some_and(|byte| KIND[usize::from(*byte)] & ALNUM != 0);
    let is_room = (1..=7).contains(&length) && !goes_on && tail.first() != Some(&b'-');
    if is_room && tail.get(length.saturating_sub(1)) != Some(&b'-') { length } else { 0 }
}

/// Units of two characters, as bytes: arrays are compared in registers, slices by a call.
const UNITS_OF_TWO: [[u8; 6]; 5] = [bytes("单元"), bytes("号楼"), bytes("号院"), bytes("号店"), bytes("楼层")];

/// A number and its unit: `123号`, `5幢`, `三单元`, `12-3号`, `A座`.
fn numbered(scan: &Scan<'_>, at: usize) -> Option<(usize, Part)> {
    let mut end = at;
    for _ in 0..8 {
        if let Some((_, length)) = alnum_at(scan.text, end) {
            end += length;
        } else if scan.text.get(end) == Some(&b'-') && end > at {
            end += 1;
        } else if scan.han.at(scan.text, end).is_some_and(|(_, flags)| flags & NUMERAL != 0) {
            end += 3;
        } else {
            break;
        }
    }
    if end == at {
        return None;
    }
    let (character, flags) = scan.han.at(scan.text, end)?;
    if flags & UNIT == 0 {
        return None;
    }
    // 单 alone is no unit; 号楼, 号院 and 楼层 are one
    if scan.text.get(end..)?.first_chunk().is_some_and(|two| UNITS_OF_TWO.contains(two)) {
        return Some((end + 6, Part::Number));
    }
    (character != '单' as u32).then_some((end + 3, Part::Number))
}

/// A name with its kind: `中山东路`, `白鹤街道`, `石碶村`.
fn named(scan: &Scan<'_>, at: usize) -> Option<(usize, Part)> {
    let mut end = at;
    let mut last = 0;
    for count in 0..=NAME_MAX {
        let Some((character, flags)) = scan.han.at(scan.text, end) else {
            // a number inside a name: 长江1路 has none of our units before it
            let (_, length) = alnum_at(scan.text, end).filter(|_| count > 0)?;
            end += length;
            continue;
        };
        if flags & STOP != 0 {
            return None;
        }
        end += 3;
        if count > 0 && flags & (ROAD | AREA) != 0 {
            return Some(kind_of_name(scan, end, character, flags, last));
        }
        last = character;
    }
    None
}

/// Whether two characters end a word that sounds like a road and is none.
fn is_weak(last: u32, character: u32) -> bool {
    match (char::from_u32(last), char::from_u32(character)) {
        (Some(last), Some('路')) => matches!(last, '公' | '铁' | '道' | '线' | '思' | '电' | '网'),
        (Some(last), Some('村')) => matches!(last, '农' | '乡'),
        _ => false,
    }
}

fn kind_of_name(scan: &Scan<'_>, end: usize, character: u32, flags: u16, last: u32) -> (usize, Part) {
    if flags & AREA != 0 {
        return (end, Part::Area);
    }
    let is = |wanted: char, found: u32| wanted as u32 == found;
    // 街 and 道 make a street office
    if is('街', character) && scan.han.at(scan.text, end).is_some_and(|(next, _)| is('道', next)) {
        return (end + 3, Part::Area);
    }
    let is_road = match char::from_u32(character) {
        Some('路' | '街' | '巷' | '弄' | '村') => !is_weak(last, character),
        Some('道') => is('大', last),
        _ => false,
    };
    (end, if is_road { Part::Road } else { Part::WeakRoad })
}
