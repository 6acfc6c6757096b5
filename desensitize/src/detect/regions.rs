//! Administrative divisions (行政区划): which codes exist, and which names begin an address.
//!
//! The table is `divisions.txt` (its source is said there). A resident number keeps the code of the county of its
//! first registration for life, and counties are merged and renumbered: [`Known::City`] and [`Known::Province`] say
//! how much of a code is still in the table.

use std::sync::LazyLock;

/// How much of a code the table holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Known {
    /// Not even the province.
    Nothing,
    /// The first two digits.
    Province,
    /// The first four digits.
    City,
    /// All six.
    County,
}

pub(crate) struct Divisions {
    /// By city code: 0, or one more than the position in `counties`. 10,000 entries.
    cities: Vec<u16>,
    /// One bit per county of a city.
    counties: Vec<u128>,
    provinces: u128,
    /// Names for addresses, sorted by their first two characters.
    names: Vec<&'static str>,
    /// Hash of the first two characters to the range of names that begin with them.
    slots: Vec<Slot>,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    /// The first two characters, 16 bits each; 0 is free.
    key: u32,
    first: u16,
    count: u16,
}

const SLOTS: usize = 8192;

/// The table, read once.
pub(crate) static DIVISIONS: LazyLock<Divisions> = LazyLock::new(Divisions::read);

/// Lines of a committed table without its comments.
pub(super) fn lines(table: &'static str) -> impl Iterator<Item = &'static str> {
    table.lines().filter(|line| !line.starts_with('#'))
}

/// Names that are no names.
const PLACEHOLDERS: [&str; 5] = ["市辖区", "县", "省直辖县级行政区划", "自治区直辖县级行政区划", "城区"];

impl Divisions {
    fn read() -> Self {
        let mut this =
            Self { cities: vec![0; 10_000], counties: Vec::new(), provinces: 0, names: Vec::new(), slots: vec![Slot::default(); SLOTS] };
        for (code, name) in lines(include_str!("divisions.txt")).filter_map(|line| line.split_once(' ')) {
            this.add_code(code);
            if !PLACEHOLDERS.contains(&name) {
                this.names.push(name);
                if code.len() < 6 {
                    this.names.extend(short_name(name));
                }
            }
        }
        this.names.sort_unstable_by_key(|name| (first_two(name), std::cmp::Reverse(name.len()), *name));
        this.names.dedup();
        this.index_names();
        this
    }

    fn add_code(&mut self, code: &str) {
        let number: u32 = code.parse().unwrap_or(0);
        match code.len() {
            2 => self.provinces |= 1 << number.min(127),
            4 => self.add_city(number),
            _ => {
                self.add_city(number / 100);
                let place = self.cities.get((number / 100) as usize).copied().unwrap_or(0);
                if let Some(counties) = self.counties.get_mut(usize::from(place).wrapping_sub(1)) {
                    *counties |= 1 << (number % 100);
                }
            }
        }
    }

    fn add_city(&mut self, city: u32) {
        let next = u16::try_from(self.counties.len() + 1).unwrap_or(0);
        if let Some(place) = self.cities.get_mut(city as usize).filter(|place| **place == 0) {
            *place = next;
            self.counties.push(0);
        }
    }

    fn index_names(&mut self) {
        let mut start = 0;
        while start < self.names.len() {
            let key = first_two(self.names[start]);
            let count = self.names[start..].iter().take_while(|name| first_two(name) == key).count();
            let mut slot = hash(key);
            // INVARIANT: fewer keys than half of the slots, so that a free one is found
            while self.slots[slot].key != 0 {
                slot = (slot + 1) % SLOTS;
            }
            self.slots[slot] = Slot { key, first: start as u16, count: count as u16 };
            start += count;
        }
    }

    /// How much of a six-digit code is known. Permits of residents of Hong Kong, Macau and Taiwan begin with
    /// 810000, 820000 and 830000 and count as known.
    pub(crate) fn known(&self, code: u32) -> Known {
        if matches!(code, 810_000 | 820_000 | 830_000) {
            return Known::County;
        }
        let place = self.cities.get((code / 100) as usize).copied().unwrap_or(0);
        match self.counties.get(usize::from(place).wrapping_sub(1)) {
            Some(counties) if counties >> (code % 100) & 1 == 1 => Known::County,
            Some(_) => Known::City,
            None if self.is_province(code / 10_000) => Known::Province,
            None => Known::Nothing,
        }
    }

    /// Whether two digits are a province.
    pub(crate) fn is_province(&self, province: u32) -> bool {
        province < 100 && self.provinces >> province & 1 == 1
    }

    /// Length in bytes of the longest division name that `text` begins with; `first` and `second` are its first two characters.
    pub(crate) fn name_at(&self, text: &[u8], first: u32, second: u32) -> Option<usize> {
        let key = first << 16 | second;
        let mut slot = hash(key);
        loop {
            let found = self.slots[slot];
            if found.key == 0 {
                return None;
            }
            if found.key == key {
                let names = self.names.get(usize::from(found.first)..)?.iter().take(usize::from(found.count));
                // The first two characters are equal; the third is compared without a call, and settles most.
                let third = text.get(6..9);
                let is_there = |name: &&[u8]| name.len() == 6 || (name.get(6..9) == third && (name.len() == 9 || text.starts_with(name)));
                // longest first
                return names.map(|name| name.as_bytes()).find(is_there).map(<[u8]>::len);
            }
            slot = (slot + 1) % SLOTS;
        }
    }

    /// The characters at one place of all names.
    pub(super) fn characters(&self, place: usize) -> impl Iterator<Item = char> {
        self.names.iter().filter_map(move |name| name.chars().nth(place))
    }
}

fn hash(key: u32) -> usize {
    (key.wrapping_mul(0x9e37_79b1) >> 19) as usize % SLOTS
}

fn first_two(name: &str) -> u32 {
    let mut chars = name.chars().map(|c| c as u32 & 0xffff);
    chars.next().unwrap_or(0) << 16 | chars.next().unwrap_or(0)
}

/// Provinces and cities are written without their kind as well: 浙江, 宁波, 广西.
fn short_name(name: &'static str) -> Option<&'static str> {
    const KINDS: [&str; 9] = ["特别行政区", "维吾尔自治区", "壮族自治区", "回族自治区", "自治区", "省", "市", "盟", "地区"];
    let short = KINDS.iter().find_map(|kind| name.strip_suffix(kind))?;
    (short.chars().count() >= 2).then_some(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_the_table() {
        let table = &*DIVISIONS;
        for (code, known) in [
            (330_212, Known::County),
            (110_105, Known::County),
            (441_900, Known::County),
            (330_204, Known::City),
            (339_999, Known::Province),
            (810_000, Known::County),
            (710_000, Known::Province),
            (990_000, Known::Nothing),
            (0, Known::Nothing),
            (999_999, Known::Nothing),
        ] {
            assert_eq!(table.known(code), known, "{code}");
        }
        assert!(table.slots.iter().filter(|slot| slot.key != 0).count() < SLOTS / 2);
        assert!(table.names.len() < usize::from(u16::MAX));
    }

    #[test]
    fn names_are_found_longest_first() {
        let at = |text: &str| {
            let mut chars = text.chars().map(|c| c as u32);
            DIVISIONS.name_at(text.as_bytes(), chars.next().unwrap(), chars.next().unwrap()).map(|length| text[..length].to_owned())
        };
        for (text, name) in [
            ("宁波市鄞州区", "宁波市"),
            ("宁波鄞州", "宁波"),
            ("鄞州区中", "鄞州区"),
            ("广西壮族自治区南宁", "广西壮族自治区"),
            ("上海上海", "上海"),
        ] {
            assert_eq!(at(text).as_deref(), Some(name));
        }
        assert_eq!(at("天气预报"), None);
        assert_eq!(at("市辖区"), None);
    }
}
