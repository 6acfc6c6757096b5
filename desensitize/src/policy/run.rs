//! Carrying out a policy: what it makes of a table, and whether that may leave.
//!
//! A file is written under another name, read again, verified and searched; only then does it get its name.

mod assess;
mod danger;
pub mod dry;
mod search;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use rand_chacha::rand_core::CryptoRng;
use zeroize::Zeroizing;

pub use self::assess::{assess, recheck};
use super::{Class, Method, Policy};
use crate::anonymise::{self, Hierarchies, Spec};
use crate::error::{Error, Result};
use crate::read::{ReadOptions, read_batches, read_table};
use crate::report::{Report, Verdict};
use crate::table::Table;
use crate::transform::{Keys, Operator, Plan, Step, StepRecord};
use crate::write::Writer;

/// What a policy made of a table.
pub struct Made {
    /// The release. It has not been verified.
    pub table: Table,
    /// The same columns after the operators and before rows were made alike: what the release is held against.
    pub before: Table,
    /// What the operators did.
    pub records: Vec<StepRecord>,
    /// How rows were made alike.
    pub anonymised: Option<Anonymised>,
    /// Columns of the data that the policy does not name or keeps back.
    pub dropped: Vec<String>,
}

/// How rows were made alike.
pub struct Anonymised {
    /// Level of each quasi-identifier, for a full domain.
    pub transformation: Option<Vec<usize>>,
    /// The loss that was minimised.
    pub loss: f64,
    /// Rows that are suppressed.
    pub suppressed: u64,
    /// Seed of random choices, see [`anonymise::Release::seed`].
    pub seed: Option<Zeroizing<[u8; 32]>>,
}

/// What came of a run over files.
pub struct Outcome {
    /// What was found, for people.
    pub report: Report,
    /// Whether the release has been given its name.
    pub is_released: bool,
}

impl Policy {
    /// Names of the columns that leave, in order.
    #[must_use]
    pub fn released(&self) -> Vec<&str> {
        self.columns.iter().filter(|rule| rule.class != Class::Drop).map(|rule| rule.name.as_str()).collect()
    }

    /// The operators of all columns, in order; a sample of the rows comes first.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        let first = self.released().first().map(|name| (*name).to_owned()).unwrap_or_default();
        let sample =
            self.sample.map(|sample| Step::new(first, Operator::Sample { rate: sample.rate, purpose: None, key: None, domain: None }));
        let of_columns = self.columns.iter().flat_map(|rule| rule.operators.iter().map(|operator| Step::new(&rule.name, operator.clone())));
        sample.into_iter().chain(of_columns).collect()
    }

    /// The hierarchies over the values of a table.
    ///
    /// # Errors
    /// Those of [`anonymise::Hierarchy`].
    pub fn hierarchies(&self, table: &Table) -> Result<Hierarchies> {
        self.hierarchies.iter().try_fold(Hierarchies::new(), |all, rule| Ok(all.with(rule.column(), rule.build(table)?)))
    }

    /// Columns of a file that the policy does not let out.
    fn dropped(&self, names: &[String]) -> Vec<String> {
        let released: HashSet<&str> = self.released().into_iter().collect();
        names.iter().filter(|name| !released.contains(name.as_str())).cloned().collect()
    }

    /// Columns that operators read, beside those that leave.
    fn subjects(&self) -> Vec<&str> {
        let released = self.released();
        let subjects = self.columns.iter().flat_map(|rule| &rule.operators).filter_map(|operator| match operator {
            Operator::DateShift { subject, .. } => Some(subject.as_str()),
            _ => None,
        });
        subjects.filter(|subject| !released.contains(subject)).collect()
    }

    /// Applies the policy to a whole table. The result has not been verified: see [`assess`].
    ///
    /// # Errors
    /// A column that is not there; what operators and models refuse.
    pub fn make<R: CryptoRng>(&self, table: &Table, keys: &Keys, rng: &mut R) -> Result<Made> {
        let names: Vec<String> = table.column_names().into_iter().map(str::to_owned).collect();
        let wanted: Vec<&str> = self.released().into_iter().chain(self.subjects()).collect();
        let mut plan = Plan::new(&self.steps(), keys, rng)?;
        let before = plan.table(&table.select(&wanted)?)?.select(&self.released())?;
        let records = plan.records();
        let Some(anonymity) = &self.anonymity else {
            return Ok(Made { table: before.clone(), before, records, anonymised: None, dropped: self.dropped(&names) });
        };
        let spec = Spec::new(&self.of_class(Class::Quasi), anonymity.models.clone(), self.hierarchies(&before)?)
            .with_suppression(anonymity.suppression);
        let release = match anonymity.method {
            Method::FullDomain => anonymise::full_domain(&before, &spec)?,
            Method::Local => anonymise::local(&before, &spec, rng)?,
        };
        let anonymised =
            Anonymised { transformation: release.transformation, loss: release.score, suppressed: release.suppressed, seed: release.seed };
        Ok(Made { table: release.table, before, records, anonymised: Some(anonymised), dropped: self.dropped(&names) })
    }

    /// Makes a release of a file and gives it its name if nothing speaks against it. Without models and with operators that work batch by
    /// batch the file may be larger than memory.
    ///
    /// # Errors
    /// As [`Self::make`]; those of reading and writing. Then nothing is left.
    pub fn run<R: CryptoRng>(&self, input: &Path, options: &ReadOptions, output: &Path, keys: &Keys, rng: &mut R) -> Result<Outcome> {
        let unverified = Unverified::beside(output)?;
        let plan = Plan::new(&self.steps(), keys, rng)?;
        let report = if self.anonymity.is_none() && plan.is_streaming() {
            self.stream(plan, input, options, &unverified)?
        } else {
            let original = read_table(input, options)?;
            let made = self.make(&original, keys, rng)?;
            unverified.write(std::iter::once(Ok(made.table.clone())))?;
            let release = read_table(&unverified.path, &ReadOptions::default())?;
            assess(self, original.num_rows(), &made, &release)?
        };
        let is_released = report.verdict() != Verdict::Refused;
        if is_released {
            unverified.release()?;
        }
        Ok(Outcome { report, is_released })
    }

    fn stream(&self, mut plan: Plan, input: &Path, options: &ReadOptions, to: &Unverified) -> Result<Report> {
        let released = self.released();
        let wanted: Vec<String> = released.iter().copied().chain(self.subjects()).map(str::to_owned).collect();
        let (mut names, mut rows) = (Vec::new(), 0);
        let mut first: Option<Table> = None;
        let batches = read_batches(input, options)?.map(|batch| {
            let batch = batch?;
            if names.is_empty() {
                names = batch.column_names().into_iter().map(str::to_owned).collect();
            }
            rows += batch.num_rows();
            let batch = batch.select(&wanted)?;
            let done = plan.batch(&batch)?.select(&released)?;
            first.get_or_insert_with(|| done.clone());
            Ok(done)
        });
        to.write(batches)?;
        let Some(before) = first else {
            return Err(Error::NoRows { file: input.display().to_string() });
        };
        let made = Made { table: before.clone(), before, records: plan.records(), anonymised: None, dropped: self.dropped(&names) };
        assess::streamed(self, &made, &to.path, rows)
    }
}

/// A release that nobody has looked at yet; it goes away if it is not released.
struct Unverified {
    path: PathBuf,
    to: PathBuf,
}

impl Unverified {
    fn beside(to: &Path) -> Result<Self> {
        let name = to.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        crate::write::known_format(to)?;
        Ok(Self { path: to.with_file_name(format!(".unverified-{}-{name}", std::process::id())), to: to.to_owned() })
    }

    fn write(&self, tables: impl Iterator<Item = Result<Table>>) -> Result<()> {
        let mut writer = Writer::new(&self.path)?;
        for table in tables {
            writer.write(&table?)?;
        }
        writer.finish()
    }

    fn release(&self) -> Result<()> {
        fs::rename(&self.path, &self.to).map_err(|source| Error::io(&self.to.display().to_string(), source))
    }
}

impl Drop for Unverified {
    fn drop(&mut self) {
        // after `release` there is none
        let _ = fs::remove_file(&self.path);
    }
}
