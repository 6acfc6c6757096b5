//! Backward: of what was it made? Forward: where did it go?

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::graph::{Arrow, Graph, Node};
use super::{Kind, NodeId};
use crate::canonical::Hash;
use crate::finding::{Checked, Finding, refuse};
use crate::id::PartyName;
use crate::text::Text;

/// Which way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// To the sources (来源可溯).
    Backward,
    /// To the products and their callers (去向可查).
    Forward,
}

/// A record that others cite and that is not here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gap {
    /// What is missing.
    pub node: NodeId,
    /// What cites it; the node itself if only its run was recorded.
    pub cited_by: NodeId,
    /// Who should have it.
    pub ask: PartyName,
}

impl Gap {
    /// In words.
    #[must_use]
    pub fn tell(&self) -> Text {
        let Self { node, cited_by, ask } = self;
        Text::new(
            format!("the record of {node} is not here ({cited_by} cites it): ask {ask}"),
            format!("此处没有{}的记录（由{}引用）：请向 {ask} 索取", node.zh(), cited_by.zh()),
        )
    }
}

/// One line of a trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What.
    pub node: Node,
    /// Longest way from the node that was asked about, in arrows.
    pub depth: usize,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trace {
    /// What was asked about.
    pub of: NodeId,
    /// Which way.
    pub direction: Direction,
    /// Everything that was reached: by depth, then by kind, then by hash.
    pub steps: Vec<Step>,
    /// The arrows between them, sorted.
    pub arrows: Vec<Arrow>,
    /// What is missing among them: the answer is complete if this is empty.
    pub gaps: Vec<Gap>,
}

impl Trace {
    /// Whether every record is here.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.gaps.is_empty()
    }

    /// What was reached of one kind, in the order of the trace.
    pub fn of_kind(&self, kind: Kind) -> impl Iterator<Item = &Node> {
        self.steps.iter().map(|step| &step.node).filter(move |node| node.id.kind == kind)
    }
}

impl Graph {
    /// Follows the arrows from one node.
    ///
    /// # Errors
    /// `lineage.unknown` if the node is not in the graph.
    pub fn trace(&self, of: NodeId, direction: Direction) -> Checked<Trace> {
        if self.get(&of).is_none() {
            let what = (format!("{of} is in none of the records"), format!("记录中没有{}", of.zh()));
            return refuse("lineage.unknown", "this node", what, ("check the hash, or obtain more records", "核对摘要或获取更多记录"));
        }
        let mut next: BTreeMap<NodeId, Vec<NodeId>> = BTreeMap::new();
        for Arrow { from, to } in self.arrows() {
            let (here, there) = if direction == Direction::Forward { (from, to) } else { (to, from) };
            next.entry(*here).or_default().push(*there);
        }
        let mut reached = BTreeSet::from([of]);
        let mut open = vec![of];
        while let Some(here) = open.pop() {
            open.extend(next.get(&here).into_iter().flatten().copied().filter(|there| reached.insert(*there)));
        }
        let arrows: Vec<Arrow> = self.arrows().filter(|a| reached.contains(&a.from) && reached.contains(&a.to)).copied().collect();
        // ranks of the whole graph put every node behind its sources, so one pass in their order finds the longest ways
        let ranks = self.ranks();
        let mut order: Vec<NodeId> = reached.iter().copied().collect();
        order.sort_by_key(|id| (ranks.get(id).copied().unwrap_or_default(), *id));
        if direction == Direction::Backward {
            order.reverse();
        }
        let mut depths: BTreeMap<NodeId, usize> = BTreeMap::from([(of, 0)]);
        for here in order {
            let depth = depths.get(&here).copied().unwrap_or_default();
            for there in next.get(&here).into_iter().flatten() {
                let known = depths.entry(*there).or_default();
                *known = (depth + 1).max(*known);
            }
        }
        let mut steps: Vec<Step> = reached
            .iter()
            .filter_map(|id| Some(Step { node: self.get(id)?.clone(), depth: depths.get(id).copied().unwrap_or_default() }))
            .collect();
        steps.sort_by_key(|step| (step.depth, step.node.id));
        let gaps = self.gaps().filter(|gap| reached.contains(&gap.node)).cloned().collect();
        Ok(Trace { of, direction, steps, arrows, gaps })
    }

    /// Compares what a product version states as its sources with what the records say: sources for the review (O6). Incomplete
    /// records prove nothing, so a gap is a finding as well.
    ///
    /// # Errors
    /// `lineage.unknown`, as [`Graph::trace`].
    pub fn audit_sources(&self, product: NodeId) -> Checked<Vec<Finding>> {
        let trace = self.trace(product, Direction::Backward)?;
        let reached: BTreeSet<Hash> = trace.of_kind(Kind::Dataset).map(|node| node.id.hash).collect();
        let made: BTreeSet<Hash> = trace.of_kind(Kind::Derivative).map(|node| node.id.hash).collect();
        let none = BTreeSet::new();
        let stated = self.stated_sources(&product).unwrap_or(&none);
        let owner = self.get(&product).and_then(|node| node.by.first()).map_or_else(String::new, ToString::to_string);
        let mut found = Vec::new();
        for hash in reached.difference(stated) {
            let id = NodeId::new(Kind::Dataset, *hash);
            let what = (format!("{product} rests on {id} and does not state it"), format!("{}使用了{}而未注明", product.zh(), id.zh()));
            found.push(Finding::new("lineage.source-unstated", &owner, what, ("state all sources: a new version", "补全来源，另立新版本")));
        }
        for hash in stated.difference(&reached).filter(|hash| !made.contains(hash)) {
            let id = NodeId::new(Kind::Dataset, *hash);
            let what =
                (format!("{product} states {id}, which no record leads to"), format!("{}注明了{}，但没有记录可证", product.zh(), id.zh()));
            found.push(Finding::new("lineage.source-unproved", &owner, what, ("supply the records of the jobs", "补交相关任务记录")));
        }
        for gap in &trace.gaps {
            let Text { en, zh } = gap.tell();
            found.push(Finding::new("lineage.gap", &gap.ask, (en, zh), ("obtain the record", "索取该记录")));
        }
        Ok(found)
    }
}
