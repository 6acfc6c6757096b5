//! FF1 for halves of any length: numbers as bytes and numerals, with no division but the one by the radix.

use super::{Direction, Ff1, ROUNDS, padding};

impl Ff1 {
    /// Algorithms 7 and 8. INVARIANT: the domain and the numerals were checked.
    pub(super) fn apply_large(&self, direction: Direction, tweak: &[u8], numerals: &mut [u16]) {
        let length = numerals.len();
        let (left, right) = numerals.split_at_mut(length / 2);
        let b = self.half_bytes(right.len());
        let d = 4 * b.div_ceil(4) + 4;
        let first = self.block(u128::from_be_bytes(self.first_block(tweak, length)));
        for step in 0..ROUNDS {
            let round = if direction == Direction::Encrypt { step } else { ROUNDS - 1 - step };
            let (to, from) = if round.is_multiple_of(2) { (&mut *left, &*right) } else { (&mut *right, &*left) };
            let mut message = tweak.to_vec();
            message.resize(tweak.len() + padding(tweak.len(), b), 0);
            message.push(round);
            message.extend(self.number(from, b));
            let mut y = self.stream(first, &message, d);
            self.shift(direction, to, &mut y);
        }
    }

    /// Bytes of `radix^count - 1`, by computing it.
    fn half_bytes(&self, count: usize) -> usize {
        let largest = vec![(self.radix - 1) as u16; count];
        // 16 bits for each numeral are always enough
        let bytes = self.number(&largest, 2 * count);
        bytes.len() - bytes.iter().take_while(|byte| **byte == 0).count()
    }

    /// The number of a string of numerals in `b` bytes.
    fn number(&self, numerals: &[u16], b: usize) -> Vec<u8> {
        let mut bytes = vec![0u8; b];
        for numeral in numerals {
            let mut carry = u64::from(*numeral);
            for byte in bytes.iter_mut().rev() {
                carry += u64::from(*byte) * u64::from(self.radix);
                *byte = (carry % 256) as u8;
                carry /= 256;
            }
        }
        bytes
    }

    /// Steps 6 ii and iii: CBC-MAC, then counter blocks, the first `d` bytes.
    fn stream(&self, first: u128, message: &[u8], d: usize) -> Vec<u8> {
        let (blocks, _) = message.as_chunks::<16>();
        let r = blocks.iter().fold(first, |state, block| self.block(state ^ u128::from_be_bytes(*block)));
        let mut stream = r.to_be_bytes().to_vec();
        for counter in 1..d.div_ceil(16) {
            stream.extend(self.block(r ^ counter as u128).to_be_bytes());
        }
        stream.truncate(d);
        stream
    }

    /// Adds y to the number of `to`, or takes it away, modulo radix^length: numeral by numeral from the last one,
    /// each next numeral of y being the rest of dividing it by the radix.
    fn shift(&self, direction: Direction, to: &mut [u16], y: &mut [u8]) {
        let mut carry = 0u32;
        for numeral in to.iter_mut().rev() {
            let mut rest = 0u32;
            for byte in y.iter_mut() {
                let dividend = rest * 256 + u32::from(*byte);
                *byte = (dividend / self.radix) as u8;
                rest = dividend % self.radix;
            }
            let value = u32::from(*numeral);
            let (next, over) = match direction {
                Direction::Encrypt => {
                    let sum = value + rest + carry;
                    if sum >= self.radix { (sum - self.radix, 1) } else { (sum, 0) }
                }
                Direction::Decrypt => {
                    let taken = rest + carry;
                    if value >= taken { (value - taken, 0) } else { (value + self.radix - taken, 1) }
                }
            };
            *numeral = next as u16;
            carry = over;
        }
    }
}
