//! Readings of this node's meters (D13): what each job that ended cost here, signed, filed with the others'; and whether customers are served alike (S8).

use super::start;
use crate::docket::chapters::tariffs::counted;
use crate::fault::{Code, Fault, Result};
use crate::job::State;
use crate::job::bundle::{self, Bundle};
use crate::keys::now;
use crate::node::Node;
use crate::procedure::law;
use crate::store::JobRow;
use crate::verbs::lines;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use yu_governance::clock::Time;
use yu_governance::contract::{Contract, Role};
use yu_governance::id::{JobId, PartyName};
use yu_governance::metering::fairness::{Suspicion, queues, unequal_charges, unfair_waits};
use yu_governance::metering::{Counts, Invoice, MOST_READINGS, MeterSheet, Reading, Served, Subject, Unit};
use yu_governance::sign::Signed;

/// Adds the processor time of the thread that ran a job to what was metered. Threads that helped it are not counted: the figure is never too high.
pub(crate) fn processor_time(node: &Node, job: &str) {
    let Some(spent) = thread_ms() else { return };
    let added = || -> Result<()> {
        let row = bundle::find(node, job)?;
        let mut measured: Value =
            row.measured.as_deref().map_or_else(|| json!({}), |text| serde_json::from_str(text).unwrap_or_else(|_| json!({})));
        // a run that goes on after a crash counts both times
        let before = measured["cpu_ms"].as_u64().unwrap_or_default();
        measured["cpu_ms"] = before.saturating_add(spent).into();
        node.store().set_measured(&row.id, &measured.to_string())
    };
    if let Err(fault) = added() {
        tracing::warn!(job, code = fault.code.as_str(), "the processor time of a run was not kept");
    }
}

/// Milliseconds that this thread has had a processor, as the system counts them; nothing where it does not.
fn thread_ms() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let nanoseconds: u64 = text.split_whitespace().next()?.parse().ok()?;
    Some(nanoseconds / 1_000_000)
}

/// Who pays for a job: the organisation that its authorisation is given to.
pub(super) fn payer(bundle: &Bundle) -> Option<&str> {
    bundle.dossier.authorisation.as_ref().map(|signed| signed.payload.licensee.as_str())
}

/// What this node counted of a job. What is the same for all parties, one of them counts: rounds and the run itself the first that computes.
pub(super) fn counts(contract: &Contract, me: &PartyName, measured: &Value) -> Counts {
    let number = |key: &str| measured[key].as_u64().unwrap_or_default();
    let is_first = contract.with_role(Role::Computing).next().is_some_and(|party| party.name == *me);
    let once = |amount: u64| if is_first { amount } else { 0 };
    let rows = contract.inputs_of(me).fold(0_u64, |sum, input| sum.saturating_add(input.rows));
    Counts::of(&[
        (Unit::BytesSent, number("bytes_sent")),
        (Unit::BytesReceived, number("bytes_received")),
        (Unit::Rounds, once(number("rounds"))),
        (Unit::CpuMs, number("cpu_ms")),
        (Unit::Rows, rows),
        (Unit::Runs, once(1)),
    ])
}

/// The reading of a job that came to its end here by a decision; what failed is nobody's to pay.
fn reading(node: &Node, row: &JobRow) -> Result<Option<Reading>> {
    if !matches!(row.state, State::Done | State::Rejected) {
        return Ok(None);
    }
    let bundle = Bundle::of(row)?;
    let (contract, me) = (&bundle.contract.payload, node.name().parse::<PartyName>()?);
    let Some(tenant) = payer(&bundle).filter(|_| contract.party(&me).is_some_and(|party| party.is(Role::Computing))) else {
        return Ok(None);
    };
    let measured: Value = row.measured.as_deref().and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
    Ok(Some(Reading {
        v: 1,
        subject: Subject::Job { job: contract.id()? },
        tenant: tenant.to_owned(),
        authorisation: contract.authorisation.id.clone(),
        counts: counts(contract, &me, &measured),
        at: Time::from_unix(row.updated),
        node: me,
    }))
}

/// Readings of this node that are not filed, oldest first.
fn open(node: &Node) -> Result<Vec<Reading>> {
    let me: PartyName = node.name().parse()?;
    let known: Vec<Subject> = node.docket().with(node, |book| {
        Ok(book.ledger.readings.iter().filter(|(_, reading)| reading.node == me).map(|(_, reading)| reading.subject.clone()).collect())
    })?;
    let mut found = Vec::new();
    for row in node.store().jobs_in(&[State::Done, State::Rejected])? {
        if let Some(reading) = reading(node, &row)?.filter(|reading| !known.contains(&reading.subject)) {
            found.push(reading);
        }
    }
    found.sort_by_key(|reading| reading.at);
    Ok(found)
}

/// Signs and files what this node has counted since the last time; months that have their invoice are left out.
///
/// # Errors
/// By the rules; `not-found` without a profile.
pub fn file(node: &Arc<Node>) -> Result<Value> {
    law::required(node)?;
    let mut open = open(node)?;
    let late = node.docket().with(node, |book| {
        let before = open.len();
        // one that is filed under another customer is a matter for people: it does not keep the others from being filed
        let is_taken = |reading: &Reading| {
            let of_job = book.ledger.readings.iter().filter(|(_, known)| known.subject == reading.subject);
            of_job.into_iter().any(|(_, known)| (&known.tenant, &known.authorisation) != (&reading.tenant, &reading.authorisation))
        };
        open.retain(|reading| !book.ledger.is_closed(&reading.tenant, reading.at) && !is_taken(reading));
        Ok(before - open.len())
    })?;
    let (count, rest) = (open.len().min(MOST_READINGS), open.len().saturating_sub(MOST_READINGS));
    let mut said = if open.is_empty() {
        crate::verbs::done("nothing to file", "没有待提交的读数")
    } else {
        let sign = |reading: Reading| Ok(Signed::sign(reading, node.name(), node.signing())?);
        let readings = open.into_iter().take(MOST_READINGS).map(sign).collect::<Result<Vec<_>>>()?;
        start(node, "meter-sheet", MeterSheet { v: 1, node: node.name().parse()?, readings })?
    };
    let more = lines([(
        format!("{count} readings signed, {rest} wait for the next sheet, {late} belong to months that have their invoice"),
        format!("已签署读数 {count} 条，待下次提交 {rest} 条，所属月份已开具账单 {late} 条"),
    )]);
    if let (Some(all), Some(more)) = (said["say"].as_array_mut(), more.as_array()) {
        all.extend(more.iter().cloned());
    }
    said["readings"] = count.into();
    Ok(said)
}

/// Files readings by itself once a tariff is filed: what nobody is charged for need not be told.
pub fn file_due(node: &Arc<Node>) {
    let is_due = || -> Result<bool> {
        if law::in_force(node)?.is_none() || node.docket().with(node, |book| Ok(book.ledger.tariffs.is_empty()))? {
            return Ok(false);
        }
        Ok(!open(node)?.is_empty())
    };
    match is_due() {
        Ok(true) => {
            if let Err(fault) = file(node) {
                tracing::debug!(code = fault.code.as_str(), "readings are filed later");
            }
        }
        Ok(false) => {}
        Err(fault) => tracing::debug!(code = fault.code.as_str(), "readings are looked at later"),
    }
}

/// Readings by job with their sum, and what is wrong with them by the contracts that are known here.
///
/// # Errors
/// `not-found`, `storage.damaged`.
pub fn show(node: &Node, job: Option<&str>) -> Result<Value> {
    let only = job.map(|job| bundle::find(node, job)).transpose()?.map(|row| row.id);
    let contracts = contracts(node)?;
    let (mut all, mut say) = (Vec::new(), Vec::new());
    node.docket()
        .with(node, |book| {
            let readings = &book.ledger.readings;
            let mut jobs: BTreeMap<JobId, Vec<&Reading>> = BTreeMap::new();
            for (_, reading) in readings.iter() {
                if let Subject::Job { job } = reading.subject {
                    jobs.entry(job).or_default().push(reading);
                }
            }
            for (job, of_job) in jobs.into_iter().filter(|(job, _)| only.as_ref().is_none_or(|only| job.0.to_hex() == *only)) {
                let sum = readings.job(job).or_else(|found| crate::docket::kind::all_of(found).map(|()| Counts::default()))?;
                let (en, zh) = counted(&sum);
                let nodes: Vec<&str> = of_job.iter().map(|reading| reading.node.as_str()).collect();
                let tenant = of_job.first().map_or("", |reading| reading.tenant.as_str());
                say.push((
                    format!("{job} for `{tenant}`, counted by {}: {en}", nodes.join(", ")),
                    format!("{job}，用户 `{tenant}`，计量节点 {}：{zh}", nodes.join("、")),
                ));
                all.push(json!({ "job": job, "tenant": tenant, "nodes": nodes, "sum": sum }));
            }
            let against = contracts.iter().flat_map(|contract| readings.against(contract));
            let found: Vec<_> = against.chain(readings.unbalanced()).collect();
            say.extend(found.iter().map(|found| (format!("[{}] {} ({})", found.code, found.what.en, found.party), found.what.zh.clone())));
            Ok(json!({ "jobs": all, "findings": found }))
        })
        .map(|mut said| {
            if say.is_empty() {
                say.push(("no readings".into(), "没有读数".into()));
            }
            said["say"] = lines(say);
            said
        })
}

/// Contracts of all jobs that are known here.
pub(super) fn contracts(node: &Node) -> Result<Vec<Contract>> {
    let rows = node.store().jobs()?;
    Ok(rows.iter().filter_map(|row| Bundle::of(row).ok()).map(|bundle| bundle.contract.payload).collect())
}

/// Waiting times by the jobs that are known here, charges by the invoices that are filed: customers of one class compared (S8).
///
/// # Errors
/// `storage.damaged`.
pub fn fairness(node: &Node) -> Result<Value> {
    let mut asked = Vec::new();
    for row in node.store().jobs()? {
        let Ok(bundle) = Bundle::of(&row) else { continue };
        let begun = node.store().events(&row.id, 0)?.into_iter().find(|event| event.verb == "started").map(|event| event.at);
        // what was refused or failed before it began was never served, and does not wait
        if let Some(tenant) = payer(&bundle).filter(|_| begun.is_some() || !row.state.is_final()) {
            asked.push((tenant.to_owned(), row.created, begun));
        }
    }
    let (served, invoices) = node.docket().with(node, |book| {
        let one = |(tenant, created, begun): (String, i64, Option<i64>)| {
            let asked = Time::from_unix(created);
            let class = book.ledger.classes.of(&tenant, asked);
            Served { tenant, class, asked, begun: begun.map(Time::from_unix) }
        };
        let served: Vec<Served> = asked.into_iter().map(one).collect();
        Ok((served, book.ledger.invoices().cloned().collect::<Vec<Invoice>>()))
    })?;
    let (at, queues) = (now(), queues(&served, now()));
    let mut say: Vec<(String, String)> = queues
        .iter()
        .map(|queue| {
            (
                format!(
                    "{} `{}`: {} requests, median wait {} s, 95% within {} s, {} wait",
                    queue.class, queue.tenant, queue.requests, queue.median, queue.most, queue.waiting
                ),
                format!(
                    "{} `{}`：请求 {} 次，等待中位数 {} 秒，95% 不超过 {} 秒，在等 {} 次",
                    queue.class, queue.tenant, queue.requests, queue.median, queue.most, queue.waiting
                ),
            )
        })
        .collect();
    let found: Vec<_> = unfair_waits(&served, at, Suspicion::DEFAULT).into_iter().chain(unequal_charges(&invoices)).collect();
    if found.is_empty() {
        say.push((
            format!("{} invoices and {} requests compared: alike", invoices.len(), served.len()),
            format!("已比对账单 {} 份、请求 {} 次：一致", invoices.len(), served.len()),
        ));
    }
    say.extend(found.iter().map(|found| (format!("[{}] {} ({})", found.code, found.what.en, found.party), found.what.zh.clone())));
    Ok(json!({ "queues": queues, "findings": found, "ok": found.is_empty(), "say": lines(say) }))
}

/// A month as a person writes it.
pub(super) fn month(text: &str) -> Result<yu_governance::metering::Month> {
    yu_governance::metering::Month::parse(text).map_err(|error| Fault::new(Code::Input, error.to_string()).at("month"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d13_the_system_counts_the_time_of_this_thread() {
        // some kernels do not count; where they do the figure never falls
        let Some(before) = thread_ms() else { return };
        let mut sum = 0_u64;
        for n in 0..20_000_000_u64 {
            sum = std::hint::black_box(sum.wrapping_mul(31).wrapping_add(n));
        }
        assert!(thread_ms().unwrap() >= before, "{sum}");
    }
}
