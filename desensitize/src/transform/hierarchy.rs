//! Generalisation by a hierarchy (泛化层级): each value has a name at every level, from fine to coarse.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use arrow::array::ArrayRef;
use serde::{Deserialize, Serialize};

use super::cells::{At, Cells, map_texts};
use super::refuse;
use crate::error::Result;

/// Value to its names at levels 1, 2 and so on.
pub type Hierarchy = BTreeMap<String, Vec<String>>;

/// What happens to a value that the hierarchy does not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unknown {
    /// The cell is refused.
    #[default]
    Refuse,
    /// It becomes `*`.
    Suppress,
}

pub(super) struct Generalise {
    names: HashMap<String, String>,
    unknown: Unknown,
}

impl Generalise {
    /// `level` counts from 1.
    pub(super) fn new(hierarchy: &Hierarchy, level: u32, unknown: Unknown) -> Result<Self> {
        check(hierarchy, level)?;
        let at = |names: &[String]| names.get(level as usize - 1).cloned().unwrap_or_default();
        // names of the level stand for themselves, so that generalising twice changes nothing
        let mut names: HashMap<String, String> = hierarchy.values().map(|names| (at(names), at(names))).collect();
        names.extend(hierarchy.iter().map(|(value, names)| (value.clone(), at(names))));
        Ok(Self { names, unknown })
    }
}

/// All values have the same number of levels, and what is one at a level stays one at all coarser levels.
fn check(hierarchy: &Hierarchy, level: u32) -> Result<()> {
    if hierarchy.values().flatten().any(|name| name.len() > refuse::MOST_TEXT) {
        return Err(refuse::parameter(
            "transform.hierarchy",
            ("a name has more than 1024 bytes", "名称超过1024字节"),
            ("write shorter names", "请填写较短的名称"),
        ));
    }
    let depth = hierarchy.values().next().map_or(0, Vec::len);
    let has_gap = hierarchy.values().any(|names| names.len() != depth || names.iter().any(String::is_empty));
    if depth == 0 || has_gap {
        return Err(refuse::parameter(
            "transform.hierarchy",
            ("the hierarchy is empty or has gaps: some value lacks a name at a level", "层级表为空或有缺口：某个值在某一级没有名称"),
            ("give every value a name at every level", "为每个值填写每一级的名称"),
        ));
    }
    if level == 0 || level as usize > depth {
        return Err(refuse::parameter(
            "transform.level",
            ("the hierarchy does not have this level", "层级表没有这一级"),
            ("count levels from 1 to the number of names of a value", "级别从1数到每个值的名称个数"),
        ));
    }
    for fine in 0..depth - 1 {
        let pairs: BTreeSet<(&str, &str)> = hierarchy.values().map(|names| (names[fine].as_str(), names[fine + 1].as_str())).collect();
        let parents: BTreeSet<&str> = pairs.iter().map(|(name, _)| *name).collect();
        if parents.len() != pairs.len() {
            return Err(refuse::parameter(
                "transform.hierarchy",
                ("one name has two names at the next level of the hierarchy", "同一名称在上一级对应两个不同名称"),
                ("let every name have one parent", "使每个名称只有一个上级"),
            ));
        }
    }
    if has_circle(hierarchy) {
        return Err(refuse::parameter(
            "transform.hierarchy",
            (
                "one name stands for different values: it is on two levels, or is a value itself, and the one does not lie above the other",
                "同一名称代表不同的值：它出现在两级（或本身也是一个值），而其中一个不是另一个的上级",
            ),
            ("give them different names", "请使用不同的名称"),
        ));
    }
    Ok(())
}

/// Whether a name of a level occurs as a value or on a lower level for something that it does not stand for.
fn has_circle(hierarchy: &Hierarchy) -> bool {
    let mut levels: HashMap<&str, BTreeSet<usize>> = HashMap::new();
    for (level, name) in hierarchy.values().flat_map(|names| names.iter().enumerate()) {
        levels.entry(name).or_default().insert(level);
    }
    let is_odd = |name: &str, from: usize, names: &[String]| {
        let above = levels.get(name).into_iter().flat_map(|levels| levels.range(from..));
        above.into_iter().any(|level| names.get(*level).is_some_and(|other| other != name))
    };
    hierarchy.iter().any(|(value, names)| is_odd(value, 0, names) || (1..).zip(names).any(|(above, name)| is_odd(name, above, names)))
}

impl Cells for Generalise {
    fn cells(&mut self, array: &ArrayRef, at: &At<'_>) -> Result<ArrayRef> {
        map_texts(array, at, |row, cell, out| {
            match (self.names.get(cell), self.unknown) {
                (Some(name), _) => out.push_str(name),
                (None, Unknown::Suppress) => out.push('*'),
                (None, Unknown::Refuse) => {
                    return Err(at.refuse(
                        "transform.hierarchy_value",
                        row,
                        ("a value is not in the hierarchy", "该值不在层级表中"),
                        ("add it to the hierarchy, or write `unknown = \"suppress\"`", "将其补入层级表，或写 unknown = \"suppress\""),
                    ));
                }
            }
            Ok(())
        })
    }
}
