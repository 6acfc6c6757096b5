//! Character classes: one table for bytes, one for Chinese characters (U+4E00 to U+9FFF).
//!
//! Boundaries of identifiers are changes of these classes and never a "word boundary": between Chinese and Latin
//! characters there is none in the sense of regular expressions, and most identifiers in Chinese text stand there.

use std::sync::LazyLock;

use super::regions::{DIVISIONS, lines};

pub(super) const DIGIT: u8 = 1;
pub(super) const UPPER: u8 = 2;
pub(super) const LOWER: u8 = 4;
pub(super) const ALNUM: u8 = DIGIT | UPPER | LOWER;
/// `.`, `_`, `%`, `+`, `-`: with letters and digits, what stands before the `@` of an e-mail address.
pub(super) const MAIL: u8 = 8;
/// First byte of a character of three bytes in the range of Chinese ones.
pub(super) const HAN: u8 = 16;
/// First byte of full-width forms (U+FFxx).
pub(super) const WIDE: u8 = 32;
/// First byte of another character of several bytes.
pub(super) const MULTI: u8 = 64;
/// `a` to `f`, `A` to `F` (and digits).
pub(super) const HEX: u8 = 128;

/// Classes of bytes.
pub(super) static KIND: [u8; 256] = kinds();

const fn kinds() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = match byte as u8 {
            b'0'..=b'9' => DIGIT | HEX,
            b'A'..=b'F' => UPPER | HEX,
            b'a'..=b'f' => LOWER | HEX,
            b'G'..=b'Z' => UPPER,
            b'g'..=b'z' => LOWER,
            b'.' | b'_' | b'%' | b'+' | b'-' => MAIL,
            0xe4..=0xe9 => HAN,
            0xef => WIDE,
            0xc0..=0xff => MULTI,
            _ => 0,
        };
        byte += 1;
    }
    table
}

/// A surname of one character.
pub(super) const SURNAME: u16 = 1;
/// Usual in given names.
pub(super) const GIVEN: u16 = 2;
/// First character of a division's name.
pub(super) const DIVISION: u16 = 4;
/// Province on a licence plate.
pub(super) const PLATE: u16 = 8;
/// Last character of a word that announces a person.
pub(super) const PERSON_END: u16 = 16;
/// First character of a title that follows a name.
pub(super) const TITLE: u16 = 32;
/// Last character of a road, village, estate.
pub(super) const ROAD: u16 = 64;
/// Unit behind a number in an address: 号, 幢, 室.
pub(super) const UNIT: u16 = 128;
/// Never inside a place name.
pub(super) const STOP: u16 = 256;
/// Begins a word that announces an account (微信).
pub(super) const ACCOUNT: u16 = 512;
/// Chinese numeral, or one of the stems that number houses.
pub(super) const NUMERAL: u16 = 1024;
/// Last character of an administrative area.
pub(super) const AREA: u16 = 4096;
/// Second character of a division's name.
pub(super) const DIVISION_SECOND: u16 = 8192;
/// Second character of a title.
pub(super) const TITLE_SECOND: u16 = 16_384;
/// First character of a compound surname.
pub(super) const COMPOUND: u16 = 2048;

/// What a character can begin, given the flags of the one before and the one behind it; no branch, as the answer is
/// not predictable. `NO_HAN` stands for what is no Chinese character.
#[inline]
pub(super) const fn begins(before: u16, flags: u16, behind: u16) -> u16 {
    let always = PLATE | ACCOUNT;
    let names = (SURNAME | COMPOUND) * (before & (NO_HAN | PERSON_END) != 0) as u16;
    let divisions = DIVISION * (behind & DIVISION_SECOND != 0) as u16;
    let titles = TITLE * (behind & TITLE_SECOND != 0) as u16;
    flags & (always | names | divisions | titles)
}

/// Stands for whatever is no Chinese character.
pub(super) const NO_HAN: u16 = 1 << 15;

const FIRST: u32 = 0x4e00;
const COUNT: usize = 0xa000 - 0x4e00;

/// Classes of Chinese characters, and the words of names.
pub(crate) struct Han {
    flags: Box<[u16; COUNT]>,
    /// Compound surnames of two characters, 16 bits each, sorted.
    compound: Vec<u32>,
    /// Longer ones.
    longer: Vec<&'static str>,
    /// Words that look like names, as numbers, sorted.
    words: Vec<u64>,
    /// Words that announce a person behind their last two characters, sorted.
    persons: Vec<(u32, &'static str)>,
}

/// The table, built once.
pub(crate) static HAN_TABLE: LazyLock<Han> = LazyLock::new(Han::build);

impl Han {
    fn build() -> Self {
        let mut this =
            Self { flags: Box::new([0; COUNT]), compound: Vec::new(), longer: Vec::new(), words: Vec::new(), persons: Vec::new() };
        let mut names = lines(include_str!("names.txt"));
        let mut next = || names.next().unwrap_or("");
        this.mark(next().chars(), SURNAME);
        let compound = next();
        this.compound = compound.split(' ').filter(|name| name.len() == 6).filter_map(|name| last_two(name.as_bytes())).collect();
        this.compound.sort_unstable();
        this.longer = compound.split(' ').filter(|name| name.len() > 6).collect();
        this.mark(compound.split(' ').filter_map(|name| name.chars().next()), COMPOUND);
        this.mark(next().chars(), GIVEN);
        this.words = next().split(' ').filter_map(word_number).collect();
        this.words.sort_unstable();
        this.mark(DIVISIONS.characters(0), DIVISION);
        this.mark(DIVISIONS.characters(1), DIVISION_SECOND);
        this.mark("京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼".chars(), PLATE);
        this.persons = super::context::person_words().filter_map(|word| Some((last_two(word.as_bytes())?, word))).collect();
        this.persons.sort_unstable();
        this.mark(super::context::person_words().filter_map(|word| word.chars().next_back()), PERSON_END);
        this.mark(super::context::TITLES.iter().filter_map(|word| word.chars().next()), TITLE);
        this.mark(super::context::TITLES.iter().filter_map(|word| word.chars().nth(1)), TITLE_SECOND);
        this.mark("路街道巷弄村里苑园厦庄坊场寓".chars(), ROAD);
        this.mark("区县市镇乡旗".chars(), AREA);
        this.mark("号弄幢栋座楼层室户单组队".chars(), UNIT);
        this.mark("的在于和与及对从向到因为是由被把将了已并或而".chars(), STOP);
        this.mark("一二三四五六七八九十百千零〇两甲乙丙丁".chars(), NUMERAL);
        this.mark("微".chars(), ACCOUNT);
        this
    }

    fn mark(&mut self, characters: impl Iterator<Item = char>, flag: u16) {
        for character in characters {
            if let Some(flags) = (character as u32).checked_sub(FIRST).and_then(|at| self.flags.get_mut(at as usize)) {
                *flags |= flag;
            }
        }
    }

    /// Flags of a character; 0 outside the range.
    #[inline]
    pub(super) fn flags(&self, code: u32) -> u16 {
        self.flags.get(code.wrapping_sub(FIRST) as usize).copied().unwrap_or(0)
    }

    /// Flags of the character that begins at `at`, with its code; nothing if it is no Chinese one.
    #[inline]
    pub(super) fn at(&self, text: &[u8], at: usize) -> Option<(u32, u16)> {
        let code = han(text, at)?;
        Some((code, self.flags(code)))
    }

    /// Whether a word that announces a person ends where `text` ends.
    pub(super) fn ends_with_person(&self, text: &[u8]) -> bool {
        let is_end = han_before(text, text.len()).is_some_and(|last| self.flags(last) & PERSON_END != 0);
        let Some(key) = last_two(text).filter(|_| is_end) else { return false };
        let first = self.persons.partition_point(|(other, _)| *other < key);
        let words = self.persons.get(first..).unwrap_or(&[]).iter();
        // the last two characters are equal already
        words.take_while(|(other, _)| *other == key).any(|(_, word)| word.len() == 6 || text.ends_with(word.as_bytes()))
    }

    /// Bytes of the compound surname that `text` begins with.
    pub(super) fn compound_surname(&self, text: &[u8]) -> Option<usize> {
        let two = han(text, 0)? << 16 | han(text, 3)?;
        if self.compound.binary_search(&two).is_ok() {
            return Some(6);
        }
        self.longer.iter().find(|name| text.starts_with(name.as_bytes())).map(|name| name.len())
    }

    /// Whether a dictionary word looks like this name.
    pub(super) fn is_word(&self, name: &str) -> bool {
        word_number(name).is_some_and(|number| self.words.binary_search(&number).is_ok())
    }
}

/// A word of at most four characters of 16 bits as one number; names are no longer.
fn word_number(word: &str) -> Option<u64> {
    let mut characters = word.chars();
    let number = characters.by_ref().take(4).try_fold(0, |number, c| Some(number << 16 | u64::from(u16::try_from(c as u32).ok()?)))?;
    characters.next().is_none().then_some(number)
}

/// The Chinese character that begins at `at`.
#[inline]
pub(super) fn han(text: &[u8], at: usize) -> Option<u32> {
    match text.get(at..at.checked_add(3)?) {
        Some(&[a @ 0xe4..=0xe9, b, c]) => {
            let code = u32::from(a & 15) << 12 | u32::from(b & 63) << 6 | u32::from(c & 63);
            (code >= FIRST).then_some(code)
        }
        _ => None,
    }
}

/// The last two characters, 16 bits each.
fn last_two(text: &[u8]) -> Option<u32> {
    let end = text.len();
    Some(han_before(text, end.checked_sub(3)?)? << 16 | han_before(text, end)?)
}

/// The Chinese character that ends before `end`.
#[inline]
pub(super) fn han_before(text: &[u8], end: usize) -> Option<u32> {
    han(text, end.checked_sub(3)?)
}

/// A digit or letter at `at`, full-width ones as their half-width twins, and its length in bytes.
#[inline]
pub(super) fn alnum_at(text: &[u8], at: usize) -> Option<(u8, usize)> {
    let byte = *text.get(at)?;
    if KIND[usize::from(byte)] & ALNUM != 0 {
        return Some((byte, 1));
    }
    if byte != 0xef {
        return None;
    }
    let twin = match text.get(at.checked_add(1)?..at.checked_add(3)?) {
        // U+FF01 to U+FF5E are the twins of ! to ~
        Some(&[0xbc, low]) => low.wrapping_sub(0x60),
        Some(&[0xbd, low]) => low.wrapping_sub(0x20),
        _ => return None,
    };
    (KIND[usize::from(twin)] & ALNUM != 0).then_some((twin, 3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters() {
        let table = &*HAN_TABLE;
        let flags = |c: char| table.flags(c as u32);
        assert!(flags('王') & SURNAME != 0 && flags('欧') & COMPOUND != 0 && flags('浙') & PLATE != 0);
        assert!(flags('路') & ROAD != 0 && flags('号') & UNIT != 0 && flags('人') & PERSON_END != 0);
        assert_eq!(flags('A'), 0);
        assert!(table.is_word("高度") && !table.is_word("王伟"));
        for (text, length) in [("欧阳修", Some(6)), ("阿史那社尔", Some(9)), ("欧洲", None), ("王", None), ("", None)] {
            assert_eq!(table.compound_surname(text.as_bytes()), length, "{text}");
        }
        for (c, twin) in [('０', b'0'), ('９', b'9'), ('Ｘ', b'X'), ('ｘ', b'x'), ('a', b'a')] {
            let text = c.to_string();
            assert_eq!(alnum_at(text.as_bytes(), 0), Some((twin, text.len())), "{c}");
        }
        for c in ['，', '：', '王', '-', '＠'] {
            assert_eq!(alnum_at(c.to_string().as_bytes(), 0), None, "{c}");
        }
        assert_eq!(han("王".as_bytes(), 0), Some('王' as u32));
        assert_eq!((han("王".as_bytes(), 1), han_before("王".as_bytes(), 2)), (None, None));
    }
}
