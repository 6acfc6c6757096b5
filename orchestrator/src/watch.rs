//! What people ask a node about safety and supervision: drills, patrols, reports, packages of evidence.

use crate::fault::Result;
use crate::node::Node;
use crate::reporting::package::Brought;
use crate::{drills, patrols, reporting};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use yu_governance::canonical::Hash;
use yu_governance::clock::Time;
use yu_governance::report::Purpose;
use yu_governance::text::Text;

/// A question.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "about", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum WatchAsk {
    /// Stop a job of an authorisation as a drill.
    DrillInject {
        /// Authorisation.
        authorisation: String,
        /// Which job; absent: the youngest.
        job: Option<String>,
        /// What is assumed to have happened.
        scenario: Text,
    },
    /// How soon everybody reacted.
    DrillTimes {
        /// How the injection's hash begins.
        injection: String,
    },
    /// Draft the record.
    DrillRecord {
        /// How the injection's hash begins.
        injection: String,
        /// Documents that show the steps which no entry of the log shows.
        shown: Vec<Hash>,
        /// What must be better.
        shortcomings: Vec<Text>,
    },
    /// Look at a peer's log and file what was found (regulator).
    Patrol {
        /// Peer.
        node: String,
    },
    /// Draw the yearly report.
    Annual {
        /// First second.
        from: Time,
        /// First second behind it.
        to: Time,
        /// Texts of people as TOML.
        narrative: String,
        /// File it as well.
        file: bool,
    },
    /// Draw the numbers of a filed one again.
    AnnualCheck {
        /// How its hash begins.
        report: String,
    },
    /// Draw the public disclosure.
    Disclosure {
        /// First second.
        from: Time,
        /// First second behind it.
        to: Time,
        /// What is said beside.
        text: Text,
        /// File it as well.
        file: bool,
    },
    /// Make a package of evidence.
    PackageMake {
        /// What for.
        purpose: Purpose,
        /// Who inspects or accepts.
        inspector: String,
        /// Documents that people bring.
        brought: Vec<Brought>,
    },
    /// Sign one as the inspector.
    PackageSign {
        /// The manifest.
        manifest: Value,
    },
    /// Keys by which packages are checked elsewhere.
    PackageKeys,
}

/// Answers.
///
/// # Errors
/// The fault that a person is shown.
pub fn answer(node: &Arc<Node>, ask: WatchAsk) -> Result<Value> {
    match ask {
        WatchAsk::DrillInject { authorisation, job, scenario } => drills::inject(node, &authorisation, job.as_deref(), scenario),
        WatchAsk::DrillTimes { injection } => drills::times(node, &injection),
        WatchAsk::DrillRecord { injection, shown, shortcomings } => drills::record(node, &injection, &shown, shortcomings),
        WatchAsk::Patrol { node: peer } => patrols::go(node, &peer),
        WatchAsk::Annual { from, to, narrative, file } => reporting::yearly::annual(node, (from, to), &narrative, file),
        WatchAsk::AnnualCheck { report } => reporting::yearly::check(node, &report),
        WatchAsk::Disclosure { from, to, text, file } => reporting::yearly::disclosure(node, (from, to), text, file),
        WatchAsk::PackageMake { purpose, inspector, brought } => reporting::package::make(node, purpose, &inspector, &brought),
        WatchAsk::PackageSign { manifest } => reporting::package::countersign(node, manifest),
        WatchAsk::PackageKeys => reporting::package::keys(node),
    }
}
