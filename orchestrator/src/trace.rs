//! Lineage (P9) from what a node holds: the contracts that it was party to, its own log, and, at the regulator, the replicas of all others.

use crate::fault::{Code, Fault, Result};
use crate::job::bundle::Bundle;
use crate::journal;
use crate::keys::now;
use crate::node::Node;
use crate::supervise;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::PathBuf;
use yu_governance::audit::verify::LogFiles;
use yu_governance::canonical::Hash;
use yu_governance::finding::Finding;
use yu_governance::lineage::{self, Builder, Direction, Fact, Graph, Kind, NodeId, Trace};

pub(crate) fn all(found: Vec<Finding>) -> Fault {
    let place = found.first().map_or("lineage", |finding| finding.code.as_str()).to_owned();
    Fault::new(Code::Verify, found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")).at(place)
}

/// Everything that is known here as a graph.
pub(crate) fn graph(node: &Node) -> Result<Graph> {
    let mut builder = Builder::new(node.ring()?, BTreeSet::new());
    for row in node.store().jobs()? {
        // a proposal that not everybody signed never ran
        if let Ok(admitted) = Bundle::of(&row).and_then(|bundle| bundle.admitted(node)) {
            builder.contract(&admitted);
        }
    }
    products(node, &mut builder)?;
    node.journal().checkpoint_if_due(node.signing(), now())?;
    let mut folders: Vec<PathBuf> = vec![node.home().dir().to_path_buf()];
    folders.extend(supervise::replicas(node)?);
    let files = folders.iter().map(|folder| journal::read_files(folder)).collect::<Result<Vec<_>>>()?;
    let logs: Vec<LogFiles<'_>> = files
        .iter()
        .map(|[entries, checkpoints, countersignatures]| LogFiles { directory: "log", entries, checkpoints, countersignatures })
        .collect();
    let (own, others) = logs.split_at(1);
    builder.logs(own).map_err(all)?;
    // each by itself: one that does not verify at this moment leaves its facts out, and is an alarm of its own
    for log in others {
        if let Err(found) = builder.logs(std::slice::from_ref(log)) {
            tracing::warn!(log = log.directory, found = found.len(), "a replica is left out of the lineage");
        }
    }
    builder.build().map_err(all)
}

/// Versions of products as they were filed, each with the program that serves it.
fn products(node: &Node, builder: &mut Builder) -> Result<()> {
    node.docket().with(node, |book| {
        for (version, at) in book.products.versions.values() {
            let (product, number, contents) = (version.product.clone(), version.number, version.contents.clone());
            let program = Fact::Algorithm { name: format!("{product} {number}"), program: contents.code };
            builder.filed(program, &version.owner, *at);
            builder.filed(Fact::Product { product, number, contents }, &version.owner, *at);
        }
        Ok(())
    })
}

/// The way from a job back to its sources; nothing where the records here cannot be read or contradict each other.
pub(crate) fn sources(node: &Node, job: &str) -> Option<Trace> {
    let job = crate::destroy::parse_job(job).ok()?;
    let traced = graph(node).and_then(|graph| graph.trace(NodeId::new(Kind::Job, job.0), Direction::Backward).map_err(all));
    traced.inspect_err(|fault| tracing::warn!(code = fault.code.as_str(), "the sources of a held result cannot be traced")).ok()
}

/// What a person may mean: a hash, a name, or how the hash of a job begins.
fn meant(node: &Node, graph: &Graph, what: &str) -> Result<Vec<NodeId>> {
    let wanted: Vec<NodeId> = match what.parse::<Hash>().or_else(|_| Hash::from_hex(what)) {
        Ok(hash) => graph.find(&hash),
        Err(_) => {
            let is_job = |id: &NodeId| what.len() >= 6 && id.kind == Kind::Job && id.hash.to_hex().starts_with(what);
            let contracts = node.store().jobs()?.into_iter().filter_map(|row| Bundle::of(&row).ok()).map(|bundle| bundle.contract.payload);
            let inputs = contracts.flat_map(|contract| contract.inputs).filter(|input| input.dataset.as_str() == what);
            let versions: BTreeSet<Hash> = inputs.map(|input| input.version).collect();
            // a product by its name alone is every version of it
            let is_product = |found: &lineage::Node| {
                found.id.kind == Kind::Product && found.names.iter().any(|name| name.split(' ').next() == Some(what))
            };
            let is_meant = |found: &&lineage::Node| {
                found.names.contains(what) || is_product(found) || is_job(&found.id) || versions.contains(&found.id.hash)
            };
            graph.nodes().filter(is_meant).map(|found| found.id).collect()
        }
    };
    if wanted.is_empty() {
        let what =
            format!("`{}`: neither a hash, nor a data set, nor a product, nor a job of which anything is known here", what.escape_debug());
        return Err(Fault::new(Code::NotFound, what).party(node.name()));
    }
    Ok(wanted)
}

/// Where something comes from, and what became of it: in words, as data, as a picture.
///
/// # Errors
/// `not-found`; `verify.failed` when records contradict each other or a log does not verify.
pub fn trace(node: &Node, what: &str, backward: bool, forward: bool) -> Result<Value> {
    let graph = graph(node)?;
    let (mut say, mut traces) = (Vec::new(), Vec::new());
    for id in meant(node, &graph, what)? {
        for (direction, wanted) in [(Direction::Backward, backward), (Direction::Forward, forward)] {
            if !wanted {
                continue;
            }
            let trace = graph.trace(id, direction).map_err(all)?;
            let text = trace.tell();
            say.push((text.en, text.zh));
            let json = String::from_utf8(trace.to_json()?).map_err(|_| Fault::new(Code::Bug, "a trace is text"))?;
            traces.push(json!({ "of": id.to_string(), "direction": direction, "trace": serde_json::from_str::<Value>(&json).unwrap_or_default(), "svg": trace.to_svg() }));
        }
    }
    Ok(json!({ "traces": traces, "say": crate::verbs::lines(say) }))
}
