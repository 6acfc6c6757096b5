//! The owner of features without labels: adds up what it cannot read.

use rand::CryptoRng;
use rand::seq::SliceRandom;
use rayon::prelude::*;
use yu_wire::channel::{Channel, Expect};

use super::elgamal::{CIPHER, Cipher, PublicKey};
use super::words::{PairStep, agreement, members, moved, pack, recv, send, unpack, wrong};
use super::{MAX_ROWS, check};
use crate::trees::{Binned, Boosting, Split};
use crate::{Error, Result};

/// The follower's part of a model: its splits, where the leader chose one.
#[derive(Clone, Debug, PartialEq)]
pub struct Follower {
    /// For each tree, in the order of a heap.
    pub splits: Vec<Vec<Option<Split>>>,
}

/// Sums of `g` and of `h`.
type Pair = [Cipher; 2];

/// Trains with a leader. Returns the own part.
///
/// # Errors
/// [`Error::Unsafe`] and [`Error::Caller`] for settings; [`Error::Peer`] for a leader with others, or that sends what does not fit; the transport's.
pub fn follow(line: &mut Channel, settings: &Boosting, data: &Binned, rng: &mut impl CryptoRng) -> Result<Follower> {
    check(settings, data.rows())?;
    let hello = recv(line, PairStep::Hello, Expect::Exactly(64))?;
    let (key, agreed) = hello.split_at(32);
    let ours = agreement(settings, data.rows());
    send(line, PairStep::Hello, ours.to_vec())?;
    if agreed != ours {
        return Err(wrong(line, PairStep::Hello, "the leader has other settings or another number of rows"));
    }
    let key = key.try_into().ok().and_then(PublicKey::from_bytes).ok_or_else(|| wrong(line, PairStep::Hello, "no key"))?;
    let splits = (0..settings.trees).map(|_| tree(line, settings, data, &key, rng)).collect::<Result<_>>()?;
    Ok(Follower { splits })
}

fn tree(line: &mut Channel, settings: &Boosting, data: &Binned, key: &PublicKey, rng: &mut impl CryptoRng) -> Result<Vec<Option<Split>>> {
    let rows = data.rows();
    let bytes = recv(line, PairStep::Gradients, Expect::Exactly(2 * CIPHER * rows))?;
    let (pairs, _) = bytes.as_chunks::<CIPHER>();
    let ciphers: Option<Vec<Cipher>> = pairs.par_iter().map(Cipher::read).collect();
    let ciphers = ciphers.ok_or_else(|| wrong(line, PairStep::Gradients, "a ciphertext that is none"))?;
    let (gradients, _) = ciphers.as_chunks::<2>();
    let mut nodes = vec![0; rows];
    let mut splits = Vec::new();
    for level in 0..settings.depth {
        let all = members(&nodes, 1 << level);
        let mut offered: Vec<Vec<(Split, Pair)>> = all.par_iter().map(|rows| candidates(settings, data, rows, gradients)).collect();
        let mut body = Vec::new();
        for candidates in &mut offered {
            // which feature, and which threshold after which, is not for the leader to see
            candidates.shuffle(rng);
            body.extend_from_slice(&(candidates.len() as u32).to_le_bytes());
            for cipher in candidates.iter().flat_map(|(_, sums)| sums) {
                key.fresh(cipher, rng).write(&mut body);
            }
        }
        send(line, PairStep::Sums, body)?;
        let choice = recv(line, PairStep::Choice, Expect::AtMost(MAX_ROWS / 8 + 16 * all.len()))?;
        let (mut rest, mut sides, mut answer) = (&choice[..], Vec::new(), Vec::new());
        for (rows, candidates) in all.iter().zip(&offered) {
            let broken = || wrong(line, PairStep::Choice, "a choice that does not fit its node");
            let (tag, after) = rest.split_first().ok_or_else(broken)?;
            rest = after;
            let (right, split) = match tag {
                0 => (None, None),
                1 => {
                    let (bits, after) = rest.split_at_checked(rows.len().div_ceil(8)).ok_or_else(broken)?;
                    rest = after;
                    (Some(unpack(bits, rows.len()).ok_or_else(broken)?), None)
                }
                2 => {
                    let (number, after) = rest.split_first_chunk::<4>().ok_or_else(broken)?;
                    rest = after;
                    let (split, _) = candidates.get(u32::from_le_bytes(*number) as usize).ok_or_else(broken)?;
                    let feature = data.feature(split.feature);
                    let right: Vec<bool> = rows.iter().map(|row| feature[*row] > split.bin).collect();
                    answer.extend(pack(&right));
                    (Some(right), Some(*split))
                }
                _ => return Err(broken()),
            };
            sides.push(right);
            splits.push(split);
        }
        if !rest.is_empty() {
            return Err(wrong(line, PairStep::Choice, "more than a choice for each node"));
        }
        send(line, PairStep::Sides, answer)?;
        moved(&mut nodes, &all, &sides);
    }
    Ok(splits)
}

/// Thresholds with enough rows on either side and since the last one, with the sums left of them.
fn candidates(settings: &Boosting, data: &Binned, rows: &[usize], gradients: &[Pair]) -> Vec<(Split, Pair)> {
    let mut found = Vec::new();
    for (number, bins) in data.bins().iter().enumerate() {
        let feature = data.feature(number);
        let mut sums = vec![([Cipher::zero(), Cipher::zero()], 0usize); *bins];
        for row in rows {
            let ([g, h], count) = &mut sums[usize::from(feature[*row])];
            *g = g.add(&gradients[*row][0]);
            *h = h.add(&gradients[*row][1]);
            *count += 1;
        }
        let (mut left, mut count, mut since) = ([Cipher::zero(), Cipher::zero()], 0, 0);
        for (bin, ([g, h], inside)) in sums.iter().enumerate().take(bins.saturating_sub(1)) {
            left = [left[0].add(g), left[1].add(h)];
            count += inside;
            since += inside;
            if since >= settings.min_rows && rows.len() - count >= settings.min_rows {
                since = 0;
                found.push((Split { feature: number, bin: bin as u8 }, left));
            }
        }
    }
    found
}

impl Follower {
    /// Tells the leader, for other rows in the same bins, on which side of each own split they are.
    ///
    /// The leader learns that of every split, not only on the way of each row.
    ///
    /// # Errors
    /// [`Error::Caller`] for a feature that the rows do not have; the transport's.
    pub fn tell(&self, line: &mut Channel, data: &Binned) -> Result<()> {
        let all = self.splits.iter().flatten().flatten();
        let mut body = Vec::new();
        for split in all {
            if split.feature >= data.bins().len() {
                return Err(Error::caller("rows without a feature of the model"));
            }
            body.extend(pack(&data.feature(split.feature).iter().map(|bin| *bin > split.bin).collect::<Vec<_>>()));
        }
        send(line, PairStep::Sides, body)
    }
}
