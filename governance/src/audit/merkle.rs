//! Merkle trees with the hashing of RFC 9162 section 2.1: leaf = H(0x00 || entry), node = H(0x01 || left || right), where H is
//! SHA-256 or, in a log of the national suite, SM3.
//!
//! Sizes are those of one node's log; proofs come from elsewhere and are checked without trusting their length.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;

use crate::canonical::parse_hex;
use crate::suite::HashAlgorithm;

/// A leaf, node or root; plain hex in files, where the line names the algorithm.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// What stands for "none before": the `prev` of a first line.
    pub const ZERO: Self = Self([0; 32]);
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        parse_hex(&text).map(Self).ok_or_else(|| D::Error::custom("expected 64 lower-case hex digits"))
    }
}

/// Hash of an entry: H(0x00 || entry).
#[must_use]
pub fn leaf(alg: HashAlgorithm, entry: &[u8]) -> Digest {
    Digest(alg.of(&[&[0], entry]))
}

/// Hash of two subtrees: H(0x01 || left || right).
#[must_use]
pub fn node(alg: HashAlgorithm, left: &Digest, right: &Digest) -> Digest {
    Digest(alg.of(&[&[1], &left.0, &right.0]))
}

/// Root over all leaves (RFC 9162 section 2.1.1); of none, the hash of nothing.
#[must_use]
pub fn root(alg: HashAlgorithm, leaves: &[Digest]) -> Digest {
    let mut frontier = Frontier::new(alg);
    leaves.iter().for_each(|leaf| frontier.push(*leaf));
    frontier.root()
}

/// The right edge of a tree: all that is needed to append leaves and to know the root. At most 64 hashes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frontier {
    /// Absent: SHA-256.
    #[serde(default, skip_serializing_if = "HashAlgorithm::is_default")]
    alg: HashAlgorithm,
    #[serde(with = "crate::canonical::u64_string")]
    size: u64,
    /// Roots of the complete subtrees, largest first: one for each bit set in `size`.
    subtrees: Vec<Digest>,
}

impl Frontier {
    /// The empty tree.
    #[must_use]
    pub const fn new(alg: HashAlgorithm) -> Self {
        Self { alg, size: 0, subtrees: Vec::new() }
    }

    /// Number of leaves.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// Appends one leaf.
    pub fn push(&mut self, leaf: Digest) {
        let mut subtree = leaf;
        // each trailing one bit of the old size is a subtree as high as the one carried
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.subtrees.pop() {
                subtree = node(self.alg, &left, &subtree);
            }
        }
        self.subtrees.push(subtree);
        self.size += 1;
    }

    /// The root.
    #[must_use]
    pub fn root(&self) -> Digest {
        let mut subtrees = self.subtrees.iter().rev();
        let last = subtrees.next().copied().unwrap_or_else(|| Digest(self.alg.of(&[])));
        subtrees.fold(last, |right, left| node(self.alg, left, &right))
    }
}

/// Proof that leaf `index` is in the tree over `leaves` (RFC 9162 section 2.1.3.1); `None` if there is no such leaf.
#[must_use]
pub fn inclusion_proof(alg: HashAlgorithm, index: usize, leaves: &[Digest]) -> Option<Vec<Digest>> {
    if index >= leaves.len() {
        return None;
    }
    let (mut proof, mut index, mut rest) = (Vec::new(), index, leaves);
    while rest.len() > 1 {
        let (left, right) = rest.split_at(split(rest.len()));
        if index < left.len() {
            proof.push(root(alg, right));
            rest = left;
        } else {
            proof.push(root(alg, left));
            index -= left.len();
            rest = right;
        }
    }
    proof.reverse();
    Some(proof)
}

/// Checks an inclusion proof (RFC 9162 section 2.1.3.2).
#[must_use]
pub fn is_included(alg: HashAlgorithm, leaf: &Digest, index: u64, size: u64, proof: &[Digest], root: &Digest) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last, mut hash) = (index, size - 1, *leaf);
    for sibling in proof {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            hash = node(alg, sibling, &hash);
            skip_left_edge(&mut at, &mut last);
        } else {
            hash = node(alg, &hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// Proof that the tree over the first `old` leaves is a prefix of the tree over all (RFC 9162 section 2.1.4.1).
/// `None` unless 0 < `old` <= number of leaves.
#[must_use]
pub fn consistency_proof(alg: HashAlgorithm, old: usize, leaves: &[Digest]) -> Option<Vec<Digest>> {
    if old == 0 || old > leaves.len() {
        return None;
    }
    let (mut proof, mut old, mut rest, mut is_whole) = (Vec::new(), old, leaves, true);
    while old < rest.len() {
        let (left, right) = rest.split_at(split(rest.len()));
        if old <= left.len() {
            proof.push(root(alg, right));
            rest = left;
        } else {
            proof.push(root(alg, left));
            old -= left.len();
            rest = right;
            is_whole = false;
        }
    }
    if !is_whole {
        proof.push(root(alg, rest));
    }
    proof.reverse();
    Some(proof)
}

/// Checks a consistency proof (RFC 9162 section 2.1.4.2).
#[must_use]
pub fn is_consistent(alg: HashAlgorithm, [old, new]: [u64; 2], old_root: &Digest, new_root: &Digest, proof: &[Digest]) -> bool {
    if old == 0 || old > new {
        return false;
    }
    if old == new {
        return proof.is_empty() && old_root == new_root;
    }
    // if the old tree is one complete subtree, its root is not repeated in the proof
    let (first, rest) = if old.is_power_of_two() {
        (old_root, proof)
    } else {
        let Some((first, rest)) = proof.split_first() else { return false };
        (first, rest)
    };
    let (mut at, mut last) = (old - 1, new - 1);
    while at & 1 == 1 {
        at >>= 1;
        last >>= 1;
    }
    let (mut old_hash, mut new_hash) = (*first, *first);
    for sibling in rest {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            old_hash = node(alg, sibling, &old_hash);
            new_hash = node(alg, sibling, &new_hash);
            skip_left_edge(&mut at, &mut last);
        } else {
            new_hash = node(alg, &new_hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && old_hash == *old_root && new_hash == *new_root
}

/// "If LSB(fn) is not set, then right-shift both fn and sn equally until either LSB(fn) is set or fn is 0."
const fn skip_left_edge(at: &mut u64, last: &mut u64) {
    while *at & 1 == 0 && *at != 0 {
        *at >>= 1;
        *last >>= 1;
    }
}

/// Largest power of two below `n`, for `n` > 1.
const fn split(n: usize) -> usize {
    1 << (n - 1).ilog2()
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: HashAlgorithm = HashAlgorithm::Sha256;

    /// Inputs and roots of the Certificate Transparency reference tests (`merkletree/merkle_tree_test.cc`).
    const INPUTS: [&str; 8] = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"];
    const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    fn digest(text: &str) -> Digest {
        Digest(parse_hex(text).unwrap())
    }

    fn known() -> Vec<Digest> {
        INPUTS.iter().map(|input| leaf(A, &hex::decode(input).unwrap())).collect()
    }

    #[test]
    fn certificate_transparency_roots() {
        assert_eq!(root(A, &[]), digest("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
        for (i, expected) in ROOTS.iter().enumerate() {
            assert_eq!(root(A, &known()[..=i]), digest(expected), "{i}");
        }
    }

    #[test]
    fn certificate_transparency_proofs() {
        let leaves = known();
        let path = inclusion_proof(A, 0, &leaves).unwrap();
        let expected = [
            "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
            "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
            "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4",
        ];
        assert_eq!(path, expected.map(digest));
        let path = inclusion_proof(A, 5, &leaves).unwrap();
        let expected = [
            "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ];
        assert_eq!(path, expected.map(digest));
        let proof = consistency_proof(A, 6, &leaves).unwrap();
        let expected = [
            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
            "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        ];
        assert_eq!(proof, expected.map(digest));
    }

    #[test]
    fn every_proof_verifies_and_no_altered_one() {
        let leaves: Vec<_> = (0..40_u8).map(|i| leaf(A, &[i])).collect();
        for n in 1..=leaves.len() {
            let tree = &leaves[..n];
            let whole = root(A, tree);
            for i in 0..n {
                let proof = inclusion_proof(A, i, tree).unwrap();
                let (at, size) = (i as u64, n as u64);
                assert!(is_included(A, &tree[i], at, size, &proof, &whole));
                assert!(!is_included(A, &tree[i], at + 1, size, &proof, &whole));
                assert!(!is_included(A, &leaf(A, b"x"), at, size, &proof, &whole));
                assert!(!is_included(A, &tree[i], at, size, &[&proof[..], &[whole]].concat(), &whole));
                if let Some((_, shorter)) = proof.split_last() {
                    assert!(!is_included(A, &tree[i], at, size, shorter, &whole));
                }
            }
            for old in 1..=n {
                let proof = consistency_proof(A, old, tree).unwrap();
                let old_root = root(A, &tree[..old]);
                let (m, size) = (old as u64, n as u64);
                assert!(is_consistent(A, [m, size], &old_root, &whole, &proof), "{old} {n}");
                assert!(!is_consistent(A, [m, size], &leaf(A, b"x"), &whole, &proof));
                assert!(!is_consistent(A, [m, size], &old_root, &leaf(A, b"x"), &proof));
                assert!(!is_consistent(A, [m, size], &old_root, &whole, &[&proof[..], &[whole]].concat()));
                for i in 0..proof.len() {
                    let mut altered = proof.clone();
                    altered[i].0[0] ^= 1;
                    assert!(!is_consistent(A, [m, size], &old_root, &whole, &altered));
                }
            }
        }
        assert_eq!(inclusion_proof(A, 0, &[]), None);
        assert_eq!(consistency_proof(A, 0, &leaves), None);
        assert_eq!(consistency_proof(A, 41, &leaves), None);
        assert!(!is_included(A, &leaves[0], 0, 0, &[], &leaves[0]));
        assert!(!is_consistent(A, [0, 1], &root(A, &[]), &leaves[0], &[]));
    }

    #[test]
    fn d12_trees_of_sm3() {
        const S: HashAlgorithm = HashAlgorithm::Sm3;
        let leaves: Vec<_> = (0..7_u8).map(|i| leaf(S, &[i])).collect();
        assert_eq!(leaves[0], Digest(S.of(&[&[0, 0]])));
        assert_eq!(root(S, &leaves[..2]), Digest(S.of(&[&[1], &leaves[0].0, &leaves[1].0])));
        assert_eq!(hex::encode(root(S, &[]).0), "1ab21d8355cfa17f8e61194831e81a8f22bec8c728fefb747ed035eb5082aa2b", "SM3 of nothing");
        let whole = root(S, &leaves);
        let proof = inclusion_proof(S, 4, &leaves).unwrap();
        assert!(is_included(S, &leaves[4], 4, 7, &proof, &whole));
        assert!(!is_included(A, &leaves[4], 4, 7, &proof, &whole), "read with the other algorithm");
        let proof = consistency_proof(S, 5, &leaves).unwrap();
        assert!(is_consistent(S, [5, 7], &root(S, &leaves[..5]), &whole, &proof));
        let mut tree = Frontier::new(S);
        leaves.iter().for_each(|leaf| tree.push(*leaf));
        let json = serde_json::to_string(&tree).unwrap();
        assert!(json.contains(r#""alg":"sm3""#));
        assert_eq!(serde_json::from_str::<Frontier>(&json).unwrap(), tree);
        assert!(!serde_json::to_string(&Frontier::new(A)).unwrap().contains("alg"), "as before");
    }
}
