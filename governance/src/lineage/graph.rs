//! Records, contracts and logs put together.
//!
//! The order in which they come changes nothing. What makes the graph contradict itself is refused as a whole and named: a graph
//! with one forged arrow answers no question.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::record::{Fact, Output, Record};
use super::trace::Gap;
use super::version::Versions;
use super::{Kind, NodeId};
use crate::audit::verify::NodeReport;
use crate::audit::{LogFiles, verify};
use crate::canonical::Hash;
use crate::clock::Time;
use crate::contract::{Admitted, Contract};
use crate::finding::{Checked, Finding, broken, refuse, unless};
use crate::id::{JobId, PartyName, ProductId, document_hash};
use crate::sign::{KeyRing, Signed};

/// Something in the graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Node {
    /// Its name by content.
    pub id: NodeId,
    /// What people call it; several for one file that several catalogues hold.
    pub names: BTreeSet<String>,
    /// Who vouches for it.
    pub by: BTreeSet<PartyName>,
    /// When it was first recorded; absent if it is only cited.
    pub since: Option<Time>,
}

/// `from` went into `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Arrow {
    /// Source.
    pub from: NodeId,
    /// What was made of it.
    pub to: NodeId,
}

/// Collects what is to become a graph.
#[derive(Debug, Clone)]
pub struct Builder {
    keys: KeyRing,
    gateways: BTreeSet<PartyName>,
    contracts: BTreeMap<JobId, Contract>,
    /// Each fact with who states it, and since when.
    facts: BTreeMap<Fact, BTreeMap<PartyName, Time>>,
}

impl Builder {
    /// Nothing yet. `gateways` are the nodes whose word counts for calls (O7).
    #[must_use]
    pub const fn new(keys: KeyRing, gateways: BTreeSet<PartyName>) -> Self {
        Self { keys, gateways, contracts: BTreeMap::new(), facts: BTreeMap::new() }
    }

    /// A contract that all its parties signed.
    pub fn contract(&mut self, admitted: &Admitted) {
        self.contracts.insert(admitted.id(), admitted.contract().clone());
    }

    /// A signed record; the same one twice is one.
    ///
    /// # Errors
    /// `lineage.signature`, `lineage.malformed`.
    pub fn record(&mut self, signed: &Signed<Record>) -> Checked<()> {
        let recorder = &signed.payload.recorder;
        let record = signed.verify(&self.keys, &[recorder.as_str()]).map_err(|error| broken("lineage.signature", recorder, &error))?;
        if record.v != 1 || !record.fact.is_sound() {
            let what = ("the record has another format, or a name or number that cannot be meant", "记录格式不符，或名称、编号无效");
            return refuse("lineage.malformed", recorder, what, ("write the record again", "重新出具记录"));
        }
        self.state(record.fact.clone(), recorder.clone(), record.at);
        Ok(())
    }

    /// A fact that a filed document states; the caller has verified who signed it and when it was filed.
    pub fn filed(&mut self, fact: Fact, by: &PartyName, at: Time) {
        if fact.is_sound() {
            self.state(fact, by.clone(), at);
        }
    }

    /// The facts in logs up to their last checkpoints; logs are verified first, each by itself and against each other. How many
    /// were taken.
    ///
    /// # Errors
    /// `lineage.log` for a log with a problem, without a checkpoint, or of a node that signs with another key than the one known here.
    pub fn logs(&mut self, logs: &[LogFiles<'_>]) -> Checked<usize> {
        let report = verify(logs);
        let mut found = Vec::new();
        for (log, about) in logs.iter().zip(&report.nodes) {
            let party = about.node.as_ref().map_or_else(|| log.directory.to_owned(), ToString::to_string);
            if !about.problems.is_empty() || log.key().is_none() || log.key().as_ref() != self.keys.get(&party) {
                let what = ("its log does not verify, or under another key than is known here", "其日志未通过验证，或密钥与本方所知不符");
                found.push(Finding::new("lineage.log", party, what, ("obtain the log again from the node", "向该节点重新获取日志")));
            } else if about.uncovered >= about.entries {
                let what = ("no checkpoint covers its log yet", "其日志尚无检查点覆盖");
                found.push(Finding::new("lineage.log", party, what, ("wait for the next checkpoint", "等待下一检查点")));
            }
        }
        unless(found, ())?;
        let mut taken = 0;
        // what no checkpoint covers yet is no fact yet
        let covered = |about: &NodeReport| usize::try_from(about.entries.saturating_sub(about.uncovered)).unwrap_or_default();
        for entry in logs.iter().zip(&report.nodes).flat_map(|(log, about)| log.read().take(covered(about))) {
            if let Some(fact) = Fact::of_entry(&entry) {
                self.state(fact, entry.node, entry.time);
                taken += 1;
            }
        }
        Ok(taken)
    }

    fn state(&mut self, fact: Fact, by: PartyName, at: Time) {
        let since = self.facts.entry(fact).or_default().entry(by).or_insert(at);
        *since = at.min(*since);
    }

    /// The graph, with what is missing in it.
    ///
    /// # Errors
    /// All at once: `lineage.signer` for a fact stated by one who does not answer for it, `lineage.conflict` for parties that
    /// contradict each other, `lineage.version-silent`, `lineage.version-same`, `lineage.cycle` naming everything on it.
    pub fn build(&self) -> Checked<Graph> {
        let mut graph = Graph::default();
        let mut found = Vec::new();
        for (job, contract) in &self.contracts {
            graph.contract(*job, contract);
        }
        let mut products: BTreeMap<&ProductId, Versions> = BTreeMap::new();
        for (fact, by) in &self.facts {
            for party in by.keys().filter(|party| !self.may_state(fact, party)) {
                found.push(not_entitled(fact, party));
            }
            if let Fact::Product { product, number, contents } = fact {
                found.extend(products.entry(product).or_default().add(product, *number, contents).err().into_iter().flatten());
            }
            graph.fact(fact, by);
        }
        found.extend(self.conflicts());
        unless(found, ())?;
        graph.settle();
        graph.refuse_cycles()?;
        self.gaps(&mut graph);
        Ok(graph)
    }

    /// Who answers for a fact. Facts about a job whose contract is missing are kept, and the contract is a gap.
    fn may_state(&self, fact: &Fact, by: &PartyName) -> bool {
        match fact {
            Fact::Dataset { dataset, .. } => by.organisation() == dataset.organisation() && by.environment() == dataset.environment(),
            Fact::Product { product, .. } => by.organisation() == product.organisation() && by.environment() == product.environment(),
            Fact::Algorithm { .. } => true,
            Fact::Called { .. } => self.gateways.contains(by),
            Fact::Ran { job, .. } | Fact::Made { job, .. } => self.contracts.get(job).is_none_or(|c| c.party(by).is_some()),
        }
    }

    /// What two parties, or two records, say differently.
    fn conflicts(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        let mut runs: BTreeMap<JobId, (&Fact, &PartyName)> = BTreeMap::new();
        let mut makers: BTreeMap<(Output, Hash), (JobId, &PartyName)> = BTreeMap::new();
        for (fact, by) in &self.facts {
            let Some(party) = by.keys().next() else { continue };
            match fact {
                Fact::Ran { job, .. } => {
                    if let Some((_, other)) = runs.insert(*job, (fact, party)) {
                        found.push(conflict(NodeId::new(Kind::Job, job.0), other, party));
                    }
                }
                Fact::Made { job, output, content } => {
                    if let Some((_, other)) = makers.insert((*output, *content), (*job, party)).filter(|(known, _)| known != job) {
                        found.push(conflict(NodeId::new(output.kind(), *content), other, party));
                    }
                }
                Fact::Dataset { .. } | Fact::Algorithm { .. } | Fact::Product { .. } | Fact::Called { .. } => {}
            }
        }
        found
    }

    /// Names every node that is cited and not recorded, with whom to ask: the data set's provider, or whoever cites it.
    fn gaps(&self, graph: &mut Graph) {
        let unknown: Vec<NodeId> = graph.nodes.values().filter(|node| node.since.is_none()).map(|node| node.id).collect();
        for node in unknown {
            let cited_by = graph.arrows.iter().find(|arrow| arrow.from == node).map_or(node, |arrow| arrow.to);
            let provider = self.contracts.values().flat_map(|c| &c.inputs).find(|i| i.version == node.hash).map(|i| i.party.clone());
            let vouching = |id: &NodeId| graph.nodes.get(id).and_then(|n| n.by.first().cloned());
            let ask = provider.filter(|_| node.kind == Kind::Dataset).or_else(|| vouching(&cited_by)).or_else(|| vouching(&node));
            if let Some(ask) = ask {
                graph.gaps.insert(node, Gap { node, cited_by, ask });
            }
        }
    }
}

fn not_entitled(fact: &Fact, party: &PartyName) -> Finding {
    let (en, zh) = match fact {
        Fact::Dataset { dataset, .. } => (format!("data set `{dataset}`"), format!("数据集 `{dataset}`")),
        Fact::Product { product, .. } => (format!("product `{product}`"), format!("产品 `{product}`")),
        Fact::Algorithm { program, .. } => (format!("algorithm {program}"), format!("算法 {program}")),
        Fact::Called { ticket, .. } => (format!("call {ticket}"), format!("调用 {ticket}")),
        Fact::Ran { job, .. } | Fact::Made { job, .. } => (format!("job {job}"), format!("任务 {job}")),
    };
    let what = (format!("`{party}` states a fact about {en}, for which it does not answer"), format!("`{party}` 无权记录 {zh} 的事实"));
    Finding::new("lineage.signer", party, what, ("ask the owner, a party of the job, or the gateway", "由所有者、任务参与方或网关出具"))
}

fn conflict(node: NodeId, one: &PartyName, other: &PartyName) -> Finding {
    let what =
        (format!("`{one}` and `{other}` say different things about {node}"), format!("`{one}` 与 `{other}` 对{}的记录不一致", node.zh()));
    Finding::new("lineage.conflict", other, what, ("let both compare their logs", "请双方核对各自日志"))
}

/// What follows from all records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Graph {
    pub(super) nodes: BTreeMap<NodeId, Node>,
    pub(super) arrows: BTreeSet<Arrow>,
    pub(super) gaps: BTreeMap<NodeId, Gap>,
    /// What each product version says that it was made from.
    stated: BTreeMap<NodeId, BTreeSet<Hash>>,
}

impl Graph {
    /// All nodes, sorted.
    pub fn nodes(&self) -> impl Iterator<Item = &Node> {
        self.nodes.values()
    }

    /// The node of this name.
    #[must_use]
    pub fn get(&self, id: &NodeId) -> Option<&Node> {
        self.nodes.get(id)
    }

    /// The nodes that have this hash: one, unless a file is used as two things.
    #[must_use]
    pub fn find(&self, hash: &Hash) -> Vec<NodeId> {
        self.nodes.keys().filter(|id| id.hash == *hash).copied().collect()
    }

    /// All arrows, sorted.
    pub fn arrows(&self) -> impl Iterator<Item = &Arrow> {
        self.arrows.iter()
    }

    /// Everything that is missing.
    pub fn gaps(&self) -> impl Iterator<Item = &Gap> {
        self.gaps.values()
    }

    /// Versions of data sets that a product version states as sources.
    #[must_use]
    pub fn stated_sources(&self, product: &NodeId) -> Option<&BTreeSet<Hash>> {
        self.stated.get(product)
    }

    fn put(&mut self, id: NodeId, name: Option<String>, by: Option<(&PartyName, Time)>) {
        let node = self.nodes.entry(id).or_insert_with(|| Node { id, names: BTreeSet::new(), by: BTreeSet::new(), since: None });
        node.names.extend(name);
        if let Some((party, at)) = by {
            node.by.insert(party.clone());
            node.since = Some(node.since.map_or(at, |since| since.min(at)));
        }
    }

    fn join(&mut self, from: NodeId, to: NodeId) {
        self.arrows.insert(Arrow { from, to });
    }

    /// Files have one node each: rows that a job made are a derivative wherever they are used, and what a product rests on is
    /// of the kind as which it was made.
    fn settle(&mut self) {
        let is_made = |id: &NodeId| self.nodes.get(id).is_some_and(|node| node.since.is_some());
        let settled = |id: NodeId| {
            let kinds: &[Kind] = match id.kind {
                Kind::Dataset => &[Kind::Derivative],
                Kind::Model if !is_made(&id) => &[Kind::Result, Kind::Derivative],
                _ => &[],
            };
            kinds.iter().map(|kind| NodeId::new(*kind, id.hash)).find(is_made).unwrap_or(id)
        };
        let arrows: BTreeSet<Arrow> = self.arrows.iter().map(|a| Arrow { from: settled(a.from), to: settled(a.to) }).collect();
        let moved: Vec<NodeId> = self.nodes.keys().copied().filter(|id| settled(*id) != *id).collect();
        let places: Vec<(NodeId, NodeId)> = moved.into_iter().map(|id| (id, settled(id))).collect();
        for (old, new) in places {
            let Some(node) = self.nodes.remove(&old) else { continue };
            self.nodes.entry(new).and_modify(|kept| {
                kept.names.extend(node.names);
                kept.by.extend(node.by);
            });
        }
        self.arrows = arrows;
        let ends: Vec<NodeId> = self.arrows.iter().flat_map(|a| [a.from, a.to]).collect();
        ends.into_iter().for_each(|id| self.put(id, None, None));
    }

    /// Steps from the sources, the longest way; `None` for what lies on a cycle or behind one.
    pub(super) fn ranks(&self) -> BTreeMap<NodeId, usize> {
        let mut open: BTreeMap<NodeId, usize> = self.nodes.keys().map(|id| (*id, 0)).collect();
        for arrow in &self.arrows {
            open.entry(arrow.to).and_modify(|count| *count += 1);
        }
        let mut after: BTreeMap<NodeId, Vec<NodeId>> = BTreeMap::new();
        self.arrows.iter().for_each(|a| after.entry(a.from).or_default().push(a.to));
        let mut ready: Vec<NodeId> = open.iter().filter(|(_, count)| **count == 0).map(|(id, _)| *id).collect();
        let mut ranks: BTreeMap<NodeId, usize> = ready.iter().map(|id| (*id, 0)).collect();
        while let Some(here) = ready.pop() {
            let next = ranks.get(&here).map_or(0, |rank| rank + 1);
            for to in after.get(&here).into_iter().flatten() {
                let rank = ranks.entry(*to).or_insert(next);
                *rank = next.max(*rank);
                if let Some(count) = open.get_mut(to) {
                    *count -= 1;
                    if *count == 0 {
                        ready.push(*to);
                    }
                }
            }
        }
        ranks.retain(|id, _| open.get(id) == Some(&0));
        ranks
    }

    /// Nothing is made of itself. Hashes make that impossible for honest records.
    fn refuse_cycles(&self) -> Checked<()> {
        let ranks = self.ranks();
        // behind a cycle is not on it: peel off what leads nowhere within the rest
        let mut rest: BTreeSet<NodeId> = self.nodes.keys().filter(|id| !ranks.contains_key(id)).copied().collect();
        loop {
            let leads = |id: &NodeId| self.arrows.iter().any(|a| a.from == *id && rest.contains(&a.to));
            let kept: BTreeSet<NodeId> = rest.iter().filter(|id| leads(id)).copied().collect();
            if kept.len() == rest.len() {
                break;
            }
            rest = kept;
        }
        let Some(first) = rest.first() else { return Ok(()) };
        let parties: BTreeSet<&PartyName> = rest.iter().filter_map(|id| self.nodes.get(id)).flat_map(|node| &node.by).collect();
        let party = parties.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let names = |name: fn(&NodeId) -> String, glue: &str| rest.iter().map(name).collect::<Vec<_>>().join(glue);
        let party = if party.is_empty() { first.to_string() } else { party };
        let what = (
            format!("these are made of each other: {}", names(ToString::to_string, ", ")),
            format!("下列各项互为来源：{}", names(NodeId::zh, "、")),
        );
        refuse("lineage.cycle", party, what, ("one of the records is false: compare them with the logs", "其中必有不实记录，请与日志核对"))
    }

    fn contract(&mut self, job: JobId, contract: &Contract) {
        let id = NodeId::new(Kind::Job, job.0);
        for party in &contract.parties {
            self.put(id, Some(contract.title.en.clone()), Some((&party.name, contract.created)));
        }
        for input in &contract.inputs {
            self.join(NodeId::new(Kind::Dataset, input.version), id);
        }
    }

    fn fact(&mut self, fact: &Fact, by: &BTreeMap<PartyName, Time>) {
        let (id, name, from): (NodeId, Option<String>, Vec<NodeId>) = match fact {
            Fact::Dataset { dataset, version } => (NodeId::new(Kind::Dataset, *version), Some(dataset.to_string()), Vec::new()),
            Fact::Algorithm { name, program } => (NodeId::new(Kind::Algorithm, *program), Some(name.clone()), Vec::new()),
            Fact::Ran { job, algorithms, models } => {
                let algorithms = algorithms.iter().map(|h| NodeId::new(Kind::Algorithm, *h));
                let from = algorithms.chain(models.iter().map(|h| NodeId::new(Kind::Model, *h))).collect();
                let id = NodeId::new(Kind::Job, job.0);
                from_into(self, id, from);
                // the run is known; whether the contract is decides on whether the job is a gap
                self.put(id, None, None);
                self.nodes.entry(id).and_modify(|node| node.by.extend(by.keys().cloned()));
                return;
            }
            Fact::Made { job, output, content } => (NodeId::new(output.kind(), *content), None, vec![NodeId::new(Kind::Job, job.0)]),
            Fact::Product { product, number, contents } => {
                let Ok(hash) = document_hash(contents) else { return };
                let id = NodeId::new(Kind::Product, hash);
                self.stated.insert(id, contents.sources.clone());
                // what kind of thing the artefact is follows from who made it; see `settle`
                let from = vec![NodeId::new(Kind::Algorithm, contents.code), NodeId::new(Kind::Model, contents.model)];
                (id, Some(format!("{product} {number}")), from)
            }
            Fact::Called { product, consumer, ticket } => {
                (NodeId::new(Kind::Call, *ticket), Some(consumer.clone()), vec![NodeId::new(Kind::Product, *product)])
            }
        };
        for (party, at) in by {
            self.put(id, name.clone(), Some((party, *at)));
        }
        from_into(self, id, from);
    }
}

fn from_into(graph: &mut Graph, to: NodeId, from: Vec<NodeId>) {
    from.into_iter().for_each(|from| graph.join(from, to));
}
