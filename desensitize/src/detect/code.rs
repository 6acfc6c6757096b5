//! Runs with letters: credit codes, vehicle numbers, passports, permits, plates, and what follows a Latin word.

use super::chars::{ALNUM, DIGIT, KIND, LOWER, UPPER};
use super::check;
use super::class::{Class, Confidence, Reason};
use super::context::names_before;
use super::scan::{Found, Run, Scan, Spanned};
use super::{name, net, number};

/// A run in which there is at least one letter.
pub(super) fn letters(scan: &Scan<'_>, run: Run) -> Option<Spanned> {
    let length = run.end - run.start;
    let next = scan.text.get(run.end).copied().unwrap_or(b' ');
    if length <= 4
        && matches!(next, b':' | b'-' | b'.')
        && let Some(hit) = net::colons(scan, run)
    {
        return Some(hit);
    }
    let characters = scan.text.get(run.start..run.end)?;
    if run.kinds & DIGIT == 0 && length != 17 {
        return word(scan, run, characters);
    }
    if (8..=18).contains(&length) {
        let mut upper = [0u8; 18];
        for (place, byte) in upper.iter_mut().zip(characters) {
            *place = byte.to_ascii_uppercase();
        }
        let is_mixed = run.kinds & UPPER != 0 && run.kinds & LOWER != 0;
        let candidate = upper.get(..length)?;
        if let Some(found) = whole(scan, run.start, candidate).filter(|found| !is_mixed || found.class == Class::ResidentId) {
            return Some((run.start, run.end, found));
        }
    }
    inner_digits(scan, run, characters)
}

/// A word without digits.
fn word(scan: &Scan<'_>, run: Run, characters: &[u8]) -> Option<Spanned> {
    match characters {
        [b'w' | b'W', b'x' | b'X', b'i' | b'I', b'd' | b'D'] => net::wxid(scan, run),
        [b'w' | b'W', rest @ ..] if rest.eq_ignore_ascii_case(b"echat") || rest.eq_ignore_ascii_case(b"eixin") => {
            net::account(scan, run.end)
        }
        [b'M' | b'D' | b'P' | b'S' | b'n' | b'N', ..] => name::english(scan, run, characters),
        _ => None,
    }
}

/// The whole run as one code; capitals only.
pub(super) fn whole(scan: &Scan<'_>, start: usize, code: &[u8]) -> Option<Found> {
    match code.len() {
        18 => eighteen(code.try_into().ok()?),
        17 => vehicle(scan, start, code.try_into().ok()?),
        8..=11 => document(scan, start, code),
        _ => None,
    }
}

/// 18 characters: a resident number that ends with X, or a credit code.
pub(super) fn eighteen(code: &[u8; 18]) -> Option<Found> {
    let is_resident_shape = code[17] == b'X' && code[..17].iter().all(u8::is_ascii_digit);
    let resident = if is_resident_shape { number::resident(code) } else { None };
    if resident.is_some_and(|found| found.confidence > Confidence::Possible) {
        return resident;
    }
    let credit = check::credit_code(code).filter(|credit| credit.is_registered);
    match credit {
        Some(credit) if credit.check => Some(Found::new(Class::CreditCode, Confidence::Certain, Reason::CreditVerified)),
        None | Some(_) if resident.is_some() => resident,
        Some(_) => Some(Found::new(Class::CreditCode, Confidence::Possible, Reason::CheckDigitWrong)),
        None => None,
    }
}

fn vehicle(scan: &Scan<'_>, start: usize, number: &[u8; 17]) -> Option<Found> {
    if check::vin(number)? {
        return Some(Found::new(Class::Vin, Confidence::Certain, Reason::VinVerified));
    }
    // GB 16735 wants the digit for vehicles made in China (L)
    if number[0] == b'L' {
        return Some(Found::new(Class::Vin, Confidence::Possible, Reason::CheckDigitWrong));
    }
    let is_serial = number[13..].iter().all(u8::is_ascii_digit);
    if names_before(scan.text, start, Class::Vin) {
        return Some(Found::new(Class::Vin, Confidence::Likely, Reason::VinUnchecked));
    }
    is_serial.then_some(Found::new(Class::Vin, Confidence::Possible, Reason::VinUnchecked))
}

/// Letters, then digits: passports and permits.
fn document(scan: &Scan<'_>, start: usize, code: &[u8]) -> Option<Found> {
    let letters = code.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    let digits = code.get(letters..)?;
    if letters == 0 || letters > 2 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // series letters leave out I and O
    let series = |letter: u8| !matches!(letter, b'I' | b'O');
    let class = match (code.get(..letters)?, digits.len()) {
        // ordinary: G and eight digits to 2012, then E, then E with a letter
        ([b'E' | b'G'], 8) => Class::Passport,
        ([b'E', letter], 7) if series(*letter) => Class::Passport,
        // diplomatic, service, public affairs
        ([b'D' | b'S' | b'P'], 7 | 8) | ([b'D' | b'S' | b'P', b'E'], 7) => Class::Passport,
        // of the Hong Kong and Macau regions
        ([b'K'], 8) | ([b'M', b'A' | b'B' | b'C'], 7) => Class::Passport,
        // residents of Hong Kong (H) and Macau (M); ten digits with the count of renewals
        ([b'H' | b'M'], 8 | 10) => Class::HkMacauPermit,
        // mainland residents to Hong Kong and Macau
        ([b'C' | b'W'], 8) => Class::HkMacauPermit,
        ([b'C', letter], 7) if series(*letter) => Class::HkMacauPermit,
        // mainland residents to Taiwan
        ([b'L' | b'T'], 8) => Class::TaiwanPermit,
        _ => return None,
    };
    let other =
        [Class::Passport, Class::HkMacauPermit, Class::TaiwanPermit].into_iter().find(|class| names_before(scan.text, start, *class));
    Some(Found::by_context(other.unwrap_or(class), other.is_some()))
}

/// Digits with Latin letters right before or behind them: `ID330203...`, `QQ123456`, `13800000000a`.
fn inner_digits(scan: &Scan<'_>, run: Run, characters: &[u8]) -> Option<Spanned> {
    // long runs are keys and digests
    if characters.len() > 32 {
        return None;
    }
    let first = characters.iter().position(u8::is_ascii_digit)?;
    let count = characters.get(first..)?.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (before, rest) = (characters.get(..first)?, characters.get(first + count..)?);
    let start = run.start + first;
    let digits = characters.get(first..first + count)?;
    // digits elsewhere in it as well: no number, a mixed code
    if before.len() > 10 || rest.iter().any(u8::is_ascii_digit) {
        return None;
    }
    if let ([b'x' | b'X', ..], 17) = (rest, count) {
        let mut number = [b'X'; 18];
        number.get_mut(..17)?.copy_from_slice(digits);
        if let Some(found) = number::resident(&number).filter(|_| rest.len() == 1) {
            return Some((start, start + 18, found));
        }
    }
    if count < 5 {
        return None;
    }
    let found = number::single(scan, start, digits)?;
    // without a check digit a letter beside it speaks against it, except a word before it
    let is_named = names_before(scan.text, start, found.class);
    let found = match found.confidence {
        Confidence::Likely if !is_named => Found { confidence: Confidence::Possible, ..found },
        Confidence::Possible if !is_named => return None,
        Confidence::Certain if !rest.is_empty() && found.class != Class::ResidentId => Found { confidence: Confidence::Likely, ..found },
        _ => found,
    };
    Some((start, start + count, found))
}

/// A licence plate (GA 36-2018) that begins with the province at `at`: a letter, a separator or none, then five
/// characters, or six for new-energy vehicles.
pub(super) fn plate(scan: &Scan<'_>, at: usize) -> Option<Spanned> {
    let text = scan.text;
    let letter = *text.get(at + 3)?;
    let mut start = at + 4;
    for separator in ["·", "•", " ", "-", "."] {
        if text.get(start..)?.starts_with(separator.as_bytes()) {
            start += separator.len();
            break;
        }
    }
    let body = text.get(start..)?;
    let is_part = |byte: &&u8| KIND[usize::from(**byte)] & (DIGIT | UPPER) != 0 && !matches!(**byte, b'I' | b'O');
    let length = body.iter().take(7).take_while(is_part).count();
    let goes_on = body.get(length).is_some_and(|byte| KIND[usize::from(*byte)] & ALNUM != 0);
    let number = body.get(..length)?;
    if goes_on || matches!(letter, b'I') {
        return None;
    }
    // learners, trailers, police, vehicles of Hong Kong and Macau: four characters and a word
    let special = || {
        let tail = body.get(length..)?;
        ["挂", "学", "警", "港", "澳", "领", "使", "试"].iter().find(|word| tail.starts_with(word.as_bytes()))
    };
    if length == 4 {
        let end = start + 4 + special()?.len();
        return Some((at, end, Found::new(Class::Plate, Confidence::Likely, Reason::Grammar)));
    }
    let confidence = match length {
        5 if is_ordinary(number) || names_before(text, at, Class::Plate) => Confidence::Likely,
        5 => Confidence::Possible,
        6 if is_new_energy(number) => Confidence::Likely,
        _ => return None,
    };
    Some((at, start + length, Found::new(Class::Plate, confidence, Reason::Grammar)))
}

/// GA 36: at most two letters among the five.
fn is_ordinary(number: &[u8]) -> bool {
    number.iter().filter(|byte| byte.is_ascii_uppercase()).count() <= 2
}

/// GA 36: small vehicles have a letter of the kind of drive first (and perhaps one more), large ones have it last.
fn is_new_energy(number: &[u8]) -> bool {
    let is_drive = |byte: u8| matches!(byte, b'A'..=b'H' | b'J' | b'K');
    match number {
        [drive, second, rest @ ..] if is_drive(*drive) => second.is_ascii_alphanumeric() && rest.iter().all(u8::is_ascii_digit),
        [rest @ .., drive] => is_drive(*drive) && rest.iter().all(u8::is_ascii_digit),
        [] => false,
    }
}
