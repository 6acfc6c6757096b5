//! FF1 on the cells of a text column: strings of one length wait for each other until the lanes are full.

use std::collections::HashMap;

use arrow::array::{Array, ArrayRef, StringArray};
use serde::{Deserialize, Serialize};

use super::{Direction, Ff1, Halves, LANES, Shape, check_domain};
use crate::error::Result;
use crate::transform::alphabet::Alphabet;
use crate::transform::cells::{At, Bytes, Cells, like, map_texts, texts};

/// Longest string with halves in 64 bits: 126 bits.
const SHORT: usize = 128;
const FOREIGN: u8 = u8::MAX;

/// What happens to characters outside the alphabet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Others {
    /// The cell is refused.
    #[default]
    Refuse,
    /// They stay where they are, readable: for separators such as in `0574-87001234`.
    Keep,
}

pub(in crate::transform) struct TextFf1 {
    ff1: Ff1,
    direction: Direction,
    others: Others,
    tweak: Vec<u8>,
    chars: Vec<char>,
    codes: HashMap<char, u16>,
    /// Numeral of each ASCII character, if the alphabet has no other and at most 128.
    table: Option<Box<[u8; 256]>>,
    queues: Vec<Option<Queue>>,
}

/// Strings of one length that wait.
struct Queue {
    shape: Shape,
    cells: Vec<(usize, usize)>,
    lanes: Vec<Halves>,
}

/// Why a cell cannot be encrypted.
enum Fault {
    Foreign,
    Domain,
}

impl TextFf1 {
    pub(in crate::transform) fn new(key: &[u8], tweak: &[u8], alphabet: &Alphabet, others: Others, direction: Direction) -> Result<Self> {
        let chars = alphabet.chars()?;
        let ff1 = Ff1::new(key, u32::try_from(chars.len()).unwrap_or(u32::MAX))?;
        let codes: HashMap<char, u16> = chars.iter().copied().zip(0..).collect();
        let table = chars.iter().all(char::is_ascii).then(|| {
            let mut table = Box::new([FOREIGN; 256]);
            for (char, code) in chars.iter().zip(0u8..) {
                table[usize::from(*char as u8)] = code;
            }
            table
        });
        let queues = (0..SHORT).map(|_| None).collect();
        Ok(Self { ff1, direction, others, tweak: tweak.to_vec(), chars, codes, table, queues })
    }

    fn ascii(&mut self, texts: &StringArray, at: &At<'_>) -> Result<StringArray> {
        let mut owned = Bytes::of(texts);
        for row in 0..texts.len() {
            if owned.is_null(row) {
                continue;
            }
            let range = owned.range(row);
            self.push(&mut owned.bytes, range.start, range.end).map_err(|fault| refusal(&fault, row, at))?;
        }
        for length in 0..SHORT {
            self.flush(length, &mut owned.bytes);
        }
        owned.finish()
    }

    /// Queues a cell, or encrypts it at once if it is long.
    fn push(&mut self, bytes: &mut [u8], start: usize, end: usize) -> std::result::Result<(), Fault> {
        let (Some(table), cell) = (&self.table, &bytes[start..end]) else {
            return Err(Fault::Foreign);
        };
        let mut codes = [0u8; SHORT];
        let mut count = 0;
        for byte in cell {
            let code = table[usize::from(*byte)];
            if code == FOREIGN {
                if self.others == Others::Refuse {
                    return Err(Fault::Foreign);
                }
                continue;
            }
            if let Some(slot) = codes.get_mut(count) {
                *slot = code;
            }
            count += 1;
        }
        if count >= SHORT {
            return self.long(bytes, start, end);
        }
        if self.queues[count].is_none() {
            match self.ff1.shape(&self.tweak, count) {
                Ok(Some(shape)) => {
                    self.queues[count] = Some(Queue { shape, cells: Vec::with_capacity(LANES), lanes: Vec::with_capacity(LANES) })
                }
                Ok(None) => return self.long(bytes, start, end),
                Err(_) => return Err(Fault::Domain),
            }
        }
        let radix = self.ff1.radix();
        let Some(queue) = &mut self.queues[count] else {
            return Err(Fault::Domain);
        };
        let (left, right) = codes[..count].split_at(queue.shape.halves.0);
        queue.lanes.push(Halves { a: number(radix, left), b: number(radix, right) });
        queue.cells.push((start, end));
        if queue.lanes.len() == LANES {
            self.flush(count, bytes);
        }
        Ok(())
    }

    fn flush(&mut self, length: usize, bytes: &mut [u8]) {
        let (Some(table), Some(queue)) = (&self.table, &mut self.queues[length]) else {
            return;
        };
        self.ff1.run(self.direction, &queue.shape, &mut queue.lanes);
        let mut codes = [0u8; SHORT];
        let codes = &mut codes[..length];
        for ((start, end), lane) in queue.cells.drain(..).zip(queue.lanes.drain(..)) {
            let (left, right) = codes.split_at_mut(queue.shape.halves.0);
            spread(self.ff1.radix(), lane.a, left);
            spread(self.ff1.radix(), lane.b, right);
            let places = bytes[start..end].iter_mut().filter(|byte| table[usize::from(**byte)] != FOREIGN);
            for (place, code) in places.zip(&*codes) {
                *place = self.chars[usize::from(*code)] as u8;
            }
        }
    }

    fn long(&self, bytes: &mut [u8], start: usize, end: usize) -> std::result::Result<(), Fault> {
        let text = std::str::from_utf8(&bytes[start..end]).map_err(|_| Fault::Foreign)?;
        let mut out = String::with_capacity(text.len());
        self.one(text, &mut out)?;
        // characters of one byte were replaced by others of one byte
        bytes[start..end].copy_from_slice(out.as_bytes());
        Ok(())
    }

    fn one(&self, text: &str, out: &mut String) -> std::result::Result<(), Fault> {
        let mut numerals: Vec<u16> = text.chars().filter_map(|c| self.codes.get(&c).copied()).collect();
        if self.others == Others::Refuse && text.chars().any(|c| !self.codes.contains_key(&c)) {
            return Err(Fault::Foreign);
        }
        self.ff1.apply(self.direction, &self.tweak, &mut numerals).map_err(|_| Fault::Domain)?;
        let mut numerals = numerals.into_iter();
        for c in text.chars() {
            let next = if self.codes.contains_key(&c) { numerals.next() } else { None };
            out.push(next.map_or(c, |numeral| self.chars[usize::from(numeral)]));
        }
        Ok(())
    }
}

impl Cells for TextFf1 {
    fn cells(&mut self, array: &ArrayRef, at: &At<'_>) -> Result<ArrayRef> {
        if self.table.is_some() {
            let texts = self.ascii(&texts(array, at)?, at);
            // strings of a refused batch do not wait for the next one
            for queue in self.queues.iter_mut().flatten() {
                queue.cells.clear();
                queue.lanes.clear();
            }
            return like(texts?, array, at);
        }
        let this = &*self;
        map_texts(array, at, |row, cell, out| this.one(cell, out).map_err(|fault| refusal(&fault, row, at)))
    }
}

fn refusal(fault: &Fault, row: usize, at: &At<'_>) -> crate::Error {
    match fault {
        Fault::Foreign => at.refuse(
            "transform.ff1_alphabet",
            row,
            ("a cell has a character outside the alphabet", "单元格含有字母表以外的字符"),
            (
                "name a larger alphabet, keep other characters with `others = \"keep\"`, or clean the column",
                "选用更大的字母表，或以 others = \"keep\" 保留其他字符，或先清洗该列",
            ),
        ),
        Fault::Domain => at.refuse(
            "transform.ff1_domain",
            row,
            (
                "a cell is so short that its domain has fewer than 10^6 values, which can be guessed by trying",
                "单元格过短，取值空间不足10^6，可被穷举猜出",
            ),
            ("null out short values, or use a keyed digest (hmac) or a token", "清空过短的值，或改用带密钥杂凑（hmac）或令牌（token）"),
        ),
    }
}

#[inline]
fn number(radix: u32, codes: &[u8]) -> u64 {
    codes.iter().fold(0, |sum, code| sum * u64::from(radix) + u64::from(*code))
}

/// The numerals of a number, with the division by the usual radices known to the compiler.
#[inline]
fn spread(radix: u32, value: u64, codes: &mut [u8]) {
    match (radix, u32::try_from(value)) {
        (10, Ok(value)) => spread_by::<10>(value, codes),
        (16, Ok(value)) => spread_by::<16>(value, codes),
        (26, Ok(value)) => spread_by::<26>(value, codes),
        (36, Ok(value)) => spread_by::<36>(value, codes),
        (62, Ok(value)) => spread_by::<62>(value, codes),
        _ => {
            let mut rest = value;
            for code in codes.iter_mut().rev() {
                *code = (rest % u64::from(radix)) as u8;
                rest /= u64::from(radix);
            }
        }
    }
}

#[inline]
fn spread_by<const RADIX: u32>(mut value: u32, codes: &mut [u8]) {
    for code in codes.iter_mut().rev() {
        *code = (value % RADIX) as u8;
        value /= RADIX;
    }
}

/// Whether cells of this many characters can be encrypted at all.
pub(in crate::transform) fn check_alphabet(alphabet: &Alphabet) -> Result<()> {
    let chars = alphabet.chars()?;
    // a long enough string exists over any alphabet, so only the alphabet itself can be wrong
    check_domain(u32::try_from(chars.len()).unwrap_or(u32::MAX), SHORT)
}
