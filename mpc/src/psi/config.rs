//! Parameters of a run and what they must satisfy before anything is sent.

use std::ops::RangeInclusive;

use crate::{Error, Result, SessionId};

/// Statistical security of tags, bits: a false match anywhere in the run has probability 2^-40 at most.
pub const STATISTICAL: u64 = 40;

/// Rows per side; beyond it inputs are split into buckets. Tags then have at most 102 bits and fit into `u128`.
pub const MAX_ROWS: u64 = 1 << 31;

/// What both sides know before they begin.
#[derive(Clone, Debug)]
pub struct Config {
    /// Our party name, for errors.
    pub party: String,
    /// Names the run; never used twice. Goes into every hash.
    pub session: SessionId,
    /// Limits on the sizes; the policy behind them is the caller's.
    pub limits: Limits,
    /// Sizes that the peer may announce, when the contract tells (its version of the data set, after consent filtering).
    pub expected_peer_rows: Option<RangeInclusive<u64>>,
}

/// Limits on the sizes of the two inputs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Rows that each side has to bring: a set of one row asks whether one person is a member.
    pub min_rows: u64,
    /// Times by which one side may exceed the other.
    pub max_ratio: u64,
}

impl Limits {
    /// No limits at all, for tests and benches.
    pub const NONE: Self = Self { min_rows: 0, max_ratio: u64::MAX };
}

impl Config {
    /// Checks our own size, before anything is sent.
    pub(super) fn check_own(&self, rows: u64) -> Result<()> {
        self.check_one(&self.party, rows)
    }

    /// Checks the peer's size against ours, before any point is sent.
    pub(super) fn check_peer(&self, peer: &str, own: u64, rows: u64) -> Result<()> {
        self.check_one(peer, rows)?;
        if let Some(expected) = &self.expected_peer_rows
            && !expected.contains(&rows)
        {
            let (from, to) = (expected.start(), expected.end());
            return Err(Error::policy(peer, format!("`{rows}` rows announced where the contract expects `{from}` to `{to}`")));
        }
        let ratio = self.limits.max_ratio;
        let (less, more) = (own.min(rows).max(1), own.max(rows));
        if more > less.saturating_mul(ratio) {
            let what = format!("`{rows}` rows against our `{own}`, the sizes may differ by a factor of `{ratio}` at most");
            return Err(Error::policy(peer, what));
        }
        Ok(())
    }

    fn check_one(&self, party: &str, rows: u64) -> Result<()> {
        let least = self.limits.min_rows;
        if rows < least {
            Err(Error::policy(party, format!("`{rows}` rows where at least `{least}` are required")))
        } else if rows > MAX_ROWS {
            Err(Error::policy(party, format!("`{rows}` rows where at most `{MAX_ROWS}` are possible")))
        } else {
            Ok(())
        }
    }
}

/// Bytes of a tag: `ceil((40 + ceil(log2 a) + ceil(log2 b)) / 8)`.
///
/// ```
/// use yu_mpc::psi::tag_len;
/// assert_eq!(tag_len(1 << 20, 1 << 20), 10);
/// assert_eq!(tag_len(1_000_000_000, 1_000_000_000), 13);
/// assert_eq!(tag_len(0, 1), 5);
/// ```
#[must_use]
pub const fn tag_len(a: u64, b: u64) -> u64 {
    (STATISTICAL + ceil_log2(a) + ceil_log2(b)).div_ceil(8)
}

const fn ceil_log2(n: u64) -> u64 {
    if n <= 1 { 0 } else { (64 - (n - 1).leading_zeros()) as u64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(min_rows: u64, max_ratio: u64) -> Config {
        let limits = Limits { min_rows, max_ratio };
        Config { party: "a".into(), session: [0; 32], limits, expected_peer_rows: None }
    }

    #[test]
    fn logarithms_round_up() {
        let logs: Vec<u64> = [0, 1, 2, 3, 4, 5, 1 << 20, (1 << 20) + 1].map(ceil_log2).to_vec();
        assert_eq!(logs, [0, 0, 1, 2, 2, 3, 20, 21]);
        assert!(tag_len(MAX_ROWS, MAX_ROWS) <= 16);
    }

    #[test]
    fn refusals_name_party_and_numbers() {
        let text = |result: Result<()>| result.unwrap_err().to_string();
        let limits = config(100, 10);
        assert!(limits.check_own(100).is_ok());
        let own = text(limits.check_own(99));
        assert!(own.contains("`a`") && own.contains("`99`") && own.contains("`100`"), "{own}");
        let small = text(limits.check_peer("b", 100, 1));
        assert!(small.contains("`b`") && small.contains("`1`") && small.contains("`100`"), "{small}");
        let ratio = text(limits.check_peer("b", 100, 1001));
        assert!(ratio.contains("`b`") && ratio.contains("`1001`") && ratio.contains("`100`") && ratio.contains("`10`"), "{ratio}");
        assert!(limits.check_peer("b", 100, 1000).is_ok());
        let expected = Config { expected_peer_rows: Some(500..=600), ..limits };
        assert!(expected.check_peer("b", 100, 601).is_err());
        assert!(expected.check_peer("b", 100, 600).is_ok());
        assert!(config(0, u64::MAX).check_peer("b", 5, MAX_ROWS + 1).is_err());
        assert!(Config { limits: Limits::NONE, ..config(0, 0) }.check_peer("b", 0, 1000).is_ok());
    }
}
