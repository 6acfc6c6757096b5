//! The three messages.

use yu_wire::step::{Step, Steps};

use crate::{Error, Result};

/// Version of the messages and hashes.
pub const VERSION: u32 = 1;

/// One value per message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u16)]
pub enum PsiStep {
    /// [`Hello`], both directions.
    Hello = 1,
    /// Masked points in the sender's secret order, 32 bytes each, both directions.
    Points = 2,
    /// Tags of the receiver's points in the receiver's order, [`super::tag_len`] bytes each, both directions.
    Tags = 3,
}

impl PsiStep {
    /// Number of the protocol in frame headers.
    pub const PROTOCOL: u16 = 1;

    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Hello => "psi.hello",
            Self::Points => "psi.points",
            Self::Tags => "psi.tags",
        }
    }
}

impl Steps for PsiStep {
    fn step(self) -> Step {
        Step::new(Self::PROTOCOL, self as u16)
    }

    fn name(self) -> &'static str {
        self.label()
    }
}

/// First message: version and number of rows, 4 + 8 bytes, little endian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hello {
    /// Rows that the sender brings.
    pub rows: u64,
}

impl Hello {
    /// Bytes on the wire.
    pub const LEN: usize = 12;

    /// The bytes on the wire.
    #[must_use]
    pub fn encode(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..4].copy_from_slice(&VERSION.to_le_bytes());
        bytes[4..].copy_from_slice(&self.rows.to_le_bytes());
        bytes
    }

    /// Reads the bytes of `peer`.
    ///
    /// # Errors
    /// [`Error::Peer`] for another length or version.
    pub fn decode(peer: &str, bytes: &[u8]) -> Result<Self> {
        let refuse = |what: String| Error::peer(peer, PsiStep::Hello.label(), what);
        let &[v0, v1, v2, v3, r0, r1, r2, r3, r4, r5, r6, r7] = bytes else {
            return Err(refuse(format!("`{}` bytes, expected `{}`", bytes.len(), Self::LEN)));
        };
        let version = u32::from_le_bytes([v0, v1, v2, v3]);
        if version != VERSION {
            return Err(refuse(format!("version `{version}`, expected `{VERSION}`")));
        }
        Ok(Self { rows: u64::from_le_bytes([r0, r1, r2, r3, r4, r5, r6, r7]) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hello_bytes_are_pinned() {
        let hello = Hello { rows: 100_000 };
        assert_eq!(hex::encode(hello.encode()), "01000000a086010000000000");
        assert_eq!(Hello::decode("b", &hello.encode()).unwrap(), hello);
        for wrong in [&hello.encode()[..11], &[0; 13], &[2; 12]] {
            assert!(matches!(Hello::decode("b", wrong), Err(Error::Peer { culprit, .. }) if culprit == "b"));
        }
    }
}
