//! What is to be computed; part of the contract.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Columns per side and categories: bounds that keep a result reviewable and its size far from any limit.
const MAX_COLUMNS: usize = 4096;

/// The joint statistics of two parties' columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatsPlan {
    /// First input party, `P_0`.
    pub left: Side,
    /// Second input party, `P_1`.
    pub right: Side,
    /// Name of the helper, `P_2`.
    pub helper: String,
    /// Means by category, if wanted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grouping: Option<Grouping>,
    /// Least number of rows in any group and overall.
    #[serde(with = "crate::text")]
    pub min_cell: u64,
}

/// An input party and its numeric columns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Side {
    /// Name of the party.
    pub party: String,
    /// Names of the columns, in order.
    pub columns: Vec<String>,
}

/// A categorical column of one side.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grouping {
    /// Who owns the column.
    pub side: Owner,
    /// Name of the column.
    pub column: String,
    /// Its categories; group `k` is `categories[k]`.
    pub categories: Vec<String>,
}

/// One of the two input parties.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Owner {
    /// The left one.
    Left,
    /// The right one.
    Right,
}

/// Our place in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Left input party, `P_0`.
    Left,
    /// Right input party, `P_1`.
    Right,
    /// Helper, `P_2`.
    Helper,
}

impl Role {
    /// Index in [`crate::rep3`].
    #[must_use]
    pub const fn index(self) -> usize {
        match self {
            Self::Left => 0,
            Self::Right => 1,
            Self::Helper => 2,
        }
    }

    /// The input party that it is.
    #[must_use]
    pub const fn owner(self) -> Option<Owner> {
        match self {
            Self::Left => Some(Owner::Left),
            Self::Right => Some(Owner::Right),
            Self::Helper => None,
        }
    }
}

impl Owner {
    /// The other input party.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }
}

impl StatsPlan {
    /// Checks what can be checked without data.
    ///
    /// # Errors
    /// [`Error::Caller`] for parties that are not three, columns or categories that repeat or are missing, or too many of them.
    pub fn check(&self) -> Result<()> {
        let names = self.parties();
        if names.iter().any(|name| name.is_empty()) || names.iter().collect::<HashSet<_>>().len() < names.len() {
            return Err(Error::caller("left, right and helper have to be three different parties"));
        }
        for side in [&self.left, &self.right] {
            check_names(&side.party, "columns", &side.columns)?;
        }
        if self.left.columns.is_empty() && self.right.columns.is_empty() {
            return Err(Error::caller("no numeric columns"));
        }
        let Some(grouping) = &self.grouping else {
            return Ok(());
        };
        if grouping.categories.is_empty() {
            return Err(Error::caller(format!("grouping column `{}` has no categories", grouping.column)));
        }
        check_names(&grouping.column, "categories", &grouping.categories)
    }

    /// Names of the parties by index in [`crate::rep3`].
    #[must_use]
    pub fn parties(&self) -> [&str; 3] {
        [&self.left.party, &self.right.party, &self.helper]
    }

    /// One side.
    #[must_use]
    pub const fn side(&self, owner: Owner) -> &Side {
        match owner {
            Owner::Left => &self.left,
            Owner::Right => &self.right,
        }
    }

    /// Categories of a side's grouping column, 0 if it has none.
    #[must_use]
    pub fn groups_of(&self, owner: Owner) -> usize {
        self.grouping.as_ref().filter(|grouping| grouping.side == owner).map_or(0, |grouping| grouping.categories.len())
    }
}

fn check_names(owner: &str, what: &str, names: &[String]) -> Result<()> {
    let mut seen = HashSet::new();
    if names.len() > MAX_COLUMNS {
        return Err(Error::caller(format!("`{owner}`: `{}` {what}, at most `{MAX_COLUMNS}`", names.len())));
    }
    match names.iter().find(|name| name.is_empty() || !seen.insert(name.as_str())) {
        Some(name) => Err(Error::caller(format!("`{owner}`: {what} contain `{name}` twice or without a name"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> StatsPlan {
        let side = |party: &str, columns: [&str; 2]| Side { party: party.into(), columns: columns.map(String::from).to_vec() };
        StatsPlan {
            left: side("health", ["visits", "cost"]),
            right: side("bank", ["income", "balance"]),
            helper: "platform".into(),
            grouping: Some(Grouping { side: Owner::Left, column: "chronic".into(), categories: vec!["no".into(), "yes".into()] }),
            min_cell: 10,
        }
    }

    #[test]
    fn json_is_pinned() {
        let json = serde_json::to_string(&plan()).unwrap();
        assert_eq!(
            json,
            r#"{"left":{"party":"health","columns":["visits","cost"]},"right":{"party":"bank","columns":["income","balance"]},"helper":"platform","grouping":{"side":"left","column":"chronic","categories":["no","yes"]},"min_cell":"10"}"#
        );
        assert_eq!(serde_json::from_str::<StatsPlan>(&json).unwrap(), plan());
    }

    #[test]
    fn contradictions_are_found() {
        assert!(plan().check().is_ok());
        let refused = |change: fn(&mut StatsPlan)| {
            let mut changed = plan();
            change(&mut changed);
            assert!(changed.check().is_err());
        };
        refused(|plan| plan.helper = "bank".into());
        refused(|plan| plan.helper.clear());
        refused(|plan| plan.left.columns[1] = "visits".into());
        refused(|plan| plan.right.columns[0].clear());
        refused(|plan| plan.grouping.as_mut().unwrap().categories.clear());
        refused(|plan| plan.grouping.as_mut().unwrap().categories[0] = "yes".into());
        refused(|plan| (plan.left.columns, plan.right.columns) = (vec![], vec![]));
        refused(|plan| plan.left.columns = (0..5000).map(|number| number.to_string()).collect());
    }
}
