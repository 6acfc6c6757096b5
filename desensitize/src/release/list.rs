//! A flat list of published counts with their total: what the checks of a held result can examine without any input.
//!
//! Pure functions; no linear program is needed, because with one equation the attacker's intervals are known in closed form:
//! of `m` groups that were left out and together hold `r` rows, each holds between `f` and `r - (m - 1) f`, where `f` is
//! 1 if empty groups are always printed and 0 otherwise.

use serde::{Deserialize, Serialize};

use super::rules::{Rules, Zeros};
use crate::error::Text;

/// One published count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// What a reader knows the group by.
    pub key: String,
    /// Rows in it.
    pub count: u64,
}

/// What was left out of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LeftOut {
    /// Nothing: the groups make up the total.
    Nothing,
    /// So many groups, which readers know to exist.
    Groups(u64),
    /// Not known; what is missing from the total is looked at as one group.
    Unknown,
}

/// Why a list may not be published.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Objection {
    /// The group at this position has fewer rows than the minimum frequency.
    Small(usize),
    /// The group at this position is empty.
    Empty(usize),
    /// The total itself is below the minimum frequency.
    SmallTotal,
    /// What was left out can be computed from the total (complement open).
    ComplementOpen,
    /// Two groups have one key, at these positions.
    Twice(usize, usize),
    /// The groups hold more rows than the total, or fewer although nothing was left out: nothing can be proven.
    Inconsistent,
}

impl Objection {
    /// A stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Small(_) => "release.small",
            Self::Empty(_) => "release.empty",
            Self::SmallTotal => "release.small_total",
            Self::ComplementOpen => "release.complement_open",
            Self::Twice(..) => "release.key_twice",
            Self::Inconsistent => "release.inconsistent",
        }
    }

    /// As a sentence, without a value.
    #[must_use]
    pub fn text(&self) -> Text {
        match self {
            Self::Small(at) => {
                Text::new(format!("group {} has fewer rows than the minimum", at + 1), format!("第 {} 组行数低于最小频数", at + 1))
            }
            Self::Empty(at) => Text::new(
                format!("group {} is empty, which says something about everybody", at + 1),
                format!("第 {} 组为空，等于透露每个人的情况", at + 1),
            ),
            Self::SmallTotal => Text::new("the total is below the minimum frequency", "总数低于最小频数"),
            Self::ComplementOpen => Text::new(
                "the rows of a group that was left out can be computed from the total: leave out another group as well, or the total",
                "可由总数推算被隐藏组的行数：请再隐藏一组，或不发布总数",
            ),
            Self::Twice(a, b) => {
                Text::new(format!("groups {} and {} have one key", a + 1, b + 1), format!("第 {} 组与第 {} 组同名", a + 1, b + 1))
            }
            Self::Inconsistent => Text::new("the groups do not add up to the total", "各组之和与总数不符"),
        }
    }
}

/// Everything that speaks against publishing these counts and, if it is published, their total. The groups are taken to be
/// disjoint.
///
/// ```
/// use yu_desensitize::release::{Cell, LeftOut, Objection, Rules, Zeros, objections_to_list};
/// let cells = [("a", 40), ("b", 55)].map(|(key, count)| Cell { key: key.into(), count });
/// let rules = Rules::frequency(10, Zeros::Hide);
/// // a third group of 3 was left out, but the total tells
/// assert_eq!(objections_to_list(&cells, Some(98), LeftOut::Groups(1), &rules), [Objection::ComplementOpen]);
/// assert_eq!(objections_to_list(&cells, None, LeftOut::Groups(1), &rules), []);
/// ```
#[must_use]
pub fn objections_to_list(cells: &[Cell], total: Option<u64>, left_out: LeftOut, rules: &Rules) -> Vec<Objection> {
    let mut found: Vec<Objection> = cells
        .iter()
        .enumerate()
        .filter_map(|(at, cell)| match cell.count {
            0 => (rules.zeros == Zeros::Hide).then_some(Objection::Empty(at)),
            n => (n < rules.min_frequency).then_some(Objection::Small(at)),
        })
        .collect();
    let mut order: Vec<usize> = (0..cells.len()).collect();
    order.sort_by_key(|at| cells.get(*at).map(|cell| cell.key.as_str()));
    found.extend(order.windows(2).find_map(|pair| match pair {
        [a, b] if cells.get(*a).map(|c| &c.key) == cells.get(*b).map(|c| &c.key) => Some(Objection::Twice(*a, *b)),
        _ => None,
    }));
    let Some(total) = total else { return found };
    if total < rules.min_frequency {
        found.push(Objection::SmallTotal);
    }
    let sum = cells.iter().try_fold(0_u64, |sum, cell| sum.checked_add(cell.count));
    match sum.and_then(|sum| total.checked_sub(sum)) {
        None => found.push(Objection::Inconsistent),
        Some(rest) => found.extend(rest_objection(rest, left_out, rules)),
    }
    found
}

fn rest_objection(rest: u64, left_out: LeftOut, rules: &Rules) -> Option<Objection> {
    let floor = u64::from(rules.zeros == Zeros::Publish);
    let is_open = match left_out {
        LeftOut::Nothing | LeftOut::Groups(0) => return (rest != 0).then_some(Objection::Inconsistent),
        LeftOut::Unknown => rest == 0 || rest >= rules.min_frequency,
        // one group is known exactly, whatever its size
        LeftOut::Groups(1) => false,
        LeftOut::Groups(m) => {
            let Some(greatest) = (m - 1).checked_mul(floor).and_then(|others| rest.checked_sub(others)) else {
                return Some(Objection::Inconsistent);
            };
            greatest >= rules.min_frequency.max(2) && greatest > floor
        }
    };
    (!is_open).then_some(Objection::ComplementOpen)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(counts: &[u64]) -> Vec<Cell> {
        counts.iter().enumerate().map(|(at, count)| Cell { key: format!("g{at}"), count: *count }).collect()
    }

    #[test]
    fn the_complement_is_seen_by_hand() {
        let hide = Rules::frequency(5, Zeros::Hide);
        let publish = Rules::frequency(5, Zeros::Publish);
        let of = |total, left_out, rules: &Rules| objections_to_list(&cells(&[20, 30]), Some(total), left_out, rules);
        assert_eq!(of(50, LeftOut::Nothing, &hide), []);
        assert_eq!(of(51, LeftOut::Nothing, &hide), [Objection::Inconsistent]);
        assert_eq!(of(49, LeftOut::Unknown, &hide), [Objection::Inconsistent]);
        assert_eq!(of(54, LeftOut::Unknown, &hide), [Objection::ComplementOpen]);
        assert_eq!(of(55, LeftOut::Unknown, &hide), []);
        assert_eq!(of(90, LeftOut::Groups(1), &hide), [Objection::ComplementOpen]);
        assert_eq!(of(54, LeftOut::Groups(2), &hide), [Objection::ComplementOpen]);
        assert_eq!(of(55, LeftOut::Groups(2), &hide), []);
        // of 5 rows in two groups that are not empty, neither can have 5
        assert_eq!(of(55, LeftOut::Groups(2), &publish), [Objection::ComplementOpen]);
        assert_eq!(of(56, LeftOut::Groups(2), &publish), []);
        assert_eq!(of(51, LeftOut::Groups(2), &publish), [Objection::ComplementOpen]);
        assert_eq!(of(50, LeftOut::Groups(9), &publish), [Objection::Inconsistent]);
    }

    #[test]
    fn small_empty_double_and_hostile_lists() {
        let rules = Rules::frequency(5, Zeros::Hide);
        let found = objections_to_list(&cells(&[4, 0, 5]), Some(9), LeftOut::Nothing, &rules);
        assert_eq!(found, [Objection::Small(0), Objection::Empty(1)]);
        assert_eq!(objections_to_list(&[], Some(0), LeftOut::Nothing, &rules), [Objection::SmallTotal]);
        assert_eq!(objections_to_list(&[], None, LeftOut::Unknown, &rules), []);
        let huge = objections_to_list(&cells(&[u64::MAX, u64::MAX]), Some(u64::MAX), LeftOut::Unknown, &rules);
        assert_eq!(huge, [Objection::Inconsistent]);
        assert_eq!(
            objections_to_list(&cells(&[9]), Some(100), LeftOut::Groups(u64::MAX), &Rules::frequency(5, Zeros::Publish)),
            [Objection::Inconsistent]
        );
        let mut double = cells(&[9, 9]);
        double[1].key = "g0".into();
        assert_eq!(objections_to_list(&double, None, LeftOut::Nothing, &rules), [Objection::Twice(0, 1)]);
        for text in [r#"{"key":"a","count":-1}"#, r#"{"key":"a","count":1.5}"#, r#"{"key":"a","count":null}"#] {
            assert!(serde_json::from_str::<Cell>(text).is_err());
        }
        let many = cells(&vec![7; 100_000]);
        assert_eq!(objections_to_list(&many, Some(700_003), LeftOut::Unknown, &rules), [Objection::ComplementOpen]);
        assert!(found.iter().all(|o| !o.text().zh.is_empty() && o.code().starts_with("release.")));
    }
}
