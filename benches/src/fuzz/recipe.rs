//! An input as numbers: which seed, and which changes, one after the other.

use std::fmt;

use super::mutate::mutate;
use super::target::Target;
use crate::Result;

/// Longest chain of changes.
pub const MOST_STEPS: usize = 12;

/// How an input is made from a seed. Whoever has the vectors can make it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recipe {
    seed: u16,
    length: u8,
    steps: [u32; MOST_STEPS],
}

impl Recipe {
    /// A seed as it is.
    #[must_use]
    pub fn of_seed(seed: usize) -> Self {
        Self { seed: u16::try_from(seed).unwrap_or(0), length: 0, steps: [0; MOST_STEPS] }
    }

    /// Number of the seed in its target.
    #[must_use]
    pub fn seed(&self) -> usize {
        usize::from(self.seed)
    }

    /// The changes.
    #[must_use]
    pub fn steps(&self) -> &[u32] {
        &self.steps[..usize::from(self.length)]
    }

    /// One change more; `None` if there are as many as may be.
    #[must_use]
    pub fn then(mut self, step: u32) -> Option<Self> {
        *self.steps.get_mut(usize::from(self.length))? = step;
        self.length += 1;
        Some(self)
    }

    /// The input.
    #[must_use]
    pub fn make(&self, target: &Target) -> Vec<u8> {
        let start = target.seeds.get(self.seed()).map(|seed| seed.bytes.clone()).unwrap_or_default();
        self.steps().iter().fold(start, |bytes, step| change(target, &bytes, *step))
    }

    /// One line of a corpus.
    #[must_use]
    pub fn line(&self, target: &Target) -> String {
        let seed = target.seeds.get(self.seed()).map_or("", |seed| seed.name.as_str());
        self.steps().iter().fold(format!("{} {seed}", target.name), |line, step| format!("{line} {step:08x}"))
    }

    /// Reads a line of a corpus: the number of the target and the recipe.
    ///
    /// # Errors
    /// An unknown target or seed, steps that are no numbers, too many of them.
    pub fn parse(line: &str, targets: &[Target]) -> Result<(usize, Self)> {
        let mut words = line.split_whitespace();
        let (name, seed) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let wrong = |what: &str| format!("`{}`: {what}", line.chars().take(100).collect::<String>());
        let index = targets.iter().position(|target| target.name == name).ok_or_else(|| wrong("no such target"))?;
        let seed = targets[index].seeds.iter().position(|own| own.name == seed).ok_or_else(|| wrong("no such seed"))?;
        let mut recipe = Self::of_seed(seed);
        for word in words {
            let step = u32::from_str_radix(word, 16).map_err(|_| wrong("a step that is no number"))?;
            recipe = recipe.then(step).ok_or_else(|| wrong("more than 12 steps"))?;
        }
        Ok((index, recipe))
    }
}

/// One change: pieces come from the target's own seeds.
pub(super) fn change(target: &Target, bytes: &[u8], step: u32) -> Vec<u8> {
    let donors: Vec<&[u8]> = target.seeds.iter().map(|seed| seed.bytes.as_slice()).collect();
    mutate(bytes, step, &donors, target.form)
}

impl fmt::Display for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "seed {}", self.seed)?;
        self.steps().iter().try_for_each(|step| write!(f, " {step:08x}"))
    }
}
