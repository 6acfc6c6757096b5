//! People: identity number, age, district, and two hidden traits from which all columns follow.

use std::collections::HashSet;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use time::{Date, Month};

use super::regions::{BIRTH_REGIONS, DISTRICTS};
use crate::key::resident_id::check_digit;

/// The day on which ages are counted: 1 January 2026.
pub const REFERENCE_DAY: Date = match Date::from_calendar_date(2026, Month::January, 1) {
    Ok(day) => day,
    Err(_) => Date::MIN,
};

/// Version of the generator in the seed: other rules give other residents, and the version says so.
const DOMAIN: &[u8; 24] = b"yu simulated residents 1";

/// One stream of randomness per use, so that one table does not depend on how the other is made.
#[derive(Clone, Copy)]
pub(super) enum Stream {
    People = 0,
    OrderHealth = 1,
    OrderBank = 2,
    OrderConsent = 3,
    Health = 4,
    Bank = 5,
    Consent = 6,
}

/// A resident.
pub(super) struct Person {
    pub(super) id: [u8; 18],
    /// Index into [`DISTRICTS`].
    pub(super) district: usize,
    /// Full years on [`REFERENCE_DAY`], 18 to 96.
    pub(super) age: u8,
    /// Standard normal; richer is larger.
    pub(super) wealth: f64,
    /// About standard normal; iller is larger. Correlated with wealth by -0.25.
    pub(super) illness: f64,
}

impl Person {
    /// INVARIANT: the id is ASCII.
    pub(super) fn id(&self) -> &str {
        std::str::from_utf8(&self.id).unwrap_or("")
    }

    pub(super) fn age(&self) -> f64 {
        f64::from(self.age)
    }
}

pub(super) fn people(seed: u64, count: usize) -> Vec<Person> {
    let mut dice = Dice::new(seed, Stream::People);
    let mut taken = HashSet::with_capacity(count);
    let total: u64 = DISTRICTS.iter().map(|district| district.weight).sum();
    let mut people = Vec::with_capacity(count);
    for _ in 0..count {
        let district = pick_district(dice.below(total));
        let (id, age) = loop {
            let (number, age) = identity(&mut dice, DISTRICTS[district].code);
            if taken.insert(number) {
                break (written(number), age);
            }
        };
        let wealth = dice.normal();
        let illness = 0.968 * dice.normal() - 0.25 * wealth;
        people.push(Person { id, district, age, wealth, illness });
    }
    people
}

fn pick_district(mut point: u64) -> usize {
    for (index, district) in DISTRICTS.iter().enumerate() {
        if point < district.weight {
            return index;
        }
        point -= district.weight;
    }
    DISTRICTS.len() - 1
}

/// The first 17 digits as a number, and the age. Six of seven live where they were registered at birth.
fn identity(dice: &mut Dice, home: u32) -> (u64, u8) {
    let region = if dice.below(7) > 0 { home } else { BIRTH_REGIONS[dice.below(10) as usize] };
    let years = if dice.below(100) < 72 {
        18 + dice.below(42)
    } else {
        // fewer the older: the smaller of two draws
        60 + dice.below(36).min(dice.below(36))
    };
    // 1461 days are four years
    let days = (years * 1461).div_ceil(4) + dice.below(365);
    let birth = Date::from_julian_day(REFERENCE_DAY.to_julian_day() - days as i32).unwrap_or(REFERENCE_DAY);
    let mut age = REFERENCE_DAY.year() - birth.year();
    if (birth.month() as u8, birth.day()) > (1, 1) {
        age -= 1;
    }
    let order = 1 + dice.below(999);
    let date = birth.year() as u64 * 10_000 + u64::from(birth.month() as u8) * 100 + u64::from(birth.day());
    ((u64::from(region) * 100_000_000 + date) * 1000 + order, age as u8)
}

fn written(mut number: u64) -> [u8; 18] {
    let mut body = [b'0'; 17];
    for digit in body.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
    let mut id = [0; 18];
    id[..17].copy_from_slice(&body);
    id[17] = check_digit(&body);
    id
}

/// Draws from a stream.
pub(super) struct Dice(ChaCha20Rng);

impl Dice {
    pub(super) fn new(seed: u64, stream: Stream) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..].copy_from_slice(DOMAIN);
        let mut rng = ChaCha20Rng::from_seed(key);
        rng.set_stream(stream as u64);
        Self(rng)
    }

    /// Uniform in `0..bound`, by multiplication; the bias is below `bound / 2^64`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.0.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// Uniform in `[0, 1)`.
    pub(super) fn share(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Mean 0, standard deviation 1, within 6 of 0: the sum of twelve uniform numbers of 16 bits (Irwin-Hall).
    /// Unlike Box-Muller it needs no logarithm, whose last bit differs between machines.
    pub(super) fn normal(&mut self) -> f64 {
        let mut sum = 0u64;
        for _ in 0..3 {
            let word = self.0.next_u64();
            sum += (word & 0xffff) + (word >> 16 & 0xffff) + (word >> 32 & 0xffff) + (word >> 48);
        }
        // the mean of a 16-bit number is 32767.5
        (sum as f64 - 12.0 * 32_767.5) / 65_536.0
    }

    /// Whether something of this probability happens.
    pub(super) fn happens(&mut self, probability: f64) -> bool {
        self.share() < probability
    }

    /// Poisson (Knuth), for small means.
    pub(super) fn count(&mut self, mean: f64) -> i64 {
        let limit = exp(-mean);
        let mut product = self.share();
        let mut count = 0;
        while product > limit && count < 200 {
            product *= self.share();
            count += 1;
        }
        count
    }
}

/// e^x within about x^2 / 8192, by twelve squarings: the same bits on every machine.
pub(super) fn exp(x: f64) -> f64 {
    let mut value = 1.0 + x / 4096.0;
    for _ in 0..12 {
        value *= value;
    }
    value
}

/// Rounds to fen (a hundredth of a yuan).
pub(super) fn fen(yuan: f64) -> f64 {
    (yuan * 100.0).round() / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_have_their_moments() {
        let mut dice = Dice::new(1, Stream::People);
        let n = 100_000;
        let draws: Vec<f64> = (0..n).map(|_| dice.normal()).collect();
        let mean = draws.iter().sum::<f64>() / f64::from(n);
        let variance = draws.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / f64::from(n);
        // five standard errors: one false alarm in a million seeds
        assert!(mean.abs() < 0.016, "{mean}");
        assert!((variance - 1.0).abs() < 0.022, "{variance}");
        let counts = (0..n).map(|_| dice.count(4.0)).sum::<i64>() as f64 / f64::from(n);
        assert!((counts - 4.0).abs() < 0.04, "{counts}");
        for x in [-8.0f64, -1.0, 0.0, 0.5, 3.0] {
            assert!((exp(x) / x.exp() - 1.0).abs() < 0.01, "{x}");
        }
    }
}
