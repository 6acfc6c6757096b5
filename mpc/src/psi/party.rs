//! The pure states of one side: [`Offer`] (our size is known) -> [`Masking`] (points go both ways) -> [`Tagging`] (tags go both
//! ways) -> [`Matched`]. Each state is consumed by the step that ends it; an error leaves nothing to go on with.

use std::collections::HashSet;

use curve25519_dalek::ristretto::{CompressedRistretto, RistrettoPoint};
use curve25519_dalek::scalar::Scalar;
use rand::CryptoRng;
use rand::seq::SliceRandom;
use rayon::prelude::*;
use yu_wire::frame::CHUNK;
use zeroize::{Zeroize, Zeroizing};

use super::config::{Config, tag_len};
use super::hash::{to_group, to_tag};
use super::msg::{Hello, PsiStep};
use crate::{Error, Result};

/// Bytes of a point.
pub const POINT_LEN: usize = 32;

/// Points per batch: one frame.
const BATCH: usize = CHUNK / POINT_LEN;

/// Points per unit of parallel work; one inversion is shared by so many encodings.
const GROUP: usize = 256;

/// Our side before the peer has said anything. Keys are borrowed; they are hashed when their turn comes.
pub struct Offer<'k, K> {
    config: Config,
    keys: &'k [K],
    secret: Secret,
}

/// What makes our points ours.
struct Secret {
    /// Half the exponent: batch encoding doubles what it encodes, so `(a/2) P` is encoded as `a P`.
    half: Zeroizing<Scalar>,
    /// Row of our `i`-th point.
    order: Zeroizing<Vec<u32>>,
}

impl<'k, K: AsRef<[u8]> + Sync> Offer<'k, K> {
    /// Draws exponent and order. `keys` are the normalised key bytes, one per row.
    ///
    /// # Errors
    /// [`Error::Policy`] if our size is outside the limits, [`Error::Caller`] if a key occurs twice.
    pub fn new(config: Config, keys: &'k [K], rng: &mut impl CryptoRng) -> Result<(Self, Hello)> {
        config.check_own(keys.len() as u64)?;
        let rows = u32::try_from(keys.len()).map_err(|_| Error::caller("too many rows"))?;
        let mut seen = HashSet::with_capacity(keys.len());
        let repeated = keys.iter().map(AsRef::as_ref).filter(|key: &&[u8]| !seen.insert(*key)).count();
        if repeated > 0 {
            return Err(Error::caller(format!("`{repeated}` of `{rows}` rows repeat the key of another row")));
        }
        let mut order = Zeroizing::new((0..rows).collect::<Vec<_>>());
        order.shuffle(rng);
        let mut exponent = Zeroizing::new(Scalar::random(rng));
        while *exponent == Scalar::ZERO {
            *exponent = Scalar::random(rng);
        }
        let half = Zeroizing::new(exponent.div_by_2());
        Ok((Self { config, keys, secret: Secret { half, order } }, Hello { rows: u64::from(rows) }))
    }

    /// Checks the peer's size; only then points may be sent.
    ///
    /// # Errors
    /// [`Error::Policy`] naming the peer and the numbers.
    pub fn accept(self, peer: &str, hello: Hello) -> Result<Masking<'k, K>> {
        let own = self.keys.len();
        self.config.check_peer(peer, own as u64, hello.rows)?;
        let theirs = usize::try_from(hello.rows).map_err(|_| Error::caller("too many rows"))?;
        let tag_len = tag_len(own as u64, hello.rows) as usize;
        let (config, keys, secret) = (self.config, self.keys, self.secret);
        let peer = peer.to_owned();
        Ok(Masking { config, keys, secret, peer, tag_len, sent: 0, theirs, encodings: HashSet::new(), tags: Vec::new() })
    }
}

/// Points go both ways, batch by batch; the peer's are answered with tags at once.
pub struct Masking<'k, K> {
    config: Config,
    keys: &'k [K],
    secret: Secret,
    peer: String,
    tag_len: usize,
    /// Points that [`Self::next_points`] has given out.
    sent: usize,
    /// Points that the peer has announced.
    theirs: usize,
    /// Encodings of both sides: any repetition is refused, also our own points sent back.
    encodings: HashSet<[u8; POINT_LEN]>,
    /// Tags of the peer's points so far, in its order.
    tags: Vec<u128>,
}

impl<K: AsRef<[u8]> + Sync> Masking<'_, K> {
    /// Bytes of all our points.
    #[must_use]
    pub const fn own_len(&self) -> usize {
        self.keys.len() * POINT_LEN
    }

    /// Bytes of all the peer's points.
    ///
    /// # Errors
    /// [`Error::Caller`] where they do not fit into memory addresses.
    pub fn peer_len(&self) -> Result<usize> {
        self.theirs.checked_mul(POINT_LEN).ok_or_else(|| Error::caller("too many rows"))
    }

    /// Our next points, `a H(key)` in secret order; `None` after the last.
    ///
    /// # Errors
    /// [`Error::Collision`] if two keys hash to one point (never seen).
    pub fn next_points(&mut self) -> Result<Option<Vec<u8>>> {
        let rows = &self.secret.order[self.sent..];
        let rows = &rows[..rows.len().min(BATCH)];
        if rows.is_empty() {
            return Ok(None);
        }
        let mask = |group: &[u32]| -> Vec<CompressedRistretto> {
            let keys = group.iter().map(|row| self.keys[*row as usize].as_ref());
            let mut masked: Vec<_> = keys.map(|key| to_group(&self.config.session, key) * *self.secret.half).collect();
            let encoded = RistrettoPoint::double_and_compress_batch(&masked);
            masked.iter_mut().for_each(Zeroize::zeroize);
            encoded
        };
        let encoded: Vec<_> = rows.par_chunks(GROUP).map(mask).flatten_iter().collect();
        let mut bytes = Vec::with_capacity(encoded.len() * POINT_LEN);
        for point in &encoded {
            if !self.encodings.insert(point.to_bytes()) {
                return Err(Error::Collision);
            }
            bytes.extend_from_slice(point.as_bytes());
        }
        self.sent += encoded.len();
        Ok(Some(bytes))
    }

    /// Takes some of the peer's points: checks them, masks them once more and keeps their tags.
    ///
    /// # Errors
    /// [`Error::Peer`] for too many points, broken encodings, the identity and repetitions.
    pub fn take_points(&mut self, bytes: &[u8]) -> Result<()> {
        let (points, rest) = bytes.as_chunks::<POINT_LEN>();
        if !rest.is_empty() {
            return Err(self.refuse("points are cut in the middle"));
        }
        if points.len() > self.theirs - self.tags.len() {
            return Err(self.refuse(format!("more than the announced `{}` points", self.theirs)));
        }
        if !points.iter().all(|point| self.encodings.insert(*point)) {
            return Err(self.refuse("a point appears twice"));
        }
        let (half, session) = (&self.secret.half, &self.config.session);
        let answer = |group: &[[u8; POINT_LEN]]| -> Option<Vec<u128>> {
            let mut masked = Vec::with_capacity(group.len());
            for encoding in group {
                // decompression accepts canonical encodings only; the identity is the encoding of zeros
                let point = CompressedRistretto(*encoding).decompress().filter(|_| *encoding != [0; POINT_LEN])?;
                masked.push(point * **half);
            }
            let encoded = RistrettoPoint::double_and_compress_batch(&masked);
            Some(encoded.iter().map(|point| to_tag(session, point.as_bytes(), self.tag_len)).collect())
        };
        let answers: Option<Vec<_>> = points.par_chunks(GROUP).map(answer).collect();
        let answers = answers.ok_or_else(|| self.refuse("a point is not a canonical encoding or is the identity"))?;
        self.tags.extend(answers.into_iter().flatten());
        Ok(())
    }

    /// All points have gone both ways.
    ///
    /// # Errors
    /// [`Error::Peer`] if points are missing, [`Error::Caller`] if ours have not all been taken, [`Error::Collision`] if two of the
    /// peer's points have one tag.
    pub fn finish(self) -> Result<Tagging> {
        if self.tags.len() != self.theirs {
            return Err(self.refuse(format!("`{}` points, announced were `{}`", self.tags.len(), self.theirs)));
        }
        if self.sent != self.keys.len() {
            return Err(Error::caller("points of our own have not been sent yet"));
        }
        let tags = self.tags.iter().flat_map(|tag| tag.to_le_bytes().into_iter().take(self.tag_len)).collect();
        let mut sorted = self.tags;
        sorted.par_sort_unstable();
        if sorted.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(Error::Collision);
        }
        Ok(Tagging { peer: self.peer, order: self.secret.order, tag_len: self.tag_len, tags, sorted })
    }

    fn refuse(&self, what: impl Into<String>) -> Error {
        Error::peer(&self.peer, PsiStep::Points.label(), what)
    }
}

/// Tags go both ways. The exponent is already wiped.
pub struct Tagging {
    peer: String,
    order: Zeroizing<Vec<u32>>,
    tag_len: usize,
    /// What the peer gets: tags of its points in its order.
    tags: Vec<u8>,
    /// The same tags, sorted.
    sorted: Vec<u128>,
}

impl Tagging {
    /// The message to the peer.
    pub fn take_tags(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.tags)
    }

    /// Bytes of the message from the peer.
    #[must_use]
    pub fn expected_len(&self) -> usize {
        self.order.len() * self.tag_len
    }

    /// Compares the tags of our points, in our order, with those that we computed for the peer's.
    ///
    /// # Errors
    /// [`Error::Peer`] for a wrong length or equal tags.
    pub fn finish(self, tags: &[u8]) -> Result<Matched> {
        let refuse = |what: String| Error::peer(&self.peer, PsiStep::Tags.label(), what);
        if tags.len() != self.expected_len() {
            return Err(refuse(format!("`{}` bytes, expected `{}`", tags.len(), self.expected_len())));
        }
        let read = |tag: &[u8]| {
            let mut whole = [0; 16];
            whole[..tag.len()].copy_from_slice(tag);
            u128::from_le_bytes(whole)
        };
        let mut ours: Vec<(u128, u32)> = tags.chunks_exact(self.tag_len).map(read).zip(self.order.iter().copied()).collect();
        ours.par_sort_unstable();
        if ours.windows(2).any(|pair| pair[0].0 == pair[1].0) {
            return Err(refuse("a tag appears twice".into()));
        }
        let mut theirs = self.sorted.iter().peekable();
        let mut is_common = |tag: u128| {
            while theirs.next_if(|other| **other < tag).is_some() {}
            theirs.next_if(|other| **other == tag).is_some()
        };
        let rows = ours.iter().filter(|(tag, _)| is_common(*tag)).map(|(_, row)| u64::from(*row)).collect();
        Ok(Matched { rows, peer_rows: self.sorted.len() as u64 })
    }
}

/// Our matched rows. Says who is common to both, so it does not print.
#[must_use]
pub struct Matched {
    rows: Vec<u64>,
    peer_rows: u64,
}

impl Matched {
    /// Indices of our rows in the common order: the `k`-th of both sides have the same key.
    #[must_use]
    pub fn rows(&self) -> &[u64] {
        &self.rows
    }

    /// Number of rows that the peer brought.
    #[must_use]
    pub const fn peer_rows(&self) -> u64 {
        self.peer_rows
    }

    /// Number of matches, the same on both sides.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.rows.len() as u64
    }
}

impl Drop for Matched {
    fn drop(&mut self) {
        self.rows.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_chacha::ChaCha20Rng;

    use super::super::config::Limits;
    use super::*;

    fn config() -> Config {
        Config { party: "a".into(), session: [3; 32], limits: Limits::NONE, expected_peer_rows: None }
    }

    #[test]
    fn half_exponent_and_batch_encoding_give_the_whole_product() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let keys: Vec<String> = (0..300).map(|row| format!("k{row}")).collect();
        let (offer, hello) = Offer::new(config(), &keys, &mut rng).unwrap();
        assert_eq!(hello.rows, 300);
        let whole = *offer.secret.half + *offer.secret.half;
        let order = offer.secret.order.clone();
        let mut masking = offer.accept("b", Hello { rows: 0 }).unwrap();
        let bytes = masking.next_points().unwrap().unwrap();
        assert!(masking.next_points().unwrap().is_none());
        for (point, row) in bytes.chunks(32).zip(order.iter()) {
            let expected = to_group(&[3; 32], keys[*row as usize].as_bytes()) * whole;
            assert_eq!(point, expected.compress().as_bytes());
        }
        // the order is not the order of the rows
        assert_ne!(*order, (0..300).collect::<Vec<_>>());
    }

    #[test]
    fn own_duplicates_are_refused_without_showing_them() {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let error = Offer::new(config(), &["secret-id", "b", "secret-id"], &mut rng).err().unwrap();
        assert!(matches!(&error, Error::Caller(what) if what.contains("`1` of `3`") && !what.contains("secret-id")));
    }
}
