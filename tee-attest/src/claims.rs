//! What verified evidence says: claims with a name, a type and words for people.
//!
//! A claim that the schema does not have cannot be set, and a policy that names one is refused when it is loaded.

mod schema;
mod value;

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use schema::{ClaimType, Definition, definition, schema};
pub use value::{TcbStatus, Value};

/// The claims of one piece of evidence, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Claims(BTreeMap<Cow<'static, str>, Value>);

impl Claims {
    /// No claims.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a claim. Its name and type are constants of this crate: a test sets every one of the schema.
    pub(crate) fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        let value = value.into();
        debug_assert!(definition(name).is_some_and(|known| known.claim_type == value.claim_type()), "claim `{name}` against its schema");
        self.0.insert(Cow::Borrowed(name), value);
    }

    /// The value of a claim.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    /// All claims in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(name, value)| (name.as_ref(), value))
    }
}
