//! What can go wrong, grouped by who is at fault. Messages name parties, steps and sizes, never values of data.

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Errors of the protocols.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Our caller asked for something impossible.
    #[error("{0}")]
    Caller(String),
    /// Two arrays do not fit together.
    #[error("{operation}: shapes `{left:?}` and `{right:?}` do not fit")]
    Shape {
        /// The operation that was asked for.
        operation: &'static str,
        /// Shape of the left operand.
        left: Vec<usize>,
        /// Shape of the right operand.
        right: Vec<usize>,
    },
    /// A value of our own data does not fit the number format; the value itself is not shown.
    #[error("{what}: a value is not a number or lies outside ±{limit:e}")]
    Range {
        /// Column or operation.
        what: String,
        /// Values must be smaller in absolute value.
        limit: f64,
    },
    /// The peer sent what the protocol does not allow.
    #[error("party `{culprit}` broke the protocol at {step}: {what}")]
    Peer {
        /// Who deviated.
        culprit: String,
        /// The step in which it happened.
        step: String,
        /// What was expected and what came.
        what: String,
    },
    /// The agreed limits forbid to go on; nothing has been revealed beyond what the message says.
    #[error("limit refuses party `{party}`: {what}")]
    Policy {
        /// Whose input is refused.
        party: String,
        /// The number that was offered and the one that is required.
        what: String,
    },
    /// The result's shares contradict each other: at least one of these parties delivered wrong ones.
    #[error("shares of the result disagree: at least one of {suspects:?} delivered wrong ones")]
    Inconsistent {
        /// Who may have deviated; a single name is the culprit if only one party deviated.
        suspects: Vec<String>,
    },
    /// Two different rows got the same tag, which happens by chance with probability 2^-41 x (size ratio) at most.
    #[error("two tags are equal by chance, start the alignment again with a new session id")]
    Collision,
    /// The network, a session or sealing failed.
    #[error(transparent)]
    Transport(yu_wire::Error),
}

/// A peer that breaks framing is a peer that broke the protocol; everything else stays the transport's.
impl From<yu_wire::Error> for Error {
    fn from(error: yu_wire::Error) -> Self {
        match error {
            yu_wire::Error::Peer { culprit, step, what } => Self::Peer { culprit, step, what },
            other => Self::Transport(other),
        }
    }
}

impl Error {
    pub(crate) fn caller(what: impl Into<String>) -> Self {
        Self::Caller(what.into())
    }

    pub(crate) fn shape(operation: &'static str, left: &[usize], right: &[usize]) -> Self {
        Self::Shape { operation, left: left.to_vec(), right: right.to_vec() }
    }

    pub(crate) fn peer(culprit: &str, step: &'static str, what: impl Into<String>) -> Self {
        Self::Peer { culprit: culprit.into(), step: step.into(), what: what.into() }
    }

    pub(crate) fn policy(party: &str, what: impl Into<String>) -> Self {
        Self::Policy { party: party.into(), what: what.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_framing_fault_names_its_culprit() {
        let error = Error::from(yu_wire::Error::Peer { culprit: "b".into(), step: "s".into(), what: "w".into() });
        assert!(matches!(error, Error::Peer { culprit, .. } if culprit == "b"));
        assert!(matches!(Error::from(yu_wire::Error::Closed), Error::Transport(_)));
    }
}
