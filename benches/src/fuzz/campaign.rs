//! Executions without end: inputs whose answer is new are kept and changed further.

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::execute::{Done, Fall, execute};
use super::mutate::Rng;
use super::recipe::{Recipe, change};
use super::target::Target;

/// Inputs of one target that are kept in memory.
const KEPT: usize = 2048;
/// Inputs longer than this are run, not kept.
const LONGEST_KEPT: usize = 24 << 10;
/// Failures of one target, after which it is not run further.
const MOST_FAILURES: usize = 20;

/// What one target did.
#[derive(Debug, Default)]
pub struct Tally {
    /// Executions.
    pub executions: u64,
    /// Inputs that the reader took.
    pub accepted: u64,
    /// Ways through the reader that were seen.
    ways: HashSet<u64>,
    /// Wall time of all executions.
    pub time: Duration,
    /// The slowest.
    pub slowest: Duration,
    /// Most bytes at once.
    pub peak: u64,
    /// Inputs that were new, in the order in which they were found.
    pub kept: Vec<Recipe>,
    inputs: Vec<Vec<u8>>,
    /// What must not happen, with its input.
    pub failures: Vec<(Recipe, Fall)>,
}

impl Tally {
    /// Ways through the reader that were seen.
    #[must_use]
    pub fn ways(&self) -> usize {
        self.ways.len()
    }

    /// Runs one input; keeps it if its answer is new.
    fn run(&mut self, target: &Target, recipe: Recipe, input: Vec<u8>) {
        self.executions += 1;
        match execute(target, &recipe, &input) {
            Ok(done) => self.note(&done, recipe, input),
            // one failure of each kind is enough; a panic names its place
            Err(fall) if self.failures.iter().any(|(_, other)| same(other, &fall)) => {}
            Err(fall) => self.failures.push((recipe, fall)),
        }
    }

    fn note(&mut self, done: &Done, recipe: Recipe, input: Vec<u8>) {
        self.accepted += u64::from(done.outcome.is_accepted);
        self.time += done.time;
        self.slowest = self.slowest.max(done.time);
        self.peak = self.peak.max(done.taken.peak);
        if self.kept.len() < KEPT && input.len() <= LONGEST_KEPT && self.ways.insert(done.way()) {
            self.kept.push(recipe);
            self.inputs.push(input);
        }
    }

    /// The next input: a kept one, the newest more often than the others, with one change more.
    fn next(&self, target: &Target, rng: &mut Rng) -> (Recipe, Vec<u8>) {
        let from = match rng.below(4) {
            0 => rng.below(target.seeds.len()),
            1 => self.kept.len().saturating_sub(1 + rng.below(32)),
            _ => rng.below(self.kept.len()),
        };
        let step = rng.word();
        let parent = self.kept.get(from).copied().unwrap_or(Recipe::of_seed(0));
        match (parent.then(step), self.inputs.get(from)) {
            (Some(recipe), Some(input)) => (recipe, change(target, input, step)),
            _ => {
                let seed = rng.below(target.seeds.len());
                let recipe = Recipe::of_seed(seed).then(step).unwrap_or(Recipe::of_seed(seed));
                (recipe, change(target, &target.seeds[seed].bytes, step))
            }
        }
    }
}

fn same(one: &Fall, other: &Fall) -> bool {
    match (one, other) {
        (Fall::Panic(one), Fall::Panic(other)) => one == other,
        (Fall::Memory(_), Fall::Memory(_)) | (Fall::Slow(_), Fall::Slow(_)) => true,
        _ => false,
    }
}

/// What all threads share.
#[derive(Debug, Default)]
pub struct Shared {
    /// Executions of all threads.
    pub executions: AtomicU64,
    /// No more.
    pub stop: AtomicBool,
    /// What each thread runs: target, recipe, since when.
    pub running: Vec<Mutex<Option<(usize, Recipe, Instant)>>>,
}

/// How much one thread does.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Number of the thread.
    pub thread: usize,
    /// First number of its randomness.
    pub seed: u64,
    /// Its executions.
    pub executions: u64,
}

/// Runs all targets in turn, each as often as its weight says, starting with the seeds and `corpus`.
#[must_use]
pub fn run(targets: &[Target], corpus: &[(usize, Recipe)], plan: Plan, shared: &Shared) -> Vec<Tally> {
    let mut rng = Rng::new(plan.seed ^ 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(u64::try_from(plan.thread).unwrap_or(0) + 1));
    let mut tallies: Vec<Tally> = targets.iter().map(|_| Tally::default()).collect();
    let mut left = plan.executions;
    let mut one = |tally: &mut Tally, index: usize, recipe: Recipe, input: Vec<u8>| {
        if let Some(slot) = shared.running.get(plan.thread) {
            *slot.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some((index, recipe, Instant::now()));
        }
        tally.run(&targets[index], recipe, input);
        shared.executions.fetch_add(1, Ordering::Relaxed);
        left = left.saturating_sub(1);
        left > 0 && !shared.stop.load(Ordering::Relaxed)
    };
    for (index, (target, tally)) in targets.iter().zip(&mut tallies).enumerate() {
        for seed in 0..target.seeds.len() {
            one(tally, index, Recipe::of_seed(seed), target.seeds[seed].bytes.clone());
        }
    }
    for (index, recipe) in corpus {
        one(&mut tallies[*index], *index, *recipe, recipe.make(&targets[*index]));
    }
    loop {
        for (index, (target, tally)) in targets.iter().zip(&mut tallies).enumerate() {
            for _ in 0..target.weight {
                if tally.failures.len() >= MOST_FAILURES {
                    break;
                }
                let (recipe, input) = tally.next(target, &mut rng);
                if !one(tally, index, recipe, input) {
                    return tallies;
                }
            }
        }
        if tallies.iter().all(|tally| tally.failures.len() >= MOST_FAILURES) {
            return tallies;
        }
    }
}
