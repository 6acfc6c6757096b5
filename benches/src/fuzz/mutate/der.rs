//! Changes to elements of DER that leave the lengths around them right: they reach what a flipped byte does not.

use super::{Rng, integer};

/// Deepest element that is looked at: certificates have about eight.
const DEEPEST: u32 = 16;

/// One element, at any depth, is changed.
pub(super) fn change(bytes: &[u8], rng: &mut Rng) -> Vec<u8> {
    let all = elements(bytes);
    if all.is_empty() {
        return bytes.to_vec();
    }
    list(&all, rng, 0)
}

/// The elements that follow one another; none if it is no DER from end to end.
fn elements(mut bytes: &[u8]) -> Vec<(u8, &[u8])> {
    let mut all = Vec::new();
    while let Some((tag, content, rest)) = element(bytes) {
        all.push((tag, content));
        bytes = rest;
    }
    if bytes.is_empty() { all } else { Vec::new() }
}

fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&tag, rest) = bytes.split_first()?;
    let (&first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x83 => {
            let (digits, rest) = rest.split_at_checked(usize::from(first - 0x80))?;
            (digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

fn write(out: &mut Vec<u8>, tag: u8, content: &[u8]) {
    out.push(tag);
    let length = u32::try_from(content.len()).unwrap_or(u32::MAX).to_be_bytes();
    match content.len() {
        0..=0x7f => out.push(length[3]),
        0x80..=0xff => out.extend([0x81, length[3]]),
        0x100..=0xffff => out.extend([0x82, length[2], length[3]]),
        _ => out.extend([0x83, length[1], length[2], length[3]]),
    }
    out.extend_from_slice(content);
}

fn list(all: &[(u8, &[u8])], rng: &mut Rng, depth: u32) -> Vec<u8> {
    let mut out = Vec::new();
    let chosen = rng.below(all.len());
    let other = rng.below(all.len());
    let what = rng.below(12);
    for (index, (tag, content)) in all.iter().enumerate() {
        if index != chosen {
            write(&mut out, *tag, content);
            continue;
        }
        // OCTET STRING and BIT STRING of certificates hold DER as well
        let skip = usize::from(*tag == 3 && content.first() == Some(&0));
        let inner = elements(content.get(skip..).unwrap_or_default());
        if !inner.is_empty() && depth < DEEPEST && rng.below(5) > 0 {
            let mut content = content.get(..skip).unwrap_or_default().to_vec();
            content.extend(list(&inner, rng, depth + 1));
            write(&mut out, *tag, &content);
            continue;
        }
        match what {
            0 => {}
            1 => (0..2).for_each(|_| write(&mut out, *tag, content)),
            2 => write(&mut out, rng.byte() & 0xbf, content),
            3 => write(&mut out, *tag, &[]),
            4 => write(&mut out, *tag, all[other].1),
            5 => {
                write(&mut out, all[other].0, all[other].1);
                write(&mut out, *tag, content);
            }
            6 => {
                let times = if rng.once_in(8) { 600 } else { 40 };
                (0..times).for_each(|_| write(&mut out, *tag, content));
            }
            7 => write(&mut out, *tag, &content[rng.range(content.len())]),
            8 => {
                let mut longer = content.to_vec();
                longer.extend((0..=rng.below(40)).map(|_| rng.byte()));
                write(&mut out, *tag, &longer);
            }
            _ => {
                let mut changed = content.to_vec();
                if let Some(last) = changed.len().checked_sub(1) {
                    let at = rng.below(last + 1);
                    changed[at] ^= 1 << rng.below(8);
                    integer(&mut changed, at, rng);
                }
                write(&mut out, *tag, &changed);
            }
        }
    }
    out
}
