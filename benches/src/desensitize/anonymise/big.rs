//! The Adult table scaled up: rows drawn with replacement, then each cell replaced with probability 0.1 by a draw from its
//! column. The same rows as `gen_adult_big.py`: numpy's default generator (PCG64 seeded by its SeedSequence) is repeated here.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use yu_desensitize::{Table, column};

use crate::Result;

pub(super) fn bootstrap(table: &Table, rows: usize, seed: u32) -> Result<Table> {
    let mut random = Pcg64::seeded(seed);
    let size = u32::try_from(table.num_rows())?;
    let drawn: Vec<u32> = (0..rows).map(|_| random.below(size)).collect();
    let mut columns = Vec::new();
    for name in table.column_names() {
        let values = column::text(table, name)?;
        let mut picks = drawn.clone();
        let replaced: Vec<usize> = (0..rows).filter(|_| random.unit() < 0.1).collect();
        for row in replaced {
            picks[row] = random.below(size);
        }
        let cells: StringArray = picks.iter().map(|pick| Some(values[*pick as usize].as_str())).collect();
        columns.push((name, Arc::new(cells) as ArrayRef));
    }
    Ok(Table::from_columns("adult_big.csv", columns)?)
}

/// PCG64 (XSL-RR 128/64) as numpy seeds and uses it.
struct Pcg64 {
    state: u128,
    increment: u128,
    /// The upper half of the last draw of 32 bits.
    half: Option<u32>,
}

impl Pcg64 {
    fn seeded(seed: u32) -> Self {
        let words = seed_words(seed);
        let wide = |at: usize| u128::from(words[at]) << 64 | u128::from(words[at + 1]);
        let mut generator = Self { state: 0, increment: wide(2) << 1 | 1, half: None };
        generator.step();
        generator.state = generator.state.wrapping_add(wide(0));
        generator.step();
        generator
    }

    fn step(&mut self) {
        self.state = self.state.wrapping_mul(0x2360_ED05_1FC6_5DA4_4385_DF64_9FCC_F645).wrapping_add(self.increment);
    }

    fn next(&mut self) -> u64 {
        self.step();
        (((self.state >> 64) as u64) ^ self.state as u64).rotate_right((self.state >> 122) as u32)
    }

    fn next_half(&mut self) -> u32 {
        if let Some(half) = self.half.take() {
            return half;
        }
        let both = self.next();
        self.half = Some((both >> 32) as u32);
        both as u32
    }

    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Lemire's method.
    fn below(&mut self, bound: u32) -> u32 {
        let threshold = bound.wrapping_neg() % bound;
        loop {
            let product = u64::from(self.next_half()) * u64::from(bound);
            if product as u32 >= threshold {
                return (product >> 32) as u32;
            }
        }
    }
}

/// Four words from numpy's SeedSequence with one word of entropy.
fn seed_words(seed: u32) -> [u64; 4] {
    let mut constant = 0x43b0_d7e5u32;
    let mut hash = |value: u32| {
        let mixed = value ^ constant;
        constant = constant.wrapping_mul(0x931e_8875);
        let mixed = mixed.wrapping_mul(constant);
        mixed ^ mixed >> 16
    };
    let mut pool = [seed, 0, 0, 0].map(&mut hash);
    for from in 0..4 {
        for to in (0..4).filter(|to| *to != from) {
            let mixed = pool[to].wrapping_mul(0xca01_f9dd).wrapping_sub(hash(pool[from]).wrapping_mul(0x4973_f715));
            pool[to] = mixed ^ mixed >> 16;
        }
    }
    let mut constant = 0x8b51_f9ddu32;
    let mut word = |at: usize| {
        let mixed = pool[at % 4] ^ constant;
        constant = constant.wrapping_mul(0x58f3_8ded);
        let mixed = mixed.wrapping_mul(constant);
        mixed ^ mixed >> 16
    };
    let words: Vec<u32> = (0..8).map(&mut word).collect();
    std::array::from_fn(|at| u64::from(words[2 * at]) | u64::from(words[2 * at + 1]) << 32)
}
