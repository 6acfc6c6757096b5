//! error.
/// Errors of the rules; never contain a data value.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A signed object is not what it claims to be.
    #[error("{object}: {reason}")]
    Signature {
        /// Which object.
        object: String,
        /// Why it was refused.
        reason: String,
    },
    /// A document is malformed.
    #[error("{object}: {reason}")]
    Malformed {
        /// Which object.
        object: String,
        /// What is wrong.
        reason: String,
    },
    /// A rule forbids it.
    #[error("{code}: {what}")]
    Refused {
        /// Stable code, for example `authorisation.expired`.
        code: &'static str,
        /// What was refused and why.
        what: String,
    },
}

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;
