//! Counties in the city's domain (县、区, D8): data of a county's own are used under an authorisation only with the consent of that county's authority.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::finding::{Checked, Finding, unless};
use crate::id::{AuthorisationId, DatasetId, PartyName};
use crate::sign::SignedType;

/// Most data sets of one approval.
const MOST: usize = 64;
/// Longest approval, days: the term of an authorisation (A4), our reading.
const LONGEST_DAYS: i64 = 3 * 366;

/// A county's authority approves the use of its data under an authorisation of the city's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CountyApproval {
    /// Format version, 1.
    pub v: u32,
    /// The county's authority, an organ in the city's domain.
    pub county: PartyName,
    /// The authorisation.
    pub authorisation: AuthorisationId,
    /// Its data sets; none: the county takes its approval back.
    pub datasets: Vec<DatasetId>,
    /// When.
    pub at: Time,
    /// First second at which it no longer holds.
    pub until: Time,
}

impl SignedType for CountyApproval {
    const TYPE: &'static str = "county-approval-v1";
}

/// The last approval of each county for each authorisation.
#[derive(Debug, Default)]
pub struct CountyApprovals {
    last: BTreeMap<(AuthorisationId, PartyName), CountyApproval>,
}

impl CountyApprovals {
    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &CountyApproval> {
        self.last.values()
    }

    /// Takes one in; a later one of the same county stands in the place of the earlier.
    ///
    /// # Errors
    /// Everything that is wrong with it.
    pub fn approve(&mut self, approval: &CountyApproval, now: Time) -> Checked<()> {
        let mut found = Vec::new();
        let mut add = |code: &str, en: &str, zh: &str, remedy: (&str, &str)| {
            found.push(Finding::new(code, &approval.county, (en, zh), remedy));
        };
        let distinct: BTreeSet<&DatasetId> = approval.datasets.iter().collect();
        if approval.v != 1 || distinct.len() != approval.datasets.len() || distinct.len() > MOST {
            add(
                "county.datasets",
                "an approval names at most 64 different data sets",
                "批准最多列明 64 个不同数据集",
                ("name each once", "逐一列明"),
            );
        }
        if approval.at > now.plus_seconds(86_400) || approval.until <= now || approval.until > approval.at.plus_days(LONGEST_DAYS) {
            add("county.until", "its end is past, or more than three years away", "期限已过或超过三年", ("correct `until`", "更正期限"));
        }
        let key = (approval.authorisation.clone(), approval.county.clone());
        if self.last.get(&key).is_some_and(|before| before.at >= approval.at) {
            add("county.order", "a later approval of this county is known", "该县（区）已有更新的批准", ("date it later", "更正日期"));
        }
        unless(found, ())?;
        self.last.insert(key, approval.clone());
        Ok(())
    }

    /// Whether some county approves the use of a data set under an authorisation.
    #[must_use]
    pub fn covers(&self, authorisation: &AuthorisationId, dataset: &DatasetId, now: Time) -> bool {
        self.all().any(|a| a.authorisation == *authorisation && a.datasets.contains(dataset) && now < a.until)
    }
}
