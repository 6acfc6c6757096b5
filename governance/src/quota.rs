//! Quotas of one authorisation: reserved when a job is admitted, committed when it ran, released when it did not (A5, A19).
//!
//! | to see | open |
//! |---|---|
//! | which columns were read, unused, or beyond the grant | [`columns`] |
//!
//! What is stored is a list of [`Entry`]: the ledger is their replay. Every step is idempotent by job id, so a node that does
//! not know whether a step was written before a crash writes it again: nothing is charged twice, and nothing is lost, because
//! a reservation counts until it is released by name.
//!
//! ```
//! use std::collections::BTreeMap;
//! use yu_governance::{canonical::digest, grant::Measures, id::{DatasetId, JobId}, quota::Ledger};
//!
//! let insured = DatasetId::new("dev/health/insured")?;
//! let of = |rows| BTreeMap::from([(insured.clone(), Measures { uses: 1, rows, ..Measures::default() })]);
//! let mut ledger = Ledger::new(BTreeMap::from([(insured.clone(), Measures { uses: 2, rows: 1_000, ..Measures::default() })]));
//! let job = JobId(digest("example", b"contract"));
//! ledger.reserve(job, &of(700))?;
//! ledger.reserve(job, &of(700))?; // after a crash: the same job, charged once
//! assert!(ledger.reserve(JobId(digest("example", b"other")), &of(700)).is_err());
//! ledger.commit(job, &of(650))?;
//! assert_eq!(ledger.used(&insured).rows, 650);
//! # Ok::<(), yu_governance::Error>(())
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::error::Result;
use crate::grant::{Measures, Quota};
use crate::id::{DatasetId, JobId};
use crate::workflow::refuse;

pub mod columns;

/// What one job uses, for each data set.
pub type Charge = BTreeMap<DatasetId, Measures>;

/// One step, as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// The job.
    pub job: JobId,
    /// What.
    pub step: Step,
}

/// What happens to a job's charge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Step {
    /// Set aside before the job starts: the most that it may use.
    Reserve {
        /// The most.
        charge: Charge,
    },
    /// The job ran; the rest of its rows and queries comes back.
    Commit {
        /// What it used, at most what was reserved; of this, rows and queries count.
        charge: Charge,
    },
    /// The job did not run; all comes back.
    Release,
}

/// More than any grant has.
const ALL: Measures = Measures { uses: u64::MAX, rows: u64::MAX, queries: u64::MAX, micro_rho: u64::MAX, micro_epsilon: u64::MAX };

/// Whether the present grant binds a reservation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Limits {
    Binding,
    /// It was made under an earlier grant.
    Past,
}

/// Where a job's charge stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Held {
    Reserved(Charge),
    Committed { reserved: Charge, used: Charge },
    Released(Charge),
}

impl Held {
    const fn counts(&self) -> Option<&Charge> {
        match self {
            Self::Reserved(charge) | Self::Committed { used: charge, .. } => Some(charge),
            Self::Released(_) => None,
        }
    }
}

/// The quota of one authorisation with everything charged to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ledger {
    granted: Quota,
    jobs: BTreeMap<JobId, Held>,
}

impl Ledger {
    /// Nothing is charged yet.
    #[must_use]
    pub const fn new(granted: Quota) -> Self {
        Self { granted, jobs: BTreeMap::new() }
    }

    /// The ledger after stored entries; repeated ones change nothing. `granted` may be lower than it was when they were written:
    /// it binds new reservations, what was reserved under the old one stands.
    ///
    /// # Errors
    /// Those of [`Ledger::apply`], except `quota.not-granted` and `quota.exhausted`.
    pub fn replay(granted: Quota, entries: &[Entry]) -> Result<Self> {
        let mut ledger = Self::new(granted);
        entries.iter().try_for_each(|entry| match &entry.step {
            Step::Reserve { charge } => ledger.set_aside(entry.job, charge, Limits::Past),
            Step::Commit { .. } | Step::Release => ledger.apply(entry),
        })?;
        Ok(ledger)
    }

    /// Applies one step, all of it or nothing.
    ///
    /// # Errors
    /// Those of [`Ledger::reserve`], [`Ledger::commit`] and [`Ledger::release`].
    pub fn apply(&mut self, entry: &Entry) -> Result<()> {
        match &entry.step {
            Step::Reserve { charge } => self.reserve(entry.job, charge),
            Step::Commit { charge } => self.commit(entry.job, charge),
            Step::Release => self.release(entry.job),
        }
    }

    /// Sets aside what a job may use at most.
    ///
    /// # Errors
    /// `Refused`: `quota.empty` for a charge without a use of each of its data sets, `quota.not-granted` for another data set,
    /// `quota.exhausted` naming data set, measure and what is left, `quota.other-charge` if the job has another reservation,
    /// `quota.committed` if it ran, `quota.released` if it was released.
    pub fn reserve(&mut self, job: JobId, charge: &Charge) -> Result<()> {
        self.set_aside(job, charge, Limits::Binding)
    }

    fn set_aside(&mut self, job: JobId, charge: &Charge, limits: Limits) -> Result<()> {
        if !is_charged(charge) {
            return Err(refuse("quota.empty", format!("`{job}` is charged nothing: name its data sets, each with one use at least")));
        }
        match self.jobs.get(&job) {
            Some(Held::Reserved(known)) if known == charge => return Ok(()),
            Some(Held::Committed { .. }) => return Err(refuse("quota.committed", format!("`{job}` ran; a new run is a new contract"))),
            Some(Held::Released(_)) => return Err(refuse("quota.released", format!("`{job}` was released; a new run is a new contract"))),
            Some(_) => return Err(refuse("quota.other-charge", format!("`{job}` has another reservation"))),
            None => {}
        }
        if limits == Limits::Binding {
            self.within(charge)?;
        }
        self.jobs.insert(job, Held::Reserved(charge.clone()));
        Ok(())
    }

    fn within(&self, charge: &Charge) -> Result<()> {
        for (dataset, amount) in charge {
            let Some(granted) = self.granted.get(dataset) else {
                return Err(refuse("quota.not-granted", format!("`{dataset}` is not in the authorisation")));
            };
            let sum = self.used(dataset).plus(amount);
            let beyond = sum.map_or(Some(("total", u64::MAX, 0)), |sum| sum.beyond(granted));
            if let Some((name, wanted, most)) = beyond {
                return Err(refuse("quota.exhausted", format!("{name} of `{dataset}`: {wanted} with this job, granted are {most}")));
            }
        }
        Ok(())
    }

    /// Records what a job used. Only rows and queries come back: a job that ran has had its uses, and what it may have told
    /// (`micro_rho`, `micro_epsilon`) is not untold.
    ///
    /// # Errors
    /// `Refused`: `quota.not-reserved`, `quota.released`, `quota.more-than-reserved`, `quota.other-charge` if it is committed
    /// with another charge.
    pub fn commit(&mut self, job: JobId, used: &Charge) -> Result<()> {
        let reserved = match self.jobs.get(&job) {
            Some(Held::Reserved(reserved)) => reserved.clone(),
            Some(Held::Committed { reserved, used: known }) if *known == kept(reserved, used) => return Ok(()),
            Some(Held::Committed { .. }) => return Err(refuse("quota.other-charge", format!("`{job}` is committed with another charge"))),
            Some(Held::Released(_)) => return Err(refuse("quota.released", format!("`{job}` was released"))),
            None => return Err(refuse("quota.not-reserved", format!("`{job}` has no reservation"))),
        };
        for (dataset, amount) in used {
            let most = reserved.get(dataset).copied().unwrap_or_default();
            if let Some((name, have, most)) = amount.beyond(&most) {
                return Err(refuse("quota.more-than-reserved", format!("{have} {name} of `{dataset}`, reserved were {most}")));
            }
        }
        self.jobs.insert(job, Held::Committed { used: kept(&reserved, used), reserved });
        Ok(())
    }

    /// Gives a reservation back.
    ///
    /// # Errors
    /// `Refused`: `quota.not-reserved`, `quota.committed` for a job that ran.
    pub fn release(&mut self, job: JobId) -> Result<()> {
        match self.jobs.get(&job) {
            Some(Held::Reserved(charge)) => {
                let charge = charge.clone();
                self.jobs.insert(job, Held::Released(charge));
                Ok(())
            }
            Some(Held::Released(_)) => Ok(()),
            Some(Held::Committed { .. }) => Err(refuse("quota.committed", format!("`{job}` ran; what was used does not come back"))),
            None => Err(refuse("quota.not-reserved", format!("`{job}` has no reservation"))),
        }
    }

    /// Committed and reserved amounts of a data set.
    #[must_use]
    pub fn used(&self, dataset: &DatasetId) -> Measures {
        let amounts = self.jobs.values().filter_map(Held::counts).filter_map(|charge| charge.get(dataset));
        // `reserve` keeps sums small; a forged history that does not leaves nothing
        amounts.fold(Measures::default(), |sum, amount| sum.plus(amount).unwrap_or(ALL))
    }

    /// Jobs whose reservation is neither committed nor released: after a crash each is decided by name.
    pub fn open(&self) -> impl Iterator<Item = JobId> {
        self.jobs.iter().filter(|(_, held)| matches!(held, Held::Reserved(_))).map(|(job, _)| *job)
    }
}

/// Whether a charge names a data set, and one use at least of each.
pub(crate) fn is_charged(charge: &Charge) -> bool {
    !charge.is_empty() && charge.values().all(|amount| amount.uses > 0)
}

/// What stays charged of a reservation.
fn kept(reserved: &Charge, used: &Charge) -> Charge {
    let of = |(dataset, most): (&DatasetId, &Measures)| {
        let used = used.get(dataset).copied().unwrap_or_default();
        (dataset.clone(), Measures { rows: used.rows, queries: used.queries, ..*most })
    };
    reserved.iter().map(of).collect()
}
