//! The class of a column: from its header and from a sample of its cells.
//!
//! The sample is stratified: as many strata of consecutive rows as cells are wanted, one row of each, over all batches;
//! which one is fixed by its number, so that the same table always gives the same answer. Empty and missing cells are
//! left out of the shares. Floating-point, Boolean, date, binary and nested columns are not read; their header still counts.

use arrow::array::{StringArray, UInt64Array};
use arrow::compute::take;
use arrow::datatypes::DataType;

use super::class::{Class, Confidence, Reason};
use super::{Detector, headers};
use crate::column::to_text;
use crate::error::{Error, Result};
use crate::table::{Label, Table};

/// What a column holds.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ColumnClass {
    /// Name of the column.
    pub column: String,
    /// Its position, from 0.
    pub position: usize,
    /// The class of its cells; the most frequent one in a column of free text.
    pub class: Class,
    /// How sure that is.
    pub confidence: Confidence,
    /// Share of the sampled cells, without empty ones, that are (or, in free text, hold) an identifier of the class.
    pub share: f64,
    /// Sampled cells that are not empty.
    pub sampled: u64,
    /// Why.
    pub reason: Reason,
    /// Whether identifiers stand within longer text.
    pub is_free_text: bool,
    /// All classes that were seen, with the share of cells that are or hold one, most frequent first.
    pub found: Vec<(Class, f64)>,
}

impl ColumnClass {
    /// The word for [`Label::class`]: the name of the class, or `free_text`.
    #[must_use]
    pub fn label(&self) -> &'static str {
        if self.is_free_text { "free_text" } else { self.class.name() }
    }

    /// The highest grade suggested for a class that was found (see [`Class::suggested_grade`]).
    #[must_use]
    pub fn suggested_grade(&self) -> &'static str {
        let found = self.found.iter().map(|(class, _)| class.suggested_grade()).filter(|_| self.is_free_text);
        found.chain([self.class.suggested_grade()]).max().unwrap_or("")
    }
}

/// Cells counted by class.
#[derive(Clone, Copy, Default)]
struct Count {
    /// The whole cell, by confidence.
    whole: [u64; 3],
    /// Inside a longer cell, likely or certain.
    inside: u64,
}

impl Count {
    fn whole(&self, from: Confidence) -> u64 {
        self.whole.iter().skip(from as usize).sum()
    }
}

impl Detector {
    /// The classes of a table's columns, those without any left out.
    ///
    /// # Errors
    /// `Arrow` if a sample cannot be taken.
    pub fn classify(&self, table: &Table) -> Result<Vec<ColumnClass>> {
        let samples = sample(table, self.options.sample);
        let mut classes = Vec::new();
        for (position, field) in table.schema().fields().iter().enumerate() {
            let header = headers::class_of(field.name());
            let mut counts = [Count::default(); Class::ALL.len()];
            let mut cells = 0;
            if is_read(field.data_type()) {
                for (batch, rows) in table.batches().zip(&samples) {
                    let column = take(batch.column(position), rows, None);
                    let column = column.map_err(|source| Error::Arrow { what: "sampling a column", source })?;
                    cells += self.count(to_text(&column), header, &mut counts);
                }
            }
            let verdict = decide(header, &counts, cells).filter(|verdict| self.options.classes.has(verdict.class));
            classes.extend(verdict.map(|verdict| ColumnClass { column: field.name().clone(), position, ..verdict }));
        }
        Ok(classes)
    }

    /// Writes class and suggested grade of every column of at least `from` into its label. A grade that is there stays.
    ///
    /// # Errors
    /// Those of [`Detector::classify`].
    pub fn label(&self, table: Table, from: Confidence) -> Result<(Table, Vec<ColumnClass>)> {
        let classes = self.classify(&table)?;
        let mut labels = Vec::with_capacity(classes.len());
        for found in classes.iter().filter(|found| found.confidence >= from) {
            let old = table.label_at(found.position);
            let grade = old.grade.or_else(|| Some(found.suggested_grade().to_owned()));
            labels.push((found.position, Label { owner: old.owner, grade, class: Some(found.label().to_owned()) }));
        }
        Ok((table.with_labels_at(&labels)?, classes))
    }

    /// Counts the cells of a sample; returns how many were not empty.
    fn count(&self, cells: Option<StringArray>, header: Option<Class>, counts: &mut [Count; Class::ALL.len()]) -> u64 {
        let Some(cells) = cells else { return 0 };
        let mut total = 0;
        let mut text = String::new();
        for cell in cells.iter().flatten() {
            let cell = cell.trim();
            if cell.is_empty() {
                continue;
            }
            total += 1;
            // the header stands before the cell as its word would in a sentence
            text.clear();
            text.push_str(prefix(header, cell.is_ascii()));
            let start = text.len();
            text.push_str(cell);
            let mut seen = super::ClassSet::NONE;
            super::scan::Scan::new(&text, super::ClassSet::ALL, Confidence::Possible).run(&mut |hit| {
                let Some(count) = counts.get_mut(hit.class as usize) else { return };
                if hit.start <= start && hit.end == text.len() {
                    if let Some(count) = count.whole.get_mut(hit.confidence as usize) {
                        *count += 1;
                    }
                } else if hit.confidence > Confidence::Possible && hit.end > start && !seen.has(hit.class) {
                    count.inside += 1;
                    seen = seen.with(hit.class);
                }
            });
        }
        total
    }
}

/// What makes the header's class plausible to the scanner.
fn prefix(header: Option<Class>, is_ascii: bool) -> &'static str {
    match header {
        Some(Class::Qq) => "QQ:",
        Some(Class::TaiwanPermit) => "台胞证:",
        Some(Class::HkMacauPermit) => "港澳通行证:",
        Some(Class::Passport) => "护照:",
        Some(Class::Mobile | Class::Landline) => "电话:",
        Some(Class::WeChat) => "微信:",
        Some(Class::Plate) => "车牌:",
        Some(Class::Vin) => "车架号:",
        Some(Class::Address) => "地址:",
        Some(Class::PersonName) if is_ascii => "Name: ",
        Some(Class::PersonName) => "姓名:",
        _ => "",
    }
}

/// Types whose cells can be identifiers.
fn is_read(kind: &DataType) -> bool {
    match kind {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Dictionary(_, value) => is_read(value),
        DataType::Decimal128(_, 0) | DataType::Decimal64(_, 0) | DataType::Decimal256(_, 0) => true,
        other => other.is_integer(),
    }
}

/// Rows of the sample, per batch.
fn sample(table: &Table, wanted: usize) -> Vec<UInt64Array> {
    let rows = u128::from(table.num_rows());
    let wanted = (wanted as u128).clamp(1, rows.max(1));
    // stratum s holds rows s * rows / wanted up to the next one's first; the row in it is fixed by the stratum's number
    let row = |stratum: u128| {
        let (first, next) = (stratum * rows / wanted, (stratum + 1) * rows / wanted);
        let mixed = (stratum as u64).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        first + u128::from(mixed ^ (mixed >> 29)) % (next - first).max(1)
    };
    let (mut stratum, mut first) = (0, 0);
    let mut samples = Vec::new();
    for batch in table.batches() {
        let next = first + batch.num_rows() as u128;
        let mut here = Vec::new();
        while stratum < wanted && row(stratum) < next {
            here.push((row(stratum) - first) as u64);
            stratum += 1;
        }
        samples.push(UInt64Array::from(here));
        first = next;
    }
    samples
}

fn decide(header: Option<Class>, counts: &[Count; Class::ALL.len()], cells: u64) -> Option<ColumnClass> {
    let share = |count: u64| if cells == 0 { 0.0 } else { count as f64 / cells as f64 };
    let count_of = |class: Class| counts.get(class as usize).copied().unwrap_or_default();
    let mut found: Vec<(Class, f64)> = Class::ALL
        .into_iter()
        .map(|class| (class, share(count_of(class).whole(Confidence::Possible) + count_of(class).inside)))
        .filter(|(_, share)| *share > 0.0)
        .collect();
    found.sort_by(|left, right| right.1.total_cmp(&left.1).then(left.0.cmp(&right.0)));
    let verdict = |class, confidence, share, reason, is_free_text| {
        Some(ColumnClass {
            column: String::new(),
            position: 0,
            class,
            confidence,
            share,
            sampled: cells,
            reason,
            is_free_text,
            found: found.clone(),
        })
    };
    // the class whose whole cells are most often likely or certain; of equal ones the first
    let best = Class::ALL.into_iter().rev().max_by_key(|class| count_of(*class).whole(Confidence::Likely))?;
    let (certain, likely) = (share(count_of(best).whole(Confidence::Certain)), share(count_of(best).whole(Confidence::Likely)));
    // a resident number of an abolished county is only likely, but its check digit was verified
    let verified = if best == Class::ResidentId && certain > 0.0 { likely } else { certain };
    let agrees = header == Some(best);
    let reason = if agrees { Reason::HeaderAndCells } else { Reason::Cells };
    // one in ten random numbers has a right check digit: half of a column has not
    if best.has_check_digit() && verified >= if agrees { 0.3 } else { 0.5 } {
        let confidence = if agrees || verified >= 0.8 { Confidence::Certain } else { Confidence::Likely };
        return verdict(best, confidence, likely, reason, false);
    }
    if likely >= 0.8 && (!best.has_check_digit() || agrees || certain > 0.0 || best == Class::ResidentId) {
        return verdict(best, Confidence::Likely, likely, reason, false);
    }
    if let Some(class) = header {
        let fits = share(count_of(class).whole(Confidence::Possible));
        let (confidence, reason) = match fits {
            0.5.. => (Confidence::Likely, Reason::HeaderAndCells),
            _ => (Confidence::Possible, Reason::Header),
        };
        // a header that no cell of many supports says nothing, unless no cell could be read
        if fits > 0.0 || cells == 0 {
            return verdict(class, confidence, fits, reason, false);
        }
    }
    let inside = Class::ALL.into_iter().rev().max_by_key(|class| count_of(*class).inside)?;
    if count_of(inside).inside > count_of(best).whole(Confidence::Likely) {
        let held = share(count_of(inside).inside);
        let confidence = if held >= 0.01 { Confidence::Likely } else { Confidence::Possible };
        return verdict(inside, confidence, held, Reason::FreeText, true);
    }
    if likely > 0.0 {
        let confidence = if likely >= 0.3 { Confidence::Likely } else { Confidence::Possible };
        return verdict(best, confidence, likely, reason, false);
    }
    header.and_then(|class| verdict(class, Confidence::Possible, 0.0, Reason::Header, false))
}
