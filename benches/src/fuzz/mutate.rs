//! Changes to inputs, each a function of the input and one number of 32 bits: what was run can be run again from numbers.

mod der;
mod dictionary;

/// What an input is made of: which changes are worth trying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Fixed layouts and lengths.
    Binary,
    /// DER: elements inside elements.
    Der,
    /// CBOR, COSE.
    Cbor,
    /// JSON.
    Json,
    /// PEM, times, tokens.
    Text,
}

/// Longest input that is made: every reader has its own limit, most of them far below.
pub const LONGEST: usize = 96 << 10;

/// Random numbers (splitmix64): fast, and the same everywhere.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// From a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// 64 bits.
    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    /// 32 bits.
    pub const fn word(&mut self) -> u32 {
        (self.next() >> 32) as u32
    }

    /// A number below `bound`; 0 for 0.
    pub const fn below(&mut self, bound: usize) -> usize {
        ((self.next() as u128 * bound as u128) >> 64) as usize
    }

    /// True once in `times`.
    pub const fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[7]
    }

    /// One of them; `fallback` where there is none.
    fn pick<'a, T: ?Sized>(&mut self, all: &[&'a T], fallback: &'a T) -> &'a T {
        all.get(self.below(all.len())).copied().unwrap_or(fallback)
    }

    /// A range inside `length`, mostly short.
    fn range(&mut self, length: usize) -> std::ops::Range<usize> {
        let most = match self.below(4) {
            0 => 4,
            1 => 16,
            2 => 128,
            _ => length,
        };
        let size = self.below(most.min(length) + 1);
        let start = self.below(length - size + 1);
        start..start + size
    }
}

/// The input with a few changes. `donors`: other inputs, pieces of which may be put in.
#[must_use]
pub fn mutate(input: &[u8], step: u32, donors: &[&[u8]], form: Form) -> Vec<u8> {
    let mut rng = Rng::new(u64::from(step));
    let mut bytes = input.to_vec();
    let mut changes = 1 + rng.below(3);
    if rng.once_in(8) {
        changes += rng.below(12);
    }
    for _ in 0..changes {
        match form {
            Form::Der if rng.below(3) > 0 => bytes = der::change(&bytes, &mut rng),
            Form::Json if rng.below(3) > 0 => tokens(&mut bytes, &mut rng),
            _ => change(&mut bytes, &mut rng, donors, form),
        }
        bytes.truncate(LONGEST);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, rng: &mut Rng, donors: &[&[u8]], form: Form) {
    if bytes.is_empty() {
        bytes.extend((0..=rng.below(16)).map(|_| rng.byte()));
        return;
    }
    let at = rng.below(bytes.len());
    match rng.below(16) {
        0 | 1 => bytes[at] ^= 1 << rng.below(8),
        2 => bytes[at] = rng.byte(),
        3 => bytes[at] = [0, 1, 0x1f, 0x20, 0x7f, 0x80, 0x81, 0x82, 0xfe, 0xff][rng.below(10)],
        4..=6 => integer(bytes, at, rng),
        7 => bytes.truncate(at),
        8 => drop(bytes.drain(rng.range(bytes.len()))),
        9 => {
            let new: Vec<u8> = (0..rng.below(24)).map(|_| rng.byte()).collect();
            bytes.splice(at..at, new);
        }
        10 => {
            // the same again, once or very often
            let block = bytes[rng.range(bytes.len())].to_vec();
            let times = if rng.once_in(256) { (LONGEST - LONGEST / 4) / block.len().max(1) } else { 1 };
            bytes.splice(at..at, block.repeat(times.min(1 << 15)));
        }
        11 => {
            let (from, to) = (rng.range(bytes.len()), rng.below(bytes.len()));
            let block = bytes[from].to_vec();
            bytes.iter_mut().skip(to).zip(block).for_each(|(old, new)| *old = new);
        }
        12 => {
            let fill = [0, 0xff, 0x80, b' '][rng.below(4)];
            let range = rng.range(bytes.len());
            bytes[range].fill(fill);
        }
        13 => {
            let donor = rng.pick(donors, &[]);
            let piece = donor[rng.range(donor.len())].to_vec();
            let range = if rng.once_in(2) { at..at } else { rng.range(bytes.len()) };
            bytes.splice(range, piece);
        }
        14 => {
            // the head of one and the tail of another, at the same place or anywhere
            let donor = rng.pick(donors, &[]);
            let from = if rng.once_in(2) { at.min(donor.len()) } else { rng.below(donor.len() + 1) };
            bytes.truncate(at);
            bytes.extend_from_slice(&donor[from..]);
        }
        _ => {
            let word = rng.pick(dictionary::of(form), &[]);
            let range = if rng.once_in(2) { at..at } else { at..(at + word.len()).min(bytes.len()) };
            bytes.splice(range, word.iter().copied());
        }
    }
}

/// A number of 1, 2, 4 or 8 bytes, either byte order: moved a little, an extreme, or as long as what follows it.
fn integer(bytes: &mut [u8], at: usize, rng: &mut Rng) {
    let width = 1_usize << rng.below(4);
    let (length, is_little) = (bytes.len(), rng.once_in(2));
    let Some(field) = bytes.get_mut(at..at + width) else { return };
    let mut value = field.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte));
    let bits = u32::try_from(width * 8).unwrap_or(64);
    if is_little {
        value = value.swap_bytes() >> (64 - bits);
    }
    let near = u64::try_from(rng.below(33)).unwrap_or(0).wrapping_sub(16);
    value = match rng.below(4) {
        0 => value.wrapping_add(near),
        1 => u64::try_from(length - at - width).unwrap_or(0).wrapping_add(near),
        2 => (1_u64 << rng.below(64)).wrapping_add(near),
        _ => [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff, u64::MAX][rng.below(12)],
    };
    let whole = if is_little { value.to_le_bytes() } else { (value << (64 - bits)).to_be_bytes() };
    field.iter_mut().zip(whole).for_each(|(old, new)| *old = new);
}

/// Pieces between the separators of JSON: left out, doubled, put elsewhere, or a value in their place.
fn tokens(bytes: &mut Vec<u8>, rng: &mut Rng) {
    if bytes.is_empty() {
        return;
    }
    let edge = |bytes: &[u8], rng: &mut Rng| {
        let start = rng.below(bytes.len());
        let is_edge = |byte: &u8| matches!(byte, b',' | b':' | b'{' | b'}' | b'[' | b']' | b'"');
        bytes.iter().skip(start).position(is_edge).map_or(bytes.len(), |more| start + more)
    };
    let from = edge(bytes, rng);
    let to = match rng.below(3) {
        // to the next separator, or to any
        0 => edge(bytes, rng),
        _ => bytes
            .iter()
            .skip(from + 1)
            .position(|byte| matches!(byte, b',' | b'}' | b']' | b'"'))
            .map_or(bytes.len(), |more| from + 1 + more),
    };
    let range = from.min(to)..from.max(to);
    match rng.below(5) {
        0 => drop(bytes.drain(range)),
        1 => {
            let piece = bytes[range.clone()].to_vec();
            bytes.splice(range.end..range.end, piece);
        }
        2 => {
            let (piece, place) = (bytes[range].to_vec(), edge(bytes, rng));
            bytes.splice(place..place, piece);
        }
        _ => {
            let word = rng.pick(dictionary::JSON, &[]);
            bytes.splice((range.start + 1).min(range.end)..range.end, word.iter().copied());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_depends_on_its_number_only_and_stays_in_bounds() {
        let (input, donor) = (vec![0x30, 3, 2, 1, 5], vec![0x55; 300]);
        for form in [Form::Binary, Form::Der, Form::Cbor, Form::Json, Form::Text] {
            let mut changed = 0;
            for step in 0..2000 {
                let first = mutate(&input, step, &[&donor], form);
                assert_eq!(first, mutate(&input, step, &[&donor], form));
                assert!(first.len() <= LONGEST);
                changed += u32::from(first != input);
                for input in [&[][..], &[0], &[0xff; 70]] {
                    assert!(mutate(input, step, &[], form).len() <= LONGEST);
                }
            }
            assert!(changed > 1500, "{form:?}: {changed}");
        }
    }
}
