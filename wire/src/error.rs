//! What can go wrong on the wire, grouped by who is at fault.

/// Result of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Errors of the wire; messages name parties, steps and sizes, never payload.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Our caller asked for something impossible.
    #[error("{0}")]
    Caller(String),
    /// The peer sent what the protocol does not allow.
    #[error("party `{culprit}` broke the protocol at {step}: {what}")]
    Peer {
        /// Who deviated.
        culprit: String,
        /// The step or layer in which it happened.
        step: String,
        /// What was expected and what came.
        what: String,
    },
    /// The peer could not be reached again within the limit.
    #[error("party `{party}` was not reachable for {after_s} s")]
    PeerLost {
        /// Who is missing.
        party: String,
        /// The limit that passed, seconds.
        after_s: u64,
    },
    /// The peer answered, but it no longer knows the session: its process was restarted.
    #[error("party `{party}` was restarted and lost the session")]
    PeerRestarted {
        /// Who restarted.
        party: String,
    },
    /// The peer told us why it stopped.
    #[error("party `{party}` stopped: {code}")]
    PeerFailed {
        /// Who stopped.
        party: String,
        /// Its value-free reason.
        code: String,
    },
    /// TLS or identity refused the peer.
    #[error("identity of `{party}` refused: {reason}")]
    Identity {
        /// Who was expected or presented itself.
        party: String,
        /// Why; names the certificate field at fault.
        reason: String,
    },
    /// The listening port is taken.
    #[error("port {port} on {address} is in use")]
    PortInUse {
        /// Address.
        address: String,
        /// Port.
        port: u16,
    },
    /// The session was closed on our side.
    #[error("session closed")]
    Closed,
    /// The network or the operating system failed.
    #[error("{what}: {source}")]
    Transport {
        /// The operation.
        what: String,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
    /// Bytes do not decode to the expected message.
    #[error("message does not decode: {0}")]
    Decode(String),
    /// Cryptography refused (sealed message damaged, wrong key).
    #[error("{0}")]
    Crypto(String),
}

impl Error {
    /// The peer sent what the protocol does not allow.
    #[must_use]
    pub fn peer(culprit: &str, step: impl std::fmt::Display, what: impl Into<String>) -> Self {
        Self::Peer { culprit: culprit.to_owned(), step: step.to_string(), what: what.into() }
    }

    /// Puts a message that does not decode at the door of the party that sent it; other errors stay.
    #[must_use]
    pub fn blame(self, culprit: &str, step: impl std::fmt::Display) -> Self {
        match self {
            Self::Decode(what) => Self::peer(culprit, step, format!("message does not decode: {what}")),
            other => other,
        }
    }
}
