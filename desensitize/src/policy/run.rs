//! Carrying out a policy: what it makes of a table, and whether that may leave.
//!
//! A file is written under another name, read again, verified and searched; only then does it get its name.

mod assess;
mod danger;
pub mod dry;
mod gate;
mod search;

use std::collections::HashSet;
use std::fs::{self, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rand_chacha::rand_core::CryptoRng;
use zeroize::Zeroizing;

pub use self::assess::{assess, recheck};
use super::{Class, Method, Policy};
use crate::anonymise::{self, Hierarchies, Spec};
use crate::error::{Error, Result, Text};
use crate::read::{ReadOptions, read_batches, read_table};
use crate::report::{Report, Verdict};
use crate::restore::chance::shuffle;
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
    #[must_use]
    pub fn subjects(&self) -> Vec<&str> {
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
    /// `policy.output` for an output that cannot be one; as [`Self::make`]; those of reading and writing. Then nothing is left.
    pub fn run<R: CryptoRng>(&self, input: &Path, options: &ReadOptions, output: &Path, keys: &Keys, rng: &mut R) -> Result<Outcome> {
        let unverified = Unverified::beside(output, Some(input))?;
        let plan = Plan::new(&self.steps(), keys, rng)?;
        let report = if self.anonymity.is_none() && plan.is_streaming() {
            self.stream(plan, input, options, &unverified, rng)?
        } else {
            self.verified(&read_table(input, options)?, keys, &unverified, rng)?
        };
        let is_released = report.verdict() != Verdict::Refused;
        if is_released {
            unverified.release()?;
        }
        Ok(Outcome { report, is_released })
    }

    /// Makes a release of a table that is in memory, verified as [`Self::run`] verifies a file; `folder` holds it until then. The release
    /// is a CSV file's bytes, and absent if something speaks against it.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn release<R: CryptoRng>(&self, original: &Table, folder: &Path, keys: &Keys, rng: &mut R) -> Result<(Report, Option<Vec<u8>>)> {
        let unverified = Unverified::beside(&folder.join("release.csv"), None)?;
        let report = self.verified(original, keys, &unverified, rng)?;
        let is_released = report.verdict() != Verdict::Refused;
        let bytes = is_released.then(|| fs::read(&unverified.path)).transpose();
        Ok((report, bytes.map_err(|source| Error::io(&unverified.path.display().to_string(), source))?))
    }

    /// Makes, writes and reads again, verifies, attacks. Rows leave in a random order: by their places two releases of the same data
    /// could be joined.
    fn verified<R: CryptoRng>(&self, original: &Table, keys: &Keys, to: &Unverified, rng: &mut R) -> Result<Report> {
        let mut order: Vec<u64> = (0..original.num_rows()).collect();
        shuffle(&mut order, rng);
        let original = &original.take(&order)?;
        drop(order);
        let made = self.make(original, keys, rng)?;
        to.write(std::iter::once(Ok(made.table.clone())))?;
        let release = read_table(&to.path, &ReadOptions::default())?;
        let mut report = assess(self, original.num_rows(), &made, &release)?;
        let subject = gate::Subject { original, before: &made.before, is_whole: true };
        report.sections.push(gate::section(self, &subject, &release, rng)?);
        Ok(report)
    }

    fn stream<R: CryptoRng>(&self, mut plan: Plan, input: &Path, options: &ReadOptions, to: &Unverified, rng: &mut R) -> Result<Report> {
        let released = self.released();
        let wanted: Vec<String> = released.iter().copied().chain(self.subjects()).map(str::to_owned).collect();
        let (mut names, mut rows) = (Vec::new(), 0);
        let mut first = First::default();
        let batches = read_batches(input, options)?.map(|batch| {
            let batch = batch?;
            if names.is_empty() {
                names = batch.column_names().into_iter().map(str::to_owned).collect();
            }
            rows += batch.num_rows();
            let done = plan.batch(&batch.select(&wanted)?)?.select(&released)?;
            first.add(batch, &done)?;
            Ok(done)
        });
        to.write(batches)?;
        let is_whole = first.is_whole;
        let Some((original, before)) = first.rows else {
            return Err(Error::NoRows { file: input.display().to_string() });
        };
        let made = Made { table: before.clone(), before, records: plan.records(), anonymised: None, dropped: self.dropped(&names) };
        let mut report = assess::streamed(self, &made, &to.path, rows)?;
        let release = first_rows(&to.path, made.before.num_rows())?;
        let subject = gate::Subject { original: &original, before: &made.before, is_whole };
        report.sections.push(gate::section(self, &subject, &release, rng)?);
        Ok(report)
    }
}

/// Rows of a file larger than memory that are kept, so that the gate can attack them.
const KEPT_ROWS: u64 = 1 << 18;

/// The first rows of a file, as they were and as they became.
struct First {
    rows: Option<(Table, Table)>,
    is_whole: bool,
}

impl Default for First {
    fn default() -> Self {
        Self { rows: None, is_whole: true }
    }
}

impl First {
    fn add(&mut self, original: Table, done: &Table) -> Result<()> {
        match &mut self.rows {
            None => self.rows = Some((original, done.clone())),
            Some((before, _)) if before.num_rows() >= KEPT_ROWS => self.is_whole = false,
            Some((before, after)) => {
                before.append(original)?;
                after.append(done.clone())?;
            }
        }
        Ok(())
    }
}

/// The first rows of a file that was written.
fn first_rows(path: &Path, count: u64) -> Result<Table> {
    let mut found: Option<Table> = None;
    for batch in read_batches(path, &ReadOptions::default())? {
        let batch = batch?;
        match &mut found {
            None => found = Some(batch),
            Some(table) => table.append(batch)?,
        }
        if found.as_ref().is_some_and(|table| table.num_rows() >= count) {
            break;
        }
    }
    let Some(table) = found else { return Err(Error::NoRows { file: path.display().to_string() }) };
    if table.num_rows() <= count { Ok(table) } else { table.take(&(0..count).collect::<Vec<u64>>()) }
}

/// A release that nobody has looked at yet; it goes away if it is not released.
struct Unverified {
    path: PathBuf,
    to: PathBuf,
}

/// Names that are tried for a release that is not verified: other runs may be under way, and one that was killed leaves its own behind.
const NAMES: u32 = 1000;

impl Unverified {
    /// Takes a name beside the output, before anything is read: a folder that cannot be written is found out at once, not after hours.
    fn beside(to: &Path, input: Option<&Path>) -> Result<Self> {
        crate::write::known_format(to)?;
        check_output(to, input)?;
        let name = to.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let io = |source| Error::io(&to.display().to_string(), source);
        for number in 0..NAMES {
            let path = to.with_file_name(format!(".unverified-{}-{number}-{name}", std::process::id()));
            match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
                Ok(_) => return Ok(Self { path, to: to.to_owned() }),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(io(error)),
            }
        }
        Err(io(ErrorKind::AlreadyExists.into()))
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

/// Refuses an output that is a folder, lies in none, or is the input itself, under whatever name.
fn check_output(to: &Path, input: Option<&Path>) -> Result<()> {
    let refuse = |what: Text, remedy: Text| {
        let place = Text::new(format!("output `{}`", to.display()), format!("输出 `{}`", to.display()));
        Err(Error::refused("policy.output", what, place, remedy))
    };
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    if !folder.is_dir() {
        return refuse(
            Text::new("the folder of the output is not there", "输出所在的文件夹不存在"),
            Text::new("create the folder, or correct the path", "请先建立该文件夹，或更正路径"),
        );
    }
    let Ok(there) = fs::metadata(to) else { return Ok(()) };
    if there.is_dir() {
        return refuse(Text::new("the output is a folder", "输出是一个文件夹"), Text::new("name a file in it", "请指定其中的文件名"));
    }
    let input = input.and_then(|input| fs::metadata(input).ok());
    if input.is_some_and(|input| (input.dev(), input.ino()) == (there.dev(), there.ino())) {
        return refuse(
            Text::new("the output is the input: the release would replace the data", "输出与输入是同一文件：发布数据会覆盖原始数据"),
            Text::new("name another file", "请指定其他文件"),
        );
    }
    Ok(())
}

impl Drop for Unverified {
    fn drop(&mut self) {
        // after `release` there is none
        let _ = fs::remove_file(&self.path);
    }
}
