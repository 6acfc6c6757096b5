//! Identifiers: one type for each, so that they cannot be swapped, and each checks its text when it is made.
//!
//! Objects are called `env/organisation/name`: the environment is part of every object's identity (D7), so a
//! development node cannot even name a production data set by accident.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::canonical::{Hash, digest, to_canonical};
use crate::error::{Error, Result};
use crate::sign::SignedType;

/// Longest text of a scenario, purpose or column, in bytes.
const LONGEST: usize = 256;

fn malformed(object: &str, text: &str, wants: &str) -> Error {
    let shown: String = text.chars().take(80).collect();
    Error::Malformed { object: object.into(), reason: format!("`{}`: expected {wants}", shown.escape_debug()) }
}

fn is_word(text: &str, extra: &str) -> bool {
    (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || extra.contains(c))
}

/// Development and production never meet (D7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Environment {
    /// Development: sampled, masked or simulated data.
    Dev,
    /// Production.
    Prod,
}

impl Environment {
    /// `dev` or `prod`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::Prod => "prod",
        }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Environment {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text {
            "dev" => Ok(Self::Dev),
            "prod" => Ok(Self::Prod),
            other => Err(malformed("environment", other, "dev or prod")),
        }
    }
}

/// The text plumbing shared by the checked identifiers: `new`, `as_str`, `Display`, `FromStr`, serde through the check.
macro_rules! checked_text {
    ($(#[$doc:meta])* $name:ident, $object:literal, $check:expr, $wants:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// Checks the text.
            ///
            /// # Errors
            /// `Malformed` with the expected form.
            pub fn new(text: impl Into<String>) -> Result<Self> {
                let text = text.into();
                let check: fn(&str) -> bool = $check;
                if check(&text) { Ok(Self(text)) } else { Err(malformed($object, &text, $wants)) }
            }

            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = Error;

            fn from_str(text: &str) -> Result<Self> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;

            fn try_from(text: String) -> Result<Self> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.0
            }
        }
    };
}

/// `env/organisation/name` objects: the same form, distinct types.
macro_rules! object_id {
    ($(#[$doc:meta])* $name:ident, $object:literal) => {
        checked_text!($(#[$doc])* $name, $object, is_object, "env/organisation/name of a-z 0-9 - _ .");

        impl $name {
            /// Puts the three parts together.
            ///
            /// # Errors
            /// `Malformed` with the expected form.
            pub fn from_parts(environment: Environment, organisation: &str, name: &str) -> Result<Self> {
                Self::new(format!("{environment}/{organisation}/{name}"))
            }

            /// The environment it belongs to.
            #[must_use]
            pub fn environment(&self) -> Environment {
                if self.0.starts_with("prod/") { Environment::Prod } else { Environment::Dev }
            }

            /// The organisation that owns or issued it.
            #[must_use]
            pub fn organisation(&self) -> &str {
                self.0.split('/').nth(1).unwrap_or_default()
            }

            /// The last part.
            #[must_use]
            pub fn name(&self) -> &str {
                self.0.rsplit('/').next().unwrap_or_default()
            }
        }
    };
}

fn is_object(text: &str) -> bool {
    let parts: Vec<&str> = text.split('/').collect();
    let [env, organisation, name] = parts.as_slice() else { return false };
    matches!(*env, "dev" | "prod") && is_word(organisation, "") && is_word(name, "_.")
}

fn is_party(text: &str) -> bool {
    text.strip_prefix("yu://").is_some_and(|rest| {
        let parts: Vec<&str> = rest.split('/').collect();
        matches!(parts.as_slice(), [env, organisation, node]
            if matches!(*env, "dev" | "prod") && is_word(organisation, "") && is_word(node, ""))
    })
}

/// One thing, not a list and not a pattern: the text form of "one scenario, one authorisation" (A1).
fn is_single(text: &str) -> bool {
    !text.trim().is_empty()
        && text.trim() == text
        && text.len() <= LONGEST
        && !text.chars().any(|c| c.is_control() || "*?%,;|/+&，；、｜／＊？＆＋".contains(c))
}

fn is_column(text: &str) -> bool {
    !text.trim().is_empty() && text.len() <= LONGEST && text != "*" && !text.chars().any(char::is_control)
}

checked_text!(
    /// A node's name, `yu://env/organisation/node`, as in the URI SAN of its certificate.
    PartyName, "party name", is_party, "yu://dev|prod/organisation/node of a-z 0-9 -");

impl PartyName {
    /// Puts the three parts together.
    ///
    /// # Errors
    /// `Malformed` with the expected form.
    pub fn from_parts(environment: Environment, organisation: &str, node: &str) -> Result<Self> {
        Self::new(format!("yu://{environment}/{organisation}/{node}"))
    }

    /// The environment it belongs to.
    #[must_use]
    pub fn environment(&self) -> Environment {
        if self.0.starts_with("yu://prod/") { Environment::Prod } else { Environment::Dev }
    }

    /// The organisation.
    #[must_use]
    pub fn organisation(&self) -> &str {
        self.0.split('/').nth(3).unwrap_or_default()
    }

    /// The node within the organisation.
    #[must_use]
    pub fn node(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }
}

object_id!(
    /// A data set (数据集): `dev/health/insured`.
    DatasetId, "data set");
object_id!(
    /// An authorisation (授权), named by the authority that signs it.
    AuthorisationId, "authorisation");
object_id!(
    /// A data request (申请), named by the organisation that asks.
    RequestId, "request");

object_id!(
    /// A data product (数据产品), named by the organisation that makes it.
    ProductId, "product");
object_id!(
    /// A ticket: quality or dispute, named by the organisation that opens it.
    TicketId, "ticket");
object_id!(
    /// A person (人员) by a pseudonymous number within an organisation: `prod/bank/p-0007`.
    PersonId, "person");

checked_text!(
    /// Exactly one scenario (应用场景): no list, no wildcard (A1).
    Scenario, "scenario", is_single, "one scenario, without list separators or wildcards");
checked_text!(
    /// Exactly one purpose; compared as written, in authorisation, request, approval and contract (A18).
    Purpose, "purpose", is_single, "one purpose, without list separators or wildcards");

checked_text!(
    /// A jurisdiction profile (管辖规则集): `zhejiang`.
    ProfileId, "profile", |text| is_word(text, ""), "one word of a-z 0-9 -");

/// The hash by which one document cites another: over the canonical payload without signatures, tagged with its type.
///
/// # Errors
/// `Malformed` if the document has no canonical form.
pub fn document_hash<T: SignedType>(document: &T) -> Result<Hash> {
    Ok(digest(&format!("yu-{}", T::TYPE), &to_canonical(document)?))
}

/// The job: hash of the canonical contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobId(pub Hash);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Named columns, sorted, without repetition; there is no way to say "all".
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct ColumnSet(BTreeSet<String>);

impl ColumnSet {
    /// Checks the names.
    ///
    /// # Errors
    /// `Malformed` for an empty name, `*`, control characters, or a name that occurs twice.
    pub fn new<I, S>(names: I) -> Result<Self>
    where
        I: IntoIterator<Item = S>,
        S: Into<String>,
    {
        let mut set = BTreeSet::new();
        for name in names {
            let name = name.into();
            if !is_column(&name) {
                return Err(malformed("column", &name, "a column's name"));
            }
            if let Some(twice) = set.replace(name) {
                return Err(malformed("column", &twice, "each column once"));
            }
        }
        Ok(Self(set))
    }

    /// Whether the column is named.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// The columns of `self` that `other` lacks: what is beyond a grant (A5).
    #[must_use]
    pub fn beyond<'a>(&'a self, other: &'a Self) -> Vec<&'a str> {
        self.iter().filter(|name| !other.contains(name)).collect()
    }

    /// In sorted order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl TryFrom<Vec<String>> for ColumnSet {
    type Error = Error;

    fn try_from(names: Vec<String>) -> Result<Self> {
        Self::new(names)
    }
}

impl From<ColumnSet> for Vec<String> {
    fn from(set: ColumnSet) -> Self {
        set.0.into_iter().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parts_are_found() {
        let p = PartyName::new("yu://prod/health/node1").unwrap();
        assert_eq!((p.environment(), p.organisation(), p.node()), (Environment::Prod, "health", "node1"));
        let d = DatasetId::from_parts(Environment::Dev, "bank", "loans_2026.q1").unwrap();
        assert_eq!((d.environment(), d.organisation(), d.name()), (Environment::Dev, "bank", "loans_2026.q1"));
    }

    #[test]
    fn a1_a_scenario_is_one_scenario() {
        assert!(Scenario::new("小微企业信贷").is_ok());
        for bundled in ["", " ", "*", "credit, insurance", "信贷、保险", "credit|insurance", "credit*", "a\nb", " x"] {
            assert!(Scenario::new(bundled).is_err(), "{bundled}");
            assert!(Purpose::new(bundled).is_err(), "{bundled}");
        }
    }

    #[test]
    fn a5_there_is_no_wildcard_column() {
        assert!(ColumnSet::new(["*"]).is_err());
        assert!(ColumnSet::new(["age", "age"]).is_err());
        assert!(serde_json::from_str::<ColumnSet>(r#"["age",""]"#).is_err());
        let asked = ColumnSet::new(["age", "cost"]).unwrap();
        assert_eq!(asked.beyond(&ColumnSet::new(["age"]).unwrap()), ["cost"]);
    }

    proptest! {
        #[test]
        fn ids_round_trip_or_are_refused(s in "\\PC{0,60}") {
            for text in [s.clone(), format!("dev/{s}"), format!("yu://dev/{s}")] {
                if let Ok(id) = DatasetId::new(text.clone()) {
                    prop_assert_eq!(DatasetId::from_parts(id.environment(), id.organisation(), id.name()).unwrap(), id);
                }
                if let Ok(p) = PartyName::new(text) {
                    let json = serde_json::to_string(&p).unwrap();
                    prop_assert_eq!(serde_json::from_str::<PartyName>(&json).unwrap(), p);
                }
            }
        }

        #[test]
        fn well_formed_ids_are_accepted(org in "[a-z0-9-]{1,64}", name in "[a-z0-9._-]{1,64}") {
            prop_assert!(DatasetId::from_parts(Environment::Prod, &org, &name).is_ok());
        }
    }
}
