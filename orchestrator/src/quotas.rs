//! What jobs use of an authorisation's quotas (额度, A19): every party counts for itself, so that none can let another use more.
//!
//! ```text
//! admitted   the most that the job may use is set aside
//! started    it is used: rows were opened
//! ended before it started: it comes back
//! ```
//! Each is one entry in the store, named by the job: written twice it counts once.

use crate::fault::{Code, Fault, Result};
use crate::keys::now;
use crate::node::Node;
use crate::verbs::lines;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use yu_governance::authorisation::Authorisation;
use yu_governance::contract::Contract;
use yu_governance::grant::Measures;
use yu_governance::id::DatasetId;
use yu_governance::quota::columns::{Columns, unused};
use yu_governance::quota::{Charge, Entry, Ledger, Step};

fn kind(authorisation: &str) -> String {
    format!("quota:{authorisation}")
}

/// What a contract uses: each of its data sets once, all rows that are offered, every step a question.
#[must_use]
pub fn charge(contract: &Contract) -> Charge {
    let queries = (contract.steps().len() as u64).max(1);
    let mut charge = Charge::new();
    for input in &contract.inputs {
        let amount = charge.entry(input.dataset.clone()).or_insert(Measures { uses: 1, queries, ..Measures::default() });
        amount.rows = amount.rows.saturating_add(input.rows);
    }
    charge
}

/// The part of a charge that is counted: data sets with a quota.
fn counted(authorisation: &Authorisation, charge: Charge) -> Charge {
    let quota = authorisation.quota();
    charge.into_iter().filter(|(dataset, _)| quota.contains_key(dataset)).collect()
}

/// The ledger of an authorisation.
///
/// # Errors
/// `storage.damaged`; `contract.rule` for entries that do not follow on each other.
pub fn ledger(node: &Node, authorisation: &Authorisation) -> Result<Ledger> {
    let damaged = |id: &str| Fault::new(Code::Damaged, "an entry of a quota does not parse").at(id.to_owned());
    let mut all = node.store().objects(&kind(authorisation.id.as_str()))?;
    // by job and step, whatever the clock said when they were written
    all.sort_by(|a, b| a.id.cmp(&b.id));
    let entries = all.iter().map(|kept| serde_json::from_str(&kept.json).map_err(|_| damaged(&kept.id))).collect::<Result<Vec<Entry>>>()?;
    Ok(Ledger::replay(authorisation.quota(), &entries)?)
}

fn write(node: &Node, authorisation: &str, entry: &Entry) -> Result<()> {
    // in the order of their steps, whatever the clock says
    let place = if matches!(entry.step, Step::Reserve { .. }) { 1 } else { 2 };
    let json = serde_json::to_string(entry).map_err(|e| Fault::new(Code::Bug, e.to_string()))?;
    node.store().put_object(&kind(authorisation), &format!("{}#{place}", entry.job.0.to_hex()), "", &json, now().unix())
}

fn of(node: &Node, contract: &Contract) -> Result<Option<(Authorisation, Charge)>> {
    let authorisation = node.signed::<Authorisation>("authorisation", contract.authorisation.id.as_str())?.payload;
    let charge = counted(&authorisation, charge(contract));
    Ok((!charge.is_empty()).then_some((authorisation, charge)))
}

/// Refuses a contract that would use more than is left; sets nothing aside.
///
/// # Errors
/// `contract.rule` with `quota.exhausted` naming data set, measure and what is granted.
pub fn permits(node: &Node, contract: &Contract) -> Result<()> {
    let Some((authorisation, charge)) = of(node, contract)? else { return Ok(()) };
    let mut ledger = ledger(node, &authorisation)?;
    let job = contract.id()?;
    if ledger.open().any(|open| open == job) {
        return Ok(());
    }
    Ok(ledger.reserve(job, &charge)?)
}

/// Sets aside what an admitted job may use.
///
/// # Errors
/// As [`permits`].
pub fn reserve(node: &Node, contract: &Contract) -> Result<()> {
    let _turn = node.procedure_turn();
    let Some((authorisation, charge)) = of(node, contract)? else { return Ok(()) };
    let job = contract.id()?;
    ledger(node, &authorisation)?.reserve(job, &charge)?;
    write(node, authorisation.id.as_str(), &Entry { job, step: Step::Reserve { charge } })
}

/// The job starts: what was set aside is used.
///
/// # Errors
/// `storage.failed`.
pub fn commit(node: &Node, contract: &Contract) -> Result<()> {
    let _turn = node.procedure_turn();
    let Some((authorisation, charge)) = of(node, contract)? else { return Ok(()) };
    let job = contract.id()?;
    ledger(node, &authorisation)?.commit(job, &charge)?;
    write(node, authorisation.id.as_str(), &Entry { job, step: Step::Commit { charge } })
}

/// The job ended before it started: what was set aside comes back. Of a job that started nothing does.
///
/// # Errors
/// `storage.failed`.
pub fn release(node: &Node, contract: &Contract) -> Result<()> {
    let _turn = node.procedure_turn();
    let Some((authorisation, _)) = of(node, contract)? else { return Ok(()) };
    let job = contract.id()?;
    if ledger(node, &authorisation)?.open().any(|open| open == job) {
        write(node, authorisation.id.as_str(), &Entry { job, step: Step::Release })?;
    }
    Ok(())
}

/// What was used of an authorisation, and which of its columns no job has read (A5).
///
/// # Errors
/// `authorisation.missing`; `storage.damaged`.
pub fn usage(node: &Node, id: &str) -> Result<Value> {
    let authorisation = crate::verbs::known_authorisation(node, id)?.payload;
    let ledger = ledger(node, &authorisation)?;
    let mut say = Vec::new();
    let mut used = BTreeMap::new();
    for (dataset, most) in authorisation.quota() {
        let have = ledger.used(&dataset);
        for ((name, have), (_, most)) in have.named().into_iter().zip(most.named()).filter(|(_, (_, most))| *most < u64::MAX) {
            say.push((format!("{dataset}: {have} of {most} {name}"), format!("{dataset}：{name} 已用 {have}，额度 {most}")));
        }
        used.insert(dataset, json!({ "used": have, "granted": most }));
    }
    let granted: Columns = authorisation.datasets.iter().map(|g| (g.dataset.clone(), g.columns.clone())).collect();
    let idle = unused(&granted, &read(node, authorisation.id.as_str())?);
    for (dataset, columns) in &idle {
        let all = columns.join(", ");
        say.push((format!("{dataset}: granted and never read: {all}"), format!("{dataset}：已授权而从未读取的列：{all}")));
    }
    Ok(json!({ "authorisation": authorisation.id, "used": used, "unused_columns": idle, "say": lines(say) }))
}

/// The columns that each job of an authorisation has read here.
fn read(node: &Node, authorisation: &str) -> Result<Vec<Columns>> {
    let ended = |row: &crate::store::JobRow| !matches!(row.state, crate::job::State::Refused | crate::job::State::Failed);
    let rows = node.store().jobs()?.into_iter().filter(ended);
    let contracts = rows.filter_map(|row| crate::job::bundle::Bundle::of(&row).ok()).map(|bundle| bundle.contract.payload);
    let of = |contract: Contract| -> Columns {
        let mut columns: BTreeMap<DatasetId, BTreeSet<String>> = BTreeMap::new();
        for input in &contract.inputs {
            columns.entry(input.dataset.clone()).or_default().extend(input.columns.iter().map(str::to_owned));
        }
        let set = |names: BTreeSet<String>| yu_governance::id::ColumnSet::new(names).unwrap_or_default();
        columns.into_iter().map(|(dataset, names)| (dataset, set(names))).collect()
    };
    Ok(contracts.filter(|contract| contract.authorisation.id.as_str() == authorisation).map(of).collect())
}
