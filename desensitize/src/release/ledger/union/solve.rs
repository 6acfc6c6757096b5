//! What the equations of several releases tell about hidden cells and about parts that nobody tabulated.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::time::Instant;

use super::super::{Differencing, Entry, Kind};
use super::Union;
use crate::release::Zeros;
use crate::release::attack::{End, Program, extreme};

/// One quantity of all releases about the same people.
struct Attack<'a> {
    equations: Vec<&'a [usize]>,
    known: Vec<Option<f64>>,
    /// Cells of some release: what is hidden in them their own release decided.
    is_cell: HashSet<usize>,
    /// What must stay open.
    open: BTreeMap<usize, (f64, f64)>,
    /// Unknowns that are at least one: cells hidden where zeros are printed.
    positive: HashSet<usize>,
    is_whole: bool,
    /// Parts of fewer people than this must not be known.
    least: Option<f64>,
    until: Instant,
}

/// What is laid open.
type Fault = (Kind, usize);

impl Union {
    /// Everything that the last entry gives away together with the others about the same people.
    pub(in super::super) fn attack(&self, entries: &[&Entry], until: Instant) -> Vec<Differencing> {
        let same: Vec<usize> = (0..entries.len()).filter(|number| self.is_same(entries, *number)).collect();
        let Some(last) = same.iter().rev().nth(1).and_then(|number| entries.get(*number)) else { return Vec::new() };
        let quantities: BTreeSet<&str> =
            same.iter().filter_map(|n| entries.get(*n)).flat_map(|e| &e.quantities).map(|q| q.name.as_str()).collect();
        for name in quantities {
            let fault = Attack::new(self, entries, &same, name, until).and_then(|mut attack| attack.run());
            if let Err((kind, unknown)) = fault {
                return vec![Differencing { kind, earlier: last.id.clone(), group: self.name(unknown) }];
            }
        }
        Vec::new()
    }

    /// Counts that are printed or follow at once.
    pub(super) fn known_counts(&self, entries: &[&Entry]) -> Vec<Option<f64>> {
        let all: Vec<usize> = (0..entries.len()).collect();
        match Attack::new(self, entries, &all, "count", Instant::now()) {
            Ok(mut attack) => {
                attack.derive();
                attack.known
            }
            Err(_) => vec![None; self.keys.len()],
        }
    }
}

impl<'a> Attack<'a> {
    fn new(union: &'a Union, entries: &[&Entry], same: &[usize], name: &str, until: Instant) -> Result<Self, Fault> {
        let is_whole = name == "count";
        let least = same.iter().filter_map(|n| entries.get(*n)).map(|entry| entry.min_frequency).max().unwrap_or(1);
        let equations: BTreeSet<&[usize]> = same.iter().filter_map(|n| union.equations.get(*n)).flatten().map(Vec::as_slice).collect();
        let mut attack = Self {
            equations: equations.into_iter().collect(),
            known: vec![None; union.keys.len()],
            is_cell: HashSet::new(),
            open: BTreeMap::new(),
            positive: HashSet::new(),
            is_whole,
            least: is_whole.then_some(least as f64),
            until,
        };
        for number in same {
            let (Some(entry), Some(unknowns)) = (entries.get(*number), union.cells.get(*number)) else { continue };
            let Some(quantity) = entry.quantities.iter().find(|q| q.name == name) else { continue };
            for (unknown, value) in unknowns.iter().zip(&quantity.values) {
                attack.is_cell.insert(*unknown);
                let known = &mut attack.known[*unknown];
                match (*known, *value) {
                    (Some(a), Some(b)) if (a - b).abs() > 1e-9 * a.abs().max(1.0) => return Err((Kind::Undecided, *unknown)),
                    (_, Some(value)) => *known = Some(value),
                    (_, None) if is_whole && entry.zeros == Zeros::Publish => drop(attack.positive.insert(*unknown)),
                    _ => {}
                }
            }
            for open in &quantity.open {
                let Some(unknown) = unknowns.get(open.cell) else { continue };
                // of two rules the stricter
                let (low, high) = attack.open.entry(*unknown).or_insert((open.low, open.high));
                (*low, *high) = (low.min(open.low), high.max(open.high));
            }
        }
        Ok(attack)
    }

    fn run(&mut self) -> Result<(), Fault> {
        if let Some(unknown) = self.open.keys().find(|unknown| self.known[**unknown].is_some()) {
            return Err((Kind::Printed, *unknown));
        }
        self.derive();
        for (unknown, value) in self.known.iter().enumerate() {
            let Some(value) = value else { continue };
            if self.open.contains_key(&unknown) {
                return Err((Kind::Pinned, unknown));
            }
            if !self.is_cell.contains(&unknown) && self.least.is_some_and(|least| *value > 0.5 && *value < least) {
                return Err((Kind::Isolated, unknown));
            }
        }
        self.parts().iter().try_for_each(|(unknowns, program)| self.attack(unknowns, program))
    }

    /// An equation with one unknown gives it, and so on.
    fn derive(&mut self) {
        let mut of_unknown: HashMap<usize, Vec<usize>> = HashMap::new();
        for (number, equation) in self.equations.iter().enumerate() {
            for unknown in equation.iter().filter(|unknown| self.known[**unknown].is_none()) {
                of_unknown.entry(*unknown).or_default().push(number);
            }
        }
        let mut queue: VecDeque<usize> = (0..self.equations.len()).collect();
        while let Some(number) = queue.pop_front() {
            let Some(equation) = self.equations.get(number) else { continue };
            let mut unknowns = equation.iter().enumerate().filter(|(_, unknown)| self.known[**unknown].is_none());
            if let (Some((at, unknown)), None) = (unknowns.next(), unknowns.next()) {
                self.known[*unknown] = Some(-sign(at) * self.constant(equation));
                queue.extend(of_unknown.get(unknown).into_iter().flatten());
            }
        }
    }

    /// The known terms of an equation.
    fn constant(&self, equation: &[usize]) -> f64 {
        equation.iter().enumerate().map(|(at, unknown)| sign(at) * self.known[*unknown].unwrap_or(0.0)).sum()
    }

    /// What is still unknown, in parts that hang together, as programs.
    fn parts(&self) -> Vec<(Vec<usize>, Program)> {
        let rest: Vec<(Vec<(usize, f64)>, f64)> = self
            .equations
            .iter()
            .map(|equation| {
                let signed = equation.iter().enumerate().filter(|(_, unknown)| self.known[**unknown].is_none());
                (signed.map(|(at, unknown)| (*unknown, sign(at))).collect::<Vec<_>>(), -self.constant(equation))
            })
            .filter(|(terms, _)| !terms.is_empty())
            .collect();
        let mut of_unknown: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (number, (terms, _)) in rest.iter().enumerate() {
            terms.iter().for_each(|(unknown, _)| of_unknown.entry(*unknown).or_default().push(number));
        }
        let mut place: HashMap<usize, usize> = HashMap::new();
        let mut parts = Vec::new();
        for first in of_unknown.keys() {
            if place.contains_key(first) {
                continue;
            }
            place.insert(*first, 0);
            let (mut unknowns, mut rows, mut at) = (vec![*first], BTreeSet::new(), 0);
            while let Some(unknown) = unknowns.get(at).copied() {
                at += 1;
                for number in of_unknown.get(&unknown).into_iter().flatten().filter(|number| rows.insert(**number)) {
                    for (other, _) in rest.get(*number).map_or(&[][..], |(terms, _)| terms) {
                        if !place.contains_key(other) {
                            place.insert(*other, unknowns.len());
                            unknowns.push(*other);
                        }
                    }
                }
            }
            let floor = |unknown: &usize| if self.positive.contains(unknown) { 1.0 } else { 0.0 };
            let bounds = unknowns.iter().map(|unknown| (floor(unknown), f64::INFINITY)).collect();
            let local = |(terms, value): &(Vec<(usize, f64)>, f64)| {
                (terms.iter().filter_map(|(unknown, sign)| Some((*place.get(unknown)?, *sign))).collect(), *value)
            };
            let program = Program { bounds, rows: rows.iter().filter_map(|number| rest.get(*number)).map(local).collect() };
            parts.push((unknowns, program));
        }
        parts
    }

    fn attack(&self, unknowns: &[usize], program: &Program) -> Result<(), Fault> {
        let mut seen: Vec<(f64, f64)> = vec![(f64::INFINITY, f64::NEG_INFINITY); unknowns.len()];
        for (at, unknown) in unknowns.iter().enumerate() {
            let (needed, kind) = match (self.open.get(unknown), self.least) {
                (Some(open), _) => (*open, Kind::Pinned),
                (None, Some(least)) if !self.is_cell.contains(unknown) => ((0.0, least), Kind::Isolated),
                _ => continue,
            };
            let is_reached = |(low, high): (f64, f64)| {
                let slack = 1e-6 * needed.1.abs().max(1e-9);
                let (below, above) = (low <= needed.0 + slack, high >= needed.1 - slack);
                // a part is also open if it may be empty
                if kind == Kind::Isolated { below || above } else { below && above }
            };
            let width = needed.1 - needed.0;
            for (end, stop) in [(End::High, needed.1), (End::Low, needed.0)] {
                if seen.get(at).copied().is_some_and(is_reached) {
                    break;
                }
                let point = extreme(program, at, (end, stop), 1e-3 * width, self.is_whole, self.until);
                let point = point.map_err(|_| (Kind::Undecided, *unknown))?;
                for (place, ((low, high), value)) in seen.iter_mut().zip(point).enumerate() {
                    // sums are as precise as this one needs them
                    let of_other = unknowns.get(place).and_then(|other| self.open.get(other)).map_or(0.0, |(low, high)| high - low);
                    if self.is_whole || place == at || of_other >= width {
                        (*low, *high) = (low.min(value), high.max(value));
                    }
                }
            }
            if !seen.get(at).copied().is_some_and(is_reached) {
                return Err((kind, *unknown));
            }
        }
        Ok(())
    }
}

/// The total of an equation stands first, on the other side.
fn sign(at: usize) -> f64 {
    if at == 0 { -1.0 } else { 1.0 }
}
