//! What was used: readings signed by the nodes that counted.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::canonical::{Hash, parse_u64};
use crate::clock::Time;
use crate::contract::Contract;
use crate::finding::{Checked, Finding, broken, refuse};
use crate::id::{AuthorisationId, JobId, PartyName, document_hash};
use crate::sign::{KeyRing, Signed, SignedType};
use crate::workflow::Word as _;
use crate::workflow::word::words;

words! {
    /// What is counted.
    Unit {
        BytesSent = "bytes-sent", "发送字节", "Bytes sent over channels.";
        BytesReceived = "bytes-received", "接收字节", "Bytes received over channels.";
        Rounds = "rounds", "轮数", "Rounds of communication.";
        CpuMs = "cpu-ms", "处理器毫秒", "Processor time in milliseconds.";
        GpuMs = "gpu-ms", "图形处理器毫秒", "Time of a graphics processor in milliseconds.";
        EnclaveMs = "enclave-ms", "可信环境毫秒", "Time in an enclave in milliseconds.";
        MemoryMbS = "memory-mb-s", "内存兆字节秒", "Memory: megabytes times seconds.";
        StorageMbDay = "storage-mb-day", "存储兆字节日", "Storage: megabytes times days.";
        Rows = "rows", "行数", "Rows read.";
        Runs = "runs", "运行次数", "Runs of a job.";
        Calls = "calls", "调用次数", "Calls of a product.";
    }
}

/// Amounts by unit; a unit that is not named is zero. Numbers are decimal strings: no count is too large for JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "BTreeMap<Unit, String>", into = "BTreeMap<Unit, String>")]
pub struct Counts(BTreeMap<Unit, u64>);

impl Counts {
    /// From pairs; zero amounts are left out, of a unit named twice the last counts.
    #[must_use]
    pub fn of(pairs: &[(Unit, u64)]) -> Self {
        Self(pairs.iter().copied().filter(|(_, amount)| *amount > 0).collect())
    }

    /// The amount of a unit.
    #[must_use]
    pub fn get(&self, unit: Unit) -> u64 {
        self.0.get(&unit).copied().unwrap_or_default()
    }

    /// Sum; nothing if it is beyond what a counter holds.
    #[must_use]
    pub fn plus(&self, other: &Self) -> Option<Self> {
        let mut sum = self.clone();
        for (unit, amount) in &other.0 {
            let known = sum.0.entry(*unit).or_default();
            *known = known.checked_add(*amount)?;
        }
        Some(sum)
    }

    /// In the order of the units.
    pub fn iter(&self) -> impl Iterator<Item = (Unit, u64)> {
        self.0.iter().map(|(unit, amount)| (*unit, *amount))
    }
}

impl TryFrom<BTreeMap<Unit, String>> for Counts {
    type Error = String;

    fn try_from(texts: BTreeMap<Unit, String>) -> Result<Self, String> {
        let amount = |(unit, text): (Unit, String)| match parse_u64(&text) {
            Some(amount) if amount > 0 => Ok((unit, amount)),
            _ => Err(format!("`{unit}`: expected a positive decimal number in a string")),
        };
        texts.into_iter().map(amount).collect::<Result<_, _>>().map(Self)
    }
}

impl From<Counts> for BTreeMap<Unit, String> {
    fn from(counts: Counts) -> Self {
        counts.0.into_iter().map(|(unit, amount)| (unit, amount.to_string())).collect()
    }
}

/// What a reading is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Subject {
    /// One job.
    Job {
        /// Its contract.
        job: JobId,
    },
    /// Calls of one product version on one day; the ticket tells two such readings apart.
    Product {
        /// Hash of the version's contents.
        product: Hash,
        /// Hash of the list of calls.
        ticket: Hash,
    },
    /// Storage that an authorisation kept on one day.
    Storage {
        /// Hash of the inventory of that day.
        inventory: Hash,
    },
}

/// What one node counted, signed by it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reading {
    /// Format version, 1.
    pub v: u32,
    /// The node that counted and signs.
    pub node: PartyName,
    /// Of what.
    pub subject: Subject,
    /// The organisation that pays.
    pub tenant: String,
    /// The authorisation under which it happened; that of a laboratory makes it free.
    pub authorisation: AuthorisationId,
    /// How much.
    pub counts: Counts,
    /// When it was complete.
    pub at: Time,
}

impl SignedType for Reading {
    const TYPE: &'static str = "meter-reading-v1";
}

/// All readings of a domain: each node counts each subject once.
#[derive(Debug, Clone, Default)]
pub struct Book {
    readings: BTreeMap<(PartyName, Subject), (Hash, Reading)>,
}

impl Book {
    /// No readings yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes a reading in. The same one again changes nothing: what is replayed is not charged twice.
    ///
    /// # Errors
    /// `meter.signature`; `meter.malformed`; `meter.conflict` if the node has counted the subject otherwise.
    pub fn add(&mut self, signed: &Signed<Reading>, keys: &KeyRing) -> Checked<Hash> {
        let node = &signed.payload.node;
        let reading = signed.verify(keys, &[node.as_str()]).map_err(|error| broken("meter.signature", node, &error))?;
        if reading.v != 1 || reading.tenant.trim().is_empty() || reading.authorisation.environment() != node.environment() {
            let what = (
                "the reading has another format, no tenant, or an authorisation of another environment",
                "读数格式不符、缺少租户或环境不符",
            );
            return refuse("meter.malformed", node, what, ("let the node write it again", "由该节点重新出具"));
        }
        let hash = document_hash(reading).map_err(|error| broken("meter.malformed", node, &error))?;
        match self.readings.get(&(node.clone(), reading.subject.clone())) {
            Some((known, _)) if *known == hash => Ok(hash),
            Some(_) => {
                let what = ("the node signed two different readings of one subject", "该节点对同一对象出具了两份不同读数");
                refuse("meter.conflict", node, what, ("compare both with the node's log", "与该节点日志核对"))
            }
            None => {
                self.readings.insert((node.clone(), reading.subject.clone()), (hash, reading.clone()));
                Ok(hash)
            }
        }
    }

    /// All readings with their hashes.
    pub fn iter(&self) -> impl Iterator<Item = (Hash, &Reading)> {
        self.readings.values().map(|(hash, reading)| (*hash, reading))
    }

    /// The sum of one job over all nodes.
    ///
    /// # Errors
    /// `meter.overflow`.
    pub fn job(&self, job: JobId) -> Checked<Counts> {
        sum(self.iter().map(|(_, r)| r).filter(|r| r.subject == Subject::Job { job }))
    }

    /// What the readings of a job contradict in its contract: a node that has no part in it, another authorisation (that of a
    /// laboratory would make a formal run free), and nodes that charge it to different tenants.
    #[must_use]
    pub fn against(&self, contract: &Contract) -> Vec<Finding> {
        let job = contract.id().ok();
        let is_of_job = |reading: &&Reading| matches!(reading.subject, Subject::Job { job: of } if Some(of) == job);
        let readings: Vec<&Reading> = self.iter().map(|(_, reading)| reading).filter(is_of_job).collect();
        let mut found = Vec::new();
        for reading in &readings {
            let wrong = [
                (contract.party(&reading.node).is_none(), "meter.stranger", "the node has no part in the job", "该节点未参与任务"),
                (
                    reading.authorisation != contract.authorisation.id,
                    "meter.authorisation",
                    "the reading names another authorisation than the contract",
                    "读数所列授权与合约不符",
                ),
                (
                    readings.first().is_some_and(|first| first.tenant != reading.tenant),
                    "meter.tenant",
                    "the reading names another tenant than the other nodes",
                    "读数所列租户与其他节点不一致",
                ),
            ];
            let remedy = ("let the node write the reading again", "由该节点重新出具读数");
            let wrong = wrong.into_iter().filter(|(is_wrong, ..)| *is_wrong);
            found.extend(wrong.map(|(_, code, en, zh)| Finding::new(code, &reading.node, (en, zh), remedy)));
        }
        found
    }

    /// Jobs of which the nodes sent more or fewer bytes than they received: one of the meters is wrong, or a node has not
    /// reported yet. A job of which only one node has reported is not judged.
    #[must_use]
    pub fn unbalanced(&self) -> Vec<Finding> {
        let mut jobs: BTreeMap<JobId, Vec<&Reading>> = BTreeMap::new();
        for (_, reading) in self.iter() {
            if let Subject::Job { job } = reading.subject {
                jobs.entry(job).or_default().push(reading);
            }
        }
        let judge = |(job, readings): (JobId, Vec<&Reading>)| {
            let total = |unit| readings.iter().map(|r| u128::from(r.counts.get(unit))).sum::<u128>();
            let (sent, received) = (total(Unit::BytesSent), total(Unit::BytesReceived));
            if readings.len() < 2 || sent == received {
                return None;
            }
            let nodes = readings.iter().map(|r| r.node.to_string()).collect::<Vec<_>>().join(", ");
            let what = (
                format!("the nodes of job {job} sent {sent} bytes and received {received}"),
                format!("任务 {job} 各节点共发送 {sent} 字节、接收 {received} 字节"),
            );
            Some(Finding::new("meter.unbalanced", nodes, what, ("compare the meters channel by channel", "按通道逐一核对计量")))
        };
        jobs.into_iter().filter_map(judge).collect()
    }
}

/// The sum of readings.
pub(crate) fn sum<'a>(readings: impl Iterator<Item = &'a Reading>) -> Checked<Counts> {
    let mut sum = Counts::default();
    for reading in readings {
        let Some(next) = sum.plus(&reading.counts) else {
            let what = ("the counters add up to more than a counter holds", "计量总和超出可表示范围");
            return refuse("meter.overflow", &reading.node, what, ("check this node's meter", "检查该节点计量"));
        };
        sum = next;
    }
    Ok(sum)
}

/// A unit in both languages.
pub(super) fn named(unit: Unit) -> (&'static str, &'static str) {
    (unit.as_str(), unit.zh())
}
