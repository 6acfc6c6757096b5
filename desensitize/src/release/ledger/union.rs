//! Printed numbers of several releases as equations about the same people.

mod columns;
mod solve;

use std::collections::{BTreeSet, HashMap, HashSet};

use super::{Differencing, Entry, Kind};
use crate::release::Given;
use columns::Column;

/// More cells than this in one union are not decided.
const MAX_UNION: usize = 6_000_000;

/// Most groups that one new cell is compared with.
const MAX_PAIRS: usize = 10_000;

/// Unknown numbers of people, each named by a set of values of each column, and what adds up to what.
pub(super) struct Union {
    columns: Vec<Column>,
    keys: Vec<Vec<u32>>,
    numbers: HashMap<Vec<u32>, usize>,
    /// For each entry: its equations, total first.
    equations: Vec<Vec<Vec<usize>>>,
    /// For each entry: the unknowns of its own cells, in their order.
    cells: Vec<Vec<usize>>,
}

impl Union {
    pub(super) fn new(entries: &[&Entry]) -> Option<Self> {
        let names: BTreeSet<&str> = entries.iter().flat_map(|entry| &entry.dimensions).map(|d| d.name()).collect();
        let columns: Vec<Column> = names.into_iter().map(|name| Column::new(name, entries)).collect();
        let mut union = Self { columns, keys: Vec::new(), numbers: HashMap::new(), equations: Vec::new(), cells: Vec::new() };
        let mut size = 0_usize;
        for number in 0..entries.len() {
            let trees = union.trees_of(number, entries)?;
            let own = trees.iter().try_fold(1_usize, |n, (_, length)| n.checked_mul(*length))?;
            size = size.checked_add(own).filter(|size| *size <= MAX_UNION)?;
            union.add(number, &trees);
        }
        Some(union)
    }

    /// Column and number of nodes for each dimension of an entry.
    fn trees_of(&self, number: usize, entries: &[&Entry]) -> Option<Vec<(usize, usize)>> {
        let of = |name: &str| {
            let at = self.columns.iter().position(|column| column.name == name)?;
            Some((at, self.columns.get(at)?.trees.get(number)?.as_ref()?.set.len()))
        };
        entries.get(number)?.dimensions.iter().map(|d| of(d.name())).collect()
    }

    fn add(&mut self, entry: usize, trees: &[(usize, usize)]) {
        let total: usize = trees.iter().map(|(_, length)| length).product();
        let mut strides = vec![1; trees.len()];
        for at in (1..trees.len()).rev() {
            strides[at - 1] = strides[at] * trees[at].1;
        }
        let (mut unknowns, mut own) = (Vec::with_capacity(total), Vec::new());
        for cell in 0..total {
            let mut key = vec![0; self.columns.len()];
            let mut is_own = true;
            for ((at, length), stride) in trees.iter().zip(&strides) {
                let node = cell / stride % length;
                if let Some(Some(tree)) = self.columns[*at].trees.get(entry) {
                    key[*at] = tree.set[node];
                    is_own &= node < tree.own;
                }
            }
            let next = self.keys.len();
            let unknown = *self.numbers.entry(key).or_insert_with_key(|key| {
                self.keys.push(key.clone());
                next
            });
            unknowns.push(unknown);
            if is_own {
                own.push(unknown);
            }
        }
        let mut equations = BTreeSet::new();
        for ((at, length), stride) in trees.iter().zip(&strides) {
            let Some(Some(tree)) = self.columns[*at].trees.get(entry) else { continue };
            for cell in 0..total {
                let node = cell / stride % length;
                let children = &tree.children[node];
                // a code with one part only is that part
                let parts: Vec<usize> = children.iter().map(|child| unknowns[cell - node * stride + child * stride]).collect();
                if !parts.is_empty() && parts != [unknowns[cell]] {
                    equations.insert([vec![unknowns[cell]], parts].concat());
                }
            }
        }
        self.cells.push(own);
        self.equations.push(equations.into_iter().collect());
    }

    /// Names of the codes of an unknown.
    fn name(&self, unknown: usize) -> String {
        let key = self.keys.get(unknown).map_or(&[][..], Vec::as_slice);
        let named = self.columns.iter().zip(key).filter(|(_, set)| **set != 0);
        named.map(|(c, set)| format!("{}={}", c.name, c.names.get(*set as usize).map_or("", String::as_str))).collect::<Vec<_>>().join(", ")
    }

    /// Printed counts of an entry with their unknowns.
    pub(super) fn counts<'a>(&'a self, entry: &'a Entry, number: usize) -> impl Iterator<Item = (usize, f64)> + 'a {
        let printed = entry.quantities.iter().filter(|q| q.name == "count").flat_map(|q| &q.values);
        self.cells.get(number).into_iter().flatten().zip(printed).filter_map(|(unknown, value)| Some((*unknown, (*value)?)))
    }

    /// Whether an unknown is everybody.
    pub(super) fn is_total(&self, unknown: usize) -> bool {
        self.keys.get(unknown).is_some_and(|key| key.iter().all(|set| *set == 0))
    }

    /// Whether an earlier entry is about the people of the last one: by its origin, or because nothing printed says otherwise.
    fn is_same(&self, entries: &[&Entry], number: usize) -> bool {
        let (Some(entry), Some(new)) = (entries.get(number), entries.last()) else { return false };
        if entry.origin == new.origin {
            return true;
        }
        let of_new: HashMap<usize, f64> = self.counts(new, entries.len() - 1).collect();
        let mut common = self.counts(entry, number).filter_map(|(unknown, value)| Some(value == *of_new.get(&unknown)?)).peekable();
        common.peek().is_some() && common.all(|is_equal| is_equal)
    }

    /// Pairs of printed groups, one within the other or the same, that differ by a few people.
    pub(super) fn subsets(&self, entries: &[&Entry]) -> Vec<Differencing> {
        let Some((new, earlier)) = entries.split_last() else { return Vec::new() };
        let mut found = Vec::new();
        let related: Vec<_> = self.columns.iter().map(Column::related).collect();
        for (number, entry) in earlier.iter().enumerate() {
            let least = entry.min_frequency.max(new.min_frequency) as f64;
            let known: HashMap<usize, f64> = self.counts(entry, number).collect();
            let fault = |kind, unknown| Differencing { kind, earlier: entry.id.clone(), group: self.name(unknown) };
            let is_few = |a: f64, b: f64| a != b && (a - b).abs() < least;
            for (unknown, value) in self.counts(new, earlier.len()) {
                match known.get(&unknown) {
                    Some(other) if entry.origin != new.origin && is_few(*other, value) => found.push(fault(Kind::Changed, unknown)),
                    Some(other) if entry.origin == new.origin && *other != value => found.push(fault(Kind::Undecided, unknown)),
                    _ => {}
                }
                let Some(others) = self.containing(unknown, &related) else {
                    found.push(fault(Kind::Undecided, unknown));
                    break;
                };
                if others.iter().filter_map(|other| known.get(other)).any(|other| is_few(*other, value)) {
                    found.push(fault(Kind::Subset, unknown));
                }
                if !found.is_empty() {
                    return found;
                }
            }
        }
        found
    }

    /// Unknowns that contain one, or that it contains, in all columns; `None` if there are too many.
    fn containing(&self, unknown: usize, related: &[Vec<[Vec<u32>; 2]>]) -> Option<Vec<usize>> {
        let key = self.keys.get(unknown)?;
        let mut found = Vec::new();
        for direction in 0..2 {
            let mut keys: Vec<Vec<u32>> = vec![Vec::new()];
            for (set, related) in key.iter().zip(related) {
                let others = related.get(*set as usize).and_then(|both| both.get(direction)).map_or(&[][..], Vec::as_slice);
                keys = keys.iter().flat_map(|k| std::iter::once(set).chain(others).map(move |s| [k.as_slice(), &[*s]].concat())).collect();
                if keys.len() > MAX_PAIRS {
                    return None;
                }
            }
            found.extend(keys.iter().filter(|other| *other != key).filter_map(|other| self.numbers.get(other)).copied());
        }
        Some(found)
    }

    /// Cells of the last entry that the others print, or hide.
    pub(super) fn given(&self, entries: &[&Entry]) -> Given {
        let mut given = Given::default();
        let Some((_, earlier)) = entries.split_last() else { return given };
        let known = self.known_counts(entries);
        let of_others: HashSet<usize> = self.cells.iter().take(earlier.len()).flatten().copied().collect();
        for (cell, unknown) in self.cells.last().into_iter().flatten().enumerate() {
            if known.get(*unknown).is_some_and(Option::is_some) {
                given.printed.push(cell);
            } else if of_others.contains(unknown) {
                given.hidden.push(cell);
            }
        }
        given
    }
}
