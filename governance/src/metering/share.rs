//! Shares by contribution (O9; ZZ 24, ZW 25: who invests, who contributes, benefits): whole fen that add up exactly.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::canonical::{Hash, u64_string};
use crate::clock::Time;
use crate::finding::{Checked, broken, refuse};
use crate::id::{PartyName, document_hash};
use crate::sign::{KeyRing, Signed, SignedType};
use crate::workflow::word::words;

words! {
    /// By what a supplier's contribution is measured.
    Measure {
        RowsMatched = "rows-matched", "匹配行数", "Rows of its data that took part.";
        Runs = "runs", "参与次数", "Runs in which its data took part.";
        Cost = "cost", "投入成本", "What supplying cost it, in fen.";
        Points = "points", "约定点数", "Points that the agreement fixes.";
    }
}

/// Divides `total` in the ratio of the weights by largest remainder: each gets its exact share rounded down, what is left goes
/// one by one to the largest remainders, among equal ones to the first by name. The parts add up to `total` exactly.
///
/// Nothing if all weights are zero, or if they add up to more than a number holds.
///
/// ```
/// use std::collections::BTreeMap;
/// use yu_governance::metering::split;
///
/// let parts = split(100, &BTreeMap::from([("bank", 1), ("health", 1), ("tax", 1)])).unwrap();
/// assert_eq!((parts["bank"], parts["health"], parts["tax"]), (34, 33, 33));
/// ```
#[must_use]
pub fn split<K: Ord + Clone>(total: u64, weights: &BTreeMap<K, u64>) -> Option<BTreeMap<K, u64>> {
    let sum = weights.values().try_fold(0_u64, |sum, weight| sum.checked_add(*weight)).filter(|sum| *sum > 0)?;
    let mut parts = BTreeMap::new();
    let mut remainders = Vec::new();
    let mut given = 0_u64;
    for (name, weight) in weights {
        let exact = u128::from(total) * u128::from(*weight);
        // at most `total`, as a weight is at most the sum
        let part = u64::try_from(exact / u128::from(sum)).ok()?;
        given = given.checked_add(part)?;
        remainders.push((exact % u128::from(sum), name));
        parts.insert(name.clone(), part);
    }
    remainders.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(b.1)));
    let left = usize::try_from(total.checked_sub(given)?).ok()?;
    for (_, name) in remainders.into_iter().take(left) {
        if let Some(part) = parts.get_mut(name) {
            *part = part.checked_add(1)?;
        }
    }
    Some(parts)
}

/// Who gets what of one pool for one product in one period, signed by the platform and by every supplier in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShareStatement {
    /// Format version, 1.
    pub v: u32,
    /// Who divides and signs.
    pub platform: PartyName,
    /// Hash of the agreement that says what is divided and by which measure.
    pub agreement: Hash,
    /// Hash of the product version's contents.
    pub product: Hash,
    /// First second of the period, and the first one behind it.
    pub period: (Time, Time),
    /// By what.
    pub measure: Measure,
    /// What is divided, in fen.
    #[serde(with = "u64_string")]
    pub pool: u64,
    /// Contribution and share of each supplier, as decimal strings.
    pub suppliers: BTreeMap<PartyName, Part>,
}

/// One supplier's line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// By the measure.
    #[serde(with = "u64_string")]
    pub contribution: u64,
    /// In fen.
    #[serde(with = "u64_string")]
    pub fen: u64,
}

impl SignedType for ShareStatement {
    const TYPE: &'static str = "share-statement-v1";
}

impl ShareStatement {
    /// Divides a pool.
    ///
    /// # Errors
    /// `share.nothing` if nobody contributed anything, or the contributions are beyond what a number holds.
    pub fn make(mut self, contributions: &BTreeMap<PartyName, u64>) -> Checked<Self> {
        let Some(parts) = split(self.pool, contributions) else {
            let what = ("there is no contribution to divide by, or they are too large", "没有可据以分配的贡献，或数值过大");
            return refuse("share.nothing", &self.platform, what, ("state the contributions", "填写各方贡献"));
        };
        let line = |(name, fen): (PartyName, u64)| {
            let contribution = contributions.get(&name).copied().unwrap_or_default();
            (name, Part { contribution, fen })
        };
        self.suppliers = parts.into_iter().map(line).collect();
        Ok(self)
    }

    /// Checks a statement against the contributions that the reader knows, for example from the logs; gives its hash.
    ///
    /// # Errors
    /// `share.signature` unless the platform and every supplier signed; `share.malformed`; `share.contribution` naming the
    /// supplier with another contribution; `share.amount` if the shares are others than follow.
    pub fn verify(signed: &Signed<Self>, contributions: &BTreeMap<PartyName, u64>, keys: &KeyRing) -> Checked<Hash> {
        let platform = &signed.payload.platform;
        let signers: Vec<&str> = std::iter::once(platform).chain(signed.payload.suppliers.keys()).map(PartyName::as_str).collect();
        let statement = signed.verify(keys, &signers).map_err(|error| broken("share.signature", platform, &error))?;
        if statement.v != 1 || statement.period.0 >= statement.period.1 {
            let what = ("the statement has another format or no period", "分配表格式不符或无期间");
            return refuse("share.malformed", platform, what, ("draw it again", "重新出具"));
        }
        let stated: BTreeMap<PartyName, u64> = statement.suppliers.iter().map(|(name, part)| (name.clone(), part.contribution)).collect();
        let names = contributions.keys().chain(stated.keys());
        if let Some(name) = names.into_iter().find(|name| contributions.get(*name) != stated.get(*name)) {
            let what = (format!("the contribution of `{name}` is another than is known here"), format!("`{name}` 的贡献与本方所知不符"));
            return refuse("share.contribution", platform, what, ("compare with the logs of the jobs", "与任务日志核对"));
        }
        let follows = split(statement.pool, contributions);
        let shares = statement.suppliers.iter().map(|(name, part)| (name.clone(), part.fen)).collect();
        if follows != Some(shares) {
            let what = ("the shares do not follow from the contributions", "份额与贡献不符");
            return refuse("share.amount", platform, what, ("divide by largest remainder", "按最大余额法分配"));
        }
        document_hash(statement).map_err(|error| broken("share.malformed", platform, &error))
    }
}
