//! What must not change while an incident is open (S3, 证据固定): the finder names jobs, data sets, nodes and logs; the incident's first step cites the
//! hash of this document, and closing cites it again.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::clock::Time;
use crate::finding::{Checked, refuse};
use crate::id::{DatasetId, JobId, PartyName};
use crate::report::LogRange;
use crate::sign::SignedType;
use crate::text::Text;

/// The manifest, signed by whoever found the incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EvidenceManifest {
    /// Format version, 1.
    pub v: u32,
    /// Name of the incident.
    pub incident: String,
    /// Who found it and signs.
    pub by: PartyName,
    /// What happened, as far as it is known.
    pub what: Text,
    /// Jobs of which nothing is destroyed.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub jobs: BTreeSet<JobId>,
    /// Data sets that are not destroyed.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub datasets: BTreeSet<DatasetId>,
    /// Nodes on which nothing at all is destroyed.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub nodes: BTreeSet<PartyName>,
    /// Logs as they stood: they may go on, and begin as they began.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub logs: BTreeMap<PartyName, LogRange>,
    /// When.
    pub at: Time,
}

impl SignedType for EvidenceManifest {
    const TYPE: &'static str = "evidence-manifest-v1";
}

/// Something that is to be destroyed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doomed<'a> {
    /// What a job left.
    Job(JobId),
    /// A data set with everything that belongs to it.
    Dataset(&'a DatasetId),
    /// Something else, a key for example.
    Other,
}

impl EvidenceManifest {
    /// Checks the content.
    ///
    /// # Errors
    /// `evidence.malformed` for no name, no text, or nothing that is frozen.
    pub fn check(&self) -> Checked<()> {
        let names_nothing = self.jobs.is_empty() && self.datasets.is_empty() && self.nodes.is_empty() && self.logs.is_empty();
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-_./:".contains(c);
        let named = !self.incident.is_empty() && self.incident.len() <= 200 && self.incident.chars().all(plain);
        if self.v != 1 || !named || self.what.is_blank() || names_nothing {
            let what = ("it names no incident, does not say what happened, or freezes nothing", "未列明事件、经过或固定对象");
            return refuse("evidence.malformed", &self.by, what, ("name jobs, data sets, nodes or logs", "列明任务、数据集、节点或日志"));
        }
        Ok(())
    }

    /// Whether something on a node is evidence.
    #[must_use]
    pub fn covers(&self, node: &PartyName, doomed: Doomed<'_>) -> bool {
        self.nodes.contains(node)
            || match doomed {
                Doomed::Job(job) => self.jobs.contains(&job),
                Doomed::Dataset(id) => self.datasets.contains(id),
                Doomed::Other => false,
            }
    }
}
