//! Many operators on successive batches, with one state: what makes files larger than memory possible.

use arrow::record_batch::RecordBatch;
use rand_chacha::rand_core::CryptoRng;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use zeroize::Zeroizing;

use super::build::{Work, seedless};
use super::cells::At;
use super::key::Keys;
use super::operator::Operator;
use super::refuse;
use super::seed::{Seed, SeedCommitment};
use super::whole::{batch_table, part_with};
use crate::error::{Error, Result, Text};
use crate::table::{Origin, Part, Table};

/// One operator on one column, as a policy writes it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// The column.
    pub column: String,
    /// What happens to it.
    pub operator: Operator,
}

impl Step {
    /// A step.
    pub fn new(column: impl Into<String>, operator: Operator) -> Self {
        Self { column: column.into(), operator }
    }
}

/// What a step did, for the report and the audit log. Holds no cell and no key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepRecord {
    /// The column.
    pub column: String,
    /// The operator with its parameters.
    pub operator: Operator,
    /// Name of the key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Fingerprint of the key, hex.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<String>,
    /// Commitment to the seed of a random operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<SeedCommitment>,
    /// Rows before.
    pub rows_in: u64,
    /// Rows after.
    pub rows_out: u64,
}

struct Prepared {
    work: Work,
    record: StepRecord,
    seed: Option<Zeroizing<[u8; 32]>>,
}

/// Operators in order, with their keys and their state. All batches of one data set go through one plan.
///
/// Subjects of date shifts and keyed samples are read from the batch as it came in, so that the order of steps does not matter for
/// them. After an error the plan refuses to go on: some operators would have moved ahead of others.
pub struct Plan {
    steps: Vec<Prepared>,
    rows: u64,
    is_broken: bool,
}

impl Plan {
    /// Checks all operators, derives their keys and draws their seeds.
    ///
    /// # Errors
    /// Refused: parameters that cannot work, a key that is not there.
    pub fn new<R: CryptoRng + ?Sized>(steps: &[Step], keys: &Keys, rng: &mut R) -> Result<Self> {
        let steps = steps.iter().map(|step| Prepared::new(step, keys, rng)).collect::<Result<Vec<_>>>()?;
        Ok(Self { steps, rows: 0, is_broken: false })
    }

    /// Whether every operator can work batch by batch.
    #[must_use]
    pub fn is_streaming(&self) -> bool {
        self.steps.iter().all(|step| step.record.operator.is_streaming())
    }

    /// The next batch.
    ///
    /// # Errors
    /// Refused: an operator that needs all rows at once, a cell or column that an operator cannot take.
    pub fn batch(&mut self, batch: &Table) -> Result<Table> {
        if let Some(step) = self.steps.iter().find(|step| !step.record.operator.is_streaming()) {
            return Err(not_streaming(&step.record));
        }
        self.run(batch)
    }

    /// The next record batch; rows are counted over all batches.
    ///
    /// # Errors
    /// As [`Self::batch`].
    pub fn record_batch(&mut self, batch: RecordBatch) -> Result<RecordBatch> {
        let done = self.batch(&batch_table(batch, self.rows + 1)?)?;
        let empty = || RecordBatch::new_empty(done.schema().clone());
        Ok(done.batches().next().cloned().unwrap_or_else(empty))
    }

    /// A whole table.
    ///
    /// # Errors
    /// Refused: a cell or column that an operator cannot take.
    pub fn table(&mut self, table: &Table) -> Result<Table> {
        self.run(table)
    }

    /// What has been done so far.
    #[must_use]
    pub fn records(&self) -> Vec<StepRecord> {
        self.steps.iter().map(|step| step.record.clone()).collect()
    }

    /// The seeds behind the commitments, in the order of the steps, for whoever may check a choice later. They tell
    /// what was random: keep them as the keys are kept.
    #[must_use]
    pub fn seeds(&self) -> Vec<Option<Zeroizing<[u8; 32]>>> {
        self.steps.iter().map(|step| step.seed.clone()).collect()
    }

    fn run(&mut self, table: &Table) -> Result<Table> {
        if self.is_broken {
            return Err(refuse::parameter(
                "transform.broken",
                ("an earlier batch was refused, so this plan cannot go on", "之前的批次已被拒绝，该方案不能继续"),
                ("make a new plan and begin with the first batch", "重新建立方案，并从第一批开始"),
            ));
        }
        self.is_broken = true;
        let mut original = table.clone();
        let mut now = table.clone();
        for step in &mut self.steps {
            step.apply(&mut now, &mut original)?;
        }
        self.rows += table.num_rows();
        self.is_broken = false;
        Ok(now)
    }
}

impl Prepared {
    fn new<R: CryptoRng + ?Sized>(step: &Step, keys: &Keys, rng: &mut R) -> Result<Self> {
        let Step { column, operator } = step;
        let seed = operator.is_random().then(|| Seed::draw(rng));
        let work = operator.forward(column, keys, seed.as_ref().map_or_else(seedless, Seed::rng))?;
        let key = operator.key_use(column).map(|usage| keys.get(usage.key)).transpose()?;
        let record = StepRecord {
            column: column.clone(),
            operator: operator.clone(),
            key: key.map(|key| key.id().to_string()),
            fingerprint: key.map(|key| hex::encode(key.fingerprint())),
            seed: seed.as_ref().map(Seed::commitment),
            rows_in: 0,
            rows_out: 0,
        };
        Ok(Self { work, record, seed: seed.map(Seed::into_bytes) })
    }

    fn apply(&mut self, now: &mut Table, original: &mut Table) -> Result<()> {
        let Self { work, record, .. } = self;
        let before = now.num_rows();
        now.position(&record.column)?;
        match work {
            Work::Cells(_) => *now = cells(work, record, now, original)?,
            Work::Rows(_) => {
                let keep = kept(work, record, now, original)?;
                *original = original.filter(&keep)?;
                *now = now.filter(&keep)?;
            }
            Work::Whole(whole) => {
                *now = whole.whole(now, &record.column)?;
                if now.num_rows() != before {
                    // rows went by their place; the originals of those that stay are found by it
                    *original = matching(original, now)?;
                }
            }
        }
        record.rows_in += before;
        record.rows_out += now.num_rows();
        Ok(())
    }
}

/// Calls `f` with the column of each batch and its place.
fn each<T>(
    record: &StepRecord,
    now: &Table,
    original: &Table,
    mut f: impl FnMut(&arrow::array::ArrayRef, &At<'_>) -> Result<T>,
) -> Result<Vec<T>> {
    let position = now.position(&record.column)?;
    let subject = record.operator.subject(&record.column).map(|name| Ok::<_, Error>((name, original.position(name)?))).transpose()?;
    let pairs = now.parts().iter().zip(original.parts());
    pairs
        .map(|(part, before)| {
            let subject = subject.map(|(name, position)| (name, before.batch.column(position)));
            f(part.batch.column(position), &At { file: now.source(), column: &record.column, part, subject })
        })
        .collect()
}

fn cells(work: &mut Work, record: &StepRecord, now: &Table, original: &Table) -> Result<Table> {
    let Work::Cells(cells) = work else {
        return Ok(now.clone());
    };
    let position = now.position(&record.column)?;
    if now.num_rows() == 0 {
        // no row, but the type may change
        let part = Part { batch: RecordBatch::new_empty(now.schema().clone()), origin: Origin::Each(Arc::default()) };
        let subject = record.operator.subject(&record.column).map(|name| Ok::<_, Error>((name, now.position(name)?))).transpose()?;
        let subject = subject.map(|(name, position)| (name, part.batch.column(position)));
        let at = At { file: now.source(), column: &record.column, part: &part, subject };
        let done = part_with(&part, &[(position, cells.cells(part.batch.column(position), &at)?)])?;
        return Table::from_parts(done.batch.schema(), Vec::new());
    }
    let arrays = each(record, now, original, |array, at| cells.cells(array, at))?;
    let parts = now.parts().iter().zip(arrays).map(|(part, array)| part_with(part, &[(position, array)])).collect::<Result<Vec<_>>>()?;
    let schema = parts.first().map_or_else(|| now.schema().clone(), |part| part.batch.schema());
    Table::from_parts(schema, parts)
}

fn kept(work: &mut Work, record: &StepRecord, now: &Table, original: &Table) -> Result<Vec<bool>> {
    let Work::Rows(rows) = work else {
        return Ok(vec![true; usize::try_from(now.num_rows()).unwrap_or(0)]);
    };
    Ok(each(record, now, original, |array, at| rows.keep(array, at))?.concat())
}

/// The rows of `original` whose places are in `now`. INVARIANT: `now` holds some rows of `original`, in order.
fn matching(original: &Table, now: &Table) -> Result<Table> {
    let mut left = now.parts().iter().flat_map(|part| (0..part.batch.num_rows()).map(|row| part.place(row))).peekable();
    let places = original.parts().iter().flat_map(|part| (0..part.batch.num_rows()).map(|row| part.place(row)));
    let keep: Vec<bool> = places.map(|place| left.next_if_eq(&place).is_some()).collect();
    original.filter(&keep)
}

fn not_streaming(record: &StepRecord) -> Error {
    let name = record.operator.name();
    Error::refused(
        "transform.not_streaming",
        Text::new(format!("the operator `{name}` needs all rows at once"), format!("操作“{name}”需要一次读入全部行")),
        refuse::at("", &record.column, None),
        Text::new(
            "apply it to a whole table, or leave it out for files larger than memory",
            "对整张表使用，或在处理超出内存的文件时去掉该操作",
        ),
    )
}

/// Applies one operator to one column of a table.
///
/// # Errors
/// Refused: parameters that cannot work, a key that is not there, a cell or column that the operator cannot take.
pub fn apply<R: CryptoRng + ?Sized>(table: &Table, column: &str, operator: &Operator, keys: &Keys, rng: &mut R) -> Result<Table> {
    Plan::new(&[Step::new(column, operator.clone())], keys, rng)?.table(table)
}

/// Turns a reversible operator back with its key. A date shift needs the column of its subject as it was.
///
/// Only a token tells a wrong key ([`Operator::is_authenticated`]); format-preserving encryption and date shifts give other
/// well-formed values.
///
/// # Errors
/// Refused: an operator that has no way back, a key that is not there, a cell that is none of its results.
pub fn reveal(table: &Table, column: &str, operator: &Operator, keys: &Keys) -> Result<Table> {
    let mut work = operator.backward(column, keys)?;
    let record = StepRecord {
        column: column.to_owned(),
        operator: operator.clone(),
        key: None,
        fingerprint: None,
        seed: None,
        rows_in: 0,
        rows_out: 0,
    };
    cells(&mut work, &record, table, table)
}
