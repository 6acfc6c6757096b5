//! A party's own data in a run: opened with the permit, keyed, and after the alignment as numbers in the common order.

use super::offer;
use crate::dataset;
use crate::fault::{Code, Fault, Result};
use crate::keys::now;
use crate::node::Node;
use crate::raw_table::{Rows, key_spec};
use ndarray::Array2;
use yu_desensitize::column;
use yu_desensitize::key::normalise;
use yu_desensitize::table::Table;
use yu_governance::check::local::OwnGroups;
use yu_governance::check::{Examination, LocalCheck, LocalLimits, examine};
use yu_governance::contract::{ConsentTerms, Contract, GroupingTerms, Side};
use yu_governance::id::JobId;
use yu_governance::policy::Permit;
use yu_governance::raw::{Opened, Raw};
use yu_mpc::stats::{LocalData, Role as Part};
use zeroize::Zeroizing;

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
    let table = dataset::load(node, &input.dataset, &input.version)?;
    let raw = Raw::new(input.dataset.clone(), input.version, Rows(table));
    let consent = match &input.consent {
        ConsentTerms::NotNeeded => None,
        ConsentTerms::Filter { .. } => Some(offer::receipts(node, &input.dataset)?),
    };
    let opened = raw.open(permit, job, consent.as_ref(), now())?;
    drop(raw);
    let without_consent = opened.counts().dropped;
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

/// Numbers of these rows in this order, and what the owner finds in them.
///
/// # Errors
/// `cell.not-numeric`, `cell.unknown-category`.
pub fn aligned(contract: &Contract, part: Part, prepared: &Prepared, matched: &[u64]) -> Result<(LocalData, Examination)> {
    let terms = &contract.protocol.statistics;
    let (side, own) = if part == Part::Left { (&terms.left, Side::Left) } else { (&terms.right, Side::Right) };
    let index = |i: &u64| usize::try_from(*i).ok().and_then(|i| prepared.rows.get(i)).copied();
    let rows: Vec<u64> =
        matched.iter().map(index).collect::<Option<_>>().ok_or_else(|| Fault::new(Code::Bug, "matched row out of range"))?;
    let table: Table = prepared.opened.table().0.take(&rows)?;
    let mut numeric = Array2::zeros((rows.len(), side.columns.len()));
    let mut columns = Vec::with_capacity(side.columns.len());
    for (j, name) in side.columns.iter().enumerate() {
        let values = Zeroizing::new(column::numeric(&table, name)?);
        numeric.column_mut(j).iter_mut().zip(values.iter()).for_each(|(to, from)| *to = *from);
        columns.push(values);
    }
    let grouping: Option<&GroupingTerms> = terms.grouping.as_ref().filter(|g| g.side == own);
    let groups = grouping.map(|g| column::categories(&table, &g.column, &g.categories)).transpose()?;
    let named: Vec<(&str, &[f64])> = side.columns.iter().zip(&columns).map(|(n, v)| (n.as_str(), v.as_slice())).collect();
    let own_groups = match (&groups, grouping) {
        (Some(of_row), Some(g)) => Some(OwnGroups { of_row, categories: u32::try_from(g.categories.len()).unwrap_or(u32::MAX) }),
        _ => None,
    };
    let examination = examine(rows.len() as u64, &named, own_groups, LocalLimits::new(contract.limits.min_cell));
    Ok((LocalData { numeric, groups }, examination))
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
        LocalCheck::Dominance => Fault::new(Code::Refused, place("one row makes up most of a sum".into())),
        LocalCheck::Verbatim => Fault::new(Code::Refused, place("a constant column: its mean is every row's value".into())),
    })
}
