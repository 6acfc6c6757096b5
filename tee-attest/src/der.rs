//! DER (X.690) read in place: definite, minimal lengths, low tag numbers, nothing left over unread.

use crate::fault::{Fault, malformed};
use crate::instant::Instant;

/// Tags that certificates, CRLs and keys use.
pub(crate) mod tag {
    pub(crate) const BOOLEAN: u8 = 0x01;
    pub(crate) const INTEGER: u8 = 0x02;
    pub(crate) const BIT_STRING: u8 = 0x03;
    pub(crate) const OCTET_STRING: u8 = 0x04;
    pub(crate) const OID: u8 = 0x06;
    pub(crate) const IA5_STRING: u8 = 0x16;
    pub(crate) const UTC_TIME: u8 = 0x17;
    pub(crate) const GENERALIZED_TIME: u8 = 0x18;
    pub(crate) const SEQUENCE: u8 = 0x30;
}

/// One element: its tag, its content, and both with the header, as it was signed.
#[derive(Clone, Copy)]
pub(crate) struct Element<'a> {
    pub(crate) tag: u8,
    pub(crate) content: &'a [u8],
    pub(crate) whole: &'a [u8],
}

/// A cursor over the elements of one content.
#[derive(Clone, Copy)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    place: &'static str,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(place: &'static str, bytes: &'a [u8]) -> Self {
        Self { rest: bytes, place }
    }

    fn wrong(&self, en: &str) -> Fault {
        malformed(self.place, en)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// The next element, whatever it is.
    pub(crate) fn any(&mut self) -> Result<Element<'a>, Fault> {
        let (tag, length, header): (u8, usize, usize) = match *self.rest {
            [tag, ..] if tag & 0x1f == 0x1f => return Err(self.wrong("a tag number above 30")),
            [tag, short @ 0..=0x7f, ..] => (tag, usize::from(short), 2),
            [tag, 0x81, a, ..] if a >= 0x80 => (tag, usize::from(a), 3),
            [tag, 0x82, a, b, ..] if a != 0 => (tag, usize::from(a) << 8 | usize::from(b), 4),
            [tag, 0x83, a, b, c, ..] if a != 0 => (tag, usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c), 5),
            [_, 0x80, ..] => return Err(self.wrong("an indefinite length")),
            [] | [_] => return Err(self.wrong("it ends where an element is due")),
            _ => return Err(self.wrong("a length that is not minimal, or above 16 MiB")),
        };
        let (whole, rest) =
            self.rest.split_at_checked(header.saturating_add(length)).ok_or_else(|| self.wrong("an element longer than what holds it"))?;
        self.rest = rest;
        Ok(Element { tag, content: whole.get(header..).unwrap_or_default(), whole })
    }

    /// The next element, which must have this tag.
    pub(crate) fn element(&mut self, tag: u8) -> Result<Element<'a>, Fault> {
        let element = self.any()?;
        if element.tag == tag { Ok(element) } else { Err(self.wrong(&format!("tag {:#04x} where {tag:#04x} is due", element.tag))) }
    }

    /// The content of the next element, which must have this tag.
    pub(crate) fn content(&mut self, tag: u8) -> Result<&'a [u8], Fault> {
        Ok(self.element(tag)?.content)
    }

    /// A cursor into the next element, which must have this tag.
    pub(crate) fn enter(&mut self, tag: u8) -> Result<Self, Fault> {
        Ok(Self { rest: self.content(tag)?, place: self.place })
    }

    /// The next element if it has this tag.
    pub(crate) fn optional(&mut self, tag: u8) -> Result<Option<Element<'a>>, Fault> {
        if self.rest.first() == Some(&tag) { self.any().map(Some) } else { Ok(None) }
    }

    /// An INTEGER that is not negative: big-endian without the leading zero.
    pub(crate) fn unsigned(&mut self) -> Result<&'a [u8], Fault> {
        match self.content(tag::INTEGER)? {
            [] => Err(self.wrong("an empty integer")),
            [0x80..=0xff, ..] => Err(self.wrong("a negative integer")),
            [0, 0..=0x7f, ..] => Err(self.wrong("an integer that is not minimal")),
            [0, rest @ ..] if !rest.is_empty() => Ok(rest),
            all => Ok(all),
        }
    }

    /// An INTEGER that fits 32 bits.
    pub(crate) fn number(&mut self) -> Result<u32, Fault> {
        let bytes = self.unsigned()?;
        if bytes.len() > 4 {
            return Err(self.wrong("an integer above 32 bits"));
        }
        Ok(bytes.iter().fold(0, |value, byte| value << 8 | u32::from(*byte)))
    }

    /// A BIT STRING of whole bytes.
    pub(crate) fn bits(&mut self) -> Result<&'a [u8], Fault> {
        match self.content(tag::BIT_STRING)? {
            [0, rest @ ..] => Ok(rest),
            _ => Err(self.wrong("a bit string that is not whole bytes")),
        }
    }

    /// A BOOLEAN, DER's two values only.
    pub(crate) fn boolean(&mut self) -> Result<bool, Fault> {
        match self.content(tag::BOOLEAN)? {
            [0] => Ok(false),
            [0xff] => Ok(true),
            _ => Err(self.wrong("a boolean that is neither true nor false")),
        }
    }

    /// UTCTime or GeneralizedTime in the only forms that RFC 5280 (4.1.2.5) allows: with seconds, in UTC.
    #[expect(clippy::arithmetic_side_effects, reason = "numbers of two digits")]
    pub(crate) fn time(&mut self) -> Result<Instant, Fault> {
        let element = self.any()?;
        let (year, rest) = match (element.tag, element.content) {
            (tag::UTC_TIME, [a, b, rest @ ..]) => {
                let year = two(*a, *b).ok_or_else(|| self.wrong("a year that is no number"))?;
                (if year < 50 { 2000 + year } else { 1900 + year }, rest)
            }
            (tag::GENERALIZED_TIME, [a, b, c, d, rest @ ..]) => match (two(*a, *b), two(*c, *d)) {
                (Some(century), Some(year)) => (100 * century + year, rest),
                _ => return Err(self.wrong("a year that is no number")),
            },
            _ => return Err(self.wrong("no time where one is due")),
        };
        moment(year, rest).ok_or_else(|| self.wrong("a time that is not in the form RFC 5280 asks for"))
    }

    /// Nothing may follow.
    pub(crate) fn end(&self) -> Result<(), Fault> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.wrong("bytes after the end")) }
    }
}

fn two(a: u8, b: u8) -> Option<i64> {
    let digit = |byte: u8| char::from(byte).to_digit(10).map(i64::from);
    digit(a)?.checked_mul(10)?.checked_add(digit(b)?)
}

/// Month to second of a UTC time, as seconds since 1970 (the civil calendar, days counted from March).
#[expect(clippy::arithmetic_side_effects, reason = "two-digit numbers and a year of four digits: far inside 64 bits")]
fn moment(year: i64, rest: &[u8]) -> Option<Instant> {
    let &[m1, m2, d1, d2, h1, h2, n1, n2, s1, s2, b'Z'] = rest else { return None };
    let (month, day, hour, minute, second) = (two(m1, m2)?, two(d1, d2)?, two(h1, h2)?, two(n1, n2)?, two(s1, s2)?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=days).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let day_of_era = 365 * y.rem_euclid(400) + y.rem_euclid(400) / 4 - y.rem_euclid(400) / 100 + (153 * m + 2) / 5 + day - 1;
    let epoch_days = y.div_euclid(400) * 146_097 + day_of_era - 719_468;
    Some(Instant(epoch_days * 86_400 + hour * 3_600 + minute * 60 + second))
}

/// The DER of each PEM block with this label, in order. Text between blocks is allowed, as the tools that write chains put it there.
pub(crate) fn pem(place: &'static str, label: &str, text: &str) -> Result<Vec<Vec<u8>>, Fault> {
    use base64::Engine as _;
    let (begin, end) = (format!("-----BEGIN {label}-----"), format!("----END {label}-----"));
    let mut blocks = Vec::new();
    let mut rest = text;
    while let Some((_, after)) = rest.split_once(&begin) {
        // base64 has no `-`: the first one begins the end
        let (body, next) = after
            .split_once('-')
            .and_then(|(body, next)| Some((body, next.strip_prefix(&end)?)))
            .ok_or_else(|| malformed(place, "a PEM block without its end"))?;
        if blocks.len() == 16 {
            return Err(malformed(place, "more than 16 PEM blocks"));
        }
        let mut compact = Vec::with_capacity(body.len());
        body.as_bytes().split(u8::is_ascii_whitespace).for_each(|line| compact.extend_from_slice(line));
        blocks.push(
            base64::engine::general_purpose::STANDARD.decode(compact).map_err(|_| malformed(place, "a PEM block that is no base64"))?,
        );
        rest = next;
    }
    if blocks.is_empty() { Err(malformed(place, format!("no PEM block `{label}`"))) } else { Ok(blocks) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_the_calendar_has_them() {
        for (content, text) in [
            (&b"\x17\x0d180521105010Z"[..], "2018-05-21T10:50:10Z"),
            (b"\x17\x0d490101000000Z", "2049-01-01T00:00:00Z"),
            (b"\x17\x0d500101000000Z", "1950-01-01T00:00:00Z"),
            (b"\x18\x0f20491231235959Z", "2049-12-31T23:59:59Z"),
            (b"\x18\x0f20000229120000Z", "2000-02-29T12:00:00Z"),
        ] {
            assert_eq!(Reader::new("time", content).time().unwrap(), Instant::parse(text).unwrap(), "{text}");
        }
        for wrong in [&b"\x17\x0d180231105010Z"[..], b"\x17\x0b1805211050Z", b"\x17\x11180521105010+0000", b"\x18\x0f20010229120000Z"] {
            assert!(Reader::new("time", wrong).time().is_err());
        }
    }

    #[test]
    fn only_der_is_read() {
        for wrong in [&b"\x30\x80\x00\x00"[..], b"\x02\x81\x01\x05", b"\x02\x82\x00\x81", b"\x1f\x81\x01\x00", b"\x04\x05ab", b"\x30", b""]
        {
            assert!(Reader::new("test", wrong).any().is_err(), "{wrong:?}");
        }
        assert!(Reader::new("test", b"\x02\x02\x00\x01").unsigned().is_err());
        assert!(Reader::new("test", b"\x02\x01\xff").unsigned().is_err());
        assert_eq!(Reader::new("test", b"\x02\x02\x00\x80").unsigned().unwrap(), [0x80]);
        assert_eq!(Reader::new("test", b"\x02\x01\x00").number().unwrap(), 0);
    }
}
