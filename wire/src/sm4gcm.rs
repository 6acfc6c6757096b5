//! SM4-GCM (GB/T 32907-2016 in the mode of GB/T 36624-2018 and RFC 8998), with nonces of 12 and tags of 16 bytes.
//!
//! Of the crates behind it: `aes-gcm` compares tags in constant time, GHASH is constant in time, the round keys are wiped when
//! they are dropped. SM4 itself is computed with a table of 256 bytes: its time may depend on key and data through the cache of
//! a processor that an attacker shares. Nodes do not share machines with strangers; where they must, the standard suite
//! (AES in hardware) is the better choice.

use std::fmt;

use aes_gcm::aead::consts::U12;
use aes_gcm::{AeadInOut as _, AesGcm, KeyInit as _};
use sm4::Sm4;

use crate::{Error, Result};

/// Bytes of a key.
pub const KEY: usize = 16;
/// Bytes of a nonce.
pub const NONCE: usize = 12;
/// Bytes by which a ciphertext is longer.
pub const TAG: usize = 16;

/// A key, ready for use; wiped when dropped.
pub struct Sm4Gcm(AesGcm<Sm4, U12>);

impl Sm4Gcm {
    /// The cipher of a key.
    #[must_use]
    pub fn new(key: &[u8; KEY]) -> Self {
        Self(AesGcm::new(key.into()))
    }

    /// Encrypts in place and gives the tag. A nonce is used once for each key.
    ///
    /// # Errors
    /// [`Error::Crypto`] above 64 GiB.
    pub fn seal(&self, nonce: &[u8; NONCE], aad: &[u8], data: &mut [u8]) -> Result<[u8; TAG]> {
        let tag = self.0.encrypt_inout_detached(nonce.into(), aad, data.into());
        tag.map(Into::into).map_err(|_| Error::Crypto("SM4-GCM: the message is too long".into()))
    }

    /// Decrypts in place what [`Self::seal`] made.
    ///
    /// # Errors
    /// [`Error::Crypto`] if key, nonce, `aad`, tag or a single bit differ; it does not say which, and the data is worthless then.
    pub fn open(&self, nonce: &[u8; NONCE], aad: &[u8], data: &mut [u8], tag: &[u8; TAG]) -> Result<()> {
        let opened = self.0.decrypt_inout_detached(nonce.into(), aad, data.into(), tag.into());
        opened.map_err(|_| Error::Crypto("SM4-GCM: damaged, or of another key or purpose".into()))
    }
}

impl fmt::Debug for Sm4Gcm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sm4Gcm")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8998, appendix A.1.
    #[test]
    fn d12_rfc_8998_appendix_a_1() {
        let bytes = |text: &str| hex::decode(text).unwrap();
        let cipher = Sm4Gcm::new(&bytes("0123456789abcdeffedcba9876543210").try_into().unwrap());
        let nonce: [u8; NONCE] = bytes("00001234567800000000abcd").try_into().unwrap();
        let aad = bytes("feedfacedeadbeeffeedfacedeadbeefabaddad2");
        let plain = bytes(
            "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd\
             eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa",
        );
        let expected = "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735\
                        d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d";
        let mut data = plain.clone();
        let tag = cipher.seal(&nonce, &aad, &mut data).unwrap();
        assert_eq!((hex::encode(&data), hex::encode(tag)), (expected.into(), "83de3541e4c2b58177e065a9bf7b62ec".into()));
        let sealed = data.clone();
        cipher.open(&nonce, &aad, &mut data, &tag).unwrap();
        assert_eq!(data, plain);
        // every part counts
        let refused =
            |nonce: &[u8; NONCE], aad: &[u8], data: &[u8], tag: &[u8; TAG]| cipher.open(nonce, aad, &mut data.to_vec(), tag).is_err();
        for at in 0..sealed.len() {
            let mut other = sealed.clone();
            other[at] ^= 1;
            assert!(refused(&nonce, &aad, &other, &tag), "byte {at}");
        }
        for at in 0..TAG {
            let mut other = tag;
            other[at] ^= 0x80;
            assert!(refused(&nonce, &aad, &sealed, &other), "tag byte {at}");
        }
        let mut later = nonce;
        later[11] ^= 1;
        assert!(refused(&later, &aad, &sealed, &tag) && refused(&nonce, &aad[1..], &sealed, &tag));
        assert!(refused(&nonce, &aad, &sealed[..63], &tag));
        assert!(Sm4Gcm::new(&[0; KEY]).open(&nonce, &aad, &mut sealed.clone(), &tag).is_err());
    }
}
