//! One column in the classifications of several releases, split until they agree.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::super::Entry;
use crate::release::Dimension;

/// A column: every code of every release is a set of *atoms*, values that all releases treat alike.
pub(super) struct Column {
    pub(super) name: String,
    /// The sets; number 0 is everything.
    sets: Vec<Vec<u32>>,
    pub(super) names: Vec<String>,
    /// For each entry that has the column.
    pub(super) trees: Vec<Option<Tree>>,
}

/// The codes of one release, then the atoms below its leaves.
pub(super) struct Tree {
    pub(super) set: Vec<u32>,
    pub(super) children: Vec<Vec<usize>>,
    /// Codes that the release itself has.
    pub(super) own: usize,
}

impl Column {
    pub(super) fn new(name: &str, entries: &[&Entry]) -> Self {
        let dimensions: Vec<Option<&Dimension>> = entries.iter().map(|e| e.dimensions.iter().find(|d| d.name() == name)).collect();
        let values: BTreeSet<&String> = dimensions.iter().flatten().flat_map(|d| d.values().keys()).collect();
        let mut atoms: HashMap<Vec<Option<usize>>, u32> = HashMap::new();
        let mut of_value: BTreeMap<&String, u32> = BTreeMap::new();
        let mut names: Vec<String> = Vec::new();
        for value in values {
            let alike = dimensions.iter().map(|d| d.and_then(|d| d.values().get(value).copied())).collect();
            let next = atoms.len() as u32;
            let atom = *atoms.entry(alike).or_insert(next);
            match names.get_mut(atom as usize) {
                None => names.push(value.clone()),
                Some(name) if !name.ends_with('…') => name.push('…'),
                Some(_) => {}
            }
            of_value.insert(value, atom);
        }
        let everything: Vec<u32> = (0..atoms.len() as u32).collect();
        let mut known = HashMap::from([(everything.clone(), 0)]);
        let mut column = Self { name: name.to_owned(), sets: vec![everything], names: vec!["*".into()], trees: Vec::new() };
        column.trees = dimensions.iter().map(|d| d.map(|d| column.tree(d, &of_value, &names, &mut known))).collect();
        column
    }

    fn tree(&mut self, d: &Dimension, of_value: &BTreeMap<&String, u32>, names: &[String], known: &mut HashMap<Vec<u32>, u32>) -> Tree {
        let mut covers: Vec<BTreeSet<u32>> = vec![BTreeSet::new(); d.len()];
        for (value, leaf) in d.values() {
            for node in d.path(*leaf) {
                covers[node].extend(of_value.get(value));
            }
        }
        let mut number = |set: Vec<u32>, name: &str| {
            let next = self.sets.len() as u32;
            *known.entry(set).or_insert_with_key(|set| {
                self.sets.push(set.clone());
                self.names.push(name.to_owned());
                next
            })
        };
        // everybody is within a classification, else the table would not have been made
        let mut set: Vec<u32> = vec![0];
        set.extend(
            covers.iter().enumerate().skip(1).map(|(node, cover)| number(cover.iter().copied().collect(), d.code(node).unwrap_or(""))),
        );
        let mut children: Vec<Vec<usize>> = (0..d.len()).map(|node| d.children(node).to_vec()).collect();
        for node in 0..d.len() {
            let Some(cover) = covers.get(node).filter(|cover| cover.len() > 1 && d.children(node).is_empty()) else { continue };
            for atom in cover {
                children[node].push(set.len());
                children.push(Vec::new());
                set.push(number(vec![*atom], names.get(*atom as usize).map_or("", String::as_str)));
            }
        }
        Tree { set, children, own: d.len() }
    }

    /// For each set those that contain it and those that it contains, unless both stand in one release.
    pub(super) fn related(&self) -> Vec<[Vec<u32>; 2]> {
        let mut related = vec![[Vec::new(), Vec::new()]; self.sets.len()];
        let trees: Vec<HashSet<u32>> = self.trees.iter().flatten().map(|tree| tree.set.iter().take(tree.own).copied().collect()).collect();
        let codes: BTreeSet<u32> = trees.iter().flatten().copied().collect();
        let sets: HashMap<u32, HashSet<u32>> =
            codes.iter().filter_map(|code| Some((*code, self.sets.get(*code as usize)?.iter().copied().collect()))).collect();
        // one classification everywhere: nothing to compare
        if trees.windows(2).all(|pair| matches!(pair, [a, b] if a == b)) {
            return related;
        }
        for (small, of_small) in &sets {
            for (large, of_large) in &sets {
                let is_within = small != large && of_small.len() < of_large.len() && of_small.is_subset(of_large);
                if is_within && !trees.iter().any(|tree| tree.contains(small) && tree.contains(large)) {
                    related[*small as usize][0].push(*large);
                    related[*large as usize][1].push(*small);
                }
            }
        }
        related
    }
}
