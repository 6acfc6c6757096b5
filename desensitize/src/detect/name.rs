//! Names of persons. Chinese: a surname of the list, one or two characters that given names use, and either a word that
//! announces a person, a title behind it, or no Chinese character on either side. English: capitalised words behind
//! a title or behind `Name:`.
//!
//! This is not recognition of entities by a trained model: a name in the middle of a sentence without any such sign is
//! not found, and a rare given name is not either. How many are missed is measured, not promised.

use super::chars::{COMPOUND, GIVEN, KIND, LOWER, STOP, SURNAME, TITLE, UPPER, han_before};
use super::class::{Class, Confidence, Reason};
use super::context::{announces_person, begins_with_title};
use super::scan::{Found, Run, Scan, Spanned};

const fn person(confidence: Confidence, reason: Reason) -> Found {
    Found::new(Class::PersonName, confidence, reason)
}

/// A name that begins at `at`, behind a word that announces it or, with `is_alone`, behind no Chinese character.
pub(super) fn forward(scan: &Scan<'_>, at: usize, flags: u16, is_alone: bool) -> Option<Spanned> {
    let surname = surname_length(scan, at, flags)?;
    let given = given_count(scan, at + surname);
    if given == 0 {
        return None;
    }
    let end = at + surname + 3 * given.min(2);
    let name = std::str::from_utf8(scan.text.get(at..end)?).ok()?;
    if announces_person(scan.han, scan.text, at) {
        return Some((at, end, person(Confidence::Likely, Reason::NameAndContext)));
    }
    if !is_alone || given > 2 || scan.han.is_word(name) {
        return None;
    }
    // 高度化: the word 高度 and more
    let begins_with_word = name.get(..6).is_some_and(|first| scan.han.is_word(first));
    let found = match scan.han.at(scan.text, end) {
        None if begins_with_word => person(Confidence::Possible, Reason::NameAlone),
        None => person(Confidence::Likely, Reason::NameAlone),
        Some(_) if title_at(scan, end) => person(Confidence::Likely, Reason::NameAndContext),
        Some((_, next)) if next & STOP != 0 && !begins_with_word => person(Confidence::Possible, Reason::NameAlone),
        Some(_) => return None,
    };
    Some((at, end, found))
}

/// Bytes of the surname at `at`.
fn surname_length(scan: &Scan<'_>, at: usize, flags: u16) -> Option<usize> {
    let tail = scan.text.get(at..)?;
    if flags & COMPOUND != 0
        && let Some(length) = scan.han.compound_surname(tail)
    {
        return Some(length);
    }
    (flags & SURNAME != 0).then_some(3)
}

/// Characters of given names from `at` on, at most three.
fn given_count(scan: &Scan<'_>, at: usize) -> usize {
    (0..3).take_while(|place| scan.han.at(scan.text, at + 3 * place).is_some_and(|(_, flags)| flags & GIVEN != 0)).count()
}

fn title_at(scan: &Scan<'_>, at: usize) -> bool {
    let can_begin = scan.han.at(scan.text, at).is_some_and(|(_, flags)| flags & TITLE != 0);
    can_begin && scan.text.get(at..).is_some_and(begins_with_title)
}

/// A name that ends where a title begins.
pub(super) fn before_title(scan: &Scan<'_>, at: usize) -> Option<Spanned> {
    if !title_at(scan, at) {
        return None;
    }
    // the longest first: four characters, three, two
    for characters in [4usize, 3, 2] {
        let Some(start) = at.checked_sub(3 * characters).filter(|start| *start >= scan.floor) else { continue };
        let Some((_, flags)) = scan.han.at(scan.text, start) else { continue };
        let Some(surname) = surname_length(scan, start, flags) else { continue };
        let given = characters - surname / 3;
        if !(1..=2).contains(&given) || given_count(scan, start + surname) < given {
            continue;
        }
        let name = std::str::from_utf8(scan.text.get(start..at)?).ok()?;
        if scan.han.is_word(name) || name.get(..6).is_some_and(|first| scan.han.is_word(first)) {
            continue;
        }
        let before = han_before(scan.text, start).map(|character| scan.han.flags(character));
        // two characters of a given name and a title are enough; one may be the end of a word
        let is_apart = given == 2 || before.is_none_or(|flags| flags & STOP != 0);
        let confidence = if is_apart { Confidence::Likely } else { Confidence::Possible };
        return Some((start, at, person(confidence, Reason::NameAndContext)));
    }
    None
}

/// Capitalised words behind the Latin word `run`, if that is a title or `name`.
pub(super) fn english(scan: &Scan<'_>, run: Run, word: &[u8]) -> Option<Spanned> {
    let is_title = matches!(word, b"Mr" | b"Mrs" | b"Ms" | b"Miss" | b"Dr" | b"Prof" | b"Professor" | b"Sir" | b"Madam");
    let is_label = matches!(word, b"Name" | b"name" | b"NAME") && scan.text.get(run.end) == Some(&b':');
    if !is_title && !is_label {
        return None;
    }
    let mut start = run.end;
    if matches!(scan.text.get(start), Some(b'.' | b':')) {
        start += 1;
    }
    if scan.text.get(start) == Some(&b' ') {
        start += 1;
    }
    let (mut end, mut words) = (start, 0);
    while words < 4 {
        let from = if words == 0 { end } else { end + 1 };
        if words > 0 && scan.text.get(end) != Some(&b' ') {
            break;
        }
        let length = capitalised(scan.text.get(from..).unwrap_or(&[]));
        if length == 0 {
            break;
        }
        end = from + length;
        words += 1;
    }
    let is_enough = words >= if is_label { 2 } else { 1 };
    (is_enough && start > run.end).then_some((start, end, person(Confidence::Likely, Reason::TitleAndName)))
}

/// Length of a capitalised word: a capital, then letters, hyphens and apostrophes; or an initial with its point.
fn capitalised(text: &[u8]) -> usize {
    let kind = |byte: &u8| KIND[usize::from(*byte)];
    match text {
        [first, b'.', b' ', ..] if kind(first) & UPPER != 0 => 2,
        [first, second, ..] if kind(first) & UPPER != 0 && (kind(second) & LOWER != 0 || *second == b'\'') => {
            let is_part = |byte: &&u8| kind(byte) & (LOWER | UPPER) != 0 || matches!(byte, b'-' | b'\'');
            let length = text.iter().take(30).take_while(is_part).count();
            let trailing = text.iter().take(length).rev().take_while(|byte| matches!(byte, b'-' | b'\'')).count();
            length - trailing
        }
        _ => 0,
    }
}
