//! Frequency attack on deterministic tokens (频率分析): equal values have equal tokens, so a token occurs as often as
//! its value (Naveed, Kamara, Wright, CCS 2015).
//!
//! The attacker is taken to know exactly how often each value occurs, which needs no data of ours to evaluate: among
//! the `m` tokens that occur `f` times he guesses, and of their `m f` rows he gets `f` right on average. Where `m` is
//! at least `k`, nobody is singled out and the rows do not count. A column of person numbers, each once, is safe; a column
//! of districts or diseases is not, however strong its key.
//!
//! If rows can be matched with the original, rank matching is also run for real.

use std::collections::BTreeMap;

use super::cells::NULL;

/// Rows that the worst-case attacker reads off, rounded up; and the rows with a token.
pub(super) fn expected(counts: &[u64], k: u64) -> (u64, u64) {
    let mut tokens: BTreeMap<u64, u64> = BTreeMap::new();
    for count in counts.iter().filter(|count| **count > 0) {
        *tokens.entry(*count).or_default() += 1;
    }
    let recovered = tokens.iter().filter(|(_, ties)| **ties < k).map(|(count, _)| count).sum();
    (recovered, counts.iter().sum())
}

/// Distinct values and how often they occur, by code.
#[derive(Clone, Copy)]
pub(super) struct Histogram<'a> {
    pub(super) texts: &'a [String],
    pub(super) counts: &'a [u64],
}

impl Histogram<'_> {
    /// Codes, most frequent first; ties in the order of their texts, which says nothing about the order of first occurrence.
    fn ranked(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0u32..).zip(self.counts).filter(|(_, count)| **count > 0).map(|(code, _)| code).collect();
        order.sort_by_key(|code| (std::cmp::Reverse(self.counts.get(*code as usize)), self.texts.get(*code as usize)));
        order
    }
}

/// Rank matching: the most frequent token stands for the most frequent value, and so on. Returns the rows that are right
/// and the rows with a token. `tokens` and `values` are codes row by row. Tokens of which `k` or more occur equally often are
/// not guessed: what is right there is luck.
pub(super) fn rank_matching(tokens: &[u32], seen: Histogram<'_>, values: &[u32], known: Histogram<'_>, k: u64) -> (u64, u64) {
    let mut ties: BTreeMap<u64, u64> = BTreeMap::new();
    for count in seen.counts {
        *ties.entry(*count).or_default() += 1;
    }
    let mut guess = vec![NULL; seen.counts.len()];
    for (token, value) in seen.ranked().into_iter().zip(known.ranked()) {
        let is_told = seen.counts.get(token as usize).and_then(|count| ties.get(count)).is_some_and(|ties| *ties < k);
        if let Some(slot) = guess.get_mut(token as usize).filter(|_| is_told) {
            *slot = value;
        }
    }
    let pairs = tokens.iter().zip(values).filter(|(token, value)| **token != NULL && **value != NULL);
    let (mut right, mut all) = (0, 0);
    for (token, value) in pairs {
        all += 1;
        right += u64::from(guess.get(*token as usize) == Some(value));
    }
    (right, all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_frequencies_that_single_out_count() {
        assert_eq!(expected(&[1; 100], 5), (0, 100));
        assert_eq!(expected(&[500, 300, 200], 5), (1000, 1000));
        // two tokens tie: one of them is guessed right
        assert_eq!(expected(&[500, 500], 5), (500, 1000));
        assert_eq!(expected(&[10, 10, 10, 10, 10, 3], 5), (3, 53));
        assert_eq!(expected(&[], 5), (0, 0));
    }

    #[test]
    fn ranks_give_back_skewed_values() {
        let values: Vec<u32> = [0; 50].into_iter().chain([1; 30]).chain([2; 20]).collect();
        let tokens: Vec<u32> = values.iter().map(|value| [2, 0, 1][*value as usize]).collect();
        let texts = ["a", "b", "c"].map(String::from);
        let histogram = |counts| Histogram { texts: &texts, counts };
        assert_eq!(rank_matching(&tokens, histogram(&[30, 20, 50]), &values, histogram(&[500, 300, 100]), 5), (100, 100));
        // a wrong idea of the frequencies gives the wrong values
        assert_eq!(rank_matching(&tokens, histogram(&[30, 20, 50]), &values, histogram(&[1, 2, 3]), 5).0, 30);
        assert_eq!(rank_matching(&[NULL], histogram(&[]), &[0], histogram(&[1]), 5), (0, 0));
        assert_eq!(rank_matching(&[0, 1, 2], histogram(&[1, 1, 1]), &[0, 1, 2], histogram(&[1, 1, 1]), 3), (0, 3));
    }
}
