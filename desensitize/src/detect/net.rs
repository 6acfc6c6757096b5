//! Addresses of networks and accounts: e-mail, IPv4, IPv6, MAC, WeChat.
//!
//! An e-mail address (RFC 5321, without quoted local parts and without internationalised ones) ends at the first
//! character that is not ASCII, so that `a@example.com联系` is found and nothing before it is swallowed.

use std::net::Ipv6Addr;

use super::chars::{ALNUM, DIGIT, HEX, KIND, LOWER, MAIL, UPPER};
use super::class::{Class, Confidence, Reason};
use super::context::names_before;
use super::scan::{Found, Run, Scan, Spanned};

const GRAMMAR: fn(Class) -> Found = |class| Found::new(class, Confidence::Likely, Reason::Grammar);

/// RFC 5321, 4.5.3.1.
const LOCAL_MAX: usize = 64;
const DOMAIN_MAX: usize = 253;

pub(super) fn mail(scan: &mut Scan<'_>, run: Run) -> Option<Spanned> {
    if run.end <= scan.no_mail_before {
        return None;
    }
    let tail = scan.text.get(run.end..)?;
    let length = tail.iter().take_while(|byte| KIND[usize::from(**byte)] & (ALNUM | MAIL) != 0).count();
    let at = run.end + length;
    // the whole token is read once: whatever run of it comes next knows that no address follows
    scan.no_mail_before = at;
    if scan.text.get(at) != Some(&b'@') || at - run.start > LOCAL_MAX {
        return None;
    }
    let end = at + 1 + domain(scan.text.get(at + 1..)?)?;
    Some((run.start, end, GRAMMAR(Class::Email)))
}

/// Length of the host name that `text` begins with: labels with dots between, the last one of letters.
fn domain(text: &[u8]) -> Option<usize> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    let whole = text.iter().take(DOMAIN_MAX + 1).take_while(|byte| is_part(byte)).count();
    let mut name = text.get(..whole).filter(|name| name.len() <= DOMAIN_MAX)?;
    // what follows an empty label is no part of it: "a@example.com..."
    if let Some(dots) = name.windows(2).position(|pair| pair == b"..") {
        name = name.get(..dots)?;
    }
    loop {
        let dot = name.iter().rposition(|byte| *byte == b'.')?;
        let last = name.get(dot + 1..)?;
        if last.len() >= 2 && (last.iter().all(u8::is_ascii_alphabetic) || last.starts_with(b"xn--")) {
            let is_label = |label: &[u8]| !label.is_empty() && !label.starts_with(b"-") && !label.ends_with(b"-");
            return name.split(|byte| *byte == b'.').all(is_label).then_some(name.len());
        }
        name = name.get(..dot)?;
    }
}

/// Dotted quads. `run` is of digits and a dot follows.
pub(super) fn ipv4(scan: &Scan<'_>, run: Run) -> Option<Spanned> {
    let text = scan.text;
    // more of a dotted number before it: a version or a section number
    if matches!(text.get(..run.start)?, [.., b'0'..=b'9', b'.'] | [.., b'v' | b'V']) {
        return None;
    }
    let mut at = run.start;
    for part in 0..4 {
        if part > 0 {
            (text.get(at) == Some(&b'.')).then_some(())?;
            at += 1;
        }
        let digits = text.get(at..)?.iter().take(4).take_while(|byte| byte.is_ascii_digit()).count();
        let value = text.get(at..at + digits)?.iter().fold(0u32, |sum, digit| sum * 10 + u32::from(digit & 15));
        let is_padded = digits > 1 && text.get(at) == Some(&b'0');
        (1..=3).contains(&digits).then_some(())?;
        (value <= 255 && !is_padded).then_some(())?;
        at += digits;
    }
    let goes_on = matches!(text.get(at..)?, [b'.', b'0'..=b'9', ..] | [b'A'..=b'Z' | b'a'..=b'z' | b'_', ..]);
    (!goes_on).then_some((run.start, at, GRAMMAR(Class::IpAddress)))
}

/// IPv6 and MAC addresses that begin with this run of at most four hexadecimal digits; a colon, hyphen or dot follows.
pub(super) fn colons(scan: &Scan<'_>, run: Run) -> Option<Spanned> {
    if run.common & HEX == 0 || run.end - run.start > 4 {
        return None;
    }
    mac(scan, run).or_else(|| ipv6(scan, run))
}

fn mac(scan: &Scan<'_>, run: Run) -> Option<Spanned> {
    let separator = *scan.text.get(run.end)?;
    let (size, groups) = match (run.end - run.start, separator) {
        (2, b':' | b'-') => (2, 6),
        (4, b'.') => (4, 3),
        _ => return None,
    };
    if matches!(scan.text.get(..run.start)?, [.., b':' | b'-' | b'.']) {
        return None;
    }
    let length = groups * (size + 1) - 1;
    let candidate = scan.text.get(run.start..run.start + length)?;
    let fits = candidate.iter().enumerate().all(|(place, byte)| match place % (size + 1) == size {
        true => *byte == separator,
        false => byte.is_ascii_hexdigit(),
    });
    let next = scan.text.get(run.start + length).copied().unwrap_or(b' ');
    // digits alone, with hyphens or dots: a date or an amount as well
    let has_letter = candidate.iter().any(u8::is_ascii_alphabetic);
    let ends = KIND[usize::from(next)] & ALNUM == 0 && (next != separator || separator == b'.');
    (fits && ends && (has_letter || separator == b':')).then_some((run.start, run.start + length, GRAMMAR(Class::MacAddress)))
}

fn ipv6(scan: &Scan<'_>, run: Run) -> Option<Spanned> {
    if scan.text.get(run.end) != Some(&b':') {
        return None;
    }
    let before = scan.text.get(..run.start)?;
    let start = match before {
        [.., c, b':', b':'] if *c == b':' || KIND[usize::from(*c)] & ALNUM != 0 => return None,
        [.., b':', b':'] => run.start - 2,
        [.., b':'] => return None,
        _ => run.start,
    };
    let tail = scan.text.get(start..)?;
    let is_part = |byte: u8| KIND[usize::from(byte)] & HEX != 0 || matches!(byte, b':' | b'.');
    let mut length = tail.iter().take(48).take_while(|byte| is_part(**byte)).count();
    while length > 0 && matches!(tail.get(length - 1), Some(b'.')) {
        length -= 1;
    }
    let mut token = std::str::from_utf8(tail.get(..length)?).ok()?;
    // a single colon at the end belongs to the sentence
    if token.ends_with(':') && !token.ends_with("::") {
        token = token.strip_suffix(':')?;
    }
    if token.bytes().filter(|byte| *byte == b':').count() < 2 || start < scan.floor {
        return None;
    }
    token.parse::<Ipv6Addr>().ok()?;
    let next = scan.text.get(start + token.len()).copied().unwrap_or(b' ');
    let ends = KIND[usize::from(next)] & ALNUM == 0;
    let groups = token.split(':').filter(|group| !group.is_empty()).count();
    let confidence = if groups >= 3 { Confidence::Likely } else { Confidence::Possible };
    ends.then_some((start, start + token.len(), Found::new(Class::IpAddress, confidence, Reason::Grammar)))
}

/// `wxid_` and its characters; `run` is `wxid`.
pub(super) fn wxid(scan: &Scan<'_>, run: Run) -> Option<Spanned> {
    (scan.text.get(run.end) == Some(&b'_')).then_some(())?;
    let length = account_length(scan.text, run.end + 1);
    (6..=25).contains(&length).then_some((run.start, run.end + 1 + length, GRAMMAR(Class::WeChat)))
}

/// The account after 微信, which begins at `at`.
pub(super) fn wechat_after(scan: &Scan<'_>, at: usize) -> Option<Spanned> {
    let tail = scan.text.get(at..)?;
    tail.starts_with("微信".as_bytes()).then_some(())?;
    account(scan, at + "微信".len())
}

/// An account name behind a word that ends at `at`: a letter, then 5 to 19 letters, digits, `_` or `-`.
pub(super) fn account(scan: &Scan<'_>, mut at: usize) -> Option<Spanned> {
    const BETWEEN: [&str; 13] = ["号码", "账号", "帐号", "号", "：", "为", "是", ":", " ", "ID", "id", "（", "("];
    for _ in 0..5 {
        let tail = scan.text.get(at..)?;
        match BETWEEN.iter().find(|word| tail.starts_with(word.as_bytes())) {
            Some(word) => at += word.len(),
            None => break,
        }
    }
    let first = *scan.text.get(at)?;
    (KIND[usize::from(first)] & (UPPER | LOWER) != 0).then_some(())?;
    let length = account_length(scan.text, at);
    let name = scan.text.get(at..at + length)?;
    // a word of small letters may be a word of the sentence: an account has a digit, a sign or a word with a colon before it
    let has_mark = name.iter().any(|byte| KIND[usize::from(*byte)] & DIGIT != 0 || matches!(byte, b'_' | b'-'));
    let is_named = !matches!(scan.text.get(..at)?, [.., b' ']) || has_mark;
    let is_mail = scan.text.get(at + length) == Some(&b'@');
    ((6..=20).contains(&length) && is_named && !is_mail).then_some((
        at,
        at + length,
        Found::new(Class::WeChat, Confidence::Likely, Reason::ShapeAndContext),
    ))
}

fn account_length(text: &[u8], at: usize) -> usize {
    let is_part = |byte: &&u8| KIND[usize::from(**byte)] & ALNUM != 0 || matches!(**byte, b'_' | b'-');
    text.get(at..).unwrap_or(&[]).iter().take(26).take_while(is_part).count()
}

/// Digits that a word calls a QQ number: 5 to 11, no zero in front.
pub(super) fn is_qq(scan: &Scan<'_>, start: usize, digits: &[u8]) -> bool {
    (5..=11).contains(&digits.len()) && digits.first() != Some(&b'0') && names_before(scan.text, start, Class::Qq)
}
