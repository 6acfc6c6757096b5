//! Encryption of identifiers that stay valid identifiers: resident IDs (公民身份号码) and mobile numbers (手机号码).
//!
//! **Resident IDs** ([`IdCipher`]). What is asked to stay (part of the region code, the year or the birth date, the sex) stays; the
//! rest is one number below N, the count of valid IDs with the same kept part: regions of the table, days of the
//! range of years, order codes. That number is permuted by FF1 over bits with cycle walking (SP 800-38G allows any domain; the walk
//! stays in [0, N) because FF1 permutes the next power of two, fewer than two steps on average), the kept part being the tweak.
//! The check digit is computed anew. A kept part that leaves fewer than 10^6 IDs is refused: keeping both region and birth
//! date leaves 1000 order codes, which anybody tries out.
//!
//! **Mobile numbers** ([`MobileCipher`]): the three digits of the operator's segment (号段) stay and are the tweak, FF1 over the other eight.
//!
//! Every output can be the true identifier of somebody else. It must not be used to look anybody up. Equal inputs give equal
//! outputs; a wrong key gives another valid identifier, not an error.

use std::collections::HashMap;

use arrow::array::ArrayRef;
use serde::{Deserialize, Serialize};
use time::{Date, Month};

use super::cells::{At, Cells, map_texts};
use super::ff1::{Direction, Ff1, Halves, LEAST_DOMAIN, Shape};
use super::refuse;
use crate::error::{Error, Result};
use crate::key::resident_id;

/// How much of the region code stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RegionPart {
    /// All six digits.
    Keep,
    /// The first four: the city stays, the county is encrypted.
    City,
    /// The first two: the province stays.
    Province,
    /// Nothing.
    #[default]
    Encrypt,
}

/// How much of the birth date stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BirthPart {
    /// The whole date.
    Keep,
    /// The year; month and day are encrypted.
    Year,
    /// Nothing.
    #[default]
    Encrypt,
}

/// Whether the sex (parity of the 17th digit) stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SexPart {
    /// It stays.
    Keep,
    /// It is encrypted with the order code.
    #[default]
    Encrypt,
}

/// What stays of a resident ID and what counts as one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct IdSpec {
    pub(super) region: RegionPart,
    pub(super) birth: BirthPart,
    pub(super) sex: SexPart,
    /// Valid region codes, sorted; all codes of all provinces if empty.
    pub(super) regions: Vec<u32>,
    /// First and last year of birth.
    pub(super) years: (i32, i32),
}

/// First two digits of GB/T 2260, for the domain without a table.
const PROVINCES: [u32; 35] = [
    11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52, 53, 54, 61, 62, 63, 64, 65, 71, 81, 82,
    83,
];
/// Kept parts whose domain is remembered.
const CONTEXTS: usize = 1 << 16;

impl IdSpec {
    /// Sorts the table and refuses what cannot work for any ID.
    pub(super) fn check(&mut self) -> Result<()> {
        self.regions.sort_unstable();
        self.regions.dedup();
        let is_code = |code: &u32| (110_000..=839_999).contains(code) && PROVINCES.contains(&(code / 10_000));
        if !self.regions.iter().all(is_code) {
            return Err(refuse::parameter(
                "transform.regions",
                ("a region code of the table is none of GB/T 2260", "区划表中有不符合GB/T 2260的代码"),
                ("write six digits that begin with a province code", "填写以省级代码开头的六位数字"),
            ));
        }
        let (first, last) = self.years;
        if !(1800..2100).contains(&first) || !(first..2100).contains(&last) {
            return Err(refuse::parameter(
                "transform.years",
                ("the years of birth are no range within 1800 to 2099", "出生年份范围不在1800至2099之间"),
                ("write the first and the last year", "填写起始年份和终止年份"),
            ));
        }
        // the largest number of IDs that any kept part leaves
        let regions = match (self.region, self.regions.is_empty()) {
            (RegionPart::Keep, _) => 1,
            (RegionPart::City, true) => 100,
            (RegionPart::Province, true) => 10_000,
            (RegionPart::Encrypt, true) => 350_000,
            (_, false) => self.regions.len() as u64,
        };
        let days = match self.birth {
            BirthPart::Keep => 1,
            BirthPart::Year => 366,
            BirthPart::Encrypt => u64::try_from(last - first + 1).unwrap_or(0) * 366,
        };
        if regions * days * self.orders() < u64::from(LEAST_DOMAIN) { Err(too_much_kept()) } else { Ok(()) }
    }

    const fn orders(&self) -> u64 {
        match self.sex {
            SexPart::Keep => 500,
            SexPart::Encrypt => 1000,
        }
    }

    const fn kept_digits(&self) -> u32 {
        match self.region {
            RegionPart::Keep => 6,
            RegionPart::City => 4,
            RegionPart::Province => 2,
            RegionPart::Encrypt => 0,
        }
    }

    /// Number of the region among those with the same kept digits, and how many these are.
    fn region_index(&self, code: u32) -> Option<(u64, u64)> {
        let unit = 10u32.pow(6 - self.kept_digits());
        if self.regions.is_empty() {
            return match self.region {
                RegionPart::Encrypt => {
                    let province = PROVINCES.iter().position(|province| *province == code / 10_000)?;
                    Some((province as u64 * 10_000 + u64::from(code % 10_000), PROVINCES.len() as u64 * 10_000))
                }
                _ => Some((u64::from(code % unit), u64::from(unit))),
            };
        }
        let slice = self.slice(code / unit, unit);
        let index = slice.binary_search(&code).ok()?;
        Some((index as u64, slice.len() as u64))
    }

    fn region_at(&self, kept: u32, index: u64) -> u32 {
        let unit = 10u32.pow(6 - self.kept_digits());
        let index = index as usize;
        if self.regions.is_empty() {
            return match self.region {
                RegionPart::Encrypt => PROVINCES.get(index / 10_000).map_or(0, |province| province * 10_000 + (index % 10_000) as u32),
                _ => kept * unit + index as u32,
            };
        }
        self.slice(kept, unit).get(index).copied().unwrap_or(0)
    }

    /// The codes of the table with these first digits.
    fn slice(&self, kept: u32, unit: u32) -> &[u32] {
        let start = self.regions.partition_point(|code| code / unit < kept);
        let end = self.regions.partition_point(|code| code / unit <= kept);
        &self.regions[start..end]
    }
}

/// What stays of one ID; the tweak.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Kept {
    region: u32,
    birth: u32,
    /// 2 if the sex does not stay.
    sex: u8,
}

/// The IDs with one kept part.
#[derive(Clone)]
struct Domain {
    regions: u64,
    first_day: i32,
    days: u64,
    size: u64,
    shape: Shape,
}

pub(super) struct IdCipher {
    ff1: Ff1,
    spec: IdSpec,
    direction: Direction,
    domains: HashMap<Kept, Option<Domain>>,
}

impl IdCipher {
    /// INVARIANT: `spec` was checked.
    pub(super) fn new(key: &[u8], spec: IdSpec, direction: Direction) -> Result<Self> {
        Ok(Self { ff1: Ff1::new(key, 2)?, spec, direction, domains: HashMap::new() })
    }

    fn one(&mut self, cell: &str, out: &mut String) -> std::result::Result<(), Fault> {
        if cell.len() != 18 {
            return Err(Fault::Invalid);
        }
        let id = resident_id::normalise(cell).map_err(|_| Fault::Invalid)?;
        let number = |range: std::ops::Range<usize>| id.get(range).and_then(|digits| digits.parse::<u32>().ok()).ok_or(Fault::Invalid);
        let (region, birth, order) = (number(0..6)?, number(6..14)?, number(14..17)?);
        let day = day_number(birth).ok_or(Fault::Invalid)?;
        let (index, regions) = self.spec.region_index(region).ok_or(Fault::Region)?;
        let sex = if self.spec.sex == SexPart::Keep { (order % 2) as u8 } else { 2 };
        let kept_birth = match self.spec.birth {
            BirthPart::Keep => birth,
            BirthPart::Year => birth / 10_000,
            BirthPart::Encrypt => 0,
        };
        let kept = Kept { region: region / 10u32.pow(6 - self.spec.kept_digits()), birth: kept_birth, sex };
        let domain = self.domain(kept, regions).ok_or(Fault::Domain)?;
        let days = u64::try_from(day - domain.first_day).ok().filter(|days| *days < domain.days).ok_or(Fault::Years)?;
        let free_order = u64::from(if sex == 2 { order } else { order / 2 });
        let orders = self.spec.orders();
        let value = self.walk(&domain, (index * domain.days + days) * orders + free_order);
        let order = match sex {
            2 => value % orders,
            sex => value % orders * 2 + u64::from(sex),
        };
        let (days, index) = (value / orders % domain.days, value / orders / domain.days);
        let day = i32::try_from(days).ok().and_then(|days| domain.first_day.checked_add(days)).ok_or(Fault::Years)?;
        let date = Date::from_julian_day(day).map_err(|_| Fault::Years)?;
        let region = self.spec.region_at(kept.region, index);
        let body = format!("{region:06}{:04}{:02}{:02}{order:03}", date.year(), u8::from(date.month()), date.day());
        let digits: &[u8; 17] = body.as_bytes().try_into().map_err(|_| Fault::Invalid)?;
        let check = resident_id::check_digit(digits);
        out.push_str(&body);
        out.push(char::from(check));
        Ok(())
    }

    /// FF1 over bits until the number is below the size again.
    fn walk(&self, domain: &Domain, value: u64) -> u64 {
        let right = domain.shape.halves.1;
        let mut lane = [Halves { a: value >> right, b: value & ((1 << right) - 1) }];
        loop {
            self.ff1.run(self.direction, &domain.shape, &mut lane);
            let value = lane[0].a << right | lane[0].b;
            if value < domain.size {
                return value;
            }
        }
    }

    fn domain(&mut self, kept: Kept, regions: u64) -> Option<Domain> {
        if let Some(domain) = self.domains.get(&kept) {
            return domain.clone();
        }
        if self.domains.len() >= CONTEXTS {
            self.domains.clear();
        }
        let domain = self.make_domain(kept, regions);
        self.domains.insert(kept, domain.clone());
        domain
    }

    fn make_domain(&self, kept: Kept, regions: u64) -> Option<Domain> {
        let start = |year: i32| Date::from_calendar_date(year, Month::January, 1).ok().map(Date::to_julian_day);
        let (first_day, end) = match self.spec.birth {
            BirthPart::Keep => {
                let day = day_number(kept.birth)?;
                (day, day + 1)
            }
            BirthPart::Year => {
                let year = i32::try_from(kept.birth).ok()?;
                (start(year)?, start(year + 1)?)
            }
            BirthPart::Encrypt => (start(self.spec.years.0)?, start(self.spec.years.1 + 1)?),
        };
        let days = u64::try_from(end - first_day).ok()?;
        let size = regions * days * self.spec.orders();
        if size < u64::from(LEAST_DOMAIN) {
            return None;
        }
        let mut tweak = [kept.region.to_be_bytes(), kept.birth.to_be_bytes()].concat();
        tweak.push(kept.sex);
        let bits = (u64::BITS - (size - 1).leading_zeros()) as usize;
        let shape = self.ff1.shape(&tweak, bits).ok()??;
        Some(Domain { regions, first_day, days, size, shape }).filter(|domain| domain.regions > 0)
    }
}

/// The day of `YYYYMMDD`.
fn day_number(birth: u32) -> Option<i32> {
    let month = Month::try_from(u8::try_from(birth / 100 % 100).ok()?).ok()?;
    let day = u8::try_from(birth % 100).ok()?;
    Date::from_calendar_date(i32::try_from(birth / 10_000).ok()?, month, day).ok().map(Date::to_julian_day)
}

enum Fault {
    Invalid,
    Region,
    Years,
    Domain,
}

impl Cells for IdCipher {
    fn cells(&mut self, array: &ArrayRef, at: &At<'_>) -> Result<ArrayRef> {
        map_texts(array, at, |row, cell, out| self.one(cell, out).map_err(|fault| id_refusal(&fault, row, at)))
    }
}

fn id_refusal(fault: &Fault, row: usize, at: &At<'_>) -> Error {
    match fault {
        Fault::Invalid => at.refuse(
            "transform.resident_id",
            row,
            ("a cell is no valid 18-character resident ID", "单元格不是有效的18位公民身份号码"),
            (
                "normalise the column first (15 to 18 digits), and null out or drop wrong numbers",
                "先规范该列（15位升18位），并清空或删除错误号码",
            ),
        ),
        Fault::Region => at.refuse(
            "transform.resident_id_region",
            row,
            ("the region of a resident ID is not in the table", "公民身份号码的区划代码不在区划表中"),
            ("add former codes to `regions`, or leave the table away", "在 regions 中补充历史代码，或不使用区划表"),
        ),
        Fault::Years => at.refuse(
            "transform.resident_id_years",
            row,
            ("the birth date of a resident ID lies outside the years", "公民身份号码的出生日期超出年份范围"),
            ("widen `years`", "放宽 years 范围"),
        ),
        Fault::Domain => {
            let refusal = too_much_kept().advice();
            at.refuse("transform.ff1_domain", row, (&refusal.what.en, &refusal.what.zh), (&refusal.remedy.en, &refusal.remedy.zh))
        }
    }
}

fn too_much_kept() -> Error {
    refuse::parameter(
        "transform.ff1_domain",
        (
            "what stays readable leaves fewer than 10^6 resident IDs, which can be guessed by trying",
            "保留的部分使可能的公民身份号码不足10^6个，可被穷举猜出",
        ),
        ("keep less of the region, the birth date or the sex", "减少保留的区划、出生日期或性别信息"),
    )
}

pub(super) struct MobileCipher {
    ff1: Ff1,
    direction: Direction,
    shapes: HashMap<[u8; 3], Shape>,
}

impl MobileCipher {
    pub(super) fn new(key: &[u8], direction: Direction) -> Result<Self> {
        Ok(Self { ff1: Ff1::new(key, 10)?, direction, shapes: HashMap::new() })
    }

    fn one(&mut self, cell: &str, out: &mut String) -> Option<()> {
        let digits: &[u8; 11] = cell.as_bytes().try_into().ok()?;
        let (segment, rest) = digits.split_first_chunk::<3>()?;
        if !digits.iter().all(u8::is_ascii_digit) || segment[0] != b'1' || segment[1] < b'3' {
            return None;
        }
        if !self.shapes.contains_key(segment) {
            // at most 70 segments pass the check above
            self.shapes.insert(*segment, self.ff1.shape(segment, 8).ok()??);
        }
        let number = |digits: &[u8]| digits.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0'));
        let mut lane = [Halves { a: number(&rest[..4]), b: number(&rest[4..]) }];
        self.ff1.run(self.direction, self.shapes.get(segment)?, &mut lane);
        out.push_str(cell.get(..3)?);
        out.push_str(&format!("{:04}{:04}", lane[0].a, lane[0].b));
        Some(())
    }
}

impl Cells for MobileCipher {
    fn cells(&mut self, array: &ArrayRef, at: &At<'_>) -> Result<ArrayRef> {
        map_texts(array, at, |row, cell, out| {
            self.one(cell, out).ok_or_else(|| {
                at.refuse(
                    "transform.mobile",
                    row,
                    ("a cell is no mobile number of 11 digits", "单元格不是11位手机号码"),
                    (
                        "normalise the column first (no country code, no separators), and null out wrong numbers",
                        "先规范该列（去除国家代码与分隔符），并清空错误号码",
                    ),
                )
            })
        })
    }
}
