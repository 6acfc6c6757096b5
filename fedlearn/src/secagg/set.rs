//! A set of parties as a bitmap: the same set has one encoding.

use serde::{Deserialize, Serialize};

/// Parties by index. On the wire `8 + ceil(n / 8)` bytes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartySet(Vec<u8>);

impl PartySet {
    /// The empty set among `parties` parties.
    #[must_use]
    pub fn new(parties: usize) -> Self {
        Self(vec![0; parties.div_ceil(8)])
    }

    /// The set of these members among `parties` parties; indices of nobody are left out.
    #[must_use]
    pub fn of(parties: usize, members: impl IntoIterator<Item = u32>) -> Self {
        let mut set = Self::new(parties);
        for member in members.into_iter().filter(|member| (*member as usize) < parties) {
            set.insert(member);
        }
        set
    }

    /// Whether this is a set among `parties` parties in its one encoding: right length, no bit beyond the last party.
    #[must_use]
    pub fn is_among(&self, parties: usize) -> bool {
        self.0.len() == parties.div_ceil(8) && self.iter().all(|party| (party as usize) < parties)
    }

    /// Adds a party; `false` if it was there or the bitmap has no place for it.
    pub fn insert(&mut self, party: u32) -> bool {
        let bit = 1 << (party % 8);
        match self.0.get_mut(party as usize / 8) {
            Some(byte) if *byte & bit == 0 => {
                *byte |= bit;
                true
            }
            _ => false,
        }
    }

    /// Whether the party is in the set.
    #[must_use]
    pub fn contains(&self, party: u32) -> bool {
        self.0.get(party as usize / 8).is_some_and(|byte| byte >> (party % 8) & 1 == 1)
    }

    /// Number of members.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.iter().map(|byte| byte.count_ones() as usize).sum()
    }

    /// Whether nobody is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Members in ascending order.
    pub fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        (0u32..).zip(&self.0).flat_map(|(at, byte)| (0..8).filter(move |bit| byte >> bit & 1 == 1).map(move |bit| 8 * at + bit))
    }

    /// Whether every member is a member of `other`.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.iter().all(|party| other.contains(party))
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl std::fmt::Debug for PartySet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_encoding_per_set() {
        let set = PartySet::of(10, [9, 2, 2, 77]);
        assert_eq!(set.iter().collect::<Vec<_>>(), [2, 9]);
        assert!(set.is_among(10) && !set.is_among(9) && !set.is_among(20));
        assert!(set.is_subset(&PartySet::of(10, 0..10)) && !PartySet::of(10, 0..10).is_subset(&set));
        assert_eq!(format!("{set:?} {}", set.len()), "{2, 9} 2");
    }
}
