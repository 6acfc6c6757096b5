//! Records of one direction of one stream.

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};
use zeroize::Zeroizing;

use crate::seal::sm2::kdf;
use crate::sm4gcm::{KEY, NONCE, Sm4Gcm, TAG};
use crate::{Error, Result};

/// Most plaintext bytes of a record.
pub(super) const MOST: usize = 1 << 16;
/// Records under one key: 2^32 blocks of 16 bytes, far below what GCM bears with counted nonces.
const REKEY: u64 = 1 << 20;
/// Length and end mark.
const HEAD: usize = 4;
/// In the length of the last record.
const LAST: u32 = 1 << 31;

/// Key, nonce and count of one direction.
struct Chain {
    seed: Zeroizing<[u8; 32]>,
    cipher: Sm4Gcm,
    iv: [u8; NONCE],
    count: u64,
    limit: u64,
}

impl Chain {
    fn new(seed: Zeroizing<[u8; 32]>) -> Self {
        Self::with_limit(seed, REKEY)
    }

    fn with_limit(seed: Zeroizing<[u8; 32]>, limit: u64) -> Self {
        let (cipher, iv) = keys(&seed);
        Self { seed, cipher, iv, count: 0, limit }
    }

    /// The nonce of the next record; behind the limit it is the first of the next key.
    fn next(&mut self) -> [u8; NONCE] {
        if self.count == self.limit {
            self.seed = kdf(&[&self.seed[..], b"yu-inner-next-v1\0"]);
            (self.cipher, self.iv) = keys(&self.seed);
            self.count = 0;
        }
        let mut nonce = self.iv;
        nonce.iter_mut().skip(NONCE - 8).zip(self.count.to_be_bytes()).for_each(|(byte, count)| *byte ^= count);
        self.count += 1;
        nonce
    }
}

fn keys(seed: &[u8; 32]) -> (Sm4Gcm, [u8; NONCE]) {
    let okm = kdf::<{ KEY + NONCE }>(&[seed, b"yu-inner-record-v1\0"]);
    let (mut key, mut iv) = (Zeroizing::new([0; KEY]), [0; NONCE]);
    let (left, right) = okm.split_at(KEY);
    key.copy_from_slice(left);
    iv.copy_from_slice(right);
    (Sm4Gcm::new(&key), iv)
}

/// The writing end.
pub(crate) struct Sealer(Chain);

impl Sealer {
    pub(super) fn new(seed: Zeroizing<[u8; 32]>) -> Self {
        Self(Chain::new(seed))
    }

    /// The records of these bytes, one part after the other.
    pub(crate) fn seal(&mut self, parts: &[&[u8]]) -> Result<Bytes> {
        let len: usize = parts.iter().map(|part| part.len()).sum();
        let mut out = BytesMut::with_capacity(len + (len / MOST + 1) * (HEAD + TAG));
        let mut parts = parts.iter().copied().filter(|part| !part.is_empty());
        let mut rest: &[u8] = &[];
        let mut left = len;
        while left > 0 {
            let size = left.min(MOST);
            let start = self.head(&mut out, size, 0)?;
            let mut missing = size;
            while missing > 0 {
                if rest.is_empty() {
                    rest = parts.next().unwrap_or_default();
                }
                let (now, later) = rest.split_at(missing.min(rest.len()));
                out.put_slice(now);
                (rest, missing) = (later, missing - now.len());
            }
            self.close(&mut out, start)?;
            left -= size;
        }
        Ok(out.freeze())
    }

    /// The record that says that nothing follows.
    pub(crate) fn finish(&mut self) -> Result<Bytes> {
        let mut out = BytesMut::with_capacity(HEAD + TAG);
        let start = self.head(&mut out, 0, LAST)?;
        self.close(&mut out, start)?;
        Ok(out.freeze())
    }

    fn head(&self, out: &mut BytesMut, size: usize, mark: u32) -> Result<usize> {
        let size = u32::try_from(size).map_err(|_| Error::Crypto("record too long".into()))?;
        let start = out.len();
        out.put_u32(size | mark);
        Ok(start)
    }

    /// Encrypts what stands behind the head at `start`.
    fn close(&mut self, out: &mut BytesMut, start: usize) -> Result<()> {
        let nonce = self.0.next();
        let (head, body) = out.get_mut(start..).and_then(|record| record.split_at_mut_checked(HEAD)).unwrap_or_default();
        let tag = self.0.cipher.seal(&nonce, head, body)?;
        out.put_slice(&tag);
        Ok(())
    }
}

/// The reading end: takes bytes as they arrive, gives what whole records hold.
pub(crate) struct Opener {
    chain: Chain,
    raw: BytesMut,
    plain: BytesMut,
    has_ended: bool,
    /// A record was bad: nothing behind it counts.
    is_broken: bool,
}

impl Opener {
    pub(super) fn new(seed: Zeroizing<[u8; 32]>) -> Self {
        Self { chain: Chain::new(seed), raw: BytesMut::new(), plain: BytesMut::new(), has_ended: false, is_broken: false }
    }

    /// Where bytes from the carrier go.
    pub(crate) const fn raw(&mut self) -> &mut BytesMut {
        &mut self.raw
    }

    /// What was opened and not taken yet.
    pub(crate) const fn plain(&mut self) -> &mut BytesMut {
        &mut self.plain
    }

    /// Whether the last record was seen.
    pub(crate) const fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Opens every whole record that is here. After an error the stream is worthless.
    ///
    /// # Errors
    /// [`Error::Crypto`] for a record that is damaged, out of order, too long, or behind the last.
    pub(crate) fn open(&mut self) -> Result<()> {
        if self.is_broken {
            return Err(Error::Crypto("inner layer: a record before this one was bad".into()));
        }
        let opened = self.open_all();
        self.is_broken = opened.is_err();
        opened
    }

    fn open_all(&mut self) -> Result<()> {
        while let Some(head) = self.raw.first_chunk::<HEAD>().copied() {
            let marked = u32::from_be_bytes(head);
            let is_last = marked & LAST != 0;
            let size = usize::try_from(marked & !LAST).unwrap_or(usize::MAX);
            if self.has_ended || size > MOST || is_last != (size == 0) {
                return Err(Error::Crypto("inner layer: a record that no honest peer sends".into()));
            }
            if self.raw.len() < HEAD + size + TAG {
                return Ok(());
            }
            self.raw.advance(HEAD);
            let mut body = self.raw.split_to(size);
            let tag = self.raw.split_to(TAG);
            let tag: [u8; TAG] = tag.as_ref().try_into().unwrap_or_default();
            let nonce = self.chain.next();
            let opened = self.chain.cipher.open(&nonce, &head, &mut body, &tag);
            opened.map_err(|_| Error::Crypto("inner layer: a record is damaged, repeated or out of order".into()))?;
            if self.plain.is_empty() {
                self.plain = body;
            } else {
                self.plain.unsplit(body);
            }
            self.has_ended = is_last;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Sealer, Opener) {
        (Sealer::new(Zeroizing::new([7; 32])), Opener::new(Zeroizing::new([7; 32])))
    }

    fn give(opener: &mut Opener, bytes: &[u8]) -> Result<Vec<u8>> {
        opener.raw().extend_from_slice(bytes);
        opener.open()?;
        Ok(opener.plain().split().to_vec())
    }

    #[test]
    fn d12_records_arrive_whole_however_they_are_cut() {
        let (mut sealer, mut opener) = pair();
        let long: Vec<u8> = (0..3 * MOST + 5).map(|i| (i % 251) as u8).collect();
        let sent = [sealer.seal(&[b"head", b"", &long]).unwrap(), sealer.seal(&[]).unwrap(), sealer.finish().unwrap()].concat();
        assert_eq!(sent.len(), 4 + long.len() + 5 * (HEAD + TAG));
        let mut got = Vec::new();
        for part in sent.chunks(997) {
            assert!(!opener.has_ended());
            got.extend(give(&mut opener, part).unwrap());
        }
        assert_eq!(got, [b"head", &long[..]].concat());
        assert!(opener.has_ended());
        assert!(give(&mut opener, &sealer.seal(&[b"more"]).unwrap()).is_err(), "behind the end");
    }

    #[test]
    fn d12_no_flip_replay_reorder_truncation_or_foreign_record_passes() {
        let (mut sealer, _) = pair();
        let records: Vec<Bytes> = (0..3_u8).map(|n| sealer.seal(&[&[n; 40]]).unwrap()).collect();
        for at in 0..records[0].len() {
            for bit in 0..8 {
                let mut flipped = records[0].to_vec();
                flipped[at] ^= 1 << bit;
                let (_, mut opener) = pair();
                // a longer length waits for bytes that then do not fit
                let got = give(&mut opener, &[&flipped[..], &records[1], &[0; 2 * MOST]].concat());
                assert!(got.is_err(), "byte {at} bit {bit}");
            }
        }
        let orders: [&[usize]; 4] = [&[1, 0], &[0, 0], &[0, 2], &[2]];
        for order in orders {
            let (_, mut opener) = pair();
            let bytes = order.iter().flat_map(|n| records[*n].to_vec()).collect::<Vec<_>>();
            assert!(give(&mut opener, &bytes).is_err(), "{order:?}");
        }
        // cut: what is here is given, the end is missing
        let (_, mut opener) = pair();
        assert_eq!(give(&mut opener, &records[0][..records[0].len() - 1]).unwrap(), b"");
        assert!(!opener.has_ended());
        // another stream, another direction
        let mut other = Opener::new(Zeroizing::new([8; 32]));
        assert!(give(&mut other, &records[0]).is_err());
        // an end mark on a record that is none, a length beyond the most
        for head in [LAST | 40, MOST as u32 + 1, u32::MAX, 0] {
            let (_, mut opener) = pair();
            assert!(give(&mut opener, &[&head.to_be_bytes()[..], &records[0][HEAD..]].concat()).is_err(), "{head:x}");
        }
    }

    #[test]
    fn d12_the_key_is_replaced_at_the_limit_on_both_sides() {
        let chain = || Chain::with_limit(Zeroizing::new([1; 32]), 3);
        let (mut sealer, mut opener) = (Sealer(chain()), Opener { chain: chain(), ..pair().1 });
        let first = sealer.0.iv;
        for n in 0..10_u8 {
            assert_eq!(give(&mut opener, &sealer.seal(&[&[n]]).unwrap()).unwrap(), [n]);
        }
        assert_ne!(sealer.0.iv, first);
        // one that does not replace it is refused
        let (mut sealer, mut opener) = (Sealer(Chain::with_limit(Zeroizing::new([1; 32]), 4)), Opener { chain: chain(), ..pair().1 });
        for n in 0..3_u8 {
            assert_eq!(give(&mut opener, &sealer.seal(&[&[n]]).unwrap()).unwrap(), [n]);
        }
        assert!(give(&mut opener, &sealer.seal(&[&[3]]).unwrap()).is_err());
    }
}
