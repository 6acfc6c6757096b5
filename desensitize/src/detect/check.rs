//! Verifiers: pure functions over the characters of one number. They know no text around it.
//!
//! | number | standard |
//! |---|---|
//! | resident identity number | GB 11643-1999, sections 3 and 4; ISO 7064 MOD 11-2 |
//! | unified social credit code | GB 32100-2015, sections 4 and 5: MOD 31 |
//! | bank card, IMEI | ISO/IEC 7812-1, annex B (Luhn); 3GPP TS 23.003, section 6 |
//! | vehicle identification number | GB 16735-2019, annex A: weights, MOD 11 |

use super::regions::{DIVISIONS, Known};

/// What the 18 characters of a resident number say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Resident {
    pub(crate) region: Known,
    pub(crate) check: bool,
}

/// 17 digits and a digit or `X` (capital): nothing if the date does not exist or the province is unknown.
pub(crate) fn resident(number: &[u8; 18]) -> Option<Resident> {
    let year = value(&number[6..10]);
    let region = DIVISIONS.known(value(&number[..6]));
    if region == Known::Nothing || !(1850..=2049).contains(&year) || !is_date(year, value(&number[10..12]), value(&number[12..14])) {
        return None;
    }
    // MOD 11-2 by Horner's rule: (s + digit) * 2, thrice below the word
    let mut sum = 0u32;
    for digit in &number[..17] {
        sum = (sum + u32::from(digit & 15)) * 2 % 11;
    }
    let last = if number[17] == b'X' { 10 } else { u32::from(number[17] & 15) };
    Some(Resident { region, check: (sum + last) % 11 == 1 })
}

/// 15 digits of the first generation: region, six digits of date in 19xx, three of order.
pub(crate) fn resident_fifteen(number: &[u8; 15]) -> Option<Known> {
    let region = DIVISIONS.known(value(&number[..6]));
    let is_real = region >= Known::City
        && is_date(1900 + value(&number[6..8]), value(&number[8..10]), value(&number[10..12]))
        && &number[12..] != b"000";
    is_real.then_some(region)
}

fn value(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |sum: u32, digit| sum.wrapping_mul(10).wrapping_add(u32::from(digit & 15)))
}

fn is_date(year: u32, month: u32, day: u32) -> bool {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(is_leap),
        _ => return false,
    };
    (1..=days).contains(&day)
}

/// Luhn's check over ASCII digits.
pub(crate) fn luhn(digits: &[u8]) -> bool {
    const TWICE: [u8; 16] = [0, 2, 4, 6, 8, 1, 3, 5, 7, 9, 0, 0, 0, 0, 0, 0];
    let mut sum = 0u32;
    let mut pairs = digits.rchunks_exact(2);
    for pair in pairs.by_ref() {
        sum = sum.wrapping_add(u32::from(pair[1] & 15)).wrapping_add(u32::from(TWICE[usize::from(pair[0] & 15)]));
    }
    if let [first] = pairs.remainder() {
        sum = sum.wrapping_add(u32::from(first & 15));
    }
    sum.is_multiple_of(10)
}

/// Whether issuer number and length belong together. Ranges of the card schemes as generally known; the register of
/// ISO/IEC 7812 is not public and they were not compared with it.
pub(crate) fn is_issuer(digits: &[u8]) -> bool {
    let Some(head) = digits.get(..4) else { return false };
    let (length, head) = (digits.len(), value(head));
    match head {
        // UnionPay; 60 and 81 are newer ranges of it
        6200..=6299 | 8100..=8171 => (16..=19).contains(&length),
        6011 | 6440..=6599 => (16..=19).contains(&length),
        // Visa
        4000..=4999 => matches!(length, 16 | 19),
        // Mastercard
        5100..=5599 | 2221..=2720 => length == 16,
        // American Express, Diners
        3400..=3499 | 3700..=3799 => length == 15,
        3000..=3059 | 3600..=3699 | 3800..=3999 => matches!(length, 14 | 16 | 19),
        // JCB
        3528..=3589 => (16..=19).contains(&length),
        // domestic debit cards of the years before UnionPay numbers
        9400..=9999 | 5600..=5699 | 6000..=6010 | 6012..=6199 => matches!(length, 16 | 18 | 19),
        _ => false,
    }
}

/// Whether the first two digits name a body that issues type allocation codes; the usual ones, not the list of GSMA TS.06.
pub(crate) fn is_reporting_body(digits: &[u8]) -> bool {
    matches!(digits.get(..2), Some(b"01" | b"35" | b"86" | b"91" | b"98" | b"99"))
}

/// What the 18 characters of a credit code say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Credit {
    /// Authority, kind and region exist.
    pub(crate) is_registered: bool,
    pub(crate) check: bool,
}

/// Digits and capitals without I, O, S, V, Z: nothing if a character is not of the set or the region has letters.
pub(crate) fn credit_code(code: &[u8; 18]) -> Option<Credit> {
    if !code[2..8].iter().all(u8::is_ascii_digit) {
        return None;
    }
    let mut sum = 0u32;
    for (character, weight) in code[..17].iter().zip(CREDIT_WEIGHTS) {
        let digit = CREDIT_VALUES[usize::from(character & 127)];
        if digit == NONE {
            return None;
        }
        sum = sum.wrapping_add(u32::from(digit) * weight);
    }
    let last = CREDIT_VALUES[usize::from(code[17] & 127)];
    let province = value(&code[2..4]);
    // 100000 stands for the national registry
    let is_region = DIVISIONS.is_province(province) || &code[2..8] == b"100000";
    let is_authority = matches!(code[0], b'1'..=b'9' | b'A' | b'N' | b'Y') && matches!(code[1], b'1'..=b'9');
    (last != NONE).then_some(Credit { is_registered: is_region && is_authority, check: (sum + u32::from(last)).is_multiple_of(31) })
}

const NONE: u8 = 255;

/// Powers of 3 modulo 31.
const CREDIT_WEIGHTS: [u32; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];

const CREDIT_VALUES: [u8; 128] = values(b"0123456789ABCDEFGHJKLMNPQRTUWXY", None);

const VIN_VALUES: [u8; 128] = values(b"0123456789ABCDEFGHJKLMNPRSTUVWXYZ", Some(b"012345678912345678123457923456789"));

const VIN_WEIGHTS: [u32; 17] = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];

/// Values by character: the position in `set`, or the digit at that position of `digits`.
const fn values(set: &[u8], digits: Option<&[u8; 33]>) -> [u8; 128] {
    let mut table = [NONE; 128];
    let mut index = 0;
    while index < set.len() {
        table[set[index] as usize] = match digits {
            Some(digits) => digits[index] & 15,
            None => index as u8,
        };
        index += 1;
    }
    table
}

/// Whether the check digit (place 9) of a vehicle number fits; nothing if a character is not of the set (no I, O, Q),
/// or place 9 is no check digit.
pub(crate) fn vin(number: &[u8; 17]) -> Option<bool> {
    let mut sum = 0u32;
    for (character, weight) in number.iter().zip(VIN_WEIGHTS) {
        let digit = VIN_VALUES[usize::from(character & 127)];
        if digit == NONE {
            return None;
        }
        sum = sum.wrapping_add(u32::from(digit) * weight);
    }
    match number[8] {
        b'X' => Some(sum % 11 == 10),
        digit if digit.is_ascii_digit() => Some(sum % 11 == u32::from(digit & 15)),
        _ => Some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_numbers() {
        // GB 11643-1999, annex A
        let known = Resident { region: Known::County, check: true };
        assert_eq!(resident(b"11010519491231002X"), Some(known));
        // a county of that code is no more
        assert_eq!(resident(b"440524188001010014"), Some(Resident { region: Known::City, check: true }));
        assert_eq!(resident(b"110105194912310021"), Some(Resident { region: Known::County, check: false }));
        assert_eq!(resident(b"110105194902290021"), None, "no such day");
        assert_eq!(resident(b"990105194912310021"), None, "no such province");
        assert_eq!(resident_fifteen(b"110105491231002"), Some(Known::County));
        assert_eq!(resident_fifteen(b"110105001301002"), None);
        for text in ["11010519491231002X", "440524188001010014", "34052419800101001X"] {
            let number: [u8; 18] = text.as_bytes().try_into().unwrap();
            for (place, digit) in (0..17).flat_map(|place| (b'0'..=b'9').map(move |digit| (place, digit))) {
                let mut other = number;
                other[place] = digit;
                assert!(!resident(&other).is_some_and(|found| found.check) || other == number);
            }
        }
    }

    #[test]
    fn luhn_numbers() {
        // ISO/IEC 7812-1, annex B; test numbers that the card schemes publish
        for number in ["79927398713", "4111111111111111", "5555555555554444", "378282246310005", "6200000000000005", "3530111333300000"] {
            assert!(luhn(number.as_bytes()), "{number}");
        }
        for number in ["4111111111111111", "5555555555554444", "378282246310005", "6200000000000005", "3530111333300000"] {
            assert!(is_issuer(number.as_bytes()), "{number}");
        }
        assert!(!luhn(b"79927398710") && !luhn(b"4111111111111112") && !is_issuer(b"1111111111111111") && !is_issuer(b"41"));
        // 3GPP: an example that makers print
        assert!(luhn(b"490154203237518"));
    }

    #[test]
    fn credit_codes() {
        // codes that large companies print
        for code in [b"91110000710926094P", b"91440300708461136T", b"91330100799655058B", b"91110108551385082Q"] {
            assert_eq!(credit_code(code), Some(Credit { is_registered: true, check: true }), "{}", String::from_utf8_lossy(code));
            let mut other = *code;
            other[16] = if other[16] == b'2' { b'3' } else { b'2' };
            assert_eq!(credit_code(&other).map(|credit| credit.check), Some(false));
        }
        assert_eq!(credit_code(b"9111000071092609IP"), None);
    }

    #[test]
    fn vehicle_numbers() {
        // 49 CFR 565.15, the worked example, and a number of ones
        for number in [b"1M8GDM9AXKP042788", b"11111111111111111"] {
            let mut copy = *number;
            assert_eq!(vin(number), Some(true), "{}", String::from_utf8_lossy(number));
            copy[16] = b'5';
            assert_eq!(vin(&copy), Some(false));
        }
        assert_eq!(vin(b"1M8GDM9AXKP04278O"), None);
    }
}
