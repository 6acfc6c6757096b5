//! What the public sees (S6; ZW 32): counts of people or organisations only where enough stand behind them.
//!
//! A small number is withheld, and so is the next smallest if a sum is shown beside: the difference would tell it. Numbers
//! that are shown are rounded down to a multiple of the least cell, so that two disclosures a day apart do not show one
//! person who came.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::page::{Page, Table, same};
use crate::canonical::{Hash, u64_string, u64_string_option};
use crate::clock::Time;
use crate::finding::{Checked, broken, refuse};
use crate::id::{PartyName, document_hash};
use crate::sign::{KeyRing, Signed, SignedType};
use crate::text::Text;

/// One number, or that it is too small to be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// Rounded down; absent if withheld.
    #[serde(with = "u64_string_option", default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<u64>,
}

/// A group of numbers that add up to something known: none, or at least two, are withheld. `least` is the profile's fewest
/// people behind a published number ([`crate::policy::Floors`]).
///
/// ```
/// use std::collections::BTreeMap;
/// use yu_governance::report::withhold;
///
/// let shown = withhold(&BTreeMap::from([("a".to_owned(), 3), ("b".to_owned(), 21), ("c".to_owned(), 48)]), 5);
/// assert_eq!((shown["a"].at_least, shown["b"].at_least, shown["c"].at_least), (None, None, Some(45)));
/// ```
#[must_use]
pub fn withhold(numbers: &BTreeMap<String, u64>, least: u64) -> BTreeMap<String, Shown> {
    let least = least.max(1);
    let mut order: Vec<(&String, u64)> = numbers.iter().map(|(name, count)| (name, *count)).collect();
    order.sort_by_key(|(name, count)| (*count, *name));
    let small = order.iter().filter(|(_, count)| *count < least).count();
    // one alone is told by the sum; none of them: nothing is hidden
    let hidden = if small == 1 { 2 } else { small };
    let show = |(place, (name, count)): (usize, (&String, u64))| {
        let at_least = (place >= hidden).then(|| count - count % least);
        (name.clone(), Shown { at_least })
    };
    order.into_iter().enumerate().map(show).collect()
}

/// The disclosure, signed by the operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disclosure {
    /// Format version, 1.
    pub v: u32,
    /// Who discloses and signs.
    pub operator: PartyName,
    /// First second of the period, and the first one behind it.
    pub period: (Time, Time),
    /// Fewest people behind a number.
    #[serde(with = "u64_string")]
    pub least: u64,
    /// Numbers by group and name.
    pub groups: BTreeMap<String, BTreeMap<String, Shown>>,
    /// What is said beside.
    pub text: Text,
    /// When.
    pub at: Time,
}

impl SignedType for Disclosure {
    const TYPE: &'static str = "public-disclosure-v1";
}

impl Disclosure {
    /// Checks a disclosure against the numbers behind it and the profile's floor; for the authority, which has both.
    ///
    /// # Errors
    /// `disclosure.signature`; `disclosure.floor` for a lower one than the profile's; `disclosure.number` if what is shown is not
    /// what [`withhold`] gives; `disclosure.malformed`.
    pub fn verify(signed: &Signed<Self>, exact: &BTreeMap<String, BTreeMap<String, u64>>, floor: u64, keys: &KeyRing) -> Checked<Hash> {
        let operator = &signed.payload.operator;
        let disclosure = signed.verify(keys, &[operator.as_str()]).map_err(|error| broken("disclosure.signature", operator, &error))?;
        if disclosure.least < floor.max(1) {
            let what = (
                format!("numbers of {} people are shown, the floor is {floor}", disclosure.least),
                format!("公布数值下限为 {} 人，规则为 {floor} 人", disclosure.least),
            );
            return refuse("disclosure.floor", operator, what, ("withhold small numbers", "隐去小数值"));
        }
        if disclosure.v != 1 || disclosure.text.is_blank() || disclosure.period.0 >= disclosure.period.1 {
            let what = ("it has another format, no text or no period", "格式不符、缺少说明或期间");
            return refuse("disclosure.malformed", operator, what, ("draw it again", "重新出具"));
        }
        let follows: BTreeMap<String, _> =
            exact.iter().map(|(group, numbers)| (group.clone(), withhold(numbers, disclosure.least))).collect();
        if follows != disclosure.groups {
            let what = ("what is shown does not follow from the numbers behind it", "公布内容与实际数据不符");
            return refuse("disclosure.number", operator, what, ("draw it again", "重新出具"));
        }
        document_hash(disclosure).map_err(|error| broken("disclosure.malformed", operator, &error))
    }

    /// The public page.
    #[must_use]
    pub fn page(&self) -> Page {
        let shown = |number: &Shown| match number.at_least {
            Some(count) => Text::new(format!("{count} or more"), format!("不少于 {count}")),
            None => Text::new("withheld: few", "数值较小，不予公布"),
        };
        let table = |(group, numbers): (&String, &BTreeMap<String, Shown>)| Table {
            title: same(group),
            head: vec![Text::new("what", "项目"), Text::new("how many", "数量")],
            rows: numbers.iter().map(|(name, number)| vec![same(name), shown(number)]).collect(),
        };
        let (from, to) = self.period;
        Page {
            title: Text::new("Authorised operation of public data: disclosure", "公共数据授权运营情况披露"),
            text: vec![
                Text::new(format!("{}, {from} to {to}.", self.operator), format!("{}，{from} 至 {to}。", self.operator)),
                self.text.clone(),
            ],
            tables: self.groups.iter().map(table).collect(),
            foot: Text::new(
                format!("Numbers are rounded down to multiples of {}; smaller ones are withheld.", self.least),
                format!("数值向下取整为 {} 的倍数，小于该数者不予公布。", self.least),
            ),
        }
    }
}
