//! The bytes of one encrypted payload.
//!
//! A blob is `YUB1`, a JSON line that names the algorithm, and segments of AES-256-GCM or SM4-GCM (STREAM construction, Hoang,
//! Reyhanitabar, Rogaway, Vizár 2015): nonce = 7-byte random prefix, 4-byte segment counter, 1 byte that marks the last,
//! so that truncation, reordering and splicing of segments are refused.

use super::cipher::Cipher;
use super::random;
use crate::fault::{Code, Fault, Result};
use serde::{Deserialize, Serialize};
use yu_governance::suite::Suite;
use zeroize::Zeroizing;

/// Bytes of plaintext in a segment: large enough to be fast, small enough to stream.
pub(super) const SEGMENT: usize = 1 << 20;
pub(super) const TAG: usize = 16;
const MAGIC: &[u8; 4] = b"YUB1";

const fn alg(suite: Suite) -> &'static str {
    match suite {
        Suite::Standard => "aes-256-gcm-stream-1m",
        Suite::Gm => "sm4-gcm-stream-1m",
    }
}

#[derive(Serialize, Deserialize)]
struct BlobHead {
    alg: String,
    prefix: String,
}

pub(crate) fn encrypt(suite: Suite, key: &[u8; 32], id: &str, plaintext: &[u8]) -> Result<Vec<u8>> {
    let prefix: [u8; 7] = random()?;
    let head = BlobHead { alg: alg(suite).into(), prefix: hex::encode(prefix) };
    let mut head = serde_json::to_vec(&head).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
    head.push(b'\n');
    let aad = [id.as_bytes(), &head].concat();
    let cipher = Cipher::new(suite, key)?;
    let segments = plaintext.len().div_ceil(SEGMENT).max(1);
    let mut out = Vec::with_capacity(4 + head.len() + plaintext.len() + segments * TAG);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&head);
    for i in 0..segments {
        let from = i * SEGMENT;
        let part = &plaintext[from..plaintext.len().min(from + SEGMENT)];
        let at = out.len();
        out.extend_from_slice(part);
        let counter = u32::try_from(i).map_err(|_| Fault::new(Code::Input, "payload above 4 PiB"))?;
        let tag = cipher.seal(&nonce(&prefix, counter, i + 1 == segments), &aad, &mut out[at..])?;
        out.extend_from_slice(&tag);
    }
    Ok(out)
}

pub(crate) fn decrypt(suite: Suite, key: &[u8; 32], id: &str, blob: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let damaged = |why: &str| Fault::new(Code::Damaged, why.to_owned()).at(format!("blob {id}"));
    let rest = blob.strip_prefix(MAGIC).ok_or_else(|| damaged("not a blob"))?;
    let line = rest.iter().take(4096).position(|b| *b == b'\n').ok_or_else(|| damaged("no head"))?;
    let (head, mut body) = rest.split_at(line + 1);
    let aad = [id.as_bytes(), head].concat();
    let head: BlobHead = serde_json::from_slice(head).map_err(|_| damaged("head does not parse"))?;
    if head.alg != alg(suite) {
        return Err(damaged("unknown algorithm"));
    }
    let prefix: [u8; 7] = hex::decode(&head.prefix).ok().and_then(|p| p.try_into().ok()).ok_or_else(|| damaged("prefix"))?;
    let cipher = Cipher::new(suite, key)?;
    let mut out = Zeroizing::new(Vec::with_capacity(body.len()));
    let mut counter = 0_u32;
    loop {
        let last = body.len() <= SEGMENT + TAG;
        let (part, next) = body.split_at(body.len().min(SEGMENT + TAG));
        let mut part = Zeroizing::new(part.to_vec());
        let plain = cipher.open(&nonce(&prefix, counter, last), &aad, &mut part).ok_or_else(|| damaged("authentication failed"))?;
        out.extend_from_slice(plain);
        if last {
            return Ok(out);
        }
        body = next;
        counter = counter.checked_add(1).ok_or_else(|| damaged("too long"))?;
    }
}

fn nonce(prefix: &[u8; 7], counter: u32, last: bool) -> [u8; 12] {
    let mut n = [0_u8; 12];
    n[..7].copy_from_slice(prefix);
    n[7..11].copy_from_slice(&counter.to_be_bytes());
    n[11] = u8::from(last);
    n
}
