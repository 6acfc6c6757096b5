//! Resident identity numbers (公民身份号码) of GB 11643-1999: six digits of region, eight of birth date, three of
//! order, one check digit by ISO 7064 MOD 11-2.
//!
//! Numbers of the first generation have 15 digits: two digits of the year and no check digit. They become 18 digits
//! with the century 19. (Order codes 996 to 999 once marked people over a hundred, born in 18xx; none of these numbers
//! is in use today.) Region codes are checked by province, as codes of merged counties stay valid for life. Permits of
//! foreign residents, which start with 9, are not numbers of this standard and fail as a region.

use time::{Date, Month};

use super::Reason;

/// Weights 2^(17-i) mod 11 of the first 17 digits: GB 11643-1999, section 4.
const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

/// First two digits: GB/T 2260 provinces, with 83 for the residence permits of Taiwan residents.
const PROVINCES: [u8; 35] = [
    11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52, 53, 54, 61, 62, 63, 64, 65, 71, 81, 82,
    83,
];

/// Why a text is no identity number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// Neither 15 nor 18 characters.
    Length,
    /// A character other than digits, or X at the end of 18.
    Characters,
    /// No such province.
    Region,
    /// No such day, or a year outside 1800 to 2099.
    Date,
    /// The check digit does not fit.
    CheckDigit,
}

impl From<Fault> for Reason {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Length => Self::IdLength,
            Fault::Characters => Self::IdCharacters,
            Fault::Region => Self::IdRegion,
            Fault::Date => Self::IdDate,
            Fault::CheckDigit => Self::IdCheckDigit,
        }
    }
}

/// The number in its 18-character form with a capital X.
///
/// # Errors
/// Why it is none.
///
/// ```
/// use yu_desensitize::key::resident_id::{Fault, normalise};
/// assert_eq!(normalise("11010519491231002x").unwrap(), "11010519491231002X");
/// assert_eq!(normalise("110105491231002").unwrap(), "11010519491231002X");
/// assert_eq!(normalise("110105194912310021"), Err(Fault::CheckDigit));
/// ```
pub fn normalise(text: &str) -> Result<String, Fault> {
    let bytes = text.as_bytes();
    let mut body = [0; 17];
    let given = match bytes.len() {
        15 => {
            let (region, rest) = bytes.split_at(6);
            body[..6].copy_from_slice(region);
            body[6..8].copy_from_slice(b"19");
            body[8..].copy_from_slice(rest);
            None
        }
        18 => {
            body.copy_from_slice(&bytes[..17]);
            Some(bytes[17].to_ascii_uppercase())
        }
        _ => return Err(Fault::Length),
    };
    let is_check = |byte: u8| byte.is_ascii_digit() || byte == b'X';
    if !body.iter().all(u8::is_ascii_digit) || !given.is_none_or(is_check) {
        return Err(Fault::Characters);
    }
    if !PROVINCES.contains(&((body[0] - b'0') * 10 + (body[1] - b'0'))) {
        return Err(Fault::Region);
    }
    check_date(&body)?;
    let check = check_digit(&body);
    if given.is_some_and(|given| given != check) {
        return Err(Fault::CheckDigit);
    }
    let mut whole = String::with_capacity(18);
    whole.extend(body.iter().map(|byte| char::from(*byte)));
    whole.push(char::from(check));
    Ok(whole)
}

/// ISO 7064 MOD 11-2 over 17 ASCII digits; the result is `0` to `9` or `X`.
#[must_use]
pub fn check_digit(body: &[u8; 17]) -> u8 {
    let sum: u32 = body.iter().zip(WEIGHTS).map(|(digit, weight)| u32::from(digit.wrapping_sub(b'0')) * weight).sum();
    // the check digit c makes sum + c = 1 (mod 11)
    b"10X98765432"[(sum % 11) as usize]
}

fn check_date(body: &[u8; 17]) -> Result<(), Fault> {
    let number = |range: std::ops::Range<usize>| body[range].iter().fold(0u16, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    let (year, month, day) = (number(6..10), number(10..12), number(12..14));
    let month = u8::try_from(month).ok().and_then(|month| Month::try_from(month).ok()).ok_or(Fault::Date)?;
    let day = u8::try_from(day).map_err(|_| Fault::Date)?;
    let exists = Date::from_calendar_date(i32::from(year), month, day).is_ok();
    if exists && (1800..2100).contains(&year) { Ok(()) } else { Err(Fault::Date) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_numbers() {
        // GB 11643-1999, annex A, and two numbers from the literature on it
        for number in ["11010519491231002X", "440524188001010014", "34052419800101001X"] {
            assert_eq!(normalise(number).unwrap(), number);
        }
    }

    #[test]
    fn weights_are_powers_of_two() {
        for (index, weight) in WEIGHTS.iter().enumerate() {
            assert_eq!(2u32.pow(17 - index as u32) % 11, *weight);
        }
    }

    #[test]
    fn every_changed_digit_is_found() {
        // MOD 11-2 finds each single substitution and each swap of neighbours
        let number = *b"11010519491231002X";
        for place in 0..17 {
            for digit in b'0'..=b'9' {
                let mut other = number;
                other[place] = digit;
                let ok = normalise(std::str::from_utf8(&other).unwrap()).is_ok();
                assert_eq!(ok, other == number);
            }
            let mut other = number;
            other.swap(place, place + 1);
            assert_eq!(normalise(std::str::from_utf8(&other).unwrap()).is_ok(), other == number);
        }
    }

    #[test]
    fn faults_are_told_apart() {
        for (text, fault) in [
            ("", Fault::Length),
            ("1101051949123100", Fault::Length),
            ("宁波宁波宁波", Fault::Characters),
            ("1101051949123A002X", Fault::Characters),
            ("X10105194912310021", Fault::Characters),
            ("990105194912310021", Fault::Region),
            ("110105194902290021", Fault::Date),
            ("110105194913010021", Fault::Date),
            ("110105170012310021", Fault::Date),
            ("110105491331002", Fault::Date),
            ("110105194912310020", Fault::CheckDigit),
        ] {
            assert_eq!(normalise(text), Err(fault), "{text}");
        }
        assert_eq!(normalise("110105000229002").map(|id| id[6..14].to_owned()), Err(Fault::Date), "1900 had no leap day");
    }
}
