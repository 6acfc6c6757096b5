//! The owner of the labels: encrypts gradients, chooses splits, keeps the leaves.

use rand::{CryptoRng, SeedableRng};
use rand_chacha::ChaCha20Rng;
use rayon::prelude::*;
use yu_wire::channel::{Channel, Expect};
use zeroize::{Zeroize, Zeroizing};

use super::elgamal::{CIPHER, Cipher, Logarithms, PublicKey, SecretKey};
use super::words::{PairStep, agreement, members, moved, pack, recv, send, unpack, wrong};
use super::{CURVATURE, GRADIENT, check};
use crate::trees::{Binned, Boosting, Split, clear};
use crate::{Error, Result};

/// Most candidates of a node that a follower offers: 256 features of 32 bins. All nodes of the deepest level are then 128 MiB at most.
const MOST: usize = 1 << 13;

/// A place of a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// All rows go left.
    None,
    /// A split by an own feature.
    Own(Split),
    /// A split that the follower knows.
    Theirs,
}

/// The leader's part of a tree.
#[derive(Clone, Debug, PartialEq)]
pub struct LeadTree {
    /// In the order of a heap.
    pub places: Vec<Place>,
    /// From left to right, the learning rate included.
    pub leaves: Vec<f64>,
}

/// The leader's part of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Lead {
    /// Score before the first tree.
    pub base: f64,
    /// The trees.
    pub trees: Vec<LeadTree>,
}

/// Trains with a follower. `told` hears the number of trees after each.
///
/// # Errors
/// [`Error::Unsafe`] and [`Error::Caller`] for settings and lengths; [`Error::Data`] for labels other than 0 and 1; [`Error::Peer`] for a follower with
/// other settings, or that sends what does not fit; the transport's.
pub fn lead(
    line: &mut Channel,
    settings: &Boosting,
    data: &Binned,
    labels: &[f64],
    rng: &mut impl CryptoRng,
    mut told: impl FnMut(usize),
) -> Result<Lead> {
    let rows = data.rows();
    check(settings, rows)?;
    if labels.len() != rows {
        return Err(Error::caller(format!("`{}` labels for `{rows}` rows", labels.len())));
    }
    let base = clear::base_score(settings.loss, labels)?;
    let secret = SecretKey::random(rng);
    let key = secret.public();
    let ours = agreement(settings, rows);
    send(line, PairStep::Hello, [key.to_bytes(), ours].concat())?;
    if recv(line, PairStep::Hello, Expect::Exactly(32))?[..] != ours {
        return Err(wrong(line, PairStep::Hello, "the follower has other settings or another number of rows"));
    }
    let table = Logarithms::new(rows as u32 * 256);
    let mut run = Run { settings, data, key, secret, table, scores: Zeroizing::new(vec![base; rows]) };
    let mut trees = Vec::with_capacity(settings.trees);
    for number in 0..settings.trees {
        trees.push(run.tree(line, labels, rng)?);
        told(number + 1);
    }
    Ok(Lead { base, trees })
}

struct Run<'a> {
    settings: &'a Boosting,
    data: &'a Binned,
    key: PublicKey,
    secret: SecretKey,
    table: Logarithms,
    scores: Zeroizing<Vec<f64>>,
}

/// The best of a node so far.
struct Best {
    value: f64,
    place: Chosen,
    left: [f64; 2],
    right: [f64; 2],
}

enum Chosen {
    None,
    Own(Split),
    Theirs(u32),
}

impl Run<'_> {
    fn tree(&mut self, line: &mut Channel, labels: &[f64], rng: &mut impl CryptoRng) -> Result<LeadTree> {
        let rows = self.data.rows();
        let numbers = |(score, label): (&f64, &f64)| {
            let p = 1.0 / (1.0 + (-score).exp());
            [((p - label) * GRADIENT).round() as i64, (p * (1.0 - p) * CURVATURE).round() as i64]
        };
        let mut gradients: Vec<[i64; 2]> = self.scores.iter().zip(labels).map(numbers).collect();
        let mut seed = [0; 32];
        rng.fill_bytes(&mut seed);
        let parts: Vec<Vec<u8>> = gradients
            .par_chunks(1024)
            .enumerate()
            .map(|(at, rows)| {
                let mut rng = ChaCha20Rng::from_seed(seed);
                rng.set_stream(at as u64);
                let mut bytes = Vec::with_capacity(2 * CIPHER * rows.len());
                rows.iter().flatten().for_each(|number| self.key.encrypt(*number, &mut rng).write(&mut bytes));
                bytes
            })
            .collect();
        seed.zeroize();
        send(line, PairStep::Gradients, parts.concat())?;
        let mut nodes = vec![0; rows];
        let mut tree = LeadTree { places: Vec::new(), leaves: Vec::new() };
        for level in 0..self.settings.depth {
            let all = members(&nodes, 1 << level);
            let offered = self.offered(line, all.len())?;
            let best: Vec<Best> = all.iter().zip(&offered).map(|(rows, sums)| self.best(rows, &gradients, sums)).collect();
            let mut body = Vec::new();
            let mut sides: Vec<Option<Vec<bool>>> = Vec::with_capacity(all.len());
            for (rows, best) in all.iter().zip(&best) {
                match best.place {
                    Chosen::None => {
                        body.push(0);
                        sides.push(None);
                    }
                    Chosen::Own(split) => {
                        let feature = self.data.feature(split.feature);
                        let right: Vec<bool> = rows.iter().map(|row| feature[*row] > split.bin).collect();
                        body.push(1);
                        body.extend(pack(&right));
                        sides.push(Some(right));
                    }
                    Chosen::Theirs(number) => {
                        body.push(2);
                        body.extend_from_slice(&number.to_le_bytes());
                        sides.push(None);
                    }
                }
            }
            send(line, PairStep::Choice, body)?;
            let theirs = |best: &Best| matches!(best.place, Chosen::Theirs(_));
            let lengths = all.iter().zip(&best).map(|(rows, best)| if theirs(best) { rows.len().div_ceil(8) } else { 0 });
            let bytes = recv(line, PairStep::Sides, Expect::Exactly(lengths.clone().sum()))?;
            let mut rest = &bytes[..];
            for (((rows, best), len), side) in all.iter().zip(&best).zip(lengths).zip(&mut sides) {
                if theirs(best) {
                    let (bits, after) = rest.split_at(len);
                    rest = after;
                    let right = unpack(bits, rows.len()).ok_or_else(|| wrong(line, PairStep::Sides, "sides of other rows"))?;
                    *side = Some(right);
                }
            }
            moved(&mut nodes, &all, &sides);
            tree.places.extend(best.iter().map(|best| match best.place {
                Chosen::None => Place::None,
                Chosen::Own(split) => Place::Own(split),
                Chosen::Theirs(_) => Place::Theirs,
            }));
            if level + 1 == self.settings.depth {
                tree.leaves = best.iter().flat_map(|best| [self.settings.leaf(best.left), self.settings.leaf(best.right)]).collect();
            }
        }
        gradients.zeroize();
        self.scores.iter_mut().zip(&nodes).for_each(|(score, leaf)| *score += tree.leaves[*leaf as usize]);
        Ok(tree)
    }

    /// Sums of `g` and `h` left of each candidate of each node.
    fn offered(&self, line: &mut Channel, count: usize) -> Result<Vec<Vec<[f64; 2]>>> {
        let bytes = recv(line, PairStep::Sums, Expect::AtMost(count * (4 + 2 * CIPHER * MOST)))?;
        let broken = |line: &Channel| wrong(line, PairStep::Sums, "sums that do not fit their nodes, or are none");
        let (mut rest, mut all) = (&bytes[..], Vec::with_capacity(count));
        for _ in 0..count {
            let (number, after) = rest.split_first_chunk::<4>().ok_or_else(|| broken(line))?;
            let len = (u32::from_le_bytes(*number) as usize).checked_mul(2 * CIPHER);
            let (sums, after) = len.and_then(|len| after.split_at_checked(len)).ok_or_else(|| broken(line))?;
            rest = after;
            let (ciphers, _) = sums.as_chunks::<CIPHER>();
            let read = |bytes: &[u8; CIPHER]| self.secret.decrypt(&Cipher::read(bytes)?, &self.table);
            let numbers: Option<Vec<i64>> = ciphers.par_iter().map(read).collect();
            let numbers = numbers.ok_or_else(|| broken(line))?;
            let (pairs, _) = numbers.as_chunks::<2>();
            all.push(pairs.iter().map(|[g, h]| [*g as f64 / GRADIENT, *h as f64 / CURVATURE]).collect());
        }
        if rest.is_empty() { Ok(all) } else { Err(broken(line)) }
    }

    fn best(&self, rows: &[usize], gradients: &[[i64; 2]], theirs: &[[f64; 2]]) -> Best {
        let settings = self.settings;
        let value = |[g, h]: [f64; 2]| g * g / (h + settings.lambda);
        let number = |[g, h]: [i64; 2]| [g as f64 / GRADIENT, h as f64 / CURVATURE];
        let add = |sum: [i64; 2], row: &[i64; 2]| [sum[0] + row[0], sum[1] + row[1]];
        let total = number(rows.iter().fold([0; 2], |sum, row| add(sum, &gradients[*row])));
        let mut best = Best { value: value(total) + settings.gamma, place: Chosen::None, left: total, right: [0.0; 2] };
        let least = settings.least_weight();
        let mut consider = |left: [f64; 2], place: Chosen| {
            let right = [total[0] - left[0], total[1] - left[1]];
            let found = value(left) + value(right);
            if left[1] >= least && right[1] >= least && found > best.value {
                best = Best { value: found, place, left, right };
            }
        };
        for (feature, bins) in self.data.bins().iter().enumerate() {
            let codes = self.data.feature(feature);
            let mut sums = vec![[0; 2]; *bins];
            rows.iter().for_each(|row| {
                let slot = &mut sums[usize::from(codes[*row])];
                *slot = add(*slot, &gradients[*row]);
            });
            let mut left = [0; 2];
            for (bin, sum) in sums.iter().enumerate().take(bins.saturating_sub(1)) {
                left = add(left, sum);
                consider(number(left), Chosen::Own(Split { feature, bin: bin as u8 }));
            }
        }
        for (left, at) in theirs.iter().zip(0..) {
            consider(*left, Chosen::Theirs(at));
        }
        best
    }
}

impl Lead {
    /// Log-odds of other rows, with what the follower tells of them ([`super::Follower::tell`]).
    ///
    /// # Errors
    /// [`Error::Peer`] for a follower that tells of other splits or rows; [`Error::Caller`] for a feature that the rows do not have; the transport's.
    pub fn scores(&self, line: &mut Channel, data: &Binned) -> Result<Vec<f64>> {
        let rows = data.rows();
        let count = self.trees.iter().flat_map(|tree| &tree.places).filter(|place| **place == Place::Theirs).count();
        let bytes = recv(line, PairStep::Sides, Expect::Exactly(count * rows.div_ceil(8)))?;
        let sides: Option<Vec<Vec<bool>>> = bytes.chunks(rows.div_ceil(8).max(1)).map(|bits| unpack(bits, rows)).collect();
        let sides = sides.ok_or_else(|| wrong(line, PairStep::Sides, "sides of other rows"))?;
        let mut next = 0;
        let mut scores = vec![self.base; rows];
        for tree in &self.trees {
            // which of the follower's answers belongs to which place
            let theirs: Vec<usize> = tree
                .places
                .iter()
                .map(|place| {
                    next += usize::from(*place == Place::Theirs);
                    next.wrapping_sub(1)
                })
                .collect();
            for (row, score) in scores.iter_mut().enumerate() {
                let mut at = 0;
                while let Some(place) = tree.places.get(at) {
                    let right = match place {
                        Place::None => false,
                        Place::Own(split) if split.feature < data.bins().len() => data.feature(split.feature)[row] > split.bin,
                        Place::Own(_) => return Err(Error::caller("rows without a feature of the model")),
                        Place::Theirs => sides.get(theirs[at]).is_some_and(|sides| sides[row]),
                    };
                    at = 2 * at + 1 + usize::from(right);
                }
                *score += tree.leaves.get(at - tree.places.len()).copied().unwrap_or_default();
            }
        }
        Ok(scores)
    }
}
