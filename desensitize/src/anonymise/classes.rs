//! Class tables: the groups of rows that share a generalised key, and their roll-up to a coarser node.

use super::key::Key;

/// Least slots per class: collisions are rare.
const SPACE: usize = 4;

/// Slots to begin with. A coarser node usually has few classes: its slots then stay in the first cache.
const FIRST_SLOTS: usize = 2048;

/// Counts of one sensitive column, class after class.
#[derive(Clone, Debug, Default)]
pub(super) struct Sparse {
    /// Where the entries of each class begin; one more than classes.
    pub(super) start: Vec<u32>,
    /// Value and rows.
    pub(super) entries: Vec<(u32, u32)>,
}

impl Sparse {
    pub(super) fn of(&self, class: usize) -> &[(u32, u32)] {
        match (self.start.get(class), self.start.get(class + 1)) {
            (Some(from), Some(to)) => self.entries.get(*from as usize..*to as usize).unwrap_or(&[]),
            _ => &[],
        }
    }
}

/// Classes of one node of the lattice.
#[derive(Clone, Debug, Default)]
pub(super) struct Classes<K> {
    pub(super) keys: Vec<K>,
    pub(super) rows: Vec<u32>,
    /// People of the population table per class; empty without one.
    pub(super) people: Vec<u32>,
    /// Per sensitive column.
    pub(super) sensitive: Vec<Sparse>,
}

/// How one column's field changes between two nodes.
pub(super) struct Step<'a> {
    pub(super) shift: u32,
    pub(super) mask: u32,
    /// Code on the new level of each code on the old one; `None` where the new level is the top, whose code is 0.
    pub(super) map: Option<&'a [u32]>,
}

/// Memory that roll-ups use again and again.
#[derive(Default)]
pub(super) struct Scratch<K> {
    slots: Vec<u32>,
    coarse: Vec<K>,
    keys: Vec<K>,
    rows: Vec<u32>,
    people: Vec<u32>,
    target: Vec<u32>,
    begin: Vec<u32>,
    sorted: Vec<u32>,
    counter: Vec<u32>,
    touched: Vec<u32>,
}

impl<K: Key> Classes<K> {
    /// The classes after the steps; `values` is the number of values of each sensitive column.
    pub(super) fn roll_up(&self, steps: &[Step<'_>], values: &[usize], scratch: &mut Scratch<K>) -> Self {
        let mut clear = K::default();
        for step in steps {
            clear = clear.join(K::of(step.mask, step.shift));
        }
        scratch.coarse.clear();
        scratch.coarse.extend(self.keys.iter().map(|key| key.without(clear)));
        for step in steps {
            let Some(map) = step.map else { continue };
            for (coarse, key) in scratch.coarse.iter_mut().zip(&self.keys) {
                // INVARIANT: keys hold codes of the old level only, and the map has an entry for each of them
                *coarse = coarse.join(K::of(map[key.get(step.shift, step.mask) as usize], step.shift));
            }
        }
        let classes = self.group(scratch);
        // exact copies: the buffers are far larger than what is kept
        let mut new = Self { keys: scratch.keys[..classes].to_vec(), rows: scratch.rows[..classes].to_vec(), ..Self::default() };
        if !self.people.is_empty() {
            new.people = scratch.people[..classes].to_vec();
        }
        for (sparse, size) in self.sensitive.iter().zip(values) {
            new.sensitive.push(merge(sparse, classes, *size, scratch));
        }
        new
    }

    /// Numbers the coarse keys and adds up their rows. Open addressing, linear probing; a slot holds the number of a class
    /// plus one. Whether a key is new is no branch: it is written behind the known ones first, and counts if it is. How many
    /// classes there will be is not known: the slots grow with them.
    fn group(&self, scratch: &mut Scratch<K>) -> usize {
        let most = (self.keys.len().max(8) * SPACE).next_power_of_two();
        let Scratch { slots, coarse, keys, rows, people, target, .. } = scratch;
        rows.clear();
        rows.resize(self.keys.len(), 0);
        keys.resize(keys.len().max(self.keys.len() + 1), K::default());
        let needs_target = !self.people.is_empty() || !self.sensitive.is_empty();
        target.clear();
        let (mut size, mut classes, mut done) = (most.min(FIRST_SLOTS), 0, 0);
        loop {
            index(&keys[..classes], size, slots);
            let room = if size == most { usize::MAX } else { size / SPACE };
            let left = (&coarse[done..], &self.rows[done..]);
            let seen = if needs_target {
                fill(left, slots, (keys, rows), &mut classes, room, |number| target.push(number))
            } else {
                fill(left, slots, (keys, rows), &mut classes, room, |_| {})
            };
            done += seen;
            if done == coarse.len() {
                break;
            }
            size = (size * 4).min(most);
        }
        people.clear();
        people.resize(if self.people.is_empty() { 0 } else { classes }, 0);
        for (count, number) in self.people.iter().zip(target.iter()) {
            people[*number as usize] += count;
        }
        classes
    }
}

/// Slots for the classes that are known.
fn index<K: Key>(keys: &[K], size: usize, slots: &mut Vec<u32>) {
    slots.clear();
    slots.resize(size, 0);
    let shift = 64 - size.trailing_zeros();
    for (number, key) in (1u32..).zip(keys) {
        let mut slot = (key.mix() >> shift) as usize;
        while slots[slot] != 0 {
            slot = (slot + 1) & (size - 1);
        }
        slots[slot] = number;
    }
}

/// Groups rows until all are done or there is no room for one more class: how many were done.
fn fill<K: Key>(
    (coarse, counts): (&[K], &[u32]),
    slots: &mut [u32],
    (keys, rows): (&mut [K], &mut [u32]),
    classes: &mut usize,
    room: usize,
    mut each: impl FnMut(u32),
) -> usize {
    let (shift, last) = (64 - slots.len().trailing_zeros(), slots.len() - 1);
    let mut known = *classes;
    let mut done = 0;
    for (key, count) in coarse.iter().zip(counts) {
        if known >= room {
            break;
        }
        let mut slot = (key.mix() >> shift) as usize;
        keys[known] = *key;
        let number = loop {
            let found = slots[slot & last] as usize;
            let number = if found == 0 { known } else { found - 1 };
            if keys[number] == *key {
                slots[slot & last] = number as u32 + 1;
                known += usize::from(found == 0);
                break number;
            }
            slot += 1;
        };
        rows[number] += count;
        each(number as u32);
        done += 1;
    }
    *classes = known;
    done
}

/// Counts of the old classes added up per new class (`scratch.target`).
fn merge<K>(old: &Sparse, classes: usize, values: usize, scratch: &mut Scratch<K>) -> Sparse {
    let Scratch { target, begin, sorted, counter, touched, .. } = scratch;
    begin.clear();
    begin.resize(classes + 1, 0);
    for class in target.iter() {
        begin[*class as usize + 1] += 1;
    }
    for class in 0..classes {
        begin[class + 1] += begin[class];
    }
    sorted.clear();
    sorted.resize(target.len(), 0);
    for (from, class) in (0u32..).zip(target.iter()) {
        let place = &mut begin[*class as usize];
        sorted[*place as usize] = from;
        *place += 1;
    }
    counter.clear();
    counter.resize(values, 0);
    let mut new = Sparse { start: Vec::with_capacity(classes + 1), entries: Vec::new() };
    new.start.push(0);
    let mut first = 0;
    for last in begin.iter().take(classes).map(|last| *last as usize) {
        for from in &sorted[first..last] {
            for (value, count) in old.of(*from as usize) {
                let total = &mut counter[*value as usize];
                if *total == 0 {
                    touched.push(*value);
                }
                *total += count;
            }
        }
        first = last;
        for value in touched.drain(..) {
            new.entries.push((value, std::mem::take(&mut counter[value as usize])));
        }
        new.start.push(new.entries.len() as u32);
    }
    new
}
