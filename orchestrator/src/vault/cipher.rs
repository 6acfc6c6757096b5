//! The authenticated cipher of a suite: AES-256-GCM, or SM4-GCM. Nonces of 12 bytes, tags of 16.

use super::blob::TAG;
use crate::fault::{Code, Fault, Result};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use yu_governance::suite::Suite;
use yu_wire::sm4gcm::{KEY, Sm4Gcm};

/// Ready for use; wiped when dropped.
pub(super) enum Cipher {
    Aes(LessSafeKey),
    Sm4(Box<Sm4Gcm>),
}

impl Cipher {
    /// Of a key of 32 random bytes; SM4 takes the first 16 of them.
    pub(super) fn new(suite: Suite, key: &[u8; 32]) -> Result<Self> {
        let unusable = || Fault::new(Code::Bug, "cipher set-up failed");
        match suite {
            Suite::Standard => UnboundKey::new(&AES_256_GCM, key).map(LessSafeKey::new).map(Self::Aes).map_err(|_| unusable()),
            Suite::Gm => key.first_chunk::<KEY>().map(|key| Self::Sm4(Box::new(Sm4Gcm::new(key)))).ok_or_else(unusable),
        }
    }

    /// As key files name it.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Aes(_) => "aes-256-gcm",
            Self::Sm4(_) => "sm4-gcm",
        }
    }

    /// Encrypts in place and gives the tag; a nonce is used once.
    pub(super) fn seal(&self, nonce: &[u8; 12], aad: &[u8], data: &mut [u8]) -> Result<[u8; TAG]> {
        let failed = || Fault::new(Code::Bug, "encryption failed");
        match self {
            Self::Aes(key) => {
                let tag =
                    key.seal_in_place_separate_tag(Nonce::assume_unique_for_key(*nonce), Aad::from(aad), data).map_err(|_| failed())?;
                tag.as_ref().try_into().map_err(|_| failed())
            }
            Self::Sm4(key) => key.seal(nonce, aad, data).map_err(|_| failed()),
        }
    }

    /// Decrypts ciphertext and tag in place; `None` if anything differs.
    pub(super) fn open<'a>(&self, nonce: &[u8; 12], aad: &[u8], data: &'a mut [u8]) -> Option<&'a mut [u8]> {
        match self {
            Self::Aes(key) => key.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(aad), data).ok(),
            Self::Sm4(key) => {
                let (body, tag) = data.split_last_chunk_mut::<TAG>()?;
                key.open(nonce, aad, body, tag).ok()?;
                Some(body)
            }
        }
    }
}
