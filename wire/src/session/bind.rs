//! Who a session joins, and the signatures that bind each connection to its contract.
//!
//! Both sides sign the same fields, the direction apart: domain tag, direction, session id (the contract hash), the
//! whole hello (roles, process instances, resume counter) and keying material exported from the connection. A
//! signature is therefore good for one connection, one direction and one resume only.

use serde::{Deserialize, Serialize};

use crate::carrier::Connection;
use crate::codec;
use crate::{Error, Result};

/// Domain tag of the signature and label of the keying material.
const TAG: &[u8] = b"yu-session-bind-v1\0";
/// Longest hello: two roles and fixed fields.
pub(crate) const MAX_HELLO: usize = 1024;
/// Longest role.
const MAX_ROLE: usize = 256;

/// Signs for our role in the contract.
pub trait BindSigner: Send + Sync {
    /// A signature over `message` by the key that the contract names for our role.
    fn sign(&self, message: &[u8]) -> Vec<u8>;
}

/// Checks the peer's signature.
pub trait BindVerifier: Send + Sync {
    /// Whether `signature` over `message` is by the key that the contract names for `role`.
    fn verify(&self, role: &str, message: &[u8], signature: &[u8]) -> bool;
}

/// One life of one process in one session: a restarted process has another one.
pub(crate) type Instance = [u8; 16];

/// A fresh instance.
pub(crate) fn instance() -> Result<Instance> {
    let mut id = Instance::default();
    aws_lc_rs::rand::fill(&mut id).map_err(|_| Error::Crypto("no randomness".into()))?;
    Ok(id)
}

/// Which side speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Dial,
    Accept,
}

/// First frame of each side on a new connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Hello {
    /// The speaker's process.
    pub(crate) instance: Instance,
    /// The listener's process as the speaker knows it; `None` before the first answer.
    pub(crate) peer_instance: Option<Instance>,
    /// Counts the dialling side's attempts; the accepting side repeats it. A lower or equal one is stale.
    pub(crate) counter: u64,
    /// The speaker's role in the contract.
    pub(crate) role: String,
    /// The role in which the speaker sees the listener.
    pub(crate) peer_role: String,
}

impl Hello {
    pub(crate) fn encode(&self) -> Vec<u8> {
        codec::encode(self)
    }

    pub(crate) fn decode(bytes: &[u8], culprit: &str) -> Result<Self> {
        let hello: Self = codec::decode(bytes, MAX_HELLO).map_err(|e| e.blame(culprit, "session hello"))?;
        let long = hello.role.len() > MAX_ROLE || hello.peer_role.len() > MAX_ROLE;
        if long { Err(Error::peer(culprit, "session hello", "role too long")) } else { Ok(hello) }
    }
}

/// What `side` signs.
pub(crate) fn message(side: Side, session: &[u8; 32], hello: &[u8], conn: &Connection) -> Vec<u8> {
    let mut message = Vec::with_capacity(TAG.len() + 1 + 32 + 8 + hello.len() + 32);
    message.extend_from_slice(TAG);
    message.push(match side {
        Side::Dial => 1,
        Side::Accept => 2,
    });
    message.extend_from_slice(session);
    message.extend_from_slice(&(hello.len() as u64).to_le_bytes());
    message.extend_from_slice(hello);
    message.extend_from_slice(&conn.export_keying_material(TAG, session));
    message
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hello_bytes() {
        let hello = Hello { instance: [1; 16], peer_instance: Some([2; 16]), counter: 3, role: "a".into(), peer_role: "bc".into() };
        let bytes = hello.encode();
        assert_eq!(bytes.len(), 16 + 1 + 16 + 8 + 8 + 1 + 8 + 2);
        assert_eq!(Hello::decode(&bytes, "p").unwrap(), hello);
        assert!(Hello::decode(&bytes[1..], "p").is_err());
        let long = Hello { role: "r".repeat(300), ..hello };
        assert!(Hello::decode(&long.encode(), "p").is_err());
    }
}
