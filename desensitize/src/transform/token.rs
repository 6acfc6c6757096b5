//! Tokens (令牌化): a cell becomes a text from which only the key gets it back, and equal cells become equal tokens.
//!
//! Construction: SIV (Rogaway and Shrimpton, "Deterministic Authenticated-Encryption", EUROCRYPT 2006, section 4). The first
//! 16 bytes of HMAC over the cell are the initial counter V; the cell is encrypted in counter mode from V; the token
//! is V followed by the ciphertext. With `sm4`: HMAC-SM3 and SM4; with `aes`: HMAC-SHA-256 and AES-256; both keys are
//! derived apart. Restoring recomputes V and compares in constant time: a token that was altered, or made under another
//! key, purpose or domain, is refused (2^-128 for each attempt).
//!
//! What stays visible: which cells are equal (hence frequencies) and how many bytes a cell has. V is 128 bits, so that among 2^40
//! different cells two share a counter with probability 2^-49.

use aes::Aes256;
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use arrow::array::{Array, ArrayRef, StringBuilder};
use serde::{Deserialize, Serialize};
use sm4::Sm4;
use subtle::ConstantTimeEq;

use super::cells::{At, Cells, like, map_texts, texts};
use super::digest::{Hash, Hmac};
use super::encoding::Encoding;
use super::key::TransformKey;
use crate::error::Result;

/// A block cipher.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenCipher {
    /// SM4 (GB/T 32907) with HMAC-SM3.
    Sm4,
    /// AES-256 with HMAC-SHA-256.
    Aes,
}

enum Cipher {
    Sm4(Box<Sm4>),
    Aes(Box<Aes256>),
}

/// Makes and opens tokens of one use of a key.
pub(super) struct Tokens {
    hmac: Hmac,
    cipher: Cipher,
    encoding: Encoding,
}

impl Tokens {
    pub(super) fn new(key: &TransformKey, kind: TokenCipher, purpose: &str, domain: &str, encoding: Encoding) -> Self {
        let (hash, name) = match kind {
            TokenCipher::Sm4 => (Hash::Sm3, "token.sm4"),
            TokenCipher::Aes => (Hash::Sha256, "token.aes"),
        };
        let hmac = Hmac::new(hash, key.derive(&format!("{name}.mac"), purpose, domain).as_slice());
        let secret = key.derive(&format!("{name}.encrypt"), purpose, domain);
        let cipher = match kind {
            TokenCipher::Sm4 => Cipher::Sm4(Box::new(Sm4::new(&sm4_key(&secret)))),
            TokenCipher::Aes => Cipher::Aes(Box::new(Aes256::new(&(*secret).into()))),
        };
        Self { hmac, cipher, encoding }
    }

    /// Counter mode from `counter`, in place.
    fn stream(&self, counter: [u8; 16], bytes: &mut [u8]) {
        let mut counter = u128::from_be_bytes(counter);
        for chunk in bytes.chunks_mut(128) {
            let mut pad = [[0; 16]; 8];
            let blocks = chunk.len().div_ceil(16);
            for block in &mut pad[..blocks] {
                *block = counter.to_be_bytes();
                counter = counter.wrapping_add(1);
            }
            self.blocks(&mut pad[..blocks]);
            for (byte, pad) in chunk.iter_mut().zip(pad.as_flattened()) {
                *byte ^= pad;
            }
        }
    }

    fn blocks(&self, blocks: &mut [[u8; 16]]) {
        let blocks = aes::Block::cast_slice_from_core_mut(blocks);
        match &self.cipher {
            Cipher::Sm4(cipher) => cipher.encrypt_blocks(blocks),
            Cipher::Aes(cipher) => cipher.encrypt_blocks(blocks),
        }
    }

    fn write(&self, cell: &str, code: &[u8; 32], out: &mut String) {
        let mut token = code[..16].to_vec();
        token.extend_from_slice(cell.as_bytes());
        let mut counter = [0; 16];
        counter.copy_from_slice(&code[..16]);
        self.stream(counter, &mut token[16..]);
        self.encoding.write(&token, out);
    }

    /// The cell of a token, or nothing if it is none of this key.
    fn open(&self, token: &str) -> Option<String> {
        let bytes = self.encoding.read(token)?;
        let (counter, cell) = bytes.split_first_chunk::<16>()?;
        let mut cell = cell.to_vec();
        self.stream(*counter, &mut cell);
        let code = self.hmac.code(&cell);
        let is_right = bool::from(code[..16].ct_eq(counter));
        String::from_utf8(cell).ok().filter(|_| is_right)
    }
}

fn sm4_key(secret: &[u8; 32]) -> sm4::cipher::Key<Sm4> {
    let mut key = sm4::cipher::Key::<Sm4>::default();
    key.copy_from_slice(&secret[..16]);
    key
}

impl Cells for Tokens {
    fn cells(&mut self, array: &ArrayRef, at: &At<'_>) -> Result<ArrayRef> {
        let texts = texts(array, at)?;
        let present = || texts.iter().flatten().map(str::as_bytes);
        let mut codes = vec![[0; 32]; texts.len() - texts.null_count()];
        self.hmac.each(present(), |number, code| {
            if let Some(slot) = codes.get_mut(number) {
                *slot = *code;
            }
        });
        let mut codes = codes.iter();
        let mut builder = StringBuilder::with_capacity(texts.len(), texts.len() * 48);
        let mut out = String::new();
        for cell in texts.iter() {
            let Some((cell, code)) = cell.and_then(|cell| Some((cell, codes.next()?))) else {
                builder.append_null();
                continue;
            };
            out.clear();
            self.write(cell, code, &mut out);
            builder.append_value(&out);
        }
        like(builder.finish(), array, at)
    }
}

/// The way back.
pub(super) struct Open(pub(super) Tokens);

impl Cells for Open {
    fn cells(&mut self, array: &ArrayRef, at: &At<'_>) -> Result<ArrayRef> {
        map_texts(array, at, |row, token, out| {
            let cell = self.0.open(token).ok_or_else(|| {
                at.refuse(
                    "transform.token",
                    row,
                    ("a cell is no token of this key, purpose and domain, or was altered", "单元格不是该密钥、目的和域的令牌，或已被改动"),
                    ("use the key, purpose and domain with which the tokens were made", "使用生成令牌时的密钥、目的和域"),
                )
            })?;
            out.push_str(&cell);
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sm4_is_the_standard_one() {
        // GB/T 32907-2016, annex A.1
        let key = hex::decode("0123456789abcdeffedcba9876543210").unwrap();
        let cipher = Cipher::Sm4(Box::new(Sm4::new_from_slice(&key).unwrap()));
        let tokens = Tokens { hmac: Hmac::new(Hash::Sm3, &key), cipher, encoding: Encoding::Hex };
        let mut block = [[0; 16]];
        block[0].copy_from_slice(&key);
        tokens.blocks(&mut block);
        assert_eq!(hex::encode(block[0]), "681edf34d206965e86b3e94f536e4246");
    }

    #[test]
    fn counters_go_on_over_chunks() {
        let key = [1; 16];
        let cipher = Cipher::Sm4(Box::new(Sm4::new_from_slice(&key).unwrap()));
        let tokens = Tokens { hmac: Hmac::new(Hash::Sm3, &key), cipher, encoding: Encoding::Hex };
        let mut long = vec![0; 300];
        tokens.stream([0xff; 16], &mut long);
        let mut block = [[0xff; 16], [0; 16]];
        tokens.blocks(&mut block);
        assert_eq!(&long[..32], block.as_flattened(), "the counter wraps");
        let mut last = [u128::to_be_bytes(17)];
        tokens.blocks(&mut last);
        assert_eq!(&long[288..], &last[0][..12]);
    }
}
