//! Short forms for the node's events.

use crate::fault::Result;
use yu_governance::audit::{Event, Field};
use yu_governance::canonical::Hash;

/// Short forms for the node's events.
pub trait Note: Sized {
    /// The job it belongs to.
    ///
    /// # Errors
    /// `input.bad`.
    fn of(self, job: &str) -> Result<Self>;
    /// The other party concerned.
    ///
    /// # Errors
    /// `input.bad`.
    fn by(self, party: &str) -> Result<Self>;
    /// A hash.
    #[must_use]
    fn hash(self, name: &'static str, hash: &Hash) -> Self;
    /// A count.
    #[must_use]
    fn count(self, name: &'static str, count: u64) -> Self;
    /// A word of the program.
    #[must_use]
    fn code(self, name: &'static str, code: &'static str) -> Self;
}

impl Note for Event {
    fn of(self, job: &str) -> Result<Self> {
        Ok(self.job(crate::destroy::parse_job(job)?))
    }

    fn by(self, party: &str) -> Result<Self> {
        Ok(self.party(party.parse()?))
    }

    fn hash(self, name: &'static str, hash: &Hash) -> Self {
        self.with(name, Field::Hash(*hash))
    }

    fn count(self, name: &'static str, count: u64) -> Self {
        self.with(name, Field::Count(count))
    }

    fn code(self, name: &'static str, code: &'static str) -> Self {
        self.with(name, Field::Code(code))
    }
}
