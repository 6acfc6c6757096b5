//! A party's own data in a run: opened with the permit, keyed, and after the alignment as numbers in the common order.

use super::{offer, plan};
use crate::dataset;
use crate::fault::{Code, Fault, Result};
use crate::keys::now;
use crate::node::Node;
use crate::raw_table::{Rows, key_spec};
use ndarray::Array2;
use yu_desensitize::column;
use yu_desensitize::key::normalise;
use yu_desensitize::table::Table;
use yu_fedlearn::vertical::task::Target;
use yu_governance::check::local::OwnGroups;
use yu_governance::check::{Examination, LocalCheck, LocalLimits, examine, examine_errors};
use yu_governance::contract::{ColumnRef, ConsentTerms, Contract, GroupingTerms, Input, ModelTerms, Side, StepTerms};
use yu_governance::id::JobId;
use yu_governance::policy::Permit;
use yu_governance::raw::{Opened, Raw};
use yu_mpc::stats::{LocalData, Role as Part};
use zeroize::{Zeroize, Zeroizing};

/// Opened rows and their keys.
pub struct Prepared {
    opened: Opened<Rows>,
    /// Row of the opened table behind each key.
    rows: Vec<u64>,
    /// Normalised keys.
    pub keys: Vec<Zeroizing<Vec<u8>>>,
    /// Rows that the consent filter dropped.
    pub without_consent: u64,
    /// Rows without a usable key.
    pub failed_keys: u64,
}

impl Prepared {
    /// The keys of these rows as texts, one for each key column.
    pub fn key_texts(&self, rows: &[u64], columns: usize) -> Vec<Vec<String>> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let one = |row: &u64| {
            let mut rest = usize::try_from(*row).ok().and_then(|row| self.keys.get(row)).map_or(&[][..], |key| key.as_slice());
            if columns == 1 {
                return vec![text(rest)];
            }
            let mut parts = Vec::with_capacity(columns);
            while let Some((len, after)) = rest.split_first_chunk::<4>() {
                let len = usize::try_from(u32::from_le_bytes(*len)).unwrap_or(usize::MAX).min(after.len());
                let (part, after) = after.split_at(len);
                parts.push(text(part));
                rest = after;
            }
            parts
        };
        rows.iter().map(one).collect()
    }

    /// The keys; the rows are given up.
    pub fn into_keys(self) -> Vec<Zeroizing<Vec<u8>>> {
        self.keys
    }
}

/// Opens this party's input: permitted columns, consenting subjects, usable keys.
///
/// # Errors
/// `dataset.changed`, `policy.refused`, `key.duplicate`, `rows.too-few`.
pub fn open(node: &Node, contract: &Contract, permit: &Permit, job: JobId) -> Result<Prepared> {
    let me = node.name().parse()?;
    let input = contract.inputs_of(&me).next().ok_or_else(|| Fault::new(Code::Bug, "no input"))?;
    let (opened, without_consent) = permitted(node, input, permit, job)?;
    let normalised = normalise(&opened.table().0, &key_spec(&input.key.columns, &input.key.normalisation)?)?;
    normalised.check_unique()?;
    let failed_keys = normalised.failed_rows();
    let (mut rows, mut keys) = (Vec::new(), Vec::new());
    for (row, key) in normalised.present() {
        rows.push(row);
        keys.push(Zeroizing::new(key.to_vec()));
    }
    let least = contract.limits.min_rows;
    if (keys.len() as u64) < least {
        return Err(Fault::new(Code::TooFewRows, format!("{} rows, the contract wants {least}", keys.len()))
            .at(input.dataset.to_string())
            .party(node.name()));
    }
    Ok(Prepared { opened, rows, keys, without_consent, failed_keys })
}

/// Opens this party's rows: permitted columns, consenting subjects; and how many rows had no consent.
///
/// # Errors
/// `dataset.changed`, `policy.refused`, `rows.too-few`.
pub fn rows(node: &Node, contract: &Contract, permit: &Permit, job: JobId) -> Result<(Opened<Rows>, u64)> {
    let me = node.name().parse()?;
    let input = contract.inputs_of(&me).next().ok_or_else(|| Fault::new(Code::Bug, "no input"))?;
    let (opened, dropped) = permitted(node, input, permit, job)?;
    let (rows, least) = (opened.table().0.num_rows(), contract.limits.min_rows);
    if rows < least {
        let what = format!("{rows} rows, the contract wants {least}");
        return Err(Fault::new(Code::TooFewRows, what).at(input.dataset.to_string()).party(node.name()));
    }
    Ok((opened, dropped))
}

fn permitted(node: &Node, input: &Input, permit: &Permit, job: JobId) -> Result<(Opened<Rows>, u64)> {
    let table = dataset::load(node, &input.dataset, &input.version)?;
    let raw = Raw::new(input.dataset.clone(), input.version, Rows(table));
    let consent = match &input.consent {
        ConsentTerms::NotNeeded => None,
        ConsentTerms::Filter { .. } => Some(offer::receipts(node, &input.dataset)?),
    };
    let opened = raw.open(permit, job, consent.as_ref(), now())?;
    let dropped = opened.counts().dropped;
    Ok((opened, dropped))
}

/// A party's numbers and categories, row by row. Wiped on drop, unless something else has taken them over.
pub struct Columns {
    /// `[rows, columns]`, in the order of the contract's numeric columns.
    pub numeric: Array2<f64>,
    /// For each categorical column that the steps read the category of each row.
    pub codes: Vec<Vec<u32>>,
}

impl Drop for Columns {
    fn drop(&mut self) {
        if let Some(values) = self.numeric.as_slice_memory_order_mut() {
            values.zeroize();
        }
        self.codes.iter_mut().for_each(Zeroize::zeroize);
    }
}

/// Numbers of these rows in this order, and what the owner finds in them.
///
/// # Errors
/// `cell.not-numeric`, `cell.unknown-category`.
pub fn aligned(contract: &Contract, part: Part, prepared: &Prepared, matched: &[u64]) -> Result<(LocalData, Examination)> {
    let (mut columns, examination) = of(contract, part, prepared, matched)?;
    Ok((LocalData { numeric: std::mem::take(&mut columns.numeric), groups: columns.codes.pop() }, examination))
}

/// Numbers and categories of all rows, and what the owner finds in them.
///
/// # Errors
/// `cell.not-numeric`, `cell.unknown-category`.
pub fn all(contract: &Contract, part: Part, prepared: &Prepared) -> Result<(Columns, Examination)> {
    let rows: Vec<u64> = (0..prepared.keys.len() as u64).collect();
    of(contract, part, prepared, &rows)
}

/// Numbers and categories of these rows in this order, and what the owner finds in them.
///
/// # Errors
/// `cell.not-numeric`, `cell.unknown-category`.
pub fn of(contract: &Contract, part: Part, prepared: &Prepared, wanted: &[u64]) -> Result<(Columns, Examination)> {
    let terms = &plan::joint_terms(contract)?.statistics;
    let (side, own) = if part == Part::Left { (&terms.left, Side::Left) } else { (&terms.right, Side::Right) };
    let index = |i: &u64| usize::try_from(*i).ok().and_then(|i| prepared.rows.get(i)).copied();
    let rows: Vec<u64> =
        wanted.iter().map(index).collect::<Option<_>>().ok_or_else(|| Fault::new(Code::Bug, "matched row out of range"))?;
    let table: Table = prepared.opened.table().0.take(&rows)?;
    let mut numeric = Array2::zeros((rows.len(), side.columns.len()));
    let mut columns = Vec::with_capacity(side.columns.len());
    for (j, name) in side.columns.iter().enumerate() {
        let values = Zeroizing::new(column::numeric(&table, name)?);
        numeric.column_mut(j).iter_mut().zip(values.iter()).for_each(|(to, from)| *to = *from);
        columns.push(values);
    }
    let groupings = plan::categorical(contract, own);
    let codes = groupings.iter().map(|g| Ok(column::categories(&table, &g.column, &g.categories)?)).collect::<Result<Vec<_>>>()?;
    let named: Vec<(&str, &[f64])> = side.columns.iter().zip(&columns).map(|(n, v)| (n.as_str(), v.as_slice())).collect();
    let of_column = |column: &str| groupings.iter().position(|g| g.column == column).and_then(|at| codes.get(at)).map(Vec::as_slice);
    let own = OwnRows {
        side: own,
        named: &named,
        codes: &of_column,
        rows: rows.len() as u64,
        limits: LocalLimits::new(contract.limits.min_cell),
    };
    // no sum of a column is told of a split model
    let summed = if contract.split_model().is_some() { &[][..] } else { &named[..] };
    let whole = examine(own.rows, summed, None, own.limits);
    let examination = contract.steps().iter().fold(whole, |all, step| own.examine(step).into_iter().fold(all, Examination::and));
    Ok((Columns { numeric, codes }, examination))
}

/// The own rows as a step groups them.
struct OwnRows<'a> {
    side: Side,
    named: &'a [(&'a str, &'a [f64])],
    codes: &'a dyn Fn(&str) -> Option<&'a [u32]>,
    rows: u64,
    limits: LocalLimits,
}

impl OwnRows<'_> {
    /// What a step would tell of groups of own rows: sizes, and own columns within them.
    fn examine(&self, step: &StepTerms) -> Vec<Examination> {
        let own = |r: &ColumnRef| r.side == self.side;
        let number = |r: &ColumnRef| self.named.iter().find(|(name, _)| own(r) && *name == r.column).copied();
        let values = |columns: &[ColumnRef]| columns.iter().filter_map(number).collect::<Vec<_>>();
        let groups = |g: &GroupingTerms| (self.codes)(&g.column).filter(|_| g.side == self.side).map(|codes| (codes, g.categories.len()));
        let grouped = |of_row: &[u32], categories: usize, columns: &[(&str, &[f64])]| {
            let categories = u32::try_from(categories).unwrap_or(u32::MAX);
            examine(self.rows, columns, Some(OwnGroups { of_row, categories }), self.limits)
        };
        // what is no class is refused where the labels are shared
        let classes = |target: &ColumnRef, count: u32| -> Vec<Examination> {
            let class = |value: &f64| if count == 2 { u32::from(*value != 0.0) } else { (*value as u32).min(count - 1) };
            let of = |(_, values): (&str, &[f64])| {
                let classes = Zeroizing::new(values.iter().map(class).collect::<Vec<u32>>());
                grouped(&classes, count as usize, &[])
            };
            number(target).map(of).into_iter().collect()
        };
        match step {
            StepTerms::Stats { columns, group: Some(group) } => {
                groups(group).map(|(codes, count)| grouped(codes, count, &values(columns))).into_iter().collect()
            }
            StepTerms::Groupby { by, values: columns } => {
                let sides: Vec<_> = by.iter().filter_map(groups).collect();
                // together if both are own; else each is a union of the groups that are told
                let whole = sides.len() == by.len();
                match sides.as_slice() {
                    [(first, _), (second, count)] => {
                        let both = first.iter().zip(*second).map(|(a, b)| a.saturating_mul(*count as u32).saturating_add(*b));
                        let both = Zeroizing::new(both.collect::<Vec<u32>>());
                        vec![grouped(&both, sides.iter().map(|(_, count)| count).product(), &values(columns))]
                    }
                    _ => sides
                        .iter()
                        .map(|(codes, count)| grouped(codes, *count, &if whole { values(columns) } else { Vec::new() }))
                        .collect(),
                }
            }
            StepTerms::Histogram { column, edges } => number(column)
                .map(|(_, values)| {
                    let bin = |value: &f64| edges.iter().filter(|edge| edge.get() <= *value).count() as u32;
                    let bins = Zeroizing::new(values.iter().map(bin).collect::<Vec<u32>>());
                    grouped(&bins, edges.len() + 1, &[])
                })
                .into_iter()
                .collect(),
            StepTerms::LogisticRegression { target, .. } => classes(target, 2),
            StepTerms::Train(terms @ ModelTerms { target: Some(target), .. })
            | StepTerms::Evaluate(terms @ ModelTerms { target: Some(target), .. }) => match super::split::target(terms) {
                Target::Class(count) => classes(target, count),
                // of numbers and counts no group is told, but their errors are: at a training on the rows that are held out
                Target::Number | Target::Count => {
                    let judged = if matches!(step, StepTerms::Train(_)) { super::split::held_out(terms) } else { 100 };
                    number(target).map(|(name, values)| examine_errors(name, values, judged, self.limits)).into_iter().collect()
                }
            },
            _ => Vec::new(),
        }
    }
}

/// Ends the run before values exist anywhere when a group is too small or a number would tell a single row's value.
///
/// # Errors
/// `cell.too-small`, `policy.refused`.
pub fn refuse_small(contract: &Contract, examination: &Examination) -> Result<()> {
    let Some(objection) = examination.objections().first() else { return Ok(()) };
    let place = |text: String| match (&objection.column, objection.group) {
        (Some(column), Some(group)) => format!("{text}, column `{column}`, group {}", group + 1),
        (Some(column), None) => format!("{text}, column `{column}`"),
        (None, Some(group)) => format!("{text}, group {}", group + 1),
        (None, None) => text,
    };
    Err(match objection.check {
        LocalCheck::Cells => Fault::new(Code::SmallCell, place(format!("fewer than {} rows", contract.limits.min_cell))),
        LocalCheck::Dominance => Fault::new(Code::Refused, place("one row may make up most of a sum or of an error".into())),
        LocalCheck::Verbatim => Fault::new(Code::Refused, place("a constant column: its mean is every row's value".into())),
    })
}
