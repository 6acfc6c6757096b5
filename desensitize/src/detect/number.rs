//! Digits: resident numbers, cards, devices, telephones, QQ; also in groups and in full-width characters.
//!
//! A number is a run of digits and ends where digits end. Groups that one blank or hyphen separates are read together
//! if the sizes of the groups are usual for the class; the span is that of the text, separators included.

use super::chars::{ALNUM, KIND, ROAD, UNIT, alnum_at, han, han_before};
use super::check;
use super::class::{Class, Confidence, Reason};
use super::context::names_before;
use super::phone;
use super::regions::Known;
use super::scan::{Found, Run, Scan, Spanned};
use super::{address, code, net};

/// Longest number of digits that is an identifier, with its country code.
const DIGITS_MAX: usize = 24;
const GROUPS_MAX: usize = 8;

/// Digits in groups, without their separators.
pub(super) struct Groups {
    pub(super) digits: [u8; DIGITS_MAX],
    /// Start and end in the text, and the number of digits up to its end, of each group.
    places: [(usize, usize, usize); GROUPS_MAX],
    pub(super) count: usize,
}

impl Groups {
    /// Digits of the first `groups` groups.
    pub(super) fn joined(&self, groups: usize) -> &[u8] {
        let total = groups.checked_sub(1).and_then(|last| self.places.get(last)).map_or(0, |place| place.2);
        self.digits.get(..total).unwrap_or(&[])
    }

    /// Sizes of the groups.
    pub(super) fn sizes(&self, groups: usize) -> [usize; GROUPS_MAX] {
        let mut sizes = [0; GROUPS_MAX];
        let mut before = 0;
        for (size, place) in sizes.iter_mut().zip(&self.places).take(groups) {
            *size = place.2.saturating_sub(before);
            before = place.2;
        }
        sizes
    }

    pub(super) fn end(&self, groups: usize) -> usize {
        groups.checked_sub(1).and_then(|last| self.places.get(last)).map_or(0, |place| place.1)
    }

    /// Reads the groups that begin at `start`. A group that does not fit is left out.
    fn read(text: &[u8], start: usize) -> Self {
        let mut this = Self { digits: [0; DIGITS_MAX], places: [(0, 0, 0); GROUPS_MAX], count: 0 };
        let (mut at, mut total) = (start, 0);
        while this.count < GROUPS_MAX {
            let first = at;
            let before = total;
            while let Some((digit, length)) = alnum_at(text, at).filter(|(digit, _)| digit.is_ascii_digit()) {
                match this.digits.get_mut(total) {
                    Some(place) => *place = digit,
                    None => return this,
                }
                total += 1;
                at += length;
            }
            if total == before {
                return this;
            }
            if let Some(place) = this.places.get_mut(this.count) {
                *place = (first, at, total);
            }
            this.count += 1;
            at += separator(text.get(at..).unwrap_or(&[]));
        }
        this
    }
}

/// Length of the separator that `text` begins with: one blank, one hyphen, or a bracket that closes an area code.
fn separator(text: &[u8]) -> usize {
    match text {
        [b')', b' ' | b'-', ..] => 2,
        [b' ' | b'-' | b')', ..] => 1,
        // no-break space
        [0xc2, 0xa0, ..] => 2,
        // hyphens, dashes, minus, full-width blank, full-width hyphen, full-width bracket
        [0xe2, 0x80, 0x90..=0x94, ..] | [0xe2, 0x88, 0x92, ..] | [0xe3, 0x80, 0x80, ..] | [0xef, 0xbc, 0x8d | 0x89, ..] => 3,
        _ => 0,
    }
}

/// A run of ASCII digits.
pub(super) fn digits(scan: &Scan<'_>, run: Run) -> Option<Spanned> {
    let tail = scan.text.get(run.end..).unwrap_or(&[]);
    let length = run.end - run.start;
    match tail {
        [b' ' | b'-' | b')', b'0'..=b'9' | b' ' | b'-' | 0xef, ..] | [0xc2 | 0xe2 | 0xe3 | 0xef, ..]
            if length < 19 && separator(tail) > 0 =>
        {
            if length == 2
                && tail.first() == Some(&b'-')
                && let Some(hit) = net::colons(scan, run)
            {
                return Some(hit);
            }
            let groups = Groups::read(scan.text, run.start);
            if let Some(hit) = grouped(scan, run.start, &groups) {
                return Some(hit);
            }
        }
        [b'.', b'0'..=b'9', ..] if length <= 3 => {
            if let Some(hit) = net::ipv4(scan, run) {
                return Some(hit);
            }
        }
        [b':' | b'-', ..] | [b'.', ..] if length <= 4 => {
            if let Some(hit) = net::colons(scan, run) {
                return Some(hit);
            }
        }
        [0xe4..=0xe9, ..] if length <= 5 => {
            if let Some(hit) = house(scan, run) {
                return Some(hit);
            }
        }
        _ => {}
    }
    if length < 5 {
        return None;
    }
    let digits = scan.text.get(run.start..run.end)?;
    let found = single(scan, run.start, digits)?;
    let found = beside_point(scan, run, found)?;
    let start = if found.class == Class::Mobile { phone::with_country(scan, run.start) } else { run.start };
    Some((start, run.end, found))
}

/// A number that is part of a decimal fraction is no identifier, unless a check digit of 18 says so.
fn beside_point(scan: &Scan<'_>, run: Run, found: Found) -> Option<Found> {
    let is_fraction = matches!(scan.text.get(..run.start)?, [.., b'0'..=b'9', b'.']);
    let has_fraction = matches!(scan.text.get(run.end..)?, [b'.', b'0'..=b'9', ..]);
    if !is_fraction && !has_fraction || found.class == Class::ResidentId && found.confidence == Confidence::Certain {
        return Some(found);
    }
    (!is_fraction).then_some(Found { confidence: Confidence::Possible, ..found })
}

/// A house number behind the name of a road, without a division before it.
fn house(scan: &Scan<'_>, run: Run) -> Option<Spanned> {
    let unit = scan.han.flags(han(scan.text, run.end)?);
    let road = scan.han.flags(han_before(scan.text, run.start)?);
    if unit & UNIT == 0 || road & ROAD == 0 {
        return None;
    }
    address::from_road(scan, run.start)
}

/// Digits that stand together.
pub(super) fn single(scan: &Scan<'_>, start: usize, digits: &[u8]) -> Option<Found> {
    let named = |class| names_before(scan.text, start, class);
    match (digits.len(), digits.first()?) {
        (18, _) => eighteen(scan, start, digits.try_into().ok()?),
        (15, _) => fifteen(scan, start, digits),
        (14 | 16 | 17 | 19, _) => card(scan, start, digits),
        (11, b'1') if phone::is_mobile(digits) => Some(phone::mobile(scan, start, digits)),
        (13, b'8') if phone::is_mobile(digits.get(2..)?) && digits.starts_with(b"86") => Some(phone::mobile(scan, start, digits.get(2..)?)),
        (15.., _) => None,
        (10..=12, b'0') if phone::is_landline(digits) => Some(Found::by_context(Class::Landline, named(Class::Landline))),
        (5..=11, b'1'..=b'9') if net::is_qq(scan, start, digits) => Some(Found::by_context(Class::Qq, true)),
        (8, _) if named(Class::TaiwanPermit) => Some(Found::by_context(Class::TaiwanPermit, true)),
        (10, _) if named(Class::TaiwanPermit) => Some(Found::by_context(Class::TaiwanPermit, true)),
        (9, b'1') if named(Class::Passport) => Some(Found::by_context(Class::Passport, true)),
        (7 | 8, b'2'..=b'9') if named(Class::Landline) => Some(Found::by_context(Class::Landline, true)),
        _ => None,
    }
}

/// 17 digits and a digit or X.
pub(super) fn resident(number: &[u8; 18]) -> Option<Found> {
    let id = check::resident(number)?;
    let (confidence, reason) = match (id.check, id.region) {
        (true, Known::County) => (Confidence::Certain, Reason::IdVerified),
        (true, Known::City | Known::Province) => (Confidence::Likely, Reason::IdOldRegion),
        (true, Known::Nothing) => return None,
        (false, _) => (Confidence::Possible, Reason::CheckDigitWrong),
    };
    Some(Found::new(Class::ResidentId, confidence, reason))
}

fn eighteen(scan: &Scan<'_>, start: usize, number: &[u8; 18]) -> Option<Found> {
    let resident = resident(number);
    if resident.is_some_and(|found| found.confidence > Confidence::Possible) {
        return resident;
    }
    let credit = code::eighteen(number).filter(|found| found.confidence == Confidence::Certain);
    if credit.is_some() {
        return credit;
    }
    // region and date are right: a card of 18 digits is the rarer reading, so it is not certain any more
    let card = card(scan, start, number);
    match (resident, card) {
        (Some(_), Some(card)) if card.confidence == Confidence::Certain => {
            let confidence = if names_before(scan.text, start, Class::BankCard) { Confidence::Likely } else { Confidence::Possible };
            Some(Found { confidence, reason: Reason::CardLuhnOnly, ..card })
        }
        (Some(resident), _) => Some(resident),
        (None, card) => card.or_else(|| code::eighteen(number)),
    }
}

fn fifteen(scan: &Scan<'_>, start: usize, digits: &[u8]) -> Option<Found> {
    let old = check::resident_fifteen(digits.try_into().ok()?);
    if check::luhn(digits) {
        // a tenth of the old resident numbers also pass Luhn's check: a word decides
        if old.is_some() && names_before(scan.text, start, Class::ResidentId) {
            return Some(Found::new(Class::ResidentId, Confidence::Likely, Reason::IdFifteen));
        }
        if check::is_reporting_body(digits) {
            return Some(Found::new(Class::Imei, Confidence::Certain, Reason::ImeiVerified));
        }
        if check::is_issuer(digits) {
            return card(scan, start, digits);
        }
    }
    if let Some(region) = old {
        let is_likely = region == Known::County || names_before(scan.text, start, Class::ResidentId);
        let confidence = if is_likely { Confidence::Likely } else { Confidence::Possible };
        return Some(Found::new(Class::ResidentId, confidence, Reason::IdFifteen));
    }
    let is_device = names_before(scan.text, start, Class::Imei);
    match check::luhn(digits) {
        true if is_device => Some(Found::new(Class::Imei, Confidence::Likely, Reason::ShapeAndContext)),
        false if is_device || check::is_reporting_body(digits) => {
            Some(Found::new(Class::Imei, Confidence::Possible, Reason::CheckDigitWrong))
        }
        _ => None,
    }
}

fn card(scan: &Scan<'_>, start: usize, digits: &[u8]) -> Option<Found> {
    let named = || names_before(scan.text, start, Class::BankCard);
    match (check::luhn(digits), check::is_issuer(digits)) {
        (true, true) => Some(Found::new(Class::BankCard, Confidence::Certain, Reason::CardVerified)),
        (true, false) if digits.len() >= 16 && named() => Some(Found::new(Class::BankCard, Confidence::Likely, Reason::CardLuhnOnly)),
        (false, true) if digits.starts_with(b"62") || named() => {
            Some(Found::new(Class::BankCard, Confidence::Possible, Reason::CheckDigitWrong))
        }
        _ => None,
    }
}

/// Groups: the longest reading first. A single group is left to [`single`].
fn grouped(scan: &Scan<'_>, start: usize, groups: &Groups) -> Option<Spanned> {
    for count in (2..=groups.count).rev() {
        let next = scan.text.get(groups.end(count)..).unwrap_or(&[]);
        let digits = groups.joined(count);
        let sizes = groups.sizes(count);
        let sizes = sizes.get(..count)?;
        // the last digit of a resident number may be an X
        if let ([b'x' | b'X', rest @ ..], 17) = (next, digits.len()) {
            let mut number = [b'X'; 18];
            number.get_mut(..17)?.copy_from_slice(digits);
            let ends = rest.first().is_none_or(|byte| KIND[usize::from(*byte)] & ALNUM == 0);
            if let Some(found) = resident(&number).filter(|found| ends && found.confidence > Confidence::Possible) {
                return Some((start, groups.end(count) + 1, found));
            }
        }
        if next.first().is_some_and(|byte| KIND[usize::from(*byte)] & ALNUM != 0) {
            continue;
        }
        if let Some(found) = joined(scan, start, digits, sizes) {
            let is_phone = matches!(found.class, Class::Mobile | Class::Landline);
            let has_country = digits.starts_with(b"86") || digits.starts_with(b"0");
            let start = match is_phone {
                true if has_country => phone::opening(scan, start, groups.end(1)),
                true => phone::with_country(scan, start),
                false => start,
            };
            return Some((start, groups.end(count), found));
        }
    }
    None
}

fn joined(scan: &Scan<'_>, start: usize, digits: &[u8], sizes: &[usize]) -> Option<Found> {
    if let Some(found) = phone::grouped(scan, start, digits, sizes) {
        return Some(found);
    }
    let sure = |found: &Found| found.confidence > Confidence::Possible;
    match (digits.len(), sizes) {
        (18, _) => {
            let found = resident(digits.try_into().ok()?)?;
            (sure(&found) || sizes == [6, 8, 4]).then_some(found)
        }
        (15, [2, 6, 6, 1] | [6, 2, 6, 1] | [8, 6, 1] | [6, 8, 1]) => {
            fifteen(scan, start, digits).filter(|found| found.class == Class::Imei)
        }
        (15, [6, 6, 3]) => fifteen(scan, start, digits).filter(|found| found.class == Class::ResidentId),
        (14..=19, [4, .., _] | [6, _]) if are_fours(sizes) || matches!(sizes, [6, 10 | 13] | [4, 6, 4 | 5] | [6, _]) => {
            card(scan, start, digits).filter(|found| sure(found) || are_fours(sizes))
        }
        _ => None,
    }
}

/// Fours, and at the end what is left.
fn are_fours(sizes: &[usize]) -> bool {
    sizes.split_last().is_some_and(|(last, rest)| rest.len() >= 3 && *last <= 4 && rest.iter().all(|size| *size == 4))
}

/// A run of letters and digits of which some are full-width, and its length in bytes.
pub(super) fn wide(scan: &Scan<'_>, start: usize) -> (Option<Spanned>, usize) {
    let mut characters = [0u8; 20];
    let (mut at, mut count, mut has_letter) = (start, 0usize, false);
    while let Some((character, length)) = alnum_at(scan.text, at) {
        if let Some(place) = characters.get_mut(count) {
            *place = character.to_ascii_uppercase();
        }
        has_letter |= !character.is_ascii_digit();
        count = count.saturating_add(1);
        at += length;
    }
    let length = at - start;
    if !has_letter && count < 20 && separator(scan.text.get(at..).unwrap_or(&[])) > 0 {
        let hit = grouped(scan, start, &Groups::read(scan.text, start));
        if hit.is_some() {
            return (hit, length);
        }
    }
    let Some(characters) = characters.get(..count) else { return (None, length) };
    let found = if has_letter { code::whole(scan, start, characters) } else { single(scan, start, characters) };
    (found.map(|found| (start, at, found)), length)
}
