//! The dictionary attack (字典攻击): guess inputs, apply unkeyed functions, look whether a released digest comes out.
//!
//! First the small sets: the values of the original's columns (the strongest guesses there are) and given words, with
//! every function: plain, twice, with a constant salt before or after, HMAC with a trivial key. One function that is found
//! is then applied to all of them. Only if that finds nothing, and the original has no column of the name, whole
//! domains are enumerated: mobile numbers, resident identity numbers, as far as the budget goes.
//!
//! Short digests meet by chance: hits count only if they are far more than chance gives (six standard deviations).

use std::collections::HashMap;

use super::budget::Meter;
use super::digest::{Algorithm, Digests, window};
use super::guess::Source;

/// Salts and keys that are no secrets.
const SALTS: [&str; 14] =
    ["salt", "123456", "password", "admin", "secret", "key", "test", "abc", "root", "0", "1", "hash", "default", "12345678"];

/// Guesses on which all functions are tried at least; a function shows on a few.
const PROBES: usize = 4096;

/// Released cells that should be among these guesses if the function is right: none is with chance e^-20.
const EXPECTED: usize = 20;

/// Guesses of an enumeration between two looks at the clock.
const CHUNK: u64 = 1 << 14;

/// How a constant goes into a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    Plain,
    /// Of the digest in hexadecimal, once more.
    Twice,
    Before,
    After,
    Hmac,
}

/// An unkeyed function: all of it is public or guessable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Function {
    pub(super) algorithm: Algorithm,
    pub(super) how: Use,
    constant: Vec<u8>,
}

impl Function {
    fn plain(algorithm: Algorithm) -> Self {
        Self { algorithm, how: Use::Plain, constant: Vec::new() }
    }

    fn apply(&self, input: &[u8], buffer: &mut Vec<u8>) -> [u8; 64] {
        if self.how == Use::Plain {
            return self.algorithm.digest(input);
        }
        buffer.clear();
        if self.how == Use::Twice {
            buffer.resize(self.algorithm.nibbles(), 0);
            let inner = self.algorithm.digest(input);
            let written = inner.get(..self.algorithm.nibbles() / 2).map(|inner| hex::encode_to_slice(inner, buffer));
            debug_assert_eq!(written, Some(Ok(())), "two digits for each byte");
            return self.algorithm.digest(buffer);
        }
        match self.how {
            Use::Plain | Use::Twice | Use::Before => buffer.extend_from_slice(&self.constant),
            Use::After => {}
            Use::Hmac => buffer.extend((0..64).map(|place| self.constant.get(place).copied().unwrap_or(0) ^ 0x36)),
        }
        buffer.extend_from_slice(input);
        if self.how == Use::After {
            buffer.extend_from_slice(&self.constant);
        }
        let inner = self.algorithm.digest(buffer);
        if self.how != Use::Hmac {
            return inner;
        }
        // RFC 2104; the trivial keys are shorter than a block, and the functions tried have blocks of 64 bytes
        buffer.clear();
        buffer.extend((0..64).map(|place| self.constant.get(place).copied().unwrap_or(0) ^ 0x5c));
        buffer.extend_from_slice(inner.get(..self.algorithm.nibbles() / 2).unwrap_or(&inner));
        self.algorithm.digest(buffer)
    }

    /// Every function whose digests are long enough.
    fn all(nibbles: usize, names: &[&str]) -> Vec<Self> {
        let mut functions: Vec<Self> = algorithms(nibbles).map(Self::plain).collect();
        functions.extend(algorithms(nibbles).map(|algorithm| Self { how: Use::Twice, ..Self::plain(algorithm) }));
        for algorithm in algorithms(nibbles) {
            for salt in SALTS.iter().chain(names).filter(|salt| !salt.is_empty() && salt.len() <= 64) {
                let has_small_block = !matches!(algorithm, Algorithm::Sha384 | Algorithm::Sha512);
                for how in [Use::Before, Use::After, Use::Hmac] {
                    if how != Use::Hmac || has_small_block {
                        functions.push(Self { algorithm, how, constant: salt.as_bytes().to_vec() });
                    }
                }
            }
            if !matches!(algorithm, Algorithm::Sha384 | Algorithm::Sha512) {
                functions.push(Self { algorithm, how: Use::Hmac, constant: Vec::new() });
            }
        }
        functions
    }
}

/// Functions that can have made digests of a length: whole ones first; cut ones if the length is nobody's own.
fn algorithms(nibbles: usize) -> impl Iterator<Item = Algorithm> {
    let is_own = Algorithm::ALL.iter().any(|algorithm| algorithm.nibbles() == nibbles);
    Algorithm::ALL.into_iter().filter(move |algorithm| {
        let is_whole = algorithm.nibbles() == nibbles;
        // a 32-digit cut of SHA-256 is common enough to try beside MD5
        let is_common_cut = matches!(algorithm, Algorithm::Sha1 | Algorithm::Sha256 | Algorithm::Sm3 | Algorithm::Md5);
        is_whole || (is_common_cut && algorithm.nibbles() > nibbles && (!is_own || nibbles <= 40))
    })
}

/// Released digests, ready to be looked up.
pub(super) struct Targets<'a> {
    digests: &'a Digests,
    places: HashMap<u64, Vec<u32>>,
    /// One bit per hash of a fingerprint: nearly all guesses end here.
    filter: Vec<u64>,
    shift: u32,
    fingerprint: usize,
}

impl<'a> Targets<'a> {
    pub(super) fn new(digests: &'a Digests) -> Self {
        let fingerprint = digests.nibbles.min(16);
        let bits = (digests.hex.len().max(4096) * 16).next_power_of_two();
        let shift = 64 - bits.trailing_zeros();
        let mut this = Self { digests, places: HashMap::new(), filter: vec![0; bits / 64], shift, fingerprint };
        for (place, hex) in (0u32..).zip(&digests.hex) {
            let Some(key) = hex.get(..fingerprint).and_then(|head| u64::from_str_radix(head, 16).ok()) else { continue };
            let slot = slot(key, shift);
            if let Some(word) = this.filter.get_mut(slot / 64) {
                *word |= 1 << (slot % 64);
            }
            this.places.entry(key).or_default().push(place);
        }
        this
    }

    /// The targets that a digest equals, cut at digit `start`.
    #[inline]
    fn find(&self, digest: &[u8; 64], start: usize) -> Option<&[u32]> {
        let key = window(digest, start, self.fingerprint);
        let slot = slot(key, self.shift);
        if self.filter.get(slot / 64).is_none_or(|word| word >> (slot % 64) & 1 == 0) {
            return None;
        }
        let places = self.places.get(&key)?;
        let hex = hex::encode(digest);
        let cut = hex.get(start..start + self.digests.nibbles)?;
        let is_hit = places.iter().any(|place| self.digests.hex.get(*place as usize).is_some_and(|target| target == cut));
        is_hit.then_some(places.as_slice())
    }
}

#[inline]
fn slot(key: u64, shift: u32) -> usize {
    (key.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> shift) as usize
}

/// What the attack gave.
pub(super) struct Broken {
    /// Per distinct digest whether its input was found.
    pub(super) is_found: Vec<bool>,
    /// The function, if one was identified beyond chance.
    pub(super) function: Option<Function>,
    /// Where the inputs came from, in English and Chinese.
    pub(super) source: (&'static str, &'static str),
    /// Size of the domain that an attacker would go through, if it was enumerated.
    pub(super) domain: Option<u64>,
    /// Guesses per second of the enumeration.
    pub(super) rate: f64,
    /// Functions that were tried.
    pub(super) functions: usize,
    /// Whether all small sets were tried with all functions: without it nothing is proven.
    pub(super) is_small_done: bool,
}

/// A set of guesses held in memory, its most valuable first.
pub(super) struct Small<'a> {
    pub(super) name: (&'static str, &'static str),
    pub(super) guesses: Vec<&'a str>,
}

/// The attack itself. `names` are further salts: the name of the column and of the table.
pub(super) fn attack(digests: &Digests, small: &[Small<'_>], large: &[&dyn Source], names: &[&str], meter: &mut Meter<'_>) -> Broken {
    let targets = Targets::new(digests);
    let functions = Function::all(digests.nibbles, names);
    let mut this = Broken {
        is_found: vec![false; digests.hex.len()],
        function: None,
        source: ("", ""),
        domain: None,
        rate: 0.0,
        functions: functions.len(),
        is_small_done: true,
    };
    for set in small {
        this.is_small_done &= this.small(&targets, set, &functions, meter);
        if this.function.is_some() {
            return this;
        }
    }
    let plain: Vec<Function> = algorithms(digests.nibbles).map(Function::plain).collect();
    let runs = (large.iter().filter(|source| source.len() > 0).count() * plain.len()).max(1) as u64;
    let each = meter.left() / runs;
    for source in large {
        for function in &plain {
            this.enumerate(&targets, *source, function, each.min(source.len()), meter);
            if this.function.is_some() {
                return this;
            }
        }
    }
    this
}

impl Broken {
    /// All functions on some guesses, plain ones on all, and what was found on all. False if the budget ended it.
    fn small(&mut self, targets: &Targets<'_>, set: &Small<'_>, functions: &[Function], meter: &mut Meter<'_>) -> bool {
        let plain = algorithms(targets.digests.nibbles).count();
        // a few released rows of a large original are rare among the guesses
        let some = set.guesses.len().saturating_mul(EXPECTED) / self.is_found.len().max(1);
        let some = some.max(PROBES).min(set.guesses.len());
        for (number, function) in functions.iter().enumerate() {
            let probes = if number < plain { set.guesses.len() } else { some };
            if !meter.spend(probes as u64) {
                return false;
            }
            let mut found = vec![false; self.is_found.len()];
            try_all(targets, function, set.guesses.iter().take(probes), &mut found);
            if !is_beyond_chance(&found, probes as u64, targets.digests) {
                continue;
            }
            // even without budget left, a few hits decide
            if probes < set.guesses.len() && meter.spend((set.guesses.len() - probes) as u64) {
                try_all(targets, function, set.guesses.iter().skip(probes), &mut found);
            }
            self.is_found = found;
            self.function = Some(function.clone());
            self.source = set.name;
            return true;
        }
        true
    }

    fn enumerate(&mut self, targets: &Targets<'_>, source: &dyn Source, function: &Function, tries: u64, meter: &mut Meter<'_>) {
        let windows = function.algorithm.windows(targets.digests.nibbles);
        let mut found = vec![false; self.is_found.len()];
        let mut buffer = [0; 32];
        let start = meter.seconds();
        let mut done = 0;
        while done < tries {
            let chunk = CHUNK.min(tries - done);
            if !meter.spend(chunk) {
                break;
            }
            for index in done..done + chunk {
                let length = source.write(index, &mut buffer);
                let digest = function.algorithm.digest(buffer.get(..length).unwrap_or(&[]));
                for window in &windows {
                    if let Some(places) = targets.find(&digest, *window) {
                        mark(&mut found, places);
                    }
                }
            }
            done += chunk;
        }
        if done < source.len() {
            meter.cut();
        }
        if is_beyond_chance(&found, done, targets.digests) {
            self.is_found = found;
            self.function = Some(function.clone());
            self.source = source.name();
            self.domain = Some(source.len());
            self.rate = done as f64 / (meter.seconds() - start).max(1e-9);
        }
    }

    /// Rows whose input was found; `counts` are the rows of each distinct digest.
    pub(super) fn rows(&self, counts: &[u64]) -> u64 {
        self.is_found.iter().zip(counts).filter(|(is_found, _)| **is_found).map(|(_, count)| count).sum()
    }
}

fn mark(found: &mut [bool], places: &[u32]) {
    for place in places {
        if let Some(is_found) = found.get_mut(*place as usize) {
            *is_found = true;
        }
    }
}

/// A function on guesses as they are, with the other case of letters, and with the country code before mobile numbers.
fn try_all<'g>(targets: &Targets<'_>, function: &Function, guesses: impl Iterator<Item = &'g &'g str>, found: &mut [bool]) {
    let windows = function.algorithm.windows(targets.digests.nibbles);
    let mut buffer = Vec::new();
    let mut one = |guess: &str| {
        let digest = function.apply(guess.as_bytes(), &mut buffer);
        for window in &windows {
            if let Some(places) = targets.find(&digest, *window) {
                mark(found, places);
            }
        }
    };
    for guess in guesses {
        one(guess);
        if guess.bytes().any(|byte| byte.is_ascii_lowercase()) {
            one(&guess.to_ascii_uppercase());
        }
        if guess.bytes().any(|byte| byte.is_ascii_uppercase()) {
            one(&guess.to_ascii_lowercase());
        }
        if guess.len() == 11 && guess.bytes().all(|byte| byte.is_ascii_digit()) {
            one(&format!("+86{guess}"));
            one(&format!("86{guess}"));
        }
    }
}

/// Whether the hits are more than guesses give by chance.
fn is_beyond_chance(found: &[bool], tries: u64, digests: &Digests) -> bool {
    let hits = found.iter().filter(|is_found| **is_found).count() as f64;
    let cuts = 5.0 * 3.0; // forms of a guess, places of a cut
    let chance = cuts * tries as f64 * found.len() as f64 / 16f64.powi(i32::try_from(digests.nibbles).unwrap_or(i32::MAX));
    hits > if chance < 1e-3 { 0.0 } else { chance + 6.0 * chance.sqrt() + 3.0 }
}

/// How an attacker would write the function down; `v` is the value.
pub(super) fn notation(function: &Function, nibbles: usize) -> String {
    let name = function.algorithm.name();
    let cut = if nibbles < function.algorithm.nibbles() { format!(" ({nibbles}/{})", function.algorithm.nibbles()) } else { String::new() };
    match function.how {
        Use::Plain => format!("{name}(v){cut}"),
        Use::Twice => format!("{name}({name}(v)){cut}"),
        Use::Before => format!("{name}(constant || v){cut}"),
        Use::After => format!("{name}(v || constant){cut}"),
        Use::Hmac => format!("HMAC-{name}(constant, v){cut}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::budget::{Budget, system_clock};
    use super::super::digest::{Form, recognise};
    use super::super::guess::{Guesses, Mobiles};
    use super::*;

    fn meter(tries: u64) -> Meter<'static> {
        Meter::new(&system_clock, Budget { tries, seconds: 600.0 })
    }

    fn mobiles(count: u64) -> Vec<String> {
        (0..count).map(|number| format!("139{:08}", number * 7_654_321 % 100_000_000)).collect()
    }

    #[test]
    fn every_function_is_recognised_from_values() {
        let values = mobiles(200);
        let guesses: Vec<&str> = values.iter().map(String::as_str).collect();
        let small = [Small { name: ("original", ""), guesses }];
        let mut buffer = Vec::new();
        for function in Function::all(32, &["phone"]).into_iter().chain(Function::all(64, &[])).step_by(5) {
            let length = function.algorithm.nibbles().min(64);
            let cells: Vec<String> =
                values.iter().map(|value| hex::encode(function.apply(value.as_bytes(), &mut buffer))[..length].to_owned()).collect();
            let digests = recognise(&cells, Form::Usual).unwrap();
            let broken = attack(&digests, &small, &[], &["phone"], &mut meter(1 << 30));
            assert_eq!(broken.function.as_ref().map(|found| found.algorithm), Some(function.algorithm));
            assert!(broken.is_found.iter().all(|is_found| *is_found));
        }
    }

    #[test]
    fn hmac_is_that_of_rfc_2104() {
        // RFC 4231 has no trivial key; RFC 2202, section 2, case 2: key "Jefe"
        let function = Function { algorithm: Algorithm::Md5, how: Use::Hmac, constant: b"Jefe".to_vec() };
        let digest = function.apply(b"what do ya want for nothing?", &mut Vec::new());
        assert_eq!(hex::encode(&digest[..16]), "750c783e6ab0b503eaa86e310a5db738");
    }

    #[test]
    fn a_domain_is_enumerated_without_the_original() {
        let values = mobiles(400);
        let cells: Vec<String> = values.iter().map(|value| hex::encode(&Algorithm::Md5.digest(value.as_bytes())[4..12])).collect();
        let source = Mobiles::new(&Guesses { mobile_ranges: vec![139], ..Guesses::default() });
        let broken = attack(&recognise(&cells, Form::Usual).unwrap(), &[], &[&source], &[], &mut meter(1 << 23));
        // 400 of 10^8, 2^23 / 4 functions: eight expected, none with chance 0.0002
        assert_eq!(broken.function.as_ref().map(|function| notation(function, 16)).as_deref(), Some("MD5(v) (16/32)"));
        assert_eq!(broken.domain, Some(100_000_000));
        assert!(broken.rate > 0.0);
    }

    #[test]
    fn short_random_tokens_do_not_meet_by_chance() {
        let tokens: Vec<String> = (0..2000u64)
            .map(|number| hex::encode(&Algorithm::Sha256.digest(&[&b"a key that nobody knows"[..], &number.to_le_bytes()].concat())[..4]))
            .collect();
        let values = mobiles(2000);
        let small = [Small { name: ("original", ""), guesses: values.iter().map(String::as_str).collect() }];
        let source = Mobiles::new(&Guesses::default());
        let broken = attack(&recognise(&tokens, Form::Usual).unwrap(), &small, &[&source], &[], &mut meter(1 << 20));
        assert!(broken.function.is_none() && broken.is_small_done);
        assert_eq!(broken.rows(&vec![1; 2000]), 0);
        let broken = attack(&recognise(&tokens, Form::Usual).unwrap(), &small, &[], &[], &mut meter(1000));
        assert!(!broken.is_small_done);
    }
}
