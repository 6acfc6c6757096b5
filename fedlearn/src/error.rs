//! What can go wrong, grouped by who is at fault. Messages name parties, steps and sizes, never values of data.

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Errors of training.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Our caller asked for something impossible.
    #[error("{0}")]
    Caller(String),
    /// Data that a model cannot be trained on.
    #[error("{what}: {problem}; {remedy}")]
    Data {
        /// Column, file or set.
        what: String,
        /// What is wrong.
        problem: String,
        /// What to do.
        remedy: String,
    },
    /// A setting that would leak or not protect what it names.
    #[error("`{setting}` is refused: {reason}; {remedy}")]
    Unsafe {
        /// Name in the job file.
        setting: String,
        /// What would be learnt, by whom.
        reason: String,
        /// What to choose instead.
        remedy: String,
    },
    /// A party sent what the protocol does not allow.
    #[error("party `{culprit}` broke the protocol at {step}: {what}")]
    Peer {
        /// Who deviated.
        culprit: String,
        /// The step in which it happened.
        step: &'static str,
        /// What was expected and what came.
        what: String,
    },
    /// Too few parties are left for a round to be safe or to be worth it.
    #[error("{step}: {present} of {needed} parties needed answered; {remedy}")]
    Quorum {
        /// The step in which they were counted.
        step: &'static str,
        /// How many did.
        present: usize,
        /// How many it takes.
        needed: usize,
        /// What to do.
        remedy: &'static str,
    },
    /// Too few parties are left, and some of them are known to be away.
    #[error("{what}; away: {parties}")]
    Absent {
        /// How many there are and how many it takes.
        what: String,
        /// Who is away, and why.
        parties: String,
    },
    /// The privacy budget does not allow what was asked.
    #[error("privacy budget: {0}")]
    Budget(String),
    /// Arithmetic over shares failed.
    #[error(transparent)]
    Shares(#[from] yu_mpc::Error),
    /// The network or a session failed.
    #[error(transparent)]
    Transport(yu_wire::Error),
}

/// A peer that breaks framing is a peer that broke the protocol; everything else stays the transport's.
impl From<yu_wire::Error> for Error {
    fn from(error: yu_wire::Error) -> Self {
        match error {
            yu_wire::Error::Peer { culprit, step, what } => Self::Peer { culprit, step: "framing", what: format!("{step}: {what}") },
            other => Self::Transport(other),
        }
    }
}

impl Error {
    /// The kind of error in a word: what a peer may be told.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Caller(_) => "setting",
            Self::Data { .. } => "data",
            Self::Unsafe { .. } => "unsafe",
            Self::Peer { .. } => "protocol",
            Self::Quorum { .. } | Self::Absent { .. } => "quorum",
            Self::Budget(_) => "budget",
            Self::Shares(_) => "shares",
            Self::Transport(_) => "transport",
        }
    }

    pub(crate) fn caller(what: impl Into<String>) -> Self {
        Self::Caller(what.into())
    }
}
