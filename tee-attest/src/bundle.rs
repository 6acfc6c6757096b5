//! Collateral carried into the domain: one signed file, named by its hash.
//!
//! The verifier reaches no network: what makers publish is fetched outside, put into a bundle, signed by the person who
//! answers for it, and carried in. [`Bundle::verify`] checks every signature inside once.

mod lint;

use serde::{Deserialize, Serialize};

use crate::collateral::{Entry, VerifiedCollateral};
use crate::crypto::Provider;
use crate::fault::{Fault, Result};
use crate::instant::Instant;
use crate::signed::Document;

pub use lint::{Level, Note};

/// A bundle of collateral.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bundle {
    /// Its name, for people.
    pub name: String,
    /// When it was put together.
    pub issued: Instant,
    /// What makers published.
    pub entries: Vec<Entry>,
}

/// Platforms of one domain: tens of machines, a few makers.
const MOST_ENTRIES: usize = 4096;

impl Document for Bundle {
    const DOMAIN: &'static str = "yu collateral bundle 1";
    const NAME: &'static str = "collateral bundle";
    const MOST_BYTES: usize = 64 << 20;

    fn check(&self) -> Result<()> {
        if self.entries.is_empty() || self.entries.len() > MOST_ENTRIES || self.name.len() > 256 {
            return Err(Fault::new(
                "bundle.entries",
                "collateral bundle",
                "no entries, more than 4096, or a name too long",
                "背书材料条目为空、过多或名称过长",
            ));
        }
        Ok(())
    }
}

impl Bundle {
    /// Checks every signature in it. A bundle is used whole or not at all.
    ///
    /// # Errors
    /// The first fault, with the number of the entry.
    pub fn verify(&self, provider: &dyn Provider) -> Result<VerifiedCollateral> {
        self.check()?;
        Ok(VerifiedCollateral::new(provider, &self.entries, self.hash()?)?.issued_at(self.issued))
    }
}
