//! Consent of data subjects (授权同意): receipts, and the filter that drops rows without a valid one (A15).
//!
//! Receipts name their subjects, so they are personal data: they stay in the provider's encrypted store and never
//! travel. What leaves the provider is a count, and a salted commitment to the whole set.
//!
//! A receipt covers exactly one scenario; the type has no room for two, and consent is never bundled (NB 21).
//!
//! | to see | open |
//! |---|---|
//! | a form as it was filled in: bundled and forced consent is refused (A15) | [`draft`] |
//! | signed records under pseudonymous references, and their revocation (A15) | [`record`] |
//! | all records: valid at an instant, kept under retention lock (A15, L7) | [`book`] |
//! | sensitive columns: desensitised, consented, or both (A16) | [`protect`] |
//! | a consent set that is itself sensitive is applied by PSI (A15) | [`delivery`] |
//! | assertions of an existing user-authorisation service (A15, D10) | [`assertion`] |

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

use crate::canonical::{Hash, digest};
use crate::clock::Time;
use crate::error::{Error, Result};
use crate::id::{ColumnSet, Purpose, Scenario};

pub mod assertion;
pub mod book;
pub mod delivery;
pub mod draft;
pub mod protect;
pub mod record;

/// One subject's consent. No `Debug` of the subject; wiped when dropped.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentReceipt {
    /// Format version, 1.
    pub v: u32,
    /// The subject, in the normalised form of the data set's subject column. Local to the provider.
    pub subject: String,
    /// The one scenario.
    pub scenario: Scenario,
    /// The one purpose.
    pub purpose: Purpose,
    /// The data items (columns) that it covers.
    pub items: ColumnSet,
    /// First valid second.
    pub not_before: Time,
    /// First second that is no longer valid.
    pub not_after: Time,
    /// From when on it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Time>,
    /// How the consent was given, for example the reference of a signed form.
    pub evidence: String,
}

impl fmt::Debug for ConsentReceipt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsentReceipt").field("scenario", &self.scenario).finish_non_exhaustive()
    }
}

impl Drop for ConsentReceipt {
    fn drop(&mut self) {
        self.subject.zeroize();
    }
}

/// For what consent is needed.
#[derive(Debug, Clone, Copy)]
pub struct ConsentQuery<'a> {
    /// In which scenario.
    pub scenario: &'a Scenario,
    /// For which purpose.
    pub purpose: &'a Purpose,
    /// To the use of which columns; one receipt must cover all of them.
    pub items: &'a ColumnSet,
    /// When.
    pub now: Time,
}

/// When one receipt is valid.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Validity {
    covers: usize,
    not_before: Time,
    not_after: Time,
    revoked_at: Option<Time>,
}

impl Validity {
    fn holds(self, now: Time) -> bool {
        self.not_before <= now && now < self.not_after && self.revoked_at.is_none_or(|at| now < at)
    }
}

/// All receipts of one data set. What many receipts have in common is kept once.
#[derive(Default)]
pub struct ConsentSet {
    covered: Vec<(Scenario, Purpose, ColumnSet)>,
    by_subject: BTreeMap<String, Vec<Validity>>,
}

/// Which rows stay. The mask never leaves the provider; the two counts may.
pub struct ConsentMask {
    mask: Vec<bool>,
    kept: u64,
}

impl ConsentMask {
    /// One entry for each row, true if it stays.
    #[must_use]
    pub fn as_slice(&self) -> &[bool] {
        &self.mask
    }

    /// Rows that stay.
    #[must_use]
    pub const fn kept(&self) -> u64 {
        self.kept
    }

    /// Rows that are dropped.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.mask.len() as u64 - self.kept
    }
}

impl fmt::Debug for ConsentMask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsentMask").field("kept", &self.kept).field("dropped", &self.dropped()).finish()
    }
}

impl ConsentSet {
    /// Takes over receipts.
    ///
    /// # Errors
    /// `Malformed` naming the position of a receipt without subject, of another format, or with an empty term.
    pub fn new(receipts: impl IntoIterator<Item = ConsentReceipt>) -> Result<Self> {
        let mut set = Self::default();
        let mut known: BTreeMap<(Scenario, Purpose, ColumnSet), usize> = BTreeMap::new();
        for (position, mut receipt) in receipts.into_iter().enumerate() {
            if receipt.v != 1 || receipt.subject.trim().is_empty() || receipt.not_after <= receipt.not_before {
                return Err(Error::Malformed {
                    object: format!("consent receipt {}", position + 1),
                    reason: "expected format 1, a subject, and an end after the beginning".into(),
                });
            }
            let covers = (receipt.scenario.clone(), receipt.purpose.clone(), receipt.items.clone());
            let covers = *known.entry(covers).or_insert_with_key(|key| {
                set.covered.push(key.clone());
                set.covered.len() - 1
            });
            let validity =
                Validity { covers, not_before: receipt.not_before, not_after: receipt.not_after, revoked_at: receipt.revoked_at };
            set.by_subject.entry(std::mem::take(&mut receipt.subject)).or_default().push(validity);
        }
        Ok(set)
    }

    /// How many subjects there are.
    #[must_use]
    pub fn subjects(&self) -> usize {
        self.by_subject.len()
    }

    /// The subjects whose consent holds.
    #[must_use]
    pub fn valid_subjects(&self, query: &ConsentQuery<'_>) -> BTreeSet<&str> {
        let fits = self.fitting(query);
        let valid = |list: &&Vec<Validity>| Self::holds(list, &fits, query.now);
        self.by_subject.iter().filter(|(_, list)| valid(list)).map(|(subject, _)| subject.as_str()).collect()
    }

    /// Which rows stay: those whose subject is known and consented. A row without a readable subject is dropped.
    pub fn filter<S: AsRef<str>>(&self, rows: &[Option<S>], query: &ConsentQuery<'_>) -> ConsentMask {
        let fits = self.fitting(query);
        let stays = |subject: &Option<S>| {
            let list = subject.as_ref().and_then(|s| self.by_subject.get(s.as_ref()));
            list.is_some_and(|list| Self::holds(list, &fits, query.now))
        };
        let mask: Vec<bool> = rows.iter().map(stays).collect();
        let kept = mask.iter().filter(|&&stays| stays).count() as u64;
        ConsentMask { mask, kept }
    }

    /// Commitment to the set under a secret random salt. Without the salt nobody can test guesses; with it the
    /// provider can show later which set it used.
    #[must_use]
    pub fn commitment(&self, salt: &[u8; 32]) -> Hash {
        let covered: Vec<Hash> = self
            .covered
            .iter()
            .map(|(scenario, purpose, items)| {
                let items: Vec<&str> = items.iter().collect();
                // the parts contain no control characters, so the separators are unambiguous
                let text = [scenario.as_str(), purpose.as_str(), &items.join("\n")].join("\0");
                digest("yu-consent-terms-v1", text.as_bytes())
            })
            .collect();
        let mut bytes = zeroize::Zeroizing::new(salt.to_vec());
        for (subject, list) in &self.by_subject {
            let mut list: Vec<_> = list.iter().map(|v| (covered.get(v.covers), v.not_before, v.not_after, v.revoked_at)).collect();
            list.sort();
            bytes.extend((subject.len() as u64).to_le_bytes());
            bytes.extend(subject.as_bytes());
            bytes.extend((list.len() as u64).to_le_bytes());
            for (terms, from, to, revoked) in list {
                bytes.extend(terms.map_or([0; 32], |hash| *hash.as_bytes()));
                bytes.extend(from.unix().to_le_bytes());
                bytes.extend(to.unix().to_le_bytes());
                bytes.extend(revoked.map_or(i64::MAX, Time::unix).to_le_bytes());
            }
        }
        digest("yu-consent-set-v1", &bytes)
    }

    /// For each kind of receipt whether it covers what is asked.
    fn fitting(&self, query: &ConsentQuery<'_>) -> Vec<bool> {
        self.covered
            .iter()
            .map(|(scenario, purpose, items)| {
                scenario == query.scenario && purpose == query.purpose && query.items.beyond(items).is_empty()
            })
            .collect()
    }

    fn holds(list: &[Validity], fits: &[bool], now: Time) -> bool {
        list.iter().any(|v| fits.get(v.covers) == Some(&true) && v.holds(now))
    }
}

impl fmt::Debug for ConsentSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsentSet").field("subjects", &self.by_subject.len()).finish_non_exhaustive()
    }
}

impl Drop for ConsentSet {
    fn drop(&mut self) {
        while let Some((mut subject, _)) = self.by_subject.pop_first() {
            subject.zeroize();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt(subject: &str, scenario: &str) -> ConsentReceipt {
        ConsentReceipt {
            v: 1,
            subject: subject.into(),
            scenario: Scenario::new(scenario).unwrap(),
            purpose: Purpose::new("statistics").unwrap(),
            items: ColumnSet::new(["id", "cost"]).unwrap(),
            not_before: Time::from_unix(100),
            not_after: Time::from_unix(200),
            revoked_at: None,
            evidence: "form 1".into(),
        }
    }

    fn kept(set: &ConsentSet, items: &[&str], now: i64) -> Vec<bool> {
        let (scenario, purpose) = (Scenario::new("credit").unwrap(), Purpose::new("statistics").unwrap());
        let items = ColumnSet::new(items.iter().copied()).unwrap();
        let query = ConsentQuery { scenario: &scenario, purpose: &purpose, items: &items, now: Time::from_unix(now) };
        let mask = set.filter(&[Some("a"), Some("b"), None, Some("unknown")], &query);
        assert_eq!(mask.kept() + mask.dropped(), 4);
        assert_eq!(set.valid_subjects(&query).len() as u64, mask.kept());
        mask.as_slice().to_vec()
    }

    #[test]
    fn a15_only_valid_consent_keeps_a_row() {
        let set = ConsentSet::new([receipt("a", "credit"), receipt("b", "insurance")]).unwrap();
        let only_a = [true, false, false, false];
        let none = [false; 4];
        assert_eq!(kept(&set, &["cost"], 100), only_a);
        assert_eq!(kept(&set, &["cost"], 199), only_a);
        assert_eq!(kept(&set, &["cost"], 99), none, "not yet");
        assert_eq!(kept(&set, &["cost"], 200), none, "no longer");
        assert_eq!(kept(&set, &["cost", "age"], 150), none, "an item beyond the consent");
    }

    #[test]
    fn a15_revocation_removes_the_row_from_the_next_run() {
        let mut revoked = receipt("a", "credit");
        revoked.revoked_at = Some(Time::from_unix(150));
        let set = ConsentSet::new([revoked]).unwrap();
        assert_eq!(kept(&set, &["cost"], 149), [true, false, false, false]);
        assert_eq!(kept(&set, &["cost"], 150), [false; 4]);
    }

    #[test]
    fn a15_a_receipt_for_two_scenarios_is_refused() {
        let mut json = serde_json::to_value(receipt("a", "credit")).unwrap();
        json["scenario"] = serde_json::json!(["credit", "insurance"]);
        assert!(serde_json::from_value::<ConsentReceipt>(json.clone()).is_err());
        json["scenario"] = serde_json::json!("credit,insurance");
        assert!(serde_json::from_value::<ConsentReceipt>(json).is_err());
    }

    #[test]
    fn p2_subjects_are_not_printed() {
        let set = ConsentSet::new([receipt("CANARY", "credit")]).unwrap();
        assert!(!format!("{:?}{:?}", receipt("CANARY", "credit"), set).contains("CANARY"));
        let mut bad = receipt("CANARY", "credit");
        bad.not_after = bad.not_before;
        assert!(!ConsentSet::new([bad]).unwrap_err().to_string().contains("CANARY"));
    }

    #[test]
    fn commitment_depends_on_salt_and_content_but_not_on_order() {
        let ab = ConsentSet::new([receipt("a", "credit"), receipt("b", "insurance")]).unwrap();
        let ba = ConsentSet::new([receipt("b", "insurance"), receipt("a", "credit")]).unwrap();
        let a = ConsentSet::new([receipt("a", "credit")]).unwrap();
        assert_eq!(ab.commitment(&[1; 32]), ba.commitment(&[1; 32]));
        assert_ne!(ab.commitment(&[1; 32]), ab.commitment(&[2; 32]));
        assert_ne!(ab.commitment(&[1; 32]), a.commitment(&[1; 32]));
    }
}
